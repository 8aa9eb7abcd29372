# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that can be known before the first write is told before the first write: server, cause, remedy."""

from __future__ import annotations

import copy
import dataclasses
import typing as t
from dataclasses import dataclass

import pytest

from ansible_collections.opnc.integration.plugins.module_utils._http import client as http
from lab import Lab
from lab.nextcloud.rows import GROUPFOLDERS, INTEGRATION
from lab.nextcloud.state import NextcloudState
from lab.openproject.state import SINGLE_SIGN_ON, OpenProjectState
from unit.conftest import RunModule
from unit.labs import Labs
from unit.linking import arrange, broken_parts, link_args

Options = dict[str, t.Any]

NEXTCLOUD, OPENPROJECT = "nextcloud", "openproject"


@pytest.fixture
def lab(request: pytest.FixtureRequest, labs: Labs) -> Lab:
    """A lab with the Nextcloud that the test names, 32 when it names none."""
    return arrange(labs.fresh(getattr(request, "param", "32")))


@dataclass(frozen=True)
class Case:
    """A state that forbids the link.

    :param side: the server that the message names.
    :param arrange: brings the lab into the state; returns options that differ.
    :param words: cause and remedy, as an administrator reads them.
    :param refused_logins: how many requests are answered with 401.
    :param in_check_mode: C(same) message, C(warning) with the plan of a fresh link.
    """

    name: str
    side: str
    arrange: t.Callable[[Lab], Options | None]
    words: tuple[str, ...]
    refused_logins: int = 0
    in_check_mode: str = "same"


def both(*changes: tuple[str, t.Any], of: str) -> t.Callable[[Lab], Options | None]:
    """Set attributes of a server's state."""

    def change(lab: Lab) -> None:
        for name, value in changes:
            setattr(getattr(lab, of).state, name, value)

    return change


def nextcloud(**changes: t.Any) -> t.Callable[[Lab], Options | None]:
    return both(*changes.items(), of=NEXTCLOUD)


def openproject(**changes: t.Any) -> t.Callable[[Lab], Options | None]:
    return both(*changes.items(), of=OPENPROJECT)


def given(**options: t.Any) -> t.Callable[[Lab], Options | None]:
    return lambda lab: options


# --- states of OpenProject -------------------------------------------------------------------------------------------


def wrong_basic_auth(lab: Lab) -> Options:
    return {
        "openproject_username": lab.openproject.basic_auth[0],
        "openproject_password": "wrong-but-long",
    }


def login_of_a_person(lab: Lab) -> Options:
    return {"openproject_username": "admin", "openproject_password": "her-login-password"}


def locked_account(lab: Lab) -> None:
    lab.openproject.state.admin.active = False


def plain_user(lab: Lab) -> Options:
    return {"openproject_api_key": lab.openproject.state.plain_user.api_key}


def plain_user_who_sees_the_storage(lab: Lab) -> Options:
    """A member of a project that uses the storage sees it, without its OAuth parts."""
    state = lab.openproject.state
    storage = state.add_storage("Cloud", f"{lab.nextcloud.url}/")
    state.add_project_storage(state.projects[1], storage)
    state.plain_user.projects.add(1)
    return plain_user(lab)


def old_openproject_with_storage(lab: Lab) -> None:
    lab.openproject.state.version = "14.1.0"
    lab.openproject.state.add_storage("Cloud", f"{lab.nextcloud.url}/")


def all_archived(lab: Lab) -> None:
    for project in lab.openproject.state.projects.values():
        project.active = False


def without_projects(lab: Lab) -> None:
    lab.openproject.state.projects.clear()


def wrong_path_of_openproject(lab: Lab) -> Options:
    lab.openproject.serve_below("/projects")
    return {"openproject_url": lab.openproject.url.removesuffix("/projects")}


# --- states of Nextcloud ---------------------------------------------------------------------------------------------


def disabled_account(lab: Lab) -> None:
    lab.nextcloud.state.users["admin"].enabled = False


def own_second_factor(lab: Lab) -> None:
    lab.nextcloud.state.users["admin"].two_factor = True


def not_in_admin(lab: Lab) -> Options:
    lab.nextcloud.state.create_user("jane", "janes-long-password", check_policy=False)
    return {"nextcloud_username": "jane", "nextcloud_password": "janes-long-password"}


def app_missing(lab: Lab) -> None:
    lab.nextcloud.state.disable_app(INTEGRATION)
    del lab.nextcloud.state.apps[INTEGRATION]


def app_disabled(lab: Lab) -> None:
    lab.nextcloud.state.disable_app(INTEGRATION)


def app_limited(lab: Lab) -> None:
    lab.nextcloud.state.create_group("pilots")
    lab.nextcloud.state.enable_app(INTEGRATION, ["pilots"])


def app_too_old(lab: Lab) -> None:
    lab.nextcloud.state.apps[INTEGRATION].version = "2.9.0"
    lab.nextcloud.state.enable_app(INTEGRATION)


def folders_app_disabled(lab: Lab) -> None:
    lab.nextcloud.state.disable_app(GROUPFOLDERS)


def too_old(lab: Lab) -> None:
    state = lab.nextcloud.state
    state.profile = dataclasses.replace(state.profile, version="27.1.11", build="27.1.11.3")


def app_needs_upgrade(lab: Lab) -> None:
    lab.nextcloud.state.apps[INTEGRATION].version = "9.9.9"


def maintenance(lab: Lab) -> None:
    lab.nextcloud.state.maintenance = True


def first_start(lab: Lab) -> None:
    lab.nextcloud.state.system["installed"] = False


def foreign_name(lab: Lab) -> Options:
    return {"nextcloud_public_url": lab.nextcloud.url.replace("127.0.0.1", "cloud.localhost")}


def wrong_path_of_nextcloud(lab: Lab) -> Options:
    return {"nextcloud_url": f"{lab.nextcloud.url}/nextcloud"}


CASES = [
    Case(
        "wrong API key",
        OPENPROJECT,
        given(openproject_api_key="wrong-but-long-enough"),
        ("HTTP 401", "You did not provide the correct credentials", "Check openproject_api_key"),
        refused_logins=1,
    ),
    Case(
        "wrong password of global basic authentication",
        OPENPROJECT,
        wrong_basic_auth,
        ("HTTP 401", "Check openproject_username and openproject_password", "OPENPROJECT_AUTHENTICATION_GLOBAL"),
        refused_logins=1,
    ),
    Case(
        "login and password of a person",
        OPENPROJECT,
        login_of_a_person,
        ("HTTP 401", "the login of a person is never accepted by the API"),
        refused_logins=1,
    ),
    Case(
        "API tokens switched off",
        OPENPROJECT,
        openproject(api_tokens_enabled=False),
        ("HTTP 401", "rest_api_enabled", "api_tokens_enabled"),
        refused_logins=1,
    ),
    Case(
        "basic authentication switched off",
        OPENPROJECT,
        openproject(basic_auth_enabled=False),
        ("HTTP 401", "apiv3_enable_basic_auth"),
        refused_logins=1,
    ),
    Case(
        "account locked",
        OPENPROJECT,
        locked_account,
        ("HTTP 401", "must belong to an active account"),
        refused_logins=1,
    ),
    Case(
        "not an administrator of OpenProject",
        OPENPROJECT,
        plain_user,
        ("the account is not an administrator", "API key of an administrator", "global basic authentication"),
    ),
    Case(
        "not an administrator of OpenProject, but the storage is seen",
        OPENPROJECT,
        plain_user_who_sees_the_storage,
        ("the account is not an administrator", "API key of an administrator"),
    ),
    Case(
        "OpenProject too old",
        OPENPROJECT,
        openproject(version="14.1.0"),
        ("its version 14.1.0 is too old", "Supported is OpenProject 14.2 and newer"),
    ),
    Case(
        "OpenProject too old, with a storage",
        OPENPROJECT,
        old_openproject_with_storage,
        ("its version 14.1.0 is too old", "Supported is OpenProject 14.2 and newer"),
    ),
    Case(
        "every project archived",
        OPENPROJECT,
        all_archived,
        ("there is no active project", "neither completed nor deleted", "Create or unarchive a project first"),
    ),
    Case("no project at all", OPENPROJECT, without_projects, ("there is no active project", "Create or unarchive")),
    Case(
        "OpenProject still starting behind its proxy (O17)",
        OPENPROJECT,
        openproject(starting="proxy"),
        ("502 Bad Gateway", "OpenProject is not ready"),
    ),
    Case(
        "OpenProject with a stale schema (O17)",
        OPENPROJECT,
        openproject(starting="schema"),
        ("HTTP 500", "An internal error has occurred", "The server is not ready", "still be starting"),
    ),
    Case(
        "OpenProject is configured for another host name (O19)",
        OPENPROJECT,
        openproject(host_name="projects.example.com"),
        (
            'HTTP 400, "Invalid host_name configuration"',
            "another host name than 127.0.0.1",
            "openproject_public_url",
            "OPENPROJECT_HOST__NAME",
        ),
    ),
    Case(
        "OpenProject wants https",
        OPENPROJECT,
        openproject(https=True),
        (
            "HTTP 301",
            "redirected from http://127.0.0.1",
            "It wants https: set openproject_url to https://127.0.0.1",
            "openproject_public_url",
        ),
    ),
    Case(
        "wrong path of OpenProject",
        OPENPROJECT,
        wrong_path_of_openproject,
        ("HTTP 404", "not JSON", "Check openproject_url, its path too", "What answers there is not OpenProject"),
    ),
    Case(
        "wrong password of Nextcloud",
        NEXTCLOUD,
        given(nextcloud_password="wrong-but-long"),
        ("HTTP 401", "does not accept the password of admin. Check nextcloud_username and nextcloud_password"),
        refused_logins=1,
    ),
    Case(
        "unknown account of Nextcloud",
        NEXTCLOUD,
        given(nextcloud_username="nobody"),
        ("HTTP 401", "does not accept the password of nobody", "tried once only"),
        refused_logins=1,
    ),
    Case(
        "disabled account of Nextcloud",
        NEXTCLOUD,
        disabled_account,
        ("HTTP 401", "Account disabled", "occ user:enable admin"),
        refused_logins=1,
    ),
    Case(
        "second factor enforced (O11)",
        NEXTCLOUD,
        nextcloud(two_factor_enforced=True),
        ("HTTP 401", "second factor", "application password", "occ user:auth-tokens:add admin"),
        refused_logins=1,
    ),
    Case(
        "second factor of this account (O11)",
        NEXTCLOUD,
        own_second_factor,
        ("HTTP 401", "second factor", "application password"),
        refused_logins=1,
    ),
    Case(
        "token-only login enforced",
        NEXTCLOUD,
        nextcloud(token_auth_enforced=True),
        ("HTTP 401", "token_auth_enforced", "application password"),
        refused_logins=1,
    ),
    Case(
        "not an administrator of Nextcloud",
        NEXTCLOUD,
        not_in_admin,
        ("HTTP 403", "Logged in account must be an admin", "an account of the group admin; jane is not in it"),
    ),
    Case(
        "app missing",
        NEXTCLOUD,
        app_missing,
        ("OpenProject Integration (integration_openproject) is missing or disabled", "occ app:enable"),
        in_check_mode="warning",
    ),
    Case(
        "app disabled",
        NEXTCLOUD,
        app_disabled,
        ("OpenProject Integration (integration_openproject) is missing or disabled", "role prepare_nextcloud"),
        in_check_mode="warning",
    ),
    Case(
        "app limited to groups",
        NEXTCLOUD,
        app_limited,
        ("limited to the group", "admin is not a member", "occ app:disable integration_openproject, then"),
        in_check_mode="warning",
    ),
    Case(
        "app too old",
        NEXTCLOUD,
        app_too_old,
        ("its app OpenProject Integration 2.9.0 is too old", "2.10 and newer", "occ app:update"),
    ),
    Case(
        "Group folders disabled",
        NEXTCLOUD,
        folders_app_disabled,
        ("the app Group folders (groupfolders, also called Team folders) is missing", "occ app:enable groupfolders"),
        in_check_mode="warning",
    ),
    Case("Nextcloud too old", NEXTCLOUD, too_old, ("its version 27 is too old", "Supported is Nextcloud 28 and newer")),
    Case(
        "maintenance",
        NEXTCLOUD,
        maintenance,
        ("HTTP 503, it is in maintenance mode", "occ maintenance:mode --off"),
    ),
    Case(
        "upgrade of the server pending",
        NEXTCLOUD,
        nextcloud(server_needs_upgrade=True),
        ("HTTP 200 with a page instead of JSON", "waits for an upgrade", "Run: occ upgrade"),
    ),
    Case(
        "upgrade of the app pending",
        NEXTCLOUD,
        app_needs_upgrade,
        ("HTTP 200 with a page instead of JSON", "waits for an upgrade", "Run: occ upgrade"),
    ),
    Case(
        "Nextcloud not installed yet (O17)",
        NEXTCLOUD,
        first_start,
        ("Nextcloud is not installed yet", "Wait for its first start"),
    ),
    Case(
        "Nextcloud does not trust the name",
        NEXTCLOUD,
        foreign_name,
        ("HTTP 400, it does not trust the host name cloud.localhost", "trusted_domains", "nextcloud_public_url"),
    ),
    Case(
        "Nextcloud redirects (O20)",
        NEXTCLOUD,
        nextcloud(redirects_to="https://cloud.example.com"),
        (
            "HTTP 301",
            "redirected from http://127.0.0.1",
            "If https://cloud.example.com is this server, set nextcloud_url",
        ),
    ),
    Case(
        "Nextcloud throttles (O25)",
        NEXTCLOUD,
        nextcloud(login_fails=20),
        (
            "HTTP 429",
            "Reached maximum delay",
            "throttles this address",
            "trusted_proxies",
            "occ security:bruteforce:reset",
        ),
    ),
    Case(
        "wrong path of Nextcloud",
        NEXTCLOUD,
        wrong_path_of_nextcloud,
        ("what answers there is not Nextcloud, or Nextcloud has another path", "Check nextcloud_url"),
    ),
    Case(
        "Authorization header stripped",
        NEXTCLOUD,
        nextcloud(strips_authorization=True),
        ("does not hand on the Authorization header", "mod_rewrite", "CGIPassAuth"),
    ),
]


EVERY_CASE = pytest.mark.parametrize(
    ("lab", "case"),
    [
        pytest.param(profile, case, id=f"{case.name}, Nextcloud {profile}")
        for case in CASES
        for profile in (("29", "32") if case.side == NEXTCLOUD else ("32",))
    ],
    indirect=["lab"],
)


def options(lab: Lab, case: Case) -> Options:
    """Arrange the case; the options with which the link is tried."""
    args = {**link_args(lab, project_folders=True), **(case.arrange(lab) or {})}
    if "openproject_username" in args:
        del args["openproject_api_key"]
    return args


def stores(lab: Lab) -> t.Any:
    """Everything that a link writes, on both servers."""
    cloud: NextcloudState = lab.nextcloud.state
    projects: OpenProjectState = lab.openproject.state
    return copy.deepcopy(
        (
            cloud.app_config,
            sorted(cloud.users),
            cloud.groups,
            cloud.folders,
            cloud.oauth_clients,
            {uid: [token.name for token in user.tokens] for uid, user in cloud.users.items()},
            projects.storages,
            projects.project_storages,
        )
    )


def refused_logins(lab: Lab) -> int:
    return sum(exchange.status == 401 for exchange in (*lab.nextcloud.requests, *lab.openproject.requests))


def server_name(lab: Lab, side: str, args: Options) -> str:
    return f"{'Nextcloud' if side == NEXTCLOUD else 'OpenProject'} ({args[f'{side}_url']})"


@EVERY_CASE
def test_a_real_run_is_refused_before_the_first_write(lab: Lab, run_module: RunModule, case: Case) -> None:
    """Issue 3, point 5; field cases O11, O17, O19, O20 and O25 stand in the names."""
    args = options(lab, case)
    before = stores(lab)
    lab.nextcloud.read_only = lab.openproject.read_only = True
    result = run_module("link", args)
    assert result["failed"], result
    assert server_name(lab, case.side, args) in result["msg"]
    for words in case.words:
        assert words in result["msg"]
    assert lab.nextcloud.refused == []
    assert lab.openproject.refused == []
    assert stores(lab) == before
    assert refused_logins(lab) == case.refused_logins, "wrong credentials are sent once"


@EVERY_CASE
def test_check_mode_says_the_same(lab: Lab, run_module: RunModule, case: Case) -> None:
    """Issue 3, point 5: what the role before may have only pretended to do is a warning, everything else a failure."""
    args = options(lab, case)
    before = stores(lab)
    lab.nextcloud.read_only = lab.openproject.read_only = True
    foretold = run_module("link", args, check_mode=True)
    if case.in_check_mode == "same":
        assert foretold["msg"] == run_module("link", args)["msg"]
    else:
        (warning,) = foretold["warnings"]
        assert server_name(lab, case.side, args) in warning
        for words in case.words:
            assert words in warning
        assert foretold["changed"]
    assert lab.nextcloud.refused == []
    assert lab.openproject.refused == []
    assert stores(lab) == before


def test_with_the_app_missing_check_mode_plans_a_fresh_nextcloud(lab: Lab, run_module: RunModule) -> None:
    args = link_args(lab, project_folders=True, default_enable_navigation=True)
    fresh = run_module("link", args, check_mode=True)
    app_missing(lab)
    missing = run_module("link", args, check_mode=True)
    assert (missing["actions"], missing["diff"]) == (fresh["actions"], fresh["diff"])


@pytest.mark.parametrize("state", ["locked out by a second factor", "locked out by token_auth_enforced"])
def test_an_application_password_opens_what_is_shut_to_the_login_password(
    lab: Lab, run_module: RunModule, state: str
) -> None:
    """Field case O11: the way out that the message names."""
    if "factor" in state:
        lab.nextcloud.state.two_factor_enforced = True
    else:
        lab.nextcloud.state.token_auth_enforced = True
    token = lab.nextcloud.state.add_token("admin", "ansible")
    args = link_args(lab, project_folders=True, nextcloud_password=token.value)
    assert run_module("link", args)["changed"]
    assert broken_parts(lab) == []


def test_a_fresh_and_an_unchanged_link_need_no_confirmed_password(lab: Lab, run_module: RunModule) -> None:
    """Field case O11: second factor enforced and application passwords refused for OCS writes, at once."""
    lab.nextcloud.state.two_factor_enforced = True
    lab.nextcloud.state.app_passwords_need_confirmation = True
    token = lab.nextcloud.state.add_token("admin", "ansible")
    args = link_args(lab, project_folders=True, nextcloud_password=token.value)
    assert run_module("link", args)["changed"]
    assert not run_module("link", args)["changed"]


def test_a_throttled_run_sends_no_storm(lab: Lab, run_module: RunModule) -> None:
    """Field case O25."""
    lab.nextcloud.state.login_fails = 20
    run_module("link", link_args(lab))
    assert len(lab.nextcloud.requests) == 1 + len(http.PAUSES)


def test_delays_below_the_time_out_only_make_the_run_slow(
    lab: Lab, run_module: RunModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Field case O25: with one warning, whatever the number of slow answers."""
    monkeypatch.setattr(http, "SLOW", 0.05)
    lab.faults.add(server=NEXTCLOUD, kind="delay", seconds=0.1, times=100)
    result = run_module("link", link_args(lab))
    assert result["changed"], result
    slow = [warning for warning in result["warnings"] if "very slowly" in warning and "Nextcloud (" in warning]
    assert len(slow) == 1
    assert "trusted_proxies" in slow[0]


def test_a_server_that_is_ready_after_a_moment_is_waited_for(lab: Lab, run_module: RunModule) -> None:
    """Field case O17: the proxy in front answers 502 twice, then OpenProject is up."""
    lab.openproject.state.starting, lab.openproject.state.starting_requests = "proxy", 2
    assert run_module("link", link_args(lab))["changed"]
    assert broken_parts(lab, folders=False) == []


def test_an_unchanged_link_is_not_held_up_by_what_only_writes_need(lab: Lab, run_module: RunModule) -> None:
    """What is looked at before a write is not asked when there is none."""
    args = link_args(lab)
    run_module("link", args)
    lab.nextcloud.state.strips_authorization = True
    lab.nextcloud.state.system["allow_local_remote_servers"] = False
    result = run_module("link", args)
    assert not result.get("failed"), result
    assert not result["changed"]


# --- single sign-on (field case O32) ---------------------------------------------------------------------------------


def test_a_storage_with_single_sign_on_is_left_to_its_own_tools(lab: Lab, run_module: RunModule) -> None:
    """Field case O32: it is not turned into two-way OAuth, and no OAuth client is left behind in Nextcloud."""
    lab.openproject.state.version = "16.3.0"
    storage = lab.openproject.state.add_storage("Cloud", f"{lab.nextcloud.url}/")
    storage.authentication_method, storage.audience = SINGLE_SIGN_ON, "nextcloud"
    before = stores(lab)
    lab.nextcloud.read_only = lab.openproject.read_only = True
    for check_mode in (True, False):
        message = run_module("link", link_args(lab, project_folders=True), check_mode=check_mode)["msg"]
        assert 'the storage "Cloud" authenticates by single sign-on' in message
        assert "Administration, Files" in message
    assert (lab.nextcloud.refused, lab.openproject.refused) == ([], [])
    assert stores(lab) == before


@pytest.mark.parametrize("lab", ["29", "32"], indirect=True)
def test_a_method_that_was_set_on_one_side_only_converges(lab: Lab, run_module: RunModule) -> None:
    """Field case O32: Nextcloud says oidc, OpenProject's storage is two-way OAuth."""
    args = link_args(lab, project_folders=True)
    run_module("link", args)
    (client,) = lab.nextcloud.state.oauth_clients
    lab.nextcloud.state.set_app_value(INTEGRATION, "authorization_method", "oidc")
    result = run_module("link", args)
    assert ["authentication method" in action["action"] for action in result["actions"]].count(True) == 1
    assert list(lab.nextcloud.state.oauth_clients) == [client], "no client was left behind, users stay logged in"
    assert broken_parts(lab) == []
    assert not run_module("link", args)["changed"]


# --- confirmation of the password (field case O11) -------------------------------------------------------------------


def half_a_project_folder(lab: Lab, run_module: RunModule, missing: str) -> Options:
    """A link whose user left a group, on a server that refuses such writes to application passwords."""
    token = lab.nextcloud.state.add_token("admin", "ansible")
    args = link_args(lab, project_folders=True, nextcloud_password=token.value)
    run_module("link", args)
    group = lab.nextcloud.state.groups["OpenProject"]
    (group.members if missing == "member" else group.subadmins).remove("OpenProject")
    lab.nextcloud.state.app_passwords_need_confirmation = True
    return args


@pytest.mark.parametrize("storage", ["kept", "deleted"])
@pytest.mark.parametrize("missing", ["member", "group admin"])
@pytest.mark.parametrize("lab", ["29", "32"], indirect=True)
def test_a_repair_that_nextcloud_would_refuse_is_refused_before_any_write(
    lab: Lab, run_module: RunModule, missing: str, storage: str
) -> None:
    """Field case O11: without occ, and also when the plan begins with a write to OpenProject."""
    args = half_a_project_folder(lab, run_module, missing)
    if storage == "deleted":
        lab.openproject.state.storages.clear()
    before = stores(lab)
    message = run_module("link", args)["msg"]
    assert "61322" in message
    assert "nextcloud_password" in message
    assert "occ_command" in message
    assert stores(lab) == before


@pytest.mark.parametrize("lab", ["29", "32"], indirect=True)
def test_with_occ_the_same_repair_converges(lab: Lab, run_module: RunModule) -> None:
    """Field case O11: everything but the group admin goes by occ."""
    args = half_a_project_folder(lab, run_module, "member")
    assert run_module("link", {**args, "occ_command": lab.nextcloud.occ})["changed"]
    assert broken_parts(lab) == []
