# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module itself, with the real ssh-keygen: what it replaces is kept where it is the judge."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

MODULE = "ansible_collections.quantumsafe.openssh.plugins.modules.oqs_keypair"


def call(path: Path, **options: object) -> dict:
    given = dict(options, path=str(path), owner=str(os.geteuid()), group=str(os.getegid()), type="ed25519")
    done = subprocess.run([sys.executable, "-m", MODULE], input=json.dumps({"ANSIBLE_MODULE_ARGS": given}),
                          env=dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)), capture_output=True, text=True,
                          check=False)
    return json.loads(done.stdout)


@pytest.mark.parametrize("damage", ["cut", "another type"])
def test_a_private_half_that_is_judged_damaged_is_kept(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "key"
    kind = "rsa" if damage == "another type" else "ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-m", "PEM", "-N", "", "-f", str(path)], check=True)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:100])
    before = path.read_bytes()
    assert call(path)["failed"] and path.read_bytes() == before
    made, = call(path, regenerate="damaged")["pairs"]
    assert made["action"] == "made" and path.read_bytes() != before
    assert Path(made["backup_files"][0]).read_bytes() == before
    assert call(path, regenerate="always")["pairs"][0]["backup_files"] == [], "that was asked for"
