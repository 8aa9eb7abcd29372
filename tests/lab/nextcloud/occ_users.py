# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""occ: users and their application passwords (NC §5.2)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from lab.nextcloud.occ_core import Console, OccError, Stop, command
from lab.nextcloud.state import ALNUM, PROTECTED, StateError, User
from lab.plumbing import random_text

FIRST_NC_PASS_EVERYWHERE = 31
"""From this version on every command reads NC_PASS, then OC_PASS; before, each knew only one (server#53616)."""
FIRST_FIRST_SEEN = 30
FIRST_NAMED_TOKENS = 34
"""From this version on (33, by its sources) an application password can be named, and no answer is no password."""
EPOCH = datetime.fromtimestamp(0, UTC)
STORAGE = {"free": 80000000000, "used": 20174294, "total": 80020174294, "relative": 0.03, "quota": -3}
LIMITED = (
    "No password provided. The generated app password will therefore have limited capabilities. Any operation that "
    "requires the login password will fail."
)


def password_from_environment(console: Console, variable_before: str) -> str:
    """The password that `--password-from-env` means. An inherited NC_PASS wins silently."""
    everywhere = console.profile.major >= FIRST_NC_PASS_EVERYWHERE
    names = ("NC_PASS", "OC_PASS") if everywhere else (variable_before,)
    for name in names:
        if console.environment.get(name):
            return console.environment[name]
    raise console.fail(f"--password-from-env given, but {'/'.join(names)} is empty!")


@command(
    *("user:add", "uid", "--password-from-env", "--generate-password", "--display-name=?"),
    *("-g|--group=?*", "--email="),
)
def add(console: Console) -> int:
    """Groups that do not exist are made; a bad address fails with the user made."""
    uid, state = console.argument("uid"), console.state
    if state.find_user(uid):
        raise console.fail(f'The account "{uid}" already exists.')
    if console.option("password-from-env"):
        password = password_from_environment(console, "OC_PASS")
    elif console.option("generate-password"):
        password = random_text(ALNUM, 20)
    else:
        password = _asked(console)
    if not uid.strip():
        raise console.fail("A valid Login must be provided")
    try:
        user = state.create_user(uid, password)
    except StateError as error:
        raise console.fail(error.message) from error
    console.line(f'The account "{uid}" was created successfully')
    if console.option("display-name"):
        user.display_name = str(console.option("display-name"))
        console.line(f'Display name set to "{user.display_name}"')
    for gid in console.option("group") or []:
        if gid not in state.groups:
            state.create_group(gid)
            console.line(f'Created group "{gid}"')
        state.add_member(gid, uid)
        console.line(f'Account "{uid}" added to group "{gid}"')
    return _set_email(console, user)


def _asked(console: Console) -> str:
    if not console.interactive:
        raise console.fail(
            "Interactive input or --password-from-env or --generate-password is needed for setting a password!"
        )
    first = console.ask("Enter password: ", hidden=True)
    if not first and console.profile.major < FIRST_NAMED_TOKENS:
        raise OccError("Aborted.")
    second = console.ask("Confirm password: ", hidden=True)
    if not first:
        console.err.append("\n")
        raise console.fail("A valid password must be provided")
    if second is None:
        raise OccError("Aborted.")
    if first != second:
        raise console.fail("Passwords did not match!")
    return first


def _set_email(console: Console, user: User) -> int:
    email = console.option("email")
    if not email:
        return 0
    if "@" not in email:
        console.line(f'The given email address "{email}" is invalid. Email not set for the user.')
        return 1
    user.email = email
    if console.option("generate-password"):
        console.line(f"Welcome email sent to {email}")
    return 0


@command("user:info", "user", "--output=?", writes=False)
def info(console: Console) -> None:
    """Finds a user without regard to case and shows the id as it is."""
    console.write(_described(console, _user(console, "user", "user not found"), with_storage=True))


@command(
    *("user:list", "-d|--disabled", "-l|--limit=?", "-o|--offset=?", "--output=?", "-i|--info"),
    writes=False,
)
def list_users(console: Console) -> None:
    """By display name."""
    users = sorted(console.state.users.values(), key=lambda user: user.name.casefold())
    if console.option("disabled"):
        users = [user for user in users if not user.enabled]
    users = section(console, users)
    if console.option("info"):
        console.write({user.uid: _described(console, user, with_storage=False) for user in users})
    else:
        console.write({user.uid: user.name for user in users})


def section(console: Console, rows: list[Any]) -> list[Any]:
    """What `--limit` and `--offset` leave."""
    offset = int(console.option("offset") or 0)
    return rows[offset : offset + int(console.option("limit") or 500)]


def _described(console: Console, user: User, *, with_storage: bool) -> dict[str, Any]:
    state = console.state
    address = str(state.system.get("overwrite.cli.url", "http://localhost")).removeprefix("https://").rstrip("/")
    storage = {"storage": (STORAGE if user.first_login else [])} if with_storage else {}
    newer = console.profile.major >= FIRST_FIRST_SEEN
    first_seen = {"first_seen": _moment(user.first_login, newer)} if newer else {}
    return {
        "user_id": user.uid,
        "display_name": user.name,
        "email": user.email,
        "cloud_id": f"{user.uid}@{address}",
        "enabled": user.enabled,
        "groups": state.groups_of(user.uid),
        "quota": user.quota,
        **storage,
        **first_seen,
        "last_seen": _moment(user.last_login, newer),
        "user_directory": f"{state.system['datadirectory']}/{user.uid}",
        "backend": user.backend,
    }


def _moment(seconds: int, says_never: bool) -> str:
    if not seconds and says_never:
        return "never"
    return datetime.fromtimestamp(seconds, UTC).isoformat()


@command("user:enable", "uid")
def enable(console: Console) -> None:
    """Repeatable."""
    console.state.set_user_enabled(_user(console, "uid", "User does not exist").uid, True)
    console.line("The specified user is enabled")


@command("user:disable", "uid")
def disable(console: Console) -> None:
    """Repeatable; the integration app protects its user (NC §3.5)."""
    user = _user(console, "uid", "User does not exist")
    try:
        console.state.set_user_enabled(user.uid, False)
    except StateError as error:
        raise protected(error, "UserChangedListener.php line 50") from error
    console.line("The specified user is disabled")


@command("user:delete", "uid")
def delete(console: Console) -> None:
    """An unknown user is no failure."""
    user = _user(console, "uid", "User does not exist", code=0)
    try:
        console.state.delete_user(user.uid)
    except StateError as error:
        raise protected(error, "BeforeUserDeletedListener.php line 43") from error
    console.line("The specified user was deleted")


def protected(error: StateError, place: str) -> OccError:
    """The exception of the integration app's listener: code 400, of which the shell sees 255."""
    return OccError(error.message, place, 400 if error.reason == PROTECTED else 1)


@command("user:resetpassword", "user", "--no-password", "--password-from-env")
def reset_password(console: Console) -> None:
    """NC §5.2."""
    user = _user(console, "user", "User does not exist")
    if not console.option("password-from-env"):
        raise console.fail("Interactive input or --password-from-env is needed for entering a new password!")
    password = password_from_environment(console, "OC_PASS")
    try:
        console.state.check_password(password)
    except StateError as error:
        raise console.fail(error.message) from error
    user.password = password
    console.line(f"Successfully reset password for {user.uid}")


# Application passwords


@command(
    "user:auth-tokens:add",
    "user",
    "--password-from-env",
    f"{FIRST_NAMED_TOKENS}@--name=",
    alias="user:add-app-password",
)
def add_token(console: Console) -> None:
    """The login password is not verified; without one the token can do less (server#31687)."""
    user = _user(console, "user", "Account does not exist")
    password: str | None
    if console.option("password-from-env"):
        password = password_from_environment(console, "NC_PASS")
    elif console.interactive:
        password = console.ask("Enter the account password: ", hidden=True)
        if password is None and console.profile.major < FIRST_NAMED_TOKENS:
            raise OccError("Aborted.")
    else:
        password = None
    if not password:
        console.line(LIMITED)
    name = str(console.option("name") or "cli")
    token = console.state.add_token(user.uid, name, login_password=password or None)
    console.line("app password:")
    console.line(token.value)


@command("user:auth-tokens:list", "user", "--output=?", writes=False)
def list_tokens(console: Console) -> None:
    """Type 1 is permanent, 0 temporary."""
    user = _user(console, "user", "user not found")
    if console.option("output") in ("json", "json_pretty"):
        console.write(
            [
                {
                    "id": token.id,
                    "name": token.name,
                    "lastActivity": token.last_activity,
                    "type": token.type,
                    "scope": token.scope,
                }
                for token in user.all_tokens
            ]
        )
        return
    console.table(
        ("id", "name", "lastActivity", "type", "scope"),
        [
            (
                str(token.id),
                token.name,
                datetime.fromtimestamp(token.last_activity, UTC).isoformat(),
                "permanent" if token.type else "temporary",
                ",".join(name for name, allowed in token.scope.items() if allowed),
            )
            for token in user.all_tokens
        ],
    )


@command("user:auth-tokens:delete", "uid", "id?", "--last-used-before=", f"{FIRST_NAMED_TOKENS}@--cancel-wipe")
def delete_token(console: Console) -> None:
    """By id, or all that were last used before a moment."""
    user = _user(console, "uid", "user not found")
    before = console.option("last-used-before")
    if before:
        limit = datetime.fromisoformat(before).replace(tzinfo=UTC).timestamp()
        user.tokens = [token for token in user.tokens if token.last_activity >= limit]
        user.devices = [token for token in user.devices if token.last_activity >= limit]
        return
    number = console.argument("id")
    if not number:
        raise OccError("Option --last-used-before or argument id is required")
    try:
        console.state.delete_token(user.uid, int(number))
    except StateError as error:
        line = 103 if console.profile.major >= FIRST_FIRST_SEEN else 119
        raise OccError("token does not exist", f"PublicKeyTokenMapper.php line {line}") from error


def _user(console: Console, argument: str, otherwise: str, code: int = 1) -> User:
    user = console.state.find_user(console.argument(argument))
    if user is None:
        console.line(otherwise)
        raise Stop(code)
    return user


@command("user:setting", "uid", "app?", "key?", "value?", "--output=?", "--default-value=", "--delete")
def setting(console: Console) -> None:
    """Values that apps keep for a user: list, show, write, delete."""
    uid = console.argument("uid")
    user = console.state.find_user(uid)
    if user is None:
        raise console.fail(f'The user "{uid}" does not exist.')
    app, key = console.argument("app"), console.argument("key")
    own = user.settings.get(app, {})
    if not key:
        console.write({name: rows for name, rows in user.settings.items() if not app or name == app})
    elif console.option("delete"):
        own.pop(key, None)
    elif "value" in console.input.arguments:
        user.settings.setdefault(app, {})[key] = console.argument("value")
    elif key in own:
        console.line(own[key])
    else:
        raise console.fail(f'The setting does not exist for user "{user.uid}".')
