# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What must be true of a host, of its image and of those who are to come, before a server is deployed there: the
refusals and remarks that belong to no single thing."""

from __future__ import annotations

from typing import Sequence

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import processes
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.machine import NO_ID, NO_ROOT, Machine
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.processes import Port
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import clients, policy
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.content import Content
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.facts import State, Upgrade, WantedImage
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import (
    EngineSpec,
    RemovalSpec,
    ServerSpec,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.containers import Container, Others
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.engine import Engine
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.image_facts import Image
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import algorithms
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config import sshconfig
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.sshconfig import ConfigError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.own_sshd import OwnSshd
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.ledger_file import Written
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Plan
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.resource import Resource
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.typed import Facts, Spec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import configuration, engine, lockdown

LEDGER_CUT = (
    "the end of the ledger is cut off (/var/lib/oqs-ssh/ledger/ledger.jsonl): what was written there last is not "
    "known, and a removal will take it back only where it carries our mark; the disk was full, or somebody was at work"
)
_OPTIONS = ("kex_algorithms", "host_key_algorithms", "pubkey_algorithms")


class GroundResource(Resource):
    """Plans nothing; says what forbids everything."""

    def plan(self, spec: Spec, facts: Facts, plan: Plan) -> None:
        """Who we are, whether the ledger can be trusted, and whether the configurations can be read."""
        if not facts.of(Machine).root:
            plan.refuse(NO_ROOT)
        if not facts.of(Machine).id and not spec.get(RemovalSpec) and not lockdown.opens_only(spec):
            plan.refuse(NO_ID)
        written = facts.of(Written)
        if written.distrust and not lockdown.opens_only(spec):
            plan.refuse(written.distrust)
        if written.cut and not spec.get(RemovalSpec):
            plan.note(LEDGER_CUT, lasting=True)  # the first entry of the run repairs its end
        for words in configuration.unreadable(spec, facts):
            plan.stop(words)


class ServerResource(Resource):
    """Plans nothing; says what forbids a server."""

    part = "ssh"

    def __init__(self) -> None:
        self.readers = {Port: _port}

    def plan(self, spec: Spec, facts: Facts, plan: Plan) -> None:
        """Refusals first; where the image is not at hand to ask, that what follows needs it."""
        ssh = spec.get(ServerSpec)
        if not ssh or ssh.state == "absent":
            return
        _check_surroundings(ssh, facts, plan)
        if engine.refused(facts.of(Engine), plan):
            plan.leave(self.part)
            return
        wanted = spec.get(EngineSpec)
        if not (wanted and wanted.state == "present"):  # else the engine's own section plans it, or says it
            if not facts.of(Engine).running:
                plan.refuse("no Docker engine answers on this host: use the role docker_engine, or start Docker")
            engine.remark(facts.of(Engine), plan)
        image = facts.of(WantedImage).image
        _check_algorithms(ssh, image, plan)
        if not image.known:
            configuration.plan_unknown(ssh, facts, plan)
            return
        clients.check(ssh, image, facts.of(Content), plan)
        _remarks(ssh, image, plan)


def _port(facts: Facts) -> Port:
    ssh = facts.of(Spec).get(ServerSpec)
    return processes.who_listens(ssh.port) if ssh else Port()


def _check_surroundings(ssh: ServerSpec, facts: Facts, plan: Plan) -> None:
    """Reasons that lie on the host: somebody else's container, a port in use."""
    container, port = facts.of(Container), facts.of(Port)
    if container and not container.ours:
        plan.refuse(
            "a container %s is there that this collection did not make: look at it (docker inspect %s), then remove it "
            "(docker rm -f %s) or set oqs_ssh_container_name" % ((ssh.container,) * 3)
        )
        return
    before = facts.of(Upgrade).sockets  # of the container before, where a swap was cut short
    before = before.union(*(each.sockets for each in facts.of(Others).same))  # under names of before; they go
    ours = port.inodes & (container.sockets | before)
    owner = port.owner if not ours else ""
    if ours and everywhere(facts.of(State).sshd_config or b""):
        owner = next((words for inode, words in port.owners.items() if inode not in ours), "")
    if owner:
        plan.refuse("port %d is taken by %s: stop it there, or set oqs_ssh_port to a free one" % (ssh.port, owner))
    elif str(ssh.port) in facts.of(OwnSshd).settings.get("port", ()):
        plan.refuse("the host's own sshd is configured for port %d (sshd -T), and takes it at its next start: set "
                    "oqs_ssh_port to another one" % ssh.port)


def everywhere(sshd_config: bytes) -> bool:
    """Whether sshd is to listen on all addresses, as it does unless an operator says otherwise."""
    try:
        now = sshconfig.read(sshd_config, "sshd_config")
    except ConfigError:
        return False  # said elsewhere
    return "listenaddress" not in now and now.get("addressfamily", ["any"]) == ["any"]


def _named(ssh: ServerSpec, option: str) -> Sequence[str]:
    lists = (ssh.kex_algorithms, ssh.host_key_algorithms, ssh.pubkey_algorithms)
    return dict(zip(_OPTIONS, lists))[option]


def _check_algorithms(ssh: ServerSpec, image: Image, plan: Plan) -> None:
    if not image.kex:
        return
    for option, known in zip(_OPTIONS, (image.kex, image.key, (*image.key, *image.sig))):
        for message in policy.unknown_names(_named(ssh, option), known, "oqs_ssh_" + option):
            plan.refuse(message)


def _remarks(ssh: ServerSpec, image: Image, plan: Plan) -> None:
    """What a person should know about the algorithms that are wanted, and about the image."""
    if image.unknown_keywords:
        names = ", ".join(image.unknown_keywords)
        plan.note("the image's sshd does not know these settings, they are left out: %s" % names)
    for option in _OPTIONS:
        for name in _named(ssh, option):
            kind = algorithms.family(name)
            if kind != "hybrid":
                words = "oqs_ssh_%s: %s is %s; only hybrids are recommended"
                plan.note(words % (option, name, algorithms.WEAKNESS[kind]))


GROUND, SERVER = GroundResource(), ServerResource()
