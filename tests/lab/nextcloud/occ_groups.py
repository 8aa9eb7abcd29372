# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""occ: groups (NC §5.2)."""

from __future__ import annotations

from lab.nextcloud.occ_core import Console, command
from lab.nextcloud.occ_users import protected, section
from lab.nextcloud.state import EXISTS, MISSING, PROTECTED, Group, StateError

FIRST_TALKATIVE = 34
"""From this version on the commands for members say what they did, and to whom."""


@command("group:add", "groupid", "--display-name=")
def add(console: Console) -> None:
    """An empty id is exit code 2."""
    gid = console.argument("groupid")
    try:
        console.state.create_group(gid, str(console.option("display-name") or ""))
    except StateError as error:
        if error.reason == EXISTS:
            raise console.fail(f'Group "{gid}" already exists.') from error
        raise console.fail("Could not create group", 2) from error
    console.line(f'Created group "{gid}"')


@command("group:info", "groupid", "--output=?", writes=False)
def info(console: Console) -> None:
    """Ids are case-sensitive."""
    group = _group(console, "groupid")
    console.write({"groupID": group.gid, "displayName": group.name, "backends": group.backends})


@command("group:list", "30@searchstring?", "-l|--limit=?", "-o|--offset=?", "-i|--info", "--output=?", writes=False)
def list_groups(console: Console) -> None:
    """By id, with their members."""
    wanted = console.argument("searchstring").casefold()
    groups = [
        group
        for gid, group in sorted(console.state.groups.items())
        if wanted in gid.casefold() or wanted in group.name.casefold()
    ]
    groups = section(console, groups)
    if console.option("info"):
        console.write(
            {
                group.gid: {"displayName": group.name, "backends": group.backends, "users": group.members}
                for group in groups
            }
        )
    else:
        console.write({group.gid: group.members for group in groups})


@command("group:adduser", "group", "user")
def add_user(console: Console) -> None:
    """Repeatable."""
    gid, uid = _membership(console)
    console.state.add_member(gid, uid)
    _say(console, f"user {uid} added")


@command("group:removeuser", "group", "user")
def remove_user(console: Console) -> None:
    """Repeatable."""
    gid, uid = _membership(console)
    console.state.remove_member(gid, uid)
    _say(console, f"user {uid} removed")


def _say(console: Console, text: str) -> None:
    """Older versions are silent; newer ones say it also when nothing changed."""
    if console.profile.major >= FIRST_TALKATIVE:
        console.line(text)


def _membership(console: Console) -> tuple[str, str]:
    gid, uid = console.argument("group"), console.argument("user")
    if gid not in console.state.groups:
        raise console.fail("group not found")
    if console.state.find_user(uid) is None:
        raise console.fail(f"user {uid} not found" if console.profile.major >= FIRST_TALKATIVE else "user not found")
    return gid, uid


@command("group:delete", "groupid")
def delete(console: Console) -> None:
    """The integration app protects its groups (NC §3.5)."""
    gid = _group(console, "groupid").gid
    try:
        console.state.delete_group(gid)
    except StateError as error:
        if error.reason == PROTECTED:
            raise protected(error, "BeforeGroupDeletedListener.php line 49") from error
        raise console.fail(f'Group "{gid}" could not be deleted.') from error
    console.line(f'Group "{gid}" was removed')


def _group(console: Console, argument: str) -> Group:
    gid = console.argument(argument)
    try:
        return console.state.group(gid)
    except StateError as error:
        if error.reason != MISSING:
            raise
        raise console.fail(f'Group "{gid}" does not exist.') from error
