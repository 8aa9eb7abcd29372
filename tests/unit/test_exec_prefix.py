# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A prefix is read link by link: words arrive whole through every chain of three, and corrections keep the rest."""

from __future__ import annotations

import getopt
import itertools
import json
import re
import typing as t

import pytest

from ansible_collections.opnc.integration.plugins.module_utils._core.errors import BadInput
from ansible_collections.opnc.integration.plugins.module_utils._core.exec_prefix import ExecPrefix

WHOLE = 'exec "$0" "$@"'
HOSTILE = [
    "two words",
    "it's",
    'say "x"',
    "$HOME",
    "${HOME}",
    "`id`",
    "a;id",
    "line\nfeed",
    "Köln",
    "",
    "-c",
    "--",
    "*",
]
CHAINS = {
    "sudo": ["sudo", "-n", "-uroot"],
    "sudo as a login": ["sudo", "-i", "-u", "root"],
    "doas": ["doas", "-u", "www-data"],
    "su": ["su", "-s", "/bin/sh", "www-data", "-c", WHOLE, "--"],
    "su with one word": ["su", "www-data", "-c"],
    "runuser": ["runuser", "-u", "www-data", "--"],
    "setpriv": ["setpriv", "--reuid", "33", "--clear-groups"],
    "env": ["env", "-u", "A", "X=1"],
    "timeout": ["timeout", "-k5", "60"],
    "nice": ["nice", "-n", "5"],
    "ssh": ["ssh", "-p", "22", "-oBatchMode=yes", "host"],
    "docker": ["docker", "exec", "-i", "-uroot", "-w/var/www/html", "-eHTTP_PROXY=http://t", "nc"],
    "compose": ["docker", "compose", "-f", "x.yml", "exec", "-T", "app"],
    "compose 1": ["docker-compose", "exec", "-T", "--user=www-data", "app"],
    "kubectl": ["kubectl", "-n", "x", "exec", "--stdin", "deploy/nc", "-c", "web", "--"],
    "incus": ["incus", "exec", "nc", "--"],
    "nsenter": ["nsenter", "-t", "1", "-m"],
    "chroot": ["chroot", "/srv/root"],
    "systemd-run": ["systemd-run", "--pipe", "--uid=33"],
    "sh": ["sh", "-c"],
}


class Interpreted(AssertionError):
    """A shell would have done something with a character, or a tool taken a word for its own."""


def shell(line: str) -> list[str]:
    """The words that a shell reads in one line, in which nothing may be left for it to interpret (POSIX, 2.2)."""
    words: list[str] = []
    pattern = re.compile(r"""(?:[A-Za-z0-9_@%+=:,./-]+|'[^']*'|"[^"$`\\]*")+""")
    at = 0
    while at < len(line):
        if line[at] == " ":
            at += 1
            continue
        found = pattern.match(line, at)
        if found is None:
            raise Interpreted(line[at:])
        parts = re.findall(r"""'([^']*)'|"([^"]*)"|([^'"]+)""", found.group())
        words.append("".join("".join(part) for part in parts))
        at = found.end()
    return words


def _operands(
    words: list[str], letters: str, names: t.Sequence[str] = (), permutes: bool = False
) -> tuple[t.Any, list[str]]:
    try:
        return (getopt.gnu_getopt if permutes else getopt.getopt)(words, letters, list(names))
    except getopt.GetoptError as error:
        raise Interpreted(str(error)) from error


def arrives(words: list[str]) -> list[str]:
    """What the command behind all links gets, by the manual page of each."""
    name, rest = words[0], words[1:]
    if name == "php":
        return rest
    if name == "sudo":
        given, command = _operands(rest, "niu:")
        if ("-i", "") not in given:
            return arrives(command)
        # sudo(8): all but letters, digits, _, - and $ are escaped, and a shell reads the line
        if any(re.search(r"\$|\n|^$", word) for word in command):
            raise Interpreted("sudo -i")
        return arrives(command)
    if name == "doas":
        return arrives(_operands(rest, "nu:")[1])
    if name in ("su", "runuser"):
        given, command = _operands(rest, "s:c:u:", ["shell=", "command=", "user="], permutes=True)
        options = dict(given)
        if "-u" in options:
            return arrives(command)
        return arrives(shell(options["-c"])) if options["-c"] != WHOLE else arrives(command[1:])
    if name == "setpriv":
        return arrives(_operands(rest, "", ["reuid=", "clear-groups"])[1])
    if name == "env":
        command = _operands(rest, "u:")[1]
        while "=" in command[0]:
            command = command[1:]
        return arrives(command)
    if name == "timeout":
        return arrives(_operands(rest, "k:")[1][1:])
    if name == "nice":
        return arrives(_operands(rest, "n:")[1])
    if name == "ssh":
        return arrives(shell(" ".join(_operands(rest, "p:o:")[1][1:])))
    if name == "docker" and rest[0] == "compose":
        return arrives(_operands(rest[rest.index("exec") + 1 :], "T")[1][1:])
    if name == "docker":
        return arrives(_operands(rest[1:], "iu:w:e:")[1][1:])
    if name == "docker-compose":
        return arrives(_operands(rest[1:], "T", ["user="])[1][1:])
    if name in ("kubectl", "incus"):
        return arrives(rest[rest.index("--") + 1 :])
    if name == "nsenter":
        return arrives(_operands(rest, "t:m")[1])
    if name == "chroot":
        return arrives(rest[1:])
    if name == "systemd-run":
        command = _operands(rest, "", ["pipe", "uid="])[1]
        if any(re.search(r"(?<!\$)(\$\$)*\$(?!\$)", word) for word in command):
            raise Interpreted("systemd-run")
        return arrives([word.replace("$$", "$") for word in command])
    if name == "sh":
        return arrives(shell(rest[1]))
    raise Interpreted(name)


@pytest.mark.parametrize("first", CHAINS)
def test_hostile_words_arrive_whole_or_are_refused(first: str) -> None:
    """Every chain of up to three links; only the login shell of sudo cannot pass them on, and says so."""
    for more in itertools.chain([()], ((each,) for each in CHAINS), itertools.product(CHAINS, repeat=2)):
        names = (first, *more)
        words = [word for name in names for word in CHAINS[name]]
        prefix = ExecPrefix(words, command=["php", "occ"])
        if any(CHAINS[name][-1] == "-c" for name in names[:-1]):
            continue
        prefix.check()
        assert prefix.understood, words
        if "sudo as a login" in names:
            with pytest.raises(BadInput, match="login shell"):
                prefix.around(HOSTILE)
        else:
            assert arrives(prefix.around(HOSTILE)) == ["occ", *HOSTILE], words


@pytest.mark.parametrize(
    ("exec_", "command"),
    [
        (["env", "X=1", "timeout", "60", "ssh", "-p", "22", "host"], ["php", "occ"]),
        ([], ["ssh", "host", "php", "occ"]),
        (["sudo", "-u", "deploy"], ["ssh", "jump", "ssh", "inner", "php", "occ"]),
    ],
)
def test_a_semicolon_behind_ssh_runs_nothing_there(exec_: list[str], command: list[str]) -> None:
    """Also where ssh is not the first word, or stands in the command."""
    assert arrives(ExecPrefix(exec_, command=command).around(["a;id"])) == ["occ", "a;id"]


def test_an_unknown_word_is_passed_through_and_not_corrected() -> None:
    prefix = ExecPrefix(["my-way", "docker", "exec", "-t", "nc"], command=["php", "occ"])
    prefix.check()
    assert prefix.around(["a b"]) == ["my-way", "docker", "exec", "-t", "nc", "php", "occ", "a b"]
    assert "[" not in prefix.as_user(33)
    assert "[" not in prefix.without_terminal()


def test_words_for_ssh_behind_an_unknown_word_are_refused_where_a_shell_would_read_them() -> None:
    prefix = ExecPrefix(["my-way", "ssh", "host"], command=["php", "occ"])
    assert prefix.around(["status"]) == ["my-way", "ssh", "host", "php", "occ", "status"]
    with pytest.raises(BadInput, match="unknown word my-way"):
        prefix.around(["a;id"])


@pytest.mark.parametrize(
    ("words", "corrected"),
    [
        (
            ["docker-compose", "exec", "--user", "www-data", "app"],
            ["docker-compose", "exec", "-T", "--user", "www-data", "app"],
        ),
        (["docker-compose", "exec", "-it", "-u33", "app"], ["docker-compose", "exec", "-T", "-u33", "app"]),
        (
            ["sudo", "docker-compose", "-f", "x.yml", "exec", "-it", "app"],
            ["sudo", "docker-compose", "-f", "x.yml", "exec", "-T", "app"],
        ),
        (["podman-compose", "exec", "app"], ["podman-compose", "exec", "-T", "app"]),
        (["docker", "compose", "exec", "-it", "app"], ["docker", "compose", "exec", "-T", "-i", "app"]),
        (["sudo", "docker", "exec", "-itu", "33", "nc"], ["sudo", "docker", "exec", "-iu", "33", "nc"]),
        (["ssh", "-tt", "host", "docker", "exec", "-it", "nc"], ["ssh", "host", "docker", "exec", "-i", "nc"]),
    ],
)
def test_o34_a_terminal_is_refused_with_a_list_that_works(words: list[str], corrected: list[str]) -> None:
    with pytest.raises(BadInput) as caught:
        ExecPrefix(words).check_input()
    assert caught.value.remedy == f"Set occ_exec to {json.dumps(corrected)}"
    ExecPrefix(corrected).check_input()


@pytest.mark.parametrize(
    "words",
    [
        ["docker", "exec", "-i", "-uroot", "nc"],
        ["docker", "exec", "-i", "-w/var/www/html", "nc"],
        ["docker", "exec", "-i", "-eHTTP_PROXY=http://t", "nc"],
        ["docker", "exec", "-i", "--tty=false", "nc"],
        ["kubectl", "exec", "-i", "-ntest", "deploy/nc", "--"],
        ["docker", "compose", "exec", "app"],
    ],
)
def test_other_people_s_words_are_left_alone(words: list[str]) -> None:
    """A t in the value of an option asks for no terminal."""
    prefix = ExecPrefix(words, command=["php", "occ"])
    prefix.check()
    prefix.check_input()
    assert prefix.around(["status"]) == [*words, "php", "occ", "status"]


@pytest.mark.parametrize(
    ("words", "corrected"),
    [
        (["sudo", "docker", "exec", "nc"], ["sudo", "docker", "exec", "--interactive", "nc"]),
        (
            ["ssh", "-n", "host", "kubectl", "exec", "deploy/nc", "--"],
            ["ssh", "host", "kubectl", "exec", "--stdin", "deploy/nc", "--"],
        ),
        (["systemd-run", "--uid=33"], ["systemd-run", "--pipe", "--uid=33"]),
    ],
)
def test_lost_standard_input_is_refused_with_a_list_that_works(words: list[str], corrected: list[str]) -> None:
    with pytest.raises(BadInput) as caught:
        ExecPrefix(words).check_input()
    assert caught.value.remedy == f"Set occ_exec to {json.dumps(corrected)}"
    ExecPrefix(corrected).check_input()


@pytest.mark.parametrize(
    ("words", "corrected"),
    [
        (["ssh", "host", "docker", "exec", "-i", "nc"], ["ssh", "host", "docker", "exec", "--user", "82", "-i", "nc"]),
        (["sudo", "docker", "exec", "-iu", "root", "nc"], ["sudo", "docker", "exec", "--user", "82", "-i", "nc"]),
        (
            ["docker", "exec", "-i", "nc", "sudo", "-u", "root"],
            ["docker", "exec", "-i", "nc", "sudo", "-u", "www-data"],
        ),
        (["ssh", "host"], ["ssh", "host", "runuser", "-u", "www-data", "--"]),
        (["ssh", "host", "su", "root", "-c", WHOLE, "--"], ["ssh", "host", "su", "www-data", "-c", WHOLE, "--"]),
        (
            ["kubectl", "exec", "-i", "nc", "--"],
            ["kubectl", "exec", "-i", "nc", "--", "su", "-s", "/bin/sh", "www-data", "-c", WHOLE, "--"],
        ),
    ],
)
def test_another_account_keeps_the_rest_of_the_chain(words: list[str], corrected: list[str]) -> None:
    assert ExecPrefix(words).as_user(82) == f"Set occ_exec to {json.dumps(corrected)}"


@pytest.mark.parametrize(
    ("exec_", "command", "named"),
    [
        ([""], ["php", "occ"], "occ_exec contains an empty word"),
        (["sudo", "-u", "", "--"], ["php", "occ"], "occ_exec contains an empty word"),
        (["null"], ["php", "occ"], "occ_exec contains an empty word"),
        ([], ["php", ""], "occ_command contains an empty word"),
        (["docker", "exec", "-i"], ["php", "occ"], "occ_exec lacks the name of the container"),
        (["su", "www-data", "-c", "php occ $@", "--"], ["php", "occ"], "does not hand on the words"),
    ],
)
def test_o41_words_that_lead_nowhere_are_refused(exec_: list[str], command: list[str], named: str) -> None:
    with pytest.raises(BadInput, match=re.escape(named)):
        ExecPrefix(exec_, command=command).check()
