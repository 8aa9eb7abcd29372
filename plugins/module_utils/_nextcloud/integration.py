# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nextcloud's app OpenProject Integration: the Nextcloud side of a link."""

from __future__ import annotations

import re
import time
import typing as t
from dataclasses import dataclass, field, replace

from .._core.errors import ApiError, Refused, TransportError
from .._http.address import Address
from .client import Nextcloud

#: an app that occ has just enabled answers 404 for a moment (design §5.1)
SECONDS_TO_APPEAR = 5.0
OAUTH = "oauth2"
#: kind of identity provider: Nextcloud itself
HUB = "nextcloud_hub"
#: keys of the admin page's initial state that decide what is written (NC §8)
NEEDED_KEYS = (
    "openproject_instance_url",
    "openproject_client_id",
    "openproject_client_secret",
    "nc_oauth_client",
    "authorization_method",
    "fresh_project_folder_setup",
    "default_enable_navigation",
    "default_enable_unified_search",
    "project_folder_info",
    "app_password_set",
)
USER = "OpenProject"


@dataclass(frozen=True)
class SingleSignOnApp:
    """What the app's page tells of another app that single sign-on needs; one that is missing shows as disabled.

    :param minimum_version: the version from which on it is supported; empty where the page does not say.
    """

    enabled: bool = False
    supported: bool = True
    minimum_version: str = ""


@dataclass(frozen=True)
class SingleSignOn:
    """What the admin page tells of the other authentication method, which this collection looks at but does not set up.

    :param provider: name of the provider that the app is told to use.
    :param providers: names of those that the app user_oidc knows; ``None`` when the page does not say.
    :param hub: Nextcloud is its own identity provider, through the app oidc.
    :param audience: OpenProject's client id at the provider; ``None`` where none is needed.
    """

    provider: str = ""
    providers: tuple[str, ...] | None = None
    user_oidc: SingleSignOnApp = SingleSignOnApp()
    oidc: SingleSignOnApp = SingleSignOnApp()
    hub: bool = False
    audience: str | None = None


@dataclass(frozen=True)
class NextcloudSettings:
    """What the integration app knows, from C(check-admin-config) and the admin page (NC §8).

    :param app: the app is there and enabled; when not, everything else is as on a fresh Nextcloud.
    :param complete: the app calls itself complete, project folders left out of account; it looks at ids, not at what they point to (NC §2).
    :param mended: the app called itself incomplete, and reading its admin page has mended the empty authentication method (NC §9).
    :param openproject_client_secret: in clear; never shown, compared only with nothing.
    :param client_id: the OAuth client's 64-character id; C(None) when there is none, or when the app points to a deleted one.
    :param fresh: both C(setup_*) keys were never sent since installation or reset (NC §2).
    :param folders: the app finds user, group, rights and group folder right; it looks neither at the second group nor whether the user is enabled (NC §3.2).
    :param application_password: Nextcloud has a token named for project folders.
    """

    app: bool = True
    complete: bool = False
    mended: bool = False
    openproject_url: str = ""
    openproject_client_id: str = ""
    openproject_client_secret: str = field(default="", repr=False)
    client_id: str | None = None
    redirect_uri: str = ""
    authorization_method: str = ""
    fresh: bool = True
    default_enable_navigation: bool = False
    default_enable_unified_search: bool = False
    folders: bool = False
    application_password: bool = False
    group_folders_app: bool = False
    encryption: bool = False
    group_folder_encryption: bool = False
    terms_signed: bool = True
    single_sign_on: SingleSignOn = SingleSignOn()

    @property
    def linked(self) -> bool:
        """Whether it points to an OpenProject with a client of that OpenProject."""
        return bool(self.openproject_url and self.openproject_client_id)

    @property
    def dangling(self) -> bool:
        """Whether the app probably points to an OAuth client that somebody deleted: a PATCH would answer 500 (NC §1.3, §9)."""
        return self.client_id is None and bool(self.openproject_url or self.openproject_client_id)

    @property
    def untouched(self) -> bool:
        """Whether nothing of a link is left in it."""
        return not (
            self.openproject_url or self.openproject_client_id or self.openproject_client_secret or self.client_id
        )


@dataclass(frozen=True)
class SetUpAnswer:
    """What a write to the app handed out. Secrets come this once (NC §1.4)."""

    client_id: str | None
    client_secret: str | None = field(repr=False)
    application_password: str | None = field(repr=False)


def setup_values(
    settings: NextcloudSettings,
    *,
    url: Address,
    credentials: tuple[str, str] | None,
    toggles: t.Mapping[str, bool | None],
    set_up_folders: bool,
    renew_password: bool,
    password_reason: str,
) -> tuple[dict[str, t.Any], list[str]]:
    """One PATCH of C(/setup) with all that differs (NC §1.3, §1.5), and the reasons for it.

    :param credentials: client id and secret of OpenProject's OAuth application, when they are to be entered.
    :param toggles: the two defaults for users; C(None) leaves one alone.
    """
    values: dict[str, t.Any] = {}
    reasons: list[str] = []
    if not url.is_same(settings.openproject_url):
        values["openproject_instance_url"] = str(url)
        found = f"its address of OpenProject is {settings.openproject_url}"
        reasons.append(found if settings.openproject_url else "it has no address of OpenProject")
    if credentials is not None:
        # always both: with one of them the app forgets all users' tokens without revoking them (NC §1.5)
        values["openproject_client_id"], values["openproject_client_secret"] = credentials
        reasons.append("OpenProject's OAuth application is another than it knows")
    if credentials is not None or settings.authorization_method != OAUTH:
        # without it a PATCH after a reset leaves the app incomplete (NC §9)
        values["authorization_method"] = OAUTH
    if settings.authorization_method != OAUTH:
        reasons.append(f"its authentication method is {settings.authorization_method or 'not set'}")
    for key, requested in toggles.items():
        if requested is not None and requested != getattr(settings, key):
            values[key] = requested
            reasons.append(f"{key} is {str(getattr(settings, key)).lower()}")
    if renew_password or settings.fresh:
        values["setup_project_folder"] = set_up_folders
        values["setup_app_password"] = renew_password
        reasons.append(password_reason or "it was never told whether it has project folders")
    return values, reasons


def setup_text(values: t.Mapping[str, t.Any]) -> str:
    """What a PATCH of C(/setup) does, in an administrator's words."""
    words = {
        "openproject_instance_url": "the address of OpenProject",
        "openproject_client_secret": "client id and secret of OpenProject's OAuth application",
        "authorization_method": "the authentication method",
        "default_enable_navigation": "the navigation link",
        "default_enable_unified_search": "unified search",
    }
    entered = [text for key, text in words.items() if key in values]
    parts = [f"enter {', '.join(entered)}"] if entered else []
    if values.get("setup_project_folder"):
        parts.append("set up user, groups, group folder and application password for project folders")
    elif values.get("setup_app_password"):
        parts.append("make a new application password for project folders")
    return "; ".join(parts) or "say that there are no project folders"


class Integration:
    """The app OpenProject Integration of one Nextcloud."""

    def __init__(self, client: Nextcloud, sleep: t.Callable[[float], None] = time.sleep) -> None:
        self.client, self._sleep = client, sleep

    def read(self) -> NextcloudSettings:
        """The app's state, in two requests.

        ``check-admin-config`` comes first, because reading the page can write (NC §9).
        """
        check = self._check_admin_config()
        if check is None:
            return NextcloudSettings(app=False)
        settings = self.read_page()
        complete = bool(check.get("config_status_without_project_folder"))
        whole = settings.linked and settings.openproject_client_secret and settings.client_id and not settings.fresh
        mended = bool(whole) and settings.authorization_method == OAUTH and not complete
        return replace(settings, complete=complete, mended=mended)

    def read_page(self) -> NextcloudSettings:
        """The state from the admin page alone, in one request."""
        state = self.client.admin_state()
        missing = [key for key in NEEDED_KEYS if key not in state]
        if missing:
            version = self.versions()[1]
            raise Refused(
                f"the settings of OpenProject Integration {'.'.join(map(str, version))} lack {', '.join(missing)}",
                server=self.client.server,
                remedy="This version of the app is not one that the collection knows",
                cause="settings",
            )
        client = state["nc_oauth_client"] or {}
        encryption = state.get("encryption_info") or {}
        return NextcloudSettings(
            openproject_url=state["openproject_instance_url"] or "",
            openproject_client_id=state["openproject_client_id"] or "",
            openproject_client_secret=state["openproject_client_secret"] or "",
            client_id=client.get("nextcloud_client_id"),
            redirect_uri=client.get("openproject_redirect_uri") or "",
            authorization_method=state["authorization_method"] or "",
            fresh=bool(state["fresh_project_folder_setup"]),
            default_enable_navigation=bool(state["default_enable_navigation"]),
            default_enable_unified_search=bool(state["default_enable_unified_search"]),
            folders=bool((state["project_folder_info"] or {}).get("status")),
            application_password=bool(state["app_password_set"]),
            group_folders_app=bool(((state.get("apps") or {}).get("groupfolders") or {}).get("enabled", True)),
            encryption=bool(encryption.get("server_side_encryption_enabled")),
            group_folder_encryption=bool(encryption.get("encryption_enabled_for_groupfolders")),
            terms_signed=bool(state.get("all_terms_of_services_signed", True)),
            single_sign_on=_single_sign_on(state),
        )

    def patch(self, values: t.Mapping[str, t.Any], *, attempted: str) -> SetUpAnswer:
        """PATCH C(/setup): writes the given values and leaves the others alone (NC §1.3, §1.5)."""
        return self._answer(self.client.app("PATCH", "/setup", json={"values": dict(values)}, attempted=attempted))

    def new_client(self) -> SetUpAnswer:
        """Replace the OAuth client. Every user must let OpenProject in again (NC §1.5); heals one that was deleted."""
        return self._answer(
            self.client.app("POST", "/nc-oauth", token=True, attempted="make a new OAuth client for OpenProject")
        )

    def reset(self) -> None:
        """Empty the app's settings; user, groups, group folder and application password stay (NC §1.5)."""
        self.client.app("DELETE", "/setup", attempted="reset OpenProject Integration")

    def probe(self, url: str) -> tuple[t.Any, str]:
        """Whether Nextcloud itself accepts an address as that of an OpenProject (NC §1.4). Writes nothing.

        :returns: C(True) or a word such as C(invalid), and details.
        """
        data = self.client.app(
            "POST",
            "/is-valid-op-instance",
            json={"url": url},
            token=True,
            attempted="let Nextcloud look at OpenProject",
        )
        return data.get("result"), str(data.get("details") or "")

    def passes_authorization(self) -> bool:
        """Whether the web server hands the Authorization header on; OpenProject asks the same when it saves (OP §5).

        Sent without credentials: the route echoes them (NC §1.4).
        """
        data = self.client.app(
            "GET",
            "/check-config",
            authorization="foo",
            attempted="see whether the Authorization header arrives",
        )
        return bool(data.get("authorization_header") == "foo")

    def user_document(self) -> dict[str, t.Any] | None:
        """The account OpenProject: the only read that shows whether it is enabled, its groups and what it administers (design §5.1)."""
        try:
            data = self.client.ocs("GET", f"/ocs/v2.php/cloud/users/{USER}", attempted=f"read the account {USER}")
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        return data if isinstance(data, dict) else None

    def versions(self) -> tuple[int, tuple[int, ...], str]:
        """Nextcloud's major version, the integration app's version and the group folders app's version as text, empty when it is not there."""
        return versions_of(self.client.capabilities())

    def _check_admin_config(self) -> dict[str, t.Any] | None:
        """The app's own verdict, or C(None) when the app is not there."""
        waited = 0.0
        while True:
            try:
                data = self.client.app(
                    "GET", "/check-admin-config", attempted="read the state of OpenProject Integration"
                )
                return t.cast("dict[str, t.Any]", data)
            except (ApiError, TransportError) as error:
                # a web server may put a page of its own over Nextcloud's empty 404; 34 answers 412 to whom the app is limited
                if error.facts.get("status") == 412 and "CSRF" not in error.answer:
                    return None
                if error.facts.get("status") != 404:
                    raise
            if waited >= SECONDS_TO_APPEAR:
                return None
            self._sleep(1.0)
            waited += 1.0

    def _answer(self, data: t.Mapping[str, t.Any]) -> SetUpAnswer:
        return SetUpAnswer(
            client_id=data.get("nextcloud_client_id"),
            client_secret=data.get("nextcloud_client_secret"),
            application_password=data.get("openproject_user_app_password"),
        )


def versions_of(capabilities: t.Mapping[str, t.Any]) -> tuple[int, tuple[int, ...], str]:
    """The versions in what C(GET /ocs/v2.php/cloud/capabilities) answered, as :meth:`Integration.versions` returns them."""
    major = int(capabilities.get("version", {}).get("major", 0))
    known = capabilities.get("capabilities", {}).get("integration_openproject") or {}
    version = tuple(int(part) for part in re.findall(r"\d+", str(known.get("app_version", "")))[:3])
    group_folders = str(known.get("groupfolder_version", ""))
    return major, version, "" if group_folders in ("0", "") else group_folders


def _single_sign_on(state: t.Mapping[str, t.Any]) -> SingleSignOn:
    providers, settings = state.get("oidc_providers"), state.get("authorization_settings") or {}
    hub = settings.get("sso_provider_type") == HUB
    return SingleSignOn(
        provider=str(settings.get("oidc_provider") or ""),
        providers=tuple(str(name) for name in providers) if isinstance(providers, list) else None,
        user_oidc=_single_sign_on_app(state, "user_oidc"),
        oidc=_single_sign_on_app(state, "oidc"),
        hub=hub,
        # without a provider of its own, it is needed only where the token is exchanged (NC §8, http-sso)
        audience=str(settings.get("targeted_audience_client_id") or "")
        if hub or settings.get("token_exchange")
        else None,
    )


def _single_sign_on_app(state: t.Mapping[str, t.Any], name: str) -> SingleSignOnApp:
    found = (state.get("apps") or {}).get(name) or {}
    # before 2.11 the page tells of user_oidc only, by keys of its own
    return SingleSignOnApp(
        enabled=bool(found.get("enabled", state.get(f"{name}_enabled"))),
        supported=bool(found.get("supported", state.get(f"{name}_supported", True))),
        minimum_version=str(found.get("minimum_version", state.get(f"{name}_minimum_version") or "")),
    )
