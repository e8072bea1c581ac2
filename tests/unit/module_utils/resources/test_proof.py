# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The proof is asked for again where the server had no time for it, and only there."""

from __future__ import annotations

from typing import List

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import Completed
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import proof

GOOD = """debug1: kex: algorithm: mlkem768x25519-sha256
debug1: Host 'localhost' is known and matches the ED25519 host key.
debug1: Authentications that can continue: publickey"""


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> List[str]:
    """What the entry says, one try after the other; the last for good."""
    queue: List[str] = []

    def answer(_arguments: List[str], check: bool = True) -> Completed:
        del check
        text = queue.pop(0) if len(queue) > 1 else queue[0]
        return Completed(0, ("\n== own\n" + text).encode(), b"")

    monkeypatch.setattr(cli, "docker", answer)
    monkeypatch.setattr(proof.time, "sleep", lambda _seconds: None)
    return queue


@pytest.mark.parametrize("said", [
    "Connection reset by ::1 port 2222", "Connection closed by 127.0.0.1 port 2222",
    "kex_exchange_identification: read: Connection reset by peer", "Exceeded MaxStartups",
])
def test_turned_away_twice_and_then_served(answers: List[str], said: str) -> None:
    answers += [said, said, GOOD]
    assert proof.of_own("oqs-ssh", 2222).ok
    assert answers == [GOOD]


def test_turned_away_for_good(answers: List[str]) -> None:
    answers.append("Connection reset by ::1 port 2222")
    assert proof.of_own("oqs-ssh", 2222).error == answers[0]


@pytest.mark.parametrize(("out", "own", "hop"), [
    (b"", "the container is not running", "the container is not running"),
    (("\n== own\n" + GOOD).encode(), "", "the container is not running"),  # cut before the second
])
def test_a_handshake_that_was_asked_for_and_not_made_has_failed(monkeypatch, out: bytes, own: str, hop: str) -> None:
    said = Completed(1, out, b"the container is not running\n")
    monkeypatch.setattr(cli, "docker", lambda _arguments, **_more: said)
    found = proof.prove("oqs-ssh", 2222, 22)
    assert found.own and found.own.error == own and found.hop and found.hop.error == hop
    assert proof.prove("oqs-ssh", 2222).hop is None


@pytest.mark.parametrize("said", ["Host key verification failed.", "connect to host localhost port 2222: refused"])
def test_another_failure_is_one_at_once(answers: List[str], said: str) -> None:
    answers += [said, GOOD]
    assert not proof.of_own("oqs-ssh", 2222).ok
    assert answers == [GOOD], "asked once"
