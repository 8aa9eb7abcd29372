# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Consent of the administrator to an OAuth client of Nextcloud, given as a browser gives it, and taken back.

Only a valid authorization code tells whether a client secret is right: Nextcloud's token endpoint looks at the code first (NC §9).
"""

from __future__ import annotations

import base64
import contextlib
import html
import json
import re
import secrets
import typing as t
from urllib.parse import parse_qsl, urlsplit

from .._core.errors import Failure, Refused
from .._http.client import Answer
from .client import Nextcloud

#: of the client and of every token that comes from it (NC §1.4)
CLIENT_NAME = "OpenProject client"
SECURITY_PAGE = "/index.php/settings/user/security"
TOKENS_ELEMENT = "initial-state-settings-app_tokens"
FLOW = "/index.php/login/flow"
PERMANENT = 1
REDIRECTED = (302, 303)


class Consent:
    """One consent of the account that a client of Nextcloud is logged in as.

    Seen on 29.0.6: with the code comes at once a token of that account, named after the OAuth client, in the account's list of devices and
    sessions. It opens nothing until somebody exchanges the code, which is good for ten minutes; then it goes on under the same id.
    Call :meth:`withdraw` in any case; at once when :meth:`obtain_code` failed.

    :param client_id: id of the OAuth client, 64 characters.
    """

    def __init__(self, client: Nextcloud, client_id: str) -> None:
        self._client, self._client_id = client, client_id
        self._attempted = "let Nextcloud hand out an authorization code"
        #: ids before the consent was sent; C(None) as long as it was not
        self._before: frozenset[int] | None = None
        #: ids that came with it; C(None) as long as nobody has looked
        self._made: frozenset[int] | None = None
        #: id of the session's own row
        self._session: int | None = None

    def obtain_code(self) -> str:
        """An authorization code, remembered as a secret.

        The pages differ: forms in 29 and 32, data for a script in newer ones; and where an administrator lets known clients skip the first
        page, the redirect itself carries the state token (all in the server's ClientFlowLoginController and LoginRedirectorController).

        :raises Refused: there is no session of a browser, as with an application password, or Nextcloud does not know the client.
        :raises ApiError: Nextcloud refused a step.
        """
        before = self._ids_of_tokens()
        state = secrets.token_urlsafe(24)
        form = {"stateToken": self._state_token(state), "clientIdentifier": self._client_id}
        proof = self._proof()
        self._before = before
        try:
            answer = self._client.call(
                "POST", FLOW, form=form, headers=proof, accepted=REDIRECTED, attempted=self._attempted
            )
        finally:
            self._made = self._ids_of_tokens() - before
        handed_out = _query(answer)
        code = handed_out.get("code")
        if not code or handed_out.get("state") != state:
            raise self._refused("its answer to the consent carries no code")
        self._client.secrets.add(code)
        if not self._made:
            raise self._refused(
                f"it handed out a code, but lists no new token named {CLIENT_NAME}",
                remedy=f"Look for a token of {self._client.connection.username} that was just made (Settings, Security), and remove it",
            )
        return code

    def withdraw(self) -> None:
        """Remove the token of this consent, and no other, and end the session. Repeatable.

        :raises Failure: the token could not be removed, or not be told from others of the same moment.
        """
        try:
            self._remove_token()
        finally:
            # a session that cannot be ended ends by itself within a day
            with contextlib.suppress(Failure):
                self._end_session()

    def _remove_token(self) -> None:
        if self._before is None:
            return
        made = self._ids_of_tokens() - self._before if self._made is None else self._made
        if len(made) > 1:
            # another run or a person consented in the same moment; when one of them is gone, OpenProject has revoked ours
            if not made <= self._ids_of_tokens():
                return
            raise Failure(
                f"several were made in the same moment (ids {', '.join(map(str, sorted(made)))}), and none of them was touched",
                attempted=f"remove the token {CLIENT_NAME} of {self._client.connection.username}",
                server=self._client.server,
                remedy="The one that was never used is of no use to anybody: remove it (Settings, Security)",
            )
        for token in made:
            self._delete(token, f"remove the token {CLIENT_NAME} (id {token}) of {self._client.connection.username}")

    def _end_session(self) -> None:
        """By its row in the list: a request to C(/logout) leaves cookies that lead every further request to the login page (seen on 29.0.6)."""
        if self._session is not None:
            self._delete(self._session, "end the session")
            self._session = None

    def _delete(self, token: int, attempted: str) -> None:
        self._client.call(
            "DELETE",
            f"/index.php/settings/personal/authtokens/{token}",
            headers=self._proof(),
            # gone already, as the token that OpenProject has revoked
            accepted=(404,),
            attempted=attempted,
        )

    def _state_token(self, state: str) -> str:
        answer = self._client.call(
            "GET",
            "/index.php/apps/oauth2/authorize",
            params={"client_id": self._client_id, "response_type": "code", "state": state},
            accepted=REDIRECTED,
            attempted=self._attempted,
        )
        query = _query(answer)
        if "clientIdentifier" not in query:
            raise self._refused("it does not know the OAuth client")
        if "stateToken" not in query:
            page = self._client.call("GET", FLOW, params=query, attempted=self._attempted).text
            query["stateToken"] = _state_token_of(page)
        if not query["stateToken"]:
            raise self._refused("its page for granting access has no state token")
        self._client.secrets.add(query["stateToken"])
        return query["stateToken"]

    def _ids_of_tokens(self) -> frozenset[int]:
        """Ids of the account's tokens that carry the client's name.

        The list comes with a page, and only to a session that Nextcloud remembers; else it is empty, whatever there is. It remembers a login
        when its cookie C(cookie_test) comes along, and hands that out for the neighbours of the address that was asked for only (the server's
        Session::supportsCookies): so the page is asked for twice, if need be. A login with an application password is never remembered.

        :raises Refused: there is no session, or no list.
        """
        for _request in range(2):
            answer = self._client.call("GET", SECURITY_PAGE, attempted="read the list of devices and sessions")
            tokens = _initial_state(answer.text, TOKENS_ELEMENT)
            if not isinstance(tokens, list):
                raise self._refused(f"the page {SECURITY_PAGE} does not list devices and sessions")
            for token in tokens:
                if token.get("current"):
                    self._session = token["id"]
                    return frozenset(
                        one["id"] for one in tokens if (one["name"], one["type"]) == (CLIENT_NAME, PERMANENT)
                    )
        raise self._refused(
            "it grants that only to a session that began with the login password",
            remedy="Most likely nextcloud_password is an application password; give the login password to have this tried",
        )

    def _proof(self) -> dict[str, str]:
        return {"requesttoken": self._client.request_token()}

    def _refused(self, answer: str, remedy: str = "") -> Refused:
        return Refused(answer, attempted=self._attempted, server=self._client.server, remedy=remedy)


def _query(answer: Answer) -> dict[str, str]:
    """The parameters that a redirect carries. Its address is left aside: it is the public one, or OpenProject's."""
    return dict(parse_qsl(urlsplit(answer.headers.get("Location", "")).query, keep_blank_values=True))


def _state_token_of(page: str) -> str:
    """From the form of the page, or from the data that its script draws the form from."""
    field = re.search(r'<input[^>]*\bname="stateToken"[^>]*\bvalue="([^"]+)"', page)
    if field is not None:
        return html.unescape(field.group(1))
    data = _initial_state(page, "initial-state-core-loginFlowAuth")
    return str(data.get("stateToken") or "") if isinstance(data, dict) else ""


def _initial_state(page: str, element: str) -> t.Any:
    """What a page hands to its script under a name; C(None) when it has nothing of that name, or nothing readable."""
    found = re.search(rf'<input[^>]*\bid="{element}"[^>]*\bvalue="([^"]*)"', page)
    try:
        return json.loads(base64.b64decode(html.unescape(found.group(1)))) if found is not None else None
    except ValueError:
        return None
