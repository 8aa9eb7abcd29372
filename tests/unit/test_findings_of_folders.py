# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Project folders in every combination of their pieces: the check and the repair agree on what is right."""

from __future__ import annotations

import itertools
import typing as t

import pytest

from ansible_collections.opnc.integration.plugins.module_utils._core.errors import Refused
from ansible_collections.opnc.integration.plugins.module_utils._link.checks import folder_findings
from ansible_collections.opnc.integration.plugins.module_utils._link.observed import (
    Observed,
    ObservedNextcloud,
    ObservedOpenProject,
    Question,
)
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.admin import Folder, Group, User
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.integration import NextcloudSettings
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.project_folders import (
    GROUP,
    GROUPS,
    USER,
    Pieces,
    missing,
)
from ansible_collections.opnc.integration.plugins.module_utils._openproject.storages import Storage

ALL = frozenset(GROUPS)
STORAGE = Storage(1, "Cloud", "https://cloud.example.com/", True, True, "client", (), "other", False)

USERS = {
    "no user": None,
    "user": User(USER, groups=ALL, group_admin=ALL),
    "disabled": User(USER, enabled=False, groups=ALL, group_admin=ALL),
    "no member": User(USER, group_admin=ALL),
    "no group admin": User(USER, groups=ALL, group_admin=frozenset()),
    "other case": User("openproject", groups=ALL, group_admin=ALL),
    "directory": User(USER, backend="LDAP", groups=ALL, group_admin=ALL),
}
GROUP_STATES: dict[str, dict[str, Group]] = {
    "no groups": {},
    "first group": {GROUP: Group(GROUP)},
    "groups": {gid: Group(gid) for gid in GROUPS},
    "group of a directory": {GROUP: Group(GROUP, ("LDAP",), writable=False), GROUPS[1]: Group(GROUPS[1])},
}
RIGHT = {"groups": {GROUP: 31}, "acl": True, "managers": frozenset({("user", USER)})}


def folder(number: int = 1, mount_point: str = "OpenProject", **parts: t.Any) -> Folder:
    return Folder(number, mount_point, **{**RIGHT, **parts})


FOLDER_STATES: dict[str, tuple[Folder, ...]] = {
    "no folder": (),
    "folder": (folder(),),
    "no group": (folder(groups={}),),
    "of others": (folder(groups={"staff": 31}),),
    "read only": (folder(groups={GROUP: 1}),),
    "no acl": (folder(acl=False, managers=frozenset()),),
    "no manager": (folder(managers=frozenset()),),
    "renamed": (folder(mount_point="Projects"),),
    "two": (folder(), folder(7)),
}


@pytest.mark.parametrize(("user", "groups", "folders"), list(itertools.product(USERS, GROUP_STATES, FOLDER_STATES)))
def test_check_and_repair_agree(user: str, groups: str, folders: str) -> None:
    pieces = Pieces(USERS[user], GROUP_STATES[groups], FOLDER_STATES[folders])
    try:
        right = missing(pieces) == []
    except Refused:
        right = False
    settings = NextcloudSettings(folders=right, application_password=True)
    observed = Observed(
        Question(project_folders=True),
        ObservedNextcloud(settings=settings, pieces=pieces),
        ObservedOpenProject(storage=STORAGE),
    )

    found = folder_findings(observed)

    assert (found == []) is right
    assert len({(finding.code, finding.message) for finding in found}) == len(found)


def test_disabled_user_is_seen_without_the_group_folders_app() -> None:
    """Nextcloud lists no group folders then, so the pieces are unknown."""
    nextcloud = ObservedNextcloud(
        settings=NextcloudSettings(application_password=True), user={"id": USER, "enabled": False}
    )
    observed = Observed(Question(project_folders=True), nextcloud, ObservedOpenProject(storage=STORAGE))

    assert [finding.code for finding in folder_findings(observed)] == ["user_disabled"]
