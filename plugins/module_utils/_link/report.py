# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a link is shown: before and after without anything that a server hands out, and the state that the module returns."""

from __future__ import annotations

import typing as t

from .._nextcloud import project_folders
from . import apply as kinds
from .plan import Plan
from .state import Desired, LinkState

#: words of a difference
AGREED, MISSING, DIFFERENT, RENEWED, ON, OFF, COMPLETE = (
    "agreed",
    "missing",
    "not the other side's",
    "renewed",
    "on",
    "off",
    "complete",
)


def before(state: LinkState, desired: Desired) -> dict[str, t.Any]:
    """Both sides as they were found."""
    storage, settings = state.storage, state.nextcloud
    shown: dict[str, t.Any] = {
        "openproject": {
            "storage": storage.name if storage else MISSING,
            "host": storage.host.rstrip("/") if storage else MISSING,
            "oauth_application": MISSING
            if storage is None or storage.client_id is None
            else _agreement(state.openproject_oauth_agreed),
            "automatic_management": ON if storage is not None and storage.has_application_password else OFF,
        },
        "nextcloud": {
            "openproject_url": settings.openproject_url.rstrip("/") or MISSING,
            "oauth_client": MISSING if settings.client_id is None else _agreement(state.nextcloud_oauth_agreed),
            "redirect_uri": _agreement(
                settings.client_id is not None
                and settings.redirect_uri == desired.client_redirect_uri(settings.client_id)
            ),
            "authorization_method": settings.authorization_method or MISSING,
            "default_enable_navigation": settings.default_enable_navigation,
            "default_enable_unified_search": settings.default_enable_unified_search,
        },
    }
    if desired.project_folders:
        shown["nextcloud"]["project_folders"] = _pieces(state, desired)
        shown["nextcloud"]["application_password"] = ON if settings.application_password else MISSING
    return shown


def after(state: LinkState, desired: Desired, plan: Plan) -> dict[str, t.Any]:
    """Both sides as they will be when the plan is carried out; computed, so that check mode shows the same."""
    if not plan.steps:
        return before(state, desired)
    storage, settings = state.storage, state.nextcloud
    managed = storage is not None and storage.has_application_password
    if plan.has(kinds.HAND_OVER_PASSWORD):
        managed = True
    elif plan.has(kinds.MANAGEMENT_OFF, kinds.CREATE_STORAGE, kinds.RECREATE_STORAGE):
        managed = False
    patched = next((step.values for step in plan.steps if step.kind == kinds.PATCH_SETUP), {})
    shown: dict[str, t.Any] = {
        "openproject": {
            "storage": desired.storage_name,
            "host": str(desired.nextcloud),
            "oauth_application": RENEWED
            if plan.has(kinds.REPLACE_APPLICATION, kinds.RECREATE_STORAGE) and state.openproject_oauth_agreed
            else AGREED,
            "automatic_management": ON if managed else OFF,
        },
        "nextcloud": {
            "openproject_url": str(desired.openproject),
            "oauth_client": RENEWED if plan.has(kinds.NEW_CLIENT) and state.nextcloud_oauth_agreed else AGREED,
            "redirect_uri": AGREED,
            "authorization_method": patched.get("authorization_method", settings.authorization_method),
            "default_enable_navigation": patched.get("default_enable_navigation", settings.default_enable_navigation),
            "default_enable_unified_search": patched.get(
                "default_enable_unified_search", settings.default_enable_unified_search
            ),
        },
    }
    if desired.project_folders:
        shown["nextcloud"]["project_folders"] = COMPLETE
        renewed = plan.has(kinds.HAND_OVER_PASSWORD) and state.application_password_agreed
        shown["nextcloud"]["application_password"] = RENEWED if renewed else ON
    return shown


def as_returned(state: LinkState) -> dict[str, t.Any]:
    """Both sides' state for a playbook, without secrets."""
    storage, settings = state.storage, state.nextcloud
    return {
        "openproject": {
            "storage": {}
            if storage is None
            else {
                "id": storage.id,
                "name": storage.name,
                "host": storage.host,
                "configured": storage.configured,
                "oauth_application_client_id": storage.client_id,
                "nextcloud_client_id": storage.nextcloud_client_id,
                "automatic_management": storage.has_application_password,
            }
        },
        "nextcloud": {
            "openproject_url": settings.openproject_url,
            "oauth_client_id": settings.client_id,
            "openproject_client_id": settings.openproject_client_id,
            "authorization_method": settings.authorization_method,
            "default_enable_navigation": settings.default_enable_navigation,
            "default_enable_unified_search": settings.default_enable_unified_search,
            "project_folders": settings.folders,
            "application_password": settings.application_password,
        },
    }


def _agreement(agreed: bool) -> str:
    return AGREED if agreed else DIFFERENT


def _pieces(state: LinkState, desired: Desired) -> str | list[str]:
    if state.folders_right:
        return COMPLETE
    if state.pieces is None or project_folders.is_untouched(state.pieces):
        return MISSING
    return [piece.title for piece in project_folders.missing(state.pieces, adopt_folder=desired.adopt_folder)]
