# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Root, configuration, the own user, health checks (OP §3.1, §10)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request

from .http_common import PlainAnswer, authenticate, collection_href, hal, href, link, state
from .state import OpenProjectState, User

blueprint = Blueprint("root", __name__)

NOTIFICATION_REASONS = {
    "watched": True,
    "assignee": True,
    "responsible": True,
    "mentioned": True,
    "shared": True,
    "workPackageCreated": False,
    "workPackageCommented": False,
    "workPackageProcessed": False,
    "workPackagePrioritized": False,
    "workPackageScheduled": False,
    "newsAdded": False,
    "newsCommented": False,
    "documentAdded": False,
    "forumMessages": False,
    "wikiPageAdded": False,
    "wikiPageUpdated": False,
    "membershipAdded": False,
    "membershipUpdated": False,
}


@blueprint.get("/api/v3", strict_slashes=False)
def root() -> Response:
    """OP §3.1: `coreVersion` for administrators only, `_links.user` for real users only. Nextcloud's probe ends here too (OP §5.1)."""
    user = authenticate()
    world = state()
    document: dict[str, Any] = {"_type": "Root", "instanceName": world.instance_name}
    if user.admin:
        document["coreVersion"] = world.version
    links: dict[str, Any] = {"self": link("/api/v3"), "configuration": link("/api/v3/configuration")}
    if user.admin:
        links["memberships"] = link("/api/v3/memberships")
    for name in ("priorities", "relations", "statuses", "time_entries", "types"):
        links[name] = link(f"/api/v3/{name}")
    if not user.built_in:
        links["user"] = link(f"/api/v3/users/{user.id}", user.name)
    links["userPreferences"] = link(f"/api/v3/users/{user.id}/preferences")
    links["workPackages"] = link("/api/v3/work_packages")
    return hal(document | {"_links": links})


@blueprint.get("/api/v3/configuration")
def configuration() -> Response:
    """OP §3.1, §16: open to anonymous requests even when a login is required, but not to wrong credentials."""
    user = authenticate(anonymous_allowed=True)
    preferences = link(f"/api/v3/users/{user.id}/preferences")
    notifications = [] if user.built_in else [NOTIFICATION_REASONS | {"_links": {"project": {"href": None}}}]
    tells_features = state().profile.tells_features
    document: dict[str, Any] = {
        "_type": "Configuration",
        "maximumAttachmentFileSize": 5242880,
        "perPageOptions": [20, 100],
        "dateFormat": None,
        "durationFormat": "hours_only",
        "timeFormat": None,
        "userDefaultTimezone": None,
        "startOfWeek": None,
        "hoursPerDay": 8,
        "daysPerMonth": 20,
        "hostName": state().shown_host_name or state().host_name or request.host,
        "activeFeatureFlags": ["scimAPI"] if tells_features else [],
        "_embedded": {
            "userPreferences": {
                "_type": "UserPreferences",
                "timeZone": "Etc/UTC",
                "warnOnLeavingUnsaved": True,
                "commentSortDescending": False,
                "autoHidePopups": True,
                "dailyReminders": {"enabled": True, "times": ["08:00"]},
                "immediateReminders": {"mentioned": True, "personalReminder": True},
                "pauseReminders": {"enabled": False},
                "workdays": [1, 2, 3, 4, 5],
                "notifications": notifications,
                "_links": {
                    "self": preferences,
                    "user": link(f"/api/v3/users/{user.id}", user.name),
                    "updateImmediately": preferences | {"method": "patch"},
                },
            }
        },
        "_links": {"self": link("/api/v3/configuration"), "userPreferences": preferences},
    }
    if tells_features:
        # The recorded plan was a stub, which this list does not show: a refused storage tells it (422), not this.
        document |= {
            "availableFeatures": [],
            "triallingFeatures": [],
            "allowedLinkProtocols": ["http", "https", "mailto"],
        }
        document["_embedded"]["userPreferences"]["disableKeyboardShortcuts"] = False
    return hal(document)


@blueprint.get("/api/v3/users/me")
def own_user() -> Response:
    """OP §3.1, §16: `admin` is shown to administrators; the System user has no login and no e-mail."""
    user = authenticate()
    return hal(_user_document(user))


def _user_document(user: User) -> dict[str, Any]:
    document: dict[str, Any] = {
        "_type": "User",
        "id": user.id,
        "name": user.name,
        "createdAt": user.created_at,
        "updatedAt": user.created_at,
        "login": user.login,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "avatar": user.avatar,
        "status": "active",
        "identityUrl": None,
        "language": user.language,
    }
    path = f"/api/v3/users/{user.id}"
    links: dict[str, Any] = {
        "self": link(path, user.name),
        "showUser": {"href": href(f"/users/{user.id}"), "type": "text/html"},
    }
    if user.email is not None:
        document["email"] = user.email
    if user.admin:
        document["admin"] = True
        mine = [{"principal": {"operator": "=", "values": [str(user.id)]}}]
        links["memberships"] = {"href": collection_href("/api/v3/memberships", mine), "title": "Memberships"}
        links["updateImmediately"] = link(path, f"Update {user.login}") | {"method": "patch"}
        links["lock"] = link(f"{path}/lock", f"Set lock on {user.login}") | {"method": "post"}
    return document | {"_links": links}


@dataclass(frozen=True)
class Check:
    """One health check; an optional one may fail without making the whole fail."""

    message: str
    success: bool = True
    optional: bool = False


@blueprint.get("/health_check")
@blueprint.get("/health_checks")
@blueprint.get("/health_checks/<name>")
def health_checks(name: str = "default") -> Response:
    """OP §10, §16: text, or JSON with `.json`; 404 for an unknown check, 500 when one that is not optional fails.

    `mail` can only be seen within `all`. An Accept header that names neither text nor `*/*` gets an empty 406, without `.json`.
    """
    world = state()
    _check_health_password(world)
    name, _unused, suffix = name.partition(".")
    wants_json = suffix == "json" or request.accept_mimetypes.best == "application/json"
    if not wants_json and not request.accept_mimetypes["text/plain"]:
        raise PlainAnswer(Response("", 406, content_type="text/html; charset=utf-8"))
    known = _checks(world)
    everything = name in ("all", "full")
    if not everything and (name not in known or name == "mail"):
        raise PlainAnswer(Response("No matching check", 404, content_type="text/plain; charset=utf-8"))
    wanted = known if everything else {name: known[name]}
    status = 200 if all(check.success or check.optional for check in wanted.values()) else 500
    if wants_json:
        started = time.perf_counter()
        document = {
            key: {"message": check.message, "success": check.success, "time": time.perf_counter() - started}
            for key, check in wanted.items()
        }
        response = hal(document, status)
        response.content_type = "application/json; charset=utf-8"
        return response
    lines = [_line(key, check) for key, check in sorted(wanted.items())]
    text = "full\n  " + "\n  ".join(lines) if everything else lines[0]
    return Response(text, status, content_type="text/plain; charset=utf-8")


def _line(name: str, check: Check) -> str:
    verdict = "PASSED" if check.success else "FAILED"
    return f"{name}: {verdict} {check.message} (0.000s){' (OPTIONAL)' if check.optional else ''}"


def _checks(world: OpenProjectState) -> dict[str, Check]:
    """The checks of this version in the order of the JSON answer; Good Job came with 14.0."""
    checks = {
        "default": Check("Application is running"),
        "database": Check(f"Schema version: {world.profile.schema_version}"),
        "mail": Check("Mail delivery method is not SMTP")
        if world.mail_works
        else Check("Connection refused - connect(2)", success=False),
    }
    waiting = world.waiting_jobs
    if world.profile.good_job:
        checks["worker"] = Check(
            f"{1 if world.worker_running else 0} good_job processes are active.", success=world.worker_running
        )
        backlog = f"{waiting} jobs are waiting to be executed." if waiting else "No jobs are waiting to be picked up."
        checks["worker_backed_up"] = Check(backlog, success=not waiting, optional=True)
    else:
        checks["delayed_jobs_never_ran"] = Check("All jobs ran.", success=world.worker_running)
        checks["delayed_jobs_backed_up"] = Check(f"{waiting} jobs are waiting.", success=not waiting, optional=True)
    checks["puma"] = Check("N/A as Puma is not used.", optional=True)
    return checks


def _check_health_password(world: OpenProjectState) -> None:
    given = request.authorization
    if world.health_password is None:
        return
    if given is None or (given.username, given.password) != ("health_checks", world.health_password):
        refusal = Response("HTTP Basic: Access denied.\n", 401, content_type="text/html; charset=utf-8")
        refusal.headers["WWW-Authenticate"] = 'Basic realm="Application"'
        raise PlainAnswer(refusal)
