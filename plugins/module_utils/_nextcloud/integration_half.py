# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Nextcloud side of a link as a resource of its own, for those who drive the two sides from different places."""

from __future__ import annotations

import typing as t

from .._core.errors import BadInput, Refused
from .._core.module import Call, Result
from .._http.address import Address
from .._http.connection import check_secret
from . import project_folders
from .admin import NextcloudAdmin
from .admin_any import make_admin
from .client import Nextcloud
from .integration import OAUTH, Integration, NextcloudSettings, SetUpAnswer, setup_text, setup_values

NEXTCLOUD_OAUTH, APPLICATION_PASSWORD = "nextcloud_oauth", "application_password"


class Half:
    """Brings the app OpenProject Integration of one Nextcloud into the requested state.

    An equal client id of OpenProject leaves the stored secret alone; another one is entered only together with its secret.
    """

    def __init__(self, call: Call) -> None:
        client = Nextcloud.from_call(call)
        self.call, self.params = call, call.params
        self.integration = Integration(client)
        self.admin: NextcloudAdmin = make_admin(call, client)
        self.url = Address.parse(self.params["openproject_url"], option="openproject_url")
        if self.params["openproject_client_secret"] is not None:
            check_secret(self.params["openproject_client_secret"], "openproject_client_secret", warn=call.warn)
        if self.params["openproject_client_secret"] and not self.params["openproject_client_id"]:
            raise BadInput("openproject_client_secret is given without openproject_client_id")

    def ensure(self) -> Result:
        """Read, decide, write what differs."""
        settings = self._read()
        todo, set_up, right = self._folders(settings)
        renew, reason = self._password(settings, set_up, right)
        renew_client = settings.dangling or (
            NEXTCLOUD_OAUTH in self.params["rotate"] and settings.client_id is not None
        )
        values, reasons = setup_values(
            settings,
            url=self.url,
            credentials=self._credentials(settings),
            toggles={key: self.params[key] for key in ("default_enable_navigation", "default_enable_unified_search")},
            set_up_folders=set_up,
            renew_password=renew,
            password_reason=reason,
        )
        actions = ["make a new OAuth client for OpenProject"] if settings.dangling else []
        actions += [piece.title for piece in todo]
        actions += [f"{setup_text(values)} ({'; '.join(reasons)})"] if values else []
        actions += ["make a new OAuth client for OpenProject"] if renew_client and not settings.dangling else []
        result: Result = {
            "changed": bool(actions) or settings.mended,
            "actions": actions,
            "integration": self._public(settings),
            "handed_out": {},
            "diff": {
                "before": self._shown(settings),
                "after": self._after(settings, values) if actions else self._shown(settings),
            },
        }
        if self.call.check_mode or not actions:
            return result
        result["handed_out"] = self._write(settings, todo, values, renew_client)
        result["integration"] = self._public(self.integration.read_page())
        return result

    def remove(self) -> Result:
        """Remove the application password and reset the app; user, groups, folder and files stay."""
        settings = self.integration.read()
        if not settings.app or (settings.untouched and not settings.application_password):
            return {
                "changed": False,
                "actions": [],
                "integration": {},
                "handed_out": {},
                "diff": {"before": {}, "after": {}},
            }
        if not self.call.check_mode:
            if settings.application_password:
                if settings.dangling:
                    self.integration.new_client()
                self.integration.patch({"setup_app_password": False}, attempted="remove the application password")
            self.integration.reset()
        return {
            "changed": True,
            "actions": ["remove the application password", "reset OpenProject Integration"],
            "integration": {},
            "handed_out": {},
            "diff": {"before": self._shown(settings), "after": {}},
        }

    def _read(self) -> NextcloudSettings:
        settings = self.integration.read()
        if not settings.app:
            refusal = Refused(
                "the app OpenProject Integration (integration_openproject) is missing or disabled",
                server=self.integration.client.server,
                remedy="Enable it: module nextcloud_app, or occ app:enable integration_openproject",
            )
            if not self.call.check_mode:
                raise refusal
            self.call.warn(f"{refusal.message} The plan is that of a fresh Nextcloud.")
        return settings

    def _credentials(self, settings: NextcloudSettings) -> tuple[str, str] | None:
        client_id, secret = self.params["openproject_client_id"], self.params["openproject_client_secret"]
        if client_id is None or (client_id == settings.openproject_client_id and settings.openproject_client_secret):
            return None
        if secret is None:
            raise Refused(
                f"Nextcloud stores {'another client id' if settings.openproject_client_id else 'no client id'} of OpenProject than {client_id},"
                " and the secret of that one is not given",
                server=self.integration.client.server,
                remedy="Give openproject_client_secret too: OpenProject shows it once, when the OAuth application is made",
            )
        return client_id, secret

    def _folders(self, settings: NextcloudSettings) -> tuple[list[project_folders.Piece], bool, bool]:
        """Pieces to repair, whether the app itself can set everything up, and whether nothing is wrong."""
        if not self.params["project_folders"]:
            return [], False, True
        if not settings.app or not settings.group_folders_app:
            if not self.call.check_mode:
                raise Refused(
                    "the app Group folders (groupfolders) is missing or disabled, and project folders need it",
                    server=self.integration.client.server,
                    remedy="Enable it: module nextcloud_app, or occ app:enable groupfolders",
                )
            return [], True, False
        pieces = project_folders.read_pieces(self.admin)
        if project_folders.is_untouched(pieces):
            return [], True, False
        todo = project_folders.missing(pieces, adopt_folder=self.params["adopt_folder"])
        project_folders.prepare(self.admin, todo, check_mode=self.call.check_mode)
        for warning in project_folders.warnings(self.admin, pieces, todo):
            self.call.warn(warning)
        return todo, False, not todo

    def _password(self, settings: NextcloudSettings, set_up: bool, right: bool) -> tuple[bool, str]:
        if APPLICATION_PASSWORD in self.params["rotate"]:
            if not settings.application_password and not self.params["project_folders"]:
                raise Refused(
                    "there is no application password to renew",
                    server=self.integration.client.server,
                    remedy="Set project_folders: true to have one made",
                )
            return True, "rotation was asked for"
        if not self.params["project_folders"]:
            return False, ""
        if set_up:
            return True, "project folders are being set up"
        if not settings.application_password:
            return True, "Nextcloud has no application password for project folders"
        return settings.fresh, "OpenProject Integration was reset"

    def _write(
        self,
        settings: NextcloudSettings,
        todo: t.Sequence[project_folders.Piece],
        values: t.Mapping[str, t.Any],
        renew_client: bool,
    ) -> dict[str, str]:
        handed_out: dict[str, str] = {}
        if settings.dangling:
            handed_out.update(self._keep(self.integration.new_client()))
        for piece in todo:
            project_folders.repair(self.admin, piece)
        project_folders.verify(self.admin, todo)
        if values:
            handed_out.update(self._keep(self.integration.patch(values, attempted=setup_text(values))))
        if renew_client and not settings.dangling:
            handed_out.update(self._keep(self.integration.new_client()))
        return handed_out

    def _keep(self, answer: SetUpAnswer) -> dict[str, str]:
        found = {
            "nextcloud_client_id": answer.client_id if answer.client_secret else None,
            "nextcloud_client_secret": answer.client_secret,
            "application_password": answer.application_password,
        }
        for key in ("nextcloud_client_secret", "application_password"):
            self.call.secrets.add_returned(found[key] or "")
        return {key: value for key, value in found.items() if value}

    def _public(self, settings: NextcloudSettings) -> dict[str, t.Any]:
        return {**self._shown(settings), "oauth_client_id": settings.client_id}

    def _shown(self, settings: NextcloudSettings) -> dict[str, t.Any]:
        return {
            "openproject_url": settings.openproject_url,
            "openproject_client_id": settings.openproject_client_id,
            "authorization_method": settings.authorization_method,
            "default_enable_navigation": settings.default_enable_navigation,
            "default_enable_unified_search": settings.default_enable_unified_search,
            "project_folders": settings.folders,
            "application_password": settings.application_password,
        }

    def _after(self, settings: NextcloudSettings, values: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        shown = self._shown(settings)
        shown["openproject_url"] = values.get("openproject_instance_url", settings.openproject_url)
        for key in ("openproject_client_id", "default_enable_navigation", "default_enable_unified_search"):
            shown[key] = values.get(key, shown[key])
        shown["authorization_method"] = OAUTH
        if self.params["project_folders"]:
            shown["project_folders"] = True
        shown["application_password"] = values.get("setup_app_password", settings.application_password)
        return shown


def work(call: Call) -> Result:
    """What the module C(nextcloud_integration) does."""
    settings = Half(call)
    return settings.remove() if call.params["state"] == "absent" else settings.ensure()
