# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people report of project folders, one test for each case on this ground (field cases O27 to O30)."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from lab import Lab
from lab.nextcloud.state import Manage
from unit import folder_states as states
from unit.folder_states import GROUP, SECOND, USER
from unit.labs import Labs

MODULE = "nextcloud_project_folders"


@pytest.fixture(params=[("29", "http"), ("32", "occ")], ids="-".join, scope="module")
def way(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Version and adapter; a start of occ takes longer than ten requests, so not every version meets every adapter here."""
    return t.cast("tuple[str, str]", request.param)


@pytest.fixture
def lab(way: tuple[str, str], labs: Labs) -> Lab:
    return labs.fresh(way[0])


@pytest.fixture
def args(way: tuple[str, str], lab: Lab) -> dict[str, t.Any]:
    return states.options(lab, way[1])


@pytest.mark.parametrize("state", ["present", "absent"])
def test_o27_two_folders_one_mount_point(state: str, lab: Lab, args: dict[str, t.Any], run_module: t.Any) -> None:
    states.complete(lab.nextcloud.state)
    second = states.folder(lab.nextcloud.state, "Other", files={})
    second.mount_point = "OpenProject"
    lab.nextcloud.read_only = True
    result = run_module(MODULE, {**args, "state": state, "force_delete": True, "adopt_folder": True})
    assert result["error"]["folder_ids"] == [1, 2]
    assert f"id 1: groups {GROUP}" in result["msg"]
    assert "id 2: groups none" in result["msg"]
    assert "bytes" in result["msg"]
    assert lab.nextcloud.refused == []


@pytest.mark.parametrize("check_mode", [True, False])
def test_o28_personal_folder_shadowed(
    check_mode: bool, lab: Lab, args: dict[str, t.Any], tmp_path: Path, run_module: t.Any
) -> None:
    """Seen where the module runs on the machine that holds the data and occ tells where they are."""
    (tmp_path / ".ncdata").touch()
    for uid, name in (("alice", "OpenProject"), ("bob", "Other")):
        (tmp_path / uid / "files" / name).mkdir(parents=True)
    lab.nextcloud.state.system["datadirectory"] = str(tmp_path)
    with_occ = {**args, "via": "auto"} if args["via"] == "http" else args
    result = run_module(MODULE, with_occ, check_mode=check_mode)
    warned = [warning for warning in result["warnings"] if "alice" in warning]
    assert len(warned) == 1, result
    assert "nothing is lost" in warned[0]
    assert "bob" not in warned[0]


def test_o28_nobody_is_warned_of_another_machines_directory(
    lab: Lab, args: dict[str, t.Any], tmp_path: Path, run_module: t.Any
) -> None:
    (tmp_path / "alice" / "files" / "OpenProject").mkdir(parents=True)
    lab.nextcloud.state.system["datadirectory"] = str(tmp_path)
    assert run_module(MODULE, args, check_mode=True)["warnings"] == []


def test_o29_encryption_leaves_group_folders_out(lab: Lab, args: dict[str, t.Any], run_module: t.Any) -> None:
    state = lab.nextcloud.state
    state.set_app_value("core", "encryption_enabled", "yes")
    result = run_module(MODULE, args)
    assert any("occ config:app:set groupfolders enable_encryption --value=true" in text for text in result["warnings"])
    assert state.app_value("groupfolders", "enable_encryption") is None
    assert run_module(MODULE, args)["warnings"] == []


def test_o29_encryption_that_includes_them(lab: Lab, args: dict[str, t.Any], run_module: t.Any) -> None:
    lab.nextcloud.state.set_app_value("core", "encryption_enabled", "yes")
    lab.nextcloud.state.set_app_value("groupfolders", "enable_encryption", "true")
    assert run_module(MODULE, args)["warnings"] == []


@pytest.mark.parametrize(("quota", "warned"), [(1000, True), (50 * 1024**2, True), (10 * 1024**3, False), (-3, False)])
def test_o29_quota(quota: int, warned: bool, lab: Lab, args: dict[str, t.Any], run_module: t.Any) -> None:
    """The repair leaves the quota as it is, and says what lifts it."""
    folder = states.complete(lab.nextcloud.state)
    folder.quota, folder.acl = quota, False
    for changed in (True, False):
        result = run_module(MODULE, args)
        assert result["changed"] is changed
        assert ("occ groupfolders:quota 1 unlimited" in " ".join(result.get("warnings", []))) is warned
    assert folder.quota == quota


def test_o30_user_of_a_directory_service(lab: Lab, args: dict[str, t.Any], run_module: t.Any) -> None:
    states.complete(lab.nextcloud.state)
    lab.nextcloud.state.users[USER].backend = "LDAP"
    lab.nextcloud.state.folders.clear()
    result = run_module(MODULE, args)
    assert result["error"]["backend"] == "LDAP"
    assert lab.nextcloud.state.folders == {}


def test_o30_group_of_a_directory_service(lab: Lab, args: dict[str, t.Any], run_module: t.Any) -> None:
    """Adding a member would be answered with success and do nothing."""
    states.user(lab.nextcloud.state)
    lab.nextcloud.state.create_group(GROUP).backends = ["LDAP"]
    result = run_module(MODULE, args)
    assert result["error"]["group"] == GROUP
    assert states.writes(lab) == []
    assert SECOND not in lab.nextcloud.state.groups


def test_o30_group_of_both_is_fine(lab: Lab, args: dict[str, t.Any], run_module: t.Any) -> None:
    lab.nextcloud.state.create_group(GROUP).backends = ["LDAP", "Database"]
    assert run_module(MODULE, args)["changed"]
    assert states.status_of_app(lab)


def test_o30_a_membership_that_does_not_come_about_is_a_failure(
    lab: Lab, args: dict[str, t.Any], run_module: t.Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backend that can take members and does not: "changed" for ever would be a bug."""
    states.complete(lab.nextcloud.state)
    lab.nextcloud.state.groups[GROUP].members.clear()
    monkeypatch.setattr(lab.nextcloud.state, "add_member", lambda gid, uid: None)
    result = run_module(MODULE, args)
    assert result["failed"]
    assert f"as a member of {GROUP}" in result["msg"]


def test_a_manager_left_by_a_deleted_user_does_not_stop_the_repair(
    lab: Lab, args: dict[str, t.Any], run_module: t.Any
) -> None:
    """The rule stays without being listed; adding it again is a database error (nextcloud/groupfolders#4236)."""
    states.right_folder(lab.nextcloud.state, groups={}, manage=[Manage("user", USER)])
    assert run_module(MODULE, args)["changed"]
    assert states.status_of_app(lab)
