# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Nextcloud refuses although all seems to be there: the cause is named, and the remedy ends it (field cases O43, O44, O45)."""

from __future__ import annotations

import re
import subprocess

import pytest

from lab import Lab
from lab.nextcloud.integration import INTEGRATION
from unit.conftest import RunModule
from unit.labs import Labs
from unit.linking import arrange, link_args


@pytest.mark.parametrize("version", ["29", "32", "34"])
def test_o43_the_limit_its_groups_and_what_lifts_it_are_named(version: str, labs: Labs, run_module: RunModule) -> None:
    lab = labs.linked(run_module, version)
    lab.nextcloud.state.create_group("staff")
    lab.nextcloud.state.enable_app(INTEGRATION, ["staff"])
    refused = run_module("link", link_args(lab, project_folders=True))
    assert refused["failed"]
    assert "is limited to the group staff, and admin is not a member" in refused["msg"]
    commands = re.findall(r"occ (app:\w+ \w+)", refused["msg"])
    assert commands
    for command in commands:
        subprocess.run([*lab.nextcloud.occ, *command.split()], check=True, capture_output=True)
    done = run_module("link", link_args(lab, project_folders=True))
    assert not done.get("failed"), done
    assert not done["changed"], done["actions"]


@pytest.mark.parametrize("version", ["29", "34"])
def test_o43_an_administrator_in_the_group_is_let_in(version: str, labs: Labs, run_module: RunModule) -> None:
    lab = labs.linked(run_module, version)
    lab.nextcloud.state.enable_app(INTEGRATION, ["admin"])
    assert not run_module("link", link_args(lab, project_folders=True)).get("failed")


@pytest.mark.parametrize("version", ["29", "34"])
@pytest.mark.parametrize("check_mode", [False, True], ids=["real", "check"])
def test_o44_missing_files_are_not_to_be_enabled(
    version: str, check_mode: bool, labs: Labs, run_module: RunModule
) -> None:
    lab: Lab = labs.linked(run_module, version)
    there = lab.nextcloud.state.apps.pop(INTEGRATION)
    refused = run_module("link", link_args(lab, project_folders=True), check_mode=check_mode)
    assert refused["failed"]
    assert "its files are missing" in refused["msg"]
    assert f"occ app:install {INTEGRATION}" in refused["msg"]
    assert "app:enable" not in refused["msg"]
    lab.nextcloud.state.apps[INTEGRATION] = there
    assert not run_module("link", link_args(lab, project_folders=True))["changed"]


@pytest.mark.parametrize("version", ["29", "34"])
def test_o45_files_of_a_former_user_are_named_and_nothing_is_left_behind(
    version: str, labs: Labs, run_module: RunModule
) -> None:
    lab = arrange(labs.fresh(version))
    lab.nextcloud.state.left_over_files.add("OpenProject")
    refused = run_module("link", link_args(lab, project_folders=True))
    assert refused["failed"]
    assert refused["changed"] is False
    assert "files already exist for this user" in refused["msg"]
    assert "move it away" in refused["msg"]
    assert lab.openproject.state.storages == {}
    lab.nextcloud.state.left_over_files.clear()
    assert run_module("link", link_args(lab, project_folders=True))["changed"]
