# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ledger: every change to a host, written down before it is made, so that it can be taken back exactly.

One JSON object a line (JSON Lines); the first line binds the file to the machine. It is data, never code: known kinds
only, and whoever takes a change back compares the present value first. A last line cut off by a crash is dropped: the
act it announced had not begun.
"""

from __future__ import annotations

import json
from typing import Any, Dict, List, Optional

#: What may be in a ledger: kind -> what its name is.
KINDS = {
    "folder": "path of a folder that was made",
    "file": "path of a file that was written",
    "line": "path of somebody's file, and the line that was put into it",
    "container": "name of a container",
    "image": "id of an image that was brought",
    "package": "name of a package that was installed",
    "service": "name of a service whose setting was changed",
    "nftables": "port of our rules",
    "ufw": "port of our rules",
    "firewalld": "zone of our rules",
    "iptables": "program and port of our rules",
}

VERSION = 1


class LedgerError(Exception):
    """The ledger cannot be trusted; the text says what is wrong with it and what to do."""


def head(machine_id: str) -> bytes:
    """The first line of a new ledger."""
    return _line({"ledger": VERSION, "machine": machine_id})


def entry(kind: str, name: str, before: Optional[str], after: Optional[str], when: str) -> bytes:
    """One line.

    :param kind: one of ``KINDS``.
    :param before: the value found, in the words of its kind; None: there was nothing.
    :param after: the value about to be set; None: the thing is taken away.
    :param when: UTC, as in RFC 3339.
    :raises LedgerError: unknown kind.
    """
    if kind not in KINDS:
        raise LedgerError("the ledger knows no kind %r" % kind)
    return _line({"kind": kind, "name": name, "before": before, "after": after, "when": when})


def parse(data: bytes, machine_id: str) -> List[Dict[str, Any]]:
    """The entries of a ledger.

    :param machine_id: of the host at hand (machine-id(5)); a ledger of another machine is refused.
    :raises LedgerError: not a ledger, of another machine, or a damaged line before the last.
    """
    if not data:
        return []
    lines = data.split(b"\n")
    complete, rest = lines[:-1], lines[-1]  # what no newline ends was cut off while it was written
    if not complete and head(machine_id).startswith(rest):
        return []
    rows = [_row(number, line) for number, line in enumerate(complete, 1)]
    if not rows or rows[0].get("ledger") != VERSION:
        raise LedgerError("the ledger does not begin as one of version %d does" % VERSION)
    if rows[0].get("machine") != machine_id:
        raise LedgerError(
            "the ledger belongs to another machine (cloned, or restored from a backup?): move it away to begin anew"
        )
    for number, row in enumerate(rows[1:], 2):
        if row.get("kind") not in KINDS or not isinstance(row.get("name"), str):
            raise LedgerError("line %d of the ledger is of no known kind" % number)
    return rows[1:]


def first_before(entries: List[Dict[str, Any]], kind: str, name: str) -> Optional[Dict[str, Any]]:
    """The oldest entry of a thing: what was there before this collection came."""
    for row in entries:
        if row["kind"] == kind and row["name"] == name:
            return row
    return None


def _line(row: Dict[str, Any]) -> bytes:
    return json.dumps(row, sort_keys=True).encode("ascii") + b"\n"


def _row(number: int, line: bytes) -> Dict[str, Any]:
    try:
        row = json.loads(line.decode("ascii"))
    except ValueError as error:
        raise LedgerError("line %d of the ledger is damaged" % number) from error
    if not isinstance(row, dict):
        raise LedgerError("line %d of the ledger is damaged" % number)
    return row
