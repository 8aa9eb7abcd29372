# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings on the project folders, piece by piece, and on the application password."""

from __future__ import annotations

import typing as t

from .._core.errors import Refused
from .._nextcloud import project_folders
from .._nextcloud.admin import ALL_PERMISSIONS, DATABASE, Piece, size_in_words
from .._nextcloud.group_folders import quota_in_words
from .._nextcloud.project_folders import GROUP, MOUNT_POINT, USER, Pieces
from .finding import (
    ERROR,
    FOLDER_EXISTS,
    FOLDERS,
    GROUP_EXISTS,
    INFO,
    LINK_MODULE,
    NEXTCLOUD,
    NO_FOLDERS,
    NO_LOGIN,
    OPENPROJECT,
    OUTDATED,
    PROTECTED,
    TROUBLESHOOTING,
    USER_EXISTS,
    WARNING,
    Finding,
    Table,
)
from .observed import Observed

TABLE = Table()
_row = TABLE.row
REPAIR = "Run the link with project_folders: true, which adds what is missing and deletes nothing"
PROJECT_FOLDERS_MODULE = "module opnc.integration.nextcloud_project_folders"
ANY_EXISTS = (USER_EXISTS, GROUP_EXISTS, FOLDER_EXISTS)

_row(
    "folders_not_set_up", ERROR, NEXTCLOUD, FOLDERS,
    "Project folders are requested, and nothing of them is in Nextcloud", REPAIR, LINK_MODULE, NO_FOLDERS,
)  # fmt: skip
_row(
    "user_missing", ERROR, NEXTCLOUD, FOLDERS,
    'There is no user "OpenProject" in Nextcloud', REPAIR, LINK_MODULE, GROUP_EXISTS, FOLDER_EXISTS, NO_FOLDERS,
)  # fmt: skip
_row(
    "user_disabled", ERROR, NEXTCLOUD, FOLDERS,
    'User "OpenProject" of Nextcloud is disabled; neither Nextcloud\'s app nor OpenProject notices that',
    "occ user:enable OpenProject", LINK_MODULE, NO_FOLDERS,
)  # fmt: skip
_row(
    "user_spelled_otherwise", ERROR, NEXTCLOUD, FOLDERS,
    'Nextcloud has a user "{user}", which it takes for "OpenProject", and OpenProject does not',
    "If nobody needs that account: occ user:delete {user}; then run the link", LINK_MODULE, USER_EXISTS, NO_FOLDERS,
)  # fmt: skip
_row(
    "group_missing", ERROR, NEXTCLOUD, FOLDERS,
    'There is no group "{group}" in Nextcloud', REPAIR, LINK_MODULE, USER_EXISTS, FOLDER_EXISTS, NO_FOLDERS, OUTDATED,
)  # fmt: skip
_row(
    "directory_service", ERROR, NEXTCLOUD, FOLDERS,
    "{what} comes from a directory service, and Nextcloud cannot change it",
    "Rename or exclude it in the directory service, so that Nextcloud can keep one of its own; then run the link", LINK_MODULE,
    USER_EXISTS, GROUP_EXISTS, NO_FOLDERS,
)  # fmt: skip
_row(
    "user_not_in_group", ERROR, NEXTCLOUD, FOLDERS,
    'User "OpenProject" is not in group "{group}"', f"occ group:adduser {{group}} OpenProject. {REPAIR}", LINK_MODULE, USER_EXISTS, NO_FOLDERS,
)  # fmt: skip
_row(
    "user_not_group_admin", ERROR, NEXTCLOUD, FOLDERS,
    'User "OpenProject" is not group admin of "{group}"', f"{REPAIR}; occ has no command for it", LINK_MODULE, USER_EXISTS, NO_FOLDERS,
)  # fmt: skip
_row(
    "folder_missing", ERROR, NEXTCLOUD, FOLDERS,
    'There is no group folder "OpenProject"', REPAIR, LINK_MODULE, USER_EXISTS, GROUP_EXISTS, NO_FOLDERS,
)  # fmt: skip
_row(
    "folder_renamed", ERROR, NEXTCLOUD, FOLDERS,
    'There is no group folder "OpenProject", but group "OpenProject" uses {folders}',
    "If somebody has renamed it: occ groupfolders:rename {id} OpenProject; or run the link with adopt_folder: true",
    LINK_MODULE, USER_EXISTS, GROUP_EXISTS, NO_FOLDERS,
)  # fmt: skip
_row(
    "folder_of_others", ERROR, NEXTCLOUD, FOLDERS,
    'Group folder "OpenProject" (id {id}) belongs to {groups}, not to group "OpenProject"',
    "Run the link with adopt_folder: true, which lets them keep it; or rename it: occ groupfolders:rename {id} <name>",
    LINK_MODULE, FOLDER_EXISTS, NO_FOLDERS,
)  # fmt: skip
_row(
    "several_folders", ERROR, NEXTCLOUD, FOLDERS,
    'Several group folders are called "OpenProject", and users see one of them at random: {folders}',
    "Look into them, then rename or delete those that are not wanted: occ groupfolders:rename <id> <name>",
    "nextcloud/groupfolders#2243", NO_FOLDERS, FOLDER_EXISTS,
)  # fmt: skip
_row(
    "folder_without_group", ERROR, NEXTCLOUD, FOLDERS,
    'Group folder "OpenProject" is not assigned to group "OpenProject"',
    f"occ groupfolders:group {{id}} OpenProject read write share delete. {REPAIR}", LINK_MODULE, *ANY_EXISTS, NO_FOLDERS,
)  # fmt: skip
_row(
    "folder_permissions", ERROR, NEXTCLOUD, FOLDERS,
    'Group "OpenProject" does not have all permissions for group folder "OpenProject" ({found} of {all})',
    f"occ groupfolders:group {{id}} OpenProject read write share delete. {REPAIR}", LINK_MODULE, *ANY_EXISTS, NO_FOLDERS,
)  # fmt: skip
_row(
    "folder_without_advanced_permissions", ERROR, NEXTCLOUD, FOLDERS,
    'Advanced permissions of group folder "OpenProject" are off', f"occ groupfolders:permissions {{id}} --enable. {REPAIR}",
    LINK_MODULE, *ANY_EXISTS, NO_FOLDERS,
)  # fmt: skip
_row(
    "folder_without_manager", ERROR, NEXTCLOUD, FOLDERS,
    'User "OpenProject" may not set advanced permissions of group folder "OpenProject"',
    f"occ groupfolders:permissions {{id}} -m -u OpenProject. {REPAIR}", LINK_MODULE, *ANY_EXISTS, NO_FOLDERS,
)  # fmt: skip
_row(
    "folders_not_found_right", ERROR, NEXTCLOUD, FOLDERS,
    "OpenProject Integration does not find the project folders right, although every piece of them is there",
    "See whether the app Group folders works for the account OpenProject, and what Nextcloud's log says",
    TROUBLESHOOTING, NO_FOLDERS, unsure=True,
)  # fmt: skip
_row(
    "folder_quota", WARNING, NEXTCLOUD, FOLDERS,
    'The quota of group folder "OpenProject" is full or tiny: {words}', "occ groupfolders:quota {id} unlimited, or more than there is",
    "nextcloud/groupfolders#963", NO_FOLDERS,
)  # fmt: skip
_row(
    "personal_folder_hidden", WARNING, NEXTCLOUD, FOLDERS,
    'People have a folder "OpenProject" of their own, which the group folder hides: {words}',
    "Rename it: occ files:move <account>/files/OpenProject <account>/files/<name>; nothing is lost",
    "nextcloud/groupfolders#1058", NO_FOLDERS,
)  # fmt: skip
_row(
    "folders_left_over", INFO, NEXTCLOUD, FOLDERS,
    "Pieces of project folders are in Nextcloud, and no link uses them: {pieces}",
    "To keep them: nothing to do. To remove them: role teardown with teardown_remove_project_folders: true. By hand, the app has to be disabled"
    " for that moment, because it protects user and groups: occ app:disable integration_openproject",
    TROUBLESHOOTING, PROTECTED, *ANY_EXISTS,
)  # fmt: skip
_row(
    "application_password_missing", ERROR, NEXTCLOUD, FOLDERS,
    "Nextcloud has no application password for project folders, so OpenProject is shut out", REPAIR, LINK_MODULE, NO_FOLDERS,
)  # fmt: skip
_row(
    "application_password_wrong", ERROR, OPENPROJECT, FOLDERS,
    "Nextcloud does not accept the application password that OpenProject has: it was tried",
    "Run the link with rotate: [application_password]; nobody notices", LINK_MODULE, NO_FOLDERS,
)  # fmt: skip
_row(
    "management_off", ERROR, OPENPROJECT, FOLDERS,
    'Project folders are requested, and automatic management of the storage "{storage}" is off', REPAIR, LINK_MODULE, NO_FOLDERS,
)  # fmt: skip
_row(
    "management_on", WARNING, OPENPROJECT, FOLDERS,
    'Project folders are not requested, and automatic management of the storage "{storage}" is on',
    "Run the link with project_folders: false; folders and files stay", LINK_MODULE, NO_LOGIN,
)  # fmt: skip

#: which piece is missing, by the write that would add it
BY_KIND = {
    "create_user": "user_missing",
    "enable_user": "user_disabled",
    "create_group": "group_missing",
    "add_member": "user_not_in_group",
    "add_group_admin": "user_not_group_admin",
    "create_folder": "folder_missing",
    "give_folder": "folder_permissions",
    "set_acl": "folder_without_advanced_permissions",
    "add_manager": "folder_without_manager",
}


def folder_findings(observed: Observed) -> list[Finding]:
    """What is the matter with the project folders. Pure."""
    found: list[Finding] = []
    pieces = observed.nextcloud.pieces
    storage, settings = observed.storage, observed.settings
    if observed.folders_matter:
        if pieces is not None:
            found += _pieces(pieces)
            found += _surroundings(observed, pieces)
            if not found and settings is not None and not settings.folders:
                found.append(TABLE.finding("folders_not_found_right"))
        elif observed.nextcloud.user is not None and not observed.nextcloud.user.get("enabled", True):
            found.append(TABLE.finding("user_disabled"))
        absent = any(finding.code in ("folders_not_set_up", "user_missing") for finding in found)
        if settings is not None and not settings.application_password and not absent:
            found.append(TABLE.finding("application_password_missing"))
        if storage is not None and not storage.has_application_password:
            found.append(TABLE.finding("management_off", storage=storage.name))
        elif observed.openproject.tried.get("application_password") == "wrong":
            found.append(TABLE.finding("application_password_wrong"))
    elif storage is not None and storage.has_application_password:
        found.append(TABLE.finding("management_on", storage=storage.name))
    elif pieces is not None and observed.openproject.listed is not None and storage is None:
        left = _left_over(pieces)
        if left:
            found.append(TABLE.finding("folders_left_over", pieces=", ".join(left)))
    return found


def _pieces(pieces: Pieces) -> t.Iterator[Finding]:
    """Every piece that the link would add, or what keeps it from knowing."""
    ambiguous = list(_ambiguous(pieces))
    yield from ambiguous
    if ambiguous:
        return
    if project_folders.is_untouched(pieces):
        yield TABLE.finding("folders_not_set_up")
        return
    try:
        todo = project_folders.missing(pieces)
    except Refused as refusal:
        raise AssertionError("everything that forbids a repair is a finding of its own") from refusal
    for piece in _told_once(pieces, todo):
        yield _missing(pieces, piece)


def _told_once(pieces: Pieces, todo: list[Piece]) -> list[Piece]:
    """A missing user is in no group, and a missing folder has no permissions: nobody wants to read that as well."""
    user_there = pieces.user is not None
    folder_there = any(folder.mount_point == MOUNT_POINT for folder in pieces.folders)
    told = []
    for piece in todo:
        of_user = piece.kind in ("add_member", "add_group_admin", "enable_user")
        of_folder = piece.kind in ("give_folder", "set_acl", "add_manager")
        of_absent_group = piece.kind in ("add_member", "add_group_admin") and piece.name not in pieces.groups
        if (of_user and (not user_there or of_absent_group)) or (of_folder and not folder_there):
            continue
        told.append(piece)
    return told


def _missing(pieces: Pieces, piece: Piece) -> Finding:
    folder = pieces.folder
    code = BY_KIND[piece.kind]
    if folder is None:
        return TABLE.finding(code, group=piece.name)
    if piece.kind == "give_folder" and GROUP not in folder.groups:
        code = "folder_without_group"
    return TABLE.finding(
        code, group=piece.name, id=folder.id, found=folder.groups.get(GROUP, 0), all=ALL_PERMISSIONS
    )  # fmt: skip


def _ambiguous(pieces: Pieces) -> t.Iterator[Finding]:
    """What the link refuses to touch: states that could be meant in more than one way, or are somebody else's."""
    user = pieces.user
    if user is not None and user.id != USER:
        yield TABLE.finding("user_spelled_otherwise", user=user.id)
    elif user is not None and user.backend != DATABASE:
        yield TABLE.finding("directory_service", what=f'User "{user.id}" ({user.backend})')
    for group in pieces.groups.values():
        if not group.writable:
            yield TABLE.finding("directory_service", what=f'Group "{group.id}"')
    named = [folder for folder in pieces.folders if folder.mount_point == MOUNT_POINT]
    if len(named) > 1:
        listed = "; ".join(f"id {folder.id} of {', '.join(sorted(folder.groups)) or 'no group'}" for folder in named)
        yield TABLE.finding("several_folders", folders=listed)
    elif named and named[0].groups and GROUP not in named[0].groups:
        yield TABLE.finding("folder_of_others", id=named[0].id, groups=", ".join(sorted(named[0].groups)))
    elif not named:
        others = [folder for folder in pieces.folders if GROUP in folder.groups]
        if others:
            listed = ", ".join(f'"{folder.mount_point}" (id {folder.id})' for folder in others)
            yield TABLE.finding("folder_renamed", folders=listed, id=others[0].id)


def _surroundings(observed: Observed, pieces: Pieces) -> t.Iterator[Finding]:
    named = [folder for folder in pieces.folders if folder.mount_point == MOUNT_POINT]
    if len(named) == 1 and project_folders.quota_warning(pieces):
        words = f"{quota_in_words(named[0].quota)}, of which {size_in_words(named[0].size)} are used"
        yield TABLE.finding("folder_quota", id=named[0].id, words=words)
    if observed.nextcloud.shadowed:
        yield TABLE.finding("personal_folder_hidden", words=observed.nextcloud.shadowed)


def _left_over(pieces: Pieces) -> list[str]:
    left = [] if pieces.user is None else [f'user "{pieces.user.id}"']
    left += [f'group "{gid}"' for gid in pieces.groups]
    return (
        left + [f'group folder "{MOUNT_POINT}"' for folder in pieces.folders if folder.mount_point == MOUNT_POINT][:1]
    )
