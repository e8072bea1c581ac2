# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look at a host and plan; carry a plan out: the ledger first, then the act, then another look."""

from __future__ import annotations

from concurrent import futures
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import machine
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import UserError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.sshconfig import ConfigError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.host import Host
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.ledger_file import LedgerFile
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Change, Plan
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.resource import Registry
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.typed import Facts, Spec

#: A plan that needs more looks than this does not converge; a first deployment needs four.
ROUNDS = 8


class RunError(UserError):
    """The host could not be brought to what is wanted; the text says which resource, and what to do."""


class Look(NamedTuple):
    """What was found, and what follows from it."""

    facts: Facts
    plan: Plan


def look(
    registry: Registry, spec: Spec, *known: object, also: Optional[type] = None,
    worth: Callable[[Plan], bool] = lambda _plan: True,
) -> Look:
    """Everything about a host that the wanted sections need, and the plan.

    :param known: facts that are known already.
    :param also: a fact that is read meanwhile, and waited for only where the plan is ``worth`` it.
    :raises UserError: something could not be read.
    """
    ledger = LedgerFile(registry.kinds).read()
    facts = Facts(spec, ledger, machine.read(), *known, readers=registry.readers)
    # Nearly all of the time goes by in waiting for other programs: side by side it is half.
    parts = registry.parts(spec)
    early = dict.fromkeys(kind for each in registry.resources if each.part in parts for kind in each.early)
    pool = futures.ThreadPoolExecutor(max_workers=len(early) + 1)
    try:
        begun: List[futures.Future[object]] = [pool.submit(facts.of, kind) for kind in early]
        last: Optional[futures.Future[object]] = pool.submit(facts.of, also) if also else None
        plan = make_plan(registry, spec, facts)
        for each in begun:
            each.result()
        if last and worth(plan):
            last.result()
    finally:
        pool.shutdown(wait=False)
    return Look(facts, plan)


def make_plan(registry: Registry, spec: Spec, facts: Facts) -> Plan:
    """What is not as wanted, and what forbids it; with a removal, also what is taken back."""
    plan = Plan(registry.places)
    for each in registry.planning:
        if plan.stopped or each.part in plan.left:
            continue
        try:
            each.plan(spec, facts, plan)
        except ConfigError as error:  # a configuration at hand cannot be edited without harm; others go on, so that
            plan.refuse(str(error))  # one run says all that is wrong
    for each in registry.restoring if registry.removes(spec) else ():
        each.restore(facts, plan)
    return plan


class Run:
    """Brings some sections of a host to what is wanted.

    :param sections: names of sections of what is wanted, or of the plan.
    :param again: looks at the host; is given whether anything was carried out yet.
    """

    def __init__(
        self, registry: Registry, sections: Sequence[str], host: Host, again: Callable[[bool], Look]
    ) -> None:
        self.registry = registry
        self.names = registry.sections(sections)
        self.host = host
        self.again = again
        self.done: List[Change] = []

    def converge(self, first: Optional[Look]) -> Plan:
        """Look, carry out, look again, until nothing is left to do; the plan of the last look.

        :param first: the first look, if it is still true.
        :raises RunError: with the first cause; what was done until then stays, and another run goes on from there.
        """
        before: List[Change] = []
        lasting: Dict[str, None] = {}
        for number in range(ROUNDS):
            self.host.facts, plan = first if first and not number else self.again(bool(self.done))
            gone = self.registry.removes(self.host.spec)  # what was left is no longer seen when the ledger is gone
            lasting.update(dict.fromkeys(plan.notes if gone else plan.lasting))
            if plan.errors:
                raise RunError("; ".join(plan.errors))
            planned = plan.section(self.names)
            for each in self.registry.resources if not self.done else ():
                each.announce(self.host, planned)
            changes = [each for each in planned if not each.by_ansible]
            if not changes:
                plan.notes = list(dict.fromkeys([*lasting, *plan.notes, *self.host.notes]))
                return plan
            if list(map(_shape, changes)) == list(map(_shape, before)):
                break
            before = changes
            self._carry_out(changes)
        words = "%s is still %s; it was to be %s; if another run that wants something else was at work here, run again"
        raise RunError(words % (before[0].resource, _short(before[0].before), _short(before[0].after)))

    def _carry_out(self, changes: Sequence[Change]) -> None:
        """Carry out changes in order, up to the first that needs another look before it can be known."""
        done: List[Change] = []
        as_planned = True
        for each in changes:
            known = not each.needs or any(one.kind in each.needs for one in done)
            if not as_planned or not each.act or (each.pending and not known):
                break
            as_planned = not each.act(self.host)
            done.append(each)
            self.done.append(each)


def _shape(change: Change) -> Sequence[str]:
    return (change.section, change.kind, change.name, change.before, change.after)


def _short(text: str) -> str:
    """The beginning of a text, in one line."""
    return " ".join(text.split())[:200]
