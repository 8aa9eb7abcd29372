# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules over occ on the simulated Nextcloud: check, run, check, run, for present, changed and absent."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lab import Lab
from unit.labs import Labs


def authority(name: str) -> str:
    """A certificate of an authority, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begin = datetime.datetime(2026, 1, 1)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    dated = builder.not_valid_before(begin).not_valid_after(begin + datetime.timedelta(days=3650))
    return dated.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


APPS = ["integration_openproject", "groupfolders"]
CONFIG: dict[str, t.Any] = {
    "system": {
        "allow_local_remote_servers": True,
        "opnc_test": {"list": [1, "ü\n"], "map": {"on": True, "off": False}},
    },
    "apps": {"opnc_test": {"flag": True, "text": "ä 'x' \"y\"", "list": ["a"], "number": 3}},
    "secret_system": {"opnc_test": {"map": {"word": "long-secret-1"}}},
    "secret_apps": {"opnc_test": {"hidden": "long-secret-2"}},
}
CHANGED_CONFIG: dict[str, t.Any] = {
    "system": {"opnc_test": {"list": {1: "b"}, "map": {"on": None}}},
    "apps": {"opnc_test": {"flag": False, "text": "b"}},
}
NO_CONFIG: dict[str, t.Any] = {
    "system": {"opnc_test": None},
    "apps": {"opnc_test": dict.fromkeys(("flag", "text", "list", "number", "hidden"))},
}
CYCLES: list[tuple[str, list[dict[str, t.Any]]]] = [
    ("nextcloud_config", [CONFIG, CHANGED_CONFIG, NO_CONFIG]),
    (
        "nextcloud_app",
        [{"name": APPS, "state": "disabled"}, {"name": APPS}, {"name": ["integration_openproject"], "state": "absent"}],
    ),
    (
        "nextcloud_certificate",
        [
            {"name": "ca", "content": authority("first")},
            {"name": "ca", "content": authority("second")},
            {"name": "ca", "state": "absent"},
        ],
    ),
]


@pytest.fixture(params=["29", "32"])
def lab(request: pytest.FixtureRequest, labs: Labs) -> Lab:
    """Both simulated servers."""
    return labs.fresh(request.param)


@pytest.mark.parametrize(("name", "desires"), CYCLES, ids=[name for name, _wishes in CYCLES])
def test_check_run_check_run(run_module: t.Any, lab: Lab, name: str, desires: list[dict[str, t.Any]]) -> None:
    for desired in desires:
        args = {**desired, "occ_command": lab.nextcloud.occ}
        lab.nextcloud.read_only = True
        check = run_module(name, args, check_mode=True)
        assert lab.nextcloud.refused == []
        lab.nextcloud.read_only = False
        real = run_module(name, args)
        assert check["changed"] is True
        assert (real["changed"], real["actions"], real["diff"]) == (True, check["actions"], check["diff"])
        assert run_module(name, args, check_mode=True)["changed"] is False
        lab.nextcloud.read_only = True
        again = run_module(name, args)
        assert (again["changed"], again["actions"]) == (False, [])
        assert again["diff"]["before"] == again["diff"]["after"]
        lab.nextcloud.read_only = False


def test_an_app_limited_to_groups_is_seen_and_opened(run_module: t.Any, lab: Lab) -> None:
    connection = {"occ_command": lab.nextcloud.occ}
    limited = run_module("nextcloud_app", {"name": ["integration_openproject"], "groups": ["admin"], **connection})
    assert limited["apps"]["integration_openproject"]["groups"] == ["admin"]
    opened = run_module("nextcloud_app", {"name": APPS, **connection})
    assert opened["actions"] == [
        "enable the app integration_openproject for everybody instead of the groups admin only"
    ]
    assert run_module("nextcloud_app", {"name": APPS, **connection})["changed"] is False


@pytest.mark.usefixtures("real_sockets_and_processes")
@pytest.mark.parametrize(
    ("args", "starts"),
    [
        (("nextcloud_app", {"name": APPS}), 1),
        (("nextcloud_config", {"apps": {"groupfolders": {"enabled": "yes"}}}), 1),
        (("nextcloud_certificate", {"name": "ca", "state": "absent"}), 1),
    ],
)
def test_nothing_to_change_costs_one_start(run_module: t.Any, lab: Lab, args: tuple[str, t.Any], starts: int) -> None:
    name, options = args
    assert run_module(name, {**options, "occ_command": lab.nextcloud.occ})["changed"] is False
    assert len(lab.nextcloud.occ_starts) == starts


def test_maintenance_is_named(run_module: t.Any, lab: Lab) -> None:
    connection = {"occ_command": lab.nextcloud.occ}
    run_module("nextcloud_occ", {"command": ["maintenance:mode", "--on"], **connection})
    result = run_module("nextcloud_occ", {"command": ["groupfolders:list"], "changes": False, **connection})
    assert result["error"]["cause"] == "maintenance"
    assert "maintenance:mode --off" in result["msg"]


def test_an_app_that_nobody_has_is_named(run_module: t.Any, lab: Lab) -> None:
    result = run_module("nextcloud_app", {"name": [*APPS, "no_such_app"], "occ_command": lab.nextcloud.occ})
    assert result["error"]["apps"] == ["no_such_app"]
    assert "no_such_app" in result["msg"]
