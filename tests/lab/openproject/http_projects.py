# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Projects and project storages, both read only (OP §3.5, §3.6, §16)."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote

from flask import Blueprint, Response, request

from .http_common import (
    authenticate,
    collection_href,
    hal,
    href,
    humanized,
    invalid_query,
    link,
    may_see_file_links,
    not_found,
    parse_filters,
    public_url,
    state,
)
from .state import Project, ProjectStorage, Storage, User

blueprint = Blueprint("projects", __name__)

DEFAULT_PAGE_SIZE = 20
LARGEST_PAGE_SIZE = 1000

STORAGE_FILTER_NAMES = {
    "projectId": "project",
    "project_id": "project",
    "storageId": "storage",
    "storage_id": "storage",
    "storageUrl": "storageUrl",
    "storage_url": "storageUrl",
}


def _visible(project: Project, user: User) -> bool:
    """Administrators see archived projects too."""
    return user.admin or (project.active and (project.public or project.id in user.projects))


def _formattable(text: str) -> dict[str, str]:
    markup = f'<p class="op-uc-p">{html.escape(text, quote=False)}</p>' if text else ""
    return {"format": "markdown", "raw": text, "html": markup}


def project_document(project: Project, user: User, *, embed: bool) -> dict[str, Any]:
    """OP §3.6. There is no way to see or switch modules."""
    path = f"/api/v3/projects/{project.id}"
    status = None
    if project.status is not None:
        status = link(f"/api/v3/project_statuses/{project.status[0]}", project.status[1])
    document: dict[str, Any] = {
        "_type": "Project",
        "id": project.id,
        "identifier": project.identifier,
        "name": project.name,
        "active": project.active,
        "public": project.public,
        "description": _formattable(project.description),
        "createdAt": project.created_at,
        "updatedAt": project.updated_at,
        "statusExplanation": _formattable(project.status_explanation),
    }
    if embed and project.status is not None:
        document["_embedded"] = {
            "status": {
                "_type": "ProjectStatus",
                "id": project.status[0],
                "name": project.status[1],
                "_links": {"self": status},
            }
        }
    by_project = {"operator": "=", "values": [str(project.id)]}
    links: dict[str, Any] = {
        "self": link(path, project.name),
        "createWorkPackage": link(f"{path}/work_packages/form") | {"method": "post"},
        "createWorkPackageImmediately": link(f"{path}/work_packages") | {"method": "post"},
        "workPackages": link(f"{path}/work_packages"),
        "storages": [link(f"/api/v3/storages/{storage.id}", storage.name) for storage in _storages_of(project, user)],
        "categories": link(f"{path}/categories"),
        "versions": link(f"{path}/versions"),
        "memberships": {"href": collection_href("/api/v3/memberships", [{"project": by_project}])},
        "types": link(f"{path}/types"),
        "update": link(f"{path}/form") | {"method": "post"},
        "updateImmediately": link(path) | {"method": "patch"},
        "delete": link(path) | {"method": "delete"},
        "schema": link("/api/v3/projects/schema"),
        "status": status or {"href": None},
        "ancestors": [],
        "projectStorages": {"href": collection_href("/api/v3/project_storages", [{"projectId": by_project}])},
        "parent": {"href": None},
    }
    if not user.admin:
        for name in ("createWorkPackage", "createWorkPackageImmediately", "update", "updateImmediately", "delete"):
            del links[name]
    return document | {"_links": links}


def _storages_of(project: Project, user: User) -> list[Storage]:
    world = state()
    return [
        world.storages[row.storage_id]
        for row in world.project_storages.values()
        if row.project_id == project.id and may_see_file_links(user, project.id)
    ]


@blueprint.get("/api/v3/projects/<id_or_identifier>")
def show_project(id_or_identifier: str) -> Response:
    """OP §3.6, §16: by id or by identifier."""
    user = authenticate()
    project = state().find_project(id_or_identifier)
    if project is None or not _visible(project, user):
        raise not_found()
    return hal(project_document(project, user, embed=True))


@blueprint.get("/api/v3/projects")
def list_projects() -> Response:
    """OP §3.6: paginated, newest first; `select` reduces the answer to what was named."""
    user = authenticate()
    filters = parse_filters()
    found = [project for project in state().projects.values() if _visible(project, user)]
    for name, operator, values in filters:
        found = [project for project in found if _project_filter(name, operator, values)(project)]
    found.sort(key=lambda project: project.id, reverse=True)
    size = max(0, min(_number("pageSize", DEFAULT_PAGE_SIZE), LARGEST_PAGE_SIZE))
    offset = max(1, _number("offset", 1))
    page = found[(offset - 1) * size : offset * size]
    spelled = [{name: {"operator": operator, "values": values}} for name, operator, values in filters]
    document = {
        "_type": "Collection",
        "total": len(found),
        "count": len(page),
        "pageSize": size,
        "offset": offset,
        "_embedded": {"elements": [project_document(project, user, embed=False) for project in page]},
        "_links": _page_links(spelled, size, offset, len(found)),
    }
    chosen = request.args.get("select")
    return hal(_select(document, chosen.split(",")) if chosen else document)


def _project_filter(name: str, operator: str, values: list[str]) -> Callable[[Project], bool]:
    """Whether a project passes one filter; raises the 400 for a filter that does not exist."""
    world = state()
    folded = [value.casefold() for value in values]

    def attached(wanted: Callable[[Storage], bool]) -> Callable[[Project], bool]:
        ids = {row.project_id for row in world.project_storages.values() if wanted(world.storages[row.storage_id])}
        return lambda project: project.id in ids

    tests: dict[str, Callable[[Project], bool]] = {
        "active": lambda project: ("t" if project.active else "f") in values,
        "id": lambda project: str(project.id) in values,
        # Names are matched as well as identifiers, without regard to case (OP §3.6).
        "name_and_identifier": lambda project: (
            any(value in (project.name.casefold(), project.identifier.casefold()) for value in folded)
            if operator in ("=", "!")
            else any(value in f"{project.name}\n{project.identifier}".casefold() for value in folded)
        ),
        "storage_id": attached(lambda storage: str(storage.id) in values),
        "storage_url": attached(lambda storage: storage.host.rstrip("/") in _addresses(values)),
    }
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    if snake not in tests:
        raise invalid_query("unknown_filter", humanized(name))
    test = tests[snake]
    return (lambda project: not test(project)) if operator.startswith("!") else test


def _page_links(filters: list[dict[str, Any]], size: int, offset: int, total: int) -> dict[str, Any]:
    def page(**query: int | str) -> str:
        return collection_href("/api/v3/projects", filters, **query)

    def export(kind: str) -> str:
        return collection_href(f"/projects.{kind}", filters, offset=offset, pageSize=size)

    links: dict[str, Any] = {
        "self": {"href": page(offset=offset, pageSize=size)},
        "jumpTo": {"href": page(offset="%7Boffset%7D", pageSize=size), "templated": True},
        "changeSize": {"href": page(offset=offset, pageSize="%7Bsize%7D"), "templated": True},
        "representations": [
            {"href": export("csv"), "identifier": "csv", "type": "text/csv", "title": "CSV"},
            {"href": export("xls"), "identifier": "xls", "type": "application/vnd.ms-excel", "title": "XLS"},
        ],
    }
    if offset > 1:
        links["previousByOffset"] = {"href": page(offset=offset - 1, pageSize=size)}
    if offset * size < total:
        links["nextByOffset"] = {"href": page(offset=offset + 1, pageSize=size)}
    return links


def _select(document: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """Only what was named: `total` at the top, `elements/name` in every element, `*` for all."""
    of_elements = [name.removeprefix("elements/") for name in names if name.startswith("elements/")]
    reduced = {name: document[name] for name in names if name in document}
    if of_elements:
        elements = document["_embedded"]["elements"]
        reduced["_embedded"] = {
            "elements": [
                {name: element[name] for name in (element if "*" in of_elements else of_elements) if name in element}
                for element in elements
            ]
        }
    return reduced


def _number(name: str, default: int) -> int:
    try:
        return int(request.args.get(name, default))
    except ValueError:
        return default


def _addresses(values: list[str]) -> list[str]:
    """Addresses of storages as filters carry them: perhaps escaped once more, the slash does not matter (OP §3.5)."""
    return [unquote(value).rstrip("/") for value in values]


def project_storage_document(row: ProjectStorage) -> dict[str, Any]:
    """OP §3.5. The address to open it is https whatever the server speaks (recorded in http-project-storages)."""
    world = state()
    project, storage = world.projects[row.project_id], world.storages[row.storage_id]
    path = f"/api/v3/project_storages/{row.id}"
    links: dict[str, Any] = {"self": link(path)}
    if row.folder_id is not None:
        links["projectFolder"] = link(f"/api/v3/storages/{storage.id}/files/{row.folder_id}")
    links["open"] = link(f"{path}/open")
    if storage.client is not None:
        target = public_url(f"/projects/{project.identifier}/project_storages/{row.id}/open", "https")
        links["openWithConnectionEnsured"] = {
            "href": href(f"/oauth_clients/{storage.client.client_id}/ensure_connection")
            + f"?destination_url={quote(target, safe='')}&storage_id={storage.id}"
        }
    links["storage"] = link(f"/api/v3/storages/{storage.id}", storage.name)
    links["project"] = link(f"/api/v3/projects/{project.id}", project.name)
    links["creator"] = link(f"/api/v3/users/{row.creator}", world.users[row.creator].name)
    return {
        "_type": "ProjectStorage",
        "id": row.id,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
        "projectFolderMode": row.mode,
        "_links": links,
    }


@blueprint.get("/api/v3/project_storages")
def list_project_storages() -> Response:
    """OP §3.5, §16: all rows, newest first, whatever `pageSize` says; a project that is not there is a 400."""
    user = authenticate()
    if not state().profile.reads_project_storages:
        raise not_found()
    rows = [row for row in state().project_storages.values() if may_see_file_links(user, row.project_id)]
    spelled = []
    for name, operator, values in parse_filters():
        kind = STORAGE_FILTER_NAMES.get(name)
        if kind is None:
            raise invalid_query("unknown_filter", humanized(name))
        spelled.append({kind: {"operator": operator, "values": values}})
        rows = [row for row in rows if _project_storage_filter(kind, values, user)(row)]
    elements = [project_storage_document(row) for row in sorted(rows, key=lambda row: row.id, reverse=True)]
    own = collection_href("/api/v3/project_storages", spelled, offset=1, pageSize=DEFAULT_PAGE_SIZE)
    return hal(
        {
            "_type": "Collection",
            "total": len(elements),
            "count": len(elements),
            "_embedded": {"elements": elements},
            "_links": {"self": {"href": own}},
        }
    )


def _project_storage_filter(kind: str, values: list[str], user: User) -> Callable[[ProjectStorage], bool]:
    world = state()
    if kind == "project":
        known = {str(project.id) for project in world.projects.values() if project.active and _visible(project, user)}
        if not set(values) <= known:
            raise invalid_query("bad_filters")
        return lambda row: str(row.project_id) in values
    if kind == "storage":
        return lambda row: str(row.storage_id) in values
    return lambda row: world.storages[row.storage_id].host.rstrip("/") in _addresses(values)


@blueprint.get("/api/v3/project_storages/<int:row_id>")
def show_project_storage(row_id: int) -> Response:
    """OP §3.5."""
    user = authenticate()
    row = state().project_storages.get(row_id)
    if row is None or not may_see_file_links(user, row.project_id):
        raise not_found()
    return hal(project_storage_document(row))
