# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Another image takes the place of the one that serves only when it is proved; else the old one serves as before.

The images are the stock one with another label, or with a flaw that shows at one stage of the way. The host holds them
already, so that the tests are about the change and not about the way there.
"""

from __future__ import annotations

import pathlib
import subprocess
import threading
import time
from typing import Any, Dict, List, Tuple

import pytest

from tests.e2e.library.scenario import ROOT, Run, Scenario, Setting, image
from tests.e2e.library.visitor import Visitor

pytestmark = pytest.mark.docker
HOST, NAME = "web1", "localhost/oqs-upgrade:%s"
SSHD = "/opt/oqs-ssh/sbin/sshd"
WRAPPER = (
    "mv %(path)s %(path)s.real && "
    "printf '%%s\\n' '#!/bin/sh' '%(line)s' 'exec %(path)s.real \"$@\"' >%(path)s && chmod 755 %(path)s"
)


def flawed(path: str, line: str) -> str:
    """A line of a Dockerfile: a program that does something else first."""
    return "RUN " + WRAPPER % {"path": path, "line": line}


#: Flaw -> the Dockerfile's line, and what the failure says.
FLAWS: Dict[str, Tuple[str, str]] = {
    "refuses": (flawed(SSHD, 'case "$*" in *-t*) echo "flaw: refused" >&2; exit 255 ;; esac'), "flaw: refused"),
    "dead": (flawed(SSHD, 'case "$*" in -D*) echo "flaw: dead" >&2; exit 1 ;; esac'), "flaw: dead"),
    "classical": (
        flawed(SSHD, 'case "$*" in -D*) set -- "$@" -o KexAlgorithms=curve25519-sha256 ;; esac'),
        "does not offer mlkem768nistp256-sha256",
    ),
    "nobody": (flawed(SSHD, 'case "$*" in -D*) set -- "$@" -o DenyUsers=oqs ;; esac'), "nobody can log in"),
    "swapped": (
        flawed(SSHD, 'case "$*" in -D*) grep -q "^ListenAddress 127" /etc/oqs-ssh/sshd_config || exit 1 ;; esac'),
        "put back and serves again",
    ),
    "forgets": (
        flawed("/opt/oqs-ssh/bin/ssh", 'if [ "$1" = -Q ]; then "$0.real" "$@" | grep -v mlkem768nistp256; exit; fi'),
        "does not know mlkem768nistp256-sha256",
    ),
}


#: In docker's place on the host: ends whoever calls it right before the act whose number is in /run/kill-at.
KILLER = """#!/bin/sh
case "$1" in
create | start | stop | restart | rename | rm | kill)
    number=$(($(cat /run/acts 2>/dev/null) + 1))
    echo "$number" >/run/acts
    if [ "$number" = "$(cat /run/kill-at)" ]; then
        kill -9 "$PPID"
        exit 137
    fi
    ;;
esac
exec /usr/bin/docker "$@"
"""
#: As quick as the others, but there are many.
SLOW = set(FLAWS) - {"nobody", "swapped"}


def prepare(scenario: Scenario) -> None:
    """The host holds all images, and serves the first."""
    give(scenario)
    run = scenario.deploy(oqs_ssh_image=NAME % "one")
    assert run.code == 0, run.text


SETTING = Setting("upgrade", {HOST: "trixie:docker"}, {"oqs_ssh_image_source": "pull", "oqs_ssh_hop_enabled": False},
                  prepare=prepare)


def give(scenario: Scenario) -> None:
    """Build the images here, and have the host load them."""
    stock = image("stock")
    lines = {"one": "LABEL generation=1", "two": "LABEL generation=2"}
    lines.update({flaw: line for flaw, (line, _words) in FLAWS.items()})
    for tag, line in lines.items():
        text = "FROM %s\nUSER root\n%s\n" % (stock, line)
        subprocess.run(["docker", "build", "-q", "-t", NAME % tag, "-"], input=text.encode(), check=True,
                       capture_output=True, timeout=120)
    names = [NAME % tag for tag in lines]
    data = subprocess.run(["docker", "save", *names], check=True, capture_output=True, timeout=120).stdout
    scenario.lab.exec(HOST, ["docker", "load", "--quiet"], stdin=data)
    subprocess.run(["docker", "image", "rm", *names], check=False, capture_output=True, timeout=60)


def state(scenario: Scenario) -> Dict[str, str]:
    """All that must be the same after a change that failed, and what is kept by one that did not."""
    mine = "*config known_hosts private/ssh_host_* private/password /var/lib/oqs-ssh/server/*"
    script = "cd /etc/oqs-ssh && sha256sum " + mine
    return {
        "image": scenario.root(HOST, "docker", "inspect", "--format", "{{.Image}}", "oqs-ssh"),
        "files": scenario.root(HOST, "sh", "-c", script),
        "home": scenario.root(HOST, "sh", "-c", "cd /var/lib/oqs-ssh/home-ssh; stat -c '%n %a %u' . *; sha256sum *"),
    }


def nothing_left(scenario: Scenario) -> None:
    """No second container, no copy of the state."""
    assert scenario.root(HOST, "docker", "ps", "--all", "--format", "{{.Names}}") == "oqs-ssh"
    assert scenario.root(HOST, "ls", "/var/lib/oqs-ssh") == "home-ssh\nimages\nledger\nserver"


class Logins:
    """Somebody logs in again and again, with the host keys of the first time."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor, self.good = visitor, 0
        self.failed: List[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Logins":
        assert self.visitor.served(HOST).code == 0
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join(60)

    def _run(self) -> None:
        while not self._stop.is_set():
            said = self.visitor.ssh(HOST, "true")
            if said.code == 0:
                self.good += 1
            else:
                self.failed.append(said.log)


def deploy(scenario: Scenario, tag: str, **extra: Any) -> Run:
    """The playbook with one of the images."""
    return scenario.deploy(oqs_ssh_image=NAME % tag, **extra)


@pytest.mark.parametrize(
    "flaw", ["nobody", "swapped"] + [pytest.param(each, marks=pytest.mark.slow) for each in sorted(SLOW)]
)
def test_a_flaw_is_found_and_the_old_one_serves(scenario: Scenario, flaw: str) -> None:
    before = state(scenario)
    started = scenario.root(HOST, "docker", "inspect", "--format", "{{.State.StartedAt}}", "oqs-ssh")
    run = deploy(scenario, flaw)
    assert run.code != 0 and FLAWS[flaw][1] in run.words, run.text
    assert state(scenario) == before
    nothing_left(scenario)
    same = scenario.root(HOST, "docker", "inspect", "--format", "{{.State.StartedAt}}", "oqs-ssh") == started
    assert same is (flaw != "swapped"), "it went on without a break, unless it had made room already"
    assert Visitor(scenario).served(HOST).code == 0
    again = deploy(scenario, "one")
    assert again.code == 0 and again.line(HOST, "done") == "nothing, it was as wanted", again.text


def test_upgrade_and_back(scenario: Scenario) -> None:
    before, visitor = state(scenario), Visitor(scenario)
    with Logins(visitor) as logins:
        run = deploy(scenario, "two")
        assert run.code == 0, run.text
        after = time.monotonic() + 20
        count = logins.good
        while logins.good == count and time.monotonic() < after:
            time.sleep(0.1)
    assert logins.good > count
    assert not [log for log in logins.failed if "IDENTIFICATION HAS CHANGED" in log or "verification failed" in log]
    now = state(scenario)
    assert now["image"] != before["image"] and now["files"] == before["files"] and now["home"] == before["home"]
    assert "->" in run.line(HOST, "upgraded") and before["image"][7:19] in run.line(HOST, "upgraded"), run.text
    nothing_left(scenario)
    assert deploy(scenario, "two").line(HOST, "done") == "nothing, it was as wanted"

    for words in ("swap oqs-ssh", "nothing, it was as wanted"):
        back = deploy(scenario, "two", oqs_ssh_rollback=True)
        assert back.code == 0 and words in back.line(HOST, "done"), back.text
        assert state(scenario) == before
    assert visitor.served(HOST).code == 0


def test_sessions_are_told(scenario: Scenario) -> None:
    visitor = Visitor(scenario)
    argv = ["docker", "exec", "-i", scenario.visitor_container, "/opt/oqs-ssh/bin/ssh", "-tt", "-F",
            "/opt/oqs-ssh/ssh_config", "-o", "StrictHostKeyChecking=accept-new", *visitor.target(HOST), "sleep 300"]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as session:
        assert session.stdout
        end = time.monotonic() + 20
        while not scenario.inside(HOST, "sh", "-c", "ls /dev/pts | grep -c '^[0-9]' || true").strip("0"):
            assert time.monotonic() < end
            time.sleep(0.2)
        run = deploy(scenario, "two")
        said = session.stdout.read().decode("utf-8", "replace")
    assert run.code == 0 and "1 connections were ended" in run.words, run.text
    assert "this session ends now" in said
    assert deploy(scenario, "two", oqs_ssh_rollback=True).code == 0




def test_cut_short(scenario: Scenario) -> None:
    """Killed when the old one had made room: the next run has the old one serve before it does anything else."""
    before = state(scenario)
    script = """set -e; up=/var/lib/oqs-ssh/upgrade; mkdir -m 700 $up $up/before; echo 999999999 >$up/owner
        cp /etc/oqs-ssh/sshd_config $up/before; echo 'MaxAuthTries 3' >>/etc/oqs-ssh/sshd_config
        docker rename oqs-ssh oqs-ssh-before; docker stop -t 5 oqs-ssh-before >/dev/null
        mkdir $up/etc; docker create --name oqs-ssh-trial --label org.quantumsafe.openssh.spec=x %s >/dev/null
        docker create --name oqs-ssh --label org.quantumsafe.openssh.spec=x %s >/dev/null"""
    scenario.root(HOST, "sh", "-c", script % ((NAME % "two",) * 2))
    run = deploy(scenario, "dead")
    assert run.code != 0 and "flaw: dead" in run.words, run.text
    assert state(scenario) == before
    nothing_left(scenario)
    assert Visitor(scenario).served(HOST).code == 0
    assert deploy(scenario, "one").code == 0


@pytest.mark.slow
def test_killed_before_each_step(scenario: Scenario) -> None:
    """kill -9 of the work on the host before each act of the trial and of the swap: the next run ends well, somebody
    serves at the latest then, and the host keys and all that is configured are what they were."""
    before, visitor = state(scenario), Visitor(scenario)
    scenario.root(HOST, "sh", "-c", "printf %s \"$0\" >/usr/local/bin/docker; chmod 755 /usr/local/bin/docker", KILLER)
    killed = 0
    try:
        for number in range(1, 30):
            scenario.root(HOST, "sh", "-c", "rm -f /run/acts; echo %d >/run/kill-at" % number)
            run = deploy(scenario, ("one", "two")[number % 2])
            acts = int(scenario.root(HOST, "sh", "-c", "cat /run/acts || echo 0"))
            if run.code == 0 and acts < number:
                break
            assert run.code != 0, run.text
            killed += 1
            scenario.root(HOST, "rm", "/run/kill-at")
            again = deploy(scenario, ("one", "two")[number % 2])
            assert again.code == 0, "killed before act %d:\n%s" % (number, again.text)
            now = state(scenario)
            assert now["files"] == before["files"] and now["home"] == before["home"], number
            nothing_left(scenario)
            assert visitor.served(HOST).code == 0
    finally:
        scenario.root(HOST, "rm", "-f", "/usr/local/bin/docker", "/run/acts", "/run/kill-at")
    assert killed >= 6, "create, start, remove of the trial; rename, stop, create, start, remove of the swap"
    assert deploy(scenario, "one").code == 0


@pytest.mark.slow
def test_an_algorithm_is_lost_only_when_that_is_wished(scenario: Scenario) -> None:
    """The plan that the refusal names is carried out: both for a while, then the loss is accepted."""
    before, lost, rest = state(scenario), "mlkem768nistp256-sha256", "mlkem768x25519-sha256"
    refused = deploy(scenario, "forgets")
    assert refused.code != 0 and "oqs_ssh_image_drops: [%s]" % lost in refused.words, refused.text
    assert state(scenario) == before
    run = deploy(scenario, "forgets", oqs_ssh_image_drops=[lost])
    assert run.code == 0, run.text
    assert Visitor(scenario).offer(HOST)[:1] == [rest]
    assert lost not in Visitor(scenario).offer(HOST)
    now = scenario.root(HOST, "sh", "-c", "cd /etc/oqs-ssh/private && sha256sum ssh_host_*")
    assert now in before["files"].replace("private/", ""), "host keys stay"
    assert Visitor(scenario).ssh(HOST, "true", "-o", "KexAlgorithms=" + rest).code == 0
    # what was given up stays so until somebody wishes for it again
    assert deploy(scenario, "one", oqs_ssh_kex_algorithms=[lost, rest]).code == 0
    assert Visitor(scenario).offer(HOST)[:2] == [lost, rest]
    assert deploy(scenario, "one").code == 0


def test_a_login_outlives_a_rotation(scenario: Scenario, tmp_path: pathlib.Path) -> None:
    store = {"oqs_ssh_password": "", "oqs_ssh_password_store": str(tmp_path / "store")}
    assert deploy(scenario, "one", **store).code == 0
    with Visitor(scenario).echoing(HOST) as session:
        assert session.stdin and session.stdout
        for words in (b"before\n", b"after\n"):
            session.stdin.write(words)
            session.stdin.flush()
            assert session.stdout.readline() == words
            if words == b"before\n":
                rotate = ROOT / "rotate-oqs-ssh-password.yml"
                run = scenario.deploy(playbook=rotate, oqs_ssh_image=NAME % "one", **store)
                assert run.code == 0 and "password" in run.line(HOST, "done"), run.text
        session.stdin.close()
        assert session.wait(20) == 0
    assert deploy(scenario, "one").code == 0


@pytest.mark.slow
def test_a_way_through_only_is_proved_by_a_login_too(scenario: Scenario) -> None:
    """Where sshd gives nobody a session, the trial still finds out whether somebody would be let in."""
    for extra in ({}, {"oqs_ssh_rollback": True}):
        run = deploy(scenario, "two", oqs_ssh_mode="hop", oqs_ssh_hop_enabled=True, **extra)
        assert run.code == 0 and "->" in run.line(HOST, "upgraded"), run.text
    assert deploy(scenario, "one").code == 0


def test_the_playbook_asks_for_a_newer_image(scenario: Scenario) -> None:
    """A registry that cannot be asked stops an upgrade, and nothing else was touched; going back needs none."""
    before = state(scenario)
    run = scenario.deploy(playbook=ROOT / "upgrade-oqs-ssh.yml", oqs_ssh_image=NAME % "one")
    assert run.code != 0 and "oqs_ssh_image_update: the controller cannot ask the registry" in run.words, run.text
    back = scenario.deploy(playbook=ROOT / "upgrade-oqs-ssh.yml", oqs_ssh_image=NAME % "one", oqs_ssh_rollback=True)
    assert back.code == 0 and state(scenario) == before, back.text
