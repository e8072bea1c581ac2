# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is known of a packet that comes to a port of the host from outside: of its header, its connection, its way.

It begins a connection or belongs to an established one. Where it comes in, and the host's own addresses, are facts of
the host (``Here``); its source may be given. Pure.
"""

from __future__ import annotations

import enum
import functools
from typing import Dict, FrozenSet, NamedTuple, Optional, Sequence, Tuple, Union

from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset import intervals
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.expressions import (
    Concat,
    Ct,
    Fib,
    Left,
    Masked,
    Meta,
    Numgen,
    Payload,
    Value,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.grammar import Network

NO, SOME, MAYBE, MOST, YES = "no", "some", "maybe", "most", "yes"
"""NO and YES are certain. SOME: it depends on things known to differ (source, rate, time of day), and does not hold for
a packet as most are; MOST: it holds for these. MAYBE: the expression is not understood here."""


class Unfixed(enum.Enum):
    """Facts that are no value."""

    ABSENT = "the packet has no such field"
    DEPENDS = "it differs"
    OPAQUE = "it is not understood"


ABSENT, DEPENDS, OPAQUE = Unfixed.ABSENT, Unfixed.DEPENDS, Unfixed.OPAQUE

_OTHER_TRANSPORTS = (
    "udp", "udplite", "icmp", "icmpv6", "sctp", "dccp", "esp", "ah", "comp", "igmp", "arp", "gre", "vxlan",
)
ANY_FLAG = "?"  # among flags: the others may be set or not
_FLAGS = {"new": frozenset(("syn",)), "established": frozenset(("ack", ANY_FLAG))}
#: Clients take their own port from these (ip_local_port_range is within them).
_CLIENT_PORTS = (1024, 65535)


class Here(NamedTuple):
    """Where the packet comes in: the interface by its name (empty: not known, but never lo), and the host's addresses
    there (none of a version: not known)."""

    interface: str = ""
    addresses: Tuple[str, ...] = ()


#: The ways in to a host, as far as they are not known.
ANYWHERE = (Here(),)


class Packet(NamedTuple):
    """The packet asked about: destination port, ``ip`` or ``ip6``, the network it comes from (None: anywhere), and what
    it is to its connection: the SYN of a ``new`` one, or a later one of an ``established`` one.

    :ivar mark: a packet from outside has none, unless a rule of the host sets it.
    """

    port: int
    family: str
    source: Optional[Network] = None
    state: str = "new"
    here: Here = Here()
    mark: Union[int, Unfixed] = 0


class Interface(NamedTuple):
    """The fact that the packet came in by this interface; empty: by one other than lo."""

    name: str

    def named(self, pattern: str) -> str:
        """Whether a name of a rule, which may end with a star, is that of the interface."""
        if pattern in ("lo", "*"):
            return NO if pattern == "lo" else YES
        if not self.name:
            return SOME
        fits = self.name.startswith(pattern[:-1]) if pattern.endswith("*") else self.name == pattern
        return YES if fits else NO


class Source(NamedTuple):
    """The fact that the packet comes from this network, or from anywhere outside."""

    version: int
    network: Optional[Network]

    def within(self, elements: Sequence[Value]) -> str:
        """Whether the source lies in these addresses, prefixes and ranges taken together."""
        return _within(self.version, self.network, tuple(elements))


@functools.lru_cache(maxsize=1 << 16)
def _within(version: int, network: Optional[Network], elements: Tuple[Value, ...]) -> str:
    found = intervals.merged(elements)
    if found is None:
        return MAYBE
    mine = [each for each in found if each.version == version]
    asked = intervals.everything(version) if network is None else intervals.prefix(str(network))
    if asked is None or any(asked.within(each) for each in mine):
        return YES if asked else MAYBE
    shared = mine if network is None else [each for each in (one.common(asked) for one in mine) if each]
    held = intervals.outside(shared)
    return NO if not held else MOST if 2 * held >= asked.size else SOME


class Own(NamedTuple):
    """The fact that the packet goes to one of these addresses of the host; none: to one that is not known."""

    version: int
    addresses: Tuple[intervals.Interval, ...]

    def within(self, elements: Sequence[Value]) -> str:
        """Whether these hold all of the host's addresses, some, or none."""
        found = intervals.merged(elements)
        if found is None:
            return MAYBE
        mine = [each for each in found if each.version == self.version]
        if intervals.everything(self.version) in mine:
            return YES
        if not self.addresses:
            return SOME if any(not any(each.within(one) for one in intervals.never_outside()) for each in mine) else NO
        held = [any(own.within(each) for each in mine) for own in self.addresses]
        return YES if all(held) else SOME if any(held) else NO


class ClientPort(NamedTuple):
    """The fact that the client's own port is one of those that clients take."""

    def between(self, low: int, high: int) -> str:
        """Whether it lies there."""
        if low <= 1 and high >= _CLIENT_PORTS[1]:
            return YES
        return MOST if low <= _CLIENT_PORTS[0] and high >= _CLIENT_PORTS[1] else SOME


class Several(NamedTuple):
    """The facts of several fields in one."""

    facts: "Tuple[Fact, ...]"


Fact = Union[Unfixed, int, str, FrozenSet[str], Interface, Source, Own, ClientPort, Several]


def fact(left: Left, packet: Packet) -> Fact:
    """What the left side of a match is worth for this packet."""
    if isinstance(left, Concat):
        facts = tuple(fact(each, packet) for each in left.parts)
        return ABSENT if ABSENT in facts else Several(facts)
    if isinstance(left, Masked):
        value = fact(left.of, packet)
        if value == 0 or value is DEPENDS:
            return value  # a mark
        if not isinstance(value, frozenset):
            return OPAQUE
        return DEPENDS if ANY_FLAG in value and "psh" in left.flags else value & frozenset(left.flags)
    if isinstance(left, Payload):
        return _payload(left, packet)
    if isinstance(left, Meta):
        return _meta(left, packet)
    if isinstance(left, Ct):
        return _connection(left, packet)
    if isinstance(left, Fib):
        return _route(left)
    return DEPENDS if isinstance(left, Numgen) else OPAQUE


@functools.lru_cache(maxsize=None)
def own(version: int, addresses: Tuple[str, ...]) -> Own:
    """Addresses of the host as a fact; what is none of this version is left out."""
    read = [intervals.prefix(each) for each in addresses]
    return Own(version, tuple(each for each in read if each and each.version == version))


def _payload(left: Payload, packet: Packet) -> Fact:
    known: Dict[str, Fact]
    if left.protocol in ("tcp", "th"):
        known = {"dport": packet.port, "sport": ClientPort(), "flags": _FLAGS[packet.state]}
        return known.get(left.field, OPAQUE)
    if left.protocol in ("ip", "ip6"):
        if left.protocol != packet.family:
            return ABSENT
        version = 4 if left.protocol == "ip" else 6
        known = {
            "saddr": Source(version, packet.source), "daddr": own(version, packet.here.addresses),
            "protocol": "tcp", "nexthdr": "tcp", "version": version,
        }
        return known.get(left.field, OPAQUE)
    if left.protocol == "ether":
        return DEPENDS if left.field in ("saddr", "daddr") else OPAQUE
    return ABSENT if left.protocol in _OTHER_TRANSPORTS else OPAQUE


def _meta(left: Meta, packet: Packet) -> Fact:
    known: Dict[str, Fact] = {
        "l4proto": "tcp",
        "nfproto": "ipv4" if packet.family == "ip" else "ipv6",
        "protocol": packet.family,
        "iif": Interface(packet.here.interface), "iifname": Interface(packet.here.interface),
        "pkttype": "host", "mark": packet.mark,
    }
    known.update(dict.fromkeys(("iifgroup", "iiftype", "iifkind", "hour", "day", "time", "cpu", "random"), DEPENDS))
    return known.get(left.key, OPAQUE)


def _connection(left: Ct, packet: Packet) -> Fact:
    known: Dict[str, Fact] = {"state": frozenset((packet.state,)), "direction": "original", "protocol": "tcp",
                              "mark": packet.mark}
    return known.get(left.key, OPAQUE) if left.direction in ("", "original") else OPAQUE


def _route(left: Fib) -> Fact:
    if left.result == "type" and "daddr" in left.flags:
        return "local"
    if left.result == "type" and "saddr" in left.flags:
        return "unicast"
    if left.result in ("oif", "oifname", "check") and left.flags[:1] == ("saddr",):
        return True  # there is a way back to the source: no forged packet is asked about
    return OPAQUE
