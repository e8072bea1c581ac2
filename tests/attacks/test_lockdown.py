# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Attacks by local users on a lockdown: its watch, run as it is, against servers that are made for it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import lockdown_files

from images import build
from tests.attacks.attack import attack

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("ssh"), reason="needs root, and an ssh client")
SERVER = """
import os, socket, sys, time
family = socket.AF_INET6 if "ipv6" in sys.argv else socket.AF_INET
server = socket.socket(family)
server.bind(("::" if family == socket.AF_INET6 else "127.0.0.1", 0))
if sys.argv[1] == "chroot":  # as root of another container on the host's network
    os.chroot(sys.argv[3])
elif sys.argv[1] != "0":
    os.setgroups([])
    os.setgid(int(sys.argv[1]))
    os.setuid(int(sys.argv[1]))
    # a socket belongs to who makes it: another one, at the same port
    port = server.getsockname()[1]
    server.close()
    server = socket.socket(family)
    server.bind(("::" if family == socket.AF_INET6 else "127.0.0.1", port))
server.listen(8)
print(server.getsockname()[1], flush=True)
while True:
    connection, _address = server.accept()
    if sys.argv[2]:
        connection.sendall(sys.argv[2].encode() + b"\\r\\n")
        time.sleep(0.2)
    connection.close()
"""


@pytest.fixture
def ask(tmp_path, monkeypatch):
    """What the watch says of a server: whose it is, and what it greets with."""
    started = []
    monkeypatch.setattr(lockdown_files, "RUN", str(tmp_path / "run"))
    monkeypatch.setattr(paths, "STATE_DIR", str(tmp_path))
    (tmp_path / "needs").write_text("there")

    def asked(uid, greeting, *more):
        argv = [sys.executable, "-c", SERVER, str(uid), greeting, *more]
        started.append(subprocess.Popen(argv, stdout=subprocess.PIPE))
        port = int(started[-1].stdout.readline())
        ready = lockdown_files.Ready([22], ["192.0.2.1"], 30.0, port, "127.0.0.1", str(tmp_path / "needs"))
        watch = lockdown_files.files(ready)[lockdown_files.WATCH]
        argv = ["/bin/sh", "-s", "answers"]
        return subprocess.run(argv, input=watch.encode(), capture_output=True, timeout=60, check=False).returncode == 0

    yield asked
    for process in started:
        process.kill()
        process.wait()


@attack("A7", "local user -> lockdown", "binds the port while the container is down, and greets like a server")
def test_another_user_at_the_port_is_not_ours(ask):
    assert ask(0, "SSH-2.0-OpenSSH_10.6")
    assert not ask(65534, "SSH-2.0-OpenSSH_10.6")
    assert not ask(65534, "SSH-2.0-OpenSSH_10.6", "ipv6"), "who listens on all addresses answers on IPv4, too"


@attack("A7", "root of another container -> lockdown", "binds the port on the host's network, as root")
def test_root_elsewhere_at_the_port_is_not_ours(ask, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    assert not ask("chroot", "SSH-2.0-OpenSSH_10.6", str(tmp_path / "elsewhere"))


@attack("A7", "whoever is root at the port -> lockdown", "is a real server, with another key than the pinned one")
def test_another_key_at_the_port_is_not_ours(tmp_path, monkeypatch):
    monkeypatch.setattr(lockdown_files, "RUN", str(tmp_path / "run"))
    monkeypatch.setattr(paths, "STATE_DIR", str(tmp_path))
    (tmp_path / "needs").write_text("there")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for name in ("served", "other"):
        argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)]
        subprocess.run(argv, check=True, timeout=60)
    name, here = "oqs-attack-%d" % port, str(tmp_path)
    serve = "mkdir -p /run/sshd; exec /opt/oqs-ssh/sbin/sshd -D -f /dev/null -h %s/served -p %d"
    argv = ["docker", "run", "--detach", "--rm", "--name", name, "--network", "host", "--volume", here + ":" + here,
            "--entrypoint", "sh", build.build("stock", say=lambda _text: None), "-c", serve % (here, port)]
    subprocess.run(argv, check=True, timeout=60, stdout=subprocess.DEVNULL)
    ready = lockdown_files.Ready([22], ["192.0.2.1"], 30.0, port, "127.0.0.1", str(tmp_path / "needs"))
    watch = lockdown_files.files(ready)[lockdown_files.WATCH].encode()

    def alive(pinned):
        key = (tmp_path / (pinned + ".pub")).read_text().split()[:2]
        (tmp_path / "known_hosts").write_text("[127.0.0.1]:%d %s\n" % (port, " ".join(key)))
        return subprocess.run(["/bin/sh", "-s", "answers"], input=watch, timeout=60, check=False).returncode == 0

    try:
        end = time.monotonic() + 20
        while not alive("served"):
            assert time.monotonic() < end
            time.sleep(0.2)
        assert not alive("other")
    finally:
        subprocess.run(["docker", "rm", "--force", name], check=True, timeout=60, stdout=subprocess.DEVNULL)


@attack("A7", "local user -> lockdown", "keeps the server busy for ten minutes, so that the breakglass opens")
@pytest.mark.parametrize("greeting", ["Exceeded MaxStartups", "Not allowed at this time"])
def test_a_busy_server_is_alive(ask, greeting):
    assert ask(0, greeting)


@attack("A7", "somebody -> lockdown", "answers with something else, or nothing, and is taken for a server")
@pytest.mark.parametrize("greeting", ["", "HTTP/1.1 400 Bad Request", "220 mail"])
def test_what_is_no_server_is_silence(ask, greeting):
    assert not ask(0, greeting)
