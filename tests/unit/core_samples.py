# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Wishes and hosts for the tests of the core: a virgin host, one with an engine, one with the image, one as wanted."""

from __future__ import annotations

import copy
from typing import Any, Dict, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import digests
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import desired
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import nftables as firewall_nftables
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.backend import TAG
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import key_files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import plan_outside
from key_samples import private_file, public_line

SECRET = "heron-lantern-vortex-42"
HASH = "$6$rounds=1000$NaClNaClNaCl$veryveryhashed"
PORT, FREE_UID = 2222, 22222
ENGINE_ID = "sha256:" + "ab" * 32
IMAGE_ID = "sha256:" + "cd" * 32
HYBRID_KEY = "ssh-mldsa44-ed25519"
HOST_KEYS = [public_line("ssh-ed25519", b"own1"), public_line("ecdsa-sha2-nistp256", b"own2")]
IDENTITY = (public_line("ssh-ed25519", b"hop1", "oqs-ssh-hop") + "\n").encode()
MY_KEY = public_line(HYBRID_KEY, b"mine", "me@desk")

#: As in the Open Quantum Safe image, shortened; tabs, odd case and blanks are what must survive.
SSHD_CONFIG = """\
#\tserver configuration
KexAlgorithms mlkem768nistp256-sha256,mlkem768x25519-sha256
HostKeyAlgorithms ssh-mldsa44-ed25519
PubkeyAcceptedKeyTypes ssh-mldsa44-ed25519
Port 2222

#HostKey /opt/oqs-ssh/ssh_host_ed25519_key
HostKey /opt/oqs-ssh/ssh_host_ssh-mldsa44-ed25519_key
#MaxAuthTries 6
AuthorizedKeysFile\t.ssh/authorized_keys
  usedns   no
#PidFile /var/run/sshd.pid
Subsystem sftp /opt/oqs-ssh/libexec/sftp-server
"""
SSH_CONFIG = """\
# client configuration
KexAlgorithms mlkem768nistp256-sha256,mlkem768x25519-sha256
HostKeyAlgorithms ssh-mldsa44-ed25519
PubkeyAcceptedKeyTypes ssh-mldsa44-ed25519
Port 2222
IdentityFile ~/.ssh/id_ssh-mldsa44-ed25519
#IdentityFile ~/.ssh/id_ed25519

# Host *
#   IdentityFile ~/.ssh/id_ed25519
#   Port 22
"""
KEX = [
    "mlkem768nistp256-sha256", "mlkem768x25519-sha256", "sntrup761x25519-sha512@openssh.com", "curve25519-sha256",
    "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256",
]
KEY = [HYBRID_KEY, "ssh-mldsa44", "ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"]


def ssh_want(**other: Any) -> Dict[str, Any]:
    """The ssh section of what is wanted, as the controller sends it."""
    wanted = {
        "state": "present", "container": "oqs-ssh", "port": PORT, "restart_policy": "unless-stopped", "user": "oqs",
        "uid": "auto", "authorized_keys": [MY_KEY], "authorized_keys_exclusive": True, "kex_algorithms": [],
        "host_key_algorithms": [], "pubkey_algorithms": [], "stock_clients": False, "sources": [], "hop_port": 22,
        "image": {"name": "example.org/oqs:1", "source": "archive", "id": IMAGE_ID, "facts": None},
        "mode": "shell", "entry": "#!/bin/sh\nexit 0\n", "password_set": True,
    }
    return dict(wanted, **other)


def hop_want(**other: Any) -> Dict[str, Any]:
    """The hop section."""
    wanted = {
        "state": "present", "users": ["alice"], "hop_port": 22, "scope": "localhost", "privileged": False,
        "container": "oqs-ssh", "port": PORT,
    }
    return dict(wanted, **other)


def firewall_want(**other: Any) -> Dict[str, Any]:
    """The firewall section."""
    wanted = {"state": "present", "backend": "auto", "sources": [], "port": PORT, "container": "oqs-ssh"}
    return dict(wanted, **other)


def want(**other: Any) -> Dict[str, Any]:
    """Everything that the playbook asks for; a section that is None is left out."""
    found = {"engine": {"state": "present"}, "ssh": ssh_want(), "firewall": firewall_want(), "hop": hop_want()}
    return {name: part for name, part in dict(found, **other).items() if part is not None}


def image(**other: Any) -> Dict[str, Any]:
    """What the image says of itself."""
    known = {
        "engine_id": ENGINE_ID, "kex": KEX, "key": KEY, "sig": ["rsa-sha2-512"], "user": ["oqs", "1000", "/home/oqs"],
        "sshd_config": SSHD_CONFIG, "ssh_config": SSH_CONFIG, "unknown_keywords": [], "openssh": "OpenSSH_10.6p1",
        "refuses": "",
    }
    return dict(known, **other)


def ruleset(rules: Any = ()) -> Any:
    """An nftables rule set that drops what it does not name, with these rules of ours."""
    place = {"family": "inet", "table": "filter", "chain": "input"}
    found = [
        {"table": {"family": "inet", "name": "filter", "handle": 1}},
        {"chain": {"family": "inet", "table": "filter", "name": "input", "handle": 1, "type": "filter", "hook": "input",
                   "prio": 0, "policy": "drop"}},
        {"rule": dict(place, handle=2, expr=[
            {"match": {"op": "==", "left": {"meta": {"key": "iif"}}, "right": "lo"}}, {"accept": None}])},
    ]
    for number, expressions in enumerate(rules, 3):
        found.append({"rule": dict(place, handle=number, expr=expressions, comment=TAG)})
    return found


def open_rule(port: int = PORT) -> Any:
    """Our rule as nft prints it."""
    dport = {"payload": {"protocol": "tcp", "field": "dport"}}
    return [{"match": {"op": "==", "left": dport, "right": port}}, {"accept": None}]


def firewall_facts(**other: Any) -> Dict[str, Any]:
    """What was found of firewalls on a host that has none, with some."""
    found = {
        "compat": False, "sshd_config": None, "ufw": None, "firewalld": None,
        "nftables": {"ruleset": None, "persistent": False, "conf": b"", "snippet": None},
        "iptables": {"tables": {}, "programs": {}, "files": []},
    }
    return dict(found, **other)


def virgin() -> Dict[str, Any]:
    """A host on which nothing of ours is, and no Docker."""
    nothing = dict.fromkeys((
        "entry", "sshd_config", "ssh_config", "hop_config", "known_hosts", "authorized_keys", "identity",
    ))
    return {
        "machine": {"id": "0123456789abcdef", "distribution": "debian", "like": [], "version": "13",
                    "codename": "trixie", "name": "Debian GNU/Linux 13 (trixie)", "root": True, "systemd": True},
        "engine": {"installed": False, "running": False, "kind": "docker", "version": "", "daemon_json": False},
        "image": {}, "container": {}, "port": {}, "uid": {"taken": False, "free": FREE_UID},
        "state": dict(
            nothing, uid="", in_force="", password="", keys={}, folders=dict.fromkeys(desired.folders(0), "absent"),
        ),
        "password": {"state": "absent", "why": "nobody has set one"},
        "firewall": firewall_facts(
            nftables={"ruleset": ruleset(), "persistent": True, "conf": b"flush ruleset\n", "snippet": None}),
        "hop": {
            "sshd": {"error": "", "software": "OpenSSH_10.0", "kex": ["mlkem768x25519-sha256", "curve25519-sha256"]},
            "host_keys": list(HOST_KEYS),
            "users": {"alice": {"uid": 1001, "gid": 1001, "home": "/home/alice", "privileged": "",
                                "path": "/home/alice/.ssh/authorized_keys", "keys": b"# mine\n"}},
        },
    }


def with_engine() -> Dict[str, Any]:
    """A host with an engine of its own."""
    facts = virgin()
    facts["engine"].update(installed=True, running=True, version="26.1.5", rootless=False, userns=False)
    return facts


def image_known() -> Dict[str, Any]:
    """A host with the image, of which is known what it can."""
    facts = with_engine()
    facts["image"] = image()
    return facts


def key_pair(kind: str, seed: bytes = b"seed") -> Tuple[bytes, bytes]:
    """A sound pair of keys: private and public file."""
    fields = (seed * 8, bytes(32) + seed * 8)
    return private_file(kind, seed, fields=fields), public_line(kind, seed).encode() + b"\n"


def converged(wishes: Any = None, facts: Any = None) -> Dict[str, Any]:
    """A host that is as wanted, made as a person would by hand: from what is desired, resource by resource."""
    wishes, facts = wishes or want(), facts or image_known()
    ssh, hop, state = wishes["ssh"], wishes.get("hop"), facts["state"]
    facts["engine"].update(installed=True, running=True, version="26.1.5", rootless=False, userns=False)
    state.update(entry=ssh["entry"].encode(), uid=str(desired.user_id(ssh, facts)), password=HASH)
    state["folders"] = desired.folders(int(state["uid"]))
    for name in desired.desired(ssh, facts).host_keys:
        kind = key_files.key_type(name)
        state["keys"][key_files.host_key_name(name)] = key_pair(kind)
    goal = desired.desired(ssh, facts)
    for name in ("sshd_config", "ssh_config", "authorized_keys", "known_hosts"):
        state[name] = getattr(goal, name)
    state["in_force"] = digests.digest(goal.sshd_config)
    facts["password"] = {"state": "the given one" if ssh["password_set"] else "locked", "why": "as it was"}
    facts["container"] = {
        "id": "c0ffee", "image": ENGINE_ID, "labels": {desired.LABEL: desired.label_of(goal.container)},
        "running": True, "status": "running", "pid": 4711, "health": "healthy", "sockets": {77, 78},
    }
    facts["port"] = {"inodes": [77, 78], "pid": 4711, "owner": "sshd, process 4711",
                     "ends": {77: "0.0.0.0", 78: "::"}, "owners": dict.fromkeys((77, 78), "sshd, process 4711")}
    if hop and hop["state"] == "present":
        _with_hop(hop, facts)
    _with_firewall(wishes, facts)
    return facts


def _with_hop(hop: Any, facts: Any) -> None:
    state = facts["state"]
    if hop["users"]:
        state["identity"] = IDENTITY
    goal = plan_outside.HopGoal(hop, facts, state["ssh_config"], state["known_hosts"])
    state.update(hop_config=goal.hop_config, ssh_config=goal.ssh_config, known_hosts=goal.known_hosts)
    for name in hop["users"]:
        line = plan_outside.hop_line(IDENTITY) + "\n"
        facts["hop"]["users"][name]["keys"] = b"# mine\n" + line.encode()


def _with_firewall(wishes: Any, facts: Any) -> None:
    if "firewall" not in wishes:
        return
    found, port = facts["firewall"]["nftables"], wishes["firewall"]["port"]
    found["ruleset"] = ruleset([open_rule(port)])
    rules = firewall_nftables.rules_for(wishes["firewall"], facts["firewall"])
    found["snippet"] = firewall_nftables.snippet_of(rules).encode()
    found["conf"] = firewall_nftables.conf_with(found["conf"], True)


def clone(facts: Any) -> Dict[str, Any]:
    """A copy that a test may change."""
    found: Dict[str, Any] = copy.deepcopy(facts)
    return found


HOST_KEY = " ".join(public_line("ssh-ed25519").split()[:2])
OFFER = {"kex": ["mlkem768x25519-sha256"], "host_keys": ["ssh-ed25519"], "pubkeys": ["-ecdsa-*", "rsa-sha2-512"]}
#: What a host answers: to its clients, and to a look as far as the controller writes it down.
CLIENT = {
    "port": 2222, "user": "oqs", "mode": "shell", "offer": OFFER, "keys": [HOST_KEY], "hop_address": "localhost",
    "hop_port": 22, "hop_keys": [HOST_KEY],
}
LOOK = {
    "pins": [HOST_KEY], "offer": OFFER, "knows": OFFER, "hop_target": {"port": 0, "address": "localhost"}, "plan": [],
}
