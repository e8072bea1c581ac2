# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which hosts a playbook takes: what somebody has named, and never more; no host at all is an error."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
from typing import List, Tuple

import pytest

from tests.e2e.library.scenario import ROOT

PLAYBOOKS = sorted(path.name for path in ROOT.glob("*-oqs-ssh*.yml"))
#: Those that may take every host of an inventory: they take nothing away.
FIRST_DAY = ("deploy-oqs-ssh.yml", "info-oqs-ssh.yml")
GROUPS = "[oqs_ssh]\nweb1\n[others]\ndb1\n"
TYPO = "[oqs_shh]\nweb1\n[others]\ndb1\n"


def listed(folder: pathlib.Path, playbook: str, inventory: str, *options: str) -> Tuple[int, List[str], str]:
    """Exit code, the hosts of the first play, and all that was said."""
    path = folder / "hosts"
    path.write_text(inventory, encoding="utf-8")
    argv = ["ansible-playbook", str(ROOT / playbook), "-i", str(path), "--list-hosts", *options]
    environment = dict(os.environ, ANSIBLE_NOCOLOR="1", ANSIBLE_LOCALHOST_WARNING="0")
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, env=environment, timeout=120, check=False)
    play = done.stdout.partition("play #2")[0]
    return done.returncode, re.findall(r"^      (\S+)$", play, re.M), " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_the_group_and_no_other_host(tmp_path: pathlib.Path, playbook: str) -> None:
    assert listed(tmp_path, playbook, GROUPS)[:2] == (0, ["web1"])
    assert listed(tmp_path, playbook, GROUPS, "-e", "oqs_ssh_hosts=others")[:2] == (0, ["db1"])


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_without_the_group_only_the_first_day_takes_all_and_says_so(tmp_path: pathlib.Path, playbook: str) -> None:
    """A group that is misspelt must not make a removal of everything."""
    code, hosts, said = listed(tmp_path, playbook, TYPO)
    if playbook in FIRST_DAY:
        assert code == 0 and sorted(hosts) == ["db1", "web1"] and "all hosts of the inventory" in said
    else:
        assert code != 0 and hosts == [] and "no group oqs_ssh: say which hosts are meant" in said
    code, hosts, _said = listed(tmp_path, playbook, TYPO, "-e", "oqs_ssh_hosts=all")
    assert code == 0 and sorted(hosts) == ["db1", "web1"], "the advice, followed literally"


@pytest.mark.parametrize("playbook", PLAYBOOKS)
@pytest.mark.parametrize(("inventory", "options"), [
    (GROUPS, ("-e", "oqs_ssh_hosts=typo")), ("[oqs_ssh]\n[others]\ndb1\n", ()), ("", ("-e", "oqs_ssh_hosts=all")),
    (GROUPS, ("-e", "oqs_ssh_hosts=others:!db1")),
])
def test_no_host_is_an_error(
    tmp_path: pathlib.Path, playbook: str, inventory: str, options: Tuple[str, ...]
) -> None:
    code, hosts, said = listed(tmp_path, playbook, inventory, *options)
    assert code != 0 and hosts == [] and "no host of the inventory matches" in said, said


def test_no_machine_of_a_person_is_an_error_too(tmp_path: pathlib.Path) -> None:
    code, _hosts, said = listed(tmp_path, "client-oqs-ssh.yml", GROUPS, "-e", "oqs_ssh_client_hosts=desks")
    assert code != 0 and "no host of the inventory matches desks: correct oqs_ssh_client_hosts" in said
    assert listed(tmp_path, "client-oqs-ssh.yml", GROUPS, "-e", "oqs_ssh_client_hosts=others")[0] == 0
