# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings on what the two servers know of each other (design §5.2): addresses, OAuth in both directions, authentication method, defaults."""

from __future__ import annotations

import typing as t

from .._http.address import Address
from .._nextcloud.integration import OAUTH, NextcloudSettings
from .._openproject.storages import Storage
from .finding import (
    ADDRESSES,
    BOTH,
    ERROR,
    HOST_NAME,
    INFO,
    LINK_MODULE,
    NEXTCLOUD,
    NEXTCLOUD_CA,
    NEXTCLOUD_OAUTH,
    NO_CONNECTION,
    NO_LOGIN,
    NOTHING_SHOWN,
    OPENPROJECT,
    OPENPROJECT_OAUTH,
    OUTDATED,
    PREPARE_ROLE,
    SERVER_NEXTCLOUD,
    SERVER_OPENPROJECT,
    TROUBLESHOOTING,
    WARNING,
    Finding,
    Table,
)
from .observed import Observed
from .preflight import CURL_CERTIFICATE, PROBE_RESULTS

TABLE = Table()
_row = TABLE.row
#: mends everything that the two servers disagree on
RUN = "Run the link: role link, or module link"
OIDC = "oidc"
CERTIFICATE_MODULE = "module opnc.integration.nextcloud_certificate"

# what Nextcloud says of OpenProject's address (NC §1.4); causes and remedies are those that the module link gives
for _result, (_cause, _remedy) in PROBE_RESULTS.items():
    _row(
        f"address_{_result}", ERROR, NEXTCLOUD, ADDRESSES,
        f"Nextcloud does not accept {{url}} as OpenProject's address: {_cause}{{here}}", _remedy,
        PREPARE_ROLE if _result == "local_remote_servers_not_allowed" else TROUBLESHOOTING, HOST_NAME,
    )  # fmt: skip
_row(
    "address_certificate", ERROR, NEXTCLOUD, ADDRESSES,
    "Nextcloud does not trust the certificate of OpenProject at {url} ({details})",
    "occ security:certificates:import <file of the CA>", CERTIFICATE_MODULE, NEXTCLOUD_CA, HOST_NAME,
)  # fmt: skip
_row(
    "nextcloud_without_https", ERROR, OPENPROJECT, ADDRESSES,
    "The address of Nextcloud, {url}, is plain http, and OpenProject takes that only of localhost and loopback addresses",
    "Give Nextcloud https, and say so in nextcloud_url or nextcloud_public_url", LINK_MODULE, NO_CONNECTION,
)  # fmt: skip
_row(
    "storage_missing", ERROR, OPENPROJECT, SERVER_OPENPROJECT,
    "OpenProject has no storage for the Nextcloud at {url}", RUN, LINK_MODULE, NOTHING_SHOWN,
)  # fmt: skip
_row(
    "several_storages", ERROR, OPENPROJECT, SERVER_OPENPROJECT,
    "OpenProject has several storages for this Nextcloud: {storages}",
    "Keep one (module link takes it as storage_id) and delete the others: OpenProject, Administration, Files, External file storages",
    LINK_MODULE, NO_LOGIN,
)  # fmt: skip
_row(
    "storage_of_another", ERROR, OPENPROJECT, ADDRESSES,
    'The storage "{storage}" stands for another server, {host}',
    "Ask for the right storage_name; or, if that is this Nextcloud under a former address, run the link with its storage_id", LINK_MODULE,
)  # fmt: skip
_row(
    "storage_host_differs", ERROR, OPENPROJECT, ADDRESSES,
    'The storage "{storage}" has the address {host}, and Nextcloud\'s is {url}', RUN, LINK_MODULE, NO_CONNECTION, NO_LOGIN,
)  # fmt: skip
_row(
    "storage_name_differs", WARNING, OPENPROJECT, SERVER_OPENPROJECT,
    'The storage of this Nextcloud is called "{storage}", not "{wanted}"', RUN, LINK_MODULE,
)  # fmt: skip
_row(
    "nextcloud_not_linked", ERROR, NEXTCLOUD, SERVER_NEXTCLOUD,
    "Nextcloud is linked to no OpenProject", RUN, LINK_MODULE, NOTHING_SHOWN,
)  # fmt: skip
_row(
    "nextcloud_of_another", ERROR, NEXTCLOUD, ADDRESSES,
    "Nextcloud is linked to another OpenProject, {url}",
    "If it shall leave that one: run the link with relink: true. If not, check openproject_url", LINK_MODULE, NO_LOGIN,
)  # fmt: skip
_row(
    "openproject_address_differs", ERROR, NEXTCLOUD, ADDRESSES,
    "Nextcloud has {found} as OpenProject's address, which is {url}", RUN, LINK_MODULE, HOST_NAME, NO_LOGIN,
)  # fmt: skip
_row(
    "openproject_redirect_uri", ERROR, OPENPROJECT, ADDRESSES,
    "OpenProject's OAuth application sends users back to {found} instead of {wanted}",
    "Rename the storage and name it back (OpenProject, Administration, Files), which writes it again; if that does not help, run the link with"
    " rotate: [openproject_oauth]",
    LINK_MODULE, NO_LOGIN,
)  # fmt: skip
_row(
    "nextcloud_redirect_uri", ERROR, NEXTCLOUD, ADDRESSES,
    "Nextcloud's OAuth client sends users back to {found} instead of {wanted}", RUN, LINK_MODULE, NO_LOGIN,
)  # fmt: skip
_row(
    "openproject_oauth_missing", ERROR, OPENPROJECT, OPENPROJECT_OAUTH,
    'The OAuth application of the storage "{storage}" was deleted',
    "Run the link with runner_command, so that OpenProject makes a new one; every user must connect Nextcloud to OpenProject again",
    LINK_MODULE, NO_LOGIN,
)  # fmt: skip
_row(
    "openproject_oauth_not_entered", ERROR, NEXTCLOUD, OPENPROJECT_OAUTH,
    "Nextcloud has no client id and secret of OpenProject's OAuth application",
    "Run the link; with runner_command when projects use the storage", LINK_MODULE, NOTHING_SHOWN, NO_LOGIN,
)  # fmt: skip
_row(
    "openproject_oauth_differs", ERROR, BOTH, OPENPROJECT_OAUTH,
    "Nextcloud has the client id of another OAuth application than the storage's",
    "Run the link; with runner_command when projects use the storage", LINK_MODULE, NO_LOGIN,
)  # fmt: skip
_row(
    "openproject_secret_wrong", ERROR, BOTH, OPENPROJECT_OAUTH,
    "OpenProject does not accept the client secret that Nextcloud has of its OAuth application: it was tried",
    "Run the link with verify_secrets: true and runner_command", LINK_MODULE, NO_LOGIN,
)  # fmt: skip
_row(
    "nextcloud_oauth_missing", ERROR, NEXTCLOUD, NEXTCLOUD_OAUTH,
    "Nextcloud has no OAuth client for OpenProject", RUN, LINK_MODULE, NO_LOGIN, NOTHING_SHOWN,
)  # fmt: skip
_row(
    "nextcloud_oauth_deleted", ERROR, NEXTCLOUD, NEXTCLOUD_OAUTH,
    "Somebody deleted Nextcloud's OAuth client for OpenProject; the app still points to it and calls itself complete",
    RUN, LINK_MODULE, NO_LOGIN,
)  # fmt: skip
_row(
    "nextcloud_oauth_not_entered", ERROR, OPENPROJECT, NEXTCLOUD_OAUTH,
    'The storage "{storage}" has no OAuth client of Nextcloud', RUN, LINK_MODULE, NOTHING_SHOWN, NO_LOGIN,
)  # fmt: skip
_row(
    "nextcloud_oauth_differs", ERROR, BOTH, NEXTCLOUD_OAUTH,
    'The storage "{storage}" has another OAuth client than Nextcloud\'s', RUN, LINK_MODULE, NO_LOGIN,
)  # fmt: skip
_row(
    "nextcloud_secret_wrong", ERROR, BOTH, NEXTCLOUD_OAUTH,
    "Nextcloud does not accept the client secret that OpenProject has of its OAuth client: it was tried",
    "Run the link with verify_secrets: true and runner_command, or with rotate: [nextcloud_oauth]", LINK_MODULE, NO_LOGIN,
)  # fmt: skip
_row(
    "method_missing", ERROR, NEXTCLOUD, SERVER_NEXTCLOUD,
    "No authentication method is set in Nextcloud, so the app calls itself incomplete", RUN, LINK_MODULE, NOTHING_SHOWN, OUTDATED,
)  # fmt: skip
_row(
    "method_mended", INFO, NEXTCLOUD, SERVER_NEXTCLOUD,
    "No authentication method was set in Nextcloud; its own settings page has set it to oauth2 while the check read it",
    "Nothing to do; the next check does not say this any more", LINK_MODULE, OUTDATED,
)  # fmt: skip
_row(
    "methods_differ", ERROR, BOTH, SERVER_NEXTCLOUD,
    "Nextcloud authenticates by {nextcloud}, and OpenProject by {openproject}",
    "Set both to two-way OAuth (OpenProject: Administration, Files, the storage; then run the link), or both to single sign-on by hand",
    "nextcloud/integration_openproject#797", NO_LOGIN,
)  # fmt: skip
_row(
    "sso_app_missing", ERROR, NEXTCLOUD, SERVER_NEXTCLOUD,
    "Nextcloud is to authenticate by single sign-on, but the app user_oidc is missing or disabled",
    "occ app:enable user_oidc", "nextcloud/user_oidc#1150", NO_LOGIN,
)  # fmt: skip
_row(
    "sso_provider_unknown", ERROR, NEXTCLOUD, SERVER_NEXTCLOUD,
    'Nextcloud is to authenticate with the provider "{provider}", which the app user_oidc does not know (it knows: {known})',
    "Nextcloud: Administration settings, OpenProject, choose the provider again; or occ user_oidc:provider to make it",
    "nextcloud/integration_openproject#797", NO_LOGIN,
)  # fmt: skip
_row(
    "sso_tokens_not_stored", ERROR, NEXTCLOUD, SERVER_NEXTCLOUD,
    "Nextcloud does not keep the tokens of single sign-on, so it has none for OpenProject",
    "occ config:app:set user_oidc store_login_token --value=1", "nextcloud/user_oidc#1082", NO_LOGIN, NOTHING_SHOWN,
)  # fmt: skip
_row(
    "sso_audience_missing", ERROR, OPENPROJECT, SERVER_OPENPROJECT,
    'The storage "{storage}" authenticates by single sign-on, and OpenProject was not told for which audience',
    "OpenProject: Administration, Files, External file storages, the storage, enter the storage audience (Nextcloud's client id at the provider)",
    "nextcloud/integration_openproject#797", NO_LOGIN,
)  # fmt: skip
_row(
    "setup_unfinished", ERROR, NEXTCLOUD, SERVER_NEXTCLOUD,
    "Nextcloud was never told whether it has project folders, so the app calls itself incomplete", RUN, LINK_MODULE, NOTHING_SHOWN,
)  # fmt: skip
_row(
    "app_incomplete", ERROR, NEXTCLOUD, SERVER_NEXTCLOUD,
    "OpenProject Integration calls itself incomplete, although every setting that the check knows is there",
    "Look at Administration settings, OpenProject, and at Nextcloud's log", TROUBLESHOOTING, NOTHING_SHOWN, unsure=True,
)  # fmt: skip
_row(
    "user_defaults_differ", WARNING, NEXTCLOUD, SERVER_NEXTCLOUD,
    "Defaults for users are not as requested: {defaults}", RUN, LINK_MODULE,
)  # fmt: skip


def agreement_findings(observed: Observed) -> list[Finding]:
    """What the two servers do not agree on. Pure."""
    return [
        *_probe(observed),
        *_storage(observed),
        *_nextcloud(observed),
        *_addresses(observed),
        *_oauth(observed),
        *_method(observed),
    ]


def _probe(observed: Observed) -> t.Iterator[Finding]:
    if observed.nextcloud.probe is None or observed.nextcloud.probe[0] is True:
        return
    result, details = str(observed.nextcloud.probe[0]), observed.nextcloud.probe[1][:200] or "no details"
    code = f"address_{result}" if f"address_{result}" in TABLE.entries else "address_unexpected_error"
    if any(mark in details for mark in CURL_CERTIFICATE):
        code = "address_certificate"
    yield TABLE.finding(code, url=observed.nextcloud.probed, details=details, here=observed.nextcloud.probed_here)


def _storage(observed: Observed) -> t.Iterator[Finding]:
    side, question = observed.openproject, observed.question
    if side.listed is None or side.active_projects == 0:
        return
    storage = side.storage
    if len(side.ours) > 1:
        listed = ", ".join(f'"{one.name}" (id {one.id}, {one.host})' for one in side.ours)
        yield TABLE.finding("several_storages", storages=listed)
    if storage is None:
        yield TABLE.finding("storage_missing", url=question.nextcloud or f'"{question.storage_name}"')
        return
    if question.storage_name is not None and storage.name != question.storage_name:
        yield TABLE.finding("storage_name_differs", storage=storage.name, wanted=question.storage_name)
    if question.nextcloud is not None and not question.nextcloud.is_same(storage.host):
        code = "storage_host_differs" if _known(storage, observed.settings) else "storage_of_another"
        yield TABLE.finding(code, storage=storage.name, host=storage.host, url=question.nextcloud)


def _nextcloud(observed: Observed) -> t.Iterator[Finding]:
    settings, address = observed.settings, observed.question.openproject
    if settings is None:
        return
    if settings.untouched:
        yield TABLE.finding("nextcloud_not_linked")
        return
    if address is not None and settings.openproject_url and not address.is_same(settings.openproject_url):
        if _known(observed.storage, settings):
            yield TABLE.finding("openproject_address_differs", found=settings.openproject_url, url=address)
        elif observed.openproject.listed is not None:
            yield TABLE.finding("nextcloud_of_another", url=settings.openproject_url)
    differing = [
        f"{key} is {str(getattr(settings, key)).lower()}"
        for key in ("default_enable_navigation", "default_enable_unified_search")
        if getattr(observed.question, key) not in (None, getattr(settings, key))
    ]
    if differing:
        yield TABLE.finding("user_defaults_differ", defaults="; ".join(differing))


def _addresses(observed: Observed) -> t.Iterator[Finding]:
    desired, settings, storage = observed.desired, observed.settings, observed.storage
    nextcloud = observed.question.nextcloud
    if nextcloud is not None and nextcloud.scheme == "http" and not nextcloud.is_loopback:
        yield TABLE.finding("nextcloud_without_https", url=nextcloud)
    if desired is None:
        return
    if storage is not None and storage.client_id and not storage.sso and desired.nextcloud.is_same(storage.host):
        found = storage.redirect_uris
        if found and not any(_same_uri(uri, desired.redirect_uri) for uri in found):
            yield TABLE.finding("openproject_redirect_uri", found=", ".join(found), wanted=desired.redirect_uri)
    if settings is not None and settings.client_id and settings.authorization_method != OIDC:
        wanted = desired.client_redirect_uri(settings.client_id)
        if desired.openproject.is_same(settings.openproject_url) and not _same_uri(settings.redirect_uri, wanted):
            found_uri = settings.redirect_uri.replace(settings.client_id, "…") or "nowhere"
            yield TABLE.finding(
                "nextcloud_redirect_uri", found=found_uri, wanted=wanted.replace(settings.client_id, "…")
            )


def _oauth(observed: Observed) -> t.Iterator[Finding]:
    settings, storage, state = observed.settings, observed.storage, observed.state
    if storage is not None and not storage.sso and storage.client_id is None:
        yield TABLE.finding("openproject_oauth_missing", storage=storage.name)
    if settings is not None and not settings.untouched and settings.authorization_method != OIDC:
        if not (settings.openproject_client_id and settings.openproject_client_secret):
            yield TABLE.finding("openproject_oauth_not_entered")
        elif storage is not None and storage.client_id is not None and not state.openproject_oauth_agreed:
            yield TABLE.finding("openproject_oauth_differs")
        elif observed.openproject.accepts_secret is False:
            yield TABLE.finding("openproject_secret_wrong")
        if settings.client_id is None:
            yield TABLE.finding("nextcloud_oauth_deleted" if settings.complete else "nextcloud_oauth_missing")
    if storage is None or storage.sso:
        return
    if storage.nextcloud_client_id is None:
        yield TABLE.finding("nextcloud_oauth_not_entered", storage=storage.name)
    elif settings is not None and settings.client_id is not None and not state.nextcloud_oauth_agreed:
        yield TABLE.finding("nextcloud_oauth_differs", storage=storage.name)
    elif observed.openproject.tried.get("nextcloud_client") == "wrong":
        yield TABLE.finding("nextcloud_secret_wrong")


def _method(observed: Observed) -> t.Iterator[Finding]:
    settings, storage = observed.settings, observed.storage
    if storage is not None and storage.sso and not storage.configured:
        yield TABLE.finding("sso_audience_missing", storage=storage.name)
    if settings is None or settings.untouched:
        return
    if settings.mended:
        yield TABLE.finding("method_mended")
    if not settings.authorization_method:
        yield TABLE.finding("method_missing")
    words = {OIDC: "single sign-on", OAUTH: "two-way OAuth"}
    if storage is not None and settings.authorization_method and storage.sso != (settings.authorization_method == OIDC):
        yield TABLE.finding(
            "methods_differ",
            nextcloud=words.get(settings.authorization_method, settings.authorization_method),
            openproject=words[OIDC if storage.sso else OAUTH],
        )
    if settings.authorization_method == OIDC:
        yield from _single_sign_on(observed, settings)
    if settings.fresh:
        yield TABLE.finding("setup_unfinished")
    whole = (
        settings.linked
        and settings.openproject_client_secret
        and settings.client_id
        and settings.authorization_method == OAUTH
    )
    if whole and not (settings.complete or settings.mended or settings.fresh):
        yield TABLE.finding("app_incomplete")


def _single_sign_on(observed: Observed, settings: NextcloudSettings) -> t.Iterator[Finding]:
    sso = settings.single_sign_on
    if not sso.user_oidc:
        yield TABLE.finding("sso_app_missing")
        return
    # Nextcloud as its own provider is not one of the list
    if sso.providers is not None and sso.provider not in (*sso.providers, "Nextcloud Hub"):
        known = ", ".join(sso.providers) or "none"
        yield TABLE.finding("sso_provider_unknown", provider=sso.provider, known=known)
    if observed.nextcloud.login_tokens not in (None, "1"):
        yield TABLE.finding("sso_tokens_not_stored")


def _known(storage: Storage | None, settings: NextcloudSettings | None) -> bool:
    """Whether Nextcloud's stored client id is that of the storage (design §5.2)."""
    return (
        storage is not None
        and settings is not None
        and storage.client_id is not None
        and storage.client_id == settings.openproject_client_id
    )


def _same_uri(found: str, wanted: str) -> bool:
    return bool(found) and Address.parse(wanted, option="redirect URI").is_same(found)
