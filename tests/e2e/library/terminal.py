# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A person at a terminal: a program on a terminal of its own, answers typed when their questions appear."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import signal
import time
from typing import List, NamedTuple, Sequence, Tuple


class Talk(NamedTuple):
    """How it ended: exit code (-1: stopped, its time was over), and all that was on the screen."""

    code: int
    screen: str

    @property
    def asked(self) -> bool:
        """Whether ssh asked to trust a host key."""
        return "continue connecting" in self.screen


def talk(argv: Sequence[str], answers: Sequence[Tuple[str, str]] = (), seconds: float = 40.0) -> Talk:
    """Run a program on a terminal.

    :param answers: question (a regular expression) and what is typed when it appears, in order.
    :param seconds: until it is stopped.
    """
    pid, terminal = pty.fork()
    if pid == 0:
        try:
            os.execvp(argv[0], list(argv))
        finally:
            os._exit(127)
    screen, seen, end = b"", 0, time.monotonic() + seconds
    waiting: List[Tuple[str, str]] = list(answers)
    try:
        while time.monotonic() < end:
            if select.select([terminal], [], [], 0.2)[0]:
                try:
                    data = os.read(terminal, 65536)
                except OSError:  # the other side is closed
                    data = b""
                if not data:
                    return Talk(_wait(pid, end), _text(screen))
                screen += data
            found = re.search(waiting[0][0].encode(), screen[seen:]) if waiting else None
            if found:
                seen += found.end()
                time.sleep(0.05)  # the question comes before the echo is switched off
                os.write(terminal, waiting.pop(0)[1].encode() + b"\n")
        return Talk(-1, _text(screen))
    finally:
        os.close(terminal)
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _wait(pid: int, end: float) -> int:
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    return -1


def _text(screen: bytes) -> str:
    return screen.decode("utf-8", "replace").replace("\r\n", "\n")
