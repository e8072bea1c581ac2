# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An engine or a systemd that does not answer: what stops, and what goes on all the same."""

from __future__ import annotations

from types import SimpleNamespace

import core_samples as samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import commands
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.machine import Machine
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.containers import Container
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.engine import Engine
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.inventory import Inventory
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.ledger_file import Written
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Change
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.typed import Facts
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import engine as resource
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session.registry import REGISTRY


@pytest.fixture
def silent(monkeypatch):
    """A Docker that is there and says nothing."""
    monkeypatch.setattr(cli, "program", lambda: "/bin/false")
    monkeypatch.setattr(cli, "_somebody_listens", lambda: True)
    monkeypatch.setattr(resource.engine, "_kind_of_program", lambda _program: "docker")


def facts(want):
    return Facts(samples.spec(want), Written([], False, ""), readers=REGISTRY.readers)


@pytest.mark.parametrize("want", [
    {"ssh": samples.ssh_want()}, {"hop": samples.hop_want()}, {"removal": {}}, {"lockdown": {"state": "present"}},
    {"engine": {"state": "present"}},
])
def test_an_engine_that_does_not_answer_ends_a_run_by_name(silent, want):
    for kind in (Engine, Container, Inventory):
        if kind is not Container or set(want) & {"ssh", "hop", "lockdown"}:
            with pytest.raises(cli.DockerError, match="exit code 1"):
                facts(want).of(kind)


def test_it_does_not_stand_in_the_way_of_opening_a_locked_host(silent):
    found = facts({"lockdown": {"state": "absent"}})
    assert found.of(Engine) == Engine() and not found.of(Container)


@pytest.mark.parametrize("does", ["exit 1", "kill -9 $$", "exit 0"])
def test_what_a_service_was_is_written_down_or_it_is_not_touched(monkeypatch, does):
    monkeypatch.setattr(resource, "answer", lambda _argv: commands.answer(["sh", "-c", does]))
    with pytest.raises(commands.CommandError):
        resource._unit("docker.service")


def test_a_unit_that_is_not_there_has_one_word(monkeypatch):
    monkeypatch.setattr(resource, "answer", lambda _argv: commands.answer(["printf", "inactive\n\n"]))
    assert resource._unit("docker.service") == "inactive"


@pytest.mark.parametrize(("systemd", "kept"), [
    (True, ["docker", "docker.service", "docker.socket"]), (False, ["docker"]),
])
def test_systemd_is_asked_only_where_there_is_one(monkeypatch, systemd, kept):
    rows = []
    monkeypatch.setattr(resource, "_unit", lambda _name: "active enabled")
    monkeypatch.setattr(resource, "_after_packages", lambda _host: None)
    host = SimpleNamespace(facts=Facts(Machine(systemd=systemd)), ledger=SimpleNamespace(
        record=lambda _kind, name, *_words: rows.append(name)))
    resource.ENGINE.announce(host, [Change("engine", "service", "docker", "stopped", "running, enabled", "why")])
    assert rows == kept
