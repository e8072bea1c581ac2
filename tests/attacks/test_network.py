# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Attacks from the network: somebody answers in place of the server."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading

import core_samples as samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import kexinit, probe
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.pq_path import outside, pins

from tests.attacks.attack import attack

KEX = "sntrup761x25519-sha512@openssh.com"
pytestmark = pytest.mark.skipif(
    not shutil.which("ssh") or KEX.encode() not in subprocess.run(["ssh", "-Q", "kex"], capture_output=True).stdout,
    reason="needs an ssh with a post-quantum key exchange")
#: What a real server says before it has to prove anything: anybody can record and replay it.
GREETING = b"SSH-2.0-OpenSSH_10.6\r\n" + kexinit.frame(kexinit.compose_kexinit(kexinit.KexInit(
    (KEX, kexinit.STRICT_SERVER), ("ssh-ed25519",), ("aes256-gcm@openssh.com",), ("aes256-gcm@openssh.com",),
    ("hmac-sha2-256",), ("hmac-sha2-256",), ("none",), ("none",))))


@pytest.fixture
def impostor():
    """A server that greets as the real one does; what it says after that is up to the test."""
    server = socket.create_server(("127.0.0.1", 0))
    says = {"then": b""}

    def serve():
        while True:
            try:
                connection, _address = server.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(3)
                try:
                    connection.sendall(GREETING)
                    while connection.recv(65536):
                        connection.sendall(says["then"])
                except OSError:
                    continue

    threading.Thread(target=serve, daemon=True).start()
    yield server.getsockname()[1], says
    server.close()


@attack("A16", "network -> the controller's proof", "copies the greeting of the real server, which anybody can read")
@pytest.mark.parametrize("then", [b"", kexinit.frame(b"\x1f" + b"\x00" * 40), b"\x00" * 64])
def test_a_copied_greeting_proves_nothing(impostor, tmp_path, monkeypatch, then):
    port, says = impostor
    says["then"] = then
    monkeypatch.setattr(outside, "kept_in_run", lambda _name, make: make())
    monkeypatch.setattr(outside, "PAUSES", (0.1,))
    seen = probe.probe("127.0.0.1", port)
    assert seen.ssh and seen.offered.kex == [KEX] and seen.offered.quantum_safe.kex == "all", "the offer looks right"
    path = str(tmp_path / pins.FILE)
    pin = pins.Pin("web1", "127.0.0.1", port, "localhost:22", (samples.HOST_KEY,))
    pins.keep(path, "web1", pin)
    with pytest.raises(outside.Impostor, match="did not prove from outside that it holds the host key"):
        outside.prove(pin, "oqs", outside.Lists(seen.offered.kex, seen.offered.host_key_algorithms), path, "")
