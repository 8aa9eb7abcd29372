# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running the commands of a stage, keeping their output, and counting what passed."""

from __future__ import annotations

import re
import subprocess
import threading
import time
import typing as t
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

from ci.places import LOGS, ROOT, environment

# What a test suite reports beside its count; shown also when the rest of the output goes to a log file only.
WORTH_SHOWING = re.compile(r"recorded exchanges reproduced|faults? tried|^TOTAL\b")
# What pip says while ansible-test makes its virtual environments; the log file has it.
NOISE = re.compile(
    r"^(Collecting |  Downloading |Processing /|Looking in |WARNING: Location |Installing collected |Successfully inst| *[━╺]+)"
)
LINES_OF_A_FAILURE = 150

_printing = threading.Lock()


class Stage:
    """One stage: its commands run one after another, a failed one does not stop the next ones.

    With C(loud), the commands' output is shown as it comes; otherwise it goes to .cache/log/STAGE.log and is shown only when
    a command fails.
    """

    def __init__(self, name: str, *, loud: bool) -> None:
        self.name = name
        self.loud = loud
        self.passed = 0
        self.failed = 0
        LOGS.mkdir(parents=True, exist_ok=True)
        self.log = LOGS / f"{name}.log"
        self.log.write_text("", encoding="utf-8")

    def run(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        cwd: Path = ROOT,
        count: Callable[[int, str], tuple[int, int]] | None = None,
        talkative: bool = False,
        env: Mapping[str, str | Path] | None = None,
    ) -> bool:
        """Run a command and count it as passed or failed. Returns whether it passed.

        C(count) makes (passed, failed) from its exit code and output where one command is more than one test. Output of a
        C(talkative) command is shown only when it fails.
        """
        begin = time.monotonic()
        self.say(f"{self.name}: {name} ...", only_loud=True)
        code, output = self._execute(
            [str(part) for part in command], cwd, environment(**(env or {})), show=self.loud and not talkative
        )
        passed, failed = count(code, output) if count else (int(code == 0), int(code != 0))
        if code and not failed:
            failed = 1
        self.passed += passed
        self.failed += failed
        word = "failed" if failed else "passed"
        if code < 0:
            word = f"ended by signal {-code}"
        shown = [line for line in output.splitlines() if WORTH_SHOWING.search(line)] if not self.loud else []
        if failed and (talkative or not self.loud):
            shown = output.splitlines()[-LINES_OF_A_FAILURE:]
        counted = f" ({passed} passed, {failed} failed)" if count else ""
        self.say(
            "\n".join(
                [
                    f"{self.name}: {name}: {word}{counted}, {time.monotonic() - begin:.0f} s",
                    *(f"  | {line}" for line in shown),
                ]
            )
        )
        return not failed

    def pytest(self, name: str, arguments: Sequence[str | Path], *, coverage: bool = False) -> bool:
        """Run pytest and take its numbers."""
        report = LOGS / f"{self.name}.xml"
        report.unlink(missing_ok=True)

        def count(code: int, output: str) -> tuple[int, int]:
            return _pytest_numbers(report) if report.is_file() else (0, 1)

        start = ["python", "-m", *(["coverage", "run", "-m"] if coverage else []), "pytest"]
        return self.run(name, [*start, "-q", "-ra", f"--junit-xml={report}", *arguments], count=count)

    def succeed(self, name: str) -> None:
        """Count as passed what is not a command."""
        self.passed += 1
        self.say(f"{self.name}: {name}: passed")

    def fail(self, name: str, output: str = "") -> None:
        """Count as failed what is not a command, and show why."""
        self.failed += 1
        shown = [f"  | {line}" for line in output.splitlines()[-LINES_OF_A_FAILURE:]]
        self.say("\n".join([f"{self.name}: {name}: failed", *shown]))

    def say(self, text: str, *, only_loud: bool = False) -> None:
        """Print text that other stages' lines do not tear apart."""
        if self.loud or not only_loud:
            with _printing:
                print(text, flush=True)

    def _execute(self, command: list[str], cwd: Path, env: dict[str, str], *, show: bool) -> tuple[int, str]:
        lines: list[str] = []
        with (
            self.log.open("a", encoding="utf-8", buffering=1) as log,
            subprocess.Popen(
                command,
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                errors="replace",
            ) as process,
        ):
            log.write(f"$ {' '.join(command)}\n")
            for line in t.cast("t.IO[str]", process.stdout):
                log.write(line)
                lines.append(line)
                if show and not NOISE.match(line):
                    with _printing:
                        print(line, end="", flush=True)
        return process.returncode, "".join(lines)


def _pytest_numbers(report: Path) -> tuple[int, int]:
    suites = ElementTree.parse(report).getroot().iter("testsuite")
    tests = failed = skipped = 0
    for suite in suites:
        tests += int(suite.get("tests", 0))
        failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped += int(suite.get("skipped", 0))
    return tests - failed - skipped, failed
