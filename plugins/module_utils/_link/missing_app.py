# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why the app OpenProject Integration does not answer: it is missing, or Nextcloud itself is not ready."""

from __future__ import annotations

import re
import typing as t

from .._core.errors import ApiError, Failure, Refused
from .._core.versions import ENABLE_LIFTS_LIMIT, parsed
from .._nextcloud.admin_http import HttpAdmin
from .._nextcloud.client import APP, Nextcloud
from .read import Sides

#: fact of a refusal because of an app that an earlier task of the play may have only pretended to enable
MISSING_APP = "missing_app"


def explain_missing_app(sides: Sides) -> Refused:
    """The app's routes answer 404: which of the reasons it is."""
    client = sides.integration.client
    status = _status(client)
    return _explain_status(client, status) or _explain_row(
        client, _app_row(client), parsed(str(status.get("version", "")))
    )


def _status(client: Nextcloud) -> dict[str, t.Any]:
    """What ``status.php`` says; empty when it does not answer, or something else does."""
    try:
        status = client.read("/status.php", attempted="read the status")
    except Failure:
        return {}
    return status if isinstance(status, dict) else {}


def _explain_status(client: Nextcloud, status: t.Mapping[str, t.Any]) -> Refused | None:
    """Why Nextcloud as a whole is not ready; ``None`` when it is."""
    if "installed" not in status:
        return Refused(
            "what answers there is not Nextcloud, or Nextcloud has another path",
            server=client.server,
            remedy="Check nextcloud_url, its path too: https://host/nextcloud",
        )
    if not status["installed"]:
        return Refused(
            "Nextcloud is not installed yet",
            server=client.server,
            remedy="Wait for its first start, or finish its set-up",
        )
    if status.get("needsDbUpgrade"):
        return Refused("Nextcloud waits for an upgrade", server=client.server, remedy="Run: occ upgrade")
    if status.get("maintenance"):
        return Refused("Nextcloud is in maintenance mode", server=client.server, remedy="Run again when it is over")
    return None


def _app_row(client: Nextcloud) -> str:
    """The app's value ``enabled`` (``yes``, ``no`` or a list of groups); empty when it was never there or cannot be read."""
    try:
        return HttpAdmin(client).app_value(APP, "enabled")
    except Failure:
        return ""


def _explain_row(client: Nextcloud, row: str, version: tuple[int, ...]) -> Refused:
    """Enabled for others, without its files, or not enabled at all (field cases O43, O44)."""
    app, enable = f"the app OpenProject Integration ({APP})", f"occ app:enable {APP}"
    if row.startswith("["):
        groups = re.findall(r'"([^"]*)"', row)
        lift = enable if version[:1] >= (ENABLE_LIFTS_LIMIT,) else f"occ app:disable {APP}, then {enable}"
        return Refused(
            f"{app} is limited to the {'group' if len(groups) == 1 else 'groups'} {', '.join(groups)}, and"
            f" {client.connection.username} is not a member",
            server=client.server,
            remedy=f"Lift the limit (role prepare_nextcloud, or {lift}), or give nextcloud_username an administrator in one of the groups",
            cause=MISSING_APP,
        )
    if row == "yes":
        return Refused(
            f"{app} is enabled, but it does not answer: its files are missing, as after a new container image",
            server=client.server,
            remedy=f"Fetch them again: occ app:install {APP}. If its folder is there, see Nextcloud's log",
            cause="files_missing",
        )
    return Refused(
        f"{app} is missing or disabled",
        server=client.server,
        remedy=f"Enable it: role prepare_nextcloud, module nextcloud_app, or {enable}",
        cause=MISSING_APP,
    )


def tell_host_apart(error: ApiError, sides: Sides) -> Failure:
    """Let Nextcloud tell which it is: maintenance, an upgrade and a wrong path are one to OpenProject (OP §16)."""
    if error.status != 422 or "host" not in error.attribute:
        return error
    client = sides.integration.client
    explained = _explain_status(client, _status(client))
    if explained is None:
        return error
    return Refused(explained.answer, attempted=error.attempted, server=explained.server, remedy=explained.remedy)
