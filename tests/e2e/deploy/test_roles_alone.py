# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each role works alone in somebody's own play, and with --tags: it looks for itself; a second run changes nothing."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest

from tests.e2e.library.scenario import ROOT, Run, Scenario, Setting

HOST = "web1"


SETTING = Setting("roles-alone", {HOST: "trixie:docker"})


def play(scenario: Scenario, folder: pathlib.Path, role: str, **extra: Any) -> Run:
    """A play of somebody's own, with one role of ours."""
    (folder / "collections").mkdir(exist_ok=True)
    if not (folder / "collections" / "ansible_collections").exists():
        (folder / "collections" / "ansible_collections").symlink_to(ROOT / "collections" / "ansible_collections")
    playbook = folder / (role + ".yml")
    playbook.write_text(
        "- hosts: all\n  gather_facts: false\n  become: true\n  roles: [quantumsafe.openssh.%s]\n" % role
    )
    run = scenario.deploy(playbook=playbook, oqs_ssh_image_source="build", **extra)
    assert run.code == 0, run.text
    return run


def test_one_after_the_other_each_in_its_own_play(scenario: Scenario, tmp_path: pathlib.Path) -> None:
    for role, changes in (
        ("docker_engine", False), ("oqs_ssh", True), ("oqs_ssh_firewall", False), ("oqs_ssh_hop", True),
        ("oqs_ssh_verify", False),
    ):
        first = play(scenario, tmp_path, role, oqs_ssh_hop_users=["alice"])
        assert ("changed=0" not in first.text) is changes, first.text
        if changes:
            assert "changed=0" in play(scenario, tmp_path, role, oqs_ssh_hop_users=["alice"]).text


def test_tags_choose_roles(scenario: Scenario) -> None:
    run = scenario.deploy("--tags", "oqs_ssh_hop", oqs_ssh_image_source="build", oqs_ssh_hop_users=["alice"])
    assert run.code == 0, run.text
    assert "changed=0" in run.text
    assert "Bring image, state and container" not in run.text
    scenario.root(HOST, "rm", "/etc/oqs-ssh/hop_config")
    run = scenario.deploy("--skip-tags", "oqs_ssh_hop", oqs_ssh_image_source="build", oqs_ssh_hop_users=["alice"])
    assert run.code == 0, run.text
    assert "changed=0" in run.text, "the hop was not asked for"


def test_a_role_says_what_it_lacks(scenario: Scenario, tmp_path: pathlib.Path) -> None:
    scenario.root(HOST, "systemctl", "stop", "docker.socket", "docker.service")
    try:
        with pytest.raises(AssertionError, match="use the role docker_engine, or start Docker"):
            play(scenario, tmp_path, "oqs_ssh")
    finally:
        scenario.root(HOST, "systemctl", "start", "docker.service")
