# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each stage of `make test` does. A stage's name is the name of its function here and of its target in the Makefile."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from ci import places
from ci.matrix import run_matrix
from ci.places import CACHE, COLLECTIONS, NAME, ROOT
from ci.runner import Stage

PACKAGE = COLLECTIONS / "ansible_collections" / "opnc" / "integration"


def lint(stage: Stage) -> None:
    """Format, style, types, YAML, playbooks and roles, changelog, shell."""
    stage.run(
        "ruff format", ["ruff", "format", "--check", "--quiet", "--diff", "."], env={"RUFF_CACHE_DIR": CACHE / "ruff"}
    )
    stage.run("ruff check", ["ruff", "check", "--quiet", "."], env={"RUFF_CACHE_DIR": CACHE / "ruff"})
    stage.run("mypy", ["mypy", PACKAGE / "plugins", "tests"])
    stage.run("yamllint", ["yamllint", "--strict", "."])
    # Its own virtual environment is not wanted, and without --offline it would ask Galaxy.
    stage.run("ansible-lint", ["ansible-lint", "--offline", "--strict", "-q"])
    stage.run("antsibull-changelog", ["antsibull-changelog", "lint"])
    stage.run("shellcheck", ["shellcheck", *_shell_scripts()])


def sanity(stage: Stage) -> None:
    """All sanity tests of ansible-test, without ignore files, on every Python that this machine has."""
    places.lay_out_copy()
    _offer_pip()
    programs = CACHE / "pythons"
    shutil.rmtree(programs, ignore_errors=True)
    programs.mkdir(parents=True)
    for version, program in places.pythons().items():
        (programs / f"python{version}").symlink_to(program)
    path = f"{places.VENV / 'bin'}:{programs}:{places.environment()['PATH']}"
    stage.run(
        "ansible-test",
        ["ansible-test", "sanity", "--venv", "--lint", "--color", "no"],
        cwd=places.TREE,
        count=_sanity_numbers,
        env={"PATH": path},
    )


def units(stage: Stage) -> None:
    """The unit tests, with coverage of plugins/."""
    stage.pytest("pytest", ["tests/unit"], coverage=True)
    stage.run("coverage", ["coverage", "report"])


def conformance(stage: Stage) -> None:
    """Recorded exchanges of real servers, replayed against the simulated ones."""
    stage.pytest("pytest", ["tests/conformance"])


def molecule(stage: Stage) -> None:
    """Every scenario except the one against real servers."""
    for scenario in sorted((ROOT / "molecule").glob("*/molecule.yml")):
        name = scenario.parent.name
        if name != "live":
            stage.run(
                name,
                ["molecule", "-c", ROOT / ".config" / "molecule" / "config.yml", "test", "-s", name],
                count=_molecule_numbers,
            )


def docs(stage: Stage) -> None:
    """The modules' and roles' documentation, and the site that is made from it."""
    stage.run(
        "antsibull-docs",
        [
            "antsibull-docs",
            "lint-collection-docs",
            "--plugin-docs",
            "--validate-collection-refs=all",
            "--skip-rstcheck",
            ".",
        ],
    )
    source, site = CACHE / "docs" / "source", CACHE / "docs" / "site"
    shutil.rmtree(CACHE / "docs", ignore_errors=True)
    # antsibull-docs lays the guides beside the modules itself.
    shutil.copytree(ROOT / "docs" / "docsite", source, ignore=shutil.ignore_patterns("rst"))
    (source / "reference").mkdir()
    stage.run(
        "site, modules and roles",
        [
            "antsibull-docs",
            "collection",
            "--use-current",
            "--squash-hierarchy",
            "--dest-dir",
            source / "reference",
            NAME,
        ],
    )
    stage.run("site, HTML", ["sphinx-build", "-q", "-W", "--keep-going", "-b", "html", source, site])


def build(stage: Stage) -> None:
    """Build the archive, install it into an empty place, and use it from there."""
    work = CACHE / "build"
    shutil.rmtree(work, ignore_errors=True)
    # A copy of its own: the other one may be in use by sanity.
    tree = work / "tree"
    places.lay_out_copy(tree)
    installed = work / "collections"
    stage.run("archive", ["ansible-galaxy", "collection", "build", tree, "--output-path", work])
    archives = list(work.glob("*.tar.gz"))
    if len(archives) != 1:
        return
    there = {"ANSIBLE_COLLECTIONS_PATH": installed}
    stage.run(
        "install", ["ansible-galaxy", "collection", "install", "--offline", archives[0], "-p", installed], env=there
    )
    for kind, names in (("module", _names("plugins/modules/*.py")), ("role", _names("roles/*"))):
        command = ["ansible-doc", "--type", kind, "--json", *(f"{NAME}.{name}" for name in names)]
        stage.run(f"ansible-doc of each {kind}", command, count=_documented(names), talkative=True, env=there)
    for name in _names("playbooks/*.yml"):
        stage.run(f"playbook {name}", ["ansible-playbook", "--syntax-check", f"{NAME}.{name}"], env=there)
    config = work / "importer.cfg"
    config.write_text("[galaxy-importer]\nCHECK_REQUIRED_TAGS = True\nRUN_ANSIBLE_LINT = False\n", encoding="utf-8")
    stage.run(
        "galaxy-importer",
        ["python", "-m", "galaxy_importer.main", archives[0]],
        cwd=work,
        count=_importer_numbers,
        env={"GALAXY_IMPORTER_CONFIG": config},
    )


def matrix(stage: Stage) -> None:
    """site.yml with every supported ansible-core; not part of `make test`."""
    run_matrix(stage)


def _shell_scripts() -> list[Path]:
    return [*sorted(ROOT.glob("tests/**/*.sh")), ROOT / ".ci" / "run"]


def _names(pattern: str) -> list[str]:
    return sorted(path.stem for path in ROOT.glob(pattern))


def _documented(names: list[str]) -> Callable[[int, str], tuple[int, int]]:
    """ansible-doc warns of what it does not find, and exits with 0."""

    def count(code: int, output: str) -> tuple[int, int]:
        found = [name for name in names if f'"{NAME}.{name}": {{' in output]
        return len(found), len(names) - len(found)

    return count


def _offer_pip() -> None:
    """Leave a way to install pip where ansible-test looks for it; the file's name holds the version that it asks for."""
    import ansible_test

    wanted = Path(ansible_test.__file__).parent / "_internal" / "python_requirements.py"
    for version in set(re.findall(r"pip='([0-9.]+)'", wanted.read_text(encoding="utf-8"))):
        target = Path.home() / ".ansible" / "test" / "cache" / f"get_pip_{version.replace('.', '_')}.py"
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(Path(__file__).with_name("get_pip.py"), target)


def _sanity_numbers(code: int, output: str) -> tuple[int, int]:
    run = len(set(re.findall(r"Running sanity test \"?([\w-]+)", output)))
    found = re.search(r"The (\d+) sanity test\(s\) listed below", output)
    failed = int(found.group(1)) if found else int(code != 0)
    # A test whose program is missing passes with a warning.
    failed += len(re.findall(r"Required program \"?shellcheck", output))
    return max(run - failed, 0), failed


def _molecule_numbers(code: int, output: str) -> tuple[int, int]:
    """A scenario without its tests says so in its recap only, and exits with 0."""
    tests = sum(int(number) for number in re.findall(r"(\d+) passed.* in [\d.]+s", output))
    missing = re.search(r"missing=[1-9]", output) or not tests
    return (0, 1) if code or missing else (1 + tests, 0)


def _importer_numbers(code: int, output: str) -> tuple[int, int]:
    """The importer says what it would like better as a warning, and exits with 0."""
    return (0, 1) if code or re.search(r"\b(WARNING|ERROR)\b", output) else (1, 0)
