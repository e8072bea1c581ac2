# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A request in one session: prepared here, run by a real shell and Python as on a host."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session import loader
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core import tree
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session import transport
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.summary import summary

ARGUMENTS = {"want": {}, "password": None, "sections": [], "parts": [], "check_mode": True}


def prepare(arguments, interpreters):
    """The request of a look."""
    return transport.prepare("session.look_request", arguments, interpreters, transport.packed("session.look_request"))


def travel(trip, before="", folder=None, environment=None):
    """What a connection does with a trip."""
    done = subprocess.run(["sh", "-c", before + trip.command], input=trip.data, capture_output=True, check=False,
                          timeout=60, cwd=folder, env=dict(os.environ, **(environment or {})))
    return transport.answer(trip, {"rc": done.returncode, "stdout": done.stdout.decode(),
                                     "stderr": done.stderr.decode()})


def test_the_first_interpreter_that_is_there_runs_the_request():
    found = travel(prepare(ARGUMENTS, ["python-that-is-not-there", sys.executable]))
    assert found["changed"] is False
    assert "plan" in found or "needs root" in found["msg"]


@pytest.mark.parametrize("name", ["/usr/bin/env %s" % sys.executable, "%s -B" % sys.executable])
def test_an_interpreter_may_have_arguments(name):
    found = travel(prepare(ARGUMENTS, ["python-that-is-not-there -B", name]))
    assert "plan" in found or "needs root" in found["msg"]


@pytest.mark.parametrize("name", ["$(touch {0})", "`touch {0}`", "x; touch {0}", "x\ntouch {0}", "-v touch {0}"])
def test_a_name_is_no_program_of_the_shell(name, tmp_path):
    travel(prepare(ARGUMENTS, [name.format(tmp_path / "trace"), sys.executable]))
    assert not list(tmp_path.iterdir())


def test_words_of_a_login_shell_around_the_answer_are_ignored():
    trip = prepare(ARGUMENTS, [sys.executable])
    found = travel(trip, 'echo "Welcome! {}"; echo oqs-0123 {}; ')
    assert "plan" in found or "needs root" in found["msg"]


def test_no_python_is_said_as_such():
    found = travel(prepare(ARGUMENTS, ["python-that-is-not-there"]))
    assert found["failed"] and found["rc"] == 127
    assert "Python" in summary.failure(found)


def test_an_old_python_is_named_with_what_to_do():
    boot = "import sys\nsys.version_info = (3, 6, 9)\nexec(%r)" % transport._BOOT
    done = subprocess.run([sys.executable, "-c", boot], capture_output=True, check=False, timeout=60)
    trip = prepare(ARGUMENTS, [sys.executable])
    words = summary.failure(transport.answer(trip, {"rc": 1, "stdout": "", "stderr": done.stderr.decode()}))
    assert "is Python 3.6: set ansible_python_interpreter" in words and "\n" not in words


def test_nothing_of_the_working_folder_or_the_environment_is_imported(tmp_path):
    for name in ("json.py", "zlib.py", "sitecustomize.py", "ansible_collections.py"):
        (tmp_path / name).write_text("raise SystemExit('taken in')\n")
    trip = prepare(ARGUMENTS, [sys.executable])
    found = travel(trip, folder=tmp_path, environment={"PYTHONPATH": str(tmp_path)})
    assert "plan" in found or "needs root" in found["msg"]
    assert not list(tmp_path.rglob("*.pyc"))


def test_a_defect_is_one_sentence():
    trip = prepare(ARGUMENTS, [sys.executable])
    said = "Traceback (most recent call last):\n  x\nKeyError: 7"
    found = transport.answer(trip, {"rc": 1, "stdout": "", "stderr": said})
    assert summary.failure(found) == "a defect of the collection, please report it: KeyError: 7"


def test_arguments_are_on_no_command_line():
    trip = prepare(dict(ARGUMENTS, password="S3cret-of-the-test"), [sys.executable])
    assert "S3cret" not in trip.command
    assert len(trip.command) < 4096


@pytest.fixture
def parcel(monkeypatch):
    """A parcel with a small world of modules."""
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    yield {"sources": {"qsworld.inner.facts": "SEVEN = 7\n",
                       "qsworld.add": "from qsworld.inner import facts\n"
                                      "def run(given): return {'sum': given['to'] + facts.SEVEN}\n"},
           "request": "qsworld.add", "arguments": {"to": 35}, "mark": "mark "}
    for name in [name for name in sys.modules if name.startswith("qsworld")]:
        del sys.modules[name]


def test_modules_come_out_of_the_parcel(parcel, capsys):
    loader.run(parcel)
    assert json.loads(capsys.readouterr().out.split("mark ")[1]) == {"sum": 42}


def test_what_is_not_in_the_parcel_is_not_found(parcel):
    parcel["request"] = "qsworld.nothing"
    with pytest.raises(ModuleNotFoundError, match=r"qsworld\.nothing"):
        loader.run(parcel)


def test_what_is_left_out_is_never_part_of_a_text():
    """The program without its comments says the same: no string of the source has lost a line."""
    for path in sorted(Path(tree.MODULE_UTILS).rglob("*.py")):
        name = "%s.%s" % (transport._PACKAGE, ".".join(path.relative_to(tree.MODULE_UTILS).with_suffix("").parts))
        before, after = (ast.dump(_bare(text)) for text in (path.read_text("utf-8"), transport._source(name)))
        assert before == after, name


def _bare(text):
    found = ast.parse(text)
    if ast.get_docstring(found) is not None:
        found.body.pop(0)
    for each in ast.walk(found):
        if isinstance(each, (ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(each) is not None:
            each.body[0].value = ast.Constant("")
    return found


def test_the_program_is_no_larger_than_it_was():
    """Each run brings it to each host."""
    for request in ("look_request", "quick_request", "apply_request"):
        assert len(transport.packed("session." + request)) <= 175_000
