# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Containers of one image, for looking at it: docker's command line, a network of their own, and nothing left behind.

Everything asked of a container goes through its sh, sed, cat and readlink, which BusyBox has, too. Listeners are read
from /proc/net/tcp rather than tried: connections without a login count as attacks for newer servers.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import subprocess
import tarfile
import time
import uuid
from typing import Iterator, Optional, Sequence

PUBLISHED = "Pa55W0rd"
# A password of these tests, and two hashes of it: what every libcrypt knows, and what musl's does not.
OTHER = "Conformance-7-words"
OTHER_SHA512 = (
    "$6$conformance9$x.zVSTdVVBwML2s5CGD8qaeJKYcMcbR0cLRg3ZP/PN8iwrC6/xnYLefbTB3YpzgdDnC7FfB/ga2H8.A.w24Hq1"
)
OTHER_YESCRYPT = "$y$j9T$conformance9salt$/DjG9GtkzAaE38D0WrNX.sE7VCaoyaPmtx/fDvz.tb9"
LABEL = "org.quantumsafe.openssh.conformance"
DIR = "/opt/oqs-ssh"


class NotTried(Exception):
    """A point could not be looked at, because something it needs is broken already."""


class DockerFailed(Exception):
    """Docker itself did not do what was asked."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a command left behind."""

    rc: int
    out: str
    err: str

    @property
    def both(self) -> str:
        """Output and errors as one text."""
        return (self.out + "\n" + self.err).strip()


def docker(argv: Sequence[str], stdin: bytes = b"", timeout: float = 60, check: bool = True) -> Answer:
    """Run docker.

    :raises DockerFailed: no docker, no answer in time or, with check, an exit code other than 0.
    """
    try:
        # A session of its own: ^C on the terminal must not cut off a command whose container then stays.
        done = subprocess.run(
            ["docker", *argv], input=stdin, capture_output=True, timeout=timeout, check=False, start_new_session=True
        )
    except FileNotFoundError as error:
        raise DockerFailed("there is no docker command here") from error
    except subprocess.TimeoutExpired as error:
        raise DockerFailed("docker %s: no answer within %g s" % (" ".join(argv[:3]), timeout)) from error
    answer = Answer(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))
    if check and answer.rc != 0:
        raise DockerFailed("docker %s: %s" % (" ".join(argv[:2]), answer.both[-400:]))
    return answer


class Bench:
    """All containers, volumes and the network of one run, removed together."""

    def __init__(self, image: str) -> None:
        self.image = image
        self.prefix = "conf-%s" % uuid.uuid4().hex[:8]
        self._mark = "%s=%s" % (LABEL, self.prefix)
        self._networked = False
        self._closed = False
        self._making: set[object] = set()
        # Seconds to wait for sshd; less once it is known that the image's own start does not bring it.
        self.patience = 20.0

    def network(self) -> str:
        """The bridge of this run; made on first use, so that nothing here touches the host's network."""
        if not self._networked:
            self._networked = True
            with self.making():
                docker(["network", "create", "--label", self._mark, self.prefix])
        return self.prefix

    def volume(self, name: str) -> str:
        """An empty volume."""
        full = "%s-%s" % (self.prefix, name)
        with self.making():
            docker(["volume", "create", "--label", self._mark, full])
        return full

    @contextlib.contextmanager
    def making(self) -> Iterator[None]:
        """While something is being made, close() waits for it."""
        ticket = object()
        self._making.add(ticket)
        try:
            if self._closed:
                raise DockerFailed("interrupted")
            yield
        finally:
            self._making.discard(ticket)

    def arguments(self, name: str, extra: Sequence[str], command: Sequence[str]) -> list[str]:
        """What follows `docker run` or `docker create`."""
        full = "%s-%s" % (self.prefix, name)
        return ["--name", full, "--label", self._mark, "--network", self.network(), *extra, self.image, *command]

    def run(self, name: str, extra: Sequence[str] = ("-dit",), command: Sequence[str] = ()) -> "Box":
        """Start a container as the manual does (-dit) or with other options."""
        with self.making():
            docker(["run", *self.arguments(name, extra, command)])
        return Box("%s-%s" % (self.prefix, name), self)

    def create(self, name: str, extra: Sequence[str] = ("-it",), command: Sequence[str] = ()) -> "Box":
        """Make a container without starting it."""
        with self.making():
            docker(["create", *self.arguments(name, extra, command)])
        return Box("%s-%s" % (self.prefix, name), self)

    def once(self, program: str, *argv: str, extra: Sequence[str] = (), stdin: str = "") -> Answer:
        """Run one program of the image instead of its entry point; no network."""
        with self.making():
            return docker(
                ["run", "--rm", "-i", "--label", self._mark, "--network", "none", *extra, "--entrypoint", program,
                 self.image, *argv],
                stdin.encode(), timeout=60, check=False,
            )

    def close(self) -> None:
        """Make no more, and remove everything of this run, also what is just being made."""
        self._closed = True
        end = time.monotonic() + 20
        while self._making and time.monotonic() < end:
            time.sleep(0.1)
        for _try in range(5):
            if not self._remove():
                return
            time.sleep(0.3)

    def _remove(self) -> bool:
        """Remove what there is; True when there was anything."""
        mine = "label=%s" % self._mark
        ids = docker(["ps", "-aq", "--filter", mine], check=False).out.split()
        if ids:
            docker(["rm", "-f", "-v", *ids], timeout=120, check=False)
        found = bool(ids)
        for kind in ("network", "volume"):
            ids = docker([kind, "ls", "-q", "--filter", mine], check=False).out.split()
            if ids:
                docker([kind, "rm", *ids], check=False)
            found = found or bool(ids)
        return found


class Box:
    """One container."""

    def __init__(self, name: str, bench: Bench) -> None:
        self.name = name
        self._bench = bench

    def sh(self, script: str, user: str = "root", stdin: str = "", timeout: float = 60) -> Answer:
        """Run a script with the container's sh."""
        return docker(["exec", "-i", "-u", user, self.name, "sh", "-c", script], stdin.encode(), timeout, check=False)

    def put(self, folder: str, entries: Sequence["Entry"]) -> None:
        """Put files and links into a folder, also of a container that never ran (docker cp -)."""
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w") as tar:
            for entry in entries:
                info = tarfile.TarInfo(entry.name)
                info.mode, info.uid, info.gid, info.mtime = entry.mode, entry.uid, entry.uid, int(time.time())
                if entry.link:
                    info.type, info.linkname = tarfile.SYMTYPE, entry.link
                    tar.addfile(info)
                else:
                    info.size = len(entry.content)
                    tar.addfile(info, io.BytesIO(entry.content))
        docker(["cp", "-", "%s:%s" % (self.name, folder)], stream.getvalue())

    def get(self, path: str) -> bytes:
        """Read one file, also of a container that never ran."""
        done = subprocess.run(
            ["docker", "cp", "%s:%s" % (self.name, path), "-"], capture_output=True, timeout=60, check=False
        )
        if done.returncode != 0:
            raise DockerFailed("%s cannot be copied out: %s" % (path, done.stderr.decode("utf-8", "replace")[-200:]))
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
            for member in tar.getmembers():
                handle = tar.extractfile(member)
                if handle:
                    return handle.read()
        raise DockerFailed("%s is not a file" % path)

    def running(self) -> bool:
        """Does docker count it as running?"""
        return docker(["inspect", "-f", "{{.State.Running}}", self.name], check=False).out.strip() == "true"

    def logs(self) -> str:
        """What docker logs says."""
        return docker(["logs", self.name], check=False).both

    def start(self) -> None:
        """Start it again, or for the first time."""
        docker(["start", self.name])

    def restart(self, grace: int = 1) -> None:
        """Like `docker restart`, without waiting ten seconds for a shell that ignores the signal."""
        docker(["restart", "-t", str(grace), self.name])

    def stop(self) -> float:
        """Seconds that `docker stop` takes with its default patience of ten."""
        begin = time.monotonic()
        docker(["stop", self.name])
        return time.monotonic() - begin

    def listens(self, port: int = 2222) -> bool:
        """Does anything in the container listen on this TCP port?"""
        script = "cat /proc/net/tcp /proc/net/tcp6 2>/dev/null"
        rows = [line.split() for line in self.sh(script).out.splitlines()]
        return any(len(row) > 3 and row[3] == "0A" and row[1].endswith(":%04X" % port) for row in rows)

    def wait(self, port: int = 2222, seconds: float = 20, wanted: bool = True) -> bool:
        """Wait until something listens (or, with wanted=False, nothing does); False when it does not come to that."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.listens(port) == wanted:
                return True
            time.sleep(0.2)
        return False

    def must_listen(self) -> None:
        """Wait for sshd on 2222.

        :raises NotTried: it does not come.
        """
        if not self.wait(seconds=self._bench.patience):
            raise NotTried("nothing listens on 2222")

    def sshd_pid(self) -> Optional[int]:
        """The process that listens: the sshd whose parent is not itself one."""
        script = (
            'want=$(readlink -f %s/sbin/sshd); for p in /proc/[0-9]*; do [ "$(readlink $p/exe)" = "$want" ] && '
            'echo "${p#/proc/} $(sed -n "s/^PPid:[^0-9]*//p" $p/status)"; done 2>/dev/null'
        ) % DIR
        pairs = [tuple(int(word) for word in line.split()) for line in self.sh(script).out.splitlines()]
        pids = {pair[0] for pair in pairs}
        roots = [pair[0] for pair in pairs if pair[1] not in pids]
        return min(roots) if roots else None

    def banner(self, port: int = 2222) -> str:
        """The server's first line."""
        script = "exec 3<>/dev/tcp/127.0.0.1/%d && IFS= read -r -t 5 line <&3 && printf '%%s' \"$line\"" % port
        answer = docker(["exec", self.name, "bash", "-c", script], check=False)
        return answer.out.strip()

    def ssh(
        self, argv: Sequence[str], user: str = "oqs", password: Optional[str] = None, options: Sequence[str] = ()
    ) -> Answer:
        """Run the image's ssh in the container, as a person would.

        :param argv: destination and command.
        :param password: typed by an askpass program; None: no password is tried.
        """
        flags = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=10"]
        environment: list[str] = []
        if password is None:
            flags += ["-o", "BatchMode=yes"]
        else:
            self.put("/tmp", [askpass(password)])
            flags += ["-o", "NumberOfPasswordPrompts=1", "-o", "PubkeyAuthentication=no"]
            environment = ASKPASS_ENVIRONMENT
        # Options given by a check come first: the first value wins.
        command = ["exec", "-i", "-u", user, *environment, self.name, "%s/bin/ssh" % DIR, *options, *flags, *argv]
        return docker(command, timeout=40, check=False)


@dataclasses.dataclass(frozen=True)
class Entry:
    """A file or symbolic link to put into a container."""

    name: str
    content: bytes = b""
    mode: int = 0o644
    uid: int = 0
    link: str = ""


ASKPASS_ENVIRONMENT = ["-e", "SSH_ASKPASS=/tmp/askpass", "-e", "SSH_ASKPASS_REQUIRE=force", "-e", "DISPLAY=:0"]


def askpass(password: str) -> Entry:
    """A program that answers ssh's question for a password, to be put into /tmp."""
    return Entry("askpass", ("#!/bin/sh\nprintf '%%s\\n' '%s'\n" % password).encode(), 0o755)
