# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `make test` counts: no failure is lost, and nothing that did not run counts as passed. And the page that it makes."""

from __future__ import annotations

import os
import subprocess
import typing as t
from pathlib import Path

import pytest

from ansible_collections.opnc.integration.plugins.module_utils._link.catalogue import CATALOGUE, SYMPTOMS
from ci import guide, pair, places, stages

SANITY = 'Running sanity test "pep8"\nRunning sanity test "shellcheck"\nRunning sanity test "pylint"\n'
OUTPUT = """\
Starting session mypy...
========== ✓ ruff: success ==========
quiet
TOTAL 90%
========== ✗ mypy: failed, 2 seconds ==========
why
"""

Outcome = t.Callable[[str], tuple[int, str]]


@pytest.fixture
def outcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Outcome:
    """Runs a stage of a noxfile: exit code and output."""
    noxfile = tmp_path / "noxfile.py"
    monkeypatch.setattr(stages, "ROOT", tmp_path)
    monkeypatch.setattr(stages, "LOGS", tmp_path)
    monkeypatch.setattr(stages, "NOX", (*stages.NOX[:3], "--noxfile", str(noxfile)))

    def run(body: str) -> tuple[int, str]:
        noxfile.write_text(
            "import nox\nnox.options.default_venv_backend = 'none'\nnox.options.allow_parallel = True\n"
            "def fine(session): session.run('python', '-c', 'print(\"quiet\")')\n"
            f"def bad(session): session.run('python', '-c', 'print(\"why\"); raise SystemExit(3)')\n{body}"
        )
        return stages.run("lint"), capsys.readouterr().out

    return run


def test_a_session_that_fails_stops_no_other_one_and_counts(outcome: Outcome) -> None:
    code, output = outcome(
        "nox.session(bad, name='first', tags=['lint'])\nnox.session(fine, name='second', tags=['lint'])\n"
        "nox.session(fine, name='third', tags=['lint'])\n"
    )
    assert code == 1
    assert "why" in output
    assert output.splitlines()[-1] == "2 passed, 1 failed"


def test_a_session_whose_prerequisite_failed_counts_as_failed(outcome: Outcome) -> None:
    code, output = outcome(
        "nox.session(bad, name='first', tags=['lint'])\n"
        "nox.session(fine, name='second', tags=['lint'], requires=['first'])\n"
    )
    assert code == 1
    assert output.splitlines()[-1] == "0 passed, 2 failed"


@pytest.mark.parametrize("body", ["", "nox.session(fine, name='first', tags=['docs'])\n", "import no_such_module\n"])
def test_a_stage_without_sessions_is_a_failure(outcome: Outcome, body: str) -> None:
    code, output = outcome(body)
    assert code == 1
    assert output.splitlines()[-1] == "0 passed, 1 failed"


def test_a_session_that_left_no_result_counts_as_failed() -> None:
    done = stages.count(
        {"units": "units", "mypy": "lint"}, {"mypy": ("success", 1.0)}, {"units": "5 passed in 1.00s\n"}
    )
    assert [(each.name, each.passed, each.failed) for each in done] == [("units", 5, 1), ("mypy", 1, 0)]


def test_pytest_tells_its_numbers(tmp_path: Path) -> None:
    tests = tmp_path / "test_example.py"
    tests.write_text(
        "import pytest\n\n@pytest.fixture\ndef broken():\n    raise OSError\n\n"
        "def test_a():\n    assert True\n\ndef test_b():\n    assert False\n\ndef test_c(broken):\n    assert True\n"
    )
    command = ["pytest", "-q", "-ra", "-c", os.devnull, "-p", "no:cacheprovider", str(tests)]
    output = subprocess.run(command, env=places.environment(), capture_output=True, text=True, check=False).stdout
    assert stages.numbers("units", output) == (1, 2)
    tests.write_text("import no_such_module\n")
    output = subprocess.run(command, env=places.environment(), capture_output=True, text=True, check=False).stdout
    assert stages.numbers("units", output) == (0, 1)


def test_every_run_of_pytest_in_a_scenario_counts() -> None:
    assert stages.numbers("molecule", f"{'=' * 9} 4 passed in 3.35s {'=' * 9}\n2 passed, 1 failed in 0.10s\n") == (6, 1)


def test_sanity_counts_each_test_and_a_missing_shellcheck() -> None:
    assert stages.numbers("sanity", SANITY) == (3, 0)
    assert stages.numbers("sanity", f'{SANITY}WARNING: Required program "shellcheck" not found.\n') == (2, 1)
    assert stages.numbers("sanity", f"{SANITY}FATAL: The 2 sanity test(s) listed below (out of 3) failed.\n") == (1, 2)


def test_the_test_shows_what_failed_and_what_suites_report() -> None:
    shown = "".join(stages.shown(OUTPUT.splitlines(keepends=True), everything=False))
    assert "quiet" not in shown
    assert "why" in shown
    assert "TOTAL 90%" in shown
    assert "".join(stages.shown(OUTPUT.splitlines(keepends=True), everything=True)) == OUTPUT


def test_the_makefile_has_a_target_for_each_stage() -> None:
    makefile = (places.ROOT / "Makefile").read_text(encoding="utf-8")
    (line,) = (line for line in makefile.splitlines() if line.startswith("STAGES := "))
    assert sorted(line.split()[2:]) == sorted(stages.ALL)
    assert set(stages.sessions(stages.ALL).values()) == set(stages.ALL)


def test_the_guide_names_every_finding_and_every_symptom() -> None:
    symptoms, findings = guide.text().split("What the check cannot see")
    for code, entry in CATALOGUE.items():
        assert f"\n{code}\n~" in findings
        assert symptoms.count(f"finding_{code}>") == len(entry.symptoms)
    for symptom in SYMPTOMS:
        assert symptoms.count(f"\n{guide.escaped(symptom)}\n") == 1


@pytest.mark.parametrize("colour", ["", "\x1b[0;33m"])
def test_the_recap_is_added_up_over_all_hosts(colour: str) -> None:
    end = "\x1b[0m" if colour else ""
    recap = (
        f"{colour}a{end} : {colour}ok=7   {end} {colour}changed=2   {end} failed=0\nb : ok=6    changed=1    failed=0\n"
    )
    assert pair.changed(recap) == 3


def test_nothing_of_the_callers_ansible_reaches_the_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_STDOUT_CALLBACK", "minimal")
    monkeypatch.setenv("PATH", "/somewhere/shims:/usr/bin")
    made = places.environment()
    assert "ANSIBLE_STDOUT_CALLBACK" not in made
    assert made["PATH"] == f"{places.VENV / 'bin'}:{places.PYTHONS}:/usr/bin"
    assert "127.0.0.1" in made["NO_PROXY"]
