# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every keeper of a firewall that can be had here: deployed, locked down, and booted. The way in is there each time.

Where nothing keeps the opening, that is said, and the host is not locked down. One story, in order.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Callable

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.probe import probe

from lab.lab_engine import LabError
from tests.e2e.library.scenario import ROOT, Run, Scenario, Setting
from tests.e2e.library.visitor import Visitor
from tests.e2e.library.walls import reachable

LOCK = ROOT / "lockdown-oqs-ssh.yml"
KINDS = {"el1": "nftables of EL", "firewalld1": "firewalld", "own1": "own unit", "saved1": "iptables-persistent",
         "ufw1": "ufw alone"}
KEPT = ("el1", "firewalld1", "saved1", "ufw1")
OWN = "own1"
NOT_KEPT = "nothing that is known here loads the rules of iptables at boot"
BUILT = {"oqs_ssh_image_source": "build"}
#: Seconds for whatever a host does by itself.
BOUND = 120.0
EXEMPT = "echo PerSourcePenaltyExemptList 127.0.0.1,::1 >/etc/ssh/sshd_config.d/hop.conf; systemctl reload ssh"
#: `sshd -T` fails where a Match block asks for the port, and nobody says which.
TWO_PORTS = """cat >/etc/ssh/sshd_config.d/ports.conf <<'END'
Port 22
Port 2022
Match LocalPort 2022
    X11Forwarding no
END
systemctl restart ssh
! sshd -T >/dev/null 2>&1
iptables -I INPUT -p tcp --dport 2022 -j ACCEPT
netfilter-persistent save"""


def prepare(made: Scenario) -> None:
    for host in KINDS:
        made.root(host, "sh", "-c", EXEMPT)
    made.root("saved1", "sh", "-ec", TWO_PORTS)


SETTING = Setting("boots", dict.fromkeys(KINDS, "trixie:firewalls"), {}, KINDS, prepare)


def lock(scenario: Scenario) -> Run:
    gate = scenario.root(OWN, "sh", "-c", "ip route show default | cut -d' ' -f3")
    return scenario.deploy(playbook=LOCK, oqs_ssh_breakglass_sources=[gate], oqs_ssh_breakglass_minutes=2, **BUILT)


def hops(visitor: Visitor, host: str) -> bool:
    """Whether a person comes through the container."""
    said = visitor.ssh(host, "", "-o", "ConnectTimeout=4", "-W", "localhost:22", stdin="SSH-2.0-x\r\n")
    return said.out.startswith("SSH-2.0-OpenSSH")


def becomes(what: Callable[[], bool], words: str) -> None:
    end = time.monotonic() + BOUND
    while not what():
        assert time.monotonic() < end, words
        time.sleep(0.5)


def booted(scenario: Scenario, host: str, before: str) -> bool:
    """Whether a host has started anew; between two boots nobody answers."""
    try:
        return scenario.lab.boot_id(host) != before
    except LabError:
        return False


def only_way(scenario: Scenario, visitor: Visitor, host: str) -> bool:
    """Whether the container is the way in, and the only one."""
    return hops(visitor, host) and not probe(scenario.address(host), 22, 1.0).ssh


@pytest.fixture(scope="module")
def deployed(scenario: Scenario) -> Run:
    run = scenario.deploy(**BUILT)
    assert run.code == 0, run.text
    return run


def test_the_plan_says_where_the_opening_is_not_kept(scenario: Scenario, deployed: Run, visitor: Visitor) -> None:
    assert NOT_KEPT in deployed.text
    said = scenario.root("el1", "cat", "/etc/sysconfig/nftables.conf")
    assert said.endswith('include "/etc/nftables.d/oqs-ssh.nft"')
    for host in KINDS:
        assert hops(visitor, host), host
    again = scenario.deploy(**BUILT)
    assert again.text.count("changed=0") == len(KINDS) and NOT_KEPT in again.text, again.text


def test_locked_down_where_it_is_kept(scenario: Scenario, deployed: Run, visitor: Visitor) -> None:
    assert deployed.code == 0
    assert reachable(scenario.address("saved1"), 2022)
    run = lock(scenario)
    assert NOT_KEPT in run.line(OWN, "failed"), run.text
    assert probe(scenario.address(OWN), 22, 2.0).ssh
    assert not reachable(scenario.address("saved1"), 2022), "a port of the host's own sshd that was not known"
    for host in KEPT:
        assert run.line(host, "done") == "lockdown", run.text
        assert hops(visitor, host) and not probe(scenario.address(host), 22, 1.0).ssh, host


def test_after_a_boot_the_way_in_is_there(scenario: Scenario, deployed: Run, visitor: Visitor) -> None:
    assert deployed.code == 0
    before = {host: scenario.lab.boot_id(host) for host in KINDS}
    for host in KINDS:
        scenario.root(host, "systemctl", "reboot", check=False)
    for host in KINDS:
        becomes(partial(booted, scenario, host, before[host]), "%s does not boot" % host)
    for host in KEPT:
        becomes(partial(only_way, scenario, visitor, host), "nobody comes in to %s, or anybody does" % host)
    # What the plan said has come true; its own sshd is open.
    assert not probe(scenario.address(OWN), 2222, 2.0).ssh and probe(scenario.address(OWN), 22, 5.0).ssh
