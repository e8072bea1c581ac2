# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is said of iptables rules, compared with real packets; and our rules through iptables of both kinds."""

from __future__ import annotations

import os
import random

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import iptables
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset import iptables_save, model
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.spec import FirewallSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.probe import probe

from tests.integration.probe_hosts import Host, own_address

pytestmark = pytest.mark.docker
WISH = FirewallSpec("present", "auto", [], 2222, "oqs-ssh")
CONDITIONS = """
-p tcp --dport 2222|-p tcp --dport 22|-p tcp ! --dport 22|-p tcp -m multiport --dports 22,2000:3000|-p udp --dport 2222
-p tcp -m multiport ! --dports 2222|-p tcp --dport 2000:3000|-p tcp --dport :1024|-p tcp|-p udp|! -p udp|-p icmp
-m conntrack --ctstate NEW|-m conntrack --ctstate RELATED,ESTABLISHED|-m conntrack ! --ctstate NEW|-m state --state NEW
-m state --state INVALID|-i lo|! -i lo|-i eth0|-i eth+|-s ME|! -s ME|-s 192.0.2.0/24|-s 127.0.0.0/8|-d 192.0.2.1
-m iprange --src-range 172.16.0.1-172.31.255.255|-m iprange --src-range 192.0.2.1-192.0.2.9|-p tcp --syn|-p tcp ! --syn
-p tcp --tcp-flags ALL NONE|-p tcp --tcp-flags SYN,RST SYN,RST|-p tcp --tcp-flags ACK ACK|-m addrtype --dst-type LOCAL
-m addrtype ! --dst-type LOCAL|-m addrtype --src-type UNICAST|-m pkttype --pkt-type unicast|-m mark --mark 0x7
-m limit --limit 100/second|-m comment --comment "a \\"b\\" c"|-p tcp --sport 1024:65535|-p tcp --sport 1:1023
-m ttl --ttl-gt 1
""".strip().replace("\n", "|").split("|")
ENDINGS = [
    "-j ACCEPT", "-j DROP", "-j REJECT", "-j RETURN", "-j one", "-g one", "-j two", '-j LOG --log-prefix "x y "', "",
    "-j MARK --set-mark 5",
]


@pytest.fixture(scope="module")
def host():
    found = Host("trixie")
    yield found
    found.remove()


def random_rules(chance, me):
    def rules(chain, endings, most):
        for _ in range(chance.randint(0, most)):
            words = " ".join(chance.sample(CONDITIONS, chance.choice((0, 1, 1, 1, 2)))).replace("ME", me)
            yield ("-A %s %s %s" % (chain, words, chance.choice(endings))).rstrip()

    plain = [each for each in ENDINGS if "one" not in each and "two" not in each]
    policy = chance.choice(("ACCEPT", "DROP"))
    return ["*filter", ":INPUT %s" % policy, ":one -", ":two -", *rules("two", plain, 3),
            *rules("one", [*plain, "-j two"], 3), *rules("INPUT", ENDINGS, 6), "COMMIT", ""]


def listed(host, kind):
    return host.run("iptables-%s-save -t filter" % kind).stdout.decode()


def passes(host, expected=False):
    return probe(host.address, 2222, 0.7).ssh or (expected and probe(host.address, 2222, 8.0).ssh)


@pytest.mark.parametrize("kind", ["nft", "legacy"])
def test_what_is_said_is_so_and_what_is_opened_is_open(host, kind):
    """Random rules of both kinds. CASES and SEED in the environment for more of them."""
    me, seed = own_address(host.address), int(os.environ.get("SEED", "20260101"))
    chance, sure, opened, cases = random.Random(seed), 0, 0, int(os.environ.get("CASES", "20"))
    restore = "iptables-%s-restore" % kind
    for number in range(cases):
        text = "\n".join(random_rules(chance, me))
        if host.run(restore, text.encode(), check=False).returncode:
            continue  # not every combination of words is a rule
        parsed, told = iptables_save.parse(listed(host, kind), "ip"), "SEED=%d, case %d:\n%s" % (seed, number, text)
        said = model.verdict(parsed.ruleset(parsed.input), 2222, source=me)
        if said in ("open", "closed"):
            sure += 1
            assert passes(host, said == "open") is (said == "open"), said + " " + told
        found = iptables.opening(parsed, WISH)
        if found.rules and number % 2 == 0:
            opened += 1
            host.run(restore + " --noflush --wait 10", iptables.script(found))
            assert passes(host, True), "not opened: " + told
            after = iptables_save.parse(listed(host, kind), "ip")
            assert iptables.opening(after, WISH).right, "not recognised: " + told
            gone = iptables.opening(after, WISH._replace(state="absent"))
            host.run(restore + " --noflush --wait 10", iptables.script(gone))
            left = iptables_save.parse(listed(host, kind), "ip")
            assert [rule.words for rule in left.input] == [rule.words for rule in parsed.input], told
    host.run(restore, b"*filter\n:INPUT ACCEPT\n:one -\n:two -\nCOMMIT\n")
    assert sure > cases / 4 and opened > cases / 8


@pytest.mark.parametrize("kind", ["nft", "legacy"])
def test_sources_and_ipv6(host, kind):
    wish = WISH._replace(sources=["2001:db8::/32", "192.0.2.7", "0.0.0.0/0", "10.0.0.0/8"])
    for program, family in (("iptables", "ip"), ("ip6tables", "ip6")):
        text = "*filter\n:INPUT DROP\n-A INPUT -i lo -j ACCEPT\nCOMMIT\n"
        host.run("%s-%s-restore" % (program, kind), text.encode())
        save = "%s-%s-save -t filter" % (program, kind)
        found = iptables.opening(iptables_save.parse(host.run(save).stdout.decode(), family), wish)
        host.run("%s-%s-restore --noflush --wait 10" % (program, kind), iptables.script(found))
        kept = host.run(save).stdout.decode()
        assert iptables.opening(iptables_save.parse(kept, family), wish).right, kept
        host.run("%s-%s-restore" % (program, kind), b"*filter\n:INPUT ACCEPT\nCOMMIT\n")
