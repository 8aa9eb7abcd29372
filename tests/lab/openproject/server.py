# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server of the simulated OpenProject: its application, what stands in front of it, and its `rails` command."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Flask, Response, request
from requests import Session
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request
from werkzeug.wrappers import Response as PlainResponse

from lab.plumbing import Exchange, Faults, LabServer, WSGIApp

from . import http_oauth, http_projects, http_root, http_storages
from .http_common import ERROR_URN, HAL, ApiError, PlainAnswer, authenticate, not_found, read_body
from .live_checks import NextcloudSide
from .runner import Runner
from .state import OpenProjectState

if TYPE_CHECKING:
    from lab.authority import Authority

STALE_SCHEMA = json.dumps(
    {
        "_type": "Error",
        "errorIdentifier": f"{ERROR_URN}InternalServerError",
        "message": "An internal error has occurred. PG::UndefinedColumn: ERROR: column does not exist",
    }
)


class OpenProjectServer(LabServer):
    """OpenProject of one version (`"15.4"` or `"17.6.0"`) with its API and its `rails runner`."""

    name = "openproject"
    state: OpenProjectState

    def __init__(
        self,
        version: str,
        faults: Faults,
        directory: Path,
        port: int = 0,
        authority: Authority | None = None,
        ssl_cert_file: str = "",
    ) -> None:
        """C(ssl_cert_file): what the administrator set SSL_CERT_FILE of the processes to (OP §5)."""
        self._version = version if version.count(".") == 2 else f"{version}.0"
        self._ssl_cert_file = ssl_cert_file
        super().__init__(faults, directory, port, authority)
        self._address = self.url
        self.controls["runner"] = self._control_runner
        self.runner = [*self.write_command("rails", "runner"), "runner", "-"]

    @property
    def api_key(self) -> str:
        """API key of the administrator."""
        return self.state.api_key

    @property
    def basic_auth(self) -> tuple[str, str]:
        """User and password of the global basic auth; raises LookupError when a test took them away."""
        if self.state.basic_auth is None:
            raise LookupError("global basic auth is not configured")
        return self.state.basic_auth

    @property
    def runner_starts(self) -> list[list[str]]:
        """Arguments of every start of the runner."""
        return self.command_starts

    def fresh_state(self) -> OpenProjectState:
        state = OpenProjectState(self.url, self._version)
        state.ssl_cert_file = self._ssl_cert_file
        state.https = self.authority is not None
        return state

    def reset(self) -> None:
        self.url = self._address
        super().reset()

    def serve_below(self, path: str) -> None:
        """Move OpenProject below a path of its host, such as `/openproject` (OP §2.2)."""
        self.state.relative_url_root = path
        self.url = self._address + path

    def changes_state(self, method: str, path: str) -> bool:
        """Trying a client secret at the token endpoint changes nothing (OP §16)."""
        return super().changes_state(method, path) and not path.endswith("/oauth/token")

    def peer_session(self) -> Session:
        """Outgoing requests trust what SSL_CERT_FILE of the processes names (OP §5)."""
        session = super().peer_session()
        if self.state.ssl_cert_file:
            session.verify = self.state.ssl_cert_file
        return session

    def nextcloud_side(self) -> NextcloudSide:
        """What OpenProject uses to talk to Nextcloud."""
        return NextcloudSide(self.state, self.peer_session)

    def build_app(self) -> WSGIApp:
        app = Flask(__name__)
        app.extensions["lab"] = self
        for module in (http_root, http_storages, http_projects, http_oauth):
            app.register_blueprint(module.blueprint)
        app.before_request(read_body)
        app.register_error_handler(ApiError, lambda error: error.response())
        app.register_error_handler(PlainAnswer, lambda error: error.answer)
        app.register_error_handler(HTTPException, _no_such_route)

        def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            answer = self._before_the_application(Request(environ))
            return (answer or app)(environ, start_response)

        return serve

    def _before_the_application(self, asked: Request) -> PlainResponse | None:
        """What answers before any route is looked at: the proxy, the host-name check, https, the relative URL root (OP §2.2)."""
        world = self.state
        if self._still_starting():
            if world.starting == "proxy":
                return self._proxy_page(502, "Bad Gateway")
            return PlainResponse(STALE_SCHEMA, 500, content_type=HAL)
        root = world.relative_url_root
        path = asked.path.removeprefix(root) if asked.path.startswith(f"{root}/") else None
        if path is None:
            return PlainResponse("<h1>Not Found</h1>", 404, mimetype="text/html")
        asked.environ["SCRIPT_NAME"], asked.environ["PATH_INFO"] = root, path
        exempt = re.match(r"/(health_check|sys/)", path) is not None
        if not exempt and not self._host_allowed(asked):
            return PlainResponse("Invalid host_name configuration", 400, content_type="text/plain")
        secure = asked.headers.get("X-Forwarded-Proto", asked.scheme) == "https"
        if world.https and not secure and not exempt:
            status = 301 if asked.method in ("GET", "HEAD") else 307
            query = f"?{asked.query_string.decode()}" if asked.query_string else ""
            return PlainResponse("", status, {"Location": f"https://{asked.host}{root}{path}{query}"}, "text/html")
        return None

    def _still_starting(self) -> bool:
        world = self.state
        if world.starting is None:
            return False
        if world.starting_requests is not None:
            if world.starting_requests <= 0:
                world.starting = None
                return False
            world.starting_requests -= 1
        return True

    def _host_allowed(self, asked: Request) -> bool:
        wanted = self.state.host_name
        forwarded = asked.headers.get("X-Forwarded-Host")
        named = [asked.headers.get("Host", "")] + ([forwarded.rsplit(",", 1)[-1].strip()] if forwarded else [])
        return wanted is None or all(name == wanted for name in named)

    def _control_runner(self, asked: Request) -> dict[str, Any]:
        call = asked.get_json()
        self.command_starts.append(call["argv"])
        runner = Runner(self.state, self.nextcloud_side(), read_only=self.read_only)
        result = runner.run(call["argv"], call["stdin"])
        if runner.refused:
            self.refused.append(Exchange("RUNNER", "", "", {}, call["stdin"], server=self.name))
        return result


def _no_such_route(error: HTTPException) -> Response:
    """An unknown address and a wrong verb are the same 404 within the API, after the login was looked at (OP §16)."""
    if not request.path.startswith("/api/v3"):
        return Response("<h1>Page not found</h1>", 404, content_type="text/html; charset=utf-8")
    try:
        authenticate()
    except ApiError as refusal:
        return refusal.response()
    except PlainAnswer as refusal:
        return refusal.answer
    return not_found().response()
