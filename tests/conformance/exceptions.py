# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recorded exchanges that the lab does not reproduce, each with its reason. Whatever differs and is not here fails."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Known:
    """Why an exchange is not reproduced, and how the differences begin that this explains."""

    reason: str
    differences: tuple[str, ...]

    def explains(self, differences: Iterable[str]) -> bool:
        return all(difference.startswith(self.differences) for difference in differences)


CAPABILITIES = Known(
    "the lab tells the capabilities that the product reads (version, the integration app, theming's name, the delay of "
    "logins); the rest belongs to other apps",
    (
        "body .ocs.data.capabilities: without",
        "body .ocs.data.capabilities.core: without",
        "body .ocs.data.capabilities.theming: without",
        # nginx dropped the port of the recorded server from its Host header (NC §9).
        "body .ocs.data.capabilities.theming.logo: ",
    ),
)

EXCEPTIONS: dict[str, dict[int, Known]] = {
    name: dict.fromkeys(numbers, CAPABILITIES)
    for name, numbers in {
        "nextcloud-29/app-limited-to-a-group": (8, 16, 26, 34),
        "nextcloud-29/http-states": (125, 126),
        "nextcloud-32/http-integration-projectfolder": (25, 26),
        "nextcloud-32/http-integration-projectfolder-states": (136, 140),
        "nextcloud-32/http-ocs-provisioning": (0,),
        "nextcloud-34/app-limited-to-a-group": (8, 16, 26, 34),
        "nextcloud-34/http-integration-projectfolder": (25, 26),
        "nextcloud-34/http-integration-projectfolder-states": (136, 140),
        "nextcloud-34/http-ocs-provisioning": (0,),
        "nextcloud-34/http-sso": (259,),
    }.items()
}
