# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated occ: what happens before, around and after a command (NC §5.1)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from lab.nextcloud import occ_apps, occ_config, occ_groupfolders, occ_groups, occ_system, occ_users
from lab.nextcloud.occ_core import COMMANDS, GLOBAL_FLAGS, Command, Console, Input, OccError, Stop, box, parse
from lab.nextcloud.state import ALNUM, NextcloudState
from lab.plumbing import Exchange, random_text

if TYPE_CHECKING:
    from lab.nextcloud.server import NextcloudServer

FAMILIES = (occ_apps, occ_config, occ_groupfolders, occ_groups, occ_system, occ_users)
"""Importing them registers their commands."""

ROOT_UID, OWNER_UID, FOREIGN_UID = 0, 33, 65534
FIRST_OWN_USER_SWITCH = 32
"""From this version on occ changes to the owner of config.php when root starts it (server#33545)."""

FIRST_JOINS_TABS = 34
"""From this version on the console takes tabulators in a row for one when it frames an exception."""

PCNTL = (
    "The process control (PCNTL) extensions are required in case you want to interrupt long running commands - see "
    "https://www.php.net/manual/en/book.pcntl.php\n"
    "Additionally the function 'pcntl_signal' and 'pcntl_signal_dispatch' need to be enabled in your php.ini.\n"
)
MEMORY = "The current PHP memory limit is below the recommended value of 512MB.\n"
MAINTENANCE = "Nextcloud is in maintenance mode, no apps are loaded.\nCommands provided by apps are unavailable.\n"
UPGRADE = (
    "Nextcloud or one of the apps require upgrade - only a limited number of commands are available\n"
    "You may use your browser or the occ upgrade command to do the upgrade\n"
)
NOT_INSTALLED = "Nextcloud is not installed - only a limited number of commands are available\n"
BAD_DATA_DIRECTORY = (
    "Your data directory is invalid.\n"
    'Ensure there is a file called ".ncdata" in the root of the data directory. '
    'It should have the content: "# Nextcloud data directory"\n\n'
)

Result = tuple[int, str, str]


def run(server: NextcloudServer, argv: Sequence[str], environment: Mapping[str, str], stdin: str) -> Result:
    """One start of occ: exit code, standard output, standard error."""
    state = server.state
    early = _before_any_command(state)
    if early is not None:
        return early
    console = Console(
        state,
        state.surroundings,
        {**state.surroundings.environment, **environment},
        stdin,
        interactive=not {"-n", "--no-interaction"} & set(argv),
    )
    _warn(console, argv)
    name, words = _split(argv)
    if name is None:
        console.line(f"Nextcloud {state.profile.version}")
        return 0, "".join(console.out), "".join(console.err)
    known = _find(state, name)
    try:
        if known is None:
            raise OccError(_unknown(state, name))
        console.input = parse(known, state.profile.major, words)
        refusal = _refused_by_lab(server, known, console.input, argv)
        code = refusal if refusal is not None else known.run(console) or 0
    except Stop as stop:
        code = stop.code
    except OccError as error:
        code = error.code
        synopsis = known.synopsis(state.profile.major) if known else ""
        console.err.append(box(error, synopsis, joins_tabs=state.profile.major >= FIRST_JOINS_TABS))
    quiet = {"-q", "--quiet"} & set(argv)
    return code, "" if quiet else "".join(console.out), "".join(console.err)


def _before_any_command(state: NextcloudState) -> Result | None:
    """Troubles that leave no command a chance."""
    around = state.surroundings
    if not around.occ_present:
        return 1, "Could not open input file: occ\n", ""
    if around.php_fatal:
        text = around.php_fatal + "\n"
        return (255, f"\n{text}", "") if around.php_fatal_on_stdout else (255, "", text)
    if around.account != "www-data":
        refused = _wrong_account(state)
        if refused is not None:
            return refused
    if around.unhandled:
        return 1, f"An unhandled exception has been thrown:\n{around.unhandled}", ""
    if around.missing_apps_path:
        return (
            0,
            f'App directory "{around.missing_apps_path}" not found! Please put the Nextcloud apps folder in the '
            "Nextcloud folder. You can also configure the location in the config.php file.",
            "",
        )
    if not around.data_directory_valid:
        return 1, BAD_DATA_DIRECTORY + _exception("Exception: Environment not properly prepared."), ""
    return None


def _wrong_account(state: NextcloudState) -> Result | None:
    around, major = state.surroundings, state.profile.major
    if around.account == "root" and major >= FIRST_OWN_USER_SWITCH:
        return None
    if not around.config_readable:
        log = {
            "reqId": random_text(ALNUM, 20),
            "level": 3,
            "app": "PHP",
            "message": "fopen(config.php): Failed to open stream: Permission denied",
        }
        return (
            0,
            'Cannot write into "config" directory!\nThis can usually be fixed by giving the web server write access to '
            "the config directory.\n\nBut, if you prefer to keep config.php file read only, set the option "
            '"config_is_read_only" to true in it.\n'
            f"See https://docs.nextcloud.com/server/{major}/go.php?to=admin-config\n",
            json.dumps(log) + "\n",
        )
    if around.account == "root" or major < FIRST_OWN_USER_SWITCH:
        uid = ROOT_UID if around.account == "root" else FOREIGN_UID
        return (
            1,
            "Console has to be executed with the user that owns the file config/config.php\n"
            f"Current user id: {uid}\nOwner id of config.php: {OWNER_UID}\n"
            f"Try adding 'sudo -u #{OWNER_UID}' to the beginning of the command (without the single quotes)\n"
            f"If running with 'docker exec' try adding the option '-u {OWNER_UID}' to the docker command (without the "
            "single quotes)\n",
            "",
        )
    return 1, _exception("PDOException: SQLSTATE[HY000] [14] unable to open database file"), ""


def _exception(text: str) -> str:
    return (
        f"An unhandled exception has been thrown:\n{text} in /var/www/nextcloud/lib/private/Console/Application.php:143\n"
        "Stack trace:\n#0 /var/www/nextcloud/console.php(84): OC\\Console\\Application->loadCommands()\n"
        "#1 /var/www/nextcloud/occ(33): require_once('...')\n#2 {main}"
    )


def _warn(console: Console, argv: Sequence[str]) -> None:
    """The lines before a command's own. `--no-warnings` counts up to the first option that is not everybody's."""
    around, state = console.surroundings, console.state
    if around.php_warning:
        console.err.append(around.php_warning + "\n")
    if around.pcntl_disabled and "--no-warnings" not in argv:
        console.out.append(PCNTL)
    for word in argv:
        if word == "--no-warnings":
            return
        if word.startswith("-") and word not in GLOBAL_FLAGS and word.lstrip("-") not in GLOBAL_FLAGS.values():
            break
    if around.memory_limit_low:
        console.err.append(MEMORY)
    if not state.installed:
        console.err.append(NOT_INSTALLED)
    elif state.maintenance:
        # `occ status -e` and `occ status` alone say it in their answer.
        if _split(argv)[0] not in ("status", "maintenance:mode"):
            console.err.append(MAINTENANCE)
    elif state.needs_upgrade:
        console.err.append(UPGRADE)


def _split(argv: Sequence[str]) -> tuple[str | None, list[str]]:
    """The command's name and the other words; no name when the version is asked for."""
    if {"-V", "--version"} & set(argv):
        return None, []
    words = list(argv)
    for index, word in enumerate(words):
        if not word.startswith("-"):
            return word, words[:index] + words[index + 1 :]
    return None, []


def _find(state: NextcloudState, name: str) -> Command | None:
    found = COMMANDS.get(name)
    if found is None:
        return None
    if not state.installed:
        return found if name in occ_system.ALWAYS else None
    if found.app and (state.maintenance or state.needs_upgrade or not state.app_enabled(found.app)):
        return None
    return found


def _unknown(state: NextcloudState, name: str) -> str:
    namespace = name.rpartition(":")[0]
    if not namespace:
        return f'Command "{name}" is not defined.'
    siblings = [other for other in COMMANDS if other.startswith(f"{namespace}:") and _find(state, other)]
    if siblings:
        return f'Command "{name}" is not defined.'
    return f'There are no commands defined in the "{namespace}" namespace.'


def _refused_by_lab(server: NextcloudServer, known: Command, given: Input, argv: Sequence[str]) -> int | None:
    if not server.read_only or not known.writes(given):
        return None
    server.refused.append(Exchange("OCC", known.name, "", {}, json.dumps(list(argv)), server=server.name))
    raise OccError("The lab is read-only")
