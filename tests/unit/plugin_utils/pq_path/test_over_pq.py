# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ansible's own connections over the quantum-safe path: what ssh is told, what it makes of that, what is a proof."""

from __future__ import annotations

import shlex
import shutil
import subprocess

import pytest
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.pq_path import over_pq, pins, pq_proof
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.pq_path.pins import Pin
from hypothesis import given
from hypothesis import strategies as st

PIN = Pin("web1", "192.0.2.7", 2222, "localhost:22", ("ssh-ed25519 AAAA",))
KEX = ["sntrup761x25519-sha512@openssh.com"]
WAY = over_pq.Way(PIN, "oqs", ["/home/me/.ssh/id 100%"], "/home/me/.ssh/known_hosts.oqs-ssh", "ssh", KEX, ("web1", ""))
GOOD = {
    "kexalgorithms": KEX[0], "userknownhostsfile": WAY.known_hosts, "hostkeyalias": PIN.alias,
    "hostname": PIN.address, "port": "2222", **{name: shown for name, (_given, shown) in over_pq.FIXED.items()},
}


def options(text):
    words = shlex.split(text)
    assert words[::2] == ["-o"] * (len(words) // 2)
    return dict(word.split("=", 1) for word in words[1::2])


def test_only_quantum_safe_names_best_first():
    names = ["curve25519-sha256", "sntrup761x25519-sha512@openssh.com", "mlkem768x25519-sha256", "ext-info-c"]
    assert set(over_pq.usable(names)) == {"sntrup761x25519-sha512@openssh.com", "mlkem768x25519-sha256"}


@given(identity=st.text(st.characters(blacklist_characters="\0\n", blacklist_categories=["Cs"]), min_size=1))
def test_the_pipe_arrives_as_it_is_meant(identity):
    way = WAY._replace(identities=[identity])
    proxy = options(over_pq.arguments(way, "/tmp/cp"))["ProxyCommand"]
    assert over_pq.pipe_of({"proxycommand": proxy}) == over_pq.outer(way)


@pytest.mark.parametrize("change", [
    {"user": "other"}, {"identities": ["/other"]}, {"known_hosts": "/other"}, {"kex": ["mlkem768x25519-sha256"]},
    {"inner": ("web1", "23")}, {"pin": PIN._replace(port=2223)}, {"pin": PIN._replace(target="localhost:23")},
])
def test_another_way_is_another_socket(change):
    sockets = {options(over_pq.arguments(way, "/cp"))["ControlPath"] for way in (WAY, WAY._replace(**change))}
    assert len(sockets) == 2 and all(over_pq.is_ours(socket) for socket in sockets)


@pytest.mark.skipif(not shutil.which("ssh"), reason="no ssh here")
def test_ssh_itself_reads_it_so():
    inner = over_pq.settings(_effective(["ssh", *shlex.split(over_pq.arguments(WAY, "/tmp/cp")), "-o",
                                         "ControlMaster=auto", "web1"]))
    assert over_pq.inner_flaws(inner) == []
    pipe = over_pq.pipe_of(inner)
    assert pipe == over_pq.outer(WAY)
    assert over_pq.outer_flaws(over_pq.settings(_effective(pipe)), WAY.known_hosts, [PIN]) == []


def _effective(command):
    argv = [command[0], "-F", "none", "-G", *command[1:]]
    return subprocess.run(argv, capture_output=True, check=True, text=True).stdout


@pytest.mark.parametrize(("inner", "words"), [
    ({}, "directly"),
    ({"proxycommand": "none"}, "directly"),
    ({"proxycommand": "ssh 'unbalanced -W x"}, "directly"),
    ({"proxycommand": "ssh -W localhost:22 x", "controlmaster": "auto", "controlpath": "/cp/012345"}, "ControlPath"),
])
def test_another_inner_connection_is_no_proof(inner, words):
    assert words in " ".join(over_pq.inner_flaws(inner))


@pytest.mark.parametrize(("change", "words"), [
    ({"kexalgorithms": KEX[0] + ",curve25519-sha256"}, "it could negotiate curve25519-sha256"),
    ({"kexalgorithms": ""}, "it could negotiate anything"),
    ({"stricthostkeychecking": "ask"}, "stricthostkeychecking is ask"),
    ({"controlpath": "/tmp/other"}, "controlpath is /tmp/other"),
    ({"userknownhostsfile": "/home/me/.ssh/known_hosts"}, "host keys are not those"),
    ({"knownhostscommand": "/bin/any"}, "brings other host keys"),
    ({"hostname": "192.0.2.8"}, "is not where the pinned host key belongs"),
    ({"port": "22"}, "is not where the pinned host key belongs"),
    ({"hostkeyalias": "other"}, "is not where the pinned host key belongs"),
])
def test_a_pipe_that_could_go_otherwise_is_no_proof(change, words):
    assert over_pq.outer_flaws(GOOD, WAY.known_hosts, [PIN]) == []
    assert words in " ".join(over_pq.outer_flaws(dict(GOOD, **change), WAY.known_hosts, [PIN]))
    assert over_pq.outer_flaws(GOOD, WAY.known_hosts, [])


@pytest.mark.parametrize(("connection", "through"), [
    ("127.0.0.1 4711 127.0.0.1 22", True), ("::1 4711 ::1 22", True), ("192.0.2.7 4711 192.0.2.7 22", True),
    ("192.0.2.1 4711 192.0.2.7 22", False), ("", False), ("127.0.0.1", False),
])
def test_where_the_host_sees_the_session_come_from(connection, through):
    assert over_pq.came_through(connection) is through


def test_what_was_negotiated_is_in_sshs_words():
    log = "debug1: kex: algorithm: %s\ndebug1: kex: host key algorithm: ssh-ed25519\n" % KEX[0]
    assert over_pq.negotiated(log) == (KEX[0], "ssh-ed25519")
    assert over_pq.negotiated("ssh: connect to host: Connection refused") == ("", "")


@pytest.mark.parametrize(("said", "words"), [
    ("", "did not say"), ("oqs-came-from \n", "somewhere"), ("oqs-came-from 192.0.2.1 1 192.0.2.7 22\n", "192.0.2.1"),
])
def test_a_host_that_sees_another_way_is_no_proof(said, words):
    with pytest.raises(pq_proof.NotProved, match=words):
        pq_proof._came_from(said)


@pytest.mark.parametrize("noise", ["", "Welcome\n", "\x1b]0;web1\x07", "Last login: today\r\n$ "])
def test_a_login_shell_may_say_anything_first(noise):
    assert pq_proof._came_from(noise + "oqs-came-from 127.0.0.1 1 127.0.0.1 22\n") == "127.0.0.1"


def test_names_of_hosts_have_no_case():
    """ssh -G lowers what the inventory spells otherwise."""
    pin = PIN._replace(address="Web1.Example.ORG")
    good = dict(GOOD, hostname="web1.example.org", hostkeyalias=pin.alias)
    assert over_pq.outer_flaws(good, WAY.known_hosts, [pin]) == []
    assert over_pq.outer_flaws(dict(good, hostname="web2.example.org"), WAY.known_hosts, [pin])


LINE = "[192.0.2.7]:2222 ssh-ed25519 AAAA oqs-ssh web1 localhost:22\n"


def test_pins_are_lines_of_known_hosts(tmp_path):
    path = str(tmp_path / "new" / pins.FILE)
    assert pins.of(path, "web1") == []
    assert pins.keep(path, "web1", PIN) and not pins.keep(path, "web1", PIN)
    assert pins.read(path) == LINE and pins.of(path, "web1") == [PIN]
    assert pins.keep(path, "web1", None) and pins.read(path) == ""


def test_pins_of_others_and_other_lines_stay():
    theirs = "# mine\n[192.0.2.9]:2222 ssh-ed25519 BBBB oqs-ssh db1 localhost:22\n192.0.2.7 ssh-ed25519 CCCC\n"
    assert pins.changed(theirs + LINE, "web1", None) == theirs
    assert pins.changed(theirs, "web1", PIN) == theirs + LINE
    new = PIN._replace(host="web2")  # another host came to the same address and port
    assert pins.changed(theirs + LINE, "web2", new) == theirs + LINE.replace("web1", "web2")


def test_damaged_lines_are_no_pins():
    assert pins.parse("x\n[192.0.2.7]:port a b oqs-ssh web1 t\n[] a b oqs-ssh web1 t\n") == []


@pytest.mark.parametrize("change", [
    {"target": "localhost:22\n@cert-authority * ssh-ed25519 AAAA"}, {"keys": ("a b\n[192.0.2.9]:22 c d",)},
    {"host": "web1 web2"}, {"keys": ("a b c",)}, {"address": "192.0.2.7\u2028"},
])
def test_a_pin_is_one_line_of_its_own_host(change):
    with pytest.raises(ValueError, match="cannot be pinned"):
        pins.changed("", "web1", PIN._replace(**change))
