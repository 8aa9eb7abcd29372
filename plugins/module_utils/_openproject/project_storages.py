# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A storage in many projects: read through the API, written by one start of the runner, because the API cannot (OP §3.11)."""

from __future__ import annotations

import typing as t
from collections import Counter
from dataclasses import dataclass

from .._core.errors import BadInput, Failure, Refused
from .._core.module import Call, Result, converge
from .._core.steps import OPENPROJECT, Step
from .client import OpenProject
from .projects import Project, Projects
from .runner import Runner
from .runner_diagnosis import EXAMPLES
from .storages import ListedStorage, Storages

INACTIVE, MANUAL, AUTOMATIC = "inactive", "manual", "automatic"
#: how many projects a message names one by one
MOST_NAMED = 20

Row = dict[str, str]


@dataclass(frozen=True)
class ProjectChange:
    """What one project needs.

    :param kind: C(create), C(update) or C(delete).
    :param before: how the project uses the storage now; C(None) when it does not.
    """

    kind: str
    identifier: str
    before: Row | None
    after: Row | None


class PartlyDone(Failure):
    """Some projects were refused; all others are done."""

    def __init__(
        self, answer: str, *, done: t.Sequence[str], failed: t.Sequence[t.Mapping[str, t.Any]], **details: t.Any
    ):
        super().__init__(answer, done=list(done), failed=list(failed), **details)


class ProjectStorages:
    """One storage in some projects.

    The state is a row for each of these projects: its folder mode, with the folder's id in manual mode only, where a person chose it;
    C(None) where the project does not use the storage.

    :param storage: C(None) when there is none yet (check mode only).
    """

    def __init__(
        self,
        storages: Storages,
        name: str,
        storage: ListedStorage | None,
        projects: t.Mapping[str, Project],
        runner: Runner | None,
        *,
        force_delete: bool,
    ) -> None:
        self.storages, self.name, self.storage, self.runner = storages, name, storage, runner
        self.projects, self.force_delete = projects, force_delete
        self._results: dict[str, t.Any] | None = None

    def rows(self) -> dict[str, Row | None]:
        """How each of the projects uses the storage."""
        used = self.storages.project_storages(self.storage.id) if self.storage else []
        found = {one.project_id: _row(one.mode, one.folder_id) for one in used}
        return {identifier: found.get(project.id) for identifier, project in self.projects.items()}

    def steps(self, changes: t.Sequence[ProjectChange]) -> list[Step]:
        """A step for each project. The first one that is taken starts the runner for all of them."""
        return [
            Step(
                OPENPROJECT,
                change.kind,
                self._described(change),
                apply=lambda _self: self._perform(changes),
                values={"project": change.identifier},
                single=len(changes) == 1,
            )
            for change in changes
        ]

    def check(self, steps: t.Sequence[ProjectChange]) -> None:
        """Raise what forbids the changes; nothing was written.

        :raises Refused: files would be lost, automatic management is off, or no runner is given.
        """
        identifiers = [step.identifier for step in steps]
        doomed = [step.identifier for step in steps if step.kind == "delete" and _mode(step.before) == AUTOMATIC]
        if doomed and not self.force_delete:
            raise self._refused(
                f"its automatic folders in Nextcloud would be deleted with all files in them, of {_named(doomed)}",
                "Say force_delete: true if that is meant; to keep the files, change the folder mode first",
            )
        if any(_mode(step.after) == AUTOMATIC for step in steps) and self.storage is not None:
            storage = self.storages.get(self.storage.id)
            if storage is not None and not storage.has_application_password:
                raise self._refused(
                    "automatic management of project folders is off",
                    "Switch it on first (module link with project_folders: true), or choose another project_folder_mode",
                )
        if self.runner is None:
            raise self._refused(
                f"the API of OpenProject cannot do it, and no way to its command line is given; concerned: {_named(identifiers)}",
                f"Give runner_command (and runner_exec). {EXAMPLES}. Or do it in OpenProject: Administration, Files, the storage,"
                " Enabled in projects",
            )

    def _perform(self, changes: t.Sequence[ProjectChange]) -> None:
        if self._results is None:
            runner, storage = t.cast("Runner", self.runner), t.cast("ListedStorage", self.storage)
            answer = runner.perform("project_storages", self._arguments(storage, changes), attempted=self._attempted)
            self._results = {result["project"]: result for result in answer.get("results", [])}

    def refused(self, changes: t.Sequence[ProjectChange]) -> PartlyDone | None:
        """The failure that names the projects that OpenProject refused; ``None`` when it took all."""
        results = self._results or {}
        failed: list[dict[str, t.Any]] = [
            {"project": change.identifier, "errors": _errors(results.get(change.identifier))}
            for change in changes
            if not results.get(change.identifier, {}).get("ok")
        ]
        if not failed:
            return None
        names = {one["project"] for one in failed}
        words = [f"{one['project']}: {' '.join(error['message'] for error in one['errors'])}" for one in failed]
        return PartlyDone(
            f"{len(failed)} of {len(changes)} projects were refused. {_named(words, separator='; ')}",
            attempted=self._attempted,
            server=self.storages.client.server,
            remedy=_remedy(failed),
            done=[change.identifier for change in changes if change.identifier not in names],
            failed=failed,
        )

    @property
    def _attempted(self) -> str:
        return f'change in which projects the storage "{self.name}" is'

    def _arguments(self, storage: ListedStorage, steps: t.Sequence[ProjectChange]) -> dict[str, t.Any]:
        arguments: dict[str, t.Any] = {"storage_id": storage.id, "storage_name": storage.name}
        for step in steps:
            item: dict[str, t.Any] = {
                "project_id": self.projects[step.identifier].id,
                "identifier": step.identifier,
            }
            if step.after is None:
                item["delete_folder"] = self.force_delete
            else:
                item["mode"], item["folder_id"] = _mode(step.after), step.after.get("project_folder_id")
            arguments.setdefault(step.kind, []).append(item)
        return arguments

    def _described(self, step: ProjectChange) -> str:
        if step.after is None:
            folder = " and delete its automatic folder in Nextcloud" if _mode(step.before) == AUTOMATIC else ""
            return f'remove storage "{self.name}" from project "{step.identifier}"{folder}'
        if step.before is None:
            return f'make storage "{self.name}" available in project "{step.identifier}", {_words(step.after)}'
        return f'change storage "{self.name}" in project "{step.identifier}" from {_words(step.before)} to {_words(step.after)}'

    def _refused(self, answer: str, remedy: str) -> Refused:
        return Refused(
            answer,
            attempted=self._attempted,
            server=self.storages.client.server,
            remedy=remedy,
        )


def work(call: Call) -> Result:
    """What the module C(openproject_project_storage) does."""
    _check_options(call.params)
    runner = Runner.from_call(call)
    client = OpenProject.from_call(call)
    storages = Storages(client)
    storage = _find_storage(call, storages)
    projects = _find_projects(call, Projects(client))
    wanted = ProjectStorages(
        storages, call.params["storage_name"], storage, projects, runner, force_delete=call.params["force_delete"]
    )
    before = wanted.rows()
    after = {name: _desired(call.params, row) for name, row in before.items()}
    changes = _changes(before, after)
    if changes:
        wanted.check(changes)
    result = converge(call, wanted.steps(changes), wanted, before={"projects": before}, after={"projects": after})
    refusal = wanted.refused(changes) if changes and not call.check_mode else None
    if refusal is not None:
        done = call.progress.done
        call.progress.left = [step for step in done if step.values["project"] not in refusal.facts["done"]]
        call.progress.done = [step for step in done if step.values["project"] in refusal.facts["done"]]
        raise refusal
    shown = {"storage_name": call.params["storage_name"], "projects": _listed(after)}
    return {**result, "project_storage": shown}


def _check_options(params: t.Mapping[str, t.Any]) -> None:
    if not params["storage_name"].strip():
        raise BadInput("storage_name is empty", remedy="Give the name of the storage as OpenProject shows it")
    projects, mode, folder = params["projects"], params["project_folder_mode"], params["project_folder_id"]
    if projects is None and not params["all_active"]:
        raise BadInput("no project is given", remedy="Give their identifiers in projects, or say all_active: true")
    if projects is not None and params["all_active"]:
        raise BadInput("projects and all_active are both given", remedy="Give one of them")
    doubles = [name for name, times in Counter(projects or ()).items() if times > 1]
    if doubles:
        raise BadInput(f"projects names more than once: {_named(doubles)}")
    if any(not name.strip() for name in projects or ()):
        raise BadInput("projects holds an empty identifier")
    if mode == MANUAL and not (folder or "").strip():
        raise BadInput(
            "project_folder_mode is manual, but project_folder_id is missing",
            remedy="Give Nextcloud's id of the folder: the number behind /f/ in its internal link",
        )
    if folder is not None and mode != MANUAL:
        raise BadInput("project_folder_id is given, but project_folder_mode is not manual")


def _find_storage(call: Call, storages: Storages) -> ListedStorage | None:
    name = call.params["storage_name"]
    listed = storages.listed()
    found = next((storage for storage in listed if storage.name == name), None)
    if found is not None:
        if not found.is_nextcloud:
            raise Refused(f'the storage "{name}" is not a Nextcloud', server=storages.client.server)
        return found
    if call.params["state"] == "absent":
        return None
    if call.check_mode:
        call.warn(f'There is no storage "{name}" yet. The prediction assumes that an earlier task makes it.')
        return None
    observed = f"there are: {_named([storage.name for storage in listed])}" if listed else "none can be seen"
    raise Refused(
        f'there is no storage "{name}"; {observed}',
        attempted="find the storage",
        server=storages.client.server,
        remedy="Make it first (module link), or check its name. OpenProject shows storages to administrators only, and none at all"
        " while every project is archived",
    )


def _find_projects(call: Call, projects: Projects) -> dict[str, Project]:
    """The concerned projects in the order of the options.

    :raises Refused: some are unknown or archived. An unknown project is no obstacle to having no storage.
    """
    if call.params["all_active"]:
        return {project.identifier: project for project in sorted(projects.active(), key=lambda one: one.identifier)}
    identifiers = call.params["projects"]
    found = projects.by_identifier(identifiers)
    absent = call.params["state"] == "absent"
    unknown = [name for name in identifiers if name not in found]
    archived = [name for name, project in found.items() if not project.active]
    problems = [f"there is no project with the identifier {_named(unknown)}"] if unknown and not absent else []
    if archived:
        problems.append(f"archived: {_named(archived)}")
    if problems:
        raise Refused(
            "; ".join(problems),
            attempted="find the projects",
            server=projects.client.server,
            remedy="The identifier is the part of a project's address behind /projects/. OpenProject neither shows nor changes the storages"
            " of an archived project",
        )
    if unknown:
        call.warn(f"There is no project with the identifier {_named(unknown)}, so it has no storage.")
    return found


def _desired(params: t.Mapping[str, t.Any], row: Row | None) -> Row | None:
    if params["state"] == "absent":
        return None
    mode = params["project_folder_mode"]
    if mode is None:
        return row if row is not None else _row(INACTIVE, None)
    return _row(mode, params["project_folder_id"])


def _row(mode: str, folder_id: str | None) -> Row:
    # the folder of automatic mode is made later, by the worker, and named by Nextcloud
    return {
        "project_folder_mode": mode,
        **({"project_folder_id": folder_id} if mode == MANUAL and folder_id is not None else {}),
    }


def _changes(rows: t.Mapping[str, Row | None], desired: t.Mapping[str, Row | None]) -> list[ProjectChange]:
    changes = []
    for identifier, after in desired.items():
        before = rows[identifier]
        if before != after:
            kind = "delete" if after is None else "create" if before is None else "update"
            changes.append(ProjectChange(kind, identifier, before, after))
    return changes


def _mode(row: Row | None) -> str:
    return row["project_folder_mode"] if row is not None else ""


def _words(row: Row) -> str:
    folder = f' "{row["project_folder_id"]}"' if "project_folder_id" in row else ""
    return f"{row['project_folder_mode']} folder{folder}" if _mode(row) != INACTIVE else "no project folder"


def _listed(rows: t.Mapping[str, Row | None]) -> list[dict[str, t.Any]]:
    return [
        {
            "project": identifier,
            "attached": row is not None,
            "project_folder_mode": row["project_folder_mode"] if row is not None else None,
            "project_folder_id": row.get("project_folder_id") if row is not None else None,
        }
        for identifier, row in rows.items()
    ]


def _errors(result: t.Mapping[str, t.Any] | None) -> list[dict[str, str]]:
    if result is None:
        return [{"attribute": "base", "symbol": "no_result", "message": "the runner said nothing about it."}]
    return [{key: str(error.get(key, "")) for key in ("attribute", "symbol", "message")} for error in result["errors"]]


def _remedy(failed: t.Sequence[t.Mapping[str, t.Any]]) -> str:
    symbols = {error["symbol"] for one in failed for error in one["errors"]}
    if "mode_unavailable" in symbols:
        return "Automatic management was switched off in the meantime; all other projects are done"
    if "blank" in symbols:
        return (
            "If the API shows these projects, runner_command starts another OpenProject than the one at openproject_url"
        )
    return "All other projects are done; a further run tries these again"


def _named(names: t.Sequence[str], separator: str = ", ") -> str:
    shown = separator.join(names[:MOST_NAMED])
    return f"{shown} and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else shown
