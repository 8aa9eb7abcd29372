# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `make test` counts: no failure is lost, and nothing that did not run counts as passed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ci import pair, places, runner, stages
from ci.runner import Stage

MISSING = "SCENARIO RECAP\ndefault : actions=9 successful=7 disabled=0 skipped=0 missing=1 failed=0\n"
WHOLE = "==== 4 passed in 3.35s ====\ndefault : actions=9 successful=8 disabled=0 skipped=0 missing=0 failed=0\n"


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setattr(runner, "LOGS", tmp_path)
    return Stage("example", loud=False)


def test_a_command_that_fails_counts_as_failed_and_shows_its_output(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not stage.run("bad", [sys.executable, "-c", "print('why'); raise SystemExit(3)"])
    assert stage.run("good", [sys.executable, "-c", "print('quiet')"])
    assert (stage.passed, stage.failed) == (1, 1)
    shown = capsys.readouterr().out
    assert "why" in shown
    assert "quiet" not in shown


def test_a_command_that_fails_without_failed_tests_still_counts(stage: Stage) -> None:
    assert not stage.run("odd", [sys.executable, "-c", "raise SystemExit(1)"], count=lambda code, output: (5, 0))
    assert (stage.passed, stage.failed) == (5, 1)


def test_pytest_tells_its_numbers(stage: Stage, tmp_path: Path) -> None:
    tests = tmp_path / "test_example.py"
    tests.write_text(
        "def test_a():\n    assert True\n\ndef test_b():\n    assert False\n\ndef test_c():\n    assert True\n"
    )
    assert not stage.pytest("example", ["-c", "/dev/null", "-p", "no:cacheprovider", tests])
    assert (stage.passed, stage.failed) == (2, 1)


def test_tests_that_cannot_be_loaded_are_a_failure(stage: Stage, tmp_path: Path) -> None:
    assert not stage.pytest("missing", ["-c", "/dev/null", tmp_path / "no_such_file.py"])
    assert stage.failed == 1


def test_a_molecule_scenario_without_tests_is_a_failure() -> None:
    assert stages._molecule_numbers(0, MISSING) == (0, 1)
    assert stages._molecule_numbers(0, WHOLE.replace("4 passed", "no tests ran")) == (0, 1)
    assert stages._molecule_numbers(1, WHOLE) == (0, 1)
    assert stages._molecule_numbers(0, WHOLE) == (5, 0)


def test_sanity_counts_each_test_and_a_missing_shellcheck() -> None:
    ran = 'Running sanity test "pep8"\nRunning sanity test "shellcheck"\nRunning sanity test "pylint"\n'
    assert stages._sanity_numbers(0, ran) == (3, 0)
    assert stages._sanity_numbers(0, f'{ran}WARNING: Required program "shellcheck" not found.\n') == (2, 1)
    assert stages._sanity_numbers(1, f"{ran}FATAL: The 2 sanity test(s) listed below (out of 3) failed.\n") == (1, 2)


def test_a_warning_of_the_importer_is_a_failure() -> None:
    assert stages._importer_numbers(0, "Importer processing completed successfully\n") == (1, 0)
    assert stages._importer_numbers(0, "WARNING: no changelog found\n") == (0, 1)


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
    assert made["PATH"] == f"{places.VENV / 'bin'}:/usr/bin"
    assert "127.0.0.1" in made["NO_PROXY"]
