# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The link over every state of the project folders (NC §3.2, issue 5): each becomes whole, nothing is deleted."""

from __future__ import annotations

import typing as t

import pytest

from lab import Lab
from lab.nextcloud.state import App, NextcloudState
from unit.conftest import RunModule
from unit.labs import Labs
from unit.linking import arrange, broken_parts, count, forget_requests, link_args
from unit.test_project_folders_states import GROUP, REFUSED, ROWS, SECOND, USER, Row


@pytest.fixture(params=["29", "32"], ids=["nextcloud29", "nextcloud32"])
def lab(request: pytest.FixtureRequest, labs: Labs) -> Lab:
    return arrange(labs.fresh(request.param))


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_link_makes_every_state_whole(row: Row, lab: Lab, run_module: RunModule) -> None:
    row.arrange(lab.nextcloud.state)
    files = {folder.id: dict(folder.files) for folder in lab.nextcloud.state.folders.values()}
    groups = {folder.id: set(folder.groups) for folder in lab.nextcloud.state.folders.values()}
    args = link_args(lab, project_folders=True, adopt_folder=row.adopt)

    lab.nextcloud.read_only = lab.openproject.read_only = True
    foretold = run_module("link", args, check_mode=True)
    lab.nextcloud.read_only = lab.openproject.read_only = False
    done = run_module("link", args)
    assert not done.get("failed"), done
    assert (foretold["actions"], foretold["diff"]) == (done["actions"], done["diff"])
    assert broken_parts(lab) == []
    for folder_id, kept in files.items():
        assert lab.nextcloud.state.folders[folder_id].files == kept
        assert groups[folder_id] <= set(lab.nextcloud.state.folders[folder_id].groups)
    assert not run_module("link", args)["changed"]


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_what_is_not_ours_to_decide_is_refused_before_any_write(
    case: tuple[t.Callable[[NextcloudState], object], bool, list[str]], lab: Lab, run_module: RunModule
) -> None:
    deed, adopt, _words = case
    deed(lab.nextcloud.state)
    lab.nextcloud.read_only = lab.openproject.read_only = True
    refused = run_module("link", link_args(lab, project_folders=True, adopt_folder=adopt))
    assert refused["failed"]
    assert refused["error"]["type"] == "Refused"
    assert lab.nextcloud.refused + lab.openproject.refused == []


def _folder(state: NextcloudState) -> t.Any:
    return next(iter(state.folders.values()))


def _take_all_rights(state: NextcloudState) -> None:
    folder = _folder(state)
    folder.acl, folder.manage, folder.groups = False, [], {}


def _delete_second_group(state: NextcloudState) -> None:
    del state.groups[SECOND]


def _take_admins(state: NextcloudState) -> None:
    for gid in (GROUP, SECOND):
        state.groups[gid].subadmins.remove(USER)


def _delete_accounts(state: NextcloudState) -> None:
    del state.users[USER]
    for gid in (GROUP, SECOND):
        del state.groups[gid]


def _read_only(state: NextcloudState) -> None:
    _folder(state).groups[GROUP] = 1


def _disable(state: NextcloudState) -> None:
    state.users[USER].enabled = False


BROKEN = {
    "permission to read only": _read_only,
    "all rights on the folder taken": _take_all_rights,
    "second group deleted": _delete_second_group,
    "group admins taken": _take_admins,
    "user disabled": _disable,
    "user and groups deleted": _delete_accounts,
}


@pytest.mark.parametrize("deed", BROKEN.values(), ids=BROKEN)
def test_repairing_k_pieces_of_a_link_takes_at_most_k_and_twelve_requests(
    deed: t.Callable[[NextcloudState], None], lab: Lab, run_module: RunModule
) -> None:
    args = link_args(lab, project_folders=True)
    run_module("link", args)
    deed(lab.nextcloud.state)
    forget_requests(lab)
    done = run_module("link", args)
    assert done["changed"], done
    # a renewed application password is three pieces: off in OpenProject, made in Nextcloud, handed over
    assert sum(count(lab)) <= len(done["actions"]) + 12
    assert broken_parts(lab) == []
    assert lab.nextcloud.occ_starts == []
    assert not run_module("link", args)["changed"]


def test_actions_and_difference_name_each_missing_piece(lab: Lab, run_module: RunModule) -> None:
    args = link_args(lab, project_folders=True)
    run_module("link", args)
    _delete_second_group(lab.nextcloud.state)
    foretold = run_module("link", args, check_mode=True)
    assert [action["action"] for action in foretold["actions"]] == [
        f"group {SECOND} will be created",
        f"{USER} becomes a member of group {SECOND}",
        f"{USER} becomes group admin of group {SECOND}",
    ]
    assert foretold["diff"]["before"]["nextcloud"]["project_folders"] == [
        action["action"] for action in foretold["actions"]
    ]


def test_where_an_app_password_may_not_write_occ_takes_over_and_the_result_says_so(
    lab: Lab, run_module: RunModule
) -> None:
    """NC §6.2: a repair that needs no group admin; the application password passes everything but OCS and group-folder writes."""
    args = link_args(lab, project_folders=True)
    run_module("link", args)
    state = lab.nextcloud.state
    state.app_passwords_need_confirmation = True
    args["nextcloud_password"] = state.add_token(lab.nextcloud.admin[0], "ansible").value
    _read_only(state)
    refused = run_module("link", args)
    assert refused["failed"]
    assert "login password" in refused["msg"]
    assert _folder(state).groups[GROUP] == 1
    done = run_module("link", {**args, "occ_command": lab.nextcloud.occ})
    assert done["changed"], done
    assert any("occ took over" in warning for warning in done["warnings"])
    assert broken_parts(lab) == []


def test_files_that_would_be_stored_in_clear_are_warned_of_before_the_folder_is_made(
    lab: Lab, run_module: RunModule
) -> None:
    """Field case O29: server-side encryption is on, group folders are left out of it."""
    state = lab.nextcloud.state
    state.apps["encryption"] = App("encryption", "2.17.0", shipped=True)
    state.enable_app("encryption")
    state.set_app_value("core", "encryption_enabled", "yes")
    state.set_app_value("encryption", "encryptHomeStorage", "1")
    result = run_module("link", link_args(lab, project_folders=True), check_mode=True)
    assert any("enable_encryption" in warning for warning in result["warnings"]), result
    assert sum(count(lab)) <= 13
