# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which host this is."""

from __future__ import annotations

import os
from typing import Dict, NamedTuple, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files

NO_ROOT = "this needs root on the host: set become: true (or ansible_become), or connect as root"
#: Said where there is no machine-id(5).
NO_ID = (
    "this host has no machine-id yet (/etc/machine-id is missing, empty or uninitialized), and what is changed here is "
    "bound to it: systemd-machine-id-setup, or dbus-uuidgen --ensure=/etc/machine-id, then run again"
)


class Machine(NamedTuple):
    """The host itself: machine-id(5), os-release(5), who we are there."""

    id: str = ""
    distribution: str = "unknown"
    like: Tuple[str, ...] = ()
    version: str = ""
    codename: str = ""
    name: str = "unknown"
    root: bool = True
    systemd: bool = True


def machine_id() -> str:
    """The host's machine-id(5), to which the ledger is bound; empty where it has none."""
    found = (files.read_file("/etc/machine-id") or b"").decode("ascii", "replace").strip()
    return "" if found == "uninitialized" else found  # as systemd has it before the first boot has ended


def read() -> Machine:
    """The host at hand."""
    data = files.read_file("/usr/lib/os-release") or files.read_file("/etc/os-release") or b""
    release = parse_release(data.decode("utf-8", "replace"))
    return Machine(
        id=machine_id(), distribution=release.get("ID", "unknown"), like=tuple(release.get("ID_LIKE", "").split()),
        version=release.get("VERSION_ID", ""), codename=release.get("VERSION_CODENAME", ""),
        name=release.get("PRETTY_NAME", "unknown"), root=os.geteuid() == 0,
        systemd=os.path.isdir("/run/systemd/system"),
    )


def parse_release(text: str) -> Dict[str, str]:
    """The settings of an os-release file (os-release(5): shell-like assignments, quotes or none)."""
    found: Dict[str, str] = {}
    for line in text.splitlines():
        name, sign, value = line.strip().partition("=")
        if sign and not name.startswith("#"):
            found[name] = value.strip().strip("\"'")
    return found
