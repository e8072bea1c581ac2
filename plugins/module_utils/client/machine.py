# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A person's own machine: what lies in the person's folders, and the changes there.

Everything is done as that person, so links that the person has made (a configuration kept elsewhere) are followed.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import tempfile
import time
from typing import List, Mapping, NamedTuple, Optional, Sequence

from ansible_collections.quantumsafe.openssh.plugins.module_utils.client import aliases
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import CommandError, Completed, run
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import UserError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config import config_files, sshconfig
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import key_files, keypair

#: A name that nobody has; how many of the person's own are tried, and for how many seconds.
_NOBODY, _MOST, _LONGEST = "oqs-ssh-nobody.invalid", 200, 60.0
#: Copies: the person's configuration as it is and as it will be, and our fragment.
_WAS, _NEW, _OURS = "was", "config", "oqs.conf"
_UNREAD = "%s: ssh would not read what was to be written: %s; is that line yours, correct it; else report this"
_OTHERWISE = "%s: ssh would take '%s' where '%s' is meant: move the line '%s' of %s to the top"


class Refused(UserError):
    """Nothing was changed; the text says why and what to do."""


class Places(NamedTuple):
    """Where things lie: the person's folder (``~/.ssh``), and where the wrappers go."""

    folder: str
    bin: str

    @property
    def config(self) -> str:
        """The person's own configuration."""
        return self.folder + "/config"

    @property
    def fragment(self) -> str:
        """Ours, included by it."""
        return self.folder + "/config.d/oqs.conf"

    @property
    def memory(self) -> str:
        """What earlier runs have left in mind."""
        return self.ours("memory.json")

    def ours(self, name: str) -> str:
        """A file in a folder of our own."""
        return "%s/oqs/%s" % (self.folder, name)


class Item(NamedTuple):
    """A file that is not as wanted; None: absent."""

    path: str
    before: Optional[bytes]
    after: Optional[bytes]
    mode: int


def places(folder: str, programs: str) -> Places:
    """The folders, with ``~`` for the home of who runs this."""
    return Places(*(os.path.realpath(os.path.expanduser(path)) for path in (folder, programs)))


def read(path: str) -> Optional[bytes]:
    """A file's content; None where there is none."""
    return files.read_file(os.path.realpath(path))


def check_writable(where: Places) -> None:
    """Raise Refused where the person may not write."""
    for path in where:
        above = path
        while not os.path.exists(above):
            above = os.path.dirname(above)
        if not os.path.isdir(above) or not os.access(above, os.W_OK | os.X_OK):
            name = pwd.getpwuid(os.geteuid()).pw_name
            raise Refused("%s cannot be written by %s: repair its owner and mode, or choose another place "
                          "(oqs_ssh_client_dir, oqs_ssh_client_bin)" % (above, name))


def identity(where: Places, algorithm: str, image: str, known: Sequence[str], check: bool) -> keypair.Result:
    """A pair of the person's own; a pair that is there is never replaced.

    Made by the person's own ssh-keygen where that ssh knows the type, else by the image's.

    :param known: the types that the person's own ssh knows.
    :raises KeyPairError: neither can make it, or what is there is damaged.
    """
    path = aliases.identity_path(where.folder, algorithm)
    maker = keypair.on_host() if key_files.key_type(algorithm) in known else keypair.in_image(image, cli.OWN)
    if check and not os.path.isdir(where.folder):
        return keypair.Result(path, True, "missing", "there is none", "made", None, False, ())
    comment = "%s@%s" % (pwd.getpwuid(os.geteuid()).pw_name, os.uname().nodename)
    request = keypair.Request(path, algorithm, comment, "missing", os.geteuid(), os.getegid(), where.folder)
    return keypair.ensure_pairs([request], maker, check)[0]


def carry_out(items: Sequence[Item], where: Places, made: List[str]) -> None:
    """Write and remove files; folders are made where they are missing, and written down in ``made``."""
    for item in items:
        real = os.path.realpath(item.path)
        if item.after is None:
            files.remove_file(real)
            continue
        _folder(os.path.dirname(real), 0o755 if real.startswith(where.bin + "/") else 0o700, made)
        if item.before is None:
            made.append(item.path)
        files.write_file(real, item.after, item.mode, os.geteuid(), os.getegid())


def _folder(path: str, mode: int, made: List[str]) -> None:
    if os.path.isdir(path):
        return
    _folder(os.path.dirname(path), mode, made)
    os.mkdir(path, mode)
    made.append(path)


def tidy(made: Sequence[str]) -> List[str]:
    """Remove folders that were made, where nothing lies in them any more.

    :returns: those that could not be removed, with the reason.
    """
    failed = []
    for path in sorted(made, key=len, reverse=True):
        try:
            if os.path.isdir(path) and not os.path.islink(path) and not os.listdir(path):
                os.rmdir(path)
        except OSError as error:
            failed.append("%s is empty and could not be removed (%s)" % (path, error.strerror))
    return failed


def mode_of(path: str, default: int) -> int:
    """The mode that a file has, or gets."""
    found = files.stat_file(os.path.realpath(path))
    return stat.S_IMODE(found.st_mode) if found else default


def with_include(config: bytes, path: str) -> bytes:
    """The person's configuration with our fragment read first; every other byte stays."""
    line = _line(path)
    return config if line in config.splitlines() else line + b"\n" + config


def without_include(config: bytes, path: str) -> bytes:
    """The person's configuration as it would be without us."""
    return b"".join(each for each in config.splitlines(True) if each.rstrip(b"\r\n") != _line(path))


def _line(path: str) -> bytes:
    return b"Include " + aliases.sshquoted(path).encode()


def person(config: bytes, where: Places) -> aliases.Known:
    """What the person's own configuration has, ours left out.

    :raises Refused: a file cannot be read.
    """
    def include(pattern: str) -> List[bytes]:
        found = config_files.included(where.config, sshconfig.SSH, pattern)
        ours = read(where.fragment)
        return [each for each in found if each != ours]

    try:
        return aliases.known(without_include(config, where.fragment), include)
    except sshconfig.ConfigError as error:
        raise Refused("%s, or a file that it includes: %s" % (where.config, error)) from error


class _Trial(NamedTuple):
    """Copies of configurations in a private folder, and what ssh says of them; it connects to nobody."""

    program: str
    folder: str
    real: Mapping[str, str]

    def write(self, name: str, text: bytes, mode: int) -> None:
        """A copy, and a file that includes it: ssh looks at the mode of what is included, not of what -F names."""
        for path, data, bits in ((name, text, mode), (name + ".in", _line(self.path(name)) + b"\n", 0o600)):
            files.write_file(self.path(path), data, bits, os.geteuid(), os.getegid())

    def path(self, name: str) -> str:
        """Where a copy lies."""
        return "%s/%s" % (self.folder, name)

    def ask(self, config: str, name: str) -> Completed:
        """What ssh would do for a name; it looks none up.

        :raises Refused: there is no answer.
        """
        argv = [self.program, "-G", "-o", "CanonicalizeHostname=no", "-F", self.path(config + ".in"), "--", name]
        try:
            return run(argv, timeout=10.0, check=False)
        except CommandError as error:
            raise Refused("ssh -G %s: %s" % (name, error)) from error

    def lines(self, config: str, name: str) -> List[bytes]:
        """The same for a configuration of which some is ours.

        :raises Refused: it is not read.
        """
        done = self.ask(config, name)
        if done.rc != 0:
            raise Refused(_UNREAD % (name, self.said(done)))
        return done.out.splitlines()

    def said(self, done: Completed) -> str:
        """Words of ssh with the names of the person's files."""
        words = " ".join(done.reason.split())
        for name, path in self.real.items():
            words = words.replace(self.path(name), path)
        return words


def check_read(before: bytes, after: bytes, fragment: bytes, where: Places, ours: Sequence[str]) -> List[str]:
    """Raise Refused where the person's own ssh would not read what is about to be written, would say something else of
    a host that is not ours, or of one of ours something else than is meant: one line that it does not take ends every
    ssh of that person, to whatever host.

    :param before: the person's configuration. :param after: the same as it will be, with the Include line.
    :param fragment: ours, as it will be. :param ours: aliases of ours.
    :returns: what could not be tried, for the person.
    """
    program, known = shutil.which("ssh"), person(before, where)
    if not program:
        return []
    with tempfile.TemporaryDirectory(prefix="oqs-ssh-") as folder:
        real = {_WAS: where.config, _NEW: where.config, _OURS: where.fragment}
        trial = _Trial(program, os.path.realpath(folder), real)
        line, mode = _line(where.fragment), mode_of(where.config, 0o600)
        lines = [each.replace(line, _line(trial.path(_OURS))) if each.rstrip(b"\r\n") == line else each
                 for each in after.splitlines(True)]
        trial.write(_WAS, without_include(before, where.fragment), mode)
        trial.write(_NEW, b"".join(lines), mode)
        trial.write(_OURS, fragment, 0o600)
        if known.runs:
            for name in (_NOBODY, *ours):
                trial.lines(_OURS, name)
            return ["%s has Match exec, which ssh -G would run: what was written was tried without it" % where.config]
        notes = _others(trial, [name for name in known.names if name not in ours], where)
        for name in ours:
            _meant(trial, name, fragment, where)
        return notes


def _others(trial: _Trial, names: Sequence[str], where: Places) -> List[str]:
    """Hear that a stranger's name and the person's own are answered as before; a name that ssh refuses, too."""
    was = trial.ask(_WAS, _NOBODY)
    if was.rc != 0:
        raise Refused("ssh does not read %s: %s; mend it first" % (where.config, trial.said(was)))
    tried, end = 0, time.monotonic() + _LONGEST
    for name in [_NOBODY, *names[:_MOST]]:
        if name != _NOBODY and time.monotonic() >= end:
            break
        was, now = trial.ask(_WAS, name), trial.ask(_NEW, name)
        if was.rc == 0 and now.rc != 0:
            raise Refused(_UNREAD % (name, trial.said(now)))
        if (was.rc, was.out) != (now.rc, now.out):
            raise Refused("ssh would connect to %s in another way than before: please report this" % name)
        tried += name != _NOBODY
    return [] if tried == len(names) else ["%s: it has %d names, %d of them were tried" % (
        where.config, len(names), tried)]


def _meant(trial: _Trial, name: str, fragment: bytes, where: Places) -> None:
    """Hear that ssh takes for an alias what our fragment sets; identities are added up, so those are left out."""
    found = trial.lines(_NEW, name)
    keywords = set(sshconfig.read(fragment, sshconfig.SSH, block="Host " + name)) - {"identityfile"}
    for line in trial.lines(_OURS, name):
        keyword = line.partition(b" ")[0]
        if keyword.decode("utf-8", "replace") in keywords and line not in found:
            other = b", ".join(each for each in found if each.partition(b" ")[0] == keyword) or b"nothing"
            raise Refused(_OTHERWISE % (name, other.decode("utf-8", "replace"), line.decode("utf-8", "replace"),
                                        _line(where.fragment).decode(), where.config))


def check_config(data: bytes, path: str) -> None:
    """Raise Refused where the person's configuration cannot be read."""
    try:
        sshconfig.heads(data, sshconfig.SSH)
    except sshconfig.ConfigError as error:
        raise Refused("%s: %s" % (path, error)) from error
