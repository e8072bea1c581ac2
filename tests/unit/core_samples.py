# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Wishes and hosts for the tests of the core: a virgin host, one with an engine, one with the image, one as wanted."""

from __future__ import annotations

import copy
from typing import Any, Dict, Mapping, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import digests, file_modes, paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.machine import Machine
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.processes import Port
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import content, hardening
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import hop as wanted_hop
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.facts import Judged, State, Uid, Upgrade
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import HopSpec, Secret, ServerSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.containers import LABEL, Container, Others
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.engine import Boot, Engine
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.image_facts import Image, Origin
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import firewalls, iptables
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import nftables as firewall_nftables
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.backend import TAG
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset import listing
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.spec import FirewallSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import key_files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.own_sshd import Offer, OwnSshd
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan import runner, typed
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.ledger import Row
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.ledger_file import Written
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Plan
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.restore import Folder, Named
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.typed import Facts, Spec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.access import Password
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.accounts import Account
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.hop import Hop
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.image import Arriving
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.lockdown import Lockdown, Watched
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session.registry import REGISTRY
from key_samples import private_file, public_line

SECRET = "heron-lantern-vortex-42"
HASH = "$6$rounds=1000$NaClNaClNaCl$veryveryhashed"
PORT, FREE_UID = 2222, 22222
ENGINE_ID = "sha256:" + "ab" * 32
IMAGE_ID = "sha256:" + "cd" * 32
HYBRID_KEY = "ssh-mldsa44-ed25519"
HOST_KEYS = [public_line("ssh-ed25519", b"own1"), public_line("ecdsa-sha2-nistp256", b"own2")]
IDENTITY = (public_line("ssh-ed25519", b"hop1", "oqs-ssh-hop") + "\n").encode()
CIPHER = ["3des-cbc", "aes128-cbc", "aes256-ctr", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"]
MAC = ["hmac-sha1", "hmac-sha2-256-etm@openssh.com", "umac-64@openssh.com"]
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


def firewall_spec(**other: Any) -> FirewallSpec:
    """The same as the firewalls read it."""
    return FirewallSpec(**firewall_want(**other))


def want(**other: Any) -> Dict[str, Any]:
    """Everything that the playbook asks for; a section that is None is left out."""
    found = {"engine": {"state": "present"}, "ssh": ssh_want(), "firewall": firewall_want(), "hop": hop_want()}
    return {name: part for name, part in dict(found, **other).items() if part is not None}


def image(**other: Any) -> Dict[str, Any]:
    """What the image says of itself."""
    known = {
        "engine_id": ENGINE_ID, "kex": KEX, "key": KEY, "sig": ["rsa-sha2-512"], "user": ["oqs", "1000", "/home/oqs"],
        "sshd_config": SSHD_CONFIG, "ssh_config": SSH_CONFIG, "unknown_keywords": [], "openssh": "OpenSSH_10.6p1",
        "refuses": "", "unsupported_keywords": [], "cipher": CIPHER, "mac": MAC, "audits": True,
        "asked": list(hardening.KEYWORDS),
    }
    return dict(known, **other)


def ruleset(rules: Any = (), also: Any = (), **other: str) -> Any:
    """An nftables rule set that drops what it does not name, with these rules of ours.

    :param also: objects before them; :param other: family or name of the chain.
    """
    family, name = other.get("family", "inet"), other.get("name", "input")
    place = {"family": family, "table": "filter", "chain": name}
    found = [
        {"table": {"family": family, "name": "filter", "handle": 1}},
        {"chain": {"family": family, "table": "filter", "name": name, "handle": 1, "type": "filter", "hook": "input",
                   "prio": 0, "policy": "drop"}},
        {"rule": dict(place, handle=2, expr=[
            {"match": {"op": "==", "left": {"meta": {"key": "iif"}}, "right": "lo"}}, {"accept": None}])},
        *also,
    ]
    for number, expressions in enumerate(rules, 3):
        found.append({"rule": dict(place, handle=number, expr=expressions, comment=TAG)})
    return listing.of(found)


def open_rule(port: int = PORT) -> Any:
    """Our rule as nft prints it."""
    dport = {"payload": {"protocol": "tcp", "field": "dport"}}
    return [{"match": {"op": "==", "left": dport, "right": port}}, {"accept": None}]


def firewall_facts(**other: Any) -> firewalls.Found:
    """What was found of firewalls on a host that has none, with some."""
    nothing = {
        "ufw": None, "firewalld": None, "nftables": firewall_nftables.Nftables(), "iptables": iptables.Iptables(),
    }
    return firewalls.Found(dict(nothing, **other))


def firewalls_are(facts: Any, **other: Any) -> None:
    """Another state of some firewalls of a host; of nftables only what is named."""
    known = facts["firewall"]
    found = dict(known.facts, **other)
    if isinstance(found["nftables"], dict):
        found["nftables"] = known.of(firewall_nftables.BACKEND)._replace(**found["nftables"])
    facts["firewall"] = firewalls.Found(found)


def spec(wanted: Any) -> Spec:
    """What is wanted, as the host reads it."""
    return typed.parse(wanted, REGISTRY.specs)


def facts_of(wanted: Any, found: Mapping[str, Any]) -> Facts:
    """What was found, as the plan reads it: the dictionaries of this file with their types."""
    state = dict(found["state"], identity_state=found["state"].get("identity_state", "good"))
    for name in ("folders", "modes"):
        state[name] = {path: file_modes.parse(str(owner)) for path, owner in state.get(name, {}).items()}
    hop, engine = found["hop"], dict(found["engine"])
    engine["program"] = engine.get("program") or ("/usr/bin/docker" if engine.pop("installed", False) else "")
    engine.pop("installed", None)
    engine.setdefault("boot", Boot("yes"))
    image = dict(found["image"])
    image["origin"] = Origin(**image.get("origin", {}))
    return Facts(
        spec(wanted), Machine(**found["machine"]), Engine(**engine), Image(**_tuples(image)),
        Container(**_tuples(found["container"])), Others(tuple(found.get("others", ()))), State(**state),
        Uid(**found["uid"]), Port(**_tuples(found["port"])),
        Password(**found["password"]), found["firewall"], found.get("guest", firewalls.Guest()), Offer(**hop["sshd"]),
        Hop(hop["host_keys"], {name: Account(**user) for name, user in hop["users"].items()}),
        OwnSshd(found.get("own_sshd", {}), found.get("trouble", "")), Upgrade(**_upgrade(found.get("upgrade", {}))),
        Written(found.get("rows", []), found.get("ledger_cut", False), found.get("distrust", "")),
        Arriving(found.get("held", ""), found.get("parts", ())), Secret(SECRET),
        Lockdown(**found.get("lockdown", {})), Judged(**found.get("judged", {})),
        Watched(*found.get("locked", ())), _named(found), readers=REGISTRY.readers,
    )


def _named(found: Mapping[str, Any]) -> Named:
    """What a removal would find of the folders that we have made."""
    there = {path: file_modes.parse(str(owner)) for path, owner in found["state"].get("folders", {}).items()}
    folders = {path: Folder(owner, ("private",)) if owner else None for path, owner in there.items()}
    return Named((Row("folder", paths.STATE_DIR), *found.get("rows", ())), folders={
        path: folders.get(path) for path in paths.REMOVED})


def _tuples(row: Mapping[str, Any]) -> Dict[str, Any]:
    return {
        name: frozenset(value) if isinstance(value, set) or name == "inodes" else value for name, value in row.items()
    }


def _upgrade(row: Mapping[str, Any]) -> Dict[str, Any]:
    return dict(row, knew=Image(**row.get("knew", {})), sockets=frozenset(row.get("sockets", ())))


def plan(wanted: Any, found: Mapping[str, Any]) -> Plan:
    """The plan for a host."""
    return runner.make_plan(REGISTRY, spec(wanted), facts_of(wanted, found))


def content_of(wanted: Any, found: Mapping[str, Any]) -> content.Content:
    """What should be there."""
    return content.wanted(spec(wanted).of(ServerSpec), facts_of(wanted, found))


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
            nothing, uid="", in_force="", password="", keys={}, folders=dict.fromkeys(content.folders(0), "absent"),
        ),
        "password": {"state": "absent", "why": "nobody has set one"},
        "firewall": firewall_facts(nftables=firewall_nftables.Nftables(
            ruleset(), persistent=True, conf=b"flush ruleset\n")),
        "hop": {
            "sshd": {"error": "", "software": "OpenSSH_10.0", "kex": ["mlkem768x25519-sha256", "curve25519-sha256"]},
            "host_keys": list(HOST_KEYS),
            "users": {"alice": {"uid": 1001, "gid": 1001, "root": "/home/alice", "privileged": "",
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


def converged(wanted: Any = None, facts: Any = None) -> Dict[str, Any]:
    """A host that is as wanted, made as a person would by hand: from what is desired, resource by resource."""
    wanted, facts = wanted or want(), facts or image_known()
    ssh, hop, state = wanted["ssh"], wanted.get("hop"), facts["state"]
    facts["engine"].update(installed=True, running=True, version="26.1.5", rootless=False, userns=False)
    state.update(entry=ssh["entry"].encode(), uid=str(content_of(wanted, facts).uid), password=HASH)
    state["folders"] = {path: str(owner) for path, owner in content.folders(int(state["uid"])).items()}
    for name in content_of(wanted, facts).host_keys:
        kind = key_files.key_type(name)
        state["keys"][key_files.host_key_name(name)] = key_pair(kind)
    goal = content_of(wanted, facts)
    for name in ("sshd_config", "ssh_config", "authorized_keys", "known_hosts"):
        state[name] = getattr(goal, name)
    state["in_force"] = digests.digest(goal.sshd_config)
    facts["password"] = {"state": "the given one" if ssh["password_set"] else "locked", "why": "as it was"}
    facts["container"] = {
        "id": "c0ffee", "name": ssh["container"], "image": ENGINE_ID,
        "labels": {LABEL: content.label_of(goal.container)},
        "running": True, "status": "running", "pid": 4711, "health": "healthy", "sockets": {77, 78},
    }
    facts["port"] = {"inodes": [77, 78], "pid": 4711, "owner": "sshd, process 4711",
                     "ends": {77: "0.0.0.0", 78: "::"}, "owners": dict.fromkeys((77, 78), "sshd, process 4711")}
    if hop and hop["state"] == "present":
        _with_hop(wanted, facts)
    _with_firewall(wanted, facts)
    return facts


def _with_hop(wanted: Any, facts: Any) -> None:
    hop, state = spec(wanted).of(HopSpec), facts["state"]
    if hop.users:
        state["identity"] = IDENTITY
    found = facts_of(wanted, facts)
    goal = wanted_hop.wanted(hop, found.of(State), found.of(Image), found.of(Offer).kex, found.of(Hop).host_keys)
    state.update(hop_config=goal.hop_config, ssh_config=goal.ssh_config, known_hosts=goal.known_hosts)
    for name in hop.users:
        line = wanted_hop.line(IDENTITY) + "\n"
        facts["hop"]["users"][name]["keys"] = b"# mine\n" + line.encode()


def _with_firewall(wanted: Any, facts: Any) -> None:
    if "firewall" not in wanted:
        return
    firewall = spec(wanted).of(FirewallSpec)
    firewalls_are(facts, nftables={"ruleset": ruleset([open_rule(firewall.port)])})
    found = facts["firewall"].of(firewall_nftables.BACKEND)
    rules = firewall_nftables.rules_for(firewall, found)
    firewalls_are(facts, nftables={
        "snippet": firewall_nftables.snippet_of(rules), "conf": firewall_nftables.conf_with(found.conf, True)})


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
    "plan": [], "errors": [], "notes": [], "wanted": ["ssh"],
    "host": {
        "system": "Debian GNU/Linux 13 (trixie)", "package_manager": "apt", "init": "systemd", "engine": "26.1.5",
        "container": "running", "health": "healthy", "image": "", "image_origin": {}, "image_parts": [],
        "openssh": "OpenSSH_10.0", "uid": "1000", "firewall": "nftables", "firewall_rules": [], "password": "",
        "engine_at_boot": "yes", "listener": "nobody", "listener_is_ours": False, "folders": {}, "keys": {},
        "next_keys": {}, "settings": {}, "hop_users": {},
    },
    "own_sshd": {"software": "OpenSSH_10.0", "kex": [], "error": ""}, "hop_target": {"port": 0, "address": "localhost"},
    "offer": OFFER, "knows": OFFER, "pins": [HOST_KEY], "lockdown": {"state": None, "token": None, "through": None},
    "proof": {"own": {"ok": True, "error": "", "kex": "mlkem768x25519-sha256", "host_key_algorithm": "ssh-ed25519",
                      "host_key": "SHA256:x", "server": "OpenSSH_10.0", "cipher": "", "authentication": ""}},
}
