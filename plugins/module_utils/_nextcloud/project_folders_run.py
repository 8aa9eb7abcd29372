# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The project folders without a link: one run of the module nextcloud_project_folders."""

from __future__ import annotations

import typing as t

from .._core.errors import Refused
from .._core.module import Call, Result
from . import project_folders
from .admin import NextcloudAdmin
from .admin_any import make_admin


def bring_about(call: Call) -> Result:
    """Complete or remove the project folders as a module's options request."""
    admin = make_admin(call)
    if call.params["state"] == "absent":
        return _remove(call, admin)
    return _complete(call, admin)


def _complete(call: Call, admin: NextcloudAdmin) -> Result:
    adopt = call.params["adopt_folder"]
    pieces = project_folders.read_pieces(admin)
    todo = project_folders.missing(pieces, adopt_folder=adopt)
    project_folders.prepare(admin, todo, check_mode=call.check_mode)
    for warning in project_folders.warnings(admin, pieces, todo):
        call.warn(warning)
    if None in pieces.group_admin.values():
        call.warn(
            f"occ does not show whether {project_folders.USER} is group admin of its groups. Give nextcloud_url, nextcloud_username and"
            " nextcloud_password as well to have it looked at."
        )
    if not call.check_mode:
        for piece in todo:
            project_folders.repair(admin, piece)
        project_folders.verify(admin, todo)
    before = project_folders.shown(pieces)
    after = project_folders.completed(pieces, adopt_folder=adopt)
    return _result(admin, [piece.title for piece in todo], before, after if todo else before)


def _remove(call: Call, admin: NextcloudAdmin) -> Result:
    titles = project_folders.removable(admin)
    if titles and not call.params["force_delete"]:
        raise Refused(
            f"state: absent would remove {', '.join(titles)}",
            attempted=project_folders.REMOVE_ATTEMPTED,
            server=admin.server,
            remedy="Set force_delete: true if nobody needs it; files in the folder cannot be brought back",
        )
    if not call.check_mode:
        project_folders.remove(admin)
    return _result(admin, [f"{title} will be removed" for title in titles], {"present": titles} if titles else {}, {})


def _result(
    admin: NextcloudAdmin, actions: t.Sequence[str], before: t.Mapping[str, t.Any], after: t.Mapping[str, t.Any]
) -> Result:
    return {
        "changed": bool(actions),
        "actions": list(actions),
        "project_folders": dict(after),
        "via": admin.way,
        "diff": {"before": dict(before), "after": dict(after)},
    }
