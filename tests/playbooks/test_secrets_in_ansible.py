# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets on their way through Ansible itself: untouched when they look like templates, and in no output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from lab import Lab
from lab.nextcloud import state as nextcloud_state
from unit.between import Said, Server
from unit.linking import arrange, link_args
from unit.test_masking import assert_clean

ROOT = Path(__file__).parents[2]
VAULT_PASSWORD = "the-vault-password"

NEXTCLOUD_PASSWORD = "vault-a{{b}}{%c%}{#d#}-Grün€"
OPENPROJECT_PASSWORD = "lookup-x{%xx{{y-'\"-token"
MADE = "made-{{by}}{%the%}server{#-and-long-enough"
SECRETS = (NEXTCLOUD_PASSWORD, OPENPROJECT_PASSWORD)


class Play(t.NamedTuple):
    """How a play ended and everything that it left to read."""

    code: int
    text: str


@pytest.fixture
def lab() -> t.Iterator[Lab]:
    with Lab(nextcloud="32") as lab:
        arrange(lab)
        lab.nextcloud.state.users["admin"].password = NEXTCLOUD_PASSWORD
        lab.openproject.state.basic_auth = ("bootstrap", OPENPROJECT_PASSWORD)
        yield lab


def command(name: str) -> str:
    """A program of the Ansible that runs the tests."""
    return str(Path(sys.executable).parent / name)


def sealed(vault_password: Path, secret: str) -> str:
    """The variable C(vaulted), encrypted by a program: Ansible's own library would make this process a controller."""
    options = ("--vault-password-file", str(vault_password), "--stdin-name", "vaulted")
    done = subprocess.run(
        [command("ansible-vault"), "encrypt_string", *options],
        input=secret,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout


class RunPlay(t.Protocol):
    def __call__(self, tasks: list[dict[str, t.Any]], *arguments: str, **variables: t.Any) -> Play: ...


@pytest.fixture
def play(lab: Lab, tmp_path: Path) -> RunPlay:
    """Run tasks in a play of its own, with the connection of the lab as module defaults, `-vvv` and `--diff`."""

    def run(tasks: list[dict[str, t.Any]], *arguments: str, **variables: t.Any) -> Play:
        (tmp_path / "vault-password").write_text(VAULT_PASSWORD)
        (tmp_path / "secret.txt").write_text(OPENPROJECT_PASSWORD)
        (tmp_path / "variables.yml").write_text(sealed(tmp_path / "vault-password", NEXTCLOUD_PASSWORD))
        (tmp_path / "more.json").write_text(json.dumps(variables))
        given = link_args(lab)
        nextcloud = {name: given[name] for name in given if name.startswith("nextcloud")}
        openproject = {
            "openproject_url": lab.openproject.url,
            "openproject_username": "bootstrap",
            "openproject_password": "{{ lookup('ansible.builtin.env', 'OPENPROJECT_PASSWORD') }}",
        }
        nextcloud["nextcloud_password"] = "{{ vaulted }}"
        playbook = {
            "hosts": "all",
            "gather_facts": False,
            "connection": "local",
            "module_defaults": {
                "group/opnc.integration.nextcloud": nextcloud,
                "group/opnc.integration.openproject": openproject,
            },
            "tasks": tasks,
        }
        (tmp_path / "playbook.json").write_text(json.dumps([playbook]))
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        environment |= {
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache" / "collections"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCAL_TEMP": str(tmp_path / "ansible"),
            "ANSIBLE_LOG_PATH": str(tmp_path / "ansible.log"),
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "OPENPROJECT_PASSWORD": OPENPROJECT_PASSWORD,
        }
        done = subprocess.run(
            [
                *(command("ansible-playbook"), "-i", "cloud,", "-vvv", "--diff"),
                *("--vault-password-file", str(tmp_path / "vault-password")),
                *("-e", f"@{tmp_path / 'variables.yml'}", "-e", f"@{tmp_path / 'more.json'}"),
                *(*arguments, str(tmp_path / "playbook.json")),
            ],
            capture_output=True,
            text=True,
            env=environment,
            cwd=tmp_path,
            check=False,
            timeout=300,
        )
        return Play(done.returncode, done.stdout + done.stderr + (tmp_path / "ansible.log").read_text())

    return run


def link(name: str = "Cloud", **more: t.Any) -> dict[str, t.Any]:
    return {"opnc.integration.link": {"storage_name": name, "project_folders": True, **more}}


def test_secrets_that_look_like_templates_come_from_everywhere(lab: Lab, play: RunPlay, tmp_path: Path) -> None:
    """Field case O08 (a) vault, (b) environment, (c) lookup of a file; O12: `-vvv --diff` shows none of them."""
    from_file = "{{ lookup('ansible.builtin.file', folder + '/secret.txt') }}"
    played = play([link(), link(openproject_password=from_file)], folder=str(tmp_path))
    assert played.code == 0, played.text
    assert "ok=2    changed=1" in played.text
    for secret in (*SECRETS, *made_by(lab)):
        assert_clean(played.text, secret)


def made_by(lab: Lab) -> list[str]:
    """The secrets that the two servers made for the link."""
    (storage,) = lab.openproject.state.storages.values()
    assert storage.oauth_application
    assert storage.client
    assert storage.password
    return [storage.oauth_application.client_secret, storage.client.client_secret, storage.password]


def test_a_secret_of_our_own_result_goes_into_the_next_task_as_it_is(
    lab: Lab, play: RunPlay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Field case O08 (d): the halves hand secrets out, and an application password can hold braces (NC §9)."""
    random_text = nextcloud_state.random_text

    def braces(alphabet: str, length: int, must_contain: str = "") -> str:
        return MADE if must_contain else random_text(alphabet, length, must_contain)

    monkeypatch.setattr(nextcloud_state, "random_text", braces)
    tasks: list[dict[str, t.Any]] = [
        {
            "opnc.integration.openproject_storage": {"name": "Cloud", "nextcloud_url": lab.nextcloud.url},
            "register": "storage",
            "no_log": True,
        },
        {
            "opnc.integration.nextcloud_integration": {
                "openproject_url": lab.openproject.url,
                "openproject_client_id": "{{ storage.oauth_application.client_id }}",
                "openproject_client_secret": "{{ storage.oauth_application.client_secret }}",
                "project_folders": True,
            },
            "register": "half",
            "no_log": True,
        },
        {
            "opnc.integration.openproject_storage": {
                "name": "Cloud",
                "nextcloud_url": lab.nextcloud.url,
                "nextcloud_client_id": "{{ half.integration.oauth_client_id }}",
                "nextcloud_client_secret": "{{ half.handed_out.nextcloud_client_secret }}",
                "application_password": "{{ half.handed_out.application_password }}",
            }
        },
    ]
    played = play(tasks)
    assert played.code == 0, played.text
    assert made_by(lab)[-1] == MADE, "OpenProject has tried it on Nextcloud"
    for secret in (*SECRETS, *made_by(lab)):
        assert_clean(played.text, secret)


def test_a_failing_task_shows_nothing(lab: Lab, play: RunPlay) -> None:
    """Field case O12: servers that echo, options that are wrong, a loop.

    The loop is over names. Of a loop over secrets Ansible itself shows every item, which no module can prevent.
    """
    lab.openproject.state.basic_auth = ("bootstrap", "another-one")

    def echo(asked: t.Any) -> Said:
        body = f"<h1>500</h1>{asked.headers} {OPENPROJECT_PASSWORD}"
        return Said(500, body, (("Content-Type", "text/html"),))

    with Server(echo) as server:
        tasks: list[dict[str, t.Any]] = [
            link(),
            link(openproject_url=server.url),
            link(state="somewhere"),
            link(nextcloud_url="https://admin:{{ vaulted }}@cloud.example.com"),
            {
                "opnc.integration.link": {"storage_name": "{{ item }}", "nextcloud_password": "{{ passwords[item] }}"},
                "vars": {"passwords": {"Cloud": "{{ vaulted }}"}},
                "loop": ["Cloud"],
            },
        ]
        played = play([{**task, "ignore_errors": True} for task in tasks])
    assert "ignored=5" in played.text, played.text
    for secret in SECRETS:
        assert_clean(played.text, secret)
