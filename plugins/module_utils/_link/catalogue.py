# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every finding, as literals. The documentation is written from them too, so that the two cannot drift apart; checks.py says when each applies."""

from __future__ import annotations

import typing as t
from dataclasses import asdict, dataclass

from .._core.versions import (
    CONFIRMS_PASSWORD,
    NEWEST_TRIED_APP,
    NEWEST_TRIED_NEXTCLOUD,
    NEWEST_TRIED_OPENPROJECT,
    OLDEST_APP,
    OLDEST_NEXTCLOUD,
    OLDEST_OPENPROJECT,
    dotted,
)
from .._openproject.storages import SSRF_SETTING
from .preflight import PROBE_RESULTS

ERROR, WARNING, INFO = "error", "warning", "info"
SEVERITIES = (ERROR, WARNING, INFO)
NEXTCLOUD, OPENPROJECT, BOTH = "nextcloud", "openproject", "both"

# parts of a link, as the report draws them; a server is a part of its own
ADDRESSES = "addresses"
OPENPROJECT_OAUTH = "openproject_oauth"
NEXTCLOUD_OAUTH = "nextcloud_oauth"
FOLDERS = "project_folders"
PROJECTS = "projects"
#: in the order in which a link is set up, and what stands for each in the report
PARTS: dict[str, str] = {
    NEXTCLOUD: "Nextcloud",
    OPENPROJECT: "OpenProject",
    ADDRESSES: "Addresses",
    OPENPROJECT_OAUTH: "OpenProject's OAuth application",
    NEXTCLOUD_OAUTH: "Nextcloud's OAuth client",
    FOLDERS: "Project folders",
    PROJECTS: "Projects that use the storage",
}

# where more is said
SETUP_GUIDE = "https://www.openproject.org/docs/system-admin-guide/integrations/nextcloud/"
TROUBLESHOOTING = f"{SETUP_GUIDE}#troubleshooting"
MANUAL = "https://docs.nextcloud.com/server/latest/admin_manual/"
PARAMETERS = f"{MANUAL}configuration_server/config_sample_php_parameters.html"
REVERSE_PROXY = f"{MANUAL}configuration_server/reverse_proxy_configuration.html"
TWO_FACTOR = f"{MANUAL}configuration_user/two_factor-auth.html"
LINK = "module opnc.integration.link"
CERTIFICATE = "module opnc.integration.nextcloud_certificate"
PREPARE = "role opnc.integration.prepare_nextcloud"
PROJECT_STORAGES = "role opnc.integration.project_storages"
SSO = "nextcloud/integration_openproject#797"

# what people see of a finding: the troubleshooting chapter of the set-up guide, and what else is searched for
HOST_NAME = 'Nextcloud says "Please enter a valid OpenProject hostname"'
NEXTCLOUD_CA = 'Nextcloud says "certificate verify failed" of OpenProject'
USER_EXISTS = 'Nextcloud says "The user "OpenProject" already exists"'
GROUP_EXISTS = 'Nextcloud says "The group "OpenProject" already exists"'
FOLDER_EXISTS = 'Nextcloud says "The group folder name "OpenProject" already exists" (or "team folder")'
PROTECTED = 'User or group "OpenProject" cannot be deleted or disabled'
NO_CONNECTION = 'OpenProject says "Host can not be connected to" (or "could not be reached")'
OPENPROJECT_CA = 'OpenProject says "certificate verify failed" of Nextcloud'
NOT_SET_UP = 'OpenProject says "Host is not fully set up"'
NO_FOLDERS = "Project folders are not created, or somebody does not see theirs"
NO_LOGIN = "Users cannot connect their accounts, or have to do it again and again"
NOTHING_SHOWN = "The integration was set up, but nothing of it can be seen"
NO_ANSWER = "The check, or any other module, cannot connect or log in"
OUTDATED = "After an upgrade something does not work any more"
ANY_EXISTS = (USER_EXISTS, GROUP_EXISTS, FOLDER_EXISTS)
SYMPTOMS = (
    HOST_NAME, NEXTCLOUD_CA, *ANY_EXISTS, PROTECTED, NO_CONNECTION, OPENPROJECT_CA, NOT_SET_UP, NO_FOLDERS, NO_LOGIN,
    NOTHING_SHOWN, NO_ANSWER, OUTDATED,
)  # fmt: skip

# remedies that several findings share
RUN = "Run the link: role link, or module link"
RUN_WITH_RUNNER = "Run the link; with runner_command when projects use the storage"
ENABLE_APP = "occ app:enable integration_openproject"
REPAIR = "Run the link with project_folders: true, which adds what is missing and deletes nothing"
GIVE_FOLDER = f"occ groupfolders:group {{id}} OpenProject read write share delete. {REPAIR}"
NEWER_COLLECTION = "Check whether there is a newer version of the collection. Nothing else is wrong"
OUTSIDE_ENFORCEMENT = "use an administrator outside the enforcement: occ twofactorauth:enforce --on --exclude=<group of that administrator>"

#: what the codes of OpenProject's connection check mean where the general remedy does not fit, up to 15 and from 16 on (OP §8.2, §16)
CONNECTION_REMEDIES = {
    **dict.fromkeys(("err_missing_dependencies", "nc_dependency_missing"), f"{ENABLE_APP} groupfolders"),
    "err_unexpected_version": "occ app:update --all, as far as the versions fit Nextcloud",
    **dict.fromkeys(
        ("err_userless_access_denied", "nc_userless_access_denied"),
        "Renew the application password: module link with rotate: [application_password]",
    ),
    **dict.fromkeys(
        ("err_group_folder_not_found", "nc_group_folder_not_found"),
        "Let the link repair the project folders: module link with project_folders: true",
    ),
    "raised": "OpenProject could not read Nextcloud's answer: Nextcloud is probably in maintenance mode, or locks the account OpenProject out",
    **dict.fromkeys(("wrn_not_configured", "not_configured"), "Finish the link: module link"),
    "wrn_unexpected_content": "The group folder OpenProject contains something that OpenProject did not create: move it elsewhere",
}


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with a link, as a playbook gets it."""

    code: str
    severity: str
    side: str
    part: str
    message: str
    remedy: str
    see: str
    unsure: bool

    def as_returned(self) -> dict[str, t.Any]:
        """The finding for a playbook."""
        return asdict(self)


@dataclass(frozen=True)
class Entry:
    """A finding before it is found.

    :param message: what is wrong, with fields in braces that the state fills in.
    :param remedy: the command or the setting that fixes it, likewise.
    :param part: empty for the server that the finding is about.
    :param see: where more is said.
    :param symptoms: what people see of it; members of ``SYMPTOMS``.
    :param unsure: the check concludes it from something else, and can be mistaken.
    """

    code: str
    side: str
    message: str
    remedy: str
    part: str = ""
    severity: str = ERROR
    see: str = LINK
    symptoms: tuple[str, ...] = ()
    unsure: bool = False

    def found(self, exact_remedy: str, values: t.Mapping[str, t.Any]) -> Finding:
        """The finding with the state's values; a remedy that a server's answer gives is more exact than the catalogue's."""
        message = self.message.format(**values)
        return Finding(
            code=self.code,
            severity=self.severity,
            side=self.side,
            part=self.part or self.side,
            message=f"This is not sure: {message}" if self.unsure else message,
            remedy=exact_remedy or self.remedy.format(**values),
            see=self.see,
            unsure=self.unsure,
        )


def _connection(side: str, name: str) -> tuple[Entry, ...]:
    """How a server is reached, which is the same for both."""

    def entry(code: str, message: str, remedy: str, severity: str = ERROR) -> Entry:
        return Entry(f"{side}_{code}", side, message, remedy, severity=severity, symptoms=(NO_ANSWER,))

    return (
        entry(
            "not_looked_at",
            f"{name} was not checked, because {{missing}} not given",
            f"Give all options of the connection to {name}",
            WARNING,
        ),
        entry(
            "unreachable",
            f"{name} cannot be reached from the machine that runs the check: {{answer}}",
            f"Check that {name} runs, that {side}_url is right, and the firewalls in between",
        ),
        entry(
            "certificate",
            f"The machine that runs the check does not trust the certificate of {name}: {{answer}}",
            f"If a private certificate authority issued it, give that authority's certificate in {side}_ca_path."
            " The other server must trust it too, through a setting of its own",
        ),
        entry(
            "redirected",
            f"{name} redirects the check to another address: {{answer}}",
            f"If that address is {name} itself, set {side}_url to it",
        ),
        entry(
            "not_itself",
            f"Something other than {name} answers: {{answer}}",
            f"Check {side}_url including its path, and that no proxy or login portal stands in between",
        ),
        entry(
            "not_ready",
            f"{name} is not ready: {{answer}}",
            f"Wait until {name} has started. If that does not help, check its log",
        ),
        entry(
            "throttled",
            f"{name} throttles the check: {{answer}}",
            "Wait a few minutes. Behind a proxy, make sure that the server sees the clients' addresses, not the proxy's",
        ),
        entry(
            "login_refused",
            f"{name} does not accept the credentials: {{answer}}",
            f"Check the credentials, and that {name} allows this kind of login",
        ),
        entry(
            "not_administrator",
            f"The account that the check uses is not an administrator of {name}: {{answer}}",
            "Use the account of an administrator",
        ),
        entry("failed", f"{name} failed: {{answer}}", f"Check the log of {name}"),
    )


NEXTCLOUD_ITSELF = (
    *_connection(NEXTCLOUD, "Nextcloud"),
    Entry(
        "nextcloud_second_factor",
        NEXTCLOUD,
        "Nextcloud does not accept the login password: {answer}",
        "Give an application password as nextcloud_password (Nextcloud: Settings, Security, Devices & sessions; or"
        f" occ user:auth-tokens:add <account>). From Nextcloud {dotted(CONFIRMS_PASSWORD)} on also give occ_command or occ_exec, or"
        f" {OUTSIDE_ENFORCEMENT}",
        see=TWO_FACTOR,
        symptoms=(NO_ANSWER,),
    ),
    Entry(
        "nextcloud_delays_logins",
        NEXTCLOUD,
        "Nextcloud delays logins by {seconds} s, because too many failed from the address that it sees",
        "Behind a proxy all clients share its address unless trusted_proxies is set. Find the client whose logins fail, then:"
        " occ security:bruteforce:reset <address>",
        severity=WARNING,
        see=REVERSE_PROXY,
        symptoms=(NO_ANSWER,),
    ),
    Entry(
        "nextcloud_maintenance",
        NEXTCLOUD,
        "Nextcloud is in maintenance mode, so nothing of the link works",
        "occ maintenance:mode --off, when the maintenance is over",
        see=f"{MANUAL}maintenance/",
        symptoms=(NO_CONNECTION, NO_ANSWER),
    ),
    Entry(
        "nextcloud_upgrade_pending",
        NEXTCLOUD,
        "Nextcloud or one of its apps must be upgraded, and answers only with a page until then",
        "occ upgrade",
        see=f"{MANUAL}maintenance/upgrade.html",
        symptoms=(NO_CONNECTION, NO_ANSWER, OUTDATED),
    ),
    Entry(
        "nextcloud_not_installed",
        NEXTCLOUD,
        "Nextcloud is not installed yet",
        "Wait until its first start is finished, or finish its installation",
        see=f"{MANUAL}installation/",
        symptoms=(NO_ANSWER,),
    ),
    Entry(
        "nextcloud_untrusted_host",
        NEXTCLOUD,
        "Nextcloud does not trust the host name in its address: {answer}",
        "occ config:system:set trusted_domains 1 --value=<host name>; or set nextcloud_public_url to the name that it knows",
        see=f"{MANUAL}installation/installation_wizard.html",
        symptoms=(NO_CONNECTION, NO_ANSWER),
    ),
    Entry(
        "nextcloud_too_old",
        NEXTCLOUD,
        "Nextcloud {version} is too old for this collection",
        f"Upgrade to Nextcloud {OLDEST_NEXTCLOUD} or newer",
        see=SETUP_GUIDE,
        symptoms=(OUTDATED,),
    ),
    Entry(
        "nextcloud_newer",
        NEXTCLOUD,
        f"Nextcloud {{version}} is newer than {NEWEST_TRIED_NEXTCLOUD}, the newest that this collection was tried with",
        NEWER_COLLECTION,
        severity=WARNING,
        symptoms=(OUTDATED,),
    ),
    Entry(
        "app_missing",
        NEXTCLOUD,
        "The app OpenProject Integration (integration_openproject) is not in Nextcloud",
        ENABLE_APP,
        see=PREPARE,
        symptoms=(NO_CONNECTION, NOT_SET_UP, NOTHING_SHOWN),
    ),
    Entry(
        "app_files_missing",
        NEXTCLOUD,
        "The app OpenProject Integration (integration_openproject) is enabled, but its files are not on the disk of Nextcloud's server."
        " This happens when a new container image or a restored backup does not contain them",
        "occ app:install integration_openproject; or put its directory back. The settings are still there, and occ app:enable"
        " changes nothing",
        see=PREPARE,
        symptoms=(NO_CONNECTION, NOT_SET_UP, NOTHING_SHOWN, OUTDATED),
    ),
    Entry(
        "app_disabled",
        NEXTCLOUD,
        "The app OpenProject Integration (integration_openproject) is disabled. Nextcloud disables apps that are too old for it when"
        " it is upgraded",
        f"occ app:update integration_openproject; {ENABLE_APP}",
        see=PREPARE,
        symptoms=(NO_CONNECTION, NOT_SET_UP, NOTHING_SHOWN, OUTDATED),
    ),
    Entry(
        "app_limited_to_groups",
        NEXTCLOUD,
        "The app OpenProject Integration is enabled only for {groups}, and the account that the check uses is not a member",
        f"occ app:disable integration_openproject; {ENABLE_APP}",
        see=PREPARE,
        symptoms=(NO_CONNECTION, NOT_SET_UP, NOTHING_SHOWN, NO_FOLDERS),
    ),
    Entry(
        "app_limited_to_own_groups",
        NEXTCLOUD,
        "The app OpenProject Integration is enabled only for {groups}. The account that the check uses is a member, so the link can"
        " be set up, but users outside do not have the integration",
        f"occ app:disable integration_openproject; {ENABLE_APP}",
        severity=WARNING,
        see=PREPARE,
        symptoms=(NOTHING_SHOWN, NO_FOLDERS),
    ),
    Entry(
        "app_too_old",
        NEXTCLOUD,
        "The app OpenProject Integration {version} is too old for this collection",
        f"occ app:update integration_openproject (to {dotted(OLDEST_APP)} or newer)",
        see=PREPARE,
        symptoms=(OUTDATED,),
    ),
    Entry(
        "app_newer",
        NEXTCLOUD,
        f"The app OpenProject Integration {{version}} is newer than {dotted(NEWEST_TRIED_APP)}, the newest that this collection was"
        " tried with",
        NEWER_COLLECTION,
        severity=WARNING,
        symptoms=(OUTDATED,),
    ),
    Entry(
        "app_does_not_fit_nextcloud",
        NEXTCLOUD,
        "The app OpenProject Integration {version} is made for Nextcloud {first} to {last}, and this is Nextcloud {major}",
        "occ app:update integration_openproject",
        severity=WARNING,
        see=PREPARE,
        symptoms=(OUTDATED,),
    ),
    Entry(
        "nextcloud_settings_unknown",
        NEXTCLOUD,
        "The settings of OpenProject Integration cannot be read: {answer}",
        "Check whether there is a version of the collection that knows this version of the app",
        symptoms=(OUTDATED,),
    ),
    Entry(
        "authorization_header_dropped",
        NEXTCLOUD,
        "The web server of Nextcloud drops the Authorization header, which OpenProject's requests carry",
        "Follow Nextcloud's notes on pretty URLs: Apache needs mod_rewrite and mod_env, with PHP-FPM also CGIPassAuth",
        see=TROUBLESHOOTING,
        symptoms=(NOT_SET_UP, NO_LOGIN, NO_FOLDERS),
    ),
    Entry(
        "nextcloud_links_elsewhere",
        NEXTCLOUD,
        "Nextcloud does not know its own address: its links begin with {found}, but its address is {wanted}",
        "Behind a proxy: occ config:system:set overwriteprotocol --value={scheme}; occ config:system:set overwritehost --value={netloc}."
        " A web server in front must pass on the whole Host header (nginx: $http_host, not $host)",
        see=REVERSE_PROXY,
        symptoms=(NO_LOGIN,),
    ),
    Entry(
        "nextcloud_cli_url",
        NEXTCLOUD,
        "overwrite.cli.url is {found}, but Nextcloud's address is {wanted}. The app uses overwrite.cli.url when it searches the work"
        " packages of a file",
        "occ config:system:set overwrite.cli.url --value={wanted}",
        severity=WARNING,
        see=PARAMETERS,
        symptoms=(NOTHING_SHOWN,),
    ),
    Entry(
        "cron_not_run",
        NEXTCLOUD,
        "The background jobs of Nextcloud {when} (mode: {mode})",
        "Let cron run */5 * * * * php -f /var/www/nextcloud/cron.php as the web server's account; and occ background:cron",
        severity=WARNING,
        see=f"{MANUAL}configuration_server/background_jobs_configuration.html",
        symptoms=(NOTHING_SHOWN,),
    ),
    Entry(
        "nextcloud_proxy",
        NEXTCLOUD,
        "Nextcloud sends its own requests through the proxy {proxy}, and that is probably why it does not reach OpenProject",
        "occ config:system:set proxyexclude 0 --value={host}",
        severity=WARNING,
        see=PARAMETERS,
        symptoms=(HOST_NAME,),
        unsure=True,
    ),
    Entry(
        "occ_failed",
        NEXTCLOUD,
        "occ does not work: {answer}",
        "Check occ_command and occ_exec",
        severity=WARNING,
        see="module opnc.integration.nextcloud_occ",
        symptoms=(NO_ANSWER,),
    ),
)

OPENPROJECT_ITSELF = (
    *_connection(OPENPROJECT, "OpenProject"),
    Entry(
        "openproject_host_name",
        OPENPROJECT,
        "OpenProject is configured for another host name: {answer}",
        "Set openproject_public_url to the address that users open in a browser (OpenProject's setting OPENPROJECT_HOST__NAME)",
        symptoms=(NO_ANSWER,),
    ),
    Entry(
        "openproject_default_host_name",
        OPENPROJECT,
        "OpenProject's host name is still {name}, the default. Its links, also those in e-mails, lead there",
        "Set OPENPROJECT_HOST__NAME={wanted}",
        severity=WARNING,
        see="opf/helm-charts#307",
        symptoms=(NO_LOGIN, NOTHING_SHOWN),
    ),
    Entry(
        "openproject_names_itself_otherwise",
        OPENPROJECT,
        "OpenProject's host name is {name}, but the play uses {wanted}",
        "Set openproject_public_url to the address with that name. If the name is wrong, set OPENPROJECT_HOST__NAME={wanted}",
        severity=WARNING,
        see="opf/openproject#10802",
        symptoms=(NO_LOGIN,),
    ),
    Entry(
        "openproject_too_old",
        OPENPROJECT,
        "OpenProject {version} is too old for this collection",
        f"Upgrade to OpenProject {dotted(OLDEST_OPENPROJECT)} or newer",
        see=SETUP_GUIDE,
        symptoms=(OUTDATED,),
    ),
    Entry(
        "openproject_newer",
        OPENPROJECT,
        f"OpenProject {{version}} is newer than {dotted(NEWEST_TRIED_OPENPROJECT)}, the newest that this collection was tried with",
        NEWER_COLLECTION,
        severity=WARNING,
        symptoms=(OUTDATED,),
    ),
    Entry(
        "app_does_not_fit_openproject",
        OPENPROJECT,
        "OpenProject {openproject} needs the app OpenProject Integration {wanted} or newer, and Nextcloud has {version}",
        "occ app:update integration_openproject. A newer version of the app may need a newer Nextcloud",
        severity=WARNING,
        see=PREPARE,
        symptoms=(OUTDATED,),
    ),
    Entry(
        "no_active_project",
        OPENPROJECT,
        "There is no active project. Without one, OpenProject hides every storage, even from administrators",
        "Create a project, or unarchive one",
        symptoms=(NOTHING_SHOWN,),
    ),
    Entry(
        "worker_not_running",
        OPENPROJECT,
        "The background worker of OpenProject does not run ({words}), so project folders are not created and their members not updated",
        "Start it: systemctl restart openproject-worker-1 for packages, otherwise the container or deployment worker",
        see=TROUBLESHOOTING,
        symptoms=(NO_FOLDERS,),
    ),
    Entry(
        "worker_backed_up",
        OPENPROJECT,
        "The background worker of OpenProject does not keep up ({words})",
        "Give it more time or more workers: openproject scale worker=2 for packages",
        severity=WARNING,
        see=TROUBLESHOOTING,
        symptoms=(NO_FOLDERS,),
    ),
    Entry(
        "private_address",
        OPENPROJECT,
        "OpenProject refuses private addresses from 17.6 on, and the machine that runs the check resolves {host} to {address}",
        f"Add {{address}} to {SSRF_SETTING} and restart OpenProject. If it is there already, let OpenProject check the connection:"
        " check_with_runner: true",
        see="opf/openproject#23048",
        symptoms=(NO_CONNECTION, NO_FOLDERS, OUTDATED),
        unsure=True,
    ),
    Entry(
        "connection_check_failed",
        OPENPROJECT,
        "OpenProject's own connection check fails: {result}{words}",
        "OpenProject itself must reach Nextcloud: check name service, firewall and redirects on its server. For a private certificate"
        f" authority set SSL_CERT_FILE there. A private address must be in {SSRF_SETTING}",
        see=TROUBLESHOOTING,
        symptoms=(NO_CONNECTION, OPENPROJECT_CA, NO_FOLDERS, NO_LOGIN),
    ),
    Entry(
        "connection_check_warns",
        OPENPROJECT,
        "OpenProject's own connection check warns: {result}{words}",
        "OpenProject: Administration, Files, External file storages, the storage: check its health status",
        severity=WARNING,
        see=TROUBLESHOOTING,
        symptoms=(NO_FOLDERS,),
    ),
    Entry(
        "runner_failed",
        OPENPROJECT,
        "The runner does not work: {answer}",
        "Check runner_command and runner_exec",
        severity=WARNING,
        see="module opnc.integration.openproject_project_storage",
        symptoms=(NO_ANSWER,),
    ),
    Entry(
        "storage_in_no_project",
        OPENPROJECT,
        'The storage "{storage}" is in no active project, so nobody can use it',
        "Add it to projects: role project_storages; or in OpenProject: Project settings, Files",
        part=PROJECTS,
        severity=WARNING,
        see=PROJECT_STORAGES,
        symptoms=(NOTHING_SHOWN, NO_FOLDERS),
    ),
    Entry(
        "no_project_with_folders",
        OPENPROJECT,
        'The storage "{storage}" is in {projects}, but without an automatically managed folder',
        "Set project_folder_mode: automatic: role project_storages; or in OpenProject: Project settings, Files",
        part=PROJECTS,
        severity=WARNING,
        see=PROJECT_STORAGES,
        symptoms=(NO_FOLDERS,),
    ),
    Entry(
        "automatic_projects_unmanaged",
        OPENPROJECT,
        "Automatic management is off in OpenProject, so the automatically managed folders of {projects} are no longer created or updated",
        "Run the link with project_folders: true; or set another project_folder_mode for these projects",
        part=PROJECTS,
        symptoms=(NO_FOLDERS,),
    ),
)

# what Nextcloud says of OpenProject's address (NC §1.4); causes and remedies are those that the module link gives
OPENPROJECT_ADDRESS = tuple(
    Entry(
        f"address_{result}",
        NEXTCLOUD,
        f"Nextcloud does not accept {{url}} as OpenProject's address: {cause}{{here}}",
        remedy,
        part=ADDRESSES,
        see=PREPARE if result == "local_remote_servers_not_allowed" else TROUBLESHOOTING,
        symptoms=(HOST_NAME,),
    )
    for result, (cause, remedy) in PROBE_RESULTS.items()
)

AGREEMENT = (
    Entry(
        "address_certificate",
        NEXTCLOUD,
        "Nextcloud does not trust the certificate of OpenProject at {url} ({details})",
        "occ security:certificates:import <file of the CA>",
        part=ADDRESSES,
        see=CERTIFICATE,
        symptoms=(NEXTCLOUD_CA, HOST_NAME),
    ),
    Entry(
        "nextcloud_without_https",
        OPENPROJECT,
        "Nextcloud's address {url} is plain http, which OpenProject accepts only for localhost and loopback addresses",
        "Set up https for Nextcloud, and use the https address in nextcloud_url or nextcloud_public_url",
        part=ADDRESSES,
        symptoms=(NO_CONNECTION,),
    ),
    Entry(
        "storage_missing",
        OPENPROJECT,
        "OpenProject has no storage for the Nextcloud at {url}",
        RUN,
        symptoms=(NOTHING_SHOWN,),
    ),
    Entry(
        "several_storages",
        OPENPROJECT,
        "OpenProject has several storages for this Nextcloud: {storages}",
        "Keep one (module link takes it as storage_id) and delete the others: OpenProject, Administration, Files, External file storages",
        symptoms=(NO_LOGIN,),
    ),
    Entry(
        "storage_of_another",
        OPENPROJECT,
        'The storage "{storage}" belongs to another server, {host}',
        "Check storage_name. If {host} is a former address of this Nextcloud, run the link with the storage's storage_id",
        part=ADDRESSES,
    ),
    Entry(
        "storage_host_differs",
        OPENPROJECT,
        'The storage "{storage}" has the address {host}, but Nextcloud\'s address is {url}',
        RUN,
        part=ADDRESSES,
        symptoms=(NO_CONNECTION, NO_LOGIN),
    ),
    Entry(
        "storage_name_differs",
        OPENPROJECT,
        'The storage of this Nextcloud is called "{storage}", not "{wanted}"',
        RUN,
        severity=WARNING,
    ),
    Entry(
        "nextcloud_not_linked",
        NEXTCLOUD,
        "Nextcloud is not linked to any OpenProject",
        RUN,
        symptoms=(NOTHING_SHOWN,),
    ),
    Entry(
        "nextcloud_of_another",
        NEXTCLOUD,
        "Nextcloud is linked to another OpenProject, {url}",
        "Check openproject_url. If it is right, run the link with relink: true, which replaces the other OpenProject",
        part=ADDRESSES,
        symptoms=(NO_LOGIN,),
    ),
    Entry(
        "openproject_address_differs",
        NEXTCLOUD,
        "Nextcloud has {found} as OpenProject's address, but it is {url}",
        RUN,
        part=ADDRESSES,
        symptoms=(HOST_NAME, NO_LOGIN),
    ),
    Entry(
        "openproject_redirect_uri",
        OPENPROJECT,
        "OpenProject's OAuth application redirects users to {found} instead of {wanted}",
        "Rename the storage and then give it its old name again (OpenProject, Administration, Files), which writes the redirect URI anew."
        " If that does not help, run the link with rotate: [openproject_oauth]",
        part=ADDRESSES,
        symptoms=(NO_LOGIN,),
    ),
    Entry(
        "nextcloud_redirect_uri",
        NEXTCLOUD,
        "Nextcloud's OAuth client redirects users to {found} instead of {wanted}",
        RUN,
        part=ADDRESSES,
        symptoms=(NO_LOGIN,),
    ),
    Entry(
        "openproject_oauth_missing",
        OPENPROJECT,
        'The OAuth application of the storage "{storage}" was deleted',
        "Run the link with runner_command, so that OpenProject creates a new one. Every user must then connect Nextcloud to OpenProject again",
        part=OPENPROJECT_OAUTH,
        symptoms=(NO_LOGIN,),
    ),
    Entry(
        "openproject_oauth_not_entered",
        NEXTCLOUD,
        "Nextcloud lacks client id or secret of OpenProject's OAuth application",
        RUN_WITH_RUNNER,
        part=OPENPROJECT_OAUTH,
        symptoms=(NOTHING_SHOWN, NO_LOGIN),
    ),
    Entry(
        "openproject_oauth_differs",
        BOTH,
        "Nextcloud has the client id of another OAuth application than the storage's",
        RUN_WITH_RUNNER,
        part=OPENPROJECT_OAUTH,
        symptoms=(NO_LOGIN,),
    ),
    Entry(
        "openproject_secret_wrong",
        BOTH,
        "OpenProject does not accept the client secret of its OAuth application that Nextcloud stores. The check tried it",
        "Run the link with verify_secrets: true and runner_command",
        part=OPENPROJECT_OAUTH,
        symptoms=(NO_LOGIN,),
    ),
    Entry(
        "nextcloud_oauth_missing",
        NEXTCLOUD,
        "Nextcloud has no OAuth client for OpenProject",
        RUN,
        part=NEXTCLOUD_OAUTH,
        symptoms=(NO_LOGIN, NOTHING_SHOWN),
    ),
    Entry(
        "nextcloud_oauth_deleted",
        NEXTCLOUD,
        "Nextcloud's OAuth client for OpenProject was deleted. The app still refers to it and reports itself as complete",
        RUN,
        part=NEXTCLOUD_OAUTH,
        symptoms=(NO_LOGIN,),
    ),
    Entry(
        "nextcloud_oauth_not_entered",
        OPENPROJECT,
        'The storage "{storage}" has no OAuth client of Nextcloud',
        RUN,
        part=NEXTCLOUD_OAUTH,
        symptoms=(NOTHING_SHOWN, NO_LOGIN),
    ),
    Entry(
        "nextcloud_oauth_differs",
        BOTH,
        'The storage "{storage}" has another OAuth client than Nextcloud\'s',
        RUN,
        part=NEXTCLOUD_OAUTH,
        symptoms=(NO_LOGIN,),
    ),
    Entry(
        "nextcloud_secret_wrong",
        BOTH,
        "Nextcloud does not accept the client secret of its OAuth client that OpenProject stores. The check tried it",
        "Run the link with verify_secrets: true and runner_command, or with rotate: [nextcloud_oauth]",
        part=NEXTCLOUD_OAUTH,
        symptoms=(NO_LOGIN,),
    ),
    Entry(
        "method_missing",
        NEXTCLOUD,
        "No authentication method is set in Nextcloud, so the app reports itself as incomplete",
        RUN,
        symptoms=(NOTHING_SHOWN, OUTDATED),
    ),
    Entry(
        "method_mended",
        NEXTCLOUD,
        "No authentication method was set in Nextcloud. Nextcloud's own settings page set it to oauth2 while the check read it",
        "Nothing to do. The next check no longer reports this",
        severity=INFO,
        symptoms=(OUTDATED,),
    ),
    Entry(
        "setup_unfinished",
        NEXTCLOUD,
        "Nextcloud was never told whether to use project folders, so the app reports itself as incomplete",
        RUN,
        symptoms=(NOTHING_SHOWN,),
    ),
    Entry(
        "app_incomplete",
        NEXTCLOUD,
        "OpenProject Integration reports itself as incomplete, although every setting that the check knows is there",
        "Check Nextcloud's Administration settings, OpenProject, and Nextcloud's log",
        see=TROUBLESHOOTING,
        symptoms=(NOTHING_SHOWN,),
        unsure=True,
    ),
    Entry(
        "user_defaults_differ",
        NEXTCLOUD,
        "Defaults for users are not as requested: {defaults}",
        RUN,
        severity=WARNING,
    ),
)

SINGLE_SIGN_ON = (
    Entry(
        "methods_differ",
        BOTH,
        "Nextcloud authenticates by {nextcloud}, but OpenProject by {openproject}",
        "Set both to two-way OAuth (OpenProject: Administration, Files, the storage; then run the link), or set both to single sign-on",
        part=NEXTCLOUD,
        see=SSO,
        symptoms=(NO_LOGIN,),
    ),
    Entry(
        "sso_version_too_old",
        BOTH,
        "Single sign-on is set, but {product} {version} is too old for it: {wanted} or newer is needed",
        "Upgrade {product}, or set both servers to two-way OAuth",
        part=NEXTCLOUD,
        see=SSO,
        symptoms=(NO_LOGIN, OUTDATED),
    ),
    Entry(
        "sso_app_missing",
        NEXTCLOUD,
        "Nextcloud is set to single sign-on, but the app user_oidc is missing or disabled",
        "occ app:install user_oidc, if it is missing; then occ app:enable user_oidc",
        see="nextcloud/user_oidc#1150",
        symptoms=(NO_LOGIN,),
    ),
    Entry(
        "sso_app_too_old",
        NEXTCLOUD,
        "Nextcloud is set to single sign-on, but the app user_oidc is too old: OpenProject Integration needs {wanted} or newer",
        "occ app:update user_oidc",
        see=SSO,
        symptoms=(NO_LOGIN, OUTDATED),
    ),
    Entry(
        "sso_hub_app_missing",
        NEXTCLOUD,
        "Nextcloud is set to be its own identity provider, but the app oidc is missing or disabled",
        "occ app:install oidc, if it is missing; then occ app:enable oidc",
        see=SSO,
        symptoms=(NO_LOGIN,),
    ),
    Entry(
        "sso_hub_app_too_old",
        NEXTCLOUD,
        "Nextcloud is set to be its own identity provider, but the app oidc is too old: OpenProject Integration needs {wanted} or newer",
        "occ app:update oidc",
        see=SSO,
        symptoms=(NO_LOGIN, OUTDATED),
    ),
    Entry(
        "sso_provider_unknown",
        NEXTCLOUD,
        'Nextcloud is set to the identity provider "{provider}", which the app user_oidc does not know. It knows: {known}',
        "Nextcloud: Administration settings, OpenProject, select the provider again; or create it: occ user_oidc:provider",
        see=SSO,
        symptoms=(NO_LOGIN,),
    ),
    Entry(
        "sso_tokens_not_stored",
        NEXTCLOUD,
        "Nextcloud does not store the tokens of single sign-on, so it has none for OpenProject",
        "occ config:app:set user_oidc store_login_token --value=1",
        see="nextcloud/user_oidc#1082",
        symptoms=(NO_LOGIN, NOTHING_SHOWN),
    ),
    Entry(
        "sso_openproject_audience_missing",
        NEXTCLOUD,
        "Nextcloud is set to single sign-on, but the client id of OpenProject at the identity provider is not entered",
        "Nextcloud: Administration settings, OpenProject, enter OpenProject's client id at the identity provider",
        see=SSO,
        symptoms=(NO_LOGIN, NOTHING_SHOWN),
    ),
    Entry(
        "sso_audience_missing",
        OPENPROJECT,
        'The storage "{storage}" authenticates by single sign-on, but has no storage audience',
        "OpenProject: Administration, Files, External file storages, the storage: enter the storage audience (Nextcloud's client id at"
        " the identity provider)",
        see=SSO,
        symptoms=(NO_LOGIN,),
    ),
)

PROJECT_FOLDERS = (
    Entry(
        "group_folders_missing",
        NEXTCLOUD,
        "Project folders need the app Group folders (groupfolders, called Team folders from Nextcloud 31 on), which is missing or disabled",
        "occ app:enable groupfolders",
        part=FOLDERS,
        see=PREPARE,
        symptoms=(NO_FOLDERS, OUTDATED),
    ),
    Entry(
        "group_folders_files_missing",
        NEXTCLOUD,
        "The app Group folders (groupfolders) is enabled, but its files are not on the disk of Nextcloud's server. This happens when a"
        " new container image or a restored backup does not contain them",
        "occ app:install groupfolders; or put its directory back. The folders are still there, and occ app:enable changes nothing",
        part=FOLDERS,
        see=PREPARE,
        symptoms=(NO_FOLDERS, OUTDATED),
    ),
    Entry(
        "group_folders_do_not_fit_nextcloud",
        NEXTCLOUD,
        "The app Group folders {version} is made for Nextcloud {fits}, and this is Nextcloud {major}",
        "occ app:update groupfolders",
        part=FOLDERS,
        severity=WARNING,
        see=PREPARE,
        symptoms=(OUTDATED, NO_FOLDERS),
    ),
    Entry(
        "group_folders_do_not_fit_openproject",
        OPENPROJECT,
        "OpenProject {openproject} needs the app Group folders {wanted} or newer, and Nextcloud has {version}",
        "occ app:update groupfolders. A newer version of the app may need a newer Nextcloud",
        part=FOLDERS,
        severity=WARNING,
        see=PREPARE,
        symptoms=(OUTDATED, NO_FOLDERS),
    ),
    Entry(
        "terms_not_signed",
        NEXTCLOUD,
        "The terms of service are not signed for the account OpenProject, and Nextcloud locks it out until they are",
        "Nextcloud: Administration settings, OpenProject, sign the terms of service",
        part=FOLDERS,
        see=TROUBLESHOOTING,
        symptoms=(NO_FOLDERS,),
    ),
    Entry(
        "group_folders_not_encrypted",
        NEXTCLOUD,
        "Server-side encryption is on, but not for group folders, so project files are stored unencrypted",
        "If they should be encrypted: occ config:app:set groupfolders enable_encryption --value=true",
        part=FOLDERS,
        severity=WARNING,
        see="opf/openproject#16870",
    ),
    Entry(
        "folders_not_set_up",
        NEXTCLOUD,
        "Project folders are requested, but nothing of them is in Nextcloud",
        REPAIR,
        part=FOLDERS,
        symptoms=(NO_FOLDERS,),
    ),
    Entry(
        "user_missing",
        NEXTCLOUD,
        'There is no user "OpenProject" in Nextcloud',
        REPAIR,
        part=FOLDERS,
        symptoms=(GROUP_EXISTS, FOLDER_EXISTS, NO_FOLDERS),
    ),
    Entry(
        "user_disabled",
        NEXTCLOUD,
        'User "OpenProject" of Nextcloud is disabled. Neither Nextcloud\'s app nor OpenProject notices that',
        "occ user:enable OpenProject",
        part=FOLDERS,
        symptoms=(NO_FOLDERS,),
    ),
    Entry(
        "user_spelled_otherwise",
        NEXTCLOUD,
        'Nextcloud has a user "{user}", which Nextcloud takes for "OpenProject", but OpenProject does not',
        "If nobody needs that account: occ user:delete {user}; then run the link",
        part=FOLDERS,
        symptoms=(USER_EXISTS, NO_FOLDERS),
    ),
    Entry(
        "group_missing",
        NEXTCLOUD,
        'There is no group "{group}" in Nextcloud',
        REPAIR,
        part=FOLDERS,
        symptoms=(USER_EXISTS, FOLDER_EXISTS, NO_FOLDERS, OUTDATED),
    ),
    Entry(
        "directory_service",
        NEXTCLOUD,
        "{what} comes from a directory service, so Nextcloud cannot change it",
        "Rename or exclude it in the directory service, so that Nextcloud can have its own; then run the link",
        part=FOLDERS,
        symptoms=(USER_EXISTS, GROUP_EXISTS, NO_FOLDERS),
    ),
    Entry(
        "user_not_in_group",
        NEXTCLOUD,
        'User "OpenProject" is not in group "{group}"',
        f"occ group:adduser {{group}} OpenProject. {REPAIR}",
        part=FOLDERS,
        symptoms=(USER_EXISTS, NO_FOLDERS),
    ),
    Entry(
        "user_not_group_admin",
        NEXTCLOUD,
        'User "OpenProject" is not group admin of "{group}"',
        f"{REPAIR}; occ has no command for it",
        part=FOLDERS,
        symptoms=(USER_EXISTS, NO_FOLDERS),
    ),
    Entry(
        "folder_missing",
        NEXTCLOUD,
        'There is no group folder "OpenProject"',
        REPAIR,
        part=FOLDERS,
        symptoms=(USER_EXISTS, GROUP_EXISTS, NO_FOLDERS),
    ),
    Entry(
        "folder_renamed",
        NEXTCLOUD,
        'There is no group folder "OpenProject", but group "OpenProject" uses {folders}',
        "If somebody has renamed it: occ groupfolders:rename {id} OpenProject; or run the link with adopt_folder: true",
        part=FOLDERS,
        symptoms=(USER_EXISTS, GROUP_EXISTS, NO_FOLDERS),
    ),
    Entry(
        "folder_of_others",
        NEXTCLOUD,
        'Group folder "OpenProject" (id {id}) belongs to {groups}, not to group "OpenProject"',
        "Run the link with adopt_folder: true, which does not take it away from them; or rename it: occ groupfolders:rename {id} <name>",
        part=FOLDERS,
        symptoms=(FOLDER_EXISTS, NO_FOLDERS),
    ),
    Entry(
        "several_folders",
        NEXTCLOUD,
        'Several group folders are called "OpenProject", and users see a random one of them: {folders}',
        "Check what is in them, then rename or delete the others: occ groupfolders:rename <id> <name>",
        part=FOLDERS,
        see="nextcloud/groupfolders#2243",
        symptoms=(NO_FOLDERS, FOLDER_EXISTS),
    ),
    Entry(
        "folder_without_group",
        NEXTCLOUD,
        'Group folder "OpenProject" is not assigned to group "OpenProject"',
        GIVE_FOLDER,
        part=FOLDERS,
        symptoms=(*ANY_EXISTS, NO_FOLDERS),
    ),
    Entry(
        "folder_permissions",
        NEXTCLOUD,
        'Group "OpenProject" does not have all permissions for group folder "OpenProject" ({found} of {all})',
        GIVE_FOLDER,
        part=FOLDERS,
        symptoms=(*ANY_EXISTS, NO_FOLDERS),
    ),
    Entry(
        "folder_without_advanced_permissions",
        NEXTCLOUD,
        'Advanced permissions of group folder "OpenProject" are off',
        f"occ groupfolders:permissions {{id}} --enable. {REPAIR}",
        part=FOLDERS,
        symptoms=(*ANY_EXISTS, NO_FOLDERS),
    ),
    Entry(
        "folder_without_manager",
        NEXTCLOUD,
        'User "OpenProject" may not set advanced permissions of group folder "OpenProject"',
        f"occ groupfolders:permissions {{id}} -m -u OpenProject. {REPAIR}",
        part=FOLDERS,
        symptoms=(*ANY_EXISTS, NO_FOLDERS),
    ),
    Entry(
        "folders_not_found_right",
        NEXTCLOUD,
        "OpenProject Integration reports project folders as incomplete, although everything that the check knows is there",
        "Check that the app Group folders works for the account OpenProject, and check Nextcloud's log",
        part=FOLDERS,
        see=TROUBLESHOOTING,
        symptoms=(NO_FOLDERS,),
        unsure=True,
    ),
    Entry(
        "folder_quota",
        NEXTCLOUD,
        'The quota of group folder "OpenProject" is used up or very small: {words}',
        "occ groupfolders:quota {id} unlimited, or a larger quota",
        part=FOLDERS,
        severity=WARNING,
        see="nextcloud/groupfolders#963",
        symptoms=(NO_FOLDERS,),
    ),
    Entry(
        "personal_folder_hidden",
        NEXTCLOUD,
        'The group folder hides personal folders "OpenProject": {words}',
        "Rename them: occ files:move <account>/files/OpenProject <account>/files/<name>. Nothing is lost",
        part=FOLDERS,
        severity=WARNING,
        see="nextcloud/groupfolders#1058",
        symptoms=(NO_FOLDERS,),
    ),
    Entry(
        "folders_left_over",
        NEXTCLOUD,
        "Project folders were set up in Nextcloud, but no link uses them: {left}",
        "To keep them: nothing to do. To remove them: role teardown with teardown_remove_project_folders: true. To remove them by hand,"
        " first disable the app, because it protects user and groups: occ app:disable integration_openproject",
        part=FOLDERS,
        severity=INFO,
        see=TROUBLESHOOTING,
        symptoms=(PROTECTED, *ANY_EXISTS),
    ),
    Entry(
        "application_password_missing",
        NEXTCLOUD,
        "Nextcloud has no application password for project folders, so OpenProject cannot log in",
        REPAIR,
        part=FOLDERS,
        symptoms=(NO_FOLDERS,),
    ),
    Entry(
        "application_password_wrong",
        OPENPROJECT,
        "Nextcloud does not accept the application password that OpenProject stores. The check tried it",
        "Run the link with rotate: [application_password]. Users are not affected",
        part=FOLDERS,
        symptoms=(NO_FOLDERS,),
    ),
    Entry(
        "management_off",
        OPENPROJECT,
        'Project folders are requested, but automatic management of the storage "{storage}" is off',
        REPAIR,
        part=FOLDERS,
        symptoms=(NO_FOLDERS,),
    ),
    Entry(
        "management_on",
        OPENPROJECT,
        'Project folders are not requested, but automatic management of the storage "{storage}" is on',
        "Run the link with project_folders: false. Folders and files are not deleted",
        part=FOLDERS,
        severity=WARNING,
        symptoms=(NO_LOGIN,),
    ),
)

ENTRIES = (
    *NEXTCLOUD_ITSELF,
    *OPENPROJECT_ITSELF,
    *OPENPROJECT_ADDRESS,
    *AGREEMENT,
    *SINGLE_SIGN_ON,
    *PROJECT_FOLDERS,
)
#: by code; a code is what a playbook decides on, so it stays when the words change
CATALOGUE: dict[str, Entry] = {entry.code: entry for entry in ENTRIES}


def finding(code: str, *, exact_remedy: str = "", **values: t.Any) -> Finding:
    """A finding of the catalogue.

    :param exact_remedy: replaces the catalogue's, where a server's answer says more.
    :param values: what stands in the braces of message and remedy.
    """
    return CATALOGUE[code].found(exact_remedy, values)


def in_order(findings: t.Iterable[Finding]) -> list[Finding]:
    """Errors first, and among equals in the order in which a link is set up."""
    parts = list(PARTS)
    return sorted(findings, key=lambda one: (SEVERITIES.index(one.severity), parts.index(one.part)))
