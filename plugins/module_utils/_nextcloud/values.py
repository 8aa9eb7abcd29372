# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values of Nextcloud's configuration: when two of them are the same, how they are written, and what is shown of them."""

from __future__ import annotations

import json
import re
import typing as t

from .._core.secrets import MASK

#: what C(config:list) puts in place of a secret
HIDDEN = "***REMOVED SENSITIVE VALUE***"
#: how C(config:list --private) shows a secret of an app from Nextcloud 29 on
ENCRYPTED = "$AppConfigEncryption$"
#: keys whose values are not shown, also when Nextcloud does not hide them yet
SECRET_WORDS = re.compile(r"pass|secret|token|salt|credential|private|api_?key|(^|[._-])key$", re.IGNORECASE)
PAIRS = (("1", "0"), ("yes", "no"), ("true", "false"), ("on", "off"))
TRUE_WORDS, FALSE_WORDS = {pair[0] for pair in PAIRS}, {pair[1] for pair in PAIRS} | {""}


class _Absent:
    """A value that is not there; C(None) is one that may be."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: t.Any = _Absent()


def normal(value: t.Any) -> t.Any:
    """A value as PHP would store it: keys are text, a map with the keys 0 to n is a list, an empty map is an empty list."""
    if isinstance(value, dict):
        made = {str(key): normal(item) for key, item in value.items()}
        return list(made.values()) if list(made) == [str(index) for index in range(len(made))] else made
    if isinstance(value, (list, tuple)):
        return [normal(item) for item in value]
    return value


def same(one: t.Any, other: t.Any) -> bool:
    """Whether two system values are the same in value and type; whole numbers and their fractions are one type."""
    one, other = normal(one), normal(other)
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(first, second) for first, second in zip(one, other))
    return bool(
        type(one) is type(other) or (isinstance(one, (int, float)) and isinstance(other, (int, float)))
    ) and bool(one == other)


def merge(actual: t.Any, desired: t.Any) -> t.Any:
    """A system value as it will be: maps are merged key by key, everything else is replaced, C(None) removes."""
    if desired is None:
        return ABSENT
    if not isinstance(desired, dict):
        return desired
    base = _as_map(actual)
    for key, item in desired.items():
        merged = merge(base.get(str(key), ABSENT), item)
        if merged is ABSENT:
            base.pop(str(key), None)
        else:
            base[str(key)] = merged
    return ABSENT if actual is ABSENT and not base and desired else base


def holds_hidden(value: t.Any) -> bool:
    """Whether Nextcloud hides the value or a part of it."""
    if isinstance(value, dict):
        return any(holds_hidden(item) for item in value.values())
    if isinstance(value, list):
        return any(holds_hidden(item) for item in value)
    return bool(value == HIDDEN)


def app_same(desired: t.Any, actual: t.Any) -> bool:
    """Whether an app value needs no change. Apps store text, so C(true), C(1) and C(yes) of an app mean the same."""
    if desired is None or actual is ABSENT:
        return desired is None and actual is ABSENT
    if isinstance(desired, bool) or isinstance(actual, bool):
        meaning = _meaning(desired), _meaning(actual)
        return None not in meaning and meaning[0] is meaning[1]
    if isinstance(desired, (dict, list)):
        return same(desired, _parsed(actual))
    if isinstance(actual, (dict, list)):
        return same(_parsed(desired), actual)
    return app_text(desired, actual) == app_text(actual, desired) or _numbers_equal(desired, actual)


def app_text(value: t.Any, actual: t.Any = ABSENT) -> str:
    """An app value as text. A boolean takes the words that the app uses already, else 1 and 0."""
    if isinstance(value, bool):
        words = str(actual).lower() if isinstance(actual, str) else ""
        pair = next((pair for pair in PAIRS if words in pair), PAIRS[0])
        return pair[0] if value else pair[1]
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return str(value)


def masked(value: t.Any, hidden: t.Any, name: str, *, old: t.Any, secret: t.Any) -> t.Any:
    """What may be shown of a value.

    :param hidden: the value as Nextcloud shows it, which is where it hides something.
    :param name: its key; one that sounds secret is enough to hide the value.
    :param old: the value before; a masked value that differs from it says so.
    :param secret: what of it was given as a secret: a map of the same shape, C(ABSENT) for nothing, anything else for all.
    """
    if value is ABSENT or value is None:
        return None
    hide = hidden == HIDDEN or bool(SECRET_WORDS.search(name)) or not (secret is ABSENT or isinstance(secret, dict))
    if isinstance(value, (dict, list)) and not (hide and isinstance(value, list)):
        parts, shown, before, secrets = _as_map(value), _as_map(hidden), _as_map(old), _as_map(secret)
        names = {key: key if isinstance(value, dict) else name for key in parts}
        made = {
            key: masked(
                part,
                shown.get(key, ABSENT),
                names[key],
                old=before.get(key, ABSENT),
                secret=True if hide else secrets.get(key, ABSENT),
            )
            for key, part in parts.items()
        }
        return made if isinstance(value, dict) else list(made.values())
    if not hide:
        return value
    return MASK if old is ABSENT or same(value, old) else f"{MASK} (changed)"


def _as_map(value: t.Any) -> dict[str, t.Any]:
    if isinstance(value, dict):
        return {str(key): item for key, item in value.items()}
    if isinstance(value, list):
        return {str(index): item for index, item in enumerate(value)}
    return {}


def _meaning(value: t.Any) -> bool | None:
    word = {True: "1", False: "0"}[value] if isinstance(value, bool) else str(value).lower()
    return True if word in TRUE_WORDS else False if word in FALSE_WORDS else None


def _parsed(value: t.Any) -> t.Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _numbers_equal(one: t.Any, other: t.Any) -> bool:
    # only where one of the two is a number for sure: the texts "1.0" and "1" differ
    if isinstance(one, str) and isinstance(other, str):
        return False
    try:
        return float(one) == float(other)
    except (TypeError, ValueError):
        return False
