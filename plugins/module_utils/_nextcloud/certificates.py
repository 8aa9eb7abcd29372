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
from .._core.module import Call, Result, converge
from .._core.steps import NEXTCLOUD, Step, Work
from .occ import Occ

BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----\s+[A-Za-z0-9+/=\s]+?-----END CERTIFICATE-----")
#: hexadecimal digits of the SHA-256 in a stored file's name
DIGITS = 16


class Certificate:
    """One certificate, or bundle of certificates, under a name.

    occ lists names and dates but no content, so the name of the stored file carries a digest of the content: an equal name means equal
    content, and a renewed certificate shows.

    :param content: normalised PEM; empty when the certificate is to be removed.
    """

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

    def files(self) -> list[str]:
        """The files that Nextcloud has of it."""
        listed = self.occ.json(["security:certificates"], attempted="read the certificates that Nextcloud trusts")
        ours = re.compile(rf"{re.escape(self.name)}(\.[0-9a-f]{{{DIGITS}}}\.pem)?")
        names = [str(certificate.get("name", "")) for certificate in listed]
        return sorted(name for name in names if ours.fullmatch(name))

    def steps(self, found: t.Sequence[str]) -> list[Step]:
        """What makes the stored files the requested ones: the new one comes before the old ones go, so that one is always trusted."""
        former = [file for file in found if not self.content or file != self.file]
        steps = []
        if self.content and self.file not in found:
            verb = "replace" if former else "import"
            steps.append(Step(NEXTCLOUD, "import", f"{verb} {self.title}", apply=lambda _occ: self._import()))
        for file in former:
            title = f"remove {self.title}" if not self.content else f"remove the former file {file} of {self.title}"
            steps.append(Step(NEXTCLOUD, "remove", title, apply=self._removal(file)))
        return steps

    def _import(self) -> None:
        self.occ.run_with_file(
            ["security:certificates:import"],
            name=self.file,
            content=self.content,
            attempted=f"import the {self.title} into Nextcloud",
            remedy="occ reads it from a temporary file that a shell makes beside it; both must see the same folder (TMPDIR)",
        )

    def _removal(self, file: str) -> Work:
        return lambda _occ: self._remove(file)

    def _remove(self, file: str) -> None:
        self.occ.run(["security:certificates:remove", file], attempted=f"remove the {self.title} from Nextcloud")


def work(call: Call) -> Result:
    """What the module ``nextcloud_certificate`` does.

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
    found = certificate.files()
    before = {"name": name, "files": found} if found else {}
    after = {"name": name, "files": [certificate.file]} if pem else {}
    return {
        **converge(call, certificate.steps(found), certificate.occ, before=before, after=after),
        "certificate": after,
    }


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
