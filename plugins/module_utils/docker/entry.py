# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The entry, and what an image is asked about, as mounts for one question to it."""

from __future__ import annotations

import contextlib
import os
from typing import Iterator, Mapping

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files, paths, trees
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli


@contextlib.contextmanager
def copy(text: str) -> Iterator[str]:
    """The entry in a folder that no container can write, as a value for ``--mount``; gone afterwards. What lies in the
    state folder may be anything.

    :param text: the controller's own.
    """
    # a killed run's is swept away with its other halves
    path = "%s/%s%d-entry" % (paths.VAR_DIR, files.TEMPORARY, os.getpid())
    files.make_dir(paths.VAR_DIR, 0o700)
    files.write_file(path, text.encode(), 0o755)
    try:
        yield cli.bind(path, paths.ENTRY, readonly=True)
    finally:
        files.remove_file(path)


@contextlib.contextmanager
def folder(contents: Mapping[str, bytes]) -> Iterator[str]:
    """Files in a folder that no container can write, as a value for ``--mount``; gone afterwards."""
    path = "%s/asked-%d" % (paths.LOCK_DIR, os.getpid())
    files.make_dir(paths.LOCK_DIR, 0o700)
    for name in files.list_dir(paths.LOCK_DIR):
        if name.startswith("asked-") and not os.path.exists("/proc/" + name[len("asked-"):]):
            trees.remove("%s/%s" % (paths.LOCK_DIR, name))  # of a run that was killed
    files.make_dir(path, 0o700)
    try:
        for name, data in contents.items():
            files.write_file("%s/%s" % (path, name), data, 0o600)
        yield cli.bind(path, paths.ASKED, readonly=True)
    finally:
        trees.remove(path)
