# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The entry as a mount for one question to an image."""

from __future__ import annotations

import contextlib
from typing import Iterator

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files, paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli


@contextlib.contextmanager
def copy(text: str) -> Iterator[str]:
    """The entry in a folder that no container can write, as a value for ``--mount``; gone afterwards. What lies in the
    state folder may be anything.

    :param text: the controller's own.
    """
    path = "%s/%sentry" % (paths.VAR_DIR, files.TEMPORARY)  # a killed run's is swept away with its other halves
    files.make_dir(paths.VAR_DIR, 0o700)
    files.write_file(path, text.encode(), 0o755)
    try:
        yield cli.bind(path, paths.ENTRY, readonly=True)
    finally:
        files.remove_file(path)
