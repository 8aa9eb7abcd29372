# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carrying a plan out: a loop over its steps. No secret leaves this process but to the server that it is for."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from .._core.errors import ApiError, Failure, NoAnswer
from .._nextcloud.project_folders import GROUPS, USER, Piece, repair
from .._openproject.storages import Storage, explain_refusal
from . import plan as steps
from .preflight import tell_host_apart
from .read import Sides
from .state import Desired, LinkState


class ReplanRequired(Exception):
    """A write whose effect is unknown, or one that must be planned again: read both sides once more."""

    def __init__(self, cause: Failure) -> None:
        super().__init__(str(cause))
        self.cause = cause


class ConcurrentChange(Failure):
    """Somebody else works on the same pair at the same time."""


@dataclass
class Execution:
    """One run of a plan.

    :param storage: the storage as the last answer of OpenProject showed it.
    :param storage_is_current: that answer came after the last write to OpenProject.
    :param taken: the steps that were taken.
    """

    sides: Sides
    desired: Desired
    state: LinkState
    storage: Storage | None = None
    openproject_secret: str | None = field(default=None, repr=False)
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    application_password: str | None = field(default=None, repr=False)
    storage_is_current: bool = False
    taken: list[steps.Step] = field(default_factory=list)

    def run(self, plan: steps.Plan) -> None:
        """Take the steps in their order.

        :raises StartOver: a write got no answer, was put off (429), or met a deleted OAuth client (NC §9).
        :raises Failure: a server refused.
        """
        self.storage = self.state.storage
        for step in plan.steps:
            try:
                _DOING[step.kind](self, step)
            except NoAnswer as error:
                raise ReplanRequired(error) from error
            except ApiError as error:
                if error.status == 429:
                    raise ReplanRequired(error) from error
                raise
            self.taken.append(step)

    @property
    def _storages(self) -> t.Any:
        return self.sides.storages

    def _found(self) -> Storage:
        if self.storage is None:
            raise self._concurrent_change("the storage is gone")
        return self.storage

    def _keep(self, storage: Storage) -> None:
        self.storage, self.storage_is_current = storage, True

    def outcome(self) -> LinkState:
        """The state after the last step, with as few reads as possible: OpenProject's last answer shows its side already."""
        storage = self._found()
        if not self.storage_is_current:
            storage = self._storages.get(storage.id)
        user = self.state.user
        if any(step.kind == steps.PATCH_SETUP and step.values.get("setup_project_folder") for step in self.taken):
            # the app's own set-up makes user, groups and rights in one go (NC §3.1), and its page confirms them
            user = {"id": USER, "enabled": True, "groups": GROUPS, "subadmin": GROUPS}
        if self.desired.project_folders and any(step.kind == steps.REPAIR for step in self.taken):
            user = self.sides.integration.user_document()
        settings = self.sides.integration.read_page()
        return replace(self.state, storage=storage, nextcloud=settings, user=user, wrong=frozenset())

    def _concurrent_change(self, what: str) -> ConcurrentChange:
        return ConcurrentChange(
            what,
            attempted="go on",
            server=self._storages.client.server,
            remedy="Somebody else works on the same pair at the same time. When they are done, run again: it finishes what is missing",
        )

    def _create(self, step: steps.Step) -> None:
        try:
            self.storage, self.openproject_secret = self._storages.create(
                self.desired.storage_name, str(self.desired.nextcloud)
            )
        except ApiError as error:
            raise tell_host_apart(
                explain_refusal(error, self._storages.client, nextcloud_host=str(self.desired.nextcloud)), self.sides
            ) from error
        self._storages.client.secrets.add(self.openproject_secret)

    def _recreate(self, step: steps.Step) -> None:
        storage = self._found()
        current = self._storages.get(storage.id)
        if current is not None and (current.nextcloud_client_id or current.client_id != storage.client_id):
            raise self._concurrent_change("the unfinished storage was finished by somebody else")
        if current is not None:
            self._storages.delete(storage, 0)
        self._create(step)

    def _replace_application(self, step: steps.Step) -> None:
        storage, runner = self._found(), self.sides.runner
        if runner is None:
            raise AssertionError("a plan replaces an OAuth application only with a runner")
        answer = runner.perform(
            "replace_oauth_application",
            # the name guards against a runner of another OpenProject
            {"storage_id": storage.id, "storage_name": storage.name},
            attempted=f'replace the OAuth application of the storage "{storage.name}"',
        )
        self.openproject_secret = answer["client_secret"]
        self._storages.client.secrets.add(self.openproject_secret)
        self.storage = replace(storage, client_id=answer["client_id"])

    def _update_storage(self, step: steps.Step) -> None:
        try:
            self._keep(self._storages.update(self._found(), **step.values))
        except ApiError as error:
            raise tell_host_apart(
                explain_refusal(error, self._storages.client, nextcloud_host=str(self.desired.nextcloud)), self.sides
            ) from error

    def _management_off(self, step: steps.Step) -> None:
        self._keep(self._storages.switch_management_off(self._found()))

    def _repair(self, step: steps.Step) -> None:
        piece: Piece = step.values["piece"]
        repair(self.sides.admin, piece)

    def _patch_setup(self, step: steps.Step) -> None:
        values = dict(step.values)
        if "openproject_client_secret" in values:
            storage = self._found()
            current = self._storages.get(storage.id)
            if current is None or current.client_id != storage.client_id:
                raise self._concurrent_change("the storage is not the one that this run made")
            values["openproject_client_id"] = storage.client_id
            values["openproject_client_secret"] = self.openproject_secret
        try:
            answer = self.sides.integration.patch(values, attempted=step.text)
        except Failure as error:
            settings = self.state.nextcloud
            if error.facts.get("status") == 500 and settings.client_id is None and not settings.dangling:
                # the values are written, but an OAuth client of former times was deleted: now it shows as dangling
                raise ReplanRequired(error) from error
            raise
        self._remember(answer)

    def _fix_redirect(self, step: steps.Step) -> None:
        url = str(self.desired.openproject)
        # the redirect URI follows only a changed value (NC §9): another spelling, then the right one
        for spelling in (url + "/", url):
            self.sides.integration.patch({"openproject_instance_url": spelling}, attempted=step.text)

    def _new_client(self, step: steps.Step) -> None:
        self._remember(self.sides.integration.new_client())

    def _remember(self, answer: t.Any) -> None:
        if answer.client_secret:
            self.client_id, self.client_secret = answer.client_id, answer.client_secret
        if answer.application_password:
            self.application_password = answer.application_password
        self._storages.client.secrets.add(answer.client_secret, answer.application_password)

    def _hand_over_client(self, step: steps.Step) -> None:
        if self.client_id is None or self.client_secret is None:
            raise self._concurrent_change("Nextcloud had an OAuth client already when this run made one")
        if self.sides.integration.read_page().client_id != self.client_id:
            raise self._concurrent_change("the OAuth client of Nextcloud is not the one that this run made")
        self._storages.set_client(self._found(), self.client_id, self.client_secret)
        self.storage_is_current = False

    def _hand_over_password(self, step: steps.Step) -> None:
        if self.application_password is None:
            raise self._concurrent_change("Nextcloud handed out no application password")
        try:
            self._keep(self._storages.set_application_password(self._found(), self.application_password))
        except ApiError as error:
            raise explain_refusal(error, self._storages.client, nextcloud_host=str(self.desired.nextcloud)) from error


_DOING: dict[str, t.Callable[[Execution, steps.Step], None]] = {
    steps.HEAL_CLIENT: Execution._new_client,
    steps.UPDATE_STORAGE: Execution._update_storage,
    steps.MANAGEMENT_OFF: Execution._management_off,
    steps.CREATE_STORAGE: Execution._create,
    steps.RECREATE_STORAGE: Execution._recreate,
    steps.REPLACE_APPLICATION: Execution._replace_application,
    steps.REPAIR: Execution._repair,
    steps.PATCH_SETUP: Execution._patch_setup,
    steps.FIX_REDIRECT: Execution._fix_redirect,
    steps.NEW_CLIENT: Execution._new_client,
    steps.HAND_OVER_CLIENT: Execution._hand_over_client,
    steps.HAND_OVER_PASSWORD: Execution._hand_over_password,
}
