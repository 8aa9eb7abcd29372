# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may differ between a recorded answer and the lab's: values that are random or a time. Everything else must not."""

from __future__ import annotations

import re
from typing import Any

TIMES = {
    "createdAt",
    "first_seen",
    "firstLoginTimestamp",
    "installedat",
    "last_seen",
    "lastActivity",
    "lastLogin",
    "lastLoginTimestamp",
    "lastModified",
    "time",
    "updatedAt",
}
"""Keys of moments, and of how long something took."""

SIZES = {"free", "used", "total", "relative"}
"""Keys of the disk that the recorded server had."""

SECRETS = {
    "apppassword",
    "clientId",
    "clientSecret",
    "nextcloud_client_id",
    "nextcloud_client_secret",
    "oPUserAppPassword",
    "openproject_user_app_password",
    "stateToken",
    "token",
}
"""Keys of values that a server makes up; the lab's one stands for the recorded one from there on."""

NUMBERS = {
    "nc_oauth_client_id": "oauth_client",
    "projectId": "project",
    "rootId": "root",
    "storageId": "cache_storage",
}
"""Keys, besides `id`, of numbers that a server hands out, and their kind."""

KIND_OF_TYPE = {
    "OAuthApplication": "oauth_application",
    "OAuthClientCredentials": "oauth_client_credentials",
    "Project": "project",
    "ProjectStorage": "project_storage",
    "Storage": "storage",
    "User": "openproject_user",
}
"""What `id` counts in a HAL object, by its `_type`."""

MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")

_TEXTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (MOMENT, "<moment>"),
    (re.compile(r"\A1[0-9]{9}(\.\d+)?\n\Z"), "<moment>"),
    # How long a health check took.
    (re.compile(r"\(\d+\.\d+s\)"), "(<seconds>)"),
    # The words of Ruby in an error that nobody caught; they differ between versions of Ruby (OP §16).
    (re.compile(r"(An internal error has occurred\.|Ein interner Fehler ist aufgetreten\.).*", re.DOTALL), r"\1<Ruby>"),
    # Where in PHP something was thrown, and a line of Nextcloud's log on standard error.
    (re.compile(r"\{\"reqId\".*\}"), "<log>"),
    (re.compile(r" in /var/www/nextcloud/\S+:\d+\n?Stack trace:.*", re.DOTALL), "<trace>"),
    (re.compile(r"\nStack trace:.*", re.DOTALL), "<trace>"),
    (re.compile(r"\$AppConfigEncryption\$[0-9A-Za-z|]+"), "<encrypted>"),
)


def kind_of_id(holder: dict[str, Any]) -> str:
    """What the `id` of an object counts; empty when it is no number that was handed out."""
    if "_type" in holder:
        return KIND_OF_TYPE.get(str(holder["_type"]), "")
    if "nextcloud_oauth_client_name" in holder:
        return "oauth_client"
    if "lastActivity" in holder:
        return "token"
    if {"mount_point", "mountPoint"} & set(holder) or set(holder) == {"id"}:
        return "folder"
    return ""


def is_moment(value: Any) -> bool:
    """A time as text, as seconds since 1970, or a duration in seconds."""
    if isinstance(value, str):
        return MOMENT.fullmatch(value) is not None or re.fullmatch(r"\d{10}(\.\d+)?", value) is not None
    return isinstance(value, int | float) and not isinstance(value, bool)


def masked(text: str) -> str:
    """A text without what is random or a time."""
    for pattern, replacement in _TEXTS:
        text = pattern.sub(replacement, text)
    return text
