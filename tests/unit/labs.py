# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Labs that are started once for all tests, and the state of a linked pair that is made once and put back."""

from __future__ import annotations

import contextlib
import copy
import typing as t

from lab import Lab
from unit.linking import arrange, link_args

if t.TYPE_CHECKING:
    from unit.conftest import RunModule


class Snapshot:
    """The state of both servers of a lab."""

    def __init__(self, lab: Lab) -> None:
        self._values = [self._copy(server.state) for server in (lab.nextcloud, lab.openproject)]

    def put_back(self, lab: Lab) -> None:
        """Bring the lab back to this state, with empty logs and without faults."""
        lab.reset()
        for server, values in zip((lab.nextcloud, lab.openproject), self._values, strict=True):
            vars(server.state).update(copy.deepcopy(values))

    @staticmethod
    def _copy(state: t.Any) -> dict[str, t.Any]:
        # all values at once, because one row can stand in several of them
        return copy.deepcopy({name: value for name, value in vars(state).items() if name not in ("lock", "profile")})


class Labs:
    """One lab for each pair of versions; every test gets it as if it had just been made.

    :param stack: ends them all.
    """

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack
        self._labs: dict[tuple[str, str], Lab] = {}
        self._linked: dict[tuple[str, str], Snapshot] = {}

    def fresh(self, nextcloud: str = "32", openproject: str = "15.4") -> Lab:
        """A lab whose servers were just installed."""
        key = (nextcloud, openproject)
        if key not in self._labs:
            self._labs[key] = self._stack.enter_context(Lab(nextcloud, openproject))
        self._labs[key].reset()
        return self._labs[key]

    def linked(self, run_module: RunModule, nextcloud: str = "32", openproject: str = "15.4") -> Lab:
        """A lab whose servers were just linked with project folders; only the first test waits for the link."""
        lab, key = self.fresh(nextcloud, openproject), (nextcloud, openproject)
        if key not in self._linked:
            result = run_module("link", link_args(arrange(lab), project_folders=True))
            assert result["changed"], result
            self._linked[key] = Snapshot(lab)
        self._linked[key].put_back(lab)
        return lab
