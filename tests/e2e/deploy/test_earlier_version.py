# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host that an earlier version of this collection has deployed needs nothing, and can be removed without a trace."""

from __future__ import annotations

import pathlib
import subprocess
from typing import List

import pytest

from tests.e2e.library import traces
from tests.e2e.library.scenario import ROOT, Scenario, Setting

pytestmark = pytest.mark.docker
#: The last commit before the code got rooms, typed state and one registry.
EARLIER = "3c4789f21599246992fe50585a246894099f1a0f"
HOSTS = ("web1", "web2")
SETTING = Setting("earlier", {"web1": "trixie:docker", "web2": "bookworm:docker"}, {"scenario_image": "stock"},
                  firewalls=("web1",))


def said(*argv: str) -> bytes:
    """What git says here."""
    done = subprocess.run(["git", "-C", str(ROOT), *argv], capture_output=True, check=False)
    assert done.returncode == 0, "%s needs this repository's history: %s" % (EARLIER, done.stderr.decode())
    return done.stdout


@pytest.fixture
def earlier(tmp_path: pathlib.Path) -> pathlib.Path:
    """The earlier version's files."""
    subprocess.run(["tar", "-x", "-C", str(tmp_path)], input=said("archive", EARLIER), check=True)
    return tmp_path


def serving(scenario: Scenario) -> List[str]:
    """Which containers serve, and since when."""
    return [scenario.root(host, "docker", "inspect", "-f", "{{.Id}} {{.State.StartedAt}}", "oqs-ssh") for host in HOSTS]


def changed(text: str) -> List[str]:
    """What a run's recap says of changes."""
    recap = text.rpartition("PLAY RECAP")[2].splitlines()
    return [line for line in recap if line.startswith(HOSTS) and "changed=0 " not in line]


def test_an_earlier_deployment_needs_no_change(scenario: Scenario, earlier: pathlib.Path) -> None:
    before = {host: traces.take(scenario, host) for host in HOSTS}
    wanted = {"oqs_ssh_hop_users": ["alice"]}
    run = scenario.deploy(playbook=earlier / "deploy-oqs-ssh.yml", **wanted)
    assert run.code == 0 and len(changed(run.text)) == len(HOSTS), run.text
    containers = serving(scenario)
    run = scenario.deploy(**wanted)
    assert run.code == 0 and not changed(run.text), run.text
    assert serving(scenario) == containers
    run = scenario.deploy(playbook=ROOT / "remove-oqs-ssh.yml", **wanted)
    assert run.code == 0, run.text
    for host in HOSTS:
        assert traces.traces(traces.compare(before[host], traces.take(scenario, host))) == [], host
