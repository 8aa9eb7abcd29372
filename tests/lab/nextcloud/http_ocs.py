# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OCS: accounts, groups, group admins, capabilities, application passwords (NC §5.2, §5.5, §6.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, g, request

from lab.nextcloud.answers import json_answer
from lab.nextcloud.http import (
    ADMIN,
    PUBLIC,
    USER,
    caller,
    count_check,
    needs_confirmation,
    parameters,
    program,
    public_root,
    state,
    throttles,
)
from lab.nextcloud.ocs_envelope import OcsError, ocs_failure, ocs_success
from lab.nextcloud.state import EXISTS, GROUPFOLDERS, INTEGRATION, OPENPROJECT, POLICY, SECOND_GROUP, StateError, User

routes = Blueprint("ocs", __name__)

ADMIN_OR_SUBADMIN = "Logged in account must be an admin, a sub admin or gotten special right to access this setting"

ACCOUNT_TEXTS = ("phone", "address", "website", "twitter", "bluesky", "fediverse", "organisation", "role", "headline")
ACCOUNT_TEXTS_29 = tuple(name for name in ACCOUNT_TEXTS if name != "bluesky")


def ocs_route(
    path: str,
    method: str,
    access: str = ADMIN,
    *,
    confirm: bool = False,
    blueprint: Blueprint = routes,
) -> Callable[..., Any]:
    """A route below both /ocs/v1.php and /ocs/v2.php. `confirm` asks for a confirmed password (NC §6.2).

    `access` ADMIN also lets group admins in; the view looks at the groups itself.
    """

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        def handler(**arguments: Any) -> Response:
            user = caller().user
            if access != PUBLIC and user is None:
                return ocs_failure(997, "Current user is not logged in")
            if access == ADMIN and not (user and (state().is_admin(user.uid) or state().subadmin_groups(user.uid))):
                return ocs_failure(403, ADMIN_OR_SUBADMIN)
            if not request.headers.get("OCS-APIRequest"):
                return json_answer({"message": "CSRF check failed"}, 412)
            if confirm and needs_confirmation():
                return ocs_failure(403, "Password confirmation is required")
            with state().lock:
                try:
                    return ocs_success(view(**arguments))
                except OcsError as error:
                    return ocs_failure(error.code, error.message, error.data)

        handler.__name__ = view.__name__
        for version in (1, 2):
            blueprint.add_url_rule(
                f"/ocs/v{version}.php{path}", f"{view.__name__}_v{version}", view_func=handler, methods=[method]
            )
        return handler

    return decorate


def _sender() -> User:
    user = caller().user
    assert user is not None, "a route with access control has a caller"
    return user


def _is_admin() -> bool:
    return state().is_admin(_sender().uid)


# Core


@ocs_route("/cloud/capabilities", "GET", PUBLIC)
def capabilities() -> Any:
    """NC §1.7: server version, and the integration's part also for strangers."""
    profile = state().profile
    major, minor, micro = (int(part) for part in profile.version.split("."))
    on_disk = state().apps.get(GROUPFOLDERS)
    parts: dict[str, Any] = {"bruteforce": {"delay": state().login_delay, "allow-listed": not throttles()}}
    if caller().user:
        parts = {"core": {"pollinterval": 60, "webdav-root": "remote.php/webdav"}, **parts}
    if state().app_enabled(INTEGRATION):
        parts[INTEGRATION] = {
            "app_version": state().apps[INTEGRATION].version,
            "groupfolder_version": on_disk.version if on_disk else "0",
            "groupfolders_enabled": state().app_enabled(GROUPFOLDERS),
        }
    # of an image it gives the whole address, as far as it knows that
    parts["theming"] = {"name": "Nextcloud", "logo": f"{public_root()}/core/img/logo/logo.svg?v=0"}
    version = {"major": major, "minor": minor, "micro": micro, "string": profile.version, "edition": ""}
    return {"version": version | {"extendedSupport": False}, "capabilities": parts}


@ocs_route("/core/getapppassword", "GET", USER)
def get_app_password() -> Any:
    """NC §5.5: an application password for a login password, named after the program that asks."""
    if needs_confirmation():
        raise OcsError(403, "Password confirmation is required")
    if caller().token:
        raise OcsError(403, "You cannot request an new apppassword with an apppassword")
    count_check()
    return {"apppassword": state().add_token(_sender().uid, program()).value}


@ocs_route("/core/apppassword", "DELETE", USER)
def delete_app_password() -> Any:
    """NC §5.5: takes back the application password that the request itself came with."""
    token = caller().token
    if token is None:
        raise OcsError(403, "no app password in use")
    state().delete_token(_sender().uid, token.id)
    g.session.uid = ""
    return []


# Accounts


@ocs_route("/cloud/user", "GET", USER)
def own_account() -> Any:
    """NC §5.5: the caller's own account."""
    return _account(_sender())


@ocs_route("/cloud/users", "GET")
def list_accounts() -> Any:
    """NC §5.5: ids; a group admin sees the members of the groups that he administrates."""
    search = request.args.get("search", "").casefold()
    own = {member for gid in state().subadmin_groups(_sender().uid) for member in state().groups[gid].members}
    return {"users": sorted(uid for uid in state().users if search in uid.casefold() and (_is_admin() or uid in own))}


@ocs_route("/cloud/users", "POST", confirm=True)
def create_account() -> Any:
    """NC §5.5: 101 bad id, 102 exists, 104 group, 107 policy, 108 neither password nor address, 109 sub-admin group."""
    sent = parameters()
    uid, password = str(sent.get("userid", "")), str(sent.get("password", ""))
    if state().find_user(uid):
        raise OcsError(102, "User already exists")
    for gid in sent.get("groups", []):
        if gid not in state().groups:
            raise OcsError(104, f"Group {gid} does not exist")
    for gid in sent.get("subadmin", []):
        if gid not in state().groups:
            raise OcsError(109, "Sub-admin group does not exist")
    if not password and not sent.get("email"):
        raise OcsError(108, "An email address is required, to send a password link to the user.")
    try:
        user = state().create_user(
            uid,
            password,
            display_name=sent.get("displayName", ""),
            email=sent.get("email", ""),
            check_policy=bool(password),
        )
    except StateError as error:
        raise OcsError(107 if error.reason == POLICY else 101, error.message) from error
    for gid in sent.get("groups", []):
        state().add_member(gid, user.uid)
    for gid in sent.get("subadmin", []):
        state().add_subadmin(gid, user.uid)
    return {"id": user.uid}


@ocs_route("/cloud/users/<uid>", "GET", USER)
def account(uid: str) -> Any:
    """NC §5.5: whole for an admin, the account itself and its group admins."""
    user = state().find_user(uid)
    allowed = user and (_is_admin() or user is _sender() or _administrates(user))
    if user is None or not allowed:
        raise OcsError(404, "User does not exist")
    return _account(user)


@ocs_route("/cloud/users/<uid>", "DELETE", confirm=True)
def delete_account(uid: str) -> Any:
    """NC §3.5: refused for the user of the project folders."""
    if state().find_user(uid) is None:
        raise OcsError(998)
    _carry_out(lambda: state().delete_user(uid))
    return []


@ocs_route("/cloud/users/<uid>/disable", "PUT", confirm=True)
def disable_account(uid: str) -> Any:
    """NC §3.5: refused for the user of the project folders."""
    _existing(uid)
    _carry_out(lambda: state().set_user_enabled(uid, False))
    return []


@ocs_route("/cloud/users/<uid>/enable", "PUT", confirm=True)
def enable_account(uid: str) -> Any:
    """NC §9: mends a disabled user."""
    _existing(uid)
    _carry_out(lambda: state().set_user_enabled(uid, True))
    return []


@ocs_route("/cloud/users/<uid>/groups", "GET", USER)
def groups_of_account(uid: str) -> Any:
    """NC §5.5: ids of the groups."""
    user = state().find_user(uid)
    if user is None:
        raise OcsError(404, "User does not exist")
    return {"groups": state().groups_of(user.uid)}


@ocs_route("/cloud/users/<uid>/groups", "POST", confirm=True)
def join_group(uid: str) -> Any:
    """NC §5.5: 101 no group given, 102 unknown group, 103 unknown account; repeatable."""
    gid = _group_of_request(102, "")
    if state().find_user(uid) is None:
        raise OcsError(103)
    if not _is_admin() and gid not in state().subadmin_groups(_sender().uid):
        raise OcsError(104)
    _carry_out(lambda: state().add_member(gid, uid))
    return []


@ocs_route("/cloud/users/<uid>/groups", "DELETE", confirm=True)
def leave_group(uid: str) -> Any:
    """NC §3.5: who leaves the first project group is put into the second one; occ does not do that (29.0.6)."""
    gid = _group_of_request(102, "")
    if state().find_user(uid) is None:
        raise OcsError(103)
    if gid == OPENPROJECT and state().app_enabled(INTEGRATION) and state().user(uid).uid in state().groups[gid].members:
        if SECOND_GROUP not in state().groups:
            raise OcsError(400, f'Group "{SECOND_GROUP}" does not exist')
        state().add_member(SECOND_GROUP, uid)
    _carry_out(lambda: state().remove_member(gid, uid))
    return []


# Group admins


@ocs_route("/cloud/users/<uid>/subadmins", "GET")
def subadmin_groups(uid: str) -> Any:
    """NC §5.2: the groups that an account administrates."""
    user = state().find_user(uid)
    if user is None:
        raise OcsError(404, "User does not exist")
    return state().subadmin_groups(user.uid)


@ocs_route("/cloud/users/<uid>/subadmins", "POST", confirm=True)
def grant_subadmin(uid: str) -> Any:
    """NC §5.2: 101 account, 102 group, 103 the group admin; repeatable."""
    admin_only()
    if state().find_user(uid) is None:
        raise OcsError(101, "User does not exist")
    gid = _group_of_request(102, "Group does not exist")
    if gid == "admin":
        raise OcsError(103, "Cannot create sub-admins for admin group")
    _carry_out(lambda: state().add_subadmin(gid, uid))
    return []


@ocs_route("/cloud/users/<uid>/subadmins", "DELETE", confirm=True)
def revoke_subadmin(uid: str) -> Any:
    """NC §5.2: 101 unknown, 102 not a group admin."""
    admin_only()
    if state().find_user(uid) is None:
        raise OcsError(101, "User does not exist")
    gid = _group_of_request(101, "Group does not exist")
    try:
        state().remove_subadmin(gid, uid)
    except StateError as error:
        raise OcsError(102, error.message) from error
    return []


# Groups


@ocs_route("/cloud/groups", "GET")
def list_groups() -> Any:
    """NC §5.5: ids, filtered by `search`."""
    search = request.args.get("search", "").casefold()
    return {
        "groups": sorted(
            gid for gid, group in state().groups.items() if search in gid.casefold() or search in group.name.casefold()
        )
    }


@ocs_route("/cloud/groups", "POST", confirm=True)
def create_group() -> Any:
    """NC §5.5: 101 empty, 102 exists."""
    admin_only()
    sent = parameters()
    try:
        state().create_group(str(sent.get("groupid", "")), str(sent.get("displayname", "")))
    except StateError as error:
        raise (OcsError(102, "group exists") if error.reason == EXISTS else OcsError(101, error.message)) from error
    return []


@ocs_route("/cloud/groups/<gid>", "GET")
def members_of_group(gid: str) -> Any:
    """NC §5.5: the members, as below /users."""
    return _members(gid)


@ocs_route("/cloud/groups/<gid>/users", "GET")
def users_of_group(gid: str) -> Any:
    """NC §5.5: the members."""
    return _members(gid)


def _members(gid: str) -> Any:
    if gid not in state().groups:
        raise OcsError(404, "The requested group could not be found")
    if not _is_admin() and gid not in state().subadmin_groups(_sender().uid):
        raise OcsError(403)
    return {"users": list(state().groups[gid].members)}


@ocs_route("/cloud/groups/<gid>/subadmins", "GET")
def subadmins_of_group(gid: str) -> Any:
    """NC §5.2: who administrates a group."""
    if gid not in state().groups:
        raise OcsError(101, "Group does not exist")
    return list(state().groups[gid].subadmins)


@ocs_route("/cloud/groups/<gid>", "DELETE", confirm=True)
def delete_group(gid: str) -> Any:
    """NC §3.5: refused for the groups of the project folders; 101 unknown, 102 the group admin."""
    admin_only()
    if gid not in state().groups:
        raise OcsError(101)
    if gid == "admin":
        raise OcsError(102)
    _carry_out(lambda: state().delete_group(gid))
    return []


# Apps


@ocs_route("/cloud/apps", "GET")
def list_apps() -> Any:
    """Ids of apps; `filter=enabled` or `filter=disabled`."""
    enabled = [app for app in state().app_config if state().app_value(app, "enabled") not in (None, "no")]
    disabled = [app for app in state().apps if app not in enabled]
    wanted = {"enabled": enabled, "disabled": disabled}.get(request.args.get("filter", ""), [*enabled, *disabled])
    # The app files comes first in older versions, because the others need it.
    return {"apps": sorted(wanted, key=lambda app: (app != "files" and state().profile.major < 34, app))}


# Helpers


def _administrates(user: User) -> bool:
    return bool(set(state().subadmin_groups(_sender().uid)) & set(state().groups_of(user.uid)))


def admin_only() -> None:
    if not _is_admin():
        raise OcsError(403, ADMIN_OR_SUBADMIN)


def _existing(uid: str) -> None:
    if state().find_user(uid) is None:
        raise OcsError(998)


def _group_of_request(code: int, message: str) -> str:
    gid = str(parameters().get("groupid", ""))
    if not gid:
        raise OcsError(101)
    if gid not in state().groups:
        raise OcsError(code, message)
    return gid


def _carry_out(operation: Callable[[], None]) -> None:
    """Listeners of the integration app refuse with an OCS error of their own (NC §3.5)."""
    try:
        operation()
    except StateError as error:
        raise OcsError(400, error.message) from error


def _account(user: User) -> dict[str, Any]:
    """An account as both versions show it: 32 has more fields, and scopes for the account itself."""
    newer = state().profile.major >= 32
    own = user is _sender()
    data: dict[str, Any] = {"enabled": user.enabled}
    if _is_admin():
        data["storageLocation"] = f"{state().system['datadirectory']}/{user.uid}"
    data["id"] = user.uid
    if newer:
        data |= {"firstLoginTimestamp": user.first_login, "lastLoginTimestamp": user.last_login}
    data |= {
        "lastLogin": user.last_login * 1000,
        "backend": user.backend,
        "subadmin": state().subadmin_groups(user.uid),
        "quota": _quota(user, newer),
        "manager": "",
    }
    scoped: dict[str, Any] = {"email": user.email or None, "additional_mail": [], "displayname": user.name}
    data |= scoped | {"display-name": user.name}
    data |= dict.fromkeys(ACCOUNT_TEXTS if newer else ACCOUNT_TEXTS_29, "") | {"biography": "", "profile_enabled": "1"}
    if newer:
        data["pronouns"] = ""
    if own and newer:
        federated = ("avatar", "email", "displayname", "pronouns")
        local = (*ACCOUNT_TEXTS, "biography", "profile_enabled")
        data |= {f"{name}Scope": "v2-federated" for name in federated} | {f"{name}Scope": "v2-local" for name in local}
        data["additional_mailScope"] = []
    data |= {"groups": state().groups_of(user.uid), "language": "en", "locale": ""}
    if newer:
        data["timezone"] = ""
    return data | {
        "notify_email": None,
        "backendCapabilities": {"setDisplayName": True, "setPassword": True},
    }


def _quota(user: User, newer: bool) -> dict[str, Any]:
    if newer:
        return {"free": -3, "used": 0, "total": -3, "relative": 0, "quota": -3}
    return {"quota": user.quota, "used": 0}
