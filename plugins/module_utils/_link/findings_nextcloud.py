# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings on Nextcloud itself: how it is reached, its versions, its apps, its surroundings."""

from __future__ import annotations

import re
import typing as t
from urllib.parse import urlsplit

from .._nextcloud.integration import NEWEST_TRIED_APP, NEWEST_TRIED_NEXTCLOUD, OLDEST_APP, OLDEST_NEXTCLOUD
from .finding import (
    ERROR,
    FOLDERS,
    HOST_NAME,
    LINK_MODULE,
    NEXTCLOUD,
    NEXTCLOUD_MANUAL,
    NO_ANSWER,
    NO_CONNECTION,
    NO_FOLDERS,
    NO_LOGIN,
    NOT_SET_UP,
    NOTHING_SHOWN,
    OUTDATED,
    PREPARE_ROLE,
    SERVER_NEXTCLOUD,
    SETUP_GUIDE,
    TROUBLESHOOTING,
    WARNING,
    Finding,
    Table,
)
from .observed import Observed, ObservedNextcloud
from .reached import reach_findings, reach_rows

TABLE = Table()
_row = TABLE.row
_PROXY_MANUAL = f"{NEXTCLOUD_MANUAL}configuration_server/reverse_proxy_configuration.html"
_CRON_MANUAL = f"{NEXTCLOUD_MANUAL}configuration_server/background_jobs_configuration.html"
#: background jobs run every 5 minutes; Nextcloud's own overview complains after an hour
LONGEST_CRON_PAUSE = 3600.0

reach_rows(TABLE, "nextcloud", "Nextcloud")
_row(
    "nextcloud_second_factor", ERROR, NEXTCLOUD, SERVER_NEXTCLOUD,
    "Nextcloud does not let a login password in: {answer}",
    "Give an application password as nextcloud_password (Nextcloud: Settings, Security, Devices & sessions; or occ user:auth-tokens:add <account>)",
    f"{NEXTCLOUD_MANUAL}configuration_user/two_factor-auth.html", NO_ANSWER,
)  # fmt: skip
_row(
    "nextcloud_delays_logins", WARNING, NEXTCLOUD, SERVER_NEXTCLOUD,
    "Nextcloud delays logins from the address that it sees by {seconds} s, because too many of them failed",
    "Behind a proxy all clients share its address unless trusted_proxies is set. Find who fails, then: occ security:bruteforce:reset <address>",
    _PROXY_MANUAL, NO_ANSWER,
)  # fmt: skip
_row(
    "nextcloud_maintenance", ERROR, NEXTCLOUD, SERVER_NEXTCLOUD,
    "Nextcloud is in maintenance mode, so nothing of the link works",
    "occ maintenance:mode --off, when the maintenance is over",
    f"{NEXTCLOUD_MANUAL}maintenance/", NO_CONNECTION, NO_ANSWER,
)  # fmt: skip
_row(
    "nextcloud_upgrade_pending", ERROR, NEXTCLOUD, SERVER_NEXTCLOUD,
    "Nextcloud, or one of its apps, waits for an upgrade and answers with a page until then",
    "occ upgrade", f"{NEXTCLOUD_MANUAL}maintenance/upgrade.html", NO_CONNECTION, NO_ANSWER, OUTDATED,
)  # fmt: skip
_row(
    "nextcloud_not_installed", ERROR, NEXTCLOUD, SERVER_NEXTCLOUD,
    "Nextcloud is not installed yet",
    "Wait for the end of its first start, or finish its set-up", f"{NEXTCLOUD_MANUAL}installation/", NO_ANSWER,
)  # fmt: skip
_row(
    "nextcloud_untrusted_host", ERROR, NEXTCLOUD, SERVER_NEXTCLOUD,
    "Nextcloud does not trust the host name that it is reached by: {answer}",
    "occ config:system:set trusted_domains 1 --value=<host name>; or set nextcloud_public_url to the name that it knows",
    f"{NEXTCLOUD_MANUAL}installation/installation_wizard.html", NO_CONNECTION, NO_ANSWER,
)  # fmt: skip
_row(
    "nextcloud_too_old", ERROR, NEXTCLOUD, SERVER_NEXTCLOUD,
    "Nextcloud {version} is too old for this collection",
    f"Upgrade to Nextcloud {OLDEST_NEXTCLOUD} or newer", SETUP_GUIDE, OUTDATED,
)  # fmt: skip
_row(
    "nextcloud_newer", WARNING, NEXTCLOUD, SERVER_NEXTCLOUD,
    "Nextcloud {version} is newer than any that this collection was tried with",
    "Look for a newer version of the collection; nothing else is wrong with that", LINK_MODULE, OUTDATED,
)  # fmt: skip
_row(
    "app_missing", ERROR, NEXTCLOUD, SERVER_NEXTCLOUD,
    "The app OpenProject Integration (integration_openproject) is not in Nextcloud",
    "occ app:enable integration_openproject", PREPARE_ROLE, NO_CONNECTION, NOT_SET_UP, NOTHING_SHOWN,
)  # fmt: skip
_row(
    "app_disabled", ERROR, NEXTCLOUD, SERVER_NEXTCLOUD,
    "The app OpenProject Integration (integration_openproject) is disabled. Nextcloud disables apps when an upgrade finds them too old",
    "occ app:update integration_openproject; occ app:enable integration_openproject",
    PREPARE_ROLE, NO_CONNECTION, NOT_SET_UP, NOTHING_SHOWN, OUTDATED,
)  # fmt: skip
_row(
    "app_limited_to_groups", ERROR, NEXTCLOUD, SERVER_NEXTCLOUD,
    "The app OpenProject Integration is enabled for {groups} only: everybody else gets nothing, and neither does OpenProject's own look at it",
    "occ app:disable integration_openproject; occ app:enable integration_openproject (without --groups)",
    PREPARE_ROLE, NO_CONNECTION, NOT_SET_UP, NOTHING_SHOWN, NO_FOLDERS,
)  # fmt: skip
_row(
    "app_too_old", ERROR, NEXTCLOUD, SERVER_NEXTCLOUD,
    "The app OpenProject Integration {version} is too old for this collection",
    f"occ app:update integration_openproject (to {'.'.join(map(str, OLDEST_APP))} or newer)", PREPARE_ROLE, OUTDATED,
)  # fmt: skip
_row(
    "app_newer", WARNING, NEXTCLOUD, SERVER_NEXTCLOUD,
    "The app OpenProject Integration {version} is newer than any that this collection was tried with",
    "Look for a newer version of the collection; nothing else is wrong with that", LINK_MODULE, OUTDATED,
)  # fmt: skip
_row(
    "app_does_not_fit_nextcloud", WARNING, NEXTCLOUD, SERVER_NEXTCLOUD,
    "The app OpenProject Integration {version} is made for Nextcloud {first} to {last}, and this is {major}",
    "occ app:update integration_openproject", PREPARE_ROLE, OUTDATED,
)  # fmt: skip
_row(
    "nextcloud_settings_unknown", ERROR, NEXTCLOUD, SERVER_NEXTCLOUD,
    "The settings of OpenProject Integration cannot be read: {answer}",
    "Look for a version of the collection that knows this version of the app", LINK_MODULE, OUTDATED,
)  # fmt: skip
_row(
    "group_folders_missing", ERROR, NEXTCLOUD, FOLDERS,
    "The app Group folders (groupfolders, from Nextcloud 31 on called Team folders) is missing or disabled, and project folders need it",
    "occ app:enable groupfolders", PREPARE_ROLE, NO_FOLDERS, OUTDATED,
)  # fmt: skip
_row(
    "group_folders_do_not_fit_nextcloud", WARNING, NEXTCLOUD, FOLDERS,
    "The app Group folders {version} is made for Nextcloud {fits}, and this is {major}",
    "occ app:update groupfolders", PREPARE_ROLE, OUTDATED, NO_FOLDERS,
)  # fmt: skip
_row(
    "authorization_header_dropped", ERROR, NEXTCLOUD, SERVER_NEXTCLOUD,
    "The web server of Nextcloud does not hand on the Authorization header, which OpenProject's requests carry",
    "Follow Nextcloud's notes on pretty URLs; with Apache mod_rewrite and mod_env have to be on, with PHP-FPM also CGIPassAuth",
    TROUBLESHOOTING, NOT_SET_UP, NO_LOGIN, NO_FOLDERS,
)  # fmt: skip
_row(
    "nextcloud_links_elsewhere", ERROR, NEXTCLOUD, SERVER_NEXTCLOUD,
    "Nextcloud does not know its own address: it makes links that begin with {found}, and its address is {wanted}",
    "Behind a proxy: occ config:system:set overwriteprotocol --value={scheme}; occ config:system:set overwritehost --value={netloc}."
    " A web server in front must hand on the whole Host header (nginx: $http_host, not $host)",
    _PROXY_MANUAL, NO_LOGIN,
)  # fmt: skip
_row(
    "nextcloud_cli_url", WARNING, NEXTCLOUD, SERVER_NEXTCLOUD,
    "overwrite.cli.url is {found}; the app takes it for Nextcloud's address when it searches work packages for a file",
    "occ config:system:set overwrite.cli.url --value={wanted}",
    f"{NEXTCLOUD_MANUAL}configuration_server/config_sample_php_parameters.html", NOTHING_SHOWN,
)  # fmt: skip
_row(
    "terms_not_signed", ERROR, NEXTCLOUD, FOLDERS,
    "Terms of service are not signed for the account OpenProject, and Nextcloud shuts it out until they are",
    "Nextcloud: Administration settings, OpenProject, sign the terms of service", TROUBLESHOOTING, NO_FOLDERS,
)  # fmt: skip
_row(
    "group_folders_not_encrypted", WARNING, NEXTCLOUD, FOLDERS,
    "Server-side encryption is on, but group folders are left out of it: project files are stored in clear",
    "If that is not meant: occ config:app:set groupfolders enable_encryption --value=true",
    "opf/openproject#16870",
)  # fmt: skip
_row(
    "cron_not_run", WARNING, NEXTCLOUD, SERVER_NEXTCLOUD,
    "The background jobs of Nextcloud {when} (mode: {mode})",
    "Let cron run: */5 * * * * php -f /var/www/nextcloud/cron.php as the web server's account, and occ background:cron",
    _CRON_MANUAL, NOTHING_SHOWN,
)  # fmt: skip
_row(
    "nextcloud_proxy", WARNING, NEXTCLOUD, SERVER_NEXTCLOUD,
    "Nextcloud sends its own requests through the proxy {proxy}, and that is probably why it does not reach OpenProject",
    "occ config:system:set proxyexclude 0 --value={host}",
    f"{NEXTCLOUD_MANUAL}configuration_server/config_sample_php_parameters.html", HOST_NAME, unsure=True,
)  # fmt: skip
_row(
    "occ_failed", WARNING, NEXTCLOUD, SERVER_NEXTCLOUD,
    "occ was given, and it does not work: {answer}",
    "Check occ_command and occ_exec", "module opnc.integration.nextcloud_occ", NO_ANSWER,
)  # fmt: skip

#: which Nextclouds a version of the app is made for, the newest first (NC §1.6)
APP_FITS: tuple[tuple[tuple[int, ...], int, int], ...] = (
    ((3, 1), 33, 34),
    ((3, 0), 33, 33),
    ((2, 11), 30, 32),
    ((2, 10, 1), 28, 32),
    ((2, 10), 28, 31),
)
#: Group folders 17 is made for Nextcloud 29, and so on (NC §4.1)
GROUP_FOLDERS_BEHIND = 12


def nextcloud_findings(observed: Observed) -> list[Finding]:
    """What is the matter with Nextcloud itself. Pure."""
    side = observed.nextcloud
    return [
        *reach_findings(TABLE, "nextcloud", side.missing, side.failure),
        *_server(side),
        *_versions(side),
        *_app(observed),
        *_surroundings(observed),
    ]


def _server(side: ObservedNextcloud) -> t.Iterator[Finding]:
    status = side.status or {}
    if side.status is not None and not status.get("installed", True):
        yield TABLE.finding("nextcloud_not_installed")
    elif status.get("maintenance"):
        yield TABLE.finding("nextcloud_maintenance")
    elif status.get("needsDbUpgrade"):
        yield TABLE.finding("nextcloud_upgrade_pending")
    if side.throttling:
        yield TABLE.finding("nextcloud_delays_logins", seconds=f"{side.throttling:g}")
    if side.authorization_arrives is False:
        yield TABLE.finding("authorization_header_dropped")


def _versions(side: ObservedNextcloud) -> t.Iterator[Finding]:
    app = ".".join(map(str, side.app_version))
    if side.major and side.major < OLDEST_NEXTCLOUD:
        yield TABLE.finding("nextcloud_too_old", version=side.version)
    if side.major > NEWEST_TRIED_NEXTCLOUD:
        yield TABLE.finding("nextcloud_newer", version=side.version)
    if side.app_version:
        if side.app_version[:2] < OLDEST_APP:
            yield TABLE.finding("app_too_old", version=app)
        elif side.app_version[:2] > NEWEST_TRIED_APP:
            yield TABLE.finding("app_newer", version=app)
        else:
            first, last = [(first, last) for since, first, last in APP_FITS if side.app_version >= since][0]
            if not first <= side.major <= last:
                yield TABLE.finding("app_does_not_fit_nextcloud", version=app, first=first, last=last, major=side.major)
    folders = re.match(r"\d+", side.group_folders_version)
    if folders and side.major and int(folders.group()) + GROUP_FOLDERS_BEHIND != side.major:
        yield TABLE.finding(
            "group_folders_do_not_fit_nextcloud",
            version=side.group_folders_version,
            fits=int(folders.group()) + GROUP_FOLDERS_BEHIND,
            major=side.major,
        )


def _app(observed: Observed) -> t.Iterator[Finding]:
    side = observed.nextcloud
    row = side.app_row
    if row is not None and row.startswith("["):
        groups = ", ".join(re.findall(r'"([^"]*)"', row)) or "no group"
        yield TABLE.finding("app_limited_to_groups", groups=f"the groups {groups}")
    elif row == "":
        yield TABLE.finding("app_missing")
    elif row == "no":
        yield TABLE.finding("app_disabled")
    elif (row is None and side.major and not side.app_version) or (side.settings is not None and not side.settings.app):
        # either nobody who may say more was asked, or the app is enabled and its files are gone
        yield TABLE.finding("app_missing")
    if observed.settings is None:
        return
    if observed.folders_matter and not side.group_folders_enabled:
        yield TABLE.finding("group_folders_missing")
    if observed.folders_matter and not observed.settings.terms_signed:
        yield TABLE.finding("terms_not_signed")
    if observed.folders_matter and observed.settings.encryption and not observed.settings.group_folder_encryption:
        yield TABLE.finding("group_folders_not_encrypted")


def _surroundings(observed: Observed) -> t.Iterator[Finding]:
    side, address = observed.nextcloud, observed.question.nextcloud
    if side.link_root and address is not None and side.link_root != address.origin:
        yield TABLE.finding(
            "nextcloud_links_elsewhere",
            found=side.link_root, wanted=address.origin, scheme=address.scheme, netloc=address.netloc,
        )  # fmt: skip
    if side.cron_age is not None and side.cron_age > LONGEST_CRON_PAUSE:
        never = side.cron_age == float("inf")
        hours = 0 if never else round(side.cron_age / 3600)
        ago = f"{hours} hours" if hours < 48 else f"{hours // 24} days"
        when = "have never run" if never else f"ran {ago} ago for the last time"
        yield TABLE.finding("cron_not_run", when=when, mode=side.cron_mode or "ajax")
    if side.occ_failure is not None:
        yield TABLE.finding(
            "occ_failed", answer=side.occ_failure.message.rstrip("."), exact_remedy=side.occ_failure.remedy
        )
    if side.system is None:
        return
    own = str(side.system.get("overwrite.cli.url") or "")
    if address is not None and not address.is_same(own):
        yield TABLE.finding("nextcloud_cli_url", found=own or "not set", wanted=str(address))
    host = urlsplit(side.probed).hostname or ""
    excluded = side.system.get("proxyexclude") or []
    proxied = side.system.get("proxy") and host not in map(str, excluded)
    if (
        side.probe is not None
        and side.probe[0] not in (True, "invalid", "local_remote_servers_not_allowed")
        and proxied
    ):
        yield TABLE.finding("nextcloud_proxy", proxy=_without_credentials(str(side.system["proxy"])), host=host)


def _without_credentials(proxy: str) -> str:
    return proxy.rsplit("@", 1)[-1]
