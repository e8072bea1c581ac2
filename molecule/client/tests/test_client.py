# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Daily use, as the README has people type it, from a machine of a person's own."""

from __future__ import annotations

import os
import pathlib
import shutil
import signal
import subprocess
import time
from typing import Any, Iterator, NamedTuple

import pytest

from tests.e2e.library import terminal
from tests.e2e.library.scenario import CLIENT_IMAGE, PQ_KEY, ROOT, STOCK_KEY, Run, Scenario

HOST = "web1"
PLAYBOOK = ROOT / "client-oqs-ssh.yml"


class Home(NamedTuple):
    """A person's home folder on this machine, and the scenario whose hosts it is for."""

    path: pathlib.Path
    scenario: Scenario

    def settle(self, *options: str, **extra: Any) -> Run:
        """Run the playbook."""
        return self.scenario.deploy(*options, playbook=PLAYBOOK, oqs_ssh_client_dir=str(self.path / ".ssh"),
                                    oqs_ssh_client_bin=str(self.path / "bin"), **extra)

    def program(self, *argv: str, stdin: bytes = b"", agent: str = "") -> "subprocess.CompletedProcess[bytes]":
        """Run one of the wrappers, or ssh with this home's configuration; nobody can be asked anything."""
        if argv[0] == "ssh":
            argv = ("ssh", "-F", str(self.path / ".ssh/config"), "-o", "BatchMode=yes", *argv[1:])
        else:
            argv = (str(self.path / "bin" / argv[0]), *argv[1:])
        environment = dict(os.environ, SSH_AUTH_SOCK=agent)
        return subprocess.run(argv, input=stdin, capture_output=True, check=False, timeout=90, env=environment)

    def files(self) -> dict[str, bytes]:
        """Every file with its content."""
        return {str(path): path.read_bytes() for path in self.path.rglob("*") if path.is_file()}


@pytest.fixture
def home(scenario: Scenario, tmp_path: pathlib.Path) -> Iterator[Home]:
    """A home with the identities of the person outside, and a configuration of the person's own."""
    (tmp_path / ".ssh").mkdir(mode=0o700)
    for name in (PQ_KEY, STOCK_KEY):
        for end in ("", ".pub"):
            shutil.copy2(scenario.keys / (name + end), tmp_path / ".ssh")
    (tmp_path / ".ssh/config").write_bytes(b"# mine\r\nHost elsewhere\r\n  User me")
    yield Home(tmp_path, scenario)


def test_there_and_back(home: Home) -> None:
    before = home.files()
    forecast = home.settle("--check", "--diff")
    assert forecast.code == 0 and home.files() == before, forecast.text
    done = home.settle()
    assert done.code == 0 and "ssh web1, ssh web1-host" in done.words, done.text
    for path in set(home.files()) - set(before):
        assert path in forecast.text or path.endswith("memory.json"), path
    assert "changed=0" in home.settle().text.split("localhost ")[-1]
    gone = home.settle(oqs_ssh_client_state="absent")
    assert gone.code == 0 and home.files() == before, gone.text


def test_ssh_by_alias(home: Home) -> None:
    home.settle()
    said = home.program("ssh", "-v", HOST, "cat; exit 7", stdin=b"hello")
    log = said.stderr.decode()
    assert (said.returncode, said.stdout) == (7, b"hello"), log
    assert "kex: algorithm: sntrup761x25519" in log or "kex: algorithm: mlkem768" in log


def test_the_client_in_the_image(home: Home) -> None:
    home.settle(oqs_ssh_client_program="image")
    told = home.program("ssh", HOST, "true")
    assert told.returncode == 255 and b"oqs-ssh web1" in told.stderr
    said = home.program("oqs-ssh", "-v", HOST, "cat; exit 7", stdin=b"\0hello\r\n")
    assert (said.returncode, said.stdout) == (7, b"\0hello\r\n"), said.stderr
    assert b"kex: algorithm: mlkem768nistp256-sha256" in said.stderr
    assert b"host key algorithm: ssh-mldsa44-ed25519" in said.stderr
    unknown = home.program("oqs-ssh", "nosuch", "true")
    assert unknown.returncode == 255 and b"these are known: web1 web1-host" in unknown.stderr
    assert b"ssh_config" in home.program("oqs-ssh", "man", "ssh_config").stdout
    (home.path / "there").write_bytes(os.urandom(100000))
    sent = home.program("oqs-scp", "-q", str(home.path / "there"), HOST + ":/tmp/there")
    back = home.program("oqs-scp", "-q", HOST + ":/tmp/there", str(home.path / "back"))
    assert sent.returncode == back.returncode == 0, sent.stderr + back.stderr
    assert (home.path / "back").read_bytes() == (home.path / "there").read_bytes()
    done = home.program("oqs-sftp", "-q", "-b", "-", HOST, stdin=b"rename /tmp/there /tmp/moved\nls /tmp/moved\n")
    assert done.returncode == 0 and b"/tmp/moved" in done.stdout, done.stderr


def test_a_terminal(home: Home) -> None:
    """The client in the image gives a person's terminal to the shell over there, and its exit code back."""
    home.settle(oqs_ssh_client_program="image")
    talk = terminal.talk([str(home.path / "bin/oqs-ssh"), HOST], [(r"[$#] $", "tty; exit 5")])
    assert talk.code == 5 and "/dev/pts/" in talk.screen, talk.screen


def test_an_agent_and_none(home: Home) -> None:
    """No key of the person's lies where the client looks; it is in the agent only."""
    kept = home.path / "agent-only"
    (home.path / ".ssh" / STOCK_KEY).rename(kept)
    for path in (home.path / ".ssh").glob("id_*"):
        path.unlink()
    assert "make one with oqs_ssh_client_identity, or use an agent" in home.settle(
        oqs_ssh_client_program="image").words
    socket = str(home.path / "agent")
    with subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL) as agent:
        try:
            added = ["ssh-add", "-q", str(kept)]
            end = time.monotonic() + 30
            while subprocess.run(added, env=dict(os.environ, SSH_AUTH_SOCK=socket), capture_output=True,
                                 check=False).returncode != 0:
                assert time.monotonic() < end, "the agent does not take the key"
                time.sleep(0.1)
            said = home.program("oqs-ssh", HOST, "id -un", agent=socket)
            assert said.stdout == b"oqs\n", said.stderr
        finally:
            agent.terminate()
    said = home.program("oqs-ssh", HOST, "id -un", agent=str(home.path / "gone"))
    assert said.returncode == 255 and b"no agent is at" in said.stderr and b"Permission denied" in said.stderr


def test_a_certificate_that_has_expired_is_named(home: Home) -> None:
    """And the key itself goes on being used."""
    key = home.path / ".ssh" / STOCK_KEY
    keygen = ["ssh-keygen", "-q"]
    subprocess.run([*keygen, "-N", "", "-t", "ed25519", "-f", str(home.path / "ca")], check=True)
    for validity, told in (("-2d:-1d", True), ("-2d:+1d", False), ("always:forever", False)):
        subprocess.run([*keygen, "-s", str(home.path / "ca"), "-I", "me", "-n", "oqs", "-V", validity,
                        str(key) + ".pub"], check=True)
        run = home.settle()
        assert run.code == 0 and ("this certificate is valid no longer" in run.words) is told, run.text
        assert home.program("ssh", HOST, "true").returncode == 0


def test_another_machine_with_an_identity_of_its_own_and_rsync(scenario: Scenario) -> None:
    """root on a machine of the inventory: its post-quantum identity is made there, rolled out, and used by rsync."""
    mine = {"oqs_ssh_client_hosts": HOST, "oqs_ssh_client_dir": "~/.ssh", "oqs_ssh_client_hop_user": "alice"}
    run = scenario.deploy(playbook=PLAYBOOK, oqs_ssh_client_program="image",
                          oqs_ssh_client_identity=PQ_KEY[len("id_"):], **mine)
    assert run.code == 0, run.text
    new = scenario.root(HOST, "cat", "/root/.ssh/%s.pub" % PQ_KEY)
    keys = [scenario.public(PQ_KEY), scenario.public(STOCK_KEY), new]
    assert scenario.deploy(oqs_ssh_authorized_keys=keys).code == 0
    place = "umask 077; cat >/root/.ssh/id_ed25519"
    scenario.lab.exec(HOST, ["sh", "-c", place], stdin=scenario.lab.state.alice_key.read_bytes())
    script = """set -e; apt-get update -qq; apt-get install -qq -y rsync >/dev/null 2>&1
        export PATH=$PATH:/root/.local/bin; head -c 100000 /dev/urandom >/root/there
        oqs-ssh -v web1 true 2>&1 | grep -a 'host key algorithm'
        rsync -e oqs-ssh /root/there web1-host:there; cmp /root/there /home/alice/there && echo same"""
    said = scenario.root(HOST, "sh", "-c", script)
    assert "ssh-mldsa44-ed25519" in said and said.endswith("same"), said
    assert scenario.deploy(playbook=PLAYBOOK, oqs_ssh_client_state="absent", **mine).code == 0
    assert scenario.deploy().code == 0


def test_a_signal_ends_the_client_in_the_image(home: Home) -> None:
    home.settle(oqs_ssh_client_program="image")
    with subprocess.Popen([str(home.path / "bin/oqs-ssh"), HOST, "echo in; sleep 1000"], stdout=subprocess.PIPE,
                          stdin=subprocess.DEVNULL) as client:
        assert client.stdout is not None and client.stdout.readline() == b"in\n"
        client.send_signal(signal.SIGTERM)
        assert client.wait(timeout=60) != 0
    end = time.monotonic() + 60
    names = ["docker", "ps", "--quiet", "--filter", "volume=" + str(home.path / ".ssh")]
    while subprocess.run(names, capture_output=True, check=True).stdout:
        assert time.monotonic() < end, "the container is still there"
        time.sleep(0.2)


def test_a_changed_host_key_is_refused(home: Home) -> None:
    home.settle()
    pins = home.path / ".ssh/oqs/known_hosts"
    lines = pins.read_text().splitlines(True)
    own = next(line for line in lines if line.startswith("web1.own-sshd")).split(" ", 1)[1]
    pins.write_text("web1.oqs-ssh " + own)
    said = home.program("ssh", HOST, "true")
    assert said.returncode == 255 and b"HOST IDENTIFICATION HAS CHANGED" in said.stderr
    assert "changed by hand" in home.settle().words
    pins.unlink()
    home.settle()
    assert home.program("ssh", HOST, "true").returncode == 0


def test_from_container_to_container(scenario: Scenario) -> None:
    """As docs/containers.md has it: over a Docker network, with nothing published."""
    text = (ROOT / "docs" / "containers.md").read_text(encoding="utf-8")
    lines = [line[4:] for line in text.splitlines() if line.startswith("    ")]
    script = "\n".join(lines).replace("IMAGE", CLIENT_IMAGE).replace("pq-", scenario.visitor_container + "-pq-")
    done = subprocess.run(["sh", "-ec", script], capture_output=True, check=False, timeout=120)
    assert done.returncode == 0 and done.stdout.decode().splitlines()[-1:] != [], done.stderr
    assert b"hello from oqs" in done.stdout, done.stdout + done.stderr
