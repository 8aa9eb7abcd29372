# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starting a program with standard input, a time-out and a known environment; the only place that knows subprocess."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import typing as t
from dataclasses import dataclass, field

#: where snaps and administrators' programs live when a login by Ansible does not search there (field case O01)
MORE_PATHS = "/snap/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

#: seconds between SIGTERM and SIGKILL
GRACE = 5.0


@dataclass(frozen=True)
class Completed:
    """What one start left behind; line ends are line feeds, whatever a terminal made of them.

    :param terminal: whether a terminal was in between, as the line ends told; nothing where there was no line.
    """

    rc: int
    stdout: str
    stderr: str
    terminal: bool | None = field(default=None, compare=False)


def environment(*dropped: str) -> dict[str, str]:
    """The environment of this process for a child, without what would disturb it.

    A foreign language would hide known messages, and an ASCII locale would spoil arguments with umlauts (field case
    O07).
    """
    inherited = {name: value for name, value in os.environ.items() if name not in (*dropped, "LANGUAGE")}
    path = inherited.get("PATH", "")
    return {
        **inherited,
        "LC_ALL": "C.UTF-8",
        "LANG": "C.UTF-8",
        "PATH": f"{path}:{MORE_PATHS}" if path else MORE_PATHS,
    }


def execute(words: t.Sequence[str], stdin: str | None, environment: t.Mapping[str, str], timeout: float) -> Completed:
    """Start a program and wait for its end; on a time-out it is ended together with everything it started.

    :raises subprocess.TimeoutExpired: it did not end within the seconds given.
    :raises OSError: it did not start.
    """
    process = subprocess.Popen(
        [word.encode("utf-8", "surrogateescape") for word in words],
        stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={name: value.encode("utf-8", "surrogateescape") for name, value in environment.items()},
        cwd="/",
        # a group of its own can be ended as a whole, and without a terminal nothing can stop to ask for a password
        start_new_session=True,
    )
    try:
        stdout, stderr = process.communicate(
            None if stdin is None else stdin.encode("utf-8", "surrogateescape"), timeout
        )
    finally:
        # after a time-out, or when a signal ends this process, nothing goes on alone
        if process.returncode is None:
            _end(process)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()
    terminal = b"\n" not in stdout.replace(b"\r\n", b"") if b"\n" in stdout else None
    return Completed(process.returncode, _text(stdout), _text(stderr), terminal)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program with its group; SIGTERM comes first, because sudo can pass only that on to what it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        # what belongs to root cannot be ended from here, and must not hold this process up
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)


def _text(data: bytes) -> str:
    return re.sub(r"\r+\n", "\n", data.decode("utf-8", "replace"))
