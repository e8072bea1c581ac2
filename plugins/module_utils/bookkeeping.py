# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ledger on the host: written before each change, read when something is to be taken back."""

from __future__ import annotations

import time
from typing import Any, Dict, List, Optional

from ansible_collections.quantumsafe.openssh.plugins.module_utils import desired, files, ledger
from ansible_collections.quantumsafe.openssh.plugins.module_utils.commands import CommandError, run
from ansible_collections.quantumsafe.openssh.plugins.module_utils.look import LEDGER_DIR, VAR_DIR, machine_id

LEDGER = LEDGER_DIR + "/ledger.jsonl"
#: The packages of the host before ours were installed; kept until the difference is written down.
_BEFORE = LEDGER_DIR + "/packages-before"


def entries() -> List[Dict[str, Any]]:
    """What is written down so far.

    :raises LedgerError: damaged, or of another machine.
    """
    return ledger.parse(files.read_file(LEDGER) or b"", machine_id())


def record(kind: str, name: str, before: Optional[str], after: Optional[str]) -> None:
    """Write down a change before it is made.

    :raises LedgerError: the ledger cannot be trusted; nothing is written, so nothing must be changed.
    """
    _folders()
    data = files.read_file(LEDGER) or b""
    ledger.parse(data, machine_id())
    data = data[: data.rfind(b"\n") + 1] or ledger.head(machine_id())
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    files.write_file(LEDGER, data + ledger.entry(kind, name, before, after, when), 0o600)


def write(path: str, data: bytes, mode: int, uid: int = 0, gid: int = 0, root: str = "/") -> None:
    """Write a file; what was there is kept beside the ledger."""
    before = files.read_file(path, root=root)
    kept = None
    if before is not None:
        kept = desired.digest(before)
        copy = "%s/%s" % (LEDGER_DIR, kept)
        if files.stat_file(copy) is None:
            _folders()
            files.write_file(copy, before, 0o600)
    record("file", path, kept, desired.digest(data))
    files.write_file(path, data, mode, uid, gid, root=root)


def before_packages(names: List[str]) -> None:
    """Packages are about to be installed: remember which were there."""
    for name in names:
        record("package", name, None, "installed")
    files.write_file(_BEFORE, "\n".join(_installed()).encode(), 0o600)


def after_packages() -> None:
    """Packages have been installed: write down those that came along."""
    data = files.read_file(_BEFORE)
    if data is None:
        return
    known = set(data.decode("utf-8", "replace").splitlines())
    known.update(row["name"] for row in entries() if row["kind"] == "package")
    for name in _installed():
        if name not in known:
            record("package", name, None, "installed")
    files.remove_file(_BEFORE)


def _installed() -> List[str]:
    try:
        return sorted(set(run(["dpkg-query", "-W", "-f", "${Package}\n"]).text.splitlines()))
    except CommandError:
        return []  # a distribution without dpkg: its packages are named, what they pull in is not


def _folders() -> None:
    files.make_dir(VAR_DIR, 0o700)
    files.make_dir(LEDGER_DIR, 0o700)
