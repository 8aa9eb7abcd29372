# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The small server that stood for OpenProject while Nextcloud 32 was recorded, on port 9090.

Its path says what it answers to the two requests that Nextcloud sends: the look at the root of the API, and the
revocation of a token.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

RECORDED_ADDRESS = "127.0.0.1:9090"

_ROOT = json.dumps({"_type": "Root", "instanceName": "OpenProject"})
_UNAUTHENTICATED = json.dumps(
    {"_type": "Error", "errorIdentifier": "urn:openproject-org:api:v3:errors:Unauthenticated", "message": "Login."}
)
_API: dict[str, tuple[int, str, dict[str, str]]] = {
    "ok": (200, _ROOT, {}),
    "unauth": (401, _UNAUTHENTICATED, {}),
    "plain404": (404, "not found", {}),
    "err500": (500, "error", {}),
    "redir": (302, "", {"Location": "https://real.example.com/api/v3/"}),
    "redirnoloc": (302, "", {}),
    "html": (200, "<html>hi</html>", {}),
    "empty": (200, "", {}),
    "noname": (200, json.dumps({"_type": "Root", "instanceName": ""}), {}),
}
_REVOCATION = {"ok": 200, "rev500": 500, "rev401": 401, "rev204": 204}


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        name = self.path.strip("/").split("/")[0]
        if name == "close":
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        status, body, headers = _API.get(name, (404, "", {}))
        self._answer(status, body, headers)

    def do_POST(self) -> None:
        name = self.path.strip("/").split("/")[0]
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._answer(_REVOCATION.get(name, 404), "", {})

    def _answer(self, status: int, body: str, headers: dict[str, str]) -> None:
        data = body.encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""


@contextmanager
def other_openproject() -> Iterator[str]:
    """Its host and port, while it runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
