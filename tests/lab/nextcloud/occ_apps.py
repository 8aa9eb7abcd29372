# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""occ: apps and the app store (NC §5.3)."""

from __future__ import annotations

import time
from typing import Any

from lab.nextcloud.occ_core import Console, Input, command
from lab.nextcloud.state import App, as_numbers

FIRST_TALKATIVE_STORE = 30
"""From this version on the failure of a download says that the store does not know the app."""
FIRST_REMOVES_DISABLED = 34
"""From this version on `app:remove` takes disabled apps too, in other words."""
REMEMBERED_SECONDS = 300
"""So long a failed fetch of the store's list is remembered."""
UNGROUPABLE = {"filesystem", "prelogin", "authentication", "logging", "prevent_group_restriction"}
"""Types of apps that cannot be limited to groups."""
ALWAYS_ENABLED = {
    "cloud_federation_api",
    "dav",
    "federatedfilesharing",
    "files",
    "lookup_server_connector",
    "oauth2",
    "profile",
    "provisioning_api",
    "settings",
    "theming",
    "twofactor_backupcodes",
    "viewer",
    "workflowengine",
}
NOT_WRITABLE = (
    'Cannot write into "apps" directory. This can usually be fixed by giving the web server write access to the apps '
    "directory or disabling the App Store in the config file."
)


class StoreTrouble(Exception):
    """The app cannot be had from the store; the message is occ's."""


@command("app:list", "--output=?", "--shipped=", "--enabled", "--disabled", writes=False)
def list_apps(console: Console) -> None:
    """An enabled app that is missing on disk is not listed at all."""
    state = console.state
    wanted = {"true": True, "false": False}.get(str(console.option("shipped") or ""))
    apps = sorted(
        (app for app in state.apps.values() if wanted is None or app.shipped == wanted), key=lambda app: app.id
    )
    enabled = {
        app.id: state.app_value(app.id, "installed_version") or app.version for app in apps if state.app_enabled(app.id)
    }
    disabled = {app.id: _version_of_disabled(console, app) for app in apps if app.id not in enabled}
    areas: dict[str, dict[str, str]] = {}
    if not console.option("disabled"):
        areas["enabled"] = enabled
    if not console.option("enabled"):
        areas["disabled"] = disabled
    if console.option("output") in ("json", "json_pretty"):
        console.write(areas)
        return
    for name, listed in areas.items():
        console.line(f"{name.capitalize()}:")
        console.write(listed)


def _version_of_disabled(console: Console, app: App) -> str:
    once = console.state.app_value(app.id, "installed_version")
    return f"{app.version} (installed {once})" if once else app.version


@command("app:getpath", "app", "--output=?", writes=False)
def path_of_app(console: Console) -> int:
    """No output and exit code 1 when the app is not on disk."""
    app = console.state.apps.get(console.argument("app"))
    if app is None:
        return 1
    console.line(app.path or f"{_directory(console, app)}/{app.id}")
    return 0


def _directory(console: Console, app: App) -> str:
    paths = console.state.system.get("apps_paths") or []
    own = [str(entry["path"]) for entry in paths if entry.get("writable")]
    return own[0] if own and not app.shipped else "/var/www/nextcloud/apps"


@command("app:enable", "app-id...", "-g|--groups=*", "-f|--force")
def enable(console: Console) -> int:
    """Downloads what is not on disk (server#39578); goes on after a failure and ends with exit code 1."""
    state = console.state
    groups = [gid for gid in console.option("groups") or [] if gid in state.groups]
    code = 0
    for name in console.arguments("app-id"):
        if not groups and _is_on(console, name) and not _lifts_limit(console, name):
            console.line(f"{name} already enabled")
            continue
        try:
            if name not in state.apps:
                _download(console, name)
            refusal = _refusal(console, state.apps[name], groups)
        except StoreTrouble as trouble:
            refusal = str(trouble)
        if refusal:
            console.line(refusal)
            code = 1
            continue
        state.enable_app(name, groups)
        suffix = f" for groups: {', '.join(groups)}" if groups else ""
        console.line(f"{name} {state.apps[name].version} enabled{suffix}")
    return code


def _is_on(console: Console, name: str) -> bool:
    """By the app config alone: an app that is missing on disk counts as enabled."""
    return (console.state.app_value(name, "enabled") or "no") != "no"


def _lifts_limit(console: Console, name: str) -> bool:
    return console.profile.enabling_lifts_limits and console.state.app_groups(name) is not None


def _refusal(console: Console, app: App, groups: list[str]) -> str:
    """Why an app on disk cannot be enabled; empty when it can."""
    if app.missing_dependency:
        return (
            f'App "{app.name}" cannot be installed because the following dependencies are not fulfilled: '
            f"{app.missing_dependency}"
        )
    overwritten = console.state.system.get("app_install_overwrite") or []
    if console.option("force") and app.id not in overwritten:
        overwritten = [*overwritten, app.id]
        console.state.system["app_install_overwrite"] = overwritten
    if not app.compatible and app.id not in overwritten:
        return f'App "{app.name}" cannot be installed because it is not compatible with this version of the server.'
    if groups and UNGROUPABLE & set(app.types.split(",")):
        # It is switched off before the limit is refused.
        console.state.disable_app(app.id)
        return f"{app.id} can't be enabled for groups."
    return ""


@command("app:disable", "app-id...")
def disable(console: Console) -> int:
    """An app that is not enabled is no failure; one that Nextcloud needs is, with exit code 2."""
    code = 0
    for name in console.arguments("app-id"):
        if not _is_on(console, name):
            console.line(f"No such app enabled: {name}")
        elif name in ALWAYS_ENABLED:
            console.line(f"{name} can't be disabled.")
            code = 2
        else:
            app = console.state.apps.get(name)
            console.state.disable_app(name)
            console.line(f"{name} {app.version if app else '0'} disabled")
    return code


@command("app:install", "app-id", "--keep-disabled", "-f|--force", "--allow-unstable")
def install(console: Console) -> None:
    """32 downloads an app again that is on disk but disabled; 29 and 34 call it installed (server#49648, #55065)."""
    name = console.argument("app-id")
    by_configuration = FIRST_TALKATIVE_STORE <= console.profile.major < FIRST_REMOVES_DISABLED
    if _is_on(console, name) if by_configuration else name in console.state.apps:
        raise console.fail(f"{name} already installed")
    name = name.lower()
    try:
        _download(console, name)
    except StoreTrouble as trouble:
        raise console.fail(f"Error: {trouble}") from trouble
    console.line(f"{name} {console.state.apps[name].version} installed")
    console.state.enable_app(name)
    if console.option("keep-disabled"):
        console.state.disable_app(name)
    else:
        console.line(f"{name} enabled")


def _shows_only(given: Input) -> bool:
    return not given.options.get("showonly")


@command("app:update", "app-id?", "--all", "--showonly", "34@--showcurrent", "--allow-unstable", writes=_shows_only)
def update(console: Console) -> int:
    """Nothing to do is exit code 0, also when the store cannot be reached."""
    name, state = console.argument("app-id"), console.state
    if name and name not in state.apps:
        raise console.fail(f"{name} not installed")
    if not name and not console.option("all"):
        raise console.fail('Please specify an app to update or "--all" to update all updatable apps"')
    offers = _offers(console)
    names = [name] if name else sorted(app for app in state.apps if _is_on(console, app))
    newer = [app for app in names if as_numbers(offers.get(app, "0")) > as_numbers(state.apps[app].version)]
    if not newer:
        subject = f"{name} is" if name else "All apps are"
        console.line(f"{subject} up-to-date or no updates could be found")
        return 0
    code = 0
    for app in newer:
        console.line(f"{app} new version available: {offers[app]}")
        if console.option("showonly"):
            continue
        try:
            _download(console, app)
        except StoreTrouble as trouble:
            console.line(f"Error: {trouble}")
            code = 1
            continue
        state.set_app_value(app, "installed_version", offers[app])
        console.line(f"{app} updated")
    return code


@command("app:remove", "app-id", "--keep-data")
def remove(console: Console) -> None:
    """Up to 32 only an enabled app; its configuration stays."""
    name, state = console.argument("app-id"), console.state
    if console.profile.major >= FIRST_REMOVES_DISABLED:
        _remove_on_34(console, name)
        return
    if not _is_on(console, name):
        word = "enabled" if console.profile.major >= FIRST_TALKATIVE_STORE else "installed"
        raise console.fail(f"{name} is not {word}")
    if name in state.apps and state.apps[name].shipped:
        raise console.fail(f"{name} could not be removed as it is a shipped app")
    state.disable_app(name)
    console.line(f"{name} disabled")
    version = state.apps.pop(name).version if name in state.apps else ""
    console.line(f"{name} {version} removed")


def _remove_on_34(console: Console, name: str) -> None:
    state = console.state
    if name not in state.apps:
        raise console.fail(f"App '{name}' is not installed. Nothing to remove.")
    if state.apps[name].shipped:
        raise console.fail(f"App '{name}' is a shipped/core app and cannot be removed.")
    if console.option("keep-data"):
        console.line(f"Removing app '{name}' but keeping app data (uninstall hooks skipped).")
    else:
        state.disable_app(name)
        console.line(f"Disabled app '{name}' (uninstall steps executed).")
    console.line(f"Removed app '{name}' (version {state.apps.pop(name).version}).")


# The app store


def _offers(console: Console) -> dict[str, str]:
    """The store's list. A failed fetch is remembered in the app config, and the list itself is kept."""
    state, store = console.state, console.surroundings.store
    if state.system.get("appstoreenabled") is False or state.system.get("has_internet_connection") is False:
        return {}
    failed = state.app_value("settings", "appstore-fetcher-lastFailure")
    if failed and time.time() - float(failed) < REMEMBERED_SECONDS:
        return {}
    if store.cache is None:
        if not store.reachable or store.failures:
            store.failures = max(store.failures - 1, 0)
            state.set_app_value("settings", "appstore-fetcher-lastFailure", str(int(time.time())))
            return {}
        store.cache = dict(store.offers)
    return store.cache


def _download(console: Console, name: str) -> None:
    """Put the store's release on disk, or raise StoreTrouble."""
    state, around = console.state, console.surroundings
    offered = _offers(console).get(name)
    if offered is None:
        reason = ", it was not found on the appstore" if console.profile.major >= FIRST_TALKATIVE_STORE else ""
        raise StoreTrouble(f"Could not download app {name}{reason}")
    if name in around.store.trouble:
        raise StoreTrouble(around.store.trouble[name])
    paths: list[dict[str, Any]] = state.system.get("apps_paths") or [{"writable": True}]
    if not any(entry.get("writable") for entry in paths):
        raise StoreTrouble("No application directories are marked as writable.")
    if not around.apps_writable:
        raise StoreTrouble(NOT_WRITABLE)
    present = state.apps.get(name)
    if present and as_numbers(present.version) > as_numbers(offered):
        raise StoreTrouble(
            f"App for id {name} has version {present.version} and tried to update to lower version {offered}"
        )
    state.put_on_disk(name, offered)
