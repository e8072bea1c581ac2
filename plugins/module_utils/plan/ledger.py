# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ledger: every change to a host, written down before it is made, so that it can be taken back exactly.

One JSON object a line (JSON Lines); the first line binds the file to the machine. It is data, never code: known kinds
only, and whoever takes a change back compares the present value first. A last line cut off by a crash is dropped: the
act it announced had not begun.

Pure.
"""

from __future__ import annotations

import json
import re
from typing import Any, Dict, List, Mapping, NamedTuple, Optional

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import machine
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import UserError

#: Kind to what a name of it may look like; whatever else stands in a ledger was not written by this collection. Each
#: resource has its own; everything that a name leads to is compared with the host before it is touched.
Kinds = Mapping[str, str]

VERSION = 1


class LedgerError(UserError):
    """The ledger cannot be trusted; the text says what is wrong with it and what to do."""


_TAMPERED = (
    "; somebody else wrote into /var/lib/oqs-ssh/ledger/ledger.jsonl: look at that line, put back a good copy, or take "
    "the line out"
)
_FOREIGN = (
    "the ledger belongs to another machine (machine-id %s…, this host is %s…): a clone, or a backup of another host, "
    "whose host keys and password lie here, too. To begin anew: docker rm -f oqs-ssh, and move /etc/oqs-ssh and "
    "/var/lib/oqs-ssh away. If all of it is true of this host, write its machine-id into the first line of "
    "/var/lib/oqs-ssh/ledger/ledger.jsonl"
)


def head(machine_id: str) -> bytes:
    """The first line of a new ledger."""
    return _line({"ledger": VERSION, "machine": machine_id})


class Row(NamedTuple):
    """What a line says."""

    kind: str
    name: str
    before: Optional[str] = None
    after: Optional[str] = None
    when: str = ""


def entry(kinds: Kinds, row: Row) -> bytes:
    """One line.

    ``before`` is the value found, in the words of its kind, None where there was nothing; ``after`` the value about to
    be set, None where the thing is taken away; ``when`` is UTC, as in RFC 3339.

    :raises LedgerError: unknown kind.
    """
    if row.kind not in kinds:
        raise LedgerError("the ledger knows no kind %r" % row.kind)
    if not may_be(kinds, row.kind, row.name):
        raise LedgerError("the ledger takes no %s of this name: %r (no resource has it)" % (row.kind, row.name[:80]))
    return _line(dict(row._asdict()))


def parse(kinds: Kinds, data: bytes, machine_id: str) -> List[Row]:
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
    rows = [_json(number, line) for number, line in enumerate(complete, 1)]
    if not rows or rows[0].get("ledger") != VERSION:
        raise LedgerError("the ledger does not begin as one of version %d does" % VERSION)
    if not rows[0].get("machine"):
        pass  # of a host that had no machine-id yet, by an earlier version: it is nobody else's
    elif not machine_id:
        raise LedgerError(machine.NO_ID)
    elif rows[0].get("machine") != machine_id:
        raise LedgerError(_FOREIGN % (str(rows[0].get("machine"))[:8], machine_id[:8]))
    return [_row(kinds, number, row) for number, row in enumerate(rows[1:], 2)]


def _row(kinds: Kinds, number: int, row: Mapping[str, object]) -> Row:
    kind, name, before, after = (row.get(field) for field in ("kind", "name", "before", "after"))
    if not isinstance(kind, str) or kind not in kinds or not isinstance(name, str):
        raise LedgerError("line %d of the ledger is of no known kind" % number + _TAMPERED)
    if not may_be(kinds, kind, name) or not (_is_text(before) and _is_text(after)):
        raise LedgerError("line %d of the ledger names a %s that is none of ours" % (number, kind) + _TAMPERED)
    return Row(kind, name, None if before is None else str(before), None if after is None else str(after),
               str(row.get("when", "")))


def _is_text(value: object) -> bool:
    return value is None or isinstance(value, str)


def may_be(kinds: Kinds, kind: str, name: str) -> bool:
    """Whether this collection would write down a thing of this kind under this name."""
    return bool(re.fullmatch(kinds[kind], name)) and not re.search(r"(^|/)\.\.(/|$)|[\0\n]", name)


def is_cut(data: bytes) -> bool:
    """Whether the end of a ledger is missing: every line of ours ends, and the file is replaced as a whole."""
    return bool(data) and not data.endswith(b"\n")


def _line(row: Dict[str, Any]) -> bytes:
    return json.dumps(row, sort_keys=True).encode("ascii") + b"\n"


def _json(number: int, line: bytes) -> Dict[str, Any]:
    try:
        row = json.loads(line.decode("ascii"))
    except ValueError as error:
        raise LedgerError("line %d of the ledger is damaged" % number) from error
    if not isinstance(row, dict):
        raise LedgerError("line %d of the ledger is damaged" % number)
    return row
