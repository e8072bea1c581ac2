# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All of ``ansible-test sanity`` on each ansible-core: ``python -m tests.lint.matrix [VERSION…]``. Ends with JSON."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Dict, List

sys.dont_write_bytecode = True

from tests.lint.gates import artefact, cores, sanity
from tests.lint.gates.common import GateError, Tree, scratch, snapshot
from tests.lint.gates.table import ROOT


def main(arguments: List[str]) -> int:
    """One line a core; a core that has no Python here is named, and is no failure."""
    ended: Dict[str, str] = {}
    for core in [each for each in cores.CORES if not arguments or each.version in arguments]:
        began = time.monotonic()
        with scratch() as folder:
            made = artefact.build(snapshot(Tree(ROOT), Path(folder)), Path(folder))
            try:
                said = sanity.sanity(artefact.unpack(made, Path(folder, "installed")), core=core)
                ended[core.version] = "ok"
            except sanity.NoPython as error:
                said, ended[core.version] = str(error), "no Python"
            except GateError as error:
                said, ended[core.version] = str(error), "failed"
        seconds = time.monotonic() - began
        print("%-10s %-9s %5.0f s  %s" % (core.version, ended[core.version], seconds, said), flush=True)
    good = "failed" not in ended.values() and "ok" in ended.values()
    print(json.dumps({"name": "matrix", "ok": good, "cores": ended}))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
