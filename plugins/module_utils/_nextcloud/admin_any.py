# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which of the two ways an administrator's work takes, and the change of way when HTTP is refused."""

from __future__ import annotations

import typing as t

from .._core.argspec import ArgumentSpec
from .._core.errors import ApiError, BadInput, CommandError
from .._core.module import Call
from .admin import Folder, Group, NextcloudAdmin, User
from .admin_http import HttpAdmin
from .admin_occ import LOGIN_PASSWORD, OccAdmin
from .client import Nextcloud
from .occ import Occ, occ_given

T = t.TypeVar("T")

VIA_SPEC = ArgumentSpec(options={"via": {"type": "str", "choices": ["auto", "http", "occ"], "default": "auto"}})


class FallbackAdmin(NextcloudAdmin):
    """HTTP first; occ from the first write on that HTTP refuses for want of a confirmed password (NC §6.2).

    Group admins stay with HTTP, because occ cannot appoint them.

    :param on_change: called once with a sentence when the way changes.
    """

    def __init__(self, http: HttpAdmin, occ: OccAdmin, on_change: t.Callable[[str], None]) -> None:
        super().__init__()
        self.http, self.occ, self._on_change = http, occ, on_change
        self._current: NextcloudAdmin = http

    @property
    def server(self) -> str:
        return self.http.server

    @property
    def via(self) -> str:
        return self._current.via

    def check_writes(self, titles: t.Sequence[str], *, appoints: t.Sequence[str], check_mode: bool) -> None:
        # what else HTTP refuses, occ takes over
        if appoints and not check_mode:
            self.http.probe("appoint group admins", appoints, LOGIN_PASSWORD)

    def user(self, uid: str) -> User | None:
        return self.http.user(uid)

    def groups(self, gids: t.Iterable[str]) -> dict[str, Group]:
        return self.http.groups(gids)

    def folders(self) -> list[Folder]:
        return self.http.folders()

    def data_directory(self) -> str:
        try:
            return self.occ.data_directory()
        except CommandError:
            # it only serves a warning, and occ is not what this run depends on
            return ""

    def encrypts_all_but_group_folders(self) -> bool:
        return self.http.encrypts_all_but_group_folders()

    def create_user(self, uid: str) -> None:
        self._write(lambda admin: admin.create_user(uid))

    def enable_user(self, uid: str) -> None:
        self._write(lambda admin: admin.enable_user(uid))

    def delete_user(self, uid: str) -> None:
        self._write(lambda admin: admin.delete_user(uid))

    def create_group(self, gid: str) -> None:
        self._write(lambda admin: admin.create_group(gid))

    def delete_group(self, gid: str) -> None:
        self._write(lambda admin: admin.delete_group(gid))

    def add_member(self, uid: str, gid: str) -> None:
        self._write(lambda admin: admin.add_member(uid, gid))

    def add_group_admin(self, uid: str, gid: str) -> None:
        self.http.add_group_admin(uid, gid)

    def create_folder(self, mount_point: str) -> int:
        return self._write(lambda admin: admin.create_folder(mount_point))

    def rename_folder(self, folder_id: int, mount_point: str) -> None:
        self._write(lambda admin: admin.rename_folder(folder_id, mount_point))

    def give_folder(self, folder_id: int, gid: str, permissions: int, *, already: bool) -> None:
        self._write(lambda admin: admin.give_folder(folder_id, gid, permissions, already=already))

    def take_folder(self, folder_id: int, gid: str) -> None:
        self._write(lambda admin: admin.take_folder(folder_id, gid))

    def set_acl(self, folder_id: int, enabled: bool) -> None:
        self._write(lambda admin: admin.set_acl(folder_id, enabled))

    def add_manager(self, folder_id: int, kind: str, name: str) -> None:
        self._write(lambda admin: admin.add_manager(folder_id, kind, name))

    def remove_manager(self, folder_id: int, kind: str, name: str) -> None:
        self._write(lambda admin: admin.remove_manager(folder_id, kind, name))

    def set_quota(self, folder_id: int, quota: int) -> None:
        self._write(lambda admin: admin.set_quota(folder_id, quota))

    def delete_folder(self, folder_id: int) -> None:
        self._write(lambda admin: admin.delete_folder(folder_id))

    def app_enabled(self, app: str) -> bool | None:
        return self.http.app_enabled(app)

    def enable_app(self, app: str) -> None:
        self._write(lambda admin: admin.enable_app(app))

    def disable_app(self, app: str) -> None:
        self._write(lambda admin: admin.disable_app(app))

    def note(self, key: str) -> str:
        return self.http.note(key)

    def set_note(self, key: str, value: str) -> None:
        self._write(lambda admin: admin.set_note(key, value))

    def folder_id(self, mount_point: str) -> int:
        return self._current.folder_id(mount_point)

    def made_folder(self, mount_point: str) -> int | None:
        made = self.http.made_folder(mount_point)
        return made if made is not None else self.occ.made_folder(mount_point)

    def _write(self, write: t.Callable[[NextcloudAdmin], T]) -> T:
        try:
            return write(self._current)
        except ApiError as error:
            if error.identifier != "password_confirmation" or self._current is not self.http:
                raise
            self._current = self.occ
            self._on_change(
                f"Nextcloud wants the login password for such writes ({error.answer}), so occ took over; nextcloud_password seems to be"
                " an application password."
            )
            return write(self.occ)


def make_admin(call: Call, client: Nextcloud | None = None) -> NextcloudAdmin:
    """The way for a module's options: those of the product's connection, and C(via) where the module has it.

    C(auto) goes over HTTP where C(nextcloud_url) is set, with occ to take over where it is given, and else through occ.
    C(occ) goes over HTTP only for what occ cannot do, where C(nextcloud_url) is set.

    :param client: the caller's client for the same Nextcloud, so that its session goes on being used.
    :raises BadInput: the options for the way are missing.
    """
    via = call.params.get("via", "auto")
    has_url = client is not None or bool(call.params["nextcloud_url"])
    if via == "http" and not has_url:
        raise BadInput(
            "via is http, but nextcloud_url is missing",
            remedy="Give nextcloud_url, nextcloud_username and nextcloud_password",
        )
    http = HttpAdmin(client if client is not None else Nextcloud.from_call(call)) if has_url else None
    if via == "http" and http is not None:
        return http
    if via == "occ" or http is None:
        return OccAdmin(Occ.from_call(call), http)
    return FallbackAdmin(http, OccAdmin(Occ.from_call(call)), call.warn) if occ_given(call) else http
