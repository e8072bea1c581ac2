# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers that mean harm, or are merely odd: each costs at most the time-out and a few kB, and never raises."""

from __future__ import annotations

import json
import os
import socket
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import kexinit, probe
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.kexinit import KexInit, compose_kexinit, frame

TIMEOUT = 1.0
SLACK = 2.0  # the machine is shared; what must not happen is many times the time-out
BANNER = b"SSH-2.0-hostile\r\n"
INIT = KexInit(
    ("mlkem768x25519-sha256", "curve25519-sha256", kexinit.STRICT_SERVER),
    ("ssh-ed25519", "rsa-sha2-512"),
    ("aes128-ctr",),
    ("aes128-ctr",),
    ("hmac-sha2-256",),
    ("hmac-sha2-256",),
)
KEXINIT = frame(compose_kexinit(INIT))
GOOD = BANNER + KEXINIT


def asked(*given, **more):
    """A probe as the module returns it."""
    return probe.probe(*given, **more).to_json()


def endless(piece, pause=0.0):
    def serve(connection):
        while True:
            connection.sendall(piece)
            if pause:
                time.sleep(pause)

    return serve


def say(data, wait=True):
    """Send, then stay (or close)."""

    def serve(connection):
        connection.sendall(data)
        if wait:
            time.sleep(TIMEOUT + SLACK)

    return serve


def drip(data, pause):
    def serve(connection):
        for byte in data:
            connection.sendall(bytes((byte,)))
            time.sleep(pause)

    return serve


def reset(data, after=b""):
    """Send, wait until the client has said something, and reset, which takes back what the client has not read yet."""
    def serve(connection):
        connection.sendall(data)
        heard = b""
        while after and after not in heard:
            heard += connection.recv(4096)
        if not after:
            time.sleep(0.1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    return serve


def packet(length, padding, body=b"\x14" * 64):
    return BANNER + struct.pack(">IB", length, padding) + body


def lists(*texts):
    """A KEXINIT whose lists have these raw bytes."""
    payload = b"\x14" + bytes(16) + b"".join(struct.pack(">I", len(text)) + text for text in texts)
    return BANNER + frame(payload + bytes(5))


# name: (what the server does, the failure expected; None: the probe succeeds all the same)
SERVERS = {
    "endless banner": (endless(b"A" * 1024), ("not_ssh",)),
    "endless banner after SSH-": (lambda c: (c.sendall(b"SSH-2.0-"), endless(b"A" * 1024)(c)), ("not_ssh",)),
    "endless lines": (endless(b"go away\r\n"), ("not_ssh", "too_much")),
    "endless empty lines": (endless(b"\n"), ("not_ssh",)),
    "endless slow lines": (endless(b"wait\r\n", 0.05), ("timeout",)),
    "endless zeros": (endless(bytes(512)), ("not_ssh",)),
    "slow drip of the banner": (drip(BANNER * 4, 0.15), ("timeout",)),
    "slow drip of the key exchange": (lambda c: (c.sendall(BANNER), drip(KEXINIT, 0.1)(c)), ("timeout",)),
    "fast drip, byte by byte": (drip(GOOD, 0), None),
    "silence": (say(b""), ("timeout",)),
    "banner, then silence": (say(BANNER), ("timeout",)),
    "half a packet, then silence": (say(GOOD[:60]), ("timeout",)),
    "closed at once": (say(b"", False), ("closed",)),
    "banner without its end, closed": (say(b"SSH-2.0-hostile", False), ("closed",)),
    "banner, closed": (say(BANNER, False), ("closed",)),
    "half a packet, closed": (say(GOOD[:60], False), ("closed",)),
    "reset at once": (reset(b""), ("closed",)),
    "reset after the banner": (reset(BANNER), ("closed",)),
    "packet of 4 GiB": (say(packet(2**32 - 1, 4)), ("not_ssh",)),
    "packet of 256 KiB": (say(packet(262140, 4)), ("not_ssh",)),
    "packet that says nothing": (say(packet(0, 0)), ("not_ssh",)),
    "padding longer than the packet": (say(packet(12, 200)), ("not_ssh",)),
    "no padding": (say(packet(12, 0)), ("not_ssh",)),
    "not a multiple of the block": (say(packet(13, 4)), ("not_ssh",)),
    "endless ignore messages": (lambda c: (c.sendall(BANNER), endless(frame(b"\x02" + bytes(64)))(c)), ("too_much",)),
    "endless empty ignore messages": (lambda c: (c.sendall(BANNER), endless(frame(b"\x02"))(c)), ("too_much",)),
    "disconnect": (say(BANNER + frame(kexinit.compose_disconnect(2, "no \x1b]0;owned\x07"))), ("closed",)),
    "disconnect without a reason": (say(BANNER + frame(b"\x01")), ("closed",)),
    "another message": (say(BANNER + frame(b"\x1e" + bytes(32))), ("not_ssh",)),
    "list longer than the packet": (
        say(BANNER + frame(b"\x14" + bytes(16) + struct.pack(">I", 5000) + b"a")),
        ("not_ssh",),
    ),
    "list of 4 GiB": (say(BANNER + frame(b"\x14" + bytes(16) + struct.pack(">I", 2**32 - 1))), ("not_ssh",)),
    "key exchange cut in the cookie": (say(BANNER + frame(b"\x14" + bytes(7))), ("not_ssh",)),
    "bytes after the key exchange": (say(BANNER + frame(compose_kexinit(INIT) + b"extra")), ("not_ssh",)),
    "nine lists": (say(lists(*[b"a"] * 9)), ("not_ssh",)),
    "empty lists": (say(lists(*[b""] * 10)), None),
    "only commas": (say(lists(*[b",,,,"] * 10)), None),
    "names with escapes": (say(lists(*[b"\x1b[2J\x00\xff,mlkem\n768"] * 10)), None),
    "four thousand names": (say(lists(*[b",".join(b"a%d" % n for n in range(2000))] + [b""] * 9)), None),
    "one name of 15 kB": (say(lists(*[b"mlkem768x25519-" * 1000] + [b""] * 9)), None),
    "dashes that tempt a pattern": (say(lists(*[b"-ssh-rsa" * 1800] + [b""] * 9)), None),
    "random bytes": (lambda c: c.sendall(os.urandom(4096)), ("not_ssh", "closed")),
    "banner, then random bytes": (say(BANNER + b"\xff" + os.urandom(4096)), ("not_ssh",)),
    "HTTP": (say(b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n<html>no</html>", False), ("closed",)),
    "TLS alert": (say(b"\x15\x03\x01\x00\x02\x02\x16", False), ("not_ssh", "closed")),
    "SMTP that waits": (say(b"220 mail.example.org ESMTP\r\n"), ("timeout",)),
    "penalty box of OpenSSH": (say(b"Not allowed at this time\r\n", False), ("closed",)),
    "protocol 1": (say(b"SSH-1.5-old\r\n"), ("not_ssh",)),
    "protocol 1.99": (say(b"SSH-1.99-old\r\n" + KEXINIT), None),
    "protocol 9": (say(b"SSH-9.9-new\r\n"), ("not_ssh",)),
    "banner without software": (say(b"SSH-2.0-\r\n" + KEXINIT), ("not_ssh",)),
    "NUL in the banner": (say(b"SSH-2.0-a\0b\r\n" + KEXINIT), ("not_ssh",)),
    "banner ends in LF": (say(b"SSH-2.0-lf\n" + KEXINIT), None),
    "banner ends in CR CR LF": (say(b"SSH-2.0-crcr\r\r\n" + KEXINIT), None),
    "banner ends in CR alone": (say(b"SSH-2.0-cr\r" + KEXINIT), ("not_ssh", "timeout")),
    "CR within the banner": (say(b"SSH-2.0-a\rb\r\n" + KEXINIT), ("not_ssh",)),
    "escapes in the banner": (say(b"SSH-2.0-\x1b[31mred\x1b]0;t\x07 \xe2\x80\xae\r\n" + KEXINIT), None),
    "lines before the banner": (say(b"Welcome\r\n\x1b[2J\r\n" * 20 + GOOD), None),
    "a banner of 8000 bytes": (say(b"SSH-2.0-" + b"a" * 8000 + b"\r\n" + KEXINIT), None),
    "two banners": (say(BANNER + GOOD), ("not_ssh",)),
    "ignore and debug before the key exchange": (
        say(BANNER + frame(b"\x02" + bytes(9)) + frame(b"\x04" + bytes(9)) + KEXINIT),
        None,
    ),
    "a good one that keeps talking": (lambda c: (c.sendall(GOOD), endless(b"x" * 512)(c)), None),
    "a good one that closes at once": (say(GOOD, False), None),
    "a good one that resets": (reset(GOOD, b"only asking"), None),
}


def serve_once(behave):
    """A server on loopback for one connection; the port it listens on."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(10)

    def run():
        with listener:
            try:
                connection, _peer = listener.accept()
            except OSError:
                return
        with connection:
            connection.settimeout(TIMEOUT + SLACK)
            try:
                behave(connection)
                # Closing with something unread is a reset, which takes back what was sent: say the end, and read on.
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
            except OSError:
                pass

    threading.Thread(target=run, daemon=True).start()
    return listener.getsockname()[1]


def check(result):
    """What holds for every answer, whatever the peer did."""
    assert result["duration"] < TIMEOUT + SLACK
    assert result["bytes"] <= probe.MAX_BYTES
    assert (result["error"] is None) is result["ssh"] is (result["failure"] is None)
    text = json.dumps(result, ensure_ascii=False)
    assert text.isprintable() and text.isascii()
    assert len(text) < 8 * probe.MAX_BYTES


@pytest.fixture(scope="module")
def answers():
    def ask(name):
        return name, asked("127.0.0.1", serve_once(SERVERS[name][0]), TIMEOUT)

    begun = time.monotonic()
    with ThreadPoolExecutor(len(SERVERS)) as pool:
        found = dict(pool.map(ask, SERVERS))
    assert time.monotonic() - begun < 10
    return found


def test_there_are_forty_of_them():
    assert len(SERVERS) >= 40


@pytest.mark.parametrize("name", SERVERS)
def test_hostile(answers, name):
    result = answers[name]
    check(result)
    failures = SERVERS[name][1]
    assert result["reachable"] is True
    if failures is None:
        assert result["ssh"] is True, result["error"]
    else:
        assert result["failure"] in failures, result["error"]


def test_closing_at_each_byte():
    def ask(cut):
        return cut, asked("127.0.0.1", serve_once(say(GOOD[:cut], False)), TIMEOUT)

    with ThreadPoolExecutor(32) as pool:
        for cut, result in pool.map(ask, range(len(GOOD) + 1)):
            check(result)
            assert result["ssh"] is (cut == len(GOOD)), (cut, result["error"])
            if cut < len(GOOD):
                assert result["failure"] == "closed"


def test_a_late_banner_buys_no_more_time():
    def serve(connection):
        time.sleep(1.8)
        connection.sendall(BANNER)
        time.sleep(4)

    result = asked("127.0.0.1", serve_once(serve), 2.0)
    assert result["failure"] == "timeout" and result["duration"] < 3.2


def test_what_the_peer_said_reaches_the_error_text(answers):
    assert 'had sent "Not allowed at this time"' in answers["penalty box of OpenSSH"]["error"]
    assert "HTTP/1.1 400" in answers["HTTP"]["error"]
    assert answers["disconnect"]["error"] == "the peer disconnected (reason 2): no \\x1b]0;owned\\x07"
    assert "protocol 1.5" in answers["protocol 1"]["error"]
    assert "timed out waiting for its SSH banner" in answers["silence"]["error"]
    assert "timed out waiting for its key exchange offer" in answers["banner, then silence"]["error"]
