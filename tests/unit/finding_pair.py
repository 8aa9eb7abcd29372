# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A complete pair of servers that a test spoils and mends, and what a case of a finding consists of."""

from __future__ import annotations

import contextlib
import dataclasses
import subprocess
import typing as t
from pathlib import Path

from lab import Lab
from lab.authority import Authority
from lab.nextcloud.state import INTEGRATION
from lab.openproject.state import ProjectStorage, Storage
from unit.between import Passing, Said, Server
from unit.conftest import RunModule
from unit.linking import STORAGE, link_args

NOWHERE = "http://127.0.0.1:9"


@dataclasses.dataclass
class Pair:
    """A complete pair with project folders, whose storage one project uses.

    :param more: options of the module link_info beside the connection.
    :param stack: ends servers that a case starts.
    """

    lab: Lab
    run_module: RunModule
    folder: Path
    stack: contextlib.ExitStack
    more: dict[str, t.Any] = dataclasses.field(default_factory=lambda: {"project_folders": True})

    def __post_init__(self) -> None:
        self.nextcloud, self.openproject = self.lab.nextcloud.state, self.lab.openproject.state

    @property
    def storage(self) -> Storage:
        return next(storage for storage in self.openproject.storages.values() if storage.name == STORAGE)

    @property
    def row(self) -> ProjectStorage:
        return next(iter(self.openproject.project_storages.values()))

    def link(self, **more: t.Any) -> None:
        """What a remedy calls running the link."""
        runner = {"runner_command": self.lab.openproject.runner}
        given = link_args(self.lab, **{"project_folders": True, **runner, **more})
        result = self.run_module("link", given)
        assert "failed" not in result, result

    def look(self) -> dict[str, t.Any]:
        result = self.run_module("link_info", link_args(self.lab, **self.more))
        assert "failed" not in result, result
        assert result["changed"] is False
        return result

    def occ(self, *arguments: str) -> None:
        """What a remedy calls occ."""
        subprocess.run([*self.lab.nextcloud.occ, *arguments], check=True, capture_output=True)

    def serve(self, server: Server) -> str:
        """Start a server for the rest of the test; returns its address."""
        self.stack.enter_context(server)
        return server.url

    def setting(self, key: str, value: str | None) -> None:
        """Write a value of the integration app behind its back."""
        if value is None:
            self.nextcloud.delete_app_value(INTEGRATION, key)
        else:
            self.nextcloud.set_app_value(INTEGRATION, key, value)

    def install(self, name: str, version: str) -> None:
        """Put another version of an app in place, as if it had been upgraded."""
        self.nextcloud.apps[name].version = version
        self.nextcloud.set_app_value(name, "installed_version", version)

    def in_front(self, url: str, path: str, said: Said) -> str:
        """The address of a proxy that answers one path itself."""
        passing = Passing({"/": url})
        return self.serve(Server(lambda asked: said if asked.path.endswith(path) else passing(asked)))

    def through(self, product: str, path: str, said: Said) -> None:
        """Let the play reach one product through such a proxy."""
        url = {"nextcloud": self.lab.nextcloud.url, "openproject": self.lab.openproject.url}[product]
        self.more |= {f"{product}_url": self.in_front(url, path, said), f"{product}_public_url": url}

    def behind(self, product: str, address: str) -> None:
        """Let the play reach one product at another address than its public one."""
        url = {"nextcloud": self.lab.nextcloud.url, "openproject": self.lab.openproject.url}[product]
        self.more |= {f"{product}_url": address, f"{product}_public_url": url}

    def forget(self, *options: str) -> None:
        """Leave out options of link_info."""
        for option in options:
            self.more.pop(option, None)

    def directly(self, product: str) -> None:
        """Let the play reach one product at its public address again."""
        self.forget(f"{product}_url", f"{product}_public_url", f"{product}_ca_path")

    def with_tls(self, product: str) -> None:
        """Let the play reach one product over TLS with a private authority."""
        url = {"nextcloud": self.lab.nextcloud.url, "openproject": self.lab.openproject.url}[product]
        authority = Authority(self.folder)
        netloc = url.removeprefix("http://")
        passing = Passing({"/": url}, sets={"Host": netloc})
        self.behind(product, self.serve(Server(passing, tls=authority.context("127.0.0.1"))))


Step = t.Callable[[Pair], object]


@dataclasses.dataclass(frozen=True)
class Case:
    """How a state is arranged, and its remedy.

    :param others: findings that the same state brings with it, and that the remedy does not end; C(None) when they do not matter.
    """

    arrange: Step
    mend: Step
    others: frozenset[str] | None = frozenset()
    nextcloud: str = "32"


class Cases(dict[str, Case]):
    """Cases by the code of their finding."""

    def add(
        self, code: str, arrange: Step, mend: Step, *others: str, any_others: bool = False, nextcloud: str = "32"
    ) -> None:
        assert code not in self, code
        self[code] = Case(arrange, mend, None if any_others else frozenset(others), nextcloud)


def both(*steps: Step) -> Step:
    """Several steps as one."""

    def run(pair: Pair) -> None:
        for step in steps:
            step(pair)

    return run


def more(**options: t.Any) -> Step:
    """Options of link_info."""
    return lambda pair: pair.more.update(options)


def link(**options: t.Any) -> Step:
    """Run the link."""
    return lambda pair: pair.link(**options)


def occ(*arguments: str) -> Step:
    """Run occ."""
    return lambda pair: pair.occ(*arguments)


def put(side: str, **values: t.Any) -> Step:
    """Set fields of a lab server's state."""

    def run(pair: Pair) -> None:
        for name, value in values.items():
            setattr(getattr(pair, side), name, value)

    return run


def system(**values: t.Any) -> Step:
    """Set values of Nextcloud's configuration."""
    return lambda pair: pair.nextcloud.system.update(values)


def setting(key: str, value: str | None) -> Step:
    """Write a value of the integration app."""
    return lambda pair: pair.setting(key, value)


def of_folder(**values: t.Any) -> Step:
    """Set fields of the first group folder."""

    def run(pair: Pair) -> None:
        for name, value in values.items():
            setattr(next(iter(pair.nextcloud.folders.values())), name, value)

    return run


def unmanaged(pair: Pair) -> None:
    """Switch automatic management off in OpenProject."""
    pair.storage.automatic_management, pair.storage.password = False, None


def with_runner(pair: Pair) -> None:
    """Let link_info use the runner."""
    pair.more |= {"check_with_runner": True, "runner_command": pair.lab.openproject.runner}
