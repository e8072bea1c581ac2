# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the variables alone decide: the real playbook says it before it makes any connection."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List

import pytest

from tests.e2e.refused import cases
from tests.e2e.refused.cases import ARCHIVE_CASES, CASES, FOLDER, GOOD, Case
from tests.e2e.refused.table import Table, echoed, host_names, leaves, make_archives, nothing_was_executed

ALL = [*CASES, *ARCHIVE_CASES, cases.wrong_types()]
NAMES = host_names(ALL)
INJECTIONS = cases.injections()
#: Right values may be shown, and every word of what must be said.
OTHERWISE = [*leaves(GOOD), "build", "archive", "pull"]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    """One run over all cases, as verbose as it gets."""
    table = Table(tmp_path_factory.mktemp("table"))
    spy = table.spy()
    rows: Dict[str, Dict[str, Any]] = {}
    for name, case in zip(NAMES, ALL):
        values = {key: value.replace(FOLDER, str(table.folder)) if isinstance(value, str) else value
                  for key, value in case.variables.items()}
        rows[name] = {**spy, **GOOD, **values}
    for kind, (variables, _named) in INJECTIONS.items():
        rows["nasty-" + kind.replace("_", "-")] = {**spy, **GOOD, **variables}
    make_archives(table.folder)
    table.run(rows, "-vvv", "--diff")
    return table


def test_the_table_is_long_enough() -> None:
    assert len(CASES) >= 60
    assert len({case.name for case in ALL}) == len(ALL)


@pytest.mark.parametrize(("host", "case"), list(zip(NAMES, ALL)), ids=[case.name for case in ALL])
def test_what_is_said(table: Table, host: str, case: Case) -> None:
    said = table.failed(host).replace(str(table.folder), FOLDER)
    assert case.fits(said), said


@pytest.mark.parametrize("case", ALL, ids=[case.name for case in ALL])
def test_the_rejected_value_is_not_shown(table: Table, case: Case) -> None:
    assert echoed(case, OTHERWISE, table.text) == []


@pytest.mark.parametrize("kind", sorted(INJECTIONS))
def test_nothing_that_a_shell_would_take(table: Table, kind: str) -> None:
    variables, named = INJECTIONS[kind]
    said = table.failed("nasty-" + kind.replace("_", "-"))
    assert [words for words in named if words not in said] == []
    assert echoed(Case(kind, variables, ""), (), table.text) == []


def test_no_connection_was_made_and_nothing_executed(table: Table) -> None:
    assert not table.calls.exists()
    assert nothing_was_executed()
    assert not Path("/nowhere").exists(), "nothing is made for wrong input, on the controller neither"
    assert table.code != 0
    assert "Traceback" not in table.text
    assert "a defect in this collection" not in table.text


def test_the_spy_would_have_noticed(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Right variables: the first connection is tried, and fails by name."""
    table = Table(tmp_path_factory.mktemp("spy"))
    good: Dict[str, Any] = {**GOOD, "oqs_ssh_image_source": "pull"}
    table.run({"good": {**table.spy(), **good}})
    assert table.calls.exists()
    assert table.failed("good").startswith("unreachable: "), table.failed("good")


def test_every_variable_has_a_case() -> None:
    named: List[str] = [name for case in ALL for name in case.variables]
    # Ansible itself reads what has no type (hosts, serial), before any check of ours.
    assert {name for name, option in cases.options().items() if option["type"] != "raw"} <= set(named)
