# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""occ: system values, app values, and both at once (NC §5.4)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lab.nextcloud.occ_core import Console, OccError, command, php_json
from lab.nextcloud.state import ALNUM, TYPES, ConfigValue, StateError
from lab.plumbing import random_text

REMOVED = "***REMOVED SENSITIVE VALUE***"
SENSITIVE_SYSTEM = {
    "instanceid",
    "datadirectory",
    "dbname",
    "dbhost",
    "dbpassword",
    "dbuser",
    "mail_from_address",
    "mail_domain",
    "mail_smtphost",
    "mail_smtpname",
    "mail_smtppassword",
    "passwordsalt",
    "secret",
    "updater.secret",
    "proxyuserpwd",
    "redis",
    "objectstore",
    "sentry.dsn",
    "trusted_proxies",
}
TYPE_NAMES = {number: name for name, number in TYPES.items()}
FIRST_CAST_HELPER = 30
"""From this version on the casts of system values live in a file of their own."""

FIRST_INTERNAL = 34
"""From this version on `config:app:set` asks before it edits an internal value, and PHP's files have other lines."""


def has_other_lines(console: Console) -> bool:
    return console.profile.major >= FIRST_INTERNAL


def refuse_read_only(console: Console) -> None:
    """config.php that may not be written refuses system values, not app values."""
    if console.state.system.get("config_is_read_only"):
        raise OccError(
            'Config is set to be read-only via option "config_is_read_only".',
            f"Config.php line {339 if has_other_lines(console) else 326}",
        )


# System values


@command("config:system:get", "name...", "--output=?", "--default-value=?", writes=False)
def get_system(console: Console) -> int:
    """A missing value is no output and exit code 1; secrets are shown."""
    found, value = _look_up(console.state.system, console.arguments("name"))
    if not found:
        if console.option("default-value") is None:
            return 1
        value = console.option("default-value")
    console.write_value(value)
    return 0


@command("config:system:set", "name...", "--output=?", "--type=", "--value=", "--update-only")
def set_system(console: Console) -> None:
    """Never says that nothing changed; a scalar over a list replaces it silently."""
    names = console.arguments("name")
    value, readable = _cast_system(console, str(console.option("value") or ""), console.option("type") or "string")
    if console.option("update-only") and not _look_up(console.state.system, names)[0]:
        raise OccError(
            "Config parameter does not exist", f"SetConfig.php line {76 if has_other_lines(console) else 74}"
        )
    refuse_read_only(console)
    console.state.system[names[0]] = _put(console.state.system.get(names[0]), names[1:], value)
    console.line(f"System config value {' => '.join(names)} set to {readable}")


@command("config:system:delete", "name...", "--output=?", "--error-if-not-exists")
def delete_system(console: Console) -> None:
    """Repeatable, unless asked otherwise."""
    names = console.arguments("name")
    title = " => ".join(names)
    found, _unused = _look_up(console.state.system, names)
    if not found and console.option("error-if-not-exists"):
        raise console.fail(f"System config {title} could not be deleted because it did not exist")
    refuse_read_only(console)
    if found and len(names) == 1:
        del console.state.system[names[0]]
    elif found:
        console.state.system[names[0]] = _without(console.state.system[names[0]], names[1:])
    console.line(f"System config value {title} deleted")


def _cast_system(console: Console, text: str, kind: str) -> tuple[Any, str]:
    """The value and how the command calls it."""
    own_file = console.profile.major >= FIRST_CAST_HELPER
    try:
        if kind == "string":
            return text, f"string {text}" if text else "empty string"
        if kind in ("integer", "int"):
            return int(float(text)), f"integer {int(float(text))}"
        if kind in ("double", "float"):
            return float(text), f"double {text}"
    except ValueError as error:
        place = "CastHelper.php line 20" if own_file else "SetConfig.php line 117"
        raise OccError("Non-numeric value specified", place) from error
    if kind in ("boolean", "bool"):
        if text.lower() not in ("true", "false"):
            place = "CastHelper.php line 49" if own_file else "SetConfig.php line 145"
            raise OccError("Unable to parse value as boolean", place)
        return text.lower() == "true", f"boolean {text.lower()}"
    if kind == "null":
        return None, "null"
    if kind == "json" and own_file:
        value = _parsed(text)
        return value, f"json {php_json(value)}"
    raise OccError("Invalid type", "CastHelper.php line 73" if own_file else "SetConfig.php line 170")


def _look_up(value: Any, names: list[str]) -> tuple[bool, Any]:
    for name in names:
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isdigit() and int(name) < len(value):
            value = value[int(name)]
        else:
            return False, None
    return value is not None, value


def _put(value: Any, names: list[str], new: Any) -> Any:
    """`value` with `new` at `names`; PHP makes an array out of whatever was there."""
    if not names:
        return new
    array = _as_map(value)
    array[names[0]] = _put(array.get(names[0]), names[1:], new)
    return _as_php_array(array)


def _without(value: Any, names: list[str]) -> Any:
    array = _as_map(value)
    if len(names) == 1:
        array.pop(names[0], None)
    elif names[0] in array:
        array[names[0]] = _without(array[names[0]], names[1:])
    return _as_php_array(array)


def _as_map(value: Any) -> dict[str, Any]:
    if isinstance(value, list):
        return {str(index): item for index, item in enumerate(value)}
    return dict(value) if isinstance(value, dict) else {}


def _as_php_array(array: dict[str, Any]) -> Any:
    is_list = list(array) == [str(index) for index in range(len(array))]
    return list(array.values()) if is_list else array


# App values


@command("config:app:get", "app", "name", "--output=?", "--details", "--key-details", "--default-value=?", writes=False)
def get_app(console: Console) -> int:
    """As for system values; sensitive ones are shown in clear too."""
    app, key = console.argument("app"), console.argument("name")
    row = console.state.app_config.get(app, {}).get(key)
    if row is None:
        if console.option("default-value") is None:
            return 1
        console.write_value(console.option("default-value"))
        return 0
    shared = {"app": app, "key": key, "value": row.value}
    kind = TYPE_NAMES[row.type]
    if console.option("details"):
        console.write(shared | {"type": kind, "lazy": row.lazy, "sensitive": row.sensitive})
    elif console.option("key-details"):
        more = {"type": row.type, "lazy": row.lazy, "typeString": kind, "sensitive": row.sensitive}
        console.write(shared | more)
    else:
        console.write_value(row.value)
    return 0


@command(
    *("config:app:set", "app", "name", "--output=?", "--value=", "--type="),
    *("--[no-]lazy", "--[no-]sensitive", f"{FIRST_INTERNAL}@--internal", "--update-only"),
)
def set_app(console: Console) -> None:
    """Says when nothing changed. A change of type or flag wants `yes`, which `-n` spares (NC §5.4)."""
    app, key = console.argument("app"), console.argument("name")
    rows = console.state.app_config.setdefault(app, {})
    old = rows.get(key)
    if old is None and console.option("update-only"):
        raise console.fail(f"Config value {key} for app {app} not updated, as it has not been set before.")
    kind = _wanted_type(console, old)
    value = console.option("value")
    if value is None and old is None:
        raise OccError("unknown config key", f"AppConfig.php line {240 if has_other_lines(console) else 223}")
    lazy = _wanted_flag(console.option("lazy"), old.lazy if old else False)
    sensitive = _wanted_flag(console.option("sensitive"), old.sensitive if old else False)
    if old is not None:
        for differs, word in (
            (kind != old.type, TYPE_NAMES[kind].upper()),
            (sensitive != old.sensitive, "SENSITIVE" if sensitive else "NOT SENSITIVE"),
            (lazy != old.lazy, "LAZY" if lazy else "NOT LAZY"),
        ):
            if differs:
                _confirm(console, app, key, word)
    text = _cast_app(old.value if value is None and old else str(value), TYPE_NAMES[kind])
    new = ConfigValue(text, kind, lazy, sensitive)
    if new == old:
        console.line("Config value were not updated")
        return
    rows[key] = new
    shown = "<sensitive>" if sensitive else text
    cache = "lazy" if lazy else "fast"
    console.line(
        f"Config value '{key}' for app '{app}' is now set to '{shown}', stored as {TYPE_NAMES[kind]} in {cache} cache"
    )


@command("config:app:delete", "app", "name", "--output=?", "--error-if-not-exists")
def delete_app(console: Console) -> None:
    """Repeatable, unless asked otherwise."""
    app, key = console.argument("app"), console.argument("name")
    if console.option("error-if-not-exists") and console.state.app_value(app, key) is None:
        raise console.fail(f"Config {key} of app {app} could not be deleted because it did not exist")
    console.state.delete_app_value(app, key)
    console.line(f"Config value {key} of app {app} deleted")


def _wanted_type(console: Console, old: ConfigValue | None) -> int:
    wanted = console.option("type")
    if wanted is None:
        return old.type if old else TYPES["mixed"]
    if wanted not in TYPES:
        raise OccError(f"Unknown type {wanted}", f"AppConfig.php line {1218 if has_other_lines(console) else 1170}")
    return TYPES[wanted]


def _wanted_flag(given: bool | None, old: bool) -> bool:
    return old if given is None else given


def _confirm(console: Console, app: str, key: str, word: str) -> None:
    if not console.interactive:
        return
    console.line(f"You are about to set config value {app}/{key} as {word}\n")
    console.line("This might break thing, affect performance on your instance or its security!")
    answer = console.ask("Confirm this action by typing 'yes': ")
    if answer is None:
        raise OccError("Aborted.")
    if answer != "yes":
        raise console.fail("exiting")


def _cast_app(text: str, kind: str) -> str:
    """The text of a typed value, as it is stored."""
    if kind == "integer" and not text.lstrip("-").isdigit():
        raise OccError("Value is not an integer", "ConfigManager.php line 256")
    if kind == "boolean":
        if text.lower() in ("1", "true", "yes", "on"):
            return "1"
        if text.lower() in ("0", "false", "no", "off"):
            return "0"
        raise OccError("Value cannot be converted to boolean", "ConfigManager.php line 276")
    if kind == "array" and not isinstance(_parsed(text), dict | list):
        raise OccError("Value is not a valid json", "ConfigManager.php line 289")
    return text


# Everything at once


@command("config:list", "app?", "--output=?", "--private", "30@--migrate", writes=False)
def list_all(console: Console) -> None:
    """Always JSON; hides system values by their name, app values by their flag (NC §2)."""
    area = console.argument("app") or "all"
    private = bool(console.option("private"))
    state = console.state
    data: dict[str, Any] = {}
    if area in ("all", "system"):
        data["system"] = {
            key: value if private or key not in SENSITIVE_SYSTEM else REMOVED for key, value in state.system.items()
        }
    if area != "system":
        apps = sorted(state.app_config) if area == "all" else [area]
        data["apps"] = {
            app: {key: _listed(row, private) for key, row in state.app_config.get(app, {}).items()} for app in apps
        }
    console.line(php_json(data, pretty=console.option("output") != "json"))


def _listed(row: ConfigValue, private: bool) -> Any:
    if row.sensitive:
        return f"$AppConfigEncryption${random_text(ALNUM, 160)}|3" if private else REMOVED
    kind = TYPE_NAMES[row.type]
    if kind == "integer":
        return int(row.value)
    if kind == "float":
        return float(row.value)
    if kind == "boolean":
        return row.value == "1"
    return json.loads(row.value) if kind == "array" else row.value


@command("config:import", "file?")
def import_all(console: Console) -> None:
    """From a file or standard input; null deletes; stops at the first typed key, with what came before written."""
    source = console.argument("file")
    path = Path(source)
    text = console.stdin if not source else path.read_text(encoding="utf-8") if path.is_file() else ""
    data = _parsed(text)
    if not isinstance(data, dict):
        raise console.fail("The file must contain a valid json array")
    unknown = [str(key) for key in data if key not in ("system", "apps")]
    if unknown:
        raise console.fail(f"Found invalid entries in root: {', '.join(unknown)}")
    for app, values in (data.get("apps") or {}).items():
        for key, value in values.items():
            if not isinstance(value, int | str | None) or isinstance(value, bool):
                raise console.fail(
                    f'Invalid app config value for "{app}":"{key}". '
                    "Only integers, strings and null (delete) are allowed."
                )
    if data.get("system"):
        refuse_read_only(console)
    for key, value in (data.get("system") or {}).items():
        if value is None:
            console.state.system.pop(key, None)
        else:
            console.state.system[key] = value
    _import_apps(console, data.get("apps") or {})
    console.line(f"Config successfully imported from: {source}")


def _import_apps(console: Console, apps: dict[str, dict[str, Any]]) -> None:
    for app, values in apps.items():
        for key, value in values.items():
            if value is None:
                console.state.delete_app_value(app, key)
                continue
            try:
                console.state.set_app_value(app, key, str(value))
            except StateError as error:
                raise OccError(
                    error.message, f"AppConfig.php line {913 if has_other_lines(console) else 873}"
                ) from error


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
