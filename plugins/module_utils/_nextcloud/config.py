# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nextcloud's configuration, of the system and of its apps, through occ (NC §5.4)."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, replace

from .._core.errors import BadInput, CommandError, Refused
from .._core.module import Call, Result, converge
from .._core.steps import NEXTCLOUD, Step, together
from .occ import Occ
from .values import ABSENT, ENCRYPTED, app_same, app_text, holds_hidden, masked, merge, normal, same

READ_ONLY = "is set to be read-only"
WRITABLE = "Set config_is_read_only to false in config.php for the time of the change; nothing was written"
TYPE_CONFLICT = "conflict between new type"


@dataclass(frozen=True)
class Setting:
    """One value that is requested: a whole key of the system, or one key of an app.

    :param app: C(None) for the system.
    :param desired: C(None) removes it; a map in a system value changes only its own keys.
    :param secret: what of what is desired must not be shown; C(ABSENT) for nothing.
    """

    app: str | None
    key: str
    desired: t.Any
    secret: t.Any = ABSENT

    @property
    def title(self) -> str:
        """How an administrator calls it."""
        return f"system value {self.key}" if self.app is None else f"value {self.key} of the app {self.app}"


@dataclass
class Found:
    """A setting with what Nextcloud has.

    :param actual: the value, C(ABSENT) when there is none.
    :param hidden: the value as Nextcloud shows it.
    """

    setting: Setting
    actual: t.Any
    hidden: t.Any

    @property
    def wanted(self) -> t.Any:
        """The value as it will be."""
        if self.setting.app is None:
            merged = merge(self.actual, self.setting.desired)
            return merged if merged is ABSENT else normal(merged)
        return ABSENT if self.setting.desired is None else self.setting.desired

    @property
    def right(self) -> bool:
        """Whether nothing needs to be done."""
        if self.setting.app is not None:
            return app_same(self.setting.desired, self.actual)
        wanted = self.wanted
        return wanted is self.actual if ABSENT in (wanted, self.actual) else same(wanted, self.actual)

    @property
    def action(self) -> str:
        """The step in words."""
        return f"remove the {self.setting.title}" if self.wanted is ABSENT else f"set the {self.setting.title}"

    def before(self) -> t.Any:
        """What may be shown of the value that was found."""
        return self._masked(self.actual, self.actual)

    def after(self) -> t.Any:
        """What may be shown of the value that is requested; where it is masked, it tells whether it changes."""
        return self.before() if self.right else self._masked(self._written(), self.actual)

    def _masked(self, value: t.Any, old: t.Any) -> t.Any:
        return masked(value, self.hidden, self.setting.key, old=old, secret=self.setting.secret)

    def _written(self) -> t.Any:
        if self.setting.app is None or self.wanted is ABSENT:
            return self.wanted
        return (
            app_text(self.wanted, self.actual) if isinstance(self.actual, str) or self.actual is ABSENT else self.wanted
        )


def work(call: Call) -> Result:
    """What the module ``nextcloud_config`` does: one read, and one write for all that differs.

    :raises BadInput: an option is unusable.
    :raises Refused: a secret could only be written in a way that others can see.
    :raises CommandError: Nextcloud did not do it.
    """
    settings = _settings(call)
    keeper = Keeper(Occ.from_call(call), settings)
    found = keeper.read()
    steps = keeper.steps([item for item in found if not item.right])
    before, after = _shown(found, Found.before), _shown(found, Found.after)
    return {**converge(call, steps, keeper, before=before, after=after), "config": after}


class Keeper:
    """Reads and writes settings with few starts of occ."""

    def __init__(self, occ: Occ, settings: t.Sequence[Setting]) -> None:
        self.occ, self.settings = occ, settings
        self._read_only = False

    def read(self) -> list[Found]:
        """The settings with what Nextcloud has: one start, and one more when something that is requested is hidden."""
        shown = self._list([])
        system = shown.get("system")
        self._read_only = isinstance(system, dict) and system.get("config_is_read_only") is True
        found = [Found(setting, actual, actual) for setting in self.settings for actual in [_pick(shown, setting)]]
        if any(holds_hidden(item.actual) for item in found):
            private = self._list(["--private"])
            for item in found:
                if holds_hidden(item.hidden):
                    item.actual = self._private(private, item.setting)
        return found

    def steps(self, wrong: t.Sequence[Found]) -> list[Step]:
        """What writes what differs.

        Values go by standard input, so secrets among them are safe. ``config:import`` knows no types of app values, so those that
        Nextcloud stores with a type are set one by one, and keep it; a type is never asked for (NC §2).
        """
        # a value that does not come as text has a type for certain, one that comes as text may have
        typed = [item for item in wrong if item.setting.app and item.wanted is not ABSENT and _has_type(item.actual)]
        left = [item for item in wrong if item not in typed]
        steps = together(NEXTCLOUD, "import", [item.action for item in left], lambda _keeper: self._write(left))
        if any(item.setting.app is None for item in left):
            steps[0] = replace(steps[0], check=lambda _keeper: self._refuse_read_only())
        return [*steps, *(self._setting_step(item) for item in typed)]

    def _refuse_read_only(self) -> None:
        if self._read_only:
            raise Refused(
                "config_is_read_only is true, so occ refuses to write system values",
                attempted="write the configuration",
                server=self.occ.command_line(["config:import"]),
                remedy=WRITABLE,
                cause="read_only",
            )

    def _setting_step(self, item: Found) -> Step:
        return Step(
            NEXTCLOUD,
            "set",
            item.action,
            apply=lambda _keeper: self._set(item),
            check=lambda _keeper: self._refuse_secret(item),
        )

    def _write(self, left: list[Found]) -> None:
        while left:
            try:
                self._import(left)
            except CommandError as error:
                if TYPE_CONFLICT not in error.answer:
                    raise
                # it writes in order and stops at a value with a type: that is the first one that is still wrong
                settings = [item.setting for item in left]
                left = [item for item in self.read() if item.setting in settings and not item.right]
                for item in left[:1]:
                    self._refuse_secret(item)
                    self._set(item)
                left = left[1:]
            else:
                return

    def _import(self, items: t.Sequence[Found]) -> None:
        try:
            self.occ.run(["config:import"], attempted="write the configuration", stdin=_imported(items))
        except CommandError as error:
            if READ_ONLY not in error.answer:
                raise
            raise CommandError(
                error.answer,
                attempted=error.attempted,
                server=error.server,
                remedy=WRITABLE,
                rc=error.rc,
                cause="read_only",
            ) from error

    def _set(self, item: Found) -> None:
        setting = item.setting
        app = t.cast(str, setting.app)
        value = f"--value={app_text(item.wanted, item.actual)}"
        self.occ.run(["config:app:set", app, setting.key, value], attempted=f"set the {setting.title}")

    def _refuse_secret(self, item: Found) -> None:
        if item.wanted is not ABSENT and (item.setting.secret is not ABSENT or holds_hidden(item.hidden)):
            raise Refused(
                f"the {item.setting.title} is a secret that Nextcloud stores with a type",
                server=self.occ.command_line(["config:app:set"]),
                remedy="occ takes such a value only as an argument, which other users of the machine can see. Set it by hand in a safe moment",
            )

    def _private(self, private: t.Mapping[str, t.Any], setting: Setting) -> t.Any:
        value = _pick(private, setting)
        if setting.app is not None and isinstance(value, str) and value.startswith(ENCRYPTED):
            return self.occ.json(
                ["config:app:get", setting.app, setting.key],
                attempted=f"compare the {setting.title}",
            )
        return value

    def _list(self, options: t.Sequence[str]) -> dict[str, t.Any]:
        areas = {"system" if setting.app is None else setting.app for setting in self.settings}
        scope = list(areas) if len(areas) == 1 else []
        data = self.occ.json(["config:list", *scope, *options], attempted="read the configuration")
        return data if isinstance(data, dict) else {}


def _settings(call: Call) -> list[Setting]:
    params = call.params
    settings = []
    secret_system, secret_apps = _by_key(params, "secret_system"), _by_app(params, "secret_apps")
    system, apps = _by_key(params, "system"), _by_app(params, "apps")
    for values in (secret_system, secret_apps):
        call.secrets.add(*_texts(values))
    for key in {**system, **secret_system}:
        both = key in system and key in secret_system
        if both and not (isinstance(system[key], dict) and isinstance(secret_system[key], dict)):
            raise BadInput(f"system and secret_system both hold {key}")
        desired = _joined(system[key], secret_system[key]) if both else {**system, **secret_system}[key]
        settings.append(Setting(None, key, desired, secret_system.get(key, ABSENT)))
    for app in {**apps, **secret_apps}:
        plain, secret = apps.get(app, {}), secret_apps.get(app, {})
        twice = sorted(set(plain) & set(secret))
        if twice:
            raise BadInput(f"apps and secret_apps both hold {twice[0]} of {app}")
        settings += [Setting(app, key, desired) for key, desired in plain.items()]
        settings += [Setting(app, key, desired, desired) for key, desired in secret.items()]
    if not settings:
        raise BadInput("no value is given", remedy="Give values in system, apps, secret_system or secret_apps")
    return settings


def _by_key(params: t.Mapping[str, t.Any], option: str) -> dict[str, t.Any]:
    values = {str(key): value for key, value in (params[option] or {}).items()}
    for key in values:
        _check_name(key, option)
    return values


def _by_app(params: t.Mapping[str, t.Any], option: str) -> dict[str, dict[str, t.Any]]:
    apps: dict[str, dict[str, t.Any]] = {}
    for app, values in (params[option] or {}).items():
        _check_name(str(app), option)
        if not isinstance(values, dict):
            raise BadInput(f"{option} holds {app}, which is not a map of keys and values")
        if app in ("system", "all"):
            raise BadInput(f"{option} holds {app}, which is not the id of an app")
        apps[str(app)] = {str(key): value for key, value in values.items()}
        for key in apps[str(app)]:
            _check_name(key, f"{option}.{app}")
    return apps


def _check_name(name: str, option: str) -> None:
    if not name or name.startswith("-") or name != name.strip() or "\0" in name:
        raise BadInput(f"{option} holds the key {name!r}, which Nextcloud cannot store")


def _joined(one: t.Mapping[str, t.Any], other: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    joined = dict(one)
    for key, value in other.items():
        mine = joined.get(key)
        joined[key] = _joined(mine, value) if isinstance(mine, dict) and isinstance(value, dict) else value
    return joined


def _texts(value: t.Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) else []


def _pick(listed: t.Mapping[str, t.Any], setting: Setting) -> t.Any:
    area = listed.get("system") if setting.app is None else (listed.get("apps") or {}).get(setting.app)
    return area.get(setting.key, ABSENT) if isinstance(area, dict) else ABSENT


def _has_type(actual: t.Any) -> bool:
    return actual is not ABSENT and not isinstance(actual, str)


def _imported(items: t.Iterable[Found]) -> str:
    """What one start of ``config:import`` writes, as JSON in ASCII; the parts that hold nothing are left out."""
    system: dict[str, t.Any] = {}
    apps: dict[str, dict[str, str | None]] = {}
    for item in items:
        setting, wanted = item.setting, item.wanted
        if setting.app is None:
            system[setting.key] = None if wanted is ABSENT else wanted
        else:
            text = None if wanted is ABSENT else app_text(wanted, item.actual)
            apps.setdefault(setting.app, {})[setting.key] = text
    parts = {"system": system, "apps": apps}
    return json.dumps({name: part for name, part in parts.items() if part})


def _shown(found: t.Iterable[Found], show: t.Callable[[Found], t.Any]) -> dict[str, dict[str, t.Any]]:
    shown: dict[str, dict[str, t.Any]] = {"system": {}, "apps": {}}
    for item in found:
        value, setting = show(item), item.setting
        area = shown["system"] if setting.app is None else shown["apps"].setdefault(setting.app, {})
        if value is not None:
            area[setting.key] = value
    return shown
