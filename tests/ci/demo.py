# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make demo`: two simulated servers, site.yml twice, then the check. Everything is stopped at the end."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from ci.places import CACHE, ROOT, VENV, environment

STATE = CACHE / "demo"
PLAYBOOKS = ROOT / "playbooks"
INVENTORY = ROOT / "tests" / "demo" / "inventory"
SECONDS_TO_START = 30


def main() -> int:
    shutil.rmtree(STATE, ignore_errors=True)
    STATE.mkdir(parents=True)
    _title("A simulated Nextcloud 29 and a simulated OpenProject 15.4 are started on this machine")
    log = STATE / "lab.log"
    with log.open("wb") as output:
        lab = subprocess.Popen(
            [VENV / "bin" / "python", "-m", "lab", "--nextcloud", "29", "--state-dir", STATE],
            cwd=ROOT,
            env=environment(PYTHONPATH=ROOT / "tests"),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        return _demonstrate(lab, log)
    except KeyboardInterrupt:
        return 130
    finally:
        lab.terminate()
        lab.wait(timeout=10)


def _demonstrate(lab: subprocess.Popen[bytes], log: Path) -> int:
    if not _started(lab):
        print(
            f"The servers did not start. They say ({log.relative_to(ROOT)}):\n{log.read_text()[-2000:]}",
            file=sys.stderr,
        )
        return 1
    print(f"Their addresses and credentials are in {(STATE / 'lab.json').relative_to(ROOT)}.")

    _title("ansible-playbook site.yml: the first run links them")
    code, first = _playbook("site.yml")
    if code:
        return code
    _title("ansible-playbook site.yml: the second run finds nothing to do")
    code, second = _playbook("site.yml")
    if code:
        return code
    if (PLAYBOOKS / "verify.yml").is_file():
        _title("ansible-playbook verify.yml: what the check says")
        code, _output = _playbook("verify.yml")
        if code:
            return code

    changed = [_changed(first), _changed(second)]
    _title("Result")
    print(f"first run:  changed={changed[0]}\nsecond run: changed={changed[1]}")
    if changed[0] and not changed[1]:
        print("The link is complete, and the second run changed nothing.")
        return 0
    print("That is wrong: the first run has to change something and the second one nothing.", file=sys.stderr)
    return 1


def _started(lab: subprocess.Popen[bytes]) -> bool:
    end = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < end and lab.poll() is None:
        if (STATE / "lab.json").is_file():
            return True
        time.sleep(0.05)
    return False


def _playbook(name: str) -> tuple[int, str]:
    """Run a playbook, shown as it goes. Returns its exit code and its output."""
    colour = {"ANSIBLE_FORCE_COLOR": "1"} if sys.stdout.isatty() and "NO_COLOR" not in os.environ else {}
    lines = []
    with subprocess.Popen(
        [VENV / "bin" / "ansible-playbook", "-i", INVENTORY, name],
        cwd=PLAYBOOKS,
        env=environment(OPNC_LAB=STATE / "lab.json", **colour),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            lines.append(line)
    return process.returncode, "".join(lines)


def _changed(output: str) -> int:
    """The sum of what the recap counts as changed."""
    return sum(int(number) for number in re.findall(r"ok=\d+.*?changed=(\d+)", output))


def _title(text: str) -> None:
    print(f"\n=== {text}\n", flush=True)
