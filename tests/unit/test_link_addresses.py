# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connection by any address: what each server thinks of the other's, public names, sub-paths, IPv6, IDN, portals."""

from __future__ import annotations

import json
import socket
import typing as t
from dataclasses import dataclass

import pytest

from lab import Lab
from unit.between import Asked, Handler, Passing, Said, Server, page
from unit.conftest import RunModule
from unit.labs import Labs
from unit.linking import STORAGE, arrange, forget_requests, link_args
from unit.test_link_preflight import stores

SETTINGS = "integration_openproject"


@pytest.fixture(params=["29", "32"], ids=["nextcloud29", "nextcloud32"])
def lab(request: pytest.FixtureRequest, labs: Labs) -> Lab:
    return arrange(labs.fresh(request.param))


@pytest.fixture
def newest(labs: Labs) -> Lab:
    """One lab where the versions make no difference."""
    return arrange(labs.fresh())


def stored_url(lab: Lab) -> str | None:
    return lab.nextcloud.state.app_value(SETTINGS, "openproject_instance_url")


def stored_hosts(lab: Lab) -> list[str]:
    return [storage.host for storage in lab.openproject.state.storages.values()]


def link_twice(run_module: RunModule, lab: Lab, args: dict[str, t.Any]) -> None:
    """A first run that links, with project folders, and a second one that has nothing to do."""
    args = {**args, "project_folders": True}
    first = run_module("link", args)
    assert first.get("changed"), first
    (storage,) = lab.openproject.state.storages.values()
    assert storage.configured
    assert storage.automatic_management, "OpenProject has tried the application password on Nextcloud"
    second = run_module("link", args)
    assert second.get("changed") is False, second


# --- what Nextcloud thinks of OpenProject's address ------------------------------------------------------------------

PROBES = {
    "invalid": ({"result": "invalid"}, "it is not an address that Nextcloud accepts", "give the ASCII form"),
    "redirected": (
        {"result": "redirected", "details": "https://projects.example.com/"},
        "OpenProject redirects it to https://projects.example.com/",
        "Set openproject_public_url to that address",
    ),
    "not_valid_body": (
        {"result": "not_valid_body", "details": "<html>"},
        "what answers there is not OpenProject",
        "a portal, a proxy, another site",
    ),
    "client_exception": (
        {"result": "client_exception", "details": "404 Not Found"},
        "it was answered with an error (404 Not Found)",
        "the path of the address is wrong",
    ),
    "server_exception": (
        {"result": "server_exception", "details": "500 Internal Server Error"},
        "OpenProject answered with a server error (500 Internal Server Error)",
        "it may still be starting",
    ),
    "request_exception": (
        {"result": "request_exception", "details": "cURL error 56"},
        "the request failed (cURL error 56)",
        "module nextcloud_certificate",
    ),
    "an authority that is not trusted": (
        {"result": "network_error", "details": "cURL error 60: SSL certificate problem"},
        "Nextcloud cannot reach it (cURL error 60: SSL certificate problem)",
        "module nextcloud_certificate",
    ),
    "network_error": (
        {"result": "network_error", "details": "cURL error 6: Could not resolve host: projects"},
        "Nextcloud cannot reach it (cURL error 6: Could not resolve host: projects)",
        "Check name service, firewall and certificate from Nextcloud's server",
    ),
    "unexpected_error": (
        {"result": "unexpected_error", "details": "no Location"},
        "Nextcloud met an unexpected error (no Location)",
        "Look at Nextcloud's log",
    ),
    "local_remote_servers_not_allowed": (
        {"result": "local_remote_servers_not_allowed"},
        "Nextcloud refuses local addresses, and it says the same of a name that it cannot resolve",
        "allow_local_remote_servers",
    ),
    "a word of a later version": ({"result": "teapot"}, 'Nextcloud says "teapot" of it', "Look at Nextcloud's log"),
}


#: what role prepare_nextcloud can set right is only a warning in check mode
MENDED_BEFORE = ("local_remote_servers_not_allowed", "an authority that is not trusted")


@pytest.mark.parametrize("name", PROBES)
def test_every_result_of_nextclouds_look_is_told_before_the_first_write(
    lab: Lab, run_module: RunModule, name: str
) -> None:
    """Issue 3, point 5; the result is a fact to decide on."""
    lab.nextcloud.state.openproject_probe, cause, remedy = PROBES[name]
    lab.nextcloud.read_only = lab.openproject.read_only = True
    before = stores(lab)
    result = run_module("link", link_args(lab))
    assert result["msg"].startswith(
        f"Could not make Nextcloud accept {lab.openproject.url} as the address of OpenProject"
        f" on Nextcloud ({lab.nextcloud.url}): {cause}"
    )
    assert remedy in result["msg"]
    assert result["error"]["result"] == lab.nextcloud.state.openproject_probe["result"]
    assert (lab.nextcloud.refused, lab.openproject.refused) == ([], [])
    assert stores(lab) == before

    foretold = run_module("link", link_args(lab), check_mode=True)
    if name in MENDED_BEFORE:
        assert any(result["msg"] in warning for warning in foretold["warnings"])
    else:
        assert foretold["msg"] == result["msg"]


@dataclass(frozen=True)
class Observed:
    """An address of OpenProject as Nextcloud sees it for real."""

    name: str
    handler: Handler
    result: str
    words: str


SEEN = [
    Observed(
        "redirect",
        lambda asked: Said(301, b"", (("Location", "https://projects.example.com/api/v3/"),)),
        "redirected",
        "https://projects.example.com/",
    ),
    Observed("portal", lambda asked: page(200, "Log in"), "not_valid_body", "a portal"),
    Observed("its own proxy refuses (O22)", lambda asked: page(403, "Denied"), "client_exception", "proxyexclude"),
    Observed("its own proxy fails (O22)", lambda asked: page(503, "No route"), "server_exception", "proxyexclude"),
    Observed("redirect to nowhere", lambda asked: Said(302, b"", ()), "unexpected_error", "no "),
    Observed("nothing", lambda asked: None, "network_error", "proxyexclude"),
]


@pytest.mark.parametrize("observed", SEEN, ids=lambda observed: observed.name)
def test_what_nextcloud_meets_on_its_own_way_is_told(newest: Lab, run_module: RunModule, observed: Observed) -> None:
    """Field case O22: the play reaches OpenProject, Nextcloud does not; also field case O24 for the portal."""
    newest.openproject.state.host_name = None
    with Server(observed.handler) as server:
        result = run_module("link", link_args(newest, openproject_public_url=server.url))
    assert result["error"]["result"] == observed.result
    assert observed.words in result["msg"]
    assert f"Could not make Nextcloud accept {server.url}" in result["msg"]
    assert stored_hosts(newest) == []


@pytest.mark.parametrize(
    "url",
    ["http://openproject.intranet:8080", "http://openproject.lan", "http://100.64.0.7", "http://192.0.0.100:8080"],
)
def test_a_private_name_is_told_with_both_causes(newest: Lab, run_module: RunModule, url: str) -> None:
    """Field case O21: Nextcloud says the same of a private name and of one that does not resolve."""
    newest.nextcloud.state.system["allow_local_remote_servers"] = False
    newest.openproject.state.host_name = None
    message = run_module("link", link_args(newest, openproject_public_url=url))["msg"]
    assert "Nextcloud refuses local addresses" in message
    assert "a name that it cannot resolve" in message
    assert "occ config:system:set allow_local_remote_servers" in message
    assert "name service of Nextcloud's server" in message
    assert stored_hosts(newest) == []


# --- what OpenProject thinks of Nextcloud's address ------------------------------------------------------------------


def version_of_nextcloud(major: int) -> Said:
    return Said(body=json.dumps({"ocs": {"data": {"version": {"major": major}}}}))


def instead(lab: Lab, path: str, said: Said) -> Handler:
    """Pass everything on to Nextcloud but one path, and that only where OpenProject asks."""
    passing = Passing({"/": lab.nextcloud.url})

    def answer(asked: Asked) -> Said:
        return said if asked.path.endswith(path) and asked.header("X-Lab-Peer") else passing(asked)

    return answer


CAPABILITIES, CHECK = "/ocs/v2.php/cloud/capabilities", "/check-config"

HOST_ROWS: dict[str, tuple[t.Callable[[Lab], Handler], tuple[str, ...]]] = {
    "cannot be reached": (
        lambda lab: instead(lab, CAPABILITIES, Said(502)),
        ("Host could not be reached", "check name service, firewall and redirects from its server"),
    ),
    "redirects OpenProject": (
        lambda lab: instead(lab, CAPABILITIES, Said(302, b"", (("Location", "https://sso.example.com/"),))),
        ("Host could not be reached", "redirects"),
    ),
    "is not a Nextcloud": (
        lambda lab: instead(lab, CAPABILITIES, page(200, "Log in")),
        ("Host is not a Nextcloud server", "/ocs/v2.php/cloud/capabilities"),
    ),
    "answers JSON of something else": (
        lambda lab: instead(lab, CAPABILITIES, Said()),
        ("Host is not a Nextcloud server", "Look at what answers at"),
    ),
    "is too old for OpenProject": (
        lambda lab: instead(lab, CAPABILITIES, version_of_nextcloud(21)),
        ("minimal version requirements", "/ocs/v2.php/cloud/capabilities"),
    ),
    "hides the app": (
        lambda lab: instead(lab, CHECK, Said(302, b"", (("Location", "/login"),))),
        ('appears to not have the app "OpenProject integration" installed', "OpenProject itself must reach"),
    ),
    "drops the Authorization header": (
        lambda lab: instead(lab, CHECK, Said(body='{"user_id":"","authorization_header":null}')),
        ('does not receive the "Authorization" header', "mod_rewrite"),
    ),
}


@pytest.mark.parametrize("row", HOST_ROWS)
def test_every_row_that_names_the_host_has_a_remedy_and_leaves_nothing(
    newest: Lab, run_module: RunModule, row: str
) -> None:
    """Issue 3, point 5; OP §3.9. OpenProject looks while it saves: asking it is the first write, which it refuses."""
    handler, words = HOST_ROWS[row]
    with Server(handler(newest)) as server:
        before = stores(newest)
        result = run_module("link", link_args(newest, nextcloud_public_url=server.url, project_folders=True))
    assert f'Could not create the storage "{STORAGE}" on OpenProject ({newest.openproject.url})' in result["msg"]
    for word in words:
        assert word in result["msg"]
    assert server.url in result["msg"]
    assert result["error"]["attribute"] == "host"
    assert stores(newest) == before


def refused_url(lab: Lab, run_module: RunModule, url: str, **more: t.Any) -> str:
    """The message about a Nextcloud that is known by this address; nothing was stored."""
    before = stores(lab)
    result = run_module("link", link_args(lab, nextcloud_public_url=url, **more))
    assert result["failed"], result
    assert stores(lab) == before
    return str(result["msg"])


def test_plain_http_is_refused_where_openproject_wants_https(newest: Lab, run_module: RunModule) -> None:
    newest.nextcloud.state.system["trusted_domains"] = ["cloud.example.com"]
    newest.openproject.read_only = True
    message = refused_url(newest, run_module, "http://cloud.example.com")
    assert "OpenProject accepts plain http only for localhost and loopback addresses" in message
    assert "nextcloud_public_url" in message
    assert newest.openproject.refused == []


def test_an_authority_that_openproject_does_not_trust_is_named_with_its_setting(
    newest: Lab, run_module: RunModule
) -> None:
    newest.openproject.state.trusts_ca = False
    message = refused_url(newest, run_module, newest.nextcloud.url.replace("http:", "https:"))
    assert "Host could not be reached" in message
    assert "SSL_CERT_FILE" in message


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_private_address_is_named_with_the_setting_of_17_6(newest: Lab, run_module: RunModule, language: str) -> None:
    """Field case O31: the setting in both its spellings, and the address that was blocked."""
    newest.openproject.state.version = "17.6.0"
    newest.openproject.state.admin.language = language
    message = refused_url(newest, run_module, newest.nextcloud.url)
    assert "127.0.0.1" in message
    assert "OPENPROJECT_SSRF_PROTECTION_IP_ALLOWLIST" in message
    assert "OPENPROJECT_SSRF__PROTECTION__IP__ALLOWLIST" in message

    newest.openproject.state.ssrf_allow_list.append("127.0.0.0/8")
    link_twice(run_module, newest, link_args(newest))


def test_an_unreachable_host_is_told_in_the_language_of_the_account_with_our_remedy(
    newest: Lab, run_module: RunModule
) -> None:
    """A decision on translated text would fail here."""
    newest.openproject.state.admin.language = "de"
    with Server(instead(newest, CAPABILITIES, Said(502))) as server:
        message = refused_url(newest, run_module, server.url)
    assert "konnte nicht erreicht werden" in message
    assert "SSL_CERT_FILE" in message
    assert "OPENPROJECT_SSRF_PROTECTION_IP_ALLOWLIST" in message


def test_a_host_that_somebody_took_in_the_meantime_is_told(newest: Lab, run_module: RunModule) -> None:
    """The list did not show it: made at the same moment, or left behind while no project was active (OP §16)."""
    newest.openproject.state.add_storage("Somebody's", f"{newest.nextcloud.url}/")
    passing = Passing({"/": newest.openproject.url})

    def forgetful(asked: Asked) -> Said:
        empty = Said(body='{"_type":"Collection","total":0,"_embedded":{"elements":[]}}')
        return empty if (asked.method, asked.path) == ("GET", "/api/v3/storages") else passing(asked)

    with Server(forgetful) as server:
        newest.openproject.state.host_name = server.netloc
        args = link_args(newest, openproject_url=server.url)
        message = run_module("link", args)["msg"]
    assert "Host has already been taken" in message
    assert "perhaps one that no active project shows" in message


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("maintenance", "in maintenance mode"),
        ("upgrade", "waits for an upgrade"),
        ("path", "what answers there is not Nextcloud"),
    ],
)
def test_what_openproject_calls_unreachable_is_told_apart_by_looking_at_nextcloud(
    newest: Lab, run_module: RunModule, state: str, words: str
) -> None:
    """OP §16: a missing app, maintenance and a wrong path are one to OpenProject; here it began just now."""
    passing = Passing({"/": newest.openproject.url})

    def meanwhile(asked: Asked) -> Said:
        if asked.method == "POST":
            cloud = newest.nextcloud.state
            if state == "maintenance":
                cloud.maintenance = True
            elif state == "upgrade":
                cloud.server_needs_upgrade = True
            else:
                cloud.web_root = "/elsewhere"
        return passing(asked)

    with Server(meanwhile) as server:
        newest.openproject.state.host_name = server.netloc
        result = run_module("link", link_args(newest, openproject_url=server.url))
    assert words in result["msg"]
    assert f"Nextcloud ({newest.nextcloud.url})" in result["msg"]
    assert stored_hosts(newest) == []


# --- public names ----------------------------------------------------------------------------------------------------


def test_the_public_names_are_registered_where_the_play_uses_others(lab: Lab, run_module: RunModule) -> None:
    """Field case O19: the play talks to inner names; browsers and the other server use the names before the proxy."""
    with (
        Server(Passing({"/": lab.nextcloud.url})) as cloud,
        Server(Passing({"/": lab.openproject.url})) as projects,
    ):
        lab.openproject.state.host_name = projects.netloc
        args = link_args(lab, nextcloud_public_url=cloud.url, openproject_public_url=projects.url)
        link_twice(run_module, lab, args)
        assert stored_url(lab) == projects.url
        assert stored_hosts(lab) == [f"{cloud.url}/"]
    assert {exchange.headers["Host"] for exchange in lab.openproject.requests} == {projects.netloc}
    assert {exchange.headers["Host"] for exchange in lab.nextcloud.requests} == {cloud.netloc}


def test_the_wrong_host_name_is_told_with_the_option_and_the_right_one_converges(
    newest: Lab, run_module: RunModule
) -> None:
    """Field case O19: the image's name was never changed, and the play talks to a service name."""
    with Server(Passing({"/": newest.openproject.url})) as projects:
        newest.openproject.state.host_name = projects.netloc
        inner = newest.openproject.url
        message = run_module("link", link_args(newest))["msg"]
        assert f"another host name than {inner.removeprefix('http://')}" in message
        assert "openproject_public_url" in message
        link_twice(run_module, newest, link_args(newest, openproject_public_url=projects.url))


# --- sub-paths -------------------------------------------------------------------------------------------------------


@pytest.fixture
def one_host(lab: Lab) -> t.Iterator[Server]:
    """Both products below paths of one host with one port."""
    lab.nextcloud.serve_below("/nextcloud")
    lab.openproject.serve_below("/openproject")
    cloud, projects = (url.rsplit("/", 1)[0] for url in (lab.nextcloud.url, lab.openproject.url))
    with Server(Passing({"/nextcloud": cloud, "/openproject": projects})) as server:
        lab.openproject.state.host_name = server.netloc
        yield server


@pytest.mark.parametrize("slash", ["", "/"], ids=["without slash", "with slash"])
def test_both_products_below_paths_of_one_host(lab: Lab, run_module: RunModule, one_host: Server, slash: str) -> None:
    """Field case O18: no path is doubled, none is lost, and the two are not confused."""
    args = link_args(
        lab, nextcloud_url=f"{one_host.url}/nextcloud{slash}", openproject_url=f"{one_host.url}/openproject{slash}"
    )
    link_twice(run_module, lab, args)
    assert stored_url(lab) == f"{one_host.url}/openproject"
    assert stored_hosts(lab) == [f"{one_host.url}/nextcloud/"]
    products = ("/nextcloud", "/openproject")
    assert all(path.startswith(products) for path in one_host.paths)
    assert not any(f"/{path.split('/')[2]}" in products for path in one_host.paths)
    # another spelling of the same addresses is no change
    forget_requests(lab)
    swapped = {name: f"{args[name].rstrip('/')}{'' if slash else '/'}" for name in ("nextcloud_url", "openproject_url")}
    assert run_module("link", {**args, **swapped, "project_folders": True})["changed"] is False


def test_cookies_of_one_product_do_not_reach_the_other_on_one_host(
    lab: Lab, run_module: RunModule, one_host: Server
) -> None:
    """Field case O18: a jar without paths would mix them."""
    args = link_args(lab, nextcloud_url=f"{one_host.url}/nextcloud", openproject_url=f"{one_host.url}/openproject")
    run_module("link", args)
    with_cookies = [asked.path for asked in one_host.asked if asked.header("Cookie")]
    assert with_cookies
    assert all(path.startswith("/nextcloud/") for path in with_cookies)


def test_addresses_that_were_swapped_are_told(newest: Lab, run_module: RunModule) -> None:
    """The commonest slip; each side says that something else answers."""
    # not the product's requests to that product: conformance has nothing to say about them
    mistaken = {"X-Lab-Peer": "a mistake"}
    with (
        Server(Passing({"/": newest.nextcloud.url}, mistaken)) as cloud,
        Server(Passing({"/": newest.openproject.url}, mistaken)) as projects,
    ):
        newest.openproject.state.host_name = None
        swapped = link_args(newest, openproject_url=cloud.url)
        assert "OpenProject does not answer like that; check openproject_url" in run_module("link", swapped)["msg"]
        twice = link_args(newest, nextcloud_url=projects.url)
        assert "what answers there is not Nextcloud" in run_module("link", twice)["msg"]
    assert stored_hosts(newest) == []


def test_a_page_over_the_empty_answer_of_a_missing_app_does_not_hide_it(newest: Lab, run_module: RunModule) -> None:
    """A web server may replace every 404 by a page of its own."""
    newest.nextcloud.state.disable_app(SETTINGS)
    passing = Passing({"/": newest.nextcloud.url})

    def intercepting(asked: Asked) -> Said:
        said = passing(asked)
        return page(404, "Oops, nothing here") if said.status == 404 else said

    with Server(intercepting) as server:
        message = run_module("link", link_args(newest, nextcloud_url=server.url))["msg"]
    assert "OpenProject Integration (integration_openproject) is missing or disabled" in message


def test_a_forgotten_path_is_told(newest: Lab, run_module: RunModule) -> None:
    """Field case O18."""
    newest.nextcloud.serve_below("/nextcloud")
    root = newest.nextcloud.url.removesuffix("/nextcloud")
    message = run_module("link", link_args(newest, nextcloud_url=root))["msg"]
    assert "Check nextcloud_url, its path too: https://host/nextcloud" in message


# --- unusual hosts ---------------------------------------------------------------------------------------------------


def test_ipv6_literals_on_loopback(lab: Lab, run_module: RunModule) -> None:
    """Field case O23: both servers on [::1] with a port, really spoken to."""
    with (
        Server(Passing({"/": lab.nextcloud.url}), host="::1") as cloud,
        Server(Passing({"/": lab.openproject.url}), host="::1") as projects,
    ):
        lab.openproject.state.host_name = projects.netloc
        spelt = cloud.url.replace("[::1]", "[0:0:0:0:0:0:0:1]")
        link_twice(run_module, lab, link_args(lab, nextcloud_url=spelt, openproject_url=projects.url))
        assert stored_hosts(lab) == [f"{cloud.url}/"]
        assert stored_url(lab) == projects.url
        assert cloud.asked
        assert projects.asked


def test_names_with_umlauts_are_registered_in_their_ascii_form(
    lab: Lab, run_module: RunModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Field case O23: converted once, compared in one form, and messages show what was typed."""
    resolve = socket.getaddrinfo

    def local(host: t.Any, *rest: t.Any, **more: t.Any) -> t.Any:
        name = host.decode() if isinstance(host, bytes) else host
        return resolve("127.0.0.1" if name and str(name).endswith(".localhost") else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", local)
    cloud = lab.nextcloud.url.replace("127.0.0.1", "wölke.localhost")
    projects = lab.openproject.url.replace("127.0.0.1", "Bürö.localhost")
    lab.nextcloud.state.system["trusted_domains"] = ["xn--wlke-5qa.localhost"]
    lab.openproject.state.host_name = projects.replace("Bürö", "xn--br-gkaw").removeprefix("http://")
    args = link_args(lab, nextcloud_url=cloud, openproject_url=projects)
    link_twice(run_module, lab, args)
    assert stored_hosts(lab) == [cloud.replace("wölke", "xn--wlke-5qa") + "/"]
    assert stored_url(lab) == projects.replace("Bürö", "xn--br-gkaw")

    lab.nextcloud.state.maintenance = True
    assert f"Nextcloud ({cloud})" in run_module("link", args)["msg"]


def test_capitals_ports_and_slashes_lose_nothing(lab: Lab, run_module: RunModule) -> None:
    """Issue 3, "Bad input": accepted forms; OpenProject itself refuses a host in capitals (OP §16)."""
    cloud = lab.nextcloud.url.replace("http://127.0.0.1", "HTTP://LocalHost") + "/"
    projects = lab.openproject.url.replace("http", "Http") + "//"
    link_twice(run_module, lab, link_args(lab, nextcloud_url=cloud, openproject_url=projects))
    assert stored_hosts(lab) == [lab.nextcloud.url.replace("127.0.0.1", "localhost") + "/"]
    assert stored_url(lab) == lab.openproject.url


# --- something stands in front ---------------------------------------------------------------------------------------

PORTALS: dict[str, tuple[Said, tuple[str, ...]]] = {
    "page": (page(200, "Company login", ("Server", "portal")), ("HTTP 200", "Company login", "from portal")),
    "redirect": (
        Said(302, b"", (("Location", "https://sso.example.com/start"),)),
        ("HTTP 302", "https://sso.example.com/start", "credentials are not sent along"),
    ),
    "second realm": (
        page(401, "401 Authorization Required", ("WWW-Authenticate", 'Basic realm="Restricted"')),
        ("HTTP 401", 'Basic realm="Restricted"', "asks for a login of its own"),
    ),
}


@pytest.mark.parametrize("side", ["nextcloud", "openproject"])
@pytest.mark.parametrize("kind", PORTALS)
def test_a_portal_in_front_is_told_with_what_must_pass_it(
    newest: Lab, run_module: RunModule, kind: str, side: str
) -> None:
    """Field case O24: which paths the play and the other server need; asked once, and nothing is written."""
    said, words = PORTALS[kind]
    newest.nextcloud.read_only = newest.openproject.read_only = True
    with Server(lambda asked: said) as portal:
        args = link_args(newest)
        args[f"{side}_url"] = portal.url
        message = run_module("link", args)["msg"]
    assert len(portal.asked) == 1
    for word in words:
        assert word in message
    needed = "/ocs/v2.php/cloud/capabilities" if side == "nextcloud" else "/api/v3 and /oauth"
    assert needed in message
    assert (newest.nextcloud.refused, newest.openproject.refused) == ([], [])


def test_a_portal_that_only_openproject_meets_is_told(newest: Lab, run_module: RunModule) -> None:
    """Field case O24: the play has an exemption, the other server has none."""
    passing = Passing({"/": newest.nextcloud.url})
    with Server(lambda asked: page(401, "Log in") if asked.header("X-Lab-Peer") else passing(asked)) as server:
        message = refused_url(newest, run_module, server.url)
    assert f"OpenProject itself must reach {server.url}" in message


@pytest.mark.parametrize("side", ["nextcloud", "openproject"])
def test_a_redirect_is_reported_with_source_and_target_and_not_followed(
    newest: Lab, run_module: RunModule, side: str
) -> None:
    """Field case O20: a server that does not know its own address sends the play elsewhere."""
    with Server(lambda asked: Said()) as elsewhere:
        with Server(lambda asked: Said(301, b"", (("Location", elsewhere.url + asked.target),))) as server:
            args = link_args(newest)
            args[f"{side}_url"] = server.url
            message = run_module("link", args)["msg"]
        assert elsewhere.asked == []
    assert f"redirected from {server.url}/" in message
    assert f"If {elsewhere.url} is this server, set {side}_url to it" in message


def test_a_stripped_authorization_header_is_among_the_causes(newest: Lab, run_module: RunModule) -> None:
    """The web server drops the header altogether: Nextcloud does not even see the play's credentials."""
    with Server(Passing({"/": newest.nextcloud.url}, {"Authorization": None})) as server:
        message = run_module("link", link_args(newest, nextcloud_url=server.url))["msg"]
    assert "the web server drops the Authorization header" in message
