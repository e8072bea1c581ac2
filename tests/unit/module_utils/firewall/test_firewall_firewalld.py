# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""firewalld: zones as 1.3 and 2.3 print and keep them; which of them packets from outside come to; rich rules."""

from __future__ import annotations

import core_samples as samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import (
    firewalld as firewall_firewalld,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import (
    firewalls,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset import packets

OURS = 'rule priority="22222" port port="2222" protocol="tcp" accept'
THEIRS = 'rule family="ipv4" source address="192.0.2.7" port port="9100" protocol="tcp" accept'
XML = """<?xml version="1.0" encoding="utf-8"?>
<zone>
  <short>Public</short>
  <description>For use in public areas.</description>
  <service name="ssh"/>
  <service name="dhcpv6-client"/>
  <rule family="ipv4">
    <source address="192.0.2.7"/>
    <port port="9100" protocol="tcp"/>
    <accept/>
  </rule>
%s  <forward/>
</zone>
"""
KEPT_OURS = """  <rule priority="22222">
    <port port="2222" protocol="tcp"/>
    <accept/>
  </rule>
"""


def zone(name, target="default", interfaces="", sources="", ports="", rules=(), new=True):
    head = ["%s (default, active)" % name if new else name, "  target: %s" % target]
    head += ["  ingress-priority: 0", "  egress-priority: 0"] if new else []
    rows = ["  icmp-block-inversion: no", "  interfaces: " + interfaces, "  sources: " + sources,
            "  services: dhcpv6-client ssh", "  ports: " + ports, "  protocols: ", "  forward: yes", "  icmp-blocks: ",
            "  rich rules: "]
    return "\n".join([*head, *rows, *("\t" + rule for rule in rules)]) + "\n\n"


def facts(*zones, kept=None, interfaces=("docker0", "eth0", "lo"), running=True, default="public",
          ways=packets.ANYWHERE):
    kept = kept or {"public": (XML % "").encode()}
    return samples.firewall_facts(
        firewalld=firewall_firewalld.Firewalld(running, running, "".join(zones), kept, default, list(interfaces), ways))


PUBLIC = zone("public", rules=[THEIRS])
DOCKER = zone("docker", "ACCEPT", "docker0")


def changes(found, **wish):
    return firewalls.changes(samples.firewall_spec(**wish), found)


def places(found, **wish):
    return [change.name[len("zone "):] for change in changes(found, **wish)]


@pytest.mark.parametrize("new", [True, False])
def test_zones_as_they_are_printed(new):
    text = zone("public", rules=[THEIRS, OURS], ports="8080/tcp 5000-5999/udp", new=new) + DOCKER
    found = firewall_firewalld.zones_now(text)
    assert list(found) == ["public", "docker"]
    assert found["public"] == (
        "default", [], [], ["8080/tcp", "5000-5999/udp"], [THEIRS, OURS], [])
    assert found["public"].ours == [OURS] and found["docker"].interfaces == ["docker0"]
    assert firewall_firewalld.zones_now("") == {}


def test_zones_as_they_are_kept():
    more = '<port port="80" protocol="tcp"/><interface name="eth1"/><source address="10.0.0.0/8"/><short>'
    text = XML.replace("<zone>", '<zone target="DROP">').replace("<short>", more)
    found = firewall_firewalld.zone_kept((text % KEPT_OURS).encode())
    assert found[:4] == ("DROP", ["eth1"], ["10.0.0.0/8"], ["80/tcp"])
    assert found.rules == [THEIRS, OURS]
    assert firewall_firewalld.zone_kept(b"") == firewall_firewalld.zone_kept(b"<zone>") == (
        "default", [], [], [], [], [])


def test_opened_now_and_for_later_without_a_reload():
    change, = changes(facts(PUBLIC, DOCKER))
    assert (change.kind, change.name, change.before, change.after) == ("firewalld", "zone public", "closed", OURS)
    assert [command.argv for command in change.commands] == [
        ("firewall-cmd", "--quiet", "--zone=public", "--add-rich-rule=" + OURS),
        ("firewall-cmd", "--quiet", "--permanent", "--zone=public", "--add-rich-rule=" + OURS),
    ]
    kept = {"public": (XML % KEPT_OURS).encode()}
    assert change.owned_files == (
        "/etc/firewalld/zones/public.xml", "/etc/firewalld/zones/public.xml.old")  # its program writes them
    assert changes(facts(zone("public", rules=[THEIRS, OURS]), DOCKER, kept=kept)) == []


@pytest.mark.parametrize(("rules", "kept", "before", "option"), [
    ([OURS], "", "until a reload: " + OURS, "--permanent"),
    ([], KEPT_OURS, "after a reload: " + OURS, "--zone=public"),
])
def test_half_of_it_is_there(rules, kept, before, option):
    change, = changes(facts(zone("public", rules=rules), kept={"public": (XML % kept).encode()}))
    assert change.before == before and change.after == OURS
    assert [command.argv[2] for command in change.commands] == [option]


@pytest.mark.parametrize(("zones", "interfaces", "expected"), [
    # after a Docker restart docker0 alone is in an active zone: eth0 falls to the default zone
    ([PUBLIC, DOCKER], ["docker0", "eth0", "lo"], ["public"]),
    ([PUBLIC, zone("dmz", interfaces="eth0"), DOCKER], ["docker0", "eth0", "lo"], ["dmz"]),
    ([PUBLIC, zone("dmz", interfaces="eth1"), DOCKER], ["eth0", "eth1", "lo"], ["dmz", "public"]),
    ([PUBLIC, zone("trusted", "ACCEPT", "eth0")], ["eth0", "lo"], []),
    ([PUBLIC, zone("drop", "DROP", "eth0")], ["eth0"], ["drop"]),
    ([PUBLIC], ["lo", "br-0123456789ab", "veth12ab", "virbr0"], ["public"]),
    # bound to sources: those of the house; not those who are to be shut out
    ([PUBLIC, zone("internal", sources="10.0.0.0/8"), zone("block", "%%REJECT%%", sources="192.0.2.66")], ["eth0"],
     ["internal", "public"]),
    ([PUBLIC, zone("trusted", "ACCEPT", sources="10.0.0.0/8")], ["eth0"], ["public"]),
])
def test_zones_that_packets_from_outside_come_to(zones, interfaces, expected):
    assert places(facts(*zones, interfaces=interfaces)) == expected


def test_zones_of_the_sources_given():
    bound = [PUBLIC, zone("internal", sources="10.0.0.0/8"), zone("work", sources="ipset:staff"),
             zone("home", sources="192.168.0.0/16 2001:db8::/32")]
    assert places(facts(*bound), sources=["10.1.0.0/16"]) == ["internal", "public", "work"]
    assert places(facts(*bound), sources=["2001:db8:1::/48"]) == ["home", "public", "work"]


def test_sources():
    change, = changes(facts(PUBLIC), sources=["192.0.2.0/24", "192.0.2.1", "2001:db8::1"])
    assert change.after.split("\n") == [
        'rule priority="22222" family="ipv4" source address="192.0.2.0/24" port port="2222" protocol="tcp" accept',
        'rule priority="22222" family="ipv6" source address="2001:db8::1" port port="2222" protocol="tcp" accept',
    ]
    kept = {"public": (XML % KEPT_OURS).encode()}
    change, = changes(facts(zone("public", rules=[OURS]), kept=kept), sources=["192.0.2.0/24"])
    assert ["add" in command.argv[-1] for command in change.commands] == [True, False] * 2  # never closed in between


@pytest.mark.parametrize(("ports", "opened"), [
    ("2222/tcp", True), ("2000-3000/tcp", True), ("2222/udp", False), ("2223-2224/tcp", False),
])
def test_a_port_that_somebody_opened(ports, opened):
    change, = changes(facts(zone("public", ports=ports)))  # at runtime only
    assert [command.argv[2] for command in change.commands][-1] == "--permanent"
    assert len(change.commands) == (1 if opened else 2)
    assert len(changes(facts(zone("public", ports=ports)), sources=["192.0.2.7"])[0].commands) == 2


@pytest.mark.parametrize(("rule", "first"), [
    ('rule port port="2222" protocol="tcp" reject', True),
    ('rule family="ipv4" port port="2000-3000" protocol="tcp" drop', True),
    ('rule priority="-5" drop', True), ('rule port port="2223" protocol="tcp" reject', False),
    ('rule family="ipv4" source address="192.0.2.66" reject', False), ('rule service name="drop" accept', False),
    ('rule service name="telnet" reject', False), ('rule protocol value="gre" drop', False),
    ('rule family="ipv4" source address="0.0.0.0/0" port port="1024-65535" protocol="tcp" drop', True),
    ('rule family="ipv6" source address="::/0" drop', True), ('rule protocol value="tcp" drop', True),
    ('rule family="ipv4" source NOT address="10.0.0.0/8" port port="2222" protocol="tcp" reject', True),
    ('rule family="ipv4" source address="10.0.0.0/8" invert="True" drop', True),
    ('rule source ipset="bans" drop', False), ('rule source NOT ipset="staff" drop', True),
    ('rule source mac="02:00:00:00:00:01" drop', False),
    ('rule family="ipv4" destination address="198.51.100.7" port port="2222" protocol="tcp" drop', True),
    ('rule family="ipv4" destination address="198.51.100.8" drop', False),
    ('rule source-port port="443" protocol="tcp" drop', False),
    ('rule port port="2222" protocol="tcp" log prefix="drop accept" level="info" reject type="tcp-reset"', True),
    ('rule priority="32767" drop', False),  # behind ours anyway
])
def test_a_rule_that_closes_the_port_to_everybody_comes_after_ours(rule, first):
    here = packets.Here("eth0", ("198.51.100.7",))
    change, = changes(facts(zone("public", rules=[rule]), ways=[here]))
    assert ('priority="-22222"' in change.after) is first


@pytest.mark.parametrize(("rule", "refused"), [
    ('rule priority="-30000" family="ipv4" source address="0.0.0.0/0" drop', True),
    ('rule priority="-30000" family="ipv4" source address="192.0.2.66" drop', False),
    ('rule priority="-30000" port port="2222" protocol="tcp" accept', False),
    ('rule priority="-22221" drop', False),
])
def test_a_rule_before_any_of_ours_is_named(rule, refused):
    found = facts(zone("public", rules=[rule]))
    problems = firewall_firewalld.BACKEND.problems(samples.firewall_spec(), found.of(firewall_firewalld.BACKEND))
    assert bool(problems) is refused
    assert not problems or (rule in problems[0] and "zone public" in problems[0])


def test_a_zone_that_everybody_is_bound_to_is_opened():
    assert "all" in places(facts(PUBLIC, zone("all", "DROP", sources="0.0.0.0/0")))


def test_zones_that_are_left_are_cleaned():
    kept = {"public": (XML % KEPT_OURS).encode(), "dmz": b"<zone/>"}
    left = facts(zone("public", rules=[OURS]), zone("dmz", interfaces="eth0"), kept=kept)
    dmz, public = changes(left)
    assert (dmz.after, public.after) == (OURS, "closed")
    assert public.why == "no packets from outside come to this zone" and not public.opens


def test_absent_takes_ours_away_and_only_them():
    kept = {"public": (XML % KEPT_OURS).encode(), "dmz": (XML % KEPT_OURS.replace("22222", "-22222")).encode()}
    found = facts(zone("public", rules=[THEIRS, OURS]), zone("dmz", rules=[OURS]), kept=kept)
    gone = changes(found, state="absent")
    assert [change.name for change in gone] == ["zone dmz", "zone public"]
    assert [command.argv[-1] for command in gone[1].commands] == ["--remove-rich-rule=" + OURS] * 2
    assert changes(facts(PUBLIC), state="absent") == []


def test_one_that_does_not_run_is_not_started_and_ours_leave_its_files():
    found = facts(running=False, kept={"public": (XML % KEPT_OURS).encode(), "dmz": (XML % "").encode()})
    assert firewalls.active(found) == [] == changes(found)
    file, = changes(found, state="absent")
    assert (file.kind, file.name) == ("firewall_file", "/etc/firewalld/zones/public.xml")
    assert file.after == XML % "" and file.content == file.after.encode() and file.path == file.name
    assert firewall_firewalld.without_ours(XML % "") == XML % ""
    two = KEPT_OURS.replace("<rule ", '<rule family="ipv4" ').replace("<accept/>", "<accept>\n</accept>")
    assert firewall_firewalld.without_ours(XML % (KEPT_OURS + two)) == XML % ""


def test_one_that_says_nothing_of_its_zones():
    known = dict(samples.virgin(), firewall=facts())
    plan = samples.plan({"firewall": samples.firewall_want()}, known)
    assert len(plan.errors) == 1
    assert plan.errors[0].startswith("firewalld runs, but says nothing of its zones: see what firewall-cmd")
    assert plan.errors[0].endswith("or set oqs_ssh_firewall_backend: none and open the port yourself")


def test_what_the_host_says_of_our_rules():
    assert firewalls.shown(facts(zone("public", rules=[OURS, THEIRS]))) == ["zone public: " + OURS]
