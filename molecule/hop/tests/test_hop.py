# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From a login into the container to the host's own sshd. On web1 alice is named as a hop user, on web2 nobody is."""

from __future__ import annotations

import pathlib
import re

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import algorithms

from tests.e2e.library.scenario import Scenario
from tests.e2e.library.visitor import Visitor

NAMED, OTHER = "web1", "web2"
HOP = "ssh alice@localhost -p 22 id -un"
OTHER_KEY = """set -e
cd /etc/ssh
for end in key key.pub; do mv ssh_host_ed25519_$end /root/kept.$end; done
ssh-keygen -q -t ed25519 -N '' -f ssh_host_ed25519_key
systemctl reload ssh
"""
OWN_KEY = """set -e
for end in key key.pub; do mv /root/kept.$end /etc/ssh/ssh_host_ed25519_$end; done
systemctl reload ssh
"""


def test_password_of_alice_typed(scenario: Scenario, visitor: Visitor) -> None:
    """No key, no option, no question but for the password."""
    said = visitor.typed(OTHER, HOP, "-t", answers=[("alice@localhost's password: ", scenario.lab.state.password())])
    assert (said.code, said.asked) == (0, False), said.screen
    assert "alice" in said.screen.splitlines(), said.screen


def test_identity_of_the_container(visitor: Visitor) -> None:
    """Without a terminal nobody can be asked anything."""
    said = visitor.ssh(NAMED, HOP)
    assert (said.code, said.out) == (0, "alice\n"), said.log


def test_no_identity_where_nobody_is_named(scenario: Scenario, visitor: Visitor) -> None:
    assert visitor.ssh(OTHER, HOP).code == 255
    assert scenario.root(OTHER, "sh", "-c", "ls /var/lib/oqs-ssh/home-ssh") .split().count("id_ed25519") == 0
    assert "oqs-ssh-hop" not in scenario.root(OTHER, "cat", "/home/alice/.ssh/authorized_keys")


def test_every_name_of_the_host_is_pinned(visitor: Visitor) -> None:
    for name in ("localhost", "127.0.0.1"):
        said = visitor.ssh(NAMED, "ssh -v alice@%s -p 22 true" % name)
        assert said.code == 0, said.log
        assert "is known and matches the" in said.log


def test_another_host_key_ends_the_hop(scenario: Scenario, visitor: Visitor) -> None:
    """Pinned means that a changed key is not accepted, nor asked about."""
    scenario.root(NAMED, "sh", "-c", OTHER_KEY)
    try:
        said = visitor.typed(NAMED, HOP, "-t")
        assert said.code == 255
        assert "REMOTE HOST IDENTIFICATION HAS CHANGED" in said.screen
        assert not said.asked
    finally:
        scenario.root(NAMED, "sh", "-c", OWN_KEY)
    assert visitor.ssh(NAMED, HOP).code == 0


def test_key_exchange_of_the_hop_is_post_quantum(visitor: Visitor) -> None:
    """As good as the host's own sshd can do: 9.2 knows sntrup761, 10.0 prefers mlkem768."""
    for server, best in ((NAMED, "sntrup761x25519-sha512"), (OTHER, "mlkem768x25519-sha256")):
        said = visitor.ssh(server, "ssh -v -o BatchMode=yes alice@localhost -p 22 true 2>&1 | grep kex:")
        kex = re.search(r"kex: algorithm: (\S+)", said.out)
        assert kex, said.out + said.log
        assert algorithms.family(kex.group(1)) == "hybrid"
        assert kex.group(1).startswith(best)


def test_line_of_the_hop_user_is_restricted(scenario: Scenario, visitor: Visitor) -> None:
    lines = scenario.root(NAMED, "cat", "/home/alice/.ssh/authorized_keys").splitlines()
    line, = [one for one in lines if "oqs-ssh-hop" in one]
    assert line.startswith('restrict,pty,from="127.0.0.1,::1" ssh-ed25519 ')
    for asked in ("-o ExitOnForwardFailure=yes -R 7020:localhost:22", "-W localhost:22"):
        said = visitor.ssh(NAMED, "ssh -v %s alice@localhost -p 22 true" % asked)
        assert said.code != 0, said.log
        assert re.search("administratively prohibited|forwarding failed", said.log), said.log
    said = visitor.typed(NAMED, "ssh -t alice@localhost -p 22 tty", "-t")
    assert "/dev/pts/" in said.screen, "the restricted line must leave a terminal"


def test_identity_is_worthless_elsewhere(scenario: Scenario, visitor: Visitor) -> None:
    """Somebody who carries the container's key away cannot use it from outside."""
    stolen = scenario.keys / "stolen"
    stolen.write_text(scenario.root(NAMED, "cat", "/var/lib/oqs-ssh/home-ssh/id_ed25519") + "\n", encoding="utf-8")
    stolen.chmod(0o600)
    try:
        said = visitor.stock(NAMED, "id -un", "-o", "IdentityFile=%s" % stolen, user="alice", port=22)
        assert (said.code, said.out) == (255, "")
        assert str(stolen) in said.log, "the key was not tried"
    finally:
        stolen.unlink()


def test_in_one_go_with_the_persons_own_key(scenario: Scenario, visitor: Visitor, alices_keys: pathlib.Path) -> None:
    """ProxyJump: the session goes end to end, and no private key lies on the host."""
    run = scenario.deploy()
    assert run.code == 0, run.text
    for server in scenario.hosts:
        line = run.line(server, "in one go").replace("USER@localhost", "alice@localhost")
        assert "alice@localhost" in line, run.text
        talk = visitor.pasted(line, "id -un; exit")
        assert talk.code == 0, talk.screen
        assert "alice" in talk.screen.splitlines(), talk.screen
        assert run.line(server, "hop").startswith(("mlkem768x25519-sha256", "sntrup761x25519-sha512")), run.text


@pytest.mark.parametrize(("user", "words"), [
    ("nobody-here", "member 1 (text of 11 characters): this host has no such account"),
    ("root", "root is root; whoever gets into the container would be that account"),
    ("admin", "oqs_ssh_hop_privileged"),
])
def test_users_that_must_not_be_named(scenario: Scenario, user: str, words: str) -> None:
    if user == "admin":
        scenario.root(NAMED, "usermod", "-aG", "sudo", "admin")
    before = scenario.files(NAMED)
    run = scenario.deploy(limit=NAMED, oqs_ssh_hop_users=[user])
    assert run.code != 0
    assert "nothing was changed; oqs_ssh_hop_users: " in run.words
    assert words in run.words, run.text
    assert scenario.files(NAMED) == before


def test_a_user_no_longer_named_loses_the_line(scenario: Scenario, visitor: Visitor) -> None:
    own = scenario.lab.state.public(scenario.lab.state.alice_key)
    run = scenario.deploy(limit=NAMED, oqs_ssh_hop_users=[])
    assert run.code == 0, run.text
    assert scenario.root(NAMED, "cat", "/home/alice/.ssh/authorized_keys") == own
    assert visitor.ssh(NAMED, HOP).code == 255
    again = scenario.deploy(limit=NAMED)
    assert again.code == 0, again.text
    assert visitor.ssh(NAMED, HOP).code == 0
