# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module nextcloud_app, against the words that Nextcloud 29 and 32 were recorded with."""

from __future__ import annotations

import time
import typing as t

import pytest

BOTH = ["integration_openproject", "groupfolders"]
NOT_FOUND = "Could not download app groupfolders, it was not found on the appstore\n"
FAILURE_KEY = "config:app:get settings appstore-fetcher-lastFailure"


@pytest.fixture
def run(run_module: t.Any, fake_occ: t.Any) -> t.Callable[..., dict[str, t.Any]]:
    """Run the module over the stand-in of occ."""

    def run_with(check_mode: bool = False, **args: t.Any) -> dict[str, t.Any]:
        result: dict[str, t.Any] = run_module(
            "nextcloud_app", {"occ_command": [fake_occ.path], **args}, check_mode=check_mode
        )
        return result

    return run_with


def configuration(*, system: dict[str, t.Any] | None = None, **apps: t.Any) -> dict[str, t.Any]:
    """What config:list prints; an app is its value C(enabled), or all its values."""
    listed = {
        name: app if isinstance(app, dict) else {"enabled": app, "installed_version": "1.2.3", "types": ""}
        for name, app in apps.items()
    }
    return {"system": {"version": "32.0.1.2", **(system or {})}, "apps": listed or []}


def test_enabled_apps_cost_one_start(run: t.Any, fake_occ: t.Any) -> None:
    fake_occ.answer("config:list --output=json", configuration(integration_openproject="yes", groupfolders="yes"))
    result = run(name=BOTH)
    assert result["changed"] is False
    assert result["actions"] == []
    assert result["apps"]["groupfolders"] == {"state": "enabled", "groups": [], "version": "1.2.3"}
    assert result["diff"]["before"] == result["diff"]["after"]
    assert fake_occ.commands == ["config:list --output=json"]


@pytest.mark.parametrize("state", ["enabled", "latest"])
def test_all_that_need_it_are_enabled_in_one_start(run: t.Any, fake_occ: t.Any, state: str) -> None:
    fake_occ.answer("config:list --output=json", configuration(integration_openproject="no", files="yes"))
    fake_occ.answer("app:update --showonly --all", "All apps are up-to-date or no updates could be found\n")
    fake_occ.answer(
        "app:enable integration_openproject groupfolders",
        "integration_openproject 2.11.4 enabled\ngroupfolders 20.1.18 enabled\n",
    )
    result = run(name=[*BOTH, "files", "groupfolders"], state=state)
    assert result["changed"] is True
    assert result["actions"] == ["enable the app integration_openproject", "enable the app groupfolders"]
    assert result["apps"]["groupfolders"] == {"state": "enabled", "groups": [], "version": "20.1.18"}
    assert result["diff"]["before"]["groupfolders"] == {"state": "disabled", "groups": []}
    assert fake_occ.commands[-1] == "app:enable integration_openproject groupfolders"
    assert len(fake_occ.commands) == (2 if state == "enabled" else 3)


@pytest.mark.parametrize(
    "args",
    [
        {"state": "enabled"},
        {"state": "disabled"},
        {"state": "absent"},
        {"state": "latest"},
        {"state": "enabled", "groups": ["staff"]},
    ],
)
def test_check_mode_says_the_same_and_writes_nothing(run: t.Any, fake_occ: t.Any, args: dict[str, t.Any]) -> None:
    apps = configuration(integration_openproject="no", groupfolders='["a"]', contacts="yes")
    fake_occ.answer("config:list --output=json", apps)
    listed = {
        "enabled": {"groupfolders": "1", "contacts": "1"},
        "disabled": {"integration_openproject": "1 (installed 1)"},
    }
    fake_occ.answer("app:list --output=json", listed)
    fake_occ.answer(
        "app:update --showonly --all", "contacts new version available: 9.9\nphotos new version available: 1\n"
    )
    names = ["integration_openproject", "groupfolders", "contacts"]
    check = run(name=names, check_mode=True, **args)
    assert check["changed"] is True
    assert all(command.split()[0] in ("config:list", "app:list", "app:update") for command in fake_occ.commands)
    assert "app:update contacts" not in fake_occ.commands
    fake_occ.answer("config:app:get groupfolders enabled --output=json", '"[\\"staff\\"]"\n')
    fake_occ.answer("config:app:get integration_openproject enabled --output=json", '"[\\"staff\\"]"\n')
    fake_occ.answer("config:app:get contacts enabled --output=json", '"[\\"staff\\"]"\n')
    fake_occ.table["app:list --output=json"] = []
    fake_occ.answer("app:list --output=json", listed)
    fake_occ.answer("app:list --output=json", {"enabled": [], "disabled": []})
    fake_occ.answer("app:update contacts", "contacts new version available: 9.9\ncontacts updated\n")
    fake_occ.answer("*", "".join(f"{name} 1.2.3 enabled\n" for name in names))
    real = run(name=names, **args)
    assert (real["changed"], real["actions"], real["diff"]) == (True, check["actions"], check["diff"])


def test_an_app_limited_to_groups_is_opened_without_disabling_it(run: t.Any, fake_occ: t.Any) -> None:
    """Seen on Nextcloud 29: app:enable says "already enabled" and leaves the limit."""
    fake_occ.answer("config:list --output=json", configuration(groupfolders='["staff","a b"]'))
    fake_occ.answer("config:app:set groupfolders enabled --value=yes", "Config value 'enabled' …\n")
    result = run(name=["groupfolders"])
    assert result["actions"] == ["enable the app groupfolders for everybody instead of the groups a b, staff only"]
    assert result["diff"]["before"]["groupfolders"]["groups"] == ["a b", "staff"]
    assert result["diff"]["after"]["groupfolders"]["groups"] == []
    assert fake_occ.commands[1:] == ["config:app:set groupfolders enabled --value=yes"]


@pytest.mark.parametrize("limit", ['["staff","b"]', ["b", "staff"]])
def test_an_app_limited_to_the_wished_groups_is_left_alone(run: t.Any, fake_occ: t.Any, limit: t.Any) -> None:
    fake_occ.answer("config:list --output=json", configuration(contacts=limit))
    assert run(name=["contacts"], groups=["staff", "b"])["changed"] is False


def test_a_damaged_limit_counts_as_none(run: t.Any, fake_occ: t.Any) -> None:
    fake_occ.answer("config:list --output=json", configuration(contacts="[broken"))
    assert run(name=["contacts"])["changed"] is False


def test_groups_are_set_and_looked_at_again(run: t.Any, fake_occ: t.Any) -> None:
    fake_occ.answer("config:list --output=json", configuration(contacts="yes"))
    fake_occ.answer("app:enable --groups=staff --groups=nobody contacts", "contacts 1.2.3 enabled for groups: staff\n")
    fake_occ.answer("config:app:get contacts enabled --output=json", '"[\\"staff\\"]"\n')
    result = run(name=["contacts"], groups=["staff", "nobody"])
    assert result["failed"] is True
    assert "passed over nobody" in result["msg"]
    assert "Create the groups first" in result["msg"]


def test_an_app_that_cannot_be_limited_is_refused_before_a_write(run: t.Any, fake_occ: t.Any) -> None:
    """Asked for groups, Nextcloud 32 refuses and leaves the app disabled (NC §5.3)."""
    app = {"enabled": "yes", "types": "filesystem,dav"}
    fake_occ.answer("config:list --output=json", configuration(groupfolders=app))
    result = run(name=["groupfolders"], groups=["staff"])
    assert result["error"]["type"] == "Refused"
    assert "groupfolders can only be enabled for everybody (its type: filesystem)" in result["msg"]
    assert fake_occ.commands == ["config:list --output=json"]


# --- why not ----------------------------------------------------------------------------------------------------------


def refused(
    run: t.Any, fake_occ: t.Any, words: str, *, last_failure: str = "", system: t.Any = None
) -> dict[str, t.Any]:
    """The failure of an app that Nextcloud refuses with these words."""
    fake_occ.answer("config:list --output=json", configuration(system=system))
    fake_occ.answer(
        "app:enable integration_openproject groupfolders", f"integration_openproject 2.11.4 enabled\n{words}", rc=1
    )
    fake_occ.answer(FAILURE_KEY, f"{last_failure}\n" if last_failure else "", rc=0 if last_failure else 1)
    fake_occ.answer(
        "app:list --output=json", {"enabled": [], "disabled": {"groupfolders": "19.0.1 (installed 19.0.1)"}}
    )
    result: dict[str, t.Any] = run(name=BOTH)
    assert result["failed"] is True
    assert result["error"]["apps"] == ["groupfolders"]
    assert "integration_openproject 2.11.4 enabled" in result["msg"]
    return result


@pytest.mark.parametrize("words", [NOT_FOUND, "Could not download app groupfolders\n"])
@pytest.mark.parametrize("key", ["appstoreenabled", "has_internet_connection"])
def test_a_store_that_is_switched_off_is_named(run: t.Any, fake_occ: t.Any, words: str, key: str) -> None:
    result = refused(run, fake_occ, words, system={key: False})
    assert result["error"]["cause"] == "store_off"
    assert f"{key} is false in config.php" in result["msg"]


def test_o26_a_remembered_failure_is_named_with_both_hosts_and_the_cure(run: t.Any, fake_occ: t.Any) -> None:
    result = refused(run, fake_occ, NOT_FOUND, last_failure=str(int(time.time()) - 20))
    assert result["error"]["cause"] == "store_failed"
    for words in (
        "groupfolders",
        "remembers that for five minutes",
        "apps.nextcloud.com",
        "github.com",
        "occ config:app:delete settings appstore-fetcher-lastFailure",
    ):
        assert words in result["msg"]


def test_o26_the_next_try_succeeds(run: t.Any, fake_occ: t.Any) -> None:
    """Nothing half-made is left: what was enabled counts, and only the rest is tried again."""
    refused(run, fake_occ, NOT_FOUND, last_failure=str(int(time.time()) - 400))
    fake_occ.table["config:list --output=json"] = []
    fake_occ.answer("config:list --output=json", configuration(integration_openproject="yes"))
    fake_occ.answer("app:enable groupfolders", "groupfolders 20.1.18 enabled\n")
    result = run(name=BOTH)
    assert result["actions"] == ["enable the app groupfolders"]


def test_an_app_on_the_disk_needs_no_store(run: t.Any, fake_occ: t.Any) -> None:
    """O26: app:enable, not app:install, which downloads again on Nextcloud 32 (NC §5.3)."""
    system = {"appstoreenabled": False}
    fake_occ.answer("config:list --output=json", configuration(system=system, groupfolders="no"))
    fake_occ.answer("app:enable groupfolders", "groupfolders 20.1.18 enabled\n")
    assert run(name=["groupfolders"])["changed"] is True


@pytest.mark.parametrize(
    ("words", "cause", "named"),
    [
        (NOT_FOUND, "not_in_store", "no groupfolders for Nextcloud 32.0.1.2"),
        (
            "Client error: `GET http://x/groupfolders.tar.gz` resulted in a `404 File not found` response:\n<!DOCTYPE HTML>\n",
            "not_in_store",
            "404 File not found",
        ),
        (
            'App "Group folders" cannot be installed because it is not compatible with this version of the server.\n',
            "incompatible",
            "Nextcloud 32.0.1.2 does not take groupfolders 19.0.1",
        ),
        (
            'App "Group folders" cannot be installed because the following dependencies are not fulfilled: PHP 8.9 or higher is required.\n',
            "incompatible",
            "PHP 8.9 or higher is required",
        ),
        ("App with id groupfolders has invalid signature\n", "signature", "invalid signature"),
        ("No application directories are marked as writable.\n", "not_writable", "apps_paths"),
        ('Cannot write into "apps" directory. This can usually be fixed …\n', "not_writable", "apps_paths"),
        ("An exception in its migration\n", "app", "An exception in its migration"),
    ],
)
def test_the_reason_is_named(run: t.Any, fake_occ: t.Any, words: str, cause: str, named: str) -> None:
    result = refused(run, fake_occ, words)
    assert result["error"]["cause"] == cause
    assert named in result["msg"]


def test_trouble_of_occ_itself_is_no_trouble_of_the_app(run: t.Any, fake_occ: t.Any) -> None:
    fake_occ.answer("config:list --output=json", configuration())
    fake_occ.answer("app:enable groupfolders", 'App directory "/srv/nosuch" not found! Please put …')
    assert run(name=["groupfolders"])["error"]["cause"] == "apps_directory_missing"


# --- latest -----------------------------------------------------------------------------------------------------------


def test_a_newer_version_is_installed(run: t.Any, fake_occ: t.Any) -> None:
    fake_occ.answer("config:list --output=json", configuration(groupfolders="yes", contacts="yes"))
    fake_occ.answer(
        "app:update --showonly --all",
        "contacts new version available: 5\ngroupfolders new version available: 20.1.18\n",
    )
    fake_occ.answer("app:update groupfolders", "groupfolders new version available: 20.1.18\ngroupfolders updated\n")
    result = run(name=["groupfolders"], state="latest")
    assert result["actions"] == ["update the app groupfolders to 20.1.18"]
    assert result["apps"]["groupfolders"]["version"] == "20.1.18"
    assert fake_occ.commands[2:] == ["app:update groupfolders"]


def test_an_update_that_did_not_happen_is_a_failure(run: t.Any, fake_occ: t.Any) -> None:
    fake_occ.answer("config:list --output=json", configuration(groupfolders="yes"))
    fake_occ.answer("app:update --showonly --all", "groupfolders new version available: 20.1.18\n")
    fake_occ.answer(
        "app:update groupfolders",
        "groupfolders new version available: 20.1.18\nError: App with id groupfolders has invalid signature\ngroupfolders couldn't be updated\n",
        rc=1,
    )
    result = run(name=["groupfolders"], state="latest")
    assert result["error"]["cause"] == "signature"


def test_a_store_that_cannot_be_asked_is_a_warning(run: t.Any, fake_occ: t.Any) -> None:
    """app:update leaves exit code 0 also when the store is unreachable (NC §5.3)."""
    settings = {"appstore-fetcher-lastFailure": str(int(time.time()) - 20)}
    fake_occ.answer("config:list --output=json", configuration(groupfolders="yes", settings=settings))
    fake_occ.answer("app:update --showonly --all", "All apps are up-to-date or no updates could be found\n")
    result = run(name=["groupfolders"], state="latest")
    assert result["changed"] is False
    assert "five minutes" in result["warnings"][0]


# --- disabled and absent ----------------------------------------------------------------------------------------------


def test_apps_are_disabled_in_one_start(run: t.Any, fake_occ: t.Any) -> None:
    fake_occ.answer("config:list --output=json", configuration(contacts="yes", photos='["a"]', mail="no"))
    fake_occ.answer("app:disable contacts photos", "contacts 1.2.3 disabled\nphotos 1.2.3 disabled\n")
    result = run(name=["contacts", "photos", "mail", "never"], state="disabled")
    assert result["actions"] == ["disable the app contacts", "disable the app photos"]
    assert fake_occ.commands[1:] == ["app:disable contacts photos"]


def test_an_app_that_cannot_be_disabled_is_a_failure(run: t.Any, fake_occ: t.Any) -> None:
    fake_occ.answer("config:list --output=json", configuration(files="yes"))
    fake_occ.answer("app:disable files", "files can't be disabled.\n", rc=2)
    result = run(name=["files"], state="disabled")
    assert "files can't be disabled." in result["msg"]
    assert result["error"]["rc"] == 2


def test_a_disabled_app_is_enabled_for_its_removal_where_nextcloud_wants_that(run: t.Any, fake_occ: t.Any) -> None:
    fake_occ.answer("config:list --output=json", configuration(contacts="no"))
    fake_occ.answer("app:list --output=json", {"enabled": [], "disabled": {"contacts": "1 (installed 1)"}})
    fake_occ.answer("app:list --output=json", {"enabled": [], "disabled": []})
    fake_occ.answer("app:remove contacts", "contacts is not enabled\n", rc=1)
    fake_occ.answer("app:enable contacts", "contacts 1 enabled\n")
    fake_occ.answer("app:remove contacts", "contacts disabled\ncontacts 1 removed\n")
    result = run(name=["contacts", "never"], state="absent")
    assert result["actions"] == ["remove the app contacts"]
    assert result["apps"]["never"]["state"] == "absent"
    assert fake_occ.commands[2:5] == ["app:remove contacts", "app:enable contacts", "app:remove contacts"]


def test_files_that_are_kept_are_a_failure(run: t.Any, fake_occ: t.Any) -> None:
    """Older versions say "removed" with the store off, and keep the files (nextcloud/server#27074)."""
    fake_occ.answer("config:list --output=json", configuration(contacts="yes"))
    fake_occ.answer("app:list --output=json", {"enabled": {"contacts": "1"}, "disabled": []})
    fake_occ.answer("app:remove contacts", "contacts disabled\ncontacts 1 removed\n")
    result = run(name=["contacts"], state="absent")
    assert "its files are still there" in result["msg"]


def test_a_shipped_app_cannot_be_removed(run: t.Any, fake_occ: t.Any) -> None:
    fake_occ.answer("config:list --output=json", configuration(files="yes"))
    fake_occ.answer("app:list --output=json", {"enabled": {"files": "1"}, "disabled": []})
    fake_occ.answer("app:remove files", "files could not be removed as it is a shipped app\n", rc=1)
    result = run(name=["files"], state="absent")
    assert "shipped app" in result["msg"]
    assert "state: disabled" in result["msg"]


def test_an_enabled_app_without_files_is_disabled(run: t.Any, fake_occ: t.Any) -> None:
    fake_occ.answer("config:list --output=json", configuration(contacts="yes"))
    fake_occ.answer("app:list --output=json", {"enabled": [], "disabled": []})
    fake_occ.answer("app:disable contacts", "contacts disabled\n")
    result = run(name=["contacts"], state="absent")
    assert result["actions"] == ["disable the app contacts, whose files are gone"]


@pytest.mark.parametrize(
    ("args", "named"),
    [({"name": ["a b"]}, "a b"), ({"name": ["--force"]}, "--force"), ({"name": ["x"], "groups": []}, "groups")],
)
def test_bad_input_is_named_before_the_first_start(
    run: t.Any, fake_occ: t.Any, args: dict[str, t.Any], named: str
) -> None:
    result = run(**args)
    assert result["error"]["type"] == "BadInput"
    assert named in result["msg"]
    assert fake_occ.starts == []
