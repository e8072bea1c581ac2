# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Try mutants: a process that has collected the tests of a part once and forks for each mutant.

    python3 tests/mutants/trial.py TEST-FILE... < jobs > results

Jobs and results are lines of JSON. The first result tells about a run without a mutant. In the fork the code of the
mutated function is exchanged in place, so a mutant costs little more than the tests that call this function, quickest
first; a mutant outside of functions needs its modules and tests imported anew.
"""

from __future__ import annotations

import functools
import importlib.abc
import importlib.util
import json
import os
import resource
import signal
import sys
import threading
import time
import types
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Set, Tuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "ansible_collections.quantumsafe.openssh.plugins.module_utils"
FOLDER = "/plugins/module_utils/"
EXAMPLES = 12  # of a property test that has 100 in `make test`
MEMORY = 3 << 30
SPARE_SECONDS = 4  # of processor time for a test, beside four times what it takes without a mutant
WALL_SECONDS = 600  # for a mutant that sleeps; processor time bounds the others
# Compares processor times of long files: no mutant but a slow one could be killed by it, and it is slow itself.
LEFT_OUT = "test_long_files_are_quick_and_linear"
Function = Tuple[str, str]  # its module as a path below module_utils, without .py, and its name there


class Settled:
    """A pytest plugin: the same examples each time, few, and no search for a shorter one."""

    def pytest_configure(self) -> None:
        """After the profile of the tests' conftest.py, before the tests are imported."""
        from hypothesis import HealthCheck, Phase, settings

        settings.register_profile(
            "mutants", max_examples=EXAMPLES, derandomize=True, database=None, deadline=None,
            phases=(Phase.explicit, Phase.generate), suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False)
        settings.load_profile("mutants")


class Trials:
    """A pytest plugin that serves jobs where pytest would run the tests."""

    def __init__(self, jobs: Iterator[str], results: Any, files: Sequence[str]) -> None:
        self.jobs = jobs
        self.results = results
        self.files = list(files)
        self.seconds: Dict[str, float] = {}
        self.called: Dict[str, Set[Function]] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run once without a mutant, then a fork for each job."""
        base = self.fork(lambda write: self.measure(session, write))
        base["modules"] = [name for name in sys.modules if name.startswith(PACKAGE)]
        self.say(base)
        for item in base.pop("items", []):
            self.seconds[item["name"]] = item["seconds"]
            self.called[item["name"]] = {(one[0], one[1]) for one in item["called"]}
        for line in self.jobs:
            job = json.loads(line)
            self.say(dict(self.try_one(session, job), number=job["number"]))
        return True

    def say(self, result: Dict[str, Any]) -> None:
        """Tell a result."""
        self.results.write(json.dumps({key: value for key, value in result.items() if key != "items"}) + "\n")
        self.results.flush()

    def measure(self, session: pytest.Session, write: Any) -> None:
        """Run every test without a mutant: how long it takes and which functions it calls."""
        items = []
        for item in session.items:
            forget_results()
            seen: Set[Function] = set()

            def note(frame: types.FrameType, event: str, _value: object, seen: Set[Function] = seen) -> None:
                code = frame.f_code
                _before, there, path = code.co_filename.rpartition(FOLDER)
                if event == "call" and there:
                    seen.add((os.path.splitext(path)[0], code.co_qualname.split(".<locals>")[0]))

            began = time.process_time()
            threading.setprofile(note)
            sys.setprofile(note)
            try:
                failed = run_item(session, item)
            finally:
                sys.setprofile(None)
                threading.setprofile(None)
            if failed:
                write({"failed": item.nodeid})
                return
            items.append({"name": item.nodeid, "seconds": time.process_time() - began, "called": sorted(seen)})
        write({"failed": "", "tests": len(items), "items": items})

    def try_one(self, session: pytest.Session, job: Dict[str, Any]) -> Dict[str, Any]:
        """What becomes of a mutant."""
        path, module = Path(job["file"]), job["module"]
        source = path.read_text(encoding="utf-8")
        source = source[:job["start"]] + job["text"] + source[job["end"]:]
        try:
            compiled = compile(source, str(path), "exec", dont_inherit=True)
        except SyntaxError:
            return {"became": "no Python", "seconds": 0.0}
        function = (module, job["outermost"])
        items = [item for item in session.items if not job["outermost"] or function in self.called[item.nodeid]]
        items.sort(key=lambda item: self.seconds[item.nodeid])

        def work(write: Any) -> None:
            if exchange(module, job, compiled):
                for item in items:
                    allow(SPARE_SECONDS + 4 * self.seconds[item.nodeid])
                    if run_item(session, item):
                        write({"became": "killed", "by": item.nodeid})
                        return
                if job["function"]:
                    write({"became": "survived"})
                    return
            allow(SPARE_SECONDS + 4 * sum(self.seconds.values()))
            self.import_anew(module, compiled, write)  # also for constants, which may be defaults of functions

        return self.fork(work)

    def import_anew(self, module: str, compiled: types.CodeType, write: Any) -> None:
        """Run the tests with everything imported anew, the mutant in place of its module."""
        sys.meta_path.insert(0, Mutant(dotted(module), compiled))
        tests = {Path(name).stem for name in self.files}
        helpers = ("/tests/fuzz/", "/tests/unit/")
        for name, loaded in list(sys.modules.items()):
            place = getattr(loaded, "__file__", None) or ""
            if name.startswith(PACKAGE + ".") or name in tests or any(folder in place for folder in helpers):
                del sys.modules[name]
                parent, _dot, last = name.rpartition(".")
                if parent in sys.modules and hasattr(sys.modules[parent], last):
                    delattr(sys.modules[parent], last)
        code = pytest.main([*ARGUMENTS, "-x", *self.files], plugins=[Settled()])
        write({"became": "survived" if code == 0 else "killed", "by": "import"})

    def fork(self, work: Any) -> Dict[str, Any]:
        """Do something in a fork of this process, in bounds, and return what it wrote."""
        began = time.monotonic()
        ours, its = os.pipe()
        pid = os.fork()
        if not pid:
            os.close(ours)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            signal.alarm(WALL_SECONDS)
            os.dup2(1, 2)
            try:
                work(lambda result: _write_all(its, json.dumps(result).encode()))
            finally:
                os._exit(0)
        os.close(its)
        with open(ours, "rb") as pipe:
            said = pipe.read()
        _pid, status = os.waitpid(pid, 0)
        spent = round(time.monotonic() - began, 3)
        if not said:  # it broke the process: out of time or memory, or ended it
            return {"became": "killed", "by": "signal %d" % os.WTERMSIG(status), "seconds": spent, "failed": "it died"}
        return dict(json.loads(said), seconds=spent)


def allow(seconds: float) -> None:
    """End this process when it takes more processor time than this from now on."""
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time() + seconds), resource.RLIM_INFINITY))


def _write_all(fd: int, data: bytes) -> None:
    with open(fd, "wb", closefd=False) as pipe:
        pipe.write(data)


class Mutant(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives a module other code."""

    def __init__(self, name: str, compiled: types.CodeType) -> None:
        self.name = name
        self.compiled = compiled

    def find_spec(self, fullname: str, _path: object, _target: object = None) -> Optional[ModuleSpec]:
        """The mutant, for its name only."""
        if fullname != self.name:
            return None
        return importlib.util.spec_from_loader(fullname, self, origin=self.compiled.co_filename)

    def exec_module(self, module: types.ModuleType) -> None:
        """Run the mutant's code."""
        module.__file__ = self.compiled.co_filename
        exec(self.compiled, module.__dict__)


def run_item(session: pytest.Session, item: pytest.Item) -> bool:
    """Run a test; whether it failed."""
    before = session.testsfailed
    session.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
    return session.testsfailed > before


def dotted(module: str) -> str:
    """The full name of a module that is named by its path below module_utils."""
    return "%s.%s" % (PACKAGE, module.replace("/", "."))


def plain_function(found: object) -> types.FunctionType:
    """The function behind a property, a cache or a class method."""
    if isinstance(found, property):
        found = found.fget
    found = getattr(found, "__func__", found)
    found = getattr(found, "__wrapped__", found)
    if not isinstance(found, types.FunctionType):
        raise TypeError("no function: %r" % (found,))
    return found


def namespace(like: types.ModuleType, compiled: types.CodeType) -> Dict[str, Any]:
    """What the code of a module makes, beside the loaded one."""
    made = types.ModuleType(like.__name__)
    made.__dict__.update(__file__=like.__file__, __package__=like.__package__)
    exec(compiled, made.__dict__)
    return made.__dict__


def exchange(module: str, job: Dict[str, Any], compiled: types.CodeType) -> bool:
    """Put a mutant into the loaded module: a function's code, a constant. False where that cannot be done in place."""
    loaded = sys.modules[dotted(module)]
    new: Any = namespace(loaded, compiled)
    forget_results()
    if not job["function"]:
        exchange_constants(loaded, new)
        return True
    if not job["outermost"]:
        return False
    old: Any = vars(loaded)
    for part in job["outermost"].split("."):
        old, new = (space[part] if isinstance(space, dict) else vars(space)[part] for space in (old, new))
    try:
        function, mutant = plain_function(old), plain_function(new)
        function.__code__ = mutant.__code__
    except (TypeError, ValueError):
        return False
    function.__defaults__ = mutant.__defaults__
    function.__kwdefaults__ = mutant.__kwdefaults__
    return True


def exchange_constants(loaded: types.ModuleType, new: Dict[str, Any]) -> None:
    """Give the loaded module, and those that took names from it, the constants that are others now."""
    with open(str(loaded.__file__), encoding="utf-8") as source:
        fresh = namespace(loaded, compile(source.read(), str(loaded.__file__), "exec", dont_inherit=True))
    for name, value in new.items():
        if name.startswith("__") or isinstance(value, (type, types.FunctionType)) or value == fresh[name]:
            continue
        old = vars(loaded)[name]
        for module in list(sys.modules.values()):
            if getattr(module, "__dict__", {}).get(name) is old:
                setattr(module, name, value)


def forget_results() -> None:
    """Empty the caches of functions."""
    for name, module in list(sys.modules.items()):
        if name.startswith(PACKAGE + "."):
            for value in vars(module).values():
                if isinstance(value, functools._lru_cache_wrapper):
                    value.cache_clear()


ARGUMENTS: List[str] = ["-q", "-s", "--assert=plain", "--tb=no", "-p", "no:cacheprovider", "-p", "no:warnings",
                        "--rootdir", str(ROOT), "--deselect", ""]


def main(files: Sequence[str]) -> int:
    """Collect the tests of these files and serve."""
    sys.dont_write_bytecode = True
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.chdir(ROOT)
    jobs, results = os.fdopen(os.dup(0), "r", encoding="utf-8"), os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    ARGUMENTS[-2:] = [part for name in files for part in ("--deselect", "%s::%s" % (name, LEFT_OUT))]
    return int(pytest.main([*ARGUMENTS, *files], plugins=[Settled(), Trials(iter(jobs.readline, ""), results, files)]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
