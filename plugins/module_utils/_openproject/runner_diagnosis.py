# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong when C(rails runner), or the way to it, leaves no answer, with what to do about it."""

from __future__ import annotations

import re
import typing as t

from .._core.command import Completed
from .._core.diagnosis import Diagnosis, diagnose_prefix
from .._core.exec_prefix import ExecPrefix

LONGEST_LINE = 300
#: how many of the last lines are quoted when nothing known is among them
LAST_LINES = 3
#: lines that Rails, a trace or kubectl write beside the words that count
LOG_LINE = re.compile(
    r"[DIWEFA], \[\d{4}-\d\d-\d\dT|\s+from \S+:\d+:in |command terminated with exit code|Defaulted container "
)

EXAMPLES = (
    "packages: runner_command [openproject, run, bundle, exec, rails, runner, -];"
    " docker: runner_command [bundle, exec, rails, runner, -], runner_exec [docker, exec, --interactive, openproject];"
    " kubernetes: the same runner_command, runner_exec [kubectl, exec, --stdin, deploy/openproject-web, --]"
)

#: cause, a line of the output, what to do
KNOWN: tuple[tuple[str, str, str], ...] = (
    (
        "wrong_directory",
        r"Could not locate Gemfile|bundler: command not found|Could not find (command|gem) .*(rails|bundler)",
        "runner_command starts in the wrong directory or with another Ruby; it has to start where OpenProject lives, for example with"
        ' [bash, -c, "cd /app && bundle exec rails runner -"]',
    ),
    (
        "not_a_runner",
        r"Unrecognized command|Please specify a valid ruby command|Could not find command",
        "runner_command has to be OpenProject's rails runner that reads its program from standard input: it ends in runner -",
    ),
    (
        "no_database",
        r"ConnectionNotEstablished|PG::ConnectionBad|could not connect to server|connection to server .* failed|NoDatabaseError",
        "OpenProject's command line does not reach its database; start it with the environment of OpenProject itself"
        " (packages: openproject run; containers: that of the web server)",
    ),
    (
        "no_environment",
        r"Missing `?secret_key_base|SECRET_KEY_BASE|DATABASE_URL",
        "Start it with the environment of OpenProject itself (packages: openproject run; containers: that of the web server)",
    ),
    (
        "pending_migrations",
        r"PendingMigrationError|[Mm]igrations are pending",
        "OpenProject waits for an upgrade of its database; finish that first",
    ),
    (
        "not_allowed",
        r"Permission denied|must be run as root|You (must|need to) be root",
        "Run the module as a user who may start it (become: true), or let runner_exec change the user",
    ),
)


def diagnose(completed: Completed, command: t.Sequence[str], exec_prefix: ExecPrefix) -> Diagnosis:
    """Why a start left no answer."""
    both = f"{completed.stderr}\n{completed.stdout}"
    diagnosis = diagnose_prefix(completed, command, exec_prefix) if completed.rc else None
    if diagnosis is not None:
        return diagnosis
    for cause, pattern, remedy in KNOWN if completed.rc else ():
        words = re.search(rf"^.*(?:{pattern}).*$", both, re.MULTILINE)
        if words:
            return Diagnosis(cause, _short(words.group().strip()), remedy)
    if completed.rc in (137, -9):
        return Diagnosis("killed", "it was killed", "It probably ran out of memory: a start needs about 1 GiB")
    words_left = last_lines(completed.stderr) or last_lines(completed.stdout)
    said = f"; its last words: {words_left}" if words_left else ""
    return Diagnosis(
        "no_answer",
        f"exit code {completed.rc} without an answer{said}",
        f"Check that standard input reaches it, and that runner_command and runner_exec are right ({EXAMPLES})",
    )


def from_ruby(error: t.Mapping[str, t.Any]) -> Diagnosis:
    """An error that OpenProject's own code raised."""
    name, message = str(error.get("class", "")), str(error.get("message", ""))
    remedy = "OpenProject's log has the whole trace, next to the time of this run"
    if name == "ActiveRecord::RecordNotFound" or (
        name == "ArgumentError" and "is not the one that was meant" in message
    ):
        remedy = "If the API shows it, runner_command starts another OpenProject than the one at openproject_url"
    elif name == "NameError" and "uninitialized constant" in message:
        remedy = "Supported is OpenProject 14.2 and newer; check that runner_command starts OpenProject itself"
    return Diagnosis("ruby", f"{name}: {message}" if message else name, remedy)


def last_lines(text: str) -> str:
    """The last lines that are neither Rails' log nor a trace, in one line."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not LOG_LINE.match(line)]
    return " / ".join(_short(line) for line in lines[-LAST_LINES:])


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_LINE else f"{text[:LONGEST_LINE]}..."
