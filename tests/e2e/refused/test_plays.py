# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Several plays in one run: what one wanted and what became of it is not the next one's story."""

from __future__ import annotations

import os
import pathlib
import subprocess

from tests.e2e.library.scenario import ROOT

INVENTORY = "[oqs_ssh]\nweb1\nweb2\n"
NOTED = """
- hosts: oqs_ssh
  gather_facts: false
  tasks:
    - quantumsafe.openssh.oqs_ending:
        step: note
        failed: a failure of the first play
"""
FAILED = """
- hosts: oqs_ssh
  gather_facts: false
  tasks:
    - ansible.builtin.fail:
        msg: broken
      when: inventory_hostname == 'web1'
"""
ENDING = """
- hosts: oqs_ssh
  gather_facts: false
  tasks:
    - quantumsafe.openssh.oqs_ending:
        step: end
"""


def told(folder: pathlib.Path, *plays: str) -> str:
    """What a run of plays, each in a playbook of its own, says."""
    (folder / "hosts").write_text(INVENTORY, encoding="utf-8")
    for number, play in enumerate(plays):
        (folder / ("%d.yml" % number)).write_text("---" + play, encoding="utf-8")
    argv = ["ansible-playbook", "-i", "hosts", *("%d.yml" % number for number in range(len(plays)))]
    environment = dict(os.environ, ANSIBLE_NOCOLOR="1", ANSIBLE_COLLECTIONS_PATH=str(ROOT / "collections"))
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, env=environment, timeout=120, check=False)
    return done.stdout + done.stderr


def test_what_failed_in_one_play_is_not_told_by_the_next(tmp_path: pathlib.Path) -> None:
    assert told(tmp_path, NOTED + ENDING).count("a failure of the first play") == 0, "two plays of one playbook"
    assert told(tmp_path, NOTED, ENDING).count("a failure of the first play") == 0
    one = NOTED + "    - quantumsafe.openssh.oqs_ending:\n        step: end\n"
    assert told(tmp_path, one).count("failed      a failure of the first play") == 2


def test_a_host_that_ansible_leaves_out_is_named_with_the_reason(tmp_path: pathlib.Path) -> None:
    said = told(tmp_path, FAILED + ENDING)
    assert "web1\n----\n  failed      left out: it failed earlier in this run" in said, said
    assert "to come" not in said
