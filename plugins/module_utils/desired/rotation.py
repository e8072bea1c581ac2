# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Another host key without a client that is turned away: announced beside the present one first, in its place later.

Pure. What is announced follows from what lies in ``policy.NEXT_DIR``, so any run goes on with it. sshd shows the first
key of a type and tells clients of all (hostkeys-00@openssh.com, in OpenSSH's PROTOCOL); a client with UpdateHostKeys
(ssh_config(5)) learns the next key from a server that it knows already, and forgets the old one after the switch.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import key_files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import UNKNOWN, Plan

#: File name of a private half to both halves.
Keys = Mapping[str, Tuple[Optional[bytes], Optional[bytes]]]
State = Mapping[str, Any]
Want = Mapping[str, Any]

NONE = (
    "no other host keys are announced here, so there is nothing to switch to: begin with oqs_ssh_rotate_keys=announce"
)


def step(want: Want) -> str:
    """What a run is to do about host keys: ``announce``, ``switch``, ``cancel``; empty: go on with what is there."""
    return str(want.get("rotate", {}).get("step", ""))


def waiting(state: State, names: Sequence[str]) -> List[str]:
    """Algorithms whose next host key lies ready: a whole pair of its type, and not the present one."""
    return [name for name in names if _pair(state, "next", name) == "good"]


def announced(want: Want, state: State, names: Sequence[str]) -> List[str]:
    """Algorithms whose next host key is to be served beside the present one.

    :param want: the ``ssh`` part of what is wanted.
    :param names: the algorithms of the present host keys.
    """
    if step(want) == "announce":
        return list(names)
    return [] if step(want) in ("switch", "cancel") else waiting(state, names)


def keys_after(want: Want, state: State, names: Sequence[str]) -> Keys:
    """The host keys in their places, as they will be when the run has ended."""
    keys = dict(state.get("keys", {}))
    for name in waiting(state, names) if step(want) == "switch" else []:
        keys[key_files.host_key_name(name)] = state["next"][key_files.host_key_name(name)]
    return keys


def plan_rotation(
    want: Want, facts: Mapping[str, Any], names: Sequence[str], coming: Sequence[str], plan: Plan
) -> None:
    """Keys to be made, to change places, or to be dropped.

    :param coming: of ``announced``.
    """
    state = facts["state"]
    if step(want) and not facts["container"]:
        plan.refuse("nothing is deployed on this host, so no keys can be rotated: run deploy first")
        return
    ready = waiting(state, names)
    moving = ready if step(want) == "switch" else []
    for name in coming:
        if name not in ready:
            plan.want("keys", "next_host_key", name, _pair(state, "next", name), UNKNOWN, "clients learn it in advance")
    for name in moving:
        before, after = (_fingerprint(state, place, name) for place in ("keys", "next"))
        plan.want("keys", "host_key_switch", name, before, after, "the announced key takes its place")
    for file in state.get("next", {}):
        name = key_files.algorithm_of(file) or file
        if name not in [*coming, *moving]:
            plan.want("keys", "next_host_key_gone", name, _pair(state, "next", name), "absent", "it is not announced")
    _tell(want, state, ready, coming, plan)


def _tell(want: Want, state: State, ready: Sequence[str], coming: Sequence[str], plan: Plan) -> None:
    age = state.get("next_age", 0.0)
    if step(want) == "switch":
        overlap = want["rotate"]["overlap"]
        if not ready:
            plan.note(NONE)
        elif age < overlap:
            plan.refuse(
                "the next host keys were announced %.1f hours ago, and clients have %g hours to learn them: wait, or "
                "set oqs_ssh_rotate_overlap (hours; 0: at once, clients that do not know them yet are turned away)"
                % (age, overlap)
            )
    elif ready and coming:
        plan.note(
            "the next host keys (%s) are announced, for %.1f hours now: when the clients have learnt them, "
            "oqs_ssh_rotate_keys=switch puts them in place" % (", ".join(ready), age)
        )


def _pair(state: State, place: str, name: str) -> str:
    """What a pair is worth: ``good``, ``missing``, ``half`` …; ``present`` for a next one that is the present one."""
    file = key_files.host_key_name(name)
    halves = state.get(place, {}).get(file, (None, None))
    if place == "next" and halves[0] and halves == state.get("keys", {}).get(file):
        return "present"
    found = key_files.pair_state(*halves)
    if found.state == "good" and found.key and not key_files.same_algorithm(found.key.type, name):
        return "type"
    return found.state


def _fingerprint(state: State, place: str, name: str) -> str:
    found = key_files.pair_state(*state[place].get(key_files.host_key_name(name), (None, None)))
    return found.key.fingerprint if found.key else found.state


def shown(state: State) -> Dict[str, str]:
    """The announced keys for people and reports: file name to type and fingerprint."""
    found = {}
    for file, halves in state.get("next", {}).items():
        pair = key_files.pair_state(*halves)
        found[file] = "%s %s" % (pair.key.type, pair.key.fingerprint) if pair.key else pair.state
    return found
