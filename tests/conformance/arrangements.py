# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recordings, with what those of OpenProject start with, and what happened to their servers between the lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import requests

from conformance.nextclouds import ADMINS, NEXTCLOUD, SYSTEM_29, SYSTEMS, Step, both, fresh_servers, state
from conformance.replay import Recording, Replay
from lab.nextcloud.server import NextcloudServer
from lab.nextcloud.state import GROUPFOLDERS, INTEGRATION, OPENPROJECT, NextcloudState, StateError
from lab.openproject.state import AUTOMATIC
from lab.plumbing import Faults


@dataclass(frozen=True)
class Recorded:
    """The API keys and addresses of a recorded OpenProject and its Nextclouds."""

    api_key: str
    other_api_key: str
    openproject: str
    nextcloud: str
    other_nextcloud: str


PAIRS = {
    "15.4": Recorded(
        "8c3b44611f7e97167c100fd1ba1df766c78495fcdf5c0cbce5723cc78fe37555",
        "abdca0e348699abb4f8510c623709dc6004efc4c76a1d3a6619790255fdfcfb1",
        "127.0.0.1:8080",
        "127.0.0.1:8181",
        "127.0.0.1:8191",
    ),
    "16.3": Recorded(
        "3cdbebc1d43a89cd3838470741f63300f4c93a61cc31deac104ee0d46e6a1a98",
        "da99c65b62976bfe5400437590d2b7b0af28551a29a2fc78d7e0dcd51a8a1c3a",
        "127.0.0.1:8380",
        "127.0.0.1:8281",
        "127.0.0.1:8291",
    ),
}


def pair(replay: Replay) -> None:
    """An OpenProject without storages and its Nextcloud."""
    fresh_servers(replay, SYSTEM_29 | {"version": SYSTEMS[replay.recording.nextcloud]["version"]})
    nextcloud, openproject = replay.lab.nextcloud, replay.lab.openproject
    replay.nextcloud.system |= {"trusted_domains": ["127.0.0.1"], "overwrite.cli.url": nextcloud.url}
    user, password = openproject.basic_auth
    recorded = PAIRS[replay.recording.openproject]
    for old, here in {
        "bootstrap": user,
        "bootstrap-pass-1": password,
        recorded.api_key: openproject.api_key,
        recorded.other_api_key: str(replay.openproject.users[5].api_key),
        ADMINS[replay.recording.nextcloud]: nextcloud.admin[1],
        recorded.openproject: openproject.url.removeprefix("http://"),
        recorded.nextcloud: nextcloud.url.removeprefix("http://"),
    }.items():
        replay.stands_for(old, here)


def licensed(replay: Replay) -> None:
    """And the plan covers single sign-on."""
    pair(replay)
    replay.openproject.enterprise = True


def accounts_of_16(replay: Replay) -> None:
    """And the accounts that the recorded OpenProject 16.3 had."""
    pair(replay)
    world = replay.openproject
    admin, other = world.admin, world.plain_user
    for user, number, login, first_name, last_name in (
        (admin, 5, "admin", "Admin", "Admin"),
        (other, 6, "normal", "No", "Rmal"),
    ):
        user.id, user.login, user.first_name, user.last_name = number, login, first_name, last_name
        user.email, user.language = f"{login}@example.com", "en"
    world.users = {user.id: user for user in world.users.values()}


def second_nextcloud(replay: Replay) -> None:
    """And another Nextcloud, with the integration app disabled."""
    pair(replay)
    directory = replay.stack.enter_context(TemporaryDirectory())
    other = NextcloudServer(replay.recording.nextcloud, Faults(), Path(directory))
    other.start()
    replay.stack.callback(other.stop)
    other.state.disable_app(INTEGRATION)
    replay.other = other
    address, recorded = other.url.removeprefix("http://"), PAIRS[replay.recording.openproject].other_nextcloud
    replay.stands_for(recorded, address)
    replay.stands_for(recorded.replace("127.0.0.1", "LOCALHOST"), address.replace("127.0.0.1", "LOCALHOST"))


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


def archived(replay: Replay) -> None:
    """A linked storage, and every project archived."""
    second_nextcloud(replay)
    make_link(replay)
    replay.other.state.enable_app(INTEGRATION)
    for project in replay.openproject.projects.values():
        project.active = False


# Between the lines


def on_other(change: Callable[[NextcloudState], None]) -> Step:
    """Something was done to the other Nextcloud."""
    return lambda replay: change(replay.other.state)


def _maintenance(on: bool) -> Callable[[NextcloudState], None]:
    def change(state: NextcloudState) -> None:
        state.maintenance = on
        state.enable_app(INTEGRATION)

    return change


def automatic_management(on: bool) -> Step:
    """Automatic management of folders was switched, with the application password that is stored."""

    def run(replay: Replay) -> None:
        (storage,) = replay.openproject.storages.values()
        storage.automatic_management = on

    return run


def in_no_project(replay: Replay) -> None:
    """Another storage took the place of the one that was added to projects."""
    replay.openproject.project_storages.clear()


def stale_application_password(stale: bool) -> Step:
    """Nextcloud had the application password of OpenProject no longer, or again."""

    def run(replay: Replay) -> None:
        for token in replay.nextcloud.users[OPENPROJECT].tokens:
            token.value = token.value.removeprefix("another ") if not stale else f"another {token.value}"

    return run


def disabled_apps(*apps: str) -> Step:
    """Of the two apps, these were disabled."""

    def run(replay: Replay) -> None:
        for app in (GROUPFOLDERS, INTEGRATION):
            (replay.nextcloud.disable_app if app in apps else replay.nextcloud.enable_app)(app)

    return run


def no_membership(replay: Replay) -> None:
    """User OpenProject was no member of its group."""
    replay.nextcloud.groups[OPENPROJECT].members.remove(OPENPROJECT)


def group_folder(**values: Any) -> Step:
    """The one group folder was changed."""

    def run(replay: Replay) -> None:
        (folder,) = replay.nextcloud.folders.values()
        for name, value in values.items():
            setattr(folder, name, value)

    return run


def disabling_refused(replay: Replay) -> None:
    """User OpenProject was to be disabled, which its app refuses; a user who is disabled indeed gets 503 from WebDAV (NC §9)."""
    with pytest.raises(StateError):
        replay.nextcloud.set_user_enabled(OPENPROJECT, enabled=False)


def known_as(number: int) -> Step:
    """The storage's number is known from the start, not handed out."""
    return lambda replay: replay.identities.learn_number("storage", number, min(replay.openproject.storages))


RECORDINGS: dict[str, Recording] = {
    recording.name: recording
    for recording in (
        *NEXTCLOUD,
        Recording("openproject-15.4/http-auth", "29", linked),
        Recording("openproject-15.4/http-no-active-project", "29", archived),
        Recording("openproject-15.4/http-project-storages", "29", with_folders),
        Recording("openproject-15.4/http-scale", "29", both(with_folders, known_as(158))),
        Recording(
            "openproject-15.4/http-storages",
            "29",
            second_nextcloud,
            steps={18: on_other(_maintenance(True)), 21: on_other(_maintenance(False))},
        ),
        Recording("openproject-15.4/link-full", "29", pair),
        Recording(
            "openproject-15.4/runner",
            "29",
            linked,
            steps={
                3: automatic_management(False),
                4: both(automatic_management(True), stale_application_password(True)),
                5: both(stale_application_password(False), disabled_apps(GROUPFOLDERS)),
                6: disabled_apps(INTEGRATION),
                7: both(disabled_apps(), no_membership),
            },
        ),
        Recording("openproject-16.3/http-auth", "34", accounts_of_16, openproject="16.3"),
        Recording(
            "openproject-16.3/http-storages",
            "34",
            second_nextcloud,
            steps={18: on_other(_maintenance(True)), 21: on_other(_maintenance(False))},
            openproject="16.3",
        ),
        Recording("openproject-16.3/http-sso-unlicensed", "34", pair, openproject="16.3"),
        Recording("openproject-16.3/http-sso-licensed", "34", licensed, openproject="16.3"),
        Recording("openproject-16.3/link-sso", "34", licensed, openproject="16.3"),
        Recording(
            "openproject-16.3/runner",
            "34",
            # A project storage in automatic mode was taken although automatic management was off.
            both(linked, known_as(3), automatic_management(False)),
            steps={
                4: both(automatic_management(True), in_no_project),
                5: disabled_apps(GROUPFOLDERS),
                6: disabled_apps(INTEGRATION),
                7: both(disabled_apps(), stale_application_password(True)),
                8: both(stale_application_password(False), group_folder(acl=False)),
                9: group_folder(acl=True, mount_point="Renamed"),
                10: both(group_folder(mount_point=OPENPROJECT), disabling_refused),
                11: state(maintenance=True),
                12: state(maintenance=False),
            },
            openproject="16.3",
        ),
    )
}

NOT_REPLAYED = {
    "nextcloud-32/http-integration-app-versions": "older and newer apps on a server that they do not support",
    "nextcloud-32/occ-groupfolders-versions": "older and newer apps on a server that they do not support",
    "nextcloud-32/occ-timing": "measures how long commands take",
    "nextcloud-34/http-capabilities-by-credential": "tells of core's capabilities, which the product does not read",
    "nextcloud-34/http-terms-of-service": "the terms are signed by hand; the product reads whether they are",
    "nextcloud-34/occ-timing": "measures how long commands take",
}
"""Recordings that are left out as a whole, and why."""
