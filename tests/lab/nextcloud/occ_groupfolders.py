# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""occ: group folders (NC §4.1, §4.2). All messages go to standard output, refusals too."""

from __future__ import annotations

import re
from typing import Any

from lab.nextcloud.occ_core import Console, Input, OccError, Stop, command
from lab.nextcloud.state import GROUPFOLDERS, NO_ACL, GroupFolder, StateError

NOT_FOUND, NO_ADVANCED, BAD_CALL = 255, 254, 253
"""-1, -2 and -3 of PHP."""
UNLIMITED = -3
WORDS = {"read": 1, "write": 6, "delete": 8, "share": 16}
BITS = {"read": 1, "write": 2, "create": 4, "delete": 8, "share": 16}
UNITS = {"": 1, "B": 1, "K": 1024, "KB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4, "PB": 1024**5}
FIRST_TEAMS = 30
FIRST_DEFAULT = 34
"""The first version recorded with group folders that know folders without default permission."""
SQLITE_CONSTRAINT = 19


@command("groupfolders:list", "-u|--user=", "--output=?", app=GROUPFOLDERS, writes=False)
def list_folders(console: Console) -> None:
    """Shape B before group folders 20, D from there on (NC §4.1)."""
    state = console.state
    folders = list(state.folders.values())
    uid = console.option("user")
    if uid:
        user = state.find_user(uid)
        if user is None:
            raise console.fail(f"user {uid} not found")
        groups = set(state.groups_of(user.uid))
        folders = [folder for folder in folders if groups & set(folder.groups)]
    if console.option("output") in ("json", "json_pretty"):
        console.write([_listed(console, folder) for folder in folders])
    elif not folders:
        console.line("No folders configured")
    else:
        console.table(
            (
                *("Folder Id", "Name", "Groups", "Quota", "Size"),
                *("Advanced Permissions", "Manage advanced permissions"),
            ),
            [_row(console, folder) for folder in folders],
        )


def _listed(console: Console, folder: GroupFolder) -> dict[str, Any]:
    details = console.state.group_details(folder)
    managers = _managers(console, folder)
    if console.profile.folder_list_shape == "B":
        return {
            "id": folder.id,
            "mount_point": folder.mount_point,
            "groups": folder.groups,
            "quota": folder.quota,
            "size": folder.size,
            "acl": folder.acl,
            "manage": managers,
            "group_details": details,
        }
    return {
        "id": folder.id,
        "quota": folder.quota,
        "acl": folder.acl,
        **console.state.default_permission(folder),
        "groups": details,
        "manage": managers,
        "options": {"separate-storage": True},
        "size": folder.size,
        "groups_list": folder.groups,
        "mountPoint": folder.mount_point,
        "rootId": folder.root_file_id,
        "storageId": folder.id + 2,
    }


def _managers(console: Console, folder: GroupFolder) -> list[dict[str, str]]:
    """In the order of the database's index: groups before users."""
    return sorted(console.state.visible_managers(folder), key=lambda entry: (entry["type"], entry["id"]))


def _row(console: Console, folder: GroupFolder) -> list[str]:
    groups = [
        f"{detail['displayName']} ({gid}): {', '.join(_words(console, detail['permissions']))}"
        for gid, detail in console.state.group_details(folder).items()
    ]
    managers = [f"{entry['displayname']} ({entry['type']})" for entry in _managers(console, folder)]
    return [
        str(folder.id),
        folder.mount_point,
        "\n".join(groups),
        "Unlimited" if folder.quota == UNLIMITED else _size(folder.quota),
        _size(folder.size) if folder.size else "0",
        "Enabled" if folder.acl else "Disabled",
        "\n".join(managers),
    ]


def _words(console: Console, permissions: int) -> list[str]:
    """Group folders 22 lost them in the table."""
    if console.profile.lists_default_permission:
        return []
    names = ("read", 1), ("write", 6), ("share", 16), ("delete", 8)
    return [name for name, bits in names if permissions & bits == bits]


def _size(number: int) -> str:
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if number < 1024 or unit == "TB":
            return f"{number} {unit}"
        number //= 1024
    raise ValueError(number)


@command(
    *("groupfolders:create", "name", "--bucket=", f"{FIRST_DEFAULT}@--acl-no-default-permission", "--output=?"),
    app=GROUPFOLDERS,
)
def create(console: Console) -> None:
    """Prints the id; before group folders 20 nothing stops two with one mount point."""
    try:
        folder = console.state.create_folder(console.argument("name"))
    except StateError as error:
        raise console.fail(error.message) from error
    folder.default_permission = not console.option("acl-no-default-permission")
    console.line(str(folder.id))


@command("groupfolders:group", "folder_id", "group", "permissions...?", "-d|--delete", "--output=?", app=GROUPFOLDERS)
def give(console: Console) -> None:
    """Sets exactly the given words; reading is always among them."""
    folder = _folder(console)
    gid = console.argument("group")
    if console.option("delete"):
        folder.groups.pop(gid, None)
        return
    if gid not in console.state.groups:
        raise console.fail(f"group/team not found: {gid}", NOT_FOUND)
    words = console.arguments("permissions")
    if any(word not in WORDS for word in words):
        raise console.fail(f"Unable to parse permissions input: {' '.join(words)}", NOT_FOUND)
    folder.groups[gid] = WORDS["read"] | sum(WORDS[word] for word in set(words))


def _changes_permissions(given: Input) -> bool:
    flags = ("enable", "disable", "manage-add", "manage-remove")
    return any(given.options.get(flag) for flag in flags) or bool(given.arguments.get("permissions"))


@command(
    *("groupfolders:permissions", "folder_id", "path?", "permissions...?", "-e|--enable", "-d|--disable"),
    *("-m|--manage-add", "-r|--manage-remove", "-u|--user=", "-g|--group=", f"{FIRST_TEAMS}@-c|--team="),
    *("-t|--test", "--output=?"),
    app=GROUPFOLDERS,
    writes=_changes_permissions,
)
def permissions(console: Console) -> None:
    """Advanced permissions of a folder: on, off, who manages them, and the rules themselves."""
    folder = _folder(console)
    for flag, on in (("enable", True), ("disable", False)):
        if console.option(flag):
            console.state.set_folder_acl(folder.id, on)
            return
    if not folder.acl:
        raise console.fail(f"Advanced permissions not enabled for folder: {folder.id}", NO_ADVANCED)
    kind, holder = _mapping(console)
    changes_manager = console.option("manage-add") or console.option("manage-remove")
    if console.option("test"):
        _test_rules(console, folder)
    elif changes_manager and kind:
        _change_manager(console, folder, kind, holder)
    elif (not console.argument("path") and not kind) or changes_manager:
        _show_rules(console, folder)
    else:
        _set_rule(console, folder, kind, holder)


def _mapping(console: Console) -> tuple[str, str]:
    """Type and id of what `-u`, `-g` or `-c` name."""
    given = [(kind, console.option(name)) for name, kind in (("user", "user"), ("group", "group"), ("team", "circle"))]
    named = [(kind, str(value)) for kind, value in given if value]
    if len(named) > 1:
        raise console.fail("--user, --team and --group can not be used at the same time", BAD_CALL)
    return named[0] if named else ("", "")


def _change_manager(console: Console, folder: GroupFolder, kind: str, holder: str) -> None:
    """A second time is an error of the database, whose code the shell sees (groupfolders#4236)."""
    try:
        console.state.set_folder_manager(folder.id, kind, holder, bool(console.option("manage-add")))
    except StateError as error:
        if error.reason == NO_ACL:
            raise console.fail(error.message, NO_ADVANCED) from error
        raise _unique_violation(console) from error


def _unique_violation(console: Console) -> OccError:
    columns = ", ".join(f"oc_group_folders_manage.{name}" for name in ("folder_id", "mapping_type", "mapping_id"))
    state = f"SQLSTATE[23000]: Integrity constraint violation: 19 UNIQUE constraint failed: {columns}"
    message = f"An exception occurred while executing a query: {state}"
    newer = console.profile.major >= FIRST_TEAMS
    line = 50 if console.profile.major >= FIRST_DEFAULT else 56 if newer else 71
    return (
        OccError(message, f"DbalException.php line {line}", SQLITE_CONSTRAINT)
        .caused_by("ExceptionConverter.php line 41", message)
        .caused_by(f"Exception.php line {24 if newer else 28}", state)
        .caused_by("Statement.php line 130", state)
    )


def _show_rules(console: Console, folder: GroupFolder) -> None:
    if console.option("output") in ("json", "json_pretty"):
        console.write(folder.rules)
        return
    rows = [
        (path if index == 0 else "", _holder(console, rule["mapping"]), _rule_words(rule["mask"], rule["permissions"]))
        for path, rules in folder.rules.items()
        for index, rule in enumerate(rules)
    ]
    console.table(("Path", "User/Group", "Permissions"), rows)


def _holder(console: Console, mapping: dict[str, str]) -> str:
    known = console.state.find_user(mapping["id"]) if mapping["type"] == "user" else None
    name = known.name if known else mapping["id"]
    return f"{mapping['type']}: {name} ({mapping['id']})"


def _rule_words(mask: int, allowed: int) -> str:
    return ", ".join(f"{'+' if allowed & bit else '-'}{name}" for name, bit in BITS.items() if mask & bit)


def _test_rules(console: Console, folder: GroupFolder) -> None:
    kind, holder = _mapping(console)
    path = console.argument("path")
    if kind != "user" or not path:
        raise console.fail("--user and <path> options needs to be set for permissions testing", BAD_CALL)
    allowed = 31
    for rule in folder.rules_at(path):
        if rule["mapping"] == {"type": "user", "id": holder}:
            allowed = (allowed & ~rule["mask"]) | (rule["permissions"] & rule["mask"])
    console.line(_rule_words(31, allowed))


def _set_rule(console: Console, folder: GroupFolder, kind: str, holder: str) -> None:
    path, words = console.argument("path"), console.arguments("permissions")
    if not path:
        raise console.fail("<path> argument has to be set when not using --enable or --disable", BAD_CALL)
    if not words:
        raise console.fail("<permissions> argument has to be set when not using --enable or --disable", BAD_CALL)
    if not kind:
        raise console.fail("either --user, --group or --team has to be used when not using --enable or --disable", 253)
    inner = path.strip("/")
    if inner and f"{inner}/" not in folder.files and inner not in folder.files:
        raise console.fail(f"Path not found in folder: {inner}", NOT_FOUND)
    others = [rule for rule in folder.rules_at(path) if rule["mapping"] != {"type": kind, "id": holder}]
    if words != ["clear"]:
        mask = allowed = 0
        for word in words:
            bit = _rule_bit(console, word)
            mask |= bit
            allowed |= bit if word[0] == "+" else 0
        others.append({"mapping": {"type": kind, "id": holder}, "mask": mask, "permissions": allowed})
    folder.set_rules(path, others)


def _rule_bit(console: Console, word: str) -> int:
    if word[:1] not in ("+", "-"):
        raise console.fail(f'incorrect format for permissions "{word}"', BAD_CALL)
    if word[1:] not in BITS:
        raise console.fail(f'incorrect format for permissions2 "{word}"', BAD_CALL)
    return BITS[word[1:]]


@command("groupfolders:quota", "folder_id", "quota", "--output=?", app=GROUPFOLDERS)
def quota(console: Console) -> None:
    """Bytes with a unit, or `unlimited`; neither 0 nor `default`."""
    folder = _folder(console)
    text = console.argument("quota")
    if text == "unlimited":
        folder.quota = UNLIMITED
        return
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", text)
    number = float(found[1]) * UNITS.get(found[2].upper(), 0) if found else 0
    if not number:
        raise console.fail(f"Unable to parse quota input: {text}", NOT_FOUND)
    folder.quota = int(number)


@command("groupfolders:rename", "folder_id", "name", "--output=?", app=GROUPFOLDERS)
def rename(console: Console) -> None:
    """From 20 on an equal name is said and a taken one refused; before, neither."""
    folder = _folder(console)
    name = console.argument("name")
    if console.profile.refuses_second_mount_point:
        name = name.strip("/") or "/"
        if name == folder.mount_point:
            console.line(f"The name is already set to {name}")
            return
    try:
        console.state.rename_folder(folder.id, name)
    except StateError as error:
        raise console.fail(error.message) from error


@command("groupfolders:delete", "folder_id", "-f|--force", "--output=?", app=GROUPFOLDERS)
def delete(console: Console) -> None:
    """Asks without `-f`; no answer is exit code 0 with the folder still there."""
    folder = _folder(console)
    if not console.option("force"):
        if not console.interactive:
            raise Stop(0)
        noun = "Team folder" if console.profile.major >= FIRST_TEAMS else "group folder"
        answer = console.ask(
            f"Are you sure you want to delete the {noun} {folder.mount_point} and all files within, "
            "this cannot be undone (y/N)."
        )
        if not (answer or "").lower().startswith("y"):
            raise Stop(0)
    console.state.delete_folder(folder.id)


def _folder(console: Console) -> GroupFolder:
    text = console.argument("folder_id")
    if not text.isdigit():
        raise console.fail(f"Folder id argument is not an integer. Got {text}", NOT_FOUND)
    try:
        return console.state.folder(int(text))
    except StateError as error:
        raise console.fail(f"Folder not found: {text}", NOT_FOUND) from error
