# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the host's own sshd really listens: the hop goes there, whatever port and addresses it is bound to."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping, NamedTuple, Sequence, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import listeners
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import CommandError, run

Want = Mapping[str, Any]
End = Tuple[str, int]

DEFAULT_PORT = 22
LOCALHOST = "localhost"
#: Listening on one of these, sshd is reached by the name localhost.
_HERE = ("0.0.0.0", "::", "127.0.0.1", "::1")
_SOCKETS = ("ssh.socket", "sshd.socket")
_END = re.compile(r"(?:\[([0-9a-fA-F:.]+)(?:%\w+)?\]|([0-9.]+)):([0-9]{1,5})(?:$|\s)")


class Target(NamedTuple):
    """Where the hop goes: ``localhost``, or an address of the host; and the ports that its sshd listens on."""

    port: int
    address: str
    ports: Sequence[int]


def resolve(want: Want, settings: Mapping[str, Sequence[str]]) -> Dict[str, Any]:
    """What is wanted, with the hop's real port and address in the sections that need them.

    :param settings: of the host's own sshd, as ``look.own_settings`` gives them.
    """
    found = dict(want)
    part = want.get("hop") or want.get("ssh") or want.get("lockdown")
    if not part:
        return found
    asked = int(part.get("hop_asked") or part["hop_port"])
    target = decide(asked, _really(settings))
    for name in ("ssh", "hop", "lockdown"):
        if name in want:
            found[name] = dict(
                want[name], hop_port=target.port, hop_address=target.address, hop_asked=asked,
                hop_others=[port for port in target.ports if port != target.port],
            )
    return found


def decide(asked: int, ends: Sequence[End]) -> Target:
    """Where the hop goes. The default port gives way to the one that sshd listens on; another that was asked for
    stays, because there may be a second sshd.

    :param ends: addresses and ports that the host's own sshd listens on; none: not known.
    """
    ports = list(dict.fromkeys(port for _address, port in ends))
    port = ports[0] if ports and asked == DEFAULT_PORT and asked not in ports else asked
    addresses = [address for address, number in ends if number == port]
    if not addresses or set(addresses) & set(_HERE):
        return Target(port, LOCALHOST, ports)
    return Target(port, addresses[0], ports)


def parse_ends(lines: Sequence[str]) -> List[End]:
    """Addresses and ports as ``sshd -T`` (listenaddress) and ``systemctl show`` (Listen) print them."""
    found = []
    for line in lines:
        match = _END.match(line.strip())
        if match:
            found.append((match.group(1) or match.group(2), int(match.group(3))))
    return found


def _really(settings: Mapping[str, Sequence[str]]) -> List[End]:
    """Where sshd listens: what its configuration says as far as it is so, else what systemd listens on in its place
    (with socket activation the configuration's ports do not count, systemd.socket(5))."""
    there = listeners.ends()
    found = [end for end in parse_ends(settings.get("listenaddress", ())) if end in there]
    return found or [end for end in parse_ends(_sockets()) if end in there]


def _sockets() -> List[str]:
    try:
        said = run(["systemctl", "show", "--property=Listen"] + list(_SOCKETS), check=False, timeout=10.0).text
    except CommandError:
        return []  # a host without systemd
    return [line[len("Listen="):] for line in said.splitlines() if line.startswith("Listen=")]
