# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs stages side by side; quiet when green. The last line is `N passed, N failed` (and `, N skipped`)."""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from typing import Dict, List, NamedTuple, Sequence, Tuple

from tests.run.stages import PYTHON, ROOT, STAGES, Counts, Stage, Step, with_slow

OUTPUT = ROOT / "tests" / "output"
SIDE_BY_SIDE = 2
SHOWN_LINES = 400  # of a failure; the whole of it is in tests/output
running: List[int] = []
stopping = threading.Event()


class Result(NamedTuple):
    """How a stage ended; `failures` has what the failed commands said and the names of what failed."""

    stage: Stage
    counts: Counts
    seconds: float
    failures: List[Tuple[str, List[str]]]


def environment() -> Dict[str, str]:
    """What every command gets: the environment's programs first, our collections, no colours, no foreign settings."""
    venv = ROOT / ".venv"
    result = {key: value for key, value in os.environ.items()
              if not key.startswith(("ANSIBLE_", "MOLECULE_", "PYTEST_")) and key not in ("FORCE_COLOR", "PY_COLORS")}
    result.update(
        PATH=os.pathsep.join([str(venv / "bin"), os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"]),
        ANSIBLE_COLLECTIONS_PATH=os.pathsep.join([str(ROOT / "collections"), str(venv / "collections")]),
        ANSIBLE_NOCOLOR="1", NO_COLOR="1", LC_ALL="C.UTF-8", PYTHONDONTWRITEBYTECODE="1",
    )
    return result


def run_step(step: Step, end: float) -> Tuple[int, str]:
    """Run a command until it ends or its time is over; then it goes with everything it started.

    :param end: when it must have ended, on the monotonic clock.
    """
    process = subprocess.Popen(
        step.argv, cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, start_new_session=True, encoding="utf-8", errors="replace",
    )
    running.append(process.pid)
    try:
        said, _none = process.communicate(timeout=max(1.0, end - time.monotonic()))
        return process.returncode, said
    except subprocess.TimeoutExpired:
        _end_group(process.pid, signal.SIGTERM)
        try:
            said, _none = process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            _end_group(process.pid, signal.SIGKILL)
            said, _none = process.communicate()
        return 124, said + "\nStopped: its time was over."
    finally:
        running.remove(process.pid)


def _end_group(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, number)


def run_stage(stage: Stage, only: Sequence[str]) -> Result:
    """Run the commands of a stage one after the other; a failed one does not keep the next from running."""
    began = time.monotonic()
    end = began + stage.minutes * 60
    counts, failures, log = Counts(), [], []
    for step in stage.steps(OUTPUT, only):
        if stopping.is_set():
            break
        step.report.unlink(missing_ok=True)
        code, said = run_step(step, end)
        ended = stage.tally(step, code, said)
        if code == 124 and not ended.failed:
            ended = ended.plus(Counts(0, 1))
        counts = counts.plus(ended)
        log.append("$ %s\n%s" % (" ".join(step.argv), said))
        if ended.failed:
            failures.append((said, stage.failed(step, said)))
    (OUTPUT / (stage.name + ".log")).write_text("\n".join(log), encoding="utf-8")
    return Result(stage, counts, time.monotonic() - began, failures)


def report(result: Result) -> None:
    """One line for a stage, and for its failures what they said and how to run them again."""
    counts = result.counts
    if not sum(counts):
        print("--    %-12s nothing to run yet" % result.stage.name, flush=True)
        return
    print("%-5s %-12s %6.1f s  %s" % (
        "FAIL" if counts.failed else "ok", result.stage.name, result.seconds, in_words(counts)), flush=True)
    for said, names in result.failures:
        lines = said.rstrip().splitlines()
        if len(lines) > SHOWN_LINES:
            print("    … (all of it: tests/output/%s.log)" % result.stage.name)
        print("\n".join("    " + line for line in lines[-SHOWN_LINES:]))
        print("  again, only this: %s" % again(result.stage.name, names), flush=True)


def again(stage: str, names: Sequence[str]) -> str:
    """The command that runs only these of a stage (the first ten), or all of it where no name is known."""
    command = "%s -m tests.run %s" % (PYTHON, stage)
    return "%s --only %s" % (command, " ".join(map(shlex.quote, names[:10]))) if names else command


def in_words(counts: Counts) -> str:
    """`N passed, N failed`, and the skipped if there are any."""
    text = "%d passed, %d failed" % (counts.passed, counts.failed)
    return text + ", %d skipped" % counts.skipped if counts.skipped else text


def main(arguments: Sequence[str]) -> int:
    """Run the stages that are named, or all; 0 when nothing failed and something passed."""
    names = [stage.name for stage in STAGES]
    parser = argparse.ArgumentParser(prog="tests.run", description="Run the tests, stage by stage.")
    parser.add_argument("stage", nargs="*", help="one of: " + ", ".join(names))
    parser.add_argument("--only", nargs="+", default=[], help="of one stage: tests, gates or scenarios by name")
    parser.add_argument("--all", action="store_true", help="with the tests that are marked slow (hours)")
    options = parser.parse_args(arguments)
    if options.only and len(options.stage) != 1:
        parser.error("--only needs the name of the one stage it belongs to, before it")
    unknown = [name for name in options.stage if name not in names]
    if unknown:
        parser.error("no stage is called %s; there are: %s" % (", ".join(unknown), ", ".join(names)))
    OUTPUT.mkdir(exist_ok=True)
    chosen = [stage for stage in STAGES if not options.stage or stage.name in options.stage]
    if options.all:
        chosen = [with_slow(stage) for stage in chosen]
    total = Counts()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        with concurrent.futures.ThreadPoolExecutor(max_workers=SIDE_BY_SIDE) as pool:
            futures = [pool.submit(run_stage, stage, options.only) for stage in chosen]
            for future in concurrent.futures.as_completed(futures):
                result = future.result()
                report(result)
                total = total.plus(result.counts)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    print(in_words(total), flush=True)
    return 0 if total.passed and not total.failed else 1


def _interrupt(_number: int, _frame: object) -> None:
    stopping.set()
    for pid in list(running):
        _end_group(pid, signal.SIGTERM)
    raise KeyboardInterrupt
