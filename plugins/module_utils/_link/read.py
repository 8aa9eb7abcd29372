# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading both sides, with as few requests as possible (design §5.1)."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from .._core.errors import Refused
from .._http.address import Address
from .._nextcloud.admin import NextcloudAdmin
from .._nextcloud.integration import Integration
from .._nextcloud.project_folders import read_pieces
from .._openproject.runner import Runner
from .._openproject.storages import ListedStorage, Storage, Storages
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
    settings = sides.integration.read()
    storage = find_storage(
        sides.storages,
        listed,
        desired.nextcloud,
        desired.storage_name,
        settings.openproject_client_id,
        desired.storage_id,
    )
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


class AmbiguousStorage(Refused):
    """Several storages could be the one of a Nextcloud."""


def find_storage(
    storages: Storages,
    listed: t.Sequence[ListedStorage],
    nextcloud: Address | None,
    name: str,
    client_id: str | None,
    storage_id: int | None = None,
) -> Storage | None:
    """The storage that is ours or stands in our way: by id, client id, host, then name (design §5.2).

    It is read once where its host tells already that it is ours; only where the client id says otherwise are others read.

    :param client_id: the client id of OpenProject that Nextcloud stores, as far as it is known.
    :raises Refused: ``storage_id`` names no Nextcloud storage.
    :raises AmbiguousStorage: several could be meant.
    """
    candidates = [storage for storage in listed if storage.is_nextcloud]
    if storage_id is not None:
        if storage_id not in [storage.id for storage in candidates]:
            raise Refused(
                f"there is no Nextcloud storage with id {storage_id} in OpenProject",
                server=storages.client.server,
                remedy=f"There are: {_named(candidates) or 'none'}",
            )
        return storages.get(storage_id)
    ours = [storage for storage in candidates if nextcloud is not None and nextcloud.is_same(storage.host)]
    named = [storage for storage in ours if storage.name == name]
    first = ours[0] if len(ours) == 1 else named[0] if len(named) == 1 else None
    found = storages.get(first.id) if first is not None else None
    if client_id and (found is None or found.client_id != client_id):
        for other in candidates:
            known = storages.get(other.id) if first is None or other.id != first.id else None
            if known is not None and known.client_id == client_id:
                if found is None:
                    return known
                raise _ambiguous([first, other] if first is not None else [other], nextcloud, storages)
    if found is not None:
        return found
    if ours:
        raise _ambiguous(ours, nextcloud, storages)
    # other storage types share the names, so all of them count here
    by_name = next((storage for storage in listed if storage.name == name), None)
    return storages.get(by_name.id) if by_name is not None else None


def _ambiguous(found: t.Sequence[ListedStorage], nextcloud: Address | None, storages: Storages) -> AmbiguousStorage:
    return AmbiguousStorage(
        f"several storages in OpenProject could be the one of {nextcloud}: {_named(found)}",
        server=storages.client.server,
        remedy="Set storage_id to the one that is to be kept, and delete the others in Administration, Files",
    )


def _named(storages: t.Sequence[ListedStorage]) -> str:
    return ", ".join(f'"{storage.name}" (id {storage.id}, {storage.host})' for storage in storages)
