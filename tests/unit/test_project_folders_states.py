# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every half-made state becomes a whole one: the state table of NC §3.2 and issue 5, over HTTP and through occ, through the real module."""

from __future__ import annotations

import copy
import typing as t

import pytest

from lab import Lab
from lab.nextcloud.state import GROUPFOLDERS, Manage, NextcloudState
from unit import folder_states as states
from unit.folder_states import GROUP, SECOND, USER
from unit.labs import Labs

MODULE = "nextcloud_project_folders"
ACCOUNTS = [
    f"group {GROUP} will be created",
    f"group {SECOND} will be created",
    f"user {USER} will be created",
    f"{USER} becomes a member of group {GROUP}",
    f"{USER} becomes a member of group {SECOND}",
    f"{USER} becomes group admin of group {GROUP}",
    f"{USER} becomes group admin of group {SECOND}",
]
GIVEN = "group folder OpenProject will be given to group OpenProject (read, write, share, delete)"
ACL_ON = "advanced permissions of group folder OpenProject will be switched on"
MANAGED = "user OpenProject will manage the advanced permissions of group folder OpenProject"
RIGHTS = [GIVEN, ACL_ON, MANAGED]
FOLDER = ["group folder OpenProject will be created", *RIGHTS]
ALL_OF_IT = "group OpenProject may read, write, share, delete in group folder OpenProject"


class Row(t.NamedTuple):
    """A state, and the pieces that are missing in it."""

    arrange: t.Callable[[NextcloudState], object]
    actions: list[str]
    adopt: bool = False


def _user_and_group(state: NextcloudState) -> None:
    states.user(state)
    state.create_group(GROUP)


def _without_membership(state: NextcloudState) -> None:
    states.complete(state)
    state.groups[GROUP].members.clear()


def _without_group_admin(state: NextcloudState) -> None:
    states.complete(state)
    state.groups[GROUP].subadmins.clear()


def _before_app_2_10(state: NextcloudState) -> None:
    states.complete(state)
    del state.groups[SECOND]


def _disabled_user(state: NextcloudState) -> None:
    states.complete(state)
    state.users[USER].enabled = False


def _acl_off(state: NextcloudState) -> None:
    state.set_folder_acl(states.complete(state).id, False)


def _folder_with(**parts: t.Any) -> t.Callable[[NextcloudState], None]:
    def arrange(state: NextcloudState) -> None:
        made = states.complete(state)
        for name, value in copy.deepcopy(parts).items():
            setattr(made, name, value)

    return arrange


def _renamed(state: NextcloudState) -> None:
    states.complete(state).mount_point = "Renamed"


def _used_by_others(state: NextcloudState) -> None:
    state.create_group("staff")
    states.folder(state, groups={"staff": 7})


def _others_beside_ours(state: NextcloudState) -> None:
    state.create_group("staff")
    states.complete(state).groups["staff"] = 1
    state.groups[SECOND].members.clear()


def _manager_of_a_deleted_user(state: NextcloudState) -> None:
    """The rule for the deleted user is still there, hidden: adding it again is a database error (NC §4.2)."""
    states.complete(state)
    state.disable_app("integration_openproject")
    state.delete_user(USER)
    state.enable_app("integration_openproject")


ROWS = {
    "nothing": Row(lambda state: None, ACCOUNTS + FOLDER),
    "only the user": Row(states.user, ACCOUNTS[:2] + ACCOUNTS[3:] + FOLDER),
    "only the group": Row(lambda state: state.create_group(GROUP), ACCOUNTS[1:] + FOLDER),
    "only the second group": Row(lambda state: state.create_group(SECOND), ACCOUNTS[:1] + ACCOUNTS[2:] + FOLDER),
    "only the folder": Row(states.folder, ACCOUNTS + RIGHTS),
    "user and group": Row(_user_and_group, ACCOUNTS[1:2] + ACCOUNTS[3:] + FOLDER),
    "all by hand": Row(states.complete, []),
    "not a member": Row(_without_membership, ACCOUNTS[3:4]),
    "not group admin": Row(_without_group_admin, ACCOUNTS[5:6]),
    "set up before app 2.10": Row(_before_app_2_10, [ACCOUNTS[1], ACCOUNTS[4], ACCOUNTS[6]]),
    "user disabled": Row(_disabled_user, [f"user {USER} will be enabled"]),
    "advanced permissions off": Row(_acl_off, [ACL_ON, MANAGED]),
    "no manager": Row(_folder_with(manage=[]), [MANAGED]),
    "managed by the group": Row(_folder_with(manage=[Manage("group", GROUP)]), []),
    "permission to read only": Row(_folder_with(groups={GROUP: 1}), [ALL_OF_IT]),
    "permission without share and delete": Row(_folder_with(groups={GROUP: 7}), [ALL_OF_IT]),
    "group not on the folder": Row(_folder_with(groups={}), [GIVEN]),
    "other groups beside ours": Row(_others_beside_ours, ACCOUNTS[4:5]),
    "folder used by others, adopted": Row(_used_by_others, ACCOUNTS + RIGHTS, adopt=True),
    "folder renamed, adopted": Row(_renamed, ["group folder Renamed will be renamed to OpenProject"], adopt=True),
    "manager of a deleted user": Row(_manager_of_a_deleted_user, [ACCOUNTS[2], *ACCOUNTS[3:], MANAGED]),
}


@pytest.fixture(params=[("29", "http"), ("32", "http"), ("32", "occ")], ids="-".join, scope="module")
def way(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Version and adapter; a start of occ takes longer than ten requests, so not every version meets every adapter here."""
    return t.cast("tuple[str, str]", request.param)


@pytest.fixture
def lab(way: tuple[str, str], labs: Labs) -> Lab:
    return labs.fresh(way[0])


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_every_state_converges(row: Row, way: tuple[str, str], lab: Lab, run_module: t.Any) -> None:
    via = way[1]
    row.arrange(lab.nextcloud.state)
    others = {folder.id: dict(folder.groups) for folder in lab.nextcloud.state.folders.values()}
    files = {folder.id: dict(folder.files) for folder in lab.nextcloud.state.folders.values()}
    args = {**states.options(lab, via), "adopt_folder": row.adopt}

    lab.nextcloud.read_only = True
    checked = run_module(MODULE, args, check_mode=True)
    assert checked["actions"] == row.actions, checked
    assert checked["changed"] == bool(row.actions)
    assert states.writes(lab) == []
    lab.nextcloud.read_only = False

    lab.nextcloud.log.clear()
    starts = len(lab.nextcloud.occ_starts)
    done = run_module(MODULE, args)
    assert {name: done[name] for name in ("changed", "actions", "diff")} == {
        name: checked[name] for name in ("changed", "actions", "diff")
    }
    assert done["via"] == via
    assert len(lab.nextcloud.requests) <= len(row.actions) + 12
    assert len(lab.nextcloud.occ_starts) - starts <= len(row.actions) + 5

    assert states.status_of_app(lab)
    for folder_id, kept in files.items():
        assert lab.nextcloud.state.folders[folder_id].files == kept
        assert set(others[folder_id]) <= set(lab.nextcloud.state.folders[folder_id].groups)

    lab.nextcloud.log.clear()
    starts = len(lab.nextcloud.occ_starts)
    again = run_module(MODULE, args)
    assert (again["changed"], again["actions"]) == (False, [])
    assert again["project_folders"] == done["project_folders"]
    assert states.writes(lab) == []
    assert len(lab.nextcloud.requests) + len(lab.nextcloud.occ_starts) - starts <= 3


def _other_case(state: NextcloudState) -> None:
    states.user(state, "openproject")


def _two_folders(state: NextcloudState) -> None:
    """Only versions before 20 let it come so far; later ones keep them when they were upgraded."""
    states.complete(state).size = 2048
    second = copy.deepcopy(state.folders[1])
    second.id, second.groups = 7, {}
    state.folders[7] = second


def _user_of_a_directory(state: NextcloudState) -> None:
    states.complete(state)
    state.users[USER].backend = "LDAP"


def _group_of_a_directory(state: NextcloudState) -> None:
    states.user(state)
    state.create_group(GROUP).backends = ["LDAP"]


def _app_off(state: NextcloudState) -> None:
    states.complete(state)
    state.disable_app(GROUPFOLDERS)


def _app_gone(state: NextcloudState) -> None:
    del state.apps[GROUPFOLDERS]
    state.app_config.pop(GROUPFOLDERS)


def _several_renamed(state: NextcloudState) -> None:
    for name in ("One", "Two"):
        states.folder(state, name, groups={GROUP: 31})


REFUSED: dict[str, tuple[t.Callable[[NextcloudState], object], bool, list[str]]] = {
    "user in another case": (_other_case, False, ['"openproject"', "occ user:delete openproject"]),
    "two folders": (_two_folders, True, ["id 1: groups OpenProject", "id 7: groups none", "mount point OpenProject"]),
    "folder renamed": (_renamed, False, ["Renamed (id 1", "adopt_folder: true"]),
    "several could be meant": (_several_renamed, True, ["One (id 1", "Two (id 2", "several could be meant"]),
    "folder used by others": (_used_by_others, False, ["belongs to staff", "adopt_folder: true"]),
    "user of a directory service": (_user_of_a_directory, False, ['user "OpenProject"', "LDAP"]),
    "group of a directory service": (_group_of_a_directory, False, ['group "OpenProject"', "not from Database"]),
    "group folders disabled": (_app_off, False, ["groupfolders is not enabled", "occ app:enable groupfolders"]),
    "group folders missing": (_app_gone, False, ["groupfolders is not enabled", "Install and enable"]),
}


@pytest.mark.parametrize("check_mode", [True, False], ids=["check mode", "real run"])
@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_what_is_not_ours_to_decide_is_refused_before_any_write(
    case: tuple[t.Callable[[NextcloudState], object], bool, list[str]],
    way: tuple[str, str],
    check_mode: bool,
    lab: Lab,
    run_module: t.Any,
) -> None:
    arrange, adopt, words = case
    arrange(lab.nextcloud.state)
    lab.nextcloud.read_only = True
    result = run_module(MODULE, {**states.options(lab, way[1]), "adopt_folder": adopt}, check_mode=check_mode)
    assert result["failed"]
    assert result["error"]["type"] == "Refused"
    for word in words:
        assert word in result["msg"]
    assert lab.nextcloud.refused == []
    assert states.writes(lab) == []
