# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""occ, Nextcloud's command line, anywhere: started directly, or through docker, kubectl, su and their like."""

from __future__ import annotations

import json
import math
import re
import shlex
import typing as t
from pathlib import PurePath

from .._core.command import Completed, environment
from .._core.diagnosis import Diagnosis, start
from .._core.errors import BadInput, CommandError
from .._core.exec_prefix import ExecPrefix
from .._core.module import Call
from .._core.secrets import Secrets
from .occ_diagnosis import diagnose, first_sentence, from_status, is_unknown_command, silent_diagnosis

OCC_OPTIONS: dict[str, dict[str, t.Any]] = {
    "occ_command": {"type": "list", "elements": "str", "default": ["php", "/var/www/nextcloud/occ"]},
    "occ_exec": {"type": "list", "elements": "str", "default": [], "no_log": False},
    "occ_timeout": {"type": "float", "default": 300.0},
}

#: before the command, because Nextcloud reads C(--no-warnings) only up to the first option it does not know yet
GLOBAL_FLAGS = ("--no-warnings", "--no-ansi", "-n")
#: the two names of the variable that ``--password-from-env`` reads, by version (NC §5.2)
PASSWORD_VARIABLES = ("NC_PASS", "OC_PASS")
NO_INPUT = "opnc: no standard input"
WHITE = re.compile(r"\s*")
#: the end of its line, or what PHP shows there
END_OF_DOCUMENT = re.compile(r"[ \t]*(\r?\n|\Z|<br|(PHP )?(Warning|Notice|Deprecated|Fatal error): )")
SNAP_OCC = "nextcloud.occ"
#: the snap sees another /tmp than everybody else
SNAP_FOLDER = "/var/snap/nextcloud/common"
#: arguments: folder or empty, name, occ and its arguments; standard input: the file
WITH_FILE = (
    'd=$(mktemp -d "${1:-${TMPDIR:-/tmp}}/opnc.XXXXXX") || exit 98; trap \'rm -rf "$d"\' EXIT; f=$d/$2; shift 2; '
    'umask 022; chmod 755 "$d"; cat > "$f"; '
    f'[ -s "$f" ] || {{ echo "{NO_INPUT}" >&2; exit 97; }}; "$@" "$f"'
)


class Occ:
    """The occ of one Nextcloud.

    :param command: occ where it lives: C([php, /var/www/nextcloud/occ]).
    :param exec_prefix: how to get there; empty when occ is started directly.
    :param timeout: seconds that one command may take.
    """

    def __init__(self, command: t.Sequence[str], exec_prefix: ExecPrefix, timeout: float, secrets: Secrets) -> None:
        self.command, self.exec_prefix, self.timeout, self.secrets = list(command), exec_prefix, timeout, secrets
        #: whether a terminal is in between; nothing until an answer has told
        self._terminal: bool | None = None

    @classmethod
    def from_call(cls, call: Call) -> Occ:
        """occ for a module's options.

        :raises BadInput: an option is unusable; nothing was started.
        """
        command, prefix, timeout = (call.params[name] for name in ("occ_command", "occ_exec", "occ_timeout"))
        if not command:
            raise BadInput(
                "occ_command is empty", remedy="Give it as a list, for example [php, /var/www/nextcloud/occ]"
            )
        exec_prefix = ExecPrefix(prefix, command=command)
        exec_prefix.check()
        # written so that nan, which is a float too, does not pass
        if not 0 < timeout < math.inf:
            raise BadInput("occ_timeout is not a positive number of seconds", remedy="Give it as a number such as 300")
        return cls(command, exec_prefix, timeout, call.secrets)

    def command_line(self, arguments: t.Sequence[str]) -> str:
        """The command as an administrator would type it, without secrets."""
        return self.secrets.censor(shlex.join([*self.exec_prefix.words, *self.command, *arguments]))

    def run(
        self,
        arguments: t.Sequence[str],
        *,
        attempted: str,
        stdin: str | None = None,
        secret_environment: t.Mapping[str, str] | None = None,
        accepted: t.Container[int] = (0,),
        remedy: str = "",
    ) -> Completed:
        """Run one occ command.

        :param arguments: the command and its arguments; never a secret.
        :param attempted: what the command is for, as an infinitive.
        :param secret_environment: variables with secrets, such as C(OC_PASS); they take no way that others can see.
        :param accepted: exit codes that the caller decides on itself.
        :param remedy: what to do when occ works but refuses this very command.
        :raises CommandError: occ failed, did not start, or did nothing although its exit code is 0 (NC §5.1). Its fact
            C(cause) names what is wrong with this occ as a whole (C(maintenance), C(wrong_user) …); else it is missing.
        :raises BadInput: a secret cannot travel by environment, or what is in C(occ_exec) cannot pass it on.
        """
        completed = self._start(arguments, attempted, stdin or None, secret_environment or {})
        return self._judged(completed, arguments, attempted, accepted, remedy)

    def json(self, arguments: t.Sequence[str], *, attempted: str, **more: t.Any) -> t.Any:
        """Run a command with C(--output=json) and return its data.

        :returns: C(None) when an accepted exit code other than 0 came without JSON.
        :raises CommandError: as :meth:`run`; also when exit code 0 came without JSON.
        """
        command = as_json(arguments)
        completed = self.run(command, attempted=attempted, **more)
        return self.expect_json(completed, command, attempted) if completed.rc == 0 else find_json(completed.stdout)[1]

    def expect_json(self, completed: Completed, arguments: t.Sequence[str], attempted: str) -> t.Any:
        """The JSON data of a command that ended with exit code 0.

        :raises CommandError: there is none.
        """
        found, data = find_json(completed.stdout)
        if not found:
            words = first_sentence(completed.stdout, completed.stderr)
            diagnosis = Diagnosis(
                "no_json",
                f"exit code 0, but no JSON; instead {words!r}" if words else "exit code 0, but no answer at all",
                "Run the command by hand, with the same user; check occ_command and occ_exec",
            )
            raise self._error(diagnosis, arguments, attempted, 0)
        return data

    def run_with_file(
        self, arguments: t.Sequence[str], *, name: str, content: str, attempted: str, remedy: str = ""
    ) -> Completed:
        """Run a command whose last argument is a file, which is made where occ lives and removed again.

        The account of occ can read it, and so can everybody else there: for contents without secrets only.

        :param name: name of the file, without a folder.
        """
        folder = SNAP_FOLDER if PurePath(self.exec_prefix.final[0]).name == SNAP_OCC else ""
        shell = ["sh", "-c", WITH_FILE, "sh", folder, name]
        completed = self._through_shell(shell, arguments, attempted, content)
        return self._judged(completed, [*arguments, name], attempted, (0,), remedy)

    def status(self) -> dict[str, t.Any]:
        """C(installed), C(maintenance), C(needsDbUpgrade), C(version), C(versionstring) (NC §5.1)."""
        data = self.json(["status"], attempted="read the status of Nextcloud", accepted=(0, 1, 2))
        return data if isinstance(data, dict) else {}

    def _judged(
        self,
        completed: Completed,
        arguments: t.Sequence[str],
        attempted: str,
        accepted: t.Container[int],
        remedy: str,
    ) -> Completed:
        diagnosis = self._diagnosed(completed)
        if diagnosis is None and completed.rc not in accepted:
            words = first_sentence(completed.stdout, completed.stderr)
            diagnosis = Diagnosis(
                "",
                words or f"exit code {completed.rc} without a word",
                remedy or f"occ itself works; see what this command takes: occ help {arguments[0]}",
            )
        if diagnosis is not None:
            raise self._error(diagnosis, arguments, attempted, completed.rc)
        return completed

    def _diagnosed(self, completed: Completed) -> Diagnosis | None:
        if completed.rc == 0:
            return silent_diagnosis(completed.stdout, self.exec_prefix)
        diagnosis = diagnose(completed, self.command, self.exec_prefix)
        if diagnosis is None and is_unknown_command(completed.stdout, completed.stderr):
            # --no-warnings also hides why the commands of apps are gone, so occ is asked once more, for its status
            answer = self._start(["status", "--output=json"], "read the status of Nextcloud", None, {})
            _found, status = find_json(answer.stdout)
            words = first_sentence(completed.stdout, completed.stderr)
            return from_status(status if isinstance(status, dict) else {}, words)
        return diagnosis

    def _error(self, diagnosis: Diagnosis, arguments: t.Sequence[str], attempted: str, rc: int | None) -> CommandError:
        facts = {"cause": diagnosis.cause} if diagnosis.cause else {}
        return CommandError(
            self.secrets.censor(diagnosis.answer),
            attempted=attempted,
            server=self.command_line(arguments),
            remedy=diagnosis.remedy,
            rc=rc,
            **facts,
        )

    def _start(
        self, arguments: t.Sequence[str], attempted: str, stdin: str | None, secret_environment: t.Mapping[str, str]
    ) -> Completed:
        variables = _variables(secret_environment)
        self.secrets.add(*variables.values())
        if stdin is not None:
            self.exec_prefix.check_input()
            self._check_terminal(attempted)
        if self.exec_prefix.is_direct:
            return self._execute([], arguments, attempted, stdin, variables)
        if not variables and stdin is None:
            return self._execute([], arguments, attempted, None, {})
        data = "".join(f"{value}\n" for value in variables.values()) + (stdin or "")
        shell = ["sh", "-c", _reader(variables, with_input=stdin is not None), "sh"]
        return self._through_shell(shell, arguments, attempted, data)

    def _check_terminal(self, attempted: str) -> None:
        """Refuse to write through a terminal, which shows what is handed over among the answer, and changes it (field case O35).

        Only a program that is not known can have one; occ is asked for its status where no answer has told so far.

        :raises BadInput: there is one.
        """
        is_php = PurePath(self.exec_prefix.final[0]).name.startswith("php")
        if self._terminal is None and not (is_php and self.exec_prefix.understood):
            self._execute([], ["status"], attempted, None, {})
        if self._terminal:
            option = self.exec_prefix.option if is_php else self.exec_prefix.command_option
            raise BadInput(
                f"{option} puts a terminal between standard input and occ, which shows and changes what is handed over:"
                f" {self.command_line([])}",
                attempted=attempted,
                remedy="Let it start occ with a pipe (systemd-run --pipe, script not at all), or set occ_command to PHP and the absolute"
                " path of occ, as in [php, /var/www/nextcloud/occ], and let occ_exec choose the account",
            )

    def _through_shell(
        self, shell: t.Sequence[str], arguments: t.Sequence[str], attempted: str, stdin: str
    ) -> Completed:
        self.exec_prefix.check_input()
        if not self.exec_prefix.understood:
            self._check_terminal(attempted)
        completed = self._execute(shell, arguments, attempted, stdin, {})
        # some ways join both streams
        if NO_INPUT in (*completed.stderr.splitlines(), *completed.stdout.splitlines()):
            raise self.exec_prefix.no_input()
        return completed

    def _execute(
        self,
        shell: t.Sequence[str],
        arguments: t.Sequence[str],
        attempted: str,
        stdin: str | None,
        variables: t.Mapping[str, str],
    ) -> Completed:
        # inherited passwords would win over what is desired (NC §5.2)
        known = {**environment(*PASSWORD_VARIABLES), **variables}
        completed = start([*GLOBAL_FLAGS, *arguments], stdin, known, self.timeout, self.exec_prefix, shell)
        if isinstance(completed, Diagnosis):
            raise self._error(completed, arguments, attempted, None)
        if self._terminal is None:
            self._terminal = completed.terminal
        return completed


def as_json(arguments: t.Sequence[str]) -> list[str]:
    """A command that is to answer in JSON; behind ``--`` there are no options."""
    end = list(arguments).index("--") if "--" in arguments else len(arguments)
    return [*arguments[:end], "--output=json", *arguments[end:]]


def find_json(text: str) -> tuple[bool, t.Any]:
    """The last JSON document in a text, and whether there is one.

    A document starts at the beginning of a line and ends with one; wrappers, PHP and plugins write before and after it
    (NC §5.1, field case O01). Lists and maps are preferred to bare values; lines of Nextcloud's own log are passed over.
    What stands within a document that is broken or cut off is none.
    """
    documents = _documents(text)
    containers = [document for document in documents if isinstance(document, (dict, list))]
    for document in reversed(containers or documents):
        return True, document
    return False, None


def _documents(text: str) -> list[t.Any]:
    text = re.sub(r"^\ufeff", "", text, flags=re.MULTILINE)
    decoder, after = json.JSONDecoder(), 0
    found: list[t.Any] = []
    for match in re.finditer(r"^(?=\S)", text, re.MULTILINE):
        if match.end() < after:
            continue
        try:
            document, after = decoder.raw_decode(text, match.end())
        except json.JSONDecodeError as error:
            if "\n" in text[match.end() : WHITE.match(text, error.pos).end()]:  # type: ignore[union-attr]
                return found
            continue
        if END_OF_DOCUMENT.match(text, after) and not _is_log_line(document):
            found.append(document)
    if not found:
        # a message without a line feed at its end
        for match in re.finditer(r"^[^\s{\[\"][^{\[\"\n]*(?=[{\[])", text, re.MULTILINE):
            try:
                document = json.loads(text[match.end() :])
            except ValueError:
                continue
            if not _is_log_line(document):
                return [document]
    return found


def _is_log_line(document: t.Any) -> bool:
    return isinstance(document, dict) and "reqId" in document and "level" in document


def _variables(secret_environment: t.Mapping[str, str]) -> dict[str, str]:
    variables = dict(secret_environment)
    for name in PASSWORD_VARIABLES:
        if name in secret_environment:
            for other in PASSWORD_VARIABLES:
                variables.setdefault(other, secret_environment[name])
    for name, value in variables.items():
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise BadInput(
                f"{name} is not the name of an environment variable",
                remedy="A name is of letters, digits and underscores, such as OC_PASS",
            )
        if any(character in value for character in "\r\n\0"):
            raise BadInput(
                f"the value of {name} contains a line feed, a carriage return or a NUL character",
                remedy="It cannot be handed to occ",
            )
    return variables


def _reader(variables: t.Iterable[str], *, with_input: bool) -> str:
    """Shell code that reads one line for each variable, exports them and hands the rest of its input to the command.

    The shell reads a pipe byte by byte, so nothing of the rest is lost. The rest is collected first, because
    ``config:import`` does not wait for input that is still on its way through a network.
    """
    names = list(variables)
    steps = [f"IFS= read -r {name}" for name in names]
    if with_input:
        steps.append('opnc=$(cat; echo .) && [ "$opnc" != . ]')
    script = f"{{ {' && '.join(steps)}; }} || {{ echo '{NO_INPUT}' >&2; exit 97; }}; "
    if names:
        script += f"export {' '.join(names)}; "
    return script + ('printf %s "${opnc%.}" | "$@"' if with_input else 'exec "$@"')


def occ_given(call: Call) -> bool:
    """Whether the user said how to reach occ: C(occ_exec) has words, or C(occ_command) is not its default."""
    return bool(call.params["occ_exec"]) or call.params["occ_command"] != OCC_OPTIONS["occ_command"]["default"]
