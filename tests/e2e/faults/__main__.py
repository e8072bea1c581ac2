# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The table of faults: ``python -m tests.e2e.faults [--write | NAME…]``. Its last line is JSON.

It ends with 0 when every promise held. Only a run of all cases is written into the documentation.
"""

from __future__ import annotations

import json
import sys
import time
from typing import List, Tuple

from tests.e2e.faults import cases
from tests.e2e.faults.harness import SETTING, Case, World, attempt
from tests.e2e.library.scenario import ROOT, running

PAGE = ROOT / "docs" / "faults.md"
HEAD = """# What was broken on purpose

Made by `make faults WRITE=1`. Each fault is done to a real deployed host; then somebody outside logs in, the host keys,
the password and an operator's own line must be what they were, and the next run must end well.

Memory limits and the clock belong to the machine that carries the test hosts, so two faults are done by their effect:
the kill of all processes of the container, and files from another time. `make test` runs those marked *always*.

| fault | what is done | promise | what the user sees | result | runs |
|---|---|---|---|---|---|
"""


def cell(text: str) -> str:
    """Text for a cell of the table."""
    for char, shown in (("&", "&amp;"), ("<", "&lt;"), ("|", "\\|"), ("*", "\\*"), ("_", "\\_"), ("`", "\\`")):
        text = text.replace(char, shown)
    return text


def page(rows: List[Tuple[Case, bool, str]]) -> str:
    """The content of docs/faults.md."""
    lines = []
    for one, good, said in rows:
        words = (one.name, one.done, one.threatens, said, "held" if good else "BROKEN", "make test-all" if one.slow
                 else "always")
        lines.append("| %s |" % " | ".join(cell(word) for word in words))
    return HEAD + "\n".join(lines) + "\n"


def main(arguments: List[str]) -> int:
    """Run the cases (those whose names begin so, or all) on one host, and print the table as it grows."""
    names = [word for word in arguments if word != "--write"]
    if names and "--write" in arguments:
        print("--write is for all cases: take the names out", file=sys.stderr)
        return 2
    chosen = [one for one in cases.every() if not names or one.name.startswith(tuple(names))]
    rows: List[Tuple[Case, bool, str]] = []
    began = time.monotonic()
    with running(SETTING) as scenario:
        world = World(scenario)
        for one in chosen:
            started = time.monotonic()
            good, said = attempt(world, one)
            rows.append((one, good, said))
            print("%-6s %-45s %4d s  %s" % ("held" if good else "BROKEN", one.name, time.monotonic() - started, said),
                  flush=True)
    if "--write" in arguments:
        PAGE.write_text(page(rows), encoding="utf-8")
    broken = [one.name for one, good, _said in rows if not good]
    print(json.dumps({"name": "faults", "ok": bool(rows) and not broken, "cases": len(rows), "broken": broken,
                      "seconds": round(time.monotonic() - began)}))
    return 0 if rows and not broken else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
