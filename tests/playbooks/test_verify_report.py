# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role verify as people meet it: the table in the play's output, when the play fails, and what the HTML page shows."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
import typing as t
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ansible_collections.opnc.integration.plugins.module_utils._link.catalogue import PARTS
from lab import Lab
from lab.nextcloud.state import OPENPROJECT
from lab.openproject.state import AUTOMATIC
from unit.conftest import RunModule
from unit.linking import arrange, count, forget_requests, link_args

ROOT = Path(__file__).parents[2]
HOSTILE = '<script>alert(1)</script>" onload="x {{ 7 * 7 }} <!--'


@dataclass
class Page(HTMLParser):
    """What an HTML page consists of."""

    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    @classmethod
    def read(cls, path: Path) -> Page:
        page = cls()
        page.feed(path.read_text(encoding="utf-8"))
        page.close()
        page.text = " ".join(page.text.split())
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text += f"{data} "

    def with_class(self, tag: str, name: str) -> list[dict[str, str]]:
        return [
            attributes
            for found, attributes in self.tags
            if found == tag and name in attributes.get("class", "").split()
        ]


@dataclass
class Play:
    """One run of the playbook."""

    code: int
    output: str

    @property
    def table(self) -> list[str]:
        """The lines that the role shows."""
        found = re.search(r'"msg": (\[.*?\n    \])', self.output, re.DOTALL)
        assert found, self.output
        lines = json.loads(found.group(1))
        assert isinstance(lines, list)
        return lines


@pytest.fixture
def lab(run_module: RunModule) -> t.Iterator[Lab]:
    """A complete pair whose storage one project uses."""
    with Lab(nextcloud="29", openproject="15.4") as lab:
        arrange(lab)
        run_module("link", link_args(lab, project_folders=True))
        world = lab.openproject.state
        (storage,) = list(world.storages.values())
        world.add_project_storage(world.projects[min(world.projects)], storage, AUTOMATIC)
        yield lab


@pytest.fixture
def play(lab: Lab, tmp_path: Path) -> t.Callable[..., Play]:
    """Run playbooks/verify.yml against the pair."""

    def run(*arguments: str, **variables: t.Any) -> Play:
        connection = {f"opnc_{name}": value for name, value in link_args(lab).items() if name != "storage_name"}
        given = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "opnc_hosts": "all",
            "link_storage_name": "Cloud",
            "link_project_folders": True,
            **connection,
            **variables,
        }
        (tmp_path / "variables.json").write_text(json.dumps(given))
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        environment |= {
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache" / "collections"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCAL_TEMP": str(tmp_path / "ansible"),
        }
        done = subprocess.run(
            [
                *(str(Path(sys.executable).parent / "ansible-playbook"), "-i", "cloud.example.com,"),
                *("-e", f"@{tmp_path / 'variables.json'}", *arguments, str(ROOT / "playbooks" / "verify.yml")),
            ],
            capture_output=True,
            text=True,
            env=environment,
            cwd=tmp_path,
            check=False,
        )
        return Play(done.returncode, done.stdout + done.stderr)

    return run


def spoil(lab: Lab) -> None:
    """An error, two warnings, and a name that wants to be a script."""
    next(iter(lab.nextcloud.state.folders.values())).groups = {OPENPROJECT: 1}
    lab.nextcloud.state.set_app_value("core", "lastcron", "1")
    (storage,) = lab.openproject.state.storages.values()
    storage.name = HOSTILE


def assert_self_contained_and_escaped(report: Path) -> None:
    page = Page.read(report)
    assert HOSTILE in page.text
    assert {tag for tag, _unused in page.tags}.isdisjoint({"script", "img", "iframe", "object", "form", "base", "link"})
    for tag, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes), tag
        assert tag == "a" or not {"src", "href", "xlink:href"} & set(attributes), tag
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert all(link.startswith("https://") for link in links)
    assert any("default-src 'none'" in attributes.get("content", "") for _unused, attributes in page.tags)
    style = report.read_text(encoding="utf-8")
    for rule in ("prefers-color-scheme: dark", "@media print", "width=device-width"):
        assert rule in style
    assert "url(http" not in style
    assert "@import" not in style


def test_right_link(play: t.Callable[..., Play], tmp_path: Path) -> None:
    report = tmp_path / "link.html"

    done = play(verify_report_path=str(report))

    assert done.code == 0, done.output
    assert "changed=0" in done.output
    assert done.table[0] == "Nothing wrong was found."
    assert "OpenProject 15.4.0: supported (tried: 15.4.0 and 16.3.0)" in done.table
    page = Page.read(report)
    assert page.with_class("header", "right")
    assert "Everything is right" in page.text
    assert "What is the matter" not in page.text
    assert not page.with_class("tr", "wrong")


def test_table_and_report_of_a_broken_link(lab: Lab, play: t.Callable[..., Play], tmp_path: Path) -> None:
    spoil(lab)
    report = tmp_path / "link.html"

    done = play("--check", "--diff", verify_report_path=str(report))

    # what earlier tasks of a play would set right is not right yet
    assert done.code == 0
    assert "changed=0" in done.output
    table = done.table
    findings = table[: table.index("")]
    assert [line.split()[:2] for line in findings] == [
        ["error", "folder_permissions"],
        ["warning", "cron_not_run"],
        ["warning", "storage_name_differs"],
    ]
    assert len({re.match(r"\w+ +\w+ +", line).end() for line in findings}) == 1  # type: ignore[union-attr]
    assert HOSTILE in findings[2]
    assert any(line.startswith("folder_permissions  ") and "occ groupfolders:group" in line for line in table)
    assert "Not looked at" in table

    page = Page.read(report)
    # what is the matter, with its remedies
    assert page.with_class("header", "wrong")
    assert [attributes["class"] for attributes in page.with_class("section", "card")] == [
        "card error",
        "card warning",
        "card warning",
    ]
    for text in ("does not have all permissions", "occ groupfolders:group 1 OpenProject", "occ background:cron"):
        assert text in page.text
    # both servers, and each part in its colour
    assert lab.nextcloud.url in page.text
    assert lab.openproject.url in page.text
    assert "OpenProject Integration 2.10.0" in page.text
    assert len(page.with_class("tr", "wrong")) == 1
    assert len(page.with_class("tr", "warning")) == 2
    assert len(page.with_class("tr", "right")) == 4
    # the picture: two boxes and one for projects, four ways between them, once for screens and once for phones
    assert [attributes["class"] for tag, attributes in page.tags if tag == "svg"] == ["wide", "narrow"]
    assert len(page.with_class("rect", "box")) == 6
    assert len(page.with_class("line", "way")) == 8
    assert page.text.count("✕") >= 3
    assert_self_contained_and_escaped(report)


@pytest.mark.parametrize(
    ("variables", "fails"),
    [
        ({}, True),
        ({"verify_fail_on": "never"}, False),
        ({"verify_ignore": ["folder_permissions"], "verify_fail_on": "warning"}, True),
    ],
)
def test_when_the_role_fails(lab: Lab, play: t.Callable[..., Play], variables: dict[str, t.Any], fails: bool) -> None:
    spoil(lab)

    done = play(**variables)

    assert (done.code != 0) is fails, done.output
    assert ("The link has" in done.output) is fails
    shown = [line.split()[1] for line in done.table[: done.table.index("")]]
    assert ("folder_permissions" in shown) is ("verify_ignore" not in variables)


def test_server_that_is_down_is_a_line_of_the_table(play: t.Callable[..., Play], tmp_path: Path) -> None:
    report = tmp_path / "link.html"

    done = play(opnc_openproject_url="http://127.0.0.1:9", verify_report_path=str(report))

    assert done.code == 2
    assert done.table[0].startswith("error    openproject_unreachable")
    page = Page.read(report)
    assert page.with_class("tr", "not_checked")
    assert "version not seen" in page.text


@pytest.mark.parametrize("password", ["nextcloud", "error", "warning", "right", "wrong"])
def test_a_password_that_is_a_word_of_the_result_spoils_nothing(
    lab: Lab, play: t.Callable[..., Play], tmp_path: Path, password: str
) -> None:
    """Field case O47: Ansible masks what a secret equals, so neither the findings nor the page depend on such a value."""
    spoil(lab)
    lab.nextcloud.state.users["admin"].password = password
    report = tmp_path / "link.html"

    done = play(opnc_nextcloud_password=password, verify_report_path=str(report))

    assert done.code == 2, done.output
    findings = done.table[: done.table.index("")]
    assert [line.split()[0] for line in findings] == ["error", "warning", "warning"], done.table
    assert "The link has 1 error and 2 warnings" in done.output
    page = Page.read(report)
    assert page.with_class("header", "wrong")
    assert [attributes["class"] for attributes in page.with_class("section", "card")] == [
        "card error",
        "card warning",
        "card warning",
    ]
    for title in PARTS.values():
        assert title in page.text
    assert len(page.with_class("tr", "wrong")) == 1
    assert len(page.with_class("tr", "warning")) == 2
    assert len(page.with_class("tr", "right")) == 4


def test_the_report_is_for_its_owner_and_comes_after_the_findings(play: t.Callable[..., Play], tmp_path: Path) -> None:
    report = tmp_path / "link.html"

    done = play(verify_report_path=str(report))

    assert stat.S_IMODE(report.stat().st_mode) == 0o640
    assert done.output.index("Nothing wrong was found.") < done.output.index("Write the report")


@pytest.mark.parametrize("path", ["link.html", "../link.html", "/no/such/folder/link.html"])
def test_a_path_that_the_report_cannot_have_is_refused_before_anything_is_sent(
    lab: Lab, play: t.Callable[..., Play], path: str
) -> None:
    forget_requests(lab)

    done = play(verify_report_path=path)

    assert done.code == 2
    assert f"verify_report_path is {path}" in done.output
    assert count(lab) == (0, 0)
