# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nextcloud_group_folder through its real main(), over HTTP and through occ, on both versions of the lab."""

from __future__ import annotations

import typing as t

import pytest

from lab import Lab
from lab.nextcloud.state import GroupFolder, Manage
from unit import folder_states as states
from unit.labs import Labs

MODULE = "nextcloud_group_folder"
READ_ONLY = ["read"]
ALL = ["read", "write", "share", "delete"]


@pytest.fixture(params=[("29", "http"), ("32", "http"), ("29", "occ")], ids="-".join, scope="module")
def way(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Version and adapter; a start of occ takes longer than ten requests, so not every version meets every adapter here."""
    return t.cast("tuple[str, str]", request.param)


@pytest.fixture
def lab(way: tuple[str, str], labs: Labs) -> Lab:
    lab = labs.fresh(way[0])
    for gid in ("architects", "builders", "auditors", "Auditors"):
        lab.nextcloud.state.create_group(gid)
    for uid in ("alice", "Bob"):
        states.user(lab.nextcloud.state, uid)
    return lab


@pytest.fixture
def via(way: tuple[str, str]) -> str:
    return way[1]


Managing = t.Callable[..., dict[str, t.Any]]


@pytest.fixture
def manage(lab: Lab, via: str, run_module: t.Any) -> Managing:
    """Check mode, a real run and a second one; all three agree. Returns the result of the real run."""

    def run(**desired: t.Any) -> dict[str, t.Any]:
        args = {**states.options(lab, via), "mount_point": "Plans", **desired}
        lab.nextcloud.read_only = True
        checked = run_module(MODULE, args, check_mode=True)
        assert "failed" not in checked, checked
        assert states.writes(lab) == []
        lab.nextcloud.read_only = False
        done = run_module(MODULE, args)
        assert "failed" not in done, done
        for name in ("changed", "actions", "diff"):
            assert done[name] == checked[name]
        lab.nextcloud.log.clear()
        again = run_module(MODULE, args)
        assert (again["changed"], again["actions"]) == (False, [])
        assert states.writes(lab) == []
        assert again["group_folder"].get("id") == done["group_folder"].get("id")
        return t.cast("dict[str, t.Any]", done)

    return run


def _only_folder(lab: Lab) -> GroupFolder:
    folders = lab.nextcloud.state.folders
    assert len(folders) == 1
    return next(iter(folders.values()))


def test_a_folder_with_everything(lab: Lab, manage: Managing) -> None:
    done = manage(
        mount_point="/Plans/",
        groups=[{"name": "builders", "permissions": READ_ONLY}, {"name": "architects"}],
        quota="5GB",
        managing_users=["alice"],
        managing_groups=["architects"],
    )
    made = _only_folder(lab)
    assert (made.mount_point, made.groups, made.acl) == ("Plans", {"architects": 31, "builders": 1}, True)
    assert made.quota == 5 * 1024**3
    assert {(manager.type, manager.id) for manager in made.manage} == {("user", "alice"), ("group", "architects")}
    assert done["actions"] == [
        "group folder Plans will be created",
        "the quota of group folder Plans will be 5 GB",
        "group folder Plans will be given to group architects (read, write, share, delete)",
        "group folder Plans will be given to group builders (read)",
        "advanced permissions of group folder Plans will be switched on",
        "user alice will manage the advanced permissions of group folder Plans",
        "group architects will manage the advanced permissions of group folder Plans",
    ]
    assert done["diff"] == {
        "before": {},
        "after": {
            "mount_point": "Plans",
            "groups": {"architects": ALL, "builders": READ_ONLY},
            "advanced_permissions": True,
            "managing_users": ["alice"],
            "managing_groups": ["architects"],
            "quota": "5 GB",
        },
    }
    assert done["group_folder"] == {"id": made.id, **done["diff"]["after"]}


def test_a_bare_folder(lab: Lab, manage: Managing) -> None:
    assert manage()["actions"] == ["group folder Plans will be created"]
    assert _only_folder(lab).groups == {}


def test_only_what_differs_is_written(lab: Lab, manage: Managing) -> None:
    states.folder(lab.nextcloud.state, "Plans", groups={"architects": 31, "builders": 7, "auditors": 1}, quota=1024)
    done = manage(groups=[{"name": "architects"}, {"name": "builders", "permissions": ["read", "write", "share"]}])
    assert done["actions"] == [
        "group builders may read, write, share in group folder Plans",
        "group folder Plans will be taken away from group auditors",
    ]
    folder = _only_folder(lab)
    assert (folder.groups, folder.quota, folder.files) == ({"architects": 31, "builders": 23}, 1024, states.FILES)


def test_append_leaves_other_groups_alone(lab: Lab, manage: Managing) -> None:
    states.folder(lab.nextcloud.state, "Plans", groups={"architects": 31})
    done = manage(groups=[{"name": "auditors", "permissions": READ_ONLY}], append=True)
    assert done["group_folder"]["groups"] == {"architects": ALL, "auditors": READ_ONLY}
    assert _only_folder(lab).groups == {"architects": 31, "auditors": 1}


def test_no_group_at_all_is_a_wish(lab: Lab, manage: Managing) -> None:
    states.folder(lab.nextcloud.state, "Plans", groups={"architects": 31})
    manage(groups=[])
    assert _only_folder(lab).groups == {}


def test_group_ids_keep_their_case(lab: Lab, manage: Managing) -> None:
    states.folder(lab.nextcloud.state, "Plans", groups={"auditors": 31})
    manage(groups=[{"name": "Auditors"}])
    assert _only_folder(lab).groups == {"Auditors": 31}


def test_user_ids_do_not(lab: Lab, manage: Managing) -> None:
    managers = [Manage("user", "Bob"), Manage("group", "builders")]
    states.folder(lab.nextcloud.state, "Plans", acl=True, manage=managers)
    assert manage(managing_users=["bob"])["changed"] is False
    done = manage(managing_users=["BOB", "alice"])
    assert done["actions"] == ["user alice will manage the advanced permissions of group folder Plans"]
    assert {(manager.type, manager.id) for manager in _only_folder(lab).manage} == {
        ("user", "Bob"),
        ("user", "alice"),
        ("group", "builders"),
    }


def test_a_rule_is_written_in_the_spelling_of_the_account(lab: Lab, manage: Managing) -> None:
    """Nextcloud lists a rule for "bob" as one for "Bob", but does not let Bob manage (seen on 29.0.6)."""
    manage(managing_users=["bob"])
    assert [manager.id for manager in _only_folder(lab).manage] == ["Bob"]


def test_managers_are_dismissed(lab: Lab, manage: Managing) -> None:
    states.folder(lab.nextcloud.state, "Plans", acl=True, manage=[Manage("user", "Bob"), Manage("group", "builders")])
    done = manage(managing_users=[], managing_groups=["architects"])
    assert done["actions"] == [
        "user Bob will no longer manage the advanced permissions of group folder Plans",
        "group architects will manage the advanced permissions of group folder Plans",
        "group builders will no longer manage the advanced permissions of group folder Plans",
    ]
    assert [(manager.type, manager.id) for manager in _only_folder(lab).manage] == [("group", "architects")]


def test_switching_advanced_permissions_off_takes_the_managers_along(lab: Lab, manage: Managing) -> None:
    states.folder(lab.nextcloud.state, "Plans", acl=True, manage=[Manage("user", "Bob")])
    done = manage(advanced_permissions=False)
    assert done["actions"] == ["advanced permissions of group folder Plans will be switched off"]
    assert done["diff"]["after"]["managing_users"] == []
    assert _only_folder(lab).manage == []


@pytest.mark.parametrize(
    ("typed", "size", "said"),
    [
        ("500 MB", 500 * 1024**2, "500 MB"),
        ("1.5g", 3 * 1024**3 // 2, "1536 MB"),
        ("1000", 1000, "1000 B"),
        ("unlimited", -3, "unlimited"),
    ],
)
def test_quota_in_human_units(typed: str, size: int, said: str, lab: Lab, manage: Managing) -> None:
    states.folder(lab.nextcloud.state, "Plans", quota=7)
    done = manage(quota=typed)
    assert done["actions"] == [f"the quota of group folder Plans will be {said}"]
    assert _only_folder(lab).quota == size


def test_absent_needs_force(lab: Lab, via: str, manage: Managing, run_module: t.Any) -> None:
    folder = states.folder(lab.nextcloud.state, "Plans", groups={"architects": 31})
    args = {**states.options(lab, via), "mount_point": "Plans", "state": "absent"}
    for check_mode in (True, False):
        result = run_module(MODULE, args, check_mode=check_mode)
        assert result["failed"]
        assert "force_delete: true" in result["msg"]
        assert "architects" in result["msg"]
    assert lab.nextcloud.state.folders == {folder.id: folder}
    done = manage(state="absent", force_delete=True)
    assert (done["actions"], done["group_folder"]) == (["remove group folder Plans"], {})
    assert lab.nextcloud.state.folders == {}


@pytest.mark.parametrize("mount_point", ["", " ", "/", "//", " / "])
def test_an_empty_mount_point_reaches_no_server(mount_point: str, lab: Lab, via: str, run_module: t.Any) -> None:
    result = run_module(MODULE, {**states.options(lab, via), "mount_point": mount_point})
    assert "mount_point is empty" in result["msg"]
    assert (lab.nextcloud.requests, lab.nextcloud.occ_starts) == ([], [])


@pytest.mark.parametrize(
    ("desired", "words"),
    [
        ({"groups": [{"name": "architects"}, {"name": "nobody"}]}, "no group nobody"),
        ({"groups": [{"name": "AUDITORS"}]}, "no group AUDITORS"),
        ({"managing_groups": ["nobody"]}, "no group nobody"),
        ({"managing_users": ["nobody"]}, "no user nobody"),
    ],
)
def test_unknown_names_are_refused_before_the_first_write(
    desired: dict[str, t.Any], words: str, lab: Lab, via: str, run_module: t.Any
) -> None:
    """Over HTTP a folder can be given to groups that do not exist, through occ managers need not exist (NC §4.2, §4.3)."""
    for check_mode in (True, False):
        result = run_module(
            MODULE, {**states.options(lab, via), "mount_point": "Plans", **desired}, check_mode=check_mode
        )
        assert words in result["msg"]
    assert states.writes(lab) == []
    assert lab.nextcloud.state.folders == {}


@pytest.mark.parametrize(
    ("desired", "words"),
    [
        ({"quota": "0"}, "is not a size"),
        ({"quota": "much"}, "is not a size"),
        ({"advanced_permissions": False, "managing_users": ["alice"]}, "no meaning"),
    ],
)
def test_wishes_that_cannot_be_meant(
    desired: dict[str, t.Any], words: str, lab: Lab, via: str, run_module: t.Any
) -> None:
    result = run_module(MODULE, {**states.options(lab, via), "mount_point": "Plans", **desired})
    assert result["error"]["type"] == "BadInput"
    assert words in result["msg"]
    assert (lab.nextcloud.requests, lab.nextcloud.occ_starts) == ([], [])


def test_one_half_of_write_exists_over_http_only(lab: Lab, via: str, run_module: t.Any) -> None:
    groups = [{"name": "builders", "permissions": ["update"]}]
    result = run_module(MODULE, {**states.options(lab, via), "mount_point": "Plans", "groups": groups})
    if via == "http":
        assert _only_folder(lab).groups == {"builders": 3}
        assert result["group_folder"]["groups"] == {"builders": ["read", "update"]}
    else:
        assert "via: http" in result["msg"]
        assert lab.nextcloud.state.folders == {}


def test_group_folders_app_off(lab: Lab, via: str, run_module: t.Any) -> None:
    lab.nextcloud.state.disable_app("groupfolders")
    result = run_module(MODULE, {**states.options(lab, via), "mount_point": "Plans"})
    assert "groupfolders is not enabled" in result["msg"]


@pytest.mark.parametrize("state", ["present", "absent"])
def test_two_folders_with_that_mount_point(state: str, lab: Lab, via: str, run_module: t.Any) -> None:
    """Field case O27: nothing prevents them before version 20."""
    states.folder(lab.nextcloud.state, "Plans", groups={"architects": 31})
    second = states.folder(lab.nextcloud.state, "Other")
    second.mount_point = "Plans"
    args = {**states.options(lab, via), "mount_point": "Plans", "state": state, "force_delete": True}
    result = run_module(MODULE, args)
    assert result["error"]["folder_ids"] == [1, 2]
    assert "id 1: groups architects" in result["msg"]
    assert len(lab.nextcloud.state.folders) == 2
