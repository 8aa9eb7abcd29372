# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of the recordings the lab reproduces."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import pytest

from conformance.arrangements import NOT_REPLAYED, RECORDINGS
from conformance.exceptions import EXCEPTIONS
from conformance.recording import LEFT_OUT, load
from conformance.replay import Outcome, replay

LEAST_EXCHANGES, LEAST_SHARE = 500, 0.95


@dataclass
class FileResult:
    """One recording: the exchanges in scope with what differs, and how many exchanges are out of it."""

    name: str
    outcomes: Sequence[Outcome]
    out_of_scope: int

    @property
    def reproduced(self) -> int:
        return sum(outcome.reproduced for outcome in self.outcomes)

    @property
    def failures(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if not outcome.reproduced]

    def reason(self, outcome: Outcome) -> str:
        """Why an exchange is known not to be reproduced; empty when it is not known."""
        known = EXCEPTIONS.get(self.name, {}).get(outcome.line.number)
        return known.reason if known and known.explains(outcome.differences) else ""

    @property
    def stale(self) -> list[int]:
        """Exceptions of exchanges that are reproduced, or not there."""
        failing = {outcome.line.number for outcome in self.failures}
        return sorted(set(EXCEPTIONS.get(self.name, {})) - failing)


@dataclass
class Report:
    """All recordings that were replayed."""

    KEY: ClassVar[pytest.StashKey[Report]] = pytest.StashKey()

    files: list[FileResult] = field(default_factory=list)

    @property
    def counted(self) -> int:
        return sum(len(file.outcomes) for file in self.files)

    @property
    def reproduced(self) -> int:
        return sum(file.reproduced for file in self.files)

    def unexplained(self) -> list[tuple[str, Outcome]]:
        return [(file.name, outcome) for file in self.files for outcome in file.failures if not file.reason(outcome)]

    def stale(self) -> list[tuple[str, int]]:
        return [(file.name, number) for file in self.files for number in file.stale]

    def passed(self, *, whole: bool) -> bool:
        """Nothing differs without a reason; for all recordings also: enough of them, and nearly all reproduced."""
        enough = self.counted >= LEAST_EXCHANGES and self.reproduced >= LEAST_SHARE * self.counted
        return not self.unexplained() and not self.stale() and (enough or not whole)

    def text(self, *, details: bool = False) -> str:
        """The table, then what is not reproduced, then what was left out."""
        width = max(len(file.name) for file in self.files)
        rows = [
            f"{file.name:<{width}}  {file.reproduced:4} of {len(file.outcomes):4} recorded exchanges reproduced"
            f" ({file.out_of_scope} out of scope)"
            for file in self.files
        ]
        for file in self.files:
            for outcome in file.failures:
                reason = file.reason(outcome)
                rows.append(f"not reproduced: {file.name} {outcome.line.number}, {outcome.line.title}")
                rows.append(f"  {reason or 'NO REASON KNOWN'}")
                if details or not reason:
                    rows += [f"    {difference}" for difference in outcome.differences]
        rows += [f"an exception that is none: {name} {number}" for name, number in self.stale()]
        rows += [f"not replayed: {name}, {count} exchanges: {reason}" for name, count, reason in not_replayed()]
        rows.append(f"in total: {self.reproduced} of {self.counted} recorded exchanges reproduced")
        return "\n".join(rows)


def not_replayed() -> list[tuple[str, int, str]]:
    """Recordings that are left out as a whole: name, exchanges, reason."""
    counts = json.loads(LEFT_OUT.read_text(encoding="utf-8"))
    return [(name, counts[name], reason) for name, reason in NOT_REPLAYED.items()]


def conformance(names: Iterable[str]) -> Report:
    """Replay recordings, each on a lab of its own."""
    report = Report()
    for name in names:
        outcomes = replay(RECORDINGS[name])
        exchanges = [line for line in load(name) if line.is_exchange]
        report.files.append(FileResult(name, outcomes, len(exchanges) - len(outcomes)))
    return report
