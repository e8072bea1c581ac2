# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rejected values in words that do not give them away: what stands in the wrong variable may be a secret. Pure."""

from __future__ import annotations

from typing import Any


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
