# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading both sides, with as few requests as possible (design §5.1)."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from .._core.errors import Refused
from .._nextcloud.admin import NextcloudAdmin
from .._nextcloud.integration import Integration
from .._nextcloud.project_folders import read_pieces
from .._openproject.runner import Runner
from .._openproject.storages import ListedStorage, Storages
from .state import Desired, LinkState


@dataclass
class Sides:
    """What a link works with: both servers' APIs, and their command lines where they were given.

    :param admin: how user, groups and group folder of Nextcloud are read and written.
    """

    storages: Storages
    integration: Integration
    admin: NextcloudAdmin
    runner: Runner | None


def read_link(sides: Sides, desired: Desired, wrong: frozenset[str] = frozenset()) -> LinkState:
    """The state of both sides: two requests to OpenProject; two to Nextcloud, three with project folders.

    :raises Refused: C(storage_id) names no storage, or several storages have our host.
    """
    listed = tuple(sides.storages.listed())
    chosen = choose_storage(listed, desired)
    storage = sides.storages.get(chosen.id) if chosen is not None else None
    settings = sides.integration.read()
    user = sides.integration.user_document() if desired.project_folders and settings.app else None
    return LinkState(
        listed=listed, storage=storage, nextcloud=settings, user=user, runner=sides.runner is not None, wrong=wrong
    )


def read_more(sides: Sides, state: LinkState, wants: t.Container[str]) -> LinkState:
    """Read what only a plan with a write needs."""
    if "pieces" in wants:
        state = replace(state, pieces=read_pieces(sides.admin, user_document=state.user))
    if "project_storages" in wants and state.storage is not None:
        state = replace(state, project_storages=len(sides.storages.project_storages(state.storage.id)))
    return state


def choose_storage(listed: t.Sequence[ListedStorage], desired: Desired) -> ListedStorage | None:
    """The storage that is ours or stands in our way: by id, else by host, else by name (design §5.2).

    :raises Refused: C(storage_id) names no Nextcloud storage, or several storages have our host.
    """
    candidates = [storage for storage in listed if storage.is_nextcloud]
    if desired.storage_id is not None:
        for storage in candidates:
            if storage.id == desired.storage_id:
                return storage
        raise Refused(
            f"there is no Nextcloud storage with id {desired.storage_id} in OpenProject",
            remedy=f"There are: {', '.join(f'{storage.id} ({storage.name}, {storage.host})' for storage in candidates) or 'none'}",
        )
    ours = [storage for storage in candidates if desired.nextcloud.is_same(storage.host)]
    if len(ours) > 1:
        raise Refused(
            f"several storages in OpenProject have the host {desired.nextcloud}: "
            + ", ".join(f'"{storage.name}" (id {storage.id}, {storage.host})' for storage in ours),
            remedy="Say with storage_id which one is to be kept, and delete the others in Administration, Files",
        )
    if ours:
        return ours[0]
    # other storage types share the names, so all of them count here
    return next((storage for storage in listed if storage.name == desired.storage_name), None)
