# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Apps of Nextcloud: enabled, disabled, removed or up to date, through occ (NC §5.3)."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from .._core.errors import BadInput, CommandError, Refused
from .._core.module import Call, Result, converge
from .._core.steps import NEXTCLOUD, Step, together
from .app_diagnosis import explain, store_silence
from .occ import Occ, find_json

ENABLED, DISABLED, ABSENT, LATEST = "enabled", "disabled", "absent", "latest"
#: an app of one of these types is enabled for everybody or not at all; asking for groups would leave it disabled (NC §5.3)
FOR_EVERYBODY = ("filesystem", "prelogin", "authentication", "logging", "prevent_group_restriction")


@dataclass(frozen=True)
class App:
    """An app as Nextcloud's configuration knows it.

    :param enabled: C(None) when Nextcloud never had it.
    :param groups: the only groups that may use it; empty for everybody.
    :param version: the installed one, empty when unknown.
    """

    name: str
    enabled: bool | None
    groups: tuple[str, ...] = ()
    version: str = ""
    types: tuple[str, ...] = ()

    @property
    def shown(self) -> dict[str, t.Any]:
        """For the difference; without the version, which nobody can know before an app is downloaded."""
        return {"state": ENABLED if self.enabled else DISABLED, "groups": list(self.groups)}


@dataclass
class Plan:
    """Steps in their order, and each app as it will be."""

    steps: list[Step] = field(default_factory=list)
    after: dict[str, dict[str, t.Any]] = field(default_factory=dict)

    def add(self, kind: str, title: str, work: t.Callable[[], None]) -> None:
        """Append a step over one app."""
        self.steps.append(Step(NEXTCLOUD, kind, title, apply=lambda _occ: work()))

    def add_together(self, kind: str, titles: t.Mapping[str, str], work: t.Callable[[list[str]], None]) -> None:
        """Append a step for each app that one start of occ does for all; occ goes on with the next app when one fails."""
        names = list(titles)
        self.steps += together(NEXTCLOUD, kind, list(titles.values()), lambda _occ: work(names))


def work(call: Call) -> Result:
    """What the module ``nextcloud_app`` does.

    :raises BadInput: an option is unusable.
    :raises Refused: the state forbids it; nothing was written.
    :raises CommandError: Nextcloud did not do it; names the app and the reason.
    """
    names, state, groups = list(dict.fromkeys(call.params["name"])), call.params["state"], call.params["groups"]
    for name in names:
        if not re.fullmatch(r"[A-Za-z0-9_]+", name):
            raise BadInput(
                f"name holds {name!r}, which is not the id of an app", remedy="An id is like integration_openproject"
            )
    if groups is not None and (not groups or not all(groups)):
        raise BadInput("groups is empty", remedy="Leave it out to enable an app for everybody")
    keeper = Keeper(Occ.from_call(call), call)
    before = keeper.read(names)
    plan = keeper.plan(before, state, groups)
    shown = {name: app.shown for name, app in before.items()} if state != ABSENT else keeper.on_disk_shown(before)
    # an app that is right already is shown as it is, so that nothing seems to change
    result = converge(call, plan.steps, keeper.occ, before=shown, after=plan.after)
    return {
        **result,
        "apps": {name: {"version": keeper.versions.get(name, ""), **plan.after[name]} for name in names},
    }


class Keeper:
    """Reads, plans and changes apps with few starts of occ: one when there is nothing to do, one more for all that need enabling.

    The one read is the configuration, not the list of apps: it alone shows an app that is limited to groups, and whether the app
    store is switched off.
    """

    def __init__(self, occ: Occ, call: Call) -> None:
        self.occ, self.call = occ, call
        self.configuration: dict[str, t.Any] = {}
        self.versions: dict[str, str] = {}
        self._on_disk: dict[str, str] = {}

    def read(self, names: t.Iterable[str]) -> dict[str, App]:
        """The apps as they are."""
        data = self.occ.json(["config:list"], attempted="read which apps are enabled")
        self.configuration = data if isinstance(data, dict) else {}
        known = self.configuration.get("apps") or {}
        apps = {name: _app(name, known.get(name) or {}) for name in names}
        self.versions = {name: app.version for name, app in apps.items()}
        return apps

    def plan(self, before: t.Mapping[str, App], state: str, groups: t.Sequence[str] | None) -> Plan:
        """What is to be done."""
        plan = Plan()
        if state == DISABLED:
            enabled = {name: f"disable the app {name}" for name, app in before.items() if app.enabled}
            plan.add_together("disable", enabled, self._disable)
            plan.after = {name: {"state": DISABLED, "groups": []} for name in before}
        elif state == ABSENT:
            self._plan_removal(plan, before)
        else:
            if state == LATEST:
                self._plan_update(plan, before)
            self._plan_enabling(plan, before, groups)
        return plan

    def on_disk_shown(self, before: t.Iterable[str]) -> dict[str, dict[str, t.Any]]:
        """Of the apps that are to be removed, those that are there."""
        return {name: {"state": "present" if name in self._on_disk else ABSENT} for name in before}

    def _plan_enabling(self, plan: Plan, before: t.Mapping[str, App], groups: t.Sequence[str] | None) -> None:
        wanted = tuple(sorted(groups or ()))
        enable: dict[str, str] = {}
        limit: dict[str, str] = {}
        for name, app in before.items():
            plan.after[name] = {"state": ENABLED, "groups": list(wanted)}
            if app.enabled and set(app.groups) == set(wanted):
                plan.after[name] = app.shown
                continue
            if wanted:
                forbidding = sorted(set(app.types) & set(FOR_EVERYBODY))
                if forbidding:
                    raise Refused(
                        f"the app {name} can only be enabled for everybody (its type: {', '.join(forbidding)})",
                        server=self.occ.command_line([]),
                        remedy="Leave groups out for this app",
                    )
                limit[name] = f"enable the app {name} for the groups {', '.join(wanted)} only"
            elif app.enabled:
                title = f"enable the app {name} for everybody instead of the groups {', '.join(app.groups)} only"
                plan.add("open_up", title, self._opening(name))
            else:
                enable[name] = f"enable the app {name}"
        plan.add_together("enable", enable, lambda names: self._enable(names, []))
        plan.add_together("limit", limit, lambda names: self._limit(names, groups or ()))

    def _opening(self, name: str) -> t.Callable[[], None]:
        def write() -> None:
            # not app:disable and app:enable: in between, clients would see a group folder vanish and delete their copies
            self.occ.run(
                ["config:app:set", name, "enabled", "--value=yes"], attempted=f"enable the app {name} for everybody"
            )

        return write

    def _plan_update(self, plan: Plan, before: t.Iterable[str]) -> None:
        silence = store_silence(self.configuration)
        if silence:
            self.call.warn(f"Whether there are newer versions is not known: {silence}.")
        completed = self.occ.run(
            ["app:update", "--showonly", "--all"], attempted="look for new versions of apps", accepted=(0, 1)
        )
        offered = dict(re.findall(r"^(\S+) new version available: (\S+)", completed.stdout, re.MULTILINE))
        for name in (name for name in before if name in offered):
            plan.add("update", f"update the app {name} to {offered[name]}", self._updating(name, offered[name]))

    def _plan_removal(self, plan: Plan, before: t.Mapping[str, App]) -> None:
        self._on_disk = self._list()
        plan.after = {name: {"state": ABSENT} for name in before}
        # the files are gone, but Nextcloud still counts on the app
        gone = {
            name: f"disable the app {name}, whose files are gone"
            for name, app in before.items()
            if name not in self._on_disk and app.enabled
        }
        plan.add_together("disable", gone, self._disable)
        for name in (name for name in before if name in self._on_disk):
            plan.add("remove", f"remove the app {name}", self._removing(name))

    def _enable(self, names: t.Sequence[str], options: t.Sequence[str]) -> None:
        command = ["app:enable", *options, *names]
        attempted = f"enable the {_apps(names)}"
        completed = self.occ.run(command, attempted=attempted, accepted=(0, 1))
        done = dict(re.findall(r"^(\S+) (\S+) enabled", completed.stdout, re.MULTILINE))
        self.versions.update({name: version for name, version in done.items() if version != "already"})
        failed = [name for name in names if name not in done]
        if failed or completed.rc:
            raise explain(self.occ, command, attempted, completed, failed or list(names), self.configuration)

    def _limit(self, names: t.Sequence[str], groups: t.Sequence[str]) -> None:
        self._enable(names, [f"--groups={group}" for group in groups])
        self._check_groups(names, groups)

    def _check_groups(self, names: t.Iterable[str], groups: t.Iterable[str]) -> None:
        for name in names:
            found = _groups(
                self.occ.json(["config:app:get", name, "enabled"], attempted=f"read who may use the app {name}")
            )
            missing = sorted(set(groups) - set(found))
            if missing:
                raise CommandError(
                    f"Nextcloud passed over {', '.join(missing)}, which it does not know",
                    attempted=f"limit the app {name} to groups",
                    server=self.occ.command_line(["app:enable", name]),
                    remedy="Create the groups first; Nextcloud knows them by their id",
                    rc=0,
                )

    def _disable(self, names: t.Sequence[str]) -> None:
        self.occ.run(
            ["app:disable", *names],
            attempted=f"disable the {_apps(names)}",
            remedy="Some apps belong to Nextcloud itself, or protect themselves, and cannot be disabled",
        )

    def _updating(self, name: str, version: str) -> t.Callable[[], None]:
        return lambda: self._update(name, version)

    def _update(self, name: str, version: str) -> None:
        command, attempted = ["app:update", name], f"update the app {name} to {version}"
        completed = self.occ.run(command, attempted=attempted, accepted=(0, 1))
        if completed.rc or f"{name} updated" not in completed.stdout.splitlines():
            raise explain(self.occ, command, attempted, completed, [name], self.configuration)
        self.versions[name] = version

    def _removing(self, name: str) -> t.Callable[[], None]:
        return lambda: self._remove(name)

    def _remove(self, name: str) -> None:
        command, attempted = ["app:remove", name], f"remove the app {name}"
        completed = self.occ.run(command, attempted=attempted, accepted=(0, 1))
        if completed.rc and f"{name} is not enabled" in completed.stdout:
            # newer versions remove only an app that is enabled (NC §5.3)
            self._enable([name], [])
            completed = self.occ.run(command, attempted=attempted, accepted=(0, 1))
        if completed.rc:
            raise CommandError(
                (completed.stdout.strip().splitlines() or ["no answer"])[-1],
                attempted=attempted,
                server=self.occ.command_line(command),
                remedy="An app that came with Nextcloud, or whose folder is read-only, can be disabled but not removed (state: disabled)",
                rc=completed.rc,
            )
        if name in self._list():
            raise CommandError(
                "occ says that it was removed, but its files are still there",
                attempted=attempted,
                server=self.occ.command_line(command),
                remedy="With appstoreenabled=false some versions of Nextcloud keep them; remove the app's folder by hand",
                rc=0,
            )

    def _list(self) -> dict[str, str]:
        data = self.occ.json(["app:list"], attempted="read which apps are there")
        return {**dict(data.get("enabled") or {}), **dict(data.get("disabled") or {})} if isinstance(data, dict) else {}


def _app(name: str, values: t.Mapping[str, t.Any]) -> App:
    enabled = values.get("enabled")
    return App(
        name=name,
        enabled=None if enabled is None else enabled not in ("no", "", False),
        groups=_groups(enabled),
        version=str(values.get("installed_version") or ""),
        types=tuple(part for part in str(values.get("types") or "").split(",") if part),
    )


def _groups(enabled: t.Any) -> tuple[str, ...]:
    """The groups in an app's value C(enabled): C(yes), C(no) or a JSON list."""
    if isinstance(enabled, str) and enabled.startswith("["):
        _found, enabled = find_json(enabled)
    return tuple(sorted(str(group) for group in enabled)) if isinstance(enabled, list) else ()


def _apps(names: t.Sequence[str]) -> str:
    return f"app {names[0]}" if len(names) == 1 else f"apps {', '.join(names)}"
