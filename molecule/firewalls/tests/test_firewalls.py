# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Real packets from outside: closed before (create saw to that), open after, over reloads, restarts and a reboot; for
the sources that are wanted, and closed again. The tests build on each other, in their order."""

from __future__ import annotations

import concurrent.futures
import json
import subprocess
from typing import Dict, List, Tuple

import pytest

from tests.e2e.library import walls
from tests.e2e.library.scenario import Run, Scenario
from tests.e2e.library.visitor import CLIENT, Said, Visitor

#: Kind of firewall by host.
KINDS = {"firewalld1": "firewalld", "iptables1": "iptables", "saved1": "iptables-persistent", "ufw1": "ufw"}
OPEN = "open1"
#: Those whose rules are there again after a reboot.
KEPT = ("firewalld1", "saved1", "ufw1")
RELOAD: Dict[str, List[str]] = {
    "firewalld1": ["firewall-cmd --reload", "systemctl restart firewalld"],
    "saved1": ["netfilter-persistent reload", "systemctl restart netfilter-persistent"],
    "ufw1": ["ufw reload", "ufw disable && ufw --force enable"],
}
#: What somebody adds after the deployment.
LATER = {
    "firewalld1": "firewall-cmd --permanent --add-port=8080/tcp && firewall-cmd --add-port=8080/tcp",
    "iptables1": "iptables-legacy -I INPUT -s 192.0.2.99 -j DROP",
    "saved1": "iptables -I INPUT -s 192.0.2.99 -j DROP && netfilter-persistent save",
    "ufw1": "ufw prepend deny from 192.0.2.99",
}
hosts = pytest.mark.parametrize("host", list(KINDS))


def ways(scenario: Scenario, host: str) -> List[bool]:
    """Does a connection from here succeed, by IPv4 and by IPv6?"""
    return [walls.reachable(address, 2222) for address in scenario.addresses(host)]


def opened(scenario: Scenario, visitor: Visitor, host: str) -> None:
    visitor.served(host)
    assert all(ways(scenario, host))


def others(scenario: Scenario, host: str) -> List[str]:
    return walls.OTHERS[KINDS[host]](scenario, host)


def do(scenario: Scenario, host: str, script: str) -> None:
    scenario.root(host, "sh", "-ec", script)


@hosts
def test_open_and_only_this_port(scenario: Scenario, visitor: Visitor, host: str) -> None:
    opened(scenario, visitor, host)
    with walls.Listener(scenario, host, 2223):
        assert not any(walls.reachable(address, 2223, 1.0) for address in scenario.addresses(host))
    assert others(scenario, host) == scenario.remembered("walls")[host]


def test_each_of_two_firewalls_is_opened(scenario: Scenario) -> None:
    listed = scenario.root("ufw1", "nft", "list", "chain", "inet", "second", "input")
    assert 'tcp dport 2222 accept comment "oqs-ssh"' in listed
    assert "2222" in scenario.root("ufw1", "ufw", "status")


def test_no_firewall_is_turned_on(scenario: Scenario) -> None:
    for host in ("firewalld1", "iptables1"):
        assert "inactive" in scenario.root(host, "ufw", "status")
    for host in ("iptables1", "saved1", "ufw1"):
        assert scenario.root(host, "systemctl", "is-active", "firewalld", check=False) == "inactive"
        assert scenario.root(host, "systemctl", "is-enabled", "firewalld", check=False) == "disabled"
    for host in KINDS:
        assert scenario.root(host, "systemctl", "is-enabled", "nftables", check=False) == "disabled"


@pytest.mark.parametrize("host", KEPT)
def test_open_after_the_firewall_is_loaded_again(scenario: Scenario, visitor: Visitor, host: str) -> None:
    for script in RELOAD[host]:
        do(scenario, host, script)
        opened(scenario, visitor, host)


@hosts
def test_open_after_docker_is_restarted_in_either_order(scenario: Scenario, visitor: Visitor, host: str) -> None:
    """A Docker restart makes docker0 the only interface in an active zone of firewalld."""
    for again in ("systemctl restart docker", *RELOAD.get(host, [])[:1]):
        do(scenario, host, again)
        opened(scenario, visitor, host)
    if host in RELOAD:
        do(scenario, host, RELOAD[host][1])
        do(scenario, host, "systemctl restart docker")
        opened(scenario, visitor, host)


def test_open_after_a_reboot(scenario: Scenario, visitor: Visitor) -> None:
    with concurrent.futures.ThreadPoolExecutor(max_workers=5) as pool:
        list(pool.map(scenario.lab.reboot, scenario.hosts))
    for host in scenario.hosts:
        opened(scenario, visitor, host)
    for host in KEPT:
        with walls.Listener(scenario, host, 2223):
            assert not walls.reachable(scenario.address(host), 2223, 1.0), "%s closes nothing any more" % host
    # Nothing kept these rules, as the plan said: they are made anew, by hand.
    do(scenario, "iptables1", walls.SETUP["iptables"])
    assert not any(ways(scenario, "iptables1"))


@pytest.fixture(scope="module")
def addresses(scenario: Scenario) -> Dict[str, Tuple[str, str]]:
    """Of the person outside, of a stranger (who is the same person under other addresses), and of this machine."""
    def told(name: str) -> Dict[str, Dict[str, str]]:
        argv = ["docker", "inspect", "-f", "{{json .NetworkSettings.Networks}}", name]
        found: Dict[str, Dict[str, str]] = json.loads(subprocess.run(argv, capture_output=True, check=True).stdout)
        return found

    mine = told(scenario.visitor_container)[scenario.lab.client_network]
    four, six = mine["IPAddress"], mine["GlobalIPv6Address"]
    strange = four.rsplit(".", 1)[0] + ".253", six.rsplit(":", 1)[0] + ":fd" if six else ""
    for address, bits in zip(filter(None, strange), (24, 64)):
        where = ["--network", "container:" + scenario.visitor_container, "--cap-add", "NET_ADMIN"]
        words = ["addr", "replace", "%s/%d" % (address, bits), "dev", "eth0", *(["nodad"] if bits == 64 else [])]
        argv = ["docker", "run", "--rm", *where, "--entrypoint", "ip", "quantumsafe/lab:trixie-firewalls", *words]
        subprocess.run(argv, capture_output=True, check=True, timeout=60)
    return {"friend": (four, six), "stranger": strange, "controller": (mine["Gateway"], mine["IPv6Gateway"])}


@pytest.fixture(scope="module")
def sources(addresses: Dict[str, Tuple[str, str]]) -> List[str]:
    return [*filter(None, addresses["friend"] + addresses["controller"]), "192.0.2.0/25", "2001:db8::/48"]


@pytest.fixture(scope="module")
def narrowed(scenario: Scenario, sources: List[str]) -> Run:
    """Somebody has added rules, and then sources are given."""
    for host, script in LATER.items():
        do(scenario, host, script)
    run = scenario.deploy("--diff", oqs_ssh_firewall_sources=sources)
    assert run.code == 0, run.text
    return run


def tried(scenario: Scenario, visitor: Visitor, host: str, source: str, seconds: int = 60) -> Said:
    """A login from one of the visitor's addresses."""
    target = scenario.addresses(host)[":" in source]
    settings = ("HostName=" + target, "UserKnownHostsFile=/dev/null", "BatchMode=yes")
    argv = [*CLIENT, "-v", "-b", source, *(word for setting in settings for word in ("-o", setting))]
    return visitor.shell('timeout %d "$@"' % seconds, *argv, *visitor.target(host), "id -un")


@pytest.mark.parametrize("family", [0, 1], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("host", [*KINDS, OPEN])
def test_only_the_sources_given_come_in(
    scenario: Scenario, visitor: Visitor, narrowed: Run, addresses: Dict[str, Tuple[str, str]], host: str, family: int
) -> None:
    if not addresses["friend"][family]:
        pytest.skip("this machine, and so the lab, has no IPv6")
    friend = tried(scenario, visitor, host, addresses["friend"][family])
    assert (friend.code, friend.out) == (0, "oqs\n"), friend.log
    stranger = tried(scenario, visitor, host, addresses["stranger"][family], 25 if host == OPEN else 3)
    assert stranger.code != 0
    # Without a firewall it is sshd that refuses; else no packet comes so far.
    assert ("Permission denied (" in stranger.log) is (host == OPEN), stranger.log
    assert ("Connection established" in stranger.log) is (host == OPEN), stranger.log


def test_a_second_run_with_sources_changes_nothing(scenario: Scenario, narrowed: Run, sources: List[str]) -> None:
    assert "changed=0" not in narrowed.text
    run = scenario.deploy(oqs_ssh_firewall_sources=sources)
    assert run.text.count("changed=0") == len(scenario.hosts), run.text


@pytest.fixture(scope="module")
def closed(scenario: Scenario, narrowed: Run) -> Dict[str, List[str]]:
    """The firewall's part is taken away; the rules of others as they were before."""
    assert narrowed.code == 0
    before = {host: others(scenario, host) for host in KINDS}
    run = scenario.deploy(oqs_ssh_firewall_state="absent", oqs_ssh_verify_state="absent")
    assert run.code == 0, run.text
    return before


@hosts
def test_closed_again_and_the_rules_of_others_stay(
    scenario: Scenario, closed: Dict[str, List[str]], host: str
) -> None:
    assert scenario.root(host, "ss", "-Hltn", "sport = :2222") != "", "nobody listens"
    assert not any(ways(scenario, host))
    assert others(scenario, host) == closed[host]
    assert "192.0.2.99" in "\n".join(closed[host]) or "8080/tcp" in "\n".join(closed[host])


def test_taken_away_twice_is_no_change(scenario: Scenario, closed: Dict[str, List[str]]) -> None:
    assert closed
    run = scenario.deploy(oqs_ssh_firewall_state="absent", oqs_ssh_verify_state="absent")
    assert run.text.count("changed=0") == len(scenario.hosts), run.text
