# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses as people type them: one spelling for each, and none that a server could not work with."""

from __future__ import annotations

import pytest

from ansible_collections.opnc.integration.plugins.module_utils._core.errors import BadInput
from ansible_collections.opnc.integration.plugins.module_utils._http.address import Address

SPELLINGS = [
    ("https://cloud.example.com", "https://cloud.example.com"),
    ("https://cloud.example.com/", "https://cloud.example.com"),
    ("https://cloud.example.com//", "https://cloud.example.com"),
    ("  https://cloud.example.com \n", "https://cloud.example.com"),
    ("HTTPS://Cloud.Example.COM", "https://cloud.example.com"),
    ("https://cloud.example.com.", "https://cloud.example.com"),
    ("https://cloud.example.com:443", "https://cloud.example.com"),
    ("http://cloud.example.com:80/", "http://cloud.example.com"),
    ("http://cloud.example.com:443", "http://cloud.example.com:443"),
    ("https://cloud.example.com:8443/", "https://cloud.example.com:8443"),
    ("https://cloud.example.com:/", "https://cloud.example.com"),
    ("https://example.com/nextcloud", "https://example.com/nextcloud"),
    ("https://example.com/nextcloud/", "https://example.com/nextcloud"),
    ("https://example.com/Next//Cloud///", "https://example.com/Next/Cloud"),
    ("https://example.com/nextcloud/index.php", "https://example.com/nextcloud"),
    ("https://example.com/index.php/", "https://example.com"),
    ("https://example.com/wölke", "https://example.com/w%C3%B6lke"),
    ("https://example.com/w%C3%B6lke", "https://example.com/w%C3%B6lke"),
    ("https://192.0.2.7:8443", "https://192.0.2.7:8443"),
    ("http://openproject_web:8080", "http://openproject_web:8080"),
    ("http://localhost:3000", "http://localhost:3000"),
    ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
    ("https://[2001:DB8:0:0::1]/", "https://[2001:db8::1]"),
    ("http://[::1]", "http://[::1]"),
    ("https://wolke.köln", "https://wolke.xn--kln-sna"),
    ("https://WOLKE.KÖLN/", "https://wolke.xn--kln-sna"),
    ("https://wolke.xn--kln-sna", "https://wolke.xn--kln-sna"),
    ("https://straße.example", "https://xn--strae-oqa.example"),
]


@pytest.mark.parametrize(("typed", "spelt"), SPELLINGS, ids=[repr(typed) for typed, _unused in SPELLINGS])
def test_every_spelling_becomes_one_and_nothing_is_lost(typed: str, spelt: str) -> None:
    """Field case O23: IDN and IPv6 literals among them."""
    address = Address.parse(typed, option="nextcloud_url")
    assert str(address) == spelt
    assert str(Address.parse(str(address), option="nextcloud_url")) == spelt
    assert address.typed == typed.strip()
    assert address.is_same(typed)
    assert address.is_same(spelt + "/")


UNUSABLE = {
    "": "is empty",
    "   ": "is empty",
    "cloud.example.com": "does not start with http",
    "cloud.example.com:8443": "does not start with http",
    "//cloud.example.com": "does not start with http",
    "ftp://cloud.example.com": "does not start with http",
    "https:cloud.example.com": "does not start with http",
    "https:/cloud.example.com": "does not start with http",
    "https://": "has no host name",
    "https://:8443": "has no host name",
    "https:///nextcloud": "has no host name",
    "https://cloud.example.com:0": "has port 0",
    "https://cloud.example.com:99999": "is not an address",
    "https://cloud.example.com:https": "is not an address",
    "https://[2001:db8::1": "is not an address",
    "https://2001:db8::1": "is not an address",
    "https://[fe80::1%eth0]": "zone index",
    "https://[fe80::1%25eth0]:8443": "zone index",
    "https://cloud example.com": "contains white space",
    "https://cloud.example.com/next cloud": "contains white space",
    "https://cloud.example.com\\nextcloud": "contains a backslash",
    "https://cloud.example.com/?x=1": "has a query or a fragment",
    "https://cloud.example.com/#top": "has a query or a fragment",
    "https://cloud.example.com?": "has a query or a fragment",
    "https://cloud.example.com/a/../b": "has a path with dots",
    "https://cloud.example.com/%2e%2e/b": "has a path with dots",
    "https://cloud..example.com": "has an impossible host name",
    "https://-cloud.example.com": "has an impossible host name",
    "https://cloud<.example.com": "has an impossible host name",
    "https://cloud,example.com": "has an impossible host name",
    "https://{{ host }}": "contains white space",
    "https://{{host}}": "has an impossible host name",
    f"https://{'a' * 64}.example.com": "has an impossible host name",
    f"https://{'a.' * 130}com": "has an impossible host name",
    "https://☃\u200b☃.example.com/": "cannot be written in ASCII",
    "https://wolke_ö.köln": "cannot be written in ASCII",
}


@pytest.mark.parametrize("typed", UNUSABLE, ids=repr)
def test_an_unusable_address_is_refused_with_its_option(typed: str) -> None:
    """Field case O23: a zone index is among them."""
    with pytest.raises(BadInput) as failure:
        Address.parse(typed, option="nextcloud_url")
    assert failure.value.message.startswith("nextcloud_url ")
    assert UNUSABLE[typed] in failure.value.message
    assert "https://" in failure.value.remedy or "both servers reach" in failure.value.remedy


@pytest.mark.parametrize(
    "typed",
    [
        "https://admin:hunter22@cloud.example.com",
        "https://admin@cloud.example.com/",
        "https://admin:hunter22/@cloud.example.com",
        "https://admin:hunter22#@cloud.example.com",
        "https://admin:hun?ter22@cloud.example.com",
        "https://admin:[hunter22@cloud.example.com",
        "admin:hunter22@cloud.example.com",
    ],
)
def test_credentials_in_an_address_are_refused_and_not_shown(typed: str) -> None:
    with pytest.raises(BadInput, match="openproject_url contains credentials") as failure:
        Address.parse(typed, option="openproject_url")
    for piece in ("hunter22", "ter22", "admin"):
        assert piece not in failure.value.message


@pytest.mark.parametrize(
    "other",
    [
        None,
        "",
        "http://cloud.example.com",
        "https://cloud.example.com:8443",
        "https://cloud.example.com/nextcloud",
        "https://cloud.example.org",
        "not an address",
    ],
)
def test_another_address_is_not_the_same(other: str | None) -> None:
    assert not Address.parse("https://cloud.example.com", option="nextcloud_url").is_same(other)


@pytest.mark.parametrize(
    ("typed", "loopback"),
    [
        ("http://localhost:3000", True),
        ("http://cloud.localhost", True),
        ("http://127.0.0.1", True),
        ("http://127.9.9.9", True),
        ("http://[::1]:8080", True),
        ("http://192.168.1.2", False),
        ("http://localhost.example.com", False),
        ("http://[2001:db8::1]", False),
    ],
)
def test_plain_http_is_for_loopback_only(typed: str, loopback: bool) -> None:
    assert Address.parse(typed, option="nextcloud_url").is_loopback is loopback


@pytest.mark.parametrize(
    ("typed", "netloc", "origin"),
    [
        ("https://cloud.example.com/nextcloud", "cloud.example.com", "https://cloud.example.com"),
        ("https://cloud.example.com:8443", "cloud.example.com:8443", "https://cloud.example.com:8443"),
        ("http://[2001:db8::1]:8080/nc", "[2001:db8::1]:8080", "http://[2001:db8::1]:8080"),
        ("https://wolke.köln:444/", "wolke.xn--kln-sna:444", "https://wolke.xn--kln-sna:444"),
    ],
)
def test_host_and_port_as_they_stand_in_a_request(typed: str, netloc: str, origin: str) -> None:
    address = Address.parse(typed, option="nextcloud_url")
    assert (address.netloc, address.origin) == (netloc, origin)
