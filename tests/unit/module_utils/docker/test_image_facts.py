# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What images say of themselves: the Open Quantum Safe one, the stock one, and what is no such image."""

from __future__ import annotations

import json

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import image_facts

#: OpenSSH 9.7 of the OQS fork, on BusyBox.
OQS = """
== keywords
/tmp/keywords: line 16: Bad configuration option: PerSourcePenalties
/tmp/keywords line 22: Bad configuration option: permitlisten
/tmp/keywords: terminating, 2 bad configuration options

== version
OpenSSH_9.7-2024-10_p1, Open Quantum Safe 2024-10, OpenSSL 3.3.2 3 Sep 2024

== kex
curve25519-sha256@libssh.org
mlkem768nistp256-sha256
sntrup761x25519-sha512@openssh.com

== key
ssh-ed25519
ssh-ecdsa-nistp384-mldsa65

== key-sig
ssh-ecdsa-nistp384-mldsa65
ssh-falcon512

== sig
rsa-sha2-512
ssh-falcon512

== user
oqs
1000
/home/oqs

== sshd_config
# a == b
Port 2222

== ssh_config
Port 2222

== refuses
"""


def test_the_open_quantum_safe_image():
    found = image_facts.parse(OQS, "oqs")
    assert found.openssh.startswith("OpenSSH_9.7-2024-10_p1")
    assert found.kex == (
        "curve25519-sha256@libssh.org", "mlkem768nistp256-sha256", "sntrup761x25519-sha512@openssh.com",
    )
    assert found.key == ("ssh-ed25519", "ssh-ecdsa-nistp384-mldsa65")
    assert found.sig == ("rsa-sha2-512", "ssh-ecdsa-nistp384-mldsa65", "ssh-falcon512")
    assert found.user == ("oqs", "1000", "/home/oqs")
    assert found.unknown_keywords == ("permitlisten", "persourcepenalties")
    assert found.sshd_config == "# a == b\nPort 2222\n" and found.ssh_config == "Port 2222\n"
    assert found.refuses == ""


def test_a_query_that_a_version_does_not_know_is_empty():
    text = OQS.replace("== sig\nrsa-sha2-512\nssh-falcon512\n", "== sig\n")
    assert image_facts.parse(text, "oqs").sig == ("ssh-ecdsa-nistp384-mldsa65", "ssh-falcon512")


def test_an_image_whose_files_name_what_its_programs_do_not_know_says_so():
    words = "/opt/oqs-ssh/ssh_config line 3: Bad key types 'ssh-ecdsa-nistp384-mldsa65'."
    assert image_facts.parse(OQS + words + "\n", "oqs").refuses == words


def test_everything_known_is_nothing_unknown():
    text = OQS.replace("Bad configuration option", "Deprecated option")
    assert image_facts.parse(text, "oqs").unknown_keywords == ()


def without(part: str) -> str:
    head, tail = OQS.split("\n== %s\n" % part)
    return head + "\n== %s\n\n== " % part + tail.split("\n== ", 1)[1]


@pytest.mark.parametrize("name", ["key", "cipher", "mac"])
def test_a_client_that_leaves_a_question_open_is_not_taken_for_one_that_knows_nothing(name):
    whole = without("key") + "".join("\n== %s\nsome\n" % each for each in ("key", "cipher", "mac"))
    assert image_facts.parse(whole, "oqs").mac == ("some",)
    with pytest.raises(image_facts.NotAnImage, match="does not answer ssh -Q " + name):
        image_facts.parse(whole.replace("== %s\nsome" % name, "== %s\n" % name), "oqs")


@pytest.mark.parametrize(("text", "words"), [
    ("", "no OpenSSH client at /opt/oqs-ssh/bin/ssh"),
    ("sh: /opt/oqs-ssh/bin/ssh: not found\n", "no OpenSSH client at /opt/oqs-ssh/bin/ssh"),
    (without("kex"), "no OpenSSH client at /opt/oqs-ssh/bin/ssh"),
    (without("user"), r"no account alice \(oqs_ssh_user\)"),
    (without("sshd_config"), "no /opt/oqs-ssh/sshd_config"),
    (without("ssh_config"), "no /opt/oqs-ssh/ssh_config"),
])
def test_what_is_no_such_image(text, words):
    with pytest.raises(image_facts.NotAnImage, match=words):
        image_facts.parse(text, "alice")


WHOLE = {"engine_id": "sha256:0", "kex": ["a"], "key": ["b"], "sig": [], "user": ["oqs", "1000", "/home/oqs"],
         "sshd_config": "Port 2222\n", "ssh_config": "Port 2222\n", "unknown_keywords": [], "openssh": "OpenSSH_10.6"}


@pytest.mark.parametrize(("stored", "whole"), [
    (WHOLE, True),
    (dict(WHOLE, refuses=""), True),
    ({"engine_id": "sha256:0"}, True),
    ({}, False),
    ([1], False),
    (None, False),
    ({"engine_id": 7}, False),
    ({"sshd_config": "x"}, False),
    (dict(WHOLE, kex="a"), False),
    (dict(WHOLE, kex=[1]), False),
    (dict(WHOLE, user=["oqs"]), False),
    (dict(WHOLE, ssh_config=None), False),
    *[({name: value for name, value in WHOLE.items() if name != less}, False) for less in WHOLE],
])
def test_stored_answers_are_believed_only_whole(stored, whole):
    assert (image_facts.stored(json.dumps(stored).encode()) is not None) is whole


@pytest.mark.parametrize("data", [None, b"", b"{", b"\xff", b'{"engine_id": "sha256:0"'])
def test_a_damaged_file_counts_as_none(data):
    assert image_facts.stored(data) is None


@pytest.mark.parametrize("known", [image_facts.parse(OQS, "oqs"), image_facts.Image()])
def test_what_is_kept_is_what_is_read(known):
    """All of it but where the image came from, which is asked each time."""
    image = known._replace(engine_id="sha256:0", origin=image_facts.Origin("sha256:1", "2025-03-01"))
    assert image_facts.stored(image_facts.kept(image)) == known._replace(engine_id="sha256:0")


@pytest.mark.parametrize("home", ["/x,source=/,target=/host", "home/oqs", "/home/../etc", "/home/o qs", "/", "/a\x01"])
def test_a_home_folder_that_could_mount_something_else_is_refused(home):
    with pytest.raises(image_facts.NotAnImage, match="home folder"):
        image_facts.parse(OQS.replace("/home/oqs", home), "oqs")
    known = image_facts.parse(OQS, "oqs")._replace(engine_id="sha256:e")
    assert image_facts.stored(image_facts.kept(known)) == known
    believed = known._replace(user=("oqs", "1000", home))  # by an earlier version
    assert image_facts.stored(image_facts.kept(believed)) is None


@pytest.mark.parametrize("uid", ["0x10", "-1", "", "1" * 11])
def test_a_uid_is_a_number(uid):
    with pytest.raises(image_facts.NotAnImage):
        image_facts.parse(OQS.replace("\n1000\n", "\n%s\n" % uid), "oqs")
