# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""`make attack`: every attack on this code, and each on a copy of it with its fix taken out.

    .venv/bin/python -m tests.attacks [--document] [NAME...]

On this code none may succeed; on its mutant (mutants.toml) each must. Ends with a line of JSON and exit code 0 or 1.
`--document` writes docs/attacks.md and ends.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, List, Mapping, Sequence

import tomllib

from tests.attacks.attack import HERE, Attack, catalogue

ROOT = HERE.parents[1]
DOCUMENT = ROOT / "docs" / "attacks.md"
_HEAD = """# Attacks

Each row is a test that passes where the attack fails, and fails on a copy of the code with the fix taken out
(`tests/attacks/mutants.toml`). `make attack` runs both. `make test` carries the first half, except the slow ones.
The rows A1 to A18 are those of the threat model.

| row | who -> what | how | test |
|---|---|---|---|
"""


def document(attacks: Sequence[Attack]) -> str:
    """The table of all attacks."""
    rows = ["| %s | %s | %s | `%s` |" % (each.row, each.who, each.what, each.test.split("::")[1]) for each in attacks]
    return _HEAD + "\n".join(rows) + "\n\n%d attacks. None succeeds.\n" % len(attacks)


def mutants() -> Dict[str, List[Dict[str, str]]]:
    """The changes that take the fix of each attack out, by the name of its test."""
    found: Mapping[str, Any] = tomllib.loads((HERE / "mutants.toml").read_text("utf-8"))
    return {name: each.get("change", [each]) for name, each in found.items()}


def tried(tests: Sequence[str], top: Path) -> int:
    """Run tests in a tree; pytest's exit code."""
    options = ["-q", "--tb=short", "-p", "no:cacheprovider", "-m", "slow or not slow"]
    argv = [sys.executable, "-m", "pytest", *options, *tests]
    done = subprocess.run(argv, cwd=top, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if top == ROOT and done.returncode:
        print(done.stdout.decode("utf-8", "replace")[-6000:])
    return done.returncode


def copy(top: Path) -> None:
    """The files of the tree that git knows, or would take."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, stdout=subprocess.PIPE,
                            check=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        source, target = ROOT / name, top / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_symlink():
            target.symlink_to(source.readlink())
        elif source.exists():
            shutil.copy2(source, target)


def on_mutant(each: Attack, changes: Sequence[Mapping[str, str]], top: Path) -> str:
    """What is wrong with a mutant; empty: the attack succeeds on it, as it should."""
    before = {change["file"]: (top / change["file"]).read_text("utf-8") for change in changes}
    try:
        for change in changes:
            path = top / change["file"]
            text = path.read_text("utf-8")
            if change["before"] not in text:
                return "%s has changed: what the mutant takes out is not there" % change["file"]
            path.write_text(text.replace(change["before"], change["after"]), "utf-8")
        code = tried([each.test], top)
        return "" if code == 1 else "the attack does not succeed without the fix (pytest: %d)" % code
    finally:
        for name, text in before.items():
            (top / name).write_text(text, "utf-8")


def main(arguments: List[str]) -> int:
    """Try them; 0 when none succeeds here, and each on its mutant."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--document", action="store_true")
    parser.add_argument("names", nargs="*", metavar="NAME")
    given = parser.parse_args(arguments)
    attacks, changes, began = catalogue(), mutants(), time.monotonic()
    if given.document:
        DOCUMENT.write_text(document(attacks), "utf-8")
        return 0
    chosen = [each for each in attacks if not given.names or each.test.split("::")[1] in given.names]
    succeed = tried([each.test for each in chosen], ROOT) if chosen else 2
    wrong: Dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        copy(top)
        for number, each in enumerate(chosen, 1):
            name = each.test.split("::")[1]
            said = on_mutant(each, changes[name], top) if name in changes else "it has no mutant"
            wrong.update({name: said} if said else {})
            print("%3d of %d  %-5s %s%s" % (number, len(chosen), each.row, name, said and ": " + said), flush=True)
    ok = not succeed and not wrong
    print(json.dumps({"name": "attack", "ok": ok, "attacks": len(chosen), "succeed": 0 if not succeed else "see above",
                      "mutants_wrong": wrong, "seconds": round(time.monotonic() - began)}))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
