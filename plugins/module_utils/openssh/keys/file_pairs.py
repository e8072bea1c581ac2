# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Replace the two files of a key pair so that a kill at any moment leaves a usable pair, old or new."""

from __future__ import annotations

import contextlib
import os
from typing import List

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import written


def replace_pair(
    path: str, private: bytes, public: bytes, uid: int = 0, gid: int = 0, root: str = "/", backup: bool = False,
) -> List[str]:
    """Replace ``path`` (0600) and ``path.pub`` (0644).

    rename(2) replaces one file at a time. Both contents are on the disk before anything is replaced; then the old
    public half goes, the private half is replaced, and the new public half comes. So at each moment there is a whole
    private key, old or new, and beside it its own public half or none; a private key holds its public half, which the
    next run writes again (``keypair.ensure_pairs``).

    :returns: the paths of backups.
    :raises UnsafePath: as ``files.write_file``.
    :raises OSError: the kernel says no; the old pair is as it was.
    """
    with written(path), files.open_place(path, root) as place:
        half = place._replace(name=place.name + ".pub", path=place.path + ".pub")
        for each in (place, half):
            present = files.lstat(each)
            if present is not None:
                files.check_regular(present, each)
        files.sweep(place.fd)
        staged: List[str] = []
        backups: List[str] = []
        try:
            for data, mode in ((private, 0o600), (public, 0o644)):
                staged.append(files.temporary(place.fd, data, mode, uid, gid))
            for each in (place, half) if backup else ():
                kept = files.keep_backup(each)
                if kept:
                    backups.append(kept)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(half.name, dir_fd=place.fd)
            os.rename(staged[0], place.name, src_dir_fd=place.fd, dst_dir_fd=place.fd)
            os.fsync(place.fd)
            os.rename(staged[1], half.name, src_dir_fd=place.fd, dst_dir_fd=place.fd)
            os.fsync(place.fd)
        finally:
            for name in staged:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=place.fd)
        return backups
