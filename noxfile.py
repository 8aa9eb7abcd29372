# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `make test` runs. A session's tag is its stage, and the name of its target in the Makefile.

The tools of all sessions share .cache/venv, which `make` fills: separate environments would cost minutes on each new machine. nox itself
is in .cache/nox.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path

import antsibull_nox
import nox

ROOT = Path(__file__).parent
sys.path.insert(0, str(ROOT / "tests"))

from ci import places  # noqa: E402
from ci.places import CACHE, COLLECTIONS, NAME, TREE, VENV  # noqa: E402

nox.options.allow_parallel = True
nox.options.default_venv_backend = "none"
nox.options.download_python = "never"
nox.options.envdir = ".cache/environments"
nox.options.error_on_missing_interpreters = False

for variable in set(os.environ) - set(clean := places.environment()):
    del os.environ[variable]
os.environ.update(clean)

PACKAGE = COLLECTIONS / "ansible_collections" / "opnc" / "integration"
BUILD = CACHE / "build"
INSTALLED = {"ANSIBLE_COLLECTIONS_PATH": str(BUILD / "collections")}
SCENARIOS = sorted(path.parent.name for path in ROOT.glob("molecule/*/molecule.yml") if path.parent.name != "live")
# ansible-core, and the Pythons that it runs on itself; those that this machine lacks are skipped.
CORES = {
    "2.17": ("3.10", "3.11", "3.12"),
    "2.18": ("3.11", "3.12", "3.13"),
    "2.19": ("3.11", "3.12", "3.13"),
    "2.20": ("3.12", "3.13", "3.14"),
    "2.21": ("3.12", "3.13", "3.14"),
}


# The longest first: two run at a time.


@nox.session(tags=["molecule"])
@nox.parametrize("scenario", SCENARIOS)
def molecule(session: nox.Session, scenario: str) -> None:
    """Every scenario except the one against real servers."""
    output = read(session, "molecule", "-c", str(ROOT / ".config" / "molecule" / "config.yml"), "test", "-s", scenario)
    # Molecule says only in its recap that a scenario has no tests.
    if re.search(r"missing=[1-9]", output) or not re.search(r"\d passed", output):
        session.error(f"The scenario {scenario} has lost its tests.")


@nox.session(tags=["playbooks"])
def playbooks(session: nox.Session) -> None:
    """What a user starts: ansible-playbook, and modules in processes of their own."""
    session.run("pytest", "-q", "-ra", "tests/playbooks")


@nox.session(tags=["units"])
def units(session: nox.Session) -> None:
    """The unit tests, with coverage of plugins/."""
    try:
        session.run("coverage", "run", "-m", "pytest", "-q", "-ra", "tests/unit")
    finally:
        session.run("coverage", "report")


@nox.session(tags=["sanity"])
def sanity(session: nox.Session) -> None:
    """All sanity tests of ansible-test, without ignore files, on every Python that this machine has."""
    places.lay_out_copy()
    offer_pip()
    with session.chdir(TREE):
        session.run("ansible-test", "sanity", "--venv", "--lint", "--color", "no")


@nox.session(tags=["conformance"])
def conformance(session: nox.Session) -> None:
    """Recorded exchanges of real servers, replayed against the simulated ones."""
    session.run("pytest", "-q", "-ra", "tests/conformance")


@nox.session(name="ansible-lint", tags=["lint"])
def ansible_lint(session: nox.Session) -> None:
    """Playbooks and roles; without --offline it would ask Galaxy."""
    session.run("ansible-lint", "--offline", "--strict", "-q")


@nox.session(tags=["lint"])
def mypy(session: nox.Session) -> None:
    """Types."""
    session.run("mypy", str(PACKAGE / "plugins"), "tests", "noxfile.py")


@nox.session(name="ruff-format", tags=["lint"])
def ruff_format(session: nox.Session) -> None:
    """The layout of Python."""
    session.run("ruff", "format", "--check", "--quiet", "--diff", ".")


@nox.session(name="ruff-check", tags=["lint"])
def ruff_check(session: nox.Session) -> None:
    """The style of Python."""
    session.run("ruff", "check", "--quiet", ".")


@nox.session(tags=["lint"])
def yamllint(session: nox.Session) -> None:
    """YAML."""
    session.run("yamllint", "--strict", ".")


@nox.session(tags=["lint"])
def changelog(session: nox.Session) -> None:
    """Changelog and fragments."""
    session.run("antsibull-changelog", "lint")


@nox.session(tags=["lint"])
def shellcheck(session: nox.Session) -> None:
    """Shell."""
    session.run("shellcheck", ".ci/run", *map(str, ROOT.glob("tests/**/*.sh")))


antsibull_nox.load_antsibull_nox_toml()
nox.registry.get()["extra-checks"].tags.append("lint")


@nox.session(tags=["docs"])
def guide(session: nox.Session) -> None:
    """The page that is made from the table of findings."""
    write_guide(session, ROOT)


@nox.session(name="docs-lint", tags=["docs"], requires=["guide"])
def docs_lint(session: nox.Session) -> None:
    """The documentation of modules and roles, and the guides."""
    session.run(
        *("antsibull-docs", "lint-collection-docs", "--plugin-docs", "--skip-rstcheck"),
        *("--validate-collection-refs=all", "--check-extra-docs-refs", "."),
    )


@nox.session(name="docs-site", tags=["docs"], requires=["guide"])
def docs_site(session: nox.Session) -> None:
    """The site that is made from the documentation."""
    source, site = CACHE / "docs" / "source", CACHE / "docs" / "site"
    shutil.rmtree(CACHE / "docs", ignore_errors=True)
    # antsibull-docs lays the guides beside the modules itself.
    shutil.copytree(ROOT / "docs" / "docsite", source, ignore=shutil.ignore_patterns("rst"))
    reference = source / "reference"
    reference.mkdir()
    session.run(
        *("antsibull-docs", "collection", "--use-current", "--squash-hierarchy", "--dest-dir", str(reference), NAME)
    )
    session.run("sphinx-build", "-q", "-W", "--keep-going", "-b", "html", str(source), str(site))


@nox.session(tags=["build"])
def archive(session: nox.Session) -> None:
    """Build the archive from what git knows, with the page that it does not know."""
    shutil.rmtree(BUILD, ignore_errors=True)
    # A copy of its own: the other one may be in use by sanity.
    tree = BUILD / "tree"
    places.lay_out_copy(tree)
    write_guide(session, tree)
    session.run("ansible-galaxy", "collection", "build", str(tree), "--output-path", str(BUILD))


@nox.session(tags=["build"], requires=["archive"])
def install(session: nox.Session) -> None:
    """Install the archive into an empty place."""
    session.run(
        *("ansible-galaxy", "collection", "install", "--offline", str(archive_path())),
        *("-p", INSTALLED["ANSIBLE_COLLECTIONS_PATH"]),
        env=INSTALLED,
    )


@nox.session(name="installed-documentation", tags=["build"], requires=["install"])
@nox.parametrize("kind,pattern", [("module", "plugins/modules/*.py"), ("role", "roles/*")], ids=["module", "role"])
def installed_documentation(session: nox.Session, kind: str, pattern: str) -> None:
    """ansible-doc of everything that was installed."""
    wanted = {f"{NAME}.{path.stem}" for path in ROOT.glob(pattern)}
    output = session.run("ansible-doc", "--type", kind, "--json", *wanted, env=INSTALLED, silent=True, stderr=None)
    # ansible-doc warns of what it does not find, and exits with 0.
    if lacking := wanted - json.loads(str(output)).keys():
        session.error(f"ansible-doc does not know {', '.join(sorted(lacking))}.")


@nox.session(name="installed-playbooks", tags=["build"], requires=["install"])
def installed_playbooks(session: nox.Session) -> None:
    """The syntax of the playbooks that were installed."""
    names = [f"{NAME}.{path.stem}" for path in sorted(ROOT.glob("playbooks/*.yml"))]
    session.run("ansible-playbook", "--syntax-check", *names, env=INSTALLED)


@nox.session(name="galaxy-importer", tags=["build"], requires=["archive"])
def galaxy_importer(session: nox.Session) -> None:
    """What Galaxy would say of the archive."""
    config = BUILD / "importer.cfg"
    config.write_text("[galaxy-importer]\nCHECK_REQUIRED_TAGS = True\nRUN_ANSIBLE_LINT = False\n", encoding="utf-8")
    command = ("python", "-m", "galaxy_importer.main", str(archive_path()))
    with session.chdir(BUILD):
        output = read(session, *command, env={"GALAXY_IMPORTER_CONFIG": str(config)})
    # The importer says what it would like better as a warning, and exits with 0.
    if re.search(r"\b(WARNING|ERROR)\b", output):
        session.error("The importer wants something better.")


# Not part of `make test`


@nox.session(venv_backend="venv", reuse_venv=True, default=False, tags=["matrix"])
@nox.parametrize("python,core", [(python, core) for core, pythons in CORES.items() for python in pythons])
def ansible_core(session: nox.Session, core: str) -> None:
    """site.yml with every supported ansible-core."""
    session.install("--quiet", "-r", "requirements.txt", f"ansible-core=={core}.*")
    twice(session, str(Path(session.bin, "ansible-playbook")))


@nox.session(venv_backend="venv", reuse_venv=True, default=False, tags=["matrix"], python="3.9")
def modules(session: nox.Session) -> None:
    """site.yml with the oldest Python that modules may run on."""
    session.install("--quiet", "-r", "requirements.txt")
    target = f"ansible_python_interpreter={Path(session.bin, 'python')}"
    twice(session, str(VENV / "bin" / "ansible-playbook"), "-e", target)


def twice(session: nox.Session, *command: str) -> None:
    """Both runs of the demo with this ansible-playbook."""
    here = {"PYTHONPATH": str(ROOT / "tests")}
    session.run(str(VENV / "bin" / "python"), "-m", "ci.pair", *command, env=here, external=True)


def read(session: nox.Session, *command: str, env: dict[str, str] | None = None) -> str:
    """Run a command whose exit code does not say everything. Returns its output, after it was shown."""
    output = str(session.run(*command, env=env, silent=True))
    print(output, flush=True)
    return output


def write_guide(session: nox.Session, tree: Path) -> None:
    session.run("python", "-m", "ci.guide", str(tree), env={"PYTHONPATH": f"{ROOT / 'tests'}:{COLLECTIONS}"})


def archive_path() -> Path:
    (path,) = BUILD.glob("*.tar.gz")
    return path


def offer_pip() -> None:
    """Leave a way to install pip where ansible-test looks for it; the file's name holds the version that it asks for."""
    (wanted,) = VENV.glob("lib/python*/site-packages/ansible_test/_internal/python_requirements.py")
    for version in set(re.findall(r"pip='([0-9.]+)'", wanted.read_text(encoding="utf-8"))):
        target = Path.home() / ".ansible" / "test" / "cache" / f"get_pip_{version.replace('.', '_')}.py"
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / "tests" / "ci" / "get_pip.py", target)
