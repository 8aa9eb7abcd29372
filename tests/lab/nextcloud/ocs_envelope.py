# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The envelope of OCS answers (NC §5.2, §5.5): versions 1 and 2, JSON and XML."""

from __future__ import annotations

from html import escape
from typing import Any

from flask import Response, request

from lab.nextcloud.answers import json_answer

OK = {1: 100, 2: 200}
HTTP_STATUS = {997: 401, 998: 404, 999: 500, 996: 500}


class OcsError(Exception):
    """An OCS failure: statuscode, message, data."""

    def __init__(self, code: int, message: str = "", data: Any = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


def _version() -> int:
    return 1 if request.path.startswith("/ocs/v1.php") else 2


def envelope(status: str, code: int, message: str, data: Any, *, first_version: bool) -> dict[str, Any]:
    meta: dict[str, Any] = {"status": status, "statuscode": code, "message": message}
    if first_version:
        meta |= {"totalitems": "", "itemsperpage": ""}
    return {"ocs": {"meta": meta, "data": data if data or isinstance(data, (bool, str)) else []}}


def _wants_json() -> bool:
    return request.args.get("format") == "json" or (
        "format" not in request.args and "json" in request.headers.get("Accept", "")
    )


def _answer(body: dict[str, Any], status: int) -> Response:
    if _wants_json():
        return json_answer(body, status)
    return _xml_answer(body["ocs"]["meta"], body["ocs"]["data"], status, "application/xml; charset=utf-8")


def _xml_answer(meta: dict[str, Any], data: Any, status: int, content_type: str) -> Response:
    text = f'<?xml version="1.0"?>\n<ocs>\n <meta>\n{_xml(meta, 2)} </meta>\n <data>\n{_xml(data, 2)} </data>\n</ocs>\n'
    return Response(text.replace("<data>\n </data>", "<data/>"), status, content_type=content_type)


def _xml(data: Any, depth: int) -> str:
    pairs = data.items() if isinstance(data, dict) else (("element", value) for value in data)
    lines = ""
    for key, value in pairs:
        tag = key if not str(key)[:1].isdigit() else "element"
        inner = (
            f"\n{_xml(value, depth + 1)}{' ' * depth}" if isinstance(value, (dict, list)) else escape(_php_text(value))
        )
        lines += f"{' ' * depth}<{tag}>{inner}</{tag}>\n"
    return lines


def _php_text(value: Any) -> str:
    return ("1" if value else "") if isinstance(value, bool) else "" if value is None else str(value)


def ocs_success(data: Any = ()) -> Response:
    version = _version()
    return _answer(envelope("ok", OK[version], "OK", data, first_version=version == 1), 200)


def ocs_failure(code: int, message: str, data: Any = ()) -> Response:
    """Version 1 answers HTTP 200 to everything but a missing login; version 2 puts the code into the HTTP status."""
    version = _version()
    status = HTTP_STATUS.get(code, code if code >= 400 else 400)
    if version == 1 and code not in (997, 429):
        status = 200
    return _answer(envelope("failure", code, message, data, first_version=version == 1), status)


def service_unavailable(headers: dict[str, str]) -> Response:
    """Maintenance or upgrade: here only `?format=json` brings JSON, the Accept header is not looked at."""
    body = envelope("failure", 503, "Service unavailable", (), first_version=_version() == 1)
    if request.args.get("format") == "json":
        answer = json_answer(body, 503)
    else:
        answer = _xml_answer(body["ocs"]["meta"], [], 503, "text/xml; charset=UTF-8")
    answer.headers.update(headers)
    return answer


def unknown_route() -> Response:
    return ocs_failure(
        998,
        "Invalid query, please check the syntax. API specifications are here: "
        "http://www.freedesktop.org/wiki/Specifications/open-collaboration-services.\n",
    )
