# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Call a module of this collection as a program, with its arguments on standard input, and show it four times."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

REPOSITORY = Path(__file__).resolve().parents[2]


def call(name: str, arguments: Dict[str, Any], check: bool = False, python: str = sys.executable) -> Dict[str, Any]:
    """The result of one call of a module, as Ansible would get it, with ``diff``."""
    given = dict(
        arguments,
        _ansible_check_mode=check,
        _ansible_diff=True,
        _ansible_remote_tmp="/tmp",
        _ansible_keep_remote_files=False,
    )
    program = (
        "import sys; sys.path.insert(0, %r); from ansible.module_utils import basic;"
        " basic._ANSIBLE_PROFILE = 'legacy';"
        " from ansible_collections.quantumsafe.openssh.plugins.modules.%s import main; main()"
        % (str(REPOSITORY / "collections"), name)
    )
    done = subprocess.run(
        [python, "-c", program],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": given}).encode(),
        capture_output=True,
        timeout=120,
        check=False,
        env=dict(os.environ, LC_ALL="C.UTF-8"),
    )
    assert done.stdout.strip().startswith(b"{"), (done.stdout, done.stderr)
    result: Dict[str, Any] = json.loads(done.stdout)
    result["_raw"] = (done.stdout + done.stderr).decode("utf-8", "replace")
    return result


def four(name: str, arguments: Dict[str, Any]) -> List[Dict[str, Any]]:
    """Check, real, check, real: what check mode said must be what happened, and the second time nothing happens."""
    results = [call(name, arguments, check) for check in (True, False, True, False)]
    for result in results:
        assert not result.get("failed"), result
    assert [result["changed"] for result in results] == [True, True, False, False], results
    return results
