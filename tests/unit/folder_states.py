# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""States of project folders in the lab, as people leave them behind (NC §3.2, issue 5), and how modules reach that lab."""

from __future__ import annotations

import base64
import json
import typing as t
import urllib.request

from lab import Lab
from lab.nextcloud.state import GroupFolder, Manage, NextcloudState

USER = "OpenProject"
GROUP = "OpenProject"
SECOND = "OpenProjectNoAutomaticProjectFolders"
FILES = {"Plans/": 501, "Plans/house.txt": 502}


def http_options(lab: Lab) -> dict[str, t.Any]:
    user, password = lab.nextcloud.admin
    return {"nextcloud_url": lab.nextcloud.url, "nextcloud_username": user, "nextcloud_password": password}


def options(lab: Lab, via: str) -> dict[str, t.Any]:
    """Everything that a module needs; with occ as well, because group admins exist over HTTP only."""
    return {**http_options(lab), "occ_command": lab.nextcloud.occ, "via": via}


def user(state: NextcloudState, uid: str = USER) -> None:
    state.create_user(uid, "Long-enough-password-1", check_policy=False)


def folder(state: NextcloudState, mount_point: str = "OpenProject", **parts: t.Any) -> GroupFolder:
    """A folder that somebody made by hand and put files into."""
    made = state.create_folder(mount_point)
    made.files = dict(FILES)
    for name, value in parts.items():
        setattr(made, name, value)
    return made


def right_folder(state: NextcloudState, **parts: t.Any) -> GroupFolder:
    return folder(state, **{"groups": {GROUP: 31}, "acl": True, "manage": [Manage("user", USER)], **parts})


def accounts(state: NextcloudState) -> None:
    user(state)
    for gid in (GROUP, SECOND):
        state.create_group(gid)
        state.add_member(gid, USER)
        state.add_subadmin(gid, USER)


def complete(state: NextcloudState) -> GroupFolder:
    accounts(state)
    return right_folder(state)


def writes(lab: Lab) -> list[str]:
    """Requests that change something, apart from the question whether this login may write."""
    return [
        f"{exchange.method} {exchange.path}"
        for exchange in lab.nextcloud.requests
        if exchange.method not in ("GET", "HEAD") and not exchange.path.endswith("/users/admin/subadmins")
    ]


def status_of_app(lab: Lab) -> bool:
    """What the integration app says of the project folders (NC §3.2)."""
    login = base64.b64encode(":".join(lab.nextcloud.admin).encode()).decode()
    request = urllib.request.Request(
        f"{lab.nextcloud.url}/index.php/apps/integration_openproject/project-folder-status",
        headers={"Authorization": f"Basic {login}", "OCS-APIRequest": "true", "Accept": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        return bool(json.load(answer)["result"])
