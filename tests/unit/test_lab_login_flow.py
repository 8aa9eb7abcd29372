# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab's consent pages and token endpoint answer as real servers did when each step was done, right and wrong."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from lab.nextcloud.profiles import PROFILES
from lab.nextcloud.rows import OAuthClient
from lab.nextcloud.server import NextcloudServer
from lab.plumbing import Faults

FLOW = "/index.php/login/flow"
TOKENS = "/index.php/settings/personal/authtokens"


class Browser:
    """A session with cookies; `password` may be an application password."""

    def __init__(self, server: NextcloudServer, password: str = "") -> None:
        self.base = server.url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.auth = (server.admin[0], password or server.admin[1])
        self("GET", "/index.php/csrftoken")
        self.request_token = self("GET", "/index.php/csrftoken").json()["token"]

    def __call__(self, method: str, path: str, **arguments: Any) -> requests.Response:
        return self.session.request(method, self.base + path, timeout=10, allow_redirects=False, **arguments)

    def state_token(self, client: OAuthClient) -> str:
        query = {"client_id": client.client_identifier, "response_type": "code", "state": "a&b"}
        led_to = self("GET", "/index.php/apps/oauth2/authorize", params=query)
        assert led_to.status_code == 303
        where = urlsplit(led_to.headers["Location"])
        assert where.path.removeprefix("/index.php") == FLOW.removeprefix("/index.php")
        assert parse_qs(where.query)["clientIdentifier"] == [client.client_identifier]
        page = self("GET", led_to.headers["Location"][len(self.base) :]).text
        for_script = re.search(r'id="initial-state-core-loginFlowAuth" value="([^"]+)"', page)
        if for_script:
            return str(json.loads(base64.b64decode(for_script[1]))["stateToken"])
        found = re.search(r'name="stateToken" value="(\w{64})"', page)
        assert found
        return found[1]

    def consent(self, client: OAuthClient, state_token: str, proof: str = "") -> requests.Response:
        form = {"stateToken": state_token, "clientIdentifier": client.client_identifier}
        return self("POST", FLOW, data=form, headers={"requesttoken": proof or self.request_token})


@pytest.fixture(params=PROFILES)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NextcloudServer]:
    started = NextcloudServer(request.param, Faults(), tmp_path)
    started.start()
    started.state.create_oauth_client("OpenProject client", "https://projects.example.com/callback")
    yield started
    started.stop()


@pytest.fixture
def client(server: NextcloudServer) -> OAuthClient:
    return server.state.oauth_clients[1]


def test_a_code_is_exchanged_once_and_its_token_given_back(server: NextcloudServer, client: OAuthClient) -> None:
    browser = Browser(server)
    consented = browser.consent(client, browser.state_token(client))
    assert consented.status_code == 303
    location = urlsplit(consented.headers["Location"])
    assert location._replace(query="").geturl() == client.redirect_uri
    handed_out = parse_qs(location.query)
    assert handed_out["state"] == ["a&b"]
    (token,) = server.state.users["admin"].tokens
    assert token.name == "OpenProject client"

    def exchange(secret: str, **form: str) -> tuple[int, Any]:
        known = {"client_id": client.client_identifier, "client_secret": secret}
        answer = requests.post(f"{server.url}/index.php/apps/oauth2/api/v1/token", data=known | form, timeout=10)
        return answer.status_code, answer.json()

    code = {"grant_type": "authorization_code", "code": handed_out["code"][0]}
    assert exchange("wrong", **code) == (400, {"error": "invalid_client"})
    assert exchange(client.secret, **code | {"code": "made-up"}) == (400, {"error": "invalid_request"})
    status, body = exchange(client.secret, **code)
    assert (status, body["token_type"], body["user_id"]) == (200, "Bearer", "admin")
    assert exchange(client.secret, **code) == (400, {"error": "invalid_request"})
    assert [kept.id for kept in server.state.users["admin"].tokens] == [token.id]

    bearer = {"Authorization": f"Bearer {body['access_token']}", "OCS-APIRequest": "true"}
    given_back = requests.delete(f"{server.url}/ocs/v2.php/core/apppassword", headers=bearer, timeout=10)
    assert given_back.status_code == 200
    assert server.state.users["admin"].tokens == []
    assert len(server.state.grants) == 1, "the row of the consent stays"
    refresh = {"grant_type": "refresh_token", "refresh_token": body["refresh_token"]}
    assert exchange(client.secret, **refresh) == (400, {"error": "invalid_request"})
    assert server.state.grants == {}
    gone = browser("DELETE", f"{TOKENS}/{token.id}", headers={"requesttoken": browser.request_token})
    assert (gone.status_code, gone.json()) == (404, [])


def test_a_consent_needs_both_tokens_and_a_state_token_is_used_once(
    server: NextcloudServer, client: OAuthClient
) -> None:
    browser = Browser(server)
    state_token = browser.state_token(client)
    assert browser.consent(client, state_token, proof="no").status_code == 412
    assert browser.consent(client, "no").status_code == 403
    assert browser.consent(client, state_token).status_code == 403, "a wrong one ends the flow"
    assert server.state.users["admin"].tokens == []


def test_an_application_password_sees_no_tokens_and_cannot_consent(
    server: NextcloudServer, client: OAuthClient
) -> None:
    password = server.state.add_token("admin", "cli")
    browser = Browser(server, password.value)
    page = browser("GET", "/index.php/settings/user/security")
    assert 'id="initial-state-settings-app_tokens" value="W10="' in page.text
    refused = browser.consent(client, browser.state_token(client))
    assert (refused.status_code, refused.text) == (403, "")
    not_removed = browser("DELETE", f"{TOKENS}/{password.id}", headers={"requesttoken": browser.request_token})
    assert (not_removed.status_code, not_removed.json()) == (400, [])
    assert server.state.users["admin"].tokens == [password]


def test_an_unknown_client_gets_a_page_and_no_flow(server: NextcloudServer) -> None:
    browser = Browser(server)
    asked = browser("GET", "/index.php/apps/oauth2/authorize", params={"client_id": "x", "response_type": "code"})
    assert (asked.status_code, "not authorized to connect" in asked.text) == (200, True)
    assert browser("GET", FLOW, params={"clientIdentifier": "x"}).status_code == 500
