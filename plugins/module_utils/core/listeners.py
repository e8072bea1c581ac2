# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who listens on a port: read from /proc (proc(5)), without a program."""

from __future__ import annotations

import ipaddress
import os
import sys
from typing import Dict, Iterator, List, Optional, Set, Tuple

_LISTEN, _ESTABLISHED = "0A", "01"


def _rows(state: str) -> Iterator[Tuple[str, int, int]]:
    """TCP sockets in a state: local address (as /proc/net/tcp prints it), port, inode."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(table, encoding="ascii") as lines:
                rows = [line.split() for line in lines.read().splitlines()[1:]]
        except OSError:
            continue
        for fields in rows:
            if fields[3] == state:
                address, port = fields[1].split(":")
                yield address, int(port, 16), int(fields[9])


def listening(port: int) -> Dict[int, str]:
    """Sockets that listen on a TCP port: inode to local address (as /proc/net/tcp prints it)."""
    return {inode: address for address, number, inode in _rows(_LISTEN) if number == port}


def connected(port: int) -> int:
    """How many TCP connections to a port of this host are established."""
    return sum(1 for _address, number, _inode in _rows(_ESTABLISHED) if number == port)


def holders(address: str, port: int) -> List[int]:
    """The processes of this host that hold this end of an established connection."""
    inodes = {
        inode for digits, number, inode in _rows(_ESTABLISHED)
        if number == port and _plain(address_of(digits)) == _plain(address)
    }
    return sorted(set(_owners(inodes).values())) if inodes else []


def _plain(address: str) -> str:
    """An IPv4 address without the form that IPv6 sockets have for it."""
    return address[len("::ffff:"):] if address.startswith("::ffff:") and "." in address else address


def ends() -> Set[Tuple[str, int]]:
    """All addresses and TCP ports that somebody listens on, as texts such as ``192.0.2.1`` and ``::``."""
    return {(address_of(address), port) for address, port, _inode in _rows(_LISTEN)}


def address_of(digits: str) -> str:
    """An address as /proc/net/tcp prints it: 32-bit words in the machine's own byte order."""
    words = [digits[start:start + 8] for start in range(0, len(digits), 8)]
    data = b"".join(int(word, 16).to_bytes(4, sys.byteorder) for word in words)
    return str(ipaddress.ip_address(data))


def sockets_of(pid: int) -> Set[int]:
    """The inodes of a process's sockets; empty when it is gone or not ours to see."""
    found: Set[int] = set()
    folder = "/proc/%d/fd" % pid
    try:
        names = os.listdir(folder)
    except OSError:
        return found
    for name in names:
        try:
            target = os.readlink("%s/%s" % (folder, name))
        except OSError:
            continue
        if target.startswith("socket:["):
            found.add(int(target[8:-1]))
    return found


def who_listens(port: int) -> Dict[str, object]:
    """Who listens on a port; empty: nobody.

    :returns: ``inodes``; ``ends``, the address of each; ``owners``, the process behind each in words ("nginx, process
        812"); and ``pid`` and ``owner`` of the first.
    """
    found = listening(port)
    if not found:
        return {}
    pids = _owners(set(found))
    first = min(pids.values(), default=None)
    return {
        "inodes": sorted(found), "pid": first or 0, "owner": _describe(first),
        "ends": {inode: address_of(digits) for inode, digits in found.items()},
        "owners": {inode: _describe(pids.get(inode)) for inode in found},
    }


def _owners(inodes: Set[int]) -> Dict[int, int]:
    """The first process that has each of the sockets."""
    found: Dict[int, int] = {}
    for pid in sorted(int(name) for name in os.listdir("/proc") if name.isdigit()):
        for inode in sockets_of(pid) & inodes:
            found.setdefault(inode, pid)
        if len(found) == len(inodes):
            break
    return found


def _describe(pid: Optional[int]) -> str:
    if pid is None:
        return "an unknown process"
    try:
        with open("/proc/%d/comm" % pid, encoding="utf-8", errors="replace") as comm:
            return "%s, process %d" % (comm.read().strip(), pid)
    except OSError:
        return "process %d" % pid
