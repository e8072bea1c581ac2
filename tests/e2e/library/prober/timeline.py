# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a time line of the prober proves, and what it does not. Pure.

A line is a phase (phase, since, until) or what `watch.py` saw (host, view, state, key, methods, since, until, gap,
count, tried, words). A state in which nothing was seen (no answer, refused, dropped) is unknown, never a proof of being
closed; only the control login beside it tells the one from the other.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any, Dict, Iterator, List, Mapping, Sequence, Tuple

Line = Dict[str, Any]
DEFAULTS = ("default", "older default")
SEEN = ("handshake", "login")
#: Seconds in which a server that serves must have been asked for the default password.
SOON = 1.0
#: Seconds for which the control login may go on alone.
BLIND = 5.0


def fingerprint(public: str) -> str:
    """Of a public key's line, as the time line has it."""
    blob = base64.b64decode(public.split()[1])
    return base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def phases(lines: Sequence[Line]) -> List[Line]:
    """What was done, in order."""
    return sorted((line for line in lines if "phase" in line), key=lambda line: float(line["since"]))


def seen_by(lines: Sequence[Line], host: str, view: str) -> List[Line]:
    """What one view of one host saw, in order."""
    found = [line for line in lines if line.get("host") == host and line.get("view") == view]
    return sorted(found, key=lambda line: float(line["since"]))


def during(lines: Sequence[Line], *names: str) -> List[Line]:
    """Only what was seen in phases of these names, and those phases."""
    spans = [line for line in lines if line.get("phase") in names]
    return spans + [line for line in lines if "phase" not in line and any(_overlap(line, span) for span in spans)]


def until(lines: Sequence[Line], name: str) -> List[Line]:
    """Everything before a phase of this name; what goes on in it is cut off."""
    end = min((line["since"] for line in lines if line.get("phase") == name), default=float("inf"))
    return [dict(line, until=min(line["until"], end)) for line in lines if line["since"] < end]


def _overlap(one: Line, other: Line) -> bool:
    return bool(one["since"] < other["until"] and other["since"] < one["until"])


def exposures(
    lines: Sequence[Line], keys: Mapping[str, Sequence[str]], walled: Sequence[str] = (), unwalled: Sequence[str] = ()
) -> List[str]:
    """Every moment that must not have been, in words.

    :param keys: fingerprints of the host keys that are a host's own. :param walled: hosts whose firewall is active.
    :param unwalled: phases in which it comes and goes by the host's own doing; logins are exposures in these, too.
    """
    spans = [line for line in lines if line.get("phase") in unwalled]
    return [
        "%s, seen from %s for %.2f s (%d times): %s" % (
            line["host"], line["view"], line["until"] - line["since"], line["count"], words)
        for line in lines if line.get("view") in ("inside", "outside")
        for words in _wrong(line, keys, () if any(_overlap(line, span) for span in spans) else walled)
    ]


def _wrong(line: Line, keys: Mapping[str, Sequence[str]], walled: Sequence[str]) -> Iterator[str]:
    if line["state"] == "login":
        yield "a login with a password that is called %s" % ", ".join(line["tried"])
    if line["key"] and line["key"] not in keys.get(line["host"], ()):
        yield "a handshake with a host key that is not the host's, SHA256:%s" % line["key"]
    if line["view"] == "outside" and line["host"] in walled and line["state"] not in ("no answer",):
        yield "the firewall let somebody pass who is not among the sources (%s)" % line["state"]


def doubts(lines: Sequence[Line], hosts: Sequence[str]) -> List[str]:
    """Every stretch of time of which the time line cannot say that it was safe, although somebody could log in."""
    found = []
    for host in hosts:
        for since, until, tried in _servings(seen_by(lines, host, "inside")):
            if until - since > SOON and not tried:
                found.append("%s served for %.1f s, and the default password was never tried" % (host, until - since))
        asked = [line for line in seen_by(lines, host, "inside") if line["state"] in SEEN]
        for line in seen_by(lines, host, "control"):
            at = line["since"]
            while line["state"] == "login" and line["until"] - at > BLIND:
                if not any(one["since"] < at + BLIND and one["until"] > at for one in asked):
                    found.append("%s: the control login saw a server at %.1f, the prober did not" % (host, at))
                at += BLIND
        for view in ("inside", "outside"):
            found += ["%s: nobody looked from %s for %.1f s" % (host, view, gap)
                      for gap in _gaps(seen_by(lines, host, view)) if gap > BLIND]
    return found


def _gaps(lines: Sequence[Line]) -> Iterator[float]:
    """Seconds without a connection, within and between lines; no line at all is an endless one."""
    if not lines:
        yield float("inf")
    until = lines[0]["since"] if lines else 0.0
    for line in lines:  # lines overlap, since connections do
        yield max(line["gap"], line["since"] - until)
        until = max(until, line["until"])


def _servings(lines: Sequence[Line]) -> Iterator[Tuple[float, float, int]]:
    """Stretches in which somebody served: since, until, how often a default password was tried."""
    since, until, tried = 0.0, 0.0, 0
    for line in lines:
        if line["state"] in SEEN:
            since, until = since or line["since"], line["until"]
            tried += sum(line["tried"].get(name, 0) for name in DEFAULTS) + ("password" not in line["methods"])
        elif since and line["state"] in ("refused", "no answer"):
            yield since, until, tried
            since, tried = 0.0, 0
    if since:
        yield since, until, tried


def figures(lines: Sequence[Line]) -> Dict[str, Any]:
    """How closely was looked: connections, handshakes, attempts with a default password, seconds."""
    watched = [line for line in lines if line.get("view") in ("inside", "outside")]
    return {
        "connections": sum(line["count"] for line in watched),
        "handshakes": sum(line["count"] for line in watched if line["state"] in SEEN),
        "default_tried": sum(line["tried"].get(name, 0) for line in watched for name in DEFAULTS),
        "longest_gap": max((line["gap"] for line in watched), default=0),
        "control_logins": sum(line["count"] for line in lines
                              if line.get("view") == "control" and line["state"] == "login"),
        "seconds": round(max((line["until"] for line in watched), default=0)
                         - min((line["since"] for line in watched), default=0), 1),
    }
