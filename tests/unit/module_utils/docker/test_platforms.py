# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each distribution is known by its os-release file; the texts are those of real systems, shortened."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import machine as machines
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.machine import Machine
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import platforms

#: os-release texts, and what is known of the machine: title, package manager, packages for Docker.
RELEASES = {
    "Debian 12": ("""PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
VERSION="12 (bookworm)"
VERSION_CODENAME=bookworm
ID=debian
HOME_URL="https://www.debian.org/"
""", "Debian", "apt", ["docker.io"]),
    "Debian forky": ("""PRETTY_NAME="Debian GNU/Linux forky/sid"
NAME="Debian GNU/Linux"
VERSION_CODENAME=forky
ID=debian
""", "Debian", "apt", ["docker.io", "docker-cli"]),
    "Raspbian 11": ("""PRETTY_NAME="Raspbian GNU/Linux 11 (bullseye)"
VERSION_ID="11"
VERSION_CODENAME=bullseye
ID=raspbian
ID_LIKE=debian
""", "Debian", "apt", ["docker.io", "docker-cli"]),
    "Ubuntu 24.04": ("""PRETTY_NAME="Ubuntu 24.04.1 LTS"
NAME="Ubuntu"
VERSION_ID="24.04"
VERSION_CODENAME=noble
ID=ubuntu
ID_LIKE=debian
UBUNTU_CODENAME=noble
""", "Ubuntu", "apt", ["docker.io"]),
    "Linux Mint 22": ("""NAME="Linux Mint"
VERSION="22 (Wilma)"
ID=linuxmint
ID_LIKE="ubuntu debian"
VERSION_CODENAME=wilma
""", "Ubuntu", "apt", ["docker.io"]),
    "RHEL 9": ("""NAME="Red Hat Enterprise Linux"
VERSION="9.4 (Plow)"
ID="rhel"
ID_LIKE="fedora"
VERSION_ID="9.4"
PLATFORM_ID="platform:el9"
PRETTY_NAME="Red Hat Enterprise Linux 9.4 (Plow)"
""", "RHEL, Rocky, Alma, CentOS Stream, Oracle", "dnf", []),
    "Rocky 9": ("""NAME="Rocky Linux"
VERSION="9.4 (Blue Onyx)"
ID="rocky"
ID_LIKE="rhel centos fedora"
VERSION_ID="9.4"
PRETTY_NAME="Rocky Linux 9.4 (Blue Onyx)"
""", "RHEL, Rocky, Alma, CentOS Stream, Oracle", "dnf", []),
    "Alma 10": ("""NAME="AlmaLinux"
ID="almalinux"
ID_LIKE="rhel centos fedora"
VERSION_ID="10.0"
PRETTY_NAME="AlmaLinux 10.0 (Purple Lion)"
""", "RHEL, Rocky, Alma, CentOS Stream, Oracle", "dnf", []),
    "CentOS Stream 10": ("""NAME="CentOS Stream"
ID="centos"
ID_LIKE="rhel fedora"
VERSION_ID="10"
PRETTY_NAME="CentOS Stream 10 (Coughlan)"
""", "RHEL, Rocky, Alma, CentOS Stream, Oracle", "dnf", []),
    "Fedora 42": ("""NAME="Fedora Linux"
VERSION="42 (Server Edition)"
ID=fedora
VERSION_ID=42
VERSION_CODENAME=""
PRETTY_NAME="Fedora Linux 42 (Server Edition)"
""", "Fedora", "dnf", ["moby-engine", "docker-cli"]),
    "Leap 15.6": ("""NAME="openSUSE Leap"
VERSION="15.6"
ID="opensuse-leap"
ID_LIKE="suse opensuse"
VERSION_ID="15.6"
PRETTY_NAME="openSUSE Leap 15.6"
""", "openSUSE, SLES", "zypper", ["docker"]),
    "SLES 15": ("""NAME="SLES"
VERSION="15-SP6"
VERSION_ID="15.6"
PRETTY_NAME="SUSE Linux Enterprise Server 15 SP6"
ID="sles"
ID_LIKE="suse"
""", "openSUSE, SLES", "zypper", ["docker"]),
    "Tumbleweed": ("""NAME="openSUSE Tumbleweed"
ID="opensuse-tumbleweed"
ID_LIKE="opensuse suse"
VERSION_ID="20250801"
""", "openSUSE, SLES", "zypper", ["docker"]),
    "Alpine 3.22": ("""NAME="Alpine Linux"
ID=alpine
VERSION_ID=3.22.0
PRETTY_NAME="Alpine Linux v3.22"
""", "Alpine", "apk", ["docker", "docker-cli"]),
}


def machine(text):
    release = machines.parse_release(text)
    return Machine(
        distribution=release.get("ID", "unknown"), like=tuple(release.get("ID_LIKE", "").split()),
        codename=release.get("VERSION_CODENAME", ""), name=release.get("PRETTY_NAME", "unknown"),
    )


@pytest.mark.parametrize("name", sorted(RELEASES))
def test_a_distribution_is_known(name):
    text, title, manager, packages = RELEASES[name]
    found = machine(text)
    platform = platforms.find(found)
    assert platform is not None and platform.title == title
    assert platforms.manager(found) == manager and platforms.docker_packages(found) == packages


@pytest.mark.parametrize("text", ["", "ID=arch\n", "ID=nixos\nID_LIKE=\n", "# ID=debian\n"])
def test_one_that_is_not(text):
    found = machine(text)
    assert platforms.find(found) is None
    assert platforms.manager(found) == "" and platforms.docker_packages(found) == []
    assert "is not known: install Docker, then run again; all the rest works with it" in platforms.no_docker(found)


def test_quotes_and_blanks_of_os_release():
    assert machines.parse_release("A='x y'\nB=\"z\"\n  C=1\n# D=2\nE\n") == {"A": "x y", "B": "z", "C": "1"}


@pytest.mark.parametrize(("manager", "command"), [
    ("apt", []), ("dnf", []), ("apk", ["apk", "add", "--no-progress", "docker"]),
    ("zypper", ["zypper", "--non-interactive", "install", "--no-recommends", "docker"]),
])
def test_how_packages_are_installed(manager, command):
    assert platforms.how_to_install(["docker"], manager, "systemd") == {
        "packages": ["docker"], "manager": manager, "install": command, "init": "systemd",
    }
    assert platforms.how_to_install([], manager, "systemd")["install"] == []


@pytest.mark.parametrize(("names", "arguments"), [
    ([], []), (["apparmor"], []), (["selinux"], ["--security-opt", "label=disable"]),
    (["apparmor", "selinux"], ["--security-opt", "label=disable"]),
])
def test_what_docker_is_told_for_security_modules(names, arguments):
    assert platforms.security_arguments(names) == arguments


def test_the_table_is_whole():
    ids = [name for platform in platforms.PLATFORMS for name in platform.ids]
    assert len(ids) == len(set(ids))
    for platform in platforms.PLATFORMS:
        assert bool(platform.docker) != bool(platform.missing), platform.title
        assert not platform.docker or "" in platform.docker, platform.title
        assert platform.manager in ("apt", "dnf", *platforms.INSTALL), platform.title
        assert platform.security in ("", *platforms.SECURITY), platform.title
