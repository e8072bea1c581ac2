# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Does an image keep the contract of the OQS-OpenSSH image, and which of its measured flaws does it have?

    python3 tests/conformance/conformance.py IMAGE

Needs Python and the docker command line, nothing else; the image must be there (docker pull, docker load). One line a
point, the last line is JSON; exit code 0 when the contract is kept, 1 when not, 2 when nothing could be looked at.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import os
import signal
import sys
import time
from types import FrameType
from typing import Any, Optional

import contract
import flaws
from box import Bench, DockerFailed, NotTried, docker
from sheet import GROUPS, Group, Point, Sheet

AT_ONCE = 4
WORDS = {
    ("contract", True): ("kept", "-"), ("contract", False): ("BROKEN", "-"), ("contract", None): ("?", "-"),
    ("flaw", True): ("-", "has it"), ("flaw", False): ("-", "no"), ("flaw", None): ("-", "?"),
}


def look(group: Group, bench: Bench) -> list[Point]:
    """Look at one group of points; what cannot be tried says why."""
    sheet = Sheet(group.contract, group.flaws)
    try:
        group.look(bench, sheet)
    except (NotTried, DockerFailed) as reason:
        sheet.give_up(str(reason))
    return sheet.points


def examine(image: str, bench: Bench) -> list[Point]:
    """Look at everything: the contract first, then the flaws."""
    groups = [group for module in (contract, flaws) for group in GROUPS if group.look.__module__ == module.__name__]
    bench.network()
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(lambda group: look(group, bench), groups))
    points = [point for points in found for point in points]
    return sorted(points, key=lambda point: point.column != "contract")


def verdict(image: str, points: list[Point]) -> dict[str, Any]:
    """The last line: the contract is kept when every point of it was tried and none is broken."""
    mine = [point for point in points if point.column == "contract"]
    broken = [point.name for point in mine if point.state is False]
    untried = [point.name for point in points if point.state is None]
    return {
        "name": "conformance",
        "image": image,
        "ok": all(point.state is True for point in mine),
        "kept": sum(point.state is True for point in mine),
        "broken": broken,
        "untried": untried,
        "flaws": [point.name for point in points if point.column == "flaw" and point.state],
    }


def show(points: list[Point]) -> None:
    """One line a point."""
    print("%-30s %-9s %-7s %s" % ("point", "contract", "flaw", "what was seen"))
    for point in points:
        print("%-30s %-9s %-7s %s" % (point.name, *WORDS[point.column, point.state], point.detail))


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Check an OpenSSH image against the contract of the OQS image")
    parser.add_argument("image", help="name, digest or id of an image that docker has")
    image = parser.parse_args().image
    begin = time.monotonic()
    bench = Bench(image)
    print("looking at %s in containers named %s-*" % (image, bench.prefix), file=sys.stderr, flush=True)

    def interrupted(number: int, _frame: Optional[FrameType]) -> None:
        print("interrupted: removing containers", file=sys.stderr)
        bench.close()
        os._exit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    try:
        docker(["image", "inspect", "-f", "{{.Id}}", image])
        points = examine(image, bench)
    except DockerFailed as error:
        print("error: %s: %s (docker pull or docker load it first)" % (image, error), file=sys.stderr)
        print(json.dumps({"name": "conformance", "image": image, "ok": False, "kept": 0, "broken": [], "flaws": []}))
        return 2
    finally:
        bench.close()
    show(points)
    result = verdict(image, points)
    result["seconds"] = round(time.monotonic() - begin, 1)
    print(json.dumps(result))
    return 0 if result["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
