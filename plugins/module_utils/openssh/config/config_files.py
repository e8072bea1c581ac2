# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edits of configuration files on a host: read, edit, validated by the real programs, replaced all or none."""

from __future__ import annotations

import glob
import os
import stat
from typing import List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files, paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import CommandError, run
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import UserError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config import sshconfig

# Argument 1 is the dialect, 2 the file. sshd wants a key before it checks anything, so it gets one of its own.
_CHECK_IN_IMAGE = """
if [ "$1" = sshd_config ]; then
    mkdir -p /run/sshd
    "$3/bin/ssh-keygen" -q -t ed25519 -N '' -f /tmp/oqs-check-key &&
        exec "$3/sbin/sshd" -t -h /tmp/oqs-check-key -f "$2"
else
    exec "$3/bin/ssh" -G -F "$2" localhost
fi
"""
_INSIDE = "/tmp/oqs-check/"
_VALIDATION_SECONDS = 120.0
_INCLUDED_LIMIT = 1 << 20
_INCLUDED_FILES = 1000


class EditFailed(UserError):
    """Nothing was replaced (or everything was put back). The message names the file and what to do."""


class Job(NamedTuple):
    """Changes wanted in one file."""

    path: str
    dialect: str
    changes: Sequence[sshconfig.Change]


class Edit(NamedTuple):
    """A file before and after its changes; ``found`` is its lstat, ``path`` where it really lies."""

    path: str
    dialect: str
    before: bytes
    after: bytes
    notes: Tuple[str, ...]
    found: os.stat_result

    @property
    def changed(self) -> bool:
        """Whether there is anything to write."""
        return self.before != self.after


def included(path: str, dialect: str, pattern: str) -> List[bytes]:
    """The contents of the files an Include line in a file names, in the order in which the programs read them.

    Relative names count from the file's own folder, which is right for /etc/ssh and ~/.ssh. What cannot be read
    counts as absent.
    """
    if dialect == sshconfig.SSH:
        pattern = os.path.expanduser(pattern)
    contents = []
    for name in sorted(glob.glob(os.path.join(os.path.dirname(path), pattern)))[:_INCLUDED_FILES]:
        try:
            content = files.read_file(os.path.realpath(name), limit=_INCLUDED_LIMIT)
        except (OSError, files.UnsafePath):
            continue
        if content is not None:
            contents.append(content)
    return contents


def edited(job: Job, follow: bool = False) -> Edit:
    """Read a file and work out its edit; writes nothing.

    :param follow: the path may be a symbolic link, or lead through one; then the file behind it is meant.
    :raises EditFailed: no such file, a link, not editable; names the file.
    """
    path = os.path.realpath(job.path) if follow else job.path
    try:
        before = files.read_file(path)
        found = files.stat_file(path)
        if before is None or found is None:
            raise EditFailed("%s: there is no such file; this module edits files, it does not make them" % job.path)
        done = sshconfig.edit_with_notes(
            before, job.changes, job.dialect, lambda pattern: included(path, job.dialect, pattern))
    except files.UnsafePath as error:
        hint = "" if follow else "; if the link is meant to be there, set follow: true"
        raise EditFailed("%s%s" % (error, hint)) from error
    except sshconfig.ConfigError as error:
        raise EditFailed("%s: %s" % (job.path, error)) from error
    except OSError as error:
        raise EditFailed("%s: cannot be read: %s" % (job.path, error.strerror)) from error
    notes = tuple("%s: %s" % (job.path, note) for note in done.notes)
    return Edit(path, job.dialect, before, done.data, notes, found)


def check_distinct(edits: Sequence[Edit]) -> None:
    """Check that no file is named twice: the second edit would undo the first.

    :raises EditFailed: names the file.
    """
    paths = [edit.path for edit in edits]
    for path in paths:
        if paths.count(path) > 1:
            raise EditFailed("%s is named more than once in 'files': put its changes together" % path)


def validate(edit: Edit, folder: str, command: Optional[Sequence[str]], image: Optional[str]) -> None:
    """Let the real program read the new file before it replaces the old one.

    :param folder: a folder that only the caller can write to, for the candidate.
    :param command: argv with ``%s`` for the candidate's path.
    :param image: a container image with the contract of the OQS image, whose own sshd or ssh reads it.
    :raises EditFailed: with the program's own words; the file was not touched.
    """
    candidate = os.path.join(os.path.realpath(folder), "oqs-config-candidate")
    files.write_file(candidate, edit.after, 0o600, os.geteuid(), os.getegid())
    try:
        if command:
            run([part.replace("%s", candidate) for part in command], timeout=_VALIDATION_SECONDS)
        if image:
            _validate_in_image(edit, candidate, image)
    except (CommandError, cli.DockerError) as error:
        said = error.completed.reason if isinstance(error, CommandError) and error.completed else str(error)
        raise EditFailed("%s was not touched, the changed file does not pass validation: %s" % (
            edit.path, said.replace(candidate, edit.path).replace(_INSIDE + edit.dialect, edit.path))) from error
    finally:
        files.remove_file(candidate)


def _validate_in_image(edit: Edit, candidate: str, image: str) -> None:
    inside = _INSIDE + edit.dialect
    arguments = ["/bin/sh", "-c", _CHECK_IN_IMAGE, "check", edit.dialect, inside, paths.INSTALL_DIR]
    cli.run_once(image, arguments, [cli.bind(candidate, inside, readonly=True)], writable=True)


def write_all(edits: Sequence[Edit], backup: bool) -> List[Tuple[str, str]]:
    """Replace all changed files, or none: what was replaced before a failure is put back.

    :returns: path and backup of each file that got one.
    :raises EditFailed: a file was changed by somebody else meanwhile, or cannot be written.
    """
    written: List[Edit] = []
    backups: List[Tuple[str, str]] = []
    try:
        for edit in edits:
            if not edit.changed:
                continue
            if files.read_file(edit.path) != edit.before:
                raise EditFailed("%s was changed by somebody else meanwhile: run again" % edit.path)
            kept = _write(edit, edit.after, backup)
            written.append(edit)
            if kept is not None:
                backups.append((edit.path, kept))
    except (EditFailed, files.UnsafePath, OSError) as error:
        for edit in written:
            _write(edit, edit.before, False)
        for _path, kept in backups:
            files.remove_file(kept)
        if isinstance(error, EditFailed):
            raise
        raise EditFailed("%s; all files are as they were" % error) from error
    return backups


def _write(edit: Edit, data: bytes, backup: bool) -> Optional[str]:
    found = edit.found
    return files.write_file(
        edit.path, data, stat.S_IMODE(found.st_mode) & 0o777, found.st_uid, found.st_gid, backup=backup)
