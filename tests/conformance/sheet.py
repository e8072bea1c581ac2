# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The points looked at: two columns, the contract (kept or broken) and the measured flaws (has it or not)."""

from __future__ import annotations

import dataclasses
from typing import Callable, Optional, Sequence

from box import Bench


@dataclasses.dataclass
class Point:
    """One statement about an image.

    :ivar column: "contract" or "flaw".
    :ivar state: True (kept; has the flaw), False (broken; has it not), None (could not be tried).
    """

    column: str
    name: str
    state: Optional[bool] = None
    detail: str = ""


class Sheet:
    """The points of one group, in the order in which they were announced."""

    def __init__(self, contract: Sequence[str], flaws: Sequence[str]) -> None:
        self.points = [Point("contract", name) for name in contract] + [Point("flaw", name) for name in flaws]

    def _set(self, column: str, name: str, state: bool, detail: str) -> None:
        for point in self.points:
            if (point.column, point.name) == (column, name):
                point.state, point.detail = bool(state), " ".join(detail.split())[:160]
                return
        raise KeyError("no point %s announced in column %s" % (name, column))

    def kept(self, name: str, ok: bool, detail: str = "") -> bool:
        """Write down whether a point of the contract is kept."""
        self._set("contract", name, ok, detail)
        return ok

    def flaw(self, name: str, has: bool, detail: str = "") -> bool:
        """Write down whether the image has a flaw."""
        self._set("flaw", name, has, detail)
        return has

    def give_up(self, reason: str) -> None:
        """Say of all that is still open why it was not tried."""
        for point in self.points:
            if point.state is None:
                point.detail = "not tried: " + " ".join(reason.split())[:140]


Look = Callable[[Bench, Sheet], None]


@dataclasses.dataclass(frozen=True)
class Group:
    """Points that share containers."""

    look: Look
    contract: Sequence[str]
    flaws: Sequence[str]


GROUPS: list[Group] = []


def group(contract: Sequence[str] = (), flaws: Sequence[str] = ()) -> Callable[[Look], Look]:
    """Announce a function that looks at these points."""

    def remember(look: Look) -> Look:
        GROUPS.append(Group(look, contract, flaws))
        return look

    return remember
