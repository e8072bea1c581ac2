# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A wanted change of an ssh configuration as data, checked before anything is touched. Pure."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.document import (
    Head,
    as_text,
    parse_head,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.keywords import (
    ALGORITHMS,
    COMMA,
    FIRST_WORDS,
    HEADS,
    KEYED,
    LINES,
    RAW,
    WORDS,
    canonical,
    kind,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.syntax import (
    ConfigError,
    keyword_and_start,
    words,
)

STATES = ("present", "absent")
WAYS = ("set", "add", "remove", "uncomment", "comment")
PLACES = ("", "first", "last")
WHERES = ("", "top", "end")
WHOLE_BLOCK = "*"
_LISTS = (ALGORITHMS, COMMA, FIRST_WORDS, WORDS, LINES, KEYED)
_OPTIONS = ("keyword", "values", "value", "state", "how", "place", "before", "block", "where")


class Change(NamedTuple):
    """One wanted change.

    :ivar keyword: as it is to be written where no line has it yet; aliases count as one. ``*``: the whole block.
    :ivar values: values as they stand in the file. With ``absent``: only these go; none given: the setting goes.
    :ivar state: ``present`` or ``absent``.
    :ivar how: ``set`` (exactly these values), ``add`` or ``remove`` (members of a comma list, words or lines of a
        keyword that may repeat), ``uncomment`` (a commented copy where there is a fitting one, else a new line),
        ``comment`` (with ``absent``: leave a comment instead of deleting).
    :ivar place: for ``add``: ``first`` or ``last``, moving members that are elsewhere; empty: new ones at the end.
    :ivar before: for ``add``: the member that the new ones have to precede.
    :ivar block: None for global, else the head of a block, as ``Host localhost`` or ``Match User bob``.
    :ivar where: place of a block that has to be made: ``end`` of the file (default), or ``top``: in ssh_config before
        all that is global (an existing block moves there), in sshd_config before the first Match.
    """

    keyword: str
    values: Sequence[str] = ()
    state: str = "present"
    how: str = "set"
    place: str = ""
    before: str = ""
    block: Optional[str] = None
    where: str = ""


class Wanted(NamedTuple):
    """A change after checking: canonical keyword, its kind, and values as bytes that may go into the file."""

    keyword: str
    spelling: bytes
    kind: str
    action: str
    values: Tuple[bytes, ...]
    change: Change
    head: Optional[Head] = None
    head_line: bytes = b""


def change_from_dict(given: Mapping[str, Any]) -> Change:
    """A change from a dictionary with the names of :class:`Change`; ``value`` for one value, booleans as yes and no.

    :raises ConfigError: unknown or missing names, values of a wrong type; names the option.
    """
    if not isinstance(given, Mapping):
        raise ConfigError("a change must be a dictionary with at least 'keyword', not %s" % type(given).__name__)
    unknown = sorted(set(map(str, given)) - set(_OPTIONS))
    if unknown:
        raise ConfigError("unknown option %r in a change: use %s" % (unknown[0], ", ".join(_OPTIONS)))
    if given.get("value") is not None and given.get("values") is not None:
        raise ConfigError("change of %r: give 'value' or 'values', not both" % (given.get("keyword"),))
    values = given.get("values")
    if values is None:
        values = [] if given.get("value") is None else [given["value"]]
    elif not isinstance(values, (list, tuple)):
        values = [values]
    texts: Dict[str, Any] = {}
    for name in ("keyword", "state", "how", "place", "before", "block", "where"):
        text = given.get(name)
        if text is None:
            continue
        if not isinstance(text, str):
            raise ConfigError("option %r of a change must be text, not %s" % (name, type(text).__name__))
        texts[name] = text
    if not texts.get("keyword"):
        raise ConfigError("a change lacks the option 'keyword'")
    return Change(values=tuple(_as_text(value, texts["keyword"]) for value in values), **texts)


def _as_text(value: Any, keyword: str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, str)):
        return str(value)
    raise ConfigError("a value of %s must be text, a number or a boolean, not %s" % (keyword, type(value).__name__))


def checked(change: Change, dialect: str) -> Wanted:
    """Check a change against what its keyword can do.

    :raises ConfigError: names the keyword, the option at fault and what to do.
    """
    keyword = canonical(change.keyword, dialect)
    whole = change.keyword == WHOLE_BLOCK
    if not whole and not re.match(r"[A-Za-z][A-Za-z0-9-]*\Z", change.keyword):
        raise ConfigError("keyword %r: a keyword is one word of letters and digits" % change.keyword)
    if keyword in HEADS:
        raise ConfigError("keyword %r opens a block: name the block in 'block' and set keywords in it" % change.keyword)
    for option, value, choices in (
        ("state", change.state, STATES), ("how", change.how, WAYS),
        ("place", change.place, PLACES), ("where", change.where, WHERES),
    ):
        if value not in choices:
            raise ConfigError("%s: %s must be one of %s, not %r" % (
                change.keyword, option, ", ".join(choice for choice in choices if choice), value))
    action = _action(change)
    if whole and (change.block is None or action not in ("set", "delete")):
        raise ConfigError("keyword '*' stands for a whole block: give 'block', and how 'set' or state 'absent'")
    wanted = Wanted(keyword, change.keyword.encode("ascii"), kind(keyword, dialect), action, (), change)
    if change.block is not None:
        head, head_line = parse_head(change.block, dialect)
        wanted = wanted._replace(head=head, head_line=head_line)
    elif change.where:
        raise ConfigError("%s: 'where' is the place of a block; a global setting has its own" % change.keyword)
    if whole:
        return wanted._replace(values=tuple(_block_line(value) for value in change.values))
    return _with_values(wanted)


def repeated(all_wanted: Sequence[Wanted]) -> List[str]:
    """The keywords that several changes of one scope are about: these may contradict each other."""
    settings = [(wanted.head, wanted.keyword) for wanted in all_wanted]
    return [wanted.change.keyword for wanted in all_wanted if settings.count((wanted.head, wanted.keyword)) > 1]


def _action(change: Change) -> str:
    """One word for state and how: set, add, remove, uncomment, delete or comment."""
    if (change.place or change.before) and change.how != "add":
        raise ConfigError("%s: 'place' and 'before' belong to how 'add'" % change.keyword)
    if change.place and change.before:
        raise ConfigError("%s: give 'place' or 'before', not both" % change.keyword)
    if change.state == "absent":
        if change.how in ("add", "uncomment"):
            raise ConfigError("%s: state 'absent' and how %r contradict each other" % (change.keyword, change.how))
        if change.how == "comment":
            return "comment"
        return "remove" if change.values and change.keyword != WHOLE_BLOCK else "delete"
    if change.how == "comment":
        raise ConfigError("%s: how 'comment' takes a setting away: it needs state 'absent'" % change.keyword)
    return change.how


def _with_values(wanted: Wanted) -> Wanted:
    name, values = wanted.change.keyword, wanted.change.values
    if not values and wanted.action not in ("delete", "comment"):
        raise ConfigError("%s: no value given" % name)
    if wanted.action == "add" and wanted.kind not in _LISTS:
        raise ConfigError("%s takes one value, nothing can be added to it: use how 'set'" % name)
    parsed = [_value(value, wanted) for value in values]
    members: List[bytes]
    if wanted.kind in (FIRST_WORDS, WORDS):
        members = [part.text for value in parsed for part in words(value, 0)]
    elif wanted.kind in (ALGORITHMS, COMMA):
        members = [member for value in parsed for member in value.split(b",")]
        _check_members(members, wanted)
    else:
        members = parsed
        if wanted.kind not in (LINES, KEYED) and len(members) > 1:
            raise ConfigError("%s takes one value, %d were given" % (name, len(members)))
    if wanted.action in ("add", "remove"):
        members = list(dict.fromkeys(members))
    return wanted._replace(values=tuple(members))


def _check_members(members: Sequence[bytes], wanted: Wanted) -> None:
    for number, member in enumerate(members):
        if not member or re.search(rb"[ \t\"']", member):
            raise ConfigError("%s: a member of a comma list is one word, not %r" % (
                wanted.change.keyword, member.decode("utf-8", "replace")))
        with_head = wanted.kind == ALGORITHMS and member[:1] in (b"+", b"-", b"^")
        if with_head and (number or wanted.action in ("add", "remove")):
            raise ConfigError("%s: %r: a list begins with + - or ^, a single member does not" % (
                wanted.change.keyword, member.decode("utf-8", "replace")))


def _value(value: str, wanted: Wanted) -> bytes:
    """One value as bytes for the file; words get the quotes they need and no others."""
    name = wanted.change.keyword
    raw = value.strip(" \t").encode("utf-8", "surrogateescape")
    if not raw:
        raise ConfigError("%s: an empty value; write \"\" (two quotes) if the program takes one" % name)
    if re.search(rb"[\0-\x08\x0a-\x1f\x7f]", raw):
        raise ConfigError("%s: line ends and control characters cannot be part of a value" % name)
    if raw.startswith(b"="):
        raise ConfigError("%s: a value cannot begin with '=', which separates it from its keyword" % name)
    try:
        parts = words(raw, 0)
    except ConfigError:
        raise ConfigError("%s: a quote is not closed in the value %r" % (name, value)) from None
    if wanted.kind == RAW:
        return raw
    if not parts or parts[-1].end != len(raw):
        raise ConfigError("%s: %r holds a comment sign, and what follows would be ignored: quote it" % (name, value))
    return raw if wanted.kind == KEYED else as_text(part.text for part in parts)


def _block_line(line: str) -> bytes:
    """A line of a whole block, checked."""
    raw = line.strip(" \t").encode("utf-8", "surrogateescape")
    if not raw or re.search(rb"[\0-\x08\x0a-\x1f\x7f]", raw):
        raise ConfigError("%r is no line of a block: it is empty or holds control characters" % line)
    if raw.startswith(b"#"):
        return raw
    name, start = keyword_and_start(raw)
    if name.decode("latin-1").lower() in HEADS:
        raise ConfigError("%r cannot stand in a block, it would open another" % line)
    if not name or not words(raw, start):
        raise ConfigError("%r lacks a value" % line)
    return raw
