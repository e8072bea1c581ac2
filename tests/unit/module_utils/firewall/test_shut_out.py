# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sources that leave out where the proof from outside starts: said before anything is changed."""

from __future__ import annotations

import core_samples as samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import processes
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import iptables, nftables, ways
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.firewalls import Guest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.packets import Here
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.surroundings import Table
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import firewall

ME, ME6 = "192.0.2.7", "2001:db8::7"
V4, V6 = "198.51.100.0/24", "2001:db8:1::/48"
WAYS = (Here("eth0", ("203.0.113.1", "203.0.113.2")),)
SHUT = (
    "oqs_ssh_firewall_sources leave out %s, where this session comes from: the firewall would keep the proof from "
    "outside out; add this address, or set oqs_ssh_probe_from to the name of an inventory host that is among them, or "
    "to host"
)
#: Old iptables: everything closed but ssh.
SAVED = "*filter\n:INPUT DROP [0:0]\n%s-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n"
OURS = "-A INPUT -p tcp -m tcp --dport 2222 -m comment --comment oqs-ssh -j ACCEPT\n"


@pytest.fixture
def planned(monkeypatch):
    """The plan for sources, asked from an address."""

    def made(sources, came_from=ME, address="203.0.113.1", direct=True, found=None, own=(), guest=None, **want):
        session = processes.Session(came_from, 50022, "203.0.113.1") if came_from else processes.Session()
        monkeypatch.setattr(processes, "session_end", lambda: session)
        monkeypatch.setattr(processes, "is_own", lambda asked: asked in own)
        monkeypatch.setattr(ways, "ways", lambda: WAYS)
        facts = samples.image_known()
        facts["guest"] = guest or firewall.FIREWALL.readers[Guest](None)
        if found is not None:
            facts["firewall"] = samples.firewall_facts(**found)
        prover = {"address": address, "direct": direct}
        return samples.plan({
            "firewall": dict(samples.firewall_want(sources=sources, **want), prover=prover),
            "ssh": samples.ssh_want(sources=sources)}, facts)

    return made


def rules(*more):
    """A firewall of nftables that closes all, and some rules of its owner."""
    place = {"family": "inet", "table": "filter", "chain": "input"}
    return {"nftables": nftables.Nftables(samples.ruleset(also=[
        {"rule": dict(place, handle=20 + number, expr=each)} for number, each in enumerate(more)]), persistent=True,
        ways=WAYS)}


def accept_from(right):
    return [{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": right}},
            {"accept": None}]


def accept_by(interface):
    return [{"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": interface}}, {"accept": None}]


@pytest.mark.parametrize(("came_from", "said"), [
    (ME, ME), ("::ffff:" + ME, ME), (ME6, ME6), ("fe80::1%eth0", "fe80::1"),
])
def test_who_is_left_out_is_refused_by_address(planned, came_from, said):
    assert planned([V4, V6], came_from, "2001:db8:9::1" if ":" in said else "203.0.113.1").errors == [SHUT % said]


@pytest.mark.parametrize("sources", [[], ["192.0.2.0/24"], [V4, ME], ["0.0.0.0/0"]])
@pytest.mark.parametrize("came_from", [ME, "::ffff:" + ME])
def test_who_is_among_them_or_where_all_may_come_is_not(planned, sources, came_from):
    plan = planned(sources, came_from)
    assert (plan.errors, plan.notes) == ([], [])


def test_nobody_proves_from_there(planned):
    plan = planned([V4], address="")
    assert (plan.errors, plan.notes) == ([], [])


def test_a_rule_that_goes_is_no_way_in(planned):
    """Open to everybody until now, and by our own rule only."""
    found = {"nftables": nftables.Nftables(samples.ruleset([samples.open_rule()]))}
    assert planned([V4], found=found).errors == [SHUT % ME]
    found = {"iptables": iptables.Iptables([Table("legacy", "ip", SAVED % OURS, "iptables-legacy-restore")])}
    assert planned([V4], found=found).errors == [SHUT % ME]


@pytest.mark.parametrize(("found", "noted"), [
    ({}, False),  # no firewall: sshd keeps them by itself, and a handshake is no login
    (rules([{"accept": None}]), False),
    (rules(accept_from(ME)), False),
    (rules(accept_from("192.0.2.8")), None),
    (rules(accept_by("eth0")), False),
    (rules(accept_by("wg0")), None),
    (rules([{"match": {"op": "==", "left": {"xt": {"type": "match", "name": "set"}}, "right": 1}}, {"accept": None}]),
     True),
])
def test_only_what_is_certain_is_refused(planned, found, noted):
    plan = planned([V4], found=found)
    assert plan.errors == ([SHUT % ME] if noted is None else [])
    assert plan.notes == ([(SHUT % ME).replace("would", "may")] if noted else [])


@pytest.mark.parametrize(("sources", "address", "certain"), [
    ([V4], "web1.example", True),  # of the other family nobody comes in
    ([V4, V6], "web1.example", False),
    ([V4, V6], "203.0.113.1", True),
    ([V6], "web1.example", False),
])
def test_a_name_may_lead_to_the_other_family(planned, sources, address, certain):
    plan = planned(sources, address=address)
    assert plan.errors == ([SHUT % ME] if certain else [])
    assert certain or "it may also start at an address of IPv6, which is not known here" in plan.notes[0]


@pytest.mark.parametrize(("came_from", "direct", "words"), [
    ("198.51.100.9", False, "the controller, whose address is not known here (this session comes by way of"),
    ("", True, "the controller, whose address is not known here (the host does not say"),
])
def test_an_address_that_is_not_known_is_a_note(planned, came_from, direct, words):
    plan = planned([V4], came_from, direct=direct)
    assert plan.errors == [] and words in plan.notes[0]


def test_what_is_done_and_was_not_certain_is_not_said_again(planned):
    match = [{"match": {"op": "==", "left": {"xt": {"type": "match", "name": "set"}}, "right": 1}}, {"accept": None}]
    found = rules(match)["nftables"]
    spec = samples.firewall_spec(sources=[V4])
    done = [[{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}},
                        "right": {"prefix": {"addr": "198.51.100.0", "len": 24}}}}, *samples.open_rule()]]
    place = {"rule": {"family": "inet", "table": "filter", "chain": "input", "handle": 19, "expr": match}}
    snippet = nftables.snippet_of(nftables.rules_for(spec, found))
    after = found._replace(ruleset=samples.ruleset(done, also=[place]), snippet=snippet)
    after = after._replace(conf=nftables.conf_with(b"", True))
    assert len(planned([V4], found={"nftables": found}).notes) == 1
    assert planned([V4], found={"nftables": after}).notes == []


def test_the_host_itself_is_not_outside(planned):
    plan = planned([V4], own=[ME])
    assert (plan.errors, plan.notes) == ([], [])


def test_by_which_interface_it_comes_may_not_be_known(planned, monkeypatch):
    """Such as one that no default route goes by."""
    monkeypatch.setattr(processes, "session_end", lambda: processes.Session(ME, 50022, "10.0.0.1"))
    assert firewall.FIREWALL.readers[Guest](None) == Guest(ME)
    plan = planned([V4], found=rules(accept_by("wg0")), guest=Guest(ME))
    assert plan.errors == [] and len(plan.notes) == 1


def test_hands_off_and_absent(planned):
    assert planned([V4], backend="none", found={}).notes == []
    assert planned([V4], state="absent").errors == []


def test_an_address_of_the_host_can_be_bound():
    assert processes.is_own("127.0.0.1") and not processes.is_own("192.0.2.7") and not processes.is_own("nobody")
