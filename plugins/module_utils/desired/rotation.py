# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Another host key without a client that is turned away: announced beside the present one first, in its place later.

Pure. What is announced follows from what lies in ``policy.NEXT_DIR``, so any run goes on with it. sshd shows the first
key of a type and announces all (hostkeys-00@openssh.com, in OpenSSH's PROTOCOL); a client with UpdateHostKeys
(ssh_config(5)) learns the next key from a server that it knows already, and forgets the old one after the switch.
"""

from __future__ import annotations

import json
from typing import Dict, List, Mapping, Optional, Sequence

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import shape
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.facts import Announced, Keys, State
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import ServerSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import key_files

NONE = (
    "no other host keys are announced here, so there is nothing to switch to: begin with oqs_ssh_rotate_keys=announce"
)


def waiting(state: State, names: Sequence[str]) -> List[str]:
    """Algorithms whose next host key lies ready: a whole pair of its type, and not the present one."""
    return [name for name in names if worth(state, name) == "good"]


def announced(want: ServerSpec, state: State, names: Sequence[str]) -> List[str]:
    """Algorithms whose next host key is to be served beside the present one.

    :param names: the algorithms of the present host keys.
    """
    if want.rotate.step == "announce":
        return list(names)
    return [] if want.rotate.step in ("switch", "cancel") else waiting(state, names)


def parse(data: Optional[bytes]) -> Dict[str, Announced]:
    """The record of announced keys; a damaged one counts as none: then the keys are made anew."""
    try:
        found = json.loads((data or b"{}").decode())
        return {str(name): shape.parse(Announced, each, "the record") for name, each in found.items()}
    except (ValueError, AttributeError, shape.WrongShape):
        return {}


def recorded(announced: Mapping[str, Announced]) -> bytes:
    """The record as it is kept."""
    return json.dumps({name: each._asdict() for name, each in announced.items()}, sort_keys=True).encode() + b"\n"


def age(state: State, now: float) -> float:
    """Hours since the youngest of the keys that lie ready was announced; 0 where there is none.

    :param now: seconds since 1970.
    """
    times = [state.announced[name].since for name in state.next if name in state.announced]
    return max(0.0, now - max(times)) / 3600 if times else 0.0


def keys_after(want: ServerSpec, state: State, names: Sequence[str]) -> Keys:
    """The host keys in their places, as they will be when the run has ended."""
    keys = dict(state.keys)
    for name in waiting(state, names) if want.rotate.step == "switch" else []:
        keys[key_files.host_key_name(name)] = state.next[key_files.host_key_name(name)]
    return keys


def worth(state: State, name: str) -> str:
    """What a next pair is worth: ``good``, ``missing``, ``half`` …; ``present``: it is the present one; ``not
    recorded``: nobody of us has made it. The container's root can put one there, and would have its key for ever."""
    file = key_files.host_key_name(name)
    halves = state.next.get(file, (None, None))
    if halves[0] and halves == state.keys.get(file):
        return "present"
    found = key_files.pair_state(*halves)
    if found.state == "good" and found.key and not key_files.same_algorithm(found.key.type, name):
        return "type"
    mine = state.announced.get(file)
    if found.state == "good" and found.key and not (mine and mine.fingerprint == found.key.fingerprint):
        return "not recorded"
    return found.state


def fingerprint(keys: Keys, name: str) -> str:
    """A pair for people."""
    found = key_files.pair_state(*keys.get(key_files.host_key_name(name), (None, None)))
    return found.key.fingerprint if found.key else found.state


def shown(state: State) -> Dict[str, str]:
    """The announced keys for people and reports: file name to type and fingerprint."""
    found = {}
    for file, halves in state.next.items():
        pair = key_files.pair_state(*halves)
        found[file] = "%s %s" % (pair.key.type, pair.key.fingerprint) if pair.key else pair.state
    return found
