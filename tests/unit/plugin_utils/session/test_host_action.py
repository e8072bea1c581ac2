# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the actions oqs_look, oqs_apply and ssh_probe decide on the controller, without any host."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock

import known_samples
import pytest
import yaml
from ansible_collections.quantumsafe.openssh.plugins.action import oqs_apply, oqs_look, ssh_probe
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import platforms
from ansible_collections.quantumsafe.openssh.plugins.modules import oqs_apply as apply_module
from ansible_collections.quantumsafe.openssh.plugins.modules import oqs_look as look_module
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core.known import HostStore
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session import host_action
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session.host_variables import HostFailure

ROOT = Path(__file__).resolve().parents[4]
PLUGINS = "ansible_collections.quantumsafe.openssh.plugins"
SECRET = "heron-4711-lapwing"
WANT = {"hop": {"state": "present", "users": ["alice"]}}
ITEM = known_samples.item()._asdict()
OTHER = dict(ITEM, section="firewall", part="firewall", resource="rule", name="rule")


class Controller:
    """Actions of one host in one run, and what they sent to it."""

    def __init__(self, tmp_path, monkeypatch):
        self.sent, self.plan, self.errors, self.proof, self.quick = [], [], [], {}, True
        self.store = HostStore("web1", "", str(tmp_path))
        monkeypatch.setattr(host_action, "HostStore", lambda host, play: HostStore(host, play, str(tmp_path)))
        monkeypatch.setattr(host_action.HostAction, "completed", lambda _self, asked, _secret: asked)
        monkeypatch.setattr(host_action.HostAction, "secret", lambda _self, _arguments, _sections: SECRET)
        monkeypatch.setattr(host_action.HostAction, "execute", lambda _self, *given: self.execute(*given))

    def execute(self, module, arguments, _port):
        self.sent.append((module, arguments))
        found = known_samples.answered(
            plan=self.plan, errors=self.errors, proof=self.proof, wanted=sorted(arguments["want"]))
        if module.endswith("oqs_look") or (module.endswith("oqs_quick") and not self.quick):
            return found
        if module.endswith("oqs_quick"):
            return dict(found, plan=[], done=self.plan, looked=found)
        return dict(found, plan=[], done=self.plan)

    def run(self, action, check=False, diff=False, **arguments):
        """One task."""
        task = SimpleNamespace(args=arguments, check_mode=check, diff=diff, async_val=0, action="x", delegate_to=None)
        made = action.ActionModule(task, MagicMock(), MagicMock(), MagicMock(), MagicMock(), MagicMock())
        made._is_pipelining_enabled = lambda _style: self.pipelining
        result = made.run(task_vars={"inventory_hostname": "web1", "ansible_host": "192.0.2.1"})
        assert SECRET not in json.dumps(result, default=str)
        return result

    def apply(self, want=None, **more):
        return self.run(oqs_apply, sections=["hop"], want=want or WANT, **more)

    pipelining = True

    @property
    def modules(self):
        return [name for name, _arguments in self.sent]


@pytest.fixture
def controller(tmp_path, monkeypatch):
    return Controller(tmp_path, monkeypatch)


def test_nothing_to_do_costs_one_look(controller):
    assert controller.apply()["changed"] is False
    assert controller.apply()["changed"] is False
    assert controller.modules == ["oqs_look"]


def test_what_is_quickly_mended_is_mended_with_the_look(controller):
    controller.plan = [ITEM]
    result = controller.apply(quick=True, diff=True)
    assert (result["changed"], result["plan"], result["done"], len(result["diff"])) == (True, [], [ITEM], 1)
    assert controller.modules == ["oqs_quick"] and controller.sent[0][1]["sections"] == ["hop"]
    kept = controller.store.load()
    assert kept.look.plan == [] and kept.done == [known_samples.item()]
    assert controller.apply()["changed"] is False and controller.modules == ["oqs_quick"]


def test_what_takes_more_is_left_to_the_roles(controller):
    controller.plan, controller.quick = [ITEM], False
    result = controller.apply(quick=True)
    assert (result["changed"], result["plan"], result["done"]) == (False, [ITEM], [])
    assert controller.apply()["changed"] and controller.modules == ["oqs_quick", "oqs_apply"]


@pytest.mark.parametrize("way", ["check mode", "by role", "no pipelining", "over the container"])
def test_where_a_look_is_only_a_look(controller, monkeypatch, way):
    controller.plan, controller.pipelining = [ITEM], way != "no pipelining"
    monkeypatch.setattr(host_action.HostAction, "comes_over_pq", way == "over the container")
    sections = [] if way == "by role" else ["hop"]
    result = controller.run(oqs_apply, sections=sections, want=WANT, quick=True, check=way == "check mode")
    assert (result["changed"], result["plan"], controller.modules) == (False, [ITEM], ["oqs_look"])


def test_a_quick_change_that_failed_leaves_what_was_seen(controller, monkeypatch):
    def fails(_self, _module, _arguments, _port):
        raise HostFailure("the disk is full", known_samples.look(plan=controller.plan))

    monkeypatch.setattr(host_action.HostAction, "execute", fails)
    controller.plan = [ITEM]
    assert controller.apply(quick=True)["msg"] == "the disk is full"
    assert controller.store.load().look.plan == [known_samples.item()]


def test_another_want_makes_a_look_invalid(controller):
    controller.apply()
    controller.apply(want={"hop": dict(WANT["hop"], users=[])})
    assert controller.modules == ["oqs_look", "oqs_look"]


def test_only_its_own_sections(controller):
    controller.plan = [OTHER]
    result = controller.apply()
    assert (result["changed"], result["plan"], controller.modules) == (False, [], ["oqs_look"])


def test_check_mode_forecasts_and_does_nothing(controller):
    controller.plan = [ITEM]
    result = controller.apply(check=True, diff=True)
    assert result["changed"] is True and result["plan"] == [ITEM] and result["diff"]
    assert controller.modules == ["oqs_look"] and controller.store.load().check is True


def test_a_change_is_sent_once_with_what_it_needs(controller):
    controller.plan = [ITEM]
    result = controller.apply()
    assert result["changed"] is True and "diff" not in result
    assert controller.modules == ["oqs_look", "oqs_apply"]
    assert controller.sent[1][1]["sections"] == ["hop"] and controller.sent[1][1]["password"] == SECRET
    kept = controller.store.load()
    assert kept.done == [known_samples.item()] and kept.look.plan == []
    assert controller.apply()["changed"] is False and len(controller.sent) == 2


def test_refusals_and_failed_handshakes_end_the_host(controller):
    controller.errors = ["port 2222 is taken by nginx", "no way in"]
    result = controller.run(oqs_look, want=WANT)
    assert result["failed"] and result["msg"] == "nothing was changed; port 2222 is taken by nginx; no way in"
    assert controller.store.load().failed == result["msg"]
    controller.errors, controller.proof = [], {"hop": {"ok": False, "error": "the wrong key"}}
    result = controller.apply(want={"hop": dict(WANT["hop"], users=["bob"])})
    assert result["failed"] and result["msg"] == "the handshake with the host's own sshd failed: the wrong key"


@pytest.mark.parametrize(("given", "address"), [({}, "192.0.2.1"), ({"host": "h.example"}, "h.example")])
def test_probe_from_the_controller_asks_for_the_host_s_address(controller, monkeypatch, given, address):
    asked = []
    monkeypatch.setattr(ssh_probe, "examine", lambda params, default: asked.append(params["host"] or default) or {})
    task = SimpleNamespace(args=dict(given, probe_from="controller"), check_mode=True, diff=False, async_val=0,
                           action="ssh_probe", delegate_to=None)
    templar = MagicMock()
    templar.template.side_effect = lambda value: value
    made = ssh_probe.ActionModule(task, MagicMock(), MagicMock(), MagicMock(), templar, MagicMock())
    result = made.run(task_vars={"inventory_hostname": "web1", "ansible_host": "192.0.2.1"})
    assert not result.get("failed"), result
    assert asked == [address] and controller.modules == []


def test_the_controller_loads_nothing_that_changes_a_host():
    """It costs a tenth of a second, and a host's code has no business there."""
    names = sorted(path.stem for path in (ROOT / "plugins/action").glob("*.py"))
    program = """import importlib, sys
for name in sys.argv[2:]:
    importlib.import_module(sys.argv[1] + ".action." + name)
print("\\n".join(sys.modules))"""
    environment = dict(os.environ, PYTHONPATH=str(ROOT / "collections"))
    said = subprocess.run([sys.executable, "-c", program, PLUGINS, *names], stdout=subprocess.PIPE, env=environment,
                          check=True)
    loaded = said.stdout.decode().split()
    assert PLUGINS + ".module_utils.core.errors" in loaded and len(names) > 5
    heavy = tuple("%s.module_utils.%s" % (PLUGINS, room) for room in ("resources", "container", "firewall."))
    texts = {"%s.module_utils.firewall.%s" % (PLUGINS, name) for name in ("spec", "stranger")}
    assert [name for name in loaded if name.startswith(heavy) and name not in texts] == []


def test_the_modules_say_what_they_return():
    look = set(host_action.shown(known_samples.look()))
    assert set(yaml.safe_load(look_module.RETURN)) == look
    own = {"done", *platforms.how_to_install([], "apt", "systemd")}
    assert set(yaml.safe_load(apply_module.RETURN)) == {*look, *own}
