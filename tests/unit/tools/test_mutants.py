# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What `make mutants` breaks is there, and so is what its list of survivors names."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import bootstrap
from tests.mutants import __main__ as mutants


def test_each_part_has_code_and_tests() -> None:
    found = mutants.parts()
    assert [part.name for part in found] == ["editor", "passwords"]
    for part in found:
        assert part.code and all(path.is_file() for path in part.code), part.name
        assert part.tests and all((mutants.ROOT / name).is_file() for name in part.tests), part.name


@pytest.mark.parametrize("folder", ["CODE", "UNIT"])
def test_a_part_without_files_is_an_error_that_names_it(
        folder: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(mutants, "ROOT", tmp_path)
    for name in ("CODE", "UNIT"):
        monkeypatch.setattr(mutants, name, tmp_path / name)
        for _part, *patterns in mutants._PARTS:
            for pattern in patterns[0 if name == "CODE" else 1]:
                path = tmp_path / name / pattern.replace("*", "x")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
    assert len(mutants.parts()) == 2
    (tmp_path / folder / "openssh" / ("password.py" if folder == "CODE" else "test_password.py")).unlink()
    said = r"part passwords: no file is openssh/(test_)?password\.py in %s" % folder
    with pytest.raises(bootstrap.LabError, match=said):
        mutants.parts()


def test_modules_of_the_same_file_name_have_names_of_their_own() -> None:
    assert mutants.module_of(mutants.CODE / "openssh" / "config" / "document.py") == "openssh/config/document"
    assert mutants.module_of(mutants.CODE / "document.py") == "document"


def test_every_survivor_is_of_a_file_that_exists() -> None:
    known = mutants.explained()
    assert known
    missing = [name for name in known if not (mutants.CODE / (name.split(" ", 1)[0] + ".py")).is_file()]
    assert not missing
    assert mutants.of_no_part(known, mutants.parts()) == []
    assert mutants.of_no_part(["openssh/gone f: a -> b"], mutants.parts()) == ["openssh/gone f: a -> b"]


def test_every_survivor_shows_code_that_is_in_its_file() -> None:
    """What stands before the change; the run of every mutant compares the rest of the name, too."""
    for name in mutants.explained():
        module, _function, change = name.split(" ", 2)
        text = " ".join((mutants.CODE / (module + ".py")).read_text(encoding="utf-8").split())
        before = " ".join(change.partition(" -> ")[0].split())
        assert before in text, name
