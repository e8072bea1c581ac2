# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""No secret is seen: every playbook at -vvv with --diff, on virgin, converged, failing and unreachable hosts.

While it runs, arguments and environments of all processes are sampled; afterwards output, log, fact cache, temporary
folders, the hosts' files, journals and containers are searched for what was used. That the search can find something is
shown by a playbook that leaks on purpose.
"""

from __future__ import annotations

import pathlib
from typing import Any, Dict, List

import pytest

from tests.e2e.library import leaks
from tests.e2e.library.leaks import Sampler, Secrets
from tests.e2e.library.scenario import ROOT, Run, Scenario, Setting

GOOD, BAD = "web1", "db1"
LEAKS = """
- hosts: web1
  gather_facts: false
  tasks:
    - ansible.builtin.command: {argv: [sh, -c, 'sleep 1; true', '{{ oqs_ssh_password }}']}
      changed_when: false
    - ansible.builtin.command: {argv: [sleep, '1']}
      environment: {LEAKED: '{{ oqs_ssh_password }}'}
      changed_when: false
    - ansible.builtin.set_fact: {leaked: '{{ oqs_ssh_password }}', cacheable: true}
    - ansible.builtin.copy: {content: 'x{{ oqs_ssh_password }}x', dest: /var/tmp/leaked, mode: '0644'}
    - ansible.builtin.command: {argv: [logger, --, '{{ oqs_ssh_password }}']}
    - ansible.builtin.command: {argv: [docker, create, --name, leak, --env, 'A={{ oqs_ssh_password }}', IMAGE]}
    - ansible.builtin.command: {argv: [cp, /etc/oqs-ssh/private/password, /etc/oqs-ssh/public]}
    - ansible.builtin.command: {argv: [chmod, '0644', /etc/oqs-ssh/private/password]}
    - ansible.builtin.shell: {cmd: 'cat /etc/oqs-ssh/private/*_key'}
"""
#: Each of these must be found then.
EXPECTED = (
    "password in the arguments of", "password in the environment of", "password in the output", "password in the facts",
    "password in the log", "password in the journal of web1", "password in the docker inspect of web1",
    "a password in a file of web1: /var/tmp/leaked", "a hash in a file of web1: /etc/oqs-ssh/public",
    "a hash that others may read on web1", "in the output",
)


def prepare(made: Scenario) -> None:
    """A host that will do, one that fails when the password is written, and one that is not there."""
    made.root(BAD, "sh", "-c", "mkdir -p /etc/oqs-ssh/private && cd /etc/oqs-ssh/private && touch password && "
              "mount --bind password password")  # nobody can replace a mount point
    gone = made.folder / "gone.ini"
    nobody = made.address(GOOD).rpartition(".")[0] + ".249"
    gone.write_text("[oqs_ssh]\ngone ansible_host=%s ansible_ssh_timeout=3\n" % nobody)
    made.inventories.append(gone)


SETTING = Setting("secrets", {GOOD: "trixie:docker", BAD: "trixie:docker"}, prepare=prepare)


class Search:
    """One folder for all that Ansible writes down, and what has to stay out of it."""

    def __init__(self, scenario: Scenario, folder: pathlib.Path) -> None:
        self.scenario, self.folder, self.secrets = scenario, folder, Secrets()
        self.secrets.add("password", scenario.password())
        self.runs: List[Run] = []
        self.store = folder / "passwords"
        self.store.mkdir(0o700)
        (self.store / GOOD).write_text(scenario.password() + "\n")
        self.sampler = Sampler()
        #: What playbooks need that deploy does not.
        self.more: Dict[str, Dict[str, Any]] = {
            "lockdown": {"oqs_ssh_lockdown": False},  # closed, the host could not be searched any more
            "rotate_password": {"oqs_ssh_password": "", "oqs_ssh_password_store": str(self.store)}}

    def play(self, playbook: pathlib.Path, *options: str, limit: str = "", **extra: Any) -> Run:
        """A run under observation."""
        run = self.scenario.deploy("-vvv", "--diff", *options, playbook=playbook, limit=limit, **dict(
            {"oqs_ssh_image_source": "build", "oqs_ssh_hop_users": ["alice"]}, **extra))
        self.runs.append(run)
        return run

    def result(self) -> List[str]:
        """All that was seen and should not have been."""
        for host in (GOOD, BAD):
            self.secrets.of_host(self.scenario, host)
        for kept in sorted(self.store.glob(GOOD + "*")):
            self.secrets.add("password in %s" % kept.name, kept.read_text().strip())
        found = list(self.sampler.found(self.secrets))
        for number, run in enumerate(self.runs):
            found += ["%s in the output of run %d" % (name, number) for name in
                      self.secrets.seen_in(run.text.encode())]
        found += leaks.in_folder(self.secrets, self.folder / "facts", "the facts")
        found += leaks.in_folder(self.secrets, self.folder / "temporary", "the temporary folder")
        found += leaks.in_folder(self.secrets, self.folder / "local", "Ansible's own temporary folder")
        found += ["%s in the log" % name for name in
                  self.secrets.seen_in((self.folder / "ansible.log").read_bytes())]
        for host in (GOOD, BAD):
            found += leaks.on_host(self.scenario, host, self.secrets)
        return sorted(found)


@pytest.fixture
def search(scenario: Scenario, tmp_path: pathlib.Path) -> Search:
    """A new folder, a new sampler."""
    made = Search(scenario, tmp_path)
    scenario.settings = leaks.environment(tmp_path)
    return made


def others() -> List[str]:
    """All playbooks but the first one, in an order in which each finds its host deployed."""
    names = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))
    return [name for name in names if name not in ("deploy", "remove")] + [name for name in names if name == "remove"]


def test_no_secret_is_seen_and_a_leak_is(search: Search) -> None:
    deploy = ROOT / "playbooks" / "deploy.yml"
    with search.sampler:
        virgin = search.play(deploy)
        assert virgin.line(GOOD, "negotiated"), virgin.text  # it was done,
        assert "password" in virgin.line(BAD, "failed"), virgin.text  # it failed over the password,
        assert "unreachable" in virgin.line("gone", "failed"), virgin.text[-3000:]  # and nobody was there
        converged = search.play(deploy, limit=GOOD)
        assert converged.line(GOOD, "done") == "nothing, it was as wanted", converged.text
        search.secrets.of_host(search.scenario, GOOD)
        for name in others():
            run = search.play(ROOT / "playbooks" / (name + ".yml"), **search.more.get(name, {}))
            assert run.line(GOOD, "failed") == "" and run.line("gone", "failed"), (name, run.text[-3000:])
    assert search.sampler.rounds > 20
    assert len(search.secrets.texts) >= 2
    assert search.result() == []


def test_the_search_finds_leaks(search: Search) -> None:
    playbook = search.folder / "leaks.yml"
    search.scenario.deploy(limit=GOOD, oqs_ssh_image_source="build", oqs_ssh_hop_users=["alice"])
    image = search.scenario.root(GOOD, "docker", "images", "-q").split()[0]
    playbook.write_text(LEAKS.replace("IMAGE", image))
    try:
        with search.sampler:
            run = search.play(playbook, limit=GOOD)
        assert run.code == 0, run.text
        found = search.result()
    finally:
        clean = "docker rm -f leak; rm -f /var/tmp/leaked /etc/oqs-ssh/public; chmod 600 /etc/oqs-ssh/private/password"
        search.scenario.root(GOOD, "sh", "-c", clean)
    for expected in EXPECTED:
        assert any(expected in words for words in found), (expected, found)
    assert any(words.startswith("private key") and "output" in words for words in found), found
