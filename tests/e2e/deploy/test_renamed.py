# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Another name and another port, and then another password: one container of ours is there, and the first password is
worth nothing anywhere."""

from __future__ import annotations

from typing import List

import pytest

from tests.e2e.library.scenario import ROOT, Run, Scenario, Setting
from tests.e2e.library.visitor import Visitor

pytestmark = pytest.mark.docker
HOST, FIRST, SECOND = "web1", "Vortex-lantern-heron-42", "Heron-vortex-lantern-43"
SETTING = Setting("renamed", {HOST: "trixie:docker"})
RENAMED = {"oqs_ssh_container_name": "pq-access", "oqs_ssh_port": 2223}


def deploy(scenario: Scenario, password: str, **extra: object) -> Run:
    """A run that must go well."""
    run = scenario.deploy(oqs_ssh_image_source="build", oqs_ssh_password=password, **extra)
    assert run.code == 0, run.text
    return run


def containers(scenario: Scenario) -> List[str]:
    """All that the engine has."""
    return sorted(scenario.root(HOST, "docker", "ps", "--all", "--format", "{{.Names}}").split())


def taken(scenario: Scenario, password: str, port: int) -> bool:
    """Whether a password opens a session at a port."""
    visitor = Visitor(scenario)
    only = ("-o", "PubkeyAuthentication=no", "-o", "NumberOfPasswordPrompts=1")
    talk = visitor.typed(HOST, "id -un", *only, answers=[("assword:", password)], port=port)
    return talk.code == 0


def test_one_container_and_one_password_under_whatever_name(scenario: Scenario) -> None:
    deploy(scenario, FIRST)
    deploy(scenario, FIRST, oqs_ssh_container_name="other")
    assert containers(scenario) == ["other"], "the port is ours, under any name"
    deploy(scenario, FIRST, **RENAMED)
    deploy(scenario, SECOND, **RENAMED)
    assert containers(scenario) == ["pq-access"]
    assert taken(scenario, SECOND, 2223) and not taken(scenario, FIRST, 2223)
    assert not taken(scenario, FIRST, 2222) and not scenario.root(HOST, "ss", "-Hltn", "sport = :2222")
    assert "changed=0" in deploy(scenario, SECOND, **RENAMED).text


def test_a_second_one_from_before_goes(scenario: Scenario) -> None:
    """As an earlier version left it when the name was changed: it serves the same state with its own password."""
    label = scenario.root(HOST, "docker", "inspect", "--format", "{{.Image}}", "pq-access")
    scenario.root(HOST, "docker", "create", "--name", "oqs-ssh", "--label", "org.quantumsafe.openssh.spec=x",
                  "--mount", "type=bind,source=/etc/oqs-ssh,target=/etc/oqs-ssh", label)
    deploy(scenario, SECOND, **RENAMED)
    assert containers(scenario) == ["pq-access"]
    assert "changed=0" in deploy(scenario, SECOND, **RENAMED).text


def test_a_removal_leaves_nothing(scenario: Scenario) -> None:
    run = scenario.deploy(playbook=ROOT / "remove-oqs-ssh.yml", oqs_ssh_hosts="all")
    assert run.code == 0, run.text
    assert containers(scenario) == []
    assert scenario.root(HOST, "sh", "-c", "ls -d /etc/oqs-ssh /var/lib/oqs-ssh 2>/dev/null || true") == ""
