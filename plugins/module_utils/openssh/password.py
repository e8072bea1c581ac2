# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The password of a user in a container (created or running) or in a shadow file of the state folder.

Hashes travel on stdin and in files of root only; results hold words for states, never hashes or passwords.
"""

from __future__ import annotations

import errno
import posixpath
import re
import stat
import tarfile
from typing import NamedTuple, Optional, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import UserError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.files import read_file, stat_file, write_file
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.container_files import (
    put_container_files,
    read_container_file,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import shadow

CONTAINER_SHADOW = "/etc/shadow"
_ROUNDS = re.compile(r"\$6\$rounds=([0-9]{1,9})\$")
_METHODS = {"$1$": "md5", "$2": "bcrypt", "$5$": "sha256", "$6$": "sha512", "$7$": "scrypt", "$y$": "yescrypt",
            "$gy$": "gost-yescrypt"}


class PasswordRefused(UserError):
    """The wanted password must not be used, or there is nothing to set it on. The message never contains it."""


class Wanted(NamedTuple):
    """What was asked for: a password, or (None) a locked account."""

    user: str
    password: Optional[str]
    rounds: int = shadow.ROUNDS
    only_if_unset: bool = False


class Outcome(NamedTuple):
    """What was found and what it became: states as ``shadow.state_of`` names them (or ``absent``)."""

    changed: bool
    before: str
    after: str
    method: str
    reason: str


def container_shadow(name: str) -> Tuple[bytes, tarfile.TarInfo]:
    """The shadow file of a container, created or running, and its tar header.

    :raises PasswordRefused: it has none, or a link in its place.
    :raises DockerError: no such container, or the engine does not answer.
    """
    found = read_container_file(name, CONTAINER_SHADOW)
    if found is None or not found[1].isfile():
        raise PasswordRefused("the container %r has no ordinary file %s" % (name, CONTAINER_SHADOW))
    return found


def method_of(hashed: str) -> str:
    """The name of a hash's method; ``none`` where there is no hash, ``unknown`` for those crypt(5) does not list."""
    if hashed == "" or shadow.is_locked(hashed):
        return "none"
    for prefix, name in _METHODS.items():
        if hashed.startswith(prefix):
            return name
    return "des" if len(hashed) == 13 else "unknown"


def is_strong(hashed: str, rounds: int) -> bool:
    """Whether a hash is SHA-512 with at least this cost: what every image can check and few can guess."""
    found = _ROUNDS.match(hashed)
    return found is not None and int(found.group(1)) >= rounds


def wanted_hash(current: Optional[str], wanted: Wanted) -> Tuple[Optional[str], str]:
    """Decide: the hash to write (None: leave it as it is) and why.

    :param current: the stored hash; None where the user has no line.
    :raises PasswordRefused: the password is empty, published, weak or unusable.
    """
    if wanted.password is None:
        if current is not None and current.startswith("*"):
            return None, "no password matches"
        return shadow.LOCKED, "nobody shall log in by password"
    reason = shadow.weakness(wanted.password, wanted.user)
    if reason:
        raise PasswordRefused("the password for %r %s: choose another one, for example 20 random letters and digits"
                              % (wanted.user, reason))
    if current is not None:
        if wanted.only_if_unset and shadow.state_of(current) == "set":
            return None, "a password is set, and only a missing one shall be"
        if shadow.verify(wanted.password, current):
            if is_strong(current, wanted.rounds):
                return None, "the stored hash matches"
            return shadow.make_hash(wanted.password, wanted.rounds), "the stored hash is cheap to guess or not portable"
    return shadow.make_hash(wanted.password, wanted.rounds), "the stored hash does not match"


def _judge(current: Optional[str], wanted: Wanted) -> Tuple[Optional[str], Outcome]:
    """The hash to write, if any, and the outcome it will have."""
    chosen, reason = wanted_hash(current, wanted)
    before = "absent" if current is None else shadow.state_of(current)
    if chosen is None:
        return None, Outcome(False, before, before, method_of(current or ""), reason)
    after = "locked" if wanted.password is None else "set"
    return chosen, Outcome(True, before, after, method_of(chosen), reason)


def ensure_in_container(name: str, wanted: Wanted, check: bool = False) -> Outcome:
    """Set or lock a user's password in a container; it counts at once, also in a running one.

    :param check: only say what would happen.
    :raises PasswordRefused: a bad password, or no such user in the container.
    :raises DockerError: no such container; or the file is not there as written when read again.
    """
    data, info = container_shadow(name)
    current = shadow.hash_of(data, wanted.user)
    if current is None:
        raise PasswordRefused("the container %r has no user %r with a password" % (name, wanted.user))
    chosen, outcome = _judge(current, wanted)
    if chosen is not None and not check:
        changed = shadow.with_hash(data, wanted.user, chosen)
        put_container_files(name, {CONTAINER_SHADOW: (changed, info)})
    return outcome


def set_hash(name: str, user: str, hashed: str) -> bool:
    """Put a hash that was made and checked elsewhere (the state folder's) into a container, created or running.

    :returns: whether it was another one before.
    :raises PasswordRefused: no such user in the container.
    :raises ShadowError: not a hash.
    :raises DockerError: no such container; or the file is not there as written when read again.
    """
    data, info = container_shadow(name)
    current = shadow.hash_of(data, user)
    if current is None:
        raise PasswordRefused("the container %r has no user %r with a password" % (name, user))
    if current == hashed:
        return False
    put_container_files(name, {CONTAINER_SHADOW: (shadow.with_hash(data, user, hashed), info)})
    return True


def ensure_in_file(path: str, wanted: Wanted, check: bool = False, root: str = "/") -> Outcome:
    """Set or lock a password in a file of the state folder, made (root, 0600) if it is missing.

    The file holds the hash and nothing else, or lines of shadow(5): what it holds now decides.

    :raises PasswordRefused: a bad password, no such user, or the host's own shadow file.
    :raises UnsafePath: a link on the way, or another trap of ``files.read_file``.
    :raises OSError: the folder is missing, or the kernel says no.
    """
    if re.sub("/+", "/", path) in (CONTAINER_SHADOW, CONTAINER_SHADOW + "-") and root == "/":
        raise PasswordRefused("%s holds the host's own accounts, which this never touches: "
                              "use ansible.builtin.user" % path)
    folder = posixpath.dirname(path)
    if stat_file(folder, root=root) is None:
        raise FileNotFoundError(errno.ENOENT, "the folder is missing: make it first", folder)
    data = read_file(path, root=root)
    found = stat_file(path, root=root)
    lines = data is not None and b":" in data
    current = None if data is None else data.decode("utf-8", "surrogateescape").strip()
    if data is not None and lines:
        current = shadow.hash_of(data, wanted.user)
        if current is None:
            raise PasswordRefused("%s has no user %r" % (path, wanted.user))
    chosen, outcome = _judge(current, wanted)
    loose = found is not None and bool(stat.S_IMODE(found.st_mode) & 0o137)
    if check or (chosen is None and not loose):
        return outcome._replace(changed=outcome.changed or loose)
    if data is not None and lines:
        content = data if chosen is None else shadow.with_hash(data, wanted.user, chosen)
    else:
        content = ((current or "") if chosen is None else chosen).encode("utf-8", "surrogateescape") + b"\n"
    mode = 0o600 if found is None else stat.S_IMODE(found.st_mode) & 0o640
    uid, gid = (0, 0) if found is None else (found.st_uid, found.st_gid)
    write_file(path, content, mode, uid, gid, root=root)
    return outcome._replace(changed=True)
