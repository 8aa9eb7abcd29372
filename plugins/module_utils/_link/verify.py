# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Trying the secrets that no read can compare (option C(verify_secrets))."""

from __future__ import annotations

from dataclasses import replace

from .._core.errors import Failure
from .._core.module import Call
from .._nextcloud.authorization import Consent
from .._nextcloud.client import Nextcloud
from .._openproject.runner import Runner
from .._openproject.storages import Storage
from .read import Sides
from .state import APPLICATION_PASSWORD, NEXTCLOUD_OAUTH, OPENPROJECT_OAUTH, Desired, LinkState

WRONG = "wrong"
UNKNOWN = "unknown"
CLIENT, PASSWORD = "nextcloud_client", "application_password"
#: what OpenProject's command line answers for, as which secret, in which words
TRIED = {
    CLIENT: (NEXTCLOUD_OAUTH, "client secret of Nextcloud"),
    PASSWORD: (APPLICATION_PASSWORD, "application password"),
}
NOT_TRIED = "The client secret of Nextcloud that OpenProject stores was not tried"


def try_secrets(sides: Sides, state: LinkState, desired: Desired, call: Call) -> LinkState:
    """The state with the secrets that were tried and found wrong.

    OpenProject's client secret is tried at its token endpoint (OP §16). What OpenProject stores of Nextcloud only OpenProject
    itself can try, through its command line; without it a warning says what was not tried. In check mode nothing is written.
    """
    wrong = set(state.wrong)
    warn = call.warn
    settings, storage = state.nextcloud, state.storage
    if state.openproject_oauth_agreed:
        right = sides.storages.client.accepts_secret(
            settings.openproject_client_id, settings.openproject_client_secret, desired.redirect_uri
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
            tried = ask_openproject(sides.runner, storage, consent_for(sides.integration.client, state), call)
            wrong |= {secret for name, (secret, _words) in TRIED.items() if tried[name] == WRONG}
    return replace(state, wrong=frozenset(wrong))


def consent_for(nextcloud: Nextcloud, state: LinkState) -> Consent | None:
    """What lets the client secret be tried that OpenProject stores; C(None) when that belongs to another client or to none."""
    client_id = state.nextcloud.client_id
    return Consent(nextcloud, client_id) if client_id is not None and state.nextcloud_oauth_agreed else None


def ask_openproject(runner: Runner, storage: Storage, consent: Consent | None, call: Call) -> dict[str, str]:
    """Let OpenProject try what it stores of Nextcloud, in one start of its command line; none when there is nothing to try.

    For the client secret it needs an authorization code. The consent that brings one makes a token of the administrator, which is gone
    when this returns; in check mode it is not given. Users' tokens are not touched.

    :param consent: C(None) when the client secret is not to be tried.
    :returns: C(right), C(wrong) or C(unknown) for each name of :data:`TRIED`; what should have been tried and is C(unknown) has a warning.
    :raises CommandError: the command line left no answer. The token is gone then, too.
    """
    code = None if consent is None else _obtain_code(consent, call)
    wanted = [name for name, stored in ((CLIENT, code), (PASSWORD, storage.has_application_password)) if stored]
    if not wanted:
        return dict.fromkeys(TRIED, UNKNOWN)
    try:
        answer = runner.perform(
            "verify_secrets",
            {"storage_id": storage.id, "storage_name": storage.name, "code": code},
            attempted=f'try the secrets of the storage "{storage.name}"',
        )
    finally:
        if consent is not None and code is not None:
            _withdraw(consent, call)
    tried = {name: str(answer.get(name, UNKNOWN)) if name in wanted else UNKNOWN for name in TRIED}
    for name in wanted:
        if tried[name] == UNKNOWN:
            call.warn(f"OpenProject could not tell whether the {TRIED[name][1]} that it stores is right.")
    return tried


def _obtain_code(consent: Consent, call: Call) -> str | None:
    """An authorization code, or C(None) and a warning that says why not."""
    if call.check_mode:
        call.warn(f"{NOT_TRIED}: that makes a token of the administrator for a moment, which check mode must not.")
        return None
    try:
        return consent.obtain_code()
    except Failure as failure:
        call.warn(f"{NOT_TRIED}. {failure.message}")
        _withdraw(consent, call)
        return None


def _withdraw(consent: Consent, call: Call) -> None:
    try:
        consent.withdraw()
    except Failure as failure:
        call.warn(failure.message)
