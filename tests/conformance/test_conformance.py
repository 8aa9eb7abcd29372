# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab against the recordings; the table is printed at the end."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from conformance.arrangements import RECORDINGS
from conformance.recording import Line, load
from conformance.renaming import Renamer
from conformance.replay import replay
from conformance.report import LEAST_EXCHANGES, LEAST_SHARE, Report, conformance

NAMES = {
    # Names of one length, because tables of occ are as wide as their cells.
    "alice": "carla",
    "gA": "qB",
    "Group A": "Kreis B",
    "F1": "Z1",
    "F2": "Z2",
    "F3": "Z3",
    "nc": "cloud",
    "nc renamed": "cloud renamed",
    "op.example.com": "projects.example.org",
    "op2.example.com": "projects2.example.org",
    "moved.example.com": "moved.example.org",
    "cid-0000000001": "an-identifier-42",
    "csecret-00000001": "a-secret-of-somebody",
    "g one": "group uno",
    "u1": "first",
    "U1": "FIRST",
    "client-1": "client-one",
    "127.0.0.1:8080": "projects.test:8080",
    "127.0.0.1:8181": "cloud.test:8181",
    "127.0.0.1:8191": "other.test:8191",
    "127.0.0.1:8380": "projects.test:8380",
    "127.0.0.1:8281": "cloud.test:8281",
    "127.0.0.1:8291": "other.test:8291",
}
# Ids in them are known from the start, not handed out.
KNOWN_IDS = {
    "nextcloud-34/http-folder-without-default-permission",
    "nextcloud-34/misc-34",
    "openproject-15.4/http-scale",
    "openproject-16.3/runner",
}
RENAMED = [name for name in RECORDINGS if name not in KNOWN_IDS]


@pytest.fixture(scope="session")
def report(request: pytest.FixtureRequest) -> Report:
    """All recordings, replayed once."""
    made = conformance(RECORDINGS)
    request.config.stash[Report.KEY] = made
    return made


@pytest.mark.parametrize("name", RECORDINGS)
def test_every_difference_has_a_reason(report: Report, name: str) -> None:
    (file,) = [file for file in report.files if file.name == name]
    assert file.outcomes, "nothing of it is in scope"
    unexplained = {
        f"{outcome.line.number} {outcome.line.title}": outcome.differences
        for outcome in file.failures
        if not file.reason(outcome)
    }
    assert not unexplained
    assert not file.stale, "exceptions of exchanges that are reproduced"


def test_nearly_all_is_reproduced(report: Report) -> None:
    assert report.counted >= LEAST_EXCHANGES
    assert report.reproduced >= LEAST_SHARE * report.counted
    assert report.passed(whole=True)


@pytest.mark.parametrize("name", RENAMED)
def test_a_recording_of_other_servers_is_reproduced_as_well(report: Report, name: str) -> None:
    """Nothing is looked up: with other ids, names, secrets and addresses the lab still answers rightly."""
    renamed = Renamer(NAMES).lines(load(name))
    (file,) = [file for file in report.files if file.name == name]
    known = {outcome.line.number for outcome in file.failures}
    outcomes = replay(RECORDINGS[name], renamed, rename=Renamer(NAMES).word)
    assert len(outcomes) == len(file.outcomes)
    failures = {outcome.line.number: outcome.differences for outcome in outcomes if not outcome.reproduced}
    assert {number: differences for number, differences in failures.items() if number not in known} == {}


def _other_status(data: dict[str, Any]) -> None:
    if "rc" in data:
        data["rc"] += 1
    else:
        data["response"]["status"] += 1


def _other_text(data: dict[str, Any]) -> None:
    if "rc" in data:
        data["stdout"] = data.get("stdout", "") + "and more\n"
    else:
        data["response"]["body"] = (data["response"].get("body") or "") + " and more"


def _other_value(data: dict[str, Any]) -> None:
    """The first text in a JSON answer that is not masked becomes another one, and a key is added elsewhere."""
    holder, key = (data, "stdout") if "rc" in data else (data["response"], "body")
    answer = json.loads(holder[key])
    answer["unknown"] = "value"
    holder[key] = json.dumps(answer)


def _other_check(data: dict[str, Any]) -> None:
    """One check of the connection check warns."""
    data["stdout"] = data["stdout"].replace(
        '"dependencies_versions":["success",null]', '"dependencies_versions":["warning",null]'
    )


def _other_service(data: dict[str, Any]) -> None:
    """What a service did was refused, and the other way round."""
    swapped = {'"success":true': '"success":false', '"success":false': '"success":true'}
    data["stdout"] = re.sub('"success":(true|false)', lambda found: swapped[found[0]], data["stdout"])


@pytest.mark.parametrize(
    ("change", "name", "numbers"),
    [
        (_other_status, "nextcloud-29/occ", (1, 57, 99)),
        (_other_status, "openproject-15.4/http-storages", (3, 21, 59)),
        (_other_status, "nextcloud-34/app-limited-to-a-group", (5, 9, 18)),
        (_other_text, "nextcloud-29/occ", (7, 49, 74)),
        (_other_text, "openproject-15.4/http-auth", (32, 36, 50)),
        (_other_value, "nextcloud-29/http-states", (24, 41, 127)),
        (_other_value, "nextcloud-34/http-sso", (3, 54, 216)),
        (_other_value, "openproject-15.4/link-full", (2, 6, 18)),
        (_other_value, "openproject-16.3/http-sso-licensed", (1, 11, 33)),
        (_other_check, "openproject-16.3/runner", (4, 7, 13)),
        (_other_service, "openproject-15.4/runner", (0, 2, 3)),
    ],
)
def test_a_changed_answer_is_noticed(
    change: Callable[[dict[str, Any]], None], name: str, numbers: tuple[int, ...], report: Report
) -> None:
    (file,) = [file for file in report.files if file.name == name]
    known = {outcome.line.number for outcome in file.failures}
    lines = [Line(line.number, json.loads(json.dumps(line.data))) for line in load(name)]
    for line in lines:
        if line.number in numbers:
            change(line.data)
    failing = {outcome.line.number for outcome in replay(RECORDINGS[name], lines) if not outcome.reproduced}
    assert failing - known == set(numbers)
