# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All findings: the whole table, what it says of a state, and the verdict on each part of a link. Pure."""

from __future__ import annotations

import typing as t

from . import findings_agreement, findings_folders, findings_nextcloud, findings_openproject
from .finding import (
    ADDRESSES,
    ERROR,
    FOLDERS,
    INFO,
    NEXTCLOUD,
    NEXTCLOUD_OAUTH,
    OPENPROJECT,
    OPENPROJECT_OAUTH,
    PARTS,
    PROJECTS,
    SERVER_NEXTCLOUD,
    SERVER_OPENPROJECT,
    WARNING,
    Entry,
    Finding,
    in_order,
)
from .observed import NotChecked, Observed

#: every finding that there is, by its code
TABLE: dict[str, Entry] = {
    **findings_nextcloud.TABLE.entries,
    **findings_openproject.TABLE.entries,
    **findings_agreement.TABLE.entries,
    **findings_folders.TABLE.entries,
}

RIGHT, WARNED, WRONG, NOT_CHECKED, UNUSED = "right", "warning", "wrong", "not_checked", "unused"


def find(observed: Observed) -> list[Finding]:
    """What is the matter, errors first."""
    return in_order(
        [
            *findings_nextcloud.nextcloud_findings(observed),
            *findings_openproject.openproject_findings(observed),
            *findings_agreement.agreement_findings(observed),
            *findings_folders.folder_findings(observed),
        ]
    )


def parts(observed: Observed, found: t.Sequence[Finding]) -> list[dict[str, str]]:
    """The verdict on each part of the link, in the order in which it is set up."""
    return [{"part": part, "title": title, "verdict": _verdict(observed, part, found)} for part, title in PARTS.items()]


def _verdict(observed: Observed, part: str, found: t.Sequence[Finding]) -> str:
    severities = {finding.severity for finding in found if finding.part == part and finding.severity != INFO}
    if ERROR in severities:
        return WRONG
    if not _was_observed(observed, part):
        return NOT_CHECKED
    if WARNING in severities:
        return WARNED
    return UNUSED if part == FOLDERS and not observed.folders_matter else RIGHT


def _was_observed(observed: Observed, part: str) -> bool:
    settings, storage = observed.settings is not None, observed.storage is not None
    return {
        SERVER_NEXTCLOUD: settings,
        SERVER_OPENPROJECT: observed.openproject.listed is not None,
        ADDRESSES: settings and storage,
        OPENPROJECT_OAUTH: settings and storage,
        NEXTCLOUD_OAUTH: settings and storage,
        FOLDERS: settings and storage and (observed.nextcloud.pieces is not None or not observed.folders_matter),
        PROJECTS: observed.openproject.rows is not None,
    }[part]


def not_checked(observed: Observed, *, occ: bool, runner: bool, check_with_runner: bool) -> list[NotChecked]:
    """What the check could not look at, and what would let it.

    :param occ: the command line of Nextcloud was given.
    :param runner: that of OpenProject was given.
    """
    return [*_unchecked_in_nextcloud(observed, occ), *_unchecked_in_openproject(observed, runner, check_with_runner)]


def _unchecked_in_nextcloud(observed: Observed, occ: bool) -> t.Iterator[NotChecked]:
    side = observed.nextcloud
    if side.settings is None:
        why = "nobody could log in" if side.failure is not None else "the connection was not given"
        yield NotChecked(
            NEXTCLOUD,
            "settings of OpenProject Integration, project folders",
            why if side.missing else "see the findings",
        )
    if not occ:
        yield NotChecked(
            NEXTCLOUD,
            "system configuration: overwrite.cli.url, proxy",
            "occ_command and occ_exec are not given, or check_with_occ is false",
            "Give occ_command or occ_exec, and leave check_with_occ true",
        )
    if side.settings is not None and side.cron_age is None:
        yield NotChecked(NEXTCLOUD, "when the background jobs ran", "Nextcloud did not show it")


def _unchecked_in_openproject(observed: Observed, runner: bool, check_with_runner: bool) -> t.Iterator[NotChecked]:
    side = observed.openproject
    if side.listed is None:
        why = "the connection was not given" if side.missing else "see the findings"
        yield NotChecked(OPENPROJECT, "storages, projects", why)
    if "worker" not in side.health:
        yield NotChecked(
            OPENPROJECT,
            "whether the background worker runs",
            "the health checks did not answer; they may want a password of their own",
            "Open /health_checks/worker in a browser",
        )
    storage = observed.storage
    if storage is None:
        return
    if observed.state.openproject_oauth_agreed and side.accepts_secret is None:
        yield NotChecked(
            OPENPROJECT,
            "whether Nextcloud's client secret for OpenProject is right",
            "OpenProject's answer does not tell",
        )
    secrets = "the client secret of Nextcloud" + (
        " and the application password" if storage.has_application_password else ""
    )
    if not check_with_runner or not runner:
        yield NotChecked(
            OPENPROJECT,
            f"whether OpenProject reaches Nextcloud, and whether {secrets} that it stores are right",
            "check_with_runner is false" if not check_with_runner else "runner_command is not given",
            "Set check_with_runner: true and give runner_command",
        )
    elif side.tried.get("nextcloud_client") == "unknown":
        yield NotChecked(
            OPENPROJECT,
            "whether the client secret of Nextcloud that OpenProject stores is right",
            "a warning says why it was not tried, or what came of it",
        )
