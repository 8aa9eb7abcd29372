# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prepare a checkout: the collection laid out as Ansible wants it, and a virtual environment with the tools.

Runs with any Python from 3.11 on, before anything is installed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
VENV = CACHE / "venv"
COLLECTION = CACHE / "collections" / "ansible_collections" / "opnc" / "integration"
REQUIREMENTS = ROOT / "tests" / "requirements.txt"


def lay_out_collection() -> None:
    """Make a directory whose entries are links to the checkout's, so that the checkout may have any name and place."""
    COLLECTION.mkdir(parents=True, exist_ok=True)
    wanted = {entry.name for entry in ROOT.iterdir() if not entry.name.startswith(".")}
    for link in COLLECTION.iterdir():
        if link.name not in wanted:
            link.unlink()
    for name in wanted:
        link = COLLECTION / name
        if not link.is_symlink():
            link.symlink_to(Path(os.path.relpath(ROOT, COLLECTION)) / name)


def virtual_environment() -> str | None:
    """Make or renew the virtual environment. Returns what went wrong, in one line."""
    stamp = VENV / "stamp"
    # An environment that was moved does not work any more: its commands name the old place.
    place, tools = str(VENV), hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    found = stamp.read_text(encoding="utf-8").splitlines() if stamp.is_file() else []
    if found == [place, tools]:
        return None
    print("Installing the tools into .cache/venv; this takes about a minute ...", flush=True)
    if found[:1] != [place]:
        shutil.rmtree(VENV, ignore_errors=True)
        venv.create(VENV, with_pip=True)
    log = CACHE / "pip.log"
    python = str(VENV / "bin" / "python")
    command = [python, "-m", "pip", "install", "--disable-pip-version-check", "--requirement", str(REQUIREMENTS)]
    with log.open("wb") as output:
        code = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, check=False
        ).returncode
    if code:
        errors = [line for line in log.read_text(errors="replace").splitlines() if line.startswith("ERROR")]
        return f"pip could not install tests/requirements.txt (.cache/pip.log): {' '.join(errors[-1:])}"
    stamp.write_text(f"{place}\n{tools}\n", encoding="utf-8")
    return None


def main() -> int:
    CACHE.mkdir(exist_ok=True)
    lay_out_collection()
    with (CACHE / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        trouble = virtual_environment()
    if trouble:
        print(trouble, file=sys.stderr)
    return 1 if trouble else 0


if __name__ == "__main__":
    sys.exit(main())
