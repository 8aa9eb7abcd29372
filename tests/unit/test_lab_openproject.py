# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The simulated OpenProject where the recordings are silent: its switches, other versions, the checks of Nextcloud."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from ansible_collections.opnc.integration.plugins.module_utils._openproject import runner_ruby
from ansible_collections.opnc.integration.plugins.module_utils._openproject.runner import find_answer
from lab import Lab
from lab.openproject.runner import OPERATIONS
from lab.openproject.state import AUTOMATIC, MANUAL, Storage
from unit.labs import Labs

TYPE = {"href": "urn:openproject-org:api:v3:storages:Nextcloud"}
UNREACHABLE = "Host could not be reached."


class Client:
    """Sends requests as a client of OpenProject would."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.auth = lab.openproject.basic_auth

    def call(self, method: str, path: str, **more: Any) -> requests.Response:
        more.setdefault("allow_redirects", False)
        return self.session.request(method, self.lab.openproject.url + path, timeout=10, **more)

    def post_storage(self, origin: str | None = None, name: str = "nc", **more: Any) -> requests.Response:
        origin = self.lab.nextcloud.url if origin is None else origin
        body = {"name": name, "applicationPassword": "", "_links": {"origin": {"href": origin}, "type": TYPE}, **more}
        return self.call("POST", "/api/v3/storages", json=body)


@pytest.fixture
def lab(labs: Labs) -> Lab:
    return labs.fresh("29")


@pytest.fixture
def client(lab: Lab) -> Client:
    return Client(lab)


@pytest.fixture
def linked(lab: Lab, client: Client) -> Storage:
    """A complete link with project folders."""
    application = client.post_storage().json()["_embedded"]["oauthApplication"]
    values = {
        "openproject_instance_url": lab.openproject.url,
        "openproject_client_id": application["clientId"],
        "openproject_client_secret": application["clientSecret"],
        "authorization_method": "oauth2",
        "default_enable_navigation": True,
        "default_enable_unified_search": False,
        "setup_project_folder": True,
        "setup_app_password": True,
    }
    made = requests.patch(
        f"{lab.nextcloud.url}/index.php/apps/integration_openproject/setup",
        json={"values": values},
        headers={"OCS-APIRequest": "true"},
        auth=lab.nextcloud.admin,
        timeout=10,
    ).json()
    pair = {"clientId": made["nextcloud_client_id"], "clientSecret": made["nextcloud_client_secret"]}
    assert client.call("POST", "/api/v3/storages/1/oauth_client_credentials", json=pair).status_code == 201
    password = {"applicationPassword": made["openproject_user_app_password"]}
    assert client.call("PATCH", "/api/v3/storages/1", json=password).json()["hasApplicationPassword"] is True
    return lab.openproject.state.storages[1]


class StubNextcloud:
    """Answers the two questions of OP §5 as a test wants."""

    def __init__(self) -> None:
        self.capabilities = Response('{"ocs":{"data":{"version":{"major":29}}}}', mimetype="application/json")
        self.check_config: Response | None = None
        self.asked: list[str] = []
        self._server = make_server("127.0.0.1", 0, Request.application(self._answer), threaded=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, request: Request) -> Response:
        self.asked.append(request.path)
        if request.path.endswith("/capabilities"):
            return self.capabilities
        echo = {"user_id": "", "authorization_header": request.headers.get("Authorization", "")}
        return self.check_config or _json(echo)


def _json(document: Any, status: int = 200) -> Response:
    return Response(json.dumps(document), status, mimetype="application/json")


@pytest.fixture
def stub() -> Iterator[StubNextcloud]:
    nextcloud = StubNextcloud()
    yield nextcloud
    nextcloud.stop()


def identifier(response: requests.Response) -> str:
    return str(response.json()["errorIdentifier"]).rpartition(":")[2]


def violations(response: requests.Response) -> dict[str, str]:
    """Attribute and message of each violation in a 422."""
    assert response.status_code == 422, response.text
    document = response.json()
    errors = document["_embedded"].get("errors") or [document]
    return {error["_embedded"]["details"]["attribute"]: error["message"] for error in errors}


# Who may come in


@pytest.mark.parametrize(
    ("switches", "auth", "status", "message"),
    [
        ({}, "basic", 200, ""),
        ({}, "key", 200, ""),
        ({"basic_auth_enabled": False}, "basic", 401, "You need to be authenticated"),
        ({"basic_auth_enabled": False}, "key", 401, "You need to be authenticated"),
        ({"api_tokens_enabled": False}, "basic", 200, ""),
        ({"api_tokens_enabled": False}, "key", 401, "You did not provide the correct credentials."),
        ({"basic_auth": None}, "wrong", 401, "You did not provide the correct credentials."),
        ({}, "none", 401, "You need to be authenticated"),
        ({"login_required": False}, "none", 200, ""),
        ({"login_required": False}, "wrong", 401, "You did not provide the correct credentials."),
        ({}, "bearer", 401, "You did not provide the correct credentials."),
        ({"version": "17.2.0"}, "bearer", 200, ""),
    ],
)
def test_who_may_come_in(
    lab: Lab, client: Client, switches: dict[str, Any], auth: str, status: int, message: str
) -> None:
    for name, value in switches.items():
        setattr(lab.openproject.state, name, value)
    key = lab.openproject.api_key
    client.session.auth = {"key": ("apikey", key), "wrong": ("bootstrap", "wrong")}.get(
        auth, client.session.auth if auth == "basic" else None
    )
    headers = {"Authorization": f"Bearer {key}"} if auth == "bearer" else {}
    answer = client.call("GET", "/api/v3", headers=headers)
    assert (answer.status_code, message in answer.json().get("message", "")) == (status, True)


def test_credentials_are_read_as_utf8(lab: Lab, client: Client) -> None:
    lab.openproject.state.basic_auth = ("bootstrap", "Grün 10€")
    client.session.auth = None
    headers = {"Authorization": "Basic " + base64.b64encode("bootstrap:Grün 10€".encode()).decode()}
    assert client.call("GET", "/api/v3", headers=headers).json()["coreVersion"] == "15.4.0"


def test_a_user_without_rights_sees_the_storages_of_own_projects_and_changes_none(
    lab: Lab, client: Client, linked: Storage
) -> None:
    world = lab.openproject.state
    client.session.auth = ("apikey", world.plain_user.api_key or "")
    assert client.call("GET", "/api/v3/storages").json()["total"] == 0
    assert client.call("PATCH", "/api/v3/storages/1", json={"name": "x"}).status_code == 404
    world.add_project_storage(world.projects[1], linked)
    world.plain_user.projects.add(1)
    shown = client.call("GET", "/api/v3/storages/1").json()
    assert "_embedded" not in shown
    assert "oauthApplication" not in shown["_links"]
    for method, path in (
        ("PATCH", "/api/v3/storages/1"),
        ("DELETE", "/api/v3/storages/1"),
        ("POST", "/api/v3/storages"),
    ):
        assert identifier(client.call(method, path, json={})) == "MissingPermission"


# How the server is reached


def test_only_the_configured_host_name_is_served(lab: Lab, client: Client) -> None:
    lab.openproject.state.host_name = "op.example"
    refused = client.call("GET", "/api/v3")
    assert (refused.status_code, refused.headers["Content-Type"]) == (400, "text/plain")
    assert refused.text == "Invalid host_name configuration"
    assert client.call("GET", "/api/v3", headers={"Host": "op.example"}).status_code == 200
    forwarded = {"Host": "op.example", "X-Forwarded-Host": "other.example"}
    assert client.call("GET", "/api/v3", headers=forwarded).status_code == 400
    assert client.call("GET", "/health_checks/worker").status_code == 200


def test_https_redirects_what_no_proxy_vouches_for(lab: Lab, client: Client) -> None:
    lab.openproject.state.https = True
    redirect = client.call("GET", "/api/v3/storages?a=1")
    assert redirect.status_code == 301
    assert redirect.headers["Location"] == f"https{lab.openproject.url.removeprefix('http')}/api/v3/storages?a=1"
    assert client.post_storage().status_code == 307
    vouched = client.call("GET", "/api/v3/configuration", headers={"X-Forwarded-Proto": "https"})
    assert vouched.status_code == 200


def test_below_a_path_every_link_carries_it(lab: Lab, client: Client) -> None:
    outside = lab.openproject.url
    lab.openproject.serve_below("/openproject")
    links = client.post_storage().json()["_links"]
    assert links["self"]["href"] == "/openproject/api/v3/storages/1"
    assert links["projectStorages"]["href"].startswith("/openproject/api/v3/project_storages?filters=")
    assert links["origin"]["href"] == f"{lab.nextcloud.url}/"
    assert requests.get(f"{outside}/api/v3", timeout=10).status_code == 404


@pytest.mark.parametrize(
    ("content_type", "body", "status", "plain"),
    [
        (None, "", 406, True),
        (None, "{}", 406, True),
        ("text/plain", "{}", 415, True),
        ("text/plain", "", 415, False),
        ("application/json", '{"a":', 400, False),
        ("application/json", "", 400, False),
        ("application/json; charset=utf-8", "{}", 500, False),
        ("application/hal+json", "{}", 500, False),
    ],
)
def test_content_types(client: Client, content_type: str | None, body: str, status: int, plain: bool) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    answer = client.call("POST", "/api/v3/storages", data=body.encode(), headers=headers)
    assert answer.status_code == status
    assert answer.text.startswith("{") is not plain


def test_messages_speak_the_language_of_the_asking_side(lab: Lab, client: Client) -> None:
    german = {"Accept-Language": "de"}
    assert client.call("GET", "/api/v3/storages/9", headers=german).json()["message"].startswith("Die")
    client.session.auth = ("apikey", lab.openproject.api_key)
    assert client.call("GET", "/api/v3/storages/9", headers=german).json()["message"].startswith("The")


@pytest.mark.parametrize(("starting", "status", "kind"), [("proxy", 502, "text/html"), ("schema", 500, "hal+json")])
def test_a_server_that_is_still_starting(lab: Lab, client: Client, starting: Any, status: int, kind: str) -> None:
    lab.openproject.state.starting, lab.openproject.state.starting_requests = starting, 1
    answer = client.call("GET", "/api/v3")
    assert answer.status_code == status
    assert kind in answer.headers["Content-Type"]
    assert client.call("GET", "/api/v3").status_code == 200


# Storages


@pytest.mark.parametrize(
    ("change", "attribute", "message"),
    [
        ({"name": " "}, "name", "Name can't be blank."),
        ({"name": "n" * 256}, "name", "Name is too long (maximum is 255 characters)."),
        ({"origin": ""}, "host", "Host is not a valid URL."),
        ({"origin": "https://"}, "host", "Host is not a valid URL."),
        ({"origin": "https://nc.example:port"}, "host", "Host is not a valid URL."),
        ({"origin": f"https://{'n' * 250}.example"}, "host", "Host is too long (maximum is 255 characters)."),
        ({"origin": "http://nc.example"}, "host", 'Host is not providing a "Secure Context".'),
        ({"origin": "http://LOCALHOST"}, "host", 'Host is not providing a "Secure Context".'),
        ({"origin": "http://127.0.0.1:1"}, "host", UNREACHABLE),
        ({"origin": "http://[::1]:1"}, "host", UNREACHABLE),
        ({"origin": "https://does-not-exist.invalid"}, "host", UNREACHABLE),
        ({"id": 3}, "id", "ID was attempted to be written but is not writable."),
        ({"applicationPassword": "wrong"}, "password", "Password is not valid."),
    ],
)
def test_what_a_new_storage_is_refused_for(
    client: Client, change: dict[str, Any], attribute: str, message: str
) -> None:
    found = violations(client.post_storage(**change))
    assert list(found) == [attribute]
    assert found[attribute].startswith(message)


@pytest.mark.parametrize(
    ("capabilities", "check_config", "message"),
    [
        (Response("", 302, {"Location": "https://nc.example"}), None, UNREACHABLE),
        (Response("", 503), None, UNREACHABLE),
        (Response("<html>", mimetype="text/html"), None, "Host is not a Nextcloud server"),
        (_json({"ocs": {}}), None, "Host is not a Nextcloud server"),
        (_json({"ocs": {"data": {"version": {"major": 21}}}}), None, "Host does not meet minimal version"),
        (None, Response("", 302, {"Location": "/login"}), "Host appears to not have the app"),
        (None, Response("", 404), UNREACHABLE),
        (None, _json({"user_id": "", "authorization_header": ""}), "Host is not fully set up."),
        (None, Response("<html>", mimetype="text/html"), "Host is not fully set up."),
    ],
)
def test_what_nextcloud_answers_decides(
    client: Client, stub: StubNextcloud, capabilities: Response | None, check_config: Response | None, message: str
) -> None:
    stub.capabilities = capabilities or stub.capabilities
    stub.check_config = check_config
    assert violations(client.post_storage(stub.url))["host"].startswith(message)


def test_an_earlier_error_spares_the_second_question(client: Client, stub: StubNextcloud) -> None:
    assert client.post_storage(stub.url).status_code == 201
    stub.asked.clear()
    assert violations(client.post_storage(stub.url)) == {"name": "Name has already been taken."}
    assert stub.asked == ["/ocs/v2.php/cloud/capabilities"]


def test_several_violations_come_together(client: Client) -> None:
    refused = client.post_storage("http://nc.example", name="")
    assert identifier(refused) == "MultipleErrors"
    assert list(violations(refused)) == ["name", "host"]
    assert refused.reason == "Unprocessable Content"


def test_a_certificate_that_is_not_trusted_is_an_unreachable_host(lab: Lab, client: Client) -> None:
    lab.openproject.state.trusts_ca = False
    assert violations(client.post_storage("https://127.0.0.1:1"))["host"].startswith(UNREACHABLE)


def test_from_17_6_on_a_private_address_needs_the_allow_list(lab: Lab, client: Client) -> None:
    world = lab.openproject.state
    world.version = "17.6.0"
    refused = violations(client.post_storage())
    assert "127.0.0.1" in refused["host"]
    assert "OPENPROJECT_SSRF_PROTECTION_IP_ALLOWLIST" in refused["host"]
    world.ssrf_allow_list = ["127.0.0.0/8"]
    assert client.post_storage().status_code == 201


def test_from_17_6_on_any_change_of_a_storage_at_a_private_address_is_refused(
    lab: Lab, client: Client, linked: Storage
) -> None:
    lab.openproject.state.version = "17.6.0"
    assert list(violations(client.call("PATCH", "/api/v3/storages/1", json={"name": "other"}))) == ["host"]
    linked.host = "http://nextcloud.invalid/"
    assert client.call("PATCH", "/api/v3/storages/1", json={"name": "other"}).status_code == 200


def test_the_client_secret_is_shown_once(lab: Lab, client: Client) -> None:
    made = client.post_storage(f"{lab.nextcloud.url}//").json()
    secret = made["_embedded"]["oauthApplication"]["clientSecret"]
    application = made["_embedded"]["oauthApplication"]["id"]
    assert made["_links"]["origin"]["href"] == f"{lab.nextcloud.url}/"
    for path in ("/storages/1", "/storages", f"/oauth_applications/{application}"):
        assert secret not in client.call("GET", f"/api/v3{path}").text


def test_without_an_active_project_nobody_sees_what_was_made(lab: Lab, client: Client) -> None:
    world = lab.openproject.state
    for project in world.projects.values():
        project.active = False
    assert client.post_storage().status_code == 201
    assert client.call("GET", "/api/v3/storages").json()["total"] == 0
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/oauth_client_credentials")):
        assert client.call(method, f"/api/v3/storages/1{path}", json={}).status_code == 404
    assert "name" in violations(client.post_storage())
    world.projects[1].active = True
    assert client.call("GET", "/api/v3/storages/1").status_code == 200


def test_the_same_origin_is_asked_again_and_its_absence_is_not(lab: Lab, client: Client, linked: Storage) -> None:
    lab.nextcloud.state.maintenance = True
    assert client.call("PATCH", "/api/v3/storages/1", json={"name": "new name"}).status_code == 200
    assert linked.oauth_application is not None
    assert linked.oauth_application.name == "new name (Nextcloud)"
    same = {"_links": {"origin": {"href": lab.nextcloud.url}}}
    assert violations(client.call("PATCH", "/api/v3/storages/1", json=same))["host"].startswith(UNREACHABLE)


@pytest.mark.parametrize(("version", "status"), [("15.4.0", 500), ("16.0.0", 200)])
def test_a_storage_without_oauth_application(
    lab: Lab, client: Client, linked: Storage, version: str, status: int
) -> None:
    lab.openproject.state.version = version
    linked.oauth_application = None
    shown = client.call("GET", "/api/v3/storages/1").json()
    assert shown["_links"]["oauthApplication"] == {"href": None}
    assert shown["configured"] is False
    assert client.call("PATCH", "/api/v3/storages/1", json={"name": "other"}).status_code == status


def test_automatic_management_off_keeps_the_project_storages(lab: Lab, client: Client, linked: Storage) -> None:
    world = lab.openproject.state
    world.add_project_storage(world.projects[1], linked, AUTOMATIC, "24")
    off = client.call("PATCH", "/api/v3/storages/1", json={"applicationPassword": None}).json()
    assert off["hasApplicationPassword"] is False
    (row,) = client.call("GET", "/api/v3/project_storages").json()["_embedded"]["elements"]
    assert (row["projectFolderMode"], row["_links"]["projectFolder"]["href"]) == (
        AUTOMATIC,
        "/api/v3/storages/1/files/24",
    )


def test_deleting_a_storage_deletes_its_automatic_folders(lab: Lab, client: Client, linked: Storage) -> None:
    attach(lab, create=[{"project_id": 1, "identifier": "demo-project", "mode": AUTOMATIC}])
    (folder,) = lab.nextcloud.state.folders.values()
    assert "Demo project (1)/" in folder.files
    assert client.call("DELETE", "/api/v3/storages/1").status_code == 204
    assert "Demo project (1)/" not in folder.files
    assert lab.openproject.state.project_storages == {}


@pytest.mark.parametrize(
    ("version", "present", "absent"),
    [
        ("14.1.0", {"name"}, {"configured", "hasApplicationPassword", "storageAudience"}),
        ("15.4.0", {"configured", "hasApplicationPassword"}, {"storageAudience"}),
        ("16.3.0", {"storageAudience"}, {"forbiddenFileNameCharacters"}),
        ("17.1.0", {"forbiddenFileNameCharacters"}, set()),
    ],
)
def test_versions_differ_in_what_a_storage_shows(
    lab: Lab, client: Client, version: str, present: set[str], absent: set[str]
) -> None:
    lab.openproject.state.version = version
    shown = set(client.post_storage(storageAudience="nextcloud").json())
    assert present <= shown
    assert not absent & shown


def test_single_sign_on_wants_a_plan_and_an_audience(lab: Lab, client: Client) -> None:
    world = lab.openproject.state
    world.version = "16.0.0"
    links = {
        "origin": {"href": lab.nextcloud.url},
        "type": TYPE,
        "authenticationMethod": {"href": "urn:openproject-org:api:v3:storages:authenticationMethod:OAuth2SSO"},
    }
    assert set(violations(client.post_storage(_links=links))) == {"authenticationMethod", "storageAudience"}
    world.enterprise = True
    made = client.post_storage(_links=links, storageAudience="nextcloud").json()
    assert made["configured"] is True
    assert made["_links"]["oauthApplication"] == {"href": None}


# OAuth


def test_new_credentials_replace_the_former_record(client: Client, linked: Storage) -> None:
    assert linked.client is not None
    pair = {"clientId": linked.client.client_id, "clientSecret": linked.client.client_secret}
    again = client.call("POST", "/api/v3/storages/1/oauth_client_credentials", json=pair).json()
    assert again["id"] == 2
    assert client.call("GET", "/api/v3/oauth_client_credentials/1").status_code == 404


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({}, 400, "invalid_grant"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "wrong"}, 401, "invalid_client"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"grant_type": "nonsense"}, 400, "unsupported_grant_type"),
    ],
)
def test_a_made_up_code_tells_whether_the_secret_is_right(
    lab: Lab, client: Client, linked: Storage, change: dict[str, str], status: int, error: str
) -> None:
    assert linked.oauth_application is not None
    form = {
        "grant_type": "authorization_code",
        "code": "made-up",
        "redirect_uri": linked.oauth_application.redirect_uri,
        "client_id": linked.oauth_application.client_id,
        "client_secret": linked.oauth_application.client_secret,
    }
    lab.openproject.read_only = True
    client.session.auth = None
    answer = client.call("POST", "/oauth/token", data=form | change)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert lab.openproject.refused == []


# Projects and project storages


def filters(name: str, *values: str, operator: str = "=") -> dict[str, str]:
    return {"filters": json.dumps([{name: {"operator": operator, "values": list(values)}}])}


def test_project_storages_by_filter(lab: Lab, client: Client, linked: Storage) -> None:
    world = lab.openproject.state
    for project in world.projects.values():
        world.add_project_storage(project, linked)

    def rows(name: str, value: str) -> list[int]:
        answer = client.call("GET", "/api/v3/project_storages", params=filters(name, value) | {"pageSize": "1"})
        return [row["id"] for row in answer.json()["_embedded"]["elements"]]

    assert rows("storageId", "1") == rows("storage_id", "1") == rows("storageUrl", lab.nextcloud.url) == [2, 1]
    assert rows("projectId", "2") == [2]
    assert rows("storageId", "7") == []
    world.projects[2].active = False
    assert rows("storageId", "1") == [1]
    for filter_name, value in (("projectId", "2"), ("projectId", "99"), ("nonsense", "1")):
        refused = client.call("GET", "/api/v3/project_storages", params=filters(filter_name, value))
        assert identifier(refused) == "InvalidQuery"


def test_projects_are_paged_and_found_by_name_or_identifier(lab: Lab, client: Client) -> None:
    world = lab.openproject.state
    world.add_project("demo", "demo-project")
    world.add_project("old", "Old", active=False)

    def found(**query: str) -> list[str]:
        answer = client.call("GET", "/api/v3/projects", params=query).json()
        return [project["identifier"] for project in answer["_embedded"]["elements"]]

    assert found(**filters("name_and_identifier", "DEMO-project")) == ["demo", "demo-project"]
    assert found(**filters("active", "f")) == ["old"]
    assert found(pageSize="2", offset="2") == ["your-scrum-project", "demo-project"]
    first = client.call("GET", "/api/v3/projects?pageSize=3").json()
    assert (first["total"], first["count"], "nextByOffset" in first["_links"]) == (4, 3, True)
    reduced = client.call("GET", "/api/v3/projects?select=total,elements/id").json()
    assert set(reduced) == {"total", "_embedded"}
    assert reduced["_embedded"]["elements"][0] == {"id": 4}


# Health


def test_health_of_the_worker_is_told_apart(lab: Lab, client: Client) -> None:
    world = lab.openproject.state
    world.worker_running, world.waiting_jobs = False, 7
    assert client.call("GET", "/health_checks/worker").status_code == 500
    assert client.call("GET", "/health_checks/worker_backed_up").status_code == 200
    document = client.call("GET", "/health_checks/all.json", headers={"Accept": "application/hal+json"}).json()
    assert {name for name, check in document.items() if not check["success"]} == {"worker", "worker_backed_up"}
    trapped = client.call("GET", "/health_checks/worker", headers={"Accept": "application/hal+json"})
    assert (trapped.status_code, trapped.text) == (406, "")
    world.version = "13.4.0"
    assert client.call("GET", "/health_checks/worker").status_code == 404


# The runner


def run(lab: Lab, script: str) -> dict[str, Any]:
    """What the control route answers to the stand-in command."""
    call = {"argv": lab.openproject.runner[1:], "env": {}, "stdin": script}
    answer = requests.post(f"{lab.openproject.url}/__lab__/runner", json=call, timeout=30).json()
    assert isinstance(answer, dict)
    return answer


def perform(lab: Lab, operation: str, **arguments: Any) -> dict[str, Any]:
    """The marked answer of one operation."""
    data = json.dumps({"operation": operation, "storage_id": 1, **arguments})
    printed = run(lab, f"require \"json\"\ninput = JSON.parse(<<~'OPNC_INPUT')\n{data}\nOPNC_INPUT\nputs 1\n")
    assert (printed["rc"], printed["stderr"]) == (0, "")
    assert printed["stdout"].startswith("I, [")
    (marked,) = [line for line in printed["stdout"].splitlines() if line.startswith("OPNC_ANSWER ")]
    answer = json.loads(marked.removeprefix("OPNC_ANSWER "))
    assert isinstance(answer, dict)
    return answer


def attach(lab: Lab, **steps: list[dict[str, Any]]) -> list[list[str]]:
    """Symbols of the errors of each step; an empty list where there is none."""
    results = perform(lab, "project_storages", **steps)["results"]
    assert all(result["ok"] is not bool(result["errors"]) for result in results)
    return [[error["symbol"] for error in result["errors"]] for result in results]


def test_the_runner_refuses_per_project_and_does_the_others(lab: Lab, linked: Storage) -> None:
    world = lab.openproject.state
    world.add_project("old", active=False)
    symbols = attach(
        lab,
        create=[
            {"project_id": 1, "mode": MANUAL},
            {"project_id": 3, "mode": "inactive"},
            {"project_id": 99, "mode": "inactive"},
            {"project_id": 1, "mode": "nonsense"},
            {"project_id": 2, "mode": AUTOMATIC},
        ],
    )
    assert symbols == [["blank"], ["error_unauthorized"], ["error_unauthorized", "blank"], ["exception"], []]
    (row,) = world.project_storages.values()
    assert (row.project_id, row.mode, row.folder_id is None) == (2, AUTOMATIC, False)
    linked.automatic_management = False
    assert attach(lab, create=[{"project_id": 1, "mode": AUTOMATIC}]) == [["mode_unavailable"]]
    assert len(lab.openproject.runner_starts) == 2


def test_the_runner_changes_modes_and_finds_the_former_folder_again(lab: Lab, linked: Storage) -> None:
    attach(lab, create=[{"project_id": 1, "mode": AUTOMATIC}])
    (row,) = lab.openproject.state.project_storages.values()
    folder = row.folder_id
    attach(lab, update=[{"project_id": 1, "mode": MANUAL, "folder_id": "42"}])
    assert (row.mode, row.folder_id) == (MANUAL, "42")
    attach(lab, update=[{"project_id": 1, "mode": AUTOMATIC}])
    assert (row.mode, row.folder_id) == (AUTOMATIC, folder)
    assert attach(lab, delete=[{"project_id": 1}, {"project_id": 2}]) == [[], []]
    assert list(next(iter(lab.nextcloud.state.folders.values())).files) == []


def test_the_runner_replaces_the_oauth_application(lab: Lab, client: Client, linked: Storage) -> None:
    made = perform(lab, "replace_oauth_application", storage_name="nc")
    shown = client.call("GET", "/api/v3/storages/1").json()["_embedded"]["oauthApplication"]
    assert shown["clientId"] == made["client_id"]
    assert linked.oauth_application is not None
    assert linked.oauth_application.client_secret == made["client_secret"]
    wrong = perform(lab, "replace_oauth_application", storage_name="another")
    assert wrong == {"error": {"class": "ArgumentError", "message": "storage 1 is not the one that was meant"}}
    assert perform(lab, "replace_oauth_application", storage_id=7)["error"]["class"] == "ActiveRecord::RecordNotFound"


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("complete", "none"),
        ("no client", "wrn_not_configured"),
        ("stale password", "err_userless_access_denied"),
        ("group folders off", "err_missing_dependencies"),
        ("integration off", "err_missing_dependencies"),
        ("membership missing", "err_group_folder_not_found"),
        ("foreign file", "wrn_unexpected_content"),
        ("app too old", "nc_dependency_version_mismatch"),
        ("maintenance", "raised"),
    ],
)
def test_what_the_connection_check_notices(lab: Lab, linked: Storage, state: str, code: str) -> None:
    nextcloud = lab.nextcloud.state
    if state == "no client":
        linked.client = None
    elif state == "stale password":
        linked.password = "stale"
    elif state == "group folders off":
        nextcloud.disable_app("groupfolders")
    elif state == "integration off":
        nextcloud.disable_app("integration_openproject")
    elif state == "membership missing":
        nextcloud.groups["OpenProject"].members.remove("OpenProject")
    elif state == "foreign file":
        next(iter(nextcloud.folders.values())).files["Foreign/"] = 4711
    elif state == "app too old":
        lab.openproject.state.version = "17.1.0"
    elif state == "maintenance":
        nextcloud.maintenance = True
    assert perform(lab, "connection_check")["error_code"] == code


@pytest.mark.parametrize(
    ("state", "kind", "code"),
    [
        ("no client", "error", "not_configured"),
        ("wrong address", "error", "nc_host_not_found"),
        ("foreign file", "warning", "nc_unexpected_content"),
        ("user disabled in the database", "error", "unknown_error"),
        ("private address", "error", "unknown_error"),
    ],
)
def test_what_the_connection_check_of_16_notices_besides(
    lab: Lab, linked: Storage, state: str, kind: str, code: str
) -> None:
    lab.openproject.state.version = "16.3.0"
    if state == "no client":
        linked.client = None
    elif state == "wrong address":
        linked.host += "nowhere/"
    elif state == "foreign file":
        next(iter(lab.nextcloud.state.folders.values())).files["Foreign/"] = 4711
    elif state == "user disabled in the database":
        lab.nextcloud.state.users["OpenProject"].enabled = False
    elif state == "private address":
        lab.openproject.state.version = "17.6.0"
    answer = perform(lab, "connection_check")
    assert (answer["type"], answer["error_code"]) == (kind, code)


def test_secrets_are_tried_by_openproject_itself(lab: Lab, linked: Storage) -> None:
    assert perform(lab, "verify_secrets") == {"application_password": "right", "nextcloud_client": "unknown"}
    linked.password = "stale"
    assert perform(lab, "verify_secrets")["application_password"] == "wrong"
    linked.automatic_management = False
    assert perform(lab, "verify_secrets")["application_password"] == "unknown"


def test_the_stand_in_knows_every_program_of_the_product(lab: Lab, linked: Storage) -> None:
    assert set(runner_ruby.OPERATIONS) == set(OPERATIONS)
    for operation in runner_ruby.OPERATIONS:
        printed = run(lab, runner_ruby.program(operation, {"storage_id": linked.id, "storage_name": "nc"}))
        answer = find_answer(printed["stdout"])
        assert answer is not None
        assert "error" not in answer


def test_a_program_that_is_none_ends_as_rails_ends_it(lab: Lab) -> None:
    printed = run(lab, "puts 1 +")
    assert printed["rc"] == 1
    assert "SyntaxError" in printed["stderr"]
    lab.openproject.state.runner_failure = (137, "", "Killed")
    assert run(lab, "puts 1")["rc"] == 137


def test_the_read_only_lab_refuses_what_the_runner_would_write(lab: Lab, client: Client, linked: Storage) -> None:
    lab.openproject.read_only = True
    data = '{"operation": "replace_oauth_application", "storage_id": 1}'
    assert run(lab, f"input = JSON.parse(<<~'OPNC_INPUT')\n{data}\nOPNC_INPUT\n")["rc"] == 1
    assert perform(lab, "connection_check")["error_code"] == "none"
    assert client.call("PATCH", "/api/v3/storages/1", json={}).status_code == 403
    assert [refused.method for refused in lab.openproject.refused] == ["RUNNER", "PATCH"]


def test_what_openproject_asks_nextcloud_is_not_counted_as_the_products(lab: Lab, client: Client) -> None:
    assert client.post_storage().status_code == 201
    assert lab.nextcloud.requests == []
    assert [exchange.path for exchange in lab.nextcloud.log] == [
        "/ocs/v2.php/cloud/capabilities",
        "/index.php/apps/integration_openproject/check-config",
    ]
