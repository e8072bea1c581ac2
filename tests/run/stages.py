# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The stages of `make test`: what each runs, and how to count what it ran. A new stage is a line in STAGES."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Callable, List, NamedTuple, Sequence

ROOT = Path(__file__).resolve().parent.parent.parent
PYTHON = ".venv/bin/python"


class Counts(NamedTuple):
    """How many tests ended how."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def plus(self, other: Counts) -> Counts:
        """The sum of two."""
        return Counts(*(one + two for one, two in zip(self, other)))


class Step(NamedTuple):
    """One command of a stage."""

    argv: List[str]
    report: Path  # where pytest writes its JUnit report


Counter = Callable[[Step, int, str], Counts]
Names = Callable[[Step, str], List[str]]


class Stage(NamedTuple):
    """A stage: a name, the commands for it (none: there is nothing to run yet), and how to read what they say."""

    name: str
    minutes: float
    steps: Callable[[Path, Sequence[str]], List[Step]]  # of all its tests, or only of those named
    tally: Counter
    failed: Names  # what failed, by names that `steps` takes


def _pytest(folder: str, *options: str) -> Callable[[Path, Sequence[str]], List[Step]]:
    def steps(output: Path, only: Sequence[str]) -> List[Step]:
        if not any((ROOT / folder).rglob("test_*.py")):
            return []
        report = output / (folder.replace("/", "-") + ".xml")
        argv = [PYTHON, "-m", "pytest", "-q", "--tb=short", "--color=no", "-p", "no:cacheprovider",
                "--junitxml=%s" % report, *options, *(only or [folder])]
        return [Step(argv, report)]

    return steps


def count_pytest(step: Step, code: int, _said: str) -> Counts:
    """Read pytest's own report; a run that left none (or broke before its end) is one failure."""
    try:
        suites = list(ET.parse(step.report).getroot().iter("testsuite"))
    except (OSError, ET.ParseError):
        return Counts(0, 0 if code == 5 else 1, 0)  # 5: no test was chosen
    total = Counts()
    for suite in suites:
        number = {key: int(suite.get(key) or 0) for key in ("tests", "failures", "errors", "skipped")}
        failed = number["failures"] + number["errors"]
        total = total.plus(Counts(max(0, number["tests"] - failed - number["skipped"]), failed, number["skipped"]))
    if code not in (0, 5) and not total.failed:
        total = total.plus(Counts(0, 1, 0))
    return total


def failed_pytest(_step: Step, said: str) -> List[str]:
    """The failed tests, as pytest's summary names them."""
    return re.findall(r"(?m)^(?:FAILED|ERROR) (\S+\.py\S*?(?:\[.*?\])?)(?= - |$)", said)


def _lint(output: Path, only: Sequence[str]) -> List[Step]:
    there = (ROOT / "tests/lint/__main__.py").exists()
    return [Step([PYTHON, "-m", "tests.lint", *only], output / "none")] if there else []


def count_lint(_step: Step, code: int, said: str) -> Counts:
    """One test a gate; they print a line each."""
    passed, failed = (len(re.findall(r"(?m)^%s +\S+ +\d+\.\d s" % word, said)) for word in ("ok", "FAIL"))
    return Counts(passed, max(failed, 1) if code else failed)


def failed_lint(_step: Step, said: str) -> List[str]:
    """The closed gates."""
    return re.findall(r"(?m)^FAIL +(\S+) +\d+\.\d s", said)


def _fuzz(output: Path, _only: Sequence[str]) -> List[Step]:
    there = (ROOT / "tests/fuzz/__main__.py").exists()
    # A taste of `make fuzz`, so that the fuzzer itself stays whole.
    argv = [PYTHON, "-m", "tests.fuzz", "--pure", "2000", "--differential", "100"]
    return [Step(argv, output / "none")] if there else []


def _corpus(output: Path, only: Sequence[str]) -> List[Step]:
    there = (ROOT / "tests/corpus/__main__.py").exists()
    return [Step([PYTHON, "-m", "tests.corpus", *only], output / "none")] if there else []


def failed_corpus(_step: Step, said: str) -> List[str]:
    """The files that are not read as they should be."""
    return sorted(set(re.findall(r"(?m)^(?:rulesets|\w+_configs|authorized_keys|greetings|shells) +(\S+) ", said)))


def count_command(_step: Step, code: int, _said: str) -> Counts:
    """One test a command; its exit code counts."""
    return Counts(0, 1) if code else Counts(1)


def no_names(_step: Step, _said: str) -> List[str]:
    """It can only be run as a whole."""
    return []


def _molecule(output: Path, only: Sequence[str]) -> List[Step]:
    scenarios = only or sorted(path.parent.name for path in (ROOT / "molecule").glob("*/molecule.yml"))
    marks = "PYTEST_ADDOPTS=-m 'not slow'"  # what tests a scenario has, its own pytest decides
    argv = ["env", marks, ".venv/bin/molecule", "test", "--scenario-name"]
    return [Step([*argv, name], output / "none") for name in scenarios]


def last_word(step: Step, _said: str) -> List[str]:
    """The scenario (it stands last on its command line)."""
    return [step.argv[-1]]


def with_slow(stage: Stage) -> Stage:
    """The same stage with the tests that take long, and time for them."""
    def steps(output: Path, only: Sequence[str]) -> List[Step]:
        return [
            step._replace(argv=[word.replace("not slow", "slow or not slow") for word in step.argv])
            for step in stage.steps(output, only)
        ]

    return stage._replace(steps=steps, minutes=stage.minutes * 8)


# Two run side by side, in this order: the quick ones tell first, the long one is not left for the end.
STAGES: Sequence[Stage] = (
    Stage("unit", 10, _pytest("tests/unit", "-n2", "-m", "not slow"), count_pytest, failed_pytest),
    Stage("attacks", 5, _pytest("tests/attacks", "-m", "not slow"), count_pytest, failed_pytest),
    Stage("molecule", 55, _molecule, count_command, last_word),
    Stage("lint", 20, _lint, count_lint, failed_lint),
    Stage("e2e", 70, _pytest("tests/e2e", "-m", "not slow"), count_pytest, failed_pytest),
    Stage("integration", 45, _pytest("tests/integration", "-m", "not slow"), count_pytest, failed_pytest),
    Stage("lab", 10, _pytest("tests/lab"), count_pytest, failed_pytest),
    Stage("conformance", 20, _pytest("tests/conformance"), count_pytest, failed_pytest),
    Stage("fuzz", 10, _fuzz, count_command, no_names),
    Stage("corpus", 10, _corpus, count_command, failed_corpus),
)
