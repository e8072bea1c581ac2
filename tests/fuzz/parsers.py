# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The real programs: `sshd -T` and `ssh -G` of several OpenSSH versions, each behind one long-running process.

The process (Perl, as it is in every Debian base system) writes a configuration to a file and runs a program on it. It
is asked through a socket in a folder that it shares with this machine, past the engine, so that a question costs no
more than the program itself.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

from lab import test_base

DRIVER = r"""
use strict; use IO::Socket::UNIX; my ($dir, $socket) = @ARGV;
my $listening = IO::Socket::UNIX->new(Local => "$socket.new", Listen => 1) or die "$socket: $!";
chmod(0777, "$socket.new"); rename("$socket.new", $socket) or die;
alarm(300); my $asker = $listening->accept or die; alarm(0); binmode $asker;
while (defined(my $sizes = <$asker>)) {
    my ($arguments, $length) = split ' ', $sizes;
    read($asker, my $argv, $arguments); my $data = ''; read($asker, $data, $length) if $length;
    open(my $file, '>:raw', "$dir/config") or die; print $file $data; close $file;
    my $pid = open(my $pipe, '-|') // die;
    if (!$pid) {
        open(STDERR, '>', "$dir/error"); open(STDIN, '<', '/dev/null'); exec split(/\0/, $argv); exit 127;
    }
    binmode $pipe; my ($out, $err);
    { local $/; $out = <$pipe> // ''; close $pipe; }
    my $rc = $? >> 8;
    { local $/; open(my $said, '<:raw', "$dir/error"); $err = <$said> // ''; close $said; }
    print $asker "$rc " . length($out) . ' ' . length($err) . "\n" . $out . $err; $asker->flush;
}
"""
START_SECONDS = 120.0
SUITES = ("bookworm", "trixie", "forky")
_RECIPE = """FROM %s
RUN apt-get update && apt-get install -y --no-install-recommends \
openssh-server openssh-client perl-base && mkdir -p /run/sshd
"""

Answer = Dict[str, List[str]]


class Told(NamedTuple):
    """What a program said: exit code, settings, error text."""

    rc: int
    settings: Answer
    error: str


class Parser:
    """One version of OpenSSH."""

    def __init__(self, name: str, folder: str, path: str) -> None:
        """Connect to the process behind it.

        :param folder: where that process puts its files.
        :param path: of its socket, on this machine.
        :raises OSError: it does not listen in time.
        """
        self.name = name
        self.folder = folder
        self.calls = 0
        end = time.monotonic() + START_SECONDS
        while not os.path.exists(path):
            if time.monotonic() > end:
                raise TimeoutError("%s: nothing listens at %s" % (name, path))
            time.sleep(0.02)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(path)
            self._stream = connection.makefile("rwb")
        self._ask(["/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder + "/key"], b"")

    def _ask(self, argv: List[str], data: bytes) -> Tuple[int, bytes, bytes]:
        joined = "\0".join(argv).encode()
        self._stream.write(b"%d %d\n" % (len(joined), len(data)) + joined + data)
        self._stream.flush()
        line = self._stream.readline().split()
        if len(line) != 3:
            raise RuntimeError("%s: the process behind the parser has died" % self.name)
        rc, out, err = map(int, line)
        self.calls += 1
        return rc, self._stream.read(out), self._stream.read(err)

    def ask(self, data: bytes, dialect: str, who: str) -> Told:
        """What the program takes from a file, for a connection (`-C`) or a host."""
        config = self.folder + "/config"
        if dialect == "sshd_config":
            argv = ["/usr/sbin/sshd", "-T", "-f", config, "-h", self.folder + "/key", "-C", who]
        else:
            argv = ["/usr/bin/ssh", "-G", "-F", config, who]
        rc, out, err = self._ask(argv, data)
        settings: Answer = {}
        for line in out.decode("utf-8", "replace").splitlines():
            keyword, _blank, value = line.partition(" ")
            settings.setdefault(keyword, []).append(value)
        return Told(rc, settings, err.decode("utf-8", "replace"))

    def close(self) -> None:
        """End the connection, and with it the process."""
        with contextlib.suppress(OSError):
            self._stream.close()


def _docker(*arguments: str, stdin: Optional[str] = None) -> str:
    done = subprocess.run(["docker", *arguments], input=stdin, capture_output=True, text=True, timeout=900)
    if done.returncode:
        raise RuntimeError("docker %s: %s" % (arguments[0], done.stderr.strip()[-300:]))
    return done.stdout.strip()


@contextlib.contextmanager
def local() -> Iterator[Parser]:
    """The OpenSSH of this machine.

    :raises RuntimeError: it has none, or no Perl.
    """
    if not (shutil.which("perl") and os.access("/usr/sbin/sshd", os.X_OK) and os.access("/usr/bin/ssh", os.X_OK)):
        raise RuntimeError("needs perl, /usr/sbin/sshd and /usr/bin/ssh on this machine")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as folder, subprocess.Popen(
        ["perl", "-e", DRIVER, folder, folder + "/socket"], stdin=subprocess.DEVNULL
    ) as process:
        try:
            parser = Parser("local", folder, folder + "/socket")
            yield parser
            parser.close()
            process.wait(20)
        finally:
            process.kill()


@contextlib.contextmanager
def in_container(suite: str) -> Iterator[Parser]:
    """The OpenSSH of a Debian suite, in a container of its own.

    :raises RuntimeError: no Docker, or no base image.
    """
    image = "quantumsafe-fuzz:" + suite
    if not _docker("images", "-q", image):
        _docker("build", "-q", "-t", image, "-", stdin=_RECIPE % test_base.ensure(suite, lambda _text: None))
    name = "oqs-fuzz-%s-%d" % (suite, os.getpid())
    with tempfile.TemporaryDirectory(prefix="oqs-fuzz-") as shared:
        try:
            _docker("run", "-d", "--rm", "--init", "--network", "none", "--tmpfs", "/run/sshd",
                    "--tmpfs", "/fuzz:mode=755", "-v", shared + ":/shared", "--name", name, image,
                    "perl", "-e", DRIVER, "/fuzz", "/shared/socket")
            parser = Parser(suite, "/fuzz", shared + "/socket")
            yield parser
            parser.close()
        finally:
            with contextlib.suppress(RuntimeError):  # it goes by itself when nobody asks it any more
                _docker("rm", "-f", name)


@contextlib.contextmanager
def all_there(notes: List[str]) -> Iterator[List[Parser]]:
    """Every OpenSSH at hand; those that are not are named in notes."""
    with contextlib.ExitStack() as stack:
        found: List[Parser] = []
        for name in ("local",) + SUITES:
            try:
                found.append(stack.enter_context(local() if name == "local" else in_container(name)))
            except (RuntimeError, OSError) as error:
                notes.append("%s: %s" % (name, error))
        yield found
