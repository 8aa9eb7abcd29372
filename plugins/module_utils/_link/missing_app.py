# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why the app OpenProject Integration does not answer: it is missing, or Nextcloud itself is not ready."""

from __future__ import annotations

from .._core.errors import ApiError, Failure, Refused
from .read import Sides

#: fact of a refusal because of an app that an earlier task of the play may have only pretended to enable
MISSING_APP = "missing_app"


def explain_missing_app(sides: Sides) -> Refused:
    """The app's routes answer 404: which of the reasons it is."""
    client = sides.integration.client
    try:
        status = client.read("/status.php", attempted="read the status")
    except Failure:
        status = {}
    if not isinstance(status, dict) or "installed" not in status:
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
    return Refused(
        "the app OpenProject Integration (integration_openproject) is missing or disabled, or limited to groups that"
        f" {client.connection.username} is not in",
        server=client.server,
        remedy="Enable it: role prepare_nextcloud, module nextcloud_app, or occ app:enable integration_openproject",
        cause=MISSING_APP,
    )


def tell_host_apart(error: ApiError, sides: Sides) -> Failure:
    """Let Nextcloud tell which it is: a missing app, maintenance and a wrong path are one to OpenProject (OP §16)."""
    if error.status != 422 or "host" not in error.attribute:
        return error
    explained = explain_missing_app(sides)
    if explained.facts.get("cause") == MISSING_APP:
        return error
    return Refused(explained.answer, attempted=error.attempted, server=explained.server, remedy=explained.remedy)
