# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host should look like, computed from what is wanted and what is there. Pure; used by the plan and by acts."""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Optional, Sequence

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import digests, paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.file_modes import Ownership
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.machine import Machine
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import (
    effect,
    known_hosts,
    migration,
    policy,
    rotation,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.facts import (
    Judged,
    State,
    Uid,
    WantedImage,
    uid_of,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import ServerSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli, platforms
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.containers import LABEL
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.engine import Engine
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.image_facts import Image
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import authorized_keys
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.typed import Facts

#: What sshd, key-gen.sh, passwd(1) and the entry need; nothing else is left to the container's root.
CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID", "SYS_CHROOT")
#: Bounds of what it takes from the host: processes of all, and of its user, so that a fork bomb in a shell leaves sshd
#: enough for a way through; memory of all.
PROCESSES, USERS_PROCESSES, MEMORY = 512, 256, "1g"
#: Where everybody may write, besides the user's home: in memory, and bounded.
SCRATCH = ("/tmp", "/var/tmp", "/run/lock")


class Content(NamedTuple):
    """The wanted content of everything that lies on the host, as far as it can be known now."""

    uid: int
    sshd_config: bytes
    ssh_config: bytes
    authorized_keys: bytes
    host_keys: List[str]
    next_keys: List[str]
    known_hosts: Optional[bytes]
    container: List[str]


def owned_files(uid: int) -> Dict[str, Ownership]:
    """Files of the state with mode and owner; the container's user must be able to read its configuration."""
    named = ("sshd_config", "ssh_config", "hop_config", "known_hosts")
    return {
        **{"%s/%s" % (paths.STATE_DIR, name): Ownership(0o644) for name in named},
        paths.ENTRY_FILE: Ownership(0o755),
        paths.UID: Ownership(0o644),
        paths.PRIVATE_DIR + "/password": Ownership(0o600),
        paths.HOME_SSH + "/authorized_keys": Ownership(0o600, uid, uid),
    }


def folders(uid: int) -> Dict[str, Ownership]:
    """The folders of the state with mode and owner."""
    return {
        paths.STATE_DIR: Ownership(0o755),
        paths.PRIVATE_DIR: Ownership(0o700),
        paths.VAR_DIR: Ownership(0o700),
        paths.HOME_SSH: Ownership(0o700, uid, uid),
        paths.SERVER_DIR: Ownership(0o700),
        paths.IMAGES_DIR: Ownership(0o700),
        paths.LEDGER_DIR: Ownership(0o700),
    }


def user_id(want: ServerSpec, state: State, uid: Uid) -> int:
    """The uid (and gid) of the container's user: the one asked for, the one in use, or a free one."""
    if want.uid != "auto":
        return int(want.uid)
    now = uid_of(state.uid)
    return now if now is not None and not uid.taken else uid.free


def wanted(want: ServerSpec, facts: Facts) -> Content:
    """Everything that should be there; needs what the image knows.

    :raises ConfigError: a configuration at hand cannot be edited without harm.
    """
    state, image = facts.of(State), facts.of(WantedImage).image
    server = server_config(want, state, image)
    names = policy.host_key_algorithms(server)
    coming = rotation.announced(want, state, names)
    weak = facts.of(Judged).weak
    if weak:
        server = effect.repaired(server, weak, image.config("sshd_config"))
    client = policy.client_config(base("ssh_config", want, state, image), want)
    uid = user_id(want, state, facts.of(Uid))
    own = known_hosts.own_lines(names, rotation.keys_after(want, state, names), want.port)
    following = known_hosts.own_lines(coming, state.next, want.port)
    pins = None if own is None or following is None else own + following
    return Content(
        uid=uid,
        sshd_config=server,
        ssh_config=client,
        authorized_keys=authorized_keys.ensure(
            state.authorized_keys or b"",
            [authorized_keys.parse_entry(line) for line in want.authorized_keys],
            want.authorized_keys_exclusive,
        ),
        host_keys=names,
        next_keys=coming,
        known_hosts=known_hosts.replaced(state.known_hosts or b"", pins, known_hosts.OWN),
        container=create_arguments(want, image, uid, facts.of(Machine), facts.of(Engine)),
    )


def server_config(want: ServerSpec, state: State, image: Image, alone: bool = False) -> bytes:
    """The server's configuration, before anybody has judged what others have written into it.

    :param alone: as we would write it where nobody else has written anything.
    :raises ConfigError: it cannot be edited without harm.
    """
    before = image.config("sshd_config") if alone else base("sshd_config", want, state, image)
    server = policy.server_config(before, want, image)
    coming = rotation.announced(want, state, policy.host_key_algorithms(server))
    return policy.server_config(before, want, image, coming) if coming else server


def base(name: str, want: ServerSpec, state: State, image: Image) -> bytes:
    """A configuration to which the spec is applied: the one at hand without what earlier runs wrote, and without the
    algorithms that the image does not know any more, where their loss is accepted (a rollback accepts it)."""
    default = image.config(name)
    data = policy.take_back(state.config(name) or default, default, state.written.get(name, {}), name)
    accepted = migration.lost(data, image, name) if want.image.rollback else want.image.drops
    return migration.without(data, image, accepted, name)


def create_arguments(want: ServerSpec, image: Image, uid: int, machine: Machine, engine: Engine) -> List[str]:
    """Arguments for ``docker create``. Their hash is kept as a label, so that a container of other arguments shows."""
    arguments = [
        "--name", want.container, "--network", "host", "--restart", want.restart_policy, "--pull", "never",
        "--security-opt", "no-new-privileges", "--cap-drop", "ALL",
        "--init=false", "--userns", "host",  # whatever the engine's own configuration says of others
    ]
    for capability in capabilities(want, image):
        arguments += ["--cap-add", capability]
    arguments += limits(want)
    arguments += [
        "--mount", cli.bind(paths.STATE_DIR, paths.STATE_DIR),
        "--mount", cli.bind(paths.HOME_SSH, "%s/.ssh" % (image.home or "/home/" + want.user)),
        "--mount", cli.bind(paths.ENTRY_FILE, paths.ENTRY, readonly=True),
        "--health-cmd", "%s health %d" % (paths.ENTRY, want.port), "--health-interval", "15s",
        "--health-timeout", "5s",
        "--health-retries", "1", "--health-start-period", "10s",  # one failure is the truth: nobody answered
        "--env", "OQS_USER=" + want.user, "--env", "OQS_UID=%d" % uid,
    ]
    arguments += log_arguments(machine.systemd) + platforms.security_arguments(engine.security)
    spec = arguments + [image.engine_id, digests.digest(want.entry.encode())]
    label = "%s=%s" % (LABEL, digests.digest("\0".join(spec).encode()))
    return arguments + ["--label", label, "--entrypoint", paths.ENTRY, image.engine_id, "serve"]


def capabilities(want: ServerSpec, image: Image) -> List[str]:
    """Those of the container: a port below 1024 needs one more, and so does an sshd that tells the kernel of logins
    (it turns everybody away where it cannot)."""
    more = [("NET_BIND_SERVICE", want.port < 1024), ("AUDIT_WRITE", image.audits)]
    return sorted([*CAPABILITIES, *(name for name, needed in more if needed)])


def limits(want: ServerSpec) -> List[str]:
    """What the container may take from the host. The kernel counts a user's processes over all containers, so that they
    are bounded only where no account of the host has the uid."""
    bounds = ["--pids-limit", str(PROCESSES), "--memory", MEMORY]
    if want.uid == "auto":
        bounds += ["--ulimit", "nproc=%d" % USERS_PROCESSES]
    for path in SCRATCH:
        bounds += ["--tmpfs", "%s:nosuid,nodev,size=64m,mode=1777" % path]
    return bounds


def log_arguments(journal: bool) -> List[str]:
    """sshd's log: to the host's journal under a fixed tag where there is one, else to files of bounded size."""
    if journal:
        return ["--log-driver", "journald", "--log-opt", "tag=oqs-ssh"]
    return ["--log-driver", "local", "--log-opt", "max-size=5m", "--log-opt", "max-file=3"]


def label_of(arguments: Sequence[str]) -> str:
    """The hash among ``create_arguments``."""
    prefix = LABEL + "="
    return next(text[len(prefix):] for text in arguments if text.startswith(prefix))


def proof_of(wanted: Content) -> str:
    """What a trial has proved: these settings with this configuration."""
    return digests.digest((label_of(wanted.container) + digests.digest(wanted.sshd_config)).encode())
