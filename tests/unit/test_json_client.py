# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The JSON client against servers that behave as those of the field: retries, time-outs, cookies, redirects, pages."""

from __future__ import annotations

import base64
import json
import typing as t
from pathlib import Path

import pytest
import requests

from ansible_collections.opnc.integration.plugins.module_utils._core.errors import (
    ApiError,
    CredentialsError,
    NoAnswer,
    TransportError,
)
from ansible_collections.opnc.integration.plugins.module_utils._core.secrets import Secrets
from ansible_collections.opnc.integration.plugins.module_utils._http import client as http
from ansible_collections.opnc.integration.plugins.module_utils._http.address import Address
from ansible_collections.opnc.integration.plugins.module_utils._http.client import Connection, JsonClient
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.client import Nextcloud
from ansible_collections.opnc.integration.plugins.module_utils._openproject.client import OpenProject
from unit.between import DROP, Asked, Said, Server, page
from unit.json_clients import PASSWORD, Clock, always, failure_of, in_turn, make
from unit.test_masking import assert_clean

HTML = (("Content-Type", "text/html"),)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """What surrounds the tests must not decide them."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


# --- repetition ------------------------------------------------------------------------------------------------------

GOOD = Said(body='{"good": true}')
PASSING: dict[str, Said | None] = {
    "429": Said(429),
    "502": page(502, "Bad Gateway"),
    "503": page(503, "Service Temporarily Unavailable"),
    "504": page(504, "Gateway Time-out"),
    "closed without an answer": DROP,
    "torn in the middle of the body": Said(body='{"good": true}', cut=5),
}
FINAL = {
    "400": Said(400),
    "401": Said(401),
    "403": Said(403),
    "404": Said(404),
    "409": Said(409),
    "422": Said(422),
    "500": Said(500),
    "301": Said(301, headers=(("Location", "/elsewhere"),)),
    "503 of Nextcloud's maintenance": Said(503, headers=(("X-Nextcloud-Maintenance-Mode", "1"), *HTML)),
    "429 for longer than a minute": Said(429, headers=(("Retry-After", "61"),)),
}


@pytest.mark.parametrize("kind", PASSING)
def test_a_read_is_repeated_where_that_can_help(kind: str) -> None:
    """Field cases O16 and O17: a connection that died, a server that starts."""
    clock = Clock()
    with Server(in_turn(PASSING[kind], PASSING[kind], GOOD)) as server:
        client = make(OpenProject, server.url, sleep=clock)
        assert client.get("/storages", attempted="list the storages") == {"good": True}
    assert len(server.asked) == 3
    assert clock.slept == list(http.PAUSES[:2])


@pytest.mark.parametrize("kind", PASSING)
def test_a_read_is_given_up_after_four_tries(kind: str) -> None:
    """Field case O25: no storm of requests on a server that throttles."""
    clock = Clock()
    with Server(always(PASSING[kind])) as server:
        failure = failure_of(make(OpenProject, server.url, sleep=clock))
    assert len(server.asked) == 1 + len(http.PAUSES)
    assert clock.slept == list(http.PAUSES)
    assert f"list the storages on OpenProject ({server.url})" in failure.message
    assert failure.remedy


@pytest.mark.parametrize("kind", FINAL)
def test_a_read_that_a_server_refused_is_not_repeated(kind: str) -> None:
    clock = Clock()
    with Server(always(FINAL[kind])) as server:
        failure_of(make(Nextcloud, server.url, sleep=clock))
    assert len(server.asked) == 1
    assert clock.slept == []


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
@pytest.mark.parametrize("kind", [*PASSING, *FINAL])
def test_a_write_is_never_repeated(kind: str, method: str) -> None:
    """Field case O16: the write may have taken effect."""
    clock = Clock()
    with Server(always({**PASSING, **FINAL}[kind])) as server:
        failure_of(make(OpenProject, server.url, sleep=clock), method)
    assert len(server.asked) == 1
    assert clock.slept == []


@pytest.mark.parametrize(("asked", "slept"), [("0", 0.0), ("7", 7.0), ("60", 60.0), ("soon", http.PAUSES[0])])
def test_the_server_says_how_long_to_wait(asked: str, slept: float) -> None:
    clock = Clock()
    with Server(in_turn(Said(429, headers=(("Retry-After", asked),)), GOOD)) as server:
        make(OpenProject, server.url, sleep=clock).get("/storages", attempted="list the storages")
    assert clock.slept == [slept]


def test_the_time_to_wait_is_a_fact_of_the_error() -> None:
    with Server(always(Said(429, headers=(("Retry-After", "90"), ("Content-Type", "application/json"))))) as server:
        failure = failure_of(make(OpenProject, server.url))
    assert failure.facts["retry_after"] == 90


@pytest.mark.parametrize("kind", ["closed without an answer", "torn in the middle of the body"])
def test_a_write_without_a_whole_answer_has_an_unknown_effect(kind: str) -> None:
    """Field case O16: the caller reads again and decides."""
    with Server(always(PASSING[kind])) as server:
        assert isinstance(failure_of(make(OpenProject, server.url), "POST"), NoAnswer)


def test_a_write_to_nobody_had_no_effect() -> None:
    with Server(always(GOOD)) as server:
        pass
    failure = failure_of(make(OpenProject, server.url), "POST")
    assert failure.__class__ is TransportError
    assert "Connection refused" in failure.message
    assert "Check that OpenProject runs" in failure.message


def test_a_connection_that_died_while_idle_does_not_disturb_a_write() -> None:
    """Field case O16: a load balancer closes idle connections without a word, here after each answer."""
    with Server(always(Said(body='{"good": true}', goodbye=True))) as server:
        client = make(OpenProject, server.url)
        for _unused in range(3):
            assert client.send("POST", "/storages", {}, attempted="create the storage") == {"good": True}
            server.wait_for_close()
    assert len(server.asked) == 3


def test_requests_of_one_run_share_a_connection() -> None:
    with Server(always(GOOD)) as server:
        client = make(OpenProject, server.url)
        for _unused in range(3):
            client.get("/storages", attempted="list the storages")
    assert {asked.connection for asked in server.asked} == {1}


# --- time-outs -------------------------------------------------------------------------------------------------------


class Recorder(requests.Session):
    """A session that remembers with which time-out and trust it sends."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[dict[str, t.Any]] = []

    def request(self, *args: t.Any, **kwargs: t.Any) -> requests.Response:
        self.sent.append(kwargs)
        return super().request(*args, **kwargs)


def test_every_request_has_a_time_out() -> None:
    session = Recorder()
    with Server(always(GOOD)) as server:
        address = Address.parse(server.url, option="url")
        connection = Connection("OpenProject", "openproject", address, address, "apikey", "token", 25.0, True)
        client = OpenProject(connection, Secrets(), session=session)
        client.get("/storages", attempted="list the storages")
        client.send("DELETE", "/storages/1", None, attempted="delete the storage", timeout=125.0)
        client.accepts_secret("id", "secret", "https://cloud.example.com/")
    assert [sent["timeout"] for sent in session.sent] == [(10.0, 25.0), (10.0, 125.0), (10.0, 25.0)]
    assert [sent["allow_redirects"] for sent in session.sent] == [False] * 3


def test_a_silent_server_is_given_up_with_the_option_named() -> None:
    def silent(asked: Asked) -> Said | None:
        released.wait(10)
        return DROP

    import threading

    released = threading.Event()
    with Server(silent) as server:
        failure = failure_of(make(Nextcloud, server.url, timeout=0.2), "POST")
        released.set()
    assert isinstance(failure, NoAnswer)
    assert "no answer within 0.2 seconds" in failure.message
    assert "nextcloud_timeout" in failure.message


def test_slow_answers_are_told_once_as_a_warning_that_names_throttling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Field case O25: somebody else's failed logins slow everybody down who comes through the same proxy."""
    monkeypatch.setattr(http, "SLOW", -1.0)
    warnings: set[str] = set()
    with Server(always(GOOD)) as server:
        client = make(Nextcloud, server.url, warn=warnings.add)
        for _unused in range(3):
            client.app("GET", "/check-admin-config", attempted="read the state")
    (warning,) = warnings
    for words in ("answers very slowly", "delays logins", "trusted_proxies", "occ security:bruteforce:reset"):
        assert words in warning


# --- credentials and cookies -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("username", ["admin", "Jürgen", "пользователь", "🙂"])
@pytest.mark.parametrize("password", ["Grün", "10€", "пароль", "🔑:pass", " blank at both ends "])
def test_credentials_travel_as_utf_8(username: str, password: str) -> None:
    """Field case O10: requests itself would send Latin-1, or break off with an error of its own."""
    with Server(always(Said(401, '{"message":""}'))) as server:
        failure = failure_of(make(Nextcloud, server.url, username=username, password=password))
    assert isinstance(failure, CredentialsError)
    (asked,) = server.asked
    sent = base64.b64decode((asked.header("Authorization") or "").removeprefix("Basic ")).decode()
    assert sent == f"{username}:{password}"
    assert password not in failure.message


def test_netrc_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\ndefault login some password body\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with Server(always(Said(body='{"error":"invalid_grant"}', status=400))) as server:
        client = make(OpenProject, server.url, username="apikey", password="token-of-ours")
        failure_of(client)
        assert client.accepts_secret("id", "secret", "https://cloud.example.com/") is True
    ours = "Basic " + base64.b64encode(b"apikey:token-of-ours").decode()
    assert [asked.header("Authorization") for asked in server.asked] == [ours, None]


def test_cookies_are_kept_for_their_own_server_only() -> None:
    """NC §9: cookies are not separated by port, so two servers on one host must not share a jar."""

    def named(name: str) -> t.Callable[[Asked], Said]:
        return lambda asked: Said(
            headers=(("Set-Cookie", f"{name}=1; path=/"), ("Set-Cookie", "x=y"), ("Content-Type", "application/json"))
        )

    with Server(named("cloud")) as one, Server(named("projects")) as other:
        nextcloud, openproject = make(Nextcloud, one.url), make(OpenProject, other.url)
        for _unused in range(2):
            failure_free(nextcloud)
            failure_free(openproject)
    assert [asked.header("Cookie") for asked in one.asked] == [None, "cloud=1; x=y"]
    assert [asked.header("Cookie") for asked in other.asked] == [None, "projects=1; x=y"]


def failure_free(client: JsonClient) -> None:
    assert client.read("/x", attempted="read") == {}


def test_a_cookie_for_one_path_goes_with_every_request_to_its_server() -> None:
    """Nextcloud sets one for the neighbours of a path; without it every request costs the hash of the password again."""

    def narrow(asked: Asked) -> Said:
        path = asked.path.rpartition("/")[0]
        return Said(headers=(("Set-Cookie", f"cookie_test=test; path={path}"), ("Content-Type", "application/json")))

    with Server(narrow) as server:
        client = make(Nextcloud, server.url)
        for path in ("/index.php/apps/x/one", "/index.php/settings/two", "/ocs/v2.php/three"):
            assert client.read(path, attempted="read") == {}
    assert [asked.header("Cookie") for asked in server.asked] == [None, "cookie_test=test", "cookie_test=test"]


COOKIES = (
    ("Set-Cookie", "__Host-nc_sameSiteCookiestrict=true; path=/; httponly; secure; SameSite=strict"),
    ("Set-Cookie", "session=abc; path=/; Secure; HttpOnly"),
    ("Content-Type", "application/json"),
)


def test_secure_cookies_go_back_over_plain_http_to_a_server_known_by_https() -> None:
    """Design §4: https ends before the server, and the play speaks to it behind that end."""
    with Server(always(Said(headers=COOKIES))) as server:
        client = make(Nextcloud, server.url, public="https://cloud.example.com")
        failure_free(client)
        failure_free(client)
    first, second = server.asked
    for asked in (first, second):
        assert asked.header("Host") == "cloud.example.com"
        assert asked.header("X-Forwarded-Proto") == "https"
    assert first.header("Cookie") is None
    assert second.header("Cookie") == "__Host-nc_sameSiteCookiestrict=true; session=abc"


def test_secure_cookies_stay_at_home_when_the_server_itself_is_plain_http() -> None:
    with Server(always(Said(headers=COOKIES))) as server:
        client = make(Nextcloud, server.url)
        failure_free(client)
        failure_free(client)
    assert [asked.header("Cookie") for asked in server.asked] == [None, None]
    assert [asked.header("X-Forwarded-Proto") for asked in server.asked] == [None, None]
    assert {asked.header("Host") for asked in server.asked} == {server.netloc}


@pytest.mark.parametrize(
    ("public", "host", "proto"),
    [
        ("http://cloud.example.com:8080/nextcloud", "cloud.example.com:8080", None),
        ("https://[2001:db8::1]:8443", "[2001:db8::1]:8443", "https"),
        ("https://wolke.köln", "wolke.xn--kln-sna", "https"),
    ],
)
def test_the_public_name_goes_out_as_host(public: str, host: str, proto: str | None) -> None:
    """Field case O19: a server answers only to the name that it is configured for."""
    with Server(always(GOOD)) as server:
        make(OpenProject, server.url, public=public).get("/storages", attempted="list the storages")
    (asked,) = server.asked
    assert (asked.header("Host"), asked.header("X-Forwarded-Proto")) == (host, proto)


# --- something else answers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_host_is_not_followed_but_explained(status: int) -> None:
    """Field case O20: source and target are named, the credentials do not go along."""
    with Server(always(GOOD)) as other:
        location = f"{other.url}/projects/api/v3/storages"
        with Server(always(Said(status, b"", (("Location", location),)))) as server:
            failure = failure_of(make(OpenProject, server.url))
    assert len(server.asked) == 1
    assert other.asked == []
    assert f"HTTP {status}, redirected from {server.url}/api/v3/storages to {location}" in failure.message
    assert f"If {other.url}/projects is this server, set openproject_url to it" in failure.message
    assert failure.facts["cause"] == "redirect"


def test_a_redirect_within_the_host_names_the_path() -> None:
    with Server(always(Said(302, b"", (("Location", "/login"),)))) as server:
        failure = failure_of(make(OpenProject, server.url))
    assert "Check the path in openproject_url" in failure.message
    assert [asked.path for asked in server.asked] == ["/api/v3/storages"]


def test_a_redirect_that_repeats_the_credentials_does_not_show_them() -> None:
    target = f"https://sso.example.com/?back=x&p={PASSWORD}"
    with Server(always(Said(302, b"", (("Location", requests.utils.requote_uri(target)),)))) as server:
        failure = failure_of(make(OpenProject, server.url))
    assert_clean(failure.message, PASSWORD)
    assert "sso.example.com" in failure.message


def test_a_portal_with_a_page_is_named_with_what_the_servers_need() -> None:
    """Field case O24: status, server and title of the page; which paths the other server needs."""
    said = page(200, "Company login", ("Server", "portal/2.1"))
    with Server(always(said)) as server:
        nextcloud = failure_of(make(Nextcloud, server.url))
        openproject = failure_of(make(OpenProject, server.url))
    for failure in (nextcloud, openproject):
        assert "HTTP 200, an answer that is not JSON (text/html from portal/2.1" in failure.message
        assert "Company login" in failure.message
        assert failure.facts["cause"] == "page"
    assert "/ocs/v2.php/cloud/capabilities" in nextcloud.message
    assert "/index.php/apps/integration_openproject" in nextcloud.message
    assert "/api/v3" in openproject.remedy


def test_a_portal_that_redirects_is_named_with_its_host() -> None:
    """Field case O24: the portal's host gets no request at all."""
    said = Said(302, b"", (("Location", "https://sso.example.com/login?to=x"),))
    with Server(always(said)) as server:
        failure = failure_of(make(Nextcloud, server.url))
    assert "https://sso.example.com/login" in failure.message
    assert "wants a login first" in failure.message
    assert "/remote.php" in failure.message


@pytest.mark.parametrize("kind", [Nextcloud, OpenProject])
def test_a_second_realm_in_front_is_not_taken_for_wrong_credentials(kind: type[JsonClient]) -> None:
    """Field case O24: one Authorization header cannot serve two realms."""
    said = page(401, "401 Authorization Required", ("WWW-Authenticate", 'Basic realm="Restricted"'))
    with Server(always(said)) as server:
        failure = failure_of(make(kind, server.url))
    assert len(server.asked) == 1
    assert not isinstance(failure, CredentialsError)
    assert 'asks for a login of its own (Basic realm="Restricted")' in failure.message


@pytest.mark.parametrize(
    "said",
    [
        Said(body=b"hello", headers=(("Content-Type", "text/plain"),)),
        Said(body=b'{"broken', headers=(("Content-Type", "application/json"),)),
        Said(body=b"", headers=()),
        Said(body=b"\xff\xfe\x00", headers=(("Content-Type", "application/octet-stream"),)),
        Said(body=b"null", headers=(("Content-Type", "application/json"),)),
        Said(body=b"[]", headers=(("Content-Type", "application/json"),)),
        Said(body=b'"text"', headers=(("Content-Type", "application/json"),)),
    ],
    ids=["text", "broken JSON", "nothing", "bytes", "null", "list", "string"],
)
def test_what_is_no_document_is_an_understandable_failure(said: Said) -> None:
    with Server(always(said)) as server:
        nextcloud, openproject = make(Nextcloud, server.url), make(OpenProject, server.url)
        with pytest.raises(TransportError, match=r"Nextcloud \("):
            nextcloud.app("GET", "/check-admin-config", attempted="read the state")
        with pytest.raises(TransportError, match=r"Nextcloud \("):
            nextcloud.ocs("GET", "/ocs/v2.php/cloud/users/x", attempted="read the account")
        with pytest.raises(TransportError, match=r"OpenProject \("):
            openproject.get("/storages", attempted="list the storages")
        with pytest.raises(TransportError, match=r"OpenProject \("):
            openproject.send("POST", "/storages", {}, attempted="create the storage")


def test_an_error_in_json_of_somebody_else_keeps_its_words() -> None:
    said = Said(503, '{"message":"no Route matched with those values"}')
    with Server(always(said)) as server:
        failure = failure_of(make(OpenProject, server.url), "POST")
    assert isinstance(failure, ApiError)
    assert 'HTTP 503, "no Route matched with those values"' in failure.message
    assert "may still be starting" in failure.message


def test_several_violations_are_all_told() -> None:
    errors = [
        {
            "errorIdentifier": "urn:openproject-org:api:v3:errors:PropertyConstraintViolation",
            "message": f"{name} has already been taken.",
            "_embedded": {"details": {"attribute": name.lower()}},
        }
        for name in ("Name", "Host")
    ]
    document = {
        "_type": "Error",
        "errorIdentifier": "urn:openproject-org:api:v3:errors:MultipleErrors",
        "message": "Multiple field constraints have been violated.",
        "_embedded": {"errors": errors},
    }
    with Server(always(Said(422, json.dumps(document)))) as server:
        failure = failure_of(make(OpenProject, server.url), "POST")
    assert '"Name has already been taken. Host has already been taken."' in failure.message
    assert failure.facts["identifier"] == "MultipleErrors"
    assert failure.facts["attribute"] == "name,host"


def test_a_redirect_from_http_to_https_names_both_ways_out() -> None:
    """Field cases O19 and O20: the address with https, or the public one when https ends in front of the server."""

    def upgrade(asked: Asked) -> Said:
        return Said(301, b"", (("Location", f"https://{asked.header('Host')}{asked.target}"),))

    with Server(upgrade) as server:
        failure = failure_of(make(OpenProject, server.url))
    assert f"It wants https: set openproject_url to https://{server.netloc}." in failure.message
    assert "set openproject_public_url to the address with https" in failure.message


def test_a_redirect_to_an_impossible_address_is_no_traceback() -> None:
    with Server(always(Said(302, b"", (("Location", "https://[broken"),)))) as server:
        failure = failure_of(make(OpenProject, server.url), "POST")
    assert isinstance(failure, NoAnswer)
    assert "its answer cannot be read: Invalid IPv6 URL" in failure.message


@pytest.mark.parametrize("location", ["", "/elsewhere", "?query", "//"])
def test_a_redirect_to_nowhere_is_understandable_too(location: str) -> None:
    with Server(always(Said(302, b"", (("Location", location),) if location else ()))) as server:
        failure = failure_of(make(OpenProject, server.url))
    assert f"to {location or 'nowhere'}; credentials" in failure.message
    assert "Check the path in openproject_url" in failure.message


def test_of_a_page_the_words_are_shown_that_a_reader_sees() -> None:
    body = (
        "<!DOCTYPE html><html><head><title>Gate\n keeper</title><style>p { color: red }</style></head>"
        "<body><script>var x = 1 < 2;</script><h1>Stop</h1>\n<p class='x'>Show your   badge.</p></body></html>"
    )
    with Server(always(Said(403, body, HTML))) as server:
        failure = failure_of(make(OpenProject, server.url))
    assert "(text/html: 'Gate\n keeper: Stop Show your badge.')" in failure.message.replace("\\n", "\n")
