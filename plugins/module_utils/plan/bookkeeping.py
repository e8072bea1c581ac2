# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ledger on the host: written before each change, read when something is to be taken back."""

from __future__ import annotations

import contextlib
import grp
import os
import time
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import digests, file_modes, files, machine, paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import CommandError, run
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan import ledger

#: The packages of the host before ours were installed; kept until the difference is written down.
_BEFORE = paths.LEDGER_DIR + "/packages-before"
#: What comes into being with an engine that packages bring, and does not go with them.
ENGINE_FOLDERS = (
    "/etc/docker", "/etc/containerd", "/etc/cni", "/opt/containerd", "/var/lib/docker", "/var/lib/containerd",
    "/root/.docker", "/run/docker", "/run/containerd",
)
ENGINE_GROUP = "docker"
#: How the ledger calls packages that came along with those that were asked for.
ALONG = "installed, came along"
_closed: List[bool] = []


def entries() -> List[Dict[str, Any]]:
    """What is written down so far.

    :raises LedgerError: damaged, or of another machine.
    """
    return ledger.parse(files.read_file(paths.LEDGER) or b"", machine.machine_id())


@contextlib.contextmanager
def closed() -> Iterator[None]:
    """While a host is given back, nothing new is written down: what was there is known, and the ledger goes last."""
    _closed.append(True)
    try:
        yield
    finally:
        _closed.pop()


def is_cut() -> bool:
    """Whether the end of the ledger is missing."""
    return ledger.is_cut(files.read_file(paths.LEDGER) or b"")


def kept(name: str) -> Optional[bytes]:
    """What was in a file before this collection came, by its hash; None where there is no such copy."""
    return files.read_file("%s/%s" % (paths.LEDGER_DIR, name)) if name.isalnum() else None


def record(kind: str, name: str, before: Optional[str], after: Optional[str]) -> None:
    """Write down a change before it is made.

    :raises LedgerError: the ledger cannot be trusted; nothing is written, so nothing must be changed.
    """
    if _closed:
        return
    _folders()
    data = files.read_file(paths.LEDGER) or b""
    ledger.parse(data, machine.machine_id())
    data = data[: data.rfind(b"\n") + 1] or ledger.head(machine.machine_id())
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    files.write_file(paths.LEDGER, data + ledger.entry(kind, name, before, after, when), 0o600)


def write(path: str, data: bytes, mode: int, uid: int = 0, gid: int = 0, root: str = "/") -> None:
    """Write a file; what was there is kept beside the ledger."""
    record("file", path, keep(path, root), digests.digest(data))
    files.write_file(path, data, mode, uid, gid, root=root)


def keep(path: str, root: str = "/") -> Optional[str]:
    """Keep a copy of a file beside the ledger; its hash, or None where there is no file."""
    before = files.read_file(path, root=root)
    if before is None:
        return None
    copy = "%s/%s" % (paths.LEDGER_DIR, digests.digest(before))
    if not _closed and files.stat_file(copy) is None:
        _folders()
        files.write_file(copy, before, 0o600)
    return digests.digest(before)


def make_dir(path: str, mode: int) -> None:
    """Make a folder of root's where there is none."""
    if files.stat_file(path) is None:
        record("folder", path, None, "%o 0:0" % mode)
        files.make_dir(path, mode)


def before_packages(names: List[str]) -> None:
    """Packages are about to be installed: remember which were there, and what of theirs would outlive them."""
    for name in names:
        record("package", name, None, "installed")
    if files.stat_file(_BEFORE) is not None:
        return  # a run was cut short meanwhile: what it found still counts
    for path in ENGINE_FOLDERS:
        found = files.stat_file(path)
        if found is None:
            record("folder", path, None, "of the engine")
        elif not os.listdir(path):
            record("folder", path, file_modes.words(found), "of the engine")
    if not has_group(ENGINE_GROUP):
        record("group", ENGINE_GROUP, None, "of the packages")
    files.write_file(_BEFORE, "\n".join(_installed()).encode(), 0o600)


def before_service(name: str) -> None:
    """A service is about to be started and enabled: remember what its units were."""
    for unit in (name + ".service", name + ".socket"):
        with contextlib.suppress(CommandError):
            said = run(["systemctl", "show", "--property=ActiveState,UnitFileState", "--value", unit], timeout=10.0)
            record("service", unit, " ".join(said.text.split()), "active enabled")


def has_group(name: str) -> bool:
    """Whether the host has such a group."""
    try:
        grp.getgrnam(name)
    except KeyError:
        return False
    return True


def after_packages() -> None:
    """Packages have been installed: write down those that came along."""
    for name in came_along(entries()):
        record("package", name, None, ALONG)
    if not _closed:
        files.remove_file(_BEFORE)


def came_along(rows: Sequence[Mapping[str, Any]]) -> List[str]:
    """Packages that came with ours and are not written down yet."""
    data = files.read_file(_BEFORE)
    if data is None:
        return []
    known = set(data.decode("utf-8", "replace").splitlines())
    known.update(row["name"] for row in rows if row["kind"] == "package")
    return [name for name in _installed() if name not in known]


def _installed() -> List[str]:
    for argv in (["dpkg-query", "-W", "-f", "${Package}\n"], ["rpm", "-qa", "--queryformat", "%{NAME}\n"]):
        with contextlib.suppress(CommandError):
            return sorted(set(run(argv).text.splitlines()))
    return []  # another package manager: its packages are named, what they pull in is not


def _folders() -> None:
    files.make_dir(paths.VAR_DIR, 0o700)
    files.make_dir(paths.LEDGER_DIR, 0o700)
