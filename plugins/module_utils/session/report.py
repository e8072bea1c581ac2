# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What travels back to the controller: the plan, and what was found, in names and words; no secret, no file content
beyond the plan's."""

from __future__ import annotations

from typing import Dict, Optional, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.file_modes import words
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.machine import Machine
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.processes import Port
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import hop as wanted_hop
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import known_hosts, policy, rotation
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.facts import State, WantedImage
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import (
    FirewallSpec,
    HopSpec,
    LockdownSpec,
    ServerSpec,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import platforms
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.containers import Container
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.engine import Engine
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.image_facts import Image
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import firewalls
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.firewalls import Found
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import algorithms, own_sshd
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config import sshconfig
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.handshakes import Proof
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import authorized_keys, key_files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.offers import Offer
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Plan
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.resource import Registry
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.typed import Facts, Spec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.access import Password
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.accounts import Account
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.hop import Hop
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.image import Arriving
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.lockdown import Lockdown
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session import answer
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session.answer import Look, OwnSshd, Target


def look(registry: Registry, spec: Spec, facts: Facts, plan: Plan, proof: Proof) -> Look:
    """A look as it travels."""
    hop = spec.get(HopSpec)
    found = facts.of(own_sshd.Offer) if hop else own_sshd.Offer()
    state = _state(spec, facts)
    return Look(
        plan=plan.items(),
        errors=list(plan.errors),
        notes=list(plan.notes),
        wanted=sorted(registry.parts(spec)),
        host=_host(spec, facts, state),
        own_sshd=OwnSshd(
            found.software, [name for name in found.kex if algorithms.is_quantum_safe(name)], found.error
        ),
        hop_target=Target(hop.hop_address, hop.hop_port) if hop else Target("localhost", 0),
        offer=_offer(state.sshd_config or b""),
        knows=policy.knows(facts.of(WantedImage).image if _about_image(spec) else Image()),
        pins=known_hosts.keys_of(state.known_hosts or b""),
        proof=proof,
        lockdown=_lockdown(spec, facts),
    )


def _about_image(spec: Spec) -> bool:
    return bool(spec.get(ServerSpec) or spec.get(HopSpec))


def _state(spec: Spec, facts: Facts) -> State:
    return facts.of(State) if spec.get(ServerSpec) or spec.get(HopSpec) else State()


def _lockdown(spec: Spec, facts: Facts) -> answer.Lockdown:
    if not spec.get(LockdownSpec):
        return answer.Lockdown(None, None, None)
    found = facts.of(Lockdown)
    return answer.Lockdown(found.state, found.token, found.through)


def _host(spec: Spec, facts: Facts, state: State) -> answer.Found:
    machine, engine, container = facts.of(Machine), facts.of(Engine), facts.of(Container)
    image, ssh = facts.of(Image) if _about_image(spec) else Image(), spec.get(ServerSpec)
    port = facts.of(Port) if ssh else Port()
    firewall = facts.of(Found) if spec.get(FirewallSpec) else None
    hop = facts.of(Hop) if spec.get(HopSpec) else Hop()
    return answer.Found(
        system=machine.name,
        package_manager=platforms.manager(machine),
        init="systemd" if machine.systemd else "other",
        engine=engine.version or ("stopped" if engine.program else "absent"),
        engine_at_boot=engine.boot.words,
        container=container.status,
        health=container.health,
        image=image.engine_id,
        image_origin=image.origin if image else None,
        image_parts=list(facts.of(Arriving).parts) if ssh else [],
        openssh=image.openssh,
        uid=state.uid,
        firewall=_active(firewall),
        firewall_rules=firewalls.shown(firewall) if firewall else [],
        password=facts.of(Password).state if ssh else "",
        listener=(port.owner or "nobody") if ssh else "",
        listener_is_ours=bool(port.inodes & container.sockets),
        folders={path: words(owner) for path, owner in state.folders.items()},
        keys={name: _pair(halves) for name, halves in state.keys.items()},
        next_keys=rotation.shown(state),
        settings={name: _settings(state.config(name), name) for name in ("sshd_config", "ssh_config")},
        hop_users={name: _account(account) for name, account in hop.users.items()},
    )


def _active(found: Optional[Found]) -> str:
    """The firewalls at work; empty where nobody asked."""
    return (", ".join(firewalls.active(found)) or "none") if found else ""


def _offer(data: bytes) -> Offer:
    """What the server's configuration offers; nothing where nobody can read it, which the plan says."""
    try:
        return policy.offer(data)
    except sshconfig.ConfigError:
        return policy.offer(b"")


def _pair(halves: Tuple[Optional[bytes], Optional[bytes]]) -> str:
    pair = key_files.pair_state(*halves)
    return " ".join([pair.state] + ([pair.key.type, pair.key.fingerprint] if pair.key else []))


def _settings(data: Optional[bytes], dialect: str) -> Dict[str, str]:
    """A configuration as its program reads it, as far as the file itself says something."""
    try:
        found = sshconfig.read(data or b"", dialect)
    except sshconfig.ConfigError as error:
        return {"error": str(error)}
    return {name: " ".join(values).encode("utf-8", "replace").decode() for name, values in sorted(found.items())}


def _account(account: Account) -> str:
    if account.error:
        return account.error
    ours = authorized_keys.marked(wanted_hop.MARK)
    lines = authorized_keys.parse(account.keys)
    return "the container's key may log in" if any(line.entry and ours(line.entry) for line in lines) else "no access"
