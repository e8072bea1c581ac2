# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Try a new container beside the one that serves: on the loopback, with a copy of the host's state, gone afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
from typing import Any, Callable, Dict, Iterator, List

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files, paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import desired
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import probe
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import key_files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Item
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import (
    apply_container,
    look_outside,
    plan_upgrade,
    upgrade_rest,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.host import Host

#: Said after every failure of a trial.
_SAFE = "; the present container serves on, as it was"


def trial(host: Host, item: Item) -> None:
    """Prove the new container before anything of the state is touched.

    :raises ContainerError: it does not serve as it must; with the cause.
    """
    ssh = host.want["ssh"]
    wanted = desired.desired(ssh, host.facts)
    name, port = plan_upgrade.trial_name(item.name), free_port()
    config = plan_upgrade.trial_config(wanted.sshd_config, port, ssh["user"])
    upgrade_rest.begin()
    try:
        with _copied(host, wanted, config):
            _checked(host)
            with _started(wanted.container, name):
                apply_container.wait_until_serving(name, port, frozenset())
                _proved(host, name, port, wanted)
    except apply_container.ContainerError as error:
        raise apply_container.ContainerError("the new container was tried: %s%s" % (error, _SAFE)) from error
    except cli.DockerError as error:
        raise apply_container.ContainerError("the new container was tried: %s%s" % (error, _SAFE)) from error
    upgrade_rest.remember_proof(plan_upgrade.proof_of(wanted))


def free_port() -> int:
    """A port of the loopback that nobody has at the moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as some:
        some.bind(("127.0.0.1", 0))
        return int(some.getsockname()[1])


@contextlib.contextmanager
def _copied(host: Host, wanted: desired.Desired, config: bytes) -> Iterator[None]:
    """The state as a replacement would leave it, for root alone; gone afterwards."""
    ssh = host.want["ssh"]
    own = {"sshd_config": config, "ssh_config": wanted.ssh_config, "entry": ssh["entry"].encode(),
           "uid": b"%d\n" % wanted.uid}
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
            files.write_file("%s/%s" % (paths.TRIAL_STATE, name), data, 0o755 if name == "entry" else 0o644)
        keys = wanted.authorized_keys
        files.write_file(paths.TRIAL_HOME + "/authorized_keys", keys, 0o600, wanted.uid, wanted.uid)
        yield
    finally:
        for folder in (paths.TRIAL_STATE, paths.TRIAL_HOME):
            shutil.rmtree(folder, ignore_errors=True)


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
    entry = cli.bind(paths.TRIAL_STATE + "/entry", paths.ENTRY, readonly=True)
    mounts = [cli.bind(paths.TRIAL_STATE, paths.STATE_DIR), entry]
    done = cli.run_once(
        host.facts["image"]["engine_id"], [paths.ENTRY, "check", paths.STATE_DIR], mounts, check=False
    )
    if done.rc != 0:
        raise apply_container.ContainerError("the image's own programs refuse the configuration: %s" % done.reason)


@contextlib.contextmanager
def _started(arguments: List[str], name: str) -> Iterator[None]:
    """A container of its own for the trial; gone afterwards."""
    upgrade_rest.remove_container(name)
    try:
        cli.docker(["create"] + plan_upgrade.trial_arguments(arguments, name), timeout=cli.WORK)
        cli.docker(["start", name], timeout=cli.WORK)
        yield
    finally:
        upgrade_rest.remove_container(name)


def _proved(host: Host, name: str, port: int, wanted: desired.Desired) -> None:
    """It offers what clients rely on, holds the host's own keys, and somebody can log in."""
    ssh, now = host.want["ssh"], probe.probe("127.0.0.1", port, 10.0)
    if not now["ssh"]:
        raise apply_container.ContainerError("it does not greet: %s" % now["error"])
    before = probe.probe("127.0.0.1", ssh["port"], 10.0) if host.facts["container"].get("running") else {}
    accepted = ssh["image"].get("drops") or []
    lacks = [each for each in plan_upgrade.missing(before, now, wanted.sshd_config) if each not in accepted]
    if lacks and not ssh["image"].get("rollback"):  # going back accepts what the image before did not know
        raise apply_container.ContainerError("it does not offer %s, which the present one does" % ", ".join(lacks))
    keys: Dict[str, Any] = {}
    for each in wanted.host_keys:  # those that were missing, the image's key-gen.sh has made in the copy
        path = "%s/private/%s" % (paths.TRIAL_STATE, key_files.host_key_name(each))
        keys[key_files.host_key_name(each)] = (files.read_file(path), files.read_file(path + ".pub"))
    lines = desired.own_lines(wanted.host_keys, keys, port)
    known = desired.known_hosts(b"", lines, desired.OWN)
    if known is None:
        raise apply_container.ContainerError("it has no whole host key of each type: %s" % ", ".join(wanted.host_keys))
    files.write_file(paths.TRIAL_STATE + "/known_hosts", known, 0o644)
    found = look_outside.prove(name, port, None, "root").get("own", {})
    if not found.get("ok"):
        raise apply_container.ContainerError("no handshake: %s" % found.get("error", "the client said nothing"))
    kind = plan_upgrade.login_key(wanted.sshd_config, host.facts["image"])
    done = cli.docker(["exec", name, paths.ENTRY, "login", str(port), kind], check=False, timeout=60.0)
    if done.rc != 0:
        raise apply_container.ContainerError("nobody can log in with a key (%s): %s" % (kind, done.reason))


HANDLERS: Dict[str, Callable[[Host, Item], None]] = {"trial": trial}


def leftovers(container: str) -> None:
    """What a trial that was cut short has left."""
    upgrade_rest.remove_container(plan_upgrade.trial_name(container))
    for folder in (paths.TRIAL_STATE, paths.TRIAL_HOME):
        if os.path.isdir(folder):
            shutil.rmtree(folder)
