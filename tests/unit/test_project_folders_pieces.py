# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the link relies on: reading costs little, and what is missing is a pure function of what was read."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest

from ansible_collections.opnc.integration.plugins.module_utils._core.errors import Refused
from ansible_collections.opnc.integration.plugins.module_utils._core.module import Call
from ansible_collections.opnc.integration.plugins.module_utils._core.secrets import Secrets
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud import project_folders
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.admin import Folder, Group, User
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.admin_any import make_admin
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.client import NEXTCLOUD_SPEC, Nextcloud
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.project_folders import (
    GROUP,
    GROUPS,
    SECOND_GROUP,
    USER,
    Pieces,
)
from lab import Lab
from unit import folder_states as states

WHOLE = Pieces(
    user=User(USER, groups=frozenset(GROUPS), group_admin=frozenset(GROUPS)),
    groups={gid: Group(gid) for gid in GROUPS},
    folders=(Folder(1, "OpenProject", {GROUP: 31}, True, frozenset({("user", USER)}), size=0),),
)
NOTHING = Pieces(user=None, groups={}, folders=())


def _kinds(pieces: Pieces, **more: t.Any) -> list[str]:
    return [piece.kind for piece in project_folders.missing(pieces, **more)]


def test_whole_and_nothing() -> None:
    assert project_folders.is_complete(WHOLE)
    assert not project_folders.is_untouched(WHOLE)
    assert project_folders.is_untouched(NOTHING)
    assert not project_folders.is_complete(NOTHING)


def test_the_order_lets_every_write_succeed() -> None:
    kinds = _kinds(NOTHING)
    assert kinds == [
        *["create_group"] * 2,
        "create_user",
        *["add_member"] * 2,
        *["add_group_admin"] * 2,
        "create_folder",
        "give_folder",
        "set_acl",
        "add_manager",
    ]


def test_the_second_group_and_foreign_folders_do_not_touch_the_set_up() -> None:
    """Nextcloud's own set-up goes through beside them (NC §3.2)."""
    foreign = Folder(4, "Plans", {"staff": 31})
    beside = replace(NOTHING, groups={SECOND_GROUP: Group(SECOND_GROUP)}, folders=(foreign,))
    assert project_folders.is_untouched(beside)


@pytest.mark.parametrize(
    "pieces",
    [
        replace(NOTHING, user=WHOLE.user),
        replace(NOTHING, groups={GROUP: Group(GROUP)}),
        replace(NOTHING, folders=(Folder(1, "OpenProject"),)),
        replace(NOTHING, folders=(Folder(1, "Renamed", {GROUP: 31}),)),
        replace(NOTHING, user=User("openproject")),
    ],
)
def test_anything_of_ours_touches_it(pieces: Pieces) -> None:
    assert not project_folders.is_untouched(pieces)


def test_group_admins_that_cannot_be_seen_are_not_missing() -> None:
    unchecked = replace(WHOLE, user=User(USER, groups=frozenset(GROUPS), group_admin=None))
    assert unchecked.group_admin == dict.fromkeys(GROUPS)
    assert _kinds(unchecked) == []


def test_group_admins_of_a_group_that_is_not_there_are() -> None:
    user = User(USER, groups=frozenset({GROUP}), group_admin=None)
    unchecked = replace(WHOLE, user=user, groups={GROUP: Group(GROUP)})
    assert _kinds(unchecked) == ["create_group", "add_member", "add_group_admin"]


def test_several_folders_refuse_even_when_asked_to_adopt() -> None:
    twice = replace(WHOLE, folders=(*WHOLE.folders, Folder(7, "OpenProject", size=3 * 1024**2)))
    with pytest.raises(Refused, match=r"id 1: groups OpenProject, 0 bytes; id 7: groups none, 3\.0 MB"):
        project_folders.missing(twice, adopt_folder=True)


def test_other_managers_and_groups_are_kept() -> None:
    folder = replace(WHOLE.folders[0], groups={"staff": 1}, managers=frozenset({("user", "alice"), ("circle", "team")}))
    kept = replace(WHOLE, folders=(folder,))
    assert _kinds(kept, adopt_folder=True) == ["give_folder", "add_manager"]
    shown = project_folders.completed(kept, adopt_folder=True)["group_folder"]
    assert shown["groups"] == {"OpenProject": ["read", "write", "share", "delete"], "staff": ["read"]}
    assert shown["managing_users"] == ["OpenProject", "alice"]


@pytest.mark.parametrize("complete", [True, False])
def test_with_a_user_document_reading_takes_at_most_two_requests(complete: bool) -> None:
    with Lab(nextcloud="32") as lab:
        if complete:
            states.complete(lab.nextcloud.state)
        params = {name: option.get("default") for name, option in NEXTCLOUD_SPEC.options.items()}
        call = Call({**params, **states.http_options(lab)}, check_mode=False, secrets=Secrets())
        client = Nextcloud.from_call(call)
        document = client.ocs("GET", "/ocs/v2.php/cloud/users/OpenProject", attempted="read") if complete else None
        lab.nextcloud.log.clear()
        pieces = project_folders.read_pieces(make_admin(call, client), user_document=document)
        assert len(lab.nextcloud.requests) == (1 if complete else 2)
        assert project_folders.is_complete(pieces) is complete
        assert project_folders.is_untouched(pieces) is not complete
