# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All kinds of firewalls: which of them are at work on a host, and what each of them needs. Pure."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Set, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import firewalld, iptables, nftables, ufw
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.backend import Backend, Change
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset import model
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.matching import Network
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config import sshconfig
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Plan

Want = Mapping[str, Any]
Facts = Mapping[str, Any]

#: A new kind of firewall is a file with its BACKEND, and a line here and in ``_WITHOUT``; besides, ``look_firewall``
#: reads what it holds, ``ledger`` and ``plan.QUICK`` know its kind, and the role's specification has it as a choice.
BACKENDS: Dict[str, Backend] = {
    each.name: each for each in (
        firewalld.BACKEND, ufw.BACKEND, nftables.BACKEND, iptables.BACKEND,
    )
}
_WITHOUT = {
    "nftables": "the program nft is not on this host, or there is no chain for incoming packets",
    "firewalld": "firewalld does not run",
    "ufw": "ufw is not enabled",
    "iptables": "no rule of iptables closes anything",
}


def active(found: Facts) -> List[str]:
    """The names of those at work; more than one may be, and then a packet has to pass them all."""
    return [name for name, backend in BACKENDS.items() if backend.active(found)]


def chosen(firewall: Want, found: Facts) -> List[str]:
    """The names of those to be opened; to be closed again: all, as ours may be in one that has been stopped since."""
    if firewall["state"] == "absent":
        return list(BACKENDS)
    return [name for name in active(found) if firewall["backend"] in ("auto", name)]


def changes(firewall: Want, found: Facts) -> List[Change]:
    """Everything that is not as wanted, files after the rules that are in force."""
    return [
        change
        for name in chosen(firewall, found)
        for change in BACKENDS[name].changes(firewall, found) if change.before != change.after
    ]


def plan_firewall(want: Want, facts: Facts, plan: Plan) -> None:
    """Open the port in each firewall that is active; an inactive one is never turned on."""
    firewall, found = want["firewall"], facts["firewall"]
    names = chosen(firewall, found)
    if not names and firewall["backend"] not in ("auto", "none"):
        plan.refuse(
            "oqs_ssh_firewall_backend is %s, but %s; one that is not active is never turned on: set it to auto or none"
            % (firewall["backend"], _WITHOUT[firewall["backend"]])
        )
        return
    if firewall["state"] == "present":
        for name in names:
            for problem in BACKENDS[name].problems(firewall, found):
                plan.refuse(problem)
        _check_sources(want, facts, plan)
        _remarks(firewall, found, plan)
    for change in changes(firewall, found):
        plan.want("firewall", change.kind, change.name, change.before, change.after, change.why)


def change_of(firewall: Want, found: Facts, kind: str, name: str) -> Optional[Change]:
    """The change behind an item of the plan."""
    return next((each for each in changes(firewall, found) if (each.kind, each.name) == (kind, name)), None)


def shown(found: Facts) -> List[str]:
    """Our rules in every firewall of the host, as people read them."""
    return [row for backend in BACKENDS.values() for row in backend.shown(found)]


def _check_sources(want: Want, facts: Facts, plan: Plan) -> None:
    """Sources that only sshd can be sure to enforce: does it?"""
    sources = want["firewall"]["sources"]
    if not sources:
        return
    if "ssh" in want and want["ssh"]["state"] == "present":
        enforced = list(want["ssh"]["sources"]) == list(sources)
        enforced = enforced and "allowusers" not in (facts["image"].get("unknown_keywords") or ())
    else:
        enforced = _allowed(facts["firewall"]["sshd_config"]) == set(model.parse_sources(sources))
    if not enforced:
        plan.refuse(
            "oqs_ssh_firewall_sources: nothing enforces them where the firewall lets others pass, as the sshd in the "
            "container does not have them: set the variable for the whole host (inventory, not one role), and run the "
            "role oqs_ssh, too"
        )


def _allowed(data: Optional[bytes]) -> Optional[Set[Network]]:
    """The networks from which a server configuration lets anybody log in; None: from everywhere."""
    try:
        now = sshconfig.read(data or b"", "sshd_config").get("allowusers", [])
        patterns = [pattern.partition("@") for text in now for pattern in text.split()]
        if not patterns or not all(host for _user, _at, host in patterns):
            return None
        return set(model.parse_sources([host for _user, _at, host in patterns]))
    except (sshconfig.ConfigError, ValueError):
        return None


def _remarks(firewall: Want, found: Facts, plan: Plan) -> None:
    """What a person should know of firewalls that are not opened."""
    if firewall["backend"] == "none":
        return
    names = active(found)
    left = [name for name in names if firewall["backend"] not in ("auto", name)]
    if left:
        plan.note(
            "more than one firewall is active; only %s is opened, as oqs_ssh_firewall_backend says, and %s may close "
            "the port: set it to auto" % (firewall["backend"], ", ".join(left))
        )
    if ufw.sleeping(found):
        plan.note(
            "ufw is enabled, but its rules are not loaded: at the next boot they may be, and close port %d; then run "
            "again" % firewall["port"]
        )
    for keeper, chain in blocked(firewall, found):
        plan.note(
            "the chain %s of %s may drop packets for port %d before any firewall's rules for the host: look there if "
            "the port does not answer" % (chain, keeper, firewall["port"])
        )


def blocked(firewall: Want, found: Facts) -> List[Tuple[str, str]]:
    """Chains that come before those that are opened, and may drop what should pass."""
    ruleset = found["nftables"]["ruleset"]
    if not ruleset:
        return []
    return [each for each in model.blockers(ruleset, firewall["port"], firewall["sources"]) if each[0] == "nftables"]
