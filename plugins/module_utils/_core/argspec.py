# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Argument specs that carry their constraints and can be combined."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

Names = t.Sequence[str]


@dataclass(frozen=True)
class ArgumentSpec:
    """Options together with the rules between them, as a value."""

    options: t.Mapping[str, t.Mapping[str, t.Any]]
    mutually_exclusive: t.Sequence[Names] = field(default_factory=tuple)
    required_together: t.Sequence[Names] = field(default_factory=tuple)
    required_one_of: t.Sequence[Names] = field(default_factory=tuple)
    required_if: t.Sequence[t.Sequence[t.Any]] = field(default_factory=tuple)
    required_by: t.Mapping[str, Names] = field(default_factory=dict)

    def merge(self, *others: ArgumentSpec) -> ArgumentSpec:
        """This spec and others as one. An option that two of them declare must be the same in both.

        :raises ValueError: two specs declare an option differently.
        """
        options = dict(self.options)
        for other in others:
            for name, option in other.options.items():
                if options.setdefault(name, option) != option:
                    raise ValueError(f"option {name} is declared twice and differently")
        specs = (self, *others)
        return ArgumentSpec(
            options=options,
            mutually_exclusive=[rule for spec in specs for rule in spec.mutually_exclusive],
            required_together=[rule for spec in specs for rule in spec.required_together],
            required_one_of=[rule for spec in specs for rule in spec.required_one_of],
            required_if=[rule for spec in specs for rule in spec.required_if],
            required_by={key: rule for spec in specs for key, rule in spec.required_by.items()},
        )

    def as_kwargs(self) -> dict[str, t.Any]:
        """Keyword arguments of AnsibleModule."""
        return {
            "argument_spec": {name: dict(option) for name, option in self.options.items()},
            "mutually_exclusive": [list(rule) for rule in self.mutually_exclusive],
            "required_together": [list(rule) for rule in self.required_together],
            "required_one_of": [list(rule) for rule in self.required_one_of],
            "required_if": [list(rule) for rule in self.required_if],
            "required_by": {key: list(rule) for key, rule in self.required_by.items()},
        }
