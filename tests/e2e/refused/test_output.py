# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where Ansible's output is data for a program, it stays data; for people it is what it was."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess

import pytest

from tests.e2e.library.scenario import ROOT

#: Collects results as ansible.posix.json does, which is not part of ansible-core.
CALLBACK = '''
DOCUMENTATION = """
name: collected
type: stdout
short_description: One JSON document at the end
description: [As it says.]
"""
import json
from ansible.plugins.callback import CallbackBase
class CallbackModule(CallbackBase):
    CALLBACK_VERSION, CALLBACK_TYPE, CALLBACK_NAME = 2.0, "stdout", "collected"
    rows = []
    def v2_runner_on_ok(self, result, **more):
        self.rows.append(result._result)
    def v2_runner_on_failed(self, result, **more):
        self.rows.append(result._result)
    def v2_playbook_on_stats(self, stats):
        print(json.dumps(self.rows, default=str))
'''
WRONG = "oqs_ssh_port: must be"


def ran(folder: pathlib.Path, **settings: str) -> "subprocess.CompletedProcess[str]":
    """A deployment that ends at its variables, before any connection."""
    (folder / "collected.py").write_text(CALLBACK, encoding="utf-8")
    (folder / "hosts").write_text("[oqs_ssh]\nweb1\n", encoding="utf-8")
    argv = ["ansible-playbook", str(ROOT / "deploy-oqs-ssh.yml"), "-i", "hosts", "-e", "oqs_ssh_port=0"]
    environment = dict(os.environ, ANSIBLE_NOCOLOR="1", ANSIBLE_CALLBACK_PLUGINS=str(folder), **settings)
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True, env=environment, timeout=120, check=False)


def test_data_stays_data_and_holds_the_words(tmp_path: pathlib.Path) -> None:
    done = ran(tmp_path, ANSIBLE_STDOUT_CALLBACK="collected")
    rows = json.loads(done.stdout)
    assert done.returncode != 0 and WRONG in rows[-1]["msg"], rows
    assert "web1" in rows[-1]["ending"] and "0 of 1 hosts are as wanted." in rows[-1]["ending"]
    assert "0 of 1 hosts are as wanted." in done.stderr, "a person at a terminal still reads it"


@pytest.mark.parametrize("settings", [
    {}, {"ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml"}, {"ANSIBLE_STDOUT_CALLBACK": "minimal"},
    {"ANSIBLE_STDOUT_CALLBACK": "oneline"}, {"ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default"},
])
def test_people_read_the_ending_on_standard_output(tmp_path: pathlib.Path, settings: "dict[str, str]") -> None:
    said = ran(tmp_path, **settings).stdout
    assert said.count("0 of 1 hosts are as wanted.") == 1 and "\nweb1\n----\n  failed" in said
