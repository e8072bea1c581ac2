# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look, and mend in the same execution what is mended in a moment; everything else is left to the controller's plan.

A look that is a tenth of a second old is still true, unless another run had the lock since; so nothing is asked twice.
"""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import disk, host_lock
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import QUICK, Plan
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session import look_request
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session.look_request import Result


def run(arguments: Mapping[str, Any]) -> Result:
    """Look; carry out the plan where all of it is quick.

    :param arguments: ``want``, ``password`` and ``sections``.
    :returns: what look_request gives; where something was carried out, what apply_request gives, and ``looked``: what
        the first look gave. With ``failed``, the sentence is in ``msg``.
    """
    turn = host_lock.turn()
    with look_request.asking(arguments["want"]):
        from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import assess

        try:
            seen = assess.seen(arguments["want"], arguments["password"], lambda plan: not _at_once(plan))
        except (assess.NoRoot, *assess.EXPECTED) as error:
            return look_request.failed(disk.words(error))
    if not _at_once(seen.plan):
        return seen.result
    from ansible_collections.quantumsafe.openssh.plugins.module_utils.session import apply_request

    return dict(apply_request.following(arguments, seen, turn), looked=seen.result)


def _at_once(plan: Plan) -> bool:
    return bool(plan.items) and not plan.errors and all(item.kind in QUICK for item in plan.items)
