# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The way of one packet through the base chains of an nftables rule set, as the kernel goes it (nft(8)).

A drop anywhere is final, an accept only ends its own base chain. `nftables_match` knows what a single match means; here
every outcome that is possible is collected.

Pure.
"""

from __future__ import annotations

from typing import Any, Dict, FrozenSet, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset import matching as match
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.matching import Packet

_NO_EFFECT = frozenset((
    "counter", "log", "comment", "mangle", "notrack", "last", "ct helper", "ct timeout", "ct expectation", "secmark",
    "flow", "dup",
))
# nft leaves out the test of the address family before these, as a reject of this type implies it. Before a TCP reset in
# a table of both families it leaves it out, too, though nothing implies it: such a rule may be for one family only.
_REJECT_FAMILY = {"icmp": "ip", "icmpv6": "ip6"}
_GATES = frozenset(("limit", "quota", "ct count", "meter"))
_END: Mapping[str, str] = {
    "accept": "accept", "drop": "drop", "reject": "drop", "return": "return", "continue": "next",
    "snat": "accept", "dnat": "accept", "masquerade": "accept", "redirect": "accept",
    "queue": "elsewhere", "synproxy": "elsewhere", "fwd": "elsewhere",  # a program or another machine decides
}

Outcomes = FrozenSet[str]


class Chain(NamedTuple):
    """A base chain with its rules, in order, as the JSON has them."""

    family: str
    table: str
    name: str
    hook: str
    kind: str
    policy: str
    rules: Tuple[Mapping[str, Any], ...]


class Assume(NamedTuple):
    """What is taken for granted on a walk: may conditions known to differ hold, and what of those not understood."""

    some: bool
    maybe: str  # no, yes, both


class Rules:
    """The rule set, indexed."""

    def __init__(self, ruleset: Any) -> None:
        objects = ruleset.get("nftables", []) if isinstance(ruleset, Mapping) else ruleset
        self.sets: Dict[Tuple[str, str, str], Any] = {}
        self.rules: Dict[Tuple[str, str, str], List[Mapping[str, Any]]] = {}
        self.base: List[Mapping[str, Any]] = []
        for item in objects:
            for kind, body in item.items():
                if kind in ("set", "map"):
                    self.sets[(body["family"], body["table"], body["name"])] = body
                elif kind == "chain":
                    self.rules.setdefault((body["family"], body["table"], body["name"]), [])
                    if "hook" in body:
                        self.base.append(body)
                elif kind == "rule":
                    self.rules.setdefault((body["family"], body["table"], body["chain"]), []).append(body)

    def chains(self, hooks: Sequence[str]) -> List[Chain]:
        """The base chains at these hooks."""
        return [
            Chain(
                each["family"], each["table"], each["name"], each["hook"], each.get("type", "filter"),
                each.get("policy", "accept"), tuple(self.rules[(each["family"], each["table"], each["name"])]),
            )
            for each in self.base if each["hook"] in hooks
        ]


class Walk:
    """One packet on its way through chains, under one assumption; every outcome that is possible is collected."""

    def __init__(self, rules: Rules, packet: Packet, assume: Assume) -> None:
        self.rules, self.packet, self.assume = rules, packet, assume
        self.known: Dict[Tuple[str, str, str], Outcomes] = {}

    def base(self, chain: Chain) -> Outcomes:
        """The outcomes of a base chain: accept, drop, elsewhere."""
        found = self._sequence(chain.rules, (chain.family, chain.table), 0)
        return found - {"return"} | ({chain.policy} if "return" in found else set())

    def _sequence(self, rules: Sequence[Mapping[str, Any]], table: Tuple[str, str], depth: int) -> Outcomes:
        possible: Set[str] = set()
        for rule in rules:
            found = self._rule(rule, table, depth)
            possible |= found - {"next"}
            if "next" not in found:
                return frozenset(possible)
        return frozenset(possible | {"return"})

    def _called(self, name: str, table: Tuple[str, str], depth: int) -> Outcomes:
        key = (table[0], table[1], name)
        if depth > 16 or key not in self.rules.rules:  # the kernel's own bound
            return frozenset({"elsewhere"})
        if key not in self.known:
            self.known[key] = self._sequence(self.rules.rules[key], table, depth)
        return self.known[key]

    def _may(self, answer: str) -> Tuple[bool, bool]:
        """Whether something may hold, and whether it may not."""
        if answer == match.SOME:
            return self.assume.some, True
        if answer == match.MAYBE:
            return self.assume.maybe != "no", self.assume.maybe != "yes"
        return answer == match.YES, answer == match.NO

    def _rule(self, rule: Mapping[str, Any], table: Tuple[str, str], depth: int) -> Outcomes:
        answers: List[str] = []
        for statement in rule.get("expr", []):
            kind, body = next(iter(statement.items()), ("", None))
            ending = self._ending(kind, body, table, depth)
            if kind == "reject" and body == {"type": "tcp reset"} and table[0] == "inet" and not _tells_family(rule):
                answers.append(match.MAYBE)
            if ending is not None:
                may, may_not = self._may(match.both(answers))
                return (ending if may else frozenset()) | (frozenset({"next"}) if may_not else frozenset())
            answers.append(self._condition(kind, body, table))
            if answers[-1] == match.NO:
                break
        return frozenset({"next"})

    def _condition(self, kind: str, body: Any, table: Tuple[str, str]) -> str:
        if kind == "match":
            return match.matches(body, self.packet, self.rules.sets, table)
        if kind in _GATES or (kind in ("set", "map") and isinstance(body, Mapping) and body.get("stmt")):
            return match.SOME
        return match.YES if kind in _NO_EFFECT or kind in ("set", "map") else match.MAYBE

    def _ending(self, kind: str, body: Any, table: Tuple[str, str], depth: int) -> Optional[Outcomes]:
        """The outcomes of a statement that ends a rule; None for any other statement."""
        if kind == "reject" and isinstance(body, Mapping):
            family = _REJECT_FAMILY.get(str(body.get("type")), self.packet.family)
            return frozenset({"drop" if family == self.packet.family else "next"})
        if kind in _END:
            return frozenset({_END[kind]})
        if kind == "jump":
            found = self._called(body["target"], table, depth + 1)
            return found - {"return"} | (frozenset({"next"}) if "return" in found else frozenset())
        if kind == "goto":
            return self._called(body["target"], table, depth + 1)
        return self._vmap(body, table, depth) if kind == "vmap" else None

    def _vmap(self, body: Mapping[str, Any], table: Tuple[str, str], depth: int) -> Outcomes:
        data = body.get("data")
        if isinstance(data, str):
            data = {"set": self.rules.sets.get((table[0], table[1], data[1:]), {}).get("elem", [])}
        value = match.fact(body.get("key"), self.packet)
        found: Outcomes = frozenset()
        for key, verdict in (data or {}).get("set", []):
            may, may_not = self._may(match.compare(value, "==", key, self.rules.sets, table))
            if may:
                kind, target = next(iter(verdict.items()))
                found |= self._ending(kind, target, table, depth) or frozenset({"elsewhere"})
            if not may_not:
                return found
        return found | {"next"}


def _tells_family(rule: Mapping[str, Any]) -> bool:
    """Whether a field of the rule's matches exists in one address family only."""
    sides = [each["match"].get("left") for each in rule["expr"] if "match" in each]
    return any(
        isinstance(side, Mapping) and side.get("payload", {}).get("protocol") in ("ip", "ip6") for side in sides
    )


def passes(rules: Rules, packet: Packet, assume: Assume) -> Outcomes:
    """The outcomes of all base chains one after the other, for a connection's first packet and those after it."""
    result: Outcomes = frozenset({"accept"})
    for chain in seen(rules, packet.family):
        found = outcomes(rules, chain, packet, assume)
        if chain.hook == "ingress" and assume.some:
            found |= {"accept"}  # the packet may come in by another device
        result = (result - {"accept"}) | found
        if "accept" not in result:
            break
    return result


def outcomes(rules: Rules, chain: Chain, packet: Packet, assume: Assume) -> Outcomes:
    """What may become of a connection in one base chain: a drop of its later packets ends it, too."""
    first = Walk(rules, packet._replace(state="new"), assume).base(chain)
    if "accept" not in first:
        return first
    return (first - {"accept"}) | Walk(rules, packet._replace(state="established"), assume).base(chain)


def seen(rules: Rules, family: str) -> List[Chain]:
    """The base chains that a packet of this family to the host goes through."""
    return [
        chain for chain in rules.chains(("ingress", "prerouting", "input"))
        if chain.family in ("inet", "netdev", family) and (chain.hook == "input" or chain.kind == "filter")
    ]
