# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A thing on a server, and the one algorithm that brings it into the requested state."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .fields import Entity, Field, changes, merged, public


@dataclass
class Outcome:
    """What :func:`ensure` found and did.

    :param before: the public part of the state that was found; empty when there was nothing.
    :param after: the public part of the requested state. Built from the state and the difference, never re-read, so that
        check mode and real run agree.
    :param returned: what a server handed out once when the thing was made (ids, secrets); empty in check mode.
    """

    changed: bool
    before: dict[str, t.Any]
    after: dict[str, t.Any]
    actions: list[str] = field(default_factory=list)
    returned: dict[str, t.Any] = field(default_factory=dict)

    def diff(self) -> dict[str, t.Any]:
        """Ansible's form of a difference."""
        return {"before": self.before, "after": self.after}


class Resource:
    """One thing on one server. Subclasses say what it consists of and how it is read and written."""

    #: the parts of the thing
    fields: t.Sequence[Field] = ()

    @property
    def title(self) -> str:
        """How an administrator calls this very thing: C(group "OpenProject")."""
        raise NotImplementedError

    def read(self) -> dict[str, t.Any] | None:
        """The thing as it is, or C(None) when there is none."""
        raise NotImplementedError

    def check(self, desired: Entity, actual: Entity | None, delta: Entity) -> None:
        """Raise what forbids the change; called before the first write, in check mode too."""

    def create(self, desired: Entity) -> dict[str, t.Any]:
        """Make the thing; returns what the server hands out only once."""
        raise NotImplementedError

    def update(self, actual: Entity, delta: Entity) -> dict[str, t.Any]:
        """Write the difference and nothing else; returns what the server hands out only once."""
        raise NotImplementedError

    def check_delete(self, actual: Entity) -> None:
        """Raise what forbids the removal; called before the first write, in check mode too."""

    def delete(self, actual: Entity) -> None:
        """Remove the thing."""
        raise NotImplementedError

    def known(self) -> dict[str, t.Any]:
        """What a server says of the thing beside its fields (ids), for the result of every run that found it."""
        return {}

    def describe(self, actual: Entity | None, delta: Entity) -> list[str]:
        """The steps in an administrator's words, without ids that a server hands out."""
        if actual is None:
            return [f"create {self.title}"]
        return [f"change {name} of {self.title}" for name in delta]


def ensure(resource: Resource, *, desired: Entity, present: bool, check_mode: bool) -> Outcome:
    """Bring a resource into the requested state with one read and only the writes that differ.

    :raises Refused: before the first write, when the state forbids the change.
    """
    actual = resource.read()
    before = public(resource.fields, actual)
    if not present:
        if actual is None:
            return Outcome(False, before, {})
        resource.check_delete(actual)
        if not check_mode:
            resource.delete(actual)
        return Outcome(True, before, {}, [f"remove {resource.title}"])

    delta = changes(resource.fields, desired, actual or {})
    if actual is not None and not delta:
        return Outcome(False, before, before)
    resource.check(desired, actual, delta)
    wanted = {key: value for key, value in desired.items() if value is not None} if actual is None else delta
    after = public(resource.fields, merged(resource.fields, actual, wanted))
    actions = resource.describe(actual, delta)
    if check_mode:
        return Outcome(True, before, after, actions)
    returned = resource.create(desired) if actual is None else resource.update(actual, delta)
    return Outcome(True, before, after, actions, returned)
