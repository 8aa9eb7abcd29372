# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of answers that the web server and the framework give."""

from __future__ import annotations

import html
import json
from typing import Any
from xml.sax.saxutils import escape

from flask import Response


def json_answer(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """JSON as PHP writes it, with escaped slashes and angle brackets."""
    text = json.dumps(data, separators=(",", ":")).replace("/", "\\/").replace("<", "\\u003C").replace(">", "\\u003E")
    return Response(text, status, headers, content_type="application/json; charset=utf-8")


def empty_answer(status: int) -> Response:
    """What the framework says to an unknown route (404) or verb (405)."""
    return Response("", status, content_type="text/html; charset=UTF-8")


def page(heading: str, text: str, status: int = 200, headers: dict[str, str] | None = None, head: str = "") -> Response:
    """A page in the guest layout; `head` are attributes of the head element."""
    body = (
        '<!DOCTYPE html>\n<html class="ng-csp" data-placeholder-focus="false" lang="en" data-locale="en">\n'
        f"<head {head}>\n<title>Nextcloud</title>\n</head>\n<body>\n<h2>{html.escape(heading)}</h2>\n"
        f"<p>{html.escape(text)}</p>\n</body>\n</html>\n"
    )
    return Response(body, status, headers, content_type="text/html; charset=UTF-8")


def crash_page() -> Response:
    """A PHP error that nobody caught (NC §1.1)."""
    return page("Internal Server Error", "The server was unable to complete your request.", 500)


def gateway_page(status: int = 502, reason: str = "Bad Gateway") -> Response:
    """What nginx says by itself, for instance when the PHP process died."""
    body = (
        f"<html>\r\n<head><title>{status} {reason}</title></head>\r\n<body>\r\n"
        f"<center><h1>{status} {reason}</h1></center>\r\n<hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n"
    )
    return Response(body, status, content_type="text/html")


def dav_error(status: int, exception: str, message: str) -> Response:
    body = (
        '<?xml version="1.0" encoding="utf-8"?>\n<d:error xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns">\n'
        f"  <s:exception>{exception}</s:exception>\n  <s:message>{escape(message)}</s:message>\n</d:error>\n"
    )
    return Response(body, status, content_type="application/xml; charset=utf-8")
