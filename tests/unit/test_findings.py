# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every finding: it appears in the state that it is about, and is gone after its remedy."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import typing as t
from pathlib import Path

import pytest

from ansible_collections.opnc.integration.plugins.module_utils._link import info
from ansible_collections.opnc.integration.plugins.module_utils._link.catalogue import (
    CATALOGUE,
    ENTRIES,
    PARTS,
    SEVERITIES,
    SYMPTOMS,
)
from ansible_collections.opnc.integration.plugins.module_utils._link.checks import find
from ansible_collections.opnc.integration.plugins.module_utils._link.observed import (
    ObservedNextcloud,
    ObservedOpenProject,
)
from unit import finding_cases_link, finding_cases_servers
from unit.conftest import RunModule
from unit.finding_cases_records import RECORD_CASES, RIGHT, Record, RecordCase
from unit.finding_pair import Pair
from unit.labs import Labs

CASES = {**finding_cases_servers.CASES, **finding_cases_link.CASES}


@pytest.fixture
def pair(request: pytest.FixtureRequest, labs: Labs, run_module: RunModule, tmp_path: Path) -> t.Iterator[Pair]:
    """A complete pair; the case says of which version."""
    version = CASES[request.param].nextcloud if hasattr(request, "param") else "32"
    lab = labs.linked(run_module, version)
    world = lab.openproject.state
    (storage,) = world.storages.values()
    world.add_project_storage(world.projects[min(world.projects)], storage, "automatic")
    with contextlib.ExitStack() as stack:
        yield Pair(lab, run_module, tmp_path, stack)


def test_every_finding_has_a_case() -> None:
    assert {*CASES, *(case.code for case in RECORD_CASES.values())} == set(CATALOGUE)


@pytest.mark.parametrize("record", RIGHT.values(), ids=list(RIGHT))
def test_right_record_has_no_findings(record: Record) -> None:
    assert find(record.observed) == []


@pytest.mark.parametrize("case", RECORD_CASES.values(), ids=list(RECORD_CASES))
def test_record_is_told_in_one_finding(case: RecordCase) -> None:
    found = find(case.record.observed)

    assert [finding.code for finding in found] == [case.code]
    words = " ".join(f"{finding.message} {finding.remedy}" for finding in found)
    assert [text for text in case.says if text not in words] == []
    assert [text for text in case.not_says if text in words] == []
    assert "{" not in words


def test_every_fact_of_the_record_is_read() -> None:
    """A finding that waits for a fact that nobody reads never comes."""
    source = Path(info.__file__).read_text(encoding="utf-8")
    facts = [field.name for side in (ObservedNextcloud, ObservedOpenProject) for field in dataclasses.fields(side)]
    assert [name for name in facts if f'"{name}"' not in source] == []


@pytest.mark.parametrize(("code", "pair"), [(code, code) for code in CASES], indirect=["pair"], ids=list(CASES))
def test_finding_appears_and_is_gone_after_its_remedy(code: str, pair: Pair) -> None:
    case = CASES[code]

    case.arrange(pair)
    found = {finding["code"]: finding for finding in pair.look()["findings"]}
    assert code in found
    finding = found[code]
    assert "{" not in finding["message"] + finding["remedy"]
    assert finding["remedy"]
    assert finding["severity"] == CATALOGUE[code].severity
    assert finding["message"].startswith("This is not sure") is CATALOGUE[code].unsure

    case.mend(pair)
    left = {finding["code"] for finding in pair.look()["findings"]}
    if case.others is None:
        assert code not in left
    else:
        assert left == case.others


def test_complete_pair_has_no_findings(pair: Pair) -> None:
    pair.more |= {"occ_command": pair.lab.nextcloud.occ, "runner_command": pair.lab.openproject.runner}
    pair.more["check_with_runner"] = True

    result = pair.look()

    assert result["findings"] == []
    assert {part["verdict"] for part in result["parts"]} == {"right"}


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=list(CATALOGUE))
def test_table_is_sound(entry: t.Any) -> None:
    assert re.fullmatch(r"[a-z_]+", entry.code)
    assert entry.severity in SEVERITIES
    assert entry.side in ("nextcloud", "openproject", "both")
    assert (entry.part or entry.side) in PARTS
    assert set(entry.symptoms) <= set(SYMPTOMS)
    assert not entry.message.endswith(".")
    assert not entry.remedy.endswith(".")
    assert entry.see


def test_codes_are_unique() -> None:
    assert len(ENTRIES) == len(CATALOGUE)


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=list(CATALOGUE))
def test_words_are_plain_english(entry: t.Any) -> None:
    """None of the words that the design rules out."""
    words = re.findall(r"[a-z]+", f"{entry.message} {entry.remedy}".lower().replace("two-way oauth", ""))

    ruled_out = {
        "shall",
        "wished",
        "mend",
        "mends",
        "mended",
        "piece",
        "pieces",
        "half",
        "way",
        "ways",
        "trouble",
        "looked",
    }
    assert ruled_out & set(words) == set()


def test_every_symptom_leads_to_a_finding() -> None:
    assert {symptom for entry in CATALOGUE.values() for symptom in entry.symptoms} == set(SYMPTOMS)
