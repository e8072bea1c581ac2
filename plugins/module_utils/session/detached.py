# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Work that outlives the connection it was ordered by: the container that the connection comes through may be replaced.

The work is done by a process of its own session, which nothing that happens to the connection reaches. Its result lies
in a file of root's (0600) under a ticket that the controller has made up, and stays for a while: nobody on the host
knows whether an answer has arrived. It is fetched by the process that the connection knows, or, when that is gone, by
``run`` of this file in another connection. A reboot takes it along.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import signal
import time
from typing import Callable, Dict, Mapping

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import paths

Result = Dict[str, object]

#: Seconds to wait for work that goes on; the controller asks again.
PATIENCE = 60.0
#: Seconds after which nobody comes back for a result any more.
STALE = 3600.0
_TICKET = re.compile(r"[0-9a-f]{32}")
LOST = "what was being changed on the host when the connection broke did not come to its end: run again"
GOES_ON = "the work on the host goes on"


def detached(ticket: str, work: Callable[[], Result]) -> Result:
    """Do work in a process that a broken connection does not reach, and wait for its result.

    :param ticket: 32 hexadecimal digits. One that is known already is not done twice.
    :raises OSError: there is no room for the result; nothing was done.
    """
    os.makedirs(paths.RESULTS_DIR, mode=0o700, exist_ok=True)
    _sweep()
    try:
        handle = os.open(_path(ticket), os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return run({"ticket": ticket})
    fcntl.flock(handle, fcntl.LOCK_EX)  # held by the process that works, until it ends however it ends
    child = os.fork()
    if child == 0:
        _work(handle, work)
    os.close(handle)
    os.waitpid(child, 0)
    return run({"ticket": ticket})


def _work(handle: int, work: Callable[[], Result]) -> None:
    """The process that works; does not return."""
    try:
        os.setsid()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(3):
            os.dup2(null, descriptor)
        os.write(handle, json.dumps(work()).encode())
    except Exception as error:  # there is nobody to see a trace
        words = "a defect of the collection, please report it: %s: %s" % (type(error).__name__, error)
        os.write(handle, json.dumps({"failed": True, "changed": False, "msg": words}).encode())
        raise
    finally:
        os._exit(0)


def run(arguments: Mapping[str, object]) -> Result:
    """The result of work that was ordered by another connection.

    :param arguments: ``ticket``.
    :returns: the result; or ``goes_on``, when the work has not ended within ``PATIENCE``; ``failed`` when it is lost.
    """
    path = _path(str(arguments["ticket"]))
    lost = {"failed": True, "changed": False, "msg": LOST}
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return lost
    with open(handle, "rb") as stored:
        if not _ended(handle):
            return {"changed": False, "goes_on": GOES_ON}
        said = stored.read()
    try:
        found: Result = json.loads(said)
    except ValueError:
        return lost  # nothing, or half of it: it was killed, or the disk is full
    return found


def _sweep() -> None:
    for name in os.listdir(paths.RESULTS_DIR):
        with contextlib.suppress(OSError):
            if time.time() - os.lstat(os.path.join(paths.RESULTS_DIR, name)).st_mtime > STALE:
                os.unlink(os.path.join(paths.RESULTS_DIR, name))


def _ended(handle: int) -> bool:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)


def _path(ticket: str) -> str:
    if not _TICKET.fullmatch(ticket):
        raise ValueError("a ticket has 32 hexadecimal digits")
    return os.path.join(paths.RESULTS_DIR, ticket)
