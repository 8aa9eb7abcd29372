# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""occ: how it is started, what of its answer counts, and what a failure says."""

from __future__ import annotations

import json
import shlex
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.opnc.integration.plugins.module_utils._core.command import Completed
from ansible_collections.opnc.integration.plugins.module_utils._core.diagnosis import diagnose_prefix
from ansible_collections.opnc.integration.plugins.module_utils._core.errors import BadInput, CommandError
from ansible_collections.opnc.integration.plugins.module_utils._core.exec_prefix import ExecPrefix
from ansible_collections.opnc.integration.plugins.module_utils._core.module import Call
from ansible_collections.opnc.integration.plugins.module_utils._core.secrets import Secrets
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.occ import Occ, find_json
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.occ_diagnosis import diagnose, first_sentence

STATUS = {"installed": True, "version": "32.0.1.2", "maintenance": False, "needsDbUpgrade": False}
SECRET = ' -"it\'s" $HOME `id` \\ %s {{ x }} ü '
SU = ["su", "-s", "/bin/sh", "www-data", "-c", 'exec "$0" "$@"']
ENTRANCES = {
    "docker": ["docker", "exec", "--interactive", "--user", "www-data", "nextcloud"],
    "podman": ["podman", "exec", "--interactive", "--user", "www-data", "nextcloud"],
    "kubectl": ["kubectl", "exec", "--stdin", "deploy/nextcloud", "--", *SU, "--"],
    "runuser": ["runuser", "-u", "www-data", "--"],
    "su": [*SU, "--"],
    "ssh": ["ssh", "root@cloud.example.com", "runuser", "-u", "www-data", "--"],
}


def make(command: t.Sequence[str], exec_: t.Sequence[str] = (), timeout: float = 20.0) -> Occ:
    """occ for options as a module hands them over."""
    params = {"occ_command": list(command), "occ_exec": list(exec_), "occ_timeout": timeout}
    return Occ.from_call(Call(params=params, check_mode=False, secrets=Secrets()))


def failure(occ: Occ, *arguments: str, **more: t.Any) -> CommandError:
    """The error of a command that must fail; whatever its cause, it says what to do."""
    with pytest.raises(CommandError) as caught:
        occ.run(arguments or ["status"], attempted="read the status", **more)
    assert caught.value.remedy
    return caught.value


def script(folder: Path, text: str) -> Occ:
    """occ that is this shell script."""
    path = folder / "occ"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return make([str(path)])


# --- starting ---------------------------------------------------------------------------------------------------------


def test_starts_with_the_global_flags_in_a_known_folder(fake_occ: t.Any) -> None:
    fake_occ.answer("status --output=json", STATUS)
    assert make([fake_occ.path]).json(["status"], attempted="read") == STATUS
    (start,) = fake_occ.starts
    assert start["argv"] == ["--no-warnings", "--no-ansi", "-n", "status", "--output=json"]
    assert start["cwd"] == "/"


def test_arguments_arrive_whole_without_a_locale(fake_occ: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    words = ["group:add", "Köln «ß» 🎉", 'a "b" $HOME', "--display-name=it's\\", "", "two\nlines"]
    fake_occ.answer("*", "Grüße\n")
    completed = make([fake_occ.path]).run(words, attempted="add a group")
    assert fake_occ.starts[0]["argv"][3:] == words
    assert completed == Completed(0, "Grüße\n", "")


@pytest.mark.usefixtures("on_path")
@pytest.mark.parametrize("way", ENTRANCES)
def test_converges_through_every_entrance(fake_occ: t.Any, way: str) -> None:
    """O02, O03, O05: the module changes the user itself; blanks, quotes, $ and umlauts arrive whole."""
    fake_occ.owned_by(33)
    fake_occ.answer("*", STATUS)
    words = ["config:app:set", "a b", 'it\'s "$HOME"', "ä `id` \\"]
    occ = make([fake_occ.path], ENTRANCES[way])
    assert occ.json(words, attempted="set a value") == STATUS
    assert fake_occ.starts[0]["argv"][3:] == [*words, "--output=json"]


@pytest.mark.usefixtures("on_path")
@pytest.mark.parametrize("way", ["direct", *ENTRANCES])
def test_a_secret_arrives_and_is_no_argument(fake_occ: t.Any, way: str) -> None:
    """O06: exactly that password, whatever it holds, in no list of processes."""
    fake_occ.answer("*", "done\n")
    occ = make([fake_occ.path], ENTRANCES.get(way, []))
    occ.run(["user:add", "x"], attempted="add an account", stdin="rest\nof it", secret_environment={"OC_PASS": SECRET})
    # occ is a program that may have a terminal here, so it was asked for its status before
    _status, start = fake_occ.starts
    assert start["OC_PASS"] == SECRET
    assert start["NC_PASS"] == SECRET
    assert start["stdin"] == "rest\nof it"
    assert SECRET not in json.dumps(start["argv"], ensure_ascii=False)
    assert occ.secrets.censor(f"<{SECRET}>") == "<********>"


def test_the_secret_is_in_no_word_that_is_started(fake_occ: t.Any, tmp_path: Path) -> None:
    observed = tmp_path / "seen"
    spy = tmp_path / "spy"
    spy.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {observed}\nexec "$@"\n')
    spy.chmod(0o755)
    fake_occ.answer("*", "done\n")
    make([fake_occ.path], [str(spy)]).run(["x"], attempted="x", secret_environment={"NC_PASS": "long-secret-1"})
    assert "long-secret-1" not in observed.read_text()
    assert fake_occ.starts[-1]["OC_PASS"] == "long-secret-1"


@pytest.mark.parametrize("way", ["direct", "runuser"])
@pytest.mark.usefixtures("on_path")
def test_inherited_passwords_are_cleared(fake_occ: t.Any, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    monkeypatch.setenv("NC_PASS", "somebody-else")
    monkeypatch.setenv("OC_PASS", "somebody-else")
    fake_occ.answer("*", "done\n")
    make([fake_occ.path], ENTRANCES.get(way, [])).run(["x"], attempted="x")
    assert (fake_occ.starts[0]["NC_PASS"], fake_occ.starts[0]["OC_PASS"]) == (None, None)


@pytest.mark.parametrize("value", ["two\nlines", "end\r", "a\0b"])
def test_a_secret_that_cannot_be_one_line_is_refused(fake_occ: t.Any, value: str) -> None:
    with pytest.raises(BadInput, match="OC_PASS"):
        make([fake_occ.path]).run(["x"], attempted="x", secret_environment={"OC_PASS": value})
    assert fake_occ.starts == []


@pytest.mark.usefixtures("on_path")
@pytest.mark.parametrize(
    ("exec_", "corrected"),
    [
        (
            ["docker", "exec", "--user", "33", "nextcloud"],
            '["docker", "exec", "--interactive", "--user", "33", "nextcloud"]',
        ),
        (["kubectl", "exec", "deploy/nextcloud", "--"], '["kubectl", "exec", "--stdin", "deploy/nextcloud", "--"]'),
    ],
)
def test_an_entrance_without_standard_input_is_refused(fake_occ: t.Any, exec_: list[str], corrected: str) -> None:
    with pytest.raises(BadInput) as caught:
        make([fake_occ.path], exec_).run(["config:import"], attempted="import", stdin="{}")
    assert corrected in caught.value.message
    assert fake_occ.starts == []


@pytest.mark.parametrize("exec_", [["docker", "exec", "nextcloud"], ["{wrapper}"]])
def test_a_file_without_content_is_not_imported(fake_occ: t.Any, tmp_path: Path, exec_: list[str]) -> None:
    wrapper = tmp_path / "enter"
    wrapper.write_text('#!/bin/sh\nexec "$@" < /dev/null\n')
    wrapper.chmod(0o755)
    occ = make([fake_occ.path], [word.format(wrapper=wrapper) for word in exec_])
    with pytest.raises(BadInput, match="does not pass standard input on"):
        occ.run_with_file(["security:certificates:import"], name="ca.pem", content="PEM\n", attempted="import")
    assert set(fake_occ.commands) <= {"status"}


def test_an_unknown_entrance_that_swallows_standard_input_is_noticed(fake_occ: t.Any, tmp_path: Path) -> None:
    wrapper = tmp_path / "enter"
    wrapper.write_text('#!/bin/sh\nexec "$@" < /dev/null\n')
    wrapper.chmod(0o755)
    with pytest.raises(BadInput, match="standard input"):
        make([fake_occ.path], [str(wrapper)]).run(["x"], attempted="x", secret_environment={"OC_PASS": "long-secret"})
    assert fake_occ.commands == ["status"]


def test_a_terminal_is_refused_before_a_secret_is_sent(fake_occ: t.Any) -> None:
    with pytest.raises(BadInput, match=r'\["podman", "exec", "-i", "nextcloud"\]'):
        make([fake_occ.path], ["podman", "exec", "-it", "nextcloud"]).run(
            ["x"], attempted="x", secret_environment={"OC_PASS": "long-secret"}
        )


def test_a_file_is_made_where_occ_lives_and_removed(fake_occ: t.Any) -> None:
    fake_occ.answer("security:certificates:import FILE", "")
    make([fake_occ.path]).run_with_file(
        ["security:certificates:import"], name="ca.pem", content="PEM ü\n", attempted="import"
    )
    ((path, content),) = fake_occ.starts[0]["files"].items()
    assert Path(path).name == "ca.pem"
    assert content == "PEM ü\n"
    assert not Path(path).parent.exists()


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"occ_command": []}, "occ_command"),
        ({"occ_command": ["php /var/www/nextcloud/occ"]}, r'\["php", "/var/www/nextcloud/occ"\]'),
        ({"occ_exec": ["docker exec -u 33 nextcloud"]}, r'\["docker", "exec", "-u", "33", "nextcloud"\]'),
        ({"occ_timeout": 0.0}, "occ_timeout"),
        ({"occ_timeout": float("nan")}, "occ_timeout"),
        ({"occ_timeout": float("inf")}, "occ_timeout"),
        ({"occ_command": ["php", "a\0b"]}, "occ_command"),
    ],
)
def test_unusable_options_are_named(params: dict[str, t.Any], named: str) -> None:
    given = {"occ_command": ["occ"], "occ_exec": [], "occ_timeout": 5.0, **params}
    with pytest.raises(BadInput, match=named):
        Occ.from_call(Call(params=given, check_mode=False, secrets=Secrets()))


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["php /srv/occ"], ["php", "/srv/occ"]),
        (["php,", "/srv/occ"], ["php", "/srv/occ"]),
        (["php,/srv/occ"], ["php", "/srv/occ"]),
        (["php", " /srv/occ"], ["php", "/srv/occ"]),
        (["[php", " /srv/occ]"], ["php", "/srv/occ"]),
        (["php -d memory_limit=512M", "/srv/occ"], ["php", "-d", "memory_limit=512M", "/srv/occ"]),
    ],
)
@pytest.mark.parametrize("option", ["occ_command", "occ_exec"])
def test_o36_words_in_one_text_are_refused_with_the_list_that_was_meant(
    option: str, given: list[str], meant: list[str]
) -> None:
    """O36: what Ansible makes of a text, which it splits at its commas and nowhere else."""
    params = {"occ_command": ["php", "/srv/occ"], "occ_exec": [], "occ_timeout": 5.0, option: given}
    with pytest.raises(BadInput) as caught:
        Occ.from_call(Call(params=params, check_mode=False, secrets=Secrets()))
    assert option in caught.value.answer
    assert caught.value.remedy == f"Give it as a list: {json.dumps(meant)}"


@pytest.mark.parametrize("words", [["sh", "-c", ' cd /srv && php occ "$@"', "sh"], ["env", "X=a,", "php", "/srv/occ"]])
def test_o36_one_odd_word_is_no_sign_of_a_text(words: list[str]) -> None:
    assert make(words).command == words


def test_o36_a_comma_or_a_blank_within_a_word_is_left_alone() -> None:
    words = ["sudo", "-u", "www-data", "sh", "-c", 'cd "/my files" && php occ "$@"', "a,b"]
    assert make(["php", "/srv/my files/occ,1"], words).command == ["php", "/srv/my files/occ,1"]


# --- answers ----------------------------------------------------------------------------------------------------------


def test_o01_wrapper_noise_does_not_disturb(tmp_path: Path) -> None:
    """A wrapper's waiting message on stdout, a loader's complaint on stderr, noise after the JSON."""
    occ = script(
        tmp_path,
        """echo "Waiting for Nextcloud to come up ..."
echo "ERROR: ld.so: object 'x.so' from LD_PRELOAD cannot be preloaded: ignored." >&2
echo '{"a": [1, 2], "b": "ü"}'
echo "PHP Warning: Module 'x' already loaded in Unknown on line 0"
echo '{"reqId":"x","level":3,"message":"a line of the log"}'""",
    )
    assert occ.json(["x"], attempted="x") == {"a": [1, 2], "b": "ü"}


def test_o01_waiting_for_ever_names_the_command_line(tmp_path: Path) -> None:
    occ = script(tmp_path, "sleep 60 & wait")
    occ.timeout = 0.3
    error = failure(occ, "user:info", "a b")
    assert error.rc is None
    assert error.facts["cause"] == "timeout"
    assert f"{occ.command[0]} user:info 'a b'" in error.message
    assert "occ_timeout" in error.remedy


def test_o01_snap_is_found_outside_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    error = failure(make(["nextcloud.occ"]))
    assert "/snap/bin" in error.message
    assert "nextcloud.occ" in error.message
    assert "occ_command" in error.remedy
    assert make(["sh", "-c", 'echo found "$@"', "sh"]).run(["x"], attempted="x").stdout.startswith("found")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a":1}', {"a": 1}),
        ('noise\n{\n    "a": {\n        "b": []\n    }\n}\nmore noise\n', {"a": {"b": []}}),
        ('two\nlines\n["x", "y"]\n', ["x", "y"]),
        ('"a value"\n', "a value"),
        ("noise\n12\n", 12),
        ("true\n", True),
        ('{"first": 1}\n{"last": 2}\n', {"last": 2}),
        ('{"a": 1}\n"a word after it"\n', {"a": 1}),
        ('Waiting... {"a": 1}', {"a": 1}),
        ('{"a": "x"}\r\n', {"a": "x"}),
        ('[notice] starting\n{"a": 1}\n', {"a": 1}),
        ("[]\n", []),
        ('\ufeff{"a": 1}\n', {"a": 1}),
        ('\nWarning: Undefined key "x" in /srv/y.php on line 3\n{"a": 1}\n', {"a": 1}),
        ('<br />\n<b>Notice</b>: x in <b>/y.php</b> on line <b>3</b><br />\n{"a": 1}\n', {"a": 1}),
        ('{"a": 1}PHP Notice:  x in /srv/y.php on line 3\n', {"a": 1}),
        ('{"a": 1}\n\nDeprecated: x in /srv/y.php on line 3\n', {"a": 1}),
        ("[2026-11-27 11:00:00] starting\n[1, 2]\n", [1, 2]),
        ('{"a":\n\n1}', {"a": 1}),
    ],
)
def test_json_is_found(text: str, expected: t.Any) -> None:
    assert find_json(text) == (True, expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no JSON\n",
        "{broken\n",
        "1 + 1\n",
        '{"reqId": "x", "level": 3}\n',
        # cut off, or broken by something else within it: no inner element is the answer
        '{"a":\n{"b": 1}\n',
        '{\n    "a": {"b": 1},\n    "c": [\n',
        '[\n    {"a": 1},\nPHP Notice:  x\n    {"b": 2}\n]\n',
        '{"a":\nNotice: x\n{"b": 1}\n}\n',
        '{"a":\n[1]\n} and more\n',
        '{broken\n    "a": {"b": 1}',
        "[\n1,\n2\n",
    ],
)
def test_no_json_is_found(text: str) -> None:
    assert find_json(text) == (False, None)


def test_exit_code_0_without_json_is_a_failure(fake_occ: t.Any) -> None:
    fake_occ.answer("status --output=json", "  - installed: true\n")
    with pytest.raises(CommandError) as caught:
        make([fake_occ.path]).json(["status"], attempted="read the status")
    assert caught.value.facts == {"rc": 0, "cause": "no_json"}
    assert "installed: true" in caught.value.message


def test_an_accepted_exit_code_is_left_to_the_caller(fake_occ: t.Any) -> None:
    fake_occ.answer("*", "user not found\n", rc=1)
    occ = make([fake_occ.path])
    assert occ.run(["user:info", "x"], attempted="x", accepted=(0, 1)).rc == 1
    assert occ.json(["user:info", "x"], attempted="x", accepted=(0, 1)) is None


def test_line_ends_of_a_terminal_become_line_feeds(tmp_path: Path) -> None:
    occ = script(tmp_path, r"printf 'one\r\ntwo\r\n'")
    assert occ.run(["x"], attempted="x").stdout == "one\ntwo\n"


# --- failures ---------------------------------------------------------------------------------------------------------


def test_a_failure_names_attempt_command_words_and_exit_code(fake_occ: t.Any) -> None:
    fake_occ.answer("*", "user not found\n", rc=1)
    error = failure(make([fake_occ.path]), "user:info", "a b")
    assert (
        error.message
        == f"Could not read the status on {fake_occ.path} user:info 'a b': user not found. occ itself works; see what this command takes: occ help user:info."
    )
    assert error.facts == {"rc": 1}


def test_boxed_words_are_put_together() -> None:
    """Recorded (NC 29): user:disable of the account that the app protects; cut hard at 80 columns, with markup."""
    stderr = (
        "\nIn UserChangedListener.php line 50:\n" + " " * 79 + "\n"
        '  <p>&nbsp;User "OpenProject" is needed to be protected by the                 \n'
        '  \t\t\t\tapp "OpenProject Integration", thus cannot be disa  \n'
        "  bled.                                                \n" + " " * 79 + "\n\nuser:disable <uid>\n\n"
    )
    assert first_sentence("", stderr) == (
        'User "OpenProject" is needed to be protected by the app "OpenProject Integration", thus cannot be disabled.'
    )


@pytest.mark.usefixtures("on_path")
@pytest.mark.parametrize(
    ("owner", "exec_", "corrected"),
    [
        (82, ["docker", "exec", "-i", "nextcloud"], '["docker", "exec", "--user", "82", "-i", "nextcloud"]'),
        (
            33,
            ["podman", "exec", "--interactive", "--user", "root", "nextcloud"],
            '["podman", "exec", "--user", "33", "--interactive", "nextcloud"]',
        ),
        (
            1000,
            ["docker", "exec", "-iu", "root", "nextcloud"],
            '["docker", "exec", "--user", "1000", "-i", "nextcloud"]',
        ),
        (
            33,
            ["kubectl", "exec", "--stdin", "deploy/nextcloud", "--"],
            '"su", "-s", "/bin/sh", "www-data", "-c", "exec \\"$0\\" \\"$@\\"", "--"]',
        ),
        (911, ["kubectl", "exec", "--stdin", "deploy/nextcloud", "--"], "<name of the account 911>"),
        (33, ["runuser", "-u", "root", "--"], '["runuser", "-u", "www-data", "--"]'),
        (33, [*SU[:3], "root", *SU[4:], "--"], '["su", "-s", "/bin/sh", "www-data", "-c"'),
        (33, [], '["runuser", "-u", "www-data", "--"]'),
        (54321, [], '["sudo", "-n", "-u", "#54321", "--"]'),
    ],
)
def test_o02_wrong_user_names_both_users_and_a_corrected_list(
    fake_occ: t.Any, owner: int, exec_: list[str], corrected: str
) -> None:
    """Older occ leaves rc 1 with its text on stdout; an accepted exit code does not hide it."""
    fake_occ.owned_by(owner)
    error = failure(make([fake_occ.path], exec_), accepted=(0, 1))
    assert error.facts["cause"] == "wrong_user"
    assert f"it ran as user id 0 and wants user id {owner}" in error.message
    assert "occ_exec" in error.remedy
    assert corrected in error.remedy


@pytest.mark.usefixtures("on_path")
def test_o02_options_after_the_name(fake_occ: t.Any) -> None:
    with pytest.raises(BadInput) as caught:
        make([fake_occ.path], ["docker", "exec", "-i", "nextcloud", "-u", "33"])
    error = caught.value
    assert '["docker", "exec", "-i", "-u", "33", "nextcloud"]' in error.remedy


@pytest.mark.usefixtures("on_path")
def test_o02_terminal_without_a_terminal(fake_occ: t.Any) -> None:
    error = failure(make([fake_occ.path], ["docker", "exec", "-it", "-u", "33", "nextcloud"]))
    assert error.facts["cause"] == "terminal"
    assert "the input device is not a TTY" in error.message
    assert '["docker", "exec", "-i", "-u", "33", "nextcloud"]' in error.remedy


@pytest.mark.usefixtures("on_path")
def test_o02_image_without_sudo(fake_occ: t.Any) -> None:
    error = failure(make([fake_occ.path], ["docker", "exec", "-i", "nextcloud", "no-sudo-here", "-u", "www-data"]))
    assert error.facts["cause"] == "command_not_found"
    assert "no-sudo-here" in error.message
    assert "occ_exec" in error.remedy


@pytest.mark.usefixtures("on_path")
@pytest.mark.parametrize("exec_", [SU, ["kubectl", "exec", "--stdin", "deploy/nextcloud", "--", *SU]])
def test_o03_su_without_end_of_options(fake_occ: t.Any, exec_: list[str]) -> None:
    with pytest.raises(BadInput) as caught:
        make([fake_occ.path], exec_)
    assert "su takes options of the command for its own" in caught.value.message
    assert caught.value.remedy == f"Set occ_exec to {json.dumps([*exec_, '--'])}"


@pytest.mark.usefixtures("on_path")
def test_o03_kubectl_note_does_not_disturb(fake_occ: t.Any) -> None:
    fake_occ.answer("*", "user not found\n", rc=1)
    error = failure(make([fake_occ.path], ["kubectl", "exec", "--stdin", "deploy/nextcloud", "--"]))
    assert error.answer == "user not found"


@pytest.mark.usefixtures("on_path")
@pytest.mark.parametrize(
    ("exec_", "words"),
    [
        (["docker", "exec", "-i", "nope"], "No such container: nope"),
        (["podman", "exec", "-i", "nope"], 'no container with name or ID "nope" found'),
        (["kubectl", "exec", "-i", "nope", "--"], 'pods "nope" not found'),
    ],
)
def test_container_not_found(fake_occ: t.Any, exec_: list[str], words: str) -> None:
    error = failure(make([fake_occ.path], exec_))
    assert error.facts["cause"] == "container_not_found"
    assert words in error.message
    assert "occ_exec" in error.remedy


@pytest.mark.parametrize(
    ("stdout", "stderr", "rc", "cause", "words", "remedy"),
    [
        (
            "An unhandled exception has been thrown:\nOCP\\HintException: [0]: Memcache OC\\Memcache\\APCu not available for local cache"
            " (Is the matching PHP module installed and enabled?)\n",
            "",
            1,
            "apcu",
            "APCu not available",
            '["php8.2", "-d", "apc.enable_cli=1", "/srv/occ"]',
        ),
        (
            "",
            "PHP Fatal error:  Allowed memory size of 8388608 bytes exhausted (tried to allocate 2097152 bytes) in /x.php on line 576\n",
            255,
            "memory_limit",
            "Allowed memory size of 8388608 bytes exhausted",
            '["php8.2", "-d", "memory_limit=512M", "/srv/occ"]',
        ),
        (
            "This version of Nextcloud requires at least PHP 8.1<br/>You are currently running 7.4.33. Please update your PHP version.",
            "",
            1,
            "php_version",
            "requires at least PHP 8.1",
            "occ_command",
        ),
        (
            "\nFatal error: Uncaught Error: Call to undefined function posix_getuid() in /var/www/nextcloud/occ:15\n",
            "",
            255,
            "php_fatal",
            "Call to undefined function posix_getuid()",
            "occ_command",
        ),
        (
            "",
            "PHP Fatal error:  Cannot redeclare foo() in /app.php\n",
            255,
            "php_fatal",
            "Cannot redeclare",
            "occ_command",
        ),
        ("Could not open input file: /srv/occ\n", "", 1, "command_not_found", "/srv/occ", "occ_command"),
        ("", "sh: 1: php8.2: not found\n", 127, "command_not_found", "php8.2: not found", "occ_command"),
        (
            "",
            "sudo: a password is required\n",
            1,
            "not_allowed",
            "a password is required",
            "become",
        ),
    ],
)
def test_o04_another_php_and_other_ways_not_to_reach_occ(
    stdout: str, stderr: str, rc: int, cause: str, words: str, remedy: str
) -> None:
    diagnosis = diagnose(Completed(rc, stdout, stderr), ["php8.2", "/srv/occ"], ExecPrefix(["sudo", "-u", "www-data"]))
    assert diagnosis is not None
    assert diagnosis.cause == cause
    assert words in diagnosis.answer
    assert remedy in diagnosis.remedy


@pytest.mark.parametrize("exec_", [[], ["timeout", "60"], ["env", "X=1"]])
@pytest.mark.parametrize("stderr", ["Authentication failure", "Cannot connect to the Docker daemon at unix:///x"])
def test_what_no_link_can_have_said_is_said_by_the_command(exec_: list[str], stderr: str) -> None:
    for prefix in (ExecPrefix(exec_, command=["php", "occ"]), ExecPrefix([], command=[*exec_, "php", "occ"])):
        assert diagnose_prefix(Completed(1, "", stderr), ["php", "occ"], prefix) is None


@pytest.mark.parametrize(
    ("exec_", "stderr", "named"),
    [
        (["ssh", "host", "sudo", "-u", "www-data"], "sudo: a password is required", "sudo may not change the user"),
        (["timeout", "60", "su", "www-data", "-c", 'exec "$0" "$@"', "--"], "su: Authentication failure", "su may not"),
        (["sudo", "docker", "exec", "-i", "nc"], "Cannot connect to the Docker daemon at unix:///x", "runs docker "),
        (
            ["timeout", "60", "docker-compose", "exec", "-T", "app"],
            "Cannot connect to the Docker daemon",
            "docker-compose",
        ),
        (["sudo", "kubectl", "exec", "-i", "nc", "--"], "The connection to the server a:6443 was refused", "kubectl"),
        (["my-way"], "sudo: a password is required", "my-way may not change the user"),
    ],
)
def test_a_remedy_names_the_link_that_complained(exec_: list[str], stderr: str, named: str) -> None:
    diagnosis = diagnose(Completed(1, "", stderr), ["php", "occ"], ExecPrefix(exec_, command=["php", "occ"]))
    assert diagnosis is not None
    assert named in diagnosis.remedy


@pytest.mark.parametrize(
    "words",
    [
        "No such container: x",
        "sudo: a password is required",
        "the input device is not a TTY",
        "x: not found",
        "Cannot connect to the Docker daemon",
    ],
)
def test_what_occ_says_is_not_taken_for_what_its_prefix_says(words: str) -> None:
    """A group may have such a name, and occ repeats it: on standard output, or framed on standard error."""
    frame = " " * (len(words) + 4)
    prefix = ExecPrefix(["docker", "exec", "-i", "nc"], command=["php", "occ"])
    for completed in (Completed(1, f"{words}\n", ""), Completed(1, "", f"\n{frame}\n  {words}  \n{frame}\n")):
        assert diagnose(completed, ["php", "occ"], prefix) is None


@pytest.mark.parametrize(
    ("stdout", "cause", "words"),
    [
        ('Cannot write into "config" directory!\nThis can usually be fixed …\n', "config_unreadable", "occ_exec"),
        (
            'App directory "/srv/nosuch" not found! Please put the Nextcloud apps folder …',
            "apps_directory_missing",
            "/srv/nosuch",
        ),
    ],
)
def test_trouble_behind_exit_code_0(fake_occ: t.Any, stdout: str, cause: str, words: str) -> None:
    """Recorded (NC §5.1): every command says it, with exit code 0."""
    fake_occ.answer("*", stdout)
    error = failure(make([fake_occ.path]), "app:enable", "groupfolders")
    assert error.facts == {"rc": 0, "cause": cause}
    assert words in error.message


@pytest.mark.parametrize(
    ("state", "cause", "words"),
    [
        ({"installed": False}, "not_installed", "not installed"),
        ({"maintenance": True}, "maintenance", "maintenance:mode --off"),
        ({"needsDbUpgrade": True}, "needs_upgrade", "occ upgrade"),
        ({}, "unknown_command", "not enabled"),
    ],
)
def test_why_a_command_is_gone_is_asked_for(fake_occ: t.Any, state: dict[str, t.Any], cause: str, words: str) -> None:
    """--no-warnings keeps occ from saying it, so its status is read; also where the exit code is accepted."""
    fake_occ.answer("status --output=json", {**STATUS, **state})
    error = failure(make([fake_occ.path]), "groupfolders:list", accepted=(0, 1))
    assert error.facts["cause"] == cause
    assert 'There are no commands defined in the "groupfolders" namespace.' in error.message
    assert words in error.message
    assert fake_occ.commands == ["groupfolders:list", "status --output=json"]


def test_a_database_that_is_gone_is_quoted(fake_occ: t.Any) -> None:
    fake_occ.answer(
        "*",
        "An unhandled exception has been thrown:\nPDOException: SQLSTATE[HY000] [14] unable to open database file in /var/www/x.php:22\n"
        "Stack trace:\n#0 /var/www/x.php(22): PDO->__construct()\n",
        rc=1,
    )
    error = failure(make([fake_occ.path]))
    assert error.facts["cause"] == "exception"
    assert error.answer == "PDOException: SQLSTATE[HY000] [14] unable to open database file"


def test_a_program_that_cannot_be_started_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "occ"
    broken.write_text("no program at all")
    broken.chmod(0o755)
    error = failure(make([str(broken)]))
    assert error.facts == {"rc": None, "cause": "command_not_started"}
    assert str(broken) in error.message


def test_a_secret_in_occ_s_words_is_masked(fake_occ: t.Any) -> None:
    fake_occ.answer("*", "The password long-secret-1 is too short\n", rc=1)
    error = failure(make([fake_occ.path]), "user:add", secret_environment={"OC_PASS": "long-secret-1"})
    assert error.answer == "The password ******** is too short"


@pytest.mark.usefixtures("on_path")
def test_o07_names_beyond_ascii_come_back_whole(fake_occ: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through a prefix with no locale at all, on the way there and back."""
    for name in ("LANG", "LC_ALL", "LC_CTYPE"):
        monkeypatch.delenv(name, raising=False)
    name = "Dateien «Köln» ß 🎉 ' #{x}"
    fake_occ.answer("*", json.dumps({"name": name}, ensure_ascii=False))
    occ = make([fake_occ.path], ENTRANCES["docker"])
    assert occ.json(["groupfolders:create", name], attempted="create", stdin=name) == {"name": name}
    assert fake_occ.starts[-1]["argv"][4] == name
    assert fake_occ.starts[-1]["stdin"] == name


# --- a terminal in between --------------------------------------------------------------------------------------------


@pytest.fixture
def occ_behind_a_terminal(fake_occ: t.Any, tmp_path: Path) -> str:
    """A wrapper as NixOS has one: a terminal of its own, which echoes its input, and an environment of its own."""
    program = tmp_path / "terminal.py"
    program.write_text(
        "import os, pty, sys\n"
        "for name in ('OC_PASS', 'NC_PASS'):\n    os.environ.pop(name, None)\n"
        f"sys.exit(os.waitstatus_to_exitcode(pty.spawn([{fake_occ.path!r}, *sys.argv[1:]])))\n"
    )
    wrapper = tmp_path / "nextcloud-occ"
    wrapper.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, str(program)])} "$@"\n')
    wrapper.chmod(0o755)
    return str(wrapper)


def test_o35_reads_converge_behind_a_terminal(fake_occ: t.Any, occ_behind_a_terminal: str) -> None:
    """O35: carriage returns, and what goes to standard error among the answer."""
    fake_occ.answer("status --output=json", json.dumps(STATUS, indent=1) + "\n", stderr="PHP Notice:  x in y\n")
    assert make([occ_behind_a_terminal]).status() == STATUS


@pytest.mark.parametrize("read_before", [False, True])
@pytest.mark.parametrize("exec_", [[], ["docker", "exec", "-i", "nextcloud"]])
@pytest.mark.usefixtures("on_path")
def test_o35_a_write_that_needs_standard_input_is_refused_behind_a_terminal(
    fake_occ: t.Any, occ_behind_a_terminal: str, exec_: list[str], read_before: bool
) -> None:
    """O35: with cause and remedy, and nothing is handed over; a read that was needed anyway tells it too."""
    fake_occ.answer("*", json.dumps(STATUS) + "\n")
    occ = make([occ_behind_a_terminal], exec_)
    if read_before:
        occ.status()
    with pytest.raises(BadInput) as caught:
        occ.run(["config:import"], attempted="write the configuration", stdin='{"system": {"a": 1}}')
    assert "occ_command puts a terminal between standard input and occ" in caught.value.message
    assert "pipe" in caught.value.remedy
    assert fake_occ.commands == ["status --output=json" if read_before else "status"]


def test_o35_a_file_is_not_made_through_a_prefix_with_a_terminal(fake_occ: t.Any, tmp_path: Path) -> None:
    fake_occ.answer("*", "ok\n")
    program = tmp_path / "terminal.py"
    program.write_text("import pty, sys\npty.spawn(sys.argv[1:])\n")
    wrapper = tmp_path / "enter"
    wrapper.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, str(program)])} "$@"\n')
    wrapper.chmod(0o755)
    with pytest.raises(BadInput, match="terminal between"):
        make([fake_occ.path], [str(wrapper)]).run_with_file(
            ["security:certificates:import"], name="ca.pem", content="PEM\n", attempted="import"
        )
    assert fake_occ.commands == ["status"]


# --- names that begin with a hyphen -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["user:info", "jane"], ["user:info", "jane", "--output=json"]),
        (["user:info", "--", "-jane"], ["user:info", "--output=json", "--", "-jane"]),
    ],
)
def test_an_option_stands_before_the_end_of_options(fake_occ: t.Any, arguments: list[str], expected: list[str]) -> None:
    fake_occ.answer("*", "{}")
    make([fake_occ.path]).json(arguments, attempted="read")
    assert fake_occ.starts[0]["argv"][3:] == expected


def test_every_failure_of_a_command_has_a_remedy(fake_occ: t.Any) -> None:
    fake_occ.answer("*", "", rc=7)
    assert failure(make([fake_occ.path]), "x").remedy
    fake_occ.answer("killed", "", rc=137)
    error = failure(make([fake_occ.path]), "killed")
    assert (error.facts["cause"], "memory" in error.remedy) == ("killed", True)
