# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests that start ansible-playbook, or a module in a process of its own, use the fixtures of the unit tests."""

from __future__ import annotations

from unit.conftest import forget_warnings, run_module, without_pauses

__all__ = ["forget_warnings", "run_module", "without_pauses"]
