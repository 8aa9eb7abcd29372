# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users, groups and group folders over HTTP: OCS and the API of the group folders app."""

from __future__ import annotations

import typing as t
from urllib.parse import quote

from .._core.errors import ApiError, Refused
from . import passwords
from .admin import (
    ALL_PERMISSIONS,
    GROUP_FOLDERS_MISSING,
    Folder,
    Group,
    NextcloudAdmin,
    User,
    parse_folders,
    user_from_ocs,
)
from .client import CONFIRMATION_REMEDY, Nextcloud

CLOUD = "/ocs/v2.php/cloud"
FOLDERS = "/index.php/apps/groupfolders/folders"
NOTES = "/ocs/v2.php/apps/provisioning_api/api/v1/config/apps"
#: owner of what this collection notes in Nextcloud's app configuration; such an app need not exist (NC §5.4)
NOTES_APP = "opnc_integration"
#: ``ocs.meta.statuscode`` of a password that the policy refuses (NC §5.5)
POLICY = "107"
SHORTEST_SEARCH = 3


class HttpAdmin(NextcloudAdmin):
    """One Nextcloud over HTTP, with an administrator's login."""

    def __init__(self, client: Nextcloud) -> None:
        super().__init__()
        self.client = client

    @property
    def server(self) -> str:
        return self.client.server

    @property
    def via(self) -> str:
        return "http"

    def check_writes(self, titles: t.Sequence[str], *, appoints: t.Sequence[str], check_mode: bool) -> None:
        if titles and not check_mode:
            self.probe("change users, groups and group folders", titles, CONFIRMATION_REMEDY)

    def probe(self, attempted: str, titles: t.Sequence[str], remedy: str) -> None:
        """Ask whether the server lets this login write, without writing.

        Nobody can be made administrator of the group admin, so this is refused in any case (NC §5.2); a Nextcloud that wants the
        password confirmed says so first (NC §6.2).

        :param titles: the writes that are to come, for the message.
        :raises ApiError: it does not; C(identifier) is C(password_confirmation) when it wants the login password.
        """
        try:
            self._write("POST", self._user(self.client.connection.username, "/subadmins"), attempted, groupid="admin")
        except ApiError as error:
            if error.identifier == "password_confirmation":
                raise ApiError(
                    f"{error.answer}. Needed for: {'; '.join(titles)}. Nothing was changed",
                    attempted=attempted,
                    server=self.server,
                    remedy=remedy,
                    status=error.status,
                    identifier=error.identifier,
                ) from error
            if error.status != 400:
                raise

    def user(self, uid: str) -> User | None:
        try:
            data = self.client.ocs("GET", self._user(uid), attempted=f"read user {uid}")
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        return user_from_ocs(data)

    def groups(self, gids: t.Iterable[str]) -> dict[str, Group]:
        wanted = list(gids)
        common = _common_prefix(wanted)
        # one search for all where their ids begin alike, because a short text would find half the server
        searches = [common] if len(common) >= SHORTEST_SEARCH else wanted
        found: dict[str, t.Any] = {}
        for search in searches:
            params = {"search": search}
            data = self.client.ocs("GET", f"{CLOUD}/groups/details", attempted="read the groups", params=params)
            found.update({str(entry["id"]): entry for entry in data["groups"]})
        # a group that a directory service keeps to itself cannot take members; the backend's name is not shown
        return {
            gid: Group(gid, backends=(), writable=bool(found[gid].get("canAdd", True)))
            for gid in wanted
            if gid in found
        }

    def folders(self) -> list[Folder]:
        attempted = "list the group folders"
        try:
            data = self.client.ocs("GET", FOLDERS, attempted=attempted)
        except ApiError as error:
            if error.status == 404:
                raise Refused(
                    "the app groupfolders is not enabled",
                    attempted=attempted,
                    server=self.server,
                    remedy=GROUP_FOLDERS_MISSING,
                ) from error
            raise
        return parse_folders(data, self.server, attempted)

    def encrypts_all_but_group_folders(self) -> bool:
        return (
            self.app_value("core", "encryption_enabled") == "yes"
            and self.app_value("groupfolders", "enable_encryption") != "true"
        )

    def create_user(self, uid: str) -> None:
        try:
            self._create_user(uid, passwords.generate())
        except ApiError as error:
            length = passwords.requested_length(error.answer) if error.identifier == POLICY else None
            if length is None:
                raise
            self._create_user(uid, passwords.generate(length))

    def _create_user(self, uid: str, password: str) -> None:
        self.client.secrets.add(password)
        self._write("POST", f"{CLOUD}/users", f"create user {uid}", userid=uid, password=password)

    def enable_user(self, uid: str) -> None:
        self._write("PUT", self._user(uid, "/enable"), f"enable user {uid}")

    def delete_user(self, uid: str) -> None:
        self._write("DELETE", self._user(uid), f"delete user {uid}")

    def create_group(self, gid: str) -> None:
        self._write("POST", f"{CLOUD}/groups", f"create group {gid}", groupid=gid)

    def delete_group(self, gid: str) -> None:
        self._write("DELETE", f"{CLOUD}/groups/{quote(gid, safe='')}", f"delete group {gid}")

    def add_member(self, uid: str, gid: str) -> None:
        self._write("POST", self._user(uid, "/groups"), f"add user {uid} to group {gid}", groupid=gid)

    def add_group_admin(self, uid: str, gid: str) -> None:
        self._write("POST", self._user(uid, "/subadmins"), f"make user {uid} group admin of {gid}", groupid=gid)

    def create_folder(self, mount_point: str) -> int:
        data = self._write("POST", FOLDERS, f"create group folder {mount_point}", mountpoint=mount_point)
        # only the id before group folders 18 (NC §9)
        self._made[mount_point] = int(data["id"])
        return self._made[mount_point]

    def rename_folder(self, folder_id: int, mount_point: str) -> None:
        attempted = f"rename group folder {folder_id} to {mount_point}"
        self._write("POST", f"{FOLDERS}/{folder_id}/mountpoint", attempted, mountpoint=mount_point)
        self._made[mount_point] = folder_id

    def give_folder(self, folder_id: int, gid: str, permissions: int, *, already: bool) -> None:
        attempted = f"give group folder {folder_id} to group {gid}"
        if not already:
            self._write("POST", f"{FOLDERS}/{folder_id}/groups", attempted, group=gid)
        # a group starts with all permissions
        if already or permissions != ALL_PERMISSIONS:
            self._write("POST", self._folder_group(folder_id, gid), attempted, permissions=str(permissions))

    def take_folder(self, folder_id: int, gid: str) -> None:
        self._write(
            "DELETE", self._folder_group(folder_id, gid), f"take group folder {folder_id} away from group {gid}"
        )

    def set_acl(self, folder_id: int, enabled: bool) -> None:
        attempted = f"switch advanced permissions of group folder {folder_id} {'on' if enabled else 'off'}"
        self._write("POST", f"{FOLDERS}/{folder_id}/acl", attempted, acl="1" if enabled else "0")

    def add_manager(self, folder_id: int, kind: str, name: str) -> None:
        self._set_manager(folder_id, kind, name, "1")

    def remove_manager(self, folder_id: int, kind: str, name: str) -> None:
        self._set_manager(folder_id, kind, name, "0")

    def set_quota(self, folder_id: int, quota: int) -> None:
        self._write(
            "POST", f"{FOLDERS}/{folder_id}/quota", f"set the quota of group folder {folder_id}", quota=str(quota)
        )

    def delete_folder(self, folder_id: int) -> None:
        self._write("DELETE", f"{FOLDERS}/{folder_id}", f"delete group folder {folder_id}")

    def app_enabled(self, app: str) -> bool | None:
        data = self.client.ocs("GET", f"{CLOUD}/apps", attempted="list the enabled apps", params={"filter": "enabled"})
        if app in data["apps"]:
            return True
        listed = self.client.ocs(
            "GET", f"{CLOUD}/apps", attempted="list the disabled apps", params={"filter": "disabled"}
        )
        disabled = listed["apps"]
        # PHP numbers a filtered list with gaps, which makes it a map
        return False if app in (disabled.values() if isinstance(disabled, dict) else disabled) else None

    def enable_app(self, app: str) -> None:
        self._write("POST", f"{CLOUD}/apps/{app}", f"enable the app {app}")

    def disable_app(self, app: str) -> None:
        self._write("DELETE", f"{CLOUD}/apps/{app}", f"disable the app {app}")

    def note(self, key: str) -> str:
        return self.app_value(NOTES_APP, key)

    def set_note(self, key: str, value: str) -> None:
        path = f"{NOTES}/{NOTES_APP}/{key}"
        if value:
            self._write("POST", path, f"note {key} for a later run", value=value)
        else:
            self._write("DELETE", path, f"remove the note {key}")

    def app_value(self, app: str, key: str) -> str:
        """A value of an app's configuration, empty when there is none; any administrator's login reads it."""
        data = self.client.ocs("GET", f"{NOTES}/{app}/{key}", attempted=f"read the value {key} of {app}")
        return str(data.get("data", "")) if isinstance(data, dict) else ""

    def _set_manager(self, folder_id: int, kind: str, name: str, allowed: str) -> None:
        attempted = f"{'let' if allowed == '1' else 'keep'} {kind} {name} {'manage' if allowed == '1' else 'from managing'} group folder {folder_id}"
        self._write(
            "POST", f"{FOLDERS}/{folder_id}/manageACL", attempted, mappingType=kind, mappingId=name, manageAcl=allowed
        )

    def _write(self, method: str, path: str, attempted: str, **form: str) -> t.Any:
        data = self.client.ocs(method, path, attempted=attempted, form=form or None)
        # the folder API answers {"success": false} under a good status
        if isinstance(data, dict) and data.get("success") is False:
            raise ApiError("it answered success: false", attempted=attempted, server=self.server, status=200)
        return data

    @staticmethod
    def _user(uid: str, suffix: str = "") -> str:
        return f"{CLOUD}/users/{quote(uid, safe='')}{suffix}"

    @staticmethod
    def _folder_group(folder_id: int, gid: str) -> str:
        return f"{FOLDERS}/{folder_id}/groups/{quote(gid, safe='')}"


def _common_prefix(texts: t.Sequence[str]) -> str:
    shortest = min(texts, key=len, default="")
    for length in range(len(shortest), 0, -1):
        if all(text.startswith(shortest[:length]) for text in texts):
            return shortest[:length]
    return ""
