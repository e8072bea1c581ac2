# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rooms of the house: who may import whom. ``docs/rooms.py`` draws what is read here."""

from __future__ import annotations

import ast
from typing import Dict, Iterator, List, NamedTuple, Sequence, Set, Tuple

from tests.lint.gates.common import Finding, Tree

PREFIX = "ansible_collections.quantumsafe.openssh.plugins."
#: From the bottom to the top: a room imports from those before it, and from itself.
ORDER: Sequence[str] = (
    "module_utils.core", "module_utils.docker", "module_utils.openssh.config", "module_utils.openssh",
    "module_utils.openssh.keys", "module_utils.plan", "module_utils.firewall.ruleset", "module_utils.firewall",
    "module_utils.desired", "module_utils.resources", "module_utils.container", "module_utils.client",
    "module_utils.session",
    "plugin_utils.core", "plugin_utils.variables", "plugin_utils.images", "plugin_utils.pq_path",
    "plugin_utils.summary", "plugin_utils.session",
    "doc_fragments", "lookup", "modules", "action",
)
#: More files than this are two rooms.
FILES = 12


class Import(NamedTuple):
    """One file takes something of another."""

    file: str
    line: int
    source: str  # modules, without PREFIX
    target: str


def room_of(module: str) -> str:
    """The room that a module lies in: its package."""
    return module.rpartition(".")[0]


def modules(tree: Tree) -> Dict[str, str]:
    """Module name to file, of all plugins that are no empty package."""
    found = {}
    for name in tree.matching("plugins/*.py"):
        if not name.endswith("/__init__.py"):
            found[name[len("plugins/"):-len(".py")].replace("/", ".")] = name
    return found


def imports(tree: Tree) -> List[Import]:
    """Every import between plugins, those inside functions and for type checking among them."""
    known = modules(tree)
    found = []
    for module, name in known.items():
        for node in ast.walk(ast.parse(tree.text(name))):
            for target in _targets(node, known):
                found.append(Import(name, getattr(node, "lineno", 0), module, target))
    return found


def _targets(node: ast.AST, known: Dict[str, str]) -> List[str]:
    names: List[str] = []
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and node.module:
        names = ["%s.%s" % (node.module, alias.name) for alias in node.names] + [node.module]
    short = [name[len(PREFIX):] for name in names if name.startswith(PREFIX)]
    return [name for name in short if name in known]


def arrows(tree: Tree) -> Iterator[Finding]:
    """Arrows go down only; inside a room nothing goes round in a circle."""
    found = imports(tree)
    for each in found:
        source, target = room_of(each.source), room_of(each.target)
        if source not in ORDER:
            yield Finding(each.file, 0, "lies in no room that tests/lint/gates/rooms.py knows (%s)" % source)
        elif target in ORDER and ORDER.index(target) > ORDER.index(source):
            yield Finding(each.file, each.line, "imports %s: %s is above %s" % (each.target, target, source))
    for circle in circles([(each.source, each.target) for each in found]):
        yield Finding(modules(tree)[circle[0]], 0, "imports itself by way of %s" % ", ".join(circle[1:] + circle[:1]))


def circles(pairs: Sequence[Tuple[str, str]]) -> List[List[str]]:
    """The ways round in a graph, one for each module that lies on one and was not named yet."""
    after: Dict[str, List[str]] = {}
    for source, target in pairs:
        after.setdefault(source, []).append(target)
    found: List[List[str]] = []
    done: Set[str] = set()
    for start in sorted(after):
        way = _way_back(start, after) if start not in done else []
        if way:
            found.append(way)
            done.update(way)
    return found


def _way_back(start: str, after: Dict[str, List[str]]) -> List[str]:
    """The shortest way from a module to itself; empty: there is none."""
    ways: List[List[str]] = [[start]]
    seen: Set[str] = set()
    while ways:
        way = ways.pop(0)
        for target in after.get(way[-1], []):
            if target == start:
                return way
            if target not in seen:
                seen.add(target)
                ways.append([*way, target])
    return []


def sizes(tree: Tree) -> Iterator[Finding]:
    """A room is a folder that one looks through at once, and no file lies outside of one."""
    count: Dict[str, int] = {}
    for module in modules(tree):
        count[room_of(module)] = count.get(room_of(module), 0) + 1
    for room, number in sorted(count.items()):
        folder = "plugins/" + room.replace(".", "/")
        if room in ("module_utils", "plugin_utils"):
            yield Finding(folder, 0, "%d files lie in no room" % number)
        elif room.startswith(("module_utils.", "plugin_utils.")) and number > FILES:
            yield Finding(folder, 0, "%d files; at most %d: make it two rooms" % (number, FILES))


CHECKS = (arrows, sizes)
