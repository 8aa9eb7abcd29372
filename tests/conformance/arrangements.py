# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recordings, with what those of OpenProject start with, and what happened to their servers between the lines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import requests

from conformance.nextclouds import ADMINS, NEXTCLOUD, SYSTEM_29, Step, fresh_servers
from conformance.replay import Recording, Replay
from lab.nextcloud.server import NextcloudServer
from lab.nextcloud.state import INTEGRATION, NextcloudState
from lab.openproject.state import AUTOMATIC
from lab.plumbing import Faults

API_KEY_OF_ADMIN = "8c3b44611f7e97167c100fd1ba1df766c78495fcdf5c0cbce5723cc78fe37555"
API_KEY_OF_OTHER = "abdca0e348699abb4f8510c623709dc6004efc4c76a1d3a6619790255fdfcfb1"


def pair(replay: Replay) -> None:
    """An OpenProject without storages and the Nextcloud on port 8181."""
    fresh_servers(replay, SYSTEM_29)
    nextcloud, openproject = replay.lab.nextcloud, replay.lab.openproject
    replay.nextcloud.system |= {"trusted_domains": ["127.0.0.1"], "overwrite.cli.url": nextcloud.url}
    user, password = openproject.basic_auth
    for recorded, here in {
        "bootstrap": user,
        "bootstrap-pass-1": password,
        API_KEY_OF_ADMIN: openproject.api_key,
        API_KEY_OF_OTHER: str(replay.openproject.users[5].api_key),
        ADMINS["29"]: nextcloud.admin[1],
        "127.0.0.1:8080": openproject.url.removeprefix("http://"),
        "127.0.0.1:8181": nextcloud.url.removeprefix("http://"),
    }.items():
        replay.stands_for(recorded, here)


def second_nextcloud(replay: Replay) -> None:
    """And the one on port 8191, with the integration app disabled."""
    pair(replay)
    directory = replay.stack.enter_context(TemporaryDirectory())
    other = NextcloudServer(replay.recording.nextcloud, Faults(), Path(directory))
    other.start()
    replay.stack.callback(other.stop)
    other.state.disable_app(INTEGRATION)
    replay.others["8191"] = other
    replay.stands_for("127.0.0.1:8191", other.url.removeprefix("http://"))
    replay.stands_for("LOCALHOST:8191", other.url.removeprefix("http://").replace("127.0.0.1", "LOCALHOST"))


def linked(replay: Replay) -> None:
    """A complete link, made over HTTP."""
    pair(replay)
    make_link(replay)


def make_link(replay: Replay) -> None:
    nextcloud, openproject = replay.lab.nextcloud, replay.lab.openproject
    with requests.Session() as session:
        session.auth = openproject.basic_auth
        session.headers["Content-Type"] = "application/json"
        links = {"origin": {"href": nextcloud.url}, "type": {"href": "urn:openproject-org:api:v3:storages:Nextcloud"}}
        storages = f"{openproject.url}/api/v3/storages"
        storage = session.post(storages, json={"name": replay.renamed("nc"), "_links": links}).json()
        application = storage["_embedded"]["oauthApplication"]
        values = {
            "openproject_instance_url": openproject.url,
            "openproject_client_id": application["clientId"],
            "openproject_client_secret": application["clientSecret"],
            "authorization_method": "oauth2",
            "default_enable_navigation": False,
            "default_enable_unified_search": False,
            "setup_project_folder": True,
            "setup_app_password": True,
        }
        setup = f"{nextcloud.url}/index.php/apps/integration_openproject/setup"
        made = requests.patch(setup, json={"values": values}, auth=nextcloud.admin).json()
        client = {"clientId": made["nextcloud_client_id"], "clientSecret": made["nextcloud_client_secret"]}
        one = f"{storages}/{storage['id']}"
        session.post(f"{one}/oauth_client_credentials", json=client)
        session.patch(one, json={"applicationPassword": made["openproject_user_app_password"]})


def with_folders(replay: Replay) -> None:
    """The link in both projects, with automatic folders that the worker has made."""
    linked(replay)
    (storage,) = replay.openproject.storages.values()
    for project in replay.openproject.projects.values():
        replay.openproject.add_project_storage(project, storage, AUTOMATIC)
    replay.lab.openproject.nextcloud_side().make_missing_folders(storage)


def with_many_folders(replay: Replay) -> None:
    """The same storage under the number that it had."""
    with_folders(replay)
    replay.identities.learn_number("storage", 158, min(replay.openproject.storages))


def archived(replay: Replay) -> None:
    """A linked storage, and every project archived."""
    second_nextcloud(replay)
    make_link(replay)
    replay.others["8191"].state.enable_app(INTEGRATION)
    for project in replay.openproject.projects.values():
        project.active = False


# Between the lines


def on_other(change: Callable[[NextcloudState], None]) -> Step:
    """Something was done to the Nextcloud on port 8191."""
    return lambda replay: change(replay.others["8191"].state)


def _maintenance(on: bool) -> Callable[[NextcloudState], None]:
    def change(state: NextcloudState) -> None:
        state.maintenance = on
        state.enable_app(INTEGRATION)

    return change


RECORDINGS: dict[str, Recording] = {
    recording.name: recording
    for recording in (
        *NEXTCLOUD,
        Recording("openproject-15.4/http-auth", "29", linked),
        Recording("openproject-15.4/http-no-active-project", "29", archived),
        Recording("openproject-15.4/http-project-storages", "29", with_folders),
        Recording("openproject-15.4/http-scale", "29", with_many_folders),
        Recording(
            "openproject-15.4/http-storages",
            "29",
            second_nextcloud,
            steps={18: on_other(_maintenance(True)), 21: on_other(_maintenance(False))},
        ),
        Recording("openproject-15.4/link-full", "29", pair),
    )
}

NOT_REPLAYED = {
    "nextcloud-32/http-integration-app-versions": "older and newer apps on a server that they do not support",
    "nextcloud-32/occ-groupfolders-versions": "older and newer apps on a server that they do not support",
    "nextcloud-32/occ-timing": "measures how long commands take",
    "nextcloud-34/http-capabilities-by-credential": "tells of core's capabilities, which the product does not read",
    "nextcloud-34/http-terms-of-service": "the terms are signed by hand; the product reads whether they are",
    "nextcloud-34/occ-timing": "measures how long commands take",
    "openproject-15.4/runner": "scripts of the recorder; the product's own Ruby is tested in tests/unit",
}
"""Recordings that are left out as a whole, and why."""
