# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change ids, names, secrets and addresses of a recording consistently, so that it tells of another pair of servers."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from conformance import masks
from conformance.identities import ID_SPOTS
from conformance.recording import Line

MARKER_VALUE = re.compile(r'(?<= value=")[^"]*(?=">)')
SHIFT = 1000
"""Added to every id that a server handed out."""
TEXTS_OF_DATA = ("body", "stdout", "stdin")
"""Keys of a line's texts that may be JSON."""
SHORTEST_TOKEN = 20
"""Values under a secret's key from this length on are made up by a server, not by the recorder."""


@dataclass
class Renamer:
    """`names` are whole words: old to new. Ids are shifted; made-up secrets are turned round."""

    names: Mapping[str, str]

    def word(self, name: str) -> str:
        """What became of a name."""
        return self.names.get(name, name)

    def lines(self, lines: list[Line]) -> list[Line]:
        secrets: set[str] = set()
        for line in lines:
            _collect(line.data, "", secrets)
        whole = {**self.names, **{secret: secret[::-1] for secret in secrets}}
        self._table = sorted(whole.items(), key=lambda pair: -len(pair[0]))
        return [Line(line.number, self._line(line)) for line in lines]

    def _line(self, line: Line) -> dict[str, Any]:
        data = self._data(line.data, "")
        if line.kind == "occ":
            data["cmd"] = self._command([str(word) for word in data["cmd"]])
            if "groupfolders:create" in data["cmd"] and data.get("stdout", "").strip().isdigit():
                data["stdout"] = f"{int(data['stdout']) + SHIFT}\n"
        assert isinstance(data, dict)
        return data

    def _command(self, words: list[str]) -> list[str]:
        """Ids that stand among the words of a command without a name."""
        renamed = list(words)
        for index, word in enumerate(words):
            folder = index and words[index - 1].startswith("groupfolders:")
            token = "user:auth-tokens:delete" in words[:index]
            if word.isdigit() and (folder or token):
                renamed[index] = str(int(word) + SHIFT)
        return renamed

    def _data(self, data: Any, key: str, holder: Any = None) -> Any:
        if isinstance(data, dict):
            return {self._key(name, value): self._data(value, name, data) for name, value in data.items()}
        if isinstance(data, list):
            return [self._data(value, key, holder) for value in data]
        if isinstance(data, bool) or data is None or isinstance(data, float):
            return data
        kind = masks.kind_of_id(holder) if key == "id" and isinstance(holder, dict) else masks.NUMBERS.get(key, "")
        if isinstance(data, int):
            return data + SHIFT if kind else data
        if kind and data.isdigit():
            return str(int(data) + SHIFT)
        return self._text(str(data), holds_data=key in TEXTS_OF_DATA)

    def _key(self, name: str, value: Any) -> str:
        if name.isdigit() and isinstance(value, dict) and masks.kind_of_id(value) == "folder":
            return str(int(name) + SHIFT)
        return dict(self._table).get(name, name)

    def _text(self, text: str, *, holds_data: bool = False) -> str:
        inner = _parsed(text) if holds_data else None
        if inner is not None:
            layout: dict[str, Any] = {"indent": 4} if "\n" in text.strip() else {"separators": (",", ":")}
            end = "\n" if text.endswith("\n") else ""
            return json.dumps(self._data(inner, ""), **layout) + end
        if text.startswith("<!DOCTYPE"):
            return MARKER_VALUE.sub(self._marker, text)
        text = re.sub(r"(?<=Basic )[A-Za-z0-9+/=]{4,}", self._basic, text)
        for old, new in self._table:
            for old_form, new_form in sorted({(old, new), (quote(old, safe=""), quote(new, safe=""))}):
                text = re.sub(_whole_word(old_form), new_form.replace("\\", "\\\\"), text)
        for _unused, spot in ID_SPOTS:
            text = spot.sub(lambda found: found[1] + str(int(found[2]) + SHIFT), text)
        return text

    def _marker(self, found: re.Match[str]) -> str:
        data = self._data(json.loads(base64.b64decode(found.group())), "")
        return base64.b64encode(json.dumps(data).encode()).decode()

    def _basic(self, found: re.Match[str]) -> str:
        user, colon, password = base64.b64decode(found.group()).decode().partition(":")
        return base64.b64encode(f"{self._text(user)}{colon}{self._text(password)}".encode()).decode()


def _whole_word(text: str) -> str:
    """A pattern for a text that is no part of a longer word; what is percent-encoded ends a word."""
    return rf"(?:(?<![A-Za-z0-9_-])|(?<=%[0-9A-F]{{2}})){re.escape(text)}(?![A-Za-z0-9_-])"


def _parsed(text: str) -> Any:
    if text[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None


def _collect(data: Any, key: str, secrets: set[str]) -> None:
    """The secrets that servers made up, wherever they stand."""
    if isinstance(data, dict):
        for name, value in data.items():
            _collect(value, name, secrets)
    elif isinstance(data, list):
        for value in data:
            _collect(value, key, secrets)
    elif isinstance(data, str):
        if key in masks.SECRETS and len(data) >= SHORTEST_TOKEN:
            secrets.add(data)
        inner = _parsed(data)
        if inner is not None:
            _collect(inner, "", secrets)
        secrets.update(re.findall(r"(?<=app password:\n)\S+", data))
