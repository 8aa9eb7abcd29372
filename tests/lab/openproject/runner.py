# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for `rails runner -`: reads the product's Ruby from standard input and does what it asks for (OP §8, §16).

There is no Ruby here. The program carries its input as one line of JSON in a heredoc; that is found, and the operation it names is
done with the rules of OpenProject's services. OPERATIONS is the one table to adapt when the program changes.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from .health_report import health_report, verdict
from .live_checks import CheckRaised, NextcloudSide
from .state import AUTOMATIC, FOLDER_MODES, INACTIVE, MANUAL, OpenProjectState, Project, ProjectStorage, Storage, now

INPUT = re.compile(r"<<~'OPNC_INPUT'\)?[^\n]*\n\s*(\{[^\n]*\})\s*\n\s*OPNC_INPUT\s*$", re.MULTILINE)
ANSWER_MARK = "OPNC_ANSWER"

SYNTAX_ERROR = """\
bin/rails: Please specify a valid ruby command or the path of a script to run.
Run 'bin/rails runner -h' for help.

-:1: syntax error found (SyntaxError)
"""

Json = dict[str, Any]


@dataclass(frozen=True)
class ServiceError:
    """One error of a service result: where, as which symbol, in which words."""

    attribute: str
    symbol: str
    message: str


UNAUTHORIZED = ServiceError("base", "error_unauthorized", "may not be accessed.")
PROJECT_BLANK = ServiceError("project", "blank", "Project can't be blank.")
FOLDER_BLANK = ServiceError("project_folder_id", "blank", "Project folder Please select a folder.")
MODE_UNAVAILABLE = ServiceError(
    "project_folder_mode", "mode_unavailable", "Project folder mode is not available for this storage."
)


class RubyError(Exception):
    """An exception in the Ruby program, which answers with its class and message."""

    def __init__(self, ruby_class: str, message: str) -> None:
        super().__init__(message)
        self.ruby_class = ruby_class
        self.answer = {"error": {"class": ruby_class, "message": message}}


@dataclass
class Runner:
    """One start of the runner."""

    world: OpenProjectState
    nextcloud: NextcloudSide
    read_only: bool = False
    refused: bool = False
    """Whether a write was refused because the lab is read-only."""
    _output: list[str] = field(default_factory=list)

    def run(self, argv: list[str], script: str) -> Json:
        """`{"rc", "stdout", "stderr"}` of this start."""
        if self.world.runner_failure is not None:
            rc, stdout, stderr = self.world.runner_failure
            return {"rc": rc, "stdout": stdout, "stderr": stderr}
        if argv[:2] != ["runner", "-"]:
            return self._end(1, f"Unrecognized command {' '.join(argv)!r} (Rails::Command::UnrecognizedCommandError)\n")
        self._log("Increasing database pool size to 9 to match max threads")
        found = INPUT.search(script)
        if found is None:
            return self._end(1, SYNTAX_ERROR)
        request = json.loads(found.group(1))
        operation = OPERATIONS.get(request.get("operation"))
        if operation is None:
            return self._end(1, f"-:1: unknown operation {request.get('operation')!r} (RuntimeError)\n")
        if self.read_only and operation.writes:
            self.refused = True
            return self._end(1, "The lab is read-only\n")
        try:
            with self.world.lock:
                answer = operation.perform(self, request)
        except RubyError as error:
            answer = error.answer
        self._output += ["", f"{ANSWER_MARK} {json.dumps(answer)}"]
        return self._end(0, "")

    def project_storages(self, request: Json) -> Json:
        """Detach, change and attach; an error of one project does not hold up the others."""
        storage = self._storage(request)
        results = []
        for kind in ("delete", "update", "create"):
            for item in request.get(kind) or []:
                errors = self._detach(storage, item) if kind == "delete" else self._attach_or_change(storage, item)
                results.append(
                    {
                        "project": item.get("identifier"),
                        "ok": not errors,
                        "errors": [vars(error) for error in errors],
                    }
                )
        if any(result["ok"] for result in results):
            self._enqueue_sync()
            self.nextcloud.make_missing_folders(storage)
        return {"results": results}

    def replace_oauth_application(self, request: Json) -> Json:
        """A new OAuth application in the place of the old one, if there is one."""
        storage = self._storage(request)
        application = self.world.new_oauth_application(storage, self.world.system.id)
        storage.oauth_application = application
        return {"client_id": application.client_id, "client_secret": application.client_secret}

    def connection_check(self, request: Json) -> Json:
        """What OpenProject's own check of the connection finds (OP §8.2, §16)."""
        try:
            storage = self._storage(request)
            if self.world.profile.checks_in_groups:
                self._log("[Adapters::Registry] Resolving nextcloud.validators.connection")
                return verdict(health_report(self.world, self.nextcloud, storage))
            self._resolve("nextcloud.queries.capabilities")
            result = self.nextcloud.connection(storage)
        except RubyError as error:
            return {"type": "error", "error_code": "raised", "description": f"{error.ruby_class}: {error}"}
        except CheckRaised as error:
            return {"type": "error", "error_code": "raised", "description": f"ArgumentError: {error}"}
        if storage.automatic_management and result.error_code != "err_missing_dependencies":
            self._resolve("nextcloud.queries.files")
            self._resolve("nextcloud.authentication.userless")
        return {"type": result.type, "error_code": result.error_code, "description": result.description}

    def verify_secrets(self, request: Json) -> Json:
        """Try the two secrets that OpenProject holds, each `right`, `wrong` or `unknown`."""
        storage, code = self._storage(request), request.get("code")
        return {
            "application_password": self.nextcloud.password_verdict(storage),
            "nextcloud_client": self.nextcloud.oauth_client_verdict(storage, code) if code else "unknown",
        }

    def _storage(self, request: Json) -> Storage:
        storage = self.world.storages.get(int(request["storage_id"]))
        if storage is None:
            text = f"Couldn't find Storages::Storage with 'id'={request['storage_id']}"
            raise RubyError("ActiveRecord::RecordNotFound", text)
        if request.get("storage_name") not in (None, storage.name):
            raise RubyError("ArgumentError", f"storage {storage.id} is not the one that was meant")
        return storage

    def _attach_or_change(self, storage: Storage, item: Json) -> list[ServiceError]:
        """What is attached already is changed; the services alone would answer `taken` (OP §16)."""
        project = self._project(item)
        row = self._row(storage, project)
        if project is None:
            return [UNAUTHORIZED, PROJECT_BLANK]
        if not project.active:
            return [UNAUTHORIZED]
        mode = item.get("mode", INACTIVE)
        folder = _folder_of(row, mode, item.get("folder_id"))
        errors = self._folder_errors(storage, mode, folder)
        if errors:
            return errors
        if row is None:
            self.world.add_project_storage(project, storage, mode, folder)
            project.updated_at = now()
        elif (mode, folder) != (row.mode, row.folder_id):
            if row.mode == AUTOMATIC:
                row.last_automatic_folder = row.folder_id
            row.mode, row.folder_id, row.updated_at = mode, folder, now()
        return []

    def _folder_errors(self, storage: Storage, mode: str, folder: str | None) -> list[ServiceError]:
        """What the contract of a project storage refuses; an unknown mode is an exception of its own (OP §16)."""
        if mode not in FOLDER_MODES:
            return [ServiceError("base", "exception", f"ArgumentError: '{mode}' is not a valid project_folder_mode")]
        if mode == AUTOMATIC and self.world.profile.automatic_needs_management and not storage.automatic_management:
            return [MODE_UNAVAILABLE]
        if mode == MANUAL and not str(folder or "").strip():
            return [FOLDER_BLANK]
        return []

    def _detach(self, storage: Storage, item: Json) -> list[ServiceError]:
        """Deletes the remote folder of an automatic project storage at once (OP §16); nothing to detach is no error."""
        project = self._project(item)
        row = self._row(storage, project)
        if project is None or row is None:
            return []
        if not project.active:
            return [UNAUTHORIZED]
        if row.mode == AUTOMATIC:
            for name in ("commands.delete_folder", "authentication.userless", "models.managed_folder_identifier"):
                self._log(f"[Registry] Resolving nextcloud.{name}")
        self.nextcloud.delete_folder(storage, row)
        del self.world.project_storages[row.id]
        return []

    def _project(self, item: Json) -> Project | None:
        return self.world.find_project(item.get("project_id", item.get("identifier")))

    def _row(self, storage: Storage, project: Project | None) -> ProjectStorage | None:
        return next((row for row in self.world.rows_of(storage) if project and row.project_id == project.id), None)

    def _enqueue_sync(self) -> None:
        at = datetime.now(UTC) + timedelta(seconds=5)
        self._log(
            f"[ActiveJob] Enqueued Storages::AutomaticallyManagedStorageSyncJob (Job ID: {uuid.uuid4()}) "
            f"to GoodJob(default) at {at:%Y-%m-%d %H:%M:%S} UTC"
        )

    def _resolve(self, name: str) -> None:
        self._log(f"[Storages::Peripherals::NextcloudConnectionValidator] [Registry] Resolving {name}")

    def _log(self, message: str) -> None:
        """Rails logs to standard output, in front of and between what the program prints (OP §16)."""
        self._output.append(f"I, [{datetime.now():%Y-%m-%dT%H:%M:%S.%f} #25579]  INFO -- : {message}")

    def _end(self, rc: int, stderr: str) -> Json:
        return {"rc": rc, "stdout": "".join(f"{line}\n" for line in self._output), "stderr": stderr}


def _folder_of(row: ProjectStorage | None, mode: str, wanted: Any) -> str | None:
    """The folder id that the program hands over: an automatic one is kept or found again, other modes have none of their own."""
    if mode == MANUAL:
        return None if wanted is None else str(wanted)
    if mode == AUTOMATIC and row is not None:
        return row.folder_id if row.mode == AUTOMATIC else row.last_automatic_folder
    return None


@dataclass(frozen=True)
class Operation:
    """One thing the program can be asked for."""

    perform: Callable[[Runner, Json], Json]
    writes: bool


OPERATIONS = {
    "project_storages": Operation(Runner.project_storages, writes=True),
    "replace_oauth_application": Operation(Runner.replace_oauth_application, writes=True),
    "connection_check": Operation(Runner.connection_check, writes=False),
    "verify_secrets": Operation(Runner.verify_secrets, writes=False),
}
