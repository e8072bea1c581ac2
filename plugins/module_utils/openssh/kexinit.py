# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The first bytes of an SSH connection as values: identification line, binary packet, KEXINIT, negotiation.

RFC 4251 (data types), RFC 4253 (transport), and OpenSSH's PROTOCOL file for strict key exchange. Where the RFCs leave
room, what OpenSSH's own client accepts or refuses is followed, so that a verdict here is a verdict there.

Pure.
"""

from __future__ import annotations

import struct
from typing import List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import UserError

MSG_DISCONNECT, MSG_IGNORE, MSG_UNIMPLEMENTED, MSG_DEBUG, MSG_KEXINIT = 1, 2, 3, 4, 20
BY_APPLICATION = 11
"""Reason code of a disconnect that is no fault of the peer (RFC 4253, 11.1)."""

MAX_LINE = 8192
"""Longest identification or other line, in bytes; OpenSSH's own bound (the RFC says 255 for the former)."""
MAX_LINES = 1024
"""Most lines before the identification; OpenSSH's own bound."""
MAX_PACKET = 35000
"""Largest packet every peer must be able to take (RFC 4253, 6.1), in bytes."""

STRICT_SERVER = "kex-strict-s-v00@openssh.com"
STRICT_CLIENT = "kex-strict-c-v00@openssh.com"

_BLOCK = 8  # packets are padded to this before any cipher is agreed upon


class WireError(UserError):
    """The peer sent what is not SSH; the text says what, with its bytes escaped."""


class Banner(NamedTuple):
    """An identification line, and the lines a server may send before it."""

    protocol: str
    software: str
    comment: str
    line: bytes
    before: Tuple[bytes, ...] = ()


class KexInit(NamedTuple):
    """A KEXINIT message (RFC 4253, 7.1). Each list is in order of preference."""

    kex: Tuple[str, ...]
    host_key: Tuple[str, ...]
    cipher_c2s: Tuple[str, ...]
    cipher_s2c: Tuple[str, ...]
    mac_c2s: Tuple[str, ...]
    mac_s2c: Tuple[str, ...]
    compression_c2s: Tuple[str, ...] = ("none",)
    compression_s2c: Tuple[str, ...] = ("none",)
    languages_c2s: Tuple[str, ...] = ()
    languages_s2c: Tuple[str, ...] = ()
    first_kex_follows: bool = False
    cookie: bytes = bytes(16)
    reserved: int = 0


LISTS = KexInit._fields[:10]
"""The names of the ten name-lists, in the order of the wire."""


class Negotiated(NamedTuple):
    """What two KEXINITs agree upon; None where there is no common ground, which `missing` then names."""

    kex: Optional[str]
    host_key: Optional[str]
    cipher_c2s: Optional[str]
    cipher_s2c: Optional[str]
    mac_c2s: Optional[str]
    mac_s2c: Optional[str]
    compression_c2s: Optional[str]
    compression_s2c: Optional[str]
    strict_kex: bool
    missing: Tuple[str, ...]

    @property
    def agreed(self) -> bool:
        """Whether a connection comes about."""
        return not self.missing


def safe_text(data: bytes, limit: int = 255) -> str:
    """A peer's bytes as text that is harmless in a terminal, a log and YAML: anything but printable ASCII as ``\\xNN``.

    :param limit: bytes shown; what is cut is marked by three dots.
    """
    shown = "".join(
        "\\\\" if byte == 0x5C else chr(byte) if 0x20 <= byte < 0x7F else "\\x%02x" % byte for byte in data[:limit]
    )
    return shown + "..." if len(data) > limit else shown


def compose_banner(software: str, comment: str = "") -> bytes:
    """The identification line of an SSH 2.0 peer, with its line end (RFC 4253, 4.2).

    :raises ValueError: a byte that is not allowed there, or more than 255 bytes.
    """
    line = ("SSH-2.0-" + software + (" " + comment if comment else "")).encode("ascii", "replace")
    if not software or "-" in software or " " in software:
        raise ValueError("the software of an identification has no blank and no minus sign: %s" % safe_text(line))
    if len(line) > 253 or any(byte < 0x20 or byte > 0x7E for byte in line):
        raise ValueError("an identification is at most 255 bytes of printable ASCII: %s" % safe_text(line))
    return line + b"\r\n"


def parse_banner(data: bytes) -> Optional[Tuple[Banner, int]]:
    """Find the identification line at the beginning of what a server sent.

    Lines end in LF, with or without CR before it. Lines that do not begin with ``SSH-`` are collected.

    :returns: the banner and the number of bytes used up, or None while the line is not complete.
    :raises WireError: a line or their number is beyond bounds, NUL or a stray CR in a line, protocol 1, no software.
    """
    before: List[bytes] = []
    start = 0
    while True:
        end = data.find(b"\n", start)
        line = data[start:] if end < 0 else data[start:end].rstrip(b"\r")
        if len(line) > MAX_LINE:
            raise WireError("a line of more than %d bytes instead of an identification" % MAX_LINE)
        if b"\0" in line or b"\r" in line.rstrip(b"\r"):
            raise WireError('not an SSH identification: "%s"' % safe_text(line, 80))
        if end < 0:
            return None
        start = end + 1
        if line.startswith(b"SSH-"):
            return _identification(line, tuple(before)), start
        before.append(line)
        if len(before) >= MAX_LINES:
            raise WireError("no SSH identification in the first %d lines" % MAX_LINES)


def _identification(line: bytes, before: Tuple[bytes, ...]) -> Banner:
    protocol, dash, rest = line[4:].partition(b"-")
    if not dash or not rest or not protocol.replace(b".", b"", 1).isdigit():
        raise WireError('not an SSH identification: "%s"' % safe_text(line, 80))
    if protocol not in (b"2.0", b"1.99"):
        raise WireError("protocol %s, not 2.0" % safe_text(protocol, 20))
    software, _blank, comment = rest.partition(b" ")
    return Banner(safe_text(protocol), safe_text(software), safe_text(comment), line, before)


def frame(payload: bytes) -> bytes:
    """Wrap a payload as a binary packet before encryption (RFC 4253, 6); padding is zeros, as nothing is secret yet."""
    padding = _BLOCK - (len(payload) + 5) % _BLOCK
    if padding < 4:
        padding += _BLOCK
    return struct.pack(">IB", len(payload) + padding + 1, padding) + payload + bytes(padding)


def unframe(data: bytes, limit: int = MAX_PACKET) -> Optional[Tuple[bytes, int]]:
    """Take the first packet off what was received.

    :param limit: largest packet accepted, in bytes.
    :returns: payload and bytes used up, or None while the packet is not complete.
    :raises WireError: lengths that make no packet. Known from the first bytes, so nobody waits for a huge packet.
    """
    if len(data) < 5:
        return None
    length, padding = struct.unpack_from(">IB", data)
    if length + 4 > limit:
        raise WireError("a packet of %d bytes, where %d are the most expected" % (length + 4, limit))
    if (length + 4) % _BLOCK or padding < 4 or length < padding + 2:
        raise WireError("a malformed packet: length %d, padding %d" % (length, padding))
    if len(data) < length + 4:
        return None
    return data[5:4 + length - padding], length + 4


def compose_kexinit(init: KexInit) -> bytes:
    """The payload of a KEXINIT message.

    :raises ValueError: a name that cannot stand in a name-list, or a cookie that is not 16 bytes.
    """
    if len(init.cookie) != 16:
        raise ValueError("the cookie of a KEXINIT has 16 bytes, not %d" % len(init.cookie))
    out = [bytes((MSG_KEXINIT,)), init.cookie]
    for field in LISTS:
        names: Sequence[str] = getattr(init, field)
        for name in names:
            if not name or "," in name or not name.isascii() or not name.isprintable():
                raise ValueError("%s: %r cannot stand in a name-list" % (field, name))
        text = ",".join(names).encode("ascii")
        out.append(struct.pack(">I", len(text)) + text)
    out.append(struct.pack(">BI", int(init.first_kex_follows), init.reserved))
    return b"".join(out)


def parse_kexinit(payload: bytes) -> KexInit:
    """Read the payload of a KEXINIT message.

    Names come out escaped (:func:`safe_text`), so that a hostile one is plain text; empty names are passed over.

    :raises WireError: another message, a list beyond the end, bytes left over.
    """
    if payload[:1] != bytes((MSG_KEXINIT,)):
        raise WireError("message %d instead of KEXINIT" % payload[0] if payload else "an empty message")
    position = 17
    lists: List[Tuple[str, ...]] = []
    for field in LISTS:
        text, position = _string(payload, position, field)
        lists.append(tuple(safe_text(name) for name in text.split(b",") if name))
    if len(payload) != position + 5:
        raise WireError("KEXINIT of %d bytes where %d were announced" % (len(payload), position + 5))
    follows, reserved = struct.unpack_from(">BI", payload, position)
    return KexInit(
        lists[0], lists[1], lists[2], lists[3], lists[4], lists[5], lists[6], lists[7], lists[8], lists[9],
        bool(follows), payload[1:17], reserved,
    )


def _string(payload: bytes, position: int, what: str) -> Tuple[bytes, int]:
    if position + 4 > len(payload):
        raise WireError("KEXINIT ends before %s" % what)
    (length,) = struct.unpack_from(">I", payload, position)
    end = position + 4 + length
    if end > len(payload):
        present = len(payload) - position - 4
        raise WireError("%s in KEXINIT is said to have %d bytes and has %d" % (what, length, present))
    return payload[position + 4:end], end


def compose_disconnect(reason: int, description: str) -> bytes:
    """The payload of a DISCONNECT message (RFC 4253, 11.1)."""
    text = description.encode("utf-8")
    return struct.pack(">BII", MSG_DISCONNECT, reason, len(text)) + text + struct.pack(">I", 0)


def parse_disconnect(payload: bytes) -> Tuple[int, str]:
    """Reason code and escaped description of a DISCONNECT message; a cut-off one gives what is there."""
    body = payload[1:]
    if len(body) < 8:
        return 0, ""
    reason, length = struct.unpack_from(">II", body)
    return reason, safe_text(body[8:8 + length])


def is_authenticated_cipher(name: str) -> bool:
    """Whether the cipher brings its own integrity check, so that no MAC is agreed upon (OpenSSH's PROTOCOL, 1.6)."""
    return name.startswith("chacha20-poly1305") or "-gcm@" in name


def _first(client: Sequence[str], server: Sequence[str]) -> Optional[str]:
    offered = frozenset(server)
    return next((name for name in client if name in offered), None)


def negotiate(client: KexInit, server: KexInit) -> Negotiated:
    """What the two sides agree upon: of each list the client's first that the server has, too (RFC 4253, 7.1).

    Signals in the key exchange lists (strict key exchange, extension info) are never agreed upon as algorithms. With a
    cipher that authenticates, the MAC of that direction is ``implicit`` and needs no common ground.
    """
    signals = ("ext-info-", "kex-strict-", "kexguess")
    chosen = {
        "kex": _first([name for name in client.kex if not name.startswith(signals)], server.kex),
        "host_key": _first(client.host_key, server.host_key),
    }
    for way in ("c2s", "s2c"):
        cipher = _first(getattr(client, "cipher_" + way), getattr(server, "cipher_" + way))
        chosen["cipher_" + way] = cipher
        if cipher is not None and is_authenticated_cipher(cipher):
            chosen["mac_" + way] = "implicit"
        else:
            chosen["mac_" + way] = _first(getattr(client, "mac_" + way), getattr(server, "mac_" + way))
        field = "compression_" + way
        chosen[field] = _first(getattr(client, field), getattr(server, field))
    return Negotiated(
        **chosen,
        strict_kex=STRICT_CLIENT in client.kex and STRICT_SERVER in server.kex,
        missing=tuple(field for field in Negotiated._fields[:8] if chosen[field] is None),
    )
