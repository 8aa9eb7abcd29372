# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No form of a secret, and no piece of one, in a message about what a server answered."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest

from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.client import Nextcloud
from ansible_collections.opnc.integration.plugins.module_utils._openproject.client import OpenProject
from unit.between import Said, Server
from unit.json_clients import PASSWORD, always, failure_of, make


def echoes(secret: str) -> dict[str, str]:
    """Every way in which a server, a proxy or a debugging page repeats what it got."""
    credentials = base64.b64encode(f"admin:{secret}".encode()).decode()
    plain = f"password {secret} refused"
    wrapped = "\n".join(credentials[i : i + 20] for i in range(0, len(credentials), 20))
    php = secret.replace("\\", "\\\\").replace('"', '\\"').replace("/", "\\/")
    return {
        "plain": plain,
        "JSON of Python": json.dumps({"x": secret}),
        "JSON of PHP": '{"x":"' + php.replace("<", "\\u003C").replace(">", "\\u003E").replace("€", "\\u20ac") + '"}',
        "JSON of Rails": '{"x":"'
        + php.replace("\\/", "/").replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
        + '"}',
        "address": f"GET /login?p={quote(secret, safe='')}",
        "address in lower case": f"GET /login?p={quote(secret, safe='').lower()}",
        "form": f"p={quote_plus(secret)}&x=1",
        "page of Python": f"<p>{html.escape(secret)}</p>",
        "page of PHP": f"<p>{html.escape(secret).replace('&#x27;', '&#039;')}</p>",
        "page of Ruby": f"<p>{html.escape(secret).replace('&#x27;', '&#39;')}</p>",
        "header": f"Authorization: Basic {credentials}",
        "header without padding": f"Basic {credentials.rstrip('=')}",
        "header in lines": f"Basic {wrapped}",
        "Base64": base64.b64encode(secret.encode()).decode(),
        "Base64 with a line feed": base64.b64encode(f"{secret}\n".encode()).decode(),
        "Python": repr(secret),
        "cut in the middle": "so on " * 31 + secret,
        "title": f"<title>{'so on ' * 32}{secret}</title>",
    }


def assert_clean(text: str, secret: str) -> None:
    """No form of a secret in a text, and no considerable piece of one."""
    for start in range(len(secret) - 7):
        assert secret[start : start + 8] not in text
    for form in echoes(secret).values():
        piece = max(form.split(), key=len)
        assert piece[:24] not in text


SECRETS = [PASSWORD, "sixteen-letters-of-a-plain-token", "x\"`$%:;{|}~\\^_[]()*+,-./!#&'<>=?@" * 2]


@pytest.mark.parametrize("secret", SECRETS, ids=["odd", "plain", "application password"])
@pytest.mark.parametrize("form", echoes("x"))
@pytest.mark.parametrize("content_type", ["text/html", "text/plain", "application/json"])
def test_a_server_that_repeats_the_request_gives_nothing_away(form: str, secret: str, content_type: str) -> None:
    """Field case O12: credentials are masked in every form, also where a message cuts a text."""
    body = echoes(secret)[form]
    if content_type == "application/json":
        body = json.dumps({"message": body, "error": body})
    with Server(always(Said(500, body, (("Content-Type", content_type),)))) as server:
        for kind in (Nextcloud, OpenProject):
            failure = failure_of(make(kind, server.url, password=secret), "POST")
            assert_clean(failure.message, secret)
            assert_clean(repr(failure.facts), secret)
            assert "********" in failure.message or form in ("cut in the middle", "title")
