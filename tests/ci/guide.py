# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the page "When something is wrong" from the table of findings: ``python -m ci.guide COLLECTION``, in the stages docs and build."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from ansible_collections.opnc.integration.plugins.module_utils._link.catalogue import CATALOGUE, SYMPTOMS, Entry

PAGE = Path("docs", "docsite", "rst", "guide_when_something_is_wrong.rst")
LABEL = "ansible_collections.opnc.integration.docsite"
SIDES = {"nextcloud": "Nextcloud", "openproject": "OpenProject", "both": "both sides"}

HEAD = f"""\
..
  Copyright (c) 2026, the authors of opnc.integration
  GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
  SPDX-License-Identifier: GPL-3.0-or-later

.. This page is written by tests/ci/guide.py from the table of findings.

.. _{LABEL}.guide_when_something_is_wrong:

When something is wrong
=======================

Let the collection look first. It changes nothing, works with half of the credentials, and says for each thing that is wrong what to do about it:

.. code-block:: console

   ansible-playbook opnc.integration.verify
   ansible-playbook opnc.integration.verify -e verify_report_path=/tmp/link.html
   ansible-playbook opnc.integration.verify -e verify_check_with_runner=true

The second one also writes an HTML page. The third one also lets OpenProject itself look at Nextcloud, which takes minutes and needs ``runner_command``.
The same is there as :ansplugin:`role opnc.integration.verify <opnc.integration.verify#role>` and as
:ansplugin:`module opnc.integration.link_info <opnc.integration.link_info#module>`, which returns each finding with its code. A finding that is
known and accepted is left out with ``verify_ignore: [<code>]``.

Most remedies are to run :ansplugin:`the link <opnc.integration.link#module>` again. It repairs what is missing or different on both sides and deletes nothing.

.. contents::
   :local:
   :depth: 1

"""

NOT_CHECKED = """\
What the check cannot see
-------------------------

- Whether a person has connected both accounts. In OpenProject the tab Files of any work package shows a button *Log in* when not.
  OpenProject learns only by that which Nextcloud account is to get a project's folder.
- Whether a person's role in a project has the permission *Read files*, and that person is a member of the project at all. OpenProject's API shows neither.
- Whether OpenProject reaches Nextcloud, and what it says of Nextcloud's certificate, unless ``check_with_runner`` is true.
- Nextcloud's system configuration (its own address, its proxy), unless ``occ_command`` or ``occ_exec`` is given.
- What is still on its way: the background worker takes up to half a minute to make or change a folder.

"""


def text() -> str:
    """The page."""
    return f"{HEAD}{_by_symptom()}{NOT_CHECKED}{_all_findings()}"


def _by_symptom() -> str:
    lines = ["From the symptom to the finding", "-------------------------------", ""]
    for symptom in SYMPTOMS:
        lines += [escaped(symptom), f"    {', '.join(map(_reference, _with_symptom(symptom)))}", ""]
    return "\n".join([*lines, ""])


def _with_symptom(symptom: str) -> list[Entry]:
    return [entry for entry in CATALOGUE.values() if symptom in entry.symptoms]


def _all_findings() -> str:
    lines = ["All findings", "------------", ""]
    for code in sorted(CATALOGUE):
        entry = CATALOGUE[code]
        lines += [f".. _{LABEL}.finding_{code}:", "", code, "~" * len(code), ""]
        unsure = " The check concludes it, and can be mistaken." if entry.unsure else ""
        lines += [f"*{entry.severity}, {SIDES[entry.side]}.* {_words(entry.message)}.{unsure}", ""]
        lines += [f"What to do: {_words(entry.remedy)}.", "", f"See {_see(entry.see)}.", ""]
    return "\n".join(lines)


def _reference(entry: Entry) -> str:
    return f":ref:`{entry.code} <{LABEL}.finding_{entry.code}>`"


def _see(see: str) -> str:
    kind, _unused, name = see.partition(" ")
    if kind in ("module", "role"):
        return f":ansplugin:`{see} <{name}#{kind}>`"
    issue = re.fullmatch(r"([\w.-]+/[\w.-]+)#(\d+)", see)
    if issue:
        return f"`{see} <https://github.com/{issue[1]}/issues/{issue[2]}>`__"
    return f"`{see.removeprefix('https://')} <{see}>`__"


class _Placeholders(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return f"<{key}>"


def _words(template: str) -> str:
    return escaped(template.format_map(_Placeholders(here="")).rstrip("."))


def escaped(words: str) -> str:
    return re.sub(r"([\\*`|]|_(?!\w))", r"\\\1", words)


if __name__ == "__main__":
    Path(sys.argv[1], PAGE).write_text(text(), encoding="utf-8")
