# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look, and carry out in the same execution what is done in a moment; everything else is left to the controller's plan.

A look that is a tenth of a second old is still true, unless another run had the lock since; so nothing is asked twice.
"""

from __future__ import annotations

from typing import Mapping

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import host_lock
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import EXPECTED, failed
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Plan
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session import look_request, request


def run(arguments: Mapping[str, object]) -> Mapping[str, object]:
    """Look; carry out the plan where all of it is quick.

    :param arguments: of ``request.Request``.
    :returns: what look_request gives; where something was carried out, what apply_request gives, and ``looked``: what
        the first look gave. With ``failed``, the sentence is in ``msg``.
    """
    turn = host_lock.turn()
    try:
        asked = request.parse(arguments)
        with look_request.asking(asked.want):
            seen = look_request.seen(asked, lambda plan: not _at_once(plan))
    except EXPECTED as error:
        return failed(error)
    if not _at_once(seen.look.plan):
        return seen.result
    from ansible_collections.quantumsafe.openssh.plugins.module_utils.session import (
        apply_request,  # most hosts need none of it
    )

    return dict(apply_request.following(asked, apply_request.First(turn, seen)), looked=seen.result)


def _at_once(plan: Plan) -> bool:
    return bool(plan.changes) and not plan.errors and all(each.quick for each in plan.changes)
