# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a client has to know of a host: read on the host itself, over the management connection, so nothing is trusted
on first use. Needs no wishes and no secret: only what lies there counts."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.quantumsafe.openssh.plugins.module_utils.client import answers
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files, paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import desired, policy
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config import sshconfig
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import look

Facts = Dict[str, Any]


def read() -> Facts:
    """Port, user, mode, offer and public host keys of the container; address, port and keys of the host's own sshd.

    :returns: empty where nothing is deployed.
    :raises UnsafePath, ConfigError, OSError: it cannot be read.
    """
    data = files.read_file(paths.STATE_DIR + "/sshd_config")
    known = files.read_file(paths.STATE_DIR + "/known_hosts")
    if data is None or known is None:
        return {}
    settings = sshconfig.read(data, sshconfig.SSHD)
    targets = " ".join(settings.get("permitopen", ["localhost:22"])).split()
    address, _colon, port = (targets[3] if len(targets) > 3 else targets[0]).rpartition(":")
    hop = bool(desired.known_part(known, "host"))
    own = desired.known_part(known, desired.OWN).decode("utf-8", "replace").splitlines()
    return {
        "port": int(settings.get("port", ["22"])[0]),
        "user": " ".join(settings.get("allowusers", ["oqs"])).split()[0].partition("@")[0],
        "mode": "hop" if settings.get("maxsessions") == ["0"] else "shell",
        "offer": policy.offer(data),
        "keys": [" ".join(line.split()[1:3]) for line in own],
        "hop_address": address.strip("[]"),
        "hop_port": int(port) if hop and port.isdigit() else 0,
        "hop_keys": [" ".join(line.split()[:2]) for line in look.host_keys(look.own_settings())] if hop else [],
    }


def is_whole(host: Any) -> bool:
    """Whether this is what ``read`` gave on a host, and where the controller found it (``address``)."""
    found = dict(host) if isinstance(host, dict) else {}
    there = answers.address(found.pop("address", None))
    try:
        return there and bool(answers.client(found))
    except answers.BadAnswer:
        return False
