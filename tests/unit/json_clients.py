# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clients of both products for servers on loopback."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.opnc.integration.plugins.module_utils._core.errors import Failure
from ansible_collections.opnc.integration.plugins.module_utils._core.secrets import Secrets
from ansible_collections.opnc.integration.plugins.module_utils._http.address import Address
from ansible_collections.opnc.integration.plugins.module_utils._http.client import Connection, JsonClient
from unit.between import Asked, Said

PASSWORD = "long-p\"a\\s/s<w>o&r'd-%{{€"

Client = t.TypeVar("Client", bound=JsonClient)


class Clock:
    """Stands in for sleeping: remembers the seconds."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)


def make(
    kind: type[Client],
    url: str,
    *,
    username: str = "admin",
    password: str = PASSWORD,
    public: str | None = None,
    timeout: float = 5.0,
    sleep: t.Callable[[float], None] | None = None,
    warn: t.Callable[[str], None] | None = None,
) -> Client:
    """A client for a server on loopback."""
    product = kind.__name__
    address = Address.parse(url, option="url")
    known_as = Address.parse(public, option="url") if public else address
    connection = Connection(product, product.lower(), address, known_as, username, password, timeout, True)
    return kind(connection, Secrets(), sleep=sleep or Clock(), warn=warn)


def failure_of(client: JsonClient, method: str = "GET", path: str = "/api/v3/storages") -> Failure:
    """What one request fails with."""
    with pytest.raises(Failure) as failure:
        client.document(client.call(method, path, attempted="list the storages"), "list the storages")
    return failure.value


def always(said: Said | None) -> t.Callable[[Asked], Said | None]:
    return lambda asked: said


def in_turn(*answers: Said | None) -> t.Callable[[Asked], Said | None]:
    """The answers one after the other; the last one for ever."""
    left = list(answers)
    return lambda asked: left.pop(0) if len(left) > 1 else left[0]
