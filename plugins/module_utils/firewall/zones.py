# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Zones of firewalld as its tool prints and its files keep them, and their rich rules. Pure.

firewalld.zone(5), firewalld.richlanguage(5).
"""

from __future__ import annotations

import re
from typing import Callable, Dict, List, NamedTuple, Sequence
from xml.etree import ElementTree

from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.expressions import Value
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.matching import both, invert
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.packets import (
    ANYWHERE,
    MAYBE,
    MOST,
    NO,
    SOME,
    YES,
    ClientPort,
    Here,
    Source,
    own,
)

_WORD = re.compile(r'([A-Za-z_-]+)(?:(=)"([^"]*)")?')
_MARK = re.compile(r'\brule priority="-?22222"')


class Zone(NamedTuple):
    """A zone, as it is now or as it is kept."""

    target: str
    interfaces: List[str]
    sources: List[str]
    ports: List[str]
    rules: List[str]
    forwards: List[str] = []

    @property
    def ours(self) -> List[str]:
        """Our rich rules."""
        return [rule for rule in self.rules if _MARK.match(rule)]


def zones_now(text: str) -> Dict[str, Zone]:
    """What ``firewall-cmd --list-all-zones`` prints."""
    found: Dict[str, Zone] = {}
    fields: Dict[str, List[str]] = {}
    rules: List[str] = []

    def end(name: str) -> None:
        if name:
            found[name] = Zone(
                (fields.get("target") or ["default"])[0], fields.get("interfaces", []), fields.get("sources", []),
                fields.get("ports", []), [rule for rule in rules if rule.startswith("rule")],
                [row for row in fields.get("forward-ports", []) + rules if row.startswith("port=")],
            )

    name = ""
    for line in text.split("\n"):
        if line and not line[0].isspace():
            end(name)
            name, fields, rules = line.split(" ")[0], {}, []
        elif line.startswith("\t"):
            rules.append(line.strip())
        elif ":" in line:
            key, _colon, value = line.strip().partition(":")
            fields[key] = value.split()
    end(name)
    return found


def zone_kept(data: bytes) -> Zone:
    """The file of a zone (firewalld.zone(5)); one that cannot be read counts as empty."""
    try:
        root = ElementTree.fromstring(data)
    except ElementTree.ParseError:
        return Zone("default", [], [], [], [])
    ports = ["%s/%s" % (each.get("port"), each.get("protocol")) for each in root.findall("port")]
    return Zone(
        root.get("target", "default"), [each.get("name", "") for each in root.findall("interface")],
        [each.get("address") or each.get("mac") or "ipset:" for each in root.findall("source")],
        ports, [_rule_text(each) for each in root.findall("rule")],
        ["port=%s:proto=%s" % (each.get("port"), each.get("protocol")) for each in root.findall("forward-port")],
    )


def _rule_text(rule: ElementTree.Element) -> str:
    """A rule of the file as firewall-cmd prints it, as far as it matters here."""
    words = ["rule"] + ['%s="%s"' % (key, rule.get(key)) for key in ("priority", "family") if rule.get(key)]
    for part in rule:
        names = [key for key in ("NOT", "invert", "address", "mac", "ipset", "port", "protocol", "name", "value")
                 if part.get(key)]
        words += [part.tag] + ['%s="%s"' % (key, part.get(key)) for key in names]
    return " ".join(words)


class Rule(NamedTuple):
    """A rich rule, taken apart: the attributes of each of its elements (``NOT`` is one), and its priority."""

    parts: Dict[str, Dict[str, str]]
    priority: int


def parse(text: str) -> Rule:
    """A rule as ``firewall-cmd --list-all-zones`` prints it."""
    parts: Dict[str, Dict[str, str]] = {}
    name = ""
    for word, equals, value in _WORD.findall(text):
        if equals or word == "NOT":
            parts.setdefault(name, {})[word] = value
        else:
            name = word
            parts.setdefault(name, {})
    priority = parts.get("rule", {}).get("priority", "0")
    return Rule(parts, int(priority) if re.match(r"-?\d+\Z", priority) else 0)


def shuts(text: str, port: int, ways: Sequence[Here] = ANYWHERE) -> bool:
    """Whether a rule closes the port to everybody (or to all of one family), or to most; what is not understood may."""
    parts = parse(text).parts
    return bool({"reject", "drop"} & set(parts)) and _fits(parts, port, ways) in (YES, MOST, MAYBE)


def opens(text: str, port: int, ways: Sequence[Here] = ANYWHERE) -> bool:
    """Whether a rule opens the port to everybody of both families."""
    parts = parse(text).parts
    return "accept" in parts and "family" not in parts.get("rule", {}) and _fits(parts, port, ways) in (YES, MOST)


def forwards(text: str, port: int) -> bool:
    """Whether a rule sends the port elsewhere."""
    parts = parse(text).parts
    named = parts.get("forward-port")
    return named is not None and covers(["%s/%s" % (named.get("port"), named.get("protocol"))], port)


def forwarded(row: str, port: int) -> bool:
    """Whether a forward-port (``port=2222:proto=tcp:toport=22:toaddr=``) is about the port."""
    fields = dict(part.partition("=")[::2] for part in row.split(":"))
    return covers(["%s/%s" % (fields.get("port", ""), fields.get("proto"))], port)


def _fits(parts: Dict[str, Dict[str, str]], port: int, ways: Sequence[Here]) -> str:
    """Whether a rule is about a packet for the port, as most are."""
    if {"service", "forward-port", "icmp-block", "icmp-type"} & set(parts):
        return NO
    family = parts.get("rule", {}).get("family", "")
    version = 6 if family == "ipv6" or ":" in parts.get("source", {}).get("address", "") else 4
    named = parts.get("port")
    if named is not None and not covers(["%s/%s" % (named.get("port"), named.get("protocol"))], port):
        return NO
    if parts.get("protocol", {}).get("value", "tcp") not in ("tcp", "6"):
        return NO
    asked: Dict[str, Callable[[List[Value]], str]] = {
        "source": Source(version, None).within,
        "destination": own(version, tuple(each for here in ways for each in here.addresses)).within,
    }
    answers = [
        invert(answer) if {"NOT", "invert"} & set(parts[name]) else answer
        for name, within in asked.items() if name in parts
        for answer in [within([parts[name]["address"]]) if "address" in parts[name] else SOME]
    ]
    if "source-port" in parts:
        low, _dash, high = parts["source-port"].get("port", "").partition("-")
        answers.append(ClientPort().between(int(low), int(high or low)) if (low + high).isdigit() else MAYBE)
    return both(answers)


def covers(ports: Sequence[str], port: int) -> bool:
    """Whether one of these ports and ranges (``1024-65535/tcp``) is the port."""
    for each in ports:
        span, _slash, protocol = each.partition("/")
        low, _dash, high = span.partition("-")
        if protocol == "tcp" and low.isdigit() and int(low) <= port <= int(high if high.isdigit() else low):
            return True
    return False
