# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All firewalls together: which is at work, what is planned, what is refused; and nftables in particular."""

from __future__ import annotations

import core_samples as samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import policy
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import ServerSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.image_facts import Image
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import firewalls, nftables, ufw
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.listing import Ruleset
from hypothesis import given
from hypothesis import strategies as st

UFW_ON = ufw.Ufw(
    "ENABLED=yes\nLOGLEVEL=low\n", 'IPV6=yes\nDEFAULT_INPUT_POLICY="DROP"\n', {"ip": "", "ip6": ""}, True)
NOTHING = nftables.Nftables()


def firewall_plan(found=None, **other):
    facts = samples.virgin()
    samples.firewalls_are(facts, nftables=found or {})
    return samples.plan({"firewall": samples.firewall_want(**other)}, facts)


def shown(plan):
    return {(item.kind, item.name): (item.before, item.after) for item in plan.changes}


def test_a_closed_port_is_opened_now_and_for_the_next_start():
    found = shown(firewall_plan())
    assert found["nftables", "port 2222"][0] == "closed"
    assert "tcp dport 2222 accept" in found["nftables", "port 2222"][1]
    assert found["firewall_file", nftables.SNIPPET][0] == "absent"
    conf = found["firewall_file", nftables.CONF][1]
    assert conf == 'flush ruleset\ninclude "%s"\n' % nftables.SNIPPET


def with_sources(sources, sshd=None, ssh=None, **found):
    facts = samples.image_known()
    if sshd is not None:
        wanted = samples.spec({"ssh": samples.ssh_want(sources=sshd)}).of(ServerSpec)
        data = policy.server_config(b"", wanted, samples.facts_of({}, facts).of(Image))
        facts["state"]["sshd_config"] = data
    samples.firewalls_are(facts, **found)
    want = {"firewall": samples.firewall_want(sources=sources)}
    if ssh is not None:
        want["ssh"] = samples.ssh_want(sources=ssh)
    return samples.plan(want, facts)


def test_sources_are_in_the_rule():
    after = shown(with_sources(["192.0.2.0/24"], ["192.0.2.0/24"]))["nftables", "port 2222"][1]
    assert "ip saddr { 192.0.2.0/24 }" in after


@pytest.mark.parametrize(("sshd", "ssh", "enforced"), [
    (["192.0.2.0/24"], None, True), (["192.0.2.0/25"], None, False), ([], None, False), (None, None, False),
    (None, ["192.0.2.0/24"], True), (["192.0.2.0/24"], [], False),
])
@pytest.mark.parametrize("found", [{}, {"nftables": NOTHING}])
def test_sources_that_nothing_enforces_end_the_run(sshd, ssh, enforced, found):
    errors = with_sources(["192.0.2.0/24"], sshd, ssh, **found).errors
    assert (errors == []) is enforced
    assert enforced or "oqs_ssh_firewall_sources: nothing enforces them" in errors[0]


def test_an_image_whose_sshd_cannot_enforce_sources():
    facts = samples.image_known()
    facts["image"]["unknown_keywords"] = ["allowusers"]
    want = samples.want(
        ssh=samples.ssh_want(sources=["192.0.2.1"]), firewall=samples.firewall_want(sources=["192.0.2.1"]), hop=None)
    errors = samples.plan(want, facts).errors
    assert any("oqs_ssh_firewall_sources: nothing enforces them" in error for error in errors)


def test_a_firewall_that_is_not_active_is_not_turned_on():
    plan = firewall_plan({"ruleset": None, "persistent": False})
    assert (plan.changes, plan.errors) == ([], [])


def test_nothing_is_written_for_a_service_that_does_not_load_it():
    assert [item.kind for item in firewall_plan({"persistent": False}).changes] == ["nftables"]


@pytest.mark.parametrize(("backend", "words"), [
    ("nftables", "the program nft is not on this host, or there is no chain for incoming packets"),
    ("ufw", "ufw is not enabled"), ("firewalld", "firewalld does not run"),
    ("iptables", "no rule of iptables closes anything"),
])
def test_one_that_is_asked_for_but_not_active_is_refused(backend, words):
    plan = firewall_plan({"ruleset": None}, backend=backend)
    assert plan.errors == ["oqs_ssh_firewall_backend is %s, but %s; one that is not active is never turned on: set it "
                           "to auto or none" % (backend, words)]
    assert firewall_plan({"ruleset": None}, backend=backend, state="absent").errors == []


def test_none_means_hands_off():
    assert firewall_plan(backend="none").changes == []


def test_more_than_one_at_work_each_is_opened():
    facts = samples.virgin()
    samples.firewalls_are(facts, ufw=UFW_ON)
    plan = samples.plan({"firewall": samples.firewall_want()}, facts)
    assert firewalls.active(facts["firewall"]) == ["ufw", "nftables"]
    assert [item.kind for item in plan.changes] == ["ufw", "nftables", "firewall_file", "firewall_file"]
    plan = samples.plan({"firewall": samples.firewall_want(backend="ufw")}, facts)
    assert [item.kind for item in plan.changes] == ["ufw"]
    assert "only ufw is opened, as oqs_ssh_firewall_backend says, and nftables may close the port" in plan.notes[0]


def test_chains_named_as_those_of_iptables_are_the_rule_sets_own_where_there_is_no_iptables():
    facts = samples.virgin()
    samples.firewalls_are(facts, nftables={"ruleset": samples.ruleset(family="ip", name="INPUT")})
    for compat, kinds in ((False, ["nftables", "firewall_file", "firewall_file"]), (True, [])):
        samples.firewalls_are(facts, nftables={"compat": compat})
        plan = samples.plan({"firewall": samples.firewall_want()}, facts)
        assert [item.kind for item in plan.changes] == kinds


def test_a_chain_before_those_for_the_host_is_told():
    early = {"chain": {"family": "inet", "table": "raw", "name": "pre", "handle": 9, "type": "filter",
                       "hook": "prerouting", "prio": -300, "policy": "drop"}}
    plan = firewall_plan({"ruleset": samples.ruleset(also=[early])})
    assert "the chain inet raw pre of nftables may drop packets for port 2222" in plan.notes[0]


def test_a_rule_behind_another_that_drops_is_put_first_again():
    drop = {"rule": {"family": "inet", "table": "filter", "chain": "input", "handle": 9, "expr": [
        {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": samples.PORT}},
        {"drop": None}]}}
    facts = samples.converged()
    samples.firewalls_are(facts, nftables={"ruleset": samples.ruleset([samples.open_rule()], also=[drop])})
    text = "inet filter input tcp dport 2222 accept"
    found = shown(samples.plan({"firewall": samples.firewall_want()}, facts))
    assert found["nftables", "port 2222"] == (text + "\nwithout effect: another rule comes first", text)


@pytest.mark.parametrize("backend", ["auto", "none", "ufw"])
def test_absent_takes_our_rules_away_and_only_them(backend):
    facts = samples.converged()
    plan = samples.plan({"firewall": samples.firewall_want(state="absent", backend=backend)}, facts)
    found = shown(plan)
    assert found["nftables", "port 2222"] == ("inet filter input tcp dport 2222 accept", "closed")
    assert found["firewall_file", nftables.SNIPPET][1] == "absent"
    assert found["firewall_file", nftables.CONF][1] == "flush ruleset\n"
    assert samples.plan({"firewall": samples.firewall_want(state="absent")}, samples.virgin()).changes == []


def test_absent_cleans_the_files_of_a_service_that_was_switched_off_since():
    facts = samples.converged()
    samples.firewalls_are(facts, nftables={"persistent": False, "ruleset": Ruleset()})
    found = shown(samples.plan({"firewall": samples.firewall_want(state="absent")}, facts))
    assert sorted(found) == [("firewall_file", nftables.CONF), ("firewall_file", nftables.SNIPPET)]


def test_bytes_that_are_no_text_stay_in_nftables_conf():
    facts = samples.virgin()
    samples.firewalls_are(facts, nftables={"conf": b"# gr\xfc\xdfe\n"})
    conf, = [change for change in firewalls.changes(samples.firewall_spec(), facts["firewall"])
             if change.path == nftables.CONF]
    assert conf.content == b"# gr\xfc\xdfe\n" + nftables.INCLUDE + b"\n"
    assert conf.after.encode("utf-8", "surrogateescape") == conf.content  # and so they travel in a plan


@given(st.binary(max_size=60))
def test_a_line_in_nftables_conf_comes_and_goes_without_a_trace(conf):
    inside = nftables.conf_with(conf, True)
    assert inside.endswith(nftables.INCLUDE + b"\n")
    assert nftables.conf_with(inside, True) == inside
    gone = nftables.conf_with(inside, False)
    assert gone in (conf, conf + b"\n") or nftables.INCLUDE in conf
    assert b"".join(conf.split()) == b"".join(gone.split()) or nftables.INCLUDE in conf
