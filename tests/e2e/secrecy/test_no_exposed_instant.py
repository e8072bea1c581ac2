# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""No exposed instant: a prober outside of the hosts knocks every few milliseconds, whatever is done to them.

web1 has no firewall, so the first instant of every sshd is in sight; db1 has one (nftables), and half of the prober's
addresses are not among the sources. `WRITE=1` writes the long run's picture to docs/no-exposed-instant.svg.
"""

from __future__ import annotations

import json
import os
import pathlib
from typing import Any, Dict, List, Set, Tuple

import pytest

from lab.lab_engine import docker
from tests.e2e.library.prober import picture, timeline
from tests.e2e.library.prober.box import Prober
from tests.e2e.library.scenario import PLAYBOOK, PQ_KEY, ROOT, STOCK_KEY, Run, Scenario, Setting, image
from tests.e2e.library.visitor import Visitor

OPEN, WALLED = "web1", "db1"
HOSTS = (OPEN, WALLED)
BY_HAND = "by hand"
REMOVE, ROTATE = ROOT / "remove-oqs-ssh.yml", ROOT / "rotate-oqs-ssh-password.yml"
ROTATE_KEYS = ROOT / "rotate-oqs-ssh-keys.yml"
NOTES = {OPEN: "no firewall, sshd alone keeps the sources", WALLED: "nftables, everything closed but port 22"}


#: One of them with a firewall.
SETTING = Setting("instant", dict.fromkeys(HOSTS, "trixie:docker"), firewalls=[WALLED])


class Story:
    """What is done to the hosts, each part a phase of the prober's time line."""

    def __init__(self, scenario: Scenario, folder: pathlib.Path, steady: float) -> None:
        self.scenario, self.visitor = scenario, Visitor(scenario)
        self.prober = Prober(scenario, folder, steady)
        self.store = folder / "passwords"
        self.store.mkdir(0o700)
        for host in HOSTS:
            (self.store / host).write_text(scenario.password() + "\n")
        self.keys: Dict[str, List[str]] = {host: [] for host in HOSTS}
        self.old_keys: Set[str] = set()
        self.wishes: Dict[str, Any] = {
            "oqs_ssh_image_source": "build", "oqs_ssh_stock_clients": True,
            "oqs_ssh_firewall_sources": [self.prober.sources],
            "oqs_ssh_password": "", "oqs_ssh_password_store": str(self.store),
            "oqs_ssh_authorized_keys": [scenario.public(PQ_KEY), scenario.public(STOCK_KEY), self.prober.public],
        }

    def run(self, playbook: pathlib.Path = PLAYBOOK, **extra: Any) -> Run:
        """The playbook, as always."""
        done = self.scenario.deploy(playbook=playbook, **dict(self.wishes, **extra))
        assert done.code == 0, done.text
        return done

    def password(self, host: str) -> str:
        """As the controller keeps it."""
        return (self.store / host).read_text().strip()

    def know_keys(self) -> None:
        """The hosts' own keys, from the hosts; they may grow in number, none may go but those rotated away."""
        script = "cat /etc/oqs-ssh/private/ssh_host_*_key.pub; cat /etc/oqs-ssh/private/next/*.pub 2>/dev/null || true"
        for host in HOSTS:
            lines = self.scenario.root(host, "sh", "-c", script).splitlines()
            found = [timeline.fingerprint(line) for line in lines]
            assert set(self.keys[host]) - self.old_keys <= set(found), "a host key went"
            self.keys[host] = list(dict.fromkeys(self.keys[host] + found))

    def first(self) -> None:
        """From untouched to a login."""
        with self.prober.phase("first deployment"):
            self.run()
        self.know_keys()

    def again(self) -> None:
        """Nothing to do."""
        with self.prober.phase("again"):
            self.run()

    def recreation(self) -> None:
        """Somebody removes the container; the same keys serve again."""
        with self.prober.phase("re-creation"):
            for host in HOSTS:
                self.scenario.root(host, "docker", "rm", "--force", "oqs-ssh")
            self.run()
        self.know_keys()

    def rotation(self) -> None:
        """Another password; the old one is worth nothing from then on."""
        old = self.password(OPEN)
        with self.prober.phase("new password"):
            self.run(ROTATE)
        assert self.password(OPEN) != old
        assert self.visitor.typed_password(OPEN, "id -un", self.password(OPEN)).code == 0
        assert self.visitor.typed_password(OPEN, "id -un", old).code == 255
        self.visitor.forgive(OPEN)

    def host_keys(self) -> None:
        """Other host keys: announced, then in place of the old ones, which no handshake shows from then on."""
        with self.prober.phase("next keys announced"):
            self.run(ROTATE_KEYS)
        old = {each for host in HOSTS for each in self.keys[host]}
        self.know_keys()
        for host in HOSTS * 2:  # a client that knows the host learns what it announces
            assert self.visitor.ssh(host, "true").code == 0
        with self.prober.phase("host keys switched"):
            self.run(ROTATE_KEYS, oqs_ssh_rotate_keys="switch", oqs_ssh_rotate_overlap=0)
        self.old_keys |= old
        self.know_keys()

    def upgrade(self) -> None:
        """Another image."""
        archive = self.prober.folder / "image.tar"
        docker("save", "--output", str(archive), image("quirks"))
        self.wishes.update(oqs_ssh_image_source="archive", oqs_ssh_image_archive=str(archive))
        with self.prober.phase("another image"):
            self.run()
        self.know_keys()

    def reboot(self) -> None:
        """Both hosts at once."""
        with self.prober.phase("reboot"):
            for host in HOSTS:
                self.scenario.lab.reboot(host)
            for host in HOSTS:
                self.visitor.served(host)

    def removal(self) -> None:
        """All of it goes."""
        with self.prober.phase("removal"):
            self.run(REMOVE)

    def by_hand(self) -> None:
        """The image's own way, as its manual has it; the password is changed right afterwards."""
        self.scenario.lab.exec(OPEN, ["docker", "load"], stdin=docker("save", image("stock")).stdout)
        with self.prober.phase(BY_HAND):
            script = "docker run -dit --name by-hand --network host %s && sleep 3" % image("stock")
            self.scenario.root(OPEN, "sh", "-c", script)
            self.scenario.root(OPEN, "sh", "-c", "echo oqs:%s | docker exec -i by-hand chpasswd; sleep 2; "
                               "docker rm -f by-hand" % self.password(OPEN))


def watched(
    scenario: Scenario, folder: pathlib.Path, names: List[str], steady: float = 0.4
) -> Tuple[Story, List[timeline.Line]]:
    """Go through a story under the prober's eyes. :param steady: seconds between handshakes while nothing changes."""
    story = Story(scenario, folder, steady)
    story.prober.start(HOSTS, story.password(OPEN))
    try:
        for name in names:
            getattr(story, name)()
        lines = story.prober.stop()
    finally:
        story.prober.remove()
    output = ROOT / "tests" / "output"
    output.mkdir(exist_ok=True)
    (output / "no-exposed-instant.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    (output / "no-exposed-instant.svg").write_text(picture.draw(lines, HOSTS, story.keys, NOTES), "utf-8")
    return story, lines


def judge(story: Story, lines: List[timeline.Line]) -> None:
    """Nothing was exposed, and the prober saw enough to say so; what was done by hand was, and it saw that."""
    ours = timeline.until(lines, BY_HAND)
    # While a host goes down its own service takes the firewall away, for port 22 as well; sshd keeps the sources then.
    assert timeline.exposures(ours, story.keys, walled=[WALLED], unwalled=["reboot"]) == []
    assert timeline.doubts(ours, HOSTS) == []
    for mark in timeline.phases(ours):
        for host in HOSTS:
            if mark["phase"] not in ("removal", "reboot"):
                seen = [line for line in timeline.during(ours, mark["phase"]) if line.get("host") == host]
                assert any(line["state"] == "handshake" for line in seen), (mark["phase"], host)
                assert any(line["state"] == "login" for line in seen if line["view"] == "control"), mark["phase"]
    hand = timeline.exposures(timeline.during(lines, BY_HAND), story.keys, walled=[WALLED])
    assert any("password that is called default" in words for words in hand), hand
    assert any("host key that is not the host's" in words for words in hand), hand
    print(json.dumps(dict(timeline.figures(ours), name="no-exposed-instant", ok=True)))


def test_no_exposed_instant(scenario: Scenario, tmp_path: pathlib.Path) -> None:
    story, lines = watched(scenario, tmp_path, ["first", "recreation", "rotation", "host_keys", "removal", "by_hand"])
    judge(story, lines)


@pytest.mark.slow
def test_no_exposed_instant_through_everything(scenario: Scenario, tmp_path: pathlib.Path) -> None:
    story, lines = watched(scenario, tmp_path, [
        "first", "again", "recreation", "rotation", "host_keys", "upgrade", "reboot", "removal", "by_hand"], steady=0.2)
    judge(story, lines)
    if os.environ.get("WRITE"):
        drawn = picture.draw(lines, HOSTS, story.keys, NOTES)
        (ROOT / "docs" / "no-exposed-instant.svg").write_text(drawn, encoding="utf-8")
