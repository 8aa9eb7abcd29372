#!/usr/bin/python
# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nextcloud_occ
short_description: Run a command of occ
version_added: 0.1.0
description:
  - Runs any command of C(occ), Nextcloud's command line, wherever Nextcloud lives.
  - Exit codes and messages that say that C(occ) as a whole does not work (wrong account, maintenance, pending upgrade, not installed,
    a PHP that is not the web server's, a container that is not there) become failures with cause and remedy. This includes those
    that C(occ) leaves with exit code 0.
  - C(occ) is always started with C(--no-warnings), C(--no-ansi) and C(--no-interaction), so it never stops to ask.
extends_documentation_fragment:
  - opnc.integration.attributes
  - opnc.integration.attributes.actiongroup_nextcloud
  - opnc.integration.nextcloud
attributes:
  check_mode:
    support: partial
    details:
      - A command with O(changes=true) is not run, and is reported as changed.
      - A command with O(changes=false) is run.
  diff_mode:
    support: none
    details:
      - What a command changes is not known.
  idempotent:
    support: partial
    details:
      - Depends on the command. With O(changes=false) the module never reports a change.
options:
  command:
    description:
      - The command and its arguments, one word of the list for each. No shell is involved, so nothing needs to be quoted twice.
      - Arguments can be seen by everybody who has an account on Nextcloud's machine. Secrets belong in O(environment) or O(stdin).
    type: list
    elements: str
    required: true
  changes:
    description:
      - Whether the command changes something.
      - This decides whether the module reports a change, and whether it runs the command in check mode.
    type: bool
    default: true
  stdin:
    description:
      - Text for the standard input of the command, for example JSON for C(config:import).
      - It is treated as a secret, so it appears in no log.
    type: str
  environment:
    description:
      - Environment variables with secrets, such as E(OC_PASS) for commands that take C(--password-from-env).
      - They reach C(occ) through O(occ_exec) as well, and appear neither in a list of processes nor in a log.
      - When one of E(OC_PASS) and E(NC_PASS) is given, both are set, because versions of Nextcloud differ in which one they read.
      - A value is a text without line feeds.
    type: dict
  output_json:
    description:
      - Append C(--output=json) to the command, and fail when the answer holds no JSON.
      - Lines that something else writes before or after the JSON are passed over.
    type: bool
    default: false
  accepted_rc:
    description:
      - Exit codes that are no failure.
    type: list
    elements: int
    default: [0]
seealso:
  - module: opnc.integration.nextcloud_app
  - module: opnc.integration.nextcloud_config
author:
  - opnc.integration contributors (@opnc)
"""

EXAMPLES = r"""
---
- name: Read the status of a Nextcloud on this machine
  opnc.integration.nextcloud_occ:
    command: [status]
    output_json: true
    changes: false
    occ_exec: [runuser, -u, www-data, --]
  register: status

- name: Show its version
  ansible.builtin.debug:
    var: status.data.versionstring

- name: Add an account in a container of Docker or Podman
  opnc.integration.nextcloud_occ:
    command: [user:add, --password-from-env, --display-name=Jane Doe, jane]
    environment:
      OC_PASS: "{{ vault_jane_password }}"
    occ_command: [php, /var/www/html/occ]
    occ_exec: [docker, exec, --interactive, --user, www-data, nextcloud]

- name: Add the missing indices in a pod of Kubernetes that runs as root
  opnc.integration.nextcloud_occ:
    command: [db:add-missing-indices]
    occ_command: [php, /var/www/html/occ]
    occ_exec: [kubectl, exec, --stdin, deploy/nextcloud, --, su, -s, /bin/sh, www-data, -c, 'exec "$0" "$@"', --]

- name: The same with su on this machine, where runuser is missing
  opnc.integration.nextcloud_occ:
    command: [db:add-missing-indices]
    occ_exec: [su, -s, /bin/sh, www-data, -c, 'exec "$0" "$@"', --]

- name: Scan the files of one account in the snap, which may take an hour
  opnc.integration.nextcloud_occ:
    command: [files:scan, jane]
    occ_command: [nextcloud.occ]
    occ_timeout: 3600

- name: Look whether an account exists, which occ tells by its exit code
  opnc.integration.nextcloud_occ:
    command: [user:info, jane]
    output_json: true
    changes: false
    accepted_rc: [0, 1]
    occ_exec: [runuser, -u, www-data, --]
  register: jane
"""

RETURN = r"""
actions:
  description: The command line as an administrator would type it, when the command changes something.
  returned: success
  type: list
  elements: str
  sample: ["run runuser -u www-data -- php /var/www/nextcloud/occ db:add-missing-indices"]
rc:
  description: Exit code of the command.
  returned: when the command was run
  type: int
  sample: 0
stdout:
  description: What the command wrote to standard output. The values of O(environment) are masked in it.
  returned: when the command was run
  type: str
  sample: '{"installed":true,"version":"32.0.1.2"}'
stdout_lines:
  description: The same, line by line.
  returned: when the command was run
  type: list
  elements: str
  sample: ['{"installed":true,"version":"32.0.1.2"}']
stderr:
  description: What the command, and what is in O(occ_exec), wrote to standard error.
  returned: when the command was run
  type: str
  sample: ""
data:
  description: The answer as data.
  returned: when the command was run, and O(output_json=true) or the whole standard output is JSON
  type: raw
  sample: {"installed": true, "version": "32.0.1.2"}
msg:
  description: Says that the command was not run.
  returned: in check mode, with O(changes=true)
  type: str
  sample: "Not run, because this is check mode: php /var/www/nextcloud/occ db:add-missing-indices"
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
      description: Exit code, or nothing when the command did not start or ran into O(occ_timeout).
      returned: when RV(error.type=CommandError)
      type: int
      sample: 1
    cause:
      description: What is wrong with C(occ) as a whole.
      returned: when that is known
      type: str
      sample: wrong_user
"""

from ansible_collections.opnc.integration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.opnc.integration.plugins.module_utils._core.module import run
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.client import NEXTCLOUD_SPEC
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.commands import execute


def main() -> None:
    """Run the module."""
    spec = ArgumentSpec(
        options={
            # secrets have options of their own
            "command": {"type": "list", "elements": "str", "required": True, "no_log": False},
            "changes": {"type": "bool", "default": True},
            "stdin": {"type": "str", "no_log": True},
            "environment": {"type": "dict", "no_log": True},
            "output_json": {"type": "bool", "default": False},
            "accepted_rc": {"type": "list", "elements": "int", "default": [0]},
        }
    )
    run(spec.merge(NEXTCLOUD_SPEC), execute)


if __name__ == "__main__":
    main()
