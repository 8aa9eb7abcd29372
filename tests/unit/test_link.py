# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module link on a fresh, a complete and a drifted pair."""

from __future__ import annotations

import typing as t

import pytest

from lab import Lab
from lab.nextcloud import integration as app
from unit.conftest import RunModule
from unit.labs import Labs
from unit.linking import STORAGE, arrange, broken_parts, count, forget_requests, link_args

FOLDERS = pytest.mark.parametrize("folders", [True, None, False], ids=["folders", "unset", "without"])


@pytest.fixture(params=["29", "32"], ids=["nextcloud29", "nextcloud32"])
def lab(request: pytest.FixtureRequest, labs: Labs) -> Lab:
    return arrange(labs.fresh(request.param))


def options(lab: Lab, folders: bool | None, **more: t.Any) -> dict[str, t.Any]:
    requested = {} if folders is None else {"project_folders": folders}
    return link_args(lab, **requested, **more)


@FOLDERS
def test_a_fresh_pair_is_linked_and_the_second_run_changes_nothing(
    lab: Lab, run_module: RunModule, folders: bool | None
) -> None:
    args = options(lab, folders)
    first = run_module("link", args)
    assert first["changed"], first
    assert broken_parts(lab, folders=bool(folders)) == []

    forget_requests(lab)
    second = run_module("link", args)
    assert not second["changed"]
    assert second["actions"] == []
    assert second["diff"]["before"] == second["diff"]["after"]
    assert count(lab) == (3 if folders else 2, 2)
    assert lab.nextcloud.occ_starts == []
    assert lab.openproject.runner_starts == []


def test_a_fresh_link_with_project_folders_costs_at_most_eighteen_requests(lab: Lab, run_module: RunModule) -> None:
    run_module("link", options(lab, True))
    assert sum(count(lab)) <= 18


@FOLDERS
def test_check_mode_writes_nothing_and_foretells_the_run(lab: Lab, run_module: RunModule, folders: bool | None) -> None:
    args = options(lab, folders, default_enable_navigation=True)
    lab.nextcloud.read_only = lab.openproject.read_only = True
    foretold = run_module("link", args, check_mode=True)
    assert lab.nextcloud.refused == []
    assert lab.openproject.refused == []
    lab.nextcloud.read_only = lab.openproject.read_only = False
    done = run_module("link", args)
    assert foretold["changed"]
    assert done["changed"]
    assert foretold["actions"] == done["actions"]
    assert foretold["diff"] == done["diff"]


def test_a_result_holds_no_secret_that_a_server_made(lab: Lab, run_module: RunModule) -> None:
    result = str(run_module("link", options(lab, True)))
    storage = next(iter(lab.openproject.state.storages.values()))
    assert storage.oauth_application
    assert storage.client
    assert storage.password
    for secret in (storage.oauth_application.client_secret, storage.client.client_secret, storage.password):
        assert secret not in result


def _rename_storage(lab: Lab) -> None:
    next(iter(lab.openproject.state.storages.values())).name = "Renamed by somebody"


def _other_url(lab: Lab) -> None:
    lab.nextcloud.state.set_app_value(app.INTEGRATION, "openproject_instance_url", "https://former.example.com")


def _stale_redirect(lab: Lab) -> None:
    client = app.oauth_client(lab.nextcloud.state)
    assert client is not None
    client.redirect_uri = f"https://former.example.com/oauth_clients/{client.client_identifier}/callback"


def _navigation(lab: Lab) -> None:
    lab.nextcloud.state.set_app_value(app.INTEGRATION, "default_enable_navigation", "")


def _method(lab: Lab) -> None:
    lab.nextcloud.state.set_app_value(app.INTEGRATION, "authorization_method", "oidc")


def _client_made_by_hand(lab: Lab) -> None:
    app.new_client(lab.nextcloud.state)


def _credentials_overwritten(lab: Lab) -> None:
    state = lab.openproject.state
    state.set_client(next(iter(state.storages.values())), "somebody", "else")


def _management_off(lab: Lab) -> None:
    storage = next(iter(lab.openproject.state.storages.values()))
    storage.automatic_management, storage.password = False, None


def _password_deleted(lab: Lab) -> None:
    app.delete_app_password(lab.nextcloud.state)


DRIFT = [
    _rename_storage,
    _other_url,
    _stale_redirect,
    _navigation,
    _method,
    _client_made_by_hand,
    _credentials_overwritten,
    _management_off,
    _password_deleted,
]


@pytest.mark.parametrize("drift", DRIFT, ids=lambda drift: drift.__name__.strip("_"))
def test_every_drift_is_foretold_and_put_right(lab: Lab, run_module: RunModule, drift: t.Callable[[Lab], None]) -> None:
    args = options(lab, True, default_enable_navigation=True)
    run_module("link", args)
    storage_id = next(iter(lab.openproject.state.storages))
    drift(lab)

    lab.nextcloud.read_only = lab.openproject.read_only = True
    foretold = run_module("link", args, check_mode=True)
    lab.nextcloud.read_only = lab.openproject.read_only = False
    assert foretold["changed"], foretold
    assert foretold["actions"]

    done = run_module("link", args)
    assert (done["actions"], done["diff"]) == (foretold["actions"], foretold["diff"])
    assert broken_parts(lab) == []
    assert list(lab.openproject.state.storages) == [storage_id], "the storage was kept"
    assert next(iter(lab.openproject.state.storages.values())).name == STORAGE
    assert not run_module("link", args)["changed"]


def test_the_page_that_mends_an_empty_method_is_reported_as_a_change(lab: Lab, run_module: RunModule) -> None:
    args = options(lab, None)
    run_module("link", args)
    lab.nextcloud.state.set_app_value(app.INTEGRATION, "authorization_method", "")
    mended = run_module("link", args, check_mode=True)
    assert mended["changed"]
    assert mended["actions"] == []
    assert any("authentication method" in warning for warning in mended["warnings"])
    assert not run_module("link", args)["changed"]


def test_only_the_first_request_to_nextcloud_is_a_login(lab: Lab, run_module: RunModule) -> None:
    """NC §9: a request with the login password costs a password hash, one with the cookies of an earlier one does not."""
    run_module("link", options(lab, True))
    first, *others = lab.nextcloud.requests
    assert "cookie_test" not in first.headers.get("Cookie", "")
    assert others
    for exchange in others:
        if "Authorization" not in exchange.headers or exchange.headers["Authorization"].startswith("Basic"):
            assert "cookie_test" in exchange.headers.get("Cookie", ""), exchange.path
