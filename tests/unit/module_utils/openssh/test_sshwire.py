# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The first bytes of SSH: what is composed is parsed again, what is broken is named, and nothing else comes out."""

from __future__ import annotations

import struct

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import kexinit
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.kexinit import KexInit, WireError
from hypothesis import given
from hypothesis import strategies as st

names = st.lists(st.text("abcdefxz019@.-", min_size=1, max_size=9), max_size=4).map(tuple)
kexinits = st.builds(
    KexInit,
    *[names] * 10,
    first_kex_follows=st.booleans(),
    cookie=st.binary(min_size=16, max_size=16),
    reserved=st.integers(0, 2**32 - 1),
)


@given(kexinits)
def test_kexinit_survives_the_wire(init):
    packet = kexinit.frame(kexinit.compose_kexinit(init))
    assert len(packet) % 8 == 0
    if len(packet) <= kexinit.MAX_PACKET:
        payload, used = kexinit.unframe(packet + b"more")
        assert used == len(packet)
        assert kexinit.parse_kexinit(payload) == init


@given(kexinits, st.data())
def test_a_cut_packet_waits_and_a_cut_kexinit_is_named(init, data):
    payload = kexinit.compose_kexinit(init)
    packet = kexinit.frame(payload)
    assert kexinit.unframe(packet[: data.draw(st.integers(0, len(packet) - 1))]) is None
    with pytest.raises(WireError):
        kexinit.parse_kexinit(payload[: data.draw(st.integers(0, len(payload) - 1))])
    with pytest.raises(WireError):
        kexinit.parse_kexinit(payload + b"\0")


@given(st.binary(max_size=300))
def test_garbage_raises_nothing_else(data):
    for parse in (kexinit.parse_banner, kexinit.unframe, kexinit.parse_kexinit):
        try:
            parse(data)
        except WireError as error:
            assert str(error).isprintable() and str(error).isascii()
    kexinit.parse_disconnect(data)
    assert kexinit.safe_text(data).isprintable() and kexinit.safe_text(data).isascii()


@given(kexinits, st.binary(min_size=1, max_size=8), st.integers(0, 400))
def test_a_damaged_kexinit_never_gives_unprintable_names(init, junk, where):
    payload = kexinit.compose_kexinit(init)
    where = 17 + where % (len(payload) - 17)
    damaged = payload[:where] + junk + payload[where + len(junk) :]
    try:
        parsed = kexinit.parse_kexinit(damaged)
    except WireError:
        return
    for field in kexinit.LISTS:
        assert all(name.isprintable() and name.isascii() and name for name in getattr(parsed, field))


@pytest.mark.parametrize(
    ("sent", "software", "comment", "before"),
    [
        (b"SSH-2.0-OpenSSH_10.0p2 Debian-7\r\n", "OpenSSH_10.0p2", "Debian-7", ()),
        (b"SSH-2.0-OpenSSH_10.3-2026-05_p1\r\n", "OpenSSH_10.3-2026-05_p1", "", ()),
        (b"SSH-2.0-dropbear\n", "dropbear", "", ()),
        (b"SSH-1.99-Cisco-1.25\r\r\n", "Cisco-1.25", "", ()),
        (b"hello\r\nworld\n\nSSH-2.0-x a b\r\nrest", "x", "a b", (b"hello", b"world", b"")),
        (b"SSH-2.0-evil\x1b[2J\xff\\\r\n", "evil\\x1b[2J\\xff\\\\", "", ()),
    ],
)
def test_banners(sent, software, comment, before):
    banner, used = kexinit.parse_banner(sent)
    assert (banner.software, banner.comment, banner.before) == (software, comment, before)
    assert sent[used:] in (b"", b"rest")
    for cut in range(used):
        assert kexinit.parse_banner(sent[:cut]) is None


@pytest.mark.parametrize(
    "sent",
    [
        b"SSH-1.5-old\r\n",
        b"SSH-2.0\r\n",
        b"SSH-2.0-\r\n",
        b"SSH-\r\n",
        b"SSH-x.y-z\r\n",
        b"SSH-2.0-a\0b\r\n",
        b"\0\0\0\0",
        b"SSH-2.0-a\rb\r\n",
        b"a" * 8193,
        b"x\n" * 1024,
        b"SSH-2.0-" + b"a" * 9000,
    ],
)
def test_what_is_no_banner(sent):
    with pytest.raises(WireError):
        kexinit.parse_banner(sent)


def test_our_own_banner():
    assert kexinit.compose_banner("probe_1", "a comment") == b"SSH-2.0-probe_1 a comment\r\n"
    for software, comment in (
        ("", ""),
        ("a-b", ""),
        ("a b", ""),
        ("a\n", ""),
        ("a", "b\r"),
        ("a", "\xe9\0"),
        ("a" * 300, ""),
    ):
        with pytest.raises(ValueError, match="identification"):
            kexinit.compose_banner(software, comment)


@pytest.mark.parametrize(
    "head",
    [
        struct.pack(">IB", 0, 4),
        struct.pack(">IB", 2**32 - 1, 4),
        struct.pack(">IB", 35004, 4),
        struct.pack(">IB", 12, 3),
        struct.pack(">IB", 12, 11),
        struct.pack(">IB", 13, 4),
    ],
)
def test_malformed_packets_are_known_from_their_first_bytes(head):
    with pytest.raises(WireError, match="packet"):
        kexinit.unframe(head)


@pytest.mark.parametrize("change", [{"kex": ("a,b",)}, {"kex": ("",)}, {"mac_c2s": ("\u00e9",)}, {"cookie": b"x"}])
def test_what_cannot_be_composed(change):
    with pytest.raises(ValueError, match=r"name-list|cookie"):
        kexinit.compose_kexinit(KexInit((), (), (), (), (), ())._replace(**change))


def test_disconnect():
    assert kexinit.parse_disconnect(kexinit.compose_disconnect(11, "bye\x1b")) == (11, "bye\\x1b")
    assert kexinit.parse_disconnect(b"\x01") == (0, "")


SERVER = KexInit(
    ("mlkem768x25519-sha256", "curve25519-sha256", "ext-info-s", kexinit.STRICT_SERVER),
    ("ssh-ed25519",),
    ("chacha20-poly1305@openssh.com", "aes128-ctr"),
    ("aes128-ctr", "aes256-gcm@openssh.com"),
    ("hmac-sha2-256",),
    ("hmac-sha2-512",),
)


def test_the_client_s_order_counts():
    client = SERVER._replace(kex=("curve25519-sha256", "mlkem768x25519-sha256", "ext-info-c", kexinit.STRICT_CLIENT))
    agreed = kexinit.negotiate(client, SERVER)
    assert agreed.agreed and agreed.kex == "curve25519-sha256" and agreed.strict_kex
    assert (agreed.cipher_c2s, agreed.mac_c2s) == ("chacha20-poly1305@openssh.com", "implicit")
    assert (agreed.cipher_s2c, agreed.mac_s2c) == ("aes128-ctr", "hmac-sha2-512")


def test_signals_are_no_common_ground():
    client = SERVER._replace(kex=("ext-info-s", kexinit.STRICT_SERVER, "sntrup761x25519-sha512"))
    agreed = kexinit.negotiate(client, SERVER)
    assert (agreed.kex, agreed.missing, agreed.agreed, agreed.strict_kex) == (None, ("kex",), False, False)


def test_every_list_without_common_ground_is_named():
    agreed = kexinit.negotiate(KexInit((), (), (), (), (), (), (), ()), SERVER)
    assert agreed.missing == agreed._fields[:8]
    gcm = SERVER._replace(cipher_s2c=("aes256-gcm@openssh.com",), mac_s2c=())
    assert kexinit.negotiate(gcm, SERVER).mac_s2c == "implicit"


@given(kexinits, kexinits)
def test_negotiation_takes_the_first_of_the_client_that_the_server_has(client, server):
    agreed = kexinit.negotiate(client, server)
    common = [name for name in client.host_key if name in server.host_key]
    assert agreed.host_key == (common[0] if common else None)
    assert ("host_key" in agreed.missing) is (not common)
