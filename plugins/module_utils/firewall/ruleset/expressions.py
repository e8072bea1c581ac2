# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The statements and expressions of nftables rules as values, from their JSON (libnftables-json(5)).

What is not understood is kept as such, never guessed: ``Unread``. Pure.
"""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Optional, Tuple, Union, cast

#: Statements that end a rule whatever the packet is.
ENDS = frozenset((
    "accept", "drop", "reject", "return", "continue", "snat", "dnat", "masquerade", "redirect", "queue", "synproxy",
    "fwd",
))
#: Statements that change nothing about where a packet goes.
_HARMLESS = frozenset((
    "counter", "log", "comment", "mangle", "notrack", "last", "ct helper", "ct timeout", "ct expectation", "secmark",
    "flow", "dup", "set", "map",
))


class Unread(NamedTuple):
    """Something that is not understood here."""


# -- the left side of a match: what of a packet it is about ------------------------------------------------------------


class Payload(NamedTuple):
    """A field of a header."""

    protocol: str
    field: str


class Meta(NamedTuple):
    """Something that the kernel knows of a packet."""

    key: str


class Ct(NamedTuple):
    """Something that it knows of the packet's connection; ``direction`` is empty where the rule names none."""

    key: str
    direction: str = ""


class Fib(NamedTuple):
    """What the routing table says."""

    result: str
    flags: Tuple[str, ...]


class Numgen(NamedTuple):
    """A number that differs from packet to packet."""


class Masked(NamedTuple):
    """Some flags of a field of flags."""

    of: "Left"
    flags: Tuple[str, ...]


class Concat(NamedTuple):
    """Several fields in one."""

    parts: "Tuple[Left, ...]"


Left = Union[Payload, Meta, Ct, Fib, Numgen, Masked, Concat, Unread]


# -- the right side: what it is compared with --------------------------------------------------------------------------


class Prefix(NamedTuple):
    """A network."""

    address: str
    length: int


class Range(NamedTuple):
    """All between two, both among them."""

    low: "Scalar"
    high: "Scalar"


class Set(NamedTuple):
    """One of these."""

    elements: "Tuple[Value, ...]"


class Listed(NamedTuple):
    """A list: of flags, mostly."""

    members: "Tuple[Value, ...]"


class Joined(NamedTuple):
    """A value for each part of a ``Concat``."""

    parts: "Tuple[Value, ...]"


class Named(NamedTuple):
    """One of a set that has a name."""

    name: str


Scalar = Union[str, int]
Value = Union[str, int, Prefix, Range, Set, Listed, Joined, Named, Unread]


# -- statements --------------------------------------------------------------------------------------------------------


class Match(NamedTuple):
    """A condition."""

    op: str
    left: Left
    right: Value


class End(NamedTuple):
    """One of ``ENDS``."""

    kind: str


class Reject(NamedTuple):
    """A reject that says how (``icmp``, ``icmpx``, ``icmpv6``, ``tcp reset``)."""

    how: str


class Call(NamedTuple):
    """Another chain is gone through; with ``returns`` it may come back."""

    target: str
    returns: bool


class Entry(NamedTuple):
    """Of a verdict map: what follows for a value."""

    key: Value
    verdict: "Statement"


class Vmap(NamedTuple):
    """What follows depends on a value: by these entries, or by those of the map of a name. Neither: not understood."""

    key: Left
    entries: Optional[Tuple[Entry, ...]] = None
    name: str = ""


class Gate(NamedTuple):
    """It depends on what differs from packet to packet, such as a rate. ``normally``: it holds for most: under a limit.
    """

    normally: bool = False


class Harmless(NamedTuple):
    """It changes nothing about where a packet goes."""

    kind: str


Statement = Union[Match, End, Reject, Call, Vmap, Gate, Harmless, Unread]


def statement(item: object) -> Statement:
    """A statement of a rule."""
    kind, body = _only(item)
    fields = _fields(body)
    if kind == "match":
        return Match(str(fields.get("op", "==")), left(fields.get("left")), value(fields.get("right")))
    if kind == "reject" and fields:
        return Reject(str(fields.get("type")))
    if kind in ENDS:
        return _by_map(kind, fields) or End(kind)
    if kind in ("jump", "goto"):
        return Call(str(fields.get("target")), kind == "jump")
    if kind == "vmap":
        data, key = fields.get("data"), left(fields.get("key"))
        if isinstance(data, str) and data.startswith("@"):
            return Vmap(key, name=data[1:])
        return Vmap(key, entries(_fields(data).get("set")))
    if kind in ("limit", "quota", "ct count"):
        return Gate(not fields.get("inv"))
    if kind in ("set", "map", "meter") and fields.get("stmt"):
        inner = [statement(each) for each in _many(fields["stmt"])]
        return next((each for each in inner if not isinstance(each, Harmless)), Harmless(kind))
    if kind == "mangle":
        return Harmless("mark" if _only(fields.get("key"))[0] in ("meta", "ct") else kind)
    return Harmless(kind) if kind in _HARMLESS else Unread()


def _by_map(kind: str, fields: Dict[str, object]) -> Optional[Statement]:
    """Of NAT whose address or port depends on a map: what is not in it goes on."""
    for part in (fields.get("addr"), fields.get("port")):
        name, body = _only(part)
        if name == "map":
            rows = _fields(_fields(body).get("data")).get("set")
            if not isinstance(rows, list) or not all(isinstance(each, list) and len(each) == 2 for each in rows):
                return Unread()
            return Vmap(left(_fields(body).get("key")), tuple(Entry(value(key), End(kind)) for key, _to in rows))
    return None


def entries(rows: object) -> Optional[Tuple[Entry, ...]]:
    """What a verdict map holds; None: it holds something else."""
    if not isinstance(rows, list) or not all(isinstance(each, list) and len(each) == 2 for each in rows):
        return None
    return tuple(Entry(value(key), statement(verdict)) for key, verdict in rows)


def left(item: object) -> Left:
    """The left side of a match, or the key of a verdict map."""
    kind, body = _only(item)
    fields = _fields(body)
    if kind == "payload" and isinstance(fields.get("protocol"), str):
        return Payload(str(fields["protocol"]), str(fields.get("field")))
    if kind == "meta":
        return Meta(str(fields.get("key")))
    if kind == "ct":
        return Ct(str(fields.get("key")), str(fields.get("dir") or ""))
    if kind == "fib":
        return Fib(str(fields.get("result")), tuple(str(each) for each in _many(fields.get("flags", []))))
    if kind == "numgen":
        return Numgen()
    if kind == "concat" and isinstance(body, list):
        return Concat(tuple(left(each) for each in body))
    if kind == "&" and isinstance(body, list) and len(body) == 2:
        of = left(body[0])
        if isinstance(body[1], int) and isinstance(of, (Meta, Ct)):
            return Masked(of, ())  # of a mark
        flags = value(body[1])
        members = flags.members if isinstance(flags, Listed) else (flags,)
        if all(isinstance(each, str) for each in members):
            return Masked(of, tuple(str(each) for each in members))
    return Unread()


def value(item: object) -> Value:
    """The right side of a match, or an element of a set; its time-out, counter and comment are left out."""
    if isinstance(item, str):
        return Named(item[1:]) if item.startswith("@") else item
    if isinstance(item, int):
        return item
    if isinstance(item, list):
        return Listed(tuple(value(each) for each in item))
    if isinstance(item, dict) and len(item) == 1 and "prefix" in item:  # most of what large sets hold
        return _prefix(item["prefix"])
    kind, body = _only(item)
    fields = _fields(body)
    if kind == "|":
        parts = [value(each) for each in _many(body)]
        return Listed(tuple(each for part in parts for each in (part.members if isinstance(part, Listed) else (part,))))
    if kind == "elem":
        return value(fields.get("val"))
    if kind == "set":
        return Set(tuple(value(each) for each in _many(body)))
    if kind == "concat" and isinstance(body, list):
        return Joined(tuple(value(each) for each in body))
    if kind == "range" and isinstance(body, list) and len(body) == 2 and all(
            isinstance(each, (str, int)) for each in body):
        return Range(body[0], body[1])
    return Unread()


def _prefix(body: object) -> Value:
    if isinstance(body, dict):
        address, length = body.get("addr"), body.get("len")
        if isinstance(address, str) and isinstance(length, int):
            return Prefix(address, length)
    return Unread()


def _only(item: object) -> Tuple[str, object]:
    """The name and the body of an object; empty for anything else. Of several members the first one counts."""
    for name, body in _fields(item).items():
        return str(name), body
    return "", None


def _fields(body: object) -> Dict[str, object]:
    return cast(Dict[str, object], body) if isinstance(body, dict) else {}


def _many(body: object) -> List[object]:
    return cast(List[object], body) if isinstance(body, list) else [body]
