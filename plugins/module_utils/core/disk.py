# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a disk that cannot be written to means for a person: which file it was, and what to do."""

from __future__ import annotations

import contextlib
import errno
import os
from typing import Iterator

_WHAT_TO_DO = {
    errno.ENOSPC: "make room there, then run this again",
    errno.EDQUOT: "make room there, then run this again",
    errno.EROFS: "remount it writable (mended, if the disk has errors), then run this again",
    errno.EIO: "the disk has errors: mend or replace it, then run this again",
}


@contextlib.contextmanager
def named(path: str) -> Iterator[None]:
    """Errors of the disk inside name the file that was to be written, not the temporary one beside it.

    :raises OSError: as it was, with the path.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _WHAT_TO_DO:
            raise
        raise OSError(error.errno, os.strerror(error.errno), path) from error


def words(error: Exception) -> str:
    """An expected error as a sentence."""
    number = error.errno if isinstance(error, OSError) else None
    if number is None or number not in _WHAT_TO_DO:
        return str(error)
    place = getattr(error, "filename", None) or "to the disk"
    return "cannot write %s: %s; %s" % (place, os.strerror(number), _WHAT_TO_DO[number])
