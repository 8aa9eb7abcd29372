# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starting OpenProject's runner, and what comes back from it; its Ruby is run in test_runner_ruby.py."""

from __future__ import annotations

import json
import os
import shlex
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.opnc.integration.plugins.module_utils._core.errors import BadInput, CommandError
from ansible_collections.opnc.integration.plugins.module_utils._core.module import Call
from ansible_collections.opnc.integration.plugins.module_utils._core.secrets import Secrets
from ansible_collections.opnc.integration.plugins.module_utils._openproject.runner import Runner
from ansible_collections.opnc.integration.plugins.module_utils._openproject.runner_ruby import OPERATIONS, program
from lab import Lab

RECORDED = Path(__file__).parents[1] / "fixtures/recorded/openproject-15.4/runner.jsonl"
ATTEMPTED = "try something"


def exchanges() -> list[dict[str, t.Any]]:
    return [json.loads(line) for line in RECORDED.read_text(encoding="utf-8").splitlines()]


def call(**params: t.Any) -> Call:
    given = {"runner_command": ["rails", "runner"], "runner_exec": [], "runner_timeout": 10.0, **params}
    return Call(params=given, check_mode=False, secrets=Secrets())


class Program:
    """An executable that stands for the runner or for the way to it, and what it is to do."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def __call__(self, body: str, name: str = "rails") -> list[str]:
        """A Python program; `argv` and `script` (its standard input) are there."""
        path, program = self.directory / name, self.directory / f"{name}.py"
        lines = ["import json, os, sys", "argv, script = sys.argv[1:], sys.stdin.read()", body]
        program.write_text("\n".join(lines), encoding="utf-8")
        # Through a shell, for the path of the Python may hold a blank.
        path.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, str(program)])} "$@"\n', encoding="utf-8")
        path.chmod(0o755)
        return [str(path)]

    def prints(self, stdout: str = "", stderr: str = "", rc: int = 0, name: str = "rails") -> list[str]:
        return self(f"sys.stdout.write({stdout!r}); sys.stderr.write({stderr!r}); sys.exit({rc})", name)


@pytest.fixture
def stand_in(tmp_path: Path) -> Program:
    return Program(tmp_path)


def perform(command: list[str], exec_prefix: list[str] | None = None, timeout: float = 30.0) -> dict[str, t.Any]:
    return Runner(command, exec_prefix or [], timeout, Secrets()).perform(
        "connection_check", {"storage_id": 4}, attempted=ATTEMPTED
    )


def failure(command: list[str], exec_prefix: list[str] | None = None, timeout: float = 30.0) -> CommandError:
    with pytest.raises(CommandError) as caught:
        perform(command, exec_prefix, timeout)
    assert caught.value.message.startswith(f"Could not {ATTEMPTED} on ")
    return caught.value


def test_no_command_is_no_runner() -> None:
    assert Runner.from_call(call(runner_command=[])) is None


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["rails", "runner"], ["rails", "runner", "-"]),
        (["rails", "runner", "-"], ["rails", "runner", "-"]),
        (["bash", "-c", "cd /app && rails runner -"], ["bash", "-c", "cd /app && rails runner -"]),
    ],
)
def test_the_dash_may_be_left_out(command: list[str], expected: list[str]) -> None:
    runner = Runner.from_call(call(runner_command=command))

    assert runner is not None
    assert runner.command == expected


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"runner_command": ["rails runner -"]}, 'Give it as a list: ["rails", "runner", "-"]'),
        ({"runner_exec": ["docker exec -i op"]}, 'Give it as a list: ["docker", "exec", "-i", "op"]'),
        ({"runner_command": ["rails\0"]}, "NUL"),
        ({"runner_command": [""]}, "empty"),
        ({"runner_command": [], "runner_exec": ["docker", "exec", "-i", "op"]}, "without runner_command"),
        ({"runner_timeout": 0.0}, "runner_timeout"),
        ({"runner_exec": ["docker", "exec", "op"]}, '["docker", "exec", "--interactive", "op"]'),
        ({"runner_exec": ["kubectl", "exec", "deploy/op", "--"]}, '["kubectl", "exec", "--stdin", "deploy/op", "--"]'),
        ({"runner_exec": ["docker", "exec", "-it", "op"]}, '["docker", "exec", "-i", "op"]'),
    ],
)
def test_unusable_options_are_named_with_a_corrected_list(params: dict[str, t.Any], words: str) -> None:
    with pytest.raises(BadInput) as caught:
        Runner.from_call(call(**params))

    assert words in caught.value.message
    assert "occ" not in caught.value.message


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("number", range(9))
def test_the_answer_is_found_among_the_log_lines_of_a_real_start(stand_in: Program, number: int, line_end: str) -> None:
    exchange = exchanges()[number]
    stdout = exchange["stdout"].replace("RESULT [", 'OPNC_ANSWER {"results": [').rstrip("\n") + "}\n"
    log = "I, [2026-11-25T13:09:15.777383 #25579]  INFO -- : [ActiveJob] Enqueued\n"

    answer = perform(stand_in.prints((stdout + log).replace("\n", line_end)))

    recorded = next(line for line in exchange["stdout"].splitlines() if line.startswith("RESULT "))
    assert answer["results"] == json.loads(recorded.removeprefix("RESULT "))


def test_a_log_line_without_an_end_does_not_hide_the_answer(stand_in: Program) -> None:
    # the program begins its answer with a line feed
    assert perform(stand_in.prints('unfinished\nOPNC_ANSWER {"type": "healthy"}')) == {"type": "healthy"}


def test_echoed_and_broken_marks_are_no_answer(stand_in: Program) -> None:
    command = stand_in.prints('OPNC_ANSWER {"type": "right"}\n$stdout.write("OPNC_ANSWER {}")\nOPNC_ANSWER {"broken\n')

    assert perform(command) == {"type": "right"}


def test_the_program_goes_in_by_standard_input_and_the_dash_is_the_last_word(stand_in: Program) -> None:
    command = stand_in(
        'print("OPNC_ANSWER " + json.dumps({"argv": argv, "first": script.splitlines()[:3], "LANG": os.environ["LANG"]}))'
    )

    answer = perform([*command, "runner"])

    assert answer["argv"] == ["runner", "-"]
    assert answer["first"] == [
        'require "json"',
        "input = JSON.parse(<<~'OPNC_INPUT')",
        '{"operation": "connection_check", "storage_id": 4}',
    ]
    assert answer["LANG"] == "C.UTF-8"


def test_the_way_in_stands_before_the_command(stand_in: Program) -> None:
    command = stand_in('print("OPNC_ANSWER " + json.dumps({"argv": argv}))')

    answer = perform(["bundle", "exec", "rails", "runner"], exec_prefix=command)

    assert answer["argv"] == ["bundle", "exec", "rails", "runner", "-"]


def test_a_client_secret_is_a_secret_from_now_on(stand_in: Program) -> None:
    command = stand_in.prints('OPNC_ANSWER {"client_id": "an-id", "client_secret": "gehei\\u00df \\"x\\""}\n')
    secrets = Secrets()

    answer = Runner(command, [], 30.0, secrets).perform(
        "replace_oauth_application", {"storage_id": 4}, attempted=ATTEMPTED
    )

    assert answer["client_secret"] == 'geheiß "x"'
    assert "geheiß" not in secrets.censor('it is geheiß "x"')


@pytest.mark.parametrize(
    ("rc", "stderr", "exec_prefix", "cause", "words"),
    [
        (127, "bash: line 1: bundle: command not found", [], "command_not_found", "Check runner_command"),
        (
            126,
            'OCI runtime exec failed: exec failed: unable to start container process: exec: "bundle": executable file not found in $PATH',
            ["docker", "exec", "-i", "op"],
            "command_not_found",
            'runner_exec (["docker", "exec", "-i", "op"])',
        ),
        (
            1,
            "Error response from daemon: No such container: op",
            ["docker", "exec", "-i", "op"],
            "container_not_found",
            "Check the name in runner_exec",
        ),
        (
            1,
            'Error from server (NotFound): deployments.apps "op" not found',
            ["kubectl", "exec", "-i", "deploy/op", "--"],
            "container_not_found",
            "runner_exec",
        ),
        (
            1,
            "the input device is not a TTY",
            ["docker", "compose", "run", "web"],
            "terminal",
            "runner_exec asks for a terminal",
        ),
        (
            1,
            "sudo: a password is required",
            ["sudo", "-u", "openproject", "--"],
            "not_allowed",
            "may not change the user",
        ),
        (10, "Could not locate Gemfile or .bundle/ directory", [], "wrong_directory", "cd /app"),
        (1, "Unrecognized command 'runer' (Rails::Command::UnrecognizedCommandError)", [], "not_a_runner", "runner -"),
        (
            1,
            'connection to server at "db" (10.0.0.5), port 5432 failed: refused (ActiveRecord::ConnectionNotEstablished)',
            [],
            "no_database",
            "environment",
        ),
        (1, "Missing `secret_key_base` for 'production' environment", [], "no_environment", "openproject run"),
        (
            1,
            "Migrations are pending. To resolve this issue, run: (ActiveRecord::PendingMigrationError)",
            [],
            "pending_migrations",
            "upgrade",
        ),
        (1, "bin/rails: Permission denied", [], "not_allowed", "become: true"),
        (137, "", [], "killed", "memory"),
        (1, "one\ntwo\nthree\nfour (StandardError)", [], "no_answer", "its last words: two / three / four"),
        (0, "", [], "no_answer", "exit code 0 without an answer. Check that standard input reaches it"),
    ],
)
def test_what_is_wrong_is_named(
    stand_in: Program,
    monkeypatch: pytest.MonkeyPatch,
    rc: int,
    stderr: str,
    exec_prefix: list[str],
    cause: str,
    words: str,
) -> None:
    monkeypatch.setenv("PATH", str(stand_in.directory), prepend=os.pathsep)
    log = "I, [2026-11-25T13:08:37.501640 #1]  INFO -- : starting\n"
    first = stand_in.prints(log, stderr, rc, name=exec_prefix[0] if exec_prefix else "rails")

    error = failure(["bundle", "exec", "rails", "runner"] if exec_prefix else first, exec_prefix)

    assert error.facts == {"rc": rc, "cause": cause}
    assert words in error.message
    assert "occ" not in error.message
    assert "INFO" not in error.message


def test_a_program_that_is_not_there_is_named() -> None:
    error = failure(["no-such-program", "runner", "-"])

    assert error.facts == {"rc": None, "cause": "command_not_found"}
    assert "there is no program no-such-program" in error.message
    assert "Set runner_command" in error.message


def test_a_program_that_cannot_start_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rails"
    path.write_text("#!/no/such/interpreter\n", encoding="utf-8")
    path.chmod(0o755)

    error = failure([str(path)])

    assert error.facts["cause"] == "command_not_started"


def test_a_time_out_names_the_command_line_and_ends_what_was_started(stand_in: Program, tmp_path: Path) -> None:
    command = stand_in(f"import time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(60)")

    error = failure(command, timeout=2.0)

    assert error.facts == {"rc": None, "cause": "timeout"}
    assert str(tmp_path / "rails") in error.message
    assert "raise runner_timeout" in error.message
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            {"class": "ActiveRecord::RecordNotFound", "message": "Couldn't find Storages::Storage with 'id'=4"},
            "another OpenProject than the one at openproject_url",
        ),
        ({"class": "ArgumentError", "message": "storage 4 is not the one that was meant"}, "another OpenProject"),
        ({"class": "NameError", "message": "uninitialized constant Storages"}, "14.2 and newer"),
        ({"class": "ArgumentError", "message": "'nonsense' is not valid"}, "ArgumentError: 'nonsense' is not valid."),
    ],
)
def test_an_error_of_ruby_comes_back_in_its_own_words(stand_in: Program, error: dict[str, str], words: str) -> None:
    caught = failure(stand_in.prints(f"OPNC_ANSWER {json.dumps({'error': error})}\n"))

    assert caught.facts == {"rc": 0, "cause": "ruby"}
    assert error["message"] in caught.message
    assert words in caught.message


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_program_is_ascii_and_its_input_one_line_that_cannot_end_the_heredoc(operation: str) -> None:
    nasty = {
        "storage_name": "Dateien «Köln» 😀 #{1} `x` 'y' \"z\" \\ %{w}",
        "lines": "a\nOPNC_INPUT\nexit!\r\n\u2028",
    }

    lines = program(operation, nasty).split("\n")

    assert program(operation, nasty).isascii()
    start = lines.index("input = JSON.parse(<<~'OPNC_INPUT')")
    assert [number for number, line in enumerate(lines) if line.strip() == "OPNC_INPUT"] == [start + 2]
    assert json.loads(lines[start + 1]) == {"operation": operation, **nasty}
    assert f"  def self.{operation}(input)" in lines


def test_the_services_are_called_as_they_were_on_a_real_server() -> None:
    scripts = "\n".join(exchange["stdin"] for exchange in exchanges())

    for name in (
        "Storages::ProjectStorages::CreateService.new(user:)",
        "Storages::ProjectStorages::UpdateService.new(user:, model:",
        "Storages::ProjectStorages::DeleteService.new(user:, model:",
        "Storages::OAuthApplications::CreateService.new(storage:",
        "Storages::Peripherals::NextcloudConnectionValidator",
    ):
        assert name in scripts
        assert name.partition("(")[0] in "".join(OPERATIONS.values())


@pytest.mark.usefixtures("real_sockets_and_processes")
def test_it_works_together_with_the_lab() -> None:
    with Lab(openproject="15.4") as lab:
        storage = lab.openproject.state.add_storage("nc", f"{lab.nextcloud.url}/")
        runner = Runner(lab.openproject.runner, [], 30.0, Secrets())

        answer = runner.perform("replace_oauth_application", {"storage_id": storage.id}, attempted=ATTEMPTED)

        made = storage.oauth_application
        assert made is not None
        assert answer == {"client_id": made.client_id, "client_secret": made.client_secret}
        assert len(lab.openproject.runner_starts) == 1
