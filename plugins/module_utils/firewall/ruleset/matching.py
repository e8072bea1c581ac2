# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Would a match of an nftables rule apply to a packet of a TCP connection from outside? (libnftables-json(5))

The packet is known in part: it goes to a given port, begins a connection or belongs to an established one, and did not
come in by the loopback interface; its source may be given. So there are four answers, and what is not understood is
never guessed.

Pure.
"""

from __future__ import annotations

import ipaddress
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

NO, SOME, MAYBE, YES = "no", "some", "maybe", "yes"
"""NO and YES are certain. SOME: it depends on things known to differ (source, interface, rate, time of day). MAYBE: the
expression is not understood here."""

Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]
Sets = Mapping[Tuple[str, str, str], Any]
"""Named sets and maps, by family, table and name."""

ABSENT, DEPENDS, OPAQUE = object(), object(), object()
"""Facts that are no value: the packet has no such field; it differs; it is not understood."""

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


def invert(answer: str) -> str:
    """The answer to the opposite question."""
    return {YES: NO, NO: YES}.get(answer, answer)


def both(answers: Sequence[str]) -> str:
    """All of them must hold: one NO settles it, then what is not understood, then what depends."""
    return next((each for each in (NO, MAYBE, SOME) if each in answers), YES)


def either(answers: Sequence[str]) -> str:
    """One of them must hold."""
    return next((each for each in (YES, MAYBE, SOME) if each in answers), NO)


def matches(match: Mapping[str, Any], packet: Packet, sets: Sets, table: Tuple[str, str]) -> str:
    """Whether a ``match`` statement applies.

    :param match: its JSON: op, left, right.
    :param table: family and name of the rule's table, where its sets are looked up.
    """
    return compare(fact(match.get("left"), packet), str(match.get("op", "==")), match.get("right"), sets, table)


def compare(value: Any, op: str, right: Any, sets: Sets, table: Tuple[str, str]) -> str:
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


def _ordered(value: Any, op: str, right: Any) -> str:
    if value is DEPENDS:
        return SOME
    if not isinstance(value, int) or not isinstance(right, int):
        return MAYBE
    holds = {"<": value < right, ">": value > right, "<=": value <= right, ">=": value >= right}[op]
    return YES if holds else NO


def _equal(value: Any, right: Any, sets: Sets, table: Tuple[str, str], any_bit: bool) -> str:
    if isinstance(right, str) and right.startswith("@"):
        named = sets.get((table[0], table[1], right[1:]))
        if named is None:
            return MAYBE
        right = {"set": named.get("elem", [])}
    if isinstance(right, Mapping) and "set" in right:
        elements = right["set"] if isinstance(right["set"], list) else [right["set"]]
        return _in_set(value, [_plain(element) for element in elements], sets, table)
    right = _plain(right)
    if isinstance(value, frozenset):
        return _flags(value, right, any_bit)
    if isinstance(right, list):
        return either([_single(value, each) for each in right])
    if isinstance(value, tuple) and not isinstance(value, (_Interface, _Source)):
        parts = right.get("concat") if isinstance(right, Mapping) else None
        if not isinstance(parts, list) or len(parts) != len(value):
            return MAYBE
        return both([compare(mine, "==", theirs, sets, table) for mine, theirs in zip(value, parts)])
    return _single(value, right)


def _plain(element: Any) -> Any:
    """An element without its time-out, counter and comment."""
    if isinstance(element, Mapping) and isinstance(element.get("elem"), Mapping):
        return element["elem"].get("val")
    return element


def _in_set(value: Any, elements: List[Any], sets: Sets, table: Tuple[str, str]) -> str:
    if not elements:
        return NO
    if isinstance(value, _Source):
        return value.within(elements)
    return either([_equal(value, element, sets, table, False) for element in elements])


def _flags(value: "frozenset[str]", right: Any, any_bit: bool) -> str:
    wanted = right if isinstance(right, list) else [right]
    if not all(isinstance(flag, str) for flag in wanted):
        return MAYBE if right != 0 or _ANY in value else NO if value else YES
    if any_bit:
        return YES if value & frozenset(wanted) else SOME if _ANY in value and "psh" in wanted else NO
    return SOME if _ANY in value else YES if value == frozenset(wanted) else NO


def _single(value: Any, right: Any) -> str:
    if value is DEPENDS:
        return SOME
    if isinstance(value, _Source):
        return value.within([right])
    if isinstance(value, _Interface):
        if not isinstance(right, str):
            return MAYBE
        return NO if right == "lo" else YES if right == "*" else SOME
    if isinstance(right, Mapping):
        bounds = right.get("range")
        if isinstance(bounds, list) and len(bounds) == 2 and all(isinstance(each, int) for each in [value, *bounds]):
            return YES if bounds[0] <= value <= bounds[1] else NO
        return MAYBE
    if isinstance(value, bool):
        missing = right in (False, 0, "0")
        return NO if missing else YES if right is True else SOME
    if value == "tcp":
        return YES if right in ("tcp", "6", 6) else NO
    if not isinstance(right, type(value)):
        return MAYBE  # a service by name, a number for a protocol
    return YES if value == right else NO


class _Source(NamedTuple):
    """The fact that the packet comes from this network, or from anywhere outside."""

    version: int
    network: Optional[Network]

    def within(self, elements: Sequence[Any]) -> str:
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


def merge(networks: Sequence[Network]) -> List[Network]:
    """The same addresses in as few networks as possible, IPv4 first, sorted."""
    four = [each for each in networks if isinstance(each, ipaddress.IPv4Network)]
    six = [each for each in networks if isinstance(each, ipaddress.IPv6Network)]
    return [*ipaddress.collapse_addresses(four), *ipaddress.collapse_addresses(six)]


def networks_of(elements: Sequence[Any]) -> Optional[List[Network]]:
    """Addresses, prefixes and ranges of the JSON, merged; None when one of them is something else."""
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


def _networks(element: Any) -> Optional[List[Network]]:
    """An address, prefix or range of the JSON as networks; None when it is none of them."""
    element = _plain(element)
    try:
        if isinstance(element, str):
            return [ipaddress.ip_network(element)]
        if isinstance(element, Mapping) and "prefix" in element:
            return [ipaddress.ip_network("%s/%s" % (element["prefix"]["addr"], element["prefix"]["len"]), strict=False)]
        if isinstance(element, Mapping) and "range" in element:
            low, high = (ipaddress.ip_address(each) for each in element["range"])
            return list(ipaddress.summarize_address_range(low, high))
    except (ValueError, TypeError, KeyError):
        return None
    return None


def fact(left: Any, packet: Packet) -> Any:
    """What an expression on the left of a match is worth for this packet."""
    if not isinstance(left, Mapping) or len(left) != 1:
        return OPAQUE
    kind, body = next(iter(left.items()))
    if kind == "concat" and isinstance(body, list):
        values = tuple(fact(each, packet) for each in body)
        return ABSENT if ABSENT in values else values
    if kind == "&" and isinstance(body, list) and len(body) == 2 and isinstance(body[1], (list, str)):
        value = fact(body[0], packet)
        mask = body[1] if isinstance(body[1], list) else [body[1]]
        if not isinstance(value, frozenset) or not _all_text(mask):
            return OPAQUE
        return DEPENDS if _ANY in value and "psh" in mask else value & frozenset(mask)
    if kind == "numgen":
        return DEPENDS
    if not isinstance(body, Mapping):
        return OPAQUE
    if kind in ("payload", "meta"):
        return _payload(body, packet) if kind == "payload" else _meta(body, packet)
    if kind in ("ct", "fib"):
        return _connection(body, packet) if kind == "ct" else _route(body)
    return OPAQUE


def _all_text(values: Sequence[Any]) -> bool:
    return all(isinstance(each, str) for each in values)


def _payload(body: Mapping[str, Any], packet: Packet) -> Any:
    protocol, field = body.get("protocol"), body.get("field")
    if protocol in ("tcp", "th"):
        known: Dict[str, Any] = {"dport": packet.port, "sport": DEPENDS, "flags": _FLAGS[packet.state]}
        return known.get(str(field), OPAQUE)
    if protocol in ("ip", "ip6"):
        if protocol != packet.family:
            return ABSENT
        version = 4 if protocol == "ip" else 6
        known = {
            "saddr": _Source(version, packet.source), "daddr": DEPENDS,
            "protocol": "tcp", "nexthdr": "tcp", "version": version,
        }
        return known.get(str(field), OPAQUE)
    if protocol == "ether":
        return DEPENDS if field in ("saddr", "daddr") else OPAQUE
    return ABSENT if protocol in _OTHER_TRANSPORTS else OPAQUE


def _meta(body: Mapping[str, Any], packet: Packet) -> Any:
    known: Dict[str, Any] = {
        "l4proto": "tcp",
        "nfproto": "ipv4" if packet.family == "ip" else "ipv6",
        "protocol": packet.family,
        "iif": _Interface(), "iifname": _Interface(),
        "pkttype": "host",
    }
    known.update(dict.fromkeys(("iifgroup", "iiftype", "iifkind", "hour", "day", "time", "cpu", "random"), DEPENDS))
    return known.get(str(body.get("key")), OPAQUE)


def _connection(body: Mapping[str, Any], packet: Packet) -> Any:
    known: Dict[str, Any] = {"state": frozenset((packet.state,)), "direction": "original", "protocol": "tcp"}
    return known.get(str(body.get("key")), OPAQUE) if body.get("dir") in (None, "original") else OPAQUE


def _route(body: Mapping[str, Any]) -> Any:
    result, flags = body.get("result"), body.get("flags", [])
    flags = flags if isinstance(flags, list) else [flags]
    if result == "type" and "daddr" in flags:
        return "local"
    if result == "type" and "saddr" in flags:
        return "unicast"
    if result in ("oif", "oifname", "check") and flags[:1] == ["saddr"]:
        return True  # there is a way back to the source: no forged packet is asked about
    return OPAQUE
