# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The group folders app over HTTP: OCS-style answers outside /ocs (NC §4.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, request

from lab.nextcloud.answers import empty_answer, gateway_page, json_answer
from lab.nextcloud.http import app_is_off, caller, needs_confirmation, parameters, state
from lab.nextcloud.ocs_envelope import envelope
from lab.nextcloud.state import EXISTS, GROUPFOLDERS, GroupFolder, StateError

routes = Blueprint("groupfolders", __name__)

BASE = "/apps/groupfolders/folders"
NOT_ALLOWED = "Logged in user must be an admin, a sub admin or gotten special right to access this setting"


class _Failure(Exception):
    """A refusal: version 20 and newer put the code into the HTTP status, older ones only into ocs.meta (NC §9)."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class _Died(Exception):
    """The PHP process ended without an answer; nginx says 502."""


class _BadCall(Exception):
    """A parameter is missing."""


def _meta(status: str, code: int, message: str, data: Any = ()) -> dict[str, Any]:
    return envelope(status, code, message, data, first_version=True)


def folder_route(path: str, method: str, *, writes: bool = False) -> Callable[..., Any]:
    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        def handler(**arguments: Any) -> Response:
            user = caller().user
            if not state().app_enabled(GROUPFOLDERS, user.uid if user else None):
                return app_is_off(GROUPFOLDERS)
            if user is None:
                return json_answer(_meta("failure", 997, "Current user is not logged in"), 401)
            if not request.headers.get("OCS-APIRequest"):
                return json_answer({"message": "CSRF check failed"}, 412)
            if writes and not state().is_admin(user.uid):
                return json_answer(_meta("failure", 403, NOT_ALLOWED))
            if writes and needs_confirmation():
                return json_answer(_meta("failure", 403, "Password confirmation is required"))
            with state().lock:
                try:
                    return json_answer(_meta("ok", 100, "OK", view(**arguments)))
                except _BadCall:
                    return empty_answer(400) if state().profile.refuses_bad_calls else gateway_page()
                except _Died:
                    return gateway_page()
                except _Failure as failure:
                    if state().profile.folders_answer_http_status:
                        return json_answer({"message": failure.message}, failure.code)
                    return json_answer(_meta("failure", failure.code, ""))

        handler.__name__ = view.__name__
        routes.add_url_rule(BASE + path, view_func=handler, methods=[method])
        return handler

    return decorate


def _folder(folder_id: int) -> GroupFolder:
    if folder_id not in state().folders:
        raise _Failure(404, "Groupfolder not found")
    return state().folders[folder_id]


def _shown(folder: GroupFolder) -> dict[str, Any]:
    """A folder as this API shows it, which is not quite what occ shows (NC §4.1)."""
    return {
        "id": folder.id,
        "mount_point": folder.mount_point,
        "quota": folder.quota,
        "acl": folder.acl,
        **state().default_permission(folder),
        "size": folder.size,
        "groups": dict(folder.groups) or [],
        "group_details": state().group_details(folder) or [],
        "manage": state().visible_managers(folder),
    }


def _done(folder: GroupFolder) -> dict[str, Any]:
    return {"success": True} | ({"folder": _shown(folder)} if state().profile.folders_answer_http_status else {})


def _sent(name: str) -> Any:
    """A parameter that the app cannot do without: its absence killed the process of older versions (NC §4.3)."""
    value = parameters().get(name)
    if value is None:
        raise _BadCall
    return value


@folder_route("", "GET")
def list_folders() -> Any:
    """NC §4.3: a map by id; who is no admin gets the folders of his groups."""
    user = caller().user
    assert user is not None, "the route lets nobody in without a login"
    own = set(state().groups_of(user.uid))
    visible = [folder for folder in state().folders.values() if state().is_admin(user.uid) or own & set(folder.groups)]
    shown = {str(folder.id): _shown(folder) for folder in visible}
    if state().profile.folders_answer_http_status:
        for index, folder in enumerate(sorted(visible, key=lambda folder: folder.mount_point)):
            shown[str(folder.id)]["sortIndex"] = index
    return shown


@folder_route("/<int:folder_id>", "GET")
def show_folder(folder_id: int) -> Any:
    """NC §4.3."""
    return _shown(_folder(folder_id))


@folder_route("", "POST", writes=True)
def create_folder() -> Any:
    """NC §4.3: 20 shows the folder, older versions the id; 20 refuses a second folder with one mount point."""
    try:
        folder = state().create_folder(str(_sent("mountpoint")))
    except StateError as error:
        raise _Failure(400, "Mount point already exists") from error
    return _shown(folder) if state().profile.folders_answer_http_status else {"id": folder.id}


@folder_route("/<int:folder_id>", "DELETE", writes=True)
def delete_folder(folder_id: int) -> Any:
    """NC §4.3."""
    _folder(folder_id)
    state().delete_folder(folder_id)
    return {"success": True}


@folder_route("/<int:folder_id>/groups", "POST", writes=True)
def add_group(folder_id: int) -> Any:
    """NC §4.3: gives all permissions; a second time is refused by 20 and kills the process before (NC §9)."""
    folder = _folder(folder_id)
    try:
        state().assign_group(folder_id, str(_sent("group")))
    except StateError as error:
        if error.reason == EXISTS and not state().profile.folders_answer_http_status:
            raise _Died from error
        raise _Failure(400, error.message) from error
    return _done(folder)


@folder_route("/<int:folder_id>/groups/<gid>", "POST", writes=True)
def set_permissions(folder_id: int, gid: str) -> Any:
    """NC §4.3: changes a group that is there; nothing happens for one that is not."""
    folder = _folder(folder_id)
    if gid in folder.groups:
        folder.groups[gid] = int(_sent("permissions"))
    return _done(folder)


@folder_route("/<int:folder_id>/groups/<gid>", "DELETE", writes=True)
def remove_group(folder_id: int, gid: str) -> Any:
    """NC §4.3."""
    folder = _folder(folder_id)
    folder.groups.pop(gid, None)
    return _done(folder)


@folder_route("/<int:folder_id>/acl", "POST", writes=True)
def set_acl(folder_id: int) -> Any:
    """NC §4.3, §3.3: switching off also drops the managers."""
    folder = _folder(folder_id)
    state().set_folder_acl(folder_id, _truth(_sent("acl")))
    return _done(folder)


@folder_route("/<int:folder_id>/manageACL", "POST", writes=True)
def set_manager(folder_id: int) -> Any:
    """NC §4.3: a second rule for the same holder is a database error (NC §4.2)."""
    folder = _folder(folder_id)
    kind, holder = str(_sent("mappingType")), str(_sent("mappingId"))
    try:
        state().set_folder_manager(folder_id, kind, holder, _truth(_sent("manageAcl")), check_acl=False)
    except StateError as error:
        raise _Died from error
    return _done(folder)


@folder_route("/<int:folder_id>/quota", "POST", writes=True)
def set_quota(folder_id: int) -> Any:
    """NC §4.3: bytes, -3 for no limit."""
    folder = _folder(folder_id)
    folder.quota = int(_sent("quota"))
    return _done(folder)


@folder_route("/<int:folder_id>/mountpoint", "POST", writes=True)
def rename_folder(folder_id: int) -> Any:
    """NC §4.3."""
    folder = _folder(folder_id)
    try:
        state().rename_folder(folder_id, str(_sent("mountpoint")).strip("/"))
    except StateError as error:
        raise _Failure(400, "Mount point already exists") from error
    return _done(folder)


def _truth(value: Any) -> bool:
    return value not in (0, "0", "", False, "false")
