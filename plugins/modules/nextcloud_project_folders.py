#!/usr/bin/python
# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nextcloud_project_folders
short_description: Manage what OpenProject's project folders need in Nextcloud
version_added: 0.1.0
description:
  - User C(OpenProject), groups C(OpenProject) and C(OpenProjectNoAutomaticProjectFolders), in both of which the user is member and group admin,
    and group folder C(OpenProject), which the first group uses with all permissions and whose advanced permissions the user manages.
  - Whatever of it exists is kept, and only what is missing or wrong is put right, piece by piece. Nextcloud's own set-up refuses as soon as
    one piece exists.
  - Nothing is deleted. Other groups that use the folder keep it, its quota and its files are left alone.
  - Makes no link. M(opnc.integration.link) does all of this too, and hands OpenProject an application password for it.
  - Refuses, and names what stands in the way, when two folders have the mount point C(OpenProject), when the user exists in another
    spelling such as C(openproject), and when the user or a group comes from another backend than Nextcloud's database.
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
  adopt_folder:
    description:
      - Take over a group folder C(OpenProject) that only other groups use (they keep it), or give a folder of group C(OpenProject) its name back
        that somebody has renamed.
      - Without it, such a folder is refused and named.
    type: bool
    default: false
  via:
    description:
      - The way that the work takes.
      - V(auto) goes over HTTP when O(nextcloud_url) is set, and else uses C(occ). Where Nextcloud refuses to write because it wants the
        login password and O(nextcloud_password) is an application password, C(occ) takes over, provided that it is given, which means that
        O(occ_exec) is not empty or O(occ_command) is not its default.
      - V(http) never uses C(occ).
      - V(occ) does everything with C(occ) but one thing. Group admins can be seen and appointed over HTTP only, so O(nextcloud_url),
        O(nextcloud_username) and O(nextcloud_password) are needed as well where they are missing; the module refuses before its first
        write when they would be needed.
    type: str
    choices:
      - auto
      - http
      - occ
    default: auto
  force_delete:
    description:
      - Must be V(true) for O(state=absent) when there is something to remove, because all files in the folder are lost.
    type: bool
    default: false
  state:
    description:
      - With V(present), everything is there and right.
      - With V(absent), the folder is removed B(with all files in it), and the user and both groups. Needs O(force_delete=true). The app OpenProject
        Integration protects user and groups, so it is disabled for that moment and enabled again; when a run is killed in between, the next
        one enables it. A folder that other groups use as well is refused.
    type: str
    choices:
      - present
      - absent
    default: present
notes:
  - Where the folder is about to be made, the module warns when server-side encryption leaves group folders out, and, when it runs on the
    machine that holds Nextcloud's data, when users have a personal folder C(OpenProject) that the group folder will hide. A quota that is full or tiny
    is always warned of.
seealso:
  - module: opnc.integration.link
  - module: opnc.integration.nextcloud_group_folder
  - name: Nextcloud integration setup
    description: The same job by hand, under "Project folders setup error".
    link: https://www.openproject.org/docs/system-admin-guide/integrations/nextcloud/
author:
  - opnc.integration contributors (@opnc)
"""

EXAMPLES = r"""
---
- name: Everything that project folders need
  opnc.integration.nextcloud_project_folders:
    nextcloud_url: https://cloud.example.com
    nextcloud_username: admin
    nextcloud_password: "{{ lookup('ansible.builtin.env', 'NEXTCLOUD_PASSWORD') }}"

- name: The same with occ, and HTTP for group admins only
  opnc.integration.nextcloud_project_folders:
    nextcloud_url: https://cloud.example.com
    nextcloud_username: admin
    nextcloud_password: "{{ lookup('ansible.builtin.env', 'NEXTCLOUD_PASSWORD') }}"
    occ_exec: [runuser, -u, www-data, --]
    via: occ

- name: Remove them with all files in the folder
  opnc.integration.nextcloud_project_folders:
    nextcloud_url: https://cloud.example.com
    nextcloud_username: admin
    nextcloud_password: "{{ lookup('ansible.builtin.env', 'NEXTCLOUD_PASSWORD') }}"
    state: absent
    force_delete: true
"""

RETURN = r"""
actions:
  description: The pieces that were added or removed, or would be in check mode, in their order. Holds no id that Nextcloud hands out.
  returned: success
  type: list
  elements: str
  sample:
    - group OpenProjectNoAutomaticProjectFolders will be created
    - OpenProject becomes group admin of group OpenProjectNoAutomaticProjectFolders
actions_not_done:
  description: What was planned and not done, because the run failed before; then RV(actions) holds what was done.
  returned: failure after the plan was made
  type: list
  elements: str
project_folders:
  description: The project folders after the run; empty when they are absent.
  returned: success
  type: dict
  contains:
    user:
      description: The user account.
      returned: when project folders exist
      type: dict
      contains:
        id:
          description: Its id.
          returned: always
          type: str
          sample: OpenProject
        enabled:
          description: Whether it may log in.
          returned: always
          type: bool
          sample: true
    groups:
      description: The groups by id, each with what the user is in it, C(member) and C(group_admin). The latter is none when C(occ) alone cannot see it.
      returned: when project folders exist
      type: dict
      sample:
        OpenProject: {group_admin: true, member: true}
        OpenProjectNoAutomaticProjectFolders: {group_admin: true, member: true}
    group_folder:
      description: The group folder.
      returned: when project folders exist
      type: dict
      contains:
        mount_point:
          description: Its mount point.
          returned: always
          type: str
          sample: OpenProject
        groups:
          description: Permissions by group id.
          returned: always
          type: dict
          sample:
            OpenProject: [read, write, share, delete]
        advanced_permissions:
          description: Whether advanced permissions are on.
          returned: always
          type: bool
          sample: true
        managing_users:
          description: Users who may set advanced permissions.
          returned: always
          type: list
          elements: str
          sample: [OpenProject]
        managing_groups:
          description: Groups whose members may set advanced permissions.
          returned: always
          type: list
          elements: str
          sample: []
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
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.project_folders_run import work

SPEC = NEXTCLOUD_SPEC.merge(
    VIA_SPEC,
    ArgumentSpec(
        options={
            "adopt_folder": {"type": "bool", "default": False},
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
