# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module openproject_project_storage against the lab's OpenProject and its runner."""

from __future__ import annotations

import typing as t

import pytest

from lab import Lab
from unit.labs import Labs

MODULE = "openproject_project_storage"
DEMO, SCRUM = "demo-project", "your-scrum-project"


@pytest.fixture(params=["15.4", "17.6"])
def lab(request: pytest.FixtureRequest, labs: Labs) -> Lab:
    lab = labs.fresh(openproject=request.param)
    world = lab.openproject.state
    world.ssrf_allow_list = ["127.0.0.0/8"]
    storage = world.add_storage("nc", f"{lab.nextcloud.url}/")
    world.set_client(storage, "client", "a-client-secret-of-nextcloud")
    storage.automatic_management, storage.password = True, "an-application-password"
    return lab


class Project:
    """The module, called for the lab."""

    def __init__(self, lab: Lab, run_module: t.Any) -> None:
        self.lab, self.run_module = lab, run_module

    def __call__(self, *projects: str, check_mode: bool = False, **args: t.Any) -> dict[str, t.Any]:
        server = self.lab.openproject
        given: dict[str, t.Any] = {
            "openproject_url": server.url,
            "openproject_api_key": server.api_key,
            "runner_command": server.runner,
            "storage": "nc",
            **({"projects": list(projects)} if projects else {}),
            **args,
        }
        result = self.run_module(
            MODULE, {name: value for name, value in given.items() if value is not None}, check_mode=check_mode
        )
        assert isinstance(result, dict)
        return result

    def rows(self) -> dict[str, tuple[str, str | None]]:
        """Which projects have the storage, with mode and folder id."""
        world = self.lab.openproject.state
        return {
            world.projects[row.project_id].identifier: (row.mode, row.folder_id)
            for row in world.project_storages.values()
        }

    def attach(self, identifier: str, mode: str, folder_id: str | None = None) -> None:
        world = self.lab.openproject.state
        project = world.find_project(identifier)
        assert project is not None
        world.add_project_storage(project, next(iter(world.storages.values())), mode, folder_id)

    @property
    def starts(self) -> int:
        return len(self.lab.openproject.runner_starts)


@pytest.fixture
def module(lab: Lab, run_module: t.Any) -> Project:
    return Project(lab, run_module)


def test_new_projects_get_no_folder_unless_one_is_wished(module: Project) -> None:
    result = module(DEMO, SCRUM)

    assert result["changed"]
    assert module.rows() == {DEMO: ("inactive", None), SCRUM: ("inactive", None)}
    assert module.starts == 1
    assert result["actions"] == [
        f'make storage "nc" available in project "{DEMO}", no project folder',
        f'make storage "nc" available in project "{SCRUM}", no project folder',
    ]
    assert result["project_storage"] == {
        "storage_name": "nc",
        "projects": [
            {"project": name, "attached": True, "project_folder_mode": "inactive", "project_folder_id": None}
            for name in (DEMO, SCRUM)
        ],
    }


def test_second_run_changes_nothing_costs_three_reads_and_no_start(module: Project) -> None:
    module(DEMO, SCRUM, project_folder_mode="automatic")
    starts, requests = module.starts, len(module.lab.openproject.requests)

    result = module(DEMO, SCRUM, project_folder_mode="automatic")

    assert not result["changed"]
    assert result["actions"] == []
    assert result["diff"]["before"] == result["diff"]["after"]
    assert module.starts == starts
    assert [exchange.method for exchange in module.lab.openproject.requests[requests:]] == ["GET"] * 3


@pytest.mark.parametrize(
    ("before", "desired"),
    [
        ({}, {"project_folder_mode": "automatic"}),
        ({}, {"project_folder_mode": "manual", "project_folder_id": "42"}),
        ({DEMO: ("manual", "42")}, {"project_folder_mode": "inactive"}),
        ({DEMO: ("inactive", None)}, {"project_folder_mode": "manual", "project_folder_id": "7"}),
        ({DEMO: ("manual", "42"), SCRUM: ("inactive", None)}, {}),
        ({DEMO: ("automatic", "24")}, {"state": "absent", "force_delete": True}),
    ],
)
def test_check_mode_predicts_what_the_run_does_and_writes_nothing(
    module: Project, before: dict[str, tuple[str, str | None]], desired: dict[str, t.Any]
) -> None:
    for identifier, (mode, folder_id) in before.items():
        module.attach(identifier, mode, folder_id)
    module.lab.openproject.read_only = True

    predicted = module(DEMO, SCRUM, check_mode=True, **desired)

    assert module.rows() == before
    assert module.starts == 0
    assert module.lab.openproject.refused == []
    module.lab.openproject.read_only = False
    assert module(DEMO, SCRUM, **desired) == predicted
    assert not module(DEMO, SCRUM, **desired)["changed"]


def test_unset_mode_leaves_attached_projects_as_they_are(module: Project) -> None:
    module.attach(DEMO, "manual", "42")

    result = module(DEMO, SCRUM)

    assert module.rows() == {DEMO: ("manual", "42"), SCRUM: ("inactive", None)}
    assert len(result["actions"]) == 1


@pytest.mark.parametrize("mode", ["inactive", "automatic"])
def test_leaving_manual_mode_forgets_the_folder(module: Project, mode: str) -> None:
    module.attach(DEMO, "manual", "42")

    result = module(DEMO, project_folder_mode=mode)

    assert result["diff"]["before"]["projects"][DEMO] == {"project_folder_mode": "manual", "project_folder_id": "42"}
    assert result["diff"]["after"]["projects"][DEMO] == {"project_folder_mode": mode}
    assert module.rows() == {DEMO: (mode, None)}


def test_another_folder_in_manual_mode_is_a_change(module: Project) -> None:
    module.attach(DEMO, "manual", "42")

    result = module(DEMO, project_folder_mode="manual", project_folder_id="43")

    assert result["actions"] == [
        f'change storage "nc" in project "{DEMO}" from manual folder "42" to manual folder "43"'
    ]
    assert module.rows() == {DEMO: ("manual", "43")}


def test_only_the_projects_that_differ_are_touched(module: Project) -> None:
    world = module.lab.openproject.state
    names = [f"project-{number}" for number in range(100)]
    for name in names:
        world.add_project(name)
    for name in names[:97]:
        module.attach(name, "inactive")

    result = module(*names, project_folder_mode="inactive")

    assert len(result["actions"]) == 3
    assert module.starts == 1
    assert set(module.rows()) == set(names)


def test_all_active_means_every_project_that_is_not_archived_on_however_many_pages(
    module: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab.openproject.http_projects.LARGEST_PAGE_SIZE", 50)
    world = module.lab.openproject.state
    world.add_project("archived", active=False)
    for number in range(120):
        world.add_project(f"project-{number}")

    result = module(all_active=True)

    assert len(module.rows()) == 122
    assert "archived" not in module.rows()
    assert module.starts == 1
    names = [project["project"] for project in result["project_storage"]["projects"]]
    assert names == sorted(module.rows())
    assert not module(all_active=True)["changed"]


def test_absent_takes_the_storage_away_from_the_named_projects_only(module: Project) -> None:
    module.attach(DEMO, "inactive")
    module.attach(SCRUM, "manual", "42")

    result = module(DEMO, state="absent")

    assert result["changed"]
    assert module.rows() == {SCRUM: ("manual", "42")}
    assert not module(DEMO, state="absent")["changed"]


def test_automatic_folders_are_only_deleted_when_that_is_said(module: Project) -> None:
    module.attach(DEMO, "automatic", "24")
    module.attach(SCRUM, "inactive")

    refused = module(DEMO, SCRUM, state="absent")

    assert refused["failed"]
    assert DEMO in refused["msg"]
    assert SCRUM not in refused["msg"]
    assert "force_delete: true" in refused["msg"]
    assert module.starts == 0
    result = module(DEMO, SCRUM, state="absent", force_delete=True)
    assert result["actions"] == [
        f'remove storage "nc" from project "{DEMO}" and delete its automatic folder in Nextcloud',
        f'remove storage "nc" from project "{SCRUM}"',
    ]
    assert module.rows() == {}


@pytest.mark.parametrize("check_mode", [False, True])
def test_automatic_mode_is_refused_while_automatic_management_is_off(module: Project, check_mode: bool) -> None:
    next(iter(module.lab.openproject.state.storages.values())).automatic_management = False

    result = module(DEMO, project_folder_mode="automatic", check_mode=check_mode)

    assert result["failed"]
    assert "automatic management of project folders is off" in result["msg"]
    assert module.starts == 0


def test_unknown_and_archived_projects_are_named_together_and_nothing_is_written(module: Project) -> None:
    module.lab.openproject.state.add_project("old", active=False)

    result = module(DEMO, "nope", "old", "neither")

    assert result["failed"]
    assert "nope, neither" in result["msg"]
    assert "archived: old" in result["msg"]
    assert DEMO not in result["msg"]
    assert module.starts == 0


def test_a_name_or_another_case_is_not_an_identifier(module: Project) -> None:
    result = module("Demo project", "DEMO-PROJECT")

    assert "Demo project, DEMO-PROJECT" in result["msg"]


def test_a_project_that_is_gone_has_no_storage(module: Project) -> None:
    module.attach(DEMO, "inactive")

    result = module(DEMO, "gone", state="absent")

    assert result["changed"]
    assert any("gone" in warning for warning in result["warnings"])
    assert module.rows() == {}


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"projects": [DEMO, SCRUM, DEMO]}, f"more than once: {DEMO}"),
        ({"projects": [DEMO, " "]}, "empty identifier"),
        ({}, "no project is given"),
        ({"projects": [DEMO], "all_active": True}, "both given"),
        ({"projects": [DEMO], "storage": " "}, "storage_name is empty"),
        ({"projects": [DEMO], "project_folder_mode": "manual"}, "project_folder_id is missing"),
        ({"projects": [DEMO], "project_folder_id": "42"}, "not manual"),
        ({"projects": [DEMO], "runner_exec": ["docker", "exec", "openproject"]}, "--interactive"),
        ({"projects": [DEMO], "runner_command": ["bundle exec rails runner -"]}, '["bundle", "exec"'),
    ],
)
def test_unusable_options_are_named_before_the_first_request(
    module: Project, args: dict[str, t.Any], words: str
) -> None:
    result = module(**args)

    assert result["failed"]
    assert words in result["msg"]
    assert module.lab.openproject.requests == []


@pytest.mark.parametrize("check_mode", [False, True])
def test_without_a_runner_the_three_ways_and_the_projects_are_named(module: Project, check_mode: bool) -> None:
    module.attach(DEMO, "inactive")

    result = module(DEMO, SCRUM, runner_command=None, check_mode=check_mode)

    assert result["failed"]
    assert f"concerned: {SCRUM}." in result["msg"]
    for words in ("packages", "[openproject, run,", "docker, exec, --interactive", "kubectl, exec, --stdin"):
        assert words in result["msg"]
    assert set(module.rows()) == {DEMO}


def test_without_a_runner_nothing_to_do_is_fine(module: Project) -> None:
    module.attach(DEMO, "manual", "42")

    result = module(DEMO, project_folder_mode="manual", project_folder_id="42", runner_command=None)

    assert not result["changed"]
    assert not result.get("failed")


def test_errors_of_single_projects_are_told_and_all_others_done(
    module: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = module.lab.openproject
    start = server.controls["runner"]

    def archive_in_between(request: t.Any) -> t.Any:
        project = server.state.find_project(DEMO)
        assert project is not None
        project.active = False
        return start(request)

    monkeypatch.setitem(server.controls, "runner", archive_in_between)

    result = module(DEMO, SCRUM)

    assert result["failed"]
    assert result["changed"]
    assert f"1 of 2 projects were refused. {DEMO}: may not be accessed." in result["msg"]
    assert result["error"] == {
        "type": "PartlyDone",
        "done": [SCRUM],
        "failed": [
            {
                "project": DEMO,
                "errors": [{"attribute": "base", "symbol": "error_unauthorized", "message": "may not be accessed."}],
            }
        ],
    }
    assert set(module.rows()) == {SCRUM}


def test_a_runner_that_fails_is_explained(module: Project) -> None:
    module.lab.openproject.state.runner_failure = (1, "", "Could not locate Gemfile or .bundle/ directory\n")

    result = module(DEMO)

    assert result["failed"]
    assert "Could not locate Gemfile" in result["msg"]
    assert result["error"] == {"type": "CommandError", "rc": 1, "cause": "wrong_directory"}


def test_a_storage_that_is_not_there_is_refused_with_those_that_are(module: Project) -> None:
    result = module(DEMO, storage="NC")

    assert 'there is no storage "NC"; there are: nc.' in result["msg"]


def test_a_storage_that_is_not_there_yet_is_a_warning_in_check_mode(module: Project) -> None:
    result = module(DEMO, storage="later", project_folder_mode="automatic", check_mode=True)

    assert result["changed"]
    assert result["actions"] == [f'make storage "later" available in project "{DEMO}", automatic folder']
    assert any("later" in warning for warning in result["warnings"])


def test_a_storage_that_is_not_there_is_in_no_project(module: Project) -> None:
    result = module(DEMO, storage="later", state="absent")

    assert not result["changed"]
    assert not result.get("failed")


def test_names_beyond_ascii_arrive_unchanged(module: Project) -> None:
    world = module.lab.openproject.state
    name = "Dateien «Köln» 😀 #{1} 'x' \"y\" \\"
    storage = next(iter(world.storages.values()))
    storage.name = name
    world.add_project("straße-größe")

    result = module("straße-größe", storage=name)

    assert result["changed"]
    assert set(module.rows()) == {"straße-größe"}
    assert not module("straße-größe", storage=name)["changed"]
