# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recorded exchanges that the lab does not reproduce, each with its reason. Whatever differs and is not here fails."""

from __future__ import annotations

EXCEPTIONS: dict[str, dict[int, str]] = {}
