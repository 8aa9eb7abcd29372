# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is left after the removal: nothing of the link, and everything else."""

from __future__ import annotations

import json
import shlex
import typing as t

from testinfra.host import Host

if t.TYPE_CHECKING:
    from molecule.conftest import Server


def occ(host: Host, lab: dict[str, t.Any], *command: str) -> t.Any:
    argv = [*lab["nextcloud"]["occ"], *command, "--output=json"]
    return json.loads(host.check_output(shlex.join(argv)))


def test_openproject_has_no_storage(openproject: Server) -> None:
    assert openproject.get("/api/v3/storages")["total"] == 0
    assert openproject.get("/api/v3/project_storages")["total"] == 0


def test_nextcloud_has_no_secret_and_no_address(host: Host, lab: dict[str, t.Any]) -> None:
    stored = occ(host, lab, "config:list", "integration_openproject", "--private")["apps"]["integration_openproject"]
    for name in (
        "openproject_instance_url",
        "openproject_client_id",
        "openproject_client_secret",
        "nc_oauth_client_id",
    ):
        assert not stored.get(name), name


def test_accounts_groups_and_folder_are_gone_and_the_app_is_on(host: Host, lab: dict[str, t.Any]) -> None:
    assert set(occ(host, lab, "user:list")) == {"admin"}
    assert set(occ(host, lab, "group:list")) == {"admin"}
    assert occ(host, lab, "groupfolders:list") == []
    assert "integration_openproject" in occ(host, lab, "app:list")["enabled"]
