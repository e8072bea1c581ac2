# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The body of the module oqs_look: look at the host and plan, in one execution. Changes nothing.

Loads nothing of what changes hosts: on a host where all is as wanted, this is all that is run. What Docker's program
will be asked is asked before the rest is loaded: both take a tenth of a second.
"""

from __future__ import annotations

import contextlib
from typing import Any, ContextManager, Dict, Mapping

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import commands, disk
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli, image_names

Result = Dict[str, Any]


def run(arguments: Mapping[str, Any]) -> Result:
    """Look and plan.

    :param arguments: ``want`` and ``password``.
    :returns: ``assess.result``; with ``failed``, the sentence is in ``msg``.
    """
    with asking(arguments["want"]):
        from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import assess

        try:
            return assess.seen(arguments["want"], arguments["password"], assess.always).result
        except (assess.NoRoot, *assess.EXPECTED) as error:
            return failed(disk.words(error))


def asking(want: Mapping[str, Any]) -> ContextManager[None]:
    """Docker is asked for what a look will want to know of it."""
    part = want.get("ssh") or want.get("hop") or {}
    image = part.get("image") or {}
    name = image.get("id") or ""
    if image and not name:
        reference = image_names.parse(image["name"])
        name = reference.tagged or reference.pinned()
    return commands.ahead(cli.questions(part.get("container") or "", name)) if part else contextlib.nullcontext()


def failed(words: str) -> Result:
    """A failure in a module's words."""
    return {"failed": True, "changed": False, "msg": words}
