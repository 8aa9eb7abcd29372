# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The console that every occ command runs in: its arguments, its output formats, its boxed exceptions (NC §5.1)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lab.nextcloud.profiles import Profile
from lab.nextcloud.state import NextcloudState
from lab.nextcloud.surroundings import Surroundings

BOX_WIDTH = 75
"""Characters of an exception's text in one line, where standard error is no terminal."""

GLOBAL_FLAGS = {
    "--no-warnings": "",
    "--no-ansi": "",
    "--ansi": "",
    "--no-interaction": "n",
    "--quiet": "q",
    "--verbose": "v",
    "--version": "V",
}
GREATEST_EXIT_CODE = 255


class OccError(Exception):
    """An exception inside a command, which Symfony's console prints in a box. `place` is its PHP file and line."""

    def __init__(self, message: str, place: str = "", code: int = 1) -> None:
        super().__init__(message)
        self.places = [(place, message)]
        self.code = min(code, GREATEST_EXIT_CODE)

    def caused_by(self, place: str, message: str) -> OccError:
        """The same exception with one more below it."""
        self.places.append((place, message))
        return self


class Stop(Exception):
    """A command ends with this exit code; what it had to say is written already."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Option:
    """An option as Symfony declares it; `value` is `none`, `required`, `optional` or `negatable`."""

    name: str
    shortcut: str = ""
    value: str = "none"
    array: bool = False
    since: int = 0
    """First major version of Nextcloud that has it."""

    @property
    def synopsis(self) -> str:
        if self.value == "negatable":
            return f"[--{self.name}|--no-{self.name}]"
        prefix = f"-{self.shortcut}|" if self.shortcut else ""
        placeholder = {"none": "", "required": f" {self.name.upper()}", "optional": f" [{self.name.upper()}]"}
        return f"[{prefix}--{self.name}{placeholder[self.value]}]"


@dataclass(frozen=True)
class Argument:
    name: str
    required: bool
    array: bool
    since: int = 0


@dataclass(frozen=True)
class Input:
    """The words of one call, sorted by the command's definition."""

    arguments: Mapping[str, Any]
    options: Mapping[str, Any]


@dataclass
class Console:
    """What a command works with: the server's state, its own words, and where it writes."""

    state: NextcloudState
    surroundings: Surroundings
    environment: Mapping[str, str]
    stdin: str
    interactive: bool = True
    input: Input = field(default_factory=lambda: Input({}, {}))
    out: list[str] = field(default_factory=list)
    err: list[str] = field(default_factory=list)

    @property
    def profile(self) -> Profile:
        return self.state.profile

    def argument(self, name: str) -> str:
        return str(self.input.arguments.get(name) or "")

    def arguments(self, name: str) -> list[str]:
        return list(self.input.arguments.get(name) or [])

    def option(self, name: str) -> Any:
        return self.input.options.get(name)

    def line(self, text: str) -> None:
        self.out.append(text + "\n")

    def fail(self, text: str, code: int = 1) -> Stop:
        """Say something on standard output and end; raise what this returns."""
        self.line(text)
        return Stop(code)

    def write(self, items: Any) -> None:
        """A map or list in the format that `--output` asks for; unknown formats are plain."""
        if self._writes_json(items):
            return
        for row in plain_lines(items):
            self.line(row)

    def write_value(self, value: Any) -> None:
        """A single value, as `config:system:get` and its like print it."""
        if self._writes_json(value):
            return
        if isinstance(value, Mapping):
            for key, item in value.items():
                self.line(f"{key}: {plain(item)}")
        elif isinstance(value, list):
            for item in value:
                self.line(plain(item))
        else:
            self.line(plain(value))

    def table(self, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """A table with rulers; a cell may hold several lines."""
        cells = [[str(cell).split("\n") for cell in row] for row in [headings, *rows]]
        widths = [max(len(line) for row in cells for line in row[column]) for column in range(len(headings))]
        ruler = "+" + "+".join("-" * (width + 2) for width in widths) + "+"
        self.line(ruler)
        for number, row in enumerate(cells):
            for depth in range(max(len(cell) for cell in row)):
                parts = [cell[depth] if depth < len(cell) else "" for cell in row]
                self.line("|" + "|".join(f" {part:<{width}} " for part, width in zip(parts, widths, strict=True)) + "|")
            if number == 0:
                self.line(ruler)
        if len(cells) > 1:
            self.line(ruler)

    def ask(self, question: str, *, hidden: bool = False) -> str | None:
        """The next line of standard input; None when nothing is left. The question goes to standard error."""
        self.err.append(question)
        if not self.stdin:
            return None
        if hidden:
            self.err.append("\n")
        line, _unused, self.stdin = self.stdin.partition("\n")
        return line

    def _writes_json(self, data: Any) -> bool:
        wanted = self.option("output")
        if wanted not in ("json", "json_pretty"):
            return False
        self.line(php_json(data, pretty=wanted == "json_pretty"))
        return True


@dataclass(frozen=True)
class Command:
    """A command of occ. `app` is the app that brings it; `writes` says whether a call would change something."""

    name: str
    arguments: tuple[Argument, ...]
    options: tuple[Option, ...]
    run: Callable[[Console], int | None]
    app: str
    writes: Callable[[Input], bool]

    def definition(self, major: int) -> list[Option]:
        return [option for option in self.options if option.since <= major]

    def positional(self, major: int) -> list[Argument]:
        return [argument for argument in self.arguments if argument.since <= major]

    def synopsis(self, major: int) -> str:
        """The line of usage that follows an exception."""
        words = [self.name, *(option.synopsis for option in self.definition(major))]
        if self.positional(major) and self.definition(major):
            words.append("[--]")
        closing = ""
        for argument in self.positional(major):
            word = f"<{argument.name}>" + ("..." if argument.array else "")
            if not argument.required:
                word, closing = "[" + word, closing + "]"
            words.append(word)
        return " ".join(words) + closing


COMMANDS: dict[str, Command] = {}


def command(
    name: str,
    *words: str,
    app: str = "",
    writes: bool | Callable[[Input], bool] = True,
    alias: str = "",
) -> Callable[[Callable[[Console], int | None]], Callable[[Console], int | None]]:
    """Register a command. `words` define it: `uid`, `uid?`, `name...`, `-e|--exit-code`, `--output=?`, `--[no-]lazy`.

    An option takes a value with `=`, may take one with `=?`, and may be repeated with `*` at the end; `30@` in front
    means since Nextcloud 30.
    """

    def register(run: Callable[[Console], int | None]) -> Callable[[Console], int | None]:
        arguments = tuple(_argument(word) for word in words if "-" not in word[:1] and "@-" not in word)
        options = tuple(_option(word) for word in words if "-" in word[:1] or "@-" in word)
        decides = writes if callable(writes) else (lambda given: bool(writes))
        for known_as in filter(None, (name, alias)):
            COMMANDS[known_as] = Command(name, arguments, options, run, app, decides)
        return run

    return register


def _argument(word: str) -> Argument:
    since, _unused, name = word.rpartition("@")
    return Argument(name.rstrip("?."), "?" not in word, "..." in word, int(since or 0))


def _option(word: str) -> Option:
    since, _unused, rest = word.rpartition("@")
    array = rest.endswith("*")
    rest = rest.rstrip("*")
    kind = "none"
    if rest.endswith("=?"):
        kind = "optional"
    elif rest.endswith("="):
        kind = "required"
    elif "[no-]" in rest:
        kind = "negatable"
    shortcut, _unused, name = rest.rstrip("=?").replace("[no-]", "").rpartition("|")
    return Option(name.lstrip("-"), shortcut.lstrip("-"), kind, array, int(since or 0))


def parse(definition: Command, major: int, words: Sequence[str]) -> Input:
    """Sort the words after the command's name; raises OccError in the console's own words."""
    options = {option.name: option for option in definition.definition(major)}
    shortcuts = {option.shortcut: option for option in options.values() if option.shortcut}
    given: dict[str, Any] = {option.name: [] for option in options.values() if option.array}
    positional: list[str] = []
    left = list(words)
    while left:
        word = left.pop(0)
        if word == "--":
            positional += left
            break
        if word.startswith("--"):
            _take_long(word, options, given, left)
        elif word.startswith("-") and len(word) > 1:
            _take_short(word, shortcuts, given, left)
        else:
            positional.append(word)
    return Input(_take_positional(definition, major, positional), given)


def _take_long(word: str, options: Mapping[str, Option], given: dict[str, Any], left: list[str]) -> None:
    name, equals, value = word[2:].partition("=")
    negated = name.startswith("no-") and name[3:] in options and options[name[3:]].value == "negatable"
    if negated:
        given[name[3:]] = False
        return
    if f"--{name}" in GLOBAL_FLAGS:
        return
    if name not in options:
        raise OccError(f'The "--{name}" option does not exist.')
    option = options[name]
    if option.value in ("none", "negatable"):
        if equals:
            raise OccError(f'The "--{name}" option does not accept a value.')
        given[name] = True
    elif equals:
        _put(given, option, value)
    elif left and not left[0].startswith("-"):
        _put(given, option, left.pop(0))
    elif option.value == "required":
        raise OccError(f'The "--{name}" option requires a value.')
    else:
        _put(given, option, None)


def _take_short(word: str, shortcuts: Mapping[str, Option], given: dict[str, Any], left: list[str]) -> None:
    letter, rest = word[1], word[2:]
    if letter in GLOBAL_FLAGS.values():
        if rest:
            left.insert(0, f"-{rest}")
        return
    if letter not in shortcuts:
        raise OccError(f'The "-{letter}" option does not exist.')
    option = shortcuts[letter]
    if option.value == "none":
        given[option.name] = True
        if rest:
            left.insert(0, f"-{rest}")
    elif rest:
        _put(given, option, rest)
    elif left and not left[0].startswith("-"):
        _put(given, option, left.pop(0))
    elif option.value == "required":
        raise OccError(f'The "--{option.name}" option requires a value.')
    else:
        _put(given, option, None)


def _put(given: dict[str, Any], option: Option, value: str | None) -> None:
    if option.array:
        given[option.name].append(value)
    else:
        given[option.name] = value


def _take_positional(definition: Command, major: int, words: list[str]) -> dict[str, Any]:
    taken: dict[str, Any] = {}
    left = list(words)
    declared = definition.positional(major)
    for argument in declared:
        if argument.array:
            taken[argument.name], left = left, []
        elif left:
            taken[argument.name] = left.pop(0)
    names = [argument.name for argument in declared]
    if left:
        expected = " ".join(f'"{name}"' for name in ["command", *names])
        raise OccError(f'Too many arguments to "{definition.name}" command, expected arguments {expected}.')
    missing = [
        argument.name
        for argument in declared
        if argument.required and (argument.name not in taken or taken[argument.name] == [])
    ]
    if missing:
        raise OccError(f'Not enough arguments (missing: "{", ".join(missing)}").')
    return taken


# Output


def php_json(data: Any, *, pretty: bool = False) -> str:
    """JSON as PHP writes it: escaped slashes, an empty map as an empty list."""
    separators = None if pretty else (",", ":")
    return json.dumps(_emptied(data), indent=4 if pretty else None, separators=separators).replace("/", "\\/")


def _emptied(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {key: _emptied(value) for key, value in data.items()} or []
    if isinstance(data, list):
        return [_emptied(value) for value in data]
    return data


def plain(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def plain_lines(items: Any, prefix: str = "  - ") -> list[str]:
    """Nested lists as occ indents them."""
    lines: list[str] = []
    pairs = items.items() if isinstance(items, Mapping) else enumerate(items)
    for key, value in pairs:
        if isinstance(value, Mapping | list):
            lines += [f"{prefix}{key}:", *plain_lines(value, f"  {prefix}")]
        elif isinstance(key, int):
            lines.append(f"{prefix}{plain(value)}")
        else:
            lines.append(f"{prefix}{key}" + ("" if value is None else f": {plain(value)}"))
    return lines


def box(error: OccError, synopsis: str, *, joins_tabs: bool) -> str:
    """An exception as the console frames it on standard error.

    With `joins_tabs`, tabulators in a row count as one; without, each counts for the cut, and none for the frame.
    """
    box = "\n"
    for place, message in error.places:
        if place:
            box += f"In {place}:\n"
        lines = [part for line in re.split(r"\r?\n", message.strip()) for part in _cut(line, joins_tabs)]
        shown = [_without_tabs(part, joins_tabs) for part in lines]
        widest = max(map(len, shown)) + 4
        blank = " " * widest
        framed = [f"  {line}" + " " * (widest - len(text) - 2) for line, text in zip(lines, shown, strict=True)]
        box += "\n".join([blank, *framed, blank]) + "\n\n"
    return box + (f"{synopsis}\n\n" if synopsis else "")


def _cut(line: str, joins_tabs: bool) -> list[str]:
    """The line in parts that the frame holds."""
    parts, width = [""], 0
    for before, letter in zip(" " + line, line, strict=False):
        width += not (joins_tabs and before == letter == "\t")
        if width > BOX_WIDTH:
            parts.append("")
            width = 1
        parts[-1] += letter
    return parts


def _without_tabs(line: str, joins_tabs: bool) -> str:
    """As wide as the frame takes the line for."""
    return re.sub(r"\t+", "\t" if joins_tabs else "", line)
