#!/bin/sh
# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Find a Python that can carry the tools, then let setup.py do the rest. Says in one line what this machine lacks.
set -eu
cd -- "$(dirname -- "$0")/../.."

if ! command -v git >/dev/null 2>&1; then
    echo "git is missing: install it and run make again." >&2
    exit 1
fi

lack="Python 3.11 or newer is missing: install it and run make again."
for name in ${PYTHON:-} python3.13 python3.12 python3.11 python3; do
    # A name on PATH proves nothing: version managers put stand-ins there for versions that are not installed.
    version=$("$name" -c 'import sys; print("%d.%d" % sys.version_info[:2] if sys.version_info >= (3, 11) else "")' 2>/dev/null) || continue
    [ -n "$version" ] || continue
    if "$name" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        exec "$name" tests/ci/setup.py
    fi
    lack="Python $version is here but cannot make virtual environments: install its venv module (Debian: python$version-venv) and run make again."
done
echo "$lack" >&2
exit 1
