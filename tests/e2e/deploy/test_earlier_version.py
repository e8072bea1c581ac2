# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host that an earlier version of this collection has deployed moves to the layout of this one by one announced
change of its container, and can be removed without a trace before and after it."""

from __future__ import annotations

import json
import pathlib
import subprocess
from typing import Any, Dict, List, Tuple

import pytest

from tests.e2e.library import traces
from tests.e2e.library.scenario import ROOT, Run, Scenario, Setting
from tests.e2e.library.visitor import Visitor

pytestmark = pytest.mark.docker
#: The last commit before the code got rooms, typed state and one registry.
EARLIER = "3c4789f21599246992fe50585a246894099f1a0f"
#: One that is open, and one that is locked down.
PLAIN, LOCKED = "web1", "web2"
SETTING = Setting("earlier", {PLAIN: "trixie:docker", LOCKED: "bookworm:docker"}, {"scenario_image": "stock"},
                  firewalls=(PLAIN,))
WANTED = {"oqs_ssh_hop_users": ["alice"]}
#: What must be the same afterwards: the host's identity, who may log in, and what somebody wrote by hand.
KEPT = ("/etc/oqs-ssh/private/ssh_host_*_key*", "/etc/oqs-ssh/private/password", "/var/lib/oqs-ssh/home-ssh/*")
OLD = "/etc/oqs-ssh/entry /etc/oqs-ssh/uid /etc/oqs-ssh/private/written.json"


def said(*argv: str) -> bytes:
    """What git says here."""
    done = subprocess.run(["git", "-C", str(ROOT), *argv], capture_output=True, check=False)
    assert done.returncode == 0, "%s needs this repository's history: %s" % (EARLIER, done.stderr.decode())
    return done.stdout


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The earlier version's files."""
    folder = tmp_path_factory.mktemp("earlier")
    subprocess.run(["tar", "-x", "-C", str(folder)], input=said("archive", EARLIER), check=True)
    return folder


def kept(scenario: Scenario, host: str) -> Dict[str, str]:
    """Hashes of what must stay."""
    lines = scenario.root(host, "sh", "-c", "sha256sum %s" % " ".join(KEPT)).splitlines()
    return {line.split()[1]: line.split()[0] for line in lines}


def container(scenario: Scenario, host: str) -> Tuple[str, List[Tuple[str, bool]]]:
    """The container's id, and what is mounted: source, and whether it may write there."""
    found: Any = json.loads(scenario.root(host, "docker", "inspect", "oqs-ssh"))[0]
    return found["Id"], sorted((each["Source"], each["RW"]) for each in found["Mounts"] if each["Type"] == "bind")


def removed(scenario: Scenario, before: traces.Snapshot, host: str) -> None:
    """Everything is taken back."""
    run = scenario.deploy(limit=host, playbook=ROOT / "remove-oqs-ssh.yml", **WANTED)
    assert run.code == 0, run.text
    assert traces.traces(traces.compare(before, traces.take(scenario, host))) == []


def test_it_moves_by_one_announced_swap(scenario: Scenario, visitor: Visitor, earlier: pathlib.Path) -> None:
    before = traces.take(scenario, PLAIN)
    run = scenario.deploy(limit=PLAIN, playbook=earlier / "deploy-oqs-ssh.yml", **WANTED)
    assert run.code == 0, run.text
    removed(scenario, before, PLAIN)  # by this version, what the earlier one deployed
    run = scenario.deploy(limit=PLAIN, playbook=earlier / "deploy-oqs-ssh.yml", **WANTED)
    assert run.code == 0, run.text
    visitor.served(PLAIN)
    scenario.root(PLAIN, "sh", "-c", "sed -i '1i # see ticket 4711' /etc/oqs-ssh/sshd_config")
    stays, (old, _mounts) = kept(scenario, PLAIN), container(scenario, PLAIN)

    check = scenario.deploy("--check", "--diff", limit=PLAIN, **WANTED)
    assert "it is created anew, once" in check.words and "swap oqs-ssh" in check.text, check.text
    assert container(scenario, PLAIN)[0] == old, "check mode changes nothing"
    run = scenario.deploy(limit=PLAIN, **WANTED)
    assert run.code == 0 and "it is created anew, once" in run.words, run.text

    new, mounts = container(scenario, PLAIN)
    assert new != old and mounts == [
        ("/etc/oqs-ssh", True), ("/var/lib/oqs-ssh/home-ssh", True), ("/var/lib/oqs-ssh/server/entry", False)]
    assert kept(scenario, PLAIN) == stays
    assert scenario.root(PLAIN, "cat", "/etc/oqs-ssh/sshd_config").startswith("# see ticket 4711\n")
    assert scenario.root(PLAIN, "sh", "-c", "ls %s 2>/dev/null" % OLD, check=False) == ""
    assert visitor.ssh(PLAIN, "echo in").out.strip() == "in", "with the host key that the person knows"
    again = scenario.deploy(limit=PLAIN, **WANTED)
    assert again.line(PLAIN, "done") == "nothing, it was as wanted", again.text
    assert container(scenario, PLAIN)[0] == new
    removed(scenario, before, PLAIN)


def over(scenario: Scenario) -> Dict[str, str]:
    """Variables with which Ansible comes through the container, the only way into a host that is locked down."""
    own = [line for line in scenario.lab.inventory.read_text(encoding="utf-8").splitlines() if "common_args" in line]
    scenario.settings["ANSIBLE_COLLECTIONS_PATH"] = str(ROOT / "collections")
    lookup = "{{ lookup('quantumsafe.openssh.pq_path') }} "
    return {"ansible_ssh_common_args": lookup + own[0].partition(": ")[2].strip().strip('"').replace('\\"', '"')}


def watch(scenario: Scenario) -> str:
    """The watch of the lockdown."""
    return scenario.root(LOCKED, "cat", "/etc/oqs-ssh-lockdown/watch")


def test_a_host_that_is_locked_down_gets_its_new_watch_first(
    scenario: Scenario, visitor: Visitor, earlier: pathlib.Path
) -> None:
    gate = scenario.root(LOCKED, "ip", "route", "show", "default").split()[2]
    lock = {"oqs_ssh_breakglass_sources": [gate], "oqs_ssh_lockdown_minutes": 3, "oqs_ssh_breakglass_minutes": 5}

    wanted: Dict[str, object] = dict(WANTED, oqs_ssh_stock_clients=True)

    def run(playbook: pathlib.Path, **extra: object) -> Run:
        done = scenario.deploy(limit=LOCKED, playbook=playbook, **wanted, **extra)
        assert done.code == 0, done.text
        return done

    run(earlier / "deploy-oqs-ssh.yml")
    visitor.served(LOCKED)
    way = over(scenario)
    run(earlier / "lockdown-oqs-ssh.yml", **lock)
    old, stays = watch(scenario), kept(scenario, LOCKED)
    scenario.root(LOCKED, "sh", "-c", "nft monitor ruleset >/root/rules.log 2>&1 & echo $! >/root/rules.pid")
    run(ROOT / "deploy-oqs-ssh.yml", **way)
    scenario.root(LOCKED, "sh", "-c", "kill $(cat /root/rules.pid)")
    assert "ours()" in watch(scenario) and "ours()" not in old
    assert kept(scenario, LOCKED) == stays
    rules = scenario.root(LOCKED, "cat", "/root/rules.log")
    assert "saddr %s tcp dport 22 accept" % gate not in rules, "it was never open to the breakglass sources"
    assert "oqs_ssh_lockdown" in scenario.root(LOCKED, "nft", "list", "tables")
    assert visitor.ssh(LOCKED, "echo in").out.strip() == "in"
    again = run(ROOT / "deploy-oqs-ssh.yml", **way)
    assert again.line(LOCKED, "done") == "nothing, it was as wanted", again.text
    same = run(ROOT / "lockdown-oqs-ssh.yml", **lock, **way)
    assert same.line(LOCKED, "done") == "nothing, it was as wanted", same.text
    run(ROOT / "lockdown-oqs-ssh.yml", oqs_ssh_lockdown=False, **way)
    assert "oqs_ssh_lockdown" not in scenario.root(LOCKED, "nft", "list", "tables")
