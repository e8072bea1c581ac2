# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the cases of a fault have in common: one deployed host, ways to break it, and the check of what must hold."""

from __future__ import annotations

import contextlib
import pathlib
import subprocess
import time
from typing import Any, Callable, Iterator, List, NamedTuple, Tuple

from tests.e2e.library.scenario import PLAYBOOK, ROOT, Run, Scenario, Setting
from tests.e2e.library.started import Started
from tests.e2e.library.visitor import Visitor

HOST = "web1"
#: With a firewall.
SETTING = Setting("faults", {HOST: "trixie:docker"}, {"scenario_image": "stock"}, firewalls=[HOST])
STATE, PRIVATE, VAR, PARTS = "/etc/oqs-ssh", "/etc/oqs-ssh/private", "/var/lib/oqs-ssh", "/var/cache/oqs-ssh"
LEDGER = VAR + "/ledger/ledger.jsonl"
ROTATE, REMOVE = ROOT / "rotate-oqs-ssh-password.yml", ROOT / "remove-oqs-ssh.yml"
#: What an operator wrote by hand, and must find again after every fault.
MARK = "# operator: mine"
#: Seconds in which a server that died must be back.
BACK = 40.0


class Case(NamedTuple):
    """A fault: what is done, the promise it threatens, and the function that does it and returns what the user sees."""

    name: str
    done: str
    threatens: str
    slow: bool
    run: Callable[["World"], str]


CASES: List[Case] = []


def case(name: str, done: str, threatens: str, slow: bool = True) -> Callable[[Callable[["World"], str]], None]:
    """Enter a function into the table.

    :param slow: it runs in `make test-all` and `make faults` only.
    """
    def enter(run: Callable[["World"], str]) -> None:
        CASES.append(Case(name, done, threatens, slow, run))

    return enter


class World:
    """The deployed host, with an operator's own line in the configuration, and the person outside."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.visitor = Visitor(scenario)
        self.keys = ""
        self.fresh()

    def fresh(self) -> None:
        """Deploy from nothing, or what a fault has left; keep in mind who the host is."""
        assert self.deploy().code == 0
        self.sh("grep -q '%s' %s/sshd_config || echo '%s' >> %s/sshd_config" % (MARK, STATE, MARK, STATE))
        self.converges()
        self.keys = self.identity()

    def wipe(self) -> None:
        """A host that was never deployed: whoever knows its keys must forget them."""
        self.sh("docker rm -f oqs-ssh; docker image prune -af; rm -rf %s %s %s" % (STATE, VAR, PARTS), check=False)
        self.keys = ""
        (self.scenario.keys / "known_hosts").unlink(missing_ok=True)

    def sh(self, script: str, check: bool = True) -> str:
        """What a shell script says that root runs on the host."""
        return self.scenario.root(HOST, "sh", "-c", script, check=check)

    def deploy(self, *options: str, **more: Any) -> Run:
        """The playbook as an operator runs it."""
        return self.scenario.deploy(*options, **dict({"oqs_ssh_hop_users": ["alice"]}, **more))

    def identity(self) -> str:
        """The host keys of the state."""
        return self.sh("cat %s/ssh_host_*_key.pub | cut -d' ' -f1,2 | sort" % PRIVATE)

    def converges(self, **more: Any) -> Run:
        """The next run ends well, and everything is as it was: server, host keys, password, the operator's line.

        The run itself compares the stored hash with the password, and proves the server by a handshake.
        """
        run = self.deploy(**more)
        assert run.code == 0, run.text[-3000:]
        self.holds()
        return run

    def holds(self) -> None:
        """Somebody outside logs in, to the host that they know; nothing of an operator is lost."""
        self.visitor.served(HOST, BACK)
        assert not self.keys or self.identity() == self.keys, "other host keys"
        assert MARK in self.sh("cat %s/sshd_config" % STATE), "the operator's line is gone"

    def failed(self, run: Run, *words: str) -> str:
        """The sentence in the ending of a run that must have failed, with these words."""
        said = run.line(HOST, "failed")
        assert run.code != 0 and said, run.text[-3000:]
        assert all(word in said for word in words), said
        assert "Traceback" not in run.text
        return said

    # -- ways to break something -----------------------------------------------------------------------------------

    def main_process(self) -> int:
        """The container's main process, as the host numbers it; 0: it does not run."""
        said = self.sh("docker inspect -f '{{.State.Pid}}' oqs-ssh", check=False)
        return int(said) if said.isdigit() else 0

    def back(self, old: int) -> str:
        """Wait until another main process serves; how long that took."""
        began = time.monotonic()
        self.visitor.served(HOST, BACK, lambda: self.main_process() in (0, old))
        return "a login works again after %d s, without a run" % round(time.monotonic() - began + 0.5)

    def power_cut(self) -> None:
        """The host stops in the middle of everything, and boots."""
        container = self.scenario.lab.host(HOST).container
        subprocess.run(["docker", "kill", container], check=True, capture_output=True)
        subprocess.run(["docker", "start", container], check=True, capture_output=True)
        end = time.monotonic() + 60
        while self.sh("systemctl is-active docker ssh", check=False).split() != ["active", "active"]:
            assert time.monotonic() < end, "the host did not come back"
            time.sleep(0.3)

    @contextlib.contextmanager
    def full(self, folder: str) -> Iterator[None]:
        """A folder of the state on a file system of its own, without a byte left; what was in it is there."""
        self.sh("mkdir -p %s; cp -a %s /root/kept; mount -t tmpfs -o size=4m,mode=0755 none %s; "
                "cp -a /root/kept/. %s; cat /dev/zero > %s/filler" % (folder, folder, folder, folder, folder),
                check=False)
        try:
            yield
        finally:
            self.sh("rm -f %s/filler; umount -l %s; rm -rf /root/kept" % (folder, folder), check=False)

    @contextlib.contextmanager
    def read_only(self, folder: str) -> Iterator[None]:
        """A folder that nobody can write to, as after an error of the disk."""
        self.sh("mount --bind %s %s && mount -o remount,ro,bind %s" % (folder, folder, folder))
        try:
            yield
        finally:
            self.sh("umount -l " + folder)

    def start(self, playbook: pathlib.Path = PLAYBOOK, **more: Any) -> Started:
        """Start a run that the case will disturb."""
        return Started(self.scenario, playbook, dict({"oqs_ssh_hop_users": ["alice"]}, **more))

    def wait_for(self, condition: str, seconds: float = 120.0, then: str = ":") -> bool:
        """Wait on the host itself, as closely as can be; true: the condition came.

        :param condition: a shell command. :param then: done at once.
        """
        script = "n=0; until %s; do n=$((n+1)); [ $n -gt %d ] && exit 9; sleep 0.02; done >/dev/null 2>&1; %s"
        done = self.scenario.lab.exec(HOST, ["sh", "-c", script % (condition, seconds * 40, then)], check=False,
                                      timeout=seconds * 4)
        return done.returncode == 0


def attempt(world: World, one: Case) -> Tuple[bool, str]:
    """Run a case; true and what the user saw, or false and what did not hold. The next case finds a sound host."""
    try:
        said = one.run(world)
    except (AssertionError, subprocess.SubprocessError, OSError, ValueError) as error:
        problem = "%s: %s" % (type(error).__name__, str(error).strip()[-1500:])
        with contextlib.suppress(AssertionError):
            world.keys = ""
            world.fresh()
        return False, problem
    return True, " ".join(said.split())
