# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What one run knows of its hosts, kept in Ansible's own private folder for the run (0700), which Ansible removes at
the end. Not in facts: those are cached, shown and inherited; and a look is only good for the run that made it. What is
about one host belongs to a play (``known``)."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import typing as t

from ansible import constants as C


class RunStore:
    """A small dictionary for a host, shared by the tasks of a run (each task is a process of its own)."""

    def __init__(self, host: str, folder: str | None = None) -> None:
        self._folder = os.path.join(folder or C.DEFAULT_LOCAL_TMP, "oqs-ssh")
        self._path = os.path.join(self._folder, hashlib.sha256(host.encode()).hexdigest())

    def load(self) -> dict[str, t.Any]:
        """Everything known; empty at the start of a run."""
        try:
            with open(self._path, encoding="utf-8") as stored:
                found: dict[str, t.Any] = json.load(stored)
        except FileNotFoundError:
            return {}
        return found

    def update(self, **values: t.Any) -> None:
        """Remember some values, atomically and readable by nobody else."""
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        known = dict(self.load(), **values)
        temporary = "%s.%d" % (self._path, os.getpid())
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)  # left by a write that failed
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stored:
            json.dump(known, stored)
        os.replace(temporary, self._path)

    @contextlib.contextmanager
    def locked(self) -> t.Iterator[None]:
        """One task of the run at a time; the others wait."""
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        with open(self._path + ".lock", "a", encoding="ascii") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def kept_in_run(name: str, make: t.Callable[[], bytes], folder: str | None = None) -> bytes:
    """What is the same for all hosts of a run, made once; two tasks that make it at a time make the same.

    :param name: of the file.
    """
    path = os.path.join(folder or C.DEFAULT_LOCAL_TMP, "oqs-ssh", "all-" + name)
    with contextlib.suppress(FileNotFoundError), open(path, "rb") as stored:
        return stored.read()
    data = make()
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    temporary = "%s.%d" % (path, os.getpid())
    with open(temporary, "wb") as stored:
        stored.write(data)
    os.replace(temporary, path)
    return data


@contextlib.contextmanager
def together(key: str, folder: str | None = None) -> t.Iterator[dict[str, t.Any]]:
    """What all hosts of a run share under a key; whoever comes second waits. Changes made meanwhile are kept.

    :param key: what it is about.
    """
    store = RunStore("shared " + key, folder)
    with store.locked():
        known = store.load()
        before = dict(known)
        try:
            yield known
        finally:
            if known != before:
                store.update(**known)
