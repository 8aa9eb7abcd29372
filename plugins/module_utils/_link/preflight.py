# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can be known before the first write is looked at before it (design §6); only when the plan has one."""

from __future__ import annotations

import typing as t

from .._core.errors import Refused
from .._core.module import Call
from .._core.versions import (
    NEWEST_TRIED_APP,
    NEWEST_TRIED_NEXTCLOUD,
    NEWEST_TRIED_OPENPROJECT,
    OLDEST_APP,
    OLDEST_NEXTCLOUD,
    dotted,
)
from .._nextcloud import project_folders
from .._nextcloud.admin import NextcloudAdmin
from .._nextcloud.integration import Integration
from .._openproject.storages import Storages
from .apply import CREATE_STORAGE, PATCH_SETUP, RECREATE_STORAGE, UPDATE_STORAGE
from .plan import Plan
from .read import Sides
from .state import Desired, LinkState

Warn = t.Callable[[str], None]

#: Nextcloud's word for a local address that it may not ask
LOCAL_REFUSED = "local_remote_servers_not_allowed"
#: curl's numbers for a certificate that Nextcloud does not trust, in the details of a failed request
CURL_CERTIFICATE = ("cURL error 60", "cURL error 51", "cURL error 77")

#: a cause that shows in several ways (field case O22)
OWN_PROXY = (
    "Nextcloud asks through the proxy in its own configuration: then add the host of OpenProject to proxyexclude (occ"
    " config:system:set proxyexclude 0 --value=<host>)"
)

MAKE_KNOWN = (
    "a private certificate authority must be made known to Nextcloud (module nextcloud_certificate; role"
    " prepare_nextcloud: prepare_nextcloud_ca_certificates)"
)

#: what Nextcloud says of an address that it is to accept as OpenProject's (NC §1.4): cause and remedy
PROBE_RESULTS = {
    "invalid": (
        "it is not an address that Nextcloud accepts",
        "Underscores and non-ASCII letters in host names are refused; give the ASCII form",
    ),
    "redirected": ("OpenProject redirects it to {details}", "Set openproject_public_url to that address"),
    "not_valid_body": (
        "what answers there is not OpenProject",
        "Something in front of OpenProject (a portal, a proxy, another site) answers Nextcloud",
    ),
    "client_exception": (
        "it was answered with an error ({details})",
        f"Something in front of OpenProject refuses Nextcloud, or the path of the address is wrong, or {OWN_PROXY}",
    ),
    "server_exception": (
        "OpenProject answered with a server error ({details})",
        f"See whether OpenProject is up; it may still be starting. Or {OWN_PROXY}",
    ),
    "request_exception": (
        "the request failed ({details})",
        f"Look at TLS: {MAKE_KNOWN}",
    ),
    "network_error": (
        "Nextcloud cannot reach it ({details})",
        f"Check name service, firewall and certificate from Nextcloud's server; {MAKE_KNOWN}. Or {OWN_PROXY}",
    ),
    LOCAL_REFUSED: (
        "Nextcloud refuses local addresses, and it says the same of a name that it cannot resolve",
        "If the address is local on purpose: occ config:system:set allow_local_remote_servers --value=true"
        " --type=boolean (role prepare_nextcloud: prepare_nextcloud_allow_local_remote_servers: true). If not, check"
        " the name service of Nextcloud's server",
    ),
    "unexpected_error": ("Nextcloud met an unexpected error ({details})", "Look at Nextcloud's log"),
}


def preflight_checks(
    sides: Sides, state: LinkState, desired: Desired, plan: Plan, warn: Warn, *, check_mode: bool = False
) -> None:
    """Raise everything that would make a write of this plan fail.

    In check mode, what an earlier task of the same play may have only pretended to set right is a warning.

    :raises Failure: with server, cause and remedy; nothing was written.
    """
    check_openproject(sides.storages, state, warn)
    if not state.nextcloud.app:
        return
    check_nextcloud_versions(sides.integration, warn)
    if plan.has(CREATE_STORAGE, RECREATE_STORAGE) or _writes(plan, UPDATE_STORAGE, "host"):
        _host(sides, desired)
    if _writes(plan, PATCH_SETUP, "openproject_instance_url"):
        refusal = _address(sides, desired)
        if refusal and check_mode and _role_fixes(refusal):
            warn(f"{refusal.message} A real run is refused unless that is set before.")
        elif refusal:
            raise refusal


def _role_fixes(refusal: Refused) -> bool:
    """Whether role prepare_nextcloud sets that right, so that it may be right in a real run."""
    return refusal.facts["result"] == LOCAL_REFUSED or any(mark in refusal.answer for mark in CURL_CERTIFICATE)


def _writes(plan: Plan, kind: str, key: str) -> bool:
    return any(step.kind == kind and key in step.values for step in plan.steps)


def check_openproject(storages: Storages, state: LinkState, warn: Warn) -> None:
    """Raise what forbids a new storage: the account, the version, or that there is no active project.

    :raises Refused: nothing was written.
    """
    # a storage that was read shows that there is an active project, that the account is an administrator, and by its
    # keys that the version is one we know (OP §1, §3.2)
    if state.storage is not None:
        return
    version = storages.version()
    if version[:2] > NEWEST_TRIED_OPENPROJECT:
        warn(
            f"OpenProject {dotted(version)} is newer than {dotted(NEWEST_TRIED_OPENPROJECT)}, the newest known to this"
            " collection."
        )
    if not state.listed and storages.active_projects() == 0:
        raise Refused(
            "there is no active project, and then OpenProject hides every storage, also from administrators: one made"
            " now could be neither completed nor deleted",
            server=storages.client.server,
            remedy="Create or unarchive a project first",
        )


def check_nextcloud_versions(integration: Integration, warn: Warn) -> None:
    """Refuse versions that are too old, and warn of such that nobody tried.

    :raises Refused: nothing was written.
    """
    server = integration.client.server
    major, app, _group_folders = integration.versions()
    if major and major < OLDEST_NEXTCLOUD:
        raise Refused(
            f"its version {major} is too old",
            server=server,
            remedy=f"Supported is Nextcloud {OLDEST_NEXTCLOUD} and newer",
        )
    if app and app[:2] < OLDEST_APP:
        raise Refused(
            f"its app OpenProject Integration {dotted(app)} is too old",
            server=server,
            remedy=f"Supported is {dotted(OLDEST_APP)} and newer: occ app:update integration_openproject",
        )
    if major > NEWEST_TRIED_NEXTCLOUD or (app and app[:2] > NEWEST_TRIED_APP):
        warn(
            f"Nextcloud {major} with OpenProject Integration {dotted(app)} is newer than {NEWEST_TRIED_NEXTCLOUD} with"
            f" {dotted(NEWEST_TRIED_APP)}, the newest known to this collection."
        )


def _host(sides: Sides, desired: Desired) -> None:
    """What OpenProject will look at when it saves the host (OP §3.9, §5)."""
    if desired.nextcloud.scheme == "http" and not desired.nextcloud.is_loopback:
        raise Refused(
            f"OpenProject accepts plain http only for localhost and loopback addresses, not for {desired.nextcloud}",
            server=sides.storages.client.server,
            remedy="Give Nextcloud https, and say so in nextcloud_url or nextcloud_public_url",
        )
    if len(str(desired.nextcloud)) > 255:
        raise Refused("the address of Nextcloud is longer than 255 characters", server=sides.storages.client.server)
    if not sides.integration.passes_authorization():
        raise Refused(
            "its web server does not hand on the Authorization header, which OpenProject needs",
            server=sides.integration.client.server,
            remedy="See Nextcloud's notes on pretty URLs; with Apache mod_rewrite and mod_env, with PHP-FPM"
            " CGIPassAuth, bring the header through",
        )


def _address(sides: Sides, desired: Desired) -> Refused | None:
    """Why Nextcloud itself does not accept the address of OpenProject; C(None) when it does."""
    result, details = sides.integration.probe(str(desired.openproject))
    if result is True:
        return None
    cause, remedy = PROBE_RESULTS.get(
        str(result), (f'Nextcloud says "{result}" of it ({{details}})', "Look at Nextcloud's log")
    )
    return Refused(
        cause.format(details=details or "no details"),
        attempted=f"make Nextcloud accept {desired.openproject} as the address of OpenProject",
        server=sides.integration.client.server,
        remedy=remedy,
        result=str(result),
    )


def read_folder_facts(call: Call, admin: NextcloudAdmin, state: LinkState, plan: Plan) -> None:
    """What the repair of project folders needs to know, and what an administrator should know of it, before the first write.

    :raises Failure: group admins are to be appointed and only occ is given, or Nextcloud wants the login password (NC §6.2).
    """
    settings = state.nextcloud
    sets_up = any(step.values.get("setup_project_folder") for step in plan.steps)
    if sets_up and settings.encryption and not settings.group_folder_encryption:
        call.warn(project_folders.ENCRYPTION_WARNING)
    if state.pieces is None:
        return
    if plan.repairs:
        project_folders.prepare(admin, plan.repairs, check_mode=call.check_mode)
    for warning in project_folders.warnings(admin, state.pieces, plan.repairs):
        call.warn(warning)
