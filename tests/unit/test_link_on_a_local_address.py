# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Nextcloud that may not ask local addresses, on a pair that has only those."""

from __future__ import annotations

from unit.conftest import RunModule
from unit.labs import Labs
from unit.linking import arrange, link_args


def test_a_check_warns_because_an_earlier_task_may_set_it(labs: Labs, run_module: RunModule) -> None:
    lab = labs.fresh("29")
    found = run_module("link", link_args(lab), check_mode=True)
    assert any("allow_local_remote_servers" in warning for warning in found["warnings"])
    real = run_module("link", link_args(arrange(lab)))
    assert found["actions"] == real["actions"]
    assert found["diff"] == real["diff"]


def test_a_real_run_is_refused_before_the_first_write(labs: Labs, run_module: RunModule) -> None:
    lab = labs.fresh("29")
    result = run_module("link", link_args(lab))
    assert result["failed"] is True
    assert "allow_local_remote_servers" in result["msg"]
    assert lab.openproject.state.storages == {}
