# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Two labs side by side on the real engine: the promises that other tests build on."""

from __future__ import annotations

import concurrent.futures
import os
import secrets
import socket
import subprocess

import pytest

from lab.lab import Lab
from lab.lab_engine import LabError, docker, docker_json, has_six

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def labs(tmp_path_factory):
    mark = secrets.token_hex(3)
    folder = tmp_path_factory.mktemp("labs")
    wanted = {
        "t-%s-a" % mark: {"web1": "bookworm", "web2": "trixie"},
        "t-%s-b" % mark: {"web1": "trixie:docker"},
    }
    try:
        with concurrent.futures.ThreadPoolExecutor() as pool:
            futures = [pool.submit(Lab.up, name, hosts, state=folder / name) for name, hosts in wanted.items()]
        yield [future.result() for future in futures]
    finally:
        for name in wanted:
            Lab(name, folder / name).down()
            assert not docker("ps", "-aq", "--filter", "label=quantumsafe.lab=" + name).stdout
            assert not docker_json("network", "inspect", "qslab-" + name)
            assert not (folder / name).exists()


def hosts_of(labs):
    return [(lab, host) for lab in labs for host in lab.hosts]


def test_every_host_has_its_own_identity(labs):
    machine_ids, keys = set(), set()
    for lab, host in hosts_of(labs):
        machine_ids.add(lab.exec(host, ["cat", "/etc/machine-id"]).stdout)
        keys.add(lab.exec(host, ["cat", "/etc/ssh/ssh_host_ed25519_key.pub"]).stdout)
    assert len(machine_ids) == len(keys) == 3
    assert len({lab.hosts[host].address for lab, host in hosts_of(labs)}) == 3


def test_hosts_are_reached_by_both_families(labs):
    for lab, host in hosts_of(labs):
        found = lab.hosts[host]
        assert bool(found.address6) is has_six()
        for address in filter(None, (found.address, found.address6)):
            with socket.create_connection((address, 22), 10) as connection:
                assert connection.recv(4) == b"SSH-", address


def test_hosts_look_untouched(labs):
    plain = labs[0]
    for host in plain.hosts:
        assert plain.exec(host, ["systemctl", "is-system-running"]).stdout == b"running\n"
        assert plain.exec(host, ["nft", "list", "ruleset"]).stdout == b""
        assert plain.exec(host, ["cat", "/proc/sys/net/ipv4/ip_forward"]).stdout == b"0\n"
        assert plain.exec(host, ["sh", "-c", "command -v docker"], check=False).returncode != 0
    docker_host = labs[1]
    assert docker_host.exec("web1", ["docker", "images", "-q"]).stdout == b""


def test_package_lists_look_old_so_that_a_cache_gets_updated(labs):
    for lab, host in hosts_of(labs):
        age = lab.exec(host, ["find", "/var/lib/apt/lists", "-maxdepth", "0", "-mtime", "+300"]).stdout
        assert age == b"/var/lib/apt/lists\n"


def test_logins_with_pinned_keys_are_counted(labs):
    lab = labs[0]
    for host in lab.hosts:
        before = lab.sessions(host)
        assert lab.ssh(host, ["id", "-un"]).stdout == b"root\n"
        assert lab.ssh(host, ["id", "-un"], user="alice").stdout == b"alice\n"
        assert lab.ssh(host, ["sudo", "-n", "id", "-un"], user="admin").stdout == b"root\n"
        assert lab.sessions(host) == before + 3
        lab.exec(host, ["true"])
        assert lab.sessions(host) == before + 3


def test_alice_has_a_password_of_this_lab(labs, tmp_path):
    lab = labs[0]
    askpass = tmp_path / "askpass"
    askpass.write_text("#!/bin/sh\nexec cat '%s'\n" % lab.state.alice_password)
    askpass.chmod(0o700)
    address = lab.hosts["web1"].address
    options = [*lab.state.ssh_options(), "-o", "PubkeyAuthentication=no"]
    argv = ["ssh", "-F", "none", *options, "alice@" + address, "id -un"]
    environment = dict(os.environ, SSH_ASKPASS=str(askpass), SSH_ASKPASS_REQUIRE="force", DISPLAY=":0")
    done = subprocess.run(argv, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    assert done.stdout == b"alice\n", done.stderr
    assert lab.state.password() != labs[1].state.password()


def test_another_host_key_is_refused(labs):
    one, other = labs
    text = one.state.known_hosts.read_text()
    try:
        foreign = other.state.known_hosts.read_text().replace(other.hosts["web1"].address, one.hosts["web1"].address)
        one.state.known_hosts.write_text(foreign)
        assert one.ssh("web1", ["true"]).returncode == 255
    finally:
        one.state.known_hosts.write_text(text)
    assert one.ssh("web1", ["true"]).returncode == 0


def test_reboot_keeps_disk_address_and_count_but_not_run(labs):
    for lab, host in hosts_of(labs):
        lab.ssh(host, ["true"])
        before = lab.sessions(host)
        lab.exec(host, ["sh", "-c", "echo kept > /var/kept; echo lost > /run/lost"])
        boot = lab.boot_id(host)
        lab.reboot(host)
        assert lab.boot_id(host) not in ("", boot)
        assert lab.exec(host, ["cat", "/var/kept"]).stdout == b"kept\n"
        assert lab.exec(host, ["test", "-e", "/run/lost"], check=False).returncode == 1
        assert lab.ssh(host, ["true"]).returncode == 0
        assert lab.sessions(host) == before + 1
        assert lab.exec(host, ["systemctl", "is-system-running"]).stdout == b"running\n"


def test_a_host_can_be_added_and_the_others_stay_as_they_are(labs):
    lab = labs[0]
    lab.exec("web1", ["sh", "-c", "echo mine > /home/alice/.ssh/authorized_keys"])
    before = {host: lab.boot_id(host) for host in lab.hosts}
    hosts = {host.name: host.suite for host in lab.hosts.values()}
    more = Lab.up(lab.name, dict(hosts, web3="bookworm"), state=lab.state.folder, say=[].append)
    assert {host: more.boot_id(host) for host in before} == before
    assert more.exec("web1", ["cat", "/home/alice/.ssh/authorized_keys"]).stdout == b"mine\n"
    assert more.ssh("web3", ["id", "-un"]).stdout == b"root\n"
    assert set(Lab.load(lab.name, lab.state.folder).hosts) == {"web1", "web2", "web3"}


def test_mistakes_are_named(labs, tmp_path):
    lab = labs[0]
    with pytest.raises(LabError, match="has no host 'nowhere'"):
        lab.exec("nowhere", ["true"])
    with pytest.raises(LabError, match="belongs to another checkout"):
        Lab.load(lab.name, tmp_path / lab.name)
    with pytest.raises(LabError, match="has web1 as bookworm"):
        Lab.up(lab.name, {"web1": "trixie"}, state=lab.state.folder)
    with pytest.raises(LabError, match="there is no lab"):
        Lab.load("never-was")
    with pytest.raises(LabError, match="unknown user"):
        Lab.up("never-was", {"web1": "trixie"}, user="oracle")
    with pytest.raises(LabError, match="unknown suite 'woody'"):
        Lab.up("never-was", {"web1": "woody"}, state=tmp_path / "x")


def test_a_client_in_a_container_reaches_the_hosts(labs):
    lab = labs[0]
    script = "import socket; print(socket.create_connection(('web1', 22), 5).recv(4))"
    done = docker("run", "--rm", "--network", lab.client_network, "--entrypoint", "python3",
                  "quantumsafe/lab:bookworm-plain", "-c", script)
    assert done.stdout == b"b'SSH-'\n"
