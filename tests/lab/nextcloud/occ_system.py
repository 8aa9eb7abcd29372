# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""occ: status, maintenance mode, upgrade, certificates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

from lab.nextcloud.occ_config import refuse_read_only
from lab.nextcloud.occ_core import Console, Input, OccError, command

ALWAYS = ("status", "maintenance:install")
"""Commands of a Nextcloud that is not installed."""


@command("status", "--output=?", "-e|--exit-code", writes=False)
def status(console: Console) -> int:
    """NC §5.1. With `-e` only the exit code speaks: 1 maintenance, 2 pending upgrade."""
    state = console.state
    if console.option("exit-code"):
        if state.maintenance:
            return 1
        return 2 if state.needs_upgrade else 0
    console.write(
        {
            "installed": state.installed,
            "version": console.profile.build,
            "versionstring": console.profile.version,
            "edition": "",
            "maintenance": state.maintenance,
            "needsDbUpgrade": state.installed and state.needs_upgrade,
            "productname": "Nextcloud",
            "extendedSupport": False,
        }
    )
    return 0


def _switches(given: Input) -> bool:
    return bool(given.options.get("on") or given.options.get("off"))


@command("maintenance:mode", "--on", "--off", writes=_switches)
def maintenance_mode(console: Console) -> None:
    """NC §5.1."""
    state = console.state
    wanted = True if console.option("on") else False if console.option("off") else None
    word = "enabled" if wanted or (wanted is None and state.maintenance) else "disabled"
    if wanted is None:
        console.line(f"Maintenance mode is currently {word}")
    elif wanted == state.maintenance:
        console.line(f"Maintenance mode already {word}")
    else:
        refuse_read_only(console)
        state.maintenance = wanted
        console.line(f"Maintenance mode {word}")


@command("upgrade")
def upgrade(console: Console) -> int:
    """NC §5.3. It also takes an app back to an older version that lies on disk."""
    state = console.state
    if not state.needs_upgrade:
        console.line("Nextcloud is already latest version")
        return 3
    for text in (
        "Setting log level to debug",
        "Turned on maintenance mode",
        "Updating database schema",
        "Updated database",
    ):
        console.line(text)
    for app in state.outdated_apps():
        console.line(f"Updating <{app}> ...")
        state.set_app_value(app, "installed_version", state.apps[app].version)
        console.line(f"Updated <{app}> to {state.apps[app].version}")
    state.server_needs_upgrade = False
    state.system["version"] = console.profile.build
    for text in (
        "Starting code integrity check...",
        "Finished code integrity check",
        "Update successful",
        "Turned off maintenance mode",
        "Resetting log level",
    ):
        console.line(text)
    return 0


@command("security:bruteforce:reset", "ipaddress")
def reset_throttle(console: Console) -> None:
    """Silent. All requests come from this machine."""
    if console.argument("ipaddress") == "127.0.0.1":
        console.state.login_fails = 0


@command("twofactorauth:enforce", "--on", "--off", "--group=*", "--exclude=*", writes=_switches)
def enforce_second_factor(console: Console) -> None:
    """For everybody, for some groups, or for all but some; groups need not exist."""
    state = console.state
    if console.option("on"):
        state.two_factor_enforced = True
        state.two_factor_groups = console.option("group")
        state.two_factor_excluded = console.option("exclude")
    elif console.option("off"):
        state.two_factor_enforced = False
    if not state.two_factor_enforced:
        console.line("Two-factor authentication is not enforced")
        return
    groups, excluded = ", ".join(state.two_factor_groups), ", ".join(state.two_factor_excluded)
    whom = f"members of the group(s) {groups}" if groups else "all users"
    beside = f", except members of {excluded}" if excluded else ""
    console.line(f"Two-factor authentication is enforced for {whom}{beside}")


@command("security:certificates", "--output=?", writes=False)
def certificates(console: Console) -> None:
    """The certificates for outgoing requests that an administrator added."""
    listed = [_described(name, pem) for name, pem in console.state.certificates.items()]
    if console.option("output") in ("json", "json_pretty"):
        console.write(listed)
        return
    console.table(
        ("File Name", "Common Name", "Organization", "Valid Until", "Issued By"),
        [(row["name"], row["common_name"], row["organization"], row["expire"], row["issuer"]) for row in listed],
    )


@command("security:certificates:import", "path")
def import_certificate(console: Console) -> int | None:
    """Nextcloud keeps the file under its own name and reads only its first certificate for the list."""
    path = Path(console.argument("path"))
    if not path.is_file():
        raise console.fail("Certificate not found, please provide a path accessible by the web server user")
    text = path.read_text(encoding="utf-8", errors="replace")
    _described(path.name, text)
    console.state.certificates[path.name] = text
    return None


@command("security:certificates:remove", "name")
def remove_certificate(console: Console) -> None:
    """Repeatable."""
    console.state.certificates.pop(console.argument("name"), None)


def _described(name: str, pem: str) -> dict[str, Any]:
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
    except ValueError as error:
        raise OccError("Certificate could not get parsed.", "Certificate.php line 47") from error
    return {
        "name": name,
        "common_name": _part(certificate.subject, NameOID.COMMON_NAME),
        "organization": _part(certificate.subject, NameOID.ORGANIZATION_NAME),
        "expire": certificate.not_valid_after_utc.isoformat(),
        "issuer": _part(certificate.issuer, NameOID.COMMON_NAME),
        "issuer_organization": _part(certificate.issuer, NameOID.ORGANIZATION_NAME),
        "issue_date": certificate.not_valid_before_utc.isoformat(),
    }


def _part(name: x509.Name, oid: x509.ObjectIdentifier) -> str | None:
    found = name.get_attributes_for_oid(oid)
    return str(found[0].value) if found else None
