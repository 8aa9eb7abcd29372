# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OpenProject's command line C(rails runner), anywhere."""

from __future__ import annotations

import typing as t

RUNNER_OPTIONS: dict[str, dict[str, t.Any]] = {
    "runner_command": {"type": "list", "elements": "str", "default": []},
    "runner_exec": {"type": "list", "elements": "str", "default": []},
    "runner_timeout": {"type": "float", "default": 600.0},
}
