# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Locked down, broken on purpose, and never lost: after each failure somebody who should reach the host does.

The controller is the breakglass source; the visitor is the world. No clock is turned, it is the machine's own; that no
time of day decides anything is asked of systemd.
"""

from __future__ import annotations

import random
import shlex
import subprocess
import time
from typing import Dict, Iterator, NamedTuple, Tuple

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import lockdown_files as lockdown
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.probe import probe

from lab.lab_engine import docker, docker_json, ensure_image
from tests.e2e.library import traces, walls
from tests.e2e.library.scenario import ROOT, Run, Scenario
from tests.e2e.library.visitor import CLIENT, Visitor

HOST = "web1"
LOCK = ROOT / "lockdown-oqs-ssh.yml"
EXEMPT = "/etc/ssh/sshd_config.d/hop.conf"
CLOSED, BREAKGLASS, OPEN = "closed", "breakglass", "open"
#: Minutes: silence before breakglass; what a run may take to confirm; what one that is broken off may take.
SILENT, PATIENT, SHORT = 0.1, 3, 0.3
#: Seconds for whatever the host does by itself.
BOUND = 120.0
#: What any run of the collection writes: its ledger, its lock.
MOVING = ("/var/lib/oqs-ssh/ledger", "/run/lock/oqs-ssh.lock")
#: The container's main process; none where it has stopped (kill takes 0 for whoever asks).
SSHD = "$(docker inspect -f '{{.State.Pid}}' oqs-ssh | grep -vx 0)"


class World:
    """The host, whoever should reach it, and the world."""

    def __init__(self, scenario: Scenario, visitor: Visitor) -> None:
        self.scenario, self.visitor = scenario, visitor
        self.address = scenario.address(HOST)

    def sh(self, script: str, check: bool = True) -> str:
        """As root on the host; no ssh."""
        return self.scenario.root(HOST, "sh", "-c", script, check=check)

    def lock(self, *options: str, minutes: float = PATIENT, **extra: object) -> Run:
        """Run the playbook."""
        gate = self.sh("ip route show default").split()[2]
        wanted = {"oqs_ssh_breakglass_sources": [gate], "oqs_ssh_lockdown_minutes": minutes,
                  "oqs_ssh_breakglass_minutes": SILENT}
        return self.scenario.deploy(*options, playbook=LOCK, **dict(wanted, **extra))

    def through(self) -> Dict[str, str]:
        """A variable with which Ansible comes through the container."""
        words = ["docker", "exec", "-i", self.scenario.visitor_container, *CLIENT, "-W", "localhost:22",
                 *self.visitor.target(HOST)]
        return {"ansible_ssh_extra_args": shlex.join(["-o", "ControlPath=none", "-o", "ProxyCommand=" + shlex.join(
            words)])}

    def state(self) -> str:
        """Who reaches the host's own sshd by new connections."""
        ours = probe(self.address, 22, 2.0).ssh
        ask = "exec 3<>/dev/tcp/%s/22 && head -c 4 <&3" % self.address
        world = self.visitor.shell("timeout 2 bash -c '%s'" % ask).out == "SSH-"
        return {(True, True): OPEN, (True, False): BREAKGLASS}.get((ours, world), CLOSED)

    def hops(self) -> bool:
        """Whether a person comes through the container."""
        said = self.visitor.ssh(HOST, "", "-o", "ConnectTimeout=4", "-W", "localhost:22", stdin="SSH-2.0-x\r\n")
        return said.out.startswith("SSH-2.0-OpenSSH")

    def becomes(self, wanted: Tuple[str, ...], hops: bool = False) -> str:
        """Wait until the host is in one of the states, and (with hops) reached through the container."""
        end = time.monotonic() + BOUND
        while True:
            now = self.state()
            if now in wanted and (not hops or self.hops()):
                return now
            assert time.monotonic() < end, "%s after %g s\n%s" % (now, BOUND, self.sh(
                "journalctl -u 'oqs-ssh-lockdown*' -n 30 --no-pager; docker ps -a", check=False))
            time.sleep(0.5)

    def reboot(self) -> None:
        """The host starts anew; nothing is waited for but that."""
        before = self.scenario.lab.boot_id(HOST)
        self.sh("systemctl reboot", check=False)
        end = time.monotonic() + BOUND
        while time.monotonic() < end:
            try:
                if self.scenario.lab.boot_id(HOST) != before:
                    return
            except Exception:  # it is between two boots
                pass
            time.sleep(0.5)
        raise AssertionError("no reboot within %g s" % BOUND)

    def untouched(self) -> None:
        """Open, and nothing of the lockdown is left."""
        assert self.becomes((OPEN,)) == OPEN
        for left in ("ls -d /etc/oqs-ssh-lockdown /run/oqs-ssh-lockdown", "find /etc/systemd -name '*lockdown*'",
                     "nft list tables | grep lockdown", "systemctl list-units --all --no-legend '*lockdown*'"):
            assert self.sh(left + " 2>/dev/null", check=False) == ""


@pytest.fixture(scope="module")
def world(scenario: Scenario, visitor: Visitor) -> Iterator[World]:
    """The deployed host; somebody keeps nftables' own service with rules that flush all others."""
    made = World(scenario, visitor)
    made.visitor.served(HOST)
    yield made
    made.sh(lockdown.UNDOING, check=False)


@pytest.fixture
def locked(world: World) -> Iterator[World]:
    """Locked down and confirmed."""
    if world.state() != CLOSED or world.sh("systemctl is-active oqs-ssh-lockdown.timer", check=False) != "active":
        run = world.lock()
        assert run.code == 0, run.text
    world.becomes((CLOSED,), hops=True)
    yield world


# -- what is refused -----------------------------------------------------------------------------------------------


def test_refused_before_anything_is_changed(world: World) -> None:
    run = world.lock(oqs_ssh_breakglass_sources=[])
    assert "nothing was changed; oqs_ssh_breakglass_sources: must name at least one" in run.line(HOST, "failed")
    assert run.sessions[HOST] == 0, "variables are checked before the first connection"
    run = world.lock()
    assert "write PerSourcePenaltyExemptList 127.0.0.1,::1 into" in run.line(HOST, "failed"), run.text
    world.untouched()
    world.sh("echo PerSourcePenaltyExemptList 127.0.0.1,::1 >%s; systemctl reload ssh" % EXEMPT)


@pytest.mark.parametrize("extra", [{"oqs_ssh_client_dir": "/nonexistent"}])
def test_a_way_that_is_not_proved_closes_nothing(world: World, extra: Dict[str, str]) -> None:
    run = world.lock(**extra)
    assert "nothing was changed; the quantum-safe way was not proved from the controller" in run.line(HOST, "failed")
    world.untouched()


# -- the main path -------------------------------------------------------------------------------------------------


def test_closed_confirmed_and_taken_back_exactly(world: World) -> None:
    before = traces.take(world.scenario, HOST)
    check = world.lock("--check", "--diff")
    assert "run would change: lockdown" in check.line(HOST, "done"), check.text
    world.untouched()
    stay = subprocess.Popen([*world.scenario.lab.ssh_argv(HOST), "echo in; cat"], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE)
    assert stay.stdin and stay.stdout and stay.stdout.readline() == b"in\n"
    run = world.lock("--diff")
    assert run.code == 0, run.text
    assert run.line(HOST, "done") == "lockdown", run.text
    assert [line for line in run.text.splitlines() if line.startswith(("-open", "+closed"))] == [
        line for line in check.text.splitlines() if line.startswith(("-open", "+closed"))]
    assert (world.state(), world.hops()) == (CLOSED, True)
    stay.stdin.write(b"still here\n")
    stay.stdin.flush()
    assert stay.stdout.readline() == b"still here\n", "an established connection"
    stay.kill()
    stay.wait()
    stay.stdin.close()
    stay.stdout.close()
    again = world.lock(**world.through())
    assert again.line(HOST, "done") == "nothing, it was as wanted", again.text
    refused = world.scenario.deploy(oqs_ssh_state="absent", **world.through())
    assert "port 2222 is the only way in: open it first" in refused.line(HOST, "failed"), refused.text
    off = world.lock(oqs_ssh_lockdown=False, **world.through())
    assert off.code == 0, off.text
    world.untouched()
    after = traces.take(world.scenario, HOST)
    left = [each for each in traces.traces(traces.compare(before, after)) if not each.name.startswith(MOVING)]
    assert left == [], "\n".join(map(str, left))


# -- nobody confirms -----------------------------------------------------------------------------------------------


def _frozen_when_closed(world: World) -> None:
    """The container stands still from the instant at which the host is closed: no confirmation arrives."""
    script = "until nft list table inet oqs_ssh_lockdown >/dev/null 2>&1; do :; done; kill -STOP %s" % SSHD
    world.sh("systemd-run --quiet --collect --unit=oqs-test-freeze sh -c %s" % shlex.quote(script.replace("$", "$$")))


@pytest.mark.parametrize("when", ["before it closes", "after it closed", "before it confirms"])
def test_the_controller_is_gone(world: World, when: str) -> None:
    world.sh(lockdown.UNDOING)
    if when == "before it closes":
        world.sh("kill -STOP %s" % SSHD)
    else:
        _frozen_when_closed(world)
    try:
        run = world.lock(minutes=SHORT, ansible_timeout=5)
        assert run.code != 0
        told = "the handshake with" if when == "before it closes" else "the host opens itself again"
        assert told in run.line(HOST, "failed"), run.text
        if when == "before it confirms":  # and whoever comes later is too late
            world.becomes((OPEN,))
        world.untouched()
    finally:
        world.sh("systemctl stop oqs-test-freeze; kill -CONT %s" % SSHD, check=False)


def test_a_reboot_before_the_confirmation(world: World) -> None:
    world.sh(lockdown.UNDOING)
    _frozen_when_closed(world)
    run = world.lock(minutes=PATIENT, ansible_timeout=5)
    assert "the host opens itself again" in run.line(HOST, "failed"), run.text
    assert world.state() == CLOSED
    world.sh("kill -CONT %s" % SSHD)
    world.reboot()
    world.untouched()
    assert world.visitor.served(HOST).code == 0


# -- confirmed, and then broken ------------------------------------------------------------------------------------


class Fault(NamedTuple):
    """What is done to a host that is locked down, how it is mended, and who reaches it meanwhile."""

    harm: str
    mend: str
    then: str


FAULTS: Dict[str, Fault] = {
    "container dead": Fault("docker stop oqs-ssh", "docker start oqs-ssh", BREAKGLASS),
    "sshd of the container hangs": Fault("kill -STOP %s" % SSHD, "kill -CONT %s" % SSHD, BREAKGLASS),
    "Docker gone": Fault("systemctl stop docker.socket docker; pkill -9 -f containerd-shim; "
                         "mount --bind /bin/false /usr/bin/docker; mount --bind /bin/false /usr/sbin/dockerd",
                         "umount /usr/bin/docker /usr/sbin/dockerd; systemctl reset-failed docker; "
                         "systemctl start docker.socket docker; docker start oqs-ssh", BREAKGLASS),
    "wrong port": Fault("sed -i.was 's/^Port .*/Port 2299/' /etc/oqs-ssh/sshd_config; docker restart oqs-ssh",
                        "cat /etc/oqs-ssh/sshd_config.was >/etc/oqs-ssh/sshd_config; rm /etc/oqs-ssh/sshd_config.was; "
                        "docker restart oqs-ssh", BREAKGLASS),
    "state folder lost": Fault("mv /var/lib/oqs-ssh /var/lib/lost", "mv /var/lib/lost /var/lib/oqs-ssh", BREAKGLASS),
    "rules flushed": Fault("nft flush ruleset", "true", CLOSED),
    "firewall reloaded": Fault("nft flush ruleset; systemctl restart nftables", "systemctl stop nftables", CLOSED),
    "port closed to the outside": Fault(
        "nft 'table inet mine { chain in { type filter hook input priority 5; iifname eth0 tcp dport 2222 drop; }; }'",
        "nft delete table inet mine", BREAKGLASS),
    "sent elsewhere": Fault(
        "iptables -t nat -I PREROUTING -i eth0 -p tcp --dport 2222 -j REDIRECT --to-ports 22",
        "iptables -t nat -D PREROUTING -i eth0 -p tcp --dport 2222 -j REDIRECT --to-ports 22", BREAKGLASS),
    "watch damaged": Fault("cp -p %s /root/kept; : >%s" % ((lockdown.WATCH,) * 2),
                           "mv /root/kept %s; systemctl start oqs-ssh-lockdown.service" % lockdown.WATCH, OPEN),
}


def _mend(world: World, fault: Fault) -> None:
    world.sh(fault.mend, check=False)


@pytest.mark.parametrize("name", list(FAULTS))
def test_confirmed_and_then(locked: World, name: str) -> None:
    fault = FAULTS[name]
    locked.sh(fault.harm, check=False)
    try:
        locked.becomes((fault.then,))
    finally:
        _mend(locked, fault)
    locked.becomes((CLOSED,), hops=True)


def test_a_reboot_after_the_confirmation(locked: World) -> None:
    locked.reboot()
    locked.becomes((CLOSED,), hops=True)
    assert "oqs-ssh-lockdown.service" in locked.sh("systemctl list-units --all --no-legend 'oqs-ssh-lockdown*'")


def test_a_reboot_into_rules_that_close_the_port(locked: World) -> None:
    """Connecting to oneself proves nothing: the watch asks the way a stranger comes."""
    locked.sh(walls.SETUP["own unit"])
    try:
        locked.reboot()
        locked.becomes((BREAKGLASS,))
        said = locked.sh("journalctl -u oqs-ssh-lockdown.service -n 50 --no-pager")
        assert "the rules of this host close port 2222 to" in said, said
    finally:
        locked.sh("systemctl disable own; rm /etc/own.rules /etc/systemd/system/own.service; "
                  "iptables -P INPUT ACCEPT; ip6tables -P INPUT ACCEPT")
    locked.becomes((CLOSED,), hops=True)


def test_an_opening_that_nothing_keeps_is_refused(world: World) -> None:
    world.sh(lockdown.UNDOING)
    world.sh("nft 'table inet mine { chain input { type filter hook input priority 5; policy drop; "
             "ct state established,related accept; iif lo accept; tcp dport 22 accept; }; }'")
    try:
        run = world.scenario.deploy()
        assert run.code == 0 and "nothing that is known here loads the rules of nftables at boot" in run.text, run.text
        run = world.lock()
        assert "nothing that is known here loads the rules of nftables" in run.line(HOST, "failed"), run.text
        world.untouched()
    finally:
        world.sh("nft delete table inet mine")


def test_no_time_of_day_decides(locked: World) -> None:
    """A clock that jumps changes nothing: the timers count from their own start, the watch by the time since boot."""
    said = locked.sh("systemctl show -p TimersMonotonic -p TimersCalendar oqs-ssh-lockdown.timer")
    assert "OnUnitInactiveUSec" in said and "TimersCalendar=" not in said, said
    assert "date" not in locked.sh("cat %s" % lockdown.WATCH)


#: Opens idle connections from many addresses, as fast as it can, and keeps them.
FLOOD = r"""
import ipaddress, socket, subprocess, sys, time
target, network = sys.argv[1], ipaddress.ip_network(sys.argv[2])
addresses = [str(network.network_address + number) for number in range(130, 210)]
for address in addresses:
    subprocess.run(["ip", "address", "add", "%s/%d" % (address, network.prefixlen), "dev", "eth0"], check=True)
kept, end = [], time.monotonic() + float(sys.argv[3])
while time.monotonic() < end:
    for address in addresses:
        some = socket.socket()
        some.setblocking(False)
        some.bind((address, 0))
        some.connect_ex((target, 2222))
        kept.append(some)
    time.sleep(1.0)
    kept = kept[-800:]
"""


def test_a_flood_leaves_room_for_the_breakglass_sources(locked: World) -> None:
    """A server that is busy is alive, so the breakglass stays shut: its sources must come in by the server itself."""
    lab = locked.scenario.lab
    subnet = docker_json("network", "inspect", lab.client_network)[0]["IPAM"]["Config"][0]["Subnet"]
    name = "qslab-%s-flood" % lab.name
    docker("run", "--detach", "--rm", "--name", name, "--network", lab.client_network, "--cap-add", "NET_ADMIN",
           "--entrypoint", "python3", ensure_image("trixie", "plain", lambda _text: None), "-c", FLOOD,
           locked.address, subnet, "90")
    try:
        time.sleep(20)
        # few, or the server shuts us out as one who never logs in
        came = [probe(locked.address, 2222, 5.0) for _each in range(6)]
        assert all(each.ssh for each in came), came
        rules = locked.sh("nft -a list chain inet oqs_ssh_lockdown input")
        handle = next(line.split()[-1] for line in rules.splitlines() if "limit rate" in line)
        locked.sh("nft delete rule inet oqs_ssh_lockdown input handle " + handle)
        time.sleep(5)
        ask = "timeout 4 bash -c 'exec 3<>/dev/tcp/%s/2222 && head -c 4 <&3'" % locked.address
        came_in = [locked.visitor.shell(ask).out for _each in range(6)]  # from an address that nobody has judged yet
        assert set(came_in) != {"SSH-"}, "without that rule the flood takes all"
    finally:
        docker("rm", "--force", name)
    locked.sh("systemctl start oqs-ssh-lockdown.service")
    locked.becomes((CLOSED,), hops=True)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(50))
def test_random_failures_one_on_another(locked: World, seed: int) -> None:
    """Whatever comes together: the container's way, or the breakglass source's, or everybody's."""
    chosen = random.Random(seed).sample(sorted(FAULTS), random.Random(seed).choice([1, 2, 3]))
    reboot = random.Random(seed + 1000).random() < 0.2
    for name in chosen:
        locked.sh(FAULTS[name].harm, check=False)
    if reboot:
        locked.reboot()
    try:
        end = time.monotonic() + BOUND
        while locked.state() == CLOSED and not locked.hops():
            assert time.monotonic() < end, "%s lost the host" % ", ".join(chosen)
            time.sleep(0.5)
    finally:
        for name in reversed(chosen):
            _mend(locked, FAULTS[name])
        locked.sh("docker start oqs-ssh", check=False)  # one that was mended while it lacked something else
    locked.becomes((CLOSED,), hops=True)
