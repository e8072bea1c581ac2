# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Labs: groups of test hosts that behave like machines (systemd, own sshd on 22, own address, own firewall).

From the command line: `python3 -m lab.lab --help`, from the top of the checkout. From a test:

    from lab.lab import Lab
    lab = Lab.up("mine", hosts={"web1": "bookworm", "web2": "trixie"})
    lab.exec("web1", ["uname", "-n"]).stdout
    lab.down()
"""

from __future__ import annotations

import argparse
import concurrent.futures
import os
import pathlib
import re
import socket
import subprocess
import sys
import time
from typing import Any, Callable, ContextManager, Dict, List, NamedTuple, Optional, Sequence, Tuple, cast

from images import base
from lab import lab_engine
from lab.lab_engine import LAB_LABEL, ROOT, LabError, docker
from lab.lab_state import State, resolvers

USERS = ("root", "admin")
BOOT_SECONDS = 120.0
RUN_OPTIONS = (
    # --privileged asks for more than many machines have; this is what systemd and an inner Docker need.
    "--cap-add=ALL", "--cap-drop=SYS_RESOURCE", "--cap-drop=SYS_MODULE",
    "--security-opt=seccomp=unconfined", "--security-opt=apparmor=unconfined", "--security-opt=systempaths=unconfined",
    "--device-cgroup-rule=a *:* rwm", "--cgroupns=private",
    "--tmpfs=/run:exec,mode=755", "--tmpfs=/run/lock", "--tmpfs=/tmp:exec,mode=1777", "--volume=/var/lib/docker",
    # systemctl reboot ends the container; the engine starts it again.
    "--restart=unless-stopped",
)
# Arguments: public keys of the manager and of alice. Standard input: "alice:PASSWORD".
# Root's file comes last and says that all is done: a host that is set up keeps what others changed in it since.
SETUP = """set -e
[ ! -s /root/.ssh/authorized_keys ] || exit 0
umask 077
chpasswd
for user in alice admin root; do
    home=$(getent passwd $user | cut -d: -f6)
    install -d -m 0700 -o $user -g $user $home/.ssh
    if [ $user = alice ]; then key=$2; else key=$1; fi
    printf '%s\\n' "$key" > $home/.ssh/authorized_keys
    chown $user:$user $home/.ssh/authorized_keys
done
"""


class Host(NamedTuple):
    """One test host."""

    name: str
    suite: str
    variant: str
    address: str
    container: str
    running: bool
    address6: str


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _check_name(kind: str, name: str) -> None:
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?", name):
        raise LabError(
            "%s name '%s' is not usable: at most 30 lower case letters, digits and inner hyphens" % (kind, name)
        )


def _poll(what: str, seconds: float, probe: Callable[[], bool]) -> None:
    end = time.monotonic() + seconds
    while not probe():
        if time.monotonic() > end:
            raise LabError("%s: not within %g seconds" % (what, seconds))
        time.sleep(0.2)


class Lab:
    """A running lab. Make one with `Lab.up`, attach to one with `Lab.load`."""

    def __init__(self, name: str, state: Optional[pathlib.Path] = None) -> None:
        _check_name("lab", name)
        self.name = name
        self.state = State((state or ROOT / ".lab" / name).resolve())
        self.client_network = "qslab-" + name
        self.hosts: Dict[str, Host] = {}

    @property
    def inventory(self) -> pathlib.Path:
        """The inventory file of this lab, for `ansible-playbook -i`."""
        return self.state.inventory

    @classmethod
    def load(cls, name: str, state: Optional[pathlib.Path] = None) -> "Lab":
        """Attach to a lab that is up.

        :param name: name of the lab.
        :param state: its folder, if it is not .lab/NAME in this checkout.
        :raises LabError: there is no such lab, or it belongs to another folder.
        """
        lab = cls(name, state)
        lab._refresh()
        if not lab.hosts:
            raise LabError("there is no lab '%s'; see: make lab-status" % name)
        return lab

    @classmethod
    def up(
        cls,
        name: str,
        hosts: Dict[str, str],
        variant: str = "plain",
        user: str = "root",
        state: Optional[pathlib.Path] = None,
        say: Callable[[str], object] = _tell,
    ) -> "Lab":
        """Start test hosts; those of this lab that exist already stay as they are.

        :param name: name of the lab; labs of different names live side by side.
        :param hosts: Debian suite by host name; `suite:variant` for a single host's own variant.
        :param variant: plain (no Docker inside), docker (installed and enabled, nothing loaded), or firewalls (Docker,
            and firewalls that are not active).
        :param user: the account the inventory names: root, or admin with passwordless sudo.
        :param state: folder for keys and inventory; default .lab/NAME in this checkout.
        :param say: called with progress lines.
        :returns: the lab, every host of it booted and reachable on port 22.
        :raises LabError: what went wrong and where.
        """
        if user not in USERS:
            raise LabError("unknown user '%s'; known are %s" % (user, ", ".join(USERS)))
        lab = cls(name, state)
        kinds: Dict[str, Tuple[str, str]] = {}
        for host, kind in hosts.items():
            _check_name("host", host)
            suite, _colon, own = kind.partition(":")
            kinds[host] = (suite, own or variant)
        with lab._locked():
            lab._refresh()
            lab._start(kinds, user, say)
        return lab

    def _locked(self) -> ContextManager[None]:
        """One at a time for a lab's name; the lock lies outside the folder, which comes and goes."""
        return cast(ContextManager[None], base.locked(os.path.join(base.cache_folder(), "locks", "lab-" + self.name)))

    def _refresh(self) -> None:
        """Read from the engine which hosts there are."""
        self.hosts = {}
        for found in lab_engine.containers(self.name):
            labels = found["Config"]["Labels"]
            if labels[LAB_LABEL + ".state"] != str(self.state.folder):
                raise LabError(
                    "the lab '%s' belongs to another checkout (%s); choose another name"
                    % (self.name, labels[LAB_LABEL + ".state"])
                )
            host = _host_of(found)
            self.hosts[host.name] = host
        self.hosts = dict(sorted(self.hosts.items()))

    def _start(self, kinds: Dict[str, Tuple[str, str]], user: str, say: Callable[[str], object]) -> None:
        for name, host in self.hosts.items():
            if name in kinds and kinds[name] != (host.suite, host.variant):
                raise LabError(
                    "the lab '%s' has %s as %s (%s); take the lab down first" % (self.name, name, *host[1:3])
                )
        with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
            making = {kind: pool.submit(lab_engine.ensure_image, kind[0], kind[1], say)
                      for kind in sorted(set(kinds.values()))}
        images = {kind: future.result() for kind, future in making.items()}
        self.state.prepare(self.name)
        lab_engine.create_network(self.client_network, self.name, resolvers())
        used = {host.address for host in self.hosts.values()}
        free = [pair for pair in lab_engine.addresses(self.client_network) if pair[0] not in used]
        for number, name in enumerate(name for name in kinds if name not in self.hosts):
            self._create(name, kinds[name], images[kinds[name]], free[number])
        self._refresh()
        with concurrent.futures.ThreadPoolExecutor(max_workers=8) as pool:
            futures = [pool.submit(self._boot, host, say) for host in self.hosts.values()]
            keys = dict(future.result() for future in futures)
        self._refresh()
        self.state.pin(keys)
        self.state.write_inventory({host.name: host.address for host in self.hosts.values()}, user)

    def _create(self, name: str, kind: Tuple[str, str], image: str, addresses: Tuple[str, str]) -> None:
        address, address6 = addresses
        labels = {"": self.name, ".host": name, ".suite": kind[0], ".variant": kind[1],
                  ".address": address, ".address6": address6, ".state": str(self.state.folder)}
        docker(
            "create", "--name", "qslab-%s-%s" % (self.name, name), "--hostname", name, *RUN_OPTIONS,
            "--network", self.client_network, "--ip", address, *(["--ip6", address6] if address6 else []),
            "--network-alias", name,
            "--mount", "type=bind,readonly,target=/etc/resolv.conf,\"source=%s\"" % self.state.resolv_conf,
            *("--label=%s%s=%s" % (LAB_LABEL, key, value) for key, value in labels.items()), image,
        )

    def _boot(self, host: Host, say: Callable[[str], object]) -> Tuple[str, List[str]]:
        """Start a host, wait until it serves, set up its accounts.

        :returns: its names for known_hosts, and its public host keys.
        """
        started = time.monotonic()
        docker("start", host.container)
        self._wait(host, say=say)
        self.exec(
            host.name, ["sh", "-c", SETUP, "setup", self.state.public(self.state.management_key),
                        self.state.public(self.state.alice_key)],
            stdin=b"alice:%s\n" % self.state.password().encode(),
        )
        listed = self.exec(host.name, ["sh", "-c", "cat /etc/ssh/ssh_host_*_key.pub"]).stdout.decode()
        say("host %s (%s, %s) is up at %s after %.1f s" % (
            host.name, host.suite, host.variant, host.address, time.monotonic() - started))
        return "%s,%s" % (host.name, host.address), listed.splitlines()

    def _wait(self, host: Host, old_boot: str = "", say: Callable[[str], object] = _tell) -> None:
        """Wait until systemd has finished booting and port 22 answers from outside."""
        seen = "nothing"

        def booted() -> bool:
            nonlocal seen
            if old_boot and self.boot_id(host.name) in ("", old_boot):
                return False
            done = docker("exec", host.container, "systemctl", "is-system-running", check=False)
            seen = done.stdout.decode("utf-8", "replace").strip() or "nothing"
            return seen in ("running", "degraded")

        try:
            _poll("host %s: boot" % host.name, BOOT_SECONDS, booted)
            _poll("host %s: sshd on %s" % (host.name, host.address), BOOT_SECONDS, lambda: _serves(host.address))
        except LabError as error:
            logs = docker("logs", "--tail", "15", host.container, check=False)
            said = (logs.stdout + logs.stderr).decode("utf-8", "replace").strip()
            raise LabError("%s (systemd said '%s'). Last words:\n%s" % (error, seen, said)) from error
        if seen == "degraded":
            failed = self.exec(host.name, ["systemctl", "--failed", "--plain", "--no-legend"]).stdout.decode()
            say("host %s has failed units: %s" % (host.name, failed.strip()))

    def host(self, name: str) -> Host:
        """The host of that name. :raises LabError: there is none."""
        if name not in self.hosts:
            raise LabError("the lab '%s' has no host '%s', but %s" % (
                self.name, name, ", ".join(self.hosts) or "none at all"))
        return self.hosts[name]

    def exec(
        self, host: str, argv: Sequence[str], stdin: bytes = b"", check: bool = True, timeout: float = 120.0
    ) -> "subprocess.CompletedProcess[bytes]":
        """Run a program on a host as root, without ssh (and so without being counted as a session).

        :param argv: program and arguments; nothing is interpreted by a shell.
        :param stdin: bytes for its standard input.
        :param timeout: seconds until giving up.
        :raises LabError: it could not be run in time, or (with check) a bad exit code.
        """
        return docker("exec", "-i", self.host(host).container, *argv, stdin=stdin, check=check, timeout=timeout)

    def ssh(
        self, host: str, argv: Sequence[str], user: str = "root", stdin: bytes = b"", timeout: float = 60.0
    ) -> "subprocess.CompletedProcess[bytes]":
        """Run a command over ssh with the lab's key of that user (alice has her own); the exit code is not checked."""
        return subprocess.run(
            self.ssh_argv(host, user) + list(argv), input=stdin, capture_output=True, check=False, timeout=timeout
        )

    def ssh_argv(self, host: str, user: str = "root") -> List[str]:
        """The ssh command line that logs in to a host, ready to be followed by a command."""
        key = self.state.alice_key if user == "alice" else self.state.management_key
        return ["ssh", "-F", "none", *self.state.ssh_options(), "-o", "BatchMode=yes", "-i", str(key),
                "%s@%s" % (user, self.host(host).address)]

    def boot_id(self, host: str) -> str:
        """The boot id of a host; empty while it is down."""
        done = docker("exec", self.host(host).container, "cat", "/proc/sys/kernel/random/boot_id", check=False)
        return done.stdout.decode("ascii", "replace").strip() if done.returncode == 0 else ""

    def sessions(self, host: str) -> int:
        """How many remote executions the host's own sshd has served since it was made."""
        self.exec(host, ["journalctl", "--sync"])
        # From 9.8 on a process of another name serves the connections.
        argv = ["journalctl", "--quiet", "--no-pager", "--output=cat", "-t", "sshd", "-t", "sshd-session"]
        return sum(1 for line in self.exec(host, argv).stdout.splitlines() if line.startswith(b"Starting session"))

    def reboot(self, host: str) -> None:
        """Reboot a host with its own systemctl and wait until it is back. :raises LabError: it did not come back."""
        old = self.boot_id(host)
        docker("exec", self.host(host).container, "systemctl", "reboot", check=False)
        self._wait(self.host(host), old_boot=old)

    def down(self) -> None:
        """Remove the lab: hosts with their volumes, network, folder. A lab that is not there is no error."""
        with self._locked():
            self._refresh()
            if self.hosts:
                docker("rm", "--force", "--volumes", *(host.container for host in self.hosts.values()))
            lab_engine.remove_network(self.client_network)
            self.state.remove()
        self.hosts = {}


def _host_of(found: Dict[str, Any]) -> Host:
    labels = found["Config"]["Labels"]
    # Molecule's driver gives no fixed address: such a host has the one that it was last seen with.
    seen: Dict[str, str] = next(iter(found["NetworkSettings"]["Networks"].values()), {})
    address = labels.get(LAB_LABEL + ".address") or seen.get("IPAddress", "")
    address6 = labels.get(LAB_LABEL + ".address6") or seen.get("GlobalIPv6Address", "")
    return Host(
        name=labels[LAB_LABEL + ".host"], suite=labels[LAB_LABEL + ".suite"], variant=labels[LAB_LABEL + ".variant"],
        address=address, container=found["Name"].lstrip("/"),
        running=bool(found["State"]["Running"]), address6=address6,
    )


def _serves(address: str) -> bool:
    """Whether something that speaks SSH answers on port 22."""
    try:
        with socket.create_connection((address, 22), 2.0) as connection:
            connection.settimeout(2.0)
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def wanted_hosts(hosts: str, suites: str) -> Dict[str, str]:
    """Read the parameters of `make lab-up`.

    :param hosts: a number, or names separated by commas or blanks.
    :param suites: suites (or suite:variant), dealt out to the hosts in turn.
    :raises LabError: not such a list.
    """
    words = re.split(r"[,\s]+", hosts.strip())
    if len(words) == 1 and words[0].isdigit():
        if not 1 <= int(words[0]) <= 100:
            raise LabError("HOSTS=%s: a lab has 1 to 100 hosts" % words[0])
        words = ["host%d" % number for number in range(1, int(words[0]) + 1)]
    if len(set(words)) != len(words):
        raise LabError("HOSTS=%s: a name comes twice" % hosts)
    kinds = re.split(r"[,\s]+", suites.strip())
    return {word: kinds[number % len(kinds)] for number, word in enumerate(words)}


def _print_status() -> None:
    found = lab_engine.containers()
    if not found:
        print("No lab is up. Start one: make lab-up HOSTS=2 SUITES=bookworm,trixie LAB=mine")
    by_name = sorted((one["Config"]["Labels"][LAB_LABEL], _host_of(one), one) for one in found)
    for lab, host, one in by_name:
        print("%-16s %-12s %-9s %-7s %-15s %-8s %s" % (
            lab, host.name, host.suite, host.variant, host.address, one["State"]["Status"],
            one["Config"]["Labels"][LAB_LABEL + ".state"] + "/hosts"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Test hosts that behave like machines, in labs.", prog="lab.py")
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name: str, text: str) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=text, description=text)
        one.add_argument("--lab", default="lab", help="name of the lab (default: lab)")
        one.add_argument("--state", type=pathlib.Path, help="its folder (default: .lab/NAME in this checkout)")
        return one

    up = command("up", "start the hosts of a lab and wait until they serve")
    up.add_argument("--hosts", default="2", help="how many, or their names with commas (default: 2)")
    up.add_argument("--suites", default="bookworm,trixie", help="%s; dealt out in turn" % ", ".join(base.SUITES))
    up.add_argument("--variant", default="plain", choices=lab_engine.VARIANTS, help="Docker inside or not")
    up.add_argument("--user", default="root", choices=USERS, help="the account the inventory names")
    command("down", "remove a lab: hosts, network, keys")
    status = commands.add_parser("status", help="list the labs and their hosts")
    status.set_defaults(lab="", state=None)
    command("inventory", "print the name of the inventory file")
    for name, text in (("sessions", "print how many remote executions a host's sshd has served"),
                       ("reboot", "reboot a host and wait until it is back")):
        command(name, text).add_argument("host")
    execute = command("exec", "run a program on a host as root")
    execute.add_argument("host")
    execute.add_argument("argv", nargs=argparse.REMAINDER, metavar="PROGRAM ...")
    return parser


def _exec_command(lab: Lab, host: str, argv: Sequence[str]) -> int:
    words = list(argv[1:] if argv[:1] == ["--"] else argv) or ["bash", "-l"]
    terminal = ["-t"] if sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty() else []
    return subprocess.run(["docker", "exec", "-i", *terminal, lab.host(host).container, *words], check=False).returncode


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Command line; see --help."""
    options = _parser().parse_args(argv)
    try:
        if options.command == "status":
            _print_status()
        elif options.command == "up":
            lab = Lab.up(options.lab, wanted_hosts(options.hosts, options.suites), options.variant, options.user,
                         options.state)
            print("Lab '%s' is up: ansible -i %s all -m ping" % (lab.name, lab.inventory))
        elif options.command == "down":
            Lab(options.lab, options.state).down()
        else:
            lab = Lab.load(options.lab, options.state)
            if options.command == "inventory":
                print(lab.inventory)
            elif options.command == "sessions":
                print(lab.sessions(options.host))
            elif options.command == "reboot":
                lab.reboot(options.host)
            else:
                return _exec_command(lab, options.host, options.argv)
    except LabError as error:
        print("lab.py: %s" % error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lab.py: interrupted; take the lab down with: make lab-down LAB=%s" % options.lab, file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
