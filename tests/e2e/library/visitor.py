# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Somebody outside of the test hosts who logs in: with the image's client in a container on their network, or with
the controller's own ssh."""

from __future__ import annotations

import re
import shlex
import subprocess
import tempfile
import time
from typing import Callable, List, NamedTuple, Sequence, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.probe import probe

from tests.e2e.library import terminal
from tests.e2e.library.scenario import STOCK_KEY, Scenario

#: Host keys are taken on first sight and never again: one that changes ends every later login.
TRUST = ("-o", "StrictHostKeyChecking=accept-new", "-o", "ConnectTimeout=10")
CLIENT = ("/opt/oqs-ssh/bin/ssh", "-F", "/opt/oqs-ssh/ssh_config", *TRUST)


class Said(NamedTuple):
    """What ssh did: exit code, standard output, and what it said about itself."""

    code: int
    out: str
    log: str

    @property
    def kex(self) -> str:
        """The negotiated key exchange (needs -v)."""
        return _last(r"kex: algorithm: (\S+)", self.log)

    @property
    def host_key(self) -> str:
        """The type of the server's host key (needs -v)."""
        return _last(r"Server host key: (\S+)", self.log)

    @property
    def methods(self) -> List[str]:
        """The authentication methods that the server offers (needs -v)."""
        return _first(r"Authentications that can continue: (\S+)", self.log).split(",")


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    return found.group(1) if found else ""


def _last(pattern: str, text: str) -> str:
    found = re.findall(pattern, text)
    return str(found[-1]) if found else ""


class Visitor:
    """The person outside."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario

    def _exec(self, *options: str) -> List[str]:
        return ["docker", "exec", *options, self.scenario.visitor_container]

    def target(self, host: str, user: str = "oqs", port: int = 2222) -> List[str]:
        """Destination arguments of ssh."""
        return ["-p", str(port), "%s@%s" % (user, self.scenario.address(host))]

    def ssh(self, host: str, command: str, *options: str, user: str = "oqs", port: int = 2222, stdin: str = "",
            seconds: float = 30.0) -> Said:
        """Log in with the image's client and the person's post-quantum key; no terminal, so nobody can be asked."""
        argv = [*self._exec("-i"), *CLIENT, "-v", *options, *self.target(host, user, port)]
        return _run(argv + ([command] if command else []), stdin, seconds)

    def echoing(self, host: str, command: str = "cat") -> "subprocess.Popen[bytes]":
        """A login that stays: what is written to it comes back, unless another command runs."""
        argv = [*self._exec("-i"), *CLIENT, *self.target(host), command]
        return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def stock(self, host: str, command: str, *options: str, user: str = "oqs", port: int = 2222) -> Said:
        """Log in with the controller's own ssh and the person's ed25519 key."""
        keys = self.scenario.keys
        argv = ["ssh", "-F", "none", "-v", "-o", "BatchMode=yes", *TRUST, "-o", "IdentitiesOnly=yes",
                "-o", "UserKnownHostsFile=\"%s\"" % (keys / "known_hosts.stock"), "-i", str(keys / STOCK_KEY)]
        return _run([*argv, *options, *self.target(host, user, port), command], "", 30.0)

    def shell(self, script: str, *arguments: str, seconds: float = 30.0) -> Said:
        """Run a script of bash beside the client; $@ are the arguments."""
        return _run([*self._exec("-i"), "bash", "-c", script, "bash", *arguments], "", seconds)

    def typed(self, host: str, command: str, *options: str, answers: Sequence[Tuple[str, str]] = (),
              user: str = "oqs", port: int = 2222) -> terminal.Talk:
        """Log in from a terminal; answers are typed when their questions appear."""
        argv = [*self._exec("-it"), *CLIENT, *options, *self.target(host, user, port)]
        return terminal.talk(argv + ([command] if command else []), answers)

    def typed_password(self, host: str, command: str, password: str, *options: str) -> terminal.Talk:
        """Log in by typing the password of the container's user."""
        only = ("-o", "PubkeyAuthentication=no", "-o", "NumberOfPasswordPrompts=1")
        return self.typed(host, command, *only, *options, answers=[("assword:", password)])

    def pasted(self, line: str, typed: str, *options: str) -> terminal.Talk:
        """Paste a command line that a run has printed, trust the host key once, and type a line in the shell there.

        :param options: of ssh, besides those that keep the keys of whoever runs the tests out of it.
        """
        argv = shlex.split(line)
        if argv[0] == "ssh":
            at = 1
            options = ("-F", "none", "-o", "IdentitiesOnly=yes", "-i", str(self.scenario.keys / STOCK_KEY), *options)
        else:
            at = argv.index("/opt/oqs-ssh/ssh_config") + 1
        with tempfile.TemporaryDirectory(prefix="oqs-test-") as scratch:
            argv[at:at] = [*options, "-o", "UserKnownHostsFile=%s/known_hosts" % (scratch if at == 1 else "/tmp")]
            yes = ("continue connecting", "yes")
            return terminal.talk(argv, [yes, (r"[$#] $", typed)], 60.0)

    def served(self, host: str, seconds: float = 30.0, other_than: Callable[[], bool] = lambda: False) -> Said:
        """Wait until a login succeeds again; with the host keys known so far.

        :param other_than: tells whether what served before is still there.
        """
        end = time.monotonic() + seconds
        while True:
            said = self.ssh(host, "id -un")
            if said.code == 0 and not other_than():
                return said
            assert time.monotonic() < end, "no login within %g seconds, but:\n%s" % (seconds, said.log)
            time.sleep(0.3)

    def offer(self, host: str) -> List[str]:
        """The key exchanges that the running server offers, by its own first packet."""
        found = probe(self.scenario.address(host), 2222, 10.0)
        assert found.ssh, found.error
        return list(found.offered.kex)

    def forgive(self, host: str) -> None:
        """Wait until the server has forgotten failed attempts of ours (PerSourcePenalties)."""
        end = time.monotonic() + 60
        while time.monotonic() < end and self.ssh(host, "true").code != 0:
            time.sleep(1)


def _run(argv: Sequence[str], stdin: str, seconds: float) -> Said:
    try:
        done = subprocess.run(argv, input=stdin.encode(), capture_output=True, check=False, timeout=seconds)
    except subprocess.TimeoutExpired as error:
        return Said(-1, _text(error.stdout), _text(error.stderr) + "\nstopped after %g s" % seconds)
    return Said(done.returncode, _text(done.stdout), _text(done.stderr))


def _text(data: object) -> str:
    return data.decode("utf-8", "replace").replace("\r\n", "\n") if isinstance(data, bytes) else ""
