# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The probe against sockets of this process: addresses, time-outs, manners; and what ssh_probe makes of its answer."""

from __future__ import annotations

import errno
import re
import socket
import threading
import time

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import kexinit, probe, probe_task

INIT = kexinit.KexInit(
    ("mlkem768x25519-sha256", "curve25519-sha256", "diffie-hellman-group14-sha1", "ext-info-s", kexinit.STRICT_SERVER),
    ("rsa-sha2-512", "rsa-sha2-256", "ssh-ed25519"),
    ("aes128-gcm@openssh.com",),
    ("aes256-ctr",),
    ("umac-64@openssh.com",),
    ("hmac-sha2-256",),
)


def asked(*given, **more):
    """A probe as the module returns it."""
    return probe.probe(*given, **more).to_json()


class Server:
    """A well-behaved server for any number of connections; `heard` is what the last client sent."""

    def __init__(self, address="127.0.0.1", family=socket.AF_INET, init=INIT):
        self.listener = socket.create_server((address, 0), family=family)
        self.port = self.listener.getsockname()[1]
        self.greeting = b"SSH-2.0-OpenSSH_10.0p2 Debian-7\r\n" + kexinit.frame(kexinit.compose_kexinit(init))
        self.heard, self.peer, self.done, self.connections = b"", None, threading.Event(), 0
        self.hang_up = 0  # so many times before the greeting
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                connection, self.peer = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            if self.connections <= self.hang_up:
                connection.close()
                continue
            with connection:
                connection.settimeout(5)
                connection.sendall(self.greeting)
                heard = b""
                while True:
                    chunk = connection.recv(4096)
                    if not chunk:
                        break
                    heard += chunk
            self.heard = heard
            self.done.set()


@pytest.fixture
def server():
    found = Server()
    yield found
    found.listener.close()


def test_what_a_server_offers(server):
    result = asked("127.0.0.1", server.port)
    assert result["ssh"] and result["reachable"] and result["error"] is None
    assert result["banner"] == "SSH-2.0-OpenSSH_10.0p2 Debian-7"
    assert result["software"] == "OpenSSH_10.0p2"
    assert result["kex"] == ["mlkem768x25519-sha256", "curve25519-sha256", "diffie-hellman-group14-sha1"]
    assert result["families"]["kex"] == {
        "hybrid": ["mlkem768x25519-sha256"],
        "pq": [],
        "classical": ["curve25519-sha256"],
        "weak": ["diffie-hellman-group14-sha1"],
        "unknown": [],
    }
    assert result["host_key_types"] == ["ssh-rsa", "ssh-ed25519"]
    assert result["quantum_safe"] == {"kex": "some", "host_key": "none"}
    assert result["strict_kex"] is True
    assert (result["ciphers"], result["macs"]) == (["aes256-ctr"], ["hmac-sha2-256"])
    assert (result["address"], result["bytes"]) == ("127.0.0.1", len(server.greeting))


def test_manners(server):
    """One connection; our banner first, then a proper goodbye, then the end of the stream rather than a reset."""
    asked("127.0.0.1", server.port)
    assert server.done.wait(5)
    banner, used = kexinit.parse_banner(server.heard)
    assert banner.software == "quantumsafe_probe"
    payload, rest = kexinit.unframe(server.heard[used:])
    assert kexinit.parse_disconnect(payload) == (kexinit.BY_APPLICATION, "only asking")
    assert used + rest == len(server.heard)
    assert server.connections == 1


def test_source_address(server):
    asked("127.0.0.1", server.port, source="127.0.0.7")
    assert server.peer[0] == "127.0.0.7"
    result = asked("127.0.0.1", server.port, source="192.0.2.1")
    assert (result["failure"], result["error"]) == ("source", "the source address is not one of this machine")
    assert asked("127.0.0.1", server.port, source="::1")["failure"] == "name"


def test_the_outward_address_is_one_of_this_machine():
    found = probe.outward()
    with socket.create_server((found, 0), family=socket.AF_INET6 if ":" in found else socket.AF_INET) as server:
        assert server.getsockname()[0] != "0.0.0.0"


def test_the_outward_address_is_asked_where_no_host_is_given(server, monkeypatch):
    monkeypatch.setattr(probe_task, "outward", lambda: "127.0.0.1")
    params = {"host": None, "outward": True, "port": server.port, "timeout": 5.0, "source": None}
    assert probe_task.examine(params, "192.0.2.1")["address"] == "127.0.0.1"


def test_ipv6():
    try:
        server = Server("::1", socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 on this machine")
    with server.listener:
        for host in ("::1", "[::1]"):
            assert asked(host, server.port)["address"] == "::1"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("", 22), "host ''"),
        (("a b", 22), "host 'a b'"),
        (("a\nb", 22), "host"),
        (("u@h", 22), "host 'u@h'"),
        (("h", 0), "port 0"),
        (("h", 65536), "port 65536"),
        (("h", 22, 0), "timeout 0"),
        (("h", 22, float("nan")), "timeout nan"),
        (("h", 22, 1, "eth0"), "source 'eth0'"),
    ],
)
def test_arguments_that_make_no_sense(arguments, words):
    with pytest.raises(ValueError, match=words):
        asked(*arguments)


@pytest.mark.parametrize("host", ["nosuchhost.invalid", "a..b", "x" * 70 + ".invalid", "\u00e9" * 80])
def test_names_that_do_not_resolve(host):
    result = asked(host, 22)
    assert (result["failure"], result["reachable"]) == ("name", False)
    assert "cannot be resolved" in result["error"]


def test_refused():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    result = asked("127.0.0.1", port)
    assert result["failure"] == "refused" and "refused" in result["error"] and not result["reachable"]


def test_a_resolver_that_hangs_costs_no_more_than_the_time_out(monkeypatch):
    monkeypatch.setattr(probe.socket, "getaddrinfo", lambda *_args: time.sleep(2) or [])
    result = asked("slow.example", 22, 0.2)
    assert result["duration"] < 1.5
    assert (result["failure"], result["error"]) == ("timeout", "timed out resolving the name slow.example")


def resolve_to(monkeypatch, *addresses):
    monkeypatch.setattr(
        probe.socket,
        "getaddrinfo",
        lambda _host, port, _family, kind: [(socket.AF_INET, kind, 6, "", (address, port)) for address in addresses],
    )


def test_several_addresses_share_the_time(monkeypatch, server):
    """Two addresses that swallow everything, one that refuses, then the good one: all within the one time-out."""
    connect = socket.socket.connect

    def patched(self, address):
        if address[0].startswith("192.0.2."):
            time.sleep(min(self.gettimeout(), 3))
            raise socket.timeout("timed out")
        return connect(self, address)

    monkeypatch.setattr(probe.socket.socket, "connect", patched)
    resolve_to(monkeypatch, "192.0.2.1", "192.0.2.2", "127.0.0.99", "127.0.0.1")
    result = asked("many.example", server.port, 1.0)
    assert result["ssh"] and result["address"] == "127.0.0.1" and result["duration"] < 1.0
    resolve_to(monkeypatch, *["192.0.2.%d" % number for number in range(60)])
    result = asked("many.example", server.port, 0.5)
    assert result["failure"] == "timeout" and result["duration"] < 1.5


@pytest.mark.parametrize(
    ("number", "failure"),
    [
        (errno.EHOSTUNREACH, "unreachable"),
        (errno.ENETUNREACH, "unreachable"),
        (errno.EPERM, "unreachable"),
        (errno.ETIMEDOUT, "timeout"),
        (errno.ECONNRESET, "closed"),
        (errno.EMFILE, "network"),
    ],
)
def test_errors_of_the_network(monkeypatch, number, failure):
    def patched(self, address):
        raise OSError(number, "the system's words")

    monkeypatch.setattr(probe.socket.socket, "connect", patched)
    result = asked("127.0.0.1", 22)
    assert result["failure"] == failure and result["error"] and not result["reachable"]


def params(server, **more):
    return {
        "host": "127.0.0.1",
        "port": server.port,
        "timeout": 5.0,
        "source": None,
        "client": None,
        "expect": None,
        **more,
    }


@pytest.mark.parametrize(
    ("expect", "words"),
    [
        ({}, None),
        ({"reachable": True}, None),
        ({"quantum_safe_kex": "some"}, None),
        ({"strict_kex": True}, None),
        ({"kex": ["curve25519-sha256", "x"]}, None),
        ({"host_key_algorithms": ["ssh-ed25519"]}, None),
        ({"no_weak": False}, None),
        ({"reachable": False}, "a connection was accepted"),
        ({"quantum_safe_kex": "all"}, "some of the key exchange algorithms offered are quantum-safe"),
        ({"quantum_safe_host_key": "some"}, "none of the host key algorithms offered are quantum-safe"),
        ({"no_weak": True}, "weak key exchange algorithms are offered: diffie-hellman-group14-sha1"),
        ({"strict_kex": False}, "strict key exchange is offered"),
        ({"kex": ["a", "b"]}, r"none of expect.kex \(a, b\) is offered, but mlkem768x25519-sha256, curve25519-sha256"),
        ({"host_key_algorithms": ["ssh-mldsa44-ed25519"]}, r"none of expect.host_key_algorithms"),
        ({"common_ground": True}, "expect.common_ground needs the lists of a client"),
    ],
)
def test_expectations(server, expect, words):
    result = probe_task.examine(params(server, expect=expect))
    assert bool(result.get("failed")) is (words is not None), result.get("msg")
    assert result["changed"] is False
    if words:
        assert re.search(words, result["msg"])
        assert result["msg"].startswith("127.0.0.1 port %d: " % server.port)


def test_all_that_is_not_met_is_named(server):
    expect = {
        "quantum_safe_kex": "all",
        "quantum_safe_host_key": "all",
        "strict_kex": False,
        "kex": ["x"],
        "no_weak": True,
    }
    assert probe_task.examine(params(server, expect=expect))["msg"].count(";") == 4


def test_a_server_that_hangs_up_is_asked_again_where_one_is_expected(server):
    server.hang_up = 2
    assert not probe_task.examine(params(server, expect={"strict_kex": True})).get("failed")
    assert server.connections == 3


@pytest.mark.parametrize("expect", [{}, {"reachable": True}, {"reachable": False}])
def test_a_server_that_hangs_up_is_asked_once_where_nobody_expects_more(server, expect):
    server.hang_up = 1
    assert probe_task.examine(params(server, expect=expect))["failure"] == "closed"
    assert server.connections == 1


def test_a_server_that_hangs_up_for_good_fails_in_time(server):
    server.hang_up = 1000
    result = probe_task.examine({**params(server, expect={"strict_kex": True}), "timeout": 1.0})
    assert result["failed"] and result["failure"] == "closed" and 2 <= server.connections <= 5


def test_expectations_of_a_closed_port(server):
    server.listener.close()
    time.sleep(0.05)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    for expect, failed in (
        ({"reachable": False}, False),
        ({"reachable": True}, True),
        ({"strict_kex": True}, True),
        ({}, False),
    ):
        result = probe_task.examine({**params(server, expect=expect), "port": port})
        assert bool(result.get("failed")) is failed
        assert "refused" in result.get("msg", "refused")


@pytest.mark.parametrize(
    ("client", "agreed"),
    [
        ({"kex": ["curve25519-sha256", "mlkem768x25519-sha256"]}, "curve25519-sha256"),
        ({"kex": ["sntrup761x25519-sha512"]}, None),
        ({"host_key_algorithms": ["rsa-sha2-256"]}, "mlkem768x25519-sha256"),
        ({"ciphers": ["aes256-ctr"], "macs": ["hmac-sha1"]}, None),
        ({"ciphers": ["aes128-cbc"]}, None),
    ],
)
def test_common_ground(server, client, agreed):
    result = probe_task.examine(params(server, client=client, expect={"common_ground": True}))
    assert result["negotiated"]["agreed"] is (agreed is not None) is not result.get("failed", False)
    if agreed:
        assert result["negotiated"]["kex"] == agreed and result["negotiated"]["missing"] == []
    else:
        assert "no common ground with this client; the server offers" in result["msg"]
        assert set(result["negotiated"]["missing"]) <= set(client)


def test_strict_key_exchange_takes_both(server):
    for marks, strict in (([kexinit.STRICT_CLIENT], True), ([], False)):
        client = {"kex": ["mlkem768x25519-sha256", *marks]}
        assert probe_task.examine(params(server, client=client))["negotiated"]["strict_kex"] is strict


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (
            {"client": {"kex": ["+curve25519-sha256"]}},
            "client.kex: '\\+curve25519-sha256' is not the name of one algorithm",
        ),
        ({"client": {"macs": ["a,b"]}}, "client.macs"),
        ({"port": 70000}, "port 70000"),
        ({"host": "a b"}, "host 'a b'"),
    ],
)
def test_bad_options_fail_in_words(server, more, words):
    result = probe_task.examine({**params(server), **more})
    assert result["failed"] and re.search(words, result["msg"])


def test_default_host(server):
    assert probe_task.examine({**params(server), "host": None}, "127.0.0.1")["ssh"]
