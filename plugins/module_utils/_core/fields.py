# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a resource consists of, how each part is compared, and which parts are secret."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

VALUE, SET, LIST, DICT, SECRET = "value", "set", "list", "dict", "secret"

Entity = t.Mapping[str, t.Any]


@dataclass(frozen=True)
class Field:
    """One part of a resource.

    :param name: key in what is desired, in the state and in the result.
    :param kind: C(value) compares for equality, C(set) ignores order and repetition, C(list) respects order, C(dict)
        compares only the keys that are requested, C(secret) cannot be compared and is never shown.
    :param fold: brings a value into the form in which two spellings are equal (Nextcloud folds the case of user ids,
        not of group ids).
    """

    name: str
    kind: str = VALUE
    fold: t.Callable[[t.Any], t.Any] | None = None

    def equal(self, desired: t.Any, actual: t.Any) -> bool:
        """Whether the state needs no change for this field."""
        if self.kind == SECRET:
            return True
        if self.kind == DICT:
            actual = actual or {}
            return all(
                key in actual and self._folded(value) == self._folded(actual[key]) for key, value in desired.items()
            )
        if self.kind == SET:
            return {self._folded(item) for item in desired} == {self._folded(item) for item in actual or ()}
        if self.kind == LIST:
            return [self._folded(item) for item in desired] == [self._folded(item) for item in actual or ()]
        return bool(self._folded(desired) == self._folded(actual))

    def _folded(self, value: t.Any) -> t.Any:
        return self.fold(value) if self.fold is not None else value


def changes(fields: t.Iterable[Field], desired: Entity, actual: Entity) -> dict[str, t.Any]:
    """The part of what is desired that the state lacks. A field that is absent or C(None) in what is desired is left alone."""
    return {
        field.name: desired[field.name]
        for field in fields
        if desired.get(field.name) is not None and not field.equal(desired[field.name], actual.get(field.name))
    }


def public(fields: t.Iterable[Field], entity: Entity | None) -> dict[str, t.Any]:
    """What may be shown of an entity: the declared fields without the secret ones, sets in a stable order."""
    if not entity:
        return {}
    shown: dict[str, t.Any] = {}
    for field in fields:
        if field.kind != SECRET and field.name in entity:
            value = entity[field.name]
            shown[field.name] = sorted(value) if field.kind == SET and value is not None else value
    return shown


def merged(fields: t.Iterable[Field], actual: Entity | None, delta: Entity) -> dict[str, t.Any]:
    """What the state will be after the delta was written; the same in check mode and in a real run."""
    result = dict(actual or {})
    for field in fields:
        if field.name in delta:
            if field.kind == DICT:
                result[field.name] = {**(result.get(field.name) or {}), **delta[field.name]}
            else:
                result[field.name] = delta[field.name]
    return result
