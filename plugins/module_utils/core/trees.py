# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What others can write to, removed or put aside by descriptors: it is never walked by its path."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import time
from typing import List, Optional, Set

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import errors, files

_ROUNDS = 10000


def remove(path: str, root: str = "/") -> bool:
    """Remove a file, a link itself, or a folder with all that is in it; False when there is none. No link is followed,
    however deep somebody has nested folders. Where something is mounted, that is emptied, and left with the folders
    above it (``mounts``).

    :raises UnsafePath: a link lies on the way.
    :raises OSError: the kernel says no; or somebody adds things as fast as they are removed.
    """
    with contextlib.suppress(FileNotFoundError), errors.written(path), files.open_place(path, root) as place:
        if files.lstat(place) is None:
            return False
        inner = _folder_at(place.fd, place.name)
        if inner is None:
            os.unlink(place.name, dir_fd=place.fd)
        else:
            try:
                left = _empty(inner, path)
            finally:
                os.close(inner)
            if not left:
                _remove_folder(place.fd, place.name)
        os.fsync(place.fd)
        return True
    return False


def mounts(path: str) -> List[str]:
    """Where something is mounted, at a path or below it (proc(5): /proc/self/mounts)."""
    with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as lines:
        found = [re.sub(r"\\([0-7]{3})", lambda code: chr(int(code.group(1), 8)), line.split()[1]) for line in lines]
    return sorted({each for each in found if each == path or each.startswith(path + "/")})


def put_aside(path: str, root: str = "/") -> None:
    """Give whatever lies at a path another name in its folder: a link, a pipe, a folder, a file of any size.

    :raises FileNotFoundError, UnsafePath: a folder on the way is missing, or is a link.
    """
    with errors.written(path), files.open_place(path, root) as place:
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


def _remove_folder(fd: int, name: str) -> bool:
    """Whether an empty folder is gone; it stays where something is mounted."""
    try:
        os.rmdir(name, dir_fd=fd)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        return False
    return True


def _empty(fd: int, path: str) -> Set[str]:
    """Empty a folder. What is nested is brought up into it first, so that no depth is too great.

    :returns: names of folders that stay, because something is mounted on them or in them.
    """
    left: Set[str] = set()
    for _round in range(_ROUNDS):
        names = set(os.listdir(fd)) - left
        if not names:
            return left
        for name in names:
            with errors.written("%s/%s" % (path, name)):
                inner = _folder_at(fd, name)
                if inner is None:
                    os.unlink(name, dir_fd=fd)
                    continue
                try:
                    stays = _bring_up(inner, fd, "%s/%s" % (path, name))
                finally:
                    os.close(inner)
                if stays or not _remove_folder(fd, name):
                    left.add(name)
    raise OSError(errno.ENOTEMPTY, "somebody adds things as fast as they are removed", path)


def _bring_up(inner: int, fd: int, path: str) -> bool:
    """Take everything out of a folder, folders into the one above it.

    :returns: whether something stays in it, as it is of another file system.
    """
    for name in os.listdir(inner):
        try:
            os.unlink(name, dir_fd=inner)
        except IsADirectoryError:
            try:
                os.rename(name, files.TEMPORARY + secrets.token_hex(16), src_dir_fd=inner, dst_dir_fd=fd)
            except OSError as error:
                if error.errno not in (errno.EXDEV, errno.EBUSY):
                    raise
                return bool(_empty(inner, path))
    return False
