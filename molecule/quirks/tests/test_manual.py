# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the image's manual promises and the image itself does not keep. Typed by hand as the manual says.

The person outside trusts the host keys on first sight only: a login after a restart proves that they are the same.
"""

from __future__ import annotations

import subprocess
import time
from typing import Dict, List

from tests.e2e.library import terminal
from tests.e2e.library.scenario import PQ_KEY, Scenario
from tests.e2e.library.visitor import CLIENT, Visitor


def _keys(scenario: Scenario, server: str) -> Dict[str, str]:
    """Checksums of the server keys as the running container has them."""
    said = scenario.inside(server, "sh", "-c", "sha256sum /opt/oqs-ssh/ssh_host_*_key /opt/oqs-ssh/ssh_host_*_key.pub")
    return {name: digest for digest, name in (line.split() for line in said.splitlines())}


def _main_process(scenario: Scenario, server: str) -> str:
    return scenario.root(server, "docker", "inspect", "-f", "{{.State.Pid}} {{.State.StartedAt}}", "oqs-ssh")


def test_it_is_the_image_with_the_flaws(scenario: Scenario, server: str) -> None:
    said = scenario.root(server, "docker", "inspect", "-f", "{{json .Config.Labels}}", "oqs-ssh")
    assert '"org.quantumsafe.openssh.variant":"quirks"' in said
    script = "cat /home/oqs/entrypoint.sh /opt/oqs-ssh/scripts/key-gen.sh | sha256sum"
    own = scenario.root(server, "docker", "run", "--rm", "--network", "none", "--entrypoint", "sh",
                        "localhost/quantumsafe/openssh-quirks:latest", "-c", script)
    assert scenario.inside(server, "sh", "-c", script) == own, "the image's own files were changed"


def test_serves_after_docker_restart(scenario: Scenario, visitor: Visitor, server: str) -> None:
    assert visitor.ssh(server, "true").code == 0
    keys = _keys(scenario, server)
    scenario.root(server, "docker", "restart", "oqs-ssh")
    visitor.served(server)
    assert _keys(scenario, server) == keys


def test_serves_after_a_restart_of_docker_itself(scenario: Scenario, visitor: Visitor, server: str) -> None:
    keys = _keys(scenario, server)
    scenario.root(server, "systemctl", "restart", "docker")
    visitor.served(server)
    assert _keys(scenario, server) == keys


def test_serves_after_a_reboot(scenario: Scenario, visitor: Visitor, server: str) -> None:
    keys = _keys(scenario, server)
    scenario.lab.reboot(server)
    visitor.served(server)
    assert _keys(scenario, server) == keys


def test_status_tells_the_truth(scenario: Scenario, server: str) -> None:
    done = scenario.lab.exec(server, ["docker", "exec", "oqs-ssh", "rc-service", "oqs-sshd", "status"], check=False)
    assert (done.returncode, b"started" in done.stdout) == (0, True), done


def test_dead_sshd_is_back_in_seconds(scenario: Scenario, visitor: Visitor, server: str) -> None:
    before = _main_process(scenario, server)
    scenario.root(server, "kill", "-9", before.split()[0])
    visitor.served(server, 10.0)
    assert _main_process(scenario, server) != before


def test_restart_by_hand_loads_the_configuration(scenario: Scenario, visitor: Visitor, server: str) -> None:
    """With the image alone the old server goes on with the old configuration."""
    before, keys = _main_process(scenario, server), _keys(scenario, server)
    edit = "echo 'Banner /etc/hostname' >> /opt/oqs-ssh/sshd_config"
    scenario.inside(server, "sh", "-c", edit)
    scenario.inside(server, "rc-service", "oqs-sshd", "restart", check=False)
    try:
        visitor.served(server, 20.0, other_than=lambda: _main_process(scenario, server) == before)
        assert server in visitor.ssh(server, "true").log, "the changed configuration is not in force"
        assert _keys(scenario, server) == keys
    finally:
        undo = "f=$(readlink -f /opt/oqs-ssh/sshd_config); sed '/^Banner/d' $f > /tmp/c; cat /tmp/c > $f"
        scenario.inside(server, "sh", "-c", undo)


def test_password_typed_by_hand_counts_at_once(scenario: Scenario, visitor: Visitor, server: str) -> None:
    new = scenario.password() + "-by-hand"
    _type_password(scenario, server, new)
    login = visitor.typed_password(server, "id -un", new)
    assert (login.code, login.screen.splitlines()[-1]) == (0, "oqs"), login.screen


def _type_password(scenario: Scenario, server: str, new: str) -> None:
    outer = ["docker", "exec", "-it", scenario.lab.host(server).container]
    said = terminal.talk([*outer, "docker", "exec", "-it", "oqs-ssh", "passwd", "oqs"], [("assword: ", new)] * 2)
    assert said.code == 0, said.screen


def test_keys_by_hand_outlive_the_container(scenario: Scenario, visitor: Visitor) -> None:
    """As the manual has it for classical clients: name a HostKey, run key-gen.sh. Then the container is lost."""
    path = "/opt/oqs-ssh/ssh_host_ed25519_key"
    made = {}
    for server in scenario.hosts:
        scenario.inside(server, "sh", "-c", "echo 'HostKey %s' >> /opt/oqs-ssh/sshd_config" % path)
        before = _keys(scenario, server)
        # key-gen.sh restarts the service after a new host key, so this very command may lose its container.
        scenario.inside(server, "/opt/oqs-ssh/scripts/key-gen.sh", check=False)
        visitor.served(server, 20.0)
        made[server] = _keys(scenario, server)
        assert {name: made[server][name] for name in before} == before
        assert path in made[server]
        scenario.root(server, "docker", "rm", "-f", "oqs-ssh")
    run = scenario.deploy()
    assert run.code == 0, run.text
    for server in scenario.hosts:
        visitor.served(server)
        assert _keys(scenario, server) == made[server]
        assert visitor.typed_password(server, "id -un", scenario.password()).code == 0


def test_changed_configuration_is_in_force_and_logins_survive(scenario: Scenario, visitor: Visitor) -> None:
    """Asked of the running server: what it offers, and what a login then negotiates. A password typed by hand (a test
    before this one did) gives way to the one that is deployed."""
    alive: List[subprocess.Popen[bytes]] = []
    before = {}
    for server in scenario.hosts:
        _type_password(scenario, server, scenario.password() + "-by-hand")
        argv = ["docker", "exec", "-i", scenario.visitor_container, *CLIENT, *visitor.target(server), "cat"]
        alive.append(subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        _echo(alive[-1], b"before\n")
        before[server] = _main_process(scenario, server), visitor.offer(server)
    wanted = ["sntrup761x25519-sha512", "mlkem768x25519-sha256"]
    run = scenario.deploy(oqs_ssh_kex_algorithms=wanted)
    assert run.code == 0, run.text
    for server, login in zip(scenario.hosts, alive):
        assert wanted == visitor.offer(server) != before[server][1]
        said = visitor.ssh(server, "true", "-o", "KexAlgorithms=sntrup761x25519-sha512")
        assert (said.code, said.kex) == (0, "sntrup761x25519-sha512"), said.log
        assert visitor.ssh(server, "true", "-o", "KexAlgorithms=mlkem768nistp256-sha256").code == 255
        assert _main_process(scenario, server) == before[server][0], "the main process was replaced"
        _echo(login, b"after\n")
        login.kill()
        login.wait()
        assert visitor.typed_password(server, "id -un", scenario.password()).code == 0


def _echo(login: "subprocess.Popen[bytes]", words: bytes) -> None:
    """A login that still lives says what it is told."""
    assert login.stdin and login.stdout
    login.stdin.write(words)
    login.stdin.flush()
    assert login.stdout.readline() == words


def test_wishes_taken_back_give_the_image_its_default(scenario: Scenario, visitor: Visitor) -> None:
    """The wish for key exchanges of the test before is gone, and so is the password."""
    image = scenario.root(scenario.hosts[0], "docker", "run", "--rm", "--network", "none", "--entrypoint", "cat",
                          "localhost/quantumsafe/openssh-quirks:latest", "/opt/oqs-ssh/sshd_config")
    default = [line.split()[1].split(",") for line in image.splitlines() if line.startswith("KexAlgorithms ")]
    run = scenario.deploy(oqs_ssh_password="")
    assert run.code == 0, run.text
    for server in scenario.hosts:
        _offers_password(visitor, server, False)
    assert [visitor.offer(server) for server in scenario.hosts] == default * len(scenario.hosts)


def test_a_password_given_again_is_asked_for_again(scenario: Scenario, visitor: Visitor) -> None:
    run = scenario.deploy()
    assert run.code == 0, run.text
    for server in scenario.hosts:
        _offers_password(visitor, server, True)


def _offers_password(visitor: Visitor, server: str, wanted: bool) -> None:
    said = visitor.ssh(server, "true", "-o", "PreferredAuthentications=none")
    assert ("password" in said.methods) is wanted, said.methods
    assert PQ_KEY in visitor.ssh(server, "true").log


def test_survives_while_the_engine_is_away(scenario: Scenario, visitor: Visitor, server: str) -> None:
    """docker stop is meant; docker start brings everything back."""
    scenario.root(server, "docker", "stop", "-t", "5", "oqs-ssh")
    began = time.monotonic()
    scenario.root(server, "docker", "start", "oqs-ssh")
    visitor.served(server, 20.0)
    assert time.monotonic() - began < 20
