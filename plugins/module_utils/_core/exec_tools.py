# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The programs that an exec prefix may consist of, and what each of them does to the command behind it: data only."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

HERE, CONTAINER, MACHINE = "here", "container", "machine"


@dataclass(frozen=True)
class Options:
    """The options of a program, or of one of its subcommands.

    :param flags: letters without a value.
    :param valued: letters with a value, attached or in the next word.
    :param attached: letters with a value that is never in the next word.
    :param names: long options without a value, or with one behind ``=`` only.
    :param named: long options with a value, behind ``=`` or in the next word.
    """

    flags: str = ""
    valued: str = ""
    attached: str = ""
    names: tuple[str, ...] = ()
    named: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tool:
    """What one program does to the command behind it.

    :param programs: its names.
    :param source: its manual page.
    :param options: its own, and behind them those of each subcommand.
    :param path: the subcommands that lead to the command.
    :param operand: what it wants before the command, for a message; empty for nothing.
    :param place: where the command runs: ``HERE`` as far as the prefix has come, in a ``CONTAINER``, on a ``MACHINE``.
    :param permutes: it looks for its own options among the words of the command as well, up to ``--``.
    :param joins: it makes one line of the words of the command, for a shell.
    :param script: options whose value is a script for a shell, to which the words behind it are arguments.
    :param dollars: it replaces ``$`` in the words of the command, unless that is doubled.
    :param login_shell: options with which a login shell reads the words, which loses ``$``, line feeds and empty words.
    :param input_with: options without which it does not pass standard input on; empty when it always does.
    :param no_input: options with which it does not.
    :param terminal: options that ask for a terminal; a number behind the name says how often it must be given.
    :param no_terminal: the option with which it asks for none.
    :param wants_terminal: it asks for one without that option.
    :param user: options that name the account, the first one as a correction writes it.
    :param user_operand: the operand is the account.
    :param user_number: how an account is given by its number, C({}) for the number; empty when it must be a name.
    """

    programs: tuple[str, ...]
    source: str
    options: tuple[Options, ...] = (Options(),)
    path: tuple[str, ...] = ()
    operand: str = ""
    place: str = HERE
    permutes: bool = False
    joins: bool = False
    script: tuple[str, ...] = ()
    dollars: bool = False
    login_shell: tuple[str, ...] = ()
    input_with: tuple[str, ...] = ()
    no_input: tuple[str, ...] = ()
    terminal: tuple[str, ...] = ()
    no_terminal: str = ""
    wants_terminal: bool = False
    user: tuple[str, ...] = ()
    user_operand: bool = False
    user_number: str = ""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_DOCKER = Options(
    "D",
    "cHl",
    names=("--debug", "--tls", "--tlsverify"),
    named=_words("--config --context --host --log-level --tlscacert --tlscert --tlskey"),
)
_DOCKER_EXEC = Options(
    "dit",
    "euw",
    names=_words("--detach --interactive --privileged --tty"),
    named=_words("--env --env-file --user --workdir --detach-keys"),
)
_PODMAN = Options(
    "r",
    "c",
    names=_words("--remote --noout --syslog --transient-store"),
    named=_words(
        """--connection --url --identity --log-level --root --runroot --config --module --storage-driver
        --storage-opt --network-config-dir --cgroup-manager --conmon --events-backend --hooks-dir --namespace
        --runtime --runtime-flag --ssh --tmpdir --volumepath --out"""
    ),
)
_PODMAN_EXEC = Options(
    "dilt",
    "euw",
    names=_words("--detach --interactive --latest --privileged --tty --no-session"),
    named=_words("""--env --env-file --user --workdir --detach-keys --preserve-fds --preserve-fd --cidfile --wait"""),
)
_NERDCTL = Options(
    "",
    "aHn",
    names=_words("--debug --debug-full --insecure-registry --experimental"),
    named=_words(
        """--address --host --namespace --snapshotter --storage-driver --cni-path --cni-netconfpath --data-root
        --cgroup-manager --hosts-dir --host-gateway-ip"""
    ),
)
_COMPOSE = Options(
    "v",
    "fpcH",
    names=_words(
        """--all-resources --compatibility --dry-run --verbose --no-ansi --tls --tlsverify --skip-hostname-check"""
    ),
    named=_words(
        """--file --project-name --profile --env-file --project-directory --ansi --parallel --progress --context
        --host --log-level --tlscacert --tlscert --tlskey"""
    ),
)
_COMPOSE_EXEC = Options(
    "dTit",
    "euw",
    names=_words("--detach --privileged --no-TTY --no-tty --interactive --tty"),
    named=_words("--env --index --user --workdir"),
)
_PODMAN_COMPOSE = Options(
    "vf",
    "p",
    names=_words("--verbose --no-ansi --no-cleanup --dry-run --no-pod --no-normalize"),
    named=_words(
        """--in-pod --pod-args --env-file --file --profile --project-name --podman-path --podman-args
        --podman-pull-args --podman-push-args --podman-build-args --podman-inspect-args --podman-run-args
        --podman-start-args --podman-stop-args --podman-rm-args --podman-volume-args --parallel"""
    ),
)
_KUBECTL = Options(
    "",
    "nsv",
    names=_words(
        """--insecure-skip-tls-verify --match-server-version --disable-compression --warnings-as-errors
        --log-flush-frequency"""
    ),
    named=_words(
        """--as --as-group --as-uid --as-user-extra --cache-dir --certificate-authority --client-certificate
        --client-key --cluster --context --kubeconfig --namespace --password --profile --profile-output
        --request-timeout --server --tls-server-name --token --user --username --v --vmodule --kuberc"""
    ),
)
_KUBECTL_EXEC = Options(
    "itq",
    "cfnsv",
    names=(*_KUBECTL.names, "--stdin", "--tty", "--quiet"),
    named=(*_KUBECTL.named, "--container", "--filename", "--pod-running-timeout"),
)
_LXC = Options("vqh", "", names=_words("--debug --verbose --quiet --force-local --sub-commands"), named=("--project",))
_LXC_EXEC = Options(
    "ntTvq",
    "",
    names=(*_LXC.names, "--disable-stdin", "--force-interactive", "--force-noninteractive"),
    named=_words("--project --cwd --env --group --user --mode"),
)
_SU = Options(
    "flmPpTV",
    "cGgsuw",
    names=_words("--fast --login --preserve-environment --pty --no-pty --session-command"),
    named=_words("--command --group --supp-group --shell --user --whitelist-environment"),
)
_SH = Options(
    "abefhiklmnpstuvxBCEHPTr",
    "coO",
    names=_words("--login --noprofile --norc --posix --restricted --verbose"),
    named=("--rcfile", "--init-file"),
)

_TERMINAL = ("-t", "--tty")
_EXEC: dict[str, t.Any] = {
    "operand": "the name of the container",
    "place": CONTAINER,
    "user": ("--user", "-u"),
    "user_number": "{}",
}
_DOCKER_LIKE: dict[str, t.Any] = {
    **_EXEC,
    "input_with": ("--interactive", "-i"),
    "no_input": ("-d", "--detach"),
    "terminal": _TERMINAL,
}
_KUBECTL_LIKE: dict[str, t.Any] = {
    **_EXEC,
    "operand": "the name of the pod",
    "permutes": True,
    "input_with": ("--stdin", "-i"),
    "terminal": _TERMINAL,
    "user": (),
    "user_number": "",
}
_COMPOSE_LIKE: dict[str, t.Any] = {
    **_EXEC,
    "operand": "the name of the service",
    "no_input": ("-d", "--detach"),
    "terminal": _TERMINAL,
    "no_terminal": "-T",
}
_COMPOSE_1_LIKE: dict[str, t.Any] = {
    **_COMPOSE_LIKE,
    "terminal": (*_TERMINAL, "-i", "--interactive"),
    "wants_terminal": True,
}

TOOLS: tuple[Tool, ...] = (
    Tool(("docker",), "docs.docker.com: docker exec", (_DOCKER, _DOCKER_EXEC), ("exec",), **_DOCKER_LIKE),
    Tool(
        ("docker",),
        "docs.docker.com: docker container exec",
        (_DOCKER, Options(), _DOCKER_EXEC),
        ("container", "exec"),
        **_DOCKER_LIKE,
    ),
    Tool(("podman",), "podman-exec(1)", (_PODMAN, _PODMAN_EXEC), ("exec",), **_DOCKER_LIKE),
    Tool(("podman",), "podman-container(1)", (_PODMAN, Options(), _PODMAN_EXEC), ("container", "exec"), **_DOCKER_LIKE),
    Tool(
        ("nerdctl",),
        "nerdctl: docs/command-reference.md, nerdctl exec",
        (_NERDCTL, _DOCKER_EXEC),
        ("exec",),
        **_DOCKER_LIKE,
    ),
    # its newer versions look themselves whether there is a terminal, its older ones want -T
    Tool(
        ("docker",),
        "docs.docker.com: docker compose exec",
        (_DOCKER, _COMPOSE, _COMPOSE_EXEC),
        ("compose", "exec"),
        **_COMPOSE_LIKE,
    ),
    Tool(("podman",), "podman-compose(1)", (_PODMAN, _COMPOSE, _COMPOSE_EXEC), ("compose", "exec"), **_COMPOSE_LIKE),
    Tool(
        ("nerdctl",),
        "nerdctl: docs/command-reference.md, nerdctl compose exec",
        (_NERDCTL, _COMPOSE, _COMPOSE_EXEC),
        ("compose", "exec"),
        **_COMPOSE_LIKE,
    ),
    Tool(
        ("docker-compose",),
        "docs.docker.com: docker-compose exec (version 1)",
        (_COMPOSE, _COMPOSE_EXEC),
        ("exec",),
        **_COMPOSE_1_LIKE,
    ),
    Tool(
        ("podman-compose",),
        "podman-compose exec --help",
        (_PODMAN_COMPOSE, _COMPOSE_EXEC),
        ("exec",),
        **_COMPOSE_1_LIKE,
    ),
    Tool(
        ("kubectl", "oc", "microk8s.kubectl"),
        "kubernetes.io: kubectl exec",
        (_KUBECTL, _KUBECTL_EXEC),
        ("exec",),
        **_KUBECTL_LIKE,
    ),
    Tool(
        ("k3s", "microk8s"),
        "docs.k3s.io: k3s kubectl; microk8s.io: command reference",
        (Options(), _KUBECTL, _KUBECTL_EXEC),
        ("kubectl", "exec"),
        **_KUBECTL_LIKE,
    ),
    Tool(
        ("lxc", "incus"),
        "linuxcontainers.org: incus exec; documentation.ubuntu.com/lxd: lxc exec",
        (_LXC, _LXC_EXEC),
        ("exec",),
        operand="the name of the container",
        place=CONTAINER,
        permutes=True,
        no_input=("-n", "--disable-stdin"),
        terminal=("-t", "--force-interactive"),
        user=("--user",),
        user_number="{}",
    ),
    Tool(
        ("ssh",),
        "ssh(1)",
        (Options("46AaCfGgKkMNnqsTtVvXxYy", "BbcDEeFIiJLlmOopPQRSWw"),),
        operand="the host",
        place=MACHINE,
        joins=True,
        no_input=("-n", "-f", "-N"),
        terminal=("-t2",),
    ),
    Tool(
        ("sudo",),
        "sudo(8)",
        (
            Options(
                "ABbEHinkKNPSs",
                "CcDghpRrtTUu",
                names=_words(
                    """--askpass --background --bell --preserve-env --set-home --login --non-interactive --preserve-groups
        --stdin --shell --reset-timestamp --no-update"""
                ),
                named=_words(
                    """--close-from --chdir --group --host --prompt --chroot --role --type --command-timeout --other-user --user"""
                ),
            ),
        ),
        user=("-u", "--user"),
        user_number="#{}",
        no_input=("-b", "--background"),
        login_shell=("-i", "--login", "-s", "--shell"),
    ),
    Tool(("doas",), "doas(1)", (Options("Lns", "aCu"),), user=("-u",), user_number="{}"),
    Tool(
        ("runuser",),
        "runuser(1)",
        (_SU,),
        permutes=True,
        user=("-u", "--user"),
        operand="the account",
        user_operand=True,
        script=("-c", "--command"),
        terminal=("-P", "--pty"),
    ),
    Tool(
        ("su",),
        "su(1)",
        (_SU,),
        permutes=True,
        operand="the account",
        user_operand=True,
        script=("-c", "--command"),
        terminal=("-P", "--pty"),
    ),
    Tool(
        ("setpriv",),
        "setpriv(1)",
        (
            Options(
                "",
                "",
                names=_words("--dump --clear-groups --keep-groups --init-groups --no-new-privs --reset-env"),
                named=_words(
                    """--groups --inh-caps --ambient-caps --bounding-set --ruid --euid --rgid --egid --reuid --regid
        --securebits --pdeathsig --selinux-label --apparmor-profile --landlock-access --landlock-rule
        --seccomp-filter --ptracer"""
                ),
            ),
        ),
        user=("--reuid",),
        user_number="{}",
    ),
    Tool(
        ("env",),
        "env(1)",
        (
            Options(
                "iv",
                "uC",
                names=_words(
                    """--ignore-environment --debug --list-signal-handling --block-signal --default-signal --ignore-signal"""
                ),
                named=("--unset", "--chdir"),
            ),
        ),
    ),
    Tool(
        ("timeout",),
        "timeout(1)",
        (
            Options(
                "fpv",
                "ks",
                names=("--foreground", "--preserve-status", "--verbose"),
                named=("--kill-after", "--signal"),
            ),
        ),
        operand="the duration",
    ),
    Tool(("nice",), "nice(1)", (Options("0123456789", "n", named=("--adjustment",)),)),
    Tool(("ionice",), "ionice(1)", (Options("t", "cn", names=("--ignore",), named=("--class", "--classdata")),)),
    Tool(("nohup",), "nohup(1)"),
    Tool(
        ("setsid",),
        "setsid(1)",
        (Options("cfw", names=("--ctty", "--fork", "--wait")),),
        no_input=("-f", "--fork"),
        terminal=("-c", "--ctty"),
    ),
    Tool(
        ("chroot",),
        "chroot(1)",
        (Options(names=("--skip-chdir",), named=("--userspec", "--groups")),),
        operand="the directory",
        place=CONTAINER,
        user=("--userspec",),
        user_number="{}",
    ),
    Tool(
        ("nsenter",),
        "nsenter(1)",
        (
            Options(
                "aceFkZ",
                "GNSt",
                attached="CimnprTuUw",
                names=_words(
                    """--all --follow-context --no-fork --preserve-credentials --keep-caps --env --join-cgroup --mount --uts
        --ipc --net --pid --user --cgroup --time --root --wd"""
                ),
                named=_words("--target --setuid --setgid --net-socket --wdns"),
            ),
        ),
        place=CONTAINER,
        user=("--setuid", "-S"),
        user_number="{}",
    ),
    Tool(
        ("systemd-run",),
        "systemd-run(1)",
        (
            Options(
                "GPqSrtd",
                "EHMpu",
                names=_words(
                    """--collect --pipe --pty --pty-late --quiet --scope --wait --same-dir --shell --remain-after-exit
        --no-block --no-ask-password --send-sighup --system --expand-environment"""
                ),
                named=_words(
                    """--description --gid --host --machine --nice --property --service-type --setenv --slice --uid --unit
        --working-directory"""
                ),
            ),
        ),
        place=CONTAINER,
        dollars=True,
        input_with=("--pipe", "-P", "--scope"),
        terminal=("-t", "--pty"),
        user=("--uid",),
        user_number="{}",
    ),
    Tool(
        ("machinectl",),
        "machinectl(1)",
        (
            Options("lq", "EHM", names=("--quiet", "--no-pager"), named=("--host", "--machine", "--setenv", "--uid")),
            Options("q", "E", names=("--quiet",), named=("--setenv", "--uid")),
        ),
        ("shell",),
        operand="the name of the machine",
        place=CONTAINER,
        wants_terminal=True,
        user=("--uid",),
        user_number="{}",
    ),
    Tool(("sh", "bash", "dash", "ash", "zsh", "ksh"), "sh(1p), bash(1)", (_SH,), script=("-c",)),
)
