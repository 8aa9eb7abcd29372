# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What somebody else did to a complete link is put right, or refused with both ways out; a second run changes nothing."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

import pytest

from lab import Lab
from lab.nextcloud import integration as app
from lab.openproject.state import Storage
from unit.conftest import RunModule
from unit.labs import Labs
from unit.linking import STORAGE, broken_parts, forget_requests, link_args

RUNNER = "needs the runner"
CONFIG = app.INTEGRATION


@dataclass(frozen=True)
class Hand:
    """Somebody's deed.

    :param runner: only OpenProject's command line can put it right; without it the run must be refused.
    :param options: what the administrator has to say for it.
    :param keeps_storage: the storage must be the same one afterwards.
    """

    name: str
    do: t.Callable[[Lab], None]
    runner: bool = False
    options: t.Mapping[str, t.Any] | None = None
    keeps_storage: bool = True


def storage_of(lab: Lab) -> Storage:
    return next(iter(lab.openproject.state.storages.values()))


def delete_storage(lab: Lab) -> None:
    lab.openproject.state.remove_storage(storage_of(lab))


def reset_nextcloud(lab: Lab) -> None:
    app.reset(lab.nextcloud.state, lambda *_unused: "")


def both_gone(lab: Lab) -> None:
    delete_storage(lab)
    reset_nextcloud(lab)


def new_client(lab: Lab) -> None:
    app.new_client(lab.nextcloud.state)


def overwrite_credentials(lab: Lab) -> None:
    lab.openproject.state.set_client(storage_of(lab), "somebody", "else")


def delete_credentials(lab: Lab) -> None:
    storage_of(lab).client = None


def overwrite_openproject_values(lab: Lab) -> None:
    lab.nextcloud.state.set_app_value(CONFIG, "openproject_client_id", "another-client-id")
    lab.nextcloud.state.set_app_value(CONFIG, "openproject_client_secret", "another-client-secret")


def empty_openproject_secret(lab: Lab) -> None:
    lab.nextcloud.state.set_app_value(CONFIG, "openproject_client_secret", "")


def management_off(lab: Lab) -> None:
    storage = storage_of(lab)
    storage.automatic_management, storage.password = False, None


def delete_password(lab: Lab) -> None:
    app.delete_app_password(lab.nextcloud.state)


def rename_storage(lab: Lab) -> None:
    storage_of(lab).name = "Renamed by somebody"


def move_storage(lab: Lab) -> None:
    storage_of(lab).host = "https://former.example.com/"


def other_url(lab: Lab) -> None:
    lab.nextcloud.state.set_app_value(CONFIG, "openproject_instance_url", "https://former.example.com")


def dangling_client(lab: Lab) -> None:
    state = lab.nextcloud.state
    client = app.oauth_client(state)
    assert client is not None
    state.delete_oauth_client(client.id)


def delete_application(lab: Lab) -> None:
    storage_of(lab).oauth_application = None


def everything_at_once(lab: Lab) -> None:
    """Up to 15.4 a PATCH of a storage without an OAuth application is a server error (OP §14)."""
    delete_application(lab)
    rename_storage(lab)
    delete_password(lab)
    overwrite_credentials(lab)
    dangling_client(lab)


def dangling_after_reset(lab: Lab) -> None:
    """A reset whose OAuth client row was left behind as a number without a row."""
    reset_nextcloud(lab)
    lab.nextcloud.state.set_app_value(CONFIG, "nc_oauth_client_id", "4711")
    delete_storage(lab)


def disable_user(lab: Lab) -> None:
    lab.nextcloud.state.users["OpenProject"].enabled = False


def delete_second_group(lab: Lab) -> None:
    del lab.nextcloud.state.groups["OpenProjectNoAutomaticProjectFolders"]


HANDS = [
    Hand("storage deleted in OpenProject only", delete_storage, keeps_storage=False),
    Hand("Nextcloud reset only", reset_nextcloud, runner=True),
    Hand("storage deleted and Nextcloud reset", both_gone, keeps_storage=False),
    Hand("new OAuth client made in Nextcloud", new_client),
    Hand("credentials in OpenProject overwritten", overwrite_credentials),
    Hand("credentials in OpenProject deleted", delete_credentials),
    Hand("client id and secret in Nextcloud overwritten", overwrite_openproject_values, runner=True),
    Hand("client secret in Nextcloud emptied", empty_openproject_secret, runner=True),
    Hand("automatic management switched off", management_off),
    Hand("application password deleted in Nextcloud", delete_password),
    Hand("storage renamed", rename_storage),
    Hand("host of the storage changed", move_storage),
    Hand("address of OpenProject in Nextcloud changed", other_url),
    Hand("OAuth client deleted behind the app's back", dangling_client),
    Hand("OAuth application of OpenProject deleted", delete_application, runner=True),
    Hand("application, password, client and name gone at once", everything_at_once, runner=True),
    Hand("reset with a dangling client", dangling_after_reset, keeps_storage=False),
    Hand("user OpenProject disabled", disable_user),
    Hand("second group deleted", delete_second_group),
]
IDS = [hand.name.replace(" ", "-") for hand in HANDS]


@pytest.fixture(params=["29", "32"], ids=["nextcloud29", "nextcloud32"])
def linked(request: pytest.FixtureRequest, labs: Labs, run_module: RunModule) -> Lab:
    lab = labs.linked(run_module, request.param)
    folders, projects = lab.nextcloud.state.folders, lab.openproject.state.projects
    folders[min(folders)].files["Project one/plan.odt"] = 4711
    lab.openproject.state.add_project_storage(projects[min(projects)], storage_of(lab), "automatic", "4711")
    return lab


def options(lab: Lab, **more: t.Any) -> dict[str, t.Any]:
    return link_args(lab, project_folders=True, **more)


@pytest.mark.parametrize("hand", HANDS, ids=IDS)
def test_a_foreign_hand_is_foretold_and_put_right(linked: Lab, run_module: RunModule, hand: Hand) -> None:
    before = storage_of(linked).id
    hand.do(linked)
    args = options(
        linked, **({"runner_command": linked.openproject.runner} if hand.runner else {}), **(hand.options or {})
    )

    linked.nextcloud.read_only = linked.openproject.read_only = True
    foretold = run_module("link", args, check_mode=True)
    linked.nextcloud.read_only = linked.openproject.read_only = False
    assert foretold.get("changed"), foretold
    assert linked.nextcloud.refused == []
    assert linked.openproject.refused == []

    done = run_module("link", args)
    assert not done.get("failed"), done
    assert (done["actions"], done["diff"]) == (foretold["actions"], foretold["diff"])
    assert broken_parts(linked) == []
    assert (storage_of(linked).id == before) == hand.keeps_storage
    folder = next(iter(linked.nextcloud.state.folders.values()))
    assert "Project one/plan.odt" in folder.files, "no file was lost"

    again = run_module("link", args)
    assert not again["changed"], again


@pytest.mark.parametrize(
    "hand", [hand for hand in HANDS if hand.runner], ids=[hand.name.replace(" ", "-") for hand in HANDS if hand.runner]
)
def test_a_lost_secret_on_a_link_in_use_is_refused_without_a_runner(
    linked: Lab, run_module: RunModule, hand: Hand
) -> None:
    hand.do(linked)
    linked.nextcloud.read_only = linked.openproject.read_only = True
    refused = run_module("link", options(linked))
    assert refused["failed"]
    assert refused["error"]["type"] == "Refused"
    assert "runner_command" in refused["msg"]
    assert "force_delete" in refused["msg"]
    assert linked.nextcloud.refused + linked.openproject.refused == [], "nothing was tried"


def test_the_runner_is_started_once_for_a_lost_secret(linked: Lab, run_module: RunModule) -> None:
    reset_nextcloud(linked)
    forget_requests(linked)
    run_module("link", options(linked, runner_command=linked.openproject.runner))
    assert len(linked.openproject.runner_starts) == 1


def test_a_storage_with_the_wished_name_and_another_host_is_refused_and_named(
    run_module: RunModule, linked: Lab
) -> None:
    both_gone(linked)
    linked.openproject.state.add_storage(STORAGE, "https://other.example.com/")
    refused = run_module("link", options(linked))
    assert refused["failed"]
    assert "https://other.example.com/" in refused["msg"]
    assert "storage_id" in refused["msg"]
    assert len(linked.openproject.state.storages) == 1


def test_a_rename_to_a_name_that_another_storage_has_is_refused_before_any_write(
    run_module: RunModule, linked: Lab
) -> None:
    rename_storage(linked)
    delete_password(linked)
    linked.openproject.state.add_storage(STORAGE, "https://other.example.com/")
    linked.nextcloud.read_only = linked.openproject.read_only = True
    refused = run_module("link", options(linked))
    assert refused["failed"]
    assert "Renamed by somebody" in refused["msg"]
    assert linked.nextcloud.refused == []
    assert linked.openproject.refused == []


def test_a_nextcloud_of_another_openproject_is_refused_unless_relinked(run_module: RunModule, linked: Lab) -> None:
    other_url(linked)
    overwrite_openproject_values(linked)
    delete_storage(linked)
    refused = run_module("link", options(linked))
    assert refused["failed"]
    assert "https://former.example.com" in refused["msg"]
    assert "relink" in refused["msg"]
    assert linked.openproject.state.storages == {}
    assert run_module("link", options(linked, relink=True))["changed"]
    assert broken_parts(linked) == []


def test_an_unfinished_storage_that_nobody_uses_is_made_again(run_module: RunModule, linked: Lab) -> None:
    """The trace of a run that died right after its first write."""
    both_gone(linked)
    linked.openproject.state.add_storage(STORAGE, f"{linked.nextcloud.url}/")
    done = run_module("link", options(linked))
    assert "nobody uses" in done["actions"][0]["action"]
    assert broken_parts(linked) == []
    assert len(linked.openproject.state.storages) == 1


def test_an_unfinished_storage_that_a_project_uses_is_never_deleted(run_module: RunModule, linked: Lab) -> None:
    both_gone(linked)
    storage = linked.openproject.state.add_storage(STORAGE, f"{linked.nextcloud.url}/")
    linked.openproject.state.add_project_storage(next(iter(linked.openproject.state.projects.values())), storage)
    refused = run_module("link", options(linked))
    assert refused["failed"]
    assert "1 active project uses the storage" in refused["msg"]
    assert storage_of(linked) is storage
    assert run_module("link", options(linked, runner_command=linked.openproject.runner))["changed"]
    assert storage_of(linked) is storage
    assert broken_parts(linked) == []
