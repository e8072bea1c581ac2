# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Gone without a trace: two hosts are deployed to and given back, and are what they were, file by file. `v1` had no
Docker; on `f1` there is a firewall, and others have put a rule, a key and a container beside ours in the meantime.

The other cases (each firewall, killed deployments, Docker in use by others) take longer and are marked slow.
"""

from __future__ import annotations

import pathlib
from typing import Any, Dict, List, Set, Tuple

import pytest

from tests.e2e.library import traces
from tests.e2e.library.scenario import ROOT, Run, Scenario, Setting
from tests.e2e.removal import cases
from tests.e2e.removal.cases import CONTAINER, KEY, RULES, Proof

pytestmark = pytest.mark.docker
V1, F1 = "v1", "f1"
SETTING = Setting("gone-short", {V1: "trixie:plain", F1: "trixie:firewalls"}, firewalls={F1: "firewalld"})
THEIRS = [RULES["firewalld"], KEY, CONTAINER]
MOST_SESSIONS = 3
LEDGER = "/var/lib/oqs-ssh/ledger/ledger.jsonl"
TAMPERED = '{"after": null, "before": null, "kind": "folder", "name": "/home", "when": "2026-01-01T00:00:00Z"}'


@pytest.fixture(scope="module")
def proof(scenario: Scenario) -> Proof:
    """The two hosts, deployed to; what they were is known."""
    made = Proof(scenario, SETTING.firewalls)
    made.deploy()
    made.theirs(F1, THEIRS)
    return made


def told(run: Run, host: str, key: str) -> List[Dict[str, Any]]:
    """What tasks returned under a key."""
    return [item for row in run.results(host) for item in row.get(key, [])]


def resources(items: List[Dict[str, Any]]) -> Set[Tuple[str, str, str]]:
    """What was, or would be, changed."""
    return {(item["kind"], item["name"], item["after"]) for item in items}


def test_a_ledger_that_cannot_be_trusted_is_refused_and_nothing_removed(proof: Proof) -> None:
    """On one host it is another machine's, as on a clone; on the other somebody has written into it."""
    proof.on(V1, "cp -p %s /root/kept; sed -i '1s/\"machine\": \"....../\"machine\": \"000000/' %s" % (LEDGER, LEDGER))
    proof.on(F1, "cp -p %s /root/kept; echo '%s' >> %s" % (LEDGER, TAMPERED, LEDGER))
    words = {
        V1: "nothing was changed; the ledger belongs to another machine (machine-id 000000",
        F1: "of the ledger names a folder that is none of ours; somebody else wrote into " + LEDGER,
    }
    for run in (proof.remove(), proof.scenario.deploy(**cases.WANT)):
        assert run.code != 0
        for host, said in words.items():
            assert said in run.line(host, "failed"), run.text
            assert "changed=0" in next(line for line in run.text.splitlines() if line.startswith(host + " "))
    for host in words:
        assert proof.on(host, "docker inspect -f '{{.State.Running}}' oqs-ssh") == "true"
        proof.on(host, "mv /root/kept %s; ls -d /home/alice" % LEDGER)


def test_gone_and_nothing_else(proof: Proof) -> None:
    check = proof.remove("--check", "-v")
    assert check.code == 0, check.text
    assert "nothing (check mode); a run would take away: the rules in firewalld" in check.line(F1, "gone")
    for host in proof.hosts:
        proof.on(host, "docker inspect oqs-ssh > /dev/null && test -s " + LEDGER)
    run = proof.remove("-v")
    assert run.code == 0, run.text
    for host in proof.hosts:
        foretold, done = resources(told(check, host, "plan")), resources(told(run, host, "done"))
        assert foretold == done, foretold ^ done
        assert run.sessions[host] <= MOST_SESSIONS
    for said in ("the container oqs-ssh", "packages (docker.io", "the group docker", "the ledger"):
        assert said in run.line(V1, "gone"), run.text
    proof.stays(F1, THEIRS)
    for host, found in proof.differences().items():
        assert traces.traces(found) == [], "%s:\n%s" % (host, "\n".join(map(str, traces.traces(found))))


def test_a_second_removal_changes_nothing(proof: Proof) -> None:
    run = proof.remove()
    assert run.code == 0, run.text
    for host in proof.hosts:
        assert run.line(host, "gone") == "nothing, nothing of ours was here"
        assert run.sessions[host] <= MOST_SESSIONS
    assert "changed=1" not in run.text


def test_both_in_one_call_each_with_its_own_ending(proof: Proof, tmp_path: pathlib.Path) -> None:
    """There again, and gone again."""
    (tmp_path / "collections").symlink_to(ROOT / "collections")
    both = tmp_path / "both.yml"
    both.write_text("".join("- import_playbook: quantumsafe.openssh.%s\n" % name for name in ("deploy", "remove")))
    run = proof.scenario.deploy(playbook=both, **cases.WANT)
    assert run.code == 0, run.text
    deployed, _play, gone = run.text.partition("PLAY [Remove quantum-safe remote access")
    assert "2 of 2 hosts are as wanted" in deployed and "  log in " in deployed and "  gone " not in deployed
    assert gone.count("  gone        ") == 2 and "2 of 2 hosts are rid of it." in gone and "  log in " not in gone, gone
    for host in proof.hosts:
        proof.on(host, "! docker inspect oqs-ssh 2> /dev/null; ! test -e " + LEDGER)


@pytest.mark.slow
@pytest.mark.parametrize("name", list(cases.CASES))
def test_case(name: str) -> None:
    for host, found in cases.found(name).items():
        left = traces.traces(found) if cases.CASES[name].empty else []
        assert left == [], "%s:\n%s" % (host, "\n".join(map(str, left)))
