# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is planned for which host: nothing where all is as wanted, and for each drift what depends on it."""

from __future__ import annotations

import json
from typing import Any, Callable, Dict, Set

import core_samples as samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import digests, paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import desired
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import SECTIONS, UNKNOWN
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import planning
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Facts = Dict[str, Any]


def kinds(plan: Any) -> Set[str]:
    return {item.kind for item in plan.items}


def only(plan: Any, kind: str) -> Any:
    found = [item for item in plan.items if item.kind == kind]
    assert len(found) == 1, kinds(plan)
    return found[0]


def assert_sound(plan: Any) -> None:
    """What holds of every plan, whatever the host."""
    order = [SECTIONS.index(item.section) for item in plan.ordered()]
    assert order == sorted(order)
    text = json.dumps([list(item) for item in plan.items] + plan.errors + plan.notes)
    assert samples.SECRET not in text and "$6$" not in text
    for item in plan.items:
        assert item.before != item.after and item.why
    assert len({(item.kind, item.name) for item in plan.items}) == len(plan.items)


# hosts as they are met


def test_a_virgin_host():
    plan = planning.make(samples.want(), samples.virgin())
    assert plan.errors == []
    assert {item.section for item in plan.items} == set(SECTIONS) - {"lockdown", "removal"}
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
    plan, later = planning.make(want, samples.virgin()), planning.make(samples.want(), samples.image_known())
    known = {(item.kind, item.name): item.after for item in plan.items}
    assert known.items() >= {(item.kind, item.name): item.after for item in later.items}.items()
    kinds_alone = {kind for kind, _name in known} - kinds(later)
    assert kinds_alone == {"daemon_settings", "packages", "service", "image", "image_facts"}
    assert_sound(plan)


def test_what_a_virgin_host_will_get_is_named_as_fully_as_later():
    """Check mode on a virgin host names each resource of the hop that a host with the image is shown, too."""
    first = planning.make(samples.want(), samples.virgin())
    later = planning.make(samples.want(), samples.image_known())
    hop = [{(item.kind, item.name) for item in plan.items if item.section == "hop"} for plan in (first, later)]
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
    assert only(planning.make(samples.want(), facts), "packages").after == packages


def test_an_engine_without_the_image():
    plan = planning.make(samples.want(), samples.with_engine())
    assert plan.errors == [] and "engine" not in {item.section for item in plan.items}
    assert only(plan, "image").after == "example.org/oqs:1 (archive)"
    assert_sound(plan)


def test_a_stopped_engine_is_started_and_nothing_else_of_it_is_touched():
    facts = samples.virgin()
    facts["engine"].update(installed=True, service=True)
    plan = planning.make({"engine": {"state": "present"}}, facts)
    assert [(item.kind, item.name) for item in plan.items] == [("service", "docker")]


def test_settings_of_an_engine_that_are_there_stay():
    facts = samples.virgin()
    facts["engine"]["daemon_json"] = True
    assert "daemon_settings" not in kinds(planning.make(samples.want(), facts))


def test_the_image_is_known():
    plan = planning.make(samples.want(), samples.image_known())
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
    plan = planning.make(want, samples.converged(want))
    assert (plan.items, plan.errors) == ([], [])


# one drift, and what depends on it

WHOLE_CONTAINER = {"container", "running"}
REPLACED = {"trial", "swap"}
DRIFTS: Dict[str, Any] = {
    "engine stopped": (lambda f: f["engine"].update(running=False, service=True), {"service"}),
    "folder": (lambda f: f["state"]["folders"].update({paths.PRIVATE_DIR: "755 0:0"}), {"folder"}),
    "entry": (lambda f: f["state"].update(entry=b"#!/bin/sh\n"), {"entry", "running"}),
    "host key gone": (lambda f: f["state"]["keys"].clear(), {"host_key", "known_hosts", "in_force"}),
    "host key readable by others": (
        lambda f: f["state"].update(key_modes={"ssh_host_ssh-mldsa44-ed25519_key": "mode 644 0:0"}), {"host_key"},
    ),
    "configuration hidden from the user": (
        lambda f: f["state"].update(modes={"/etc/oqs-ssh/ssh_config": "600 0:0"}), {"file_mode"},
    ),
    "entry not executable": (
        lambda f: f["state"].update(modes={"/etc/oqs-ssh/entry": "644 0:0"}), {"file_mode", "running"},
    ),
    "old files mounted": (
        lambda f: f["container"] and f["container"].update(stale=["/etc/oqs-ssh"]), {"running"},
    ),
    "state made anew under the container": (
        lambda f: f["state"]["folders"].update({paths.HOME_SSH: "absent"}), {"folder", "running"},
    ),
    "uid no account can have": (lambda f: f["state"].update(uid="99999999999999"), {"uid"}),
    "host key mismatch": (
        lambda f: f["state"]["keys"].update({
            "ssh_host_ssh-mldsa44-ed25519_key": (
                samples.key_pair(samples.HYBRID_KEY)[0], samples.key_pair(samples.HYBRID_KEY, b"eels")[1]),
        }), {"host_key", "known_hosts", "in_force"},
    ),
    "sshd_config by hand": (
        lambda f: f["state"].update(sshd_config=f["state"]["sshd_config"].replace(b"RootLogin no", b"RootLogin yes")),
        {"sshd_config"},
    ),
    "sshd_config not in force": (lambda f: f["state"].update(in_force="0" * 64), {"in_force"}),
    "ssh_config by hand": (
        lambda f: f["state"].update(ssh_config=f["state"]["ssh_config"].replace(b"Include", b"#Include")),
        {"hop_client"},
    ),
    "known_hosts by hand": (
        lambda f: f["state"].update(known_hosts=f["state"]["known_hosts"].split(b"\n", 1)[1]), {"known_hosts"},
    ),
    "password by hand": (lambda f: f.update(password={"state": "another", "why": "x"}), {"password"}),
    "password published": (
        lambda f: f.update(password={"state": "the published default", "why": "x"}), {"password"},
    ),
    "strange key": (
        lambda f: f["state"].update(authorized_keys=samples.HOST_KEYS[0].encode() + b"\n"), {"authorized_keys"},
    ),
    "container gone": (lambda f: f.update(container={}, port={}), WHOLE_CONTAINER),
    "container of other settings": (
        lambda f: f["container"]["labels"].update({desired.LABEL: "0" * 64}), REPLACED,
    ),
    "container stopped": (
        lambda f: (f["container"].update(running=False, status="exited", sockets=set()), f.update(port={})),
        {"running"},
    ),
    "sshd dead": (lambda f: f.update(port={}), {"running"}),
    "firewall closed": (lambda f: f["firewall"]["nftables"].update(ruleset=samples.ruleset()), {"nftables"}),
    "firewall open elsewhere": (
        lambda f: f["firewall"]["nftables"].update(ruleset=samples.ruleset([samples.open_rule(2223)])), {"nftables"},
    ),
    "firewall file gone": (lambda f: f["firewall"]["nftables"].update(snippet=None), {"firewall_file"}),
    "firewall not included": (lambda f: f["firewall"]["nftables"].update(conf=b"flush ruleset\n"), {"firewall_file"}),
    "hop file gone": (lambda f: f["state"].update(hop_config=None), {"hop_config"}),
    "hop identity gone": (lambda f: f["state"].update(identity=None), {"hop_identity", "hop_user"}),
    "hop identity damaged": (lambda f: f["state"].update(identity=b"\n"), {"hop_identity", "hop_user"}),
    "hop identity without its private half": (
        lambda f: f["state"].update(identity_state="half"), {"hop_identity", "hop_user"},
    ),
    "hop identity readable by others": (
        lambda f: f["state"].update(identity_state="mode 644 0:0"), {"hop_identity"},
    ),
    "hop user's line gone": (lambda f: f["hop"]["users"]["alice"].update(keys=b""), {"hop_user"}),
    "host's own key changed": (
        lambda f: f["hop"].update(host_keys=[samples.public_line("ssh-ed25519", b"new!")]), {"hop_known_hosts"},
    ),
}


@pytest.mark.parametrize("name", sorted(DRIFTS))
def test_a_single_drift_gives_what_depends_on_it_and_nothing_else(name):
    drift, expected = DRIFTS[name]
    facts = samples.converged()
    drift(facts)
    plan = planning.make(samples.want(), facts)
    assert plan.errors == []
    assert kinds(plan) == expected
    assert_sound(plan)


WISHES: Dict[str, Any] = {
    "port": ({"port": 443}, {"sshd_config", "known_hosts"} | REPLACED),
    "policy": ({"restart_policy": "always"}, REPLACED),
    "uid": ({"uid": "4444"}, {"folder", "uid"} | REPLACED),
    "kex": ({"kex_algorithms": ["mlkem768x25519-sha256"]}, {"sshd_config", "ssh_config", "in_force", "hop_config"}),
    "password taken back": ({"password_set": False}, {"password", "sshd_config", "in_force"}),
    "sources": ({"sources": ["192.0.2.0/24"]}, {"sshd_config", "in_force"}),
    "stock": ({"stock_clients": True}, {"host_key", "sshd_config", "known_hosts", "in_force"}),
    "key": ({"authorized_keys": [samples.MY_KEY, samples.public_line(samples.HYBRID_KEY, b"two2")]},
            {"authorized_keys"}),
}


@pytest.mark.parametrize("name", sorted(WISHES))
def test_a_new_wish_gives_what_depends_on_it_and_nothing_else(name):
    wish, expected = WISHES[name]
    facts = samples.converged()
    if "port" in wish:
        facts["port"] = {}  # nobody is on the new one
    plan = planning.make(samples.want(ssh=samples.ssh_want(**wish)), facts)
    assert plan.errors == [] and kinds(plan) == expected
    assert_sound(plan)


def test_a_container_that_is_replaced_is_tried_first_and_the_plan_says_so():
    facts = samples.converged()
    facts["container"]["labels"] = {desired.LABEL: "old"}
    plan = planning.make(samples.want(), facts)
    assert [item.kind for item in plan.ordered()] == ["trial", "swap"]
    assert only(plan, "trial").after == "proved"


def test_a_uid_that_the_host_has_taken_meanwhile_is_left():
    facts = samples.converged()
    facts["uid"] = {"taken": True, "free": 22223}
    item = only(planning.make(samples.want(), facts), "uid")
    assert (item.before, item.after) == ("22222", "22223")


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(st.sets(st.sampled_from(sorted(DRIFTS)), min_size=2, max_size=6))
def test_drifts_add_up_and_planning_never_raises(names):
    facts = samples.converged()
    for name in sorted(names):
        drift: Callable[[Facts], Any] = DRIFTS[name][0]
        if facts["container"] or "container" not in name:
            drift(facts)
    assert_sound(planning.make(samples.want(), facts))


RAW = st.one_of(st.none(), st.binary(max_size=40), st.sampled_from(
    [b"Port 1\nMatch all\n Port 2\n", b"Host *\n", b"Include /etc/oqs-ssh/hop_config\n", samples.IDENTITY,
     b"ssh-ed25519", b"x\r\ny", b'"', b"KexAlgorithms +a\n", b"\xff\xfe"]
))


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.fixed_dictionaries(dict.fromkeys(
        ("entry", "sshd_config", "ssh_config", "hop_config", "known_hosts", "authorized_keys", "identity"), RAW)),
    st.sampled_from(["", "0", "1000", "x", "99999"]),
    st.tuples(RAW, RAW),
    RAW.map(lambda data: data or b""),
    st.sampled_from([{}, {"users": []}, {"scope": "global"}, {"state": "absent", "users": []}]),
    st.booleans(),
)
def test_planning_never_raises_whatever_lies_on_the_host(files, uid, pair, keys, hop, known):
    facts = samples.image_known() if known else samples.with_engine()
    facts["state"].update(files, uid=uid, keys={"ssh_host_ssh-mldsa44-ed25519_key": pair})
    facts["hop"]["users"]["alice"]["keys"] = keys
    want = samples.want(hop=samples.hop_want(**hop))
    before = samples.clone(facts)
    assert_sound(planning.make(want, facts))
    assert facts == before  # a look is not changed by planning


# taking away


def test_absent_takes_the_container_and_its_state_and_no_more():
    plan = planning.make({"ssh": samples.ssh_want(state="absent")}, samples.converged())
    assert kinds(plan) == {"container_gone", "folder_gone"} and plan.errors == []
    gone = {item.name for item in plan.items if item.kind == "folder_gone"}
    assert gone == set(paths.REMOVED) - {paths.PARTS_DIR}, "which is there after an interruption only"
    assert not any(item.name.endswith("ledger") for item in plan.items)


def test_absent_leaves_somebody_elses_container():
    facts = samples.converged()
    facts["container"]["labels"] = {}
    plan = planning.make({"ssh": samples.ssh_want(state="absent")}, facts)
    assert "container_gone" not in kinds(plan)


def test_absent_on_a_virgin_host_is_nothing():
    plan = planning.make({"ssh": samples.ssh_want(state="absent")}, samples.virgin())
    assert (plan.items, plan.errors) == ([], [])


# refusals

def refused(want: Any, facts: Facts) -> str:
    plan = planning.make(want, facts)
    assert len(plan.errors) == 1, plan.errors
    return str(plan.errors[0])


def engine(facts: Facts, **other: Any) -> Facts:
    facts["engine"].update(other)
    return facts


ENGINES = [
    ({"kind": "podman", "installed": True}, "is Podman, and the container needs a Docker engine: remove podman-docker"),
    ({"kind": "podman", "installed": True, "running": True}, "or use another host"),
    ({"kind": "snap", "installed": True, "running": True}, "remove it (snap remove docker) and run again"),
    ({"rootless": True, "running": True, "installed": True}, "runs rootless"),
    ({"userns": True, "installed": True, "service": True}, "take userns-remap out of /etc/docker/daemon.json"),
    ({"userns": True, "running": True, "installed": True}, "remaps user ids (userns-remap)"),
]


@pytest.mark.parametrize("role", ["all", "ssh", "engine"])
@pytest.mark.parametrize(("found", "words"), ENGINES)
def test_engines_that_cannot_serve_are_refused_by_name(found, words, role):
    want = samples.want() if role == "all" else {role: samples.want()[role]}
    assert words in refused(want, engine(samples.virgin(), **found))


@pytest.mark.parametrize("wish", [None, {"state": "absent"}])
def test_no_engine_and_nobody_to_bring_one(wish):
    words = refused(samples.want(engine=wish), samples.virgin())
    assert "no Docker engine answers on this host" in words and "use the role docker_engine" in words


def test_no_engine_and_no_packages_for_it():
    facts = samples.virgin()
    facts["machine"].update(distribution="slackware", name="Slackware 15")
    assert refused(samples.want(), facts) == (
        "there is no Docker engine here, and which packages bring one on Slackware 15 is not known: install Docker, "
        "then run again; all the rest works with it"
    )


def test_a_distribution_without_an_engine_of_its_own():
    facts = samples.virgin()
    facts["machine"].update(distribution="rocky", like=["rhel", "centos", "fedora"], name="Rocky Linux 9.4")
    words = refused(samples.want(), facts)
    assert "Rocky Linux 9.4 has none among its own packages: install docker-ce, docker-ce-cli and" in words


@pytest.mark.parametrize("owner", ["docker-ce-cli", "no package"])
def test_a_command_line_of_another_engine_is_not_mixed_with_ours(owner):
    facts = engine(samples.virgin(), installed=True, service=False, owner=owner, program="/usr/bin/docker")
    said = refused(samples.want(), facts)
    assert said.startswith("the command docker is here (/usr/bin/docker, of %s), but no engine and no service" % owner)


@pytest.mark.parametrize("owner", ["", "docker-cli", "docker.io"])
def test_a_command_line_that_fits_gets_its_engine(owner):
    facts = engine(samples.virgin(), installed=True, service=False, owner=owner, program="/usr/bin/docker")
    plan = planning.make(samples.want(), facts)
    assert plan.errors == [] and "packages" in [item.kind for item in plan.items]


def test_no_root():
    facts = samples.virgin()
    facts["machine"]["root"] = False
    words = refused(samples.want(), facts)
    assert "needs root" in words and "become: true" in words


def test_somebody_elses_container():
    facts = samples.converged()
    facts["container"]["labels"] = {"maintainer": "x"}
    words = refused(samples.want(), facts)
    assert "a container oqs-ssh is there that this collection did not make" in words
    assert "docker rm -f oqs-ssh" in words and "oqs_ssh_container_name" in words


@pytest.mark.parametrize("facts", [samples.virgin(), samples.with_engine(), samples.image_known()])
def test_a_port_in_use(facts):
    facts["port"] = {"inodes": [5], "pid": 812, "owner": "nginx, process 812"}
    assert refused(samples.want(), facts) == (
        "port 2222 is taken by nginx, process 812: stop it there, or set oqs_ssh_port to a free one"
    )


def test_a_port_in_use_beside_our_container():
    facts = samples.converged()
    facts["port"] = {"inodes": [5], "pid": 812, "owner": "nginx, process 812"}
    assert "taken by nginx" in refused(samples.want(), facts)


def test_a_port_in_use_on_some_addresses():
    """Somebody else had IPv4 when sshd started: named while it is there, put right when it has gone."""
    facts = samples.converged()
    facts["container"]["sockets"] = {78}
    facts["port"]["owners"][77] = "nginx, process 812"
    assert "port 2222 is taken by nginx, process 812" in refused(samples.want(), facts)
    facts["port"].update(inodes=[78], ends={78: "::"}, owners={78: "sshd, process 4711"})
    item, = planning.make(samples.want(), facts).items
    assert (item.kind, item.before, item.after) == ("running", "listens on ::", "sshd listens on 2222 everywhere")


def test_an_operator_may_say_on_which_addresses():
    facts = samples.converged()
    facts["state"]["sshd_config"] += b"ListenAddress ::\n"
    facts["state"]["in_force"] = digests.digest(facts["state"]["sshd_config"])
    facts["container"]["sockets"] = {78}
    facts["port"]["owners"][77] = "nginx, process 812"
    assert planning.make(samples.want(), facts).items == []


@pytest.mark.parametrize(("option", "name", "near"), [
    ("kex_algorithms", "mlkem768x25519-sha265", "mlkem768x25519-sha256"),
    ("kex_algorithms", "ecdh-nistp384-kyber-768-sha384", "mlkem768nistp256-sha256"),
    ("host_key_algorithms", "ssh-mldsa-44-ed25519", "ssh-mldsa44-ed25519"),
    ("pubkey_algorithms", "ssh-ed2519", "ssh-ed25519"),
])
@pytest.mark.parametrize("where", ["host", "archive"])
def test_an_unknown_algorithm_names_the_nearest(option, name, near, where):
    ssh = samples.ssh_want(**{option: [name]})
    facts = samples.image_known()
    if where == "archive":  # the image's label says what it knows, before it is sent anywhere
        ssh["image"]["facts"] = {"kex": samples.KEX, "key": samples.KEY, "sig": []}
        facts = samples.virgin()
    words = refused(samples.want(ssh=ssh), facts)
    said = "oqs_ssh_%s: member 1 (text of %d characters) is no algorithm that the image knows; did you mean %s?"
    assert words == said % (option, len(name), near)


def test_an_unknown_algorithm_with_nothing_near_lists_what_there_is():
    words = refused(samples.want(ssh=samples.ssh_want(kex_algorithms=["zzz"])), samples.image_known())
    assert "it knows mlkem768nistp256-sha256, " in words


def test_keys_that_nobody_could_use():
    key = samples.public_line("ssh-ed25519", b"mine")
    ssh = samples.ssh_want(authorized_keys=[key], password_set=False)
    words = refused(samples.want(ssh=ssh), samples.image_known())
    assert "none of the keys in oqs_ssh_authorized_keys would be accepted" in words
    assert "the server takes ssh-mldsa44-ed25519" in words and "add ssh-ed25519 to oqs_ssh_pubkey_algorithms" in words
    for mended in ({"password_set": True}, {"stock_clients": True}, {"pubkey_algorithms": ["ssh-ed25519"]},
                   {"authorized_keys": [key, samples.MY_KEY]}):
        assert planning.make(samples.want(ssh=dict(ssh, **mended)), samples.image_known()).errors == []


def test_a_key_that_is_of_no_use_beside_others_is_noted():
    ssh = samples.ssh_want(authorized_keys=[samples.public_line("ssh-ed25519"), samples.MY_KEY])
    plan = planning.make(samples.want(ssh=ssh), samples.image_known())
    assert any("a key of type ssh-ed25519" in note and "will not be accepted" in note for note in plan.notes)


def test_a_configuration_that_cannot_be_edited_without_harm_is_refused():
    facts = samples.converged()
    facts["state"]["sshd_config"] = b'Port "2222\n'
    plan = planning.make(samples.want(), facts)
    assert len(plan.errors) == 1 and "a quote is not closed in the line" in plan.errors[0]


@pytest.mark.parametrize(("name", "words"), [
    ("curve25519-sha256", "is classical, a quantum computer breaks it"),
    ("ssh-mldsa44", "is post-quantum only"),
])
def test_what_is_no_hybrid_is_remarked_on(name, words):
    option = "kex_algorithms" if "curve" in name else "host_key_algorithms"
    plan = planning.make(samples.want(ssh=samples.ssh_want(**{option: [name]})), samples.image_known())
    assert plan.errors == []
    assert [note for note in plan.notes if name in note and words in note and "only hybrids are recommended" in note]


def test_settings_that_the_image_does_not_know_are_named():
    facts = samples.image_known()
    facts["image"]["unknown_keywords"] = ["persourcepenalties"]
    plan = planning.make(samples.want(), facts)
    assert any("does not know these settings, they are left out: persourcepenalties" in note for note in plan.notes)
    assert "PerSourcePenalties" not in only(plan, "sshd_config").after


def test_a_ledger_without_its_end_is_named_and_no_reason_to_stop():
    facts = dict(samples.converged(), ledger_cut=True)
    plan = planning.make(samples.want(), facts)
    assert plan.notes[0] == planning.LEDGER_CUT and not plan.errors
    assert planning.LEDGER_CUT not in planning.make(samples.want(), samples.converged()).notes


def test_a_choice_that_shuts_out_the_images_own_client_is_refused():
    facts = samples.converged()
    facts["state"]["ssh_config"] = facts["state"]["ssh_config"].replace(
        b"KexAlgorithms mlkem768nistp256-sha256,mlkem768x25519-sha256", b"KexAlgorithms sntrup761x25519-sha512")
    assert "the image's own client could not connect any more, no common key exchange" in refused(
        samples.want(), facts)


def test_stock_clients_of_an_image_that_knows_nothing_of_theirs():
    facts = samples.image_known()
    facts["image"] = samples.image(kex=["mlkem768nistp256-sha256"])
    words = planning.make({"ssh": samples.ssh_want(stock_clients=True)}, facts).errors[0]
    assert "the image knows none of the key exchanges of ordinary clients" in words
    facts["image"] = samples.image(kex=["mlkem768nistp256-sha256", "mlkem768x25519-sha256"])
    plan = planning.make({"ssh": samples.ssh_want(stock_clients=True)}, facts)
    assert not plan.errors
    assert "oqs_ssh_stock_clients: OpenSSH 8.9 to 9.8 cannot connect: the image does not know theirs" in plan.notes


def test_clients_without_protection_are_warned_of_in_every_run():
    wish = samples.ssh_want(stock_clients=True, classical_clients=True)
    notes = planning.make(samples.want(ssh=wish), samples.image_known()).notes
    assert any(note.startswith("WARNING: oqs_ssh_classical_clients") for note in notes)


def test_the_container_before_a_swap_that_was_cut_short_may_hold_the_port():
    """Killed between the new name and the end of the old one: the next run puts it right, it is nobody else's port."""
    facts = samples.converged()
    sockets = facts["container"].pop("sockets")
    facts["container"].update(sockets=set(), running=False, status="created")
    assert "is taken by" in refused(samples.want(), facts)
    facts["upgrade"] = {"knew": {}, "proved": "", "cut_short": True, "sockets": sockets}
    assert planning.make(samples.want(), facts).errors == []


@pytest.mark.parametrize("name", ["sshd_config", "ssh_config"])
def test_a_configuration_that_nobody_can_read_is_named_with_its_line(name: str) -> None:
    facts = samples.converged()
    facts["state"][name] += b'AllowUsers "oqs\n'
    plan = planning.make(samples.want(), facts)
    assert len(plan.errors) == 1 and not plan.items
    assert plan.errors[0].startswith("/etc/oqs-ssh/%s: " % name) and 'AllowUsers "oqs' in plan.errors[0]
    assert not planning.make(samples.want(ssh=samples.ssh_want(state="absent"), hop=None), facts).errors
