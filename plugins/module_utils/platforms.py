# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What differs between distributions, as data."""

from __future__ import annotations

from typing import Any, List, Mapping

#: Packages that bring a Docker engine with its command line, by os-release ID, then codename ("" for the rest).
_DOCKER = {
    "debian": {"bookworm": ["docker.io"], "": ["docker.io", "docker-cli"]},
    "ubuntu": {"": ["docker.io"]},
}

#: Groups whose members are root in all but name.
PRIVILEGED_GROUPS = frozenset({"root", "sudo", "wheel", "admin", "adm", "docker", "lxd", "libvirt", "disk", "shadow"})


def docker_packages(machine: Mapping[str, Any]) -> List[str]:
    """Packages to install for Docker, empty where none are known.

    :param machine: ``look.machine()``: distribution, like, codename.
    """
    for name in [machine["distribution"]] + list(machine["like"]):
        if name in _DOCKER:
            table = _DOCKER[name]
            return table.get(machine["codename"], table[""])
    return []
