# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""By which way the ssh session of this run came to the host."""

from __future__ import annotations

import os
from typing import Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import listeners


def client() -> Tuple[str, int]:
    """Address and port where the ssh session above this process comes from; empty where there is none (sudo hides it
    from us, not from its parents)."""
    number = os.getpid()
    while number > 1:
        try:
            with open("/proc/%d/environ" % number, "rb") as environ:
                variables = dict(part.partition(b"=")[::2] for part in environ.read().split(b"\0"))
        except OSError:
            return "", 0
        words = variables.get(b"SSH_CONNECTION", b"").decode("ascii", "replace").split()
        if len(words) == 4 and words[1].isdigit():
            return words[0], int(words[1])
        number = parent(number)
    return "", 0


def parent(pid: int) -> int:
    """The parent of a process (proc(5)); 0 where it is gone."""
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as status:
            return int(status.read().rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0


def comes_through(pid: int) -> bool:
    """Whether this run's ssh session was opened by a process below another one, such as a container's sshd: asked of
    the kernel, whose socket the other end of the session is."""
    address, port = client()
    return any(_below(owner, pid) for owner in listeners.holders(address, port)) if port else False


def _below(pid: int, ancestor: int) -> bool:
    while pid > 1 and pid != ancestor:
        pid = parent(pid)
    return pid == ancestor
