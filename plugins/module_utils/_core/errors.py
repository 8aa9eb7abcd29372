# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can go wrong, as one small tree.

Modules catch :class:`Failure` and nothing wider; anything else is a bug and shows its traceback.
"""

from __future__ import annotations

import typing as t

SENTENCE_ENDS = (".", "!", "?", '."', '!"', '?"')


class Failure(Exception):
    """Something that an administrator can understand and act on.

    :param attempted: what was attempted, as an infinitive: "read the storages".
    :param server: the server's product name and address, or the command line that stands for it; empty for bad input.
    :param answer: the server's own words, or the cause.
    :param remedy: what to do about it; a whole sentence.
    :param facts: what a playbook may want to decide on (``status``, ``identifier``, ``rc`` …); never a secret.
    """

    def __init__(self, answer: str, *, attempted: str = "", server: str = "", remedy: str = "", **facts: t.Any) -> None:
        self.answer, self.attempted, self.server, self.remedy, self.facts = answer, attempted, server, remedy, facts
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """The whole message: attempt, server, the server's words, remedy."""
        head = f"Could not {self.attempted}" if self.attempted else ""
        if self.server:
            head = f"{head} on {self.server}" if head else self.server
        text = f"{head}: {self.answer}" if head else self.answer
        return " ".join(part if part.endswith(SENTENCE_ENDS) else part + "." for part in (text, self.remedy) if part)

    def as_result(self) -> dict[str, t.Any]:
        """The failure as keys of a module's result."""
        return {"error": {"type": type(self).__name__, **self.facts}}


class BadInput(Failure):
    """An option is unusable; raised before the first request."""


class Refused(Failure):
    """The state of the servers forbids what was asked; raised before the first write."""


class TransportError(Failure):
    """No usable answer: name resolution, TLS, time-out, a broken connection, a page of something in between."""


class NoAnswer(TransportError):
    """A request that may or may not have taken effect: the connection ended before a byte of an answer came."""


class ApiError(Failure):
    """The server answered with an error.

    :param status: HTTP status.
    :param identifier: OpenProject's ``errorIdentifier`` without its prefix, or Nextcloud's OCS ``statuscode``; empty
        when it sent none.
    :param attribute: OpenProject's ``_embedded.details.attribute``; empty when it sent none.
    """

    def __init__(
        self, answer: str, *, status: int, identifier: str = "", attribute: str = "", **details: t.Any
    ) -> None:
        super().__init__(answer, status=status, identifier=identifier, attribute=attribute, **details)
        self.status, self.identifier, self.attribute = status, identifier, attribute


class CredentialsError(ApiError):
    """The server does not accept the credentials, or they lack administrator rights. Never tried twice."""


class CommandError(Failure):
    """A command line (occ, rails runner) failed.

    :param rc: exit code; C(None) when the command did not start or ran into its time-out.
    """

    def __init__(self, answer: str, *, rc: int | None, **details: t.Any) -> None:
        super().__init__(answer, rc=rc, **details)
        self.rc = rc
