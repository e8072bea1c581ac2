# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Accounts of the host: uids that none has; and those that the hop may use: their authorized_keys as sshd reads it,
written so that no link in their folders can lead root elsewhere, and given back as they were."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import re
from functools import partial
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import file_modes, files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.describe import ABSENT
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.file_modes import Ownership, words
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import hop
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.facts import Uid, uid_of
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import own_sshd
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan import restore
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.host import Host
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Change, Plan, shown
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.restore import CAME, Rows

#: The first uid that is tried for the container's user.
UID_FIRST = 22222


class Account(NamedTuple):
    """An account; ``error`` says why there is none. ``path`` is its authorized_keys, ``root`` the folder above it that
    is not the account's to bend; ``privileged`` says why it is root in all but name. ``alone``: nothing else lies
    beside the file, ``empty``: nothing at all; ``unread``: it is there, and sshd reads no file for it that we know."""

    error: str = ""
    uid: int = 0
    gid: int = 0
    path: str = ""
    root: str = "/"
    privileged: str = ""
    keys: bytes = b""
    owner: Optional[Ownership] = None
    folder_owner: Optional[Ownership] = None
    alone: bool = False
    empty: bool = False
    unread: bool = False

    @property
    def folder(self) -> str:
        """Of the file."""
        return os.path.dirname(self.path)


Accounts = Mapping[str, Account]


def once(rows: Rows) -> List[str]:
    """Accounts that had our line once, and may have to lose it."""
    return list(dict.fromkeys(row.after for row in rows if row.kind == "line" and row.after))


def paths_of(rows: Rows) -> Dict[str, str]:
    """Where an account's line was written."""
    return {row.after: row.name for row in rows if row.kind == "line" and row.after}


def read(
    names: Sequence[str], written: Mapping[str, str], end: own_sshd.End = (own_sshd.LOCALHOST, own_sshd.DEFAULT_PORT)
) -> Dict[str, Account]:
    """Accounts by name.

    :param written: where our line of an account is; of others, the host's own sshd is asked where it reads keys.
    :param end: where the hop goes.
    :raises UnsafePath: something could not be read.
    """
    return {name: _read(name, written.get(name, ""), end) for name in names}


def _read(name: str, written: str, end: own_sshd.End) -> Account:
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        return Account("this host has no such account")
    try:
        path = written or _keys_path(found, end)
    except own_sshd.Unknown as unknown:
        return Account(str(unknown), unread=True)
    inside = path.startswith(found.pw_dir.rstrip("/") + "/")
    root, folder = found.pw_dir if inside else "/", os.path.dirname(path)
    owner = file_modes.of(folder, root)
    here = files.list_dir(folder, root=root) if owner else []
    return Account(
        "", found.pw_uid, found.pw_gid, path, root, hop.privileged(found.pw_uid, _groups(name, found.pw_gid)),
        files.read_file(path, root=root) or b"", file_modes.of(path, root), owner,
        here == [os.path.basename(path)], not here,
    )


def _groups(name: str, gid: int) -> List[str]:
    names = []
    for number in os.getgrouplist(name, gid):
        with contextlib.suppress(KeyError):
            names.append(grp.getgrgid(number).gr_name)
    return names


def _keys_path(account: pwd.struct_passwd, end: own_sshd.End) -> str:
    """The first AuthorizedKeysFile of the host's own sshd for an account.

    :raises Unknown: it has a token that sshd_config(5) does not know.
    """
    first = own_sshd.keys_file(account.pw_name, *end)
    known = {"%h": account.pw_dir, "%u": account.pw_name, "%U": str(account.pw_uid), "%%": "%"}
    tokens = re.findall("%.?", first)
    if not known.keys() >= set(tokens):
        raise own_sshd.Unknown("the host's own sshd does not know a token of AuthorizedKeysFile %s" % first)
    path = re.sub("%.", lambda token: known[token.group()], first)
    return path if path.startswith("/") else "%s/%s" % (account.pw_dir, path)


def write(name: str, account: Account, line: Optional[str], host: Host) -> None:
    """Our one line in an account's authorized_keys, or none.

    :param line: None: it goes.
    """
    data = hop.user_keys(account.keys, line)
    inside = account.root != "/"
    owner, group = (account.uid, account.gid) if inside else (0, 0)
    around = files.stat_file(account.folder, root=account.root)
    found = files.stat_file(account.path, root=account.root)
    if not acceptable(around, owner):
        before = str(file_modes.found(around)) if around else None
        host.ledger.record("keys_folder", name, before, account.folder)
        files.make_dir(account.folder, 0o700 if inside else 0o755, owner, group, root=account.root)
    there = words(file_modes.found(found) if found else None)
    host.ledger.record("line", account.path, there, name if line else None)
    mode = 0o600 if inside else 0o644
    if found and acceptable(found, owner):
        mode, owner, group = found.st_mode & 0o777, found.st_uid, found.st_gid
    files.write_file(account.path, data, mode, owner, group, root=account.root)


def acceptable(found: Optional[os.stat_result], uid: int) -> bool:
    """Whether sshd takes keys from there as it is (StrictModes in sshd_config(5)): then it stays so."""
    return found is not None and found.st_uid in (0, uid) and not found.st_mode & 0o022


def plan_back(rows: Rows, accounts: Accounts, plan: Plan) -> None:
    """Our line in accounts' authorized_keys; what we made for it goes when nothing else is in it."""
    for name, account in accounts.items():
        if account.error:
            continue
        after = hop.user_keys(account.keys, None)
        before = restore.was(rows, "line", account.path)
        goes = before == "absent" and not after and account.owner is not None
        if after != account.keys or goes:
            plan.add(Change("hop", "hop_user_gone", name, shown(account.keys), ABSENT if goes else shown(after),
                            "our line goes", act=partial(_line_back, account, None if goes else after, before),
                            said="our line in authorized_keys of %s" % name))
        _plan_folder(rows, name, account, goes, plan)


def _plan_folder(rows: Rows, name: str, account: Account, goes: bool, plan: Plan) -> None:
    entry = restore.first(rows, "keys_folder", name)
    now = account.folder_owner
    if not entry or now is None:
        return
    before = file_modes.parse(entry.before)
    if entry.before is None:
        if account.empty or (goes and account.alone):
            plan.add(Change("hop", "keys_folder_gone", account.folder, str(now), ABSENT, CAME,
                            act=partial(_folder_gone, account), said=account.folder))
        else:
            plan.note("%s stays: others have put something there" % account.folder)
    elif before and now == Ownership(0o700, account.uid, account.gid):
        plan.add(Change("hop", "keys_folder_back", account.folder, str(now), str(before), "as it was",
                        act=partial(_folder_back, account, before), said="%s as it was" % account.folder))


def _line_back(account: Account, after: Optional[bytes], before: Optional[str], _host: Host) -> None:
    """The file without our line; None: we made it, and nothing else is in it."""
    if after is None:
        files.remove_file(account.path, root=account.root)
        return
    owner = file_modes.parse(before) or account.owner or Ownership(0o600, account.uid, account.gid)
    files.write_file(account.path, after, owner.mode, owner.uid, owner.gid, root=account.root)


def _folder_gone(account: Account, _host: Host) -> None:
    with contextlib.suppress(OSError), files.open_place(account.folder, account.root) as place:
        os.rmdir(place.name, dir_fd=place.fd)


def _folder_back(account: Account, before: Ownership, _host: Host) -> None:
    files.make_dir(account.folder, before.mode, before.uid, before.gid, root=account.root)


def free_uid(now: str) -> Uid:
    """A uid (and gid) that no account of the host has, and whether the one in use has been taken meanwhile."""
    candidate = UID_FIRST
    while _known(candidate):
        candidate += 1
    number = uid_of(now)
    return Uid(candidate, number is not None and _known(number))


def _known(number: int) -> bool:
    for ask in (pwd.getpwuid, grp.getgrgid):
        try:
            ask(number)
        except KeyError:
            continue
        return True
    return False
