# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Steps: what a module changes, in order, and the one loop that does it.

A plan is made by a pure function that binds values only; what a step needs to work with (a server's client, the state of the
run) reaches it when it is applied.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from .errors import Failure, TransportError

NEXTCLOUD, OPENPROJECT = "nextcloud", "openproject"

#: a proxy got no answer from the server behind it
GATEWAY_ERRORS = (502, 504)

Context = t.Any
Work = t.Callable[[Context], object]


def _nothing(context: Context) -> None:
    """For plans that are only looked at."""


@dataclass(frozen=True)
class Step:
    """One change to one server.

    :param side: ``nextcloud`` or ``openproject``.
    :param kind: a word for programs.
    :param title: what is done, in an administrator's words, without ids that a server hands out.
    :param reason: why; empty where the title says it.
    :param apply: does it.
    :param values: what is written, for the plan's readers.
    :param check: raises what forbids the step; called before the first write of the plan, in check mode too.
    :param confirm: looks afterwards whether a server did what it accepted. One that several steps share is called once, after
        the last of them.
    :param undo: takes the step back when a later one fails. Only for what this run made and what holds nothing yet.
    :param single: the step is one write, which a server has done or has not; otherwise a failure may leave a part of it done.
    """

    side: str
    kind: str
    title: str
    reason: str = ""
    apply: Work = field(default=_nothing, compare=False, repr=False)
    values: t.Mapping[str, t.Any] = field(default_factory=dict)
    check: Work | None = field(default=None, compare=False, repr=False)
    confirm: Work | None = field(default=None, compare=False, repr=False)
    undo: Work | None = field(default=None, compare=False, repr=False)
    single: bool = True

    def within(self, part: t.Callable[[Context], Context]) -> Step:
        """The same step for a context of which ``part`` gives what this step works with."""

        def lifted(work: Work | None) -> Work | None:
            return None if work is None else lambda context: work(part(context))

        return replace(
            self,
            apply=t.cast(Work, lifted(self.apply)),
            check=lifted(self.check),
            confirm=lifted(self.confirm),
            undo=lifted(self.undo),
        )

    def as_action(self) -> dict[str, str]:
        """The step as a module over both servers shows it."""
        return {"side": self.side, "action": self.title, "reason": self.reason}


def together(side: str, kind: str, titles: t.Sequence[str], work: Work) -> list[Step]:
    """Steps that one start of a command line, or one request, does all at once: the first that is taken does the work of all.

    A command that fails may have done a part of them.
    """
    left = [work]

    def apply(context: Context) -> None:
        if left:
            left[0](context)
            left.clear()

    return [Step(side, kind, title, apply=apply, single=len(titles) == 1) for title in titles]


@dataclass
class Progress:
    """What a call has done so far; a failure takes it into the result.

    :param done: steps that were taken.
    :param left: steps that were planned and not taken; empty when all were.
    :param in_doubt: the step that was begun last may have taken effect, or a part of it.
    :param handed_out: what a server shows only once and a module returns by documented contract.
    """

    done: list[Step] = field(default_factory=list)
    left: list[Step] = field(default_factory=list)
    in_doubt: bool = False
    handed_out: dict[str, t.Any] = field(default_factory=dict)
    show: t.Callable[[Step], t.Any] = field(default=lambda step: step.title)

    @property
    def changed(self) -> bool:
        """Whether a server is, or may be, not as it was before."""
        return bool(self.done) or self.in_doubt

    def as_result(self) -> dict[str, t.Any]:
        """The record for the result of a call that failed after its plan was made; empty before that."""
        if not self.done and not self.left:
            return {}
        return {
            "changed": self.changed,
            "actions": [self.show(step) for step in self.done],
            "actions_not_done": [self.show(step) for step in self.left],
            **self.handed_out,
        }


def take(steps: t.Sequence[Step], context: Context, progress: Progress, *, check_mode: bool) -> None:
    """Check all steps, then take them in their order; in check mode only check them.

    :raises Failure: a check forbids a step and nothing was written, or a step failed and ``progress`` tells what was done.
    """
    for step in steps:
        if step.check is not None:
            step.check(context)
    if check_mode:
        return
    progress.left = list(steps)
    first = len(progress.done)
    while progress.left:
        step = progress.left[0]
        # also a signal and a fault of our own leave a write of which nobody knows
        progress.in_doubt = True
        try:
            step.apply(context)
        except Failure as failure:
            progress.in_doubt = not step.single or has_unknown_effect(failure)
            if not progress.in_doubt:
                _undo(progress, first, context, failure)
            raise
        progress.done.append(progress.left.pop(0))
        progress.in_doubt = False
        if step.confirm is not None and step.confirm not in [later.confirm for later in progress.left]:
            step.confirm(context)


def has_unknown_effect(failure: Failure) -> bool:
    """Whether a write that failed so may have been done: no usable answer came, or a command did not end in time."""
    return (
        isinstance(failure, TransportError)
        or failure.facts.get("status") in GATEWAY_ERRORS
        or failure.facts.get("cause") == "timeout"
    )


def _undo(progress: Progress, first: int, context: Context, failure: Failure) -> None:
    """Take back what later steps were to fill, last first, up to the first step that stays."""
    while len(progress.done) > first:
        step = progress.done[-1]
        if step.undo is None:
            return
        try:
            step.undo(context)
        except Failure as another:
            failure.remedy = (
                f"{failure.remedy.rstrip('.')}. What this run had done stays ({step.title}), because taking it back failed:"
                f" {another.answer.rstrip('.')}"
            ).lstrip(". ")
            return
        progress.left.insert(0, progress.done.pop())
