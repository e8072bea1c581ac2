# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan what lies outside the container: the firewall and the hop to the host's own sshd. Pure."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible_collections.quantumsafe.openssh.plugins.module_utils import (
    algorithms,
    authorized_keys,
    nftables,
    platforms,
    policy,
    sshkeys,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils import desired as goal
from ansible_collections.quantumsafe.openssh.plugins.module_utils.describe import member
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan import UNKNOWN, Plan
from ansible_collections.quantumsafe.openssh.plugins.module_utils.sshconfig import ConfigError

Want = Mapping[str, Any]
Facts = Mapping[str, Any]

TAG = "oqs-ssh"
NFT_CONF = "/etc/nftables.conf"
NFT_SNIPPET = "/etc/nftables.d/oqs-ssh.nft"
NFT_INCLUDE = b'include "' + NFT_SNIPPET.encode() + b'"'
HOP_MARK = "oqs-ssh-hop"
IDENTITY = goal.HOME_SSH + "/id_ed25519"


def plan_firewall(want: Want, facts: Facts, plan: Plan) -> None:
    """Open the port in the firewall that is active; an inactive one is never turned on."""
    firewall, found = want["firewall"], facts["firewall"]
    backend = firewall["backend"] if firewall["backend"] != "auto" else found["active"]
    if backend not in ("none", "nftables"):
        plan.refuse(
            "the active firewall is %s, which this version does not open: open port %d there yourself and set "
            "oqs_ssh_firewall_backend: none" % (backend, firewall["port"])
        )
    if backend != "nftables":
        return
    if found["ruleset"] is None:
        plan.refuse("oqs_ssh_firewall_backend is nftables, but the program nft is not on this host")
        return
    port, sources = firewall["port"], firewall["sources"]
    now = shown_rules(found["ruleset"])
    rules = firewall_rules(firewall, found)
    if nftables.needed(found["ruleset"], port, sources, TAG) or (now and not rules):
        before, after = "\n".join(now) or "closed", "\n".join(map(_shown_rule, rules)) or "closed"
        if now and before == after:
            before += "\nwithout effect: another rule comes first"
        plan.want("firewall", "nftables", "port %d" % port, before, after, "the port is served")
    if not found["persistent"]:
        return
    snippet = snippet_of(rules)
    plan.want("firewall", "nftables_file", NFT_SNIPPET, _text(found["snippet"]), snippet, "open after a restart, too")
    conf = conf_with(found["conf"], bool(rules))
    shown = conf.decode("utf-8", "replace")
    plan.want("firewall", "nftables_file", NFT_CONF, _text(found["conf"]), shown, "it includes our file")


def shown_rules(ruleset: Any) -> List[str]:
    """Our rules, each as people read it: where it stands, and what it says."""
    return ["%s %s %s %s" % (rule[:3] + (rule.text,)) for rule in nftables.ours(ruleset, TAG)]


def _shown_rule(command: str) -> str:
    """The same of a command that is going to make one."""
    text = command.split(" rule ", 1)[1]
    end = ' comment "%s"' % TAG
    return text[: -len(end)] if text.endswith(end) else text


def firewall_rules(firewall: Want, found: Facts) -> List[str]:
    """The nft commands that open the port, none when it should be closed or nothing closes it."""
    if firewall["state"] == "absent":
        return []
    return nftables.rules_for(found["ruleset"], firewall["port"], firewall["sources"], TAG)


def snippet_of(rules: Sequence[str]) -> str:
    """The file that opens the port whenever the host's own rule set is loaded."""
    if not rules:
        return "absent"
    return "\n".join(["# Opens the port of the quantum-safe sshd; kept by quantumsafe.openssh."] + list(rules)) + "\n"


def conf_with(conf: bytes, wanted: bool) -> bytes:
    """The host's nftables.conf with (or without) one line at its end, where all chains are known."""
    kept = b"".join(line for line in conf.splitlines(True) if line.strip() != NFT_INCLUDE)
    if not wanted:
        return kept
    return kept + (b"" if not kept or kept.endswith(b"\n") else b"\n") + NFT_INCLUDE + b"\n"


def plan_hop(want: Want, facts: Facts, plan: Plan) -> None:
    """The way from inside the container to the host's own sshd."""
    hop, found = want["hop"], facts["hop"]
    present = hop["state"] == "present"
    if present:
        _check_users(hop, found, plan)
        if found["sshd"]["error"]:
            plan.refuse(
                "the host's own sshd does not answer on localhost port %d (%s): set oqs_ssh_hop_port, or "
                "oqs_ssh_hop_enabled: false" % (hop["hop_port"], found["sshd"]["error"])
            )
            return
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
        self.hop_config = policy.hop_file(lines) if here else None
        self.ssh_config = policy.with_include(base, here)
        if everywhere:
            self.ssh_config = policy.global_hop(self.ssh_config, lines)
        pins = ["%s %s" % (goal.hosts_field(hop["hop_port"]), " ".join(line.split()[:2])) for line in self.host_keys]
        self.known_hosts = goal.known_hosts(pinned, pins, goal.HOST) or b""


def _pinned(want: Want, facts: Facts) -> Optional[bytes]:
    """known_hosts as it will be when the container's own section is done; None while its keys are not known."""
    if "ssh" in want and want["ssh"]["state"] == "present":
        return goal.desired(want["ssh"], facts).known_hosts
    found: Optional[bytes] = facts["state"].get("known_hosts")
    return found or b""


def _plan_files(want: Want, facts: Facts, base: bytes, plan: Plan) -> None:
    hop = want["hop"]
    state, pinned = facts["state"], _pinned(want, facts)
    wanted = HopGoal(hop, facts, base, pinned or b"")
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
    why = "the host's own key is pinned"
    if pinned is not None:
        _want_bytes(plan, "hop_known_hosts", pinned, wanted.known_hosts, why)
    elif HopGoal(hop, facts, base, state.get("known_hosts") or b"").known_hosts != (state.get("known_hosts") or b""):
        plan.want("hop", "hop_known_hosts", "", _text(state.get("known_hosts")), UNKNOWN, why)


def _want_bytes(plan: Plan, kind: str, before: Optional[bytes], after: Optional[bytes], why: str) -> None:
    if before != after:
        plan.want("hop", kind, "", _text(before), _text(after), why)


def _plan_users(hop: Want, facts: Facts, plan: Plan) -> None:
    public, whole = identity(facts["state"]), facts["state"].get("identity_state", "good")
    if hop["users"] and hop["state"] == "present":
        if not public or (whole not in ("good", "missing") and not whole.startswith("mode")):
            state = "absent" if whole in ("good", "missing") else whole
            plan.want("hop", "hop_identity", IDENTITY, state, UNKNOWN, "oqs_ssh_hop_users names accounts")
            public = None
        elif whole.startswith("mode"):
            plan.want("hop", "hop_identity", IDENTITY, whole, "mode 600", "ssh takes no key that others can read")
    for name, user in facts["hop"]["users"].items():
        wanted = hop["state"] == "present" and name in hop["users"]
        if "error" in user:
            continue
        after = user_keys(user["keys"], hop_line(public) if public and wanted else None)
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
        return public if public and sshkeys.parse_public(public.decode("utf-8", "replace")) else None
    except sshkeys.BadKey:
        return None


def hop_line(public: bytes) -> str:
    """The restricted line for a host account: a terminal and nothing else, from the host itself only (sshd(8))."""
    kind, blob = public.decode("ascii", "replace").split()[:2]
    return 'restrict,pty,from="127.0.0.1,::1" %s %s %s' % (kind, blob, HOP_MARK)


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
