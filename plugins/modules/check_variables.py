# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Only the documentation: the work is done on the controller, by the action of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: check_variables
short_description: Check the inventory variables of this collection
version_added: 0.2.0
description:
  - The first task of the playbooks and roles of this collection. Runs on the controller, and sends nothing.
  - Fails when a variable of this collection is mistyped or cannot be evaluated, or when a secret is empty.
  - Returns the variables of a role as their types say. Secrets are never returned.
author:
  - opnc.integration contributors (@opnc)
options:
  role:
    description:
      - The role whose variables are checked and returned.
      - If not set, the variables of all roles and of the connection are checked.
    type: str
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying the servers.
    support: full
  diff_mode:
    description: Returns details on what has changed (or possibly needs changing in C(check_mode)) when in diff mode.
    support: none
seealso:
  - module: opnc.integration.link
"""

EXAMPLES = r"""
---
- name: Check all variables
  opnc.integration.check_variables:
"""

RETURN = r"""
options:
  description: The variables of O(role) that are set or have a default, without the name of the role before them. Empty without O(role).
  returned: success
  type: dict
  sample:
    storage_name: Cloud
    project_folders: true
"""
