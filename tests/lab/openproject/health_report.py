# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection check from OpenProject 16 on: groups of checks, recorded on 16.3; the system user asks, as the runner does.

It sees neither a disabled user OpenProject nor missing permissions in the group folder.
"""

from __future__ import annotations

from typing import Any

from .live_checks import NextcloudSide, dig, folder_ids, json_of
from .profiles import number
from .state import AUTOMATIC, SINGLE_SIGN_ON, OpenProjectState, Storage

SUCCESS, WARNING, FAILURE, SKIPPED = "success", "warning", "failure", "skipped"

Group = dict[str, tuple[str, str | None]]
"""State and code of each check."""


def health_report(world: OpenProjectState, nextcloud: NextcloudSide, storage: Storage) -> dict[str, Group]:
    """All groups that are looked at: behind a failure in the first one, none is."""
    app: dict[str, Any] = {}
    groups = {"base_configuration": _base_configuration(world, nextcloud, storage, app)}
    if any(state == FAILURE for state, _code in groups["base_configuration"].values()):
        return groups
    groups["authentication"] = _authentication(storage)
    if storage.automatic_management:
        groups["ampf_configuration"] = _project_folders(world, nextcloud, storage, app)
    return groups


def _base_configuration(
    world: OpenProjectState, nextcloud: NextcloudSide, storage: Storage, app: dict[str, Any]
) -> Group:
    """Leaves in `app` what Nextcloud tells of the integration app."""
    names = (
        "storage_configured",
        "host_url_accessible",
        "capabilities_request",
        "dependencies_check",
        "dependencies_versions",
    )
    if not storage.configured:
        return _until("storage_configured", FAILURE, "not_configured", names)
    answer = nextcloud.capabilities(storage.host)
    if answer is not None and answer.status_code == 404:
        return _until("host_url_accessible", FAILURE, "nc_host_not_found", names)
    if answer is None or not 200 <= answer.status_code < 300:
        return _until("capabilities_request", FAILURE, "unknown_error", names)
    app |= dig(json_of(answer), "ocs", "data", "capabilities", "integration_openproject") or {}
    if not app:
        return _until("dependencies_check", FAILURE, "nc_dependency_missing", names)
    if number(str(app.get("app_version"))) < world.profile.minimum_integration_app:
        return _until("dependencies_versions", FAILURE, "nc_dependency_version_mismatch", names)
    return dict.fromkeys(names, (SUCCESS, None))


def _authentication(storage: Storage) -> Group:
    """The own account of the asking user: the system user never has one in Nextcloud, so the first check is a warning."""
    if storage.authentication_method == SINGLE_SIGN_ON:
        names = (
            "non_provisioned_user",
            "provisioned_user_provider",
            "token_negotiable",
            "user_bound_request",
            "offline_access",
        )
        return _until("non_provisioned_user", WARNING, "oidc_non_provisioned_user", names)
    return _until("existing_token", WARNING, "nc_oauth_token_missing", ("existing_token", "user_bound_request"))


def _project_folders(world: OpenProjectState, nextcloud: NextcloudSide, storage: Storage, app: dict[str, Any]) -> Group:
    names = (
        "group_folder_app",
        "files_request",
        "userless_access",
        "group_folder_presence",
        "group_folder_contents",
    )
    if not app.get("groupfolders_enabled"):
        return _until("group_folder_app", FAILURE, "nc_dependency_missing", names)
    if number(str(app.get("groupfolder_version"))) < world.profile.minimum_group_folders:
        return _until("group_folder_app", FAILURE, "nc_dependency_version_mismatch", names)
    answer = nextcloud.folder_request(storage, "PROPFIND", "")
    status = answer.status_code if answer is not None else 0
    if status == 401:
        return _until("userless_access", FAILURE, "nc_userless_access_denied", names)
    if status == 404:
        return _until("group_folder_presence", FAILURE, "nc_group_folder_not_found", names)
    if status != 207 or answer is None:
        return _until("files_request", FAILURE, "unknown_error", names)
    expected = {row.folder_id for row in world.rows_of(storage) if row.mode == AUTOMATIC}
    if set(folder_ids(answer.text)[1:]) - expected:
        return _until("group_folder_contents", WARNING, "nc_unexpected_content", names)
    return dict.fromkeys(names, (SUCCESS, None))


def _until(name: str, state: str, code: str, names: tuple[str, ...]) -> Group:
    """The group whose check of this name ends it: those before it passed, those behind it are skipped."""
    found = names.index(name)
    return {
        **dict.fromkeys(names[:found], (SUCCESS, None)),
        name: (state, code),
        **dict.fromkeys(names[found + 1 :], (SKIPPED, None)),
    }


def verdict(report: dict[str, Group]) -> dict[str, Any]:
    """What the product's Ruby makes of a report: `authentication` is about an account that the system user never has."""
    checks = [
        {"group": group, "check": name, "state": state, "code": code or ""}
        for group, found in report.items()
        if group != "authentication"
        for name, (state, code) in found.items()
    ]
    for state, kind in ((FAILURE, "error"), (WARNING, "warning")):
        for check in checks:
            if check["state"] == state:
                description = f"{check['group']}: {check['check']}"
                return {
                    "type": kind,
                    "error_code": check["code"],
                    "description": description,
                    "checks": checks,
                }
    return {"type": "healthy", "error_code": "none", "description": None, "checks": checks}
