# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Promises about what users install: the built artefact and its metadata."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path
from typing import Iterator, List

from tests.lint.gates.common import Finding, GateError, Tree, load, run

REQUIRED = (
    "namespace", "name", "version", "readme", "authors", "description", "license", "tags", "repository", "issues",
)
# What ships; * stays in one folder, ** does not. galaxy.yml leaves the rest out by build_ignore: a list of what ships
# there (manifest) would need the Python package distlib on each machine that installs from git.
SHIPS = (
    "plugins/**", "roles/**", "playbooks/**", "meta/runtime.yml",
    "README.md", "SECURITY.md", "COPYING", "changelogs/changelog.yaml", "docs/*.md", "docs/*.svg",
    # What oqs_ssh_image_source: build reads on the controller; images/stock/quirks is for tests.
    "images/base.py", "images/build.py", "images/newer.sh", "images/stock/.dockerignore",
    "images/stock/Dockerfile", "images/stock/*.sh", "images/stock/oqs-sshd.initd", "images/stock/ssh_config",
    "images/stock/sshd_config",
)
MADE = ("MANIFEST.json", "FILES.json")
NEEDED = ("README.md", "COPYING", "meta/runtime.yml")
SEMVER = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$")


def metadata(tree: Tree) -> Iterator[Finding]:
    """galaxy.yml has what Galaxy asks for, and the files that it names."""
    value = load(tree.text("galaxy.yml")) if "galaxy.yml" in tree.files else None
    galaxy = value if isinstance(value, dict) else {}
    for key in REQUIRED:
        if not galaxy.get(key):
            yield Finding("galaxy.yml", 0, "lacks %s" % key)
    if not SEMVER.match(str(galaxy.get("version", ""))):
        yield Finding("galaxy.yml", 0, "version is not of the form 1.2.3")
    if galaxy.get("dependencies"):
        yield Finding("galaxy.yml", 0, "has dependencies; ansible-core is enough for a user")
    if str(galaxy.get("readme", "README.md")) not in tree.files:
        yield Finding(str(galaxy.get("readme", "README.md")), 0, "missing; galaxy.yml names it")
    runtime = load(tree.text("meta/runtime.yml")) if "meta/runtime.yml" in tree.files else None
    requires = str(runtime.get("requires_ansible", "")) if isinstance(runtime, dict) else ""
    if not requires.startswith(">=") or "<" in requires:
        yield Finding("meta/runtime.yml", 0, "requires_ansible must be a lower bound without an upper one")


def build(source: Path, into: Path) -> Path:
    """Build the artefact from a copy of the tree.

    :param source: the collection's folder.
    :param into: the folder for the file.
    :raises GateError: ``ansible-galaxy`` said no.
    """
    run(["ansible-galaxy", "collection", "build", str(source), "--output-path", str(into), "--force"], source, 120)
    made = sorted(into.glob("*.tar.gz"))
    if len(made) != 1:
        raise GateError("the build made %d files, not one" % len(made))
    return made[0]


def ships(name: str) -> bool:
    """Whether a file is one of those that users get."""
    patterns = [re.escape(each).replace(r"\*\*", ".+").replace(r"\*", "[^/]+") for each in SHIPS]
    return re.fullmatch("|".join(patterns), name) is not None


def content(artefact: Path, tree: Tree) -> List[Finding]:
    """What must not be in the artefact, and what must."""
    with tarfile.open(artefact) as archive:
        members = {member.name[2:] if member.name.startswith("./") else member.name: member for member in archive}
    found: List[Finding] = []
    for name, member in members.items():
        if member.issym() or member.islnk():
            found.append(Finding(name, 0, "a link in the artefact"))
        elif not (member.isfile() or member.isdir()):
            found.append(Finding(name, 0, "neither file nor folder in the artefact"))
        inside = (other for other in members if member.isdir() and other.startswith(name + "/"))
        if not (name in MADE or ships(name) or any(map(ships, inside))):
            words = "is in the artefact; add it to build_ignore in galaxy.yml, or to SHIPS in %s"
            found.append(Finding(name, 0, words % "tests/lint/gates/artefact.py"))
    wanted = {name for name in tree.files if ships(name)} | set(NEEDED)
    return found + [Finding(name, 0, "is not in the artefact") for name in sorted(wanted - set(members))]


def unpack(artefact: Path, into: Path) -> Path:
    """Unpack the artefact as an installed collection would lie."""
    place = into / "ansible_collections" / "quantumsafe" / "openssh"
    place.mkdir(parents=True)
    with tarfile.open(artefact) as archive:
        if hasattr(tarfile, "data_filter"):
            archive.extractall(place, filter="data")
        else:
            archive.extractall(place)
    return place


CHECKS = (metadata,)
