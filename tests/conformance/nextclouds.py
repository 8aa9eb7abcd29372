# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recordings of Nextcloud, the state that each starts in, and what happened to the server between their lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from conformance.replay import Recording, Replay
from lab.nextcloud.state import GROUPFOLDERS, INTEGRATION, OPENPROJECT, NextcloudState

Step = Callable[[Replay], None]

ADMINS = {"29": "admin-pass-1", "32": "Adm1n-very-long-pass", "34": "admin-pass-1"}
"""The administrator's login password on each recorded server."""

PATHS_32 = {
    # The paths of the recorded server were made uniform only where JSON does not escape their slashes.
    "/srv/lab/ncA-data": "/var/www/nextcloud-data",
    "/srv/lab/ncA": "/var/www/nextcloud",
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
SYSTEMS = {"29": SYSTEM_29, "32": SYSTEM_32, "34": SYSTEM_32 | {"version": "34.0.1.2"}}
SECRET_SYSTEM = ("passwordsalt", "secret", "instanceid", "datadirectory")


SECRETS = {
    "32": "T0xFWK6nh63fnw6pQ1l9mDZNL8jLf5SFjRtRQl4rupFKLKfV",
    "34": "A6+MKtM+ODCvXIrcrCxmjqxLZC8DUm19hMc//luaXJdQ71ZF",
}
"""`secret` in each recorded config.php."""
INSTALLED_AT = {"32": "1795459624.76", "34": "1795726276.7797"}


def fresh_29(replay: Replay) -> None:
    """A Nextcloud 29.0.6 with both apps enabled."""
    at_address("127.0.0.1:8191")(replay)
    replay.nextcloud.system["trusted_domains"].append("localhost:8191")


def at_address(address: str) -> Step:
    """A Nextcloud with both apps enabled, known by the address that it had, with an OpenProject on its own machine."""

    def run(replay: Replay) -> None:
        version = replay.recording.nextcloud
        fresh_servers(replay, SYSTEMS[version])
        url = replay.lab.nextcloud.url
        host = url.removeprefix("http://")
        replay.nextcloud.system |= {"trusted_domains": [host], "overwrite.cli.url": url}
        replay.stands_for(ADMINS[version], replay.lab.nextcloud.admin[1])
        replay.stands_for(address, host)

    return run


SECOND_TIME = {"29": {"updatenotification": "yes", "weather_status": "yes"}, "34": {"firstrunwizard": "no"}}
"""What was otherwise with the apps of each server when it was recorded again."""


def second(address: str) -> Step:
    """The same when it was recorded again."""

    def run(replay: Replay) -> None:
        at_address(address)(replay)
        for app, enabled in SECOND_TIME[replay.recording.nextcloud].items():
            replay.nextcloud.set_app_value(app, "enabled", enabled)

    return run


def fresh(replay: Replay) -> None:
    """A Nextcloud of the recording's version with both apps enabled."""
    version = replay.recording.nextcloud
    fresh_servers(replay, SYSTEMS[version])
    # Its installer logged the administrator in.
    replay.nextcloud.record_login(replay.nextcloud.user("admin"))
    replay.stands_for(ADMINS[version], replay.lab.nextcloud.admin[1])


def reachable(replay: Replay) -> None:
    """The same behind its web servers, so that it answers to their addresses."""
    fresh(replay)
    replay.stands_for("127.0.0.1:8181", replay.lab.nextcloud.url.removeprefix("http://"))


def without_apps(replay: Replay) -> None:
    """Both apps on disk, never enabled."""
    reachable(replay)
    state: NextcloudState = replay.nextcloud
    for app in (GROUPFOLDERS, INTEGRATION):
        state.app_config.pop(app, None)


def never_enabled_with_secret(replay: Replay) -> None:
    """Both apps on disk, never enabled; the secret of the server is known."""
    without_apps(replay)
    replay.stands_for(SECRETS[replay.recording.nextcloud], replay.nextcloud.system["secret"])
    replay.nextcloud.system["trusted_domains"] = ["localhost"]


def never_enabled(replay: Replay) -> None:
    """Both apps on disk, never enabled."""
    without_apps(replay)
    replay.nextcloud.set_app_value("core", "installedat", INSTALLED_AT[replay.recording.nextcloud])


def with_alice(replay: Replay) -> None:
    """And an account that is no administrator."""
    reachable(replay)
    replay.nextcloud.create_user(replay.renamed("alice"), "Alice-long-password-1")


def fresh_servers(replay: Replay, system: dict[str, Any]) -> None:
    replay.lab.reset()
    replay.identities.forget_numbers()
    state: NextcloudState = replay.nextcloud
    state.system = {key: state.system[key] for key in SECRET_SYSTEM} | system


# Between the lines


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
    return lambda replay: replay.nextcloud.put_on_disk(app, version)


def left_over_files(*uids: str) -> Step:
    """Which former accounts have a directory in the data directory."""
    return state(left_over_files=set(uids))


def older_integration(replay: Replay) -> None:
    """The files of the integration app 2.11.3, which does not confirm its own user."""
    replay.nextcloud.profile = replace(replay.nextcloud.profile, confirms_own_user=False)


def files_come_and_go(integration: str, folders: str) -> Mapping[int, Step]:
    """The steps of both recordings of that name."""
    return {
        0: left_over_files(OPENPROJECT),
        11: left_over_files(),
        18: files_away(INTEGRATION),
        33: files_there(INTEGRATION, integration),
        40: files_away(GROUPFOLDERS),
        55: files_there(GROUPFOLDERS, folders),
    }


OLD_RELEASES = {INTEGRATION: "2.11.3", GROUPFOLDERS: "20.1.17"}
NEW_RELEASES = {INTEGRATION: "2.11.4", GROUPFOLDERS: "20.1.18"}
ARCHIVE_MISSING = (
    "Client error: `GET http://127.0.0.1:9191/integration_openproject-2.11.4.tar.gz` resulted in a `404 File not "
    'found` response:\n<!DOCTYPE HTML>\n<html lang="en">\n    <head>\n        <meta charset="utf-8">\n        '
    "<title>Error response</title>\n    </h (truncated...)\n"
)
DOWNGRADE_32 = (
    "OCP\\HintException: [0]: Downgrading is not supported and is likely to cause unpredictable issues "
    "(from 33.0.0.1 to 32.0.1.2) ()\n"
)
DOWNGRADE_34 = (
    "OCP\\HintException: [0]: Downgrading Nextcloud from 35.0.0.1 to 34.0.1.2 is not supported and may corrupt your "
    "instance (database and data directory). Restore a full backup (code, database, and data directory) taken before "
    "the change, or restore the previous codebase so that it matches the installed version (version 35.0.0.1). ()\n"
)
SYNTAX_ERROR = (
    'ParseError: syntax error, unexpected identifier "error", expecting ")" in '
    "/var/www/nextcloud/config/config.php:3\nStack trace:\n#0 {main}"
)
NO_TABLES = (
    "PDOException: SQLSTATE[HY000]: General error: 1 no such table: oc_appconfig in "
    "/var/www/nextcloud/3rdparty/doctrine/dbal/src/Driver/PDO/Connection.php:59\nStack trace:\n#0 {main}"
)

OF_29 = (
    Recording("nextcloud-29/occ", "29", fresh_29),
    Recording("nextcloud-29/http-states", "29", fresh_29, steps={135: no_oauth_clients}),
    Recording("nextcloud-29/app-limited-to-a-group", "29", second("127.0.0.1:8181")),
    Recording(
        "nextcloud-29/files-gone-and-left-over",
        "29",
        second("127.0.0.1:8181"),
        steps=files_come_and_go("2.10.0", "17.0.14"),
    ),
)

OF_32 = (
    Recording("nextcloud-32/http-auth-restrictions", "32", with_alice, texts=PATHS_32),
    Recording("nextcloud-32/http-integration-auth", "32", with_alice, texts=PATHS_32),
    Recording(
        "nextcloud-32/http-integration-projectfolder-states",
        "32",
        reachable,
        texts=PATHS_32,
        steps={
            **{number: reachable for number in (6, 12, 18, 24, 30, 37, 50, 130, 143, 160, 163)},
            70: no_managers,
            126: no_managers,
            139: files_away(GROUPFOLDERS),
        },
    ),
    Recording("nextcloud-32/http-integration-projectfolder", "32", with_alice, texts=PATHS_32),
    Recording("nextcloud-32/http-integration-recommended-flow", "32", reachable, steps={15: reachable}),
    Recording("nextcloud-32/http-integration-setup", "32", reachable, steps={51: reachable, 79: no_oauth_clients}),
    Recording(
        "nextcloud-32/http-integration-urlcheck-revoke-oidc",
        "32",
        with_alice,
        steps={number: with_alice for number in (21, 47, 73, 99, 125, 151, 201, 203)},
    ),
    Recording("nextcloud-32/http-ocs-provisioning", "32", with_alice, texts=PATHS_32),
    Recording(
        "nextcloud-32/http-password-confirmation-simulated-pr61322",
        "32",
        both(with_alice, state(app_passwords_need_confirmation=True)),
        texts=PATHS_32,
        steps={26: older_integration},
    ),
    Recording(
        "nextcloud-32/misc-batch-oauth2-subadmin",
        "32",
        with_alice,
        texts=PATHS_32,
        # Line 12 ran several commands in one process.
        steps={13: app_value(INTEGRATION, "zz", "1")},
    ),
    Recording("nextcloud-32/misc-patch-traps", "32", with_alice, texts=PATHS_32),
    Recording(
        "nextcloud-32/occ-apps",
        "32",
        without_apps,
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
        without_apps,
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
    Recording("nextcloud-32/occ-auth-tokens", "32", reachable, texts=PATHS_32),
    Recording(
        "nextcloud-32/occ-config",
        "32",
        never_enabled_with_secret,
        texts=PATHS_32,
        steps={127: system(config_is_read_only=True)},
    ),
    Recording(
        "nextcloud-32/occ-core-states",
        "32",
        never_enabled,
        texts=PATHS_32,
        steps={
            14: around(config_readable=False),
            15: around(config_readable=True),
            18: around(occ_present=False),
            19: around(occ_present=True),
            53: both(state(server_needs_upgrade=True), system(version="31.0.9.1")),
            62: system(version="30.0.0.1"),
            64: both(state(server_needs_upgrade=False), around(unhandled=DOWNGRADE_32)),
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
    Recording("nextcloud-32/occ-groupfolders", "32", with_alice, texts=PATHS_32),
    Recording("nextcloud-32/occ-users-groups", "32", fresh, texts=PATHS_32),
)


def _again(changes: Mapping[str, Mapping[int, Step]]) -> Iterator[Recording]:
    """The requests of 32, repeated at 34 in the same states; `changes` are other steps, by name."""
    for recording in OF_32:
        name = recording.name.replace("-32/", "-34/")
        if name not in NOT_REPEATED:
            steps = {**recording.steps, **changes.get(name, {})}
            yield replace(recording, name=name, nextcloud="34", steps=steps)


NOT_REPEATED = {"nextcloud-34/occ-appstore"}

OF_34 = (
    *_again(
        {
            "nextcloud-34/http-password-confirmation-simulated-pr61322": {26: both()},
            "nextcloud-34/occ-apps": {
                69: on_disk(INTEGRATION, compatible=True, version="3.1.2"),
                83: on_disk(INTEGRATION, version="3.1.3"),
                88: on_disk(INTEGRATION, version="3.1.1"),
                96: files_there(INTEGRATION, "3.1.1"),
            },
            "nextcloud-34/occ-core-states": {
                53: both(state(server_needs_upgrade=True), system(version="33.0.2.1")),
                64: both(state(server_needs_upgrade=False), around(unhandled=DOWNGRADE_34)),
                66: both(around(unhandled=""), system(version="34.0.1.2", installed=False)),
                74: both(
                    system(installed=True),
                    around(unhandled=SYNTAX_ERROR.replace('error", expecting', 'here", expecting')),
                ),
            },
        }
    ),
    Recording("nextcloud-34/app-limited-to-a-group", "34", second("127.0.0.1:8281")),
    Recording(
        "nextcloud-34/files-gone-and-left-over",
        "34",
        second("127.0.0.1:8281"),
        steps=files_come_and_go("3.1.1", "22.0.6"),
    ),
    Recording(
        "nextcloud-34/http-auth-34",
        "34",
        with_alice,
        left_out={108: "the token came from an endpoint that the product does not ask"},
    ),
    Recording("nextcloud-34/http-folder-without-default-permission", "34", reachable),
    Recording(
        "nextcloud-34/http-sso",
        "34",
        reachable,
        steps={
            120: both(reachable, files_there("user_oidc", "8.10.1")),
            127: state(oidc_providers=["keycloak"]),
            248: files_there("oidc", "2.0.9"),
        },
    ),
    Recording(
        "nextcloud-34/misc-34",
        "34",
        with_alice,
        steps={
            53: reachable,
            63: files_there("terms_of_service", "4.7.1"),
        },
    ),
    Recording("nextcloud-34/occ-groupfolders-34", "34", with_alice),
)

NEXTCLOUD = (*OF_29, *OF_32, *OF_34)
