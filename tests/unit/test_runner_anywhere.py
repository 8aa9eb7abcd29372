# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The runner through docker, podman, kubectl and ssh, which are stand-ins on PATH that behave as the real ones do."""

from __future__ import annotations

import shlex
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.opnc.integration.plugins.module_utils._core.errors import CommandError
from ansible_collections.opnc.integration.plugins.module_utils._core.secrets import Secrets
from ansible_collections.opnc.integration.plugins.module_utils._openproject.runner import Runner
from lab import Lab
from unit.conftest import RunModule
from unit.linking import arrange, broken_parts, link_args
from unit.test_runner import MARK

pytestmark = pytest.mark.usefixtures("on_path")

WAYS = {
    "docker": ["docker", "exec", "--interactive", "openproject"],
    "compose": ["docker", "compose", "--file", "/opt/openproject/compose.yml", "exec", "-T", "web"],
    "podman": ["podman", "exec", "-i", "openproject"],
    "kubectl": ["kubectl", "exec", "--stdin", "deploy/openproject-web", "--"],
    "ssh": ["ssh", "root@projects.example.com"],
}
PACKAGES = ["openproject", "run", "bundle", "exec", "rails", "runner", "-"]


@pytest.fixture
def program(tmp_path: Path) -> t.Callable[[str], list[str]]:
    """Make OpenProject's command, a Python program there; it is on PATH, also on the other side."""

    def make(body: str) -> list[str]:
        path, program = tmp_path / "bin" / "openproject", tmp_path / "openproject.py"
        lines = ["import json, os, sys", "script = sys.stdin.read()", MARK, body]
        program.write_text("\n".join(lines), encoding="utf-8")
        # Through a shell, for the path of the Python may hold a blank.
        words = shlex.join([sys.executable, "-I", str(program)])
        path.write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
        path.chmod(0o755)
        return PACKAGES

    return make


def perform(command: list[str], way: list[str]) -> dict[str, t.Any]:
    runner = Runner(command, way, 30.0, Secrets())
    return runner.perform("connection_check", {"storage_id": 4, "name": "Köln «ß» 🎉"}, attempted="try")


def failure(command: list[str], way: list[str]) -> CommandError:
    with pytest.raises(CommandError) as caught:
        perform(command, way)
    return caught.value


@pytest.mark.parametrize("way", WAYS)
def test_the_program_arrives_whole_and_nothing_else(
    program: t.Callable[[str], list[str]], monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Not the environment of the module, nor its folder; the answer comes back among what the way in says itself."""
    monkeypatch.setenv("SOMETHING_OF_THE_MODULE", "x")
    command = program(
        'print("log line")\n'
        'seen = {"argv": sys.argv[1:], "cwd": os.getcwd(), "environment": sorted(os.environ), "script": script}\n'
        'sys.stdout.write(mark + " " + json.dumps(seen) + "\\n")'
    )
    answer = perform(command, WAYS[way])
    assert answer["argv"] == PACKAGES[1:]
    assert answer["cwd"] == "/"
    assert "SOMETHING_OF_THE_MODULE" not in answer["environment"]
    assert "K\\u00f6ln" in answer["script"]
    assert answer["script"].isascii()


@pytest.mark.parametrize(
    "way",
    [
        ["ssh", "root@projects.example.com"],
        ["ssh", "-p", "2222", "-oBatchMode=yes", "root@projects.example.com"],
        ["ssh", "root@projects.example.com", "docker", "exec", "--interactive", "openproject"],
        ["ssh", "root@projects.example.com", "su", "-s", "/bin/sh", "www-data", "-c", 'exec "$0" "$@"', "--"],
    ],
)
def test_words_arrive_through_ssh_as_they_are(program: t.Callable[[str], list[str]], way: list[str]) -> None:
    """ssh makes one line of them, which the shell at the other end would take apart elsewhere."""
    odd = ["two words", "it's", "$HOME", "`id`", "a;b", "", "Köln"]
    command = program('sys.stdout.write(mark + " " + json.dumps({"argv": sys.argv[1:]}) + "\\n")')
    assert perform([command[0], *odd], way)["argv"] == [*odd, "-"]


@pytest.mark.parametrize("way", WAYS)
def test_projects_get_a_storage_by_every_way(run_module: RunModule, way: str) -> None:
    """One start for the change, none when there is nothing to do; the real program and the lab's OpenProject."""
    with Lab() as lab:
        world = lab.openproject.state
        storage = world.add_storage("nc", f"{lab.nextcloud.url}/")
        world.set_client(storage, "client", "a-client-secret-of-nextcloud")
        args = {
            "openproject_url": lab.openproject.url,
            "openproject_api_key": lab.openproject.api_key,
            "runner_command": lab.openproject.runner,
            "runner_exec": WAYS[way],
            "storage": "nc",
            "all_active": True,
        }
        result = run_module("openproject_project_storage", args)
        assert result["changed"], result
        assert len(world.project_storages) == 2
        assert not run_module("openproject_project_storage", args)["changed"]
        assert len(lab.openproject.runner_starts) == 1


def test_a_terminal_on_the_other_machine_is_refused(run_module: RunModule) -> None:
    """It shows what is typed, and cuts lines that are longer than 4096 bytes."""
    with Lab() as lab:
        storage = lab.openproject.state.add_storage("nc", f"{lab.nextcloud.url}/")
        lab.openproject.state.set_client(storage, "client", "a-client-secret-of-nextcloud")
        result = run_module(
            "openproject_project_storage",
            {
                "openproject_url": lab.openproject.url,
                "openproject_api_key": lab.openproject.api_key,
                "runner_command": lab.openproject.runner,
                "runner_exec": ["ssh", "-tt", "root@projects.example.com"],
                "storage": "nc",
                "all_active": True,
            },
        )
        assert 'Set runner_exec to ["ssh", "root@projects.example.com"]' in result["msg"]
        assert lab.openproject.runner_starts == []


@pytest.mark.parametrize("way", ["docker", "kubectl", "ssh"])
def test_a_client_secret_comes_back_and_is_in_no_argument(run_module: RunModule, way: str) -> None:
    """The secret goes from OpenProject through the runner to Nextcloud, and nowhere else."""
    with Lab() as lab:
        args = link_args(arrange(lab), runner_command=lab.openproject.runner, runner_exec=WAYS[way])
        run_module("link", args)
        result = run_module("link", {**args, "rotate": ["openproject_oauth"]})
        assert result["changed"], result
        assert broken_parts(lab, folders=False) == []
        (storage,) = lab.openproject.state.storages.values()
        assert storage.oauth_application is not None
        assert lab.openproject.runner_starts == [["runner", "-"]]
        assert storage.oauth_application.client_secret not in str(result)


@pytest.mark.parametrize(
    ("way", "words", "cause"),
    [
        (["docker", "exec", "-i", "nope"], "No such container: nope", "container_not_found"),
        (["podman", "exec", "-i", "nope"], 'no container with name or ID "nope" found', "container_not_found"),
        (["kubectl", "exec", "-i", "nope", "--"], 'pods "nope" not found', "container_not_found"),
        (["docker", "compose", "exec", "-T", "nope"], 'service "nope" is not running', "container_not_found"),
        (["docker", "compose", "exec", "web"], "the input device is not a TTY", "terminal"),
        (["ssh", "refused.example.com"], "Connection refused", "host_not_reached"),
        (["ssh", "unknown.example.com"], "Could not resolve hostname", "host_not_reached"),
        (["ssh", "root@changed.example.com"], "Host key verification failed", "host_not_reached"),
        (["ssh", "root@locked.example.com"], "Permission denied (publickey,password)", "host_not_reached"),
    ],
)
def test_what_the_way_in_says_itself_is_quoted(
    program: t.Callable[[str], list[str]], way: list[str], words: str, cause: str
) -> None:
    error = failure(program("sys.exit(1)"), way)
    assert error.facts["cause"] == cause
    assert words in error.message
    assert "runner_exec" in error.remedy


@pytest.mark.parametrize("way", ["docker", "podman", "compose", "kubectl", "ssh"])
def test_a_program_that_is_not_there_is_told_from_a_way_that_is_not(way: str) -> None:
    error = failure(["no-such-program", "runner"], WAYS[way])
    assert error.facts["cause"] == "command_not_found"
    assert "no-such-program" in error.message
    assert "runner_command" in error.remedy


@pytest.mark.parametrize("way", ["docker", "podman", "compose", "kubectl", "ssh"])
def test_the_exit_code_and_the_last_words_come_through(program: t.Callable[[str], list[str]], way: str) -> None:
    """kubectl adds a line of its own, and docker none."""
    error = failure(program('sys.stderr.write("boom (StandardError)\\n"); sys.exit(3)'), WAYS[way])
    assert error.facts == {"rc": 3, "cause": "no_answer"}
    assert error.answer == "exit code 3 without an answer; its last words: boom (StandardError)"


def test_a_way_that_keeps_standard_input_to_itself_is_found_out(program: t.Callable[[str], list[str]]) -> None:
    """With docker and kubectl it shows in the options, so nothing is started (test_runner.py); with ssh -n only afterwards."""
    error = failure(program("sys.exit(0 if script else 1)"), ["ssh", "-n", "root@projects.example.com"])
    assert error.facts["cause"] == "no_answer"
    assert "Check that standard input reaches it" in error.remedy
