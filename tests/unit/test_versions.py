# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One table of versions: the code's, the README's, the documentation's and the lab's are the same, and what it means for a server."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.opnc.integration.plugins.module_utils._core import versions
from ansible_collections.opnc.integration.plugins.module_utils._core.versions import dotted
from ansible_collections.opnc.integration.plugins.module_utils._link.checks import find
from ansible_collections.opnc.integration.plugins.module_utils._link.verdict import version_lines
from lab.nextcloud.profiles import PROFILES
from unit.finding_cases_records import OLDEST, RECORD, Record

ROOT = Path(__file__).resolve().parents[2]
NEWEST = (
    "Nextcloud 34.0.1 with OpenProject Integration 3.1.1 and Group folders 22.0.6: supported (tried: 29.0.6 and 34.0.1)"
)


def _in_readme() -> list[list[str]]:
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## Versions\n")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


def _in_docs() -> list[list[str]]:
    page = (ROOT / "docs/docsite/rst/guide_link.rst").read_text(encoding="utf-8")
    section = page.split("\nVersions\n--------\n")[1]
    return [re.findall(r"- (.*)", row) for row in section.split("\n   * ")[2:]]


def _in_code() -> list[list[str]]:
    pairs = versions.TRIED_PAIRS
    known = {one.server: one for one in versions.RECORDED_NEXTCLOUD}
    fits = "any that fits"

    def row(name: str, oldest: str, oldest_sso: str, recorded: list[str], tried: list[str]) -> list[str]:
        return [name, oldest, oldest_sso, ", ".join(recorded), *tried]

    def of_pairs(field: str) -> list[str]:
        return [dotted(getattr(known[nextcloud], field)) for nextcloud, _openproject in pairs]

    def recorded(field: str) -> list[str]:
        return [dotted(getattr(one, field)) for one in versions.RECORDED_NEXTCLOUD]

    nextcloud, openproject = str(versions.OLDEST_NEXTCLOUD), dotted(versions.OLDEST_OPENPROJECT)
    apps_sso = " or ".join(map(dotted, versions.OLDEST_APPS_SSO))
    return [
        row("Nextcloud", nextcloud, nextcloud, recorded("server"), of_pairs("server")),
        row("OpenProject Integration", dotted(versions.OLDEST_APP), apps_sso, recorded("app"), of_pairs("app")),
        row("Group folders", fits, fits, recorded("group_folders"), of_pairs("group_folders")),
        row(
            "OpenProject",
            openproject,
            dotted(versions.OLDEST_OPENPROJECT_SSO),
            list(map(dotted, versions.RECORDED_OPENPROJECT)),
            [dotted(openproject) for _nextcloud, openproject in pairs],
        ),
    ]


def test_readme_has_the_codes_table() -> None:
    assert _in_readme() == _in_code()


def test_docs_have_the_codes_table() -> None:
    assert [row[:6] for row in _in_docs()] == _in_code()


def test_lab_plays_only_recorded_versions() -> None:
    played = {(one.version, one.integration_version, one.groupfolders_version) for one in PROFILES.values()}

    assert played <= {
        (dotted(one.server), dotted(one.app), dotted(one.group_folders)) for one in versions.RECORDED_NEXTCLOUD
    }


@pytest.mark.parametrize(
    ("record", "nextcloud", "openproject"),
    [
        (RECORD, NEWEST, "OpenProject 16.3.0: supported (tried: 15.4.0 and 16.3.0)"),
        (
            RECORD.at_nextcloud(version="27.1.0", app_version=(), group_folders_version=""),
            "Nextcloud 27.1.0: older than supported (28)",
            "OpenProject 16.3.0: supported (tried: 15.4.0 and 16.3.0)",
        ),
        (
            RECORD.at_nextcloud(version="").at_openproject(version=(14, 1, 3)),
            "",
            "OpenProject 14.1.3: older than supported (14.2)",
        ),
        (
            RECORD.at_openproject(version=(17, 6, 0)),
            NEWEST,
            "OpenProject 17.6.0: newer than the newest that was tried (tried: 15.4.0 and 16.3.0)",
        ),
        (RECORD.at_openproject(version=()), NEWEST, ""),
    ],
)
def test_each_server_is_told_in_one_line(record: Record, nextcloud: str, openproject: str) -> None:
    assert version_lines(record.observed) == {"nextcloud": nextcloud, "openproject": openproject}


@pytest.mark.parametrize(
    "record",
    [
        RECORD.at_nextcloud(version="34.0.9", app_version=(3, 1, 7)).at_openproject(version=(16, 3, 8)),
        OLDEST.at_nextcloud(version="29.0.16").at_openproject(version=(15, 5, 1)),
    ],
)
def test_patch_levels_and_versions_between_the_pairs_are_no_finding(record: Record) -> None:
    assert find(record.observed) == []


def test_newer_minor_version_of_openproject_is_a_warning() -> None:
    found = find(RECORD.at_openproject(version=(16, 4, 0)).observed)

    assert [(one.code, one.severity) for one in found] == [("openproject_newer", "warning")]


@pytest.mark.parametrize(
    ("app", "supported"),
    [
        ((2, 11, 3), False),
        ((2, 11, 4), True),
        ((2, 12, 0), True),
        ((3, 0, 0), False),
        ((3, 1, 0), False),
        ((3, 1, 1), True),
        ((4, 0, 0), True),
    ],
)
def test_apps_that_support_single_sign_on(app: tuple[int, ...], supported: bool) -> None:
    assert (app >= versions.oldest_app_for_sso(app)) is supported
