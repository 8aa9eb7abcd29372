# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module process of C(link) is really ended at a write; one good run ends complete, a further one changes nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lab import Exchange, Lab
from lab.nextcloud import integration as app
from lab.nextcloud.state import INTEGRATION, OPENPROJECT, SECOND_GROUP
from lab.plumbing import OBSERVERS
from unit.conftest import RunModule
from unit.linking import arrange, broken_parts, link_args

ROOT = Path(__file__).parents[2]
BEFORE, AFTER = "before", "after"
OCS = "/ocs/v2.php/cloud"
WRITES_OF_A_FRESH_LINK = [
    "POST /api/v3/storages",
    "PATCH /index.php/apps/integration_openproject/setup",
    "POST /api/v3/storages/1/oauth_client_credentials",
    "PATCH /api/v3/storages/1",
]
PROGRAM = """
import json, sys
from ansible.module_utils.testing import patch_module_args
from ansible_collections.opnc.integration.plugins.modules import link
with patch_module_args(json.load(sys.stdin)):
    link.main()
"""


@dataclass
class Killer:
    """Runs the module in a process and kills that with SIGKILL the moment a write arrives at a server.

    The server looks on the write only after the process is dead: C(BEFORE) it is dropped unseen, C(AFTER) it is carried out, and
    nobody is there to read the answer.

    :param write: method and path of the write that it dies at; empty lets it come to its end.
    :param signal: another signal than SIGKILL.
    :param observed: the writes that arrived.
    """

    lab: Lab
    write: str = ""
    moment: str = AFTER
    signal: int = signal.SIGKILL
    observed: list[str] = field(default_factory=list)
    process: subprocess.Popen[str] | None = None
    started: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    exchange: Exchange | None = None
    output: str = ""

    def run(self, args: t.Mapping[str, t.Any]) -> int:
        """Exit code of the process; negative when it was killed."""
        OBSERVERS.append(self._observe)
        try:
            with subprocess.Popen(
                [sys.executable, "-c", PROGRAM],
                preexec_fn=heed_signals,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                env={**os.environ, "PYTHONPATH": str(ROOT / ".cache" / "collections")},
            ) as self.process:
                self.started.set()
                output, _unused = self.process.communicate(
                    json.dumps({**args, "_ansible_module_name": "link"}), timeout=120
                )
        finally:
            OBSERVERS.remove(self._observe)
            self.ended.set()
        assert self.process.returncode in (0, -signal.SIGKILL) or self.signal != signal.SIGKILL, output
        self.output = output
        if self.exchange is not None and self.moment == AFTER:
            while self.exchange.status == 0:
                time.sleep(0.005)
            assert self.exchange.status < 300, "the write did not take effect"
        return self.process.returncode

    def _observe(self, exchange: Exchange) -> None:
        """Called by the server's thread, which looks at the request when this returns."""
        if not self._is_write(exchange):
            return
        self.observed.append(f"{exchange.method} {exchange.path}")
        if self.observed[-1] != self.write:
            return
        self.exchange = exchange
        self.started.wait()
        assert self.process is not None
        os.kill(self.process.pid, self.signal)
        self.ended.wait()
        if self.moment == BEFORE:
            raise ConnectionAbortedError("the server never sees it")

    def _is_write(self, exchange: Exchange) -> bool:
        server = self.lab.nextcloud if exchange.server == "nextcloud" else self.lab.openproject
        return not exchange.peer and server.changes_state(exchange.method, exchange.path)


@pytest.fixture(scope="module")
def lab() -> t.Iterator[Lab]:
    with Lab(nextcloud="29") as lab:
        yield lab


@pytest.fixture(autouse=True)
def fresh(lab: Lab) -> None:
    lab.reset()
    arrange(lab)


def heed_signals() -> None:
    """Let a child end on signals that whoever started the tests may have let be ignored, as nohup does."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def test_a_fresh_link_with_folders_has_four_writes(lab: Lab) -> None:
    killer = Killer(lab)
    assert killer.run(link_args(lab, project_folders=True)) == 0
    assert killer.observed == WRITES_OF_A_FRESH_LINK
    assert broken_parts(lab) == []


@pytest.mark.parametrize("moment", [BEFORE, AFTER])
@pytest.mark.parametrize("write", WRITES_OF_A_FRESH_LINK)
def test_a_link_killed_at_a_write_is_finished_by_the_next_run(
    lab: Lab, run_module: RunModule, write: str, moment: str
) -> None:
    args = link_args(lab, project_folders=True)
    killer = Killer(lab, write, moment)
    assert killer.run(args) == -signal.SIGKILL
    assert killer.observed[-1] == write, "a dead process wrote"
    complete = (write, moment) == (WRITES_OF_A_FRESH_LINK[-1], AFTER)
    assert (broken_parts(lab) == []) is complete, "the kill was to leave something to do, unless it came too late"
    done = run_module("link", args)
    assert done["changed"] is not complete, done
    assert broken_parts(lab) == []
    again = run_module("link", args)
    assert not again["changed"], again
    assert broken_parts(lab) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_link_ended_by_a_signal_leaves_no_password_behind(lab: Lab, number: signal.Signals) -> None:
    """Its clean-ups run, and it says what ended it."""
    args = link_args(lab, project_folders=True, occ_command=lab.nextcloud.occ)
    del args["nextcloud_password"]
    killer = Killer(lab, WRITES_OF_A_FRESH_LINK[0], BEFORE, number)
    assert killer.run(args) == 1
    assert f"Ended by {number.name}" in killer.output
    assert [token.name for token in lab.nextcloud.state.users[lab.nextcloud.admin[0]].tokens if token.type == 1] == []


# few, because a disabled app is asked for five seconds whether it is only late
WHILE_THE_APP_IS_DISABLED = [
    (f"DELETE {OCS}/apps/{INTEGRATION}", AFTER),
    (f"DELETE {OCS}/users/{OPENPROJECT}", AFTER),
    (f"POST {OCS}/apps/{INTEGRATION}", BEFORE),
]


@pytest.mark.parametrize(("write", "moment"), WHILE_THE_APP_IS_DISABLED)
def test_a_removal_killed_while_the_app_is_disabled_is_finished_by_the_next_run(
    lab: Lab, run_module: RunModule, write: str, moment: str
) -> None:
    state = lab.nextcloud.state
    assert run_module("link", link_args(lab, project_folders=True))["changed"]
    args = link_args(lab, state="absent", force_delete=True, remove_project_folders=True)
    killer = Killer(lab, write, moment)
    assert killer.run(args) == -signal.SIGKILL
    assert killer.observed[-1] == write, "a dead process wrote"
    assert not state.app_enabled(INTEGRATION)
    done = run_module("link", args)
    assert done["changed"], done
    assert state.app_enabled(INTEGRATION)
    assert OPENPROJECT not in state.users
    assert {OPENPROJECT, SECOND_GROUP}.isdisjoint(state.groups)
    assert (state.folders, lab.openproject.state.storages, app.oauth_client(state)) == ({}, {}, None)
    again = run_module("link", args)
    assert not again["changed"], again
    assert state.app_enabled(INTEGRATION)


STARTING = """
import sys
from ansible_collections.opnc.integration.plugins.module_utils._core.command import environment, execute
from ansible_collections.opnc.integration.plugins.module_utils._core.signals import EndedBySignal, ended_in_order
try:
    with ended_in_order():
        execute(["/bin/sh", "-c", "sleep 60 & echo $! > $0.new; mv $0.new $0; wait", sys.argv[1]], None, environment(), 50)
except EndedBySignal as ended:
    print(ended.name)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_what_a_started_command_started_is_ended_too(tmp_path: Path, number: signal.Signals) -> None:
    written = tmp_path / "child"
    with subprocess.Popen(
        [sys.executable, "-c", STARTING, str(written)],
        preexec_fn=heed_signals,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / ".cache" / "collections")},
    ) as process:
        while not written.exists():
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(number)
        output, _unused = process.communicate(timeout=30)
    assert output == f"{number.name}\n"
    child = Path(f"/proc/{written.read_text().strip()}/stat")
    # a signal that was sent is delivered in a moment; where nobody waits for the process, it stays as a zombie
    until = time.monotonic() + 10
    while child.exists() and child.read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < until, "the command's own child goes on"
        time.sleep(0.01)
