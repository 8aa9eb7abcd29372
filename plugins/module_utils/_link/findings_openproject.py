# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings on OpenProject itself: how it is reached, its versions, its workers, its way to Nextcloud, its projects."""

from __future__ import annotations

import re
import typing as t

from .._openproject.storages import NEWEST_TRIED, OLDEST_VERSION
from .finding import (
    ERROR,
    FOLDERS,
    LINK_MODULE,
    NO_ANSWER,
    NO_CONNECTION,
    NO_FOLDERS,
    NO_LOGIN,
    NOTHING_SHOWN,
    OPENPROJECT,
    OPENPROJECT_CA,
    OUTDATED,
    PREPARE_ROLE,
    PROJECTS,
    SERVER_OPENPROJECT,
    SETUP_GUIDE,
    TROUBLESHOOTING,
    WARNING,
    Finding,
    Table,
)
from .observed import Observed, ObservedOpenProject
from .reached import reach_findings, reach_rows

TABLE = Table()
_row = TABLE.row
_PROJECTS_ROLE = "role opnc.integration.project_storages"
#: refuses private addresses of a Nextcloud unless they are on its list (OP §5)
FILTERS_PRIVATE = (17, 6)
ALLOW_LIST = "OPENPROJECT_SSRF_PROTECTION_IP_ALLOWLIST (also spelt OPENPROJECT_SSRF__PROTECTION__IP__ALLOWLIST)"
#: names that nobody chose (field case O19)
DEFAULT_NAMES = ("localhost:3000", "localhost")
AUTOMATIC = "automatic"

reach_rows(TABLE, "openproject", "OpenProject")
_row(
    "openproject_host_name", ERROR, OPENPROJECT, SERVER_OPENPROJECT,
    "OpenProject is configured for another host name: {answer}",
    "Set openproject_public_url to the address that its users see (its setting OPENPROJECT_HOST__NAME)", LINK_MODULE, NO_ANSWER,
)  # fmt: skip
_row(
    "openproject_default_host_name", WARNING, OPENPROJECT, SERVER_OPENPROJECT,
    "OpenProject believes that its host name is {name}, which nobody chose: the links that it makes, also those in mails, lead there",
    "Set OPENPROJECT_HOST__NAME={wanted}", "opf/helm-charts#307", NO_LOGIN, NOTHING_SHOWN,
)  # fmt: skip
_row(
    "openproject_names_itself_otherwise", WARNING, OPENPROJECT, SERVER_OPENPROJECT,
    "OpenProject believes that its host name is {name}, and the play calls it {wanted}",
    "Set openproject_public_url to the address with that name; or, if the name is wrong, OPENPROJECT_HOST__NAME={wanted}",
    "opf/openproject#10802", NO_LOGIN,
)  # fmt: skip
_row(
    "openproject_too_old", ERROR, OPENPROJECT, SERVER_OPENPROJECT,
    "OpenProject {version} is too old for this collection",
    f"Upgrade to OpenProject {'.'.join(map(str, OLDEST_VERSION))} or newer", SETUP_GUIDE, OUTDATED,
)  # fmt: skip
_row(
    "openproject_newer", WARNING, OPENPROJECT, SERVER_OPENPROJECT,
    "OpenProject {version} is newer than any that this collection was tried with",
    "Look for a newer version of the collection; nothing else is wrong with that", LINK_MODULE, OUTDATED,
)  # fmt: skip
_row(
    "app_does_not_fit_openproject", WARNING, OPENPROJECT, SERVER_OPENPROJECT,
    "OpenProject {openproject} wants the app OpenProject Integration {wanted} or newer, and Nextcloud has {version}",
    "occ app:update integration_openproject; a newer version of the app may need a newer Nextcloud", PREPARE_ROLE, OUTDATED,
)  # fmt: skip
_row(
    "group_folders_do_not_fit_openproject", WARNING, OPENPROJECT, FOLDERS,
    "OpenProject {openproject} wants the app Group folders {wanted} or newer, and Nextcloud has {version}",
    "occ app:update groupfolders; a newer version of the app may need a newer Nextcloud", PREPARE_ROLE, OUTDATED, NO_FOLDERS,
)  # fmt: skip
_row(
    "no_active_project", ERROR, OPENPROJECT, SERVER_OPENPROJECT,
    "There is no active project, and then OpenProject hides every storage, also from administrators",
    "Create or unarchive a project", LINK_MODULE, NOTHING_SHOWN,
)  # fmt: skip
_row(
    "worker_not_running", ERROR, OPENPROJECT, SERVER_OPENPROJECT,
    "The background worker of OpenProject does not run ({words}), so nobody makes project folders or changes who may use them",
    "Start it: systemctl restart openproject-worker-1 for packages, the container or deployment worker otherwise", TROUBLESHOOTING, NO_FOLDERS,
)  # fmt: skip
_row(
    "worker_backed_up", WARNING, OPENPROJECT, SERVER_OPENPROJECT,
    "The background worker of OpenProject does not keep up ({words})",
    "Give it more time or more workers: openproject scale worker=2 for packages", TROUBLESHOOTING, NO_FOLDERS,
)  # fmt: skip
_row(
    "private_address", ERROR, OPENPROJECT, SERVER_OPENPROJECT,
    "OpenProject from 17.6 on refuses private addresses, and the machine that runs the check resolves {host} to {address}",
    f"Put {{address}} on the list {ALLOW_LIST} and restart. If it is there, let OpenProject say so: check_with_runner: true",
    "opf/openproject#23048", NO_CONNECTION, NO_FOLDERS, OUTDATED, unsure=True,
)  # fmt: skip
_row(
    "connection_check_failed", ERROR, OPENPROJECT, SERVER_OPENPROJECT,
    "OpenProject's own connection check fails: {result}{words}",
    "OpenProject itself must reach Nextcloud: from its server look at name service, firewall and redirects; for a private certificate authority"
    f" set SSL_CERT_FILE there; a private address must be in {ALLOW_LIST}",
    TROUBLESHOOTING, NO_CONNECTION, OPENPROJECT_CA, NO_FOLDERS, NO_LOGIN,
)  # fmt: skip
_row(
    "connection_check_warns", WARNING, OPENPROJECT, SERVER_OPENPROJECT,
    "OpenProject's own connection check is not content: {result}{words}",
    "OpenProject: Administration, Files, External file storages, the storage, look at its health status", TROUBLESHOOTING, NO_FOLDERS,
)  # fmt: skip
_row(
    "runner_failed", WARNING, OPENPROJECT, SERVER_OPENPROJECT,
    "The runner was to be used, and it does not work: {answer}",
    "Check runner_command and runner_exec", "module opnc.integration.openproject_project_storage", NO_ANSWER,
)  # fmt: skip
_row(
    "storage_in_no_project", WARNING, OPENPROJECT, PROJECTS,
    'The storage "{storage}" is in no active project, so nobody can use it',
    "Add it to projects: role project_storages; or in OpenProject: Project settings, Files", _PROJECTS_ROLE, NOTHING_SHOWN, NO_FOLDERS,
)  # fmt: skip
_row(
    "no_project_with_folders", WARNING, OPENPROJECT, PROJECTS,
    'No project that uses the storage "{storage}" has an automatically managed folder ({projects} use it)',
    "Set project_folder_mode: automatic: role project_storages; or in OpenProject: Project settings, Files", _PROJECTS_ROLE, NO_FOLDERS,
)  # fmt: skip
_row(
    "automatic_projects_unmanaged", ERROR, OPENPROJECT, PROJECTS,
    "{projects} are to have automatically managed folders, but automatic management is off in OpenProject: nothing is made or changed any more",
    "Run the link with project_folders: true; or set another project_folder_mode for these projects", LINK_MODULE, NO_FOLDERS,
)  # fmt: skip

#: the oldest apps that a version of OpenProject is content with: integration and group folders, the newest first (OP §6)
WANTED_APPS: tuple[tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]], ...] = (
    ((17, 1), (3, 0, 0), (20, 1, 7)),
    ((14, 2), (2, 6, 3), (14, 0, 9)),
)
#: what the connection check's codes mean where the general remedy does not fit (OP §8.2, §16)
CONNECTION_REMEDIES = {
    "err_missing_dependencies": "occ app:enable integration_openproject groupfolders",
    "err_unexpected_version": "occ app:update --all, as far as the versions fit Nextcloud",
    "err_userless_access_denied": "Renew the application password: module link with rotate: [application_password]",
    "err_group_folder_not_found": "Let the link repair the project folders: module link with project_folders: true",
    "raised": "OpenProject stumbled over Nextcloud's answer; Nextcloud is probably in maintenance, or shuts the account OpenProject out",
    "wrn_not_configured": "Finish the link: module link",
    "wrn_unexpected_content": "There is something in the group folder OpenProject that OpenProject did not make; move it elsewhere",
}
#: the check of this version does not exist, or has nothing to say
SILENT_CODES = ("none", "unavailable")


def openproject_findings(observed: Observed) -> list[Finding]:
    """What is the matter with OpenProject itself and with the projects that use the storage. Pure."""
    side = observed.openproject
    return [
        *reach_findings(TABLE, "openproject", side.missing, side.failure),
        *_server(observed),
        *_versions(observed),
        *_way_to_nextcloud(observed),
        *_projects(observed),
    ]


def _server(observed: Observed) -> t.Iterator[Finding]:
    side, address = observed.openproject, observed.question.openproject
    if side.administrator is False:
        yield TABLE.finding("openproject_not_administrator", answer="it does not show its version to this account")
    if side.active_projects == 0:
        yield TABLE.finding("no_active_project")
    if side.host_name and address is not None and side.host_name.casefold() not in (address.netloc, address.host):
        default = side.host_name in DEFAULT_NAMES
        code = "openproject_default_host_name" if default else "openproject_names_itself_otherwise"
        yield TABLE.finding(code, name=side.host_name, wanted=address.netloc)
    for check, code in (("worker", "worker_not_running"), ("worker_backed_up", "worker_backed_up")):
        fine, words = side.health.get(check, (True, ""))
        if not fine:
            yield TABLE.finding(code, words=words.rstrip("."))
    if side.runner_failure is not None:
        answer = side.runner_failure.message.rstrip(".")
        yield TABLE.finding("runner_failed", answer=answer, exact_remedy=side.runner_failure.remedy)


def _versions(observed: Observed) -> t.Iterator[Finding]:
    side, nextcloud = observed.openproject, observed.nextcloud
    if not side.version:
        return
    version = ".".join(map(str, side.version))
    if side.version[:2] < OLDEST_VERSION:
        yield TABLE.finding("openproject_too_old", version=version)
        return
    if side.version[:2] > NEWEST_TRIED:
        yield TABLE.finding("openproject_newer", version=version)
    app, folders = [(app, folders) for since, app, folders in WANTED_APPS if side.version >= since][0]
    if nextcloud.app_version and nextcloud.app_version < app:
        yield TABLE.finding(
            "app_does_not_fit_openproject",
            openproject=version, wanted=".".join(map(str, app)), version=".".join(map(str, nextcloud.app_version)),
        )  # fmt: skip
    found = tuple(int(part) for part in re.findall(r"\d+", nextcloud.group_folders_version)[:3])
    if found and found < folders and observed.folders_matter:
        yield TABLE.finding(
            "group_folders_do_not_fit_openproject",
            openproject=version, wanted=".".join(map(str, folders)), version=nextcloud.group_folders_version,
        )  # fmt: skip


def _way_to_nextcloud(observed: Observed) -> t.Iterator[Finding]:
    side = observed.openproject
    kind = str((side.connection or {}).get("type", ""))
    code = str((side.connection or {}).get("error_code", ""))
    if kind in ("error", "warning") or (kind == "none" and code not in SILENT_CODES):
        words = str((side.connection or {}).get("description") or "").rstrip(".")
        yield TABLE.finding(
            "connection_check_failed" if kind == "error" else "connection_check_warns",
            result=code,
            words=f" ({words})" if words else "",
            exact_remedy=CONNECTION_REMEDIES.get(code, ""),
        )
    if side.private_address and side.version >= FILTERS_PRIVATE and kind != "healthy" and side.storage is not None:
        yield TABLE.finding("private_address", host=side.storage.host.rstrip("/"), address=side.private_address)


def _projects(observed: Observed) -> t.Iterator[Finding]:
    side: ObservedOpenProject = observed.openproject
    if side.storage is None or side.rows is None:
        return
    automatic = [row for row in side.rows if row.mode == AUTOMATIC]
    if not side.rows:
        yield TABLE.finding("storage_in_no_project", storage=side.storage.name)
    elif automatic and not side.storage.has_application_password:
        yield TABLE.finding("automatic_projects_unmanaged", projects=_named([row.project for row in automatic]))
    elif not automatic and observed.folders_matter:
        yield TABLE.finding("no_project_with_folders", storage=side.storage.name, projects=len(side.rows))


def _named(projects: t.Sequence[str]) -> str:
    shown = ", ".join(f'"{project}"' for project in sorted(projects)[:5])
    return shown if len(projects) <= 5 else f"{shown} and {len(projects) - 5} more projects"
