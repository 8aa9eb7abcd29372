# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every finding: it appears in the state that it is about, and is gone after its remedy."""

from __future__ import annotations

import contextlib
import re
import typing as t
from pathlib import Path

import pytest

from ansible_collections.opnc.integration.plugins.module_utils._link.finding import PARTS, SEVERITIES, SYMPTOMS
from ansible_collections.opnc.integration.plugins.module_utils._link.findings import TABLE
from ci import guide
from unit import finding_cases_link, finding_cases_servers
from unit.conftest import RunModule
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
    assert sorted(CASES) == sorted(TABLE)


@pytest.mark.parametrize(("code", "pair"), [(code, code) for code in CASES], indirect=["pair"], ids=list(CASES))
def test_finding_appears_and_is_gone_after_its_remedy(code: str, pair: Pair) -> None:
    case = CASES[code]

    case.arrange(pair)
    found = {finding["code"]: finding for finding in pair.look()["findings"]}
    assert code in found
    finding = found[code]
    assert "{" not in finding["message"] + finding["remedy"]
    assert finding["remedy"]
    assert finding["severity"] == TABLE[code].severity
    assert finding["message"].startswith("This is not sure") is TABLE[code].unsure

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


@pytest.mark.parametrize("entry", TABLE.values(), ids=list(TABLE))
def test_table_is_sound(entry: t.Any) -> None:
    assert re.fullmatch(r"[a-z_]+", entry.code)
    assert entry.severity in SEVERITIES
    assert entry.side in ("nextcloud", "openproject", "both")
    assert entry.part in PARTS
    assert set(entry.symptoms) <= set(SYMPTOMS)
    assert not entry.message.endswith(".")
    assert entry.see


def test_every_symptom_leads_to_a_finding() -> None:
    assert {symptom for entry in TABLE.values() for symptom in entry.symptoms} == set(SYMPTOMS)


def test_documentation_says_what_the_table_says() -> None:
    """Write the page anew when this fails: PYTHONPATH=tests:.cache/collections python -m ci.guide"""
    assert guide.PAGE.read_text(encoding="utf-8") == guide.text()
