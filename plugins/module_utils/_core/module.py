# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way into and out of a module: the only place that knows AnsibleModule."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from .._http.client import REQUESTS_IMPORT_ERROR
from .argspec import ArgumentSpec
from .errors import Failure
from .resource import Outcome, Resource, ensure
from .secrets import Secrets
from .signals import EndedBySignal, ended_in_order


@dataclass
class Call:
    """One call of a module, without Ansible around it.

    :param params: the options as Ansible validated them.
    :param check_mode: nothing may be written.
    :param secrets: what must not leave this run; the values of C(no_log) options are in it.
    """

    params: dict[str, t.Any]
    check_mode: bool
    secrets: Secrets
    warnings: list[str] = field(default_factory=list)
    _endings: list[t.Callable[[], None]] = field(default_factory=list)

    def at_end(self, ending: t.Callable[[], None]) -> None:
        """Do something when the work is over, however it ended; the last one first."""
        self._endings.append(ending)

    def end(self) -> None:
        """Do what was left for the end. A failure of it is a warning: it must not hide how the work ended."""
        while self._endings:
            try:
                self._endings.pop()()
            except Failure as failure:
                self.warn(failure.message)

    def warn(self, message: str) -> None:
        """Show a warning with the result, once."""
        if message not in self.warnings:
            self.warnings.append(message)


Result = dict[str, t.Any]


def run(spec: ArgumentSpec, work: t.Callable[[Call], Result]) -> None:
    """Run a module: validate the options, do the work, leave with its result or its failure.

    The work returns a result that may hold C(diff); it is shown only where the user asked for differences.
    """
    module = AnsibleModule(supports_check_mode=True, **spec.as_kwargs())
    if REQUESTS_IMPORT_ERROR is not None:
        module.fail_json(msg=missing_required_lib("requests"), exception=REQUESTS_IMPORT_ERROR)
    secrets = Secrets(on_add=module.no_log_values.add)
    secrets.add(*(module.params[name] for name in _secret_options(spec) if isinstance(module.params[name], str)))
    call = Call(params=module.params, check_mode=module.check_mode, secrets=secrets)
    try:
        with ended_in_order():
            try:
                result = work(call)
            finally:
                call.end()
    except EndedBySignal as ended:
        _show_warnings(module, call)
        module.fail_json(
            msg=f"Ended by {ended.name}; what was started is ended, and what was left for the end is done."
        )
        return
    except Failure as failure:
        _show_warnings(module, call)
        module.fail_json(msg=secrets.censor(failure.message), **failure.as_result())
        return
    _show_warnings(module, call)
    if not module._diff:
        result.pop("diff", None)
    module.exit_json(**result)


def manage(spec: ArgumentSpec, factory: t.Callable[[Call], tuple[Resource, t.Mapping[str, t.Any]]], key: str) -> None:
    """Run a module over one resource.

    :param factory: makes the resource and what is desired from the call.
    :param key: the result key that holds the resource's public state.
    """

    def work(call: Call) -> Result:
        resource, desired = factory(call)
        outcome = ensure(
            resource, desired=desired, present=call.params.get("state") != "absent", check_mode=call.check_mode
        )
        return {**resource.known(), **as_result(outcome, key)}

    run(spec, work)


def as_result(outcome: Outcome, key: str) -> Result:
    """An outcome as a module's result."""
    return {
        "changed": outcome.changed,
        "actions": outcome.actions,
        key: outcome.after,
        "diff": outcome.diff(),
        **outcome.returned,
    }


def _secret_options(spec: ArgumentSpec) -> list[str]:
    return [name for name, option in spec.options.items() if option.get("no_log")]


def _show_warnings(module: AnsibleModule, call: Call) -> None:
    for warning in call.warnings:
        module.warn(call.secrets.censor(warning))
