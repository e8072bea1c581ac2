# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Work that outlives the connection that ordered it."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session import detached

TICKET = "0123456789abcdef" * 2
ORDER = """
import sys, time
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session import detached
paths.RESULTS_DIR = sys.argv[1]
def work():
    open(sys.argv[1] + ".begun", "w").close()
    while not __import__("os").path.exists(sys.argv[1] + ".go"):
        time.sleep(0.05)
    return {"changed": True}
detached.detached("%s", work)
""" % TICKET


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "RESULTS_DIR", str(tmp_path / "requests"))
    return tmp_path / "requests"


def test_the_result_comes_back_and_lies_there_for_whoever_asks_again(folder):
    asked = []
    assert detached.detached(TICKET, lambda: {"changed": True, "pid": os.getpid()})["pid"] != os.getpid()
    assert detached.run({"ticket": TICKET})["changed"] is True
    assert detached.detached(TICKET, lambda: asked.append(1) or {})["changed"] is True and not asked
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / TICKET).stat().st_mode) == 0o600


def test_whoever_ordered_it_is_killed_and_the_work_goes_on(folder, monkeypatch):
    program = [sys.executable, "-c", ORDER, str(folder)]
    paths = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    asked = subprocess.Popen(program, start_new_session=True, env=paths)
    _wait(lambda: os.path.exists(str(folder) + ".begun"))
    monkeypatch.setattr(detached, "PATIENCE", 0.0)
    assert "goes_on" in detached.run({"ticket": TICKET})
    os.killpg(asked.pid, signal.SIGKILL)
    asked.wait()
    open(str(folder) + ".go", "w").close()
    monkeypatch.setattr(detached, "PATIENCE", 30.0)
    assert detached.run({"ticket": TICKET}) == {"changed": True}


def test_a_defect_is_told():
    found = detached.detached(TICKET, lambda: {}["nothing"])
    assert found["failed"] and "KeyError" in found["msg"]


def test_work_that_was_killed_or_never_begun_is_lost():
    assert detached.run({"ticket": TICKET})["msg"] == detached.LOST
    killed = detached.detached(TICKET, lambda: os.kill(os.getpid(), signal.SIGKILL) or {})
    assert killed["msg"] == detached.LOST


@pytest.mark.parametrize("half", ["", '{"changed": tr', "\0\0"])
def test_half_a_result_is_lost(folder, half):
    folder.mkdir(mode=0o700)
    (folder / TICKET).write_text(half)
    assert detached.run({"ticket": TICKET})["msg"] == detached.LOST


def test_old_results_are_swept(folder):
    detached.detached(TICKET, dict)
    os.utime(folder / TICKET, (0, 0))
    detached.detached(TICKET[::-1], dict)
    assert sorted(os.listdir(folder)) == [TICKET[::-1]]


@pytest.mark.parametrize("ticket", ["", "../../etc/passwd", TICKET + "0", TICKET.upper()])
def test_a_ticket_is_no_path(ticket):
    with pytest.raises(ValueError):
        detached.run({"ticket": ticket})


def _wait(done):
    end = time.monotonic() + 30
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)
