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
from typing import Any, Dict, List, Mapping, Optional, Sequence

_STATE = r"/(etc|var/lib|var/cache)/oqs-ssh"
_PATH = r"(?!.*/\.{1,2}(/|$))/[^\0-\x1f\x7f]+"
_PACKAGE = r"[A-Za-z0-9][A-Za-z0-9+._-]{0,127}"
#: What may be in a ledger: kind -> what a name may look like. Whatever else stands there was not written by this
#: collection. A new place on the host is a line here; everything that a name leads to is compared with the host before
#: it is touched.
KINDS = {
    "folder": (
        _STATE + r"(/.*)?|/etc/(nftables\.d|docker|containerd|cni)|/var/lib/(docker|containerd)|/opt/containerd"
        r"|/root/\.docker|/run/(docker|containerd)"
    ),
    "file": (
        _STATE + r"/.+|/etc/docker/daemon\.json|/etc/nftables\.conf|/etc/nftables\.d/oqs-ssh\.nft"
        r"|/etc/firewalld/zones/[^/]+\.xml(\.old)?|/etc/iptables/[^/]+|/etc/sysconfig/ip6?tables|/etc/([^/]+/)*oqs-ssh[^/]*"
    ),
    "line": _PATH,
    "keys_folder": r"[^\0-\x20/:]{1,64}",
    "lockdown": r"/etc/oqs-ssh-lockdown",
    "container": r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}",
    "image": r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,511}",
    "package": _PACKAGE,
    "service": r"(docker|containerd)(\.service|\.socket)?",
    "group": r"docker",
    "nftables": r"port \d{1,5}",
    "ufw": r"port \d{1,5}",
    "firewalld": r"zone [^\0-\x1f/]{1,64}",
    "iptables": r"port \d{1,5}, IPv[46]( \(legacy\))?",
}

VERSION = 1


class LedgerError(Exception):
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
    if not may_be(kind, name):
        raise LedgerError("the ledger takes no %s of this name: %r (KINDS in ledger.py)" % (kind, name[:80]))
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
        raise LedgerError(_FOREIGN % (str(rows[0].get("machine"))[:8], machine_id[:8]))
    for number, row in enumerate(rows[1:], 2):
        if row.get("kind") not in KINDS or not isinstance(row.get("name"), str):
            raise LedgerError("line %d of the ledger is of no known kind" % number + _TAMPERED)
        words = [row.get("before"), row.get("after")]
        if not may_be(row["kind"], row["name"]) or not all(each is None or isinstance(each, str) for each in words):
            raise LedgerError(
                "line %d of the ledger names a %s that is none of ours" % (number, row["kind"]) + _TAMPERED
            )
    return rows[1:]


def may_be(kind: str, name: str) -> bool:
    """Whether this collection would write down a thing of this kind under this name."""
    return bool(re.fullmatch(KINDS[kind], name)) and not re.search(r"(^|/)\.\.(/|$)|[\0\n]", name)


def is_cut(data: bytes) -> bool:
    """Whether the end of a ledger is missing: every line of ours ends, and the file is replaced as a whole."""
    return bool(data) and not data.endswith(b"\n")


def first_before(entries: Sequence[Mapping[str, Any]], kind: str, name: str) -> Optional[Mapping[str, Any]]:
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
