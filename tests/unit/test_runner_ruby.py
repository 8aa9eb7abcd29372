# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The runner's Ruby, run by a real Ruby on small fakes of OpenProject. Collected only where there is a Ruby."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import typing as t
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from ansible_collections.opnc.integration.plugins.module_utils._core.errors import CommandError
from ansible_collections.opnc.integration.plugins.module_utils._core.secrets import Secrets
from ansible_collections.opnc.integration.plugins.module_utils._openproject.runner import Runner
from ansible_collections.opnc.integration.plugins.module_utils._openproject.runner_ruby import OPERATIONS, program
from conformance.recording import load
from conformance.runner_lines import result
from lab.openproject.health_report import verdict

FAKES = Path(__file__).parent / "openproject_fakes.rb"
RUBIES = [path for path in [shutil.which("ruby")] if path]
CODE = "code-" + "Ab1" * 41
NASTY = "Dateien «Köln» 😀 #{1} 'x' \"y\" \\"

# where there is no Ruby, nothing is collected; test_runner.py looks at the program's text everywhere
__test__ = bool(RUBIES)
pytestmark = pytest.mark.parametrize("ruby", RUBIES)


class OpenProject:
    """A world of fakes and the product's runner on it."""

    def __init__(self, directory: Path, ruby: str) -> None:
        self._path, self._ruby = directory / "world.json", ruby
        self.host = "http://127.0.0.1:9/"
        self.world: dict[str, t.Any] = {
            "storages": [
                {"id": 4, "name": NASTY, "automatically_managed": True, "username": "OpenProject", "password": None}
            ],
            "projects": [
                {"id": 1, "identifier": "straße", "active": True},
                {"id": 2, "identifier": "scrum", "active": True},
                {"id": 3, "identifier": "old", "active": False},
            ],
            "project_storages": [],
            "last_project_folders": [],
        }

    @property
    def storage(self) -> dict[str, t.Any]:
        found = self.world["storages"][0]
        assert isinstance(found, dict)
        return found

    def perform(self, operation: str, **arguments: t.Any) -> dict[str, t.Any]:
        self.storage.update(host=self.host)
        self._path.write_text(json.dumps(self.world, ensure_ascii=False), encoding="utf-8")
        # without any locale, as in a container (field case O07)
        exec_prefix = ["env", "-i", f"OPNC_WORLD={self._path}", "LC_ALL=C"]
        runner = Runner([self._ruby, "-w", "-r", str(FAKES), "-"], exec_prefix, 60.0, Secrets())
        try:
            return runner.perform(operation, {"storage_id": 4, **arguments}, attempted="try it")
        finally:
            self.world = json.loads(self._path.read_text(encoding="utf-8"))

    def attach(self, project_id: int, mode: str, folder_id: str | None = None) -> None:
        self.world["project_storages"].append(
            {
                "id": len(self.world["project_storages"]) + 1,
                "project_id": project_id,
                "storage_id": 4,
                "project_folder_mode": mode,
                "project_folder_id": folder_id,
            }
        )

    def rows(self) -> dict[int, tuple[str, str | None]]:
        return {
            row["project_id"]: (row["project_folder_mode"], row["project_folder_id"])
            for row in self.world["project_storages"]
        }


@pytest.fixture
def openproject(tmp_path: Path, ruby: str) -> OpenProject:
    return OpenProject(tmp_path, ruby)


def item(project_id: int, identifier: str, mode: str = "inactive", folder_id: str | None = None) -> dict[str, t.Any]:
    return {"project_id": project_id, "identifier": identifier, "mode": mode, "folder_id": folder_id}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_program_is_right_in_ruby_without_a_locale(ruby: str, operation: str) -> None:
    text = program(operation, {"storage_name": f"{NASTY}\nOPNC_INPUT\n"})

    checked = subprocess.run(
        ["env", "-i", "LC_ALL=C", ruby, "-wc"], input=text.encode(), capture_output=True, timeout=60, check=False
    )

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"Syntax OK\n", b"")


def test_one_start_attaches_changes_and_detaches(openproject: OpenProject) -> None:
    openproject.world["projects"].append({"id": 5, "identifier": "fifth", "active": True})
    openproject.attach(2, "inactive")
    openproject.attach(5, "automatic", "24")

    answer = openproject.perform(
        "project_storages",
        storage_name=NASTY,
        create=[item(1, "straße", "automatic")],
        update=[item(2, "scrum", "manual", "42")],
        delete=[{"project_id": 5, "identifier": "fifth", "delete_folder": True}],
    )

    assert [(one["project"], one["ok"]) for one in answer["results"]] == [
        ("fifth", True),
        ("scrum", True),
        ("straße", True),
    ]
    assert openproject.rows() == {1: ("automatic", None), 2: ("manual", "42")}


def test_refused_projects_are_rolled_back_one_by_one(openproject: OpenProject) -> None:
    openproject.world.update(odd="scrum", fails="third")
    openproject.storage["password"] = "a-password-nobody-may-see"
    openproject.world["projects"].append({"id": 6, "identifier": "third", "active": True})
    openproject.world["projects"].append({"id": 7, "identifier": "good", "active": True})

    answer = openproject.perform(
        "project_storages",
        create=[
            item(1, "straße", "manual"),
            item(2, "scrum"),
            item(3, "old"),
            item(6, "third"),
            item(99, "nope"),
            item(1, "renamed"),
            item(2, "scrum", "nonsense"),
            item(7, "good"),
        ],
    )

    assert {one["project"]: one["ok"] for one in answer["results"]} == {
        **dict.fromkeys(["straße", "scrum", "old", "third", "nope", "renamed"], False),
        "good": True,
    }
    words = [" ".join(error["message"] for error in one["errors"]) for one in answer["results"]]
    assert words == [
        "Project folder Please select a folder.",
        "Mode is odd.",
        "may not be accessed.",
        "RuntimeError: no memory for ü********",
        "may not be accessed. Project can't be blank.",
        "may not be accessed. Project can't be blank.",
        "ArgumentError: 'nonsense' is not a valid project_folder_mode",
        "",
    ]
    assert [error["symbol"] for error in answer["results"][0]["errors"]] == ["blank"]
    assert openproject.rows() == {7: ("inactive", None)}


def test_what_the_api_does_not_show_is_changed_and_what_is_gone_is_gone(openproject: OpenProject) -> None:
    openproject.attach(1, "inactive")

    answer = openproject.perform(
        "project_storages",
        create=[item(1, "straße", "manual", "42")],
        delete=[{"project_id": 2, "identifier": "scrum"}],
    )

    assert all(one["ok"] for one in answer["results"])
    assert openproject.rows() == {1: ("manual", "42")}


def test_a_folder_that_became_automatic_in_between_is_not_deleted(openproject: OpenProject) -> None:
    openproject.attach(1, "automatic", "24")

    answer = openproject.perform(
        "project_storages", delete=[{"project_id": 1, "identifier": "straße", "delete_folder": False}]
    )

    assert [error["symbol"] for error in answer["results"][0]["errors"]] == ["automatic_folder"]
    assert openproject.rows() == {1: ("automatic", "24")}


@pytest.mark.parametrize(
    ("before", "former", "desired", "after"),
    [
        (("manual", "42"), None, ("inactive", None), None),
        (("manual", "42"), None, ("automatic", None), None),
        (("manual", "42"), "24", ("automatic", None), "24"),
        (("inactive", "42"), None, ("automatic", None), None),
        (("inactive", None), "24", ("automatic", None), "24"),
        (("automatic", "24"), "24", ("inactive", None), None),
        (("automatic", "24"), None, ("automatic", None), "24"),
        (("automatic", "24"), "24", ("manual", "42"), "42"),
    ],
)
def test_a_folder_is_kept_forgotten_or_found_again(
    openproject: OpenProject,
    before: tuple[str, str | None],
    former: str | None,
    desired: tuple[str, str | None],
    after: str | None,
) -> None:
    openproject.attach(1, *before)
    if former:
        openproject.world["last_project_folders"].append(
            {"project_storage_id": 1, "mode": "automatic", "origin_folder_id": former}
        )

    openproject.perform("project_storages", update=[item(1, "straße", *desired)])

    assert openproject.rows() == {1: (desired[0], after)}


def test_another_openproject_is_noticed_before_anything_is_written(openproject: OpenProject) -> None:
    with pytest.raises(CommandError) as caught:
        openproject.perform("project_storages", storage_name="another", create=[item(1, "straße")])

    assert "runner_command starts another OpenProject" in caught.value.message
    assert openproject.rows() == {}


@pytest.mark.parametrize("application", [{"uid": "old-id"}, None])
def test_the_oauth_application_is_replaced_whether_there_was_one_or_not(
    openproject: OpenProject, application: dict[str, str] | None
) -> None:
    openproject.storage["oauth_application"] = application

    answer = openproject.perform("replace_oauth_application")

    assert answer == {"client_id": "new-id", "client_secret": "new-secret-ä"}
    assert openproject.storage["oauth_application"] == {"uid": "new-id"}


def test_a_refused_oauth_application_leaves_the_old_one(openproject: OpenProject) -> None:
    openproject.storage["oauth_application"] = {"uid": "old-id"}
    openproject.world["refuse"] = True

    with pytest.raises(CommandError) as caught:
        openproject.perform("replace_oauth_application")

    assert "Name has already been taken." in caught.value.message
    assert caught.value.facts["cause"] == "ruby"
    assert openproject.storage["oauth_application"] == {"uid": "old-id"}


@pytest.mark.parametrize(
    ("check", "report", "expected"),
    [
        ("15.4", ["healthy", "none", None], ("healthy", "none", None)),
        (
            "15.4",
            ["error", "err_userless_access_denied", "The configured app password is invalid."],
            ("error", "err_userless_access_denied", "The configured app password is invalid."),
        ),
        ("15.4", None, ("error", "raised", "ArgumentError: wrong number of arguments (given 2, expected 0..1)")),
        ("14.2", None, ("none", "unavailable", "this version has no connection check")),
        ("15.5", ["healthy", "none", None], ("healthy", "none", None)),
        *[
            (version, report, expected)
            for version in ("16.0", "16.3", "17.6")
            for report, expected in (
                (
                    {
                        "base_configuration": {"host_url_accessible": ["success", ""]},
                        "authentication": {"existing_token": ["warning", "nc_oauth_token_missing"]},
                        "ampf_configuration": {"userless_access": ["success", ""]},
                    },
                    ("healthy", "none", None),
                ),
                (
                    {
                        "base_configuration": {"dependencies": ["warning", "old"]},
                        "ampf_configuration": {
                            "userless_access": ["failure", "nc_userless_access_denied"],
                            "team_folder_presence": ["skipped", ""],
                        },
                    },
                    ("error", "nc_userless_access_denied", "ampf_configuration: userless_access"),
                ),
                (
                    {"ampf_configuration": {"team_folder_contents": ["warning", "nc_unexpected_content"]}},
                    ("warning", "nc_unexpected_content", "ampf_configuration: team_folder_contents"),
                ),
            )
        ],
    ],
)
def test_the_connection_check_of_every_version_comes_in_one_form(
    openproject: OpenProject, check: str, report: t.Any, expected: tuple[str, str, str | None]
) -> None:
    openproject.world.update(check=check, report=report)

    answer = openproject.perform("connection_check")

    assert (answer["type"], answer["error_code"], answer["description"]) == expected
    if isinstance(report, dict):
        assert [(one["group"], one["check"], one["state"], one["code"]) for one in answer["checks"]] == [
            (group, name, state, code)
            for group, checks in report.items()
            for name, (state, code) in checks.items()
            if group != "authentication"
        ]


RECORDED_CHECKS = {
    line.note.partition(" (")[0]: result(line)
    for name in ("openproject-16.3/runner", "openproject-16.3/link-sso")
    for line in load(name)
    if line.kind == "runner" and isinstance(result(line), dict)
}


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("connection check: complete", ("healthy", "none")),
        ("connection check: group folders app disabled", ("error", "nc_dependency_missing")),
        ("connection check: integration app disabled", ("error", "nc_dependency_missing")),
        ("connection check: application password deleted in Nextcloud", ("error", "nc_userless_access_denied")),
        ("connection check: advanced permissions off", ("healthy", "none")),
        ("connection check: group folder renamed", ("error", "nc_group_folder_not_found")),
        ("connection check: user OpenProject disabled", ("healthy", "none")),
        ("connection check: maintenance mode", ("error", "unknown_error")),
        ("connection check: automatic management off", ("healthy", "none")),
        ("connection check of an SSO storage with project folders", ("healthy", "none")),
        ("after the password was renewed and lost", ("error", "nc_userless_access_denied")),
        ("connection check: not configured", ("error", "not_configured")),
    ],
)
def test_a_recorded_report_of_16_3_is_judged_without_the_system_users_own_account(
    openproject: OpenProject, state: str, expected: tuple[str, str]
) -> None:
    report = RECORDED_CHECKS[state]
    openproject.world.update(check="16.3", report=report)

    answer = openproject.perform("connection_check")

    assert (answer["type"], answer["error_code"]) == expected
    # the lab stands in for this Ruby wherever there is none
    assert answer == verdict(report)


class Nextcloud(ThreadingHTTPServer):
    """The doors of Nextcloud that secrets are tried at, with the order of its token endpoint (NC §9)."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.password = 'p{"x"}%:ß'
        self.client = ("client-id", "client-secret")
        self.codes = {CODE}
        self.access_tokens: set[str] = set()
        self.maintenance = self.keeps_tokens = False
        self.observed: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"


class _Handler(BaseHTTPRequestHandler):
    server: Nextcloud

    def do_HEAD(self) -> None:
        import base64

        self.server.observed.append(f"HEAD {self.path}")
        wanted = "Basic " + base64.b64encode(f"OpenProject:{self.server.password}".encode()).decode()
        right = self.headers.get("Authorization") == wanted and self.path == "/remote.php/dav"
        self._answer(503 if self.server.maintenance else 200 if right else 401, b"")

    def do_POST(self) -> None:
        self.server.observed.append(f"POST {self.path}")
        length = int(self.headers["Content-Length"])
        form = {name: values[0] for name, values in parse_qs(self.rfile.read(length).decode()).items()}
        if self.server.maintenance:
            self._answer(503, b"<html>maintenance</html>")
        elif form["grant_type"] != "authorization_code" or form["code"] not in self.server.codes:
            self._answer(400, b'{"error": "invalid_request"}')
        elif (form["client_id"], form["client_secret"]) != self.server.client:
            self._answer(400, b'{"error": "invalid_client"}')
        else:
            self.server.codes.clear()
            self.server.access_tokens.add("access-1")
            self._answer(200, b'{"access_token": "access-1", "refresh_token": "refresh-1", "expires_in": 3600}')

    def do_DELETE(self) -> None:
        self.server.observed.append(f"DELETE {self.path}")
        token = self.headers["Authorization"].removeprefix("Bearer ")
        taken = self.headers["OCS-APIRequest"] == "true" and token in self.server.access_tokens
        if taken and not self.server.keeps_tokens:
            self.server.access_tokens.remove(token)
        self._answer(500 if self.server.keeps_tokens else 200 if taken else 401, b"{}")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: t.Any) -> None:
        """Nothing: pytest's output is no log of a server."""


@pytest.fixture
def nextcloud(openproject: OpenProject) -> Iterator[Nextcloud]:
    with Nextcloud() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        openproject.host = server.url
        openproject.storage.update(
            password=server.password, oauth_client={"client_id": "client-id", "client_secret": "client-secret"}
        )
        yield server
        server.shutdown()
        thread.join()


def test_right_secrets_are_right_and_the_token_that_came_of_it_is_given_back(
    openproject: OpenProject, nextcloud: Nextcloud
) -> None:
    answer = openproject.perform("verify_secrets", code=CODE)

    assert answer == {"application_password": "right", "nextcloud_client": "right"}
    assert nextcloud.observed == [
        "HEAD /remote.php/dav",
        "POST /index.php/apps/oauth2/api/v1/token",
        "DELETE /ocs/v2.php/core/apppassword",
    ]
    assert nextcloud.access_tokens == set()


def test_a_secret_is_right_also_when_the_token_cannot_be_given_back(
    openproject: OpenProject, nextcloud: Nextcloud
) -> None:
    nextcloud.keeps_tokens = True

    assert openproject.perform("verify_secrets", code=CODE)["nextcloud_client"] == "right"


def test_wrong_secrets_are_wrong_and_the_code_is_not_used_up(openproject: OpenProject, nextcloud: Nextcloud) -> None:
    openproject.storage["password"] = "stale"
    openproject.storage["oauth_client"]["client_secret"] = "stale"

    answer = openproject.perform("verify_secrets", code=CODE)

    assert answer == {"application_password": "wrong", "nextcloud_client": "wrong"}
    assert (nextcloud.codes, nextcloud.access_tokens) == ({CODE}, set())


def test_without_a_code_the_client_secret_is_not_tried(openproject: OpenProject, nextcloud: Nextcloud) -> None:
    answer = openproject.perform("verify_secrets", code=None)

    assert answer == {"application_password": "right", "nextcloud_client": "unknown"}
    assert nextcloud.observed == ["HEAD /remote.php/dav"]


@pytest.mark.parametrize("state", ["maintenance", "gone", "nothing stored", "code expired"])
def test_what_cannot_be_told_is_unknown(openproject: OpenProject, nextcloud: Nextcloud, state: str) -> None:
    if state == "maintenance":
        nextcloud.maintenance = True
    elif state == "gone":
        openproject.host = "http://127.0.0.1:9/"
    elif state == "code expired":
        nextcloud.codes.clear()
    else:
        openproject.storage.update(password=None, oauth_client=None)

    answer = openproject.perform("verify_secrets", code=CODE)

    password = "right" if state == "code expired" else "unknown"
    assert answer == {"application_password": password, "nextcloud_client": "unknown"}


def test_a_code_does_not_come_back_in_an_error(openproject: OpenProject) -> None:
    with pytest.raises(CommandError) as caught:
        openproject.perform("verify_secrets", storage_id=CODE, code=CODE)

    assert "Couldn't find Storages::Storage with 'id'=********" in caught.value.message
