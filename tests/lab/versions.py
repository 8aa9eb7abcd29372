# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pairs that matter most: what holds on the oldest and on the newest one holds between them.

@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_something(pair): ... Lab(*pair)
"""

from __future__ import annotations

from lab.nextcloud.profiles import PROFILES as NEXTCLOUDS
from lab.openproject.profiles import PROFILES as OPENPROJECTS

OLDEST = (next(iter(NEXTCLOUDS)), next(iter(OPENPROJECTS)))
NEWEST = (next(reversed(NEXTCLOUDS)), next(reversed(OPENPROJECTS)))
PAIRS = (OLDEST, NEWEST)
