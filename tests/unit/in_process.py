# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Labs of this process without a network, and their commands without a process for each start.

Of a request only the socket is replaced. What the product sends and receives still passes through requests, urllib3 and
http.client on its side and through werkzeug's request handler on the lab's, so that logs, faults, cookies and torn
connections are the same. TLS, proxies and other processes keep real sockets, and an exec prefix keeps real processes.
"""

from __future__ import annotations

import contextvars
import io
import os
import subprocess
import types
import typing as t

import pytest
import requests
from urllib3.connection import HTTPConnection, HTTPSConnection

from ansible_collections.opnc.integration.plugins.module_utils._core import command
from lab.plumbing import SERVING, LabServer

# urllib3 asks the descriptor of an idle connection whether it was closed, and werkzeug asks for bytes that are left over
_OPEN, _unused_end = os.pipe()
_AT_ITS_END, _closed_end = os.pipe()
os.close(_closed_end)


class _ServerEnd:
    """One request as the lab's request handler reads it, and what it answers."""

    def __init__(self, sent: bytes) -> None:
        self._sent, self.answered = sent, bytearray()

    def makefile(self, mode: str, buffering: int = -1) -> io.BytesIO:
        return io.BytesIO(self._sent)

    def sendall(self, data: bytes) -> None:
        self.answered += data

    def fileno(self) -> int:
        return _AT_ITS_END

    def shutdown(self, how: int) -> None:
        """The lab drops the connection."""


class _ClientEnd:
    """The socket of a connection to a lab: the request is handled when the client begins to read."""

    def __init__(self, server: LabServer) -> None:
        self._server, self._sent = server, bytearray()

    def sendall(self, data: bytes) -> None:
        self._sent += data

    def makefile(self, mode: str) -> io.BytesIO:
        end = _ServerEnd(bytes(self._sent))
        self._sent.clear()
        # a server that asks itself would otherwise find the outer request's data in Flask's g
        contextvars.Context().run(self._server.serve_connection, end)
        return io.BytesIO(bytes(end.answered))

    def fileno(self) -> int:
        return _OPEN

    def settimeout(self, seconds: float | None) -> None:
        """There is nothing to wait for."""

    def shutdown(self, how: int) -> None:
        """Nothing is left to be read."""

    def close(self) -> None:
        """No descriptor belongs to it."""


class _Started:
    """A start of a lab's command: what its executable hands over, without the Python that would do so."""

    stdin = stdout = stderr = None
    returncode = 1

    def __init__(self, url: str, words: t.Sequence[bytes], environment: t.Mapping[str, bytes]) -> None:
        self._url, self._words, self._environment = url, words, environment

    def communicate(self, stdin: bytes | None, timeout: float) -> tuple[bytes, bytes]:
        call = {
            "argv": [_text(word) for word in self._words[1:]],
            "env": {name: _text(value) for name, value in self._environment.items()},
            "stdin": _text(stdin or b""),
        }
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(self._url, json=call, timeout=timeout).json()
        self.returncode = answer["rc"]
        return answer["stdout"].encode(), answer["stderr"].encode()


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def reach_labs(patch: pytest.MonkeyPatch) -> None:
    """Let plain requests to the labs of this process do without sockets."""
    connect = HTTPConnection._new_conn

    def new_connection(connection: HTTPConnection) -> t.Any:
        plain = not isinstance(connection, HTTPSConnection) and connection.host == "127.0.0.1"
        server = SERVING.get(connection.port) if plain and connection.port else None
        return connect(connection) if server is None else _ClientEnd(server)

    patch.setattr(HTTPConnection, "_new_conn", new_connection)


def run_commands(patch: pytest.MonkeyPatch) -> None:
    """Let the product start commands of the labs of this process without a process."""

    def start(words: t.Sequence[bytes], **options: t.Any) -> t.Any:
        urls = [
            url
            for server in list(SERVING.values())
            for path, url in server.commands.items()
            if path.encode() == words[0]
        ]
        return _Started(urls[0], words, options["env"]) if urls else subprocess.Popen(words, **options)

    patch.setattr(command, "subprocess", types.SimpleNamespace(**{**vars(subprocess), "Popen": start}))
