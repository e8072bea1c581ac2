# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Programs: their ends, their time-outs, and questions that are asked ahead."""

from __future__ import annotations

import os
import time

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import commands
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import CommandError, ahead, run


def counting(tmp_path):
    """A program that writes down each of its runs, and answers with their number."""
    return ["sh", "-c", 'echo x >>"$1"; wc -l <"$1"', "sh", str(tmp_path / "runs")]


def test_an_answer_that_was_asked_ahead_is_given_once(tmp_path):
    argv = counting(tmp_path)
    with ahead([argv]):
        assert [run(argv).text.strip() for _again in range(3)] == ["1", "2", "3"]


def test_both_sides_work_meanwhile():
    began = time.monotonic()
    with ahead([["sleep", "0.6"]]):
        time.sleep(0.6)
        run(["sleep", "0.6"])
    assert time.monotonic() - began < 1.0


def test_only_the_very_same_question_counts(tmp_path):
    argv = counting(tmp_path)
    with ahead([argv]):
        assert run(["cat"], stdin=b"other").text == "other"
        assert run(argv, env={"X": "y"}).rc == 0  # another environment may have another answer
    assert run(argv).rc == 0


def test_what_nobody_wanted_is_ended():
    with ahead([["sleep", "600"]]):
        (process,) = commands._asked.values()
    assert process.returncode is not None and not commands._asked


def test_an_error_inside_leaves_nothing_behind():
    with pytest.raises(ZeroDivisionError), ahead([["sleep", "600"]]):
        raise ZeroDivisionError
    assert not commands._asked


def test_a_program_that_is_not_there_says_so_when_it_is_wanted(tmp_path):
    missing = [str(tmp_path / "missing")]
    with ahead([missing]), pytest.raises(CommandError, match="No such file"):
        run(missing)


def test_an_answer_is_for_those_who_ask_in_the_same_environment(monkeypatch):
    monkeypatch.setenv("OQS_X", "here")
    argv, env = ["sh", "-c", "echo ${OQS_X-unset}"], {"OQS_X": None}
    with ahead([argv], env):
        assert run(argv).out == b"here\n"
        assert len(commands._asked) == 1 and run(argv, env=env).out == b"unset\n" and not commands._asked


def test_a_time_out_holds_for_questions_asked_ahead_too():
    with ahead([["sleep", "600"]]), pytest.raises(CommandError, match=r"no answer within 0\.2 seconds"):
        run(["sleep", "600"], timeout=0.2)


def test_a_child_that_holds_the_pipes_keeps_nobody(tmp_path):
    began = time.monotonic()
    with pytest.raises(CommandError, match="no answer"):
        run(["sh", "-c", "sleep 5 & echo $! >%s; wait" % (tmp_path / "pid")], timeout=0.3)
    assert time.monotonic() - began < 3
    os.kill(int((tmp_path / "pid").read_text()), 9)
