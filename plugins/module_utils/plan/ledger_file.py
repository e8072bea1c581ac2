# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ledger on the host: written before each change, read when something is to be taken back."""

from __future__ import annotations

import time
from typing import List, NamedTuple, Optional

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import (
    digests,
    file_modes,
    files,
    machine,
    paths,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan import ledger
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.ledger import Kinds, LedgerError, Row


class Written(NamedTuple):
    """What a ledger says: its entries; whether its end is cut off; and why it cannot be trusted (empty: it can)."""

    rows: List[Row]
    cut: bool = False
    distrust: str = ""


class LedgerFile:
    """The ledger of this host.

    :param kinds: what may stand in it.
    :param closed: nothing more is written down: while a host is given back, what was there is known, and the ledger
        goes last.
    """

    def __init__(self, kinds: Kinds, closed: bool = False) -> None:
        self.kinds = kinds
        self.closed = closed

    def read(self) -> Written:
        """What is written down so far; a ledger that cannot be trusted is no error yet, since a person may only want
        to open a host."""
        data = files.read_file(paths.LEDGER) or b""
        try:
            return Written(ledger.parse(self.kinds, data, machine.machine_id()), ledger.is_cut(data))
        except LedgerError as error:
            return Written([], ledger.is_cut(data), str(error))

    def record(self, kind: str, name: str, before: Optional[str], after: Optional[str]) -> None:
        """Write down a change before it is made.

        :raises LedgerError: the ledger cannot be trusted; nothing is written, so nothing must be changed.
        """
        if self.closed:
            return
        _folders()
        data = files.read_file(paths.LEDGER) or b""
        ledger.parse(self.kinds, data, machine.machine_id())
        data = data[: data.rfind(b"\n") + 1] or ledger.head(machine.machine_id())
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        line = ledger.entry(self.kinds, Row(kind, name, before, after, when))
        files.write_file(paths.LEDGER, data + line, 0o600)

    def write(self, path: str, data: bytes, mode: int, uid: int = 0, gid: int = 0, root: str = "/") -> None:
        """Write a file; what was there is kept beside the ledger."""
        self.record("file", path, self.keep(path, root), digests.digest(data))
        files.write_file(path, data, mode, uid, gid, root=root)

    def remove(self, path: str) -> None:
        """Remove a file; what was in it is kept beside the ledger."""
        self.record("file", path, self.keep(path), None)
        files.remove_file(path)

    def keep(self, path: str, root: str = "/") -> Optional[str]:
        """Keep a copy of a file beside the ledger; its hash, or None where there is no file."""
        before = files.read_file(path, root=root)
        if before is None:
            return None
        copy = "%s/%s" % (paths.LEDGER_DIR, digests.digest(before))
        if not self.closed and files.stat_file(copy) is None:
            _folders()
            files.write_file(copy, before, 0o600)
        return digests.digest(before)

    def make_dir(self, path: str, mode: int) -> None:
        """Make a folder of root's where there is none."""
        if files.stat_file(path) is None:
            self.record("folder", path, None, str(file_modes.Ownership(mode)))
            files.make_dir(path, mode)


def kept(name: str) -> Optional[bytes]:
    """What was in a file before this collection came, by its hash; None where there is no such copy."""
    return files.read_file("%s/%s" % (paths.LEDGER_DIR, name)) if name.isalnum() else None


def _folders() -> None:
    files.make_dir(paths.VAR_DIR, 0o700)
    files.make_dir(paths.LEDGER_DIR, 0o700)
