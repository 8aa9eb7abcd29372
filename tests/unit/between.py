# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands between the product and a server in the field: proxies, portals, TLS ends, servers that speak oddly."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import typing as t
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import requests

#: headers that end at each hop
HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "proxy-authorization", "transfer-encoding"}


@dataclass
class Asked:
    """One request as it arrived.

    :param target: the request target as it stood in the request line: a path, or a whole address at a proxy.
    :param connection: number of the connection that it came on; equal numbers share one.
    """

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def path(self) -> str:
        """The path without the query."""
        return urlsplit(self.target).path

    def header(self, name: str) -> str | None:
        """A header's value, whatever its spelling."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), None)


@dataclass
class Said:
    """One answer.

    :param headers: pairs, because a name such as Set-Cookie may come more than once.
    :param cut: bytes of the body that are sent before the connection is torn; C(None) sends all.
    :param goodbye: the connection is closed after the answer without a word of it.
    """

    status: int = 200
    body: bytes | str = b"{}"
    headers: t.Sequence[tuple[str, str]] = (("Content-Type", "application/json"),)
    cut: int | None = None
    goodbye: bool = False


DROP = None
"""A handler returns it to end the connection without a byte of an answer."""

Handler = t.Callable[[Asked], "Said | None"]


def page(status: int, title: str, *headers: tuple[str, str]) -> Said:
    """What a proxy or a portal answers."""
    body = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    return Said(status, body, (("Content-Type", "text/html; charset=utf-8"), *headers))


class Server:
    """A server on loopback that answers what a function says, and remembers what it was asked.

    :param host: C(127.0.0.1) or C(::1).
    :param tls: speak TLS with this context.
    """

    def __init__(self, handler: Handler, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self.handler = handler
        self.asked: list[Asked] = []
        self.connections = 0
        self._closed = threading.Semaphore(0)
        outer = self

        class Listener(ThreadingHTTPServer):
            address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
            daemon_threads = True

            def handle_error(self, request: t.Any, client_address: t.Any) -> None:
                """Stay silent: a client that goes away is part of many tests."""

            def shutdown_request(self, request: t.Any) -> None:
                super().shutdown_request(request)
                outer._closed.release()

        self._listener = Listener((host, 0), self._handler_class())
        if tls is not None:
            self._listener.socket = tls.wrap_socket(
                self._listener.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self._listener.server_port
        self.netloc = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
        self.url = f"{'http' if tls is None else 'https'}://{self.netloc}"
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> t.Any:
        self._thread.start()
        return self

    def __exit__(self, *_unused: object) -> None:
        self._listener.shutdown()
        self._listener.server_close()

    def wait_for_close(self) -> None:
        """Wait until one more connection was closed from here."""
        assert self._closed.acquire(timeout=10)

    @property
    def paths(self) -> list[str]:
        """The paths that were asked for."""
        return [asked.path for asked in self.asked]

    def _handler_class(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Talk(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                outer.connections += 1
                self.number = outer.connections

            def log_message(self, *_unused: t.Any) -> None:
                """Stay silent."""

            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                asked = Asked(self.command, self.path, dict(self.headers.items()), self.rfile.read(length), self.number)
                outer.asked.append(asked)
                said = outer.handler(asked)
                if said is None:
                    self.close_connection = True
                    return
                body = said.body.encode() if isinstance(said.body, str) else said.body
                self.send_response_only(said.status)
                for name, value in said.headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body if said.cut is None else body[: said.cut])
                self.close_connection = said.goodbye or said.cut is not None

            do_GET = do_HEAD = do_POST = do_PATCH = do_PUT = do_DELETE = do_PROPFIND = do_MKCOL = answer

            def do_CONNECT(self) -> None:
                asked = Asked(self.command, self.path, dict(self.headers.items()), b"", self.number)
                outer.asked.append(asked)
                self.close_connection = True
                said = outer.handler(asked)
                if said is None or said.status != 200:
                    answer = said or page(403, "Forbidden")
                    self.send_response(answer.status)
                    self.end_headers()
                    return
                host, _unused, port = self.path.rpartition(":")
                with socket.create_connection((host.strip("[]"), int(port))) as upstream:
                    self.send_response(200)
                    self.end_headers()
                    _pump_both(self.connection, upstream)

        return Talk


def _pump_both(one: socket.socket, other: socket.socket) -> None:
    def pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    back = threading.Thread(target=pump, args=(other, one), daemon=True)
    back.start()
    pump(one, other)
    back.join()


@dataclass
class Passing:
    """A handler that passes requests on, as a reverse proxy does.

    :param routes: path prefix and the address behind it; the longest that fits wins, and the prefix stays in the path.
    :param sets: headers that it sets, C(None) removes one.
    :param keeps_host: hand on the name that the client asked for.
    """

    routes: t.Mapping[str, str]
    sets: t.Mapping[str, str | None] = field(default_factory=dict)
    keeps_host: bool = True

    def __call__(self, asked: Asked) -> Said:
        fitting = [prefix for prefix in self.routes if asked.target.startswith(prefix)]
        if not fitting:
            return page(404, "Not Found")
        headers = {name: value for name, value in asked.headers.items() if name.lower() not in HOP_BY_HOP}
        if not self.keeps_host:
            headers = {name: value for name, value in headers.items() if name.lower() != "host"}
        for name, value in self.sets.items():
            headers = {other: kept for other, kept in headers.items() if other.lower() != name.lower()}
            if value is not None:
                headers[name] = value
        return _forward(asked, self.routes[max(fitting, key=len)] + asked.target, headers)


def forwarding(asked: Asked) -> Said:
    """A handler that is a forward proxy: C(GET http://host/path), and C(CONNECT) for https."""
    if asked.method == "CONNECT":
        return Said()
    headers = {name: value for name, value in asked.headers.items() if name.lower() not in HOP_BY_HOP}
    return _forward(asked, asked.target, headers)


def _forward(asked: Asked, url: str, headers: t.Mapping[str, str]) -> Said:
    with requests.Session() as session:
        session.trust_env = False
        session.headers.clear()
        answer = session.request(
            asked.method, url, headers=dict(headers), data=asked.body or None, allow_redirects=False, timeout=30
        )
    # raw, because requests folds several Set-Cookie headers into one
    kept = [
        (name, value)
        for name, value in answer.raw.headers.items()
        if name.lower() not in HOP_BY_HOP | {"content-length", "content-encoding", "server", "date"}
    ]
    return Said(answer.status_code, answer.content, kept)
