# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is said of rule sets, compared with real packets through a real kernel."""

from __future__ import annotations

import os
import random

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset import listing, model
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.probe import probe

from tests.integration.probe_hosts import Host, own_address

pytestmark = pytest.mark.docker
TAG = "oqs-ssh"
CLOSED = """
table inet filter {
  chain input {
    type filter hook input priority filter; policy drop;
    ct state vmap { invalid : drop, established : accept, related : accept }
    iif lo accept
    tcp dport { 22, 80 } accept
  }
}
"""


@pytest.fixture(scope="module")
def host():
    found = Host("trixie")
    yield found
    found.remove()


def load(host, text):
    """Replace the rule set."""
    return apply(host, ["flush ruleset", text])


def apply(host, lines):
    """The rule set after these commands."""
    return listing.parse(host.run("nft -f - && nft -j list ruleset", "\n".join(lines).encode() + b"\n").stdout)


def passes(host, expected=False):
    """Whether an SSH greeting comes through; with more patience where it should, as the machine may be busy."""
    return probe(host.address, 2222, 0.7).ssh or (expected and probe(host.address, 2222, 8.0).ssh)


def bare(ruleset):
    """The rule set without handles, for comparison."""
    return ruleset._replace(rules=tuple(rule._replace(handle=0) for rule in ruleset.rules))


def test_closed_before_open_after_closed_again(host):
    before = load(host, CLOSED)
    assert model.verdict(before, 2222) == "closed" and not passes(host)
    rules = model.rules_for(before, 2222, [], TAG)
    after = apply(host, rules)
    assert model.verdict(after, 2222) == model.verdict(after, 2222, "ip6") == "open" and passes(host, True)
    assert not model.needed(after, 2222, [], TAG)
    assert model.rules_for(after, 2222, [], TAG) == rules
    ours = model.ours(after, TAG)
    assert [(rule[:3], rule.text) for rule in ours] == [(("inet", "filter", "input"), "tcp dport 2222 accept")]
    gone = apply(host, model.removal(ours))
    assert bare(gone) == bare(before) and not passes(host)


@pytest.mark.parametrize("family", ["inet", "ip"])
def test_sources(host, family):
    """Open for the sources that were named, closed for others, and the kernel's own form of the rule is ours again."""
    text = CLOSED.replace("table inet", "table " + family)
    me = own_address(host.address)
    for sources, opened in (
        ([me], True), ([me, "2001:db8::/32", "10.99.0.0/16"], True), (["192.0.2.0/24"], False), (["0.0.0.0/0"], True),
        (["192.0.2.1", "192.0.2.2", "192.0.2.3", "198.51.100.0/25", "198.51.100.128/25"], False),
    ):
        before = load(host, text)
        after = apply(host, model.rules_for(before, 2222, sources, TAG))
        assert passes(host, opened) is opened, sources
        assert model.verdict(after, 2222, source=me) == ("open" if opened else "closed")
        assert not model.needed(after, 2222, sources, TAG), model.ours(after, TAG)
        assert model.needed(after, 2222, ["203.0.113.0/24"], TAG) and model.needed(after, 2223, sources, TAG)


def test_every_base_chain_is_opened(host):
    more = CLOSED.replace("table inet filter", "table ip more").replace("chain input", "chain mine")
    before = load(host, CLOSED + more)
    rules = model.rules_for(before, 2222, [], TAG)
    assert len(rules) == 2
    apply(host, rules[:1])
    assert not passes(host)
    assert model.verdict(apply(host, rules[1:]), 2222) == "open" and passes(host, True)


def test_a_drop_put_before_ours_is_seen(host):
    after = apply(host, model.rules_for(load(host, CLOSED), 2222, [], TAG))
    assert not model.needed(after, 2222, [], TAG)
    shut = apply(host, ["insert rule inet filter input tcp dport 2000-3000 drop"])
    assert model.needed(shut, 2222, [], TAG) and not passes(host)
    mended = apply(host, [*model.removal(model.ours(shut, TAG)), *model.rules_for(shut, 2222, [], TAG)])
    assert not model.needed(mended, 2222, [], TAG) and passes(host, True)


def test_chains_of_iptables_are_told_apart(host):
    load(host, "")
    host.run("iptables-nft -P INPUT DROP && iptables-nft -A INPUT -m multiport -p tcp --dports 22,80 -j ACCEPT")
    found = listing.parse(host.run("nft -j list ruleset").stdout)
    assert not passes(host)
    assert model.verdict(found, 2222) in ("closed", "unknown")
    assert model.blockers(found, 2222, []) == [("iptables", "ip filter INPUT")]
    assert model.rules_for(found, 2222, [], TAG) == []
    assert len(model.rules_for(found, 2222, [], TAG, model.manager_without_compat)) == 1
    host.run("iptables-nft -P INPUT ACCEPT; iptables-nft -F INPUT")


SETS = """
  set blocked { type ipv4_addr; flags interval; elements = { 198.51.100.0/24, ME } }
  set friends { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 172.16.0.0/12 } }
  set nobody { type ipv4_addr; }
  set ports { type inet_service; flags interval; elements = { 22, 2000-2300 } }
  set pairs { type ipv4_addr . inet_service; elements = { ME . 2222, 192.0.2.1 . 22 } }
  set dyn { type ipv4_addr; flags dynamic,timeout; timeout 1m; }
  map verdicts { type inet_service : verdict; elements = { 22 : drop, 2222 : jump one } }
"""
CONDITIONS = """
tcp dport 2222|tcp dport 22|tcp dport != 22|tcp dport { 22, 2222 }|tcp dport 2000-3000|tcp dport @ports
tcp dport != @ports|tcp dport > 1024|tcp dport < 1024|th dport 2222|udp dport 2222|udp dport != 1
meta l4proto tcp|meta l4proto { udp, icmp }|meta l4proto != udp|ip protocol tcp|ip protocol icmp|ct state new
ct state established,related|ct state != new|ct state { new, related }|ct direction original|iif lo|iif != lo
iifname "lo"|iifname "eth0"|iifname != "eth0"|iifname { "lo", "wg0" }|iifname "eth*"|ip saddr ME
ip saddr != ME|ip saddr @blocked|ip saddr @friends|ip saddr != @friends|ip saddr @nobody|ip saddr 192.0.2.0/24
ip saddr 172.16.0.1-172.31.255.255|ip saddr . tcp dport @pairs|ip6 saddr ::/0|ip saddr 127.0.0.0/8
ip saddr 0.0.0.0/0|ip6 saddr != 2001:db8::1|tcp flags syn|tcp flags syn / fin,syn,rst,ack
tcp flags != fin,ack / fin,ack|tcp flags ack,rst|fib daddr type local|fib daddr type != local
fib saddr . iif oif missing|meta pkttype host|meta pkttype { broadcast, multicast }|meta nfproto ipv4
meta nfproto ipv6|meta mark 0|meta mark 7|ip ttl 64|tcp sport 1024-65535|tcp sport 1-1023
limit rate 100/second|limit rate over 100/second|ct count over 1000
add @dyn { ip saddr limit rate over 1000/second }|counter|icmp type echo-request|@nh,0,8 0x45|ip version 4
""".strip().replace("\n", "|").split("|")
ENDINGS = [
    "accept", "drop", "reject", "return", "jump one", "jump two", "goto one", "tcp dport vmap @verdicts", "counter",
    "continue",
    "tcp dport vmap { 22 : drop, 2222 : accept }", "ct state vmap { new : goto two, established : accept }",
    'iifname vmap { "lo" : accept, "eth0" : drop }', "reject with tcp reset", "queue num 9",
]


def random_ruleset(chance, me):
    def rule(endings):
        words = chance.sample(CONDITIONS, chance.choice((0, 1, 1, 2))) + [chance.choice(endings)]
        return "    " + " ".join(words).replace("reject with tcp reset", "meta l4proto tcp reject with tcp reset")

    def chain(name, head, endings, most):
        rules = "\n".join(rule(endings) for _ in range(chance.randint(0, most)))
        return "  chain %s {\n%s%s\n  }\n" % (name, head, rules)

    plain = [each for each in ENDINGS if "one" not in each and "two" not in each and "verdicts" not in each]
    policy = chance.choice(("accept", "drop"))
    base = "    type filter hook input priority %d; policy %s;\n" % (chance.randint(-9, 9), policy)
    after_two = [*plain, "jump two", "goto two"]
    return ("table inet fuzz {\n" + SETS + chain("two", "", plain, 3) + chain("one", "", after_two, 3)
            + chain("input", base, ENDINGS, 6) + "}\n").replace("ME", me)


def test_the_verdict_is_the_kernel_s(host):
    """Random rule sets: what is said to be open or closed is so. CASES and SEED in the environment for more of them."""
    me, seed = own_address(host.address), int(os.environ.get("SEED", "587706991"))
    chance, sure, cases = random.Random(seed), 0, int(os.environ.get("CASES", "40"))
    for number in range(cases):
        text = random_ruleset(chance, me)
        try:
            ruleset = load(host, text)
        except AssertionError:
            continue  # not every combination of words is a rule
        said = model.verdict(ruleset, 2222, source=me)
        if said in ("open", "closed"):
            sure += 1
            right = passes(host, said == "open") is (said == "open")
            assert right, "SEED=%d, case %d: said to be %s:\n%s" % (seed, number, said, text)
        rules = model.rules_for(ruleset, 2222, [], TAG)
        if rules and number % 4 == 0:
            assert model.verdict(apply(host, rules), 2222, source=me) == "open"
            assert passes(host, True), "SEED=%d, case %d: not opened:\n%s" % (seed, number, text)
    assert sure > cases / 4
    load(host, "")
