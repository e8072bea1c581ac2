# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""authorized_keys files of host accounts and of mounted folders: safe to edit, usable under sshd's StrictModes."""

from __future__ import annotations

import os
import posixpath
import pwd
import stat
from typing import List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import UserError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.files import (
    make_dir,
    read_file,
    stat_file,
    write_file,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys.authorized_keys import (
    Entry,
    ensure,
    format_entry,
    parse,
    parse_entry,
    without,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys.key_files import BadKey

_LOOSE = stat.S_IWGRP | stat.S_IWOTH


class TargetError(UserError):
    """A file or account that cannot be edited, or keys that cannot be read. The message says which and why."""


class Target(NamedTuple):
    """One file: where, whose (None: as it is, else as its folder), and from which folder on nothing is trusted."""

    path: str
    root: str = "/"
    uid: Optional[int] = None
    gid: Optional[int] = None
    manage_dir: bool = True


class KeysSpec(NamedTuple):
    """What a file shall hold."""

    entries: Sequence[Entry]
    present: bool = True
    exclusive: bool = False
    backup: bool = False


class Outcome(NamedTuple):
    """What happened to one file. Keys are public: before and after may be shown."""

    path: str
    changed: bool
    before: bytes
    after: bytes
    added: List[str]
    removed: List[str]
    warnings: List[str]
    backup: Optional[str]


class _Plan(NamedTuple):
    target: Target
    before: Optional[bytes]
    after: bytes
    owner: Tuple[int, int]
    mode: int
    rewrite: bool
    folder: bool


def entries_of(lines: Sequence[str], option: str = "keys") -> List[Entry]:
    """Read the wanted keys: each item one line or the text of a ``.pub`` file or of several.

    :raises TargetError: naming the option and the place in it, never the key.
    """
    entries: List[Entry] = []
    for number, item in enumerate(lines):
        useful = [line for line in item.splitlines() if line.strip() and not line.lstrip().startswith("#")]
        if not useful:
            raise TargetError("%s[%d] is empty" % (option, number))
        for line in useful:
            try:
                entries.append(parse_entry(line))
            except BadKey as error:
                raise TargetError("%s[%d] is not a public key: %s" % (option, number, error)) from None
    return entries


def target_of_user(user: str, path: Optional[str] = None) -> Target:
    """The file of an account of this host: ``~/.ssh/authorized_keys`` unless another is given.

    :raises TargetError: no such account, or its home is missing.
    """
    try:
        account = pwd.getpwnam(user)
    except KeyError:
        raise TargetError("this host has no account %r: make it first, or correct the name" % user) from None
    home = account.pw_dir
    if not home.startswith("/") or not os.path.isdir(home):
        raise TargetError("the home %r of %r is missing" % (home, user))
    where = path or posixpath.join(home, ".ssh", "authorized_keys")
    inside = where.startswith(home.rstrip("/") + "/")
    return Target(where, home if inside else "/", account.pw_uid, account.pw_gid, manage_dir=inside)


def _strict(found: os.stat_result, uid: int) -> bool:
    """Whether sshd's StrictModes accepts it: owned by the user or root, not writable by others (auth.c)."""
    return found.st_uid in (0, uid) and not found.st_mode & _LOOSE


def _plan(target: Target, spec: KeysSpec) -> _Plan:
    folder = posixpath.dirname(target.path)
    before = read_file(target.path, root=target.root)
    own, around = stat_file(target.path, root=target.root), stat_file(folder, root=target.root)
    present = own or around
    uid = target.uid if target.uid is not None else (present.st_uid if present else 0)
    gid = target.gid if target.gid is not None else (present.st_gid if present else 0)
    data = before or b""
    after = ensure(data, spec.entries, spec.exclusive) if spec.present else without(data, spec.entries)
    owner, mode = (uid, gid), 0o600
    if own is not None and own.st_uid in (0, uid):
        owner, mode = (own.st_uid, own.st_gid), stat.S_IMODE(own.st_mode) & ~_LOOSE & 0o777
    needed = before is not None or bool(after)
    rewrite = needed and (after != data or before is None or (own is not None and not _strict(own, uid)))
    below = folder.rstrip("/") != target.root.rstrip("/")
    repair = target.manage_dir and below and needed and (around is None or not _strict(around, uid))
    if around is None and needed and not repair:
        raise TargetError("the folder %s is missing: make it, or allow manage_dir" % folder)
    return _Plan(target, before, after, owner, mode, rewrite, repair)


def _warnings(target: Target, uid: int) -> List[str]:
    """What StrictModes will reject although it is not ours to change: the home itself."""
    try:
        found = os.stat(target.root)
    except OSError:
        return []
    if target.root != "/" and not _strict(found, uid):
        return ["sshd may ignore %s: %s is writable by others or belongs to somebody else (StrictModes)"
                % (target.path, target.root)]
    return []


def _describe(data: bytes) -> List[str]:
    return ["%s %s" % (line.entry.key.fingerprint, format_entry(line.entry)) for line in parse(data) if line.entry]


def _carry_out(plan: _Plan, backup: bool) -> Optional[str]:
    target = plan.target
    uid = target.uid if target.uid is not None else plan.owner[0]
    gid = target.gid if target.gid is not None else plan.owner[1]
    if plan.folder:
        make_dir(posixpath.dirname(target.path), 0o700, uid, gid, root=target.root)
    if not plan.rewrite:
        return None
    return write_file(target.path, plan.after, plan.mode, *plan.owner, root=target.root,
                      backup=backup and plan.before is not None)


def ensure_files(specs: Sequence[Tuple[Target, KeysSpec]], check: bool = False) -> List[Outcome]:
    """Edit several files. Everything is read and decided before the first one is changed.

    :raises TargetError: a folder is missing, or a file is named twice.
    :raises UnsafePath: a link, a second hard link or a special file where the account's owner could have put it.
    :raises OSError: the kernel says no.
    """
    paths = [target.path for target, _spec in specs]
    twice = sorted({path for path in paths if paths.count(path) > 1})
    if twice:
        raise TargetError("%s is named twice in one call: join its keys" % twice[0])
    plans = [(_plan(target, spec), spec) for target, spec in specs]
    outcomes = []
    for plan, spec in plans:
        backup = None if check else _carry_out(plan, spec.backup)
        old, new = _describe(plan.before or b""), _describe(plan.after)
        outcomes.append(Outcome(
            plan.target.path, plan.rewrite or plan.folder, plan.before or b"", plan.after,
            [line for line in new if line not in old], [line for line in old if line not in new],
            _warnings(plan.target, plan.owner[0]), backup))
    return outcomes
