# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a person can repair: the one base class, and the one place that turns an error into the sentence."""

from __future__ import annotations

import contextlib
import errno
import os
from typing import Any, Dict, Iterator

_DISK = {
    errno.ENOSPC: "make room there, then run this again",
    errno.EDQUOT: "make room there, then run this again",
    errno.EROFS: "remount it writable (repaired, if the disk has errors), then run this again",
    errno.EIO: "the disk has errors: repair or replace it, then run this again",
    errno.EBUSY: "something is mounted there: unmount it, then run this again",
    errno.EPERM: "it may be protected (lsattr shows it): take that away (chattr -i), then run this again",
}


class UserError(Exception):
    """Something that a person can repair. The text says what is wrong, with which value, and what to do; it needs no
    trace."""


#: What is reported as a sentence. Everything else is a defect of this collection.
EXPECTED = (UserError, OSError)


@contextlib.contextmanager
def written(path: str) -> Iterator[None]:
    """What the kernel refuses inside names the file that was to be written or removed, not a name within its folder,
    nor the temporary file beside it.

    :raises OSError: of the same kind, with a whole path.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None or os.path.isabs(str(error.filename)):
            raise
        raise OSError(error.errno, os.strerror(error.errno), path) from error


def sentence(error: Exception) -> str:
    """An expected error as a sentence."""
    if not isinstance(error, OSError) or error.errno is None:
        return str(error)
    if error.errno in _DISK:
        words = os.strerror(error.errno)
        return "cannot write %s: %s; %s" % (error.filename or "to the disk", words, _DISK[error.errno])
    return "%s: %s" % (error.filename, error.strerror) if error.filename else str(error.strerror)


def failed(error: Exception, before: str = "") -> Dict[str, Any]:
    """An expected error as the result of a module.

    :param before: said first, such as that nothing was changed.
    """
    return {"failed": True, "changed": False, "msg": before + sentence(error)}
