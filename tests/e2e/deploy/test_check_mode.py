# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What ``--check --diff`` foretells is what the next run does, resource by resource; check mode itself touches nothing.

One host goes through four states: untouched (no Docker, apt's lists stale), half done, converged, drifted.
"""

from __future__ import annotations

import re
from typing import Any, Dict, List, Tuple

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.describe import UNKNOWN
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.probe import probe

from tests.e2e.library.scenario import Run, Scenario, Setting

pytestmark = pytest.mark.docker
HOST = "web1"
MOST_TASKS, MOST_SESSIONS = 4, 1
WANT: Dict[str, Any] = {"oqs_ssh_image_source": "build", "oqs_ssh_hop_users": ["alice"]}
Items = Dict[Tuple[str, str, str], Tuple[str, str]]


SETTING = Setting("check", {HOST: "trixie:plain"}, firewalls=[HOST])


def by_resource(rows: List[Dict[str, Any]]) -> Items:
    return {(row["section"], row["kind"], row["name"]): (row["before"], row["after"]) for row in rows}


def foretold_and_done(scenario: Scenario) -> Tuple[Items, Run]:
    """Check, then run: what was foretold was done, and nothing else."""
    before, listed = scenario.surroundings(HOST), scenario.files(HOST)
    check = scenario.deploy("--check", "--diff", "-v", **WANT)
    assert check.code == 0, check.text
    assert scenario.surroundings(HOST) == before and scenario.files(HOST) == listed
    foretold = by_resource(next(row["plan"] for row in check.results(HOST) if "own_sshd" in row))
    run = scenario.deploy("--diff", "-v", **WANT)
    assert run.code == 0, run.text
    done = by_resource([item for row in run.results(HOST) for item in row.get("done", [])])
    assert done.keys() == foretold.keys(), set(done) ^ set(foretold)
    for resource, (was, becomes) in foretold.items():
        assert done[resource][0] == was, resource
        assert becomes in (UNKNOWN, done[resource][1]), resource
    return foretold, run


def test_untouched(scenario: Scenario) -> None:
    scenario.root(HOST, "sh", "-c", "rm -rf /var/lib/apt/lists/*; touch -d '3 days ago' /var/lib/apt/lists")
    foretold, _run = foretold_and_done(scenario)
    assert foretold[("engine", "packages", "")][0] == "absent"
    assert "PermitRootLogin no" in foretold[("config", "sshd_config", "")][1]
    unknown = {kind for (_section, kind, _name), (_before, after) in foretold.items() if after == UNKNOWN}
    made = {"image_facts", "host_key", "known_hosts", "hop_identity", "hop_user"}
    assert unknown == made, "what only a run can know: answers, keys, and lines with keys in them"


def test_converged(scenario: Scenario) -> None:
    foretold, run = foretold_and_done(scenario)
    assert foretold == {}
    assert run.sessions[HOST] <= MOST_SESSIONS
    assert len(re.findall(r"(?m)^TASK \[", run.text)) <= MOST_TASKS, run.text


def test_without_pipelining(scenario: Scenario) -> None:
    """A host whose sudo wants a terminal: more sessions, the same result."""
    run = scenario.deploy(**WANT, oqs_ssh_pipelining=False)
    assert run.code == 0 and run.line(HOST, "done") == "nothing, it was as wanted", run.text
    assert run.sessions[HOST] > MOST_SESSIONS


def test_half_done(scenario: Scenario) -> None:
    """A run that ended between the state and the start, and one that ended before the firewall."""
    scenario.root(HOST, "sh", "-c", "docker rm -f oqs-ssh; rm -f /etc/oqs-ssh/known_hosts /etc/oqs-ssh/hop_config")
    scenario.root(HOST, "sh", "-c", "rm -f /var/lib/oqs-ssh/images/*; rm /etc/oqs-ssh/private/ssh_host_*_key")
    foretold, _run = foretold_and_done(scenario)
    assert ("container", "container", "oqs-ssh") in foretold


DELETE_RULE = """nft delete rule inet filter input handle \\
    $(nft -a list chain inet filter input | awk '/oqs-ssh/ { print $NF }')"""
KEY = "/etc/oqs-ssh/private/ssh_host_ssh-mldsa44-ed25519_key"
DRIFTS = {
    "half a host key": ("rm %s.pub" % KEY, "host_key"),
    "a host key's owner": ("chown 1000 " + KEY, "host_key"),
    "a setting": ("sed -i 's/^MaxAuthTries.*/MaxAuthTries 9/' /etc/oqs-ssh/sshd_config", "sshd_config"),
    "a mode": ("chmod 644 /etc/oqs-ssh/private/password", "file_mode"),
    "the rule": (DELETE_RULE, "nftables"),
    "the password": ("docker exec oqs-ssh sh -c 'echo oqs:Another-0ne-Than-Ours | chpasswd'", "password"),
    "never started again": ("docker update --restart=no oqs-ssh", "restart_policy"),
    "stopped": ("docker stop oqs-ssh", "running"),
    "an account's line": ("sed -i /oqs-ssh/d /home/alice/.ssh/authorized_keys", "hop_user"),
}
#: Kinds of these that are not repaired in the session of the look.
SLOW = {"host_key", "running"}


@pytest.mark.parametrize("drift", sorted(DRIFTS))
def test_drifted(scenario: Scenario, drift: str) -> None:
    """What is quickly mended is mended in the session of the look; anything else costs one more."""
    command, kind = DRIFTS[drift]
    scenario.root(HOST, "sh", "-c", command)
    foretold, run = foretold_and_done(scenario)
    assert kind in {resource[1] for resource in foretold}, foretold
    assert len(foretold) <= 3, "and nothing else of note"
    quick = not {resource[1] for resource in foretold} & SLOW
    assert quick or kind in SLOW
    assert run.sessions[HOST] <= MOST_SESSIONS + (not quick)


def test_an_edit_by_hand_is_kept_when_something_else_changes(scenario: Scenario) -> None:
    """Ours changes, theirs stays, in the file and in the running server."""
    edit = "sed -i '1i ClientAliveInterval 77\\n# why: see ticket 4711' /etc/oqs-ssh/sshd_config"
    scenario.root(HOST, "sh", "-c", edit)
    run = scenario.deploy(**WANT, oqs_ssh_kex_algorithms=["mlkem768x25519-sha256"])
    assert run.code == 0, run.text
    text = scenario.root(HOST, "cat", "/etc/oqs-ssh/sshd_config")
    assert text.startswith("ClientAliveInterval 77\n# why: see ticket 4711\n")
    assert "\nKexAlgorithms mlkem768x25519-sha256\n" in text
    assert "clientaliveinterval 77" in scenario.inside(HOST, "/opt/oqs-ssh/sbin/sshd", "-T").lower()
    assert scenario.deploy(**WANT).code == 0
    assert scenario.deploy("--check", **WANT).line(HOST, "done") == "nothing, it was as wanted"


@pytest.mark.parametrize("line", ["NoSuchKeyword yes", 'AllowUsers "oqs'])
def test_a_configuration_that_sshd_would_not_take_is_named_and_stays(scenario: Scenario, line: str) -> None:
    """The running server goes on; nothing is overwritten; a person mends it and the next run is content."""
    before = scenario.root(HOST, "cat", "/etc/oqs-ssh/sshd_config")
    scenario.root(HOST, "sh", "-c", "cat >>/etc/oqs-ssh/sshd_config <<'END'\n%s\nEND" % line)
    run = scenario.deploy(**WANT)
    assert run.code != 0 and "sshd_config" in run.line(HOST, "failed"), run.text
    assert scenario.root(HOST, "cat", "/etc/oqs-ssh/sshd_config") == (before + "\n" + line)
    assert probe(scenario.address(HOST), 2222, 10.0).ssh, "it goes on with what it has"
    scenario.root(HOST, "sed", "-i", "$d", "/etc/oqs-ssh/sshd_config")
    assert scenario.deploy(**WANT).code == 0


def test_gone(scenario: Scenario) -> None:
    """The way back is foretold, too."""
    extra = dict(WANT, oqs_ssh_state="absent")
    check = scenario.deploy("--check", "-v", **extra)
    foretold = by_resource(next(row["plan"] for row in check.results(HOST) if "own_sshd" in row))
    run = scenario.deploy("-v", **extra)
    assert (check.code, run.code) == (0, 0), run.text
    done = by_resource([item for row in run.results(HOST) for item in row.get("done", [])])
    assert sorted(done) == sorted(foretold) and foretold
