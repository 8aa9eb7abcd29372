# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OpenProject's command line C(rails runner), anywhere."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import typing as t

from .._core.command import MORE_PATHS, Completed, environment, execute
from .._core.errors import BadInput, CommandError
from .._core.module import Call
from .._core.secrets import Secrets
from .runner_ruby import MARK, program

RUNNER_OPTIONS: dict[str, dict[str, t.Any]] = {
    "runner_command": {"type": "list", "elements": "str", "default": []},
    "runner_exec": {"type": "list", "elements": "str", "default": []},
    "runner_timeout": {"type": "float", "default": 600.0},
}

#: what tells C(rails runner) to read its program from standard input
FROM_STANDARD_INPUT = "-"


class Runner:
    """The C(rails runner) of one OpenProject. A start costs 40 to 55 s (OP §16), so everything that is to be done goes into one.

    :param command: the whole command; the trailing C(-) may be left out.
    :param entrance: how to get to where it lives; empty when it is started directly.
    :param timeout: seconds that one start may take.
    """

    def __init__(self, command: t.Sequence[str], entrance: t.Sequence[str], timeout: float, secrets: Secrets) -> None:
        self.command, self.entrance, self.timeout, self.secrets = _complete(command), list(entrance), timeout, secrets

    @classmethod
    def from_call(cls, call: Call) -> Runner | None:
        """The runner for a module's options, or C(None) when C(runner_command) is empty.

        :raises BadInput: an option is unusable; nothing was started.
        """
        command, prefix, timeout = (call.params[name] for name in ("runner_command", "runner_exec", "runner_timeout"))
        for name, words in (("runner_command", command), ("runner_exec", prefix)):
            if any("\0" in word for word in words):
                raise BadInput(f"{name} contains a NUL character")
            if len(words) == 1 and " " in words[0].strip() and not os.path.exists(words[0]):
                raise BadInput(
                    f"{name} is one word with blanks", remedy=f"Give it as a list: {json.dumps(words[0].split())}"
                )
        if not command or not command[0]:
            return None
        if timeout <= 0:
            raise BadInput("runner_timeout is not a positive number of seconds")
        return cls(command, prefix, timeout, call.secrets)

    @property
    def command_line(self) -> str:
        """The command as an administrator would type it."""
        return self.secrets.censor(shlex.join([*self.entrance, *self.command]))

    def perform(self, operation: str, arguments: t.Mapping[str, t.Any], *, attempted: str) -> dict[str, t.Any]:
        """Let OpenProject do one thing, in one start.

        :param operation: a name of :data:`runner_ruby.OPERATIONS`.
        :param arguments: JSON data; never a secret.
        :param attempted: what it is for, as an infinitive.
        :returns: the answer of the operation. A client secret in it is remembered as a secret.
        :raises CommandError: the runner did not start, did not end in time, failed in Ruby or left no answer.
        """
        completed = self._start(program(operation, arguments), attempted)
        answer = find_answer(completed.stdout)
        if answer is None:
            raise self._error("no answer", attempted, completed.rc)
        if "error" in answer:
            error = answer["error"]
            raise self._error(f"{error.get('class')}: {error.get('message')}", attempted, completed.rc)
        self.secrets.add(answer.get("client_secret"))
        return answer

    def _start(self, script: str, attempted: str) -> Completed:
        words, variables = [*self.entrance, *self.command], environment()
        path = shutil.which(words[0], path=variables["PATH"])
        if path is None:
            raise self._error(
                f"there is no program {words[0]} (looked for in PATH and in {MORE_PATHS})", attempted, None
            )
        try:
            return execute([path, *words[1:]], script, variables, self.timeout)
        except subprocess.TimeoutExpired as error:
            raise self._error(f"no end after {self.timeout:g} seconds", attempted, None) from error
        except OSError as error:
            raise self._error(f"{words[0]} cannot be started ({error.strerror})", attempted, None) from error

    def _error(self, answer: str, attempted: str, rc: int | None) -> CommandError:
        return CommandError(self.secrets.censor(answer), attempted=attempted, server=self.command_line, rc=rc)


def find_answer(text: str) -> dict[str, t.Any] | None:
    """The answer among the log lines of standard output: the last marked line that holds a JSON object."""
    for found in reversed(re.findall(rf"^{MARK} (\{{.*\}})[ \t]*$", text, re.MULTILINE)):
        try:
            answer = json.loads(found)
        except ValueError:
            continue
        return t.cast("dict[str, t.Any]", answer)
    return None


def _complete(command: t.Sequence[str]) -> list[str]:
    words = list(command)
    # a command for a shell carries the dash within its last word
    return words if words[-1].split()[-1:] == [FROM_STANDARD_INPUT] else [*words, FROM_STANDARD_INPUT]
