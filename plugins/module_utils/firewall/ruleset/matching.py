# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Would a match of an nftables rule apply to a packet of a TCP connection from outside?

The packet is known in part (``packets``). So there are five answers, and what is not understood is never guessed.

Pure.
"""

from __future__ import annotations

import ipaddress
from typing import FrozenSet, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.expressions import (
    Joined,
    Listed,
    Match,
    Named,
    Prefix,
    Range,
    Set,
    Value,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.listing import NamedSet
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.packets import (
    ABSENT,
    ANY_FLAG,
    DEPENDS,
    MAYBE,
    MOST,
    NO,
    OPAQUE,
    SOME,
    YES,
    ClientPort,
    Fact,
    Interface,
    Own,
    Packet,
    Several,
    Source,
    fact,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.grammar import Network

Sets = Mapping[Tuple[str, str, str], NamedSet]
"""Named sets and maps, by family, table and name."""


def invert(answer: str) -> str:
    """The answer to the opposite question."""
    return {YES: NO, NO: YES, SOME: MOST, MOST: SOME}.get(answer, answer)


def both(answers: Sequence[str]) -> str:
    """All of them must hold: one NO settles it, then what is not understood, then what depends."""
    return next((each for each in (NO, MAYBE, SOME, MOST) if each in answers), YES)


def either(answers: Sequence[str]) -> str:
    """One of them must hold."""
    return next((each for each in (YES, MAYBE, MOST, SOME) if each in answers), NO)


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
    if op not in ("==", "!=", "in", "!"):
        return MAYBE
    answer = _equal(value, right, sets, table, op in ("in", "!"))
    return invert(answer) if op in ("!=", "!") else answer


def _ordered(value: Fact, op: str, right: Value) -> str:
    if value is DEPENDS:
        return SOME
    if isinstance(value, ClientPort) and isinstance(right, int):
        return value.between(right + (op == ">"), 65535) if op[0] == ">" else value.between(0, right - (op == "<"))
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
    if isinstance(value, Several):
        if not isinstance(right, Joined) or len(right.parts) != len(value.facts):
            return MAYBE
        return both([compare(mine, "==", theirs, sets, table) for mine, theirs in zip(value.facts, right.parts)])
    return _single(value, right)


def _in_set(value: Fact, elements: Sequence[Value], sets: Sets, table: Tuple[str, str]) -> str:
    if not elements:
        return NO
    if isinstance(value, (Source, Own)):
        return value.within(elements)
    return either([_equal(value, element, sets, table, False) for element in elements])


def _flags(value: FrozenSet[str], right: Value, any_bit: bool) -> str:
    members = right.members if isinstance(right, Listed) else (right,)
    wanted = frozenset(flag for flag in members if isinstance(flag, str))
    if len(wanted) != len(frozenset(members)):
        return MAYBE if right != 0 or ANY_FLAG in value else NO if value else YES
    if any_bit:
        return YES if value & wanted else SOME if ANY_FLAG in value and "psh" in wanted else NO
    return SOME if ANY_FLAG in value else YES if value == wanted else NO


def _single(value: Fact, right: Value) -> str:
    if value is DEPENDS:
        return SOME
    if isinstance(value, (Source, Own)):
        return value.within([right])
    if isinstance(value, Interface):
        return value.named(right) if isinstance(right, str) else MAYBE
    if isinstance(value, ClientPort):
        low, high = right if isinstance(right, Range) else (right, right)
        return value.between(low, high) if isinstance(low, int) and isinstance(high, int) else MAYBE
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
