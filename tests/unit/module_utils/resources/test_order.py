# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""In which order a host is changed, and that one thing that cannot be planned does not hide what is wrong with others.
"""

from __future__ import annotations

from typing import List

import core_samples as samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files, paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.describe import UNKNOWN
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.machine import NO_ROOT, Machine
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.containers import LABEL
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.inventory import Inventory
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import firewalls
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.sshconfig import ConfigError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan import runner
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.host import Host
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.ledger_file import LedgerFile
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Plan
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.resource import Registry, Resource
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.restore import Named
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.typed import Facts, Spec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import accounts, state
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.engine import Left
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.removal import Inside
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session.registry import REGISTRY


def kinds(plan: Plan) -> List[str]:
    return [each.kind for each in plan.ordered()]


def test_the_container_goes_before_the_folders_that_it_has_mounted() -> None:
    found = kinds(samples.plan({"ssh": samples.ssh_want(state="absent")}, samples.converged()))
    assert found[0] == "container_gone" and set(found[1:]) == {"folder_gone"}


def test_what_an_image_answers_is_kept_in_a_folder_that_is_there() -> None:
    found = kinds(samples.plan(samples.want(), samples.with_engine()))
    assert found.index("image") < found.index("folder") < found.index("image_facts") < found.index("sshd_config")


def test_what_was_cut_short_is_put_right_before_the_image_is_asked() -> None:
    facts = samples.converged()
    facts["container"]["labels"] = {LABEL: "old"}
    facts.update(upgrade={"cut_short": True}, image={"engine_id": samples.ENGINE_ID})
    assert kinds(samples.plan(samples.want(), facts))[:2] == ["upgrade_rest", "image_facts"]


@pytest.mark.parametrize("found", [{"kind": "podman"}, {"kind": "snap"}, {"rootless": True}, {"userns": True}])
def test_an_engine_that_is_refused_leaves_nothing_to_plan_of_the_server(found: "dict[str, object]") -> None:
    facts = samples.with_engine()
    facts["engine"].update(found)
    plan = samples.plan(samples.want(), facts)
    assert len(plan.errors) == 1 and {each.section for each in plan.changes} == {"firewall", "hop"}


def test_what_only_another_look_can_plan_is_no_task_of_ansible_s_and_is_not_passed_over() -> None:
    """A hop alone, on a host where nothing was ever deployed, is not done because nothing could be planned."""
    wanted = {"hop": samples.hop_want(users=[])}
    plan, facts = samples.plan(wanted, samples.virgin()), samples.facts_of(wanted, samples.virgin())
    assert {each.after for each in plan.changes} == {UNKNOWN}
    assert not any(each.by_ansible for each in plan.items())
    host = Host(samples.spec(wanted), facts, LedgerFile(REGISTRY.kinds))
    run = runner.Run(REGISTRY, ["hop"], host, lambda _done: runner.Look(facts, plan))
    with pytest.raises(runner.RunError, match="hop config is still absent; it was to be <known after apply>"):
        run.converge(None)


def test_nothing_behind_what_only_another_look_can_plan_is_carried_out() -> None:
    wanted = {"hop": samples.hop_want()}
    plan, facts = samples.plan(wanted, samples.virgin()), samples.facts_of(wanted, samples.virgin())
    assert kinds(plan)[-2:] == ["hop_identity", "hop_user"], "which would be carried out, without an image"
    host = Host(samples.spec(wanted), facts, LedgerFile(REGISTRY.kinds))
    run = runner.Run(REGISTRY, ["hop"], host, lambda _done: runner.Look(facts, plan))
    with pytest.raises(runner.RunError, match="hop config is still absent"):
        run.converge(None)
    assert run.done == []


def test_packages_and_the_service_are_tasks_of_ansible_s() -> None:
    items = samples.plan(samples.want(), samples.virgin()).items()
    assert {each.kind for each in items if each.by_ansible} == {"packages", "service"}


def test_a_configuration_that_cannot_be_edited_does_not_hide_what_else_is_wrong() -> None:
    class Broken(Resource):
        def plan(self, spec: Spec, facts: Facts, plan: Plan) -> None:
            raise ConfigError("no such line")

    class Other(Resource):
        def plan(self, spec: Spec, facts: Facts, plan: Plan) -> None:
            plan.refuse("a port is taken")

    both = (Broken(), Other())
    assert runner.make_plan(Registry(both, both, ()), Spec(), Facts()).errors == ["no such line", "a port is taken"]


def test_firewalls_are_not_asked_by_who_is_not_root(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = {"removal": {"container": "oqs-ssh", "port": 2222, "hop_users": [], "keep_keys": False}}
    facts = samples.facts_of(wanted, samples.virgin())
    facts.put(facts.of(Machine)._replace(root=False), Named(), Inside(), Inventory(), Left())
    facts.forget(firewalls.Found)

    def asked(*_any: object) -> None:
        raise AssertionError("a program of a firewall was asked")

    monkeypatch.setattr(firewalls, "read", asked)
    monkeypatch.setattr(accounts, "read", lambda *_any: {})
    assert runner.make_plan(REGISTRY, samples.spec(wanted), facts).errors == [NO_ROOT]


@pytest.mark.parametrize(("files_there", "port"), [
    ({paths.STATE_DIR: b"Port 2200\n"}, 2200), ({}, 2222),
    ({paths.STATE_DIR: b"Port 2200\n", paths.UPGRADE_BEFORE: b"Port 9\n"}, 9),
    ({paths.STATE_DIR: b'Banner "open\n'}, 2222),
])
def test_a_broken_configuration_does_not_keep_a_host_from_being_given_back(
    monkeypatch: pytest.MonkeyPatch, files_there: "dict[str, bytes]", port: int
) -> None:
    monkeypatch.setattr(files, "read_file", lambda path: files_there.get(path.rpartition("/")[0]))
    assert state.port_before() == port
