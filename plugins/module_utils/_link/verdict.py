# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the findings mean for each part of a link, and what the check could not see. Pure."""

from __future__ import annotations

import typing as t

from .._core.versions import dotted, nextcloud_support, openproject_support, parsed
from . import catalogue as c
from .catalogue import Finding
from .observed import NotChecked, Observed

RIGHT, WARNED, WRONG, NOT_CHECKED, UNUSED = "right", "warning", "wrong", "not_checked", "unused"


def parts(observed: Observed, found: t.Sequence[Finding]) -> list[dict[str, str]]:
    """The verdict on each part of the link, in the order in which it is set up."""
    return [
        {"part": part, "title": title, "verdict": _verdict(observed, part, found)} for part, title in c.PARTS.items()
    ]


def _verdict(observed: Observed, part: str, found: t.Sequence[Finding]) -> str:
    severities = {finding.severity for finding in found if finding.part == part and finding.severity != c.INFO}
    if c.ERROR in severities:
        return WRONG
    if not _was_observed(observed, part):
        return NOT_CHECKED
    if c.WARNING in severities:
        return WARNED
    return UNUSED if part == c.FOLDERS and not observed.folders_matter else RIGHT


def _was_observed(observed: Observed, part: str) -> bool:
    settings, storage = observed.settings is not None, observed.storage is not None
    return {
        c.NEXTCLOUD: settings,
        c.OPENPROJECT: observed.openproject.listed is not None,
        c.ADDRESSES: settings and storage,
        c.OPENPROJECT_OAUTH: settings and storage,
        c.NEXTCLOUD_OAUTH: settings and storage,
        c.FOLDERS: settings and storage and (observed.nextcloud.pieces is not None or not observed.folders_matter),
        c.PROJECTS: observed.openproject.rows is not None,
    }[part]


def version_lines(observed: Observed) -> dict[str, str]:
    """What runs, and what is known of it, in one line for each server; empty for one that was not seen."""
    nextcloud, openproject = observed.nextcloud, observed.openproject
    app, folders = dotted(nextcloud.app_version), nextcloud.group_folders_version
    apps = [f"OpenProject Integration {app}"] if app else []
    apps += [f"Group folders {folders}"] if folders else []
    named = f"Nextcloud {nextcloud.version}{' with ' if apps else ''}{' and '.join(apps)}"
    return {
        c.NEXTCLOUD: f"{named}: {nextcloud_support(parsed(nextcloud.version))}" if nextcloud.version else "",
        c.OPENPROJECT: f"OpenProject {dotted(openproject.version)}: {openproject_support(openproject.version)}"
        if openproject.version
        else "",
    }


def not_checked(observed: Observed, *, occ: bool, runner: bool, check_with_runner: bool) -> list[NotChecked]:
    """What the check could not see, and what would let it.

    :param occ: the command line of Nextcloud was given.
    :param runner: that of OpenProject was given.
    """
    return [*_unchecked_in_nextcloud(observed, occ), *_unchecked_in_openproject(observed, runner, check_with_runner)]


def _unchecked_in_nextcloud(observed: Observed, occ: bool) -> t.Iterator[NotChecked]:
    side = observed.nextcloud
    if side.settings is None:
        why = "nobody could log in" if side.failure is not None else "the connection was not given"
        yield NotChecked(
            c.NEXTCLOUD,
            "settings of OpenProject Integration, project folders",
            why if side.missing else "see the findings",
        )
    if not occ:
        yield NotChecked(
            c.NEXTCLOUD,
            "system configuration: overwrite.cli.url, proxy",
            "occ_command and occ_exec are not given, or check_with_occ is false",
            "Give occ_command or occ_exec, and leave check_with_occ true",
        )
    if side.settings is not None and side.cron_age is None:
        yield NotChecked(c.NEXTCLOUD, "when the background jobs ran", "Nextcloud did not show it")


def _unchecked_in_openproject(observed: Observed, runner: bool, check_with_runner: bool) -> t.Iterator[NotChecked]:
    side = observed.openproject
    if side.listed is None:
        why = "the connection was not given" if side.missing else "see the findings"
        yield NotChecked(c.OPENPROJECT, "storages, projects", why)
    if "worker" not in side.health:
        yield NotChecked(
            c.OPENPROJECT,
            "whether the background worker runs",
            "the health checks did not answer; they may need a password of their own",
            "Open /health_checks/worker in a browser",
        )
    storage = observed.storage
    if storage is None:
        return
    if observed.state.openproject_oauth_agreed and side.accepts_secret is None:
        yield NotChecked(
            c.OPENPROJECT,
            "whether Nextcloud's client secret for OpenProject is right",
            "OpenProject's answer does not tell",
        )
    secrets = "the client secret of Nextcloud" + (
        " and the application password" if storage.has_application_password else ""
    )
    if not check_with_runner or not runner:
        yield NotChecked(
            c.OPENPROJECT,
            f"whether OpenProject reaches Nextcloud, and whether {secrets} that it stores are right",
            "check_with_runner is false" if not check_with_runner else "runner_command is not given",
            "Set check_with_runner: true and give runner_command",
        )
    elif side.tried.get("nextcloud_client") == "unknown":
        yield NotChecked(
            c.OPENPROJECT,
            "whether the client secret of Nextcloud that OpenProject stores is right",
            "a warning says why it was not tried, or what the result was",
        )
