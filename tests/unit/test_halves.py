# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two halves as modules of their own: driven one after the other they make a link that works."""

from __future__ import annotations

import typing as t

import pytest

from lab import Lab
from lab.nextcloud import integration as app
from unit.conftest import RunModule
from unit.labs import Labs
from unit.linking import STORAGE, arrange, broken_parts, count, forget_requests


@pytest.fixture(params=["29", "32"], ids=["nextcloud29", "nextcloud32"])
def lab(request: pytest.FixtureRequest, labs: Labs) -> Lab:
    return arrange(labs.fresh(request.param))


def storage_args(lab: Lab, **more: t.Any) -> dict[str, t.Any]:
    return {
        "openproject_url": lab.openproject.url,
        "openproject_api_key": lab.openproject.api_key,
        "name": STORAGE,
        "nextcloud_url": lab.nextcloud.url,
        **more,
    }


def integration_args(lab: Lab, **more: t.Any) -> dict[str, t.Any]:
    username, password = lab.nextcloud.admin
    return {
        "nextcloud_url": lab.nextcloud.url,
        "nextcloud_username": username,
        "nextcloud_password": password,
        "openproject_url": lab.openproject.url,
        **more,
    }


def link_by_sides(
    lab: Lab, run_module: RunModule, *, project_folders: bool = True
) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
    """As a playbook does it: OpenProject first, then Nextcloud, then OpenProject again. The last two results."""
    storage = run_module("openproject_storage", storage_args(lab))
    application = storage["oauth_application"]
    settings = run_module(
        "nextcloud_integration",
        integration_args(
            lab,
            project_folders=project_folders,
            openproject_client_id=application["client_id"],
            openproject_client_secret=application.get("client_secret"),
        ),
    )
    storage = run_module(
        "openproject_storage",
        storage_args(
            lab,
            nextcloud_client_id=settings["integration"]["oauth_client_id"],
            nextcloud_client_secret=settings["handed_out"].get("nextcloud_client_secret"),
            application_password=settings["handed_out"].get("application_password"),
        ),
    )
    return settings, storage


def test_both_halves_make_a_link_and_the_second_round_changes_nothing(lab: Lab, run_module: RunModule) -> None:
    settings, storage = link_by_sides(lab, run_module)
    assert settings["changed"]
    assert storage["changed"]
    assert broken_parts(lab) == []
    settings, storage = link_by_sides(lab, run_module)
    assert not settings["changed"], settings
    assert not storage["changed"], storage
    assert settings["handed_out"] == {}
    assert "client_secret" not in storage["oauth_application"]
    assert settings["diff"]["before"] == settings["diff"]["after"]


@pytest.mark.parametrize(
    ("module", "args"),
    [
        ("openproject_storage", storage_args),
        ("openproject_storage", lambda lab: storage_args(lab, name="Renamed")),
        ("openproject_storage", lambda lab: storage_args(lab, automatic_management=False)),
        (
            "openproject_storage",
            lambda lab: storage_args(lab, nextcloud_client_id="id", nextcloud_client_secret="se-cret"),
        ),
        ("openproject_storage", lambda lab: storage_args(lab, state="absent", force_delete=True)),
        ("nextcloud_integration", lambda lab: integration_args(lab, project_folders=True)),
        ("nextcloud_integration", lambda lab: integration_args(lab, default_enable_navigation=True)),
        ("nextcloud_integration", lambda lab: integration_args(lab, rotate=["nextcloud_oauth"])),
        (
            "nextcloud_integration",
            lambda lab: integration_args(lab, rotate=["application_password"], project_folders=True),
        ),
        (
            "nextcloud_integration",
            lambda lab: integration_args(lab, openproject_client_id="id", openproject_client_secret="a-long-secret"),
        ),
        ("nextcloud_integration", lambda lab: integration_args(lab, state="absent")),
    ],
)
@pytest.mark.parametrize("linked", [False, True], ids=["fresh", "linked"])
def test_check_mode_writes_nothing_and_foretells_the_run(
    lab: Lab, run_module: RunModule, module: str, args: t.Callable[[Lab], dict[str, t.Any]], linked: bool
) -> None:
    if linked:
        link_by_sides(lab, run_module)
    lab.nextcloud.read_only = lab.openproject.read_only = True
    foretold = run_module(module, args(lab), check_mode=True)
    assert lab.nextcloud.refused + lab.openproject.refused == []
    lab.nextcloud.read_only = lab.openproject.read_only = False
    done = run_module(module, args(lab))
    if args(lab).get("rotate") and not linked:
        assert foretold["failed"]
        assert foretold["msg"] == done["msg"]
        assert "no secret to renew" in done["msg"]
        return
    assert not done.get("failed"), done
    assert (foretold["changed"], foretold["actions"], foretold["diff"]) == (
        done["changed"],
        done["actions"],
        done["diff"],
    )


def test_another_client_id_without_its_secret_fails_before_any_write(lab: Lab, run_module: RunModule) -> None:
    link_by_sides(lab, run_module)
    lab.nextcloud.read_only = lab.openproject.read_only = True
    for module, args, option in (
        (
            "openproject_storage",
            storage_args(lab, nextcloud_client_id="another", name="Renamed"),
            "nextcloud_client_secret",
        ),
        (
            "nextcloud_integration",
            integration_args(lab, openproject_client_id="another", default_enable_navigation=True),
            "openproject_client_secret",
        ),
    ):
        refused = run_module(module, args)
        assert refused["failed"], module
        assert option in refused["msg"]
    assert lab.nextcloud.refused + lab.openproject.refused == []


def test_a_password_that_is_not_there_is_not_rotated(lab: Lab, run_module: RunModule) -> None:
    link_by_sides(lab, run_module, project_folders=False)
    refused = run_module("nextcloud_integration", integration_args(lab, rotate=["application_password"]))
    assert refused["failed"]
    assert "project_folders" in refused["msg"]


def test_deleting_a_storage_asks_for_force(lab: Lab, run_module: RunModule) -> None:
    link_by_sides(lab, run_module)
    refused = run_module("openproject_storage", storage_args(lab, state="absent"))
    assert refused["failed"]
    assert "force_delete" in refused["msg"]
    assert run_module("openproject_storage", storage_args(lab, state="absent", force_delete=True))["changed"]
    assert lab.openproject.state.storages == {}
    assert not run_module("openproject_storage", storage_args(lab, state="absent"))["changed"]


def test_absent_empties_the_app_and_keeps_folders(lab: Lab, run_module: RunModule) -> None:
    link_by_sides(lab, run_module)
    assert run_module("nextcloud_integration", integration_args(lab, state="absent"))["changed"]
    assert app.oauth_client(lab.nextcloud.state) is None
    assert not app.has_app_password(lab.nextcloud.state)
    assert "OpenProject" in lab.nextcloud.state.users
    assert not run_module("nextcloud_integration", integration_args(lab, state="absent"))["changed"]


def test_an_unchanged_half_costs_as_many_requests_as_in_the_link(lab: Lab, run_module: RunModule) -> None:
    link_by_sides(lab, run_module)
    forget_requests(lab)
    run_module("openproject_storage", storage_args(lab))
    run_module("nextcloud_integration", integration_args(lab))
    assert count(lab) == (2, 2)


def test_a_password_from_a_vault_is_handed_over_only_while_management_is_off(lab: Lab, run_module: RunModule) -> None:
    settings, _storage = link_by_sides(lab, run_module)
    password = next(iter(lab.openproject.state.storages.values())).password
    kept = storage_args(lab, application_password=password, update_application_password="on_create")
    assert settings["changed"]
    assert not run_module("openproject_storage", kept)["changed"]
    assert run_module("openproject_storage", storage_args(lab, automatic_management=False))["changed"]
    assert run_module("openproject_storage", kept)["changed"]
    assert broken_parts(lab) == []
