# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host should look like, computed from what is wanted and what is there. Pure; used by the plan and by apply."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import digests, paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import migration, policy, rotation
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli, platforms
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import authorized_keys, key_files

LABEL = "org.quantumsafe.openssh.spec"

#: Files of the state with their modes, all of root; the container's user must be able to read its configuration.
FILES = {
    paths.STATE_DIR + "/sshd_config": "644 0:0",
    paths.STATE_DIR + "/ssh_config": "644 0:0",
    paths.STATE_DIR + "/hop_config": "644 0:0",
    paths.STATE_DIR + "/known_hosts": "644 0:0",
    paths.STATE_DIR + "/uid": "644 0:0",
    paths.STATE_DIR + "/entry": "755 0:0",
    paths.PRIVATE_DIR + "/password": "600 0:0",
    paths.HOME_SSH + "/authorized_keys": "600 %(uid)d:%(uid)d",
}


#: What sshd, key-gen.sh, passwd(1) and the entry need; nothing else is left to the container's root.
CAPABILITIES = (
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID", "SYS_CHROOT",
)


class Desired(NamedTuple):
    """The wanted content of everything that lies on the host, as far as it can be known now."""

    uid: int
    sshd_config: bytes
    ssh_config: bytes
    authorized_keys: bytes
    host_keys: List[str]
    next_keys: List[str]
    known_hosts: Optional[bytes]
    container: List[str]


def folders(uid: int) -> Dict[str, str]:
    """The folders and their mode and owner, as ``look`` prints them."""
    root = "755 0:0"
    return {
        paths.STATE_DIR: root,
        paths.PRIVATE_DIR: "700 0:0",
        paths.VAR_DIR: "700 0:0",
        paths.HOME_SSH: "700 %d:%d" % (uid, uid),
        paths.VAR_DIR + "/images": "700 0:0",
        paths.VAR_DIR + "/ledger": "700 0:0",
    }


def user_id(want: Mapping[str, Any], facts: Mapping[str, Any]) -> int:
    """The uid (and gid) of the container's user: the one asked for, the one in use, or a free one."""
    if want["uid"] != "auto":
        return int(want["uid"])
    now = uid_of(facts["state"].get("uid", ""))
    if now is not None and not facts["uid"]["taken"]:
        return now
    return int(facts["uid"]["free"])


def uid_of(text: str) -> Optional[int]:
    """The uid in a file of the state; None where the text is none that an ordinary account can have."""
    return int(text) if text.isdigit() and len(text) < 11 and 0 < int(text) < 2**31 else None


def desired(want: Mapping[str, Any], facts: Mapping[str, Any]) -> Desired:
    """Everything that should be there; needs what the image knows (``facts["image"]["sshd_config"]``).

    :param want: the ``ssh`` part of what is wanted.
    :raises ConfigError: a configuration at hand cannot be edited without harm.
    """
    state, image = facts["state"], facts["image"]
    before = base("sshd_config", want, facts)
    server = policy.server_config(before, want, image)
    names = policy.host_key_algorithms(server)
    coming = rotation.announced(want, state, names)
    if coming:
        server = policy.server_config(before, want, image, coming)
    client = policy.client_config(base("ssh_config", want, facts), want)
    uid = user_id(want, facts)
    own = own_lines(names, rotation.keys_after(want, state, names), want["port"])
    following = own_lines(coming, state.get("next", {}), want["port"])
    pins = None if own is None or following is None else own + following
    return Desired(
        uid=uid,
        sshd_config=server,
        ssh_config=client,
        authorized_keys=authorized_keys.ensure(
            state.get("authorized_keys") or b"",
            [authorized_keys.parse_entry(line) for line in want["authorized_keys"]],
            want["authorized_keys_exclusive"],
        ),
        host_keys=names,
        next_keys=coming,
        known_hosts=known_hosts(state.get("known_hosts") or b"", pins, OWN),
        container=create_arguments(want, facts, uid),
    )


def base(name: str, want: Mapping[str, Any], facts: Mapping[str, Any]) -> bytes:
    """A configuration to which wishes are applied: the one at hand without the wishes of earlier runs, and without the
    algorithms that the image does not know any more, where their loss is accepted (a rollback accepts it)."""
    state, image = facts["state"], facts["image"]
    default: bytes = image[name].encode()
    written = state.get("written", {}).get(name, {})
    data = policy.take_back(state.get(name) or default, default, written, name)
    back = want["image"].get("rollback")
    accepted = migration.lost(data, image, name) if back else want["image"].get("drops") or []
    return migration.without(data, image, accepted, name)


def remember(written: Mapping[str, Any], part: str, values: Mapping[str, str]) -> Dict[str, Dict[str, List[str]]]:
    """The values that we wrote, with some more.

    :param part: ``sshd_config``, ``ssh_config``, or ``hop`` for what the hop writes into the latter.
    """
    result = {name: {key: list(each) for key, each in known.items()} for name, known in written.items()}
    for name, value in values.items():
        known = result.setdefault(part, {}).setdefault(name, [])
        if value not in known:
            known.append(value)
    return result


OWN = "container"
HOST = "host"


def own_lines(names: Sequence[str], keys: rotation.Keys, port: int) -> Optional[List[str]]:
    """known_hosts lines for the container's own host keys, or None while a pair is missing or damaged.

    :param keys: file name of the private half to both halves.
    """
    lines = []
    for name in names:
        private, public = keys.get(key_files.host_key_name(name), (None, None))
        if not public or key_files.pair_state(private, public).state != "good":
            return None
        lines.append("%s %s" % (hosts_field(port), " ".join(public.decode("utf-8", "replace").split()[:2])))
    return lines


def hosts_field(port: int, address: str = "localhost") -> str:
    """The host itself in the form of known_hosts (sshd(8)): brackets where the port is not 22.

    :param address: another of its addresses, if that is where its sshd listens.
    """
    form = "%s" if port == 22 else "[%%s]:%d" % port
    return ",".join(form % name for name in dict.fromkeys(["localhost", "127.0.0.1", "::1", address]))


def known_hosts(data: bytes, lines: Optional[Sequence[str]], part: str) -> Optional[bytes]:
    """A known_hosts file with one part of ours replaced; all other lines stay. None while the lines are not known."""
    if lines is None:
        return None
    mark = b" oqs-ssh-" + part.encode()
    wanted = [line.encode() + mark + b"\n" for line in lines]
    here = data.splitlines(True)
    if [line for line in here if line.rstrip().endswith(mark)] == wanted:
        return data
    kept = b"".join(line for line in here if not line.rstrip().endswith(mark))
    if kept and wanted and not kept.endswith(b"\n"):
        kept += b"\n"
    return kept + b"".join(wanted)


def known_part(data: bytes, part: str) -> bytes:
    """The lines of one part of ours in a known_hosts file."""
    return b"".join(line for line in data.splitlines(True) if line.rstrip().endswith(b" oqs-ssh-" + part.encode()))


def own_keys(data: bytes) -> List[str]:
    """The container's own public host keys (type and base64) in a known_hosts file."""
    lines = known_part(data, OWN).decode("utf-8", "replace").splitlines()
    return [" ".join(line.split()[1:3]) for line in lines]


def create_arguments(want: Mapping[str, Any], facts: Mapping[str, Any], uid: int) -> List[str]:
    """Arguments for ``docker create``. Their hash is kept as a label, so that a container of other arguments shows."""
    image = facts["image"]
    arguments = [
        "--name", want["container"], "--network", "host", "--restart", want["restart_policy"], "--pull", "never",
        "--pids-limit", "512", "--security-opt", "no-new-privileges", "--cap-drop", "ALL",
    ]
    for capability in CAPABILITIES:
        arguments += ["--cap-add", capability]
    arguments += [
        "--mount", cli.bind(paths.STATE_DIR, paths.STATE_DIR),
        "--mount", cli.bind(paths.HOME_SSH, "%s/.ssh" % (image["user"][2] or "/home/" + want["user"])),
        "--mount", cli.bind(paths.STATE_DIR + "/entry", paths.ENTRY, readonly=True),
        "--health-cmd", "%s health %d" % (paths.ENTRY, want["port"]), "--health-interval", "15s",
        "--health-timeout", "5s",
        "--health-retries", "1", "--health-start-period", "10s",  # one failure is the truth: nobody answered
        "--env", "OQS_USER=" + want["user"],
    ]
    arguments += log_arguments(facts["machine"]["systemd"]) + platforms.security_arguments(facts["engine"])
    spec = arguments + [image["engine_id"], digests.digest(want["entry"].encode()), str(uid)]
    label = "%s=%s" % (LABEL, digests.digest("\0".join(spec).encode()))
    return arguments + ["--label", label, "--entrypoint", paths.ENTRY, image["engine_id"], "serve"]


def log_arguments(journal: bool) -> List[str]:
    """sshd's log: to the host's journal under a fixed tag where there is one, else to files of bounded size."""
    if journal:
        return ["--log-driver", "journald", "--log-opt", "tag=oqs-ssh"]
    return ["--log-driver", "local", "--log-opt", "max-size=5m", "--log-opt", "max-file=3"]


def label_of(arguments: Sequence[str]) -> str:
    """The hash among ``create_arguments``."""
    prefix = LABEL + "="
    return next(text[len(prefix):] for text in arguments if text.startswith(prefix))
