# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the app integration_openproject does: checking values, storing them, project folders, its OAuth client.

The order of the side effects is that of the real app (NC §1.3 to §1.5, §3).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from lab.nextcloud.state import (
    ALNUM,
    GROUPFOLDERS,
    INTEGRATION,
    INVALID,
    OPENPROJECT,
    SECOND_GROUP,
    SYMBOLS,
    NextcloudState,
    OAuthClient,
    StateError,
)
from lab.plumbing import random_text

BAD_REQUEST, NOT_FOUND, CONFLICT, FAILED = 400, 404, 409, 500

CLIENT_NAME = "OpenProject client"
HUB_LABEL = "Nextcloud Hub"

STRING, BOOLEAN = "string", "boolean"
GENERAL = {
    "openproject_instance_url": STRING,
    "authorization_method": ("oauth2", "oidc"),
    "default_enable_navigation": BOOLEAN,
    "default_enable_unified_search": BOOLEAN,
    "setup_project_folder": BOOLEAN,
    "setup_app_password": BOOLEAN,
}
OAUTH = {"openproject_client_id": STRING, "openproject_client_secret": STRING}
OIDC = {
    "sso_provider_type": ("nextcloud_hub", "external"),
    "oidc_provider": STRING,
    "targeted_audience_client_id": STRING,
    "token_exchange": BOOLEAN,
}
SETTINGS: dict[str, Any] = GENERAL | OAUTH | OIDC
USER_VALUES = ("token", "login", "user_id", "user_name", "refresh_token", "token_expires_at")

Revoke = Callable[[str, str, str, str], str]
"""Revokes a token: url, token, client id, client secret; `success`, `connection_error` or `other_error`."""


class Refusal(Exception):
    """The app refuses a call: HTTP status and the text of `error`."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Crash(Exception):
    """A PHP error inside the app: Nextcloud answers 500 with an HTML page."""


class BadCall(Crash):
    """A parameter is missing or of the wrong type; newer servers refuse that before the app sees it."""


# Validation (NC §1.3)


def valid_url(value: object) -> bool:
    """What PHP's URL filter takes for http(s): no underscore and no letter beyond ASCII in the host name."""
    if not isinstance(value, str) or not value.isascii():
        return False
    match = re.fullmatch(
        r"https?://(?:[^/?#@]*@)?(\[[0-9a-fA-F:.]+\]|[^/?#:@\[\]]+)(?::(\d{1,5}))?([/?#].*)?", value.strip()
    )
    if match is None or re.search(r"[\s\"<>\\^`{|}]", value.strip()):
        return False
    host, port = match[1], match[2]
    if port and int(port) > 65535:
        return False
    return host.startswith("[") or all(
        re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?", label) for label in host.rstrip(".").split(".")
    )


def check_complete(state: NextcloudState, values: dict[str, Any] | list[Any] | None) -> dict[str, Any]:
    """The values of a full set-up, defaults filled in; raises Refusal for what is missing, unknown or wrong."""
    if values is None:
        raise Refusal(BAD_REQUEST, "The data is not a valid JSON.")
    checked: dict[str, Any] = dict(values) if isinstance(values, dict) else dict(enumerate(values))  # type: ignore[arg-type]
    method = checked.setdefault("authorization_method", "oauth2")
    if method == "oidc" and checked.get("sso_provider_type") == "nextcloud_hub" and not checked.get("oidc_provider"):
        checked["oidc_provider"] = HUB_LABEL
    # Older versions compare loosely, and PHP takes true for equal to any text (NC §1.3).
    if method not in ("oauth2", "oidc") and not (method is True and not state.profile.compares_strictly):
        raise Refusal(BAD_REQUEST, "Invalid authorization method")
    optional: set[str] = set()
    if method == "oauth2":
        wanted = GENERAL | OAUTH
    else:
        wanted = GENERAL | OIDC
        if "sso_provider_type" not in checked:
            raise Refusal(BAD_REQUEST, "Incomplete settings: 'sso_provider_type' is required with 'oidc' method")
        if checked["sso_provider_type"] == "nextcloud_hub":
            optional = {"oidc_provider", "token_exchange"}
        elif checked["sso_provider_type"] == "external":
            if "token_exchange" not in checked:
                raise Refusal(BAD_REQUEST, "Incomplete settings: 'token_exchange' is required with external provider")
            if checked["token_exchange"] is False:
                optional = {"targeted_audience_client_id"}
    if set(wanted) - optional - set(checked) or set(checked) - set(wanted):
        raise Refusal(BAD_REQUEST, "invalid key")
    if {checked["setup_project_folder"], checked["setup_app_password"]} == {True, False}:
        raise Refusal(BAD_REQUEST, "invalid data")
    _check_types(state, checked)
    return checked


def check_partial(state: NextcloudState, values: dict[str, Any] | list[Any] | None) -> dict[str, Any]:
    """The values of a partial set-up; raises Refusal."""
    if not values:
        raise Refusal(BAD_REQUEST, "The data is not a valid JSON.")
    checked: dict[str, Any] = dict(values) if isinstance(values, dict) else dict(enumerate(values))  # type: ignore[arg-type]
    if set(checked) - set(SETTINGS):
        raise Refusal(BAD_REQUEST, "invalid key")
    _check_types(state, checked)
    return checked


def _check_types(state: NextcloudState, values: dict[str, Any]) -> None:
    for key, value in values.items():
        kind = SETTINGS[key]
        if kind == STRING:
            right = isinstance(value, str) and value != ""
        elif kind == BOOLEAN:
            right = isinstance(value, bool)
        else:
            right = value in kind or (value is True and not state.profile.compares_strictly)
        if not right or (key == "openproject_instance_url" and not valid_url(value)):
            raise Refusal(BAD_REQUEST, "invalid data")


# Storing (NC §1.5)


def store(state: NextcloudState, values: dict[str, Any], revoke: Revoke) -> dict[str, Any]:
    """Carry out a call that sets values; returns what PUT /admin-config answers.

    Raises Refusal before anything is stored when the project folders or the password cannot be made.
    """
    if values.get("setup_project_folder") is True:
        create_project_folders(state)
    password = None
    if values.get("setup_app_password") is True:
        password = renew_app_password(state)

    def old(key: str) -> str:
        return state.app_value(INTEGRATION, key) or ""

    old_url, old_method = old("openproject_instance_url"), old("authorization_method")
    both = "openproject_client_id" in values and "openproject_client_secret" in values
    old_id = old("openproject_client_id") if both else ""
    old_secret = old("openproject_client_secret") if both else ""
    full_reset = (
        {"openproject_instance_url", "authorization_method"} <= set(values)
        and not values["openproject_instance_url"]
        and not values["authorization_method"]
    )
    oauth_reset = both and not values["openproject_client_id"] and not values["openproject_client_secret"]
    oauth_reset = oauth_reset and bool(old_url and old_id and old_secret)
    oidc_reset = {"oidc_provider", "targeted_audience_client_id"} <= set(values) and bool(
        old("oidc_provider")
        and old("targeted_audience_client_id")
        and not values["oidc_provider"]
        and not values["targeted_audience_client_id"]
    )
    _write_values(state, values)
    if "openproject_instance_url" in values and old_url != values["openproject_instance_url"]:
        _follow_url(state, values["openproject_instance_url"])
    if values.get("setup_app_password") is False:
        delete_app_password(state)

    status = ""
    changed = any(
        key in values and values[key] != before
        for key, before in (("openproject_client_id", old_id), ("openproject_client_secret", old_secret))
    )
    reset_of_oidc = full_reset and old_method == "oidc"
    if (changed and not reset_of_oidc) or (full_reset and old_method == "oauth2") or oauth_reset:
        status = _forget_user_tokens(state, old_url, old_id, old_secret, revoke)
    elif reset_of_oidc or oidc_reset:
        state.set_app_value(INTEGRATION, "oidc_provider", "")
        state.set_app_value(INTEGRATION, "targeted_audience_client_id", "")
        _forget_user_tokens(state, "", "", "", revoke)

    if full_reset:
        state.set_app_value(INTEGRATION, "fresh_project_folder_setup", "1")
    elif "setup_app_password" in values and "setup_project_folder" in values:
        state.set_app_value(INTEGRATION, "fresh_project_folder_setup", "0")
    if oauth_reset and values.get("authorization_method") == "oidc":
        delete_client(state)
    return {"status": is_configured(state), "oPOAuthTokenRevokeStatus": status, "oPUserAppPassword": password}


def _write_values(state: NextcloudState, values: dict[str, Any]) -> None:
    for key, value in values.items():
        if key not in ("setup_project_folder", "setup_app_password"):
            # PHP's text of true and false.
            text = ("1" if value else "") if isinstance(value, bool) or value is None else str(value)
            state.set_app_value(INTEGRATION, key, text.strip())


def _follow_url(state: NextcloudState, url: str | None) -> None:
    if not url:
        delete_client(state)
        return
    client = oauth_client(state)
    if client:
        client.redirect_uri = _redirect_uri(url, client.client_identifier)


def _forget_user_tokens(state: NextcloudState, url: str, client_id: str, secret: str, revoke: Revoke) -> str:
    status = ""
    for user in state.users.values():
        token = user.settings.get(INTEGRATION, {}).get("token", "")
        if token and url and client_id and secret:
            outcome = revoke(url, token, client_id, secret)
            if outcome != "success" or not status:
                status = outcome
        own = user.settings.get(INTEGRATION, {})
        for key in USER_VALUES:
            own.pop(key, None)
        if not own:
            user.settings.pop(INTEGRATION, None)
    return status


def reset(state: NextcloudState, revoke: Revoke) -> dict[str, Any]:
    """DELETE /setup: every value empty; the application password, user, groups and folder stay (NC §9)."""
    return store(state, dict.fromkeys(SETTINGS), revoke)


# The OAuth client that OpenProject uses


def oauth_client(state: NextcloudState) -> OAuthClient | None:
    """The app's client; None when there is none or when its row was deleted behind the app's back."""
    row = state.app_value(INTEGRATION, "nc_oauth_client_id") or ""
    return state.oauth_clients.get(int(row)) if row.isdigit() else None


def dangles(state: NextcloudState) -> bool:
    return bool(state.app_value(INTEGRATION, "nc_oauth_client_id")) and oauth_client(state) is None


def new_client(state: NextcloudState) -> dict[str, Any]:
    """Replace the client; the answer holds the only copy of its secret."""
    delete_client(state)
    client = state.create_oauth_client(CLIENT_NAME, "")
    client.redirect_uri = _redirect_uri(
        state.app_value(INTEGRATION, "openproject_instance_url") or "", client.client_identifier
    )
    state.set_app_value(INTEGRATION, "nc_oauth_client_id", str(client.id))
    return {key: value for key, value in client_info(client).items() if key != "id"} | {
        "nextcloud_client_secret": client.secret
    }


def client_info(client: OAuthClient) -> dict[str, Any]:
    return {
        "id": client.id,
        "nextcloud_oauth_client_name": client.name,
        "openproject_redirect_uri": client.redirect_uri,
        "nextcloud_client_id": client.client_identifier,
    }


def delete_client(state: NextcloudState) -> None:
    row = state.app_value(INTEGRATION, "nc_oauth_client_id") or ""
    if row:
        state.delete_oauth_client(int(row))
        state.delete_app_value(INTEGRATION, "nc_oauth_client_id")


def _redirect_uri(url: str, client_identifier: str) -> str:
    return f"{url.rstrip('/')}/oauth_clients/{client_identifier}/callback"


# Whether it is complete


def is_configured(state: NextcloudState, *, method: str | None = None) -> bool:
    """`config_status_without_project_folder` (NC §2); `method` stands in for the stored authorization method."""

    def value(key: str) -> str:
        return state.app_value(INTEGRATION, key) or ""

    if not valid_url(value("openproject_instance_url")) or value("fresh_project_folder_setup") == "1":
        return False
    method = value("authorization_method") if method is None else method
    if method == "oauth2":
        return all(map(value, ("openproject_client_id", "openproject_client_secret", "nc_oauth_client_id")))
    if method == "oidc":
        keys = ["sso_provider_type", "oidc_provider"]
        if value("sso_provider_type") == "nextcloud_hub" or value("token_exchange"):
            keys.append("targeted_audience_client_id")
        return all(map(value, keys))
    return False


def mend_method(state: NextcloudState) -> None:
    """The admin page writes: an empty authorization method of an otherwise complete set-up becomes oauth2 (NC §9)."""
    if not state.app_value(INTEGRATION, "authorization_method") and is_configured(state, method="oauth2"):
        state.set_app_value(INTEGRATION, "authorization_method", "oauth2")


# Project folders (NC §3)


def has_app_password(state: NextcloudState) -> bool:
    """Only tokens named exactly like the user count (NC §3.4)."""
    user = state.find_user(OPENPROJECT)
    return user is not None and any(token.name == OPENPROJECT for token in user.tokens)


def renew_app_password(state: NextcloudState) -> str:
    delete_app_password(state)
    if state.find_user(OPENPROJECT) is None:
        raise Refusal(NOT_FOUND, f'User "{OPENPROJECT}" does not exists to create application password')
    return state.add_token(OPENPROJECT, OPENPROJECT, symbols=True, length=_password_length(state)).value


def delete_app_password(state: NextcloudState) -> None:
    user = state.find_user(OPENPROJECT)
    if user:
        user.tokens = [token for token in user.tokens if token.name != OPENPROJECT]


def project_folders_complete(state: NextcloudState) -> bool:
    """`project-folder-status`: second group, quota and password are not looked at (NC §3.2)."""
    user = state.find_user(OPENPROJECT)
    group = state.groups.get(OPENPROJECT)
    if user is None or group is None or not state.app_enabled(GROUPFOLDERS, user.uid):
        return False
    return (
        user.uid in group.members
        and user.uid in group.subadmins
        and any(
            folder.mount_point == OPENPROJECT
            and folder.groups.get(OPENPROJECT) == 31
            and folder.acl
            and state.manages_acl(folder, user.uid)
            for folder in state.folders.values()
        )
    )


def check_ready(state: NextcloudState) -> None:
    """Raise Refusal when the project folders cannot be created, in the app's order (NC §3.2)."""
    user, group = state.find_user(OPENPROJECT) is not None, OPENPROJECT in state.groups
    missing_app = Refusal(FAILED, 'The "groupfolders" app is not installed')
    if user and group and not state.app_enabled(GROUPFOLDERS):
        raise missing_app
    if user:
        raise Refusal(CONFLICT, f'The user "{OPENPROJECT}" already exists')
    if group:
        raise Refusal(CONFLICT, f'The group "{OPENPROJECT}" already exists')
    if not state.app_enabled(GROUPFOLDERS):
        raise missing_app
    if any(folder.mount_point == OPENPROJECT for folder in state.folders.values()):
        raise Refusal(CONFLICT, f'The team folder name "{OPENPROJECT}" already exists')


def create_project_folders(state: NextcloudState) -> None:
    check_ready(state)
    try:
        length = _password_length(state)
        state.create_user(OPENPROJECT, random_text(ALNUM + SYMBOLS, length), check_policy=False)
        for gid in (OPENPROJECT, SECOND_GROUP):
            if gid not in state.groups:
                state.create_group(gid)
            state.add_member(gid, OPENPROJECT)
            state.add_subadmin(gid, OPENPROJECT)
        folder = state.create_folder(OPENPROJECT)
        state.assign_group(folder.id, OPENPROJECT)
        state.set_folder_acl(folder.id, True)
        state.set_folder_manager(folder.id, "user", OPENPROJECT, True)
    except StateError as error:
        raise Refusal(BAD_REQUEST if error.reason == INVALID else FAILED, error.message) from error


def project_folder_info(state: NextcloudState) -> dict[str, Any]:
    """`project_folder_info` of the admin page (NC §1.7)."""
    if project_folders_complete(state):
        return {"status": True}
    try:
        check_ready(state)
    except Refusal as refusal:
        return {"status": False, "errorMessage": refusal.message}
    return {"status": False}


def _password_length(state: NextcloudState) -> int:
    return max(72, int(state.app_value("password_policy", "minLength") or 0))
