# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Proof from outside: which client makes the handshake, with what, and what its answer is worth."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import core_samples as samples
import known_samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import CommandError, Completed
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.pq_path import outside, pins

KEX = ["mlkem768nistp256-sha256", "mlkem768x25519-sha256"]
OFFERED = outside.Lists(KEX, ["ssh-ed25519", samples.HYBRID_KEY, "rsa-sha2-512"])
PIN = pins.Pin("web1", "192.0.2.7", 2222, "localhost:22", (samples.HOST_KEY,))
PQ = PIN._replace(keys=("%s AAAA" % samples.HYBRID_KEY,))
GOOD = b"""debug1: Remote protocol version 2.0, remote software version OpenSSH_10.6
debug1: kex: algorithm: mlkem768x25519-sha256
debug1: kex: host key algorithm: ssh-ed25519
debug1: Server host key: ssh-ed25519 SHA256:abc
debug1: Host '[192.0.2.7]:2222' is known and matches the ED25519 host key.
debug1: Authentications that can continue: publickey
oqs-ssh-proof@192.0.2.7: Permission denied (publickey).
"""


class Held(NamedTuple):
    """An image that the controller's engine holds."""

    Id: str


@pytest.fixture
def world(monkeypatch):
    """A controller: what its ssh knows, whether it holds the image, what comes of a handshake; and what was run."""
    class World:
        kex, keys, image, said, ran = ["mlkem768x25519-sha256", "curve25519-sha256"], ["ssh-ed25519"], True, [GOOD], []
        code, ssh = 255, "ssh"

    made = World()
    made.ran = []

    def run(argv, **_more):
        if "-Q" in argv:
            return Completed(0, "\n".join(made.kex if argv[-1] == "kex" else made.keys).encode(), b"")
        made.ran.append(list(argv))
        return Completed(made.code, b"", made.said[min(len(made.ran), len(made.said)) - 1])

    monkeypatch.setattr(outside, "run", run)
    monkeypatch.setattr(outside, "kept_in_run", lambda _name, make: make())
    monkeypatch.setattr(outside.time, "sleep", lambda _seconds: None)
    monkeypatch.setattr(outside.cli, "program", lambda: "docker")
    monkeypatch.setattr(outside.shutil, "which", lambda _name: made.ssh)
    monkeypatch.setattr(outside.inspected, "image", lambda *_any: Held("sha256:2") if made.image else None)
    return made


def test_the_controllers_own_ssh_where_it_can(world):
    found = outside.prove(PIN, "oqs", OFFERED, "/known", "sha256:1")
    assert (found.kex, found.host_key) == ("mlkem768x25519-sha256", "SHA256:abc")
    words = world.ran[0]
    assert words[:2] == ["ssh", "-v"] and words[-3:] == ["2222", "oqs@192.0.2.7", "true"]
    assert "KexAlgorithms=mlkem768x25519-sha256" in words and "HostKeyAlgorithms=ssh-ed25519" in words
    assert "StrictHostKeyChecking=yes" in words and 'UserKnownHostsFile="/known"' in words
    assert "HostKeyAlias=[192.0.2.7]:2222" in words


@pytest.mark.parametrize(("kex", "keys", "pin"), [
    (["curve25519-sha256"], ["ssh-ed25519"], PIN), (KEX, ["ssh-rsa"], PIN), (KEX, ["ssh-ed25519"], PQ), ([], [], PIN),
])
def test_else_the_one_in_the_image(world, kex, keys, pin):
    world.kex, world.keys = kex, keys
    assert outside.prove(pin, "oqs", OFFERED, "/known", "sha256:1")
    words = world.ran[0]
    assert words[:2] == ["docker", "run"] and "sha256:2" in words, "what was inspected, whatever it is called"
    assert "type=bind,source=/known,target=/run/known_hosts,readonly" in words
    assert "KexAlgorithms=" + ",".join(KEX) in words and 'UserKnownHostsFile="/run/known_hosts"' in words


def test_a_pinned_key_that_is_not_served_now_is_not_asked_for(world):
    both = PIN._replace(keys=(*PIN.keys, *PQ.keys))
    assert outside.prove(both, "oqs", OFFERED._replace(keys=[samples.HYBRID_KEY]), "/known", "sha256:1")
    assert world.ran[0][0] == "docker" and "HostKeyAlgorithms=" + samples.HYBRID_KEY in world.ran[0]


def test_who_offers_no_pinned_type_is_an_impostor(world):
    with pytest.raises(outside.Impostor, match="it offers ssh-rsa"):
        outside.prove(PIN, "oqs", OFFERED._replace(keys=["ssh-rsa"]), "/known", "sha256:1")
    assert world.ran == []


def test_where_there_is_neither_nothing_is_said_to_be_proved(world):
    world.kex, world.image = ["curve25519-sha256"], False
    tried = partial(outside.prove, PIN, "oqs")
    classical = OFFERED._replace(kex=["curve25519-sha256"])
    for image, offered, reference in ((False, OFFERED, "sha256:1"), (True, OFFERED, ""), (True, classical, "sha256:1")):
        world.image = image
        with pytest.raises(outside.NotTried, match=r"^neither the controller's ssh nor an image"):
            tried(offered, "/known", reference)
    assert world.ran == [], "no classical one is made"


def test_where_the_image_cannot_be_asked_for_it_is_said(world, monkeypatch):
    def refused(*_any):
        raise outside.cli.DockerError("docker image inspect: permission denied")

    world.ssh = None
    monkeypatch.setattr(outside.inspected, "image", refused)
    with pytest.raises(outside.NotTried, match="image is needed for it, and docker image inspect: permission denied"):
        outside.prove(PIN, "oqs", OFFERED, "/known", "sha256:1")


def test_a_client_that_could_not_be_run_makes_nobody_an_impostor(world):
    world.ssh, world.code, world.said = None, 125, [b"docker: no such device\n"]
    with pytest.raises(CommandError, match=r"docker run.*no such device"):
        outside.prove(PIN, "oqs", OFFERED, "/known", "sha256:1")


def test_a_busy_server_is_asked_again(world):
    world.said = [b"Connection closed by 192.0.2.7 port 2222\n", GOOD]
    assert outside.prove(PIN, "oqs", OFFERED, "/known", "").ok and len(world.ran) == 2


def test_who_does_not_hold_the_key_is_an_impostor(world):
    world.said = [b"debug1: kex: algorithm: mlkem768x25519-sha256\nHost key verification failed.\n"]
    with pytest.raises(outside.Impostor, match=r"192\.0\.2\.7 port 2222 did not prove from outside.*ation failed"):
        outside.prove(PIN, "oqs", OFFERED, "/known", "")
    assert len(world.ran) == 1


def test_due_where_something_on_the_way_was_changed():
    assert not outside.is_due([]) and not outside.is_due([known_samples.item(section="password")])
    assert outside.is_due([known_samples.item(section="firewall")])
    assert outside.is_due([known_samples.item(section="container"), known_samples.item(section="hop")])
