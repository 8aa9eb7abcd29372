# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Nextcloud that may not ask local addresses, on a pair that has only those."""

from __future__ import annotations

from lab import Lab
from unit.conftest import RunModule
from unit.linking import arrange, link_args


def test_a_check_warns_because_an_earlier_task_may_set_it(run_module: RunModule) -> None:
    with Lab(nextcloud="29") as lab:
        found = run_module("link", link_args(lab), check_mode=True)
        assert any("allow_local_remote_servers" in warning for warning in found["warnings"])
        real = run_module("link", link_args(arrange(lab)))
    assert found["actions"] == real["actions"]
    assert found["diff"] == real["diff"]


def test_a_real_run_is_refused_before_the_first_write(run_module: RunModule) -> None:
    with Lab(nextcloud="29") as lab:
        result = run_module("link", link_args(lab))
        assert result["failed"] is True
        assert "allow_local_remote_servers" in result["msg"]
        assert lab.openproject.state.storages == {}
