# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an administrator of a Nextcloud can do to users, groups and group folders, whichever way leads there.

Two adapters carry it out: L(HttpAdmin) over OCS and the group folders API, L(OccAdmin) over the command line. Each writing
method is one request or one start of occ unless it says otherwise.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._core.errors import ApiError, CommandError, Refused, TransportError
from .._core.steps import NEXTCLOUD, Step

#: backend of users and groups that Nextcloud itself keeps; a directory service brings its own name
DATABASE = "Database"
#: quota of a folder without one (NC §4.1)
UNLIMITED = -3
READ, UPDATE, CREATE, DELETE, SHARE = 1, 2, 4, 8, 16
ALL_PERMISSIONS = READ | UPDATE | CREATE | DELETE | SHARE
GROUP_FOLDERS_MISSING = "Install and enable the app groupfolders (Group folders, from Nextcloud 31 on called Team folders): occ app:enable groupfolders"


@dataclass(frozen=True)
class User:
    """A user account.

    :param id: the id in the spelling that Nextcloud stores; it looks ids up in any case.
    :param group_admin: groups that the user administers; C(None) where the way of reading does not show it (occ).
    :param home: directory of the user's files on the server, empty when unknown.
    """

    id: str
    enabled: bool = True
    backend: str = DATABASE
    groups: frozenset[str] = frozenset()
    group_admin: frozenset[str] | None = frozenset()
    home: str = ""


@dataclass(frozen=True)
class Group:
    """A group. Ids are case-sensitive.

    :param backends: names of the backends that know it; empty where the way of reading does not show them (HTTP).
    :param writable: whether members can be added; a group that only a directory service knows cannot take any.
    """

    id: str
    backends: tuple[str, ...] = (DATABASE,)
    writable: bool = True


@dataclass(frozen=True)
class Folder:
    """A group folder.

    :param groups: permission bits (1 read, 2 update, 4 create, 8 delete, 16 share) by group or team id.
    :param acl: whether advanced permissions are on.
    :param managers: who may set advanced permissions: pairs of C(user), C(group) or C(circle) and an id.
    :param quota: bytes, C(-3) for unlimited.
    :param size: bytes; C(None) where the list does not show it (group folders 20.0.0 to 20.1.3).
    """

    id: int
    mount_point: str
    groups: t.Mapping[str, int] = field(default_factory=dict)
    acl: bool = False
    managers: frozenset[tuple[str, str]] = frozenset()
    quota: int = UNLIMITED
    size: int | None = None


class NextcloudAdmin:
    """Reads and writes users, groups and group folders."""

    def __init__(self) -> None:
        self._made: dict[str, int] = {}

    @property
    def server(self) -> str:
        """The server as messages name it."""
        raise NotImplementedError

    @property
    def via(self) -> str:
        """How the writes went: ``http`` or ``occ``."""
        raise NotImplementedError

    def check_writes(self, titles: t.Sequence[str], *, appoints: t.Sequence[str], check_mode: bool) -> None:
        """Make sure before the first write that this way can do all of them; changes nothing, and sends nothing in check mode.

        :param titles: the writes in words.
        :param appoints: those among them that appoint group admins.
        :raises Failure: it cannot; the message names the writes and the way out.
        """

    def check_permissions(self, permissions: int, attempted: str) -> None:
        """Make sure that this way can express a set of permission bits.

        :raises Refused: it cannot.
        """

    def user(self, uid: str) -> User | None:
        """The user with this id in any case."""
        raise NotImplementedError

    def groups(self, gids: t.Iterable[str]) -> dict[str, Group]:
        """Those of the groups that exist."""
        raise NotImplementedError

    def folders(self) -> list[Folder]:
        """All group folders.

        :raises Refused: the group folders app is missing or disabled.
        """
        raise NotImplementedError

    def data_directory(self) -> str:
        """Nextcloud's data directory on its own host; empty when this way does not show it."""
        return ""

    def encrypts_all_but_group_folders(self) -> bool:
        """Whether server-side encryption is on and group folders are left out of it."""
        return False

    def create_user(self, uid: str) -> None:
        """Make a user with a long password that nobody knows; twice when a password policy refuses the first one."""
        raise NotImplementedError

    def enable_user(self, uid: str) -> None:
        """Let a disabled user in again."""
        raise NotImplementedError

    def delete_user(self, uid: str) -> None:
        """Remove a user with all files."""
        raise NotImplementedError

    def create_group(self, gid: str) -> None:
        """Make a group."""
        raise NotImplementedError

    def delete_group(self, gid: str) -> None:
        """Remove a group."""
        raise NotImplementedError

    def add_member(self, uid: str, gid: str) -> None:
        """Put a user into a group."""
        raise NotImplementedError

    def add_group_admin(self, uid: str, gid: str) -> None:
        """Make a user administrator of a group; exists over HTTP only (nextcloud/server#27003)."""
        raise NotImplementedError

    def create_folder(self, mount_point: str) -> int:
        """Make a group folder and return its id."""
        raise NotImplementedError

    def rename_folder(self, folder_id: int, mount_point: str) -> None:
        """Give a folder another mount point."""
        raise NotImplementedError

    def give_folder(self, folder_id: int, gid: str, permissions: int, *, already: bool) -> None:
        """Let a group use a folder with exactly these permissions.

        :param already: the folder has this group. Adding it twice kills the answer of group folders 17 (NC §9).
            Over HTTP a new group with less than all permissions takes two requests.
        """
        raise NotImplementedError

    def take_folder(self, folder_id: int, gid: str) -> None:
        """Take a folder away from a group; files stay."""
        raise NotImplementedError

    def set_acl(self, folder_id: int, enabled: bool) -> None:
        """Switch advanced permissions; switching them off drops all managers (NC §3.3)."""
        raise NotImplementedError

    def add_manager(self, folder_id: int, kind: str, name: str) -> None:
        """Let a user or group set advanced permissions; fails when repeated (nextcloud/groupfolders#4236)."""
        raise NotImplementedError

    def remove_manager(self, folder_id: int, kind: str, name: str) -> None:
        """The opposite; may be repeated."""
        raise NotImplementedError

    def set_quota(self, folder_id: int, quota: int) -> None:
        """Set the quota in bytes, or C(UNLIMITED)."""
        raise NotImplementedError

    def delete_folder(self, folder_id: int) -> None:
        """Remove a folder with all files."""
        raise NotImplementedError

    def app_enabled(self, app: str) -> bool | None:
        """Whether an app is enabled; C(None) when it is not on the server."""
        raise NotImplementedError

    def enable_app(self, app: str) -> None:
        """Enable an app that is on the server."""
        raise NotImplementedError

    def disable_app(self, app: str) -> None:
        """Disable an app; its data stays."""
        raise NotImplementedError

    def note(self, key: str) -> str:
        """A value that an earlier run left in the server's configuration, empty when there is none."""
        raise NotImplementedError

    def set_note(self, key: str, value: str) -> None:
        """Leave a value for a later run; an empty one removes it."""
        raise NotImplementedError

    def made_folder(self, mount_point: str) -> int | None:
        """The id of a folder that this run created, or ``None``."""
        return self._made.get(mount_point)

    def folder_id(self, mount_point: str) -> int:
        """The id of the one folder with this mount point: remembered when this run made it, else looked up.

        :raises Refused: there is none, or more than one.
        """
        if mount_point not in self._made:
            found = [folder for folder in self.folders() if folder.mount_point == mount_point]
            check_single(found, mount_point, self.server)
            if not found:
                raise Refused(f"there is no group folder {mount_point}", server=self.server)
            self._made[mount_point] = found[0].id
        return self._made[mount_point]


def change(
    kind: str,
    title: str,
    name: str,
    write: t.Callable[[NextcloudAdmin], object],
    fulfilled: t.Callable[[NextcloudAdmin], bool] | None = None,
) -> Step:
    """One change to a user, a group or a group folder: one request, or one start of occ.

    :param kind: name of the writing method.
    :param title: the change in an administrator's words.
    :param name: the user, group or mount point that it is about.
    :param fulfilled: looks whether a write that failed was needed at all: a group or manager that a folder has without showing
        it (left behind by a deleted account) makes the server fail. ``None`` when a failure is one.
    """

    def apply(admin: NextcloudAdmin) -> None:
        try:
            write(admin)
        except (ApiError, CommandError, TransportError) as failure:
            unconfirmed = getattr(failure, "identifier", "") == "password_confirmation"
            if unconfirmed or fulfilled is None or not fulfilled(admin):
                raise

    # over HTTP, giving a folder to a group with less than all permissions takes two requests
    return Step(NEXTCLOUD, kind, title, apply=apply, values={"name": name}, single=kind != "give_folder")


def check_single(folders: t.Sequence[Folder], mount_point: str, server: str) -> None:
    """Refuse to choose between folders with one mount point; before group folders 20 nothing prevents them (NC §4.2).

    :raises Refused: there is more than one.
    """
    if len(folders) < 2:
        return
    listed = "; ".join(
        f"id {folder.id}: groups {', '.join(sorted(folder.groups)) or 'none'}, {size_in_words(folder.size)}"
        for folder in sorted(folders, key=lambda folder: folder.id)
    )
    raise Refused(
        f"{len(folders)} group folders have the mount point {mount_point} ({listed})",
        attempted=f"choose the group folder {mount_point}",
        server=server,
        remedy="Look into both, then rename or delete the one that is not wanted:"
        " occ groupfolders:rename <id> <name>, or occ groupfolders:delete <id>",
        folder_ids=sorted(folder.id for folder in folders),
    )


def size_in_words(size: int | None) -> str:
    """Bytes for a message."""
    if size is None:
        return "size unknown"
    amount = float(size)
    for unit in ("bytes", "KB", "MB", "GB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TB"


def user_from_ocs(data: t.Mapping[str, t.Any]) -> User:
    """A user from C(GET /ocs/v2.php/cloud/users/<id>)."""
    return User(
        id=str(data["id"]),
        # an administrator always gets the key; a group admin's view may lack it
        enabled=bool(data.get("enabled", True)),
        backend=str(data.get("backend", DATABASE)),
        groups=frozenset(str(gid) for gid in data.get("groups") or ()),
        group_admin=frozenset(str(gid) for gid in data.get("subadmin") or ()),
        home=str(data.get("storageLocation") or ""),
    )


def parse_folders(listed: t.Any, server: str, attempted: str) -> list[Folder]:
    """Group folders from a list of occ or of the API, in every shape since group folders 10 (NC §4.1, A to D).

    :raises TransportError: it is none of these shapes.
    """
    # PHP turns a map without entries into a list
    entries = list(listed.values()) if isinstance(listed, dict) else listed
    if not isinstance(entries, list) or not all(isinstance(entry, dict) and "id" in entry for entry in entries):
        raise TransportError("the list of group folders has an unknown form", attempted=attempted, server=server)
    return [_folder(entry) for entry in entries]


def _folder(entry: t.Mapping[str, t.Any]) -> Folder:
    mount_point = entry["mount_point"] if "mount_point" in entry else entry.get("mountPoint", "")
    return Folder(
        id=int(entry["id"]),
        mount_point=str(mount_point).strip("/"),
        groups={str(gid): _permissions(value) for gid, value in _pairs(entry.get("groups"))},
        acl=bool(entry.get("acl")),
        # an object with gaps before 18.0.4 (NC §4.1)
        managers=frozenset((str(manager["type"]), str(manager["id"])) for _key, manager in _pairs(entry.get("manage"))),
        quota=int(entry.get("quota", UNLIMITED)),
        size=int(entry["size"]) if "size" in entry else None,
    )


def _pairs(value: t.Any) -> t.Iterable[tuple[t.Any, t.Any]]:
    """Entries of a PHP array: group ids that look like numbers from 0 on make it a list."""
    return value.items() if isinstance(value, dict) else enumerate(value or ())


def _permissions(value: t.Any) -> int:
    return int(value["permissions"] if isinstance(value, dict) else value)
