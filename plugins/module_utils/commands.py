# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run programs. The only place that starts a process: argv lists, never a shell, always a time-out."""

from __future__ import annotations

import os
import subprocess
from typing import Mapping, NamedTuple, Optional, Sequence


class Completed(NamedTuple):
    """What a program left behind: exit code, standard output and standard error as bytes."""

    rc: int
    out: bytes
    err: bytes

    @property
    def text(self) -> str:
        """Standard output as text, without the last line end; bytes that are not UTF-8 survive as surrogates."""
        return self.out.decode("utf-8", "surrogateescape").rstrip("\n")

    @property
    def reason(self) -> str:
        """The last words the program said, for an error message: at most 400 characters."""
        said = (self.err.strip() or self.out.strip()).decode("utf-8", "replace")
        return said[-400:] if said else "exit code %d and no message" % self.rc


class CommandError(Exception):
    """A program could not be run, took too long, or ended with an exit code nobody expected."""

    def __init__(self, argv: Sequence[str], message: str, completed: Optional[Completed] = None) -> None:
        super().__init__("%s: %s" % (" ".join(argv[:4]), message))
        self.completed = completed


def run(
    argv: Sequence[str],
    stdin: bytes = b"",
    timeout: float = 60.0,
    check: bool = True,
    env: Optional[Mapping[str, str]] = None,
) -> Completed:
    """Run a program and wait for it.

    :param argv: program and arguments; nothing is interpreted by a shell.
    :param stdin: bytes for its standard input (the way for secrets: never in argv or the environment).
    :param timeout: seconds until it is killed.
    :param check: raise when the exit code is not 0.
    :param env: variables on top of a C locale and the present environment.
    :raises CommandError: not found, not permitted, timed out, or (with check) a bad exit code.
    """
    environment = dict(os.environ, LC_ALL="C", LANGUAGE="C")
    environment.update(env or {})
    try:
        done = subprocess.run(
            list(argv), input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            timeout=timeout, env=environment, check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CommandError(argv, "no answer within %g seconds" % timeout) from error
    except OSError as error:
        raise CommandError(argv, error.strerror or str(error)) from error
    completed = Completed(done.returncode, done.stdout, done.stderr)
    if check and completed.rc != 0:
        raise CommandError(argv, completed.reason, completed)
    return completed
