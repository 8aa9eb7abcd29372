#!/usr/bin/python
# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: link_info
short_description: Look at a link between Nextcloud and OpenProject, and say what is wrong with it
version_added: 0.1.0
description:
  - Reads both sides of the file-storage integration and returns their state and a list of findings, each with a code, a message and what to do about it.
  - Works with half of the connection. A server that cannot be reached, or does not accept the credentials, is a finding and no failure;
    what could not be looked at is returned as RV(not_checked).
  - Sends no write of its own, except what O(check_with_runner) and a missing O(nextcloud_password) say.
  - Nextcloud's own settings page, which it reads, sets an empty authentication method to C(oauth2) when everything else is complete and project
    folders were decided on; the finding C(method_mended) says so.
  - The page "When something is wrong" of this collection's documentation lists all codes by symptom.
requirements:
  - "OpenProject 14.2 or newer, Nextcloud 28 or newer with the app OpenProject Integration 2.10 or newer; what is older is a finding."
extends_documentation_fragment:
  - opnc.integration.attributes
  - opnc.integration.attributes.info_module
  - opnc.integration.attributes.actiongroup_both
  - opnc.integration.nextcloud
  - opnc.integration.openproject
attributes:
  check_mode:
    details:
      - The module changes nothing. In check mode O(check_with_runner=true) does not try the client secret of Nextcloud, because that makes
        a token of O(nextcloud_username) for a moment.
options:
  storage_name:
    description:
      - Name that the storage in OpenProject should have.
      - The storage is found by the address of Nextcloud, and by name only when none has that.
    type: str
  project_folders:
    description:
      - Whether OpenProject is requested to manage project folders in Nextcloud.
      - If not set, they are looked at when OpenProject manages some.
    type: bool
  default_enable_navigation:
    description:
      - Whether Nextcloud is requested to show a link to OpenProject in its header. If not set, that is not looked at.
    type: bool
  default_enable_unified_search:
    description:
      - Whether Nextcloud's search is requested to find work packages. If not set, that is not looked at.
    type: bool
  check_with_occ:
    description:
      - Also read Nextcloud's system configuration, where O(occ_exec) or O(occ_command) says how to reach occ. Costs one start of occ.
    type: bool
    default: true
  check_with_runner:
    description:
      - Also let OpenProject check its connection to Nextcloud, and try the secrets that it stores. Needs O(runner_command), and two starts of
        the runner (40 to 55 seconds each were seen).
      - OpenProject tries the client secret of Nextcloud with an authorization code for which O(nextcloud_username) lets OpenProject in for the
        time of the check. The token that comes with it is removed again; Nextcloud shows both in the activities of that account. It needs the
        login password as O(nextcloud_password). Other users' tokens are not touched.
      - The client secret that Nextcloud stores is always tried, because that needs no runner.
    type: bool
    default: false
notes:
  - It cannot see whether each user has connected both accounts, and whether a user's roles have the permission C(Read files). OpenProject's API shows neither.
seealso:
  - module: opnc.integration.link
author:
  - opnc.integration contributors (@opnc)
"""

EXAMPLES = r"""
---
- name: See what is wrong
  opnc.integration.link_info:
    nextcloud_url: https://cloud.example.com
    nextcloud_username: admin
    nextcloud_password: "{{ lookup('ansible.builtin.env', 'NEXTCLOUD_PASSWORD') }}"
    openproject_url: https://projects.example.com
    openproject_api_key: "{{ lookup('ansible.builtin.env', 'OPENPROJECT_API_KEY') }}"
    project_folders: true
  register: link

- name: Show it
  ansible.builtin.debug:
    msg: "{{ link.findings | map(attribute='message') }}"

- name: Only Nextcloud's side, because nobody has an account in OpenProject
  opnc.integration.link_info:
    nextcloud_url: https://cloud.example.com
    nextcloud_username: admin
    nextcloud_password: "{{ lookup('ansible.builtin.env', 'NEXTCLOUD_PASSWORD') }}"
    openproject_url: https://projects.example.com
"""

RETURN = r"""
findings:
  description: What is the matter, errors first; empty when nothing is.
  returned: success
  type: list
  elements: dict
  contains:
    code:
      description: What a playbook can decide on. It does not change with the wording.
      returned: always
      type: str
      sample: worker_not_running
    severity:
      description: V(error) when something of the link does not work, V(warning) when it may not, V(info) otherwise.
      returned: always
      type: str
      sample: error
    side:
      description: The server that it is about, V(nextcloud), V(openproject) or V(both).
      returned: always
      type: str
      sample: openproject
    part:
      description: The part of the link, one of those in RV(parts).
      returned: always
      type: str
      sample: openproject
    message:
      description: What is the matter.
      returned: always
      type: str
      sample: The background worker of OpenProject does not run (0 good_job processes are active), so nobody makes project folders
    remedy:
      description: The command or the setting that mends it.
      returned: always
      type: str
      sample: Start it
    see:
      description: Where more is said, an address, a role, a module, or an issue of a project on GitHub.
      returned: always
      type: str
      sample: https://www.openproject.org/docs/system-admin-guide/integrations/nextcloud/#troubleshooting
    unsure:
      description: Whether the finding is a conclusion that can be mistaken. The message says so as well.
      returned: always
      type: bool
      sample: false
not_checked:
  description: What could not be looked at. That it is not among the findings does not mean that it is right.
  returned: success
  type: list
  elements: dict
  contains:
    side:
      description: The server that it is about.
      returned: always
      type: str
      sample: nextcloud
    what:
      description: What was not looked at.
      returned: always
      type: str
      sample: "system configuration: overwrite.cli.url, proxy"
    why:
      description: What was missing.
      returned: always
      type: str
      sample: occ_command and occ_exec are not given
    how:
      description: What lets it be seen; empty when nothing does.
      returned: always
      type: str
      sample: Give occ_command or occ_exec
parts:
  description: The verdict on each part of the link.
  returned: success
  type: list
  elements: dict
  contains:
    part:
      description: Name of the part.
      returned: always
      type: str
      sample: project_folders
    title:
      description: The same in words.
      returned: always
      type: str
      sample: Project folders
    verdict:
      description: V(right), V(warning), V(wrong), V(not_checked), or V(unused) for project folders that nobody requested.
      returned: always
      type: str
      sample: right
servers:
  description: Addresses and versions; what was not seen is empty.
  returned: success
  type: dict
  contains:
    nextcloud:
      description: Nextcloud.
      returned: always
      type: dict
      contains:
        address:
          description: Its public address.
          returned: always
          type: str
          sample: https://cloud.example.com
        version:
          description: Its version.
          returned: always
          type: str
          sample: 32.0.1
        integration_openproject:
          description: Version of the app OpenProject Integration.
          returned: always
          type: str
          sample: 2.11.4
        groupfolders:
          description: Version of the app Group folders.
          returned: always
          type: str
          sample: 20.1.18
        versions:
          description: What runs, whether it is supported, and which versions this collection was tried with, in one line.
          returned: always
          type: str
          sample: "Nextcloud 34.0.1 with OpenProject Integration 3.1.1 and Group folders 22.0.6: supported (tried: 29.0.6 and 34.0.1)"
    openproject:
      description: OpenProject.
      returned: always
      type: dict
      contains:
        address:
          description: Its public address.
          returned: always
          type: str
          sample: https://projects.example.com
        version:
          description: Its version.
          returned: always
          type: str
          sample: 15.4.0
        versions:
          description: What runs, whether it is supported, and which versions this collection was tried with, in one line.
          returned: always
          type: str
          sample: "OpenProject 16.3.0: supported (tried: 15.4.0 and 16.3.0)"
link:
  description: State of both sides, without secrets, as the module M(opnc.integration.link) returns it.
  returned: success
  type: dict
  contains:
    openproject:
      description: OpenProject's side; empty when it could not be seen. Its keys are those of RV(opnc.integration.link#module:link.openproject).
      returned: always
      type: dict
    nextcloud:
      description: Nextcloud's side; empty when it could not be seen. Its keys are those of RV(opnc.integration.link#module:link.nextcloud).
      returned: always
      type: dict
"""

from ansible_collections.opnc.integration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.opnc.integration.plugins.module_utils._core.module import run
from ansible_collections.opnc.integration.plugins.module_utils._link.info import work
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.client import NEXTCLOUD_SPEC
from ansible_collections.opnc.integration.plugins.module_utils._openproject.client import OPENPROJECT_SPEC

SPEC = NEXTCLOUD_SPEC.merge(
    OPENPROJECT_SPEC,
    ArgumentSpec(
        options={
            "storage_name": {"type": "str"},
            "project_folders": {"type": "bool"},
            "default_enable_navigation": {"type": "bool"},
            "default_enable_unified_search": {"type": "bool"},
            "check_with_occ": {"type": "bool", "default": True},
            "check_with_runner": {"type": "bool", "default": False},
        }
    ),
)


def main() -> None:
    """Run the module."""
    run(SPEC, work)


if __name__ == "__main__":
    main()
