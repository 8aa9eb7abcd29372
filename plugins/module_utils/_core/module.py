# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Entry and exit of a module: the only place that knows AnsibleModule."""

from __future__ import annotations

import typing as t
from contextlib import ExitStack
from dataclasses import dataclass, field

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from .._http.client import REQUESTS_IMPORT_ERROR
from .argspec import ArgumentSpec
from .errors import Failure
from .secrets import Secrets
from .signals import EndedBySignal, ended_in_order
from .steps import Progress, Step, take


@dataclass
class Call:
    """One call of a module, without Ansible around it.

    :param params: the options as Ansible validated them.
    :param check_mode: nothing may be written.
    :param secrets: what must not leave this run; the values of ``no_log`` options are in it.
    :param cleanups: ends what the call began: sessions, application passwords.
    :param progress: what was done so far.
    """

    params: dict[str, t.Any]
    check_mode: bool
    secrets: Secrets
    warnings: list[str] = field(default_factory=list)
    cleanups: ExitStack = field(default_factory=ExitStack)
    progress: Progress = field(default_factory=Progress)

    def clean_up(self, work: t.Callable[[], None]) -> None:
        """Do something when the call is over, however it ended; the last one first.

        A failure of it is a warning: it must not hide how the work ended.
        """

        def guarded() -> None:
            try:
                work()
            except Failure as failure:
                self.warn(failure.message)

        self.cleanups.callback(guarded)

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
        with ended_in_order(), call.cleanups:
            result = work(call)
    except EndedBySignal as ended:
        _show_warnings(module, call)
        module.fail_json(
            msg=f"Ended by {ended.name}; what this call had started was ended, and its clean-ups ran.",
            **call.progress.as_result(),
        )
        return
    except Failure as failure:
        _show_warnings(module, call)
        module.fail_json(msg=secrets.censor(failure.message), **{**call.progress.as_result(), **failure.as_result()})
        return
    _show_warnings(module, call)
    if not module._diff:
        result.pop("diff", None)
    module.exit_json(**result)


def converge(
    call: Call,
    steps: t.Sequence[Step],
    context: t.Any,
    *,
    before: t.Mapping[str, t.Any],
    after: t.Mapping[str, t.Any],
) -> Result:
    """Take the steps of a plan, and say what changed; in check mode only what would.

    :param before: the state that was found, without secrets; ``after`` the state that was planned. Neither is read again, so
        that check mode and a real run agree.
    :raises Failure: a step is forbidden, or failed.
    """
    take(steps, context, call.progress, check_mode=call.check_mode)
    return {
        "changed": bool(steps),
        "actions": [call.progress.show(step) for step in steps],
        "diff": {"before": dict(before), "after": dict(after if steps else before)},
    }


def _secret_options(spec: ArgumentSpec) -> list[str]:
    return [name for name, option in spec.options.items() if option.get("no_log")]


def _show_warnings(module: AnsibleModule, call: Call) -> None:
    for warning in call.warnings:
        module.warn(call.secrets.censor(warning))
