# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look and compare: the facts of a host, and the plan that follows from them. What oqs_look and oqs_apply share."""

from __future__ import annotations

import grp
import os
import pwd
from concurrent import futures
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import commands, files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import desired, policy, rotation
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli, platforms
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import firewalls, look_firewall
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import algorithms, shadow
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config import sshconfig
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import authorized_keys, key_files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan import bookkeeping, ledger
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Plan, as_dicts
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import (
    hop_target,
    look,
    look_engine,
    look_lockdown,
    look_outside,
    plan_outside,
    planning,
)

#: What a look may raise for reasons that a person can mend.
EXPECTED = (
    cli.DockerError, files.UnsafePath, ledger.LedgerError, commands.CommandError, shadow.ShadowError,
    sshconfig.ConfigError, OSError,
)

Facts = Dict[str, Any]
Want = Mapping[str, Any]


class NoRoot(Exception):
    """Most of what there is to see would be hidden."""


class Seen(NamedTuple):
    """A look: its result, the wishes as this host resolves them, and what the result was made from."""

    result: Facts
    want: Want
    facts: Facts
    plan: Plan


def always(_plan: Plan) -> bool:
    """A proof is waited for, whatever the plan."""
    return True


def assess(
    want: Want, secret: Optional[str], earlier: Optional[Facts] = None, proving: Optional[Callable[[Plan], bool]] = None
) -> Tuple[Facts, Plan]:
    """Everything about the host that the wanted sections need, and the plan.

    :param secret: the password wanted for the container's user, or None.
    :param earlier: the facts of an earlier look of this execution. The host's own sshd is not asked again, and a
        container that ran then is asked for its proof at once.
    :param proving: a running container also proves itself meanwhile; says whether the plan is worth waiting for that
        (``proof`` among the facts, else without a word).
    :raises DockerError, CommandError, UnsafePath, ShadowError: something could not be read.
    """
    rows, distrust = _ledger()
    earlier = earlier or {}
    sshd = earlier.get("hop", {}).get("sshd")  # it does not change meanwhile, and penalizes those who ask often
    outside: Dict[str, Callable[[], Facts]] = {
        "firewall": lambda: look_firewall.firewall(want["firewall"]),
        "hop": lambda: look_outside.hop(want["hop"], rows, sshd),
    }
    # Nearly all of the time goes by in waiting for other programs (and in the one hash): side by side it is half.
    pool = futures.ThreadPoolExecutor(max_workers=len(outside) + 1)
    try:
        asked = {name: pool.submit(ask) for name, ask in outside.items() if name in want}
        early = proving and _provable(want, earlier.get("container") or {})
        proven = pool.submit(proof, want, earlier) if early else None
        known = look.engine_side(want)
        if proving and not early:
            proven = pool.submit(proof, want, known)
        facts = look.look(want, known)
        facts["uid"] = free_uid(facts["state"].get("uid", ""))
        if "ssh" in want:
            facts["password"] = password_state(want["ssh"], facts, secret)
        facts.update({name: answer.result() for name, answer in asked.items()})
        plan = _plan(want, facts, rows, distrust)
        if proving and proven and proving(plan):
            facts["proof"] = proven.result()
    finally:
        pool.shutdown(wait=False)
    return facts, plan


def seen(want: Want, secret: Optional[str], proving: Callable[[Plan], bool]) -> Seen:
    """The first look of an execution.

    :param proving: as for ``assess``.
    :raises NoRoot: and what ``EXPECTED`` lists.
    """
    if os.geteuid() != 0:
        raise NoRoot("nothing was changed; " + planning.NO_ROOT)
    want = hop_target.resolve(want, look.own_settings())
    facts, plan = assess(want, secret, proving=proving)
    proven = {} if plan.errors else facts.get("proof", {})
    return Seen(dict(result(want, facts, plan, proven), changed=False), want, facts, plan)


def _plan(want: Want, facts: Facts, rows: Sequence[Facts], distrust: str) -> Plan:
    facts["distrust"], facts["ledger_cut"] = distrust, bookkeeping.is_cut()
    facts["locked"] = look_lockdown.watched()
    if "lockdown" in want:
        facts["lockdown"] = look_lockdown.look_lockdown(want["lockdown"], facts["container"])
    if "removal" in want:
        from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import look_removal

        facts["removal"] = look_removal.removal(want["removal"], rows, look_engine.usable(facts["engine"]))
    return planning.make(want, facts)


def _ledger() -> Tuple[List[Facts], str]:
    """What is written down on this host, and why it cannot be trusted."""
    try:
        return bookkeeping.entries(), ""
    except ledger.LedgerError as error:
        return [], str(error)


def free_uid(now: str) -> Facts:
    """A uid (and gid) that no account of the host has, and whether the one in use has been taken meanwhile."""
    candidate = look.UID_FIRST
    while _known(candidate):
        candidate += 1
    number = desired.uid_of(now)
    return {"taken": number is not None and _known(number), "free": candidate}


def _known(number: int) -> bool:
    for ask in (pwd.getpwuid, grp.getgrgid):
        try:
            ask(number)
        except KeyError:
            continue
        return True
    return False


def password_state(ssh: Want, facts: Facts, secret: Optional[str]) -> Facts:
    """What the stored hash is worth, in words; never the hash. The container's own counts, and the state on the host
    must have the same, because the next container is made from it."""
    kept = facts["state"].get("password") or ""
    data = look.shadow(ssh["container"], facts)
    found = shadow.hash_of(data, ssh["user"]) if data else None
    if found is None and not kept:
        return {"state": "absent", "why": "nobody has set one"}
    judged = _judge(kept if found is None else found, secret)
    if found not in (None, kept) and judged["state"] in ("locked", "the given one"):
        return {"state": judged["state"] + ", in this container only", "why": "the state on the host says otherwise"}
    return judged


def _judge(stored: str, secret: Optional[str]) -> Facts:
    if shadow.is_locked(stored):
        return {"state": "locked", "why": "a password is given"}
    if stored and secret is not None and shadow.verify(secret, stored):
        return {"state": "the given one", "why": "no password is given any more"}
    words = {"published": "the published default", "empty": "empty"}
    return {"state": words.get(shadow.state_of(stored), "another"), "why": "not the one that is wanted"}


def proof(want: Want, facts: Facts) -> Facts:
    """A real handshake with the container's sshd, and one through the hop; empty where nothing runs yet."""
    if not _provable(want, facts["container"]):
        return {}
    part = want.get("ssh") or want.get("hop") or want["firewall"]
    hop = want.get("hop")
    hop_port = hop["hop_port"] if hop and hop["state"] == "present" else None
    user = (hop["users"] or ["root"])[0] if hop else "root"
    address = hop.get("hop_address", "localhost") if hop else "localhost"
    return look_outside.prove(part["container"], part["port"], hop_port, user, address)


def _provable(want: Want, found: Facts) -> bool:
    """Does a container of ours run, and does the run ask about it?"""
    asked = any(want.get(name) for name in ("ssh", "hop", "firewall")) and "removal" not in want
    return bool(asked and found.get("running") and desired.LABEL in found["labels"])


def details(facts: Facts) -> Facts:
    """What was found, resource by resource, for people and reports: states, names and fingerprints, never a secret."""
    state, port, hop = facts["state"], facts.get("port") or {}, facts.get("hop", {})
    ours = set(port.get("inodes", ())) & facts["container"].get("sockets", set())
    found: Facts = {
        "password": facts.get("password", {}).get("state", ""),
        "listener": port.get("owner", "nobody") if "port" in facts else "",
        "listener_is_ours": bool(ours),
        "folders": state.get("folders", {}),
        "keys": {name: _pair(*halves) for name, halves in state.get("keys", {}).items()},
        "next_keys": rotation.shown(state),
        "settings": {name: _settings(state.get(name), name) for name in ("sshd_config", "ssh_config")},
        "hop_users": {name: _hop_user(user) for name, user in hop.get("users", {}).items()},
    }
    found["firewall_rules"] = firewalls.shown(facts["firewall"]) if "firewall" in facts else []
    return found


def _offer(data: bytes) -> Dict[str, List[str]]:
    """What the server's configuration offers; nothing where nobody can read it, which the plan says."""
    try:
        return policy.offer(data)
    except sshconfig.ConfigError:
        return policy.offer(b"")


def _active(facts: Facts) -> str:
    """The firewalls at work; empty where nobody asked."""
    return (", ".join(firewalls.active(facts["firewall"])) or "none") if "firewall" in facts else ""


def _pair(private: Optional[bytes], public: Optional[bytes]) -> str:
    pair = key_files.pair_state(private, public)
    return " ".join([pair.state] + ([pair.key.type, pair.key.fingerprint] if pair.key else []))


def _settings(data: Optional[bytes], dialect: str) -> Dict[str, str]:
    """A configuration as its program reads it, as far as the file itself says something."""
    try:
        found = sshconfig.read(data or b"", dialect)
    except sshconfig.ConfigError as error:
        return {"error": str(error)}
    return {name: " ".join(values).encode("utf-8", "replace").decode() for name, values in sorted(found.items())}


def _hop_user(user: Facts) -> str:
    if "error" in user:
        return str(user["error"])
    lines = authorized_keys.parse(user["keys"])
    ours = authorized_keys.marked(plan_outside.HOP_MARK)
    return "the container's key may log in" if any(line.entry and ours(line.entry) for line in lines) else "no access"


def result(want: Want, facts: Facts, plan: Plan, proven: Facts) -> Facts:
    """What travels back to the controller: no secret, no file content beyond the plan's."""
    sshd = facts.get("hop", {}).get("sshd") or {}
    container = facts["container"]
    return {
        "plan": as_dicts(plan.ordered()),
        "errors": plan.errors,
        "notes": plan.notes,
        "wanted": sorted(want),
        "host": {
            "system": facts["machine"]["name"],
            "package_manager": platforms.manager(facts["machine"]),
            "init": "systemd" if facts["machine"]["systemd"] else "other",
            "engine": facts["engine"]["version"] or ("stopped" if facts["engine"]["installed"] else "absent"),
            "container": container.get("status", "absent"),
            "health": container.get("health", ""),
            "image": facts["image"].get("engine_id", ""),
            "image_origin": facts["image"].get("origin", {}),
            "image_parts": facts.get("parts", []),
            "openssh": facts["image"].get("openssh", ""),
            "uid": facts["state"].get("uid", ""),
            "firewall": _active(facts),
            **details(facts),
        },
        "own_sshd": {
            "software": sshd.get("software", ""),
            "kex": [name for name in sshd.get("kex", []) if algorithms.is_quantum_safe(name)],
            "error": sshd.get("error", ""),
        },
        "hop_target": {
            "port": (want.get("hop") or {}).get("hop_port", 0),
            "address": (want.get("hop") or {}).get("hop_address", "localhost"),
        },
        "offer": _offer(facts["state"].get("sshd_config") or b""),
        "knows": policy.knows(planning.known_image(want, facts)),
        "pins": desired.own_keys(facts["state"].get("known_hosts") or b""),
        "proof": proven,
        "lockdown": {name: facts.get("lockdown", {}).get(name) for name in ("state", "token", "through")},
    }
