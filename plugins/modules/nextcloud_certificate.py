#!/usr/bin/python
# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nextcloud_certificate
short_description: Let Nextcloud trust an authority for certificates
version_added: 0.1.0
description:
  - Imports the certificate of an authority (CA), or a bundle of them, that Nextcloud shall trust for its own requests, for example
    those of the integration app to an OpenProject behind a private CA. It also renews and removes it.
  - C(occ) lists names and dates of certificates but not their content. The module therefore stores a certificate in a file whose name carries
    a digest of the content, as in C(company-ca.3f2a9c01d4e5b678.pem), and sees by it when a certificate was renewed.
extends_documentation_fragment:
  - opnc.integration.attributes
  - opnc.integration.attributes.actiongroup_nextcloud
  - opnc.integration.nextcloud
options:
  name:
    description:
      - Name of the certificate. A certificate of the same name and other content is replaced.
    type: str
    required: true
  content:
    description:
      - The certificates in PEM format. Text around them does not matter.
    type: str
  path:
    description:
      - File that holds the certificates in PEM format, on the machine that runs the module.
        It need not be readable where Nextcloud lives; the module hands the content over.
    type: path
  state:
    description:
      - Whether Nextcloud shall trust the certificate.
      - V(absent) removes all files of O(name), also one that was imported by hand under exactly this name.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: opnc.integration.nextcloud_config
author:
  - opnc.integration contributors (@opnc)
"""

EXAMPLES = r"""
---
- name: Trust the company's CA, whose file lies on the machine that runs the module
  opnc.integration.nextcloud_certificate:
    name: company-ca
    path: /etc/ssl/certs/company-ca.pem
    occ_exec: [runuser, -u, www-data, --]

- name: Trust a CA whose file lies beside the playbook, in a container of Docker
  opnc.integration.nextcloud_certificate:
    name: company-ca
    content: "{{ lookup('ansible.builtin.file', 'company-ca.pem') }}"
    occ_command: [php, /var/www/html/occ]
    occ_exec: [docker, exec, --interactive, --user, www-data, nextcloud]

- name: The same in a pod of Kubernetes that runs as root
  opnc.integration.nextcloud_certificate:
    name: company-ca
    content: "{{ lookup('ansible.builtin.file', 'company-ca.pem') }}"
    occ_command: [php, /var/www/html/occ]
    occ_exec: [kubectl, exec, --stdin, deploy/nextcloud, --, su, -s, /bin/sh, www-data, -c, 'exec "$0" "$@"', --]

- name: Trust it no more
  opnc.integration.nextcloud_certificate:
    name: company-ca
    state: absent
    occ_exec: [runuser, -u, www-data, --]
"""

RETURN = r"""
actions:
  description: What was done, or in check mode would be done, in words.
  returned: success
  type: list
  elements: str
  sample: ["import certificate company-ca"]
actions_not_done:
  description: What was planned and not done, because the run failed before; then RV(actions) holds what was done.
  returned: failure after the plan was made
  type: list
  elements: str
certificate:
  description: The certificate as Nextcloud has it. Empty when it was removed.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      returned: when there is one
      type: str
      sample: company-ca
    files:
      description: Files in which Nextcloud stores it.
      returned: when there is one
      type: list
      elements: str
      sample: [company-ca.3f2a9c01d4e5b678.pem]
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
      description: What is wrong with C(occ) as a whole, for example V(wrong_user).
      returned: when that is known
      type: str
      sample: wrong_user
"""

from ansible_collections.opnc.integration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.opnc.integration.plugins.module_utils._core.module import run
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.certificates import work
from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.client import NEXTCLOUD_SPEC


def main() -> None:
    """Run the module."""
    spec = ArgumentSpec(
        options={
            "name": {"type": "str", "required": True},
            "content": {"type": "str"},
            "path": {"type": "path"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        mutually_exclusive=[("content", "path")],
        required_if=[("state", "present", ("content", "path"), True)],
    )
    run(spec.merge(NEXTCLOUD_SPEC), work)


if __name__ == "__main__":
    main()
