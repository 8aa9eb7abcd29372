# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""su and runuser of util-linux as far as they matter: options are looked for everywhere up to --, and the environment is passed on."""

from __future__ import annotations

import getopt
import os
import sys

NAME = os.environ["STAND_IN_NAME"]
UIDS = {"root": "0", "www-data": "33"}

try:
    options, words = getopt.gnu_getopt(sys.argv[1:], "s:c:u:", ["shell=", "command=", "user="])
except getopt.GetoptError as error:
    sys.stderr.write(f"{NAME}: unrecognized option '--{error.opt}'\nTry '{NAME} --help' for more information.\n")
    sys.exit(1)
given = {name.lstrip("-")[0]: value for name, value in options}
user = given.get("u") or words.pop(0)
if user not in UIDS:
    sys.stderr.write(f"{NAME}: user {user} does not exist\n")
    sys.exit(1)
os.environ["STAND_IN_UID"] = UIDS[user]
if "u" in given:
    os.execvp(words[0], words)
shell = given.get("s", "/bin/sh")
os.execv(shell, [shell, "-c", given["c"], *words])
