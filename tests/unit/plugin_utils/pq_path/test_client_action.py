# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What oqs_client does over which connection; and that no action gives a name of its base another meaning."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock

import core_samples as samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.action import oqs_client
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core import run_store
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core.known import HostStore
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.pq_path import pq_proof
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session import host_action

ACTIONS = sorted(path.stem for path in Path(oqs_client.__file__).parent.glob("oqs_*.py"))
SETTLED = {"changed": False, "notes": [], "hosts": {}, "identity": {}, "files": []}
SETTINGS = {"state": "present", "image": "image:1"}


class Machine:
    """The action for one host, and in which order it was proved and asked."""

    def __init__(self, tmp_path, monkeypatch):
        self.done, self.transport, self.proved, self.variables = [], "ssh", True, {}
        monkeypatch.setattr(host_action, "HostStore", lambda host, play: HostStore(host, play, str(tmp_path)))
        monkeypatch.setattr(oqs_client, "together", lambda name: run_store.together(name, str(tmp_path)))
        monkeypatch.setattr(host_action.HostAction, "execute", lambda _self, *given: self.execute(*given))
        monkeypatch.setattr(host_action.HostAction, "prove", lambda _self: self.prove())

    def execute(self, module, arguments):
        self.done.append(arguments["step"])
        self.hosts = arguments["settings"].get("hosts")
        return {"client": dict(samples.CLIENT)} if arguments["step"] == "ask" else dict(SETTLED)

    def prove(self):
        self.done.append("prove")
        if not self.proved:
            raise pq_proof.NotProved("it goes to port 22")

    def run(self, step, host="web1", **more):
        task = SimpleNamespace(args=dict(more, step=step), check_mode=False, diff=False, async_val=0, action="x",
                               delegate_to=None)
        templar = MagicMock()
        templar.template.side_effect = lambda value: value
        connection = MagicMock(transport=self.transport)
        made = oqs_client.ActionModule(task, connection, MagicMock(), MagicMock(), templar, MagicMock())
        return made.run(task_vars=dict(self.variables, inventory_hostname=host))

    def settle(self):
        return self.run("settle", settings=SETTINGS)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    return Machine(tmp_path, monkeypatch)


def test_nobody_is_made_to_prove_what_was_not_required(machine):
    assert machine.run("ask")["client"]["port"] == 2222
    assert not machine.settle().get("failed") and machine.done == ["ask", "settle"]


def test_a_host_is_asked_over_a_proved_connection(machine):
    machine.variables["oqs_ssh_require_pq"] = True
    assert not machine.run("ask").get("failed") and machine.done == ["prove", "ask"]


def test_machines_are_set_up_with_what_was_asked_since_the_last_were(machine):
    machine.run("ask")
    for _machine in range(2):  # of one play
        machine.settle()
        assert list(machine.hosts) == ["web1"]
    machine.run("ask", host="web2")
    machine.run("ask", host="web3")
    machine.settle()
    assert list(machine.hosts) == ["web2", "web3"]


@pytest.mark.parametrize("transport", ["ssh", "local"])
def test_a_host_is_not_asked_over_another(machine, transport):
    machine.transport, machine.proved, machine.variables["oqs_ssh_require_pq"] = transport, False, True
    result = machine.run("ask")
    assert result["msg"] == "the connection is not proved to be quantum-safe: it goes to port 22"
    assert machine.done == ["prove"]


@pytest.mark.parametrize(("transport", "done"), [("local", ["settle"]), ("ssh", ["prove", "settle"])])
def test_a_machine_is_proved_where_it_is_behind_a_network(machine, transport, done):
    machine.transport, machine.variables["oqs_ssh_require_pq"] = transport, True
    assert not machine.settle().get("failed") and machine.done == done


def test_a_machine_that_is_not_proved_is_left_alone(machine):
    machine.proved, machine.variables["oqs_ssh_require_pq"] = False, True
    assert "not proved" in machine.settle()["msg"] and machine.done == ["prove"]


def shape(method):
    """What a caller of a method has to know."""
    return str(inspect.signature(getattr(method, "__func__", method)))


@pytest.mark.parametrize("name", ACTIONS)
def test_a_name_of_the_base_means_the_same_in_an_action(name):
    package = oqs_client.__name__.rpartition(".")[0]
    action = importlib.import_module("%s.%s" % (package, name)).ActionModule
    ours = [base for base in action.__mro__[1:] if base.__module__.startswith("ansible_collections.")]
    pairs = [(method, vars(base)[word]) for base in ours for word, method in vars(action).items()
             if inspect.isfunction(method) and word in vars(base)]
    assert [(own.__name__, shape(own)) for own, _its in pairs] == [(its.__name__, shape(its)) for _own, its in pairs]
