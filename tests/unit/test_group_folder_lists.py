# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every shape of a list of group folders, from recorded answers (NC §4.1)."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.opnc.integration.plugins.module_utils._core.errors import Refused, TransportError
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud import group_folders
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.admin import Folder, parse_folders

RECORDED = json.loads(
    (Path(__file__).parents[1] / "fixtures" / "recorded" / "group-folder-lists.json").read_text(encoding="utf-8")
)
OURS = {"groups": {"OpenProject": 31}, "acl": True, "managers": frozenset({("user", "OpenProject")})}


def _recorded(shape: str, version: str, number: int = 0) -> list[Folder]:
    found = [entry for entry in RECORDED if (entry["shape"], entry["group_folders"]) == (shape, version)]
    return parse_folders(found[number]["listed"], "Nextcloud", "list the group folders")


@pytest.mark.parametrize(
    ("shape", "version", "size"),
    [("B", "17.0.14", 0), ("C", "20.0.0", None), ("C", "20.1.3", None), ("D", "20.1.18", 0), ("HTTP", "17.0.14", 0)],
)
def test_the_project_folder_reads_alike_in_every_shape(shape: str, version: str, size: int | None) -> None:
    found = group_folders.find(_recorded(shape, version), "OpenProject", "Nextcloud")
    assert found == Folder(1, "OpenProject", size=size, quota=-3, **OURS)  # type: ignore[arg-type]


def test_two_folders_with_one_mount_point_are_both_read() -> None:
    folders = _recorded("B", "17.0.14", 1)
    assert [(folder.id, folder.mount_point, dict(folder.groups)) for folder in folders] == [
        (1, "OpenProject", {}),
        (2, "OpenProject", {}),
    ]
    with pytest.raises(Refused, match=r"id 1: groups none.*id 2: groups none"):
        group_folders.find(folders, "OpenProject", "Nextcloud")


def test_managers_and_quota() -> None:
    with_managers = _recorded("D", "20.1.18", 1)[0]
    assert with_managers.managers == {("group", "gA"), ("user", "alice")}
    assert _recorded("D", "20.1.18", 2)[0].quota == 10 * 1024**2


def test_http_map_of_a_newer_version_and_an_empty_one() -> None:
    assert [folder.mount_point for folder in _recorded("HTTP", "20.1.18")] == ["Mlogin password passwor"]
    assert _recorded("HTTP", "20.1.18", 1) == []


def test_shape_of_versions_before_15() -> None:
    listed = [{"id": "4", "mount_point": "Old", "groups": {"staff": 7}, "quota": "-3", "size": 12, "acl": False}]
    assert parse_folders(listed, "Nextcloud", "x") == [Folder(4, "Old", {"staff": 7}, size=12)]


def test_managers_as_an_object_with_gaps() -> None:
    """Before 18.0.4 managers whose account is gone are filtered out without renumbering."""
    listed = [{"id": 1, "mount_point": "F", "acl": True, "manage": {"1": {"type": "group", "id": "staff"}}}]
    assert parse_folders(listed, "Nextcloud", "x")[0].managers == {("group", "staff")}


def test_group_ids_that_look_like_numbers() -> None:
    """PHP turns a map with the keys 0, 1, … into a list."""
    assert parse_folders([{"id": 1, "mount_point": "F", "groups": [31, 1]}], "N", "x")[0].groups == {"0": 31, "1": 1}


@pytest.mark.parametrize("listed", [None, "folders", [1], [{"mount_point": "x"}], {"a": None}])
def test_an_unknown_form_is_said(listed: t.Any) -> None:
    with pytest.raises(TransportError, match="unknown form"):
        parse_folders(listed, "Nextcloud", "list the group folders")
