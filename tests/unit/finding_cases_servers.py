# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings on the servers themselves: how a complete pair gets into each state, and the remedy."""

from __future__ import annotations

import dataclasses
import time

from lab.nextcloud.state import GROUPFOLDERS, INTEGRATION
from unit.between import Passing, Said, Server, page
from unit.finding_pair import (
    NOWHERE,
    Cases,
    Pair,
    Step,
    both,
    link,
    more,
    occ,
    of_folder,
    put,
    system,
    unmanaged,
    with_runner,
)

CASES = Cases()
case = CASES.add

# --- the way to the servers ------------------------------------------------------------------------------------------


def _way_to(product: str, secret: str) -> None:
    def over_portal(said: Said) -> Step:
        return lambda pair: pair.behind(product, pair.serve(Server(lambda asked: said)))

    def fault(kind: str) -> Step:
        return lambda pair: pair.lab.faults.add(server=product, kind=kind, times=99)

    def directly(pair: Pair) -> None:
        pair.directly(product)

    def trust(pair: Pair) -> None:
        pair.more[f"{product}_ca_path"] = str(pair.folder / "authority.pem")

    portal = page(302, "", ("Location", "https://portal.example.com/"))
    case(f"{product}_not_looked_at", more(**{secret: ""}), lambda pair: pair.forget(secret))
    case(f"{product}_unreachable", lambda pair: pair.behind(product, NOWHERE), directly)
    case(f"{product}_certificate", lambda pair: pair.with_tls(product), trust)
    case(f"{product}_not_itself", over_portal(page(200, "Please log in")), directly)
    case(f"{product}_redirected", over_portal(portal), directly)
    case(f"{product}_not_ready", fault("html_502"), lambda pair: pair.lab.faults.clear())
    case(f"{product}_throttled", fault("throttle_429"), lambda pair: pair.lab.faults.clear())
    case(f"{product}_login_refused", more(**{secret: "a-wrong-one-of-good-length"}), lambda pair: pair.forget(secret))


_way_to("nextcloud", "nextcloud_password")
_way_to("openproject", "openproject_api_key")
case(
    "nextcloud_failed",
    lambda pair: pair.through("nextcloud", "/check-config", Said(412, '{"message":"CSRF check failed"}')),
    lambda pair: pair.directly("nextcloud"),
)
case(
    "openproject_failed",
    lambda pair: pair.through(
        "openproject", "/api/v3/storages", Said(409, '{"_type":"Error","message":"Information has been updated."}')
    ),
    lambda pair: pair.directly("openproject"),
)


def _plain_user(pair: Pair) -> None:
    pair.nextcloud.create_user("plain", "plain-user-of-the-lab")
    pair.more |= {"nextcloud_username": "plain", "nextcloud_password": "plain-user-of-the-lab"}


case("nextcloud_not_administrator", _plain_user, lambda pair: pair.forget("nextcloud_username", "nextcloud_password"))
case(
    "openproject_not_administrator",
    lambda pair: pair.more.update(openproject_api_key=pair.openproject.plain_user.api_key),
    lambda pair: pair.forget("openproject_api_key"),
)
case(
    "nextcloud_second_factor",
    put("nextcloud", two_factor_enforced=True),
    lambda pair: pair.more.update(nextcloud_password=pair.nextcloud.add_token("admin", "play").value),
)
case("nextcloud_delays_logins", put("nextcloud", login_delay=3200), put("nextcloud", login_delay=0))
case("nextcloud_maintenance", put("nextcloud", maintenance=True), occ("maintenance:mode", "--off"))
case(
    "nextcloud_upgrade_pending",
    put("nextcloud", server_needs_upgrade=True),
    put("nextcloud", server_needs_upgrade=False),
)
case("nextcloud_not_installed", system(installed=False), system(installed=True))


def _unknown_name(pair: Pair) -> None:
    passing = Passing({"/": pair.lab.nextcloud.url}, sets={"Host": "cloud.example.com"})
    pair.behind("nextcloud", pair.serve(Server(passing)))


case(
    "nextcloud_untrusted_host",
    _unknown_name,
    occ("config:system:set", "trusted_domains", "2", "--value=cloud.example.com"),
)
case(
    "openproject_host_name",
    put("openproject", host_name="projects.example.org"),
    lambda pair: setattr(pair.openproject, "host_name", pair.lab.openproject.url.removeprefix("http://")),
)
case(
    "openproject_default_host_name",
    put("openproject", shown_host_name="localhost:3000"),
    put("openproject", shown_host_name=None),
)
case(
    "openproject_names_itself_otherwise",
    put("openproject", shown_host_name="projects.example.org"),
    put("openproject", shown_host_name=None),
)


# --- versions and apps -----------------------------------------------------------------------------------------------


def _nextcloud_version(version: str) -> Step:
    def run(pair: Pair) -> None:
        pair.nextcloud.profile = dataclasses.replace(pair.nextcloud.profile, version=version)

    return run


def _app(name: str, version: str) -> Step:
    return lambda pair: pair.install(name, version)


case("nextcloud_too_old", _nextcloud_version("27.1.0"), _nextcloud_version("32.0.1"))
case("nextcloud_newer", _nextcloud_version("36.0.0"), _nextcloud_version("32.0.1"))
case("app_too_old", _app(INTEGRATION, "2.9.2"), _app(INTEGRATION, "2.11.4"))
case("app_newer", _app(INTEGRATION, "3.9.0"), _app(INTEGRATION, "2.11.4"))
case("app_does_not_fit_nextcloud", _app(INTEGRATION, "3.1.1"), _app(INTEGRATION, "2.11.4"))
case("group_folders_do_not_fit_nextcloud", _app(GROUPFOLDERS, "19.1.0"), _app(GROUPFOLDERS, "20.1.18"))
case("openproject_too_old", put("openproject", version="14.1.0"), put("openproject", version="15.4.0"))
case("openproject_newer", put("openproject", version="18.0.0"), put("openproject", version="15.4.0"))
case(
    "app_does_not_fit_openproject",
    put("openproject", version="17.1.0"),
    _app(INTEGRATION, "3.1.1"),
    "app_does_not_fit_nextcloud",
    "openproject_newer",
)
case(
    "group_folders_do_not_fit_openproject",
    put("openproject", version="17.1.0"),
    both(_app(INTEGRATION, "3.1.1"), _app(GROUPFOLDERS, "20.1.18")),
    "app_does_not_fit_nextcloud",
    "group_folders_do_not_fit_nextcloud",
    "openproject_newer",
    nextcloud="29",
)


def _lose_app(pair: Pair) -> None:
    pair.lost = pair.nextcloud.apps.pop(INTEGRATION)  # type: ignore[attr-defined]


def _bring_app_back(pair: Pair) -> None:
    pair.nextcloud.apps[INTEGRATION] = pair.lost  # type: ignore[attr-defined]


case("app_files_missing", _lose_app, _bring_app_back)
case(
    "app_missing",
    both(_lose_app, lambda pair: pair.nextcloud.delete_app_value(INTEGRATION, "enabled")),
    both(_bring_app_back, occ("app:enable", INTEGRATION)),
)
case("app_disabled", lambda pair: pair.nextcloud.disable_app(INTEGRATION), occ("app:enable", INTEGRATION))
case(
    "app_limited_to_own_groups",
    lambda pair: pair.nextcloud.enable_app(INTEGRATION, ["admin"]),
    both(occ("app:disable", INTEGRATION), occ("app:enable", INTEGRATION)),
)
case(
    "nextcloud_settings_unknown",
    lambda pair: pair.through("nextcloud", "/settings/admin/openproject", page(200, "Nextcloud")),
    lambda pair: pair.directly("nextcloud"),
)
case("group_folders_missing", lambda pair: pair.nextcloud.disable_app(GROUPFOLDERS), occ("app:enable", GROUPFOLDERS))

# --- Nextcloud's surroundings ----------------------------------------------------------------------------------------

case(
    "authorization_header_dropped",
    put("nextcloud", strips_authorization=True),
    put("nextcloud", strips_authorization=False),
)
case(
    "nextcloud_links_elsewhere",
    system(overwritehost="inner.example"),
    lambda pair: pair.occ(
        "config:system:set", "overwritehost", f"--value={pair.lab.nextcloud.url.removeprefix('http://')}"
    ),
)
case(
    "nextcloud_cli_url",
    both(
        system(**{"overwrite.cli.url": "http://localhost"}),
        lambda pair: pair.more.update(occ_command=pair.lab.nextcloud.occ),
    ),
    lambda pair: pair.occ("config:system:set", "overwrite.cli.url", f"--value={pair.lab.nextcloud.url}"),
)
case("terms_not_signed", put("nextcloud", terms_signed=False), put("nextcloud", terms_signed=True))


def _encrypt(pair: Pair) -> None:
    pair.nextcloud.enable_app("encryption")
    pair.nextcloud.set_app_value("core", "encryption_enabled", "yes")
    pair.nextcloud.set_app_value("encryption", "encryptHomeStorage", "1")


case(
    "group_folders_not_encrypted",
    _encrypt,
    occ("config:app:set", GROUPFOLDERS, "enable_encryption", "--value=true"),
)
case(
    "cron_not_run",
    lambda pair: pair.nextcloud.set_app_value("core", "lastcron", str(int(time.time()) - 7200)),
    lambda pair: pair.nextcloud.set_app_value("core", "lastcron", str(int(time.time()))),
)


def _proxied(pair: Pair) -> None:
    pair.nextcloud.system["proxy"] = "proxy.example.com:3128"
    pair.setting("openproject_instance_url", NOWHERE)
    pair.more |= {"occ_command": pair.lab.nextcloud.occ}


case(
    "nextcloud_proxy",
    _proxied,
    occ("config:system:set", "proxyexclude", "0", "--value=127.0.0.1"),
    any_others=True,
)
case(
    "occ_failed",
    more(occ_command=["/nowhere/occ"]),
    lambda pair: pair.more.update(occ_command=pair.lab.nextcloud.occ),
)

# --- OpenProject's surroundings and projects -------------------------------------------------------------------------


def _projects(active: bool) -> Step:
    def run(pair: Pair) -> None:
        for project in pair.openproject.projects.values():
            project.active = active

    return run


case("no_active_project", _projects(False), _projects(True))
case("worker_not_running", put("openproject", worker_running=False), put("openproject", worker_running=True))
case("worker_backed_up", put("openproject", waiting_jobs=12), put("openproject", waiting_jobs=0))


def _newest(pair: Pair) -> None:
    pair.openproject.version = "17.6.0"
    pair.install(INTEGRATION, "3.1.1")


def _allow(pair: Pair) -> None:
    pair.openproject.ssrf_allow_list = ["127.0.0.1"]
    with_runner(pair)


case("private_address", _newest, _allow, "app_does_not_fit_nextcloud", "openproject_newer")


case(
    "connection_check_failed",
    both(with_runner, lambda pair: pair.nextcloud.disable_app(GROUPFOLDERS)),
    occ("app:enable", INTEGRATION, GROUPFOLDERS),
)
case(
    "connection_check_warns",
    both(with_runner, of_folder(files={"Stray/": 900})),
    of_folder(files={}),
)
case(
    "runner_failed",
    both(with_runner, put("openproject", runner_failure=(1, "", "Could not locate Gemfile"))),
    put("openproject", runner_failure=None),
)
case(
    "storage_in_no_project",
    lambda pair: pair.openproject.project_storages.clear(),
    lambda pair: pair.openproject.add_project_storage(
        next(iter(pair.openproject.projects.values())), pair.storage, "automatic"
    ),
)
case(
    "no_project_with_folders",
    lambda pair: setattr(pair.row, "mode", "inactive"),
    lambda pair: setattr(pair.row, "mode", "automatic"),
)
case("automatic_projects_unmanaged", both(more(project_folders=None), unmanaged), link())
