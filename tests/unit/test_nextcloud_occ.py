# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module nextcloud_occ."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible.module_utils import basic

SECRET = "long-secret-{{ 1 }}-'\"$HOME"


@pytest.fixture
def run(run_module: t.Any, fake_occ: t.Any) -> t.Callable[..., dict[str, t.Any]]:
    """Run the module over the stand-in of occ."""

    def run_with(check_mode: bool = False, **args: t.Any) -> dict[str, t.Any]:
        result: dict[str, t.Any] = run_module(
            "nextcloud_occ", {"occ_command": [fake_occ.path], **args}, check_mode=check_mode
        )
        return result

    return run_with


def test_a_command_is_run_and_reported_as_a_change(run: t.Any, fake_occ: t.Any) -> None:
    fake_occ.answer("db:add-missing-indices", "Done.\nAll.\n", stderr="a note\n")
    result = run(command=["db:add-missing-indices"])
    assert result["changed"] is True
    assert result["actions"] == [f"run {fake_occ.path} db:add-missing-indices"]
    assert (result["rc"], result["stdout"], result["stderr"]) == (0, "Done.\nAll.\n", "a note\n")
    assert result["stdout_lines"] == ["Done.", "All."]
    assert "data" not in result


def test_check_mode_skips_a_changing_command_with_a_message(run: t.Any, fake_occ: t.Any) -> None:
    result = run(command=["user:delete", "a b"], check_mode=True)
    assert result["changed"] is True
    assert result["msg"] == f"Not run, because this is check mode: {fake_occ.path} user:delete 'a b'"
    assert result["actions"] == [f"run {fake_occ.path} user:delete 'a b'"]
    assert fake_occ.starts == []


def test_check_mode_runs_a_reading_command(run: t.Any, fake_occ: t.Any) -> None:
    fake_occ.answer("status --output=json", 'noise\n{\n  "installed": true\n}\n')
    result = run(command=["status"], output_json=True, changes=False, check_mode=True)
    assert result["changed"] is False
    assert result["actions"] == []
    assert result["data"] == {"installed": True}


def test_json_is_parsed_without_being_asked_when_all_of_it_is_json(run: t.Any, fake_occ: t.Any) -> None:
    fake_occ.answer("groupfolders:create X", "7\n")
    assert run(command=["groupfolders:create", "X"])["data"] == 7


def test_asked_for_json_there_must_be_json(run: t.Any, fake_occ: t.Any) -> None:
    fake_occ.answer("status --output=json", "plain text\n")
    result = run(command=["status"], output_json=True, changes=False)
    assert result["failed"] is True
    assert result["error"] == {"type": "CommandError", "rc": 0, "cause": "no_json"}


def test_an_accepted_exit_code_is_no_failure(run: t.Any, fake_occ: t.Any) -> None:
    fake_occ.answer("user:info x --output=json", "user not found\n", rc=1)
    result = run(command=["user:info", "x"], output_json=True, changes=False, accepted_rc=[0, 1])
    assert (result["rc"], result["stdout"]) == (1, "user not found\n")
    assert "data" not in result


def test_another_exit_code_is_a_failure_in_occ_s_words(run: t.Any, fake_occ: t.Any) -> None:
    fake_occ.answer("user:info x", "user not found\n", rc=1)
    result = run(command=["user:info", "x"], changes=False)
    assert result["failed"] is True
    assert (
        result["msg"]
        == f"Could not run user:info on {fake_occ.path} user:info x: user not found. occ itself works; see what this command takes: occ help user:info."
    )
    assert result["error"] == {"type": "CommandError", "rc": 1}


@pytest.mark.usefixtures("on_path")
@pytest.mark.parametrize("exec_", [[], ["docker", "exec", "--interactive", "nextcloud"]])
def test_a_secret_of_the_environment_reaches_occ_and_nothing_else(
    run: t.Any, fake_occ: t.Any, exec_: list[str]
) -> None:
    fake_occ.answer("user:add --password-from-env x", f"Welcome {SECRET}\n", stderr=f"really {SECRET}\n")
    result = run(command=["user:add", "--password-from-env", "x"], environment={"OC_PASS": SECRET}, occ_exec=exec_)
    assert result["stdout"] == "Welcome ********\n"
    assert fake_occ.starts[0]["OC_PASS"] == SECRET
    assert fake_occ.starts[0]["NC_PASS"] == SECRET


def test_a_secret_in_a_failure_is_masked(run: t.Any, fake_occ: t.Any) -> None:
    fake_occ.answer("*", f"The password {SECRET} is too short\n", rc=1)
    result = run(command=["user:add", "x"], environment={"OC_PASS": SECRET})
    assert "The password ******** is too short" in result["msg"]


def test_standard_input_arrives(run: t.Any, fake_occ: t.Any) -> None:
    fake_occ.answer("config:import", "done\n")
    run(command=["config:import"], stdin='{"system": {"ü": 1}}\n')
    assert fake_occ.starts[-1]["stdin"] == '{"system": {"ü": 1}}\n'


@pytest.mark.parametrize("rc", [0, 1])
def test_a_secret_in_standard_input_is_in_no_invocation_warning_or_log(
    run: t.Any, fake_occ: t.Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], rc: int
) -> None:
    """Not even where occ repeats it, as config:import does when it refuses."""
    secret = "a-secret-of-nextcloud-1"
    logged: list[str] = []
    monkeypatch.setattr(basic, "has_journal", False)
    monkeypatch.setattr(basic.syslog, "syslog", lambda _priority, line: logged.append(line))
    printed: list[str] = []
    read = capfd.readouterr

    def read_and_keep() -> t.Any:
        found = read()
        printed.append("".join(found))
        return found

    monkeypatch.setattr(capfd, "readouterr", read_and_keep)
    text = f'{{"system": {{"mail_smtppassword": "{secret}"}}}}'
    fake_occ.answer("*", f"cannot import {text}\n", stderr=f"PHP Notice: {text}\n", rc=rc)

    result = run(command=["config:import"], stdin=text)

    assert fake_occ.starts[-1]["stdin"] == text
    assert bool(result.get("failed")) == bool(rc)
    assert any("config:import" in line for line in logged)
    (output,) = [each for each in printed if '"invocation"' in each]
    assert "config:import" in output
    assert [each for each in (*logged, output) if secret in each] == []


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["app:list --output=json"], ["app:list", "--output=json"]),
        (["app:list,", "--output=json"], ["app:list", "--output=json"]),
        (["app:list", " --output=json"], ["app:list", "--output=json"]),
        (["occ", "status"], ["status"]),
        (["php", "/var/www/html/occ", "status"], ["status"]),
        (["occ status"], ["status"]),
    ],
)
def test_o36_a_command_in_one_text_or_with_occ_in_it_is_refused(
    run: t.Any, fake_occ: t.Any, given: list[str], meant: list[str]
) -> None:
    """O36: with the list that was meant, in check mode too; nothing is started."""
    for check_mode in (False, True):
        result = run(command=given, check_mode=check_mode)
        assert result["error"]["type"] == "BadInput"
        assert f"Give it as a list, without occ itself: {json.dumps(meant)}" in result["msg"]
    assert fake_occ.starts == []


@pytest.mark.parametrize("word", ["Jane, Doe", " x", "a b", "x,y"])
def test_o36_other_arguments_are_left_alone(run: t.Any, fake_occ: t.Any, word: str) -> None:
    fake_occ.answer("*", "ok\n")
    run(command=["group:add", word])
    assert fake_occ.starts[0]["argv"][3:] == ["group:add", word]


@pytest.mark.parametrize(
    "command",
    [["config:app:set", "a", "k", "--value=a,b,"], ["user:setting", "alice", "a", "k", " - text"], ["a:b", "x", " -y"]],
)
def test_o36_one_odd_word_is_no_sign_of_a_text(run: t.Any, fake_occ: t.Any, command: list[str]) -> None:
    fake_occ.answer("*", "ok\n")
    run(command=command)
    assert fake_occ.starts[0]["argv"][3:] == command


@pytest.mark.parametrize(
    ("args", "named"),
    [
        ({"command": []}, "command is empty"),
        ({"command": ["a\0b"]}, "NUL"),
        ({"command": ["x"], "environment": {"A B": "long-value"}}, "A B"),
        ({"command": ["x"], "environment": {"A": ["long-value"]}}, "environment holds A"),
        ({"command": ["x"], "environment": {"A": "two\nlines here"}}, "line feed"),
        ({"command": ["x"], "occ_command": []}, "occ_command"),
    ],
)
def test_bad_input_is_named_before_the_first_start(
    run: t.Any, fake_occ: t.Any, args: dict[str, t.Any], named: str
) -> None:
    result = run(**args)
    assert result["failed"] is True
    assert result["error"]["type"] == "BadInput"
    assert named in result["msg"]
    assert fake_occ.starts == []


def test_the_connection_of_the_whole_group_is_taken(run: t.Any, fake_occ: t.Any) -> None:
    fake_occ.answer("status", "ok\n")
    result = run(
        command=["status"],
        changes=False,
        nextcloud_url="https://cloud.example.com",
        nextcloud_public_url="https://cloud.example.com",
        nextcloud_username="admin",
        nextcloud_password="long-password-1",
        nextcloud_ca_path="/nowhere.pem",
        nextcloud_validate_certs=False,
        nextcloud_timeout=5,
        occ_timeout=5,
        occ_exec=[],
    )
    assert result["stdout"] == "ok\n"
