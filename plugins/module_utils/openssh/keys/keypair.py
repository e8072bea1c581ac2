# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Key pairs of any type: made by the image's ssh-keygen or the host's, replaced as a pair or not at all.

A private half lies only in folders of root (0700) and in its place; it is in no result, argument or environment.
"""

from __future__ import annotations

import contextlib
import errno
import os
import posixpath
import stat
import tempfile
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import CommandError, run
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import UserError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.files import read_file, stat_file, write_file
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.algorithms import nearest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys.file_pairs import replace_pair
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys.key_files import (
    BadKey,
    PairState,
    PublicKey,
    is_encrypted,
    key_type,
    pair_state,
    parse_public,
    public_from_private,
)

LEVELS = ("never", "missing", "damaged", "always")
# Pairs are made one after the other; what fails is named on standard error and the rest goes on.
_SCRIPT = """
umask 077
keygen=$1; shift
failed=0; number=0
while [ $# -ge 3 ]; do
    if [ "$3" = ask ]; then
        IFS= read -r secret || exit 3
        said=$(printf '%s\\n%s\\n' "$secret" "$secret" | "$keygen" -q -t "$1" -C "$2" -f "/k/$number" 2>&1)
    else
        said=$("$keygen" -q -t "$1" -N "" -C "$2" -f "/k/$number" 2>&1 </dev/null)
    fi
    if [ ! -s "/k/$number" ]; then echo "$1: $said" >&2; failed=1; fi
    number=$((number + 1)); shift 3
done
exit $failed
"""


class KeyPairError(UserError):
    """A pair could not be made, or the state of one forbids it. The message names the file and what to do."""


class Request(NamedTuple):
    """One pair that is wanted: private path, algorithm as ssh-keygen knows it, and how it lies there."""

    path: str
    algorithm: str
    comment: str = ""
    regenerate: str = "missing"
    uid: int = 0
    gid: int = 0
    root: str = "/"
    backup: bool = False
    passphrase: Optional[str] = None


class Result(NamedTuple):
    """What was found (``missing``, ``half``, ``damaged``, ``mismatch``, ``type``, ``mode``, ``good``), what was
    done about it (``none``, ``mended`` or ``made``), and the public key there is now (None in check mode before there
    is one).
    """

    path: str
    changed: bool
    before: str
    reason: str
    action: str
    key: Optional[PublicKey]
    encrypted: bool
    backups: Tuple[str, ...]
    old_key: Optional[PublicKey] = None

    def diff(self, request: Request) -> Dict[str, str]:
        """The change in words: state, type and fingerprint. A key that is not made yet has no fingerprint."""
        old = "%s%s\n" % (self.before, " %s %s" % (self.old_key.type, self.old_key.fingerprint) if self.old_key else "")
        new = "good %s %s\n" % (
            (self.key.type, self.key.fingerprint) if self.key
            else (key_type(request.algorithm), "<known after apply>"))
        return {"before": old, "after": new, "before_header": self.path, "after_header": self.path}


Maker = Callable[[str, Sequence[Request]], None]
"""Makes the pair of each request as ``0`` and ``0.pub``, ``1`` and ``1.pub`` ... in a folder (root, 0700)."""


@contextlib.contextmanager
def private_folder() -> Iterator[str]:
    """A temporary folder of root (0700), in memory where the host has ``/run``; gone afterwards."""
    base = "/run" if os.path.isdir("/run") and os.access("/run", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix=paths.KEYS_PREFIX, dir=base) as folder:
        yield folder


def in_image(image: str, at: str = cli.LOCAL) -> Maker:
    """A maker that runs the image's own ssh-keygen: one container for all pairs, that may do nothing else.

    Passphrases go through standard input to ssh-keygen's own prompts.
    """
    def make(folder: str, requests: Sequence[Request]) -> None:
        program = ["/bin/sh", "-c", _SCRIPT, "sh", paths.IMAGE_KEYGEN]
        for request in requests:
            program += [_algorithm(request), request.comment, "no" if request.passphrase is None else "ask"]
        mounts, user = [cli.bind(folder, "/k"), *_account(folder)], "%d:%d" % (os.geteuid(), os.getegid())
        done = cli.run_once(image, program, mounts, _secrets(requests), check=False, user=user, at=at)
        if done.rc != 0:
            words = "the image %s could not make a key: %s%s"
            raise KeyPairError(words % (image, done.reason, _hint(image, requests, at)))

    return make


def _account(folder: str) -> List[str]:
    """ssh-keygen asks for the account of who runs it; the image knows root's, and its own user's."""
    if os.geteuid() == 0:
        return []
    line = "person:x:%d:%d::/k:/bin/sh\n" % (os.geteuid(), os.getegid())
    write_file(folder + "/passwd", line.encode(), 0o644, os.geteuid(), os.getegid(), root=folder)
    return [cli.bind(folder + "/passwd", "/etc/passwd", readonly=True)]


def _hint(image: str, requests: Sequence[Request], at: str) -> str:
    """For each algorithm that the image does not know: the nearest that it does know."""
    for query in ("key-plain", "key"):
        done = cli.run_once(image, [paths.IMAGE_SSH, "-Q", query], check=False, at=at)
        if done.rc == 0:
            break
    known = done.text.split() if done.rc == 0 else []
    words = ""
    wanted = {request.algorithm for request in requests}
    for name in sorted(name for name in wanted if known and key_type(name) not in known):
        near = nearest(name, known)
        words += "; %r is unknown to it, %s" % (
            name, "the nearest it knows is %r" % near if near else "it knows " + ", ".join(known[:20]))
    return words


def on_host(program: str = "ssh-keygen") -> Maker:
    """A maker that runs the host's ssh-keygen, for the types it knows."""
    def make(folder: str, requests: Sequence[Request]) -> None:
        for number, request in enumerate(requests):
            argv = [program, "-q", "-t", _algorithm(request), "-C", request.comment, "-f", "%s/%d" % (folder, number)]
            try:
                if request.passphrase is None:
                    run(argv + ["-N", ""])
                else:
                    run(["setsid", "--wait"] + argv, stdin=_secrets([request]) * 2)
            except CommandError as error:
                said = error.completed.reason if error.completed else str(error)
                message = "the host could not make a key of type %s: %s" % (request.algorithm, said)
                raise KeyPairError(message) from error

    return make


def _algorithm(request: Request) -> str:
    return "rsa" if key_type(request.algorithm) == "ssh-rsa" else request.algorithm


def _secrets(requests: Sequence[Request]) -> bytes:
    return b"".join(request.passphrase.encode("utf-8") + b"\n" for request in requests
                    if request.passphrase is not None)


def _validate(request: Request) -> None:
    if request.regenerate not in LEVELS:
        raise KeyPairError("regenerate is %r: must be one of %s" % (request.regenerate, ", ".join(LEVELS)))
    if any(ord(char) < 32 or ord(char) == 127 for char in request.comment):
        raise KeyPairError("the comment for %s has a line end or control character" % request.path)
    secret = request.passphrase
    if secret is not None and (len(secret) < 5 or any(ord(char) < 32 for char in secret)):
        raise KeyPairError("the passphrase for %s must have at least 5 characters and no line end" % request.path)
    if not request.algorithm or request.algorithm.startswith("-") or not request.algorithm.isprintable():
        raise KeyPairError("%r is not the name of an algorithm" % request.algorithm)


def _read(request: Request) -> Tuple[PairState, Optional[bytes]]:
    """The pair as it lies there; a good pair of another type has the state ``type``."""
    folder = posixpath.dirname(request.path)
    if stat_file(folder, root=request.root) is None:
        raise FileNotFoundError(errno.ENOENT, "the folder is missing: make it first", folder)
    private = read_file(request.path, limit=1 << 20, root=request.root)
    public = read_file(request.path + ".pub", limit=1 << 20, root=request.root)
    found = pair_state(private, public)
    wanted = key_type(request.algorithm)
    if private and found.key is None and request.regenerate != "always" and _is_pem(private):
        found = found._replace(key=_derived(request, private))
    if private is None or found.key is None or found.state not in ("good", "half", "mismatch"):
        return found, private
    if found.key.type == wanted or (request.algorithm == "ecdsa" and found.key.type.startswith("ecdsa-sha2-")):
        return found, private
    return PairState("type", "the key is of type %s, not %s" % (found.key.type, wanted), found.key), private


def _decide(request: Request, found: PairState, private: Optional[bytes]) -> str:
    """``none``, ``repair`` (write the public half again from the private one) or ``make``.

    :raises KeyPairError: the level forbids what would be needed.
    """
    level = request.regenerate
    if level == "always":
        return "make"
    if found.state == "good":
        return "none"
    derivable = _derivable(private) or (private is not None and _is_pem(private) and found.key is not None)
    if level == "never":
        raise KeyPairError("%s: %s, and regenerate is 'never': put the pair there, or allow 'missing' or 'damaged'"
                           % (request.path, found.reason))
    if found.state == "missing":
        return "make"
    if derivable and found.state != "type" and (level == "damaged" or found.state in ("half", "damaged")):
        return "repair"
    if level == "damaged":
        return "make"
    raise KeyPairError("%s: %s, and regenerate is 'missing', which keeps what is there: use 'damaged' to replace it"
                       % (request.path, found.reason))


def _derivable(private: Optional[bytes]) -> bool:
    try:
        return private is not None and public_from_private(private) is not None
    except BadKey:
        return False


def _is_pem(private: bytes) -> bool:
    """Whether a private half is whole, and in a format that does not hold the public one in clear."""
    try:
        return public_from_private(private) is None
    except BadKey:
        return False


def _derived(request: Request, private: bytes) -> PublicKey:
    """The public half of such a file, as the host's ssh-keygen derives it (ssh-keygen(1), -y).

    :raises KeyPairError: it cannot; a good private half is no reason to make another.
    """
    with private_folder() as folder:
        path = folder + "/0"
        write_file(path, private, 0o600, os.geteuid(), os.getegid(), root=folder)
        try:
            said = run(["setsid", "--wait", "ssh-keygen", "-y", "-f", path], stdin=_secrets([request]), timeout=30.0)
            return parse_public(said.text)
        except (CommandError, BadKey) as error:
            reason = error.completed.reason if isinstance(error, CommandError) and error.completed else str(error)
            words = "%s: the private half is whole and stays, but its public half cannot be derived (%s): write %s.pub"
            raise KeyPairError(words % (request.path, reason.replace(path, request.path), request.path)) from error


def _misplaced(request: Request) -> bool:
    """Whether owner or mode of a half is not as sshd and ssh want it."""
    for path, mode in ((request.path, 0o600), (request.path + ".pub", 0o644)):
        found = stat_file(path, root=request.root)
        if found is None or (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) != (
                request.uid, request.gid, mode):
            return True
    return False


def _mend(request: Request, key: Optional[PublicKey], private: bytes) -> None:
    """Write both halves as they must lie; key is what the private half holds, or the good public half that is there."""
    if key is None:
        raise KeyPairError("%s: the public half cannot be read from this format" % request.path)
    write_file(request.path, private, 0o600, request.uid, request.gid, root=request.root)
    line = key.line.encode("utf-8", "surrogateescape") + b"\n"
    write_file(request.path + ".pub", line, 0o644, request.uid, request.gid, root=request.root)


def _make_all(requests: Sequence[Request], make: Maker) -> List[List[str]]:
    """Make pairs in a folder of their own, check them, and put them in place. Returns the backups of each.

    :raises KeyPairError: the program made something else than asked; nothing was replaced.
    """
    with private_folder() as folder:
        make(folder, requests)
        made: List[Tuple[bytes, bytes]] = []
        for number, request in enumerate(requests):
            private = read_file("%s/%d" % (folder, number), root=folder)
            public = read_file("%s/%d.pub" % (folder, number), root=folder)
            found = pair_state(private, public)
            if private is None or public is None or found.state != "good" or found.key is None:
                raise KeyPairError("no usable key of type %s was made: %s" % (request.algorithm, found.reason))
            wanted = key_type(request.algorithm)
            if request.algorithm != "ecdsa" and found.key.type != wanted:
                raise KeyPairError("a key of type %s was made, not %s" % (found.key.type, wanted))
            made.append((private, public))
        return [replace_pair(request.path, private, public, request.uid, request.gid, request.root, request.backup)
                for request, (private, public) in zip(requests, made)]


def ensure_pairs(requests: Sequence[Request], make: Maker, check: bool = False) -> List[Result]:
    """See to it that each pair is there, whole, of the wanted type, and readable by its owner only.

    Everything is decided before anything is changed; all pairs that are needed are made in one go.

    ``regenerate``: ``never`` makes nothing and fails unless the pair is good; ``missing`` makes a pair where there is
    none and writes a lost public half again; ``damaged`` also replaces what is broken or of another type (a private
    half that is whole is kept, and its public half written again); ``always`` makes a new pair.

    :raises KeyPairError: a level forbids what would be needed, or ssh-keygen failed (its words are in the message).
    :raises UnsafePath: as ``files.read_file`` and ``files.write_file``.
    :raises OSError: the folder is missing, or the kernel says no.
    """
    for request in requests:
        _validate(request)
    states = [_read(request) for request in requests]
    actions = [_decide(request, *state) for request, state in zip(requests, states)]
    for number, request in enumerate(requests):
        if actions[number] == "none" and _misplaced(request):
            actions[number] = "repair"
    todo = [request for request, action in zip(requests, actions) if action == "make"]
    backups = iter(_make_all(todo, make) if todo and not check else [[] for _request in todo])
    results = []
    for request, action, (found, private) in zip(requests, actions, states):
        if action == "repair" and private is not None and not check:
            _mend(request, found.key, private)
        results.append(_result(request, action, found, private, next(backups) if action == "make" else [], check))
    return results


def _result(
    request: Request, action: str, found: PairState, private: Optional[bytes], backups: List[str], check: bool,
) -> Result:
    before = "mode" if action == "repair" and found.state == "good" else found.state
    reason = "owner or mode was wrong" if before == "mode" else found.reason
    key: Optional[PublicKey] = found.key
    encrypted = request.passphrase is not None
    if action == "make":
        key = None if check else _read(request)[0].key
    elif private is not None:
        encrypted = is_encrypted(private)
    word = {"none": "none", "repair": "mended", "make": "made"}[action]
    return Result(request.path, action != "none", before, reason, word, key, encrypted, tuple(backups), found.key)
