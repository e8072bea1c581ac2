# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What differs between distributions, as data: `PLATFORMS` is also the table in the README. Pure."""

from __future__ import annotations

from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.machine import Machine


class Platform(NamedTuple):
    """A family of distributions.

    :ivar ids: ID in os-release(5); a derivative is found by its ID_LIKE.
    :ivar manager: of packages: ``apt`` and ``dnf`` by ansible-core's modules, the others by their command line.
    :ivar docker: packages that bring an engine with its command line, by codename ("" for the rest); or none.
    :ivar missing: what to install where the distribution itself has no engine.
    :ivar firewall: the one it comes with, active or not; the run finds out which one is active.
    :ivar security: the Linux security module that confines containers.
    :ivar python: what to install for Ansible to work, where it is not there.
    :ivar proved: what was run for real; empty: data and unit tests only.
    """

    title: str
    ids: Tuple[str, ...]
    manager: str
    docker: Mapping[str, Sequence[str]]
    missing: str
    service: str
    firewall: str
    security: str
    python: str
    proved: str


_DOCKER_CE = "docker-ce, docker-ce-cli and containerd.io from Docker's own repository (docs.docker.com/engine/install)"

PLATFORMS: Tuple[Platform, ...] = (
    Platform("Debian", ("debian",), "apt", {"bookworm": ["docker.io"], "": ["docker.io", "docker-cli"]}, "", "systemd",
             "nftables", "apparmor", "", "12 (bookworm), 13 (trixie) and forky"),
    Platform("Ubuntu", ("ubuntu",), "apt", {"": ["docker.io"]}, "", "systemd", "ufw", "apparmor", "", ""),
    Platform("RHEL, Rocky, Alma, CentOS Stream, Oracle", ("rhel", "rocky", "almalinux", "centos", "ol"), "dnf", {},
             _DOCKER_CE, "systemd", "firewalld", "selinux", "python3.11 on 8", ""),
    Platform("Fedora", ("fedora",), "dnf", {"": ["moby-engine", "docker-cli"]}, "", "systemd", "firewalld", "selinux",
             "", ""),
    Platform("openSUSE, SLES", ("opensuse-leap", "opensuse-tumbleweed", "opensuse", "sles", "suse"), "zypper",
             {"": ["docker"]}, "", "systemd", "firewalld", "apparmor", "python311 on 15", ""),
    Platform("Alpine", ("alpine",), "apk", {"": ["docker", "docker-cli"]}, "", "openrc", "none", "", "python3", ""),
)

#: How packages are installed where ansible-core has no module: argv, to which the names are added.
INSTALL: Dict[str, List[str]] = {
    "zypper": ["zypper", "--non-interactive", "install", "--no-recommends"],
    "apk": ["apk", "add", "--no-progress"],
}

#: Arguments of docker by the security module that the engine says it uses. With SELinux the container's process may
#: not touch files that carry the host's labels; relabelling them (``:z``) would take /etc/oqs-ssh from every other
#: program's policy and does not outlive a restorecon, so this one container is not confined by SELinux (user, group,
#: capabilities, no-new-privileges and the mounts confine it as everywhere). AppArmor's docker-default lets sshd work.
SECURITY: Dict[str, List[str]] = {"selinux": ["--security-opt", "label=disable"], "apparmor": []}

#: Groups whose members are root in all but name.
PRIVILEGED_GROUPS = frozenset({"root", "sudo", "wheel", "admin", "adm", "docker", "lxd", "libvirt", "disk", "shadow"})


def find(machine: Machine) -> Optional[Platform]:
    """The family of a machine, by its own name first, then by what it says it is like.

    """
    for name in [machine.distribution, *machine.like]:
        for platform in PLATFORMS:
            if name in platform.ids:
                return platform
    return None


def manager(machine: Machine) -> str:
    """The package manager of a machine; empty: not known."""
    platform = find(machine)
    return platform.manager if platform else ""


def docker_packages(machine: Machine) -> List[str]:
    """Packages to install for Docker, empty where none are known."""
    platform = find(machine)
    if not platform or not platform.docker:
        return []
    return list(platform.docker.get(machine.codename, platform.docker[""]))


def how_to_install(packages: Sequence[str], manager: str, init: str) -> Dict[str, object]:
    """What the role docker_engine needs to know: the module of ansible-core to use, or else the command line.

    :param init: ``systemd`` or ``other``.
    """
    command = INSTALL[manager] + list(packages) if packages and manager in INSTALL else []
    return {"packages": list(packages), "manager": manager, "install": command, "init": init}


def no_docker(machine: Machine) -> str:
    """Why Docker cannot be installed here, and what to do."""
    platform = find(machine)
    if platform and platform.missing:
        reason, cure = "%s has none among its own packages" % machine.name, platform.missing
    else:
        reason, cure = "which packages bring one on %s is not known" % machine.name, "Docker"
    words = "there is no Docker engine here, and %s: install %s, then run again; all the rest works with it"
    return words % (reason, cure)


def security_arguments(modules: Sequence[str]) -> List[str]:
    """Options of ``docker create`` and ``docker run`` because of the host's security modules."""
    return [word for name in modules for word in SECURITY.get(name, [])]
