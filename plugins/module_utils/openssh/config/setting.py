# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edits of one setting: which line changes, which bytes of it, where a new line goes. Pure."""

from __future__ import annotations

from typing import Callable, Dict, List, Optional, Sequence, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.changes import Wanted
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.document import (
    Document,
    Range,
    as_text,
    commented_value,
    sets,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.keywords import (
    ALGORITHMS,
    COMMA,
    FIRST_WORDS,
    KEYED,
    LINES,
    PLAIN_LINES,
    RAW,
    REPEATABLE,
    RIVALS,
    SSH,
    SSHD,
    WORDS,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.matches import fits_all, rulings
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.syntax import (
    keyword_and_start,
    quoted,
    uncommented,
    words,
)


def apart(raw: bytes, at: int, text: bytes) -> bytes:
    """A value for a line that has none, kept apart from the keyword before it and from a comment behind it."""
    before = b"" if raw[at - 1:at] in (b" ", b"\t", b"=") else b" "
    return before + text + (b" " if raw[at:at + 1] == b"#" else b"")


class SettingEditor:
    """One change on one document, in one scope."""

    def __init__(self, document: Document, wanted: Wanted) -> None:
        self.document = document
        self.wanted = wanted
        self.name = wanted.change.keyword

    def ranges(self) -> List[Range]:
        """The lines of the scope, as they stand now."""
        return self.document.scope(self.wanted.head)

    def found(self) -> List[int]:
        """The lines that set the keyword in the scope, as they stand now."""
        return self.document.find(self.wanted.keyword, self.ranges())

    # -- one line ------------------------------------------------------------------------------------------------

    def new_line(self, text: bytes) -> bytes:
        """A new line for the scope."""
        indent = b"" if self.wanted.head is None else self.document.indent(self.ranges())
        return indent + self.wanted.spelling + b" " + text

    def insert(self, index: int, texts: Sequence[bytes]) -> None:
        """Put new lines with these values before the line at an index."""
        self.document.insert(index, [self.new_line(text) for text in texts])

    def insert_somewhere(self, texts: Sequence[bytes]) -> None:
        """Put new lines for a keyword that the scope does not have yet."""
        index = self.document.place_for_new(self.wanted.keyword, self.ranges())
        self.insert(self._before_include(index), texts)

    def write(self, index: int, text: bytes) -> None:
        """Give an existing line another value; everything else in it stays."""
        document = self.document
        raw = document.lines[index].raw
        old = document.value(index)
        if self.wanted.keyword in PLAIN_LINES and self.wanted.head is None:
            self._write_plain(index, text)
            return
        if len(old.words) == 1 and old.text == quoted(old.words[0], always=True) and self.wanted.kind != RAW:
            parts = words(text, 0)
            if len(parts) == 1:
                text = quoted(parts[0].text, always=True)
        if old.start == old.end:
            text = apart(raw, old.start, text)
        document.replace(index, raw[:old.start] + text + raw[old.end:])

    def _write_plain(self, index: int, text: bytes) -> None:
        """The form that the image's key-gen.sh reads; a comment behind the value moves to a line of its own."""
        document = self.document
        raw = document.lines[index].raw
        behind = raw[document.value(index).end:].strip()
        document.replace(index, keyword_and_start(raw)[0] + b" " + text)
        if behind:
            document.insert(index, [behind])

    def _before_include(self, index: int) -> int:
        """Where the keyword's first line counts: not below an Include that is known to set it."""
        if self.wanted.kind in REPEATABLE:
            return index
        document = self.document
        for include in document.includes_before(index, self.ranges()):
            if any(sets(content, self.wanted.keyword, document.dialect, document.include)
                   for content in document.included(include)):
                return include
        return index

    # -- actions -------------------------------------------------------------------------------------------------

    def set(self) -> None:
        """Exactly these values."""
        kinds: Dict[str, Callable[[], None]] = {LINES: self._set_lines, KEYED: self.set_keyed, WORDS: self._set_words}
        kinds.get(self.wanted.kind, self._set_one)()

    def text(self) -> bytes:
        """The wanted values as they stand in one line."""
        kind = self.wanted.kind
        if kind in (ALGORITHMS, COMMA):
            return b",".join(self.wanted.values)
        return as_text(self.wanted.values) if kind in (FIRST_WORDS, WORDS) else self.wanted.values[0]

    def same(self, index: int, text: bytes) -> bool:
        """Whether a line already has a value."""
        old = self.document.value(index)
        if self.wanted.kind == RAW:
            return old.text == text
        return bool(old.words) and old.words == tuple(word.text for word in words(text, 0))

    def _set_one(self) -> None:
        text, found = self.text(), self.found()
        if not found:
            self.insert_somewhere([text])
            return
        above = self._before_include(found[0])
        if above != found[0]:
            self.document.delete([found[0]])
            self.insert(above, [text])
        elif not self.same(found[0], text):
            self.write(found[0], text)

    def _set_words(self) -> None:
        found = self.found()
        now = [word for index in found for word in self.document.value(index).words]
        if now != list(self.wanted.values):
            self.one_line(found, list(self.wanted.values))

    def one_line(self, found: Sequence[int], members: Sequence[bytes]) -> None:
        """All words in the first line of the keyword, the others gone."""
        if not found:
            self.insert_somewhere([as_text(members)])
        else:
            if self.document.value(found[0]).words != tuple(members):
                self.write(found[0], as_text(members))
            self.document.delete(found[1:])

    def _set_lines(self) -> None:
        found, values = self.found(), self.wanted.values
        if not found:
            self.insert_somewhere(values)
            return
        shorter = min(len(found), len(values))
        same = next((n for n in range(shorter) if not self.same(found[n], values[n])), shorter)
        tail = next((n for n in range(shorter - same) if not self.same(found[-1 - n], values[-1 - n])), shorter - same)
        old, new = found[same:len(found) - tail], values[same:len(values) - tail]
        # From the last line to the first, so that the places of those still to do stay as they are.
        if len(new) > len(old):
            after = old[-1] if old else found[same - 1] if same else found[0] - 1
            self.insert(after + 1, new[len(old):])
        self.document.delete(old[len(new):])
        for index, text in reversed(list(zip(old, new))):
            if not self.same(index, text):
                self.write(index, text)

    def _is_named(self, index: int, text: bytes) -> bool:
        """Whether a keyed line has the name that a value begins with."""
        return self.document.value(index).words[:1] == (words(text, 0)[0].text,)

    def set_keyed(self) -> None:
        for text in self.wanted.values:
            found = self.found()
            mine = [index for index in found if self._is_named(index, text)]
            if mine and not self.same(mine[0], text):
                self._write_behind_key(mine[0], text)
            elif not mine and found:
                self.insert(found[-1] + 1, [text])
            elif not mine:
                self.insert_somewhere([text])

    def _write_behind_key(self, index: int, text: bytes) -> None:
        """Give a keyed line another value; its name and what stands between stay."""
        raw = self.document.lines[index].raw
        old, new = words(raw, self.document.value(index).start), words(text, 0)
        if len(old) < 2 or len(new) < 2:
            self.write(index, text)
        else:
            self.document.replace(index, raw[:old[1].start] + text[new[1].start:] + raw[old[-1].end:])

    def delete(self) -> None:
        """No line of the keyword in the scope."""
        self.document.delete(self.found())

    def comment(self) -> None:
        """The lines of the keyword, or those with the given values, become comments."""
        for index in self.found():
            if not self.wanted.values or self.has_wanted_value(index):
                self.document.replace(index, b"#" + self.document.lines[index].raw)

    def has_wanted_value(self, index: int) -> bool:
        kind = self.wanted.kind
        if kind == KEYED and any(self._is_named(index, text) for text in self.wanted.values
                                 if len(words(text, 0)) == 1):
            return True
        texts = self.wanted.values if kind in (LINES, KEYED) else (self.text(),)
        return any(self.same(index, text) for text in texts)

    def uncomment(self) -> None:
        """Take the comment sign off one fitting copy, if the setting is not there and there is a copy."""
        if self.wanted.kind not in REPEATABLE and self.found():
            self._set_one()
            return
        texts = self.wanted.values if self.wanted.kind in (LINES, KEYED) else (self.text(),)
        for text in texts:
            if self._is_there(text):
                continue
            copy = self._commented_copy(text)
            if copy is None:
                self.add_texts([text])
            else:
                self.document.replace(copy, self._without_sign(self.document.lines[copy].raw))

    def _is_there(self, text: bytes) -> bool:
        """Whether a repeatable keyword has a value, or all of these words, already."""
        found = self.found()
        if self.wanted.kind == WORDS:
            return {word for index in found for word in self.document.value(index).words}.issuperset(self.wanted.values)
        return any(self.same(index, text) for index in found)

    def _commented_copy(self, text: bytes) -> Optional[int]:
        """The commented copy with this value: one without blanks around its sign before others, then the first."""
        ranges = self.ranges()[:1]
        raw_wanted = tuple(word.text for word in words(text, 0))
        fitting: List[Tuple[bool, int]] = []
        for index in self.document.commented(self.wanted.keyword, ranges):
            raw = self.document.lines[index].raw
            value = commented_value(raw, self.wanted.keyword, self.document.dialect)
            if value is not None and value.words == raw_wanted and (self.wanted.kind != RAW or value.text == text):
                fitting.append((raw[1:2] in b" \t#" or raw[:1] != b"#", index))
        if not fitting:
            return None
        copy = min(fitting)[1]
        return copy if self._before_include(copy) == copy else None

    def _without_sign(self, raw: bytes) -> bytes:
        text = uncommented(raw) or raw
        keyword = self.wanted.keyword
        if self.wanted.head is not None:
            return text
        text = text.lstrip()
        if keyword in PLAIN_LINES:
            name, start = keyword_and_start(text)
            return name + b" " + as_text(word.text for word in words(text, start))
        return text

    def add_texts(self, texts: Sequence[bytes]) -> None:
        """Put new lines below those of the keyword."""
        found = self.found()
        if found:
            self.insert(found[-1] + 1, texts)
        else:
            self.insert_somewhere(texts)

    def name_what_wins(self) -> None:
        """Name values that win over what was just written, and what might."""
        if self.wanted.head is None and self.document.dialect == SSHD:
            self._name_matches()
        if self.wanted.kind in REPEATABLE:
            return
        document, ranges, found = self.document, self.ranges(), self.found()
        for index in document.includes_before(found[0], ranges):
            if document.include is None:
                document.note("%s comes before %s on line %d: a value in an included file would win" % (
                    document.describe(index), self.name, found[0] + 1))
        rival = RIVALS.get(self.wanted.keyword)
        for index in document.find(rival, ranges)[:1] if rival else []:
            if index < found[0]:
                document.note("%s comes first and wins over %s" % (document.describe(index), self.name))
        if self.wanted.head is None and document.dialect == SSHD:
            return
        blocks, where = document.blocks(), " in %r" % self.wanted.change.block if self.wanted.head else ""
        for head, start, end in [(None, 0, blocks[0][1] if blocks else 0), *blocks]:
            if start >= found[0]:
                break
            everywhere = document.dialect == SSH if head is None else fits_all(head)
            if everywhere and head != self.wanted.head:
                for index in document.find(self.wanted.keyword, [(start, min(end, found[0]))]):
                    document.note("%s comes first and wins over %s%s" % (document.describe(index), self.name, where))

    def _name_matches(self) -> None:
        """Name a Match block that fits everybody and says something else: it wins over what is global."""
        first = next(rulings(self.document, self.wanted.keyword), None)
        found = self.found() if self.wanted.kind == WORDS else self.found()[:1]
        if first and first.words != tuple(word for index in found for word in self.document.value(index).words):
            self.document.note("%s wins over %s for all whom %r fits" % (first.line, self.name, first.head))
