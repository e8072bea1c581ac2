# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Nothing more is done in a play over a connection that is not proved to be quantum-safe."""

from __future__ import annotations

import typing as t

from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core.known import Want
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session.host_action import HostAction


class ActionModule(HostAction):
    """The proof as a task of anybody's play."""

    _VALID_ARGS: frozenset[str] = frozenset()

    def work(self, arguments: dict[str, t.Any], asked: Want) -> dict[str, t.Any]:
        """Fail where it is not proved, else say what was."""
        del arguments, asked
        return dict(self.proved_pq()._asdict(), changed=False)
