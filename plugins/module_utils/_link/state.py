# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is desired of a link and what is observed of its two sides, as plain values."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._http.address import Address
from .._nextcloud.integration import USER, NextcloudSettings
from .._nextcloud.project_folders import GROUPS, Pieces
from .._openproject.storages import ListedStorage, Storage

#: secrets that a run can renew on request or find wrong (design §5.5)
OPENPROJECT_OAUTH, NEXTCLOUD_OAUTH, APPLICATION_PASSWORD = (
    "openproject_oauth",
    "nextcloud_oauth",
    "application_password",
)
SECRETS = (OPENPROJECT_OAUTH, NEXTCLOUD_OAUTH, APPLICATION_PASSWORD)


@dataclass(frozen=True)
class Desired:
    """What the administrator asked for.

    :param nextcloud: Nextcloud's public address; becomes the storage's host.
    :param openproject: OpenProject's public address; is stored in Nextcloud.
    :param storage_id: the storage to take over although its name and host do not tell that it is ours.
    :param project_folders: C(None) leaves that part alone; C(False) switches automatic management off and nothing more.
    :param rotate: secrets to renew although they are right.
    """

    nextcloud: Address
    openproject: Address
    storage_name: str
    storage_id: int | None = None
    project_folders: bool | None = None
    default_enable_navigation: bool | None = None
    default_enable_unified_search: bool | None = None
    rotate: frozenset[str] = frozenset()
    relink: bool = False
    adopt_folder: bool = False

    @property
    def redirect_uri(self) -> str:
        """Where OpenProject's OAuth application must send users back to (OP §3.2)."""
        return f"{self.nextcloud}/index.php/apps/integration_openproject/oauth-redirect"

    def client_redirect_uri(self, client_id: str | None) -> str:
        """Where Nextcloud's OAuth client must send users back to (NC §1.4)."""
        return f"{self.openproject}/oauth_clients/{client_id}/callback"


@dataclass(frozen=True)
class LinkState:
    """Both sides as they were read.

    :param storage: the storage that is ours, or the one that stands in its way; L(plan.whose) tells which.
    :param user: Nextcloud's account OpenProject as OCS shows it; C(None) when there is none, or when project folders were not asked for.
    :param pieces: the project folders piece by piece; C(None) as long as nobody looked.
    :param project_storages: in how many active projects the storage is; C(None) as long as nobody looked.
    :param runner: OpenProject's command line is at hand.
    :param wrong: secrets that were tried and found wrong.
    """

    listed: tuple[ListedStorage, ...] = ()
    storage: Storage | None = None
    nextcloud: NextcloudSettings = field(default_factory=NextcloudSettings)
    user: t.Mapping[str, t.Any] | None = None
    pieces: Pieces | None = None
    project_storages: int | None = None
    runner: bool = False
    wrong: frozenset[str] = frozenset()

    @property
    def knows_storage(self) -> bool:
        """Whether Nextcloud stores the client id of the storage's OAuth application."""
        storage = self.storage
        return (
            storage is not None
            and storage.client_id is not None
            and storage.client_id == self.nextcloud.openproject_client_id
        )

    def owns_storage(self, desired: Desired) -> bool:
        """Whether the storage that was found stands for this Nextcloud (design §5.2)."""
        storage = self.storage
        return storage is not None and (
            desired.nextcloud.is_same(storage.host) or storage.id == desired.storage_id or self.knows_storage
        )

    def owns_nextcloud(self, desired: Desired) -> bool:
        """Whether Nextcloud is linked to this OpenProject, or to none."""
        settings = self.nextcloud
        return (
            not settings.linked
            or desired.openproject.is_same(settings.openproject_url)
            or self.knows_storage
            or desired.relink
        )

    @property
    def openproject_oauth_agreed(self) -> bool:
        """OpenProject's OAuth application is the one that Nextcloud stores; an equal id means an equal secret (design §5.2)."""
        return (
            self.knows_storage
            and bool(self.nextcloud.openproject_client_secret)
            and OPENPROJECT_OAUTH not in self.wrong
        )

    @property
    def nextcloud_oauth_agreed(self) -> bool:
        """Nextcloud's OAuth client is the one that the storage stores."""
        return (
            self.storage is not None
            and self.nextcloud.client_id is not None
            and self.storage.nextcloud_client_id == self.nextcloud.client_id
            and NEXTCLOUD_OAUTH not in self.wrong
        )

    @property
    def application_password_agreed(self) -> bool:
        """Nextcloud has a password named for project folders, and the storage has one."""
        return (
            self.nextcloud.application_password
            and self.storage is not None
            and self.storage.has_application_password
            and APPLICATION_PASSWORD not in self.wrong
        )

    @property
    def folders_right(self) -> bool:
        """Every piece of the project folders is right, also what the app itself does not look at (NC §3.2, §9)."""
        if not self.nextcloud.folders or self.user is None or self.user.get("id") != USER:
            return False
        groups, administers = set(self.user.get("groups") or ()), set(self.user.get("subadmin") or ())
        return bool(self.user.get("enabled")) and set(GROUPS) <= groups and set(GROUPS) <= administers
