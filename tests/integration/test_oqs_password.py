# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""oqs_password on real containers, created and running, judged by the image's own sshd; and by su, login and sshd of
Debian, with PAM."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from typing import Iterator

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import container_files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import shadow

from tests.integration.module_call import absent, call, container, docker, four, python_host, spied_docker

pytestmark = pytest.mark.docker
SECRET = "T7#m q2'v\"L$x9:"
OTHER = "correct horse battery staple"
IMAGES = ["localhost/quantumsafe/openssh-stock:latest", "localhost/quantumsafe/openssh-quirks:latest"]
LOGIN = """
umask 077
printf '#!/bin/sh\\ncat /tmp/secret\\n' >/tmp/ask && chmod 755 /tmp/ask && cat >/tmp/secret && chmod 644 /tmp/secret
SSH_ASKPASS=/tmp/ask SSH_ASKPASS_REQUIRE=force /opt/oqs-ssh/bin/ssh -F /opt/oqs-ssh/ssh_config -p 2222 \\
  -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o NumberOfPasswordPrompts=1 "$@" oqs@localhost true
"""
# Runs a program on a terminal of its own, types the password (the first line of standard input) at its prompt, and
# ends as it ends; 99: it asked for none.
TYPED = """
import os, pty, select, sys, time
password = sys.stdin.buffer.readline()
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
said, asked, status, until = b"", False, None, time.monotonic() + 60
while status is None and time.monotonic() < until:
    ended = os.waitpid(pid, os.WNOHANG)
    status = ended[1] if ended[0] else None
    try:
        piece = os.read(terminal, 4096) if select.select([terminal], [], [], 0.2)[0] else b""
    except OSError:  # nobody has it open: the program is gone, or it is login, which hangs up and opens it again
        time.sleep(0.05)
        continue
    said += piece
    if not asked and b"assword:" in said:
        os.write(terminal, password)
        asked = True
    if b"ncorrect" in said:  # login would ask again
        os.kill(pid, 9)
sys.stdout.buffer.write(said)
sys.exit(99 if not asked else status != 0)
"""
DEBIAN_SSH = """
umask 022; printf '#!/bin/sh\\ncat /tmp/secret\\n' >/tmp/ask; chmod 755 /tmp/ask; cat >/tmp/secret
exec setsid -w env SSH_ASKPASS=/tmp/ask SSH_ASKPASS_REQUIRE=force ssh -p 2222 -o StrictHostKeyChecking=no \\
  -o UserKnownHostsFile=/dev/null -o NumberOfPasswordPrompts=1 "$@" alice@localhost true
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
        ({"path": "/run/nobody-made-this", "password": "Pa55W0rd"}, ["'oqs'", "known to the world", "choose another"]),
        ({"path": "/run/nobody-made-this", "password": ""}, ["'oqs'", "empty"]),
        ({"path": "/run/nobody-made-this", "password": "zu kurz 7!"}, ["12 characters (10)"]),
        ({"path": "/run/nobody-made-this"}, ["option 'password' is missing"]),
        ({"path": "/run/nobody-made-this", "password": SECRET, "state": "locked"}, ["makes no sense"]),
        ({"password": SECRET}, ["container", "path"]),
        ({"container": "oqs-keys-none", "password": SECRET}, ["no container 'oqs-keys-none'", "create it first"]),
        ({"path": "/etc/shadow", "password": SECRET}, ["/etc/shadow", "ansible.builtin.user"]),
        ({"path": "/nowhere/password", "password": SECRET}, ["/nowhere", "make it first"]),
        ({"path": "/dev/null", "password": SECRET}, ["/dev/null", "not an ordinary file"]),
        ({"path": "/run/nobody-made-this", "password": SECRET, "rounds": 5}, ["5 rounds", "1000 to 9999999"]),
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


@pytest.fixture(scope="module", params=[pytest.param("bookworm", marks=pytest.mark.slow), "trixie"])
def debian(request: pytest.FixtureRequest) -> Iterator[str]:
    """A container of Debian: glibc, PAM, shadow utilities, sshd; the account alice."""
    for name in python_host(request.param):
        docker("exec", name, "usermod", "-s", "/bin/true", "alice")
        docker("exec", name, "chage", "-m", "1", "-M", "999", "-W", "9", "alice")
        yield name


def accepted_by(name: str, password: str) -> dict:
    """Which of the system's own programs take the password; su as an account without rights."""
    typed = password.encode() + b"\n"
    found = {}
    for program, user, argv in (("su", "bob", ["su", "alice"]), ("login", "root", ["login", "alice"])):
        done = docker("exec", "-i", "-u", user, name, "python3", "-c", TYPED, *argv, stdin=typed, check=False)
        assert done.returncode in (0, 1), (program, done.stdout, done.stderr)
        found[program] = done.returncode == 0
    options = ["-o", "PubkeyAuthentication=no"]
    done = docker("exec", "-i", name, "sh", "-c", DEBIAN_SSH, "sh", *options, stdin=password.encode(), check=False)
    assert done.returncode in (0, 255), done.stderr
    return dict(found, sshd=done.returncode == 0)


NOWHERE, EVERYWHERE = (dict.fromkeys(("su", "login", "sshd"), answer) for answer in (False, True))


def test_the_system_s_own_programs_agree(debian: str) -> None:
    """su, login and sshd: the new password counts at once, the old no more; locked for passwords, open for keys."""
    before = stored(debian)
    four("oqs_password", {"container": debian, "user": "alice", "password": SECRET})
    assert accepted_by(debian, SECRET) == EVERYWHERE
    four("oqs_password", {"container": debian, "user": "alice", "password": OTHER})
    assert accepted_by(debian, SECRET) == NOWHERE
    assert accepted_by(debian, OTHER) == EVERYWHERE
    lines = [line.split(b":") for line in stored(debian).splitlines()]
    for line, old in zip(lines, before.splitlines()):
        assert line[:1] + line[2:] == old.split(b":")[:1] + old.split(b":")[2:]
        assert line[0] == b"alice" or b":".join(line) == old
    four("oqs_password", {"container": debian, "user": "alice", "state": "locked"})
    assert accepted_by(debian, OTHER) == NOWHERE
    script = """umask 077; [ -e /root/key ] || ssh-keygen -q -t ed25519 -N '' -f /root/key; mkdir -p /home/alice/.ssh
cp /root/key.pub /home/alice/.ssh/authorized_keys; chown -R alice /home/alice/.ssh"""
    docker("exec", debian, "sh", "-c", script)
    by_key = ("exec", "-i", debian, "sh", "-c", DEBIAN_SSH, "sh", "-o", "BatchMode=yes", "-i", "/root/key")
    assert docker(*by_key, check=False).returncode == 0
    four("oqs_password", {"container": debian, "user": "alice", "password": SECRET})
    assert accepted_by(debian, SECRET) == EVERYWHERE


def test_the_system_s_own_hash_is_verified(debian: str) -> None:
    """chpasswd of Debian writes yescrypt, which libcrypt there knows; who sets the same password is told why it was
    written again, and in a form that every image can check."""
    docker("exec", "-i", debian, "chpasswd", stdin=b"alice:%s\n" % OTHER.encode())
    hashed = str(shadow.hash_of(stored(debian), "alice"))
    assert hashed.startswith("$y$")
    docker("exec", "-i", debian, "sh", "-c", "umask 077; cat >/root/password", stdin=hashed.encode() + b"\n")
    arguments = {"path": "/root/password", "password": SECRET, "update_password": "on_create"}
    assert not call("oqs_password", arguments, host=debian)["changed"]
    other = call("oqs_password", {"path": "/root/password", "password": SECRET}, check=True, host=debian)
    assert "does not match" in other["reason"]
    real = four("oqs_password", {"path": "/root/password", "password": OTHER}, host=debian)[1]
    assert (real["before"], real["method"]) == ("set", "sha512") and "not portable" in real["reason"]
    assert accepted_by(debian, OTHER) == EVERYWHERE
    new = docker("exec", debian, "cat", "/root/password").stdout.strip()
    docker("exec", "-i", debian, "chpasswd", "-e", stdin=b"alice:" + new + b"\n")
    assert accepted_by(debian, OTHER) == EVERYWHERE and accepted_by(debian, SECRET) == NOWHERE
