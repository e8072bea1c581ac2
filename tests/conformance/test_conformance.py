# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The suite tells our three images apart, sees damage, leaves nothing behind; the manual's steps work as written."""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from types import ModuleType
from typing import Any, Iterator

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import image_facts

HERE = Path(__file__).resolve().parent
IMAGES = HERE.parent.parent / "images"
# What was measured on the real image, and so what quirks must have, no less and no more.
MEASURED = {
    "pid-file-mismatch", "restart-loads-nothing", "reload-fails", "stop-stops-nothing", "stale-state", "death-unseen",
    "slow-stop", "shell-is-main-process", "log-goes-nowhere", "connect-test-leaves-traces", "profile-error",
    "key-gen-list-shift", "key-gen-hides-errors", "yescrypt-refused",
}

pytestmark = [pytest.mark.docker, pytest.mark.slow]


def load(path: Path) -> ModuleType:
    """Import a file that is no package."""
    spec = importlib.util.spec_from_file_location("conformance_%s" % path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def docker(*argv: str, stdin: str = "", check: bool = True) -> str:
    """Docker's standard output."""
    done = subprocess.run(
        ["docker", *argv], input=stdin, capture_output=True, text=True, errors="replace", timeout=120, check=False
    )
    assert not check or done.returncode == 0, done.stderr
    return done.stdout.strip()


@functools.lru_cache(maxsize=None)
def image(name: str) -> str:
    """The tag of one of our images, built where it is missing or old."""
    build = load(IMAGES / "build.py")
    return str(build.build("stock" if name == "stock" else "quirks", broken_names=name == "broken-names"))


@functools.lru_cache(maxsize=None)
def examined(tag: str) -> tuple[int, dict[str, Any], str]:
    """Exit code, last line and whole output of the command."""
    done = subprocess.run(
        [sys.executable, str(HERE / "conformance.py"), tag], capture_output=True, text=True, timeout=600, check=False
    )
    print(done.stdout, done.stderr)
    return done.returncode, json.loads(done.stdout.splitlines()[-1]), done.stdout


def test_stock_keeps_the_contract_and_has_no_flaw() -> None:
    code, result, _out = examined(image("stock"))
    assert (result["broken"], result["untried"], result["flaws"]) == ([], [], [])
    assert code == 0 and result["ok"] is True and result["kept"] > 40


def test_quirks_keeps_the_contract_and_has_the_measured_flaws() -> None:
    code, result, _out = examined(image("quirks"))
    assert (result["broken"], result["untried"]) == ([], [])
    assert set(result["flaws"]) == MEASURED
    assert code == 0


def test_broken_names_are_detected() -> None:
    code, result, out = examined(image("broken-names"))
    assert code == 1 and result["ok"] is False
    assert {"names-known", "listens"} <= set(result["broken"])
    assert "broken-names" in result["flaws"]
    assert "queries" not in result["broken"]
    assert re.search(r"names-known +BROKEN .*do not know ssh-mldsa-44-ed25519", out)


def test_damage_is_seen() -> None:
    damaged = "quantumsafe/conformance-damaged:%s" % uuid.uuid4().hex[:8]
    recipe = (
        "FROM %s\nRUN rm /opt/oqs-ssh/serverstart.sh && sed -i 's/^Port 2222/Port 2223/' /opt/oqs-ssh/sshd_config "
        "&& usermod -s /bin/false oqs && ln -s /bin/true /usr/bin/python3\nCMD [\"/bin/true\"]\n" % image("stock")
    )
    docker("build", "-q", "-t", damaged, "-", stdin=recipe)
    try:
        code, result, _out = examined(damaged)
    finally:
        docker("image", "rm", damaged)
    assert code == 1
    assert {"layout", "port-in-files", "listens", "default-command", "no-python"} <= set(result["broken"])


def test_an_image_that_is_not_there() -> None:
    code, result, _out = examined("quantumsafe/no-such-image:none")
    assert code == 2 and result["ok"] is False


def left(kind: str, run: str) -> list[str]:
    """Containers, networks or volumes of one run of the suite."""
    argv = ["ps", "-aq"] if kind == "container" else [kind, "ls", "-q"]
    return docker(*argv, "--filter", "label=org.quantumsafe.openssh.conformance=%s" % run).split()


def test_nothing_stays_behind_when_interrupted() -> None:
    with subprocess.Popen(
        [sys.executable, str(HERE / "conformance.py"), image("stock")], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        run = re.findall(r"conf-[0-9a-f]{8}", process.stderr.readline())[0]
        end = time.monotonic() + 60
        while time.monotonic() < end and len(left("container", run)) < 3:
            time.sleep(0.2)
        assert left("container", run) and left("network", run)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGINT
    for kind in ("container", "network", "volume"):
        assert not left(kind, run), kind


@pytest.mark.parametrize(
    ("name", "kex", "classical"),
    [
        ("mlkem768nistp256-sha256", True, False),
        ("ecdh-nistp384-kyber-768-sha384@openquantumsafe.org", True, False),
        ("sntrup761x25519-sha512@openssh.com", True, False),
        ("curve25519-sha256@libssh.org", True, True),
        ("ecdh-sha2-nistp256", True, True),
        ("ssh-ecdsa-nistp384-mldsa65", False, False),
        ("ssh-rsa3072-falcon512", False, False),
        ("ssh-ed25519", False, True),
        ("ecdsa-sha2-nistp384-cert-v01@openssh.com", False, True),
        ("ssh-mldsa44-ed25519", False, False),
    ],
)
def test_names_of_both_worlds(name: str, kex: bool, classical: bool) -> None:
    config = load(HERE / "config.py")
    assert (config.classical_kex if kex else config.classical_key)(name) is classical


# The manual, typed as it says.


@pytest.fixture(params=["stock", "quirks"])
def tag(request: pytest.FixtureRequest) -> str:
    """Both images that users can run."""
    return image(request.param)


@pytest.fixture
def prefix() -> Iterator[str]:
    """A prefix for containers and networks, which are removed in the end."""
    name = "manual-%s" % uuid.uuid4().hex[:8]
    yield name
    found = docker("ps", "-aq", "--filter", "name=^/%s" % name).split()
    if found:
        # With --rm docker may be removing it already.
        docker("rm", "-f", "-v", *found, check=False)
    docker("network", "rm", name, check=False)


def listening(container: str) -> bool:
    """Does the container listen on 2222?"""
    return ":08AE 0" in docker("exec", container, "sh", "-c", "cat /proc/net/tcp /proc/net/tcp6", check=False)


def wait(container: str, seconds: float = 20) -> None:
    """Wait for the server, as a person would."""
    end = time.monotonic() + seconds
    while not listening(container):
        assert time.monotonic() < end, docker("logs", container, check=False)
        time.sleep(0.3)


def typed(argv: list[str], dialogue: list[tuple[str, str]], seconds: float = 40) -> str:
    """Run docker on a terminal; wait for each text and answer it. Returns all that was shown."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp("docker", ["docker", *argv])
    shown, left, end = "", list(dialogue), time.monotonic() + seconds
    seen = 0
    try:
        while time.monotonic() < end:
            if select.select([terminal], [], [], 0.3)[0]:
                try:
                    data = os.read(terminal, 65536)
                except OSError:
                    break
                if not data:
                    break
                shown += data.decode("utf-8", "replace")
            if left and re.search(left[0][0], shown[seen:]):
                seen = len(shown)
                os.write(terminal, left.pop(0)[1].encode() + b"\r")
    finally:
        os.close(terminal)
        if time.monotonic() >= end:
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    assert not left, "still waiting for %r in: %s" % (left[0][0], shown)
    return re.sub(r"\x1b\[[?0-9;]*[A-Za-z]|\x1b\][^\x07]*\x07|\r", "", shown)


LOGIN = [(r"\(yes/no", "yes"), (r"password:", "Pa55W0rd"), (r"oqs@[^\r\n]*\$ ", "id -un; echo $((40 + 2))"),
         (r"42[\s\S]*\$ ", "exit")]


def test_quick_start(tag: str, prefix: str) -> None:
    docker("run", "--name", prefix, "-dit", "--rm", tag)
    wait(prefix)
    shown = typed(["exec", "--user", "oqs", "-it", prefix, "ssh", "oqs@localhost"], LOGIN)
    assert re.search(r"\noqs\n42", shown)
    # The host key was accepted once and for all.
    again = typed(["exec", "--user", "oqs", "-it", prefix, "ssh", "oqs@localhost"], LOGIN[1:])
    assert "yes/no" not in again
    docker("stop", prefix)


def test_container_to_container(tag: str, prefix: str) -> None:
    docker("network", "create", prefix)
    server = prefix + "-server"
    docker("run", "--rm", "-dit", "--net", prefix, "--name", server, tag)
    wait(server)
    client = ["run", "--rm", "-it", "--net", prefix, "--name", prefix + "-client", tag, "ssh", "oqs@" + server]
    assert re.search(r"\noqs\n42", typed(client, LOGIN))


def test_login_with_a_post_quantum_key(tag: str, prefix: str) -> None:
    docker("run", "--name", prefix, "-dit", tag)
    wait(prefix)
    docker("exec", "-u", "oqs", prefix, "sh", "-c", "cat ~/.ssh/id_*.pub >> ~/.ssh/authorized_keys")
    done = subprocess.run(
        ["docker", "exec", "-u", "oqs", prefix, "ssh", "-v", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no",
         "oqs@localhost", "id", "-un"], capture_output=True, text=True, timeout=60, check=False,
    )
    assert done.stdout.strip() == "oqs", done.stderr
    assert re.search(r"Server accepts key: \S+mldsa", done.stderr)
    assert re.search(r"kex: algorithm: mlkem", done.stderr)


def test_password_by_passwd(tag: str, prefix: str) -> None:
    docker("run", "--name", prefix, "-dit", tag)
    wait(prefix)
    new = "Typed-by-hand-%s" % uuid.uuid4().hex[:6]
    typed(["exec", "-it", prefix, "passwd", "oqs"], [(r"assword:", new), (r"assword:", new)])
    assert docker("exec", prefix, "grep", "^oqs:", "/etc/shadow").split(":")[1].startswith("$6$")
    dialogue = [LOGIN[0], (r"password:", new), *LOGIN[2:]]
    typed(["exec", "--user", "oqs", "-it", prefix, "ssh", "oqs@localhost"], dialogue)


def test_classical_hop_edit(tag: str, prefix: str) -> None:
    """The edit of 'Enable classical SSH', then key-gen.sh, then what ssh makes of it."""
    docker("run", "--name", prefix, "-dit", tag)
    wait(prefix)
    edit = (
        "sed -i -e 's|^#IdentityFile ~/.ssh/id_ed25519|IdentityFile ~/.ssh/id_ed25519|' "
        "-e '/^HostKeyAlgorithms/s/$/,ssh-ed25519/' -e '/^PubkeyAcceptedKeyTypes/s/$/,ssh-ed25519/' "
        "-e '/^KexAlgorithms/s/$/,curve25519-sha256@libssh.org/' /opt/oqs-ssh/ssh_config"
    )
    docker("exec", prefix, "sh", "-c", edit)
    docker("exec", prefix, "rc-service", "oqs-sshd", "restart")
    docker("exec", prefix, "/opt/oqs-ssh/scripts/key-gen.sh")
    script = "cat ~/.ssh/id_ed25519.pub; stat -c '%a %U' ~/.ssh/id_ed25519"
    made = docker("exec", "-u", "oqs", prefix, "sh", "-c", script)
    assert made.startswith("ssh-ed25519 ") and made.endswith("600 oqs")
    seen = docker("exec", "-u", "oqs", prefix, "ssh", "-G", "-p", "22", "localhost").lower()
    assert "curve25519-sha256@libssh.org" in seen and "identityfile ~/.ssh/id_ed25519" in seen


def test_man_pages(tag: str) -> None:
    shown = docker("run", "--rm", "--entrypoint", "man", tag, "-l", "/opt/oqs-ssh/share/man/man5/ssh_config.5")
    assert "KexAlgorithms" in re.sub(r".\x08", "", shown)


def test_facts_label() -> None:
    labels = json.loads(docker("image", "inspect", "-f", "{{json .Config.Labels}}", image("stock")))
    facts = image_facts.parse(labels["org.quantumsafe.openssh.facts"], "oqs")
    assert list(facts.kex) == docker("run", "--rm", "--entrypoint", "ssh", image("stock"), "-Q", "kex").split()
    assert facts.user == ("oqs", "1000", "/home/oqs")
    own = docker("run", "--rm", "--entrypoint", "cat", image("stock"), "/opt/oqs-ssh/sshd_config")
    assert facts.sshd_config.strip() == own.strip()
    assert facts.openssh.startswith("OpenSSH_")
    assert facts.unknown_keywords == ()
    assert labels["org.opencontainers.image.created"].endswith("Z")


def test_small(tag: str) -> None:
    assert int(docker("image", "inspect", "-f", "{{.Size}}", tag)) < 160_000_000


def test_own_user_and_uid(prefix: str) -> None:
    build = load(IMAGES / "build.py")
    own = build.build("stock", user="maria", uid=2345)
    docker("run", "--name", prefix, "-dit", own)
    wait(prefix)
    script = "id -un; id -u; echo $OQS_USER; pwd; ls -d ~/.ssh/id_*-*[0-9]"
    seen = docker("exec", "-u", "maria", prefix, "sh", "-c", script)
    assert seen.splitlines()[:4] == ["maria", "2345", "maria", "/home/maria"] and "/home/maria/.ssh/id_" in seen
    docker("rm", "-f", prefix)
    docker("image", "rm", own)


@pytest.mark.parametrize(
    ("bad", "named"),
    [({"variant": "other"}, "'other'"), ({"user": "a b"}, "'a b'"), ({"user": "$(id)"}, "user"), ({"uid": 10}, "10")],
)
def test_bad_arguments_of_build(bad: dict[str, Any], named: str) -> None:
    build = load(IMAGES / "build.py")
    with pytest.raises(build.BuildError, match=re.escape(named)):
        build.build(**bad)


def test_no_docker_is_said_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    build = load(IMAGES / "build.py")
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(build.BuildError, match="no docker command on this machine: install Docker here"):
        build.build("stock")


@pytest.mark.parametrize("options", [("-d",), ("-di",), ("-dt",), ("-dit", "--init")])
def test_stock_serves_however_it_is_run_and_dies_with_sshd(options: tuple[str, ...], prefix: str) -> None:
    docker("run", "--name", prefix, "--restart", "unless-stopped", *options, image("stock"))
    wait(prefix)
    time.sleep(1)
    kill = 'for p in /proc/[0-9]*; do case "$(readlink $p/exe)" in */sshd) kill -9 ${p#/proc/};; esac; done'
    docker("exec", prefix, "sh", "-c", kill, check=False)
    end = time.monotonic() + 20
    while docker("inspect", "-f", "{{.RestartCount}}", prefix) == "0":
        if options == ("-d",):
            # Process 1 cannot be killed from inside its own namespace with -9.
            break
        assert time.monotonic() < end, "sshd died and nobody saw it"
        time.sleep(0.3)
    wait(prefix)
    time.sleep(3)  # the entry point is still a shell for a moment, and as process 1 that ignores SIGTERM
    begin = time.monotonic()
    docker("stop", prefix)
    assert time.monotonic() - begin < 5
