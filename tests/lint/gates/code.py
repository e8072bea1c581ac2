# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Promises about the Python code: sizes, headers, who may import what and from where, no exceptions from the rules."""

from __future__ import annotations

import ast
import re
from typing import Dict, Iterator, List, Tuple, Union

from tests.lint.gates.common import Finding, Tree

PLUGINS = "plugins/*.py"
LIMITS = (("plugins/modules/", 250), ("plugins/module_utils/", 350))
FUNCTION_LINES = 50
TEST_LINES = 500
LICENCE = "GNU General Public License v3"
# Modules that plugins do not import, the files that may nevertheless, and the reason.
ONLY_IN = {
    "subprocess": (("plugins/module_utils/core/commands.py",), "programs are run by module_utils/core/commands.py"),
    "crypt": ((), "Python 3.13 has no crypt module"),
    "pipes": ((), "Python 3.13 has no pipes module"),
    "distutils": ((), "Python 3.12 has no distutils"),
}
# Files that may change where modules are looked for, and the reason. All others get it from the package layout: pytest
# from pyproject.toml, programs by `python -m`.
PATH_EDITORS = {
    "tests/__init__.py": "programs of the tests import the checkout as the collection",
    "plugins/plugin_utils/images/selection.py": "images/ ships beside the plugins, in no package",
    "tests/unit/module_utils/core/test_files.py": "the text of a program that is killed, for a Python of its own",
}
PATH_EDIT = re.compile(
    r"\bsys\.path(?:\.(?:insert|append|extend|remove|pop|clear|reverse)\b|\[[^\]]*\]\s*=(?!=)|\s*\+?=(?!=))"
)
ERRORS = "plugins/module_utils/core/errors.py"
BUILT_IN_BASE = re.compile(
    r"^class (\w+)\((?:Base)?(?:Exception|(?:Value|Type|Key|Runtime|OS|Lookup|Attribute|IO)Error)\b", re.MULTILINE
)
SAYS_PURE = re.compile(r'^"""[^"]*\bPure[.:]', re.MULTILINE)  # so says its own docstring
EFFECTS = {"os", "socket", "subprocess", "shutil", "tempfile", "pathlib", "ansible"}
EXCEPTION = re.compile(
    r"#\s*(?:ruff:\s*|flake8:\s*)?noqa\b|#\s*nosec\b|#\s*type:\s*ignore|#\s*mypy:\s*ignore|#\s*pylint:\s*(?:disable|skip)"
    r"|#\s*yamllint\s+disable|#\s*pragma:\s*no\s+cover|#\s*fmt:\s*(?:off|skip)|#\s*shellcheck\s+disable"
)
Function = Union[ast.FunctionDef, ast.AsyncFunctionDef]


def sizes(tree: Tree) -> Iterator[Finding]:
    """Files and functions stay small enough to be read at once."""
    for name in tree.matching(PLUGINS, "tests/lint/*.py", "lab/*.py", "images/*.py"):
        text = tree.text(name)
        lines = text.count("\n")
        for folder, limit in LIMITS:
            if name.startswith(folder) and lines > limit:
                yield Finding(name, lines, "%d lines; at most %d: split it by what it knows" % (lines, limit))
        for function in _functions(text):
            length = _length(function)
            if length > FUNCTION_LINES:
                yield Finding(
                    name, function.lineno,
                    "%s() has %d lines without its docstring; at most %d" % (function.name, length, FUNCTION_LINES),
                )


def test_sizes(tree: Tree) -> Iterator[Finding]:
    """A test file is about one subject."""
    for name in tree.matching("tests/*.py", "molecule/*.py"):
        lines = tree.text(name).count("\n")
        if lines > TEST_LINES:
            yield Finding(name, lines, "%d lines; at most %d: split it by subject" % (lines, TEST_LINES))


def _functions(text: str) -> List[Function]:
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except SyntaxError:
        return []  # ruff and sanity say where
    return [node for node in nodes if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]


def _length(function: Function) -> int:
    total = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None and first.end_lineno:
        total -= first.end_lineno - first.lineno + 1
    return total


def headers(tree: Tree) -> Iterator[Finding]:
    """Every plugin names its licence and is no program by itself."""
    for name in tree.matching(PLUGINS):
        text = tree.text(name)
        if text.startswith("#!"):
            yield Finding(name, 1, "has a shebang; plugins are not run by name")
        if name.endswith("/__init__.py") and not text.strip():
            continue
        if LICENCE not in "\n".join(text.splitlines()[:10]):
            yield Finding(name, 1, "lacks the licence header (see plugins/module_utils/core/commands.py)")
        if "from __future__ import annotations" not in text:
            yield Finding(name, 1, "lacks 'from __future__ import annotations'")


def imports(tree: Tree) -> Iterator[Finding]:
    """One place for each effect, nothing that newer Pythons lack, and pure modules stay pure."""
    for name in tree.matching(PLUGINS):
        text = tree.text(name)
        pure = SAYS_PURE.search(text) is not None
        for line, top in _imported(text):
            allowed, reason = ONLY_IN.get(top, (("",), ""))
            if not name.startswith(allowed):
                yield Finding(name, line, "imports %s: %s" % (top, reason))
            if pure and top in EFFECTS:
                yield Finding(name, line, "imports %s in a module that is pure (no I/O, no ansible)" % top)


def places(tree: Tree) -> Iterator[Finding]:
    """A module has one name, wherever it is imported: nobody changes where modules are looked for."""
    for name in tree.matching("*.py"):
        text = tree.text(name)
        edits = [text.count("\n", 0, found.start()) + 1 for found in PATH_EDIT.finditer(text)]
        if name in PATH_EDITORS and not edits:
            yield Finding(name, 0, "leaves sys.path alone now: take it out of PATH_EDITORS")
        for line in edits if name not in PATH_EDITORS else ():
            yield Finding(name, line, "edits sys.path: import by the name from the top of the tree (python -m)")


def errors(tree: Tree) -> Iterator[Finding]:
    """What a person can repair has one base class: all else would be shown as a defect of ours."""
    for name in tree.matching(PLUGINS):
        for found in BUILT_IN_BASE.finditer(tree.text(name)):
            if name != ERRORS:
                line = tree.text(name).count("\n", 0, found.start()) + 1
                yield Finding(name, line, "%s is no UserError (%s)" % (found.group(1), ERRORS))


def _imported(text: str) -> List[Tuple[int, str]]:
    found: Dict[Tuple[int, str], None] = {}
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except SyntaxError:
        return []
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                found[(node.lineno, alias.name.split(".")[0])] = None
        elif isinstance(node, ast.ImportFrom) and node.module:
            found[(node.lineno, node.module.split(".")[0])] = None
    return list(found)


def exceptions(tree: Tree) -> Iterator[Finding]:
    """Nobody excuses a line or a file from the rules."""
    for name in tree.matching("*.py", "*.yml", "*.yaml", "*.sh"):
        for number, line in enumerate(tree.text(name).splitlines(), 1):
            found = EXCEPTION.search(line)
            if found:
                yield Finding(name, number, "excuses itself from the rules (%s): repair the cause" % found.group())
    for name in tree.matching(
        "tests/sanity/ignore*", "*.ansible-lint-ignore", "*ansible-lint-ignore.txt", ".flake8", "*/.flake8",
    ):
        yield Finding(name, 0, "ignore files are not used here: repair the cause")
    for name in tree.matching(".ansible-lint"):
        for number, line in enumerate(tree.text(name).splitlines(), 1):
            if re.match(r"\s*(skip_list|warn_list|rules)\s*:", line):
                yield Finding(name, number, "lets ansible-lint off (%s)" % line.strip())


CHECKS = (sizes, test_sizes, headers, imports, places, errors, exceptions)
