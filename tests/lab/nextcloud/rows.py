# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a simulated Nextcloud keeps: accounts, groups, tokens, apps, values, OAuth clients, group folders, sessions."""

from __future__ import annotations

import secrets
import string
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from typing import Any

from lab.plumbing import random_text

INTEGRATION = "integration_openproject"
GROUPFOLDERS = "groupfolders"
OPENPROJECT = "OpenProject"
"""Id of the user, of the first group and of the mount point of the project folders (NC §3.1)."""
SECOND_GROUP = "OpenProjectNoAutomaticProjectFolders"

TROUBLESHOOTING = "https://www.openproject.org/docs/system-admin-guide/integrations/nextcloud/#troubleshooting"

ALNUM = string.ascii_letters + string.digits
SYMBOLS = string.punctuation

EXISTS = "exists"
MISSING = "missing"
INVALID = "invalid"
POLICY = "policy"
PROTECTED = "protected"
REFUSED = "refused"
NO_ACL = "no_acl"
TYPE_CONFLICT = "type_conflict"

TYPES = {"mixed": 2, "string": 4, "integer": 8, "float": 16, "boolean": 32, "array": 64}
"""Types of app values since Nextcloud 29 (NC §2)."""

PERMANENT, TEMPORARY = 1, 0


class StateError(Exception):
    """An operation that the server refuses."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


@dataclass
class Token:
    """A row of `oc_authtoken`: an application password (permanent) or a session (temporary)."""

    id: int
    name: str
    value: str
    type: int = PERMANENT
    login_password: str | None = None
    scope: dict[str, bool] = field(default_factory=lambda: {"filesystem": True})
    last_activity: int = 0


@dataclass
class User:
    uid: str
    password: str
    enabled: bool = True
    display_name: str = ""
    email: str = ""
    backend: str = "Database"
    quota: str = "none"
    two_factor: bool = False
    first_login: int = 0
    last_login: int = 0
    tokens: list[Token] = field(default_factory=list)
    """Application passwords."""
    devices: list[Token] = field(default_factory=list)
    """Sessions with the login password, until they are ended: what stands in the account's list of devices beside its tokens."""
    settings: dict[str, dict[str, str]] = field(default_factory=dict)
    """Per-user app values: app, key, value."""

    @property
    def name(self) -> str:
        return self.display_name or self.uid

    @property
    def all_tokens(self) -> list[Token]:
        return sorted([*self.tokens, *self.devices], key=lambda token: token.id)


@dataclass
class Group:
    gid: str
    display_name: str = ""
    members: list[str] = field(default_factory=list)
    subadmins: list[str] = field(default_factory=list)
    backends: list[str] = field(default_factory=lambda: ["Database"])

    @property
    def name(self) -> str:
        return self.display_name or self.gid


@dataclass
class Manage:
    """Who may set advanced permissions of a group folder; `type` is `user` or `group`."""

    type: str
    id: str


@dataclass
class GroupFolder:
    id: int
    mount_point: str
    quota: int = -3
    acl: bool = False
    default_permission: bool = True
    """Without it, advanced permissions deny what no rule allows (`acl_default_no_permission`)."""
    groups: dict[str, int] = field(default_factory=dict)
    manage: list[Manage] = field(default_factory=list)
    size: int = 0
    root_file_id: int = 0
    files: dict[str, int] = field(default_factory=dict)
    """Path below the mount point to file id; a folder's path ends with a slash."""
    rules: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Advanced permissions: path (`/` for the root), list of {mapping{type,id}, mask, permissions}."""

    def rules_at(self, path: str) -> list[dict[str, Any]]:
        return self.rules.get(path.strip("/") or "/", [])

    def set_rules(self, path: str, rules: list[dict[str, Any]]) -> None:
        """In the order of the database's index: groups before users."""
        self.rules.pop(path.strip("/") or "/", None)
        if rules:
            in_order = sorted(rules, key=lambda rule: (rule["mapping"]["type"], rule["mapping"]["id"]))
            self.rules[path.strip("/") or "/"] = in_order


@dataclass
class App:
    """An app on disk. Whether it is enabled and which version is installed are rows of the app config."""

    id: str
    version: str
    name: str = ""
    shipped: bool = False
    compatible: bool = True
    missing_dependency: str = ""
    types: str = ""
    path: str = ""


def as_numbers(version: str) -> list[int]:
    """A version as something that compares."""
    return [int(part) for part in version.split("-")[0].split(".") if part.isdigit()]


@dataclass
class ConfigValue:
    value: str
    type: int = TYPES["mixed"]
    lazy: bool = False
    sensitive: bool = False


@dataclass
class OAuthClient:
    """A row of `oc_oauth2_clients`. The real table holds a hash of the secret; the lab never shows it either."""

    id: int
    name: str
    redirect_uri: str
    client_identifier: str
    secret: str


@dataclass
class Grant:
    """A user's consent that a client may act for him: a row of `oc_oauth2_access_tokens`, found by its code or refresh token."""

    client: int
    uid: str
    token: int
    """Id of the user's token that belongs to it."""
    delivered: bool = False
    """Whether the code was exchanged: from then on only the refresh token counts."""


@dataclass
class Session:
    """A browser-like session behind a cookie."""

    uid: str
    request_token: str = field(default_factory=lambda: random_text(ALNUM, 32))
    """Never sent as it is: see `masked_token`."""
    token: Token | None = None
    password: str = ""
    """The login password at the time of the login: a session ends when it changes."""
    device: Token | None = None
    """The row that stands for a session with a login password; without one, every request is a login of its own (seen on 29.0.6)."""
    oauth_state: str = ""
    """The `state` of the OAuth client that asked last."""
    flow_state: str = ""
    """The state token of the login flow that is under way; it is used once."""

    def masked_token(self) -> str:
        """The request token in the form that pages and `/csrftoken` show: another one each time, all of them good."""
        mask = secrets.token_bytes(len(self.request_token))
        masked = bytes(a ^ b for a, b in zip(self.request_token.encode(), mask, strict=True))
        return f"{b64encode(masked).decode()}:{b64encode(mask).decode()}"

    def accepts(self, sent: str) -> bool:
        """Whether a request token, in whichever masked form, is this session's."""
        try:
            masked, mask = (b64decode(part, validate=True) for part in sent.split(":"))
        except ValueError:
            return False
        return bytes(a ^ b for a, b in zip(masked, mask, strict=False)) == self.request_token.encode()
