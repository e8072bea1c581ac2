# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules as iptables-save(8) prints them, in the words of libnftables-json(5), so that one walk judges both.

Of the matches (iptables-extensions(8)) those are understood that firewalls of hosts use; others are never guessed.

Pure.
"""

from __future__ import annotations

import re
import shlex
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple

#: Modules whose answer is known to differ from packet to packet.
_DEPENDS = frozenset((
    "limit", "hashlimit", "connlimit", "recent", "set", "mac", "time", "statistic", "quota", "geoip", "connbytes",
))
_STATES = ("new", "established", "related", "invalid", "untracked")
_GOES_ON = frozenset((
    "LOG", "NFLOG", "ULOG", "MARK", "CONNMARK", "TCPMSS", "SET", "CT", "AUDIT", "CHECKSUM", "CLASSIFY", "DSCP", "TOS",
    "TRACE", "NOTRACK", "SECMARK", "CONNSECMARK", "TTL", "HL", "LED", "IDLETIMER", "RATEEST",
))
_ENDS = {"ACCEPT": "accept", "DROP": "drop", "REJECT": "reject", "RETURN": "return", "TARPIT": "drop"}
_ELSEWHERE = frozenset(("QUEUE", "NFQUEUE", "SYNPROXY"))
_RULE = re.compile(r"(?:\[\d+:\d+\] )?-A (\S+) ?(.*)")
_CHAIN = re.compile(r":(\S+) (\S+)")
_GATE = {"limit": {}}  # type: Dict[str, Any]
_OPAQUE = {"xt": None}  # type: Dict[str, Any]


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
    """The filter table of one listing: its chains as JSON, the rules of INPUT, the line that ends the table."""

    chains: List[Dict[str, Any]]
    others: List[Dict[str, Any]]
    input: List[Rule]
    family: str
    end: int

    def objects(self, rules: List[Rule]) -> List[Dict[str, Any]]:
        """The table in JSON, with these rules in INPUT."""
        return self.chains + self.others + [
            {"rule": rule_json("INPUT", rule.words, self.family)} for rule in rules
        ]


def parse(text: str, family: str) -> Optional[Saved]:
    """The filter table of what iptables-save printed, or of a file in that form; None where it has none.

    :param family: ``ip`` or ``ip6``.
    """
    chains: List[Dict[str, Any]] = []
    others: List[Dict[str, Any]] = []
    rules: List[Rule] = []
    inside = False
    for number, line in enumerate(text.split("\n")):
        line = line.strip()
        chain, rule = _CHAIN.match(line), _RULE.match(line)
        if line.startswith("*"):
            inside = line == "*filter"
        elif inside and line == "COMMIT":
            return Saved(chains, others, rules, family, number)
        elif inside and chain:
            chains.append({"chain": _chain(chain.group(1), chain.group(2), family)})
        elif inside and rule:
            words = _words(rule.group(2))
            if rule.group(1) == "INPUT":
                rules.append(Rule(words, number))
            else:
                others.append({"rule": rule_json(rule.group(1), words, family)})
    return None


def _words(text: str) -> Tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError:
        return ("-m", "unreadable", "-j", "DROP")  # never taken for a rule that lets anything pass


def _chain(name: str, policy: str, family: str) -> Dict[str, Any]:
    found = {"family": family, "table": "filter", "name": name}
    if policy != "-" and name == "INPUT":
        found.update(hook="input", type="filter", policy=policy.lower())
    return found


def rule_json(chain: str, words: Tuple[str, ...], family: str) -> Dict[str, Any]:
    """A rule as ``nft -j`` would print it."""
    expressions: List[Dict[str, Any]] = []
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
                expressions.append(_OPAQUE)
        elif word in ("-j", "-g", "--jump", "--goto"):
            expressions += _target(word, values)
            break
        elif word != "--comment":
            expressions.append(_match(word, values, negated, module, family))
        negated = False
    return {"family": family, "table": "filter", "chain": chain, "handle": 0, "expr": expressions}


def _target(word: str, values: List[str]) -> List[Dict[str, Any]]:
    name = values[0] if values else ""
    if name in _ENDS:
        return [{_ENDS[name]: None}]
    if name in _GOES_ON:
        return [{"log": None}]
    if name in _ELSEWHERE:
        return [{"queue": None}]
    return [{"goto" if word in ("-g", "--goto") else "jump": {"target": name}}]


def _match(word: str, values: List[str], negated: bool, module: str, family: str) -> Dict[str, Any]:
    """One condition; what is not understood as such."""
    op = "!=" if negated else "=="
    maker = _MATCHES.get(word)
    if maker and values:
        found = maker(values, family)
        if found is not None:
            left, right = found
            if left == {"ct": {"key": "state"}}:
                given = [state for state in _STATES if (state in right) is not negated]
                return {"match": {"op": "in", "left": left, "right": given}}
            return {"match": {"op": op, "left": left, "right": right}}
    return _GATE if module in _DEPENDS else _OPAQUE


Sides = Tuple[Dict[str, Any], Any]


def _payload(protocol: str, field: str) -> Dict[str, Any]:
    return {"payload": {"protocol": protocol, "field": field}}


def _port(text: str) -> Any:
    low, colon, high = text.partition(":")
    if not (low.isdigit() and (high.isdigit() if colon else True)):
        return text
    return {"range": [int(low), int(high)]} if colon else int(low)


def _ports(field: str) -> Callable[[List[str], str], Optional[Sides]]:
    def sides(values: List[str], _family: str) -> Optional[Sides]:
        return _payload("tcp", field), {"set": [_port(each) for each in values[0].split(",")]}

    return sides


def _address(field: str) -> Callable[[List[str], str], Optional[Sides]]:
    def sides(values: List[str], family: str) -> Optional[Sides]:
        text = values[0]
        if "-" in text:
            return _payload(family, field), {"range": text.split("-", 1)}
        return _payload(family, field), text

    return sides


def _protocol(values: List[str], _family: str) -> Optional[Sides]:
    names = {"6": "tcp", "17": "udp", "1": "icmp", "58": "ipv6-icmp"}
    if values[0] in ("all", "0"):
        return {"meta": {"key": "l4proto"}}, "tcp"
    return {"meta": {"key": "l4proto"}}, names.get(values[0], values[0])


def _interface(values: List[str], _family: str) -> Optional[Sides]:
    name = values[0]
    return {"meta": {"key": "iifname"}}, name[:-1] + "*" if name.endswith("+") else name


def _state(values: List[str], _family: str) -> Optional[Sides]:
    return {"ct": {"key": "state"}}, [each.lower() for each in values[0].split(",")]


def _flags(values: List[str], _family: str) -> Optional[Sides]:
    names = [each.lower().split(",") for each in values]
    every = ["fin", "syn", "rst", "psh", "ack", "urg"]
    if len(names) != 2:
        return None
    mask = every if names[0] == ["all"] else names[0]
    wanted: Any = {"all": every, "none": 0}.get(names[1][0], names[1])
    return {"&": [_payload("tcp", "flags"), mask]}, wanted


def _type(direction: str) -> Callable[[List[str], str], Optional[Sides]]:
    def sides(values: List[str], _family: str) -> Optional[Sides]:
        return {"fib": {"result": "type", "flags": [direction]}}, values[0].lower()

    return sides


def _packet_type(values: List[str], _family: str) -> Optional[Sides]:
    return {"meta": {"key": "pkttype"}}, {"unicast": "host"}.get(values[0], values[0])


_MATCHES: Mapping[str, Callable[[List[str], str], Optional[Sides]]] = {
    "-p": _protocol, "-s": _address("saddr"), "-d": _address("daddr"), "-i": _interface,
    "--dport": _ports("dport"), "--dports": _ports("dport"), "--sport": _ports("sport"), "--sports": _ports("sport"),
    "--src-range": _address("saddr"), "--dst-range": _address("daddr"),
    "--state": _state, "--ctstate": _state, "--tcp-flags": _flags, "--pkt-type": _packet_type,
    "--src-type": _type("saddr"), "--dst-type": _type("daddr"),
}
