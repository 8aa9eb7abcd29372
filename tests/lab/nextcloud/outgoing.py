# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests that the simulated Nextcloud sends to an OpenProject (OP §5.1)."""

from __future__ import annotations

import ipaddress
import socket
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests

from lab.nextcloud.integration import valid_url
from lab.plumbing import host_of

if TYPE_CHECKING:
    from lab.nextcloud.server import NextcloudServer

USER_AGENT = "Nextcloud OpenProject integration"
TIMEOUT = 5.0
PROTOCOL_ASSIGNMENTS = ipaddress.ip_network("192.0.0.0/24")
"""Local to Nextcloud; Python's versions differ in what they say of it."""
CURL_ERRORS = "(see https://curl.haxx.se/libcurl/c/libcurl-errors.html)"


def is_forbidden(server: NextcloudServer, url: str) -> bool:
    """Whether `allow_local_remote_servers` forbids an address: local, or impossible to resolve (NC §1.4)."""
    if server.state.system.get("allow_local_remote_servers") in (True, "1", "true", "yes", 1):
        return False
    try:
        found = socket.getaddrinfo(host_of(url), None)
    except (OSError, UnicodeError):
        return True
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    return any(not address.is_global or address in PROTOCOL_ASSIGNMENTS for address in addresses)


def probe_openproject(server: NextcloudServer, url: str) -> dict[str, Any]:
    """What POST /is-valid-op-instance answers for an address."""
    if server.state.openproject_probe is not None:
        return server.state.openproject_probe
    if not valid_url(url):
        return {"result": "invalid"}
    if is_forbidden(server, url):
        return {"result": "local_remote_servers_not_allowed"}
    target = f"{url.rstrip('/')}/api/v3/"
    headers = {"Authorization": "Bearer ", "User-Agent": USER_AGENT}
    try:
        with server.peer_session() as session:
            answer = session.get(target, headers=headers, allow_redirects=False, timeout=TIMEOUT)
    except (requests.ConnectionError, requests.Timeout) as error:
        return {"result": "network_error", "details": f"{_curl_text(error, target)} {CURL_ERRORS} for {target}"}
    except requests.RequestException as error:
        return {"result": "request_exception", "details": str(error)}
    reason = f"{answer.status_code} {HTTPStatus(answer.status_code).phrase}"
    body = _json(answer)
    if answer.status_code >= 500:
        return {"result": "server_exception", "details": reason}
    if answer.status_code >= 400:
        if body.get("_type") == "Error" and body.get("errorIdentifier"):
            return {"result": True}
        return {"result": "client_exception", "details": reason}
    if answer.status_code >= 300:
        location = answer.headers.get("Location", "")
        if not location:
            text = f'received a redirect status code ({answer.status_code}) but no "Location" header'
            return {"result": "unexpected_error", "details": text}
        return {"result": "redirected", "details": location.removesuffix("api/v3/")}
    if body.get("_type") == "Root" and body.get("instanceName"):
        return {"result": True}
    return {"result": "not_valid_body", "details": answer.text}


def revoke_token(server: NextcloudServer, url: str, token: str, client_id: str, secret: str) -> str:
    """Give a user's token back to an OpenProject (NC §1.4)."""
    if is_forbidden(server, url):
        return "other_error"
    try:
        with server.peer_session() as session:
            answer = session.post(
                f"{url.rstrip('/')}/oauth/revoke",
                params={"token": token},
                auth=(client_id, secret),
                headers={"User-Agent": USER_AGENT},
                allow_redirects=False,
                timeout=TIMEOUT,
            )
    except requests.ConnectionError:
        return "connection_error"
    except requests.RequestException:
        return "other_error"
    return "success" if answer.status_code == 200 else "other_error"


def _json(answer: requests.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _curl_text(error: requests.RequestException, url: str) -> str:
    """The words of curl for the kinds of failure that NC §1.4 names."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    text = str(error)
    if isinstance(error, requests.exceptions.SSLError):
        if "WRONG_VERSION_NUMBER" in text or "wrong version number" in text or "record layer failure" in text:
            return "cURL error 35: OpenSSL/3.0.19: error:0A00010B:SSL routines::wrong version number"
        return "cURL error 60: SSL certificate problem: unable to get local issuer certificate"
    if isinstance(error, requests.Timeout):
        return f"cURL error 28: Connection timed out after {int(TIMEOUT * 1000)} milliseconds"
    if "NameResolutionError" in text or "getaddrinfo" in text:
        return f"cURL error 6: Could not resolve host: {parts.hostname}"
    if "RemoteDisconnected" in text or "Connection aborted" in text:
        return "cURL error 52: Empty reply from server"
    return f"cURL error 7: Failed to connect to {parts.hostname} port {port} after 0 ms: Couldn't connect to server"
