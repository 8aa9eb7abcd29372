# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pair of simulated servers in a process of its own, and playbooks that are run against it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import typing as t
from collections.abc import Mapping
from pathlib import Path

from ci.places import CACHE, ROOT, VENV, environment

PLAYBOOKS = ROOT / "playbooks"
INVENTORY = ROOT / "tests" / "demo" / "inventory"
SECONDS_TO_START = 30


class LabDidNotStartError(Exception):
    """The simulated servers ended or said nothing; the text holds their last words."""


@contextlib.contextmanager
def running_lab(directory: Path, nextcloud: str = "29") -> t.Iterator[Path]:
    """Start both servers, yield the file that describes them, and stop them whatever happens."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    log, description = directory / "lab.log", directory / "lab.json"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [VENV / "bin" / "python", "-m", "lab", "--nextcloud", nextcloud, "--state-dir", directory],
            cwd=ROOT,
            env=environment(PYTHONPATH=ROOT / "tests"),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            end = time.monotonic() + SECONDS_TO_START
            while not description.is_file():
                if process.poll() is not None or time.monotonic() > end:
                    raise LabDidNotStartError(
                        f"The simulated servers did not start. They say:\n{log.read_text()[-2000:]}"
                    )
                time.sleep(0.05)
            yield description
        finally:
            process.terminate()


def playbook(
    name: str,
    description: Path,
    *arguments: str,
    program: Path = VENV / "bin" / "ansible-playbook",
    shown: bool = True,
    env: Mapping[str, str | Path] | None = None,
) -> tuple[int, str]:
    """Run a playbook against a lab. Returns its exit code and its output, which is ``shown`` as it comes."""
    colour = {"ANSIBLE_FORCE_COLOR": "1"} if shown and sys.stdout.isatty() and "NO_COLOR" not in os.environ else {}
    settings = environment(OPNC_LAB=description, **colour, **(env or {}))
    if colour:
        del settings["NO_COLOR"]
    lines = []
    with subprocess.Popen(
        [program, "-i", INVENTORY, *arguments, name],
        cwd=PLAYBOOKS,
        env=settings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        for line in t.cast("t.IO[str]", process.stdout):
            if shown:
                print(line, end="", flush=True)
            lines.append(line)
    return process.returncode, "".join(lines)


def changed(output: str) -> int:
    """The sum of what the recap counts as changed."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", output)
    return sum(int(number) for number in re.findall(r"ok=\d+ +changed=(\d+)", plain))


def main(program: Path, *arguments: str) -> int:
    """Both runs of the demo with a certain ansible-playbook; the second one has to change nothing."""
    with tempfile.TemporaryDirectory(dir=CACHE) as directory, running_lab(Path(directory, "lab")) as description:
        counts = []
        for _run in ("first", "second"):
            code, output = playbook("site.yml", description, *arguments, program=program)
            if code:
                return code
            counts.append(changed(output))
    print(f"first run: changed={counts[0]}, second run: changed={counts[1]}")
    return 0 if counts[0] and not counts[1] else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
