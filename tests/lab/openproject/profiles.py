# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between versions of OpenProject, as data (OP §1)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Profile:
    """The behaviour of one version; see OP §1 for the version that brought each of these."""

    version: str
    shows_completeness: bool
    """`configured` and `hasApplicationPassword` in a storage (14.2)."""
    reads_project_storages: bool
    good_job: bool
    """Names of the health checks (14.0)."""
    breaks_without_oauth_application: bool
    """PATCH of a storage whose OAuth application is gone is a 500 (up to 15.4)."""
    single_sign_on: bool
    tells_features: bool
    """Licensed features and more in `GET /configuration` (recorded on 16.3)."""
    checks_in_groups: bool
    """The connection check is a report of checks in groups; up to 15.5 it is one verdict (OP §8.2)."""
    automatic_needs_management: bool
    """A project storage in automatic mode is refused while automatic management is off; recorded on 15.4, no longer on 16.3."""
    forbidden_file_name_characters: bool
    bearer_api_tokens: bool
    filters_private_addresses: bool
    """Nextcloud on a private address needs the allow list (17.6)."""
    schema_version: str
    """The newest migration, as the health checks tell it; known of 15.4 and 16.3."""
    user_agent: str
    minimum_integration_app: tuple[int, int, int]
    """Smallest integration_openproject that the connection check accepts (OP §6)."""
    minimum_group_folders: tuple[int, int, int]


def number(version: str) -> tuple[int, ...]:
    """`"15.4.0"` as `(15, 4, 0)`."""
    return tuple(int(part) for part in version.split("."))


def profile_for(version: str) -> Profile:
    """The profile of a version; raises ValueError when it is not `X.Y.Z`."""
    parsed = number(version)
    if len(parsed) != 3:
        raise ValueError(f"not a version of OpenProject: {version!r}")
    return Profile(
        version=version,
        shows_completeness=parsed >= (14, 2),
        reads_project_storages=parsed >= (13, 1),
        good_job=parsed >= (14, 0),
        breaks_without_oauth_application=parsed < (16, 0),
        single_sign_on=parsed >= (16, 0),
        tells_features=parsed >= (16, 0),
        checks_in_groups=parsed >= (16, 0),
        automatic_needs_management=parsed < (16, 0),
        forbidden_file_name_characters=parsed >= (17, 0),
        bearer_api_tokens=parsed >= (17, 2),
        filters_private_addresses=parsed >= (17, 6),
        schema_version="20250711133700" if parsed >= (16, 0) else "20250128164217",
        user_agent=f"OpenProject {version} HTTPX Client" if parsed >= (17, 0) else "httpx.rb/1.4.0",
        minimum_integration_app=(3, 0, 0) if parsed >= (17, 1) else (2, 6, 3),
        minimum_group_folders=(20, 1, 7) if parsed >= (17, 1) else (14, 0, 9),
    )
