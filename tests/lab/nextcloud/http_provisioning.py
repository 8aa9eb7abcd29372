# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OCS for what the repair of project folders needs beyond accounts: details of groups, apps on and off, app values.

Seen on a real 29.0.6; the switching of apps is also recorded on 32.0.1 (http-ocs-provisioning.jsonl).
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from lab.nextcloud.http import parameters, state
from lab.nextcloud.http_ocs import admin_only, ocs_route
from lab.nextcloud.ocs_envelope import OcsError

routes = Blueprint("provisioning", __name__)
APP_VALUES = "/apps/provisioning_api/api/v1/config/apps"
VALUES = f"{APP_VALUES}/<app>/<key>"


@ocs_route("/cloud/groups/details", "GET", blueprint=routes)
def list_group_details() -> Any:
    """Groups that only a directory service knows take no members; the backend's name is not shown."""
    search = request.args.get("search", "").casefold()
    return {
        "groups": [
            {
                "id": group.gid,
                "displayname": group.name,
                "usercount": len(group.members),
                "disabled": sum(not state().user(uid).enabled for uid in group.members),
                "canAdd": "Database" in group.backends,
                "canRemove": "Database" in group.backends,
            }
            for gid, group in sorted(state().groups.items())
            if search in gid.casefold() or search in group.name.casefold()
        ]
    }


@ocs_route("/cloud/apps/<app>", "POST", confirm=True, blueprint=routes)
def enable_app(app: str) -> Any:
    """Repeatable; 998 for an app that is not on the server."""
    if app not in state().apps:
        raise OcsError(998, "The request app was not found")
    state().enable_app(app)
    return []


@ocs_route("/cloud/apps/<app>", "DELETE", confirm=True, blueprint=routes)
def disable_app(app: str) -> Any:
    """Repeatable."""
    state().disable_app(app)
    return []


@ocs_route(VALUES, "GET", blueprint=routes)
def app_value(app: str, key: str) -> Any:
    """Empty for a value that is not there; the app need not exist."""
    admin_only()
    return {"data": state().app_value(app, key) or ""}


@ocs_route(VALUES, "POST", confirm=True, blueprint=routes)
def set_app_value(app: str, key: str) -> Any:
    """Repeatable, but not for the rows that are Nextcloud's own."""
    _refuse_core_rows(app, key)
    state().set_app_value(app, key, str(parameters().get("value", "")))
    return []


@ocs_route(VALUES, "DELETE", confirm=True, blueprint=routes)
def delete_app_value(app: str, key: str) -> Any:
    """Repeatable."""
    _refuse_core_rows(app, key)
    state().delete_app_value(app, key)
    return []


@ocs_route(APP_VALUES, "GET", blueprint=routes)
def apps_with_values() -> Any:
    """Ids of all apps that have values."""
    admin_only()
    return {"data": sorted({*state().app_config, "core"})}


@ocs_route(f"{APP_VALUES}/<app>", "GET", blueprint=routes)
def keys_of_app(app: str) -> Any:
    """Names of the values of an app."""
    admin_only()
    return {"data": sorted(state().app_config.get(app, {}))}


def _refuse_core_rows(app: str, key: str) -> None:
    admin_only()
    core = app == "core" and key.startswith(("encryption_enabled", "public_", "remote_"))
    if core or key in ("installed_version", "enabled", "types"):
        raise OcsError(403, "", {"data": {"message": "The given key can not be set"}})
