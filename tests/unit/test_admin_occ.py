# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers of occ that the lab does not give: recorded ones of other versions, and unexpected ones."""

from __future__ import annotations

import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.opnc.integration.plugins.module_utils._core.errors import CommandError
from ansible_collections.opnc.integration.plugins.module_utils._core.module import Call
from ansible_collections.opnc.integration.plugins.module_utils._core.secrets import Secrets
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.admin_occ import OccAdmin
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.occ import Occ

Scripted = t.Callable[..., OccAdmin]

#: occ groupfolders:delete 1 -f of group folders 20.1.3 (recorded, NC §4.2)
CANNOT_DELETE = (
    "An unhandled exception has been thrown:\n"
    "TypeError: OCA\\GroupFolders\\Mount\\FolderStorageManager::deleteStoragesForFolder(): Argument #1 ($folder) must be of type"
    " OCA\\GroupFolders\\Folder\\FolderDefinition, int given\nStack trace:\n#0 {main}\n"
)


@pytest.fixture
def scripted(tmp_path: Path) -> Scripted:
    """An occ that always gives the same answer and writes down its arguments, one start a line."""

    def make(stdout: str = "", stderr: str = "", rc: int = 0) -> OccAdmin:
        script = tmp_path / "occ.py"
        script.write_text(
            "import sys\n"
            f"open({str(tmp_path / 'starts')!r}, 'a').write(repr(sys.argv[1:]) + chr(10))\n"
            f"sys.stdout.write({stdout!r}); sys.stderr.write({stderr!r}); sys.exit({rc})\n",
            encoding="utf-8",
        )
        params = {"occ_command": [sys.executable, str(script)], "occ_exec": [], "occ_timeout": 30.0}
        return OccAdmin(Occ.from_call(Call(params, check_mode=False, secrets=Secrets())))

    return make


def _starts(tmp_path: Path) -> list[str]:
    return (tmp_path / "starts").read_text(encoding="utf-8").splitlines()


def test_versions_that_cannot_delete_through_occ(scripted: Scripted) -> None:
    with pytest.raises(CommandError) as failure:
        scripted(CANNOT_DELETE, rc=1).delete_folder(1)
    assert "20.0.1 to 20.1.4" in failure.value.message
    assert "via: http" in failure.value.message


def test_another_failure_to_delete_keeps_its_words(scripted: Scripted) -> None:
    with pytest.raises(CommandError, match="Folder not found: 1"):
        scripted("Folder not found: 1\n", rc=255).delete_folder(1)


@pytest.mark.parametrize(("stdout", "lookup"), [("user not found\n", "user"), ('Group "g" does not exist.\n', "group")])
def test_what_is_not_there(stdout: str, lookup: str, scripted: Scripted) -> None:
    admin = scripted(stdout, rc=1)
    assert (admin.user("u") is None) if lookup == "user" else (admin.groups(["g"]) == {})


@pytest.mark.parametrize("stdout", ["", "Something else went wrong\n"])
def test_a_failed_lookup_is_not_taken_for_absence(stdout: str, scripted: Scripted) -> None:
    """Otherwise the next write would make what is there already."""
    with pytest.raises(CommandError):
        scripted(stdout, rc=1).user("u")


def test_names_that_look_like_options(scripted: Scripted, tmp_path: Path) -> None:
    scripted().create_group("-staff")
    scripted().add_member("alice", "staff")
    starts = _starts(tmp_path)
    assert starts[0].endswith("'group:add', '--', '-staff']")
    assert starts[1].endswith("'group:adduser', 'staff', 'alice']")


def test_a_password_never_becomes_an_argument(scripted: Scripted, tmp_path: Path) -> None:
    scripted().create_user("OpenProject")
    assert _starts(tmp_path)[0].endswith("'user:add', '--password-from-env', 'OpenProject']")
