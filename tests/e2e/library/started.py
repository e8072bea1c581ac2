# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A run that goes on beside the test, and that a test may end as nobody should."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import threading
import time
from typing import Any, List, Mapping

from tests.e2e.library.scenario import Run, Scenario, environment


class Started:
    """A run of a playbook in a process of its own."""

    def __init__(self, scenario: Scenario, playbook: pathlib.Path, extra: Mapping[str, Any]) -> None:
        """:param extra: more variables, in a file that only the owner can read."""
        self._result: List[Run] = []
        folder = scenario.folder
        variables = folder / ("started-%d.json" % time.monotonic_ns())
        descriptor = os.open(str(variables), os.O_WRONLY | os.O_CREAT, 0o600)
        with open(descriptor, "w", encoding="utf-8") as handle:
            json.dump(dict(extra), handle)
        argv = ["ansible-playbook", str(playbook), "-e", "@%s" % variables, "-i", str(scenario.lab.inventory)]
        self.process = subprocess.Popen(argv, cwd=folder, env=environment(), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        self._text = b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        self._text = self.process.stdout.read()

    def kill(self) -> None:
        """End it and all of its workers at once, as an out of memory killer or a closed laptop does."""
        for pid in self._tree():  # workers are in sessions of their own
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def _tree(self) -> List[int]:
        """The process and all that come from it, parents first."""
        said = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        pairs = [tuple(map(int, line.split())) for line in said.splitlines()]
        found = [self.process.pid]
        for pid in found:
            found += [child for child, parent in pairs if parent == pid]
        return found

    def ended(self, seconds: float = 300.0) -> Run:
        """Wait for its end."""
        self.process.wait(seconds)
        self._reader.join(10)
        return Run(self.process.returncode, self._text.decode("utf-8", "replace"), {}, 0.0)
