# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The body of the module oqs_look: look at the host and plan, in one execution. Changes nothing.

What Docker's program will be asked is asked before the rest is loaded: both take a tenth of a second.
"""

from __future__ import annotations

import contextlib
import os
from typing import Any, Callable, ContextManager, Mapping, NamedTuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import commands
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import EXPECTED, UserError, failed
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.machine import NO_ROOT
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli, image_names
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Plan
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.runner import Look
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.typed import Spec


class NoRoot(UserError):
    """Most of what there is to see would be hidden."""


class Seen(NamedTuple):
    """A first look: its result, what is wanted as this host resolves it, and what the result was made from."""

    result: Mapping[str, Any]
    spec: Spec
    look: Look


def run(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Look and plan.

    :param arguments: ``want`` and ``password``.
    :returns: ``answer.Look``; with ``failed``, the sentence is in ``msg``.
    """
    try:
        with asking(arguments["want"]):
            return seen(arguments, lambda _plan: True).result
    except EXPECTED as error:
        return failed(error)


def seen(arguments: Mapping[str, Any], worth: Callable[[Plan], bool]) -> Seen:
    """The first look of an execution.

    :param worth: whether a plan is worth waiting for the proof.
    :raises UserError: something could not be read.
    """
    from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import (
        hop,  # Docker is asked before all this is loaded
    )
    from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import Secret
    from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import own_sshd
    from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.handshakes import Proof
    from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan import runner, typed
    from ansible_collections.quantumsafe.openssh.plugins.module_utils.session import report
    from ansible_collections.quantumsafe.openssh.plugins.module_utils.session.registry import REGISTRY

    if os.geteuid() != 0:
        raise NoRoot("nothing was changed; " + NO_ROOT)
    sshd = own_sshd.read()
    spec = hop.resolved(typed.parse(arguments["want"], REGISTRY.specs), sshd)
    look = runner.look(REGISTRY, spec, Secret(arguments["password"]), sshd, also=Proof, worth=worth)
    waited = worth(look.plan) and not look.plan.errors
    proof = look.facts.of(Proof) if waited else Proof()
    return Seen(dict(report.look(REGISTRY, spec, look.facts, look.plan, proof).to_json(), changed=False), spec, look)


def asking(want: Mapping[str, Any]) -> ContextManager[None]:
    """Docker is asked for what a look will want to know of it."""
    part = want.get("ssh") or want.get("hop") or {}
    image = part.get("image") or {}
    name = image.get("id") or ""
    if image and not name:
        reference = image_names.parse(image["name"])
        name = reference.tagged or reference.pinned()
    return commands.ahead(cli.questions(part.get("container") or "", name)) if part else contextlib.nullcontext()
