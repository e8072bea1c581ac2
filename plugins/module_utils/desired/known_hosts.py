# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lines of known_hosts (sshd(8)) for the host itself: which are ours, and which are to be there. Pure."""

from __future__ import annotations

from typing import List, Optional, Sequence

from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.facts import Keys
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import key_files

#: The parts that are ours: the container's own keys, and those of the host's own sshd.
OWN, HOST = "container", "host"


def own_lines(names: Sequence[str], keys: Keys, port: int) -> Optional[List[str]]:
    """Lines for the container's own host keys, or None while a pair is missing or damaged."""
    lines = []
    for name in names:
        private, public = keys.get(key_files.host_key_name(name), (None, None))
        if not public or key_files.pair_state(private, public).state != "good":
            return None
        lines.append("%s %s" % (hosts_field(port), " ".join(public.decode("utf-8", "replace").split()[:2])))
    return lines


def hosts_field(port: int, address: str = "localhost") -> str:
    """The host itself: brackets where the port is not 22.

    :param address: another of its addresses, if that is where its sshd listens.
    """
    form = "%s" if port == 22 else "[%%s]:%d" % port
    return ",".join(form % name for name in dict.fromkeys(["localhost", "127.0.0.1", "::1", address]))


def replaced(data: bytes, lines: Optional[Sequence[str]], part: str) -> Optional[bytes]:
    """A known_hosts file with one part of ours replaced; all other lines stay. None while the lines are not known."""
    if lines is None:
        return None
    mark = b" oqs-ssh-" + part.encode()
    wanted = [line.encode() + mark + b"\n" for line in lines]
    here = data.splitlines(True)
    if [line for line in here if line.rstrip().endswith(mark)] == wanted:
        return data
    kept = b"".join(line for line in here if not line.rstrip().endswith(mark))
    if kept and wanted and not kept.endswith(b"\n"):
        kept += b"\n"
    return kept + b"".join(wanted)


def part_of(data: bytes, part: str) -> bytes:
    """The lines of one part of ours."""
    return b"".join(line for line in data.splitlines(True) if line.rstrip().endswith(b" oqs-ssh-" + part.encode()))


def keys_of(data: bytes, part: str = OWN) -> List[str]:
    """The public host keys (type and base64) in one part of ours."""
    lines = part_of(data, part).decode("utf-8", "replace").splitlines()
    return [" ".join(line.split()[1:3]) for line in lines]
