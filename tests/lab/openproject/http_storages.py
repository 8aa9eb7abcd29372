# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Storages: list, show, create, change, delete (OP §3.2, §3.9, §16)."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlsplit

from flask import Blueprint, Response

from .http_common import (
    Violation,
    administrator,
    authenticate,
    body,
    collection_href,
    hal,
    href,
    humanized,
    internal_error,
    invalid_query,
    link,
    may_see_file_links,
    parse_filters,
    public_url,
    refuse,
    server,
    state,
    text_at,
    translate,
    visible_storage,
    visible_storages,
)
from .http_oauth import client_credentials_document, oauth_application_document
from .live_checks import blocked_address, is_literal
from .state import SINGLE_SIGN_ON, TWO_WAY, NotUnique, OpenProjectState, Storage, User, now, redirect_uri

blueprint = Blueprint("storages", __name__)

TYPE_NEXTCLOUD = "urn:openproject-org:api:v3:storages:Nextcloud"
AUTHORIZATION_URN = "urn:openproject-org:api:v3:storages:authorization:"
METHOD_URN = "urn:openproject-org:api:v3:storages:authenticationMethod:"
METHODS = {TWO_WAY: "TwoWayOAuth2", SINGLE_SIGN_ON: "OAuth2SSO"}


def storage_document(storage: Storage, user: User, *, embed: bool = True, with_secret: bool = False) -> dict[str, Any]:
    """OP §3.2. In a list nothing is embedded; the OAuth parts are for administrators."""
    profile = state().profile
    document: dict[str, Any] = {"_type": "Storage", "id": storage.id, "name": storage.name}
    if profile.shows_completeness:
        document["configured"] = storage.configured
        # False both for "switched off" and for "nobody has decided yet".
        document["hasApplicationPassword"] = bool(storage.automatic_management)
    if profile.single_sign_on and storage.audience is not None:
        document["storageAudience"] = storage.audience
    if profile.forbidden_file_name_characters:
        document["forbiddenFileNameCharacters"] = '<>:"/\\|?*'
    document["createdAt"] = storage.created_at
    document["updatedAt"] = storage.updated_at
    embedded: dict[str, Any] = {}
    if user.admin and storage.oauth_application is not None:
        embedded["oauthApplication"] = oauth_application_document(
            storage, storage.oauth_application, with_secret=with_secret
        )
    if user.admin and storage.client is not None:
        embedded["oauthClientCredentials"] = client_credentials_document(storage, storage.client)
    if embed and embedded:
        document["_embedded"] = embedded
    return document | {"_links": _storage_links(storage, user)}


def _storage_links(storage: Storage, user: User) -> dict[str, Any]:
    path = f"/api/v3/storages/{storage.id}"
    mine = [{"storageId": {"operator": "=", "values": [str(storage.id)]}}]
    single_sign_on = state().profile.single_sign_on
    # The state of the asking user, who never has a token here (OP §3.2).
    if storage.client is None:
        authorization, title = "Error", "authorization_error"
    elif single_sign_on:
        authorization, title = "NotConnected", "not_connected"
    else:
        authorization, title = "FailedAuthorization", "authorization_failed"
    links: dict[str, Any] = {
        "self": link(path, storage.name),
        "type": {"href": TYPE_NEXTCLOUD, "title": "Nextcloud"},
        "origin": {"href": storage.host},
        "prepareUpload": _prepare_upload(storage, user),
        "open": link(f"{path}/open"),
        "authorizationState": {"href": AUTHORIZATION_URN + authorization, "title": translate(title)},
        "projectStorages": {"href": collection_href("/api/v3/project_storages", mine)},
    }
    if storage.client is not None and storage.authentication_method == TWO_WAY:
        links["authorize"] = {"href": _authorize_url(storage, storage.client.client_id), "title": "Authorize"}
    if single_sign_on:
        links["authenticationMethod"] = {"href": METHOD_URN + METHODS[storage.authentication_method]}
    if user.admin:
        application, client = storage.oauth_application, storage.client
        links["oauthApplication"] = (
            link(f"/api/v3/oauth_applications/{application.id}", application.name) if application else {"href": None}
        )
        links["oauthClientCredentials"] = (
            link(f"/api/v3/oauth_client_credentials/{client.id}") if client else {"href": None}
        )
    return links


def _authorize_url(storage: Storage, client_id: str) -> str:
    callback = public_url(f"/oauth_clients/{client_id}/callback")
    return (
        f"{storage.host}index.php/apps/oauth2/authorize?client_id={quote(client_id, safe='')}"
        f"&redirect_uri={quote(callback, safe='')}&response_type=code"
    )


def _prepare_upload(storage: Storage, user: User) -> list[dict[str, Any]]:
    return [
        {
            "href": href(f"/api/v3/storages/{storage.id}/files/prepare_upload"),
            "method": "post",
            "title": "Upload file",
            "payload": {"projectId": row.project_id, "fileName": "{fileName}", "parent": "{parent}"},
            "templated": True,
        }
        for row in state().rows_of(storage)
        if may_see_file_links(user, row.project_id)
    ]


@blueprint.get("/api/v3/storages")
def list_storages() -> Response:
    """OP §3.2: not paginated, no filter exists, nothing embedded; empty while no project is active."""
    user = authenticate()
    for name, *_operator_and_values in parse_filters():
        raise invalid_query("unknown_filter", humanized(name))
    elements = [storage_document(storage, user, embed=False) for storage in visible_storages(user)]
    return hal(
        {
            "_type": "Collection",
            "total": len(elements),
            "count": len(elements),
            "_embedded": {"elements": elements},
            "_links": {"self": {"href": collection_href("/api/v3/storages", [])}},
        }
    )


@blueprint.get("/api/v3/storages/<int:storage_id>")
def show_storage(storage_id: int) -> Response:
    """OP §3.2; 404 as well when the storage is there but not visible."""
    user = authenticate()
    return hal(storage_document(visible_storage(storage_id, user), user))


@blueprint.post("/api/v3/storages")
def create_storage() -> Response:
    """OP §3.2, §3.9, §5: succeeds without an active project too, and then nobody sees what it made (OP §16)."""
    user = administrator()
    document = body()
    _check_type(text_at(document, "_links", "type", "href"))
    wish = Wish.from_document(document)
    _validate(wish, None)
    world = state()
    try:
        storage = world.add_storage(wish.name or "", f"{wish.host}/", creator=user.id)
    except NotUnique as clash:
        refuse([Violation(clash.attribute, "taken")])
        raise
    _apply(storage, wish)
    storage.updated_at = storage.created_at
    if storage.authentication_method == SINGLE_SIGN_ON:
        storage.oauth_application = None
    return hal(storage_document(storage, user, with_secret=True), 201)


@blueprint.patch("/api/v3/storages/<int:storage_id>")
def change_storage(storage_id: int) -> Response:
    """OP §3.2: an origin, even the same, runs the live checks; the OAuth application follows name and host."""
    user = authenticate()
    storage = visible_storage(storage_id, user)
    if not user.admin:
        administrator()
    wish = Wish.from_document(body())
    _validate(wish, storage)
    world = state()
    if storage.oauth_application is None and world.profile.breaks_without_oauth_application:
        raise internal_error("undefined method `update' for nil")
    name = storage.name if wish.name is None else wish.name
    host = storage.host if wish.host is None else f"{wish.host}/"
    with world.lock:
        try:
            world.check_unique(storage, name, host)
        except NotUnique as clash:
            refuse([Violation(clash.attribute, "taken")])
        if (name, host) != (storage.name, storage.host):
            storage.name, storage.host, storage.updated_at = name, host, now()
        _apply(storage, wish)
        _follow(storage)
    return hal(storage_document(storage, user))


@blueprint.delete("/api/v3/storages/<int:storage_id>")
def delete_storage(storage_id: int) -> Response:
    """OP §3.2, §16: irreversible; automatic folders are deleted on Nextcloud within the request."""
    user = authenticate()
    storage = visible_storage(storage_id, user)
    if not user.admin:
        administrator()
    nextcloud = server().nextcloud_side()
    for row in state().rows_of(storage):
        nextcloud.delete_folder(storage, row)
    state().remove_storage(storage)
    return Response("", 204, content_type="")


@dataclass
class Wish:
    """What a request asks for; None: not mentioned."""

    name: str | None = None
    host: str | None = None
    """Without its trailing slashes, as the input is stripped (OP §3.2)."""
    writes_id: bool = False
    automatic_management: bool | None = None
    password: str | None = None
    method: str | None = None
    """None as well for a method that does not exist, which is ignored without a word."""
    audience: str | None = None
    """Null and an empty text are both an empty text here."""

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Wish:
        """Unknown keys are ignored; null or an empty application password switches automatic management off."""
        profile = state().profile
        wish = cls(name=text_at(document, "name"), writes_id="id" in document)
        origin = text_at(document, "_links", "origin", "href")
        if origin is not None:
            wish.host = origin.rstrip("/")
        if "applicationPassword" in document:
            wish.password = text_at(document, "applicationPassword") or None
            wish.automatic_management = wish.password is not None
        if profile.single_sign_on:
            if "storageAudience" in document:
                wish.audience = text_at(document, "storageAudience") or ""
            wanted = text_at(document, "_links", "authenticationMethod", "href")
            wish.method = next((key for key, name in METHODS.items() if wanted == METHOD_URN + name), None)
        return wish


def _check_type(type_href: str | None) -> None:
    """A missing or unknown type breaks the server, with the words of its Ruby (OP §16)."""
    if type_href is None:
        raise internal_error("undefined method `constantize' for nil")
    if type_href != TYPE_NEXTCLOUD:
        raise internal_error(f"wrong constant name {type_href}")


def _validate(wish: Wish, storage: Storage | None) -> None:
    """Every rule of OP §3.9, in the order in which OpenProject finds them; raises the 422."""
    world = state()
    violations: list[Violation] = []
    if wish.writes_id:
        violations.append(Violation("id", "read_only"))
    if storage is None or wish.name is not None:
        violations += _name_violations(world, wish.name or "", storage)
    if storage is None or wish.host is not None:
        violations += _host_violations(wish.host or "", other_errors=bool(violations))
    elif is_literal(storage.host) and blocked_address(world, storage.host):
        # 17.6 looks at such an address in every change, whatever it is about: read in its sources, not recorded.
        violations.append(Violation("host", "ssrf_filtered", blocked_address(world, storage.host) or ""))
    violations += _single_sign_on_violations(world, wish, storage)
    host = storage.host if wish.host is None and storage is not None else f"{wish.host}/"
    if wish.password is not None and not any(found.attribute == "host" for found in violations):
        username = storage.username if storage is not None else "OpenProject"
        symbol = server().nextcloud_side().password_violation(host, username, wish.password)
        if symbol:
            violations.append(Violation("password", symbol))
    refuse(violations)


def _name_violations(world: OpenProjectState, name: str, storage: Storage | None) -> list[Violation]:
    if not name.strip():
        return [Violation("name", "blank")]
    if len(name) > 255:
        return [Violation("name", "too_long")]
    taken = any(other.name == name for other in world.storages.values() if other is not storage)
    return [Violation("name", "taken")] if taken else []


def _host_violations(host: str, *, other_errors: bool) -> list[Violation]:
    if not _is_web_address(host):
        return [Violation("host", "invalid_host_url")]
    if len(host) > 255:
        return [Violation("host", "too_long")]
    if not _is_secure_context(host):
        return [Violation("host", "url_not_secure_context")]
    found = server().nextcloud_side().host_violation(f"{host}/", other_errors=other_errors)
    return [Violation("host", found.symbol, found.value)] if found else []


def _is_web_address(host: str) -> bool:
    try:
        parts = urlsplit(host)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
    return valid and host.isascii() and not re.search(r"\s", host)


def _is_secure_context(host: str) -> bool:
    """http only for loopback; the comparison heeds case, so `http://LOCALHOST` is refused (OP §16)."""
    parts = urlsplit(host)
    if parts.scheme == "https":
        return True
    name = parts.netloc.rpartition("@")[2]
    name = name[1 : name.index("]")] if name.startswith("[") else name.partition(":")[0]
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _single_sign_on_violations(world: OpenProjectState, wish: Wish, storage: Storage | None) -> list[Violation]:
    """OP §3.9, §3.10: the enterprise plan is asked for when the method changes, the audience always."""
    before = storage.authentication_method if storage else TWO_WAY
    method = wish.method or before
    audience = wish.audience if wish.audience is not None or storage is None else storage.audience
    violations = []
    if method == SINGLE_SIGN_ON and method != before and not world.enterprise:
        violations.append(Violation("authenticationMethod", "enterprise_plan_required"))
    if method == SINGLE_SIGN_ON and not audience:
        violations.append(Violation("storageAudience", "blank"))
    return violations


def _apply(storage: Storage, wish: Wish) -> None:
    """Take over everything but name and host; the time of the last change moves only when something did."""
    before = replace(storage)
    if wish.automatic_management is not None:
        storage.automatic_management = wish.automatic_management
        storage.password = wish.password
    storage.authentication_method = wish.method or storage.authentication_method
    if wish.audience is not None:
        storage.audience = wish.audience or None
    if storage != before:
        storage.updated_at = now()


def _follow(storage: Storage) -> None:
    """Name and redirect URI of the OAuth application are those of the storage."""
    application = storage.oauth_application
    if application is None:
        return
    wanted = (f"{storage.name} (Nextcloud)", redirect_uri(storage.host))
    if (application.name, application.redirect_uri) != wanted:
        application.name, application.redirect_uri = wanted
        application.updated_at = now()
