# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docker exec, podman exec and kubectl exec as far as they matter to a command that is run through them.

They pass no environment on, hand standard input over only when they are asked to, start elsewhere, want a terminal for --tty,
and have words and exit codes of their own. The user that they run as is told to the stand-in of occ in STAND_IN_UID.
"""

from __future__ import annotations

import os
import subprocess
import sys

NAME = os.environ["STAND_IN_NAME"]
CONTAINERS = ("nextcloud", "deploy/nextcloud", "openproject", "deploy/openproject-web", "web")
UIDS = {"root": "0", "www-data": "33"}


def fail(words: str, rc: int) -> None:
    """Leave with the tool's own words."""
    sys.stderr.write(words + "\n")
    sys.exit(rc)


def leave(command: list[str], uid: str, has_input: bool) -> None:
    """Run the command inside and leave with its exit code."""
    environment = {"PATH": os.environ["PATH"], "STAND_IN_UID": uid, "HOME": "/"}
    try:
        done = subprocess.run(
            command, env=environment, cwd="/", stdin=None if has_input else subprocess.DEVNULL, check=False
        )
    except FileNotFoundError:
        words = f'exec: "{command[0]}": executable file not found in $PATH'
        fail(f"OCI runtime exec failed: exec failed: unable to start container process: {words}: unknown", 127)
    if NAME == "kubectl" and done.returncode:
        sys.stderr.write(f"command terminated with exit code {done.returncode}\n")
    sys.exit(done.returncode)


def docker(words: list[str]) -> None:
    """docker exec [options] container command …"""
    interactive = terminal = False
    uid = "0"
    while words and words[0].startswith("-"):
        word = words.pop(0)
        if word in ("--interactive", "--tty"):
            interactive, terminal = interactive or word == "--interactive", terminal or word == "--tty"
        elif word == "--user":
            user = words.pop(0)
            uid = UIDS.get(user, user)
        elif set(word[1:]) <= set("itu"):
            interactive, terminal = interactive or "i" in word, terminal or "t" in word
            if word.endswith("u"):
                user = words.pop(0)
                uid = UIDS.get(user, user)
        else:
            fail(f"unknown flag: {word}", 125)
    container, command = words[0], words[1:]
    if terminal and not os.isatty(0):
        fail("the input device is not a TTY", 1)
    if container not in CONTAINERS:
        if NAME == "podman":
            fail(f'Error: no container with name or ID "{container}" found: no such container', 125)
        fail(f"Error response from daemon: No such container: {container}", 1)
    leave(command, uid, interactive)


def compose(words: list[str]) -> None:
    """docker compose [options] exec [options] service command …: standard input is passed on, a terminal is wanted unless -T."""
    words = words[words.index("exec") + 1 :]
    if words[0] != "-T":
        fail("the input device is not a TTY", 1)
    if words[1] not in CONTAINERS:
        fail(f'service "{words[1]}" is not running', 1)
    leave(words[2:], "0", has_input=True)


def kubectl(words: list[str]) -> None:
    """kubectl exec [options] pod [options] -- command …"""
    if "--" not in words:
        fail("error: unknown flag: --no-warnings", 1)
    end = words.index("--")
    options, command = words[:end], words[end + 1 :]
    pods = [word for word in options if not word.startswith("-")]
    if not set(CONTAINERS) & set(pods):
        fail(f'Error from server (NotFound): pods "{pods[0]}" not found', 1)
    if "--tty" in options or "-it" in options:
        sys.stderr.write("Unable to use a TTY - input is not a terminal or the right kind of file\n")
    sys.stderr.write('Defaulted container "nextcloud" out of: nextcloud, cron, nginx\n')
    leave(command, "0", "--stdin" in options or "-i" in options)


if sys.argv[1:2] == ["compose"]:
    compose(sys.argv[2:])
if sys.argv[1:2] != ["exec"]:
    fail(f"{NAME}: unknown command", 1)
(kubectl if NAME == "kubectl" else docker)(sys.argv[2:])
