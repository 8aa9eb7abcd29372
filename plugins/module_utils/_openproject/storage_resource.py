# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The OpenProject side of a link as a resource of its own, for those who drive the two sides from different places."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from .._core.errors import ApiError, BadInput, Refused
from .._core.fields import SECRET, Entity, Field
from .._core.module import Call
from .._core.resource import Resource
from .._http.address import Address
from .._http.connection import check_secret
from .client import OpenProject
from .storages import LONGEST_NAME, Storage, Storages, explain_refusal

ON_CREATE, ALWAYS = "on_create", "always"


def _address(value: str) -> str:
    return str(value).rstrip("/").lower()


class StorageResource(Resource):
    """A storage with the OAuth client of Nextcloud and the application password.

    An equal client id of Nextcloud leaves the stored secret alone; another one is entered only together with its secret.
    """

    fields = (
        Field("name"),
        Field("nextcloud_url", fold=_address),
        Field("nextcloud_client_id"),
        Field("nextcloud_client_secret", SECRET),
        Field("automatic_management"),
    )

    def __init__(self, call: Call) -> None:
        params = call.params
        self.call, self.params = call, params
        self.storages = Storages(OpenProject.from_call(call))
        self.host = Address.parse(params["nextcloud_url"], option="nextcloud_url")
        name = params["name"]
        if not name.strip() or name != name.strip():
            raise BadInput("name is empty, or begins or ends with white space")
        if len(name) > LONGEST_NAME:
            raise BadInput(f"name has {len(name)} characters; OpenProject takes {LONGEST_NAME} at most")
        for option in ("nextcloud_client_secret", "application_password"):
            if params[option] is not None:
                check_secret(params[option], option, warn=call.warn)
        if params["nextcloud_client_secret"] and not params["nextcloud_client_id"]:
            raise BadInput("nextcloud_client_secret is given without nextcloud_client_id")
        if params["application_password"] and params["automatic_management"] is False:
            raise BadInput("application_password is given, but automatic_management is false")
        self._storage: Storage | None = None

    @property
    def title(self) -> str:
        return f'storage "{self.params["name"]}"'

    def desired(self) -> dict[str, t.Any]:
        """The requested parts; what is not given is left alone."""
        managed = True if self.params["application_password"] else self.params["automatic_management"]
        return {
            "name": self.params["name"],
            "nextcloud_url": str(self.host),
            "nextcloud_client_id": self.params["nextcloud_client_id"],
            "automatic_management": managed,
        }

    def read(self) -> dict[str, t.Any] | None:
        listed = self.storages.listed()
        found = [
            s for s in listed if s.is_nextcloud and (s.id == self.params["storage_id"] or self.host.is_same(s.host))
        ]
        if self.params["storage_id"] is not None and not any(s.id == self.params["storage_id"] for s in found):
            raise Refused(
                f"there is no Nextcloud storage with id {self.params['storage_id']}", server=self.storages.client.server
            )
        taken = [s for s in listed if s.name == self.params["name"] and s not in found]
        if taken and self.params["state"] == "present":
            raise Refused(
                f'another storage has the name "{taken[0].name}" (id {taken[0].id}, {taken[0].host})',
                server=self.storages.client.server,
                remedy=f"Choose another name; or, if that is this Nextcloud under a former address, set storage_id: {taken[0].id}",
            )
        if not found:
            return None
        chosen = next((s for s in found if s.id == self.params["storage_id"]), found[0])
        self._storage = self.storages.get(chosen.id)
        if self._storage is None:
            return None
        entity = self._entity(self._storage)
        if self.params["application_password"] and self.params["update_application_password"] == ALWAYS:
            entity["automatic_management"] = entity["automatic_management"] and "with another application password"
        return entity

    def check(self, desired: Entity, actual: Entity | None, delta: Entity) -> None:
        storage = self._storage
        if "nextcloud_client_id" in delta and self.params["nextcloud_client_secret"] is None:
            raise Refused(
                f"the storage stores {'another client id' if storage and storage.nextcloud_client_id else 'no client id'} of Nextcloud than"
                f" {desired['nextcloud_client_id']}, and the secret of that one is not given",
                server=self.storages.client.server,
                remedy="Give nextcloud_client_secret too: Nextcloud shows it once, when the OAuth client is made",
            )
        if delta.get("automatic_management") is True and not self.params["application_password"]:
            raise Refused(
                "automatic management needs an application password of Nextcloud",
                server=self.storages.client.server,
                remedy="Give application_password",
            )
        if storage is None:
            self.storages.version()
            if self.storages.active_projects() == 0:
                raise Refused(
                    "there is no active project, and then OpenProject hides every storage, also from administrators",
                    server=self.storages.client.server,
                    remedy="Create or unarchive a project first",
                )

    def create(self, desired: Entity) -> dict[str, t.Any]:
        try:
            self._storage, secret = self.storages.create(self.params["name"], str(self.host))
        except ApiError as error:
            raise explain_refusal(error, self.storages.client, nextcloud_host=str(self.host)) from error
        self.call.secrets.add_returned(secret)
        self._write_secrets(desired)
        return self._returned(secret)

    def update(self, actual: Entity, delta: Entity) -> dict[str, t.Any]:
        storage = self._found()
        try:
            if "name" in delta or "nextcloud_url" in delta:
                host = str(self.host) if "nextcloud_url" in delta else None
                self._storage = self.storages.update(storage, name=delta.get("name"), host=host)
            if delta.get("automatic_management") is False:
                self._storage = self.storages.switch_management_off(storage)
            self._write_secrets(delta)
        except ApiError as error:
            raise explain_refusal(error, self.storages.client, nextcloud_host=str(self.host)) from error
        return self._returned(None)

    def check_delete(self, actual: Entity) -> None:
        users = self.storages.project_storages(self._found().id)
        if not self.params["force_delete"]:
            raise Refused(
                f"deleting the {self.title} needs force_delete: true. {len(users)} active projects use it; all links between their work"
                " packages and files are lost, and the automatic folders on Nextcloud with their files",
                server=self.storages.client.server,
                remedy="Make sure that nobody needs it, then set force_delete: true",
            )
        self._users = len(users)

    def delete(self, actual: Entity) -> None:
        self.storages.delete(self._found(), self._users)

    def describe(self, actual: Entity | None, delta: Entity) -> list[str]:
        words = {
            "name": "rename the storage",
            "nextcloud_url": "change its host",
            "nextcloud_client_id": "enter the OAuth client of Nextcloud",
            "automatic_management": "enter the application password"
            if delta.get("automatic_management")
            else "switch automatic management off",
        }
        if actual is None:
            made = [words[key] for key in ("nextcloud_client_id", "automatic_management") if delta.get(key)]
            return [f"create the {self.title}", *made]
        return [words[key] for key in words if key in delta]

    def known(self) -> dict[str, t.Any]:
        return self._returned(None)

    def _write_secrets(self, delta: Entity) -> None:
        storage = self._found()
        if delta.get("nextcloud_client_id"):
            self.storages.set_client(storage, delta["nextcloud_client_id"], self.params["nextcloud_client_secret"])
            self._storage = replace(storage, nextcloud_client_id=delta["nextcloud_client_id"])
        if delta.get("automatic_management") is True:
            self._storage = self.storages.set_application_password(self._found(), self.params["application_password"])

    def _entity(self, storage: Storage) -> dict[str, t.Any]:
        return {
            "name": storage.name,
            "nextcloud_url": storage.host.rstrip("/"),
            "nextcloud_client_id": storage.nextcloud_client_id,
            "automatic_management": storage.has_application_password,
        }

    def _returned(self, secret: str | None) -> dict[str, t.Any]:
        storage = self._storage
        if storage is None:
            return {}
        application = {"client_id": storage.client_id}
        if secret is not None:
            application["client_secret"] = secret
        return {"storage_id": storage.id, "configured": storage.configured, "oauth_application": application}

    def _found(self) -> Storage:
        if self._storage is None:
            raise Refused(f"the {self.title} is gone", server=self.storages.client.server, remedy="Run again")
        return self._storage


def factory(call: Call) -> tuple[StorageResource, dict[str, t.Any]]:
    """The resource and what is desired of the module C(openproject_storage)."""
    resource = StorageResource(call)
    return resource, resource.desired()
