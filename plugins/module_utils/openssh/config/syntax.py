# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lines, keywords and words of ssh_config(5) and sshd_config(5), cut as OpenSSH 9 and 10 cut them.

Nothing is thrown away: :func:`join` of :func:`split` gives back every byte. Pure.
"""

from __future__ import annotations

import re
from typing import Iterable, List, NamedTuple, Optional, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import UserError

BLANKS = b" \t\r\n"
COMMENT = "#"
_FAST = re.compile(rb"[ \t\r]*(?:([A-Za-z0-9]+)(?=[ \t\r=])|(#)|\Z)")
_DELIMITER = re.compile(rb'[ \t\r\n"=]')
_SPECIAL = re.compile(rb"[\"'\\#]")
_PLAIN_WORD = re.compile(rb"[^ \t]+")
_COMMENTED = re.compile(rb"([ \t]*)#+([ \t]*)")


class ConfigError(UserError):
    """A file that cannot be edited safely, or a change that makes no sense. The message says which and what to do."""


class Line:
    """One line of a file.

    ``raw`` has no line end, ``eol`` is ``\\n``, ``\\r\\n`` or (last line only) empty, ``name`` is the keyword in
    lower case, ``#`` for a comment and empty for a line that says nothing.
    """

    __slots__ = ("raw", "eol", "name")

    def __init__(self, raw: bytes, eol: bytes, name: Optional[str] = None) -> None:
        self.raw = raw
        self.eol = eol
        self.name = _name(raw) if name is None else name


class Word(NamedTuple):
    """A word as the program sees it, and where it stands in the line."""

    text: bytes
    start: int
    end: int


def split(data: bytes) -> List[Line]:
    """Cut a file into lines.

    :raises ConfigError: the file holds NUL bytes, after which OpenSSH stops reading a line.
    """
    if b"\0" in data:
        raise ConfigError("the file holds NUL bytes, so it is no ssh configuration (UTF-16?): save it as plain text")
    pieces = data.split(b"\n")
    last = pieces.pop()
    lines = []
    fast = _FAST.match
    for piece in pieces:
        eol = b"\n"
        if piece.endswith(b"\r"):
            piece, eol = piece[:-1], b"\r\n"
        found = fast(piece)
        if found is None:
            name = _name(piece)
        else:
            word = found[1]
            name = word.decode("ascii").lower() if word else COMMENT if found[2] else ""
        lines.append(Line(piece, eol, name))
    if last:
        lines.append(Line(last, b""))
    return lines


def join(lines: Iterable[Line]) -> bytes:
    """The file of these lines."""
    return b"".join([part for line in lines for part in (line.raw, line.eol)])


def stripped_length(raw: bytes) -> int:
    """Length of the line without what OpenSSH strips from its end (form feed counts there, and only there)."""
    return max(len(raw.rstrip(BLANKS + b"\f")), min(1, len(raw)))


def keyword_and_start(raw: bytes) -> Tuple[bytes, int]:
    """The keyword as written (empty: the line says nothing) and where its value begins, as strdelim() of misc.c cuts.

    Keywords may be quoted, preceded by ``=`` or glued to their value by it.
    """
    text = raw[:stripped_length(raw)]
    word, rest = _strdelim(text, 0)
    if word == b"" and rest is not None:
        word, rest = _strdelim(text, rest)
    return word or b"", len(text) if rest is None else min(rest, len(text))


def _strdelim(text: bytes, at: int) -> Tuple[Optional[bytes], Optional[int]]:
    found = _DELIMITER.search(text, at)
    if found is None:
        return text[at:], None
    here = found.start()
    if found[0] == b'"':
        close = text.find(b'"', here + 1)
        if close < 0:
            return None, None
        return text[at:here] + text[here + 1:close], _skip(text, close + 1)
    rest = _skip(text, here + 1)
    if found[0] != b"=" and text[rest:rest + 1] == b"=":
        rest = _skip(text, rest + 1)
    return text[at:here], rest


def _skip(text: bytes, at: int) -> int:
    while at < len(text) and text[at] in BLANKS:
        at += 1
    return at


def _name(raw: bytes) -> str:
    word = keyword_and_start(raw)[0]
    if word.startswith(b"#"):
        return COMMENT
    return word.decode("latin-1").lower()


def words(raw: bytes, start: int) -> List[Word]:
    """The words from a place in a line on, as argv_split() of misc.c finds them: quotes, escapes, end at a comment.

    :raises ConfigError: a quote is not closed.
    """
    end = stripped_length(raw)
    if _SPECIAL.search(raw, start, end) is None:
        return [Word(found[0], found.start(), found.end()) for found in _PLAIN_WORD.finditer(raw, start, end)]
    found_words = []
    at = start
    while at < end:
        if raw[at] in b" \t":
            at += 1
        elif raw[at] == 0x23:
            break
        else:
            word = _one_word(raw, at, end)
            found_words.append(word)
            at = word.end
    return found_words


def _one_word(raw: bytes, start: int, end: int) -> Word:
    text = bytearray()
    quote = 0
    at = start
    while at < end:
        char = raw[at]
        follower = raw[at + 1] if at + 1 < end else 0
        if char == 0x5C and ((follower in b"'\"\\" and follower) or (not quote and follower == 0x20)):
            text.append(follower)
            at += 1
        elif not quote and char in b" \t":
            break
        elif not quote and char in b"\"'":
            quote = char
        elif quote and char == quote:
            quote = 0
        else:
            text.append(char)
        at += 1
    if quote:
        raise ConfigError("a quote is not closed in the line %r" % raw.decode("utf-8", "backslashreplace"))
    return Word(bytes(text), start, at)


def quoted(word: bytes, always: bool = False) -> bytes:
    """The word as it must be written so that :func:`words` gives it back; quotes only where they are needed."""
    escapes = re.search(rb"\\(?:[ '\"\\]|\Z)", word) is not None
    if not (always or escapes or word == b"" or re.search(rb"[ \t\"']", word) or word[:1] in (b"#", b"=")):
        return word
    return b'"' + re.sub(rb"\\(?=['\"\\]|\Z)|\"", lambda found: b"\\" + found[0], word) + b'"'


def uncommented(raw: bytes) -> Optional[bytes]:
    """What a commented line would say without its comment sign, its indentation kept; None for other lines."""
    found = _COMMENTED.match(raw)
    return found[1] + found[2] + raw[found.end():] if found else None
