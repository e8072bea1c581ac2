# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Print the mutants of the files named on the command line, as mutmut's operators make them: one line of JSON each.

Runs in the environment that has mutmut. A mutant is a piece of the source (in characters, from `start` to `end`) and
what stands in its place. Unlike mutmut itself this also mutates decorated functions and what is outside of functions.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Dict, Iterator, List, Tuple

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider, WhitespaceInclusivePositionProvider
from mutmut.mutation.mutators import mutation_operators

# Calls of these are left alone, as mutmut does: len(None) says nothing about the tests.
_LEFT_ALONE = ("len", "isinstance")
# In capitals these mean the same.
_ENCODINGS = ("utf-8", "latin-1", "ascii")


class Mutator(cst.CSTVisitor):
    """Collects what every operator makes of every node."""

    METADATA_DEPENDENCIES = (WhitespaceInclusivePositionProvider, PositionProvider)

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source
        self.module = cst.parse_module(source)
        self.inside: List[Tuple[str, bool]] = []
        self.found: List[Dict[str, object]] = []
        self.starts = [0]
        for line in source.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Mutate a node; types, decorators and `__all__` do nothing when it runs, and a docstring is for people."""
        if isinstance(node, (cst.Annotation, cst.Decorator)) or _is_text_alone(node) or _is_list_of_names(node):
            return False
        if isinstance(node, cst.Call) and isinstance(node.func, cst.Name) and node.func.value in _LEFT_ALONE:
            return False
        if isinstance(node, (cst.FunctionDef, cst.ClassDef)):
            self.inside.append((node.name.value, isinstance(node, cst.FunctionDef)))
        for kind, operator in mutation_operators:
            if isinstance(node, kind):
                for mutated in operator(node):
                    self.add(node, mutated)
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        """Keep track of the function that we are in."""
        if isinstance(original_node, (cst.FunctionDef, cst.ClassDef)):
            self.inside.pop()

    def add(self, node: cst.CSTNode, mutated: cst.CSTNode) -> None:
        """Keep a mutant."""
        where = self.get_metadata(WhitespaceInclusivePositionProvider, node)
        start, end = (self.starts[at.line - 1] + at.column for at in (where.start, where.end))
        names = [name for name, _is_function in self.inside]
        text = self.module.code_for_node(mutated)
        if text.lower()[1:-1] in _ENCODINGS:
            return
        depth = next((number for number, (_name, is_function) in enumerate(self.inside) if is_function), None)
        self.found.append({
            "function": ".".join(names), "outermost": "" if depth is None else ".".join(names[:depth + 1]),
            "line": self.get_metadata(PositionProvider, node).start.line,
            "start": start, "end": end, "text": text,
        })


def _is_text_alone(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.Expr) and isinstance(node.value, (cst.SimpleString, cst.ConcatenatedString))


def _is_list_of_names(node: cst.CSTNode) -> bool:
    target = node.targets[0].target if isinstance(node, cst.Assign) else None
    return isinstance(target, cst.Name) and target.value == "__all__"


def mutants(path: str) -> Iterator[Dict[str, object]]:
    """The mutants of a file."""
    source = Path(path).read_text(encoding="utf-8")
    mutator = Mutator(source)
    MetadataWrapper(mutator.module, unsafe_skip_copy=True).visit(mutator)
    for mutant in mutator.found:
        yield dict(mutant, file=path)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        for one in mutants(name):
            print(json.dumps(one))
