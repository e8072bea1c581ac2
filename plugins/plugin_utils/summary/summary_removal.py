# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run that takes everything away says: what went, what was left, and why. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.describe import printable
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Item
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session.answer import Look
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core.known import Known


def first_word(look: Look) -> str:
    """What there is, in one line."""
    container = [item.name for item in look.plan if item.kind == "container_gone"]
    if not look.plan:
        return "nothing of this collection is to be taken away here"
    return "%d things to take away%s" % (
        len(look.plan), ", the container %s among them" % printable(", ".join(container)) if container else "")


def host(known: Known, look: Look) -> list[str]:
    """The ending for a host."""
    if known.check:
        said = "nothing (check mode); a run would take away: " + (_things(look.plan) or "nothing")
    else:
        said = _things(known.done) or "nothing, nothing of ours was here"
    return ["  %-11s %s" % ("gone", said)] + ["  %-11s %s" % ("left", note) for note in look.notes]


def last(rows: t.Mapping[str, Known], named: t.Sequence[str]) -> list[str]:
    """The last line: how many hosts are done."""
    good = sum(1 for row in rows.values() if not row.failed and row.look and not row.check)
    later = sum(1 for name, row in rows.items() if not row.begun and name not in named)
    return ["", "%d of %d hosts are rid of it%s." % (good, len(rows), ", %d to come" % later if later else "")]


def _things(items: t.Sequence[Item]) -> str:
    called = [(item.said or item.resource).strip() for item in items]
    return ", ".join(dict.fromkeys(filter(None, called)))
