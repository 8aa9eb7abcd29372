# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The project folders as a whole: what they consist of, what is missing, and one step for each missing piece.

Nextcloud's own set-up refuses as soon as one piece exists (NC §3.2); here every such state converges, and nothing is ever deleted on the way.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._core.errors import ApiError, CommandError, Refused, TransportError
from .admin import (
    ALL_PERMISSIONS,
    DATABASE,
    Folder,
    Group,
    NextcloudAdmin,
    User,
    check_single,
    user_from_ocs,
)

#: ids that the integration app and OpenProject take for granted, in all versions (NC §3.1)
USER = "OpenProject"
GROUP = "OpenProject"
#: members of this group get no folders made; since app version 2.10
SECOND_GROUP = "OpenProjectNoAutomaticProjectFolders"
GROUPS = (GROUP, SECOND_GROUP)
MOUNT_POINT = "OpenProject"

CREATE_GROUP = "create_group"
CREATE_USER = "create_user"
ENABLE_USER = "enable_user"
ADD_MEMBER = "add_member"
ADD_GROUP_ADMIN = "add_group_admin"
CREATE_FOLDER = "create_folder"
RENAME_FOLDER = "rename_folder"
GIVE_FOLDER = "give_folder"
ENABLE_ACL = "enable_acl"
ADD_MANAGER = "add_manager"


class Unread:
    """Says that the caller has not read the user, while C(None) says that there is none."""


UNREAD = Unread()


@dataclass(frozen=True)
class Pieces:
    """What exists.

    :param groups: those of our two groups that exist; a group of which the user is a member is taken for existing without a look.
    :param folders: all group folders.
    :param knows_group_admins: whether the way of reading shows group admins.
    """

    user: User | None
    groups: t.Mapping[str, Group]
    folders: tuple[Folder, ...]
    knows_group_admins: bool = True
    server: str = "Nextcloud"

    @property
    def memberships(self) -> dict[str, bool]:
        """Whether the user is in each of our groups."""
        return {gid: self.user is not None and gid in self.user.groups for gid in GROUPS}

    @property
    def group_admin(self) -> dict[str, bool | None]:
        """Whether the user administers each of our groups; C(None) where that cannot be seen."""
        if self.user is None:
            return {gid: False for gid in GROUPS}
        administers = self.user.group_admin
        return {gid: (None if gid in self.groups else False) if administers is None else gid in administers for gid in GROUPS}

    @property
    def folder(self) -> Folder | None:
        """The folder with our mount point.

        :raises Refused: there are several.
        """
        found = [folder for folder in self.folders if folder.mount_point == MOUNT_POINT]
        check_single(found, MOUNT_POINT, self.server)
        return found[0] if found else None


@dataclass(frozen=True)
class Piece:
    """One missing piece, and what it takes to add it.

    :param kind: one of the constants of this module.
    :param title: the piece in an administrator's words.
    :param name: the group that it is about.
    :param folder_id: the folder that it is about; C(None) when an earlier piece makes that folder.
    :param already: the folder has the group, with other permissions.
    """

    kind: str
    title: str
    name: str = ""
    folder_id: int | None = None
    already: bool = False


def read_pieces(admin: NextcloudAdmin, *, user_document: t.Mapping[str, t.Any] | None | Unread = UNREAD) -> Pieces:
    """Read what exists: the user, the groups that it is not a member of, and the folders; at most three requests.

    :param user_document: what C(GET /ocs/v2.php/cloud/users/OpenProject) answered, C(None) for 404; given, it is not asked again.
    :raises Refused: the group folders app is missing.
    """
    if isinstance(user_document, Unread):
        user = admin.user(USER)
    else:
        user = user_from_ocs(user_document) if user_document is not None else None
    member_of = user.groups if user is not None else frozenset()
    groups = {gid: Group(gid) for gid in GROUPS if gid in member_of}
    unseen = [gid for gid in GROUPS if gid not in groups]
    if unseen:
        groups.update(admin.groups(unseen))
    shown = admin.knows_group_admins or not isinstance(user_document, Unread)
    return Pieces(user, groups, tuple(admin.folders()), knows_group_admins=shown, server=admin.server)


def missing(pieces: Pieces, *, adopt_folder: bool = False) -> list[Piece]:
    """The steps that complete the project folders, in an order in which each one can succeed. Pure.

    :param adopt_folder: take over a folder OpenProject that only other groups use, or rename a folder of group OpenProject.
    :raises Refused: the state is ambiguous or not ours to change; names what stands in the way.
    """
    _check_accounts(pieces)
    return [*_missing_accounts(pieces), *_missing_folder_parts(pieces, adopt_folder)]


def is_untouched(pieces: Pieces) -> bool:
    """Whether Nextcloud's own set-up would go through: neither user, nor group OpenProject, nor folder (NC §3.2)."""
    return pieces.user is None and GROUP not in pieces.groups and not any(
        folder.mount_point == MOUNT_POINT or GROUP in folder.groups for folder in pieces.folders
    )


def is_complete(pieces: Pieces) -> bool:
    """Whether nothing is missing, as far as the way of reading shows it.

    :raises Refused: like L(missing).
    """
    return not missing(pieces)


def repair(admin: NextcloudAdmin, piece: Piece) -> None:
    """Add one piece: one request, or one start of occ.

    A group or manager that a folder has without showing it (left behind by a deleted account) makes the server fail; when the folder
    turns out to be right afterwards, that is no failure.
    """
    try:
        _write(admin, piece)
    except (ApiError, CommandError, TransportError) as failure:
        if getattr(failure, "identifier", "") == "password_confirmation" or not _turned_out_right(admin, piece):
            raise


def verify(admin: NextcloudAdmin, done: t.Sequence[Piece]) -> None:
    """Read memberships and group admins back: adding to a group of a directory service "succeeds" and does nothing (field case O30).

    :param done: the pieces that were added; costs one read when a membership is among them, else nothing.
    :raises Refused: a membership did not come about.
    """
    members = [piece.name for piece in done if piece.kind == ADD_MEMBER]
    if not members:
        return
    user = admin.user(USER)
    absent = [gid for gid in members if user is None or gid not in user.groups]
    if absent:
        raise Refused(
            f"Nextcloud accepted {USER} as a member of {' and '.join(absent)}, but does not show it there",
            attempted="complete the project folders",
            server=admin.server,
            remedy="The group probably comes from a directory service; rename it there, so that Nextcloud can keep a group of its own",
        )


def _check_accounts(pieces: Pieces) -> None:
    user = pieces.user
    if user is not None and user.id != USER:
        raise _refusal(
            pieces,
            f'a user with the id "{user.id}" exists; Nextcloud takes it for "{USER}", OpenProject does not',
            f"Nothing was changed. When nobody needs that account, delete it: occ user:delete {user.id}",
        )
    if user is not None and user.backend != DATABASE:
        raise _refusal(
            pieces,
            f'user "{USER}" comes from the backend {user.backend}, not from {DATABASE}',
            "Nextcloud has to keep this account itself: rename or exclude it in the directory service, then remove its mapping",
        )
    for gid, group in pieces.groups.items():
        if not group.writable:
            backends = " and ".join(group.backends) or "one that Nextcloud cannot write to"
            raise _refusal(
                pieces,
                f'group "{gid}" comes from the backend {backends}, not from {DATABASE}',
                "Nextcloud has to keep this group itself: rename or exclude it in the directory service, then remove its mapping",
            )


def _missing_accounts(pieces: Pieces) -> t.Iterator[Piece]:
    for gid in GROUPS:
        if gid not in pieces.groups:
            yield Piece(CREATE_GROUP, f"group {gid} will be created", name=gid)
    if pieces.user is None:
        yield Piece(CREATE_USER, f"user {USER} will be created")
    elif not pieces.user.enabled:
        yield Piece(ENABLE_USER, f"user {USER} will be enabled")
    for gid, is_member in pieces.memberships.items():
        if not is_member:
            yield Piece(ADD_MEMBER, f"{USER} becomes a member of group {gid}", name=gid)
    for gid, is_admin in pieces.group_admin.items():
        if is_admin is False:
            yield Piece(ADD_GROUP_ADMIN, f"{USER} becomes group admin of group {gid}", name=gid)


def _missing_folder_parts(pieces: Pieces, adopt_folder: bool) -> t.Iterator[Piece]:
    folder = pieces.folder
    if folder is None:
        renamed = _renamed_folder(pieces, adopt_folder)
        if renamed is None:
            yield Piece(CREATE_FOLDER, f"group folder {MOUNT_POINT} will be created")
        else:
            yield Piece(
                RENAME_FOLDER,
                f"group folder {renamed.mount_point} (id {renamed.id}) will be renamed to {MOUNT_POINT}",
                folder_id=renamed.id,
            )
            folder = renamed
    elif folder.groups and GROUP not in folder.groups and not adopt_folder:
        raise _refusal(
            pieces,
            f"group folder {MOUNT_POINT} (id {folder.id}) belongs to {', '.join(sorted(folder.groups))}, and not to group {GROUP}",
            "Set adopt_folder: true to let OpenProject use it too (its groups and files stay), or rename it:"
            f" occ groupfolders:rename {folder.id} <name>",
            folder_ids=[folder.id],
        )
    yield from _missing_rights(folder)


def _missing_rights(folder: Folder | None) -> t.Iterator[Piece]:
    folder_id = folder.id if folder is not None else None
    permissions = folder.groups.get(GROUP) if folder is not None else None
    if permissions is None:
        yield Piece(GIVE_FOLDER, f"group folder {MOUNT_POINT} will be given to group {GROUP}", GROUP, folder_id)
    elif permissions != ALL_PERMISSIONS:
        title = f"group {GROUP} gets all permissions in group folder {MOUNT_POINT}"
        yield Piece(GIVE_FOLDER, title, GROUP, folder_id, already=True)
    if folder is None or not folder.acl:
        yield Piece(ENABLE_ACL, f"advanced permissions of group folder {MOUNT_POINT} will be switched on", folder_id=folder_id)
    if folder is None or not folder.acl or not _manages(folder):
        yield Piece(ADD_MANAGER, f"{USER} may manage advanced permissions of group folder {MOUNT_POINT}", folder_id=folder_id)


def _manages(folder: Folder) -> bool:
    """The app's own check is content with a rule for the user or for a group of the user (NC §3.2)."""
    return any(
        (kind == "user" and name.casefold() == USER.casefold()) or (kind == "group" and name in GROUPS)
        for kind, name in folder.managers
    )


def _renamed_folder(pieces: Pieces, adopt_folder: bool) -> Folder | None:
    candidates = [folder for folder in pieces.folders if GROUP in folder.groups]
    if not candidates:
        return None
    if adopt_folder and len(candidates) == 1:
        return candidates[0]
    named = ", ".join(f"{folder.mount_point} (id {folder.id}, {_used(folder)})" for folder in candidates)
    choice = (
        "several folders could be meant: rename the right one yourself"
        if adopt_folder
        else "if it is the one, set adopt_folder: true and it gets its name back, or rename it yourself"
    )
    raise _refusal(
        pieces,
        f"there is no group folder {MOUNT_POINT}, but group {GROUP} uses {named}",
        f"Somebody may have renamed it; {choice} (occ groupfolders:rename <id> {MOUNT_POINT})."
        f" If it is a folder of its own, take group {GROUP} off it: occ groupfolders:group <id> {GROUP} --delete",
        folder_ids=[folder.id for folder in candidates],
    )


def _used(folder: Folder) -> str:
    from_size = "size unknown" if folder.size is None else f"{folder.size} bytes"
    return from_size


def _refusal(pieces: Pieces, answer: str, remedy: str, **facts: t.Any) -> Refused:
    return Refused(answer, attempted="complete the project folders", server=pieces.server, remedy=remedy, **facts)


def _write(admin: NextcloudAdmin, piece: Piece) -> None:
    if piece.kind == CREATE_GROUP:
        admin.create_group(piece.name)
    elif piece.kind == CREATE_USER:
        admin.create_user(USER)
    elif piece.kind == ENABLE_USER:
        admin.enable_user(USER)
    elif piece.kind == ADD_MEMBER:
        admin.add_member(USER, piece.name)
    elif piece.kind == ADD_GROUP_ADMIN:
        admin.add_group_admin(USER, piece.name)
    elif piece.kind == CREATE_FOLDER:
        admin.create_folder(MOUNT_POINT)
    else:
        folder_id = piece.folder_id if piece.folder_id is not None else admin.folder_id(MOUNT_POINT)
        _write_folder(admin, piece, folder_id)


def _write_folder(admin: NextcloudAdmin, piece: Piece, folder_id: int) -> None:
    if piece.kind == RENAME_FOLDER:
        admin.rename_folder(folder_id, MOUNT_POINT)
    elif piece.kind == GIVE_FOLDER:
        admin.give_folder(folder_id, piece.name, ALL_PERMISSIONS, already=piece.already)
    elif piece.kind == ENABLE_ACL:
        admin.set_acl(folder_id, True)
    else:
        admin.add_manager(folder_id, "user", USER)


def _turned_out_right(admin: NextcloudAdmin, piece: Piece) -> bool:
    if piece.kind not in (GIVE_FOLDER, ADD_MANAGER):
        return False
    found = [folder for folder in admin.folders() if folder.mount_point == MOUNT_POINT]
    if len(found) != 1:
        return False
    if piece.kind == GIVE_FOLDER:
        return found[0].groups.get(piece.name) == ALL_PERMISSIONS
    return _manages(found[0])
