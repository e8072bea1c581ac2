# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The attacks: each has a mutant that can be made, and stands in the table."""

from __future__ import annotations

from tests.attacks import __main__ as attacks
from tests.attacks.attack import catalogue


def test_each_attack_has_a_mutant_that_can_be_made():
    changes = attacks.mutants()
    assert set(changes) == {each.test.split("::")[1] for each in catalogue()}
    for name, each in changes.items():
        for change in each:
            text = (attacks.ROOT / change["file"]).read_text("utf-8")
            assert change["before"] in text and change["before"] != change["after"], name


def test_every_test_there_is_an_attack():
    text = "".join(path.read_text("utf-8") for path in attacks.HERE.glob("test_*.py"))
    assert text.count("\ndef test_") == len(catalogue()) > 40


def test_the_table_is_up_to_date():
    assert attacks.DOCUMENT.read_text("utf-8") == attacks.document(catalogue()), "run make docs"


def test_a_mutant_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "code.py").write_text("x = 1\n")
    change = {"file": "code.py", "before": "y = 1", "after": "y = 2"}
    assert "is not there" in attacks.on_mutant(catalogue()[0], [change], tmp_path)
    assert (tmp_path / "code.py").read_text() == "x = 1\n"
