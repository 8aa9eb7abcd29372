# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a finding is: a row of a table that the documentation is made from too, so that the two cannot drift apart."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

ERROR, WARNING, INFO = "error", "warning", "info"
SEVERITIES = (ERROR, WARNING, INFO)
NEXTCLOUD, OPENPROJECT, BOTH = "nextcloud", "openproject", "both"

# parts of a link, as the report draws them
SERVER_NEXTCLOUD = "nextcloud"
SERVER_OPENPROJECT = "openproject"
ADDRESSES = "addresses"
OPENPROJECT_OAUTH = "openproject_oauth"
NEXTCLOUD_OAUTH = "nextcloud_oauth"
FOLDERS = "project_folders"
PROJECTS = "projects"
#: what stands for each part in the report
PARTS: dict[str, str] = {
    SERVER_NEXTCLOUD: "Nextcloud",
    SERVER_OPENPROJECT: "OpenProject",
    ADDRESSES: "Addresses",
    OPENPROJECT_OAUTH: "OpenProject's OAuth application",
    NEXTCLOUD_OAUTH: "Nextcloud's OAuth client",
    FOLDERS: "Project folders",
    PROJECTS: "Projects that use the storage",
}

SETUP_GUIDE = "https://www.openproject.org/docs/system-admin-guide/integrations/nextcloud/"
TROUBLESHOOTING = f"{SETUP_GUIDE}#troubleshooting"
NEXTCLOUD_MANUAL = "https://docs.nextcloud.com/server/latest/admin_manual/"
LINK_MODULE = "module opnc.integration.link"
PREPARE_ROLE = "role opnc.integration.prepare_nextcloud"

#: the troubleshooting chapter of the set-up guide and what else people search for; the documentation goes from here to the codes
HOST_NAME = 'Nextcloud says "Please enter a valid OpenProject hostname"'
NEXTCLOUD_CA = 'Nextcloud says "certificate verify failed" of OpenProject'
USER_EXISTS = 'Nextcloud says "The user "OpenProject" already exists"'
GROUP_EXISTS = 'Nextcloud says "The group "OpenProject" already exists"'
FOLDER_EXISTS = 'Nextcloud says "The group folder name "OpenProject" already exists" (or "team folder")'
PROTECTED = 'User or group "OpenProject" cannot be deleted or disabled'
NO_CONNECTION = 'OpenProject says "Host can not be connected to" (or "could not be reached")'
OPENPROJECT_CA = 'OpenProject says "certificate verify failed" of Nextcloud'
NOT_SET_UP = 'OpenProject says "Host is not fully set up"'
NO_FOLDERS = "Project folders are not created, or somebody does not see theirs"
NO_LOGIN = "Users cannot connect their accounts, or have to do it again and again"
NOTHING_SHOWN = "The integration was set up, and nothing of it shows"
NO_ANSWER = "The check, or any other module, does not get in"
OUTDATED = "After an upgrade something does not work any more"
SYMPTOMS = (
    HOST_NAME, NEXTCLOUD_CA, USER_EXISTS, GROUP_EXISTS, FOLDER_EXISTS, PROTECTED, NO_CONNECTION, OPENPROJECT_CA, NOT_SET_UP, NO_FOLDERS,
    NO_LOGIN, NOTHING_SHOWN, NO_ANSWER, OUTDATED,
)  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """A row of the table.

    :param message: what is the matter, with fields in braces that the state fills in.
    :param remedy: the command or the setting that mends it, likewise.
    :param see: where more is said.
    :param symptoms: what people see of it; members of L(SYMPTOMS).
    :param unsure: the check concludes it from something else, and can be mistaken.
    """

    code: str
    severity: str
    side: str
    part: str
    message: str
    remedy: str
    see: str
    symptoms: tuple[str, ...] = ()
    unsure: bool = False


@dataclass(frozen=True)
class Finding:
    """Something that is the matter with a link."""

    code: str
    severity: str
    side: str
    part: str
    message: str
    remedy: str
    see: str
    unsure: bool

    def as_returned(self) -> dict[str, t.Any]:
        """The finding for a playbook."""
        return {
            "code": self.code,
            "severity": self.severity,
            "side": self.side,
            "part": self.part,
            "message": self.message,
            "remedy": self.remedy,
            "see": self.see,
            "unsure": self.unsure,
        }


@dataclass
class Table:
    """Rows of one field of work, and the way to make a finding of one."""

    entries: dict[str, Entry] = field(default_factory=dict)

    def row(
        self, code: str, severity: str, side: str, part: str, message: str, remedy: str, see: str,
        *symptoms: str, unsure: bool = False,
    ) -> None:  # fmt: skip
        """Add a row.

        :raises ValueError: there is one with this code.
        """
        if code in self.entries:
            raise ValueError(f"there are two findings {code}")
        self.entries[code] = Entry(code, severity, side, part, message, remedy, see, symptoms, unsure)

    def finding(self, code: str, *, exact_remedy: str = "", **values: t.Any) -> Finding:
        """A finding of a row.

        :param exact_remedy: replaces the row's, where a server's answer says more.
        :param values: what stands in the braces of message and remedy.
        """
        entry = self.entries[code]
        message = entry.message.format(**values)
        return Finding(
            code=code,
            severity=entry.severity,
            side=entry.side,
            part=entry.part,
            message=f"This is not sure: {message}" if entry.unsure else message,
            remedy=exact_remedy or entry.remedy.format(**values),
            see=entry.see,
            unsure=entry.unsure,
        )


def in_order(findings: t.Iterable[Finding]) -> list[Finding]:
    """Errors first, and among equals in the order in which a link is set up."""
    parts = list(PARTS)
    return sorted(findings, key=lambda finding: (SEVERITIES.index(finding.severity), parts.index(finding.part)))
