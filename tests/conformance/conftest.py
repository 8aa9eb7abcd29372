# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints the table of conformance after the tests."""

from __future__ import annotations

import pytest

from conformance.report import Report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    made = config.stash.get(Report.KEY, None)
    if made is not None:
        terminalreporter.write_sep("-", "conformance")
        terminalreporter.write_line(made.text())
