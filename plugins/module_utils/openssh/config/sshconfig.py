# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read and edit ssh_config(5) and sshd_config(5) without loss: every byte that is no subject of a change stays.

Pure: bytes in, bytes out. The knowledge is in ``syntax`` (lines and words), ``keywords`` (what a keyword's values
mean), ``document`` (scopes), ``changes`` (changes as data), ``setting``, ``lists`` and ``blocks`` (edits).
"""

from __future__ import annotations

import difflib
import fnmatch
import posixpath
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config import blocks as sshconfig_blocks
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.changes import (
    WHOLE_BLOCK,
    Change,
    Wanted,
    change_from_dict,
    checked,
    repeated,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.document import (
    Document,
    Head,
    Include,
    Range,
    as_text,
    parse_head,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.keywords import (
    DIALECTS,
    FIRST_WORDS,
    KEYED,
    LINES,
    RAW,
    SSH,
    SSHD,
    WORDS,
    canonical,
    kind,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.lists import Editor
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.syntax import ConfigError

__all__ = [
    "DIALECTS",
    "SSH",
    "SSHD",
    "Change",
    "ConfigError",
    "Edited",
    "blocks",
    "change_from_dict",
    "edit",
    "edit_with_notes",
    "guess_dialect",
    "heads",
    "read",
    "set_block",
    "unified",
]
_DEPTH = 16  # levels of Include, as in readconf.h and servconf.h


class Edited(NamedTuple):
    """The file after an edit, and what its author should know: earlier values that win, lists that cannot tell."""

    data: bytes
    notes: Tuple[str, ...]


def edit(data: bytes, changes: Sequence[Change], dialect: str, include: Optional[Include] = None) -> bytes:
    """Make changes to a file, one after the other, all or none. Pure; a second time it changes nothing.

    :param dialect: ``ssh_config`` or ``sshd_config``.
    :param include: gives the contents of the files that the argument of an Include line names; they are only read.
    :raises ConfigError: names the keyword, what is wrong with it, and what to do.
    """
    return edit_with_notes(data, changes, dialect, include).data


def edit_with_notes(
    data: bytes, changes: Sequence[Change], dialect: str, include: Optional[Include] = None
) -> Edited:
    """Like :func:`edit`, with notes about values elsewhere in the file that win over what was asked for."""
    _check_dialect(dialect)
    document = Document(data, dialect, include)
    all_wanted = [checked(change, dialect) for change in changes]
    for wanted in all_wanted:
        _apply(document, wanted)
    after = document.data()
    names = repeated(all_wanted)
    if names and not _is_stable(after, all_wanted, dialect, include):
        raise ConfigError("the changes of %s contradict each other, so every run would change the file again: "
                          "make them one, or drop one" % names[0])
    return Edited(after, tuple(document.notes))


def _is_stable(after: bytes, all_wanted: Sequence[Wanted], dialect: str, include: Optional[Include]) -> bool:
    """Whether the same changes leave a file as they made it."""
    document = Document(after, dialect, include)
    try:
        for wanted in all_wanted:
            _apply(document, wanted)
    except ConfigError:
        return False
    return document.data() == after


def _apply(document: Document, wanted: Wanted) -> None:
    makes = wanted.action in ("set", "add", "uncomment")
    head = wanted.head
    if makes:
        sshconfig_blocks.ensure(document, wanted)
    if wanted.change.keyword != WHOLE_BLOCK:
        before = None if makes or head is None else sshconfig_blocks.emptiness(document, head)
        Editor(document, wanted).apply()
        if before is not None and head is not None:
            sshconfig_blocks.drop_emptied(document, head, before)
    elif makes:
        sshconfig_blocks.write_body(document, wanted)
    elif head is not None:
        sshconfig_blocks.remove(document, head)


def set_block(data: bytes, head: str, lines: Optional[Sequence[str]], where: str, dialect: str) -> bytes:
    """Make a block's body exactly these lines, indented by four blanks; None takes the block away.

    :param head: as ``Host localhost 127.0.0.1 ::1``.
    :param where: ``top`` or ``end``, see :class:`Change`.
    :raises ConfigError: a line that cannot stand in a block, or a head that is none.
    """
    if lines is None:
        return edit(data, [Change(WHOLE_BLOCK, state="absent", block=head)], dialect)
    return edit(data, [Change(WHOLE_BLOCK, tuple(lines), block=head, where=where)], dialect)


def blocks(data: bytes, dialect: str) -> List[str]:
    """The heads of all blocks as written, without indentation."""
    _check_dialect(dialect)
    document = Document(data, dialect)
    return [document.lines[index].raw.strip().decode("utf-8", "surrogateescape")
            for index in document.head_indexes()]


def heads(data: bytes, dialect: str) -> List[Head]:
    """The heads of all blocks in the form that compares: ``("host", "web1", "web2")``, quotes and ``=`` gone.

    :raises ConfigError: a quote is not closed in one.
    """
    _check_dialect(dialect)
    return [head for head, _start, _end in Document(data, dialect).blocks()]


def all_heads(data: bytes, dialect: str, include: Include, depth: int = _DEPTH) -> List[Head]:
    """The same with those of the files that it includes, and that these include.

    :raises ConfigError: a quote is not closed in one.
    """
    document = Document(data, dialect, include)
    found = [head for head, _start, _end in document.blocks()]
    for index in document.find("include", [(0, len(document.lines))]) if depth else ():
        for content in document.included(index):
            found += all_heads(content, dialect, include, depth - 1)
    return found


def read(
    data: bytes, dialect: str, *, block: Optional[str] = None, include: Optional[Include] = None
) -> Dict[str, List[str]]:
    """What the real program takes from the global part of a file, or from the blocks with one head.

    Keys are canonical keywords in lower case (``pubkeyacceptedalgorithms`` also for its aliases). A keyword whose
    first line wins has one value (a comma list is one value), or the words of that line; others are added up.

    :raises ConfigError: an open quote in a line that is asked for, or a head that is none.
    """
    _check_dialect(dialect)
    document = Document(data, dialect, include)
    head = None if block is None else parse_head(block, dialect)[0]
    values: Dict[str, List[str]] = {}
    _collect(document, document.scope(head), values, _DEPTH)
    return values


def _collect(document: Document, ranges: Sequence[Range], values: Dict[str, List[str]], depth: int) -> None:
    dialect = document.dialect
    for start, end in ranges:
        for index in range(start, end):
            if not document.is_active(index):
                continue
            keyword = canonical(document.lines[index].name, dialect)
            if keyword == "include" and document.include is not None:
                for content in document.included(index) if depth else []:
                    part = Document(content, dialect, document.include)
                    _collect(part, part.scope(None), values, depth - 1)
            else:
                _count(values, keyword, document, index)


def _count(values: Dict[str, List[str]], keyword: str, document: Document, index: int) -> None:
    """Add the value of a line the way the real program counts it."""
    value = document.value(index)
    counted = kind(keyword, document.dialect)
    text = (value.text if counted in (RAW, KEYED) else as_text(value.words)).decode("utf-8", "surrogateescape")
    words = [as_text([word]).decode("utf-8", "surrogateescape") for word in value.words]
    known = values.setdefault(keyword, [])
    if counted == WORDS:
        for word in words:
            if keyword == "sendenv" and word.startswith("-"):  # takes away what stands before
                known[:] = [other for other in known if not fnmatch.fnmatchcase(other, word[1:])]
            else:
                known.append(word)
    elif counted == LINES:
        if document.dialect == SSHD or text not in known:
            known.append(text)
    elif counted == KEYED:
        if not any(other.split()[:1] == words[:1] for other in known):
            known.append(text)
    elif not known:
        known.extend(words if counted == FIRST_WORDS else [text])


def unified(before: bytes, after: bytes, name: str) -> str:
    """The difference of two versions of a file as ``diff -u`` shows it; empty where there is none."""
    lines = []
    for line in difflib.unified_diff(_shown(before), _shown(after), name, name):
        lines.append(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n")
    return "".join(lines)


def _shown(data: bytes) -> List[str]:
    return [line.decode("utf-8", "backslashreplace") for line in data.splitlines(True)]


def guess_dialect(path: str) -> str:
    """The dialect of a file by its name: sshd_config and files in sshd_config.d, or ssh_config, config and the like.

    :raises ConfigError: the name does not tell.
    """
    for part in (posixpath.basename(path), posixpath.basename(posixpath.dirname(path))):
        if "sshd_config" in part:
            return SSHD
        if "ssh_config" in part:
            return SSH
    if posixpath.basename(path) == "config":
        return SSH
    raise ConfigError("%s: the name does not tell which program reads it: give 'dialect'" % path)


def _check_dialect(dialect: str) -> None:
    if dialect not in DIALECTS:
        raise ConfigError("dialect %r: use %s" % (dialect, " or ".join(DIALECTS)))
