# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory of the guide for several pairs, against two OpenProjects that note which API key they are sent."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path

from lab import Lab
from playbooks.test_many_pairs import environment

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "docsite" / "rst" / "guide_several_pairs.rst"


def write_example(folder: Path, addresses: dict[str, str]) -> None:
    """The files of the guide's first example, with the addresses of servers that exist."""
    text = GUIDE.read_text(encoding="utf-8").partition(".. code-block:: yaml\n")[2]
    block = re.match(r"(?:\n|  .*\n)*", text)
    assert block
    example = textwrap.dedent(block.group())
    for theirs, ours in addresses.items():
        assert theirs in example
        example = re.sub(rf"{re.escape(theirs)}$", ours, example, flags=re.MULTILINE)
    for file in re.split(r"^# (?=inventory/)", example, flags=re.MULTILINE)[1:]:
        name, _unused, content = file.partition("\n")
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


def keys_sent_to(lab: Lab) -> set[str]:
    """The API keys that arrived, whether they are its own or not."""
    credentials = [
        value.partition(" ")[2]
        for exchange in lab.openproject.requests
        for name, value in exchange.headers.items()
        if name.lower() == "authorization"
    ]
    return {base64.b64decode(one).decode().partition(":")[2] for one in credentials}


def test_each_openproject_is_sent_its_own_key_only(tmp_path: Path) -> None:
    with Lab() as shared, Lab() as other:
        shared.openproject.state.admin.api_key = "key-of-the-shared-one"
        other.openproject.state.admin.api_key = "key-of-the-other-one"
        write_example(
            tmp_path,
            {
                "https://projects.example.com": shared.openproject.url,
                "https://projects-lab.example.com": other.openproject.url,
                **{f"https://cloud-{name}.example.com": shared.nextcloud.url for name in ("north", "south", "lab")},
            },
        )
        # as JSON, because a checkout may lie below a path with a blank
        local = ["-e", json.dumps({"ansible_connection": "local", "ansible_python_interpreter": sys.executable})]
        done = subprocess.run(
            [
                *(str(Path(sys.executable).with_name("ansible-playbook")), "-i", "inventory", *local),
                *("-e", "verify_fail_on=never", str(ROOT / "playbooks" / "verify.yml")),
            ],
            cwd=tmp_path,
            env={
                **environment(tmp_path),
                "OPENPROJECT_API_KEY": "key-of-the-shared-one",
                "OPENPROJECT_LAB_API_KEY": "key-of-the-other-one",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert keys_sent_to(shared) == {"key-of-the-shared-one"}
        assert keys_sent_to(other) == {"key-of-the-other-one"}
