#!/usr/bin/python
# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: link
short_description: Link a Nextcloud and an OpenProject
version_added: 0.1.0
description:
  - Sets up, repairs, rotates and removes the file-storage integration between one Nextcloud and one OpenProject.
  - Reads both sides first and writes only what differs. A run that died half-way is finished by the next one. What
    somebody changed by hand is seen, shown as a difference and put right.
  - The four secrets that the two servers exchange go from one server to the other within this module's process. They never become a
    variable, a fact or a result, and are never written to disk.
  - An unchanged link costs two requests to OpenProject and two to Nextcloud, three with O(project_folders=true), and no start of a command line.
  - Deleting files is never part of a set-up or a repair.
requirements:
  - "OpenProject 14.2 or newer; an API key of an administrator or its global basic authentication; at least one active project."
  - "Nextcloud 28 or newer with the app OpenProject Integration 2.10 or newer, and Group folders where O(project_folders=true)."
extends_documentation_fragment:
  - opnc.integration.attributes
  - opnc.integration.attributes.actiongroup_both
  - opnc.integration.nextcloud
  - opnc.integration.openproject
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: partial
    details: A secret that is named in O(rotate) is renewed by every run.
options:
  storage_name:
    description:
      - Name of the storage in OpenProject, visible to all users of projects that use it.
      - A storage of this Nextcloud with another name is renamed.
      - With O(state=absent) the name must fit, or O(storage_id) must be given.
    type: str
    required: true
  storage_id:
    description:
      - Id of a storage in OpenProject to take over, although neither its host nor a stored client id tell that it belongs to this Nextcloud.
      - Needed once when a Nextcloud has moved to another address and has lost its side of the link.
    type: int
  project_folders:
    description:
      - Whether OpenProject manages project folders in Nextcloud, with a user, two groups and a group folder of its own.
      - With V(true), missing pieces are added and wrong ones put right; nothing is deleted.
      - With V(false), automatic management is switched off in OpenProject and nothing else is done. User, groups, folder and files stay.
      - If not set, that part is left as it is.
    type: bool
  adopt_folder:
    description:
      - Take over a group folder C(OpenProject) that other groups use (they keep it), or rename a folder of group C(OpenProject) that has another name.
      - Without it, such a folder is refused and named.
    type: bool
    default: false
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
  relink:
    description:
      - Take over a Nextcloud that is linked to another OpenProject. Its users lose their connection to that one.
    type: bool
    default: false
  rotate:
    description:
      - Secrets to renew although nothing is wrong with them. Every such run reports a change.
      - V(openproject_oauth) replaces OpenProject's OAuth application, which needs O(runner_command). Every user must connect Nextcloud to OpenProject again.
      - V(nextcloud_oauth) replaces Nextcloud's OAuth client. Every user must let OpenProject access Nextcloud again.
      - V(application_password) replaces the password with which OpenProject manages project folders. Nobody notices.
    type: list
    elements: str
    choices:
      - openproject_oauth
      - nextcloud_oauth
      - application_password
    default: []
  verify_secrets:
    description:
      - Also try the secrets that no read can compare, and renew those that are wrong.
      - The client secret that Nextcloud stores is tried at OpenProject's token endpoint. What OpenProject stores is tried by OpenProject
        itself, which needs O(runner_command) and takes the time of one start of the runner (40 to 55 seconds were seen). Without it, a warning
        says what was not tried.
      - To have Nextcloud's client secret tried, O(nextcloud_username) lets OpenProject in for that time, as a user does in a browser, which takes
        seven requests more. The token that comes with it is removed again; Nextcloud shows both in the activities of that account. Other users'
        tokens are not touched. It needs the login password as O(nextcloud_password), and is left out in check mode; a warning says so.
    type: bool
    default: false
  force_delete:
    description:
      - Must be V(true) for O(state=absent) when there is something to remove.
    type: bool
    default: false
  remove_project_folders:
    description:
      - With O(state=absent), also delete user C(OpenProject), both groups and the group folder C(OpenProject) B(with all files in it).
    type: bool
    default: false
  state:
    description:
      - With V(present), both sides are linked as described.
      - With V(absent), the storage in OpenProject is deleted with all links between work packages and files and all
        automatic folders, then the application password and the settings of the app in Nextcloud. Needs O(force_delete=true).
    type: str
    choices:
      - present
      - absent
    default: present
seealso:
  - module: opnc.integration.link_info
  - module: opnc.integration.openproject_project_storage
  - name: Nextcloud integration setup
    description: The same job by hand.
    link: https://www.openproject.org/docs/system-admin-guide/integrations/nextcloud/
author:
  - opnc.integration contributors (@opnc)
"""

EXAMPLES = r"""
---
- name: Link Nextcloud and OpenProject, with project folders
  opnc.integration.link:
    nextcloud_url: https://cloud.example.com
    nextcloud_username: admin
    nextcloud_password: "{{ lookup('ansible.builtin.env', 'NEXTCLOUD_PASSWORD') }}"
    openproject_url: https://projects.example.com
    openproject_api_key: "{{ lookup('ansible.builtin.env', 'OPENPROJECT_API_KEY') }}"
    storage_name: Cloud
    project_folders: true

- name: State the connection once and use it for several tasks
  module_defaults:
    group/opnc.integration.nextcloud:
      nextcloud_url: https://cloud.example.com
      nextcloud_username: admin
      nextcloud_password: "{{ vault_nextcloud_password }}"
    group/opnc.integration.openproject:
      openproject_url: https://projects.example.com
      openproject_api_key: "{{ vault_openproject_api_key }}"
  block:
    - name: Keep the link right, and try its secrets for real
      opnc.integration.link:
        storage_name: Cloud
        project_folders: true
        verify_secrets: true
        runner_command: [openproject, run, bundle, exec, rails, runner, "-"]

    - name: Renew the application password
      opnc.integration.link:
        storage_name: Cloud
        project_folders: true
        rotate: [application_password]

    - name: Remove the link, but keep the project folders
      opnc.integration.link:
        storage_name: Cloud
        state: absent
        force_delete: true
"""

RETURN = r"""
actions:
  description: The steps that were taken, or would be in check mode, in their order. Holds no id that a server hands out.
  returned: success
  type: list
  elements: dict
  contains:
    side:
      description: The server that is written to.
      returned: always
      type: str
      sample: nextcloud
    action:
      description: What is done, in an administrator's words.
      returned: always
      type: str
      sample: enter the address of OpenProject, client id and secret of OpenProject's OAuth application
    reason:
      description: Why it is done.
      returned: always
      type: str
      sample: it has no address of OpenProject
actions_not_done:
  description: What was planned and not done, because the run failed before; then RV(actions) holds what was done. Its keys are those of RV(actions).
  returned: failure after the plan was made
  type: list
  elements: dict
link:
  description: State of both sides after the run, without secrets. In check mode, and when the link was removed, the state that was found.
  returned: success
  type: dict
  contains:
    openproject:
      description: OpenProject's side.
      returned: always
      type: dict
      contains:
        storage:
          description: The storage; empty when there is none.
          returned: always
          type: dict
          contains:
            id:
              description: Its id.
              returned: when there is a storage
              type: int
              sample: 3
            name:
              description: Its name.
              returned: when there is a storage
              type: str
              sample: Cloud
            host:
              description: Address of Nextcloud, as OpenProject stores it.
              returned: when there is a storage
              type: str
              sample: https://cloud.example.com/
            configured:
              description: Whether OpenProject calls it complete. Project folders do not count for that.
              returned: when there is a storage
              type: bool
              sample: true
            oauth_application_client_id:
              description: Client id of OpenProject's OAuth application.
              returned: when there is a storage
              type: str
              sample: iFACkf6at0CPnC_EpS5FAlNt59hrUuafRbKpraDrzgg
            nextcloud_client_id:
              description: Client id of Nextcloud's OAuth client that the storage stores.
              returned: when there is a storage
              type: str
              sample: Jb0MGpj8Xa9PJy66ZB9xTic9huFSlAdLeniiYIaVWopfjClkv8SX0UvFmyjzI4Co
            automatic_management:
              description: Whether OpenProject manages project folders.
              returned: when there is a storage
              type: bool
              sample: true
    nextcloud:
      description: Nextcloud's side.
      returned: always
      type: dict
      contains:
        openproject_url:
          description: Address of OpenProject, as Nextcloud stores it.
          returned: always
          type: str
          sample: https://projects.example.com
        oauth_client_id:
          description: Client id of Nextcloud's OAuth client; none when there is no client.
          returned: always
          type: str
          sample: Jb0MGpj8Xa9PJy66ZB9xTic9huFSlAdLeniiYIaVWopfjClkv8SX0UvFmyjzI4Co
        openproject_client_id:
          description: Client id of OpenProject's OAuth application that Nextcloud stores.
          returned: always
          type: str
          sample: iFACkf6at0CPnC_EpS5FAlNt59hrUuafRbKpraDrzgg
        authorization_method:
          description: How the two authenticate.
          returned: always
          type: str
          sample: oauth2
        default_enable_navigation:
          description: Whether users get a link to OpenProject in the header.
          returned: always
          type: bool
          sample: true
        default_enable_unified_search:
          description: Whether users' searches find work packages.
          returned: always
          type: bool
          sample: false
        project_folders:
          description: Whether the app finds user, group and group folder of the project folders right.
          returned: always
          type: bool
          sample: true
        application_password:
          description: Whether Nextcloud has an application password for project folders.
          returned: always
          type: bool
          sample: true
"""

from ansible_collections.opnc.integration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.opnc.integration.plugins.module_utils._core.module import run
from ansible_collections.opnc.integration.plugins.module_utils._link.link import work
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.client import NEXTCLOUD_SPEC
from ansible_collections.opnc.integration.plugins.module_utils._openproject.client import OPENPROJECT_SPEC

SPEC = NEXTCLOUD_SPEC.merge(
    OPENPROJECT_SPEC,
    ArgumentSpec(
        options={
            "storage_name": {"type": "str", "required": True},
            "storage_id": {"type": "int"},
            "project_folders": {"type": "bool"},
            "adopt_folder": {"type": "bool", "default": False},
            "default_enable_navigation": {"type": "bool"},
            "default_enable_unified_search": {"type": "bool"},
            "relink": {"type": "bool", "default": False},
            "rotate": {
                "type": "list",
                "elements": "str",
                "choices": ["openproject_oauth", "nextcloud_oauth", "application_password"],
                "default": [],
            },
            "verify_secrets": {"type": "bool", "default": False, "no_log": False},
            "force_delete": {"type": "bool", "default": False},
            "remove_project_folders": {"type": "bool", "default": False},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        }
    ),
)


def main() -> None:
    """Run the module."""
    run(SPEC, work)


if __name__ == "__main__":
    main()
