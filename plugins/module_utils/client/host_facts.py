# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a client has to know of a host: read on the host itself, over the management connection, so nothing is trusted
on first use. Needs no spec and no secret: only what lies there counts."""

from __future__ import annotations

from typing import List, Mapping, NamedTuple, Optional, Sequence

from ansible_collections.quantumsafe.openssh.plugins.module_utils.client.host import Host
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files, paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import known_hosts, policy
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import grammar, own_sshd
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config import sshconfig

_FILE = paths.STATE_DIR + "/sshd_config"
#: Values of PermitOpen that name no single target (sshd_config(5)).
_NO_TARGET = ("any", "none")
Values = Mapping[str, Sequence[str]]


class Target(NamedTuple):
    """Where the hop goes; port 0: there is none."""

    address: str
    port: int


def read() -> Optional[Host]:
    """Port, user, mode, offer and public host keys of the container; address, port and keys of the host's own sshd.

    :returns: None where nothing is deployed.
    :raises UnsafePath, ConfigError, OSError: it cannot be read, or does not say what it must.
    """
    data = files.read_file(_FILE)
    known = files.read_file(paths.STATE_DIR + "/known_hosts")
    if data is None or known is None:
        return None
    settings = sshconfig.read(data, sshconfig.SSHD)
    hop = bool(known_hosts.part_of(known, known_hosts.HOST))
    target = _target(settings) if hop else Target("localhost", 0)
    return Host(
        port=_port("Port", settings.get("port", ["22"])[0]),
        user=_user(settings),
        mode="hop" if settings.get("maxsessions") == ["0"] else "shell",
        offer=policy.offer(data),
        keys=tuple(known_hosts.keys_of(known)),
        hop_address=target.address,
        hop_port=target.port,
        hop_keys=tuple(_key(line) for line in own_sshd.host_keys(own_sshd.settings())) if hop else (),
    )


def _key(line: str) -> str:
    return " ".join(line.split()[:2])


def _user(settings: Values) -> str:
    """The account that may log in; the image's own where the file names nobody."""
    allowed = " ".join(settings.get("allowusers", ())).split() or ["oqs"]
    return allowed[0].partition("@")[0]


def _target(settings: Values) -> Target:
    """The host's own sshd, as PermitOpen names it behind the three names of localhost.

    :raises ConfigError: what stands there is no target.
    """
    targets: List[str] = " ".join(settings.get("permitopen", ())).split() or ["localhost:22"]
    wanted = targets[3] if len(targets) > 3 else targets[0]
    address, _colon, port = wanted.rpartition(":")
    if wanted.lower() in _NO_TARGET or port == "*":
        return Target("localhost", 0)
    address = address.strip("[]")
    if not grammar.address(address):
        raise sshconfig.ConfigError("PermitOpen in %s names no address" % _FILE)
    return Target(address, _port("PermitOpen", port))


def _port(keyword: str, text: str) -> int:
    """The number of a port.

    :raises ConfigError: it is none.
    """
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= grammar.LAST_PORT:
        raise sshconfig.ConfigError("%s in %s names no port" % (keyword, _FILE))
    return int(text)
