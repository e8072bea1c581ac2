# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The tests, and their programs: ``.venv/bin/python -m tests.run``, started from the top of the checkout.

The checkout is importable as the collection. pytest has that from pyproject.toml; this is for the programs.
"""

from __future__ import annotations

import os
import pathlib
import sys

COLLECTIONS = str(pathlib.Path(__file__).resolve().parents[1] / "collections")
if COLLECTIONS not in sys.path:
    sys.path.append(COLLECTIONS)
os.environ.setdefault("QUANTUMSAFE_OLD_ARCHIVE", "1")  # a mirror may lag; what the tests build, nobody uses
