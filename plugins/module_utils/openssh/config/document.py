# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A configuration file as lines, blocks and scopes: where a setting stands, and where a new one has to go.

A scope is a list of ranges of lines: the global one, or the bodies of all blocks with one head. In ssh_config the
body of ``Match all`` belongs to the global scope: it is the only way to go on globally after a block that has to win.

Pure.
"""

from __future__ import annotations

import functools
import re
from typing import Callable, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.keywords import (
    HEADS,
    RAW,
    SSH,
    canonical,
    kind,
    spellings,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.syntax import (
    COMMENT,
    ConfigError,
    Line,
    join,
    keyword_and_start,
    quoted,
    split,
    stripped_length,
    uncommented,
    words,
)

Head = Tuple[str, ...]
Range = Tuple[int, int]
Include = Callable[[str], Iterable[bytes]]
_WITHOUT_VALUE = ("all", "canonical", "final", "invalid-user")
_MATCH_ALL: Head = ("match", "all")
INDENT = b"    "


class Value(NamedTuple):
    """A line's value: its bytes as written without a comment after it, its words, and where the bytes stand."""

    text: bytes
    words: Tuple[bytes, ...]
    start: int
    end: int


def value_of(raw: bytes, keyword: str, dialect: str) -> Value:
    """The value of a line.

    :param keyword: the canonical keyword: some take the rest of the line as it is.
    :raises ConfigError: a quote is not closed.
    """
    start = keyword_and_start(raw)[1]
    parts = words(raw, start)
    found = tuple(word.text for word in parts)
    if kind(keyword, dialect) == RAW:
        end = max(start, stripped_length(raw))
        return Value(raw[start:end], found, start, end)
    if not parts:
        return Value(b"", (), start, start)
    return Value(raw[parts[0].start:parts[-1].end], found, parts[0].start, parts[-1].end)


@functools.lru_cache(maxsize=1024)
def head_of(raw: bytes) -> Head:
    """A block's head in a form that compares: ``match``, criteria in lower case, ``=`` like a blank, quotes gone."""
    name, start = keyword_and_start(raw)
    arguments = [word.text.decode("utf-8", "surrogateescape") for word in words(raw, start)]
    if name.lower() != b"match":
        return ("host",) + tuple(arguments)
    head = ["match"]
    expects_value = False
    for argument in arguments:
        if not expects_value:
            criterion, equals, rest = argument.partition("=")
            head.append(criterion.lower())
            expects_value = criterion.lower().lstrip("!") not in _WITHOUT_VALUE
            argument = rest
            if not (equals and rest):
                continue
        head.append(argument)
        expects_value = False
    return tuple(head)


def parse_head(block: str, dialect: str) -> Tuple[Head, bytes]:
    """A head as a user gives it: the form that compares, and the line to write.

    :raises ConfigError: no Host or Match with arguments, or not allowed in this dialect.
    """
    raw = block.strip().encode("utf-8", "surrogateescape")
    name = keyword_and_start(raw)[0].decode("latin-1").lower()
    allowed = HEADS if dialect == SSH else ("match",)
    if name not in allowed or re.search(rb"[\0\r\n\f]", raw):
        raise ConfigError(
            "block %r: a block of %s begins with %s and is one line"
            % (block, dialect, " or ".join(word.capitalize() for word in allowed))
        )
    head = head_of(raw)
    if len(head) < 2:
        raise ConfigError("block %r: %s needs something to match" % (block, name.capitalize()))
    if dialect == SSH and head == _MATCH_ALL:
        raise ConfigError("block %r: what stands there is global in ssh_config; leave the block out" % block)
    return head, raw


class Document:
    """The lines of one file under edit, and notes for the user about what an edit cannot reach."""

    def __init__(self, data: bytes, dialect: str, include: Optional[Include] = None) -> None:
        self.dialect = dialect
        self.lines = split(data)
        self._without_end = bool(self.lines) and not self.lines[-1].eol
        self.include = include
        self.notes: List[str] = []
        self._blocks: Optional[List[Tuple[Head, int, int]]] = None

    def data(self) -> bytes:
        """The file as it is now; without a final line end if it had none."""
        if self._without_end and self.lines and self.lines[-1].raw:
            self.lines[-1].eol = b""
        return join(self.lines)

    def note(self, text: str) -> None:
        """Tell the user something once."""
        if text not in self.notes:
            self.notes.append(text)

    def head_indexes(self) -> List[int]:
        """Where the Host and Match lines stand."""
        return [start for _head, start, _end in self.blocks()]

    def blocks(self) -> List[Tuple[Head, int, int]]:
        """Every block: head, index of its line, index after its last line."""
        if self._blocks is None:
            starts = [index for index, line in enumerate(self.lines) if line.name in HEADS]
            ends = starts[1:] + [len(self.lines)]
            self._blocks = [(head_of(self.lines[start].raw), start, end) for start, end in zip(starts, ends)]
        return self._blocks

    def scope(self, head: Optional[Head]) -> List[Range]:
        """The ranges of lines that belong to the global scope (None) or to the blocks with a head."""
        blocks = self.blocks()
        if head is not None:
            return [(start + 1, self._body_end(end)) for found, start, end in blocks if found == head]
        first = blocks[0][1] if blocks else len(self.lines)
        ranges = [(0, first)]
        if self.dialect == SSH:
            again = [(start + 1, end) for found, start, end in blocks if found == _MATCH_ALL]
            if again and not any(self.is_active(index) for index in range(first)):
                return again  # above are only blocks that have to win
            ranges += again
        return ranges

    def _body_end(self, end: int) -> int:
        """After the last line of a block that is its own: comments in column 0 may belong to what follows."""
        while not self.is_active(end - 1) and (
            self.lines[end - 1].name == "" or self.lines[end - 1].raw[:1] == b"#"
        ):
            end -= 1
        return end

    def find(self, keyword: str, ranges: Iterable[Range]) -> List[int]:
        """The lines that set a keyword, under any of its names."""
        names = spellings(keyword, self.dialect)
        lines = self.lines
        return [index for start, end in ranges for index in range(start, end) if lines[index].name in names]

    def commented(self, keyword: str, ranges: Iterable[Range]) -> List[int]:
        """The comments that would set a keyword, were they not comments."""
        names = "|".join(sorted(spellings(keyword, self.dialect)))
        fits = re.compile(rb"[ \t]*#[# \t]*(?i:%s)[ \t=]" % names.encode("ascii")).match
        lines = self.lines
        return [
            index for start, end in ranges for index in range(start, end)
            if lines[index].name == COMMENT and fits(lines[index].raw)
        ]

    def value(self, index: int) -> Value:
        """The value of a line."""
        line = self.lines[index]
        return value_of(line.raw, canonical(line.name, self.dialect), self.dialect)

    def is_active(self, index: int) -> bool:
        """Whether a line sets something."""
        return self.lines[index].name not in ("", COMMENT)

    def eol(self, index: int) -> bytes:
        """The line end that a line inserted at an index takes from its neighbours."""
        for neighbour in (index - 1, index - 2, index):
            if 0 <= neighbour < len(self.lines) and self.lines[neighbour].eol:
                return self.lines[neighbour].eol
        return b"\n"

    def insert(self, index: int, new: Sequence[bytes]) -> None:
        """Put lines before the one at an index."""
        self._blocks = None
        eol = self.eol(index)
        lines = [Line(raw, eol) for raw in new]
        if self.lines and not self.lines[-1].eol:
            self.lines[-1].eol = eol
        self.lines[index:index] = lines

    def replace(self, index: int, raw: bytes) -> None:
        """Write a line anew, its line end kept."""
        self.lines[index] = Line(raw, self.lines[index].eol)

    def delete(self, indexes: Iterable[int]) -> None:
        """Take lines out."""
        gone = set(indexes)
        self._blocks = None
        self.lines = [line for index, line in enumerate(self.lines) if index not in gone]

    def indent(self, ranges: Sequence[Range]) -> bytes:
        """The indentation of a block: that of its first setting, else four blanks."""
        for start, end in ranges:
            for index in range(start, end):
                if self.is_active(index):
                    raw = self.lines[index].raw
                    return raw[:len(raw) - len(raw.lstrip(b" \t"))]
        return INDENT

    def place_for_new(self, keyword: str, ranges: Sequence[Range]) -> int:
        """Where a keyword that a scope does not set yet goes: below a commented copy, else below the last setting.

        Always in the scope's first range, where it wins over blocks in between.
        """
        copies = self.commented(keyword, ranges[:1])
        if copies:
            return copies[0] + 1
        start, end = ranges[0]
        for index in range(end - 1, start - 1, -1):
            if self.is_active(index):
                return index + 1
        if start and self.lines[start - 1].name in HEADS:
            return start
        if end < len(self.lines):
            while end > start and self.lines[end - 1].name == COMMENT:
                end -= 1
        return end

    def includes_before(self, index: int, ranges: Iterable[Range]) -> List[int]:
        """The Include lines of a scope that stand before a line."""
        return [found for found in self.find("include", ranges) if found < index]

    def included(self, index: int) -> List[bytes]:
        """The contents of the files that an Include line names; none where nobody can read them."""
        if self.include is None:
            return []
        contents: List[bytes] = []
        for pattern in self.value(index).words:
            contents.extend(self.include(pattern.decode("utf-8", "surrogateescape")))
        return contents

    def describe(self, index: int) -> str:
        """A line for a message: its number and its text."""
        return "line %d (%s)" % (index + 1, self.lines[index].raw.strip().decode("utf-8", "backslashreplace"))


def sets(data: bytes, keyword: str, dialect: str, include: Optional[Include], depth: int = 15) -> bool:
    """Whether an included file, or what it includes, sets a keyword globally.

    :param depth: how many more levels of Include are followed: OpenSSH goes down 16.
    """
    document = Document(data, dialect, include)
    ranges = document.scope(None)
    if document.find(keyword, ranges):
        return True
    return depth > 0 and any(
        sets(content, keyword, dialect, include, depth - 1)
        for index in document.find("include", ranges) for content in document.included(index)
    )


def commented_value(raw: bytes, keyword: str, dialect: str) -> Optional[Value]:
    """The value that a commented copy of a keyword holds; None where it is prose."""
    text = uncommented(raw)
    if text is None or canonical(keyword_and_start(text)[0].decode("latin-1"), dialect) != keyword:
        return None
    try:
        return value_of(text, keyword, dialect)
    except ConfigError:
        return None


def as_text(parts: Iterable[bytes]) -> bytes:
    """Words as they are written in a line."""
    return b" ".join(quoted(part) for part in parts)
