# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""NAT that sends the port elsewhere: another server answers there, so it is named before anything is changed."""

from __future__ import annotations

import core_samples as samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import (
    firewalld,
    firewalls,
    iptables,
    nftables,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset import listing
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.packets import Here
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.surroundings import Table
from nft_samples import DPORT, m, meta

WAYS = (Here("eth0", ("198.51.100.7", "2001:db8::7")),)
NAT = "*nat\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:DOCKER - [0:0]\n%s\nCOMMIT\n"
OPEN = "*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n"


def said(found, **wish):
    spec = samples.firewall_spec(**wish)
    assert firewalls.changes(spec, found) == []
    return firewalls.refusals(spec, found), firewalls.notes(spec, found)


PUBLISHED = """-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 2222 -j DNAT --to-destination 172.17.0.2:22"""


@pytest.mark.parametrize(("rule", "refused", "noted"), [
    (PUBLISHED, True, False),
    ("-A PREROUTING -d 198.51.100.7/32 -p tcp -m tcp --dport 2222 -j DNAT --to-destination 10.0.0.9:22", True, False),
    ("-A PREROUTING -p tcp -m tcp --dport 2222 -j REDIRECT --to-ports 22", True, False),
    ("-A PREROUTING -p tcp -m tcp --dport 2000:3000 -j DNAT --to-destination 10.0.0.9", True, False),
    ("-A PREROUTING -s 203.0.113.0/24 -p tcp -m tcp --dport 2222 -j DNAT --to-destination 10.0.0.9:22", False, True),
    ("-A PREROUTING -d 198.51.100.8/32 -p tcp -m tcp --dport 2222 -j DNAT --to-destination 10.0.0.9", False, False),
    ("-A PREROUTING -i docker0 -p tcp -m tcp --dport 2222 -j DNAT --to-destination 10.0.0.9", False, False),
    ("-A PREROUTING -p tcp -m tcp --dport 22 -j REDIRECT --to-ports 2222", False, False),
    ("-A PREROUTING -p tcp --dport 2222 -j RETURN\n-A PREROUTING -p tcp -j REDIRECT --to-ports 22", False, False),
])
def test_in_iptables(rule, refused, noted):
    table = Table("nft", "ip", NAT % rule + OPEN, "iptables-nft-restore")
    refusals, notes = said(samples.firewall_facts(iptables=iptables.Iptables([table], ways=WAYS)))
    assert (bool(refusals), bool(notes)) == (refused, noted)
    words = "".join(refusals + notes)
    assert not words or (rule.split("\n")[-1] in words and "oqs_ssh_port" in words)


def nat(*rules):
    place = {"family": "inet", "table": "own"}
    chain = {**place, "name": "pre", "hook": "prerouting", "type": "nat", "policy": "accept"}
    return listing.of([{"chain": chain}, *({"rule": {**place, "chain": "pre", "handle": 7, "expr": rule}}
                                           for rule in rules)])


@pytest.mark.parametrize(("rule", "refused", "noted"), [
    ([m(DPORT, 2222), {"redirect": {"port": 22}}], True, False),
    ([m(DPORT, 2222), {"dnat": {"family": "ip", "addr": "10.0.0.9", "port": 22}}], True, False),
    ([m(meta("iifname"), "eth1"), m(DPORT, 2222), {"redirect": {"port": 22}}], False, False),
    ([{"redirect": {"port": {"map": {"key": DPORT, "data": {"set": [[80, 8080], [2222, 22]]}}}}}], True, False),
    ([{"redirect": {"port": {"map": {"key": DPORT, "data": {"set": [[80, 8080]]}}}}}], False, False),
])
def test_in_nftables(rule, refused, noted):
    found = samples.firewall_facts(nftables=nftables.Nftables(nat(rule), ways=WAYS))
    refusals, notes = said(found)
    assert (bool(refusals), bool(notes)) == (refused, noted)
    assert not refusals or "rule 7 of the chain inet own pre" in refusals[0]


@pytest.mark.parametrize(("row", "noted"), [
    ("  forward-ports: port=2222:proto=tcp:toport=22:toaddr=", True),
    ("  forward-ports: \n\tport=2000-3000:proto=tcp:toport=:toaddr=10.0.0.9", True),
    ("  forward-ports: port=2222:proto=udp:toport=22:toaddr=", False),
    ("  rich rules: \n\trule family=\"ipv4\" forward-port port=\"2222\" protocol=\"tcp\" to-port=\"22\"", True),
])
def test_in_firewalld(row, noted):
    now = "public\n  target: ACCEPT\n  interfaces: eth0\n%s\n\n" % row
    kept = {"public": b"<zone target='ACCEPT'/>"}
    found = samples.firewall_facts(firewalld=firewalld.Firewalld(True, True, now, kept, "public", ["eth0"]))
    notes = said(found)[1]
    assert bool(notes) is noted and all("zone public of firewalld" in note for note in notes)


def test_a_drop_before_all_others_is_named():
    text = "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp --dport 2222 -j DROP\nCOMMIT\n" + OPEN
    found = samples.firewall_facts(iptables=iptables.Iptables([Table("nft", "ip", text, "")], ways=WAYS))
    assert "the chain PREROUTING of the table raw (iptables) drops" in said(found)[1][0]


def test_who_takes_the_opening_away_is_told_nothing():
    table = Table("nft", "ip", NAT % "-A PREROUTING -p tcp --dport 2222 -j REDIRECT --to-ports 22" + OPEN, "")
    assert said(samples.firewall_facts(iptables=iptables.Iptables([table])), state="absent") == ([], [])
