# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one loop over steps: what it checks, does, records, confirms and takes back (design §3)."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.opnc.integration.plugins.module_utils._core.errors import (
    ApiError,
    CommandError,
    Failure,
    NoAnswer,
    Refused,
    TransportError,
)
from ansible_collections.opnc.integration.plugins.module_utils._core.module import Call, converge
from ansible_collections.opnc.integration.plugins.module_utils._core.secrets import Secrets
from ansible_collections.opnc.integration.plugins.module_utils._core.signals import EndedBySignal
from ansible_collections.opnc.integration.plugins.module_utils._core.steps import NEXTCLOUD, Progress, Step, take

Log = list[str]


def write(name: str, failure: BaseException | None = None, **more: t.Any) -> Step:
    """A step that writes its name into the log that it is applied to, and then fails where a failure is given."""

    def apply(log: Log) -> None:
        log.append(name)
        if failure is not None:
            raise failure

    return Step(NEXTCLOUD, name, f"write {name}", apply=apply, **more)


def note(name: str, failure: Exception | None = None) -> t.Callable[[Log], None]:
    def look(log: Log) -> None:
        log.append(name)
        if failure is not None:
            raise failure

    return look


def test_everything_is_checked_before_the_first_write() -> None:
    log: Log = []
    progress = Progress()
    forbidden = write("b", check=note("look at b", Refused("not ours")))
    with pytest.raises(Refused):
        take([write("a", check=note("look at a")), forbidden], log, progress, check_mode=False)
    assert log == ["look at a", "look at b"]
    assert progress.as_result() == {}


def test_check_mode_checks_and_writes_nothing() -> None:
    log: Log = []
    take([write("a", check=note("look at a"))], log, Progress(), check_mode=True)
    assert log == ["look at a"]


def test_a_failure_tells_what_was_done_and_what_was_not() -> None:
    progress = Progress()
    steps = [write("a"), write("b", ApiError("no", status=500)), write("c")]
    with pytest.raises(ApiError):
        take(steps, [], progress, check_mode=False)
    assert progress.as_result() == {
        "changed": True,
        "actions": ["write a"],
        "actions_not_done": ["write b", "write c"],
    }


def test_the_first_step_failing_changed_nothing() -> None:
    progress = Progress()
    with pytest.raises(ApiError):
        take([write("a", ApiError("no", status=500))], [], progress, check_mode=False)
    assert progress.as_result()["changed"] is False


UNKNOWN = {
    "no answer": write("a", NoAnswer("torn")),
    "a page instead of an answer": write("a", TransportError("a page")),
    "a gateway's error": write("a", ApiError("bad gateway", status=502)),
    "no end of a command": write("a", CommandError("no end", rc=None, cause="timeout")),
    "several writes": write("a", ApiError("no", status=500), single=False),
    "a signal": write("a", EndedBySignal(15)),
}


@pytest.mark.parametrize("step", UNKNOWN.values(), ids=list(UNKNOWN))
def test_what_may_have_taken_effect_counts_as_changed_and_is_not_taken_back(step: Step) -> None:
    log: Log = []
    progress = Progress()
    with pytest.raises((Failure, EndedBySignal)):
        take([write("before", undo=note("undo")), step], log, progress, check_mode=False)
    assert progress.as_result()["changed"] is True
    assert progress.in_doubt
    assert "undo" not in log


def test_a_step_that_is_not_confirmed_is_done_all_the_same() -> None:
    progress = Progress()
    with pytest.raises(Refused):
        take([write("a", confirm=note("look", Refused("not there")))], [], progress, check_mode=False)
    assert progress.as_result() == {"changed": True, "actions": ["write a"], "actions_not_done": []}


def test_what_a_failed_run_created_and_what_holds_nothing_is_taken_back() -> None:
    log: Log = []
    progress = Progress()
    with pytest.raises(ApiError):
        take([write("a", undo=note("undo a")), write("b", ApiError("no", status=400))], log, progress, check_mode=False)
    assert log == ["a", "b", "undo a"]
    assert progress.as_result() == {"changed": False, "actions": [], "actions_not_done": ["write a", "write b"]}


def test_nothing_is_taken_back_behind_a_step_that_stays() -> None:
    log: Log = []
    steps = [write("a", undo=note("undo a")), write("b"), write("c", ApiError("no", status=400))]
    with pytest.raises(ApiError):
        take(steps, log, Progress(), check_mode=False)
    assert "undo a" not in log


def test_what_cannot_be_taken_back_is_told() -> None:
    failed = ApiError("no", status=400, remedy="Do this.")
    steps = [write("a", undo=note("undo a", ApiError("gone", status=404))), write("b", failed)]
    progress = Progress()
    with pytest.raises(ApiError) as raised:
        take(steps, [], progress, check_mode=False)
    assert raised.value.message == (
        "no. Do this. What this run had done stays (write a), because taking it back failed: gone."
    )
    assert progress.changed


def test_steps_are_confirmed_once_after_the_last_that_shares_the_look() -> None:
    log: Log = []
    look = note("look")
    take([write("a", confirm=look), write("b", confirm=look), write("c")], log, Progress(), check_mode=False)
    assert log == ["a", "b", "look", "c"]


def test_a_step_works_within_a_larger_context() -> None:
    log: Log = []
    inner = write("a", check=note("check"), confirm=note("confirm"))
    take([inner.within(lambda outer: outer["log"])], {"log": log}, Progress(), check_mode=False)
    assert log == ["check", "a", "confirm"]


def test_check_mode_and_a_real_run_give_the_same_result() -> None:
    results = [
        converge(Call({}, check_mode, Secrets()), [write("a")], [], before={"x": 1}, after={"x": 2})
        for check_mode in (True, False)
    ]
    assert (
        results[0]
        == results[1]
        == {
            "changed": True,
            "actions": ["write a"],
            "diff": {"before": {"x": 1}, "after": {"x": 2}},
        }
    )
