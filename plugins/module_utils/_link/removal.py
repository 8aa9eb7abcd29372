# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removing a link, in the order of design §5.5: storage, application password, settings of the app, project folders."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from .._core.errors import Refused
from .._core.module import Call, Result
from .._core.steps import NEXTCLOUD, OPENPROJECT, Step, take
from .._nextcloud import project_folders
from .._openproject.storages import Storage, projects_use
from . import report
from .plan import Plan
from .read import Sides, read_link
from .state import Desired, LinkState

DELETE_STORAGE = "delete_storage"
HEAL_CLIENT = "heal_client"
REMOVE_PASSWORD = "remove_password"
RESET_APP = "reset_app"


def plan_removal(state: LinkState, desired: Desired, *, projects: int, folders: t.Sequence[Step]) -> Plan:
    """What of the link is ours and still there. Pure.

    :param projects: how many active projects use the storage.
    :param folders: the steps that remove the project folders; empty when they stay.
    """
    plan = Plan()
    settings, storage = state.nextcloud, state.storage
    if storage is not None and state.owns_storage(desired):
        plan.add(
            DELETE_STORAGE,
            OPENPROJECT,
            f'delete the storage "{storage.name}"',
            f"{projects_use(projects)} it",
            lambda sides: sides.storages.delete(storage, projects),
        )
    if settings.app and state.owns_nextcloud(desired):
        if settings.application_password:
            if settings.dangling:
                plan.add(
                    HEAL_CLIENT,
                    NEXTCLOUD,
                    "create a new OAuth client",
                    "Nextcloud points to a deleted one and would refuse the next step",
                    lambda sides: sides.integration.new_client(),
                )
            plan.add(
                REMOVE_PASSWORD,
                NEXTCLOUD,
                "remove the application password for project folders",
                "it would go on working",
                lambda sides: sides.integration.patch(
                    {"setup_app_password": False}, attempted="remove the application password"
                ),
            )
        if not settings.untouched or settings.application_password:
            plan.add(
                RESET_APP,
                NEXTCLOUD,
                "reset OpenProject Integration",
                "state is absent",
                lambda sides: sides.integration.reset(),
            )
    plan.steps += [replace(step, reason=step.reason or "remove_project_folders is true") for step in folders]
    return plan


def refuse_another_name(storage: Storage, desired: Desired, server: str) -> None:
    """Refuse to delete a storage that is not the one that was named.

    :raises Refused: neither its name nor its id is the given one.
    """
    if desired.storage_name == storage.name or desired.storage_id == storage.id:
        return
    raise Refused(
        f'the storage of this Nextcloud is called "{storage.name}" (id {storage.id}), not "{desired.storage_name}"',
        attempted="delete the storage",
        server=server,
        remedy=f'If that one is to be deleted, set storage_name to "{storage.name}", or storage_id: {storage.id}',
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
    elif not state.owns_nextcloud(desired):
        call.warn(f"Nextcloud is linked to another OpenProject, {settings.openproject_url}, and is left alone.")
    removal = project_folders.Removal(sides.admin, call.clean_up)
    folders = removal.steps() if with_folders and (not settings.app or state.owns_nextcloud(desired)) else []
    owned = state.owns_storage(desired)
    storage = state.storage
    if storage is not None and owned:
        refuse_another_name(storage, desired, sides.storages.client.server)
    projects = len(sides.storages.project_storages(storage.id)) if storage is not None and owned else 0
    plan = plan_removal(state, desired, projects=projects, folders=folders)
    call.progress.show = Step.as_action
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
                f"{projects_use(projects)} the storage; deleting it deletes all links between their work packages and files, and the"
                " automatic folders on Nextcloud with their files"
                if owned
                else "It would " + "; ".join(step.title for step in plan.steps)
            ),
            remedy="Make sure that nobody needs it, then set force_delete: true",
        )
    if folders:
        removal.check(folders, check_mode=call.check_mode)
    take(plan.steps, sides, call.progress, check_mode=call.check_mode)
    return result
