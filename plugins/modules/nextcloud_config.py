#!/usr/bin/python
# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nextcloud_config
short_description: Set and remove values of Nextcloud's configuration
version_added: 0.1.0
description:
  - Brings any number of values of C(config.php) and of apps into a state, by C(occ).
  - One start of C(occ) reads them all (C(config:list)), and one more is needed when Nextcloud hides some of them. One start writes all
    that differ (C(config:import)); the values travel by standard input, so that nobody sees them in a list of processes.
  - Values that are not given are left alone.
extends_documentation_fragment:
  - opnc.integration.attributes
  - opnc.integration.attributes.actiongroup_nextcloud
  - opnc.integration.nextcloud
attributes:
  diff_mode:
    support: full
    details:
      - Values that Nextcloud hides, those of O(secret_system) and O(secret_apps), and those whose key sounds like a secret are masked.
        Where such a value changes, the difference says so.
options:
  system:
    description:
      - Values of C(config.php) by their key.
      - The type counts, so V(true) and V("true") differ.
      - A map changes only the keys that it holds, at any depth. A list, like every other value, replaces what is there.
      - V(null) removes a key, at any depth.
      - A whole number as key of a map is the index of an element, so that a single element of a list can be set or removed.
    type: dict
  apps:
    description:
      - Values of apps, by the id of the app and the key.
      - Apps store text. V(true) and V(false) mean the same as C(1), C(yes), C(true), C(on) and C(0), C(no), C(false), C(off) and
        the empty text. When such a value is written, it takes the words that the app uses already, else C(1) and C(0).
      - A map or a list is stored as JSON, and replaces what is there.
      - V(null) removes a key.
      - A type that Nextcloud stores with a value stays; a new value gets none, because apps such as
        C(integration_openproject) cannot read values that were stored with another type than they expect.
    type: dict
  secret_system:
    description:
      - The same as O(system) for values that must not be shown. A map in both is merged.
    type: dict
  secret_apps:
    description:
      - The same as O(apps) for values that must not be shown.
    type: dict
notes:
  - Another file in Nextcloud's folder C(config) (C(*.config.php), as official images bring them) wins over C(config.php). A value that
    is set there cannot be changed by C(occ), and the module reports a change with every run.
  - Give values with their type. With C(jinja2_native) off, a template makes a text of everything, so V("{{ true }}") is the text C(True).
seealso:
  - module: opnc.integration.nextcloud_occ
  - module: opnc.integration.nextcloud_certificate
author:
  - opnc.integration contributors (@opnc)
"""

EXAMPLES = r"""
---
- name: Let Nextcloud send requests to an OpenProject in its own network, and name a proxy
  opnc.integration.nextcloud_config:
    system:
      allow_local_remote_servers: true
      trusted_proxies: [10.0.0.5]
    occ_exec: [runuser, -u, www-data, --]

- name: Set values of the system and of apps in a container of Docker
  opnc.integration.nextcloud_config:
    system:
      overwrite.cli.url: https://cloud.example.com
      memories.vod.disable: null # removes the key
    apps:
      core:
        backgroundjobs_mode: cron
      files_sharing:
        outgoing_server2server_share_enabled: false
    occ_command: [php, /var/www/html/occ]
    occ_exec: [docker, exec, --interactive, --user, www-data, nextcloud]

- name: Change a part of a value, with a secret, in a pod of Kubernetes
  opnc.integration.nextcloud_config:
    system:
      redis:
        host: redis.example.com
        port: 6379
    secret_system:
      redis:
        password: "{{ vault_redis_password }}"
    occ_command: [php, /var/www/html/occ]
    occ_exec: [kubectl, exec, --stdin, deploy/nextcloud, --]

- name: Trust one more host name in the snap
  opnc.integration.nextcloud_config:
    system:
      trusted_domains:
        1: cloud.example.com
    occ_command: [nextcloud.occ]
"""

RETURN = r"""
actions:
  description: What was done, or in check mode would be done, in words.
  returned: success
  type: list
  elements: str
  sample: ["set the system value allow_local_remote_servers"]
actions_not_done:
  description: What was planned and not done, because the run failed before; then RV(actions) holds what was done.
  returned: failure after the plan was made
  type: list
  elements: str
config:
  description: The values that were given, as they are now, secrets masked. Removed ones are missing.
  returned: success
  type: dict
  sample: {"system": {"allow_local_remote_servers": true}, "apps": {"core": {"backgroundjobs_mode": "cron"}}}
  contains:
    system:
      description: Values of C(config.php) by their key; a map with all that it holds now.
      returned: success
      type: dict
      sample: {"allow_local_remote_servers": true}
    apps:
      description: Values of apps, by the id of the app and the key.
      returned: success
      type: dict
      sample: {"core": {"backgroundjobs_mode": "cron"}}
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
      description: V(read_only) when C(config_is_read_only) is set, or what is wrong with C(occ) as a whole, for example V(wrong_user).
      returned: when that is known
      type: str
      sample: read_only
"""

from ansible_collections.opnc.integration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.opnc.integration.plugins.module_utils._core.module import run
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.client import NEXTCLOUD_SPEC
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.config import work


def main() -> None:
    """Run the module."""
    spec = ArgumentSpec(
        options={
            "system": {"type": "dict"},
            "apps": {"type": "dict"},
            "secret_system": {"type": "dict", "no_log": True},
            "secret_apps": {"type": "dict", "no_log": True},
        },
        required_one_of=[("system", "apps", "secret_system", "secret_apps")],
    )
    run(spec.merge(NEXTCLOUD_SPEC), work)


if __name__ == "__main__":
    main()
