# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ufw: its own files are read, its own command line changes it; text as ufw 0.36 writes it."""

from __future__ import annotations

import core_samples as samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import firewalls
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import ufw as firewall_ufw
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.surroundings import Table

USER = """\
*filter
:ufw-user-input - [0:0]
### RULES ###

### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in
-A ufw-user-input -p tcp --dport 22 -j ACCEPT

### tuple ### deny any any 0.0.0.0/0 any 192.0.2.66 in
-A ufw-user-input -s 192.0.2.66 -j DROP

### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 OpenSSH - in
-A ufw-user-input -p tcp --dport 22 -j ACCEPT -m comment --comment 'dapp_OpenSSH'

### tuple ### limit_log tcp 80,443 10.0.0.1 any 192.0.2.0/24 in_eth0 comment=7468656972732c20c3a4
### tuple ### allow any any 0.0.0.0/0 any 0.0.0.0/0 out
### tuple ### route:allow any any 0.0.0.0/0 any 0.0.0.0/0 in_eth0!out_eth1
COMMIT
"""
MARK = " in comment=6f71732d737368"
EVERYBODY = ["ufw allow proto tcp from 0.0.0.0/0 to any port 2222", "ufw allow proto tcp from ::/0 to any port 2222"]


def tuples(*rows):
    return USER.replace("COMMIT", "".join("### tuple ### %s\n" % row for row in rows) + "COMMIT")


def four(action="allow", port="2222", source="0.0.0.0/0", end=MARK):
    return "%s tcp %s 0.0.0.0/0 any %s%s" % (action, port, source, end)


def six(action="allow", port="2222", source="::/0", end=MARK):
    return "%s tcp %s ::/0 any %s%s" % (action, port, source, end)


def facts(ip=(), ip6=(), **other):
    found = {
        "conf": "# /etc/ufw/ufw.conf\nENABLED=yes\nLOGLEVEL=low\n", "loaded": True,
        "defaults": 'IPV6=yes\n\nDEFAULT_INPUT_POLICY="DROP"\nDEFAULT_FORWARD_POLICY="DROP"\n',
        "rules": {"ip": tuples(*ip), "ip6": "".join("### tuple ### %s\n" % row for row in ip6)},
    }
    return samples.firewall_facts(ufw=firewall_ufw.Ufw(**dict(found, **other)))


def changes(found, **wish):
    return firewalls.changes(samples.firewall_spec(**wish), found)


def commands(found, **wish):
    return [" ".join(command.argv) for change in changes(found, **wish) for command in change.commands]


def test_rules_as_ufw_keeps_them():
    rules = firewall_ufw.entries(USER)
    assert [rule.action for rule in rules] == ["allow", "deny", "allow", "limit"]
    assert rules[1].src == "192.0.2.66" and rules[2].dport == "22"
    assert rules[3] == ("limit", "tcp", "80,443", "10.0.0.1", "any", "192.0.2.0/24", "eth0", "theirs, ä")


@pytest.mark.parametrize(("other", "active"), [
    ({}, True), ({"conf": "ENABLED=no\n"}, False), ({"conf": "#ENABLED=yes\n"}, False), ({"loaded": False}, False),
    ({"conf": "ENABLED=YES\n"}, True),
])
def test_one_that_is_not_active_stays_so(other, active):
    found = facts(**other)
    assert (firewalls.active(found) == ["ufw"]) is active
    assert bool(changes(found)) is active


def test_one_that_sleeps_is_told():
    for loaded, notes in ((True, 0), (False, 1)):
        known = dict(samples.virgin(), firewall=facts(loaded=loaded))
        plan = samples.plan({"firewall": samples.firewall_want()}, known)
        assert len([note for note in plan.notes if "ufw is enabled, but its rules are not loaded" in note]) == notes


def test_opened_for_both_families():
    change, = changes(facts())
    assert (change.kind, change.name) == ("ufw", "port 2222")
    assert (change.before, change.after) == ("closed", "\n".join(EVERYBODY))
    assert commands(facts()) == [line + " comment oqs-ssh" for line in EVERYBODY]
    assert changes(facts([four()], [six()])) == []


@pytest.mark.parametrize(("ip", "ip6"), [
    (["allow any 2222 0.0.0.0/0 any 0.0.0.0/0 in"], ["allow tcp 2000:3000 ::/0 any ::/0 in"]),
    (["limit tcp 2222 0.0.0.0/0 any 0.0.0.0/0 in"], ["allow any any ::/0 any ::/0 in"]),
])
def test_a_port_that_somebody_opened_is_left_as_it_is(ip, ip6):
    assert changes(facts(ip, ip6)) == []


@pytest.mark.parametrize("row", [
    "allow udp 2222 0.0.0.0/0 any 0.0.0.0/0 in", "allow tcp 2222 0.0.0.0/0 any 192.0.2.7 in",
    "allow tcp 2222 10.0.0.9 any 0.0.0.0/0 in", "allow tcp 2222 0.0.0.0/0 any 0.0.0.0/0 in_eth1",
    "allow tcp any 0.0.0.0/0 22 0.0.0.0/0 out", "### nonsense", "strange tcp 2222 0.0.0.0/0 any 0.0.0.0/0 in",
])
def test_a_rule_that_opens_it_for_some_only_is_not_enough(row):
    assert len(commands(facts([row]))) == 2


def test_one_family_only_where_the_other_is_off_or_open():
    assert commands(facts(defaults="IPV6=no\nDEFAULT_INPUT_POLICY=\"DROP\"\n")) == [EVERYBODY[0] + " comment oqs-ssh"]
    assert commands(facts(ip6=[six(end=" in")])) == [EVERYBODY[0] + " comment oqs-ssh"]
    assert commands(facts(defaults='IPV6=yes\nDEFAULT_INPUT_POLICY="ACCEPT"\n')) == []


def test_an_earlier_deny_wins_so_ours_goes_before_it():
    deny = ["deny any 2222 0.0.0.0/0 any 0.0.0.0/0 in"]
    assert commands(facts(deny, [six(end=" in")])) == [
        "ufw prepend allow proto tcp from 0.0.0.0/0 to any port 2222 comment oqs-ssh"]
    behind, = changes(facts([*deny, four()], [six()]))
    assert behind.before == "\n".join(EVERYBODY) + "\nwithout effect: another rule comes first"
    assert [" ".join(each.argv) for each in behind.commands][:2] == [
        "ufw delete " + EVERYBODY[0][4:], "ufw delete " + EVERYBODY[1][4:]]
    assert changes(facts([four(), *deny], [six()])) == []
    assert changes(facts(["deny tcp 2222 0.0.0.0/0 any 192.0.2.0/24 in", four()], [six()])) == []  # shut out on purpose


def test_sources():
    wanted = ["192.0.2.0/24", "192.0.2.9", "198.51.100.1", "2001:db8::/32"]
    assert commands(facts(), sources=wanted) == [
        "ufw allow proto tcp from %s to any port 2222 comment oqs-ssh" % source
        for source in ("192.0.2.0/24", "198.51.100.1", "2001:db8::/32")
    ]
    now = facts([four(source="198.51.100.1"), four()], [six(source="2001:db8::/32")])
    assert commands(now, sources=wanted) == [
        "ufw allow proto tcp from 192.0.2.0/24 to any port 2222 comment oqs-ssh",
        "ufw delete allow proto tcp from 0.0.0.0/0 to any port 2222",
    ]
    assert changes(facts([four(source="192.0.2.7")], []), sources=["192.0.2.7"]) == []


def test_another_port():
    assert commands(facts([four()], [six()]), port=443) == [
        "ufw allow proto tcp from 0.0.0.0/0 to any port 443 comment oqs-ssh",
        "ufw allow proto tcp from ::/0 to any port 443 comment oqs-ssh",
        "ufw delete allow proto tcp from 0.0.0.0/0 to any port 2222",
        "ufw delete allow proto tcp from ::/0 to any port 2222",
    ]


@pytest.mark.parametrize("other", [{}, {"conf": "ENABLED=no\n"}, {"loaded": False}])
def test_absent_takes_ours_away_even_from_one_that_was_switched_off(other):
    found = facts([four(), "allow tcp 2222 0.0.0.0/0 any 192.0.2.7 in"], [six()], **other)
    assert commands(found, state="absent") == ["ufw delete " + line[4:] for line in EVERYBODY]
    change, = changes(found, state="absent")
    assert (change.after, change.why, change.opens) == ("closed", "not wanted any more", False)
    assert changes(facts(), state="absent") == []


def test_what_the_host_says_of_our_rules():
    assert firewalls.shown(facts([four()])) == EVERYBODY[:1]
    assert firewalls.shown(samples.firewall_facts()) == []


def test_a_rule_of_another_form_is_named():
    """It is nobody's guess what it closes."""
    row = "### tuple ### allow tcp 22 0.0.0.0/0"
    found = samples.firewall_facts(ufw=firewall_ufw.Ufw("ENABLED=yes\n", "", {"ip": row + "\n", "ip6": ""}, True))
    problem, = firewalls.refusals(samples.firewall_spec(), found)
    assert row in problem and "/etc/ufw/user.rules" in problem
    assert firewalls.refusals(samples.firewall_spec(state="absent"), found) == []


@pytest.mark.parametrize(("before", "named"), [
    ("-A ufw-before-input -p tcp --dport 2222 -j DROP", 1), ("-A ufw-before-input -s 192.0.2.66 -j DROP", 0),
    ("-A ufw-before-input -m whatever --is it -j DROP", 0),  # nobody can say
])
def test_what_comes_before_its_rules_is_named(before, named):
    text = """*filter
:INPUT DROP [0:0]
:ufw-before-input - [0:0]
:ufw-user-input - [0:0]
-A INPUT -j ufw-before-input
%s
-A ufw-before-input -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A ufw-before-input -j ufw-user-input
-A ufw-user-input -p tcp --dport 2222 -j ACCEPT
COMMIT
""" % before
    rules = {"ip": "### tuple ### allow tcp 2222 0.0.0.0/0 any 0.0.0.0/0 in\n", "ip6": ""}
    found = samples.firewall_facts(ufw=firewall_ufw.Ufw(
        "ENABLED=yes\n", "IPV6=no\n", rules, True, tables=[Table("nft", "ip", text, "")]))
    notes = firewalls.notes(samples.firewall_spec(), found)
    assert len(notes) == named and all("before.rules" in note for note in notes)
