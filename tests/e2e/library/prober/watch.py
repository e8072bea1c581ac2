# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Watches ports from outside, for as long as it is told: the program in the prober's container.

On standard input comes one JSON object (secrets are in it, so it is no argument):

    targets   [{"host": name, "address": …, "port": …, "network": what the address must lie in}]
    views     {"inside": [addresses to come from], "outside": […]}   who may connect, and who may not
    control   [addresses for the control login]
    passwords {name: password}; "right" is tried from outside only
    seed      64 hexadecimal digits: the control login's ed25519 key
    seconds, connections   bounds of the whole
    steady    seconds between two handshakes while the same server goes on answering

It writes JSON lines to the file that is its argument. Each is a stretch of time in which one view of one host (or the
control login) saw the same: host, view, state, key, methods, since, until, count, tried, words, and gap, the longest
time without a connection.
While nothing answers it looks every 5 ms from inside and every 20 ms from outside; for 1.5 s after any change it
makes as many handshakes as go through.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import random
import signal
import subprocess
import sys
import time
from typing import Any, Dict, List, Optional, TextIO

from tests.e2e.library.prober.client import Seen, Wanted, look
from tests.e2e.library.prober.crypto import Signer

TICK = {"inside": 0.005, "outside": 0.02}  # seconds
FRESH = 1.5  # seconds after a change in which every chance is taken
TALKING, WAITING = 2, 60  # connections of a view at a time: in conversation, in all
AUTHFAIL, NOAUTH, MOST = 5.0, 1.0, 9.0  # sshd's penalties in seconds (sshd_config(5)); it acts from 15 on
DEFAULTS = ("default", "older default")


class Sources:
    """Addresses to come from, and what sshd may hold against each."""

    def __init__(self, addresses: List[str]) -> None:
        self.held: Dict[str, float] = dict.fromkeys(addresses, 0.0)  # until when, on the monotonic clock

    def take(self, cost: float) -> Optional[str]:
        """An address that can afford it; None where all have to wait. What costs nothing is given back later."""
        now = time.monotonic()
        best = min(self.held, key=lambda one: self.held[one])
        if self.held[best] - now > MOST:
            return None
        self.held[best] = max(now, self.held[best]) + cost
        return best

    def give_back(self, address: str, cost: float) -> None:
        """No sshd has seen it."""
        self.held[address] -= cost

    def shut_out(self, address: str) -> None:
        """It was told to wait."""
        self.held[address] = time.monotonic() + 20


class Book:
    """The time line."""

    def __init__(self, out: TextIO) -> None:
        self.out = out
        self.open: Dict[str, Dict[str, Any]] = {}

    def note(self, host: str, view: str, began: float, seen: Seen) -> bool:
        """Write down what was seen. :returns: it is news."""
        name = "%s %s" % (host, view)
        line = self.open.get(name)
        now = time.time()
        same = line is not None and all(line[key] == getattr(seen, key) for key in ("state", "key", "methods"))
        if not same:
            if line is not None:
                self.write(line)
            line = {"host": host, "view": view, "state": seen.state, "key": seen.key, "methods": seen.methods,
                    "since": round(began, 4), "until": 0, "gap": 0, "count": 0, "tried": {}, "words": seen.words}
            self.open[name] = line
        assert line is not None
        line["gap"] = round(max(line["gap"], began - (line["until"] or began)), 4)
        line["until"] = round(now, 4)
        line["count"] += 1
        if seen.tried:
            line["tried"][seen.tried] = line["tried"].get(seen.tried, 0) + 1
        return not same

    def write(self, line: Dict[str, Any]) -> None:
        """One line, at once."""
        self.out.write(json.dumps(line) + "\n")
        self.out.flush()

    def close(self) -> None:
        """What is still open ends now."""
        for line in self.open.values():
            self.write(line)


class View:
    """One host as seen by those who may connect, or by those who may not."""

    def __init__(self, watch: Watch, target: Dict[str, Any], name: str, addresses: List[str]) -> None:
        self.watch, self.target, self.name = watch, target, name
        self.sources = Sources(addresses)
        self.talking = self.waiting = self.number = 0
        self.changed = time.monotonic()
        self.tried = self.looked = 0.0

    def wanted(self, fresh: bool) -> Wanted:
        """What to try now: the default password first and most often, in calm times one every two seconds."""
        self.number += 1
        now = time.monotonic()
        if not fresh and now - self.tried < FRESH:
            return Wanted()
        self.tried = now
        names = [name for name in self.watch.passwords if name != "right"]
        if self.name == "outside":
            names.insert(0, "right")
        name = names[0] if self.number % 2 else names[self.number // 2 % len(names)]
        return Wanted(name=name, password=self.watch.passwords[name])

    async def one(self, source: str, wanted: Wanted, cost: float) -> None:
        """One connection."""
        began = time.time()
        self.waiting += 1
        try:
            seen = await look(self.target["address"], self.target["port"], source, wanted)
        finally:
            self.waiting -= 1
        if seen.state in ("no answer", "refused"):
            self.sources.give_back(source, cost)
        if seen.state == "dropped" and "Not allowed" in seen.words:
            self.sources.shut_out(source)
        if self.watch.book.note(self.target["host"], self.name, began, seen):
            self.changed = time.monotonic()
        if seen.state in ("handshake", "login", "dropped", "banner"):
            self.looked = time.monotonic()
            self.served = True
        else:
            self.served = False

    served = False

    async def run(self) -> None:
        """Until the end."""
        running = set()
        while not self.watch.ended.is_set():
            now = time.monotonic()
            fresh = now - self.changed < FRESH
            due = not self.served or now - self.looked > (0 if fresh else self.watch.steady)
            room = self.waiting < (TALKING if self.served else WAITING) and self.watch.may()
            if due and room:
                self.looked = now
                wanted = self.wanted(fresh)
                cost = AUTHFAIL if wanted.name else NOAUTH
                source = self.sources.take(cost)
                if source:
                    task = asyncio.ensure_future(self.one(source, wanted, cost))
                    running.add(task)
                    task.add_done_callback(running.discard)
            await asyncio.sleep(TICK[self.name])
        for task in running:
            task.cancel()


class Watch:
    """Everything that is watched."""

    def __init__(self, told: Dict[str, Any], out: TextIO) -> None:
        self.told, self.book = told, Book(out)
        self.passwords: Dict[str, str] = told["passwords"]
        self.steady: float = told["steady"]
        self.left: int = told["connections"]
        self.ended = asyncio.Event()
        self.signer = Signer(bytes.fromhex(told["seed"]))

    def may(self) -> bool:
        """One more connection, if the bound allows it."""
        self.left -= 1
        return self.left > 0

    async def control(self, target: Dict[str, Any]) -> None:
        """A login by key, twice a second: as long as it succeeds, the prober is not blind."""
        while not self.ended.is_set():
            began = time.time()
            source = random.choice(self.told["control"])
            wanted = Wanted(name="key", signer=self.signer)
            seen = await look(target["address"], target["port"], source, wanted)
            self.book.note(target["host"], "control", began, seen)
            await asyncio.sleep(0.5)

    async def run(self) -> None:
        """All views of all targets."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.ended.set)
        loop.call_later(self.told["seconds"], self.ended.set)
        tasks = []
        for target in self.told["targets"]:
            for name, addresses in self.told["views"].items():
                tasks.append(asyncio.ensure_future(View(self, target, name, addresses).run()))
            tasks.append(asyncio.ensure_future(self.control(target)))
        done, _rest = await asyncio.wait([asyncio.ensure_future(self.ended.wait()), *tasks],
                                         return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        self.book.close()
        for task in done:
            task.result()


def take_addresses(network: ipaddress.IPv4Network, sources: List[str], targets: List[str]) -> None:
    """Come from many addresses; none of them, and nobody who is knocked at, may lie outside of the lab."""
    for address in [*sources, *targets]:
        if ipaddress.ip_address(address) not in network:
            sys.exit("%s is not in the lab's network %s" % (address, network))
    for address in sources:
        subprocess.run(["ip", "address", "add", "%s/%d" % (address, network.prefixlen), "dev", "eth0"], check=True)


def main() -> None:
    """Check that only the lab is watched, take the addresses, watch."""
    told = json.load(sys.stdin)
    sources = sorted({one for group in told["views"].values() for one in group} | set(told["control"]))
    take_addresses(ipaddress.ip_network(told["network"]), sources, [target["address"] for target in told["targets"]])
    with open(sys.argv[1], "a", encoding="utf-8") as out:
        asyncio.run(Watch(told, out).run())


if __name__ == "__main__":
    main()
