# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mode and owner in words, as plans and the ledger have them: ``644 0:0``, mode in octal digits, numbers of user and
group."""

from __future__ import annotations

import os

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files

ABSENT = "absent"


def words(found: os.stat_result) -> str:
    """What stat(2) told."""
    return "%o %d:%d" % (found.st_mode & 0o7777, found.st_uid, found.st_gid)


def of(path: str, root: str = "/") -> str:
    """What lies at path; ``absent`` where nothing does.

    :raises UnsafePath: a folder on the way is a link or no folder.
    """
    found = files.stat_file(path, root=root)
    return words(found) if found else ABSENT


def wrong(path: str, uid: int, mode: int) -> str:
    """``mode 644 0:0``, where a file is there with another mode or owner than it should have."""
    found = of(path)
    return "" if found in (ABSENT, "%o %d:%d" % (mode, uid, uid)) else "mode " + found
