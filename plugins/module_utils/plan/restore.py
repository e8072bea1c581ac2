# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the ledger says of the way back: which things are named in it, what they were, and whether somebody else has
changed them since."""

from __future__ import annotations

import contextlib
import os
from functools import partial
from typing import Callable, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import digests, file_modes, files, paths, trees
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.describe import ABSENT
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.file_modes import Ownership
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan import ledger_file
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.ledger import Row
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Change, Plan

Rows = Sequence[Row]
#: Why things go that nobody else has changed.
CAME = "it came with the deployment"


class Folder(NamedTuple):
    """A folder: mode and owner, names in it, and for one below /etc all files in it."""

    owner: Ownership
    names: Tuple[str, ...] = ()
    files: Tuple[str, ...] = ()


class Named(NamedTuple):
    """What is there now of what the ledger names: folders and files outside of the state (None: not there), and the
    copies beside the ledger by their hash."""

    rows: Rows = ()
    cut: bool = False
    folders: Mapping[str, Optional[Folder]] = {}
    files: Mapping[str, Optional[bytes]] = {}
    kept: Mapping[str, Optional[bytes]] = {}


class Back(NamedTuple):
    """What a file was before this collection came (None: it was not there), and whether it may be made that again."""

    before: Optional[bytes]
    untouched: bool


def read(rows: Rows, cut: bool, more_folders: Iterable[str] = ()) -> Named:
    """Look at what the ledger names.

    :param more_folders: looked at whether they are named or not.
    :raises UnsafePath: something could not be read.
    """
    kept = {row.before for row in rows if row.kind == "file" and row.before}
    return Named(
        tuple(rows), cut,
        {path: _folder(path) for path in dict.fromkeys([*more_folders, *names(rows, "folder")])},
        {path: files.read_file(path) for path in names(rows, "file") if not is_state(path)},
        {name: ledger_file.kept(name) for name in sorted(kept)},
    )


def _folder(path: str) -> Optional[Folder]:
    owner = file_modes.of(path)
    if owner is None:
        return None
    inner = [os.path.join(at, name) for at, _names, some in os.walk(path) for name in some] if (
        path.startswith("/etc/")) else []
    return Folder(owner, tuple(files.list_dir(path)), tuple(sorted(inner)))


def names(rows: Rows, kind: str) -> List[str]:
    """Everything of a kind that the ledger names, in its order."""
    return list(dict.fromkeys(row.name for row in rows if row.kind == kind))


def named(rows: Rows, kind: str, after: str) -> List[str]:
    """The same, as far as this stands behind it."""
    return list(dict.fromkeys(row.name for row in rows if row.kind == kind and row.after == after))


def first(rows: Rows, kind: str, name: str) -> Optional[Row]:
    """The oldest entry of a thing: what was there before this collection came."""
    return next((row for row in rows if (row.kind, row.name) == (kind, name)), None)


def was(rows: Rows, kind: str, name: str) -> Optional[str]:
    """What a thing was before this collection came; None: it was not there, or is not in the ledger."""
    row = first(rows, kind, name)
    return row.before if row else None


def is_state(path: str) -> bool:
    """Whether it lies in the folders of the state, which go as a whole."""
    folders = (paths.STATE_DIR, paths.VAR_DIR, paths.PARTS_DIR)
    return any(path == each or path.startswith(each + "/") for each in folders)


def file_back(rows: Rows, path: str, now: Optional[bytes], kept: Mapping[str, Optional[bytes]]) -> Back:
    """What a file was. It is untouched when each of our writes began with what the one before had left, and what is
    there now is what the last one left.

    :param now: its content; None: it is not there.
    """
    mine = [row for row in rows if row.kind == "file" and row.name == path]
    if not mine:
        return Back(now, False)
    states = [value for row in mine for value in (row.before, row.after)][1:]
    states.append(None if now is None else digests.digest(now))
    untouched = all(one == other for one, other in zip(states[::2], states[1::2]))
    oldest = mine[0].before
    before = kept.get(oldest) if oldest else None
    return Back(before, untouched and (not oldest or before is not None))


def files_back(found: Named, plan: Plan, mine: Callable[[str], bool]) -> None:
    """Files outside of the state as they were, where nobody else has changed them since.

    :param mine: which of those that the ledger names.
    """
    planned = {each.name for each in plan.changes}
    for path, data in found.files.items():
        if path in planned or not mine(path):
            continue
        back = file_back(found.rows, path, data, found.kept)
        if data is None or data == back.before:
            continue
        if back.untouched:
            plan.add(Change("removal", "file_back", path, text(data), text(back.before), CAME,
                            act=partial(put_back, path, back.before), said=path))
        elif was(found.rows, "file", path) is None:
            plan.note("%s stays: somebody has changed it since" % path)


def put_back(path: str, data: Optional[bytes], _host: object = None) -> None:
    """A file as it was (None: it goes), with the mode that it has."""
    found = files.stat_file(path)
    if data is None:
        files.remove_file(path)
    else:
        files.write_file(path, data, found.st_mode & 0o7777 if found else 0o644)


def gone(path: str, _host: object = None) -> None:
    """A file, or a folder with all that is in it, goes."""
    trees.remove(path)


def remove_empty(path: str, _host: object = None) -> None:
    """A folder that we made among those of others, while it is empty."""
    with contextlib.suppress(OSError):
        os.rmdir(path)


def text(data: Optional[bytes]) -> str:
    """The content of a file as a plan shows it, bytes that are no text among it."""
    return ABSENT if data is None else data.decode("utf-8", "surrogateescape")


def few(some: Sequence[str]) -> str:
    """Some names, and how many more there are."""
    return ", ".join(some[:5]) + (" and %d more" % (len(some) - 5) if len(some) > 5 else "")
