# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The tables in the roles' READMEs say what argument_specs.yml says."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def roles():
    spec = importlib.util.spec_from_file_location("docs_roles", str(ROOT / "docs" / "roles.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tables():
    spec = importlib.util.spec_from_file_location("docs_tables", str(ROOT / "docs" / "tables.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tables_are_up_to_date(tables, capsys):
    assert tables.main(["--check"]) == 0, capsys.readouterr().out


def test_what_is_said_to_be_run_for_real_is_there():
    rows = yaml.safe_load((ROOT / "docs" / "hosts.yml").read_text(encoding="utf-8"))
    for row in rows:
        path, _colons, name = row["shown"].partition("::")
        text = (ROOT / path).read_text(encoding="utf-8")
        assert not name or "def %s(" % name in text, row


def test_a_stale_page_is_named_and_written(tables, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tables, "ROOT", tmp_path)
    monkeypatch.setattr(tables, "pages", lambda root: {root / "page.md": "new\n"})
    (tmp_path / "page.md").write_text("old\n")
    assert tables.main(["--check"]) == 1 and "page.md: is not up to date" in capsys.readouterr().out
    assert tables.main([]) == 0 and (tmp_path / "page.md").read_text() == "new\n"
    assert tables.main(["--chek"]) == 2


@pytest.mark.parametrize(("given", "shown"), [
    ("a|b", '"a\\|b"'), ("ü\n\x1b", '"\\u00fc\\n\\u001b"'), ("x" * 1000, '"' + "x" * 29 + "…"),
])
def test_values_in_a_cell(tables, given, shown):
    assert tables.code(tables.value(given)) == "`%s`" % shown


def test_the_readmes_are_up_to_date(roles, capsys):
    assert roles.main(["--check"]) == 0, capsys.readouterr().out


@pytest.fixture
def role(roles, tmp_path, monkeypatch):
    """A role of its own, whose README is stale."""
    folder = tmp_path / "roles" / "one"
    (folder / "meta").mkdir(parents=True)
    (folder / "README.md").write_text(
        "# one\n\n| variable | default | what it says |\n|---|---|---|\n| old |\n\nafter\n"
    )
    (folder / "meta" / "argument_specs.yml").write_text(
        "argument_specs: {main: {options: {one_a: {description: ['Or V(a|b).', 'See O(one_b=1).'], default: ''},"
        " one_b: {description: [Text.], default: false}, one_c: {description: [Text.], required: true},"
        " one_d: {description: ['Of O(ns.col.mod#module:expect).'], default: {x: [1], y: true}}}}}\n"
    )
    monkeypatch.setattr(roles, "ROLES", tmp_path / "roles")
    return folder / "README.md"


def test_a_stale_table_is_named_and_written_and_the_rest_stays(roles, role, capsys):
    assert roles.main(["--check"]) == 1 and "roles/one/README.md: differs" in capsys.readouterr().out
    assert "old" in role.read_text()
    assert roles.main([]) == 0 and roles.main(["--check"]) == 0
    assert role.read_text().splitlines() == [
        "# one", "", "| variable | default | what it says |", "|---|---|---|",
        "| `one_a` | `''` | Or `a\\|b`. See `one_b=1`. |", "| `one_b` | `false` | Text. |",
        "| `one_c` | required | Text. |", "| `one_d` | `x: [1], y: true` | Of `expect`. |", "", "after",
    ]


def test_a_wrong_argument_is_no_request_to_write(roles, role):
    before = role.read_text()
    assert roles.main(["--chek"]) == 2 and role.read_text() == before
