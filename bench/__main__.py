# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Measure against others: ``.venv/bin/python -m bench --help``."""

from __future__ import annotations

import sys


def start() -> int:
    """Leave no compiled files in the tree, then measure."""
    sys.dont_write_bytecode = True
    from bench import measure

    return measure.main()


if __name__ == "__main__":
    sys.exit(start())
