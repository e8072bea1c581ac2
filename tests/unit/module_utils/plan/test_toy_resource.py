# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A new kind of thing is one class and one line in the registry: a toy, from its spec to what the ending says of it."""

from __future__ import annotations

import json
import os
from functools import partial
from typing import List, NamedTuple, Optional

import core_samples as samples
import known_samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files, machine, paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.machine import Machine
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.shape import WrongShape
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import RemovalSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.engine import Engine
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.inventory import Inventory
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import firewalls
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.handshakes import Proof
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.own_sshd import OwnSshd
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan import ledger, restore, runner, typed
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.host import Host
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.ledger_file import LedgerFile
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Change, Item, Plan, diff
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.resource import Registry, Resource
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.restore import Named
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.typed import Facts, Spec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.engine import Left
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.lockdown import Lockdown, Watched
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.removal import Inside
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session import answer, report
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session.registry import REGISTRY
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.summary import summary

# the one new file


class BellSpec(NamedTuple):
    """A bell at the door."""

    state: str = "present"
    tone: str = "ding"


class Bells(NamedTuple):
    """The tone of the bell that is there; None: there is none."""

    tone: Optional[str] = None


class BellResource(Resource):
    """A bell, which is a file."""

    part = "bell"
    sections = {"bell": "bell at the door"}
    spec = {"bell": BellSpec}
    ledger = {"bell": r"/.+/bell"}

    def __init__(self, path: str) -> None:
        self.path = path
        self.readers = {Bells: self._read}

    def _read(self, _facts: Facts) -> Bells:
        data = files.read_file(self.path)
        return Bells(None if data is None else data.decode())

    def plan(self, spec: Spec, facts: Facts, plan: Plan) -> None:
        wanted, found = spec.get(BellSpec), facts.of(Bells)
        if wanted:
            plan.add(Change("bell", "bell", self.path, found.tone or "absent", wanted.tone, "visitors ring",
                            act=partial(self._hang, wanted.tone), quick=True))

    def restore(self, facts: Facts, plan: Plan) -> None:
        found, rows = facts.of(Bells), facts.of(Named).rows
        if found.tone is not None and restore.first(rows, "bell", self.path):
            before = restore.was(rows, "bell", self.path)
            plan.add(Change("bell", "bell_gone", self.path, found.tone, before or "absent", restore.CAME,
                            act=partial(self._hang, before), said="the bell (%s)" % found.tone))

    def _hang(self, tone: Optional[str], host: Host) -> None:
        host.ledger.record("bell", self.path, host.facts.of(Bells).tone, tone)
        if tone is None:
            files.remove_file(self.path)
        else:
            files.write_file(self.path, tone.encode(), 0o644)


# the rest is what there is already


class House:
    """A host in a folder of its own, with the real registry and one more line in it."""

    def __init__(self, path: str) -> None:
        self.path, bell = path, BellResource(path)
        self.registry = Registry(
            resources=(*REGISTRY.resources, bell), planning=(*REGISTRY.planning, bell),
            restoring=(bell, *REGISTRY.restoring),
        )
        #: of a host on which nothing is but the bell
        self.known = (Engine(), Inventory(), Left(), Lockdown(), Inside(), Watched(), OwnSshd())

    def bell(self) -> Optional[str]:
        if not os.path.exists(self.path):
            return None
        with open(self.path, encoding="ascii") as bell:
            return bell.read()

    def look(self, spec: Spec) -> runner.Look:
        return runner.look(self.registry, spec, *self.known)

    def result(self, spec: Spec) -> answer.Look:
        """A look as it travels."""
        facts, plan = self.look(spec)
        found = report.look(self.registry, spec, facts, plan, Proof())
        return answer.parse(json.loads(json.dumps(found.to_json()))).look

    def carry_out(self, spec: Spec, section: str) -> List[Item]:
        """A run; what was done, as it travels."""
        book = LedgerFile(self.registry.kinds, closed=self.registry.removes(spec))
        host = Host(spec, Facts(), book)
        run = runner.Run(self.registry, [section], host, lambda _done: self.look(spec))
        plan = run.converge(None)
        return plan.items(run.done)


@pytest.fixture
def house(monkeypatch, tmp_path):
    """Nothing of the machine is read or written."""
    for name, value in list(vars(paths).items()):
        if isinstance(value, str) and value.startswith(("/etc/", "/var/", "/run/")):
            monkeypatch.setattr(paths, name, str(tmp_path) + value)
    monkeypatch.setattr(paths, "REMOVED", tuple(str(tmp_path) + each for each in paths.REMOVED))
    monkeypatch.setattr(os, "fchown", lambda *_any: None)
    monkeypatch.setattr(machine, "machine_id", lambda: "0123456789abcdef")
    monkeypatch.setattr(machine, "read", lambda: Machine(id="0123456789abcdef"))
    monkeypatch.setattr(firewalls, "read", lambda *_any: samples.firewall_facts())
    for folder in ("door", "var/lib"):
        (tmp_path / folder).mkdir(parents=True)
    return House(str(tmp_path / "door" / "bell"))


def wanted(house, **bell):
    return typed.parse({"bell": bell}, house.registry.specs)


def rows():
    with open(paths.LEDGER, encoding="ascii") as book:
        return [json.loads(line) for line in book][1:]


def ending(**row):
    return summary.ending({"web1": known_samples.known(**row)}, None)


def test_it_is_looked_at_planned_and_shown(house):
    look = house.result(wanted(house, tone="dong"))
    plan = look.plan
    assert [(each.resource, each.before, each.after) for each in plan] == [
        ("bell " + house.path, "absent", "dong")]
    assert (plan[0].label, plan[0].part, plan[0].by_ansible) == ("bell at the door", "bell", False)
    assert diff(plan) == [{
        "before_header": "bell %s (visitors ring)" % house.path, "after_header": "bell " + house.path,
        "before": "absent\n", "after": "dong\n",
    }]
    assert look.wanted == ["bell"] and look.errors == []
    assert house.bell() is None, "a look changes nothing"


def test_it_is_applied_and_written_down_first(house):
    spec = wanted(house, tone="dong")
    done = house.carry_out(spec, "bell")
    assert house.bell() == "dong" and [each.kind for each in done] == ["bell"]
    row, = rows()
    assert (row["kind"], row["name"], row["before"], row["after"]) == ("bell", house.path, None, "dong")
    assert house.look(spec).plan.changes == [] and house.carry_out(spec, "bell") == []
    assert len(rows()) == 1, "a second run writes nothing"


def test_its_act_is_not_begun_where_the_ledger_takes_nothing(house):
    os.makedirs(paths.LEDGER_DIR)
    with open(paths.LEDGER, "wb") as book:
        book.write(ledger.head("another machine"))
    with pytest.raises(runner.RunError, match="the ledger belongs to another machine"):
        house.carry_out(wanted(house), "bell")
    assert house.bell() is None


@pytest.mark.parametrize("before", [None, "clang"])
def test_it_is_taken_back_and_the_ledger_goes_last(house, before):
    if before:
        with open(house.path, "w", encoding="ascii") as bell:
            bell.write(before)
    house.carry_out(wanted(house, tone="dong"), "bell")
    removal = Spec(RemovalSpec())
    planned = house.look(removal).plan
    assert planned.errors == [] and [each.kind for each in planned.ordered()] == ["bell_gone", "ledger_gone"]
    done = house.carry_out(removal, "removal")
    assert [each.kind for each in done] == ["bell_gone", "ledger_gone"]
    assert house.bell() == before and not os.path.exists(paths.VAR_DIR)
    assert house.look(removal).plan.changes == []


def test_a_bell_of_somebody_else_stays(house):
    with open(house.path, "w", encoding="ascii") as bell:
        bell.write("clang")
    assert house.look(Spec(RemovalSpec())).plan.changes == [] and house.bell() == "clang"


def test_it_is_worded_without_a_table_that_knows_it(house):
    spec = wanted(house, tone="dong")
    forecast = ending(look=house.result(spec), want={}, check=True)
    assert "a run would change: bell %s" % house.path in forecast
    done = house.carry_out(spec, "bell")
    look = house.result(spec)
    assert "done        bell %s\n" % house.path in ending(look=look, want={}, done=done)
    many = [each._replace(name=str(number)) for each in done for number in range(9)]
    assert "done        bell at the door\n" in ending(look=look, want={}, done=many)
    removal = Spec(RemovalSpec())
    forecast = ending(look=house.result(removal), want={"removal": {}}, check=True)
    assert "a run would take away: the bell (dong), the ledger (" in forecast
    gone = house.carry_out(removal, "removal")
    assert "gone        the bell (dong), the ledger (" in ending(
        look=house.result(removal), want={"removal": {}}, done=gone)


def test_one_line_in_the_registry_is_all(house):
    registry = house.registry
    assert "bell" in registry.places and registry.sections(["bell"]) == ["bell"]
    assert registry.sections(["removal"])[-2:] == ["bell", "removal"] and "bell" not in REGISTRY.places
    with pytest.raises(WrongShape, match="there is no section bell"):
        typed.parse({"bell": {}}, REGISTRY.specs)
    with pytest.raises(WrongShape):
        wanted(house, colour="red")
    line = json.dumps({"kind": "bell", "name": house.path, "before": None, "after": "ding"}).encode() + b"\n"
    data = ledger.head("m") + line
    assert ledger.parse(registry.kinds, data, "m")[0].name == house.path
    with pytest.raises(ledger.LedgerError, match="of no known kind"):
        ledger.parse(REGISTRY.kinds, data, "m")
