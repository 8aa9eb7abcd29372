# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the product really sent to the lab, held against the list in `scope.py`.

As a part of pytest it listens to every lab of the session and fails it. `python -m conformance.sent LAB_JSON` asks a
lab that runs in a process of its own.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path

import requests

from conformance import scope
from lab.plumbing import COMMAND, Exchange

PRODUCT_AGENT = "opnc.integration"
"""How the product names itself in its requests."""
PRODUCT_FLAGS = ["--no-warnings", "--no-ansi", "-n"]
"""What the product puts before every occ command."""

_ROOTS = {
    scope.NEXTCLOUD: ("/index.php", "/ocs/", "/status.php"),
    scope.OPENPROJECT: ("/api/v3", "/oauth/", "/health_checks/"),
}


def is_products(exchange: Exchange) -> bool:
    """Whether the product sent it, and not a test or the other server."""
    if exchange.method == COMMAND:
        return exchange.server == scope.NEXTCLOUD and json.loads(exchange.body)[: len(PRODUCT_FLAGS)] == PRODUCT_FLAGS
    agents = [value for name, value in exchange.headers.items() if name.lower() == "user-agent"]
    return not exchange.peer and any(agent.startswith(PRODUCT_AGENT) for agent in agents)


def in_scope(exchange: Exchange) -> bool:
    """Whether the list knows it. A server may live below a path of its host."""
    if exchange.method == COMMAND:
        return scope.command_in_scope(json.loads(exchange.body))
    starts = [exchange.path.find(root) for root in _ROOTS[exchange.server]]
    inner = exchange.path[min((start for start in starts if start >= 0), default=0) :]
    return scope.route_in_scope(exchange.server, exchange.method, inner)


def title(exchange: Exchange) -> str:
    if exchange.method == COMMAND:
        return f"{exchange.server}: occ {scope.command_of(json.loads(exchange.body))}"
    return f"{exchange.server}: {exchange.method} {exchange.path}"


class Sent:
    """Everything that the product sent while this listened."""

    def __init__(self) -> None:
        self.count = 0
        self.unlisted: dict[str, str] = {}
        """What the list lacks, and the test that saw it first."""

    def observe(self, exchange: Exchange) -> None:
        if is_products(exchange):
            self.count += 1
            if not in_scope(exchange):
                self.unlisted.setdefault(title(exchange), os.environ.get("PYTEST_CURRENT_TEST", ""))

    def observe_all(self, exchanges: Iterable[Exchange]) -> None:
        for exchange in exchanges:
            self.observe(exchange)

    def text(self) -> str:
        rows = [
            f"the product sent what tests/conformance/scope.py lacks: {what} {by}" for what, by in self.unlisted.items()
        ]
        return "\n".join(
            [*rows, f"the product sent {self.count} requests and commands, {len(rows)} kinds not in scope"]
        )


def of_running_lab(description: Path) -> Sent:
    """What a lab that runs elsewhere received; `description` is its lab.json."""
    sent = Sent()
    for name, server in json.loads(description.read_text(encoding="utf-8")).items():
        if name not in _ROOTS:
            continue
        log = requests.get(f"{server['url']}/__lab__/log", timeout=30).json()
        starts = requests.get(f"{server['url']}/__lab__/starts", timeout=30).json()
        sent.observe_all(Exchange(**row) for row in log)
        sent.observe_all(Exchange(COMMAND, "", "", {}, json.dumps(words), server=name) for words in starts)
    return sent


if __name__ == "__main__":
    found = of_running_lab(Path(sys.argv[1]))
    print(found.text())
    sys.exit(1 if found.unlisted else 0)
