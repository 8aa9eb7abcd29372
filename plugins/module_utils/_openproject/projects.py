# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OpenProject's projects, as far as storages need them."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass

from .client import OpenProject, unexpected

#: the largest page that OpenProject hands out by default; a smaller limit of the server is followed
PAGE_SIZE = 1000
#: above this, reading all projects is one shorter request
MOST_IN_FILTER = 40
WANTED = "total,count,elements/id,elements/identifier,elements/name,elements/active"


@dataclass(frozen=True)
class Project:
    """A project; archived when it is not active."""

    id: int
    identifier: str
    name: str
    active: bool


class Projects:
    """The projects of one OpenProject."""

    def __init__(self, client: OpenProject) -> None:
        self.client = client

    def active(self) -> list[Project]:
        """All projects that are not archived."""
        return self._read([{"active": {"operator": "=", "values": ["t"]}}], "list the active projects")

    def by_identifier(self, identifiers: t.Sequence[str]) -> dict[str, Project]:
        """The projects with these identifiers, archived ones too; those that are not there are missing.

        The filter also finds names, and ignores case (OP §3.6).
        """
        if not identifiers:
            return {}
        filters: list[dict[str, t.Any]] = []
        if len(identifiers) <= MOST_IN_FILTER:
            filters = [{"name_and_identifier": {"operator": "=", "values": list(identifiers)}}]
        found = {project.identifier: project for project in self._read(filters, "look up the projects")}
        return {identifier: found[identifier] for identifier in identifiers if identifier in found}

    def _read(self, filters: t.Sequence[t.Mapping[str, t.Any]], attempted: str) -> list[Project]:
        projects: list[Project] = []
        page = 1
        while True:
            params = {"pageSize": str(PAGE_SIZE), "offset": str(page), "select": WANTED, "filters": json.dumps(filters)}
            data = self.client.get("/projects", params=params, attempted=attempted)
            elements = data.get("_embedded", {}).get("elements")
            if elements is None:
                raise unexpected(data, "_embedded.elements", attempted=attempted, server=self.client.server)
            projects += [
                Project(
                    id=int(element["id"]),
                    identifier=str(element["identifier"]),
                    name=str(element.get("name") or ""),
                    active=bool(element.get("active")),
                )
                for element in elements
            ]
            if not elements or len(projects) >= int(data.get("total", 0)):
                return projects
            page += 1
