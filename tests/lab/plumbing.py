# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What both simulated servers need: a server thread, the log of requests, faults, read-only mode, control routes."""

from __future__ import annotations

import io
import itertools
import json
import logging
import random
import re
import shlex
import socket
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIEnvironment

from requests import Session
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

if TYPE_CHECKING:
    # cryptography takes its time to load
    from lab.authority import Authority

PEER_HEADER = "X-Lab-Peer"
"""Marks a request that one lab server sends to the other, so that it is not counted as the product's."""

CONTROL_PREFIX = "/__lab__/"

COMMAND = "COMMAND"
"""In place of a method: the exchange is a start of the server's command, with its words as a JSON body."""

# http.server would otherwise print a line for each request into the test's output.
logging.getLogger("werkzeug").setLevel(logging.ERROR)

WSGIApp = Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]
Control = Callable[[Request], Any]


@dataclass
class Exchange:
    """One request and the status it was answered with (0 when the connection was dropped)."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: str
    status: int = 0
    peer: bool = False
    server: str = ""
    began: int = 0
    ended: int = 0
    """When it was in flight, in ticks of one counter: what began before another one ended was there at the same time."""
    password_checks: int = 0
    """How often the server hashed a login password for it, which is what makes a request slow."""

    @property
    def json(self) -> Any:
        """The request's body, parsed; raises ValueError when it is no JSON."""
        return json.loads(self.body)


@dataclass
class Fault:
    """One thing that goes wrong with the nth request of the product from now on."""

    kind: str
    server: str | None
    first: int
    times: int
    seconds: float


class Faults:
    """The faults that tests ordered, shared by both servers (the lab's contract in tests/lab/__init__.py)."""

    KINDS = (
        *("drop_before", "drop_after", "html_502", "html_504", "status_503", "throttle_429", "silent", "delay"),
        # Every session is lost before the request: its cookies and its request token are nobody's any more.
        "sessions_lost",
    )

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._planned: list[Fault] = []
        self._seen: dict[str, int] = {}

    def add(self, *, kind: str, nth: int = 1, server: str | None = None, times: int = 1, seconds: float = 0.5) -> None:
        """Let `times` requests, beginning with the `nth` from now on, fail; without `server` both count."""
        if kind not in self.KINDS:
            raise ValueError(f"unknown fault {kind!r}, known are {', '.join(self.KINDS)}")
        with self._lock:
            self._planned.append(Fault(kind, server, self._count(server) + nth, times, seconds))

    def clear(self) -> None:
        with self._lock:
            self._planned.clear()
            self._seen.clear()

    def next_for(self, server: str) -> Fault | None:
        """Count one request of the product to `server`; the fault it meets, if any."""
        with self._lock:
            self._seen[server] = self._seen.get(server, 0) + 1
            for fault in self._planned:
                if fault.server in (None, server) and 0 <= self._count(fault.server) - fault.first < fault.times:
                    return fault
        return None

    def _count(self, server: str | None) -> int:
        return sum(self._seen.values()) if server is None else self._seen.get(server, 0)


_TICKS = itertools.count(1)

Observer = Callable[[Exchange], None]
OBSERVERS: list[Observer] = []
"""Told of every request and every start of a command, as it arrives at any lab of this process."""

SERVING: dict[int, LabServer] = {}
"""The servers of this process that speak plain http, by port: whoever knows them needs no socket to reach one."""


class _QuietHandler(WSGIRequestHandler):
    # Keep-alive, as the web servers in front of both products do.
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:
        """Stay silent: the lab has a log of its own."""

    def connection_dropped(self, error: BaseException, environ: WSGIEnvironment | None = None) -> None:
        self.close_connection = True


class LabServer(ABC):
    """A simulated server: a thread that serves WSGI on loopback around a plain state object.

    A subclass names itself, makes a fresh state and builds the WSGI application. Routes read `self.state` at each
    request, because `reset()` puts a new object there.
    """

    name: str
    products_text: str = "nginx/1.22.1"

    def __init__(self, faults: Faults, directory: Path, port: int = 0, authority: Authority | None = None) -> None:
        """Speaks TLS when there is an authority that certifies it."""
        self.faults = faults
        self.directory = directory
        self.authority = authority
        self.read_only = False
        self.log: list[Exchange] = []
        self.refused: list[Exchange] = []
        self.command_starts: list[list[str]] = []
        self.commands: dict[str, str] = {}
        """The control routes behind the executables, by the path of each."""
        self.controls: dict[str, Control] = {
            "log": lambda request: [asdict(exchange) for exchange in self.log],
            "refused": lambda request: [asdict(exchange) for exchange in self.refused],
            "starts": lambda request: self.command_starts,
            "read_only": self._control_read_only,
            "reset": lambda request: self.reset(),
            "state": lambda request: {key: value for key, value in vars(self.state).items() if key[0] != "_"},
            "faults": self._control_faults,
        }
        self._server: BaseWSGIServer = make_server(
            "127.0.0.1",
            port,
            self._handle,
            threaded=True,
            request_handler=_QuietHandler,
            ssl_context=authority.context("localhost", "127.0.0.1") if authority else None,
        )
        self._server.daemon_threads = True  # type: ignore[attr-defined]
        self._stopping = threading.Event()
        scheme, host = ("https", "localhost") if authority else ("http", "127.0.0.1")
        self.url = f"{scheme}://{host}:{self._server.server_port}"
        self.state = self.fresh_state()
        self._app = self.build_app()
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @abstractmethod
    def fresh_state(self) -> Any:
        """The state of a server that was just installed. `self.url` is known by then."""

    @abstractmethod
    def build_app(self) -> WSGIApp:
        """The WSGI application (Flask) of the product; it finds the state at `self.state`."""

    def changes_state(self, method: str, path: str) -> bool:
        """Whether a request is refused in read-only mode."""
        return method not in ("GET", "HEAD", "OPTIONS", "PROPFIND")

    @property
    def requests(self) -> list[Exchange]:
        """The log without the exchanges between the two lab servers themselves."""
        return [exchange for exchange in self.log if not exchange.peer]

    def start(self) -> None:
        self._thread.start()
        if self.authority is None:
            SERVING[self._server.server_port] = self

    def stop(self) -> None:
        SERVING.pop(self._server.server_port, None)
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()

    def serve_connection(self, connection: Any) -> None:
        """Read requests from a connection and answer them, as the thread of a socket does."""
        self._server.RequestHandlerClass(connection, ("127.0.0.1", 0), self._server)

    def reset(self) -> None:
        """Back to a server that was just installed, with empty logs."""
        self.state = self.fresh_state()
        self.read_only = False
        self.log.clear()
        self.refused.clear()
        self.command_starts.clear()

    def write_command(self, name: str, control: str) -> list[str]:
        """Write an executable that hands its arguments, environment and standard input to a control route.

        The route answers `{"rc": int, "stdout": str, "stderr": str}`. Returns the argv that starts it.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self.directory / name
        settings = {
            "python": shlex.quote(sys.executable),
            "url": self.url + CONTROL_PREFIX + control,
            # ssl makes each start slower, so it is left out where nobody needs it
            "handlers": _TRUSTING.format(ca_path=self.authority.ca_path) if self.authority else "",
        }
        path.write_text(_COMMAND.format(**settings))
        path.chmod(0o755)
        self.commands[str(path)] = self.url + CONTROL_PREFIX + control
        return [str(path)]

    def peer_session(self) -> Session:
        """A client for requests to the other lab server."""
        session = Session()
        session.trust_env = False
        session.headers[PEER_HEADER] = self.name
        return session

    def note_start(self, argv: list[str]) -> None:
        """Count one start of the server's command."""
        self.command_starts.append(argv)
        self._tell(Exchange(COMMAND, "", "", {}, json.dumps(argv), server=self.name))

    def _tell(self, exchange: Exchange) -> None:
        for observe in OBSERVERS:
            observe(exchange)

    def _control_read_only(self, request: Request) -> bool:
        if request.method in ("POST", "PUT"):
            self.read_only = bool(request.get_json()["read_only"])
        return self.read_only

    def _control_faults(self, request: Request) -> None:
        if request.method == "DELETE":
            self.faults.clear()
        else:
            self.faults.add(**request.get_json())

    def _handle(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        if request.path.startswith(CONTROL_PREFIX):
            return self._control(request)(environ, start_response)
        body = request.get_data()
        # The application reads the body again.
        environ["wsgi.input"] = io.BytesIO(body)
        exchange = Exchange(
            method=request.method,
            path=request.path,
            query=request.query_string.decode(),
            headers=dict(request.headers.items()),
            body=body.decode(errors="replace"),
            peer=PEER_HEADER in request.headers,
            server=self.name,
            began=next(_TICKS),
        )
        environ["lab.exchange"] = exchange
        self.log.append(exchange)
        self._tell(exchange)
        fault = None if exchange.peer else self.faults.next_for(self.name)
        response = self._answer(request, exchange, fault)
        exchange.ended = next(_TICKS)
        if response is None:
            _drop(environ)
            return []
        exchange.status = response.status_code
        return response(environ, start_response)

    def _answer(self, request: Request, exchange: Exchange, fault: Fault | None) -> Response | None:
        kind = fault.kind if fault else ""
        if kind == "drop_before":
            return None
        if kind == "silent" and fault:
            self._stopping.wait(fault.seconds)
            return None
        if kind == "html_502":
            return self._proxy_page(502, "Bad Gateway")
        if kind == "html_504":
            return self._proxy_page(504, "Gateway Time-out")
        if kind == "status_503":
            return self._proxy_page(503, "Service Temporarily Unavailable")
        if kind == "throttle_429":
            return Response('{"message":"Too Many Requests"}', 429, {"Retry-After": "1"}, "application/json")
        if kind == "delay" and fault:
            time.sleep(fault.seconds)
        if self.read_only and not exchange.peer and self.changes_state(exchange.method, exchange.path):
            self.refused.append(exchange)
            return Response('{"message":"The lab is read-only"}', 403, mimetype="application/json")
        response = Response.from_app(self._app, request.environ, buffered=True)
        return None if kind == "drop_after" else response

    def _proxy_page(self, status: int, reason: str) -> Response:
        """What nginx in front of a product answers by itself."""
        page = (
            f"<html>\r\n<head><title>{status} {reason}</title></head>\r\n<body>\r\n<center><h1>{status} {reason}</h1>"
            f"</center>\r\n<hr><center>{self.products_text}</center>\r\n</body>\r\n</html>\r\n"
        )
        return Response(page, status, mimetype="text/html")

    def _control(self, request: Request) -> Response:
        control = self.controls.get(request.path.removeprefix(CONTROL_PREFIX))
        if control is None:
            return Response("no such control route", 404)
        return Response(json.dumps(control(request), default=_plain), mimetype="application/json")


def _plain(value: Any) -> Any:
    """Rows of a state as JSON; what is no data, such as a lock, as text."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    return str(value)


def _drop(environ: WSGIEnvironment) -> None:
    """End the connection without a byte of an answer."""
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError


def host_of(url: str) -> str:
    """Host name of a URL, without port; empty when there is none."""
    return urlsplit(url).hostname or ""


def is_loopback(host: str) -> bool:
    return host == "localhost" or re.fullmatch(r"127(\.\d+){3}", host) is not None or host in ("::1", "[::1]")


def random_text(alphabet: str, length: int, must_contain: str = "") -> str:
    """A random value of exactly `length` characters that holds every character of `must_contain`."""
    letters = [*must_contain, *random.choices(alphabet, k=length - len(must_contain))]
    random.shuffle(letters)
    return "".join(letters)


_TRUSTING = ', urllib.request.HTTPSHandler(context=__import__("ssl").create_default_context(cafile="{ca_path}"))'

# Started often: -I and -S keep its start short, and nothing but the standard library is needed.
_COMMAND = """\
#!/bin/sh
exec {python} -I -S -c '
import json, os, sys, urllib.request
stdin = "" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.read()
call = {{"argv": sys.argv[1:], "env": dict(os.environ), "stdin": stdin}}
opener = urllib.request.build_opener(urllib.request.ProxyHandler({{}}){handlers})
request = urllib.request.Request("{url}", json.dumps(call).encode(), {{"Content-Type": "application/json"}})
answer = json.load(opener.open(request))
sys.stdout.write(answer["stdout"])
sys.stderr.write(answer["stderr"])
sys.exit(answer["rc"])
' "$@"
"""
