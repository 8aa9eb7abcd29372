# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What OpenProject asks Nextcloud, over HTTP: when a storage is saved (OP §5), for its connection check (OP §8.2), for folders (OP §6)."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree

import requests

from .profiles import number
from .state import AUTOMATIC, OpenProjectState, Project, ProjectStorage, Storage, now

VALIDATOR_TIMEOUT = (5, 3)
"""Seconds for connecting and reading (OP §5)."""

TEST_TOKEN = "Bearer TESTBEARERTOKEN"

PRIVATE_NETWORKS = [
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::1/128",
        "2001:db8::/32",
        "fc00::/7",
        "fe80::/10",
    )
]
"""What 17.6 and newer refuse, as its sources and their review say (field case O31). Not recorded, and neither is its sentence."""


@dataclass(frozen=True)
class Finding:
    """Why a host was refused; `value` belongs into the sentence."""

    symbol: str
    value: str = ""


@dataclass(frozen=True)
class Connection:
    """The result of the connection check (OP §8.2)."""

    type: str
    error_code: str
    description: str | None = None


class CheckRaised(Exception):
    """The connection check of 15.4 stumbles over its own error report when Nextcloud answers neither 2xx nor 404 (OP §16)."""


class NextcloudSide:
    """A Nextcloud as OpenProject's storage code sees it. Redirects are never followed."""

    def __init__(self, world: OpenProjectState, new_session: Callable[[], requests.Session]) -> None:
        self._world = world
        self._new_session = new_session

    def host_violation(self, host: str, *, other_errors: bool) -> Finding | None:
        """The checks of a host that was just entered, in their order (OP §3.9, §5); None when all pass."""
        address = blocked_address(self._world, host)
        if address:
            return Finding("ssrf_filtered", address)
        symbol = self._capabilities_violation(host)
        # The second look is taken only when nothing else is wrong, so a clash of names hides a missing app.
        if symbol is None and not other_errors:
            symbol = self._authorization_violation(host)
        return Finding(symbol) if symbol else None

    def password_violation(self, host: str, username: str, password: str) -> str | None:
        """Whether the application password opens Nextcloud's files (OP §5.3): None, `invalid_password` or `unknown_error`."""
        answer = self._ask("HEAD", f"{host}remote.php/dav", auth=credentials(username, password))
        if answer is not None and answer.ok and answer.status_code < 300:
            return None
        return "invalid_password" if answer is not None and answer.status_code == 401 else "unknown_error"

    def _capabilities_violation(self, host: str) -> str | None:
        answer = self.capabilities(host)
        if answer is None or not 200 <= answer.status_code < 300:
            return "cannot_be_connected_to"
        document = json_of(answer)
        version = dig(document, "ocs", "data", "version", "major")
        if not isinstance(version, int):
            return "not_nextcloud_server"
        return None if version >= 22 else "minimal_nextcloud_version_unmet"

    def _authorization_violation(self, host: str) -> str | None:
        url = f"{host}index.php/apps/integration_openproject/check-config"
        answer = self._ask("GET", url, headers={"Authorization": TEST_TOKEN})
        if answer is None or answer.status_code >= 400:
            return "cannot_be_connected_to"
        if answer.status_code >= 300:
            return "op_application_not_installed"
        seen = dig(json_of(answer), "authorization_header")
        return None if seen == TEST_TOKEN else "authorization_header_missing"

    def connection(self, storage: Storage) -> Connection:
        """The connection check up to 15.5 (OP §8.2, §16); raises CheckRaised where OpenProject raises ArgumentError.

        It does not see a missing group admin, advanced permissions that are off, a missing manager or a missing second group.
        """
        if not storage.configured:
            return Connection(
                "none",
                "wrn_not_configured",
                "The connection could not be validated. Please finish configuration first.",
            )
        answer = self.capabilities(storage.host)
        if answer is not None and answer.status_code == 404:
            return Connection("error", "err_host_not_found", "No Nextcloud server found at the configured host url.")
        if answer is None or not 200 <= answer.status_code < 300:
            raise CheckRaised("wrong number of arguments (given 2, expected 0..1)")
        app = dig(json_of(answer), "ocs", "data", "capabilities", "integration_openproject")
        return self._dependencies(storage, app) or self._folders(storage) or Connection("healthy", "none")

    def _dependencies(self, storage: Storage, app: Any) -> Connection | None:
        missing = "A required dependency is missing on the file storage. Please add the following dependency: "
        if not app:
            return Connection("error", "err_missing_dependencies", missing + "Integration OpenProject.")
        if storage.automatic_management and not app.get("groupfolders_enabled"):
            return Connection("error", "err_missing_dependencies", missing + "Group folders.")
        wanted = [("Integration OpenProject", app.get("app_version"), self._world.profile.minimum_integration_app)]
        if storage.automatic_management:
            folders = self._world.profile.minimum_group_folders
            wanted.append(("Group folders", app.get("groupfolder_version"), folders))
        for name, found, minimum in wanted:
            if number(str(found)) < minimum:
                expected = ".".join(map(str, minimum))
                text = f"The {name} app version is not supported: expected at least {expected} but found {found}."
                return Connection("error", "err_unexpected_version", text)
        return None

    def _folders(self, storage: Storage) -> Connection | None:
        if not storage.automatic_management:
            return None
        answer = self.folder_request(storage, "PROPFIND", "")
        status = answer.status_code if answer is not None else 0
        if status == 401:
            return Connection("error", "err_userless_access_denied", "The configured app password is invalid.")
        if status == 404:
            return Connection("error", "err_group_folder_not_found", "The group folder could not be found.")
        if status != 207 or answer is None:
            raise CheckRaised("wrong number of arguments (given 2, expected 0..1)")
        expected = {row.folder_id for row in self._world.rows_of(storage) if row.mode == AUTOMATIC}
        if set(folder_ids(answer.text)[1:]) - expected:
            text = "Unexpected content found in the managed group folder."
            return Connection("warning", "wrn_unexpected_content", text)
        return None

    def oauth_client_verdict(self, storage: Storage, code: str) -> str:
        """Whether Nextcloud takes the stored client and its secret: `right`, `wrong` or `unknown`.

        Nextcloud looks at the code before it looks at the client (NC §9). The access token that comes of the right secret is given back.
        """
        client = storage.client
        if client is None:
            return "unknown"
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": client.client_id,
            "client_secret": client.client_secret,
        }
        answer = self._ask("POST", f"{storage.host}index.php/apps/oauth2/api/v1/token", data=form)
        document = json_of(answer) if answer is not None else None
        token = dig(document, "access_token")
        if token:
            headers = {"Authorization": f"Bearer {token}", "OCS-APIRequest": "true"}
            self._ask("DELETE", f"{storage.host}ocs/v2.php/core/apppassword", headers=headers)
            return "right"
        return "wrong" if dig(document, "error") == "invalid_client" else "unknown"

    def password_verdict(self, storage: Storage) -> str:
        """Whether the stored application password is `right`, `wrong` or `unknown`."""
        if not storage.automatic_management or storage.password is None:
            return "unknown"
        violation = self.password_violation(storage.host, storage.username, storage.password)
        return {None: "right", "invalid_password": "wrong"}.get(violation, "unknown")

    def make_missing_folders(self, storage: Storage) -> None:
        """What the background worker does within seconds: a folder for every automatic project storage (OP §6)."""
        world = self._world
        if not (world.worker_running and storage.automatic_management and storage.configured):
            return
        for row in world.rows_of(storage):
            project = world.projects[row.project_id]
            if row.mode != AUTOMATIC or row.folder_id is not None or not project.active:
                continue
            name = managed_folder(project)
            made = self.folder_request(storage, "MKCOL", name)
            if made is None or made.status_code not in (201, 405):
                continue
            read = self.folder_request(storage, "PROPFIND", name)
            found = folder_ids(read.text) if read is not None and read.status_code == 207 else []
            if found:
                row.folder_id, row.updated_at = found[0], now()

    def delete_folder(self, storage: Storage, row: ProjectStorage) -> None:
        """Delete the remote folder of an automatic project storage; a Nextcloud that refuses is ignored (OP §3.2)."""
        if row.mode == AUTOMATIC and storage.password is not None:
            self.folder_request(storage, "DELETE", managed_folder(self._world.projects[row.project_id]))

    def capabilities(self, host: str) -> requests.Response | None:
        """Nextcloud's capabilities, asked without credentials; None when nobody answers."""
        headers = {"Ocs-Apirequest": "true", "Accept": "application/json"}
        return self._ask("GET", f"{host}ocs/v2.php/cloud/capabilities", headers=headers)

    def folder_request(self, storage: Storage, method: str, folder: str) -> requests.Response | None:
        """A WebDAV request for the group folder, or for a folder in it, with the application password."""
        url = f"{storage.host}remote.php/dav/files/{storage.username}/OpenProject/{quote(folder)}"
        body = PROPERTIES if method == "PROPFIND" else None
        headers = {"Depth": "1" if not folder else "0"} if method == "PROPFIND" else {}
        auth = credentials(storage.username, storage.password or "")
        return self._ask(method, url, headers=headers, auth=auth, data=body)

    def _ask(
        self, method: str, url: str, headers: dict[str, str] | None = None, **more: Any
    ) -> requests.Response | None:
        """None for everything below HTTP: no name, no connection, no time, no trust."""
        if urlsplit(url).scheme == "https" and not self._world.trusts_ca:
            return None
        if blocked_address(self._world, url):
            return None
        with self._new_session() as session:
            agent = {"User-Agent": self._world.profile.user_agent}
            try:
                return session.request(
                    method,
                    url,
                    headers=agent | (headers or {}),
                    timeout=VALIDATOR_TIMEOUT,
                    allow_redirects=False,
                    **more,
                )
            except (requests.RequestException, UnicodeError):
                return None


PROPERTIES = '<?xml version="1.0"?><d:propfind xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"><d:prop><oc:fileid/></d:prop></d:propfind>'


def blocked_address(world: OpenProjectState, url: str) -> str | None:
    """The private address behind a host, when this version must not talk to it (OP §5, from 17.6, not recorded); None when it may."""
    if not world.profile.filters_private_addresses:
        return None
    try:
        found = socket.getaddrinfo(urlsplit(url).hostname, None, type=socket.SOCK_STREAM)
    except OSError:
        return None
    allowed = [ipaddress.ip_network(network, strict=False) for network in world.ssrf_allow_list]
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    safe = [
        address
        for address in addresses
        if any(address in network for network in allowed) or not any(address in network for network in PRIVATE_NETWORKS)
    ]
    return None if safe or not addresses else str(addresses[0])


def is_literal(url: str) -> bool:
    """Whether the host is an address itself, or `localhost`, so that no name has to be resolved."""
    host = urlsplit(url).hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return True


def managed_folder(project: Project) -> str:
    """The name of a project's automatic folder (OP §5)."""
    return f"{project.name.replace('/', '|')} ({project.id})"


def folder_ids(multistatus: str) -> list[str]:
    """The file ids in a WebDAV answer, the folder itself first."""
    try:
        tree = ElementTree.fromstring(multistatus)
    except ElementTree.ParseError:
        return []
    return [element.text or "" for element in tree.iter("{http://owncloud.org/ns}fileid")]


def credentials(username: str, password: str) -> tuple[bytes, bytes]:
    """Basic credentials in UTF-8, which both servers read."""
    return username.encode(), password.encode()


def json_of(answer: requests.Response) -> Any:
    """The body when it says that it is JSON and is; None otherwise."""
    if not re.match(r"application/([\w.+-]+\+)?json", answer.headers.get("Content-Type", "")):
        return None
    try:
        return answer.json()
    except requests.exceptions.JSONDecodeError:
        return None


def dig(document: Any, *path: str) -> Any:
    """A value below nested keys; None when something on the way is missing."""
    for key in path:
        document = document.get(key) if isinstance(document, dict) else None
    return document
