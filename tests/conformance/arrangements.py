# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recordings, the state that each starts in, and what happened to its server between the recorded lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests

from conformance.replay import Recording, Replay
from lab.nextcloud.server import NextcloudServer
from lab.nextcloud.state import GROUPFOLDERS, INTEGRATION, App, NextcloudState
from lab.openproject.state import AUTOMATIC
from lab.plumbing import Faults

Step = Callable[[Replay], None]

BESIDE_16 = "32"
"""The lab's Nextcloud for the recordings of OpenProject 16.3; the real one was 34.0.1."""

ADMIN_32, ADMIN_29 = "Adm1n-very-long-pass", "admin-pass-1"

PATHS_32 = {
    # The paths of the recorded server were made uniform only where JSON does not escape their slashes.
    "/srv/lab/ncA-data": "/var/www/nextcloud-data",
    "/srv/lab/ncA": "/var/www/nextcloud",
}
SYSTEM_32: dict[str, Any] = {
    "apps_paths": [
        {"path": "/var/www/nextcloud/apps", "url": "/apps", "writable": False},
        {"path": "/var/www/nextcloud/custom_apps", "url": "/custom_apps", "writable": True},
    ],
    "trusted_domains": ["localhost"],
    "datadirectory": "/var/www/nextcloud-data",
    "dbtype": "sqlite3",
    "version": "32.0.1.2",
    "overwrite.cli.url": "http://localhost",
    "installed": True,
    "maintenance": False,
}
SYSTEM_29: dict[str, Any] = {
    "dbtype": "sqlite3",
    "version": "29.0.6.1",
    "updater.release.channel": "git",
    "installed": True,
    "allow_local_remote_servers": True,
    "appstoreenabled": False,
    "auth.bruteforce.protection.enabled": False,
    "ratelimit.protection.enabled": False,
    "has_internet_connection": False,
    "updatechecker": False,
    "skeletondirectory": "",
    "default_phone_region": "DE",
    "loglevel": 2,
    "logfile": "/var/www/nextcloud-data/nextcloud.log",
    "sqlite.journal_mode": "WAL",
}
SECRET_SYSTEM = ("passwordsalt", "secret", "instanceid", "datadirectory")


def fresh_29(replay: Replay) -> None:
    """A Nextcloud 29.0.6 with both apps enabled."""
    _fresh(replay, SYSTEM_29)
    state = replay.nextcloud
    host = replay.lab.nextcloud.url.removeprefix("http://")
    state.system |= {"trusted_domains": [host, "localhost:8191"], "overwrite.cli.url": replay.lab.nextcloud.url}
    replay.stands_for(ADMIN_29, replay.lab.nextcloud.admin[1])
    replay.stands_for("127.0.0.1:8191", host)


def fresh_32(replay: Replay) -> None:
    """A Nextcloud 32.0.1 with both apps enabled."""
    _fresh(replay, SYSTEM_32)
    # Its installer logged the administrator in.
    replay.nextcloud.record_login(replay.nextcloud.user("admin"))
    replay.stands_for(ADMIN_32, replay.lab.nextcloud.admin[1])


def reachable_32(replay: Replay) -> None:
    """The same behind its web servers, so that it answers to their addresses."""
    fresh_32(replay)
    replay.stands_for("127.0.0.1:8181", replay.lab.nextcloud.url.removeprefix("http://"))


def without_apps_32(replay: Replay) -> None:
    """Both apps on disk, never enabled."""
    reachable_32(replay)
    state: NextcloudState = replay.nextcloud
    for app in (GROUPFOLDERS, INTEGRATION):
        state.app_config.pop(app, None)


def config_32(replay: Replay) -> None:
    """Both apps on disk, never enabled; the secret of the server is known."""
    without_apps_32(replay)
    replay.stands_for("T0xFWK6nh63fnw6pQ1l9mDZNL8jLf5SFjRtRQl4rupFKLKfV", replay.nextcloud.system["secret"])
    replay.nextcloud.system["trusted_domains"] = ["localhost"]


def core_32(replay: Replay) -> None:
    """Both apps on disk, never enabled."""
    without_apps_32(replay)
    replay.nextcloud.set_app_value("core", "installedat", "1795459624.76")


def with_alice_32(replay: Replay) -> None:
    """And an account that is no administrator."""
    reachable_32(replay)
    replay.nextcloud.create_user(replay.renamed("alice"), "Alice-long-password-1")


def _fresh(replay: Replay, system: dict[str, Any]) -> None:
    replay.lab.reset()
    replay.identities.forget_numbers()
    state: NextcloudState = replay.nextcloud
    state.system = {key: state.system[key] for key in SECRET_SYSTEM} | system


# OpenProject and its Nextclouds

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
    _fresh(replay, SYSTEM_29)
    nextcloud, openproject = replay.lab.nextcloud, replay.lab.openproject
    replay.nextcloud.system |= {"trusted_domains": ["127.0.0.1"], "overwrite.cli.url": nextcloud.url}
    user, password = openproject.basic_auth
    recorded = PAIRS[replay.recording.openproject]
    for old, here in {
        "bootstrap": user,
        "bootstrap-pass-1": password,
        recorded.api_key: openproject.api_key,
        recorded.other_api_key: str(replay.openproject.users[5].api_key),
        ADMIN_29: nextcloud.admin[1],
        recorded.openproject: openproject.url.removeprefix("http://"),
        recorded.nextcloud: nextcloud.url.removeprefix("http://"),
    }.items():
        replay.stands_for(old, here)


def licensed(replay: Replay) -> None:
    """And the plan covers single sign-on."""
    pair(replay)
    replay.openproject.enterprise = True


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


def with_many_folders(replay: Replay) -> None:
    """The same storage under the number that it had."""
    with_folders(replay)
    replay.identities.learn_number("storage", 158, min(replay.openproject.storages))


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


def both(*steps: Step) -> Step:
    """One step after the other."""

    def run(replay: Replay) -> None:
        for step in steps:
            step(replay)

    return run


def automatic_management(on: bool) -> Step:
    """Automatic management of folders was switched, with the application password that is stored."""

    def run(replay: Replay) -> None:
        (storage,) = replay.openproject.storages.values()
        storage.automatic_management = on

    return run


def stale_application_password(stale: bool) -> Step:
    """Nextcloud had the application password of OpenProject no longer, or again."""

    def run(replay: Replay) -> None:
        for token in replay.nextcloud.users["OpenProject"].tokens:
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
    replay.nextcloud.groups["OpenProject"].members.remove("OpenProject")


def group_folder(**values: Any) -> Step:
    """The one group folder was changed."""

    def run(replay: Replay) -> None:
        (folder,) = replay.nextcloud.folders.values()
        for name, value in values.items():
            setattr(folder, name, value)

    return run


def openproject_user(*, enabled: bool) -> Step:
    """User OpenProject was disabled or enabled in the database."""

    def run(replay: Replay) -> None:
        replay.nextcloud.users["OpenProject"].enabled = enabled

    return run


def no_managers(replay: Replay) -> None:
    """`delete from oc_group_folders_manage`."""
    for folder in replay.nextcloud.folders.values():
        folder.manage.clear()


def no_oauth_clients(replay: Replay) -> None:
    """`delete from oc_oauth2_clients`."""
    replay.nextcloud.oauth_clients.clear()


def on_disk(app: str, **changes: Any) -> Step:
    """The app's files were changed."""

    def run(replay: Replay) -> None:
        for name, value in changes.items():
            setattr(replay.nextcloud.apps[app], name, value)

    return run


def app_value(app: str, key: str, value: str) -> Step:
    return lambda replay: replay.nextcloud.set_app_value(app, key, value)


def system(**values: Any) -> Step:
    """config.php was edited."""

    def run(replay: Replay) -> None:
        replay.nextcloud.system.update(values)

    return run


def state(**values: Any) -> Step:
    def run(replay: Replay) -> None:
        for name, value in values.items():
            setattr(replay.nextcloud, name, value)

    return run


def around(**values: Any) -> Step:
    """What occ was started with, or its server's PHP, was changed."""

    def run(replay: Replay) -> None:
        for name, value in values.items():
            setattr(replay.nextcloud.surroundings, name, value)

    return run


def store(**values: Any) -> Step:
    """The app store was changed."""

    def run(replay: Replay) -> None:
        for name, value in values.items():
            setattr(replay.nextcloud.surroundings.store, name, value)

    return run


def files_away(app: str) -> Step:
    """The app's folder was moved away."""

    def run(replay: Replay) -> None:
        replay.nextcloud.apps.pop(app, None)

    return run


def files_there(app: str, version: str) -> Step:
    """And brought back."""

    def run(replay: Replay) -> None:
        replay.nextcloud.apps[app] = App(app, version, name=app)

    return run


def older_integration(replay: Replay) -> None:
    """The files of the integration app 2.11.3, which does not confirm its own user."""
    replay.nextcloud.profile = replace(replay.nextcloud.profile, confirms_own_user=False)


OLD_RELEASES = {INTEGRATION: "2.11.3", GROUPFOLDERS: "20.1.17"}
NEW_RELEASES = {INTEGRATION: "2.11.4", GROUPFOLDERS: "20.1.18"}
ARCHIVE_MISSING = (
    "Client error: `GET http://127.0.0.1:9191/integration_openproject-2.11.4.tar.gz` resulted in a `404 File not "
    'found` response:\n<!DOCTYPE HTML>\n<html lang="en">\n    <head>\n        <meta charset="utf-8">\n        '
    "<title>Error response</title>\n    </h (truncated...)\n"
)
DOWNGRADE = (
    "OCP\\HintException: [0]: Downgrading is not supported and is likely to cause unpredictable issues "
    "(from 33.0.0.1 to 32.0.1.2) ()\n"
)
SYNTAX_ERROR = (
    'ParseError: syntax error, unexpected identifier "error", expecting ")" in '
    "/var/www/nextcloud/config/config.php:3\nStack trace:\n#0 {main}"
)
NO_TABLES = (
    "PDOException: SQLSTATE[HY000]: General error: 1 no such table: oc_appconfig in "
    "/var/www/nextcloud/3rdparty/doctrine/dbal/src/Driver/PDO/Connection.php:59\nStack trace:\n#0 {main}"
)

RECORDINGS: dict[str, Recording] = {
    recording.name: recording
    for recording in (
        Recording("nextcloud-29/occ", "29", fresh_29),
        Recording("nextcloud-29/http-states", "29", fresh_29, steps={135: no_oauth_clients}),
        Recording(
            "nextcloud-32/http-auth-restrictions",
            "32",
            with_alice_32,
            texts=PATHS_32,
            steps={15: state(two_factor_enforced=True), 22: state(two_factor_enforced=False)},
        ),
        Recording("nextcloud-32/http-integration-auth", "32", with_alice_32, texts=PATHS_32),
        Recording(
            "nextcloud-32/http-integration-projectfolder-states",
            "32",
            reachable_32,
            texts=PATHS_32,
            steps={
                **{number: reachable_32 for number in (6, 12, 18, 24, 30, 37, 50, 130, 143, 160, 163)},
                70: no_managers,
                126: no_managers,
                139: files_away(GROUPFOLDERS),
            },
        ),
        Recording("nextcloud-32/http-integration-projectfolder", "32", with_alice_32, texts=PATHS_32),
        Recording("nextcloud-32/http-integration-recommended-flow", "32", reachable_32, steps={15: reachable_32}),
        Recording(
            "nextcloud-32/http-integration-setup", "32", reachable_32, steps={51: reachable_32, 79: no_oauth_clients}
        ),
        Recording(
            "nextcloud-32/http-integration-urlcheck-revoke-oidc",
            "32",
            with_alice_32,
            steps={number: with_alice_32 for number in (21, 47, 73, 99, 125, 151, 201, 203)},
        ),
        Recording("nextcloud-32/http-ocs-provisioning", "32", with_alice_32, texts=PATHS_32),
        Recording(
            "nextcloud-32/http-password-confirmation-simulated-pr61322",
            "32",
            both(with_alice_32, state(app_passwords_need_confirmation=True)),
            texts=PATHS_32,
            steps={26: older_integration},
        ),
        Recording(
            "nextcloud-32/misc-batch-oauth2-subadmin",
            "32",
            with_alice_32,
            texts=PATHS_32,
            # Line 12 ran several commands in one process.
            steps={13: app_value(INTEGRATION, "zz", "1")},
        ),
        Recording("nextcloud-32/misc-patch-traps", "32", with_alice_32, texts=PATHS_32),
        Recording(
            "nextcloud-32/occ-apps",
            "32",
            without_apps_32,
            texts=PATHS_32,
            steps={
                50: on_disk(INTEGRATION, compatible=False),
                60: on_disk(INTEGRATION, compatible=True, missing_dependency="PHP 8.9 or higher is required."),
                64: on_disk(INTEGRATION, missing_dependency=""),
                65: on_disk(INTEGRATION, compatible=False),
                69: on_disk(INTEGRATION, compatible=True, version="2.11.5"),
                83: on_disk(INTEGRATION, version="2.11.6"),
                88: on_disk(INTEGRATION, version="2.11.4"),
                90: files_away(INTEGRATION),
                96: files_there(INTEGRATION, "2.11.4"),
            },
        ),
        Recording(
            "nextcloud-32/occ-appstore",
            "32",
            without_apps_32,
            texts=PATHS_32,
            steps={
                0: store(offers=OLD_RELEASES),
                3: both(files_away(INTEGRATION), files_away(GROUPFOLDERS)),
                16: store(offers=NEW_RELEASES),
                17: store(cache=None),
                32: store(offers={}, cache=None),
                34: store(
                    offers=NEW_RELEASES,
                    cache=None,
                    trouble={INTEGRATION: f"App with id {INTEGRATION} has invalid signature"},
                ),
                35: store(trouble={INTEGRATION: ARCHIVE_MISSING}),
                37: store(trouble={}, reachable=False, cache=None),
                39: store(reachable=True),
                44: around(apps_writable=False),
                45: both(around(apps_writable=True), system(apps_paths=[*SYSTEM_32["apps_paths"][:1]])),
                46: system(apps_paths=SYSTEM_32["apps_paths"]),
            },
        ),
        Recording("nextcloud-32/occ-auth-tokens", "32", reachable_32, texts=PATHS_32),
        Recording(
            "nextcloud-32/occ-config", "32", config_32, texts=PATHS_32, steps={127: system(config_is_read_only=True)}
        ),
        Recording(
            "nextcloud-32/occ-core-states",
            "32",
            core_32,
            texts=PATHS_32,
            steps={
                14: around(config_readable=False),
                15: around(config_readable=True),
                18: around(occ_present=False),
                19: around(occ_present=True),
                53: both(state(server_needs_upgrade=True), system(version="31.0.9.1")),
                62: system(version="30.0.0.1"),
                64: both(state(server_needs_upgrade=False), around(unhandled=DOWNGRADE)),
                66: both(around(unhandled=""), system(version="32.0.1.2", installed=False)),
                74: both(system(installed=True), around(unhandled=SYNTAX_ERROR)),
                75: around(unhandled=NO_TABLES),
                77: around(unhandled="", missing_apps_path="/var/www/nextcloud/nosuch"),
                83: around(missing_apps_path="", data_directory_valid=False),
                86: around(data_directory_valid=True),
            },
            left_out={
                16: "console.php by itself, which nobody starts",
                19: "sudo's words about a file that is not executable",
            },
        ),
        Recording("nextcloud-32/occ-groupfolders", "32", with_alice_32, texts=PATHS_32),
        Recording("nextcloud-32/occ-users-groups", "32", fresh_32, texts=PATHS_32),
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
        Recording("openproject-16.3/http-auth", BESIDE_16, linked, openproject="16.3"),
        Recording(
            "openproject-16.3/http-storages",
            BESIDE_16,
            second_nextcloud,
            steps={18: on_other(_maintenance(True)), 21: on_other(_maintenance(False))},
            openproject="16.3",
        ),
        Recording("openproject-16.3/http-sso-unlicensed", BESIDE_16, pair, openproject="16.3"),
        Recording("openproject-16.3/http-sso-licensed", BESIDE_16, licensed, openproject="16.3"),
        Recording("openproject-16.3/link-sso", BESIDE_16, licensed, openproject="16.3"),
        Recording(
            "openproject-16.3/runner",
            BESIDE_16,
            # A project storage in automatic mode was taken although automatic management was off.
            both(linked, automatic_management(False)),
            steps={
                4: automatic_management(True),
                5: disabled_apps(GROUPFOLDERS),
                6: disabled_apps(INTEGRATION),
                7: both(disabled_apps(), stale_application_password(True)),
                8: both(stale_application_password(False), group_folder(acl=False)),
                9: group_folder(acl=True, mount_point="Renamed"),
                10: both(group_folder(mount_point="OpenProject"), openproject_user(enabled=False)),
                11: both(openproject_user(enabled=True), state(maintenance=True)),
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
}
"""Recordings that are left out as a whole, and why."""
