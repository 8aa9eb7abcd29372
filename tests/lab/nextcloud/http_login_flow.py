# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OAuth as a browser and a client meet it: consent, token endpoint, the list of devices and sessions (seen on 29.0.6; NC §9)."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote, urlencode

from flask import Blueprint, Response, g, request

from lab.nextcloud.answers import crash_page, empty_answer, json_answer, page
from lab.nextcloud.http import PUBLIC, USER, caller, parameters, public_root, route_guard, state
from lab.nextcloud.state import ALNUM, OAuthClient, StateError, Token
from lab.plumbing import random_text

routes = Blueprint("login_flow", __name__)

FLOW = "/login/flow"


def _client(identifier: Any) -> OAuthClient | None:
    clients = state().oauth_clients.values()
    return next((client for client in clients if client.client_identifier == identifier), None)


def _see_other(url: str) -> Response:
    return Response("", 303, {"Location": url}, content_type="text/html; charset=UTF-8")


def _page_with(element: str, data: Any) -> Response:
    """A page that hands data to its script."""
    answer = page("Nextcloud", "", head=f'data-requesttoken="{g.session.masked_token()}"')
    value = base64.b64encode(json.dumps(data).encode()).decode()
    field = f'<input type="hidden" id="initial-state-{element}" value="{value}">\n'
    answer.set_data(answer.get_data(as_text=True).replace("</body>", f"{field}</body>"))
    return answer


# Consent


@routes.get("/apps/oauth2/authorize")
@route_guard(PUBLIC, csrf=False)
def authorize() -> Response:
    """Remembers the client's `state` and leads to the pages of the login flow."""
    client = _client(request.args.get("client_id"))
    if client is None:
        text = "Your client is not authorized to connect. Please inform the administrator of your client."
        return page("Nextcloud", text)
    g.session.oauth_state = request.args.get("state", "")
    query, step, root = {"clientIdentifier": client.client_identifier}, "", f"{public_root()}/index.php"
    if state().profile.scripted_login_flow:
        query["providedRedirectUri"] = ""
        root = public_root() if state().pretty_urls else root
    if state().skips_auth_picker:
        g.session.flow_state = random_text(ALNUM, 64)
        query, step = {"stateToken": g.session.flow_state, **query}, "/grant"
    return _see_other(f"{root}{FLOW}{step}?{urlencode(query)}")


@routes.get(FLOW)
@route_guard(PUBLIC, csrf=False)
def auth_picker() -> Response:
    """The first page, with the state token that the consent must carry."""
    client = _client(request.args.get("clientIdentifier"))
    if client is None:
        return crash_page()
    g.session.flow_state = random_text(ALNUM, 64)
    if state().scripted_login_flow:
        return _page_with("core-loginFlowAuth", _flow_data(client))
    answer = page("Connect to your account", f"Please log in before granting {client.name} access to your account.")
    form = (
        '<form action="/index.php/login/flow/apptoken" method="post">\n'
        f'<input type="hidden" name="stateToken" value="{g.session.flow_state}" />\n'
        f'<input type="hidden" name="requesttoken" value="{g.session.masked_token()}">\n</form>\n'
    )
    answer.set_data(answer.get_data(as_text=True).replace("</body>", f"{form}</body>"))
    return answer


def _flow_data(client: OAuthClient) -> dict[str, Any]:
    query = {
        "stateToken": g.session.flow_state,
        "clientIdentifier": client.client_identifier,
        "oauthState": g.session.oauth_state,
        "user": "",
        "direct": "0",
        "providedRedirectUri": "",
    }
    return {
        "client": client.name,
        "clientIdentifier": client.client_identifier,
        "instanceName": "Nextcloud",
        "stateToken": g.session.flow_state,
        "serverHost": public_root(),
        "oauthState": g.session.oauth_state,
        "direct": False,
        "providedRedirectUri": "",
        "loginRedirectUrl": f"{FLOW}/grant?{urlencode(query)}",
        "appTokenUrl": f"{public_root()}{FLOW}/apptoken",
    }


@routes.post(FLOW)
@route_guard(USER, csrf=True)
def grant_access() -> Response:
    """The consent. Only a session that began with the login password, and whose cookies came back, can give it."""
    sent = parameters()
    expected, g.session.flow_state = g.session.flow_state, ""
    if not expected or sent.get("stateToken") != expected:
        return page("Access forbidden", "State token does not match", 403)
    if not _in_browser():
        return empty_answer(403)
    client = _client(sent.get("clientIdentifier"))
    if client is None:
        return crash_page()
    with state().lock:
        code = state().consent(client.id, g.session.uid)
    return _see_other(f"{client.redirect_uri}?state={quote(g.session.oauth_state, safe='')}&code={code}")


# Devices and sessions


@routes.get("/settings/user/security")
@route_guard(USER, csrf=False)
def security_page() -> Response:
    """Lists the caller's tokens, and nothing at all to an application password."""
    user = caller().user
    assert user is not None, "a route with access control has a caller"
    shown: list[dict[str, Any]] = []
    if _in_browser():
        with state().lock:
            shown = [_as_listed(token) for token in user.all_tokens]
    return _page_with("settings-app_tokens", shown)


@routes.delete("/settings/personal/authtokens/<int:token_id>")
@route_guard(USER, csrf=True)
def delete_token(token_id: int) -> Response:
    """Only tokens of the caller, the row of this session among them."""
    user = caller().user
    assert user is not None, "a route with access control has a caller"
    if caller().token is not None:
        return json_answer([], 400)
    with state().lock:
        try:
            state().delete_token(user.uid, token_id)
        except StateError:
            return json_answer([], 404)
    return json_answer([])


def _in_browser() -> bool:
    return caller().token is None and g.session.device is not None


def _as_listed(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "lastActivity": token.last_activity,
        "type": token.type,
        "scope": token.scope,
        "canDelete": token is not g.session.device,
        "canRename": token is not g.session.device,
        **({"current": True} if token is g.session.device else {}),
    }


# The token endpoint


@routes.post("/apps/oauth2/api/v1/token")
def oauth_token() -> Response:
    """NC §9: the code is looked at before the client, so a made-up one never tells whether a secret is right.

    A wrong secret does not use a good one up; the right one replaces it.
    """
    sent = parameters()
    kind = sent.get("grant_type")
    if kind not in ("refresh_token", "authorization_code"):
        return json_answer({"error": "invalid_grant"}, 400)
    presented = str(sent.get("refresh_token" if kind == "refresh_token" else "code") or "")
    with state().lock:
        grant = state().grants.get(presented)
        client = state().oauth_clients.get(grant.client) if grant else None
        if grant is None or client is None or (kind == "authorization_code" and grant.delivered):
            return json_answer({"error": "invalid_request"}, 400)
        credentials = request.authorization
        given = (sent.get("client_id"), sent.get("client_secret"))
        if credentials and credentials.type == "basic":
            given = (credentials.username, credentials.password)
        if given != (client.client_identifier, client.secret):
            return json_answer({"error": "invalid_client"}, 400)
        delivered = state().deliver(presented)
    if delivered is None:
        return json_answer({"error": "invalid_request"}, 400)
    return json_answer(
        {
            "access_token": delivered[0],
            "token_type": "Bearer",
            "expires_in": 3600,
            "refresh_token": delivered[1],
            "user_id": grant.uid,
        }
    )
