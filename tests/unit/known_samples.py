# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the controller knows of a host, for tests: answers, and what the run store makes of them."""

from __future__ import annotations

from typing import Any, Mapping

import core_samples as samples
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import shape
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.handshakes import Handshake
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Item
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session import answer
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core import known as knowledge
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core.known import Known


def item(**other: Any) -> Item:
    """A change as it travels."""
    return Item(**dict({
        "section": "hop", "part": "hop", "label": "hop", "kind": "file", "name": "/etc/oqs-ssh/hop_config",
        "resource": "file /etc/oqs-ssh/hop_config", "before": "absent", "after": "as wanted", "why": "the hop",
        "values": [], "said": "", "headline": "", "by_ansible": False, "pending": False,
    }, **other))


def answered(**other: Any) -> Mapping[str, Any]:
    """What a host answers to a look, as JSON; of ``host`` and of handshakes only what is named is different."""
    found: Any = shape.plain(dict(samples.LOOK, **other))
    found["host"] = dict(samples.LOOK["host"], **other.get("host", {}))
    found["proof"] = {name: dict(Handshake()._asdict(), **each) for name, each in found["proof"].items()}
    return dict(found)


def look(**other: Any) -> answer.Look:
    """The same as the controller reads it."""
    return answer.parse(answered(**other)).look


def known(want: Any = None, **other: Any) -> Known:
    """What is known of a host."""
    return Known(want=knowledge.parse_want(want or {}), **other)
