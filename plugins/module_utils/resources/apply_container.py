# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mend what belongs to the container: state on the host, keys, configuration, access, the container itself."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import stat
import time
from typing import Callable, Dict, Iterator, Mapping

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import digests, files, listeners, paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import Completed
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import desired, policy
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import shadow
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import key_files, keypair
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan import bookkeeping
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import UNKNOWN, Item
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import look, password
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.host import Host
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.look_engine import DAEMON_JSON
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.planning import OLD_FILES, PARTLY

#: Kinds whose result only the act itself can tell.
MAKERS = frozenset({"image_facts", "host_key", "next_host_key", "hop_identity"})
#: Kinds that become known by the act of others.
FOLLOWS = {"known_hosts": ("host_key", "next_host_key"), "hop_user": ("hop_identity",)}
#: Seconds until sshd must serve after a start or a reload.
SERVES = 20.0


class ContainerError(Exception):
    """Something in or around the container did not go as it must; the text says what, and what to do."""


def daemon_settings(_host: Host, item: Item) -> None:
    """Docker's settings before its first start."""
    bookkeeping.make_dir(os.path.dirname(DAEMON_JSON), 0o755)
    bookkeeping.write(DAEMON_JSON, item.after.encode(), 0o644)


def folder(_host: Host, item: Item) -> None:
    """A folder of the state."""
    mode, owner = item.after.split()
    uid, gid = (int(part) for part in owner.split(":"))
    if item.before == "absent" and not item.name.startswith(paths.VAR_DIR + "/ledger") and item.name != paths.VAR_DIR:
        bookkeeping.record("folder", item.name, None, item.after)
    files.make_dir(item.name, int(mode, 8), uid, gid)
    if item.name == paths.HOME_SSH:
        _hand_over(uid, gid)


def _hand_over(uid: int, gid: int) -> None:
    """The identity goes with its folder, so that no look before the container starts finds it another account's."""
    for path in (paths.IDENTITY, paths.IDENTITY + ".pub"):
        found = files.stat_file(path, root=paths.VAR_DIR)
        if found is not None and stat.S_ISREG(found.st_mode) and (found.st_uid, found.st_gid) != (uid, gid):
            data = files.read_file(path, root=paths.VAR_DIR)
            if data is not None:
                files.write_file(path, data, stat.S_IMODE(found.st_mode) & 0o777, uid, gid, root=paths.VAR_DIR)


def file_mode(_host: Host, item: Item) -> None:
    """Mode and owner of a file of the state: written anew, since what lies in a container's reach may be a link."""
    mode, owner = item.after.split()
    number, group = (int(part) for part in owner.split(":"))
    root = paths.VAR_DIR if item.name.startswith(paths.VAR_DIR) else "/"
    data = files.read_file(item.name, root=root)
    if data is not None:
        bookkeeping.record("file", item.name, item.before, item.after)
        files.write_file(item.name, data, int(mode, 8), number, group, root=root)


def uid(_host: Host, item: Item) -> None:
    """The uid of the container's user, read by the entry when it prepares a fresh container."""
    bookkeeping.write(paths.STATE_DIR + "/uid", item.after.encode() + b"\n", 0o644)


def entry(host: Host, _item: Item) -> None:
    """The entry; a running container keeps the old one until it is created anew, which the plan sees."""
    bookkeeping.write(paths.STATE_DIR + "/entry", host.want["ssh"]["entry"].encode(), 0o755)


def host_key(host: Host, item: Item) -> None:
    """Missing or damaged host keys, all in one container of the image's own ssh-keygen."""
    names = desired.desired(host.want["ssh"], host.facts).host_keys
    private = {name: "%s/%s" % (paths.PRIVATE_DIR, key_files.host_key_name(name)) for name in names}
    bookkeeping.record("file", private[item.name], None, "a key")
    if item.after == UNKNOWN:
        files.remove_file(paths.PRIVATE_DIR + "/in-force")  # a run that is cut short here must still reload sshd
    requests = [keypair.Request(path, name, "oqs-ssh", "damaged") for name, path in private.items()]
    keypair.ensure_pairs(requests, keypair.in_image(host.facts["image"]["engine_id"]))
    host.facts["state"] = look.state()


def sshd_config(host: Host, _item: Item) -> None:
    """Both configurations belong together: validated as a pair by the image's own programs, then put in place."""
    wanted = desired.desired(host.want["ssh"], host.facts)
    configs = {"sshd_config": wanted.sshd_config, "ssh_config": wanted.ssh_config}
    here = {name: files.read_file("%s/%s" % (paths.STATE_DIR, name)) for name in configs}
    if host.validated and here == configs:
        return  # as the pair of the one that was first
    for name, data in configs.items():
        remember(host, name, data, name)
    write_configs(host, configs)


def remember(host: Host, part: str, data: bytes, dialect: str) -> None:
    """Keep in mind which algorithm lists are ours, before they are written. One that somebody else began, and to which
    we only add, is not: taken back for ours, it would change with every run."""
    state, image = host.facts["state"], host.facts["image"]
    default = image[dialect].encode()
    alone = policy.values(data, dialect)
    if part == "sshd_config":
        alone = policy.values(policy.server_config(default, host.want["ssh"], image), dialect)
    foreign = [policy.values(each, dialect) for each in (default, state[dialect] or default)]
    ours = {
        name: value for name, value in policy.values(data, dialect).items()
        if value == alone.get(name) and all(value != each.get(name) for each in foreign)
    }
    written = desired.remember(state["written"], part, ours)
    if written != state["written"]:
        files.write_file(paths.PRIVATE_DIR + "/written.json", json.dumps(written, sort_keys=True).encode(), 0o600)
        state["written"] = written


def write_configs(host: Host, wanted: Mapping[str, bytes]) -> None:
    """Validate and write configuration files of the state.

    :raises ContainerError: with the words of the image's own sshd or ssh; nothing was replaced.
    """
    here = {name: files.read_file("%s/%s" % (paths.STATE_DIR, name)) for name in ("sshd_config", "ssh_config")}
    candidate = paths.PRIVATE_DIR + "/candidate"
    shutil.rmtree(candidate, ignore_errors=True)  # of a run that was cut short
    files.make_dir(candidate, 0o700)
    try:
        for name, present in here.items():
            data = wanted.get(name) or present or host.facts["image"][name].encode()
            files.write_file("%s/%s" % (candidate, name), data, 0o600)
        done = _asked(host, candidate)
    finally:
        shutil.rmtree(candidate)
    if done.rc != 0:
        raise ContainerError("the image's own programs refuse the configuration: %s" % done.reason)
    host.validated = True
    for name, data in wanted.items():
        if data != here[name]:
            bookkeeping.write("%s/%s" % (paths.STATE_DIR, name), data, 0o644)


def _asked(host: Host, candidate: str) -> Completed:
    """What the image's own programs say of configurations; those of the container that runs, where it is of the same
    image, since a container for the question alone takes three times as long."""
    question, found = [paths.ENTRY, "check", candidate], host.facts["container"]
    image = host.facts["image"]["engine_id"]
    if found.get("running") and found["image"] == image and not found["stale"]:
        done = cli.docker(["exec", found["id"], *question], check=False, timeout=cli.WORK)
        if done.rc == 0:
            return done  # a no may be that of a container that has ended meanwhile
    with entry_copy(host) as mount:
        mounts = [cli.bind(paths.STATE_DIR, paths.STATE_DIR, readonly=True), mount]
        return cli.run_once(image, question, mounts, check=False)


@contextlib.contextmanager
def entry_copy(host: Host) -> Iterator[str]:
    """The entry as a mount for one question: the controller's own text, in a folder that no container can write. What
    lies in the state folder may be anything."""
    text = (host.want.get("ssh") or host.want["hop"])["entry"]
    path = "%s/%sentry" % (paths.VAR_DIR, files.TEMPORARY)  # a killed run's is swept away with its other halves
    files.make_dir(paths.VAR_DIR, 0o700)
    files.write_file(path, text.encode(), 0o755)
    try:
        yield cli.bind(path, paths.ENTRY, readonly=True)
    finally:
        files.remove_file(path)


def known_hosts(host: Host, item: Item) -> None:
    """The pinned host keys.

    :raises ContainerError: there is no whole key to pin.
    """
    wanted = desired.desired(host.want["ssh"], host.facts).known_hosts
    if wanted is None:
        raise ContainerError("no whole host key is there to pin (%s): run again" % item.name)
    bookkeeping.write(paths.STATE_DIR + "/known_hosts", wanted, 0o644)


def set_password(host: Host, item: Item) -> None:
    """The hash in the state, and in the container where there is one."""
    ssh, stored = host.want["ssh"], host.facts["state"]["password"]
    if item.after == "locked":
        stored = shadow.LOCKED
    elif not (stored and host.secret is not None and shadow.verify(host.secret, stored)):
        stored = shadow.make_hash(host.secret or "")
    bookkeeping.record("file", paths.PRIVATE_DIR + "/password", None, "a hash")
    files.write_file(paths.PRIVATE_DIR + "/password", stored.encode() + b"\n", 0o600)
    if not host.facts["container"]:
        return
    try:
        password.set_hash(ssh["container"], ssh["user"], stored)
    except cli.DockerError:  # it comes and goes (a restart loop): nothing can be done in it until it holds still
        cli.docker(["stop", "--time", "5", ssh["container"]], timeout=cli.WORK)
        password.set_hash(ssh["container"], ssh["user"], stored)


def authorized_keys(host: Host, item: Item) -> None:
    """Who may log in by key."""
    owner = group = owner_of_home()
    path = paths.HOME_SSH + "/authorized_keys"
    wanted = desired.desired(host.want["ssh"], host.facts).authorized_keys
    bookkeeping.write(path, wanted, 0o600, owner, group, root=paths.VAR_DIR)
    del item


def owner_of_home() -> int:
    """The uid of the container's user, as its folder has it: the plan's first items have seen to that."""
    found = files.stat_file(paths.HOME_SSH)
    return found.st_uid if found else 0


def container(host: Host, item: Item) -> None:
    """Create the container, not started. All state lies on the host."""
    arguments = desired.desired(host.want["ssh"], host.facts).container
    bookkeeping.record("container", item.name, None, desired.label_of(arguments))
    cli.docker(["create"] + arguments, timeout=cli.WORK)


def container_gone(_host: Host, item: Item) -> None:
    """The container goes."""
    bookkeeping.record("container", item.name, "ours", None)
    cli.docker(["rm", "--force", "--volumes", item.name], timeout=cli.WORK)


def folder_gone(_host: Host, item: Item) -> None:
    """A folder of the state goes, with what is in it; shutil.rmtree follows no links."""
    bookkeeping.record("folder", item.name, item.before, None)
    shutil.rmtree(item.name)


def running(host: Host, item: Item) -> None:
    """Start (or restart) the container and wait until its sshd listens.

    :raises ContainerError: its configuration would not do; then it is left as it is.
    """
    if not host.validated and host.facts["image"].get("sshd_config"):
        write_configs(host, {})
    hung = item.before in ("nobody listens", "restarting", "paused", OLD_FILES) or item.before.startswith(PARTLY)
    verb = "restart" if hung else "start"
    if host.facts["container"].get("status") == "paused":
        cli.docker(["unpause", item.name])
    cli.docker([verb, item.name], timeout=cli.WORK)
    wait_until_serving(item.name, host.want["ssh"]["port"], frozenset())
    host.facts["container"] = look.container(item.name)


def in_force(host: Host, item: Item) -> None:
    """Have the running sshd load its configuration: a signal, logins survive. Proved by its new sockets.

    :raises ContainerError: the container has ended; or the configuration would not do: sshd would end, it goes on with
        the one that it has.
    """
    if not host.validated:
        write_configs(host, {})
    port = host.want["ssh"]["port"]
    old = frozenset(listeners.listening(port))
    found = cli.inspect("container", item.name)
    pid = found["State"]["Pid"] if found else 0
    if not pid:
        raise ContainerError("the container %s has ended meanwhile: run again" % item.name)
    os.kill(pid, signal.SIGHUP)  # docker kill would count as a stop by hand, after which no restart policy acts
    wait_until_serving(item.name, port, old)
    data = files.read_file(paths.STATE_DIR + "/sshd_config") or b""
    files.write_file(paths.PRIVATE_DIR + "/in-force", digests.digest(data).encode() + b"\n", 0o600)


def wait_until_serving(name: str, port: int, old: "frozenset[int]") -> None:
    """Wait until process 1 of the container itself listens on the port with sockets that are not the old ones.

    :raises ContainerError: not within ``SERVES`` seconds; with the container's last words.
    """
    deadline = time.monotonic() + SERVES
    while time.monotonic() < deadline:
        found = cli.inspect("container", name)
        pid = found["State"]["Pid"] if found else 0
        mine = listeners.sockets_of(pid) if pid else set()
        if mine & (set(listeners.listening(port)) - old):
            return
        time.sleep(0.1)
    said = cli.docker(["logs", "--tail", "5", name], check=False)
    words = (said.out + said.err).decode("utf-8", "replace").strip()
    raise ContainerError(
        "the container %s does not listen on port %d after %d seconds; its last words: %s" % (name, port, SERVES, words)
    )


HANDLERS: Dict[str, Callable[[Host, Item], None]] = {
    "daemon_settings": daemon_settings,
    "folder": folder,
    "file_mode": file_mode,
    "uid": uid,
    "entry": entry,
    "host_key": host_key,
    "sshd_config": sshd_config,
    "ssh_config": sshd_config,
    "known_hosts": known_hosts,
    "password": set_password,
    "authorized_keys": authorized_keys,
    "container": container,
    "container_gone": container_gone,
    "folder_gone": folder_gone,
    "running": running,
    "in_force": in_force,
}
