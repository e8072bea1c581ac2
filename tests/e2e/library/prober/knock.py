# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tries a wrong password again and again, from one address or from many: a program in a container of the prober's.

Standard input: one JSON object with address, port, network, sources, user, seconds and attempts (both are bounds).
Standard output: one JSON object: states with their counts, how many attempts sshd judged, seconds.
"""

from __future__ import annotations

import asyncio
import collections
import ipaddress
import json
import sys
import time
from typing import Any, Dict

from tests.e2e.library.prober.client import Wanted, look
from tests.e2e.library.prober.watch import take_addresses


async def knock(told: Dict[str, Any]) -> Dict[str, Any]:
    """One attempt after the other, the sources in turn."""
    states: Dict[str, int] = collections.Counter()
    judged, began = 0, time.monotonic()
    for number in range(told["attempts"]):
        if time.monotonic() - began > told["seconds"]:
            break
        source = told["sources"][number % len(told["sources"])]
        seen = await look(told["address"], told["port"], source, Wanted(told["user"], "wrong", "wrong"), 2.0)
        states[seen.state] += 1
        judged += bool(seen.tried)
    return {"states": states, "judged": judged, "seconds": round(time.monotonic() - began, 2)}


def main() -> None:
    """Only in the lab's network."""
    told = json.load(sys.stdin)
    take_addresses(ipaddress.ip_network(told["network"]), told["sources"], [told["address"]])
    print(json.dumps(asyncio.run(knock(told))))


if __name__ == "__main__":
    main()
