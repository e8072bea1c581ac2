# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Our container is known by its label, whatever it is called: another name is no other container, and no second one
serves from the same state with a password of its own."""

from __future__ import annotations

import core_samples as samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.container import container as resource
from ansible_collections.quantumsafe.openssh.plugins.module_utils.container import journal
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli, containers, inspected
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.containers import LABEL, Container, Others
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import password, shadow
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.host import Host
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import access

SECOND = Container(id="2", name="old", labels={LABEL: "x"}, running=True, status="running", pid=5,
                   holds=(paths.STATE_DIR,), sockets=frozenset({99}))
COPY = SECOND._replace(id="3", name="copy", holds=())


class Ledger:
    """Writes down what it is told."""

    def __init__(self):
        self.rows = []

    def record(self, *row):
        self.rows.append(row)


@pytest.fixture
def asked(monkeypatch):
    """What is said to the engine."""
    said = []
    monkeypatch.setattr(cli, "docker", lambda arguments, **_more: said.append(list(arguments)))
    return said


def of(plan, *sections):
    return [(item.kind, item.name, item.before) for item in plan.ordered() if item.section in sections]


def renamed(**ssh):
    """A converged host, and another name (and more) wanted."""
    return samples.want(ssh=samples.ssh_want(container="new", **ssh)), samples.converged()


def test_another_name_is_another_name_first_and_then_goes_the_way_of_every_replacement():
    want, facts = renamed()
    plan = samples.plan(want, facts)
    assert plan.errors == [] and plan.ordered()[0].kind == "name"
    assert of(plan, "image", "container") == [
        ("name", "new", "oqs-ssh"), ("trial", "new", "not proved"), ("swap", "new", "of other settings")]


def test_another_name_and_port():
    want, facts = renamed(port=2223)
    facts["port"] = {}
    plan = samples.plan(want, facts)
    assert plan.errors == [] and "swap" in {item.kind for item in plan.changes}
    assert "container" not in {item.kind for item in plan.changes}


def test_the_name_alone_is_changed_without_a_break(asked):
    want, facts = renamed()
    change = next(item for item in samples.plan(want, facts).changes if item.kind == "name")
    host = Host(samples.spec(want), samples.facts_of(want, facts), Ledger())
    change.act(host)
    assert asked == [["rename", "oqs-ssh", "new"]] and host.facts.of(Container).name == "new"
    assert host.ledger.rows[0][:2] == ("container", "new")


def test_a_second_one_goes_before_anything_takes_its_port():
    facts = dict(samples.converged(), others=[SECOND])
    facts["port"] = {"inodes": [99], "pid": 5, "owner": "sshd, process 5", "ends": {99: "::"}, "owners": {99: "sshd"}}
    plan = samples.plan(samples.want(), facts)
    assert plan.errors == [], "the port is taken by ours"
    assert of(plan, "container")[:1] == [("container_gone", "old", "running")]
    facts["container"]["labels"] = {LABEL: "old"}
    assert [kind for kind, _name, _before in of(samples.plan(samples.want(), facts), "container")] == [
        "container_gone", "swap"]


def test_a_copy_that_somebody_made_is_named_and_stays():
    plan = samples.plan(samples.want(), dict(samples.converged(), others=[COPY]))
    assert plan.changes == [] and any("the container copy carries our mark" in note for note in plan.notes)


def test_the_state_absent_takes_all_of_ours():
    facts = dict(samples.converged(), others=[SECOND, COPY])
    plan = samples.plan(samples.want(ssh=samples.ssh_want(state="absent"), hop=None, firewall=None), facts)
    gone = [item.name for item in plan.changes if item.kind == "container_gone"]
    assert gone == ["oqs-ssh", "old"]


def look(monkeypatch, there):
    """Which container a run is about, of those that an engine has: name to mounted paths."""
    def found(name):
        if name not in there:
            return None
        state = inspected._State("exited", False)
        mounts = [inspected._Mount("bind", "/x", path) for path in there[name]]
        return inspected.Container("id-" + name, "image", state, inspected._Config({LABEL: "x"}), mounts,
                                   Name="/" + name)

    class Said:
        text = "\n".join(there)

    monkeypatch.setattr(cli, "program", lambda: "docker")
    monkeypatch.setattr(containers.inspected, "container", found)
    monkeypatch.setattr(containers.cli, "docker", lambda _arguments, **_more: Said)
    facts = samples.facts_of(samples.want(), samples.with_engine())
    facts.forget(Container, Others)
    return facts


@pytest.mark.parametrize(("there", "name", "others"), [
    ({}, "", []),
    ({"oqs-ssh": [paths.STATE_DIR]}, "oqs-ssh", []),
    ({"older": [paths.STATE_DIR]}, "older", ["older"]),
    ({"oqs-ssh": [paths.STATE_DIR], "older": [paths.STATE_DIR]}, "oqs-ssh", ["older"]),
    ({"copy": ["/etc/oqs-ssh-other"]}, "", ["copy"]),
    ({"older": [paths.HOME_SSH], "copy": []}, "older", ["older", "copy"]),
])
def test_the_label_and_the_state_tell_whose_it_is(monkeypatch, there, name, others):
    facts = look(monkeypatch, there)
    assert facts.of(Container).name == name
    assert [each.name for each in facts.of(Others).found] == others


def test_a_replacement_on_its_way_has_two(monkeypatch):
    there = {name: [paths.STATE_DIR] for name in ("oqs-ssh", "oqs-ssh-before", "oqs-ssh-trial")}
    monkeypatch.setattr(journal, "is_open", lambda: True)
    assert look(monkeypatch, there).of(Others) == Others()
    monkeypatch.setattr(journal, "is_open", lambda: False)
    assert len(look(monkeypatch, there).of(Others).same) == 2, "left over: they go"


def test_an_engine_that_does_not_answer_is_an_error(monkeypatch):
    facts = look(monkeypatch, {})

    def refuse(*_any, **_more):
        raise cli.DockerError("docker ps: no answer")

    monkeypatch.setattr(containers.cli, "docker", refuse)
    with pytest.raises(cli.DockerError):
        facts.of(Others)


def test_a_password_is_changed_wherever_it_is_in_force(monkeypatch, asked):
    given = shadow.make_hash(samples.SECRET)
    lines = {"oqs-ssh": given, "old": shadow.make_hash("the first one")}
    monkeypatch.setattr(access, "_shadow", lambda each: b"oqs:%s:1::::::\n" % lines[each.name].encode())
    want, found = samples.want(), dict(samples.converged(), others=[SECOND])
    facts = samples.facts_of(want, found)
    facts.forget(access.Password)
    assert facts.of(access.Password) == access.Password("another", "the container old has another one")

    changed = []
    monkeypatch.setattr(password, "set_hash", lambda name, user, _hash: changed.append((name, user)))
    monkeypatch.setattr(access.files, "write_file", lambda *_any: None)
    access._set(Host(samples.spec(want), facts, Ledger()))
    assert changed == [("oqs-ssh", "oqs"), ("old", "oqs")]


def test_the_ones_to_go_are_named_in_the_ledger_first(asked):
    host = Host(samples.spec(samples.want()), samples.facts_of(samples.want(), samples.converged()), Ledger())
    resource.remove("old", host)
    assert host.ledger.rows == [("container", "old", "ours", None)] and asked[0][:2] == ["rm", "--force"]
