# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edits of lists: members of comma lists, words, and lines of keywords that may repeat. Pure."""

from __future__ import annotations

import fnmatch
from typing import Callable, Dict, List, Optional, Sequence

from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.document import (
    as_text,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.keywords import (
    ALGORITHMS,
    COMMA,
    FIRST_WORDS,
    KEYED,
    LINES,
    WORDS,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.setting import SettingEditor, apart
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.syntax import (
    ConfigError,
    words,
)


class Editor(SettingEditor):
    """Everything that can be done to a setting."""

    def apply(self) -> None:
        """Carry out the change.

        :raises ConfigError: the change cannot be expressed in this file.
        """
        actions: Dict[str, Callable[[], None]] = {
            "set": self.set, "add": self.add, "remove": self.remove,
            "delete": self.delete, "comment": self.comment, "uncomment": self.uncomment,
        }
        actions[self.wanted.action]()
        if self.wanted.action in ("set", "add", "uncomment"):
            self.name_what_wins()

    def add(self) -> None:
        """The values are members of the list, at the wanted place."""
        kind, found = self.wanted.kind, self.found()
        if kind == KEYED:
            self.set_keyed()
        elif kind == LINES:
            self._add_lines(found)
        elif kind in (ALGORITHMS, COMMA):
            self._change_list(found)
        else:
            counted = found[:1] if kind == FIRST_WORDS else found
            now = [word for index in counted for word in self.document.value(index).words]
            wanted = self._placed(now)
            if wanted == now:
                return
            if not self.wanted.change.place and not self.wanted.change.before and counted:
                self._append_words(counted[-1], wanted[len(now):])
            else:
                self.one_line(counted, wanted)

    def _append_words(self, index: int, new: Sequence[bytes]) -> None:
        raw, old = self.document.lines[index].raw, self.document.value(index)
        text = b" " + as_text(new) if old.words else apart(raw, old.end, as_text(new))
        longer = raw[:old.end] + text + raw[old.end:]
        if len(words(longer, old.start)) == len(old.words) + len(new):
            self.document.replace(index, longer)
        else:  # the last word ends with a backslash, which would take the blank into the word
            self.write(index, as_text([*old.words, *new]))

    def _placed(self, now: Sequence[bytes]) -> List[bytes]:
        """Members with the wanted ones at their place; members that are well placed do not move."""
        values, place = list(self.wanted.values), self.wanted.change.place
        others = [member for member in now if member not in values]
        if place == "first":
            return list(now) if list(now[:len(values)]) == values else values + others
        if place == "last":
            return list(now) if list(now[-len(values):]) == values else others + values
        if not self.wanted.change.before:
            return list(now) + [value for value in values if value not in now]
        anchor = self._anchor()
        if anchor not in others:
            raise ConfigError("%s: 'before' names %s, which is not in the list: %s" % (
                self.name, self.wanted.change.before,
                b", ".join(now).decode("utf-8", "replace") or "there is no line yet"))
        where = list(now).index(anchor)
        if all(value in now[:where] for value in values):
            return list(now)
        where = others.index(anchor)
        return others[:where] + values + others[where:]

    def _anchor(self) -> bytes:
        """The member that ``before`` names, in the form in which members compare."""
        raw = self.wanted.change.before.strip().encode("utf-8", "surrogateescape")
        parts = [part.text for part in words(raw, 0)]
        return as_text(parts) if self.wanted.kind == LINES else b" ".join(parts)

    def _add_lines(self, found: Sequence[int]) -> None:
        now = [as_text(self.document.value(index).words) for index in found]
        target = self._placed(now)
        if target == now:
            return
        if not (self.wanted.change.place or self.wanted.change.before):
            self.add_texts(target[len(now):])
            return
        self.document.delete([index for index, text in zip(found, now) if text in self.wanted.values])
        rest = self.found()
        at = target.index(self.wanted.values[0])
        if not rest:
            self.insert_somewhere(self.wanted.values)
        else:
            self.insert(rest[at] if at < len(rest) else rest[-1] + 1, self.wanted.values)

    def remove(self) -> None:
        """The values are no members of the list."""
        kind, found = self.wanted.kind, self.found()
        if kind in (ALGORITHMS, COMMA):
            self._change_list(found)
        elif kind in (FIRST_WORDS, WORDS):
            self._remove_words(found)
        else:
            self.document.delete([index for index in found if self.has_wanted_value(index)])

    def _remove_words(self, found: Sequence[int]) -> None:
        gone: List[int] = []
        unwanted = self.wanted.values
        for index in found[:1] if self.wanted.kind == FIRST_WORDS else found:
            raw = self.document.lines[index].raw
            parts = words(raw, self.document.value(index).start)
            first = next((number for number, part in enumerate(parts) if part.text not in unwanted), None)
            if first is None:
                gone.append(index)
                continue
            for number in range(len(parts) - 1, first, -1):
                if parts[number].text in unwanted:
                    raw = raw[:parts[number - 1].end] + raw[parts[number].end:]
            self.document.replace(index, raw[:parts[0].start] + raw[parts[first].start:])
        # A later line of a first-words keyword would begin to count when the first goes.
        self.document.delete(found if gone and self.wanted.kind == FIRST_WORDS else gone)

    def _change_list(self, found: Sequence[int]) -> None:
        """Add to or remove from a comma list, whatever its head."""
        adds = self.wanted.action == "add"
        if not found:
            if not adds and self.wanted.head is not None:
                return  # the block says nothing about it, and a line of its own would hide the global list
            if self.wanted.kind == ALGORITHMS:
                self.insert_somewhere([self._list_of_changes(adds)])
            elif adds:
                raise ConfigError("%s has no line to add to, and a new one would replace the built-in list: "
                                  "use how 'set' with the whole list" % self.name)
            return
        old = b"".join(self.document.value(found[0]).words)
        head = old[:1] if self.wanted.kind == ALGORITHMS and old[:1] in (b"+", b"-", b"^") else b""
        members = [member for member in old[len(head):].split(b",") if member]
        if adds == (head == b"-"):
            new = [member for member in members if member not in self.wanted.values]
        elif adds:
            new = self._placed(members)
        else:
            new = members + [value for value in self.wanted.values if not _matches(value, members)]
        self._check_head(head, members, new)
        if new == members:
            return
        if new:
            self.write(found[0], head + b",".join(new))
        elif head:
            self.write(found[0], self._list_of_changes(adds))
        else:
            raise ConfigError("%s: removing %s would leave an empty list: use state 'absent' to return to the built-in "
                              "one" % (self.name, b", ".join(self.wanted.values).decode("utf-8", "replace")))

    def _list_of_changes(self, adds: bool) -> bytes:
        """A list that only adds to the built-in one, or takes away from it."""
        if self.wanted.change.before:
            raise ConfigError("%s has no list, so nothing can go before %s: use how 'set' with the whole list" % (
                self.name, self.wanted.change.before))
        head = b"-" if not adds else b"^" if self.wanted.change.place == "first" else b"+"
        return head + b",".join(self.wanted.values)

    def _check_head(self, head: bytes, members: Sequence[bytes], new: Sequence[bytes]) -> None:
        """Say where a list of changes to the built-in list cannot express what is wanted."""
        if not head:
            return
        for value in self.wanted.values:
            shown = value.decode("utf-8", "replace")
            if self.wanted.action == "add" and head == b"-":
                pattern = _matches(value, new)
                if pattern:
                    raise ConfigError("%s removes %s from the built-in list, so %s cannot be added: use how 'set' with "
                                      "the whole list" % (self.name, pattern.decode("utf-8", "replace"), shown))
                if value not in members:
                    self.document.note("%s begins with '-': %s counts only if the built-in list has it" % (
                        self.name, shown))
            elif self.wanted.action == "remove" and head != b"-" and value not in members:
                self.document.note("%s begins with '%s': %s may still be in the built-in list" % (
                    self.name, head.decode("ascii"), shown))


def _matches(value: bytes, patterns: Sequence[bytes]) -> Optional[bytes]:
    """The first of the patterns (``*`` and ``?``) that a name matches."""
    name = value.decode("utf-8", "surrogateescape")
    for pattern in patterns:
        glob = pattern.decode("utf-8", "surrogateescape").replace("[", "[[]")
        if pattern == value or fnmatch.fnmatchcase(name, glob):
            return pattern
    return None
