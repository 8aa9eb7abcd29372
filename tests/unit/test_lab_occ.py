# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab's occ must do beyond what the recordings show: states that tests switch on, and the way to it."""

from __future__ import annotations

import datetime
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lab.nextcloud.occ import run
from lab.nextcloud.profiles import PROFILES
from lab.nextcloud.server import NextcloudServer
from lab.nextcloud.state import GROUPFOLDERS, INTEGRATION, OPENPROJECT, App
from lab.plumbing import Faults

STATUS = ["status", "--output=json"]
OCS = {"OCS-APIRequest": "true"}


@pytest.fixture(params=PROFILES)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NextcloudServer]:
    made = NextcloudServer(request.param, Faults(), tmp_path)
    made.start()
    yield made
    made.stop()


def occ(server: NextcloudServer, *argv: str, stdin: str = "", **environment: str) -> tuple[int, str, str]:
    return run(server, argv, environment, stdin)


def is_29(server: NextcloudServer) -> bool:
    return server.profile.major == 29


# The executable


def test_the_executable_hands_over_words_environment_and_standard_input(server: NextcloudServer) -> None:
    made = subprocess.run(
        [*server.occ, "user:add", "--password-from-env", "--display-name=Ä b", "someone"],
        env={"OC_PASS": "Very-long-pass-9182"},
        input="",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout == 'The account "someone" was created successfully\nDisplay name set to "Ä b"\n'
    imported = subprocess.run(
        [*server.occ, "config:import"], input='{"apps":{"x":{"k":"v"}}}', capture_output=True, text=True, check=False
    )
    assert imported.stdout == "Config successfully imported from: \n"
    assert server.state.app_value("x", "k") == "v"
    refused = subprocess.run(
        [*server.occ, "user:info"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert (refused.returncode, refused.stdout) == (1, "")
    assert 'Not enough arguments (missing: "user").' in refused.stderr
    assert [words[0] for words in server.occ_starts] == ["user:add", "config:import", "user:info"]


def test_read_only_refuses_what_would_change_something(server: NextcloudServer) -> None:
    server.read_only = True
    for words in (
        ["app:disable", INTEGRATION],
        ["config:app:set", "x", "k", "--value=v"],
        ["maintenance:mode", "--on"],
        ["groupfolders:create", "x"],
        ["user:add", "--password-from-env", "x"],
    ):
        code, out, err = occ(server, *words, OC_PASS="Very-long-pass-9182")
        assert (code, out) == (1, "")
        assert "The lab is read-only" in err
    assert [exchange.path for exchange in server.refused] == [
        "app:disable",
        "config:app:set",
        "maintenance:mode",
        "groupfolders:create",
        "user:add",
    ]
    for words in (STATUS, ["app:list"], ["config:list"], ["maintenance:mode"], ["app:update", "--all", "--showonly"]):
        assert occ(server, *words)[0] == 0
    assert len(server.refused) == 5


# The process


@pytest.mark.parametrize("account", ["root", "somebody"])
def test_a_wrong_account_is_refused_except_that_newer_servers_help_root(server: NextcloudServer, account: str) -> None:
    server.state.surroundings.account = account
    code, out, _unused = occ(server, *STATUS)
    if is_29(server):
        assert code == 1
        assert out.startswith("Console has to be executed with the user that owns the file config/config.php\n")
        assert f"Current user id: {0 if account == 'root' else 65534}\n" in out
    elif account == "root":
        assert json.loads(out)["installed"]
    else:
        assert code == 1
        assert out.startswith("An unhandled exception has been thrown:\n")


def test_an_unreadable_configuration_is_exit_code_0(server: NextcloudServer) -> None:
    server.state.surroundings.account = "somebody"
    server.state.surroundings.config_readable = False
    code, out, _unused = occ(server, *STATUS)
    assert code == 0
    assert out.startswith('Cannot write into "config" directory!\n')


@pytest.mark.parametrize(
    ("name", "value", "code", "beginning"),
    [
        ("missing_apps_path", "/nowhere", 0, 'App directory "/nowhere" not found!'),
        ("php_fatal", "PHP Fatal error:  Uncaught Error: Class not found", 255, ""),
        ("unhandled", "PDOException: no database", 1, "An unhandled exception has been thrown:\nPDOException"),
        ("data_directory_valid", False, 1, "Your data directory is invalid."),
        ("occ_present", False, 1, "Could not open input file: occ"),
    ],
)
def test_a_broken_server_answers_every_command_alike(
    server: NextcloudServer, name: str, value: Any, code: int, beginning: str
) -> None:
    setattr(server.state.surroundings, name, value)
    for words in (STATUS, ["app:list"], ["groupfolders:list"]):
        answer = occ(server, *words)
        assert answer[0] == code
        assert answer[1].startswith(beginning)
        assert '"installed"' not in answer[1]
    if name == "php_fatal":
        assert occ(server, *STATUS)[2] == f"{value}\n"


def test_no_warnings_counts_only_before_options_of_the_command(server: NextcloudServer) -> None:
    server.state.maintenance = True
    warning = "Nextcloud is in maintenance mode, no apps are loaded."
    assert warning in occ(server, "app:list", "--output=json")[2]
    assert warning not in occ(server, "--no-warnings", "--no-ansi", "-n", "app:list", "--output=json")[2]
    assert warning in occ(server, "app:list", "--output=json", "--no-warnings")[2]


def test_noise_of_php_comes_before_the_json(server: NextcloudServer) -> None:
    around = server.state.surroundings
    around.pcntl_disabled, around.memory_limit_low, around.php_warning = True, True, "PHP Warning:  something"
    code, out, err = occ(server, *STATUS)
    assert code == 0
    assert json.loads(out.splitlines()[-1])["installed"]
    assert len(out.splitlines()) == 3
    assert err.splitlines() == [
        "PHP Warning:  something",
        "The current PHP memory limit is below the recommended value of 512MB.",
    ]


def test_commands_of_apps_vanish_while_an_app_waits_for_an_upgrade(server: NextcloudServer) -> None:
    server.state.apps[INTEGRATION].version = "9.9.9"
    assert json.loads(occ(server, *STATUS)[1])["needsDbUpgrade"]
    code, _unused, err = occ(server, "groupfolders:list")
    assert code == 1
    assert 'There are no commands defined in the "groupfolders" namespace.' in err
    assert occ(server, "upgrade", "-n")[0] == 0
    assert occ(server, "groupfolders:list")[0] == 0
    assert server.state.app_value(INTEGRATION, "installed_version") == "9.9.9"


# Passwords


def test_which_variable_holds_the_password_depends_on_version_and_command(server: NextcloudServer) -> None:
    add = ["user:add", "--password-from-env", "someone"]
    code, out, _unused = occ(server, *add, NC_PASS="Very-long-pass-9182")
    if is_29(server):
        assert (code, out) == (1, "--password-from-env given, but OC_PASS is empty!\n")
        assert occ(server, *add, OC_PASS="Very-long-pass-9182")[0] == 0
        token = ["user:auth-tokens:add", "--password-from-env", "someone"]
        assert occ(server, *token, OC_PASS="x")[1] == "--password-from-env given, but NC_PASS is empty!\n"
        assert occ(server, *token, NC_PASS="x")[0] == 0
    else:
        assert code == 0
        server.state.surroundings.environment = {"NC_PASS": "Inherited-long-pass-1"}
        assert occ(server, "user:resetpassword", "--password-from-env", "someone", OC_PASS="Own-long-pass-12")[0] == 0
        assert server.state.user("someone").password == "Inherited-long-pass-1"


def test_an_application_password_made_by_occ_lets_its_user_in(server: NextcloudServer) -> None:
    user, _unused = server.admin
    code, out, _unused = occ(server, "user:auth-tokens:add", user, "-n")
    assert code == 0
    found = server.state.authenticate(user, out.splitlines()[-1])
    assert found is not None
    assert found[1] is not None
    assert found[1].name == "cli"


# Apps


def test_a_store_that_fails_once_is_remembered_as_failing(server: NextcloudServer) -> None:
    state = server.state
    del state.apps[GROUPFOLDERS]
    state.app_config.pop(GROUPFOLDERS)
    state.surroundings.store.offers = {GROUPFOLDERS: server.profile.groupfolders_version}
    state.surroundings.store.failures = 1
    for _attempt in range(2):
        code, out, _unused = occ(server, "app:enable", GROUPFOLDERS, INTEGRATION)
        assert code == 1
        assert out.startswith(f"Could not download app {GROUPFOLDERS}")
        assert out.endswith(f"{INTEGRATION} already enabled\n")
    occ(server, "config:app:delete", "settings", "appstore-fetcher-lastFailure")
    version = server.profile.groupfolders_version
    assert occ(server, "app:enable", GROUPFOLDERS) == (0, f"{GROUPFOLDERS} {version} enabled\n", "")
    assert occ(server, "groupfolders:list")[0] == 0


@pytest.mark.parametrize("setting", ["appstoreenabled", "has_internet_connection"])
def test_a_store_that_is_switched_off_offers_nothing(server: NextcloudServer, setting: str) -> None:
    server.state.surroundings.store.offers = {"contacts": "1.0.0"}
    server.state.system[setting] = False
    assert occ(server, "app:install", "contacts")[0] == 1
    server.state.system[setting] = True
    assert occ(server, "app:install", "contacts") == (0, "contacts 1.0.0 installed\ncontacts enabled\n", "")


def test_an_app_can_be_limited_to_groups_and_stays_so_on_older_versions(server: NextcloudServer) -> None:
    state = server.state
    state.apps["calendar"] = App("calendar", "1.2.3", name="Calendar")
    state.create_group("staff")
    words = ["app:enable", "-g", "staff", "-g", "nobody", "calendar"]
    assert occ(server, *words) == (0, "calendar 1.2.3 enabled for groups: staff\n", "")
    assert state.app_groups("calendar") == ["staff"]
    lifts = server.profile.major >= 34
    said = "calendar 1.2.3 enabled\n" if lifts else "calendar already enabled\n"
    assert occ(server, "app:enable", "calendar") == (0, said, "")
    assert state.app_groups("calendar") == (None if lifts else ["staff"])
    assert "calendar" in json.loads(occ(server, "app:list", "--output=json")[1])["enabled"]


def test_an_app_that_comes_from_the_store_starts_clean(server: NextcloudServer) -> None:
    assert occ(server, "app:remove", INTEGRATION)[0] == 0
    assert INTEGRATION not in server.state.apps
    server.state.surroundings.store.offers = {INTEGRATION: server.profile.integration_version}
    assert occ(server, "app:enable", INTEGRATION)[0] == 0
    assert server.state.app_enabled(INTEGRATION)


# Remedies that a message names


@pytest.mark.parametrize(
    ("words", "said", "lets_in"),
    [
        (["--on"], "enforced for all users", False),
        (["--on", "--group=admin"], "enforced for members of the group(s) admin", False),
        (["--on", "--group=staff"], "enforced for members of the group(s) staff", True),
        (["--on", "--exclude=admin"], "enforced for all users, except members of admin", True),
        (["--on", "--group=admin", "--exclude=admin"], "enforced for members of the group(s) admin, except", False),
        (["--off"], "not enforced", True),
    ],
)
def test_the_second_factor_is_enforced_for_whom_it_is_said(
    server: NextcloudServer, words: list[str], said: str, lets_in: bool
) -> None:
    assert f"Two-factor authentication is {said}" in occ(server, "twofactorauth:enforce", *words)[1]
    asked = requests.get(f"{server.url}/ocs/v2.php/cloud/user", auth=server.admin, headers=OCS, timeout=10)
    assert asked.status_code == (200 if lets_in else 401)


def test_the_throttle_ends_for_the_address_that_is_named(server: NextcloudServer) -> None:
    server.state.login_fails = 11
    occ(server, "security:bruteforce:reset", "192.0.2.1")
    assert server.state.login_fails == 11
    assert occ(server, "security:bruteforce:reset", "127.0.0.1") == (0, "", "")
    assert server.state.login_fails == 0


# Protection, certificates


def test_the_app_protects_its_user_and_groups_while_it_is_enabled(server: NextcloudServer) -> None:
    server.state.create_user(OPENPROJECT, "Very-long-pass-9182")
    server.state.create_group(OPENPROJECT)
    for words in (["user:delete", OPENPROJECT], ["user:disable", OPENPROJECT], ["group:delete", OPENPROJECT]):
        code, out, err = occ(server, *words)
        assert (code, out) == (255, "")
        assert err.startswith("\nIn ")
    assert server.state.user(OPENPROJECT).enabled
    occ(server, "app:disable", INTEGRATION)
    assert occ(server, "user:delete", OPENPROJECT) == (0, "The specified user was deleted\n", "")
    assert occ(server, "group:delete", OPENPROJECT)[0] == 0


def certificate(name: str) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begin = datetime.datetime(2026, 1, 1)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    dated = builder.not_valid_before(begin).not_valid_after(begin + datetime.timedelta(days=30))
    return dated.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def test_certificates_come_from_a_file_and_keep_its_name(server: NextcloudServer, tmp_path: Path) -> None:
    file = tmp_path / "authority.pem"
    file.write_text(certificate("Our authority"), encoding="utf-8")
    assert occ(server, "security:certificates:import", str(file)) == (0, "", "")
    (listed,) = json.loads(occ(server, "security:certificates", "--output=json")[1])
    assert (listed["name"], listed["common_name"]) == ("authority.pem", "Our authority")
    assert "Our authority" in occ(server, "security:certificates")[1]
    assert occ(server, "security:certificates:remove", "authority.pem") == (0, "", "")
    assert occ(server, "security:certificates", "--output=json")[1] == "[]\n"


def test_what_is_no_certificate_is_refused(server: NextcloudServer, tmp_path: Path) -> None:
    assert occ(server, "security:certificates:import", str(tmp_path / "missing.pem"))[0] == 1
    file = tmp_path / "broken.pem"
    file.write_text("-----BEGIN CERTIFICATE-----\n", encoding="utf-8")
    code, _unused, err = occ(server, "security:certificates:import", str(file))
    assert code == 1
    assert "Certificate could not get parsed." in err
    assert server.state.certificates == {}
