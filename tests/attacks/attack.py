# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an attack is: a test that passes where the attack fails.

Each has a mutant in mutants.toml: the same code with its fix taken out, on which the attack succeeds.
"""

from __future__ import annotations

import importlib
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
    slow: bool


def attack(row: str, who: str, what: str) -> pytest.MarkDecorator:
    """Mark a test as an attack.

    :param row: of docs/threat-model.md.
    :param who: "container root -> host root" and the like.
    :param what: in a sentence.
    """
    return pytest.mark.attack(row, who, what)


def catalogue() -> List[Attack]:
    """All attacks, by their rows."""
    found = []
    for path in sorted(HERE.glob("test_*.py")):
        module = importlib.import_module("tests.attacks." + path.stem)
        for name, each in vars(module).items():
            marks = {mark.name: mark for mark in getattr(each, "pytestmark", [])} if name.startswith("test_") else {}
            if "attack" in marks:
                test = "tests/attacks/%s::%s" % (path.name, name)
                found.append(Attack(*marks["attack"].args, test, "slow" in marks))
    return sorted(found, key=lambda each: (int(each.row[1:]), each.test))
