# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OpenProject's command line C(rails runner), anywhere: for what its API cannot do."""

from __future__ import annotations

import json
import math
import re
import secrets
import shlex
import typing as t

from .._core.command import environment
from .._core.diagnosis import Diagnosis, start
from .._core.errors import BadInput, CommandError
from .._core.exec_prefix import ExecPrefix, check_words
from .._core.module import Call
from .._core.secrets import Secrets
from .runner_diagnosis import diagnose, from_ruby
from .runner_ruby import MARK, program

RUNNER_OPTIONS: dict[str, dict[str, t.Any]] = {
    "runner_command": {"type": "list", "elements": "str", "default": []},
    "runner_exec": {"type": "list", "elements": "str", "default": []},
    "runner_timeout": {"type": "float", "default": 600.0},
}

#: tells C(rails runner) to read its program from standard input
FROM_STANDARD_INPUT = "-"


class Runner:
    """The C(rails runner) of one OpenProject. A start costs 40 to 55 s (OP §16), so everything that is to be done goes into one.

    :param command: the whole command; its trailing C(-) may be left out.
    :param exec_prefix: how to get to where it lives; empty when it is started directly.
    :param timeout: seconds that one start may take.
    """

    def __init__(
        self, command: t.Sequence[str], exec_prefix: t.Sequence[str], timeout: float, secrets: Secrets
    ) -> None:
        self.command, self.timeout, self.secrets = _complete(command), timeout, secrets
        self.exec_prefix = ExecPrefix(exec_prefix, "runner_exec", "the runner", self.command)

    @classmethod
    def from_call(cls, call: Call) -> Runner | None:
        """The runner for a module's options, or C(None) when C(runner_command) is empty.

        :raises BadInput: an option is unusable; nothing was started.
        """
        command, prefix, timeout = (call.params[name] for name in ("runner_command", "runner_exec", "runner_timeout"))
        for name, words in (("runner_command", command), ("runner_exec", prefix)):
            check_words(name, words)
        if not command:
            if prefix:
                raise BadInput(
                    "runner_exec is given without runner_command",
                    remedy="Give runner_command too, for example [bundle, exec, rails, runner, -]",
                )
            return None
        # written so that nan, which is a float too, does not pass
        if not 0 < timeout < math.inf:
            raise BadInput(
                "runner_timeout is not a positive number of seconds", remedy="Give it as a number such as 600"
            )
        runner = cls(command, prefix, timeout, call.secrets)
        # the program goes in by standard input, and a client secret may come back: a terminal would cut the one and show the other
        runner.exec_prefix.check()
        runner.exec_prefix.check_input()
        return runner

    @property
    def command_line(self) -> str:
        """The command as an administrator would type it."""
        return self.secrets.censor(shlex.join([*self.exec_prefix.words, *self.command]))

    def perform(self, operation: str, arguments: t.Mapping[str, t.Any], *, attempted: str) -> dict[str, t.Any]:
        """Let OpenProject do one thing, in one start.

        :param operation: a name of :data:`runner_ruby.OPERATIONS`.
        :param arguments: JSON data, handed over by standard input; the only secret in it is an authorization code.
        :param attempted: what it is for, as an infinitive.
        :returns: the answer of the operation. A client secret in it is remembered as a secret.
        :raises CommandError: the runner did not start, did not end in time, failed in Ruby or left no answer. Its fact C(cause) names
            what is wrong (C(command_not_found), C(timeout), C(ruby) …). After a time-out the work may still be going on.
        """
        nonce = secrets.token_hex(8)
        completed = start((), program(operation, arguments, nonce), environment(), self.timeout, self.exec_prefix)
        if isinstance(completed, Diagnosis):
            raise self._error(completed, attempted, None)
        answer = find_answer(completed.stdout, nonce)
        if answer is None:
            raise self._error(diagnose(completed, self.command, self.exec_prefix), attempted, completed.rc)
        if "error" in answer:
            raise self._error(from_ruby(answer["error"]), attempted, completed.rc)
        self.secrets.add(answer.get("client_secret"))
        return answer

    def _error(self, diagnosis: Diagnosis, attempted: str, rc: int | None) -> CommandError:
        return CommandError(
            self.secrets.censor(diagnosis.answer),
            attempted=attempted,
            server=self.command_line,
            remedy=diagnosis.remedy,
            rc=rc,
            cause=diagnosis.cause,
        )


def find_answer(text: str, nonce: str) -> dict[str, t.Any] | None:
    """The answer among the log lines of standard output: the last line with this start's mark that holds a JSON object."""
    for found in reversed(re.findall(rf"^{MARK} {nonce} (\{{.*\}})[ \t]*$", text, re.MULTILINE)):
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
