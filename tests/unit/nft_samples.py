# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rule sets as nft prints them, in few words."""

from __future__ import annotations

from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset import listing

TAG = "oqs-ssh"
DROP, ACCEPT, REJECT = {"drop": None}, {"accept": None}, {"reject": {"type": "icmpx", "expr": "admin-prohibited"}}


def m(left, right, op="=="):
    return {"match": {"op": op, "left": left, "right": right}}


def payload(protocol, field):
    return {"payload": {"protocol": protocol, "field": field}}


def meta(key):
    return {"meta": {"key": key}}


DPORT, SADDR, SADDR6 = payload("tcp", "dport"), payload("ip", "saddr"), payload("ip6", "saddr")
STATE = {"ct": {"key": "state"}}
FLAGS = payload("tcp", "flags")
USUAL = [
    [{"vmap": {"key": STATE, "data": {"set": [["invalid", DROP], ["established", ACCEPT], ["related", ACCEPT]]}}}],
    [m(meta("iif"), "lo"), ACCEPT],
    [m(payload("icmpv6", "type"), {"set": ["echo-request", "nd-neighbor-solicit"]}), ACCEPT],
]


def ruleset(
    rules, policy="drop", family="inet", table="filter", chain="input", hook="input", kind="filter", others=(), sets=()
):
    """One base chain with these rules (lists of expressions, or pairs of them and a comment), other chains, sets."""
    found = [{"metainfo": {"json_schema_version": 1}}, {"table": {"family": family, "name": table, "handle": 1}}]
    found += [{kind_: {"family": family, "table": table, **body}} for kind_, body in sets]
    chains = {chain: rules, **dict(others)}
    for name in chains:
        base = {"type": kind, "hook": hook, "prio": 0, "policy": policy} if name == chain else {}
        found.append({"chain": {"family": family, "table": table, "name": name, "handle": 1, **base}})
    handle = 2
    for name, content in chains.items():
        for rule in content:
            expressions, comment = rule if isinstance(rule, tuple) else (rule, None)
            body = {"family": family, "table": table, "chain": name, "handle": handle, "expr": expressions}
            found.append({"rule": {**body, "comment": comment} if comment else body})
            handle += 1
    return listing.of(found)


def together(*rulesets):
    """Several rule sets in one, in this order."""
    return listing.Ruleset(*(sum(parts, ()) for parts in zip(*rulesets)))


def pfx(text):
    address, _slash, length = text.partition("/")
    return {"prefix": {"addr": address, "len": int(length)}}


MATCHES = [  # (expression, does it hold for a SYN to 2222 over IPv4 from outside: yes, no, some, maybe)
    (m(DPORT, 2222), "yes"),
    (m(DPORT, 22), "no"),
    (m(DPORT, 22, "!="), "yes"),
    (m(DPORT, {"range": [2000, 3000]}), "yes"),
    (m(DPORT, {"set": [22, {"range": [2222, 2223]}]}), "yes"),
    (m(DPORT, {"set": [22, 80]}), "no"),
    (m(DPORT, {"set": [22, 80]}, "!="), "yes"),
    (m(DPORT, "@ports"), "yes"),
    (m(DPORT, "@none"), "no"),
    (m(DPORT, "@missing"), "maybe"),
    (m(DPORT, 1024, ">"), "yes"),
    (m(DPORT, 1024, "<="), "no"),
    (m(DPORT, "ssh"), "maybe"),
    (m(payload("th", "dport"), 2222), "yes"),
    (m(payload("udp", "dport"), 2222), "no"),
    (m(payload("udp", "dport"), 2222, "!="), "no"),
    (m(payload("tcp", "sport"), {"range": [1024, 65535]}), "some"),
    (m(STATE, "new", "in"), "yes"),
    (m(STATE, ["established", "new"], "in"), "yes"),
    (m(STATE, "new", "!="), "no"),
    (m(STATE, ["established", "related"], "in"), "no"),
    (m(STATE, {"set": ["established", "new"]}), "yes"),
    (m({"ct": {"key": "mark"}}, 1), "no"),
    (m({"ct": {"key": "direction"}}, "original"), "yes"),
    (m({"ct": {"key": "state", "dir": "reply"}}, "new"), "maybe"),
    (m({"ct": {"key": "status"}}, "dnat", "in"), "maybe"),
    (m(FLAGS, "syn", "in"), "yes"),
    (m(FLAGS, ["ack", "rst"], "in"), "no"),
    (m(FLAGS, "syn"), "yes"),
    (m({"&": [FLAGS, ["fin", "syn", "rst", "ack"]]}, "syn"), "yes"),
    (m({"&": [FLAGS, ["fin", "ack"]]}, 0), "yes"),
    (m({"&": [FLAGS, ["fin", "syn"]]}, ["fin", "syn"]), "no"),
    (m({"&": [meta("mark"), 255]}, 1), "no"),
    (m(meta("l4proto"), {"set": ["tcp", "udp"]}), "yes"),
    (m(meta("l4proto"), 6), "yes"),
    (m(meta("l4proto"), "icmp"), "no"),
    (m(meta("nfproto"), "ipv6"), "no"),
    (m(meta("protocol"), "ip"), "yes"),
    (m(payload("ip", "protocol"), "tcp"), "yes"),
    (m(meta("iifname"), "lo"), "no"),
    (m(meta("iifname"), "lo", "!="), "yes"),
    (m(meta("iifname"), "eth0"), "some"),
    (m(meta("iifname"), {"set": ["lo", "eth0"]}), "some"),
    (m(meta("iifname"), "*"), "yes"),
    (m(meta("mark"), 1), "no"),
    (m(meta("pkttype"), {"set": ["broadcast", "multicast"]}), "no"),
    (m(meta("hour"), {"range": ["08:00", "17:00"]}), "some"),
    (m(SADDR, "192.0.2.1"), "some"),
    (m(SADDR, pfx("0.0.0.0/0")), "yes"),
    (m(SADDR, pfx("127.0.0.0/8")), "no"),
    (m(SADDR, {"set": ["192.0.2.1", {"range": ["192.0.2.5", "192.0.2.9"]}]}), "some"),
    (m(SADDR, "@blocked"), "some"),
    (m(SADDR, {"set": ["192.0.2.1", {"elem": {"val": "192.0.2.2", "timeout": 9}}]}), "some"),
    (m(SADDR, "@empty"), "no"),
    (m(SADDR, "host.example"), "maybe"),
    (m(SADDR6, "2001:db8::1"), "no"),
    (m(SADDR6, "2001:db8::1", "!="), "no"),
    (m({"concat": [SADDR, DPORT]}, {"set": [{"concat": ["192.0.2.1", 22]}]}), "no"),
    (m({"concat": [SADDR, DPORT]}, {"set": [{"concat": ["192.0.2.1", 2222]}]}), "some"),
    (m({"concat": [SADDR6, DPORT]}, {"set": []}), "no"),
    (m({"concat": [SADDR, DPORT]}, 5), "maybe"),
    (m({"fib": {"result": "type", "flags": ["daddr"]}}, "local", "!="), "no"),
    (m({"fib": {"result": "oif", "flags": ["saddr", "iif"]}}, False), "no"),
    (m({"fib": {"result": "oif", "flags": ["saddr", "iif"]}}, "0"), "no"),
    (m({"fib": {"result": "oifname", "flags": ["saddr"]}}, "eth0"), "some"),
    (m({"payload": {"base": "nh", "offset": 0, "len": 8}}, 69), "maybe"),
    (m({"exthdr": {"name": "frag"}}, True), "maybe"),
    (m({"numgen": {"mode": "random", "mod": 2, "offset": 0}}, 0), "some"),
    (m(payload("ether", "saddr"), "00:11"), "some"),
    ({"limit": {"rate": 10, "per": "minute"}}, "some"),
    ({"ct count": {"val": 10, "inv": True}}, "some"),
    ({"set": {"op": "add", "elem": SADDR, "set": "@dyn", "stmt": [{"limit": {"rate": 1}}]}}, "some"),
    ({"set": {"op": "update", "elem": SADDR, "set": "@dyn"}}, "yes"),
    ({"counter": {"packets": 0, "bytes": 0}}, "yes"),
    ({"log": {"prefix": "x"}}, "yes"),
    ({"xt": {"type": "match", "name": "multiport"}}, "maybe"),
    ({"novelty": 1}, "maybe"),
]
SETS = (
    ("set", {"name": "ports", "type": "inet_service", "elem": [22, {"range": [2222, 2230]}]}),
    ("set", {"name": "none", "type": "inet_service", "elem": [22]}),
    ("set", {"name": "empty", "type": "ipv4_addr"}),
    ("set", {"name": "blocked", "type": "ipv4_addr", "elem": [pfx("198.51.100.0/24")]}),
)

OURS = ([m(DPORT, 2222), ACCEPT], TAG)
