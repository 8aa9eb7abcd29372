# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where things are in a checkout, and the environment in which every tool runs."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from ci.setup import CACHE, PYTHONS, ROOT, real_path

VENV = CACHE / "venv"
LOGS = CACHE / "log"
COLLECTIONS = CACHE / "collections"
TREE = CACHE / "tree" / "ansible_collections" / "opnc" / "integration"
NAME = "opnc.integration"


def environment(**more: str | Path) -> dict[str, str]:
    """The caller's environment without what would change the result on one machine and not on another.

    Ansible's own settings are dropped, its files stay in .cache, and the simulated servers are never asked through a proxy.
    """
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "MOLECULE_", "PYTEST_"))
    }
    kept.pop("PYTHONPATH", None)
    kept.pop("MAKEFLAGS", None)
    local = "127.0.0.1,localhost,::1"
    return {
        **kept,
        # Sanity takes every Python that it finds, and the stand-ins of version managers claim to be some that are not installed.
        "PATH": os.pathsep.join([str(VENV / "bin"), str(PYTHONS), *real_path()]),
        "VIRTUAL_ENV": str(VENV),
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_CONFIG": str(ROOT / "playbooks" / "ansible.cfg"),
        "ANSIBLE_HOME": str(CACHE / "ansible"),
        "NO_PROXY": ",".join(filter(None, [kept.get("NO_PROXY"), local])),
        "no_proxy": ",".join(filter(None, [kept.get("no_proxy"), local])),
        "NO_COLOR": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "RUFF_CACHE_DIR": str(CACHE / "ruff"),
        **{name: str(value) for name, value in more.items()},
    }


def lay_out_copy(tree: Path = TREE) -> None:
    """Copy the files that git knows or would take, because ansible-test refuses links and wants the path of a collection."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    wanted = {name for name in os.fsdecode(listed).split("\0") if name and (ROOT / name).is_file()}
    tree.mkdir(parents=True, exist_ok=True)
    # ansible-test asks git for the files; without a repository here it would ask the checkout's, which ignores .cache.
    subprocess.run(["git", "init", "--quiet", str(tree)], check=True)
    output = tree / "tests" / "output"
    for path in sorted(tree.rglob("*"), reverse=True):
        if output == path or output in path.parents or path.relative_to(tree).parts[0] == ".git":
            continue
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                path.rmdir()
        elif str(path.relative_to(tree)) not in wanted:
            path.unlink()
    for name in sorted(wanted):
        target = tree / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
