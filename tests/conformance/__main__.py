# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m conformance [NAME …]`: replay the recordings and print what is reproduced."""

from __future__ import annotations

import argparse
import sys

from conformance.arrangements import RECORDINGS
from conformance.report import Report, conformance


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m conformance", description=__doc__)
    parser.add_argument("names", nargs="*", help="recordings, or the beginnings of their names; default: all")
    parser.add_argument("--differences", action="store_true", help="print what differs, known or not")
    given = parser.parse_args()
    chosen = [name for name in RECORDINGS if not given.names or name.startswith(tuple(given.names))]
    report: Report = conformance(chosen)
    print(report.text(details=given.differences))
    return 0 if report.passed(whole=not given.names) else 1


if __name__ == "__main__":
    sys.exit(main())
