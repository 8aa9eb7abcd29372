# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recordings, the state that each starts in, and what happened to its server between the recorded lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.replay import Recording, Replay
from lab.nextcloud.state import GROUPFOLDERS, INTEGRATION, App, NextcloudState

Step = Callable[[Replay], None]

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
    replay.identities.learn_text(ADMIN_29, replay.lab.nextcloud.admin[1])
    replay.identities.learn_text("127.0.0.1:8191", host)


def fresh_32(replay: Replay) -> None:
    """A Nextcloud 32.0.1 with both apps enabled."""
    _fresh(replay, SYSTEM_32)
    # Its installer logged the administrator in.
    replay.nextcloud.record_login(replay.nextcloud.user("admin"))
    replay.identities.learn_text(ADMIN_32, replay.lab.nextcloud.admin[1])


def reachable_32(replay: Replay) -> None:
    """The same behind its web servers, so that it answers to their addresses."""
    fresh_32(replay)
    replay.identities.learn_text("127.0.0.1:8181", replay.lab.nextcloud.url.removeprefix("http://"))


def without_apps_32(replay: Replay) -> None:
    """Both apps on disk, never enabled."""
    reachable_32(replay)
    state: NextcloudState = replay.nextcloud
    for app in (GROUPFOLDERS, INTEGRATION):
        state.app_config.pop(app, None)


def config_32(replay: Replay) -> None:
    """Both apps on disk, never enabled; the secret of the server is known."""
    without_apps_32(replay)
    replay.identities.learn_text("T0xFWK6nh63fnw6pQ1l9mDZNL8jLf5SFjRtRQl4rupFKLKfV", replay.nextcloud.system["secret"])
    replay.nextcloud.system["trusted_domains"] = ["localhost"]


def core_32(replay: Replay) -> None:
    """Both apps on disk, never enabled."""
    without_apps_32(replay)
    replay.nextcloud.set_app_value("core", "installedat", "1795459624.76")


def with_alice_32(replay: Replay) -> None:
    """And an account that is no administrator."""
    reachable_32(replay)
    replay.nextcloud.create_user("alice", "Alice-long-password-1")


def _fresh(replay: Replay, system: dict[str, Any]) -> None:
    replay.lab.reset()
    replay.identities.forget_numbers()
    state: NextcloudState = replay.nextcloud
    state.system = {key: state.system[key] for key in SECRET_SYSTEM} | system


# Between the lines


def fresh_pair(replay: Replay) -> None:
    replay.lab.reset()


def both(*steps: Step) -> Step:
    """One step after the other."""

    def run(replay: Replay) -> None:
        for step in steps:
            step(replay)

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
        Recording("nextcloud-32/http-auth-restrictions", "32", with_alice_32),
        Recording("nextcloud-32/http-integration-auth", "32", with_alice_32),
        Recording("nextcloud-32/http-integration-projectfolder-states", "32", reachable_32),
        Recording("nextcloud-32/http-integration-projectfolder", "32", with_alice_32),
        Recording("nextcloud-32/http-integration-recommended-flow", "32", reachable_32),
        Recording("nextcloud-32/http-integration-setup", "32", reachable_32, steps={79: no_oauth_clients}),
        Recording("nextcloud-32/http-integration-urlcheck-revoke-oidc", "32", with_alice_32),
        Recording("nextcloud-32/http-ocs-provisioning", "32", with_alice_32),
        Recording("nextcloud-32/http-password-confirmation-simulated-pr61322", "32", with_alice_32),
        Recording("nextcloud-32/misc-batch-oauth2-subadmin", "32", with_alice_32),
        Recording("nextcloud-32/misc-patch-traps", "32", with_alice_32),
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
        Recording("openproject-15.4/http-auth", "29", fresh_pair),
        Recording("openproject-15.4/http-no-active-project", "29", fresh_pair),
        Recording("openproject-15.4/http-project-storages", "29", fresh_pair),
        Recording("openproject-15.4/http-scale", "29", fresh_pair),
        Recording("openproject-15.4/http-storages", "29", fresh_pair),
        Recording("openproject-15.4/link-full", "29", fresh_pair),
    )
}

NOT_REPLAYED = {
    "nextcloud-32/http-integration-app-versions": "older and newer apps on a server that they do not support",
    "nextcloud-32/occ-groupfolders-versions": "older and newer apps on a server that they do not support",
    "nextcloud-32/occ-timing": "measures how long commands take",
    "openproject-15.4/runner": "scripts of the recorder; the product's own Ruby is tested in tests/unit",
}
"""Recordings that are left out as a whole, and why."""
