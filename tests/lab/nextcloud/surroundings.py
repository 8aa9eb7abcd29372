# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What surrounds a Nextcloud: the app store it asks, and the PHP and account that its occ is started with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class AppStore:
    """The app store as this Nextcloud sees it (NC §5.3)."""

    offers: dict[str, str] = field(default_factory=dict)
    """Apps with a release for this Nextcloud: id and version."""
    reachable: bool = True
    failures: int = 0
    """So many fetches of the list fail from now on."""
    trouble: dict[str, str] = field(default_factory=dict)
    """Apps whose download fails, with the words that occ has for it."""
    cache: dict[str, str] | None = None
    """The list as it was fetched; a real server keeps it for an hour, the lab until a test sets None."""


@dataclass
class Surroundings:
    """How occ is started, and what ails its PHP. The default is what it should be (NC §5.1)."""

    account: str = "www-data"
    """`www-data` owns config.php; `root`; anything else is a foreign account."""
    config_readable: bool = True
    """Whether a foreign account can read config.php."""
    occ_present: bool = True
    missing_apps_path: str = ""
    """A directory of apps_paths that is not there: every command does nothing, with exit code 0."""
    unhandled: str = ""
    """An exception before any command: downgrade, broken config.php, unreachable database."""
    data_directory_valid: bool = True
    php_fatal: str = ""
    """Whatever is in an enabled app: every command fails."""
    php_fatal_on_stdout: bool = False
    php_warning: str = ""
    """A line that PHP itself writes to standard error while it starts."""
    pcntl_disabled: bool = False
    memory_limit_low: bool = False
    store: AppStore = field(default_factory=AppStore)
    apps_writable: bool = True
    """Whether the web server may write into the directory of apps."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that occ has already where it lives; a variable of the caller beats them."""
