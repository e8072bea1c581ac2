# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files and folders that others can write to, handled so that no link or special file redirects root.

Every path is walked one component at a time with openat(2) and ``O_NOFOLLOW``; what was opened is then used by its
descriptor only, so that renaming things in between changes nothing. Files are replaced by rename(2), never opened for
writing. ``root`` is the last folder that is trusted: its own path may lead through links (``/home`` on another disk),
nothing below it may.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import re
import secrets
import stat
import time
from typing import Iterator, List, NamedTuple, Optional, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import UserError, written

TEMPORARY = ".oqs-tmp-"
_LEFT_OVER_SECONDS = 3600
_SCAN_LIMIT = 10000
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READING = os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK  # a lease would hold open(2) for 45 seconds
_SHARED = stat.S_IWGRP | stat.S_IWOTH


class UnsafePath(UserError):
    """A path leads through a link, to a special file, or out of the trusted folder. The message names it."""


class Place(NamedTuple):
    """A folder held open, the name in it, and whether somebody else than root can change what lies on the way."""

    fd: int
    name: str
    path: str
    shared: bool


def _parts(path: str, root: str) -> List[str]:
    """The components of path below root.

    :raises UnsafePath: relative, with ``..`` or NUL, or not below root.
    """
    for text in (path, root):
        if not text.startswith("/") or "\0" in text or ".." in text.split("/"):
            raise UnsafePath("%r is not an absolute path without '..'" % text)
    below = [part for part in path.split("/") if part not in ("", ".")]
    trusted = [part for part in root.split("/") if part not in ("", ".")]
    if below[: len(trusted)] != trusted:
        raise UnsafePath("%s does not lie in %s" % (path, root))
    return below[len(trusted):]


def _refuse(error: OSError, path: str) -> Exception:
    if error.errno in (errno.ELOOP, errno.ENOTDIR):
        return UnsafePath("%s is a symbolic link or not a folder: refused" % path)
    return OSError(error.errno, error.strerror or "error", path)


def _is_shared(fd: int) -> bool:
    found = os.fstat(fd)
    return found.st_uid != 0 or bool(found.st_mode & _SHARED)


@contextlib.contextmanager
def open_place(path: str, root: str) -> Iterator[Place]:
    """Open the folder that holds path, following no link below root.

    :raises FileNotFoundError, UnsafePath: a folder on the way is missing, or something else.
    """
    parts = _parts(path, root)
    fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        shared = _is_shared(fd)
        seen = root.rstrip("/")
        for part in parts[:-1]:
            seen += "/" + part
            try:
                inner = os.open(part, FOLDER, dir_fd=fd)
            except OSError as error:
                raise _refuse(error, seen) from error
            os.close(fd)
            fd = inner
            shared = shared or _is_shared(fd)
        yield Place(fd, parts[-1] if parts else ".", path, shared)
    finally:
        os.close(fd)


def lstat(place: Place) -> Optional[os.stat_result]:
    """What lies there, links named as links; None when absent."""
    try:
        return os.stat(place.name, dir_fd=place.fd, follow_symlinks=False)
    except FileNotFoundError:
        return None


def check_regular(found: os.stat_result, place: Place) -> None:
    """Raise UnsafePath unless this is an ordinary file that only the folder's owner can have put there.

    A second hard link in a folder of somebody else may be a link to a file that person cannot read or write.
    """
    if not stat.S_ISREG(found.st_mode):
        raise UnsafePath("%s is not an ordinary file (a link, folder, pipe or device): refused" % place.path)
    if place.shared and found.st_nlink > 1:
        raise UnsafePath("%s has %d hard links in a folder that others can write to: refused; "
                         "remove the other names or replace the file by a copy" % (place.path, found.st_nlink))


def _open_checked(place: Place) -> Optional[Tuple[int, os.stat_result]]:
    """Open a file for reading, after making sure what it is; None when it is absent.

    ``O_PATH`` opens nothing yet: a pipe does not block and a device is not touched. A hard link that was taken away
    after it was opened is no second one any more: what counts is what the name says afterwards.
    """
    for _try in range(20):
        try:
            handle = os.open(place.name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=place.fd)
        except FileNotFoundError:
            return None
        try:
            opened, found = os.fstat(handle), lstat(place)
            check_regular(opened, place)
            if found is not None and os.path.samestat(opened, found):
                check_regular(found, place)
                return os.open("/proc/self/fd/%d" % handle, _READING), found
        except BlockingIOError:
            raise UnsafePath("%s is held by another process (a lease): refused" % place.path) from None
        finally:
            os.close(handle)
    raise UnsafePath("%s is replaced again and again while it is read: refused" % place.path)


def _read_all(fd: int, limit: int, path: str) -> bytes:
    chunks: List[bytes] = []
    left = limit + 1
    while left > 0:
        chunk = os.read(fd, min(left, 1 << 20))
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)
        left -= len(chunk)
    raise UnsafePath("%s is larger than %d bytes: refused" % (path, limit))


def read_file(path: str, limit: int = 4 << 20, root: str = "/") -> Optional[bytes]:
    """Read a file, or return None when it (or a folder on the way) is absent.

    :param path: absolute path at or below root.
    :param limit: the largest size in bytes that is accepted.
    :param root: the last trusted folder; below it no symbolic link is followed.
    :raises UnsafePath: a link, a special file, too large, or (in a folder others can write to) a hard link.
    :raises OSError: the kernel says no.
    """
    try:
        with open_place(path, root) as place:
            opened = _open_checked(place)
            if opened is None:
                return None
            try:
                return _read_all(opened[0], limit, path)
            finally:
                os.close(opened[0])
    except FileNotFoundError:
        return None


def stat_file(path: str, root: str = "/") -> Optional[os.stat_result]:
    """What lies at path, as lstat(2) says (a link is named as a link); None when absent.

    :raises UnsafePath: a folder on the way is a link or no folder.
    """
    with contextlib.suppress(FileNotFoundError), open_place(path, root) as place:
        return lstat(place)
    return None


def _alive(pid: str) -> bool:
    return re.fullmatch("[0-9]{1,10}", pid) is not None and os.path.exists("/proc/" + pid)


def sweep(fd: int) -> None:
    """Remove temporary files that a killed run left in a folder: its process is gone, or the file is an hour old."""
    with os.scandir(fd) as entries:
        some = itertools.islice(entries, _SCAN_LIMIT)
        names = [entry.name for entry in some if entry.name.startswith(TEMPORARY)]
    for name in names:
        owner = name[len(TEMPORARY):].split("-")[0]
        with contextlib.suppress(OSError):
            age = time.time() - os.stat(name, dir_fd=fd, follow_symlinks=False).st_mtime
            if age > _LEFT_OVER_SECONDS or not _alive(owner):
                os.unlink(name, dir_fd=fd)


def temporary(fd: int, data: bytes, mode: int, uid: int, gid: int) -> str:
    """Put data into a new file with a name of its own in the folder; owner and mode are right before the content is.

    :returns: the name, the content being on the disk.
    """
    name = "%s%d-%s" % (TEMPORARY, os.getpid(), secrets.token_hex(8))
    handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=fd)
    try:
        try:
            os.fchown(handle, uid, gid)
            os.fchmod(handle, mode)
            view = memoryview(data)
            while view:
                view = view[os.write(handle, view):]
            os.fsync(handle)
        finally:
            os.close(handle)
    except BaseException:
        os.unlink(name, dir_fd=fd)
        raise
    return name


def keep_backup(place: Place) -> Optional[str]:
    """Copy the present file to ``NAME.<UTC time>~`` beside it, with its owner and mode; None when there is no file."""
    opened = _open_checked(place)
    if opened is None:
        return None
    handle, found = opened
    try:
        data = _read_all(handle, 64 << 20, place.path)
    finally:
        os.close(handle)
    copy = temporary(place.fd, data, stat.S_IMODE(found.st_mode) & 0o777, found.st_uid, found.st_gid)
    stamp = "%s.%s" % (place.name, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    try:
        for count in range(1000):
            name = stamp + (".%d~" % count if count else "~")
            with contextlib.suppress(FileExistsError):
                os.link(copy, name, src_dir_fd=place.fd, dst_dir_fd=place.fd, follow_symlinks=False)
                return os.path.join(os.path.dirname(place.path), name)
        raise OSError(errno.EEXIST, "no free name for a backup", place.path)
    finally:
        os.unlink(copy, dir_fd=place.fd)


def write_file(
    path: str, data: bytes, mode: int, uid: int = 0, gid: int = 0, root: str = "/", backup: bool = False,
) -> Optional[str]:
    """Replace (or make) a file in one step: readers see the old content or the new one, also after a power failure.

    :param mode: permission bits of the new file, for example 0o600; the file never has any others.
    :param backup: keep the old file beside it.
    :returns: the path of the backup, if one was made.
    :raises UnsafePath: a link on the way; a link, folder, pipe, device or second hard link at path.
    :raises OSError: the folder is missing, or the kernel says no (full, read-only); the old file is untouched.
    """
    with written(path), open_place(path, root) as place:
        present = lstat(place)
        if present is not None:
            check_regular(present, place)
        sweep(place.fd)
        name = temporary(place.fd, data, mode, uid, gid)
        try:
            kept = keep_backup(place) if backup else None
            os.rename(name, place.name, src_dir_fd=place.fd, dst_dir_fd=place.fd)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name, dir_fd=place.fd)
            raise
        os.fsync(place.fd)
        return kept


def _enter(fd: int, name: str, path: str) -> Tuple[int, bool]:
    """Open a folder inside another, making it (0700 at first) if it is missing. Returns its descriptor and "made"."""
    made = False
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=fd)
        made = True
    try:
        inner = os.open(name, FOLDER, dir_fd=fd)
    except OSError as error:
        raise _refuse(error, path) from error
    if made:
        os.fsync(fd)
    return inner, made


def _settle(fd: int, mode: int, uid: int, gid: int) -> bool:
    """Give an open folder this owner and mode; True when it had others."""
    found = os.fstat(fd)
    if (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (uid, gid, mode):
        return False
    if (found.st_uid, found.st_gid) != (uid, gid):
        os.fchown(fd, uid, gid)
    os.fchmod(fd, mode)
    return True


def make_dir(path: str, mode: int, uid: int = 0, gid: int = 0, root: str = "/") -> bool:
    """Make a folder, with its missing parents (0755, root), or repair the owner and mode of the one that is there.

    :returns: True when something was made or repaired.
    :raises UnsafePath: a link or something else than a folder on the way or at path.
    """
    parts = _parts(path, root)
    changed = False
    fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        seen = root.rstrip("/")
        for count, part in enumerate(parts, 1):
            seen += "/" + part
            with written(seen):
                inner, made = _enter(fd, part, seen)
                os.close(fd)
                fd = inner
                if count == len(parts):
                    changed = _settle(fd, mode, uid, gid) or made
                elif made:
                    _settle(fd, 0o755, 0, 0)
        return changed
    finally:
        os.close(fd)


def remove_file(path: str, root: str = "/") -> bool:
    """Remove a file or a symbolic link itself; False when there is none.

    :raises UnsafePath: a folder, or a link on the way.
    """
    with contextlib.suppress(FileNotFoundError), written(path), open_place(path, root) as place:
        found = lstat(place)
        if found is not None and stat.S_ISDIR(found.st_mode):
            raise UnsafePath("%s is a folder: refused" % path)
        os.unlink(place.name, dir_fd=place.fd)
        os.fsync(place.fd)
        return True
    return False


def list_dir(path: str, root: str = "/") -> List[str]:
    """The names in a folder, sorted; none when it is absent.

    :raises UnsafePath: it is a link or no folder, or a link lies on the way.
    """
    with contextlib.suppress(FileNotFoundError), open_place(path.rstrip("/") + "/.content", root) as place:
        return sorted(os.listdir(place.fd))
    return []
