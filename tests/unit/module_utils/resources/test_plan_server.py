# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is planned for hosts as they are met: nothing where all is as wanted; and what is taken away again."""

from __future__ import annotations

import json

import core_samples as samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.describe import UNKNOWN
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.facts import Judged, WantedImage
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli
from plan_samples import SECTIONS, assert_sound, kinds, only

# hosts as they are met


def test_a_virgin_host():
    plan = samples.plan(samples.want(), samples.virgin())
    assert plan.errors == []
    assert {item.section for item in plan.changes} == set(SECTIONS) - {"lockdown", "watch", "removal"}
    assert only(plan, "packages").after == "docker.io docker-cli"
    assert only(plan, "service").after == "running, enabled"
    settings_before = json.loads(only(plan, "daemon_settings").after)
    assert settings_before["iptables"] is False and settings_before["ip-forward"] is False
    assert settings_before["live-restore"] is True and settings_before["log-opts"]["max-size"]
    order = [item.kind for item in plan.ordered()]
    assert order.index("daemon_settings") < order.index("packages") < order.index("service") < order.index("image")
    # never an open port before the password, the keys and the configuration are in place
    for first in ("host_keys", "sshd_config", "password", "authorized_keys", "container"):
        assert order.index(first) < order.index("running") < order.index("nftables")
    for kind in ("host_keys", "sshd_config", "ssh_config", "known_hosts", "password", "container", "running"):
        assert only(plan, kind).after == UNKNOWN
    assert_sound(plan)


def test_what_the_image_s_label_says_makes_the_plan_whole():
    """Before a host holds the image; what only it can tell is not acted on until it was asked there."""
    want = samples.want()
    want["ssh"]["image"] = dict(want["ssh"]["image"], facts=samples.image())
    plan, later = samples.plan(want, samples.virgin()), samples.plan(samples.want(), samples.image_known())
    known = {(item.kind, item.name): item.after for item in plan.changes}
    assert known.items() >= {(item.kind, item.name): item.after for item in later.changes}.items()
    kinds_alone = {kind for kind, _name in known} - kinds(later)
    assert kinds_alone == {"daemon_settings", "packages", "service", "image", "image_facts"}
    assert_sound(plan)


def test_what_a_virgin_host_will_get_is_named_as_fully_as_later():
    """Check mode on a virgin host names each resource of the hop that a host with the image is shown, too."""
    first = samples.plan(samples.want(), samples.virgin())
    later = samples.plan(samples.want(), samples.image_known())
    hop = [{(item.kind, item.name) for item in plan.changes if item.section == "hop"} for plan in (first, later)]
    assert hop[0] == hop[1]


@pytest.mark.parametrize(("distribution", "like", "codename", "packages"), [
    ("debian", [], "bookworm", "docker.io"),
    ("debian", [], "forky", "docker.io docker-cli"),
    ("ubuntu", ["debian"], "noble", "docker.io"),
    ("raspbian", ["debian"], "bookworm", "docker.io"),
])
def test_packages_by_distribution(distribution, like, codename, packages):
    facts = samples.virgin()
    facts["machine"].update(distribution=distribution, like=like, codename=codename)
    assert only(samples.plan(samples.want(), facts), "packages").after == packages


def test_an_engine_without_the_image():
    plan = samples.plan(samples.want(), samples.with_engine())
    assert plan.errors == [] and "engine" not in {item.section for item in plan.changes}
    assert only(plan, "image").after == "example.org/oqs:1 (archive)"
    assert_sound(plan)


def test_a_stopped_engine_is_started_and_nothing_else_of_it_is_touched():
    facts = samples.virgin()
    facts["engine"].update(installed=True, service=True)
    plan = samples.plan({"engine": {"state": "present"}}, facts)
    assert [(item.kind, item.name) for item in plan.changes] == [("service", "docker")]


def test_settings_of_an_engine_that_are_there_stay():
    facts = samples.virgin()
    facts["engine"]["daemon_json"] = True
    assert "daemon_settings" not in kinds(samples.plan(samples.want(), facts))


def test_the_image_is_known():
    plan = samples.plan(samples.want(), samples.image_known())
    assert plan.errors == [] and not kinds(plan) & {"image", "image_facts", "packages"}
    assert only(plan, "host_key").name == samples.HYBRID_KEY
    assert only(plan, "host_key").after == only(plan, "known_hosts").after == UNKNOWN
    assert "PermitRootLogin no" in only(plan, "sshd_config").after
    assert only(plan, "uid").after == str(samples.FREE_UID)
    assert only(plan, "password").before == "absent" and only(plan, "password").after == "the given one"
    assert_sound(plan)


@pytest.mark.parametrize("ssh", [
    {},
    {"stock_clients": True},
    {"kex_algorithms": ["mlkem768x25519-sha256"], "host_key_algorithms": ["ssh-mldsa44", "ssh-ed25519"]},
    {"password_set": False, "sources": ["192.0.2.0/24"]},
    {"uid": "5000", "port": 443, "container": "other"},
])
@pytest.mark.parametrize("hop", [
    {}, {"users": []}, {"scope": "global"}, {"state": "absent", "users": []},
])
def test_a_converged_host_has_nothing_to_do(ssh, hop):
    want = samples.want(ssh=samples.ssh_want(**ssh), hop=samples.hop_want(**hop))
    want["firewall"]["port"] = want["ssh"]["port"]
    plan = samples.plan(want, samples.converged(want))
    assert (plan.changes, plan.errors) == ([], [])


# taking away


def test_absent_takes_the_container_and_its_state_and_no_more():
    plan = samples.plan({"ssh": samples.ssh_want(state="absent")}, samples.converged())
    assert kinds(plan) == {"container_gone", "folder_gone"} and plan.errors == []
    gone = {item.name for item in plan.changes if item.kind == "folder_gone"}
    assert gone == set(paths.REMOVED) - {paths.PARTS_DIR}, "which is there after an interruption only"
    assert not any(item.name.endswith("ledger") for item in plan.changes)


def test_absent_leaves_somebody_elses_container():
    facts = samples.converged()
    facts["container"]["labels"] = {}
    plan = samples.plan({"ssh": samples.ssh_want(state="absent")}, facts)
    assert "container_gone" not in kinds(plan)


def test_absent_on_a_virgin_host_is_nothing():
    plan = samples.plan({"ssh": samples.ssh_want(state="absent")}, samples.virgin())
    assert (plan.changes, plan.errors) == ([], [])


def test_an_edited_configuration_waits_for_the_image_that_is_to_judge_it(monkeypatch):
    """The new image is on its way: what its label says is known, and it cannot be run yet."""
    def never(*_any, **_more):
        raise AssertionError("there is no such image here")

    monkeypatch.setattr(cli, "run_once", never)
    facts = samples.converged()
    facts["state"]["sshd_config"] += b"Banner /etc/issue\n"
    known = facts["image"]
    facts["image"] = {}
    ssh = samples.ssh_want()
    ssh["image"] = dict(ssh["image"], id=samples.IMAGE_ID, facts={
        name: value for name, value in known.items() if name not in ("engine_id", "origin")})
    read = samples.facts_of(samples.want(ssh=ssh), facts)
    read.forget(Judged)
    assert read.of(WantedImage).image.engine_id == samples.IMAGE_ID and read.of(Judged) == Judged()
