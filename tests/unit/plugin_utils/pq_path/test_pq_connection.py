# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host's own connection over the quantum-safe path: what is pinned, and how a run comes back."""

from __future__ import annotations

from types import SimpleNamespace
from unittest.mock import MagicMock

import core_samples as samples
import known_samples
import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session import answer
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core.known import parse_want
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.pq_path import pins, pq_connection

KEYS = [samples.HOST_KEY]
WANT = parse_want({"ssh": {"state": "present", "image": {"name": "x"}, "port": 2222}})
REMOVAL = parse_want({"removal": {}})
OWN = {"own": {"ok": True}}


def found(done=None, port=22, address="localhost", **other):
    """What a host answers."""
    target = {"port": port, "address": address}
    return answer.Outcome(known_samples.look(**dict({"proof": OWN, "pins": KEYS, "hop_target": target}, **other)), done)


@pytest.fixture
def host(tmp_path, monkeypatch):
    """An action for a host; its variables are a plain dictionary."""
    monkeypatch.setattr(pq_connection.time, "sleep", lambda _seconds: None)
    task = SimpleNamespace(check_mode=False, args={}, async_val=0, action="x", delegate_to=None)
    made = Action(task, *[MagicMock() for _number in range(5)])
    made._task_vars = {"inventory_hostname": "web1", "ansible_host": "192.0.2.7", "oqs_ssh_client_dir": str(tmp_path)}
    monkeypatch.setattr(made, "_evaluated", lambda name: (made._task_vars.get(name), ""))
    return made


def test_what_a_handshake_proved_is_pinned(host):
    host.learn(WANT, found())
    assert pins.of(host.pins_file, "web1") == [pins.Pin("web1", "192.0.2.7", 2222, "localhost:22", tuple(KEYS))]
    host.learn(WANT, found(port=2200, address="fd00::1"))
    assert pins.of(host.pins_file, "web1")[0].target == "[fd00::1]:2200"
    host.learn(WANT, found(port=0))  # nobody asked about the hop
    assert pins.of(host.pins_file, "web1")[0].target == "[fd00::1]:2200"
    host.learn(REMOVAL, found())
    assert pins.of(host.pins_file, "web1"), "a look at what would go is no removal"
    host.learn(REMOVAL, found(done=[]))
    assert pins.of(host.pins_file, "web1") == []


@pytest.mark.parametrize("lacks", [{"proof": {}}, {"proof": {"own": {"ok": False}}}, {"pins": []}])
def test_what_is_not_proved_is_not_pinned(host, lacks):
    host.learn(WANT, found(**lacks))
    assert pins.read(host.pins_file) == ""


def test_check_mode_pins_nothing(host):
    host._task.check_mode = True
    host.learn(WANT, found())
    assert pins.read(host.pins_file) == ""


class Action(pq_connection.PqConnection):
    def run(self, tmp=None, task_vars=None):
        return {}


class Line:
    """A connection that breaks some times; by which ports it was tried."""

    def __init__(self, host, breaks, goes_on=0):
        self.host, self.breaks, self.goes_on, self.tried, self.asked = host, breaks, goes_on, [], []

    def __call__(self, request, arguments):
        self.asked.append((request, arguments["ticket"]))
        self.tried += [pin.port for pin in pins.of(self.host.pins_file, "web1")]
        if self.breaks:
            self.breaks -= 1
            raise AnsibleConnectionFailure("Connection refused\nmore")
        if request == "detached" and self.goes_on:
            self.goes_on -= 1
            return {"goes_on": "yes"}
        return {"changed": True}


def test_a_connection_that_holds_is_asked_once(host):
    line = Line(host, 0)
    assert host.surviving(line, {}, 2222) == {"changed": True}
    assert [request for request, _ticket in line.asked] == ["apply"]


def test_a_connection_that_breaks_is_come_back_to_with_the_same_ticket(host):
    line = Line(host, 3, goes_on=1)
    assert host.surviving(line, {}, 2222) == {"changed": True}
    assert [request for request, _ticket in line.asked] == ["apply"] + ["detached"] * 4
    assert len({ticket for _request, ticket in line.asked}) == 1
    assert host._connection.reset.called


def test_a_port_that_changes_is_tried_like_the_one_before(host):
    host.learn(WANT, found())
    line = Line(host, 3)
    host.surviving(line, {}, 2223)
    assert line.tried == [2222, 2222, 2223, 2222]


def test_a_host_that_never_answers_is_told_with_what_to_do(host, monkeypatch):
    monkeypatch.setattr(pq_connection, "PATIENCE", -1.0)
    with pytest.raises(AnsibleConnectionFailure, match=r"Connection refused\).*-e ansible_ssh_common_args="):
        host.surviving(Line(host, 99), {}, 0)


def ssh(host, *options, config="none"):
    """The host's connection is by ssh, with these options."""
    built = ["sshpass", "-d", "3", "ssh", "-F", config, *options, "web1.example"]
    host._connection.transport = "ssh"
    host._connection.get_option.side_effect = {"host": "web1.example", "ssh_executable": "ssh"}.get
    host._connection._build_command.return_value = [word.encode() for word in built]
    return host


@pytest.mark.parametrize(("options", "address", "direct"), [
    ([], "web1.example", True), ([], "Web1.Example", True), ([], "192.0.2.7", False),
    (["-J", "gate"], "web1.example", False), (["-o", "ProxyCommand=nc %h %p"], "web1.example", False),
    (["-o", "ProxyCommand=none"], "web1.example", True), (["-o", "HostName=192.0.2.7"], "web1.example", False),
    (["-o", "HostName=192.0.2.7"], "192.0.2.7", True), (["-o", "NoSuchOption=1"], "web1.example", False),
])
def test_whether_a_connection_goes_just_there(host, options, address, direct):
    assert ssh(host, *options).goes_directly_to(address) is direct


def test_a_jump_in_the_person_s_own_configuration_counts(host, tmp_path):
    config = tmp_path / "config"
    config.write_text("Host web1.example\n  ProxyJump gate\n")
    assert not ssh(host, config=str(config)).goes_directly_to("web1.example")


def test_another_kind_of_connection_may_go_anywhere(host):
    ssh(host)._connection.transport = "paramiko"
    assert not host.goes_directly_to("web1.example")
