# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make matrix`: site.yml with every ansible-core that is supported, and with the oldest Python that modules may run on."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from ci import places
from ci.pair import changed, playbook, running_lab
from ci.places import CACHE
from ci.runner import Stage

# ansible-core, and the Pythons that it runs on itself.
CORES = {
    "2.17": ("3.10", "3.11", "3.12"),
    "2.18": ("3.11", "3.12", "3.13"),
    "2.19": ("3.11", "3.12", "3.13"),
    "2.20": ("3.12", "3.13", "3.14"),
    "2.21": ("3.12", "3.13", "3.14"),
}
OLDEST_FOR_MODULES = "3.9"


def combinations() -> Iterator[tuple[str, str]]:
    """Every core with the oldest and the newest Python of this machine that it runs on."""
    for core, versions in CORES.items():
        here = [version for version in versions if version in places.pythons()]
        for version in sorted(set(here[:1] + here[-1:])):
            yield core, version


def run_matrix(stage: Stage) -> None:
    """Each combination in a virtual environment of its own."""
    for core, version in combinations():
        made = _environment(stage, f"core-{core}-python-{version}", version, f"ansible-core=={core}.*")
        if made:
            _twice(stage, f"ansible-core {core} on Python {version}", made / "bin" / "ansible-playbook")
    if OLDEST_FOR_MODULES in places.pythons():
        made = _environment(stage, f"modules-{OLDEST_FOR_MODULES}", OLDEST_FOR_MODULES)
        if made:
            target = f"ansible_python_interpreter={made / 'bin' / 'python'}"
            _twice(
                stage, f"modules on Python {OLDEST_FOR_MODULES}", places.VENV / "bin" / "ansible-playbook", "-e", target
            )


def _environment(stage: Stage, name: str, version: str, *packages: str) -> Path | None:
    """A virtual environment with the packages and what modules need; it is kept for the next time."""
    path = CACHE / "matrix" / name
    if (path / "ready").is_file():
        return path
    shutil.rmtree(path, ignore_errors=True)
    subprocess.run([places.pythons()[version], "-m", "venv", path], check=True)
    pip = [str(path / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    command = [*pip, "-r", str(places.ROOT / "requirements.txt"), *packages]
    if not stage.run(f"install {name}", command, talkative=True):
        return None
    (path / "ready").touch()
    return path


def _twice(stage: Stage, title: str, program: Path, *arguments: str) -> None:
    """Both runs of the demo; nothing may be changed by the second one."""
    with running_lab(CACHE / "matrix" / "lab") as description:
        outputs = []
        for run in ("first run", "second run"):
            code, output = playbook("site.yml", description, *arguments, program=program, shown=False)
            outputs.append(output)
            if code:
                stage.fail(f"{title}, {run}", output)
                return
        counts = [changed(output) for output in outputs]
    if counts[0] and not counts[1]:
        stage.succeed(title)
    else:
        stage.fail(f"{title}: changed={counts[0]}, then changed={counts[1]}", outputs[1])
