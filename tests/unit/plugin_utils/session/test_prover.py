# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host is told of where the proof from outside starts, so that it can say whether it would come in."""

from __future__ import annotations

from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.quantumsafe.openssh.plugins.action import oqs_apply
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.spec import Prover
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core.known import parse_want

SOURCES = ["198.51.100.0/24"]
PLAY = {
    "inventory_hostname": "web1", "ansible_host": "192.0.2.1", "ansible_run_tags": ["all"], "ansible_skip_tags": [],
    "ansible_play_role_names": ["quantumsafe.openssh.oqs_ssh_verify"],
}
DIRECT = Prover("192.0.2.1", True)


def prover(monkeypatch, sources=SOURCES, direct=True, **variables):
    """What becomes of the wish for a firewall."""
    task_vars = dict(PLAY, **variables)
    task = SimpleNamespace(args={}, check_mode=False, diff=False, async_val=0, action="x", delegate_to=None)
    templar = Templar(DataLoader(), variables=task_vars)
    made = oqs_apply.ActionModule(task, MagicMock(), MagicMock(), MagicMock(), templar, MagicMock())
    made._task_vars = task_vars
    monkeypatch.setattr(made, "check_variables", lambda _sections, _secret: None)
    monkeypatch.setattr(made, "goes_directly_to", lambda address: direct and address == "192.0.2.1")
    firewall = {"state": "present", "backend": "auto", "sources": sources, "port": 2222, "container": "oqs-ssh"}
    return made.completed(parse_want({"firewall": firewall}), None).firewall.prover


@pytest.mark.parametrize("variables", [
    {}, {"oqs_ssh_probe_from": "controller"}, {"ansible_run_tags": ["oqs_ssh", "oqs_ssh_verify"]},
    {"ansible_skip_tags": ["docker_engine"]},
])
def test_a_play_that_proves_from_the_controller(monkeypatch, variables):
    assert prover(monkeypatch, **variables) == DIRECT


@pytest.mark.parametrize("variables", [
    {"oqs_ssh_probe_from": "host"}, {"oqs_ssh_probe_from": "bastion"}, {"oqs_ssh_verify_from": "host"},
    {"oqs_ssh_verify_state": "absent"}, {"oqs_ssh_state": "absent"}, {"oqs_ssh_verify_port": 2022},
    {"ansible_play_role_names": ["quantumsafe.openssh.oqs_ssh_firewall"]},
    {"ansible_run_tags": ["oqs_ssh_firewall"]}, {"ansible_skip_tags": ["oqs_ssh_verify"]}, {"sources": []},
])
def test_where_no_proof_comes_from_the_controller_nothing_is_said(monkeypatch, variables):
    assert prover(monkeypatch, **variables) == Prover()


@pytest.mark.parametrize(("variables", "found"), [
    ({"direct": False}, Prover("192.0.2.1", False)),
    ({"oqs_ssh_verify_address": "web1.example"}, Prover("web1.example", False)),
])
def test_another_way_is_told_as_such(monkeypatch, variables, found):
    assert prover(monkeypatch, **variables) == found
