# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates of authorities that Nextcloud trusts for its own requests."""

from __future__ import annotations

import hashlib
import re
import ssl
import typing as t
from pathlib import Path

from .._core.errors import BadInput
from .._core.fields import SET, Entity, Field
from .._core.module import Call
from .._core.resource import Resource
from .occ import Occ

BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----\s+[A-Za-z0-9+/=\s]+?-----END CERTIFICATE-----")
#: hexadecimal digits of the SHA-256 in a stored file's name
DIGITS = 16


class Certificate(Resource):
    """One certificate, or bundle of certificates, under a name.

    occ lists names and dates but no content, so the name of the stored file carries a digest of the content: an equal name means equal
    content, and a renewed certificate shows.

    :param content: normalised PEM; empty when the certificate is to be removed.
    """

    fields = (Field("name"), Field("files", SET))

    def __init__(self, occ: Occ, name: str, content: str) -> None:
        self.occ, self.name, self.content = occ, name, content

    @property
    def title(self) -> str:
        """Its name."""
        return f"certificate {self.name}"

    @property
    def file(self) -> str:
        """Name of the file that Nextcloud stores it as."""
        return f"{self.name}.{hashlib.sha256(self.content.encode()).hexdigest()[:DIGITS]}.pem"

    def read(self) -> dict[str, t.Any] | None:
        """The files that Nextcloud has of it."""
        listed = self.occ.json(["security:certificates"], attempted="read the certificates that Nextcloud trusts")
        ours = re.compile(rf"{re.escape(self.name)}(\.[0-9a-f]{{{DIGITS}}}\.pem)?")
        names = [str(certificate.get("name", "")) for certificate in listed]
        files = sorted(name for name in names if ours.fullmatch(name))
        return {"name": self.name, "files": files} if files else None

    def create(self, desired: Entity) -> dict[str, t.Any]:
        """Import it."""
        self._import()
        return {}

    def update(self, actual: Entity, delta: Entity) -> dict[str, t.Any]:
        """Import the new content before the old one goes, so that there is always one that is trusted."""
        if self.file not in actual["files"]:
            self._import()
        self._remove(file for file in actual["files"] if file != self.file)
        return {}

    def delete(self, actual: Entity) -> None:
        """Remove all its files."""
        self._remove(actual["files"])

    def describe(self, actual: Entity | None, delta: Entity) -> list[str]:
        """Import or replace."""
        return [f"import {self.title}" if actual is None else f"replace {self.title}"]

    def _import(self) -> None:
        self.occ.run_with_file(
            ["security:certificates:import"],
            name=self.file,
            content=self.content,
            attempted=f"import the {self.title} into Nextcloud",
            remedy="occ reads it from a temporary file that a shell makes beside it; both must see the same folder (TMPDIR)",
        )

    def _remove(self, files: t.Iterable[str]) -> None:
        for file in files:
            self.occ.run(["security:certificates:remove", file], attempted=f"remove the {self.title} from Nextcloud")


def factory(call: Call) -> tuple[Resource, dict[str, t.Any]]:
    """The resource and what is desired of a module call.

    :raises BadInput: the name or the certificate is unusable.
    """
    name, content, path = (call.params[option] for option in ("name", "content", "path"))
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
        raise BadInput(
            f"name is {name!r}, which Nextcloud cannot store",
            remedy="Give up to 100 letters, digits, dots, hyphens and underscores that begin with a letter or digit",
        )
    option, text = "content", content or ""
    if path is not None:
        option, text = "path", _read(path)
    pem = "" if call.params["state"] == "absent" else normalised(text, option)
    certificate = Certificate(Occ.from_call(call), name, pem)
    return certificate, {"name": name, "files": [certificate.file]}


def normalised(text: str, option: str) -> str:
    """The certificates of a text, one after the other, without what stands around them.

    :raises BadInput: there is none, one is broken, or the text holds a private key.
    """
    if "PRIVATE KEY" in text:
        raise BadInput(
            f"{option} holds a private key", remedy="Give the certificate alone; Nextcloud must never see the key"
        )
    blocks = BLOCK.findall(text.replace("\r\n", "\n"))
    if not blocks or len(blocks) != text.count("-----BEGIN CERTIFICATE-----"):
        raise BadInput(f"{option} holds no certificate in PEM format (-----BEGIN CERTIFICATE-----), or a broken one")
    try:
        return "".join(ssl.DER_cert_to_PEM_cert(ssl.PEM_cert_to_DER_cert(block)) for block in blocks)
    except ValueError as error:
        raise BadInput(f"{option} holds a broken certificate ({error})") from error


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise BadInput(
            f"path {path} cannot be read on the machine that runs the module ({error.strerror})",
            remedy="Copy the file there first, or give its content instead (lookup('file', …))",
        ) from error
