# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OpenProject's storages over API v3: the OpenProject side of a link."""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import dataclass

from .._core.errors import ApiError, Refused
from .._core.versions import OLDEST_OPENPROJECT
from .client import OpenProject, unexpected

NEXTCLOUD_TYPE = "urn:openproject-org:api:v3:storages:Nextcloud"
SSO_METHOD = "OAuth2SSO"
#: name and host are limited by OpenProject (OP §3.2)
LONGEST_NAME = 255
#: networks that 17.6 and newer may talk to although they are private, in both spellings of OpenProject's environment
SSRF_SETTING = "OPENPROJECT_SSRF_PROTECTION_IP_ALLOWLIST (also spelt OPENPROJECT_SSRF__PROTECTION__IP__ALLOWLIST)"
#: deleting removes every automatic folder within the request: 11.8 s for 100 folders were seen (OP §16)
SECONDS_PER_PROJECT_STORAGE = 1.0


@dataclass(frozen=True)
class ListedStorage:
    """A storage as the list shows it: without OAuth application and client (OP §3.2)."""

    id: int
    name: str
    host: str
    is_nextcloud: bool


@dataclass(frozen=True)
class Storage:
    """A storage as an administrator sees it.

    :param host: as stored, with a trailing slash.
    :param has_application_password: automatic management of project folders is on; false as well when nobody decided
        yet (OP §3.2).
    :param client_id: client id of OpenProject's OAuth application; C(None) when the storage has none.
    :param redirect_uris: where OpenProject's OAuth application sends users back to.
    :param nextcloud_client_id: client id of Nextcloud that is stored with it; C(None) when there is none.
    :param sso: it authenticates by single sign-on instead of two-way OAuth (16.0 and newer).
    """

    id: int
    name: str
    host: str
    configured: bool
    has_application_password: bool
    client_id: str | None
    redirect_uris: tuple[str, ...]
    nextcloud_client_id: str | None
    sso: bool


@dataclass(frozen=True)
class ProjectStorage:
    """A storage in a project.

    :param project: the project's name; the list does not show its identifier (OP §3.5).
    :param folder_id: Nextcloud's id of the folder; C(None) while there is none.
    """

    id: int
    project: str
    mode: str
    project_id: int
    folder_id: str | None


class Storages:
    """The storages of one OpenProject."""

    def __init__(self, client: OpenProject) -> None:
        self.client = client

    def listed(self) -> list[ListedStorage]:
        """All storages. Not paged, no filters (OP §3.2).

        :raises Refused: the version is so old that it has no list (OP §3.11).
        """
        attempted = "list the storages"
        try:
            data = self.client.get("/storages", attempted=attempted)
        except ApiError as error:
            if error.status in (404, 405):
                self.version()
            raise
        elements = data.get("_embedded", {}).get("elements")
        if elements is None:
            raise unexpected(data, "_embedded.elements", attempted=attempted, server=self.client.server)
        return [
            ListedStorage(
                id=element["id"],
                name=element["name"],
                host=(element["_links"].get("origin") or {}).get("href") or "",
                is_nextcloud=(element["_links"].get("type") or {}).get("href") == NEXTCLOUD_TYPE,
            )
            for element in elements
        ]

    def get(self, storage_id: int) -> Storage | None:
        """One storage, or C(None) when it is gone.

        :raises Refused: the account is no administrator, or the version is too old: both show less of a storage.
        """
        attempted = f"read the storage {storage_id}"
        try:
            data = self.client.get(f"/storages/{storage_id}", attempted=attempted)
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        # administrators see the link of the OAuth application even when there is none, without an address (OP §3.2)
        if "oauthApplication" not in data.get("_links", {}) or not _shows_management(data):
            self.version()
        return _storage(data, attempted, self.client.server)

    def create(self, name: str, host: str) -> tuple[Storage, str]:
        """Make a storage with two-way OAuth and automatic management off.

        OpenProject looks at Nextcloud while it saves (OP §5).

        :returns: the storage and the client secret of its new OAuth application, which is shown this once.
        """
        attempted = f'create the storage "{name}"'
        body = {
            "name": name,
            "applicationPassword": "",
            "_links": {"origin": {"href": host}, "type": {"href": NEXTCLOUD_TYPE}},
        }
        data = self.client.send("POST", "/storages", body, attempted=attempted)
        secret = data.get("_embedded", {}).get("oauthApplication", {}).get("clientSecret")
        if not secret:
            raise unexpected(
                data, "_embedded.oauthApplication.clientSecret", attempted=attempted, server=self.client.server
            )
        return _storage(data, attempted, self.client.server), str(secret)

    def update(self, storage: Storage, *, name: str | None = None, host: str | None = None) -> Storage:
        """Rename or move a storage. A host, even an equal one, makes OpenProject look at Nextcloud again (OP §3.2)."""
        body: dict[str, t.Any] = {}
        if name is not None:
            body["name"] = name
        if host is not None:
            body["_links"] = {"origin": {"href": host}}
        return self._patch(storage, body, f'change the storage "{storage.name}"')

    def set_application_password(self, storage: Storage, password: str) -> Storage:
        """Switch automatic management on. OpenProject tries the password on Nextcloud before it takes it (OP §5)."""
        return self._patch(
            storage, {"applicationPassword": password}, f'hand the application password to the storage "{storage.name}"'
        )

    def switch_management_off(self, storage: Storage) -> Storage:
        """Switch automatic management off; project storages keep their mode and their folders (OP §16)."""
        return self._patch(
            storage, {"applicationPassword": None}, f'switch automatic management of the storage "{storage.name}" off'
        )

    def set_client(self, storage: Storage, client_id: str, client_secret: str) -> None:
        """Store Nextcloud's OAuth client. The former one goes, with all users' tokens (OP §3.3)."""
        self.client.send(
            "POST",
            f"/storages/{storage.id}/oauth_client_credentials",
            {"clientId": client_id, "clientSecret": client_secret},
            attempted=f'hand the OAuth client of Nextcloud to the storage "{storage.name}"',
        )

    def delete(self, storage: Storage, project_storages: int) -> None:
        """Delete a storage with its project storages, file links, automatic folders and OAuth parts (OP §3.2).

        :param project_storages: how many projects use it; the time-out grows with them.
        """
        timeout = self.client.connection.timeout + SECONDS_PER_PROJECT_STORAGE * project_storages
        self.client.send(
            "DELETE", f"/storages/{storage.id}", None, attempted=f'delete the storage "{storage.name}"', timeout=timeout
        )

    def _patch(self, storage: Storage, body: t.Mapping[str, t.Any], attempted: str) -> Storage:
        return _storage(
            self.client.send("PATCH", f"/storages/{storage.id}", body, attempted=attempted),
            attempted,
            self.client.server,
        )

    def project_storages(self, storage_id: int) -> list[ProjectStorage]:
        """In which active projects a storage is; those in archived ones are not shown (OP §3.5)."""
        data = self.client.get(
            "/project_storages",
            params={"filters": json.dumps([{"storageId": {"operator": "=", "values": [str(storage_id)]}}])},
            attempted="list the projects that use the storage",
        )
        return [
            ProjectStorage(
                id=element["id"],
                project=element["_links"]["project"].get("title") or "",
                mode=element.get("projectFolderMode", ""),
                project_id=int(_last_part(element["_links"]["project"])),
                folder_id=_last_part(element["_links"].get("projectFolder") or {}) or None,
            )
            for element in data.get("_embedded", {}).get("elements", [])
        ]

    def version(self) -> tuple[int, ...]:
        """OpenProject's version.

        :raises Refused: the account is no administrator (only they see the version, OP §3.1), or the version is too
            old.
        """
        attempted = "read the version"
        data = self.client.get("", attempted=attempted)
        text = data.get("coreVersion")
        if not text:
            raise Refused(
                "the account is not an administrator",
                attempted=attempted,
                server=self.client.server,
                remedy="Use the API key of an administrator, or the global basic authentication of the server",
            )
        version = parse_version(str(text))
        if version[:2] < OLDEST_OPENPROJECT:
            raise Refused(
                f"its version {text} is too old",
                server=self.client.server,
                remedy=f"Supported is OpenProject {'.'.join(map(str, OLDEST_OPENPROJECT))} and newer",
            )
        return version

    def active_projects(self) -> int:
        """How many active projects there are.

        Without one, OpenProject hides every storage, also from administrators (OP §3.2).
        """
        data = self.client.get(
            "/projects",
            params={"pageSize": "1", "filters": json.dumps([{"active": {"operator": "=", "values": ["t"]}}])},
            attempted="count the active projects",
        )
        return int(data.get("total", 0))


def projects_use(projects: int) -> str:
    """How many active projects use a storage, as the beginning of a sentence."""
    return "1 active project uses" if projects == 1 else f"{projects} active projects use"


def _last_part(link: t.Mapping[str, t.Any]) -> str:
    return str(link.get("href") or "").rsplit("/", 1)[-1]


def parse_version(text: str) -> tuple[int, ...]:
    """A version as numbers; empty for an empty text."""
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def explain_refusal(error: ApiError, client: OpenProject, *, nextcloud_host: str) -> ApiError:
    """A refused storage (422), with cause and remedy for every row of OP §3.9; other errors as they are."""
    remedy = ""
    if "host" in error.attribute:
        remedy = _host_remedy(error.answer, nextcloud_host)
    elif "name" in error.attribute:
        remedy = (
            "Another storage has this name or host, perhaps one that cannot be seen; choose another storage_name, or"
            " look in Administration, Files"
        )
    elif "password" in error.attribute:
        remedy = (
            "Nextcloud did not take the application password just made: run again, and see whether somebody else"
            " sets up the same pair"
        )
    if error.status != 422 or not remedy:
        return error
    return ApiError(
        error.answer,
        attempted=error.attempted,
        server=error.server,
        remedy=remedy,
        status=error.status,
        identifier=error.identifier,
        attribute=error.attribute,
    )


def _host_remedy(words: str, host: str) -> str:
    # translated with the account's language, therefore a help for the reader only, never a decision
    text = words.lower()
    if "secure context" in text:
        return f"OpenProject wants https for {host}; plain http is allowed only for localhost and loopback addresses"
    if "ssrf" in text or "private" in text or "blocked" in text or "not allowed" in text:
        return f"From 17.6 on OpenProject refuses private addresses: allow the one of {host} with {SSRF_SETTING}"
    if "authorization" in text:
        return (
            f"On the way from OpenProject to {host} something drops the Authorization header: the web server (see"
            " Nextcloud's notes on pretty URLs and mod_rewrite) or a proxy"
        )
    if "minimal version" in text or "nextcloud server" in text:
        return f"Look at what answers at {host} when OpenProject asks: /ocs/v2.php/cloud/capabilities"
    if "taken" in text:
        return "Another storage has this host, perhaps one that no active project shows; look in Administration, Files"
    return (
        f"OpenProject itself must reach {host}: check name service, firewall and redirects from its server; for a"
        " private certificate authority set SSL_CERT_FILE there; from 17.6 on a private address must be allowed"
        f" with {SSRF_SETTING}"
    )


def _shows_management(data: t.Mapping[str, t.Any]) -> bool:
    """Whether the key is there that every supported version has; storages of other types lack it (OP §3.2)."""
    is_nextcloud = data.get("_links", {}).get("type", {}).get("href") == NEXTCLOUD_TYPE
    return "hasApplicationPassword" in data or not is_nextcloud


def _storage(data: t.Mapping[str, t.Any], attempted: str, server: str) -> Storage:
    if not _shows_management(data):
        raise unexpected(data, "hasApplicationPassword", attempted=attempted, server=server)
    embedded, links = data.get("_embedded", {}), data.get("_links", {})
    application, client = embedded.get("oauthApplication") or {}, embedded.get("oauthClientCredentials") or {}
    redirects = application.get("_links", {}).get("redirectUri") or []
    return Storage(
        id=data["id"],
        name=data["name"],
        host=(links.get("origin") or {}).get("href") or "",
        configured=bool(data.get("configured")),
        has_application_password=bool(data.get("hasApplicationPassword")),
        client_id=application.get("clientId"),
        redirect_uris=tuple(
            str(uri.get("href")) for uri in (redirects if isinstance(redirects, list) else [redirects])
        ),
        nextcloud_client_id=client.get("clientId"),
        sso=str((links.get("authenticationMethod") or {}).get("href") or "").endswith(SSO_METHOD),
    )
