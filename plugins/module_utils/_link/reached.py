# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings on the way to a server, which are the same for both."""

from __future__ import annotations

import typing as t

from .._core.errors import ApiError, CredentialsError, Failure
from .finding import ERROR, LINK_MODULE, NO_ANSWER, WARNING, Finding, Table

#: statuses of a server, or of a proxy in front of it, that is not up yet (field case O17)
NOT_READY = (500, 502, 503, 504)


def reach_rows(table: Table, side: str, product: str) -> None:
    """Add the rows on the way to one server."""

    def row(code: str, severity: str, message: str, remedy: str) -> None:
        table.row(f"{side}_{code}", severity, side, side, message, remedy, LINK_MODULE, NO_ANSWER)

    row(
        "not_looked_at",
        WARNING,
        f"Nobody has looked at the side of the link that is in {product}: {{missing}} not given",
        f"Give the whole connection of {product}",
    )
    row(
        "unreachable",
        ERROR,
        f"{product} cannot be reached from the machine that runs the check: {{answer}}",
        f"Check that {product} runs, that {side}_url is right, and the firewalls in between",
    )
    row(
        "certificate",
        ERROR,
        f"The machine that runs the check does not trust the certificate of {product}: {{answer}}",
        f"If it comes from a private authority, give its CA in {side}_ca_path. The other server has to trust it too, in a setting of its own",
    )
    row(
        "redirected",
        ERROR,
        f"{product} sends the check elsewhere: {{answer}}",
        f"Set {side}_url to the address that it is sent to, when that is {product} itself",
    )
    row(
        "not_itself",
        ERROR,
        f"Something else than {product} answers: {{answer}}",
        f"Check {side}_url, its path too, and that neither a proxy nor a portal stands in between",
    )
    row(
        "not_ready",
        ERROR,
        f"{product} is not ready: {{answer}}",
        f"Wait for the end of its start, and look at the log of {product}",
    )
    row(
        "throttled",
        ERROR,
        f"{product} throttles the check: {{answer}}",
        "Wait a few minutes. Behind a proxy, make sure that the server sees the clients' addresses, not the proxy's",
    )
    row(
        "login_refused",
        ERROR,
        f"{product} does not accept the credentials: {{answer}}",
        f"Check the credentials, and that {product} allows this way of logging in",
    )
    row(
        "not_administrator",
        ERROR,
        f"The account that the check uses is not an administrator of {product}: {{answer}}",
        "Use the account of an administrator",
    )
    row("failed", ERROR, f"{product} failed: {{answer}}", f"Look at the log of {product}")


def reach_findings(table: Table, side: str, missing: t.Sequence[str], failure: Failure | None) -> t.Iterator[Finding]:
    """Why the look at a side was not to be had, or ended early. Pure."""
    if missing:
        are = "are" if len(missing) > 1 else "is"
        yield table.finding(f"{side}_not_looked_at", missing=f"{' and '.join(missing)} {are}")
    if failure is not None:
        yield table.finding(
            f"{side}_{_kind(failure)}", answer=failure.answer.rstrip("."), exact_remedy=failure.remedy.rstrip(".")
        )


def _kind(failure: Failure) -> str:
    cause, status = failure.facts.get("cause"), failure.facts.get("status")
    identifier = failure.facts.get("identifier")
    if identifier in ("second_factor", "untrusted_host", "host_name"):
        return str(identifier)
    if cause == "settings":
        return "settings_unknown"
    if status == 429:
        return "throttled"
    if isinstance(failure, CredentialsError):
        return "login_refused" if failure.status == 401 else "not_administrator"
    if cause == "redirect":
        return "redirected"
    if status in NOT_READY:
        return "not_ready"
    if cause == "tls":
        return "certificate"
    if cause == "connection":
        return "unreachable"
    if cause == "page":
        return "not_itself"
    # an API that is not there: another site, or another path
    if isinstance(failure, ApiError) and failure.status in (404, 405):
        return "not_itself"
    return "failed"
