# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Draw the rooms of the code and who imports whom into docs/rooms.svg: ``python -m docs.rooms [--check]``.

Rooms and arrows are what the gate (tests/lint/gates/rooms.py) reads; docs/rooms.yml says what each room knows.
"""

from __future__ import annotations

import html
import sys
from pathlib import Path
from typing import Dict, List, Mapping, Sequence, Set, Tuple

import yaml

from docs import layers
from tests.lint.gates import rooms
from tests.lint.gates.common import Tree

ROOT = Path(__file__).resolve().parents[1]

WIDTH, MARGIN, HEAD, FOOT = 900, 14, 74, 26
BOX, TALL, ROW, GAP = 148, 74, 112, 7
#: Where the two sides lie: from, to.
CONTROLLER, HOST = (MARGIN, 360), (372, WIDTH - MARGIN)
LINE = 22  # characters of a box's text
TIP = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path class="tip" d="M0 0 L8 4 L0 8 z"/></marker></defs>'
)
LEGEND = (
    "Arrows: who imports from whom; what other arrows say already is left out. "
    "Blue: the controller uses what hosts get."
)
STYLE = """
  text { font-family: system-ui, "Segoe UI", "DejaVu Sans", sans-serif; fill: #2b3440 }
  .page { fill: #ffffff; stroke: #d5dae1 } .controller { fill: #f1f5fb } .host { fill: #f2f8f3 }
  .side { font-size: 14px; font-weight: 600 } .small { font-size: 11px; fill: #586474 }
  .name { font-size: 13.5px; font-weight: 600 } .box { stroke-width: 1.2; fill: #ffffff }
  .c .box { stroke: #7d9cc6 } .h .box { stroke: #7fb08a }
  .way { fill: none; stroke: #9aa5b3; stroke-width: 1.4 } .across { stroke: #7d9cc6 } .tip { fill: #8490a0 }
  @media (prefers-color-scheme: dark) {
    text { fill: #dde3ea } .page { fill: #12171d; stroke: #2d3641 } .controller { fill: #18212d }
    .host { fill: #17231c } .small { fill: #a3afbd } .box { fill: #1d252e } .c .box { stroke: #54749f }
    .h .box { stroke: #578a64 } .way { stroke: #5f6c7b } .across { stroke: #54749f } .tip { fill: #7c8998 }
  }"""


def uses(tree: Tree) -> Dict[str, Set[str]]:
    """Which rooms each room imports from, the lowest first."""
    found: Dict[str, Set[str]] = {room: set() for room in rooms.ORDER}
    for each in rooms.imports(tree):
        source, target = rooms.room_of(each.source), rooms.room_of(each.target)
        if source != target:
            found[source].add(target)
    return found


def on_host(room: str) -> bool:
    """Whether a room is part of what is sent to hosts."""
    return room == "modules" or room.startswith("module_utils.")


def lines(text: str) -> List[str]:
    """Text in two lines that fit into a box.

    :raises ValueError: it is too long.
    """
    found = [""]
    for word in text.split():
        if len(found[-1]) + 1 + len(word) > LINE and found[-1]:
            found.append("")
        found[-1] = (found[-1] + " " + word).strip()
    if len(found) > 2:
        raise ValueError("docs/rooms.yml: '%s' does not fit into two lines of %d characters" % (text, LINE))
    return found


def box(room: str, text: str, files: int, middle: float, top: float) -> str:
    """A room."""
    left = middle - BOX / 2
    words = "".join('<text class="small" x="%.0f" y="%.0f">%s</text>'
                    % (left + 9, top + 36 + 14 * number, html.escape(line)) for number, line in enumerate(lines(text)))
    many = "%d file%s" % (files, "" if files == 1 else "s")
    return (
        '<g class="%s"><rect class="box" x="%.0f" y="%.0f" width="%d" height="%d" rx="6"/>'
        '<text class="name" x="%.0f" y="%.0f">%s</text>%s'
        '<text class="small" x="%.0f" y="%.0f" text-anchor="end">%s</text></g>'
    ) % ("h" if on_host(room) else "c", left, top, BOX, TALL, left + 9, top + 19, html.escape(name(room)), words,
         left + BOX - 9, top + TALL - 8, many)


def name(room: str) -> str:
    """A room's name in its box: the sides say which of the two utils it is of."""
    return room.partition(".")[2] or room


def way(points: Sequence[Tuple[float, float]], across: bool) -> str:
    """An arrow from the bottom of a box to the top of another, by passages between boxes: (x, y of the row's top)."""
    x, y = points[0][0], points[0][1] + TALL
    path = "M%.0f %.0f" % (x, y)
    for number, (to_x, to_y) in enumerate(points[1:], 2):
        bend = (to_y - y) / 2
        path += " C%.0f %.0f %.0f %.0f %.0f %.0f" % (x, y + bend, to_x, to_y - bend, to_x, to_y)
        x, y = to_x, to_y
        if number < len(points):
            y += TALL
            path += " V%.0f" % y
    return '<path class="way%s" marker-end="url(#tip)" d="%s"/>' % (" across" if across else "", path)


def ends(placed: layers.Layout) -> Dict[Tuple[layers.Arrow, bool], float]:
    """Where each arrow leaves its box (True) and where it arrives (False): side by side, in the order of the ways."""
    found: Dict[Tuple[layers.Arrow, bool], float] = {}
    for room in placed.rows:
        for leaving in (True, False):
            mine = [arrow for arrow in placed.ways if arrow[0 if leaving else 1] == room]
            mine.sort(key=lambda arrow: placed.middle[placed.ways[arrow][1 if leaving else -2]])
            for number, arrow in enumerate(mine):
                step = min(30.0, (BOX - 40) / max(len(mine) - 1, 1))
                found[arrow, leaving] = placed.middle[room] + (number - (len(mine) - 1) / 2) * step
    return found


def picture(used: Mapping[str, Set[str]], files: Mapping[str, int], words: Mapping[str, str]) -> str:
    """The picture as SVG.

    :param used: rooms that each room imports from, the lowest first. :param files: their number for each room.
    :param words: what each room knows.
    """
    sides = {room: HOST if on_host(room) else CONTROLLER for room in used}
    inner = {room: (left + 8.0, right - 8.0) for room, (left, right) in sides.items()}
    placed = layers.layout(list(used), layers.reduced(used), inner, BOX, GAP)
    highest = max(placed.rows.values())
    port = ends(placed)

    def top(row: int) -> int:
        return HEAD + 14 + (highest - row) * ROW

    height = top(0) + TALL + 14 + FOOT
    parts = [frame(height)]
    for arrow, spots in placed.ways.items():
        middles = [port[arrow, True], *(placed.middle[spot] for spot in spots[1:-1]), port[arrow, False]]
        first, last = placed.rows[arrow[0]], placed.rows[arrow[1]]
        points = [(middle, float(top(row))) for middle, row in zip(middles, range(first, last - 1, -1))]
        parts.append(way(points, on_host(arrow[0]) != on_host(arrow[1])))
    parts += [box(room, words[room], files.get(room, 0), placed.middle[room], top(placed.rows[room])) for room in used]
    return "\n".join([*parts, "</svg>"]) + "\n"


def frame(height: int) -> str:
    """The page and its two sides; it has a ground of its own, so that it can be read on any page."""
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">'
        % (WIDTH, height, WIDTH, height),
        "<title>The rooms of the code, and who imports whom</title>",
        "<style>%s\n</style>" % STYLE,
        TIP,
        '<rect class="page" x="0.5" y="0.5" width="%d" height="%d" rx="10"/>' % (WIDTH - 1, height - 1),
    ]
    texts = (
        (CONTROLLER, "controller", "On the controller", "plugins, plugin_utils"),
        (HOST, "host", "On hosts, out of memory, without a file",
         "modules, module_utils (which the controller imports, too)"),
    )
    for (left, right), kind, title, below in texts:
        parts.append('<rect class="%s" x="%d" y="%d" width="%d" height="%d" rx="8"/>'
                     % (kind, left, MARGIN, right - left, height - MARGIN - FOOT))
        parts.append('<text class="side" x="%d" y="%d">%s</text>' % (left + 14, MARGIN + 24, title))
        parts.append('<text class="small" x="%d" y="%d">%s</text>' % (left + 14, MARGIN + 42, below))
    parts.append('<text class="small" x="%d" y="%d">%s</text>' % (MARGIN + 4, height - 9, LEGEND))
    return "\n".join(parts)


def made(root: Path) -> str:
    """The picture of a checkout.

    :raises ValueError: docs/rooms.yml lacks a room, or has one that is not there.
    """
    words: Dict[str, str] = yaml.safe_load((root / "docs" / "rooms.yml").read_text(encoding="utf-8"))
    tree = Tree(root)
    files: Dict[str, int] = {}
    for module in rooms.modules(tree):
        files[rooms.room_of(module)] = files.get(rooms.room_of(module), 0) + 1
    different = sorted((set(words) ^ set(rooms.ORDER)) | (set(files) - set(rooms.ORDER)))
    if different:
        raise ValueError("docs/rooms.yml and ORDER in tests/lint/gates/rooms.py differ: " + ", ".join(different))
    return picture(uses(tree), files, words)


def main(arguments: List[str]) -> int:
    """Write the picture; with ``--check`` only say whether it differs."""
    if arguments not in ([], ["--check"]):
        print("usage: python3 docs/rooms.py [--check]", file=sys.stderr)
        return 2
    path = ROOT / "docs" / "rooms.svg"
    try:
        text = made(ROOT)
    except ValueError as error:
        print(error)
        return 1
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return 0
    print("docs/rooms.svg: %s" % ("is not up to date: run make docs" if arguments else "written"))
    if not arguments:
        path.write_text(text, encoding="utf-8")
    return 1 if arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
