# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No stored password of Nextcloud: occ makes one for the run, which deletes itself (issue 8 point 2)."""

from __future__ import annotations

import typing as t

import pytest

from lab import Lab
from unit.conftest import RunModule
from unit.labs import Labs
from unit.linking import arrange, broken_parts, forget_requests, link_args


@pytest.fixture(params=["29", "32"], ids=["nextcloud29", "nextcloud32"])
def lab(request: pytest.FixtureRequest, labs: Labs) -> Lab:
    lab = arrange(labs.fresh(request.param))
    lab.nextcloud.state.add_token(lab.nextcloud.admin[0], "somebody's phone")
    return lab


def options(lab: Lab, **more: t.Any) -> dict[str, t.Any]:
    args = link_args(lab, project_folders=True, occ_command=lab.nextcloud.occ, **more)
    del args["nextcloud_password"]
    return args


def tokens(lab: Lab) -> list[str]:
    """Names of the administrator's permanent tokens."""
    return [token.name for token in lab.nextcloud.state.users[lab.nextcloud.admin[0]].tokens if token.type == 1]


def test_a_link_needs_no_password_where_occ_is_given(lab: Lab, run_module: RunModule) -> None:
    assert run_module("link", options(lab))["changed"]
    assert broken_parts(lab) == []
    assert tokens(lab) == ["somebody's phone"]
    forget_requests(lab)
    assert not run_module("link", options(lab))["changed"]
    assert len(lab.nextcloud.occ_starts) == 1
    assert tokens(lab) == ["somebody's phone"]


def test_check_mode_leaves_no_password_behind(lab: Lab, run_module: RunModule) -> None:
    assert run_module("link", options(lab), check_mode=True)["changed"]
    assert tokens(lab) == ["somebody's phone"]


def test_the_password_is_deleted_also_when_the_run_fails(lab: Lab, run_module: RunModule) -> None:
    lab.openproject.state.api_tokens_enabled = False
    assert run_module("link", options(lab))["failed"]
    assert tokens(lab) == ["somebody's phone"]


def test_bad_input_makes_no_password(lab: Lab, run_module: RunModule) -> None:
    assert run_module("link", options(lab, nextcloud_ca_path="/nowhere/ca.pem"))["failed"]
    assert lab.nextcloud.occ_starts == []


def test_where_the_password_may_not_write_occ_does_it(lab: Lab, run_module: RunModule) -> None:
    """NC §6.2: a stricter server; the group folder is put right by occ."""
    run_module("link", options(lab))
    state = lab.nextcloud.state
    state.app_passwords_need_confirmation = True
    next(iter(state.folders.values())).groups["OpenProject"] = 1
    done = run_module("link", options(lab))
    assert done["changed"], done
    assert any("occ took over" in warning for warning in done["warnings"])
    assert broken_parts(lab) == []
    assert tokens(lab) == ["somebody's phone"]


def test_without_a_password_and_without_occ_the_option_is_named(lab: Lab, run_module: RunModule) -> None:
    args = options(lab)
    del args["occ_command"]
    refused = run_module("link", args)
    assert refused["failed"]
    assert "nextcloud_password" in refused["msg"]
    assert lab.nextcloud.requests == []


def test_an_unreachable_nextcloud_gets_no_password_that_nobody_could_delete(run_module: RunModule) -> None:
    """The authority is unknown to the play; occ would have made a password all the same."""
    with Lab(tls=True) as lab:
        assert lab.openproject.authority is not None
        refused = run_module("link", options(lab, openproject_ca_path=lab.openproject.authority.ca_path))
        assert "nextcloud_ca_path" in refused["msg"]
        assert refused["warnings"] == []
        assert lab.nextcloud.occ_starts == []
        assert tokens(lab) == []
