# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recorded starts of `rails runner` against the lab's runner.

The recorder's Ruby called the services itself; here the operations that the product asks for do the same things. What they never do is
skipped: to attach again, the sync, new projects and tokens. Folder ids are not compared, because the lab's worker makes folders at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lab.openproject.health_report import health_report
from lab.openproject.runner import OPERATIONS, Runner
from lab.openproject.state import AUTOMATIC, INACTIVE, MANUAL

if TYPE_CHECKING:
    from conformance.recording import Line
    from conformance.replay import Replay

FIRST, SECOND, ARCHIVED = "demo-project", "your-scrum-project", "archived"
"""The projects of the recorded scripts: p1, p2, and p1 while it was archived."""

STEPS: dict[str, tuple[str, str, str, str | None]] = {
    "create inactive in p1 as System": ("create", FIRST, INACTIVE, None),
    "create manual without folder id in p2": ("create", SECOND, MANUAL, None),
    "create with unknown mode in p2": ("create", SECOND, "nonsense", None),
    "create automatic in p2": ("create", SECOND, AUTOMATIC, None),
    "update p1 to automatic": ("update", FIRST, AUTOMATIC, None),
    "update p1 to the same": ("update", FIRST, AUTOMATIC, None),
    "update p1 to manual with folder id 42": ("update", FIRST, MANUAL, "42"),
    "update p1 to automatic again": ("update", FIRST, AUTOMATIC, None),
    "create in an archived project": ("create", ARCHIVED, INACTIVE, None),
    "create without project": ("create", "nowhere", INACTIVE, None),
    "create automatic while automatic management is off": ("create", FIRST, AUTOMATIC, None),
    "detach a project with automatic folder": ("delete", FIRST, "", None),
}
"""Kind, project, mode and folder of each service call that the product makes as well."""
RESULT = re.compile("^RESULT (.*)$", re.MULTILINE)
REPLACE = "replace the OAuth application"

VERDICT = re.compile(r"\[:(\w+), :(\w+), (?:nil|\"(.*)\")\]")
"""The connection check up to 15.5, as Ruby's `inspect` shows it."""


def result(line: Line) -> Any:
    """What a recorded script answered among the log lines; None when it answered nothing."""
    found = RESULT.search(line.data.get("stdout") or "")
    return json.loads(found[1]) if found else None


def comparable(line: Line) -> bool:
    """Whether the line holds anything that the product does."""
    answer = result(line)
    return isinstance(answer, dict) or any(_comparison(entry) is not None for entry in answer or [])


def differences(replay: Replay, line: Line) -> list[str]:
    """Do with the lab's runner what the line did, and tell what differs."""
    answer = result(line)
    if isinstance(answer, dict):
        (storage,) = replay.openproject.storages.values()
        report = health_report(replay.openproject, replay.lab.openproject.nextcloud_side(), storage)
        here = {group: {name: list(check) for name, check in checks.items()} for group, checks in report.items()}
        return _unequal("connection check", answer, here)
    found: list[str] = []
    for entry in answer:
        compare = _comparison(entry)
        if compare is not None:
            found += compare(replay, entry)
    return found


def _comparison(entry: dict[str, Any]) -> Callable[[Replay, dict[str, Any]], list[str]] | None:
    if entry["what"] in STEPS:
        return _service
    if entry["what"] == REPLACE:
        return _replaced
    if entry["what"].startswith("validator") and VERDICT.fullmatch(entry.get("value", "")):
        return _verdict
    return None


def _service(replay: Replay, entry: dict[str, Any]) -> list[str]:
    kind, project, mode, folder = STEPS[entry["what"]]
    item = {"identifier": project, "mode": mode, "folder_id": folder, "delete_folder": True}
    with _archived(replay):
        answer = _perform(replay, "project_storages", **{kind: [item]})["results"][0]
    if "exception" in entry:
        text = f"{entry['exception']}: {entry['message']}"
        recorded = {"success": False, "symbols": {"base": ["exception"]}, "errors": [text]}
    else:
        recorded = {key: entry[key] for key in ("success", "symbols", "errors") if key in entry}
    symbols: dict[str, list[str]] = {}
    for error in answer["errors"]:
        symbols.setdefault(error["attribute"], []).append(error["symbol"])
    here = {"success": answer["ok"], "symbols": symbols, "errors": [error["message"] for error in answer["errors"]]}
    found = _unequal(entry["what"], recorded, {key: here[key] for key in recorded})
    if entry.get("success") and "result" in entry:
        rows = replay.openproject.project_storages.values()
        modes = [row.mode for row in rows if row.project_id == _id(replay, project)]
        found += _unequal(entry["what"], [entry["result"]["project_folder_mode"]], modes)
    return found


def _replaced(replay: Replay, entry: dict[str, Any]) -> list[str]:
    (storage,) = replay.openproject.storages.values()
    old = storage.oauth_application.client_id
    answer = _perform(replay, "replace_oauth_application")
    recorded = [entry["new"] != entry["old"], entry["secret_given"], replay.identities.translate(entry["redirect"])]
    new = storage.oauth_application
    here = [answer["client_id"] == new.client_id != old, bool(answer["client_secret"]), new.redirect_uri]
    return _unequal(entry["what"], recorded, here)


def _verdict(replay: Replay, entry: dict[str, Any]) -> list[str]:
    recorded = VERDICT.fullmatch(entry["value"])
    assert recorded is not None
    answer = _perform(replay, "connection_check")
    here = (answer["type"], answer["error_code"], answer["description"])
    return _unequal(entry["what"], recorded.groups(), here)


def _perform(replay: Replay, operation: str, **arguments: Any) -> dict[str, Any]:
    (storage,) = replay.openproject.storages
    server = replay.lab.openproject
    runner = Runner(server.state, server.nextcloud_side())
    return OPERATIONS[operation].perform(runner, {"storage_id": storage, **arguments})


@contextmanager
def _archived(replay: Replay) -> Iterator[None]:
    """A project that is archived, for as long as a step lasts."""
    project = replay.openproject.add_project(ARCHIVED, active=False)
    yield
    del replay.openproject.projects[project.id]


def _id(replay: Replay, identifier: str) -> int | None:
    project = replay.openproject.find_project(identifier)
    return project.id if project else None


def _unequal(what: str, recorded: Any, here: Any) -> list[str]:
    return [] if recorded == here else [f"{what}: {recorded!r} recorded, {here!r} in the lab"]
