# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Put pip into a virtual environment that ansible-test made.

ansible-test downloads a script for that from a host that many networks do not reach. It looks for a file in
~/.ansible/test/cache first: this one, which uses the pip that comes with Python and then installs what is asked for.
It is started with the packages and options that the downloaded script would take.
"""

from __future__ import annotations

import subprocess
import sys

# Options of the downloaded script that pip does not know; ensurepip installs neither of the two where they matter.
FOREIGN = ("--no-setuptools", "--no-wheel")

if __name__ == "__main__":
    # In a process of its own: it hides pip's configuration (proxy, certificates) from the process that it runs in.
    subprocess.check_call([sys.executable, "-m", "ensurepip"], stdout=subprocess.DEVNULL)
    arguments = [argument for argument in sys.argv[1:] if argument not in FOREIGN]
    sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", "--quiet", "--upgrade", *arguments]))
