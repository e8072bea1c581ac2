# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host is asked to do in one execution: the bodies of the modules oqs_look and oqs_apply.

Arguments in, result out; a result with ``failed`` has its sentence in ``msg``.
"""

from __future__ import annotations

import os
from typing import Any, Callable, Dict, Mapping

from ansible_collections.quantumsafe.openssh.plugins.module_utils import apply, assess, disk, hop_target, look, planning
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan import section_names

Result = Dict[str, Any]


def looked(arguments: Mapping[str, Any]) -> Result:
    """Look at the host and plan; changes nothing.

    :param arguments: ``want`` and ``password``.
    """
    if os.geteuid() != 0:  # most of what there is to see would be hidden
        return failed("nothing was changed; " + planning.NO_ROOT)
    secret = arguments["password"]
    try:
        want = hop_target.resolve(arguments["want"], look.own_settings())
        facts, plan = assess.assess(want, secret)
        proven = assess.proof(want, facts) if not plan.errors else {}
    except apply.EXPECTED as error:
        return failed(disk.words(error))
    return dict(assess.result(want, facts, plan, proven), changed=False)


def applied(arguments: Mapping[str, Any]) -> Result:
    """Carry out sections of the plan; in check mode only say what would be done.

    :param arguments: ``want``, ``password``, ``sections``, ``parts`` and ``check_mode``.
    """
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


def failed(words: str) -> Result:
    """A failure in a module's words."""
    return {"failed": True, "changed": False, "msg": words}


#: by the name of the module
ERRANDS: Mapping[str, Callable[[Mapping[str, Any]], Result]] = {"oqs_look": looked, "oqs_apply": applied}
