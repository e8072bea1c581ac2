# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The body of the module oqs_look: look at the host and plan, in one execution. Changes nothing.

What Docker's program will be asked is asked before the rest is loaded: both take a tenth of a second.
"""

from __future__ import annotations

import contextlib
import os
from typing import Callable, ContextManager, Mapping, NamedTuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import EXPECTED, UserError, failed
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.machine import NO_ROOT
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli, image_names
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.containers import MARKED
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Plan
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.runner import Look
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.typed import Spec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session import request


class NoRoot(UserError):
    """Most of what there is to see would be hidden."""


class Seen(NamedTuple):
    """A first look: its result, what is wanted as this host resolves it, and what the result was made from."""

    result: Mapping[str, object]
    spec: Spec
    look: Look


def run(arguments: Mapping[str, object]) -> Mapping[str, object]:
    """Look and plan.

    :param arguments: of ``request.Request``.
    :returns: ``answer.Look``; with ``failed``, the sentence is in ``msg``.
    """
    try:
        asked = request.parse(arguments)
        with asking(asked.want):
            return seen(asked, lambda _plan: True).result
    except EXPECTED as error:
        return failed(error)


def seen(asked: request.Request, worth: Callable[[Plan], bool]) -> Seen:
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
    spec = hop.resolved(typed.parse(asked.want, REGISTRY.specs), sshd)
    look = runner.look(REGISTRY, spec, Secret(asked.password), sshd, also=Proof, worth=worth)
    waited = worth(look.plan) and not look.plan.errors
    proof = look.facts.of(Proof) if waited else Proof()
    return Seen(dict(report.look(REGISTRY, spec, look.facts, look.plan, proof).to_json(), changed=False), spec, look)


def asking(want: Mapping[str, object]) -> ContextManager[None]:
    """Docker is asked for what a look will want to know of it.

    :raises WrongShape: what is wanted is of another shape.
    """
    about = request.docker(want)
    if about is None:
        return contextlib.nullcontext()
    name = about.image_id
    if about.image_name and not name:
        reference = image_names.parse(about.image_name)
        name = reference.tagged or reference.pinned()
    return cli.asking(about.container, name, MARKED)
