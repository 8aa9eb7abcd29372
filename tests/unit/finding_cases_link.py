# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings on what the two servers know of each other, and on project folders: how a complete pair gets into each state, and the remedy."""

from __future__ import annotations

import dataclasses
import json

import requests

from lab.authority import Authority
from lab.nextcloud import integration as app
from lab.nextcloud.state import GROUPFOLDERS, INTEGRATION, OPENPROJECT, SECOND_GROUP
from lab.openproject.state import SINGLE_SIGN_ON
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
    setting,
    unmanaged,
    with_runner,
)
from unit.linking import STORAGE

CASES = Cases()
case = CASES.add

# --- what Nextcloud says of OpenProject's address --------------------------------------------------------------------


def _stored_address(url: str) -> Step:
    """Somebody has typed another address of OpenProject into Nextcloud."""
    return setting("openproject_instance_url", url)


def _answering(said: Said) -> Step:
    """OpenProject's address leads to something that answers like this."""
    return lambda pair: pair.setting("openproject_instance_url", pair.serve(Server(lambda asked: said)))


case("address_invalid", _stored_address("http://open_project.example"), link())
case("address_redirected", _answering(page(301, "", ("Location", "https://projects.example.org/api/v3/"))), link())
case("address_not_valid_body", _answering(page(200, "Welcome")), link())
case("address_client_exception", _answering(page(404, "Not Found")), link())
case("address_server_exception", _answering(page(500, "Oops")), link())
case("address_network_error", _stored_address(NOWHERE), link())
case("address_unexpected_error", _answering(page(302, "Moved")), link())
case(
    "address_request_exception",
    lambda pair: pair.through(
        "nextcloud", "/is-valid-op-instance", Said(200, '{"result":"request_exception","details":"cURL error 56"}')
    ),
    lambda pair: pair.directly("nextcloud"),
)
case(
    "address_local_remote_servers_not_allowed",
    lambda pair: pair.nextcloud.system.pop("allow_local_remote_servers"),
    occ("config:system:set", "allow_local_remote_servers", "--value=true", "--type=boolean"),
)


def _private_certificate(pair: Pair) -> None:
    context = Authority(pair.folder).context("127.0.0.1")
    pair.setting("openproject_instance_url", pair.serve(Server(Passing({"/": pair.lab.openproject.url}), tls=context)))


case("address_certificate", _private_certificate, link())
case(
    "nextcloud_without_https",
    more(nextcloud_public_url="http://cloud.example.com"),
    lambda pair: pair.forget("nextcloud_public_url"),
)

# --- what the two know of each other ---------------------------------------------------------------------------------

_UNUSED = "storage_in_no_project"
case("storage_missing", lambda pair: pair.openproject.remove_storage(pair.storage), link(), _UNUSED)
case(
    "several_storages",
    lambda pair: pair.openproject.add_storage("Second", pair.lab.nextcloud.url),
    lambda pair: pair.openproject.remove_storage(list(pair.openproject.storages.values())[-1]),
)


def _another_host(pair: Pair) -> None:
    pair.storage.host = "https://other.example.com/"
    pair.setting("openproject_client_id", "x" * 43)


case("storage_of_another", _another_host, lambda pair: pair.link(storage_id=pair.storage.id))
case("storage_host_differs", lambda pair: setattr(pair.storage, "host", "https://former.example.com/"), link())
case("storage_name_differs", more(storage_name="Wolke"), link(storage_name="Wolke"))
case(
    "nextcloud_not_linked",
    lambda pair: app.reset(pair.nextcloud, lambda *_: "success"),
    link(),
)
case(
    "nextcloud_of_another",
    both(_stored_address("https://other.example.org"), setting("openproject_client_id", "x" * 43)),
    link(relink=True),
)
case(
    "openproject_address_differs",
    lambda pair: pair.setting("openproject_instance_url", pair.lab.openproject.url.replace("127.0.0.1", "localhost")),
    link(),
)


def _rename_and_back(pair: Pair) -> None:
    for name in ("Cloud for a moment", STORAGE):
        requests.patch(
            f"{pair.lab.openproject.url}/api/v3/storages/{pair.storage.id if name != STORAGE else pair.only.id}",  # type: ignore[attr-defined]
            json={"name": name},
            auth=("apikey", pair.lab.openproject.api_key),
            timeout=10,
        ).raise_for_status()


def _stale_redirect(pair: Pair) -> None:
    pair.only = pair.storage  # type: ignore[attr-defined]
    assert pair.storage.oauth_application is not None
    pair.storage.oauth_application.redirect_uri = "https://former.example.com/oauth-redirect"


case("openproject_redirect_uri", _stale_redirect, _rename_and_back)


def _stale_client_redirect(pair: Pair) -> None:
    client = app.oauth_client(pair.nextcloud)
    assert client is not None
    client.redirect_uri = f"https://former.example.org/oauth_clients/{client.client_identifier}/callback"


case("nextcloud_redirect_uri", _stale_client_redirect, link())
case("openproject_oauth_missing", lambda pair: setattr(pair.storage, "oauth_application", None), link())
case(
    "openproject_oauth_not_entered",
    both(setting("openproject_client_id", ""), setting("openproject_client_secret", "")),
    link(),
)
case("openproject_oauth_differs", setting("openproject_client_id", "x" * 43), link())
case("openproject_secret_wrong", setting("openproject_client_secret", "x" * 43), link(verify_secrets=True))
case("nextcloud_oauth_missing", lambda pair: app.delete_client(pair.nextcloud), link())
case(
    "nextcloud_oauth_deleted",
    lambda pair: pair.nextcloud.delete_oauth_client(next(iter(pair.nextcloud.oauth_clients))),
    link(),
)
case("nextcloud_oauth_not_entered", lambda pair: setattr(pair.storage, "client", None), link())


def _client(pair: Pair, **values: str) -> None:
    assert pair.storage.client is not None
    for name, value in values.items():
        setattr(pair.storage.client, name, value)


case("nextcloud_oauth_differs", lambda pair: _client(pair, client_id="x" * 64), link())


def _wrong_client_secret(pair: Pair) -> None:
    _client(pair, client_secret="x" * 64)
    with_runner(pair)


case("nextcloud_secret_wrong", _wrong_client_secret, link(verify_secrets=True))
case(
    "method_missing",
    both(setting("authorization_method", ""), setting("fresh_project_folder_setup", "1")),
    link(),
)
case("method_mended", setting("authorization_method", ""), lambda pair: pair.look())
case("methods_differ", setting("authorization_method", "oidc"), link())


def _single_sign_on(pair: Pair) -> None:
    pair.openproject.version = "16.0.0"
    pair.storage.authentication_method, pair.storage.audience = SINGLE_SIGN_ON, "nextcloud"
    pair.setting("authorization_method", "oidc")
    pair.setting("sso_provider_type", "external")
    pair.setting("oidc_provider", "keycloak")
    pair.nextcloud.oidc_providers = ["keycloak"]
    pair.nextcloud.apps["user_oidc"] = dataclasses.replace(pair.nextcloud.apps[GROUPFOLDERS], id="user_oidc")
    pair.nextcloud.enable_app("user_oidc")
    pair.nextcloud.set_app_value("user_oidc", "store_login_token", "1")


case(
    "sso_app_missing",
    both(_single_sign_on, lambda pair: pair.nextcloud.disable_app("user_oidc")),
    occ("app:enable", "user_oidc"),
)
case(
    "sso_provider_unknown",
    both(_single_sign_on, setting("oidc_provider", "gone")),
    setting("oidc_provider", "keycloak"),
)
case(
    "sso_tokens_not_stored",
    both(_single_sign_on, lambda pair: pair.nextcloud.set_app_value("user_oidc", "store_login_token", "0")),
    occ("config:app:set", "user_oidc", "store_login_token", "--value=1"),
)
case(
    "sso_audience_missing",
    both(_single_sign_on, lambda pair: setattr(pair.storage, "audience", None)),
    lambda pair: setattr(pair.storage, "audience", "nextcloud"),
)
case("setup_unfinished", setting("fresh_project_folder_setup", "1"), link())
case(
    "app_incomplete",
    lambda pair: pair.setting("openproject_instance_url", pair.lab.openproject.url.replace("http", "HTTP")),
    lambda pair: pair.setting("openproject_instance_url", pair.lab.openproject.url),
)
case("user_defaults_differ", more(default_enable_navigation=True), link(default_enable_navigation=True))

# --- project folders -------------------------------------------------------------------------------------------------


def _without_folders(pair: Pair) -> None:
    del pair.nextcloud.users[OPENPROJECT]
    del pair.nextcloud.groups[OPENPROJECT], pair.nextcloud.groups[SECOND_GROUP]
    pair.nextcloud.folders.clear()


def _without_user(pair: Pair) -> None:
    del pair.nextcloud.users[OPENPROJECT]
    for group in pair.nextcloud.groups.values():
        group.members = [uid for uid in group.members if uid != OPENPROJECT]
        group.subadmins = [uid for uid in group.subadmins if uid != OPENPROJECT]


def _spelled_otherwise(pair: Pair) -> None:
    _without_user(pair)
    pair.nextcloud.create_user("openproject", "some-password-of-the-lab")


case("folders_not_set_up", _without_folders, link())
case("user_missing", _without_user, link())
case(
    "user_disabled",
    lambda pair: setattr(pair.nextcloud.users[OPENPROJECT], "enabled", False),
    occ("user:enable", OPENPROJECT),
)
case("user_spelled_otherwise", _spelled_otherwise, both(occ("user:delete", "openproject"), link()))
case("group_missing", lambda pair: pair.nextcloud.groups.pop(SECOND_GROUP), link())
case(
    "directory_service",
    lambda pair: setattr(pair.nextcloud.users[OPENPROJECT], "backend", "LDAP"),
    lambda pair: setattr(pair.nextcloud.users[OPENPROJECT], "backend", "Database"),
)
case("user_not_in_group", lambda pair: pair.nextcloud.groups[OPENPROJECT].members.clear(), link())
case("user_not_group_admin", lambda pair: pair.nextcloud.groups[OPENPROJECT].subadmins.clear(), link())
case("folder_missing", lambda pair: pair.nextcloud.folders.clear(), link())
case("folder_renamed", of_folder(mount_point="Projects"), occ("groupfolders:rename", "1", OPENPROJECT))
case("folder_of_others", of_folder(groups={"admin": 31}), link(adopt_folder=True))


def _second_folder(pair: Pair) -> None:
    second = pair.nextcloud.create_folder(OPENPROJECT)
    pair.nextcloud.assign_group(second.id, "admin")


case("several_folders", _second_folder, occ("groupfolders:rename", "2", "Other"), nextcloud="29")
case("folder_without_group", of_folder(groups={}), link())
case("folder_permissions", of_folder(groups={OPENPROJECT: 1}), link())
case("folder_without_advanced_permissions", of_folder(acl=False), link())
case("folder_without_manager", of_folder(manage=[]), link())
case(
    "folders_not_found_right",
    lambda pair: pair.nextcloud.set_app_value(GROUPFOLDERS, "enabled", json.dumps(["admin"])),
    lambda pair: pair.nextcloud.set_app_value(GROUPFOLDERS, "enabled", "yes"),
)
case("folder_quota", of_folder(quota=1024), occ("groupfolders:quota", "1", "unlimited"))


def _own_folder(pair: Pair) -> None:
    data = pair.folder / "data"
    (data / "alice" / "files" / OPENPROJECT).mkdir(parents=True)
    (data / ".ocdata").touch()
    pair.nextcloud.system["datadirectory"] = str(data)


case(
    "personal_folder_hidden",
    _own_folder,
    lambda pair: (pair.folder / "data/alice/files" / OPENPROJECT).rename(pair.folder / "data/alice/files/Mine"),
)


def _left_over(pair: Pair) -> None:
    pair.openproject.remove_storage(pair.storage)
    pair.forget("project_folders")


case(
    "folders_left_over",
    _left_over,
    both(
        occ("app:disable", INTEGRATION),
        occ("user:delete", OPENPROJECT),
        occ("group:delete", OPENPROJECT),
        occ("group:delete", SECOND_GROUP),
        occ("groupfolders:delete", "1", "-f"),
        occ("app:enable", INTEGRATION),
    ),
    "storage_missing",
)
case("application_password_missing", lambda pair: app.delete_app_password(pair.nextcloud), link())


def _wrong_password(pair: Pair) -> None:
    pair.storage.password = "not-the-password-of-the-lab"
    with_runner(pair)


case("application_password_wrong", _wrong_password, link(rotate=["application_password"]))


case("management_off", unmanaged, link())
case(
    "management_on",
    both(more(project_folders=False), lambda pair: setattr(pair.row, "mode", "inactive")),
    link(project_folders=False),
)
