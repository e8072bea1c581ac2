# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the tests of all scenarios are given. A test that takes `server` runs for each host of its scenario."""

from __future__ import annotations

import os
import pathlib
import shutil
import tempfile
from typing import Any, Generator, Iterator

import pytest
import testinfra

from tests.e2e.library.scenario import STOCK_KEY, Scenario, of_molecule
from tests.e2e.library.visitor import Visitor


@pytest.fixture(scope="session")
def scenario() -> Scenario:
    """The scenario that Molecule is running."""
    return of_molecule()


@pytest.fixture(scope="session")
def visitor(scenario: Scenario) -> Visitor:
    """Somebody outside of its hosts."""
    return Visitor(scenario)


@pytest.fixture
def machine(scenario: Scenario, server: str) -> Any:
    """The host as testinfra looks at it; not over ssh, so that its sessions are ours alone."""
    return testinfra.get_host("docker://" + scenario.lab.host(server).container)


@pytest.fixture
def alices_keys(scenario: Scenario) -> Iterator[pathlib.Path]:
    """The person outside is alice now: her key for the host lies where the printed line looks for it."""
    kept = pathlib.Path(tempfile.mkdtemp(prefix="oqs-test-"))
    for name in (STOCK_KEY, STOCK_KEY + ".pub"):
        shutil.copy2(scenario.keys / name, kept)
    shutil.copy2(scenario.lab.state.alice_key, scenario.keys / STOCK_KEY)
    shutil.copy2(str(scenario.lab.state.alice_key) + ".pub", scenario.keys / (STOCK_KEY + ".pub"))
    yield scenario.keys
    for name in (STOCK_KEY, STOCK_KEY + ".pub"):
        shutil.copy2(kept / name, scenario.keys)
    shutil.rmtree(kept)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Once for each host."""
    if "server" in metafunc.fixturenames and "MOLECULE_FILE" in os.environ:
        metafunc.parametrize("server", of_molecule().hosts)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Generator[None, Any, None]:
    """A failure shows what the container said last."""
    outcome = yield
    report = outcome.get_result()
    given = getattr(item, "funcargs", {})
    if report.when == "call" and report.failed and {"scenario", "server"} <= set(given):
        try:
            said = given["scenario"].root(given["server"], "docker", "logs", "--tail", "30", "oqs-ssh", check=False)
        except Exception as error:
            said = str(error)
        report.sections.append(("the container's last words", said))
