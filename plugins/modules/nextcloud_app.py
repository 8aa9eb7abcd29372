#!/usr/bin/python
# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nextcloud_app
short_description: Install, enable, update, disable and remove apps of Nextcloud
version_added: 0.1.0
description:
  - Brings apps of Nextcloud into a state, by C(occ).
  - One start of C(occ) reads the state of all apps. One more enables all that need it, and downloads those that are not on the disk.
  - When that fails, the message names the app and the reason, for example that the app store is switched off or that the version
    does not fit. Apps that could be enabled stay enabled, so that the task can be repeated (C(retries)).
extends_documentation_fragment:
  - opnc.integration.attributes
  - opnc.integration.attributes.actiongroup_nextcloud
  - opnc.integration.nextcloud
attributes:
  check_mode:
    support: full
    details:
      - Whether the app store has an app is only known when it is downloaded.
options:
  name:
    description:
      - Ids of the apps, as they stand at the end of their address in the app store, for example V(integration_openproject).
    type: list
    elements: str
    required: true
  state:
    description:
      - V(enabled) downloads the app when it is not on the disk, and enables it for everybody or for O(groups).
      - V(latest) does the same and also updates the app when the app store has a newer version. Nextcloud keeps the
        list of the store for an hour.
      - V(disabled) disables the app. Its files and its settings stay.
      - V(absent) removes the files of the app. Its settings stay. Apps that came with Nextcloud cannot be removed.
        Newer versions of Nextcloud only remove an app that is enabled, so a disabled one is enabled for the removal.
    type: str
    choices: [enabled, disabled, absent, latest]
    default: enabled
  groups:
    description:
      - Ids of the only groups that may use the apps, for O(state=enabled) and O(state=latest).
      - Without this option the apps are enabled for everybody; those that are limited to groups are opened without being disabled in between.
      - Apps that store files, log people in or the like cannot be limited. This is refused before anything is written.
    type: list
    elements: str
notes:
  - Nextcloud remembers for five minutes that the app store did not answer. A loop of C(retries) should therefore last longer than that.
  - An app that is enabled but whose folder has been deleted counts as enabled, because C(occ) says so.
    Disable it first to have it downloaded again.
seealso:
  - module: opnc.integration.nextcloud_occ
  - module: opnc.integration.nextcloud_config
author:
  - opnc.integration contributors (@opnc)
"""

EXAMPLES = r"""
---
- name: Install and enable what a link with project folders needs
  opnc.integration.nextcloud_app:
    name: [integration_openproject, groupfolders]
    occ_exec: [runuser, -u, www-data, --]
  register: apps
  retries: 2
  delay: 310
  until: apps is success

- name: The same in a container of Docker
  opnc.integration.nextcloud_app:
    name: [integration_openproject, groupfolders]
    occ_command: [php, /var/www/html/occ]
    occ_exec: [docker, exec, --interactive, --user, www-data, nextcloud]

- name: The same in a container of Podman
  opnc.integration.nextcloud_app:
    name: [integration_openproject, groupfolders]
    occ_command: [php, /var/www/html/occ]
    occ_exec: [podman, exec, --interactive, --user, www-data, nextcloud]

- name: The same in a pod of Kubernetes
  opnc.integration.nextcloud_app:
    name: [integration_openproject, groupfolders]
    occ_command: [php, /var/www/html/occ]
    occ_exec: [kubectl, exec, --stdin, deploy/nextcloud, --, su, -s, /bin/sh, www-data, -c, 'exec "$0" "$@"', --]

- name: The same in the snap
  opnc.integration.nextcloud_app:
    name: [integration_openproject, groupfolders]
    occ_command: [nextcloud.occ]

- name: Keep apps up to date
  opnc.integration.nextcloud_app:
    name: [integration_openproject, groupfolders]
    state: latest
    occ_exec: [runuser, -u, www-data, --]

- name: Let only two groups use an app
  opnc.integration.nextcloud_app:
    name: [integration_openproject]
    groups: [staff, project managers]
    occ_exec: [runuser, -u, www-data, --]

- name: Disable an app
  opnc.integration.nextcloud_app:
    name: [weather_status]
    state: disabled
    occ_exec: [runuser, -u, www-data, --]
"""

RETURN = r"""
actions:
  description: What was done, or in check mode would be done, in words.
  returned: success
  type: list
  elements: str
  sample: ["enable the app groupfolders"]
actions_not_done:
  description: What was planned and not done, because the run failed before; then RV(actions) holds what was done.
  returned: failure after the plan was made
  type: list
  elements: str
apps:
  description: The apps by their id, as they are now.
  returned: success
  type: dict
  sample: {"groupfolders": {"state": "enabled", "groups": [], "version": "17.0.14"}}
  contains:
    state:
      description: V(enabled), V(disabled) or V(absent).
      returned: success
      type: str
      sample: enabled
    groups:
      description: Ids of the only groups that may use the app. Empty when everybody may.
      returned: when the app is not removed
      type: list
      elements: str
      sample: []
    version:
      description: Installed version. Empty when it is not known, as in check mode before an app is downloaded.
      returned: success
      type: str
      sample: 17.0.14
error:
  description: What went wrong, for decisions in a playbook.
  returned: failure
  type: dict
  contains:
    type:
      description: Kind of failure.
      returned: always
      type: str
      sample: CommandError
    rc:
      description: Exit code of C(occ).
      returned: when RV(error.type=CommandError)
      type: int
      sample: 1
    cause:
      description: >-
        Why an app could not be enabled or updated: V(store_off), V(store_failed), V(not_in_store), V(incompatible), V(signature),
        V(not_writable), V(older_in_store), V(for_everybody) or V(app); or what is wrong with C(occ) as a whole, for example V(wrong_user).
      returned: when that is known
      type: str
      sample: store_failed
    apps:
      description: Ids of the apps that could not be enabled or updated.
      returned: when Nextcloud refused apps
      type: list
      elements: str
      sample: [groupfolders]
"""

from ansible_collections.opnc.integration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.opnc.integration.plugins.module_utils._core.module import run
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.apps import work
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.client import NEXTCLOUD_SPEC


def main() -> None:
    """Run the module."""
    spec = ArgumentSpec(
        options={
            "name": {"type": "list", "elements": "str", "required": True},
            "state": {"type": "str", "choices": ["enabled", "disabled", "absent", "latest"], "default": "enabled"},
            "groups": {"type": "list", "elements": "str"},
        }
    )
    run(spec.merge(NEXTCLOUD_SPEC), work)


if __name__ == "__main__":
    main()
