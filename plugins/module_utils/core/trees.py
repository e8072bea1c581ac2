# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What others can write to, removed or put aside by descriptors: it is never walked by its path."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import time
from typing import Optional

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files

_ROUNDS = 10000


def remove(path: str, root: str = "/") -> bool:
    """Remove a file, a link itself, or a folder with all that is in it; False when there is none. No link is followed,
    however deep somebody has nested folders. A folder that something is mounted on is only emptied.

    :raises UnsafePath: a link lies on the way.
    :raises OSError: the kernel says no, with the whole path; or somebody adds things as fast as they are removed.
    """
    try:
        return _remove(path, root)
    except OSError as error:
        if error.errno == errno.EBUSY and os.path.isdir(path) and not os.listdir(path):
            return True
        name = os.path.basename(str(error.filename or ""))
        inner = name and name != os.path.basename(path) and not name.startswith(files.TEMPORARY)
        where = "%s/%s" % (path, name) if inner else path
        raise type(error)(error.errno, error.strerror, where) from error


def _remove(path: str, root: str) -> bool:
    with contextlib.suppress(FileNotFoundError), files.open_place(path, root) as place:
        if files.lstat(place) is None:
            return False
        inner = _folder_at(place.fd, place.name)
        if inner is None:
            os.unlink(place.name, dir_fd=place.fd)
        else:
            try:
                _empty(inner)
            finally:
                os.close(inner)
            os.rmdir(place.name, dir_fd=place.fd)
        os.fsync(place.fd)
        return True
    return False


def put_aside(path: str, root: str = "/") -> None:
    """Give whatever lies at a path another name in its folder: a link, a pipe, a folder, a file of any size.

    :raises FileNotFoundError, UnsafePath: a folder on the way is missing, or is a link.
    """
    with files.open_place(path, root) as place:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        name = "%s.%s.%s~" % (place.name, stamp, secrets.token_hex(4))
        os.rename(place.name, name, src_dir_fd=place.fd, dst_dir_fd=place.fd)


def _folder_at(fd: int, name: str) -> Optional[int]:
    """A folder inside another, held open; None for anything else, a link to a folder among it."""
    try:
        return os.open(name, files.FOLDER, dir_fd=fd)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            return None
        raise


def _empty(fd: int) -> None:
    """Empty a folder. What is nested is brought up into it first, so that no depth is too great."""
    for _round in range(_ROUNDS):
        names = os.listdir(fd)
        if not names:
            return
        for name in names:
            inner = _folder_at(fd, name)
            if inner is None:
                os.unlink(name, dir_fd=fd)
                continue
            try:
                _bring_up(inner, fd)
            finally:
                os.close(inner)
            os.rmdir(name, dir_fd=fd)
    raise OSError(errno.ENOTEMPTY, "somebody adds things as fast as they are removed")


def _bring_up(inner: int, fd: int) -> None:
    for name in os.listdir(inner):
        try:
            os.unlink(name, dir_fd=inner)
        except IsADirectoryError:
            os.rename(name, files.TEMPORARY + secrets.token_hex(16), src_dir_fd=inner, dst_dir_fd=fd)
