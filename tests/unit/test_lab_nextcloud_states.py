# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""States of the lab's Nextcloud whose effect shows on routes that the product does not ask, so that no recording is held to."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from lab.nextcloud.occ import run
from lab.nextcloud.profiles import PROFILES
from lab.nextcloud.server import NextcloudServer
from lab.nextcloud.state import OPENPROJECT
from lab.plumbing import Faults
from lab.versions import NEWEST, OLDEST, PAIRS

APP = "/index.php/apps/integration_openproject"
FOLDER = f"/remote.php/dav/files/{OPENPROJECT}/{OPENPROJECT}"
WHOLE = {
    "openproject_instance_url": "https://projects.example.com",
    "openproject_client_id": "an-identifier",
    "openproject_client_secret": "a-secret-of-openproject",
    "authorization_method": "oauth2",
    "default_enable_navigation": False,
    "default_enable_unified_search": False,
    "setup_project_folder": True,
    "setup_app_password": True,
}
# What OpenProject's worker sets on the root of the folder, as recorded.
RULES = (
    '<?xml version="1.0"?><d:propertyupdate xmlns:d="DAV:" xmlns:nc="http://nextcloud.org/ns"><d:set><d:prop>'
    "<nc:acl-list><nc:acl><nc:acl-mapping-type>user</nc:acl-mapping-type>"
    "<nc:acl-mapping-id>OpenProject</nc:acl-mapping-id><nc:acl-mask>31</nc:acl-mask>"
    "<nc:acl-permissions>31</nc:acl-permissions></nc:acl><nc:acl><nc:acl-mapping-type>group</nc:acl-mapping-type>"
    "<nc:acl-mapping-id>OpenProject</nc:acl-mapping-id><nc:acl-mask>31</nc:acl-mask>"
    "<nc:acl-permissions>1</nc:acl-permissions></nc:acl></nc:acl-list></d:prop></d:set></d:propertyupdate>"
)


def serve(version: str, folder: Path) -> Iterator[NextcloudServer]:
    started = NextcloudServer(version, Faults(), folder)
    started.start()
    yield started
    started.stop()


@pytest.fixture
def newest(tmp_path: Path) -> Iterator[NextcloudServer]:
    yield from serve(NEWEST[0], tmp_path)


@pytest.fixture(params=PROFILES)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NextcloudServer]:
    yield from serve(request.param, tmp_path)


def ask(
    server: NextcloudServer, method: str, path: str, auth: tuple[str, str] | None = None, **arguments: Any
) -> requests.Response:
    headers = {"OCS-APIRequest": "true", "Accept": "application/json"}
    return requests.request(
        method, server.url + path, auth=auth or server.admin, headers=headers, timeout=10, **arguments
    )


def set_up(server: NextcloudServer) -> tuple[str, str]:
    """A complete set-up; name and application password of user OpenProject."""
    answer = ask(server, "PATCH", f"{APP}/setup", json={"values": WHOLE}).json()
    return OPENPROJECT, answer["openproject_user_app_password"]


def occ(server: NextcloudServer, *words: str) -> str:
    code, out, error = run(server, words, {}, "")
    assert (code, error) == (0, "")
    return out


def settings(server: NextcloudServer) -> Any:
    page = ask(server, "GET", "/index.php/settings/admin/openproject").text
    found = re.search(r'id="initial-state-integration_openproject-admin-settings-config" value="([^"]+)"', page)
    assert found
    return json.loads(base64.b64decode(found[1]))


# A folder without default permission


@pytest.fixture
def closed(newest: NextcloudServer) -> tuple[str, str]:
    """Somebody made the folder anew without default permission; what user OpenProject logs in with."""
    openproject = set_up(newest)
    assert ask(newest, "MKCOL", f"{FOLDER}/p0", openproject).status_code == 201
    occ(newest, "groupfolders:delete", "1", "-f")
    occ(newest, "groupfolders:create", OPENPROJECT, "--acl-no-default-permission")
    occ(newest, "groupfolders:group", "2", OPENPROJECT, "read", "write", "share", "delete")
    occ(newest, "groupfolders:permissions", "2", "--enable")
    occ(newest, "groupfolders:permissions", "2", "-m", "-u", OPENPROJECT)
    return openproject


def uploads(server: NextcloudServer, openproject: tuple[str, str], name: str) -> list[int]:
    made = ask(server, "MKCOL", f"{FOLDER}/{name}", openproject)
    put = ask(server, "PUT", f"{FOLDER}/{name}.txt", openproject, data="x")
    return [made.status_code, put.status_code]


def test_it_counts_as_complete_and_refuses_every_upload(newest: NextcloudServer, closed: tuple[str, str]) -> None:
    assert ask(newest, "GET", f"{APP}/project-folder-status").json() == {"result": True}
    assert json.loads(occ(newest, "groupfolders:list", "--output=json"))[0]["acl_default_no_permission"] is True
    assert uploads(newest, closed, "p1") == [403, 403]


@pytest.mark.parametrize("by", ["occ", "OpenProject's worker"])
def test_a_rule_for_user_openproject_opens_it(newest: NextcloudServer, closed: tuple[str, str], by: str) -> None:
    if by == "occ":
        words = ("--", "+read", "+write", "+create", "+delete", "+share")
        occ(newest, "groupfolders:permissions", "2", "-u", OPENPROJECT, "/", *words)
    else:
        assert ask(newest, "PROPPATCH", FOLDER, closed, data=RULES).status_code == 207
    rules = json.loads(occ(newest, "groupfolders:permissions", "2", "--output=json"))["/"]
    assert {"mapping": {"type": "user", "id": OPENPROJECT}, "mask": 31, "permissions": 31} in rules
    assert uploads(newest, closed, "p1") == [201, 201]

    for kind in ("-u", "-g"):
        occ(newest, "groupfolders:permissions", "2", kind, OPENPROJECT, "/", "clear")
    assert uploads(newest, closed, "p2") == [403, 403]


def test_a_rule_for_somebody_else_does_not(newest: NextcloudServer, closed: tuple[str, str]) -> None:
    occ(newest, "groupfolders:permissions", "2", "-u", newest.admin[0], "/", "--", "+read", "+create")
    assert uploads(newest, closed, "p1") == [403, 403]


# Single sign-on


@pytest.mark.parametrize("app", ["user_oidc", "oidc"])
def test_the_page_says_whether_an_app_is_there_and_new_enough(server: NextcloudServer, app: str) -> None:
    minimum = settings(server)["apps"][app]["minimum_version"]
    server.state.oidc_providers = ["keycloak"]
    for version, supported in (("0.1.0", False), (minimum, True), ("99.0.0", True)):
        server.state.put_on_disk(app, version)
        server.state.enable_app(app)
        shown = settings(server)
        assert (shown["apps"][app]["enabled"], shown["apps"][app]["supported"]) == (True, supported)
        if app == "user_oidc":
            assert (shown["user_oidc_supported"], shown["oidc_providers"]) == (supported, ["keycloak"])
    server.state.disable_app(app)
    shown = settings(server)
    assert (shown["apps"][app]["enabled"], shown["oidc_providers"]) == (False, [])


def test_a_password_that_single_sign_on_renews_is_told_by_put_only(newest: NextcloudServer) -> None:
    old = set_up(newest)
    single = {"authorization_method": "oidc", "sso_provider_type": "nextcloud_hub", "oidc_provider": "Nextcloud Hub"}
    values = {"values": {**single, "targeted_audience_client_id": "an-audience"}}
    assert ask(newest, "PATCH", f"{APP}/setup", json=values).json() == {"status": True}
    renew = {"values": {"setup_project_folder": False, "setup_app_password": True}}
    told = ask(newest, "PUT", f"{APP}/admin-config", json=renew).json()["oPUserAppPassword"]
    assert ask(newest, "HEAD", "/remote.php/dav", (OPENPROJECT, told)).status_code == 200
    assert ask(newest, "HEAD", "/remote.php/dav", old).status_code == 401
    assert ask(newest, "PATCH", f"{APP}/setup", json=renew).json() == {"status": True}
    assert ask(newest, "HEAD", "/remote.php/dav", (OPENPROJECT, told)).status_code == 401


# Application passwords


def test_one_that_occ_names_like_the_user_is_the_integrations_own(newest: NextcloudServer) -> None:
    set_up(newest)
    newest.state.users[OPENPROJECT].tokens.clear()
    made = occ(newest, "user:auth-tokens:add", OPENPROJECT, "-n", "--name", OPENPROJECT).split()[-1]
    assert ask(newest, "GET", f"{APP}/check-admin-config").json()["project_folder_setup_status"] is True
    assert uploads(newest, (OPENPROJECT, made), "p1") == [201, 201]


# The pairs that tests run on


def test_the_pairs_are_the_oldest_and_the_newest_that_the_lab_plays() -> None:
    assert int(OLDEST[0]) == min(map(int, PROFILES))
    assert int(NEWEST[0]) == max(map(int, PROFILES))
    assert PAIRS == (OLDEST, NEWEST)
