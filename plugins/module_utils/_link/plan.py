# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From observed and desired state to steps: a pure function, readable as a table (design §5).

Each step leaves a state that the next run recognises and finishes; the order is the one of design §5.3.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from .._core.errors import Refused
from .._core.steps import NEXTCLOUD, OPENPROJECT, Step, Work
from .._nextcloud import project_folders
from .._nextcloud.integration import setup_text, setup_values
from .._openproject.storages import projects_use
from .apply import (
    CREATE_STORAGE,
    FIX_REDIRECT,
    HAND_OVER_CLIENT,
    HAND_OVER_PASSWORD,
    HANDED_OUT,
    HEAL_CLIENT,
    MANAGEMENT_OFF,
    NEW_CLIENT,
    PATCH_SETUP,
    RECREATE_STORAGE,
    REPLACE_APPLICATION,
    UPDATE_STORAGE,
    LinkRun,
)
from .state import APPLICATION_PASSWORD, NEXTCLOUD_OAUTH, OPENPROJECT_OAUTH, Desired, LinkState

AUTHORISE_NEXTCLOUD = (
    "every user must let OpenProject access Nextcloud again (OpenProject, Files tab of a work package, Log in)"
)
AUTHORISE_OPENPROJECT = (
    "every user must connect Nextcloud to OpenProject again (Nextcloud, Personal settings, OpenProject)"
)

ROTATED = "rotation was requested"

CHOICES = (
    "There are two choices: give runner_command (and runner_exec), so that OpenProject replaces its OAuth application without touching projects and files;"
    " or remove the link with state=absent and force_delete=true, which deletes the storage with all its file links and automatic folders, and run again"
)


@dataclass
class Plan:
    """Steps in the order in which they are safe.

    :param repairs: those among the steps that complete the project folders, for Nextcloud's administrator alone.
    :param wants: facts that only a plan with a write needs and that nobody has read yet: ``pieces``, ``project_storages``.
    :param costs: what the steps cost users.
    """

    steps: list[Step] = field(default_factory=list)
    repairs: list[Step] = field(default_factory=list)
    wants: set[str] = field(default_factory=set)
    costs: list[str] = field(default_factory=list)

    def add(self, kind: str, side: str, title: str, reason: str, apply: Work, **more: t.Any) -> None:
        """Append a step."""
        self.steps.append(Step(side, kind, title, reason, apply, **more))

    @property
    def writes(self) -> bool:
        """Whether anything is to be done, or may be once the wanted facts are known."""
        return bool(self.steps or self.wants)

    def has(self, *kinds: str) -> bool:
        """Whether one of these steps is in the plan."""
        return any(step.kind in kinds for step in self.steps)


def make_plan(state: LinkState, desired: Desired) -> Plan:
    """What is to be done so that the link is as requested; nothing on a link that is.

    :raises Refused: the state forbids it; nothing was written.
    """
    refuse_what_is_not_ours(state, desired)
    if desired.rotate and (state.storage is None or not state.nextcloud.linked):
        raise Refused(
            "there is no link whose secrets could be renewed",
            remedy="Set the link up first: run the module link, or site.yml, without rotate",
        )
    plan = Plan()
    application = openproject_application(state, desired, plan)
    client = _nextcloud_client(state, desired, plan, application)
    arrange(plan, state, desired, application, client, project_folder_changes(state, desired, plan, application))
    return plan


def arrange(
    plan: Plan,
    state: LinkState,
    desired: Desired,
    application: str | None,
    client: ClientChanges,
    password: FolderChanges,
    *,
    new_secret: bool | None = None,
) -> None:
    """Put what is to be done into the order in which it is safe (design §5.3).

    :param new_secret: client id and secret of OpenProject are to be entered in Nextcloud; not given, when the plan makes them.
    """
    # what can fail without holding a secret comes first; a step that makes a secret is followed by the one that hands it over
    plan.repairs = list(password.repairs)
    plan.steps += [
        replace(step.within(lambda run: run.sides.admin), confirm=LinkRun.confirm_user) for step in plan.repairs
    ]
    without_application = state.storage is not None and state.storage.client_id is None
    if application in (None, REPLACE_APPLICATION) and not without_application:
        _storage_itself(state, desired, plan)
        _management_off(desired, plan, password)
    if client.heal:
        plan.add(
            HEAL_CLIENT,
            NEXTCLOUD,
            "create a new OAuth client for OpenProject",
            "the one that Nextcloud points to was deleted",
            LinkRun.new_client,
        )
        if application is None:
            _hand_over_client(plan, client)
    if application is not None:
        title, work = _application_work(application, desired)
        plan.add(
            application,
            OPENPROJECT,
            title,
            _application_reason(state, desired),
            work,
            undo=LinkRun.delete_created if application == CREATE_STORAGE else None,
            single=application != RECREATE_STORAGE,
        )
    if application == REPLACE_APPLICATION and without_application:
        # up to 15.4 a PATCH of a storage without an OAuth application fails (OP §14)
        _storage_itself(state, desired, plan)
        _management_off(desired, plan, password)
    new_secret = application is not None if new_secret is None else new_secret
    values, reasons = _setup_values(state, desired, new_secret, password)
    if values:
        plan.add(PATCH_SETUP, NEXTCLOUD, setup_text(values), "; ".join(reasons), _patch(values), values=values)
    if client.fix_redirect and "openproject_instance_url" not in values:
        plan.add(
            FIX_REDIRECT,
            NEXTCLOUD,
            "write the address of OpenProject again",
            "the redirect URI of the OAuth client still has another one",
            LinkRun.fix_redirect,
            single=False,
        )
    if client.renew:
        _hand_over_password(plan, password)
        plan.add(NEW_CLIENT, NEXTCLOUD, "create a new OAuth client for OpenProject", client.reason, LinkRun.new_client)
    if not plan.has(HAND_OVER_CLIENT):
        _hand_over_client(plan, client)
    if not plan.has(HAND_OVER_PASSWORD):
        _hand_over_password(plan, password)
    _costs(state, plan)


def _management_off(desired: Desired, plan: Plan, password: FolderChanges) -> None:
    if password.off:
        plan.add(
            MANAGEMENT_OFF,
            OPENPROJECT,
            f'switch automatic management of the storage "{desired.storage_name}" off',
            "until the new application password is handed over; project storages keep their mode and folders"
            if password.renew
            else "project_folders is false",
            LinkRun.management_off,
        )


def _hand_over_client(plan: Plan, client: ClientChanges) -> None:
    if client.hand_over:
        title = "enter the OAuth client of Nextcloud"
        plan.add(HAND_OVER_CLIENT, OPENPROJECT, title, client.reason, LinkRun.hand_over_client)


def _hand_over_password(plan: Plan, password: FolderChanges) -> None:
    if password.renew:
        title = "enter the application password of Nextcloud"
        plan.add(HAND_OVER_PASSWORD, OPENPROJECT, title, password.reason, LinkRun.hand_over_password)


def _patch(values: t.Mapping[str, t.Any]) -> Work:
    return lambda run: run.patch_setup(values)


def refuse_what_is_not_ours(state: LinkState, desired: Desired) -> None:
    """The rules of ownership (design §5.2).

    :raises Refused: the storage, or the Nextcloud, belongs to somebody else.
    """
    storage, settings = state.storage, state.nextcloud
    if storage is not None:
        if not state.owns_storage(desired):
            raise Refused(
                f'the storage "{storage.name}" in OpenProject (id {storage.id}) stands for another Nextcloud, {storage.host}',
                remedy=f"Choose another storage_name; or, if that is this Nextcloud under a former address, set storage_id: {storage.id}",
            )
        if storage.sso:
            raise Refused(
                f'the storage "{storage.name}" authenticates by single sign-on, which this collection does not manage',
                remedy="Set it to two-way OAuth in OpenProject (Administration, Files), or leave this link to its own tools",
            )
        others = [other for other in state.listed if other.id != storage.id and other.name == desired.storage_name]
        if others and storage.name != desired.storage_name:
            raise Refused(
                f'the storage of this Nextcloud is called "{storage.name}" and cannot be renamed to "{desired.storage_name}":'
                f" another storage has that name (id {others[0].id}, {others[0].host})",
                remedy=f'Set storage_name to "{storage.name}" or to a free name',
            )
    if not state.owns_nextcloud(desired):
        raise Refused(
            f"Nextcloud is linked to another OpenProject, {settings.openproject_url}",
            remedy="If it should leave that one, or if that is this OpenProject under a former address, set relink: true",
        )


# --- OpenProject's OAuth application ---------------------------------------------------------------------------------


def openproject_application(state: LinkState, desired: Desired, plan: Plan) -> str | None:
    """How a client secret for Nextcloud is obtained: C(None) when the one it has is right."""
    storage = state.storage
    if storage is None:
        return CREATE_STORAGE
    if state.openproject_oauth_agreed and OPENPROJECT_OAUTH not in desired.rotate:
        return None
    # nobody can have used a storage that was never completed: the trace of a run that died (design §5.3)
    if storage.nextcloud_client_id is None and not storage.has_application_password:
        if state.project_storages is None:
            plan.wants.add("project_storages")
            return RECREATE_STORAGE
        if state.project_storages == 0:
            return RECREATE_STORAGE
    if state.runner:
        return REPLACE_APPLICATION
    if OPENPROJECT_OAUTH in desired.rotate and state.openproject_oauth_agreed:
        raise Refused(
            "OpenProject's API cannot renew an OAuth application",
            remedy="Give runner_command (and runner_exec): OpenProject's own command line can",
        )
    if state.project_storages is None:
        # how many projects depend on it is said only where it was looked at
        plan.wants.add("project_storages")
        return REPLACE_APPLICATION
    raise Refused(
        f"{_application_reason(state, desired)}; {projects_use(state.project_storages)} the storage", remedy=CHOICES
    )


def _application_work(application: str, desired: Desired) -> tuple[str, Work]:
    """Title and work of the step that makes a client secret of OpenProject."""
    name = desired.storage_name
    choices: dict[str, tuple[str, Work]] = {
        CREATE_STORAGE: (f'create the storage "{name}" for {desired.nextcloud}', LinkRun.create_storage),
        RECREATE_STORAGE: (
            f'delete the unfinished storage "{name}", which nobody uses, and create it again',
            LinkRun.recreate_storage,
        ),
        REPLACE_APPLICATION: (
            f'replace the OAuth application of the storage "{name}"',
            LinkRun.replace_application,
        ),
    }
    return choices[application]


def _application_reason(state: LinkState, desired: Desired) -> str:
    storage, settings = state.storage, state.nextcloud
    if storage is None:
        return "OpenProject has no storage for this Nextcloud"
    if OPENPROJECT_OAUTH in state.wrong:
        return "the client secret that Nextcloud stores was tried and is wrong"
    if storage.client_id is None:
        return "the OAuth application of the storage was deleted"
    if state.openproject_oauth_agreed and OPENPROJECT_OAUTH in desired.rotate:
        return ROTATED
    if not settings.openproject_client_id or not settings.openproject_client_secret:
        return "Nextcloud does not have the client id and secret of OpenProject's OAuth application, and OpenProject shows a secret only once"
    return "Nextcloud has the client id of another OAuth application than the storage's, and OpenProject shows a secret only once"


def _storage_itself(state: LinkState, desired: Desired, plan: Plan) -> None:
    storage = t.cast("t.Any", state.storage)
    values: dict[str, str] = {}
    reasons = []
    if storage.name != desired.storage_name:
        values["name"] = desired.storage_name
        reasons.append(f'its name is "{storage.name}"')
    if not desired.nextcloud.is_same(storage.host):
        values["host"] = str(desired.nextcloud)
        reasons.append(f"its host is {storage.host}")
    if values:
        words = " and ".join(f"{key} to {value}" for key, value in values.items())
        plan.add(
            UPDATE_STORAGE,
            OPENPROJECT,
            f"change the storage: {words}",
            "; ".join(reasons),
            lambda run: run.update_storage(values),
            values=values,
        )


# --- Nextcloud's OAuth client ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ClientChanges:
    """What happens to Nextcloud's OAuth client."""

    heal: bool
    renew: bool
    hand_over: bool
    fix_redirect: bool
    reason: str


def _nextcloud_client(state: LinkState, desired: Desired, plan: Plan, application: str | None) -> ClientChanges:
    settings, storage = state.nextcloud, state.storage
    agreed = state.nextcloud_oauth_agreed and application not in (CREATE_STORAGE, RECREATE_STORAGE)
    rotated = NEXTCLOUD_OAUTH in desired.rotate
    if agreed and not rotated:
        reason = ""
    elif agreed:
        reason = ROTATED
    elif NEXTCLOUD_OAUTH in state.wrong:
        reason = "the client secret that OpenProject stores was tried and is wrong"
    elif storage is None or application == RECREATE_STORAGE or storage.nextcloud_client_id is None:
        reason = "the storage does not have it yet"
    elif settings.client_id is None:
        reason = "Nextcloud has no OAuth client any more"
    else:
        reason = "the storage has another client id than Nextcloud, and Nextcloud shows a secret only once"
    hand_over = not agreed or rotated
    return ClientChanges(
        heal=settings.dangling,
        renew=hand_over and settings.client_id is not None,
        hand_over=hand_over,
        fix_redirect=not hand_over and settings.redirect_uri != desired.client_redirect_uri(settings.client_id),
        reason=reason,
    )


# --- project folders -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FolderChanges:
    """What happens to project folders: the steps that complete them, whether a new application password is made and handed over."""

    set_up: bool = False
    renew: bool = False
    off: bool = False
    repairs: tuple[Step, ...] = ()
    reason: str = ""


def project_folder_changes(state: LinkState, desired: Desired, plan: Plan, application: str | None) -> FolderChanges:
    settings, storage = state.nextcloud, state.storage
    stays = storage is not None and application not in (CREATE_STORAGE, RECREATE_STORAGE)
    managed = stays and storage is not None and storage.has_application_password
    if desired.project_folders is False:
        if APPLICATION_PASSWORD in desired.rotate:
            raise Refused("an application password cannot be renewed while project_folders is false")
        return FolderChanges(off=managed)
    if desired.project_folders is None:
        return _folders_left_alone(state, desired, managed)

    set_up, repairs = _repairs(state, desired, plan) if not state.folders_right else (False, ())
    if APPLICATION_PASSWORD in desired.rotate:
        reason = ROTATED
    elif set_up:
        reason = "project folders are being set up"
    elif APPLICATION_PASSWORD in state.wrong:
        reason = "the application password that OpenProject stores was tried and is wrong"
    elif not settings.application_password or state.user is None:
        reason = "Nextcloud has no application password for project folders"
    elif settings.fresh:
        reason = "OpenProject Integration was reset"
    elif not managed:
        reason = "automatic management is off in OpenProject"
    else:
        return FolderChanges(repairs=repairs)
    if state.folders_right:
        # the app is content; two folders with one mount point or an account of a directory service it does not see
        _repairs(state, desired, plan)
    return FolderChanges(set_up=set_up, renew=True, off=managed, repairs=repairs, reason=reason)


def _repairs(state: LinkState, desired: Desired, plan: Plan) -> tuple[bool, tuple[Step, ...]]:
    """Whether the app itself can set everything up, and the steps that complete them where it cannot.

    :raises Refused: the state of the folders is ambiguous or not ours to change.
    """
    settings = state.nextcloud
    if not settings.app or not settings.group_folders_app:
        return True, ()
    if state.pieces is None:
        plan.wants.add("pieces")
        return False, ()
    if project_folders.is_untouched(state.pieces):
        return True, ()
    repairs = tuple(project_folders.missing(state.pieces, adopt_folder=desired.adopt_folder))
    if not repairs and not state.folders_right:
        raise Refused(
            "OpenProject Integration does not find the project folders right, although every piece of them is there",
            server=state.pieces.server,
            # group folders 17 shows a rule for "openproject" in the account's spelling, and the app does not count it
            remedy="If the manager of the folder was once entered in another spelling, remove and add it again: occ"
            " groupfolders:permissions <id> -r -u <spelling>, then -m -u OpenProject. Else see whether the app Group"
            " folders works for the account OpenProject, and what Nextcloud's log says",
        )
    return False, repairs


def _folders_left_alone(state: LinkState, desired: Desired, managed: bool) -> FolderChanges:
    """Project folders are not asked for: only what would break them must be made good again.

    After a reset both C(setup_*) keys must be sent once (NC §1.5), and a false one removes the password that OpenProject holds.
    """
    settings = state.nextcloud
    if APPLICATION_PASSWORD in desired.rotate:
        if not managed:
            raise Refused(
                "there is no application password to renew: automatic management is off in OpenProject",
                remedy="Set project_folders: true to switch it on",
            )
        return FolderChanges(renew=True, off=True, reason=ROTATED)
    if managed and APPLICATION_PASSWORD in state.wrong:
        return FolderChanges(
            renew=True, off=True, reason="the application password that OpenProject stores was tried and is wrong"
        )
    if managed and settings.fresh and settings.folders:
        return FolderChanges(renew=True, off=True, reason="OpenProject Integration was reset")
    return FolderChanges()


# --- what is written to Nextcloud ------------------------------------------------------------------------------------


def _setup_values(
    state: LinkState, desired: Desired, new_secret: bool, folders: FolderChanges
) -> tuple[dict[str, t.Any], list[str]]:
    """One PATCH with all that differs."""
    return setup_values(
        state.nextcloud,
        url=desired.openproject,
        credentials=(HANDED_OUT, HANDED_OUT) if new_secret else None,
        toggles={
            "default_enable_navigation": desired.default_enable_navigation,
            "default_enable_unified_search": desired.default_enable_unified_search,
        },
        set_up_folders=folders.set_up,
        renew_password=folders.renew,
        password_reason=folders.reason,
    )


def _costs(state: LinkState, plan: Plan) -> None:
    """Who must log in again, concluded from what the plan does and from what users may have authorised."""
    settings, storage = state.nextcloud, state.storage
    was_handed_over = storage is None or bool(storage.nextcloud_client_id)
    if plan.has(NEW_CLIENT, HEAL_CLIENT) and settings.linked and was_handed_over:
        plan.costs.append(f"The OAuth client of Nextcloud is new: {AUTHORISE_NEXTCLOUD}.")
    if plan.has(CREATE_STORAGE, REPLACE_APPLICATION, RECREATE_STORAGE) and settings.linked:
        plan.costs.append(f"The OAuth application of OpenProject is new: {AUTHORISE_OPENPROJECT}.")
