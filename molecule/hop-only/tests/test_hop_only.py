# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hop-only mode: whoever may log in reaches the host's own sshd, and nothing else of the container or the host."""

from __future__ import annotations

import pathlib
import re
from typing import Iterator

import pytest

from tests.e2e.library.scenario import Scenario
from tests.e2e.library.visitor import CLIENT, Visitor

SERVER = "web1"
REFUSED = "administratively prohibited"
#: A service that only the host itself should reach, on its loopback, an abstract and a file socket.
SERVICE = """
import os, socket, threading
doors = []
for family, name in ((socket.AF_INET, ("127.0.0.1", 7099)), (socket.AF_UNIX, "\\0oqs-test"),
                     (socket.AF_UNIX, "/run/oqs-test.sock")):
    door = socket.socket(family)
    door.bind(name)
    door.listen()
    doors.append(door)
os.chmod("/run/oqs-test.sock", 0o666)
def serve(door):
    while True:
        door.accept()[0].sendall(b"private")
for door in doors:
    threading.Thread(target=serve, args=(door,)).start()
"""


@pytest.fixture(scope="module")
def service(scenario: Scenario) -> Iterator[None]:
    """That service; the host itself is served."""
    scenario.root(SERVER, "sh", "-c", "printf '%s' \"$0\" > /root/service.py", SERVICE)
    scenario.root(SERVER, "systemd-run", "--unit=oqs-test-service", "python3", "/root/service.py")
    ask = "timeout 1 bash -c 'exec 3<>/dev/tcp/127.0.0.1/7099; cat <&3' || true"
    scenario.root(SERVER, "bash", "-c", "for t in $(seq 50); do ss -Hltn | grep -q :7099 && break; sleep 0.1; done")
    assert "private" in scenario.root(SERVER, "bash", "-c", ask)
    yield
    scenario.root(SERVER, "systemctl", "stop", "oqs-test-service")


def test_the_way_to_the_hosts_own_sshd(scenario: Scenario, visitor: Visitor, alices_keys: pathlib.Path) -> None:
    """The one line that the run prints."""
    run = scenario.deploy()
    assert run.line(SERVER, "done") == "nothing, it was as wanted", run.text
    assert "log in  " not in run.text
    assert "then hop" not in run.text
    assert "it is a way in, not a sandbox" not in run.text
    assert visitor.ssh(SERVER, "", "-W", "localhost:22", stdin="SSH-2.0-x\r\n").out.startswith("SSH-2.0-OpenSSH")
    talk = visitor.pasted(run.line(SERVER, "in one go").replace("USER@localhost", "alice@localhost"), "id -un; exit")
    assert talk.code == 0, talk.screen
    assert "alice" in talk.screen.splitlines(), talk.screen


@pytest.mark.parametrize("options", [["id"], ["-s", "sftp"], ["-tt"], ["-A", "ssh-add -l"], ["-Y", "env"]])
def test_no_session_of_any_kind(visitor: Visitor, options: list[str]) -> None:
    said = visitor.ssh(SERVER, options[-1], *options[:-1])
    assert (said.code, said.out) == (255, ""), said.log
    assert "open failed" in said.log, said.log
    assert "agent forwarding" not in said.log.replace("Requesting agent forwarding", ""), said.log


@pytest.mark.parametrize("target", [
    "127.0.0.1:7099", "localhost:2222", "127.0.0.2:22", "169.254.169.254:80", "0.0.0.0:22", "192.0.2.1:22",
])
def test_no_other_target(visitor: Visitor, service: None, target: str) -> None:
    """Services on the host's loopback, the metadata address, other hosts."""
    said = visitor.ssh(SERVER, "", "-W", target)
    assert said.out == ""
    assert REFUSED in said.log, said.log


@pytest.mark.parametrize("socket", ["/run/oqs-test.sock", "/var/run/docker.sock"])
def test_no_socket(visitor: Visitor, service: None, socket: str) -> None:
    """Abstract ones cannot even be named by a client."""
    script = """
log=$(mktemp); "$@" -N -v -L 7005:%s >"$log" 2>&1 & ssh=$!
for try in $(seq 100); do grep -q 'Entering interactive session' "$log" && break; sleep 0.1; done
exec 3<>/dev/tcp/127.0.0.1/7005 && read -r -t 5 answer <&3
kill $ssh; wait $ssh; cat "$log" >&2; echo "$answer"
""" % socket
    said = visitor.shell(script, *CLIENT, *visitor.target(SERVER))
    assert said.out.strip() == "", "talked through"
    assert "open failed" in said.log, said.log


@pytest.mark.parametrize("asked", ["7010:localhost:22", "/tmp/remote.sock:localhost:22", "7012"])
def test_nothing_listens_for_strangers(scenario: Scenario, visitor: Visitor, asked: str) -> None:
    said = visitor.ssh(SERVER, "true", "-N", "-o", "ExitOnForwardFailure=yes", "-R", asked)
    assert said.code == 255
    assert re.search("remote port forwarding failed|remote forward failure", said.log), said.log
    assert ":701" not in scenario.root(SERVER, "ss", "-Hltn")


def test_refused_by_name(scenario: Scenario) -> None:
    """Not by a catch-all option, and asked of the server's own reading of its configuration."""
    words = scenario.inside(SERVER, "/opt/oqs-ssh/sbin/sshd", "-T").lower().splitlines()
    for line in ("maxsessions 0", "permittty no", "x11forwarding no", "allowagentforwarding no", "permittunnel no",
                 "allowstreamlocalforwarding no", "allowtcpforwarding local", "permitlisten none", "gatewayports no",
                 "disableforwarding no"):
        assert line in words, line
    opened = [line for line in words if line.startswith("permitopen")]
    assert opened == ["permitopen localhost:22 127.0.0.1:22 [::1]:22"]


def test_back_to_a_shell_and_again(scenario: Scenario, visitor: Visitor) -> None:
    for mode, code in (("shell", 0), ("hop", 255)):
        run = scenario.deploy(oqs_ssh_mode=mode)
        assert run.code == 0, run.text
        assert visitor.ssh(SERVER, "id -un").code == code
