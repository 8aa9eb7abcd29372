# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The project folders as a whole: what they consist of, what is missing, and one write for each missing piece.

Nextcloud's own set-up refuses as soon as one piece exists (NC §3.2); here every such state converges, and nothing is deleted on the way.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from .._core.errors import Failure, Refused
from .._core.fields import changes
from .._core.steps import NEXTCLOUD, Step
from . import group_folders, groups, users
from .admin import Folder, Group, NextcloudAdmin, User, size_in_words, user_from_ocs

#: ids that the integration app and OpenProject take for granted, in all versions (NC §3.1)
USER = "OpenProject"
GROUP = "OpenProject"
#: its members get no project folders; exists since app version 2.10
SECOND_GROUP = "OpenProjectNoAutomaticProjectFolders"
GROUPS = (GROUP, SECOND_GROUP)
MOUNT_POINT = "OpenProject"
ATTEMPTED = "complete the project folders"
REMOVE_ATTEMPTED = "remove the project folders"
#: the app that protects user and groups
APP = "integration_openproject"
#: key of the note that a removal has disabled that app
NOTE = "enable_again"
#: below this a quota cannot be meant for project folders
TINY_QUOTA = 100 * 1024**2
#: Nextcloud's marks in a data directory; the second one since version 30
DATA_DIRECTORY_MARKS = (".ocdata", ".ncdata")


class Unread:
    """Says that the caller has not read the user, while C(None) says that there is none."""


UNREAD = Unread()


@dataclass(frozen=True)
class Pieces:
    """What exists.

    :param groups: those of our two groups that exist; one that the user is a member of is taken for existing without a look.
    :param looked_up: how many groups had to be asked for.
    :param folders: all group folders.
    """

    user: User | None
    groups: t.Mapping[str, Group]
    folders: tuple[Folder, ...]
    looked_up: int = 0
    server: str = "Nextcloud"

    @property
    def memberships(self) -> dict[str, bool]:
        """Whether the user is in each of our groups."""
        return {gid: self.user is not None and gid in self.user.groups for gid in GROUPS}

    @property
    def group_admin(self) -> dict[str, bool | None]:
        """Whether the user administers each of our groups; C(None) where that cannot be seen."""
        if self.user is None or self.user.group_admin is None:
            return {gid: None if self.user is not None and gid in self.groups else False for gid in GROUPS}
        return {gid: gid in self.user.group_admin for gid in GROUPS}

    @property
    def folder(self) -> Folder | None:
        """The folder with our mount point.

        :raises Refused: there are several (field case O27).
        """
        return group_folders.find(self.folders, MOUNT_POINT, self.server)


def read_pieces(admin: NextcloudAdmin, *, user_document: t.Mapping[str, t.Any] | Unread | None = UNREAD) -> Pieces:
    """Read what exists: the user, those groups that it is not a member of, and the folders; at most three requests.

    :param user_document: what C(GET /ocs/v2.php/cloud/users/OpenProject) answered, C(None) for 404; given, it is not asked again.
    :raises Refused: the group folders app is missing.
    """
    if isinstance(user_document, Unread):
        user = admin.user(USER)
    else:
        user = user_from_ocs(user_document) if user_document is not None else None
    member_of = user.groups if user is not None else frozenset()
    found = {gid: Group(gid) for gid in GROUPS if gid in member_of}
    unchecked = [gid for gid in GROUPS if gid not in found]
    if unchecked:
        found.update(admin.groups(unchecked))
    return Pieces(user, found, tuple(admin.folders()), len(unchecked), admin.server)


def missing(pieces: Pieces, *, adopt_folder: bool = False) -> list[Step]:
    """The writes that complete the project folders, in an order in which each one can succeed. Pure.

    :param adopt_folder: take over a folder OpenProject that only other groups use, or rename a folder of group OpenProject.
    :raises Refused: the state is ambiguous or not ours to change; the message names what stands in the way.
    """
    users.check(USER, pieces.user, pieces.server, ATTEMPTED)
    for group in pieces.groups.values():
        groups.check(group, pieces.server, ATTEMPTED)
    return [
        *(groups.creation(gid) for gid in GROUPS if gid not in pieces.groups),
        *_missing_of_user(pieces),
        *_missing_of_folder(pieces, adopt_folder),
    ]


def is_untouched(pieces: Pieces) -> bool:
    """Whether Nextcloud's own set-up would go through: no user, no group OpenProject, no folder (NC §3.2)."""
    return (
        pieces.user is None
        and GROUP not in pieces.groups
        and not any(folder.mount_point == MOUNT_POINT or GROUP in folder.groups for folder in pieces.folders)
    )


def is_complete(pieces: Pieces) -> bool:
    """Whether nothing is missing, as far as the way of reading shows it.

    :raises Refused: like :func:`missing`.
    """
    return not missing(pieces)


def prepare(admin: NextcloudAdmin, todo: t.Sequence[Step], *, check_mode: bool) -> None:
    """Make sure before the first write that all of them will be let through; at most one request, none in check mode.

    :raises Failure: group admins are to be appointed and only occ is given, or Nextcloud wants the login password (NC §6.2).
    """
    appoints = [piece.title for piece in todo if piece.kind == "add_group_admin"]
    admin.check_writes([piece.title for piece in todo], appoints=appoints, check_mode=check_mode)


def confirm_memberships(admin: NextcloudAdmin) -> None:
    """Read memberships back: adding to a group of a directory service "succeeds" and does nothing (field case O30).

    :raises Refused: a membership did not come about.
    """
    user = admin.user(USER)
    absent = [gid for gid in GROUPS if user is None or gid not in user.groups]
    if absent:
        raise not_a_member(absent, admin.server)


def not_a_member(absent: t.Sequence[str], server: str) -> Refused:
    """The failure of a membership that was accepted and did not come about."""
    return Refused(
        f"Nextcloud accepted {USER} as a member of {' and '.join(absent)}, but does not show it there",
        attempted=ATTEMPTED,
        server=server,
        remedy="The group probably comes from a directory service; rename it there, so that Nextcloud can keep one of its own",
    )


def completed(pieces: Pieces, *, adopt_folder: bool = False) -> dict[str, t.Any]:
    """The project folders as they will be shown once nothing is missing."""
    entity = _folder_entity(pieces, adopt_folder) or {"groups": {}}
    requested = {**entity, **_folder_desired(entity)}
    # where it cannot be seen, it is not looked at afterwards either
    group_admin = {gid: None if known is None else True for gid, known in pieces.group_admin.items()}
    return _as_shown(dict.fromkeys(GROUPS, True), group_admin, True, requested)


def shown(pieces: Pieces) -> dict[str, t.Any]:
    """The project folders as they are, without ids that a server hands out; empty when nothing of them exists."""
    folder = pieces.folder
    if pieces.user is None and not pieces.groups and folder is None:
        return {}
    entity = group_folders.as_entity(folder) if folder is not None else None
    return _as_shown(
        {gid: pieces.memberships[gid] for gid in GROUPS if gid in pieces.groups},
        pieces.group_admin,
        None if pieces.user is None else pieces.user.enabled,
        entity,
    )


def warnings(admin: NextcloudAdmin, pieces: Pieces, todo: t.Sequence[Step]) -> list[str]:
    """What an administrator should know although nothing fails (field cases O28, O29).

    Where the folder is about to be made, this asks where personal files are (when occ is given and no user shows it) and whether files
    get encrypted.
    """
    found = [quota_warning(pieces)]
    if any(piece.kind in ("create_folder", "rename_folder") for piece in todo):
        home = pieces.user.home if pieces.user is not None else ""
        found.append(shadow_warning(str(PurePath(home).parent) if home else admin.data_directory()))
        # both groups asked for one by one: looking for the encryption as well would cost more than k + 5 starts of occ
        shows_groups = pieces.user is None or pieces.user.group_admin is not None or pieces.looked_up < len(GROUPS)
        if shows_groups and admin.encrypts_all_but_group_folders():
            found.append(ENCRYPTION_WARNING)
    return [warning for warning in found if warning]


ENCRYPTION_WARNING = (
    "Server-side encryption is on, but group folders are left out of it: project files are stored in clear."
    " If that is not meant: occ config:app:set groupfolders enable_encryption --value=true"
)


def quota_warning(pieces: Pieces) -> str:
    """A warning when the folder is full or nearly so, or has a quota that cannot be meant; else empty. The quota is never changed."""
    folder = pieces.folder
    if folder is None or folder.quota < 0:
        return ""
    full = folder.size is not None and folder.size >= 0.95 * folder.quota
    if not full and folder.quota >= TINY_QUOTA:
        return ""
    used = "" if folder.size is None else f", of which {size_in_words(folder.size)} are used"
    return (
        f"Group folder {MOUNT_POINT} has a quota of {group_folders.quota_in_words(folder.quota)}{used}: OpenProject and its users will get"
        f" 507 Insufficient Storage. To lift it: occ groupfolders:quota {folder.id} unlimited"
    )


def shadow_warning(data_directory: str) -> str:
    """A warning when users have a folder of their own that the group folder will hide; empty when there is none or nobody can see.

    :param data_directory: only looked at when it is on the machine that runs the module.
    """
    try:
        if not data_directory or not any((Path(data_directory) / mark).exists() for mark in DATA_DIRECTORY_MARKS):
            return ""
        owners = sorted(path.parts[-3] for path in Path(data_directory).glob(f"*/files/{MOUNT_POINT}"))
    except OSError:
        # the module runs as somebody who may not look there
        return ""
    if not owners:
        return ""
    listed = ", ".join(owners[:5]) + (f" and {len(owners) - 5} more" if len(owners) > 5 else "")
    return (
        f"{listed}: there is a folder {MOUNT_POINT} among the personal files. For members of group {GROUP} the group folder will hide it;"
        " nothing is lost. Rename it first, or later with occ files:move"
    )


def _missing_of_user(pieces: Pieces) -> list[Step]:
    entity = users.as_entity(pieces.user, GROUPS)
    if entity is not None:
        entity["group_admin"] = pieces.group_admin
    desired = {
        "enabled": True,
        "memberships": dict.fromkeys(GROUPS, True),
        "group_admin": dict.fromkeys(GROUPS, True),
    }
    steps = users.steps(USER, entity, changes(users.FIELDS, desired, entity or {}))
    return [replace(step, confirm=confirm_memberships) if step.kind == "add_member" else step for step in steps]


def _missing_of_folder(pieces: Pieces, adopt_folder: bool) -> list[Step]:
    folder = pieces.folder
    renamed = _renamed_folder(pieces, adopt_folder) if folder is None else None
    if folder is not None and folder.groups and GROUP not in folder.groups and not adopt_folder:
        raise _refusal(
            pieces,
            f"group folder {MOUNT_POINT} (id {folder.id}) belongs to {', '.join(sorted(folder.groups))}, not to group {GROUP}",
            "Set adopt_folder: true to let OpenProject use it too (its groups and files stay), or rename it:"
            f" occ groupfolders:rename {folder.id} <name>",
            folder_ids=[folder.id],
        )
    entity = _folder_entity(pieces, adopt_folder)
    delta = changes(group_folders.fields(), _folder_desired(entity or {}), entity or {})
    rename = [group_folders.renaming(renamed, MOUNT_POINT)] if renamed is not None else []
    return [*rename, *group_folders.steps(MOUNT_POINT, entity, delta)]


def _folder_entity(pieces: Pieces, adopt_folder: bool) -> dict[str, t.Any] | None:
    folder = pieces.folder
    if folder is None:
        renamed = _renamed_folder(pieces, adopt_folder)
        folder = replace(renamed, mount_point=MOUNT_POINT) if renamed is not None else None
    return group_folders.as_entity(folder) if folder is not None else None


def _folder_desired(entity: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The folder as the app wants it; other groups and managers are kept."""
    managers = list(entity.get("managing_users") or [])
    # the app's own check is content with a rule for a group of the user (NC §3.2); switched off, there are no rules
    by_group = entity.get("advanced_permissions") and set(GROUPS) & set(entity.get("managing_groups") or [])
    if USER not in managers and not by_group:
        managers.append(USER)
    return {
        "groups": {**(entity.get("groups") or {}), GROUP: group_folders.ALL_WORDS},
        "advanced_permissions": True,
        "managing_users": managers,
    }


def _renamed_folder(pieces: Pieces, adopt_folder: bool) -> Folder | None:
    candidates = [folder for folder in pieces.folders if GROUP in folder.groups]
    if not candidates:
        return None
    if adopt_folder and len(candidates) == 1:
        return candidates[0]
    named = ", ".join(f"{folder.mount_point} (id {folder.id}, {size_in_words(folder.size)})" for folder in candidates)
    choice = (
        "several could be meant: rename the right one yourself"
        if adopt_folder
        else "if it is the one, set adopt_folder: true and it gets its name back, or rename it yourself"
    )
    raise _refusal(
        pieces,
        f"there is no group folder {MOUNT_POINT}, but group {GROUP} uses {named}",
        f"Somebody may have renamed it; {choice} (occ groupfolders:rename {candidates[0].id} {MOUNT_POINT})."
        f" If it is a folder for something else, take it away from the group: occ groupfolders:group {candidates[0].id} {GROUP} --delete",
        folder_ids=[folder.id for folder in candidates],
    )


def _refusal(pieces: Pieces, answer: str, remedy: str, **facts: t.Any) -> Refused:
    return Refused(answer, attempted=ATTEMPTED, server=pieces.server, remedy=remedy, **facts)


def _as_shown(
    members: t.Mapping[str, bool],
    group_admin: t.Mapping[str, bool | None],
    enabled: bool | None,
    folder: t.Mapping[str, t.Any] | None,
) -> dict[str, t.Any]:
    return {
        "user": {} if enabled is None else {"id": USER, "enabled": enabled},
        "groups": {gid: {"member": member, "group_admin": group_admin[gid]} for gid, member in sorted(members.items())},
        "group_folder": {}
        if folder is None
        else {
            "mount_point": MOUNT_POINT,
            "groups": dict(sorted(folder["groups"].items())),
            "advanced_permissions": folder["advanced_permissions"],
            "managing_users": sorted(folder["managing_users"]),
            "managing_groups": sorted(folder.get("managing_groups") or []),
        },
    }


class Removal:
    """Removes the group folder with all its files, the user and both groups.

    While the integration app is enabled it protects user and groups (NC §3.5), so it is disabled for that moment, and enabled again
    also when a removal fails. A note in Nextcloud's configuration tells a later run that this one was killed in between.

    :param clean_up: does something when the call is over, however it ended.
    """

    def __init__(self, admin: NextcloudAdmin, clean_up: t.Callable[[t.Callable[[], None]], None]) -> None:
        self.admin, self._clean_up = admin, clean_up
        self._disabled = False

    def steps(self) -> list[Step]:
        """What there is to remove; empty when there is nothing.

        :raises Refused: something is there that is not ours to remove.
        """
        admin = self.admin
        pieces = read_pieces(admin)
        _refuse_what_others_use(pieces)
        # an account in another spelling is not the one that was made for project folders
        user = pieces.user if pieces.user is not None and pieces.user.id == USER else None
        users.check(USER, user, pieces.server, REMOVE_ATTEMPTED)
        for group in pieces.groups.values():
            groups.check(group, pieces.server, REMOVE_ATTEMPTED)
        folder = pieces.folder
        interrupted = admin.note(NOTE) == APP
        steps = []
        if folder is not None:
            title = f"remove group folder {MOUNT_POINT} with all its files"
            steps.append(self._step("delete_folder", title, lambda: admin.delete_folder(folder.id)))
        accounts = [self._step("delete_user", f"remove user {USER}", lambda: admin.delete_user(USER))] if user else []
        accounts += [self._group_removal(gid) for gid in GROUPS if gid in pieces.groups]
        if interrupted or (accounts and admin.app_enabled(APP)):
            reason = "an earlier removal was interrupted" if interrupted else "it protects the user and the groups"
            off, on = f"disable the app {APP} for the removal", f"enable the app {APP} again"
            disable = [Step(NEXTCLOUD, "disable_app", off, reason, lambda _run: self._disable(), single=False)]
            enable = Step(NEXTCLOUD, "enable_app", on, reason, lambda _run: self._enable(), single=False)
            accounts = [*(disable if accounts else []), *accounts, enable]
        return [*steps, *accounts]

    def check(self, steps: t.Sequence[Step], *, check_mode: bool) -> None:
        """Make sure before the first write that all of them will be let through."""
        self.admin.check_writes([step.title for step in steps], appoints=(), check_mode=check_mode)

    def _group_removal(self, gid: str) -> Step:
        return self._step("delete_group", f"remove group {gid}", lambda: self.admin.delete_group(gid))

    @staticmethod
    def _step(kind: str, title: str, work: t.Callable[[], None]) -> Step:
        return Step(NEXTCLOUD, kind, title, apply=lambda _run: work())

    def _disable(self) -> None:
        self.admin.set_note(NOTE, APP)
        self._disabled = True
        self._clean_up(self._enable_after_failure)
        self.admin.disable_app(APP)

    def _enable(self) -> None:
        self.admin.enable_app(APP)
        self._disabled = False
        self.admin.set_note(NOTE, "")

    def _enable_after_failure(self) -> None:
        if not self._disabled:
            return
        try:
            self._enable()
        except Failure as failure:
            failure.remedy = f"The app {APP} is still disabled: the next removal enables it, or occ app:enable {APP}"
            raise


def _refuse_what_others_use(pieces: Pieces) -> None:
    folder = pieces.folder
    others = sorted(set(folder.groups) - set(GROUPS)) if folder is not None else []
    if folder is not None and others:
        raise Refused(
            f"group folder {MOUNT_POINT} (id {folder.id}) is used by {', '.join(others)} as well",
            attempted=REMOVE_ATTEMPTED,
            server=pieces.server,
            remedy=f"Rename it to keep it (occ groupfolders:rename {folder.id} <name>), or take it away from them"
            f" (occ groupfolders:group {folder.id} <group> --delete)",
            folder_ids=[folder.id],
        )
