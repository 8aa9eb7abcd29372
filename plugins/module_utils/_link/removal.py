# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removing a link, in the order of design §5.5: storage, application password, settings of the app, project folders."""

from __future__ import annotations

import typing as t

from .._core.errors import Refused
from .._core.module import Call, Result
from .._nextcloud import project_folders
from . import report
from .plan import NEXTCLOUD, OPENPROJECT, Plan
from .read import Sides, read_link
from .state import Desired, LinkState

DELETE_STORAGE = "delete_storage"
HEAL_CLIENT = "heal_client"
REMOVE_PASSWORD = "remove_password"
RESET_APP = "reset_app"
REMOVE_FOLDERS = "remove_folders"


def plan_removal(state: LinkState, desired: Desired, *, projects: int, folders: t.Sequence[str]) -> Plan:
    """What of the link is ours and still there. Pure.

    :param projects: how many active projects use the storage.
    :param folders: pieces of the project folders that are to be removed, in words; empty when they stay.
    """
    plan = Plan()
    settings = state.nextcloud
    if owned_storage(state, desired):
        name = t.cast("t.Any", state.storage).name
        plan.add(DELETE_STORAGE, OPENPROJECT, f'delete the storage "{name}"', f"{projects} projects use it")
    if owns_nextcloud(state, desired):
        if settings.application_password:
            if settings.dangling:
                plan.add(
                    HEAL_CLIENT,
                    NEXTCLOUD,
                    "make a new OAuth client",
                    "Nextcloud points to a deleted one and would refuse the next step",
                )
            plan.add(
                REMOVE_PASSWORD,
                NEXTCLOUD,
                "remove the application password for project folders",
                "it would go on working",
            )
        if not settings.untouched or settings.application_password:
            plan.add(RESET_APP, NEXTCLOUD, "reset OpenProject Integration", "state is absent")
    if folders:
        plan.add(REMOVE_FOLDERS, NEXTCLOUD, f"remove {', '.join(folders)}", "remove_project_folders is true")
    return plan


def owned_storage(state: LinkState, desired: Desired) -> bool:
    """Whether the storage that was found stands for this Nextcloud (design §5.2)."""
    storage = state.storage
    return storage is not None and (
        desired.nextcloud.is_same(storage.host)
        or storage.id == desired.storage_id
        or (storage.client_id is not None and storage.client_id == state.nextcloud.openproject_client_id)
    )


def owns_nextcloud(state: LinkState, desired: Desired) -> bool:
    """Whether Nextcloud's side belongs to this OpenProject, or to nobody."""
    settings = state.nextcloud
    known = (
        state.storage is not None
        and state.storage.client_id is not None
        and state.storage.client_id == settings.openproject_client_id
    )
    return settings.app and (
        not settings.linked or desired.openproject.is_same(settings.openproject_url) or known or desired.relink
    )


def remove_link(call: Call, sides: Sides, desired: Desired) -> Result:
    """Remove the link; unchanged when it is gone.

    :raises Refused: something is there and C(force_delete) is not set; nothing was written.
    """
    state = read_link(sides, desired)
    settings = state.nextcloud
    with_folders = call.params["remove_project_folders"]
    if not settings.app:
        call.warn(
            "OpenProject Integration is missing or disabled in Nextcloud, so its settings are left as they are."
            if not with_folders
            else "OpenProject Integration is missing or disabled in Nextcloud; it is enabled again after project folders are removed."
        )
    elif not owns_nextcloud(state, desired):
        call.warn(f"Nextcloud is linked to another OpenProject, {settings.openproject_url}, and is left alone.")
    folders = (
        project_folders.removable(sides.admin)
        if with_folders and (owns_nextcloud(state, desired) or not settings.app)
        else []
    )
    owned = owned_storage(state, desired)
    projects = len(sides.storages.project_storages(t.cast("t.Any", state.storage).id)) if owned else 0
    plan = plan_removal(state, desired, projects=projects, folders=folders)
    result: Result = {
        "changed": bool(plan.steps),
        "actions": [step.as_action() for step in plan.steps],
        "link": report.as_returned(state),
        "diff": {"before": report.before(state, desired) if plan.steps else {}, "after": {}},
    }
    if not plan.steps:
        return result
    if not call.params["force_delete"]:
        raise Refused(
            "removing the link needs force_delete: true. "
            + (
                f"{projects} active projects use the storage; deleting it deletes all links between their work packages and files, and the automatic"
                " folders on Nextcloud with their files"
                if owned
                else "It would " + "; ".join(step.text for step in plan.steps)
            ),
            remedy="Make sure that nobody needs it, then set force_delete: true",
        )
    if not call.check_mode:
        _apply(plan, sides, state, projects)
    return result


def _apply(plan: Plan, sides: Sides, state: LinkState, projects: int) -> None:
    integration = sides.integration
    doing: dict[str, t.Callable[[], object]] = {
        DELETE_STORAGE: lambda: sides.storages.delete(t.cast("t.Any", state.storage), projects),
        HEAL_CLIENT: integration.new_client,
        REMOVE_PASSWORD: lambda: integration.patch(
            {"setup_app_password": False}, attempted="remove the application password"
        ),
        RESET_APP: integration.reset,
        REMOVE_FOLDERS: lambda: project_folders.remove(sides.admin),
    }
    for step in plan.steps:
        doing[step.kind]()
