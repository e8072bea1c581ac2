# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan: what is there, what is wanted, why. The one source of check mode, diff, forecast and idempotence. Pure."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, NamedTuple, Sequence

#: What only a run can know, as it stands in a plan.
UNKNOWN = "<known after apply>"

#: The order in which a host is changed; a role asks for some of them.
SECTIONS = (
    "lockdown",  # first: a removal opens the host again before it takes anything away
    "engine", "image", "state", "keys", "config", "password", "access", "container", "firewall", "hop", "removal",
)
#: What can be ordered of oqs_apply: the sections of what is wanted, and the password, a part of one.
ORDERS = ("engine", "ssh", "password", "firewall", "hop", "lockdown", "removal")
#: Sections of what is wanted that are several of the plan.
_PARTS = {
    "ssh": ("image", "state", "keys", "config", "password", "access", "container"),
    "removal": ("lockdown", "firewall", "hop", "removal"),
}
#: Kinds that tasks of Ansible's own carry out, not oqs_apply.
BY_ANSIBLE = frozenset({"packages", "service"})
#: Kinds that are mended in a moment, in a container that goes on running, and with nothing but what the host has.
QUICK = frozenset({
    "folder", "file_mode", "sshd_config", "ssh_config", "known_hosts", "password", "authorized_keys", "in_force",
    "firewalld", "ufw", "nftables", "iptables", "firewall_file",
    "hop_config", "hop_client", "hop_known_hosts", "hop_user",
})


class Item(NamedTuple):
    """One thing that is not as wanted.

    ``kind`` names the function that mends it, ``name`` the thing itself; ``before`` and ``after`` are text for people
    and never hold a secret.
    """

    section: str
    kind: str
    name: str
    before: str
    after: str
    why: str

    @property
    def resource(self) -> str:
        """The thing as a person calls it."""
        return ("%s %s" % (self.kind.replace("_", " "), self.name)).strip()


def section_names(names: Sequence[str]) -> List[str]:
    """The sections of the plan that belong to a section of what is wanted."""
    return [part for name in names for part in _PARTS.get(name, (name,))]


class Plan:
    """What has to be done on a host, in order, and what forbids it."""

    def __init__(self) -> None:
        self.items: List[Item] = []
        self.errors: List[str] = []
        self.notes: List[str] = []

    def want(self, section: str, kind: str, name: str, before: str, after: str, why: str) -> None:
        """Add an item unless the thing is already as wanted."""
        if before != after:
            self.items.append(Item(section, kind, name, before, after, why))

    def refuse(self, message: str) -> None:
        """A reason why the run cannot succeed; nothing is changed while there is one."""
        if message not in self.errors:
            self.errors.append(message)

    def note(self, message: str) -> None:
        """Something a person should know; it changes nothing."""
        if message not in self.notes:
            self.notes.append(message)

    def section(self, names: Iterable[str]) -> List[Item]:
        """The items of some sections, in the order in which they are carried out."""
        wanted = set(names)
        return [item for item in self.ordered() if item.section in wanted]

    def ordered(self) -> List[Item]:
        """All items in the order of ``SECTIONS``, and within one as they were planned."""
        return sorted(self.items, key=lambda item: SECTIONS.index(item.section))


def as_dicts(items: Sequence[Item]) -> List[Dict[str, Any]]:
    """Plan items as they travel to the controller."""
    return [dict(item._asdict(), resource=item.resource) for item in items]


def diff(items: Iterable[Dict[str, Any]]) -> List[Dict[str, str]]:
    """Plan items (as dictionaries) in the form that Ansible prints for ``--diff``.

    Where what comes to a file is not known yet, its present lines are not shown as if they went.
    """
    return [
        {
            "before_header": "%s (%s)" % (item["resource"], item["why"]),
            "after_header": item["resource"],
            "before": _text(item["before"]),
            "after": (item["before"] if item["before"].endswith("\n") and item["after"] == UNKNOWN else "")
            + _text(item["after"]),
        }
        for item in items
    ]


def _text(value: str) -> str:
    return value if value.endswith("\n") or not value else value + "\n"
