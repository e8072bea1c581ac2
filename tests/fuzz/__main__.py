# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Fuzz the configuration editor: many pure cases, and cases that the real OpenSSH programs judge.

    .venv/bin/python -m tests.fuzz --pure 10000 --differential 500 [--seed 1]

Ends with one line of JSON and exit code 0 or 1. A case is made from the seed and its number alone.
"""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import json
import os
import random
import sys
import threading
import time
from typing import Counter, List, Tuple

from tests.fuzz import parsers, properties

_SHOWN = 5
_CHUNK = 2000
_SECONDS_BETWEEN_WORDS = 15.0


def case_of(kind: str, seed: int, number: int) -> properties.Case:
    """The case with a number."""
    rng = random.Random("%s %d %d" % (kind, seed, number))
    return properties.Case(rng, 1 if number % 5 else rng.randint(2, 4))


def told(kind: str, seed: int, number: int, case: object, error: Exception) -> str:
    """A failed case in words that make it again."""
    return "%s case %d (seed %d): %s: %s\n  %s" % (kind, number, seed, type(error).__name__, error, case)


def pure_chunk(seed: int, numbers: range) -> Tuple[int, int, List[str]]:
    """Cases that need nothing but the editor: how many, how many it refused, the failures."""
    refused, failures = 0, []
    for number in numbers:
        case = case_of("pure", seed, number)
        try:
            refused += not properties.check_pure(case)
        except Exception as error:  # any exception is a finding
            failures.append(told("pure", seed, number, case, error))
    return len(numbers), refused, failures


class Run:
    """Counts and failures of a run, and its progress on stderr."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.counts: Counter[str] = collections.Counter()
        self.failures: List[str] = []
        self.lock = threading.Lock()
        self.spoke = time.monotonic()

    def count(self, kind: str, done: int, wanted: int, became: str, failures: List[str]) -> None:
        """Take note of cases that are done."""
        with self.lock:
            self.counts[kind] += done
            self.counts[became] += done - len(failures)
            for text in failures:
                self.counts[kind + "_failed"] += 1
                self.failures.append(text)
                if len(self.failures) <= _SHOWN:
                    print(text, file=sys.stderr, flush=True)
            if time.monotonic() - self.spoke > _SECONDS_BETWEEN_WORDS:
                self.spoke = time.monotonic()
                print("%s: %d of %d cases, %d failed" % (kind, self.counts[kind], wanted, len(self.failures)),
                      file=sys.stderr, flush=True)

    def pure(self, count: int) -> None:
        """Cases that need nothing but the editor, on all processors."""
        chunks = [range(start, min(start + _CHUNK, count)) for start in range(0, count, _CHUNK)]
        with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
            for job in concurrent.futures.as_completed([pool.submit(pure_chunk, self.seed, chunk) for chunk in chunks]):
                done, refused, failures = job.result()
                self.counts["pure_refused"] += refused
                self.count("pure", done, count, "pure_ok", failures)

    def differential(self, count: int, found: List[parsers.Parser]) -> None:
        """Cases that the programs judge, each version in a thread of its own."""
        with concurrent.futures.ThreadPoolExecutor(len(found)) as pool:
            for done in [pool.submit(self._judge, range(place, count, len(found)), count, parser)
                         for place, parser in enumerate(found)]:
                done.result()

    def _judge(self, numbers: range, count: int, parser: parsers.Parser) -> None:
        for number in numbers:
            case = case_of("differential", self.seed, number)
            became, failures = "", []
            try:
                if number % 10 < 2:
                    properties.check_generator(case, parser)
                became = "real_" + properties.check_real(case, parser)
            except Exception as error:  # any exception is a finding
                failures.append(told("real", self.seed, number, case, error))
            self.count("real", 1, count, became, failures)


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
