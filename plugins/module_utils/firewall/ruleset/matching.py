# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Would a match of an nftables rule apply to a packet of a TCP connection from outside?

The packet is known in part: it goes to a given port, begins a connection or belongs to an established one, and did not
come in by the loopback interface; its source may be given. So there are four answers, and what is not understood is
never guessed.

Pure.
"""

from __future__ import annotations

import enum
import ipaddress
from typing import Dict, FrozenSet, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.expressions import (
    Concat,
    Ct,
    Fib,
    Joined,
    Left,
    Listed,
    Masked,
    Match,
    Meta,
    Named,
    Numgen,
    Payload,
    Prefix,
    Range,
    Set,
    Value,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.listing import NamedSet
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.grammar import Network

NO, SOME, MAYBE, YES = "no", "some", "maybe", "yes"
"""NO and YES are certain. SOME: it depends on things known to differ (source, interface, rate, time of day). MAYBE: the
expression is not understood here."""

Sets = Mapping[Tuple[str, str, str], NamedSet]
"""Named sets and maps, by family, table and name."""


class Unfixed(enum.Enum):
    """Facts that are no value."""

    ABSENT = "the packet has no such field"
    DEPENDS = "it differs"
    OPAQUE = "it is not understood"


ABSENT, DEPENDS, OPAQUE = Unfixed.ABSENT, Unfixed.DEPENDS, Unfixed.OPAQUE

_OTHER_TRANSPORTS = (
    "udp", "udplite", "icmp", "icmpv6", "sctp", "dccp", "esp", "ah", "comp", "igmp", "arp", "gre", "vxlan",
)
_ANY = "?"  # among flags: the others may be set or not
_FLAGS = {"new": frozenset(("syn",)), "established": frozenset(("ack", _ANY))}
# No packet from another machine has such a source: the kernel drops them as martians.
_NEVER_OUTSIDE = tuple(ipaddress.ip_network(text) for text in ("127.0.0.0/8", "::1/128", "224.0.0.0/4", "ff00::/8"))


class Packet(NamedTuple):
    """The packet asked about: destination port, ``ip`` or ``ip6``, the network it comes from (None: anywhere), and what
    it is to its connection: the SYN of a ``new`` one, or a later one of an ``established`` one."""

    port: int
    family: str
    source: Optional[Network] = None
    state: str = "new"


class _Interface(NamedTuple):
    """The fact that the packet came in by an interface other than lo."""


class _Source(NamedTuple):
    """The fact that the packet comes from this network, or from anywhere outside."""

    version: int
    network: Optional[Network]

    def within(self, elements: Sequence[Value]) -> str:
        """Whether the source lies in these addresses, prefixes and ranges taken together."""
        merged = networks_of(elements)
        if merged is None:
            return MAYBE
        merged = [each for each in merged if each.version == self.version]
        if any(each.prefixlen == 0 for each in merged):
            return YES
        if self.network is None:
            return SOME if any(not _never_outside(each) for each in merged) else NO
        mine = self.network
        if any(_contains(each, mine) for each in merged):
            return YES
        return SOME if any(_contains(mine, each) for each in merged) else NO


class _Several(NamedTuple):
    """The facts of several fields in one."""

    facts: "Tuple[Fact, ...]"


Fact = Union[Unfixed, int, str, FrozenSet[str], _Interface, _Source, _Several]


def invert(answer: str) -> str:
    """The answer to the opposite question."""
    return {YES: NO, NO: YES}.get(answer, answer)


def both(answers: Sequence[str]) -> str:
    """All of them must hold: one NO settles it, then what is not understood, then what depends."""
    return next((each for each in (NO, MAYBE, SOME) if each in answers), YES)


def either(answers: Sequence[str]) -> str:
    """One of them must hold."""
    return next((each for each in (YES, MAYBE, SOME) if each in answers), NO)


def matches(match: Match, packet: Packet, sets: Sets, table: Tuple[str, str]) -> str:
    """Whether a condition holds.

    :param table: family and name of the rule's table, where its sets are looked up.
    """
    return compare(fact(match.left, packet), match.op, match.right, sets, table)


def compare(value: Fact, op: str, right: Value, sets: Sets, table: Tuple[str, str]) -> str:
    """Compare a fact with the right side of a match or the key of a verdict map."""
    if value is ABSENT:
        return NO  # nft puts a test of the protocol before it, whatever the operator
    if value is OPAQUE:
        return MAYBE
    if op in ("<", ">", "<=", ">="):
        return _ordered(value, op, right)
    if op not in ("==", "!=", "in"):
        return MAYBE
    answer = _equal(value, right, sets, table, op == "in")
    return invert(answer) if op == "!=" else answer


def _ordered(value: Fact, op: str, right: Value) -> str:
    if value is DEPENDS:
        return SOME
    if not isinstance(value, int) or not isinstance(right, int):
        return MAYBE
    holds = {"<": value < right, ">": value > right, "<=": value <= right, ">=": value >= right}[op]
    return YES if holds else NO


def _equal(value: Fact, right: Value, sets: Sets, table: Tuple[str, str], any_bit: bool) -> str:
    if isinstance(right, Named):
        named = sets.get((table[0], table[1], right.name))
        if named is None:
            return MAYBE
        right = Set(named.elements)
    if isinstance(right, Set):
        return _in_set(value, right.elements, sets, table)
    if isinstance(value, frozenset):
        return _flags(value, right, any_bit)
    if isinstance(right, Listed):
        return either([_single(value, each) for each in right.members])
    if isinstance(value, _Several):
        if not isinstance(right, Joined) or len(right.parts) != len(value.facts):
            return MAYBE
        return both([compare(mine, "==", theirs, sets, table) for mine, theirs in zip(value.facts, right.parts)])
    return _single(value, right)


def _in_set(value: Fact, elements: Sequence[Value], sets: Sets, table: Tuple[str, str]) -> str:
    if not elements:
        return NO
    if isinstance(value, _Source):
        return value.within(elements)
    return either([_equal(value, element, sets, table, False) for element in elements])


def _flags(value: FrozenSet[str], right: Value, any_bit: bool) -> str:
    members = right.members if isinstance(right, Listed) else (right,)
    wanted = frozenset(flag for flag in members if isinstance(flag, str))
    if len(wanted) != len(frozenset(members)):
        return MAYBE if right != 0 or _ANY in value else NO if value else YES
    if any_bit:
        return YES if value & wanted else SOME if _ANY in value and "psh" in wanted else NO
    return SOME if _ANY in value else YES if value == wanted else NO


def _single(value: Fact, right: Value) -> str:
    if value is DEPENDS:
        return SOME
    if isinstance(value, _Source):
        return value.within([right])
    if isinstance(value, _Interface):
        if not isinstance(right, str):
            return MAYBE
        return NO if right == "lo" else YES if right == "*" else SOME
    if isinstance(right, Range) and isinstance(value, int):
        low, high = right
        return MAYBE if isinstance(low, str) or isinstance(high, str) else YES if low <= value <= high else NO
    if not isinstance(right, (str, int)):
        return MAYBE
    if isinstance(value, bool):
        missing = right in (False, 0, "0")
        return NO if missing else YES if right is True else SOME
    if value == "tcp":
        return YES if right in ("tcp", "6", 6) else NO
    if not isinstance(right, type(value)):
        return MAYBE  # a service by name, a number for a protocol
    return YES if value == right else NO


def merge(networks: Sequence[Network]) -> List[Network]:
    """The same addresses in as few networks as possible, IPv4 first, sorted."""
    four = [each for each in networks if isinstance(each, ipaddress.IPv4Network)]
    six = [each for each in networks if isinstance(each, ipaddress.IPv6Network)]
    return [*ipaddress.collapse_addresses(four), *ipaddress.collapse_addresses(six)]


def networks_of(elements: Sequence[Value]) -> Optional[List[Network]]:
    """Addresses, prefixes and ranges, merged; None when one of them is something else."""
    found: List[Network] = []
    for element in elements:
        read = _networks(element)
        if read is None:
            return None
        found += read
    return merge(found)


def _contains(outer: Network, inner: Network) -> bool:
    if isinstance(outer, ipaddress.IPv4Network) and isinstance(inner, ipaddress.IPv4Network):
        return inner.subnet_of(outer)
    if isinstance(outer, ipaddress.IPv6Network) and isinstance(inner, ipaddress.IPv6Network):
        return inner.subnet_of(outer)
    return False


def _never_outside(network: Network) -> bool:
    return any(_contains(each, network) for each in _NEVER_OUTSIDE)


def _networks(element: Value) -> Optional[List[Network]]:
    """An address, prefix or range as networks; None when it is none of them."""
    try:
        if isinstance(element, str):
            return [ipaddress.ip_network(element)]
        if isinstance(element, Prefix):
            return [ipaddress.ip_network("%s/%d" % element, strict=False)]
        if isinstance(element, Range) and isinstance(element.low, str) and isinstance(element.high, str):
            low, high = ipaddress.ip_address(element.low), ipaddress.ip_address(element.high)
            return list(ipaddress.summarize_address_range(low, high))
    except (ValueError, TypeError):
        return None
    return None


def fact(left: Left, packet: Packet) -> Fact:
    """What the left side of a match is worth for this packet."""
    if isinstance(left, Concat):
        facts = tuple(fact(each, packet) for each in left.parts)
        return ABSENT if ABSENT in facts else _Several(facts)
    if isinstance(left, Masked):
        value = fact(left.of, packet)
        if not isinstance(value, frozenset):
            return OPAQUE
        return DEPENDS if _ANY in value and "psh" in left.flags else value & frozenset(left.flags)
    if isinstance(left, Payload):
        return _payload(left, packet)
    if isinstance(left, Meta):
        return _meta(left, packet)
    if isinstance(left, Ct):
        return _connection(left, packet)
    if isinstance(left, Fib):
        return _route(left)
    return DEPENDS if isinstance(left, Numgen) else OPAQUE


def _payload(left: Payload, packet: Packet) -> Fact:
    known: Dict[str, Fact]
    if left.protocol in ("tcp", "th"):
        known = {"dport": packet.port, "sport": DEPENDS, "flags": _FLAGS[packet.state]}
        return known.get(left.field, OPAQUE)
    if left.protocol in ("ip", "ip6"):
        if left.protocol != packet.family:
            return ABSENT
        version = 4 if left.protocol == "ip" else 6
        known = {
            "saddr": _Source(version, packet.source), "daddr": DEPENDS,
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
        "iif": _Interface(), "iifname": _Interface(),
        "pkttype": "host",
    }
    known.update(dict.fromkeys(("iifgroup", "iiftype", "iifkind", "hour", "day", "time", "cpu", "random"), DEPENDS))
    return known.get(left.key, OPAQUE)


def _connection(left: Ct, packet: Packet) -> Fact:
    known: Dict[str, Fact] = {"state": frozenset((packet.state,)), "direction": "original", "protocol": "tcp"}
    return known.get(left.key, OPAQUE) if left.direction in ("", "original") else OPAQUE


def _route(left: Fib) -> Fact:
    if left.result == "type" and "daddr" in left.flags:
        return "local"
    if left.result == "type" and "saddr" in left.flags:
        return "unicast"
    if left.result in ("oif", "oifname", "check") and left.flags[:1] == ("saddr",):
        return True  # there is a way back to the source: no forged packet is asked about
    return OPAQUE
