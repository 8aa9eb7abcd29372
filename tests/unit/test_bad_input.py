# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Missing and unusable options end the run before its first request, with the option named and its secret value not."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from lab import Lab
from unit.conftest import RunModule
from unit.labs import Labs
from unit.linking import arrange, broken_parts, link_args

Options = dict[str, t.Any]


@pytest.fixture
def shared(labs: Labs) -> Lab:
    """A lab that runs must not reach."""
    return arrange(labs.fresh())


@pytest.fixture
def lab(labs: Labs) -> Lab:
    return arrange(labs.fresh("29"))


WITHOUT = object()
"""Stands for an option that is not given."""

LINE_FEED = "begins or ends with white space"

#: what is given instead, the option and the reason that the message names
BAD: dict[str, tuple[Options, str, str]] = {
    "no URL of Nextcloud": ({"nextcloud_url": WITHOUT}, "nextcloud_url", "is missing"),
    "no URL of OpenProject": ({"openproject_url": WITHOUT}, "openproject_url", "is missing"),
    "empty URL": ({"nextcloud_url": ""}, "nextcloud_url", "is missing"),
    "blank URL": ({"nextcloud_url": "  "}, "nextcloud_url", "is empty"),
    "URL with user and password": (
        {"nextcloud_url": "https://admin:in-the-address@cloud.example.com"},
        "nextcloud_url",
        "contains credentials",
    ),
    "URL with a user": ({"openproject_url": "https://admin@projects.example.com"}, "openproject_url", "credentials"),
    "host without a scheme": ({"nextcloud_url": "cloud.example.com"}, "nextcloud_url", "does not start with http"),
    "another scheme": (
        {"openproject_url": "ftp://projects.example.com"},
        "openproject_url",
        "does not start with http",
    ),
    "no host": ({"nextcloud_url": "https://"}, "nextcloud_url", "has no host name"),
    "impossible host": ({"nextcloud_url": "https://cloud..example.com"}, "nextcloud_url", "impossible host name"),
    "impossible port": (
        {"openproject_url": "https://projects.example.com:70000"},
        "openproject_url",
        "is not an address",
    ),
    "a template that nobody rendered": ({"nextcloud_url": "https://{{host}}"}, "nextcloud_url", "impossible host name"),
    "zone index (O23)": ({"nextcloud_url": "https://[fe80::1%eth0]"}, "nextcloud_url", "zone index"),
    "query": ({"openproject_url": "https://projects.example.com/?a=b"}, "openproject_url", "query or a fragment"),
    "public URL that is none": ({"nextcloud_public_url": "cloud"}, "nextcloud_public_url", "does not start with http"),
    "public URL with a password": (
        {"openproject_public_url": "https://a:in-the-address@projects.example.com"},
        "openproject_public_url",
        "contains credentials",
    ),
    "no storage name": ({"storage_name": WITHOUT}, "storage_name", "missing required arguments"),
    "empty storage name": ({"storage_name": ""}, "storage_name", "is empty"),
    "blank storage name": ({"storage_name": "   "}, "storage_name", "is empty"),
    "storage name with blanks around": ({"storage_name": " Cloud"}, "storage_name", "white space"),
    "storage name of 256 characters": ({"storage_name": "x" * 256}, "storage_name", "has 256 characters"),
    "storage name of 256 umlauts": ({"storage_name": "ü" * 256}, "storage_name", "has 256 characters"),
    "API key and user name": (
        {"openproject_username": "bootstrap", "openproject_password": "some-long-password"},
        "openproject_api_key|openproject_username",
        "mutually exclusive",
    ),
    "user name without password": (
        {"openproject_api_key": WITHOUT, "openproject_username": "bootstrap"},
        "openproject_password",
        "required together",
    ),
    "neither API key nor user name": ({"openproject_api_key": WITHOUT}, "openproject_api_key", "neither"),
    "empty API key": ({"openproject_api_key": ""}, "openproject_api_key", "is empty"),
    "API key as a user name": (
        {
            "openproject_api_key": WITHOUT,
            "openproject_username": "apikey",
            "openproject_password": "some-long-password",
        },
        "openproject_username",
        "apikey, which is reserved",
    ),
    "no user name of Nextcloud": ({"nextcloud_username": WITHOUT}, "nextcloud_username", ""),
    "no password of Nextcloud": ({"nextcloud_password": WITHOUT}, "nextcloud_password", ""),
    "empty password of Nextcloud": ({"nextcloud_password": ""}, "nextcloud_password", ""),
    "API key with a line feed (O09)": (
        {"openproject_api_key": "opapi-long-token\n"},
        "openproject_api_key",
        LINE_FEED,
    ),
    "API key with a blank (O09)": ({"openproject_api_key": "opapi-long-token "}, "openproject_api_key", LINE_FEED),
    "password of Nextcloud with a line feed (O09)": (
        {"nextcloud_password": "long-password\n"},
        "nextcloud_password",
        LINE_FEED,
    ),
    "password of Nextcloud with a carriage return (O09)": (
        {"nextcloud_password": "long-password\r\n"},
        "nextcloud_password",
        LINE_FEED,
    ),
    "password with a tab in front (O09)": ({"nextcloud_password": "\tlong-password"}, "nextcloud_password", LINE_FEED),
    "password with a line feed inside": (
        {"nextcloud_password": "long-\npassword"},
        "nextcloud_password",
        "contains a control character",
    ),
    "password of global basic authentication with a line feed (O09)": (
        {
            "openproject_api_key": WITHOUT,
            "openproject_username": "bootstrap",
            "openproject_password": "long-password\n",
        },
        "openproject_password",
        LINE_FEED,
    ),
    "user name with a line feed (O09)": ({"nextcloud_username": "admin\n"}, "nextcloud_username", LINE_FEED),
    "user name with a colon": ({"nextcloud_username": "ad:min"}, "nextcloud_username", "contains a colon"),
    "time-out of nothing": ({"nextcloud_timeout": 0}, "nextcloud_timeout", "is not a number of seconds"),
    "negative time-out": ({"openproject_timeout": -1}, "openproject_timeout", "is not a number of seconds"),
    "time-out that is no number": ({"openproject_timeout": "nan"}, "openproject_timeout", "is not a number of seconds"),
    "endless time-out": ({"openproject_timeout": "inf"}, "openproject_timeout", "is not a number of seconds"),
    "time-out in words": ({"nextcloud_timeout": "soon"}, "nextcloud_timeout", "unable to convert to float"),
    "CA that is not there (O13)": ({"nextcloud_ca_path": "/nowhere/ca.pem"}, "nextcloud_ca_path", "cannot be read"),
    "CA that is none (O13)": ({"openproject_ca_path": __file__}, "openproject_ca_path", "holds no certificate"),
    "unknown secret to rotate": ({"rotate": ["everything"]}, "rotate", "value of rotate must be one or more of"),
}


@pytest.mark.parametrize("check_mode", [False, True], ids=["real", "check"])
@pytest.mark.parametrize("name", BAD)
def test_an_unusable_option_is_named_before_the_first_request(
    shared: Lab, run_module: RunModule, name: str, check_mode: bool
) -> None:
    """Issue 3, "Bad input"; field cases O09, O13 and O23 stand in the names."""
    changes, option, reason = BAD[name]
    args = {key: value for key, value in {**link_args(shared), **changes}.items() if value is not WITHOUT}
    result = run_module("link", args, check_mode=check_mode)
    assert result["failed"]
    assert option in result["msg"]
    assert reason in result["msg"]
    assert shared.nextcloud.requests == []
    assert shared.openproject.requests == []
    for secret in ("in-the-address", "opapi-long-token", "long-password", "long-\npassword"):
        assert secret not in str(result)


def test_a_storage_name_of_255_characters_is_taken(lab: Lab, run_module: RunModule) -> None:
    name = "Dateien «Köln» 🗂 " + "ß" * (255 - 17)
    assert len(name) == 255
    args = link_args(lab, storage_name=name)
    assert run_module("link", args)["changed"]
    assert [storage.name for storage in lab.openproject.state.storages.values()] == [name]
    assert not run_module("link", args)["changed"]


@pytest.mark.parametrize("spelling", ["{} ", " {}", "{}\n", "{}/", "{}//", "{}/index.php"])
def test_an_address_may_carry_what_people_paste(lab: Lab, run_module: RunModule, spelling: str) -> None:
    """Field case O09: unlike a secret, an address is trimmed silently."""
    args = link_args(lab)
    plain = {name: args[name] for name in ("nextcloud_url", "openproject_url")}
    args.update({name: spelling.format(url) for name, url in plain.items() if "index.php" not in spelling})
    args["nextcloud_url"] = spelling.format(plain["nextcloud_url"])
    assert run_module("link", args)["changed"]
    assert broken_parts(lab, folders=False) == []
    assert not run_module("link", {**args, **plain})["changed"]


ODD_SECRETS = {
    "jinja braces (O08)": "long-a{{b}}",
    "jinja statement (O08)": "long-x{%xx%}",
    "jinja comment (O08)": "long-{#c#}",
    "umlaut (O10)": "Grün-und-lang",
    "euro (O10)": "zehn-10€-lang",
    "Cyrillic (O10)": "длинный-пароль",
    "emoji (O10)": "lang-🔑-🙂",
    "quotes (O06)": "long\"'`$HOME\\%",
    "colons": "long:with:colons:",
    "blank at the end (O09)": "long-with-a-blank ",
    "blank in front (O09)": " long-with-a-blank",
    "dash in front": "-long-with-a-dash",
    "like a number": "0012345678",
    "like nothing": "null",
}


@pytest.mark.parametrize("name", ODD_SECRETS)
def test_a_secret_arrives_as_it_is(lab: Lab, run_module: RunModule, name: str) -> None:
    """Field cases O08, O09 and O10: the value is neither rendered nor trimmed nor encoded otherwise."""
    secret = ODD_SECRETS[name]
    lab.nextcloud.state.users["admin"].password = secret
    user, _unused = lab.openproject.basic_auth
    lab.openproject.state.basic_auth = (user, secret)
    args = link_args(lab, nextcloud_password=secret, openproject_username=user, openproject_password=secret)
    del args["openproject_api_key"]
    result = run_module("link", args)
    assert result.get("changed"), result
    blanks = [warning for warning in result["warnings"] if "begins or ends with a blank" in warning]
    assert len(blanks) == (2 if secret != secret.strip() else 0)


@pytest.mark.parametrize("username", ["Jürgen", "€uro", "админ", "bob 🙂"])
def test_an_account_may_have_any_name(lab: Lab, run_module: RunModule, username: str) -> None:
    """Field case O10: a wrong password is tried once, not in another encoding."""
    state = lab.nextcloud.state
    admin = state.users.pop("admin")
    admin.uid = username
    state.users[username] = admin
    state.groups["admin"].members[:] = [username]
    args = link_args(lab, nextcloud_username=username)
    assert run_module("link", args).get("changed")

    lab.nextcloud.log.clear()
    wrong = run_module("link", {**args, "nextcloud_password": "falsch-aber-lang-€"})
    assert f"does not accept the password of {username}" in wrong["msg"]
    assert len(lab.nextcloud.requests) == 1


def test_bytes_of_a_latin_1_file_do_not_break_the_run(shared: Lab, run_module: RunModule, tmp_path: Path) -> None:
    """Field case O10: Ansible hands on what it could not decode as surrogates; that is an unusable secret."""
    undecodable = b"gr\xfcn-und-lang".decode("utf-8", "surrogateescape")
    result = run_module("link", link_args(shared, nextcloud_password=undecodable))
    assert result["failed"]
    assert "nextcloud_password" in result["msg"]
    assert shared.nextcloud.requests == []
