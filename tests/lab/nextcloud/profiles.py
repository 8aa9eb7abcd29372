# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between the simulated Nextcloud versions, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lab.nextcloud import shipped


@dataclass(frozen=True)
class Profile:
    """One Nextcloud version with the app versions that fit it; a field that is a behaviour names its source."""

    version: str
    build: str
    integration_version: str
    groupfolders_version: str
    ocs_header_lifts_csrf: bool
    """Whether `OCS-APIRequest: true` alone passes the CSRF check of app routes (NC §9)."""
    folder_list_shape: str
    """Shape of a group folder in lists, B or C/D as in NC §4.1."""
    refuses_second_mount_point: bool
    """GF 20 and newer refuse two folders with one mount point (NC §4.2)."""
    setup_answers_status: bool
    """From 2.11.4 on the answers of `/setup` carry `status` (NC §1.4)."""
    folders_answer_http_status: bool
    """GF 20 and newer answer with the whole folder, and with an HTTP status when they refuse (NC §4.3, §9)."""
    confirms_own_user: bool
    """From 2.11.4 on the app works around server#61322 for its own user (NC §6.2)."""
    compares_strictly: bool
    """From 2.11.4 on a boolean no longer passes for an authorization method (NC §1.3)."""
    client_in_oidc: bool
    """Up to 2.11.3 an OAuth client is made and shown in oidc mode too (NC §1.4)."""
    application_passwords_confirm: bool
    """Before server#61322 a login with an application password counts as a confirmed one (NC §6.2)."""
    refuses_bad_calls: bool
    """From 34 on a missing or wrongly typed parameter is refused (400, no body); before, it is an error of PHP."""
    names_limited_apps: bool
    """From 34 on the routes of an app that is limited to other groups answer 412; before, 404."""
    enabling_lifts_limits: bool
    """From 34 on `app:enable` enables an app for everybody that was limited to groups; before, it is enabled already."""
    lists_default_permission: bool
    """Group folders 21 and newer know folders without default permission."""
    scripted_login_flow: bool
    """From 34 on pages of the login flow are drawn by a script, and their addresses follow the rewriting."""
    oidc_minimum_version: str
    """The oldest app oidc that the integration accepts (admin page)."""
    password_min_length: int
    """Of the password policy app; 0 where that app is absent."""
    groupfolders_name: str
    """The app's display name (NC §4.1)."""
    shipped_apps: Mapping[str, str]
    """Enabled apps that come with the server: id and version."""
    disabled_apps: Mapping[str, str]
    lost_apps: tuple[str, ...]
    """Enabled apps whose files are not on disk: occ does not list them, OCS does (NC §5.3)."""

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])


PROFILES = {
    "29": Profile(
        version="29.0.6",
        build="29.0.6.1",
        integration_version="2.10.0",
        groupfolders_version="17.0.14",
        ocs_header_lifts_csrf=False,
        folder_list_shape="B",
        refuses_second_mount_point=False,
        setup_answers_status=False,
        compares_strictly=False,
        folders_answer_http_status=False,
        confirms_own_user=False,
        client_in_oidc=True,
        application_passwords_confirm=True,
        refuses_bad_calls=False,
        names_limited_apps=False,
        enabling_lifts_limits=False,
        lists_default_permission=False,
        scripted_login_flow=False,
        oidc_minimum_version="1.6.0",
        password_min_length=0,
        groupfolders_name="Group folders",
        shipped_apps=shipped.ENABLED_29,
        disabled_apps=shipped.DISABLED_29,
        lost_apps=("viewer",),
    ),
    "32": Profile(
        version="32.0.1",
        build="32.0.1.2",
        integration_version="2.11.4",
        groupfolders_version="20.1.18",
        ocs_header_lifts_csrf=True,
        folder_list_shape="D",
        refuses_second_mount_point=True,
        setup_answers_status=True,
        compares_strictly=True,
        folders_answer_http_status=True,
        confirms_own_user=True,
        client_in_oidc=False,
        application_passwords_confirm=True,
        refuses_bad_calls=False,
        names_limited_apps=False,
        enabling_lifts_limits=False,
        lists_default_permission=False,
        scripted_login_flow=False,
        oidc_minimum_version="1.14.1",
        password_min_length=10,
        groupfolders_name="Team folders",
        shipped_apps=shipped.ENABLED_32,
        disabled_apps=shipped.DISABLED_32,
        lost_apps=(),
    ),
    "34": Profile(
        version="34.0.1",
        build="34.0.1.2",
        integration_version="3.1.1",
        groupfolders_version="22.0.6",
        ocs_header_lifts_csrf=True,
        folder_list_shape="D",
        refuses_second_mount_point=True,
        setup_answers_status=True,
        compares_strictly=True,
        folders_answer_http_status=True,
        confirms_own_user=True,
        client_in_oidc=False,
        application_passwords_confirm=False,
        refuses_bad_calls=True,
        names_limited_apps=True,
        enabling_lifts_limits=True,
        lists_default_permission=True,
        scripted_login_flow=True,
        oidc_minimum_version="1.14.1",
        password_min_length=10,
        groupfolders_name="Team Folders",
        shipped_apps=shipped.ENABLED_34,
        disabled_apps=shipped.DISABLED_34,
        lost_apps=(),
    ),
}
