# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""oqs_password on real containers, created and running, judged by the image's own sshd."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from typing import Iterator

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils import container_files, shadow
from module_call import absent, call, container, docker, four, spied_docker

pytestmark = pytest.mark.docker
SECRET = "T7#m q2'v\"L$x9:"
OTHER = "correct horse battery staple"
IMAGES = ["quantumsafe/openssh-stock:latest", "quantumsafe/openssh-quirks:latest"]
LOGIN = """
umask 077
printf '#!/bin/sh\\ncat /tmp/secret\\n' >/tmp/ask && chmod 755 /tmp/ask && cat >/tmp/secret && chmod 644 /tmp/secret
SSH_ASKPASS=/tmp/ask SSH_ASKPASS_REQUIRE=force /opt/oqs-ssh/bin/ssh -F /opt/oqs-ssh/ssh_config -p 2222 \\
  -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o NumberOfPasswordPrompts=1 "$@" oqs@localhost true
"""


@pytest.fixture(params=IMAGES)
def created(request: pytest.FixtureRequest) -> Iterator[str]:
    yield from container(request.param)


def start(name: str) -> None:
    docker("start", name)
    until = time.monotonic() + 30
    while b"SSH-2.0" not in docker("exec", name, "bash", "-c", "head -c7 </dev/tcp/localhost/2222", check=False).stdout:
        assert time.monotonic() < until, docker("logs", name).stdout
        time.sleep(0.2)


def logs_in(name: str, password: str) -> bool:
    options = ["-o", "PreferredAuthentications=password", "-o", "PubkeyAuthentication=no"]
    argv = ["exec", "-i", name, "bash", "-c", LOGIN, "sh", *options]
    return docker(*argv, stdin=password.encode(), check=False).returncode == 0


def logs_in_by_key(name: str) -> bool:
    script = "cd /home/oqs/.ssh && cat id_*.pub >authorized_keys && chown oqs authorized_keys"
    docker("exec", name, "bash", "-c", script)
    options = ["-o", "PreferredAuthentications=publickey", "-i", "/home/oqs/.ssh/key"]
    docker("exec", name, "bash", "-c", "cp $(ls /home/oqs/.ssh/id_* | grep -v pub | head -1) /home/oqs/.ssh/key")
    return docker("exec", "-i", name, "bash", "-c", LOGIN, "sh", *options, check=False).returncode == 0


def stored(name: str) -> bytes:
    found = container_files.read_container_file(name, "/etc/shadow")
    assert found is not None
    return found[0]


def test_four_calls_before_the_first_start(created: str, tmp_path: Path) -> None:
    """The published password never works, and neither password nor hash is seen on the way."""
    before = stored(created)
    spied = spied_docker(tmp_path / "bin")
    first, real, _check, again = four("oqs_password", {"container": created, "password": SECRET}, env=spied)
    assert (first["before"], first["state"], real["before"], real["state"]) == ("published", "set") * 2
    assert first["diff"] == real["diff"] and again["before"] == "set" and real["method"] == "sha512"
    after = stored(created)
    hashed = shadow.hash_of(after, "oqs")
    assert hashed is not None and shadow.verify(SECRET, hashed)
    assert shadow.with_hash(after, "oqs", str(shadow.hash_of(before, "oqs"))) == before
    everything = (tmp_path / "bin" / "spied").read_text() + first["_raw"] + real["_raw"] + again["_raw"]
    assert "oqs-keys-" in everything
    absent(everything, [SECRET, SECRET[:10], hashed, hashed[-40:]])
    info = container_files.read_container_file(created, "/etc/shadow")[1]
    assert (info.mode & 0o777, info.uid, info.gid) == (0o640, 0, 42)
    start(created)
    assert logs_in(created, SECRET) and not logs_in(created, "Pa55W0rd")


def test_four_calls_on_a_running_container(created: str) -> None:
    start(created)
    assert logs_in(created, "Pa55W0rd")
    four("oqs_password", {"container": created, "password": SECRET})
    assert logs_in(created, SECRET) and not logs_in(created, "Pa55W0rd")
    assert call("oqs_password", {"container": created, "password": OTHER})["before"] == "set"
    assert logs_in(created, OTHER)
    locked = four("oqs_password", {"container": created, "state": "locked"})
    assert locked[1]["method"] == "none" and shadow.hash_of(stored(created), "oqs") == "*"
    assert not logs_in(created, OTHER) and logs_in_by_key(created)
    # The convention of others, which sshd without PAM takes for a closed account: why "*" and never "!".
    data, info = container_files.read_container_file(created, "/etc/shadow")
    container_files.put_container_files(created, {"/etc/shadow": (shadow.with_hash(data, "oqs", "!"), info)})
    assert not logs_in_by_key(created)
    four("oqs_password", {"container": created, "state": "locked"})
    assert logs_in_by_key(created)
    assert b".oqs-tmp-" not in docker("exec", created, "ls", "-a", "/etc").stdout


@pytest.mark.parametrize("created", IMAGES[1:], indirect=True)
def test_passwd_by_hand_still_counts_and_is_made_strong(created: str) -> None:
    start(created)
    docker("exec", "-i", created, "chpasswd", stdin=b"oqs:%s\n" % OTHER.encode())
    assert logs_in(created, OTHER)
    kept = call("oqs_password", {"container": created, "password": SECRET, "update_password": "on_create"})
    assert not kept["changed"] and logs_in(created, OTHER)
    _first, real, _check, _again = four("oqs_password", {"container": created, "password": OTHER})
    assert "cheap" in real["reason"] and logs_in(created, OTHER)


def test_state_folder(tmp_path: Path) -> None:
    path = tmp_path / "password"
    results = four("oqs_password", {"path": str(path), "password": SECRET})
    assert results[0]["before"] == "absent"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and shadow.verify(SECRET, path.read_text().strip())
    path.chmod(0o644)
    four("oqs_password", {"path": str(path), "password": SECRET})
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    four("oqs_password", {"path": str(path), "state": "locked"})
    assert path.read_text() == "*\n" and os.listdir(tmp_path) == ["password"]
    path.write_text("root:x:1:2:3:4:5:6:\noqs:%s:1:2:3:4:5:6:7\n" % shadow.make_hash("Pa55W0rd", 1000))
    assert four("oqs_password", {"path": str(path), "password": SECRET})[1]["before"] == "published"
    assert path.read_text().startswith("root:x:1:2:3:4:5:6:\noqs:$6$rounds=200000$")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"path": "/tmp/x", "password": "Pa55W0rd"}, ["'oqs'", "known to the world", "choose another"]),
        ({"path": "/tmp/x", "password": ""}, ["'oqs'", "empty"]),
        ({"path": "/tmp/x", "password": "zu kurz 7!"}, ["12 characters (10)"]),
        ({"path": "/tmp/x"}, ["option 'password' is missing"]),
        ({"path": "/tmp/x", "password": SECRET, "state": "locked"}, ["makes no sense"]),
        ({"password": SECRET}, ["container", "path"]),
        ({"container": "oqs-keys-none", "password": SECRET}, ["no container 'oqs-keys-none'", "create it first"]),
        ({"path": "/etc/shadow", "password": SECRET}, ["/etc/shadow", "ansible.builtin.user"]),
        ({"path": "/nowhere/password", "password": SECRET}, ["/nowhere", "make it first"]),
        ({"path": "/dev/null", "password": SECRET}, ["/dev/null", "not an ordinary file"]),
        ({"path": "/tmp/x", "password": SECRET, "rounds": 5}, ["5 rounds", "1000 to 9999999"]),
    ],
)
def test_bad_input(arguments: dict, words: list) -> None:
    for check in (True, False):
        result = call("oqs_password", arguments, check)
        assert result["failed"] and all(word in result["msg"] for word in words), result["msg"]
        absent(result["_raw"], [SECRET, "zu kurz"])
        assert "Traceback" not in result["_raw"]


@pytest.mark.parametrize("created", IMAGES[1:], indirect=True)
def test_unknown_user(created: str) -> None:
    result = call("oqs_password", {"container": created, "user": "mallory", "password": SECRET})
    assert result["failed"] and "no user 'mallory'" in result["msg"] and created in result["msg"]
