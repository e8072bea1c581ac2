# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the controller keeps of images between runs: compressed parts, and what archives hold. Bounded by age."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
import typing as t

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import UserError

#: What nobody used for so many days goes.
DAYS = 30


class ImageError(UserError):
    """The image cannot be had on the controller; the text says why and what to do."""


def folder() -> str:
    """The folder for compressed images; readable by its owner only."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    path = os.path.join(base, "quantumsafe-openssh", "archives")
    os.makedirs(path, mode=0o700, exist_ok=True)
    return path


@contextlib.contextmanager
def locked(name: str) -> t.Iterator[None]:
    """One process of this controller at a time; the others wait and then find the work done."""
    with open(os.path.join(folder(), name + ".lock"), "w", encoding="ascii") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def used(path: str) -> None:
    """Something in the cache was of use just now: it stays, and what has long been of none goes. Call it locked."""
    os.utime(path)
    oldest = time.time() - DAYS * 86400
    for name in os.listdir(folder()):
        other = os.path.join(folder(), name)
        if not name.endswith(".lock") and os.lstat(other).st_mtime < oldest:
            if os.path.isdir(other):
                shutil.rmtree(other, ignore_errors=True)
            else:
                os.unlink(other)
