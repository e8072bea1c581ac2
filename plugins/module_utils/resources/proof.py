# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A handshake as proof: made by the image's own client, in the container, against pinned host keys; nobody logs in."""

from __future__ import annotations

import time
from typing import NamedTuple, Optional

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import (
    FirewallSpec,
    HopSpec,
    RemovalSpec,
    ServerSpec,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.containers import Container
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import handshakes
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.handshakes import Handshake, Proof
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.resource import Resource
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.typed import Facts, Spec

#: Seconds between the tries of a handshake that was turned away. An sshd of 9.8 or later shuts out an address whose
#: logins fail for 15 seconds at least (PerSourcePenalties), and a handshake without a login is one of them.
PAUSES = (0.2, 0.4, 0.8, 1.0, 1.0, 1.0, 1.0, 2.0, 4.0, 8.0, 8.0)


def of_own(container: str, port: int) -> Handshake:
    """A real handshake with the container's sshd."""
    return prove(container, port).own or Handshake(error="no answer")


def prove(
    container: str, port: int, hop_port: Optional[int] = None, hop_user: str = "root", hop_address: str = "localhost"
) -> Proof:
    """A real handshake with the container's sshd, and one through the hop where its port is given.

    The client verifies the host key against the pinned one and the signature over the exchange.
    """
    arguments = ["exec", container, paths.ENTRY, "prove", str(port)]
    if hop_port:
        arguments += [str(hop_port), hop_user, hop_address]
    asked = ["own", "hop"] if hop_port else ["own"]
    for pause in (*PAUSES, None):
        done = cli.docker(arguments, check=False)
        said = done.out.decode("utf-8", "replace")
        parts = {part.split("\n", 1)[0]: part for part in said.split("\n== ")[1:]}
        missing = Handshake(error=done.reason)  # it was asked for, and nobody has made it
        found = {name: handshakes.said(parts[name]) if name in parts else missing for name in asked}
        if pause is None or not any(handshakes.turned_away(each) for each in found.values()):
            break
        time.sleep(pause)
    return Proof(found.get("own"), found.get("hop"))


class Ran(NamedTuple):
    """The container of an earlier look of this execution."""

    container: Container = Container()


class ProofResource(Resource):
    """Plans nothing; a handshake that is made on request. A container that ran before is asked at once."""

    def __init__(self) -> None:
        self.readers = {Proof: _read, Ran: lambda _facts: Ran()}


def _read(facts: Facts) -> Proof:
    spec, before = facts.of(Spec), facts.of(Ran).container
    return of_spec(spec, before if provable(spec, before) else facts.of(Container))


PROOF = ProofResource()


def provable(spec: Spec, container: Container) -> bool:
    """Does a container of ours run, and does the run ask about it?"""
    server = spec.get(ServerSpec)
    going = spec.get(RemovalSpec) or (server and server.state == "absent")
    asked = any(spec.get(kind) for kind in (ServerSpec, HopSpec, FirewallSpec)) and not going
    return bool(asked and container.running and container.ours)


def of_spec(spec: Spec, container: Container) -> Proof:
    """What the run asks about, proved; empty where nothing runs yet."""
    if not provable(spec, container):
        return Proof()
    server, hop, firewall = spec.get(ServerSpec), spec.get(HopSpec), spec.get(FirewallSpec)
    part = server or hop or firewall
    if not part:
        return Proof()
    name = container.name or part.container  # until a run has given it another
    if not hop:
        return prove(name, part.port)
    hop_port = hop.hop_port if hop.state == "present" else None
    return prove(name, part.port, hop_port, (hop.users or ["root"])[0], hop.hop_address)
