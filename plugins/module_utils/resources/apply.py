# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Carry out a plan: under a lock, the ledger first, then the act, then another look."""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
import time
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files, host_lock, paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import desired
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import keypair
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan import bookkeeping
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import (
    BY_ANSIBLE,
    UNKNOWN,
    Item,
    Plan,
    as_dicts,
    section_names,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import (
    apply_container,
    apply_image,
    apply_lockdown,
    apply_outside,
    apply_removal,
    apply_rotation,
    apply_swap,
    apply_trial,
    assess,
    hop_target,
    look,
    password,
    planning,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.host import Host

#: A plan that needs more looks than this does not converge; a first deployment needs four.
ROUNDS = 8
#: Seconds for which parts of an image wait for the rest.
WAITING = 7 * 86400.0


class ApplyError(Exception):
    """The host could not be brought to what is wanted; the text says which resource, and what to do."""


#: kind of plan item -> the function that mends it
HANDLERS: Dict[str, Callable[[Host, Item], None]] = {}
HANDLERS.update(apply_image.HANDLERS)
HANDLERS.update(apply_container.HANDLERS)
HANDLERS.update(apply_rotation.HANDLERS)
HANDLERS.update(apply_outside.HANDLERS)
HANDLERS.update(apply_lockdown.HANDLERS)
HANDLERS.update(apply_trial.HANDLERS)
HANDLERS.update(apply_swap.HANDLERS)
HANDLERS.update(apply_removal.HANDLERS)


class First(NamedTuple):
    """A look of this execution: what it found, what follows from it, and what ``host_lock.turn`` said before it."""

    turn: int
    facts: Dict[str, Any]
    plan: Plan


def apply(
    want: Mapping[str, Any],
    sections: Sequence[str],
    secret: Optional[str],
    brought: Mapping[str, Any],
    first: Optional[First] = None,
) -> Dict[str, Any]:
    """Bring some sections of a host to what is wanted.

    :param sections: parts of ``want`` to carry out (engine, ssh, firewall, hop).
    :param brought: what the controller brought along: ``parts`` (their SHA-256, in order) of an image archive.
    :param first: the first look, if it is still true; else, and after each round, the host is looked at.
    :returns: ``done`` (the items carried out) and the result of the last look.
    :raises ApplyError: with the first cause; what was done until then stays, and another run goes on from there.
    """
    with host_lock.locked() as before:
        _tidy(bool(brought.get("parts")))
        valid = first if first and first.turn == before else None
        want = want if valid else hop_target.resolve(want, look.own_settings())
        changing = want if "ssh" in sections else {}
        with bookkeeping.closed() if "removal" in sections else apply_swap.whole(changing):
            outcome = _converge(Host(want, secret, brought), section_names(sections), secret, valid)
        if "removal" in sections:
            files.remove_file(paths.LOCK, root="/run")
            shutil.rmtree(paths.RESULTS_DIR, ignore_errors=True)
        return outcome


def _tidy(loading: bool) -> None:
    """Remove what killed runs left behind: keys that never came to their place, halves of files; and after some days
    the parts of an image that nobody came back for."""
    with contextlib.suppress(OSError):
        if not loading and time.time() - os.lstat(paths.PARTS_DIR).st_mtime > WAITING:
            shutil.rmtree(paths.PARTS_DIR)
    for path in glob.glob("/run/%s*" % keypair.FOLDER):
        with contextlib.suppress(OSError):
            if time.time() - os.lstat(path).st_mtime > cli.WORK:  # nothing that still runs is older
                shutil.rmtree(path)
    for folder in (paths.VAR_DIR, paths.STATE_DIR, paths.PRIVATE_DIR, paths.HOME_SSH, paths.IMAGES_DIR,
                   paths.LEDGER_DIR):
        with contextlib.suppress(OSError, files.UnsafePath), files.open_place(folder + "/any", "/") as place:
            files.sweep(place.fd)


def _converge(host: Host, names: List[str], secret: Optional[str], first: Optional[First]) -> Dict[str, Any]:
    done: List[Item] = []
    before: List[Item] = []
    notes: Dict[str, None] = {}
    absent = [path for path in (paths.VAR_DIR, paths.LEDGER_DIR) if not os.path.isdir(path)]

    def settled(plan: Plan) -> bool:
        return not plan.section(names)

    for _round in range(ROUNDS):
        if first:
            (_turn, host.facts, plan), first = first, None
        else:
            host.facts, plan = assess.assess(host.want, secret, host.facts, proving=settled if done else None)
        notes.update(dict.fromkeys(plan.notes))
        items = _possible(plan, names)
        if not done:
            _announce(plan.section(names))
        if not items:
            proven = host.facts.get("proof") or assess.proof(host.want, host.facts)
            if "removal" in host.want:
                plan.notes = list(notes)  # what was left is no longer seen when the ledger is gone
            elif planning.LEDGER_CUT in notes:
                plan.note(planning.LEDGER_CUT)  # the first entry of this run has mended its end
            plan.notes += host.told
            result = assess.result(host.want, host.facts, plan, proven)
            return dict(result, done=as_dicts(_ledger_made(absent, done) + done))
        if items == before:
            break
        before = items
        done += _carry_out(host, items)
    stuck = items[0]
    words = "%s is still %s; it was to be %s; if another run with other wishes was at work here, run again"
    raise ApplyError(words % (stuck.resource, _short(stuck.before), _short(stuck.after)))


def _short(text: str) -> str:
    """The beginning of a text, in one line."""
    return " ".join(text.split())[:200]


def _ledger_made(absent: Sequence[str], done: Sequence[Item]) -> List[Item]:
    """The ledger's folders, where they came into being with its first line and not as items of the plan."""
    named = {item.name for item in done if item.kind == "folder"}
    why = "state outlives the container"
    return [
        Item("state", "folder", path, "absent", desired.folders(0)[path], why)
        for path in absent if path not in named and os.path.isdir(path)
    ]


def _possible(plan: Plan, names: List[str]) -> List[Item]:
    """The items of the wanted sections.

    :raises ApplyError: the plan says that the run cannot succeed.
    """
    if plan.errors:
        raise ApplyError("; ".join(plan.errors))
    return [item for item in plan.section(names) if item.kind not in BY_ANSIBLE]


def _announce(items: Sequence[Item]) -> None:
    """Write down what the role is about to do with modules of ansible-core, and what they did the last time."""
    packages = [name for item in items if item.kind == "packages" for name in item.after.split()]
    if packages:
        bookkeeping.before_packages(packages)
    else:
        bookkeeping.after_packages()
    for item in items:
        if item.kind == "service":
            bookkeeping.record("service", item.name, item.before, item.after)
            bookkeeping.before_service(item.name)


def _carry_out(host: Host, items: Sequence[Item]) -> List[Item]:
    """Carry out items in order, up to the first that needs another look before it can be known."""
    done: List[Item] = []
    for item in items:
        makers = apply_container.FOLLOWS.get(item.kind, ())
        known = item.kind in apply_container.MAKERS or any(each.kind in makers for each in done)
        if item.after == UNKNOWN and not known:
            break
        planned = planning.known_image(host.want, host.facts) if item.kind == "image_facts" else {}
        HANDLERS[item.kind](host, item)
        done.append(item)
        if item.kind == "image_facts" and _tells(planned) != _tells(host.facts["image"]):
            break  # the rest was planned from the image's label
    return done


def _tells(image: Mapping[str, Any]) -> Dict[str, Any]:
    """What an image says of itself, without where it lies."""
    return {name: value for name, value in image.items() if name not in ("engine_id", "origin")}


#: What the functions behind a module may raise for reasons that a person can mend.
EXPECTED = (
    ApplyError,
    host_lock.LockError,
    apply_container.ContainerError,
    apply_image.ImageError,
    keypair.KeyPairError,
    password.PasswordRefused,
    *assess.EXPECTED,
)
