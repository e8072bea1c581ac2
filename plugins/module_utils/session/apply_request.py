# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The body of the module oqs_apply: carry out sections of the plan in one execution."""

from __future__ import annotations

import contextlib
from typing import ContextManager, Mapping, NamedTuple, Optional

from ansible_collections.quantumsafe.openssh.plugins.module_utils.container import replacement
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import host_lock, paths, shape, trees
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import EXPECTED, failed
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import hop
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import Secret, ServerSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.containers import Container
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import own_sshd
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.handshakes import Proof
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.own_sshd import Offer, OwnSshd
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan import runner, typed
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.host import Host
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.ledger_file import LedgerFile
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Plan
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.resource import REMOVAL
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.runner import Look, Run
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.typed import Facts, Spec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import state
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.proof import Ran
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session import detached, report, request
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session.look_request import Seen
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session.registry import REGISTRY
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session.request import Request

Result = Mapping[str, object]


class First(NamedTuple):
    """A look of this execution, and what ``host_lock.turn`` said before it."""

    turn: int
    seen: Seen


def run(arguments: Mapping[str, object]) -> Result:
    """Carry out sections of the plan; in check mode only say what would be done.

    :param arguments: of ``request.Request``.
    :returns: ``answer.Look`` and ``done``; with ``failed``, the sentence is in ``msg``.
    """
    try:
        asked = request.parse(arguments)
        if not asked.ticket:
            return following(asked, None)
        return detached.detached(asked.ticket, lambda: dict(following(asked, None)))
    except EXPECTED as error:
        return failed(error)


def following(asked: Request, first: Optional[First]) -> Result:
    """Carry out what a look of this very execution found, as far as it is still true; without one, look first."""
    try:
        if asked.check_mode:
            return _forecast(asked)
        with host_lock.locked() as before:
            return _carried_out(asked, first.seen if first and first.turn == before else None)
    except EXPECTED as error:
        return failed(error)


def _forecast(asked: Request) -> Result:
    sshd = own_sshd.read()
    spec = _spec(asked, sshd)
    facts, plan = runner.look(REGISTRY, spec, Secret(asked.password), sshd)
    changed = bool(plan.section(REGISTRY.sections(asked.sections)))
    return dict(report.look(REGISTRY, spec, facts, plan, Proof()).to_json(), changed=changed)


def _spec(asked: Request, sshd: OwnSshd) -> Spec:
    return hop.resolved(typed.parse(asked.want, REGISTRY.specs), sshd)


def _carried_out(asked: Request, seen: Optional[Seen]) -> Result:
    sections, uploads = asked.sections, asked.parts
    state.tidy(bool(uploads))
    spec = seen.spec if seen else _spec(asked, own_sshd.read())
    ledger = LedgerFile(REGISTRY.kinds, closed=REMOVAL in sections)
    host = Host(spec, Facts(), ledger, uploads)
    absent = state.absent_ledger_folders()
    with _whole(spec, sections, ledger):
        work = Run(REGISTRY, sections, host, lambda done: _again(host, asked.password, done))
        plan = work.converge(seen.look if seen else None)
        done = [*state.made_with_the_ledger(absent, [each.name for each in work.done]), *work.done]
        result = report.look(REGISTRY, host.spec, host.facts, plan, host.facts.of(Proof)).to_json()
    if REMOVAL in sections:
        for path in (paths.LOCK_DIR, paths.OLD_LOCK):
            trees.remove(path)
        trees.remove(paths.RESULTS_DIR)
    return dict(result, done=shape.plain(plan.items(done)), changed=bool(done))


def _whole(spec: Spec, sections: "list[str]", ledger: LedgerFile) -> ContextManager[None]:
    """What keeps a container whole that this run may replace."""
    if REMOVAL in sections:
        return contextlib.nullcontext()
    return replacement.whole(spec.get(ServerSpec) if "ssh" in sections else None, ledger)


def _again(host: Host, secret: Optional[str], done: bool) -> Look:
    """Another look. The host's own sshd is not asked again, and the proof is made meanwhile once something was done."""
    known = [each for each in (host.facts.get(OwnSshd), host.facts.get(Offer)) if each is not None]
    ran = Ran(host.facts.get(Container) or Container())
    names = REGISTRY.sections(list(REGISTRY.specs))

    def settled(plan: Plan) -> bool:
        return not plan.section(names)

    also = Proof if done else None
    return runner.look(REGISTRY, host.spec, Secret(secret), ran, *known, also=also, worth=settled)
