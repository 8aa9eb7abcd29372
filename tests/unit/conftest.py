# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures that every unit test can use."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import shlex
import sys
import typing as t
from pathlib import Path

import pytest
from ansible.module_utils.common import warnings
from ansible.module_utils.testing import patch_module_args

from ansible_collections.opnc.integration.plugins.module_utils._http import client
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud import integration
from unit import in_process
from unit.labs import Labs

MODULES = "ansible_collections.opnc.integration.plugins.modules"
STAND_INS = Path(__file__).parent / "stand_ins"
TOOLS = {
    "docker": "containers.py",
    "podman": "containers.py",
    "kubectl": "containers.py",
    "ssh": "ssh.py",
    "su": "accounts.py",
    "runuser": "accounts.py",
}
SECRET_NAMES = ("password", "secret", "api_key", "token", "environment")


@pytest.fixture(scope="session", autouse=True)
def labs_in_process() -> t.Iterator[pytest.MonkeyPatch]:
    """Neither a socket nor a process between the product and a lab; whoever undoes it gets both."""
    with pytest.MonkeyPatch.context() as patch:
        in_process.reach_labs(patch)
        in_process.run_commands(patch)
        yield patch


@pytest.fixture
def real_sockets_and_processes(labs_in_process: pytest.MonkeyPatch) -> t.Iterator[None]:
    """For tests whose point is that a command is started, or that bytes go through a socket."""
    labs_in_process.undo()
    yield
    in_process.reach_labs(labs_in_process)
    in_process.run_commands(labs_in_process)


@pytest.fixture(scope="session")
def labs() -> t.Iterator[Labs]:
    """Labs of every version, started once."""
    with contextlib.ExitStack() as stack:
        yield Labs(stack)


class RunModule(t.Protocol):
    """Runs a module's real main() in this process."""

    def __call__(
        self, name: str, args: t.Mapping[str, t.Any], *, check_mode: bool = False, diff: bool = True
    ) -> dict[str, t.Any]:
        """The result that Ansible would get; of a failing module too (C(failed), C(msg), C(error)). C(warnings) are texts."""


@pytest.fixture
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is down, throttles, or has no app yet is asked again at once."""
    monkeypatch.setattr(client, "PAUSES", (0.0,) * len(client.PAUSES))
    monkeypatch.setattr(client, "LONGEST_RETRY_AFTER", 0.0)
    monkeypatch.setattr(integration, "SECONDS_TO_APPEAR", 0.0)


@pytest.fixture(autouse=True)
def forget_warnings() -> t.Callable[[], None]:
    """No warnings of others: they outlive a module in Ansible, because a module usually ends its process."""
    warnings._global_warnings.clear()
    return warnings._global_warnings.clear


@pytest.fixture
def run_module(
    capfd: pytest.CaptureFixture[str], without_pauses: None, forget_warnings: t.Callable[[], None]
) -> RunModule:
    """Run a module with arguments as a task would hold them.

    Every run asserts that no value of an option that is named like a secret left the module.
    """

    def run(name: str, args: t.Mapping[str, t.Any], *, check_mode: bool = False, diff: bool = True) -> dict[str, t.Any]:
        # where Ansible's controller is loaded, warnings go to the screen instead of into the result
        assert "ansible._internal" not in sys.modules, "a test has loaded Ansible's controller into this process"
        module = importlib.import_module(f"{MODULES}.{name}")
        given = {**args, "_ansible_check_mode": check_mode, "_ansible_diff": diff, "_ansible_module_name": name}
        forget_warnings()
        capfd.readouterr()
        with patch_module_args(given), pytest.raises(SystemExit):
            module.main()
        printed = capfd.readouterr()
        for secret in _secrets(args):
            assert secret not in printed.out, f"{name} printed a secret"
            assert secret not in printed.err, f"{name} printed a secret"
        result = json.loads(printed.out)
        assert isinstance(result, dict)
        result.pop("invocation", None)
        result["warnings"] = [_text(warning) for warning in result.get("warnings", [])]
        return result

    return run


def stand_in(path: Path, file: Path, folder: Path) -> None:
    """Make a command that runs this Python file, with the Python of the tests, also where no environment arrives."""
    variables = f"STAND_IN_NAME={path.name} STAND_IN_FOLDER={shlex.quote(str(folder))}"
    words = shlex.join([sys.executable, "-I", "-S", str(file)])
    path.write_text(f'#!/bin/sh\n{variables} exec {words} "$@"\n', encoding="utf-8")
    path.chmod(0o755)


class FakeOcc:
    """The stand-in of occ: a table of answers, and what it was asked.

    :param folder: a folder of this test alone.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, str(folder / "occ")
        stand_in(folder / "occ", STAND_INS / "table_occ.py", folder)
        self.table: dict[str, list[dict[str, t.Any]]] = {}
        self._save()

    def answer(self, command: str, stdout: t.Any = "", *, stderr: str = "", rc: int = 0, seconds: float = 0) -> None:
        """Add an answer to a command as typed in a shell; ``*`` stands for every other command. Data become JSON."""
        text = stdout if isinstance(stdout, str) else json.dumps(stdout)
        self.table.setdefault(command, []).append({"stdout": text, "stderr": stderr, "rc": rc, "seconds": seconds})
        self._save()

    def owned_by(self, uid: int) -> None:
        """Let it run only as this account."""
        (self.folder / "owner.txt").write_text(str(uid))

    @property
    def starts(self) -> list[dict[str, t.Any]]:
        """How it was started, each time: C(argv), C(stdin), C(NC_PASS), C(OC_PASS), C(cwd), C(files)."""
        log = self.folder / "log.jsonl"
        return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []

    @property
    def commands(self) -> list[str]:
        """The commands, without the flags that each of them has."""
        return [shlex.join(start["argv"][3:]) for start in self.starts]

    def _save(self) -> None:
        (self.folder / "answers.json").write_text(json.dumps(self.table))


@pytest.fixture
def fake_occ(tmp_path: Path) -> FakeOcc:
    """The stand-in of occ, in a folder of its own."""
    return FakeOcc(tmp_path)


@pytest.fixture
def on_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Put the stand-ins of docker, podman, kubectl, ssh, su and runuser on PATH, before the real ones."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, file in TOOLS.items():
        stand_in(folder / name, STAND_INS / file, tmp_path)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def _text(warning: t.Any) -> str:
    """A warning as text, in the form of any ansible-core."""
    return str(warning["event"]["msg"]) if isinstance(warning, dict) else str(warning)


def _secrets(args: t.Mapping[str, t.Any]) -> list[str]:
    found: list[str] = []
    for name, value in args.items():
        if name.endswith(SECRET_NAMES) and not name.startswith("update_"):
            values = value.values() if isinstance(value, dict) else [value]
            found.extend(text for text in values if isinstance(text, str) and len(text) > 7)
    return found
