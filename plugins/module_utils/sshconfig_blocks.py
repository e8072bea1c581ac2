# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edits of whole blocks: make one, move it to the top, write its body, take it away.

In ssh_config the first value wins, so a block that has to win stands above the global settings; as a block ends only
where the next begins, ``Match all`` behind it makes what follows global again.
"""

from __future__ import annotations

from typing import List, Optional

from ansible_collections.quantumsafe.openssh.plugins.module_utils.sshconfig_change import Wanted
from ansible_collections.quantumsafe.openssh.plugins.module_utils.sshconfig_document import INDENT, Document, Head
from ansible_collections.quantumsafe.openssh.plugins.module_utils.sshconfig_keywords import HEADS, SSH
from ansible_collections.quantumsafe.openssh.plugins.module_utils.sshconfig_syntax import COMMENT

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
    elif wanted.change.where == "top" and document.dialect == SSH and not _is_on_top(document, found[0]):
        end = document.scope(wanted.head)[0][1]
        moved = [line.raw for line in document.lines[found[0]:end]]
        document.delete(range(found[0], end))
        _put(document, wanted, moved)


def _is_on_top(document: Document, start: int) -> bool:
    """Whether nothing that counts for every host stands above a block."""
    first = document.head_indexes()[0]
    if any(document.is_active(index) for index in range(first)):
        return False
    return not any(head in _EVERYTHING for head, index, _end in document.blocks() if index < start)


def _put(document: Document, wanted: Wanted, lines: List[bytes]) -> None:
    if wanted.change.where != "top":
        document.insert(len(document.lines), lines)
    elif document.dialect == SSH:
        following = _first_active(document, 0)
        opens_other = following is not None and document.lines[following].name in HEADS
        is_first_all = following is not None and opens_other and document.blocks()[0][0] == _EVERYTHING[0]
        document.insert(0, lines + ([] if opens_other and not is_first_all else [_GLOBAL_AGAIN]))
    else:
        index = next(iter(document.head_indexes()), len(document.lines))
        if index < len(document.lines):
            while index and document.lines[index - 1].name == COMMENT:
                index -= 1
        document.insert(index, lines)


def _first_active(document: Document, start: int) -> Optional[int]:
    return next((index for index in range(start, len(document.lines)) if document.is_active(index)), None)


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


def drop_if_empty(document: Document, head: Head) -> None:
    """Take blocks away that an edit has left without any line of their own, unless their head alone does something."""
    if _WITH_EFFECT.intersection(word.lstrip("!") for word in head):
        return
    for start, end in reversed(document.scope(head)):
        if start == end:
            _take_out(document, start - 1, end)


def _take_out(document: Document, start: int, end: int) -> None:
    was_on_top = _first_active(document, 0) == start
    document.delete(range(start, end))
    if document.dialect != SSH or not was_on_top:
        return
    following = _first_active(document, start)
    if following is None or document.lines[following].name not in HEADS:
        return
    if document.blocks()[0][0] == _EVERYTHING[0]:
        document.delete([following])
