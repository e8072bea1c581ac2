# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the variables want: the shape that goes to hosts, and what is said where a value cannot be read."""

from __future__ import annotations

import json
from types import SimpleNamespace
from unittest.mock import MagicMock

import core_samples as samples
import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.quantumsafe.openssh.plugins.action import (
    oqs_apply,
    oqs_client,
    oqs_lockdown,
    oqs_look,
    oqs_rotate_password,
)
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core.known import HostStore
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session import host_action
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.variables import variables, wanted

ALL = [name for name in wanted.SECTIONS if name != "removal"]
ACCESS = {"oqs_ssh_authorized_keys": [samples.MY_KEY]}


class Given:
    """Variables of a host, and which of them were read."""

    def __init__(self, **values):
        self.values, self.read = {name: trusted(value) for name, value in values.items()}, []
        self.templar = Templar(DataLoader(), variables=self.values)

    def __call__(self, name):
        self.read.append(name)
        return self.templar.template(self.values.get(name, variables.defaults()[name]))


def trusted(value):
    if isinstance(value, list):
        return [trusted(member) for member in value]
    return trust_as_template(value) if isinstance(value, str) else value


def want(*sections, rotate=False, **values):
    return json.loads(json.dumps(wanted.wanted(sections or ALL, Given(**values), rotate)))


def test_without_any_variable_it_is_what_the_defaults_say():
    assert want() == {
        "engine": {"state": "present"},
        "ssh": {
            "state": "present", "container": "oqs-ssh", "port": 2222, "restart_policy": "unless-stopped", "user": "oqs",
            "image": {"name": "docker.io/openquantumsafe/openssh:latest", "source": "pull", "archive": "",
                      "build_on": "controller", "build_base": "docker.io/library/debian:forky-slim",
                      "build_message": "", "rollback": False, "drops": [], "update": False, "max_age": 60},
            "uid": "auto", "mode": "shell", "authorized_keys": [], "authorized_keys_exclusive": True,
            "kex_algorithms": [], "host_key_algorithms": [], "pubkey_algorithms": [], "stock_clients": False,
            "classical_clients": False, "sources": [], "hop_port": 22,
        },
        "firewall": {"state": "present", "backend": "auto", "sources": [], "port": 2222, "container": "oqs-ssh"},
        "hop": {"state": "present", "users": [], "hop_port": 22, "scope": "localhost", "privileged": False,
                "container": "oqs-ssh", "port": 2222},
        "lockdown": {"state": "present", "minutes": 10.0, "breakglass_sources": [], "breakglass_minutes": 10.0,
                     "container": "oqs-ssh", "port": 2222, "hop_port": 22, "by_key": False, "user": "oqs",
                     "sources": []},
    }


def test_what_several_roles_share_is_said_once():
    found = want(oqs_ssh_port="2200", oqs_ssh_container_name="other", oqs_ssh_state="absent", **ACCESS)
    assert {found[name]["port"] for name in ("ssh", "firewall", "hop", "lockdown")} == {2200}
    assert {found[name]["container"] for name in ("ssh", "firewall", "hop", "lockdown")} == {"other"}
    assert {found[name]["state"] for name in ("ssh", "firewall", "hop")} == {"absent"}
    assert found["lockdown"]["by_key"] is True


def test_inventories_in_ini_form_give_texts():
    found = want(oqs_ssh_stock_clients="Yes", oqs_ssh_hop_enabled="no", oqs_ssh_lockdown="False", oqs_ssh_uid=4444,
                 oqs_ssh_lockdown_minutes="2.5", oqs_ssh_hop_port="2022")
    assert (found["ssh"]["stock_clients"], found["ssh"]["uid"], found["ssh"]["hop_port"]) == (True, "4444", 2022)
    assert (found["hop"]["state"], found["lockdown"]["state"]) == ("absent", "absent")
    assert found["lockdown"]["minutes"] == 2.5


def test_a_removal_closes_every_firewall():
    found = want("removal", oqs_ssh_firewall_backend="ufw", oqs_ssh_hop_users=["alice"], oqs_ssh_keep_keys=True)
    assert found == {
        "firewall": {"state": "absent", "backend": "auto", "sources": [], "port": 2222, "container": "oqs-ssh"},
        "removal": {"container": "oqs-ssh", "port": 2222, "hop_users": ["alice"], "keep_keys": True},
    }


@pytest.mark.parametrize(("step", "of_the_hop"), [("announce", False), ("hop_identity", True)])
def test_a_rotation_stands_in_both_sections(step, of_the_hop):
    found = want("ssh", "hop", rotate=True, oqs_ssh_rotate_keys=step, oqs_ssh_rotate_overlap="12")
    assert found["ssh"]["rotate"] == {"step": step, "overlap": 12.0} and found["hop"]["rotate"] is of_the_hop
    assert all("rotate" not in part for part in want("ssh", "hop").values())


def test_a_machine_of_a_person():
    assert wanted.client(Given(oqs_ssh_image="x/y:1", oqs_ssh_client_prefix="q-")) == {
        "state": "present", "dir": "~/.ssh", "bin": "~/.local/bin", "program": "auto", "image": "x/y:1", "identity": "",
        "hop_user": "", "prefix": "q-"}


def test_only_what_a_section_needs_is_read():
    given = Given(oqs_ssh_authorized_keys="{{ undefined_lookup }}")
    wanted.wanted(["firewall", "engine"], given)
    assert set(given.read) == {name for name in given.read if name.startswith(("oqs_ssh_firewall_", "docker_engine_"))}


@pytest.mark.parametrize("value", [None, [None], {"x": 1}, 2.5, "elsewhere\0", [5]], ids=str)
@pytest.mark.parametrize("name", sorted(set(variables.known()) - {variables.PASSWORD}))
def test_what_cannot_be_read_is_named(name, value):
    """Whatever is read in spite of it has its type; the check of all variables has the last word."""
    given = Given(**{name: value})
    for sections in (ALL, ["removal"]):
        try:
            wanted.wanted(sections, given, "ssh" in sections)
        except wanted.NotReadable as problem:
            assert str(problem) == name or variables.follows(str(problem)) == name
            assert variables.check({name: value}, samples.SECRET)


# the actions


class Controller:
    """Actions of one host, whose tasks do not say what they want."""

    def __init__(self, tmp_path, monkeypatch, **values):
        self.sent, self.values = [], dict(values, inventory_hostname="web1")
        monkeypatch.setattr(host_action, "HostStore", lambda host, play: HostStore(host, play, str(tmp_path)))
        monkeypatch.setattr(host_action.HostAction, "execute", lambda _self, *given: self.execute(*given))

    def execute(self, module, arguments, _port):
        self.sent.append((module, arguments))
        return dict(samples.LOOK, proof={}, changed=False, wanted=sorted(arguments["want"]))

    def run(self, action, **arguments):
        task = SimpleNamespace(args=arguments, check_mode=True, diff=False, async_val=0, action="x", delegate_to=None)
        templar = Templar(DataLoader(), variables=self.values)
        made = action.ActionModule(task, MagicMock(), MagicMock(), MagicMock(), templar, MagicMock())
        made._is_pipelining_enabled = lambda _style: True
        return made.run(task_vars=self.values)


@pytest.fixture
def controller(tmp_path, monkeypatch):
    return lambda **values: Controller(tmp_path, monkeypatch, **values)


@pytest.mark.parametrize(("action", "arguments", "sections"), [
    (oqs_look, {"sections": ["engine", "hop"]}, ["engine", "hop"]),
    (oqs_look, {"sections": ["removal"]}, ["firewall", "removal"]),
    (oqs_apply, {"sections": ["firewall"]}, ["firewall"]),
    (oqs_apply, {"sections": ["password"]}, ["ssh"]),
    (oqs_apply, {"sections": [], "look_at": ["hop", "ssh"], "quick": True}, ["hop", "ssh"]),
    (oqs_apply, {"sections": ["hop"], "want": {"hop": {"state": "absent"}}}, ["hop"]),
])
def test_what_a_task_names_is_what_the_host_is_asked_for(controller, action, arguments, sections):
    here = controller(oqs_ssh_port="2200", **ACCESS)
    result = here.run(action, **arguments)
    assert not result.get("failed"), result
    (module, sent), = here.sent
    assert module == "oqs_look" and sorted(sent["want"]) == sections
    assert "want" in arguments or all(part.get("port", 2200) == 2200 for part in sent["want"].values())


@pytest.mark.parametrize(("closing", "sections"), [(True, ["hop", "lockdown", "ssh"]), (False, ["lockdown"])])
def test_closing_needs_what_must_be_right_before_and_opening_nothing_else(controller, closing, sections):
    here = controller(oqs_ssh_lockdown=closing, oqs_ssh_breakglass_sources=["192.0.2.1"], **ACCESS)
    here.run(oqs_lockdown)
    assert sorted(here.sent[0][1]["want"]) == sections


def test_there_is_no_lockdown_without_a_way_back(controller):
    here = controller(**ACCESS)
    assert "oqs_ssh_breakglass_sources: must name at least one" in here.run(oqs_lockdown)["msg"] and here.sent == []


def test_the_other_keys_are_asked_for(controller):
    here = controller(oqs_ssh_rotate_keys="switch", **ACCESS)
    here.run(oqs_look, sections=["ssh", "hop"], rotate=True)
    assert here.sent[0][1]["want"]["ssh"]["rotate"] == {"step": "switch", "overlap": 168.0}


@pytest.mark.parametrize("action", [oqs_look, oqs_apply, oqs_lockdown, oqs_rotate_password, oqs_client])
def test_values_that_cannot_be_read_are_all_named_before_anything_is_sent(controller, tmp_path, action):
    here = controller(oqs_ssh_port=["heron"], oqs_ssh_user={"heron": 1}, oqs_ssh_image=trusted("{{ heron }}"),
                      oqs_ssh_password=samples.SECRET if action is not oqs_rotate_password else "",
                      oqs_ssh_password_store="" if action is not oqs_rotate_password else str(tmp_path / "store"))
    arguments = {oqs_client: {"step": "settle"}, oqs_lockdown: {}, oqs_rotate_password: {}}
    result = here.run(action, **arguments.get(action, {"sections": ["ssh"]}))
    assert result["failed"] and here.sent == []
    assert "oqs_ssh_port: must be a whole number, got a list of 1" in result["msg"]
    assert "oqs_ssh_user: must be text, got a dictionary of 1" in result["msg"]
    assert "oqs_ssh_image: cannot be evaluated" in result["msg"] and "'heron'" in result["msg"]
    assert "['heron']" not in result["msg"]


def test_an_image_that_is_no_text_is_named_with_the_others(controller):
    said = controller(oqs_ssh_image=["heron"], oqs_ssh_port=["heron"]).run(oqs_look, sections=["ssh"])["msg"]
    assert "oqs_ssh_image: must be text" in said and "oqs_ssh_port: must be a whole number" in said


def test_keys_that_cannot_be_evaluated_are_not_taken_for_none(controller):
    said = controller(oqs_ssh_authorized_keys=trusted("{{ heron }}")).run(oqs_look, sections=["ssh"])["msg"]
    assert "oqs_ssh_authorized_keys: cannot be evaluated" in said and "nobody could log in" not in said


def test_nobody_could_log_in_though_no_role_is_loaded(controller):
    assert "nobody could log in" in controller().run(oqs_look, sections=["ssh"])["msg"]
    assert not controller().run(oqs_look, sections=["engine"]).get("failed")


@pytest.mark.parametrize("sections", [["sssh"], "ssh,nothing", {"ssh": 1}], ids=str)
def test_a_section_that_there_is_not(controller, sections):
    here = controller(**ACCESS)
    result = here.run(oqs_look, sections=sections)
    assert result["failed"] and here.sent == [] and "section" in result["msg"]


def test_other_variables_make_a_look_invalid(controller):
    here = controller(**ACCESS)
    for port in (2222, 2222, 2200):
        here.values["oqs_ssh_firewall_port"] = here.values["oqs_ssh_port"] = port
        here.run(oqs_apply, sections=["firewall"])
    assert len(here.sent) == 2
