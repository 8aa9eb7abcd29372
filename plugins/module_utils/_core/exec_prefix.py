# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The words that lead to a command line, read link by link: quoting, guards and corrections all ask this one description."""

from __future__ import annotations

import json
import pwd
import re
import shlex
import typing as t
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

from .errors import BadInput
from .exec_tools import CONTAINER, HERE, MACHINE, TOOLS, Options, Tool

#: owners of config.php in the usual images: Debian, Alpine
USUAL_OWNERS = {33: "www-data", 82: "www-data"}
#: hands its arguments to a command as they are
WHOLE = 'exec "$0" "$@"'
JOINING = {program for tool in TOOLS if tool.joins for program in tool.programs}


@dataclass(frozen=True)
class Token:
    """One option with its value, one operand, or ``--``.

    :param words: as they stand in the list; two where a value has a word of its own.
    :param options: names and values of the options in it; letters may stand together.
    """

    words: tuple[str, ...]
    options: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True)
class Link:
    """One program of a prefix with the words that are its own.

    :param head: the program and its subcommands.
    :param tokens: what stands between them and the command.
    :param option: the module's option that it stands in.
    """

    tool: Tool
    head: tuple[str, ...]
    tokens: tuple[Token, ...]
    option: str

    @property
    def program(self) -> str:
        """Its name without a folder."""
        return PurePath(self.head[0]).name

    @property
    def words(self) -> list[str]:
        """Its words."""
        return [*self.head, *(word for token in self.tokens for word in token.words)]

    @property
    def ended(self) -> bool:
        """Whether ``--`` ends its options."""
        return any(token.words == ("--",) for token in self.tokens)

    @property
    def operands(self) -> list[str]:
        """Its operands."""
        return [token.words[0] for token in self.tokens if not token.options and token.words != ("--",)]

    @property
    def script(self) -> str | None:
        """The script for a shell; empty where the command is to become the script."""
        return next((value or "" for name, value in self._given if name in self.tool.script), None)

    @property
    def takes_one_word(self) -> bool:
        """Whether the whole command is to be the one word behind ``-c``."""
        return self.script == "" and len(self.tokens[-1].words) == 1

    @property
    def loses_words(self) -> bool:
        """Whether its script drops words of the command."""
        script = self.script
        if script is None or self.takes_one_word:
            return False
        behind = self.operands[self.tool.user_operand and not self._given_any(self.tool.user) :]
        return '"$@"' not in script or ('"$0"' not in script and not behind)

    @property
    def passes_input(self) -> bool:
        """Whether standard input reaches the command."""
        return (not self.tool.input_with or self._given_any(self.tool.input_with)) and not self._given_any(
            self.tool.no_input
        )

    @property
    def asks_for_terminal(self) -> bool:
        """Whether there will be a terminal in between."""
        for name in self.tool.terminal:
            times = int(name[2]) if name[2:].isdigit() else 1
            if (
                sum(given == name[: 2 if times > 1 else None] and value != "false" for given, value in self._given)
                >= times
            ):
                return True
        return self.tool.wants_terminal and not self._given_any((self.tool.no_terminal,))

    @property
    def enters_container(self) -> bool:
        """Whether the command runs in a container behind it."""
        return self.tool.place == CONTAINER

    @property
    def changes_user(self) -> bool:
        """Whether the account is chosen here."""
        return self.tool.user_operand or (bool(self.tool.user) and self.tool.place == HERE)

    def hand_over(self, command: t.Sequence[str]) -> list[str]:
        """Its words and those of the command, in the form in which they arrive behind it."""
        if self.takes_one_word:
            return [*self.words, shlex.join(command)]
        if self.tool.joins:
            return [*self.words, *map(shlex.quote, command)]
        if (
            self.tool.dollars
            and not self._given_any(("--scope",))
            and ("--expand-environment", "no") not in self._given
        ):
            return [*self.words, *(word.replace("$", "$$") for word in command)]
        return [*self.words, *command]

    def check_shape(self) -> str:
        """Why the words of a command would not arrive whole; empty when they do."""
        if self.tool.permutes and not self.ended and not self.takes_one_word:
            return f"{self.program} takes options of the command for its own"
        if self.loses_words:
            return f"the script behind {self.program} does not hand on the words of the command"
        return ""

    def spoils(self, command: t.Sequence[str]) -> bool:
        """Whether a word of the command would not arrive as it is."""
        return self._given_any(self.tool.login_shell) and any(re.search(r"\$|\n|^$", word) for word in command)

    def completed(self) -> Link:
        """The same, put right as :meth:`check_shape` wants it."""
        if self.loses_words:
            kept = [token for token in self.tokens if token.words != ("--",)]
            changed = [
                replace(token, words=(token.words[0], WHOLE), options=((token.options[-1][0], WHOLE),))
                if any(name in self.tool.script for name, _value in token.options)
                else token
                for token in kept
            ]
            return replace(self, tokens=(*changed, *([Token(("--",))] if self.tool.permutes else [])))
        return replace(self, tokens=(*self.tokens, Token(("--",))))

    def with_input(self) -> Link:
        """The same, passing standard input on."""
        link = self.without(self.tool.no_input)
        if self.tool.input_with and not self._given_any(self.tool.input_with):
            name = self.tool.input_with[0]
            link = replace(link, tokens=(Token((name,), ((name, None),)), *link.tokens))
        return link

    def without_terminal(self) -> Link | None:
        """The same without a terminal in between, if it can do without."""
        names = [name[:2] if name[2:].isdigit() else name for name in self.tool.terminal]
        link = self.without(names)
        if self.tool.no_terminal and not self._given_any((self.tool.no_terminal,)):
            name = self.tool.no_terminal
            link = replace(link, tokens=(Token((name,), ((name, None),)), *link.tokens))
        return None if link.asks_for_terminal else link

    def as_user(self, name: str, number: int) -> Link | None:
        """The same with the command running as this account, if that is decided here."""
        value = self.tool.user_number.format(number) if self.tool.user_number and not name else name
        if self.tool.place == CONTAINER and self.tool.user_number:
            value = self.tool.user_number.format(number)
        if self.tool.user_operand and not self._given_any(self.tool.user):
            operands = [
                index
                for index, token in enumerate(self.tokens)
                if not token.options and token.words[0] not in ("--", "-")
            ]
            if not operands:
                return None
            tokens = list(self.tokens)
            tokens[operands[0]] = Token((value,))
            return replace(self, tokens=tuple(tokens))
        if not self.tool.user:
            return None
        option = self.tool.user[0]
        token = Token((option, value), ((option, value),))
        return replace(self.without(self.tool.user), tokens=(token, *self.without(self.tool.user).tokens))

    def without(self, names: t.Container[str]) -> Link:
        """The same without these options; others in the same word stay."""
        kept = []
        for token in self.tokens:
            options = tuple(option for option in token.options if option[0] not in names)
            if len(options) == len(token.options):
                kept.append(token)
            elif options:
                kept.append(_short_token(options))
        return replace(self, tokens=tuple(kept))

    @property
    def _given(self) -> list[tuple[str, str | None]]:
        return [option for token in self.tokens for option in token.options]

    def _given_any(self, names: t.Container[str]) -> bool:
        return any(name in names and value != "false" for name, value in self._given)


def _short_token(options: t.Sequence[tuple[str, str | None]]) -> Token:
    """Letters that stood together, of which some were taken out."""
    letters = "-" + "".join(name[1] for name, _value in options)
    value = options[-1][1]
    return Token((letters,) if value is None else (letters, value), tuple(options))


@dataclass
class ExecPrefix:
    """How to get to where a server's command line lives.

    :param words: the words of the option.
    :param option: the option that holds them, named in every message.
    :param program: what is started there.
    :param command: the words of the option for the command itself, which may begin with a prefix too.
    """

    words: t.Sequence[str]
    option: str = "occ_exec"
    program: str = "occ"
    command: t.Sequence[str] = ()
    links: list[Link] = field(init=False)

    def __post_init__(self) -> None:
        self.words, self.command = list(self.words), list(self.command)
        self.links, self._unread = _walk(self.words, self.option)
        more, rest = _walk(self.command, self.command_option)
        # what only looks like a prefix is the command: [sh, -c, 'cd /app && php occ "$@"', sh]
        self._script = more.pop() if more and more[-1].script is not None and not rest else None
        rest = self._script.words if self._script is not None else rest
        self._more, self._rest = more, rest

    @property
    def command_option(self) -> str:
        """The option that holds the command itself: ``occ_command``."""
        return self.option.replace("_exec", "_command")

    @property
    def timeout_option(self) -> str:
        """The option that says how long it may take: ``occ_timeout``."""
        return self.option.replace("_exec", "_timeout")

    @property
    def chain(self) -> list[Link]:
        """All links, also those that the command begins with."""
        return [*self.links, *self._more]

    @property
    def understood(self) -> bool:
        """Whether every word up to the command is known."""
        return not self._unread

    @property
    def is_direct(self) -> bool:
        """Whether the command is started without anything in between."""
        return not self.words and not self._more

    @property
    def final(self) -> list[str]:
        """The command without the links that it begins with."""
        return list(self._rest)

    def has(self, programs: t.Container[str]) -> bool:
        """Whether one of these programs is in the chain."""
        return any(link.program in programs for link in self.chain)

    def around(self, arguments: t.Sequence[str], shell: t.Sequence[str] = ()) -> list[str]:
        """The whole command, quoted once for each link that makes one line of its words.

        :param shell: words that are to stand directly before the command, behind all links.
        :raises BadInput: a word would not arrive as it is.
        """
        words = [*shell, *self._rest, *arguments]
        for link in reversed(self._more):
            self._refuse_spoilt(link, words)
            words = link.hand_over(words)
        if self._unread:
            joining = next((word for word in self._unread if PurePath(word).name in JOINING), None)
            if joining is not None and words != [shlex.quote(word) for word in words]:
                raise BadInput(
                    f"{self.option} has the unknown word {self._unread[0]} before {joining}, so its words cannot be quoted"
                    f" for the shell at the other end of {joining}",
                    remedy=f"Put {joining} first, or make a program of these words that starts its arguments as they are",
                )
            words = [*self._unread, *words]
        for link in reversed(self.links):
            self._refuse_spoilt(link, words)
            words = link.hand_over(words)
        return words

    def check(self) -> None:
        """Refuse words with which the command would not arrive whole, whatever its arguments are.

        :raises BadInput: names a corrected list.
        """
        for name, words in ((self.option, self.words), (self.command_option, self.command)):
            check_words(name, words)
        for missing in (*_missing(self.words, self.option), *_missing(self.command, self.command_option)):
            raise missing
        if self._script is not None and self.program == "occ" and self._script.loses_words:
            raise BadInput(
                f"{self.command_option}: the script behind {self._script.program} does not hand on the words of the command",
                remedy='End the script with "$@", and the list with one more word, as in [sh, -c, \'cd /srv && php occ "$@"\', sh]',
            )
        for link in self.chain:
            problem = link.check_shape()
            if problem:
                raise BadInput(
                    f"{link.option}: {problem}",
                    remedy=self._corrected(lambda each: each.completed() if each.check_shape() else each),
                )
        if self._unread and self._unread[0].startswith("-") and self.links:
            self._refuse_options_behind(self.links[-1])

    def check_input(self) -> None:
        """Refuse words that are known to swallow standard input, or to put a terminal in between.

        :raises BadInput: names a corrected list.
        """
        if any(link.asks_for_terminal for link in self.chain):
            raise BadInput(
                f"{next(link.option for link in self.chain if link.asks_for_terminal)} asks for a terminal, which would show"
                " and change what is handed over",
                remedy=self.without_terminal(),
            )
        if not all(link.passes_input for link in self.chain):
            raise self.no_input()

    def no_input(self) -> BadInput:
        """The error for a prefix that does not hand on standard input."""
        option = next((link.option for link in self.chain if not link.passes_input), self.option)
        words = self.words if option == self.option else self.command
        remedy = (
            self._corrected(Link.with_input)
            if self.understood and not all(link.passes_input for link in self.chain)
            else "Use one that does: docker and podman with --interactive, kubectl with --stdin, ssh without -n"
        )
        return BadInput(f"{option} does not pass standard input on to {self.program} ({_list(words)})", remedy=remedy)

    def without_terminal(self) -> str:
        """What to do against a terminal in between."""
        stubborn = next((link.program for link in self.chain if link.without_terminal() is None), "")
        if stubborn == "machinectl":
            return (
                "Use systemd-run --machine=… --pipe --quiet -- instead of machinectl shell, which always has a terminal"
            )
        return self._corrected(
            lambda link: (link.without_terminal() or link) if link.asks_for_terminal or link.tool.no_terminal else link,
            otherwise=f"Start {self.program} without a terminal in between (a pipe), for example without -t and --pty",
        )

    def as_user(self, number: int) -> str:
        """What to do so that the command runs as this account."""
        here = all(link.tool.place == HERE for link in self.chain)
        name = _name_of(number) if here else USUAL_OWNERS.get(number, "")
        chain = self.chain
        known = name or f"<name of the account {number}>"
        for at in range(len(chain) - 1, -1, -1):
            link = chain[at]
            if link.tool.place == MACHINE:
                break
            changed = (
                link.as_user(known if link.tool.user_operand or not link.tool.user_number else name, number)
                if link.changes_user or link.tool.user
                else None
            )
            if changed is not None:
                return self._exchanged(link, changed)
            if link.tool.place != HERE:
                break
        inside = any(link.tool.place == CONTAINER for link in chain)
        if inside or (not here and not name):
            more = ["su", "-s", "/bin/sh", known, "-c", WHOLE, "--"]
        else:
            more = ["runuser", "-u", name, "--"] if name else ["sudo", "-n", "-u", f"#{number}", "--"]
        if not self.understood:
            return f"Let {self.option} run {self.program} as that account"
        if self._more:
            before = [word for link in self._more for word in link.words]
            return f"Set {self.command_option} to {_list([*before, *more, *self._rest])}"
        return f"Set {self.option} to {_list([*self.words, *more])}"

    def _exchanged(self, old: Link, new: Link) -> str:
        return self._corrected(lambda each: new if each is old else each)

    def _refuse_spoilt(self, link: Link, words: t.Sequence[str]) -> None:
        if link.spoils(words):
            raise BadInput(
                f"{link.option} starts a login shell with {link.program}, which loses $, line feeds and empty words",
                remedy=self._corrected(lambda each: each.without(each.tool.login_shell) if each is link else each),
            )

    def _refuse_options_behind(self, link: Link) -> None:
        """Options that stand after the container's name."""
        words, options = self._unread, link.tool.options[-1]
        read = _tokens(words, 0, options)
        if read is None or link.tool.place != CONTAINER or not read[0]:
            return
        tokens, end = read
        moved = replace(link, tokens=(*link.tokens[:-1], *tokens, link.tokens[-1]))
        corrected = [word for each in (*self.links[:-1], moved) for word in each.words]
        raise BadInput(
            f"{self.option} has options of {link.program} behind {link.tool.operand}, where they belong to the command",
            remedy=f"Set {self.option} to {_list([*corrected, *words[end:]])}",
        )

    def _corrected(self, change: t.Callable[[Link], Link], otherwise: str = "") -> str:
        """A sentence with the corrected lists; none is offered where a word is unknown."""
        if not self.understood:
            return otherwise or f"See the examples for {self.option} in the documentation"
        said = []
        for option, links, rest in ((self.option, self.links, []), (self.command_option, self._more, self._rest)):
            changed = [change(link) for link in links]
            if changed != links:
                said.append(f"set {option} to {_list([word for link in changed for word in link.words] + rest)}")
        sentence = " and ".join(said) or otherwise or f"See the examples for {self.option} in the documentation"
        return sentence[0].upper() + sentence[1:]


def check_words(option: str, words: t.Sequence[str]) -> None:
    """Refuse a command that is not a list of words.

    :raises BadInput: names a corrected list.
    """
    if any("\0" in word for word in words):
        raise BadInput(f"{option} contains a NUL character", remedy="Take it out; no program can be given one")
    if any(not word.strip() or word in ("null", "None") for word in words[:1]) or any(not word for word in words):
        raise BadInput(
            f"{option} contains an empty word ({_list(words)})",
            remedy=f"Give every word of {option} a value, or leave the option out; a variable or a look-up may have found nothing",
        )
    meant = _meant(words)
    if meant != list(words):
        raise BadInput(
            f"{option} is not a list of single words ({_list(words)})", remedy=f"Give it as a list: {_list(meant)}"
        )


def looks_split(words: t.Sequence[str]) -> bool:
    """Whether Ansible has split a text such as ``[php, occ]`` or ``php, occ`` at its commas; one odd word among others is no sign."""
    return bool(words) and (
        words[0].startswith("[")
        or words[0].endswith(",")
        or (len(words) > 1 and all(word.startswith(" ") for word in words[1:]))
    )


def _meant(words: t.Sequence[str]) -> list[str]:
    """The list that was meant where a text was given, which Ansible splits at its commas, or a comma stands behind a word."""
    split = [word.strip(" []\"',") for word in words] if looks_split(words) else list(words)
    if split and re.search(r"[ ,]", split[0].strip()) and not Path(split[0]).exists():
        split[:1] = words_of(split[0].replace(",", " "))
    return [word for word in split if word] if split != list(words) else split


def words_of(text: str) -> list[str]:
    """The words of a text, as a shell sees them, where it can."""
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _walk(words: t.Sequence[str], option: str) -> tuple[list[Link], list[str]]:
    """The links that words begin with, and the words behind them."""
    links: list[Link] = []
    at = 0
    while at < len(words):
        found = _read(words, at, option)
        if found is None:
            break
        link, at = found
        links.append(link)
    return links, list(words[at:])


def _read(words: t.Sequence[str], at: int, option: str) -> tuple[Link, int] | None:
    for tool in TOOLS:
        if PurePath(words[at]).name in tool.programs:
            found = _read_as(tool, words, at, option)
            if found is not None:
                return found
    return None


def _read_as(tool: Tool, words: t.Sequence[str], at: int, option: str) -> tuple[Link, int] | None:
    head, index = [words[at]], at + 1
    for options, subcommand in zip(tool.options, tool.path):
        read = _tokens(words, index, options)
        if read is None or words[read[1] : read[1] + 1] != [subcommand]:
            return None
        head += [*(word for token in read[0] for word in token.words), subcommand]
        index = read[1] + 1
    read = _tokens(words, index, tool.options[-1])
    if read is None:
        return None
    tokens, index = read
    for _number in range(_operands(tool, tokens, words[index : index + 1])):
        if index >= len(words):
            return None
        tokens.append(Token((words[index],)))
        index += 1
        if tool.permutes:
            read = _tokens(words, index, tool.options[-1])
            if read is None:
                return None
            tokens += read[0]
            index = read[1]
    if tool.programs == ("env",):
        while index < len(words) and re.match(r"[A-Za-z_]\w*=", words[index]):
            tokens.append(Token((words[index],)))
            index += 1
    link = Link(tool, tuple(head), tuple(tokens), option)
    if link.script and '"$0"' not in link.script and index < len(words):
        # the first word behind a script is the name that it goes by
        tokens.append(Token((words[index],)))
        return replace(link, tokens=tuple(tokens)), index + 1
    return link, index


def _operands(tool: Tool, tokens: t.Sequence[Token], following: t.Sequence[str]) -> int:
    given = {name for token in tokens for name, _value in token.options}
    if tool.user_operand:
        return 0 if given.intersection(tool.user) else 1 + (list(following) == ["-"])
    if tool.programs[0] in ("kubectl", "k3s") and given & {"-f", "--filename"}:
        return 0
    return 1 if tool.operand else 0


def _tokens(words: t.Sequence[str], at: int, options: Options) -> tuple[list[Token], int] | None:
    """The options from here on, up to ``--`` or the first other word; nothing when one of them is unknown."""
    found: list[Token] = []
    while at < len(words) and words[at].startswith("-") and words[at] != "-":
        word = words[at]
        if word == "--":
            return [*found, Token(("--",))], at + 1
        token = _long(words, at, options) if word.startswith("--") else _short(words, at, options)
        if token is None:
            return None
        found.append(token)
        at += len(token.words)
    return found, at


def _long(words: t.Sequence[str], at: int, options: Options) -> Token | None:
    name, equals, value = words[at].partition("=")
    if name in options.named:
        if equals:
            return Token((words[at],), ((name, value),))
        return (
            Token(tuple(words[at : at + 2]), ((name, words[at + 1]),))
            if at + 1 < len(words)
            else Token((name,), ((name, ""),))
        )
    return Token((words[at],), ((name, value if equals else None),)) if name in options.names else None


def _short(words: t.Sequence[str], at: int, options: Options) -> Token | None:
    word = words[at]
    given: list[tuple[str, str | None]] = []
    for position, letter in enumerate(word[1:], 1):
        name, rest = f"-{letter}", word[position + 1 :]
        if letter in options.attached:
            return Token((word,), (*given, (name, rest)))
        if letter in options.valued:
            if rest or at + 1 >= len(words):
                return Token((word,), (*given, (name, rest)))
            return Token((word, words[at + 1]), (*given, (name, words[at + 1])))
        if letter not in options.flags:
            return None
        if rest.startswith("="):
            return Token((word,), (*given, (name, rest[1:])))
        given.append((name, None))
    return Token((word,), tuple(given))


def _missing(words: t.Sequence[str], option: str) -> t.Iterator[BadInput]:
    """A known program that lacks what it wants before the command."""
    _links, rest = _walk(words, option)
    if not rest:
        return
    for tool in TOOLS:
        if (
            PurePath(rest[0]).name in tool.programs
            and tool.operand
            and _read_as(tool, [*rest, "x"], 0, option)
            and not _read_as(tool, rest, 0, option)
        ):
            yield BadInput(f"{option} lacks {tool.operand} behind {rest[0]}", remedy=f"Add it to {option}")


def _list(words: t.Iterable[str]) -> str:
    return json.dumps(list(words), ensure_ascii=False)


def _name_of(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return ""
