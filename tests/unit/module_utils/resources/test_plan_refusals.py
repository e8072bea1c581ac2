# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What forbids a run, and what a person should know of it, each in words that say what to do."""

from __future__ import annotations

from typing import Any, Dict

import core_samples as samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.container import server
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import digests
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.engine import Boot
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.ledger import Row
from plan_samples import only

Facts = Dict[str, Any]


def refused(want: Any, facts: Facts) -> str:
    plan = samples.plan(want, facts)
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


NOT_ENABLED = Boot("no", "docker.service is not enabled", "systemctl enable docker.service", enable=True)
BY_US = [Row("service", "docker", "stopped", "running, enabled")]


@pytest.mark.parametrize("role", ["all", "ssh", "engine"])
@pytest.mark.parametrize(("boot", "begins"), [
    (NOT_ENABLED, "Docker does not start with the host"),
    (Boot("unknown", "systemd does not say", "ask it"), "Docker may not start with the host"),
])
def test_an_engine_that_does_not_start_with_the_host_is_named_and_left_as_it_is(boot, begins, role):
    want = samples.want() if role == "all" else {role: samples.want()[role]}
    plan = samples.plan(want, engine(samples.converged(), boot=boot))
    said, = [each for each in plan.notes if "Docker" in each]
    assert said.startswith(begins) and not plan.of_kind("service")
    assert "%s; to change that: %s" % (boot.why, boot.cure) in said


def test_an_engine_that_we_enabled_is_enabled_again():
    facts = dict(engine(samples.converged(), boot=NOT_ENABLED), rows=BY_US)
    plan = samples.plan(samples.want(), facts)
    change, = plan.of_kind("service")
    assert change.after == "running, enabled" and change.by_ansible and not any("Docker" in each for each in plan.notes)
    facts["engine"]["boot"] = Boot("no", "docker.service is masked", "systemctl unmask docker.service")
    plan = samples.plan(samples.want(), facts)  # somebody meant it
    assert not plan.of_kind("service") and any("is masked" in each for each in plan.notes)


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
    plan = samples.plan(samples.want(), facts)
    assert plan.errors == [] and "packages" in [item.kind for item in plan.changes]


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


def test_a_host_without_a_machine_id_is_refused_before_the_first_change():
    facts = samples.image_known()
    facts["machine"]["id"] = ""
    assert "this host has no machine-id yet" in refused(samples.want(), facts)


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
    item, = samples.plan(samples.want(), facts).changes
    assert (item.kind, item.before, item.after) == ("running", "listens on ::", "sshd listens on 2222 everywhere")


def test_an_operator_may_say_on_which_addresses():
    facts = samples.converged()
    facts["state"]["sshd_config"] += b"ListenAddress ::\n"
    facts["state"]["in_force"] = digests.digest(facts["state"]["sshd_config"])
    facts["container"]["sockets"] = {78}
    facts["port"]["owners"][77] = "nginx, process 812"
    assert samples.plan(samples.want(), facts).changes == []


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
        assert samples.plan(samples.want(ssh=dict(ssh, **mended)), samples.image_known()).errors == []


def test_a_key_that_is_of_no_use_beside_others_is_noted():
    ssh = samples.ssh_want(authorized_keys=[samples.public_line("ssh-ed25519"), samples.MY_KEY])
    plan = samples.plan(samples.want(ssh=ssh), samples.image_known())
    assert any("a key of type ssh-ed25519" in note and "will not be accepted" in note for note in plan.notes)


def test_a_configuration_that_cannot_be_edited_without_harm_is_refused():
    facts = samples.converged()
    facts["state"]["sshd_config"] = b'Port "2222\n'
    plan = samples.plan(samples.want(), facts)
    assert len(plan.errors) == 1 and "a quote is not closed in the line" in plan.errors[0]


@pytest.mark.parametrize(("name", "words"), [
    ("curve25519-sha256", "is classical, a quantum computer breaks it"),
    ("ssh-mldsa44", "is post-quantum only"),
])
def test_what_is_no_hybrid_is_remarked_on(name, words):
    option = "kex_algorithms" if "curve" in name else "host_key_algorithms"
    plan = samples.plan(samples.want(ssh=samples.ssh_want(**{option: [name]})), samples.image_known())
    assert plan.errors == []
    assert [note for note in plan.notes if name in note and words in note and "only hybrids are recommended" in note]


def test_settings_that_the_image_does_not_know_are_named():
    facts = samples.image_known()
    facts["image"]["unknown_keywords"] = ["persourcepenalties"]
    plan = samples.plan(samples.want(), facts)
    assert any("does not know these settings, they are left out: persourcepenalties" in note for note in plan.notes)
    assert "PerSourcePenalties" not in only(plan, "sshd_config").after


def test_a_ledger_without_its_end_is_named_and_no_reason_to_stop():
    facts = dict(samples.converged(), ledger_cut=True)
    plan = samples.plan(samples.want(), facts)
    assert plan.notes[0] == server.LEDGER_CUT and not plan.errors
    assert server.LEDGER_CUT not in samples.plan(samples.want(), samples.converged()).notes


def test_a_choice_that_shuts_out_the_images_own_client_is_refused():
    facts = samples.converged()
    facts["state"]["ssh_config"] = facts["state"]["ssh_config"].replace(
        b"KexAlgorithms mlkem768nistp256-sha256,mlkem768x25519-sha256", b"KexAlgorithms sntrup761x25519-sha512")
    assert "the image's own client could not connect any more, no common key exchange" in refused(
        samples.want(), facts)


def test_stock_clients_of_an_image_that_knows_nothing_of_theirs():
    facts = samples.image_known()
    facts["image"] = samples.image(kex=["mlkem768nistp256-sha256"])
    words = samples.plan({"ssh": samples.ssh_want(stock_clients=True)}, facts).errors[0]
    assert "the image knows none of the key exchanges of ordinary clients" in words
    facts["image"] = samples.image(kex=["mlkem768nistp256-sha256", "mlkem768x25519-sha256"])
    plan = samples.plan({"ssh": samples.ssh_want(stock_clients=True)}, facts)
    assert not plan.errors
    assert "oqs_ssh_stock_clients: OpenSSH 8.9 to 9.8 cannot connect: the image does not know theirs" in plan.notes


def test_clients_without_protection_are_warned_of_in_every_run():
    wish = samples.ssh_want(stock_clients=True, classical_clients=True)
    notes = samples.plan(samples.want(ssh=wish), samples.image_known()).notes
    assert any(note.startswith("WARNING: oqs_ssh_classical_clients") for note in notes)


def test_the_container_before_a_swap_that_was_cut_short_may_hold_the_port():
    """Killed between the new name and the end of the old one: the next run puts it right, it is nobody else's port."""
    facts = samples.converged()
    sockets = facts["container"].pop("sockets")
    facts["container"].update(sockets=set(), running=False, status="created")
    assert "is taken by" in refused(samples.want(), facts)
    facts["upgrade"] = {"knew": {}, "proved": "", "cut_short": True, "sockets": sockets}
    assert samples.plan(samples.want(), facts).errors == []


@pytest.mark.parametrize("name", ["sshd_config", "ssh_config"])
def test_a_configuration_that_nobody_can_read_is_named_with_its_line(name: str) -> None:
    facts = samples.converged()
    facts["state"][name] += b'AllowUsers "oqs\n'
    plan = samples.plan(samples.want(), facts)
    assert len(plan.errors) == 1 and not plan.changes
    assert plan.errors[0].startswith("/etc/oqs-ssh/%s: " % name) and 'AllowUsers "oqs' in plan.errors[0]
    assert not samples.plan(samples.want(ssh=samples.ssh_want(state="absent"), hop=None), facts).errors


def test_a_port_that_the_hosts_own_sshd_is_configured_for_is_not_free():
    """It may not have taken it yet: its configuration counts from the next reload on."""
    facts = dict(samples.image_known(), own_sshd={"port": ["22", "2222"]})
    assert "own sshd is configured for port 2222" in refused(samples.want(), facts)
    assert not samples.plan(samples.want(), dict(samples.image_known(), own_sshd={"port": ["22"]})).errors
