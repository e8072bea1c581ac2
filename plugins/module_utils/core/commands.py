# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run programs. The only place that starts a process: argv lists, never a shell, always a time-out."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import time
from typing import (
    IO,
    TYPE_CHECKING,
    Dict,
    FrozenSet,
    Iterable,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
    cast,
)

if TYPE_CHECKING:
    _Process = subprocess.Popen[bytes]
else:
    _Process = subprocess.Popen  # Python 3.8 cannot say of what

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import UserError

#: A program that says more than this many bytes is ended: whoever made it may say things for ever.
LIMIT = 64 << 20


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
        ended = "exit code %d" % self.rc if self.rc >= 0 else "ended by signal %d" % -self.rc
        return said[-400:] if said else ended + " and no message"


class TooMuch(UserError):
    """A program says more than anybody wants to know."""


class CommandError(UserError):
    """A program could not be run, took too long, or ended with an exit code nobody expected."""

    def __init__(self, argv: Sequence[str], message: str, completed: Optional[Completed] = None) -> None:
        super().__init__("%s: %s" % (" ".join(argv[:4]), message))
        self.completed = completed


#: Variables on top of the present environment; None: it is not set.
Environment = Mapping[str, Optional[str]]


class Program(_Process):
    """A program at work, in a C locale, with pipes for all that it reads and says.

    AnsibleModule's run_command is no way here: it waits for the end, and this code runs without a module, too.
    """

    def __init__(self, argv: Sequence[str], env: Environment) -> None:
        environment = {**os.environ, "LC_ALL": "C", "LANGUAGE": "C", **env}
        known = {name: value for name, value in environment.items() if value is not None}
        pipe = subprocess.PIPE
        super().__init__(list(argv), stdin=pipe, stdout=pipe, stderr=pipe, env=known)

    def talk(self, stdin: bytes, timeout: float, limit: int) -> Tuple[bytes, bytes]:
        """Give it what it reads, and take what it says until it closes both of its outputs.

        :raises subprocess.TimeoutExpired: it takes longer than that many seconds.
        :raises TooMuch: it says more than ``limit`` bytes.
        """
        said: Dict[IO[bytes], List[bytes]] = {pipe: [] for pipe in (self.stdout, self.stderr) if pipe}
        deadline, left, rest = time.monotonic() + timeout, limit, memoryview(stdin)
        with selectors.DefaultSelector() as ready:
            for pipe in said:
                ready.register(pipe, selectors.EVENT_READ)
            if self.stdin and rest:
                os.set_blocking(self.stdin.fileno(), False)
                ready.register(self.stdin, selectors.EVENT_WRITE)
            elif self.stdin:
                self.stdin.close()
            while ready.get_map():
                for key, _events in self._ready(ready, timeout, deadline):
                    if key.fileobj is self.stdin:
                        rest = _written(self.stdin, rest)
                        chunk = bytes(rest[:1])
                    else:
                        chunk = os.read(key.fd, 1 << 16)
                        said[cast(IO[bytes], key.fileobj)].append(chunk)
                        left -= len(chunk)
                    if left < 0:
                        raise TooMuch("it says more than %d bytes" % limit)
                    if not chunk:
                        ready.unregister(key.fileobj)
                        cast(IO[bytes], key.fileobj).close()
        self.wait(max(0.0, deadline - time.monotonic()))
        out, err = (b"".join(chunks) for chunks in said.values())
        return out, err

    def _ready(
        self, ready: selectors.BaseSelector, timeout: float, deadline: float
    ) -> List[Tuple[selectors.SelectorKey, int]]:
        found = ready.select(max(0.0, deadline - time.monotonic()))
        if time.monotonic() >= deadline:
            raise subprocess.TimeoutExpired(cast(List[str], self.args), timeout)
        return found

    def end(self) -> None:
        """Leave nothing behind of it, whether it has ended or not."""
        self.kill()
        for pipe in (self.stdin, self.stdout, self.stderr):
            with contextlib.suppress(OSError):
                if pipe:
                    pipe.close()
        self.wait()


def _written(pipe: IO[bytes], data: memoryview) -> memoryview:
    """What is left after a write; nothing where nobody reads any more."""
    try:
        return data[os.write(pipe.fileno(), data[: 1 << 16]):]
    except BrokenPipeError:
        return data[:0]


#: Questions that were asked ahead, and whose answers nobody has wanted yet.
_asked: Dict[Tuple[Tuple[str, ...], FrozenSet[Tuple[str, Optional[str]]]], Program] = {}


@contextlib.contextmanager
def ahead(questions: Iterable[Sequence[str]], env: Optional[Environment] = None) -> Iterator[None]:
    """Start programs whose answers ``run`` will be asked for inside, so that both sides work meanwhile.

    Each answer is given once: who asks again starts the program again. What nobody wanted is forgotten at the end.

    :param questions: argv lists of programs that only read. One that cannot be started says so when it is wanted.
    :param env: as ``run`` will have it.
    """
    for argv in questions:
        with contextlib.suppress(OSError):
            _asked[_question(argv, env)] = Program(argv, env or {})
    try:
        yield
    finally:
        while _asked:
            _asked.popitem()[1].end()


def _question(
    argv: Sequence[str], env: Optional[Environment]
) -> Tuple[Tuple[str, ...], FrozenSet[Tuple[str, Optional[str]]]]:
    return tuple(argv), frozenset((env or {}).items())


def run(
    argv: Sequence[str],
    stdin: bytes = b"",
    timeout: float = 60.0,
    check: bool = True,
    env: Optional[Environment] = None,
    limit: int = LIMIT,
) -> Completed:
    """Run a program and wait for it.

    :param argv: program and arguments; nothing is interpreted by a shell.
    :param stdin: bytes for its standard input (the way for secrets: never in argv or the environment).
    :param timeout: seconds until it is killed.
    :param check: raise when the exit code is not 0.
    :param env: variables on top of a C locale and the present environment.
    :param limit: most bytes that it may say.
    :raises CommandError: not found, not permitted, timed out, too much said, or (with check) a bad exit code.
    """
    process = None if stdin else _asked.pop(_question(argv, env), None)
    try:
        process = process or Program(argv, env or {})
        out, err = process.talk(stdin, timeout, limit)
    except TooMuch as error:
        raise CommandError(argv, str(error)) from error
    except subprocess.TimeoutExpired as error:
        raise CommandError(argv, "no answer within %g seconds" % timeout) from error
    except OSError as error:
        raise CommandError(argv, error.strerror or str(error)) from error
    finally:
        if process:
            process.end()
    completed = Completed(process.returncode, out, err)
    if check and completed.rc != 0:
        raise CommandError(argv, completed.reason, completed)
    return completed


def answer(argv: Sequence[str], timeout: float = 10.0) -> str:
    """What a program says when it is asked something that has an answer.

    :raises CommandError: as for ``run``; or it ended well and said nothing.
    """
    done = run(argv, timeout=timeout)
    if not done.out.strip():
        raise CommandError(argv, "it ended without an answer", done)
    return done.text
