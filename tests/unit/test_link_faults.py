# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fault at every request of every plan: one good run afterwards ends complete, a further one changes nothing."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass, field
from http.client import RemoteDisconnected

import pytest
import requests
from requests.adapters import HTTPAdapter

from ansible_collections.opnc.integration.plugins.module_utils._core.errors import Failure
from ansible_collections.opnc.integration.plugins.module_utils._core.module import Call
from ansible_collections.opnc.integration.plugins.module_utils._core.secrets import Secrets
from ansible_collections.opnc.integration.plugins.module_utils._http.address import Address
from ansible_collections.opnc.integration.plugins.module_utils._http.client import Connection
from ansible_collections.opnc.integration.plugins.module_utils._link.link import converge
from ansible_collections.opnc.integration.plugins.module_utils._link.read import Sides
from ansible_collections.opnc.integration.plugins.module_utils._link.removal import remove_link
from ansible_collections.opnc.integration.plugins.module_utils._link.state import Desired
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.admin_http import HttpAdmin
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.client import Nextcloud
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.integration import Integration
from ansible_collections.opnc.integration.plugins.module_utils._openproject.client import OpenProject
from ansible_collections.opnc.integration.plugins.module_utils._openproject.runner import Runner
from ansible_collections.opnc.integration.plugins.module_utils._openproject.storages import Storages
from lab import Lab
from lab.nextcloud import integration as app
from unit import test_link_foreign_hands as hands
from unit.labs import Labs, Snapshot
from unit.linking import STORAGE, arrange, broken_parts

READS = ("GET", "HEAD")
BEFORE, AFTER, PAGE, THROTTLED, SILENT = "before", "after", "page", "throttled", "silent"


@dataclass
class Wire:
    """Counts the requests to both servers and breaks one of them.

    :param sent: method and path of each request.
    """

    nth: int = 0
    kind: str = ""
    sent: list[tuple[str, str]] = field(default_factory=list)


class FaultyTransport(HTTPAdapter):
    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self.wire = wire

    def send(self, request: requests.PreparedRequest, *args: t.Any, **kwargs: t.Any) -> requests.Response:
        self.wire.sent.append((str(request.method), request.path_url.partition("?")[0]))
        if len(self.wire.sent) != self.wire.nth:
            return super().send(request, *args, **kwargs)
        if self.wire.kind == PAGE:
            return self._made(
                request, 502, {"Content-Type": "text/html"}, b"<html><title>502 Bad Gateway</title></html>"
            )
        if self.wire.kind == THROTTLED:
            return self._made(request, 429, {"Content-Type": "application/json", "Retry-After": "1"}, b"{}")
        if self.wire.kind in (AFTER, SILENT):
            super().send(request, *args, **kwargs)
        if self.wire.kind == SILENT:
            raise requests.exceptions.ReadTimeout("Read timed out.")
        raise requests.exceptions.ConnectionError(RemoteDisconnected("Remote end closed connection without response"))

    def _made(
        self, request: requests.PreparedRequest, status: int, headers: dict[str, str], body: bytes
    ) -> requests.Response:
        response = requests.Response()
        response.request, response.url, response.status_code = request, str(request.url), status
        response.headers.update(headers)
        response._content = body
        return response


def run(
    lab: Lab,
    wire: Wire,
    *,
    rotate: t.Iterable[str] = (),
    folders: bool | None = True,
    absent: bool = False,
    openproject: Lab | None = None,
    name: str = STORAGE,
) -> dict[str, t.Any]:
    """One run of the link in this process over the given wire; C(openproject) is the other lab's when two share one."""
    server = (openproject or lab).openproject
    secrets = Secrets()

    def connection(product: str, url: str, username: str, password: str) -> Connection:
        address = Address.parse(url, option="url")
        return Connection(product, product.lower(), address, address, username, password, 10.0, True)

    def session() -> requests.Session:
        made = requests.Session()
        # whether a proxy is meant is read from the environment for each request
        made.trust_env = False
        made.mount("http://", FaultyTransport(wire))
        return made

    no_sleep: t.Callable[[float], None] = lambda seconds: None  # noqa: E731
    nextcloud = Nextcloud(
        connection("Nextcloud", lab.nextcloud.url, *lab.nextcloud.admin), secrets, session=session(), sleep=no_sleep
    )
    projects = OpenProject(
        connection("OpenProject", server.url, "apikey", server.api_key),
        secrets,
        session=session(),
        sleep=no_sleep,
    )
    params = {
        "state": "absent" if absent else "present",
        "verify_secrets": False,
        "force_delete": True,
        "remove_project_folders": False,
        "runner_command": server.runner,
        "runner_exec": [],
        "runner_timeout": 60.0,
    }
    call = Call(params, False, secrets)
    sides = Sides(Storages(projects), Integration(nextcloud, no_sleep), HttpAdmin(nextcloud), Runner.from_call(call))
    desired = Desired(
        nextcloud=Address.parse(lab.nextcloud.url, option="url"),
        openproject=Address.parse(server.url, option="url"),
        storage_name=name,
        project_folders=folders,
        rotate=frozenset(rotate),
    )
    return remove_link(call, sides, desired) if absent else converge(call, sides, desired, no_sleep)


@dataclass(frozen=True)
class Case:
    """A plan: the state it starts from and how it is asked for."""

    name: str
    arrange: t.Callable[[Lab], None]
    options: t.Mapping[str, t.Any] = field(default_factory=dict)


def fresh(lab: Lab) -> None:
    """Nothing is there."""


def complete_then(deed: t.Callable[[Lab], None] = fresh) -> t.Callable[[Lab], None]:
    def both(lab: Lab) -> None:
        run(lab, Wire())
        deed(lab)

    return both


CASES = [
    Case("fresh with folders", fresh),
    Case("fresh without folders", fresh, {"folders": None}),
    Case("rotate openproject_oauth", complete_then(), {"rotate": ["openproject_oauth"]}),
    Case("rotate nextcloud_oauth", complete_then(), {"rotate": ["nextcloud_oauth"]}),
    Case("rotate application_password", complete_then(), {"rotate": ["application_password"]}),
    *(Case(hand.name, complete_then(hand.do)) for hand in hands.HANDS),
    Case("removal", complete_then(), {"absent": True}),
]
KINDS_FOR_READS = (BEFORE, PAGE)
KINDS_FOR_WRITES = (BEFORE, AFTER, PAGE, THROTTLED, SILENT)


@pytest.mark.parametrize("case", CASES, ids=[case.name.replace(" ", "-") for case in CASES])
def test_a_fault_at_any_request_is_healed_by_the_next_run(
    case: Case, labs: Labs, record_property: t.Callable[[str, object], None]
) -> None:
    tried = 0
    lab = arrange(labs.fresh("29"))
    case.arrange(lab)
    start = Snapshot(lab)
    start.put_back(lab)
    plain = Wire()
    run(lab, plain, **case.options)
    clients_needed = _clients_made(lab)
    for nth, (method, path) in enumerate(plain.sent, start=1):
        for kind in KINDS_FOR_READS if method in READS or path.endswith("is-valid-op-instance") else KINDS_FOR_WRITES:
            start.put_back(lab)
            with contextlib.suppress(Failure):
                run(lab, Wire(nth, kind), **case.options)
            where = f"{kind} at request {nth}, {method} {path}"
            _assert_healed(lab, case, where)
            assert _clients_made(lab) <= clients_needed + 1, f"{where}: users are logged out too often"
            tried += 1
    record_property("faults", tried)
    print(f"{case.name}: {tried} faults tried")


def _assert_healed(lab: Lab, case: Case, where: str) -> None:
    requested = {key: value for key, value in case.options.items() if key != "rotate"}
    try:
        run(lab, Wire(), **requested)
        again = run(lab, Wire(), **requested)
    except Failure as failure:
        raise AssertionError(f"{where}: {failure}") from failure
    assert not again["changed"], f"{where}: {again['actions']}"
    if requested.get("absent"):
        assert lab.openproject.state.storages == {}, where
        assert app.oauth_client(lab.nextcloud.state) is None, where
    else:
        assert broken_parts(lab, folders=bool(requested.get("folders", True))) == [], where
        assert len(lab.openproject.state.storages) == 1, f"{where}: a storage without owner is left"


def _clients_made(lab: Lab) -> int:
    """How often Nextcloud's OAuth client was new, each of which logs all users out."""
    made = [e for e in lab.nextcloud.requests if e.path.endswith("/nc-oauth") and e.status == 200]
    return len(made)
