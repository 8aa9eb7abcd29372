# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of Ansible under watch, and the search for secrets in whatever they leave to read."""

from __future__ import annotations

import base64
import contextlib
import html
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import typing as t
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, quote_plus

ROOT = Path(__file__).parents[2]
VAULT_PASSWORD = "the-password-of-the-vault"
SECONDS_BETWEEN_LOOKS = 0.02
#: looks at processes for each look at files; what Python removes in between is kept anyway
LOOKS_AT_PROCESSES = 10
#: a process changes its command line only by starting another program in its place, which it does at once
LOOKS_AT_A_PROCESS = 10
#: letters and digits in a row that are so many cannot be there by chance
LONGEST_BY_CHANCE = 10

OUTPUT, LOG, RESULTS, FILES, COMMAND_LINES, PROGRAMS = "output", "log", "results", "files", "/proc", "started programs"

# Python runs it at its start: it keeps a copy of each file that is removed, and the arguments of each program that is started.
RECORDER = """
import itertools, json, os, shutil, sys
_numbers, _kept, _watched = itertools.count(), os.environ["CANARY_KEPT"], os.environ["CANARY_WATCHED"]

def _removed(path, folder):
    path = os.fsdecode(path)
    if folder != -1:
        path = os.path.join(os.readlink(f"/proc/self/fd/{folder}"), path)
    path = os.path.abspath(path)
    if path.startswith(_watched) and os.path.isfile(path):
        shutil.copyfile(path, os.path.join(_kept, f"removed-{os.getpid()}-{next(_numbers)}"))

def _hook(event, arguments):
    if event == "os.remove":
        _removed(*arguments)
    elif event in ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.system"):
        with open(os.path.join(_kept, f"started-{os.getpid()}-{next(_numbers)}"), "w") as target:
            words = arguments[:1] if event == "os.system" else arguments[1]
            target.write("\\0".join(os.fsdecode(word) for word in ([words] if isinstance(words, (str, bytes)) else words)))

sys.addaudithook(_hook)
"""

# What Ansible hands to callbacks, with nothing left out.
CALLBACK = """
DOCUMENTATION = "name: canary\\ntype: notification\\nshort_description: keeps all results\\ndescription: [Keeps all results.]\\n"
import os
from ansible.plugins.callback import CallbackBase

class CallbackModule(CallbackBase):
    CALLBACK_VERSION, CALLBACK_TYPE, CALLBACK_NAME, CALLBACK_NEEDS_ENABLED = 2.0, "notification", "canary", True

    def _keep(self, result, *arguments, **options):
        with open(os.environ["CANARY_RESULTS"], "a") as target:
            target.write(f"{result._result!r}\\n")

    v2_runner_on_ok = v2_runner_on_failed = v2_runner_on_skipped = v2_runner_on_unreachable = _keep
    v2_runner_item_on_ok = v2_runner_item_on_failed = v2_runner_retry = v2_on_file_diff = _keep
"""


def forms(secret: str) -> dict[str, str]:
    """The forms in which a secret may stand in a text, by name."""
    escaped = json.dumps(secret)[1:-1]
    found = {
        "plain": secret,
        "JSON": escaped,
        "JSON, not only ASCII": json.dumps(secret, ensure_ascii=False)[1:-1],
        "JSON in JSON": json.dumps(escaped)[1:-1],
        "JSON with a slash escaped": escaped.replace("/", "\\/"),
        "Python": repr(secret)[1:-1],
        "YAML": secret.replace("'", "''"),
        "URL": quote(secret, safe=""),
        "URL, path": quote(secret),
        "URL, form": quote_plus(secret),
        "HTML": html.escape(secret),
        "HTML, text": html.escape(secret, quote=False),
    }
    found |= {f"{name}, lower case": re.sub("%..", _lower, form) for name, form in found.items() if name[:3] == "URL"}
    found |= _in_base64(secret.encode())
    runs = re.findall(f"[A-Za-z0-9]{{{LONGEST_BY_CHANCE},}}", secret)
    return found | {f"piece {number}": piece for number, piece in enumerate(runs)}


def _without_line_breaks(text: str) -> str:
    """Without any white space, escaped white space included."""
    return re.sub(r"(\s|\\+[nrt])+", "", text)


def _lower(match: re.Match[str]) -> str:
    return match.group().lower()


def _in_base64(data: bytes) -> dict[str, str]:
    """What stands in Base64 for it wherever it begins within the encoded bytes: after a user name and a colon, for example."""
    found = {}
    for before in range(3):
        for name, encode in (("Base64", base64.b64encode), ("Base64 for URLs", base64.urlsafe_b64encode)):
            encoded = encode(b"\0" * before + data).decode()
            found[f"{name}, offset {before}"] = encoded[(0, 2, 3)[before] : (before + len(data)) * 8 // 6]
    return found


class Leak(t.NamedTuple):
    """A secret that was found.

    :param secret: its name.
    :param form: the name of one form that was found.
    :param place: where.
    """

    secret: str
    form: str
    place: str
    context: str


def leaks(texts: Mapping[str, t.Iterable[str]], secrets: Mapping[str, str]) -> list[Leak]:
    """Every secret in every place where it was found, in any form, also where lines were broken or indented within it."""
    found = []
    for place, several in texts.items():
        text = _without_line_breaks("\0".join(sorted(set(several))))
        for name, secret in secrets.items():
            for form, written in forms(secret).items():
                at = text.find(_without_line_breaks(written))
                if at >= 0:
                    found.append(Leak(name, form, place, text[max(at - 200, 0) : at + 200]))
                    break
    return found


@dataclass
class Stage:
    """A folder in which Ansible runs, and what its runs left to read.

    :param given: files of the user (inventory, variables, vault password); what stands in them is no leak.
    :param watched: all that the runs write.
    """

    given: Path
    watched: Path
    output: list[str] = field(default_factory=list)
    looks: dict[str, int] = field(default_factory=dict)
    command_lines: set[str] = field(default_factory=set)
    files: dict[tuple[str, int, int], str] = field(default_factory=dict)

    @classmethod
    def below(cls, folder: Path) -> Stage:
        stage = cls(folder / "given", folder / "watched")
        for name in ("tmp", "local", "remote", "home", "kept", "reports"):
            (stage.watched / name).mkdir(parents=True)
        for name in ("python", "callbacks", "library"):
            (stage.given / name).mkdir(parents=True)
        (stage.given / "python" / "sitecustomize.py").write_text(RECORDER)
        (stage.given / "callbacks" / "canary.py").write_text(CALLBACK)
        (stage.given / "vault-password").write_text(VAULT_PASSWORD)
        return stage

    def run(self, program: str, *arguments: str | Path, **environment: str) -> tuple[int, str]:
        """Run a program of Ansible with C(-vvvv --diff) under watch; its exit code and output."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        with self._looking():
            done = subprocess.run(
                [Path(sys.executable).parent / program, "-vvvv", "--diff", *arguments],
                capture_output=True,
                cwd=self.given,
                env={**inherited, **self._environment(), **environment},
                stdin=subprocess.DEVNULL,
                check=False,
                timeout=300,
            )
        text = (done.stdout + done.stderr).decode(errors="replace")
        self.output.append(text)
        return done.returncode, text

    def texts(self) -> dict[str, list[str]]:
        """All that was seen, by place."""
        kept = {path.name: _read(path) for path in (self.watched / "kept").iterdir()}
        started = [text for name, text in kept.items() if name.startswith("started")]
        removed = [text for name, text in kept.items() if name.startswith("removed")]
        self._look_at_files()
        return {
            OUTPUT: self.output,
            LOG: [_read(self.watched / "ansible.log")],
            RESULTS: [_read(self.watched / "results")],
            FILES: [*self.files.values(), *removed],
            COMMAND_LINES: sorted(self.command_lines),
            PROGRAMS: started,
        }

    def _environment(self) -> dict[str, str]:
        watched = self.watched
        return {
            "ANSIBLE_CALLBACKS_ENABLED": "canary,ansible.builtin.junit,ansible.builtin.tree",
            "ANSIBLE_CALLBACK_PLUGINS": str(self.given / "callbacks"),
            "ANSIBLE_CALLBACK_TREE_DIR": str(watched / "reports"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache" / "collections"),
            "ANSIBLE_HOME": str(watched / "home"),
            "ANSIBLE_LIBRARY": str(self.given / "library"),
            "ANSIBLE_LOCAL_TEMP": str(watched / "local"),
            "ANSIBLE_LOG_PATH": str(watched / "ansible.log"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "ANSIBLE_REMOTE_TEMP": str(watched / "remote"),
            "ANSIBLE_VAULT_PASSWORD_FILE": str(self.given / "vault-password"),
            "CANARY_KEPT": str(watched / "kept"),
            "CANARY_RESULTS": str(watched / "results"),
            "CANARY_WATCHED": str(watched),
            "HOME": str(watched / "home"),
            "JUNIT_OUTPUT_DIR": str(watched / "reports"),
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": str(self.given / "python"),
            "TMPDIR": str(watched / "tmp"),
        }

    @contextlib.contextmanager
    def _looking(self) -> Iterator[None]:
        """Look at all command lines and at the files again and again, in a thread."""
        over = threading.Event()

        def look() -> None:
            for number in itertools.count():
                if over.wait(SECONDS_BETWEEN_LOOKS):
                    return
                self._look_at_processes()
                if number % LOOKS_AT_PROCESSES == 0:
                    self._look_at_files()

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _look_at_processes(self) -> None:
        there = {path.name for path in Path("/proc").iterdir() if path.name.isdigit()}
        self.looks = {name: self.looks.get(name, 0) + 1 for name in there}
        for name, looks in self.looks.items():
            if looks <= LOOKS_AT_A_PROCESS:
                # it may be gone by now
                with contextlib.suppress(OSError):
                    self.command_lines.add((Path("/proc") / name / "cmdline").read_bytes().decode(errors="replace"))

    def _look_at_files(self) -> None:
        for name in ("tmp", "local", "remote", "home", "reports"):
            for folder, _unused, files in os.walk(self.watched / name):
                for file in files:
                    path = Path(folder) / file
                    with contextlib.suppress(OSError):
                        now = path.stat()
                        key = (str(path), now.st_mtime_ns, now.st_size)
                        if key not in self.files:
                            self.files[key] = _read(path)


def _read(path: Path) -> str:
    data = path.read_bytes() if path.is_file() else b""
    # Ansible's archives of code; nothing can be found in one
    return "" if data.startswith(b"PK\3\4") else data.decode(errors="replace")


def vaulted(name: str, secret: str) -> str:
    """A variable as inline vault, as YAML.

    A program encrypts it: Ansible's own library would make this process a controller, where modules lose their warnings.
    """
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as password:
        password.write(VAULT_PASSWORD)
        password.flush()
        program = str(Path(sys.executable).parent / "ansible-vault")
        done = subprocess.run(
            [program, "encrypt_string", "--vault-password-file", password.name, "--stdin-name", name],
            input=secret,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
    return done.stdout


def unsafe(name: str, secret: str) -> str:
    """A variable that is marked as no template, as YAML."""
    quoted = secret.replace("'", "''")
    return f"{name}: !unsafe '{quoted}'\n"


def from_environment(name: str, secret: str) -> str:
    """A variable that is read from the environment (C(CANARY_) and its name), as YAML."""
    return f"{name}: \"{{{{ lookup('ansible.builtin.env', 'CANARY_{name}') }}}}\"\n"
