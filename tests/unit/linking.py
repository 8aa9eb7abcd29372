# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pair of servers for tests of the link, and the proof that a link works: every secret is used for real."""

from __future__ import annotations

import typing as t

import requests

from lab import Lab
from lab.nextcloud import integration as app

STORAGE = "Cloud"


def arrange(lab: Lab) -> Lab:
    """A fresh pair on one machine: Nextcloud must be allowed to talk to loopback."""
    lab.nextcloud.state.system["allow_local_remote_servers"] = True
    return lab


def link_args(lab: Lab, **more: t.Any) -> dict[str, t.Any]:
    """Options of the module C(link) for this pair."""
    username, password = lab.nextcloud.admin
    return {
        "nextcloud_url": lab.nextcloud.url,
        "nextcloud_username": username,
        "nextcloud_password": password,
        "openproject_url": lab.openproject.url,
        "openproject_api_key": lab.openproject.api_key,
        "storage_name": STORAGE,
        **more,
    }


def forget_requests(lab: Lab) -> None:
    """Empty both logs."""
    for server in (lab.nextcloud, lab.openproject):
        server.log.clear()
        server.command_starts.clear()


def count(lab: Lab) -> tuple[int, int]:
    """Requests that the product sent to Nextcloud and to OpenProject."""
    return len(lab.nextcloud.requests), len(lab.openproject.requests)


def broken_parts(lab: Lab, *, folders: bool = True, openproject: Lab | None = None) -> list[str]:
    """What does not work when it is used for real; empty on a complete link.

    :param openproject: the lab of the OpenProject, when two Nextclouds share one.
    """
    server = (openproject or lab).openproject
    nextcloud = lab.nextcloud.state
    storages = [storage for storage in server.state.storages.values() if storage.host.rstrip("/") == lab.nextcloud.url]
    if len(storages) != 1:
        return [f"{len(storages)} storages for this Nextcloud"]
    (storage,) = storages
    broken = []
    url = nextcloud.app_value(app.INTEGRATION, "openproject_instance_url") or ""
    if url.rstrip("/") != server.url:
        broken.append(f"Nextcloud stores the address {url!r}")
    if not app.is_configured(nextcloud):
        broken.append("the app calls itself incomplete")
    answer = requests.post(
        f"{server.url}/oauth/token",
        data={
            "grant_type": "authorization_code",
            "client_id": nextcloud.app_value(app.INTEGRATION, "openproject_client_id"),
            "client_secret": nextcloud.app_value(app.INTEGRATION, "openproject_client_secret"),
            "code": "made-up",
            "redirect_uri": f"{lab.nextcloud.url}/index.php/apps/integration_openproject/oauth-redirect",
        },
        timeout=10,
    )
    if answer.json().get("error") != "invalid_grant":
        broken.append("OpenProject does not take the client secret that Nextcloud stores")
    client = app.oauth_client(nextcloud)
    stored = storage.client
    if (
        client is None
        or stored is None
        or (stored.client_id, stored.client_secret) != (client.client_identifier, client.secret)
    ):
        broken.append("OpenProject does not store Nextcloud's OAuth client")
    elif client.redirect_uri != f"{server.url}/oauth_clients/{client.client_identifier}/callback":
        broken.append(f"the redirect URI is {client.redirect_uri}")
    if folders:
        broken += _broken_folders(lab, storage.automatic_management, storage.password)
    return broken


def _broken_folders(lab: Lab, managed: bool | None, password: str | None) -> list[str]:
    nextcloud = lab.nextcloud.state
    broken = []
    if not app.project_folders_complete(nextcloud):
        broken.append("project-folder-status is false")
    for gid in ("OpenProject", "OpenProjectNoAutomaticProjectFolders"):
        group = nextcloud.groups.get(gid)
        if group is None or "OpenProject" not in group.members or "OpenProject" not in group.subadmins:
            broken.append(f"group {gid} lacks OpenProject as member or group admin")
    if not managed or password is None:
        return [*broken, "OpenProject has no application password"]
    answer = requests.get(
        f"{lab.nextcloud.url}/ocs/v1.php/cloud/users/OpenProject",
        auth=("OpenProject", password),
        headers={"OCS-APIRequest": "true", "Accept": "application/json"},
        timeout=10,
    )
    if answer.status_code != 200:
        broken.append(f"Nextcloud answers {answer.status_code} to the application password")
    return broken
