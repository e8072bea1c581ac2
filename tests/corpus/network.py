# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Two network namespaces with a wire between them: a host whose outside interface is eth0, and a stranger.

Both are nameless and end with the process that made them. The stranger's addresses are not of the wire's network, so
that it comes as people come to a server. Neighbours are fixed: what is asked is whether TCP passes, not ARP or NDP.
"""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from typing import List, Tuple

PORT = 2222
OTHER = 22
HOST = {"ip": "198.51.100.7", "ip6": "2001:db8:5::7"}
STRANGER = {"ip": "203.0.113.9", "ip6": "2001:db8:bad::9"}
ROUTER = {"ip": "198.51.100.1", "ip6": "2001:db8:5::1"}
_FAMILIES = {"ip": socket.AF_INET, "ip6": socket.AF_INET6}
_MAC = {"host": "02:00:00:00:00:07", "stranger": "02:00:00:00:00:01"}
_SHORT, _PATIENT = 0.35, 4.0


def call(argv: List[str], data: bytes = b"", check: bool = True) -> Tuple[int, bytes]:
    """A program's exit code and all that it says."""
    done = subprocess.run(argv, input=data, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    if check and done.returncode:
        raise RuntimeError("%s: %s" % (" ".join(argv[:6]), done.stdout.decode("utf-8", "replace").strip()[-300:]))
    return done.returncode, done.stdout


class Wire:
    """This process stands on the host from now on; :meth:`passes` connects as the stranger."""

    def __init__(self) -> None:
        os.unshare(os.CLONE_NEWNET | os.CLONE_NEWNS)
        call(["mount", "--make-rprivate", "/"])
        call(["mount", "-t", "sysfs", "corpus", "/sys"])  # of this namespace's interfaces
        self._home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        with subprocess.Popen(["unshare", "-n", "sh", "-c", "echo; read end"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as there:
            there.stdout.readline()
            call(["ip", "link", "add", "eth0", "address", _MAC["host"], "type", "veth", "peer", "name", "eth0",
                  "address", _MAC["stranger"], "netns", str(there.pid)])
            self._there = os.open("/proc/%d/ns/net" % there.pid, os.O_RDONLY)
            there.stdin.close()
        self._configure(HOST, STRANGER, ROUTER, _MAC["stranger"])
        os.setns(self._there)
        self._configure(ROUTER, HOST, HOST, _MAC["host"])
        for address, bits in ((STRANGER["ip"], "32"), (STRANGER["ip6"], "128")):
            call(["ip", "addr", "add", "%s/%s" % (address, bits), "dev", "eth0", *(["nodad"] if bits == "128" else [])])
        os.setns(self._home)
        for port in (PORT, OTHER):
            listening = socket.create_server(("::", port), family=socket.AF_INET6, backlog=50, dualstack_ipv6=True)
            threading.Thread(target=_serve, args=(listening, port), daemon=True).start()

    @staticmethod
    def _configure(mine: dict, others: dict, ways: dict, mac: str) -> None:
        call(["ip", "link", "set", "lo", "up"])
        call(["ip", "addr", "add", mine["ip"] + "/24", "dev", "eth0"])
        call(["ip", "addr", "add", mine["ip6"] + "/64", "dev", "eth0", "nodad"])
        call(["ip", "link", "set", "eth0", "up"])
        for family in ("ip", "ip6"):
            call(["ip", "neigh", "replace", ways[family], "lladdr", mac, "dev", "eth0", "nud", "permanent"])
            if others is STRANGER:
                call(["ip", "-6" if family == "ip6" else "-4", "route", "add", "default", "via", ways[family]])

    def passes(self, family: str, expected: bool = False) -> bool:
        """Whether a stranger comes to what listens on the port; with more patience where it should."""
        return self._connect(family, _SHORT) or (expected and self._connect(family, _PATIENT))

    def _connect(self, family: str, seconds: float) -> bool:
        os.setns(self._there)
        try:
            outside = socket.socket(_FAMILIES[family])
        finally:
            os.setns(self._home)
        with outside:
            outside.settimeout(seconds)
            try:
                outside.bind((STRANGER[family], 0))
                outside.connect((HOST[family], PORT))
                outside.sendall(b"who?")
                return outside.recv(100) == b"port %d" % PORT
            except OSError:
                return False


def _serve(listening: socket.socket, port: int) -> None:
    while True:
        connection, _address = listening.accept()
        threading.Thread(target=_answer, args=(connection, port), daemon=True).start()


def _answer(connection: socket.socket, port: int) -> None:
    with connection:
        connection.settimeout(10)
        try:
            if connection.recv(100):
                connection.sendall(b"port %d" % port)
        except OSError:
            pass
