# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The command lines that are printed: which client, and that a shell reads them as they are meant."""

from __future__ import annotations

import shlex

import core_samples as samples
import known_samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.pq_path import commandlines
from hypothesis import given
from hypothesis import strategies as st

OFFER = {
    "kex": ["mlkem768nistp256-sha256", "mlkem768x25519-sha256"], "host_keys": [samples.HYBRID_KEY, "ssh-ed25519"],
    "pubkeys": [samples.HYBRID_KEY, "ssh-ed25519"],
}
NEW = commandlines.Controller(
    ["mlkem768x25519-sha256", "curve25519-sha256"], ["ssh-ed25519"], ["ssh-ed25519", "rsa-sha2-512"], "/home/me/.ssh",
)
OLD = NEW._replace(kex=["curve25519-sha256"])
NONE = commandlines.Controller([], [], [], "/home/me/.ssh")
PROOF = {"own": {"ok": True, "kex": "mlkem768nistp256-sha256"},
         "hop": {"ok": True, "kex": "sntrup761x25519-sha512@openssh.com", "host_key_algorithm": "ssh-ed25519"}}
KEY = samples.public_line("ssh-ed25519")


def lines(controller=NEW, name="web1", hop=True, offer=None, ssh=None, target=None, **other):
    part = samples.ssh_want(**dict({"authorized_keys": [KEY]}, **(ssh or {})))
    want = {"ssh": part, "hop": samples.hop_want(state="present" if hop else "absent")}
    look = known_samples.look(offer=offer or OFFER, proof=PROOF, **({"hop_target": target} if target else {}))
    return commandlines.lines(name, known_samples.known(want, look=look, **other), controller)


def proxy(line):
    words = shlex.split(line)
    option = next(word for word in words if word.startswith("ProxyCommand="))
    return shlex.split(option.partition("=")[2])


def test_a_persons_own_ssh_where_it_can():
    found = lines()
    assert found.login == "ssh -p 2222 oqs@web1" and found.negotiates == "mlkem768x25519-sha256"
    assert found.hop == "ssh USER@localhost -p 22"
    words = shlex.split(found.jump)
    assert words[0] == "ssh" and words[-3:] == ["-p", "22", "USER@localhost"] and "HostKeyAlias=web1" in words
    assert proxy(found.jump) == ["ssh", "-W", "%h:%p", "-p", "2222", "oqs@web1"]


def test_without_a_shell_there_is_one_way():
    found = lines(ssh={"mode": "hop"})
    assert (found.login, found.hop) == ("", "")
    assert found.jump == lines().jump


@pytest.mark.parametrize(("controller", "offer", "keys"), [
    (OLD, OFFER, [KEY]),  # no post-quantum key exchange in common
    (NONE, OFFER, [KEY]),  # no ssh at all
    (NEW._replace(host_keys=["ssh-rsa"]), OFFER, [KEY]),
    (NEW._replace(kex=["curve25519-sha256", "mlkem768x25519-sha256"]),
     dict(OFFER, kex=["curve25519-sha256", "mlkem768x25519-sha256"]), [KEY]),  # would negotiate the classical one
    (NEW, OFFER, [samples.MY_KEY]),  # the key is of a type it does not have
])
def test_the_images_client_where_it_cannot(controller, offer, keys):
    found = lines(controller, offer=offer, ssh={"authorized_keys": keys})
    words = shlex.split(found.login)
    assert words[:3] == ["docker", "run", "--rm"] and words[-3:] == ["-p", "2222", "oqs@web1"]
    assert "/home/me/.ssh:/root/.ssh:ro" in words and samples.IMAGE_ID in words
    assert found.negotiates == "mlkem768nistp256-sha256"
    inner = proxy(found.jump)
    assert inner[0] == "/opt/oqs-ssh/bin/ssh" and inner[-3:] == ["-p", "2222", "oqs@web1"] and "%h:%p" in inner
    jump = shlex.split(found.jump)
    assert "KexAlgorithms=sntrup761x25519-sha512@openssh.com" in jump and "HostKeyAlgorithms=ssh-ed25519" in jump


def test_the_identity_of_the_keys_type_is_used():
    words = shlex.split(lines(OLD, ssh={"authorized_keys": [samples.MY_KEY]}).login)
    assert words[words.index("-i") + 1] == "/root/.ssh/id_ssh-mldsa44-ed25519"
    assert "-i" not in shlex.split(lines(OLD, ssh={"authorized_keys": []}).login)


def test_a_password_alone_asks_for_no_key_type():
    assert lines(ssh={"authorized_keys": []}).login.startswith("ssh -p")


def test_without_a_hop_there_is_nothing_to_hop():
    found = lines(hop=False)
    assert found.login and (found.hop, found.jump) == ("", "")


def test_the_address_counts_and_the_name_is_the_alias():
    found = lines(address="2001:db8::1")
    assert found.login.endswith("oqs@2001:db8::1") and "HostKeyAlias=web1" in found.jump


@pytest.mark.parametrize("controller", [NEW, OLD])
def test_an_address_behind_the_hop_is_told_from_its_port(controller):
    found = lines(controller, target={"address": "2001:db8::1", "port": 22})
    inner = proxy(found.jump)
    assert inner[inner.index("-W") + 1] == "[%h]:%p" and shlex.split(found.jump)[-1] == "USER@2001:db8::1"


ODD = st.text(alphabet="ab '\"$()\\;&|%é{}*~#`-.", min_size=1, max_size=12)


@given(ODD, ODD, st.sampled_from([NEW, OLD]))
def test_a_shell_reads_the_lines_as_they_are_meant(name, folder, controller):
    found = lines(controller._replace(folder=folder), name=name, address=name)
    login = shlex.split(found.login)
    assert login[-3:] == ["-p", "2222", "oqs@" + name]
    if controller is OLD:
        assert folder + ":/root/.ssh:ro" in login
    words = shlex.split(found.jump)
    assert words[-1] == "USER@localhost" and "HostKeyAlias=" + name in words
    # ssh(1) expands % in ProxyCommand before the shell reads it: only %h:%p is meant
    inner = proxy(found.jump)
    assert [word.replace("%%", "%") for word in inner][-1] == "oqs@" + name
    assert all(word == "%h:%p" or "%" not in word.replace("%%", "") for word in inner)


@pytest.mark.parametrize("controller", [NEW, OLD])
def test_nothing_secret_is_on_a_command_line(controller):
    found = lines(controller, secret=samples.SECRET)
    assert samples.SECRET not in " ".join(found)
