# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Have a container serve: start it, have its sshd load its configuration, and wait until it listens."""

from __future__ import annotations

import os
import signal
import time

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import digests, files, paths, processes
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import UserError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import ServerSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli, containers, inspected
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.containers import Container
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.image_facts import Image
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.host import Host
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import configuration

#: Seconds until sshd must serve after a start or a reload.
SERVES = 20.0


class ContainerError(UserError):
    """The container did not do what it must; the text says what, and what to do."""


def remove(name: str) -> None:
    """A container of ours that may be there; another run's look finds it if it does not go."""
    cli.docker(["rm", "--force", "--volumes", name], timeout=cli.WORK, check=False)


def start(again: bool, host: Host) -> None:
    """Start the container and wait until its sshd listens.

    :param again: it runs, and is stopped first.
    :raises UserError: its configuration would not do; then it is left as it is. Or it does not listen.
    """
    ssh = host.spec.of(ServerSpec)
    if not host.validated and host.facts.of(Image).known:
        configuration.write(host, {})
    if host.facts.of(Container).status == "paused":
        cli.docker(["unpause", ssh.container])
    cli.docker(["restart" if again else "start", ssh.container], timeout=cli.WORK)
    wait(ssh.container, ssh.port, frozenset())
    host.facts.put(containers.read(ssh.container))


def reload(host: Host) -> None:
    """Have the running sshd load its configuration: a signal, logins survive. Proved by its new sockets.

    :raises UserError: the container has ended; or the configuration would not do: sshd would end, it goes on with the
        one that it has.
    """
    ssh = host.spec.of(ServerSpec)
    if not host.validated:
        configuration.write(host, {})
    old = frozenset(processes.listening(ssh.port))
    pid = _pid(ssh.container)
    if not pid:
        raise ContainerError("the container %s has ended meanwhile: run again" % ssh.container)
    os.kill(pid, signal.SIGHUP)  # docker kill would count as a stop by hand, after which no restart policy acts
    wait(ssh.container, ssh.port, old)
    data = files.read_file(paths.STATE_DIR + "/sshd_config") or b""
    files.write_file(paths.PRIVATE_DIR + "/in-force", digests.digest(data).encode() + b"\n", 0o600)


def wait(name: str, port: int, old: "frozenset[int]") -> None:
    """Wait until the sshd of the container itself listens on the port with sockets that are not the old ones.

    :raises ContainerError: not within ``SERVES`` seconds; with the container's last words.
    """
    deadline = time.monotonic() + SERVES
    while time.monotonic() < deadline:
        pid = _pid(name)
        mine = processes.sockets_below(pid) if pid else set()
        if mine & (set(processes.listening(port)) - old):
            return
        time.sleep(0.1)
    said = cli.docker(["logs", "--tail", "5", name], check=False)
    words = (said.out + said.err).decode("utf-8", "replace").strip()
    raise ContainerError(
        "the container %s does not listen on port %d after %d seconds; its last words: %s" % (name, port, SERVES, words)
    )


def _pid(name: str) -> int:
    found = inspected.container(name)
    return found.State.Pid if found else 0
