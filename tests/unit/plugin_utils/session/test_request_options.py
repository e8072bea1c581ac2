# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options of modules: documented as they are, enough for what is sent, and checked by both ways to a host."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock

import core_samples as samples
import pytest
import yaml
from ansible_collections.quantumsafe.openssh.plugins.action import oqs_lockdown, oqs_rotate_password
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session import request_options
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session.registry import REGISTRY
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session import host_action

ROOT = Path(__file__).resolve().parents[4]
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py") if "def main" in path.read_text("utf-8"))
KEPT = ("choices", "elements", "required", "default")
LOCKDOWN = {"want": {"lockdown": {}}, "sections": ["lockdown"], "password": None}


class Given(Exception):
    """A module has said what its options are."""


def asks_for(**given):
    raise Given(given["argument_spec"])


def loaded(name):
    return importlib.import_module("ansible_collections.quantumsafe.openssh.plugins.modules." + name)


@pytest.fixture
def options_of(monkeypatch):
    """The options that a module checks."""
    def found(name):
        monkeypatch.setattr(loaded(name), "AnsibleModule", asks_for)
        with pytest.raises(Given) as given:
            loaded(name).main()
        return given.value.args[0]

    return found


def form(options, inner):
    """What options and documentation say alike."""
    return {
        name: dict({word: option[word] for word in KEPT if option.get(word) not in (None, False)},
                   type=option.get("type", "str"), inner=form(option.get(inner) or {}, inner))
        for name, option in options.items()
    }


@pytest.mark.parametrize("name", MODULES)
def test_options_are_those_of_the_documentation(name, options_of):
    described = yaml.safe_load(loaded(name).DOCUMENTATION).get("options") or {}
    assert form(described, "suboptions") == form(options_of(name), "options")


def ordered_in_roles():
    """Sections that tasks of roles and playbooks name."""
    text = "".join(path.read_text("utf-8") for part in ("roles", "playbooks") for path in (ROOT / part).rglob("*.yml"))
    lists = re.findall(r"^ +sections: (.*)$", text, re.MULTILINE)
    return {word for line in lists for word in re.findall(r"[a-z]+", re.sub(r"\{\{.*?else", "", line))}


def test_every_section_that_is_ordered_may_be(options_of):
    choices = set(options_of("oqs_apply")["sections"]["choices"])
    assert choices == set(request_options.ORDERS) and choices <= {*REGISTRY.specs, *REGISTRY.places}
    assert {"engine", "ssh", "hop"} <= ordered_in_roles() <= choices
    assert {oqs_lockdown.SECTION, oqs_rotate_password.SECTION} <= choices
    assert set(REGISTRY.specs) <= choices, "whatever can be wanted can be carried out"
    assert set(REGISTRY.sections(sorted(choices - {"removal"}))) == set(REGISTRY.places) - {"removal"}
    assert set(REGISTRY.sections(["removal"])) == set(REGISTRY.places)


class Action(host_action.HostAction):
    """Runs a module, and keeps what would be sent."""

    def work(self, arguments, asked):
        del asked
        return self.execute(arguments["module"], arguments["given"])

    def _request(self, request, arguments):
        self._task.sent.append((request, arguments))
        return dict(samples.LOOK, changed=False)


@pytest.fixture
def send(monkeypatch):
    monkeypatch.setattr(host_action, "HostStore", MagicMock())

    def sent(module, given):
        task = SimpleNamespace(args={"module": module, "given": given}, check_mode=True, diff=False, async_val=0,
                               action="x", delegate_to=None, sent=[])
        made = Action(task, *[MagicMock() for _number in range(5)])
        made._is_pipelining_enabled = lambda _style: True
        return made.run(task_vars={"inventory_hostname": "web1"}), task.sent

    return sent


def test_what_is_sent_is_complete(send):
    result, sent = send("oqs_apply", LOCKDOWN)
    assert not result.get("failed"), result
    assert sent == [("apply", dict(LOCKDOWN, parts=[], quick=False, check_mode=True))]
    assert send("oqs_look", {"want": {}})[1] == [("look", {"want": {}, "password": None, "check_mode": True})]
    assert send("oqs_client", {"step": "ask"})[1] == [
        ("client", {"step": "ask", "settings": {}, "check_mode": True})]
    quick = {"want": {}, "password": "heron", "sections": ["ssh"]}
    assert send("oqs_quick", quick)[1] == [("quick", dict(quick, check_mode=True))]


@pytest.mark.parametrize(("module", "given", "named"), [
    ("oqs_apply", dict(LOCKDOWN, sections=["lockdwn"]), "sections"),
    ("oqs_quick", {"want": {}, "sections": ["everything"]}, "sections"),
    ("oqs_look", {"want": 4711}, "want"),
    ("oqs_look", {"password": "heron-4711"}, "want"),
    ("oqs_look", {"want": {}, "pasword": "heron-4711"}, "pasword"),
    ("oqs_client", {"step": "settel"}, "step"),
])
def test_what_makes_no_sense_is_not_sent(send, module, given, named):
    result, sent = send(module, given)
    assert result["failed"] and sent == []
    assert result["msg"].startswith("nothing was sent to the host; %s: " % module) and named in result["msg"]
    assert "heron" not in result["msg"]
