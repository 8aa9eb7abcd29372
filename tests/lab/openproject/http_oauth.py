# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OAuth applications, client credentials, and the token endpoints (OP §3.3, §3.4, §16)."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from .http_common import (
    Violation,
    administrator,
    body,
    hal,
    link,
    not_found,
    refuse,
    state,
    text_at,
    visible_storage,
)
from .state import ClientCredentials, OAuthApplication, OpenProjectState, Storage

blueprint = Blueprint("oauth", __name__)

INVALID_CLIENT = (
    "Client authentication failed due to unknown client, no client authentication included, or unsupported "
    "authentication method."
)
INVALID_GRANT = (
    "The provided authorization grant is invalid, expired, revoked, does not match the redirection URI used in the "
    "authorization request, or was issued to another client."
)


def oauth_application_document(
    storage: Storage, application: OAuthApplication, *, with_secret: bool = False
) -> dict[str, Any]:
    """OP §3.2: the secret is there in the answer that creates the storage, and never again."""
    world = state()
    document: dict[str, Any] = {
        "_type": "OAuthApplication",
        "id": application.id,
        "name": application.name,
        "clientId": application.client_id,
        "confidential": True,
        "createdAt": application.created_at,
        "updatedAt": application.updated_at,
        "scopes": ["api_v3"],
        "_links": {
            "self": link(f"/api/v3/oauth_applications/{application.id}", application.name),
            "owner": link(f"/api/v3/users/{application.owner}", world.users[application.owner].name),
            "integration": link(f"/api/v3/storages/{storage.id}", storage.name),
            "redirectUri": [{"href": application.redirect_uri}],
        },
    }
    if with_secret:
        document["clientSecret"] = application.client_secret
    return document


def client_credentials_document(storage: Storage, client: ClientCredentials) -> dict[str, Any]:
    """OP §3.3: never the secret, only that there is one."""
    return {
        "_type": "OAuthClientCredentials",
        "id": client.id,
        "clientId": client.client_id,
        "confidential": True,
        "createdAt": client.created_at,
        "updatedAt": client.created_at,
        "_links": {
            "self": link(f"/api/v3/oauth_client_credentials/{client.id}"),
            "integration": link(f"/api/v3/storages/{storage.id}", storage.name),
        },
    }


@blueprint.get("/api/v3/oauth_applications/<int:application_id>")
def show_oauth_application(application_id: int) -> Response:
    """OP §3.4."""
    administrator()
    for storage, application in state().oauth_applications():
        if application.id == application_id:
            return hal(oauth_application_document(storage, application))
    raise not_found()


@blueprint.get("/api/v3/oauth_client_credentials/<int:credentials_id>")
def show_client_credentials(credentials_id: int) -> Response:
    """OP §3.4; the id of credentials that were replaced is gone (OP §16)."""
    administrator()
    for storage in state().storages.values():
        if storage.client is not None and storage.client.id == credentials_id:
            return hal(client_credentials_document(storage, storage.client))
    raise not_found()


@blueprint.post("/api/v3/storages/<int:storage_id>/oauth_client_credentials")
def create_client_credentials(storage_id: int) -> Response:
    """OP §3.3: not idempotent, the same pair makes a new record too (OP §16)."""
    storage = visible_storage(storage_id, administrator())
    document = body()
    client_id, client_secret = text_at(document, "clientId"), text_at(document, "clientSecret")
    violations = []
    for attribute, value in (("client", client_id), ("clientSecret", client_secret)):
        if not value or not value.strip():
            violations.append(Violation(attribute, "blank"))
        elif len(value) > 255:
            violations.append(Violation(attribute, "too_long"))
    refuse(violations)
    with state().lock:
        client = state().set_client(storage, client_id or "", client_secret or "")
    return hal(client_credentials_document(storage, client), 201)


@blueprint.post("/oauth/token")
def token() -> Response:
    """OP §16: a made-up code is `invalid_grant` when id and secret are right, `invalid_client` when they are not.

    No user ever authorizes anything here, so no grant is ever good.
    """
    grant = request.form.get("grant_type", "")
    if not grant:
        return _oauth_error(400, "invalid_request", "Missing required parameter: grant_type.")
    if grant not in ("authorization_code", "refresh_token", "client_credentials", "password"):
        description = "The authorization grant type is not supported by the authorization server."
        return _oauth_error(400, "unsupported_grant_type", description)
    if _client_of_request(state()) is None:
        return _oauth_error(401, "invalid_client", INVALID_CLIENT)
    return _oauth_error(400, "invalid_grant", INVALID_GRANT)


@blueprint.post("/oauth/revoke")
def revoke() -> Response:
    """Nextcloud revokes the tokens of its users when their client changes (OP §5.1); unknown tokens are no error (RFC 7009)."""
    if _client_of_request(state()) is None:
        return _oauth_error(403, "unauthorized_client", "You are not authorized to revoke this token")
    state().revoked_tokens.append(request.form.get("token", ""))
    return _oauth_answer(200, {})


@blueprint.get("/oauth/authorize")
def authorize() -> Response:
    """Where a browser is sent to log in; nobody can log in here, so every request ends at the login page."""
    back = urlencode({"back_url": request.url})
    return Response("", 302, {"Location": f"{link('/login')['href']}?{back}"})


def _client_of_request(world: OpenProjectState) -> OAuthApplication | None:
    """Client id and secret come as form fields or as Basic."""
    client_id, client_secret = request.form.get("client_id"), request.form.get("client_secret")
    if request.authorization is not None and request.authorization.type == "basic":
        client_id, client_secret = request.authorization.username, request.authorization.password
    for _unused, application in world.oauth_applications():
        if (application.client_id, application.client_secret) == (client_id, client_secret):
            return application
    return None


def _oauth_error(status: int, error: str, description: str) -> Response:
    response = _oauth_answer(status, {"error": error, "error_description": description})
    response.headers["WWW-Authenticate"] = (
        f'Bearer realm="Doorkeeper", error="{error}", error_description="{description}"'
    )
    return response


def _oauth_answer(status: int, document: dict[str, str]) -> Response:
    response = Response(json.dumps(document), status, content_type="application/json; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    return response
