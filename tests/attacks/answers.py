# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mutations of a real host's answer, taken through the controller's code (``test_answers.py``).

Whatever a host answers: the pins of other hosts stay byte for byte, nothing that is printed has a control character,
the ending of the run is there for the other hosts, and an answer that does not fit is refused by name.
"""

from __future__ import annotations

import copy
import json
import random
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, List, NamedTuple, Sequence, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import diff
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session import answer
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core.known import Known, parse_want
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.images import image_pull
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.pq_path import commandlines, pins
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session import answers
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session.host_variables import HostFailure
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.summary import summary, summary_algorithms

TEXTS = (
    "", "\n", "\x1b[2J", "\x00", "\r", "\u202e", "`id`", "$(id)", "a\nMatch exec id", "@cert-authority *", "%h",
    "../..", "x\n\nweb2\n----\n  log in  ssh evil", "\ud800", "a" * 5000, "-oProxyCommand=id", "::1%a *", "localhost",
    "22", "é",
)
OTHERS: Tuple[Any, ...] = (None, True, False, 0, -1, 22, 65536, 1e308, [], {}, [[]], {"a": {}}, [None], 10 ** 30)
CONTROLLER = commandlines.Controller(["mlkem768x25519-sha256"], ["ssh-ed25519"], ["ssh-ed25519"], "/home/me/.ssh")


class World(NamedTuple):
    """A controller with a host that is honest, and what it keeps of it."""

    folder: Path
    want: Any
    honest: answer.Outcome
    key: str


def places(value: Any) -> List[Tuple[Any, Any]]:
    """Every container in an answer with each of its keys."""
    found: List[Tuple[Any, Any]] = []
    for name in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        found.append((value, name))
        found += places(value[name])
    return found


def mutated(chance: random.Random, good: Any) -> Any:
    """The answer with one to three changes."""
    found = copy.deepcopy(good)
    for _change in range(chance.randint(1, 3)):
        where, name = chance.choice(places(found))
        way = chance.randrange(6)
        if way == 0 and isinstance(where, dict):
            del where[name]
        elif way == 1 and isinstance(where[name], str):
            at = chance.randint(0, len(where[name]))
            where[name] = where[name][:at] + chance.choice(TEXTS) + where[name][at:]
        elif way == 2:
            where[name] = copy.deepcopy(chance.choice(OTHERS))
        elif way == 3 and isinstance(where, list):
            where.insert(name, chance.choice(TEXTS))
        elif way == 4 and isinstance(where, dict):
            where[chance.choice(TEXTS)] = copy.deepcopy(chance.choice((*OTHERS, *TEXTS)))
        else:
            where[name] = chance.choice(TEXTS)
        if not places(found):
            return found
    return found


def taken(world: World, given: Any) -> Tuple[bool, Sequence[str]]:
    """One answer through all that the controller does with it; whether it was believed, and what would be printed."""
    try:
        outcome = answers.outcome(given)
    except answers.BadAnswer as error:
        return False, [str(HostFailure(str(error)))]
    look, path = outcome.look, str(world.folder / pins.FILE)
    target = "%s:%d" % look.hop_target
    if look.pins:
        pins.keep(path, "web1", pins.Pin("web1", "192.0.2.1", 2222, target, tuple(look.pins)))
    want, look, note = image_pull.learn(world.want, look)
    rows = {"web1": Known(want=want, look=look, done=outcome.done or []),
            "web2": Known(want=world.want, look=world.honest.look)}
    said = [note, summary.ending(rows, CONTROLLER), summary_algorithms.words(rows), summary.first_word(look)]
    said += [text for row in diff(look.plan) for text in row.values()]
    said += [str(HostFailure("; ".join(look.errors)))] if look.errors else []
    return True, said


def wrong(world: World, believed: bool, said: Sequence[str]) -> str:
    """What an answer has done that it may not; empty: nothing."""
    for text in said:
        if not all(line.isprintable() for line in text.replace("\t", "").split("\n")):
            return "something is printed that moves the cursor"
    lines = [line for line in pins.read(str(world.folder / pins.FILE)).splitlines() if " web1 " not in line]
    if lines != ["[192.0.2.2]:2222 %s oqs-ssh web2 localhost:22" % world.key]:
        return "the lines of another host, or others, have changed"
    if believed and said[1].split("\n").count("web2") != 1:
        return "the ending of another host is not there once"
    return ""


def fuzz(number: int, seed: int, good: Any, want: Any, tell: Callable[[str], None]) -> int:
    """Take so many mutations through; how many were believed.

    :raises AssertionError: one has done what it may not.
    """
    chance, believed, began = random.Random(seed), 0, time.monotonic()
    key = good["pins"][0]
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), parse_want(want), answers.outcome(good), key)
        pins.keep(str(world.folder / pins.FILE), "web2", pins.Pin("web2", "192.0.2.2", 2222, "localhost:22", (key,)))
        for count in range(1, number + 1):
            given = mutated(chance, good)
            fits, said = taken(world, given)
            believed += fits
            problem = wrong(world, fits, said)
            assert not problem, "seed %d, number %d: %s: %s" % (seed, count, problem, json.dumps(given)[:2000])
            if count % 20000 == 0:
                tell("%d answers, %d believed, %.0f s" % (count, believed, time.monotonic() - began))
    return believed
