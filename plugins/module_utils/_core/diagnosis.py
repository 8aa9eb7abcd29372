# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way to a server's command line: how it is started, and what is wrong when it cannot be reached."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import typing as t
from dataclasses import dataclass

from .command import MORE_PATHS, Completed, execute
from .exec_prefix import ExecPrefix

#: exit codes with which a shell or docker says that there was nothing to start
NOT_STARTED = (126, 127)


@dataclass(frozen=True)
class Diagnosis:
    """Why a command did not do its work.

    :param cause: a word for programs, empty when only the answer is known.
    :param answer: its own first sentence, or the cause in words.
    """

    cause: str
    answer: str
    remedy: str = ""


def start(
    arguments: t.Sequence[str],
    stdin: str | None,
    environment: t.Mapping[str, str],
    timeout: float,
    exec_prefix: ExecPrefix,
    shell: t.Sequence[str] = (),
) -> Completed | Diagnosis:
    """Start a command through its prefix.

    :param shell: words that are to stand directly before the command, behind all links.
    :returns: what it left behind, or why it did not start or did not end in time.
    """
    words = exec_prefix.around(arguments, shell)
    program = shutil.which(words[0], path=environment["PATH"])
    if program is None:
        option = exec_prefix.option if exec_prefix.words else exec_prefix.command_option
        return Diagnosis(
            "command_not_found",
            f"there is no program {words[0]} (looked for in PATH and in {MORE_PATHS.replace(':', ', ')})",
            f"Set {option} to where it is on the machine that runs the module, or run the module elsewhere",
        )
    try:
        return execute([program, *words[1:]], stdin, environment, timeout)
    except subprocess.TimeoutExpired:
        return Diagnosis(
            "timeout",
            f"no end after {timeout:g} seconds",
            f"It may still be running there. If it only needs longer, raise {exec_prefix.timeout_option};"
            " if not, run the command by hand and see what it waits for",
        )
    except OSError as error:
        return Diagnosis(
            "command_not_started",
            f"{words[0]} cannot be started ({error.strerror})",
            f"Check {exec_prefix.command_option} and {exec_prefix.option}",
        )


def diagnose_prefix(completed: Completed, command: t.Sequence[str], exec_prefix: ExecPrefix) -> Diagnosis | None:
    """What the programs in front of a command line say when they fail: container, terminal, user, program.

    Standard output belongs to the command, except where it did not start: older versions of docker say so there. Indented lines
    of standard error belong to it too: Symfony's console frames what it says.
    """
    rc = completed.rc
    said = f"{completed.stderr}\n{completed.stdout}" if rc in NOT_STARTED else completed.stderr

    def found(pattern: str) -> str:
        match = re.search(pattern, said, re.MULTILINE | re.IGNORECASE)
        return match.group().strip() if match else ""

    words = found(r"^(?! ).*(input device is not a TTY|Unable to use a TTY).*$")
    if words:
        return Diagnosis(
            "terminal",
            words,
            f"{exec_prefix.option} asks for a terminal, and there is none. {exec_prefix.without_terminal()}",
        )
    words = found(
        r"^(?! ).*(No such container|no container with name or ID|container \S+ is not running"
        r"|can only create exec sessions on running containers"
        r'|Error from server \(NotFound\)|container not found \(|service "\S+" is not running).*$'
    )
    if words:
        return Diagnosis(
            "container_not_found", words, f"Check the name in {exec_prefix.option}, and that the container runs"
        )
    words = found(
        r"^(?! ).*(Cannot connect to the Docker daemon|permission denied while trying to connect"
        r"|The connection to the server \S+ was refused).*$"
    )
    program = _complaining(words, exec_prefix, "enters_container")
    if words and program:
        return Diagnosis(
            "container_not_found",
            words,
            f"The user that runs {program} cannot reach what it talks to; check become and {exec_prefix.option}",
        )
    words = found(r"^(ssh: |Host key verification failed|\S+@\S+: Permission denied \().*$") if rc == 255 else ""
    if words and exec_prefix.has(["ssh"]):
        return Diagnosis(
            "host_not_reached",
            words,
            f"Check the host in {exec_prefix.option}. ssh asks nothing here: the account that runs the task (root with become)"
            " needs a key that is let in there, and the other host's key in its known_hosts",
        )
    words = found(
        r"^(?! ).*(a password is required|a terminal is required to|Authentication failure|may not be used by non-root users"
        r"|must be run from a terminal).*$"
    )
    program = _complaining(words, exec_prefix, "changes_user")
    if words and program:
        return Diagnosis(
            "not_allowed",
            words,
            f"{program} may not change the user: run the module as root (become: true), or allow it without a password",
        )
    words = found(
        r"^(?! ).*(executable file not found in|OCI runtime exec failed|failed to (run command|execute) .*No such file).*$"
    )
    if not words and rc == 127:
        words = found(r"^.*: (command )?not found$") or "exit code 127"
    if words:
        hint = " An image without sudo needs none: docker and podman have --user" if "sudo" in words else ""
        return Diagnosis(
            "command_not_found",
            words,
            f"Check {exec_prefix.command_option} ({json.dumps(list(command))}) and {exec_prefix.option}"
            f" ({json.dumps(exec_prefix.words)}).{hint}",
        )
    return None


def _complaining(words: str, exec_prefix: ExecPrefix, fitting: str) -> str:
    """The program of the chain that these words come from: the one that they name, the first that does such a thing, or one that nobody
    knows; empty where none of them can have said it, so that the command did.
    """
    named = [
        link.program for link in exec_prefix.chain if re.search(rf"\b{re.escape(link.program)}\b", words, re.IGNORECASE)
    ]
    able = [link.program for link in exec_prefix.chain if getattr(link, fitting)]
    unknown = exec_prefix.words[:1] if not exec_prefix.understood else []
    return next(iter([*named, *able, *unknown]), "")
