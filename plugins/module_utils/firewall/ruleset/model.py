# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A rule set as ``nft -j list ruleset`` prints it: is a port open to the outside, and which rules open it.

nft(8), libnftables-json(5). Our rules are recognised by their comment, so that drift and removal are exact.

Pure.
"""

from __future__ import annotations

import re
from typing import Callable, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset import matching as match
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.expressions import (
    Call,
    End,
    Harmless,
    Match,
    Meta,
    Payload,
    Set,
    Statement,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.listing import Rule, Ruleset
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.packets import (
    ANYWHERE,
    Here,
    Packet,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.walk import (
    Assume,
    Chain,
    Rules,
    Walk,
    outcomes,
    passes,
    seen,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import grammar
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.grammar import Network

#: How a packet is judged that should pass.
USUAL = Assume(False, "both")
FAMILIES = ("inet", "ip", "ip6")

_IPTABLES_TABLES = ("filter", "nat", "mangle", "raw", "security")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_/.\\-]{0,126}\Z")
_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:-]{0,63}\Z")


class Ours(NamedTuple):
    """A rule that carries our comment."""

    family: str
    table: str
    chain: str
    handle: int
    text: str


def input_chains(ruleset: Ruleset) -> List[Chain]:
    """The base chains that see packets for the host itself (hook input of inet, ip and ip6)."""
    return [chain for chain in Rules(ruleset).chains(("input",)) if chain.family in FAMILIES]


def verdict(
    ruleset: Ruleset, port: int, family: str = "ip", source: Optional[str] = None, here: Here = ANYWHERE[0]
) -> str:
    """Would a new TCP connection from outside to this port of the host pass, its first packet and those after it?

    :param family: ``ip`` or ``ip6``.
    :param source: address or network it comes from; None: from anywhere.
    :param here: where it comes in.
    :returns: ``open`` or ``closed`` (certain, for every such packet), ``limited`` (for some of them: it depends on
        source, interface, rate or the like), ``unknown`` (an expression that matters is not understood).
    :raises ValueError: the source is no address or network of this family.
    """
    network = None
    if source is not None:
        network = parse_sources([source])[0]
        if network.version != (4 if family == "ip" else 6):
            raise ValueError("source %s is not of family %s" % (source, family))
    rules, packet = Rules(ruleset), Packet(port, family, network, here=here)
    if diverted(rules, [packet])[0]:
        return "unknown"  # another server decides
    everything = passes(rules, packet, Assume(True, "both"))
    if len(everything) == 1 and "elsewhere" not in everything:
        return "open" if "accept" in everything else "closed"
    without = passes(rules, packet, Assume(True, "no"))
    understood = without == passes(rules, packet, Assume(True, "yes")) == everything
    return "limited" if understood and len(without) > 1 and "elsewhere" not in everything else "unknown"


def shuts_out(ruleset: Ruleset, port: int, source: Network, here: Here, tag: str = "") -> bool:
    """Whether nothing that comes from there gets to the port, for sure, but by rules of ours.

    :param tag: the comment that marks ours.
    """
    family = "ip" if source.version == 4 else "ip6"
    return verdict(_without_ours(ruleset, tag) if tag else ruleset, port, family, str(source), here) == "closed"


def manager(chain: Chain) -> Optional[str]:
    """Whose chain this is when it is another program's, which would undo or duplicate what we put there."""
    if chain.table.startswith("firewalld"):
        return "firewalld"
    if chain.table.startswith("docker"):
        return "docker"
    if chain.table == "oqs_ssh_lockdown":
        return "lockdown"  # ours
    if chain.family in ("ip", "ip6") and chain.table in _IPTABLES_TABLES and chain.name.isupper():
        called = [each.target for rule in chain.rules for each in rule.statements if isinstance(each, Call)]
        return "ufw" if any("ufw-" in name for name in called) else "iptables"
    return None


def manager_without_compat(chain: Chain) -> Optional[str]:
    """The same where no iptables keeps chains of its names: they are the rule set's own."""
    keeper = manager(chain)
    return None if keeper in ("iptables", "ufw") else keeper


Keeper = Callable[[Chain], Optional[str]]


def parse_sources(sources: Sequence[str]) -> List[Network]:
    """Addresses and networks in CIDR notation, as given by an operator.

    :raises ValueError: names the value.
    """
    return [grammar.network(source) for source in sources]


def _bodies(table_family: str, port: int, networks: Sequence[Network]) -> List[Tuple[str, str]]:
    """The rules wanted in a base chain of this table: the family each is for (inet: both), and its text."""
    dport = "tcp dport %d accept" % port
    if not networks:
        return [(table_family, dport)]
    bodies = []
    for family, version, protocol in (("ip", 4, "ipv4"), ("ip6", 6, "ipv6")):
        mine = [each for each in match.merge(networks) if each.version == version]
        if not mine or table_family not in (family, "inet"):
            continue
        if mine[0].prefixlen == 0:
            only = "meta nfproto %s " % protocol if table_family == "inet" else ""
        else:
            only = "%s saddr { %s } " % (family, ", ".join(_short(each) for each in mine))
        bodies.append((family, only + dport))
    return bodies


def _short(network: Network) -> str:
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)


def _text(rule: Rule) -> str:
    """One of our rules in the form :func:`_bodies` gives it; a rule of another form as its JSON."""
    words = [_words(each) for each in rule.statements if each != Harmless("counter")]
    return " ".join(words) if all(words) else rule.printed


def _words(statement: Statement) -> str:
    """A statement of one of our rules; empty: we write no such statement."""
    if statement == End("accept"):
        return "accept"
    if not isinstance(statement, Match) or statement.op != "==":
        return ""
    left, right = statement.left, statement.right
    if left in (Payload("ip", "saddr"), Payload("ip6", "saddr")):
        elements = right.elements if isinstance(right, Set) else (right,)
        networks = match.networks_of(elements)
        protocol = "ip" if left == Payload("ip", "saddr") else "ip6"
        return "%s saddr { %s }" % (protocol, ", ".join(_short(each) for each in networks)) if networks else ""
    if left == Payload("tcp", "dport") and isinstance(right, int):
        return "tcp dport %d" % right
    return "meta nfproto %s" % right if left == Meta("nfproto") and isinstance(right, str) else ""


def ours(ruleset: Ruleset, tag: str) -> List[Ours]:
    """The rules that carry our comment, in the order of the rule set."""
    return [
        Ours(rule.family, rule.table, rule.chain, rule.handle, _text(rule))
        for rule in ruleset.rules if rule.comment == tag
    ]


def _without_ours(ruleset: Ruleset, tag: str) -> Ruleset:
    return ruleset._replace(rules=tuple(rule for rule in ruleset.rules if rule.comment != tag))


def packets(port: int, family: str, networks: Sequence[Network], ways: Sequence[Here]) -> Iterator[Packet]:
    """The packets that should pass a chain of this family (``inet``: of both).

    :param networks: where they come from; none: from anywhere.
    :param ways: where they come in.
    """
    for each in ("ip", "ip6") if family == "inet" else (family,):
        version = 4 if each == "ip" else 6
        mine: List[Optional[Network]] = [network for network in networks if network.version == version]
        for source in mine if networks else [None]:
            for here in ways:
                yield Packet(port, each, source, here=here)


def closes(rules: Rules, chain: Chain, asked: Iterable[Packet]) -> bool:
    """Whether it drops for sure what should pass."""
    return any(outcomes(rules, chain, each, USUAL) == {"drop"} for each in asked)


def could_close(rules: Rules, chain: Chain, asked: Iterable[Packet]) -> bool:
    """Whether this chain could drop what should pass.

    Of conditions known to differ, what holds for most packets is taken: an operator who closes a port to some (a
    blocklist), or to who comes too often, keeps that. What is not understood is taken both ways.
    """
    return any(outcomes(rules, chain, each, USUAL) != {"accept"} for each in asked)


def diverted(rules: Rules, asked: Iterable[Packet]) -> Tuple[List[Rule], bool]:
    """Rules of NAT that may send packets for the port to another one, or to another machine; and whether there are
    packets that they always send there."""
    found: List[Rule] = []
    certain = False
    for packet in asked:
        for chain in rules.chains(("prerouting",)):
            if chain.kind == "nat" and chain.family in ("inet", packet.family):
                walk = Walk(rules, packet, USUAL)
                certain = walk.base(chain) == {"diverted"} or certain
                found += [rule for rule in walk.diverts if rule not in found]
    return found, certain


def _wanted(
    ruleset: Ruleset, port: int, sources: Sequence[str], tag: str, keeper: Keeper, ways: Sequence[Here]
) -> List[Tuple[Chain, str]]:
    """The rules that open the port, by chain, as if none of ours were there yet."""
    if not _TAG.match(tag):
        raise ValueError("tag %r: 1 to 64 letters, digits, blanks, dots, dashes and colons" % tag)
    if not 1 <= port <= 65535:
        raise ValueError("port %d is not between 1 and 65535" % port)
    networks = parse_sources(sources)
    bare = _without_ours(ruleset, tag)
    rules = Rules(bare)
    return [
        (chain, text)
        for chain in input_chains(bare) if keeper(chain) is None
        for family, text in _bodies(chain.family, port, networks)
        if could_close(rules, chain, packets(port, family, networks, ways))
    ]


def _place(family: str, table: str, chain: str) -> str:
    for name in (family, table, chain):
        if not _IDENTIFIER.match(name):
            raise ValueError("nftables: the name %r cannot be written in a command" % name)
    return "%s %s %s" % (family, table, chain)


def rules_for(
    ruleset: Ruleset, port: int, sources: Sequence[str], tag: str, keeper: Keeper = manager,
    ways: Sequence[Here] = ANYWHERE,
) -> List[str]:
    """The nft commands that open the port, at the top of every input base chain that could close it.

    All that are wanted, as if none of ours were there: put them in place of those of ours (:func:`ours`,
    :func:`removal`) in one transaction, and keep them for the next boot. Chains of iptables, ufw, firewalld and Docker
    are left alone (:func:`blockers` names them).

    :param sources: addresses and networks that may connect; none: all. Others are not closed out by these rules.
    :param tag: the comment that marks our rules.
    :param keeper: whose a chain is; those of somebody are left alone.
    :param ways: where packets from outside come in.
    :returns: lines for ``nft -f``; empty when the port is open without them.
    :raises ValueError: a bad port, source or tag; names the value.
    """
    return [
        'insert rule %s %s comment "%s"' % (_place(chain.family, chain.table, chain.name), text, tag)
        for chain, text in _wanted(ruleset, port, sources, tag, keeper, ways)
    ]


def needed(
    ruleset: Ruleset, port: int, sources: Sequence[str], tag: str, keeper: Keeper = manager,
    ways: Sequence[Here] = ANYWHERE,
) -> bool:
    """Whether there is anything to do about our rules.

    They may be missing, altered, there twice, for another port or other sources, needless, or without effect because
    somebody put a drop before them.
    """
    wanted = _wanted(ruleset, port, sources, tag, keeper, ways)
    present = sorted(tuple(rule[:3]) + (rule.text,) for rule in ours(ruleset, tag))
    if present != sorted((chain.family, chain.table, chain.name, text) for chain, text in wanted):
        return True
    rules, networks = Rules(ruleset), parse_sources(sources)
    chains = {chain[:3]: chain for chain in input_chains(ruleset)}
    return any(
        could_close(rules, chains[bare[:3]], packets(port, family, networks, ways))
        for bare, wanted_text in wanted
        for family, text in _bodies(bare.family, port, networks) if text == wanted_text
    )


def removal(rules: Sequence[Ours]) -> List[str]:
    """The nft commands that delete these rules."""
    return ["delete rule %s handle %d" % (_place(rule.family, rule.table, rule.chain), rule.handle) for rule in rules]


def blockers(
    ruleset: Ruleset, port: int, sources: Sequence[str], ways: Sequence[Here] = ANYWHERE
) -> List[Tuple[str, str]]:
    """The chains that close the port and that :func:`rules_for` does not repair.

    :returns: who keeps it (firewalld, ufw, iptables, docker, or nftables for hooks before input), and the chain's name.
    """
    networks = parse_sources(sources)
    found = []
    rules = Rules(ruleset)
    for family, version in (("ip", 4), ("ip6", 6)):
        if networks and not any(each.version == version for each in networks):
            continue
        for chain in seen(rules, family):
            keeper = manager(chain) or (None if chain.hook == "input" else "nftables")
            entry = (keeper or "", " ".join(chain[:3]))
            if keeper and entry not in found and could_close(rules, chain, packets(port, family, networks, ways)):
                found.append(entry)
    return found
