# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A group folder: permissions in words, quota in human units, one write for each difference."""

from __future__ import annotations

import re
import typing as t

from .._core.errors import BadInput, Refused
from .._core.fields import DICT, SET, Entity, Field, changes, merged, public
from .._core.module import Call, Result, converge
from .._core.steps import Step
from .admin import (
    ALL_PERMISSIONS,
    CREATE,
    DELETE,
    READ,
    SHARE,
    UNLIMITED,
    UPDATE,
    Folder,
    NextcloudAdmin,
    change,
    check_single,
    size_in_words,
)
from .admin_any import make_admin

#: in the order in which they are shown; update and create together are shown as write
PERMISSIONS = {
    "read": READ,
    "write": UPDATE | CREATE,
    "update": UPDATE,
    "create": CREATE,
    "share": SHARE,
    "delete": DELETE,
}
#: a folder right after its creation; its quota is the server's default
NEW = {"groups": {}, "advanced_permissions": False, "managing_users": [], "managing_groups": []}
UNITS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}


def bits(words: t.Iterable[str]) -> int:
    """Permission bits of words; reading is always part of them, as Nextcloud has it (NC §4.1)."""
    found = READ
    for word in words:
        found |= PERMISSIONS[word]
    return found


def words(permissions: int) -> list[str]:
    """Words of permission bits, in a fixed order."""
    both = permissions & (UPDATE | CREATE) == UPDATE | CREATE
    return [
        word
        for word, bit in PERMISSIONS.items()
        if permissions & bit == bit and not (both and word in ("update", "create"))
    ]


ALL_WORDS = words(ALL_PERMISSIONS)


def quota_in_bytes(text: str) -> int:
    """Bytes of a quota such as C(5 GB), with the factor 1024 that Nextcloud uses; C(-3) for C(unlimited).

    :raises BadInput: neither a positive size nor C(unlimited).
    """
    if text.strip().lower() in ("unlimited", "none"):
        return UNLIMITED
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgtp]?)i?b?", text.strip().lower())
    size = round(float(match.group(1)) * 1024 ** UNITS[match.group(2)]) if match else 0
    if size < 1:
        raise BadInput(
            f'quota "{text}" is not a size',
            remedy="Give a size of at least one byte, such as 500 MB or 2 TB, or unlimited",
        )
    return size


def quota_in_words(quota: int) -> str:
    """A quota in the largest unit that gives a whole number."""
    if quota < 0:
        return "unlimited" if quota == UNLIMITED else "default"
    amount, unit = quota, "B"
    for larger in ("KB", "MB", "GB", "TB", "PB"):
        if amount == 0 or amount % 1024:
            break
        amount, unit = amount // 1024, larger
    return f"{amount} {unit}"


def clean_mount_point(text: str) -> str:
    """A mount point as Nextcloud stores it.

    :raises BadInput: nothing is left; some versions make a folder C(/) of that, others one without a name (NC §4.2, §9).
    """
    mount_point = text.strip().strip("/").strip()
    if not mount_point:
        raise BadInput("mount_point is empty")
    return mount_point


def as_entity(folder: Folder) -> dict[str, t.Any]:
    """What is compared and shown of a folder."""
    return {
        "id": folder.id,
        "mount_point": folder.mount_point,
        "groups": {gid: words(permissions) for gid, permissions in sorted(folder.groups.items())},
        "advanced_permissions": folder.acl,
        "managing_users": sorted(name for kind, name in folder.managers if kind == "user"),
        "managing_groups": sorted(name for kind, name in folder.managers if kind == "group"),
        "quota": quota_in_words(folder.quota),
        "size": folder.size,
    }


def fields(append: bool = False) -> tuple[Field, ...]:
    """What makes up a group folder.

    :param append: only the requested groups are compared, others are left alone.
    """
    return (
        Field("mount_point"),
        Field("groups", DICT) if append else Field("groups"),
        Field("advanced_permissions"),
        # Nextcloud folds the case of user ids, not of group ids
        Field("managing_users", SET, str.casefold),
        Field("managing_groups", SET),
        Field("quota"),
    )


def steps(mount_point: str, actual: Entity | None, delta: Entity, *, append: bool = False) -> list[Step]:
    """The writes for a difference, in an order in which each can succeed: advanced permissions before who manages them.

    :param append: groups that the difference does not name are left alone; otherwise the folder is taken away from them.
    """
    known = actual or {}
    folder = _Steps(mount_point, known.get("id"))
    found: list[Step] = []
    if actual is None:
        found.append(folder.creation())
        delta = changes(fields(append), delta, NEW)
    if "quota" in delta:
        found.append(folder.quota(delta["quota"]))
    if "groups" in delta:
        has = known.get("groups") or {}
        found.extend(folder.groups(has, delta["groups"]))
        found.extend(() if append else folder.removals(has, delta["groups"]))
    if "advanced_permissions" in delta:
        found.append(folder.acl(delta["advanced_permissions"]))
    # switched off, they take their managers with them (NC §3.3)
    if delta.get("advanced_permissions") is not False:
        for kind in ("user", "group"):
            name = f"managing_{kind}s"
            if name in delta:
                found.extend(folder.managers(kind, known.get(name) or [], delta[name]))
    return found


def renaming(folder: Folder, mount_point: str) -> Step:
    """The write that gives a folder another mount point."""
    return _Steps(mount_point, folder.id).renaming(folder.mount_point)


def find(folders: t.Iterable[Folder], mount_point: str, server: str) -> Folder | None:
    """The folder with a mount point.

    :raises Refused: there are several (field case O27).
    """
    found = [folder for folder in folders if folder.mount_point == mount_point]
    check_single(found, mount_point, server)
    return found[0] if found else None


def work(call: Call) -> Result:
    """What the module ``nextcloud_group_folder`` does.

    :raises BadInput: options that cannot be meant.
    """
    params = call.params
    mount_point = clean_mount_point(params["mount_point"])
    desired = _desired(params, mount_point)
    admin = make_admin(call)
    folder = find(admin.folders(), mount_point, admin.server)
    actual = as_entity(folder) if folder is not None else None
    shown = fields(params["append"])
    if params["state"] == "absent":
        planned = [_removal(admin, actual, params["force_delete"])] if actual is not None else []
        after: dict[str, t.Any] = {}
    else:
        delta = changes(shown, desired, actual or {})
        requested = delta if actual is not None else {key: value for key, value in desired.items() if value is not None}
        after = public(shown, merged(shown, actual, requested))
        planned = _planned(admin, mount_point, actual, delta, append=params["append"]) if delta else []
    if planned:
        admin.check_writes([step.title for step in planned], appoints=(), check_mode=call.check_mode)
    result = converge(call, planned, admin, before=public(shown, actual), after=after)
    # the id is left out of the difference, because check mode cannot know it
    folder_id = folder.id if folder is not None else admin.made_folder(mount_point)
    known = {"id": folder_id} if after and folder_id is not None else {}
    return {**result, "group_folder": {**known, **after}, "via": admin.via}


def _removal(admin: NextcloudAdmin, actual: Entity, force_delete: bool) -> Step:
    title = f"group folder {actual['mount_point']}"
    if not force_delete:
        used = ", ".join(actual["groups"]) or "no group"
        raise Refused(
            f"{title} is used by {used} and holds {size_in_words(actual['size'])}; all of it would be lost",
            attempted=f"remove {title}",
            server=admin.server,
            remedy="Set force_delete: true if nobody needs it",
        )
    name = actual["mount_point"]
    return change("delete_folder", f"remove {title}", name, lambda admin: admin.delete_folder(actual["id"]))


def _planned(
    admin: NextcloudAdmin, mount_point: str, actual: Entity | None, delta: Entity, *, append: bool
) -> list[Step]:
    """The steps for a difference, with names that exist.

    Over HTTP a folder can be given to groups that do not exist, and managers need not exist anywhere (NC §4.2, §4.3).

    :raises Refused: a name is unknown, or this admin cannot express the permissions.
    """
    known = actual or {}
    attempted = f"change group folder {mount_point}" if actual is not None else f"create group folder {mount_point}"
    for permissions in (delta.get("groups") or {}).values():
        admin.check_permissions(bits(permissions), attempted)
    new = [gid for gid in delta.get("groups") or {} if gid not in (known.get("groups") or {})]
    new += [gid for gid in delta.get("managing_groups") or [] if gid not in (known.get("managing_groups") or [])]
    found = admin.groups(dict.fromkeys(new)) if new else {}
    absent = [f"group {gid}" for gid in dict.fromkeys(new) if gid not in found]
    # Nextcloud looks users up in any case, but a rule counts only in the account's own spelling (seen on 29.0.6)
    spelled = {uid.casefold(): uid for uid in known.get("managing_users") or []}
    for uid in delta.get("managing_users") or []:
        if uid.casefold() not in spelled:
            user = admin.user(uid)
            if user is None:
                absent.append(f"user {uid}")
            else:
                spelled[uid.casefold()] = user.id
    if absent:
        raise Refused(
            f"there is no {' and no '.join(absent)}",
            attempted=attempted,
            server=admin.server,
            remedy="Create them first; the case of group ids counts",
        )
    if "managing_users" in delta:
        delta = {**delta, "managing_users": [spelled[uid.casefold()] for uid in delta["managing_users"]]}
    return steps(mount_point, actual, delta, append=append)


def _desired(params: t.Mapping[str, t.Any], mount_point: str) -> dict[str, t.Any]:
    groups, quota, acl = params["groups"], params["quota"], params["advanced_permissions"]
    users, managing_groups = params["managing_users"], params["managing_groups"]
    if acl is False and (users or managing_groups):
        raise BadInput("managing_users and managing_groups have no meaning while advanced_permissions is false")
    if acl is False:
        users = managing_groups = []
    elif users or managing_groups:
        acl = True
    return {
        "mount_point": mount_point,
        "groups": None
        if groups is None
        else {
            group["name"]: words(bits(group["permissions"]))
            for group in sorted(groups, key=lambda group: group["name"])
        },
        "advanced_permissions": acl,
        "managing_users": users,
        "managing_groups": managing_groups,
        "quota": None if quota is None else quota_in_words(quota_in_bytes(quota)),
    }


class _Steps:
    """Writes to one folder; its id is looked up when an earlier step makes it."""

    def __init__(self, mount_point: str, folder_id: int | None) -> None:
        self.mount_point, self._id = mount_point, folder_id
        self.title = f"group folder {mount_point}"

    def id(self, admin: NextcloudAdmin) -> int:
        return self._id if self._id is not None else admin.folder_id(self.mount_point)

    def creation(self) -> Step:
        return change(
            "create_folder",
            f"{self.title} will be created",
            self.mount_point,
            lambda admin: admin.create_folder(self.mount_point),
        )

    def renaming(self, old: str) -> Step:
        return change(
            "rename_folder",
            f"group folder {old} will be renamed to {self.mount_point}",
            self.mount_point,
            lambda admin: admin.rename_folder(self.id(admin), self.mount_point),
        )

    def quota(self, quota: str) -> Step:
        return change(
            "set_quota",
            f"the quota of {self.title} will be {quota}",
            self.mount_point,
            lambda admin: admin.set_quota(self.id(admin), quota_in_bytes(quota)),
        )

    def acl(self, enabled: bool) -> Step:
        return change(
            "set_acl",
            f"advanced permissions of {self.title} will be switched {'on' if enabled else 'off'}",
            self.mount_point,
            lambda admin: admin.set_acl(self.id(admin), enabled),
        )

    def groups(self, has: t.Mapping[str, list[str]], requested: t.Mapping[str, list[str]]) -> t.Iterator[Step]:
        for gid, permissions in requested.items():
            if gid not in has:
                yield self._give(
                    gid, permissions, f"{self.title} will be given to group {gid} ({', '.join(permissions)})", False
                )
            elif has[gid] != permissions:
                yield self._give(gid, permissions, f"group {gid} may {', '.join(permissions)} in {self.title}", True)

    def removals(self, has: t.Iterable[str], requested: t.Container[str]) -> t.Iterator[Step]:
        for gid in has:
            if gid not in requested:
                yield self._take(gid)

    def managers(self, kind: str, has: t.Sequence[str], requested: t.Sequence[str]) -> t.Iterator[Step]:
        yield from (self._appoint(kind, name) for name in requested if name not in has)
        yield from (self._dismiss(kind, name) for name in has if name not in requested)

    def _give(self, gid: str, permissions: list[str], title: str, already: bool) -> Step:
        wanted = bits(permissions)
        return change(
            "give_folder",
            title,
            gid,
            lambda admin: admin.give_folder(self.id(admin), gid, wanted, already=already),
            lambda admin: self._found(admin).groups.get(gid) == wanted,
        )

    def _take(self, gid: str) -> Step:
        return change(
            "take_folder",
            f"{self.title} will be taken away from group {gid}",
            gid,
            lambda admin: admin.take_folder(self.id(admin), gid),
        )

    def _appoint(self, kind: str, name: str) -> Step:
        return change(
            "add_manager",
            f"{kind} {name} will manage the advanced permissions of {self.title}",
            name,
            lambda admin: admin.add_manager(self.id(admin), kind, name),
            lambda admin: (kind, name) in self._found(admin).managers,
        )

    def _dismiss(self, kind: str, name: str) -> Step:
        return change(
            "remove_manager",
            f"{kind} {name} will no longer manage the advanced permissions of {self.title}",
            name,
            lambda admin: admin.remove_manager(self.id(admin), kind, name),
        )

    def _found(self, admin: NextcloudAdmin) -> Folder:
        folder_id = self.id(admin)
        return next(folder for folder in admin.folders() if folder.id == folder_id)
