# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Interfaces, own addresses, marks, rates, the client's port: conditions that are facts, or hold for most packets."""

from __future__ import annotations

import core_samples as samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import iptables, ufw, ways
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset import iptables_save, model
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.packets import Here
from nft_samples import ACCEPT, DROP, TAG, m, meta, payload, ruleset

WAYS = (Here("eth0", ("198.51.100.7", "2001:db8::7")),)
TABLE = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:theirs - [0:0]\n%s\nCOMMIT\n"


def closed(rows, used=WAYS):
    """Whether the port needs to be opened among these rules of iptables; then it is open."""
    text = TABLE % "\n".join(rows)
    saved = iptables_save.parse(text, "ip")
    found = iptables.opening(saved, samples.firewall_spec(), used)
    if found.rules:
        again = iptables_save.parse(iptables.edited(text, saved, found), "ip")
        assert iptables.opening(again, samples.firewall_spec(), used).right
        assert not iptables.closes(again, again.input, 2222, ways=used)
    return bool(found.rules)


@pytest.mark.parametrize(("rule", "shut"), [
    ("-A INPUT -i eth0 -j DROP", True),
    ("-A INPUT -i eth+ -j DROP", True),
    ("-A INPUT ! -i tun0 -j DROP", True),
    ("-A INPUT ! -i eth0 -j DROP", False),
    ("-A INPUT -i eth1 -j DROP", False),
    ("-A INPUT -d 198.51.100.7/32 -j DROP", True),
    ("-A INPUT -d 198.51.100.0/24 -j DROP", True),
    ("-A INPUT -d 198.51.100.8/32 -j DROP", False),
    ("-A INPUT ! -d 198.51.100.8/32 -j DROP", True),
    ("-A INPUT -i eth0 -j theirs\n-A theirs -p tcp -j REJECT --reject-with tcp-reset", True),
    ("-A INPUT -m limit --limit 5/min -j REJECT", True),
    ("-A INPUT -m hashlimit --hashlimit-upto 5/min --hashlimit-name x -j REJECT", True),
    ("-A INPUT -m hashlimit --hashlimit-above 5/min --hashlimit-name x -j REJECT", False),
    ("-A INPUT -p tcp -m connlimit --connlimit-above 9 --connlimit-mask 32 --connlimit-saddr -j REJECT", False),
    ("-A INPUT -m recent --update --seconds 60 --hitcount 4 --name x --mask 255.255.255.255 --rsource -j DROP", False),
    ("-A INPUT -m recent ! --rcheck --seconds 60 --name knocked --mask 255.255.255.255 --rsource -j DROP", True),
    ("-A INPUT -m set --match-set bans src -j DROP", False),
    ("-A INPUT -m set ! --match-set friends src -j DROP", True),
    ("-A INPUT -s 10.0.0.0/8 -j DROP", False),
    ("-A INPUT ! -s 10.0.0.0/8 -j DROP", True),
    ("-A INPUT -s 0.0.0.0/0 -j DROP", True),
    ("-A INPUT -p tcp -m tcp --sport 443 -j DROP", False),
    ("-A INPUT -p tcp -m tcp --sport 1024:65535 -j DROP", True),
    ("-A INPUT -p tcp -m tcp --syn -j DROP", True),
    ("-A INPUT -p tcp -m tcp ! --syn -m state --state NEW -j DROP", False),
    ("-A INPUT -f -j DROP", False),
    ("-A INPUT -m mark --mark 0x8000/0x8000 -j DROP", False),
    ("-A INPUT -m mark --mark 0x0/0x8000 -j DROP", True),
    ("-A INPUT -m mark ! --mark 0x1 -j DROP", True),
    ("-A INPUT ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP", False),
])
def test_what_closes_the_port(rule, shut):
    assert closed([rule]) is shut


@pytest.mark.parametrize(("rule", "shut"), [
    ("-A INPUT -i eth0 -p tcp --dport 2222 -j ACCEPT", False),
    ("-A INPUT -i eth1 -p tcp --dport 2222 -j ACCEPT", True),
    ("-A INPUT -d 198.51.100.7 -p tcp --dport 2222 -j ACCEPT", False),
    ("-A INPUT -p tcp --dport 2222 -m limit --limit 5/sec --limit-burst 9 -j ACCEPT", False),
    ("-A INPUT -p tcp -m tcp --sport 443 -j ACCEPT", True),
    ("-A INPUT -s 10.0.0.0/8 -j ACCEPT", True),
    ("-A INPUT -m mark --mark 0x1 -j ACCEPT", True),
])
def test_what_opens_it(rule, shut):
    assert closed([rule, "-A INPUT -j DROP"]) is shut


def test_two_ways_in_are_both_open():
    both = (*WAYS, Here("eth1", ("203.0.113.7",)))
    assert closed(["-A INPUT -i eth1 -j DROP"], both)
    assert closed(["-A INPUT -d 203.0.113.7 -j DROP"], both)


def test_marks_are_not_known_where_rules_set_them():
    setting = "-A INPUT -s 192.0.2.0/24 -j MARK --set-xmark 0x1/0xffffffff"
    assert not closed([setting, "-A INPUT -m mark --mark 0x1 -j DROP"])
    assert closed([setting, "-A INPUT -m mark ! --mark 0x1 -j DROP"])  # most have none


@pytest.mark.parametrize(("rules", "needed"), [
    ([[m(meta("iifname"), "eth0"), DROP]], True),
    ([[m(meta("iifname"), "eth1"), DROP]], False),
    ([[m(meta("iifname"), "tun0", "!="), DROP]], True),
    ([[m(payload("ip", "daddr"), "198.51.100.7"), DROP]], True),
    ([[m(payload("ip6", "daddr"), "2001:db8::8"), DROP]], False),
    ([[m({"&": [meta("mark"), 32768]}, 32768), DROP]], False),
    ([[m(payload("tcp", "sport"), 1023, ">"), DROP]], True),
    ([[m(payload("tcp", "sport"), 1024, "<"), DROP]], False),
    ([[{"vmap": {"key": meta("iifname"), "data": {"set": [["lo", ACCEPT], ["eth0", DROP]]}}}]], True),
    ([[{"xt": {"type": "target", "name": "DROP"}}]], True),
    ([[m(payload("tcp", "dport"), 2222), {"meter": {
        "name": "x", "key": payload("ip", "saddr"), "stmt": {"limit": {"rate": 9, "inv": True}}}}, DROP]], False),
    ([[{"set": {"op": "add", "elem": payload("ip", "saddr"), "set": "@x",
                "stmt": [{"limit": {"rate": 9, "inv": False}}]}}, DROP]], True),
])
def test_in_nftables(rules, needed):
    found = ruleset(rules, "accept")
    wanted = model.rules_for(found, 2222, [], TAG, ways=WAYS)
    assert bool(wanted) is needed


@pytest.mark.parametrize(("rows", "shut"), [
    (["allow tcp any 0.0.0.0/0 443 0.0.0.0/0 in"], True),  # a source port opens for nobody
    (["deny tcp any 0.0.0.0/0 443 0.0.0.0/0 in", "allow tcp 2222 0.0.0.0/0 any 0.0.0.0/0 in"], False),
    (["deny any any 0.0.0.0/0 any 0.0.0.0/0 in_eth0", "allow tcp 2222 0.0.0.0/0 any 0.0.0.0/0 in"], True),
    (["deny any any 0.0.0.0/0 any 0.0.0.0/0 in_eth1", "allow tcp 2222 0.0.0.0/0 any 0.0.0.0/0 in"], False),
    (["allow tcp 2222 0.0.0.0/0 any 0.0.0.0/0 in_eth0"], False),
])
def test_in_ufw(rows, shut):
    text = "".join("### tuple ### %s\n" % row for row in rows)
    found = ufw.Ufw("ENABLED=yes\n", "IPV6=no\n", {"ip": text, "ip6": ""}, True, WAYS)
    assert bool(ufw.opening(samples.firewall_spec(), found).rules) is shut


def test_interfaces_are_things(tmp_path):
    """bonding_masters is a file, and a part of a bond has no packets of its own."""
    (tmp_path / "bonding_masters").write_text("bond0\n")
    for name in ("bond0", "eth0", "eth1", "lo"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "ifindex").write_text("1\n")
    for name in ("eth0", "eth1"):
        (tmp_path / name / "master").symlink_to("../bond0")
    assert ways.interfaces(str(tmp_path)) == ["bond0", "lo"]
    assert ways.interfaces(str(tmp_path / "none")) == []


def test_the_ways_in_here():
    """Those of this machine, as its kernel lists them."""
    for here in ways.ways():
        assert here.interface in ways.interfaces() and not ways.INNER.match(here.interface)
        assert all(iptables_save.rule_of("INPUT", ("-d", each), "ip") for each in here.addresses)
