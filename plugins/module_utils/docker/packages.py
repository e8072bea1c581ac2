# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Packages that may be taken away again: what others need by now stays. Debian's by their dependencies
(deb-control(5)), RPM's by asking rpm itself."""

from __future__ import annotations

import re
import shutil
from typing import Dict, Iterable, List, NamedTuple, Sequence, Set

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import CommandError, answer, run

#: Seconds for taking packages away; a busy host with slow disks needs some.
WORK = 600.0
_QUERY = "${db:Status-Status}\t${Package}\t${Provides}\t${Pre-Depends}, ${Depends}\n"
#: Package -> why it stays.
Staying = Dict[str, str]


class Package(NamedTuple):
    """An installed package: what it can stand for, and what it needs (each time one of several)."""

    names: Set[str]
    needs: List[Set[str]]


def parse(text: str) -> Dict[str, Package]:
    """What dpkg-query(1) says of the installed packages, asked with our own format."""
    found: Dict[str, Package] = {}
    for line in text.splitlines():
        fields = line.split("\t")
        if len(fields) != 4 or fields[0] in ("not-installed", "config-files"):
            continue  # one that a killed run left half installed is there
        provided = {name for clause in _clauses(fields[2]) for name in clause}
        found[fields[1]] = Package({fields[1]} | provided, _clauses(fields[3]))
    return found


def _clauses(text: str) -> List[Set[str]]:
    """A relation field: clauses by commas, alternatives by bars; versions and architectures do not matter here."""
    clauses = []
    for part in text.split(","):
        names = {re.split(r"[\s(:\[<]", each.strip())[0] for each in part.split("|")}
        names.discard("")
        if names:
            clauses.append(names)
    return clauses


def needed(installed: Dict[str, Package], ours: Iterable[str]) -> Staying:
    """Which of our packages others need by now, and who.

    :param ours: names of packages that were installed by this collection.
    """
    candidates = {name for name in ours if name in installed}
    staying: Staying = {}
    asking = [name for name in installed if name not in candidates]
    available = {alias for name in asking for alias in installed[name].names}
    while asking:
        name = asking.pop()
        for clause in installed[name].needs:
            if clause & available:
                continue
            for mine in sorted(candidates):
                if clause & installed[mine].names:
                    candidates.discard(mine)
                    staying[mine] = name
                    available |= installed[mine].names
                    asking.append(mine)
    return staying


def installed() -> List[str]:
    """The names of all packages of the host; empty where its package manager is another one: its packages are named in
    the ledger, what they pull in is not.

    :raises CommandError: the package manager gives no answer.
    """
    for argv, itself in ((["dpkg-query", "-W", "-f", "${Package}\n"], "dpkg"),
                         (["rpm", "-qa", "--queryformat", "%{NAME}\n"], "rpm")):
        if shutil.which(argv[0]):
            found = sorted(set(run(argv).text.splitlines()))
            if itself not in found:  # half a list would make packages of others ours
                raise CommandError(argv, "the answer is not whole: it does not name %s itself" % itself)
            return found
    return []


def staying(ours: Sequence[str], along: Sequence[str]) -> "tuple[List[str], Staying]":
    """Our packages that are there, and which of them must stay and for whom.

    :param ours: all that came with us. :param along: those of them that nobody asked for by name.
    """
    if shutil.which("dpkg-query"):
        known = parse(answer(["dpkg-query", "-W", "-f", _QUERY], 60.0))
        wanted = _manual() & set(along)
        return (
            [name for name in ours if name in known],
            {**needed(known, set(ours) - wanted), **dict.fromkeys(wanted & set(known), "whoever asked for it")},
        )
    if shutil.which("rpm"):
        everything = set(installed())
        there = [name for name in ours if name in everything]
        argv = ["rpm", "-e", "--test", *there]
        tried = run(argv, check=False) if there else None
        if tried and tried.rc != 0:
            if b"is needed by" not in tried.err:
                raise CommandError(argv, tried.reason, tried)
            return there, dict.fromkeys(there, "other packages")
        return there, {}
    return [], {}


def _manual() -> Set[str]:
    """Packages that somebody asked for by name."""
    return set(run(["apt-mark", "showmanual"]).text.split())


def purge(names: Sequence[str]) -> None:
    """Take packages away with their configuration; nothing else may go with them.

    :raises CommandError: it would not do, with the tool's own words.
    """
    if not shutil.which("dpkg-query"):
        run(["rpm", "-e", *names], timeout=WORK)
        return
    options = ["apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=120", "-o", "APT::Get::AutomaticRemove=false"]
    said = run([*options, "--simulate", "purge", *names]).text
    others = sorted(set(re.findall(r"(?m)^(?:Remv|Purg|Inst) ([^\s:]+)", said)) - set(names))
    if others:
        raise CommandError(["apt-get", "purge", *names], "it would also change %s" % ", ".join(others[:10]))
    run([*options, "purge", *names], timeout=WORK, env={"DEBIAN_FRONTEND": "noninteractive"})
