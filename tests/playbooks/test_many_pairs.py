# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several Nextclouds in one run: one inventory host each, one OpenProject for all of them (issue 8, point 5)."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from conformance.sent import is_products
from lab import Lab
from lab.nextcloud.server import NextcloudServer
from unit.linking import broken_parts

ROOT = Path(__file__).parents[2]
PAIRS = 5
FRESH = 18
"""The budget of a fresh link (design §10)."""


class Run(t.NamedTuple):
    """One ansible-playbook: its exit code, its output, and what its recap counts of each host."""

    code: int
    output: str
    recap: dict[str, dict[str, int]]


class Pairs:
    """Nextclouds that share one OpenProject, and the inventory that names them.

    :param labs: of the first one the OpenProject is used, of the others the Nextcloud alone.
    """

    def __init__(self, labs: list[Lab], folder: Path) -> None:
        self.labs, self.folder = labs, folder
        self.openproject = labs[0].openproject
        self.hosts = {f"cloud{number}": variables(lab, self.openproject) for number, lab in enumerate(labs, 1)}

    def lab(self, host: str) -> Lab:
        """The lab of an inventory host."""
        return self.labs[int(host.removeprefix("cloud")) - 1]

    def nextcloud(self, host: str) -> NextcloudServer:
        """The Nextcloud behind an inventory host."""
        return self.lab(host).nextcloud

    def version(self, host: str) -> str:
        """Its version, as profiles are named."""
        return str(self.nextcloud(host).profile.major)

    def product_requests(self, host: str) -> int:
        """How many requests the product sent to it; those of the tests are none of them."""
        return sum(map(is_products, self.nextcloud(host).requests))

    def product_requests_to_openproject(self) -> int:
        """How many requests the product sent to OpenProject, for all pairs together."""
        return sum(map(is_products, self.openproject.requests))

    def site(self) -> Run:
        """Run site.yml against all of them at once, up to the link: the check has no budget."""
        for lab in self.labs:
            for server in (lab.nextcloud, lab.openproject):
                server.log.clear()
                server.command_starts.clear()
        inventory = self.folder / "inventory.json"
        inventory.write_text(json.dumps({"nextcloud": {"hosts": self.hosts}}))
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(inventory), "--forks", "5"]
        done = subprocess.run(
            [*command, "--tags", "prepare,link", "site.yml"],
            cwd=ROOT / "playbooks",
            env=environment(self.folder),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        lines = re.findall(r"^(cloud\d+)\s+: (.*)$", done.stdout, re.MULTILINE)
        recap = {host: {key: int(n) for key, n in re.findall(r"(\w+)=(\d+)", counts)} for host, counts in lines}
        return Run(done.returncode, done.stdout + done.stderr, recap)


def environment(folder: Path) -> dict[str, str]:
    """An environment in which Ansible finds the checkout, and nothing of this machine's settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    settings = {
        "ANSIBLE_CONFIG": str(ROOT / "playbooks" / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache" / "collections"),
        "ANSIBLE_HOME": str(folder / "ansible"),
        "NO_COLOR": "1",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }
    return {**kept, **settings}


def variables(lab: Lab, openproject: t.Any) -> dict[str, t.Any]:
    """An inventory host: its Nextcloud, and the OpenProject of all."""
    username, password = lab.nextcloud.admin
    return {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "opnc_nextcloud_url": lab.nextcloud.url,
        "opnc_nextcloud_username": username,
        "opnc_nextcloud_password": password,
        "opnc_occ_command": lab.nextcloud.occ,
        "opnc_occ_exec": [],
        "opnc_openproject_url": openproject.url,
        "opnc_openproject_api_key": openproject.api_key,
        "prepare_nextcloud_allow_local_remote_servers": True,
        "link_storage_name": f"Cloud at {lab.nextcloud.url.rpartition(':')[2]}",
        "link_project_folders": True,
    }


@pytest.fixture
def pairs(tmp_path: Path) -> t.Iterator[Pairs]:
    with contextlib.ExitStack() as stack:
        labs = [stack.enter_context(Lab(nextcloud=("32", "29")[number % 2])) for number in range(PAIRS)]
        yield Pairs(labs, tmp_path)


def test_several_nextclouds_and_one_openproject_in_one_run(pairs: Pairs) -> None:
    """Each pair keeps to the budget of a pair alone (design §10); one that fails is named and disturbs no other."""
    broken = "cloud3"
    pairs.hosts[broken]["opnc_nextcloud_password"] = "a wrong password"
    good = [host for host in pairs.hosts if host != broken]

    first = pairs.site()

    assert first.code != 0
    assert {host: counts["failed"] for host, counts in first.recap.items()} == {**dict.fromkeys(good, 0), broken: 1}
    (failure,) = [line for line in first.output.splitlines() if line.startswith("fatal: ")]
    assert f"[{broken}]" in failure
    assert pairs.nextcloud(broken).url in failure
    assert [exchange.status for exchange in pairs.nextcloud(broken).requests] == [401]
    assert len(pairs.openproject.state.storages) == len(good)
    for host in good:
        lab = pairs.lab(host)
        assert broken_parts(lab, openproject=pairs.labs[0]) == [], host
        assert len(lab.nextcloud.occ_starts) <= 4, host
    for version in ("29", "32"):
        assert len({pairs.product_requests(host) for host in good if pairs.version(host) == version}) == 1, version
    total = sum(map(pairs.product_requests, good)) + pairs.product_requests_to_openproject()
    # the pair that fails got as far as OpenProject's list of storages
    assert total <= FRESH * len(good) + 1

    del pairs.hosts[broken]
    second = pairs.site()

    assert second.code == 0, second.output
    assert {host: counts["changed"] for host, counts in second.recap.items()} == dict.fromkeys(good, 0)
    assert {host: pairs.product_requests(host) for host in good} == dict.fromkeys(good, 3)
    assert {host: len(pairs.nextcloud(host).occ_starts) for host in good} == dict.fromkeys(good, 2)
    assert pairs.product_requests_to_openproject() == 2 * len(good)
