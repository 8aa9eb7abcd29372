# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A repair that breaks off anywhere is finished by the next run, without a second folder and without touching what is there."""

from __future__ import annotations

import typing as t

import pytest

from lab import Lab
from unit import folder_states as states
from unit.labs import Labs

MODULE = "nextcloud_project_folders"
READS = 3
WRITES = 12


@pytest.fixture
def lab(labs: Labs) -> Lab:
    """29 lets a second folder with one mount point come about, and dies when a group is added twice."""
    return labs.fresh("29")


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "html_502"])
@pytest.mark.parametrize("broken", range(READS + 1, READS + WRITES + 3))
def test_the_next_run_finishes_it(broken: int, kind: str, lab: Lab, run_module: t.Any) -> None:
    args = states.options(lab, "http")
    lab.faults.add(server="nextcloud", nth=broken, kind=kind, times=1)
    first = run_module(MODULE, args)
    lab.faults.clear()
    if first.get("failed"):
        assert first["error"]["type"] in ("NoAnswer", "TransportError", "ApiError")
        assert "Nextcloud" in first["msg"]
    second = run_module(MODULE, args)
    assert "failed" not in second, second
    assert second["changed"] is bool(first.get("failed"))
    assert states.status_of_app(lab)
    assert len(lab.nextcloud.state.folders) == 1
    assert run_module(MODULE, args)["changed"] is False


@pytest.mark.parametrize("path", ["/groups", "/manageACL"])
def test_a_write_that_servers_fail_to_repeat_is_looked_at_when_its_answer_is_lost(
    path: str, lab: Lab, run_module: t.Any
) -> None:
    """Adding the group once more would kill the answer (NC §9), adding the manager once more is a database error (NC §4.2)."""
    folder = states.complete(lab.nextcloud.state)
    if path == "/groups":
        folder.groups.clear()
    else:
        folder.manage.clear()
    # user, folders and groups are right, so the second write is the one: after the two reads and the question whether writing is let through
    lab.faults.add(server="nextcloud", nth=4, kind="drop_after", times=1)
    result = run_module(MODULE, states.options(lab, "http"))
    assert result["changed"], result
    assert states.status_of_app(lab)
    assert [exchange.path.endswith(path) for exchange in lab.nextcloud.requests][3]
