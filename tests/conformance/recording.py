# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recordings as lines, in the form of tests/fixtures/recorded/."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from conformance import runner_lines, scope

RECORDED = Path(__file__).parent.parent / "fixtures" / "recorded"
LEFT_OUT = RECORDED / "left-out.json"
"""How many exchanges the recordings hold that are not replayed at all."""

PORTS = {
    **dict.fromkeys((8181, 8182, 8191, 8281, 8291), scope.NEXTCLOUD),
    **dict.fromkeys((8080, 8380), scope.OPENPROJECT),
}
"""Which server listened where while the recordings were made; 8182 is the Nextcloud without rewriting."""


@dataclass(frozen=True)
class Line:
    """One line of a recording; `number` is its place in the original file, counted from 0."""

    number: int
    data: dict[str, Any]

    @property
    def kind(self) -> str:
        return str(self.data["kind"])

    @property
    def note(self) -> str:
        return str(self.data.get("note") or "")

    @property
    def server(self) -> str:
        """The server that an exchange was with; occ belongs to Nextcloud."""
        if self.kind != "http":
            return scope.NEXTCLOUD
        return PORTS.get(urlsplit(self.data["request"]["url"]).port or 0, "")

    @property
    def argv(self) -> list[str]:
        """The words after `occ`."""
        return split_command(self.data["cmd"])[1]

    @property
    def is_exchange(self) -> bool:
        """Something was asked of a server, over HTTP or by occ."""
        return self.kind in ("http", "occ", "runner")

    @property
    def in_scope(self) -> bool:
        if self.kind == "occ":
            return scope.command_in_scope(self.argv)
        if self.kind == "runner":
            return runner_lines.comparable(self)
        if self.kind != "http" or not self.server:
            return False
        request = self.data["request"]
        return scope.route_in_scope(self.server, request["method"], urlsplit(request["url"]).path)

    @property
    def title(self) -> str:
        """The exchange in a few words."""
        if self.kind == "occ":
            text = "occ " + " ".join(self.argv)
        elif self.kind == "http":
            address = urlsplit(self.data["request"]["url"])
            query = f"?{address.query}" if address.query else ""
            text = f"{self.data['request']['method']} {address.path}{query}"
        else:
            text = self.kind
        return f"{text[:100]} ({self.note})" if self.note else text[:100]


def split_command(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """What starts occ, and occ's own words."""
    for index, word in enumerate(words):
        if word.rpartition("/")[2] in ("occ", "console.php"):
            return list(words[: index + 1]), list(words[index + 1 :])
    return list(words), []


def load(name: str) -> list[Line]:
    """The lines of a recording, `nextcloud-29/occ`."""
    return parse((RECORDED / f"{name}.jsonl").read_text(encoding="utf-8"))


def parse(text: str) -> list[Line]:
    return list(_lines(text))


def _lines(text: str) -> Iterator[Line]:
    for row in text.splitlines():
        data = json.loads(row)
        yield Line(data.pop("line"), data)
