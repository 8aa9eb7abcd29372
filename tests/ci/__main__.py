# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run what a target of the Makefile names."""

from __future__ import annotations

import importlib
import sys

from ci import stages

# What is no stage: each has a module of its own.
ALONE = ("demo", "bench", "live")


def main(name: str) -> int:
    if name not in ALONE:
        return stages.run(name)
    code = importlib.import_module(f"ci.{name}").main()
    assert isinstance(code, int)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
