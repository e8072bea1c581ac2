# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who listens on a port, and by which way this run's session came: read from /proc (proc(5)), without a program."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import sys
from typing import Dict, FrozenSet, Iterator, List, Mapping, NamedTuple, Optional, Set, Tuple

_LISTEN, _ESTABLISHED = "0A", "01"
_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")


class Port(NamedTuple):
    """Who listens on a port: the sockets; the address of each; the process behind each in words ("nginx, process
    812"); and number and words of the first process. Empty: nobody."""

    inodes: FrozenSet[int] = frozenset()
    ends: Mapping[int, str] = {}
    owners: Mapping[int, str] = {}
    pid: int = 0
    owner: str = ""


def _rows(state: str) -> Iterator[Tuple[str, int, int]]:
    """TCP sockets in a state: local address (as /proc/net/tcp prints it), port, inode.

    :raises OSError: the kernel does not tell.
    """
    for table in _TABLES:
        try:
            with open(table, encoding="ascii") as lines:
                rows = [line.split() for line in lines.read().splitlines()[1:]]
        except FileNotFoundError:
            if table == _TABLES[0]:
                raise  # else nobody would listen on any port
            continue  # a kernel without IPv6
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


def ends_of(program: str) -> Set[Tuple[str, int]]:
    """Addresses and ports that programs of a name listen on. Those of containers are not among them (their root is
    another folder), nor those of its own children: sshd's sessions listen for ssh -R and X11."""
    here = os.stat("/")
    found: Set[int] = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            name, root = os.path.basename(os.readlink("/proc/%s/exe" % pid)), os.stat("/proc/%s/root" % pid)
        except OSError:
            continue  # it is gone, or a thread of the kernel
        if name.split(" ")[0] == program and os.path.samestat(root, here):
            found.add(int(pid))
    inodes = {inode for pid in found if parent(pid) not in found for inode in sockets_of(pid)}
    return {(address_of(address), port) for address, port, inode in _rows(_LISTEN) if inode in inodes}


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


def sockets_below(pid: int) -> Set[int]:
    """The sockets of a container's sshd: the main process, or, where the engine has put an init of its own before it,
    root's processes right below; those of users are no sshd, whatever they listen on."""
    found = sockets_of(pid)
    if found or not os.path.isdir("/proc/%d" % pid):
        return found
    numbers = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return {inode for each in numbers if parent(each) == pid and _is_roots(each) for inode in sockets_of(each)}


def _is_roots(pid: int) -> bool:
    try:
        return os.stat("/proc/%d" % pid).st_uid == 0
    except OSError:
        return False


def who_listens(port: int) -> Port:
    """Who listens on a port."""
    found = listening(port)
    if not found:
        return Port()
    pids = _owners(set(found))
    first = min(pids.values(), default=None)
    return Port(
        frozenset(found), {inode: address_of(digits) for inode, digits in found.items()},
        {inode: _describe(pids.get(inode)) for inode in found}, first or 0, _describe(first),
    )


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


class Session(NamedTuple):
    """An ssh session: address and port of its other end, and the address of this host that it came to."""

    address: str = ""
    port: int = 0
    here: str = ""


def session_end() -> Session:
    """The ssh session above this process; empty where there is none (sudo hides it from us, not from its parents)."""
    number = os.getpid()
    while number > 1:
        try:
            with open("/proc/%d/environ" % number, "rb") as environ:
                variables = dict(part.partition(b"=")[::2] for part in environ.read().split(b"\0"))
        except OSError:
            return Session()
        words = variables.get(b"SSH_CONNECTION", b"").decode("ascii", "replace").split()
        if len(words) == 4 and words[1].isdigit():
            return Session(words[0], int(words[1]), words[2])
        number = parent(number)
    return Session()


def is_own(address: str) -> bool:
    """Whether this is an address of the host itself."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as own:
        own.bind((address, 0))  # only an address of the host itself can be bound
        return True
    return False


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
    address, port, _here = session_end()
    return any(_below(owner, pid) for owner in holders(address, port)) if port else False


def _below(pid: int, ancestor: int) -> bool:
    while pid > 1 and pid != ancestor:
        pid = parent(pid)
    return pid == ancestor
