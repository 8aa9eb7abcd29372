# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures that every unit test can use."""

from __future__ import annotations

import importlib
import json
import typing as t

import pytest
from ansible.module_utils.testing import patch_module_args

MODULES = "ansible_collections.opnc.integration.plugins.modules"
SECRET_NAMES = ("password", "secret", "api_key", "token", "environment")


class RunModule(t.Protocol):
    """Runs a module's real main() in this process."""

    def __call__(
        self, name: str, args: t.Mapping[str, t.Any], *, check_mode: bool = False, diff: bool = True
    ) -> dict[str, t.Any]:
        """The result that Ansible would get; of a failing module too (C(failed), C(msg), C(error))."""


@pytest.fixture
def run_module(capfd: pytest.CaptureFixture[str]) -> RunModule:
    """Run a module with arguments as a task would hold them.

    Every run asserts that no value of an option that is named like a secret left the module.
    """

    def run(name: str, args: t.Mapping[str, t.Any], *, check_mode: bool = False, diff: bool = True) -> dict[str, t.Any]:
        module = importlib.import_module(f"{MODULES}.{name}")
        given = {**args, "_ansible_check_mode": check_mode, "_ansible_diff": diff, "_ansible_module_name": name}
        capfd.readouterr()
        with patch_module_args(given), pytest.raises(SystemExit):
            module.main()
        printed = capfd.readouterr()
        for secret in _secrets(args):
            assert secret not in printed.out, f"{name} printed a secret"
            assert secret not in printed.err, f"{name} printed a secret"
        result = json.loads(printed.out)
        assert isinstance(result, dict)
        result.pop("invocation", None)
        return result

    return run


def _secrets(args: t.Mapping[str, t.Any]) -> list[str]:
    found: list[str] = []
    for name, value in args.items():
        if name.endswith(SECRET_NAMES):
            values = value.values() if isinstance(value, dict) else [value]
            found.extend(text for text in values if isinstance(text, str) and len(text) > 7)
    return found
