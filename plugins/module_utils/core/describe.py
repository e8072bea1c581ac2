# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Words about values: for rejected ones, which are not given away (what stands in the wrong variable may be a secret);
for those that are not there, or not known yet; and for texts of others, as a terminal may have them. Pure."""

from __future__ import annotations

from typing import Any


class Mark(str):
    """A word in a plan that code knows by what it is, never by what it says: a file may hold the same letters."""

    __slots__ = ()


#: What only a run can know, as it stands in a plan.
UNKNOWN = Mark("<known after apply>")
#: What is not there, or will not be there any more.
ABSENT = Mark("absent")


#: Most characters of a line that somebody else has made.
LONGEST = 10000


def printable(text: str, kept: str = "") -> str:
    """A text of somebody else's for a terminal: whatever is no printable character is escaped, whatever is too long is
    cut. So it stays in its line, moves no cursor and changes no colour.

    :param kept: control characters that stay.
    """
    if len(text) > LONGEST and not kept:
        text = "%s... (%d characters)" % (text[:LONGEST], len(text))
    return "".join(each if each.isprintable() or each in kept else ascii(each)[1:-1] for each in text)


def one_line(text: str) -> str:
    """The same for a sentence: line ends and tabs are blanks."""
    return printable(" ".join(text.split()))


def describe(value: Any) -> str:
    """Type and size of a value: "text of 12 characters", "a list of 3", "a number"."""
    if isinstance(value, str):
        return "text of %d character%s" % (len(value), "" if len(value) == 1 else "s") if value else "an empty text"
    if isinstance(value, (list, dict)):
        return "a %s of %d" % ("list" if isinstance(value, list) else "dictionary", len(value))
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return "true or false"
    return "a number" if isinstance(value, (int, float)) else "something else"


def member(number: int, value: Any) -> str:
    """A member of a list by its place, from 1: "member 2 (text of 12 characters)"."""
    return "member %d (%s)" % (number, describe(value))
