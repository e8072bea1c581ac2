# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ansible over the quantum-safe path while port 22 is closed: others' playbooks, ours, and those that end their own
connection; and what is no proof of it."""

from __future__ import annotations

import pathlib
from typing import Any, Dict, Iterator

import pytest

from tests.e2e.library.scenario import ROOT, Run, Scenario
from tests.e2e.library.walls import reachable

LOOKUP = "{{ lookup('quantumsafe.openssh.pq_path') }} "
BACK = "coming back"
WALL = """nft add table inet test
nft 'add chain inet test input { type filter hook input priority -5; }'
nft add rule inet test input iifname != lo tcp dport 22 drop"""
PLAIN = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.ping:
    - ansible.builtin.copy: {content: "by the hop", dest: /root/by-the-hop, mode: "0600"}
"""
DEMANDING = """
- hosts: all
  gather_facts: false
  tasks:
    - quantumsafe.openssh.oqs_require_pq:
      register: proof
    - ansible.builtin.debug: {msg: "negotiated={{ proof.kex }} from={{ proof.came_from }}"}
"""


@pytest.fixture(scope="module")
def over(scenario: Scenario) -> Dict[str, str]:
    """The one line, before what the lab's own inventory has there."""
    own = [line for line in scenario.lab.inventory.read_text(encoding="utf-8").splitlines() if "common_args" in line]
    scenario.settings["ANSIBLE_COLLECTIONS_PATH"] = str(ROOT / "collections")
    return {"ansible_ssh_common_args": LOOKUP + own[0].partition(": ")[2].strip().strip('"').replace('\\"', '"')}


@pytest.fixture
def closed(scenario: Scenario, server: str) -> Iterator[None]:
    """Nobody from outside comes to port 22, not even over a connection that was kept open."""
    scenario.root(server, "sh", "-c", WALL)
    assert not reachable(scenario.address(server), 22)
    yield
    scenario.root(server, "nft", "delete", "table", "inet", "test")


@pytest.fixture
def play(tmp_path: pathlib.Path) -> Any:
    """A playbook of somebody's own."""
    def written(text: str) -> pathlib.Path:
        path = tmp_path / "play.yml"
        path.write_text(text, encoding="utf-8")
        return path

    return written


def created(scenario: Scenario, server: str) -> str:
    return scenario.root(server, "docker", "inspect", "-f", "{{.Created}}", "oqs-ssh")


def good(run: Run) -> Run:
    assert run.code == 0, run.text
    return run


@pytest.mark.usefixtures("closed")
def test_somebodys_own_playbook_as_it_is(scenario: Scenario, server: str, over: Dict[str, str], play: Any) -> None:
    good(scenario.deploy(playbook=play(PLAIN), **over))
    assert scenario.root(server, "cat", "/root/by-the-hop") == "by the hop"
    scenario.root(server, "rm", "/root/by-the-hop")


def test_what_is_demanded_holds_over_the_path_and_not_over_22(
    scenario: Scenario, over: Dict[str, str], play: Any
) -> None:
    proved = good(scenario.deploy(playbook=play(DEMANDING), **over)).words
    assert "negotiated=sntrup761x25519" in proved or "negotiated=mlkem768x25519" in proved
    plain = scenario.deploy(playbook=play(DEMANDING))
    assert plain.code != 0
    assert "not proved to be quantum-safe: it goes to the host's own sshd directly" in plain.words
    weaker = dict(over, ansible_ssh_args="-o ProxyCommand='ssh -W localhost:22 -p 2222 oqs@nowhere'")
    assert "not proved to be quantum-safe" in scenario.deploy(playbook=play(DEMANDING), **weaker).words


def test_our_playbooks_demand_it_before_they_look(scenario: Scenario, server: str, over: Dict[str, str]) -> None:
    refused = scenario.deploy(oqs_ssh_require_pq=True)
    assert refused.code != 0
    assert "not proved to be quantum-safe" in refused.line(server, "failed")
    assert refused.sessions[server] == 0
    assert good(scenario.deploy(oqs_ssh_require_pq=True, **over)).line(server, "done") == "nothing, it was as wanted"


@pytest.mark.usefixtures("closed")
def test_runs_that_replace_what_they_come_through(scenario: Scenario, server: str, over: Dict[str, str]) -> None:
    for change in ({"oqs_ssh_restart_policy": "always"}, {"oqs_ssh_port": 2223}, {}):
        before = created(scenario, server)
        run = good(scenario.deploy(oqs_ssh_require_pq=True, **over, **change))
        assert BACK in run.text
        assert "swap" in run.line(server, "done"), run.text
        assert created(scenario, server) != before
    assert good(scenario.deploy(**over)).line(server, "done") == "nothing, it was as wanted"
    listed = scenario.root(server, "find", "/run/oqs-ssh-errands", "-type", "f", "-printf", "%m %U\\n")
    assert set(listed.splitlines()) == {"600 0"}


@pytest.mark.usefixtures("closed")
def test_rotation(scenario: Scenario, server: str, over: Dict[str, str], tmp_path: pathlib.Path) -> None:
    store = {"oqs_ssh_password": "", "oqs_ssh_password_store": str(tmp_path / "store")}
    rotated = good(scenario.deploy(playbook=ROOT / "rotate-oqs-ssh-password.yml", **store, **over))
    assert "password" in rotated.line(server, "done")
    good(scenario.deploy(**over))


@pytest.mark.usefixtures("closed")
def test_the_host_keys_of_the_way_itself_are_rotated(scenario: Scenario, server: str, over: Dict[str, str]) -> None:
    """The pins know the next key before it is shown, so the way stays open."""
    rotate = ROOT / "rotate-oqs-ssh-keys.yml"
    for step in ({}, {"oqs_ssh_rotate_keys": "switch", "oqs_ssh_rotate_overlap": 0}):
        run = good(scenario.deploy(playbook=rotate, oqs_ssh_require_pq=True, **over, **step))
    assert "host key switch" in run.line(server, "done"), run.text
    assert good(scenario.deploy(oqs_ssh_require_pq=True, **over)).line(server, "done") == "nothing, it was as wanted"


@pytest.mark.usefixtures("closed")
def test_removal_by_the_way_that_goes_is_refused(scenario: Scenario, server: str, over: Dict[str, str]) -> None:
    refused = scenario.deploy(playbook=ROOT / "remove-oqs-ssh.yml", **over)
    assert refused.code != 0
    assert "comes through the container that it would remove" in refused.line(server, "failed")


def test_a_host_that_is_not_pinned_is_not_trusted(
    scenario: Scenario, server: str, over: Dict[str, str], play: Any
) -> None:
    pinned = scenario.keys / "known_hosts.oqs-ssh"
    kept = pinned.read_text(encoding="utf-8")
    pinned.write_text("", encoding="utf-8")
    try:
        refused = scenario.deploy(playbook=play(PLAIN), **over)
        assert refused.code != 0
        assert "no host key of its quantum-safe sshd is pinned" in refused.words
    finally:
        pinned.write_text(kept, encoding="utf-8")
