# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong when occ, or the way to it, fails as a whole (NC §5.1), with what to do about it."""

from __future__ import annotations

import html
import json
import os
import re
import typing as t
from pathlib import PurePath

from .._core.command import Completed
from .._core.diagnosis import Diagnosis, diagnose_prefix
from .._core.exec_prefix import ExecPrefix

LONGEST_SENTENCE = 300
#: lines that say nothing about a failure: kubectl's note and exit code, the loader (field case O01), PHP's warnings, Nextcloud's log
NOISE = re.compile(
    r"Default(ed|ing) container|command terminated with exit code|ERROR: ld\.so|.*cannot be preloaded"
    r"|(PHP )?(Warning|Notice|Deprecated): |\{\"reqId\"|The current PHP memory limit is below|Stack trace:|#\d+ |An unhandled exception has been thrown:"
    r"|In \S+\.php line \d+:|The process control \(PCNTL\)|Additionally the function 'pcntl"
    r"|.*(is in maintenance mode, no apps are loaded|Commands provided by apps are unavailable)"
    r"|.*(only a limited number of commands are available|or the occ upgrade command to do the upgrade)"
)
WRONG_USER = "Console has to be executed with the user that owns the file config/config.php"


def first_sentence(stdout: str, stderr: str) -> str:
    """What occ, or the way to it, says first: out of a box on standard error, else of standard output, else of standard error."""
    # a terminal in between joins both streams
    boxed = _boxed(stderr) or ("" if stderr.strip() else _boxed(stdout))
    if boxed:
        return _short(boxed)
    for text in (stdout, stderr):
        for line in text.splitlines():
            if line.strip() and not NOISE.match(line.strip()):
                return _short(re.sub(r" in /\S+?:\d+$", "", line.strip()))
    return ""


def is_unknown_command(stdout: str, stderr: str) -> bool:
    """Whether occ does not know the command; its app is not loaded, for whatever reason."""
    pattern = r'There are no commands defined in the "|^\s+Command ".*?" is not defined\.'
    return bool(re.search(pattern, f"{stdout}\n{stderr}", re.MULTILINE))


def from_status(status: t.Mapping[str, t.Any], words: str) -> Diagnosis:
    """Why the commands of apps, or all but a few, are gone, from C(occ status)."""
    if status.get("installed") is False:
        return Diagnosis(
            "not_installed",
            f"{words} Nextcloud is not installed there",
            "Install it first (occ maintenance:install), or point occ_command and occ_exec at the right Nextcloud:"
            " occ also says so, and makes an empty config.php, where it finds none",
        )
    if status.get("maintenance"):
        return Diagnosis(
            "maintenance",
            f"{words} Nextcloud is in maintenance mode, so its apps are not loaded",
            "Run again when the maintenance is over (occ maintenance:mode --off)",
        )
    if status.get("needsDbUpgrade"):
        return Diagnosis(
            "needs_upgrade",
            f"{words} Nextcloud or one of its apps waits for an upgrade, so its apps are not loaded",
            "Run: occ upgrade",
        )
    return Diagnosis(
        "unknown_command", words, "The app that brings this command is not enabled, or its version does not know it"
    )


def silent_diagnosis(stdout: str, exec_prefix: ExecPrefix) -> Diagnosis | None:
    """Trouble that occ leaves with exit code 0 (NC §5.1)."""
    head = stdout.lstrip()
    if re.search(r'^Cannot write into "config" directory!', head, re.MULTILINE):
        return Diagnosis(
            "config_unreadable",
            'Cannot write into "config" directory! (exit code 0)',
            f"occ cannot read or write config.php, so it probably runs as the wrong user{_ran_as(exec_prefix)}. occ_exec decides on that. For an"
            f" owner with the number 33: {exec_prefix.as_user(33)}",
        )
    missing = re.search(r'^App directory "([^"]*)" not found!', head, re.MULTILINE)
    if missing:
        return Diagnosis(
            "apps_directory_missing",
            f'App directory "{missing.group(1)}" not found! (exit code 0)',
            "Make the directory, or take it out of apps_paths in config.php; until then no occ command does anything",
        )
    return None


def diagnose(completed: Completed, command: t.Sequence[str], exec_prefix: ExecPrefix) -> Diagnosis | None:
    """Trouble of occ as a whole behind an exit code other than 0; C(None) when a single command was refused."""
    stdout, stderr = completed.stdout, completed.stderr
    both = f"{stdout}\n{stderr}"
    return (
        _wrong_user(both, exec_prefix)
        or silent_diagnosis(stdout, exec_prefix)
        or diagnose_prefix(completed, command, exec_prefix)
        or _no_occ_there(both)
        or _php(both, command)
        or _not_usable(stdout, stderr)
        or _killed(completed.rc)
    )


def _wrong_user(both: str, exec_prefix: ExecPrefix) -> Diagnosis | None:
    if WRONG_USER not in both:
        return None
    current, owner = (
        re.search(rf"{label}\D*(\d+)", both) for label in ("Current user id:", r"Owner id of config\.php:")
    )
    wanted = int(owner.group(1)) if owner else 33
    ran_as = f"user id {current.group(1)}" if current else "another user"
    return Diagnosis(
        "wrong_user",
        f"{WRONG_USER}; it ran as {ran_as} and wants user id {wanted}",
        f"occ_exec decides on the user. {exec_prefix.as_user(wanted)}",
    )


def _no_occ_there(both: str) -> Diagnosis | None:
    words = re.search(r"^Could not open input file: .*$", both, re.MULTILINE)
    if words is None:
        return None
    return Diagnosis(
        "command_not_found",
        words.group().strip(),
        "Set occ_command to PHP and the absolute path of occ, for example [php, /var/www/nextcloud/occ]",
    )


def _php(both: str, command: t.Sequence[str]) -> Diagnosis | None:
    if re.search(r"Memcache .*APCu.* not available", both):
        return Diagnosis(
            "apcu",
            _line(both, "Memcache"),
            f"APCu is off for PHP on the command line: set occ_command to {_with_setting(command, 'apc.enable_cli=1')}, or apc.enable_cli = 1 in its php.ini",
        )
    if "Allowed memory size of" in both:
        return Diagnosis(
            "memory_limit",
            _line(both, "Allowed memory size of"),
            f"PHP on the command line may use too little memory: set occ_command to {_with_setting(command, 'memory_limit=512M')}",
        )
    for pattern in ("requires at least PHP", "not compatible with PHP", "Composer dependencies require a PHP version"):
        if pattern in both:
            return Diagnosis(
                "php_version",
                _line(both, pattern),
                f"The PHP of occ_command ({command[0]}) is not the one of the web server: name that one, for example [/usr/bin/php8.3, /var/www/nextcloud/occ]",
            )
    fatal = re.search(r"^(PHP )?(Fatal|Parse) error: .*$", both, re.MULTILINE)
    if fatal:
        return Diagnosis(
            "php_fatal",
            _short(fatal.group()),
            f"PHP itself fails in Nextcloud or in one of its apps, so every occ command does. If the web works, occ_command ({command[0]}) is another"
            " PHP, or lacks its modules; name the right one or give it settings with php -d",
        )
    return None


def _not_usable(stdout: str, stderr: str) -> Diagnosis | None:
    if re.search(r"An unhandled exception has been thrown:|^Your data directory is invalid", stdout, re.MULTILINE):
        return Diagnosis(
            "exception",
            first_sentence(stdout, stderr),
            "Nextcloud itself does not start there; check config.php, its database, and that occ_exec runs occ as the owner of config.php",
        )
    if is_unknown_command(stdout, stderr) and "Nextcloud is not installed" in f"{stdout}{stderr}":
        return from_status({"installed": False}, first_sentence(stdout, stderr))
    return None


def _killed(rc: int) -> Diagnosis | None:
    if rc not in (137, -9):
        return None
    return Diagnosis("killed", "it was killed", "It probably ran out of memory; give the machine or the container more")


def _with_setting(command: t.Sequence[str], setting: str) -> str:
    if "php" in PurePath(command[0]).name:
        return json.dumps([command[0], "-d", setting, *command[1:]])
    return json.dumps(["php", "-d", setting, "/var/www/nextcloud/occ"])


def _ran_as(exec_prefix: ExecPrefix) -> str:
    return (
        f" (occ_exec {json.dumps(exec_prefix.words)})"
        if exec_prefix.words
        else f" (user id {os.getuid()}, occ_exec is empty)"
    )


def _line(text: str, pattern: str) -> str:
    return next(_short(line.strip()) for line in text.splitlines() if pattern in line)


def _boxed(stderr: str) -> str:
    """The first message that Symfony's console framed with blanks and cut hard at the width of a terminal."""
    box: list[str] = []
    for line in stderr.splitlines():
        inside = line.startswith("  ") and line.endswith("  ") and bool(line.strip())
        if inside:
            box.append(line[2:-2])
        elif box:
            break
    text = re.sub(r"<[^<>]+>", "", html.unescape("".join(box)))
    return " ".join(text.split())


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_SENTENCE else f"{text[:LONGEST_SENTENCE]}…"
