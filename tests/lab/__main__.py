# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start both simulated servers and run them until killed: `python -m lab --nextcloud 32 --state-dir DIR`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import threading
from pathlib import Path
from typing import Any

from lab import Lab
from lab.nextcloud.profiles import PROFILES

DESCRIPTION_FILE = "lab.json"


def describe(lab: Lab) -> dict[str, Any]:
    """What another process needs in order to use the lab."""
    user, password = lab.nextcloud.admin
    basic_user, basic_password = lab.openproject.basic_auth
    return {
        "pid": os.getpid(),
        "nextcloud": {
            "url": lab.nextcloud.url,
            "version": lab.nextcloud.profile.version,
            "username": user,
            "password": password,
            "occ": lab.nextcloud.occ,
            "ca_path": lab.nextcloud.authority and lab.nextcloud.authority.ca_path,
        },
        "openproject": {
            "url": lab.openproject.url,
            "username": basic_user,
            "password": basic_password,
            "api_key": lab.openproject.api_key,
            "runner": lab.openproject.runner,
            "ca_path": lab.openproject.authority and lab.openproject.authority.ca_path,
        },
    }


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m lab", description=__doc__)
    parser.add_argument("--nextcloud", choices=sorted(PROFILES), default="32", help="profile of Nextcloud")
    parser.add_argument("--openproject", default="15.4", help="version of OpenProject")
    parser.add_argument("--state-dir", type=Path, required=True, help=f"receives {DESCRIPTION_FILE}, occ and rails")
    parser.add_argument("--port-nextcloud", type=int, default=0, help="default: a free port")
    parser.add_argument("--port-openproject", type=int, default=0, help="default: a free port")
    parser.add_argument(
        "--tls", action="store_true", help="https, with a private certificate authority for each server"
    )
    return parser.parse_args()


def main() -> None:
    given = arguments()
    given.state_dir.mkdir(parents=True, exist_ok=True)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_unused: stopped.set())
    lab = Lab(
        given.nextcloud,
        given.openproject,
        directory=given.state_dir.resolve(),
        nextcloud_port=given.port_nextcloud,
        openproject_port=given.port_openproject,
        tls=given.tls,
    )
    description = given.state_dir / DESCRIPTION_FILE
    with lab:
        # It appears whole and only once both servers answer, so that others can wait for it.
        unfinished = description.with_suffix(".part")
        unfinished.touch(mode=0o600)
        unfinished.write_text(json.dumps(describe(lab), indent=2) + "\n")
        unfinished.replace(description)
        print(
            f"Nextcloud {lab.nextcloud.url}, OpenProject {lab.openproject.url}, credentials in {description}",
            flush=True,
        )
        stopped.wait()
    description.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
