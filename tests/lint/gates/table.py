# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The gates: what must be true of the tree before it is anybody's business.

    python -m tests.lint             all gates, side by side
    python -m tests.lint ruff code   only these
    python -m tests.lint --list      what there is

Quiet when green: one line a gate. A closed gate prints what its tool said. Writes only to a temporary folder and to
the cache (``$XDG_CACHE_HOME/quantumsafe-openssh``).
"""

from __future__ import annotations

import argparse
import concurrent.futures
import os
import sys
import time
from pathlib import Path
from typing import Callable, Dict, Iterable, NamedTuple, Sequence, Tuple

from tests.lint.gates import artefact, code, cores, nox, roles, rooms, sanity, text
from tests.lint.gates.common import Finding, GateError, Tree, cache, run, scratch, snapshot

ROOT = Path(__file__).resolve().parent.parent.parent.parent
COLLECTION = "collections/ansible_collections/quantumsafe/openssh/"
#: Sanity tests that differ from one ansible-core to the next; `make matrix` runs all of them on each.
OF_CORE = ("pylint", "validate-modules", "ansible-doc", "action-plugin-docs", "runtime-metadata")
Check = Callable[[Tree], Iterable[Finding]]


def _all(checks: Sequence[Check]) -> Callable[[Tree], str]:
    def gate(tree: Tree) -> str:
        found = [str(finding) for check in checks for finding in check(tree)]
        if found:
            raise GateError("\n".join(sorted(set(found))))
        return ""

    return gate


def _ruff(tree: Tree) -> str:
    """Style, likely mistakes, names, docstrings."""
    options = ["--quiet", "--output-format", "concise", "--cache-dir", str(cache() / "ruff")]
    run(["ruff", "check", *options, "."], tree.root, 120)
    return ""


def _mypy(tree: Tree) -> str:
    """Types: what runs on targets and on the controller, and the programs of the lab and the gates."""
    options = ["--strict", "--config-file", "pyproject.toml"]
    names = [COLLECTION + name for name in tree.matching("plugins/*.py")]
    names += tree.matching("lab/*.py", "images/*.py", "tests/lint/*.py")
    try:
        run(["mypy", *options, *names], tree.root, 240)
    except GateError as error:
        raise GateError(str(error).replace(COLLECTION, "")) from error
    return ""


def _yamllint(tree: Tree) -> str:
    """YAML style."""
    names = tree.matching("*.yml", "*.yaml", ".yamllint", ".ansible-lint")
    run(["yamllint", "--strict", "--format", "parsable", "--config-file", ".yamllint", *names], tree.root, 120)
    return ""


def _ansible_lint(tree: Tree) -> str:
    """ansible-lint, profile production, nothing skipped."""
    with scratch() as folder:
        place = snapshot(tree, Path(folder))
        paths = os.pathsep.join(filter(None, [folder, os.environ.get("ANSIBLE_COLLECTIONS_PATH", "")]))
        run(
            ["ansible-lint", "--offline", "--nocolor", "--profile", "production", "--strict", "-q"], place, 300,
            # Our playbooks want to know which hosts: a syntax check without an inventory ends with that question.
            {"HOME": folder, "XDG_CACHE_HOME": folder, "ANSIBLE_COLLECTIONS_PATH": paths,
             "ANSIBLE_INVENTORY": str(place / "hosts.example")},
        )
    return ""


def _changelog(tree: Tree) -> str:
    """Changelog fragments."""
    with scratch() as folder:
        run(["antsibull-changelog", "lint"], snapshot(tree, Path(folder)), 60)
    return ""


def _docs(tree: Tree) -> str:
    """The documentation of roles, modules and the rest, as Galaxy and docs.ansible.com show it; files out of place."""
    return nox.sessions(tree, "docs-check", "extra-checks")


def _galaxy(tree: Tree) -> str:
    """Galaxy's own importer."""
    return nox.sessions(tree, "build-import-check")


def _artefact(tree: Tree) -> str:
    """The built artefact and its metadata."""
    _all(artefact.CHECKS)(tree)
    with scratch() as folder:
        made = artefact.build(snapshot(tree, Path(folder)), Path(folder))
        found = artefact.content(made, tree)
        if found:
            raise GateError("\n".join(map(str, found)))
        return "%d kB" % (made.stat().st_size // 1000)


def _sanity(only: Sequence[str] = (), but: Sequence[str] = (), newest: bool = False) -> Callable[[Tree], str]:
    def gate(tree: Tree) -> str:
        core = next(each for each in reversed(cores.CORES) if each.final) if newest else None
        with scratch() as folder:
            made = artefact.build(snapshot(tree, Path(folder)), Path(folder))
            place = artefact.unpack(made, Path(folder, "installed"))
            try:
                return sanity.sanity(place, only, but, core)
            except sanity.NoPython as error:
                return str(error)

    return gate


# The slow ones first: two processors are kept busy until the end.
GATES: Dict[str, Tuple[str, Callable[[Tree], str]]] = {
    "sanity": ("ansible-test sanity on the built artefact", _sanity(but=["import"])),
    "sanity-import": ("ansible-test sanity: import with each Python", _sanity(only=["import"])),
    "sanity-newest": ("ansible-test sanity of the newest ansible-core: where its rules are its own",
                      _sanity(only=OF_CORE, newest=True)),
    "ansible-lint": ("ansible-lint, profile production", _ansible_lint),
    "mypy": ("types, strict", _mypy),
    "galaxy": ("would Galaxy import it", _galaxy),
    "docs": ("documentation of roles and plugins", _docs),
    "artefact": ("what users install", _artefact),
    "changelog": ("changelog fragments", _changelog),
    "yamllint": ("YAML style", _yamllint),
    "ruff": ("Python style and likely mistakes", _ruff),
    "code": ("sizes, headers, imports, no exceptions from the rules", _all(code.CHECKS)),
    "rooms": ("rooms import downwards only, and no file lies outside of one", _all(rooms.CHECKS)),
    "roles": ("defaults equal documentation, names, no shortcuts", _all(roles.CHECKS)),
    "text": ("nothing of this machine, no secrets", _all(text.CHECKS)),
}


class Result(NamedTuple):
    """How a gate ended."""

    name: str
    ok: bool
    said: str
    seconds: float


def try_gate(name: str, tree: Tree) -> Result:
    """Run one gate; whatever goes wrong in it closes it."""
    began = time.monotonic()
    try:
        said, ok = GATES[name][1](tree), True
    except GateError as error:
        said, ok = str(error), False
    return Result(name, ok, said, time.monotonic() - began)


def report(result: Result) -> None:
    """Print one gate's end as one piece."""
    head = "%-5s %-13s %5.1f s" % ("ok" if result.ok else "FAIL", result.name, result.seconds)
    if result.ok:
        print(head + ("  " + result.said if result.said else ""), flush=True)
    else:
        print("%s\n%s\n  again, only this: %s" % (head, result.said, again(result.name)), flush=True)


def again(name: str) -> str:
    """The command that runs only this gate."""
    program = os.path.relpath(sys.executable, ROOT) if ".venv" in sys.executable else "python3"
    return "%s -m tests.lint %s" % (program, name)


def main(arguments: Sequence[str]) -> int:
    """Run the gates that are named, or all; 0 when all are open."""
    parser = argparse.ArgumentParser(prog="tests.lint", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("gate", nargs="*", help="one of: " + ", ".join(GATES))
    parser.add_argument("--list", action="store_true", help="say what there is, and end")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.gate if name not in GATES]
    if unknown:
        parser.error("no gate is called %s; there are: %s" % (", ".join(unknown), ", ".join(GATES)))
    if options.list:
        print("\n".join("%-13s %s" % (name, gate[0]) for name, gate in GATES.items()))
        return 0
    chosen = [name for name in GATES if not options.gate or name in options.gate]
    tree, began = Tree(ROOT), time.monotonic()
    closed = []
    with concurrent.futures.ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 2)) as pool:
        for future in concurrent.futures.as_completed([pool.submit(try_gate, name, tree) for name in chosen]):
            result = future.result()
            report(result)
            closed += [] if result.ok else [result.name]
    print("%s: %d of %d gates open, %.0f s%s" % (
        "FAIL" if closed else "ok", len(chosen) - len(closed), len(chosen), time.monotonic() - began,
        "; closed: " + ", ".join(closed) if closed else "",
    ))
    return 1 if closed else 0

