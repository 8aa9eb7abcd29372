# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users, groups and group folders through occ."""

from __future__ import annotations

import typing as t

from .._core.command import Completed
from .._core.errors import CommandError, Refused
from . import passwords
from .admin import (
    CREATE,
    DATABASE,
    DELETE,
    GROUP_FOLDERS_MISSING,
    SHARE,
    UNLIMITED,
    UPDATE,
    Folder,
    Group,
    NextcloudAdmin,
    User,
    parse_folders,
)
from .admin_http import NOTES_APP, HttpAdmin
from .occ import Occ, find_json

#: the way out where only occ is given
HTTP_OPTIONS = "Give nextcloud_url, nextcloud_username and nextcloud_password as well; occ goes on doing the rest"
#: the way out where an application password is given, and occ for the rest
LOGIN_PASSWORD = (
    "Group admins exist over HTTP only, so occ cannot take over: give the login password as nextcloud_password for this run"
    " (an application password does not suffice, nextcloud/server#61322)"
)


class OccAdmin(NextcloudAdmin):
    """One Nextcloud through its command line.

    occ neither shows nor appoints group admins (nextcloud/server#27003).

    :param http: does both, and reads the user, where it is given; everything else goes through occ.
    """

    def __init__(self, occ: Occ, http: HttpAdmin | None = None) -> None:
        super().__init__()
        self.occ, self.http = occ, http

    @property
    def server(self) -> str:
        return self.occ.command_line([])

    @property
    def via(self) -> str:
        return "occ"

    def check_writes(self, titles: t.Sequence[str], *, appoints: t.Sequence[str], check_mode: bool) -> None:
        if not appoints:
            return
        if self.http is None:
            raise Refused(
                f"occ has no command for group admins; they exist over HTTP only. Needed for: {'; '.join(appoints)}",
                attempted="appoint group admins",
                server=self.server,
                remedy=HTTP_OPTIONS,
            )
        if not check_mode:
            self.http.probe("appoint group admins", appoints, LOGIN_PASSWORD)

    def check_permissions(self, permissions: int, attempted: str) -> None:
        _words(permissions, attempted, self.server)

    def user(self, uid: str) -> User | None:
        if self.http is not None:
            return self.http.user(uid)
        data = self._lookup(["user:info", *_positional(uid)], f"read user {uid}")
        if data is None:
            return None
        groups = data.get("groups") or ()
        return User(
            id=str(data["user_id"]),
            enabled=bool(data["enabled"]),
            backend=str(data.get("backend", DATABASE)),
            groups=frozenset(str(gid) for gid in (groups.values() if isinstance(groups, dict) else groups)),
            group_admin=None,
            home=str(data.get("user_directory") or ""),
        )

    def groups(self, gids: t.Iterable[str]) -> dict[str, Group]:
        # one start for each, because group:list before Nextcloud 30 knows no search and lists all members of all groups
        found: dict[str, Group] = {}
        for gid in gids:
            data = self._lookup(["group:info", *_positional(gid)], f"read group {gid}")
            if data is not None:
                backends = tuple(str(backend) for backend in data.get("backends") or ())
                found[gid] = Group(gid, backends, writable=not backends or DATABASE in backends)
        return found

    def folders(self) -> list[Folder]:
        attempted = "list the group folders"
        try:
            listed = self.occ.json(["groupfolders:list"], attempted=attempted)
        except CommandError as error:
            if error.facts.get("cause") == "unknown_command":
                raise Refused(
                    f"the app groupfolders is not enabled ({error.answer})",
                    attempted=attempted,
                    server=self.server,
                    remedy=GROUP_FOLDERS_MISSING,
                ) from error
            raise
        return parse_folders(listed, self.server, attempted)

    def data_directory(self) -> str:
        arguments = ["config:system:get", "datadirectory"]
        return self.occ.run(arguments, attempted="read the data directory").stdout.strip()

    def encrypts_all_but_group_folders(self) -> bool:
        apps = self.occ.json(["config:list"], attempted="read the encryption settings")["apps"]
        core, folders = apps.get("core") or {}, apps.get("groupfolders") or {}
        return core.get("encryption_enabled") == "yes" and folders.get("enable_encryption") != "true"

    def create_user(self, uid: str) -> None:
        try:
            self._create_user(uid, passwords.generate())
        except CommandError as error:
            length = passwords.requested_length(error.answer)
            if length is None:
                raise
            self._create_user(uid, passwords.generate(length))

    def _create_user(self, uid: str, password: str) -> None:
        self.occ.secrets.add(password)
        self.occ.run(
            ["user:add", "--password-from-env", *_positional(uid)],
            attempted=f"create user {uid}",
            secret_environment={"OC_PASS": password},
        )

    def enable_user(self, uid: str) -> None:
        self._run(f"enable user {uid}", "user:enable", *_positional(uid))

    def delete_user(self, uid: str) -> None:
        self._run(f"delete user {uid}", "user:delete", *_positional(uid))

    def create_group(self, gid: str) -> None:
        self._run(f"create group {gid}", "group:add", *_positional(gid))

    def delete_group(self, gid: str) -> None:
        self._run(f"delete group {gid}", "group:delete", *_positional(gid))

    def add_member(self, uid: str, gid: str) -> None:
        self._run(f"add user {uid} to group {gid}", "group:adduser", *_positional(gid, uid))

    def add_group_admin(self, uid: str, gid: str) -> None:
        if self.http is None:
            self.check_writes((), appoints=[f"{uid} becomes group admin of group {gid}"], check_mode=False)
        else:
            self.http.add_group_admin(uid, gid)

    def create_folder(self, mount_point: str) -> int:
        completed = self._run(f"create group folder {mount_point}", "groupfolders:create", *_positional(mount_point))
        lines = completed.stdout.split()
        if lines and lines[-1].isdigit():
            self._made[mount_point] = int(lines[-1])
        # group folders before 11.1.6, 12.0.3 and 13.1.0 do not print the id (NC §4.1); then it is looked up
        return self.folder_id(mount_point)

    def rename_folder(self, folder_id: int, mount_point: str) -> None:
        attempted = f"rename group folder {folder_id} to {mount_point}"
        self._run(attempted, "groupfolders:rename", *_positional(str(folder_id), mount_point))
        self._made[mount_point] = folder_id

    def give_folder(self, folder_id: int, gid: str, permissions: int, *, already: bool) -> None:
        attempted = f"give group folder {folder_id} to group {gid}"
        self._run(
            attempted,
            "groupfolders:group",
            *_positional(str(folder_id), gid, *_words(permissions, attempted, self.server)),
        )

    def take_folder(self, folder_id: int, gid: str) -> None:
        attempted = f"take group folder {folder_id} away from group {gid}"
        self._run(attempted, "groupfolders:group", "--delete", *_positional(str(folder_id), gid))

    def set_acl(self, folder_id: int, enabled: bool) -> None:
        attempted = f"switch advanced permissions of group folder {folder_id} {'on' if enabled else 'off'}"
        self._run(attempted, "groupfolders:permissions", str(folder_id), "--enable" if enabled else "--disable")

    def add_manager(self, folder_id: int, kind: str, name: str) -> None:
        attempted = f"let {kind} {name} manage group folder {folder_id}"
        self._run(attempted, "groupfolders:permissions", str(folder_id), "-m", *_mapping(kind, name))

    def remove_manager(self, folder_id: int, kind: str, name: str) -> None:
        attempted = f"keep {kind} {name} from managing group folder {folder_id}"
        self._run(attempted, "groupfolders:permissions", str(folder_id), "-r", *_mapping(kind, name))

    def set_quota(self, folder_id: int, quota: int) -> None:
        attempted = f"set the quota of group folder {folder_id}"
        self._run(attempted, "groupfolders:quota", str(folder_id), "unlimited" if quota == UNLIMITED else str(quota))

    def delete_folder(self, folder_id: int) -> None:
        # without -f it asks, is answered nothing, and ends with exit code 0 (NC §4.2)
        try:
            self._run(f"delete group folder {folder_id}", "groupfolders:delete", str(folder_id), "-f")
        except CommandError as error:
            if "deleteStoragesForFolder" in error.answer:
                error.remedy = (
                    "Versions 20.0.1 to 20.1.4 of group folders cannot delete through occ: update the app, or go over HTTP"
                    " (via: http)"
                )
            raise

    def app_enabled(self, app: str) -> bool | None:
        listed = self.occ.json(["app:list"], attempted="list the apps")
        for key, enabled in (("enabled", True), ("disabled", False)):
            if app in (listed.get(key) or {}):
                return enabled
        return None

    def enable_app(self, app: str) -> None:
        self._run(f"enable the app {app}", "app:enable", app)

    def disable_app(self, app: str) -> None:
        self._run(f"disable the app {app}", "app:disable", app)

    def note(self, key: str) -> str:
        arguments = ["config:app:get", NOTES_APP, key]
        return self.occ.run(arguments, attempted=f"look for the note {key}", accepted=(0, 1)).stdout.strip()

    def set_note(self, key: str, value: str) -> None:
        if value:
            self._run(f"note {key} for a later run", "config:app:set", NOTES_APP, key, f"--value={value}")
        else:
            self._run(f"remove the note {key}", "config:app:delete", NOTES_APP, key)

    def _run(self, attempted: str, *arguments: str) -> Completed:
        return self.occ.run(arguments, attempted=attempted)

    def _lookup(self, arguments: t.Sequence[str], attempted: str) -> dict[str, t.Any] | None:
        completed = self.occ.run([*arguments, "--output=json"], attempted=attempted, accepted=(0, 1))
        found, data = find_json(completed.stdout)
        if found and isinstance(data, dict):
            return data
        words = completed.stdout + completed.stderr
        if completed.rc == 1 and ("not found" in words or "does not exist" in words):
            return None
        # anything else is a failure, which this start puts into words
        return t.cast("dict[str, t.Any]", self.occ.json(arguments, attempted=attempted))


def _positional(*words: str) -> list[str]:
    """Arguments that may begin with a hyphen and are no options."""
    return ["--", *words] if any(word.startswith("-") for word in words) else list(words)


def _mapping(kind: str, name: str) -> list[str]:
    return [{"user": "-u", "group": "-g", "circle": "-c"}[kind], name]


def _words(permissions: int, attempted: str, server: str) -> list[str]:
    """The permission words of ``groupfolders:group`` (NC §4.1); reading is always implied.

    :raises Refused: only one of update and create, which the word C(write) cannot say.
    """
    if permissions & (UPDATE | CREATE) in (UPDATE, CREATE):
        raise Refused(
            "occ knows the permissions to update and to create only together, as write",
            attempted=attempted,
            server=server,
            remedy="Ask for write, or go over HTTP (via: http)",
        )
    words = [("write", UPDATE | CREATE), ("share", SHARE), ("delete", DELETE)]
    return ["read", *(word for word, bits in words if permissions & bits)]
