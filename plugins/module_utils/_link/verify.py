# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Trying the secrets that no read can compare (option C(verify_secrets))."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from .._core.module import Call
from .read import Sides
from .state import APPLICATION_PASSWORD, NEXTCLOUD_OAUTH, OPENPROJECT_OAUTH, LinkState, Wish

WRONG = "wrong"
UNKNOWN = "unknown"


def try_secrets(sides: Sides, state: LinkState, wish: Wish, call: Call) -> LinkState:
    """The state with the secrets that were tried and found wrong. Writes nothing, in check mode either.

    OpenProject's client secret is tried at its token endpoint (OP §16). What OpenProject stores of Nextcloud only OpenProject
    itself can try, through its command line; without it a warning says what was not tried.
    """
    wrong = set(state.wrong)
    warn = call.warn
    half, storage = state.nextcloud, state.storage
    if state.openproject_oauth_agreed:
        right = sides.storages.client.accepts_secret(
            half.openproject_client_id, half.openproject_client_secret, wish.redirect_uri
        )
        if right is False:
            wrong.add(OPENPROJECT_OAUTH)
        elif right is None:
            warn("OpenProject's answer does not tell whether the client secret that Nextcloud stores is right.")
    if storage is not None and (state.nextcloud_oauth_agreed or storage.has_application_password):
        if sides.runner is None:
            warn(
                "Without runner_command nobody can try what OpenProject stores: the client secret of Nextcloud"
                + (" and the application password." if storage.has_application_password else ".")
            )
        else:
            wrong |= _tried_by_openproject(sides, state, call)
    return replace(state, wrong=frozenset(wrong))


def _tried_by_openproject(sides: Sides, state: LinkState, call: Call) -> set[str]:
    storage = t.cast("t.Any", state.storage)
    answer = t.cast("t.Any", sides.runner).perform(
        "verify_secrets",
        # trying Nextcloud's client secret renews the tokens of one user on both sides, which check mode must not do
        {"storage_id": storage.id, "refresh": not call.check_mode},
        attempted=f'try the secrets of the storage "{storage.name}"',
    )
    tried = {}
    if state.nextcloud_oauth_agreed:
        tried[NEXTCLOUD_OAUTH] = ("client secret of Nextcloud", answer.get("nextcloud_client", UNKNOWN))
    if storage.has_application_password:
        tried[APPLICATION_PASSWORD] = ("application password", answer.get("application_password", UNKNOWN))
    for name, verdict in tried.values():
        if verdict == UNKNOWN:
            call.warn(f"OpenProject could not tell whether the {name} that it stores is right.")
    return {secret for secret, (_name, verdict) in tried.items() if verdict == WRONG}
