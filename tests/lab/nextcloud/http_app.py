# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes of integration_openproject and its admin page (NC §1, §3, §8)."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, g, request

from lab.nextcloud import integration
from lab.nextcloud.answers import crash_page, empty_answer, json_answer, page
from lab.nextcloud.http import (
    ADMIN,
    PUBLIC,
    USER,
    app_is_off,
    caller,
    parameters,
    route_guard,
    server,
    state,
)
from lab.nextcloud.outgoing import probe_openproject, revoke_token
from lab.nextcloud.state import GROUPFOLDERS, INTEGRATION, StateError, as_numbers

routes = Blueprint("integration", __name__)

BASE = "/apps/integration_openproject"


def app_route(
    path: str, method: str, access: str = ADMIN, csrf: bool = False, alone: bool = True
) -> Callable[..., Any]:
    """A route of the app: 404 without a body while the app is off, a page for a PHP error.

    `alone`: no other request meanwhile. A route that asks the other server must not hold everybody up.
    """

    def decorate(view: Callable[..., Response]) -> Callable[..., Response]:
        guarded = route_guard(access, csrf)(view)

        def handler(**arguments: Any) -> Response:
            with state().lock if alone else contextlib.nullcontext():
                user = caller().user
                if not state().app_enabled(INTEGRATION, user.uid if user else None):
                    return app_is_off(INTEGRATION)
                try:
                    return guarded(**arguments)
                except integration.BadCall:
                    return empty_answer(400) if state().profile.refuses_bad_calls else crash_page()
                except integration.Refusal as refusal:
                    return json_answer({"error": refusal.message}, refusal.status)
                except StateError as error:
                    return json_answer({"error": error.message}, 500)
                except integration.Crash:
                    return crash_page()

        handler.__name__ = view.__name__
        routes.add_url_rule(BASE + path, view_func=handler, methods=[method])
        return handler

    return decorate


def _values() -> Any:
    values = parameters().get("values")
    if values is not None and not isinstance(values, (dict, list)):
        raise integration.BadCall
    return values


def _revoke(url: str, token: str, client_id: str, secret: str) -> str:
    return revoke_token(server(), url, token, client_id, secret)


@app_route("/setup", "POST")
def set_up() -> Response:
    """NC §1.2 to §1.5: everything at once; always makes a new OAuth client."""
    values = integration.check_complete(state(), _values())
    outcome = integration.store(state(), values, _revoke)
    body: dict[str, Any] = {"status": outcome["status"]}
    if values["authorization_method"] == "oauth2" or state().profile.client_in_oidc:
        body |= integration.new_client(state())
        body["status"] = integration.is_configured(state())
    return json_answer(_setup_body(body, outcome))


@app_route("/setup", "PATCH")
def change_setup() -> Response:
    """NC §1.2 to §1.5: any part; keeps the OAuth client, or makes one when there is none."""
    outcome = integration.store(state(), integration.check_partial(state(), _values()), _revoke)
    body: dict[str, Any] = {"status": outcome["status"]}
    if state().app_value(INTEGRATION, "authorization_method") == "oidc" and not state().profile.client_in_oidc:
        return json_answer(body)
    if integration.dangles(state()):
        raise integration.Crash
    client = integration.oauth_client(state())
    if client:
        body |= integration.client_info(client)
    else:
        body |= integration.new_client(state())
        body["status"] = integration.is_configured(state())
    return json_answer(_setup_body(body, outcome))


def _setup_body(body: dict[str, Any], outcome: dict[str, Any]) -> dict[str, Any]:
    if not state().profile.setup_answers_status:
        del body["status"]
    if outcome["oPOAuthTokenRevokeStatus"]:
        body["openproject_revocation_status"] = outcome["oPOAuthTokenRevokeStatus"]
    if outcome["oPUserAppPassword"]:
        body["openproject_user_app_password"] = outcome["oPUserAppPassword"]
    return body


@app_route("/setup", "DELETE")
def reset_setup() -> Response:
    """NC §1.4, §1.5, §9: the answer is always true."""
    outcome = integration.reset(state(), _revoke)
    body: dict[str, Any] = {"status": True}
    if outcome["oPOAuthTokenRevokeStatus"]:
        body["openproject_revocation_status"] = outcome["oPOAuthTokenRevokeStatus"]
    return json_answer(body)


@app_route("/nc-oauth", "POST", csrf=True)
def new_oauth_client() -> Response:
    """NC §1.2: a new OAuth client, also in place of a dangling one (NC §9)."""
    return json_answer(integration.new_client(state()))


@app_route("/admin-config", "PUT", csrf=True)
def set_admin_config() -> Response:
    """NC §1.2: the route of the web UI, which checks names only."""
    values = _values()
    if values is None:
        raise integration.BadCall
    values = values if isinstance(values, dict) else dict(enumerate(values))
    for key in values:
        if key not in integration.SETTINGS:
            raise integration.Refusal(400, f"Unknown setting: {key}")
    return json_answer(integration.store(state(), values, _revoke))


@app_route("/check-config", "GET", access=PUBLIC)
def check_config() -> Response:
    """NC §1.4: echoes who calls and the Authorization header, unless a proxy swallowed it (OP §5)."""
    user = caller().user
    header = None if state().strips_authorization else request.headers.get("Authorization")
    return json_answer({"user_id": user.uid if user else "", "authorization_header": header})


@app_route("/check-admin-config", "GET")
def check_admin_config() -> Response:
    """NC §0.5, §1.4: completeness without project folders, and whether the application password exists."""
    return json_answer(
        {
            "config_status_without_project_folder": integration.is_configured(state()),
            "project_folder_setup_status": integration.has_app_password(state()),
        }
    )


@app_route("/project-folder-status", "GET")
def project_folder_status() -> Response:
    """NC §3.2: whether user, group and folder are right."""
    return json_answer({"result": integration.project_folders_complete(state())})


@app_route("/is-valid-op-instance", "POST", access=USER, csrf=True, alone=False)
def is_valid_op_instance() -> Response:
    """NC §1.4, OP §5.1: looks at the address itself."""
    sent = parameters()
    if not isinstance(sent.get("url"), str):
        raise integration.BadCall
    return json_answer(probe_openproject(server(), sent["url"]))


@app_route("/sign-term-of-service", "POST")
def sign_terms() -> Response:
    """NC §1.2: dies without the app terms_of_service."""
    if not state().app_enabled("terms_of_service"):
        raise integration.Crash
    state().terms_signed = True
    return json_answer({"result": True})


@app_route("/config", "PUT", access=USER, csrf=True)
def set_user_config() -> Response:
    """NC §1.2: values of the calling user."""
    user = caller().user
    if user:
        own = user.settings.setdefault(INTEGRATION, {})
        own.update({key: str(value).strip() for key, value in (parameters().get("values") or {}).items()})
    return json_answer([])


@app_route("/op-oauth-url", "GET", access=USER, csrf=True)
def op_oauth_url() -> Response:
    """NC §1.2: needs a configured app and a secret of ten characters."""
    url, client, secret = (
        state().app_value(INTEGRATION, key) or ""
        for key in ("openproject_instance_url", "openproject_client_id", "openproject_client_secret")
    )
    if not (integration.is_configured(state()) and len(secret) >= 10):
        raise integration.Crash
    return json_answer(f"{url.rstrip('/')}/oauth/authorize?client_id={client}&response_type=code")


@routes.get("/settings/admin/openproject")
def admin_page() -> Response:
    """NC §8: the page whose hidden inputs hold the whole state; reading it can mend the method (NC §9)."""
    with state().lock:
        guarded = route_guard(ADMIN, csrf=False)(_admin_page)
        return guarded()


def _admin_page() -> Response:
    user = caller().user
    uid = user.uid if user and not state().profile.names_limited_apps else None
    if not state().app_enabled(INTEGRATION, uid):
        return page("Access forbidden", "Logged in user doesn't have permission to access these settings.", 403)
    integration.mend_method(state())
    inputs = "".join(
        f'<input type="hidden" id="initial-state-{INTEGRATION}-{key}" value="{_initial_state(value)}">\n'
        for key, value in (
            ("admin-settings-config", _settings()),
            ("admin-config-status", integration.is_configured(state())),
        )
    )
    answer = page("OpenProject", "", head=f'data-user="admin" data-requesttoken="{g.session.masked_token()}"')
    answer.set_data(answer.get_data(as_text=True).replace("</body>", f"{inputs}</body>"))
    return answer


def _initial_state(value: Any) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


def _settings() -> dict[str, Any]:
    def value(key: str) -> str:
        return state().app_value(INTEGRATION, key) or ""

    client = integration.oauth_client(state())
    user_oidc = _app_info("user_oidc", "OpenID Connect user backend", "7.2.0")
    return {
        "openproject_instance_url": value("openproject_instance_url"),
        "authorization_method": value("authorization_method"),
        "openproject_client_id": value("openproject_client_id"),
        "openproject_client_secret": value("openproject_client_secret"),
        "nc_oauth_client": integration.client_info(client) if client else None,
        "authorization_settings": {
            "oidc_provider": value("oidc_provider"),
            "targeted_audience_client_id": value("targeted_audience_client_id"),
            "sso_provider_type": value("sso_provider_type"),
            "token_exchange": value("token_exchange") not in ("", "0"),
        },
        "fresh_project_folder_setup": value("fresh_project_folder_setup") == "1",
        "project_folder_info": integration.project_folder_info(state()),
        "app_password_set": integration.has_app_password(state()),
        "default_enable_navigation": value("default_enable_navigation") == "1",
        "default_enable_unified_search": value("default_enable_unified_search") == "1",
        "all_terms_of_services_signed": state().terms_signed,
        "admin_audit_configuration_correct": _audit_is_set_up(),
        "admin_audit_app_name": "Auditing / Logging",
        "encryption_info": {
            "server_side_encryption_enabled": state().app_enabled("encryption")
            and state().app_value("core", "encryption_enabled") == "yes"
            and state().app_value("encryption", "encryptHomeStorage") == "1",
            "encryption_enabled_for_groupfolders": state().app_value(GROUPFOLDERS, "enable_encryption") == "true",
        },
        "oidc_providers": state().oidc_providers if user_oidc["enabled"] else [],
        "user_oidc_enabled": user_oidc["enabled"],
        "user_oidc_supported": user_oidc["supported"],
        "user_oidc_minimum_version": user_oidc["minimum_version"],
        "apps": {
            "oidc": _app_info("oidc", "OIDC Identity Provider", state().profile.oidc_minimum_version),
            "user_oidc": user_oidc,
            "groupfolders": _app_info(
                GROUPFOLDERS,
                state().apps[GROUPFOLDERS].name if GROUPFOLDERS in state().apps else "Team folders",
                "1.0.0",
            ),
        },
    }


def _app_info(app: str, name: str, minimum: str) -> dict[str, Any]:
    enabled = state().app_enabled(app)
    supported = enabled and as_numbers(state().apps[app].version) >= as_numbers(minimum)
    return {"name": name, "enabled": enabled, "supported": supported, "minimum_version": minimum}


def _audit_is_set_up() -> bool:
    """NC §1.5, last row."""
    system = state().system
    return (
        state().app_enabled("admin_audit")
        and system.get("logfile_audit") == f"{system['datadirectory']}/audit.log"
        and "admin_audit" in (system.get("log.condition") or {}).get("apps", [])
        and int(system.get("loglevel", 2)) >= 1
    )
