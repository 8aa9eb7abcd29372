# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every module of the collection can do, for its documentation."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes that hold unless a module says otherwise."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying the servers.
    support: full
  diff_mode:
    description: Returns details on what has changed (or possibly needs changing in C(check_mode)) when in diff mode.
    support: full
  idempotent:
    description: When run twice in a row with the same arguments, the second invocation changes nothing.
    support: full
"""

    ACTIONGROUP_NEXTCLOUD = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/opnc.integration.nextcloud) in C(module_defaults) to state the connection once.
    support: full
    membership:
      - opnc.integration.nextcloud
"""

    ACTIONGROUP_OPENPROJECT = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/opnc.integration.openproject) in C(module_defaults) to state the connection once.
    support: full
    membership:
      - opnc.integration.openproject
"""

    # for members of both groups: two fragments with one attribute would leave only one of the memberships
    ACTIONGROUP_BOTH = r"""
options: {}
attributes:
  action_group:
    description: >-
      Use C(group/opnc.integration.nextcloud) and C(group/opnc.integration.openproject) in C(module_defaults)
      to state the connections once.
    support: full
    membership:
      - opnc.integration.nextcloud
      - opnc.integration.openproject
"""

    INFO_MODULE = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying the servers.
    support: full
    details:
      - The module never changes anything, so it does the same in check mode.
  diff_mode:
    description: Returns details on what has changed (or possibly needs changing in C(check_mode)) when in diff mode.
    support: N/A
    details:
      - The module never changes anything.
  idempotent:
    description: When run twice in a row with the same arguments, the second invocation changes nothing.
    support: full
    details:
      - The module never changes anything.
"""
