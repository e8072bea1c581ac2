# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""When a look goes on by itself, and when it is only a look. Which kinds are quick: test_acts."""

from __future__ import annotations

import contextlib

import plan_samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import commands, host_lock
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli, containers
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Plan
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.runner import Look
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.typed import Facts, Spec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session import (
    apply_request,
    look_request,
    quick_request,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session.registry import REGISTRY

WANT = {"ssh": {"container": "oqs-ssh", "image": {"id": None, "name": "example.org/x:1", "source": "pull"}}}
#: What the real resources plan, by kind.
CHANGES = {each.kind: each for each in plan_samples.every_change()}


@pytest.fixture
def carried(monkeypatch):
    """The request on a host with a plan; what it would have applied."""
    def run(kinds, error=""):
        plan, applied, waited = Plan(REGISTRY.places), [], []
        plan.add(*[CHANGES[kind] for kind in kinds])
        plan.errors = [error] if error else []

        def seen(_arguments, worth):
            waited.append(worth(plan))
            return look_request.Seen({"plan": list(kinds), "changed": False}, Spec(), Look(Facts(), plan))

        def carry_out(arguments, first):
            applied.append((arguments.sections, first.turn, first.seen.look.plan))
            return {"done": list(kinds), "plan": [], "changed": True}

        monkeypatch.setattr(look_request, "seen", seen)
        monkeypatch.setattr(apply_request, "following", carry_out)
        monkeypatch.setattr(host_lock, "turn", lambda: 7)
        monkeypatch.setattr(look_request, "asking", lambda _want: contextlib.nullcontext())
        result = quick_request.run({"want": WANT, "password": None, "sections": ["ssh"]})
        return result, applied, waited == [True]
    return run


def test_what_is_quick_is_done_at_once(carried):
    result, applied, waited = carried(["sshd_config", "in_force"])
    assert result["done"] == ["sshd_config", "in_force"] and result["changed"] and not waited
    assert result["looked"]["plan"] == ["sshd_config", "in_force"] and applied[0][:2] == (["ssh"], 7)


@pytest.mark.parametrize("kinds", [[], ["image"], ["sshd_config", "swap"], ["sshd_config", "packages"]])
def test_else_it_is_a_look_that_waits_for_its_proof(carried, kinds):
    result, applied, waited = carried(kinds)
    assert (result, applied, waited) == ({"plan": kinds, "changed": False}, [], True)


def test_a_plan_that_cannot_succeed_is_not_begun(carried):
    assert carried(["sshd_config"], "the port is taken")[1] == []


@pytest.mark.parametrize(("image", "asked"), [
    (dict(WANT["ssh"]["image"], id="sha256:abc"), "sha256:abc"),
    (WANT["ssh"]["image"], "example.org/x:1"),
])
def test_docker_is_asked_ahead_exactly_what_a_look_will_ask(monkeypatch, image, asked):
    monkeypatch.setattr(cli, "program", lambda: "/usr/bin/docker")
    questions, ran = [], []
    monkeypatch.setattr(cli, "ahead", lambda argvs, env: questions.extend(
        (tuple(argv), *sorted(env.items())) for argv in argvs) or contextlib.nullcontext())
    monkeypatch.setattr(cli, "_somebody_listens", lambda: False)
    look_request.asking({"ssh": dict(WANT["ssh"], image=image)})
    none = commands.Completed(1, b"", b"No such container")
    monkeypatch.setattr(
        cli, "run", lambda argv, env, **_more: ran.append((tuple(argv), *sorted(env.items()))) or none)
    cli.inspect("container", "oqs-ssh")
    cli.inspect("image", asked)
    cli.docker(containers.MARKED, check=False)
    assert cli.engine() is None
    assert questions == ran
