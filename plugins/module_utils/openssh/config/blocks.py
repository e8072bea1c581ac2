# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edits of whole blocks: make one, move it to the top, write its body, take it away.

In ssh_config the first value wins, so a block that has to win stands above the global settings; as a block ends only
where the next begins, ``Match all`` behind it makes what follows global again. Pure.
"""

from __future__ import annotations

from typing import List, Optional, Sequence

from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.changes import Wanted
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.document import INDENT, Document, Head
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.keywords import HEADS, SSH
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.syntax import COMMENT

_EVERYTHING = (("match", "all"), ("host", "*"))
_GLOBAL_AGAIN = b"Match all"
# These heads do something even when their block is empty.
_WITH_EFFECT = frozenset(("exec", "canonical", "final"))


def ensure(document: Document, wanted: Wanted) -> None:
    """Make the block of a change if there is none, and bring it to the top of ssh_config if it has to be there."""
    if wanted.head is None:
        return
    found = [start for head, start, _end in document.blocks() if head == wanted.head]
    if not found:
        _put(document, wanted, [wanted.head_line])
    elif wanted.change.where == "top" and document.dialect == SSH:
        _keep_on_top(document, wanted, found[0])


def _keep_on_top(document: Document, wanted: Wanted, start: int) -> None:
    """Move a block above all that counts for every host, and see to it that new global settings go below it."""
    blocks = document.blocks()
    end = document.scope(wanted.head)[0][1]
    has_globals_above = any(document.is_active(index) for index in range(blocks[0][1]))
    if has_globals_above or any(head in _EVERYTHING for head, index, _end in blocks if index < start):
        moved = [line.raw for line in document.lines[start:end]]
        document.delete(range(start, end))
        _put_on_top(document, wanted, moved)
    elif _EVERYTHING[0] not in [head for head, _start, _end in blocks]:
        document.insert(end, [_GLOBAL_AGAIN])


def _put(document: Document, wanted: Wanted, lines: List[bytes]) -> None:
    if wanted.change.where != "top":
        document.insert(len(document.lines), lines)
    elif document.dialect == SSH:
        _put_on_top(document, wanted, lines)
    else:
        heads = document.head_indexes()
        document.insert(_above_comments(document, heads[0]) if heads else len(document.lines), lines)


def _put_on_top(document: Document, wanted: Wanted, lines: List[bytes]) -> None:
    following = _first_active(document)
    blocks = document.blocks()
    if following is None or document.lines[following].name not in HEADS:
        document.insert(0, lines + [_GLOBAL_AGAIN])
        return
    for_all = [start for head, start, _end in blocks if head in _EVERYTHING]
    if wanted.head in _EVERYTHING and for_all and for_all[0] != following:
        document.insert(for_all[0], lines)  # a block for all hosts stays below those that have to win over it
        return
    below_others = _EVERYTHING[0] in [head for head, _start, _end in blocks[1:]]
    if below_others:
        document.insert(_above_comments(document, following), lines)
    else:
        document.insert(0, lines + [_GLOBAL_AGAIN])


def _above_comments(document: Document, index: int) -> int:
    """Above the comments right above a line; not indented ones, which would seem to belong to a block above them."""
    while index and document.lines[index - 1].name == COMMENT and document.lines[index - 1].raw[:1] == b"#":
        index -= 1
    return index


def _first_active(document: Document) -> Optional[int]:
    return next((index for index in range(len(document.lines)) if document.is_active(index)), None)


def write_body(document: Document, wanted: Wanted) -> None:
    """Make the body of a block exactly these lines; further blocks with the same head go."""
    ranges = document.scope(wanted.head)
    for start, end in reversed(ranges[1:]):
        document.delete(range(start - 1, end))
    start, end = ranges[0]
    new = [INDENT + value for value in wanted.values]
    if [line.raw for line in document.lines[start:end]] != new:
        document.delete(range(start, end))
        document.insert(start, new)


def remove(document: Document, head: Head) -> None:
    """Take all blocks with a head away, with what made the rest global again."""
    for start, end in reversed(document.scope(head)):
        _take_out(document, start - 1, end)


def drop_emptied(document: Document, head: Head, before: Sequence[bool]) -> None:
    """Take blocks away that an edit has left without any line of their own, unless their head alone does something.

    :param before: which blocks with this head were empty before the edit, see :func:`emptiness`; those stay.
    """
    if _WITH_EFFECT.intersection(word.lstrip("!") for word in head):
        return
    ranges = document.scope(head)
    for (start, end), was_empty in reversed(list(zip(ranges, before))):
        if start == end and not was_empty:
            _take_out(document, start - 1, end)


def emptiness(document: Document, head: Head) -> List[bool]:
    """Which blocks with a head have no line of their own."""
    return [start == end for start, end in document.scope(head)]


def _take_out(document: Document, start: int, end: int) -> None:
    was_on_top = _first_active(document) == start
    document.delete(range(start, end))
    following = document.blocks()
    if document.dialect == SSH and was_on_top and following and following[0][0] == _EVERYTHING[0]:
        document.delete([following[0][1]])
