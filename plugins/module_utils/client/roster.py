# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which hosts get aliases on a person's machine, and what is to be said of the others. Pure."""

from __future__ import annotations

from typing import Iterator, NamedTuple, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.client import aliases
from ansible_collections.quantumsafe.openssh.plugins.module_utils.client.host import Host, Hosts
from ansible_collections.quantumsafe.openssh.plugins.module_utils.client.memory import Memory
from ansible_collections.quantumsafe.openssh.plugins.module_utils.client.settings import Settings

_NO_ALIAS = "%r: a name with such characters cannot be an alias of ssh; rename the host in the inventory"
_REMEMBERED = "%s: what this machine remembers of it cannot be used (%s): it has no alias until it is asked again"
_REPORTED = "%s: what is known of it cannot be written for ssh (%s): it has no alias"
_OTHER_KEYS = ("%s: %s has other host keys than before; what the host itself said over the management connection is "
               "pinned now")


class Roster(NamedTuple):
    """Hosts that get aliases, and notes for the person."""

    hosts: Hosts
    notes: Tuple[str, ...]


def call(settings: Settings, memory: Memory) -> Roster:
    """The hosts that this run has asked, and those of the inventory that only an earlier one has."""
    asked = {*settings.reported, *settings.bare, *settings.unusable}
    others = [name for name in dict.fromkeys(settings.inventory) if name not in asked]
    known = {name: memory.hosts[name] for name in others if name in memory.hosts}
    known.update(settings.reported)
    notes = [_NO_ALIAS % name for name in sorted(known) if not aliases.is_alias(name)]
    notes += [_REPORTED % pair for pair in sorted(settings.unusable.items())]
    notes += [_REMEMBERED % (name, memory.unusable[name]) for name in sorted(others) if name in memory.unusable]
    hosts = {name: host for name, host in known.items() if aliases.is_alias(name)}
    for name, host in hosts.items():
        if name in memory.hosts:
            notes += _other_keys(name, memory.hosts[name], host)
    return Roster(hosts, tuple(notes))


def _other_keys(name: str, before: Host, after: Host) -> Iterator[str]:
    for old, new, words in ((before.keys, after.keys, "its quantum-safe sshd"),
                            (before.hop_keys, after.hop_keys, "its own sshd")):
        if old and not set(old) & set(new):
            yield _OTHER_KEYS % (name, words)
