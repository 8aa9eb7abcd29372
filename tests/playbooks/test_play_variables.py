# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an inventory can get wrong: named before anything is sent, or understood as it was meant."""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from lab import Lab
from playbooks.test_many_pairs import ROOT, environment, variables
from unit.linking import STORAGE, arrange, broken_parts, count, forget_requests


class Play(t.NamedTuple):
    """How site.yml ended, and what it showed."""

    code: int
    output: str


@pytest.fixture
def lab() -> t.Iterator[Lab]:
    with Lab(nextcloud="29") as lab:
        yield arrange(lab)


@pytest.fixture
def site(lab: Lab, tmp_path: Path) -> t.Callable[..., Play]:
    """Run site.yml with the variables of the pair and some more; those that are None are taken out."""

    def run(*arguments: str, playbook: str = "site.yml", **more: t.Any) -> Play:
        given = {**variables(lab, lab.openproject), "link_storage_name": STORAGE, **more}
        inventory = {"nextcloud": {"hosts": {"cloud.example.com": given}}}
        (tmp_path / "inventory.json").write_text(json.dumps(inventory))
        done = subprocess.run(
            [
                *(str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(tmp_path / "inventory.json")),
                *(*arguments, playbook),
            ],
            cwd=ROOT / "playbooks",
            env=environment(tmp_path),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return Play(done.returncode, done.stdout + done.stderr)

    return run


def test_everything_that_is_wrong_is_named_before_anything_is_sent(lab: Lab, site: t.Callable[..., Play]) -> None:
    """Two mistyped variables, two that cannot be evaluated, and a secret whose environment variable is not exported."""
    done = site(
        opnc_nextcloud_pasword="mistyped-and-secret",
        link_project_folder=True,
        opnc_nextcloud_public_url="https://{{ no_such_name }}",
        link_relink="{{ nor_this_one }}",
        opnc_openproject_api_key="{{ lookup('ansible.builtin.env', 'NOBODY_EXPORTED_THIS') }}",
    )

    assert done.code == 2
    assert count(lab) == (0, 0)
    assert lab.nextcloud.occ_starts == []
    for message in (
        "there is no variable opnc_nextcloud_pasword. Did you mean opnc_nextcloud_password?",
        "there is no variable link_project_folder. Did you mean link_project_folders?",
        "opnc_nextcloud_public_url is set, but it cannot be evaluated:",
        "'no_such_name' is undefined",
        "link_relink is set, but it cannot be evaluated:",
        "'nor_this_one' is undefined",
        f"cloud.example.com: opnc_openproject_api_key, the secret for OpenProject at {lab.openproject.url}, is empty",
        "the environment variable NOBODY_EXPORTED_THIS, which is not exported",
    ):
        assert message in done.output
    assert "mistyped-and-secret" not in done.output
    assert lab.nextcloud.admin[1] not in done.output


def test_text_and_single_values_are_taken_as_they_were_meant(lab: Lab, site: t.Callable[..., Play]) -> None:
    """Field cases O33 and O39: booleans as text, one value instead of a list, nothing instead of a list."""
    authority = lab.directory / "ca, of the company.pem"
    authority.write_text((ROOT / "molecule" / "alternative" / "files" / "company-ca.pem").read_text())

    done = site(
        prepare_nextcloud_ca_certificates=str(authority),
        prepare_nextcloud_allow_local_remote_servers="yes",
        link_project_folders="true",
        link_relink="no",
        link_rotate=None,
        project_storages_all_active="no",
        project_storages_projects=None,
        verify_ignore="cron_not_run",
        verify_check_with_runner="false",
    )

    assert done.code == 0, done.output
    assert broken_parts(lab) == []
    assert not [start for start in lab.openproject.command_starts if "runner" in str(start)]


def test_a_role_in_a_foreign_play_names_its_mistyped_variable(
    lab: Lab, site: t.Callable[..., Play], tmp_path: Path
) -> None:
    role = {"name": "opnc.integration.link"}
    play = {"hosts": "all", "gather_facts": False, "tasks": [{"ansible.builtin.include_role": role}]}
    (tmp_path / "play.json").write_text(json.dumps([play]))
    forget_requests(lab)

    done = site(playbook=str(tmp_path / "play.json"), link_project_folder=True)

    assert done.code == 2
    assert "there is no variable link_project_folder. Did you mean link_project_folders?" in done.output
    assert count(lab) == (0, 0)
