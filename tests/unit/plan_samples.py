# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Drifts of a host and new wanted with what has to be planned for each, and what holds of every plan."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Set

import core_samples as samples
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.facts import Announced
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.lockdown_files import Ready
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.containers import LABEL
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import key_files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Change
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session.registry import REGISTRY

SECTIONS = list(REGISTRY.places)


def kinds(plan: Any) -> Set[str]:
    return {item.kind for item in plan.changes}


def only(plan: Any, kind: str) -> Any:
    found = [item for item in plan.changes if item.kind == kind]
    assert len(found) == 1, kinds(plan)
    return found[0]


def assert_sound(plan: Any) -> None:
    """What holds of every plan, whatever the host."""
    order = [SECTIONS.index(item.section) for item in plan.ordered()]
    assert order == sorted(order)
    text = json.dumps([plan.items(), plan.errors, plan.notes])
    assert samples.SECRET not in text and "$6$" not in text
    for item in plan.changes:
        assert item.before != item.after and item.why
    assert len({(item.kind, item.name) for item in plan.changes}) == len(plan.changes)


WHOLE_CONTAINER = {"container", "running"}
REPLACED = {"trial", "swap"}
DRIFTS: Dict[str, Any] = {
    "engine stopped": (lambda f: f["engine"].update(running=False, service=True), {"service"}),
    "folder": (lambda f: f["state"]["folders"].update({paths.PRIVATE_DIR: "755 0:0"}), {"folder"}),
    "entry": (lambda f: f["state"].update(entry=b"#!/bin/sh\n"), {"entry", "running"}),
    "host key gone": (lambda f: f["state"]["keys"].clear(), {"host_key", "known_hosts", "in_force"}),
    "host key readable by others": (
        lambda f: f["state"].update(key_modes={"ssh_host_ssh-mldsa44-ed25519_key": "mode 644 0:0"}), {"host_key"},
    ),
    "configuration hidden from the user": (
        lambda f: f["state"].update(modes={"/etc/oqs-ssh/ssh_config": "600 0:0"}), {"file_mode"},
    ),
    "entry not executable": (
        lambda f: f["state"].update(modes={paths.ENTRY_FILE: "644 0:0"}), {"file_mode", "running"},
    ),
    "never started again": (lambda f: f["container"] and f["container"].update(policy="no"), {"restart_policy"}),
    "old files mounted": (
        lambda f: f["container"] and f["container"].update(stale=["/etc/oqs-ssh"]), {"running"},
    ),
    "state made anew under the container": (
        lambda f: f["state"]["folders"].update({paths.HOME_SSH: "absent"}), {"folder", "running"},
    ),
    "uid no account can have": (lambda f: f["state"].update(uid="99999999999999"), {"uid"}),
    "host key mismatch": (
        lambda f: f["state"]["keys"].update({
            "ssh_host_ssh-mldsa44-ed25519_key": (
                samples.key_pair(samples.HYBRID_KEY)[0], samples.key_pair(samples.HYBRID_KEY, b"eels")[1]),
        }), {"host_key", "known_hosts", "in_force"},
    ),
    "sshd_config by hand": (
        lambda f: f["state"].update(sshd_config=f["state"]["sshd_config"].replace(b"RootLogin no", b"RootLogin yes")),
        {"sshd_config"},
    ),
    "sshd_config not in force": (lambda f: f["state"].update(in_force="0" * 64), {"in_force"}),
    "ssh_config by hand": (
        lambda f: f["state"].update(ssh_config=f["state"]["ssh_config"].replace(b"Include", b"#Include")),
        {"hop_client"},
    ),
    "known_hosts by hand": (
        lambda f: f["state"].update(known_hosts=f["state"]["known_hosts"].split(b"\n", 1)[1]), {"known_hosts"},
    ),
    "password by hand": (lambda f: f.update(password={"state": "another", "why": "x"}), {"password"}),
    "password published": (
        lambda f: f.update(password={"state": "the published default", "why": "x"}), {"password"},
    ),
    "strange key": (
        lambda f: f["state"].update(authorized_keys=samples.HOST_KEYS[0].encode() + b"\n"), {"authorized_keys"},
    ),
    "container gone": (lambda f: f.update(container={}, port={}), WHOLE_CONTAINER),
    "container of other settings": (
        lambda f: f["container"]["labels"].update({LABEL: "0" * 64}), REPLACED,
    ),
    "container stopped": (
        lambda f: (f["container"].update(running=False, status="exited", sockets=set()), f.update(port={})),
        {"running"},
    ),
    "sshd dead": (lambda f: f.update(port={}), {"running"}),
    "firewall closed": (lambda f: samples.firewalls_are(f, nftables={"ruleset": samples.ruleset()}), {"nftables"}),
    "firewall open elsewhere": (
        lambda f: samples.firewalls_are(f, nftables={"ruleset": samples.ruleset([samples.open_rule(2223)])}),
        {"nftables"},
    ),
    "firewall file gone": (lambda f: samples.firewalls_are(f, nftables={"snippet": None}), {"firewall_file"}),
    "firewall not included": (
        lambda f: samples.firewalls_are(f, nftables={"conf": b"flush ruleset\n"}), {"firewall_file"},
    ),
    "hop file gone": (lambda f: f["state"].update(hop_config=None), {"hop_config"}),
    "hop identity gone": (lambda f: f["state"].update(identity=None), {"hop_identity", "hop_user"}),
    "hop identity damaged": (lambda f: f["state"].update(identity=b"\n"), {"hop_identity", "hop_user"}),
    "hop identity without its private half": (
        lambda f: f["state"].update(identity_state="half"), {"hop_identity", "hop_user"},
    ),
    "hop identity readable by others": (
        lambda f: f["state"].update(identity_state="mode 644 0:0"), {"hop_identity"},
    ),
    "hop user's line gone": (lambda f: f["hop"]["users"]["alice"].update(keys=b""), {"hop_user"}),
    "host's own key changed": (
        lambda f: f["hop"].update(host_keys=[samples.public_line("ssh-ed25519", b"new!")]), {"hop_known_hosts"},
    ),
}


WISHES: Dict[str, Any] = {
    "port": ({"port": 443}, {"sshd_config", "known_hosts"} | REPLACED),
    "policy": ({"restart_policy": "always"}, REPLACED),
    "uid": ({"uid": "4444"}, {"folder", "uid"} | REPLACED),
    "kex": ({"kex_algorithms": ["mlkem768x25519-sha256"]}, {"sshd_config", "ssh_config", "in_force", "hop_config"}),
    "password taken back": ({"password_set": False}, {"password", "sshd_config", "in_force"}),
    "sources": ({"sources": ["192.0.2.0/24"]}, {"sshd_config", "in_force"}),
    "stock": ({"stock_clients": True}, {"host_key", "sshd_config", "known_hosts", "in_force"}),
    "key": ({"authorized_keys": [samples.MY_KEY, samples.public_line(samples.HYBRID_KEY, b"two2")]},
            {"authorized_keys"}),
}


def hosts() -> Dict[str, Any]:
    """What is wanted and what was found, by name: hosts as they are met, each drift, each new wish, keys that rotate,
    what goes, and a lockdown."""
    found: Dict[str, Any] = {
        "virgin": (samples.want(), samples.virgin()), "with an engine": (samples.want(), samples.with_engine()),
        "image known": (samples.want(), samples.image_known()), "as wanted": (samples.want(), samples.converged()),
    }
    for name, (drift, _kinds) in DRIFTS.items():
        facts = samples.converged()
        drift(facts)
        found[name] = (samples.want(), facts)
    for name, (wish, _kinds) in WISHES.items():
        found["wish: " + name] = (samples.want(ssh=samples.ssh_want(**wish)), samples.converged())
    for step in ("announce", "switch", "cancel"):
        facts = samples.converged()
        if step != "announce":
            next_pair = samples.key_pair(samples.HYBRID_KEY, b"next")
            key, name = key_files.pair_state(*next_pair).key, key_files.host_key_name(samples.HYBRID_KEY)
            announced = {name: Announced(key.fingerprint if key else "", 0.0)}
            facts["state"].update(next={name: next_pair}, announced=announced, next_age=200.0)
        found[step] = (samples.want(ssh=samples.ssh_want(rotate={"step": step})), facts)
    facts = samples.converged()
    facts["upgrade"] = {"cut_short": True}
    facts["hop"]["users"]["alice"]["keys"] = b""
    facts["state"]["earlier"] = paths.EARLIER
    facts["locked"] = (samples.PORT, Ready([22], ["192.0.2.1"], 30.0, samples.PORT, "127.0.0.1", "/needs"))
    found["cut short"] = (samples.want(), facts)
    found["absent"] = (samples.want(ssh=samples.ssh_want(state="absent"), hop=None), samples.converged())
    found["hop absent"] = (samples.want(hop=samples.hop_want(state="absent", users=[])), samples.converged())
    found["firewall absent"] = ({"firewall": samples.firewall_want(state="absent")}, samples.converged())
    for step in ("close", "confirm"):
        found["lockdown: " + step] = ({"lockdown": {"state": "present", "step": step}}, samples.converged())
    return found


def every_change() -> List[Change]:
    """All that any resource plans on those hosts; what is known and can be carried out comes last."""
    found = [each for wanted, facts in hosts().values() for each in samples.plan(wanted, facts).changes]
    return sorted(found, key=lambda each: each.act is not None)
