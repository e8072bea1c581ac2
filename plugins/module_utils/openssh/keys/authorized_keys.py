# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lines of authorized_keys (sshd(8), AUTHORIZED_KEYS FILE FORMAT): read as sshd reads them, edited without loss.

Pure: bytes in, bytes out. Keys of any type count as keys; lines that sshd cannot use either are never touched.
"""

from __future__ import annotations

import base64
import re
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys.key_files import (
    BadKey,
    PublicKey,
    parse_public,
)

_BLANK = " \t"
_FLAGS = re.compile(
    "no-|restrict|pty|cert-authority|port-forwarding|agent-forwarding|x11-forwarding|user-rc|verify-required"
    "|[a-z-]+=", re.I)


class Entry(NamedTuple):
    """One key and what it may do: the options as they are written (may be empty), type, blob, comment."""

    options: str
    type: str
    blob: bytes
    comment: str

    @property
    def key(self) -> PublicKey:
        """The key without its options."""
        return PublicKey(self.type, self.blob, self.comment)

    @property
    def identity(self) -> Tuple[bytes, bool]:
        """What makes two entries mean the same key: a certificate authority is another thing than a login key."""
        return self.blob, "cert-authority" in [name.lower() for name in split_options(self.options)]


class Line(NamedTuple):
    """One line of a file: its bytes with their end, and the entry, if sshd can read one in it."""

    raw: bytes
    entry: Optional[Entry]


def _options_end(text: str) -> int:
    """Where the options end: the first blank outside of quotes, exactly as sshd's own parser walks.

    :raises BadKey: a quote stays open.
    """
    position, quoted = 0, False
    while position < len(text) and (quoted or text[position] not in _BLANK):
        if text[position:position + 2] == '\\"':
            position += 1
        elif text[position] == '"':
            quoted = not quoted
        position += 1
    if quoted:
        raise BadKey("a quote in the options is not closed")
    return position


def split_options(text: str) -> List[str]:
    """The options as a list: cut at commas outside of quotes. ``from="a,b",restrict`` gives two.

    :raises BadKey: a quote stays open.
    """
    parts: List[str] = []
    start, position, quoted = 0, 0, False
    while position < len(text):
        if text[position:position + 2] == '\\"':
            position += 1
        elif text[position] == '"':
            quoted = not quoted
        elif text[position] == "," and not quoted:
            parts.append(text[start:position])
            start = position + 1
        position += 1
    if quoted:
        raise BadKey("a quote in the options is not closed")
    return parts + [text[start:]] if text else []


def parse_entry(line: Union[str, bytes], strict: bool = True) -> Entry:
    """Parse one line ``[OPTIONS] TYPE BASE64 [COMMENT]``.

    :param strict: as a line that is to be written; without, as sshd reads one that is there.
    :raises BadKey: empty, a comment, several lines, a private key, or no key where one must be.
    """
    text = line.decode("utf-8", "surrogateescape") if isinstance(line, bytes) else line
    text = text.strip(_BLANK + "\r\n")
    if not text or text.startswith("#"):
        raise BadKey("there is no key in the line")
    if any(char in text for char in "\n\r\0") and strict:
        raise BadKey("a key is one line; this has a line end or NUL inside")
    try:
        return Entry("", *parse_public(text, strict))
    except BadKey as error:
        first = error
    end = _options_end(text)
    options, rest = text[:end], text[end:].lstrip(_BLANK)
    try:
        key = parse_public(rest, strict)
    except BadKey as error:
        # What was wrong with the first reading is the better answer unless the line surely began with options.
        raise error if _FLAGS.match(options) and rest else first from None
    if strict and any(not name for name in split_options(options)):
        raise BadKey("there is an empty option before the key")
    return Entry(options, key.type, key.blob, key.comment)


def format_entry(entry: Entry) -> str:
    """The line for an entry, without its end."""
    text = "%s %s" % (entry.type, base64.b64encode(entry.blob).decode("ascii"))
    return (entry.options + " " if entry.options else "") + text + (" " + entry.comment if entry.comment else "")


def parse(data: bytes) -> List[Line]:
    """Split a file into lines; joining their ``raw`` gives the file again, whatever its bytes."""
    lines = []
    for raw in data.split(b"\n"):
        # sshd reads lines as C strings: what stands behind a NUL does not count, what stands before it does.
        visible = raw.split(b"\0")[0]
        try:
            entry: Optional[Entry] = parse_entry(visible, strict=False)
        except BadKey:
            entry = None
        lines.append(Line(raw + b"\n", entry))
    last = lines.pop()
    return lines + ([Line(last.raw[:-1], last.entry)] if last.raw != b"\n" else [])


def _line_end(line: Line) -> bytes:
    return b"\r\n" if line.raw.endswith(b"\r\n") else b"\n"


def _is(entry: Entry, wanted: Entry) -> bool:
    """Whether an entry that is there is the wanted one; a wanted entry without comment is content with any."""
    return entry.options == wanted.options and wanted.comment in ("", entry.comment)


def _place(lines: Sequence[Line], wanted: Sequence[Entry]) -> List[Line]:
    """Put the wanted entries of one key among the lines: kept where they are, repaired in place, or added at the end.

    Other lines with the same key go: sshd tries every line, so a second one without options would undo the first.
    """
    missing = [entry for entry in wanted
               if not any(line.entry and line.entry.identity == entry.identity and _is(line.entry, entry)
                          for line in lines)]
    result: List[Line] = []
    for line in lines:
        entry = line.entry
        if entry is None or entry.identity != wanted[0].identity or any(_is(entry, other) for other in wanted):
            result.append(line)
        elif missing:
            entry = missing.pop(0)
            result.append(Line(format_entry(entry).encode("utf-8", "surrogateescape") + _line_end(line), entry))
    for entry in missing:
        if result and not result[-1].raw.endswith(b"\n"):
            result[-1] = result[-1]._replace(raw=result[-1].raw + b"\n")
        result.append(Line(format_entry(entry).encode("utf-8", "surrogateescape") + b"\n", entry))
    return result


def ensure(
    data: bytes,
    wanted: Sequence[Entry],
    exclusive: bool = False,
    owned: Optional[Callable[[Entry], bool]] = None,
) -> bytes:
    """A file that holds the wanted entries; all other bytes stay as they are.

    :param exclusive: take out every other key. Comments, blank lines and lines no key can be read from stay.
    :param owned: with exclusive, only keys for which this is true are taken out (``marked``); default: all.
    :returns: the same bytes when nothing has to change; the result is a fixed point.
    """
    lines = parse(data)
    by_key: Dict[Tuple[bytes, bool], List[Entry]] = {}
    for entry in wanted:
        same = by_key.setdefault(entry.identity, [])
        if entry not in same:
            same.append(entry)
    if exclusive:
        lines = [line for line in lines if line.entry is None or line.entry.identity in by_key
                 or (owned is not None and not owned(line.entry))]
    for entries in by_key.values():
        lines = _place(lines, entries)
    return b"".join(line.raw for line in lines)


def without(data: bytes, unwanted: Sequence[Entry]) -> bytes:
    """A file without these keys, whatever their options and comments; all other bytes stay as they are."""
    identities = {entry.identity for entry in unwanted}
    return b"".join(line.raw for line in parse(data) if line.entry is None or line.entry.identity not in identities)


def marked(marker: str) -> Callable[[Entry], bool]:
    """A test for ``owned``: the comment has this word."""
    return lambda entry: marker in entry.comment.split()
