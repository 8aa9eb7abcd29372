# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ssh as far as it matters to a command that is run through it.

Its words become one line for a shell at the other end, which starts in a home without this side's environment. Standard input goes
along unless -n is given. With -tt there is a terminal there: it shows what is typed, both outputs are one, and lines end in CR LF.
What goes wrong on the way has exit code 255.
"""

from __future__ import annotations

import os
import subprocess
import sys

TROUBLE = {
    "refused.example.com": "ssh: connect to host refused.example.com port 22: Connection refused",
    "unknown.example.com": "ssh: Could not resolve hostname unknown.example.com: Name or service not known",
    "changed.example.com": "Host key verification failed.",
    "locked.example.com": "root@locked.example.com: Permission denied (publickey,password).",
}

words = sys.argv[1:]
options = []
while words[0].startswith("-"):
    options.append(words.pop(0))
    if options[-1] in ("-p", "-i", "-o", "-l"):
        words.pop(0)
host = words.pop(0).rpartition("@")[2]
if host in TROUBLE:
    sys.stderr.write(TROUBLE[host] + "\r\n")
    sys.exit(255)
terminal = "-tt" in options
typed = "" if "-n" in options else sys.stdin.read()
done = subprocess.run(
    ["/bin/sh", "-c", " ".join(words)],
    env={"PATH": os.environ["PATH"], "HOME": "/", "USER": "root"},
    cwd="/",
    input=typed,
    stdout=subprocess.PIPE,
    stderr=subprocess.STDOUT if terminal else subprocess.PIPE,
    text=True,
    check=False,
)
if terminal:
    sys.stdout.write((typed + done.stdout).replace("\n", "\r\n"))
else:
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
sys.exit(done.returncode)
