# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place that says what the product sends: routes by server, method and path, and commands of occ.

A recorded exchange counts when its route or command is here; a request that the product sends in a test and that is
not here fails the suite (`sent.py`). Sources: design §3 to §9 and what the modules send.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

NEXTCLOUD, OPENPROJECT = "nextcloud", "openproject"

_APP = "/apps/integration_openproject"
_OCS = r"/ocs/v2\.php"
_USER = rf"{_OCS}/cloud/users/[^/]+"
_FOLDER = r"/apps/groupfolders/folders/\d+"

_ROUTES: dict[str, tuple[tuple[str, str], ...]] = {
    NEXTCLOUD: (
        ("GET", r"/status\.php"),
        ("GET", "/csrftoken"),
        ("GET", "/settings/admin/openproject"),
        ("GET", "/settings/user/security"),
        ("DELETE", r"/settings/personal/authtokens/\d+"),
        ("GET", "/apps/oauth2/authorize"),
        ("GET POST", "/login/flow"),
        ("PATCH POST DELETE", f"{_APP}/setup"),
        ("POST", f"{_APP}/nc-oauth"),
        ("PUT", f"{_APP}/admin-config"),
        ("GET", f"{_APP}/check-config"),
        ("GET", f"{_APP}/check-admin-config"),
        ("GET", f"{_APP}/project-folder-status"),
        ("POST", f"{_APP}/is-valid-op-instance"),
        ("GET", f"{_OCS}/cloud/capabilities"),
        ("GET", f"{_OCS}/cloud/user"),
        ("GET POST", f"{_OCS}/cloud/users"),
        ("GET DELETE", _USER),
        ("PUT", f"{_USER}/(en|dis)able"),
        ("POST DELETE", f"{_USER}/groups"),
        ("GET POST DELETE", f"{_USER}/subadmins"),
        ("GET POST", f"{_OCS}/cloud/groups"),
        ("GET DELETE", f"{_OCS}/cloud/groups/[^/]+"),
        ("GET", f"{_OCS}/cloud/groups/[^/]+/(users|subadmins)"),
        ("GET", f"{_OCS}/cloud/apps"),
        ("POST DELETE", f"{_OCS}/cloud/apps/[^/]+"),
        ("GET", f"{_OCS}/core/getapppassword"),
        ("DELETE", f"{_OCS}/core/apppassword"),
        ("GET", rf"{_OCS}/apps/provisioning_api/api/v1/config/apps(/[^/]+)?"),
        ("GET POST DELETE", rf"{_OCS}/apps/provisioning_api/api/v1/config/apps/[^/]+/[^/]+"),
        ("GET POST", "/apps/groupfolders/folders"),
        ("GET DELETE", _FOLDER),
        ("POST", f"{_FOLDER}/(groups|acl|manageACL|quota|mountpoint)"),
        ("POST DELETE", f"{_FOLDER}/groups/[^/]+"),
    ),
    OPENPROJECT: (
        ("GET", "/api/v3"),
        ("GET", "/api/v3/configuration"),
        ("GET", "/api/v3/users/me"),
        ("GET", "/api/v3/projects"),
        ("GET", "/api/v3/projects/[^/]+"),
        ("GET POST", "/api/v3/storages"),
        ("GET PATCH DELETE", r"/api/v3/storages/\d+"),
        ("POST", r"/api/v3/storages/\d+/oauth_client_credentials"),
        ("GET", r"/api/v3/oauth_client_credentials/\d+"),
        ("GET", r"/api/v3/oauth_applications/\d+"),
        ("GET", r"/api/v3/project_storages(/\d+)?"),
        ("GET", r"/health_checks/[a-z_]+(\.json)?"),
        ("POST", "/oauth/token"),
    ),
}

OCC_COMMANDS = frozenset(
    {
        "app:disable",
        "app:enable",
        "app:getpath",
        "app:install",
        "app:list",
        "app:remove",
        "app:update",
        "config:app:delete",
        "config:app:get",
        "config:app:set",
        "config:import",
        "config:list",
        "config:system:delete",
        "config:system:get",
        "config:system:set",
        "group:add",
        "group:adduser",
        "group:delete",
        "group:info",
        "group:list",
        "group:removeuser",
        "groupfolders:create",
        "groupfolders:delete",
        "groupfolders:group",
        "groupfolders:list",
        "groupfolders:permissions",
        "groupfolders:quota",
        "groupfolders:rename",
        "maintenance:mode",
        "security:certificates",
        "security:certificates:import",
        "security:certificates:remove",
        "status",
        "user:add",
        "user:auth-tokens:add",
        "user:auth-tokens:delete",
        "user:auth-tokens:list",
        "user:delete",
        "user:disable",
        "user:enable",
        "user:info",
        "user:list",
        "user:resetpassword",
    }
)


def route_in_scope(server: str, method: str, path: str) -> bool:
    """Whether the product uses a route. A Nextcloud path counts with and without `/index.php`."""
    inner = path.removeprefix("/index.php") if server == NEXTCLOUD else path
    return any(
        method in methods.split() and re.fullmatch(pattern, inner.rstrip("/") or "/")
        for methods, pattern in _ROUTES[server]
    )


def command_of(argv: Sequence[str]) -> str:
    """Name of the occ command in the words after `occ`; empty when there is none."""
    return next((word for word in argv if not word.startswith("-")), "")


def command_in_scope(argv: Sequence[str]) -> bool:
    """Whether the product uses a command; what prints help for people does not count."""
    return command_of(argv) in OCC_COMMANDS and not {"--help", "-h"} & set(argv)
