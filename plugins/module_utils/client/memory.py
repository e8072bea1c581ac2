# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What earlier runs have left in mind on a person's machine, as a value and as the file's JSON. Pure."""

from __future__ import annotations

import json
from typing import Dict, List, Mapping, NamedTuple, Sequence, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.client import host
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import shape

_DAMAGED = ("it is damaged and was not used: hosts that this run does not ask have no alias until they are asked "
            "again, and folders that an earlier run made are not known any more")
_ODD_MADE = "one of the paths that earlier runs have made is no path, and was not used"
#: A machine's folders and files; a run makes less than twenty.
_PATHS = 10000


class Memory(NamedTuple):
    """Hosts of earlier runs, what was not there before those, and what of it cannot be believed.

    ``unusable`` says of a host why; ``damage`` is about the rest.
    """

    hosts: host.Hosts
    made: Tuple[str, ...]
    unusable: Mapping[str, str]
    damage: Tuple[str, ...]


def parse(data: bytes) -> Memory:
    """What a file says. Nothing in it ends a run: what does not fit is named, and not used."""
    try:
        found = shape.table("the file", json.loads(data.decode()) if data else {})
        rows = shape.table("hosts", found.get("hosts", {}))
    except (ValueError, RecursionError, shape.BadShape):
        return Memory({}, (), {}, (_DAMAGED,))
    hosts, unusable = host.parse_all({name: row for name, row in rows.items() if row != {}})
    made, damage = _made(found.get("made", []))
    return Memory(hosts, made, unusable, damage)


def _made(value: object) -> Tuple[Tuple[str, ...], Tuple[str, ...]]:
    """Paths that can be believed, and what is to be said of the others."""
    found: List[str] = []
    rows = value if isinstance(value, list) and len(value) <= _PATHS else [None]
    for row in rows:
        if isinstance(row, str) and row.startswith("/") and "\0" not in row:
            found.append(row)
    return tuple(found), () if len(found) == len(rows) else (_ODD_MADE,)


def to_json(hosts: host.Hosts, made: Sequence[str]) -> bytes:
    """The file of these hosts and of what was made."""
    rows: Dict[str, object] = {name: each.to_json() for name, each in hosts.items()}
    return json.dumps({"hosts": rows, "made": sorted(set(made))}, sort_keys=True).encode()
