# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan the lockdown: closed to the world, closed until confirmed, or open; and what forbids it. Pure."""

from __future__ import annotations

import ipaddress
from typing import Any, List, Mapping

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Plan
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import lockdown

Want = Mapping[str, Any]
Facts = Mapping[str, Any]

OPEN = "open"
UNCONFIRMED = "closed until confirmed"
#: What a want asks for in a step of the way: nothing (the end), to close, to confirm.
CLOSE, CONFIRM = "close", "confirm"
_LOOPBACK = ("127.0.0.1", "::1")


def plan_lockdown(want: Want, facts: Facts, plan: Plan) -> None:
    """One item, whose state is the whole of the lockdown."""
    wish, found = want["lockdown"], facts["lockdown"]
    if wish["state"] == "absent":
        plan.want("lockdown", "lockdown", "", found["state"], OPEN, "oqs_ssh_lockdown is false")
        return
    ready = complete(wish)
    after = UNCONFIRMED if wish.get("step") == CLOSE else lockdown.words(ready)
    others = [item.resource for item in plan.items]
    plan.want("lockdown", "lockdown", "", found["state"], after, "the quantum-safe way is the only one")
    if others:
        plan.refuse("the host is not as wanted (%s): run deploy first, then lock it down" % ", ".join(others[:5]))
    for problem in problems(wish, facts):
        plan.refuse(problem)


def complete(wish: Want) -> Want:
    """The wish with what follows from where the host's own sshd listens, and which file of the state a login needs: a
    server that answers, but lets nobody in, is no way."""
    return dict(
        wish,
        ports=sorted({int(wish["hop_port"]), *map(int, wish.get("hop_others", ()))}),
        address="127.0.0.1",
        needs=paths.HOME_SSH + "/authorized_keys" if wish["by_key"] else paths.PRIVATE_DIR + "/password",
    )


def opens(want: Want) -> bool:
    """Whether all that is wanted is an open host: then nothing that is wrong with the rest stands in the way."""
    return set(want) == {"lockdown"} and want["lockdown"]["state"] == "absent"


def keep_the_way(want: Want, facts: Facts, plan: Plan) -> None:
    """While a host is locked down, the only way in is not taken away."""
    port, ssh = facts.get("locked", 0), want.get("ssh")
    if port and ssh and (ssh["state"] == "absent" or ssh["port"] != port):
        plan.refuse(
            "this host is locked down, and port %d is the only way in: open it first (playbook lockdown with "
            "oqs_ssh_lockdown: false)" % port
        )


def problems(wish: Want, facts: Facts) -> List[str]:
    """Why this host cannot be locked down, with what to do."""
    found, machine = facts["lockdown"], facts["machine"]
    if not machine["systemd"]:
        return ["the lockdown needs systemd, whose timers undo it: this host has none"]
    errors = ["%s is missing on this host: install the package %s" % (name, lockdown.PROGRAMS[name])
              for name in found["missing"]]
    address = str(wish.get("hop_address", "localhost"))
    exposed = penalized(found["settings"], _LOOPBACK if address == "localhost" else (address,))
    if exposed:
        errors.append(
            "every hop comes from %s, and the host's own sshd shuts out addresses that fail (PerSourcePenalties), this "
            "one, too: write PerSourcePenaltyExemptList %s into a file in /etc/ssh/sshd_config.d, and reload sshd"
            % (" or ".join(exposed), ",".join(exposed))
        )
    return errors


def penalized(settings: Mapping[str, Any], addresses: "tuple[str, ...]") -> List[str]:
    """The addresses that the host's own sshd (9.8 and later) may shut out.

    :param settings: as ``sshd -T`` gives them.
    """
    if settings.get("persourcepenalties", ["no"])[0].split()[:1] in (["no"], []):
        return []
    exempt = ",".join(settings.get("persourcepenaltyexemptlist", [])).replace(" ", ",").split(",")
    return [address for address in addresses if not any(_covers(each, address) for each in exempt)]


def _covers(pattern: str, address: str) -> bool:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(pattern, strict=False)
    except ValueError:
        return False  # none, or a form that is not known here
