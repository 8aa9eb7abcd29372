# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One side of a link alone, for those who drive the two servers from different places.

What the other side has comes from the module's options instead of a read. Steps, their order and what they do are the link's own;
those of the other side are left to its module, and a secret that would be handed over is returned instead.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from .._core.errors import BadInput, Refused
from .._core.module import Call, Result
from .._core.steps import NEXTCLOUD, OPENPROJECT, take
from .._http.address import Address
from .._http.connection import check_secret
from .._nextcloud import project_folders
from .._nextcloud.admin import NextcloudAdmin
from .._nextcloud.admin_any import make_admin
from .._nextcloud.client import Nextcloud
from .._nextcloud.integration import OAUTH, Integration, NextcloudSettings
from .._openproject.client import OpenProject
from .._openproject.runner import Runner
from .._openproject.storages import LONGEST_NAME, Storage, Storages, projects_use
from .apply import (
    CREATE_STORAGE,
    HAND_OVER_CLIENT,
    HAND_OVER_PASSWORD,
    MANAGEMENT_OFF,
    NO_SECRETS,
    RECREATE_STORAGE,
    UPDATE_STORAGE,
    LinkRun,
    ReplanRequired,
)
from .plan import (
    ROTATED,
    ClientChanges,
    FolderChanges,
    Plan,
    arrange,
    openproject_application,
    project_folder_changes,
    refuse_what_is_not_ours,
)
from .preflight import check_nextcloud_versions, check_openproject, read_folder_facts
from .read import find_storage
from .removal import plan_removal, refuse_another_name
from .state import NEXTCLOUD_OAUTH, Desired, LinkState

DIFFERENT = "OpenProject stores another client id, and Nextcloud shows a secret only once"
#: stands for a secret that the other side has and nobody can read
STORED = "stored"


@dataclass
class NextcloudSide:
    """What steps on Nextcloud work with."""

    integration: Integration
    admin: NextcloudAdmin


@dataclass
class OpenProjectSide:
    """What steps on OpenProject work with."""

    storages: Storages
    runner: Runner | None


def _take(call: Call, plan: Plan, run: LinkRun) -> None:
    for cost in plan.costs:
        call.warn(cost)
    if call.check_mode:
        take(plan.steps, run, call.progress, check_mode=True)
        return
    try:
        run.take(plan.steps, call.progress)
    except ReplanRequired as interruption:
        raise interruption.cause from interruption


# --- Nextcloud -------------------------------------------------------------------------------------------------------


def work_on_nextcloud(call: Call) -> Result:
    """What the module ``nextcloud_integration`` does."""
    params = call.params
    url = Address.parse(params["openproject_url"], option="openproject_url")
    if params["openproject_client_secret"] is not None:
        check_secret(params["openproject_client_secret"], "openproject_client_secret", warn=call.warn)
    if params["openproject_client_secret"] and not params["openproject_client_id"]:
        raise BadInput("openproject_client_secret is given without openproject_client_id")
    client = Nextcloud.from_call(call)
    side = NextcloudSide(Integration(client), make_admin(call, client))
    desired = Desired(
        nextcloud=client.connection.public,
        openproject=url,
        storage_name="",
        project_folders=True if params["project_folders"] else None,
        default_enable_navigation=params["default_enable_navigation"],
        default_enable_unified_search=params["default_enable_unified_search"],
        rotate=frozenset(params["rotate"]),
        relink=True,
        adopt_folder=params["adopt_folder"],
    )
    settings = side.integration.read()
    if params["state"] == "absent":
        return _reset_nextcloud(call, side, settings, desired)
    if not settings.app:
        _without_app(call, client.server)
    user = side.integration.user_document() if desired.project_folders and settings.app else None
    state = LinkState(storage=_as_openproject_has_it(params, settings), nextcloud=settings, user=user)
    plan = _plan_nextcloud(call, side, state, desired)
    if desired.project_folders and not state.folders_right and settings.app and not settings.group_folders_app:
        _without_group_folders(call, client.server)
    if plan.wants:
        state = replace(state, pieces=project_folders.read_pieces(side.admin, user_document=user))
        plan = _plan_nextcloud(call, side, state, desired)
    if plan.steps and settings.app:
        check_nextcloud_versions(side.integration, call.warn)
        read_folder_facts(call, side.admin, state, plan)
    run = LinkRun(side, desired, state, _hand_out(call), alone=True)
    run.openproject_secret = params["openproject_client_secret"]
    before = _shown_settings(settings)
    _take(call, plan, run)
    after = _planned_settings(settings, desired, params, plan) if plan.steps else before
    return {
        "changed": bool(plan.steps),
        "actions": [step.title for step in plan.steps],
        "integration": {**after, "oauth_client_id": run.client_id or settings.client_id},
        **call.progress.handed_out,
        "diff": {"before": before, "after": after},
    }


def _plan_nextcloud(call: Call, side: NextcloudSide, state: LinkState, desired: Desired) -> Plan:
    params, settings = call.params, state.nextcloud
    if desired.rotate and settings.untouched:
        raise Refused(
            "OpenProject Integration is not set up, so there is no secret to renew",
            server=side.integration.client.server,
            remedy="Run once without rotate",
        )
    enters = _enters_credentials(params, settings, side.integration.client.server)
    expected = params["expected_client_id"]
    differs = expected is not None and settings.client_id is not None and expected != settings.client_id
    renew = differs or (NEXTCLOUD_OAUTH in desired.rotate and settings.client_id is not None)
    stale = settings.client_id is not None and settings.redirect_uri != desired.client_redirect_uri(settings.client_id)
    client = ClientChanges(
        heal=settings.dangling,
        renew=renew,
        hand_over=False,
        fix_redirect=stale and not renew,
        reason=ROTATED if NEXTCLOUD_OAUTH in desired.rotate else DIFFERENT,
    )
    plan = Plan()
    folders = project_folder_changes(state, desired, plan, None)
    arrange(plan, state, desired, None, client, folders, new_secret=enters)
    plan.steps = [step for step in plan.steps if step.side == NEXTCLOUD]
    return plan


def _enters_credentials(params: t.Mapping[str, t.Any], settings: NextcloudSettings, server: str) -> bool:
    client_id, secret = params["openproject_client_id"], params["openproject_client_secret"]
    if client_id is None or (client_id == settings.openproject_client_id and settings.openproject_client_secret):
        return False
    if secret is None:
        raise Refused(
            f"Nextcloud stores {'another client id' if settings.openproject_client_id else 'no client id'} of OpenProject than {client_id},"
            " and the secret of that one is not given",
            server=server,
            remedy="Give openproject_client_secret too. OpenProject shows it once; module openproject_storage makes a new one when its"
            " expected_client_id is the one that Nextcloud stores",
        )
    return True


def _as_openproject_has_it(params: t.Mapping[str, t.Any], settings: NextcloudSettings) -> Storage:
    """The storage as the options tell of it; what they do not tell is taken for right."""
    password = params["expected_application_password"]
    expected = params["expected_client_id"]
    return Storage(
        id=0,
        name="",
        host="",
        configured=True,
        has_application_password=password if password is not None else settings.application_password,
        client_id=params["openproject_client_id"] or settings.openproject_client_id,
        redirect_uris=(),
        nextcloud_client_id=settings.client_id if expected is None else expected,
        sso=False,
    )


def _hand_out(call: Call) -> t.Callable[[str, str], None]:
    """Keep what Nextcloud shows once for the result, also of a run that fails later."""
    handed_out: dict[str, str] = call.progress.handed_out.setdefault("handed_out", {})

    def remember(name: str, value: str) -> None:
        if name not in NO_SECRETS:
            call.secrets.add_returned(value)
        handed_out[name] = value

    return remember


def _without_app(call: Call, server: str) -> None:
    refusal = Refused(
        "the app OpenProject Integration (integration_openproject) is missing or disabled",
        server=server,
        remedy="Enable it: module nextcloud_app, or occ app:enable integration_openproject",
    )
    if not call.check_mode:
        raise refusal
    call.warn(f"{refusal.message} The plan is that of a fresh Nextcloud.")


def _without_group_folders(call: Call, server: str) -> None:
    refusal = Refused(
        "the app Group folders (groupfolders) is missing or disabled, and project folders need it",
        server=server,
        remedy="Enable it: module nextcloud_app, or occ app:enable groupfolders",
    )
    if not call.check_mode:
        raise refusal
    call.warn(refusal.message)


def _reset_nextcloud(call: Call, side: NextcloudSide, settings: NextcloudSettings, desired: Desired) -> Result:
    plan = plan_removal(LinkState(nextcloud=settings), desired, projects=0, folders=())
    take(plan.steps, side, call.progress, check_mode=call.check_mode)
    return {
        "changed": bool(plan.steps),
        "actions": [step.title for step in plan.steps],
        "integration": {},
        "handed_out": {},
        "diff": {"before": _shown_settings(settings) if plan.steps else {}, "after": {}},
    }


def _shown_settings(settings: NextcloudSettings) -> dict[str, t.Any]:
    return {
        "openproject_url": settings.openproject_url.rstrip("/"),
        "openproject_client_id": settings.openproject_client_id,
        "authorization_method": settings.authorization_method,
        "default_enable_navigation": settings.default_enable_navigation,
        "default_enable_unified_search": settings.default_enable_unified_search,
        "project_folders": settings.folders,
        "application_password": settings.application_password,
    }


def _planned_settings(
    settings: NextcloudSettings, desired: Desired, params: t.Mapping[str, t.Any], plan: Plan
) -> dict[str, t.Any]:
    """The settings as the next run will read them."""
    values = {key: value for step in plan.steps for key, value in step.values.items()}
    shown = _shown_settings(settings)
    shown["openproject_url"] = str(desired.openproject)
    if "openproject_client_id" in values:
        shown["openproject_client_id"] = params["openproject_client_id"]
    for key in ("default_enable_navigation", "default_enable_unified_search"):
        shown[key] = values.get(key, shown[key])
    shown["authorization_method"] = OAUTH
    if desired.project_folders:
        shown["project_folders"] = True
    shown["application_password"] = values.get("setup_app_password", settings.application_password)
    return shown


# --- OpenProject -----------------------------------------------------------------------------------------------------


def work_on_openproject(call: Call) -> Result:
    """What the module ``openproject_storage`` does."""
    params = call.params
    _check_storage_options(call)
    client = OpenProject.from_call(call)
    side = OpenProjectSide(Storages(client), Runner.from_call(call))
    desired = Desired(
        nextcloud=Address.parse(params["nextcloud_url"], option="nextcloud_url"),
        openproject=client.connection.public,
        storage_name=params["storage_name"],
        storage_id=params["storage_id"],
        rotate=frozenset(params["rotate"]),
    )
    listed = tuple(side.storages.listed())
    storage = find_storage(
        side.storages,
        listed,
        desired.nextcloud,
        desired.storage_name,
        params["expected_client_id"],
        desired.storage_id,
    )
    if params["state"] == "absent":
        return _delete_storage(call, side, storage, desired)
    state = LinkState(
        listed=listed,
        storage=storage,
        nextcloud=_as_nextcloud_has_it(params, storage, desired),
        runner=side.runner is not None,
    )
    plan = _plan_openproject(call, side, state, desired)
    if plan.wants and storage is not None:
        state = replace(state, project_storages=len(side.storages.project_storages(storage.id)))
        plan = _plan_openproject(call, side, state, desired)
    if plan.steps:
        check_openproject(side.storages, state, call.warn)
    run = LinkRun(side, desired, state, _hand_out_application(call), alone=True)
    run.client_id, run.client_secret = params["nextcloud_client_id"], params["nextcloud_client_secret"]
    run.application_password = params["application_password"]
    before = _shown_storage(storage)
    planned = _planned_storage(storage, desired, params, plan) if plan.steps else before
    _take(call, plan, run)
    known = run.storage or storage
    result: Result = {
        "changed": bool(plan.steps),
        "actions": [step.title for step in plan.steps],
        "storage": planned,
        "diff": {"before": before, "after": planned},
    }
    if known is not None:
        result["storage_id"] = known.id
        result["configured"] = bool(known.client_id and planned["nextcloud_client_id"])
        result["oauth_application"] = {
            "client_id": known.client_id,
            **call.progress.handed_out.get("oauth_application", {}),
        }
    return result


def _check_storage_options(call: Call) -> None:
    params = call.params
    name = params["storage_name"]
    if not name.strip() or name != name.strip():
        raise BadInput("storage_name is empty, or begins or ends with white space")
    if len(name) > LONGEST_NAME:
        raise BadInput(f"storage_name has {len(name)} characters; OpenProject takes {LONGEST_NAME} at most")
    for option in ("nextcloud_client_secret", "application_password"):
        if params[option] is not None:
            check_secret(params[option], option, warn=call.warn)
    if params["nextcloud_client_secret"] and not params["nextcloud_client_id"]:
        raise BadInput("nextcloud_client_secret is given without nextcloud_client_id")
    if params["application_password"] and params["automatic_management"] is False:
        raise BadInput("application_password is given, but automatic_management is false")


def _as_nextcloud_has_it(params: t.Mapping[str, t.Any], storage: Storage | None, desired: Desired) -> NextcloudSettings:
    """Nextcloud's settings as the options tell of them; what they do not tell is taken for right."""
    expected = params["expected_client_id"]
    if expected is None and storage is not None:
        expected = storage.client_id
    return NextcloudSettings(
        openproject_url=str(desired.openproject),
        openproject_client_id=expected or "",
        openproject_client_secret=STORED if expected else "",
        client_id=params["nextcloud_client_id"] or (storage.nextcloud_client_id if storage is not None else None),
    )


def _plan_openproject(call: Call, side: OpenProjectSide, state: LinkState, desired: Desired) -> Plan:
    params, storage, server = call.params, state.storage, side.storages.client.server
    refuse_what_is_not_ours(state, desired)
    if desired.rotate and storage is None:
        raise Refused(
            "there is no storage whose secrets could be renewed", server=server, remedy="Run once without rotate"
        )
    plan = Plan()
    application = openproject_application(state, desired, plan)
    kept = storage if application not in (CREATE_STORAGE, RECREATE_STORAGE) else None
    given = params["nextcloud_client_id"]
    enters = given is not None and given != (kept.nextcloud_client_id if kept is not None else None)
    if enters and params["nextcloud_client_secret"] is None:
        raise Refused(
            f"the storage stores {'another client id' if kept and kept.nextcloud_client_id else 'no client id'} of Nextcloud than {given},"
            " and the secret of that one is not given",
            server=server,
            remedy="Give nextcloud_client_secret too. Nextcloud shows it once; module nextcloud_integration makes a new one when its"
            " expected_client_id is the one that the storage stores",
        )
    managed = kept is not None and kept.has_application_password
    always = params["update_application_password"] == "always"
    renews = bool(params["application_password"]) and (always or not managed)
    if params["automatic_management"] and not managed and not renews:
        raise Refused(
            "automatic management needs an application password of Nextcloud",
            server=server,
            remedy="Give application_password",
        )
    client = ClientChanges(
        heal=False, renew=False, hand_over=enters, fix_redirect=False, reason="the storage has another one, or none"
    )
    folders = FolderChanges(
        renew=renews,
        off=managed and (params["automatic_management"] is False),
        reason="application_password is given",
    )
    arrange(plan, state, desired, application, client, folders)
    plan.steps = [step for step in plan.steps if step.side == OPENPROJECT]
    return plan


def _hand_out_application(call: Call) -> t.Callable[[str, str], None]:
    """Keep the OAuth application with its secret for the result, also of a run that fails later."""

    def remember(name: str, value: str) -> None:
        if not value:
            call.progress.handed_out.clear()
            return
        if name not in NO_SECRETS:
            call.secrets.add_returned(value)
        application = call.progress.handed_out.setdefault("oauth_application", {})
        application[name.removeprefix("openproject_")] = value

    return remember


def _delete_storage(call: Call, side: OpenProjectSide, storage: Storage | None, desired: Desired) -> Result:
    unchanged: Result = {"changed": False, "actions": [], "storage": {}, "diff": {"before": {}, "after": {}}}
    if storage is None:
        return unchanged
    server = side.storages.client.server
    if storage.id != desired.storage_id:
        if not desired.nextcloud.is_same(storage.host):
            call.warn(f'The storage "{storage.name}" stands for another Nextcloud, {storage.host}, and is left alone.')
            return unchanged
        refuse_another_name(storage, desired, server)
    projects = len(side.storages.project_storages(storage.id))
    if not call.params["force_delete"]:
        raise Refused(
            f'deleting the storage "{storage.name}" needs force_delete: true. {projects_use(projects)} it; all links between their work packages and files'
            " are lost, and the automatic folders on Nextcloud with their files",
            server=server,
            remedy="Make sure that nobody needs it, then set force_delete: true",
        )
    absent = LinkState(storage=storage, nextcloud=NextcloudSettings(app=False))
    plan = plan_removal(absent, desired, projects=projects, folders=())
    take(plan.steps, side, call.progress, check_mode=call.check_mode)
    return {
        "changed": True,
        "actions": [step.title for step in plan.steps],
        "storage": {},
        "diff": {"before": _shown_storage(storage), "after": {}},
    }


def _shown_storage(storage: Storage | None) -> dict[str, t.Any]:
    if storage is None:
        return {}
    return {
        "name": storage.name,
        "nextcloud_url": storage.host.rstrip("/"),
        "nextcloud_client_id": storage.nextcloud_client_id,
        "automatic_management": storage.has_application_password,
    }


def _planned_storage(
    storage: Storage | None, desired: Desired, params: t.Mapping[str, t.Any], plan: Plan
) -> dict[str, t.Any]:
    """The storage as the next run will read it."""
    kept = storage if not plan.has(CREATE_STORAGE, RECREATE_STORAGE) else None
    shown = _shown_storage(kept) or {"nextcloud_client_id": None, "automatic_management": False}
    moved = kept is None or plan.has(UPDATE_STORAGE)
    return {
        "name": desired.storage_name,
        "nextcloud_url": str(desired.nextcloud) if moved else shown["nextcloud_url"],
        "nextcloud_client_id": params["nextcloud_client_id"]
        if plan.has(HAND_OVER_CLIENT)
        else shown["nextcloud_client_id"],
        "automatic_management": True
        if plan.has(HAND_OVER_PASSWORD)
        else False
        if plan.has(MANAGEMENT_OFF)
        else shown["automatic_management"],
    }
