# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When each finding of the catalogue applies. Pure: everything is read from the record of what was observed."""

from __future__ import annotations

import re
import typing as t
from urllib.parse import urlsplit

from .._core import versions
from .._core.errors import ApiError, CredentialsError, Failure, Refused
from .._core.steps import Step
from .._core.versions import dotted, parsed
from .._http.address import Address
from .._nextcloud import project_folders
from .._nextcloud.admin import ALL_PERMISSIONS, DATABASE, size_in_words
from .._nextcloud.group_folders import quota_in_words
from .._nextcloud.integration import OAUTH, NextcloudSettings, SingleSignOnApp
from .._nextcloud.project_folders import GROUP, MOUNT_POINT, USER, Pieces
from .catalogue import CATALOGUE, CONNECTION_REMEDIES, ENABLE_APP, Finding, finding, in_order
from .observed import Observed, ObservedNextcloud
from .preflight import CURL_CERTIFICATE

#: background jobs run every 5 minutes; Nextcloud's own overview complains after an hour
LONGEST_CRON_PAUSE = 3600.0
#: names that nobody chose (field case O19)
DEFAULT_NAMES = ("localhost:3000", "localhost")
#: OpenProject's connection check does not exist in this version, or has nothing to say
SILENT_CODES = ("none", "unavailable")
#: statuses of a server, or of a proxy in front of it, that is not up yet (field case O17)
NOT_READY = (500, 502, 503, 504)
#: answers of the app's routes to an administrator outside the groups that it is limited to (field case O43)
APP_REFUSES = (403, 404, 412)
AUTOMATIC = "automatic"
OIDC = "oidc"
#: Nextcloud as its own identity provider is not one of the list that user_oidc knows
HUB = "Nextcloud Hub"


def find(observed: Observed) -> list[Finding]:
    """What is wrong, errors first."""
    return in_order(
        [
            *nextcloud_findings(observed),
            *openproject_findings(observed),
            *agreement_findings(observed),
            *folder_findings(observed),
        ]
    )


# --- how a server is reached, the same for both ----------------------------------------------------------------------


def _reached(side: str, missing: t.Sequence[str], failure: Failure | None) -> t.Iterator[Finding]:
    """Why a server was not checked, or not to the end."""
    if missing:
        are = "are" if len(missing) > 1 else "is"
        yield finding(f"{side}_not_looked_at", missing=f"{' and '.join(missing)} {are}")
    if failure is not None:
        code = f"{side}_{_kind(failure)}"
        # the client only knows of the application password, which does not help on every version
        remedy = "" if code == "nextcloud_second_factor" else failure.remedy.rstrip(".")
        yield finding(code, answer=failure.answer.rstrip("."), exact_remedy=remedy)


def _kind(failure: Failure) -> str:
    cause, status = failure.facts.get("cause"), failure.facts.get("status")
    identifier = failure.facts.get("identifier")
    if identifier in ("second_factor", "untrusted_host", "host_name"):
        return str(identifier)
    if cause == "settings":
        return "settings_unknown"
    if status == 429:
        return "throttled"
    if isinstance(failure, CredentialsError):
        return "login_refused" if failure.status == 401 else "not_administrator"
    if cause == "redirect":
        return "redirected"
    if status in NOT_READY:
        return "not_ready"
    if cause == "tls":
        return "certificate"
    if cause == "connection":
        return "unreachable"
    if cause == "page":
        return "not_itself"
    # an API that is not there: another site, or another path
    if isinstance(failure, ApiError) and failure.status in (404, 405):
        return "not_itself"
    return "failed"


# --- Nextcloud itself -------------------------------------------------------------------------------------------------


def nextcloud_findings(observed: Observed) -> list[Finding]:
    """What is wrong with Nextcloud itself."""
    side = observed.nextcloud
    return [
        *_reached("nextcloud", side.missing, None if _is_limit(side) else side.failure),
        *_nextcloud_server(side),
        *_nextcloud_versions(side),
        *_app(observed),
        *_nextcloud_surroundings(observed),
    ]


def _nextcloud_server(side: ObservedNextcloud) -> t.Iterator[Finding]:
    status = side.status or {}
    if side.status is not None and not status.get("installed", True):
        yield finding("nextcloud_not_installed")
    elif status.get("maintenance"):
        yield finding("nextcloud_maintenance")
    elif status.get("needsDbUpgrade"):
        yield finding("nextcloud_upgrade_pending")
    if side.throttling:
        yield finding("nextcloud_delays_logins", seconds=f"{side.throttling:g}")
    if side.authorization_arrives is False:
        yield finding("authorization_header_dropped")


def _nextcloud_versions(side: ObservedNextcloud) -> t.Iterator[Finding]:
    app = dotted(side.app_version)
    if side.major and side.major < versions.OLDEST_NEXTCLOUD:
        yield finding("nextcloud_too_old", version=side.version)
    if side.major > versions.NEWEST_TRIED_NEXTCLOUD:
        yield finding("nextcloud_newer", version=side.version)
    if side.app_version:
        if side.app_version[:2] < versions.OLDEST_APP:
            yield finding("app_too_old", version=app)
        elif side.app_version[:2] > versions.NEWEST_TRIED_APP:
            yield finding("app_newer", version=app)
        else:
            first, last = [fit[1:] for fit in versions.APP_FITS if side.app_version >= fit[0]][0]
            if not first <= side.major <= last:
                yield finding("app_does_not_fit_nextcloud", version=app, first=first, last=last, major=side.major)
    folders = parsed(side.group_folders_version)
    fits = folders[0] + versions.GROUP_FOLDERS_BEHIND if folders else side.major
    if side.major and fits != side.major:
        yield finding(
            "group_folders_do_not_fit_nextcloud", version=side.group_folders_version, fits=fits, major=side.major
        )


def _is_limit(side: ObservedNextcloud) -> bool:
    """Whether what failed is only that the app is limited to groups without the account of the check (field case O43)."""
    failure = side.failure
    limited = side.app_row is not None and side.app_row.startswith("[")
    return limited and isinstance(failure, ApiError) and failure.status in APP_REFUSES


def _app(observed: Observed) -> t.Iterator[Finding]:
    side, row = observed.nextcloud, observed.nextcloud.app_row
    if row is not None and row.startswith("["):
        inside = observed.settings is not None
        groups = re.findall(r'"([^"]*)"', row)
        yield finding(
            "app_limited_to_own_groups" if inside else "app_limited_to_groups",
            groups=f"the {'group' if len(groups) == 1 else 'groups'} {', '.join(groups)}" if groups else "no group",
            exact_remedy=ENABLE_APP if side.major >= versions.ENABLE_LIFTS_LIMIT else "",
        )
    elif row == "no":
        yield finding("app_disabled")
    elif row == "yes" and side.settings is not None and not side.settings.app:
        yield finding("app_files_missing")
    elif row == "" or (row is None and side.major and not side.app_version):
        yield finding("app_missing")
    if observed.settings is None or not observed.folders_matter:
        return
    if not side.group_folders_enabled:
        yield finding("group_folders_files_missing" if side.group_folders_row == "yes" else "group_folders_missing")
    if not observed.settings.terms_signed:
        yield finding("terms_not_signed")
    if observed.settings.encryption and not observed.settings.group_folder_encryption:
        yield finding("group_folders_not_encrypted")


def _nextcloud_surroundings(observed: Observed) -> t.Iterator[Finding]:
    side, address = observed.nextcloud, observed.question.nextcloud
    if side.link_root and address is not None and side.link_root != address.origin:
        yield finding(
            "nextcloud_links_elsewhere",
            found=side.link_root, wanted=address.origin, scheme=address.scheme, netloc=address.netloc,
        )  # fmt: skip
    if side.cron_age is not None and side.cron_age > LONGEST_CRON_PAUSE:
        yield finding("cron_not_run", when=_last_run(side.cron_age), mode=side.cron_mode or "ajax")
    if side.occ_failure is not None:
        yield finding("occ_failed", answer=side.occ_failure.message.rstrip("."), exact_remedy=side.occ_failure.remedy)
    if side.system is None:
        return
    own = str(side.system.get("overwrite.cli.url") or "")
    if address is not None and not address.is_same(own):
        yield finding("nextcloud_cli_url", found=own or "not set", wanted=str(address))
    host = urlsplit(side.probed).hostname or ""
    excluded = side.system.get("proxyexclude") or []
    proxied = side.system.get("proxy") and host not in map(str, excluded)
    if (
        side.probe is not None
        and side.probe[0] not in (True, "invalid", "local_remote_servers_not_allowed")
        and proxied
    ):
        yield finding("nextcloud_proxy", proxy=_without_credentials(str(side.system["proxy"])), host=host)


def _last_run(seconds: float) -> str:
    if seconds == float("inf"):
        return "have never run"
    hours = round(seconds / 3600)
    return f"last ran {_counted(hours, 'hour') if hours < 48 else _counted(hours // 24, 'day')} ago"


def _without_credentials(proxy: str) -> str:
    return proxy.rsplit("@", 1)[-1]


# --- OpenProject itself -----------------------------------------------------------------------------------------------


def openproject_findings(observed: Observed) -> list[Finding]:
    """What is wrong with OpenProject itself and with the projects that use the storage."""
    side = observed.openproject
    return [
        *_reached("openproject", side.missing, side.failure),
        *_openproject_server(observed),
        *_openproject_versions(observed),
        *_connection_of_openproject(observed),
        *_projects(observed),
    ]


def _openproject_server(observed: Observed) -> t.Iterator[Finding]:
    side, address = observed.openproject, observed.question.openproject
    if side.administrator is False:
        yield finding("openproject_not_administrator", answer="it does not show its version to this account")
    if side.active_projects == 0:
        yield finding("no_active_project")
    if side.host_name and address is not None and side.host_name.casefold() not in (address.netloc, address.host):
        default = side.host_name in DEFAULT_NAMES
        code = "openproject_default_host_name" if default else "openproject_names_itself_otherwise"
        yield finding(code, name=side.host_name, wanted=address.netloc)
    for check, code in (("worker", "worker_not_running"), ("worker_backed_up", "worker_backed_up")):
        fine, words = side.health.get(check, (True, ""))
        if not fine:
            yield finding(code, words=words.rstrip("."))
    if side.runner_failure is not None:
        answer = side.runner_failure.message.rstrip(".")
        yield finding("runner_failed", answer=answer, exact_remedy=side.runner_failure.remedy)


def _openproject_versions(observed: Observed) -> t.Iterator[Finding]:
    side, nextcloud = observed.openproject, observed.nextcloud
    if not side.version:
        return
    version = dotted(side.version)
    if side.version[:2] < versions.OLDEST_OPENPROJECT:
        yield finding("openproject_too_old", version=version)
        return
    if side.version[:2] > versions.NEWEST_TRIED_OPENPROJECT:
        yield finding("openproject_newer", version=version)
    app, folders = [wanted[1:] for wanted in versions.WANTED_APPS if side.version >= wanted[0]][0]
    if nextcloud.app_version and nextcloud.app_version < app:
        yield finding(
            "app_does_not_fit_openproject",
            openproject=version, wanted=dotted(app), version=dotted(nextcloud.app_version),
        )  # fmt: skip
    if () < parsed(nextcloud.group_folders_version) < folders and observed.folders_matter:
        yield finding(
            "group_folders_do_not_fit_openproject",
            openproject=version, wanted=dotted(folders), version=nextcloud.group_folders_version,
        )  # fmt: skip


def _connection_of_openproject(observed: Observed) -> t.Iterator[Finding]:
    side = observed.openproject
    kind = str((side.connection or {}).get("type", ""))
    code = str((side.connection or {}).get("error_code", ""))
    if kind in ("error", "warning") or (kind == "none" and code not in SILENT_CODES):
        words = str((side.connection or {}).get("description") or "").rstrip(".")
        yield finding(
            "connection_check_failed" if kind == "error" else "connection_check_warns",
            result=code,
            words=f" ({words})" if words else "",
            exact_remedy=CONNECTION_REMEDIES.get(code, ""),
        )
    if (
        side.private_address
        and side.version >= versions.FILTERS_PRIVATE
        and kind != "healthy"
        and side.storage is not None
    ):
        yield finding("private_address", host=side.storage.host.rstrip("/"), address=side.private_address)


def _projects(observed: Observed) -> t.Iterator[Finding]:
    side = observed.openproject
    if side.storage is None or side.rows is None:
        return
    automatic = [row for row in side.rows if row.mode == AUTOMATIC]
    if not side.rows:
        yield finding("storage_in_no_project", storage=side.storage.name)
    elif automatic and not side.storage.has_application_password:
        yield finding("automatic_projects_unmanaged", projects=_named([row.project for row in automatic]))
    elif not automatic and observed.folders_matter:
        yield finding(
            "no_project_with_folders", storage=side.storage.name, projects=_counted(len(side.rows), "project")
        )


def _named(projects: t.Sequence[str]) -> str:
    """The first five by name, then a count."""
    shown = ", ".join(f'"{project}"' for project in sorted(projects)[:5])
    more = len(projects) - 5
    return f"{shown} and {_counted(more, 'more project')}" if more > 0 else shown


def _counted(number: int, noun: str) -> str:
    """A number with its noun in the singular or the plural."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


# --- what the two know of each other (design §5.2) --------------------------------------------------------------------


def agreement_findings(observed: Observed) -> list[Finding]:
    """What the two servers do not agree on."""
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
    code = f"address_{result}" if f"address_{result}" in CATALOGUE else "address_unexpected_error"
    if any(mark in details for mark in CURL_CERTIFICATE):
        code = "address_certificate"
    yield finding(code, url=observed.nextcloud.probed, details=details, here=observed.nextcloud.probed_here)


def _storage(observed: Observed) -> t.Iterator[Finding]:
    side, question = observed.openproject, observed.question
    if side.listed is None or side.active_projects == 0:
        return
    storage = side.storage
    if len(side.ours) > 1:
        listed = ", ".join(f'"{one.name}" (id {one.id}, {one.host})' for one in side.ours)
        yield finding("several_storages", storages=listed)
    if storage is None:
        yield finding("storage_missing", url=question.nextcloud or f'"{question.storage_name}"')
        return
    if question.storage_name is not None and storage.name != question.storage_name:
        yield finding("storage_name_differs", storage=storage.name, wanted=question.storage_name)
    if question.nextcloud is not None and not question.nextcloud.is_same(storage.host):
        code = "storage_host_differs" if observed.state.knows_storage else "storage_of_another"
        yield finding(code, storage=storage.name, host=storage.host, url=question.nextcloud)


def _nextcloud(observed: Observed) -> t.Iterator[Finding]:
    settings, address = observed.settings, observed.question.openproject
    if settings is None:
        return
    if settings.untouched:
        yield finding("nextcloud_not_linked")
        return
    if address is not None and settings.openproject_url and not address.is_same(settings.openproject_url):
        if observed.state.knows_storage:
            yield finding("openproject_address_differs", found=settings.openproject_url, url=address)
        elif observed.openproject.listed is not None:
            yield finding("nextcloud_of_another", url=settings.openproject_url)
    differing = [
        f"{key} is {str(getattr(settings, key)).lower()}"
        for key in ("default_enable_navigation", "default_enable_unified_search")
        if getattr(observed.question, key) not in (None, getattr(settings, key))
    ]
    if differing:
        yield finding("user_defaults_differ", defaults="; ".join(differing))


def _addresses(observed: Observed) -> t.Iterator[Finding]:
    desired, settings, storage = observed.desired, observed.settings, observed.storage
    nextcloud = observed.question.nextcloud
    if nextcloud is not None and nextcloud.scheme == "http" and not nextcloud.is_loopback:
        yield finding("nextcloud_without_https", url=nextcloud)
    if desired is None:
        return
    if storage is not None and storage.client_id and not storage.sso and desired.nextcloud.is_same(storage.host):
        found = storage.redirect_uris
        if found and not any(_same_uri(uri, desired.redirect_uri) for uri in found):
            yield finding("openproject_redirect_uri", found=", ".join(found), wanted=desired.redirect_uri)
    if settings is not None and settings.client_id and settings.authorization_method != OIDC:
        wanted = desired.client_redirect_uri(settings.client_id)
        if desired.openproject.is_same(settings.openproject_url) and not _same_uri(settings.redirect_uri, wanted):
            found_uri = settings.redirect_uri.replace(settings.client_id, "…") or "nowhere"
            yield finding("nextcloud_redirect_uri", found=found_uri, wanted=wanted.replace(settings.client_id, "…"))


def _oauth(observed: Observed) -> t.Iterator[Finding]:
    settings, storage, state = observed.settings, observed.storage, observed.state
    if storage is not None and not storage.sso and storage.client_id is None:
        yield finding("openproject_oauth_missing", storage=storage.name)
    if settings is not None and not settings.untouched and settings.authorization_method != OIDC:
        if not (settings.openproject_client_id and settings.openproject_client_secret):
            yield finding("openproject_oauth_not_entered")
        elif storage is not None and storage.client_id is not None and not state.openproject_oauth_agreed:
            yield finding("openproject_oauth_differs")
        elif observed.openproject.accepts_secret is False:
            yield finding("openproject_secret_wrong")
        if settings.client_id is None:
            yield finding("nextcloud_oauth_deleted" if settings.complete else "nextcloud_oauth_missing")
    if storage is None or storage.sso:
        return
    if storage.nextcloud_client_id is None:
        yield finding("nextcloud_oauth_not_entered", storage=storage.name)
    elif settings is not None and settings.client_id is not None and not state.nextcloud_oauth_agreed:
        yield finding("nextcloud_oauth_differs", storage=storage.name)
    elif observed.openproject.tried.get("nextcloud_client") == "wrong":
        yield finding("nextcloud_secret_wrong")


def _method(observed: Observed) -> t.Iterator[Finding]:
    settings, storage = observed.settings, observed.storage
    if storage is not None and storage.sso and not storage.configured:
        yield finding("sso_audience_missing", storage=storage.name)
    if settings is None or settings.untouched:
        return
    if settings.mended:
        yield finding("method_mended")
    if not settings.authorization_method:
        yield finding("method_missing")
    words = {OIDC: "single sign-on", OAUTH: "two-way OAuth"}
    if storage is not None and settings.authorization_method and storage.sso != (settings.authorization_method == OIDC):
        yield finding(
            "methods_differ",
            nextcloud=words.get(settings.authorization_method, settings.authorization_method),
            openproject=words[OIDC if storage.sso else OAUTH],
        )
    if settings.authorization_method == OIDC:
        yield from _single_sign_on(observed, settings)
    if settings.fresh:
        yield finding("setup_unfinished")
    whole = (
        settings.linked
        and settings.openproject_client_secret
        and settings.client_id
        and settings.authorization_method == OAUTH
    )
    if whole and not (settings.complete or settings.mended or settings.fresh):
        yield finding("app_incomplete")


def _single_sign_on(observed: Observed, settings: NextcloudSettings) -> t.Iterator[Finding]:
    side, sso = observed.nextcloud, settings.single_sign_on
    app, openproject = side.app_version, observed.openproject.version
    for product, version, wanted in (
        ("OpenProject Integration", app, versions.oldest_app_for_sso(app)),
        ("OpenProject", openproject, versions.OLDEST_OPENPROJECT_SSO),
    ):
        if () < version < wanted:
            yield finding("sso_version_too_old", product=product, version=dotted(version), wanted=dotted(wanted))
    if sso.hub:
        yield from _sso_app(sso.oidc, "sso_hub_app")
    if sso.audience == "":
        yield finding("sso_openproject_audience_missing")
    yield from _sso_app(sso.user_oidc, "sso_app")
    if not sso.user_oidc.enabled:
        return
    if sso.providers is not None and sso.provider not in (*sso.providers, HUB):
        known = ", ".join(sso.providers) or "none"
        yield finding("sso_provider_unknown", provider=sso.provider, known=known)
    if side.login_tokens not in (None, "1"):
        yield finding("sso_tokens_not_stored")


def _sso_app(app: SingleSignOnApp, code: str) -> t.Iterator[Finding]:
    if not app.enabled:
        yield finding(f"{code}_missing")
    elif not app.supported:
        yield finding(f"{code}_too_old", wanted=app.minimum_version)


def _same_uri(found: str, wanted: str) -> bool:
    return bool(found) and Address.parse(wanted, option="redirect URI").is_same(found)


# --- project folders and the application password ---------------------------------------------------------------------

#: which piece is missing, by the write that would add it
BY_KIND = {
    "create_user": "user_missing",
    "enable_user": "user_disabled",
    "create_group": "group_missing",
    "add_member": "user_not_in_group",
    "add_group_admin": "user_not_group_admin",
    "create_folder": "folder_missing",
    "give_folder": "folder_permissions",
    "set_acl": "folder_without_advanced_permissions",
    "add_manager": "folder_without_manager",
}
#: findings whose remedy creates the user OpenProject
CREATES_USER = ("folders_not_set_up", "user_missing")


def folder_findings(observed: Observed) -> list[Finding]:
    """What is wrong with the project folders."""
    found: list[Finding] = []
    pieces = observed.nextcloud.pieces
    storage, settings = observed.storage, observed.settings
    if observed.folders_matter:
        if pieces is not None:
            found += _pieces(pieces)
            found += _around_folders(observed, pieces)
            if not found and settings is not None and not settings.folders:
                found.append(finding("folders_not_found_right"))
        elif observed.nextcloud.user is not None and not observed.nextcloud.user.get("enabled", True):
            found.append(finding("user_disabled"))
        absent = any(one.code in CREATES_USER for one in found)
        if settings is not None and not settings.application_password and not absent:
            found.append(finding("application_password_missing"))
        if storage is not None and not storage.has_application_password:
            found.append(finding("management_off", storage=storage.name))
        elif observed.openproject.tried.get("application_password") == "wrong":
            found.append(finding("application_password_wrong"))
    elif storage is not None and storage.has_application_password:
        found.append(finding("management_on", storage=storage.name))
    elif pieces is not None and observed.openproject.listed is not None and storage is None:
        left = _left_over(pieces)
        if left:
            found.append(finding("folders_left_over", left=", ".join(left)))
    return found


def _pieces(pieces: Pieces) -> t.Iterator[Finding]:
    """Every piece that the link would add, or what keeps it from knowing."""
    ambiguous = list(_ambiguous(pieces))
    yield from ambiguous
    if ambiguous:
        return
    if project_folders.is_untouched(pieces):
        yield finding("folders_not_set_up")
        return
    try:
        todo = project_folders.missing(pieces)
    except Refused as refusal:
        raise AssertionError("everything that forbids a repair is a finding of its own") from refusal
    for piece in _told_once(pieces, todo):
        yield _missing(pieces, piece)


def _told_once(pieces: Pieces, todo: list[Step]) -> list[Step]:
    """A missing user is in no group, and a missing folder has no permissions: nobody wants to read that as well."""
    user_there = pieces.user is not None
    folder_there = any(folder.mount_point == MOUNT_POINT for folder in pieces.folders)
    told = []
    for piece in todo:
        of_user = piece.kind in ("add_member", "add_group_admin", "enable_user")
        of_folder = piece.kind in ("give_folder", "set_acl", "add_manager")
        of_absent_group = piece.kind in ("add_member", "add_group_admin") and piece.values["name"] not in pieces.groups
        if (of_user and (not user_there or of_absent_group)) or (of_folder and not folder_there):
            continue
        told.append(piece)
    return told


def _missing(pieces: Pieces, piece: Step) -> Finding:
    folder = pieces.folder
    code = BY_KIND[piece.kind]
    if folder is None:
        return finding(code, group=piece.values["name"])
    if piece.kind == "give_folder" and GROUP not in folder.groups:
        code = "folder_without_group"
    return finding(
        code, group=piece.values["name"], id=folder.id, found=folder.groups.get(GROUP, 0), all=ALL_PERMISSIONS
    )


def _ambiguous(pieces: Pieces) -> t.Iterator[Finding]:
    """What the link refuses to touch: states that could be meant in more than one way, or are somebody else's."""
    user = pieces.user
    if user is not None and user.id != USER:
        yield finding("user_spelled_otherwise", user=user.id)
    elif user is not None and user.backend != DATABASE:
        yield finding("directory_service", what=f'User "{user.id}" ({user.backend})')
    for group in pieces.groups.values():
        if not group.writable:
            yield finding("directory_service", what=f'Group "{group.id}"')
    named = [folder for folder in pieces.folders if folder.mount_point == MOUNT_POINT]
    if len(named) > 1:
        listed = "; ".join(f"id {folder.id} of {', '.join(sorted(folder.groups)) or 'no group'}" for folder in named)
        yield finding("several_folders", folders=listed)
    elif named and named[0].groups and GROUP not in named[0].groups:
        yield finding("folder_of_others", id=named[0].id, groups=", ".join(sorted(named[0].groups)))
    elif not named:
        others = [folder for folder in pieces.folders if GROUP in folder.groups]
        if others:
            listed = ", ".join(f'"{folder.mount_point}" (id {folder.id})' for folder in others)
            yield finding("folder_renamed", folders=listed, id=others[0].id)


def _around_folders(observed: Observed, pieces: Pieces) -> t.Iterator[Finding]:
    named = [folder for folder in pieces.folders if folder.mount_point == MOUNT_POINT]
    if len(named) == 1 and project_folders.quota_warning(pieces):
        words = f"{quota_in_words(named[0].quota)}, of which {size_in_words(named[0].size)} are used"
        yield finding("folder_quota", id=named[0].id, words=words)
    if observed.nextcloud.shadowed:
        yield finding("personal_folder_hidden", words=observed.nextcloud.shadowed)


def _left_over(pieces: Pieces) -> list[str]:
    left = [] if pieces.user is None else [f'user "{pieces.user.id}"']
    left += [f'group "{gid}"' for gid in pieces.groups]
    return (
        left + [f'group folder "{MOUNT_POINT}"' for folder in pieces.folders if folder.mount_point == MOUNT_POINT][:1]
    )
