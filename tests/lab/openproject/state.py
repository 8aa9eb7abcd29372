# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of the simulated OpenProject: plain objects that tests may arrange directly."""

from __future__ import annotations

import hashlib
import string
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import urlsplit

from lab.plumbing import random_text

from .profiles import Profile, profile_for

URL_SAFE = string.ascii_letters + string.digits + "-_"

AUTOMATIC = "automatic"
MANUAL = "manual"
INACTIVE = "inactive"
FOLDER_MODES = (INACTIVE, MANUAL, AUTOMATIC)

TWO_WAY = "two_way_oauth2"
SINGLE_SIGN_ON = "oauth2_sso"


def now() -> str:
    """The present as OpenProject writes times."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


@dataclass
class User:
    """A person or one of the built-in users."""

    id: int
    login: str
    first_name: str
    last_name: str
    admin: bool = False
    email: str | None = None
    language: str = ""
    api_key: str | None = None
    active: bool = True
    projects: set[int] = field(default_factory=set)
    """Ids of the projects where the user may see file links; an administrator may everywhere."""
    created_at: str = field(default_factory=now)

    @property
    def built_in(self) -> bool:
        return self.email is None

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def avatar(self) -> str:
        if self.email is None:
            return ""
        digest = hashlib.md5(self.email.encode(), usedforsecurity=False).hexdigest()
        return f"http://gravatar.com/avatar/{digest}?default=404&secure=false"


@dataclass
class Project:
    """A project; archived when not active."""

    id: int
    identifier: str
    name: str
    active: bool = True
    public: bool = True
    description: str = ""
    status: tuple[str, str] | None = None
    """Id and title of the project status."""
    status_explanation: str = ""
    created_at: str = field(default_factory=now)
    updated_at: str = field(default_factory=now)


@dataclass
class OAuthApplication:
    """The application that Nextcloud uses to talk to OpenProject. The secret is never shown again after its creation."""

    id: int
    name: str
    client_id: str
    client_secret: str
    redirect_uri: str
    owner: int
    created_at: str = field(default_factory=now)
    updated_at: str = field(default_factory=now)


@dataclass
class ClientCredentials:
    """Nextcloud's OAuth client as OpenProject stores it."""

    id: int
    client_id: str
    client_secret: str
    created_at: str = field(default_factory=now)


@dataclass
class Storage:
    """A Nextcloud as OpenProject knows it; `host` always ends in one slash."""

    id: int
    name: str
    host: str
    creator: int
    oauth_application: OAuthApplication | None = None
    client: ClientCredentials | None = None
    automatic_management: bool | None = None
    """None: nobody has decided yet."""
    username: str = "OpenProject"
    password: str | None = None
    authentication_method: str = TWO_WAY
    audience: str | None = None
    created_at: str = field(default_factory=now)
    updated_at: str = field(default_factory=now)

    @property
    def configured(self) -> bool:
        """OP §3.2: the application password is no part of it; single sign-on wants an audience instead of OAuth."""
        if self.authentication_method == SINGLE_SIGN_ON:
            return bool(self.audience)
        return self.oauth_application is not None and self.client is not None


@dataclass
class ProjectStorage:
    """A storage that was made available to a project."""

    id: int
    project_id: int
    storage_id: int
    mode: str
    folder_id: str | None
    creator: int
    last_automatic_folder: str | None = None
    """The folder it had before it left the automatic mode."""
    created_at: str = field(default_factory=now)
    updated_at: str = field(default_factory=now)


class NotUnique(Exception):
    """The database refused a second row; `attribute` is the one that clashed."""

    def __init__(self, attribute: str) -> None:
        super().__init__(attribute)
        self.attribute = attribute


class OpenProjectState:
    """Everything the server knows, and the switches that a test may turn."""

    def __init__(self, address: str, version: str = "15.4.0") -> None:
        self.version = version
        self.instance_name = "OpenProject"

        # Who may come in (OP §2.1).
        self.basic_auth: tuple[str, str] | None = ("bootstrap", "opbootstrap-" + self._secret(43))
        self.basic_auth_enabled = True
        self.api_tokens_enabled = True
        self.login_required = True

        # How the server is reached (OP §2.2).
        self.host_name: str | None = urlsplit(address).netloc
        """The configured host name; every other `Host` is refused. None: no check."""
        self.shown_host_name: str | None = None
        """A host name that is only a setting: links carry it, and no `Host` is refused for it (field case O19)."""
        self.https = False
        self.relative_url_root = ""

        # Whether it is up. `proxy`: the proxy in front answers 502; `schema`: the application answers 500 (field case O17).
        self.starting: Literal["proxy", "schema"] | None = None
        self.starting_requests: int | None = None
        """How many more requests the start lasts; None: until a test ends it."""
        self.worker_running = True
        self.waiting_jobs = 0
        self.mail_works = True
        self.health_password: str | None = None

        # What it thinks of Nextcloud's address (OP §5).
        self.ssrf_allow_list: list[str] = []
        """Networks that 17.6 and newer may talk to in spite of being private; the lab's Nextcloud is on 127.0.0.1."""
        self.trusts_ca = True
        """False: no certificate of a Nextcloud on https is trusted."""
        self.ssl_cert_file = ""
        """Bundle of the authorities that are trusted, SSL_CERT_FILE; empty: those of the system."""
        self.enterprise = False
        """Whether the plan covers single sign-on with Nextcloud."""

        self.runner_failure: tuple[int, str, str] | None = None
        """Exit code, standard output and standard error of a runner that does not even start."""

        self.users: dict[int, User] = {}
        self.projects: dict[int, Project] = {}
        self.storages: dict[int, Storage] = {}
        self.project_storages: dict[int, ProjectStorage] = {}
        self.revoked_tokens: list[str] = []
        self.lock = threading.RLock()
        self._last_ids: dict[str, int] = {}
        self._seed()

    @property
    def profile(self) -> Profile:
        return profile_for(self.version)

    @property
    def api_key(self) -> str:
        """The API key of the administrator."""
        key = self.admin.api_key
        if key is None:
            raise LookupError("the administrator has no API key")
        return key

    @property
    def admin(self) -> User:
        return next(user for user in self.users.values() if user.login == "admin")

    @property
    def plain_user(self) -> User:
        """A user without any right."""
        return next(user for user in self.users.values() if user.login == "plain")

    @property
    def system(self) -> User:
        return self.users[1]

    @property
    def anonymous(self) -> User:
        return self.users[3]

    def _seed(self) -> None:
        self.users = {
            user.id: user
            for user in (
                User(1, "", "", "System", admin=True),
                User(3, "", "", "Anonymous"),
                User(
                    4,
                    "admin",
                    "OpenProject",
                    "Admin",
                    admin=True,
                    email="admin@example.net",
                    language="en",
                    api_key=self._secret(64, string.hexdigits[:16]),
                ),
                User(
                    5,
                    "plain",
                    "Plain",
                    "User",
                    email="plain@example.org",
                    api_key=self._secret(64, string.hexdigits[:16]),
                ),
            )
        }
        on_track = "All tasks are on schedule. The people involved know their tasks. The system is completely set up."
        for identifier, name, kind in (
            ("demo-project", "Demo project", "demo"),
            ("your-scrum-project", "Scrum project", "demo Scrum"),
        ):
            project = self.add_project(identifier, name)
            project.description = f"This is a short summary of the goals of this {kind} project."
            project.status = ("on_track", "On track")
            project.status_explanation = on_track

    def add_project(self, identifier: str, name: str | None = None, *, active: bool = True) -> Project:
        """Make one more project."""
        project = Project(self.next_id("project"), identifier, name or identifier, active=active)
        self.projects[project.id] = project
        return project

    def add_storage(self, name: str, host: str, *, creator: int = 1) -> Storage:
        """Save a storage with its OAuth application; raises NotUnique as the database would."""
        with self.lock:
            self.check_unique(None, name, host)
            storage = Storage(self.next_id("storage"), name, host, creator)
            storage.oauth_application = self.new_oauth_application(storage, creator)
            self.storages[storage.id] = storage
            return storage

    def check_unique(self, storage: Storage | None, name: str, host: str) -> None:
        """Raise NotUnique when another storage has this name or this host."""
        others = [other for other in self.storages.values() if other is not storage]
        if any(other.name == name for other in others):
            raise NotUnique("name")
        if any(other.host == host for other in others):
            raise NotUnique("host")

    def new_oauth_application(self, storage: Storage, owner: int) -> OAuthApplication:
        """An OAuth application for a storage, not yet set in it."""
        return OAuthApplication(
            self.next_id("oauth_application"),
            f"{storage.name} (Nextcloud)",
            self._secret(43),
            self._secret(43),
            redirect_uri(storage.host),
            owner,
        )

    def set_client(self, storage: Storage, client_id: str, client_secret: str) -> ClientCredentials:
        """Store Nextcloud's OAuth client; the former one is gone with its id and the tokens of its users (OP §3.3)."""
        storage.client = ClientCredentials(self.next_id("oauth_client_credentials"), client_id, client_secret)
        return storage.client

    def add_project_storage(
        self, project: Project, storage: Storage, mode: str = INACTIVE, folder_id: str | None = None
    ) -> ProjectStorage:
        """Make a storage available to a project without asking anybody."""
        row = ProjectStorage(self.next_id("project_storage"), project.id, storage.id, mode, folder_id, self.system.id)
        self.project_storages[row.id] = row
        return row

    def remove_storage(self, storage: Storage) -> None:
        """Forget a storage and everything that hangs on it."""
        with self.lock:
            self.storages.pop(storage.id, None)
            for row in list(self.rows_of(storage)):
                del self.project_storages[row.id]

    def rows_of(self, storage: Storage) -> list[ProjectStorage]:
        """The project storages of a storage, in archived projects too, oldest first."""
        return [row for row in self.project_storages.values() if row.storage_id == storage.id]

    def find_project(self, id_or_identifier: str | int | None) -> Project | None:
        """A project by its id or its identifier."""
        for project in self.projects.values():
            if str(id_or_identifier) in (str(project.id), project.identifier):
                return project
        return None

    def oauth_applications(self) -> Iterator[tuple[Storage, OAuthApplication]]:
        for storage in self.storages.values():
            if storage.oauth_application is not None:
                yield storage, storage.oauth_application

    def next_id(self, kind: str) -> int:
        """Ids are never used twice, whatever is deleted in between."""
        with self.lock:
            self._last_ids[kind] = self._last_ids.get(kind, 0) + 1
            return self._last_ids[kind]

    def _secret(self, length: int, alphabet: str = URL_SAFE) -> str:
        return random_text(alphabet, length)


def redirect_uri(host: str) -> str:
    """Where Nextcloud's app takes its users back (OP §3.2)."""
    return f"{host}index.php/apps/integration_openproject/oauth-redirect"
