# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module link_info beyond its findings: what it reads, what it sends, and that nothing keeps it from answering."""

from __future__ import annotations

import json
import typing as t

import pytest

from lab import Lab
from lab.nextcloud import integration as app
from lab.openproject.state import AUTOMATIC
from unit.between import Said, Server, page
from unit.conftest import RunModule
from unit.labs import Labs
from unit.linking import count, link_args

WRONG = "a-wrong-one-of-good-length"


@pytest.fixture(params=["29", "32"], ids=["nextcloud29", "nextcloud32"])
def lab(request: pytest.FixtureRequest, labs: Labs, run_module: RunModule) -> Lab:
    """A complete pair whose storage one project uses."""
    lab = labs.linked(run_module, request.param)
    world = lab.openproject.state
    (storage,) = world.storages.values()
    world.add_project_storage(world.projects[min(world.projects)], storage, AUTOMATIC)
    return lab


def info_args(lab: Lab, **more: t.Any) -> dict[str, t.Any]:
    return link_args(lab, **{"project_folders": True, **more})


def with_command_lines(lab: Lab) -> dict[str, t.Any]:
    return {"occ_command": lab.nextcloud.occ, "runner_command": lab.openproject.runner, "check_with_runner": True}


def codes(result: t.Mapping[str, t.Any]) -> list[str]:
    return [finding["code"] for finding in result["findings"]]


def test_state_of_both_sides_is_what_the_link_returns(lab: Lab, run_module: RunModule) -> None:
    looked = run_module("link_info", info_args(lab))
    linked = run_module("link", info_args(lab))

    assert looked["link"] == linked["link"]
    assert looked["changed"] is False
    assert looked["servers"]["nextcloud"]["version"] == lab.nextcloud.profile.version
    assert looked["servers"]["openproject"] == {
        "address": lab.openproject.url,
        "version": "15.4.0",
        "versions": "OpenProject 15.4.0: supported (tried: 15.4.0 and 16.3.0)",
    }


@pytest.mark.parametrize("check_mode", [True, False])
def test_nothing_is_written(lab: Lab, run_module: RunModule, check_mode: bool) -> None:
    """Only the trial of Nextcloud's client secret makes a token for a moment, and check mode leaves it out."""
    lab.nextcloud.read_only = lab.openproject.read_only = True
    options = {**with_command_lines(lab), "check_with_runner": check_mode}

    result = run_module("link_info", info_args(lab, **options), check_mode=check_mode)

    assert codes(result) == []
    assert lab.nextcloud.refused == []
    assert lab.openproject.refused == []


def test_check_mode_does_the_same(lab: Lab, run_module: RunModule) -> None:
    args = info_args(lab, occ_command=lab.nextcloud.occ)

    assert run_module("link_info", args, check_mode=True) == run_module("link_info", args)


def test_trying_the_secrets_leaves_no_token_behind(lab: Lab, run_module: RunModule) -> None:
    admin = lab.nextcloud.state.users["admin"]
    before = [token.id for token in admin.tokens]

    result = run_module("link_info", info_args(lab, **with_command_lines(lab)))

    assert codes(result) == []
    assert [token.id for token in admin.tokens] == before


def test_what_it_costs(lab: Lab, run_module: RunModule) -> None:
    run_module("link_info", info_args(lab))
    nextcloud, openproject = count(lab)

    assert nextcloud <= 13
    assert openproject <= 9
    assert lab.nextcloud.occ_starts == []
    assert lab.openproject.runner_starts == []


def test_command_lines_are_started_only_when_asked_for(lab: Lab, run_module: RunModule) -> None:
    given = with_command_lines(lab)

    run_module("link_info", info_args(lab, **{**given, "check_with_runner": False}))
    assert lab.openproject.runner_starts == []
    assert len(lab.nextcloud.occ_starts) == 1

    run_module("link_info", info_args(lab, **given))
    assert len(lab.openproject.runner_starts) == 2


def test_no_secret_of_the_servers_leaves_the_module(lab: Lab, run_module: RunModule) -> None:
    (storage,) = lab.openproject.state.storages.values()
    own = app.oauth_client(lab.nextcloud.state)
    assert own is not None
    assert storage.oauth_application is not None
    secrets = [storage.password, own.secret, storage.oauth_application.client_secret]
    lab.nextcloud.state.set_app_value(app.INTEGRATION, "openproject_client_secret", WRONG)

    result = run_module("link_info", info_args(lab, **with_command_lines(lab)))

    assert "openproject_secret_wrong" in codes(result)
    shown = json.dumps(result)
    for secret in [*secrets, WRONG]:
        assert secret
        assert secret not in shown


@pytest.mark.parametrize("option", ["nextcloud_password", "nextcloud_username", "nextcloud_url"])
def test_without_nextclouds_half(lab: Lab, run_module: RunModule, option: str) -> None:
    result = run_module("link_info", info_args(lab, **{option: ""}))

    assert codes(result) == ["nextcloud_not_looked_at"]
    assert option in result["findings"][0]["message"]
    assert result["link"]["nextcloud"] == {}
    assert result["link"]["openproject"]["storage"]["name"] == "Cloud"
    assert [one["side"] for one in result["not_checked"]].count("nextcloud") >= 1
    verdicts = {part["part"]: part["verdict"] for part in result["parts"]}
    assert verdicts["nextcloud"] == verdicts["openproject_oauth"] == "not_checked"
    assert verdicts["openproject"] == "right"


@pytest.mark.parametrize("option", ["openproject_api_key", "openproject_url"])
def test_without_openprojects_half(lab: Lab, run_module: RunModule, option: str) -> None:
    result = run_module("link_info", info_args(lab, **{option: ""}))

    assert codes(result) == ["openproject_not_looked_at"]
    assert result["link"]["openproject"] == {}
    assert result["link"]["nextcloud"]["project_folders"] is True


def test_without_a_password_occ_makes_one_for_this_run(lab: Lab, run_module: RunModule) -> None:
    args = info_args(lab, occ_command=lab.nextcloud.occ)
    del args["nextcloud_password"]

    result = run_module("link_info", args)

    assert codes(result) == []
    assert result["link"]["nextcloud"]["application_password"] is True
    assert lab.nextcloud.state.users["admin"].tokens == []


def test_without_a_password_and_with_an_occ_that_fails(lab: Lab, run_module: RunModule) -> None:
    args = info_args(lab, occ_command=["/nowhere/occ"])
    del args["nextcloud_password"]

    assert codes(run_module("link_info", args)) == ["nextcloud_not_looked_at", "occ_failed"]


def test_a_side_without_login_still_shows_what_strangers_may_know(lab: Lab, run_module: RunModule) -> None:
    lab.openproject.state.worker_running = False

    result = run_module("link_info", info_args(lab, nextcloud_password="", openproject_api_key=""))

    assert codes(result) == ["worker_not_running", "nextcloud_not_looked_at", "openproject_not_looked_at"]
    assert result["servers"]["nextcloud"]["version"] == lab.nextcloud.profile.version
    assert lab.nextcloud.state.login_fails == 0


def test_wrong_credentials_on_both_sides_are_sent_once(lab: Lab, run_module: RunModule) -> None:
    result = run_module("link_info", info_args(lab, nextcloud_password=WRONG, openproject_api_key=WRONG))

    assert codes(result) == ["nextcloud_login_refused", "openproject_login_refused"]
    assert lab.nextcloud.state.login_fails == 1


def test_credentials_do_not_go_to_something_that_is_not_the_server(lab: Lab, run_module: RunModule) -> None:
    with Server(lambda asked: page(200, "Please log in")) as one, Server(lambda asked: Said(200, "{}")) as other:
        result = run_module("link_info", info_args(lab, nextcloud_url=one.url, openproject_url=other.url))

    assert {"nextcloud_not_itself", "openproject_not_itself"} <= set(codes(result))
    for asked in [*one.asked, *other.asked]:
        assert asked.header("Authorization") is None
    assert one.asked
    assert other.asked


@pytest.mark.parametrize("server", ["nextcloud", "openproject"])
@pytest.mark.parametrize("kind", ["drop_before", "html_502"])
def test_a_server_that_dies_in_between_is_a_finding(lab: Lab, run_module: RunModule, server: str, kind: str) -> None:
    run_module("link_info", info_args(lab))
    requests = dict(zip(("nextcloud", "openproject"), count(lab), strict=True))[server]

    for nth in range(1, requests + 1):
        lab.faults.clear()
        lab.faults.add(server=server, kind=kind, nth=nth, times=99)
        result = run_module("link_info", info_args(lab))
        assert "failed" not in result, nth
        wanted = "unreachable" if kind == "drop_before" else "not_ready"
        assert f"{server}_{wanted}" in codes(result), nth


def test_storage_is_found_without_a_name(lab: Lab, run_module: RunModule) -> None:
    args = info_args(lab)
    del args["storage_name"]

    assert codes(run_module("link_info", args)) == []


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"nextcloud_url": "", "openproject_url": ""}, "nextcloud_url"),
        ({"nextcloud_url": "ftp://cloud.example.com"}, "nextcloud_url"),
        ({"openproject_url": "https://user:pass@projects.example.com"}, "openproject_url"),
        ({"storage_name": " "}, "storage_name"),
        ({"openproject_api_key": "key-with-line-feed\n"}, "openproject_api_key"),
        ({"runner_exec": ["docker", "exec", "-i", "openproject"]}, "runner_command"),
    ],
)
def test_bad_input_fails_before_the_first_request(
    lab: Lab, run_module: RunModule, options: dict[str, t.Any], named: str
) -> None:
    result = run_module("link_info", info_args(lab, **options))

    assert result["failed"] is True
    assert named in result["msg"]
    assert count(lab) == (0, 0)


@pytest.mark.parametrize(
    ("address", "words"),
    [("http://127.0.0.1:9", "resolves it to 127.0.0.1"), ("http://no-such-host.invalid", "cannot resolve it either")],
)
def test_local_address_and_unknown_name_are_told_apart(
    lab: Lab, run_module: RunModule, address: str, words: str
) -> None:
    """Field case O21: Nextcloud says the same of both."""
    del lab.nextcloud.state.system["allow_local_remote_servers"]
    lab.nextcloud.state.set_app_value(app.INTEGRATION, "openproject_instance_url", address)

    found = {finding["code"]: finding for finding in run_module("link_info", info_args(lab))["findings"]}

    assert words in found["address_local_remote_servers_not_allowed"]["message"]


def test_folders_that_nobody_wishes_are_unused(lab: Lab, run_module: RunModule) -> None:
    run_module("link", link_args(lab, project_folders=False))
    for row in lab.openproject.state.project_storages.values():
        row.mode = "inactive"

    result = run_module("link_info", info_args(lab, project_folders=None))

    assert codes(result) == []
    assert {"part": "project_folders", "title": "Project folders", "verdict": "unused"} in result["parts"]


def test_what_single_sign_on_lacks_is_read_from_the_page(labs: Labs, run_module: RunModule) -> None:
    """Nextcloud as its own provider, without the app for it and without a client for OpenProject (http-sso)."""
    lab = labs.linked(run_module, "34")
    settings = {"authorization_method": "oidc", "sso_provider_type": "nextcloud_hub", "oidc_provider": "Nextcloud Hub"}
    for key, value in settings.items():
        lab.nextcloud.state.set_app_value(app.INTEGRATION, key, value)

    found = codes(run_module("link_info", info_args(lab)))

    assert {"sso_hub_app_missing", "sso_app_missing", "sso_openproject_audience_missing", "methods_differ"} <= set(
        found
    )


@pytest.mark.parametrize("version", ["29", "34"])
def test_group_folders_without_its_files_are_not_to_be_enabled(version: str, labs: Labs, run_module: RunModule) -> None:
    """Field case O44, for the second app."""
    lab = labs.linked(run_module, version)
    del lab.nextcloud.state.apps[app.GROUPFOLDERS]

    found = codes(run_module("link_info", info_args(lab)))

    assert "group_folders_files_missing" in found
    assert "group_folders_missing" not in found
