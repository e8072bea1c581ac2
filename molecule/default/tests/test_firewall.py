# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Closed before (create saw to that), open after, for good; an engine that was installed for real."""

from __future__ import annotations

import subprocess
from typing import Any, Iterator

import pytest

from tests.e2e.library.scenario import Scenario
from tests.e2e.library.visitor import Visitor
from tests.e2e.library.walls import reachable

FIREWALLED, OPEN = "web1", "db1"


def _other_rules(scenario: Scenario) -> None:
    assert scenario.surroundings(FIREWALLED)["firewall"] == scenario.remembered("before")[FIREWALLED]["firewall"]


def test_docker_was_installed_for_real(scenario: Scenario, machine: Any) -> None:
    assert machine.package("docker.io").is_installed
    assert machine.service("docker").is_running
    assert machine.service("docker").is_enabled
    assert not machine.interface("docker0").exists


def test_open_and_only_this_port(scenario: Scenario, visitor: Visitor) -> None:
    assert visitor.ssh(FIREWALLED, "true").code == 0
    listener = "import socket; s = socket.create_server(('', 2223)); s.settimeout(20); s.accept()"
    scenario.root(FIREWALLED, "sh", "-c", "python3 -c \"%s\" >/dev/null 2>&1 &" % listener)
    assert not reachable(scenario.address(FIREWALLED), 2223, 2.0)
    _other_rules(scenario)


def test_open_after_the_rules_are_loaded_again(scenario: Scenario, visitor: Visitor) -> None:
    scenario.root(FIREWALLED, "systemctl", "reload", "nftables")
    assert visitor.ssh(FIREWALLED, "true").code == 0
    scenario.root(FIREWALLED, "systemctl", "restart", "nftables")
    assert visitor.ssh(FIREWALLED, "true").code == 0
    _other_rules(scenario)


def test_open_after_a_reboot(scenario: Scenario, visitor: Visitor) -> None:
    scenario.lab.reboot(FIREWALLED)
    visitor.served(FIREWALLED)
    assert "policy drop" in scenario.root(FIREWALLED, "nft", "list", "chain", "inet", "filter", "input")
    _other_rules(scenario)


def test_no_firewall_is_turned_on(scenario: Scenario) -> None:
    assert scenario.root(OPEN, "nft", "list", "ruleset") == ""
    assert scenario.root(OPEN, "systemctl", "is-active", "nftables", check=False) == "inactive"


#: A network behind the host, with somebody who listens; what was there before is put back.
BEHIND = """
ip netns add lan
ip link add lan0 type veth peer name lan1 netns lan
ip addr add 198.51.100.1/24 dev lan0 && ip link set lan0 up
ip -n lan addr add 198.51.100.2/24 dev lan1 && ip -n lan link set lan1 up
ip -n lan route add default via 198.51.100.1
sysctl -qw net.ipv4.ip_forward=1
ip netns exec lan sh -c 'nc -lk -p 8080 >/dev/null 2>&1 & echo $! > /run/behind'
"""


@pytest.fixture
def route(scenario: Scenario) -> Iterator[str]:
    """A route of the person outside through the host; how the other end is asked."""
    before = scenario.root(OPEN, "sysctl", "-n", "net.ipv4.ip_forward")
    scenario.root(OPEN, "sh", "-ec", BEHIND)
    argv = ["docker", "run", "--rm", "--network", "container:" + scenario.visitor_container, "--cap-add", "NET_ADMIN",
            "--entrypoint", "ip", "quantumsafe/lab:trixie-plain", "route", "replace", "198.51.100.0/24",
            "via", scenario.address(OPEN)]
    subprocess.run(argv, capture_output=True, check=True, timeout=60)
    yield "timeout 5 bash -c 'exec 3<>/dev/tcp/198.51.100.2/8080' && echo through"
    scenario.root(OPEN, "sh", "-c", "kill $(cat /run/behind); ip netns del lan")
    scenario.root(OPEN, "sysctl", "-qw", "net.ipv4.ip_forward=" + before)


def test_a_routing_host_goes_on_routing(scenario: Scenario, visitor: Visitor, route: str) -> None:
    assert visitor.shell(route).out == "through\n"
    scenario.root(OPEN, "systemctl", "restart", "docker")
    visitor.served(OPEN)
    assert visitor.shell(route).out == "through\n"
    assert scenario.root(OPEN, "nft", "list", "ruleset") == ""
