# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How long it takes to judge a large firewall: size against time, and how time grows with size.

Ban lists of 30,000 single rules are usual, sets of 200,000 networks are, too. A slope of 1 is linear.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import sys
import time
from typing import Callable, Dict, List, Sequence, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import iptables, ufw
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.backend import TAG
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset import (
    iptables_save,
    listing,
    model,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.packets import Here
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.spec import FirewallSpec

SPEC = FirewallSpec("present", "auto", [], 2222, "oqs-ssh")
WAYS = (Here("eth0", ("198.51.100.7",)),)
#: Seconds that one evaluation may take at the largest size.
GOAL = 1.0
_HEAD = ["*filter", ":INPUT DROP [0:0]", "-A INPUT -i lo -j ACCEPT", "-A INPUT -m state --state ESTABLISHED -j ACCEPT"]

Judge = Callable[[], bool]


def address(number: int, last: int = 7) -> str:
    """One of 2^24 addresses, each in a network of its own."""
    return "%d.%d.%d.%d" % (11 + (number >> 16), number >> 8 & 255, number & 255, last)


def in_iptables(size: int) -> Judge:
    """Bans as single rules of iptables, in front of a closed port."""
    rows = ["-A INPUT -s %s/32 -j DROP" % address(number) for number in range(size)]
    text = "\n".join([*_HEAD, *rows, "COMMIT", ""])

    def judge() -> bool:
        saved = iptables_save.parse(text, "ip")
        return saved is not None and iptables.opening(saved, SPEC, WAYS).at == size + 2

    return judge


def in_ufw(size: int) -> Judge:
    """Bans as rules of ufw."""
    text = "".join("### tuple ### deny any any 0.0.0.0/0 any %s in\n" % address(number) for number in range(size))
    found = ufw.Ufw("ENABLED=yes\n", "IPV6=no\n", {"ip": text, "ip6": ""}, True, WAYS)
    return lambda: bool(ufw.opening(SPEC, found).rules)


def _listed(rules: List[object], more: Sequence[object] = ()) -> bytes:
    place = {"family": "inet", "table": "f"}
    chain = {"chain": {**place, "name": "in", "hook": "input", "type": "filter", "policy": "drop"}}
    listed = [{"rule": {**place, "chain": "in", "handle": number, "expr": rule}} for number, rule in enumerate(rules)]
    return json.dumps({"nftables": [chain, *more, *listed]}).encode()


def _from(what: object) -> List[object]:
    source = {"payload": {"protocol": "ip", "field": "saddr"}}
    return [{"match": {"op": "==", "left": source, "right": what}}, {"drop": None}]


def _judge_nft(data: bytes) -> Judge:
    return lambda: bool(model.rules_for(listing.parse(data), 2222, [], TAG, ways=WAYS))


def in_nftables(size: int) -> Judge:
    """Bans as single rules of nftables."""
    return _judge_nft(_listed([_from(address(number)) for number in range(size)]))


def in_a_set(size: int) -> Judge:
    """Bans as networks of one set."""
    elements = [{"prefix": {"addr": address(number, 0), "len": 24}} for number in range(size)]
    named = {"set": {"family": "inet", "table": "f", "name": "bans", "type": "ipv4_addr", "elem": elements}}
    return _judge_nft(_listed([_from("@bans")], [named]))


#: What is judged, and its largest size.
CASES: Dict[str, Tuple[Callable[[int], Judge], int]] = {
    "rules of iptables": (in_iptables, 30_000),
    "rules of ufw": (in_ufw, 30_000),
    "rules of nftables": (in_nftables, 30_000),
    "networks in a set": (in_a_set, 200_000),
}


def measure(make: Callable[[int], Judge], size: int) -> float:
    """Seconds of the first evaluation at a size.

    :raises SystemExit: it was judged wrongly.
    """
    judge = make(size)
    gc.collect()
    gc.disable()  # as on a host (session.transport)
    begin = time.perf_counter()
    good = judge()
    taken = time.perf_counter() - begin
    gc.enable()
    if not good:
        raise SystemExit("the verdict is wrong at size %d" % size)
    return taken


def main(arguments: Sequence[str]) -> int:
    """The command line."""
    argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0]).parse_args(arguments)
    slopes, largest = {}, {}
    for name, (make, most) in CASES.items():
        sizes = [most // 4, most // 2, most]
        taken = {size: measure(make, size) for size in sizes}
        slopes[name] = round(math.log(taken[most] / taken[sizes[0]]) / math.log(most / sizes[0]), 2)
        largest[name] = round(taken[most], 2)
        rows = ", ".join("%d: %.2f s" % each for each in taken.items())
        print("%-18s %s; slope %.2f" % (name, rows, slopes[name]))
    good = all(seconds <= GOAL for seconds in largest.values())
    print(json.dumps({"name": "bench-rules", "ok": good, "goal": GOAL, "seconds": largest, "slopes": slopes}))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
