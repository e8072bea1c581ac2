# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lock of a host: one run at a time changes it, and a look can tell whether it is still true."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from typing import Iterator

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import UserError

#: Seconds to wait for another run on the same host.
PATIENCE = 60.0


class LockError(UserError):
    """Somebody else has been changing this host for too long."""


@contextlib.contextmanager
def locked(path: str = paths.LOCK, patience: float = PATIENCE) -> Iterator[int]:
    """Hold the lock of this host; what ``turn`` would have said before.

    :param patience: seconds to wait for whoever holds it.
    :raises LockError: somebody still holds it.
    """
    deadline = time.monotonic() + patience
    while True:
        handle = _opened(path)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(handle, path):
                break
            os.close(handle)  # a removal has taken it away meanwhile, and somebody else may hold the next one
        except BlockingIOError:
            os.close(handle)
            if time.monotonic() > deadline:
                words = "another run has been changing this host for over %d seconds; wait for it, then run again"
                raise LockError(words % patience) from None
            time.sleep(0.2)
    try:
        before = os.fstat(handle).st_mtime_ns
        _mark(handle)
        yield before
    finally:
        _mark(handle)
        os.close(handle)


def _opened(path: str) -> int:
    while True:  # a removal may take the folder away in between
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _mark(handle: int) -> None:
    os.utime(handle, ns=(time.time_ns(), time.time_ns()))


def _is_at(handle: int, path: str) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(handle), os.stat(path, follow_symlinks=False))
    return False


def turn(path: str = paths.LOCK) -> int:
    """When the lock was last taken or let go (nanoseconds since the epoch); -1: nobody knows, or it is held. Nobody has
    changed this host meanwhile where it is the same as before."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return -1
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return os.fstat(handle).st_mtime_ns
    except BlockingIOError:
        return -1
    finally:
        os.close(handle)
