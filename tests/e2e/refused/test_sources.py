# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sources that leave out the controller, which is to prove from outside; one story, in order."""

from __future__ import annotations

from tests.e2e.library.scenario import Run, Scenario, Setting
from tests.e2e.library.walls import reachable

HOST = "web1"
SETTING = Setting("sources", {HOST: "trixie:docker"}, firewalls=[HOST])
OTHERS = ["198.51.100.0/24"]
WANT = {"oqs_ssh_image_source": "build"}


def controller(scenario: Scenario) -> str:
    """Where it comes from, as the host sees it."""
    return scenario.root(HOST, "sh", "-c", "ip route show default | cut -d' ' -f3").strip()


def refused(scenario: Scenario, *options: str) -> Run:
    """A run that changes nothing, and says why."""
    before = scenario.files(HOST), scenario.root(HOST, "nft", "list", "ruleset")
    run = scenario.deploy(*options, **WANT, oqs_ssh_firewall_sources=OTHERS)
    assert run.code != 0
    said = "nothing was changed; oqs_ssh_firewall_sources leave out %s, where this session comes from: " % (
        controller(scenario))
    assert run.line(HOST, "failed").startswith(said), run.text
    assert "add this address, or set oqs_ssh_probe_from" in run.line(HOST, "failed")
    assert (scenario.files(HOST), scenario.root(HOST, "nft", "list", "ruleset")) == before
    return run


def test_it_is_said_before_anything_is_changed(scenario: Scenario) -> None:
    refused(scenario, "--check")
    refused(scenario)
    assert scenario.root(HOST, "docker", "ps", "--all", "--quiet") == ""


def test_a_proof_from_the_host_goes_on_and_says_so(scenario: Scenario) -> None:
    run = scenario.deploy(**WANT, oqs_ssh_firewall_sources=OTHERS, oqs_ssh_probe_from="host")
    assert run.code == 0, run.text
    assert "the way in from outside was not tried" in run.words
    assert not reachable(scenario.address(HOST), 2222)


def test_with_its_address_it_gets_in(scenario: Scenario) -> None:
    run = scenario.deploy(**WANT, oqs_ssh_firewall_sources=[*OTHERS, controller(scenario)])
    assert run.code == 0 and run.line(HOST, "outside"), run.text


def test_a_quick_repair_that_would_shut_it_out_is_not_made(scenario: Scenario) -> None:
    refused(scenario)
    assert reachable(scenario.address(HOST), 2222)
