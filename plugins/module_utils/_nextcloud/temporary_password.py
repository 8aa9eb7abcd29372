# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An application password for one run, made by occ, so that none has to be stored."""

from __future__ import annotations

import re

from .._core.errors import CommandError
from .._core.module import Call
from .occ import Occ

ATTEMPTED = "make an application password for this run"


def make_application_password(call: Call, username: str) -> str:
    """Let occ make a token for an account (NC §5.2). It is of 72 letters and digits and gives no access to the login password.

    :raises CommandError: occ failed, or printed none.
    """
    occ = Occ.from_call(call)
    arguments = ["user:auth-tokens:add", *(["--"] if username.startswith("-") else []), username]
    completed = occ.run(arguments, attempted=ATTEMPTED)
    found = re.findall(r"^[A-Za-z0-9]{20,}$", completed.stdout, re.MULTILINE)
    if not found:
        raise CommandError(
            "occ printed no application password",
            attempted=ATTEMPTED,
            server=occ.command_line(arguments),
            rc=completed.rc,
            remedy="Give nextcloud_password instead",
        )
    call.secrets.add(found[-1])
    return str(found[-1])
