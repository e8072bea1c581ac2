# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sessions of antsibull-nox (antsibull-nox.toml says which and how), in environments that are kept in the cache."""

from __future__ import annotations

import fcntl
import hashlib
import os
import sys
from pathlib import Path

from tests.lint.gates.common import GateError, Tree, cache, run, scratch, snapshot

SETTINGS = "antsibull-nox.toml"
SECONDS = 600  # cold: an environment for the session


def sessions(tree: Tree, *names: str) -> str:
    """Run sessions in a copy of the tree.

    Environments belong to what is set and to this Python: pip has nothing to do where they are there already.

    :raises GateError: one failed; with everything that it said.
    """
    key = hashlib.sha256(("%s %s" % (tree.text(SETTINGS), sys.version)).encode()).hexdigest()[:12]
    place = cache().parent / ("nox-" + key)
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    with scratch() as folder, open(place / (names[0] + ".lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        copy = snapshot(tree, Path(folder))
        argv = ["nox", "--envdir", str(place), "-R", "--error-on-missing-interpreters", "--session", *names]
        try:
            said = run(argv, copy, SECONDS, {"ANSIBLE_COLLECTIONS_PATH": folder})
        except GateError as error:
            lines = str(error).replace("%s%s" % (copy, os.sep), "").splitlines()
            told = [line for line in lines if line.strip() and not line.startswith("nox > ")]
            raise GateError("\n".join(told or lines)) from error
    if "Skipping antsibull" in said:  # that is how antsibull-nox says that it has not looked
        raise GateError(said)
    return ""
