# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated Nextcloud: HTTP and occ on one state."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from requests import Session
from werkzeug.wrappers import Request, Response

from lab.nextcloud.http import build_app
from lab.nextcloud.occ import run as run_occ
from lab.nextcloud.profiles import PROFILES
from lab.nextcloud.state import ALNUM, GROUPFOLDERS, INTEGRATION, NextcloudState, Token
from lab.plumbing import Exchange, Fault, Faults, LabServer, WSGIApp, random_text

if TYPE_CHECKING:
    from lab.authority import Authority


class NextcloudServer(LabServer):
    """A Nextcloud with both apps enabled; `admin` is (user, login password)."""

    name = "nextcloud"

    def __init__(
        self, version: str, faults: Faults, directory: Path, port: int = 0, authority: Authority | None = None
    ) -> None:
        self.profile = PROFILES[version]
        self.admin = ("admin", "lab-admin-" + random_text(ALNUM, 32))
        super().__init__(faults, directory, port, authority)
        self._address = self.url
        self.check_seconds = 0.0
        """How long the check of a login password takes."""
        self.controls["occ"] = self._control_occ
        self.occ = self.write_command("occ", "occ")

    state: NextcloudState

    @property
    def occ_starts(self) -> list[list[str]]:
        return self.command_starts

    def fresh_state(self) -> NextcloudState:
        state = NextcloudState(self.profile, self.url, self.admin)
        state.enable_app(GROUPFOLDERS)
        state.enable_app(INTEGRATION)
        return state

    @property
    def password_checks(self) -> int:
        """How often login passwords were hashed for the product's requests, as long as the log goes back."""
        return sum(exchange.password_checks for exchange in self.requests)

    @property
    def password_checks_in_sequence(self) -> int:
        """How many of them had to wait for one another: what was in flight at the same time counts as one.

        A check takes no time here. Set `check_seconds`, so that what is sent at the same time arrives meanwhile.
        """
        after: dict[int, int] = {0: 0}
        answered = [exchange for exchange in self.requests if exchange.ended]
        for exchange in sorted(answered, key=lambda exchange: exchange.ended):
            before = max(count for ended, count in after.items() if ended < exchange.began)
            after[exchange.ended] = before + exchange.password_checks
        return max(after.values())

    @property
    def devices(self) -> list[Token]:
        """The sessions that stand in anybody's list of devices."""
        return [device for user in self.state.users.values() for device in user.devices]

    def reset(self) -> None:
        self.url = self._address
        super().reset()

    def serve_below(self, path: str) -> None:
        """Move Nextcloud below a path of its host, such as `/nextcloud`."""
        self.state.web_root = path
        self.url = self._address + path
        self.state.system["overwrite.cli.url"] = self.url

    def peer_session(self) -> Session:
        """Outgoing requests trust the imported certificates (`security:certificates`)."""
        session = super().peer_session()
        if self.state.certificates:
            bundle = self.directory / "nextcloud-certificates.pem"
            bundle.write_text("\n".join(self.state.certificates.values()))
            session.verify = str(bundle)
        return session

    def build_app(self) -> WSGIApp:
        return build_app(self)

    def changes_state(self, method: str, path: str) -> bool:
        return super().changes_state(method, path) and not path.endswith("/is-valid-op-instance")

    def _answer(self, request: Request, exchange: Exchange, fault: Fault | None) -> Response | None:
        if fault and fault.kind == "sessions_lost":
            # As when the memory that PHP keeps them in is emptied: the rows in the lists of devices stay.
            self.state.sessions.clear()
        return super()._answer(request, exchange, fault)

    def _control_occ(self, request: Request) -> dict[str, Any]:
        call = request.get_json()
        self.note_start(call["argv"])
        with self.state.lock:
            rc, stdout, stderr = run_occ(self, call["argv"], call["env"], call["stdin"])
        return {"rc": rc, "stdout": stdout, "stderr": stderr}
