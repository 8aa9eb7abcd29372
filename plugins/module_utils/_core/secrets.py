# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets that this run has seen, and how to keep them out of every text that leaves it."""

from __future__ import annotations

import base64
import html
import json
import re
import typing as t
from urllib.parse import quote, quote_plus

MASK = "********"
#: within shorter values a line break is not looked for
SHORTEST_WRAPPED = 8
LINE_BREAK = r"\r?\n[ \t]*"


class Secrets:
    """A set of secret strings that grows while the servers hand out new ones.

    Ansible masks the values of C(no_log) options itself, but only in their plain form, and it does not know
    what a server makes. :meth:`censor` masks plain, JSON-escaped, URL-encoded, HTML-escaped and Base64 forms, and
    those that were wrapped into lines.
    """

    def __init__(self, on_add: t.Callable[[str], None] | None = None) -> None:
        self._values: set[str] = set()
        self._on_add = on_add

    def add(self, *values: str | None) -> None:
        """Remember values; empty ones and C(None) are passed over."""
        for value in values:
            if value and value not in self._values:
                self._values.add(value)
                if self._on_add is not None:
                    self._on_add(value)

    def add_returned(self, value: str) -> None:
        """Remember a secret that the module hands to its caller by documented contract.

        It is masked in messages, not in the result.
        """
        if value:
            self._values.add(value)

    def add_credentials(self, username: str, password: str) -> None:
        """Remember a password and the Base64 form in which it travels with its user name."""
        both = f"{username}:{password}"
        self.add(password, both, base64.b64encode(both.encode()).decode().rstrip("="))

    def censor(self, text: str) -> str:
        """The text with every remembered secret replaced, longest first; also where lines were broken within one."""
        unwrapped = re.sub(LINE_BREAK, "", text)
        for value in sorted(self._values, key=len, reverse=True):
            for form in sorted(_forms(value), key=len, reverse=True):
                text = text.replace(form, MASK)
                if len(form) >= SHORTEST_WRAPPED and form in unwrapped:
                    text = re.sub(f"(?:{LINE_BREAK})?".join(map(re.escape, form)), MASK, text)
        return text


def is_text(value: str) -> bool:
    """Whether a value can be sent at all; bytes of a file in another encoding reach a module as lone surrogates."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _forms(value: str) -> set[str]:
    """The forms in which a server, a proxy or a log may show a value."""
    if not is_text(value):
        return {value, repr(value)[1:-1]}
    escaped = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    # PHP escapes the slash in JSON, and angle brackets in upper case; Rails escapes more, and in lower case
    escaped |= {form.replace("/", "\\/") for form in escaped}
    for characters, case in (("<>", str.upper), ("<>&", str.lower)):
        escaped |= {_escape(form, characters, case) for form in escaped}
    encoded = {quote(value, safe=""), quote(value), quote_plus(value), quote(value, safe="!$&'()*+,;=:@/-._~")}
    encoded |= {re.sub(r"%[0-9A-F]{2}", lambda match: match.group().lower(), form) for form in encoded}
    in_page = {html.escape(value, quote=False)}
    # Python, PHP and Ruby differ in how they write an apostrophe
    in_page |= {html.escape(value).replace("&#x27;", apostrophe) for apostrophe in ("&#x27;", "&#039;", "&#39;", "'")}
    in_base64 = {
        form.decode().rstrip("=")
        for data in (value.encode(), f"{value}\n".encode())
        for form in (base64.b64encode(data), base64.urlsafe_b64encode(data))
    }
    return {value, repr(value)[1:-1], *escaped, *encoded, *in_page, *in_base64}


def _escape(text: str, characters: str, case: t.Callable[[str], str]) -> str:
    for character in characters:
        text = text.replace(character, f"\\u{case(f'{ord(character):04x}')}")
    return text
