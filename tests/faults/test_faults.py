# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each fault of the table is a test; `make test` runs those that are not marked slow."""

from __future__ import annotations

import pathlib
import sys
from typing import Iterator

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import cases
from harness import Case, World, attempt


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """A deployed host, gone afterwards."""
    made = World()
    try:
        yield made.up()
    finally:
        made.scenario.down()


def test_the_table() -> None:
    names = [one.name for one in cases.every()]
    assert len(set(names)) == len(names) > 25 and cases.SERVES
    assert all(one.done and one.threatens for one in cases.every())


@pytest.mark.parametrize("one", [
    pytest.param(one, id=one.name, marks=[pytest.mark.slow] if one.slow else []) for one in cases.every()
])
def test_fault(world: World, one: Case) -> None:
    good, said = attempt(world, one)
    assert good, said
    assert said
