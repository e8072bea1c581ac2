# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Put a proved container in the place of another, or have the old one serve again."""

from __future__ import annotations

import contextlib
import signal
from typing import Any, Callable, Dict, Iterator, Mapping

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files, listeners
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import desired
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan import bookkeeping
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Item
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import (
    apply_container,
    apply_trial,
    look_outside,
    look_upgrade,
    plan_upgrade,
    upgrade_rest,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.host import Host

_TELL = (
    "oqs-ssh: this host gets a new container for its quantum-safe access; this session ends now, please log in again "
    "in a moment."
)
#: Writes to each terminal of the container; one that takes nothing is not waited for.
_TO_ALL = 'for each in /dev/pts/[0-9]*; do printf "\\r\\n%s\\r\\n" "$1" >"$each" & done; sleep 0.2'


def swap(host: Host, item: Item) -> None:
    """The old container makes room and is kept until the new one is proved on the real port.

    :raises ContainerError: the new one does not serve; the old one does again.
    """
    ssh, name, old = host.want["ssh"], item.name, plan_upgrade.old_name(item.name)
    if not host.validated:
        apply_container.write_configs(host, {})
    arguments = desired.desired(ssh, host.facts).container
    bookkeeping.record("container", name, "ours", desired.label_of(arguments))
    with _uninterrupted():
        upgrade_rest.remove_container(old)
        cli.docker(["rename", name, old])
        try:
            cli.docker(["create"] + arguments, timeout=cli.WORK)
            _tell(host, old)
            cli.docker(["stop", "--time", "5", old], timeout=cli.WORK)
            cli.docker(["start", name], timeout=cli.WORK)
            apply_container.wait_until_serving(name, ssh["port"], frozenset())
            found = look_outside.prove(name, ssh["port"], None, "root").get("own", {})
            if not found.get("ok"):
                raise apply_container.ContainerError("no handshake: %s" % found.get("error", ""))
        except (apply_container.ContainerError, cli.DockerError, files.UnsafePath, OSError) as error:
            words = "the new container does not serve: %s; %s"
            raise apply_container.ContainerError(words % (error, _put_back(name))) from error
        _won(host, item)


def _won(host: Host, item: Item) -> None:
    facts, image = host.facts, host.want["ssh"]["image"]
    old, new = facts["container"]["image"], facts["image"]["engine_id"]
    knew = facts.get("upgrade", {}).get("knew") or {}
    upgrade_rest.keep_previous(old, new, knew, bool(image.get("rollback")))
    _end(item.name)


def _end(name: str) -> None:
    """The new container stays; what is cut short in here goes on here."""
    upgrade_rest.decide()
    upgrade_rest.remove_container(plan_upgrade.old_name(name))
    upgrade_rest.forget()


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
    """Sessions cannot outlive their container: they are told, and the ending says how many there were."""
    count = listeners.connected(upgrade_rest.port_before())
    if not count or not host.facts["container"].get("running"):
        return
    with contextlib.suppress(cli.DockerError):
        cli.docker(["exec", old, "sh", "-c", _TO_ALL, "sh", _TELL], check=False, timeout=10.0)
    host.told.append("%d connections were ended by the change of container; their terminals were told" % count)


def _put_back(name: str) -> str:
    """Have the old one serve; what came of it, in words."""
    try:
        _back(name)
    except (apply_container.ContainerError, cli.DockerError) as error:
        return "and the one before does not come back, either (%s): run again" % error
    return "the one before was put back and serves again"


def _back(name: str) -> None:
    """The old container under its own name, with the configuration that it had, serving."""
    old = plan_upgrade.old_name(name)
    if cli.inspect("container", old):
        upgrade_rest.remove_container(name)
        cli.docker(["rename", old, name])
    upgrade_rest.restore()
    cli.docker(["start", name], timeout=cli.WORK)
    apply_container.wait_until_serving(name, upgrade_rest.port_before(), frozenset())
    upgrade_rest.forget()


def recover(container: str, port: int) -> None:
    """Put right what a run left that was cut short: the new container if it serves already, else the one before."""
    apply_trial.leftovers(container)
    old = cli.inspect("container", plan_upgrade.old_name(container))
    new = cli.inspect("container", container)
    pid = int(((new or {}).get("State") or {}).get("Pid") or 0)
    serves = bool(pid and listeners.sockets_of(pid) & set(listeners.listening(port)))
    if upgrade_rest.is_decided():
        _end(container)
    elif old and not serves:
        _back(container)
    elif old:
        upgrade_rest.keep_previous(str(old["Image"]), str((new or {}).get("Image")), {}, False)
        _end(container)
    else:
        upgrade_rest.restore()
        upgrade_rest.forget()


def rest(host: Host, item: Item) -> None:
    """The plan's own word for it; usually done when the run began."""
    if look_upgrade.is_open():
        recover(item.name, host.want["ssh"]["port"])


@contextlib.contextmanager
def whole(want: Mapping[str, Any]) -> Iterator[None]:
    """A run that changes a container: what one before it left is put right first, and when this one fails between the
    trial and the change, the old container has its own configuration again.
    """
    ssh = want.get("ssh")
    if ssh and look_upgrade.is_open():
        recover(ssh["container"], ssh["port"])
    try:
        yield
    except BaseException:
        if ssh and look_upgrade.is_open():
            upgrade_rest.restore()
            upgrade_rest.forget()
        raise


HANDLERS: Dict[str, Callable[[Host, Item], None]] = {"swap": swap, "upgrade_rest": rest}
