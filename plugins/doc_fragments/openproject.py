# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a module reaches OpenProject."""

from __future__ import annotations


class ModuleDocFragment:
    """The whole connection; every member of the action group takes all of it."""

    DOCUMENTATION = r"""
options:
  openproject_url:
    description:
      - Address at which the machine that runs the module reaches OpenProject, for example V(https://projects.example.com) or
        V(https://example.com/openproject).
      - Required, here or in C(module_defaults).
    type: str
  openproject_public_url:
    description:
      - Address at which browsers and Nextcloud reach OpenProject, when it is not that of O(openproject_url).
      - OpenProject answers only to the host name that it is configured for (its setting E(OPENPROJECT_HOST__NAME)). Over plain http to an
        internal address, the host name of this option goes out as C(Host) header.
    type: str
  openproject_api_key:
    description:
      - API key of an administrator, made in OpenProject below My account, Access tokens.
      - Either this, or O(openproject_username) and O(openproject_password).
      - From OpenProject 17 on it needs the setting C(api_tokens_enabled), before that C(rest_api_enabled); both are on by default.
    type: str
  openproject_username:
    description:
      - User name of the global basic authentication, which is set on the server with
        E(OPENPROJECT_AUTHENTICATION_GLOBAL__BASIC__AUTH_USER). The login of a person is never accepted by the API.
      - Mutually exclusive with O(openproject_api_key).
    type: str
  openproject_password:
    description:
      - Password of the global basic authentication, which is set on the server with
        E(OPENPROJECT_AUTHENTICATION_GLOBAL__BASIC__AUTH_PASSWORD).
      - Required together with O(openproject_username).
    type: str
  openproject_ca_path:
    description:
      - File or folder with certificates of the authorities (CA) that the module trusts for OpenProject, on the machine that runs the module.
      - Without it, the certificates that C(requests) brings, or those that E(REQUESTS_CA_BUNDLE) names, are used.
    type: path
  openproject_validate_certs:
    description:
      - Whether to check OpenProject's certificate. V(false) lets anybody on the way read and change everything.
    type: bool
    default: true
  openproject_timeout:
    description:
      - Seconds that a single request to OpenProject may take. Deleting a storage may take one second more for each project that uses it.
    type: float
    default: 30.0
  runner_command:
    description:
      - OpenProject's command line C(rails runner) where OpenProject lives, as a list of words, for the few things that its API cannot do.
      - Empty when there is no way to it. Then a module that needs it says so before it changes anything.
      - The last word, V(-), tells it to read its program from standard input; it may be left out.
      - V([openproject, run, bundle, exec, rails, runner, -]) for packages.
      - V([bundle, exec, rails, runner, -]) within a container.
      - It may begin with programs that belong into O(runner_exec) as well.
      - One start takes 40 to 55 seconds. It is started only when there is something to do, and once for everything.
    type: list
    elements: str
    default: []
  runner_exec:
    description:
      - How to get from the machine and account that run the module to where O(runner_command) runs, as a list of words that
        O(runner_command) is appended to.
      - Programs may stand one behind the other, as in V([ssh, root@projects.example.com, docker, exec, -i, openproject]). Words are quoted for
        each shell in between, so quote nothing yourself.
      - Empty when the module already runs there. The packages' command C(openproject) wants to be root.
      - V([docker, exec, --interactive, openproject]) for a container; C(podman) takes the same words.
      - V([docker, compose, --file, /opt/openproject/docker-compose.yml, exec, -T, web]) for the service of a composition.
      - V([docker-compose, exec, -T, web]) for version 1 of compose, which asks for a terminal without C(-T).
      - V([kubectl, exec, --stdin, deploy/openproject-web, --]) for a pod.
      - V([ssh, root@projects.example.com]) for another machine.
      - A terminal (C(-t), C(--tty)) must not be asked for. Standard input must be passed on (C(--interactive), C(--stdin)), because the
        program travels that way.
    type: list
    elements: str
    default: []
  runner_timeout:
    description:
      - Seconds that one start of the runner may take.
    type: float
    default: 600.0
"""
