# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ansible-cores that the collection is for, each in an environment of its own, if this machine has its Python."""

from __future__ import annotations

import fcntl
import importlib.metadata
import shutil
import subprocess
import sys
from pathlib import Path
from typing import List, NamedTuple, Optional, Tuple

from tests.lint.gates.common import GateError, cache

SECONDS = 600


class Core(NamedTuple):
    """A release of ansible-core and the oldest Python that runs it (on the controller)."""

    version: str
    python: Tuple[int, int]

    @property
    def final(self) -> bool:
        """Whether it is out, and no candidate."""
        return self.version.replace(".", "").isdigit()


#: The oldest that meta/runtime.yml allows, which is the one in tests/requirements.txt, to the newest that can be had.
CORES = (
    Core("2.19.14", (3, 11)),
    Core("2.20.10", (3, 12)),
    Core("2.21.5", (3, 12)),
    Core("2.22.0rc1", (3, 13)),
)
#: Pythons that may run one.
PYTHONS = ((3, 11), (3, 12), (3, 13), (3, 14))


def python_for(core: Core, path: str, found: List[str]) -> Optional[str]:
    """The oldest Python here that runs a core; None: there is none.

    :param path: a PATH on which ``python3.N`` of each found version works. :param found: versions, like ``3.12``.
    """
    for version in PYTHONS:
        name = "%d.%d" % version
        if version >= core.python and name in found:
            return shutil.which("python" + name, path=path) or sys.executable
    return None


def environment_of(core: Core, python: str) -> Path:
    """The folder of an environment with that core, made if it is not there; the present one, if that has it.

    :raises GateError: it could not be made.
    """
    if importlib.metadata.version("ansible-core") == core.version:
        return Path(sys.prefix)
    place = cache().parent / ("ansible-core-" + core.version)
    with open(str(place) + ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ((place / "complete").exists() and (place / "bin" / "python").exists()):
            shutil.rmtree(place, ignore_errors=True)
            _must([python, "-m", "venv", str(place)])
            pip = [str(place / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
            _must([*pip, "ansible-core==" + core.version])
            (place / "complete").touch()
    return place


def _must(argv: List[str]) -> None:
    done = subprocess.run(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS, check=False
    )
    if done.returncode:
        raise GateError("%s:\n%s" % (" ".join(argv), done.stdout.decode("utf-8", "replace").strip()))
