# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""oqs_authorized_keys for accounts of a host with a real sshd (StrictModes), and for users who set traps."""

from __future__ import annotations

import base64
from typing import Iterator

import pytest

from tests.integration.module_call import call, docker, four, python_host

pytestmark = pytest.mark.docker
SSH = "ssh -p 2222 -i /root/key -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"


def public_line(kind: str, seed: bytes, comment: str = "") -> str:
    blob = len(kind).to_bytes(4, "big") + kind.encode() + (32).to_bytes(4, "big") + (seed * 32)[:32]
    return " ".join(filter(None, (kind, base64.b64encode(blob).decode(), comment)))


NOVEL = public_line("ssh-novel512@example.org", b"n", "somebody new")
OTHER = public_line("ssh-ed25519", b"o", "somebody else")


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    for name in python_host():
        docker("exec", name, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/root/key")
        yield name


@pytest.fixture(autouse=True)
def homes(request: pytest.FixtureRequest, host: str) -> None:
    sh(host, "for u in alice bob; do rm -rf /home/$u; mkdir -m 755 /home/$u; chown $u:$u /home/$u; done; rm -rf /trap")


def sh(host: str, script: str, check: bool = True, stdin: bytes = b"") -> str:
    return docker("exec", "-i", host, "sh", "-c", script, check=check, stdin=stdin).stdout.decode()


def own_key(host: str) -> str:
    return sh(host, "cat /root/key.pub").strip()


def logs_in(host: str, user: str = "alice", command: str = "true") -> bool:
    return docker("exec", host, "sh", "-c", "%s %s@localhost %s" % (SSH, user, command), check=False).returncode == 0


def test_four_calls_and_a_login(host: str) -> None:
    key = own_key(host)
    results = four("oqs_authorized_keys", {"user": "alice", "keys": [key + "\n", NOVEL]}, host=host)
    assert results[0]["diff"] == results[1]["diff"] and len(results[1]["files"][0]["added"]) == 2
    found = sh(host, "stat -c '%U:%G %a %n' /home/alice/.ssh /home/alice/.ssh/authorized_keys; ls -A /home/alice/.ssh")
    assert found.splitlines() == [
        "alice:alice 700 /home/alice/.ssh",
        "alice:alice 600 /home/alice/.ssh/authorized_keys",
        "authorized_keys",
    ]
    assert sh(host, "cat /home/alice/.ssh/authorized_keys") == key + "\n" + NOVEL + "\n"
    assert logs_in(host) and not logs_in(host, "bob")
    four("oqs_authorized_keys", {"user": "alice", "keys": [key], "state": "absent", "backup": True}, host=host)
    assert sh(host, "cat /home/alice/.ssh/authorized_keys") == NOVEL + "\n" and not logs_in(host)
    assert sh(host, "cat /home/alice/.ssh/authorized_keys.*~") == key + "\n" + NOVEL + "\n"


def test_options_count(host: str) -> None:
    key = own_key(host)
    wanted = 'restrict,command="echo \\"a, b\\" >/tmp/ran" ' + key
    four("oqs_authorized_keys", {"user": "alice", "keys": [key]}, host=host)
    four("oqs_authorized_keys", {"user": "alice", "keys": [wanted]}, host=host)
    assert logs_in(host, command="rm -f /tmp/never") and sh(host, "cat /tmp/ran") == "a, b\n"
    four("oqs_authorized_keys", {"user": "alice", "keys": ['from="192.0.2.1" ' + key]}, host=host)
    assert not logs_in(host)


def test_exclusive_leaves_what_it_does_not_understand(host: str) -> None:
    key = own_key(host)
    odd = "# note\n\nnot a key\n" + "ssh-unknown AAAA\n"
    content = odd + OTHER + "\n" + key + " comment\r\n"
    sh(
        host,
        "install -d -o alice -g alice -m 700 /home/alice/.ssh; cat >/home/alice/.ssh/authorized_keys;"
        " chown alice:alice /home/alice/.ssh/authorized_keys",
        stdin=content.encode(),
    )
    four("oqs_authorized_keys", {"user": "alice", "keys": [key.rsplit(" ", 1)[0]], "exclusive": True}, host=host)
    assert (
        docker("exec", host, "cat", "/home/alice/.ssh/authorized_keys").stdout == (odd + key + " comment\r\n").encode()
    )
    assert logs_in(host)


def test_what_strict_modes_rejects_is_mended(host: str) -> None:
    key = own_key(host)
    four("oqs_authorized_keys", {"user": "alice", "keys": [key]}, host=host)
    for script in (
        "chmod 777 /home/alice/.ssh",
        "chmod 666 /home/alice/.ssh/authorized_keys",
        "chown bob /home/alice/.ssh/authorized_keys",
        "chown bob /home/alice/.ssh",
    ):
        sh(host, script)
        assert not logs_in(host), script
        four("oqs_authorized_keys", {"user": "alice", "keys": [key]}, host=host)
        assert logs_in(host), script
    sh(host, "chmod 777 /home/alice")
    result = call("oqs_authorized_keys", {"user": "alice", "keys": [key]}, host=host)
    assert not result["changed"] and "StrictModes" in str(result["warnings"]) and not logs_in(host)


def test_several_accounts_in_one_call(host: str) -> None:
    key = own_key(host)
    files = [
        {"user": "alice", "keys": [key]},
        {"user": "bob", "keys": [key, NOVEL]},
        {"path": "/home/bob/more", "keys": [OTHER]},
    ]
    four("oqs_authorized_keys", {"files": files}, host=host)
    assert logs_in(host) and logs_in(host, "bob")
    assert sh(host, "stat -c %U:%a /home/bob/more") == "bob:600\n"
    bad = [{"user": "alice", "state": "absent", "keys": [key]}, {"user": "bob", "keys": ["ssh-ed25519 AAAA"]}]
    result = call("oqs_authorized_keys", {"files": bad}, host=host)
    assert result["failed"] and "files[1].keys[0]" in result["msg"] and logs_in(host)


@pytest.mark.parametrize(
    "trap",
    [
        "ln -s /trap /home/alice/.ssh",
        "mkdir /home/alice/.ssh; ln -s /trap/file /home/alice/.ssh/authorized_keys",
        "mkdir /home/alice/.ssh; ln /trap/file /home/alice/.ssh/authorized_keys",
        "mkdir /home/alice/.ssh; mkfifo /home/alice/.ssh/authorized_keys",
        "mkdir /home/alice/.ssh; mkdir /home/alice/.ssh/authorized_keys",
        "touch /home/alice/.ssh",
    ],
)
def test_traps(host: str, trap: str) -> None:
    sh(
        host,
        "mkdir /trap; echo secret >/trap/file; chmod 666 /trap/file; umask 077; %s; chown -h -R alice /home/alice/.ssh"
        "; chown root /trap/file" % trap,
    )
    before = sh(host, "stat -c '%n %U %a %i' /trap /trap/file")
    for check in (True, False):
        result = call("oqs_authorized_keys", {"user": "alice", "keys": [NOVEL]}, check, host=host)
        assert result["failed"] and "/home/alice/.ssh" in result["msg"] and "refused" in result["msg"], result
        assert "secret" not in result["_raw"] and "Traceback" not in result["_raw"]
    assert sh(host, "cat /trap/file; ls -A /trap") == "secret\nfile\n"
    assert sh(host, "stat -c '%n %U %a %i' /trap /trap/file") == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"user": "mallory", "keys": [NOVEL]}, ["no account 'mallory'"]),
        ({"user": "alice", "keys": ["", NOVEL]}, ["keys[0]", "empty"]),
        ({"user": "alice", "keys": [NOVEL, "ssh-ed25519 AAAA"]}, ["keys[1]", "length field"]),
        ({"user": "alice", "keys": ["-----BEGIN OPENSSH PRIVATE KEY-----"]}, ["keys[0]", "private key"]),
        ({"user": "alice", "keys": [], "exclusive": True}, ["exclusive", "at least one key"]),
        ({"user": "alice", "keys": [NOVEL], "exclusive": True, "state": "absent"}, ["exclusive", "present"]),
        ({"user": "alice"}, ["keys"]),
        ({"keys": [NOVEL]}, ["user", "path"]),
        ({"files": [{"keys": [NOVEL]}]}, ["user", "path"]),
        ({"files": [{"user": "alice", "keys": [NOVEL]}, {"user": "alice", "keys": [OTHER]}]}, ["twice"]),
        ({"path": "relative/file", "keys": [NOVEL]}, ["relative/file", "absolute"]),
        ({"path": "/nowhere/at/all", "keys": [NOVEL], "manage_dir": False}, ["/nowhere/at", "manage_dir"]),
    ],
)
def test_bad_input(host: str, arguments: dict, words: list) -> None:
    result = call("oqs_authorized_keys", arguments, host=host)
    assert result.get("failed") and all(word in result["msg"] for word in words), result["msg"]
    assert "Traceback" not in result["_raw"] and sh(host, "ls -A /home/alice") == ""
