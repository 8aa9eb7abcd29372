#!/usr/bin/python
# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nextcloud_integration
short_description: Set up the Nextcloud side of a link with OpenProject
version_added: 0.1.0
description:
  - Sets up the app OpenProject Integration of a Nextcloud, for those who drive the two servers from different places.
    Whoever reaches both at once takes M(opnc.integration.link), where no secret ever becomes a result.
  - An equal O(openproject_client_id) leaves the stored secret alone. Another one is entered only together with
    O(openproject_client_secret); without it the module fails before any write.
extends_documentation_fragment:
  - opnc.integration.attributes
  - opnc.integration.attributes.actiongroup_nextcloud
  - opnc.integration.nextcloud
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: partial
    details: A secret that is named in O(rotate) is renewed by every run.
options:
  openproject_url:
    description:
      - Address of OpenProject as its users and this Nextcloud reach it. It is stored, and never contacted by this module.
    type: str
    required: true
  openproject_client_id:
    description:
      - Client id of OpenProject's OAuth application, as M(opnc.integration.openproject_storage) returns it.
      - If not set, client id and secret are left as they are.
    type: str
  openproject_client_secret:
    description:
      - Its secret, which OpenProject shows once. Needed only when Nextcloud stores another client id.
    type: str
  expected_client_id:
    description:
      - The client id of Nextcloud's OAuth client that OpenProject stores, as M(opnc.integration.openproject_storage) returns it; empty when
        it stores none.
      - When it is not Nextcloud's own, the secret was lost on the way, and the client is replaced. All users must then let OpenProject access
        Nextcloud again.
      - If not set, the client is left as it is.
    type: str
  expected_application_password:
    description:
      - Whether OpenProject has an application password, that is, whether automatic management of the storage is on.
      - With V(false) and O(project_folders=true), the application password was lost on the way, and a new one is created.
      - If not set, an application password that Nextcloud has is taken for the one of OpenProject.
    type: bool
  default_enable_navigation:
    description:
      - Whether Nextcloud shows a link to OpenProject in its header, for users who have not chosen themselves.
      - If not set, the value is left as it is.
    type: bool
  default_enable_unified_search:
    description:
      - Whether Nextcloud's search finds work packages, for users who have not chosen themselves.
      - If not set, the value is left as it is.
    type: bool
  project_folders:
    description:
      - Whether user, groups, group folder and application password for project folders must be there. Missing pieces are added, nothing is deleted.
      - With V(false), they are left as they are.
    type: bool
    default: false
  adopt_folder:
    description:
      - Take over a group folder C(OpenProject) that other groups use, or rename a folder of group C(OpenProject) that has another name.
    type: bool
    default: false
  rotate:
    description:
      - Secrets to renew although nothing is wrong with them. Every such run reports a change, and what it hands out must be given to OpenProject.
      - Before the application password of a live link is renewed, switch automatic management off in OpenProject, so that a run that dies
        in between leaves no dead password behind; see O(opnc.integration.openproject_storage#module:automatic_management).
    type: list
    elements: str
    choices:
      - nextcloud_oauth
      - application_password
    default: []
  state:
    description:
      - With V(absent), the application password is removed and the app's settings are emptied. User, groups, folder and files stay.
    type: str
    choices:
      - present
      - absent
    default: present
seealso:
  - module: opnc.integration.link
  - module: opnc.integration.openproject_storage
author:
  - opnc.integration contributors (@opnc)
"""

EXAMPLES = r"""
---
- name: Set up the Nextcloud side, with what the OpenProject side returned before
  opnc.integration.nextcloud_integration:
    nextcloud_url: https://cloud.example.com
    nextcloud_username: admin
    nextcloud_password: "{{ vault_nextcloud_password }}"
    openproject_url: https://projects.example.com
    openproject_client_id: "{{ storage.oauth_application.client_id }}"
    openproject_client_secret: "{{ storage.oauth_application.client_secret | default(omit) }}"
    expected_client_id: "{{ storage.storage.nextcloud_client_id | default('', true) }}"
    expected_application_password: "{{ storage.storage.automatic_management }}"
    project_folders: true
  register: nextcloud_side
  # what is handed out holds secrets
  no_log: true
"""

RETURN = r"""
actions:
  description: What was done, or would be in check mode, in an administrator's words.
  returned: success
  type: list
  elements: str
  sample: [create a new OAuth client for OpenProject]
actions_not_done:
  description: What was planned and not done, because the run failed before. Then RV(actions) holds what was done.
  returned: failure after the plan was made
  type: list
  elements: str
  sample: [create a new OAuth client for OpenProject]
handed_out:
  description:
    - What Nextcloud shows this once. Empty when nothing was made, and in check mode. Register the task with C(no_log).
    - A run that fails after Nextcloud has made a secret returns it all the same.
  returned: success, and failure after a secret was made
  type: dict
  contains:
    nextcloud_client_id:
      description: Client id of Nextcloud's OAuth client.
      returned: when the client was made
      type: str
      sample: Jb0MGpj8Xa9PJy66ZB9xTic9huFSlAdLeniiYIaVWopfjClkv8SX0UvFmyjzI4Co
    nextcloud_client_secret:
      description: Its secret.
      returned: when the client was made
      type: str
      sample: not shown here
    application_password:
      description: The application password for project folders.
      returned: when it was made
      type: str
      sample: not shown here
integration:
  description: The app's settings, without secrets.
  returned: success
  type: dict
  contains:
    openproject_url:
      description: Address of OpenProject.
      returned: when state is present
      type: str
      sample: https://projects.example.com
    openproject_client_id:
      description: Client id of OpenProject's OAuth application that Nextcloud stores.
      returned: when state is present
      type: str
      sample: iFACkf6at0CPnC_EpS5FAlNt59hrUuafRbKpraDrzgg
    oauth_client_id:
      description: Client id of Nextcloud's own OAuth client, to be entered in OpenProject.
      returned: when state is present
      type: str
      sample: Jb0MGpj8Xa9PJy66ZB9xTic9huFSlAdLeniiYIaVWopfjClkv8SX0UvFmyjzI4Co
    authorization_method:
      description: How the two servers authenticate.
      returned: when state is present
      type: str
      sample: oauth2
    default_enable_navigation:
      description: Whether users get a link to OpenProject in the header.
      returned: when state is present
      type: bool
      sample: true
    default_enable_unified_search:
      description: Whether users' searches find work packages.
      returned: when state is present
      type: bool
      sample: false
    project_folders:
      description: Whether the app finds the project folders right.
      returned: when state is present
      type: bool
      sample: true
    application_password:
      description: Whether there is an application password for project folders.
      returned: when state is present
      type: bool
      sample: true
"""

from ansible_collections.opnc.integration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.opnc.integration.plugins.module_utils._core.module import run
from ansible_collections.opnc.integration.plugins.module_utils._link.one_side import work_on_nextcloud
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.client import NEXTCLOUD_SPEC

SPEC = NEXTCLOUD_SPEC.merge(
    ArgumentSpec(
        options={
            "openproject_url": {"type": "str", "required": True},
            "openproject_client_id": {"type": "str"},
            "openproject_client_secret": {"type": "str", "no_log": True},
            "expected_client_id": {"type": "str"},
            "expected_application_password": {"type": "bool", "no_log": False},
            "default_enable_navigation": {"type": "bool"},
            "default_enable_unified_search": {"type": "bool"},
            "project_folders": {"type": "bool", "default": False},
            "adopt_folder": {"type": "bool", "default": False},
            "rotate": {
                "type": "list",
                "elements": "str",
                "choices": ["nextcloud_oauth", "application_password"],
                "default": [],
            },
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        }
    )
)


def main() -> None:
    """Run the module."""
    run(SPEC, work_on_nextcloud)


if __name__ == "__main__":
    main()
