# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carry out what a target of the Makefile names."""

from __future__ import annotations

import importlib
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from ci import stages
from ci.runner import Stage

# The longest first: two run at a time.
ORDER = ("molecule", "units", "sanity", "conformance", "lint", "build", "docs")

# What is no stage: each has a module of its own.
ALONE = ("demo", "bench", "live")


def main(names: list[str]) -> int:
    if names[0] in ALONE:
        code = importlib.import_module(f"ci.{names[0]}").main()
        assert isinstance(code, int)
        return code
    loud = names != ["test"]
    done = [Stage(name, loud=loud) for name in (names if loud else ORDER)]
    begin = time.monotonic()
    seconds: dict[str, float] = {}

    def carry_out(stage: Stage) -> None:
        start = time.monotonic()
        getattr(stages, stage.name)(stage)
        seconds[stage.name] = time.monotonic() - start

    with ThreadPoolExecutor(max_workers=1 if loud else 2) as pool:
        list(pool.map(carry_out, done))
    print()
    for stage in done:
        word = "failed" if stage.failed else "passed"
        print(f"{stage.name:12} {word}  {stage.passed:5} passed {stage.failed:4} failed {seconds[stage.name]:6.0f} s")
    passed, failed = sum(stage.passed for stage in done), sum(stage.failed for stage in done)
    print(f"{'all':12}{'':31}{time.monotonic() - begin:6.0f} s\n")
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
