#!/usr/bin/python
# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nextcloud_group_folder
short_description: Manage a group folder of Nextcloud
version_added: 0.1.0
description:
  - Creates, changes and removes a folder of the app Group folders, which is called Team folders from Nextcloud 31 on.
  - Reads all folders first and writes only what differs. Files in a folder are never touched, except by O(state=absent).
  - Knows a folder by its mount point. Where two folders share it, which versions before 20 of the app allow, the module refuses
    and names the ids of both.
  - Does its work over HTTP, or with C(occ); see O(via).
requirements:
  - The app C(groupfolders), version 16 or newer, enabled.
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
    support: full
options:
  mount_point:
    description:
      - Name under which the folder appears in the users' files. Slashes in it make subfolders, slashes at its ends are dropped.
    type: str
    required: true
  groups:
    description:
      - The groups that use the folder, with their permissions. The folder is taken away from groups that are not listed, unless O(append=true);
        their files stay.
      - Groups must exist. The case of their ids counts.
      - A team that already uses the folder can be listed with its id; adding one is not supported.
      - If not set, groups are left as they are.
    type: list
    elements: dict
    suboptions:
      name:
        description: Id of the group.
        type: str
        required: true
      permissions:
        description:
          - What members may do. V(read) is always part of it.
          - V(write) is V(update) and V(create) together. One of them alone is possible over HTTP only.
        type: list
        elements: str
        choices:
          - read
          - write
          - update
          - create
          - share
          - delete
        default:
          - read
          - write
          - share
          - delete
  append:
    description:
      - Leave groups alone that O(groups) does not list.
    type: bool
    default: false
  advanced_permissions:
    description:
      - Whether permissions can be set for single files and folders in it (access control lists).
      - V(false) also drops everybody who manages them.
      - If not set, it is left as it is, or is switched on when O(managing_users) or O(managing_groups) names somebody.
    type: bool
  managing_users:
    description:
      - All users who may set advanced permissions. User ids are compared without regard to case, as Nextcloud does.
      - If not set, they are left as they are.
    type: list
    elements: str
  managing_groups:
    description:
      - All groups whose members may set advanced permissions.
      - Teams that may do so are left alone.
      - If not set, they are left as they are.
    type: list
    elements: str
  quota:
    description:
      - How much the folder may hold, such as V(500 MB) or V(2TB), or V(unlimited). A kilobyte has 1024 bytes, as in Nextcloud.
      - If not set, it is left as it is.
    type: str
  via:
    description:
      - The way that the work takes.
      - V(auto) goes over HTTP when O(nextcloud_url) is set, and else uses C(occ). Where Nextcloud refuses to write because it wants the
        login password and O(nextcloud_password) is an application password, C(occ) takes over, provided that it is given, which means that
        O(occ_exec) is not empty or O(occ_command) is not its default.
      - V(http) never uses C(occ).
      - V(occ) does everything with C(occ), except reading users where O(nextcloud_url) is set.
    type: str
    choices:
      - auto
      - http
      - occ
    default: auto
  force_delete:
    description:
      - Must be V(true) for O(state=absent) when the folder exists, because all files in it are lost.
    type: bool
    default: false
  state:
    description:
      - With V(present), the folder exists as described.
      - With V(absent), the folder is removed B(with all files in it). Needs O(force_delete=true).
    type: str
    choices:
      - present
      - absent
    default: present
seealso:
  - module: opnc.integration.nextcloud_project_folders
  - module: opnc.integration.nextcloud_app
author:
  - opnc.integration contributors (@opnc)
"""

EXAMPLES = r"""
---
- name: A folder that two groups use
  opnc.integration.nextcloud_group_folder:
    nextcloud_url: https://cloud.example.com
    nextcloud_username: admin
    nextcloud_password: "{{ lookup('ansible.builtin.env', 'NEXTCLOUD_PASSWORD') }}"
    mount_point: Plans
    groups:
      - name: architects
      - name: builders
        permissions: [read]
    quota: 50 GB

- name: The same with occ in a container, and somebody who may set advanced permissions
  opnc.integration.nextcloud_group_folder:
    occ_exec: [docker, exec, --interactive, --user, www-data, nextcloud]
    occ_command: [php, /var/www/html/occ]
    mount_point: Plans
    managing_users: [alice]

- name: One more group, and no word about the others
  opnc.integration.nextcloud_group_folder:
    nextcloud_url: https://cloud.example.com
    nextcloud_username: admin
    nextcloud_password: "{{ lookup('ansible.builtin.env', 'NEXTCLOUD_PASSWORD') }}"
    mount_point: Plans
    groups:
      - name: auditors
        permissions: [read]
    append: true

- name: Remove the folder with all files in it
  opnc.integration.nextcloud_group_folder:
    nextcloud_url: https://cloud.example.com
    nextcloud_username: admin
    nextcloud_password: "{{ lookup('ansible.builtin.env', 'NEXTCLOUD_PASSWORD') }}"
    mount_point: Plans
    state: absent
    force_delete: true
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode, one entry for each write. Holds no id that Nextcloud hands out.
  returned: success
  type: list
  elements: str
  sample:
    - group folder Plans will be created
    - group folder Plans will be given to group builders (read)
actions_not_done:
  description: What was planned and not done, because the run failed before; then RV(actions) holds what was done.
  returned: failure after the plan was made
  type: list
  elements: str
group_folder:
  description: The folder after the run; empty when it is absent.
  returned: success
  type: dict
  contains:
    id:
      description: Its id, which C(occ groupfolders) commands take. Not there in check mode when the folder would be made.
      returned: when the folder exists
      type: int
      sample: 3
    mount_point:
      description: Its mount point.
      returned: when the folder exists
      type: str
      sample: Plans
    groups:
      description: Permissions by group id.
      returned: when the folder exists
      type: dict
      sample:
        architects: [read, write, share, delete]
        builders: [read]
    advanced_permissions:
      description: Whether advanced permissions are on.
      returned: when the folder exists
      type: bool
      sample: true
    managing_users:
      description: Users who may set advanced permissions.
      returned: when the folder exists
      type: list
      elements: str
      sample: [alice]
    managing_groups:
      description: Groups whose members may set advanced permissions.
      returned: when the folder exists
      type: list
      elements: str
      sample: []
    quota:
      description: How much it may hold. Not there for a folder that was just made without O(quota).
      returned: when the folder exists
      type: str
      sample: 50 GB
via:
  description: The way that the work took at last, V(http) or V(occ).
  returned: success
  type: str
  sample: http
"""

from ansible_collections.opnc.integration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.opnc.integration.plugins.module_utils._core.module import run
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.admin_any import VIA_SPEC
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.client import NEXTCLOUD_SPEC
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.group_folders import work

SPEC = NEXTCLOUD_SPEC.merge(
    VIA_SPEC,
    ArgumentSpec(
        options={
            "mount_point": {"type": "str", "required": True},
            "groups": {
                "type": "list",
                "elements": "dict",
                "options": {
                    "name": {"type": "str", "required": True},
                    "permissions": {
                        "type": "list",
                        "elements": "str",
                        "choices": ["read", "write", "update", "create", "share", "delete"],
                        "default": ["read", "write", "share", "delete"],
                    },
                },
            },
            "append": {"type": "bool", "default": False},
            "advanced_permissions": {"type": "bool"},
            "managing_users": {"type": "list", "elements": "str"},
            "managing_groups": {"type": "list", "elements": "str"},
            "quota": {"type": "str"},
            "force_delete": {"type": "bool", "default": False},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        }
    ),
)


def main() -> None:
    """Run the module."""
    run(SPEC, work)


if __name__ == "__main__":
    main()
