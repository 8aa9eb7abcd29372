# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold an answer of the lab against the recorded one."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance import masks
from conformance.identities import Conflict, Identities

MARKER = re.compile(
    r'id="(initial-state-(?:integration_openproject-[^"]+|core-loginFlowAuth|settings-app_tokens))" value="([^"]*)"'
)
"""What clients read of Nextcloud's pages."""

_ABSENT = object()


@dataclass(frozen=True)
class Answer:
    """An answer over HTTP: `text` is the body. One of occ: `status` is the exit code, `text` standard output."""

    status: int
    text: str
    content_type: str = ""
    error_text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


class Comparison:
    """Learns what stands for what, then lists what differs."""

    def __init__(self, identities: Identities) -> None:
        self.identities = identities
        self.differences: list[str] = []

    def of_http(self, recorded: Answer, lab: Answer) -> list[str]:
        self._equal("status", recorded.status, lab.status)
        self._equal("content type", recorded.content_type.lower(), lab.content_type.lower())
        for name, value in recorded.headers.items():
            own = lab.headers.get(name.lower())
            self._learn(lambda value=value, own=own: self.identities.learn_spots(value, own or ""))
            self._equal(f"header {name}", self.identities.translate(value), own)
        if "html" in recorded.content_type.lower():
            self._pages(recorded.text, lab.text)
        else:
            self._texts("body", recorded.text, lab.text)
        return self.differences

    def of_occ(self, recorded: Answer, lab: Answer) -> list[str]:
        self._equal("exit code", recorded.status, lab.status)
        self._texts("stdout", recorded.text, lab.text)
        self._plain("stderr", recorded.error_text, lab.error_text)
        return self.differences

    def _equal(self, what: str, recorded: Any, lab: Any) -> None:
        # To Python, True is 1.
        if recorded != lab or isinstance(recorded, bool) is not isinstance(lab, bool):
            self.differences.append(f"{what}: {_short(recorded)} recorded, {_short(lab)} in the lab")

    def _pages(self, recorded: str, lab: str) -> None:
        """Of an HTML page only the marker that clients rely on counts, and that it is a page."""
        self._equal("a page", bool(recorded.strip()), bool(lab.strip()))
        old, new = _markers(recorded), _markers(lab)
        self._equal("markers", sorted(old), sorted(new))
        for name in old.keys() & new.keys():
            self._data(f"{name}: ", old[name], new[name])

    def _texts(self, what: str, recorded: str, lab: str) -> None:
        old, new = _json(recorded), _json(lab)
        if old is not _ABSENT and new is not _ABSENT and isinstance(old, dict | list):
            self._equal(f"{what} in lines", "\n" in recorded.strip(), "\n" in lab.strip())
            self._data(f"{what} ", old, new)
            return
        self._plain(what, recorded, lab)

    def _plain(self, what: str, recorded: str, lab: str) -> None:
        self._learn(lambda: self.identities.learn_spots(recorded, lab))
        self._equal(what, masks.masked(self.identities.translate(recorded)), masks.masked(lab))

    def _data(self, what: str, recorded: Any, lab: Any) -> None:
        self._learn_data(recorded, lab)
        self._compare_data(what, "", recorded, lab)

    def _learn(self, teach: Any) -> None:
        try:
            teach()
        except Conflict as conflict:
            self.differences.append(str(conflict))

    def _learn_data(self, recorded: Any, lab: Any) -> None:
        if isinstance(recorded, dict) and isinstance(lab, dict):
            recorded, lab = _by_mount_point(recorded), _by_mount_point(lab)
            for key in recorded.keys() & lab.keys():
                old, new = recorded[key], lab[key]
                if isinstance(old, str) and isinstance(new, str):
                    self._learn_text(key, old, new)
                elif _is_number(old) and _is_number(new):
                    kind = masks.kind_of_id(recorded) if key == "id" else masks.NUMBERS.get(key, "")
                    if kind:
                        self._learn(lambda kind=kind, old=old, new=new: self.identities.learn_number(kind, old, new))
                else:
                    self._learn_data(old, new)
        elif isinstance(recorded, list) and isinstance(lab, list):
            for old, new in zip(recorded, lab, strict=False):
                self._learn_data(old, new)

    def _learn_text(self, key: str, old: str, new: str) -> None:
        kind = masks.NUMBERS.get(key)
        if kind and old.isdigit() and new.isdigit():
            self._learn(lambda: self.identities.learn_number(kind, int(old), int(new)))
        elif key in masks.SECRETS and old != self.identities.translate(old):
            pass
        elif key in masks.SECRETS and old and new:
            self._learn(lambda: self.identities.learn_text(old, new))
        else:
            self._learn(lambda: self.identities.learn_spots(old, new))

    def _compare_data(self, path: str, key: str, recorded: Any, lab: Any, holder: Any = None) -> None:
        if isinstance(recorded, dict) and isinstance(lab, dict):
            renamed = {self._translate_key(name, recorded[name]): name for name in recorded}
            missing, added = sorted(renamed.keys() - lab.keys()), sorted(lab.keys() - renamed.keys())
            if missing or added:
                self.differences.append(f"{path}: without {missing}, with {added}")
            for name in renamed.keys() & lab.keys():
                self._compare_data(f"{path}.{name}", name, recorded[renamed[name]], lab[name], recorded)
        elif isinstance(recorded, list) and isinstance(lab, list):
            self._equal(f"length of {path}", len(recorded), len(lab))
            for index, (old, new) in enumerate(zip(recorded, lab, strict=False)):
                self._compare_data(f"{path}[{index}]", key, old, new, recorded)
        elif key in masks.SIZES and _is_size(recorded) and _is_size(lab):
            return
        elif type(recorded) is not type(lab):
            self._equal(path, recorded, lab)
        else:
            self._compare_value(path, key, recorded, lab, holder)

    def _compare_value(self, path: str, key: str, recorded: Any, lab: Any, holder: Any) -> None:
        if key in masks.TIMES and masks.is_moment(recorded) and masks.is_moment(lab):
            return
        if isinstance(recorded, str):
            kind = masks.NUMBERS.get(key)
            if kind and recorded.isdigit():
                recorded = str(self.identities.number(kind, int(recorded)))
            self._equal(path, masks.masked(self.identities.translate(recorded)), masks.masked(lab))
            return
        kind = masks.kind_of_id(holder) if key == "id" and isinstance(holder, dict) else masks.NUMBERS.get(key)
        if kind and _is_number(recorded):
            recorded = self.identities.number(kind, recorded)
        self._equal(path, recorded, lab)

    def _translate_key(self, name: str, value: Any) -> str:
        if name.isdigit() and isinstance(value, dict) and masks.kind_of_id(value) == "folder":
            return str(self.identities.number("folder", int(name)))
        return self.identities.translate_word(name)


def _by_mount_point(data: dict[str, Any]) -> dict[str, Any]:
    """A map of folders by what does not change; other maps as they are."""
    if all(isinstance(value, dict) and "mount_point" in value for value in data.values()):
        return {value["mount_point"]: value for value in data.values()}
    return data


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_size(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return _ABSENT


def _markers(page: str) -> dict[str, Any]:
    return {name: json.loads(base64.b64decode(value)) for name, value in MARKER.findall(page)}


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 300 else f"{text[:300]}…"
