# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Try a new container beside the one that serves: on the loopback, with a copy of the host's state, gone afterwards."""

from __future__ import annotations

import contextlib
import socket
import time
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.container import journal, serving
from ansible_collections.quantumsafe.openssh.plugins.module_utils.container.serving import ContainerError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files, paths, processes, trees
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import content, known_hosts, policy
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.content import Content
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import ServerSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.containers import Container
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.image_facts import Image
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import algorithms, probe
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config import sshconfig
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import key_files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.host import Host
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import proof, state
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.configuration import ConfigurationError

#: Where to ask what listens on all addresses.
_TO_ALL = {"0.0.0.0": "127.0.0.1", "::": "::1"}
#: Said after every failure of a trial.
_SAFE = "; the present container serves on, as it was"
_COPIES = (
    (paths.STATE_DIR, paths.TRIAL_STATE), (paths.ENTRY_FILE, paths.TRIAL_ENTRY), (paths.HOME_SSH, paths.TRIAL_HOME),
)
_TRIED = tuple(copy for _source, copy in _COPIES)
#: Types that the image's own ssh-keygen makes no key of (certificates, keys on a token, signatures).
_NO_KEYS = ("cert", "sk-", "webauthn", "rsa-sha2")


def run(host: Host) -> None:
    """Prove the new container before anything of the state is touched.

    :raises ContainerError: it does not serve as it must; with the cause.
    """
    ssh = host.spec.of(ServerSpec)
    wanted = content.wanted(ssh, host.facts)
    name, port = journal.name_of_trial(ssh.container), free_port()
    config = configuration(wanted.sshd_config, port, ssh.user)
    journal.begin(ssh.container)
    try:
        with _copied(ssh, wanted, config):
            _checked(host)
            with _started(wanted.container, name):
                serving.wait(name, port, frozenset())
                _proved(host, name, port, wanted)
    except (ContainerError, ConfigurationError, cli.DockerError) as error:
        raise ContainerError("the new container was tried: %s%s" % (error, _SAFE)) from error
    journal.remember_proof(content.proof_of(wanted))  # not of the plan: the image may have come since


def configuration(data: bytes, port: int, user: str) -> bytes:
    """The server's configuration for the trial: on the loopback only, and for the one login from there.

    :raises ConfigError: the file cannot be edited without harm.
    """
    return sshconfig.edit(data, [
        sshconfig.Change(keyword="Port", values=[str(port)]),
        sshconfig.Change(keyword="ListenAddress", values=["127.0.0.1"]),
        sshconfig.Change(keyword="AllowUsers", values=["%s@127.0.0.1" % user]),
        sshconfig.Change(keyword="MaxSessions", values=["1"]),  # a way through only (oqs_ssh_mode) has none
    ], "sshd_config")


def arguments_for(arguments: Sequence[str], name: str) -> List[str]:
    """Arguments for ``docker create`` of the trial: the real ones, with copies mounted, and never started again."""
    own = {"--name": name, "--restart": "no"}
    result: List[str] = []
    for option, value in zip(["", *arguments], arguments):
        if option == "--mount":
            for source, copy in _COPIES:
                value = value.replace("source=%s," % source, "source=%s," % copy)
        result.append(own.get(option, value))
    return result


def login_key(data: bytes, image: Image) -> str:
    """The type of the one-time key: the first that the server takes and the image makes."""
    names = [name for name in policy.accepted(data) or image.key if name in image.key]
    fit = [name for name in names if not any(word in name for word in _NO_KEYS)]
    best = [name for name in fit if algorithms.family(name) == "hybrid"]
    return (best or fit or [policy.CLASSICAL_KEY])[0]


def missing(before: probe.Offered, now: probe.Offered, wanted: bytes) -> List[str]:
    """Algorithms that the running server offers, that the spec does not take away, and that the new one lacks.

    :param before: of the running server; nothing: it listens nowhere.
    :param wanted: the configuration that is to be in force.
    """
    offer = policy.offer(wanted)
    rows = (
        (before.kex, now.kex, offer.kex), (before.host_key_algorithms, now.host_key_algorithms, offer.host_keys),
    )
    found = [each for had, has, asked in rows for each in had if each not in has and (not asked or each in asked)]
    return list(dict.fromkeys(found))


def free_port() -> int:
    """A port of the loopback that nobody has at the moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as some:
        some.bind(("127.0.0.1", 0))
        return int(some.getsockname()[1])


@contextlib.contextmanager
def _copied(ssh: ServerSpec, wanted: Content, config: bytes) -> Iterator[None]:
    """The state as a replacement would leave it, for root alone; gone afterwards."""
    own = {"sshd_config": config, "ssh_config": wanted.ssh_config}
    try:
        for folder in (paths.TRIAL_STATE, paths.TRIAL_STATE + "/private"):
            files.make_dir(folder, 0o755 if folder == paths.TRIAL_STATE else 0o700)
        files.make_dir(paths.TRIAL_HOME, 0o700, wanted.uid, wanted.uid)
        _copy(paths.STATE_DIR, paths.TRIAL_STATE, 0)
        _copy(paths.PRIVATE_DIR, paths.TRIAL_STATE + "/private", 0)
        if wanted.next_keys:
            files.make_dir(paths.TRIAL_STATE + "/private/next", 0o700)
            _copy(paths.NEXT_DIR, paths.TRIAL_STATE + "/private/next", 0)
        _copy(paths.HOME_SSH, paths.TRIAL_HOME, wanted.uid)
        for name, data in own.items():
            files.write_file("%s/%s" % (paths.TRIAL_STATE, name), data, 0o644)
        files.write_file(paths.TRIAL_ENTRY, ssh.entry.encode(), 0o755)
        keys = wanted.authorized_keys
        files.write_file(paths.TRIAL_HOME + "/authorized_keys", keys, 0o600, wanted.uid, wanted.uid)
        yield
    finally:
        for path in _TRIED:
            trees.remove(path)


def _copy(source: str, target: str, owner: int) -> None:
    """The plain files of a folder; links and the like are nobody's state."""
    for name in files.list_dir(source):
        path = "%s/%s" % (source, name)
        with contextlib.suppress(files.UnsafePath):
            found, data = files.stat_file(path), files.read_file(path)
            if found is not None and data is not None:
                files.write_file("%s/%s" % (target, name), data, found.st_mode & 0o777, owner, owner)


def _checked(host: Host) -> None:
    """The new image's own sshd and ssh take the configuration."""
    entry = cli.bind(paths.TRIAL_ENTRY, paths.ENTRY, readonly=True)
    mounts = [cli.bind(paths.TRIAL_STATE, paths.STATE_DIR), entry]
    image = host.facts.of(Image).engine_id
    done = cli.run_once(image, [paths.ENTRY, "check", paths.STATE_DIR], mounts, check=False, writable=True)
    if done.rc != 0:
        raise ConfigurationError("the image's own programs refuse the configuration: %s" % done.reason)


@contextlib.contextmanager
def _started(arguments: List[str], name: str) -> Iterator[None]:
    """A container of its own for the trial; gone afterwards."""
    serving.remove(name)
    try:
        cli.docker(["create", *arguments_for(arguments, name)], timeout=cli.WORK)
        cli.docker(["start", name], timeout=cli.WORK)
        yield
    finally:
        serving.remove(name)


def _proved(host: Host, name: str, port: int, wanted: Content) -> None:
    """It offers what clients rely on, holds the host's own keys, and somebody can log in."""
    ssh, now = host.spec.of(ServerSpec), probe.probe("127.0.0.1", port, 10.0)
    if not now.ssh:
        raise ContainerError("it does not greet: %s" % now.error)
    before = _offered(host.facts.of(Container), state.port_before())
    lacks = [each for each in missing(before, now.offered, wanted.sshd_config) if each not in ssh.image.drops]
    if lacks and not ssh.image.rollback:  # going back accepts what the image before did not know
        raise ContainerError("it does not offer %s, which the present one does" % ", ".join(lacks))
    files.write_file(paths.TRIAL_STATE + "/known_hosts", _pinned(wanted.host_keys, port), 0o644)
    found = proof.of_own(name, port)
    if not found.ok:
        raise ContainerError("no handshake: %s" % found.error)
    kind = login_key(wanted.sshd_config, host.facts.of(Image))
    done = cli.docker(["exec", name, paths.ENTRY, "login", str(port), kind], check=False, timeout=60.0)
    if done.rc != 0:
        raise ContainerError("nobody can log in with a key (%s): %s" % (kind, done.reason))


def _offered(present: Container, port: int) -> probe.Offered:
    """What the present container offers; nothing where it listens nowhere, since nobody can lose that.

    :raises ContainerError: it listens, and does not say.
    """
    ends = [address for inode, address in processes.listening(port).items() if inode in present.sockets]
    if not (present.running and ends):
        return probe.nothing()
    address = processes.address_of(ends[0])
    for pause in (*proof.PAUSES, None):
        asked = probe.probe(_TO_ALL.get(address, address), port, 10.0)
        if asked.ssh:
            return asked.offered
        if pause is None or asked.failure != "closed":  # MaxStartups drops at random
            break
        time.sleep(pause)
    raise ContainerError(
        "the present one does not say what it offers (%s), so nobody knows what its clients would lose: run again, or "
        "stop it (docker stop %s), then nothing is compared" % (asked.error, present.name)
    )


def _pinned(names: Sequence[str], port: int) -> bytes:
    """The keys of the copy; those that were missing, the image's key-gen.sh has made there."""
    keys: Dict[str, Tuple[Optional[bytes], Optional[bytes]]] = {}
    for each in names:
        path = "%s/private/%s" % (paths.TRIAL_STATE, key_files.host_key_name(each))
        keys[key_files.host_key_name(each)] = (files.read_file(path), files.read_file(path + ".pub"))
    known = known_hosts.replaced(b"", known_hosts.own_lines(names, keys, port), known_hosts.OWN)
    if known is None:
        raise ContainerError("it has no whole host key of each type: %s" % ", ".join(names))
    return known


def leftovers(container: str) -> None:
    """What a trial that was cut short has left."""
    serving.remove(journal.name_of_trial(container))
    for path in _TRIED:
        trees.remove(path)
