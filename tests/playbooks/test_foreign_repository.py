# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The built archive in somebody else's repository: its modules and roles in plays that know nothing of ours.

The plays have C(module_defaults), C(strategy: free), C(serial), C(become), C(delegate_to), C(include_role) with C(apply) and C(tags),
and variables and facts that are named like our options, results and roles' variables.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import typing as t
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from lab import Lab
from lab.plumbing import LabServer
from unit.linking import arrange, broken_parts

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
#: the machine itself, the machine itself, and one that cannot be reached: its tasks run on another
HOSTS = ("alpha", "beta", "delta")
SINGLE, LINK = "A single module", "Link Nextcloud and OpenProject"
REMOVE = "Remove the link between Nextcloud and OpenProject"

# What happened, one line for each result.
CALLBACK = """
DOCUMENTATION = "name: told\\ntype: notification\\nshort_description: tells\\ndescription: [Tells.]\\n"
import json
from ansible.plugins.callback import CallbackBase

class CallbackModule(CallbackBase):
    CALLBACK_VERSION, CALLBACK_TYPE, CALLBACK_NAME = 2.0, "notification", "told"

    def _tell(self, result, *arguments, **options):
        with open("told.jsonl", "a") as target:
            told = {"host": result._host.get_name(), "task": result._task.get_name().rpartition(" : ")[2]}
            json.dump({**told, "changed": bool(result._result.get("changed"))}, target)
            target.write("\\n")

    v2_runner_on_ok = v2_runner_on_failed = v2_runner_on_unreachable = _tell
"""

#: as somebody else may call things, for reasons of his own
NAMES_LIKE_OURS = {
    "state": "absent",
    "storage": "none",
    "storage_name": "Another",
    "storage_id": 77,
    "projects": ["no-such-project"],
    "project_folders": False,
    "rotate": ["nextcloud_oauth"],
    "link_rotate": ["nextcloud_oauth"],
    "force_delete": True,
    "remove_project_folders": True,
    "nextcloud_url": "http://192.0.2.1",
    "openproject_api_key": "nothing",
    "link": {"findings": "mine"},
    "findings": ["mine"],
    "actions": "mine",
    "apps": "mine",
}
CONNECTION = {
    "group/opnc.integration.nextcloud": {
        "nextcloud_url": "{{ pair.nextcloud }}",
        "nextcloud_username": "admin",
        "nextcloud_password": "{{ pair.password }}",
        "occ_command": "{{ pair.occ }}",
    },
    "group/opnc.integration.openproject": {
        "openproject_url": "{{ pair.openproject }}",
        "openproject_api_key": "{{ pair.key }}",
        "runner_command": "{{ pair.runner }}",
    },
}
ROOT_BECOMES_ROOT = {"become": True, "become_method": "su", "become_user": "root"}


def role(name: str, *, tags: t.Sequence[str] = ("roles",), **variables: t.Any) -> dict[str, t.Any]:
    """A task that includes one of our roles, the way a careful author does."""
    apply = {"delegate_to": "{{ runs_on }}", "tags": list(tags)}
    return {
        "ansible.builtin.include_role": {"name": f"opnc.integration.{name}", "apply": apply},
        "tags": list(tags),
        "vars": variables,
    }


SINGLE_MODULES = {
    "name": "Single modules",
    "hosts": "clouds",
    "gather_facts": False,
    "strategy": "free",
    "serial": 2,
    "vars": {**NAMES_LIKE_OURS, "verify_fail_on": "warning", "teardown_force_delete": True},
    "collections": ["opnc.integration"],
    "module_defaults": {**CONNECTION, "opnc.integration.link": {"storage_name": "{{ inventory_hostname }}"}},
    "tasks": [
        {
            "delegate_to": "{{ runs_on }}",
            "tags": ["modules"],
            "block": [
                {"nextcloud_config": {"system": {"allow_local_remote_servers": True}}, **ROOT_BECOMES_ROOT},
                {"name": SINGLE, "opnc.integration.link": {}, **ROOT_BECOMES_ROOT},
                {"opnc.integration.link_info": {}, "register": "link"},
            ],
        }
    ],
}  # fmt: skip
CONDITIONS = ("when", "until", "changed_when", "failed_when")
OURS = "^_*(link|prepare_nextcloud|project_storages|teardown|verify)_"
REGISTERED = [
    "__verify_link",
    *(f"__{role}_result" for role in ("link", "project_storages", "teardown")),
    *(f"__prepare_nextcloud_{name}" for name in ("certificates", "setting", "enabled")),
    *(f"__{role}_checked" for role in ("link", "prepare_nextcloud", "project_storages", "teardown", "verify")),
]
ROLES = {
    "name": "Roles",
    "hosts": "clouds",
    "gather_facts": False,
    "strategy": "free",
    "module_defaults": CONNECTION,
    **ROOT_BECOMES_ROOT,
    "tasks": [
        {"ansible.builtin.set_fact": NAMES_LIKE_OURS, "tags": ["always"]},
        role("prepare_nextcloud", prepare_nextcloud_allow_local_remote_servers=True),
        role("link", link_storage_name="Cloud", link_project_folders=True, link_rotate=[]),
        role("link", link_storage_name="Cloud", link_project_folders=True, link_rotate=["application_password"]),
        role("link", link_storage_name="Cloud", link_rotate=[]),
        role("project_storages", project_storages_storage_name="Cloud", project_storages_projects=["demo-project"]),
        role("verify", verify_storage_name="Cloud", verify_fail_on="never"),
        role("teardown", tags=["never", "removal"], teardown_storage_name="Cloud", teardown_force_delete=True),
        {
            "ansible.builtin.assert": {
                "that": [
                    f"query('ansible.builtin.varnames', '{OURS}') | difference({[*REGISTERED, 'link_rotate']}) == []"
                ]
                + [f"{name} == {value!r}" for name, value in NAMES_LIKE_OURS.items() if name != "link"]
            },
            "name": "nothing of the roles is left, and no fact was changed",
            "tags": ["always"],
        },
    ],
}


@pytest.fixture(scope="session")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty collections path into which the archive was installed."""
    folder = tmp_path_factory.mktemp("built")
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(folder / "installed"), "HOME": str(folder)}
    galaxy: list[str | Path] = [BIN / "ansible-galaxy", "collection"]
    subprocess.run([*galaxy, "build", ROOT, "--output-path", folder], check=True, env=environment, capture_output=True)
    (archive,) = folder.glob("*.tar.gz")
    install: list[str | Path] = ["install", "--offline", archive, "-p", folder / "installed"]
    subprocess.run([*galaxy, *install], check=True, env=environment, capture_output=True)
    return folder / "installed"


class Told(t.NamedTuple):
    """One result of a run."""

    host: str
    task: str
    changed: bool


@dataclass
class Repository:
    """A folder of somebody else, and the pair of servers of each host."""

    folder: Path
    collections: Path
    labs: dict[str, Lab]

    @property
    def servers(self) -> list[LabServer]:
        """All simulated servers."""
        return [server for lab in self.labs.values() for server in (lab.nextcloud, lab.openproject)]

    def run(self, *arguments: str) -> list[Told]:
        """Run the playbook; every host must get through. The results in their order."""
        (self.folder / "told.jsonl").write_text("")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        done = subprocess.run(
            [BIN / "ansible-playbook", "-i", "inventory.yml", *arguments, "play.yml"],
            cwd=self.folder,
            env={
                **inherited,
                "ANSIBLE_COLLECTIONS_PATH": str(self.collections),
                "ANSIBLE_HOME": str(self.folder / "home"),
                "ANSIBLE_NOCOLOR": "1",
                "ANSIBLE_PIPELINING": "1",
                "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "reserved name" not in done.stderr
        lines = (self.folder / "told.jsonl").read_text().splitlines()
        return [Told(**json.loads(line)) for line in lines]


@pytest.fixture(scope="module")
def repository(collections: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    folder = tmp_path_factory.mktemp("repository")
    (folder / "callback_plugins").mkdir()
    (folder / "callback_plugins" / "told.py").write_text(CALLBACK)
    (folder / "play.yml").write_text(yaml.safe_dump([SINGLE_MODULES, ROLES], sort_keys=False))
    with ExitStack() as stack:
        labs = {host: arrange(stack.enter_context(Lab(nextcloud="29"))) for host in HOSTS}
        (folder / "inventory.yml").write_text(yaml.safe_dump(inventory(labs)))
        yield Repository(folder, collections, labs)


def inventory(labs: t.Mapping[str, Lab]) -> dict[str, t.Any]:
    """The hosts: C(delta) and C(gamma) cannot be reached, and of C(gamma) nothing is known."""
    here, away = {"ansible_connection": "local"}, {"ansible_host": "192.0.2.1", "ansible_timeout": 1}
    hosts: dict[str, dict[str, t.Any]] = {"gamma": away}
    for host, lab in labs.items():
        hosts[host] = {
            **(away if host == "delta" else here),
            "runs_on": "controller" if host == "delta" else host,
            "pair": {
                "nextcloud": lab.nextcloud.url,
                "password": lab.nextcloud.admin[1],
                "occ": lab.nextcloud.occ,
                "openproject": lab.openproject.url,
                "key": lab.openproject.api_key,
                "runner": lab.openproject.runner,
            },
        }
    return {"clouds": {"hosts": hosts}, "others": {"hosts": {"controller": here}}}


@pytest.fixture(scope="module")
def foretold(repository: Repository) -> list[Told]:
    """Check mode on fresh pairs, whose servers refuse every write."""
    servers = repository.servers
    for server in servers:
        server.read_only = True
    told = repository.run("--check", "--limit", "alpha,delta", "--tags", "modules,roles")
    assert [server.refused for server in servers] == [[]] * len(servers)
    for server in servers:
        server.read_only = False
    return told


@pytest.fixture(scope="module")
def done(repository: Repository, foretold: list[Told]) -> list[Told]:
    """The real run that follows."""
    assert foretold
    return repository.run("--limit", "clouds:!gamma", "--tags", "modules,roles")


def test_check_mode_comes_to_its_end_and_foretells_changes(foretold: list[Told]) -> None:
    assert {(one.host, one.task) for one in foretold if one.changed} >= {("alpha", LINK), ("delta", SINGLE)}


@pytest.mark.parametrize("host", HOSTS)
def test_modules_and_roles_do_what_they_are_told_and_nothing_else(
    repository: Repository, done: list[Told], host: str
) -> None:
    assert [one.changed for one in done if (one.host, one.task) == (host, SINGLE)] == [True]
    # a new name and project folders, then the rotation that was asked for once, then nothing
    assert [one.changed for one in done if (one.host, one.task) == (host, LINK)] == [True, True, False]
    assert REMOVE not in {one.task for one in done}
    world = repository.labs[host].openproject.state
    assert [storage.name for storage in world.storages.values()] == ["Cloud"]
    assert [row.storage_id for row in world.project_storages.values()] == list(world.storages)


def test_a_host_outside_of_the_limit_is_left_alone(done: list[Told]) -> None:
    assert {one.host for one in done} == set(HOSTS)


def test_a_role_that_is_left_out_by_its_tag_runs_when_it_is_named(repository: Repository, done: list[Told]) -> None:
    assert all(broken_parts(lab) == [] for lab in repository.labs.values())
    told = repository.run("--limit", "alpha", "--tags", "removal")
    assert [(one.host, one.task) for one in told if one.changed] == [("alpha", REMOVE)]
    assert repository.labs["alpha"].openproject.state.storages == {}
    assert all(broken_parts(repository.labs[host]) == [] for host in ("beta", "delta"))


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "roles").iterdir()))
def test_a_role_knows_no_variable_of_another(name: str) -> None:
    """What a role defines or registers begins with its own name, so that nothing of it can mean something to another role."""
    made, used = variables_of(ROOT / "roles" / name)
    own = re.compile(f"_*{name}_")
    assert [variable for variable in sorted(made) if not own.match(variable)] == []
    assert [variable for variable in sorted(used - made) if re.match(OURS, variable) and not own.match(variable)] == []


def variables_of(role: Path) -> tuple[set[str], set[str]]:
    """The variables that a role makes (defaults, variables, loops, registered results), and those of ours that it reads."""
    made, used = set(), set()
    for path in [*role.glob("defaults/*.yml"), *role.glob("vars/*.yml"), *role.glob("tasks/*.yml")]:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        if isinstance(content, dict):
            made |= set(content)
        for key, value in _leaves(content):
            if key in ("register", "loop_var", "index_var"):
                made.add(value)
            elif key in CONDITIONS or "{{" in value or "{%" in value:
                # what stands in quotes is text, and what follows a dot is a key of something else
                used |= set(re.findall(r"(?<![\w.])_*[a-z]\w+", re.sub(r"'[^']*'", "", value)))
    assert used, "a role that reads no variable at all"
    return made, used


def _leaves(content: t.Any, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(content, dict):
        for name, value in content.items():
            yield from _leaves(value, str(name))
    elif isinstance(content, list):
        for value in content:
            yield from _leaves(value, key)
    elif isinstance(content, str):
        yield key, content
