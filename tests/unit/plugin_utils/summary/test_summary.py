# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run says: first word, failures, and the ending for every kind of host."""

from __future__ import annotations

import core_samples as samples
import known_samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Change, Plan
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session.registry import REGISTRY
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.pq_path import commandlines
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.summary import summary

CONTROLLER = commandlines.Controller(
    ["mlkem768x25519-sha256"], [samples.HYBRID_KEY], [samples.HYBRID_KEY], "/home/me/.ssh",
)
OWN = {
    "ok": True, "kex": "mlkem768x25519-sha256", "host_key_algorithm": samples.HYBRID_KEY, "host_key": "SHA256:abc",
    "server": "OpenSSH_10.6", "error": "",
}


WANT = samples.want(hop=samples.hop_want(state="absent"))


def row(want=None, plan=(), host=None, notes=(), own=OWN, hop=None, **other):
    """A host of the run; what is said of it is about ``want``."""
    proof = {name: each for name, each in (("own", own), ("hop", hop)) if each}
    look = known_samples.look(
        plan=list(plan), notes=list(notes), proof=proof, host=host or {},
        hop_target={"address": "localhost", "port": 22},
        offer={"kex": ["mlkem768x25519-sha256"], "host_keys": [samples.HYBRID_KEY], "pubkeys": [samples.HYBRID_KEY]})
    return known_samples.known(want or WANT, look=look, secret=samples.SECRET, **other)


def ending(**rows):
    said = summary.ending(rows, CONTROLLER)
    assert samples.SECRET not in said
    return said


def change(section, kind, name, **more):
    return Change(section, kind, name, **dict({"before": "1", "after": "2", "why": ""}, **more))


def travelling(*changes):
    """Changes as the controller gets them."""
    plan = Plan(REGISTRY.places)
    plan.add(*changes)
    return plan.items()


def test_a_host_that_was_done():
    done = samples.plan(samples.want(), samples.converged()).items()
    done += travelling(change("container", "container", "oqs-ssh")) + travelling(change("password", "password", "oqs"))
    said = ending(web1=row(done=done))
    assert "done        container oqs-ssh, password oqs" in said
    assert "negotiated  mlkem768x25519-sha256, host key ssh-mldsa44-ed25519 SHA256:abc (OpenSSH_10.6)" in said
    assert "log in      ssh -p 2222 oqs@web1" in said
    assert "1 of 1 hosts are as wanted." in said


def test_a_batch_tells_its_own_hosts():
    """With oqs_ssh_serial there is an ending a batch."""
    rows = {"web1": row(reported=True), "web2": row(), "web3": row(failed="no"), "web4": known_samples.known()}
    said = summary.ending(rows, CONTROLLER, ["web2", "web3"])
    assert "web2\n" in said and "web3\n" in said and "web1\n" not in said and "web4\n" not in said
    assert "2 of 4 hosts are as wanted, 1 to come." in said
    said = summary.ending(rows, CONTROLLER, ["web4"])
    assert "the run ended before" in said and "2 of 4 hosts are as wanted." in said


def test_many_changes_are_told_by_section():
    plan = samples.plan(samples.want(), samples.virgin())
    said = ending(web1=row(done=plan.items()))
    labels = [place.label for name, place in REGISTRY.places.items() if name not in ("lockdown", "watch", "removal")]
    assert "done        %s\n" % ", ".join(labels) in said


def test_every_section_has_words():
    sections = REGISTRY.sections(["engine", "ssh", "firewall", "hop"])
    items = travelling(*[change(section, "x", "y") for section in sections])
    said = ending(web1=row(done=items))
    assert "x y" not in said and all(REGISTRY.places[item.section].label in said for item in items)
    assert all(place.label for place in REGISTRY.places.values())


def test_a_converged_host():
    assert "done        nothing, it was as wanted" in ending(web1=row())


def test_an_image_that_was_replaced_is_told_from_which_to_which():
    done = travelling(change("container", "swap", "oqs-ssh", before="image a", after="image b", headline="upgraded"))
    assert "  upgraded    image a -> image b\n" in ending(web1=row(done=done))
    done = travelling(change("container", "swap", "oqs-ssh", before="without x", after="with x"))
    assert "with x" not in ending(web1=row(done=done))


def test_what_a_removal_took_is_called_as_people_call_it():
    done = travelling(
        change("removal", "image_gone", "sha256:0", said="the image oqs:1"), change("removal", "thing", "one"),
        change("removal", "keys_aside", "/etc/oqs-ssh/private", said=" "))
    said = ending(web1=row(done=done, want={"removal": {}}))
    assert "  gone        the image oqs:1, thing one\n" in said and "1 of 1 hosts are rid of it." in said
    said = ending(web1=row(plan=done, check=True, want={"removal": {}}), web2=row(want={"removal": {}}))
    assert "a run would take away: the image oqs:1, thing one\n" in said and "1 of 2 hosts are rid of it." in said
    assert "  gone        nothing, nothing of ours was here\n" in said


def test_check_mode_says_what_a_run_would_change():
    plan = samples.plan(samples.want(), samples.virgin()).items()
    said = ending(web1=row(plan=plan, check=True), web2=row(check=True))
    assert "nothing (check mode); a run would change: Docker" in said
    assert "nothing (check mode); a run would change: nothing" in said


def test_failed_and_unreachable_hosts_are_named_too():
    said = ending(
        web1=row(), web2=row(failed="port 2222 is taken by nginx"), web4=known_samples.known(),
        web3=known_samples.known(failed="unreachable: no route"),
    )
    assert "web2\n----\n  failed      port 2222 is taken by nginx" in said
    assert "web3\n----\n  failed      unreachable: no route" in said
    assert "web4\n----\n  failed      the run ended before this host was looked at" in said
    assert "1 of 4 hosts are as wanted." in said
    assert said.count("log in") == 1


def test_a_server_that_did_not_prove_itself_gets_no_command_line():
    said = ending(web1=row(own={"ok": False, "error": "Connection refused"}))
    assert "negotiated  no handshake: Connection refused" in said and "log in" not in said


def test_notes_and_the_hop_are_told():
    said = ending(web1=row(samples.want(), notes=["the hop: post-quantum"], hop=dict(OWN, server="OpenSSH_9.2")))
    assert "note        the hop: post-quantum" in said and "hop         mlkem768x25519-sha256" in said
    assert "then hop    ssh USER@localhost -p 22" in said and "in one go   ssh " in said


def test_which_image_a_host_holds_and_whether_others_hold_another():
    name, one, two = "example.org/oqs:1", "sha256:" + "1" * 64, "sha256:" + "2" * 64

    def holding(digest, made, source="pull"):
        ssh = samples.ssh_want(image={"name": name, "source": source})
        return row({"ssh": ssh}, host={"image_origin": {"digest": digest, "made": made}})

    said = ending(web1=holding(one, "2025-03-01"), web2=holding(two, "0001-01-01"))
    assert "image       example.org/oqs@%s of 2025-03-01\n" % one in said
    assert "image       example.org/oqs@%s\n" % two in said
    words = "Hosts hold different images under example.org/oqs:1; oqs_ssh_image_update: true brings all"
    assert words in said
    assert words not in ending(web1=holding(one, ""), web2=holding(one, ""), web3=row())
    assert "image       example.org/oqs:1 of 2026-01-01" in ending(web1=holding("", "2026-01-01", "archive"))


def test_the_prototype_is_called_one():
    ssh = samples.ssh_want(image={"name": "docker.io/openquantumsafe/openssh:latest", "source": "pull"})
    assert "not for production" in ending(web1=row(want={"ssh": ssh}))
    assert "not for production" not in ending(web1=row())


def test_honest_about_where_the_proof_started():
    words = "note        proved from the host itself (oqs_ssh_probe_from): the way in from outside was not tried"
    assert words in ending(web1=row(probe_from="host"))
    assert words not in ending(web1=row(probe_from="controller"), web2=row(probe_from="bastion"))


def test_honest_about_isolation():
    assert "a way in, not a sandbox" in ending(web1=row())


@pytest.mark.parametrize(("own", "words"), [
    ({"software": "OpenSSH_10.0", "kex": ["mlkem768x25519-sha256"]}, "(OpenSSH_10.0) already does a post-quantum key"),
    ({"software": "OpenSSH_8.4", "kex": []}, "(OpenSSH_8.4) does classical key exchange only"),
    ({"software": "", "kex": []}, "its own sshd was not asked"),
    ({"software": "", "kex": [], "error": "refused"}, "its own sshd did not answer (refused)"),
])
def test_the_first_word(own, words):
    said = summary.first_word(known_samples.look(own_sshd=dict({"error": ""}, **own)))
    assert words in said and "the container adds post-quantum host keys" in said


@pytest.mark.parametrize(("said", "words"), [
    ("Incorrect sudo password", "sudo on the host refused the password"),
    ("Missing sudo password", "sudo on the host asks for a password: give it (ansible-playbook -K)"),
    ("Timed out waiting for become success or become password prompt.", "sudo on the host asks for a password"),
    ("Cannot write to /tmp\nsecond line", "Cannot write to /tmp"),
])
def test_a_module_that_could_not_be_started(said, words):
    found = summary.refused(said)
    assert found.startswith(words) and "\n" not in found


@pytest.mark.parametrize(("result", "words"), [
    ({"msg": "the port is taken"}, "the port is taken"),
    ({"rc": 127, "msg": "MODULE FAILURE", "module_stdout": "python3: not found"}, "install python3 (3.8 or newer)"),
    ({"msg": "The module interpreter '/usr/bin/python3' was not found."}, "set ansible_python_interpreter"),
    ({"msg": "x", "module_stderr": "sudo: a password is required"}, "sudo on the host asks for a password"),
    ({"msg": "x", "module_stderr": "[sudo] password for me: Sorry, try again.\nsudo: 1 incorrect password attempt"},
     "sudo on the host refused the password: check ansible_become_password"),
    ({"msg": "x", "module_stderr": "alice is not in the sudoers file."}, "this account may not use sudo on the host"),
    ({"msg": "x", "module_stderr": "/bin/sh: 1: sudo: not found"}, "there is no sudo on the host"),
    ({"msg": "x", "module_stderr": "sudo: sorry, you must have a tty to run sudo"}, "set oqs_ssh_pipelining: false"),
    ({"module_stderr": "Killed\n"}, "Killed"),
    ({"exception": "ZeroDivisionError"}, "a defect in this collection: ZeroDivisionError"),
    ({}, "a defect in this collection: the module ended without a word"),
])
def test_a_failure_in_one_sentence(result, words):
    assert words in summary.failure(result)
