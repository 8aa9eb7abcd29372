# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client for OpenProject's API v3."""

from __future__ import annotations

import typing as t

from .._core.argspec import ArgumentSpec
from .._core.errors import ApiError, BadInput, CredentialsError, TransportError
from .._core.module import Call
from .._http.client import Answer, JsonClient
from .._http.connection import check_secret, check_username, connection, http_spec
from .runner import RUNNER_OPTIONS

API = "/api/v3"
ERRORS = "urn:openproject-org:api:v3:errors:"
API_KEY_USER = "apikey"

#: the whole connection of the product; every member of the action group takes it
OPENPROJECT_SPEC = http_spec("openproject", openproject_api_key={"type": "str", "no_log": True}).merge(
    ArgumentSpec(
        options=RUNNER_OPTIONS,
        mutually_exclusive=[
            ("openproject_api_key", "openproject_username"),
            ("openproject_api_key", "openproject_password"),
        ],
        required_together=[("openproject_username", "openproject_password")],
    )
)


class OpenProject(JsonClient):
    """One OpenProject."""

    default_headers: t.ClassVar[t.Mapping[str, str]] = {"Accept": "application/hal+json"}
    #: NC §1.4, OP §5.1
    needed_by_the_other = "/api/v3 and /oauth"

    @classmethod
    def from_call(cls, call: Call) -> OpenProject:
        """The client for a module's options.

        :raises BadInput: an option is missing or unusable.
        """
        username, password = _credentials(call)
        made = connection(
            call.params, "openproject", "OpenProject", username=username, password=password, warn=call.warn
        )
        return cls(made, call.secrets, warn=call.warn)

    def get(self, path: str, *, attempted: str, **more: t.Any) -> dict[str, t.Any]:
        """Read a HAL document below C(/api/v3)."""
        return self.read(f"{API}{path}", attempted=attempted, **more)

    def send(
        self,
        method: str,
        path: str,
        body: t.Mapping[str, t.Any] | None,
        *,
        attempted: str,
        timeout: float | None = None,
    ) -> dict[str, t.Any]:
        """Write below C(/api/v3) and return the document of the answer; empty when there is none (204)."""
        answer = self.call(method, f"{API}{path}", attempted=attempted, json=body, timeout=timeout)
        if answer.status == 204:
            return {}
        return self.document(answer, attempted)

    def accepts_secret(self, client_id: str, client_secret: str, redirect_uri: str) -> bool | None:
        """Try an OAuth application's secret with a made-up authorization code (OP §16); changes nothing.

        :returns: whether the secret is right; C(None) when the answer does not tell.
        """
        answer = self.call(
            "POST",
            "/oauth/token",
            attempted="try the client secret of the OAuth application",
            form={
                "grant_type": "authorization_code",
                "client_id": client_id,
                "client_secret": client_secret,
                "redirect_uri": redirect_uri,
                "code": "opnc-integration-tries-the-secret",
            },
            authorization="",
            accepted=(400, 401),
        )
        error = answer.data.get("error") if isinstance(answer.data, dict) else None
        return {"invalid_grant": True, "invalid_client": False}.get(str(error))

    def explain(self, answer: Answer) -> tuple[str, dict[str, str]]:
        """OpenProject's words and identifiers (OP §2.3); with several violations, all of them."""
        data = answer.data if isinstance(answer.data, dict) else {}
        if not data:
            return f'"{self.excerpt(answer.text)}"', {}
        errors = data.get("_embedded", {}).get("errors") or [data]
        words = self.secrets.censor(" ".join(str(error.get("message", "")) for error in errors))
        return f'"{words}"', {
            "identifier": str(data.get("errorIdentifier", "")).replace(ERRORS, ""),
            "attribute": ",".join(_attributes(errors)),
        }

    def refine(self, answer: Answer, attempted: str) -> ApiError | None:
        """Errors whose cause OpenProject does not name itself: login, rights, host name."""
        words, facts = self.explain(answer)
        if answer.status == 401 and facts.get("identifier") == "Unauthenticated":
            return CredentialsError(
                f"HTTP 401, {words}",
                attempted=attempted,
                server=self.server,
                status=401,
                remedy=self._login_remedy(),
                **facts,
            )
        if answer.status == 403 and facts.get("identifier") == "MissingPermission":
            return CredentialsError(
                f"HTTP 403, {words}",
                attempted=attempted,
                server=self.server,
                status=403,
                remedy="Use the API key of an administrator, or the global basic authentication of the server",
                **facts,
            )
        if answer.status == 400 and not answer.is_json and "host_name" in answer.text:
            return ApiError(
                f"HTTP 400, {words}: it is configured for another host name than {self.connection.public.netloc}",
                attempted=attempted,
                server=self.server,
                status=400,
                identifier="host_name",
                remedy="Set openproject_public_url to the address that its users see (its setting"
                " OPENPROJECT_HOST__NAME)",
            )
        return None

    def _remedy_for(self, answer: Answer) -> str:
        remedy = super()._remedy_for(answer)
        known = isinstance(answer.data, dict) and answer.data.get("_type") == "Error"
        if remedy or known or answer.status >= 500:
            return remedy
        return "OpenProject does not answer like that; check openproject_url, its path too"

    def _login_remedy(self) -> str:
        if self.connection.username == API_KEY_USER:
            return (
                "Check openproject_api_key: it must belong to an active account, and API tokens and basic"
                " authentication of API v3 must be on (Administration, API; settings rest_api_enabled, from 17 on"
                " api_tokens_enabled, and apiv3_enable_basic_auth)"
            )
        return (
            "Check openproject_username and openproject_password: they are those of the server's global basic"
            " authentication (OPENPROJECT_AUTHENTICATION_GLOBAL__BASIC__AUTH_USER and …_PASSWORD); the login of a"
            " person is never accepted by the API. Basic authentication of API v3 must be on (apiv3_enable_basic_auth)"
        )


def is_not_found(error: ApiError) -> bool:
    """Whether the server says that a thing is not there, or not there for this user (OP §3.2)."""
    return error.status == 404


def unexpected(answer: t.Any, key: str, *, attempted: str, server: str) -> TransportError:
    """A document of OpenProject lacks a key that every supported version has."""
    kind = answer.get("_type", "document") if isinstance(answer, dict) else type(answer).__name__
    return TransportError(
        f"the {kind} lacks {key}", attempted=attempted, server=server, remedy="Supported are versions from 14.2 on"
    )


def _attributes(errors: t.Iterable[t.Mapping[str, t.Any]]) -> list[str]:
    found = (error.get("_embedded", {}).get("details", {}).get("attribute") for error in errors)
    return [str(attribute) for attribute in found if attribute]


def _credentials(call: Call) -> tuple[str, str]:
    api_key, username = call.params["openproject_api_key"], call.params["openproject_username"]
    if api_key is not None:
        return API_KEY_USER, check_secret(api_key, "openproject_api_key", warn=call.warn, blanks=False)
    if username is None:
        raise BadInput(
            "neither openproject_api_key nor openproject_username and openproject_password are given",
            remedy="Give one of the two, once for all modules in module_defaults or here",
        )
    if username == API_KEY_USER:
        raise BadInput(
            "openproject_username is apikey, which is reserved", remedy="Give the token as openproject_api_key instead"
        )
    password = check_secret(call.params["openproject_password"] or "", "openproject_password", warn=call.warn)
    return check_username(username, "openproject_username"), password
