# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets that this run has seen, and how to keep them out of every text that leaves it."""

from __future__ import annotations

import base64
import html
import json
import typing as t
from urllib.parse import quote, quote_plus

MASK = "********"


class Secrets:
    """A set of secret strings that grows while the servers hand out new ones.

    Ansible masks the values of C(no_log) options itself, but only in their plain form, and it does not know
    what a server makes. :meth:`censor` masks plain, JSON-escaped, URL-encoded, HTML-escaped and Base64 forms.
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
        """Remember a secret that the module hands to its caller by documented contract: masked in messages, not in the result."""
        if value:
            self._values.add(value)

    def add_credentials(self, username: str, password: str) -> None:
        """Remember a password and the Base64 form in which it travels with its user name."""
        self.add(password, base64.b64encode(f"{username}:{password}".encode()).decode())

    def censor(self, text: str) -> str:
        """The text with every remembered secret replaced, longest first."""
        for value in sorted(self._values, key=len, reverse=True):
            for form in sorted(_forms(value), key=len, reverse=True):
                text = text.replace(form, MASK)
        return text


def _forms(value: str) -> set[str]:
    escaped = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    # PHP escapes the slash in JSON, Python does not
    escaped |= {form.replace("/", "\\/") for form in escaped}
    encoded = {quote(value, safe=""), quote(value), quote_plus(value)}
    return (
        {value, html.escape(value), html.escape(value, quote=False), repr(value)[1:-1]}
        | escaped
        | encoded
        | {base64.b64encode(value.encode()).decode().rstrip("=")}
    )
