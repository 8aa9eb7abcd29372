# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The consent that brings an authorization code: every server's pages, and nothing left behind, nobody else's token touched."""

from __future__ import annotations

import typing as t

import pytest
import requests

from ansible_collections.opnc.integration.plugins.module_utils._core.errors import (
    ApiError,
    Failure,
    NoAnswer,
    Refused,
    TransportError,
)
from ansible_collections.opnc.integration.plugins.module_utils._core.secrets import Secrets
from ansible_collections.opnc.integration.plugins.module_utils._http.address import Address
from ansible_collections.opnc.integration.plugins.module_utils._http.client import Connection
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.authorization import CLIENT_NAME, Consent
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.client import Nextcloud
from lab import Lab
from lab.nextcloud.rows import OAuthClient, Token
from unit.labs import Labs

TOKEN_ENDPOINT = "/index.php/apps/oauth2/api/v1/token"


@pytest.fixture(params=["29", "32"])
def lab(request: pytest.FixtureRequest, labs: Labs) -> Lab:
    lab = labs.fresh(request.param)
    lab.nextcloud.state.create_oauth_client(CLIENT_NAME, "https://projects.example.com/callback")
    # a user and the administrator himself have let OpenProject in before, and there are other tokens
    lab.nextcloud.state.create_user("somebody", "some-long-password")
    for uid in ("somebody", "admin"):
        lab.nextcloud.state.grant(1, uid)
        lab.nextcloud.state.add_token(uid, "phone")
    return lab


@pytest.fixture
def oauth(lab: Lab) -> OAuthClient:
    return lab.nextcloud.state.oauth_clients[1]


def nextcloud(lab: Lab, password: str | None = None) -> Nextcloud:
    """A client that has read something before, as the module has."""
    address = Address.parse(lab.nextcloud.url, option="url")
    username, login_password = lab.nextcloud.admin
    made = Connection(
        "Nextcloud", "nextcloud", address, address, username, password or login_password, timeout=10.0, verify=True
    )
    client = Nextcloud(made, Secrets(), sleep=lambda seconds: None)
    client.app("GET", "/check-admin-config", attempted="read the state")
    client.admin_state()
    return client


def tokens(lab: Lab) -> list[Token]:
    return [token for user in lab.nextcloud.state.users.values() for token in user.tokens]


def exchange(lab: Lab, oauth: OAuthClient, code: str, secret: str) -> dict[str, t.Any]:
    form = {"grant_type": "authorization_code", "code": code, "client_id": oauth.client_identifier}
    answer = requests.post(f"{lab.nextcloud.url}{TOKEN_ENDPOINT}", data={**form, "client_secret": secret}, timeout=10)
    return t.cast("dict[str, t.Any]", answer.json())


@pytest.mark.parametrize("pages", ["forms", "scripts", "no first page"])
def test_a_code_tells_a_right_secret_from_a_wrong_one(lab: Lab, oauth: OAuthClient, pages: str) -> None:
    lab.nextcloud.state.scripted_login_flow = pages == "scripts"
    lab.nextcloud.state.skips_auth_picker = pages == "no first page"
    before = tokens(lab)
    consent = Consent(nextcloud(lab), oauth.client_identifier)

    code = consent.obtain_code()

    assert exchange(lab, oauth, code, "wrong") == {"error": "invalid_client"}
    assert exchange(lab, oauth, code, oauth.secret)["user_id"] == "admin"
    assert len(tokens(lab)) == len(before) + 1
    consent.withdraw()
    assert tokens(lab) == before


@pytest.mark.parametrize("revoked", [False, True], ids=["not-exchanged", "revoked-by-openproject"])
def test_the_token_is_gone_whatever_came_of_the_code(lab: Lab, oauth: OAuthClient, revoked: bool) -> None:
    before = tokens(lab)
    client = nextcloud(lab)
    consent = Consent(client, oauth.client_identifier)
    code = consent.obtain_code()
    if revoked:
        access = exchange(lab, oauth, code, oauth.secret)["access_token"]
        headers = {"Authorization": f"Bearer {access}", "OCS-APIRequest": "true"}
        requests.delete(f"{lab.nextcloud.url}/ocs/v2.php/core/apppassword", headers=headers, timeout=10)
        assert tokens(lab) == before

    consent.withdraw()

    assert tokens(lab) == before
    assert code not in client.secrets.censor(f"?code={code}")
    assert client.app("GET", "/check-admin-config", attempted="read the state")


def test_an_application_password_cannot_consent(lab: Lab, oauth: OAuthClient) -> None:
    password = lab.nextcloud.state.add_token("admin", "cli").value
    before = tokens(lab)
    consent = Consent(nextcloud(lab, password), oauth.client_identifier)

    with pytest.raises(Refused) as caught:
        consent.obtain_code()
    consent.withdraw()

    assert "nextcloud_password is an application password" in caught.value.message
    assert tokens(lab) == before
    assert [exchange.method for exchange in lab.nextcloud.requests if exchange.method != "GET"] == []


def test_an_unknown_client_is_named_before_anything_is_made(lab: Lab) -> None:
    before = tokens(lab)
    consent = Consent(nextcloud(lab), "x" * 64)

    with pytest.raises(Refused) as caught:
        consent.obtain_code()
    consent.withdraw()

    assert "does not know the OAuth client" in caught.value.message
    assert tokens(lab) == before


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "html_502"])
def test_a_consent_without_an_answer_leaves_nothing(lab: Lab, oauth: OAuthClient, kind: str) -> None:
    before = tokens(lab)
    consent = Consent(nextcloud(lab), oauth.client_identifier)
    # list, authorize, first page, consent
    lab.faults.add(server="nextcloud", nth=4, kind=kind)

    with pytest.raises((NoAnswer, TransportError)):
        consent.obtain_code()
    consent.withdraw()

    assert [(exchange.method, exchange.status) for exchange in lab.nextcloud.requests if exchange.method == "POST"]
    assert tokens(lab) == before


def test_when_the_list_cannot_be_read_afterwards_it_is_read_once_more(lab: Lab, oauth: OAuthClient) -> None:
    before = tokens(lab)
    consent = Consent(nextcloud(lab), oauth.client_identifier)
    lab.faults.add(server="nextcloud", nth=5, kind="html_502", times=4)

    with pytest.raises(TransportError):
        consent.obtain_code()
    assert len(tokens(lab)) == len(before) + 1
    consent.withdraw()

    assert tokens(lab) == before


def test_a_token_that_cannot_be_removed_is_named(lab: Lab, oauth: OAuthClient) -> None:
    consent = Consent(nextcloud(lab), oauth.client_identifier)
    consent.obtain_code()
    made = lab.nextcloud.state.users["admin"].tokens[-1]
    lab.nextcloud.read_only = True

    with pytest.raises(ApiError) as caught:
        consent.withdraw()

    assert f"remove the token {CLIENT_NAME} (id {made.id}) of admin" in caught.value.message


@pytest.mark.parametrize("revoked", [False, True], ids=["still-there", "revoked-by-openproject"])
def test_tokens_of_the_same_moment_are_not_touched(
    lab: Lab, oauth: OAuthClient, revoked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = lab.nextcloud.state
    consent_of_one = state.consent

    def consent_of_two(client_id: int, uid: str) -> str:
        consent_of_one(client_id, uid)
        return consent_of_one(client_id, uid)

    consent = Consent(nextcloud(lab), oauth.client_identifier)
    monkeypatch.setattr(state, "consent", consent_of_two)
    consent.obtain_code()
    other, own = state.users["admin"].tokens[-2:]

    if revoked:
        state.delete_token("admin", own.id)
        consent.withdraw()
    else:
        with pytest.raises(Failure) as caught:
            consent.withdraw()
        assert f"ids {other.id}, {own.id}" in caught.value.message
        assert own in tokens(lab)

    assert other in tokens(lab)
