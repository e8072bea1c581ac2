# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the ledger says of the way back: which things are named in it, what they were, and whether somebody else has
changed them since. Pure."""

from __future__ import annotations

from typing import Any, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import digests, paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import firewalld
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan import ledger

Row = Mapping[str, Any]
Rows = Sequence[Row]


class Back(NamedTuple):
    """What a file was before this collection came (None: it was not there), and whether it may be made that again."""

    before: Optional[bytes]
    untouched: bool


def names(rows: Rows, kind: str) -> List[str]:
    """Everything of a kind that the ledger names, in its order."""
    return list(dict.fromkeys(row["name"] for row in rows if row["kind"] == kind))


def named(rows: Rows, kind: str, after: str) -> List[str]:
    """The same, as far as this stands behind it."""
    return list(dict.fromkeys(row["name"] for row in rows if row["kind"] == kind and row["after"] == after))


def was(rows: Rows, kind: str, name: str) -> Optional[str]:
    """What a thing was before this collection came; None: it was not there, or is not in the ledger."""
    row = ledger.first_before(rows, kind, name)
    return row["before"] if row else None


def users(rows: Rows) -> List[str]:
    """Accounts that had our line once."""
    return list(dict.fromkeys(row["after"] for row in rows if row["kind"] == "line" and row["after"]))


def images(rows: Rows) -> List[str]:
    """Names and ids of images that were brought."""
    pairs = [(row["name"], row["after"]) for row in rows if row["kind"] == "image"]
    return list(dict.fromkeys(name for pair in pairs for name in pair if name and ledger.may_be("image", name)))


def is_state(path: str) -> bool:
    """Whether it lies in the folders of the state, which go as a whole."""
    folders = (paths.STATE_DIR, paths.VAR_DIR, paths.PARTS_DIR)
    return any(path == each or path.startswith(each + "/") for each in folders)


def is_zone(path: str) -> bool:
    """Whether it is a file that firewalld writes by itself."""
    return path.startswith(firewalld.ZONE_DIRS[0] + "/")


def file_back(rows: Rows, path: str, now: Optional[bytes], kept: Mapping[str, Optional[bytes]]) -> Back:
    """What a file was. It is untouched when each of our writes began with what the one before had left, and what is
    there now is what the last one left.

    :param now: its content; None: it is not there.
    :param kept: copies that lie beside the ledger, by their hash.
    """
    mine = [row for row in rows if row["kind"] == "file" and row["name"] == path]
    if not mine:
        return Back(now, False)
    states = [value for row in mine for value in (row["before"], row["after"])][1:]
    states.append(None if now is None else digests.digest(now))
    untouched = all(one == other for one, other in zip(states[::2], states[1::2]))
    first = mine[0]["before"]
    before = kept.get(first) if first else None
    return Back(before, untouched and (not first or before is not None))


def zone_back(rows: Rows, path: str, found: Row, kept: Mapping[str, Optional[bytes]]) -> Tuple[bool, Optional[bytes]]:
    """Whether a file of firewalld's may be made what it was, and what that is (None: it goes).

    firewalld writes a zone anew with every change, in its own form, so that what it says counts.

    :param found: ``data`` and, for the file of a zone that comes with firewalld, ``default``.
    """
    first = was(rows, "file", path)
    before = kept.get(first) if first else None
    if found["data"] is None or (first and before is None):
        return False, None
    if path.endswith(".old"):
        return found["data"] != before, before
    reference = before if before is not None else found["default"]
    same = reference is not None and firewalld.same_zone(found["data"], reference)
    return same and found["data"] != before, before


def aside(taken: Sequence[str]) -> str:
    """A free path for keys that are kept.

    :param taken: paths that are in use.
    """
    number = 1
    path = paths.ASIDE
    while path in taken:
        number += 1
        path = "%s-%d" % (paths.ASIDE, number)
    return path
