# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""occ that answers from a table, and writes down how it was started.

In the folder that STAND_IN_FOLDER names: answers.json maps a command to a list of answers, of which the last one is
repeated; log.jsonl gets a line for each start. It runs only as the owner that owner.txt names, as older versions of occ do.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
import time
from pathlib import Path

FOLDER = Path(os.environ["STAND_IN_FOLDER"])
FLAGS = ["--no-warnings", "--no-ansi", "-n"]
WRONG_USER = """Console has to be executed with the user that owns the file config/config.php
Current user id: {current}
Owner id of config.php: {owner}
Try adding 'sudo -u #{owner}' to the beginning of the command (without the single quotes)
If running with 'docker exec' try adding the option '-u {owner}' to the docker command (without the single quotes)
"""

arguments = sys.argv[1:]
stdin = "" if os.isatty(0) else sys.stdin.read()
files = {word: Path(word).read_text() for word in arguments if word.startswith("/") and Path(word).is_file()}
entry = {
    "argv": arguments,
    "stdin": stdin,
    "NC_PASS": os.environ.get("NC_PASS"),
    "OC_PASS": os.environ.get("OC_PASS"),
    "cwd": str(Path.cwd()),
    "files": files,
}
with (FOLDER / "log.jsonl").open("a", encoding="utf-8") as log:
    log.write(json.dumps(entry) + "\n")
owner = (FOLDER / "owner.txt").read_text() if (FOLDER / "owner.txt").exists() else ""
current = os.environ.get("STAND_IN_UID", "0")
if owner and owner != current:
    sys.stdout.write(WRONG_USER.format(current=current, owner=owner))
    sys.exit(1)
if arguments[:3] != FLAGS:
    sys.stderr.write("The global flags are missing\n")
    sys.exit(90)
table = json.loads((FOLDER / "answers.json").read_text())
command = shlex.join("FILE" if word in files else word for word in arguments[3:])
answers = table.get(command) or table.get("*")
if not answers:
    namespace = command.partition(":")[0]
    words = f'There are no commands defined in the "{namespace}" namespace.'
    sys.stderr.write(f"\n{' ' * (len(words) + 4)}\n  {words}  \n{' ' * (len(words) + 4)}\n\n")
    sys.exit(1)
answer = answers[0]
if len(answers) > 1:
    table[command] = answers[1:]
    (FOLDER / "answers.json").write_text(json.dumps(table))
time.sleep(answer.get("seconds", 0))
sys.stdout.write(answer.get("stdout", ""))
sys.stderr.write(answer.get("stderr", ""))
sys.exit(answer.get("rc", 0))
