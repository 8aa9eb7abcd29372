# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every module stands on: fields, argument specs, failures, secrets, the way in and out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.opnc.integration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.opnc.integration.plugins.module_utils._core.errors import (
    ApiError,
    BadInput,
    Failure,
    Refused,
)
from ansible_collections.opnc.integration.plugins.module_utils._core.fields import (
    DICT,
    LIST,
    SECRET,
    SET,
    Field,
    changes,
    merged,
    public,
)
from ansible_collections.opnc.integration.plugins.module_utils._core.module import Call, Result, run
from ansible_collections.opnc.integration.plugins.module_utils._core.secrets import MASK, Secrets

FIELDS = (
    Field("name"),
    Field("user", fold=str.lower),
    Field("groups", SET, fold=str.lower),
    Field("order", LIST),
    Field("rights", DICT),
    Field("password", SECRET),
)
STATE = {
    "name": "Cloud",
    "user": "Admin",
    "groups": ["b", "A"],
    "order": ["x", "y"],
    "rights": {"a": 31, "b": 1},
    "password": None,
    "id": 7,
}

# --- fields ----------------------------------------------------------------------------------------------------------

COMPARED = [
    ("name", "Cloud", True),
    ("name", "cloud", False),
    ("name", "", False),
    ("user", "ADMIN", True),
    ("user", "root", False),
    ("groups", ["a", "B", "a"], True),
    ("groups", ["a"], False),
    ("groups", [], False),
    ("order", ["x", "y"], True),
    ("order", ["y", "x"], False),
    ("rights", {"a": 31}, True),
    ("rights", {}, True),
    ("rights", {"a": 1}, False),
    ("rights", {"c": 1}, False),
    ("rights", {"c": None}, False),
    ("password", "anything", True),
]


@pytest.mark.parametrize(("name", "desired", "equal"), COMPARED, ids=repr)
def test_each_kind_of_field_is_compared_in_its_own_way(name: str, desired: t.Any, equal: bool) -> None:
    assert changes(FIELDS, {name: desired}, STATE) == ({} if equal else {name: desired})


@pytest.mark.parametrize("name", ["groups", "order", "rights"])
def test_nothing_there_yet_compares_as_empty(name: str) -> None:
    desired: t.Any = {"a": 1} if name == "rights" else ["a"]
    assert changes(FIELDS, {name: desired}, {name: None}) == {name: desired}
    assert changes(FIELDS, {name: type(desired)()}, {}) == {}


def test_what_is_not_wished_is_left_alone() -> None:
    assert changes(FIELDS, {"name": None, "unknown": 1}, STATE) == {}


def test_only_declared_fields_without_secrets_are_shown_and_sets_in_order() -> None:
    shown = public(FIELDS, {**STATE, "password": "secret"})
    assert shown == {
        "name": "Cloud",
        "user": "Admin",
        "groups": ["A", "b"],
        "order": ["x", "y"],
        "rights": {"a": 31, "b": 1},
    }
    assert public(FIELDS, None) == {}


def test_a_written_difference_gives_the_state_that_will_be() -> None:
    delta = {"name": "Clouds", "rights": {"b": 3}}
    assert merged(FIELDS, STATE, delta) == {**STATE, "name": "Clouds", "rights": {"a": 31, "b": 3}}
    assert merged(FIELDS, None, delta) == delta


# --- argument specs --------------------------------------------------------------------------------------------------


def test_specs_are_joined_with_their_rules() -> None:
    one = ArgumentSpec(
        options={"a": {"type": "str"}, "b": {"type": "str"}},
        mutually_exclusive=[("a", "b")],
        required_by={"a": ("c",)},
    )
    two = ArgumentSpec(
        options={"b": {"type": "str"}, "c": {"type": "int"}},
        required_together=[("b", "c")],
        required_one_of=[("b", "c")],
        required_if=[("c", 1, ("b",))],
    )
    assert one.merge(two).as_kwargs() == {
        "argument_spec": {"a": {"type": "str"}, "b": {"type": "str"}, "c": {"type": "int"}},
        "mutually_exclusive": [["a", "b"]],
        "required_together": [["b", "c"]],
        "required_one_of": [["b", "c"]],
        "required_if": [["c", 1, ("b",)]],
        "required_by": {"a": ["c"]},
    }
    assert list(one.options) == ["a", "b"], "the parts stay as they were"


def test_an_option_that_is_declared_differently_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="option a is declared twice"):
        ArgumentSpec({"a": {"type": "str"}}).merge(ArgumentSpec({"a": {"type": "int"}}))


# --- failures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (Failure("it said no"), "it said no."),
        (BadInput("x_url is empty", remedy="Give one"), "x_url is empty. Give one."),
        (Refused("too old", server="Nextcloud (u)"), "Nextcloud (u): too old."),
        (Refused("no!", attempted="read the list", remedy="Ask."), "Could not read the list: no! Ask."),
        (
            ApiError("HTTP 500, oops", status=500, attempted="go", server="OpenProject (u)", remedy="Wait"),
            "Could not go on OpenProject (u): HTTP 500, oops. Wait.",
        ),
    ],
    ids=lambda value: "" if isinstance(value, str) else value.answer,
)
def test_a_message_says_what_where_why_and_what_to_do(failure: Failure, message: str) -> None:
    assert failure.message == message
    assert str(failure) == message


def test_a_failure_carries_facts_to_decide_on() -> None:
    error = ApiError("no", status=422, identifier="PropertyConstraintViolation", attribute="host", retry_after=3)
    assert error.as_result() == {
        "error": {
            "type": "ApiError",
            "status": 422,
            "identifier": "PropertyConstraintViolation",
            "attribute": "host",
            "retry_after": 3,
        }
    }


# --- secrets ---------------------------------------------------------------------------------------------------------


def test_secrets_are_masked_longest_first() -> None:
    secrets = Secrets()
    secrets.add("secret", "secret-and-more", "", None)
    assert secrets.censor("a secret-and-more b secret c") == f"a {MASK} b {MASK} c"


def test_a_secret_that_is_handed_to_the_caller_is_masked_in_messages_only() -> None:
    told: list[str] = []
    secrets = Secrets(on_add=told.append)
    secrets.add_returned("returned-secret")
    secrets.add("kept-secret", "kept-secret")
    assert told == ["kept-secret"]
    assert secrets.censor("returned-secret kept-secret") == f"{MASK} {MASK}"


def test_a_secret_is_found_where_lines_were_broken_within_it() -> None:
    """Field case O12: output that is wrapped at eighty characters."""
    secrets = Secrets()
    secrets.add("abcdefghijklmnopqrstuvwxyz")
    assert secrets.censor("at abcdefghijk\r\n    lmnopqrstuv\nwxyz.") == f"at {MASK}."
    assert secrets.censor("line one\nline two") == "line one\nline two"


# --- the way in and out ----------------------------------------------------------------------------------------------

SPEC = ArgumentSpec(
    options={"name": {"type": "str"}, "password": {"type": "str", "no_log": True}, "state": {"type": "str"}}
)


def leave(capfd: pytest.CaptureFixture[str], work: t.Callable[[Call], Result], **args: t.Any) -> dict[str, t.Any]:
    """The result of a module that does this work."""
    with patch_module_args(args), pytest.raises(SystemExit):
        run(SPEC, work)
    printed = capfd.readouterr()
    assert printed.err == ""
    result = json.loads(printed.out)
    assert isinstance(result, dict)
    return result


def test_a_failure_leaves_with_its_message_facts_and_warnings_all_masked(capfd: pytest.CaptureFixture[str]) -> None:
    """Field case O12."""

    def work(call: Call) -> Result:
        call.warn("first: p%40ss-word")
        call.warn("first: p%40ss-word")
        raise Refused("p@ss-word is refused", server="Nextcloud (u)", result="why")

    result = leave(capfd, work, password="p@ss-word")
    assert result["failed"] is True
    assert result["msg"] == f"Nextcloud (u): {MASK} is refused."
    assert result["error"] == {"type": "Refused", "result": "why"}
    assert "ss-word" not in str(result["warnings"])
    assert len(result["warnings"]) == 1


@pytest.mark.parametrize("asked", [True, False], ids=["diff", "no diff"])
def test_a_difference_is_shown_where_it_was_asked_for(capfd: pytest.CaptureFixture[str], asked: bool) -> None:
    diff = {"before": {"name": "a"}, "after": {"name": "b"}}
    result = leave(capfd, lambda call: {"changed": True, "diff": diff}, _ansible_diff=asked)
    assert result.get("diff") == (diff if asked else None)
    assert result["changed"] is True


def test_a_secret_that_turns_up_later_is_masked_by_ansible_too(capfd: pytest.CaptureFixture[str]) -> None:
    def work(call: Call) -> Result:
        call.secrets.add("made-by-a-server")
        return {"changed": False, "text": "it was made-by-a-server"}

    assert "made-by-a-server" not in str(leave(capfd, work))


def test_something_unexpected_shows_its_traceback() -> None:
    def work(call: Call) -> Result:
        raise ZeroDivisionError

    with patch_module_args({}), pytest.raises(ZeroDivisionError):
        run(SPEC, work)


def test_a_missing_requests_is_named_with_the_interpreter() -> None:
    """Field case O15: Ansible's own words for a missing library; nothing else may break before them."""
    program = (
        "import sys; sys.modules['requests'] = None\n"
        "from ansible.module_utils.testing import patch_module_args\n"
        "from ansible_collections.opnc.integration.plugins.modules import link\n"
        "with patch_module_args({'storage_name': 'Cloud', 'nextcloud_url': 'https://wolke.köln'}):\n"
        "    link.main()\n"
    )
    collections = Path(__file__).parents[2] / ".cache" / "collections"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(collections)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    result = json.loads(done.stdout)
    assert result["failed"] is True
    assert "Failed to import the required Python library (requests)" in result["msg"]
    assert sys.executable in result["msg"]


def test_modules_take_check_mode(capfd: pytest.CaptureFixture[str]) -> None:
    observed: list[bool] = []

    def work(call: Call) -> Result:
        observed.append(call.check_mode)
        return {"changed": False}

    leave(capfd, work, _ansible_check_mode=True)
    leave(capfd, work)
    assert observed == [True, False]
