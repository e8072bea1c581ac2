# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each fault of the table is a test; `make test` runs those that are not marked slow."""

from __future__ import annotations

import pytest

from tests.e2e.faults import cases, harness
from tests.e2e.faults.harness import Case, World, attempt
from tests.e2e.library.scenario import Scenario

SETTING = harness.SETTING


@pytest.fixture(scope="module")
def world(scenario: Scenario) -> World:
    """A deployed host."""
    return World(scenario)


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
