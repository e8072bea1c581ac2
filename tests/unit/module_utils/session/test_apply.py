# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Carrying out a plan: the order, another look after each round, and when to give up. Hosts are invented."""

from __future__ import annotations

import contextlib
from functools import partial
from types import SimpleNamespace
from typing import NamedTuple

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import host_lock, machine
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.describe import UNKNOWN
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import UserError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.machine import Machine
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.own_sshd import OwnSshd
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan import runner
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.ledger_file import LedgerFile, Written
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import ANOTHER_LOOK, Change
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.resource import Registry, Resource
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.typed import Facts, Spec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import engine
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.proof import Handshake, Proof
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session import apply_request
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session.look_request import Seen
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session.registry import REGISTRY
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session.request import Request

OWN = Proof(own=Handshake(ok=True))


class Wanted(NamedTuple):
    """What is wanted: nothing that matters here."""


class Section(Resource):
    """A place of the real plan."""

    def __init__(self, name):
        place = REGISTRY.places[name]
        self.sections, self.part = {name: place.label}, place.part


class Invented(Resource):
    """A host that is what its things say; ``stuck`` ones do not change, ``slow`` ones need another look first.

    ``needs`` is what a change needs, ``other`` kinds whose acts find that the rest was planned from something else.
    """

    part, spec = "ssh", {"ssh": Wanted}

    def __init__(self, **things):
        self.now = dict.fromkeys(things, "absent")
        self.wanted = things
        self.errors = []
        self.looks, self.acts, self.written = 0, [], []
        self.stuck, self.unknown_until = set(), {}
        self.needs, self.other, self.by_ansible = {}, set(), ()
        self.readers = {Proof: lambda _facts: OWN}
        sections = [Section(name) for name in REGISTRY.places]
        self.registry = Registry((*sections, engine.ENGINE), (self,), ())

    def plan(self, _spec, _facts, plan):
        self.looks += 1
        plan.errors += self.errors
        for kind, section in self.wanted.items():
            after = UNKNOWN if self.unknown_until.get(kind, 0) >= self.looks else "there"
            act = None if kind in self.by_ansible else partial(self.act, kind)
            if self.needs.get(kind) == ANOTHER_LOOK and after == UNKNOWN:
                act = None
            plan.add(Change(section, kind, "", self.now[kind], after if self.now[kind] == "absent" else "there",
                            "because", act=act, needs=self.needs.get(kind, ()), values=("docker.io",)))

    def act(self, kind, _host):
        self.acts.append((self.looks, kind))
        if kind not in self.stuck:
            self.now[kind] = "there"
        return kind in self.other

    def look(self):
        """A look of this host, as another part of an execution makes it."""
        facts = Facts(Wanted(), readers=self.registry.readers)
        return runner.Look(facts, runner.make_plan(self.registry, Spec(Wanted()), facts))


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Apply on an invented host; gives the outcome."""
    def carry_out(host, sections=("ssh",), first=None):
        monkeypatch.setattr(apply_request, "REGISTRY", host.registry)
        monkeypatch.setattr(apply_request.own_sshd, "read", OwnSshd)
        monkeypatch.setattr(apply_request.report, "look", lambda _r, _s, _f, plan, proof: SimpleNamespace(
            to_json=lambda: {"plan": plan.changes, "proof": proof}))
        monkeypatch.setattr(apply_request.state, "tidy", lambda _loading: None)
        monkeypatch.setattr(apply_request.state, "absent_ledger_folders", list)
        monkeypatch.setattr(apply_request.replacement, "whole", lambda *_any: contextlib.nullcontext())
        monkeypatch.setattr(machine, "read", Machine)
        monkeypatch.setattr(LedgerFile, "read", lambda _self: Written([]))
        monkeypatch.setattr(LedgerFile, "record", lambda _self, *given: host.written.append((len(host.acts), *given)))
        monkeypatch.setattr(host_lock, "locked", lambda: lock(str(tmp_path / "lock")))
        for name in ("_before_packages", "_after_packages", "_before_service"):
            monkeypatch.setattr(engine, name, lambda _host, *given, name=name: host.written.append(
                (len(host.acts), name, *given)))
        return apply_request.following(Request({"ssh": {}}, None, list(sections)), first)
    lock = host_lock.locked
    return carry_out


def kinds(done):
    return [row["kind"] for row in done]


def test_in_the_order_of_the_sections_and_then_another_look(run):
    host = Invented(running="container", host_key="keys", folder="state", image="image")
    outcome = run(host)
    assert [kind for _round, kind in host.acts] == ["image", "folder", "host_key", "running"]
    assert host.looks == 2 and outcome["plan"] == [] and outcome["proof"] == OWN and outcome["changed"]
    assert kinds(outcome["done"]) == ["image", "folder", "host_key", "running"]
    assert all(item["resource"].startswith(item["kind"].split("_")[0]) for item in outcome["done"])  # as in a plan


def first_look(host, path):
    """A look that was made before the lock was taken."""
    turn = host_lock.turn(str(path))
    return apply_request.First(turn, Seen({}, Spec(Wanted()), host.look()))


def test_a_look_that_is_still_true_is_not_repeated(run, tmp_path):
    host = Invented(sshd_config="config")
    with host_lock.locked(str(tmp_path / "lock")):
        pass
    outcome = run(host, first=first_look(host, tmp_path / "lock"))
    assert host.acts == [(1, "sshd_config")] and host.looks == 2 and outcome["proof"] == OWN


def test_a_look_before_somebody_elses_turn_is_repeated(run, tmp_path):
    host, locked = Invented(sshd_config="config"), host_lock.locked
    for had_it in (False, True):
        first = first_look(host, tmp_path / "lock")
        if had_it:
            with locked(str(tmp_path / "lock")):
                pass
        host.now["sshd_config"], host.looks, host.acts = "absent", 1, []
        run(host, first=first)
        assert host.acts == [(2, "sshd_config")]  # where there was no lock yet, nobody knows


def test_a_converged_host_is_looked_at_and_left_alone(run):
    host = Invented(folder="state")
    host.now["folder"] = "there"
    outcome = run(host)
    assert outcome["done"] == [] and not outcome["changed"] and host.acts == [] and host.looks == 1


def test_only_the_sections_that_were_asked_for(run):
    host = Invented(folder="state", nftables="firewall", hop_config="hop")
    run(host, ["firewall"])
    assert [kind for _round, kind in host.acts] == ["nftables"]


def test_what_cannot_be_known_yet_waits_for_another_look(run):
    host = Invented(folder="state", sshd_config="config", container="container")
    host.unknown_until, host.needs = {"sshd_config": 1}, {"sshd_config": ANOTHER_LOOK}
    run(host)
    assert host.acts == [(1, "folder"), (2, "sshd_config"), (2, "container")]


def test_what_only_the_act_can_tell_is_made_at_once(run):
    host = Invented(host_key="state")
    host.unknown_until = {"host_key": 9}
    run(host)
    assert host.acts == [(1, "host_key")]


@pytest.mark.parametrize(("other", "looks"), [(set(), 1), ({"image_facts"}, 2)])
def test_what_turns_out_as_planned_needs_no_other_look(run, other, looks):
    host = Invented(image_facts="state", sshd_config="config")
    host.other = other
    run(host)
    assert host.acts == [(1, "image_facts"), (looks, "sshd_config")]


def test_what_the_act_before_makes_known_follows_at_once(run):
    host = Invented(host_key="keys", known_hosts="config")
    host.unknown_until, host.needs = {"host_key": 9, "known_hosts": 9}, {"known_hosts": ("next_host_key", "host_key")}
    run(host)
    assert host.acts == [(1, "host_key"), (1, "known_hosts")]
    alone = Invented(folder="state", known_hosts="config")
    alone.unknown_until, alone.needs = {"known_hosts": 1}, host.needs
    run(alone)
    assert alone.acts == [(1, "folder"), (2, "known_hosts")]


def test_what_nothing_makes_known_is_no_success(run):
    """Such as the hop alone, on a host that has no image yet."""
    host = Invented(hop_config="hop")
    host.unknown_until, host.needs = {"hop_config": 99}, {"hop_config": ANOTHER_LOOK}
    outcome = run(host, ["hop"])
    assert outcome["failed"] and host.acts == []
    assert outcome["msg"].startswith("hop config is still absent; it was to be %s" % UNKNOWN)


def test_a_plan_with_a_refusal_changes_nothing(run):
    host = Invented(folder="state")
    host.errors = ["port 2222 is taken by nginx", "no root"]
    outcome = run(host)
    assert outcome["failed"] and outcome["msg"] == "port 2222 is taken by nginx; no root"
    assert host.acts == [] and host.written == []


def test_what_does_not_change_is_named_and_not_tried_for_ever(run):
    host = Invented(folder="state", running="container")
    host.stuck = {"running"}
    words = run(host)["msg"]
    assert words.startswith("running is still absent; it was to be there; ") and words.endswith(" run again")
    assert host.now["folder"] == "there" and host.looks == 3


def test_two_resources_that_undo_each_other_come_to_an_end(run):
    host = Invented(folder="state", entry="state")

    def undo(kind, _host):
        other = "entry" if kind == "folder" else "folder"
        host.now.update({kind: "there", other: "absent"})

    host.act = undo
    assert "is still absent" in run(host)["msg"]
    assert host.looks <= runner.ROUNDS


def test_an_act_that_fails_stops_the_rest_and_the_next_run_goes_on(run):
    host = Invented(folder="state", sshd_config="config", running="container")
    act = host.act

    def fail(kind, one):
        if kind == "sshd_config":
            raise UserError("refused")
        return act(kind, one)

    host.act = fail
    assert run(host)["msg"] == "refused"
    assert host.now == {"folder": "there", "sshd_config": "absent", "running": "absent"}
    host.act = act
    assert kinds(run(host)["done"]) == ["sshd_config", "running"]


def test_what_ansible_does_itself_is_written_down_first_and_left_to_it(run):
    host = Invented(daemon_settings="engine", packages="engine", service="engine")
    host.by_ansible = ("packages", "service")
    outcome = run(host, ["engine"])
    assert [kind for _round, kind in host.acts] == kinds(outcome["done"]) == ["daemon_settings"]
    assert host.written == [
        (0, "_before_packages", ["docker.io"]), (0, "service", "", "absent", "there"), (0, "_before_service", ""),
    ], "once, before any act"
    assert host.looks == 2 and len(outcome["plan"]) == 2


def test_where_no_packages_are_to_come_those_of_the_last_run_are_written_down(run):
    host = Invented(folder="state")
    run(host)
    assert host.written == [(0, "_after_packages")]


def test_sections_are_those_of_the_plan():
    assert REGISTRY.sections(["firewall"]) == ["firewall"]
    assert "access" in REGISTRY.sections(["ssh"]) and REGISTRY.sections(["password"]) == ["password"]
    known = {*REGISTRY.specs, *REGISTRY.places}
    assert known >= {"engine", "ssh", "password", "firewall", "hop", "lockdown", "removal"}
