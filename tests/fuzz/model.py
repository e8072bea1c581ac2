# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a change means for the model of a file: the promise of the documentation in a few lines, without any layout."""

from __future__ import annotations

import copy
from typing import List, Optional

from tests.fuzz import cases


class CannotBe(Exception):
    """The editor has to refuse this change."""


def changed(made: List[cases.Section], one: cases.Change, dialect: str) -> List[cases.Section]:
    """The sections after a change.

    :raises CannotBe: where the editor has to refuse.
    """
    after = [copy.copy(section) for section in made]
    for section in after:
        section.settings = list(section.settings)
    scope = _scope(after, one, dialect)
    if not scope:
        return after
    where = next((section for section in scope if section.lines(one.keyword)), scope[0])
    lines = [line for section in scope for line in section.lines(one.keyword)]
    new = _new_lines(lines, one)
    if new != lines:
        for section in scope:
            section.replace(one.keyword, new if section is where else [])
    return after


def _scope(after: List[cases.Section], one: cases.Change, dialect: str) -> List[cases.Section]:
    scope = [section for section in after if section.head == one.head]
    makes = one.action in ("set", "add", "uncomment")
    if one.head is None or not makes:
        return scope
    if not scope:
        scope = [cases.Section(one.head)]
        first_block = next((n for n, section in enumerate(after) if section.head is not None), len(after))
        at = len(after) if one.where != "top" else _top(after, one) if dialect == "ssh_config" else first_block
        after.insert(at, scope[0])
    elif one.where == "top" and dialect == "ssh_config":
        above = after[:after.index(scope[0])]
        if any(section.settings if section.head is None and section is above[0] else
               section.head in (None, "Host *") for section in above):
            after.remove(scope[0])
            after.insert(_top(after, one), scope[0])
        elif after[0].head is None:
            after.insert(after.index(scope[0]), after.pop(0))  # what will be global goes below a block that has to win
    return scope


def _top(after: List[cases.Section], one: cases.Change) -> int:
    """At the very top; but a block for all hosts stays below the blocks that have to win over it."""
    if one.head != "Host *" or (after[0].head is None and after[0].settings):
        return 0
    return next((n for n, section in enumerate(after) if n and section.head is None), 0)


def _new_lines(lines: cases.Lines, one: cases.Change) -> cases.Lines:
    kind = one.keyword.kind
    values = [cases.words_of(one.keyword, value) for value in one.values]
    if one.action in ("delete", "comment"):
        return []
    if kind in ("algorithms", "comma"):
        return _comma(lines, one)
    if kind == "keyed":
        return _keyed(lines, values[0], one.action)
    if kind == "lines":
        return _members(lines, values, one, one.action)
    if kind in ("words", "first-words"):
        return _words(lines, [word for value in values for word in value], one)
    if one.action == "remove":
        return [line for line in lines if line != values[0]]
    return [values[0]] + lines[1:]


def _keyed(lines: cases.Lines, value: List[str], action: str) -> cases.Lines:
    if action == "remove":
        return [line for line in lines if line != value]
    if any(line[0] == value[0] for line in lines) and action != "uncomment":
        return [value if line[0] == value[0] else line for line in lines]
    return lines if value in lines else lines + [value]


def _members(now: list, values: list, one: cases.Change, action: str, before: Optional[object] = None) -> list:
    if action == "set":
        return values
    if action == "remove":
        return [member for member in now if member not in values]
    if action == "uncomment" or not (one.place or one.before):
        return now + [value for value in values if value not in now]
    others = [member for member in now if member not in values]
    if one.place == "first":
        return values + others
    if one.place == "last":
        return others + values
    anchor = cases.words_of(one.keyword, one.before) if before is None else before
    if anchor not in others:
        raise CannotBe("nothing to go before")
    if all(value in now[:now.index(anchor)] for value in values):
        return now
    return others[:others.index(anchor)] + values + others[others.index(anchor):]


def _words(lines: cases.Lines, values: List[str], one: cases.Change) -> cases.Lines:
    counted = lines[:1] if one.keyword.kind == "first-words" else lines
    now = [word for line in counted for word in line]
    if one.action == "uncomment":
        if one.keyword.kind == "words":
            return lines if set(values) <= set(now) else lines + [values]
        return [values]
    new = _members(now, values, one, one.action, one.before)
    if new == now:
        return lines
    return [new] if new else []


def _comma(lines: cases.Lines, one: cases.Change) -> cases.Lines:
    values = list(one.values)
    if one.action in ("set", "uncomment"):
        return [[",".join(values)]] + lines[1:]
    if not lines:
        return _comma_without_line(one, values)
    old = lines[0][0]
    head = old[0] if old[0] in "+-^" else ""
    now = old[len(head):].split(",")
    if head == "-" and one.action == "add":
        new = _members(now, values, one, "remove")
    elif head == "-":
        new = now + [value for value in values if value not in now]
    else:
        new = _members(now, values, one, one.action, one.before)
    if not new and not head:
        raise CannotBe("an empty list")
    return ([[head + ",".join(new)]] if new else _list_of_changes(one, values)) + lines[1:]


def _comma_without_line(one: cases.Change, values: List[str]) -> cases.Lines:
    if one.keyword.kind == "comma" and one.action == "add":
        raise CannotBe("no line to add to")
    if one.keyword.kind == "comma" or (one.head and one.action == "remove"):
        return []
    return _list_of_changes(one, values)


def _list_of_changes(one: cases.Change, values: List[str]) -> cases.Lines:
    if one.before:
        raise CannotBe("nothing to go before")
    head = "-" if one.action == "remove" else "^" if one.place == "first" else "+"
    return [[head + ",".join(values)]]
