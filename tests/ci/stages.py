# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the sessions of a stage, or of all stages, and counts what passed."""

from __future__ import annotations

import json
import re
import subprocess
import time
import typing as t
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ci.places import CACHE, LOGS, ROOT, environment

NOX = (str(CACHE / "nox" / "bin" / "python"), "-m", "nox", "--noxfile", str(ROOT / "noxfile.py"))
ALL = ("molecule", "playbooks", "units", "sanity", "conformance", "lint", "docs", "build")

# nox says with such a line how a session ended, before all of its output.
ENDED = re.compile(r"={10} \S (.+): (success|failed|aborted|skipped)\b.* ={10}")
# What a test suite reports beside its count; shown also when its output is only in the log.
WORTH_SHOWING = re.compile(r"recorded exchanges reproduced|faults? tried|the product sent|^TOTAL\b")
PYTEST = re.compile(r"^(?:=+ )?((?:\d+ \w+, )*\d+ \w+) in [\d.]+s")


@dataclass(frozen=True)
class Session:
    """A session that was to run, and how it ended."""

    name: str
    stage: str
    result: str
    seconds: float
    passed: int
    failed: int


def run(name: str) -> int:
    """Run a stage, or with ``test`` all of them. Returns the exit code."""
    begin = time.monotonic()
    planned = sessions(ALL if name == "test" else (name,))
    if not planned:
        print(f"No session has the tag {name}.\n\n0 passed, 1 failed")
        return 1
    LOGS.mkdir(parents=True, exist_ok=True)
    log, report = LOGS / f"{name}.log", LOGS / f"{name}.json"
    report.unlink(missing_ok=True)
    parallel = ["--parallel", "2"] if len(planned) > 1 else []
    command = [*NOX, "--report", str(report), *parallel, "--tags", *dict.fromkeys(planned.values())]
    with (
        log.open("w", encoding="utf-8", buffering=1) as kept,
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        ) as process,
    ):
        for line in shown(written(t.cast("t.IO[str]", process.stdout), kept), everything=name != "test"):
            print(line, end="", flush=True)
    done = count(planned, ended(report), blocks(log.read_text(encoding="utf-8"), planned))
    print(table(done, time.monotonic() - begin))
    passed, failed = sum(session.passed for session in done), sum(session.failed for session in done)
    # nox fails where nothing of that is to be seen: a noxfile that it cannot read, a session that another one needs.
    failed = failed or int(process.returncode != 0)
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed or not passed else 0


def sessions(stages: Iterable[str]) -> dict[str, str]:
    """The sessions of these stages in the order of the noxfile, each with its stage."""
    command = [*NOX, "--list", "--json", "--tags", *stages]
    listed = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
    if listed.returncode:
        print(listed.stdout, listed.stderr)
        return {}
    return {entry["session"]: entry["tags"][0] for entry in json.loads(listed.stdout)}


def written(lines: Iterable[str], log: t.IO[str]) -> Iterator[str]:
    for line in lines:
        log.write(line)
        yield line


def shown(lines: Iterable[str], *, everything: bool) -> Iterator[str]:
    """What of the output is for the screen: of sessions that passed only that, unless ``everything``."""
    hidden = False
    for line in lines:
        end = ENDED.match(line)
        if end:
            hidden = end[2] == "success" and not everything
        if not hidden or end or line.startswith("Starting session ") or WORTH_SHOWING.search(line):
            yield line


def ended(report: Path) -> dict[str, tuple[str, float]]:
    """How each session ended, and after how many seconds."""
    if not report.is_file():
        return {}
    entries = json.loads(report.read_text(encoding="utf-8"))["sessions"]
    return {name: (entry["result"], entry["duration"]) for entry in entries for name in entry["signatures"]}


def blocks(output: str, planned: t.Collection[str]) -> dict[str, str]:
    """The output of each session; of a single one nox does not say where it begins."""
    if len(planned) == 1:
        return dict.fromkeys(planned, output)
    found: dict[str, list[str]] = {}
    name = ""
    for line in output.splitlines(keepends=True):
        end = ENDED.match(line)
        name = end[1] if end else name
        found.setdefault(name, []).append(line)
    return {name: "".join(lines) for name, lines in found.items()}


def count(planned: dict[str, str], results: dict[str, tuple[str, float]], outputs: dict[str, str]) -> list[Session]:
    """Every session that was to run. One that left no result has failed, and one that failed has at least one failure."""
    done = []
    for name, stage in planned.items():
        result, seconds = results.get(name, ("lost", 0.0))
        passed, failed = numbers(stage, outputs.get(name, ""))
        if result == "success":
            passed, failed = (passed, failed) if passed or failed else (1, 0)
        elif result != "skipped":
            failed = max(failed, 1)
        done.append(Session(name, stage, result, seconds, passed, failed))
    return done


def numbers(stage: str, output: str) -> tuple[int, int]:
    """Passed and failed tests, where a session has more than one."""
    if stage == "sanity":
        started = len(set(re.findall(r"Running sanity test \"?([\w-]+)", output)))
        found = re.search(r"The (\d+) sanity test\(s\) listed below", output)
        failed = int(found[1]) if found else 0
        # A test whose program is missing passes with a warning.
        failed += len(re.findall(r"Required program \"?shellcheck", output))
        return max(started - failed, 0), failed
    passed = failed = 0
    for line in output.splitlines():
        summary = PYTEST.match(line)
        for number, word in re.findall(r"(\d+) (\w+)", summary[1]) if summary else ():
            passed += int(number) * (word == "passed")
            failed += int(number) * (word in ("failed", "error", "errors"))
    return passed, failed


def table(done: list[Session], seconds: float) -> str:
    """Stages with their numbers; the seconds of a stage are those of its sessions together."""
    lines = [""]
    for stage in dict.fromkeys(session.stage for session in done):
        own = [session for session in done if session.stage == stage]
        passed, failed = sum(session.passed for session in own), sum(session.failed for session in own)
        word = "failed" if failed else "passed"
        lines.append(
            f"{stage:12} {word}  {passed:5} passed {failed:4} failed {sum(each.seconds for each in own):6.0f} s"
        )
        lines += [f"  {each.name}: {each.result}" for each in own if each.result != "success"]
    return "\n".join([*lines, f"{'all':12}{'':31}{seconds:6.0f} s", ""])
