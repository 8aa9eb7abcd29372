# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make demo`: two simulated servers, site.yml twice, then the check. Everything is stopped at the end."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ci.pair import PLAYBOOKS, LabDidNotStartError, changed, playbook, running_lab
from ci.places import CACHE, ROOT

REPORT = CACHE / "demo" / "report.html"


def main() -> int:
    title("A simulated Nextcloud 29 and a simulated OpenProject 15.4 start on this machine")
    try:
        with running_lab(CACHE / "demo") as description:
            servers = json.loads(description.read_text(encoding="utf-8"))
            print(f"Nextcloud {servers['nextcloud']['url']}, OpenProject {servers['openproject']['url']}")
            return demonstrate(description)
    except LabDidNotStartError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def demonstrate(description: Path) -> int:
    changes = []
    for text in ("the first run links them", "the second run finds nothing to do"):
        title(f"ansible-playbook site.yml: {text}")
        code, output = playbook("site.yml", description)
        if code:
            return code
        changes.append(changed(output))
    if (PLAYBOOKS / "verify.yml").is_file():
        title("ansible-playbook verify.yml: what the check says")
        variables = {"verify_report_path": str(REPORT), "verify_check_with_runner": True}
        code, _output = playbook("verify.yml", description, "-e", json.dumps(variables))
        if code:
            return code
    title("Result")
    first, second = changes
    print(f"first run:  changed={first}\nsecond run: changed={second}")
    if first and not second:
        print("The link is complete, and the second run changed nothing.")
        if REPORT.is_file():
            print(f"The check as a page: {REPORT.relative_to(ROOT)}")
        return 0
    print("That is wrong: the first run has to change something, and the second one nothing.", file=sys.stderr)
    return 1


def title(text: str) -> None:
    print(f"\n=== {text}\n", flush=True)
