# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Replace a container by another: proved beside the old one first, then put in its place, or the old one put back.

There is one way for all reasons: another image, other settings, back to the image before.
"""

from __future__ import annotations

import contextlib
import signal
from functools import partial
from typing import Iterator, Optional

from ansible_collections.quantumsafe.openssh.plugins.module_utils.container import journal, serving
from ansible_collections.quantumsafe.openssh.plugins.module_utils.container.container import is_as_wanted, remove
from ansible_collections.quantumsafe.openssh.plugins.module_utils.container.journal import old_name
from ansible_collections.quantumsafe.openssh.plugins.module_utils.container.serving import ContainerError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files, paths, processes
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.describe import ABSENT
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import content, migration
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.content import Content
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.facts import State, Upgrade, WantedImage
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import ServerSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli, containers, inspected
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.containers import LABEL, Container, Others
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.engine import Engine
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.image_facts import Image
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.host import Host
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.ledger_file import LedgerFile
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Change, Plan
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.resource import Resource
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.typed import Facts, Spec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import configuration, proof, state

_TELL = (
    "oqs-ssh: this host gets a new container for its quantum-safe access; this session ends now, please log in again "
    "in a moment."
)
_MOVES = (
    "the container was made by an earlier version of this collection; for this one it is created anew, once: host "
    "keys, password, keys and configuration stay, sessions in it end"
)
#: Writes to each terminal of the container; one that takes nothing is not waited for.
_TO_ALL = 'for each in /dev/pts/[0-9]*; do printf "\\r\\n%s\\r\\n" "$1" >"$each" & done; sleep 0.2'


class UnfinishedResource(Resource):
    """A replacement that was cut short: put right before anything else is done."""

    part = "ssh"

    def plan(self, spec: Spec, facts: Facts, plan: Plan) -> None:
        """Its end; and the name by which everything that follows knows the container."""
        ssh = spec.get(ServerSpec)
        container = facts.of(Container) if ssh and ssh.state == "present" else Container()
        if ssh and container.name not in ("", ssh.container):
            plan.add(Change("image", "name", ssh.container, container.name, ssh.container,
                            "oqs_ssh_container_name is another one", act=_rename))
        if container:
            _plan_only_one(facts, plan)
        if ssh and ssh.state == "present" and facts.of(Upgrade).cut_short:
            plan.add(Change("image", "upgrade_rest", ssh.container, "cut short", ABSENT,
                            "a replacement did not come to its end", act=_finish))


class ReplacementResource(Resource):
    """Another container in the place of one that is there."""

    part = "ssh"

    def __init__(self) -> None:
        self.readers = {Upgrade: _read}

    def plan(self, spec: Spec, facts: Facts, plan: Plan) -> None:
        """The trial, before anything of the state is touched, and the change itself."""
        ssh = spec.get(ServerSpec)
        if not ssh or ssh.state == "absent":
            return
        if ssh.image.rollback and not facts.of(Image):
            plan.refuse(
                "oqs_ssh_rollback: this host holds no image from before an upgrade (%s, %s); name the image that you "
                "want in oqs_ssh_image" % (journal.PREVIOUS_TAG, paths.PREVIOUS)
            )
        if not facts.of(WantedImage).image.known:
            return
        _refuse_losses(ssh, facts, plan)
        container = facts.of(Container)
        if container and container.ours and not is_as_wanted(facts):
            _plan_swap(ssh, facts, plan)


def _plan_only_one(facts: Facts, plan: Plan) -> None:
    """Two that serve from the same state would have two ports and two passwords."""
    container, others = facts.of(Container), facts.of(Others)
    for each in others.same:
        if each.id != container.id:
            plan.add(Change("container", "container_gone", each.name, each.status, ABSENT,
                            "a second container with the state of %s" % container.name, act=partial(remove, each.name)))
    for name in others.foreign:
        plan.note(
            "the container %s carries our mark, but not this host's state: it may be somebody's copy with a password "
            "of its own, and stays as it is: look at it (docker inspect %s)" % (name, name), lasting=True)


def _read(facts: Facts) -> Upgrade:
    found = journal.read(facts.of(Container).image)
    ssh = facts.of(Spec).get(ServerSpec)
    if found.cut_short and ssh and facts.of(Engine).usable:
        return found._replace(sockets=containers.read(old_name(journal.container() or ssh.container)).sockets)
    return found


def _rename(host: Host) -> None:
    """The container of the name before: a new name alone ends no session; the swap that follows finds it under this."""
    name, container = host.spec.of(ServerSpec).container, host.facts.of(Container)
    host.ledger.record("container", name, "ours", container.labels.get(LABEL))
    cli.docker(["rename", container.name, name])
    host.facts.put(container._replace(name=name))
    host.facts.forget(Others)


def _is_other_image(facts: Facts) -> bool:
    """Whether the container that is there is of another image than the wanted one."""
    return bool(facts.of(Container)) and facts.of(Container).image != facts.of(WantedImage).image.engine_id


def _refuse_losses(ssh: ServerSpec, facts: Facts, plan: Plan) -> None:
    """Algorithms in force that another image does not know: clients rely on them, so it is for a person to decide."""
    image, present = facts.of(WantedImage).image, facts.of(State)
    if not present.sshd_config or not _is_other_image(facts):
        return
    # names in the spec are refused elsewhere; what they replace is no longer asked for
    base = content.base("sshd_config", ssh, present, image)
    named = {"kexalgorithms": ssh.kex_algorithms, "hostkeyalgorithms": ssh.host_key_algorithms,
             "hostkey": ssh.host_key_algorithms, "pubkeyacceptedalgorithms": ssh.pubkey_algorithms}
    spare = {name for name, names in named.items() if names}
    gone = migration.lost(base, image, spare=spare)
    if gone:
        advice = migration.advice(gone, base, image, facts.of(Upgrade).knew)
        plan.refuse(
            "the image %s does not know %s, which clients of this host rely on; nothing was changed, and the present "
            "image serves on: %s" % (ssh.image.name, ", ".join(gone), advice)
        )


def _plan_swap(ssh: ServerSpec, facts: Facts, plan: Plan) -> None:
    if facts.of(Upgrade).proved != content.proof_of(facts.of(Content)):
        plan.add(Change("image", "trial", ssh.container, "not proved", "proved",
                        "beside the old one, with a copy of the state", act=_try))
    before, after, headline = "of other settings", "created anew", ""
    if _is_other_image(facts):
        image = facts.of(WantedImage).image
        before = words(facts.of(Container).image, facts.of(Upgrade).knew)
        after, headline = words(image.engine_id, image), "upgraded"
    why = "image or settings changed"
    if facts.of(State).earlier:
        why = "what it is made from lies within its reach, as earlier versions had it"
        plan.note(_MOVES, lasting=True)
    plan.add(Change("container", "swap", ssh.container, before, after, why, act=_swap, headline=headline))


def _try(host: Host) -> None:
    from ansible_collections.quantumsafe.openssh.plugins.module_utils.container import trial  # most runs try nothing

    trial.run(host)


def words(image_id: str, known: Image) -> str:
    """An image for people."""
    return " ".join(filter(None, ["image", image_id.replace("sha256:", "")[:12], known.openssh[:60]]))


def _swap(host: Host) -> None:
    """The old container makes room and is kept until the new one is proved on the real port.

    :raises ContainerError: the new one does not serve; the old one does again.
    """
    ssh = host.spec.of(ServerSpec)
    name, old = ssh.container, old_name(ssh.container)
    if not host.validated:
        configuration.write(host, {})
    arguments = content.wanted(ssh, host.facts).container
    host.ledger.record("container", name, "ours", content.label_of(arguments))
    with _uninterrupted():
        serving.remove(old)
        cli.docker(["rename", name, old])
        try:
            cli.docker(["create", *arguments], timeout=cli.WORK)
            _tell(host, old)
            cli.docker(["stop", "--time", "5", old], timeout=cli.WORK)
            cli.docker(["start", name], timeout=cli.WORK)
            serving.wait(name, ssh.port, frozenset())
            found = proof.of_own(name, ssh.port)
            if not found.ok:
                raise ContainerError("no handshake: %s" % found.error)
        except (ContainerError, cli.DockerError, files.UnsafePath, OSError) as error:
            said = "the new container does not serve: %s; %s"
            raise ContainerError(said % (error, _put_back(host.ledger, name))) from error
        before, new = host.facts.of(Container).image, host.facts.of(Image).engine_id
        knew = host.facts.of(Upgrade).knew
        journal.keep_previous(host.ledger, before, new, knew.openssh, ssh.image.rollback)
        _end(name)


def _end(name: str) -> None:
    """The new container stays; what is cut short in here goes on here."""
    journal.decide()
    serving.remove(old_name(name))
    journal.forget()


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """A broken connection or ^C must not come between stop and start."""
    signals = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _tell(host: Host, old: str) -> None:
    """Sessions cannot outlive their container: their terminals say so, and the ending says how many there were."""
    count = processes.connected(state.port_before())
    if not count or not host.facts.of(Container).running:
        return
    told = "their terminals got a message"
    try:
        cli.docker(["exec", old, "sh", "-c", _TO_ALL, "sh", _TELL], timeout=10.0)
    except cli.DockerError as error:
        told = "their terminals got no message (%s)" % error
    host.notes.append("%d connections were ended by the change of container; %s" % (count, told))


def _put_back(ledger: LedgerFile, name: str) -> str:
    """Have the old one serve; what came of it, in words."""
    try:
        _back(ledger, name)
    except (ContainerError, cli.DockerError) as error:
        return "and the one before does not come back, either (%s): run again" % error
    return "the one before was put back and serves again"


def _back(ledger: LedgerFile, name: str) -> None:
    """The old container under its own name, with the configuration that it had, serving."""
    old = old_name(name)
    if inspected.container(old):
        serving.remove(name)
        cli.docker(["rename", old, name])
    journal.restore(ledger)
    cli.docker(["start", name], timeout=cli.WORK)
    serving.wait(name, state.port_before(), frozenset())
    journal.forget()


def recover(ledger: LedgerFile, container: str, port: int) -> None:
    """Put right what a run left that was cut short: the new container if it serves already, else the one before."""
    from ansible_collections.quantumsafe.openssh.plugins.module_utils.container import trial

    trial.leftovers(container)
    old, new = inspected.container(old_name(container)), inspected.container(container)
    pid = new.State.Pid if new else 0
    serves = bool(pid and processes.sockets_below(pid) & set(processes.listening(port)))
    if journal.is_decided():
        _end(container)
    elif old and not serves:
        _back(ledger, container)
    elif old:
        journal.keep_previous(ledger, old.Image, new.Image if new else "", "", False)
        _end(container)
    else:
        journal.restore(ledger)
        journal.forget()


def _finish(host: Host) -> None:
    """The plan's own word for it; usually done when the run began."""
    ssh = host.spec.of(ServerSpec)
    if journal.is_open():
        recover(host.ledger, journal.container() or ssh.container, ssh.port)


@contextlib.contextmanager
def whole(ssh: Optional[ServerSpec], ledger: LedgerFile) -> Iterator[None]:
    """A run that changes a container: what one before it left is put right first, and when this one fails between the
    trial and the change, the old container has its own configuration again.

    :param ssh: None: this run does not change it.
    """
    if ssh and journal.is_open():
        recover(ledger, journal.container() or ssh.container, ssh.port)
    try:
        yield
    except BaseException:
        if ssh and journal.is_open():
            journal.restore(ledger)
            journal.forget()
        raise


UNFINISHED, REPLACEMENT = UnfinishedResource(), ReplacementResource()
