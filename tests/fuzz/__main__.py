# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Fuzz the configuration editor: many pure cases, and cases that the real OpenSSH programs judge.

    python3 tests/fuzz --pure 10000 --differential 500 [--seed 1]

Ends with one line of JSON and exit code 0 or 1. A case is made from the seed and its number alone.
"""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import json
import random
import sys
import threading
import time
from pathlib import Path
from typing import Counter, List

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "collections")]

import parsers
import properties

_SHOWN = 5


class Run:
    """Counts and failures of a run."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.counts: Counter[str] = collections.Counter()
        self.failures: List[str] = []
        self.lock = threading.Lock()

    def case(self, kind: str, number: int) -> properties.Case:
        """The case with a number."""
        rng = random.Random("%s %d %d" % (kind, self.seed, number))
        return properties.Case(rng, 1 if number % 5 else rng.randint(2, 4))

    def fail(self, kind: str, number: int, case: object, error: Exception) -> None:
        """Keep a failure, print the first ones."""
        self.counts[kind + "_failed"] += 1
        if len(self.failures) < _SHOWN:
            text = "%s case %d (seed %d): %s: %s\n  %s" % (
                kind, number, self.seed, type(error).__name__, error, case)
            self.failures.append(text)
            print(text, file=sys.stderr, flush=True)

    def pure(self, count: int) -> None:
        """Cases that need nothing but the editor."""
        for number in range(count):
            case = self.case("pure", number)
            try:
                self.counts["pure_refused"] += not properties.check_pure(case)
            except Exception as error:  # any exception is a finding
                self.fail("pure", number, case, error)

    def differential(self, count: int, found: List[parsers.Parser]) -> None:
        """Cases that the programs judge, each version in a thread of its own."""
        with concurrent.futures.ThreadPoolExecutor(len(found)) as pool:
            for done in [pool.submit(self._judge, range(place, count, len(found)), parser)
                         for place, parser in enumerate(found)]:
                done.result()

    def _judge(self, numbers: range, parser: parsers.Parser) -> None:
        for number in numbers:
            case = self.case("differential", number)
            try:
                if number % 10 < 2:
                    properties.check_generator(case, parser)
                became = "real_" + properties.check_real(case, parser)
                with self.lock:
                    self.counts[became] += 1
            except Exception as error:  # any exception is a finding
                with self.lock:
                    self.fail("real", number, case, error)


def main() -> int:
    """Entry point."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pure", type=int, default=10000, help="number of pure cases")
    options.add_argument("--differential", type=int, default=500, help="number of cases for the real programs")
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    run, notes, started = Run(given.seed), [], time.monotonic()
    run.pure(given.pure)
    pure_seconds = time.monotonic() - started
    versions: List[str] = []
    calls = 0
    if given.differential:
        with parsers.all_there(notes) as found:
            versions = [parser.name for parser in found]
            if found:
                run.differential(given.differential, found)
                calls = sum(parser.calls for parser in found)
    judged = sum(run.counts["real_" + name] for name in ("ok", "refused", "impossible"))
    enough = judged >= 0.9 * given.differential
    good = not run.failures and enough
    print(json.dumps({
        "name": "fuzz", "ok": good, "pure": given.pure, "differential": given.differential, "judged": judged,
        "calls": calls, "parsers": versions, "missing": notes, "seed": given.seed,
        "counts": dict(sorted(run.counts.items())),
        "pure_seconds": round(pure_seconds, 1), "seconds": round(time.monotonic() - started, 1),
    }))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
