# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the steps of a link do. No secret leaves this process but to the server that it is for."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from .._core.errors import ApiError, Failure, NoAnswer
from .._core.steps import Progress, Step, take
from .._nextcloud import project_folders
from .._nextcloud.integration import SetUpAnswer, setup_text
from .._nextcloud.project_folders import GROUPS, USER
from .._openproject.storages import Storage, explain_refusal
from .missing_app import tell_host_apart
from .state import Desired, LinkState

# kinds of steps
HEAL_CLIENT = "heal_client"
UPDATE_STORAGE = "update_storage"
MANAGEMENT_OFF = "management_off"
CREATE_STORAGE = "create_storage"
RECREATE_STORAGE = "recreate_storage"
REPLACE_APPLICATION = "replace_application"
PATCH_SETUP = "patch_setup"
FIX_REDIRECT = "fix_redirect"
NEW_CLIENT = "new_client"
HAND_OVER_CLIENT = "hand_over_client"
HAND_OVER_PASSWORD = "hand_over_password"

#: what a server hands out together with a secret and is none
NO_SECRETS = ("nextcloud_client_id", "openproject_client_id")
#: stands in a step's values for OpenProject's client id and secret, which only the run knows
HANDED_OUT = "handed out while the plan is applied"
#: how Nextcloud answers when it will not create the user OpenProject, in whatever language (field case O45)
USER_REFUSED = 400
FORMER_USER = (
    f"Nextcloud will not create the user {USER}. Usually a directory {USER} of a former user is left in its data directory: move it away"
    f" (nothing is deleted), or, if a user backend still knows that user, make it known again. Then run again"
)


class ReplanRequired(Exception):
    """A write whose effect is unknown, or one that must be planned again: read both sides once more."""

    def __init__(self, cause: Failure) -> None:
        super().__init__(str(cause))
        self.cause = cause


class ConcurrentChange(Failure):
    """Somebody else works on the same pair at the same time."""


@dataclass
class LinkRun:
    """What the steps of one plan share.

    :param sides: both servers, or the one that a module over one side works with (design §4).
    :param remember: told each secret that a server shows once, and its client id, by name and before anything else can fail; empty when
        it is void.
    :param alone: only one of the servers is at hand, so nothing is compared with the other one.
    :param storage: the storage as the last answer of OpenProject showed it.
    :param storage_is_current: that answer came after the last write to OpenProject.
    """

    sides: t.Any
    desired: Desired
    state: LinkState
    remember: t.Callable[[str, str], None]
    alone: bool = False
    storage: Storage | None = None
    openproject_secret: str | None = field(default=None, repr=False)
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    application_password: str | None = field(default=None, repr=False)
    storage_is_current: bool = False
    user: t.Mapping[str, t.Any] | None = None

    def take(self, steps: t.Sequence[Step], progress: Progress) -> None:
        """Take the steps in their order.

        :raises ReplanRequired: a write got no answer, was put off (429), or met a deleted OAuth client (NC §9).
        :raises Failure: a server refused.
        """
        self.storage = self.state.storage
        try:
            take(steps, self, progress, check_mode=False)
        except NoAnswer as error:
            raise ReplanRequired(error) from error
        except ApiError as error:
            if error.status == 429:
                raise ReplanRequired(error) from error
            raise

    @property
    def _storages(self) -> t.Any:
        return self.sides.storages

    def _found(self) -> Storage:
        if self.storage is None:
            raise self._concurrent_change("the storage is gone")
        return self.storage

    def _keep(self, storage: Storage) -> None:
        self.storage, self.storage_is_current = storage, True

    def outcome(self, done: t.Sequence[Step]) -> LinkState:
        """The state after the last step, with as few reads as possible: OpenProject's last answer shows its side already."""
        storage = self._found()
        if not self.storage_is_current:
            storage = self._storages.get(storage.id)
        user = self.state.user
        if any(step.values.get("setup_project_folder") for step in done):
            # the app's own set-up makes user, groups and rights in one go (NC §3.1), and its page confirms them
            user = {"id": USER, "enabled": True, "groups": GROUPS, "subadmin": GROUPS}
        elif self.user is not None:
            user = self.user
        settings = self.sides.integration.read_page()
        return replace(self.state, storage=storage, nextcloud=settings, user=user, wrong=frozenset())

    def _explained(self, error: ApiError) -> Failure:
        explained = explain_refusal(error, self._storages.client, nextcloud_host=str(self.desired.nextcloud))
        return explained if self.alone else tell_host_apart(explained, self.sides)

    def _concurrent_change(self, what: str) -> ConcurrentChange:
        return ConcurrentChange(
            what,
            attempted="go on",
            server="Nextcloud and OpenProject",
            remedy="Somebody else works on the same pair at the same time. When they are done, run again: it finishes what is missing",
        )

    def confirm_user(self) -> None:
        """Read the user of project folders once more: a directory service "accepts" members and does nothing (field case O30)."""
        self.user = self.sides.integration.user_document()
        joined = set((self.user or {}).get("groups") or ())
        if not set(GROUPS) <= joined:
            raise project_folders.not_a_member(sorted(set(GROUPS) - joined), self.sides.admin.server)

    def create_storage(self) -> None:
        """Create the storage and keep the secret of its OAuth application."""
        try:
            self.storage, self.openproject_secret = self._storages.create(
                self.desired.storage_name, str(self.desired.nextcloud)
            )
        except ApiError as error:
            raise self._explained(error) from error
        self._remember_application(self.storage.client_id, self.openproject_secret)

    def delete_created(self) -> None:
        """Take back the storage that this run created, as long as it holds nothing."""
        storage = self._found()
        current = self._storages.get(storage.id)
        if current is None or current.client_id != storage.client_id or current.nextcloud_client_id:
            raise self._concurrent_change("the storage is no longer as this run created it")
        self._storages.delete(storage, 0)
        self.storage = None
        self._remember_application("", "")

    def recreate_storage(self) -> None:
        """Replace a storage that a run which died has left, unless somebody has finished it by now."""
        storage = self._found()
        current = self._storages.get(storage.id)
        if current is not None and (current.nextcloud_client_id or current.client_id != storage.client_id):
            raise self._concurrent_change("the unfinished storage was finished by somebody else")
        if current is not None:
            self._storages.delete(storage, 0)
        self.create_storage()

    def replace_application(self) -> None:
        """Let OpenProject replace the OAuth application of the storage, and keep its secret."""
        storage, runner = self._found(), self.sides.runner
        if runner is None:
            raise AssertionError("a plan replaces an OAuth application only with a runner")
        answer = runner.perform(
            "replace_oauth_application",
            # the name guards against a runner of another OpenProject
            {"storage_id": storage.id, "storage_name": storage.name},
            attempted=f'replace the OAuth application of the storage "{storage.name}"',
        )
        self.storage = replace(storage, client_id=answer["client_id"])
        self.openproject_secret = answer["client_secret"]
        self._remember_application(answer["client_id"], answer["client_secret"])

    def _remember_application(self, client_id: str | None, secret: str | None) -> None:
        self.remember("openproject_client_id", client_id or "")
        self.remember("openproject_client_secret", secret or "")

    def update_storage(self, values: t.Mapping[str, str]) -> None:
        """Rename or move the storage."""
        try:
            self._keep(self._storages.update(self._found(), **values))
        except ApiError as error:
            raise self._explained(error) from error

    def management_off(self) -> None:
        """Switch automatic management off: the mark that a password is being renewed (design §5.3)."""
        self._keep(self._storages.switch_management_off(self._found()))

    def patch_setup(self, given: t.Mapping[str, t.Any]) -> None:
        """Enter what differs in the app, and keep what it hands out."""
        values = dict(given)
        if "openproject_client_secret" in values:
            storage = self._found()
            if not self.alone:
                current = self.sides.storages.get(storage.id)
                if current is None or current.client_id != storage.client_id:
                    raise self._concurrent_change("the storage is not the one that this run made")
            values["openproject_client_id"] = storage.client_id
            values["openproject_client_secret"] = self.openproject_secret
        try:
            answer = self.sides.integration.patch(values, attempted=setup_text(given))
        except Failure as error:
            settings = self.state.nextcloud
            if error.facts.get("status") == 500 and settings.client_id is None and not settings.dangling:
                # the values are written, but an OAuth client of former times was deleted: now it shows as dangling
                raise ReplanRequired(error) from error
            if error.facts.get("status") == USER_REFUSED and values.get("setup_project_folder"):
                error.remedy = FORMER_USER
            raise
        self._remember(answer)

    def fix_redirect(self) -> None:
        """Let Nextcloud write the redirect URI of its OAuth client again."""
        url = str(self.desired.openproject)
        # the redirect URI follows only a changed value (NC §9): another spelling, then the right one
        for spelling in (url + "/", url):
            self.sides.integration.patch(
                {"openproject_instance_url": spelling}, attempted="write the address of OpenProject again"
            )

    def new_client(self) -> None:
        """Replace Nextcloud's OAuth client and keep its secret."""
        self._remember(self.sides.integration.new_client())

    def _remember(self, answer: SetUpAnswer) -> None:
        if answer.client_secret:
            self.client_id, self.client_secret = answer.client_id, answer.client_secret
            self.remember("nextcloud_client_id", answer.client_id or "")
            self.remember("nextcloud_client_secret", answer.client_secret)
        if answer.application_password:
            self.application_password = answer.application_password
            self.remember("application_password", answer.application_password)

    def hand_over_client(self) -> None:
        """Enter Nextcloud's OAuth client in OpenProject, if it still is the one that this run made."""
        if self.client_id is None or self.client_secret is None:
            raise self._concurrent_change("Nextcloud had an OAuth client already when this run made one")
        if not self.alone and self.sides.integration.read_page().client_id != self.client_id:
            raise self._concurrent_change("the OAuth client of Nextcloud is not the one that this run made")
        self._storages.set_client(self._found(), self.client_id, self.client_secret)
        self.storage_is_current = False

    def hand_over_password(self) -> None:
        """Enter the application password in OpenProject, which tries it and switches automatic management on."""
        if self.application_password is None:
            raise self._concurrent_change("Nextcloud handed out no application password")
        try:
            self._keep(self._storages.set_application_password(self._found(), self.application_password))
        except ApiError as error:
            raise self._explained(error) from error
