# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run the gates: ``python3 -m tests.lint [GATE…]``."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path


def start() -> int:
    """Leave no compiled files in the tree, then run."""
    sys.dont_write_bytecode = True
    shutil.rmtree(Path(__file__).parent / "__pycache__", ignore_errors=True)  # Python made it for this very file
    from tests.lint.gates import table

    return table.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(start())
