# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an attack is: a test that passes where the attack fails.

Each has a mutant in mutants.toml: the same code with its fix taken out, on which the attack succeeds.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import List, NamedTuple

import pytest

HERE = Path(__file__).resolve().parent


class Attack(NamedTuple):
    """Who does what to whom; ``test`` is what pytest calls it."""

    row: str
    who: str
    what: str
    test: str


def attack(row: str, who: str, what: str) -> pytest.MarkDecorator:
    """Mark a test as an attack.

    :param row: of docs/threat-model.md.
    :param who: "container root -> host root" and the like.
    :param what: in a sentence.
    """
    return pytest.mark.attack(row, who, what)


def catalogue() -> List[Attack]:
    """All attacks, by their rows, as the files say them."""
    found = []
    for path in sorted(HERE.glob("test_*.py")):
        for each in ast.parse(path.read_text("utf-8")).body:
            if isinstance(each, ast.FunctionDef):
                calls = [call for call in each.decorator_list if isinstance(call, ast.Call) and _is_attack(call.func)]
                found += [_attack(call, each, path.name) for call in calls]
    return sorted(found, key=lambda each: (int(each.row[1:]), each.test))


def _is_attack(name: ast.expr) -> bool:
    return isinstance(name, ast.Name) and name.id == "attack"


def _attack(call: ast.Call, test: ast.FunctionDef, file: str) -> Attack:
    row, who, what = (ast.literal_eval(each) for each in call.args)
    return Attack(row, who, what, "tests/attacks/%s::%s" % (file, test.name))
