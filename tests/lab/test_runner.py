# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.run import runner, stages
from tests.run.stages import Counts, Stage, Step

TESTS = """
import pytest
def test_good(): pass
def test_bad(): assert 1 == 2
@pytest.mark.parametrize("word", ["a b"])
def test_words(word): assert not word
@pytest.mark.skip(reason="not today")
def test_skipped(): pass
@pytest.fixture
def broken(): raise OSError("gone")
def test_error(broken): pass
"""


def pytest_step(tmp_path, text):
    (tmp_path / "test_it.py").write_text(text)
    report = tmp_path / "report.xml"
    argv = [sys.executable, "-m", "pytest", "-q", "-ra", "-p", "no:cacheprovider", "--rootdir", str(tmp_path),
            "-c", "/dev/null", "--junitxml=%s" % report, str(tmp_path)]
    done = subprocess.run(argv, capture_output=True, text=True, cwd=tmp_path)
    return Step(argv, report), done.returncode, done.stdout


def test_pytest_is_counted_and_failures_are_named(tmp_path):
    step, code, said = pytest_step(tmp_path, TESTS)
    assert stages.count_pytest(step, code, said) == Counts(1, 3, 1)
    again = runner.again("unit", stages.failed_pytest(step, said))
    for name in ("test_bad", "test_words[a b]", "test_error"):
        assert name in again
    assert "test_good" not in again


@pytest.mark.parametrize("text", ["import nothing_like_it", "def test_broken(:"])
def test_pytest_that_cannot_collect_is_a_failure(tmp_path, text):
    assert stages.count_pytest(*pytest_step(tmp_path, text)).failed == 1


def test_pytest_that_dies_is_a_failure(tmp_path):
    step, code, said = pytest_step(tmp_path, "import os\ndef test_dies(): os._exit(3)")
    assert stages.count_pytest(step, code, said).failed == 1


def test_gates_are_counted():
    said = "ok    ruff            0.3 s\nFAIL  mypy            4.0 s\nx.py:1: wrong\nok    text  0.1 s\nFAIL: 2 of 3"
    step = Step(["lint"], stages.ROOT / "none")
    assert stages.count_lint(step, 1, said) == Counts(2, 1)
    assert stages.failed_lint(step, said) == ["mypy"]
    assert stages.count_lint(step, 1, "Traceback") == Counts(0, 1)


def stage_of(name, *codes):
    argvs = [[sys.executable, "-c", "import sys; print('said %d'); sys.exit(%d)" % (code, code)] for code in codes]
    return Stage(name, 1, lambda output, _only: [Step(argv, output / "none") for argv in argvs],
                 stages.count_command, stages.last_word)


@pytest.fixture
def table(tmp_path, monkeypatch):
    def install(*rows):
        monkeypatch.setattr(runner, "STAGES", rows)
        monkeypatch.setattr(runner, "OUTPUT", tmp_path)
        monkeypatch.setattr(runner.signal, "signal", lambda *_words: None)
    return install


def test_last_line_sums_up_and_green_is_quiet(table, capsys):
    table(stage_of("one", 0, 0), stage_of("two", 0), stage_of("later"))
    assert runner.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "3 passed, 0 failed"
    assert len(lines) == 4
    assert not any("said" in line for line in lines)


def test_failure_is_shown_with_its_command(table, capsys):
    table(stage_of("one", 0, 3), stage_of("two", 0))
    assert runner.main([]) == 1
    text = capsys.readouterr().out
    assert "said 3" in text and "again, only this: .venv/bin/python -m tests.run one --only" in text
    assert re.fullmatch(r"\d+ passed, \d+ failed(, \d+ skipped)?", text.splitlines()[-1])
    assert text.splitlines()[-1] == "2 passed, 1 failed"


def test_nothing_run_is_not_green(table, capsys):
    table(stage_of("later"))
    assert runner.main([]) == 1


def test_a_stage_that_hangs_is_ended_with_all_it_started(table, capsys, tmp_path):
    hang = "import subprocess, sys; subprocess.run(['sleep', '987'])"
    stage = Stage("slow", 0.01, lambda output, _only: [Step([sys.executable, "-c", hang], output / "none")],
                  lambda *_words: Counts(), stages.last_word)
    table(stage)
    assert runner.main([]) == 1
    text = capsys.readouterr().out
    assert "its time was over" in text and text.endswith("0 passed, 1 failed\n")
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    assert "sleep 987" not in listed.replace(hang, "")


def test_skipped_are_named_only_when_there_are_some():
    assert runner.in_words(Counts(2, 0, 0)) == "2 passed, 0 failed"
    assert runner.in_words(Counts(2, 1, 3)) == "2 passed, 1 failed, 3 skipped"


def test_all_runs_what_is_marked_slow(table):
    seen = []

    def steps(output, _only):
        return [Step([sys.executable, "-c", "import sys; print(sys.argv[1:])", "-m", "not slow"], output / "none")]

    def tally(step, _code, said):
        seen.append((step.argv[-1], said.strip()))
        return Counts(1)

    table(Stage("one", 1, steps, tally, stages.last_word))
    for options, words in (([], "not slow"), (["--all"], "slow or not slow")):
        assert runner.main(options) == 0
        assert seen.pop() == (words, str(["-m", words]))
