#!/usr/bin/python
# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: openproject_storage
short_description: Set up the OpenProject side of a link with Nextcloud
version_added: 0.1.0
description:
  - Manages a Nextcloud storage of OpenProject, for those who drive the two servers from different places.
    Whoever reaches both at once takes M(opnc.integration.link), where no secret ever becomes a result.
  - OpenProject looks at Nextcloud when a storage is made or its host changes, so Nextcloud with the app OpenProject Integration must be up.
  - An equal O(nextcloud_client_id) leaves the stored secret alone. Another one is entered only together with
    O(nextcloud_client_secret); without it the module fails before any write.
extends_documentation_fragment:
  - opnc.integration.attributes
  - opnc.integration.attributes.actiongroup_openproject
  - opnc.integration.openproject
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: partial
    details: >-
      With O(update_application_password=always), a given O(application_password) is handed over by every run; what is named in
      O(rotate) is renewed by every run.
options:
  storage_name:
    description:
      - Name of the storage. A storage of this Nextcloud with another name is renamed.
      - With O(state=absent) the name must fit, or O(storage_id) must be given.
    type: str
    required: true
    aliases:
      - name
  storage_id:
    description:
      - Id of the storage, where its host is another or several could be meant.
    type: int
  nextcloud_url:
    description:
      - Address of Nextcloud as OpenProject and its users reach it.
    type: str
    required: true
  expected_client_id:
    description:
      - The client id of OpenProject's OAuth application that Nextcloud stores, as M(opnc.integration.link_info) and
        M(opnc.integration.nextcloud_integration) return it; empty when it stores none.
      - When it is not the storage's, the secret was lost on the way. A storage that nobody uses yet is then created again; of any other,
        the OAuth application is replaced, which needs O(runner_command).
      - If not set, the OAuth application is left as it is.
    type: str
  rotate:
    description:
      - V(openproject_oauth) replaces the OAuth application although nothing is wrong with it. It needs O(runner_command), every such run
        reports a change, and all users must connect Nextcloud to OpenProject again.
    type: list
    elements: str
    choices:
      - openproject_oauth
    default: []
  nextcloud_client_id:
    description:
      - Client id of Nextcloud's OAuth client, as M(opnc.integration.nextcloud_integration) hands it out.
      - If not set, the stored one is left as it is. All users must authorise again when it changes.
    type: str
  nextcloud_client_secret:
    description:
      - Its secret, which Nextcloud shows once. Needed only when the storage stores another client id.
    type: str
  application_password:
    description:
      - Application password of Nextcloud's user C(OpenProject). Switches automatic management of project folders on; OpenProject tries it first.
    type: str
  update_application_password:
    description:
      - With V(always), a given O(application_password) is handed over, for it cannot be compared and is normally given only when it is new.
      - With V(on_create), it is handed over only while automatic management is off, for those who keep it in a vault.
    type: str
    choices:
      - always
      - on_create
    default: always
  automatic_management:
    description:
      - V(false) switches automatic management off; project storages keep their mode and folders.
      - V(true) needs O(application_password) unless it is on. If not set, it is left as it is.
    type: bool
  force_delete:
    description:
      - Must be V(true) for O(state=absent) when the storage is there, because deleting it removes all links between work packages and
        files and all automatic folders on Nextcloud with their files.
    type: bool
    default: false
  state:
    description:
      - Whether the storage must be there.
    type: str
    choices:
      - present
      - absent
    default: present
seealso:
  - module: opnc.integration.link
  - module: opnc.integration.nextcloud_integration
author:
  - opnc.integration contributors (@opnc)
"""

EXAMPLES = r"""
---
# Three tasks, run again and again, end in a complete link also when one of them was interrupted.
- name: See what Nextcloud stores
  opnc.integration.link_info:
    nextcloud_url: https://cloud.example.com
    nextcloud_username: admin
    nextcloud_password: "{{ vault_nextcloud_password }}"
  register: nextcloud_before

- name: Create the storage; its OAuth application goes to Nextcloud next
  opnc.integration.openproject_storage:
    openproject_url: https://projects.example.com
    openproject_api_key: "{{ vault_openproject_api_key }}"
    storage_name: Cloud
    nextcloud_url: https://cloud.example.com
    expected_client_id: "{{ nextcloud_before.link.nextcloud.openproject_client_id | default('') }}"
  register: storage
  # what is handed out holds a secret
  no_log: true

# here follows the task of module nextcloud_integration, registered as nextcloud_side

- name: Hand over what Nextcloud made
  opnc.integration.openproject_storage:
    openproject_url: https://projects.example.com
    openproject_api_key: "{{ vault_openproject_api_key }}"
    storage_name: Cloud
    nextcloud_url: https://cloud.example.com
    nextcloud_client_id: "{{ nextcloud_side.integration.oauth_client_id }}"
    nextcloud_client_secret: "{{ nextcloud_side.handed_out.nextcloud_client_secret | default(omit) }}"
    application_password: "{{ nextcloud_side.handed_out.application_password | default(omit) }}"
"""

RETURN = r"""
actions:
  description: What was done, or would be in check mode, in an administrator's words.
  returned: success
  type: list
  elements: str
  sample: ['create the storage "Cloud"']
actions_not_done:
  description: What was planned and not done, because the run failed before. Then RV(actions) holds what was done.
  returned: failure after the plan was made
  type: list
  elements: str
  sample: [enter the OAuth client of Nextcloud]
storage:
  description: The storage as it is after the run; empty when it is absent.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      returned: when present
      type: str
      sample: Cloud
    nextcloud_url:
      description: Address of Nextcloud.
      returned: when present
      type: str
      sample: https://cloud.example.com
    nextcloud_client_id:
      description: Client id of Nextcloud's OAuth client that is stored with it.
      returned: when present
      type: str
      sample: Jb0MGpj8Xa9PJy66ZB9xTic9huFSlAdLeniiYIaVWopfjClkv8SX0UvFmyjzI4Co
    automatic_management:
      description: Whether OpenProject manages project folders.
      returned: when present
      type: bool
      sample: true
storage_id:
  description: Id of the storage.
  returned: when there is one
  type: int
  sample: 3
configured:
  description: Whether OpenProject calls the storage complete. Project folders do not count for that.
  returned: when there is a storage
  type: bool
  sample: true
oauth_application:
  description:
    - OpenProject's OAuth application, to be entered in Nextcloud. Register the task with C(no_log).
    - A run that fails after OpenProject has made a secret returns it all the same.
  returned: when there is a storage
  type: dict
  contains:
    client_id:
      description: Its client id.
      returned: always
      type: str
      sample: iFACkf6at0CPnC_EpS5FAlNt59hrUuafRbKpraDrzgg
    client_secret:
      description: Its secret, which OpenProject shows this once.
      returned: when it was just made
      type: str
      sample: not shown here
"""

from ansible_collections.opnc.integration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.opnc.integration.plugins.module_utils._core.module import run
from ansible_collections.opnc.integration.plugins.module_utils._link.one_side import work_on_openproject
from ansible_collections.opnc.integration.plugins.module_utils._openproject.client import OPENPROJECT_SPEC

SPEC = OPENPROJECT_SPEC.merge(
    ArgumentSpec(
        options={
            "storage_name": {"type": "str", "required": True, "aliases": ["name"]},
            "storage_id": {"type": "int"},
            "nextcloud_url": {"type": "str", "required": True},
            "expected_client_id": {"type": "str"},
            "rotate": {"type": "list", "elements": "str", "choices": ["openproject_oauth"], "default": []},
            "nextcloud_client_id": {"type": "str"},
            "nextcloud_client_secret": {"type": "str", "no_log": True},
            "application_password": {"type": "str", "no_log": True},
            "update_application_password": {
                "type": "str",
                "choices": ["always", "on_create"],
                "default": "always",
                "no_log": False,
            },
            "automatic_management": {"type": "bool"},
            "force_delete": {"type": "bool", "default": False},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        }
    )
)


def main() -> None:
    """Run the module."""
    run(SPEC, work_on_openproject)


if __name__ == "__main__":
    main()
