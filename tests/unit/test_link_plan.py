# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of a link as a table: state and wish on the left, steps on the right (design §5)."""

from __future__ import annotations

import itertools
import typing as t
from dataclasses import replace

import pytest

from ansible_collections.opnc.integration.plugins.module_utils._core.errors import Refused
from ansible_collections.opnc.integration.plugins.module_utils._http.address import Address
from ansible_collections.opnc.integration.plugins.module_utils._link import plan as steps
from ansible_collections.opnc.integration.plugins.module_utils._link.plan import make_plan
from ansible_collections.opnc.integration.plugins.module_utils._link.state import (
    APPLICATION_PASSWORD,
    NEXTCLOUD_OAUTH,
    OPENPROJECT_OAUTH,
    Desired,
    LinkState,
)
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.admin import Folder
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.integration import NextcloudSettings
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.project_folders import GROUPS, Pieces
from ansible_collections.opnc.integration.plugins.module_utils._openproject.storages import ListedStorage, Storage

NEXTCLOUD = "https://cloud.example.com"
OPENPROJECT = "https://projects.example.com"
REDIRECT = f"{OPENPROJECT}/oauth_clients/nc-id/callback"

STORAGE = Storage(
    id=3,
    name="Cloud",
    host=f"{NEXTCLOUD}/",
    configured=True,
    has_application_password=True,
    client_id="op-id",
    redirect_uris=(),
    nextcloud_client_id="nc-id",
    sso=False,
)
HALF = NextcloudSettings(
    openproject_url=OPENPROJECT,
    openproject_client_id="op-id",
    openproject_client_secret="op-secret",
    client_id="nc-id",
    redirect_uri=REDIRECT,
    authorization_method="oauth2",
    fresh=False,
    folders=True,
    application_password=True,
    group_folders_app=True,
)
USER = {"id": "OpenProject", "enabled": True, "groups": list(GROUPS), "subadmin": list(GROUPS), "backend": "Database"}
NOTHING = Pieces(user=None, groups={}, folders=())
COMPLETE = LinkState(storage=STORAGE, nextcloud=HALF, user=USER)
FRESH = LinkState(nextcloud=NextcloudSettings(group_folders_app=True), pieces=NOTHING)
WISH = Desired(
    nextcloud=Address.parse(NEXTCLOUD, option="nextcloud_url"),
    openproject=Address.parse(OPENPROJECT, option="openproject_url"),
    storage_name="Cloud",
    project_folders=True,
)
ALONE, WITHOUT = replace(WISH, project_folders=None), replace(WISH, project_folders=False)


def settings(**parts: t.Any) -> LinkState:
    """The complete link with another Nextcloud half."""
    return replace(COMPLETE, nextcloud=replace(HALF, **parts))


def storage(**parts: t.Any) -> LinkState:
    """The complete link with another storage."""
    return replace(COMPLETE, storage=replace(STORAGE, **parts))


RESET = NextcloudSettings(folders=True, application_password=True, group_folders_app=True)
UNFINISHED = replace(STORAGE, nextcloud_client_id=None, has_application_password=False)

S = steps
#: state, wish, steps
TABLE: dict[str, tuple[LinkState, Desired, list[str]]] = {
    "complete": (COMPLETE, WISH, []),
    "complete, folders left alone": (COMPLETE, ALONE, []),
    "fresh": (FRESH, WISH, [S.CREATE_STORAGE, S.PATCH_SETUP, S.HAND_OVER_CLIENT, S.HAND_OVER_PASSWORD]),
    "fresh without folders": (FRESH, ALONE, [S.CREATE_STORAGE, S.PATCH_SETUP, S.HAND_OVER_CLIENT]),
    "fresh, folders off": (FRESH, WITHOUT, [S.CREATE_STORAGE, S.PATCH_SETUP, S.HAND_OVER_CLIENT]),
    "folders no longer wished": (COMPLETE, WITHOUT, [S.MANAGEMENT_OFF]),
    "died after POST /storages": (
        replace(FRESH, storage=UNFINISHED, project_storages=0),
        WISH,
        [S.RECREATE_STORAGE, S.PATCH_SETUP, S.HAND_OVER_CLIENT, S.HAND_OVER_PASSWORD],
    ),
    "died after PATCH setup": (
        storage(nextcloud_client_id=None, has_application_password=False),
        ALONE,
        [S.NEW_CLIENT, S.HAND_OVER_CLIENT],
    ),
    "unfinished but in a project, with a runner": (
        replace(FRESH, storage=UNFINISHED, project_storages=1, runner=True),
        ALONE,
        [S.REPLACE_APPLICATION, S.PATCH_SETUP, S.HAND_OVER_CLIENT],
    ),
    "storage deleted": (
        replace(COMPLETE, storage=None),
        ALONE,
        [S.CREATE_STORAGE, S.PATCH_SETUP, S.NEW_CLIENT, S.HAND_OVER_CLIENT],
    ),
    "Nextcloud reset, with a runner, folders left alone": (
        replace(COMPLETE, nextcloud=RESET, runner=True),
        ALONE,
        [S.MANAGEMENT_OFF, S.REPLACE_APPLICATION, S.PATCH_SETUP, S.HAND_OVER_CLIENT, S.HAND_OVER_PASSWORD],
    ),
    "other client id in Nextcloud, with a runner": (
        replace(settings(openproject_client_id="another"), runner=True),
        ALONE,
        [S.REPLACE_APPLICATION, S.PATCH_SETUP],
    ),
    "OAuth application deleted, with a runner": (
        replace(storage(client_id=None), runner=True),
        ALONE,
        [S.REPLACE_APPLICATION, S.PATCH_SETUP],
    ),
    "OAuth application deleted and storage renamed": (
        replace(storage(client_id=None, name="Other"), runner=True),
        replace(ALONE, rotate=frozenset({APPLICATION_PASSWORD})),
        [S.REPLACE_APPLICATION, S.UPDATE_STORAGE, S.MANAGEMENT_OFF, S.PATCH_SETUP, S.HAND_OVER_PASSWORD],
    ),
    "new client made by hand": (
        settings(client_id="other", redirect_uri=f"{OPENPROJECT}/oauth_clients/other/callback"),
        WISH,
        [S.NEW_CLIENT, S.HAND_OVER_CLIENT],
    ),
    "credentials in OpenProject overwritten": (
        storage(nextcloud_client_id="other"),
        WISH,
        [S.NEW_CLIENT, S.HAND_OVER_CLIENT],
    ),
    "dangling client": (settings(client_id=None, redirect_uri=""), ALONE, [S.HEAL_CLIENT, S.HAND_OVER_CLIENT]),
    "dangling client and another address": (
        settings(client_id=None, redirect_uri="", openproject_url="https://former.example.com"),
        ALONE,
        [S.HEAL_CLIENT, S.HAND_OVER_CLIENT, S.PATCH_SETUP],
    ),
    "address in Nextcloud changed": (settings(openproject_url="https://former.example.com"), WISH, [S.PATCH_SETUP]),
    "address spelt otherwise": (settings(openproject_url="https://PROJECTS.example.com:443/"), WISH, []),
    "stale redirect URI": (
        settings(redirect_uri="https://former.example.com/oauth_clients/nc-id/callback"),
        WISH,
        [S.FIX_REDIRECT],
    ),
    "host of the storage changed": (storage(host="https://former.example.com/"), WISH, [S.UPDATE_STORAGE]),
    "host spelt without slash, in capitals": (storage(host="https://CLOUD.example.com"), WISH, []),
    "storage renamed": (storage(name="Other"), WISH, [S.UPDATE_STORAGE]),
    "method is another": (settings(authorization_method="oidc"), WISH, [S.PATCH_SETUP]),
    "default of navigation": (COMPLETE, replace(WISH, default_enable_navigation=True), [S.PATCH_SETUP]),
    "default of unified search": (COMPLETE, replace(WISH, default_enable_unified_search=True), [S.PATCH_SETUP]),
    "defaults are as requested": (COMPLETE, replace(WISH, default_enable_navigation=False), []),
    "fresh flag, no folders": (
        replace(settings(fresh=True, folders=False), storage=replace(STORAGE, has_application_password=False)),
        ALONE,
        [S.PATCH_SETUP],
    ),
    "fresh flag, folders in use but not asked for": (
        settings(fresh=True),
        ALONE,
        [S.MANAGEMENT_OFF, S.PATCH_SETUP, S.HAND_OVER_PASSWORD],
    ),
    "secret of OpenProject tried and wrong, with a runner": (
        replace(COMPLETE, wrong=frozenset({OPENPROJECT_OAUTH}), runner=True),
        ALONE,
        [S.REPLACE_APPLICATION, S.PATCH_SETUP],
    ),
    "secret of Nextcloud tried and wrong": (
        replace(COMPLETE, wrong=frozenset({NEXTCLOUD_OAUTH})),
        WISH,
        [S.NEW_CLIENT, S.HAND_OVER_CLIENT],
    ),
    "password tried and wrong": (
        replace(COMPLETE, wrong=frozenset({APPLICATION_PASSWORD})),
        ALONE,
        [S.MANAGEMENT_OFF, S.PATCH_SETUP, S.HAND_OVER_PASSWORD],
    ),
    "rotate openproject_oauth": (
        replace(COMPLETE, runner=True),
        replace(WISH, rotate=frozenset({OPENPROJECT_OAUTH})),
        [S.REPLACE_APPLICATION, S.PATCH_SETUP],
    ),
    "rotate nextcloud_oauth": (
        COMPLETE,
        replace(WISH, rotate=frozenset({NEXTCLOUD_OAUTH})),
        [S.NEW_CLIENT, S.HAND_OVER_CLIENT],
    ),
    "rotate application_password": (
        COMPLETE,
        replace(ALONE, rotate=frozenset({APPLICATION_PASSWORD})),
        [S.MANAGEMENT_OFF, S.PATCH_SETUP, S.HAND_OVER_PASSWORD],
    ),
    "relinked": (
        replace(settings(openproject_url="https://former.example.com"), storage=None),
        replace(ALONE, relink=True),
        [S.CREATE_STORAGE, S.PATCH_SETUP, S.NEW_CLIENT, S.HAND_OVER_CLIENT],
    ),
    "app missing, as check mode sees it": (
        LinkState(nextcloud=NextcloudSettings(app=False)),
        WISH,
        [S.CREATE_STORAGE, S.PATCH_SETUP, S.HAND_OVER_CLIENT, S.HAND_OVER_PASSWORD],
    ),
}


@pytest.mark.parametrize(("state", "desired", "expected"), TABLE.values(), ids=TABLE)
def test_state_and_wish_give_these_steps(state: LinkState, desired: Desired, expected: list[str]) -> None:
    plan = make_plan(state, desired)
    assert [step.kind for step in plan.steps] == expected
    assert all(step.title and step.reason for step in plan.steps)


#: what only a plan with a write needs to know
WANTS: dict[str, tuple[LinkState, Desired, set[str]]] = {
    "complete": (COMPLETE, WISH, set()),
    "folders not right": (settings(folders=False), WISH, {"pieces"}),
    "user disabled": (replace(COMPLETE, user={**USER, "enabled": False}), WISH, {"pieces"}),
    "not group admin of the second group": (
        replace(COMPLETE, user={**USER, "subadmin": [GROUPS[0]]}),
        WISH,
        {"pieces"},
    ),
    "folders not asked for": (settings(folders=False), ALONE, set()),
    "password to be renewed": (settings(application_password=False), WISH, {"pieces"}),
    "unfinished storage": (replace(FRESH, storage=UNFINISHED), ALONE, {"project_storages"}),
    "lost secret without a runner": (settings(openproject_client_id=""), ALONE, {"project_storages"}),
}


@pytest.mark.parametrize(("state", "desired", "expected"), WANTS.values(), ids=WANTS)
def test_more_is_read_only_where_a_write_needs_it(state: LinkState, desired: Desired, expected: set[str]) -> None:
    assert make_plan(state, desired).wants == expected


REFUSALS: dict[str, tuple[LinkState, Desired, str]] = {
    "lost secret without a runner": (
        replace(settings(openproject_client_id=""), project_storages=1),
        WISH,
        "runner_command",
    ),
    "OAuth application deleted, without a runner": (
        replace(storage(client_id=None), project_storages=2),
        WISH,
        "runner_command",
    ),
    "unfinished but in a project, without a runner": (
        replace(FRESH, storage=UNFINISHED, project_storages=1),
        WISH,
        "runner_command",
    ),
    "storage of another Nextcloud": (
        replace(storage(host="https://other.example.com/", client_id="theirs")),
        WISH,
        "storage_id: 3",
    ),
    "single sign-on": (storage(sso=True), WISH, "single sign-on"),
    "wished name is taken": (
        replace(
            storage(name="Other"), listed=(ListedStorage(9, "Cloud", "https://other.example.com/", is_nextcloud=True),)
        ),
        WISH,
        "another storage has that name",
    ),
    "Nextcloud of another OpenProject": (
        replace(settings(openproject_url="https://other.example.com", openproject_client_id="theirs"), storage=None),
        WISH,
        "relink: true",
    ),
    "rotate openproject_oauth without a runner": (
        COMPLETE,
        replace(WISH, rotate=frozenset({OPENPROJECT_OAUTH})),
        "runner_command",
    ),
    "rotate where there is no link": (
        FRESH,
        replace(WISH, rotate=frozenset({NEXTCLOUD_OAUTH})),
        "no link whose secrets",
    ),
    "rotate a password that is not there": (
        storage(has_application_password=False),
        replace(ALONE, rotate=frozenset({APPLICATION_PASSWORD})),
        "project_folders: true",
    ),
    "rotate a password while folders are not requested": (
        COMPLETE,
        replace(WITHOUT, rotate=frozenset({APPLICATION_PASSWORD})),
        "project_folders is false",
    ),
}


@pytest.mark.parametrize(("state", "desired", "words"), REFUSALS.values(), ids=REFUSALS)
def test_what_cannot_be_done_safely_is_refused_with_a_way_out(state: LinkState, desired: Desired, words: str) -> None:
    with pytest.raises(Refused, match=words):
        make_plan(state, desired)


@pytest.mark.parametrize(("state", "desired", "expected"), TABLE.values(), ids=TABLE)
def test_a_client_secret_travels_only_with_its_id_and_the_method(
    state: LinkState, desired: Desired, expected: list[str]
) -> None:
    """NC §1.5: with one of the two the app forgets all users' tokens without revoking them."""
    for step in make_plan(state, desired).steps:
        if step.kind == steps.PATCH_SETUP and step.values.keys() & {
            "openproject_client_id",
            "openproject_client_secret",
        }:
            assert {"openproject_client_id", "openproject_client_secret", "authorization_method"} <= step.values.keys()


@pytest.mark.parametrize(("state", "desired", "expected"), TABLE.values(), ids=TABLE)
def test_a_new_password_on_a_live_link_is_marked_first(state: LinkState, desired: Desired, expected: list[str]) -> None:
    """Design §5.3: nothing else may leave a stale password behind C(hasApplicationPassword)."""
    kinds = [step.kind for step in make_plan(state, desired).steps]
    renews = any(
        step.kind == steps.PATCH_SETUP and step.values.get("setup_app_password")
        for step in make_plan(state, desired).steps
    )
    live = state.storage is not None and state.storage.has_application_password and steps.RECREATE_STORAGE not in kinds
    if renews and live:
        assert (
            kinds.index(steps.MANAGEMENT_OFF) < kinds.index(steps.PATCH_SETUP) < kinds.index(steps.HAND_OVER_PASSWORD)
        )


MAKES = {
    steps.CREATE_STORAGE: {steps.PATCH_SETUP},
    steps.RECREATE_STORAGE: {steps.PATCH_SETUP},
    steps.REPLACE_APPLICATION: {steps.PATCH_SETUP, steps.UPDATE_STORAGE, steps.MANAGEMENT_OFF},
    steps.NEW_CLIENT: {steps.HAND_OVER_CLIENT},
}
LOST_USER = Pieces(user=None, groups={}, folders=(Folder(7, "OpenProject", {"OpenProject": 31}, acl=True),))


@pytest.mark.parametrize(("state", "desired", "expected"), TABLE.values(), ids=TABLE)
def test_a_secret_is_handed_over_by_the_next_step(state: LinkState, desired: Desired, expected: list[str]) -> None:
    kinds = [step.kind for step in make_plan(state, desired).steps]
    for kind, following in itertools.pairwise(kinds):
        assert following in MAKES.get(kind, {following}), kinds
    assert not kinds or kinds[-1] not in MAKES


@pytest.mark.parametrize("secret", [OPENPROJECT_OAUTH, NEXTCLOUD_OAUTH, APPLICATION_PASSWORD])
def test_project_folders_are_completed_before_a_secret_is_made(secret: str) -> None:
    state = replace(COMPLETE, user=None, pieces=LOST_USER, runner=True)
    plan = make_plan(state, replace(WISH, rotate=frozenset({secret})))
    assert [step.kind for step in plan.steps[: len(plan.repairs)]] == [step.kind for step in plan.repairs]
    assert plan.repairs


def test_without_the_storage_that_nextcloud_knows_the_costs_are_told() -> None:
    """Field case O46: whoever is linked must log in again, also when no storage is found."""
    plan = make_plan(replace(COMPLETE, storage=None), ALONE)
    assert [cost.partition(" is new")[0] for cost in plan.costs] == [
        "The OAuth client of Nextcloud",
        "The OAuth application of OpenProject",
    ]
    assert make_plan(FRESH, WISH).costs == []
