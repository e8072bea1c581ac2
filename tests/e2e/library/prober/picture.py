# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A time line of the prober as a picture (SVG) for people: phases along the bottom, states as coloured bars. Pure."""

from __future__ import annotations

import html
from typing import Dict, List, Mapping, NamedTuple, Sequence, Tuple

from tests.e2e.library.prober.timeline import Line, phases, seen_by

WIDTH, LEFT, RIGHT, TOP = 1180, 180, 20, 58
ROW, GAP, BETWEEN = 22, 6, 40
MARK_ROWS = 2  # names of phases that follow closely stand in turn

#: State as people see it: colour and words.
LOOKS: Dict[str, Tuple[str, str]] = {
    "no answer": ("#eceff1", "no answer (firewall)"),
    "refused": ("#cfd8dc", "refused (nobody listens)"),
    "dropped": ("#ffe082", "closed at once (starting, stopping, or a penalty)"),
    "own": ("#66bb6a", "handshake with the host's own key, password refused"),
    "login": ("#2e7d32", "control login by key succeeds"),
    "foreign": ("#fb8c00", "handshake with a key that is not the host's"),
    "open": ("#d50000", "login with the published password"),
}
VIEWS = (("inside", "may connect"), ("outside", "not among the sources"), ("control", "control login"))


class Frame(NamedTuple):
    """Where a time lies on the picture."""

    since: float
    until: float

    def x(self, at: float) -> float:
        """Pixels from the left."""
        share = (at - self.since) / max(0.001, self.until - self.since)
        return LEFT + min(1.0, max(0.0, share)) * (WIDTH - LEFT - RIGHT)


def look_of(line: Line, keys: Sequence[str]) -> str:
    """Which of LOOKS a line is. :param keys: the host's own."""
    if line["state"] == "login" and line["view"] != "control":
        return "open"
    if line["key"] and line["key"] not in keys:
        return "foreign"
    if line["state"] == "login":
        return "login"
    return {"handshake": "own", "banner": "dropped"}.get(line["state"], line["state"])


def draw(lines: Sequence[Line], hosts: Sequence[str], keys: Mapping[str, Sequence[str]],
         notes: Mapping[str, str]) -> str:
    """The picture.

    :param hosts: from top to bottom. :param keys: fingerprints of their own host keys. :param notes: a word on each.
    """
    marks = phases(lines)
    watched = [line for line in lines if "view" in line]
    ends = [line["until"] for line in [*marks, *watched]]
    frame = Frame(min(line["since"] for line in [*marks, *watched]), max(ends))
    bottom = TOP + len(hosts) * (len(VIEWS) * (ROW + GAP) + BETWEEN)
    height = bottom + 40 + 20 * MARK_ROWS + 22 * ((len(LOOKS) + 1) // 2) + 10
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" '
        'font-family="sans-serif" font-size="13" fill="#263238">' % (WIDTH, height, WIDTH, height),
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        _text(LEFT, 24, "What a prober outside sees, connection by connection", size=17, weight="bold"),
    ]
    parts += _marks(marks, frame, bottom)
    for number, host in enumerate(hosts):
        top = TOP + number * (len(VIEWS) * (ROW + GAP) + BETWEEN)
        parts.append(_text(LEFT, top + 12, "%s: %s" % (host, notes.get(host, "")), weight="bold"))
        for row, (view, label) in enumerate(VIEWS):
            y = top + 20 + row * (ROW + GAP)
            parts.append(_text(LEFT - 10, y + 15, label, anchor="end"))
            parts += _bars(seen_by(lines, host, view), keys.get(host, ()), frame, y)
    parts += _seconds(frame, bottom)
    parts += _legend(bottom + 42 + 20 * MARK_ROWS)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _text(x: float, y: float, words: str, anchor: str = "start", size: int = 13, weight: str = "normal") -> str:
    return '<text x="%.1f" y="%.1f" text-anchor="%s" font-size="%d" font-weight="%s">%s</text>' % (
        x, y, anchor, size, weight, html.escape(words))


def _bars(lines: Sequence[Line], keys: Sequence[str], frame: Frame, y: float) -> List[str]:
    """One row. What is worst is drawn last and never thinner than can be seen."""
    order = list(LOOKS)
    rows = sorted(lines, key=lambda line: order.index(look_of(line, keys)))
    bars = []
    for line in rows:
        kind = look_of(line, keys)
        x = frame.x(line["since"])
        width = max(3.0 if kind in ("open", "foreign") else 0.6, frame.x(line["until"]) - x)
        title = "%s, %d times, %.2f s" % (LOOKS[kind][1], line["count"], line["until"] - line["since"])
        bars.append('<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"><title>%s</title></rect>' % (
            x, y, width, ROW, LOOKS[kind][0], html.escape(title)))
    return bars


def _marks(marks: Sequence[Line], frame: Frame, bottom: int) -> List[str]:
    parts = []
    for number, mark in enumerate(marks):
        x, end = frame.x(mark["since"]), frame.x(mark["until"])
        y = bottom + 20 + 20 * (number % MARK_ROWS)
        parts.append('<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/>' % (
            x, TOP - 10, end - x, bottom - TOP + 14, "#f3f6fb" if number % 2 else "#e8eef8"))
        parts.append('<path d="M%.1f %d H%.1f" stroke="#5c6bc0" stroke-width="3"/>' % (x, bottom + 4, end))
        parts.append(_text(min((x + end) / 2, WIDTH - RIGHT - 30), y, mark["phase"], anchor="middle"))
    return parts


def _seconds(frame: Frame, bottom: int) -> List[str]:
    whole = frame.until - frame.since
    step = next(step for step in (5, 10, 20, 30, 60, 120, 300, 3600) if whole / step < 16)
    parts = []
    for number in range(int(whole // step) + 1):
        x = frame.x(frame.since + number * step)
        parts.append('<path d="M%.1f %d v%d" stroke="#90a4ae" stroke-width="0.5"/>' % (x, TOP - 14, bottom - TOP + 18))
        parts.append(_text(x, TOP - 16, "%d s" % (number * step), anchor="middle", size=11))
    return parts


def _legend(top: int) -> List[str]:
    parts = []
    for number, (colour, words) in enumerate(LOOKS.values()):
        x, y = LEFT + 480 * (number % 2), top + 22 * (number // 2)
        parts.append('<rect x="%d" y="%d" width="16" height="14" fill="%s"/>' % (x, y, colour))
        parts.append(_text(x + 24, y + 12, words))
    return parts
