# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module nextcloud_certificate."""

from __future__ import annotations

import base64
import hashlib
import typing as t
from pathlib import Path

import pytest

LIST = "security:certificates --output=json"
IMPORT = "security:certificates:import FILE"


def pem(text: str) -> str:
    """Something in the shape of a certificate."""
    return f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(text.encode()).decode()}\n-----END CERTIFICATE-----\n"


CA = pem("the certificate of an authority")
NEW_CA = pem("the renewed certificate of an authority")


def stored(content: str, name: str = "company-ca") -> str:
    """The name of the file that Nextcloud stores it as."""
    return f"{name}.{hashlib.sha256(content.encode()).hexdigest()[:16]}.pem"


def listed(*names: str) -> list[dict[str, str]]:
    """What occ lists."""
    return [{"name": name, "common_name": "CA", "expire": "2036-01-01T00:00:00+00:00"} for name in names]


@pytest.fixture
def run(run_module: t.Any, fake_occ: t.Any) -> t.Callable[..., dict[str, t.Any]]:
    """Run the module over the stand-in of occ."""

    def run_with(check_mode: bool = False, **args: t.Any) -> dict[str, t.Any]:
        arguments = {"occ_command": [fake_occ.path], "name": "company-ca", **args}
        result: dict[str, t.Any] = run_module("nextcloud_certificate", arguments, check_mode=check_mode)
        return result

    return run_with


@pytest.mark.usefixtures("on_path")
@pytest.mark.parametrize(
    "exec_", [[], ["docker", "exec", "--interactive", "nextcloud"], ["runuser", "-u", "www-data", "--"]]
)
def test_a_certificate_is_imported_through_every_entrance(run: t.Any, fake_occ: t.Any, exec_: list[str]) -> None:
    fake_occ.answer(LIST, listed("another.pem"))
    fake_occ.answer(IMPORT, "")
    check = run(content=f"some text\n{CA}", occ_exec=exec_, check_mode=True)
    assert fake_occ.commands == [LIST]
    result = run(content=f"some text\n{CA}", occ_exec=exec_)
    assert result["actions"] == ["import certificate company-ca"]
    assert result["certificate"] == {"name": "company-ca", "files": [stored(CA)]}
    assert (result["changed"], result["actions"], result["diff"]) == (True, check["actions"], check["diff"])
    ((path, content),) = fake_occ.starts[-1]["files"].items()
    assert Path(path).name == stored(CA)
    assert content == CA
    assert not Path(path).exists()


def test_an_imported_certificate_costs_one_start(run: t.Any, fake_occ: t.Any, tmp_path: Path) -> None:
    fake_occ.answer(LIST, listed("another.pem", stored(CA)))
    path = tmp_path / "ca.pem"
    path.write_text(CA.replace("\n", "\r\n"))
    result = run(path=str(path))
    assert result["changed"] is False
    assert fake_occ.commands == [LIST]


def test_a_renewed_certificate_replaces_the_old_one(run: t.Any, fake_occ: t.Any) -> None:
    """The new one comes before the old one goes; one that was imported by hand under the name goes too."""
    fake_occ.answer(LIST, listed(stored(CA), "company-ca", stored(CA, "company-ca-2")))
    fake_occ.answer("*", "")
    result = run(content=NEW_CA)
    assert result["actions"] == [
        "replace certificate company-ca",
        "remove the former file company-ca of certificate company-ca",
        f"remove the former file {stored(CA)} of certificate company-ca",
    ]
    assert result["diff"]["before"]["files"] == ["company-ca", stored(CA)]
    assert result["diff"]["after"]["files"] == [stored(NEW_CA)]
    assert fake_occ.starts[1]["argv"][3] == "security:certificates:import"
    assert fake_occ.commands[2:] == [
        "security:certificates:remove company-ca",
        f"security:certificates:remove {stored(CA)}",
    ]


def test_a_left_over_is_removed_without_a_new_import(run: t.Any, fake_occ: t.Any) -> None:
    """A run that died between import and removal is finished by the next one."""
    fake_occ.answer(LIST, listed(stored(CA), stored(NEW_CA)))
    fake_occ.answer("*", "")
    run(content=NEW_CA)
    assert fake_occ.commands[1:] == [f"security:certificates:remove {stored(CA)}"]


def test_a_bundle_is_one_certificate(run: t.Any, fake_occ: t.Any) -> None:
    fake_occ.answer(LIST, [])
    fake_occ.answer(IMPORT, "")
    result = run(content=f"{CA}\n# intermediate\n{NEW_CA}")
    assert result["certificate"]["files"] == [stored(CA + NEW_CA)]
    assert list(fake_occ.starts[-1]["files"].values()) == [CA + NEW_CA]


@pytest.mark.parametrize("check_mode", [True, False])
def test_absent_removes_all_of_the_name(run: t.Any, fake_occ: t.Any, check_mode: bool) -> None:
    fake_occ.answer(LIST, listed(stored(CA), "other.pem"))
    fake_occ.answer("*", "")
    result = run(state="absent", check_mode=check_mode)
    assert (result["changed"], result["actions"]) == (True, ["remove certificate company-ca"])
    assert result["certificate"] == {}
    assert fake_occ.commands[1:] == ([] if check_mode else [f"security:certificates:remove {stored(CA)}"])


def test_absent_and_not_there_changes_nothing(run: t.Any, fake_occ: t.Any) -> None:
    fake_occ.answer(LIST, [])
    assert run(state="absent")["changed"] is False


def test_a_refusal_is_quoted_with_a_remedy(run: t.Any, fake_occ: t.Any) -> None:
    fake_occ.answer(LIST, [])
    fake_occ.answer("*", "Certificate not found, please provide a path accessible by the web server user\n", rc=1)
    result = run(content=CA)
    assert "Could not import the certificate company-ca into Nextcloud" in result["msg"]
    assert "Certificate not found" in result["msg"]
    assert "TMPDIR" in result["msg"]


@pytest.mark.parametrize(
    ("args", "named"),
    [
        ({"content": "no certificate"}, "content holds no certificate"),
        ({"content": CA + "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"}, "private key"),
        ({"content": CA + "-----BEGIN CERTIFICATE-----\nAAAA"}, "broken"),
        ({"path": "/nowhere/ca.pem"}, "/nowhere/ca.pem"),
        ({"content": CA, "name": "../x"}, "../x"),
        ({"content": CA, "name": ""}, "name"),
    ],
)
def test_bad_input_is_named_before_the_first_start(
    run: t.Any, fake_occ: t.Any, args: dict[str, t.Any], named: str
) -> None:
    result = run(**args)
    assert result["error"]["type"] == "BadInput"
    assert named in result["msg"]
    assert fake_occ.starts == []


@pytest.mark.parametrize("args", [{}, {"content": CA, "path": "/x"}])
def test_content_or_path_is_asked_for(run: t.Any, args: dict[str, t.Any]) -> None:
    assert run(**args)["failed"] is True
