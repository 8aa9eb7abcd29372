# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What site.yml leaves behind, seen by other ways than its own: occ, and the APIs of both servers."""

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


def test_the_storage_is_complete(nextcloud: Server, openproject: Server) -> None:
    listed = openproject.get("/api/v3/storages")["_embedded"]["elements"]
    assert [storage["name"] for storage in listed] == ["Cloud"]
    storage = openproject.get(f"/api/v3/storages/{listed[0]['id']}")
    assert storage["configured"] is True
    assert storage["hasApplicationPassword"] is True
    assert storage["_links"]["origin"]["href"].rstrip("/") == nextcloud.url


def test_both_sides_know_each_other(host: Host, lab: dict[str, t.Any], openproject: Server) -> None:
    stored = occ(host, lab, "config:list", "integration_openproject", "--private")["apps"]["integration_openproject"]
    storage_id = openproject.get("/api/v3/storages")["_embedded"]["elements"][0]["id"]
    storage = openproject.get(f"/api/v3/storages/{storage_id}")
    assert stored["openproject_instance_url"] == openproject.url
    assert stored["openproject_client_id"] == storage["_embedded"]["oauthApplication"]["clientId"]
    assert stored["openproject_client_secret"] != ""
    assert stored["nc_oauth_client_id"] != ""


def test_the_project_folders_are_whole(host: Host, lab: dict[str, t.Any], nextcloud: Server) -> None:
    groups = nextcloud.get("/ocs/v2.php/cloud/users/OpenProject?format=json")["ocs"]["data"]["groups"]
    assert set(groups) >= {"OpenProject", "OpenProjectNoAutomaticProjectFolders"}
    folders = occ(host, lab, "groupfolders:list")
    assert "OpenProject" in json.dumps(folders)


def test_nothing_else_was_made(host: Host, lab: dict[str, t.Any]) -> None:
    assert set(occ(host, lab, "user:list")) == {"admin", "OpenProject"}
    assert set(occ(host, lab, "group:list")) == {"admin", "OpenProject", "OpenProjectNoAutomaticProjectFolders"}
