# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan the hop to the host's own sshd. Pure."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.describe import member
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import desired as goal
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import policy
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import platforms
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import algorithms
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.sshconfig import ConfigError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import authorized_keys, key_files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import UNKNOWN, Plan

Want = Mapping[str, Any]
Facts = Mapping[str, Any]

HOP_MARK = "oqs-ssh-hop"
#: How the item begins for an identity that is whole and to be replaced.
ROTATED = "the present one"


def plan_hop(want: Want, facts: Facts, plan: Plan) -> None:
    """The way from inside the container to the host's own sshd."""
    hop, found = want["hop"], facts["hop"]
    present = hop["state"] == "present"
    if present:
        _check_users(hop, found, plan)
        if found["sshd"]["error"]:
            others = ", ".join(map(str, hop.get("hop_others", ())))
            plan.refuse(
                "the host's own sshd does not answer on %s port %d (%s%s): set oqs_ssh_hop_port, or "
                "oqs_ssh_hop_enabled: false" % (
                    _address(hop), hop["hop_port"], found["sshd"]["error"], others and "; it listens on port " + others)
            )
            return
        _tell_target(hop, plan)
    try:
        base = _client_config(want, facts)
        if base is not None:
            _plan_files(want, facts, base, plan)
    except ConfigError as error:
        plan.refuse(str(error))
        return
    if base is None and not present:
        return
    if base is None:
        for kind in (["hop_config"] if hop["scope"] == "localhost" else []) + ["hop_client", "hop_known_hosts"]:
            plan.want("hop", kind, "", "absent", UNKNOWN, "needs the image")
    _plan_users(hop, facts, plan)


def _address(hop: Want) -> str:
    return str(hop.get("hop_address", "localhost"))


def _tell_target(hop: Want, plan: Plan) -> None:
    """Where the hop goes, where that is not localhost at the port that was asked for."""
    if hop.get("hop_asked", hop["hop_port"]) != hop["hop_port"]:
        words = "the host's own sshd listens on port %d, not on %d (oqs_ssh_hop_port): the hop goes there"
        plan.note(words % (hop["hop_port"], hop["hop_asked"]))
    if _address(hop) == "localhost":
        return
    plan.note("the host's own sshd does not listen on localhost: the hop goes to %s" % _address(hop))
    if hop["scope"] == "global":
        plan.refuse(
            "oqs_ssh_hop_scope: global is for hosts whose own sshd listens on localhost, and this one listens on %s "
            "only: take it out, or let sshd listen on localhost, too" % _address(hop)
        )


def _client_config(want: Want, facts: Facts) -> Optional[bytes]:
    """ssh_config as it will be when the container's own section is done; None while the image is not known."""
    if not facts["image"].get("ssh_config"):
        return None
    if "ssh" in want and want["ssh"]["state"] == "present":
        return goal.desired(want["ssh"], facts).ssh_config
    data = facts["state"].get("ssh_config")
    return data if data is not None else None


class HopGoal:
    """The wanted content of the hop's files."""

    def __init__(self, hop: Want, facts: Facts, base: bytes, pinned: bytes) -> None:
        found, image = facts["hop"], facts["image"]
        present = hop["state"] == "present"
        self.kex = policy.hop_kex(image["kex"], found["sshd"]["kex"]) if present else []
        self.host_keys = choose_host_keys(found["host_keys"], image["key"]) if present else []
        names = [name for line in self.host_keys for name in signature_names(line.split()[0])]
        everywhere = present and hop["scope"] == "global"
        written = facts["state"].get("written", {}).get("hop", {})
        base = policy.without_hop(base, image["ssh_config"].encode(), written, everywhere)
        lines = policy.hop_lines(base, self.kex, names, bool(hop["users"])) if present else []
        here = present and hop["scope"] == "localhost"
        self.hop_config = policy.hop_file(lines, _address(hop)) if here else None
        self.ssh_config = policy.with_include(base, here)
        if everywhere:
            self.ssh_config = policy.global_hop(self.ssh_config, lines)
        names_field = goal.hosts_field(hop["hop_port"], _address(hop))
        pins = ["%s %s" % (names_field, " ".join(line.split()[:2])) for line in self.host_keys]
        self.known_hosts = goal.known_hosts(pinned, pins, goal.HOST) or b""


def _plan_files(want: Want, facts: Facts, base: bytes, plan: Plan) -> None:
    hop = want["hop"]
    state, pinned = facts["state"], facts["state"].get("known_hosts") or b""
    wanted = HopGoal(hop, facts, base, pinned)
    if hop["state"] == "present":
        if not wanted.kex:
            plan.refuse("the image's client and the host's own sshd have no key exchange in common")
        if not wanted.host_keys:
            plan.refuse("the host's own sshd has no host key of a type that the image's client knows")
        quantum = wanted.kex and algorithms.family(wanted.kex[0]) == "hybrid"
        plan.note("the hop to the host's own sshd: %s" % (
            "post-quantum key exchange, %s" % wanted.kex[0] if quantum
            else "classical key exchange only (%s): the host's own sshd can do no other" % ", ".join(wanted.kex)
        ))
    _want_bytes(plan, "hop_config", state.get("hop_config"), wanted.hop_config, "for connections to the host itself")
    _want_bytes(plan, "hop_client", base, wanted.ssh_config, "the client's configuration takes the hop in")
    here, then = (goal.known_part(data or b"", goal.HOST) for data in (pinned, wanted.known_hosts))
    _want_bytes(plan, "hop_known_hosts", here or None, then or None, "the host's own key is pinned")


def _want_bytes(plan: Plan, kind: str, before: Optional[bytes], after: Optional[bytes], why: str) -> None:
    if before != after:
        plan.want("hop", kind, "", _text(before), _text(after), why)


def _plan_users(hop: Want, facts: Facts, plan: Plan) -> None:
    public, whole = identity(facts["state"]), facts["state"].get("identity_state", "good")
    if hop.get("rotate") and not (hop["users"] and hop["state"] == "present"):
        plan.note("the container has no key for the hop (oqs_ssh_hop_users names no account): nothing to rotate")
    if hop["users"] and hop["state"] == "present":
        if not public or (whole not in ("good", "missing") and not whole.startswith("mode")):
            state = "absent" if whole in ("good", "missing") else whole
            plan.want("hop", "hop_identity", paths.IDENTITY, state, UNKNOWN, "oqs_ssh_hop_users names accounts")
            public = None
        elif hop.get("rotate"):
            plan.want("hop", "hop_identity", paths.IDENTITY, ROTATED, UNKNOWN, "another one is wished for")
            public = None
        elif whole.startswith("mode"):
            plan.want("hop", "hop_identity", paths.IDENTITY, whole, "mode 600", "ssh takes no key that others can read")
    for name, user in facts["hop"]["users"].items():
        wanted = hop["state"] == "present" and name in hop["users"]
        if "error" in user:
            continue
        after = user_keys(user["keys"], hop_line(public, _address(hop)) if public and wanted else None)
        if wanted and not public:
            plan.want("hop", "hop_user", name, _text(user["keys"]), UNKNOWN, "the container's key may log in")
        elif after != user["keys"]:
            why = "the container's key may log in" if wanted else "no longer in oqs_ssh_hop_users"
            plan.want("hop", "hop_user", name, _text(user["keys"]), _text(after), why)


def identity(state: Facts) -> Optional[bytes]:
    """The container's public ed25519 key; None where there is none, or what lies there (the container's user may write
    to that folder) is no key."""
    public: Optional[bytes] = state.get("identity")
    try:
        return public if public and key_files.parse_public(public.decode("utf-8", "replace")) else None
    except key_files.BadKey:
        return None


def hop_line(public: bytes, address: str = "localhost") -> str:
    """The restricted line for a host account: a terminal and nothing else, from the host itself only (sshd(8)).

    :param address: where the hop goes; a connection to an address of the host comes from that address.
    """
    sources = "127.0.0.1,::1" + ("" if address == "localhost" else "," + address)
    kind, blob = public.decode("ascii", "replace").split()[:2]
    return 'restrict,pty,from="%s" %s %s %s' % (sources, kind, blob, HOP_MARK)


def user_keys(data: bytes, line: Optional[str]) -> bytes:
    """An account's authorized_keys with our line, or without any of ours; all other lines stay as they are."""
    wanted = [authorized_keys.parse_entry(line)] if line else []
    return authorized_keys.ensure(data, wanted, exclusive=True, owned=authorized_keys.marked(HOP_MARK))


def _check_users(hop: Want, found: Facts, plan: Plan) -> None:
    for number, name in enumerate(hop["users"], 1):
        user = found["users"][name]
        if "error" in user:
            words = "oqs_ssh_hop_users: %s: %s: make it first, or correct the name"
            plan.refuse(words % (member(number, name), user["error"]))
        elif user["privileged"] and not hop["privileged"]:
            plan.refuse(
                "oqs_ssh_hop_users: %s is %s; whoever gets into the container would be that account: name another, or "
                "set oqs_ssh_hop_privileged: true" % (name, user["privileged"])
            )


def privileged(uid: int, groups: Sequence[str]) -> str:
    """Why an account is root in all but name, or an empty string."""
    if uid == 0:
        return "root"
    found = sorted(platforms.PRIVILEGED_GROUPS.intersection(groups))
    return "a member of %s" % ", ".join(found) if found else ""


def choose_host_keys(lines: Sequence[str], known: Sequence[str]) -> List[str]:
    """Which of the host's own keys the hop pins: hybrids that the image's client knows, and one classical key."""
    usable = [line for line in lines if line.split()[0] in known or line.startswith("ssh-rsa ")]
    by_type: Dict[str, str] = {line.split()[0]: line for line in usable}
    hybrids = [line for name, line in by_type.items() if algorithms.family(name) == "hybrid"]
    for name in ("ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"):
        if name in by_type:
            return hybrids + [by_type[name]]
    return hybrids + usable[:1]


def signature_names(key_type: str) -> List[str]:
    """The signature algorithms of a key type; RSA keys sign with SHA-2 (RFC 8332)."""
    return ["rsa-sha2-512", "rsa-sha2-256"] if key_type == "ssh-rsa" else [key_type]


def _text(data: Optional[bytes]) -> str:
    return "absent" if data is None else data.decode("utf-8", "replace")
