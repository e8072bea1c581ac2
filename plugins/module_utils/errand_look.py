# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The body of the module oqs_look: look at the host and plan, in one execution. Changes nothing.

Loads nothing of what changes hosts: on a host where all is as wanted, this is all that is run.
"""

from __future__ import annotations

import os
from typing import Any, Dict, Mapping

from ansible_collections.quantumsafe.openssh.plugins.module_utils import assess, disk, hop_target, look, planning

Result = Dict[str, Any]


def run(arguments: Mapping[str, Any]) -> Result:
    """Look and plan.

    :param arguments: ``want`` and ``password``.
    :returns: ``assess.result``; with ``failed``, the sentence is in ``msg``.
    """
    if os.geteuid() != 0:  # most of what there is to see would be hidden
        return failed("nothing was changed; " + planning.NO_ROOT)
    try:
        want = hop_target.resolve(arguments["want"], look.own_settings())
        facts, plan = assess.assess(want, arguments["password"], proving=True)
    except assess.EXPECTED as error:
        return failed(disk.words(error))
    return dict(assess.result(want, facts, plan, {} if plan.errors else facts["proof"]), changed=False)


def failed(words: str) -> Result:
    """A failure in a module's words."""
    return {"failed": True, "changed": False, "msg": words}
