# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Gone without a trace: the cases. Each deploys to new hosts, lets something happen, removes, and compares the hosts
with what they were. `make remove-proof` runs them all and prints what differs; test_remove.py runs them as tests.

What others put there in between stays: it is seen to be there still, then it is taken away by hand, so that the hosts
must be just what they were.
"""

from __future__ import annotations

import secrets
import tempfile
import time
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Sequence

from tests.e2e.library import traces
from tests.e2e.library.scenario import PLAYBOOK, ROOT, Run, Scenario, Setting, running
from tests.e2e.library.started import Started

REMOVE = ROOT / "remove-oqs-ssh.yml"
#: alice has keys of her own; dora has none, not even the folder for them.
WANT: Dict[str, Any] = {"oqs_ssh_image_source": "build", "oqs_ssh_hop_users": ["alice", "dora"]}
_DORA = "useradd --create-home --shell /bin/bash dora; rm -rf /home/dora/.ssh; sync"
_THEIR_IMAGE = "docker info >/dev/null 2>&1 && tar -cf - -T /dev/null | docker import - theirs:1 >/dev/null || true"


class Theirs(NamedTuple):
    """Something that others do: how, how it is seen (a shell command that fails when it is gone), how it is undone."""

    do: str
    seen: str
    undo: str


KEY = Theirs(
    "echo 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIAp6SR0z//doJMMtG+2IzQIzfuxBLd8PFWaGwX8HLL+ theirs'"
    " >> /home/alice/.ssh/authorized_keys",
    "grep -q theirs$ /home/alice/.ssh/authorized_keys",
    "sed -i '/ theirs$/d' /home/alice/.ssh/authorized_keys",
)
CONTAINER = Theirs(
    "docker create --name theirs --network none theirs:1 /nothing >/dev/null", "docker inspect theirs >/dev/null",
    "docker rm theirs >/dev/null",
)
#: A rule of somebody else in each kind of firewall, put there after ours.
RULES: Dict[str, Theirs] = {
    "firewalld": Theirs(
        "firewall-cmd -q --add-port=9102/tcp; firewall-cmd -q --permanent --add-port=9102/tcp",
        "firewall-cmd -q --query-port=9102/tcp && firewall-cmd -q --permanent --query-port=9102/tcp",
        # firewalld's copy of the zone before this change of theirs is theirs, too
        "firewall-cmd -q --remove-port=9102/tcp; firewall-cmd -q --permanent --remove-port=9102/tcp; "
        "rm -f /etc/firewalld/zones/public.xml.old",
    ),
    "ufw": Theirs("ufw allow 9102/tcp", "ufw show added | grep -q 9102", "ufw delete allow 9102/tcp"),
    "nftables": Theirs(
        "nft add rule inet filter input tcp dport 9102 accept; echo '# theirs' >> /etc/nftables.conf",
        "nft list chain inet filter input | grep -q 9102 && grep -q theirs /etc/nftables.conf",
        "sed -i '/^# theirs$/d' /etc/nftables.conf; nft delete rule inet filter input handle "
        "$(nft -a list chain inet filter input | sed -n 's/.*dport 9102 .*handle //p')",
    ),
    "iptables": Theirs(
        "iptables-legacy -I INPUT -p tcp --dport 9102 -j ACCEPT",
        "iptables-legacy -C INPUT -p tcp --dport 9102 -j ACCEPT",
        "iptables-legacy -D INPUT -p tcp --dport 9102 -j ACCEPT",
    ),
    "iptables-persistent": Theirs(
        "iptables -I INPUT -p tcp --dport 9102 -j ACCEPT; echo '# theirs' >> /etc/iptables/rules.v4",
        "iptables -C INPUT -p tcp --dport 9102 -j ACCEPT && grep -q theirs /etc/iptables/rules.v4",
        "iptables -D INPUT -p tcp --dport 9102 -j ACCEPT; sed -i '/^# theirs$/d' /etc/iptables/rules.v4",
    ),
}


class Proof:
    """Hosts that are deployed to and given back."""

    def __init__(self, scenario: Scenario, firewalls: Mapping[str, str]) -> None:
        """:param scenario: with new hosts; what they are is written down. :param firewalls: kind by host."""
        self.scenario, self.firewalls = scenario, dict(firewalls)
        self.hosts = scenario.hosts
        self.before: Dict[str, traces.Snapshot] = {}
        for host in self.hosts:
            self.on(host, _DORA)
            self.on(host, _THEIR_IMAGE)
            self.before[host] = traces.take(scenario, host)

    def on(self, host: str, script: str) -> str:
        """What a shell script says that root runs on a host."""
        return self.scenario.root(host, "sh", "-c", script)

    def deploy(self, **extra: Any) -> Run:
        """Deploy to all hosts."""
        run = self.scenario.deploy(**dict(WANT, **extra))
        assert run.code == 0, run.text
        return run

    def remove(self, *options: str, **extra: Any) -> Run:
        """The playbook of removal, as an operator runs it."""
        return self.scenario.deploy(*options, playbook=REMOVE, **extra)

    def removed(self, **extra: Any) -> Run:
        """Everything is taken away, and a second removal has nothing to do."""
        run = self.remove(**extra)
        assert run.code == 0, run.text
        again = self.remove(**extra)
        assert again.code == 0 and "changed=1" not in again.text, again.text
        return run

    def theirs(self, host: str, things: Sequence[Theirs]) -> None:
        """Others do something on a host."""
        for thing in things:
            self.on(host, thing.do)
            self.on(host, thing.seen)

    def stays(self, host: str, things: Sequence[Theirs]) -> None:
        """It is there still; then it is undone by those who did it."""
        for thing in things:
            self.on(host, thing.seen)
            self.on(host, thing.undo)

    def differences(self) -> Dict[str, List[traces.Difference]]:
        """What of each host is not as it was."""
        return {host: traces.compare(self.before[host], traces.take(self.scenario, host)) for host in self.hosts}


def killed(proof: Proof, host: str, lines: int) -> None:
    """A deployment that is killed, on both sides, as soon as the ledger has so many lines."""
    run = Started(proof.scenario, PLAYBOOK, WANT)
    deadline = time.monotonic() + 300
    ledger = "cat /var/lib/oqs-ssh/ledger/ledger.jsonl 2>/dev/null | wc -l"
    try:
        while int(proof.on(host, ledger)) < lines:
            assert run.process.poll() is None and time.monotonic() < deadline, "it ended before it was killed"
            time.sleep(0.05)
    finally:
        run.kill()
    # All that came in by ssh, whatever it is doing.
    proof.on(host, "systemctl kill --signal=KILL 'session-*.scope' || true")
    proof.on(host, "DEBIAN_FRONTEND=noninteractive dpkg --configure -a")  # as apt says after a crash


# -- the cases -----------------------------------------------------------------------------------------------------


def virgin(proof: Proof) -> None:
    """Docker comes with the deployment, and goes with it."""
    proof.deploy()
    proof.removed()


def firewall(proof: Proof) -> None:
    """A firewall is opened; others add a rule, a key and a container; the password changes; all of ours goes."""
    (host, kind), = proof.firewalls.items()
    proof.deploy()
    things = [RULES[kind], KEY, CONTAINER]
    proof.theirs(host, things)
    proof.deploy(oqs_ssh_password=secrets.token_urlsafe(15))
    proof.removed()
    proof.stays(host, things)


def quiet_firewall(proof: Proof) -> None:
    """A firewall is opened and closed again, and nobody else did anything: its files are as they were."""
    proof.deploy()
    proof.removed()


def half_done(proof: Proof) -> None:
    """Deployments that are killed on the way, and taken back from there."""
    for host in proof.hosts:
        for lines in (2, 9, 20, 27):
            killed(proof, host, lines)
            proof.removed()
            left = traces.traces(traces.compare(proof.before[host], traces.take(proof.scenario, host)))
            assert not left, "after %d lines: %s" % (lines, "\n".join(map(str, left)))


def docker_in_use(proof: Proof) -> None:
    """Somebody uses the Docker that came with the deployment: it stays, and is named. Then nobody does any more."""
    proof.deploy()
    for host in proof.hosts:
        proof.on(host, _THEIR_IMAGE)
        proof.theirs(host, [CONTAINER])
    run = proof.remove()
    assert run.code == 0, run.text
    for host in proof.hosts:
        assert run.line(host, "left").startswith("Docker stays, with its settings: others use it: "), run.text
        proof.stays(host, [CONTAINER])
        proof.on(host, "docker rmi theirs:1 >/dev/null")


def after_changes(proof: Proof) -> None:
    """Another image, a new password, other host keys announced and switched to, another key for the hop; some of it is
    under way when all goes."""
    with tempfile.TemporaryDirectory(prefix="oqs-test-") as scratch:
        wishes = dict(WANT, oqs_ssh_password="", oqs_ssh_password_store=scratch + "/store")
        proof.deploy(**wishes)
        wishes["oqs_ssh_image_build_message"] = "Another image."
        run = proof.deploy(**wishes)
        assert all(" -> " in run.line(host, "upgraded") for host in proof.hosts), run.text
        keys = [("keys", {"oqs_ssh_rotate_keys": step, "oqs_ssh_rotate_overlap": 0})
                for step in ("announce", "switch", "hop_identity", "announce")]
        for what, extra in [("password", {}), *keys]:
            run = proof.scenario.deploy(playbook=ROOT / ("rotate-oqs-ssh-%s.yml" % what), **dict(wishes, **extra))
            assert run.code == 0, run.text
    proof.removed()


class Case(NamedTuple):
    """What happens, and on which hosts."""

    what: Callable[[Proof], None]
    hosts: Mapping[str, str]
    firewalls: Mapping[str, str] = {}
    #: whether the hosts must be as they were at the end
    empty: bool = True


CASES: Dict[str, Case] = {
    "virgin": Case(virgin, {"v1": "trixie:plain"}),
    "virgin-bookworm": Case(virgin, {"v1": "bookworm:plain"}),
    "docker": Case(virgin, {"d1": "trixie:docker"}),
    "changes": Case(after_changes, {"d1": "trixie:docker"}),
    "half-done": Case(half_done, {"v1": "trixie:plain"}),
    "docker-in-use": Case(docker_in_use, {"v1": "trixie:plain"}, empty=False),
    **{"%s-%s" % (kind, end): Case(what, {"f1": "trixie:firewalls"}, {"f1": kind})
       for kind in RULES for end, what in (("alone", quiet_firewall), ("others", firewall))},
}


def found(name: str) -> Dict[str, List[traces.Difference]]:
    """What differs at the end of a case, by host; all of it, the allowed, too."""
    case = CASES[name]
    setting = Setting("gone-%d" % list(CASES).index(name), case.hosts, firewalls=case.firewalls)
    with running(setting) as scenario:
        proof = Proof(scenario, case.firewalls)
        case.what(proof)
        return proof.differences()
