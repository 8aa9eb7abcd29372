# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds what the product sends in the tests of this session against the list of what it may send."""

from __future__ import annotations

import pytest

from conformance.sent import Sent
from lab.plumbing import OBSERVERS

SENT = pytest.StashKey[Sent]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[SENT] = Sent()
    OBSERVERS.append(config.stash[SENT].observe)


def pytest_unconfigure(config: pytest.Config) -> None:
    OBSERVERS.remove(config.stash[SENT].observe)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if session.config.stash[SENT].unlisted and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    sent = config.stash[SENT]
    if sent.count:
        terminalreporter.write_line(sent.text())
