# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Core routes: status.php, request token, WebDAV of the project folders (NC §9, OP §5)."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from flask import Blueprint, Response, g, request

from lab.nextcloud.answers import dav_error, json_answer, page
from lab.nextcloud.http import caller, state
from lab.nextcloud.state import GROUPFOLDERS, GroupFolder

routes = Blueprint("core", __name__)

NEXTCLOUD_XML = "http://nextcloud.org/ns"
NAMESPACES = {"DAV:": "d", "http://owncloud.org/ns": "oc", NEXTCLOUD_XML: "nc"}
DECLARED = " ".join(f'xmlns:{prefix}="{uri}"' for uri, prefix in NAMESPACES.items())


@routes.get("/status.php")
def status() -> Response:
    """A probe that needs no login and works in every state of the server (NC §6.3)."""
    profile = state().profile
    data = {
        "installed": state().system.get("installed", True),
        "maintenance": state().maintenance,
        "needsDbUpgrade": state().needs_upgrade and not state().maintenance,
        "version": profile.build,
        "versionstring": profile.version,
        "edition": "",
        "productname": "Nextcloud",
        "extendedSupport": False,
    }
    answer = json_answer(data)
    answer.content_type = "application/json"
    return answer


@routes.get("/csrftoken")
def csrf_token() -> Response:
    """NC §9: the request token of the session in the cookies."""
    return json_answer({"token": g.session.masked_token()})


@routes.get("/login")
def login_page() -> Response:
    """The page that a browser without a session is sent to."""
    return page("Log in", "Login with username or email", head=f'data-requesttoken="{g.session.masked_token()}"')


# WebDAV, as far as OpenProject's password check and its folder sync go


@routes.route("/remote.php/dav", methods=["GET", "HEAD", "PROPFIND", "OPTIONS"], provide_automatic_options=False)
def dav_root() -> Response:
    """OP §5, step 3: a HEAD with user and password shows whether they fit."""
    refused = _dav_login()
    if refused:
        return refused
    return Response("" if request.method != "GET" else "This is the WebDAV interface.", content_type="text/html")


@routes.route(
    "/remote.php/dav/files/<uid>/<path:path>",
    methods=["HEAD", "PROPFIND", "PROPPATCH", "MKCOL", "PUT", "MOVE", "DELETE"],
)
def dav_files(uid: str, path: str) -> Response:
    """OP §5: what the sync of automatically managed folders sends."""
    refused = _dav_login()
    if refused:
        return refused
    user = caller().user
    folder, inner = _locate(path)
    if user is None or user.uid != uid or folder is None:
        return dav_error(404, "Sabre\\DAV\\Exception\\NotFound", f"File with name {path} could not be located")
    with state().lock:
        needed = _NEEDS.get(request.method, 0)
        place = inner if request.method == "DELETE" else inner.strip("/").rpartition("/")[0]
        if needed & ~state().permissions_on(folder, place, user.uid):
            return dav_error(403, "Sabre\\DAV\\Exception\\Forbidden", "")
        return _DAV[request.method](folder, inner)


def _dav_login() -> Response | None:
    if caller().user:
        return None
    answer = dav_error(401, "Sabre\\DAV\\Exception\\NotAuthenticated", "No public access to this resource.")
    answer.headers["WWW-Authenticate"] = 'Basic realm="Nextcloud", charset="UTF-8"'
    return answer


def _locate(path: str) -> tuple[GroupFolder | None, str]:
    """The group folder of the caller that a path leads into, and the path below it."""
    user = caller().user
    top, _unused, inner = path.strip("/").partition("/")
    if user is None or not state().app_enabled(GROUPFOLDERS, user.uid):
        return None, inner
    own = set(state().groups_of(user.uid))
    found = (folder for folder in state().folders.values() if folder.mount_point == top and own & set(folder.groups))
    return next(found, None), inner


def _as_directory(inner: str) -> str:
    return f"{inner.strip('/')}/" if inner.strip("/") else ""


def _missing(inner: str) -> Response:
    return dav_error(404, "Sabre\\DAV\\Exception\\NotFound", f"File with name {inner} could not be located")


def _exists(folder: GroupFolder, inner: str) -> bool:
    return not inner or _as_directory(inner) in folder.files


def _head(folder: GroupFolder, inner: str) -> Response:
    return Response("", 200) if _exists(folder, inner) else _missing(inner)


def _make(folder: GroupFolder, inner: str) -> Response:
    if _exists(folder, inner):
        return dav_error(
            405, "Sabre\\DAV\\Exception\\MethodNotAllowed", "The resource you tried to create already exists"
        )
    parent = inner.strip("/").rpartition("/")[0]
    if not _exists(folder, parent):
        return dav_error(409, "Sabre\\DAV\\Exception\\Conflict", "Parent node does not exist")
    folder.files[_as_directory(inner)] = state().new_file_id()
    answer = Response("", 201)
    answer.headers["OC-FileId"] = f"{folder.files[_as_directory(inner)]:08d}{state().system['instanceid']}"
    return answer


def _put(folder: GroupFolder, inner: str) -> Response:
    folder.files.setdefault(inner.strip("/"), state().new_file_id())
    return Response("", 201)


def _delete(folder: GroupFolder, inner: str) -> Response:
    if not inner or not _exists(folder, inner):
        return _missing(inner)
    gone = _as_directory(inner)
    folder.files = {path: number for path, number in folder.files.items() if not path.startswith(gone)}
    return Response("", 204)


def _move(folder: GroupFolder, inner: str) -> Response:
    if not inner or not _exists(folder, inner):
        return _missing(inner)
    target_path = unquote(urlsplit(request.headers.get("Destination", "")).path)
    target_folder, target = _locate(target_path.partition("/dav/files/")[2].partition("/")[2])
    if target_folder is not folder:
        return dav_error(403, "Sabre\\DAV\\Exception\\Forbidden", "")
    old, new = _as_directory(inner), _as_directory(target)
    folder.files = {
        (new + path.removeprefix(old) if path.startswith(old) else path): number
        for path, number in folder.files.items()
    }
    return Response("", 201)


def _find_properties(folder: GroupFolder, inner: str) -> Response:
    if not _exists(folder, inner):
        return _missing(inner)
    here = _as_directory(inner)
    paths = [here]
    if request.headers.get("Depth", "1") != "0":
        paths += [path for path in folder.files if path.startswith(here) and path.removeprefix(here).count("/") == 1]
    answers = "".join(_properties(folder, path) for path in paths)
    return _multistatus(answers)


def _set_properties(folder: GroupFolder, inner: str) -> Response:
    if not _exists(folder, inner):
        return _missing(inner)
    rules = [_rule(element) for element in ElementTree.fromstring(request.get_data()).iter(f"{{{NEXTCLOUD_XML}}}acl")]
    folder.set_rules(inner, rules)
    href = escape(request.path)
    return _multistatus(
        f"<d:response><d:href>{href}</d:href><d:propstat><d:prop><nc:acl-list/></d:prop>"
        "<d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"
    )


def _rule(element: ElementTree.Element) -> dict[str, Any]:
    def text(name: str) -> str:
        return element.findtext(f"{{{NEXTCLOUD_XML}}}acl-{name}", "")

    return {
        "mapping": {"type": text("mapping-type"), "id": text("mapping-id")},
        "mask": int(text("mask")),
        "permissions": int(text("permissions")),
    }


def _properties(folder: GroupFolder, path: str) -> str:
    user = caller().user
    known = {
        "oc:fileid": str(folder.files.get(path, folder.root_file_id)),
        "nc:group-folder-id": str(folder.id),
        "oc:permissions": "RMGDNVCK",
    }
    wanted = _wanted_properties() or list(known)
    found = "".join(f"<{name}>{known[name]}</{name}>" for name in wanted if name in known)
    lacking = "".join(f"<{name}/>" for name in wanted if name not in known)
    href = escape(f"/remote.php/dav/files/{user.uid if user else ''}/{folder.mount_point}/{path}")
    absent = f"<d:propstat><d:prop>{lacking}</d:prop><d:status>HTTP/1.1 404 Not Found</d:status></d:propstat>"
    return (
        f"<d:response><d:href>{href}</d:href><d:propstat><d:prop>{found}</d:prop>"
        f"<d:status>HTTP/1.1 200 OK</d:status></d:propstat>{absent if lacking else ''}</d:response>"
    )


def _wanted_properties() -> list[str]:
    body = request.get_data()
    if not body:
        return []
    names = []
    for element in ElementTree.fromstring(body).iterfind("./{DAV:}prop/*"):
        uri, _unused, local = element.tag[1:].partition("}")
        names.append(f"{NAMESPACES.get(uri, 'd')}:{local}")
    return names


def _multistatus(inner: str) -> Response:
    body = (
        f'<?xml version="1.0"?>\n<d:multistatus {DECLARED} xmlns:s="http://sabredav.org/ns">{inner}</d:multistatus>\n'
    )
    return Response(body, 207, content_type="application/xml; charset=utf-8")


_DAV: dict[str, Any] = {
    "HEAD": _head,
    "PROPFIND": _find_properties,
    "PROPPATCH": _set_properties,
    "MKCOL": _make,
    "PUT": _put,
    "MOVE": _move,
    "DELETE": _delete,
}

_NEEDS = {"MKCOL": 4, "PUT": 4, "DELETE": 8}
"""Permissions that a request needs where it changes something: to create, to delete."""
