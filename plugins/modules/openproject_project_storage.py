#!/usr/bin/python
# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: openproject_project_storage
short_description: Make a storage available in projects of OpenProject
version_added: 0.1.0
description:
  - Makes a Nextcloud storage available in any number of projects, with a folder mode, or takes it away from them.
  - OpenProject's API can only read this. It is written by OpenProject's command line, see O(runner_command). A start of it takes 40 to 55
    seconds, so there is one for all projects together, and none when there is nothing to do.
  - Each project is a transaction of its own. When OpenProject refuses some, all others are done, and the module fails naming those that
    were refused and why.
  - Without O(runner_command), a module that finds something to do fails before it changes anything, and names the projects.
requirements:
  - OpenProject >= 14.2; an API key of an administrator or its global basic authentication.
extends_documentation_fragment:
  - opnc.integration.attributes
  - opnc.integration.attributes.actiongroup_openproject
  - opnc.integration.openproject
options:
  storage_name:
    description:
      - Name of the storage, as OpenProject shows it below Administration, Files.
    type: str
    required: true
    aliases:
      - storage
  projects:
    description:
      - Identifiers of the projects, which are the part of their address behind C(/projects/). Other projects are left alone.
      - Archived, repeated and, with O(state=present), unknown ones are refused and named before anything is changed.
      - Mutually exclusive with O(all_active=true).
    type: list
    elements: str
  all_active:
    description:
      - Mean all projects that are not archived at the time of the run.
    type: bool
    default: false
  project_folder_mode:
    description:
      - V(inactive) means no project folder.
      - V(manual) means the folder O(project_folder_id), whose access rights OpenProject does not touch.
      - V(automatic) means a folder that OpenProject makes within seconds and whose access rights it keeps. It needs automatic management
        of project folders, see O(opnc.integration.link#module:project_folders).
      - A project that leaves V(manual) forgets the folder; the folder itself stays. A project that leaves V(automatic) keeps its folder
        in Nextcloud, and gets the same one when it comes back.
      - If not set, a project that uses the storage already is left as it is, and a new one gets V(inactive).
    type: str
    choices:
      - inactive
      - manual
      - automatic
  project_folder_id:
    description:
      - Nextcloud's id of the folder, which is the number behind C(/f/) in the folder's internal link.
      - Required with, and only allowed with, O(project_folder_mode=manual).
    type: str
  force_delete:
    description:
      - Must be V(true) for O(state=absent) when one of the projects has an automatic folder, because OpenProject
        B(deletes that folder in Nextcloud at once), with all files in it.
    type: bool
    default: false
  state:
    description:
      - With V(present), the projects can use the storage.
      - With V(absent), they cannot, and links between their work packages and files of the storage are deleted.
    type: str
    choices:
      - present
      - absent
    default: present
seealso:
  - module: opnc.integration.link
  - name: Add a storage to a project
    description: The same by hand.
    link: https://www.openproject.org/docs/user-guide/projects/project-settings/files/
author:
  - opnc.integration contributors (@opnc)
"""

EXAMPLES = r"""
---
- name: Give two projects automatic folders (OpenProject from packages, the play runs on its machine as root)
  opnc.integration.openproject_project_storage:
    openproject_url: https://projects.example.com
    openproject_api_key: "{{ lookup('ansible.builtin.env', 'OPENPROJECT_API_KEY') }}"
    runner_command: [openproject, run, bundle, exec, rails, runner, -]
    storage_name: Cloud
    projects:
      - demo-project
      - your-scrum-project
    project_folder_mode: automatic

- name: Several tasks for an OpenProject in docker, with the connection stated once
  module_defaults:
    group/opnc.integration.openproject:
      openproject_url: https://projects.example.com
      openproject_api_key: "{{ lookup('ansible.builtin.env', 'OPENPROJECT_API_KEY') }}"
      runner_command: [bundle, exec, rails, runner, -]
      runner_exec: [docker, exec, --interactive, openproject]
  block:
    - name: Make the storage available everywhere, without project folders
      opnc.integration.openproject_project_storage:
        storage_name: Cloud
        all_active: true

    - name: Let one project use a folder that exists
      opnc.integration.openproject_project_storage:
        storage_name: Cloud
        projects: [building-site]
        project_folder_mode: manual
        project_folder_id: "4711"

- name: Take the storage away from a project, with its automatic folder (OpenProject in kubernetes)
  opnc.integration.openproject_project_storage:
    openproject_url: https://projects.example.com
    openproject_api_key: "{{ lookup('ansible.builtin.env', 'OPENPROJECT_API_KEY') }}"
    runner_command: [bundle, exec, rails, runner, -]
    runner_exec: [kubectl, exec, --stdin, deploy/openproject-web, --]
    storage_name: Cloud
    projects: [old-project]
    force_delete: true
    state: absent
"""

RETURN = r"""
project_storage:
  description: How the projects use the storage after the run; in check mode, how they would.
  returned: success
  type: dict
  contains:
    storage_name:
      description: Name of the storage.
      type: str
      returned: success
      sample: Cloud
    projects:
      description: One entry for each project that was meant, in the order of O(projects).
      type: list
      elements: dict
      returned: success
      contains:
        project:
          description: Identifier of the project.
          type: str
          returned: success
          sample: demo-project
        attached:
          description: Whether the project can use the storage.
          type: bool
          returned: success
          sample: true
        project_folder_mode:
          description: Its folder mode; null where it does not use the storage.
          type: str
          returned: success
          sample: manual
        project_folder_id:
          description: Nextcloud's id of the folder in mode V(manual); null otherwise.
          type: str
          returned: success
          sample: "4711"
actions:
  description: What was done, or would be done in check mode; a sentence for each project that changes.
  returned: success
  type: list
  elements: str
  sample:
    - make storage "Cloud" available in project "demo-project", automatic folder
actions_not_done:
  description: What was planned and not done, because the run failed before; then RV(actions) holds what was done.
  returned: failure after the plan was made
  type: list
  elements: str
error:
  description: What went wrong, for a playbook to decide on.
  returned: failure
  type: dict
  contains:
    type:
      description: Kind of the failure. V(PartlyDone) means that all projects but those in RV(error.failed) are done.
      type: str
      returned: failure
      sample: PartlyDone
    done:
      description: Identifiers of the projects that were changed.
      type: list
      elements: str
      returned: when some projects were refused
      sample: [your-scrum-project]
    failed:
      description: The projects that OpenProject refused.
      type: list
      elements: dict
      returned: when some projects were refused
      contains:
        project:
          description: Identifier of the project.
          type: str
          returned: always
          sample: demo-project
        errors:
          description: Why.
          type: list
          elements: dict
          returned: always
          contains:
            attribute:
              description: What the error is about, V(base) for the whole.
              type: str
              returned: always
              sample: project
            symbol:
              description: OpenProject's own name of the error.
              type: str
              returned: always
              sample: taken
            message:
              description: OpenProject's own words.
              type: str
              returned: always
              sample: Project has already been taken.
    rc:
      description: Exit code of the runner; null when it did not start or did not end in time.
      type: int
      returned: when the runner failed
      sample: 1
    cause:
      description: What is wrong with the runner, for example V(command_not_found), V(container_not_found), V(timeout), V(ruby) or V(no_answer).
      type: str
      returned: when the runner failed
      sample: timeout
    status:
      description: HTTP status of OpenProject's answer.
      type: int
      returned: when OpenProject's API refused
      sample: 401
"""

from ansible_collections.opnc.integration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.opnc.integration.plugins.module_utils._core.module import run
from ansible_collections.opnc.integration.plugins.module_utils._openproject.client import OPENPROJECT_SPEC
from ansible_collections.opnc.integration.plugins.module_utils._openproject.project_storages import work

SPEC = OPENPROJECT_SPEC.merge(
    ArgumentSpec(
        options={
            "storage_name": {"type": "str", "required": True, "aliases": ["storage"]},
            "projects": {"type": "list", "elements": "str"},
            "all_active": {"type": "bool", "default": False},
            "project_folder_mode": {"type": "str", "choices": ["inactive", "manual", "automatic"]},
            "project_folder_id": {"type": "str"},
            "force_delete": {"type": "bool", "default": False},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
    )
)


def main() -> None:
    """Entry point."""
    run(SPEC, work)


if __name__ == "__main__":
    main()
