# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prepare a checkout: the collection laid out as Ansible wants it, a virtual environment with nox, and one with the tools.

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
ENVIRONMENTS = {"nox": ROOT / "tests" / "ci" / "requirements.txt", "venv": ROOT / "tests" / "requirements.txt"}
PYTHONS = CACHE / "pythons"
COLLECTION = CACHE / "collections" / "ansible_collections" / "opnc" / "integration"


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


def virtual_environment(name: str, requirements: Path) -> None:
    """Make or renew a virtual environment below .cache."""
    path = CACHE / name
    stamp = path / "stamp"
    # An environment that was moved does not work any more: its commands name the old place.
    place, tools = str(path), hashlib.sha256(requirements.read_bytes()).hexdigest()
    found = stamp.read_text(encoding="utf-8").splitlines() if stamp.is_file() else []
    if found == [place, tools]:
        return
    print(f"Installing {requirements.relative_to(ROOT)} into .cache/{name} ...", flush=True)
    if found[:1] != [place]:
        shutil.rmtree(path, ignore_errors=True)
        venv.create(path, with_pip=True)
    log = CACHE / "pip.log"
    python = str(path / "bin" / "python")
    command = [python, "-m", "pip", "install", "--disable-pip-version-check", "--requirement", str(requirements)]
    with log.open("wb") as output:
        code = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, check=False
        ).returncode
    if code:
        errors = [line for line in log.read_text(errors="replace").splitlines() if line.startswith("ERROR")]
        sys.exit(f"pip could not install {requirements.relative_to(ROOT)} (.cache/pip.log): {' '.join(errors[-1:])}")
    stamp.write_text(f"{place}\n{tools}\n", encoding="utf-8")


def pythons() -> dict[str, str]:
    """The Pythons of this machine that really start, by version ("3.12"), from 3.9 on."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    places = [*real_path(), *map(str, sorted(pyenv.glob("versions/*/bin"), reverse=True))]
    found = {}
    for version in (f"3.{minor}" for minor in range(9, 20)):
        program = shutil.which(f"python{version}", path=os.pathsep.join(places))
        if program and _makes_environments(program):
            found[version] = program
    return found


def _makes_environments(program: str) -> bool:
    return subprocess.run([program, "-c", "import ensurepip, venv"], capture_output=True, check=False).returncode == 0


def real_path() -> list[str]:
    """PATH without the stand-ins of version managers, which claim to be Pythons that are not installed."""
    return [entry for entry in os.environ.get("PATH", os.defpath).split(os.pathsep) if Path(entry).name != "shims"]


def lay_out_pythons() -> None:
    """Make a directory of links that sanity and the matrix find every Python of this machine in."""
    if not PYTHONS.is_dir():
        PYTHONS.mkdir()
        for version, program in pythons().items():
            (PYTHONS / f"python{version}").symlink_to(program)


def main() -> None:
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lay_out_collection()
        lay_out_pythons()
        for name, requirements in ENVIRONMENTS.items():
            virtual_environment(name, requirements)


if __name__ == "__main__":
    main()
