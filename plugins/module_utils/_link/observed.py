# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a check has seen of both sides, as plain values; C(None) is what it has not seen."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._core.errors import Failure
from .._http.address import Address
from .._nextcloud.integration import NextcloudSettings
from .._nextcloud.project_folders import Pieces
from .._openproject.storages import ListedStorage, ProjectStorage, Storage
from .state import Desired, LinkState


@dataclass(frozen=True)
class Question:
    """What the link should be; only what is given is compared.

    :param nextcloud: Nextcloud's public address; C(None) when neither address was given.
    """

    nextcloud: Address | None = None
    openproject: Address | None = None
    storage_name: str | None = None
    project_folders: bool | None = None
    default_enable_navigation: bool | None = None
    default_enable_unified_search: bool | None = None


@dataclass(frozen=True)
class NotChecked:
    """Something that the check could not look at.

    :param why: what was missing.
    :param how: what lets it be seen; empty when nothing does.
    """

    side: str
    what: str
    why: str
    how: str = ""

    def as_returned(self) -> dict[str, str]:
        """The same for a playbook."""
        return {"side": self.side, "what": self.what, "why": self.why, "how": self.how}


@dataclass(frozen=True)
class ObservedNextcloud:
    """Nextcloud's side.

    :param missing: options of the connection that were not given.
    :param failure: what ended the look at this side before its end.
    :param status: C(status.php), which needs no login and answers in every state of the server (NC §6.3).
    :param app_row: the app's row C(enabled): C(yes), C(no), a JSON list of groups, or empty when it was never there.
    :param throttling: seconds by which Nextcloud delays logins from the address that it sees.
    :param link_root: scheme, host and port of a link that Nextcloud put into an answer to a request at its public address.
    :param probe: what Nextcloud says of OpenProject's address (NC §1.4): result and details.
    :param probed_here: what the machine that runs the check knows of that address's host, when Nextcloud calls it local.
    :param cron_age: seconds since the background jobs ran, by the clock of the machine that runs the check; infinite when they never did.
    :param system: the system configuration, from occ; secrets are left out by occ.
    :param shadowed: a sentence on personal folders that the group folder hides.
    :param group_folders_row: the same row of the app groupfolders as ``app_row``.
    """

    missing: tuple[str, ...] = ()
    failure: Failure | None = None
    status: t.Mapping[str, t.Any] | None = None
    version: str = ""
    major: int = 0
    app_version: tuple[int, ...] = ()
    group_folders_version: str = ""
    group_folders_enabled: bool = False
    app_row: str | None = None
    throttling: float = 0.0
    link_root: str = ""
    settings: NextcloudSettings | None = None
    authorization_arrives: bool | None = None
    probe: tuple[t.Any, str] | None = None
    probed: str = ""
    probed_here: str = ""
    cron_age: float | None = None
    cron_mode: str = ""
    login_tokens: str | None = None
    user: t.Mapping[str, t.Any] | None = None
    pieces: Pieces | None = None
    system: t.Mapping[str, t.Any] | None = None
    occ_failure: Failure | None = None
    shadowed: str = ""
    group_folders_row: str | None = None


@dataclass(frozen=True)
class ObservedOpenProject:
    """OpenProject's side.

    :param host_name: the name that it is configured for.
    :param listed: all storages; C(None) when they could not be listed.
    :param ours: storages whose host is our Nextcloud.
    :param rows: the storage's projects.
    :param health: the checks C(worker) and C(worker_backed_up): whether each is fine, and its words.
    :param accepts_secret: whether the client secret that Nextcloud stores is right.
    :param connection: its own connection check, by the runner.
    :param tried: the secrets that it stores: C(right), C(wrong) or C(unknown), by the runner.
    :param private_address: a private address behind the storage's host, as the machine that runs the check resolves it.
    """

    missing: tuple[str, ...] = ()
    failure: Failure | None = None
    version: tuple[int, ...] = ()
    administrator: bool | None = None
    host_name: str = ""
    active_projects: int | None = None
    listed: tuple[ListedStorage, ...] | None = None
    ours: tuple[ListedStorage, ...] = ()
    storage: Storage | None = None
    rows: tuple[ProjectStorage, ...] | None = None
    health: t.Mapping[str, tuple[bool, str]] = field(default_factory=dict)
    accepts_secret: bool | None = None
    connection: t.Mapping[str, t.Any] | None = None
    tried: t.Mapping[str, str] = field(default_factory=dict)
    runner_failure: Failure | None = None
    private_address: str = ""


@dataclass(frozen=True)
class Observed:
    """Both sides."""

    question: Question
    nextcloud: ObservedNextcloud
    openproject: ObservedOpenProject

    @property
    def settings(self) -> NextcloudSettings | None:
        """The integration app's settings, when they were seen and the app is there."""
        settings = self.nextcloud.settings
        return settings if settings is not None and settings.app else None

    @property
    def storage(self) -> Storage | None:
        """The storage."""
        return self.openproject.storage

    @property
    def desired(self) -> Desired | None:
        """The question as what is desired, when both addresses are known."""
        question = self.question
        if question.nextcloud is None or question.openproject is None:
            return None
        return Desired(
            nextcloud=question.nextcloud,
            openproject=question.openproject,
            storage_name=question.storage_name or "",
            project_folders=question.project_folders,
        )

    @property
    def state(self) -> LinkState:
        """Both sides as the module C(link) sees them, so that the two agree on what is agreed."""
        return LinkState(
            listed=self.openproject.listed or (),
            storage=self.storage,
            nextcloud=self.nextcloud.settings or NextcloudSettings(app=False),
            user=self.nextcloud.user,
            pieces=self.nextcloud.pieces,
            project_storages=None if self.openproject.rows is None else len(self.openproject.rows),
        )

    @property
    def folders_matter(self) -> bool:
        """Whether project folders are requested, or OpenProject manages some."""
        requested = self.question.project_folders
        managed = self.storage is not None and self.storage.has_application_password
        return managed if requested is None else requested
