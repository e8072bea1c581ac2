# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is found on a host of the server's own state, as far as what is wanted follows from it. Pure."""

from __future__ import annotations

import json
from typing import Dict, List, Mapping, NamedTuple, Optional, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.file_modes import Ownership
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.image_facts import Image

#: States of the password of the container's user, as the plan and a look's result have them.
ABSENT, LOCKED, GIVEN = "absent", "locked", "the given one"
#: What is added where the container has it, and the state from which the next one is made does not.
HERE_ONLY = ", in this container only"
#: File name of a private half to both halves, whichever is there.
Keys = Mapping[str, Tuple[Optional[bytes], Optional[bytes]]]
#: Algorithm lists that earlier runs wrote: part to setting to values.
Written = Mapping[str, Mapping[str, List[str]]]


class Announced(NamedTuple):
    """A host key that was made here to be the next one: its fingerprint, and when (seconds since 1970)."""

    fingerprint: str
    since: float


class State(NamedTuple):
    """The state folders: configurations, keys, and what the entry last started.

    ``folders`` and ``modes``: path to mode and owner, None where nothing is. ``key_modes``: host keys with a wrong mode
    to it in words. ``announced``: of next keys that were made here, by file name. ``in_force``: the hash of the
    configuration that the running sshd has loaded. ``odd``: what lies where something of the state should, and is
    nothing that can be read; why. ``earlier``: files where an earlier version had them, in the container's reach.
    """

    odd: Mapping[str, str] = {}
    folders: Mapping[str, Optional[Ownership]] = {}
    modes: Mapping[str, Optional[Ownership]] = {}
    entry: Optional[bytes] = None
    sshd_config: Optional[bytes] = None
    ssh_config: Optional[bytes] = None
    hop_config: Optional[bytes] = None
    known_hosts: Optional[bytes] = None
    uid: str = ""
    written: Written = {}
    in_force: str = ""
    password: str = ""
    authorized_keys: Optional[bytes] = None
    identity: Optional[bytes] = None
    identity_state: str = "missing"
    keys: Keys = {}
    next: Keys = {}
    announced: Mapping[str, Announced] = {}
    next_age: float = 0.0
    key_modes: Mapping[str, str] = {}
    earlier: Tuple[str, ...] = ()

    def config(self, name: str) -> Optional[bytes]:
        """A configuration.

        :param name: ``sshd_config`` or ``ssh_config``.
        """
        return self.sshd_config if name == "sshd_config" else self.ssh_config


class Weak(NamedTuple):
    """A place in sshd_config that weakens what is wanted: what a Match block says (nothing: it is said to all), the
    keyword in lower case, and words for people."""

    block: bytes
    keyword: str
    words: str

    @property
    def where(self) -> str:
        """The block, for people."""
        return self.block.decode("utf-8", "replace").split("\n")[0] or "for everybody"


class Judged(NamedTuple):
    """What the image's own sshd makes of the configuration that is about to be in force, where somebody has edited it.
    """

    weak: Tuple[Weak, ...] = ()


class Uid(NamedTuple):
    """A uid (and gid) that no account of the host has, and whether the one in use has been taken meanwhile."""

    free: int = 22222
    taken: bool = False


class Upgrade(NamedTuple):
    """How far a replacement of the container is.

    ``knew``: what is known of the image of the present container; ``proved``: what its trial has proved; ``sockets`` of
    the container before, where a replacement was cut short.
    """

    knew: Image = Image()
    proved: str = ""
    cut_short: bool = False
    sockets: "frozenset[int]" = frozenset()


class WantedImage(NamedTuple):
    """The image that a plan is made with: what it answered on this host, else what its label says; and the names of
    what it is made from by people."""

    image: Image = Image()


def in_container(state: str) -> str:
    """The password's state as the container itself has it, whatever the next one would have."""
    return state[: -len(HERE_ONLY)] if state.endswith(HERE_ONLY) else state


def uid_of(text: str) -> Optional[int]:
    """The uid in a file of the state; None where the text is none that an ordinary account can have."""
    return int(text) if text.isdigit() and len(text) < 11 and 0 < int(text) < 2**31 else None


def written_of(data: Optional[bytes]) -> Written:
    """The algorithm lists that earlier runs wrote (``remember``); a damaged file counts as none: then nothing is
    taken for ours."""
    try:
        found = json.loads((data or b"{}").decode())
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {
        str(part): {str(name): [str(each) for each in values] for name, values in known.items()
                    if isinstance(values, list)}
        for part, known in found.items() if isinstance(known, dict)
    }


def remember(written: Written, part: str, values: Mapping[str, str]) -> Dict[str, Dict[str, List[str]]]:
    """The values that we wrote, with some more.

    :param part: ``sshd_config``, ``ssh_config``, or ``hop`` for what the hop writes into the latter.
    """
    result = {name: {key: list(each) for key, each in known.items()} for name, known in written.items()}
    for name, value in values.items():
        known = result.setdefault(part, {}).setdefault(name, [])
        if value not in known:
            known.append(value)
    return result
