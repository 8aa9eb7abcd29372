# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the roles show of what they did, to somebody who runs a play without -v."""

from __future__ import annotations

import json
import re
import typing as t

from lab import Lab
from playbooks.test_play_variables import Play, lab, site

__all__ = ["lab", "site"]


def shown(play: Play) -> list[str]:
    """The lines of all tasks that show actions."""
    parts = re.findall(
        r"Show the actions\] \*+\nok: \[[^\]]+\] => \{\n\s+\"msg\": (\[.*?\n    \])", play.output, re.DOTALL
    )
    return [line for part in parts for line in json.loads(part)]


def test_each_action_is_a_line_and_a_second_run_shows_none(lab: Lab, site: t.Callable[..., Play]) -> None:
    lab.nextcloud.state.system["allow_local_remote_servers"] = False
    more = {"project_storages_projects": ["demo-project"], "opnc_runner_command": lab.openproject.runner}

    first = site(**more)

    assert first.code == 0, first.output
    lines = shown(first)
    assert any("allow_local_remote_servers" in line for line in lines)
    assert any(re.fullmatch(r"OpenProject: .*storage.*, because .+", line) for line in lines)
    assert any(re.fullmatch(r"Nextcloud: .*OAuth.*, because .+", line) for line in lines)
    assert any('project "demo-project"' in line for line in lines)
    assert lab.nextcloud.admin[1] not in first.output

    second = site(**more)

    assert second.code == 0, second.output
    assert shown(second) == []

    removed = site("-e", "teardown_force_delete=true", playbook="teardown.yml")

    assert removed.code == 0, removed.output
    assert any(line.startswith("OpenProject: ") and "delete" in line for line in shown(removed))
