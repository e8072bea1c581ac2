# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All of the corpus, in a container that has the real programs: prints what does not agree, and one line of JSON."""

from __future__ import annotations

import concurrent.futures
import json
import multiprocessing
import sys
import time
from pathlib import Path
from typing import Callable, Dict, List, Sequence, Tuple

import tomllib

from tests.corpus import openssh, rulesets, shells

DATA = Path(__file__).resolve().parent / "data"
Check = Callable[[List[Path], Dict[str, object]], Dict[str, List[str]]]
WORKERS = 3  # for each of the two big kinds of rule sets; they wait for packets more than they work


def table_of(folder: Path) -> Dict[str, object]:
    """The verdicts of a folder, one for each file."""
    table = tomllib.loads((folder / "verdicts.toml").read_text(encoding="utf-8"))
    files = {path.name for path in folder.iterdir()} - {"verdicts.toml"}
    if files != set(table):
        raise SystemExit("%s: without a verdict or without a file: %s" % (
            folder.name, ", ".join(sorted(files ^ set(table)))))
    return table


def jobs(names: Sequence[str]) -> List[Tuple[str, Check, List[Path], Dict[str, object]]]:
    """What runs side by side: each has a folder's name, its check, and files."""
    found = []
    folder = DATA / "rulesets"
    table = {name: dict(zip(("ip", "ip6"), words.split())) for name, words in table_of(folder).items()}
    for kind in ("firewalld", "ufw", "nft", "iptables"):
        paths = sorted(folder / name for name in table if rulesets.ENDS[Path(name).suffix] == kind)
        paths = [path for path in paths if not names or path.name in names]
        parts = WORKERS if kind in ("nft", "iptables") else 1
        found += [("rulesets", rulesets.run, paths[part::parts], table) for part in range(parts)]
    for name, check in {**openssh.CHECKS, "shells": shells.run}.items():
        table = table_of(DATA / name)
        paths = [DATA / name / each for each in sorted(table) if not names or each in names]
        found.append((name, check, paths, table))
    known = {path.name for job in found for path in job[2]}
    if set(names) - known:
        raise SystemExit("no file of the corpus is called " + ", ".join(sorted(set(names) - known)))
    return [job for job in found if job[2]]


def main(names: Sequence[str]) -> int:
    """Check all files, or those that are named; 0 when everybody agrees."""
    began, wrong, files, sets = time.monotonic(), 0, 0, 0
    fork = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(20, fork, max_tasks_per_child=None) as pool:
        running = [(job, pool.submit(job[1], job[2], job[3])) for job in jobs(names)]
        for (folder, _check, paths, _table), future in running:
            result = future.result()
            files += len(paths)
            sets += len(paths) if folder == "rulesets" else 0
            for name, words in sorted(result.items()):
                wrong += bool(words)
                for each in words:
                    print("%-12s %-32s %s" % (folder, name, each))
    for each in shells.missing():
        print("not here: %s" % each)
    good = not wrong and files > 0
    print(json.dumps({"name": "corpus", "ok": good, "files": files, "rulesets": sets, "mismatches": wrong,
                      "seconds": round(time.monotonic() - began, 1)}), flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
