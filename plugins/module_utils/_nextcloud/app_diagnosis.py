# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why an app cannot be installed, enabled or updated: the app store, the version, the place (NC §5.3, field case O26)."""

from __future__ import annotations

import re
import time
import typing as t

from .._core.command import Completed
from .._core.errors import CommandError
from .occ import Occ

STORE = "https://apps.nextcloud.com/api/v1"
ARCHIVES = "github.com"
#: seconds that Nextcloud remembers a failure of the store, and under which name
REMEMBERED = 300
LAST_FAILURE = "appstore-fetcher-lastFailure"
FORGET = f"occ config:app:delete settings {LAST_FAILURE}"


def store_silence(configuration: t.Mapping[str, t.Any]) -> str:
    """Why Nextcloud does not ask the app store at all; empty when it does."""
    system = configuration.get("system") or {}
    if system.get("appstoreenabled") is False:
        return "the app store is switched off (appstoreenabled is false in config.php)"
    if system.get("has_internet_connection") is False:
        return "Nextcloud is told that it has no internet (has_internet_connection is false in config.php)"
    settings = (configuration.get("apps") or {}).get("settings") or {}
    left = REMEMBERED - (time.time() - _number(settings.get(LAST_FAILURE)))
    if 0 < left <= REMEMBERED:
        return f"the app store did not answer a short while ago, and Nextcloud remembers that for five minutes ({left:.0f} seconds more)"
    return ""


def explain(
    occ: Occ,
    command: t.Sequence[str],
    attempted: str,
    completed: Completed,
    failed: t.Sequence[str],
    configuration: t.Mapping[str, t.Any],
) -> CommandError:
    """The error for apps that occ did not enable or update, with the reason for each."""
    lines = [line.strip() for line in completed.stdout.splitlines() if line.strip()]
    about = [line for line in lines if not re.match(r"\S+ \S+ enabled|.* new version available: ", line)]
    text = " ".join(about) or " ".join(completed.stderr.split()) or "no reason given"
    cause, remedy = _reason(occ, text, failed, configuration)
    done = [line for line in lines if re.match(r"\S+ \S+ enabled", line)]
    answer = f"{', '.join(failed)}: {text[:400]}" + (f" ({'; '.join(done)})" if done else "")
    return CommandError(
        occ.secrets.censor(answer),
        attempted=attempted,
        server=occ.command_line(command),
        remedy=remedy,
        rc=completed.rc,
        cause=cause,
        apps=list(failed),
    )


def _reason(occ: Occ, text: str, failed: t.Sequence[str], configuration: t.Mapping[str, t.Any]) -> tuple[str, str]:
    server = str((configuration.get("system") or {}).get("version") or "of unknown version")
    if re.search(r"not compatible with this version of the server|dependencies are not fulfilled", text):
        return "incompatible", (
            f"Nextcloud {server} does not take {_on_disk(occ, failed)}, which is there already: put a version that fits in its place, or remove it"
            " (state: absent) so that the fitting one is downloaded"
        )
    if "invalid signature" in text:
        return (
            "signature",
            "The archive that was downloaded is not the one that its author signed; look for a proxy that changes it, and report it to the author",
        )
    if re.search(r"Cannot write into \"apps\" directory|No application directories are marked as writable", text):
        return (
            "not_writable",
            "Make one of the folders in apps_paths writable for Nextcloud, or put the app there by hand and run again",
        )
    if "tried to update to lower version" in text:
        return (
            "older_in_store",
            "What is on the disk is newer than what the store has; nothing needs to be done but enabling it (state: enabled)",
        )
    if re.search(r"can't be enabled for groups", text):
        return "for_everybody", "Leave groups out for this app"
    if not re.search(r"Could not download|Client error|Server error|cURL|couldn't be updated|resulted in a", text):
        return "app", "Look at Nextcloud's log"
    silence = store_silence({**configuration, "apps": {"settings": {LAST_FAILURE: _last_failure(occ)}}})
    store = (configuration.get("system") or {}).get("appstoreurl") or STORE
    by_hand = "Or unpack the app into a folder of apps_paths: what is on the disk is enabled without the store"
    if "five minutes" in silence:
        return "store_failed", (
            f"{silence[0].upper()}{silence[1:]}. Check that Nextcloud reaches {store} (the list) and {ARCHIVES} (most archives), then wait"
            f" five minutes or forget the failure: {FORGET}. {by_hand}"
        )
    if silence:
        return "store_off", f"{silence[0].upper()}{silence[1:]}. Switch it on. {by_hand}"
    return "not_in_store", (
        f"The app store has no {' or '.join(failed)} for Nextcloud {server}, or the download failed: check the id, and that Nextcloud reaches"
        f" {store} (the list) and {ARCHIVES} (most archives). {by_hand}"
    )


def _last_failure(occ: Occ) -> str:
    completed = occ.run(
        ["config:app:get", "settings", LAST_FAILURE],
        attempted="read when the app store failed last",
        accepted=(0, 1),
    )
    return completed.stdout.strip()


def _on_disk(occ: Occ, names: t.Iterable[str]) -> str:
    data = occ.json(["app:list"], attempted="read which apps are there")
    listed = {**dict(data.get("enabled") or {}), **dict(data.get("disabled") or {})} if isinstance(data, dict) else {}
    return ", ".join(f"{name} {str(listed.get(name, '(unknown version)')).partition(' ')[0]}" for name in names)


def _number(value: t.Any) -> float:
    return float(value) if re.fullmatch(r"\d+(\.\d+)?", str(value or "")) else 0.0
