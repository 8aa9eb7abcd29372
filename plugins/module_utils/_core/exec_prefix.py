# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the words of C(occ_exec) and C(runner_exec) mean to docker, kubectl, su and their like, and how to mend them."""

from __future__ import annotations

import json
import pwd
import shlex
import typing as t
from pathlib import PurePath

from .errors import BadInput

CONTAINER_TOOLS = ("docker", "podman", "nerdctl")
CLUSTER_TOOLS = ("kubectl", "oc", "k3s", "microk8s")
#: options of C(docker exec) and C(kubectl exec) that are followed by a word of their own
WITH_WORD = (
    *("-e", "--env", "--env-file", "-u", "--user", "-w", "--workdir", "--detach-keys"),
    *("-n", "--namespace", "-c", "--container", "-f", "--filename"),
    *("--context", "--kubeconfig", "--pod-running-timeout"),
)  # fmt: skip
#: letters of the options of ssh that are followed by a word of their own
SSH_WITH_WORD = "BbcDEeFIiJLlmOopQRSWw"
#: owners of config.php in the usual images: Debian, Alpine
USUAL_OWNERS = {33: "www-data", 82: "www-data"}


class ExecPrefix:
    """How to get to where a server's command line lives.

    :param words: the words of the option.
    :param option: the option that holds them, named in every message.
    :param program: what is started there.
    """

    def __init__(self, words: t.Sequence[str], *, option: str = "occ_exec", program: str = "occ") -> None:
        self.words, self.option, self.program = list(words), option, program

    @property
    def tool(self) -> str:
        """Name of the program: C(docker), C(kubectl), C(runuser); empty when occ is started directly."""
        return PurePath(self.words[0]).name if self.words else ""

    @property
    def command_option(self) -> str:
        """The option that holds the command itself: C(occ_command)."""
        return self.option.replace("_exec", "_command")

    @property
    def timeout_option(self) -> str:
        """The option that says how long it may take: C(occ_timeout)."""
        return self.option.replace("_exec", "_timeout")

    def around(self, command: t.Sequence[str]) -> list[str]:
        """The whole command. ssh makes one line of its words, for a shell at the other end: for that one they are quoted."""
        if self.tool != "ssh":
            return [*self.words, *command]
        host = 1
        while host < len(self.words) and self.words[host].startswith("-"):
            word = self.words[host]
            host += 2 if len(word) == 2 and word[1] in SSH_WITH_WORD else 1
        return [*self.words[: host + 1], *map(shlex.quote, [*self.words[host + 1 :], *command])]

    def check(self, *, secret: bool) -> None:
        """Refuse words that are known to swallow standard input, or to show what comes through it.

        :raises BadInput: names a corrected list.
        """
        if not self._execs_into_container():
            return
        if secret and self._terminal_flags():
            raise BadInput(
                f"{self.option} asks for a terminal, which would show a secret that is handed over",
                remedy=f"Set {self.option} to {self.without_terminal()}",
            )
        if not self._is_compose() and not self._has_flag("i", ("--interactive", "--stdin")):
            raise self.no_input()

    def no_input(self) -> BadInput:
        """The error for a prefix that does not hand on standard input."""
        return BadInput(
            f"{self.option} does not pass standard input on to {self.program} ({self._list(self.words)})",
            remedy=f"Set {self.option} to {self._with_stdin()}",
        )

    def without_terminal(self) -> str:
        """A corrected list that asks for no terminal."""
        if self._is_compose():
            at = self.words.index("exec") + 1
            return self._list(
                [
                    *self.words[:at],
                    "-T",
                    *(word for word in self.words[at:] if word not in ("-it", "-ti", "-t", "--tty")),
                ]
            )
        stop = self._end_of_options()
        mended = []
        for index, word in enumerate(self.words):
            if index < stop and index in self._terminal_flags():
                if word.startswith("--"):
                    continue
                word = word.replace("t", "")
                if word == "-":
                    continue
            mended.append(word)
        return self._list(mended)

    def as_user(self, owner: int) -> str:
        """A corrected list that runs occ as the owner of config.php."""
        name = _name_of(owner) if not self._execs_into_container() else USUAL_OWNERS.get(owner, "")
        if self.tool in CONTAINER_TOOLS:
            return self._list(self._with_container_user(str(owner)))
        known = name or f"<name of the account {owner}>"
        if self.tool in CLUSTER_TOOLS:
            words = self.words if "--" in self.words else [*self.words, "--"]
            return self._list([*words, "su", "-s", "/bin/sh", known, "-c", 'exec "$0" "$@"', "--"])
        if self.tool == "su":
            return self._list(["su", "-s", "/bin/sh", known, "-c", 'exec "$0" "$@"', "--"])
        if self.tool == "sudo" or not name:
            return self._list(["sudo", "-n", "-u", name or f"#{owner}", "--"])
        return self._list(["runuser", "-u", name, "--"])

    def with_end_of_options(self) -> str:
        """A corrected list whose last word ends the options of the tool."""
        return self._list([*self.words, "--"])

    def with_options_first(self) -> str:
        """A corrected list in which options that stand after the container's name stand before it."""
        stop = self._end_of_options()
        return self._list([*self.words[:stop], *self.words[stop + 1 :], *self.words[stop : stop + 1]])

    def _with_stdin(self) -> str:
        flag = "--stdin" if self.tool in CLUSTER_TOOLS else "--interactive"
        if "exec" not in self.words:
            return "one that does, for docker and podman with --interactive, for kubectl with --stdin"
        at = self.words.index("exec") + 1
        return self._list([*self.words[:at], flag, *self.words[at:]])

    def _with_container_user(self, user: str) -> list[str]:
        words, stop = self.words, self._end_of_options()
        kept: list[str] = []
        index = 0
        while index < stop:
            word = words[index]
            grouped = word.startswith("-") and not word.startswith("--") and word.endswith("u")
            if grouped or word == "--user":
                # -iu root: what else is in the group stays
                kept += [word[:-1]] if len(word) > 2 and grouped else []
                index += 2
                continue
            if not word.startswith("--user="):
                kept.append(word)
            index += 1
        at = kept.index("exec") + 1 if "exec" in kept else len(kept)
        return [*kept[:at], "--user", user, *kept[at:], *words[stop:]]

    def _execs_into_container(self) -> bool:
        return self.tool in (*CONTAINER_TOOLS, *CLUSTER_TOOLS) and "exec" in self.words

    def _is_compose(self) -> bool:
        return "compose" in self.words[: self.words.index("exec")] if "exec" in self.words else False

    def _end_of_options(self) -> int:
        """Index of the container's name."""
        index = self.words.index("exec") + 1 if "exec" in self.words else 1
        while index < len(self.words) and self.words[index].startswith("-"):
            word = self.words[index]
            # -iu www-data: the last letter of a group may take the next word
            takes = word in WITH_WORD or (not word.startswith("--") and f"-{word[-1]}" in WITH_WORD)
            index += 2 if takes else 1
        return min(index, len(self.words))

    def _terminal_flags(self) -> set[int]:
        stop = self._end_of_options()
        return {
            index
            for index, word in enumerate(self.words[:stop])
            if word in ("--tty", "--tty=true") or (word.startswith("-") and not word.startswith("--") and "t" in word)
        }

    def _has_flag(self, letter: str, names: tuple[str, ...]) -> bool:
        # kubectl takes its options behind the pod's name as well, up to --
        stop = self.words.index("--") if self.tool in CLUSTER_TOOLS and "--" in self.words else self._end_of_options()
        return any(
            word in names
            or word in [f"{name}=true" for name in names]
            or (word.startswith("-") and not word.startswith("--") and letter in word)
            for word in self.words[:stop]
        )

    @staticmethod
    def _list(words: t.Iterable[str]) -> str:
        return json.dumps(list(words), ensure_ascii=False)


def _name_of(owner: int) -> str:
    try:
        return pwd.getpwuid(owner).pw_name
    except KeyError:
        return ""
