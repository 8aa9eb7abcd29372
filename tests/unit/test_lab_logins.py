# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab counts what makes a request to Nextcloud slow, as it was measured on 29.0.6 and 34.0.1."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from lab.nextcloud.profiles import PROFILES
from lab.nextcloud.server import NextcloudServer
from lab.plumbing import Faults

USER = "/ocs/v2.php/cloud/user"
APP = "/index.php/apps/integration_openproject"


@pytest.fixture(params=PROFILES)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NextcloudServer]:
    started = NextcloudServer(request.param, Faults(), tmp_path)
    started.start()
    yield started
    started.stop()


class Caller:
    """Asks with the administrator's name. `keeps`: cookies go back, `cookie_test` to every address."""

    def __init__(self, server: NextcloudServer, password: str = "", *, keeps: bool = False) -> None:
        self.base, self.keeps = server.url, keeps
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.auth = (server.admin[0], password or server.admin[1])
        self.session.headers["OCS-APIRequest"] = "true"

    def __call__(self, method: str = "GET", path: str = USER, **arguments: Any) -> int:
        answer = self.session.request(method, self.base + path, timeout=10, **arguments)
        if not self.keeps:
            self.session.cookies.clear()
        for cookie in self.session.cookies:
            if cookie.name == "cookie_test":
                cookie.path = "/"
        return answer.status_code


def counts(server: NextcloudServer) -> list[int]:
    return [exchange.password_checks for exchange in server.requests]


def test_a_login_password_without_cookies_is_checked_each_time(server: NextcloudServer) -> None:
    ask = Caller(server)
    assert [ask(), ask(), ask()] == [200, 200, 200]
    assert counts(server) == [1, 1, 1]
    assert server.devices == []


def test_a_session_is_checked_once_more_and_leaves_a_device(server: NextcloudServer) -> None:
    ask = Caller(server, keeps=True)
    assert [ask(), ask(), ask(), ask()] == [200] * 4
    assert counts(server) == [1, 2, 0, 0]
    (device,) = server.devices
    assert device.name.startswith("python-requests")
    assert server.state.users["admin"].tokens == []


def test_a_session_from_the_first_request_on_gains_nothing(server: NextcloudServer) -> None:
    ask = Caller(server, keeps=True)
    ask.session.cookies.set("cookie_test", "test")
    ask()
    ask()
    assert counts(server) == [3, 0]


def test_a_device_stays_until_it_is_deleted_and_takes_its_session_along(server: NextcloudServer) -> None:
    ask = Caller(server, keeps=True)
    ask()
    ask()
    token = ask.session.get(f"{server.url}/index.php/csrftoken", timeout=10).json()["token"]
    (device,) = server.devices
    path = f"/index.php/settings/personal/authtokens/{device.id}"
    assert ask("DELETE", path, headers={"requesttoken": token}) == 200
    assert server.devices == []
    before = server.password_checks
    ask()
    assert server.password_checks > before, "the session is no longer a login"


def test_an_application_password_is_never_checked(server: NextcloudServer) -> None:
    for keeps in (False, True):
        ask = Caller(server, server.state.add_token("admin", "script").value, keeps=keeps)
        assert [ask(), ask()] == [200, 200]
    assert server.password_checks == 0
    assert server.devices == []


def test_to_fetch_an_application_password_costs_as_much_as_a_session(server: NextcloudServer) -> None:
    assert Caller(server)(path="/ocs/v2.php/core/getapppassword") == 200
    assert counts(server) == [2]


def test_a_failed_login_is_checked_where_there_is_an_account(server: NextcloudServer) -> None:
    assert Caller(server, "wrong")() == 401
    stranger = Caller(server)
    stranger.session.auth = ("nobody", "wrong")
    assert stranger() == 401
    assert counts(server) == [1, 0]


def test_what_needs_no_login_and_what_is_throttled_costs_nothing(server: NextcloudServer) -> None:
    requests.get(f"{server.url}/status.php", timeout=10)
    server.state.login_fails = 11
    assert Caller(server)() == 429
    assert server.password_checks == 0


def test_checks_side_by_side_are_one_in_sequence(server: NextcloudServer) -> None:
    server.check_seconds = 0.3
    Caller(server)()
    assert (server.password_checks, server.password_checks_in_sequence) == (1, 1)

    callers = [Caller(server) for _unused in range(3)]
    with ThreadPoolExecutor(len(callers)) as pool:
        assert list(pool.map(lambda ask: ask(), callers)) == [200, 200, 200]
    assert (server.password_checks, server.password_checks_in_sequence) == (4, 2)

    server.log.clear()
    ask = Caller(server, keeps=True)
    ask()
    ask()
    assert (server.password_checks, server.password_checks_in_sequence) == (3, 3)


def test_what_costs_no_check_does_not_count_in_sequence_either(server: NextcloudServer) -> None:
    ask = Caller(server, server.state.add_token("admin", "script").value)
    ask()
    ask()
    assert server.password_checks_in_sequence == 0


def test_a_request_token_of_a_lost_session_is_refused(server: NextcloudServer) -> None:
    """As on a real 29.0.6 after one 502."""
    ask = Caller(server, keeps=True)
    ask.session.headers.pop("OCS-APIRequest")
    ask(path="/index.php/csrftoken")
    token = ask.session.get(f"{server.url}/index.php/csrftoken", timeout=10).json()["token"]
    proof = {"requesttoken": token}
    server.faults.add(kind="sessions_lost", nth=2)
    assert ask("POST", f"{APP}/nc-oauth", headers=proof) == 200

    refused = ask.session.post(f"{server.url}{APP}/nc-oauth", headers=proof, timeout=10)

    assert (refused.status_code, refused.json()) == (412, {"message": "CSRF check failed"})
    proof["requesttoken"] = ask.session.get(f"{server.url}/index.php/csrftoken", timeout=10).json()["token"]
    assert ask("POST", f"{APP}/nc-oauth", headers=proof) == 200
