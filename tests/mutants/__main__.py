# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Do the unit tests notice a broken configuration editor, and broken password code?

    .venv/bin/python -m tests.mutants [--sample N] [--jobs 2] [--part editor]

mutmut breaks the code in every way it knows, one at a time; each time a unit test has to fail. At least 90 % of the
mutants of each part must be killed so. Those that are known to change nothing are named in survivors.toml, with the
reason; one that is killed after all, or is gone, has to leave that file. Ends with a line of JSON and exit code 0 or 1.

The tests run in a mount namespace of their own in which nothing but a temporary folder can be written: a mutant may do
anything.
"""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import contextlib
import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Counter, Dict, Iterable, Iterator, List, NamedTuple, Sequence, Set

import tomllib

from images import base
from lab import bootstrap

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

KILLED_AT_LEAST = 0.9
SURVIVORS = HERE / "survivors.toml"
CODE = ROOT / "plugins" / "module_utils"
UNIT = ROOT / "tests" / "unit" / "module_utils"
# Name of the part, patterns of its code, and of the unit tests that concern it.
_PARTS = (
    ("editor", ("openssh/config/*.py",), ("openssh/test_sshconfig*.py",)),
    ("passwords", ("openssh/password.py", "openssh/sha*.py"), ("openssh/test_password.py", "openssh/test_sha*.py")),
)
_SHOWN_EVERY = 20.0
# Where the temporary folder goes: a place in the tree that git ignores.
_OUTPUT = ROOT / "tests" / "output"
_APART = 'mount -t tmpfs tmpfs "$1" && mount -o remount,bind,ro / && export TMPDIR="$1" && shift && exec "$@"'


class Part(NamedTuple):
    """Code, and the unit tests that concern it."""

    name: str
    code: List[Path]
    tests: List[str]


class Tried(NamedTuple):
    """A mutant and what became of it; the name is that of survivors.toml."""

    name: str
    became: str


def parts() -> List[Part]:
    """The two parts. :raises LabError: a pattern finds no file, so a part would lack code or tests."""
    return [
        Part(name, found_all(name, CODE, code), [str(path.relative_to(ROOT)) for path in found_all(name, UNIT, tests)])
        for name, code, tests in _PARTS
    ]


def found_all(part: str, folder: Path, patterns: Sequence[str]) -> List[Path]:
    """The files of a part. :raises LabError: there are none for one of the patterns."""
    found: Set[Path] = set()
    for pattern in patterns:
        files = {path for path in folder.glob(pattern) if path.name != "__init__.py"}
        if not files:
            raise bootstrap.LabError("part %s: no file is %s in %s" % (part, pattern, folder.relative_to(ROOT)))
        found |= files
    return sorted(found)


def module_of(path: Path) -> str:
    """The name of a module here: its path below module_utils, as files of several folders may be called the same."""
    return path.relative_to(CODE).with_suffix("").as_posix()


def mutator() -> Path:
    """The Python that has mutmut, in the cache; made at the first call."""
    wanted = HERE / "requirements.txt"
    seed = hashlib.sha256((sys.version + wanted.read_text(encoding="utf-8")).encode()).hexdigest()[:12]
    folder = Path(base.cache_folder()) / ("mutmut-" + seed)
    python = folder / "bin" / "python"
    with base.locked(str(folder) + ".lock"):
        if not (folder / bootstrap.COMPLETE).exists():
            print("Making the environment with mutmut (half a minute)", file=sys.stderr, flush=True)
            bootstrap.run([sys.executable, "-m", "venv", "--clear", str(folder)], bootstrap.INSTALL_SECONDS, "venv")
            bootstrap.run([str(python), "-m", "pip", "install", "--disable-pip-version-check", "--quiet",
                           "--requirement", str(wanted)], bootstrap.INSTALL_SECONDS, "pip install")
            (folder / bootstrap.COMPLETE).touch()
    return python


def mutants(part: Part, python: Path, jobs: int) -> List[Dict[str, Any]]:
    """All mutants of a part, each with the name that tells it from the others. :raises LabError: there are none."""
    def of_file(path: Path) -> List[Dict[str, Any]]:
        said = bootstrap.run([str(python), "-W", "ignore", str(HERE / "make.py"), str(path)], 600, "mutmut")
        return [json.loads(line) for line in said.splitlines()]

    made: List[Dict[str, Any]] = []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for path, found in zip(part.code, pool.map(of_file, part.code)):
            source, names = path.read_text(encoding="utf-8"), collections.Counter[str]()
            for mutant in found:
                name = "%s %s: %s" % (module_of(path), mutant["function"] or "-", shown(source, mutant))
                names[name] += 1
                made.append(dict(mutant, module=module_of(path),
                                 name=name if names[name] == 1 else "%s (%d)" % (name, names[name])))
    if not made:
        raise bootstrap.LabError("part %s: its code has no mutants" % part.name)
    return made


def shown(source: str, mutant: Dict[str, Any]) -> str:
    """The changed lines before and after, without what is equal at both ends of many lines."""
    start = source.rfind("\n", 0, mutant["start"]) + 1
    end = source.find("\n", mutant["end"])
    before = source[start:end].split("\n")
    after = (source[start:mutant["start"]] + mutant["text"] + source[mutant["end"]:end]).split("\n")
    while len(before) > 1 and len(after) > 1 and before[0] == after[0]:
        del before[0], after[0]
    while len(before) > 1 and len(after) > 1 and before[-1] == after[-1]:
        del before[-1], after[-1]
    return " -> ".join(" ".join(line.strip() for line in lines) for lines in (before, after))


@contextlib.contextmanager
def trials(part: Part) -> Iterator["subprocess.Popen[str]"]:
    """A process that tries mutants, see trial.py. :raises LabError: it does not start, or the tests fail as it is."""
    apart = ["unshare", "--mount"] + ([] if base.os.geteuid() == 0 else ["--user", "--map-root-user"])
    process = subprocess.Popen(
        [*apart, "sh", "-ec", _APART, "sh", str(_OUTPUT), sys.executable, str(HERE / "trial.py"), *part.tests],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8", cwd=ROOT)
    try:
        first = json.loads(ask(process, None))
        if first["failed"]:
            raise bootstrap.LabError("without any mutant, %s fails: %s" % (part.name, first["failed"]))
        yield process
    finally:
        with contextlib.suppress(OSError):
            process.stdin.close()
        process.wait(60)


def ask(process: "subprocess.Popen[str]", job: object) -> str:
    """Give a job, and wait for the answer. :raises LabError: the process ended."""
    if job is not None:
        process.stdin.write(json.dumps(job) + "\n")
        process.stdin.flush()
    answer = process.stdout.readline()
    if not answer:
        raise bootstrap.LabError("the process that tries mutants ended; what it said stands above")
    return answer


def try_all(part: Part, made: List[Dict[str, Any]], known: Dict[str, str], jobs: int) -> List[Tried]:
    """Try mutants, several side by side; prints those that survive and are not known."""
    waiting = collections.deque(enumerate(made))
    results: List[Tried] = []
    # As it is, in both ways in which a mutant can be put in place: what fails now would count as killed.
    unchanged = [dict(made[0], start=0, end=0, text="", function=function, outermost=outermost)
                 for function, outermost in (("", ""), ("imported anew", ""))]

    def work() -> None:
        with trials(part) as process:
            for job in unchanged:
                if json.loads(ask(process, dict(job, number=-1)))["became"] != "survived":
                    raise bootstrap.LabError("%s: a test fails without any mutant" % part.name)
            while waiting:
                number, mutant = waiting.popleft()
                answer = json.loads(ask(process, dict(mutant, number=number)))
                results.append(Tried(mutant["name"], answer["became"]))
                if answer["became"] == "survived" and mutant["name"] not in known:
                    where = Path(mutant["file"]).relative_to(ROOT), mutant["line"]
                    print("survived: %s:%d\n  %s" % (*where, mutant["name"]), file=sys.stderr, flush=True)

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        running = [pool.submit(work) for _number in range(jobs)]
        while concurrent.futures.wait(running, _SHOWN_EVERY, concurrent.futures.FIRST_EXCEPTION).not_done:
            print("%s: %d of %d" % (part.name, len(results), len(made)), file=sys.stderr, flush=True)
            if any(one.done() and one.exception() for one in running):
                waiting.clear()
        for one in running:
            one.result()
    return results


def explained() -> Dict[str, str]:
    """Survivors that are known to change nothing: name and reason."""
    known: Dict[str, str] = {}
    for reason in tomllib.loads(SURVIVORS.read_text(encoding="utf-8")).get("reason", []):
        for name in reason["mutants"]:
            if name in known or not reason["why"]:
                raise bootstrap.LabError("%s: %s stands there twice or without a reason" % (SURVIVORS.name, name))
            known[name] = reason["why"]
    return known


def of_no_part(known: Iterable[str], all_parts: List[Part]) -> List[str]:
    """The names of survivors whose module belongs to no part, so that no run would check them."""
    modules = {module_of(path) for part in all_parts for path in part.code}
    return sorted(name for name in known if name.split(" ", 1)[0] not in modules)


def judge(part: Part, tried: List[Tried], known: Dict[str, str], whole: bool) -> Dict[str, Any]:
    """The figures of a part; prints which explanations have to go."""
    tried = [one for one in tried if one.became != "no Python"]
    survived = {one.name for one in tried if one.became == "survived"}
    became: Counter[str] = collections.Counter(one.became for one in tried)
    mine = {name for name in known if name.split(" ", 1)[0] in [module_of(path) for path in part.code]}
    there: Set[str] = {one.name for one in tried}
    stale = sorted(name for name in mine if (name in there and name not in survived) or (whole and name not in there))
    for name in stale:
        what = "killed" if name in there else "gone"
        print("%s: take it out of %s: %s" % (what, SURVIVORS.name, name), file=sys.stderr)
    killed = became["killed"] / len(tried) if tried else 0.0
    return {
        "ok": killed >= KILLED_AT_LEAST and not stale, "mutants": len(tried), "killed": became["killed"],
        "percent": round(100 * killed, 1), "explained": len(survived & mine),
        "unexplained": len(survived - mine), "stale": len(stale),
    }


def sampled(made: List[Dict[str, Any]], size: int) -> List[Dict[str, Any]]:
    """So many of the mutants, always the same, from everywhere."""
    if not size or size >= len(made):
        return made
    return sorted(made, key=lambda one: hashlib.sha256(one["name"].encode()).digest())[:size]


def main() -> int:
    """Entry point."""
    options = argparse.ArgumentParser(prog="tests.mutants", description=__doc__.split("\n")[0])
    options.add_argument("--sample", type=int, default=0, help="only so many mutants of each part (0: all)")
    options.add_argument("--jobs", type=int, default=2, help="how many side by side")
    options.add_argument("--part", default="", help="only this part: editor or passwords")
    options.add_argument("--match", default="", help="only mutants whose name holds this text")
    given = options.parse_args()
    began = time.monotonic()
    _OUTPUT.mkdir(exist_ok=True)
    figures: Dict[str, Dict[str, Any]] = {}
    try:
        known, all_parts = explained(), parts()
        lost = of_no_part(known, all_parts)
        if lost:
            raise bootstrap.LabError("%s: no part has the module of: %s" % (SURVIVORS.name, ", ".join(lost)))
        python = mutator()
        for part in all_parts:
            if given.part in ("", part.name):
                made = [one for one in mutants(part, python, given.jobs) if given.match in one["name"]]
                chosen = sampled(made, given.sample)
                whole = chosen is made and not given.match
                if not made:  # the other part may have some of that name
                    continue
                figures[part.name] = judge(part, try_all(part, chosen, known, given.jobs), known, whole)
        if not figures:
            raise bootstrap.LabError("no part %r has mutants with %r in their names" % (given.part, given.match))
    except (bootstrap.LabError, json.JSONDecodeError) as error:
        print("mutants: %s" % error, file=sys.stderr)
        return 1
    good = bool(figures) and all(part["ok"] for part in figures.values())
    print(json.dumps({
        "name": "mutants", "ok": good, "mutants": sum(part["mutants"] for part in figures.values()),
        "killed": sum(part["killed"] for part in figures.values()), "parts": figures, "sample": given.sample,
        "seconds": round(time.monotonic() - began, 1),
    }))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
