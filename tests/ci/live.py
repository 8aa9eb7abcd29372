# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make live`: the life of a link on real servers, which the environment names."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys

from ci.places import ROOT, VENV, environment

NEEDED = ("NEXTCLOUD_URL", "NEXTCLOUD_USERNAME", "NEXTCLOUD_PASSWORD", "OPENPROJECT_URL")
EITHER = ("OPENPROJECT_API_KEY", "OPENPROJECT_PASSWORD")
OPTIONAL = (
    "OPENPROJECT_USERNAME (with OPENPROJECT_PASSWORD, instead of the key)",
    "NEXTCLOUD_CA_PATH",
    "NEXTCLOUD_PUBLIC_URL",
    "OPENPROJECT_CA_PATH",
    "OPENPROJECT_PUBLIC_URL",
    "LIVE_TAKE_OVER=yes (a link that exists is used, and removed at the end)",
)


def main() -> int:
    lacking = [name for name in NEEDED if not os.environ.get(name)]
    if not any(os.environ.get(name) for name in EITHER):
        lacking.append(" or ".join(EITHER))
    if lacking:
        print(
            f"make live needs two real servers. Set {', '.join(lacking)}. Optional: {', '.join(OPTIONAL)}.",
            file=sys.stderr,
        )
        return 1
    command = [str(VENV / "bin" / "ansible-playbook"), "-i", "inventory.yml", "live.yml"]
    settings = environment(
        OPNC_LIVE_ID=secrets.token_hex(4),
        OPNC_LIVE_TAKE_OVER=os.environ.get("LIVE_TAKE_OVER", ""),
    )
    return subprocess.run(
        command, cwd=ROOT / "tests" / "live", env=settings, stdin=subprocess.DEVNULL, check=False
    ).returncode
