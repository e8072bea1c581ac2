# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The server is closed by name: what it must refuse is asked for from outside, by a client that may log in."""

from __future__ import annotations

import re

import pytest

from tests.e2e.library.scenario import PQ_KEY, Scenario
from tests.e2e.library.visitor import CLIENT, Visitor

REFUSED = "administratively prohibited"
FAIL = ("-o", "ExitOnForwardFailure=yes")
#: Listen with ssh, connect to what it listens on, and show what ssh said; $1 is what to connect to.
TRY_FORWARD = """
log=$(mktemp); what=$1; shift
"$@" >"$log" 2>&1 & ssh=$!
for try in $(seq 100); do grep -q 'Entering interactive session' "$log" && break; sleep 0.1; done
exec 3<>"/dev/tcp/127.0.0.1/$what" && read -r -t 5 answer <&3
kill $ssh; wait $ssh
cat "$log" >&2; echo "$answer"
"""
TALKER = """
import os, socket
name = "/etc/oqs-ssh/talker.sock"
door = socket.socket(socket.AF_UNIX)
door.bind(name)
os.chmod(name, 0o666)
door.listen()
door.settimeout(20)
door.accept()[0].sendall(b"open")
"""
#: With a key in an agent that is offered: what does the other side see?
WITH_AGENT = """
eval "$(/opt/oqs-ssh/bin/ssh-agent)" >&2
/opt/oqs-ssh/bin/ssh-add /root/.ssh/%s >&2
"$@"; code=$?
/opt/oqs-ssh/bin/ssh-agent -k >&2; exit $code
""" % PQ_KEY


@pytest.mark.parametrize("target", ["localhost:22", "127.0.0.1:22", "[::1]:22"])
def test_way_to_the_hosts_own_sshd_is_open(scenario: Scenario, visitor: Visitor, server: str, target: str) -> None:
    said = visitor.ssh(server, "", "-W", target, stdin="SSH-2.0-test\r\n")
    if target.startswith("[") and len(scenario.addresses(server)) < 2:
        assert "open failed: connect failed" in said.log  # asked for and let through: this lab has no IPv6
    else:
        assert said.out.startswith("SSH-2.0-OpenSSH"), said.log


@pytest.mark.parametrize("target", ["127.0.0.1:2222", "localhost:80", "127.0.0.2:22", "0.0.0.0:22", "192.0.2.1:22"])
def test_local_forwarding_goes_nowhere_else(visitor: Visitor, server: str, target: str) -> None:
    said = visitor.ssh(server, "", "-W", target)
    assert said.out == ""
    assert REFUSED in said.log, said.log


def test_local_forwarding_of_a_port(visitor: Visitor, server: str) -> None:
    good = visitor.shell(TRY_FORWARD, "7001", *CLIENT, "-v", "-N", "-L", "7001:localhost:22", *visitor.target(server))
    assert good.out.startswith("SSH-2.0-OpenSSH"), good.log
    bad = visitor.shell(TRY_FORWARD, "7002", *CLIENT, "-v", "-N", "-L", "7002:localhost:2222", *visitor.target(server))
    assert bad.out.strip() == ""
    assert REFUSED in bad.log


def test_dynamic_forwarding_goes_nowhere_else(visitor: Visitor, server: str) -> None:
    socks = TRY_FORWARD.replace("&& read", r"&& printf '\4\1\10\256\177\0\0\1\0' >&3 && read")
    said = visitor.shell(socks, "7003", *CLIENT, "-v", "-N", "-D", "7003", *visitor.target(server))
    assert REFUSED in said.log, said.log


@pytest.mark.parametrize("asked", ["7010:localhost:22", "0.0.0.0:7011:localhost:22", "7012", "0:localhost:22"])
def test_remote_forwarding_is_refused(scenario: Scenario, visitor: Visitor, server: str, asked: str) -> None:
    said = visitor.ssh(server, "echo here", *FAIL, "-R", asked)
    assert (said.code, said.out) == (255, "")
    assert re.search("remote port forwarding failed|remote forward failure", said.log), said.log
    assert ":701" not in scenario.root(server, "ss", "-Hltn")


def test_unix_sockets_are_refused_both_ways(scenario: Scenario, visitor: Visitor, server: str) -> None:
    said = visitor.ssh(server, "echo here", *FAIL, "-R", "/tmp/remote.sock:localhost:22")
    assert (said.code, said.out) == (255, "")
    assert "No such file" in scenario.inside(server, "ls", "/tmp/remote.sock", check=False)
    # A socket that anybody in the container can talk to.
    scenario.root(server, "sh", "-c", "python3 -c '%s' >/dev/null 2>&1 &" % TALKER)
    forward = "7004:/etc/oqs-ssh/talker.sock"
    said = visitor.shell(TRY_FORWARD, "7004", *CLIENT, "-v", "-N", "-L", forward, *visitor.target(server))
    scenario.root(server, "rm", "/etc/oqs-ssh/talker.sock")
    assert said.out.strip() == "", "talked through"
    assert "open failed" in said.log, said.log


def test_agent_is_not_forwarded(visitor: Visitor, server: str) -> None:
    command = "echo agent=$SSH_AUTH_SOCK; ls -d /tmp/ssh-* 2>/dev/null"
    said = visitor.shell(WITH_AGENT, *CLIENT, "-v", "-A", *visitor.target(server), command)
    assert re.search("Requesting (authentication )?agent forwarding", said.log)
    assert said.out == "agent=\n"


def test_x11_is_not_forwarded(scenario: Scenario, visitor: Visitor, server: str) -> None:
    xauth = "/usr/bin/xauth"  # the image has none, and without it sshd never forwards
    made = "[ ! -e $0 ] && printf '#!/bin/sh\nexit 0\n' > $0 && chmod 755 $0 && echo made"
    made_one = scenario.inside(server, "sh", "-c", made, xauth, check=False) == "made"
    try:
        said = visitor.shell('DISPLAY=:7 "$@"', *CLIENT, "-v", "-Y", *visitor.target(server), "echo display=$DISPLAY")
        assert "X11 forwarding request failed" in said.log, said.log
        assert said.out == "display=\n"
        # Refused, not tried in vain (a lab without IPv6 has no room for a display).
        assert "X11 display socket" not in scenario.root(server, "docker", "logs", "--tail", "6", "oqs-ssh")
    finally:
        if made_one:
            scenario.inside(server, "rm", xauth)


def test_tunnel_is_refused(visitor: Visitor, server: str) -> None:
    said = visitor.ssh(server, "true", *FAIL, "-w", "any:any")
    if "Tunnel device open failed" in said.log:
        pytest.skip("this machine makes no tunnel devices")
    assert "Server has rejected tunnel device forwarding" in said.log, said.log


def test_root_cannot_log_in_even_with_a_key_of_its_own(scenario: Scenario, visitor: Visitor, server: str) -> None:
    line = scenario.public(PQ_KEY)
    put = "umask 077; mkdir -p /root/.ssh; echo \"$0\" > /root/.ssh/authorized_keys"
    scenario.inside(server, "sh", "-c", put, line)
    try:
        said = visitor.ssh(server, "id -un", user="root")
        assert (said.code, said.out) == (255, "")
        assert "Permission denied" in said.log
    finally:
        scenario.inside(server, "rm", "-r", "/root/.ssh")
        visitor.forgive(server)


def test_passwords_are_asked_for_only_while_one_is_set(scenario: Scenario, visitor: Visitor, server: str) -> None:
    said = visitor.ssh(server, "true", "-o", "PreferredAuthentications=none")
    expected = {"publickey"}
    if scenario.variables.get("oqs_ssh_password", True):
        expected |= {"password"}
    assert set(said.methods) - {"keyboard-interactive"} == expected, said.log


def test_no_environment_no_rc_file(scenario: Scenario, visitor: Visitor, server: str) -> None:
    folder = "/home/oqs/.ssh"
    scenario.inside(server, "sh", "-c", "echo FROM_FILE=yes > $0/environment; echo 'echo rc ran' > $0/rc", folder)
    try:
        said = visitor.ssh(server, "echo env=$FROM_FILE,$SMUGGLED", "-o", "SetEnv=SMUGGLED=yes")
        assert said.out == "env=,\n", said.out
    finally:
        scenario.inside(server, "rm", folder + "/environment", folder + "/rc")
