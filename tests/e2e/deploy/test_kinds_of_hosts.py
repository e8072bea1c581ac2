# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hosts as fleets have them. The tests go through one story in order, on two hosts:

`web1` is administered by somebody who has to type a password for sudo. Its own sshd listens on another port, and on
one address only; Docker lies where no package puts it, and is stopped. `web2` lies behind it: the controller has no way
to it but through `web1`, and its own sshd is started by a socket of systemd's, on another port. It takes keys only.
"""

from __future__ import annotations

import json
import pathlib
import shlex
from typing import Any, Dict

import pytest

from tests.e2e.library.accounts import add_carol
from tests.e2e.library.scenario import PQ_KEY, Run, Scenario, Setting
from tests.e2e.library.visitor import Visitor
from tests.e2e.library.walls import reachable

WEB1, WEB2 = "web1", "web2"
#: Docker as somebody installs it by hand: programs in /usr/local/bin, a unit of their own; stopped, not enabled.
BY_HAND = """set -e
systemctl disable --quiet --now docker.service docker.socket
mv /usr/bin/docker /usr/sbin/dockerd /usr/local/bin/
rm -f /usr/lib/systemd/system/docker.service /usr/lib/systemd/system/docker.socket
cat > /etc/systemd/system/docker.service <<END
[Unit]
After=network-online.target containerd.service
[Service]
Type=notify
ExecStart=/usr/local/bin/dockerd --containerd=/run/containerd/containerd.sock
KillMode=process
[Install]
WantedBy=multi-user.target
END
systemctl daemon-reload
"""
#: $0: the address.
ONE_ADDRESS = """set -e
printf 'Port 2022\\nListenAddress %s\\n' "$0" > /etc/ssh/sshd_config.d/50-one-address.conf
systemctl restart ssh
"""
BY_SOCKET = """set -e
mkdir -p /etc/systemd/system/ssh.socket.d
printf '[Socket]\\nListenStream=\\nListenStream=2200\\n' > /etc/systemd/system/ssh.socket.d/port.conf
systemctl daemon-reload
systemctl disable --quiet --now ssh.service
systemctl enable --quiet --now ssh.socket
"""
#: What a cloud's network does; the host's own firewall knows nothing of it. %s: where the controller comes from.
NO_WAY = """table ip cloud {
    chain before {
        type filter hook prerouting priority -300; policy accept;
        ip saddr %s tcp dport { 22, 2200, 2222 } drop
    }
}
"""
#: Programs in docker's place, as `docker --version` and `docker info` answer there.
PODMAN = """#!/bin/sh
if [ "$1" = --version ]; then echo 'podman version 5.4.2'; else echo '{"host": {"arch": "amd64"}, "version": {}}'; fi
"""
ROOTLESS = """#!/bin/sh
echo '{"ServerVersion": "28.5.2", "DockerRootDir": "/home/me/docker", "SecurityOptions": ["name=rootless"]}'
"""
REMAP = '{"userns-remap": "default"}'


def prepare(made: Scenario) -> None:
    """Make the two hosts into what they are."""
    password = add_carol(made, WEB1)
    made.root(WEB1, "sh", "-c", BY_HAND)
    made.root(WEB1, "sh", "-c", ONE_ADDRESS, made.address(WEB1))
    made.root(WEB2, "sh", "-c", BY_SOCKET)
    gateway = made.root(WEB2, "sh", "-c", "ip route show default | cut -d' ' -f3")
    made.lab.exec(WEB2, ["nft", "-f", "-"], stdin=(NO_WAY % gateway).encode())
    inventory = made.folder / "kinds.json"
    write_inventory(made, inventory, password)
    made.inventories.append(inventory)


SETTING = Setting("kinds", {WEB1: "trixie:docker", WEB2: "forky:docker"}, prepare=prepare)


def write_inventory(made: Scenario, path: pathlib.Path, password: str) -> None:
    """How Ansible reaches them."""
    options = made.lab.state.ssh_options()
    jump = ["ssh", "-F", "none", *options, "-o", "BatchMode=yes", "-i", str(made.lab.state.management_key),
            "-p", "2022", "-W", "%h:%p", "carol@" + made.address(WEB1)]
    hosts = {
        WEB1: {"ansible_user": "carol", "ansible_become_password": password, "ansible_port": 2022},
        WEB2: {"ansible_port": 2200, "oqs_ssh_password": "",
               "ansible_ssh_common_args": shlex.join([*options, "-o", "ProxyCommand=" + shlex.join(jump)])},
    }
    path.write_text(json.dumps({"all": {"hosts": hosts, "vars": {"oqs_ssh_image_source": "build"}}}), encoding="utf-8")


def put(scenario: Scenario, host: str, path: str, text: str) -> None:
    """A file on a host."""
    scenario.lab.exec(host, ["sh", "-c", "mkdir -p $(dirname $0); cat > $0; chmod 755 $0", path], stdin=text.encode())


def refused(scenario: Scenario, words: Dict[str, str]) -> None:
    """A run that changes nothing, and says why for each host."""
    before = {host: scenario.files(host) for host in words}
    run = scenario.deploy()
    assert run.code != 0
    for host, said in words.items():
        assert run.line(host, "failed").startswith("nothing was changed; " + said), run.text
        assert scenario.files(host) == before[host], host


def test_engines_that_are_of_no_use(scenario: Scenario) -> None:
    scenario.root(WEB1, "mv", "/usr/local/bin/docker", "/root/docker")
    put(scenario, WEB1, "/usr/local/bin/docker", PODMAN)
    scenario.root(WEB2, "systemctl", "stop", "docker.socket", "docker.service")
    put(scenario, WEB2, "/etc/docker/daemon.json", REMAP)
    try:
        refused(scenario, {
            WEB1: "what answers to the command docker here is Podman, and the container needs a Docker engine: remove "
                  "podman-docker",
            WEB2: "the Docker engine remaps user ids (userns-remap), and refuses host networking for that: take",
        })
        put(scenario, WEB1, "/usr/local/bin/docker", ROOTLESS)
        scenario.root(WEB2, "systemctl", "start", "docker.service")
        assert "userns" in scenario.root(WEB2, "docker", "info", "--format", "{{.SecurityOptions}}")
        refused(scenario, {
            WEB1: "the Docker engine that answers here runs rootless",
            WEB2: "the Docker engine remaps user ids (userns-remap)",
        })
    finally:
        scenario.root(WEB1, "mv", "/root/docker", "/usr/local/bin/docker")
        scenario.root(WEB2, "sh", "-c", "systemctl stop docker.socket docker.service; rm /etc/docker/daemon.json")
        scenario.root(WEB2, "systemctl", "reset-failed", check=False)


@pytest.fixture(scope="module")
def first(scenario: Scenario) -> Run:
    """The first deployment; nobody has said how the controller would reach web2's port."""
    assert not reachable(scenario.address(WEB2), 2200), "the controller was to have no way to web2"
    return scenario.deploy()


def test_sudo_with_a_password_an_sshd_of_one_address_and_a_docker_by_hand(scenario: Scenario, first: Run) -> None:
    address = scenario.address(WEB1)
    assert first.line(WEB1, "hop"), first.text
    assert first.line(WEB1, "then hop") == "ssh USER@%s -p 2022" % address
    for note in ("the host's own sshd listens on port 2022, not on 22 (oqs_ssh_hop_port): the hop goes there",
                 "the host's own sshd does not listen on localhost: the hop goes to " + address):
        assert note in first.text
    assert scenario.root(WEB1, "systemctl", "is-enabled", "docker") == "enabled"
    assert scenario.root(WEB1, "sh", "-c", "test -e /usr/bin/docker || echo none") == "none", "another one"


def test_an_engine_that_does_not_start_with_the_host(scenario: Scenario, first: Run) -> None:
    """The run has enabled it, so it does so again; what its owner has made of it since is named and stays."""
    del first
    scenario.root(WEB1, "systemctl", "disable", "--quiet", "docker")
    assert scenario.deploy(limit=WEB1).code == 0
    assert scenario.root(WEB1, "systemctl", "is-enabled", "docker") == "enabled"
    unit = "/etc/systemd/system/docker.service"
    scenario.root(WEB1, "sh", "-c", "systemctl disable --quiet docker; sed -i '/Install/,$d' %s; "
                                    "systemctl daemon-reload" % unit)
    run = scenario.deploy(limit=WEB1)
    assert run.code == 0 and run.line(WEB1, "done") == "nothing, it was as wanted", run.text
    assert ("Docker does not start with the host, and then the container does not, either: docker.service is static, "
            "and no target wants it; to change that: systemctl add-wants") in run.text
    scenario.root(WEB1, "sh", "-c", "printf '[Install]\\nWantedBy=multi-user.target\\n' >> %s; "
                                    "systemctl daemon-reload; systemctl enable --quiet docker" % unit)


def test_a_host_that_the_controller_cannot_reach(scenario: Scenario, first: Run) -> None:
    failed = first.line(WEB2, "failed")
    assert "port 2222" in failed, first.text
    assert "set oqs_ssh_probe_from to the name of an inventory host that has one, or to host" in failed


def test_proofs_start_where_there_is_a_way(scenario: Scenario, first: Run) -> None:
    run = scenario.deploy("-vv", oqs_ssh_probe_from=WEB1)
    assert run.code == 0, run.text
    assert run.line(WEB2, "done") == "nothing, it was as wanted"
    assert run.line(WEB2, "then hop") == "ssh USER@localhost -p 2200"
    assert "proved from the host itself" not in run.text
    run = scenario.deploy(limit=WEB2, oqs_ssh_probe_from="host")
    assert run.code == 0, run.text
    assert "proved from the host itself (oqs_ssh_probe_from): the way in from outside was not tried" in run.text


@pytest.mark.parametrize("host", [WEB1, WEB2])
def test_login_and_hop(scenario: Scenario, visitor: Visitor, first: Run, host: str) -> None:
    said = visitor.ssh(host, "id -un")
    assert (said.code, said.out) == (0, "oqs\n"), said.log
    assert PQ_KEY in said.log
    target = {WEB1: scenario.address(WEB1) + ":2022", WEB2: "localhost:2200"}[host]
    assert visitor.ssh(host, "", "-W", target, stdin="SSH-2.0-test\r\n").out.startswith("SSH-2.0-OpenSSH")
    assert visitor.ssh(host, "", "-W", "localhost:22").out == ""
    hop = shlex.split("ssh -v -o BatchMode=yes USER@%s -p %s" % tuple(target.rsplit(":", 1)))
    assert "Authentications that can continue" in visitor.ssh(host, shlex.join(hop)).log


def test_keys_only(visitor: Visitor, first: Run) -> None:
    said = visitor.ssh(WEB2, "true", "-o", "PreferredAuthentications=none")
    assert said.methods == ["publickey"], said.log


def test_the_story_ends_as_it_began(scenario: Scenario, first: Run) -> None:
    """The hosts' own ways in are what they were."""
    found: Any = {host: scenario.root(host, "ss", "-Hltn", "sport = :22") for host in (WEB1, WEB2)}
    assert found == {WEB1: "", WEB2: ""}
    assert reachable(scenario.address(WEB1), 2022)
