# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fault at every request of every module that changes several things: the result tells what was done, and the next run finishes it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

import pytest

from lab import Lab
from unit.conftest import RunModule
from unit.folder_states import http_options
from unit.labs import Labs
from unit.linking import STORAGE, arrange

KINDS = ("drop_before", "drop_after", "html_502", "throttle_429")


def group_folder(lab: Lab) -> dict[str, t.Any]:
    lab.nextcloud.state.create_group("architects")
    lab.nextcloud.state.create_group("builders")
    return {
        **http_options(lab),
        "mount_point": "Plans",
        "groups": [{"name": "architects"}, {"name": "builders", "permissions": ["read"]}],
        "managing_groups": ["architects"],
        "quota": "5 GB",
    }


def project_folders(lab: Lab) -> dict[str, t.Any]:
    return http_options(lab)


def storage(lab: Lab) -> dict[str, t.Any]:
    return {
        "openproject_url": lab.openproject.url,
        "openproject_api_key": lab.openproject.api_key,
        "storage_name": STORAGE,
        "nextcloud_url": lab.nextcloud.url,
        "nextcloud_client_id": "an-id",
        "nextcloud_client_secret": "a-long-enough-secret",
    }


def integration(lab: Lab) -> dict[str, t.Any]:
    return {
        **http_options(lab),
        "openproject_url": lab.openproject.url,
        "openproject_client_id": "an-id",
        "openproject_client_secret": "a-long-enough-secret",
        "project_folders": True,
    }


@dataclass(frozen=True)
class Case:
    """A module, the options of its task, and the server whose requests are broken."""

    module: str
    options: t.Callable[[Lab], dict[str, t.Any]]
    server: str


CASES = {
    "group folder": Case("nextcloud_group_folder", group_folder, "nextcloud"),
    "project folders": Case("nextcloud_project_folders", project_folders, "nextcloud"),
    "storage": Case("openproject_storage", storage, "openproject"),
    "integration": Case("nextcloud_integration", integration, "nextcloud"),
}


def held(lab: Lab) -> tuple[str, ...]:
    """What both servers hold that a module of this collection could change."""
    nextcloud, openproject = lab.nextcloud.state, lab.openproject.state
    return (
        repr(nextcloud.folders),
        repr(nextcloud.groups),
        repr(sorted((uid, user.enabled) for uid, user in nextcloud.users.items())),
        repr(nextcloud.app_config.get("integration_openproject")),
        repr(openproject.storages),
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", CASES.values(), ids=[name.replace(" ", "-") for name in CASES])
def test_the_result_tells_what_was_done_and_the_next_run_finishes_it(
    case: Case, kind: str, labs: Labs, run_module: RunModule
) -> None:
    lab = arrange(labs.fresh("29"))
    args = case.options(lab)
    planned = run_module(case.module, args, check_mode=True)["actions"]
    getattr(lab, case.server).log.clear()
    run_module(case.module, args)
    for nth in range(1, len(getattr(lab, case.server).requests) + 1):
        lab = arrange(labs.fresh("29"))
        args = case.options(lab)
        before = held(lab)
        lab.faults.add(server=case.server, nth=nth, kind=kind, times=1)
        failed = run_module(case.module, args)
        lab.faults.clear()
        where = f"{kind} at request {nth}"
        if failed.get("failed"):
            if not failed.get("changed"):
                assert held(lab) == before, f"{where}: {failed['msg']}"
            if "actions" in failed:
                assert failed["actions"] + failed["actions_not_done"] == planned, where
        done = run_module(case.module, args)
        assert not done.get("failed"), f"{where}: {done.get('msg')}"
        assert not run_module(case.module, args)["changed"], where
