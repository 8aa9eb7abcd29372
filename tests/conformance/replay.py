# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replay a recording against the lab, line by line."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests

from conformance import runner_lines
from conformance.compare import Answer, Comparison
from conformance.identities import Identities
from conformance.other_openproject import RECORDED_ADDRESS, other_openproject
from conformance.recording import Line, load, split_command
from conformance.scope import NEXTCLOUD
from lab import Lab
from lab.nextcloud.occ import run as run_occ
from lab.nextcloud.server import NextcloudServer
from lab.nextcloud.surroundings import Surroundings

PASSPHRASE = re.compile("oc_sessionPassphrase=([^;]+)")
PASSWORD_LINE = re.compile(r"(?<=app password:\n)\S+")

PHP_SETTINGS: dict[str, dict[str, Any]] = {
    "memory_limit=64M": {"memory_limit_low": True},
    "memory_limit=8M": {
        "php_fatal": "PHP Fatal error:  Allowed memory size of 8388608 bytes exhausted (tried to allocate 2097152 "
        "bytes) in /var/www/nextcloud/lib/composer/composer/ClassLoader.php on line 576"
    },
    "disable_functions=pcntl_signal": {"pcntl_disabled": True},
    "extension=nosuchext": {
        "php_warning": "PHP Warning:  PHP Startup: Unable to load dynamic library 'nosuchext' (tried: "
        "/usr/lib/php/20220829/nosuchext (/usr/lib/php/20220829/nosuchext: cannot open shared object file: No such "
        "file or directory), /usr/lib/php/20220829/nosuchext.so (/usr/lib/php/20220829/nosuchext.so: cannot open "
        "shared object file: No such file or directory)) in Unknown on line 0"
    },
    "-n": {
        "php_fatal": "Fatal error: Uncaught Error: Call to undefined function posix_getuid() in "
        "/var/www/nextcloud/occ:15\nStack trace:\n#0 {main}",
        "php_fatal_on_stdout": True,
    },
    "zend.assertions=foo": {
        "php_warning": 'PHP Warning:  Invalid "zend.assertions" setting. Invalid quantity "foo": no valid leading '
        'digits, interpreting as "0" for backwards compatibility in Unknown on line 0'
    },
}
"""What the settings that a recorded command gave to PHP mean to the lab."""


@dataclass(frozen=True)
class Recording:
    """A recorded file: which lab it needs, and what its lines do not say themselves.

    `texts` are values that the lab has in other words from the start. `start` makes the state that the file starts in;
    `steps` are done before the line of that number, because something outside the recording happened there.
    `left_out` names lines whose values come from what was not stock on the recorded server.
    """

    name: str
    nextcloud: str
    start: Callable[[Replay], None]
    steps: Mapping[int, Callable[[Replay], None]] = field(default_factory=dict)
    left_out: Mapping[int, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    openproject: str = "15.4"


@dataclass(frozen=True)
class Outcome:
    line: Line
    differences: Sequence[str]

    @property
    def reproduced(self) -> bool:
        return not self.differences


class Replay:
    """One recording on one lab. What is public is for the arrangements; `stack` ends what they start."""

    def __init__(
        self,
        recording: Recording,
        lab: Lab,
        lines: Sequence[Line] | None = None,
        rename: Callable[[str], str] = str,
    ) -> None:
        self.recording, self.lab, self._rename = recording, lab, rename
        self.lines = load(recording.name) if lines is None else list(lines)
        self.identities = Identities({**recording.texts})
        self.stack = ExitStack()
        self.other: NextcloudServer
        """A second Nextcloud, where the start of a recording makes one."""
        self._cookies: dict[str, str] = {}
        self._sessions = _beginnings(self.lines)

    @property
    def nextcloud(self) -> Any:
        return self.lab.nextcloud.state

    @property
    def openproject(self) -> Any:
        return self.lab.openproject.state

    def renamed(self, name: str) -> str:
        """A name of the recorded server as the lines spell it."""
        return self._rename(name)

    def stands_for(self, recorded: str, here: str) -> None:
        """A value of the recorded server, and the one that the lab has for it from the start."""
        self.identities.learn_text(self.renamed(recorded), here)

    def counted(self) -> list[Line]:
        """The exchanges in scope."""
        return [line for line in self.lines if line.in_scope and line.number not in self.recording.left_out]

    def run(self) -> list[Outcome]:
        """Replay all lines; those out of scope only for what they change."""
        self.recording.start(self)
        counted = {line.number for line in self.counted()}
        outcomes = []
        for line in self.lines:
            step = self.recording.steps.get(line.number)
            if step:
                step(self)
            if line.kind == "http":
                differences = self._http(line, counted=line.number in counted)
            elif line.kind == "occ":
                differences = self._occ(line, counted=line.number in counted)
            elif line.number in counted:
                differences = runner_lines.differences(self, line)
            else:
                continue
            if line.number in counted:
                outcomes.append(Outcome(line, differences))
        return outcomes

    # HTTP

    def _http(self, line: Line, *, counted: bool) -> list[str]:
        if not line.server:
            return []
        request = line.data["request"]
        server = self.lab.nextcloud if line.server == NEXTCLOUD else self.lab.openproject
        recorded_address = urlsplit(request["url"])
        recorded_root = f"{recorded_address.scheme}://{recorded_address.netloc}"
        path = self.identities.translate(request["url"].removeprefix(recorded_root))
        headers = {
            name: self._header(name, value, recorded_address.netloc, server.url)
            for name, value in (request.get("headers") or {}).items()
        }
        body = request.get("body")
        with self._web_server(recorded_address.port):
            answer = requests.request(
                request["method"],
                server.url + path,
                headers=headers,
                data=self.body(body).encode() if body is not None else None,
                allow_redirects=False,
                timeout=30,
            )
        if line.number in self._sessions:
            self._cookies = {}
        if line.number in self._sessions or _cookies(line):
            self._cookies.update(answer.cookies.get_dict())
        if not counted:
            return []
        recorded = line.data["response"]
        recorded_headers = dict(recorded["headers"])
        content_type = next((value for name, value in recorded_headers.items() if name.lower() == "content-type"), "")
        others = {name: value for name, value in recorded_headers.items() if name.lower() != "content-type"}
        return Comparison(self.identities).of_http(
            Answer(recorded["status"], recorded["body"] or "", content_type, headers=others),
            Answer(
                answer.status_code,
                answer.text,
                answer.headers.get("Content-Type", ""),
                headers={name.lower(): value for name, value in answer.headers.items()},
            ),
        )

    def _header(self, name: str, value: str, recorded_host: str, url: str) -> str:
        if name.lower() == "host":
            return urlsplit(url).netloc if value == recorded_host else value
        if name.lower() == "cookie":
            # They were sent where their path allows it; only the session's is named after the server.
            sent = {pair.partition("=")[0].strip() for pair in value.split(";")}
            own = {key: text for key, text in self._cookies.items() if key in sent or key.startswith("oc")}
            return "; ".join(f"{key}={text}" for key, text in own.items())
        return self.identities.translate(value)

    def body(self, text: str) -> str:
        """A recorded body as the lab must be told it, value by value where it is JSON."""
        try:
            data = json.loads(text)
        except ValueError:
            return self.identities.translate(text)
        return json.dumps(self._translated(data)) if isinstance(data, dict | list) else text

    def _translated(self, data: Any) -> Any:
        if isinstance(data, dict):
            return {key: self._translated(value) for key, value in data.items()}
        if isinstance(data, list):
            return [self._translated(value) for value in data]
        return self.identities.translate(data) if isinstance(data, str) else data

    @contextmanager
    def _web_server(self, port: int | None) -> Iterator[None]:
        """Port 8182 was the same Nextcloud behind a web server that rewrites nothing."""
        self.nextcloud.pretty_urls = port != 8182
        yield
        self.nextcloud.pretty_urls = True

    # occ

    def _occ(self, line: Line, *, counted: bool) -> list[str]:
        php, argv = split_command(line.data["cmd"])
        if not argv:
            return []
        words = [self.identities.translate(word) for word in self._renumbered(argv)]
        environment = {name: self.identities.translate_word(value) for name, value in line.data.get("env", {}).items()}
        with self._started_as(php, line.data.get("user") or "www-data"):
            code, out, err = run_occ(
                self.lab.nextcloud, words, environment, self.identities.translate(line.data.get("stdin") or "")
            )
        if not counted:
            return []
        expected = self._learn_from_output(argv, line.data.get("stdout", ""), out)
        return Comparison(self.identities).of_occ(
            Answer(line.data["rc"], expected, error_text=line.data.get("stderr", "")), Answer(code, out, error_text=err)
        )

    def _renumbered(self, argv: Sequence[str]) -> list[str]:
        """Ids stand among the words without a name: a folder's is the first one, a token's the second."""
        words = list(argv)
        for index, word in enumerate(words):
            before = words[:index]
            if word.isdigit() and before and before[-1].startswith("groupfolders:"):
                words[index] = str(self.identities.number("folder", int(word)))
            if word.isdigit() and "user:auth-tokens:delete" in before:
                words[index] = str(self.identities.number("token", int(word)))
        return words

    def _learn_from_output(self, argv: Sequence[str], recorded: str, lab: str) -> str:
        """Learn what a command hands out as plain text. Returns the recorded text with the number that the lab counts."""
        old, new = PASSWORD_LINE.search(recorded), PASSWORD_LINE.search(lab)
        if old and new:
            self.identities.learn_text(old.group(), new.group())
        if "groupfolders:create" in argv and recorded.strip().isdigit() and lab.strip().isdigit():
            self.identities.learn_number("folder", int(recorded), int(lab))
            return f"{self.identities.number('folder', int(recorded))}\n"
        return recorded

    @contextmanager
    def _started_as(self, php: Sequence[str], user: str) -> Iterator[None]:
        around: Surroundings = self.nextcloud.surroundings
        changes: dict[str, Any] = {"account": user}
        for word in php:
            changes |= PHP_SETTINGS.get(word, {})
        before = {name: getattr(around, name) for name in changes}
        for name, value in changes.items():
            setattr(around, name, value)
        yield
        for name, value in before.items():
            setattr(around, name, value)


def _beginnings(lines: Sequence[Line]) -> set[int]:
    """Numbers of the lines that sessions began with: the next one sent their cookies for the first time."""
    seen, found = set(), set()
    for line, later in itertools.pairwise(lines):
        phrase = PASSPHRASE.search(_cookies(later))
        if phrase and phrase[1] not in seen:
            seen.add(phrase[1])
            found.add(line.number)
    return found


def _cookies(line: Line) -> str:
    """What the request of a line sent in its Cookie header."""
    headers = line.data["request"].get("headers") or {} if line.kind == "http" else {}
    return next((value for name, value in headers.items() if name.lower() == "cookie"), "")


def replay(
    recording: Recording, lines: Sequence[Line] | None = None, *, rename: Callable[[str], str] = str
) -> list[Outcome]:
    """Replay a recording on a lab of its own; `rename` says what became of a name when the lines were renamed."""
    with (
        Lab(nextcloud=recording.nextcloud, openproject=recording.openproject) as lab,
        other_openproject() as address,
    ):
        started = Replay(recording, lab, lines, rename)
        started.stands_for(RECORDED_ADDRESS, address)
        with started.stack:
            return started.run()
