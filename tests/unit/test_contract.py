# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds for the whole collection, so that no review has to look for it."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.opnc.integration.plugins.module_utils._core import module as core
from ansible_collections.opnc.integration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.client import NEXTCLOUD_SPEC
from ansible_collections.opnc.integration.plugins.module_utils._openproject.client import OPENPROJECT_SPEC

ROOT = Path(__file__).resolve().parents[2]
#: run on the controller; their modules hold the documentation only
ACTIONS = {path.stem for path in (ROOT / "plugins" / "action").glob("*.py")}
MODULES = sorted({path.stem for path in (ROOT / "plugins" / "modules").glob("*.py")} - ACTIONS)
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir() if path.is_dir())
PLUGIN_FILES = sorted((ROOT / "plugins").rglob("*.py"))
CONNECTIONS = {"nextcloud": NEXTCLOUD_SPEC, "openproject": OPENPROJECT_SPEC}
SECRET_NAME = re.compile(r"secret|password|token|api_key|passphrase")
HEADER = (
    "Copyright (c) 2026, the authors of opnc.integration",
    "GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)",
    "SPDX-License-Identifier: GPL-3.0-or-later",
)

each_module = pytest.mark.parametrize("name", MODULES)
each_role = pytest.mark.parametrize("role", ROLES)
each_plugin_file = pytest.mark.parametrize("path", PLUGIN_FILES, ids=lambda path: str(path.relative_to(ROOT)))


def load(path: Path) -> t.Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def spec_of(name: str) -> ArgumentSpec:
    """The argument spec that a module hands to the core when it is started."""
    module = importlib.import_module(f"ansible_collections.opnc.integration.plugins.modules.{name}")
    handed: list[ArgumentSpec] = []
    with pytest.MonkeyPatch.context() as patch:
        for attribute, value in list(vars(module).items()):
            if value is core.run:
                patch.setattr(module, attribute, lambda spec, *_rest: handed.append(spec))
        module.main()
    assert len(handed) == 1, f"{name} does not start through the core exactly once"
    return handed[0]


def documentation(name: str, block: str = "DOCUMENTATION") -> dict[str, t.Any]:
    tree = ast.parse((ROOT / "plugins" / "modules" / f"{name}.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == block:
            content = yaml.safe_load(ast.literal_eval(node.value))
            assert isinstance(content, dict)
            return content
    raise AssertionError(f"{name} has no {block}")


def described_options(name: str) -> dict[str, dict[str, t.Any]]:
    """The options of a module as its documentation describes them, also those that are described in a fragment."""
    content = documentation(name)
    options = dict(content.get("options") or {})
    for fragment in content.get("extends_documentation_fragment", []):
        file, _dot, part = fragment.removeprefix("opnc.integration.").partition(".")
        module = importlib.import_module(f"ansible_collections.opnc.integration.plugins.doc_fragments.{file}")
        text = getattr(module.ModuleDocFragment, part.upper() or "DOCUMENTATION")
        options.update(yaml.safe_load(text).get("options") or {})
    return options


def numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def undecided_secrets(options: t.Mapping[str, t.Mapping[str, t.Any]]) -> list[str]:
    """Options that are named like a secret, can hold one, and do not say whether Ansible may show them."""
    named = {key: option for key, option in options.items() if SECRET_NAME.search(key)}
    return [key for key, option in named.items() if option["type"] != "bool" and "no_log" not in option]


# modules


@pytest.mark.parametrize("product", CONNECTIONS)
def test_an_action_group_holds_exactly_the_modules_that_take_its_whole_connection(product: str) -> None:
    group = load(ROOT / "meta" / "runtime.yml")["action_groups"][product]
    connection = CONNECTIONS[product].options
    takers = [name for name in MODULES if connection.items() <= spec_of(name).options.items()]
    assert group == takers


@pytest.mark.parametrize("product", CONNECTIONS)
def test_the_playbooks_offer_the_whole_connection(product: str) -> None:
    offered = load(ROOT / "playbooks" / "vars" / "connection.yml")[f"opnc_{product}_connection"]
    assert set(offered) == set(CONNECTIONS[product].options)


@each_module
def test_a_module_has_the_fragments_of_its_groups(name: str) -> None:
    options = spec_of(name).options
    products = [product for product, spec in CONNECTIONS.items() if spec.options.items() <= options.items()]
    groups = "both" if len(products) == 2 else products[0]
    fragments = documentation(name)["extends_documentation_fragment"]
    expected = {f"opnc.integration.{product}" for product in products}
    expected |= {"opnc.integration.attributes", f"opnc.integration.attributes.actiongroup_{groups}"}
    assert expected <= set(fragments)
    assert {entry for entry in fragments if "actiongroup" in entry} <= expected


@each_module
def test_a_module_is_not_newer_than_the_collection(name: str) -> None:
    version = load(ROOT / "galaxy.yml")["version"]
    assert numbers(str(documentation(name)["version_added"])) <= numbers(version)


@each_module
def test_every_option_that_sounds_secret_has_no_log_decided(name: str) -> None:
    options = spec_of(name).options
    assert undecided_secrets(options) == []


@each_module
def test_every_option_whose_description_speaks_of_secrets_has_no_log_decided(name: str) -> None:
    """It is what a user reads, and where the user puts a secret then. A word of a fixed list is none."""
    options, described = spec_of(name).options, described_options(name)
    assert set(described) == set(options)
    speaking = {
        key for key, option in described.items() if re.search(r"secret", str(option["description"]), re.IGNORECASE)
    }
    undecided = [key for key in speaking if options[key]["type"] != "bool" and "choices" not in options[key]]
    assert [key for key in undecided if "no_log" not in options[key]] == []


@each_module
def test_no_return_key_is_named_like_a_method_of_a_dictionary(name: str) -> None:
    def keys(entries: dict[str, t.Any]) -> t.Iterator[str]:
        for key, entry in entries.items():
            yield key
            yield from keys(entry.get("contains", {}))

    assert [key for key in keys(documentation(name, "RETURN")) if hasattr(dict, key)] == []


@each_module
def test_a_module_has_unit_tests(name: str) -> None:
    quoted = f'"{name}"'
    users = [path.name for path in (ROOT / "tests" / "unit").rglob("test_*.py") if quoted in path.read_text()]
    assert users, f"no test below tests/unit runs {name}"


# code of plugins/


@each_plugin_file
def test_plugins_run_on_python_3_9(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))
    if path.name == "__init__.py":
        assert tree.body == []
        return
    imported = next(node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom)))
    assert isinstance(imported, ast.ImportFrom)
    assert imported.module == "__future__"


@each_plugin_file
def test_only_expected_errors_are_caught(path: Path) -> None:
    broad = [
        handler.lineno
        for handler in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(handler, ast.ExceptHandler)
        and (handler.type is None or {"Exception", "BaseException"} & names_in(handler.type))
    ]
    assert broad == []


@each_plugin_file
def test_each_library_has_its_one_place(path: Path) -> None:
    imported = set(imports_of(path))
    folder = path.relative_to(ROOT / "plugins").parent.name
    assert not {name for name in imported if name.split(".")[0] in ("lab", "tests", "ci")}
    if folder != "_http":
        assert not {name for name in imported if name.split(".")[0] in ("requests", "urllib3")}
    if path != ROOT / "plugins" / "module_utils" / "_core" / "module.py":
        # So check mode is read from Ansible in one place, and so is what must not be shown.
        assert "ansible.module_utils.basic.AnsibleModule" not in imported


def names_in(node: ast.expr) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def imports_of(path: Path) -> t.Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


# roles


def public_options(role: str) -> dict[str, dict[str, t.Any]]:
    specs = load(ROOT / "roles" / role / "meta" / "argument_specs.yml")["argument_specs"]
    return {name: option for spec in specs.values() for name, option in spec.get("options", {}).items()}


@each_role
def test_specification_and_defaults_of_a_role_say_the_same(role: str) -> None:
    options = public_options(role)
    defaults = load(ROOT / "roles" / role / "defaults" / "main.yml") or {}
    specified = {name: option["default"] for name, option in options.items() if "default" in option}
    # A default of null says the same as none.
    assert {name: value for name, value in defaults.items() if value is not None} == specified
    assert set(defaults) <= {name for name, option in options.items() if not option.get("required")}


@each_role
def test_variables_of_a_role_carry_its_name(role: str) -> None:
    assert [name for name in public_options(role) if not name.startswith(f"{role}_")] == []


@each_role
def test_a_role_sets_no_public_variable(role: str) -> None:
    for path in (ROOT / "roles" / role).glob("tasks/*.yml"):
        for task in load(path) or []:
            names = [task["register"]] if "register" in task else []
            names += [key for key in task.get("ansible.builtin.set_fact", {}) if key != "cacheable"]
            assert [name for name in names if not name.startswith(f"__{role}_")] == [], path.name


@each_role
def test_every_variable_of_a_role_is_in_its_readme(role: str) -> None:
    text = (ROOT / "roles" / role / "README.md").read_text(encoding="utf-8")
    assert [name for name in public_options(role) if f"`{name}`" not in text] == []


@each_role
def test_every_variable_of_a_role_that_sounds_secret_has_no_log_decided(role: str) -> None:
    options = public_options(role)
    assert undecided_secrets(options) == []


# files


def tracked_files() -> list[str]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    return [name for name in os.fsdecode(listed).split("\0") if name and (ROOT / name).is_file()]


def can_hold_a_comment(name: str) -> bool:
    path = ROOT / name
    generated = name in (".gitignore", "CHANGELOG.md", "LICENSE") or name.startswith(("changelogs/", "tests/fixtures/"))
    return not generated and path.suffix not in (".json", ".txt", ".pem") and path.stat().st_size > 0


def test_every_file_states_its_licence() -> None:
    without = []
    for name in filter(can_hold_a_comment, tracked_files()):
        head = "\n".join((ROOT / name).read_text(encoding="utf-8").splitlines()[:8])
        if not all(line in head for line in HEADER):
            without.append(name)
    assert without == []


def test_no_sanity_test_is_ignored() -> None:
    assert list((ROOT / "tests" / "sanity").glob("ignore-*")) == []


def test_no_test_is_left_out() -> None:
    # Spelled in parts, for this file is looked through as well.
    left_out = re.compile(r"mark\." + r"(skip|xfail)|pytest\." + r"(skip|xfail|importorskip)\(")
    found = [path.name for path in (ROOT / "tests").rglob("*.py") if left_out.search(path.read_text(encoding="utf-8"))]
    assert found == []


def test_what_the_modules_import_is_stated_once() -> None:
    def requirements(path: Path) -> list[str]:
        return [line for line in path.read_text().splitlines() if line and not line.startswith("#")]

    assert requirements(ROOT / "meta" / "ee-requirements.txt") == requirements(ROOT / "requirements.txt")


def test_the_changelog_knows_the_version() -> None:
    version = load(ROOT / "galaxy.yml")["version"]
    assert version in load(ROOT / "changelogs" / "changelog.yaml")["releases"]
    assert f"#v{version.replace('.', '-')}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
