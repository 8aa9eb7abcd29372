# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which value of the lab stands for which recorded one: ids, secrets, tokens, addresses.

An exchange that handed out X is answered by the lab with Y; later requests say Y where the recording says X, and
later answers are expected to say so too. A value that would have to stand for two others is a difference.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

_TO_VALUE = r"(?:%[0-9A-F]{2}|[^0-9%])*?values(?:%[0-9A-F]{2}|[^0-9%])+?"
"""From the name of a filter to its value, percent-encoded or not."""
_IN_FILTER = f"_?[iI]d{_TO_VALUE}"

ID_SPOTS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(f"({prefix})([0-9]+)"))
    for kind, prefix in (
        ("storage", "/storages/"),
        ("storage", f"storage{_IN_FILTER}"),
        ("oauth_application", "/oauth_applications/"),
        ("oauth_client_credentials", "/oauth_client_credentials/"),
        ("project_storage", "/project_storages/"),
        ("project", "/api/v3/projects/"),
        ("project", f"project{_IN_FILTER}"),
        ("openproject_user", "/api/v3/users/"),
        ("file", "fileid="),
        ("file", "/f/"),
        ("folder", "/folders/"),
        ("folder", "(?:Folder not found|for folder): "),
        ("file", "/files/"),
        ("storage", "storage_id="),
        ("project", f"%22project%22{_TO_VALUE}"),
        ("storage", f"%22storage%22{_TO_VALUE}"),
    )
)
"""Where a text names something by a number that its server handed out."""

SECRET_SPOTS = (
    re.compile(r"(?<=/oauth_clients/)[A-Za-z0-9_-]{20,}(?=/callback)"),
    re.compile(r"(?<=client_id=)[A-Za-z0-9_-]{20,}"),
    re.compile(r"(?<=[?&]code=)[A-Za-z0-9]{20,}"),
)
"""Where a text holds an identifier that its server made up."""

SHORTEST_SECRET = 8
"""Shorter values are not looked for inside other texts."""


class Conflict(Exception):
    """A value would have to stand for two different ones."""


class Identities:
    """The pairs that were learnt so far."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts: dict[str, str] = dict(texts)
        self._numbers: dict[tuple[str, int], int] = {}

    def learn_text(self, recorded: str, lab: str) -> None:
        """`lab` stands for `recorded`; raises Conflict when another value does already."""
        known = self._texts.setdefault(recorded, lab)
        if known != lab:
            raise Conflict(f"{recorded!r} was {known!r} before and is {lab!r} now")

    def learn_number(self, kind: str, recorded: int, lab: int) -> None:
        """As for texts, per kind of thing."""
        known = self._numbers.setdefault((kind, recorded), lab)
        if known != lab:
            raise Conflict(f"{kind} {recorded} was {known} before and is {lab} now")

    def forget_numbers(self) -> None:
        """The server counts from the start again."""
        self._numbers.clear()

    def number(self, kind: str, recorded: int) -> int:
        return self._numbers.get((kind, recorded), recorded)

    def translate(self, text: str) -> str:
        """A recorded text as the lab would say it."""
        for kind, spot in ID_SPOTS:
            text = spot.sub(self._renumber(kind), text)
        text = re.sub(r"(?<=Basic )[A-Za-z0-9+/=]{4,}", self._translate_basic, text)
        if text in self._texts:
            return self._texts[text]
        for recorded, lab in sorted(self._texts.items(), key=lambda pair: -len(pair[0])):
            if len(recorded) < SHORTEST_SECRET:
                continue
            text = text.replace(recorded, lab)
            if quote(recorded, safe="") != recorded:
                text = text.replace(quote(recorded, safe=""), quote(lab, safe=""))
                text = text.replace(quote(recorded), quote(lab))
        return text

    def learn_spots(self, recorded: str, lab: str) -> None:
        """Learn what two texts name at the same spots; texts that differ in their spots teach nothing."""
        for kind, spot in ID_SPOTS:
            for (_unused, old), (_unused, new) in _pairs(spot, recorded, lab):
                self.learn_number(kind, int(old), int(new))
        for spot in SECRET_SPOTS:
            for old, new in _pairs(spot, recorded, lab):
                self.learn_text(old, new)

    def _renumber(self, kind: str) -> Callable[[re.Match[str]], str]:
        return lambda found: found[1] + str(self.number(kind, int(found[2])))

    def _translate_basic(self, found: re.Match[str]) -> str:
        try:
            user, colon, password = base64.b64decode(found.group(), validate=True).decode().partition(":")
        except ValueError:
            return found.group()
        pair = f"{self.translate_word(user)}{colon}{self.translate_word(password)}"
        return base64.b64encode(pair.encode()).decode()

    def translate_word(self, word: str) -> str:
        """A whole value, such as a password, however short."""
        return self._texts.get(word, word)


def _pairs(spot: re.Pattern[str], recorded: str, lab: str) -> Iterator[tuple[Any, Any]]:
    old, new = spot.findall(recorded), spot.findall(lab)
    return iter(zip(old, new, strict=True)) if len(old) == len(new) else iter(())
