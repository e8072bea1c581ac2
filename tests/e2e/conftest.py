# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What all tests of the whole are given: the hosts that their module asks for by its `SETTING`, and people outside."""

from __future__ import annotations

import pathlib
from typing import Iterator

import pytest

from tests.e2e.library.prober.box import Prober
from tests.e2e.library.scenario import Scenario, running
from tests.e2e.library.visitor import Visitor


@pytest.fixture(scope="module")
def scenario(request: pytest.FixtureRequest) -> Iterator[Scenario]:
    """The hosts of the module, gone afterwards."""
    with running(request.module.SETTING) as made:
        yield made


@pytest.fixture(scope="module")
def visitor(scenario: Scenario) -> Visitor:
    """Somebody outside."""
    return Visitor(scenario)


@pytest.fixture
def prober(scenario: Scenario, tmp_path: pathlib.Path) -> Prober:
    """Many addresses outside."""
    return Prober(scenario, tmp_path)
