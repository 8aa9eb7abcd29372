# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lab answers without sockets and processes as it does with them."""

from __future__ import annotations

import typing as t
from http.client import RemoteDisconnected

import pytest
import requests
from urllib3.connection import HTTPConnection

from ansible_collections.opnc.integration.plugins.module_utils._core import command
from lab import Lab
from unit import in_process
from unit.labs import Labs

ADMIN_PAGE = "/index.php/settings/admin/openproject"


@pytest.fixture(params=["in process", "for real"])
def lab(request: pytest.FixtureRequest, labs: Labs) -> Lab:
    if request.param == "for real":
        request.getfixturevalue("real_sockets_and_processes")
    assert (HTTPConnection._new_conn.__module__ == in_process.__name__) is (request.param == "in process")
    return labs.fresh("29")


def test_an_answer_keeps_its_headers_and_each_of_its_cookies(lab: Lab) -> None:
    answer = requests.get(lab.nextcloud.url + ADMIN_PAGE, auth=lab.nextcloud.admin, timeout=10)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.headers["Server"].startswith("Werkzeug")
    set_by_server = answer.raw.headers.getlist("Set-Cookie")
    assert len(set_by_server) > 1
    assert {cookie.partition("=")[0] for cookie in set_by_server} >= set(answer.cookies.keys())
    (exchange,) = lab.nextcloud.requests
    assert exchange.status == 200
    assert exchange.headers["Host"] == lab.nextcloud.url.removeprefix("http://")
    assert exchange.headers["Accept-Encoding"] == answer.request.headers["Accept-Encoding"]


def test_a_redirect_is_left_to_the_client(lab: Lab) -> None:
    lab.nextcloud.state.redirects_to = lab.openproject.url

    answer = requests.get(f"{lab.nextcloud.url}/health_check", timeout=10, allow_redirects=False)
    followed = requests.get(f"{lab.nextcloud.url}/health_check", timeout=10)

    assert answer.status_code == 301
    assert answer.headers["Location"] == f"{lab.openproject.url}/health_check"
    assert [step.status_code for step in followed.history] == [301]
    assert len(lab.openproject.requests) == 1


@pytest.mark.parametrize(("kind", "took_effect"), [("drop_before", False), ("drop_after", True)])
def test_a_torn_connection_is_one_without_an_answer(lab: Lab, kind: str, took_effect: bool) -> None:
    lab.faults.add(server="nextcloud", kind=kind)

    with pytest.raises(requests.ConnectionError) as torn:
        requests.post(
            f"{lab.nextcloud.url}/ocs/v2.php/cloud/groups",
            data={"groupid": "Bäcker"},
            auth=lab.nextcloud.admin,
            headers={"OCS-APIRequest": "true"},
            timeout=10,
        )

    assert isinstance(torn.value.args[0].args[1], RemoteDisconnected)
    assert ("Bäcker" in lab.nextcloud.state.groups) is took_effect
    assert lab.nextcloud.requests[0].status == 0


def test_what_is_read_only_refuses_and_tells(lab: Lab) -> None:
    lab.openproject.read_only = True

    answer = requests.post(f"{lab.openproject.url}/api/v3/storages", json={"name": "Cloud"}, timeout=10)

    assert answer.status_code == 403
    assert [exchange.json for exchange in lab.openproject.refused] == [{"name": "Cloud"}]


def test_a_connection_may_be_used_again(lab: Lab) -> None:
    with requests.Session() as session:
        statuses = [session.get(f"{lab.nextcloud.url}/status.php", timeout=10).status_code for _unused in range(3)]

    assert statuses == [200, 200, 200]
    assert len(lab.nextcloud.requests) == 3


def start(lab: Lab, *words: str, stdin: str | None = None, **variables: str) -> command.Completed:
    environment = {**command.environment(), **variables}
    return command.execute([*lab.nextcloud.occ, *words], stdin, environment, 30.0)


def test_a_command_gets_words_variables_and_standard_input(lab: Lab) -> None:
    name = "Jürgen 'O' \"Neill\" $HOME"
    made = start(lab, "user:add", "--password-from-env", "--display-name", name, "jo", OC_PASS="Long-enough-pass-1")
    assert made.rc == 0, made
    assert lab.nextcloud.state.users["jo"].display_name == name
    assert lab.nextcloud.state.users["jo"].password == "Long-enough-pass-1"

    imported = start(lab, "config:import", stdin='{"system": {"greeting": "grüß Gott"}}')
    assert imported.rc == 0, imported
    assert lab.nextcloud.state.system["greeting"] == "grüß Gott"

    unknown = start(lab, "no:such-command")
    assert unknown.rc != 0
    assert 'no commands defined in the "no" namespace' in unknown.stdout + unknown.stderr
    assert [words[0] for words in lab.nextcloud.occ_starts] == ["user:add", "config:import", "no:such-command"]


def test_a_program_that_is_no_lab_s_is_started(lab: Lab) -> None:
    environment: t.Mapping[str, str] = command.environment()
    assert command.execute(["/bin/echo", "hello"], None, environment, 30.0).stdout == "hello\n"
