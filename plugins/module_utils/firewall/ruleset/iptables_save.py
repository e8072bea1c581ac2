# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules as iptables-save(8) prints them, as nftables would have them, so that one walk judges both.

Of the matches (iptables-extensions(8)) those are understood that firewalls of hosts use; others are never guessed.

Pure.
"""

from __future__ import annotations

import functools
import re
import shlex
from typing import Callable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset import listing
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.expressions import (
    Call,
    Ct,
    End,
    Fib,
    Gate,
    Harmless,
    Left,
    Listed,
    Masked,
    Match,
    Meta,
    Payload,
    Range,
    Set,
    Statement,
    Unread,
    Value,
)

#: Modules whose answer is known to differ from packet to packet; it holds for most of them only with these options,
_DEPENDS = frozenset((
    "limit", "hashlimit", "connlimit", "recent", "set", "mac", "time", "statistic", "quota", "geoip", "connbytes",
))
_NORMALLY = frozenset(("--limit", "--hashlimit", "--hashlimit-upto", "--connlimit-upto", "--quota"))
#: and these say no more than how it is asked.
_MANNER = re.compile(
    r"--(limit-burst|hashlimit-(burst|mode|name|srcmask|dstmask|htable-\S+|rate-match|rate-interval)|connlimit-(mask|"
    r"saddr|daddr)|set|name|seconds|hitcount|rsource|rdest|mask|rttl|reap|mode|packet|kerneltz|contiguous|"
    r"return-nomatch|connbytes-(mode|dir))\Z")
_STATES = ("new", "established", "related", "invalid", "untracked")
_GOES_ON = frozenset((
    "LOG", "NFLOG", "ULOG", "MARK", "CONNMARK", "TCPMSS", "SET", "CT", "AUDIT", "CHECKSUM", "CLASSIFY", "DSCP", "TOS",
    "TRACE", "NOTRACK", "SECMARK", "CONNSECMARK", "TTL", "HL", "LED", "IDLETIMER", "RATEEST",
))
_ENDS = {"ACCEPT": "accept", "DROP": "drop", "REJECT": "reject", "RETURN": "return", "TARPIT": "drop"}
_DIVERTS = {"DNAT": "dnat", "REDIRECT": "redirect", "NETMAP": "dnat", "TPROXY": "redirect"}
_ELSEWHERE = frozenset(("QUEUE", "NFQUEUE", "SYNPROXY"))
_RULE = re.compile(r"(?:\[\d+:\d+\] )?-A (\S+) ?(.*)")
_CHAIN = re.compile(r":(\S+) (\S+)")


class Rule(NamedTuple):
    """A rule of the chain INPUT: the words after ``-A INPUT``, and where its line stands in the text."""

    words: Tuple[str, ...]
    line: int

    @property
    def comment(self) -> str:
        """Its comment, or an empty text."""
        found = self.words
        return found[found.index("--comment") + 1] if "--comment" in found[:-1] else ""


class Saved(NamedTuple):
    """A table of one listing: its chains, their rules except those of INPUT, the rules of INPUT, and the line
    that ends the table."""

    chains: List[listing.Head]
    others: List[listing.Rule]
    input: List[Rule]
    family: str
    end: int
    table: str = "filter"

    def ruleset(self, rules: Sequence[Rule]) -> listing.Ruleset:
        """The table as nft would list it, with these rules in INPUT."""
        mine = [rule_of("INPUT", rule.words, self.family, self.table) for rule in rules]
        return listing.Ruleset(tuple(self.chains), (*self.others, *mine))


@functools.lru_cache(maxsize=16)
def parse(text: str, family: str, table: str = "filter") -> Optional[Saved]:
    """A table of what iptables-save printed, or of a file in that form; None where it has none.

    :param family: ``ip`` or ``ip6``.
    """
    chains: List[listing.Head] = []
    others: List[listing.Rule] = []
    rules: List[Rule] = []
    inside = False
    for number, line in enumerate(text.split("\n")):
        line = line.strip()
        chain, rule = _CHAIN.match(line), _RULE.match(line)
        if line.startswith("*"):
            inside = line == "*" + table
        elif inside and line == "COMMIT":
            return Saved(chains, others, rules, family, number, table)
        elif inside and chain:
            chains.append(_head(chain.group(1), chain.group(2), family, table))
        elif inside and rule:
            words = _words(rule.group(2))
            if rule.group(1) == "INPUT":
                rules.append(Rule(words, number))
            else:
                others.append(rule_of(rule.group(1), words, family, table))
    return None


def _words(text: str) -> Tuple[str, ...]:
    if not any(mark in text for mark in "\"'\\"):
        return tuple(text.split())
    try:
        return tuple(shlex.split(text))
    except ValueError:
        return ("-m", "unreadable", "-j", "DROP")  # never taken for a rule that lets anything pass


def _head(name: str, policy: str, family: str, table: str) -> listing.Head:
    hook = {"INPUT": "input", "PREROUTING": "prerouting"}.get(name) if policy != "-" else None
    return listing.Head(family, table, name, hook, table, policy.lower()) if hook else listing.Head(family, table, name)


@functools.lru_cache(maxsize=1 << 17)
def rule_of(chain: str, words: Tuple[str, ...], family: str, table: str = "filter") -> listing.Rule:
    """A rule as nft would list it."""
    statements: List[Statement] = []
    module, negated, position = "", False, 0
    while position < len(words):
        word, position = words[position], position + 1
        if word == "!":
            negated = True
            continue
        values = []
        while position < len(words) and words[position] != "!" and not words[position].startswith("-"):
            values.append(words[position])
            position += 1
        if word in ("-m", "--match"):
            module = values[0] if values else ""
            if module == "unreadable":
                statements.append(Unread())
        elif word in ("-j", "-g", "--jump", "--goto"):
            statements.append(_target(word, values))
            break
        elif word != "--comment" and not (module in _DEPENDS and _MANNER.match(word)):
            statements.append(_match(word, values, negated, module, family))
        negated = False
    return listing.Rule(family, table, chain, tuple(statements), printed=" ".join(("-A", chain, *words)))


def _target(word: str, values: List[str]) -> Statement:
    name = values[0] if values else ""
    if name in _ENDS:
        return End(_ENDS[name])
    if name in _GOES_ON:
        return Harmless("mark" if name in ("MARK", "CONNMARK") else "log")
    if name in _DIVERTS:
        return End(_DIVERTS[name])
    if name in _ELSEWHERE:
        return End("queue")
    return Call(name, word not in ("-g", "--goto"))


def _match(word: str, values: List[str], negated: bool, module: str, family: str) -> Statement:
    """One condition; what is not understood as such."""
    maker = _MATCHES.get(word)
    found = maker(values, family) if maker and (values or word == "--syn") else None
    if found is None:
        return Gate((word in _NORMALLY) is not negated) if module in _DEPENDS or word == "-f" else Unread()
    left, right = found
    if left == Ct("state") and isinstance(right, Listed):
        return Match("in", left, Listed(tuple(each for each in _STATES if (each in right.members) is not negated)))
    return Match("!=" if negated else "==", left, right)


Sides = Tuple[Left, Value]


def _port(text: str) -> Value:
    low, colon, high = text.partition(":")
    if not (low.isdigit() and (high.isdigit() if colon else True)):
        return text
    return Range(int(low), int(high)) if colon else int(low)


def _ports(field: str) -> Callable[[List[str], str], Optional[Sides]]:
    def sides(values: List[str], _family: str) -> Optional[Sides]:
        return Payload("tcp", field), Set(tuple(_port(each) for each in values[0].split(",")))

    return sides


def _address(field: str) -> Callable[[List[str], str], Optional[Sides]]:
    def sides(values: List[str], family: str) -> Optional[Sides]:
        low, dash, high = values[0].partition("-")
        return Payload(family, field), Range(low, high) if dash else low

    return sides


def _protocol(values: List[str], _family: str) -> Optional[Sides]:
    names = {"6": "tcp", "17": "udp", "1": "icmp", "58": "ipv6-icmp", "all": "tcp", "0": "tcp"}
    return Meta("l4proto"), names.get(values[0], values[0])


def _interface(values: List[str], _family: str) -> Optional[Sides]:
    name = values[0]
    return Meta("iifname"), name[:-1] + "*" if name.endswith("+") else name


def _state(values: List[str], _family: str) -> Optional[Sides]:
    return Ct("state"), Listed(tuple(each.lower() for each in values[0].split(",")))


def _flags(values: List[str], _family: str) -> Optional[Sides]:
    names = [tuple(each.lower().split(",")) for each in values]
    every = ("fin", "syn", "rst", "psh", "ack", "urg")
    if len(names) != 2:
        return None
    mask = every if names[0] == ("all",) else names[0]
    wanted: Value = 0 if names[1][0] == "none" else Listed(every if names[1][0] == "all" else names[1])
    return Masked(Payload("tcp", "flags"), mask), wanted


def _syn(_values: List[str], _family: str) -> Optional[Sides]:
    return Masked(Payload("tcp", "flags"), ("fin", "syn", "rst", "ack")), Listed(("syn",))


def _mark(values: List[str], _family: str) -> Optional[Sides]:
    value = values[0].partition("/")[0]  # with its mask: a packet without a mark has none under a mask, too
    return (Meta("mark"), int(value, 0)) if re.match(r"(0x[0-9a-fA-F]+|[1-9]\d*|0)\Z", value) else None


def _type(direction: str) -> Callable[[List[str], str], Optional[Sides]]:
    def sides(values: List[str], _family: str) -> Optional[Sides]:
        return Fib("type", (direction,)), values[0].lower()

    return sides


def _packet_type(values: List[str], _family: str) -> Optional[Sides]:
    return Meta("pkttype"), {"unicast": "host"}.get(values[0], values[0])


_MATCHES: Mapping[str, Callable[[List[str], str], Optional[Sides]]] = {
    "-p": _protocol, "-s": _address("saddr"), "-d": _address("daddr"), "-i": _interface,
    "--dport": _ports("dport"), "--dports": _ports("dport"), "--ports": _ports("dport"),
    "--sport": _ports("sport"), "--sports": _ports("sport"),
    "--src-range": _address("saddr"), "--dst-range": _address("daddr"),
    "--state": _state, "--ctstate": _state, "--tcp-flags": _flags, "--syn": _syn, "--mark": _mark,
    "--pkt-type": _packet_type,
    "--src-type": _type("saddr"), "--dst-type": _type("daddr"),
}
