# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings that are told from the record of what was observed: what of a complete link is different, and what a reader must learn."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.opnc.integration.plugins.module_utils._core.errors import ApiError, CredentialsError
from ansible_collections.opnc.integration.plugins.module_utils._http.address import Address
from ansible_collections.opnc.integration.plugins.module_utils._link.observed import (
    Observed,
    ObservedNextcloud,
    ObservedOpenProject,
    Question,
)
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.admin import Folder, Group, User
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.integration import (
    NextcloudSettings,
    SingleSignOn,
    SingleSignOnApp,
)
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.project_folders import (
    GROUP,
    GROUPS,
    USER,
    Pieces,
)
from ansible_collections.opnc.integration.plugins.module_utils._openproject.storages import (
    ListedStorage,
    ProjectStorage,
    Storage,
)

CLOUD, PROJECTS = "https://cloud.example.com", "https://projects.example.com"
CLIENT, OTHER_CLIENT = "client-of-openproject", "client-of-nextcloud"
ALL = frozenset(GROUPS)
SETTINGS = NextcloudSettings(
    complete=True,
    openproject_url=PROJECTS,
    openproject_client_id=CLIENT,
    openproject_client_secret="secret-of-openproject",
    client_id=OTHER_CLIENT,
    redirect_uri=f"{PROJECTS}/oauth_clients/{OTHER_CLIENT}/callback",
    authorization_method="oauth2",
    fresh=False,
    folders=True,
    application_password=True,
)
STORAGE = Storage(
    id=1,
    name="Cloud",
    host=f"{CLOUD}/",
    configured=True,
    has_application_password=True,
    client_id=CLIENT,
    redirect_uris=(f"{CLOUD}/index.php/apps/integration_openproject/oauth-redirect",),
    nextcloud_client_id=OTHER_CLIENT,
    sso=False,
)
LISTED = ListedStorage(1, "Cloud", f"{CLOUD}/", True)
FOLDER = Folder(7, "OpenProject", groups={GROUP: 31}, acl=True, managers=frozenset({("user", USER)}))
PIECES = Pieces(User(USER, groups=ALL, group_admin=ALL), {gid: Group(gid) for gid in GROUPS}, (FOLDER,))
WITHOUT_USER = dataclasses.replace(PIECES, user=None)


class Record(t.NamedTuple):
    """The two sides of a record, and changes of them."""

    nextcloud: ObservedNextcloud
    openproject: ObservedOpenProject

    def at_nextcloud(self, **values: t.Any) -> Record:
        return self._replace(nextcloud=dataclasses.replace(self.nextcloud, **values))

    def at_openproject(self, **values: t.Any) -> Record:
        return self._replace(openproject=dataclasses.replace(self.openproject, **values))

    def with_settings(self, **values: t.Any) -> Record:
        return self.at_nextcloud(settings=dataclasses.replace(self.nextcloud.settings or SETTINGS, **values))

    @property
    def observed(self) -> Observed:
        question = Question(
            nextcloud=Address.parse(CLOUD, option="nextcloud_url"),
            openproject=Address.parse(PROJECTS, option="openproject_url"),
            project_folders=True,
        )
        return Observed(question, self.nextcloud, self.openproject)


RECORD = Record(
    ObservedNextcloud(
        version="34.0.1",
        major=34,
        app_version=(3, 1, 1),
        group_folders_version="22.0.6",
        group_folders_enabled=True,
        group_folders_row="yes",
        app_row="yes",
        settings=SETTINGS,
        pieces=PIECES,
    ),
    ObservedOpenProject(
        version=(16, 3, 0),
        listed=(LISTED,),
        ours=(LISTED,),
        storage=STORAGE,
        rows=(ProjectStorage(1, "Roof", "automatic", 3, "9"),),
    ),
)
#: the oldest pair that was tried
OLDEST = RECORD.at_nextcloud(
    version="29.0.6", major=29, app_version=(2, 10, 0), group_folders_version="17.0.14"
).at_openproject(version=(15, 4, 0))
USER_OIDC = SingleSignOnApp(True, True, "7.2.0")
KEYCLOAK = SingleSignOn("keycloak", ("keycloak", "authentik"), USER_OIDC, audience="openproject")
NEXTCLOUD_HUB = SingleSignOn(
    "Nextcloud Hub", (), USER_OIDC, SingleSignOnApp(True, True, "1.14.1"), hub=True, audience="openproject"
)
SIGNED_ON = (
    RECORD.with_settings(authorization_method="oidc", single_sign_on=KEYCLOAK)
    .at_nextcloud(login_tokens="1")
    .at_openproject(storage=dataclasses.replace(STORAGE, sso=True))
)
HUB = SIGNED_ON.with_settings(single_sign_on=NEXTCLOUD_HUB)


def by(settings: SingleSignOn, **values: t.Any) -> Record:
    """The record of single sign-on with other settings of it."""
    return SIGNED_ON.with_settings(single_sign_on=dataclasses.replace(settings, **values))


def _routes_answer(status: int) -> ApiError:
    return ApiError("App is not enabled", attempted="read the state", server="Nextcloud", status=status)


@dataclasses.dataclass(frozen=True)
class RecordCase:
    """A state with exactly one finding.

    :param says: what message and remedy must name.
    :param not_says: what would be wrong there.
    """

    code: str
    record: Record
    says: tuple[str, ...]
    not_says: tuple[str, ...] = ()


#: without any finding
RIGHT = {"newest": RECORD, "oldest": OLDEST, "single sign-on": SIGNED_ON, "Nextcloud as the provider": HUB}
EXCLUDE = "occ twofactorauth:enforce --on --exclude="
RECORD_CASES = {
    "app limited, 34 answers 412": RecordCase(
        "app_limited_to_groups",
        RECORD.at_nextcloud(app_row='["staff"]', settings=None, pieces=None, failure=_routes_answer(412)),
        ("the group staff", "occ app:enable integration_openproject"),
        ("app:disable",),
    ),
    "app limited, 29 answers 404": RecordCase(
        "app_limited_to_groups",
        OLDEST.at_nextcloud(app_row='["staff"]', settings=NextcloudSettings(app=False), pieces=None),
        (
            "the group staff",
            "occ app:disable integration_openproject; occ app:enable integration_openproject",
        ),
    ),
    "app limited to a group of the administrator": RecordCase(
        "app_limited_to_own_groups",
        OLDEST.at_nextcloud(app_row='["admin"]'),
        ("the group admin", "is a member", "occ app:disable integration_openproject"),
    ),
    "files of the app are gone": RecordCase(
        "app_files_missing",
        RECORD.at_nextcloud(settings=NextcloudSettings(app=False), app_version=(), pieces=None),
        ("not on the disk", "occ app:install integration_openproject"),
    ),
    "files of group folders are gone": RecordCase(
        "group_folders_files_missing",
        RECORD.with_settings(folders=False).at_nextcloud(group_folders_enabled=False, pieces=None),
        ("not on the disk", "occ app:install groupfolders"),
    ),
    "second factor refuses the login password": RecordCase(
        "nextcloud_second_factor",
        RECORD.at_nextcloud(
            settings=None,
            pieces=None,
            failure=CredentialsError(
                "HTTP 401",
                attempted="read the state",
                server="Nextcloud",
                status=401,
                identifier="second_factor",
                remedy="Give an application password",
            ),
        ),
        (EXCLUDE, "occ_command", "application password"),
    ),
    "user_oidc disabled": RecordCase(
        "sso_app_missing",
        by(KEYCLOAK, user_oidc=SingleSignOnApp(False, False, "7.2.0")),
        ("user_oidc", "occ app:enable user_oidc"),
    ),
    "user_oidc too old": RecordCase(
        "sso_app_too_old",
        by(KEYCLOAK, user_oidc=SingleSignOnApp(True, False, "7.2.0")),
        ("7.2.0", "occ app:update user_oidc"),
    ),
    "oidc disabled": RecordCase(
        "sso_hub_app_missing",
        by(NEXTCLOUD_HUB, oidc=SingleSignOnApp(False, False, "1.14.1")),
        ("the app oidc", "occ app:enable oidc"),
    ),
    "oidc too old": RecordCase(
        "sso_hub_app_too_old",
        by(NEXTCLOUD_HUB, oidc=SingleSignOnApp(True, False, "1.14.1")),
        ("1.14.1", "occ app:update oidc"),
    ),
    "unknown provider": RecordCase(
        "sso_provider_unknown",
        by(KEYCLOAK, provider="gone"),
        ('"gone"', "keycloak, authentik"),
    ),
    "tokens not stored": RecordCase(
        "sso_tokens_not_stored",
        SIGNED_ON.at_nextcloud(login_tokens=""),
        ("occ config:app:set user_oidc store_login_token --value=1",),
    ),
    "OpenProject's audience missing": RecordCase(
        "sso_openproject_audience_missing",
        by(KEYCLOAK, audience=""),
        ("client id of OpenProject",),
    ),
    "storage audience missing": RecordCase(
        "sso_audience_missing",
        SIGNED_ON.at_openproject(storage=dataclasses.replace(STORAGE, sso=True, configured=False)),
        ("storage audience",),
    ),
    "only Nextcloud by single sign-on": RecordCase(
        "methods_differ",
        SIGNED_ON.at_openproject(storage=STORAGE),
        ("Nextcloud authenticates by single sign-on, but OpenProject by two-way OAuth",),
    ),
    "only OpenProject by single sign-on": RecordCase(
        "methods_differ",
        RECORD.at_openproject(storage=dataclasses.replace(STORAGE, sso=True)),
        ("Nextcloud authenticates by two-way OAuth, but OpenProject by single sign-on",),
    ),
    "app too old for single sign-on": RecordCase(
        "sso_version_too_old",
        SIGNED_ON.at_nextcloud(app_version=(3, 1, 0)),
        ("OpenProject Integration 3.1.0", "3.1.1 or newer"),
    ),
    "OpenProject too old for single sign-on": RecordCase(
        "sso_version_too_old",
        SIGNED_ON.at_openproject(version=(15, 4, 0)),
        ("OpenProject 15.4.0", "16 or newer"),
    ),
}
