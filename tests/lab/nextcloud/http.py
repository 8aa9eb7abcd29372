# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every request to the simulated Nextcloud passes before its route: web server, core, login, CSRF."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Flask, Response, g, redirect, request

from lab.nextcloud.answers import dav_error, empty_answer, gateway_page, json_answer, page
from lab.nextcloud.ocs_envelope import ocs_failure, service_unavailable, unknown_route
from lab.nextcloud.state import ALNUM, TEMPORARY, NextcloudState, Session, Token, User
from lab.plumbing import Exchange, WSGIApp, host_of, random_text

if TYPE_CHECKING:
    from lab.nextcloud.server import NextcloudServer

ADMIN, USER, PUBLIC = "admin", "user", "public"

MOST_FAILED_LOGINS = 10
"""More failed logins of one address than this, and it gets nothing but 429 (NC §1.1)."""


@dataclass
class Caller:
    """Who sends the request. `refusal` says why a login with credentials did not count."""

    user: User | None = None
    token: Token | None = None
    refusal: str = ""


def security_answer(message: str, status: int) -> Response:
    """A refusal by the framework: JSON, unless the caller asked for HTML."""
    if "html" not in request.headers.get("Accept", ""):
        return json_answer({"message": message}, status)
    if status == 401:
        return redirect(f"{public_root()}/index.php/login?redirect_url={quote(request.full_path, safe='')}", 303)  # type: ignore[return-value]
    return page("Access forbidden", message, status)


def app_is_off(app: str) -> Response:
    """A route of an app that is not enabled, or not for the caller."""
    if state().profile.names_limited_apps and state().app_enabled(app):
        return json_answer({"message": "App is not enabled"}, 412)
    return empty_answer(404)


# The request's surroundings


def server() -> NextcloudServer:
    return g.server


def state() -> NextcloudState:
    return g.state


def caller() -> Caller:
    return g.caller


def parameters() -> dict[str, Any]:
    """Query and body as the framework merges them; a body that cannot be read counts as absent (NC §1.1)."""
    merged: dict[str, Any] = _from_pairs(request.args.items(multi=True))
    kind = request.mimetype
    if kind == "application/json":
        try:
            data = json.loads(request.get_data() or b"null")
        except ValueError:
            data = None
        if isinstance(data, dict):
            merged |= data
    elif kind == "application/x-www-form-urlencoded":
        merged |= _from_pairs(parse_qsl(request.get_data(as_text=True), keep_blank_values=True))
    return merged


def _from_pairs(pairs: Any) -> dict[str, Any]:
    """PHP's reading of form keys: `groups[]` is a list, `values[key]` a map."""
    result: dict[str, Any] = {}
    for key, value in pairs:
        name, bracket, inner = key.partition("[")
        if not bracket:
            result[name] = value
        elif inner == "]":
            result.setdefault(name, []).append(value)
        else:
            result.setdefault(name, {})[inner.rstrip("]")] = value
    return result


def program() -> str:
    """What the caller's tokens are named after."""
    return request.headers.get("User-Agent", "unknown browser")


def protocol() -> str:
    """Scheme that Nextcloud believes it is reached by: overwriteprotocol, what a trusted proxy says, or its own."""
    overwritten = state().system.get("overwriteprotocol")
    if overwritten:
        return str(overwritten)
    trusted = request.remote_addr in state().system.get("trusted_proxies", [])
    return request.headers.get("X-Forwarded-Proto", request.scheme) if trusted else request.scheme


def public_root() -> str:
    """The address that Nextcloud puts into links of its answers."""
    host = state().system.get("overwritehost") or request.host
    return f"{protocol()}://{host}{state().web_root}"


# Guards of routes


def route_guard(access: str, csrf: bool) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
    """Login, role and CSRF in the framework's order, for routes outside OCS (NC §1.1)."""

    def decorate(view: Callable[..., Response]) -> Callable[..., Response]:
        @functools.wraps(view)
        def guarded(**arguments: Any) -> Response:
            user = caller().user
            if access != PUBLIC and user is None:
                return security_answer("Current user is not logged in", 401)
            if access == ADMIN and not (user and state().is_admin(user.uid)):
                return security_answer("Logged in account must be an admin", 403)
            if csrf and not passes_csrf():
                return security_answer("CSRF check failed", 412)
            return view(**arguments)

        return guarded

    return decorate


def passes_csrf() -> bool:
    """32 takes the OCS header for it, 29 wants the session's request token (NC §9)."""
    if state().profile.ocs_header_lifts_csrf and request.headers.get("OCS-APIRequest"):
        return True
    if _cookie("nc_sameSiteCookiestrict") != "true":
        return False
    token = request.headers.get("requesttoken") or request.args.get("requesttoken", "")
    return bool(g.session.accepts(token))


def needs_confirmation() -> bool:
    """server#61322: an application password no longer counts as a confirmed password (NC §6.2).

    The integration's listener confirms logins of its own user from 2.11.4 on.
    """
    if not state().app_passwords_need_confirmation or caller().token is None:
        return False
    user = caller().user
    return not (user and user.uid == "OpenProject" and state().profile.confirms_own_user)


# Login


def _cookie(name: str) -> str:
    return request.cookies.get(name) or request.cookies.get(f"__Host-{name}") or ""


def _session_is_alive(session: Session) -> bool:
    user = state().users.get(session.uid)
    if user is None or not user.enabled or session.password != user.password:
        return False
    return (session.token or session.device) in user.all_tokens


def count_check(times: int = 1) -> None:
    """The login password is hashed, the one slow thing about a request."""
    exchange: Exchange = request.environ["lab.exchange"]
    exchange.password_checks += times


def throttles() -> bool:
    """Whether wrong passwords count (NC §1.1)."""
    return state().system.get("auth.bruteforce.protection.enabled", True) is not False


def _log_in() -> Response | None:
    """Fill `g.caller`; the answer when Nextcloud ends the request at the login already."""
    session: Session = g.session
    if session.uid and _session_is_alive(session):
        g.caller = Caller(state().users[session.uid], session.token)
        return None
    credentials = request.authorization
    if credentials is not None and credentials.type == "bearer":
        owner = state().token_owner(credentials.token or "")
        if owner is not None and owner[0].enabled:
            g.caller = Caller(*owner)
        return None
    if credentials is None or credentials.type != "basic":
        return None
    if throttles() and state().login_fails > MOST_FAILED_LOGINS:
        return _throttled()
    found = state().authenticate(credentials.username or "", credentials.password or "")
    if found is None or found[1] is None:
        # A token is looked up; only then the password is hashed. Who has no account has no hash either.
        count_check(bool(state().find_user(credentials.username or "")))
    if found is None:
        state().login_fails += 1
        return _refused_login("")
    user, token = found
    if not user.enabled:
        return _refused_login("Account disabled")
    tokens_only = state().token_auth_enforced or state().system.get("token_auth_enforced")
    if token is None and (tokens_only or state().needs_second_factor(user)):
        # Logged out again on the spot: the request goes on as a stranger's.
        return None
    state().login_fails = 0
    g.caller = Caller(user, token)
    state().record_login(user)
    session.uid, session.token, session.password = user.uid, token, user.password
    if token is None and _cookie("cookie_test"):
        # The row holds a hash of its own; together with a new session it takes a third one (measured on 29.0.6, 34.0.1).
        count_check(2 if g.new_session else 1)
        session.device = state().add_token(user.uid, program(), type=TEMPORARY, login_password=user.password)
    return None


def _refused_login(message: str) -> Response:
    if g.entry == "ocs":
        answer = ocs_failure(997, "Unauthorised")
        answer.headers["WWW-Authenticate"] = 'Basic realm="Authorisation Required"'
        return answer
    if g.entry == "dav":
        if message:
            return dav_error(503, "Sabre\\DAV\\Exception\\ServiceUnavailable", message)
        answer = dav_error(401, "Sabre\\DAV\\Exception\\NotAuthenticated", "No public access to this resource.")
        answer.headers["WWW-Authenticate"] = 'Basic realm="Nextcloud", charset="UTF-8"'
        return answer
    if "html" in request.headers.get("Accept", ""):
        return page("Error", message, 401)
    return json_answer({"message": message}, 401)


def _throttled() -> Response:
    if g.entry == "ocs":
        return ocs_failure(429, "Reached maximum delay")
    if "html" not in request.headers.get("Accept", ""):
        return json_answer({"message": "Reached maximum delay"}, 429)
    return page("Too many requests", "There were too many requests from your network.", 429)


# Core


def _entry(path: str) -> str:
    """The PHP file that a path leads to."""
    for prefix, name in (("/ocs/", "ocs"), ("/remote.php", "dav"), ("/status.php", "status"), ("/index.php", "index")):
        if path.startswith(prefix):
            return name
    return "rewritten"


def _untrusted() -> bool:
    domains = state().system.get("trusted_domains", [])
    host = request.host
    name = host_of(f"http://{host}")
    # Nextcloud always trusts the names of its own machine.
    return not ({host, name, "*"} & set(domains)) and name not in ("127.0.0.1", "localhost", "::1")


def _out_of_service() -> Response | None:
    """Maintenance mode and pending upgrades (NC §1.1)."""
    flag = {"X-Nextcloud-Maintenance-Mode": "1"}
    if not (state().maintenance or state().needs_upgrade):
        return None
    if g.entry == "ocs":
        return service_unavailable(flag)
    if g.entry == "dav":
        answer = dav_error(503, "Sabre\\DAV\\Exception\\ServiceUnavailable", "System is in maintenance mode.")
        answer.headers.update(flag)
        return answer
    if state().maintenance:
        text = "This Nextcloud instance is currently in maintenance mode, which may take a while."
        return page("Maintenance mode", text, 503, flag | {"Retry-After": "120"})
    return page("App update required", "The following apps will be updated: " + ", ".join(state().outdated_apps()))


def _before() -> Response | None:
    g.state = g.server.state
    g.caller = Caller()
    g.entry = _entry(request.environ["lab.path"])
    g.session_id = request.cookies.get(state().system["instanceid"], "")
    g.new_session = g.session_id not in state().sessions
    if g.new_session:
        g.session_id = random_text(ALNUM.lower(), 26)
        state().sessions[g.session_id] = Session("")
    g.session = state().sessions[g.session_id]
    if state().redirects_to:
        return redirect(state().redirects_to + state().web_root + request.environ["lab.path"], 301)  # type: ignore[return-value]
    if g.entry == "status":
        return None
    if not state().system.get("installed", True):
        return Response("", 302, {"Location": f"{state().web_root}/index.php"}, content_type="text/html; charset=utf-8")
    if g.entry == "rewritten" and not state().pretty_urls:
        return gateway_page(404, "Not Found")
    if _untrusted():
        return page("Access through untrusted domain", "Please contact your administrator.", 400)
    return _out_of_service() or _log_in()


def _after(response: Response) -> Response:
    """The five cookies of a session, each set when it did not come with the request."""
    if g.entry == "status" or response.content_type == "text/html":
        return response
    secure = "; Secure" if protocol() == "https" else ""
    root = state().web_root or "/"
    prefix = "__Host-" if secure and root == "/" else ""
    if not _cookie("oc_sessionPassphrase"):
        phrase = random_text(ALNUM, 128)
        response.headers.add(
            "Set-Cookie", f"oc_sessionPassphrase={phrase}; path={root}{secure}; HttpOnly; SameSite=Lax"
        )
    for policy in ("lax", "strict"):
        if not _cookie(f"nc_sameSiteCookie{policy}"):
            response.headers.add(
                "Set-Cookie",
                f"{prefix}nc_sameSiteCookie{policy}=true; path={root}; httponly{secure};"
                f"expires=Fri, 31-Dec-2100 23:59:59 GMT; SameSite={policy}",
            )
    if g.new_session:
        name = state().system["instanceid"]
        response.headers.add("Set-Cookie", f"{name}={g.session_id}; path={root}{secure}; HttpOnly; SameSite=Lax")
    if caller().user and caller().token is None and g.session.device is None:
        # without a path: it comes back only to addresses beside this one, and only then a login is remembered
        response.headers.add("Set-Cookie", "cookie_test=test")
    response.headers["X-Request-Id"] = random_text(ALNUM, 20)
    response.headers["Cache-Control"] = "no-cache, no-store, must-revalidate"
    return response


class _FrontController:
    """The web server of one Nextcloud: its rewriting offers the same routes with and without `/index.php`."""

    def __init__(self, server: NextcloudServer) -> None:
        self._server = server

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        root, asked = self._server.state.web_root, environ.get("PATH_INFO", "")
        if not asked.startswith(f"{root}/"):
            return gateway_page(404, "Not Found")(environ, start_response)
        environ["SCRIPT_NAME"], environ["PATH_INFO"] = root, asked.removeprefix(root)
        path = environ["PATH_INFO"]
        environ["lab.server"] = self._server
        environ["lab.path"] = path
        if path.startswith("/index.php"):
            environ["PATH_INFO"] = path.removeprefix("/index.php") or "/"
        return _application()(environ, start_response)


def build_app(server: NextcloudServer) -> WSGIApp:
    return _FrontController(server)


@functools.cache
def _application() -> Flask:
    """The routes, in the modules named after their part of the contract. All servers of a process share them."""
    from lab.nextcloud import http_app, http_core, http_groupfolders, http_login_flow, http_ocs, http_provisioning

    app = Flask(__name__, static_folder=None)
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False

    @app.before_request
    def before() -> Response | None:
        g.server = request.environ["lab.server"]
        with g.server.state.lock:
            answer = _before()
        if g.server.check_seconds:
            time.sleep(g.server.check_seconds * request.environ["lab.exchange"].password_checks)
        return answer

    app.after_request(_after)
    app.register_error_handler(404, lambda error: _unknown(404))
    app.register_error_handler(405, lambda error: _unknown(405))
    for module in (http_app, http_core, http_groupfolders, http_login_flow, http_ocs, http_provisioning):
        app.register_blueprint(module.routes)
    return app


def _unknown(status: int) -> Response:
    if g.entry == "ocs":
        return unknown_route()
    return empty_answer(status)
