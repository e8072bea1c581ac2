# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What we send to a host is read by the login shell of the account first, whichever that is; by those that are here."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sys

import pytest
from ansible import constants as C
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.images import image_parts
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.pq_path import pq_proof
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session import transport

SHELLS = ["sh", "bash", "dash", "zsh", "fish", "tcsh", "csh", "ksh", "busybox"]
#: Of old csh, which takes no longer word.
WORD = 1023
PART = b"a part of an image"
NAME = hashlib.sha256(PART).hexdigest()


def trip(interpreters=(sys.executable,)):
    """A look."""
    request = "session.look_request"
    arguments = {"want": {}, "password": None, "sections": [], "parts": [], "check_mode": True}
    return transport.prepare(request, arguments, interpreters, transport.packed(request))


def sent(command):
    """How ansible-core sends a command: by its own shell, as root, by its own shell (``env`` is in place of sudo)."""
    become = "env LC_TEST=1 /bin/sh -c %s" % shlex.quote("echo BECOME-SUCCESS-abc ; " + command)
    return "/bin/sh -c %s" % shlex.quote(become)


def commands(folder):
    """Everything that we send to be read by a login shell."""
    return {
        "a request": trip().command,
        "a part of an image": image_parts.store_command(NAME, "-", ["0" * 64]).replace(
            image_parts.paths.PARTS_DIR, str(folder)),
        "where the session comes from": pq_proof.ASK,
    }


@pytest.fixture(params=SHELLS)
def read(request):
    """A login shell reads a line, as sshd gives it to one."""
    program = shutil.which(request.param)
    if not program:
        pytest.skip("%s is not installed here" % request.param)
    words = [program, "sh"] if request.param == "busybox" else [program]

    def run(line, data=b"", **more):
        environment = dict(os.environ, **more)
        return subprocess.run([*words, "-c", line], input=data, capture_output=True, timeout=60, check=False,
                              env=environment)
    return run


@pytest.mark.parametrize("command", sorted(commands("")))
def test_no_shell_finds_a_meaning_of_its_own(command):
    line = sent(commands("/var/lib/oqs-ssh")[command])
    assert not set("\n!\\") & set(line)
    assert pq_proof.ASK in commands("").values() and line.count("'") % 2 == 0


def test_the_line_of_a_request_is_short():
    fallback = C.config.get_config_value("INTERPRETER_PYTHON_FALLBACK")
    assert len(sent(trip(fallback).command)) < WORD


def test_a_request_is_answered(read):
    order = trip()
    for line in (order.command, sent(order.command)):
        done = read(line, order.data)
        found = transport.answer(order, {
            "rc": done.returncode, "stdout": done.stdout.decode(), "stderr": done.stderr.decode()})
        assert "plan" in found or "needs root" in found["msg"], found


def test_a_part_of_an_image_is_stored(read, tmp_path):
    (tmp_path / ("0" * 64)).write_bytes(b"stale")
    done = read(sent(commands(tmp_path)["a part of an image"]), PART)
    assert (done.returncode, done.stderr) == (0, b"")
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    done = read(sent(commands(tmp_path)["a part of an image"]), b"damaged")
    assert done.returncode == image_parts._DAMAGED and [path.name for path in tmp_path.iterdir()] == [NAME]


def test_the_session_says_where_it_comes_from(read):
    done = read(sent(pq_proof.ASK), SSH_CONNECTION="192.0.2.1 1 192.0.2.2 22")
    assert b"oqs-came-from 192.0.2.1 1 192.0.2.2 22\n" in done.stdout
