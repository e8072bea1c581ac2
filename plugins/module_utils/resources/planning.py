# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compare what is wanted with what is there: the plan. Pure."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Optional

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import digests, paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import desired as goal
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import plan_clients, policy, rotation
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import image_names
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import firewalls
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import algorithms
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config import sshconfig
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.sshconfig import ConfigError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import key_files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import UNKNOWN, Plan
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import (
    plan_engine,
    plan_lockdown,
    plan_outside,
    plan_upgrade,
)

Want = Mapping[str, Any]
Facts = Mapping[str, Any]

LEDGER_CUT = (
    "the end of the ledger is cut off (/var/lib/oqs-ssh/ledger/ledger.jsonl): what was written there last is not "
    "known, and a removal will take it back only where it carries our mark; the disk was full, or somebody was at work"
)
NO_ROOT = "this needs root on the host: set become: true (or ansible_become), or connect as root"
#: A container whose mounts are of files that were replaced meanwhile.
OLD_FILES = "with old files mounted"
#: How the item begins for an sshd that has only some of the addresses.
PARTLY = "listens on "


def make(want: Want, facts: Facts) -> Plan:
    """The plan for all wanted sections.

    :param want: what is wanted, by section, as the variables of the roles make it (``roles/*/vars``).
    :param facts: what ``look`` found.
    """
    plan = Plan()
    if not facts["machine"]["root"]:
        plan.refuse(NO_ROOT)
    if facts.get("distrust") and not plan_lockdown.opens(want):
        plan.refuse(facts["distrust"])
    if facts.get("ledger_cut") and "removal" not in want:
        plan.note(LEDGER_CUT)
    broken = unreadable(want, facts)
    for words in broken:
        plan.refuse(words)
    if broken:
        return plan
    facts = dict(facts, image=known_image(want, facts), image_here=facts["image"])
    planners: Dict[str, Callable[[Want, Facts, Plan], None]] = {
        "engine": plan_engine.plan_engine,
        "ssh": plan_ssh,
        "firewall": firewalls.plan_firewall,
        "hop": plan_outside.plan_hop,
        "lockdown": plan_lockdown.plan_lockdown,
    }
    for section, planner in planners.items():
        if section in want:
            planner(want, facts, plan)
    if "removal" in want:
        from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import plan_removal

        plan_removal.plan_removal(want, facts, plan)
    plan_lockdown.keep_the_way(want, facts, plan)
    return plan


def unreadable(want: Want, facts: Facts) -> List[str]:
    """Configurations of the state that nobody can make sense of, each with the line; where they go, they do not matter.
    """
    if "hop" not in want and want.get("ssh", {}).get("state") != "present":
        return []
    found = []
    for name in ("sshd_config", "ssh_config"):
        try:
            sshconfig.read(facts["state"].get(name) or b"", name)
        except ConfigError as error:
            words = "%s/%s: %s: mend that line, or move the file away to have it made anew"
            found.append(words % (paths.STATE_DIR, name, error))
    return found


def plan_ssh(want: Want, facts: Facts, plan: Plan) -> None:
    """The image, the state on the host, and the container."""
    ssh = want["ssh"]
    if ssh["state"] == "absent":
        _plan_absent(ssh, facts, plan)
        return
    image, here = facts["image"], facts["image_here"]
    _check_surroundings(ssh, facts, plan)
    if plan_engine.unusable(facts["engine"], plan):
        return
    if not facts["engine"]["running"] and want.get("engine", {}).get("state") != "present":
        plan.refuse("no Docker engine answers on this host: use the role docker_engine, or start Docker")
    if not here:
        before = facts.get("held") or "absent"
        plan.want("image", "image", "", before, image_names.planned(ssh["image"]), "the host does not hold it")
    plan_upgrade.plan_first(want, facts, plan)
    _check_algorithms(ssh, image if image.get("kex") else None, plan)
    _plan_state(ssh, facts, plan)
    if not here.get("sshd_config"):
        # before a trial, which needs the answer; where nothing was deployed yet, after the folder that keeps it
        section = "image" if facts["container"] else "state"
        plan.want(section, "image_facts", "", "unknown", UNKNOWN, "the image is asked what it knows")
    if not image.get("sshd_config"):
        _plan_unknown(ssh, facts, plan)
        return
    try:
        plan_upgrade.refuse_losses(ssh, facts, plan)
        wanted = goal.desired(ssh, facts)
    except ConfigError as error:
        plan.refuse(str(error))
        return
    plan_clients.check(ssh, image, wanted, plan)
    _remarks(ssh, image, plan)
    _plan_keys(facts, wanted, plan)
    rotation.plan_rotation(ssh, facts, wanted.host_keys, wanted.next_keys, plan)
    _plan_config(facts, wanted, plan)
    _plan_access(ssh, facts, wanted, plan)
    _plan_container(ssh, facts, wanted, plan)


def known_image(want: Want, facts: Facts) -> Facts:
    """What is known of the image: what it answered on this host, else what its label says, so that a plan is whole
    before the host holds it. Only what it answered is acted on (``apply`` looks again when it was asked)."""
    image: Facts = facts["image"]
    wanted = want.get("ssh", {}).get("image", {})
    if image.get("sshd_config") or not wanted.get("facts"):
        return image
    return dict(wanted["facts"], engine_id=image.get("engine_id") or wanted["id"])


def _plan_modes(state: Mapping[str, Any], uid: int, plan: Plan) -> None:
    """Files that are there with other modes or owners than ours have; ssh and sshd refuse some of them in silence."""
    for path, wanted in goal.FILES.items():
        mode = state.get("modes", {}).get(path, "absent")
        if mode != "absent":
            plan.want("state", "file_mode", path, mode, wanted % {"uid": uid}, "readable by those who need it only")


def _plan_absent(ssh: Want, facts: Facts, plan: Plan) -> None:
    """The container and its state go; what is not ours stays."""
    container, name = facts["container"], ssh["container"]
    if container and goal.LABEL in container["labels"]:
        plan.want("container", "container_gone", name, container["status"], "absent", "oqs_ssh_state is absent")
    for path in paths.REMOVED:
        mode = facts["state"]["folders"].get(path, "absent")
        plan.want("container", "folder_gone", path, mode, "absent", "oqs_ssh_state is absent")


def _check_surroundings(ssh: Want, facts: Facts, plan: Plan) -> None:
    """Reasons that lie on the host: somebody else's container, a port in use."""
    container, port = facts["container"], facts["port"]
    if container and goal.LABEL not in container["labels"]:
        plan.refuse(
            "a container %s is there that this collection did not make: look at it (docker inspect %s), then remove it "
            "(docker rm -f %s) or set oqs_ssh_container_name" % ((ssh["container"],) * 3)
        )
        return
    before = facts.get("upgrade", {}).get("sockets", set())  # of the container before, where a swap was cut short
    ours = set(port.get("inodes", ())) & (container.get("sockets", set()) | before)
    owner = port.get("owner") if not ours else ""
    if ours and _everywhere(facts["state"].get("sshd_config") or b""):
        owner = next((words for inode, words in port.get("owners", {}).items() if inode not in ours), "")
    if owner:
        plan.refuse("port %d is taken by %s: stop it there, or set oqs_ssh_port to a free one" % (ssh["port"], owner))


def _everywhere(sshd_config: bytes) -> bool:
    """Whether sshd is to listen on all addresses, as it does unless an operator says otherwise."""
    try:
        now = sshconfig.read(sshd_config, "sshd_config")
    except ConfigError:
        return False  # said elsewhere
    return "listenaddress" not in now and now.get("addressfamily", ["any"]) == ["any"]


def _check_algorithms(ssh: Want, image: Optional[Mapping[str, Any]], plan: Plan) -> None:
    if not image:
        return
    for option, known in (
        ("kex_algorithms", image["kex"]),
        ("host_key_algorithms", image["key"]),
        ("pubkey_algorithms", list(image["key"]) + list(image["sig"])),
    ):
        for message in policy.unknown_names(ssh[option], known, "oqs_ssh_" + option):
            plan.refuse(message)


def _remarks(ssh: Want, image: Mapping[str, Any], plan: Plan) -> None:
    """What a person should know about the algorithms wished for, and about the image."""
    if image["unknown_keywords"]:
        names = ", ".join(image["unknown_keywords"])
        plan.note("the image's sshd does not know these settings, they are left out: %s" % names)
    for option in ("kex_algorithms", "host_key_algorithms", "pubkey_algorithms"):
        for name in ssh[option]:
            kind = algorithms.family(name)
            if kind != "hybrid":
                words = "oqs_ssh_%s: %s is %s; only hybrids are recommended"
                plan.note(words % (option, name, algorithms.WEAKNESS[kind]))


def _plan_state(ssh: Want, facts: Facts, plan: Plan) -> None:
    state = facts["state"]
    uid = goal.user_id(ssh, facts)
    for path, mode in goal.folders(uid).items():
        plan.want("state", "folder", path, state["folders"][path], mode, "state outlives the container")
    plan.want("state", "uid", "", state["uid"] or "absent", str(uid), "no account of the host has it")
    plan.want("state", "entry", "", _short(state["entry"]), _short(ssh["entry"].encode()), "the container's entry")
    _plan_modes(state, uid, plan)


def _plan_unknown(ssh: Want, facts: Facts, plan: Plan) -> None:
    """The same resources as below while the image is not at hand to ask."""
    container = facts["container"]
    for section, kind, name in (
        ("keys", "host_keys", ""), ("config", "sshd_config", ""), ("config", "ssh_config", ""),
        ("config", "known_hosts", goal.OWN), ("password", "password", ssh["user"]),
        ("access", "authorized_keys", ssh["user"]),
        ("container", "container", ssh["container"]), ("container", "running", ssh["container"]),
    ):
        plan.want(section, kind, name, "absent" if not container else "unknown", UNKNOWN, "needs the image")


def _plan_keys(facts: Facts, wanted: goal.Desired, plan: Plan) -> None:
    for name in wanted.host_keys:
        private, public = facts["state"]["keys"].get(key_files.host_key_name(name), (None, None))
        pair = key_files.pair_state(private, public)
        mode = facts["state"].get("key_modes", {}).get(key_files.host_key_name(name), "")
        if pair.state != "good":
            plan.want("keys", "host_key", name, pair.state, UNKNOWN, pair.reason or "sshd_config names it")
        elif mode:
            plan.want("keys", "host_key", name, mode, "mode 600 0:0", "sshd takes no key that others can read")


def _plan_config(facts: Facts, wanted: goal.Desired, plan: Plan) -> None:
    state = facts["state"]
    for name, after in (("sshd_config", wanted.sshd_config), ("ssh_config", wanted.ssh_config)):
        before = state[name] if state[name] is not None else facts["image"][name].encode()
        if state[name] is None or before != after:
            shown = _shown(before) if before != after else "the image's own"
            plan.want("config", name, "", shown, _shown(after), "closed by name, algorithms as wished")
    pinned, known = state["known_hosts"] or b"", wanted.known_hosts
    if known != pinned:
        text = UNKNOWN if known is None else _shown(known)
        plan.want("config", "known_hosts", goal.OWN, _shown(pinned), text, "keys are pinned")


def _plan_access(ssh: Want, facts: Facts, wanted: goal.Desired, plan: Plan) -> None:
    found = facts["password"]
    after = "the given one" if ssh["password_set"] else "locked"
    plan.want("password", "password", ssh["user"], found["state"], after, found["why"])
    before = facts["state"]["authorized_keys"] or b""
    if before != wanted.authorized_keys:
        plan.want(
            "access", "authorized_keys", ssh["user"], _shown(before), _shown(wanted.authorized_keys), "who may log in"
        )


def _plan_container(ssh: Want, facts: Facts, wanted: goal.Desired, plan: Plan) -> None:
    container, name = facts["container"], ssh["container"]
    if container and container["labels"].get(goal.LABEL) == goal.label_of(wanted.container):
        _plan_serving(ssh, facts, wanted, plan)
        return
    if container:
        plan_upgrade.plan_replacement(ssh, facts, wanted, plan)
        return
    plan.want("container", "container", name, "absent", "created", "there is none")
    plan.want("container", "running", name, "absent", "running", "sshd is to serve")


def _plan_serving(ssh: Want, facts: Facts, wanted: goal.Desired, plan: Plan) -> None:
    """The right container: does it run, does sshd listen, with the configuration that is there?"""
    container, name = facts["container"], ssh["container"]
    force = digests.digest(wanted.sshd_config)
    entry = paths.STATE_DIR + "/entry"
    replaced = container.get("stale") or [
        path for path in (paths.STATE_DIR, paths.HOME_SSH) if facts["state"]["folders"][path] == "absent"
    ] or [item.kind for item in plan.items if item.kind == "entry" or (item.kind, item.name) == ("file_mode", entry)]
    if replaced and (container["running"] or container["status"] == "paused"):
        plan.want("container", "running", name, OLD_FILES, "started again", "it holds what is no longer there")
    elif not container["running"]:
        plan.want("container", "running", name, container["status"], "running", "sshd is to serve")
    elif not set(facts["port"].get("inodes", ())) & container["sockets"]:
        plan.want("container", "running", name, "nobody listens", "sshd listens on %d" % ssh["port"], "asked /proc")
    elif _everywhere(wanted.sshd_config) and "0.0.0.0" not in _own_ends(facts):
        before = PARTLY + ", ".join(_own_ends(facts))  # somebody else had the rest when sshd started
        plan.want("container", "running", name, before, "sshd listens on %d everywhere" % ssh["port"], "asked /proc")
    elif facts["state"]["in_force"] != force or _new_keys(plan):
        plan.want("container", "in_force", name, "another configuration", "sshd_config %s" % force[:12], "reload")


def _own_ends(facts: Facts) -> List[str]:
    """The addresses that the container's sshd listens on."""
    ends = facts["port"].get("ends", {})
    return sorted(address for inode, address in ends.items() if inode in facts["container"]["sockets"])


def _new_keys(plan: Plan) -> bool:
    """A running sshd goes on with the keys that it has read."""
    return any(item.kind == "host_key" and item.after == UNKNOWN for item in plan.items)


def _shown(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _short(data: Optional[bytes]) -> str:
    return "sha256 %s" % digests.digest(data)[:12] if data else "absent"
