# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run the tests: ``.venv/bin/python -m tests.run [STAGE…]``."""

from __future__ import annotations

import sys


def start() -> int:
    """Leave no compiled files in the tree, then run."""
    sys.dont_write_bytecode = True
    from tests.run import runner

    return runner.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(start())
