# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of all scenarios use: the simulated servers, seen from outside."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import pytest
import requests


class Server:
    """One product, asked by its own API with its administrator's credentials."""

    def __init__(self, description: dict[str, t.Any]) -> None:
        self.description = description
        self.url: str = description["url"]
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = description["ca_path"] or True

    def get(self, path: str) -> dict[str, t.Any]:
        """The JSON object behind a path."""
        user, password = self.description["username"], self.description["password"]
        response = self._session.get(
            self.url + path,
            auth=(user, password),
            headers={"Accept": "application/json", "OCS-APIRequest": "true"},
            timeout=10,
        )
        response.raise_for_status()
        content = response.json()
        assert isinstance(content, dict)
        return content


@pytest.fixture(scope="session")
def lab() -> dict[str, t.Any]:
    content = json.loads(Path(os.environ["OPNC_LAB"]).read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


@pytest.fixture(scope="session")
def nextcloud(lab: dict[str, t.Any]) -> Server:
    return Server(lab["nextcloud"])


@pytest.fixture(scope="session")
def openproject(lab: dict[str, t.Any]) -> Server:
    return Server(lab["openproject"])
