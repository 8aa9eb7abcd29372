# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A user account of Nextcloud: what can be requested of it, what forbids a change, and one write for each difference."""

from __future__ import annotations

import typing as t

from .._core.errors import Refused
from .._core.fields import DICT, Entity, Field
from .._core.steps import Step
from .admin import DATABASE, User, change

#: memberships and group admins are never taken away, so only the requested groups are compared
FIELDS = (Field("enabled"), Field("memberships", DICT), Field("group_admin", DICT))


def as_entity(user: User | None, gids: t.Iterable[str]) -> dict[str, t.Any] | None:
    """What is compared of a user.

    :param gids: the groups that matter.
    :returns: C(group_admin) holds C(None) for a group of which it cannot be seen.
    """
    if user is None:
        return None
    wanted = list(gids)
    administers = user.group_admin
    return {
        "enabled": user.enabled,
        "memberships": {gid: gid in user.groups for gid in wanted},
        "group_admin": {gid: None if administers is None else gid in administers for gid in wanted},
    }


def check(uid: str, user: User | None, server: str, attempted: str) -> None:
    """Refuse an account that only looks like the requested one, or that Nextcloud does not keep itself.

    :raises Refused: other case (user ids are looked up in any case, NC §1.3), or another backend (field case O30).
    """
    if user is None:
        return
    if user.id != uid:
        raise Refused(
            f'there is a user "{user.id}", which Nextcloud takes for "{uid}" and OpenProject does not',
            attempted=attempted,
            server=server,
            remedy=f"If nobody needs that account, delete it (occ user:delete {user.id}) and run again",
            user=user.id,
        )
    if user.backend != DATABASE:
        raise Refused(
            f'user "{uid}" comes from the backend {user.backend}, not from {DATABASE}',
            attempted=attempted,
            server=server,
            remedy="Nextcloud has to keep this account itself: rename or exclude it in the directory service, and remove it here when it"
            " is a remnant (occ user:delete)",
            backend=user.backend,
        )


def steps(uid: str, actual: Entity | None, delta: Entity) -> list[Step]:
    """The writes for a difference, in an order in which each can succeed."""
    found: list[Step] = []
    if actual is None:
        found.append(change("create_user", f"user {uid} will be created", uid, lambda admin: admin.create_user(uid)))
    elif delta.get("enabled"):
        found.append(change("enable_user", f"user {uid} will be enabled", uid, lambda admin: admin.enable_user(uid)))
    known = actual or {}
    found.extend(_join(uid, gid) for gid in _lacking(known, delta, "memberships"))
    found.extend(_appoint(uid, gid) for gid in _lacking(known, delta, "group_admin"))
    return found


def _lacking(actual: Entity, delta: Entity, name: str) -> list[str]:
    has = actual.get(name) or {}
    return [gid for gid, requested in (delta.get(name) or {}).items() if requested and has.get(gid, False) is False]


def _join(uid: str, gid: str) -> Step:
    return change("add_member", f"{uid} becomes a member of group {gid}", gid, lambda admin: admin.add_member(uid, gid))


def _appoint(uid: str, gid: str) -> Step:
    return change(
        "add_group_admin",
        f"{uid} becomes group admin of group {gid}",
        gid,
        lambda admin: admin.add_group_admin(uid, gid),
    )
