# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who listens on a port: asked about sockets of this very process."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import processes

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/net/tcp"), reason="needs /proc")


@contextlib.contextmanager
def listener(family=socket.AF_INET, address="127.0.0.1"):
    try:
        server = socket.create_server((address, 0), family=family)
    except OSError:
        pytest.skip("this host has no such address")
    with server:
        yield server, server.getsockname()[1]


def inode(sock):
    return int(os.readlink("/proc/self/fd/%d" % sock.fileno())[len("socket:["):-1])


@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_a_listener_and_its_owner(family, address):
    with listener(family, address) as (server, port):
        assert list(processes.listening(port)) == [inode(server)]
        found = processes.who_listens(port)
        assert set(found.inodes) == {inode(server)} and found.pid == os.getpid()
        assert found.owner.endswith("process %d" % os.getpid())
        assert processes.sockets_of(os.getpid()) >= {inode(server)}
    assert processes.who_listens(port) == processes.Port()


@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_all_that_listen_with_their_addresses(family, address):
    with listener(family, address) as (_server, port):
        assert (address, port) in processes.ends()
    assert (address, port) not in processes.ends()


@pytest.mark.skipif(sys.byteorder != "little", reason="as a little-endian machine prints it")
@pytest.mark.parametrize(("digits", "address"), [
    ("0100007F", "127.0.0.1"), ("050200C0", "192.0.2.5"), ("00000000", "0.0.0.0"),
    ("00000000000000000000000001000000", "::1"), ("B80D0120000000000000000005000000", "2001:db8::5"),
])
def test_addresses_of_proc(digits, address):
    assert processes.address_of(digits) == address


def test_a_connection_is_no_listener():
    with listener() as (server, port), socket.create_connection(("127.0.0.1", port)) as client:
        assert list(processes.listening(port)) == [inode(server)]
        assert processes.listening(client.getsockname()[1]) == {}


INIT, SSHD, SESSION, USERS, OTHER = 10, 11, 12, 13, 14


@pytest.mark.parametrize("init", [True, False])
def test_a_containers_sshd_is_known_whatever_the_engine_puts_before_it(monkeypatch, init):
    """With ``"init": true`` in the engine's daemon.json the main process is an init, and sshd is below it."""
    tree = {INIT: 1, SSHD: INIT, SESSION: SSHD, USERS: INIT, OTHER: 1}
    sockets = {SSHD: {1}, SESSION: {2}, USERS: {3}, OTHER: {4}} if init else {INIT: {1}, USERS: {3}, OTHER: {4}}
    monkeypatch.setattr(processes, "sockets_of", lambda pid: sockets.get(pid, set()))
    monkeypatch.setattr(processes, "parent", lambda pid: tree.get(pid, 0))
    monkeypatch.setattr(processes, "_is_roots", lambda pid: pid != USERS)
    monkeypatch.setattr(processes.os, "listdir", lambda _path: [str(pid) for pid in tree] + ["self"])
    monkeypatch.setattr(processes.os.path, "isdir", lambda _path: True)
    assert processes.sockets_below(INIT) == {1}, "what a user of it has bound is no sshd"


def test_a_process_that_is_gone():
    assert processes.sockets_of(2**22 + 1) == set()


def test_an_owner_that_is_not_ours_to_see(monkeypatch):
    with listener() as (_server, port):
        monkeypatch.setattr(processes, "sockets_of", lambda _pid: set())
        assert processes.who_listens(port).owner == "an unknown process"


def test_a_process_that_ends_while_it_is_looked_at(monkeypatch):
    with listener() as (_server, port):
        found = set(processes.listening(port))
        monkeypatch.setattr(processes, "sockets_of", lambda pid: found if pid == 1 else set())
        monkeypatch.setattr(processes.os, "listdir", lambda _path: ["1", "self"])
        owner = processes.who_listens(port).owner
        assert owner.endswith("process 1")


@pytest.mark.parametrize(("table", "error", "known"), [
    ("/proc/net/tcp6", FileNotFoundError, True),  # a kernel without IPv6
    ("/proc/net/tcp", FileNotFoundError, False), ("/proc/net/tcp6", PermissionError, False),
])
def test_a_table_that_the_kernel_does_not_show_is_not_taken_for_an_empty_one(monkeypatch, table, error, known):
    real = open

    def opened(path, **more):
        if path == table:
            raise error(path)
        return real(path, **more)

    with listener() as (_server, port):
        monkeypatch.setattr("builtins.open", opened)
        if known:
            assert processes.listening(port)
        else:
            with pytest.raises(error):
                processes.listening(port)


#: Listens, and so does its child, as a session of sshd before 9.8 does for ssh -R and X11.
SERVER = """
import os, socket, sys
sock = socket.create_server(("127.0.0.1", 0)); print(sock.getsockname()[1], flush=True)
if os.fork() == 0:
    sock.close(); sock = socket.create_server(("127.0.0.1", 0)); print(sock.getsockname()[1], flush=True)
sys.stdin.read()
"""


def test_the_ends_of_a_program_are_not_those_of_its_sessions(tmp_path):
    program = tmp_path / "oqs-listener"
    shutil.copy(os.path.realpath(sys.executable), program)
    argv, env = [str(program), "-S", "-c", SERVER], dict(os.environ, PYTHONHOME=sys.base_prefix)
    with subprocess.Popen(argv, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        first, second = (int(server.stdout.readline()) for _number in range(2))
        assert processes.ends_of("oqs-listener") == {("127.0.0.1", first)}
        assert {("127.0.0.1", first), ("127.0.0.1", second)} <= processes.ends()
        program.unlink()  # as an upgrade does
        assert processes.ends_of("oqs-listener") == {("127.0.0.1", first)}
        server.stdin.close()
    assert processes.ends_of("nobody-listener") == set()
