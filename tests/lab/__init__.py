# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two simulated servers, Nextcloud and OpenProject, that run as threads of this process on loopback.

with Lab(nextcloud="29", openproject="15.4") as lab:
    lab.nextcloud.url, lab.nextcloud.admin, lab.nextcloud.occ, lab.nextcloud.state
    lab.openproject.url, lab.openproject.api_key, lab.openproject.basic_auth, lab.openproject.runner
    lab.nextcloud.requests                    # what the product sent
    lab.nextcloud.password_checks             # what that cost; also .password_checks_in_sequence and .devices
    lab.nextcloud.read_only = True            # whatever would change state is refused and listed in .refused
    lab.faults.add(server="nextcloud", nth=3, kind="drop_after")
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import TracebackType

from lab.plumbing import Exchange, Faults

__all__ = ["Exchange", "Faults", "Lab"]


class Lab:
    """Both servers, started by `with` (or `start` and `stop`). `directory` receives the occ and runner commands.

    With `tls`, each server has a private authority (`lab.nextcloud.authority.ca_path`) and https. OpenProject was told of
    Nextcloud's, because only its administrator can do that (OP §5); Nextcloud was not told of OpenProject's.
    """

    def __init__(
        self,
        nextcloud: str = "32",
        openproject: str = "15.4",
        *,
        directory: Path | None = None,
        nextcloud_port: int = 0,
        openproject_port: int = 0,
        tls: bool = False,
    ) -> None:
        from lab.nextcloud.server import NextcloudServer
        from lab.openproject.server import OpenProjectServer

        self._temporary = None if directory else tempfile.TemporaryDirectory(prefix="opnc-lab-")
        self.directory = directory or Path(self._temporary.name if self._temporary else "")
        self.faults = Faults()
        clouds = projects = None
        if tls:
            from lab.authority import Authority

            clouds, projects = Authority(self.directory, "nextcloud-ca"), Authority(self.directory, "openproject-ca")
        self.nextcloud = NextcloudServer(nextcloud, self.faults, self.directory, nextcloud_port, clouds)
        self.openproject = OpenProjectServer(
            openproject, self.faults, self.directory, openproject_port, projects, clouds.ca_path if clouds else ""
        )

    def start(self) -> None:
        self.nextcloud.start()
        self.openproject.start()

    def stop(self) -> None:
        self.nextcloud.stop()
        self.openproject.stop()
        if self._temporary:
            self._temporary.cleanup()

    def reset(self) -> None:
        """Both servers as after their installation, with empty logs and without faults."""
        self.faults.clear()
        self.nextcloud.reset()
        self.openproject.reset()

    def __enter__(self) -> Lab:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
