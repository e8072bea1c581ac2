# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What ``nft -j list ruleset`` prints, parsed once (libnftables-json(5)): nobody has to doubt its shape later. Pure."""

from __future__ import annotations

import json
from typing import Dict, List, NamedTuple, Optional, Tuple, cast

from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset import expressions
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.expressions import (
    Entry,
    Statement,
    Value,
)


class Head(NamedTuple):
    """A chain without its rules; ``hook`` is empty for one that is only called."""

    family: str
    table: str
    name: str
    hook: str = ""
    kind: str = "filter"
    policy: str = "accept"


class Rule(NamedTuple):
    """A rule; ``printed`` is its JSON, kept where it has a comment, or what iptables prints."""

    family: str
    table: str
    chain: str
    statements: Tuple[Statement, ...]
    handle: int = 0
    comment: str = ""
    printed: str = ""


class NamedSet(NamedTuple):
    """A set or a map that has a name; ``entries`` (None: it holds something else) are those of a verdict map."""

    family: str
    table: str
    name: str
    elements: Tuple[Value, ...]
    entries: Optional[Tuple[Entry, ...]] = None


class Ruleset(NamedTuple):
    """A rule set, in its order."""

    chains: Tuple[Head, ...] = ()
    rules: Tuple[Rule, ...] = ()
    sets: Tuple[NamedSet, ...] = ()


def parse(data: bytes) -> Ruleset:
    """The rule set.

    :raises ValueError: it is not what nft prints; says what is wrong.
    """
    try:
        answer = json.loads(data.decode("utf-8", "replace"))
    except ValueError:
        raise ValueError("its answer is no JSON, or was cut short") from None
    found = answer.get("nftables") if isinstance(answer, dict) else None
    if not isinstance(found, list):
        raise ValueError("its JSON holds no list of the name nftables")
    return of(found)


def of(objects: List[object]) -> Ruleset:
    """The rule set that a list of objects says.

    :raises ValueError: one of them is of another shape.
    """
    chains: List[Head] = []
    rules: List[Rule] = []
    sets: List[NamedSet] = []
    for item in objects:
        if not isinstance(item, dict):
            raise ValueError("its JSON lists something that is no object of a rule set")
        for kind, body in item.items():
            if kind == "chain":
                chains.append(_head(body))
            elif kind == "rule":
                rules.append(_rule(body))
            elif kind in ("set", "map"):
                sets.append(_named(kind, body))
    return Ruleset(tuple(chains), tuple(rules), tuple(sets))


def _head(body: object) -> Head:
    row = _row("chain", body, ("family", "table", "name"))
    given = {name: row[name] for name in ("hook", "type", "policy") if name in row}
    if not all(isinstance(each, str) for each in given.values()):
        raise _bad("chain")
    return Head(
        str(row["family"]), str(row["table"]), str(row["name"]), str(given.get("hook", "")),
        str(given.get("type", "filter")), str(given.get("policy", "accept")),
    )


def _rule(body: object) -> Rule:
    row = _row("rule", body, ("family", "table", "chain"))
    handle, listed, comment = row.get("handle"), row.get("expr", []), row.get("comment")
    if not isinstance(handle, int) or not isinstance(listed, list) or not all(
            isinstance(each, dict) and each for each in listed):
        raise _bad("rule")
    return Rule(
        str(row["family"]), str(row["table"]), str(row["chain"]),
        tuple(expressions.statement(each) for each in listed), handle, str(comment or ""),
        json.dumps(listed, sort_keys=True) if comment else "",
    )


def _named(kind: str, body: object) -> NamedSet:
    row = _row(kind, body, ("family", "table", "name"))
    elements = row.get("elem", [])
    if not isinstance(elements, list):
        raise _bad(kind)
    return NamedSet(
        str(row["family"]), str(row["table"]), str(row["name"]), tuple(expressions.value(each) for each in elements),
        expressions.entries(elements) if kind == "map" else None,
    )


def _row(kind: str, body: object, words: Tuple[str, ...]) -> Dict[str, object]:
    if not isinstance(body, dict) or not all(isinstance(body.get(word), str) for word in words):
        raise _bad(kind)
    return cast(Dict[str, object], body)


def _bad(kind: str) -> ValueError:
    return ValueError("its JSON has a %s of another shape than libnftables-json(5) says" % kind)
