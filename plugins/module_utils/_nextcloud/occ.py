# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""occ, Nextcloud's command line, anywhere."""

from __future__ import annotations

import typing as t

OCC_OPTIONS: dict[str, dict[str, t.Any]] = {
    "occ_command": {"type": "list", "elements": "str", "default": ["php", "/var/www/nextcloud/occ"]},
    "occ_exec": {"type": "list", "elements": "str", "default": []},
    "occ_timeout": {"type": "float", "default": 300.0},
}
