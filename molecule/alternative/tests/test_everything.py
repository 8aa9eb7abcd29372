# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What site.yml leaves behind with all its variables set, and what the check wrote."""

from __future__ import annotations

import json
import os
import re
import shlex
import typing as t
from pathlib import Path

from testinfra.host import Host

if t.TYPE_CHECKING:
    from molecule.conftest import Server

STORAGE = "Dateien «Köln» #{1}"


def occ(host: Host, lab: dict[str, t.Any], *command: str) -> t.Any:
    argv = [*lab["nextcloud"]["occ"], *command, "--output=json"]
    return json.loads(host.check_output(shlex.join(argv)))


def test_nextcloud_is_prepared(host: Host, lab: dict[str, t.Any]) -> None:
    enabled = occ(host, lab, "app:list")["enabled"]
    assert set(enabled) >= {"integration_openproject", "groupfolders", "files_external"}
    (certificate,) = occ(host, lab, "security:certificates")
    assert certificate["common_name"] == "Example company CA"
    assert certificate["name"].startswith("company-ca.")
    assert occ(host, lab, "config:system:get", "allow_local_remote_servers") is True


def test_both_sides_know_each_other_by_their_public_names(
    host: Host, lab: dict[str, t.Any], nextcloud: Server, openproject: Server
) -> None:
    (listed,) = openproject.get("/api/v3/storages")["_embedded"]["elements"]
    storage = openproject.get(f"/api/v3/storages/{listed['id']}")
    assert (storage["name"], storage["configured"], storage["hasApplicationPassword"]) == (STORAGE, True, True)
    assert storage["_links"]["origin"]["href"].rstrip("/") == nextcloud.url
    stored = occ(host, lab, "config:list", "integration_openproject", "--private")["apps"]["integration_openproject"]
    assert stored["openproject_instance_url"] == openproject.url
    assert stored["openproject_client_id"] == storage["_embedded"]["oauthApplication"]["clientId"]


def test_the_defaults_of_users_are_set(host: Host, lab: dict[str, t.Any]) -> None:
    stored = occ(host, lab, "config:list", "integration_openproject", "--private")["apps"]["integration_openproject"]
    assert (stored["default_enable_navigation"], stored["default_enable_unified_search"]) == ("1", "1")


def test_every_active_project_has_a_folder(nextcloud: Server, openproject: Server) -> None:
    projects = {project["name"] for project in openproject.get("/api/v3/projects")["_embedded"]["elements"]}
    found = openproject.get("/api/v3/project_storages")["_embedded"]["elements"]
    assert {entry["_links"]["project"]["title"] for entry in found} == projects
    assert {entry["projectFolderMode"] for entry in found} == {"automatic"}


def test_the_report_says_that_all_is_well_and_stands_alone(nextcloud: Server, openproject: Server) -> None:
    report = Path(os.environ["OPNC_REPORT"]).read_text(encoding="utf-8")
    assert "Everything is right" in report
    assert nextcloud.url in report
    assert openproject.url in report
    assert re.findall(r"<(?:script|link|img|iframe)\b[^>]*(?:src|href)=", report) == []


def test_the_report_holds_no_secret(lab: dict[str, t.Any]) -> None:
    report = Path(os.environ["OPNC_REPORT"]).read_text(encoding="utf-8")
    for secret in (lab["nextcloud"]["password"], lab["openproject"]["password"], lab["openproject"]["api_key"]):
        assert secret not in report
