# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A link between two servers on https whose certificates come from private authorities."""

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


def test_nextcloud_trusts_the_authority_of_openproject(host: Host, lab: dict[str, t.Any]) -> None:
    (certificate,) = occ(host, lab, "security:certificates")
    assert certificate["common_name"] == "Private openproject-ca"


def test_the_link_is_complete(host: Host, lab: dict[str, t.Any], nextcloud: Server, openproject: Server) -> None:
    (listed,) = openproject.get("/api/v3/storages")["_embedded"]["elements"]
    storage = openproject.get(f"/api/v3/storages/{listed['id']}")
    assert (storage["configured"], storage["hasApplicationPassword"]) == (True, True)
    assert storage["_links"]["origin"]["href"].rstrip("/") == nextcloud.url
    assert nextcloud.url.startswith("https://")
    stored = occ(host, lab, "config:list", "integration_openproject", "--private")["apps"]["integration_openproject"]
    assert stored["openproject_instance_url"] == openproject.url
    assert stored["openproject_client_id"] == storage["_embedded"]["oauthApplication"]["clientId"]


def test_openproject_reaches_nextcloud(openproject: Server) -> None:
    """The folder of the project was made by OpenProject itself, over TLS."""
    (entry,) = openproject.get("/api/v3/project_storages")["_embedded"]["elements"]
    assert entry["projectFolderMode"] == "automatic"
    assert "projectFolder" in entry["_links"]


def test_no_password_was_left_behind(host: Host, lab: dict[str, t.Any]) -> None:
    """The play stores none; occ made one for each run."""
    listed = occ(host, lab, "user:auth-tokens:list", "admin")
    assert listed == []
