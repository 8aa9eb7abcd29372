# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one table of versions: what is supported, what was recorded on real servers, what was tried. A test holds README and docs against it."""

from __future__ import annotations

import re
import typing as t

Version = tuple[int, ...]

#: the oldest that is supported; anything older is refused by number
OLDEST_NEXTCLOUD = 28
OLDEST_APP: Version = (2, 10)
#: below this, OpenProject's API shows neither ``configured`` nor ``hasApplicationPassword`` (OP §1)
OLDEST_OPENPROJECT: Version = (14, 2)
#: single sign-on: OpenProject, and the app in its two lines; older apps create an unwanted OAuth client (NC §1.4)
OLDEST_OPENPROJECT_SSO: Version = (16,)
OLDEST_APPS_SSO: tuple[Version, ...] = ((2, 11, 4), (3, 1, 1))


class Nextcloud(t.NamedTuple):
    """A real Nextcloud whose answers were recorded, with its apps."""

    server: Version
    app: Version
    group_folders: Version


#: the lab plays these
RECORDED_NEXTCLOUD = (
    Nextcloud((29, 0, 6), (2, 10, 0), (17, 0, 14)),
    Nextcloud((32, 0, 1), (2, 11, 4), (20, 1, 18)),
    Nextcloud((34, 0, 1), (3, 1, 1), (22, 0, 6)),
)
RECORDED_OPENPROJECT: tuple[Version, ...] = ((15, 4, 0), (16, 3, 0))
#: real servers that were linked: Nextcloud with OpenProject
TRIED_PAIRS: tuple[tuple[Version, Version], ...] = (((29, 0, 6), (15, 4, 0)), ((34, 0, 1), (16, 3, 0)))

#: newer ones get a warning; patch levels do not count
NEWEST_TRIED_NEXTCLOUD = max(nextcloud for nextcloud, _openproject in TRIED_PAIRS)[0]
NEWEST_TRIED_APP = max(recorded.app for recorded in RECORDED_NEXTCLOUD)[:2]
NEWEST_TRIED_OPENPROJECT = max(openproject for _nextcloud, openproject in TRIED_PAIRS)[:2]

#: from here on an application password does not count as a confirmed login (server#61322)
CONFIRMS_PASSWORD: Version = (34, 0, 1)
#: from here on ``occ app:enable`` lifts a limit to groups; before, the app has to be disabled first (recorded on 29 and 34)
ENABLE_LIFTS_LIMIT = 34
#: from here on OpenProject refuses private addresses of a Nextcloud unless they are on its list (OP §5)
FILTERS_PRIVATE: Version = (17, 6)

#: which Nextclouds a version of the app is made for, the newest first (NC §1.6)
APP_FITS: tuple[tuple[Version, int, int], ...] = (
    ((3, 1), 33, 34),
    ((3, 0), 33, 33),
    ((2, 11), 30, 32),
    ((2, 10, 1), 28, 32),
    ((2, 10), 28, 31),
)
#: Group folders 17 is made for Nextcloud 29, and so on (NC §4.1)
GROUP_FOLDERS_BEHIND = 12
#: the oldest apps that a version of OpenProject accepts: integration and group folders, the newest first (OP §6)
WANTED_APPS: tuple[tuple[Version, Version, Version], ...] = (
    ((17, 1), (3, 0, 0), (20, 1, 7)),
    ((14, 2), (2, 6, 3), (14, 0, 9)),
)


def dotted(version: t.Iterable[int]) -> str:
    """A version as people write it."""
    return ".".join(map(str, version))


def parsed(text: str) -> Version:
    """The first three numbers of a version; empty when there is none."""
    return tuple(int(number) for number in re.findall(r"\d+", text)[:3])


def oldest_app_for_sso(app: Version) -> Version:
    """The oldest version of the integration app that sets single sign-on up, in the line of this one."""
    return max((oldest for oldest in OLDEST_APPS_SSO if oldest[:1] <= app[:1]), default=OLDEST_APPS_SSO[0])


def nextcloud_support(version: Version) -> str:
    """What is known of a version of Nextcloud, in one line."""
    tried = [nextcloud for nextcloud, _openproject in TRIED_PAIRS]
    return _support(version[:1], (OLDEST_NEXTCLOUD,), tried)


def openproject_support(version: Version) -> str:
    """The same of OpenProject."""
    return _support(version[:2], OLDEST_OPENPROJECT, [openproject for _nextcloud, openproject in TRIED_PAIRS])


def _support(series: Version, oldest: Version, tried: t.Sequence[Version]) -> str:
    """Patch levels do not count: only the numbers of the series are compared."""
    listed = f"tried: {' and '.join(map(dotted, tried))}"
    if series < oldest:
        return f"older than supported ({dotted(oldest)})"
    if series > max(tried)[: len(series)]:
        return f"newer than the newest that was tried ({listed})"
    return f"supported ({listed})"
