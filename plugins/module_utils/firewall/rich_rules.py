# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rich rules of firewalld (firewalld.richlanguage(5)), taken apart: does one close the port to everybody? Pure."""

from __future__ import annotations

import re
from typing import Callable, Dict, List, NamedTuple, Sequence

from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.expressions import Value
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.matching import both, invert
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.packets import (
    ANYWHERE,
    MAYBE,
    MOST,
    SOME,
    YES,
    ClientPort,
    Here,
    Source,
    own,
)

_WORD = re.compile(r'([A-Za-z_-]+)(?:(=)"([^"]*)")?')


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
    """Whether a rich rule closes the port to everybody (or to all of one family), or to most."""
    rule = parse(text)
    parts = rule.parts
    if not {"reject", "drop"} & set(parts) or {"service", "forward-port", "icmp-block", "icmp-type"} & set(parts):
        return False
    family = {"ipv6": "ip6"}.get(parts.get("rule", {}).get("family", ""), "ip")
    version = 6 if family == "ip6" or ":" in parts.get("source", {}).get("address", "") else 4
    named = parts.get("port")
    if named is not None and not covers(["%s/%s" % (named.get("port"), named.get("protocol"))], port):
        return False
    if parts.get("protocol", {}).get("value", "tcp") not in ("tcp", "6"):
        return False
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
    return both(answers) in (YES, MOST, MAYBE)


def covers(ports: Sequence[str], port: int) -> bool:
    """Whether one of these ports and ranges (``1024-65535/tcp``) is the port."""
    for each in ports:
        span, _slash, protocol = each.partition("/")
        low, _dash, high = span.partition("-")
        if protocol == "tcp" and low.isdigit() and int(low) <= port <= int(high if high.isdigit() else low):
            return True
    return False
