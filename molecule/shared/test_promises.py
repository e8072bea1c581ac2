# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every deployment promises, tried from outside by somebody who logs in; the host itself is as it was."""

from __future__ import annotations

import json
import time
from typing import Any, Dict

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import algorithms, shadow

from tests.e2e.library.scenario import PQ_KEY, Run, Scenario
from tests.e2e.library.visitor import Visitor
from tests.e2e.library.walls import reachable

MOST_SESSIONS = 1


def test_post_quantum_login(visitor: Visitor, server: str) -> None:
    said = visitor.ssh(server, "id -un")
    assert (said.code, said.out) == (0, "oqs\n"), said.log
    assert algorithms.family(said.kex) == "hybrid", said.kex
    assert algorithms.family(said.host_key) == "hybrid", said.host_key
    assert PQ_KEY in said.log, "another key than the post-quantum one was used"


def test_password_typed(scenario: Scenario, visitor: Visitor, server: str) -> None:
    if not scenario.variables.get("oqs_ssh_password", True):
        pytest.skip("no password is given in this scenario")
    said = visitor.typed_password(server, "id -un", scenario.password())
    assert (said.code, said.asked) == (0, False), said.screen
    assert said.screen.endswith("oqs\n")


def test_ordinary_client(scenario: Scenario, visitor: Visitor, server: str) -> None:
    said = visitor.stock(server, "id -un")
    if scenario.variables.get("oqs_ssh_stock_clients"):
        assert (said.code, said.out) == (0, "oqs\n"), said.log
        assert algorithms.family(said.kex) == "hybrid", said.kex
    else:
        assert said.code == 255
        assert "no matching key exchange method found" in said.log


def test_published_passwords_are_worthless(scenario: Scenario, visitor: Visitor, server: str) -> None:
    stored = scenario.root(server, "cat", "/etc/oqs-ssh/private/password")
    in_force = scenario.inside(server, "awk", "-F:", '$1 == "oqs" { print $2 }', "/etc/shadow")
    assert in_force == stored
    for published in ("Pa55W0rd", "oqs.pw", ""):
        assert not shadow.verify(published, stored)
    # One attempt on the wire: servers since 9.8 remember who fails.
    said = visitor.typed_password(server, "id -un", "Pa55W0rd")
    assert said.code == 255
    assert "Permission denied" in said.screen
    visitor.forgive(server)


def test_uid_is_nobody_elses(scenario: Scenario, server: str) -> None:
    for number, database in (("-u", "passwd"), ("-g", "group")):
        found = scenario.inside(server, "id", number, "oqs")
        assert int(found) >= 1000
        assert scenario.root(server, "getent", database, found, check=False) == ""
    owner = scenario.inside(server, "stat", "-c", "%u %g", "/home/oqs", "/home/oqs/.ssh").split()
    assert set(owner) == {found}


def test_host_is_as_before(scenario: Scenario, server: str) -> None:
    now, before = scenario.surroundings(server), scenario.remembered("before")[server]
    for what, value in before.items():
        assert now[what] == value, what
    assert reachable(scenario.address(server), 22)
    daemon = json.loads(scenario.root(server, "cat", "/etc/docker/daemon.json", check=False) or "{}") \
        if scenario.lab.host(server).variant == "plain" else {"iptables": False}
    assert daemon.get("iptables") is False, "an engine that we install must leave the server's network alone"


def test_state_is_closed_to_others(machine: Any) -> None:
    for path, mode, owner in (("/etc/oqs-ssh", 0o755, "root"), ("/etc/oqs-ssh/private", 0o700, "root"),
                              ("/var/lib/oqs-ssh", 0o700, "root"), ("/var/lib/oqs-ssh/ledger", 0o700, "root")):
        folder = machine.file(path)
        assert (folder.is_directory, folder.mode, folder.user) == (True, mode, owner), path
    listed = machine.check_output("find /etc/oqs-ssh/private -type f -perm /077 ! -name '*.pub' ! -name in-force")
    assert listed == "", "readable by others"
    assert machine.socket("tcp://0.0.0.0:2222").is_listening


def test_container_is_confined(machine: Any) -> None:
    found: Dict[str, Any] = json.loads(machine.check_output("docker inspect oqs-ssh"))[0]
    settings = found["HostConfig"]
    assert settings["RestartPolicy"]["Name"] == "unless-stopped"
    assert not settings["Privileged"]
    assert settings["CapDrop"] == ["ALL"]
    granted = {name.replace("CAP_", "") for name in settings["CapAdd"]}
    assert not granted & {"SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE", "SYS_MODULE", "NET_RAW", "ALL"}
    assert not [mount for mount in found["Mounts"] if "docker.sock" in mount["Source"]]


def test_health_is_told(scenario: Scenario, server: str) -> None:
    end = time.monotonic() + 45
    while True:
        health = scenario.root(server, "docker", "inspect", "-f", "{{json .State.Health}}", "oqs-ssh")
        if '"Status":"healthy"' in health:
            return
        assert time.monotonic() < end, health
        time.sleep(1)


@pytest.fixture(scope="module")
def converged(scenario: Scenario) -> Run:
    """One more run where everything is as wanted already."""
    return scenario.deploy()


def test_converged_run_changes_nothing_and_is_cheap(
    scenario: Scenario, visitor: Visitor, converged: Run, server: str
) -> None:
    assert converged.code == 0, converged.text
    assert converged.line(server, "done") == "nothing, it was as wanted", converged.text
    assert 1 <= converged.sessions[server] <= MOST_SESSIONS
    negotiated, own = converged.line(server, "negotiated"), visitor.ssh(server, "true")
    assert own.kex in negotiated
    assert own.host_key in negotiated


def test_printed_login_line_works_when_pasted(visitor: Visitor, converged: Run, server: str) -> None:
    line = converged.line(server, "log in")
    assert line, converged.text
    talk = visitor.pasted(line, "id -un; exit")
    assert talk.code == 0, talk.screen
    assert "oqs" in talk.screen.splitlines()
