# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of a simulated Nextcloud and the operations that both its HTTP side and its occ carry out on it.

An operation raises `StateError`; its `reason` is one of the constants below, for each front to put into its own words.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable
from typing import Any

from lab.nextcloud.profiles import Profile
from lab.nextcloud.rows import (
    ALNUM,
    EXISTS,
    GROUPFOLDERS,
    INTEGRATION,
    INVALID,
    MISSING,
    NO_ACL,
    OPENPROJECT,
    PERMANENT,
    POLICY,
    PROTECTED,
    REFUSED,
    SECOND_GROUP,
    SYMBOLS,
    TEMPORARY,
    TROUBLESHOOTING,
    TYPE_CONFLICT,
    TYPES,
    App,
    ConfigValue,
    Grant,
    Group,
    GroupFolder,
    Manage,
    OAuthClient,
    Session,
    StateError,
    Token,
    User,
    as_numbers,
)
from lab.nextcloud.surroundings import Surroundings
from lab.plumbing import random_text

__all__ = [
    "ALNUM",
    "EXISTS",
    "GROUPFOLDERS",
    "INTEGRATION",
    "INVALID",
    "MISSING",
    "NO_ACL",
    "OPENPROJECT",
    "PERMANENT",
    "POLICY",
    "PROTECTED",
    "REFUSED",
    "SECOND_GROUP",
    "SYMBOLS",
    "TEMPORARY",
    "TROUBLESHOOTING",
    "TYPES",
    "TYPE_CONFLICT",
    "App",
    "ConfigValue",
    "Grant",
    "Group",
    "GroupFolder",
    "Manage",
    "NextcloudState",
    "OAuthClient",
    "Session",
    "StateError",
    "Token",
    "User",
    "as_numbers",
]


class NextcloudState:
    """Everything a Nextcloud knows. Fields are plain, so that tests arrange states directly."""

    def __init__(self, profile: Profile, url: str, admin: tuple[str, str]) -> None:
        self.profile = profile
        self.lock = threading.RLock()
        self.users: dict[str, User] = {}
        self.groups: dict[str, Group] = {"admin": Group("admin")}
        self.folders: dict[int, GroupFolder] = {}
        self.next_folder_id = 1
        self.apps: dict[str, App] = {}
        self.surroundings = Surroundings()
        self.app_config: dict[str, dict[str, ConfigValue]] = {}
        self.system: dict[str, Any] = {
            "trusted_domains": ["127.0.0.1", "localhost"],
            "overwrite.cli.url": url,
            "datadirectory": "/var/www/nextcloud-data",
            "dbtype": "sqlite3",
            "version": profile.build,
            "installed": True,
            "maintenance": False,
            "loglevel": 2,
            "auth.bruteforce.protection.enabled": True,
            "secret": random_text(ALNUM, 48),
            "passwordsalt": random_text(ALNUM, 30),
            "instanceid": "oc" + random_text(ALNUM.lower(), 10),
        }
        self.oauth_clients: dict[int, OAuthClient] = {}
        self.next_oauth_client_id = 1
        self.grants: dict[str, Grant] = {}
        """Consents of users by code or refresh token."""
        self.sessions: dict[str, Session] = {}
        self.next_token_id = 1
        self.next_file_id = 100
        self.certificates: dict[str, str] = {}
        """CA certificates for outgoing requests: name and PEM text (`security:certificates`)."""

        self.server_needs_upgrade = False
        self.strips_authorization = False
        """The web server in front drops the Authorization header (OP §5)."""
        self.app_passwords_need_confirmation = not profile.application_passwords_confirm
        """A release with server#61322: OCS and group folder writes refuse application passwords (NC §6.2)."""
        self.token_auth_enforced = False
        self.two_factor_enforced = False
        self.two_factor_groups: list[str] = []
        """The only groups that the second factor is enforced for, when there are any."""
        self.two_factor_excluded: list[str] = []
        self.login_fails = 0
        """Failed logins of the one address that all requests come from; more than 10 mean 429 (NC §1.1)."""
        self.login_delay = 0
        """Milliseconds by which logins of that address are delayed, as the public capabilities tell."""
        self.terms_signed = True
        self.oidc_providers: list[str] = []
        """Names of the providers that the app user_oidc knows (admin page)."""
        self.left_over_files: set[str] = set()
        """Former accounts whose files are still in the data directory: no account can be made under these ids."""
        self.web_root = ""
        """The path of its host that it lives below, such as `/nextcloud`."""
        self.openproject_probe: dict[str, Any] | None = None
        """What `is-valid-op-instance` answers instead of looking; None: it looks (NC §1.4)."""
        self.redirects_to = ""
        """Address that the web server sends every request to, with its path (301); empty: it answers itself."""
        self.skips_auth_picker = False
        """Whether the first page of the login flow is left out for the client (`skipAuthPickerApplications` of newer servers)."""
        self.scripted_login_flow = profile.scripted_login_flow
        """Whether pages of the login flow are drawn by a script, as on servers newer than 32, and not written as forms."""
        self.pretty_urls = True
        """Whether the web server leads paths without /index.php to Nextcloud (NC §1.1)."""
        self._granted: dict[tuple[str, str], int] = {}

        for app in profile.shipped_apps:
            self.apps[app] = App(app, profile.shipped_apps[app], name=app, shipped=True)
            self._write_app_rows(app)
        for app in profile.lost_apps:
            self.app_config[app] = {"enabled": ConfigValue("yes")}
        for app in profile.disabled_apps:
            version, _unused, once_installed = profile.disabled_apps[app].partition(" ")
            self.apps[app] = App(app, version, name=app, shipped=app != "testing")
            if once_installed:
                self._write_app_rows(app, "no")
        self.put_on_disk(GROUPFOLDERS, profile.groupfolders_version)
        self.put_on_disk(INTEGRATION, profile.integration_version)
        self.create_user(*admin)
        self.add_member("admin", admin[0])
        self.set_app_value("core", "lastcron", str(int(time.time())))
        self.set_app_value("core", "backgroundjobs_mode", "cron")

    # Users

    def find_user(self, uid: str) -> User | None:
        """The user; ids are looked up without regard to case (NC §5.2)."""
        return next((user for user in self.users.values() if user.uid.casefold() == uid.casefold()), None)

    def user(self, uid: str) -> User:
        user = self.find_user(uid)
        if user is None:
            raise StateError(MISSING, f"user {uid} not found")
        return user

    def create_user(
        self, uid: str, password: str, *, display_name: str = "", email: str = "", check_policy: bool = True
    ) -> User:
        if self.find_user(uid):
            raise StateError(EXISTS, f'The account "{uid}" already exists.')
        if not uid.strip() or set(uid) - set(ALNUM + " _.@-'"):
            raise StateError(
                INVALID,
                'Only the following characters are allowed in an Login: "a-z", "A-Z", "0-9", spaces and "_.@-\'"',
            )
        if check_policy:
            self.check_password(password)
        if uid in self.left_over_files:
            raise StateError(INVALID, "Login is invalid because files already exist for this user")
        self.users[uid] = User(uid, password, display_name=display_name, email=email)
        return self.users[uid]

    def check_password(self, password: str) -> None:
        """Raise StateError(POLICY) for a password that the policy refuses."""
        least = self.profile.password_min_length
        if len(password) >= least:
            return
        texts = [f"Password needs to be at least {least} characters long."]
        if len(password) <= 5:
            # Every one that short is on the policy's list.
            texts.insert(0, "Password is among the 1,000,000 most common ones. Please make it unique.")
        raise StateError(POLICY, " ".join(texts))

    def delete_user(self, uid: str) -> None:
        user = self.user(uid)
        self._refuse_protected_user(user.uid, "deleted")
        del self.users[user.uid]
        for group in self.groups.values():
            group.members = [member for member in group.members if member != user.uid]
            group.subadmins = [member for member in group.subadmins if member != user.uid]
        self.sessions = {key: session for key, session in self.sessions.items() if session.uid != user.uid}

    def set_user_enabled(self, uid: str, enabled: bool) -> None:
        user = self.user(uid)
        if not enabled:
            self._refuse_protected_user(user.uid, "disabled")
        user.enabled = enabled

    def groups_of(self, uid: str) -> list[str]:
        return [group.gid for group in self.groups.values() if uid in group.members]

    def subadmin_groups(self, uid: str) -> list[str]:
        """In the order in which they were granted, as Nextcloud lists them."""
        gids = [group.gid for group in self.groups.values() if uid in group.subadmins]
        return sorted(gids, key=lambda gid: self._granted.get((gid, uid), 0))

    def is_admin(self, uid: str) -> bool:
        return uid in self.groups["admin"].members

    # Groups; ids are case-sensitive (NC §1.3)

    def group(self, gid: str) -> Group:
        if gid not in self.groups:
            raise StateError(MISSING, "group not found")
        return self.groups[gid]

    def create_group(self, gid: str, display_name: str = "") -> Group:
        if not gid:
            raise StateError(INVALID, "Invalid group name")
        if gid in self.groups:
            raise StateError(EXISTS, f'Group "{gid}" already exists.')
        self.groups[gid] = Group(gid, display_name)
        return self.groups[gid]

    def delete_group(self, gid: str) -> None:
        self.group(gid)
        if gid == "admin":
            raise StateError(REFUSED, 'Group "admin" could not be deleted')
        self._refuse_protected_group(gid)
        del self.groups[gid]
        for folder in self.folders.values():
            folder.groups.pop(gid, None)
            folder.manage = [entry for entry in folder.manage if (entry.type, entry.id) != ("group", gid)]

    def add_member(self, gid: str, uid: str) -> None:
        """Repeatable. A group that only a directory service knows takes nobody, and says nothing (owncloud/core#25224)."""
        group, user = self.group(gid), self.user(uid)
        if "Database" in group.backends and user.uid not in group.members:
            group.members.append(user.uid)

    def remove_member(self, gid: str, uid: str) -> None:
        """Repeatable."""
        group, user = self.group(gid), self.user(uid)
        group.members = [member for member in group.members if member != user.uid]

    def add_subadmin(self, gid: str, uid: str) -> None:
        """Repeatable."""
        group, user = self.group(gid), self.user(uid)
        if gid == "admin":
            raise StateError(REFUSED, "Cannot create sub-admins for admin group")
        if user.uid not in group.subadmins:
            group.subadmins.append(user.uid)
            self._granted[gid, user.uid] = max(self._granted.values(), default=0) + 1

    def remove_subadmin(self, gid: str, uid: str) -> None:
        group, user = self.group(gid), self.user(uid)
        if user.uid not in group.subadmins:
            raise StateError(REFUSED, "User is not a sub-admin of this group")
        group.subadmins.remove(user.uid)
        self._granted.pop((gid, user.uid), None)

    # Tokens

    def add_token(
        self,
        uid: str,
        name: str,
        *,
        symbols: bool = False,
        length: int = 72,
        type: int = PERMANENT,
        login_password: str | None = None,
    ) -> Token:
        """A new application password; `symbols` puts every ASCII symbol in, as the integration does (NC §3.1)."""
        user = self.user(uid)
        value = random_text(ALNUM + SYMBOLS, length, SYMBOLS) if symbols else random_text(ALNUM, length)
        token = Token(self.next_token_id, name, value, type, login_password, last_activity=int(time.time()))
        self.next_token_id += 1
        (user.tokens if type == PERMANENT else user.devices).append(token)
        return token

    def delete_token(self, uid: str, token_id: int) -> None:
        user = self.user(uid)
        if token_id not in [token.id for token in user.all_tokens]:
            raise StateError(MISSING, "Token does not exist")
        user.tokens = [token for token in user.tokens if token.id != token_id]
        user.devices = [token for token in user.devices if token.id != token_id]

    def authenticate(self, login: str, secret: str) -> tuple[User, Token | None] | None:
        """The user and, when `secret` is an application password, its token; None for wrong credentials."""
        user = self.find_user(login)
        if user is None:
            return None
        for token in user.tokens:
            if token.value == secret:
                token.last_activity = int(time.time())
                return user, token
        return (user, None) if user.password == secret else None

    def needs_second_factor(self, user: User) -> bool:
        """Whether a login with the password alone is none; groups that are named rule over those excluded."""
        groups = set(self.groups_of(user.uid))
        if self.two_factor_groups:
            enforced = bool(groups & set(self.two_factor_groups))
        else:
            enforced = not groups & set(self.two_factor_excluded)
        return user.two_factor or (self.two_factor_enforced and enforced)

    def record_login(self, user: User) -> None:
        user.last_login = int(time.time())
        user.first_login = user.first_login or user.last_login

    # Apps

    def put_on_disk(self, app: str, version: str) -> None:
        """The files of an app that does not come with the server."""
        names = {GROUPFOLDERS: self.profile.groupfolders_name, INTEGRATION: "OpenProject Integration"}
        types = "filesystem,dav" if app == GROUPFOLDERS else ""
        self.apps[app] = App(app, version, name=names.get(app, app), types=types)

    def app_enabled(self, app: str, uid: str | None = None) -> bool:
        """Whether an app runs; with `uid` also whether a limit to groups leaves that user in."""
        groups = self.app_groups(app)
        if groups is None:
            return app in self.apps and self.app_value(app, "enabled") == "yes"
        return app in self.apps and (uid is None or bool(set(groups) & set(self.groups_of(uid))))

    def app_groups(self, app: str) -> list[str] | None:
        """The groups that an enabled app is limited to, None when it is not limited (or not enabled)."""
        value = self.app_value(app, "enabled") or "no"
        return None if value in ("yes", "no") else list(json.loads(value))

    def enable_app(self, app: str, groups: Iterable[str] = ()) -> None:
        """Switch an app on that is on disk; its first start writes the app's own rows."""
        if app == INTEGRATION and not self.app_value(app, "installed_version"):
            for key in ("openproject_instance_url", "openproject_client_id", "openproject_client_secret"):
                self.set_app_value(app, key, self.app_value(app, key) or "")
            self.set_app_value(app, "fresh_project_folder_setup", "1")
        wanted = list(groups)
        self._write_app_rows(app, json.dumps(wanted, separators=(",", ":")) if wanted else "yes")

    def disable_app(self, app: str) -> None:
        self.set_app_value(app, "enabled", "no")

    def outdated_apps(self) -> list[str]:
        """Enabled apps whose version on disk is not the installed one (NC §5.1)."""
        return [
            app
            for app, on_disk in self.apps.items()
            if self.app_enabled(app) and self.app_value(app, "installed_version") != on_disk.version
        ]

    @property
    def needs_upgrade(self) -> bool:
        return self.server_needs_upgrade or bool(self.outdated_apps())

    @property
    def installed(self) -> bool:
        return bool(self.system.get("installed", True))

    @property
    def maintenance(self) -> bool:
        return bool(self.system.get("maintenance"))

    @maintenance.setter
    def maintenance(self, on: bool) -> None:
        self.system["maintenance"] = on

    # App values

    def app_value(self, app: str, key: str) -> str | None:
        row = self.app_config.get(app, {}).get(key)
        return row.value if row else None

    def set_app_value(self, app: str, key: str, value: str) -> None:
        """Write as an app does: untyped. A row that somebody gave a type refuses that (NC §1.3)."""
        row = self.app_config.setdefault(app, {}).get(key)
        if row is None:
            self.app_config[app][key] = ConfigValue(value)
        elif row.type != TYPES["mixed"]:
            name = next(name for name, number in TYPES.items() if number == row.type)
            raise StateError(TYPE_CONFLICT, f"conflict between new type (mixed) and old type ({name})")
        else:
            row.value = value

    def delete_app_value(self, app: str, key: str) -> None:
        """Repeatable."""
        self.app_config.get(app, {}).pop(key, None)

    # OAuth clients

    def create_oauth_client(self, name: str, redirect_uri: str) -> OAuthClient:
        client = OAuthClient(
            self.next_oauth_client_id, name, redirect_uri, random_text(ALNUM, 64), random_text(ALNUM, 64)
        )
        self.oauth_clients[client.id] = client
        self.next_oauth_client_id += 1
        return client

    def delete_oauth_client(self, client_id: int) -> None:
        """Every token that carries the client's name dies with it, whoever owns it (NC §1.5). Repeatable."""
        client = self.oauth_clients.pop(client_id, None)
        if client:
            self.grants = {token: grant for token, grant in self.grants.items() if grant.client != client_id}
            for user in self.users.values():
                user.tokens = [token for token in user.tokens if token.name != client.name]

    def consent(self, client_id: int, uid: str) -> str:
        """A user lets a client act for him; returns the code. His token is there at once, and nobody knows it yet (seen on 29.0.6)."""
        code = random_text(ALNUM, 128)
        token = self.add_token(uid, self.oauth_clients[client_id].name)
        self.grants[code] = Grant(client_id, self.user(uid).uid, token.id)
        return code

    def deliver(self, presented: str) -> tuple[str, str] | None:
        """Exchange a code or a refresh token; returns access token and refresh token, None when the user's token is gone."""
        grant = self.grants.pop(presented)
        token = next((token for token in self.user(grant.uid).tokens if token.id == grant.token), None)
        if token is None:
            return None
        token.value, refresh = random_text(ALNUM, 72), random_text(ALNUM, 128)
        grant.delivered = True
        self.grants[refresh] = grant
        return token.value, refresh

    def grant(self, client_id: int, uid: str) -> str:
        """A user lets a client act for him, and the client has exchanged the code; returns its refresh token."""
        delivered = self.deliver(self.consent(client_id, uid))
        assert delivered is not None, "the token was just made"
        return delivered[1]

    def token_owner(self, value: str) -> tuple[User, Token] | None:
        """Whose token this is."""
        found = ((user, token) for user in self.users.values() for token in user.tokens if token.value == value)
        return next(found, None)

    # Group folders

    def folder(self, folder_id: int) -> GroupFolder:
        if folder_id not in self.folders:
            raise StateError(MISSING, f"Folder not found: {folder_id}")
        return self.folders[folder_id]

    def create_folder(self, mount_point: str) -> GroupFolder:
        name = mount_point.strip("/") or mount_point
        if self.profile.refuses_second_mount_point:
            if not name:
                name = "/"
            self._refuse_taken_mount_point(name)
        folder = GroupFolder(self.next_folder_id, name, root_file_id=self.new_file_id())
        self.folders[folder.id] = folder
        self.next_folder_id += 1
        return folder

    def new_file_id(self) -> int:
        self.next_file_id += 1
        return self.next_file_id

    def rename_folder(self, folder_id: int, mount_point: str) -> None:
        folder = self.folder(folder_id)
        if self.profile.refuses_second_mount_point and mount_point != folder.mount_point:
            self._refuse_taken_mount_point(mount_point)
        folder.mount_point = mount_point

    def delete_folder(self, folder_id: int) -> None:
        self.folder(folder_id)
        del self.folders[folder_id]

    def assign_group(self, folder_id: int, gid: str) -> None:
        """Give a group the folder with all permissions; unknown groups are accepted (NC §4.3)."""
        folder = self.folder(folder_id)
        if gid in folder.groups:
            raise StateError(EXISTS, "Group already assigned to this Groupfolder")
        folder.groups[gid] = 31

    def set_folder_acl(self, folder_id: int, on: bool) -> None:
        """Switching advanced permissions off also deletes who manages them (NC §3.3)."""
        folder = self.folder(folder_id)
        if not on:
            folder.manage = []
        folder.acl = on

    def set_folder_manager(
        self, folder_id: int, kind: str, identifier: str, manages: bool, *, check_acl: bool = True
    ) -> None:
        """Adding the same manager twice raises StateError(EXISTS): a database error in Nextcloud (NC §4.2)."""
        folder = self.folder(folder_id)
        if check_acl and not folder.acl and manages:
            raise StateError(NO_ACL, f"Advanced permissions not enabled for folder: {folder_id}")
        present = [entry for entry in folder.manage if (entry.type, entry.id) == (kind, identifier)]
        if manages and present:
            raise StateError(EXISTS, "UNIQUE constraint failed: group_folders_manage")
        if manages:
            folder.manage.append(Manage(kind, identifier))
        else:
            folder.manage = [entry for entry in folder.manage if entry not in present]

    def visible_managers(self, folder: GroupFolder) -> list[dict[str, str]]:
        """Managers that still exist, as lists show them (NC §4.1): users in the account's spelling, not in the rule's (seen on 29.0.6)."""
        shown = []
        for entry in folder.manage:
            holder: User | Group | None
            holder = self.find_user(entry.id) if entry.type == "user" else self.groups.get(entry.id)
            if holder:
                own = holder.uid if isinstance(holder, User) else holder.gid
                shown.append({"type": entry.type, "id": own, "displayname": holder.name})
        return shown

    def group_details(self, folder: GroupFolder) -> dict[str, dict[str, Any]]:
        return {
            gid: {
                "displayName": self.groups[gid].name if gid in self.groups else gid,
                "permissions": permissions,
                "type": "group",
            }
            for gid, permissions in folder.groups.items()
        }

    def default_permission(self, folder: GroupFolder) -> dict[str, bool]:
        """What lists show of it, where the app knows it."""
        if not self.profile.lists_default_permission:
            return {}
        return {"acl_default_no_permission": not folder.default_permission}

    def permissions_on(self, folder: GroupFolder, path: str, uid: str) -> int:
        """What the account may do there: what its groups may, less what the rules on the way deny; one that allows is enough."""
        holders = [{"type": "user", "id": uid}, *({"type": "group", "id": gid} for gid in self.groups_of(uid))]
        of_groups = 0
        for gid in self.groups_of(uid):
            of_groups |= folder.groups.get(gid, 0)
        if not folder.acl:
            return of_groups
        allowed = of_groups if folder.default_permission else 0
        parts = [part for part in path.split("/") if part]
        for depth in range(len(parts) + 1):
            mask = granted = 0
            for rule in folder.rules_at("/".join(parts[:depth])):
                if rule["mapping"] in holders:
                    mask |= rule["mask"]
                    granted |= rule["permissions"] & rule["mask"]
            allowed = allowed & ~mask | granted
        return allowed & of_groups

    def manages_acl(self, folder: GroupFolder, uid: str) -> bool:
        groups = self.groups_of(uid)
        return any(entry.id == uid if entry.type == "user" else entry.id in groups for entry in folder.manage)

    # What the integration app protects while it is enabled (NC §3.5)

    def _refuse_protected_user(self, uid: str, deed: str) -> None:
        if uid == OPENPROJECT and self.app_enabled(INTEGRATION):
            # Both listeners of the app break their lines at different places.
            gap = "the app" if deed == "deleted" else "the\n\t\t\t\tapp"
            indent = "\t\t\t" if deed == "deleted" else "\t\t\t\t"
            raise StateError(
                PROTECTED,
                f'<p>&nbsp;User "{uid}" is needed to be protected by {gap} "OpenProject Integration", '
                f"thus cannot be {deed}.\n{indent}Please check the "
                f'<a style="color:var(--color-primary-default)" href="{TROUBLESHOOTING}"\n{indent}target="_blank">'
                "<u>troubleshooting guide</u></a> for further information.</p>",
            )

    def _refuse_protected_group(self, gid: str) -> None:
        if gid in (OPENPROJECT, SECOND_GROUP) and self.app_enabled(INTEGRATION):
            raise StateError(
                PROTECTED,
                f"<p>&nbsp;Group '{gid}' is needed to be protected by the app 'OpenProject Integration', thus cannot "
                f"be deleted. Please check the <a href='{TROUBLESHOOTING}' target='_blank'><u>troubleshooting guide"
                "</u></a> for further information.</p>",
            )

    def _refuse_taken_mount_point(self, name: str) -> None:
        if any(folder.mount_point == name for folder in self.folders.values()):
            raise StateError(EXISTS, f"A Folder with the name {name} already exists")

    def _write_app_rows(self, app: str, enabled: str = "yes") -> None:
        self.set_app_value(app, "installed_version", self.apps[app].version)
        self.set_app_value(app, "enabled", enabled)
        self.set_app_value(app, "types", self.apps[app].types)
