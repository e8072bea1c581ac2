# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Host keys of the containers' servers, pinned on the controller: learnt over the management connection, never on
first use. One file in the form of known_hosts (sshd(8)); the comment says whose it is and where the hop ends:

    [192.0.2.7]:2222 ssh-ed25519 AAAA… oqs-ssh web1 localhost:22
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import typing as t

FILE = "known_hosts.oqs-ssh"
_MARK = "oqs-ssh"


class Pin(t.NamedTuple):
    """One host: its name in the inventory, where its quantum-safe sshd is, where the hop ends, and its keys."""

    host: str
    address: str
    port: int
    target: str
    keys: tuple[str, ...]

    @property
    def alias(self) -> str:
        """The name in known_hosts."""
        return "[%s]:%d" % (self.address, self.port)


def parse(text: str) -> list[Pin]:
    """The pins in a file; lines of other people do not count."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) == 6 and words[3] == _MARK and words[0].startswith("["):
            found.setdefault((words[0], words[4], words[5]), []).append(" ".join(words[1:3]))
    pins = []
    for (alias, host, target), keys in found.items():
        address, _colon, port = alias[1:].rpartition("]:")
        if port.isdigit():
            pins.append(Pin(host, address, int(port), target, tuple(keys)))
    return pins


def changed(text: str, host: str, pin: Pin | None) -> str:
    """The file with what is known of a host replaced; all other lines stay. Another host that was at the same address
    and port is there no more."""
    alias = pin.alias if pin else ""
    kept = []
    for line in text.splitlines():
        words = line.split()
        ours = len(words) == 6 and words[3] == _MARK
        if not ours or (words[4] != host and words[0] != alias):
            kept.append(line)
    if pin:
        kept += [_line(pin, key) for key in pin.keys]
    return "".join(line + "\n" for line in kept)


def _line(pin: Pin, key: str) -> str:
    """A pin as a line that says this and nothing else.

    :raises ValueError: it would be several lines, or a line of another host.
    """
    line = "%s %s %s %s %s" % (pin.alias, key, _MARK, pin.host, pin.target)
    if not line.isprintable() or parse(line) != [pin._replace(keys=(key,))]:
        raise ValueError("%r cannot be pinned for %s" % (line[:80], pin.host))
    return line


def read(path: str) -> str:
    """The file's text; empty where there is none."""
    with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8") as stored:
        return stored.read()
    return ""


def of(path: str, host: str) -> list[Pin]:
    """What is known of a host; nothing where it was never deployed from here."""
    return [pin for pin in parse(read(path)) if pin.host == host]


def keep(path: str, host: str, pin: Pin | None) -> bool:
    """Remember what a host's look has reported, or forget it (None); two runs at a time lose nothing.

    :returns: whether anything was changed.
    :raises OSError: the file cannot be written.
    :raises ValueError: the pin is no line of known_hosts.
    """
    if changed(read(path), host, pin) == read(path):
        return False
    folder = os.path.dirname(path)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        temporary = "%s.%d" % (path, os.getpid())
        with open(temporary, "w", encoding="utf-8") as stored:
            stored.write(changed(read(path), host, pin))
        os.replace(temporary, path)
    finally:
        os.close(descriptor)
    return True
