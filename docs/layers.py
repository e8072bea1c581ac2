# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the boxes of a layered picture lie: who is used lies lower, and arrows pass between boxes. Pure.

The same boxes give the same picture on every machine: many starts are tried, by chance of a fixed seed; the best stays.
"""

from __future__ import annotations

import random
from typing import Dict, List, Mapping, NamedTuple, Sequence, Set, Tuple

#: How many arrangements are tried, and how often each is improved.
STARTS, ROUNDS = 300, 14
#: The room that an arrow takes where it passes a row of boxes.
PASSAGE = 14.0
Arrow = Tuple[str, str]


class Spot(NamedTuple):
    """A box, or a place where an arrow passes a row: its row (0 is the lowest), and how far to the sides it may lie."""

    row: int
    width: float
    left: float
    right: float


class Layout(NamedTuple):
    """The row of each box, the middle of each spot, and the spots by which each arrow goes."""

    rows: Dict[str, int]
    middle: Dict[str, float]
    ways: Dict[Arrow, List[str]]


def reduced(uses: Mapping[str, Set[str]]) -> List[Arrow]:
    """The arrows without those that a way over others says already."""

    def beyond(start: str, but: str) -> Set[str]:
        seen: Set[str] = set()
        left = [name for name in uses[start] if name != but]
        while left:
            name = left.pop()
            if name not in seen:
                seen.add(name)
                left.extend(uses[name])
        return seen

    return [(name, used) for name in uses for used in sorted(uses[name]) if used not in beyond(name, used)]


def rows(names: Sequence[str], arrows: Sequence[Arrow]) -> Dict[str, int]:
    """The row of each name: above all that it uses; what uses nothing lies right below its first user.

    :param names: the lowest first.
    """
    found: Dict[str, int] = {}
    for name in names:
        found[name] = max([found[used] + 1 for user, used in arrows if user == name], default=0)
    for name in names:
        users = [found[user] for user, used in arrows if used == name]
        if users and all(user != name for user, _used in arrows):
            found[name] = min(users) - 1
    return found


def layout(names: Sequence[str], arrows: Sequence[Arrow], sides: Mapping[str, Tuple[float, float]], width: float,
           gap: float) -> Layout:
    """Find places for boxes of one width.

    :param names: the lowest first. :param sides: for each name how far left and right its box may reach.
    :param width: of a box. :param gap: between two things of a row.
    """
    found = rows(names, arrows)
    whole = (min(left for left, _right in sides.values()), max(right for _left, right in sides.values()))
    spots = {name: Spot(found[name], width, *sides[name]) for name in names}
    ways: Dict[Arrow, List[str]] = {}
    for user, used in arrows:
        between = ["%s>%s>%d" % (user, used, row) for row in range(found[user] - 1, found[used], -1)]
        limits = sides[user] if sides[user] == sides[used] else whole
        for name in between:
            spots[name] = Spot(int(name.rpartition(">")[2]), PASSAGE, *limits)
        ways[user, used] = [user, *between, used]
    return Layout(found, _best(spots, ways, gap), ways)


def _best(spots: Mapping[str, Spot], ways: Mapping[Arrow, List[str]], gap: float) -> Dict[str, float]:
    """The cheapest of many arrangements."""
    near: Dict[str, List[str]] = {name: [] for name in spots}
    for way in ways.values():
        for one, other in zip(way, way[1:]):
            near[one] += [other] * _straight(spots, one, other)
            near[other] += [one] * _straight(spots, one, other)
    chance = random.Random(1)
    best: Tuple[float, Dict[str, float]] = (float("inf"), {})
    for _start in range(STARTS):
        middle = {name: spot.left + chance.random() * (spot.right - spot.left) for name, spot in spots.items()}
        for _round in range(ROUNDS):
            for name, others in near.items():
                if others:
                    middle[name] = (middle[name] + 3 * sum(middle[other] for other in others) / len(others)) / 4
            _spread(spots, middle, gap)
        best = min(best, (_price(spots, ways, middle), middle), key=lambda pair: pair[0])
    return best[1]


def _straight(spots: Mapping[str, Spot], one: str, other: str) -> int:
    """How much a piece of a way wants to be upright: most where it passes rows."""
    return 6 if spots[one].width == spots[other].width == PASSAGE else 1


def _spread(spots: Mapping[str, Spot], middle: Dict[str, float], gap: float) -> None:
    """Push apart what overlaps in a row, and back what lies outside; the order stays."""
    for row in sorted({spot.row for spot in spots.values()}):
        inside = sorted((name for name in spots if spots[name].row == row), key=lambda name: (middle[name], name))
        edge = float("-inf")
        for name in inside:
            half = spots[name].width / 2
            middle[name] = max(middle[name], spots[name].left + half, edge + half)
            edge = middle[name] + half + gap
        edge = float("inf")
        for name in reversed(inside):
            half = spots[name].width / 2
            middle[name] = min(middle[name], spots[name].right - half, edge - half)
            edge = middle[name] - half - gap


def _price(spots: Mapping[str, Spot], ways: Mapping[Arrow, List[str]], middle: Mapping[str, float]) -> float:
    """How bad an arrangement is: slanting lines, lines that cross, and boxes that had no room."""
    price = 0.0
    steps: Dict[int, List[Tuple[float, float]]] = {}
    for way in ways.values():
        for one, other in zip(way, way[1:]):
            steps.setdefault(spots[one].row, []).append((middle[one], middle[other]))
            price += abs(middle[one] - middle[other]) * _straight(spots, one, other)
    for lines in steps.values():
        for number, (top, end) in enumerate(lines):
            price += 300 * sum((top - top2) * (end - end2) < 0 for top2, end2 in lines[:number])
    for name, spot in spots.items():
        over = max(spot.left + spot.width / 2 - middle[name], middle[name] - spot.right + spot.width / 2, 0)
        price += 1000 * over
    return price
