# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Other host keys while clients that pin go on: who came by in the overlap notices nothing, who did not is warned."""

from __future__ import annotations

from typing import Any, List

from tests.e2e.library.scenario import ROOT, Run, Scenario, Setting
from tests.e2e.library.visitor import Said, Visitor

HOST = "web1"
ROTATE = ROOT / "rotate-oqs-ssh-keys.yml"
WANT = {"oqs_ssh_image_source": "build", "oqs_ssh_stock_clients": True, "oqs_ssh_hop_users": ["alice"]}
#: A client that knows the host as it is, takes no other key, and learns what the host announces.
PINNED = ("-o", "StrictHostKeyChecking=yes", "-o", "UpdateHostKeys=yes", "-o", "UserKnownHostsFile=/root/.ssh/pinned")
#: One that was away in the meantime.
AWAY = ("-o", "StrictHostKeyChecking=yes", "-o", "UpdateHostKeys=no", "-o", "UserKnownHostsFile=/root/.ssh/away")
#: The type of host key that the image's client asks for.
USED = "ssh-mldsa44-ed25519"
NEXT = "/etc/oqs-ssh/private/next"


def prepare(scenario: Scenario) -> None:
    """Deploy to it."""
    run = scenario.deploy(**WANT)
    assert run.code == 0, run.text


SETTING = Setting("rotate", {HOST: "trixie:docker"}, prepare=prepare)


def rotate(scenario: Scenario, step: str, *options: str, **extra: Any) -> Run:
    return scenario.deploy(*options, playbook=ROTATE, oqs_ssh_rotate_keys=step, **WANT, **extra)


def keys(scenario: Scenario, folder: str = "/etc/oqs-ssh/private") -> List[str]:
    script = "cut -d ' ' -f 1,2 %s/ssh_host_*_key.pub 2>/dev/null || true" % folder
    return scenario.root(HOST, "sh", "-c", script).splitlines()


def login(scenario: Scenario, options: Any) -> Said:
    return Visitor(scenario).ssh(HOST, "id -un", *options)


def learnt(scenario: Scenario, among: List[str]) -> List[str]:
    """Which of some keys the pinned client knows, of the types that it uses (it keeps no others)."""
    pinned = (scenario.keys / "pinned").read_text()
    return [key for key in among if key in pinned and key.startswith(USED)]


def used(among: List[str]) -> List[str]:
    return [key for key in among if key.startswith(USED)]


def know(scenario: Scenario) -> None:
    """Both clients know the host's keys, as of now."""
    lines = ["[%s]:2222 %s" % (scenario.address(HOST), key) for key in keys(scenario)]
    for name in ("pinned", "away"):
        (scenario.keys / name).write_text("\n".join(lines) + "\n")


def calm(scenario: Scenario) -> None:
    """A deployment finds nothing to do, in check mode neither."""
    for options in (("--check",), ()):
        run = scenario.deploy(*options, **WANT)
        assert run.code == 0 and "changed=0" in run.text, run.text


def test_first_of_all_nothing_is_there_to_switch_to(scenario: Scenario) -> None:
    run = rotate(scenario, "switch")
    assert run.code == 0 and "changed=0" in run.text and "oqs_ssh_rotate_keys=announce" in run.words, run.text


def test_clients_that_pin_outlive_a_rotation(scenario: Scenario) -> None:
    know(scenario)
    before = keys(scenario)
    forecast = rotate(scenario, "announce", "--check", "--diff")
    assert forecast.code == 0 and "next host key" in forecast.text and not keys(scenario, NEXT), forecast.text
    with Visitor(scenario).echoing(HOST) as session:
        run = rotate(scenario, "announce")
        assert run.code == 0 and "changed=1" in run.text, run.text
        coming = keys(scenario, NEXT)
        assert keys(scenario) == before and len(coming) == len(before) and not set(coming) & set(before)
        calm(scenario)
        assert login(scenario, PINNED).code == login(scenario, AWAY).code == 0, "the present key is shown first"
        assert learnt(scenario, coming) == used(coming) != [], "from a server that was known already"

        early = rotate(scenario, "switch")
        assert early.code != 0 and "oqs_ssh_rotate_overlap" in early.words, early.text
        assert keys(scenario) == before

        run = rotate(scenario, "switch", oqs_ssh_rotate_overlap=0)
        assert run.code == 0 and "host key switch" in run.text, run.text
        assert keys(scenario) == coming and not keys(scenario, NEXT)
        calm(scenario)
        assert login(scenario, PINNED).code == 0
        assert learnt(scenario, before) == [], "and forgotten when the host no longer has it"
        missed = login(scenario, AWAY)
        assert missed.code == 255 and "HAS CHANGED" in missed.log
        assert session.stdin and session.stdout
        session.stdin.write(b"still here\n")
        session.stdin.close()
        assert session.stdout.readline() == b"still here\n", "established logins go on"
        assert session.wait(20) == 0


def test_an_upgrade_and_a_new_container_keep_what_is_announced(scenario: Scenario) -> None:
    know(scenario)
    assert rotate(scenario, "announce").code == 0
    before, coming = keys(scenario), keys(scenario, NEXT)
    scenario.root(HOST, "docker", "rm", "--force", "oqs-ssh")
    assert scenario.deploy(**WANT).code == 0
    run = scenario.deploy(**dict(WANT, oqs_ssh_restart_policy="always"))
    assert run.code == 0 and "swap" in run.text, run.text
    assert (keys(scenario), keys(scenario, NEXT)) == (before, coming)
    assert login(scenario, PINNED).code == 0
    assert learnt(scenario, coming) == used(coming)


def test_cut_short_in_the_switch(scenario: Scenario) -> None:
    """One key is in its place and the rest is not done: any run ends it, and the other keys stay announced."""
    coming = keys(scenario, NEXT)
    script = "cd %s && cp -p ssh_host_ssh-mldsa44-ed25519_key ssh_host_ssh-mldsa44-ed25519_key.pub .." % NEXT
    scenario.root(HOST, "sh", "-c", script + " && rm ../in-force")
    run = scenario.deploy(**WANT)
    assert run.code == 0, run.text
    calm(scenario)
    assert login(scenario, PINNED).code == 0
    assert len(keys(scenario, NEXT)) == len(coming) - 1 == 1
    run = rotate(scenario, "switch", oqs_ssh_rotate_overlap=0)
    assert run.code == 0, run.text
    assert keys(scenario) == coming


def test_cancelled(scenario: Scenario) -> None:
    before = keys(scenario)
    assert rotate(scenario, "announce").code == 0
    assert rotate(scenario, "cancel").code == 0
    assert keys(scenario) == before and not scenario.root(HOST, "sh", "-c", "ls -d %s || true" % NEXT).startswith(NEXT)
    calm(scenario)


def test_the_containers_key_for_the_hop(scenario: Scenario) -> None:
    identity = "/var/lib/oqs-ssh/home-ssh/id_ed25519.pub"
    old = scenario.root(HOST, "cut", "-d", " ", "-f", "2", identity)
    run = rotate(scenario, "hop_identity")
    assert run.code == 0 and "hop identity" in run.text, run.text
    new = scenario.root(HOST, "cut", "-d", " ", "-f", "2", identity)
    lines = scenario.root(HOST, "cat", "/home/alice/.ssh/authorized_keys")
    assert new != old and new in lines and old not in lines
    know(scenario)
    said = Visitor(scenario).ssh(HOST, "ssh -o BatchMode=yes -p 22 alice@localhost id -un", *PINNED)
    assert said.code == 0 and said.out.strip() == "alice", said.log
    calm(scenario)
