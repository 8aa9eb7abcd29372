# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No secret leaves a run of Ansible in any form, on any way, and each arrives at its server as it was given.

All modules, roles and playbooks run in real and in check mode, succeed and fail, with C(-vvvv --diff), and with secrets that look
like templates, quotes, variables and comments. What the runs leave to read is searched (:mod:`playbooks.canary`). The last tests put
leaks in on purpose: they show that the search finds them.
"""

from __future__ import annotations

import base64
import json
import re
import shlex
import sys
import typing as t
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from lab import Lab
from lab.nextcloud import http as nextcloud_http
from lab.nextcloud import http_login_flow, integration, occ_users, rows
from lab.nextcloud import state as nextcloud_state
from lab.openproject import state as openproject_state
from lab.plumbing import random_text
from playbooks import canary
from playbooks.canary import COMMAND_LINES, FILES, LOG, OUTPUT, PROGRAMS, RESULTS, ROOT, Stage, leaks
from unit.between import Asked, Said, Server
from unit.linking import arrange, broken_parts
from unit.test_lab_occ import certificate

#: longer values that the lab makes are secrets, but for client ids; shorter ones number requests
LONGEST_OF_NO_SECRET = 20
MAKERS = (nextcloud_http, http_login_flow, integration, rows, occ_users, nextcloud_state, openproject_state)
FAILS = "fails"
#: what only makes sense after changes, or fails in check mode not at all, or in the same way
NEEDS_CHANGES = "not ansible_check_mode"


def hostile() -> str:
    """A secret with every character that something on the way could take for its own."""
    first, last = (random_text(nextcloud_state.ALNUM, 12) for _unused in range(2))
    return f"{first}\"'\\{{{{ 7*7 }}}}{{% raw %}}$HOME${{x}}%41:`id`#{{# - &amp;</b>Grün€?\\n-{last}"


@dataclass
class Pair:
    """A lab whose administrators have hostile secrets, and every secret that was given to it or made by it.

    :param public: values that the lab made and that anybody may see.
    """

    lab: Lab
    given: dict[str, str]
    made: set[str] = field(default_factory=set)
    public: set[str] = field(default_factory=set)

    @property
    def secrets(self) -> dict[str, str]:
        return self.given | {f"made {number}": secret for number, secret in enumerate(sorted(self.made - self.public))}


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    names = ("nextcloud", "openproject", "key", "person", "redis", "wrong")
    with Lab(nextcloud="29") as lab:
        pair = Pair(arrange(lab), {name: hostile() for name in names})
        lab.nextcloud.state.users["admin"].password = pair.given["nextcloud"]
        lab.openproject.state.basic_auth = ("bootstrap", pair.given["openproject"])
        lab.openproject.state.admin.api_key = pair.given["key"]

        def remembered(alphabet: str, length: int, must_contain: str = "") -> str:
            value = random_text(alphabet, length, must_contain)
            if length > LONGEST_OF_NO_SECRET:
                pair.made.add(value)
            return value

        for module in MAKERS:
            monkeypatch.setattr(module, "random_text", remembered)
        _remember_public(monkeypatch, nextcloud_state.OAuthClient, "client_identifier", pair.public)
        _remember_public(monkeypatch, openproject_state.OAuthApplication, "client_id", pair.public)
        yield pair


def _remember_public(monkeypatch: pytest.MonkeyPatch, kind: t.Any, name: str, into: set[str]) -> None:
    start = kind.__init__

    def init(self: t.Any, *args: t.Any, **kwargs: t.Any) -> None:
        start(self, *args, **kwargs)
        into.add(getattr(self, name))

    monkeypatch.setattr(kind, "__init__", init)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage.below(tmp_path)


Source = Callable[[str, str], str]
VAULT, UNSAFE, ENVIRONMENT = canary.vaulted, canary.unsafe, canary.from_environment


def write_secrets(stage: Stage, secrets: t.Mapping[str, str], *sources: Source) -> dict[str, str]:
    """Write the variables C(given_<name>) into C(secrets.yml), each from the next source. Returns the environment."""
    names = list(secrets)
    text = "".join(sources[at % len(sources)](f"given_{name}", secrets[name]) for at, name in enumerate(names))
    (stage.given / "secrets.yml").write_text(text, encoding="utf-8")
    return {f"CANARY_given_{name}": secrets[name] for name in names}


def assert_nothing_leaked(stage: Stage, secrets: t.Mapping[str, str]) -> None:
    texts = stage.texts()
    assert all("".join(texts[place]) for place in texts), "a place where nothing at all was seen cannot be searched"
    found = leaks(texts, secrets)
    assert found == [], "\n\n".join(f"{leak.secret} as {leak.form} in {leak.place}: {leak.context}" for leak in found)


# What repeats what it gets


def repeated(secret: str) -> str:
    """What a careless server or command prints of a secret."""
    shown = [secret, json.dumps(secret), json.dumps(secret, ensure_ascii=False), quote(secret, safe=""), escape(secret)]
    return "\n".join([*shown, quote_plus(secret), base64.b64encode(secret.encode()).decode(), repr(secret)])


def repeating_server() -> Server:
    """Answers everything with an error page that holds the request, decoded as far as it can."""

    def answer(asked: Asked) -> Said:
        header = asked.header("Authorization") or "Basic "
        password = base64.b64decode(header.partition(" ")[2]).decode().partition(":")[2]
        body = f"<h1>500</h1>{header}\n{password and repeated(password)}\n{asked.body.decode()}"
        return Said(500, body, (("Content-Type", "text/html"),))

    return Server(answer)


def repeating_occ(stage: Stage, rc: int) -> list[str]:
    """Prints its input and its environment, and ends with this code."""
    path, program = stage.given / f"occ-{rc}", stage.given / f"occ-{rc}.py"
    program.write_text(
        "import base64, html, json, os, sys\nfrom urllib.parse import quote, quote_plus\n"
        "secret = os.environ.get('OC_PASS', '') or os.environ.get('NC_PASS', '')\n"
        "for form in (secret, json.dumps(secret), quote(secret, safe=''), quote_plus(secret), html.escape(secret),\n"
        "             base64.b64encode(secret.encode()).decode(), repr(secret), sys.stdin.read()):\n"
        "    print(form); print(form, file=sys.stderr)\n"
        f"sys.exit({rc})\n",
        encoding="utf-8",
    )
    # Through a shell, for the path of the Python may hold a blank.
    path.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, str(program)])} "$@"\n', encoding="utf-8")
    path.chmod(0o755)
    return [str(path)]


# All modules


def module_tasks(lab: Lab, stage: Stage, repeating: str) -> list[dict[str, t.Any]]:
    """Every module at least once, then what fails. Only what hands out secrets by contract has C(no_log)."""
    n = "opnc.integration."
    storage = {"name": "Cloud", "nextcloud_url": lab.nextcloud.url}
    link = {"storage_name": "Cloud", "project_folders": True}
    add_jane = ["user:add", "--password-from-env", "jane"]
    jane = {"environment": {"OC_PASS": "{{ given_person }}"}}
    redis = {"secret_system": {"redis": {"password": "{{ given_redis }}"}}}
    settings = "half.handed_out"
    succeeding: list[dict[str, t.Any]] = [
        {n + "nextcloud_occ": {"command": add_jane, **jane}},
        {n + "nextcloud_app": {"name": ["integration_openproject", "groupfolders"]}},
        {n + "nextcloud_config": {"system": {"redis": {"host": "redis.example.com"}}, **redis}},
        {n + "nextcloud_certificate": {"name": "ca", "content": certificate("ca")}},
        {n + "nextcloud_group_folder": {"mount_point": "Plans", "groups": [{"name": "admin"}]}},
        {n + "nextcloud_project_folders": {}},
        {n + "openproject_storage": storage, "register": "storage", "no_log": True},
        {
            n + "nextcloud_integration": {
                "openproject_url": lab.openproject.url,
                "openproject_client_id": "{{ storage.oauth_application.client_id | default(omit) }}",
                "openproject_client_secret": "{{ storage.oauth_application.client_secret | default(omit) }}",
                "project_folders": True,
            },
            "register": "half",
            "no_log": True,
        },
        {
            n + "openproject_storage": {
                **storage,
                "nextcloud_client_id": "{{ half.integration.oauth_client_id | default(omit, true) }}",
                "nextcloud_client_secret": f"{{{{ {settings}.nextcloud_client_secret | default(omit) }}}}",
                "application_password": f"{{{{ {settings}.application_password | default(omit) }}}}",
            }
        },
        {n + "openproject_project_storage": {"storage": "Cloud", "projects": ["demo-project"]}, "when": NEEDS_CHANGES},
        {n + "link": {**link, "verify_secrets": True}},
        {n + "link": {**link, "rotate": ["openproject_oauth", "nextcloud_oauth", "application_password"]}, "when": NEEDS_CHANGES},
        {n + "link": {**link, "nextcloud_password": "{{ omit }}"}, "name": "with an application password of its own"},
        {n + "link_info": {"check_with_runner": True}},
        {n + "nextcloud_occ": {"command": add_jane, **jane, "occ_command": repeating_occ(stage, 0)}},
    ]  # fmt: skip
    failing: list[dict[str, t.Any]] = [
        {n + "nextcloud_occ": {"command": add_jane, **jane, "occ_command": repeating_occ(stage, 1)}, "when": NEEDS_CHANGES},
        {n + "nextcloud_config": {**redis, "occ_command": repeating_occ(stage, 1)}},
        {n + "link": {**link, "openproject_url": repeating}},
        {n + "link": {**link, "nextcloud_url": repeating}, "when": NEEDS_CHANGES},
        {n + "link": {**link, "nextcloud_password": "{{ given_wrong }}"}},
        {n + "link": {**link, "state": "somewhere"}},
        {n + "link": {**link, "state": "absent"}, "when": NEEDS_CHANGES},
        {n + "link": {**link, "nextcloud_url": "https://admin:{{ given_nextcloud }}@cloud.example.com"}, "when": NEEDS_CHANGES},
        {n + "openproject_storage": {**storage, "application_password": "{{ given_wrong }}"}, "when": NEEDS_CHANGES},
        {n + "openproject_storage": {**storage, "nextcloud_client_secret": "{{ given_wrong }}\n", "nextcloud_client_id": "x"}, "when": NEEDS_CHANGES},
        {n + "nextcloud_project_folders": {"nextcloud_url": repeating, "via": "http"}, "when": NEEDS_CHANGES},
        {n + "nextcloud_group_folder": {"mount_point": "Plans", "nextcloud_url": repeating, "via": "http"}, "when": NEEDS_CHANGES},
    ]  # fmt: skip
    return [
        *succeeding,
        *({**task, "ignore_errors": True, "name": FAILS} for task in failing),
        {n + "link_info": {"nextcloud_url": repeating}},
        {n + "link": {**link, "state": "absent", "force_delete": True, "remove_project_folders": True}},
    ]


def module_play(lab: Lab, stage: Stage, repeating: str, *, check: bool) -> dict[str, t.Any]:
    """The play of these tasks, each of which is registered; what was registered is shown, but for the two documented results."""
    tasks = [task for task in module_tasks(lab, stage, repeating) if not check or task.pop("when", "") != NEEDS_CHANGES]
    names = [f"result_{number}" for number in range(len(tasks))]
    tasks = [{"register": name, **task} for name, task in zip(names, tasks, strict=True)]
    shown = [task["register"] for task in tasks if not task.get("no_log")]
    nextcloud = {
        "nextcloud_url": lab.nextcloud.url,
        "nextcloud_username": "admin",
        "nextcloud_password": "{{ given_nextcloud }}",
        "occ_command": lab.nextcloud.occ,
    }
    openproject = {
        "openproject_url": lab.openproject.url,
        "openproject_username": "bootstrap",
        "openproject_password": "{{ given_openproject }}",
        "runner_command": lab.openproject.runner,
    }
    groups = {"group/opnc.integration.nextcloud": nextcloud, "group/opnc.integration.openproject": openproject}
    show = {"ansible.builtin.debug": {"msg": f"{{{{ [{', '.join(shown)}] }}}}"}}
    return {
        "hosts": "all",
        "connection": "local",
        "gather_facts": False,
        "module_defaults": groups,
        "tasks": [*tasks, show],
    }


@pytest.mark.parametrize("check", [True, False], ids=["check", "run"])
def test_the_modules_keep_all_secrets_inside(pair: Pair, stage: Stage, check: bool) -> None:
    lab, given = pair.lab, pair.given
    # each secret comes from another source in the other run
    sources = (VAULT, UNSAFE, ENVIRONMENT) if check else (UNSAFE, ENVIRONMENT, VAULT)
    environment = write_secrets(stage, given, *sources)
    with repeating_server() as server:
        play = module_play(lab, stage, server.url, check=check)
        (stage.given / "play.json").write_text(json.dumps([play]))
        arguments = ("-i", "cloud,", "-e", "@secrets.yml", *(["--check"] if check else []), "play.json")
        code, output = stage.run("ansible-playbook", *arguments, **environment)
    assert code == 0, output[-5000:]
    assert server.asked, "nothing was sent to the server that repeats what it gets"
    assert recap(output, "cloud")["ignored"] == len([task for task in play["tasks"] if task.get("name") == FAILS])
    if not check:
        assert lab.nextcloud.state.users["jane"].password == given["person"]
        assert lab.nextcloud.state.system["redis"]["password"] == given["redis"]
    assert_nothing_leaked(stage, pair.secrets)


# All roles and playbooks

PLAYBOOKS = ("site", "rotate", "teardown", "verify")
#: link, project storage, rotation, removal
CHANGES_OF_THE_PLAYBOOKS = 4


def inventory(lab: Lab, stage: Stage) -> dict[str, t.Any]:
    """Two hosts that stand for one Nextcloud, one of which has a wrong password."""
    shared = {
        "ansible_connection": "local",
        "opnc_nextcloud_url": lab.nextcloud.url,
        "opnc_nextcloud_username": "admin",
        "opnc_occ_command": lab.nextcloud.occ,
        "opnc_openproject_url": lab.openproject.url,
        "opnc_openproject_api_key": "{{ given_key }}",
        "opnc_runner_command": lab.openproject.runner,
        "prepare_nextcloud_allow_local_remote_servers": True,
        "link_storage_name": "Cloud",
        "link_project_folders": True,
        "project_storages_projects": ["demo-project"],
        "teardown_force_delete": True,
        "verify_check_with_runner": True,
        "verify_report_path": str(stage.watched / "reports" / "{{ inventory_hostname }}.html"),
    }
    passwords = {"right": "{{ given_nextcloud }}", "wrong": "{{ given_wrong }}"}
    hosts = {name: {"opnc_nextcloud_password": password} for name, password in passwords.items()}
    return {"nextcloud": {"hosts": hosts, "vars": shared}}


def test_the_playbooks_with_their_roles_and_a_single_command_keep_all_secrets_inside(pair: Pair, stage: Stage) -> None:
    lab = pair.lab
    environment = write_secrets(stage, pair.given, VAULT, ENVIRONMENT, UNSAFE)
    (stage.given / "inventory.yml").write_text(json.dumps(inventory(lab, stage)))
    paths = [str(ROOT / "playbooks" / f"{name}.yml") for name in PLAYBOOKS]
    given = ("-i", "inventory.yml", "-e", "@secrets.yml")
    # without a link there is nothing to rotate, and the check says so as the run would
    checked = [path for path in paths if not path.endswith("rotate.yml")]
    code, output = stage.run("ansible-playbook", *given, "--limit", "right", "--check", *checked, **environment)
    assert (code, recap(output, "right")["failed"]) == (0, 0), output[-5000:]
    arguments = {
        "nextcloud_url": lab.nextcloud.url,
        "nextcloud_username": "admin",
        "nextcloud_password": "{{ opnc_nextcloud_password }}",
        "openproject_url": lab.openproject.url,
        "openproject_api_key": "{{ given_key }}",
        "storage_name": "Cloud",
        "project_folders": True,
    }
    single = ("all", "-m", "opnc.integration.link", "-a", json.dumps(arguments))
    code, output = stage.run("ansible", *given, *single, **environment)
    assert "it does not accept the password of admin" in output, output[-5000:]
    assert broken_parts(lab) == []
    lab.openproject.state.remove_storage(next(iter(lab.openproject.state.storages.values())))
    code, output = stage.run("ansible-playbook", *given, "--limit", "right", *paths, **environment)
    numbers = recap(output, "right")
    assert numbers["failed"] == 1, "the last check finds no link any more"
    assert numbers["changed"] == CHANGES_OF_THE_PLAYBOOKS
    assert_nothing_leaked(stage, pair.secrets)


def recap(output: str, host: str) -> dict[str, int]:
    """The numbers of one host, of all playbooks together."""
    line = re.findall(rf"^{host} +: (.*)$", output, re.MULTILINE)[-1]
    return {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", line)}


def test_every_module_role_and_playbook_takes_part(stage: Stage) -> None:
    with Lab(nextcloud="29") as lab:
        tasks = module_tasks(lab, stage, "http://127.0.0.1")
    used = {key.removeprefix("opnc.integration.") for task in tasks for key in task if key.startswith("opnc.")}
    assert used == {path.stem for path in (ROOT / "plugins" / "modules").glob("*.py")} - {"check_variables"}
    assert set(PLAYBOOKS) == {path.stem for path in (ROOT / "playbooks").glob("*.yml")}
    texts = "".join((ROOT / "playbooks" / f"{name}.yml").read_text() for name in PLAYBOOKS)
    roles = set(re.findall(r"name: opnc\.integration\.(\w+)", texts))
    assert roles == {path.name for path in (ROOT / "roles").iterdir()}


# The proof: leaks that were put in on purpose are found

LEAKY = """
import os, subprocess, sys, tempfile, time
from ansible.module_utils.basic import AnsibleModule

module = AnsibleModule({"way": {"type": "str"}, "names": {"type": "list", "elements": "str"}, "value": {"type": "str"}})
way, texts = module.params["way"], [os.environ[name] for name in module.params["names"] or []]
if way == "result":
    module.exit_json(texts=texts)
if way == "warning":
    module.warn(texts[0])
if way == "failure":
    module.fail_json(msg=texts[0])
if way == "difference":
    module.exit_json(changed=True, diff={"before": "", "after": texts[0]})
if way == "argument":
    subprocess.run([sys.executable, "-c", "import time; time.sleep(0.5)", *texts])
if way == "file":
    tempfile.NamedTemporaryFile("w", delete=False).write(texts[0])
if way == "removed file":
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(texts[0])
        file.flush()
module.exit_json()
"""
SHOWN = {OUTPUT, LOG, RESULTS}
#: where the search must find what leaves a module on this way
WAYS = {
    "result": SHOWN,
    "warning": {OUTPUT, LOG},
    "failure": SHOWN,
    "difference": SHOWN,
    "option": SHOWN,
    "argument": {COMMAND_LINES, PROGRAMS},
    "file": {FILES},
    "removed file": {FILES},
}
#: what a module may print instead of a secret itself
DISGUISES: dict[str, Callable[[str], str]] = {
    "JSON": json.dumps,
    "JSON, not only ASCII": lambda secret: json.dumps(secret, ensure_ascii=False),
    "JSON in JSON": lambda secret: json.dumps(json.dumps(secret)),
    "URL": lambda secret: quote(secret, safe=""),
    "URL, form, lower case": lambda secret: re.sub("%..", lambda match: match.group().lower(), quote_plus(secret)),
    "HTML": escape,
    "Python": repr,
    "Base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "Base64 of credentials": lambda secret: base64.b64encode(f"admin:{secret}".encode()).decode(),
    "Base64 for URLs": lambda secret: base64.urlsafe_b64encode(f"x{secret}".encode()).decode().rstrip("="),
    "lines": lambda secret: "\n    ".join(secret[at : at + 5] for at in range(0, len(secret), 5)),
    "a half": lambda secret: secret[: len(secret) // 2],
    "a half that is masked": lambda secret: "********" + secret[len(secret) // 2 :],
}


@pytest.mark.parametrize("disguise", DISGUISES.values(), ids=DISGUISES)
def test_a_secret_in_disguise_is_found(disguise: Callable[[str], str]) -> None:
    secret, another = hostile(), hostile()
    text = f"so on {disguise(secret)} and on"
    assert [leak.secret for leak in leaks({OUTPUT: ["", text]}, {"leaked": secret, "kept": another})] == ["leaked"]


def test_each_leak_that_was_put_in_on_purpose_is_found(pair: Pair, stage: Stage) -> None:
    """A module that leaks, and one of ours whose documented result is not hidden by C(no_log)."""
    secrets = (
        {way: hostile() for way in WAYS} | {f"result, {name}": hostile() for name in DISGUISES} | {"kept": hostile()}
    )
    leaked = {f"result, {name}": disguise(secrets[f"result, {name}"]) for name, disguise in DISGUISES.items()}
    numbered = {name: f"CANARY_TEXT_{number}" for number, name in enumerate(secrets)}
    environment = {numbered[name]: leaked.get(name, secret) for name, secret in secrets.items()}
    names = {way: [variable for name, variable in numbered.items() if name.split(",")[0] == way] for way in WAYS}
    tasks: list[dict[str, t.Any]] = [
        {"leaky": {"way": way, "names": names[way]}, "ignore_errors": True} for way in WAYS if way != "option"
    ]
    tasks.append({"leaky": {"value": "{{ given_option }}"}})
    open_storage = {
        "name": "Cloud",
        "nextcloud_url": pair.lab.nextcloud.url,
        "openproject_url": pair.lab.openproject.url,
        "openproject_api_key": "{{ given_key }}",
    }
    tasks.append({"opnc.integration.openproject_storage": open_storage})
    (stage.given / "library" / "leaky.py").write_text(LEAKY)
    (stage.given / "play.json").write_text(
        json.dumps([{"hosts": "all", "connection": "local", "gather_facts": False, "tasks": tasks}])
    )
    environment |= write_secrets(stage, {"option": secrets["option"], "key": pair.given["key"]}, UNSAFE)
    code, output = stage.run("ansible-playbook", "-i", "cloud,", "-e", "@secrets.yml", "play.json", **environment)
    assert code == 0, output[-5000:]
    (storage,) = pair.lab.openproject.state.storages.values()
    assert storage.oauth_application
    found = leaks(
        stage.texts(), secrets | {"handed out": storage.oauth_application.client_secret, "key": pair.given["key"]}
    )
    places: dict[str, set[str]] = {}
    for leak in found:
        places.setdefault(leak.secret, set()).add(leak.place)
    missed = {
        name: expected - places.get(name, set())
        for name, expected in (WAYS | dict.fromkeys([*leaked, "handed out"], SHOWN)).items()
    }
    assert {name: expected for name, expected in missed.items() if expected} == {}
    assert places.keys().isdisjoint({"kept", "key"})
