# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How each host is reached from a person's machine, and what stands in the way. Pure."""

from __future__ import annotations

from typing import Dict, List, Mapping, NamedTuple, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.client import aliases
from ansible_collections.quantumsafe.openssh.plugins.module_utils.client.aliases import Program
from ansible_collections.quantumsafe.openssh.plugins.module_utils.client.host import Host, Hosts
from ansible_collections.quantumsafe.openssh.plugins.module_utils.client.report import Way
from ansible_collections.quantumsafe.openssh.plugins.module_utils.client.settings import Settings

_NO_PROGRAM = ("this ssh is not used, %s; and the client in the image cannot be: this machine does not hold %s, or "
               "may not use Docker")
_NO_WAY = "%s: no way to it from here: %s"
_NO_IDENTITY = ("%s: no identity in %s is of a type that it takes (%s): make one with oqs_ssh_client_identity, or use "
                "an agent")


class Programs(NamedTuple):
    """The person's own ssh, the client in the image, and the hosts for which the latter is used, with the reason."""

    own: Program
    image: Program
    by_image: Mapping[str, str]


def find(hosts: Hosts, programs: Programs, settings: Settings, folder: str) -> Tuple[Dict[str, Way], List[str]]:
    """The ways to hosts, and notes for the person.

    :param folder: where identities lie.
    """
    ways, notes = {}, []
    for name, host in hosts.items():
        program = programs.image if name in programs.by_image else programs.own
        why = aliases.lacks(host, program)
        if why and name in programs.by_image and not programs.image.kex:
            why = _NO_PROGRAM % (programs.by_image[name], settings.image)
        if why:
            notes.append(_NO_WAY % (name, why))
        elif not aliases.identities(host, program):
            notes.append(_NO_IDENTITY % (name, folder, ", ".join(host.offer.pubkeys)))
        ways[name] = _way(host, settings.prefix + name, program, name in programs.by_image, not why)
    return ways, notes


def _way(host: Host, alias: str, program: Program, by_image: bool, usable: bool) -> Way:
    kex = aliases.common(host, program)[0]
    login = "%s %s" % ("oqs-ssh" if by_image else "ssh", alias)
    return Way(
        login=login if host.mode == "shell" else "",
        hop="ssh %s%s" % (alias, aliases.HOP) if host.hop_keys else "",
        kex=kex[0] if kex else "",
        usable=usable,
    )
