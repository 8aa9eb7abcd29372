# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab's Nextcloud and the plumbing must do beyond what the recordings show."""

from __future__ import annotations

import base64
import json
import re
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from lab.nextcloud.profiles import PROFILES
from lab.nextcloud.server import NextcloudServer
from lab.nextcloud.state import OPENPROJECT
from lab.plumbing import Faults

APP = "/index.php/apps/integration_openproject"
WHOLE: dict[str, Any] = {
    "openproject_instance_url": "https://op.example.com",
    "openproject_client_id": "an-identifier",
    "openproject_client_secret": "a-secret-of-openproject",
    "authorization_method": "oauth2",
    "default_enable_navigation": True,
    "default_enable_unified_search": False,
    "setup_project_folder": True,
    "setup_app_password": True,
}


class Client:
    """A session that knows its server, as the product's client does."""

    def __init__(self, server: NextcloudServer, user: str = "", password: str = "") -> None:
        self.base = server.url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.auth = (user or server.admin[0], password or server.admin[1])
        self.session.headers.update({"OCS-APIRequest": "true", "Accept": "application/json"})

    def __call__(self, method: str, path: str, **arguments: Any) -> requests.Response:
        return self.session.request(method, self.base + path, timeout=10, allow_redirects=False, **arguments)

    def patch_setup(self, **values: Any) -> requests.Response:
        return self("PATCH", f"{APP}/setup", json={"values": values})

    def admin_page(self) -> dict[str, Any]:
        text = self("GET", "/index.php/settings/admin/openproject").text
        found = re.search(r'id="initial-state-integration_openproject-admin-settings-config" value="([^"]+)"', text)
        assert found, "the page holds no settings"
        settings: dict[str, Any] = json.loads(base64.b64decode(found[1]))
        return settings

    def is_configured(self) -> bool:
        return bool(self("GET", f"{APP}/check-admin-config").json()["config_status_without_project_folder"])


@pytest.fixture(params=PROFILES)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NextcloudServer]:
    started = NextcloudServer(request.param, Faults(), tmp_path)
    started.start()
    yield started
    started.stop()


@pytest.fixture
def client(server: NextcloudServer) -> Client:
    return Client(server)


def test_one_call_sets_everything_up(server: NextcloudServer, client: Client) -> None:
    answer = client.patch_setup(**WHOLE).json()

    password = answer["openproject_user_app_password"]
    assert set(string.punctuation) <= set(password)
    assert len(password) >= 72
    assert client("GET", f"{APP}/project-folder-status").json() == {"result": True}
    page = client.admin_page()
    assert page["nc_oauth_client"]["nextcloud_client_id"] == answer["nextcloud_client_id"]
    assert page["app_password_set"] is True
    probe = Client(server, OPENPROJECT, password)
    assert probe("HEAD", "/remote.php/dav").status_code == 200


def test_a_renewed_password_ends_the_old_one(server: NextcloudServer, client: Client) -> None:
    old = client.patch_setup(**WHOLE).json()["openproject_user_app_password"]
    probe = Client(server, OPENPROJECT, old)
    assert probe("HEAD", "/remote.php/dav").status_code == 200

    new = client.patch_setup(setup_project_folder=False, setup_app_password=True).json()

    assert probe("HEAD", "/remote.php/dav").status_code == 401, "a session must not outlive its token"
    assert Client(server, OPENPROJECT, new["openproject_user_app_password"])("HEAD", "/remote.php/dav").ok


def test_the_admin_page_mends_an_empty_method(server: NextcloudServer, client: Client) -> None:
    client.patch_setup(**WHOLE)
    server.state.set_app_value("integration_openproject", "authorization_method", "")
    assert not client.is_configured()

    assert client.admin_page()["authorization_method"] == "oauth2"
    assert client.is_configured()


def test_a_dangling_client_loses_a_renewed_password(server: NextcloudServer, client: Client) -> None:
    old = client.patch_setup(**WHOLE).json()["openproject_user_app_password"]
    server.state.oauth_clients.clear()

    answer = client.patch_setup(setup_app_password=True, default_enable_navigation=False)

    assert answer.status_code == 500
    assert answer.headers["Content-Type"].startswith("text/html")
    assert client.admin_page()["default_enable_navigation"] is False
    assert old not in [token.value for token in server.state.users[OPENPROJECT].tokens]


def test_a_user_token_tells_whether_the_client_secret_is_right(server: NextcloudServer, client: Client) -> None:
    answer = client.patch_setup(**WHOLE).json()
    (row,) = server.state.oauth_clients
    token = server.state.grant(row, "admin")
    client.session.auth = None

    def renew(refresh_token: str, secret: str) -> Any:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
            "client_id": answer["nextcloud_client_id"],
            "client_secret": secret,
        }
        return client("POST", "/index.php/apps/oauth2/api/v1/token", data=form).json()

    assert renew("made-up", answer["nextcloud_client_secret"]) == {"error": "invalid_request"}
    assert renew(token, "wrong") == {"error": "invalid_client"}
    renewed = renew(token, answer["nextcloud_client_secret"])
    assert renewed["user_id"] == "admin"
    assert renew(token, answer["nextcloud_client_secret"]) == {"error": "invalid_request"}, "a token is used once"
    assert renewed["refresh_token"] in server.state.grants


def test_request_tokens_belong_to_their_session(server: NextcloudServer, client: Client) -> None:
    token = client("GET", "/index.php/csrftoken").json()["token"]
    client.session.headers.pop("OCS-APIRequest")
    stranger = Client(server)
    stranger.session.headers.pop("OCS-APIRequest")

    assert client("POST", f"{APP}/nc-oauth").status_code == 412
    assert stranger("POST", f"{APP}/nc-oauth", headers={"requesttoken": token}).status_code == 412
    assert client("POST", f"{APP}/nc-oauth", headers={"requesttoken": token}).status_code == 200


def test_a_session_ends_with_the_password(server: NextcloudServer, client: Client) -> None:
    assert client("GET", f"{APP}/check-admin-config").ok
    server.state.users["admin"].password = "another-password-of-the-administrator"

    assert client("GET", f"{APP}/check-admin-config").status_code == 401


def test_too_many_wrong_passwords_shut_the_right_one_out(server: NextcloudServer) -> None:
    for _unused in range(11):
        assert Client(server, "admin", "wrong")("GET", f"{APP}/check-admin-config").status_code == 401

    assert Client(server)("GET", f"{APP}/check-admin-config").status_code == 429


def test_a_typed_value_stops_the_app(server: NextcloudServer, client: Client) -> None:
    client.patch_setup(**WHOLE)
    server.state.app_config["integration_openproject"]["openproject_instance_url"].type = 4

    answer = client.patch_setup(openproject_instance_url="https://moved.example.com")

    assert (answer.status_code, answer.json()["error"]) == (
        500,
        "conflict between new type (mixed) and old type (string)",
    )


def test_a_release_may_ask_for_the_login_password(server: NextcloudServer) -> None:
    server.state.app_passwords_need_confirmation = True
    client = Client(server, "admin", server.state.add_token("admin", "script").value)

    assert client("POST", "/ocs/v2.php/cloud/groups", json={"groupid": "g"}).status_code == 403
    folder = client("POST", "/index.php/apps/groupfolders/folders", json={"mountpoint": "F"})
    assert (folder.status_code, folder.json()["ocs"]["meta"]["statuscode"]) == (200, 403)
    assert client.patch_setup(**WHOLE).ok


@pytest.mark.parametrize("state", ["maintenance", "upgrade"])
def test_out_of_service(server: NextcloudServer, client: Client, state: str) -> None:
    if state == "maintenance":
        server.state.maintenance = True
    else:
        server.state.apps["integration_openproject"].version = "99.0.0"

    answer = client("GET", f"{APP}/check-admin-config")

    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.status_code == (503 if state == "maintenance" else 200)
    assert client("GET", "/status.php").json()["needsDbUpgrade"] is (state == "upgrade")


def test_read_only_refuses_writes_and_names_them(server: NextcloudServer, client: Client) -> None:
    server.read_only = True

    assert client.patch_setup(**WHOLE).status_code == 403
    assert client("POST", f"{APP}/is-valid-op-instance", json={"url": "https://x"}).status_code != 403
    assert client("GET", f"{APP}/check-admin-config").ok
    assert [(refused.method, refused.path) for refused in server.refused] == [("PATCH", f"{APP}/setup")]
    assert "integration_openproject" in server.state.app_config
    assert not client.is_configured()


@pytest.mark.parametrize(("kind", "took_effect"), [("drop_before", False), ("drop_after", True)])
def test_a_dropped_connection(server: NextcloudServer, client: Client, kind: str, took_effect: bool) -> None:
    server.faults.add(server="nextcloud", kind=kind, nth=2)
    client("GET", f"{APP}/check-admin-config")

    with pytest.raises(requests.ConnectionError):
        client.patch_setup(**WHOLE)

    assert client.is_configured() is took_effect
    assert [exchange.status for exchange in server.requests] == [200, 0, 200]


def test_faults_count_from_now_on_and_end(server: NextcloudServer, client: Client) -> None:
    client("GET", "/status.php")
    server.faults.add(kind="html_502", nth=2, times=2)

    statuses = [client("GET", "/status.php").status_code for _unused in range(4)]

    assert statuses == [200, 502, 502, 200]


def test_reset_brings_back_a_fresh_server(server: NextcloudServer, client: Client) -> None:
    client.patch_setup(**WHOLE)
    server.reset()

    assert not client.is_configured()
    assert OPENPROJECT not in server.state.users
    assert len(server.log) == 1


def test_another_process_can_look_and_order_faults(server: NextcloudServer, client: Client) -> None:
    client.patch_setup(**WHOLE)

    def control(method: str, name: str, **arguments: Any) -> Any:
        return requests.request(method, f"{server.url}/__lab__/{name}", timeout=10, **arguments).json()

    control("POST", "faults", json={"kind": "html_502"})
    assert client("GET", "/status.php").status_code == 502
    assert control("GET", "state")["users"][OPENPROJECT]["enabled"] is True
    assert [exchange["status"] for exchange in control("GET", "log")] == [200, 502]
    control("POST", "reset")
    assert OPENPROJECT not in control("GET", "state")["users"]


def test_an_address_is_looked_at_for_real(server: NextcloudServer, client: Client) -> None:
    token = client("GET", "/index.php/csrftoken").json()["token"]

    def probe(url: str) -> Any:
        return client("POST", f"{APP}/is-valid-op-instance", json={"url": url}, headers={"requesttoken": token}).json()

    assert probe("ftp://op.example.com") == {"result": "invalid"}
    assert probe(server.url)["result"] == "local_remote_servers_not_allowed"
    server.state.system["allow_local_remote_servers"] = True
    assert probe(server.url)["result"] == "client_exception"
    assert probe("http://127.0.0.1:1")["result"] == "network_error"
    assert [exchange.path for exchange in server.log if exchange.peer] == ["/api/v3/"]


def test_a_proxy_that_swallows_the_authorization_header(server: NextcloudServer, client: Client) -> None:
    client.session.auth = None
    client.session.headers["Authorization"] = "Bearer TESTBEARERTOKEN"
    assert client("GET", f"{APP}/check-config").json()["authorization_header"] == "Bearer TESTBEARERTOKEN"

    server.state.strips_authorization = True

    assert client("GET", f"{APP}/check-config").json()["authorization_header"] is None


def test_secrets_are_long_and_not_part_of_one_another(server: NextcloudServer, client: Client) -> None:
    answer = client.patch_setup(**WHOLE).json()
    secrets = [server.admin[1], answer["nextcloud_client_secret"], answer["openproject_user_app_password"]]

    assert all(len(secret) >= 32 for secret in secrets)
    assert not any(a in b for a in secrets for b in secrets if a is not b)
