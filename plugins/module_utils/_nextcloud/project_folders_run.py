# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The project folders without a link: one run of the module nextcloud_project_folders."""

from __future__ import annotations

from .._core.errors import Refused
from .._core.module import Call, Result, converge
from . import project_folders
from .admin import NextcloudAdmin
from .admin_any import make_admin


def work(call: Call) -> Result:
    """What the module ``nextcloud_project_folders`` does."""
    admin = make_admin(call)
    return _remove(call, admin) if call.params["state"] == "absent" else _complete(call, admin)


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
            " nextcloud_password as well to have it checked."
        )
    before = project_folders.shown(pieces)
    after = project_folders.completed(pieces, adopt_folder=adopt) if todo else before
    result = converge(call, todo, admin, before=before, after=after)
    return {**result, "project_folders": after, "via": admin.via}


def _remove(call: Call, admin: NextcloudAdmin) -> Result:
    removal = project_folders.Removal(admin, call.clean_up)
    steps = removal.steps()
    titles = [step.title for step in steps]
    if steps and not call.params["force_delete"]:
        raise Refused(
            f"state: absent would do this: {'; '.join(titles)}",
            attempted=project_folders.REMOVE_ATTEMPTED,
            server=admin.server,
            remedy="Set force_delete: true if nobody needs it; files in the folder cannot be brought back",
        )
    if steps:
        removal.check(steps, check_mode=call.check_mode)
    before = {"present": titles} if steps else {}
    return {**converge(call, steps, removal, before=before, after={}), "project_folders": {}, "via": admin.via}
