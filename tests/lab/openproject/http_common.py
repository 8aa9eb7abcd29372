# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all routes of the simulated OpenProject share: who asks, in which language, how an error and a document look."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from flask import Response, current_app, g, request

from .state import OpenProjectState, Storage, User
from .texts import LABELS, LANGUAGES, say

if TYPE_CHECKING:
    from .server import OpenProjectServer

HAL = "application/hal+json; charset=utf-8"
ERROR_URN = "urn:openproject-org:api:v3:errors:"
ACCEPTED_BODIES = ("application/json", "application/hal+json")


class ApiError(Exception):
    """An answer of API v3 that is an error document (OP §2.3)."""

    def __init__(
        self, status: int, identifier: str, message: str, details: dict[str, str] | None = None, challenge: str = ""
    ) -> None:
        super().__init__(message)
        self.status = status
        self.document: dict[str, Any] = {
            "_type": "Error",
            "errorIdentifier": ERROR_URN + identifier,
            "message": message,
        }
        if details:
            self.document["_embedded"] = {"details": details}
        self.challenge = challenge

    def response(self) -> Response:
        response = hal(self.document, self.status)
        if self.challenge:
            response.headers["WWW-Authenticate"] = self.challenge
        return response


class PlainAnswer(Exception):
    """An answer that does not come from API v3 itself, so that it is no error document (OP §14.18)."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.answer = response


@dataclass(frozen=True)
class Violation:
    """One refused attribute: `attribute` as the API names it, `symbol` as OpenProject's own code does (OP §3.9)."""

    attribute: str
    symbol: str
    value: str = ""

    @property
    def message(self) -> str:
        label = LABELS.get(self.attribute, "")
        if self.attribute == "password":
            label = "Application password" if server().state.profile.forbidden_file_name_characters else "Password"
        return f"{label} {translate(self.symbol, self.value)}"


def server() -> OpenProjectServer:
    """The simulated server that answers this request."""
    found: OpenProjectServer = current_app.extensions["lab"]
    return found


def state() -> OpenProjectState:
    return server().state


def translate(symbol: str, value: str = "") -> str:
    """A sentence in the language of the user, or of Accept-Language for the built-in users (OP §16)."""
    return say(getattr(g, "language", "en"), symbol, value)


def hal(document: Any, status: int = 200) -> Response:
    """A document of API v3."""
    response = Response(json.dumps(document, ensure_ascii=False, separators=(",", ":")), status, content_type=HAL)
    if status == 422:
        response.status = "422 Unprocessable Content"
    return response


def href(path: str) -> str:
    """A link of this server; it carries the relative URL root (OP §2.2)."""
    return state().relative_url_root + path


def link(path: str, title: str | None = None) -> dict[str, str]:
    return {"href": href(path)} if title is None else {"href": href(path), "title": title}


def collection_href(path: str, filters: list[dict[str, Any]], **rest: int | str) -> str:
    """The address of a list, its filters spelled as OpenProject spells them."""
    spelled = quote(json.dumps(filters, ensure_ascii=False, separators=(",", ":")), safe="")
    return href(path) + "?filters=" + spelled + "".join(f"&{key}={value}" for key, value in rest.items())


def public_url(path: str, scheme: str = "") -> str:
    """An absolute address below the configured host name."""
    scheme = scheme or ("https" if state().https else "http")
    return f"{scheme}://{state().host_name or request.host}{href(path)}"


def not_found() -> ApiError:
    return ApiError(404, "NotFound", translate("not_found"))


def forbidden() -> ApiError:
    return ApiError(403, "MissingPermission", translate("missing_permission"))


def internal_error(ruby_error: str) -> ApiError:
    """A 500; the text of the Ruby error follows without a blank (OP §16)."""
    return ApiError(500, "InternalServerError", translate("internal_error") + ruby_error)


def invalid_query(symbol: str, value: str = "") -> ApiError:
    return ApiError(400, "InvalidQuery", translate(symbol, value))


def refuse(violations: list[Violation]) -> None:
    """Raise the 422 for what was found, if anything was (OP §2.3)."""
    errors = [
        ApiError(
            422,
            "PropertyIsReadOnly" if violation.symbol == "read_only" else "PropertyConstraintViolation",
            violation.message,
            {"attribute": violation.attribute},
        )
        for violation in violations
    ]
    if len(errors) == 1:
        raise errors[0]
    if errors:
        several = ApiError(422, "MultipleErrors", translate("multiple_errors"))
        several.document["_embedded"] = {"errors": [error.document for error in errors]}
        raise several


def authenticate(*, anonymous_allowed: bool = False) -> User:
    """Who asks. Raises the 401 of OP §2.1 and §16; then sees to the content type, as OpenProject does after it."""
    world = state()
    user, failed = _user_of_request(world)
    g.language = _language(user)
    if failed:
        raise ApiError(
            401, "Unauthenticated", translate("wrong_credentials"), challenge='Basic realm="OpenProject API"'
        )
    if user is world.anonymous and world.login_required and not anonymous_allowed:
        raise ApiError(401, "Unauthenticated", translate("unauthenticated"), challenge='Basic realm="OpenProject API"')
    _check_content_type()
    return user


def administrator() -> User:
    """The user, who must be an administrator."""
    user = authenticate()
    if not user.admin:
        raise forbidden()
    return user


def _user_of_request(world: OpenProjectState) -> tuple[User, bool]:
    authorization = request.authorization
    if authorization is None:
        return world.anonymous, False
    if authorization.type == "bearer":
        if not authorization.token:
            return world.anonymous, False
        user = _user_by_key(world, authorization.token) if world.profile.bearer_api_tokens else None
        return user or world.anonymous, user is None
    # With basic auth switched off the header is not looked at, so that the message does not speak of wrong credentials.
    if authorization.type != "basic" or not world.basic_auth_enabled:
        return world.anonymous, False
    credentials = (authorization.username, authorization.password)
    if world.basic_auth is not None and credentials == world.basic_auth:
        return world.system, False
    user = _user_by_key(world, credentials[1]) if credentials[0] == "apikey" else None
    return user or world.anonymous, user is None


def _user_by_key(world: OpenProjectState, key: str | None) -> User | None:
    if not world.api_tokens_enabled or not key:
        return None
    return next((user for user in world.users.values() if user.active and user.api_key == key), None)


def _language(user: User) -> str:
    if user.built_in:
        return request.accept_languages.best_match(list(LANGUAGES), default="en")
    return user.language or "en"


def _check_content_type() -> None:
    """GET and DELETE are exempt, everything else needs a type, with or without a body (OP §2.2)."""
    if request.method in ("GET", "HEAD", "DELETE"):
        return
    if not request.content_type:
        raise PlainAnswer(Response("Missing content-type header", 406, content_type="text/plain"))
    if not request.content_type.startswith(ACCEPTED_BODIES):
        raise ApiError(415, "TypeNotSupported", translate("unsupported_type", request.content_type))


def read_body() -> None:
    """Parse the body before anything else is looked at; raises the 415 and the 400 that come before authentication (OP §16)."""
    g.body = None
    if not request.path.startswith("/api/v3"):
        return
    if request.method not in ("POST", "PATCH", "PUT") or not request.content_type or not request.get_data():
        return
    if not request.content_type.startswith(ACCEPTED_BODIES):
        text = f"The provided content-type '{request.mimetype}' is not supported."
        raise PlainAnswer(Response(text, 415, content_type=HAL))
    text = request.get_data().decode(errors="replace")
    try:
        g.body = json.loads(text)
    except json.JSONDecodeError as error:
        details = {"parseError": _complaint_of_ruby(text, error)}
        raise ApiError(400, "InvalidRequestBody", translate("not_json"), details) from None


def body() -> dict[str, Any]:
    """The request's document; raises the 400 for an empty one."""
    if not isinstance(g.body, dict):
        raise ApiError(400, "InvalidRequestBody", translate("no_body"))
    return g.body


def _complaint_of_ruby(text: str, error: json.JSONDecodeError) -> str:
    """OpenProject's parser names an object that never ends by the key it stopped behind (recorded in http-auth)."""
    keys = re.findall(r'"((?:[^"\\]|\\.)*)"\s*:', text)
    if error.pos >= len(text.rstrip()) and text.lstrip().startswith("{"):
        after = f" (after {keys[-1]})" if keys else ""
        last_line = text.rstrip("\n").rsplit("\n", 1)[-1]
        return f"Hash/Object not terminated{after} at line {error.lineno}, column {len(last_line)}"
    return f"unexpected character at line {error.lineno}, column {error.colno}"


def text_at(document: Any, *path: str) -> str | None:
    """A value below nested keys as text; None when something on the way is missing or null."""
    for key in path:
        document = document.get(key) if isinstance(document, dict) else None
    return None if document is None else str(document)


def visible_storage(storage_id: int, user: User) -> Storage:
    """A storage as this user may see it; raises the 404 otherwise (OP §3.2, the visibility rule)."""
    for storage in visible_storages(user):
        if storage.id == storage_id:
            return storage
    raise not_found()


def visible_storages(user: User) -> list[Storage]:
    """Administrators see all as long as one project is active; the others see those of their projects."""
    world = state()
    if user.admin:
        if not any(project.active for project in world.projects.values()):
            return []
        return list(world.storages.values())
    ids = {
        row.storage_id
        for row in world.project_storages.values()
        if row.project_id in user.projects and world.projects[row.project_id].active
    }
    return [storage for storage in world.storages.values() if storage.id in ids]


def may_see_file_links(user: User, project_id: int) -> bool:
    """Rows of archived projects are nobody's, not even an administrator's (recorded in http-no-active-project)."""
    return state().projects[project_id].active and (user.admin or project_id in user.projects)


def parse_filters() -> list[tuple[str, str, list[str]]]:
    """The query's filters as (name, operator, values); raises the 400 for what cannot be read."""
    try:
        filters = json.loads(request.args.get("filters") or "[]")
        return [
            (name, condition["operator"], [str(value) for value in condition.get("values") or []])
            for entry in filters
            for name, condition in entry.items()
        ]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise invalid_query("bad_filters") from None


def humanized(name: str) -> str:
    """`updatedAt` as `Updated at`, the way Rails names a filter that it does not know."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ").lower()
    return words[:1].upper() + words[1:]
