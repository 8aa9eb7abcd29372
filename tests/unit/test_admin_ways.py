# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which way an administrator's work takes, and what happens where one way is closed (NC §6.2, field case O11)."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.opnc.integration.plugins.module_utils._nextcloud import passwords
from lab import Lab
from unit import folder_states as states
from unit.folder_states import GROUP, SECOND, USER
from unit.labs import Labs

FOLDERS = "nextcloud_project_folders"
FOLDER = "nextcloud_group_folder"


@pytest.fixture
def lab(labs: Labs) -> Lab:
    return labs.fresh()


def _strict(lab: Lab) -> dict[str, t.Any]:
    """A Nextcloud that wants the login password for writes, and a login with an application password."""
    lab.nextcloud.state.app_passwords_need_confirmation = True
    password = lab.nextcloud.state.add_token("admin", "play").value
    return {**states.http_options(lab), "nextcloud_password": password}


def _half(lab: Lab, *, group_admin: bool) -> None:
    """Group admin, second group and folder are missing, or all but the group admin is there to be repaired without."""
    states.complete(lab.nextcloud.state)
    if group_admin:
        del lab.nextcloud.state.groups[SECOND]
    lab.nextcloud.state.folders.clear()


@pytest.mark.parametrize("group_admin", [True, False])
def test_without_occ_nothing_is_written(group_admin: bool, lab: Lab, run_module: t.Any) -> None:
    _half(lab, group_admin=group_admin)
    before = repr(lab.nextcloud.state.groups), repr(lab.nextcloud.state.folders)
    result = run_module(FOLDERS, _strict(lab))
    assert result["error"] == {
        "type": "ApiError",
        "status": 403,
        "identifier": "password_confirmation",
        "attribute": "",
    }
    assert "group folder OpenProject will be created" in result["msg"]
    assert ("becomes group admin" in result["msg"]) is group_admin
    assert "nextcloud_password" in result["msg"]
    assert "occ_exec" in result["msg"]
    assert (repr(lab.nextcloud.state.groups), repr(lab.nextcloud.state.folders)) == before


def test_with_occ_given_it_takes_over_and_the_result_says_so(lab: Lab, run_module: t.Any) -> None:
    _half(lab, group_admin=False)
    args = {**_strict(lab), "occ_command": lab.nextcloud.occ}
    result = run_module(FOLDERS, args)
    assert result["changed"], result
    assert result["via"] == "occ"
    assert any("occ took over" in warning for warning in result["warnings"])
    assert states.status_of_app(lab)
    again = run_module(FOLDERS, args)
    assert (again["changed"], again["via"]) == (False, "http")


def test_group_admins_cannot_be_taken_over(lab: Lab, run_module: t.Any) -> None:
    _half(lab, group_admin=True)
    result = run_module(FOLDERS, {**_strict(lab), "occ_command": lab.nextcloud.occ})
    assert result["failed"]
    assert f"{USER} becomes group admin of group {SECOND}" in result["msg"]
    assert "login password as nextcloud_password" in result["msg"]
    assert SECOND not in lab.nextcloud.state.groups
    assert not [argv for argv in lab.nextcloud.occ_starts if any("add" in word or "create" in word for word in argv)]


def test_an_unchanged_state_needs_no_confirmation(lab: Lab, run_module: t.Any) -> None:
    states.complete(lab.nextcloud.state)
    assert run_module(FOLDERS, _strict(lab))["changed"] is False


def test_a_group_folder_is_taken_over_too(lab: Lab, run_module: t.Any) -> None:
    lab.nextcloud.state.create_group("staff")
    args = {"mount_point": "Plans", "groups": [{"name": "staff"}], "quota": "1 GB"}
    alone = run_module(FOLDER, {**_strict(lab), **args})
    assert alone["error"]["identifier"] == "password_confirmation"
    assert lab.nextcloud.state.folders == {}
    both = run_module(FOLDER, {**_strict(lab), **args, "occ_command": lab.nextcloud.occ})
    assert both["via"] == "occ", both
    folder = lab.nextcloud.state.folders[1]
    assert (folder.groups, folder.quota) == ({"staff": 31}, 1024**3)
    gone = run_module(
        FOLDER,
        {**_strict(lab), "mount_point": "Plans", "state": "absent", "force_delete": True}
        | {"occ_command": lab.nextcloud.occ},
    )
    assert gone["via"] == "occ", gone
    assert lab.nextcloud.state.folders == {}


def test_a_removal_is_taken_over_too(lab: Lab, run_module: t.Any) -> None:
    """Disabling the app, removing everything and enabling it again: all of it through occ once HTTP has refused."""
    states.complete(lab.nextcloud.state)
    args = {**_strict(lab), "state": "absent", "force_delete": True}
    assert run_module(FOLDERS, args)["error"]["identifier"] == "password_confirmation"
    assert states.status_of_app(lab)
    result = run_module(FOLDERS, {**args, "occ_command": lab.nextcloud.occ})
    assert result["via"] == "occ", result
    assert USER not in lab.nextcloud.state.users
    assert lab.nextcloud.state.folders == {}
    assert lab.nextcloud.state.app_enabled("integration_openproject")


def test_via_http_never_takes_occ(lab: Lab, run_module: t.Any) -> None:
    _half(lab, group_admin=False)
    result = run_module(FOLDERS, {**_strict(lab), "occ_command": lab.nextcloud.occ, "via": "http"})
    assert result["error"]["identifier"] == "password_confirmation"
    assert lab.nextcloud.occ_starts == []


def test_via_http_needs_an_address(lab: Lab, run_module: t.Any) -> None:
    result = run_module(FOLDERS, {"occ_command": lab.nextcloud.occ, "via": "http"})
    assert "nextcloud_url is missing" in result["msg"]


@pytest.mark.parametrize("check_mode", [True, False])
def test_occ_alone_says_before_the_first_write_that_group_admins_need_http(
    check_mode: bool, lab: Lab, run_module: t.Any
) -> None:
    result = run_module(FOLDERS, {"occ_command": lab.nextcloud.occ}, check_mode=check_mode)
    assert result["error"]["type"] == "Refused"
    for words in ("nextcloud_url, nextcloud_username and nextcloud_password", f"group admin of group {GROUP}"):
        assert words in result["msg"]
    assert GROUP not in lab.nextcloud.state.groups
    assert lab.nextcloud.requests == []


def test_occ_alone_repairs_the_rest_and_says_what_it_cannot_see(lab: Lab, run_module: t.Any) -> None:
    states.complete(lab.nextcloud.state)
    lab.nextcloud.state.groups[SECOND].members.clear()
    lab.nextcloud.state.folders[1].acl = False
    result = run_module(FOLDERS, {"occ_command": lab.nextcloud.occ})
    assert len(result["actions"]) == 2, result
    assert len(lab.nextcloud.occ_starts) <= 2 + 5
    assert result["project_folders"]["groups"][GROUP]["group_admin"] is None
    assert any("group admin" in warning for warning in result["warnings"])
    assert states.status_of_app(lab)


def test_occ_alone_with_most_missing_keeps_its_cost(lab: Lab, run_module: t.Any) -> None:
    states.user(lab.nextcloud.state)
    for gid in (GROUP, SECOND):
        lab.nextcloud.state.create_group(gid)
    result = run_module(FOLDERS, {"occ_command": lab.nextcloud.occ})
    assert len(result["actions"]) == 6, result
    assert len(lab.nextcloud.occ_starts) <= 6 + 5


@pytest.mark.parametrize("via", ["http", "occ"])
def test_a_password_policy_gets_what_its_refusal_asks_for(via: str, lab: Lab, run_module: t.Any) -> None:
    state = lab.nextcloud.state
    state.profile = dataclasses.replace(state.profile, password_min_length=120)
    result = run_module(FOLDERS, states.options(lab, via))
    assert result["changed"], result
    assert len(state.users[USER].password) >= 120


@pytest.mark.parametrize("via", ["http", "occ"])
def test_a_policy_that_cannot_be_met_is_put_in_its_own_words(via: str, lab: Lab, run_module: t.Any) -> None:
    state = lab.nextcloud.state
    state.profile = dataclasses.replace(state.profile, password_min_length=5000)
    result = run_module(FOLDERS, states.options(lab, via))
    assert "Password needs to be at least 5000 characters long" in result["msg"]
    assert USER not in state.users


def test_generated_passwords_fit_every_usual_policy() -> None:
    for length in (72, 100, 469):
        password = passwords.generate(length)
        assert len(password) == length
        assert any(character.islower() for character in password)
        assert any(character.isupper() for character in password)
        assert any(character.isdigit() for character in password)
        assert any(character in passwords.SYMBOLS for character in password)
    assert passwords.generate() != passwords.generate()


@pytest.mark.parametrize(
    ("message", "length"),
    [
        ("Password needs to be at least 100 characters long.", 100),
        ("Das Passwort muss mindestens 80 Zeichen lang sein.", 80),
        ("Password is among the 1,000,000 most common ones. Password needs to be at least 90 characters long.", 90),
        ("Password is among the 1,000,000 most common ones.", None),
        ("Password needs to contain at least one special character.", None),
        ("Password needs to be at least 10 characters long.", None),
        ("Password needs to be at least 5000 characters long.", None),
    ],
)
def test_the_length_that_a_refusal_asks_for(message: str, length: int | None) -> None:
    assert passwords.requested_length(message) == length
