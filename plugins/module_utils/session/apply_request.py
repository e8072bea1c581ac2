# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The body of the module oqs_apply: carry out sections of the plan in one execution."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import disk
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import section_names
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import apply, assess, hop_target, look
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session import detached
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session.look_request import Result, failed


def run(arguments: Mapping[str, Any]) -> Result:
    """Carry out sections of the plan; in check mode only say what would be done.

    :param arguments: ``want``, ``password``, ``sections``, ``parts`` and ``check_mode``; with a ``ticket`` the work
        outlives the connection.
    :returns: ``assess.result`` and ``done``; with ``failed``, the sentence is in ``msg``.
    """
    if not arguments.get("ticket"):
        return _run(arguments)
    try:
        return detached.detached(arguments["ticket"], lambda: _run(arguments))
    except OSError as error:
        return failed(disk.words(error))


def following(arguments: Mapping[str, Any], seen: assess.Seen, turn: int) -> Result:
    """Carry out what a look of this very execution found.

    :param turn: of ``host_lock.turn``, from before the look.
    """
    first = apply.First(turn, seen.facts, seen.plan)
    try:
        outcome = apply.apply(seen.want, arguments["sections"], arguments["password"], {}, first)
    except apply.EXPECTED as error:
        return failed(disk.words(error))
    return dict(outcome, changed=bool(outcome["done"]))


def _run(arguments: Mapping[str, Any]) -> Result:
    want, secret, sections = arguments["want"], arguments["password"], arguments["sections"]
    try:
        if arguments["check_mode"]:
            want = hop_target.resolve(want, look.own_settings())
            facts, plan = assess.assess(want, secret)
            names = section_names(sections)
            return dict(assess.result(want, facts, plan, {}), changed=bool(plan.section(names)))
        outcome = apply.apply(want, sections, secret, {"parts": arguments["parts"]})
    except apply.EXPECTED as error:
        return failed(disk.words(error))
    return dict(outcome, changed=bool(outcome["done"]))
