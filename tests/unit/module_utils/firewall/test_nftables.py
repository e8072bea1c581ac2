# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rule sets as nft prints them, taken apart: what passes, what does not, and what is not known."""

from __future__ import annotations

import json

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset import listing, model
from nft_samples import (
    ACCEPT,
    DPORT,
    DROP,
    FLAGS,
    MATCHES,
    OURS,
    REJECT,
    SADDR,
    SADDR6,
    SETS,
    STATE,
    TAG,
    USUAL,
    m,
    meta,
    pfx,
    ruleset,
    together,
)


@pytest.mark.parametrize(("expression", "holds"), MATCHES, ids=lambda value: json.dumps(value)[:90])
def test_a_match(expression, holds):
    known = [m(STATE, "established", "in"), ACCEPT]  # what is asked about is the first packet
    opened = model.verdict(ruleset([known, [expression, ACCEPT]], sets=SETS), 2222)
    shut = model.verdict(ruleset([known, [expression, DROP]], "accept", sets=SETS), 2222)
    assert (opened, shut) == {
        "yes": ("open", "closed"),
        "no": ("closed", "open"),
        "some": ("limited", "limited"),
        "maybe": ("unknown", "unknown"),
    }[holds]


@pytest.mark.parametrize(
    ("rules", "policy", "expected"),
    [
        ([], "accept", "open"),
        ([], "drop", "closed"),
        (USUAL, "drop", "closed"),
        (USUAL, "accept", "open"),
        ([*USUAL, [m(DPORT, 2222), ACCEPT]], "drop", "open"),
        ([*USUAL, [m(DPORT, 22), ACCEPT], [REJECT]], "accept", "closed"),
        ([[m(DPORT, 2222), DROP], [ACCEPT]], "accept", "closed"),
        ([[m(meta("skuid"), 1), ACCEPT]], "accept", "open"),
        ([[m(meta("skuid"), 1), DROP]], "drop", "closed"),
        ([[m(meta("skuid"), 1), ACCEPT], [m(SADDR, "192.0.2.1"), DROP]], "accept", "unknown"),
        ([[m(DPORT, 2222), {"queue": {"num": 0}}]], "drop", "unknown"),
        ([[{"jump": {"target": "nowhere"}}]], "drop", "unknown"),
    ],
)
def test_chains(rules, policy, expected):
    assert model.verdict(ruleset(rules, policy), 2222) == expected
    assert model.verdict(ruleset(rules, policy), 2222, "ip6") in (expected, "closed", "open")


@pytest.mark.parametrize(
    ("rules", "others", "expected"),
    [
        ([[{"jump": {"target": "a"}}]], {"a": [[m(DPORT, 2222), ACCEPT]]}, "open"),
        ([[{"jump": {"target": "a"}}], [ACCEPT]], {"a": [[{"return": None}], [DROP]]}, "open"),
        ([[{"goto": {"target": "a"}}], [ACCEPT]], {"a": [[{"return": None}]]}, "closed"),
        ([[{"goto": {"target": "a"}}], [ACCEPT]], {"a": []}, "closed"),
        ([[{"jump": {"target": "a"}}], [ACCEPT]], {"a": [[{"goto": {"target": "b"}}], [DROP]], "b": []}, "open"),
        ([[m(DPORT, 22), {"jump": {"target": "a"}}]], {"a": [[ACCEPT]]}, "closed"),
        ([[{"jump": {"target": "a"}}]], {"a": [[{"jump": {"target": "a"}}]]}, "unknown"),
        (
            [[{"vmap": {"key": DPORT, "data": {"set": [[22, DROP], [2222, {"jump": {"target": "a"}}]]}}}], [DROP]],
            {"a": [[m(SADDR, "192.0.2.1"), ACCEPT], [ACCEPT]]},
            "open",
        ),
        ([[{"vmap": {"key": DPORT, "data": "@verdicts"}}]], {}, "open"),
        ([[{"vmap": {"key": meta("iifname"), "data": {"set": [["lo", ACCEPT], ["eth0", ACCEPT]]}}}]], {}, "limited"),
        ([[{"vmap": {"key": meta("skuid"), "data": {"set": [[1, ACCEPT]]}}}]], {}, "unknown"),
    ],
)
def test_jumps(rules, others, expected):
    sets = [
        ("map", {"name": "verdicts", "type": "inet_service", "map": "verdict", "elem": [[2222, ACCEPT], [22, DROP]]})
    ]
    assert model.verdict(ruleset(rules, others=others, sets=sets), 2222) == expected


@pytest.mark.parametrize(
    ("rules", "policy", "expected"),
    [
        ([[m(STATE, "new", "in"), ACCEPT]], "drop", "closed"),
        ([[m(FLAGS, "syn", "in"), ACCEPT]], "drop", "closed"),
        ([[m(FLAGS, "syn", "in"), ACCEPT], [m(FLAGS, "ack", "in"), ACCEPT]], "drop", "open"),
        ([[m({"&": [FLAGS, ["syn", "ack"]]}, "ack"), DROP]], "accept", "closed"),
        ([[m(FLAGS, "ack"), DROP]], "accept", "limited"),
        ([[m(FLAGS, ["fin", "psh"], "in"), DROP]], "accept", "limited"),
        ([[m({"&": [FLAGS, ["psh", "ack"]]}, ["psh", "ack"]), DROP]], "accept", "limited"),
        ([[m({"&": [FLAGS, ["fin", "rst"]]}, 0), ACCEPT]], "drop", "open"),
        ([[m(STATE, "new", "in"), ACCEPT], [m(SADDR, "192.0.2.1"), DROP]], "accept", "limited"),
        ([[m(STATE, "established", "in"), DROP]], "accept", "closed"),
    ],
)
def test_later_packets_must_pass_too(rules, policy, expected):
    """A chain that lets in no more than the SYN serves nobody, and our rule is wanted there."""
    assert model.verdict(ruleset(rules, policy), 2222) == expected
    assert bool(model.rules_for(ruleset(rules, policy), 2222, [], TAG)) is (expected == "closed")
    assert model.verdict(ruleset([OURS, *rules], policy), 2222) == "open"


@pytest.mark.parametrize(
    ("kind", "four", "six"),
    [
        ({"type": "icmp", "expr": "port-unreachable"}, "closed", "open"),
        ({"type": "icmpv6", "expr": "port-unreachable"}, "open", "closed"),
        ({"type": "icmpx", "expr": "admin-prohibited"}, "closed", "closed"),
        ({"type": "tcp reset"}, "unknown", "unknown"),
        (None, "closed", "closed"),
    ],
)
def test_a_reject_implies_its_family(kind, four, six):
    """nft prints "meta nfproto ipv6 reject" as a reject of type icmpv6 alone."""
    found = ruleset([[{"reject": kind}]], "accept")
    assert (model.verdict(found, 2222), model.verdict(found, 2222, "ip6")) == (four, six)


def test_a_reset_hides_its_family():
    """nft prints "meta nfproto ipv6 meta l4proto tcp reject with tcp reset" without its first test."""
    reset = {"reject": {"type": "tcp reset"}}
    assert model.verdict(ruleset([[reset]], "accept", family="ip"), 2222) == "closed"
    assert model.verdict(ruleset([[m(SADDR, "0.0.0.0/0"), reset]], "accept"), 2222) == "closed"
    assert model.rules_for(ruleset([[reset]], "accept"), 2222, [], TAG)


def test_a_drop_in_any_base_chain_counts():
    shut, opened = ruleset([], "drop", table="a"), ruleset([], "accept", table="b")
    assert model.verdict(together(opened, shut), 2222) == model.verdict(together(shut, opened), 2222) == "closed"
    only_six = ruleset([], "drop", family="ip6")
    assert model.verdict(only_six, 2222) == "open" and model.verdict(only_six, 2222, "ip6") == "closed"
    early = ruleset([[m(DPORT, 2222), DROP]], "accept", hook="prerouting")
    assert model.verdict(early, 2222) == "closed" and model.input_chains(early) == []
    assert model.verdict(ruleset([[DROP]], "accept", hook="prerouting", kind="nat"), 2222) == "open"
    assert model.verdict(ruleset([[DROP]], family="netdev", hook="ingress"), 2222) == "limited"
    assert model.verdict(ruleset([[DROP]], hook="forward"), 2222) == "open"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("10.1.2.3", "open"),
        ("10.0.0.0/8", "open"),
        ("10.0.0.0/7", "limited"),
        ("192.0.2.1", "closed"),
        (None, "limited"),
        ("198.51.100.7", "closed"),
    ],
)
def test_sources(source, expected):
    rules = [
        [m(SADDR, "@blocked"), DROP],
        [m(SADDR, {"set": [pfx("10.0.0.0/9"), pfx("10.128.0.0/9")]}), ACCEPT],
        [m(SADDR6, pfx("2001:db8::/32")), ACCEPT],
    ]
    assert model.verdict(ruleset(rules, sets=SETS), 2222, source=source) == expected
    assert model.verdict(ruleset(rules, sets=SETS), 2222, "ip6", "2001:db8:1::/48") == "open"
    with pytest.raises(ValueError, match="not of family ip6"):
        model.verdict(ruleset(rules, sets=SETS), 2222, "ip6", "192.0.2.1")


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        (["nonsense"], "'nonsense'"),
        (["10.0.0.1/8"], "is 10.0.0.0/8 or 10.0.0.1 meant"),
        (["::ffff:10.0.0.1"], "mapped"),
        (["fe80::1%eth0"], "fe80::1%eth0"),
        (["10.0.0.0/33"], "10.0.0.0/33"),
        ([""], "''"),
        ([17], "17"),
        ([None], "None"),
        (["10.0.0.1; flush ruleset"], "flush"),
    ],
)
def test_bad_sources_are_named(sources, words):
    with pytest.raises(ValueError, match=words):
        model.rules_for(ruleset([]), 2222, sources, TAG)


@pytest.mark.parametrize(
    ("port", "tag", "words"),
    [
        (0, TAG, "port 0"),
        (70000, TAG, "port 70000"),
        (22, 'a"b', "tag"),
        (22, "", "tag"),
        (22, "a\n", "tag"),
        (22, "x" * 65, "tag"),
    ],
)
def test_bad_ports_and_tags_are_named(port, tag, words):
    with pytest.raises(ValueError, match=words):
        model.rules_for(ruleset([]), port, [], tag)


@pytest.mark.parametrize(
    ("family", "sources", "lines"),
    [
        ("inet", [], ['insert rule inet filter input tcp dport 2222 accept comment "oqs-ssh"']),
        ("ip6", [], ['insert rule ip6 filter input tcp dport 2222 accept comment "oqs-ssh"']),
        (
            "inet",
            ["192.0.2.1", "10.0.0.0/8", "2001:db8::/32"],
            [
                (
                    'insert rule inet filter input ip saddr { 10.0.0.0/8, 192.0.2.1 } '
                    'tcp dport 2222 accept comment "oqs-ssh"'
                ),
                'insert rule inet filter input ip6 saddr { 2001:db8::/32 } tcp dport 2222 accept comment "oqs-ssh"',
            ],
        ),
        (
            "ip",
            ["10.0.0.0/8", "10.1.0.0/16", "2001:db8::/32"],
            ['insert rule ip filter input ip saddr { 10.0.0.0/8 } tcp dport 2222 accept comment "oqs-ssh"'],
        ),
        ("ip6", ["10.0.0.0/8"], []),
        (
            "inet",
            ["0.0.0.0/0"],
            ['insert rule inet filter input meta nfproto ipv4 tcp dport 2222 accept comment "oqs-ssh"'],
        ),
        ("ip", ["0.0.0.0/0"], ['insert rule ip filter input tcp dport 2222 accept comment "oqs-ssh"']),
    ],
)
def test_rules(family, sources, lines):
    assert model.rules_for(ruleset([[m(DPORT, 22), ACCEPT]], family=family), 2222, sources, TAG) == lines


@pytest.mark.parametrize(
    ("rules", "policy", "count"),
    [
        ([], "accept", 0),
        ([[m(SADDR, "192.0.2.66"), DROP]], "accept", 0),
        ([[m(meta("iifname"), "eth1"), DROP]], "accept", 0),
        ([[m(meta("skuid"), 1), DROP]], "accept", 1),
        ([[m(SADDR, "192.0.2.66"), ACCEPT]], "drop", 1),
        ([[REJECT]], "accept", 1),
        ([[m(DPORT, 2222), ACCEPT]], "drop", 0),
        ([[m(DPORT, 2222), {"limit": {"rate": 9}}, ACCEPT]], "drop", 0),  # who set a limit keeps it
        ([[m(DPORT, 2222), {"limit": {"rate": 9, "inv": True}}, DROP]], "accept", 0),
        ([[m(DPORT, 2222), {"limit": {"rate": 9}}, DROP]], "accept", 1),
    ],
)
def test_when_a_rule_is_needed(rules, policy, count):
    """A closed port is opened; a blocklist in an open chain stays what it is."""
    found = ruleset(rules, policy)
    assert len(model.rules_for(found, 2222, [], TAG)) == count
    assert model.needed(found, 2222, [], TAG) is bool(count)


@pytest.mark.parametrize(
    ("table", "chain", "keeper", "rules"),
    [
        ("filter", "INPUT", "iptables", []),
        ("filter", "INPUT", "ufw", [[{"jump": {"target": "ufw-before-input"}}]]),
        ("firewalld", "filter_INPUT", "firewalld", []),
        ("docker-bridges", "x", "docker", []),
    ],
)
def test_chains_of_others_are_left_alone_and_named(table, chain, keeper, rules):
    found = ruleset(rules, table=table, chain=chain, family="ip", others={"ufw-before-input": []})
    assert model.rules_for(found, 2222, [], TAG) == []
    assert model.blockers(found, 2222, []) == [(keeper, "ip %s %s" % (table, chain))]
    assert model.blockers(found, 2222, ["2001:db8::/32"]) == []
    own = model.rules_for(found, 2222, [], TAG, model.manager_without_compat)
    assert bool(own) is (keeper in ("iptables", "ufw"))
    assert (
        model.blockers(
            ruleset(rules, "accept", table=table, chain=chain, family="ip", others={"ufw-before-input": []}), 2222, []
        )
        == []
    )


def test_names_that_cannot_be_written_are_refused():
    with pytest.raises(ValueError, match="cannot be written"):
        model.rules_for(ruleset([], table='f"; flush'), 2222, [], TAG)


@pytest.mark.parametrize(
    ("rules", "port", "sources", "needed"),
    [
        ([OURS, [DROP]], 2222, [], False),
        ([([m(DPORT, 2222), {"counter": {"packets": 1, "bytes": 2}}, ACCEPT], TAG)], 2222, [], False),
        ([OURS], 2223, [], True),
        ([OURS], 2222, ["10.0.0.0/8"], True),
        ([OURS, OURS], 2222, [], True),
        ([[DROP], OURS], 2222, [], True),
        ([([m(DPORT, 2222), DROP], TAG)], 2222, [], True),
        ([OURS, [m(DPORT, 2222), ACCEPT]], 2222, [], True),
        ([([m(SADDR, {"set": [pfx("10.0.0.0/8")]}), m(DPORT, 2222), ACCEPT], TAG)], 2222, ["10.0.0.0/8"], False),
        ([([m(SADDR, "10.0.0.1"), m(DPORT, 2222), ACCEPT], TAG)], 2222, ["10.0.0.1"], False),
        ([([m(SADDR, {"set": [pfx("10.0.0.0/8")]}), m(DPORT, 2222), ACCEPT], TAG)], 2222, ["10.0.0.0/9"], True),
        ([([m(SADDR, {"set": [pfx("10.0.0.0/8")]}), m(DPORT, 2222), ACCEPT], TAG)], 2222, [], True),
    ],
)
def test_drift(rules, port, sources, needed):
    assert model.needed(ruleset(rules), port, sources, TAG) is needed


def test_ours():
    found = ruleset([OURS, ([m(meta("skuid"), 1), ACCEPT], TAG), ([m(DPORT, 2222), ACCEPT], "oqs-ssh2")])
    assert model.ours(found, TAG) == [
        ("inet", "filter", "input", 2, "tcp dport 2222 accept"),
        ("inet", "filter", "input", 3, json.dumps([m(meta("skuid"), 1), ACCEPT], sort_keys=True)),
    ]
    assert model.removal(model.ours(found, TAG)) == [
        "delete rule inet filter input handle 2",
        "delete rule inet filter input handle 3",
    ]


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ([m(meta("skuid"), 1), m(DPORT, 22)], "closed"),
        ([m(SADDR, "192.0.2.1"), m(DPORT, 22)], "closed"),
        ([m(SADDR, "192.0.2.1"), m(meta("skuid"), 1)], "unknown"),
        ([m(DPORT, 2222), m(SADDR, "192.0.2.1")], "limited"),
    ],
)
def test_conditions_of_one_rule(conditions, expected):
    """A condition that fails settles the rule, whatever else stands there and in whatever order."""
    for order in (conditions, conditions[::-1]):
        assert model.verdict(ruleset([[*order, ACCEPT]]), 2222) == expected
        together = {"concat": [each["match"]["left"] for each in order]}
        values = {"set": [{"concat": [each["match"]["right"] for each in order]}]}
        assert model.verdict(ruleset([[m(together, values), ACCEPT]]), 2222) == expected


@pytest.mark.parametrize("data", ["@missing", "@ports", {"set": [[2222]]}, {"set": 7}, None, {}], ids=str)
def test_a_verdict_map_that_is_not_understood_is_no_verdict(data):
    """Not even "nothing follows": the rule that comes after it is not the only thing that can happen."""
    for policy in ("drop", "accept"):
        rules = [[{"vmap": {"key": DPORT, "data": data}}], [ACCEPT if policy == "drop" else DROP]]
        assert model.verdict(ruleset(rules, policy, sets=SETS), 2222) == "unknown"
    assert model.rules_for(ruleset(rules, sets=SETS), 2222, [], TAG)


@pytest.mark.parametrize("item", [
    "chain", {"chain": 1}, {"chain": {"family": "ip"}}, {"rule": {"family": "ip", "table": "t", "chain": "c"}},
    {"rule": {"family": "ip", "table": "t", "chain": "c", "handle": 1, "expr": [1]}},
    {"rule": {"family": "ip", "table": "t", "chain": "c", "handle": 1, "expr": [{}]}},
    {"chain": {"family": "ip", "table": "t", "name": "c", "hook": 1}},
    {"set": {"family": "ip", "table": "t", "name": "s", "elem": 1}}, {"map": {"family": "ip", "table": "t", "name": 1}},
], ids=str)
def test_an_object_of_another_shape_is_an_error(item):
    with pytest.raises(ValueError, match="its JSON"):
        listing.parse(json.dumps({"nftables": [item]}).encode())


def test_what_is_kept_of_a_rule_of_ours_is_what_nft_printed():
    odd = ([m(meta("skuid"), 1), ACCEPT], TAG)
    found, = model.ours(ruleset([odd, [DROP]]), TAG)
    assert json.loads(found.text) == odd[0]
