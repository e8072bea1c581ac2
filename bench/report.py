# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The medians as a table and as a picture. Pure, except ``write``."""

from __future__ import annotations

import html
import pathlib
from typing import Any, Dict, List, Tuple

Medians = Dict[Tuple[int, str, str], Any]
WORDS = {
    "first_absent": "first, Docker absent", "first_present": "first, Docker present", "converged": "converged",
    "one_change": "one changed line", "rotation": "password rotation",
}
INTRODUCTION = """# Compared with others

Made by `make bench WRITE=1` on two cores, medians. All contenders bring the same hosts to the same place: %s;
[the manual's steps by hand](../bench/peer/site.yml) as a good playbook with pipelining; the same under mitogen; the
same in pyinfra. By hand means without the guarantees: the published password is valid for a while, nothing is proved,
and keys and edits are lost with the container.

![seconds by case](bench.svg)

"""
_COLOURS = ("#1f6f5c", "#9aa5b1", "#c9a227", "#7a6ff0", "#c1553b")
_BAR, _GAP, _LEFT, _WIDE = 16, 14, 190, 520


def table(medians: Medians, ours: str) -> str:
    """A Markdown table, a line for each contender and case."""
    lines = ["| hosts | case | who | seconds | times ours | sessions a host | kB to a host | processor s here |",
             "|---|---|---|---|---|---|---|---|"]
    for (count, case, name), found in sorted(medians.items(), key=lambda item: (item[0][0], _place(item[0][1]))):
        own = medians.get((count, case, ours))
        ratio = "%.1f" % (found.seconds / own.seconds) if own else ""
        lines.append("| %d | %s | %s | %.1f | %s | %.0f | %.0f | %.1f |" % (
            count, WORDS[case], name, found.seconds, ratio, found.sessions, found.kilobytes, found.processor))
    return "\n".join(lines)


def steps(found: Dict[Tuple[int, str], float]) -> str:
    """Where the time of our own converged run goes, as a Markdown table; empty where it was not measured."""
    counts = sorted({count for count, _name in found})
    names = list(dict.fromkeys(name for _count, name in found))
    head = ["step of our converged run, seconds"] + [_hosts(count) for count in counts]
    rows = [[name] + ["%.2f" % found.get((count, name), 0.0) for count in counts] for name in names]
    lines = ["| %s |" % " | ".join(row) for row in [head, ["---"] * len(head), *rows]]
    return "\n".join(["", *lines]) if rows else ""


def goals(reached: Dict[str, float], wanted: Dict[str, float]) -> str:
    """What was aimed at, in a sentence. :param reached: times faster than by hand on the fewest hosts, by case."""
    words = []
    for case, goal in wanted.items():
        if case in reached:
            missed = "" if reached[case] >= goal else ", missed"
            words.append("%s %.1f times (goal %.1f%s)" % (WORDS[case], reached[case], goal, missed))
    return "Faster than by hand, on the fewest hosts: %s." % "; ".join(words) if words else ""


def _hosts(count: int) -> str:
    return "%d host%s" % (count, "" if count == 1 else "s")


def _place(case: str) -> int:
    return list(WORDS).index(case)


def picture(medians: Medians) -> str:
    """Bars of seconds as SVG, by number of hosts and case."""
    names = list(dict.fromkeys(name for _count, _case, name in medians))
    groups: Dict[Tuple[int, int, str], List[Tuple[str, float]]] = {}
    for (count, case, name), found in medians.items():
        groups.setdefault((count, _place(case), case), []).append((name, found.seconds))
    longest = max(found.seconds for found in medians.values())
    parts: List[str] = []
    top = 40
    for (count, _number, case), rows in sorted(groups.items()):
        label = "%s, %s" % (WORDS[case], _hosts(count))
        parts.append(_text(_LEFT - 10, top + _BAR * len(rows) / 2 + 4, label, "end"))
        for name, seconds in rows:
            width = max(1.0, seconds / longest * _WIDE)
            parts.append('<rect x="%d" y="%.1f" width="%.1f" height="%d" fill="%s"/>' % (
                _LEFT, top, width, _BAR - 2, _COLOURS[names.index(name) % len(_COLOURS)]))
            parts.append(_text(_LEFT + width + 5, top + _BAR - 4, "%.1f s" % seconds))
            top += _BAR
        top += _GAP
    for number, name in enumerate(names):
        left = 20 + number * 158
        colour = _COLOURS[number % len(_COLOURS)]
        parts.append('<rect x="%d" y="12" width="12" height="12" fill="%s"/>' % (left, colour))
        parts.append(_text(left + 17, 22, name))
    size = (_LEFT + _WIDE + 80, top)
    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">' % size
    return "\n".join([head, '<rect width="%d" height="%d" fill="white"/>' % size, *parts, "</svg>", ""])


def _text(left: float, top: float, words: str, anchor: str = "start") -> str:
    return '<text x="%.1f" y="%.1f" text-anchor="%s">%s</text>' % (left, top, anchor, html.escape(words))


#: What no figure says: where the rest of the time goes, which is the way to more.
REST = """Most of what is ours in a converged run is processor time on both sides: importing the collection, compiling
the program that travels (nothing of it stays on a host), asking Docker, and two handshakes as proof. A changed setting
costs the act (the image's own sshd checks the new configuration, then loads it) and a second look after it, which is
what the proof is made of."""


def write(folder: pathlib.Path, lines: str, medians: Medians, ours: str, rounds: Dict[str, int]) -> None:
    """bench.md and bench.svg for the documentation."""
    (folder / "bench.svg").write_text(picture(medians), encoding="utf-8")
    counted = "\n\nRounds: %s.\n" % "; ".join("%s: %d" % pair for pair in rounds.items())
    text = INTRODUCTION % ours + lines + "\n\n" + REST + counted
    (folder / "bench.md").write_text(text, encoding="utf-8")
