# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connection options of both products: one builder, so that the two sets cannot drift apart."""

from __future__ import annotations

import typing as t

from .._core.argspec import ArgumentSpec
from .._core.errors import BadInput
from .._core.secrets import is_text
from .address import Address
from .client import Connection, check_ca_path

DEFAULT_TIMEOUT = 30.0
LONGEST_TIMEOUT = 3600.0


def http_options(prefix: str) -> dict[str, dict[str, t.Any]]:
    """The options that say how one server is reached, for a product prefix such as C(nextcloud)."""
    return {
        f"{prefix}_url": {"type": "str"},
        f"{prefix}_public_url": {"type": "str"},
        f"{prefix}_username": {"type": "str"},
        f"{prefix}_password": {"type": "str", "no_log": True},
        f"{prefix}_ca_path": {"type": "path"},
        f"{prefix}_validate_certs": {"type": "bool", "default": True},
        f"{prefix}_timeout": {"type": "float", "default": DEFAULT_TIMEOUT},
    }


def http_spec(prefix: str, **more: dict[str, t.Any]) -> ArgumentSpec:
    """The same as a spec."""
    return ArgumentSpec(options={**http_options(prefix), **more})


def connection(
    params: t.Mapping[str, t.Any],
    prefix: str,
    product: str,
    *,
    username: str,
    password: str,
    warn: t.Callable[[str], None],
) -> Connection:
    """A connection from a module's options.

    :raises BadInput: an option is missing or unusable; nothing was sent yet.
    """
    url = params[f"{prefix}_url"]
    if not url:
        raise BadInput(
            f"{prefix}_url is missing",
            remedy=f"Give the address of {product}, once for all modules in module_defaults or here",
        )
    address = Address.parse(url, option=f"{prefix}_url")
    public_url = params[f"{prefix}_public_url"]
    public = Address.parse(public_url, option=f"{prefix}_public_url") if public_url else address
    ca_path, validate = params[f"{prefix}_ca_path"], params[f"{prefix}_validate_certs"]
    check_ca_path(ca_path, f"{prefix}_ca_path")
    # written so that nan, which is a float too, does not pass
    if not 0 < params[f"{prefix}_timeout"] <= LONGEST_TIMEOUT:
        raise BadInput(
            f"{prefix}_timeout is not a number of seconds between 0 and {LONGEST_TIMEOUT:g}",
            remedy=f"It counts for each request; {DEFAULT_TIMEOUT:g} is the default",
        )
    if address.scheme == "http" and not address.is_loopback:
        warn(
            f"{prefix}_url is plain http: credentials and secrets cross the network readable for everybody on the way."
        )
    if not validate:
        warn(f"{prefix}_validate_certs is off: nobody checks that the server at {address} is {product}.")
    return Connection(
        product=product,
        prefix=prefix,
        address=address,
        public=public,
        username=username,
        password=password,
        timeout=params[f"{prefix}_timeout"],
        verify=(ca_path or True) if validate else False,
    )


def check_secret(value: str, option: str, *, warn: t.Callable[[str], None], blanks: bool = True) -> str:
    """Refuse a secret that a file or a form has spoilt; a wrong login would only be throttled (field case O09).

    :param blanks: blanks at the ends may be meant (passwords); tokens never have any.
    :raises BadInput: empty, or with a line feed, a tab or another control character.
    """
    if not value:
        raise BadInput(f"{option} is empty")
    _require_text(value, option)
    if value != value.strip("\r\n\t") or (not blanks and value != value.strip()):
        raise BadInput(
            f"{option} begins or ends with white space",
            remedy="It probably came from a file that ends in a line feed; remove it (in templates: | trim)."
            " A blank that really belongs to a password is sent as it is",
        )
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise BadInput(f"{option} contains a control character")
    if value != value.strip():
        warn(f"{option} begins or ends with a blank, which is sent as part of it.")
    return value


def _require_text(value: str, option: str) -> None:
    if not is_text(value):
        raise BadInput(
            f"{option} is not text in UTF-8",
            remedy="It probably came from a file in another encoding; convert that file",
        )


def check_username(value: str, option: str) -> str:
    """Refuse a user name that HTTP Basic cannot carry.

    :raises BadInput: empty, with white space at an end, with a colon or a control character.
    """
    if not value:
        raise BadInput(f"{option} is empty")
    _require_text(value, option)
    if value != value.strip():
        raise BadInput(f"{option} begins or ends with white space")
    if ":" in value or any(ord(character) < 32 for character in value):
        raise BadInput(
            f"{option} contains a colon or a control character, which HTTP Basic authentication cannot carry"
        )
    return value
