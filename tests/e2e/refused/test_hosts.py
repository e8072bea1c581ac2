# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a look at the host decides, before any change there; the same host takes a right run afterwards.

`plain` is an untouched host without Docker; `ready` has it. Every case is a name in the inventory for one of the two,
so that one run of the playbook has them all.
"""

from __future__ import annotations

import json
from typing import Any, Dict, List

import pytest
import yaml

from tests.e2e.library.accounts import add_carol
from tests.e2e.library.scenario import PQ_KEY, Scenario, Setting
from tests.e2e.library.visitor import Visitor
from tests.e2e.library.walls import Listener
from tests.e2e.refused.cases import CANARY, GOOD, HOST_CASES, Case
from tests.e2e.refused.table import Table, echoed, host_names, leaves, nothing_was_executed

PLAIN, READY = "plain", "ready"
NAMES = host_names(HOST_CASES)
#: The port of somebody's program.
TAKEN = 2223
#: Somebody's container.
OTHERS = """set -e
tar -cf - -C / etc/hostname | docker import - nothing:latest >/dev/null
docker create --name somebodys nothing:latest true >/dev/null
"""


def prepare(made: Scenario) -> None:
    """What others have there already."""
    add_carol(made, PLAIN)
    made.root(READY, "sh", "-c", OTHERS)
    Listener(made, READY, TAKEN, 1800).start()


SETTING = Setting("bad-input", {PLAIN: "bookworm:plain", READY: "trixie:docker"}, {"oqs_ssh_stock_clients": True},
                  prepare=prepare)


def state(scenario: Scenario) -> List[Any]:
    """Everything that a run could have changed."""
    found: List[Any] = [[scenario.files(host), scenario.surroundings(host)] for host in (PLAIN, READY)]
    found.append(scenario.root(PLAIN, "sh", "-c", "command -v docker || echo none"))
    found.append(scenario.root(READY, "docker", "ps", "--all", "--quiet"))
    found += [scenario.root(host, "sh", "-c", "ls %s 2>/dev/null || echo none" % CANARY) for host in (PLAIN, READY)]
    return found


@pytest.fixture(scope="module")
def table(scenario: Scenario, tmp_path_factory: pytest.TempPathFactory) -> Table:
    """One run over all cases; nothing is other than before."""
    table = Table(tmp_path_factory.mktemp("table"))
    group = yaml.safe_load(scenario.lab.inventory.read_text(encoding="utf-8"))["oqs_ssh"]
    rows: Dict[str, Dict[str, Any]] = {}
    for name, case in zip(NAMES, HOST_CASES):
        rows[name] = {**group["vars"], **group["hosts"][case.host], **GOOD, **case.variables}
    before = state(scenario)
    table.run(rows, "-vvv", "--diff")
    assert state(scenario) == before, "something was changed"
    return table


@pytest.mark.parametrize(("host", "case"), list(zip(NAMES, HOST_CASES)), ids=[case.name for case in HOST_CASES])
def test_what_is_said(table: Table, host: str, case: Case) -> None:
    said = table.failed(host)
    assert case.fits(said), said
    assert echoed(case, list(leaves(GOOD)), said) == []


def test_no_stack_trace_and_nothing_executed(table: Table) -> None:
    assert nothing_was_executed()
    assert table.code != 0
    assert "Traceback" not in table.text
    assert "a defect in this collection" not in table.text


def test_no_python_at_all(scenario: Scenario) -> None:
    """Nothing is named; there just is none."""
    real = scenario.root(PLAIN, "readlink", "-f", "/usr/bin/python3")
    scenario.root(PLAIN, "mv", real, real + ".away")
    before = scenario.files(PLAIN)
    try:
        run = scenario.deploy(limit=PLAIN, oqs_ssh_image_source="build")
        assert "the host has no Python that Ansible finds: install python3" in run.line(PLAIN, "failed"), run.text
        assert scenario.files(PLAIN) == before
    finally:
        scenario.root(PLAIN, "mv", real + ".away", real)


def test_port_taken_then_free_and_a_password_with_everything_in_it(scenario: Scenario, table: Table) -> None:
    """When the port is free the same run succeeds, with a password that no shell would survive."""
    password = "it's \"$(touch %s)\" \\ & | <x> # * %% ünï-9x" % CANARY
    variables = {"oqs_ssh_image_source": "build", "oqs_ssh_port": TAKEN, "oqs_ssh_password": password}
    refused = scenario.deploy(limit=READY, **variables)
    assert "port 2223 is taken by python3" in refused.line(READY, "failed"), refused.text
    Listener(scenario, READY, TAKEN).stop()
    run = scenario.deploy(limit=READY, **dict(variables, oqs_ssh_port=2222))
    assert run.code == 0, run.text
    assert json.dumps(password)[1:-1] not in run.text
    assert password not in run.text
    visitor = Visitor(scenario)
    said = visitor.typed_password(READY, "id -un", password)
    assert (said.code, said.screen.splitlines()[-1]) == (0, "oqs"), said.screen
    assert PQ_KEY in visitor.ssh(READY, "true").log
    assert state(scenario)[-2:] == ["none", "none"]
