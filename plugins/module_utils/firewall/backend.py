# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every kind of firewall is to the plan: is it there, what would change, which rules are ours. Pure."""

from __future__ import annotations

from typing import Any, Callable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset import matching, model
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.matching import Network

#: The comment that our rules carry where a firewall has comments.
TAG = "oqs-ssh"
CLOSED = "closed"
#: What the plan says of rules that are there, but behind one that closes the port.
BEHIND = "without effect: another rule comes first"

UNWANTED = "not wanted any more"
SERVED = "the port is served"
KEPT = "open after a restart, too"

Wish = Mapping[str, Any]
"""The firewall part of what is wanted: state, port, sources."""
Found = Mapping[str, Any]
"""What ``look_firewall`` found, by firewall."""


class Command(NamedTuple):
    """A program that changes a firewall, and what it reads."""

    argv: Tuple[str, ...]
    stdin: bytes = b""


class Change(NamedTuple):
    """One thing of a firewall that is not as wanted. A file has no commands: ``after`` is its content or ``absent``."""

    kind: str
    name: str
    before: str
    after: str
    why: str
    commands: Tuple[Command, ...] = ()
    opens: bool = False


class Backend(NamedTuple):
    """One kind of firewall, as pure functions of what was found."""

    name: str
    #: it is loaded, runs, or has rules: whether it lets the port pass is another question
    active: Callable[[Found], bool]
    #: what is to be done; with the state ``absent``: to take ours away, and only ours
    changes: Callable[[Wish, Found], Sequence[Change]]
    #: our rules as people read them
    shown: Callable[[Found], List[str]]
    #: why it cannot be opened, and what to do
    problems: Callable[[Wish, Found], List[str]]


def networks(sources: Sequence[str], family: str) -> Optional[List[Network]]:
    """The sources of one family (``ip`` or ``ip6``), merged. Empty: everybody; None: nobody of this family.

    :raises ValueError: a source that is none.
    """
    given = matching.merge(model.parse_sources(sources))
    mine = [each for each in given if each.version == (4 if family == "ip" else 6)]
    return None if given and not mine else mine


def lines(rules: Sequence[str]) -> str:
    """Rules as the plan shows them."""
    return "\n".join(rules) or CLOSED


def compared(now: Sequence[str], wanted: Sequence[str]) -> Tuple[str, str]:
    """Rules before and after as the plan shows them; the same ones have to be put before others."""
    before, after = lines(now), lines(wanted)
    return (before + "\n" + BEHIND if before == after else before), after
