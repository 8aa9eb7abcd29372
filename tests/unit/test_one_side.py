# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules over one side: driven one after the other they make a link that works, whatever gets lost in between."""

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


# --- as the examples of the modules do it, again and again -----------------------------------------------------------


def tasks(lab: Lab, run_module: RunModule, **runner: t.Any) -> list[dict[str, t.Any]]:
    """The tasks of the modules' own examples; as in a play, the first that fails is the last."""
    username, password = lab.nextcloud.admin
    login = {"nextcloud_url": lab.nextcloud.url, "nextcloud_username": username, "nextcloud_password": password}
    results = [run_module("link_info", {**login, "check_with_occ": False})]
    stored = results[0]["link"]["nextcloud"].get("openproject_client_id", "")
    storage = run_module("openproject_storage", storage_args(lab, expected_client_id=stored, **runner))
    results.append(storage)
    if storage.get("failed"):
        return results
    application = storage["oauth_application"]
    nextcloud_side = run_module(
        "nextcloud_integration",
        integration_args(
            lab,
            project_folders=True,
            openproject_client_id=application["client_id"],
            openproject_client_secret=application.get("client_secret"),
            expected_client_id=storage["storage"]["nextcloud_client_id"] or "",
            expected_application_password=storage["storage"]["automatic_management"],
        ),
    )
    results.append(nextcloud_side)
    if nextcloud_side.get("failed"):
        return results
    handed_out = nextcloud_side["handed_out"]
    results.append(
        run_module(
            "openproject_storage",
            storage_args(
                lab,
                nextcloud_client_id=nextcloud_side["integration"]["oauth_client_id"],
                nextcloud_client_secret=handed_out.get("nextcloud_client_secret"),
                application_password=handed_out.get("application_password"),
            ),
        )
    )
    return results


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "html_502"])
@pytest.mark.parametrize("server", ["nextcloud", "openproject"])
def test_the_tasks_end_in_a_complete_link_whatever_got_lost(
    server: str, kind: str, labs: Labs, run_module: RunModule
) -> None:
    lab = arrange(labs.fresh("29"))
    tasks(lab, run_module)
    assert broken_parts(lab) == []
    for nth in range(1, len(getattr(lab, server).requests) + 1):
        lab = arrange(labs.fresh("29"))
        lab.faults.add(server=server, nth=nth, kind=kind, times=1)
        tasks(lab, run_module)
        lab.faults.clear()
        runner = {"runner_command": lab.openproject.runner}
        done = tasks(lab, run_module, **runner)
        where = f"{kind} at request {nth} to {server}"
        assert [one["msg"] for one in done if one.get("failed")] == [], where
        assert broken_parts(lab) == [], where
        assert not any(one["changed"] for one in tasks(lab, run_module, **runner)), where


def test_a_secret_leaves_a_run_that_fails_later(lab: Lab, run_module: RunModule) -> None:
    """OpenProject shows its client secret once; that it refuses the password afterwards must not lose it."""
    client = {"nextcloud_client_id": "an-id", "nextcloud_client_secret": "a-long-enough-secret"}
    failed = run_module("openproject_storage", storage_args(lab, application_password="of-nobody", **client))
    assert failed["failed"]
    assert failed["changed"]
    (storage,) = lab.openproject.state.storages.values()
    assert storage.oauth_application is not None
    assert failed["oauth_application"] == {
        "client_id": storage.oauth_application.client_id,
        "client_secret": storage.oauth_application.client_secret,
    }
    assert failed["actions_not_done"] == ["enter the application password of Nextcloud"]


def test_a_storage_that_holds_nothing_is_taken_back_with_its_secret(lab: Lab, run_module: RunModule) -> None:
    failed = run_module("openproject_storage", storage_args(lab, application_password="of-nobody"))
    assert failed["failed"]
    assert failed["changed"] is False
    assert "oauth_application" not in failed
    assert lab.openproject.state.storages == {}


def test_a_client_that_openproject_does_not_have_is_replaced(lab: Lab, run_module: RunModule) -> None:
    link_by_sides(lab, run_module)
    lost = run_module("nextcloud_integration", integration_args(lab, expected_client_id="", project_folders=True))
    assert lost["actions"] == ["create a new OAuth client for OpenProject"]
    assert lost["handed_out"]["nextcloud_client_id"] == lost["integration"]["oauth_client_id"]


def test_an_application_password_that_openproject_does_not_have_is_created_again(
    lab: Lab, run_module: RunModule
) -> None:
    link_by_sides(lab, run_module)
    options = integration_args(lab, project_folders=True, expected_application_password=False)
    assert run_module("nextcloud_integration", options)["handed_out"]["application_password"]


def test_a_storage_of_another_name_is_not_deleted(lab: Lab, run_module: RunModule) -> None:
    """For a removal the name must fit, or the id be given."""
    _nextcloud_side, storage = link_by_sides(lab, run_module)
    other = storage_args(lab, name="Other", state="absent", force_delete=True)
    refused = run_module("openproject_storage", other)
    assert f'called "{STORAGE}"' in refused["msg"]
    assert run_module("openproject_storage", {**other, "storage_id": storage["storage_id"]})["changed"]
    assert lab.openproject.state.storages == {}


def test_of_two_storages_on_one_host_the_named_one_is_meant(lab: Lab, run_module: RunModule) -> None:
    """``name: Second`` renamed the first one, and deleted it with ``state: absent``."""
    first = lab.openproject.state.add_storage("First", f"{lab.nextcloud.url}/")
    lab.openproject.state.add_storage("Second", lab.nextcloud.url)
    done = run_module("openproject_storage", storage_args(lab, name="Second", state="absent", force_delete=True))
    assert done["changed"], done
    assert [storage.name for storage in lab.openproject.state.storages.values()] == ["First"]
    assert first.name == "First"


def test_rotation_replaces_the_oauth_application(lab: Lab, run_module: RunModule) -> None:
    _nextcloud_side, before = link_by_sides(lab, run_module)
    rotating = storage_args(lab, rotate=["openproject_oauth"])
    assert "runner_command" in run_module("openproject_storage", rotating)["msg"]
    done = run_module("openproject_storage", {**rotating, "runner_command": lab.openproject.runner})
    assert done["oauth_application"]["client_secret"]
    assert done["oauth_application"]["client_id"] != before["oauth_application"]["client_id"]


def test_a_lost_secret_is_renewed_where_openproject_has_another_address_for_users(
    lab: Lab, run_module: RunModule
) -> None:
    """The address of the play is not the one that is registered, and nothing tells that Nextcloud is linked to another server."""
    link_by_sides(lab, run_module)
    public = {"openproject_public_url": lab.openproject.url.replace("127.0.0.1", "localhost")}
    lab.openproject.state.host_name = public["openproject_public_url"].removeprefix("http://")
    runner = {"runner_command": lab.openproject.runner}
    done = run_module("openproject_storage", storage_args(lab, expected_client_id="another", **public, **runner))
    assert done.get("oauth_application", {}).get("client_secret"), done
