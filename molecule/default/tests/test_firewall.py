# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Closed before (create saw to that), open after, for good; an engine that was installed for real."""

from __future__ import annotations

from typing import Any

from scenario import Scenario
from visitor import Visitor
from walls import reachable

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
