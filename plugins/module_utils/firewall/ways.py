# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where packets from outside come in to this host: its interfaces, as the kernel lists them, and their addresses."""

from __future__ import annotations

import array
import fcntl
import ipaddress
import os
import re
import socket
import struct
from typing import Dict, List, Set, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.packets import ANYWHERE, Here

NET = "/sys/class/net"
#: Interfaces of containers and virtual machines: nobody outside comes in by these.
INNER = re.compile(r"(lo|docker\d|br-[0-9a-f]{12}|veth|virbr|vnet|cni|podman|flannel|cali|lxcbr|lxdbr|kube)")
_SIOCGIFCONF = 0x8912
_MOST = 4096


def interfaces(folder: str = NET) -> List[str]:
    """Names of interfaces that packets come in by: not the control file of bonding, and none that is a part of another
    (of a bond, a bridge or a team)."""
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return []
    return [
        name for name in names
        if os.path.exists("%s/%s/ifindex" % (folder, name)) and not os.path.lexists("%s/%s/master" % (folder, name))
    ]


def ways() -> Tuple[Here, ...]:
    """The interfaces of the default routes, else all that lead outside, each with its addresses.

    :raises OSError: the kernel does not list its addresses.
    """
    outside = [name for name in interfaces() if not INNER.match(name)]
    routed = _routed() & set(outside)
    held = _addresses()
    return tuple(
        Here(name, tuple(held.get(name, ()))) for name in outside if not routed or name in routed) or ANYWHERE


def _routed() -> Set[str]:
    """The interfaces of default routes (proc(5): /proc/net/route; /proc/net/ipv6_route is its like)."""
    found = set()
    for row in _rows("/proc/net/route"):
        if len(row) > 7 and row[1] == row[7] == "0" * 8:
            found.add(row[0])
    for row in _rows("/proc/net/ipv6_route"):
        if len(row) > 9 and row[0] == "0" * 32 and row[1] == "00":
            found.add(row[9])
    return found


def _rows(path: str) -> List[List[str]]:
    try:
        with open(path, encoding="ascii", errors="replace") as lines:
            return [line.split() for line in lines]
    except FileNotFoundError:
        return []  # a kernel without this family


def _addresses() -> Dict[str, List[str]]:
    """Addresses by interface; those of IPv6 without the ones that are of the link only."""
    found: Dict[str, List[str]] = {}
    size = struct.calcsize("16s16s8x") if struct.calcsize("P") == 8 else 32
    room = array.array("B", bytes(size * _MOST))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        said = fcntl.ioctl(asked, _SIOCGIFCONF, struct.pack("iP", len(room), room.buffer_info()[0]))
    for at in range(0, struct.unpack("iP", said)[0], size):
        row = room[at:at + size].tobytes()
        name = row[:16].split(b"\0")[0].decode("ascii", "replace").partition(":")[0]
        found.setdefault(name, []).append(socket.inet_ntoa(row[20:24]))
    for fields in _rows("/proc/net/if_inet6"):
        address = ipaddress.IPv6Address(int(fields[0], 16))
        if not address.is_link_local:
            found.setdefault(fields[5], []).append(str(address))
    return found
