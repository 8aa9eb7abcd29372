# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets: what is tried, renewed on request, and removed; and two runs at once."""

from __future__ import annotations

import threading
import typing as t

import pytest

from ansible_collections.opnc.integration.plugins.module_utils._core.errors import Failure
from lab import Lab
from lab.nextcloud import integration as app
from lab.openproject.state import Storage
from unit.conftest import RunModule
from unit.linking import arrange, broken_parts, forget_requests, link_args
from unit.test_link_faults import Wire, run

PARTS = ("openproject_oauth", "nextcloud_oauth", "application_password")


@pytest.fixture
def linked(run_module: RunModule) -> t.Iterator[Lab]:
    with Lab(nextcloud="29") as lab:
        assert run_module("link", options(arrange(lab)))["changed"]
        forget_requests(lab)
        yield lab


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


def test_a_right_link_passes_verification_unchanged(linked: Lab, run_module: RunModule) -> None:
    result = run_module("link", options(linked, verify_secrets=True))
    assert not result["changed"]
    assert len(linked.openproject.runner_starts) == 1


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

            def one_run(lab: Lab = lab, ends: list[str] = ends, barrier: threading.Barrier = barrier) -> None:
                barrier.wait()
                try:
                    run(lab, Wire())
                    ends.append("complete")
                except Failure as failure:
                    ends.append(failure.message)

            threads = [threading.Thread(target=one_run) for _ in range(2)]
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
