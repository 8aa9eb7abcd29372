# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the variables of a play or role before anything is sent, and convert those of a role."""

from __future__ import annotations

import re
import typing as t
from difflib import get_close_matches
from pathlib import Path

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

try:
    from ansible.errors import AnsibleValueOmittedError
except ImportError:
    # before ansible-core 2.19 an omitted value is a text of its own
    AnsibleValueOmittedError = ()

from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.client import NEXTCLOUD_SPEC
from ansible_collections.opnc.integration.plugins.module_utils._openproject.client import OPENPROJECT_SPEC

Options = dict[str, dict[str, t.Any]]

ABSENT = object()
ROLES = Path(__file__).parents[2] / "roles"
CONNECTION = {f"opnc_{name}": dict(option) for name, option in NEXTCLOUD_SPEC.merge(OPENPROJECT_SPEC).options.items()}
#: what the playbooks know besides the connection
OF_THE_PLAYBOOKS = ("opnc_hosts", "opnc_nextcloud_connection", "opnc_openproject_connection")
ENVIRONMENT = re.compile(r"""['"](?:ansible\.builtin\.)?env['"]\s*,\s*['"](\w+)['"]""")


class ActionModule(ActionBase):
    """The action ``check_variables``."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Check, and return the variables of the role, if one is named."""
        given = task_vars or {}
        result = super().run(tmp, given)
        role = self._task.args.get("role")
        roles = {path.name: self._options(path) for path in sorted(ROLES.iterdir()) if path.is_dir()}
        if role is None:
            known = {**CONNECTION, **{name: option for options in roles.values() for name, option in options.items()}}
            prefixes = ("opnc_", *(f"{name}_" for name in roles))
        else:
            known, prefixes = roles[role], (f"{role}_",)
        problems = list(_mistyped(given, known, prefixes))
        values = self._evaluated(given, known, problems)
        problems += self._empty_secrets(given, values)
        options = _converted(known, values, problems) if role is not None else {}
        options = {name.removeprefix(f"{role}_"): value for name, value in options.items()}
        if problems:
            raise AnsibleActionFail("\n".join(f"{given['inventory_hostname']}: {problem}" for problem in problems))
        return {**result, "changed": False, "options": options}

    def _options(self, role: Path) -> Options:
        loaded = self._loader.load_from_file(str(role / "meta" / "argument_specs.yml"))
        return {str(name): dict(option) for name, option in loaded["argument_specs"]["main"]["options"].items()}

    def _evaluated(self, given: t.Mapping[str, t.Any], known: Options, problems: list[str]) -> dict[str, t.Any]:
        values = {}
        for name in known:
            if name in given:
                try:
                    value = self._templar.template(given[name])
                    if value != given.get("omit", ABSENT):
                        values[name] = value
                except AnsibleValueOmittedError:
                    continue
                except AnsibleError as error:
                    problems.append(f"{name} is set, but it cannot be evaluated: {error}")
        return values

    def _empty_secrets(self, given: t.Mapping[str, t.Any], values: t.Mapping[str, t.Any]) -> t.Iterator[str]:
        for product, spec in (("Nextcloud", NEXTCLOUD_SPEC), ("OpenProject", OPENPROJECT_SPEC)):
            secrets = [f"opnc_{name}" for name, option in spec.options.items() if option.get("no_log")]
            if any(values.get(name) for name in secrets):
                continue
            server = f"{product} at {values.get(f'opnc_{product.lower()}_url', 'an address that is not set')}"
            for name in secrets:
                if values.get(name) == "":
                    yield f"{name}, the secret for {server}, {_why_empty(given[name])}"


def _mistyped(given: t.Mapping[str, t.Any], known: Options, prefixes: tuple[str, ...]) -> t.Iterator[str]:
    names = [*known, *OF_THE_PLAYBOOKS]
    for name in sorted(given):
        if name.startswith(prefixes) and name not in names:
            for nearest in get_close_matches(name, names, n=1, cutoff=0.9):
                yield f"there is no variable {name}. Did you mean {nearest}?"


def _why_empty(raw: t.Any) -> str:
    environment = ENVIRONMENT.findall(raw) if isinstance(raw, str) else []
    if not environment:
        return "is empty. Set it where the inventory defines it."
    names = " and ".join(environment)
    return f"is empty. The inventory takes it from the environment variable {names}, which is not exported or empty: export {names}."


def _converted(known: Options, values: t.Mapping[str, t.Any], problems: list[str]) -> dict[str, t.Any]:
    """The options of a role as their types say. Nothing is an empty list, and one value is a list of one."""
    arguments: dict[str, t.Any] = {}
    for name, option in known.items():
        value = values.get(name)
        # before ansible-core 2.19, a template that yields nothing yields an empty text
        nothing = value is None or (value == "" and option.get("default") is None)
        if nothing and option["type"] == "list":
            arguments[name] = []
        elif not nothing:
            # the validator splits text at its commas, which a path may hold
            single = option["type"] == "list" and (
                not isinstance(value, (list, tuple, str)) or (isinstance(value, str) and option["elements"] == "path")
            )
            arguments[name] = [value] if single else value
    checked = ArgumentSpecValidator(t.cast("dict[str, t.Any]", known)).validate(arguments)
    problems += checked.error_messages
    return {name: value for name, value in checked.validated_parameters.items() if value is not None}
