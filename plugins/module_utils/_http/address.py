# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses of servers: what is accepted, one spelling for each, and when two of them are the same server."""

from __future__ import annotations

import ipaddress
import re
import typing as t
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote, urlsplit

from .._core.errors import BadInput

try:
    import idna
except ImportError:
    # it comes with requests, whose absence the module reports by itself
    IDNA_ERRORS: tuple[type[Exception], ...] = ()
else:
    IDNA_ERRORS = (idna.IDNAError,)

DEFAULT_PORTS = {"http": 80, "https": 443}
LONGEST_HOST = 253
#: stay as they are in a path; everything else becomes ASCII, which is all that Nextcloud takes (NC §1.3)
PATH_CHARACTERS = "/%:~!$&'()*+,;=@"
#: underscores are not allowed by the book but work in container networks; Nextcloud has its own opinion (NC §1.3)
HOST_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")


@dataclass(frozen=True)
class Address:
    """An http(s) address without credentials, query and fragment; the host folded to lower case and ASCII (punycode).

    :param path: sub-path with a leading and without a trailing slash, or empty.
    :param port: only when it is not the scheme's default.
    """

    scheme: str
    host: str
    port: int | None
    path: str
    typed: str

    @classmethod
    def parse(cls, text: str, *, option: str) -> Address:
        """Read an address as a person types it.

        :param option: the option that holds it, named in every message.
        :raises BadInput: not an address that both servers can work with.
        """

        def bad(
            reason: str, remedy: str = "Give an address like https://cloud.example.com or https://example.com/nextcloud"
        ) -> t.NoReturn:
            raise BadInput(f"{option} {reason}", remedy=remedy)

        typed = text.strip()
        if not typed:
            bad("is empty")
        if any(character.isspace() or ord(character) < 32 for character in typed):
            bad("contains white space")
        if "\\" in typed:
            bad("contains a backslash")
        if "@" in typed:
            # looked for before anything else is read: a message about a part of it would show a part of the password
            bad(
                "contains credentials",
                "Leave user name and password out of the address; they have options of their own.",
            )
        try:
            parts = urlsplit(typed)
            port = parts.port
        except ValueError as error:
            bad(f"is not an address ({error})")
        scheme = parts.scheme.lower()
        if scheme not in DEFAULT_PORTS or "//" not in typed:
            bad("does not start with http:// or https://")
        if parts.query or parts.fragment or typed.endswith(("?", "#")):
            bad("has a query or a fragment")
        if not parts.hostname:
            bad("has no host name")
        if port == 0:
            bad("has port 0")
        host = _ascii_host(parts.hostname, bad)
        path = parts.path.rstrip("/")
        while "//" in path:
            path = path.replace("//", "/")
        if any(unquote(part) in (".", "..") for part in path.split("/")):
            bad("has a path with dots")
        if path.endswith("/index.php"):
            path = path[: -len("/index.php")]
        path = quote(path, safe=PATH_CHARACTERS)
        return cls(scheme, host, None if port == DEFAULT_PORTS[scheme] else port, path, typed)

    @property
    def netloc(self) -> str:
        """Host and port as they stand in a C(Host) header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme, host and port, without a path."""
        return f"{self.scheme}://{self.netloc}"

    @property
    def is_loopback(self) -> bool:
        """Whether OpenProject's secure-context rule allows plain http for it (OP §3.9)."""
        if self.host == "localhost" or self.host.endswith(".localhost"):
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"{self.origin}{self.path}"

    def is_same(self, other: str | None) -> bool:
        """Whether another server's spelling means this address.

        Case of the host, default port and trailing slashes do not count.
        """
        if not other:
            return False
        try:
            parsed = Address.parse(other, option="address")
        except BadInput:
            return False
        return replace(parsed, typed="") == replace(self, typed="")


def _ascii_host(host: str, bad: t.Callable[..., t.NoReturn]) -> str:
    host = host.lower().rstrip(".")
    if ":" in host:
        if "%" in host:
            bad(
                "has an IPv6 address with a zone index",
                "A zone index means nothing to another machine; give an address that both servers reach.",
            )
        try:
            return str(ipaddress.IPv6Address(host))
        except ValueError:
            bad("has a broken IPv6 address")
    if not host.isascii():
        try:
            # browsers and both servers follow IDNA 2008, Python's own codec the older IDNA 2003 (ß would become ss)
            host = idna.encode(host, uts46=True).decode("ascii")
        except IDNA_ERRORS:
            bad("has a host name that cannot be written in ASCII (punycode)")
    if len(host) > LONGEST_HOST or not all(HOST_LABEL.fullmatch(label) for label in host.split(".")):
        bad(f"has an impossible host name ({host[:80]!r})")
    return host
