# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The link between one Nextcloud and one OpenProject as one resource: what the module C(link) does."""

from __future__ import annotations

import time
import typing as t
from dataclasses import replace

from .._core.errors import BadInput, Failure, Refused
from .._core.module import Call, Result
from .._core.steps import Step
from .._http.address import Address
from .._nextcloud.admin_any import make_admin
from .._nextcloud.client import Nextcloud
from .._nextcloud.integration import Integration
from .._openproject.client import OpenProject
from .._openproject.runner import Runner
from .._openproject.storages import LONGEST_NAME, Storages
from . import report
from .apply import NO_SECRETS, LinkRun, ReplanRequired
from .missing_app import MISSING_APP, explain_missing_app
from .plan import Plan, make_plan
from .preflight import preflight_checks, read_folder_facts
from .read import Sides, read_link, read_more
from .removal import remove_link
from .state import Desired, LinkState
from .verify import try_secrets

#: how often both sides are read again after a write without an answer
ROUNDS = 2
LONGEST_PAUSE = 60.0


def work(call: Call) -> Result:
    """Bring the link into the requested state (design §5)."""
    sides, desired = sides_of(call), desired_of(call)
    if call.params["state"] == "absent":
        return remove_link(call, sides, desired)
    return converge(call, sides, desired)


def converge(call: Call, sides: Sides, desired: Desired, sleep: t.Callable[[float], None] = time.sleep) -> Result:
    """Read, plan, look before writing, write, look again. Check mode stops before the first write."""
    first: Result | None = None
    call.progress.show = Step.as_action
    for round_number in range(1, ROUNDS + 1):
        state, plan = read_and_plan(call, sides, desired)
        result = first or _result(state, desired, plan)
        if not plan.steps:
            return {**result, "link": report.as_returned(state)}
        for cost in plan.costs:
            call.warn(cost)
        if call.check_mode:
            return result
        run = LinkRun(
            sides, desired, state, lambda name, value: None if name in NO_SECRETS else call.secrets.add(value)
        )
        try:
            run.take(plan.steps, call.progress)
        except ReplanRequired as interruption:
            if round_number == ROUNDS:
                raise interruption.cause from interruption
            first = result
            sleep(min(float(interruption.cause.facts.get("retry_after") or 0), LONGEST_PAUSE))
            continue
        try:
            outcome = run.outcome(call.progress.done)
        except Failure as failure:
            # everything is written; a read that only confirms it must not make a failure of it
            call.warn(f"Every step was taken, but the result could not be read again. {failure.message}")
            return {**result, "link": report.as_returned(replace(state, storage=run.storage))}
        _require_complete(outcome, desired)
        return {**result, "link": report.as_returned(outcome)}
    raise AssertionError("the last round always returns or raises")


def read_and_plan(call: Call, sides: Sides, desired: Desired) -> tuple[LinkState, Plan]:
    """Both sides and what is to be done; more is read only once the plan contains a write.

    :raises Failure: something known now forbids a write of the plan.
    """
    state = read_link(sides, desired)
    settings = state.nextcloud
    if settings.mended:
        call.warn("Nextcloud's own settings page has set the empty authentication method to oauth2 while it was read.")
    if not settings.app:
        _without_app(call, explain_missing_app(sides))
        if state.storage is not None:
            call.warn("What a real run finds once the app is enabled cannot be foretold, so no step is shown.")
            return state, Plan()
    if call.params["verify_secrets"]:
        state = try_secrets(sides, state, desired, call)
    if call.check_mode and desired.rotate and (state.storage is None or not settings.linked):
        call.warn(
            "There is no link whose secrets could be renewed. A real run is refused unless an earlier task sets it up."
        )
        desired = replace(desired, rotate=frozenset())
    plan = make_plan(state, desired)
    if desired.project_folders and not state.folders_right:
        _need_group_folders(call, sides, state)
    if plan.wants:
        state = read_more(sides, state, plan.wants)
        plan = make_plan(state, desired)
    if plan.steps:
        preflight_checks(sides, state, desired, plan, call.warn, check_mode=call.check_mode)
        read_folder_facts(call, sides.admin, state, plan)
    return state, plan


def sides_of(call: Call) -> Sides:
    """Both servers' APIs and command lines from a module's options.

    :raises BadInput: an option is missing or unusable.
    """
    openproject, nextcloud = OpenProject.from_call(call), Nextcloud.from_call(call)
    return Sides(
        storages=Storages(openproject),
        integration=Integration(nextcloud),
        admin=make_admin(call, nextcloud),
        runner=Runner.from_call(call),
    )


def desired_of(call: Call) -> Desired:
    """What is desired from a module's options.

    :raises BadInput: an option is unusable.
    """
    params = call.params
    name = params["storage_name"]
    if not name or not name.strip():
        raise BadInput("storage_name is empty")
    if name != name.strip():
        raise BadInput("storage_name begins or ends with white space")
    if len(name) > LONGEST_NAME:
        raise BadInput(f"storage_name has {len(name)} characters; OpenProject takes {LONGEST_NAME} at most")

    def public(prefix: str) -> Address:
        option = f"{prefix}_public_url" if params[f"{prefix}_public_url"] else f"{prefix}_url"
        return Address.parse(params[option], option=option)

    return Desired(
        nextcloud=public("nextcloud"),
        openproject=public("openproject"),
        storage_name=name,
        storage_id=params["storage_id"],
        project_folders=params["project_folders"],
        default_enable_navigation=params["default_enable_navigation"],
        default_enable_unified_search=params["default_enable_unified_search"],
        rotate=frozenset(params["rotate"] or ()),
        relink=params["relink"],
        adopt_folder=params["adopt_folder"],
    )


def _result(state: LinkState, desired: Desired, plan: Plan) -> Result:
    return {
        "changed": bool(plan.steps) or state.nextcloud.mended,
        "actions": [step.as_action() for step in plan.steps],
        "link": report.as_returned(state),
        "diff": {"before": report.before(state, desired), "after": report.after(state, desired, plan)},
    }


def _without_app(call: Call, refusal: Refused) -> None:
    """In check mode the role before may not have enabled the app yet; a real run cannot go on (design §6)."""
    if not call.check_mode or refusal.facts.get("cause") != MISSING_APP:
        raise refusal
    call.warn(f"{refusal.message} A real run goes on only when the app is enabled.")


def _need_group_folders(call: Call, sides: Sides, state: LinkState) -> None:
    if state.nextcloud.group_folders_app or not state.nextcloud.app:
        return
    refusal = Refused(
        "the app Group folders (groupfolders, also called Team folders) is missing or disabled, and project folders need it",
        server=sides.integration.client.server,
        remedy="Enable it: role prepare_nextcloud, module nextcloud_app, or occ app:enable groupfolders",
    )
    if not call.check_mode:
        raise refusal
    call.warn(refusal.message)


def _require_complete(outcome: LinkState, desired: Desired) -> None:
    """Look at both sides once more: what a server took without complaint is not yet right (field case O30).

    :raises Failure: the link is not as requested.
    """
    left = make_plan(outcome, _without_rotation(desired))
    if left.writes:
        what = "; ".join(step.title for step in left.steps) or "project folders are not complete"
        raise Failure(
            f"the servers took all writes, but this is still to be done: {what}",
            attempted="complete the link",
            remedy="Run again. If the message stays, somebody or something undoes the writes: look at both servers' logs",
        )


def _without_rotation(desired: Desired) -> Desired:
    return replace(desired, rotate=frozenset())
