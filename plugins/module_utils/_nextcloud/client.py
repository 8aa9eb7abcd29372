# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client for Nextcloud: the integration app's routes, OCS, the group folders app and the admin page."""

from __future__ import annotations

import base64
import html
import json
import re
import typing as t
from dataclasses import replace

from .._core.argspec import ArgumentSpec
from .._core.errors import ApiError, CredentialsError, TransportError
from .._core.module import Call
from .._http.client import Answer, JsonClient, retry_after
from .._http.connection import check_secret, check_username, connection, http_spec
from .occ import OCC_OPTIONS, occ_given
from .temporary_password import make_application_password

APP = "integration_openproject"
APP_ROOT = f"/index.php/apps/{APP}"
ADMIN_PAGE = "/index.php/settings/admin/openproject"
STATE_ELEMENT = f"initial-state-{APP}-admin-settings-config"
#: ``ocs.meta.statuscode`` of success: 200 on v2 routes, 100 on v1 and on the group folders app (NC §4.3, §5.2)
OCS_SUCCESS = (100, 200)
CONFIRMATION_REMEDY = (
    "This Nextcloud wants the login password for such a write (nextcloud/server#61322): give it as nextcloud_password,"
    " or give occ_command and occ_exec so that occ does it"
)

#: the whole connection of the product; every member of the action group takes it
NEXTCLOUD_SPEC = http_spec("nextcloud").merge(ArgumentSpec(options=OCC_OPTIONS))


class Nextcloud(JsonClient):
    """One Nextcloud."""

    # sent always: lifts the CSRF check of OCS routes everywhere, of app routes from 30 on (NC §1.1, §9)
    default_headers: t.ClassVar[t.Mapping[str, str]] = {"Accept": "application/json", "OCS-APIRequest": "true"}

    slow_because = (
        " (it delays logins up to 30 s after failed ones from the address that it sees; behind a proxy without"
        " trusted_proxies that is everybody's; occ security:bruteforce:reset <address> ends it)"
    )
    #: OP §5, OP §6
    needed_by_the_other = (
        "/ocs/v2.php/cloud/capabilities, /index.php/apps/integration_openproject, /index.php/apps/oauth2, /remote.php"
    )

    _request_token: str | None = None

    @classmethod
    def from_call(cls, call: Call) -> Nextcloud:
        """The client for a module's options.

        Without C(nextcloud_password), but with the way to occ, occ makes an application password for this run, which
        deletes itself at the end.

        :raises BadInput: an option is missing or unusable.
        :raises Failure: a password is to be made, and Nextcloud does not answer at this address, or occ does not make
            one.
        """
        username = check_username(call.params["nextcloud_username"] or "", "nextcloud_username")
        given = call.params["nextcloud_password"]
        mint = given is None and occ_given(call)
        password = "" if mint else check_secret(given or "", "nextcloud_password", warn=call.warn)
        made = connection(call.params, "nextcloud", "Nextcloud", username=username, password=password, warn=call.warn)
        if mint:
            # what cannot be reached could not be told to delete it either
            cls(made, call.secrets, warn=call.warn).call(
                "GET", "/status.php", attempted="reach Nextcloud, before occ makes a password for it", authorization=""
            )
            made = replace(made, password=make_application_password(call, username))
        client = cls(made, call.secrets, warn=call.warn)
        if mint:
            call.clean_up(client.delete_own_password)
        return client

    def delete_own_password(self) -> None:
        """Delete the application password that this client logs in with, and no other (NC §5.5)."""
        self.ocs("DELETE", "/ocs/v2.php/core/apppassword", attempted="delete the application password of this run")

    def app(self, method: str, path: str, *, attempted: str, token: bool = False, **more: t.Any) -> t.Any:
        """Call a route of the integration app and return its JSON.

        :param token: send a request token; without one Nextcloud 29 refuses routes behind its CSRF check (NC §9).
        :raises TransportError: the answer is not JSON (an upgrade page has status 200, NC §1.1).
        """
        headers = {"requesttoken": self.request_token()} if token else None
        answer = self.call(method, f"{APP_ROOT}{path}", attempted=attempted, headers=headers, **more)
        return self.document(answer, attempted)

    def ocs(
        self, method: str, path: str, *, attempted: str, form: t.Mapping[str, str] | None = None, **more: t.Any
    ) -> t.Any:
        """Call an OCS route, or one of the group folders app, and return C(ocs.data).

        :param path: from the web root: C(/ocs/v2.php/cloud/users/…) or C(/index.php/apps/groupfolders/folders).
        :raises ApiError: by HTTP status or by C(ocs.meta.statuscode), which can be 403 or 404 under HTTP 200 (NC §4.3).
        """
        answer = self.call(method, path, attempted=attempted, form=form, **more)
        envelope = self.document(answer, attempted).get("ocs")
        if not isinstance(envelope, dict):
            raise self._not_json(answer, attempted)
        code = envelope.get("meta", {}).get("statuscode")
        if code not in OCS_SUCCESS:
            refined = self.refine(answer, attempted)
            if refined is not None:
                raise refined
            words, facts = self.explain(answer)
            status = code if answer.status < 300 and isinstance(code, int) and 400 <= code < 600 else answer.status
            raise ApiError(self.secrets.censor(words), attempted=attempted, server=self.server, status=status, **facts)
        return envelope.get("data")

    def admin_state(self) -> dict[str, t.Any]:
        """The admin page's initial state (NC §8): the only read that shows the OAuth client's id.

        It holds OpenProject's client secret in clear, which is remembered here and never shown.

        :raises TransportError: the page lacks the element; the message names app version and key.
        """
        attempted = "read the settings of OpenProject Integration"
        answer = self.call("GET", ADMIN_PAGE, attempted=attempted, headers={"Accept": "text/html"})
        match = re.search(rf'<input[^>]*\bid="{STATE_ELEMENT}"[^>]*\bvalue="([^"]*)"', answer.text)
        if match is None:
            raise TransportError(
                f"the page {ADMIN_PAGE} lacks the element {STATE_ELEMENT}",
                attempted=attempted,
                server=self.server,
                remedy="Either the app OpenProject Integration is not enabled, or its version is not one that this"
                " collection knows",
                cause="settings",
            )
        try:
            state = json.loads(base64.b64decode(html.unescape(match.group(1))))
        except ValueError:
            state = None
        if not isinstance(state, dict):
            raise TransportError(
                f"the element {STATE_ELEMENT} cannot be read", attempted=attempted, server=self.server, cause="settings"
            )
        secret = state.get("openproject_client_secret")
        if isinstance(secret, str):
            self.secrets.add(secret)
        token = re.search(r'\bdata-requesttoken="([^"]+)"', answer.text)
        if token is not None:
            self._request_token = html.unescape(token.group(1))
            self.secrets.add(self._request_token)
        return state

    def capabilities(self) -> dict[str, t.Any]:
        """C(version) and C(capabilities) of the server; needs no login, but with one shows more."""
        data = self.ocs("GET", "/ocs/v2.php/cloud/capabilities", attempted="read the capabilities")
        return data if isinstance(data, dict) else {}

    def request_token(self) -> str:
        """A request token for the session that the cookies of earlier answers hold (NC §9).

        The admin page carries one; without it, it is asked for once.
        """
        if self._request_token is None:
            data = self.read("/index.php/csrftoken", attempted="get a request token")
            self._request_token = str(data.get("token", ""))
            self.secrets.add(self._request_token)
        return self._request_token

    def explain(self, answer: Answer) -> tuple[str, dict[str, str]]:
        """Nextcloud's words: ``ocs.meta.message``, ``error`` or ``message``."""
        data = answer.data if isinstance(answer.data, dict) else {}
        envelope = data.get("ocs")
        if isinstance(envelope, dict):
            meta = envelope.get("meta", {})
            words = self.secrets.censor(str(meta.get("message") or "no message"))
            return words, {"identifier": str(meta.get("statuscode", ""))}
        known = [data[key] for key in ("error", "message", "hint") if key in data] or [self.excerpt(answer.text)]
        return self.secrets.censor(str(next(filter(None, known), "no message"))), {}

    def _redirect(self, answer: Answer, path: str, attempted: str) -> ApiError | TransportError:
        target = answer.headers.get("Location", "")
        if target in (f"{self.connection.address.path}/index.php", f"{self.connection.public}/index.php"):
            return ApiError(
                "Nextcloud is not installed yet",
                attempted=attempted,
                server=self.server,
                remedy="Wait for its first start, or finish its set-up",
                status=answer.status,
                identifier="unavailable",
            )
        return super()._redirect(answer, path, attempted)

    def refine(self, answer: Answer, attempted: str) -> ApiError | None:
        """Errors whose cause Nextcloud does not name itself: login, rights, out of service, host name, throttling."""
        words, _facts = self.explain(answer)
        code = _statuscode(answer)

        def error(kind: type[ApiError], cause: str, remedy: str, **facts: t.Any) -> ApiError:
            return kind(
                self.secrets.censor(cause),
                attempted=attempted,
                server=self.server,
                remedy=remedy,
                status=answer.status,
                **facts,
            )

        if answer.status == 503:
            return error(ApiError, *_unavailable(answer), identifier="unavailable")
        if answer.status == 400 and not answer.is_json:
            return error(
                ApiError,
                f"HTTP 400, it does not trust the host name {self.connection.public.netloc}",
                "Add it to trusted_domains (occ config:system:set trusted_domains 1"
                f" --value={self.connection.public.host}), or set nextcloud_public_url to the name that it knows",
                identifier="untrusted_host",
            )
        if answer.status == 401 and (answer.is_json or code == 997):
            shut_out = "not logged in" in words.lower()
            identifier = "second_factor" if shut_out else "login"
            return error(CredentialsError, *self._login_cause(answer, words), identifier=identifier)
        if answer.status == 403 and "admin" in words.lower() and "confirmation" not in words.lower():
            return error(
                CredentialsError,
                f'HTTP 403, "{words}"',
                f"Give nextcloud_username an account of the group admin; {self.connection.username} is not in it",
                identifier="not_administrator",
            )
        if 403 in (answer.status, code) and "confirmation" in words.lower():
            return error(ApiError, f'"{words}"', CONFIRMATION_REMEDY, identifier="password_confirmation")
        if answer.status == 429:
            return error(
                ApiError,
                f'HTTP 429, "{words}"',
                "It throttles this address: too many logins failed from the one that Nextcloud sees; behind a proxy"
                " that is the proxy's, unless trusted_proxies is set. Wait, or: occ security:bruteforce:reset"
                " <address>",
                identifier="throttled",
                **retry_after(answer),
            )
        return None

    def _login_cause(self, answer: Answer, words: str) -> tuple[str, str]:
        username = self.connection.username
        if "disabled" in words.lower():
            return f'HTTP 401, "{words}"', f"Enable the account: occ user:enable {username}"
        if "not logged in" in words.lower():
            return (
                f'HTTP 401, "{words}"',
                "Either a second factor or token_auth_enforced shuts out the login password: give an application"
                " password as nextcloud_password (Settings, Security, Devices & sessions; or occ user:auth-tokens:add"
                f" {username}). Or the web server drops the Authorization header",
            )
        said = f" ({words!r})" if words not in ("", "no message") else ""
        return (
            f"HTTP 401, it does not accept the password of {username}{said}",
            "Check nextcloud_username and nextcloud_password. It was tried once only, because Nextcloud slows down"
            " after failed logins",
        )

    def _not_json(self, answer: Answer, attempted: str) -> TransportError:
        if answer.status == 200 and "html" in answer.headers.get("Content-Type", "") and _is_nextcloud_page(answer):
            return TransportError(
                "HTTP 200 with a page instead of JSON: Nextcloud or one of its apps waits for an upgrade",
                attempted=attempted,
                server=self.server,
                remedy="Run: occ upgrade",
                status=answer.status,
            )
        return super()._not_json(answer, attempted)


def _statuscode(answer: Answer) -> int:
    data = answer.data if isinstance(answer.data, dict) else {}
    meta = data.get("ocs", {}).get("meta", {}) if isinstance(data.get("ocs"), dict) else {}
    code = meta.get("statuscode", 0)
    return code if isinstance(code, int) else 0


def _unavailable(answer: Answer) -> tuple[str, str]:
    text = answer.text.lower()
    if "X-Nextcloud-Maintenance-Mode" in answer.headers or "maintenance" in text:
        return (
            "HTTP 503, it is in maintenance mode",
            "Run again when the maintenance is over (occ maintenance:mode --off, or occ upgrade when an upgrade is"
            " waiting)",
        )
    if "upgrade" in text or "update" in text:
        return "HTTP 503, it waits for an upgrade", "Run: occ upgrade"
    return "HTTP 503, it is not available", "Nextcloud, or the proxy in front of it, is not ready; run again when it is"


def _is_nextcloud_page(answer: Answer) -> bool:
    return "nextcloud" in answer.text.lower() or "X-Request-Id" in answer.headers or "data-requesttoken" in answer.text
