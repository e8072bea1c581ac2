# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The way of one packet through the base chains of an nftables rule set, as the kernel goes it (nft(8)).

A drop anywhere is final, an accept only ends its own base chain. `matching` knows what a single match means; here
every outcome that is possible is collected.

Pure.
"""

from __future__ import annotations

from typing import Dict, FrozenSet, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset import matching as match
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.expressions import (
    Call,
    End,
    Gate,
    Harmless,
    Match,
    Payload,
    Reject,
    Statement,
    Unread,
    Vmap,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.listing import Rule, Ruleset
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.packets import (
    DEPENDS,
    MAYBE,
    MOST,
    NO,
    OPAQUE,
    SOME,
    YES,
    Packet,
    Unfixed,
    fact,
)

# nft leaves out the test of the address family before these, as a reject of this type implies it. Before a TCP reset in
# a table of both families it leaves it out, too, though nothing implies it: such a rule may be for one family only.
_REJECT_FAMILY = {"icmp": "ip", "icmpv6": "ip6"}
_END: Mapping[str, str] = {
    "accept": "accept", "drop": "drop", "reject": "drop", "return": "return", "continue": "next",
    "snat": "accept", "masquerade": "accept", "dnat": "diverted", "redirect": "diverted",
    "queue": "elsewhere", "synproxy": "elsewhere", "fwd": "elsewhere",  # a program or another machine decides
}

Outcomes = FrozenSet[str]


class Chain(NamedTuple):
    """A base chain with its rules, in order."""

    family: str
    table: str
    name: str
    hook: str
    kind: str
    policy: str
    rules: Tuple[Rule, ...]


class Assume(NamedTuple):
    """What is taken for granted on a walk: may conditions known to differ hold, and what of those not understood."""

    some: bool
    maybe: str  # no, yes, both


class Rules:
    """The rule set, indexed."""

    def __init__(self, ruleset: Ruleset) -> None:
        self.sets = {(each.family, each.table, each.name): each for each in ruleset.sets}
        self.base = [each for each in ruleset.chains if each.hook]
        self.rules: Dict[Tuple[str, str, str], List[Rule]] = {}
        for chain in ruleset.chains:
            self.rules.setdefault((chain.family, chain.table, chain.name), [])
        for rule in ruleset.rules:
            self.rules.setdefault((rule.family, rule.table, rule.chain), []).append(rule)
        self.marks = any(Harmless("mark") in rule.statements for rule in ruleset.rules)

    def chains(self, hooks: Sequence[str]) -> List[Chain]:
        """The base chains at these hooks."""
        return [Chain(*each, tuple(self.rules[each[:3]])) for each in self.base if each.hook in hooks]


class Walk:
    """One packet on its way through chains, under one assumption; every outcome that is possible is collected."""

    def __init__(self, rules: Rules, packet: Packet, assume: Assume) -> None:
        self.rules, self.packet, self.assume = rules, packet, assume
        self.known: Dict[Tuple[str, str, str], Outcomes] = {}
        #: Rules by which a packet may go to another port or machine.
        self.diverts: List[Rule] = []
        if rules.marks:
            self.packet = packet._replace(mark=self._mark())

    def base(self, chain: Chain) -> Outcomes:
        """The outcomes of a base chain: accept, drop, elsewhere; of one for NAT: diverted."""
        found = self._sequence(chain.rules, (chain.family, chain.table), 0)
        if "diverted" in found and chain.kind != "nat":
            found = found - {"diverted"} | {"accept"}
        return found - {"return"} | ({chain.policy} if "return" in found else set())

    def _sequence(self, rules: Sequence[Rule], table: Tuple[str, str], depth: int) -> Outcomes:
        possible: Set[str] = set()
        for rule in rules:
            found = self._rule(rule, table, depth)
            possible |= found - {"next"}
            if "next" not in found:
                return frozenset(possible)
        return frozenset(possible | {"return"})

    def _mark(self) -> Unfixed:
        """What rules set: where most packets get one, it is not known; by a chain that is called, some get one."""
        for chain in self.rules.base:
            for rule in self.rules.rules[chain[:3]]:
                answers = [self._condition(each, chain[:2]) for each in rule.statements]
                if Harmless("mark") in rule.statements and not {NO, SOME} & set(answers):
                    return OPAQUE
        return DEPENDS

    def last_place(self, chain: Chain) -> int:
        """Before which of its rules one that accepts all is still reached by every packet that is asked about."""
        for number, rule in enumerate(chain.rules):
            found = self._rule(rule, (chain.family, chain.table), 0)
            if found - {"next", "accept"}:
                return number
            if "next" not in found:
                break
        return len(chain.rules)

    def _called(self, name: str, table: Tuple[str, str], depth: int) -> Outcomes:
        key = (table[0], table[1], name)
        if depth > 16 or key not in self.rules.rules:  # the kernel's own bound
            return frozenset({"elsewhere"})
        if key not in self.known:
            self.known[key] = self._sequence(self.rules.rules[key], table, depth)
        return self.known[key]

    def _may(self, answer: str) -> Tuple[bool, bool]:
        """Whether something may hold, and whether it may not."""
        if answer in (SOME, MOST):
            return self.assume.some or answer == MOST, self.assume.some or answer == SOME
        if answer == MAYBE:
            return self.assume.maybe != "no", self.assume.maybe != "yes"
        return answer == YES, answer == NO

    def _rule(self, rule: Rule, table: Tuple[str, str], depth: int) -> Outcomes:
        answers: List[str] = []
        for statement in rule.statements:
            ending = self._ending(statement, table, depth)
            if ending and "diverted" in ending and not isinstance(statement, Call) and match.both(answers) != NO:
                self.diverts.append(rule)
            if statement == Reject("tcp reset") and table[0] == "inet" and not _tells_family(rule):
                answers.append(MAYBE)
            if ending is not None:
                each_may = [self._may(answer) for answer in answers]
                may, may_not = all(each[0] for each in each_may), any(each[1] for each in each_may)
                return (ending if may else frozenset()) | (frozenset({"next"}) if may_not else frozenset())
            answers.append(self._condition(statement, table))
            if answers[-1] == NO:
                break
        if answers and rule.statements[-1:] == (Unread(),) and answers[-1] == MAYBE:
            return frozenset({"next", "elsewhere"})  # what it does with the packet is not understood
        return frozenset({"next"})

    def _condition(self, statement: Statement, table: Tuple[str, str]) -> str:
        if isinstance(statement, Match):
            return match.matches(statement, self.packet, self.rules.sets, table)
        if isinstance(statement, Gate):
            return MOST if statement.normally else SOME
        return YES if isinstance(statement, Harmless) else MAYBE

    def _ending(self, statement: Statement, table: Tuple[str, str], depth: int) -> Optional[Outcomes]:
        """The outcomes of a statement that ends a rule; None for any other statement."""
        if isinstance(statement, Reject):
            family = _REJECT_FAMILY.get(statement.how, self.packet.family)
            return frozenset({"drop" if family == self.packet.family else "next"})
        if isinstance(statement, End):
            return frozenset({_END[statement.kind]})
        if isinstance(statement, Call):
            found = self._called(statement.target, table, depth + 1)
            if not statement.returns:
                return found
            return found - {"return"} | (frozenset({"next"}) if "return" in found else frozenset())
        return self._vmap(statement, table, depth) if isinstance(statement, Vmap) else None

    def _vmap(self, vmap: Vmap, table: Tuple[str, str], depth: int) -> Outcomes:
        named = self.rules.sets.get((*table, vmap.name))
        entries = named.entries if named else vmap.entries
        if entries is None:
            return frozenset({"elsewhere"})  # not understood, or not among what was listed
        value = fact(vmap.key, self.packet)
        found: Outcomes = frozenset()
        for entry in entries:
            may, may_not = self._may(match.compare(value, "==", entry.key, self.rules.sets, table))
            if may:
                found |= self._ending(entry.verdict, table, depth) or frozenset({"elsewhere"})
            if not may_not:
                return found
        return found | {"next"}


def _tells_family(rule: Rule) -> bool:
    """Whether a field of the rule's matches exists in one address family only."""
    sides = [each.left for each in rule.statements if isinstance(each, Match)]
    return any(isinstance(side, Payload) and side.protocol in ("ip", "ip6") for side in sides)


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
