# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets: what is tried, renewed on request, and removed; and two runs at once."""

from __future__ import annotations

import json
import threading
import typing as t
from urllib.parse import parse_qs

import pytest

from ansible_collections.opnc.integration.plugins.module_utils._core.errors import Failure
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.authorization import CLIENT_NAME
from lab import Lab
from lab.nextcloud import integration as app
from lab.openproject.state import Storage
from unit.conftest import RunModule
from unit.labs import Labs
from unit.linking import arrange, broken_parts, count, link_args
from unit.test_link_faults import Wire, run

PARTS = ("openproject_oauth", "nextcloud_oauth", "application_password")


@pytest.fixture
def linked(labs: Labs, run_module: RunModule) -> Lab:
    return labs.linked(run_module, "29")


def options(lab: Lab, **more: t.Any) -> dict[str, t.Any]:
    return link_args(lab, project_folders=True, runner_command=lab.openproject.runner, **more)


def storage_of(lab: Lab) -> Storage:
    return next(iter(lab.openproject.state.storages.values()))


def values(lab: Lab) -> dict[str, object]:
    """What stands for each secret on the servers."""
    storage = storage_of(lab)
    assert storage.oauth_application
    assert storage.client
    return {
        "openproject_oauth": storage.oauth_application.client_secret,
        "nextcloud_oauth": storage.client.client_secret,
        "application_password": storage.password,
    }


@pytest.mark.parametrize("part", PARTS)
def test_rotation_renews_what_is_named_and_nothing_else(linked: Lab, run_module: RunModule, part: str) -> None:
    before = values(linked)
    for _run in range(2):
        foretold = run_module("link", options(linked, rotate=[part]), check_mode=True)
        done = run_module("link", options(linked, rotate=[part]))
        assert done["changed"]
        assert (done["actions"], done["diff"]) == (foretold["actions"], foretold["diff"])
        assert done["diff"]["before"] != done["diff"]["after"]
    after = values(linked)
    assert [name for name in PARTS if after[name] != before[name]] == [part]
    assert broken_parts(linked) == []
    assert not run_module("link", options(linked))["changed"]


@pytest.mark.parametrize(
    ("part", "who"),
    [
        ("openproject_oauth", "connect Nextcloud to OpenProject again"),
        ("nextcloud_oauth", "let OpenProject access Nextcloud"),
    ],
)
def test_rotation_warns_who_must_log_in_again(linked: Lab, run_module: RunModule, part: str, who: str) -> None:
    warnings = run_module("link", options(linked, rotate=[part]))["warnings"]
    assert any("every user must" in warning and who in warning for warning in warnings)


def test_all_secrets_can_be_rotated_at_once(linked: Lab, run_module: RunModule) -> None:
    before = values(linked)
    assert run_module("link", options(linked, rotate=list(PARTS)))["changed"]
    assert all(values(linked)[part] != before[part] for part in PARTS)
    assert broken_parts(linked) == []


def test_openproject_oauth_is_not_rotated_without_a_runner(linked: Lab, run_module: RunModule) -> None:
    before = values(linked)
    refused = run_module("link", link_args(linked, project_folders=True, rotate=list(PARTS)))
    assert refused["failed"]
    assert "runner_command" in refused["msg"]
    assert values(linked) == before


def spoil_openproject_secret(lab: Lab) -> None:
    lab.nextcloud.state.set_app_value(app.INTEGRATION, "openproject_client_secret", "some-other-secret")


def spoil_application_password(lab: Lab) -> None:
    storage_of(lab).password = "no-longer-right"


def spoil_nextcloud_secret(lab: Lab) -> None:
    client = storage_of(lab).client
    assert client
    client.client_secret = "some-other-secret"


def tokens(lab: Lab) -> list[tuple[str, str]]:
    """Owner and value of every token that outlives a session."""
    return [(user.uid, token.value) for user in lab.nextcloud.state.users.values() for token in user.tokens]


def remembered(lab: Lab) -> list[int]:
    """Rows of sessions that go on."""
    return [token.id for user in lab.nextcloud.state.users.values() for token in user.devices]


def codes_tried(lab: Lab) -> list[str]:
    """The codes that OpenProject has posted to Nextcloud."""
    forms = [
        parse_qs(exchange.body) for exchange in lab.nextcloud.log if exchange.path.endswith("/oauth2/api/v1/token")
    ]
    return [form["code"][0] for form in forms]


@pytest.fixture
def used(linked: Lab) -> Lab:
    """A link in use: a user and the administrator himself have let OpenProject in."""
    state = linked.nextcloud.state
    state.create_user("somebody", "some-long-password")
    (client,) = state.oauth_clients
    for uid in ("somebody", "admin"):
        state.grant(client, uid)
    return linked


def test_a_right_link_passes_verification_unchanged(used: Lab, run_module: RunModule) -> None:
    before, grants, sessions = tokens(used), dict(used.nextcloud.state.grants), remembered(used)
    result = run_module("link", options(used, verify_secrets=True))
    assert not result["changed"]
    assert result["warnings"] == []
    assert len(used.openproject.runner_starts) == 1
    # those of every run, and: list, authorize, first page, consent, list, removal, end of the session
    assert count(used) == (3 + 7, 2 + 1)
    assert remembered(used) == sessions
    assert tokens(used) == before
    assert used.nextcloud.state.grants.items() >= grants.items()
    assert len(codes_tried(used)) == 1
    assert codes_tried(used)[0] not in json.dumps(result)


@pytest.mark.parametrize(
    ("spoil", "part"),
    [(spoil_openproject_secret, "openproject_oauth"), (spoil_application_password, "application_password")],
    ids=["openproject-secret", "application-password"],
)
def test_a_wrong_secret_is_found_only_when_it_is_tried_and_then_renewed_alone(
    linked: Lab, run_module: RunModule, spoil: t.Callable[[Lab], None], part: str
) -> None:
    spoil(linked)
    assert not run_module("link", options(linked))["changed"], "no read can see it"
    before = values(linked)
    foretold = run_module("link", options(linked, verify_secrets=True), check_mode=True)
    done = run_module("link", options(linked, verify_secrets=True))
    assert done["changed"]
    assert (done["actions"], done["diff"]) == (foretold["actions"], foretold["diff"])
    after = values(linked)
    assert [name for name in PARTS if after[name] != before[name]] == [part]
    assert broken_parts(linked) == []
    assert not run_module("link", options(linked, verify_secrets=True))["changed"]


def test_a_wrong_client_secret_of_nextcloud_is_renewed_alone(used: Lab, run_module: RunModule) -> None:
    spoil_nextcloud_secret(used)
    assert not run_module("link", options(used))["changed"], "no read can see it"
    before, others = values(used), [pair for pair in tokens(used) if pair[0] == "OpenProject"]
    done = run_module("link", options(used, verify_secrets=True))
    assert [action["reason"] for action in done["actions"]] == [
        "the client secret that OpenProject stores was tried and is wrong"
    ] * 2
    after = values(used)
    assert [name for name in PARTS if after[name] != before[name]] == ["nextcloud_oauth"]
    assert tokens(used) == others, "with the client go the tokens that came from it; nothing else does"
    assert codes_tried(used)[0] not in json.dumps(done)
    assert broken_parts(used) == []
    assert not run_module("link", options(used, verify_secrets=True))["changed"]


@pytest.mark.parametrize("spoilt", [False, True], ids=["right", "wrong"])
def test_check_mode_makes_no_token_and_says_what_it_did_not_try(used: Lab, run_module: RunModule, spoilt: bool) -> None:
    if spoilt:
        spoil_nextcloud_secret(used)
    before = tokens(used)
    used.nextcloud.read_only = used.openproject.read_only = True
    result = run_module("link", options(used, verify_secrets=True), check_mode=True)
    assert not result["changed"]
    assert [warning for warning in result["warnings"] if "which check mode must not" in warning]
    assert used.nextcloud.refused + used.openproject.refused == []
    assert (tokens(used), codes_tried(used)) == (before, [])


def test_with_an_application_password_the_client_secret_is_not_tried(used: Lab, run_module: RunModule) -> None:
    spoil_nextcloud_secret(used)
    password = used.nextcloud.state.add_token("admin", "cli").value
    before = tokens(used)
    result = run_module("link", options(used, verify_secrets=True, nextcloud_password=password))
    assert not result["changed"]
    assert [warning for warning in result["warnings"] if "nextcloud_password is an application password" in warning]
    assert tokens(used) == before
    assert len(used.openproject.runner_starts) == 1, "the other secret is tried all the same"


def test_what_nextcloud_does_not_tell_is_unknown(
    used: Lab, run_module: RunModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tokens(used)
    # the code is no longer good when OpenProject posts it
    monkeypatch.setattr(
        used.nextcloud.state, "consent", lambda client, uid: used.nextcloud.state.add_token(uid, CLIENT_NAME).value
    )
    result = run_module("link", options(used, verify_secrets=True))
    assert not result["changed"]
    assert result["warnings"] == [
        "OpenProject could not tell whether the client secret of Nextcloud that it stores is right."
    ]
    assert tokens(used) == before


def test_no_token_stays_when_the_runner_fails(used: Lab, run_module: RunModule) -> None:
    before = tokens(used)
    # what it was given comes back on its standard error
    result = run_module(
        "link", options(used, verify_secrets=True) | {"runner_command": ["sh", "-c", "cat >&2; exit 3", "-"]}
    )
    assert result["failed"]
    assert tokens(used) == before
    (code,) = [code for code, grant in used.nextcloud.state.grants.items() if not grant.delivered]
    assert code not in json.dumps(result)


def test_a_token_that_cannot_be_removed_is_named(used: Lab, run_module: RunModule) -> None:
    used.faults.add(server="nextcloud", nth=9, kind="html_502")
    result = run_module("link", options(used, verify_secrets=True))
    assert not result["changed"]
    assert [warning for warning in result["warnings"] if "remove the token OpenProject client (id " in warning]


@pytest.mark.parametrize("spoilt", [False, True], ids=["right", "wrong"])
def test_the_check_tries_it_too_and_leaves_no_token(used: Lab, run_module: RunModule, spoilt: bool) -> None:
    if spoilt:
        spoil_nextcloud_secret(used)
    before = tokens(used)
    args = options(used) | {"check_with_runner": True}
    result = run_module("link_info", args)
    assert ("nextcloud_secret_wrong" in [finding["code"] for finding in result["findings"]]) == spoilt
    assert tokens(used) == before
    foretold = run_module("link_info", args, check_mode=True)
    assert "nextcloud_secret_wrong" not in [finding["code"] for finding in foretold["findings"]]
    assert [warning for warning in foretold["warnings"] if "which check mode must not" in warning]
    assert len(codes_tried(used)) == 1


def test_without_a_runner_verification_says_what_was_not_tried(linked: Lab, run_module: RunModule) -> None:
    result = run_module("link", link_args(linked, project_folders=True, verify_secrets=True))
    assert not result["changed"]
    assert any("runner_command" in warning and "application password" in warning for warning in result["warnings"])


def test_removal_is_refused_without_force_and_names_what_would_be_lost(linked: Lab, run_module: RunModule) -> None:
    for project in list(linked.openproject.state.projects.values()):
        linked.openproject.state.add_project_storage(project, storage_of(linked), "automatic", "1")
    linked.nextcloud.read_only = linked.openproject.read_only = True
    refused = run_module("link", options(linked, state="absent"))
    assert refused["failed"]
    assert "2 active projects" in refused["msg"]
    assert linked.nextcloud.refused + linked.openproject.refused == []


@pytest.mark.parametrize("with_folders", [False, True], ids=["keeping-folders", "with-folders"])
def test_removal_is_foretold_and_removing_twice_changes_nothing(
    linked: Lab, run_module: RunModule, with_folders: bool
) -> None:
    args = options(linked, state="absent", force_delete=True, remove_project_folders=with_folders)
    foretold = run_module("link", args, check_mode=True)
    done = run_module("link", args)
    assert done["changed"], done
    assert (done["actions"], done["diff"]) == (foretold["actions"], foretold["diff"])
    state = linked.nextcloud.state
    assert linked.openproject.state.storages == {}
    assert app.oauth_client(state) is None
    assert not app.has_app_password(state)
    assert state.app_enabled(app.INTEGRATION)
    assert ("OpenProject" in state.users, bool(state.folders)) == (not with_folders, not with_folders)
    again = run_module("link", args)
    assert not again["changed"], again


def test_removal_leaves_a_nextcloud_alone_that_belongs_to_another_openproject(
    linked: Lab, run_module: RunModule
) -> None:
    linked.openproject.state.remove_storage(storage_of(linked))
    linked.nextcloud.state.set_app_value(app.INTEGRATION, "openproject_instance_url", "https://another.example.com")
    result = run_module("link", options(linked, state="absent", force_delete=True))
    assert not result["changed"]
    assert any("https://another.example.com" in warning for warning in result["warnings"])
    assert app.oauth_client(linked.nextcloud.state) is not None


def test_two_runs_at_once_never_leave_a_mixture() -> None:
    with Lab(nextcloud="29") as lab:
        for _attempt in range(5):
            lab.reset()
            arrange(lab)
            ends: list[str] = []
            barrier = threading.Barrier(2)

            def one_run(ends: list[str], barrier: threading.Barrier, lab: Lab = lab) -> None:
                barrier.wait()
                try:
                    run(lab, Wire())
                    ends.append("complete")
                except Failure as failure:
                    ends.append(failure.message)

            threads = [threading.Thread(target=one_run, args=(ends, barrier)) for _unused in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len(ends) == 2
            run(lab, Wire())
            assert broken_parts(lab) == [], ends
            assert not run(lab, Wire())["changed"]
            if "complete" in ends:
                assert len(lab.openproject.state.storages) == 1


def test_two_nextclouds_share_an_openproject_at_once() -> None:
    with Lab(nextcloud="29") as lab, Lab(nextcloud="32") as other:
        arrange(lab)
        arrange(other)
        ends: list[dict[str, t.Any]] = []

        def one_run(nextcloud: Lab, name: str) -> None:
            ends.append(run(nextcloud, Wire(), openproject=lab, name=name))

        threads = [threading.Thread(target=one_run, args=pair) for pair in ((lab, "One"), (other, "Two"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [end["changed"] for end in ends] == [True, True]
        assert sorted(storage.name for storage in lab.openproject.state.storages.values()) == ["One", "Two"]
        assert broken_parts(lab) == []
        assert broken_parts(other, openproject=lab) == []
