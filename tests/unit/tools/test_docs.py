# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The tables in the roles' READMEs say what argument_specs.yml says; the picture of the rooms what the imports say."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from docs import roles, rooms, tables

ROOT = Path(__file__).resolve().parents[3]


def test_the_tables_are_up_to_date(capsys):
    assert tables.main(["--check"]) == 0, capsys.readouterr().out


def test_what_is_said_to_be_run_for_real_is_there():
    rows = yaml.safe_load((ROOT / "docs" / "hosts.yml").read_text(encoding="utf-8"))
    for row in rows:
        path, _colons, name = row["shown"].partition("::")
        text = (ROOT / path).read_text(encoding="utf-8")
        assert not name or "def %s(" % name in text, row


def test_a_stale_page_is_named_and_written(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tables, "ROOT", tmp_path)
    monkeypatch.setattr(tables, "pages", lambda root: {root / "page.md": "new\n"})
    (tmp_path / "page.md").write_text("old\n")
    assert tables.main(["--check"]) == 1 and "page.md: is not up to date" in capsys.readouterr().out
    assert tables.main([]) == 0 and (tmp_path / "page.md").read_text() == "new\n"
    assert tables.main(["--chek"]) == 2


@pytest.mark.parametrize(("given", "shown"), [
    ("a|b", '"a\\|b"'), ("ü\n\x1b", '"\\u00fc\\n\\u001b"'), ("x" * 1000, '"' + "x" * 29 + "…"),
])
def test_values_in_a_cell(given, shown):
    assert tables.code(tables.value(given)) == "`%s`" % shown


def test_the_readmes_are_up_to_date(capsys):
    assert roles.main(["--check"]) == 0, capsys.readouterr().out


@pytest.fixture
def role(tmp_path, monkeypatch):
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


def test_a_stale_table_is_named_and_written_and_the_rest_stays(role, capsys):
    assert roles.main(["--check"]) == 1 and "roles/one/README.md: differs" in capsys.readouterr().out
    assert "old" in role.read_text()
    assert roles.main([]) == 0 and roles.main(["--check"]) == 0
    assert role.read_text().splitlines() == [
        "# one", "", "| variable | default | what it says |", "|---|---|---|",
        "| `one_a` | `''` | Or `a\\|b`. See `one_b=1`. |", "| `one_b` | `false` | Text. |",
        "| `one_c` | required | Text. |", "| `one_d` | `x: [1], y: true` | Of `expect`. |", "", "after",
    ]


def test_a_wrong_argument_is_no_request_to_write(role):
    before = role.read_text()
    assert roles.main(["--chek"]) == 2 and role.read_text() == before


def test_the_picture_of_the_rooms_is_up_to_date(capsys):
    assert rooms.main(["--check"]) == 0, capsys.readouterr().out
    assert rooms.main(["--chek"]) == 2


def test_a_stale_picture_is_named_and_written(tmp_path, monkeypatch, capsys):
    (tmp_path / "docs").mkdir()
    monkeypatch.setattr(rooms, "ROOT", tmp_path)
    monkeypatch.setattr(rooms, "made", lambda _root: "<svg/>\n")
    assert rooms.main(["--check"]) == 1 and "docs/rooms.svg: is not up to date" in capsys.readouterr().out
    assert rooms.main([]) == 0 and (tmp_path / "docs" / "rooms.svg").read_text() == "<svg/>\n"


def test_each_room_has_its_words_and_only_rooms_that_are_there_have(tmp_path, monkeypatch, capsys):
    (tmp_path / "docs").mkdir()
    words = yaml.safe_load((ROOT / "docs" / "rooms.yml").read_text(encoding="utf-8"))
    del words["lookup"]
    (tmp_path / "docs" / "rooms.yml").write_text(yaml.safe_dump(dict(words, attic="dust")))
    monkeypatch.setattr(rooms, "ROOT", tmp_path)
    assert rooms.main([]) == 1 and capsys.readouterr().out.endswith("differ: attic, lookup\n")


def test_arrows_that_follow_from_others_are_left_out():
    uses = {"low": set(), "mid": {"low"}, "top": {"mid", "low"}, "alone": set()}
    assert rooms.layers.reduced(uses) == [("mid", "low"), ("top", "mid")]


def test_boxes_of_a_row_lie_side_by_side_and_arrows_pass_between():
    names = ["a", "b", "c", "d", "e"]
    arrows = [("c", "a"), ("d", "b"), ("d", "c"), ("e", "a"), ("e", "d")]
    sides = dict.fromkeys(names, (0.0, 400.0))
    placed = rooms.layers.layout(names, arrows, sides, 100, 10)
    assert placed.rows == {"a": 0, "b": 1, "c": 1, "d": 2, "e": 3}
    assert placed.ways["e", "a"] == ["e", "e>a>2", "e>a>1", "a"]
    assert abs(placed.middle["b"] - placed.middle["c"]) >= 109.9
    for passage, boxes in (("e>a>2", "d"), ("e>a>1", "bc")):
        assert all(abs(placed.middle[passage] - placed.middle[each]) >= 57 for each in boxes)
    assert placed == rooms.layers.layout(names, arrows, sides, 100, 10)


def test_words_that_do_not_fit_are_refused():
    assert rooms.lines("what one ssh session runs, out of memory") == ["what one ssh session", "runs, out of memory"]
    with pytest.raises(ValueError, match="two lines"):
        rooms.lines("word " * 12)
