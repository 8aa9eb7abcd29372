# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What conformance itself rests on: which requests count, what stands for what, and what may differ."""

from __future__ import annotations

import json

import pytest

from conformance.compare import Answer, Comparison
from conformance.identities import Conflict, Identities
from conformance.scope import NEXTCLOUD, OPENPROJECT
from conformance.sent import PRODUCT_AGENT, PRODUCT_FLAGS, Sent
from lab.plumbing import COMMAND, Exchange


def request(server: str, method: str, path: str, agent: str = PRODUCT_AGENT, *, peer: bool = False) -> Exchange:
    return Exchange(method, path, "", {"User-Agent": agent}, "", server=server, peer=peer)


def command(*words: str) -> Exchange:
    return Exchange(COMMAND, "", "", {}, json.dumps(words), server=NEXTCLOUD)


@pytest.mark.parametrize(
    ("exchange", "unlisted"),
    [
        (request(NEXTCLOUD, "GET", "/status.php"), []),
        (request(NEXTCLOUD, "PATCH", "/sub/path/index.php/apps/integration_openproject/setup"), []),
        (request(NEXTCLOUD, "PUT", "/index.php/apps/integration_openproject/setup"), ["PUT"]),
        (request(NEXTCLOUD, "GET", "/somewhere"), ["GET"]),
        (request(NEXTCLOUD, "GET", "/somewhere", peer=True), []),
        (request(NEXTCLOUD, "GET", "/somewhere", "python-requests/2"), []),
        (request(OPENPROJECT, "GET", "/op/api/v3/storages/7"), []),
        (request(OPENPROJECT, "PUT", "/api/v3/storages/7"), ["PUT"]),
        (command(*PRODUCT_FLAGS, "app:list", "--output=json"), []),
        (command(*PRODUCT_FLAGS, "background:cron"), ["background:cron"]),
        (command("background:cron"), []),
    ],
)
def test_a_request_of_the_product_that_the_list_lacks_is_noticed(exchange: Exchange, unlisted: list[str]) -> None:
    sent = Sent()
    sent.observe(exchange)
    assert len(sent.unlisted) == len(unlisted)
    assert all(word in what for word, what in zip(unlisted, sent.unlisted, strict=True))


def compared(recorded: object, lab: object, identities: Identities | None = None) -> list[str]:
    kind = "application/json"
    return Comparison(identities or Identities({})).of_http(
        Answer(200, json.dumps(recorded), kind), Answer(200, json.dumps(lab), kind)
    )


def test_ids_are_learnt_and_expected_from_there_on() -> None:
    identities = Identities({})
    storage = {"_type": "Storage", "id": 7, "_links": {"self": {"href": "/api/v3/storages/7"}}}
    here = {"_type": "Storage", "id": 3, "_links": {"self": {"href": "/api/v3/storages/3"}}}
    assert compared(storage, here, identities) == []
    assert identities.translate("/api/v3/storages/7/open") == "/api/v3/storages/3/open"
    other = {"_type": "Storage", "id": 4, "_links": {"self": {"href": "/api/v3/storages/4"}}}
    assert compared(storage, other, identities) != []


def test_a_value_cannot_stand_for_two() -> None:
    identities = Identities({"a-secret-of-the-recording": "one"})
    with pytest.raises(Conflict):
        identities.learn_text("a-secret-of-the-recording", "two")


def test_secrets_are_translated_within_basic_authentication() -> None:
    identities = Identities({"Adm1n": "another"})
    # admin:Adm1n
    assert identities.translate("Basic YWRtaW46QWRtMW4=") == "Basic YWRtaW46YW5vdGhlcg=="


@pytest.mark.parametrize(
    ("recorded", "lab", "same"),
    [
        ({"createdAt": "2026-11-25T13:06:33.857Z"}, {"createdAt": "2026-11-26T01:00:00.000Z"}, True),
        ({"createdAt": "2026-11-25T13:06:33.857Z"}, {"createdAt": None}, False),
        ({"last_seen": "never"}, {"last_seen": "2026-11-25T13:06:33+00:00"}, False),
        ({"lastActivity": 1795613172}, {"lastActivity": "never"}, False),
        ({"name": "nc"}, {"name": "other"}, False),
        ({"a": []}, {"a": {}}, False),
        ({"a": 1}, {"a": True}, False),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ([1, 2], [2, 1], False),
        ({"storage": {"free": 8014738, "quota": -3}}, {"storage": {"free": 1, "quota": -3}}, True),
        ({"storage": {"free": 8014738, "quota": -3}}, {"storage": {"free": 1, "quota": 5}}, False),
    ],
)
def test_only_what_is_random_or_a_time_may_differ(recorded: object, lab: object, same: bool) -> None:
    assert (compared(recorded, lab) == []) is same
