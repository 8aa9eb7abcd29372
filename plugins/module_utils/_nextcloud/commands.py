# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Any occ command as a module call."""

from __future__ import annotations

import json
import re
import typing as t

from .._core.command import Completed
from .._core.errors import BadInput
from .._core.exec_prefix import looks_split, words_of
from .._core.module import Call, Result
from .occ import Occ, as_json, find_json


def execute(call: Call) -> Result:
    """Run the command of a module call, unless it changes something and this is check mode.

    :raises BadInput: the command is unusable.
    :raises CommandError: as :meth:`Occ.run`.
    """
    arguments, changes = call.params["command"], call.params["changes"]
    if not arguments or not arguments[0]:
        raise BadInput("command is empty", remedy="Give it as a list, for example [app:list, --shipped=false]")
    if any("\0" in word for word in arguments):
        raise BadInput("command contains a NUL character", remedy="Take it out; no program can be given one")
    _check_words(arguments)
    environment = {str(name): _text(name, value) for name, value in (call.params["environment"] or {}).items()}
    call.secrets.add(*environment.values())
    occ = Occ.from_call(call)
    words = occ.command_line(arguments)
    if changes and call.check_mode:
        return {"changed": True, "actions": [f"run {words}"], "msg": f"Not run, because this is check mode: {words}"}
    completed = _run(occ, arguments, environment, call)
    return {
        "changed": changes,
        "actions": [f"run {words}"] if changes else [],
        "rc": completed.rc,
        "stdout": call.secrets.censor(completed.stdout),
        "stderr": call.secrets.censor(completed.stderr),
        "stdout_lines": call.secrets.censor(completed.stdout).splitlines(),
        **_data(completed, asked=call.params["output_json"], censor=call.secrets.censor),
    }


def _check_words(arguments: t.Sequence[str]) -> None:
    """Refuse a text in the place of a list, and occ as a word of its own command.

    :raises BadInput: names the list that was meant.
    """
    meant = words_of(arguments[0].strip("[").replace(",", " ")) + list(arguments[1:])
    if looks_split(arguments) and (arguments[0].endswith(",") or any(word.strip().startswith("-") for word in meant)):
        meant = [word.strip(" ,]") for word in meant]
    while meant and re.search(r"(^|/)(occ|php[\d.]*|nextcloud\.occ)$", meant[0]):
        del meant[0]
    if meant != list(arguments):
        raise BadInput(
            f"command is not the list of occ's own words ({json.dumps(list(arguments), ensure_ascii=False)})",
            remedy=f"Give it as a list, without occ itself: {json.dumps(meant, ensure_ascii=False)}",
        )


def _run(occ: Occ, arguments: t.Sequence[str], environment: t.Mapping[str, str], call: Call) -> Completed:
    asked = call.params["output_json"]
    command = as_json(arguments) if asked else list(arguments)
    attempted = f"run {arguments[0]}"
    completed = occ.run(
        command,
        attempted=attempted,
        stdin=call.params["stdin"],
        secret_environment=environment,
        accepted=call.params["accepted_rc"],
    )
    if asked and completed.rc == 0:
        occ.expect_json(completed, command, attempted)
    return completed


def _data(completed: Completed, *, asked: bool, censor: t.Callable[[str], str]) -> Result:
    """The parsed answer; without being asked only where it is JSON as a whole, so that a word or a number in a text is not mistaken."""
    text = censor(completed.stdout)
    if asked:
        found, data = find_json(text)
        return {"data": data} if found else {}
    try:
        return {"data": json.loads(text.lstrip("\ufeff"))}
    except ValueError:
        return {}


def _text(name: str, value: t.Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise BadInput(f"environment holds {name}, whose value is not a text", remedy="Put the value in quotes")
    return str(value)
