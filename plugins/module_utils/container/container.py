# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The container: created from the state, running, listening, with the configuration that is there."""

from __future__ import annotations

from functools import partial
from typing import List

from ansible_collections.quantumsafe.openssh.plugins.module_utils.container import journal, serving
from ansible_collections.quantumsafe.openssh.plugins.module_utils.container.server import everywhere
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import digests, paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.describe import ABSENT
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.processes import Port
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import content
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.content import Content
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.facts import State, WantedImage
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import HopSpec, LockdownSpec, ServerSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli, containers, engine
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.containers import LABEL, Container, Others
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.engine import Engine
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.inventory import Inventory
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan import restore
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.host import Host
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Change, Plan
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.resource import Resource
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.restore import CAME, Named
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.typed import Facts, Spec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.removal import plan_gone
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.state import plan_moved

#: States in which a container is stopped before it is started.
_HUNG = ("restarting", "paused")


class ContainerResource(Resource):
    """The container where there is none, and its main process; how it is replaced is a thing of its own."""

    part = "ssh"
    sections = {"container": "container"}
    ledger = {"container": r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}"}
    early = (Container, Others)

    def __init__(self) -> None:
        self.readers = {Container: _read, Others: _others}

    def plan(self, spec: Spec, facts: Facts, plan: Plan) -> None:
        """There, running, listening with what is wanted."""
        ssh, container = spec.get(ServerSpec), facts.of(Container)
        if not ssh:
            return
        if ssh.state == "absent":
            for each in (container, *facts.of(Others).same):
                if each.ours:
                    plan.add(Change("container", "container_gone", each.name or ssh.container, each.status, ABSENT,
                                    "oqs_ssh_state is absent", act=partial(remove, each.name or ssh.container)))
            plan_gone(facts, plan)
            return
        if not facts.of(WantedImage).image.known:
            return
        if not container:
            plan.add(Change("container", "container", ssh.container, ABSENT, "created", "there is none", act=_create))
            plan.add(Change("container", "running", ssh.container, ABSENT, "running", "sshd is to serve",
                            act=partial(serving.start, False)))
        elif is_as_wanted(facts):
            _plan_serving(ssh, facts, plan)
        plan_moved(facts.of(State), plan)

    def restore(self, facts: Facts, plan: Plan) -> None:
        """Those that carry our mark, whatever their names."""
        for name, row in sorted(facts.of(Inventory).containers.items()):
            if row.ours:
                plan.add(Change("removal", "container_gone", name, row.status, ABSENT, CAME,
                                act=partial(remove, name), said="the container %s" % name))
            elif name in restore.names(facts.of(Named).rows, "container"):
                plan.note("the container %s stays: it is not the one that was deployed here" % name)


def _name(facts: Facts) -> str:
    spec = facts.of(Spec)
    part = spec.get(ServerSpec) or spec.get(HopSpec) or spec.get(LockdownSpec)
    return part.container if part else ""


def _read(facts: Facts) -> Container:
    """The container that the run is about: the one of this name, else the one of ours under the name of before."""
    name = _name(facts)
    found = engine.asked(lambda: facts.of(Engine), lambda: containers.read(name), Container()) if name else Container()
    return found or next(iter(facts.of(Others).same), found)


def _others(facts: Facts) -> Others:
    """What else is ours; while a replacement is on its way, its own two containers are not meant."""
    name = _name(facts)
    found = engine.asked(lambda: facts.of(Engine), lambda: containers.others(name), Others()) if name else Others()
    return Others(tuple(each for each in found.found if not journal.is_part(each.name)))


def is_as_wanted(facts: Facts) -> bool:
    """Whether the container was made from the arguments that are wanted."""
    return facts.of(Container).labels.get(LABEL) == content.label_of(facts.of(Content).container)


def _plan_serving(ssh: ServerSpec, facts: Facts, plan: Plan) -> None:
    """The right container: does it run, does sshd listen, with the configuration that is there?"""
    container, state, wanted = facts.of(Container), facts.of(State), facts.of(Content)
    if container.policy:
        plan.add(Change("container", "restart_policy", ssh.container, container.policy, ssh.restart_policy,
                        "it must come back after a reboot", act=_set_policy, quick=True))

    def running(before: str, after: str, why: str, again: bool) -> None:
        plan.add(Change("container", "running", ssh.container, before, after, why, act=partial(serving.start, again)))

    if _replaced(facts, plan) and (container.running or container.status == "paused"):
        running("with old files mounted", "started again", "it holds what is no longer there", True)
    elif not container.running:
        running(container.status, "running", "sshd is to serve", container.status in _HUNG)
    elif not facts.of(Port).inodes & container.sockets:
        running("nobody listens", "sshd listens on %d" % ssh.port, "asked /proc", True)
    elif everywhere(wanted.sshd_config) and "0.0.0.0" not in _own_ends(facts):
        before = "listens on " + ", ".join(_own_ends(facts))  # somebody else had the rest when sshd started
        running(before, "sshd listens on %d everywhere" % ssh.port, "asked /proc", True)
    else:
        force = digests.digest(wanted.sshd_config)
        if state.in_force != force or _new_keys(plan):
            after = "sshd_config %s" % force[:12]
            plan.add(Change("container", "in_force", ssh.container, "another configuration", after, "reload",
                            act=serving.reload, quick=True))


def _replaced(facts: Facts, plan: Plan) -> bool:
    """Whether the container holds files that are not those at their paths any more, or will not be."""
    entry = paths.ENTRY_FILE
    folders = facts.of(State).folders
    gone = any(folders.get(path) is None for path in (paths.STATE_DIR, paths.HOME_SSH))
    coming = any(each.kind == "entry" or each.name == entry for each in plan.of_kind("entry", "file_mode"))
    return bool(facts.of(Container).stale or gone or coming)


def _own_ends(facts: Facts) -> List[str]:
    """The addresses that the container's sshd listens on."""
    return sorted(address for inode, address in facts.of(Port).ends.items() if inode in facts.of(Container).sockets)


def _new_keys(plan: Plan) -> bool:
    """A running sshd goes on with the keys that it has read."""
    return any(each.pending for each in plan.of_kind("host_key"))


def _create(host: Host) -> None:
    """Create the container, not started. All state lies on the host."""
    ssh = host.spec.of(ServerSpec)
    arguments = content.wanted(ssh, host.facts).container
    host.ledger.record("container", ssh.container, None, content.label_of(arguments))
    cli.docker(["create", *arguments], timeout=cli.WORK)


def _set_policy(host: Host) -> None:
    ssh = host.spec.of(ServerSpec)
    cli.docker(["update", "--restart", ssh.restart_policy, ssh.container])


def remove(name: str, host: Host) -> None:
    """A container of ours goes."""
    host.ledger.record("container", name, "ours", None)
    cli.docker(["rm", "--force", "--volumes", name], timeout=cli.WORK)


CONTAINER = ContainerResource()
