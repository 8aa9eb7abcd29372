# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a module reaches Nextcloud."""

from __future__ import annotations


class ModuleDocFragment:
    """The whole connection; every member of the action group takes all of it."""

    DOCUMENTATION = r"""
options:
  nextcloud_url:
    description:
      - Address at which the machine that runs the module reaches Nextcloud, for example V(https://cloud.example.com) or
        V(https://example.com/nextcloud).
      - Modules that only use C(occ) do not need it.
    type: str
  nextcloud_public_url:
    description:
      - Address at which browsers and OpenProject reach Nextcloud, when it is not that of O(nextcloud_url).
      - This is the address that gets registered. Over plain http to an internal address, its name also goes out as C(Host) header.
    type: str
  nextcloud_username:
    description:
      - Account of the group C(admin).
      - Modules that only use C(occ) do not need it.
    type: str
  nextcloud_password:
    description:
      - Login password, or application password, of O(nextcloud_username).
      - If not set, and O(occ_exec) or O(occ_command) says how to reach occ, occ makes an application password for this run,
        which is deleted at its end, also when the run fails. No other token is touched. Costs one start of occ and one request, in check mode too.
    type: str
  nextcloud_ca_path:
    description:
      - File or folder with certificates of the authorities (CA) that the module trusts for Nextcloud, on the machine that runs the module.
      - Without it, the certificates that C(requests) brings, or those that C(REQUESTS_CA_BUNDLE) names, are used.
    type: path
  nextcloud_validate_certs:
    description:
      - Whether to check Nextcloud's certificate. V(false) lets anybody on the way read and change everything.
    type: bool
    default: true
  nextcloud_timeout:
    description:
      - Seconds that a single request to Nextcloud may take.
    type: float
    default: 30.0
  occ_command:
    description:
      - The command C(occ) where Nextcloud lives, as a list of words with an absolute path.
      - This is also the place for settings of PHP, as in V([php, -d, memory_limit=512M, /var/www/nextcloud/occ]), or for another
        PHP, as in V([/usr/bin/php8.3, /var/www/nextcloud/occ]).
      - For the snap it is V([nextcloud.occ]).
      - It may begin with programs that belong into O(occ_exec) as well, as in V([docker, exec, -i, nextcloud, php, occ]).
      - A program of your own must start C(occ) with pipes. Where it has a terminal in between, only commands without standard input work.
    type: list
    elements: str
    default: [php, /var/www/nextcloud/occ]
  occ_exec:
    description:
      - How to get from the machine and account that run the module to where O(occ_command) runs as the owner of Nextcloud's C(config.php),
        as a list of words that O(occ_command) is appended to.
      - Programs may stand one behind the other, as in V([sudo, -u, deploy, ssh, cloud.example.com, docker, exec, -i, nextcloud]). Words are
        quoted for each shell in between, so quote nothing yourself.
      - Empty when the module already runs there, as that account.
      - V([runuser, -u, www-data, --]) for a module that runs as root on Nextcloud's machine.
      - V([docker, exec, --interactive, --user, www-data, nextcloud]) for a container; C(podman) takes the same words.
      - V([docker-compose, exec, -T, --user, www-data, app]) for version 1 of compose, which asks for a terminal without C(-T).
      - V([kubectl, exec, --stdin, deploy/nextcloud, --]) for a pod that runs as Nextcloud's account.
      - V([kubectl, exec, --stdin, deploy/nextcloud, --, su, -s, /bin/sh, www-data, -c, 'exec "$0" "$@"', --]) for a pod that runs as root.
      - A terminal (C(-t), C(--tty)) must not be asked for. Standard input must be passed on (C(--interactive), C(--stdin)), because secrets
        and whole configurations travel that way, never as arguments.
      - The collection never needs C(become_user) for this; run the task as root, or as an account that may do the above.
    type: list
    elements: str
    default: []
  occ_timeout:
    description:
      - Seconds that a single C(occ) command may take. Downloading an app can need more than any other command.
    type: float
    default: 300.0
requirements:
  - Python >= 3.9 and requests where the module runs.
  - Nextcloud >= 28.
notes:
  - Options of the connection that a module does not need itself are accepted and left alone, so that
    C(module_defaults) can state the connection once for the whole group.
"""
