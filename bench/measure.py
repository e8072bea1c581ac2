# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Measure against others, side by side in one run, interleaved; medians.

    .venv/bin/python -m bench [--hosts 1,4,8] [--repeats 5] [--absent 2] [--samples FILE] [--write]

Ends with a table, and one line of JSON; --write puts table and picture into docs/. With --samples, what is measured is
added to a file as it comes, and what lies there already counts: hours can be spent in pieces.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import os
import pathlib
import resource
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from bench import contenders, report
from bench.contenders import Contender, Wanted

KEX = ("mlkem768nistp256-sha256", "mlkem768x25519-sha256")
#: The case whose samples are steps of our own converged run.
STEPS = "steps"
#: times faster than the hand-written playbook, on one host
GOALS = {"converged": 5.0, "one_change": 4.0, "first_present": 1.3, "first_absent": 1.3}
FIREWALL = b"""flush ruleset
table inet filter {
    chain input {
        type filter hook input priority filter; policy drop;
        ct state established,related accept
        iif lo accept
        tcp dport 22 accept
    }
}
"""
PREPARE = """cat >/root/nftables.conf; cp /root/nftables.conf /etc/nftables.conf
systemctl enable --now nftables; rm -rf /var/lib/apt/lists/*"""
RESET = """docker rm -f oqs-ssh; docker image prune -af
rm -rf /etc/oqs-ssh /var/lib/oqs-ssh /var/cache/oqs-ssh /var/tmp/image.tar.gz
rm -f /etc/nftables.d/oqs-ssh.nft
rm -f /home/alice/.ssh/authorized_keys; cp /root/nftables.conf /etc/nftables.conf; nft -f /etc/nftables.conf"""


class Sample(NamedTuple):
    """One run: seconds, remote executions a host, bytes over the network a host, processor seconds here."""

    seconds: float
    sessions: float
    kilobytes: float
    processor: float


Samples = Dict[Tuple[int, str, str], List[Sample]]


class Field:
    """The hosts of one contender."""

    def __init__(self, contender: Contender, lab: Any) -> None:
        self.contender, self.lab = contender, lab
        self.began = 0.0

    @classmethod
    def made(cls, contender: Contender, count: int, variant: str) -> Field:
        """A contender with new hosts of its own. :param variant: of the lab, ``plain`` or ``docker``."""
        name = "bench%d-%s" % (count, "".join(letter for letter in contender.name if letter.isalpha())[:12])
        hosts = {"host%d" % number: "trixie:" + variant for number in range(1, count + 1)}
        lab = contenders.load_lab().Lab.up(name, hosts, say=lambda *_words: None)
        for host in lab.hosts:
            lab.exec(host, ["sh", "-c", PREPARE], stdin=FIREWALL)
        return cls(contender, lab)

    def reset(self) -> None:
        """Back to hosts with Docker and nothing else."""
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda host: self.lab.exec(host, ["sh", "-c", RESET], check=False), self.lab.hosts))

    def _counters(self) -> Tuple[int, int]:
        sessions = sum(self.lab.sessions(host) for host in self.lab.hosts)
        script = "cat /sys/class/net/eth0/statistics/rx_bytes"
        return sessions, sum(int(self.lab.exec(host, ["sh", "-c", script]).stdout) for host in self.lab.hosts)

    def run(self, wanted: Wanted) -> Sample:
        """One run, which must succeed.

        :raises SystemExit: it failed; with its last words.
        """
        argv, environment = self.contender.command(self.lab, wanted)
        sessions, received = self._counters()
        spent, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(argv, env=environment, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True,
                                  check=False, timeout=1800)
        self.began = begun
        seconds, now = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode != 0:
            words = (done.stdout + done.stderr).decode("utf-8", "replace")[-3000:]
            raise SystemExit("%s failed:\n%s" % (self.contender.name, words.replace(wanted.password, "…")))
        after = self._counters()
        count = len(self.lab.hosts)
        return Sample(seconds, (after[0] - sessions) / count, (after[1] - received) / count / 1000,
                      now.ru_utime + now.ru_stime - spent.ru_utime - spent.ru_stime)


class Notebook:
    """Samples, also in a file when one is named: a line of JSON each."""

    def __init__(self, path: Optional[pathlib.Path]) -> None:
        self.samples: Samples = {}
        self._path = path
        if path and path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                count, case, name, *figures = json.loads(line)
                self.samples.setdefault((count, case, name), []).append(Sample(*figures))

    def add(self, count: int, case: str, name: str, sample: Sample) -> None:
        """One more."""
        self.samples.setdefault((count, case, name), []).append(sample)
        print("  %d hosts  %-14s %-20s %6.1f s %5.1f sessions %8.0f kB %5.1f s cpu" % (count, case, name, *sample),
              file=sys.stderr, flush=True)
        if self._path:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps([count, case, name, *sample]) + "\n")


def measure(counts: List[int], repeats: int, absent: int, wanted: Wanted, notes: Notebook) -> None:
    """Samples, interleaved: within a round, each case is run by one contender after the other.

    :param counts: numbers of hosts.
    :param repeats: rounds on hosts with Docker.
    :param absent: rounds of a first deployment on untouched hosts, which installs Docker.
    """
    for count in counts if repeats or absent else []:
        fields: List[Field] = []
        try:
            for _round in range(absent):
                close(fields)
                fields += [Field.made(contender, count, "plain") for contender in contenders.everybody()]
                _case(fields, "first_absent", count, wanted, notes)
            fields = fields or [Field.made(contender, count, "docker") for contender in contenders.everybody()]
            for _round in range(repeats):
                _with_docker(fields, count, wanted._replace(password=secrets.token_urlsafe(18)), notes)
        finally:
            close(fields)


def close(fields: List[Field]) -> None:
    """Take the hosts away."""
    while fields:
        fields.pop().lab.down()


def _with_docker(fields: List[Field], count: int, wanted: Wanted, notes: Notebook) -> None:
    """The cases in an order in which each finds what it needs."""
    for field in fields:
        field.reset()
    _case(fields, "first_present", count, wanted, notes)
    _case(fields, "converged", count, wanted, notes)
    _case([Field(contenders.Nothing(), fields[0].lab)], "converged", count, wanted, notes)
    for step, seconds in _steps(fields[0].lab, wanted).items():
        notes.add(count, STEPS, step, Sample(seconds, 0, 0, 0))
    wanted = wanted._replace(kex=KEX)
    _case(fields, "one_change", count, wanted, notes)
    _case(fields, "rotation", count, wanted._replace(password=secrets.token_urlsafe(18)), notes)


def _case(fields: List[Field], case: str, count: int, wanted: Wanted, notes: Notebook) -> None:
    for field in fields:
        notes.add(count, case, field.contender.name, field.run(wanted))


def _steps(lab: Any, wanted: Wanted) -> Dict[str, float]:
    """Where the time of a converged run of ours goes: seconds by task, and of ansible-core before and after."""
    with tempfile.TemporaryDirectory() as folder:
        notes = pathlib.Path(folder, "steps")
        field = Field(contenders.Steps(notes), lab)
        ended = field.run(wanted).seconds + field.began
        lines = [line.split(" ", 1) for line in notes.read_text(encoding="utf-8").splitlines()]
    begins = [(field.began, "ansible-core begins"), *((float(when), name) for when, name in lines)]
    ends = [when for when, _name in begins[1:]] + [ended]
    return {name: end - when for (when, name), end in zip(begins, ends)}


def medians(samples: Samples) -> Dict[Tuple[int, str, str], Sample]:
    """The median of each figure."""
    return {key: Sample(*(statistics.median(column) for column in zip(*rows))) for key, rows in samples.items()}


def summary(middle: Dict[Tuple[int, str, str], Sample], rounds: Dict[str, int]) -> Dict[str, Any]:
    """The line of JSON: medians, and how many times faster than the others we are."""
    ours = contenders.Ours.name
    ratios: Dict[str, float] = {}
    for (count, case, name), sample in sorted(middle.items()):
        if case != STEPS and name != ours and (count, case, ours) in middle:
            ratios["%s, %s, %d hosts" % (case, name, count)] = round(
                sample.seconds / middle[count, case, ours].seconds, 2)
    smallest = min(count for count, _case, _name in middle)
    names = {case: "%s, by hand, %d hosts" % (case, smallest) for case in GOALS}
    reached = {case: ratios[name] for case, name in names.items() if name in ratios}
    missed = {case: ratio for case, ratio in reached.items() if ratio < GOALS[case]}
    return {"name": "bench", "ok": not missed, "rounds": rounds, "reached": reached, "missed": missed,
            "times_faster": ratios,
            "medians": {"%s, %s, %d hosts" % (case, name, count): [round(each, 1) for each in sample]
                        for (count, case, name), sample in sorted(middle.items())}}


def main() -> int:
    """The command line."""
    options = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    options.add_argument("--hosts", default="1,4,8")
    options.add_argument("--repeats", type=int, default=5)
    options.add_argument("--absent", type=int, default=2, help="rounds of a first deployment that installs Docker")
    options.add_argument("--samples", type=pathlib.Path, help="a file to add to")
    options.add_argument("--write", action="store_true", help="table and picture into docs/")
    given = options.parse_args()
    from images import build

    image = build.build("stock", say=lambda text: print("> " + text, file=sys.stderr, flush=True))
    with tempfile.TemporaryDirectory() as folder:
        archive = os.path.join(folder, "image.tar.gz")
        with open(archive, "wb") as packed, subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as save:
            subprocess.run(["gzip", "-4"], stdin=save.stdout, stdout=packed, check=True)
        notes = Notebook(given.samples)
        wanted = Wanted(image, archive, secrets.token_urlsafe(18), KEX[:1])
        measure([int(word) for word in given.hosts.split(",")], given.repeats, given.absent, wanted, notes)
    middle = medians(notes.samples)
    found = summary(middle, {"%s, %d hosts" % (case, count): len(rows) for (count, case, _name), rows
                             in sorted(notes.samples.items()) if case != STEPS})
    steps = {(count, name): sample.seconds for (count, case, name), sample in middle.items() if case == STEPS}
    cases = {key: sample for key, sample in middle.items() if key[1] != STEPS}
    table = "\n".join([report.table(cases, contenders.Ours.name), report.steps(steps), "",
                       report.goals(found["reached"], GOALS)])
    print(table)
    if given.write:
        report.write(pathlib.Path(contenders.ROOT, "docs"), table, cases, contenders.Ours.name, found["rounds"])
    print(json.dumps(found))
    return 0 if found["ok"] else 1

