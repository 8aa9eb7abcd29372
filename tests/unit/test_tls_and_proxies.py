# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The play's own surroundings: private authorities, CA bundles and proxies of the environment."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from lab import Lab
from lab.authority import Authority
from unit.between import DROP, Passing, Said, Server, forwarding, page
from unit.conftest import RunModule
from unit.linking import arrange, broken_parts, link_args

PROXY_NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What surrounds the tests must not decide them."""
    for name in (*PROXY_NAMES, *(name.upper() for name in PROXY_NAMES), *BUNDLES):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def lab() -> t.Iterator[Lab]:
    with Lab(nextcloud="29") as lab:
        yield arrange(lab)


def app_args(lab: Lab, **more: t.Any) -> dict[str, t.Any]:
    """Options of link for a link that is looked at only."""
    return link_args(lab, **more)


class Pair:
    """Two TLS ends with an authority each, in front of a lab that is known by their addresses."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.clouds, self.projects = Authority(folder, "clouds"), Authority(folder, "projects")
        secure = {"X-Forwarded-Proto": "https"}
        self.nextcloud = Server(Passing({"/": lab.nextcloud.url}, secure), tls=self.clouds.context("127.0.0.1"))
        self.openproject = Server(Passing({"/": lab.openproject.url}, secure), tls=self.projects.context("127.0.0.1"))
        lab.openproject.state.host_name = self.openproject.netloc
        lab.openproject.state.ssl_cert_file = self.clouds.ca_path
        lab.nextcloud.state.system["trusted_proxies"] = ["127.0.0.1"]
        lab.nextcloud.state.certificates["projects"] = Path(self.projects.ca_path).read_text()
        self.args = app_args(lab, nextcloud_url=self.nextcloud.url, openproject_url=self.openproject.url)

    @property
    def trusting(self) -> dict[str, t.Any]:
        """The options with which each server's certificate is believed."""
        return {**self.args, "nextcloud_ca_path": self.clouds.ca_path, "openproject_ca_path": self.projects.ca_path}


@pytest.fixture
def pair(lab: Lab, tmp_path: Path) -> t.Iterator[Pair]:
    pair = Pair(lab, tmp_path)
    with pair.nextcloud, pair.openproject:
        yield pair


def look(run_module: RunModule, args: dict[str, t.Any]) -> dict[str, t.Any]:
    """A run in check mode: it reads both servers, and lets each look at the other where it can."""
    return run_module("link", args, check_mode=True)


def reached(result: dict[str, t.Any]) -> bool:
    """Whether both servers were read and a plan was made."""
    return not result.get("failed") and bool(result["actions"])


# --- certificates ----------------------------------------------------------------------------------------------------


def test_a_link_is_made_where_each_server_has_its_own_authority(run_module: RunModule, pair: Pair, lab: Lab) -> None:
    """Field case O13: two private authorities; a wrong one would end the run."""
    args = {**pair.trusting, "project_folders": True}
    first = run_module("link", args)
    assert first["changed"], first
    (storage,) = lab.openproject.state.storages.values()
    assert (storage.host, storage.configured) == (f"{pair.nextcloud.url}/", True)
    assert not run_module("link", args)["changed"]


@pytest.mark.parametrize("name", BUNDLES)
@pytest.mark.parametrize("bundle", ["other", "missing"])
def test_an_option_beats_the_bundle_of_the_environment(
    run_module: RunModule, pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, bundle: str
) -> None:
    """Field case O13: corporate images set the variable, sometimes to a file that is not there any more."""
    other = Authority(tmp_path, "corporate").ca_path if bundle == "other" else str(tmp_path / "missing.pem")
    monkeypatch.setenv(name, other)
    assert reached(look(run_module, pair.trusting))


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
@pytest.mark.parametrize("bundle", ["other", "missing"])
def test_switched_off_validation_beats_the_bundle_of_the_environment(
    run_module: RunModule, pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bundle: str
) -> None:
    """Field case O13: a warning says what is lost."""
    other = Authority(tmp_path, "corporate").ca_path if bundle == "other" else str(tmp_path / "missing.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", other)
    args = {**pair.args, "nextcloud_validate_certs": False, "openproject_validate_certs": False}
    result = look(run_module, args)
    assert reached(result), result
    for prefix in ("nextcloud", "openproject"):
        assert any(f"{prefix}_validate_certs is off" in warning for warning in result["warnings"])


def test_without_an_option_the_bundle_of_the_environment_counts(
    run_module: RunModule, pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Field case O13."""
    both = tmp_path / "both.pem"
    both.write_text(Path(pair.clouds.ca_path).read_text() + Path(pair.projects.ca_path).read_text())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(both))
    assert reached(look(run_module, pair.args))


def test_a_bundle_of_the_environment_that_is_missing_is_named(
    run_module: RunModule, pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Field case O13: no traceback, but the variable and the file."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "gone.pem"))
    message = look(run_module, pair.args)["msg"]
    assert f"list the storages on OpenProject ({pair.openproject.url})" in message
    assert str(tmp_path / "gone.pem") in message
    assert "REQUESTS_CA_BUNDLE" in message
    assert "openproject_ca_path" in message


@pytest.mark.parametrize("side", ["nextcloud", "openproject"])
def test_an_unknown_authority_is_refused_with_the_option_named(
    run_module: RunModule, pair: Pair, lab: Lab, side: str
) -> None:
    """The other server's authority does not count for this one."""
    args = pair.trusting
    other = {"nextcloud": "openproject", "openproject": "nextcloud"}[side]
    message = look(run_module, {**args, f"{side}_ca_path": args[f"{other}_ca_path"]})["msg"]
    assert f"({args[f'{side}_url']})" in message
    assert "the TLS connection failed" in message
    assert "certificate verify failed" in message
    assert f"{side}_ca_path" in message
    assert getattr(lab, side).requests == [], "no credentials were sent"


def test_in_check_mode_an_authority_that_an_earlier_task_would_import_is_a_warning(
    run_module: RunModule, pair: Pair, lab: Lab
) -> None:
    """site.yml --check on a fresh pair: role prepare_nextcloud only pretended to import it; a real run is refused."""
    lab.nextcloud.state.certificates.clear()
    looked = look(run_module, pair.trusting)
    assert reached(looked), looked
    (warning,) = [warning for warning in looked["warnings"] if "cURL error 60" in warning]
    refused = run_module("link", pair.trusting)
    assert refused["error"]["result"] == "network_error"
    for message in (warning, refused["msg"]):
        assert "nextcloud_certificate" in message
        assert "prepare_nextcloud_ca_certificates" in message
    assert lab.openproject.state.storages == {}


@pytest.mark.parametrize("profile", ["29", "32"])
def test_the_play_may_go_round_the_tls_ends(run_module: RunModule, tmp_path: Path, profile: str) -> None:
    """Issue 8, point 4: plain http inside, https outside; Nextcloud 29 wants its Secure cookies back."""
    with Lab(nextcloud=profile) as lab:
        pair = Pair(arrange(lab), tmp_path)
        lab.openproject.state.https = True
        inner = link_args(lab, project_folders=True)
        args = {
            **inner,
            "nextcloud_public_url": pair.nextcloud.url,
            "openproject_public_url": pair.openproject.url,
        }
        with pair.nextcloud, pair.openproject:
            result = run_module("link", args)
            assert result.get("changed"), result
            again = run_module("link", {**args, "rotate": ["nextcloud_oauth"]})
            assert [action["side"] for action in again["actions"]] == ["nextcloud", "openproject"], again
        (storage,) = lab.openproject.state.storages.values()
        assert (storage.host, storage.configured) == (f"{pair.nextcloud.url}/", True)
        for server, end in ((lab.nextcloud, pair.nextcloud), (lab.openproject, pair.openproject)):
            assert {exchange.headers["Host"] for exchange in server.requests} == {end.netloc}
            assert {exchange.headers["X-Forwarded-Proto"] for exchange in server.requests} == {"https"}
        refused = [exchange.path for exchange in lab.nextcloud.requests if exchange.status == 412]
        assert refused == [], "the session's cookies went back"


def test_a_certificate_for_another_name_is_told_from_an_unknown_authority(
    run_module: RunModule, lab: Lab, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    with Server(Passing({"/": lab.openproject.url}), tls=authority.context("projects.example.com")) as server:
        message = look(run_module, app_args(lab, openproject_url=server.url, openproject_ca_path=authority.ca_path))[
            "msg"
        ]
    assert "mismatch" in message
    assert "Its certificate is for another name" in message


def test_https_to_a_port_that_speaks_http_is_told(run_module: RunModule, lab: Lab) -> None:
    url = lab.openproject.url.replace("http:", "https:")
    message = look(run_module, app_args(lab, openproject_url=url))["msg"]
    assert "does not speak TLS; check scheme and port in openproject_url" in message


def test_a_tls_end_that_goes_away_is_asked_again(
    run_module: RunModule, lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Field case O16: a load balancer that is restarted closes the connection within the handshake."""
    import socket
    import threading

    authority = Authority(tmp_path)
    context = authority.context("127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        met: list[str] = []

        def serve() -> None:
            rude, _unused = listener.accept()
            met.append("rude")
            rude.recv(10)
            rude.shutdown(socket.SHUT_RDWR)
            rude.close()
            polite, _unused = listener.accept()
            with context.wrap_socket(polite, server_side=True) as talk:
                talk.recv(65536)
                met.append("polite")
                talk.sendall(
                    b"HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
                )

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        result = look(run_module, app_args(lab, openproject_url=url, openproject_ca_path=authority.ca_path))
        thread.join(5)
    assert met == ["rude", "polite"]
    assert "HTTP 401" in result["msg"]


# --- proxies ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy"])
def test_a_proxy_that_is_meant_carries_every_request(
    run_module: RunModule, lab: Lab, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Field case O14: the environment's proxy is used, and the link is made through it."""
    with Server(forwarding) as proxy:
        monkeypatch.setenv(name, proxy.url)
        result = run_module("link", link_args(lab, project_folders=True))
    assert result["changed"], result
    assert {asked.target.split("/")[2] for asked in proxy.asked} == {
        lab.nextcloud.url.split("/")[2],
        lab.openproject.url.split("/")[2],
    }
    assert len(proxy.asked) == len(lab.nextcloud.requests) + len(lab.openproject.requests)
    monkeypatch.delenv(name)
    assert broken_parts(lab) == []


def test_https_goes_through_a_tunnel(
    run_module: RunModule, pair: Pair, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Field case O14: the proxy sees names and ports, no request."""
    with Server(forwarding) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        assert reached(look(run_module, pair.trusting))
    assert {asked.method for asked in proxy.asked} == {"CONNECT"}
    assert {asked.target for asked in proxy.asked} == {pair.nextcloud.netloc, pair.openproject.netloc}
    assert lab.nextcloud.requests


@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
@pytest.mark.parametrize("value", ["127.0.0.1", "127.0.0.0/8", "example.com, 127.0.0.1", "*"])
def test_no_proxy_is_respected(
    run_module: RunModule, lab: Lab, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """Field case O14: with a network as well."""
    with Server(lambda asked: page(403, "Forbidden")) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv(name, value)
        assert reached(look(run_module, link_args(lab)))
    assert proxy.asked == []


def test_one_server_inside_and_one_outside(run_module: RunModule, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Field case O14: no_proxy with a port, which is understood for names only."""
    inside = lab.nextcloud.url.replace("127.0.0.1", "localhost")
    with Server(forwarding) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", inside.removeprefix("http://"))
        assert reached(look(run_module, link_args(lab, nextcloud_url=inside)))
    assert {asked.target.split("/")[2] for asked in proxy.asked} == {lab.openproject.url.removeprefix("http://")}


PROXY_ANSWERS: dict[str, tuple[Said | None, str]] = {
    "a page with 403": (page(403, "Access denied", ("Server", "squid/6")), "Access denied"),
    "a page with 503": (page(503, "Unable to forward"), "Unable to forward"),
    "a page with 200": (page(200, "Accept our terms"), "Accept our terms"),
    "a redirect": (Said(302, b"", (("Location", "http://portal.example.com/"),)), "portal.example.com"),
    "nothing": (DROP, "the connection failed"),
}


@pytest.mark.parametrize("kind", PROXY_ANSWERS)
def test_a_proxy_that_answers_itself_is_named_without_its_credentials(
    run_module: RunModule, lab: Lab, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Field case O14: an internal address goes to the corporate proxy; no_proxy is the way out."""
    said, words = PROXY_ANSWERS[kind]
    with Server(lambda asked: said) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.replace("http://", "http://jane:proxy-password@"))
        message = look(run_module, link_args(lab))["msg"]
    assert words in message
    assert f"through the proxy {proxy.netloc} of the environment" in message
    assert "add 127.0.0.1 to no_proxy" in message
    assert "proxy-password" not in message
    assert "jane" not in message
    assert lab.openproject.requests == []


def test_plain_http_beyond_this_machine_is_warned_of(
    run_module: RunModule, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Server(lambda asked: page(403, "Forbidden")) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        args = link_args(lab, nextcloud_url="http://cloud.example.com", openproject_url="http://projects.example.com")
        warnings = look(run_module, args)["warnings"]
    assert [warning.split(":")[0] for warning in warnings] == [
        "openproject_url is plain http",
        "nextcloud_url is plain http",
    ]
    assert look(run_module, link_args(lab))["warnings"] == [], "on loopback nobody can listen"


def test_a_tunnel_that_is_refused_names_the_proxy(
    run_module: RunModule, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Field case O14."""
    with Server(lambda asked: page(407, "Proxy Authentication Required")) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url.replace("http://", "http://jane:proxy-password@"))
        message = look(run_module, app_args(lab, openproject_url="https://projects.example.com"))["msg"]
    assert "the proxy of the environment did not let the request through" in message
    assert "407" in message
    assert f"through the proxy {proxy.netloc} of the environment" in message
    assert "add projects.example.com to no_proxy" in message
    assert "proxy-password" not in message


def test_a_proxy_that_is_not_there_is_named(run_module: RunModule, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Field case O14."""
    with Server(forwarding) as proxy:
        pass
    monkeypatch.setenv("http_proxy", proxy.url)
    message = look(run_module, link_args(lab))["msg"]
    assert f"through the proxy {proxy.netloc} of the environment" in message


def test_refused_words_of_the_server_itself_stay_when_a_proxy_carries_them(
    run_module: RunModule, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Server(forwarding) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        message = look(run_module, {**link_args(lab), "openproject_api_key": "wrong-but-long-enough"})["msg"]
    assert "You did not provide the correct credentials" in message
    assert "no_proxy" not in message
