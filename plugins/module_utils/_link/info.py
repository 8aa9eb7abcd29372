# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looking at both sides of a link without writing: what the module C(link_info) does.

A side that does not answer is a finding, never a failure of the check.
"""

from __future__ import annotations

import socket
import time
import typing as t
from dataclasses import replace
from ipaddress import ip_address
from pathlib import PurePath
from urllib.parse import urlsplit

from .._core.errors import BadInput, CommandError, Failure, TransportError
from .._core.module import Call, Result
from .._core.versions import FILTERS_PRIVATE, OLDEST_OPENPROJECT
from .._http.address import Address
from .._http.connection import connection
from .._nextcloud.admin_http import HttpAdmin
from .._nextcloud.client import APP, Nextcloud
from .._nextcloud.integration import Integration, NextcloudSettings, versions_of
from .._nextcloud.occ import Occ, occ_given
from .._nextcloud.project_folders import read_pieces, shadow_warning
from .._openproject.client import OpenProject
from .._openproject.runner import Runner
from .._openproject.storages import ListedStorage, Storage, Storages, parse_version
from . import report
from .checks import find
from .observed import Observed, ObservedNextcloud, ObservedOpenProject, Question
from .preflight import LOCAL_REFUSED
from .read import AmbiguousStorage, find_storage
from .state import LinkState
from .verdict import not_checked, parts, version_lines
from .verify import ask_openproject, consent_for

#: the checks that tell of project folders; C(mail) fails often and says nothing of the link (OP §10)
HEALTH_CHECKS = ("worker", "worker_backed_up")
Facts = dict[str, t.Any]


def work(call: Call) -> Result:
    """Look at both sides, and say what is the matter.

    :raises BadInput: an option is unusable; nothing was sent.
    """
    question = _question(call)
    if question.nextcloud is None and question.openproject is None:
        raise BadInput(
            "neither nextcloud_url nor openproject_url is given", remedy="Give the connection of both servers"
        )
    nextcloud_client, nextcloud_missing = _nextcloud_client(call)
    openproject_client = _client(call, OpenProject, "openproject", _missing(call, "openproject"))
    occ = Occ.from_call(call) if call.params["check_with_occ"] and occ_given(call) else None
    runner = Runner.from_call(call)
    nextcloud = _observe_nextcloud(question, nextcloud_client, nextcloud_missing, occ)
    openproject = _observe_openproject(call, question, openproject_client, runner, nextcloud, nextcloud_client)
    observed = Observed(question, nextcloud, openproject)
    findings = find(observed)
    unchecked = not_checked(
        observed,
        occ=nextcloud.system is not None,
        runner=runner is not None,
        check_with_runner=call.params["check_with_runner"],
    )
    shown = report.as_returned(observed.state)
    return {
        "changed": False,
        "findings": [finding.as_returned() for finding in findings],
        "not_checked": [one.as_returned() for one in unchecked],
        "parts": parts(observed, findings),
        "servers": _servers(observed),
        "link": {
            "nextcloud": shown["nextcloud"] if observed.settings is not None else {},
            "openproject": shown["openproject"] if openproject.listed is not None else {},
        },
    }


def _servers(observed: Observed) -> dict[str, dict[str, str]]:
    question, nextcloud, openproject = observed.question, observed.nextcloud, observed.openproject
    told = version_lines(observed)
    return {
        "nextcloud": {
            "address": str(question.nextcloud or ""),
            "version": nextcloud.version,
            "integration_openproject": ".".join(map(str, nextcloud.app_version)),
            "groupfolders": nextcloud.group_folders_version,
            "versions": told["nextcloud"],
        },
        "openproject": {
            "address": str(question.openproject or ""),
            "version": ".".join(map(str, openproject.version)),
            "versions": told["openproject"],
        },
    }


# --- options ---------------------------------------------------------------------------------------------------------


def _question(call: Call) -> Question:
    def public(prefix: str) -> Address | None:
        option = f"{prefix}_public_url" if call.params[f"{prefix}_public_url"] else f"{prefix}_url"
        return Address.parse(call.params[option], option=option) if call.params[option] else None

    name = call.params["storage_name"]
    if name is not None and not name.strip():
        raise BadInput("storage_name is empty")
    return Question(
        nextcloud=public("nextcloud"),
        openproject=public("openproject"),
        storage_name=name,
        project_folders=call.params["project_folders"],
        default_enable_navigation=call.params["default_enable_navigation"],
        default_enable_unified_search=call.params["default_enable_unified_search"],
    )


def _missing(call: Call, prefix: str) -> tuple[str, ...]:
    """Options of a connection that were not given; empty values come from variables that are not set."""
    wanted = [f"{prefix}_url", f"{prefix}_username", f"{prefix}_password"]
    if prefix == "openproject" and not call.params["openproject_username"]:
        wanted = ["openproject_url", "openproject_api_key"]
    return tuple(name for name in wanted if not call.params[name])


def _nextcloud_client(call: Call) -> tuple[Nextcloud | None, tuple[str, ...]]:
    """A client and what is missing for a login; without a password, occ makes one for this run where it can."""
    missing = _missing(call, "nextcloud")
    if missing == ("nextcloud_password",) and call.params["nextcloud_password"] is None and occ_given(call):
        try:
            return Nextcloud.from_call(call), ()
        except CommandError:
            # what is wrong with occ is said where it reads the system configuration
            return _client(call, Nextcloud, "nextcloud", missing), missing
    return _client(call, Nextcloud, "nextcloud", missing), missing


Client = t.TypeVar("Client", Nextcloud, OpenProject)


def _client(call: Call, product: type[Client], prefix: str, missing: tuple[str, ...]) -> Client | None:
    """A client; without credentials it can still ask what strangers may know."""
    if not call.params[f"{prefix}_url"]:
        return None
    if not missing:
        return product.from_call(call)
    made = connection(call.params, prefix, product.__name__, username="", password="", warn=call.warn)
    return product(made, call.secrets)


# --- Nextcloud -------------------------------------------------------------------------------------------------------


def _observe_nextcloud(
    question: Question, client: Nextcloud | None, missing: tuple[str, ...], occ: Occ | None
) -> ObservedNextcloud:
    facts: Facts = {"missing": missing}
    if client is not None:
        try:
            _read_nextcloud_as_stranger(client, facts)
            if not facts["missing"] and not _out_of_service(facts["status"]):
                _read_nextcloud(client, question, facts)
        except Failure as failure:
            facts["failure"] = failure
    if occ is not None:
        try:
            listed = occ.json(["config:list", "system"], attempted="read the system configuration")
            facts["system"] = listed.get("system") or {}
        except Failure as failure:
            facts["occ_failure"] = failure
    return ObservedNextcloud(**facts)


def _out_of_service(status: t.Mapping[str, t.Any]) -> bool:
    return not status.get("installed") or bool(status.get("maintenance") or status.get("needsDbUpgrade"))


def _read_nextcloud_as_stranger(client: Nextcloud, facts: Facts) -> None:
    """Without the credentials: they are not to be sent to something that is not Nextcloud."""
    attempted = "read the status"
    status = client.read("/status.php", attempted=attempted, authorization="")
    if not isinstance(status, dict) or "installed" not in status:
        raise TransportError(
            "what answers at /status.php is not Nextcloud", attempted=attempted, server=client.server, cause="page"
        )
    facts["status"] = status
    if _out_of_service(status):
        return
    data = client.ocs("GET", "/ocs/v2.php/cloud/capabilities", attempted="read the capabilities", authorization="")
    facts["major"], facts["app_version"], facts["group_folders_version"] = versions_of(data)
    facts["version"] = str(data.get("version", {}).get("string", ""))
    known = data.get("capabilities") or {}
    facts["group_folders_enabled"] = bool((known.get("integration_openproject") or {}).get("groupfolders_enabled"))
    facts["throttling"] = float((known.get("bruteforce") or {}).get("delay") or 0) / 1000
    asked, public = client.connection.address, client.connection.public
    if asked.origin == public.origin:
        facts["link_root"] = _root((known.get("theming") or {}).get("logo"))


def _root(link: t.Any) -> str:
    """Scheme, host and port of a link, folded as addresses are; empty when it is none."""
    parsed = urlsplit(str(link or ""))
    try:
        return Address.parse(f"{parsed.scheme}://{parsed.netloc}", option="link").origin
    except BadInput:
        return ""


def _read_nextcloud(client: Nextcloud, question: Question, facts: Facts) -> None:
    admin, integration = HttpAdmin(client), Integration(client)
    facts["app_row"] = admin.app_value(APP, "enabled")
    _read_cron(admin, facts)
    if facts["app_row"] in ("", "no"):
        return
    settings = _read_settings(integration)
    facts["settings"] = settings
    if not settings.app:
        return
    facts["authorization_arrives"] = integration.passes_authorization()
    facts["probed"] = settings.openproject_url or str(question.openproject or "")
    if facts["probed"]:
        facts["probe"] = integration.probe(facts["probed"])
        if facts["probe"][0] == LOCAL_REFUSED:
            facts["probed_here"] = _resolved_here(facts["probed"])
    if settings.authorization_method == "oidc":
        facts["login_tokens"] = admin.app_value("user_oidc", "store_login_token")
    facts["user"] = integration.user_document()
    if facts["group_folders_enabled"]:
        pieces = read_pieces(admin, user_document=facts["user"])
        facts["pieces"] = pieces
        home = pieces.user.home if pieces.user is not None else ""
        facts["shadowed"] = shadow_warning(str(PurePath(home).parent)) if home else ""
    else:
        facts["group_folders_row"] = admin.app_value("groupfolders", "enabled")


def _read_settings(integration: Integration) -> NextcloudSettings:
    """The app's settings. When it called itself incomplete before its page was read, only a second look tells whether the page mended it."""
    settings = integration.read()
    if not settings.mended:
        return settings
    again = integration.read()
    return replace(again, mended=again.complete)


def _read_cron(admin: HttpAdmin, facts: Facts) -> None:
    last = admin.app_value("core", "lastcron")
    facts["cron_age"] = time.time() - float(last) if last.isdigit() and int(last) else float("inf")
    facts["cron_mode"] = admin.app_value("core", "backgroundjobs_mode")


# --- OpenProject -----------------------------------------------------------------------------------------------------


def _observe_openproject(
    call: Call,
    question: Question,
    client: OpenProject | None,
    runner: Runner | None,
    nextcloud: ObservedNextcloud,
    nextcloud_client: Nextcloud | None,
) -> ObservedOpenProject:
    facts: Facts = {"missing": _missing(call, "openproject")}
    if client is not None:
        try:
            _read_openproject_as_stranger(client, facts)
            if not facts["missing"]:
                _read_openproject(Storages(client), question, nextcloud.settings, facts)
        except Failure as failure:
            facts["failure"] = failure
    storage: Storage | None = facts.get("storage")
    if storage is not None:
        facts["private_address"] = _private_address(storage.host) if facts["version"] >= FILTERS_PRIVATE else ""
        if call.params["check_with_runner"] and runner is not None:
            try:
                _ask_runner(call, runner, storage, nextcloud_client, nextcloud.settings, facts)
            except Failure as failure:
                facts["runner_failure"] = failure
    return ObservedOpenProject(**facts)


def _read_openproject_as_stranger(client: OpenProject, facts: Facts) -> None:
    """Without the credentials: health checks need none, and the configuration is open even where a login is required (OP §16)."""
    attempted = "read the configuration"
    data = client.get("/configuration", attempted=attempted, authorization="", accepted=(401, 403))
    if not isinstance(data, dict) or data.get("_type") not in ("Configuration", "Error"):
        raise TransportError(
            "what answers at /api/v3/configuration is not OpenProject",
            attempted=attempted,
            server=client.server,
            cause="page",
        )
    facts["host_name"] = str(data.get("hostName") or "")
    facts["health"] = {}
    for check in HEALTH_CHECKS:
        # any other Accept header is answered with 406 (OP §16)
        answer = client.call(
            "GET", f"/health_checks/{check}.json", attempted=f"read the health check {check}",
            headers={"Accept": "*/*"}, authorization="", accepted=(401, 404, 500),
        )  # fmt: skip
        found = answer.data.get(check) if isinstance(answer.data, dict) else None
        if isinstance(found, dict):
            facts["health"][check] = (bool(found.get("success")), str(found.get("message") or ""))


def _read_openproject(storages: Storages, question: Question, settings: NextcloudSettings | None, facts: Facts) -> None:
    root = storages.client.get("", attempted="read the version")
    facts["administrator"] = bool(root.get("coreVersion"))
    facts["version"] = parse_version(str(root.get("coreVersion") or ""))
    if not facts["administrator"] or facts["version"][:2] < OLDEST_OPENPROJECT:
        return
    facts["active_projects"] = storages.active_projects()
    listed = tuple(storages.listed())
    facts["listed"] = listed
    nextclouds = [storage for storage in listed if storage.is_nextcloud]
    address = question.nextcloud
    facts["ours"] = tuple(storage for storage in nextclouds if address is not None and address.is_same(storage.host))
    storage = _storage(storages, facts["ours"], nextclouds, question, settings)
    facts["storage"] = storage
    if storage is None:
        return
    facts["rows"] = tuple(storages.project_storages(storage.id))
    if settings is not None and storage.client_id and storage.client_id == settings.openproject_client_id:
        redirect_uri = storage.redirect_uris[0] if storage.redirect_uris else ""
        facts["accepts_secret"] = storages.client.accepts_secret(
            storage.client_id, settings.openproject_client_secret, redirect_uri
        )


def _storage(
    storages: Storages,
    ours: t.Sequence[ListedStorage],
    nextclouds: t.Sequence[ListedStorage],
    question: Question,
    settings: NextcloudSettings | None,
) -> Storage | None:
    """Our storage, found as the link finds it; when several could be meant, the first of them, for there is a finding for that."""
    if question.nextcloud is None and question.storage_name is None and len(nextclouds) == 1:
        return storages.get(nextclouds[0].id)
    client_id = settings.openproject_client_id if settings is not None else None
    try:
        return find_storage(storages, nextclouds, question.nextcloud, question.storage_name or "", client_id)
    except AmbiguousStorage:
        return storages.get(ours[0].id)


def _ask_runner(
    call: Call,
    runner: Runner,
    storage: Storage,
    nextcloud: Nextcloud | None,
    settings: NextcloudSettings | None,
    facts: Facts,
) -> None:
    facts["connection"] = runner.perform(
        "connection_check",
        {"storage_id": storage.id, "storage_name": storage.name},
        attempted=f'check the connection of the storage "{storage.name}"',
    )
    state = LinkState(storage=storage, nextcloud=settings or NextcloudSettings(app=False))
    consent = consent_for(nextcloud, state) if nextcloud is not None else None
    facts["tried"] = ask_openproject(runner, storage, consent, call)


def _private_address(url: str) -> str:
    """A private address behind a host, as this machine resolves it; empty when there is none, or none is known."""
    return next((address for address in _resolved(url) if not ip_address(address).is_global), "")


def _resolved_here(url: str) -> str:
    """Nextcloud says the same of a local address and of a name that it cannot resolve (NC §1.4); this helps to tell them apart."""
    addresses = _resolved(url)
    known = f"resolves it to {addresses[0]}" if addresses else "cannot resolve it either"
    return f"; the machine that runs the check {known}"


def _resolved(url: str) -> list[str]:
    try:
        found = socket.getaddrinfo(urlsplit(url).hostname, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [str(entry[4][0]).partition("%")[0] for entry in found]
