# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A group of Nextcloud: what forbids its use, and the write that makes it."""

from __future__ import annotations

from .._core.errors import Refused
from .._core.steps import Step
from .admin import DATABASE, Group, change


def check(group: Group, server: str, attempted: str) -> None:
    """Refuse a group that only a directory service keeps: adding members "succeeds" and does nothing (field case O30).

    :raises Refused: Nextcloud cannot write to it.
    """
    if group.writable:
        return
    backends = " and ".join(group.backends)
    raise Refused(
        f'group "{group.id}" comes from '
        + (
            f"the backend {backends}, not from {DATABASE}"
            if backends
            else f"a backend that takes no members, not from {DATABASE}"
        ),
        attempted=attempted,
        server=server,
        remedy="Nextcloud has to keep this group itself: rename or exclude it in the directory service, and run again",
        group=group.id,
    )


def creation(gid: str) -> Step:
    """The write that makes a group."""
    return change("create_group", f"group {gid} will be created", gid, lambda admin: admin.create_group(gid))
