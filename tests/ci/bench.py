# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make bench`: what site.yml costs for one pair of servers and for many, and what of it is the module's own time."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import re
import subprocess
import sys
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible.module_utils.testing import patch_module_args

from ci.pair import PLAYBOOKS, changed
from ci.places import CACHE, COLLECTIONS, VENV, environment
from lab import Lab

PAIRS = (1, 10, 50)
FORKS = 10
LINK = "ansible_collections.opnc.integration.plugins.modules.link"


@dataclass(frozen=True)
class Cost:
    """What one run cost, over all its pairs. ``memory`` is the peak of Ansible's largest process, in MiB."""

    tasks: int
    changed: int
    seconds: float
    memory: float
    requests: int
    occ: int
    runner: int


def main() -> int:
    print(
        f"site.yml with {FORKS} forks; requests, occ, runner and seconds are per pair; lab and Ansible share this machine\n"
    )
    print(
        f"{'pairs':>5}  {'run':9} {'requests':>8} {'occ':>5} {'runner':>6} {'tasks':>5} {'seconds':>8} {'in all':>7} {'MiB':>5}  changed"
    )
    for pairs in PAIRS:
        with contextlib.ExitStack() as stack:
            labs = [stack.enter_context(Lab(nextcloud="32")) for _unused in range(pairs)]
            for run in ("fresh", "unchanged"):
                show(pairs, run, site(labs))
    print("\nmodule link alone, in one process, without Ansible's start:")
    with Lab(nextcloud="32") as lab:
        lab.nextcloud.state.system["allow_local_remote_servers"] = True
        for run in ("fresh", "unchanged"):
            print(f"       {run:9} {link(lab):8.3f} seconds")
    return 0


def show(pairs: int, run: str, cost: Cost) -> None:
    each = [cost.requests / pairs, cost.occ / pairs, cost.runner / pairs]
    print(
        f"{pairs:5}  {run:9} {each[0]:8.1f} {each[1]:5.1f} {each[2]:6.1f} {cost.tasks:5} {cost.seconds / pairs:8.2f}"
        f" {cost.seconds:7.1f} {cost.memory:5.0f}  {cost.changed}",
        flush=True,
    )


def site(labs: list[Lab]) -> Cost:
    """Run site.yml once against all labs."""
    inventory = CACHE / "bench" / "inventory.json"
    inventory.parent.mkdir(parents=True, exist_ok=True)
    hosts = {f"pair{number}": variables(lab) for number, lab in enumerate(labs, 1)}
    inventory.touch(mode=0o600)
    inventory.write_text(json.dumps({"nextcloud": {"hosts": hosts}}), encoding="utf-8")
    for server in (server for lab in labs for server in (lab.nextcloud, lab.openproject)):
        server.log.clear()
        server.command_starts.clear()
    command = [str(VENV / "bin" / "ansible-playbook"), "-i", str(inventory), "--forks", str(FORKS), "site.yml"]
    begin = time.monotonic()
    output, memory = measured(command, PLAYBOOKS)
    seconds = time.monotonic() - begin
    inventory.unlink()
    return Cost(
        tasks=len(re.findall(r"^TASK \[", output, re.MULTILINE)),
        changed=changed(output),
        seconds=seconds,
        memory=memory,
        requests=sum(len(lab.nextcloud.requests) + len(lab.openproject.requests) for lab in labs),
        occ=sum(len(lab.nextcloud.occ_starts) for lab in labs),
        runner=sum(len(lab.openproject.runner_starts) for lab in labs),
    )


def variables(lab: Lab) -> dict[str, t.Any]:
    """The inventory's variables of a pair."""
    username, password = lab.nextcloud.admin
    return {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "opnc_nextcloud_url": lab.nextcloud.url,
        "opnc_nextcloud_username": username,
        "opnc_nextcloud_password": password,
        "opnc_occ_command": lab.nextcloud.occ,
        "opnc_occ_exec": [],
        "opnc_openproject_url": lab.openproject.url,
        "opnc_openproject_api_key": lab.openproject.api_key,
        "opnc_runner_command": lab.openproject.runner,
        "prepare_nextcloud_allow_local_remote_servers": True,
        "link_storage_name": "Cloud",
        "link_project_folders": True,
    }


def measured(command: list[str], directory: Path) -> tuple[str, float]:
    """Output and peak memory in MiB of a command."""
    with subprocess.Popen(
        command,
        cwd=directory,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        output = t.cast("t.IO[str]", process.stdout).read()
        _pid, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(output[-3000:])
    # Linux counts in KiB, macOS in bytes.
    return output, usage.ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)


def link(lab: Lab) -> float:
    """Seconds of one run of the module ``link``."""
    sys.path.insert(0, str(COLLECTIONS))
    module = importlib.import_module(LINK)
    username, password = lab.nextcloud.admin
    arguments = {
        "nextcloud_url": lab.nextcloud.url,
        "nextcloud_username": username,
        "nextcloud_password": password,
        "openproject_url": lab.openproject.url,
        "openproject_api_key": lab.openproject.api_key,
        "storage_name": "Cloud",
        "project_folders": True,
    }
    printed = io.StringIO()
    begin = time.monotonic()
    with patch_module_args(arguments), contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        module.main()
    seconds = time.monotonic() - begin
    if "failed" in json.loads(printed.getvalue()):
        sys.exit(printed.getvalue())
    return seconds


if __name__ == "__main__":
    sys.exit(main())
