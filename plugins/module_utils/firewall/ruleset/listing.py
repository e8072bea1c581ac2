# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What ``nft -j list ruleset`` prints, checked once: nobody has to doubt its shape later.

Expressions stay as they are (libnftables-json(5)): what is strange about them is judged where they are matched. Pure.
"""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping, Tuple

Item = Dict[str, Dict[str, Any]]
"""One object of the rule set by its kind: chain, rule, set, map, table and others."""

#: What the walk through a rule set relies on.
_WORDS: Mapping[str, Tuple[str, ...]] = {
    "chain": ("family", "table", "name"), "rule": ("family", "table", "chain"),
    "set": ("family", "table", "name"), "map": ("family", "table", "name"),
}


def parse(data: bytes) -> List[Item]:
    """The objects of a rule set.

    :raises ValueError: it is not what nft prints; says what is wrong.
    """
    try:
        answer = json.loads(data.decode("utf-8", "replace"))
    except ValueError:
        raise ValueError("its answer is no JSON, or was cut short") from None
    objects = answer.get("nftables") if isinstance(answer, dict) else None
    if not isinstance(objects, list):
        raise ValueError("its JSON holds no list of the name nftables")
    return [_item(each) for each in objects]


def _item(item: Any) -> Item:
    if not isinstance(item, dict):
        raise ValueError("its JSON lists something that is no object of a rule set")
    for kind, words in _WORDS.items():
        if kind in item and not _sound(kind, item[kind], words):
            raise ValueError("its JSON has a %s of another shape than libnftables-json(5) says" % kind)
    return item


def _sound(kind: str, body: Any, words: Tuple[str, ...]) -> bool:
    if not isinstance(body, dict) or not all(isinstance(body.get(word), str) for word in words):
        return False
    if kind == "chain":
        return all(isinstance(body[word], str) for word in ("hook", "type", "policy") if word in body)
    if kind == "rule":
        expressions = body.get("expr", [])
        return isinstance(body.get("handle"), int) and isinstance(expressions, list) and all(
            isinstance(each, dict) and each for each in expressions)
    return True
