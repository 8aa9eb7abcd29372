# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pairs that were tried: the oldest and the newest, each as Nextcloud and OpenProject.

@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_something(pair): ... Lab(*pair)
"""

from __future__ import annotations

OLDEST = ("29", "15.4")
NEWEST = ("34", "16.3")
PAIRS = (OLDEST, NEWEST)
