# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removing project folders: the app that protects them is enabled again, whatever happens in between (design §5.5)."""

from __future__ import annotations

import typing as t

import pytest

from lab import Lab
from unit import folder_states as states
from unit.folder_states import GROUP, SECOND, USER
from unit.labs import Labs

MODULE = "nextcloud_project_folders"
APP = "integration_openproject"
FOLDER = ["remove group folder OpenProject with all its files"]
ACCOUNTS = [
    f"disable the app {APP} for the removal",
    f"remove user {USER}",
    f"remove group {GROUP}",
    f"remove group {SECOND}",
    f"enable the app {APP} again",
]


@pytest.fixture(params=[("32", "http"), ("29", "occ")], ids="-".join, scope="module")
def way(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Version and adapter; a start of occ takes longer than ten requests, so not every version meets every adapter here."""
    return t.cast("tuple[str, str]", request.param)


@pytest.fixture
def lab(way: tuple[str, str], labs: Labs) -> Lab:
    return labs.fresh(way[0])


@pytest.fixture
def args(way: tuple[str, str], lab: Lab) -> dict[str, t.Any]:
    return {**states.options(lab, way[1]), "state": "absent", "force_delete": True}


def _nothing_is_left(lab: Lab) -> bool:
    state = lab.nextcloud.state
    return not (state.folders or USER in state.users or GROUP in state.groups or SECOND in state.groups)


def test_everything_goes_and_the_app_stays_enabled(lab: Lab, args: dict[str, t.Any], run_module: t.Any) -> None:
    states.complete(lab.nextcloud.state)
    lab.nextcloud.read_only = True
    checked = run_module(MODULE, args, check_mode=True)
    assert states.writes(lab) == []
    lab.nextcloud.read_only = False
    done = run_module(MODULE, args)
    assert done["actions"] == [*FOLDER, *ACCOUNTS], done
    assert (checked["actions"], checked["diff"]) == (done["actions"], done["diff"])
    assert _nothing_is_left(lab)
    assert lab.nextcloud.state.app_enabled(APP)
    assert lab.nextcloud.state.app_config.get("opnc_integration", {}) == {}
    assert run_module(MODULE, args)["changed"] is False


def test_it_needs_force(lab: Lab, args: dict[str, t.Any], run_module: t.Any) -> None:
    states.complete(lab.nextcloud.state)
    for check_mode in (True, False):
        result = run_module(MODULE, {**args, "force_delete": False}, check_mode=check_mode)
        assert "force_delete: true" in result["msg"]
        assert "group folder OpenProject with all its files" in result["msg"]
    assert states.status_of_app(lab)
    assert states.writes(lab) == []


def test_nothing_to_remove_needs_no_force(lab: Lab, args: dict[str, t.Any], run_module: t.Any) -> None:
    assert run_module(MODULE, {**args, "force_delete": False})["changed"] is False


def test_a_disabled_app_is_left_disabled(lab: Lab, args: dict[str, t.Any], run_module: t.Any) -> None:
    states.complete(lab.nextcloud.state)
    lab.nextcloud.state.disable_app(APP)
    assert run_module(MODULE, args)["changed"]
    assert _nothing_is_left(lab)
    assert not lab.nextcloud.state.app_enabled(APP)


def test_only_accounts_are_left(lab: Lab, args: dict[str, t.Any], run_module: t.Any) -> None:
    states.accounts(lab.nextcloud.state)
    assert run_module(MODULE, args)["actions"] == ACCOUNTS
    assert _nothing_is_left(lab)


def test_only_the_folder_is_left(lab: Lab, args: dict[str, t.Any], run_module: t.Any) -> None:
    states.folder(lab.nextcloud.state)
    assert run_module(MODULE, args)["actions"] == FOLDER
    assert _nothing_is_left(lab)


def test_a_folder_that_others_use_is_refused(lab: Lab, args: dict[str, t.Any], run_module: t.Any) -> None:
    lab.nextcloud.state.create_group("staff")
    states.complete(lab.nextcloud.state).groups["staff"] = 31
    result = run_module(MODULE, args)
    assert "used by staff" in result["msg"]
    assert states.status_of_app(lab)


def test_an_account_in_another_spelling_is_not_ours(lab: Lab, args: dict[str, t.Any], run_module: t.Any) -> None:
    states.user(lab.nextcloud.state, "openproject")
    assert run_module(MODULE, args)["changed"] is False
    assert "openproject" in lab.nextcloud.state.users


@pytest.mark.parametrize("deleted", [0, 1, 2, 3, 4])
def test_a_run_that_was_killed_is_finished_by_the_next(
    deleted: int, lab: Lab, args: dict[str, t.Any], run_module: t.Any
) -> None:
    """Killed while the app was disabled, after that many things were gone."""
    state = lab.nextcloud.state
    states.complete(state)
    state.set_app_value("opnc_integration", "enable_again", APP)
    state.disable_app(APP)
    deeds: list[t.Callable[[], None]] = [
        lambda: state.delete_folder(1),
        lambda: state.delete_user(USER),
        lambda: state.delete_group(GROUP),
        lambda: state.delete_group(SECOND),
    ]
    for deed in deeds[:deleted]:
        deed()
    result = run_module(MODULE, args)
    assert result["changed"], result
    assert _nothing_is_left(lab)
    assert state.app_enabled(APP)
    assert run_module(MODULE, args)["changed"] is False


def test_the_app_is_enabled_again_when_a_removal_fails(
    lab: Lab, args: dict[str, t.Any], run_module: t.Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    states.complete(lab.nextcloud.state)
    lab.nextcloud.state.groups[GROUP].backends = ["Database"]
    real = lab.nextcloud.state.delete_group

    def fails(gid: str) -> None:
        monkeypatch.setattr(lab.nextcloud.state, "delete_group", real)
        lab.nextcloud.state.enable_app(APP)
        real(gid)

    monkeypatch.setattr(lab.nextcloud.state, "delete_group", fails)
    result = run_module(MODULE, args)
    assert result["failed"]
    assert f"delete group {GROUP}" in result["msg"]
    assert lab.nextcloud.state.app_enabled(APP)
    assert run_module(MODULE, args)["changed"]
    assert _nothing_is_left(lab)


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
@pytest.mark.parametrize("broken", range(9, 19))
def test_no_answer_in_between(broken: int, kind: str, way: tuple[str, str], lab: Lab, run_module: t.Any) -> None:
    """The connection breaks at any request from the first write on; the next run ends with everything gone and the app enabled."""
    args = {**states.options(lab, "http"), "state": "absent", "force_delete": True}
    states.complete(lab.nextcloud.state)
    lab.faults.add(server="nextcloud", nth=broken, kind=kind, times=1)
    run_module(MODULE, args)
    lab.faults.clear()
    result = run_module(MODULE, args)
    assert "failed" not in result, result
    assert _nothing_is_left(lab)
    assert lab.nextcloud.state.app_enabled(APP)
    assert lab.nextcloud.state.app_config.get("opnc_integration", {}) == {}
