# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mode and owner of what lies at a path."""

from __future__ import annotations

import os
import re
from typing import NamedTuple, Optional

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.describe import ABSENT

_WORDS = re.compile(r"([0-7]{1,4}) ([0-9]{1,10}):([0-9]{1,10})")


class Ownership(NamedTuple):
    """Mode, user and group; as text ``644 0:0``, as plans show it and the ledger keeps it."""

    mode: int
    uid: int = 0
    gid: int = 0

    def __str__(self) -> str:
        return "%o %d:%d" % self


def found(status: os.stat_result) -> Ownership:
    """What stat(2) said."""
    return Ownership(status.st_mode & 0o7777, status.st_uid, status.st_gid)


def parse(text: Optional[str]) -> Optional[Ownership]:
    """What the ledger keeps; None where that is something else."""
    match = _WORDS.fullmatch(text or "")
    return Ownership(int(match.group(1), 8), int(match.group(2)), int(match.group(3))) if match else None


def of(path: str, root: str = "/") -> Optional[Ownership]:
    """What lies at a path; None where nothing does.

    :raises UnsafePath: a folder on the way is a link or no folder.
    """
    status = files.stat_file(path, root=root)
    return found(status) if status else None


def words(ownership: Optional[Ownership]) -> str:
    """For a plan: ``644 0:0``, or ``absent``."""
    return ABSENT if ownership is None else str(ownership)


def wrong(path: str, wanted: Ownership) -> str:
    """``mode 644 0:0``, where a file is there with another mode or owner than it should have."""
    there = of(path)
    return "" if there in (None, wanted) else "mode " + str(there)
