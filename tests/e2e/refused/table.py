# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run many cases in one run of the playbook: each is a host of the inventory, with its own wrong variables."""

from __future__ import annotations

import io
import json
import os
import pathlib
import subprocess
import tarfile
from typing import Any, Dict, Iterator, List, Mapping, Sequence

from tests.e2e.library.scenario import PLAYBOOK, environment
from tests.e2e.refused.cases import CANARY, Case

#: Shorter values stand in any output by accident.
TELLING = 5
_SPY = """#!/bin/sh
echo called >> %s
echo 'the spy has no way to any host' >&2
exit 255
"""


class Table:
    """The cases, and one run of the playbook over all of them."""

    def __init__(self, folder: pathlib.Path) -> None:
        """:param folder: for the inventory and the spy."""
        self.folder = folder
        self.calls = folder / "calls"
        self.text = ""
        self.code = 0

    def spy(self) -> Dict[str, Any]:
        """Variables of a host that nobody can reach, with a program in the place of ssh that notes that it was called.
        """
        program = self.folder / "spy"
        program.write_text(_SPY % self.calls, encoding="ascii")
        program.chmod(0o700)
        return {"ansible_connection": "ssh", "ansible_host": "192.0.2.1", "ansible_ssh_executable": str(program)}

    def run(self, cases: Mapping[str, Mapping[str, Any]], *options: str, seconds: float = 420) -> None:
        """One ansible-playbook for all.

        :param cases: variables by name of a host.
        """
        inventory = self.folder / "inventory.json"
        rows = {name: dict(variables) for name, variables in cases.items()}
        inventory.write_text(json.dumps({"all": {"hosts": rows}}), encoding="utf-8")
        argv = ["ansible-playbook", str(PLAYBOOK), "-i", str(inventory), "--forks", "4", *options]
        done = subprocess.run(argv, cwd=self.folder, env=environment(), stdin=subprocess.DEVNULL, timeout=seconds,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self.text, self.code = done.stdout.decode("utf-8", "replace"), done.returncode

    def failed(self, host: str) -> str:
        """What the ending of the run says of a host that failed."""
        ending = self.text[self.text.rindex("TASK [Print the ending"):]
        head = "\n%s\n%s\n" % (host, "-" * len(host))
        assert head in ending, ending
        line = ending.split(head, 1)[1].split("\n", 1)[0]
        assert line.startswith("  failed      "), line
        return line[len("  failed      "):]


def make_archives(folder: pathlib.Path) -> None:
    """Archives of images that are none, as `ARCHIVE_CASES` names them."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        _add(archive, "manifest.json", b"[]")
        _add(archive, "layer.tar", bytes(1 << 16))
    (folder / "half.tar").write_bytes(whole.getvalue()[: 1 << 15])
    (folder / "text.tar").write_text("no image\n" * 1000, encoding="ascii")
    with tarfile.open(folder / "other.tar", "w") as archive:
        _add(archive, "hello", b"hi")
    (folder / "folder").mkdir()


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))


def host_names(cases: Sequence[Case]) -> List[str]:
    """A name in the inventory for each case."""
    return ["case-%03d" % number for number in range(1, len(cases) + 1)]


def leaves(value: Any) -> Iterator[str]:
    """All texts in a value, line by line."""
    if isinstance(value, str):
        yield from value.splitlines()
    elif isinstance(value, (list, dict)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from leaves(inner)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield str(value)


def echoed(case: Case, good: Sequence[str], text: str) -> List[str]:
    """Rejected values of a case that a text shows.

    :param good: texts that stand in right values, too.
    """
    values = {leaf.strip() for leaf in leaves(case.variables)}
    return sorted(leaf for leaf in values if len(leaf) >= TELLING and leaf not in (*good, *case.shown) and leaf in text)


def nothing_was_executed() -> bool:
    """Whether no shell on this machine ever took a value for a command."""
    return not os.path.exists(CANARY)
